/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/binary.h"

#include "base/base64.h"
#include "fhir/reference.h"
#include "interact/sight.h"
#include "json/cursor.h"

/* What stands in a Binary, as it is written. */
typedef struct binary_parts {
    fhs_str content_type;
    fhs_str context; /* securityContext.reference */
    fhs_str data;    /* between its quotes, escapes and all */
} binary_parts;

bool fhs_type_is_binary(const fhs_core *core, fhs_type type)
{
    return type != FHS_TYPE_NONE && fhs_str_eq(fhs_type_name(core->fhir, type), FHS_LIT("Binary"));
}

/* Stored texts and those that were checked: what cannot be read is not there. */
static fhirstore_status find_parts(fhs_arena *arena, fhs_str body, binary_parts *out,
                                   fhirstore_error **err)
{
    const fhs_json *root;
    *out = (binary_parts){.content_type = FHS_STR_NONE};
    fhirstore_status status = fhs_json_read(arena, body, NULL, &root, err);
    if (status < FHIRSTORE_OK || root->type != FHS_JSON_OBJECT) {
        return status;
    }
    const fhs_json *context = fhs_json_get(root, FHS_LIT("securityContext"));
    const fhs_json *data = fhs_json_get(root, FHS_LIT("data"));
    (void)fhs_json_get_string(root, FHS_LIT("contentType"), &out->content_type);
    if (fhs_json_is(context, FHS_JSON_OBJECT)) {
        (void)fhs_json_get_string(context, FHS_LIT("reference"), &out->context);
    }
    if (fhs_json_is(data, FHS_JSON_STRING)) {
        out->data = fhs_str_of(body.ptr + data->begin + 1, data->end - data->begin - 2);
    }
    return FHIRSTORE_OK;
}

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
    binary_parts parts;
    fhs_arena arena;
    if (request->outer != NULL || answer->body.len == 0) {
        return FHIRSTORE_OK;
    }
    fhs_arena_init(&arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = find_parts(&arena, fhs_buf_str(&answer->body), &parts, err);
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

/* ---- by whose rights ---- */

/* Type and id of a reference to a resource of this store. */
static bool is_local(const fhs_core *core, fhs_str reference, fhs_type *type_out, fhs_str *id_out)
{
    fhs_str name;
    fhs_str rest;
    fhs_str version;
    if (fhs_str_starts_with(reference, core->base_url)) {
        reference = fhs_str_from(reference, core->base_url.len);
        reference = reference.len > 0 && reference.ptr[0] == '/' ? fhs_str_from(reference, 1)
                                                                 : reference;
    }
    if (!fhs_str_split(reference, '/', &name, &rest)) {
        return false;
    }
    *id_out = rest;
    (void)fhs_str_split(rest, '/', id_out, &version);
    *type_out = fhs_type_find(core->fhir, name);
    return *type_out != FHS_TYPE_NONE && fhs_type_is_resource(core->fhir, *type_out) &&
           fhs_id_is_valid(*id_out);
}

fhirstore_status fhs_may_read(fhs_call *call, fhs_type type, fhs_str id, bool *yes_out,
                              fhirstore_error **err)
{
    fhs_call inner;
    fhs_grant grant;
    fhs_call_nest(&inner, call, FHIRSTORE_ACTION_READ, type, id, FHS_STR_NONE);
    const fhs_access_ask ask = {FHIRSTORE_ACTION_READ,
                                fhs_type_name(call->session->core->fhir, type), id, FHS_STR_NONE};
    fhirstore_status status = fhs_call_decide(&inner, &ask, &grant, NULL);
    if (status == FHIRSTORE_OK) {
        status = fhs_sight_keep(&inner, type, &grant, NULL);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_sight_find(&inner, type, id, NULL);
    }
    fhs_call_end(&inner);
    *yes_out = status >= FHIRSTORE_OK;
    return status == FHIRSTORE_ERR_NO_MEMORY ? fhs_fail_memory(err) : FHIRSTORE_OK;
}

fhirstore_status fhs_binary_judge(fhs_call *call, fhs_type type, fhs_str body, bool *told_out,
                                  bool *yes_out, fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    binary_parts parts;
    fhs_arena arena;
    fhs_type of;
    fhs_str id;
    *told_out = false;
    *yes_out = true;
    if (!fhs_type_is_binary(core, type)) {
        return FHIRSTORE_OK;
    }
    fhs_arena_init(&arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = find_parts(&arena, body, &parts, err);
    if (status >= FHIRSTORE_OK) {
        parts.context = fhs_arena_dup(&arena, parts.context);
        status = parts.context.ptr == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
    }
    if (status >= FHIRSTORE_OK && is_local(core, parts.context, &of, &id) &&
        !fhs_type_is_binary(core, of)) {
        *told_out = true;
        status = fhs_may_read(call, of, id, yes_out, err);
    }
    fhs_arena_clear(&arena);
    return status;
}

fhirstore_status fhs_binary_judge_version(fhs_call *call, fhs_type type, const fhs_version *version,
                                          bool *told_out, bool *yes_out, fhirstore_error **err)
{
    fhs_version copy = *version;
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = FHIRSTORE_OK;
    *told_out = false;
    *yes_out = true;
    if (version->is_deleted || !fhs_type_is_binary(call->session->core, type)) {
        return FHIRSTORE_OK;
    }
    if (copy.is_large && copy.body.len == 0) {
        status = fhs_resource_take_body(call->conn, &copy, &text, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_binary_judge(call, type, copy.body, told_out, yes_out, err);
    }
    fhs_buf_clear(&text);
    return status;
}
