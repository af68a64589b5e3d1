/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/binary.h"

#include "fhir/reference.h"
#include "interact/sight.h"
#include "json/json.h"

bool fhs_type_is_binary(const fhs_core *core, fhs_type type)
{
    return type != FHS_TYPE_NONE && fhs_str_eq(fhs_type_name(core->fhir, type), FHS_LIT("Binary"));
}

fhirstore_status fhs_binary_read(fhs_arena *arena, fhs_str body, fhs_binary_parts *out,
                                 fhirstore_error **err)
{
    const fhs_json *root;
    *out = (fhs_binary_parts){.content_type = FHS_STR_NONE};
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
    fhs_binary_parts parts;
    fhs_arena arena;
    fhs_type of;
    fhs_str id;
    *told_out = false;
    *yes_out = true;
    if (!fhs_type_is_binary(core, type)) {
        return FHIRSTORE_OK;
    }
    fhs_arena_init(&arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_binary_read(&arena, body, &parts, err);
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
