/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patch: the current version is read, changed and stored again in one transaction. What comes of it
 * is checked like any body; the id and the type stay.
 */
#include "interact/patch.h"

#include "base/base64.h"
#include "interact/binary.h"
#include "interact/criteria.h"
#include "interact/interact.h"
#include "interact/sight.h"
#include "interact/trail.h"

typedef struct patch_work {
    const fhs_patch *patch;
    fhs_str id;
    fhs_condition condition;
    bool with_body;
    fhs_answer *answer;
    const fhs_str *criteria;      /* find the resource, where this is not NULL */
    const fhs_patch_entry *entry; /* of a transaction; NULL: this is none */
    const fhs_rewrite *rewrite;   /* in place of a patch; NULL: there is one */
    fhs_buf *old_text;
    fhs_buf *new_text;
} patch_work;

/* The text of the current version, which must be there. */
static fhirstore_status read_old(fhs_call *call, const patch_work *work, fhirstore_error **err)
{
    int32_t type = fhs_catalog_type(call->session->core->catalog, call->type);
    fhs_version version;
    fhirstore_status status = fhs_sight_find(call, call->type, work->id, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_read(call->conn, type, work->id, &version, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    call->version_before = version.version;
    if (version.is_deleted) {
        fhs_answer_describe(work->answer, call->type, &version);
        return fhs_fail_plain(err, FHIRSTORE_ERR_DELETED);
    }
    if (work->condition.if_version > 0 && work->condition.if_version != version.version) {
        return fhs_fail(err, FHIRSTORE_ERR_PRECONDITION,
                        "If-Match names version %lld, the current one is %lld",
                        (long long)work->condition.if_version, (long long)version.version);
    }
    /* What is hidden is no part of what can be patched; storing it puts it back. */
    return fhs_sight_take_body(call, call->type, &version, work->old_text, err);
}

static fhirstore_status stays(const fhs_json *root, fhs_str name, fhs_str want, const char *what,
                              fhirstore_error **err)
{
    fhs_str text = FHS_STR_NONE;
    if (!fhs_json_is(root, FHS_JSON_OBJECT) || !fhs_json_get_string(root, name, &text) ||
        !fhs_str_eq(text, want)) {
        fhirstore_status status = fhs_fail(err, FHIRSTORE_ERR_PATCH, "%s", what);
        fhs_error_expression(err, name);
        return status;
    }
    return FHIRSTORE_OK;
}

/* Why the result is no resource, as issues of an error that says so. */
static fhirstore_status broken_by_patch(fhirstore_error **why, fhirstore_error **err)
{
    const fhirstore_error *reason = why == NULL ? NULL : *why;
    fhirstore_status status = fhs_fail(err, FHIRSTORE_ERR_PATCH,
                                       "the resource would not be valid afterwards");
    for (uint32_t i = 0; i < fhs_error_issue_count(reason); i++) {
        fhirstore_issue issue = {.struct_size = sizeof issue};
        if (fhs_error_issue(reason, i, &issue)) {
            (void)fhs_error_add_issue(err, FHS_SEVERITY_ERROR, issue.code,
                                      fhs_str_from_cstr(issue.expression), "%s", issue.text);
        }
    }
    return status;
}

/* Links of the transaction that the patch brought in; new_text holds the result. */
static fhirstore_status link_new(fhs_call *call, const patch_work *work, const fhs_json *root,
                                 fhirstore_error **err)
{
    bool changed = false;
    fhs_linked_text linking = work->entry->linking;
    linking.type = call->type;
    linking.text = fhs_buf_str(work->new_text);
    linking.root = root;
    fhs_buf_reset(work->old_text);
    fhirstore_status status = fhs_links_rewrite(work->entry->links, call->session->core->fhir,
                                                &linking, work->old_text, &changed, err);
    if (status >= FHIRSTORE_OK && changed) {
        fhs_buf_reset(work->new_text);
        fhs_buf_add_str(work->new_text, fhs_buf_str(work->old_text));
        status = fhs_buf_status(work->new_text);
        return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
    }
    return status;
}

/* What the patch made of the resource, read and checked. */
static fhirstore_status prepare_new(fhs_call *call, const patch_work *work, fhs_prepared *out,
                                    fhirstore_error **err)
{
    fhs_session *session = call->session;
    const fhs_str text = fhs_buf_str(work->new_text);
    const fhs_json *root;
    fhirstore_error *why = NULL;
    fhirstore_status status = fhs_json_read(&session->arena, text, NULL, &root, err);
    if (status >= FHIRSTORE_OK) {
        status = stays(root, FHS_LIT("resourceType"),
                       fhs_type_name(session->core->fhir, call->type),
                       "a patch cannot change the type of a resource", err);
    }
    if (status >= FHIRSTORE_OK) {
        status = stays(root, FHS_LIT("id"), work->id, "a patch cannot change the id of a resource",
                       err);
    }
    if (status >= FHIRSTORE_OK && work->entry != NULL) {
        status = link_new(call, work, root, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_prepare(session, call->type, fhs_buf_str(work->new_text), out, &why);
    if (status == FHIRSTORE_ERR_NO_MEMORY) {
        (void)fhs_fail_memory(err);
    } else if (status < FHIRSTORE_OK) {
        status = broken_by_patch(&why, err);
    }
    fhs_error_free(why);
    return status;
}

static fhirstore_status patch_run(fhs_call *call, void *ctx, fhirstore_error **err)
{
    patch_work *work = ctx;
    fhs_session *session = call->session;
    fhs_prepared prepared;
    if (!fhs_id_is_valid(work->id)) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_NOT_FOUND);
    }
    fhirstore_status status = fhs_trail_guard(call, call->type, work->id, err);
    if (status >= FHIRSTORE_OK) {
        status = read_old(call, work, err);
    }
    if (status >= FHIRSTORE_OK && work->rewrite != NULL) {
        status = work->rewrite->rewrite(work->rewrite->ctx, fhs_buf_str(work->old_text),
                                        work->new_text, err);
    } else if (status >= FHIRSTORE_OK) {
        status = fhs_patch_apply(&session->arena, session->core->fhir, work->patch,
                                 fhs_buf_str(work->old_text), work->new_text, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = prepare_new(call, work, &prepared, err);
    }
    /* A patch that changes nothing is not to show what its sender may not read. */
    bool with_body = work->with_body;
    if (status >= FHIRSTORE_OK && with_body && work->rewrite == NULL) {
        status = fhs_may_read(call, call->type, work->id, &with_body, err);
    }
    return status < FHIRSTORE_OK ? status
                                 : fhs_store_resource(call, &prepared, work->id, &work->condition,
                                                      with_body, work->answer, err);
}

fhirstore_status fhs_rewrite_resource(fhs_call *call, const fhs_rewrite *rewrite,
                                      const fhs_condition *condition, fhs_answer *answer,
                                      fhirstore_error **err)
{
    fhs_buf old_text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf new_text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    patch_work work = {.id = call->id,
                       .condition = *condition,
                       .with_body = true,
                       .answer = answer,
                       .rewrite = rewrite,
                       .old_text = &old_text,
                       .new_text = &new_text};
    fhirstore_status status = patch_run(call, &work, err);
    fhs_buf_clear(&old_text);
    fhs_buf_clear(&new_text);
    return status;
}

static fhirstore_status patch_where_run(fhs_call *call, void *ctx, fhirstore_error **err)
{
    patch_work *work = ctx;
    fhs_criteria criteria = fhs_criteria_of(call->session, call->type, *work->criteria);
    criteria.if_empty = FHIRSTORE_ERR_PRECONDITION;
    fhirstore_status status = fhs_criteria_find_one(call, call->type, &criteria, &work->id, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (work->id.len == 0) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_FOUND, "nothing matches the condition");
    }
    status = fhs_call_ask_again(call, work->id, err);
    return status < FHIRSTORE_OK ? status : patch_run(call, ctx, err);
}

/* Carry it out as the work of @a call, with the texts it needs. */
static fhirstore_status write_patch(fhs_call *call, patch_work *work, fhirstore_error **err)
{
    fhs_buf old_text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf new_text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    work->old_text = &old_text;
    work->new_text = &new_text;
    fhirstore_status status = fhs_call_write(
        call, work->criteria == NULL ? patch_run : patch_where_run, work, err);
    fhs_buf_clear(&old_text);
    fhs_buf_clear(&new_text);
    return status;
}

static fhirstore_status run_patch(fhs_call *call, fhs_patch_kind kind, fhs_str text,
                                  patch_work *work, fhirstore_error **err)
{
    fhs_patch patch;
    fhirstore_status status = fhs_call_ask(call, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_patch_read(&call->session->arena, kind, text, &patch, err);
    }
    work->patch = &patch;
    status = status < FHIRSTORE_OK ? fhs_call_refuse(call, status) : write_patch(call, work, err);
    fhs_call_end(call);
    return status;
}

fhirstore_status fhs_interact_patch(fhs_session *session, fhs_type type, fhs_str id,
                                    fhs_patch_kind kind, fhs_str text,
                                    const fhs_condition *condition, fhs_answer *answer,
                                    fhirstore_error **err)
{
    fhs_call call;
    patch_work work = {.id = id, .condition = *condition, .with_body = true, .answer = answer};
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_PATCH, type, id, FHS_STR_NONE);
    return run_patch(&call, kind, text, &work, err);
}

fhirstore_status fhs_interact_patch_where(fhs_session *session, fhs_type type, fhs_str criteria,
                                          fhs_patch_kind kind, fhs_str text,
                                          const fhs_condition *condition, fhs_answer *answer,
                                          fhirstore_error **err)
{
    fhs_call call;
    patch_work work = {
        .criteria = &criteria, .condition = *condition, .with_body = true, .answer = answer};
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_PATCH, type, FHS_STR_NONE, criteria);
    return run_patch(&call, kind, text, &work, err);
}

/* ---- how a patch comes ---- */

/* Some clients call a part of a resource, that is to be merged into it, just JSON. */
static bool is_parameters(fhs_str text)
{
    fhs_arena arena;
    const fhs_json *root = NULL;
    fhs_str type = FHS_STR_NONE;
    fhs_arena_init(&arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    bool is_read = fhs_json_read(&arena, text, NULL, &root, NULL) >= FHIRSTORE_OK;
    bool is_it = is_read && root->type == FHS_JSON_OBJECT &&
                 fhs_json_get_string(root, FHS_LIT("resourceType"), &type) &&
                 fhs_str_eq(type, FHS_LIT("Parameters"));
    fhs_arena_clear(&arena);
    return is_it;
}

fhirstore_status fhs_patch_kind_of(fhs_str media_type, fhs_str text, fhs_patch_kind *out,
                                   fhirstore_error **err)
{
    static const struct {
        fhs_str name;
        fhs_patch_kind kind;
    } types[] = {
        {FHS_LIT_INIT("application/json-patch+json"), FHS_PATCH_JSON},
        {FHS_LIT_INIT("application/merge-patch+json"), FHS_PATCH_MERGE},
        {FHS_LIT_INIT("application/fhir+json"), FHS_PATCH_FHIRPATH},
    };
    fhs_str name = media_type;
    fhs_str parameters;
    (void)fhs_str_split(media_type, ';', &name, &parameters);
    name = fhs_str_trim(name);
    for (size_t i = 0; i < FHS_COUNT_OF(types); i++) {
        if (fhs_str_eq_ascii_case(name, types[i].name)) {
            *out = types[i].kind;
            return FHIRSTORE_OK;
        }
    }
    bool is_plain = fhs_str_eq_ascii_case(name, FHS_LIT("application/json")) ||
                    fhs_str_eq_ascii_case(name, FHS_LIT("text/json"));
    text = fhs_str_trim(text);
    if ((is_plain || name.len == 0) && text.len > 0 && text.ptr[0] == '[') {
        *out = FHS_PATCH_JSON; /* nothing else is a list */
        return FHIRSTORE_OK;
    }
    if (is_plain) {
        *out = is_parameters(text) ? FHS_PATCH_FHIRPATH : FHS_PATCH_MERGE;
        return FHIRSTORE_OK;
    }
    return fhs_fail(err, FHIRSTORE_ERR_MEDIA_TYPE,
                    "a patch is application/json-patch+json, application/merge-patch+json or, as "
                    "Parameters, application/fhir+json");
}

/* The patch that a Binary holds. */
static fhirstore_status read_binary(const fhs_json *binary, fhs_patch_kind *kind_out, fhs_buf *out,
                                    fhirstore_error **err)
{
    fhs_str media_type = FHS_STR_NONE;
    fhs_str data = FHS_STR_NONE;
    (void)fhs_json_get_string(binary, FHS_LIT("contentType"), &media_type);
    if (!fhs_json_get_string(binary, FHS_LIT("data"), &data) || !fhs_base64_decode(data, out)) {
        return fhs_fail(err, FHIRSTORE_ERR_PATCH_DOCUMENT,
                        "the data of the Binary is to be a patch in base64");
    }
    fhirstore_status status = fhs_buf_status(out);
    if (status < FHIRSTORE_OK) {
        return fhs_fail_plain(err, status);
    }
    return fhs_patch_kind_of(media_type, fhs_buf_str(out), kind_out, err);
}

fhirstore_status fhs_patch_of_entry(fhs_arena *arena, fhs_str resource, fhs_patch_kind *kind_out,
                                    fhs_buf *out, fhirstore_error **err)
{
    const fhs_json *root;
    fhs_str name = FHS_STR_NONE;
    fhirstore_status status = fhs_json_read(arena, resource, NULL, &root, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    (void)(root->type == FHS_JSON_OBJECT &&
           fhs_json_get_string(root, FHS_LIT("resourceType"), &name));
    if (fhs_str_eq(name, FHS_LIT("Binary"))) {
        return read_binary(root, kind_out, out, err);
    }
    if (!fhs_str_eq(name, FHS_LIT("Parameters"))) {
        return fhs_fail(err, FHIRSTORE_ERR_PATCH_DOCUMENT,
                        "a patch in a Bundle is a Binary or a Parameters resource");
    }
    *kind_out = FHS_PATCH_FHIRPATH;
    fhs_buf_add_str(out, resource);
    status = fhs_buf_status(out);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

fhirstore_status fhs_interact_patch_in(fhs_call *outer, fhs_type type, fhs_str id,
                                       const fhs_patch_entry *entry, const fhs_condition *condition,
                                       bool with_body, fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    fhs_patch_kind kind;
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    patch_work work = {.id = id,
                       .condition = *condition,
                       .with_body = with_body,
                       .answer = answer,
                       .entry = entry};
    fhs_call_nest(&call, outer, FHIRSTORE_ACTION_PATCH, type, id, FHS_STR_NONE);
    fhirstore_status status = fhs_call_ask(&call, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_patch_of_entry(&outer->session->arena, entry->resource, &kind, &text, err);
    }
    if (status < FHIRSTORE_OK) {
        (void)fhs_call_refuse(&call, status);
        fhs_call_end(&call);
    } else {
        status = run_patch(&call, kind, fhs_buf_str(&text), &work, err);
    }
    fhs_buf_clear(&text);
    return status;
}
