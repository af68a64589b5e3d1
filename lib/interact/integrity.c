/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/integrity.h"

#include "interact/interact.h"
#include "interact/presence.h"
#include "validation/validation.h"

static const char referrer_text[] = "other resources in the store refer to the resource";

/* ---- what was written ---- */

/* One note: this, and the id behind it. */
typedef struct write_note {
    uint32_t entry; /* of the Bundle, from 1; 0: none */
    fhs_type type;
    uint16_t id_len;
} write_note;

fhirstore_status fhs_integrity_note(fhs_call *call, fhs_type type, fhs_str id,
                                    fhirstore_error **err)
{
    fhs_call *root = call->root == NULL ? call : call->root;
    const write_note note = {root->entry, type, (uint16_t)id.len};
    /* An import brings resources in an order of its own; it says that it does not look. */
    if (call->session->core->integrity == FHS_INTEGRITY_OFF ||
        root->action == FHIRSTORE_ACTION_IMPORT) {
        return FHIRSTORE_OK;
    }
    if (root->written.max == 0) {
        fhs_buf_init(&root->written, FHS_LIMIT_RESOURCE_BYTES);
    }
    fhs_buf_add(&root->written, (const char *)&note, sizeof note);
    fhs_buf_add_str(&root->written, id);
    fhirstore_status status = fhs_buf_status(&root->written);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

void fhs_integrity_forget(fhs_call *call)
{
    fhs_buf_clear(&call->written);
}

/* ---- who refers to it ---- */

static fhirstore_status find_referrers(fhs_call *call, fhs_type type, fhs_str id, fhs_entity *list,
                                       size_t room, size_t *count_out, fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    fhs_entity target = 0;
    *count_out = 0;
    fhirstore_status status = fhs_entity_find(call->conn, fhs_catalog_type(core->catalog, type), id,
                                              &target, err);
    return status < FHIRSTORE_OK || target == 0
               ? status
               : fhs_referrers(call->conn, target, list, room, count_out, err);
}

static fhirstore_status check_unreferred(fhs_call *call, fhs_type type, fhs_str id,
                                         fhirstore_error **err)
{
    fhs_entity first;
    size_t count = 0;
    fhirstore_status status = find_referrers(call, type, id, &first, 1, &count, err);
    return status < FHIRSTORE_OK || count == 0
               ? status
               : fhs_fail(err, FHIRSTORE_ERR_CONFLICT, "%s", referrer_text);
}

fhirstore_status fhs_integrity_check_deletion(fhs_call *call, fhs_type type, fhs_str id,
                                              fhirstore_error **err)
{
    return call->session->core->integrity == FHS_INTEGRITY_OFF
               ? FHIRSTORE_OK
               : check_unreferred(call, type, id, err);
}

/* ---- what it refers to ---- */

static fhirstore_status has_target(void *ctx, fhs_type type, fhs_str id, bool *yes_out,
                                   fhirstore_error **err)
{
    return fhs_presence_has(ctx, type, id, yes_out, err);
}

/* The issues of the report, as those of a conflict. */
static fhirstore_status refuse_targets(const fhirstore_error *report, fhirstore_error **err)
{
    fhirstore_issue issue;
    fhirstore_status status = FHIRSTORE_ERR_CONFLICT;
    for (uint32_t i = 0; fhs_error_issue(report, i, &issue); i++) {
        fhs_str expression = issue.expression == NULL ? FHS_STR_NONE
                                                      : fhs_str_from_cstr(issue.expression);
        if (i == 0) {
            status = fhs_fail(err, FHIRSTORE_ERR_CONFLICT, "%s", issue.text);
            fhs_error_expression(err, expression);
        } else {
            (void)fhs_error_add_issue(err, FHS_SEVERITY_ERROR, NULL, expression, "%s", issue.text);
        }
    }
    return status;
}

static fhirstore_status check_targets(fhs_call *call, fhs_presence *presence, fhs_str body,
                                      fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    const fhs_full_check full = {
        .base_url = core->base_url,
        .exists = has_target,
        .ctx = presence,
        .if_missing = FHS_SEVERITY_ERROR,
    };
    const fhs_json *root = NULL;
    fhirstore_error *report = NULL;
    fhs_arena arena;
    fhs_arena_init(&arena, (size_t)8 * FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_json_read(&arena, body, NULL, &root, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_validate_references(core->fhir, &full, root, &report, err);
    }
    if (status == FHIRSTORE_ERR_INVALID_RESOURCE) {
        status = refuse_targets(report, err);
    }
    fhs_error_free(report);
    fhs_arena_clear(&arena);
    return status;
}

/* ---- before the commit ---- */

/* As the transaction leaves it: several notes may speak of one resource. */
static fhirstore_status settle_note(fhs_call *call, fhs_presence *presence, fhs_type type,
                                    fhs_str id, fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    fhs_version version;
    fhs_buf body = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_entity entity = 0;
    fhirstore_status status = fhs_entity_find(call->conn, fhs_catalog_type(core->catalog, type), id,
                                              &entity, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_look(call->conn, entity, &version, NULL);
    }
    if (status == FHIRSTORE_ERR_NOT_FOUND || (status >= FHIRSTORE_OK && version.is_deleted)) {
        return check_unreferred(call, type, id, err); /* without a trace, or with one */
    }
    if (status < FHIRSTORE_OK) {
        return fhs_fail_plain(err, status);
    }
    status = fhs_resource_take_body(call->conn, &version, &body, err);
    if (status >= FHIRSTORE_OK) {
        status = check_targets(call, presence, fhs_buf_str(&body), err);
    }
    fhs_buf_clear(&body);
    return status;
}

fhirstore_status fhs_integrity_settle(fhs_call *call, fhirstore_error **err)
{
    fhs_presence presence;
    fhs_str rest = fhs_buf_str(&call->written);
    fhirstore_status status = FHIRSTORE_OK;
    if (rest.len == 0) {
        return FHIRSTORE_OK;
    }
    fhs_presence_begin(&presence, call);
    while (rest.len > 0 && status >= FHIRSTORE_OK) {
        write_note note;
        memcpy(&note, rest.ptr, sizeof note);
        fhs_str id = fhs_str_of(rest.ptr + sizeof note, note.id_len);
        rest = fhs_str_from(rest, sizeof note + note.id_len);
        status = settle_note(call, &presence, note.type, id, err);
        if (status < FHIRSTORE_OK && note.entry > 0) {
            fhs_error_entry(err, note.entry);
        }
    }
    fhs_presence_end(&presence);
    return status;
}

/* ---- _cascade ---- */

fhirstore_status fhs_integrity_take_cascade(const fhs_core *core, fhs_arena *arena, fhs_str query,
                                            fhs_str *query_out, bool *cascade_out,
                                            fhirstore_error **err)
{
    static const fhs_str name = FHS_LIT_INIT("_cascade=");
    fhs_buf kept = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    fhs_str rest = query;
    bool is_bad = false;
    *cascade_out = false;
    *query_out = query;
    while (rest.len > 0) {
        fhs_str pair = rest;
        fhs_str next = FHS_STR_NONE;
        (void)fhs_str_split(rest, '&', &pair, &next);
        rest = next;
        if (fhs_str_starts_with(pair, name)) {
            *cascade_out = true;
            is_bad = is_bad || !fhs_str_eq(fhs_str_from(pair, name.len), FHS_LIT("delete"));
        } else {
            fhs_buf_add_cstr(&kept, kept.len > 0 ? "&" : "");
            fhs_buf_add_str(&kept, pair);
        }
    }
    fhirstore_status status = FHIRSTORE_OK;
    if (is_bad) {
        status = fhs_fail(err, FHIRSTORE_ERR_QUERY, "_cascade expects delete");
    } else if (*cascade_out && core->integrity != FHS_INTEGRITY_CASCADE) {
        status = fhs_fail(err, FHIRSTORE_ERR_QUERY, "the store was not opened for _cascade");
    } else if (*cascade_out) {
        *query_out = fhs_arena_dup(arena, fhs_buf_str(&kept));
        status = fhs_buf_status(&kept) < FHIRSTORE_OK || query_out->ptr == NULL
                     ? fhs_fail_memory(err)
                     : FHIRSTORE_OK;
    }
    fhs_buf_clear(&kept);
    return status;
}

/* Resources whose referrers are still to be looked for, in the order in which they went. */
typedef struct cascade {
    fhs_call *call;
    fhs_entity *items;
    size_t count;
    size_t done;
} cascade;

/*
 * Delete one referrer. What the principal may not delete, or not even see, stands in the way in the
 * same words as where there is no cascade.
 */
static fhirstore_status delete_referrer(cascade *work, fhs_entity entity, fhirstore_error **err)
{
    static const fhs_condition anything = {0};
    fhs_call *call = work->call;
    char id[FHS_LIMIT_ID_BYTES + 1];
    fhs_version version;
    fhs_answer answer;
    fhirstore_status status = fhs_resource_look(call->conn, entity, &version, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const size_t id_len = version.id.len;
    const fhs_type type = fhs_catalog_type_back(call->session->core->catalog, version.type);
    memcpy(id, version.id.ptr, id_len);
    fhs_answer_init(&answer);
    status = fhs_interact_delete_in(call, type, fhs_str_of(id, id_len), &anything, &answer, err);
    if (status == FHIRSTORE_ERR_DENIED || (status >= FHIRSTORE_OK && answer.version == 0)) {
        status = fhs_fail(err, FHIRSTORE_ERR_CONFLICT, "%s", referrer_text);
    }
    fhs_answer_clear(&answer);
    return status;
}

static fhirstore_status cascade_from(cascade *work, fhs_entity target, fhirstore_error **err)
{
    fhs_entity *found = work->items + work->count;
    const size_t room = FHS_LIMIT_CASCADE + 1 - work->count;
    size_t count = 0;
    fhirstore_status status = fhs_referrers(work->call->conn, target, found, room, &count, err);
    if (status >= FHIRSTORE_OK && count == room) {
        return fhs_fail(err, FHIRSTORE_ERR_LIMIT, "the cascade exceeds FHS_LIMIT_CASCADE");
    }
    for (size_t i = 0; i < count && status >= FHIRSTORE_OK; i++) {
        status = delete_referrer(work, found[i], err);
    }
    work->count += count;
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

fhirstore_status fhs_integrity_cascade(fhs_call *call, fhs_type type, fhs_str id,
                                       fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    cascade work = {.call = call};
    fhs_arena arena;
    fhs_entity target = 0;
    fhs_arena_init(&arena, SIZE_MAX);
    work.items = fhs_arena_calloc(&arena, FHS_LIMIT_CASCADE + 1, sizeof *work.items);
    fhirstore_status status =
        work.items == NULL
            ? fhs_fail_memory(err)
            : fhs_entity_find(call->conn, fhs_catalog_type(core->catalog, type), id, &target, err);
    if (status >= FHIRSTORE_OK) {
        status = cascade_from(&work, target, err);
    }
    while (status >= FHIRSTORE_OK && work.done < work.count) {
        status = cascade_from(&work, work.items[work.done++], err);
    }
    fhs_arena_clear(&arena);
    return status;
}
