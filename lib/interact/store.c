/* SPDX-License-Identifier: Apache-2.0 */
/* One version into the store: conditions, version number, meta, rows, and what it replaces. */
#include <string.h>

#include "base/instant.h"
#include "interact/binary.h"
#include "interact/integrity.h"
#include "interact/owners.h"
#include "interact/params.h"
#include "interact/purge.h"
#include "interact/sight.h"
#include "interact/touched.h"
#include "interact/trail.h"
#include "interact/write.h"

/* What is stored under (type, id) now, copied out of the connection. */
typedef struct current_state {
    bool exists; /* a row is there, maybe of a deleted resource */
    fhs_version version;
} current_state;

/* A large body stays where it is until it is asked for. */
static fhirstore_status read_current(fhs_call *call, int32_t type, fhs_str id, current_state *out,
                                     fhirstore_error **err)
{
    fhs_session *session = call->session;
    *out = (current_state){0};
    fhirstore_error *why = NULL;
    fhirstore_status status = fhs_resource_read_rows(call->conn, type, id, &out->version, &why);
    if (status == FHIRSTORE_ERR_NOT_FOUND || (status < FHIRSTORE_OK && err == NULL)) {
        fhs_error_free(why);
        return status == FHIRSTORE_ERR_NOT_FOUND ? FHIRSTORE_OK : status;
    }
    if (status < FHIRSTORE_OK) {
        fhs_error_free(*err);
        *err = why;
        return status;
    }
    out->exists = true;
    fhs_buf_reset(&session->old_body);
    fhs_buf_reset(&session->old_rows);
    fhs_buf_add_str(&session->old_body, out->version.body);
    fhs_buf_add_str(&session->old_rows, out->version.rows);
    if (fhs_buf_status(&session->old_body) < 0 || fhs_buf_status(&session->old_rows) < 0) {
        return fhs_fail_memory(err);
    }
    out->version.id = id;
    out->version.body = fhs_buf_str(&session->old_body);
    out->version.rows = fhs_buf_str(&session->old_rows);
    return FHIRSTORE_OK;
}

static fhirstore_status check_condition(const current_state *current,
                                        const fhs_condition *condition, fhirstore_error **err)
{
    bool is_there = current->exists && !current->version.is_deleted;
    if (condition->if_absent && is_there) {
        return fhs_fail(err, FHIRSTORE_ERR_CONFLICT,
                        "the condition matches nothing, but there is a resource with this id");
    }
    if (condition->if_none && is_there) {
        return fhs_fail(err, FHIRSTORE_ERR_PRECONDITION, "the resource exists already");
    }
    if (condition->if_any && !is_there) {
        return fhs_fail(err, FHIRSTORE_ERR_PRECONDITION,
                        "If-Match asks for a current version, and there is none");
    }
    if (condition->if_version > 0 && !is_there) {
        return fhs_fail(err, FHIRSTORE_ERR_PRECONDITION,
                        "If-Match names version %lld, but there is no current version",
                        (long long)condition->if_version);
    }
    if (condition->if_version > 0 && condition->if_version != current->version.version) {
        return fhs_fail(err, FHIRSTORE_ERR_PRECONDITION,
                        "If-Match names version %lld, the current one is %lld",
                        (long long)condition->if_version, (long long)current->version.version);
    }
    return FHIRSTORE_OK;
}

/* Where a piece stands in a buffer that may still move. */
typedef struct slice {
    size_t begin;
    size_t end;
} slice;

static fhs_str slice_of(const fhs_buf *buf, slice piece)
{
    return buf->ptr == NULL ? FHS_STR_NONE
                            : fhs_str_of(buf->ptr + piece.begin, piece.end - piece.begin);
}

/* The JSON texts of what the store owns: "id", "versionId", "lastUpdated". */
static void write_stamps(fhs_buf *out, fhs_str id, int64_t version, int64_t updated_us,
                         slice stamps[3])
{
    fhs_buf_reset(out);
    stamps[0].begin = 0;
    fhs_json_write_string(out, id);
    stamps[0].end = stamps[1].begin = out->len;
    fhs_buf_add_char(out, '"');
    fhs_buf_add_i64(out, version);
    fhs_buf_add_char(out, '"');
    stamps[1].end = stamps[2].begin = out->len;
    fhs_buf_add_char(out, '"');
    fhs_instant_write(updated_us, out);
    fhs_buf_add_char(out, '"');
    stamps[2].end = out->len;
}

/* "meta" with the store's own fields set; the others as they were written. */
static void build_meta(fhs_buf *out, const fhs_prepared *prepared, fhs_str version, fhs_str updated)
{
    static const fhs_json empty = {.type = FHS_JSON_OBJECT};
    const fhs_json_edit edits[] = {
        {FHS_LIT("versionId"), version},
        {FHS_LIT("lastUpdated"), updated},
    };
    const fhs_json *meta = fhs_json_get(prepared->root, FHS_LIT("meta"));
    fhs_buf_reset(out);
    fhs_json_write_edited(out, prepared->text, fhs_json_is(meta, FHS_JSON_OBJECT) ? meta : &empty,
                          edits, FHS_COUNT_OF(edits));
}

/* How a text that is not at hand as a whole comes into the store. */
typedef struct body_writer {
    fhs_json_text text;
    fhs_json_edit edits[2];
} body_writer;

static fhirstore_status write_large_body(void *ctx, fhs_buf *out)
{
    const body_writer *writer = ctx;
    fhs_json_write_edited_text(out, &writer->text, writer->edits, FHS_COUNT_OF(writer->edits));
    return fhs_buf_status(out);
}

/* The text that is stored: what came, with the store's id and meta. */
static fhirstore_status plan_body(fhs_session *session, const fhs_prepared *prepared, fhs_str id,
                                  int64_t version, int64_t updated_us, body_writer *out,
                                  fhirstore_error **err)
{
    slice stamps[3];
    write_stamps(&session->stamps, id, version, updated_us, stamps);
    build_meta(&session->meta, prepared, slice_of(&session->stamps, stamps[1]),
               slice_of(&session->stamps, stamps[2]));
    *out = (body_writer){
        .text = {prepared->text, prepared->root, session->watch},
        .edits = {{FHS_LIT("id"), slice_of(&session->stamps, stamps[0])},
                  {FHS_LIT("meta"), fhs_buf_str(&session->meta)}},
    };
    if (fhs_buf_status(&session->stamps) < 0 || fhs_buf_status(&session->meta) < 0) {
        return fhs_fail_memory(err);
    }
    return FHIRSTORE_OK;
}

/* The body as a whole; a large one only where the answer wants it. */
static fhirstore_status build_body(body_writer *writer, fhs_buf *out, fhirstore_error **err)
{
    fhs_buf_reset(out);
    fhirstore_status status = write_large_body(writer, out);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

static fhirstore_status write_rows(fhs_call *call, const fhs_prepared *prepared,
                                   fhirstore_error **err)
{
    fhs_session *session = call->session;
    fhs_core *core = session->core;
    fhs_params *params;
    fhs_buf_reset(&session->rows);
    fhirstore_status status = fhs_call_params(call, &params, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const fhs_json_text text = {prepared->text, prepared->root, session->watch};
    return fhs_index_text_rows(fhs_params_indexer(params), fhs_params_catalog(params), call->conn,
                               core->base_url, prepared->type, &text, &session->arena,
                               &session->rows, err);
}

/* Equal apart from member order and what the store owns: "id" and two fields of "meta". */
static fhirstore_status compare_resources(fhs_arena *arena, const fhs_json_text *old_text,
                                          const fhs_json_text *new_text, bool *same_out,
                                          fhirstore_error **err)
{
    const fhs_json *old_root = old_text->root;
    const fhs_json *new_root = new_text->root;
    static const fhs_json empty = {.type = FHS_JSON_OBJECT};
    static const fhs_str own[] = {FHS_LIT_INIT("id"), FHS_LIT_INIT("meta")};
    static const fhs_str own_meta[] = {FHS_LIT_INIT("versionId"), FHS_LIT_INIT("lastUpdated")};
    const fhs_json *old_meta = fhs_json_get(old_root, own[1]);
    const fhs_json *new_meta = fhs_json_get(new_root, own[1]);
    old_meta = fhs_json_is(old_meta, FHS_JSON_OBJECT) ? old_meta : &empty;
    new_meta = fhs_json_is(new_meta, FHS_JSON_OBJECT) ? new_meta : &empty;
    *same_out = fhs_json_equal_but(old_meta, new_meta, own_meta, FHS_COUNT_OF(own_meta));
    if (!*same_out) {
        return FHIRSTORE_OK;
    }
    if (new_text->text.len >= FHS_LARGE_BODY_BYTES || old_text->text.len >= FHS_LARGE_BODY_BYTES) {
        return fhs_json_equal_texts(arena, old_text, new_text, own, FHS_COUNT_OF(own), same_out,
                                    err);
    }
    *same_out = fhs_json_equal_but(old_root, new_root, own, FHS_COUNT_OF(own));
    return FHIRSTORE_OK;
}

/* What is stored is known to be good. */
static fhirstore_status pass_stored_item(void *ctx, fhs_str member, uint32_t index,
                                         const fhs_json *item)
{
    (void)ctx;
    (void)member;
    (void)index;
    (void)item;
    return FHIRSTORE_OK;
}

static fhirstore_status compare_with_stored(fhs_session *session, const fhs_prepared *prepared,
                                            fhs_str stored, bool *same_out, fhirstore_error **err)
{
    const fhs_json_pieces pieces = {pass_stored_item, NULL};
    const fhs_json_text new_text = {prepared->text, prepared->root, session->watch};
    fhs_json_text old_text = {.text = stored};
    fhirstore_status status = fhs_json_read_pieces(
        &session->arena, stored, NULL, stored.len >= FHS_LARGE_BODY_BYTES ? &pieces : NULL,
        &old_text.root, err);
    return status < FHIRSTORE_OK
               ? status
               : compare_resources(&session->arena, &old_text, &new_text, same_out, err);
}

static fhirstore_status is_unchanged(fhs_call *call, const fhs_prepared *prepared,
                                     const current_state *current, bool *unchanged_out,
                                     fhirstore_error **err)
{
    *unchanged_out = false;
    if (!current->exists || current->version.is_deleted) {
        return FHIRSTORE_OK;
    }
    if (!current->version.is_large) {
        return compare_with_stored(call->session, prepared, current->version.body, unchanged_out,
                                   err);
    }
    /* For the time of the comparison only. */
    fhs_version version = current->version;
    fhs_buf body = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_resource_take_body(call->conn, &version, &body, err);
    if (status >= FHIRSTORE_OK) {
        status = compare_with_stored(call->session, prepared, fhs_buf_str(&body), unchanged_out,
                                     err);
    }
    fhs_buf_clear(&body);
    return status;
}

/* Fill the answer from the version that now is current. */
static fhirstore_status answer_stored(fhs_answer *answer, fhs_type type, const fhs_version *version,
                                      bool with_body, fhirstore_error **err)
{
    fhs_answer_describe(answer, type, version);
    fhs_buf_reset(&answer->body);
    if (with_body) {
        fhs_buf_add_str(&answer->body, version->body);
    }
    fhirstore_status status = fhs_buf_status(&answer->body);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

static void describe_old(fhs_write *write, const current_state *current)
{
    write->exists = current->exists;
    write->old_seq = current->version.seq;
    write->old_version = current->version.version;
    write->old_updated_us = current->version.updated_us;
    write->old_deleted = current->version.is_deleted;
    write->old_body = current->version.body;
    write->old_rows = current->version.rows;
    write->old_large = current->version.is_large;
}

/*
 * Under a restriction the state before must be one that the principal sees. What is hidden and what
 * is not there get the same answer, so an id that holds nothing cannot be chosen either.
 */
static fhirstore_status check_before(fhs_call *call, fhs_type type, const current_state *current,
                                     bool *seen_out, fhirstore_error **err)
{
    bool is_told = false;
    *seen_out = true;
    if (current->exists) {
        fhirstore_status status = fhs_binary_judge_version(call, type, &current->version, &is_told,
                                                           seen_out, err);
        if (status < FHIRSTORE_OK || is_told) {
            return status;
        }
    }
    if (!fhs_sight_is_partial(call, type)) {
        return fhs_call_seen_well(call, err);
    }
    *seen_out = false;
    if (!current->exists || current->version.is_deleted) {
        return FHIRSTORE_OK;
    }
    return fhs_sight_judge(call, type, &current->version, FHS_STR_NONE, seen_out, err);
}

/* The state after must be one too. @a rows are those of the new state. */
static fhirstore_status check_after(fhs_call *call, const fhs_prepared *prepared,
                                    const fhs_write *write, int64_t updated_us,
                                    fhirstore_error **err)
{
    bool yes = true;
    bool is_told = false;
    const fhs_type type = prepared->type;
    if (fhs_sight_is_partial(call, type)) {
        fhirstore_status told = fhs_binary_judge(call, type, prepared->text, &is_told, &yes, err);
        if (told < FHIRSTORE_OK) {
            return told;
        }
    }
    if (fhs_sight_is_partial(call, type) && !is_told) {
        const fhs_version after = {.entity = write->entity,
                                   .type = write->type,
                                   .version = write->version,
                                   .updated_us = updated_us,
                                   .seq = INT64_MAX};
        fhs_str rows = write->rows.ptr == NULL ? FHS_LIT("") : write->rows;
        fhirstore_status status = fhs_sight_judge(call, type, &after, rows, &yes, err);
        if (status < FHIRSTORE_OK) {
            return status;
        }
    }
    return yes ? FHIRSTORE_OK : fhs_fail_plain(err, FHIRSTORE_ERR_DENIED);
}

/* @a prepared: NULL for a deletion. */
static fhirstore_status write_version(fhs_call *call, fhs_type type, const fhs_prepared *prepared,
                                      const current_state *current, fhs_write *write,
                                      fhirstore_error **err)
{
    int64_t seq;
    fhs_owners owners;
    const bool drops_old = current->exists && call->session->core->without_history != NULL &&
                           call->session->core->without_history[type];
    fhirstore_status status = fhs_entity_intern(call->conn, write->type, write->id, &write->entity,
                                                err);
    if (status >= FHIRSTORE_OK && prepared != NULL) {
        status = fhs_owners_find(call, prepared, write->entity, write->rows, &owners, err);
        write->patients = owners.items;
        write->patient_count = owners.count;
    }
    if (status >= FHIRSTORE_OK && drops_old) {
        status = fhs_purge_forget_words(call, &current->version, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_write(call->conn, write, &seq, err);
    }
    if (status >= FHIRSTORE_OK && drops_old) {
        status = fhs_purge_replaced(call, type, &current->version, err);
    }
    if (status >= FHIRSTORE_OK) {
        call->version_before = write->exists && !write->old_deleted ? write->old_version : 0;
        call->version_after = write->version;
    }
    return status;
}

/* Whom the write concerns: who was named before, and who is now. @a text: the new one. */
static fhirstore_status touch_written(fhs_call *call, fhs_type type, const fhs_write *write,
                                      fhs_str text, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    if (write->exists) {
        status = fhs_touch_state(call, type, write->entity, write->id, write->old_rows,
                                 write->old_body, err);
    }
    return status < FHIRSTORE_OK
               ? status
               : fhs_touch_state(call, type, write->entity, write->id, write->rows, text, err);
}

static fhirstore_status store_new_version(fhs_call *call, const fhs_prepared *prepared, fhs_str id,
                                          const current_state *current, bool with_body,
                                          fhs_answer *answer, fhirstore_error **err)
{
    fhs_session *session = call->session;
    bool is_update = current->exists && !current->version.is_deleted;
    fhs_write write = {
        .type = fhs_catalog_type(session->core->catalog, prepared->type),
        .id = id,
        .version = current->exists ? current->version.version + 1 : 1,
        .method = (uint8_t)(call->action == FHIRSTORE_ACTION_CREATE ? FHS_METHOD_CREATE
                                                                    : FHS_METHOD_UPDATE),
    };
    const int64_t now = fhs_conn_time(call->conn);
    describe_old(&write, current);
    body_writer writer;
    const fhs_body_source source = {write_large_body, &writer};
    /* A large text is not built as a whole unless the answer wants it. */
    const bool is_large = prepared->text.len >= FHS_LARGE_BODY_BYTES;
    const bool is_built = with_body || !is_large;
    fhs_buf *body = is_large ? &answer->body : &session->body;
    fhirstore_status status = fhs_param_check(call, prepared->type, id, prepared->root, err);
    if (status >= FHIRSTORE_OK) {
        status = plan_body(session, prepared, id, write.version, now, &writer, err);
    }
    if (status >= FHIRSTORE_OK && is_built) {
        status = build_body(&writer, body, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = write_rows(call, prepared, err);
    }
    if (status >= FHIRSTORE_OK) {
        write.source = is_built ? NULL : &source;
        write.body = is_built ? fhs_buf_str(body) : FHS_STR_NONE;
        write.rows = fhs_buf_str(&session->rows);
        status = write_version(call, prepared->type, prepared, current, &write, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = check_after(call, prepared, &write, now, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = touch_written(call, prepared->type, &write, prepared->text, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_param_follow(call, prepared->type, id, prepared->root, err);
    }
    if (status >= FHIRSTORE_OK) {
        const bool has_old = current->exists && !current->version.is_deleted;
        status = fhs_integrity_note(call, prepared->type, id,
                                    has_old ? current->version.body : FHS_STR_NONE, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const fhs_version stored = {
        .id = id, .version = write.version, .updated_us = now, .body = write.body};
    answer->status = is_update ? FHIRSTORE_OK : FHIRSTORE_CREATED;
    answer->http = fhs_status_http(answer->status);
    answer->is_new_version = true;
    answer->is_changed = true;
    if (is_large) {
        fhs_answer_describe(answer, prepared->type, &stored);
        return answer->status;
    }
    status = answer_stored(answer, prepared->type, &stored, with_body, err);
    return status < FHIRSTORE_OK ? status : answer->status;
}

/* A change by somebody who does not see, or may not touch, all of the resource. */
static fhirstore_status merge_hidden(fhs_call *call, const fhs_prepared **prepared,
                                     const current_state *current, fhs_prepared *merged,
                                     fhirstore_error **err)
{
    fhs_session *session = call->session;
    fhs_str text;
    fhs_buf body = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = FHIRSTORE_OK;
    fhs_version version = current->version;
    if (session->who.allow_everything) {
        return FHIRSTORE_OK;
    }
    const bool is_there = current->exists && !version.is_deleted;
    if (is_there && version.is_large) {
        status = fhs_resource_take_body(call->conn, &version, &body, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_sight_merge(call, (*prepared)->type, is_there ? version.body : FHS_STR_NONE,
                                 (*prepared)->text, &session->arena, &text, err);
    }
    if (status >= FHIRSTORE_OK && text.ptr != (*prepared)->text.ptr) {
        *merged = **prepared;
        merged->text = text;
        status = fhs_json_read(&session->arena, text, NULL, &merged->root, err);
        *prepared = merged;
    }
    fhs_buf_clear(&body);
    return status;
}

static fhirstore_status store_seen(fhs_call *call, const fhs_prepared *prepared, fhs_str id,
                                   const fhs_condition *condition, bool with_body,
                                   fhs_answer *answer, fhirstore_error **err)
{
    current_state current;
    bool unchanged = false;
    int32_t type = fhs_catalog_type(call->session->core->catalog, prepared->type);
    fhs_prepared merged;
    if (condition->is_fresh_id) {
        current = (current_state){0};
        fhirstore_status kept = merge_hidden(call, &prepared, &current, &merged, err);
        return kept < FHIRSTORE_OK
                   ? kept
                   : store_new_version(call, prepared, id, &current, with_body, answer, err);
    }
    bool seen = true;
    fhirstore_status status = read_current(call, type, id, &current, err);
    if (status >= FHIRSTORE_OK) {
        status = check_before(call, prepared->type, &current, &seen, err);
    }
    if (status >= FHIRSTORE_OK && !seen) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_DENIED);
    }
    if (status >= FHIRSTORE_OK) {
        status = check_condition(&current, condition, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = merge_hidden(call, &prepared, &current, &merged, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = is_unchanged(call, prepared, &current, &unchanged, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (!unchanged) {
        return store_new_version(call, prepared, id, &current, with_body, answer, err);
    }
    call->version_before = current.version.version;
    call->version_after = current.version.version;
    status = fhs_touch_state(call, prepared->type, current.version.entity, id, current.version.rows,
                             current.version.body, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    answer->status = FHIRSTORE_OK;
    answer->http = fhs_status_http(FHIRSTORE_OK);
    answer->is_new_version = false;
    status = answer_stored(answer, prepared->type, &current.version, with_body, err);
    if (status >= FHIRSTORE_OK && with_body && current.version.is_large) {
        status = fhs_resource_take_body(call->conn, &current.version, &answer->body, err);
    }
    return status;
}

/* A deletion of which nothing is told afterwards, not even that there was one. */
static fhirstore_status remove_for_good(fhs_call *call, fhs_type type, const current_state *current,
                                        fhirstore_error **err)
{
    const fhs_str id = current->version.id;
    fhirstore_status status = fhs_touch_state(call, type, current->version.entity, id,
                                              current->version.rows, current->version.body, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_param_check(call, type, id, NULL, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_purge_resource(call, &current->version, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_param_follow(call, type, id, NULL, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_integrity_note_deletion(call, type, id, err);
    }
    return status < FHIRSTORE_OK ? status : FHIRSTORE_NO_CONTENT;
}

fhirstore_status fhs_store_resource(fhs_call *call, const fhs_prepared *prepared, fhs_str id,
                                    const fhs_condition *condition, bool with_body,
                                    fhs_answer *answer, fhirstore_error **err)
{
    fhirstore_status status = fhs_trail_guard(call, prepared->type, id, err);
    if (status >= FHIRSTORE_OK) {
        status = store_seen(call, prepared, id, condition, with_body, answer, err);
    }
    if (status >= FHIRSTORE_OK && with_body) {
        fhirstore_status cut = fhs_sight_cut(call, prepared->type, &answer->body, err);
        status = cut < FHIRSTORE_OK ? cut : status;
    }
    return status;
}

fhirstore_status fhs_store_deletion(fhs_call *call, fhs_type type, fhs_str id,
                                    const fhs_condition *condition, fhs_answer *answer,
                                    fhirstore_error **err)
{
    current_state current;
    const fhs_core *core = call->session->core;
    fhs_write write = {
        .type = fhs_catalog_type(core->catalog, type), .id = id, .method = FHS_METHOD_DELETE};
    bool seen = true;
    fhirstore_status status = fhs_trail_guard(call, type, id, err);
    if (status >= FHIRSTORE_OK) {
        status = read_current(call, write.type, id, &current, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = check_before(call, type, &current, &seen, err);
    }
    if (status >= FHIRSTORE_OK && !seen) {
        current = (current_state){0}; /* as if it were not there */
    }
    if (status >= FHIRSTORE_OK) {
        status = check_condition(&current, condition, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    answer->status = FHIRSTORE_NO_CONTENT;
    answer->http = fhs_status_http(FHIRSTORE_NO_CONTENT);
    if (!current.exists || (current.version.is_deleted && !condition->is_hard)) {
        return answer->status;
    }
    answer->is_changed = true;
    if (condition->is_hard) {
        return remove_for_good(call, type, &current, err);
    }
    describe_old(&write, &current);
    write.version = current.version.version + 1;
    status = fhs_param_check(call, type, id, NULL, err);
    if (status >= FHIRSTORE_OK) {
        status = write_version(call, type, NULL, &current, &write, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = touch_written(call, type, &write, FHS_STR_NONE, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_param_follow(call, type, id, NULL, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_integrity_note_deletion(call, type, id, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const fhs_version stored = {
        .id = id, .version = write.version, .updated_us = fhs_conn_time(call->conn)};
    fhs_answer_describe(answer, type, &stored);
    return answer->status;
}
