/* SPDX-License-Identifier: Apache-2.0 */
/* What identities and Observations have in common: how the store is asked, and written to. */
#include "fhir/reference.h"
#include "interact/interact.h"
#include "interact/sight.h"
#include "iot/document.h"
#include "iot/identity.h"

bool fhs_iot_ends_batch(fhirstore_status status)
{
    return status == FHIRSTORE_ERR_NO_MEMORY || status == FHIRSTORE_ERR_CANCELLED ||
           status == FHIRSTORE_ERR_CLOSED || status == FHIRSTORE_ERR_AUDIT_REFUSED ||
           status == FHIRSTORE_ERR_INTERNAL || status == FHIRSTORE_ERR_SESSION_EXPIRED ||
           (status <= -200 && status > -400) || status <= -900;
}

fhs_type fhs_iot_type(const fhs_call *call, const char *name)
{
    return fhs_type_find(call->session->core->fhir, fhs_str_from_cstr(name));
}

/* How a byte of a search value stands in an address: as it is, or so. */
static const char *encoded_byte(char c, char room[8])
{
    static const char hex[] = "0123456789ABCDEF";
    const unsigned char byte = (unsigned char)c;
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (is_plain) {
        return NULL;
    }
    /* What means something in a search value is preceded by a backslash. */
    const bool is_escaped = c == '\\' || c == ',' || c == '|' || c == '$';
    size_t len = 0;
    if (is_escaped) {
        memcpy(room, "%5C", 3);
        len = 3;
    }
    room[len++] = '%';
    room[len++] = hex[byte >> 4];
    room[len++] = hex[byte & 15];
    room[len] = '\0';
    return room;
}

static void write_token_value(fhs_str text, fhs_buf *out)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        char room[8];
        const char *encoded = encoded_byte(text.ptr[i], room);
        if (encoded != NULL) {
            fhs_buf_add(out, text.ptr + from, i - from);
            fhs_buf_add_cstr(out, encoded);
            from = i + 1;
        }
    }
    fhs_buf_add_str(out, fhs_str_from(text, from));
}

void fhs_iot_token_write(fhs_str system, fhs_str value, fhs_buf *out)
{
    if (system.len > 0) {
        write_token_value(system, out);
        fhs_buf_add_cstr(out, "%7C");
    }
    write_token_value(value, out);
}

fhirstore_status fhs_iot_read_body(fhs_call *call, fhs_type type, fhs_str id, fhs_str *text_out,
                                   const fhs_json **root_out, fhirstore_error **err)
{
    fhs_session *session = call->session;
    fhs_version version;
    fhs_buf body = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    *root_out = NULL;
    fhirstore_status status = fhs_resource_read(
        call->conn, fhs_catalog_type(session->core->catalog, type), id, &version, err);
    if (status >= FHIRSTORE_OK && version.is_deleted) {
        status = fhs_fail_plain(err, FHIRSTORE_ERR_NOT_FOUND);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_sight_take_body(call, type, &version, &body, err);
    }
    if (status >= FHIRSTORE_OK) {
        *text_out = fhs_arena_dup(&session->arena, fhs_buf_str(&body));
        status = text_out->ptr == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
    }
    fhs_buf_clear(&body);
    return status < FHIRSTORE_OK ? status
                                 : fhs_json_read(&session->arena, *text_out, NULL, root_out, err);
}

fhirstore_status fhs_iot_look_for_id(fhs_call *call, fhs_type type, fhs_str id, bool *ever_out,
                                     bool *now_out, fhirstore_error **err)
{
    fhs_version version = {.is_deleted = true};
    fhirstore_error *why = NULL;
    fhirstore_status status = fhs_resource_read(
        call->conn, fhs_catalog_type(call->session->core->catalog, type), id, &version, &why);
    *ever_out = status >= FHIRSTORE_OK;
    *now_out = *ever_out && !version.is_deleted;
    if (status == FHIRSTORE_ERR_NOT_FOUND) {
        status = FHIRSTORE_OK;
    } else if (status < FHIRSTORE_OK && err != NULL) {
        fhs_error_free(*err);
        *err = why;
        return status;
    }
    fhs_error_free(why);
    return status;
}

fhirstore_status fhs_iot_put(fhs_call *call, fhs_type type, fhs_str id, bool was_stored,
                             fhs_str text, int64_t *version_out, fhirstore_error **err)
{
    static const fhs_condition anything = {0};
    fhs_prepared prepared;
    fhs_answer answer;
    const fhs_held_mark mark = fhs_call_mark(call);
    fhirstore_status status = fhs_conn_savepoint(call->conn, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_answer_init(&answer);
    status = fhs_prepare(call->session, type, text, &prepared, err);
    if (status >= FHIRSTORE_OK) {
        status = was_stored
                     ? fhs_interact_update_in(call, &prepared, id, &anything, false, &answer, err)
                     : fhs_interact_create_in(call, &prepared, id, false, &answer, err);
    }
    *version_out = answer.version;
    fhs_answer_clear(&answer);
    if (status < FHIRSTORE_OK) {
        fhs_conn_savepoint_rollback(call->conn);
        fhs_call_fail_held(call, mark, status);
        return status;
    }
    status = fhs_conn_savepoint_release(call->conn, err);
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}
