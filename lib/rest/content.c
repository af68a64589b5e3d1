/* SPDX-License-Identifier: Apache-2.0 */
#include "rest/content.h"

#include "base/base64.h"
#include "json/cursor.h"

/* ---- content that comes in ---- */

static bool says_binary(fhs_str body)
{
    fhs_json_cursor cursor;
    fhs_str name;
    fhs_str value;
    fhs_str type = FHS_STR_NONE;
    if (fhs_json_cursor_open(body, 0, &cursor, NULL) < FHIRSTORE_OK || !cursor.is_object) {
        return false;
    }
    while (fhs_json_cursor_next(&cursor, &name, &value, NULL, NULL) == FHIRSTORE_OK) {
        if (fhs_str_eq(name, FHS_LIT("resourceType"))) {
            return fhs_json_plain_string(value, &type) && fhs_str_eq(type, FHS_LIT("Binary"));
        }
    }
    return false;
}

bool fhs_binary_is_content(const fhs_core *core, const fhs_request *request, const fhs_route *route,
                           const fhs_request_headers *headers)
{
    const fhs_str name = fhs_media_name(headers->content_type);
    if (request->outer != NULL || !fhs_type_is_binary(core, route->type) || name.len == 0 ||
        (route->interaction != FHS_DO_CREATE && route->interaction != FHS_DO_UPDATE) ||
        fhs_str_eq_ascii_case(name, FHS_LIT("application/fhir+json"))) {
        return false;
    }
    return !fhs_media_is_json(name) || !says_binary(request->body);
}

/* binary.html: a reference, as a Reference has it. */
static fhirstore_status check_context(fhs_str context, fhirstore_error **err)
{
    size_t slash = fhs_str_find_char(context, '/', 0);
    bool is_good = slash > 0 && slash + 1 < context.len;
    for (size_t i = 0; i < context.len; i++) {
        is_good = is_good && context.ptr[i] > ' ' && context.ptr[i] != '"' &&
                  context.ptr[i] != '\\' && context.ptr[i] != 0x7F;
    }
    return context.len == 0 || is_good
               ? FHIRSTORE_OK
               : fhs_fail(err, FHIRSTORE_ERR_QUERY, "X-Security-Context is a reference: Patient/1");
}

fhirstore_status fhs_binary_wrap(const fhs_route *route, const fhs_request_headers *headers,
                                 fhs_str content, fhs_buf *out, fhirstore_error **err)
{
    fhirstore_status status = check_context(headers->security_context, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    /* At once as large as it will be, so that it does not grow by copies. */
    if (!fhs_buf_reserve(out, content.len / 3 * 4 + 1024)) {
        return fhs_fail_plain(err, fhs_buf_status(out));
    }
    fhs_buf_add_cstr(out, "{\"resourceType\":\"Binary\"");
    if (route->id.len > 0) {
        fhs_buf_add_cstr(out, ",\"id\":");
        fhs_json_write_string(out, route->id);
    }
    fhs_buf_add_cstr(out, ",\"contentType\":");
    fhs_json_write_string(out, headers->content_type);
    if (headers->security_context.len > 0) {
        fhs_buf_add_cstr(out, ",\"securityContext\":{\"reference\":");
        fhs_json_write_string(out, headers->security_context);
        fhs_buf_add_char(out, '}');
    }
    if (content.len > 0) {
        fhs_buf_add_cstr(out, ",\"data\":\"");
        fhs_base64_encode(content, out);
        fhs_buf_add_char(out, '"');
    }
    fhs_buf_add_char(out, '}');
    status = fhs_buf_status(out);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

/* ---- content that goes out ---- */

static fhirstore_status keep_text(fhs_buf *out, fhs_str text, fhirstore_error **err)
{
    fhs_buf_reset(out);
    fhs_buf_add_str(out, text);
    fhirstore_status status = fhs_buf_status(out);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

/* Decoding writes behind where it reads. */
static fhirstore_status hand_out_content(fhs_answer *answer, fhs_str data, fhirstore_error **err)
{
    size_t len = 0;
    if (data.len > 0) {
        char *begin = answer->body.ptr + (data.ptr - answer->body.ptr);
        if (!fhs_base64_decode_in_place(begin, data.len, &len)) {
            return fhs_fail(err, FHIRSTORE_ERR_CORRUPT, "a Binary's data is not base64");
        }
        memmove(answer->body.ptr, begin, len);
    }
    answer->body.len = len;
    answer->body.ptr[len] = '\0';
    answer->is_content = true;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_binary_unwrap(const fhs_core *core, const fhs_request *request,
                                   fhs_answer *answer, fhirstore_error **err)
{
    fhs_binary_parts parts;
    fhs_arena arena;
    if (request->outer != NULL || answer->body.len == 0) {
        return FHIRSTORE_OK;
    }
    fhs_arena_init(&arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_binary_read(&arena, fhs_buf_str(&answer->body), &parts, err);
    const fhs_str type = parts.content_type.len > 0 ? parts.content_type
                                                    : FHS_LIT("application/octet-stream");
    const bool is_wanted = status >= FHIRSTORE_OK && fhs_media_wants_content(core, request, type);
    if (is_wanted) {
        status = keep_text(&answer->media_type, type, err);
    }
    if (is_wanted && status >= FHIRSTORE_OK && parts.context.len > 0) {
        status = keep_text(&answer->context, parts.context, err);
    }
    fhs_arena_clear(&arena);
    return is_wanted && status >= FHIRSTORE_OK ? hand_out_content(answer, parts.data, err) : status;
}
