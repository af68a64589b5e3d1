/* SPDX-License-Identifier: Apache-2.0 */
/* One version into the store: conditions, version number, meta, rows, and what it replaces. */
#include <string.h>

#include "base/instant.h"
#include "interact/params.h"
#include "interact/write.h"

/* What is stored under (type, id) now, copied out of the connection. */
typedef struct current_state {
    bool exists; /* a row is there, maybe of a deleted resource */
    fhs_version version;
} current_state;

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
    fhs_buf_add_str(&session->old_rows, out->version.rows);
    status = fhs_resource_take_body(call->conn, &out->version, &session->old_body, err);
    if (status < FHIRSTORE_OK || fhs_buf_status(&session->old_rows) < 0) {
        return status < FHIRSTORE_OK ? status : fhs_fail_memory(err);
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

/* The text that is stored: what came, with the store's id and meta. */
static fhirstore_status build_body(fhs_session *session, const fhs_prepared *prepared, fhs_str id,
                                   int64_t version, int64_t updated_us, fhirstore_error **err)
{
    slice stamps[3];
    write_stamps(&session->stamps, id, version, updated_us, stamps);
    build_meta(&session->meta, prepared, slice_of(&session->stamps, stamps[1]),
               slice_of(&session->stamps, stamps[2]));
    const fhs_json_edit edits[] = {
        {FHS_LIT("id"), slice_of(&session->stamps, stamps[0])},
        {FHS_LIT("meta"), fhs_buf_str(&session->meta)},
    };
    fhs_buf_reset(&session->body);
    if (fhs_buf_status(&session->stamps) < 0 || fhs_buf_status(&session->meta) < 0) {
        return fhs_fail_memory(err);
    }
    fhs_json_write_edited(&session->body, prepared->text, prepared->root, edits,
                          FHS_COUNT_OF(edits));
    fhirstore_status status = fhs_buf_status(&session->body);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

static fhirstore_status write_rows(fhs_call *call, const fhs_prepared *prepared,
                                   fhirstore_error **err)
{
    fhs_session *session = call->session;
    fhs_core *core = session->core;
    fhs_entries entries = {0};
    fhs_params *params;
    fhs_buf_reset(&session->rows);
    fhirstore_status status = fhs_call_params(call, &params, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_index_extract(fhs_params_indexer(params), core->base_url, prepared->root,
                                   &session->arena, &entries, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    return fhs_index_rows(fhs_params_catalog(params), call->conn, prepared->type, &entries,
                          &session->rows, err);
}

/* Equal apart from member order and what the store owns: "id" and two fields of "meta". */
static bool is_same_resource(const fhs_json *old_root, const fhs_json *new_root)
{
    static const fhs_json empty = {.type = FHS_JSON_OBJECT};
    static const fhs_str own[] = {FHS_LIT_INIT("id"), FHS_LIT_INIT("meta")};
    static const fhs_str own_meta[] = {FHS_LIT_INIT("versionId"), FHS_LIT_INIT("lastUpdated")};
    const fhs_json *old_meta = fhs_json_get(old_root, own[1]);
    const fhs_json *new_meta = fhs_json_get(new_root, own[1]);
    old_meta = fhs_json_is(old_meta, FHS_JSON_OBJECT) ? old_meta : &empty;
    new_meta = fhs_json_is(new_meta, FHS_JSON_OBJECT) ? new_meta : &empty;
    return fhs_json_equal_but(old_meta, new_meta, own_meta, FHS_COUNT_OF(own_meta)) &&
           fhs_json_equal_but(old_root, new_root, own, FHS_COUNT_OF(own));
}

static fhirstore_status is_unchanged(fhs_session *session, const fhs_prepared *prepared,
                                     const current_state *current, bool *unchanged_out,
                                     fhirstore_error **err)
{
    const fhs_json *old_root;
    *unchanged_out = false;
    if (!current->exists || current->version.is_deleted) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_json_read(&session->arena, current->version.body, NULL, &old_root,
                                            err);
    *unchanged_out = status >= FHIRSTORE_OK && is_same_resource(old_root, prepared->root);
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

static fhirstore_status write_version(fhs_call *call, fhs_write *write, fhirstore_error **err)
{
    int64_t seq;
    fhirstore_status status = fhs_entity_intern(call->conn, write->type, write->id, &write->entity,
                                                err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_write(call->conn, write, &seq, err);
    }
    if (status >= FHIRSTORE_OK) {
        call->version_before = write->exists && !write->old_deleted ? write->old_version : 0;
        call->version_after = write->version;
    }
    return status;
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
    fhirstore_status status = fhs_param_check(call, prepared->type, id, prepared->root, err);
    if (status >= FHIRSTORE_OK) {
        status = build_body(session, prepared, id, write.version, now, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = write_rows(call, prepared, err);
    }
    if (status >= FHIRSTORE_OK) {
        write.body = fhs_buf_str(&session->body);
        write.rows = fhs_buf_str(&session->rows);
        status = write_version(call, &write, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_param_follow(call, prepared->type, id, prepared->root, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const fhs_version stored = {
        .id = id, .version = write.version, .updated_us = now, .body = write.body};
    answer->status = is_update ? FHIRSTORE_OK : FHIRSTORE_CREATED;
    answer->http = fhs_status_http(answer->status);
    answer->is_new_version = true;
    status = answer_stored(answer, prepared->type, &stored, with_body, err);
    return status < FHIRSTORE_OK ? status : answer->status;
}

fhirstore_status fhs_store_resource(fhs_call *call, const fhs_prepared *prepared, fhs_str id,
                                    const fhs_condition *condition, bool with_body,
                                    fhs_answer *answer, fhirstore_error **err)
{
    current_state current;
    bool unchanged = false;
    int32_t type = fhs_catalog_type(call->session->core->catalog, prepared->type);
    if (condition->is_fresh_id) {
        current = (current_state){0};
        return store_new_version(call, prepared, id, &current, with_body, answer, err);
    }
    fhirstore_status status = read_current(call, type, id, &current, err);
    if (status >= FHIRSTORE_OK) {
        status = check_condition(&current, condition, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = is_unchanged(call->session, prepared, &current, &unchanged, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (!unchanged) {
        return store_new_version(call, prepared, id, &current, with_body, answer, err);
    }
    call->version_before = current.version.version;
    call->version_after = current.version.version;
    answer->status = FHIRSTORE_OK;
    answer->http = fhs_status_http(FHIRSTORE_OK);
    answer->is_new_version = false;
    return answer_stored(answer, prepared->type, &current.version, with_body, err);
}

fhirstore_status fhs_store_deletion(fhs_call *call, fhs_type type, fhs_str id,
                                    const fhs_condition *condition, fhs_answer *answer,
                                    fhirstore_error **err)
{
    current_state current;
    const fhs_core *core = call->session->core;
    fhs_write write = {
        .type = fhs_catalog_type(core->catalog, type), .id = id, .method = FHS_METHOD_DELETE};
    fhirstore_status status = read_current(call, write.type, id, &current, err);
    if (status >= FHIRSTORE_OK) {
        status = check_condition(&current, condition, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    answer->status = FHIRSTORE_NO_CONTENT;
    answer->http = fhs_status_http(FHIRSTORE_NO_CONTENT);
    if (!current.exists || current.version.is_deleted) {
        return answer->status;
    }
    describe_old(&write, &current);
    write.version = current.version.version + 1;
    status = fhs_param_check(call, type, id, NULL, err);
    if (status >= FHIRSTORE_OK) {
        status = write_version(call, &write, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_param_follow(call, type, id, NULL, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const fhs_version stored = {
        .id = id, .version = write.version, .updated_us = fhs_conn_time(call->conn)};
    fhs_answer_describe(answer, type, &stored);
    return answer->status;
}
