/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/integrity.h"

#include <stdlib.h>

#include "interact/interact.h"
#include "interact/presence.h"
#include "validation/validation.h"

static const char referrer_text[] = "other resources in the store refer to the resource";

/* ---- what was written ---- */

/* One note: this, the id behind it, and then the references that may stay, each with its length. */
typedef struct write_note {
    uint32_t entry; /* of the Bundle, from 1; 0: none */
    uint32_t kept;  /* bytes of references */
    fhs_type type;
    uint16_t id_len;
    bool is_deletion;
} write_note;

/* Walks the values of a tree: members called "reference" that are local. */
static fhirstore_status keep_references(const fhs_core *core, const fhs_json *value, unsigned depth,
                                        fhs_buf *out)
{
    fhs_str text;
    fhs_reference parsed;
    if (depth > FHS_LIMIT_JSON_DEPTH ||
        (value->type != FHS_JSON_OBJECT && value->type != FHS_JSON_ARRAY)) {
        return FHIRSTORE_OK;
    }
    if (value->type == FHS_JSON_OBJECT && fhs_json_get_string(value, FHS_LIT("reference"), &text) &&
        fhs_reference_parse(core->fhir, core->base_url, text, &parsed) && parsed.is_local) {
        const uint16_t head[] = {parsed.type, (uint16_t)parsed.id.len};
        fhs_buf_add(out, (const char *)head, sizeof head);
        fhs_buf_add_str(out, parsed.id);
    }
    for (uint32_t i = 0; i < value->count; i++) {
        const fhs_json *child = value->type == FHS_JSON_ARRAY ? &value->items[i]
                                                              : &value->members[i].value;
        (void)keep_references(core, child, depth + 1, out);
    }
    return fhs_buf_status(out);
}

static fhirstore_status read_kept(const fhs_core *core, fhs_str body, fhs_buf *out,
                                  fhirstore_error **err)
{
    const fhs_json *root = NULL;
    fhs_arena arena;
    if (body.len == 0) {
        return FHIRSTORE_OK;
    }
    fhs_arena_init(&arena, (size_t)8 * FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_json_read(&arena, body, NULL, &root, err);
    if (status >= FHIRSTORE_OK) {
        status = keep_references(core, root, 0, out);
        status = status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : status;
    }
    fhs_arena_clear(&arena);
    return status;
}

static fhirstore_status note_write(fhs_call *call, fhs_type type, fhs_str id, bool is_deletion,
                                   fhs_str old_body, fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    fhs_call *root = call->root == NULL ? call : call->root;
    fhs_buf kept = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    /* An import brings resources in an order of its own; it says that it does not look. */
    if (core->integrity == FHS_INTEGRITY_OFF || root->action == FHIRSTORE_ACTION_IMPORT) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = read_kept(core, old_body, &kept, err);
    if (status >= FHIRSTORE_OK) {
        write_note note;
        memset(&note, 0, sizeof note);
        note.entry = root->entry;
        note.kept = (uint32_t)kept.len;
        note.type = type;
        note.id_len = (uint16_t)id.len;
        note.is_deletion = is_deletion;
        if (root->written.max == 0) {
            fhs_buf_init(&root->written, FHS_LIMIT_JSON_BYTES);
        }
        fhs_buf_add(&root->written, (const char *)&note, sizeof note);
        fhs_buf_add_str(&root->written, id);
        fhs_buf_add_str(&root->written, fhs_buf_str(&kept));
        status = fhs_buf_status(&root->written);
        status = status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
    }
    fhs_buf_clear(&kept);
    return status;
}

fhirstore_status fhs_integrity_note(fhs_call *call, fhs_type type, fhs_str id, fhs_str old_body,
                                    fhirstore_error **err)
{
    return note_write(call, type, id, false, old_body, err);
}

fhirstore_status fhs_integrity_note_deletion(fhs_call *call, fhs_type type, fhs_str id,
                                             fhirstore_error **err)
{
    return note_write(call, type, id, true, FHS_STR_NONE, err);
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

typedef struct kept_reference {
    fhs_type type;
    fhs_str id;
} kept_reference;

/* What one resource may refer to. */
typedef struct target_check {
    fhs_presence *presence;
    kept_reference *kept; /* sorted */
    size_t kept_count;
} target_check;

static int compare_kept(const void *left, const void *right)
{
    const kept_reference *a = left;
    const kept_reference *b = right;
    return a->type != b->type ? (a->type < b->type ? -1 : 1) : fhs_str_compare(a->id, b->id);
}

static fhirstore_status sort_kept(fhs_arena *arena, fhs_str bytes, target_check *out,
                                  fhirstore_error **err)
{
    uint16_t head[2];
    out->kept = fhs_arena_calloc(arena, bytes.len / sizeof head + 1, sizeof *out->kept);
    if (out->kept == NULL) {
        return fhs_fail_memory(err);
    }
    while (bytes.len > 0) {
        memcpy(head, bytes.ptr, sizeof head);
        out->kept[out->kept_count++] = (kept_reference){
            head[0], fhs_str_of(bytes.ptr + sizeof head, head[1])};
        bytes = fhs_str_from(bytes, sizeof head + head[1]);
    }
    qsort(out->kept, out->kept_count, sizeof *out->kept, compare_kept);
    return FHIRSTORE_OK;
}

static fhirstore_status has_target(void *ctx, fhs_type type, fhs_str id, bool *yes_out,
                                   fhirstore_error **err)
{
    const target_check *check = ctx;
    const kept_reference wanted = {type, id};
    *yes_out = bsearch(&wanted, check->kept, check->kept_count, sizeof wanted, compare_kept) !=
               NULL;
    return *yes_out ? FHIRSTORE_OK : fhs_presence_has(check->presence, type, id, yes_out, err);
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
                                      fhs_str kept, fhirstore_error **err)
{
    target_check targets = {.presence = presence};
    const fhs_core *core = call->session->core;
    const fhs_full_check full = {
        .base_url = core->base_url,
        .exists = has_target,
        .ctx = &targets,
        .if_missing = FHS_SEVERITY_ERROR,
    };
    const fhs_json *root = NULL;
    fhirstore_error *report = NULL;
    fhs_arena arena;
    fhs_arena_init(&arena, (size_t)8 * FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_json_read(&arena, body, NULL, &root, err);
    if (status >= FHIRSTORE_OK) {
        status = sort_kept(&arena, kept, &targets, err);
    }
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

/*
 * As the transaction leaves it: several notes may speak of one resource, and what a savepoint took
 * back has a note all the same.
 */
static fhirstore_status settle_note(fhs_call *call, fhs_presence *presence, const write_note *note,
                                    fhs_str id, fhs_str kept, fhirstore_error **err)
{
    const int32_t type = fhs_catalog_type(call->session->core->catalog, note->type);
    fhs_version version;
    fhs_buf body = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_entity entity = 0;
    fhirstore_status status = fhs_entity_find(call->conn, type, id, &entity, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_look(call->conn, entity, &version, NULL);
    }
    if (status < FHIRSTORE_OK && status != FHIRSTORE_ERR_NOT_FOUND) {
        return fhs_fail_plain(err, status);
    }
    const bool is_gone = status < FHIRSTORE_OK || version.is_deleted;
    if (is_gone || note->is_deletion) {
        return is_gone && note->is_deletion ? check_unreferred(call, note->type, id, err)
                                            : FHIRSTORE_OK;
    }
    status = fhs_resource_take_body(call->conn, &version, &body, err);
    if (status >= FHIRSTORE_OK) {
        status = check_targets(call, presence, fhs_buf_str(&body), kept, err);
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
        fhs_str kept = fhs_str_of(id.ptr + id.len, note.kept);
        rest = fhs_str_from(rest, sizeof note + note.id_len + note.kept);
        status = settle_note(call, &presence, &note, id, kept, err);
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
    fhs_str pair;
    while (fhs_str_next(&rest, '&', &pair)) {
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

fhirstore_status fhs_integrity_allows_cascade(const fhs_core *core, const fhs_condition *condition,
                                              fhirstore_error **err)
{
    if (core->integrity != FHS_INTEGRITY_CASCADE) {
        return fhs_fail(err, FHIRSTORE_ERR_QUERY, "the store was not opened for _cascade");
    }
    return condition->is_hard
               ? fhs_fail(err, FHIRSTORE_ERR_QUERY, "_cascade and _hardDelete exclude each other")
               : FHIRSTORE_OK;
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
