/* SPDX-License-Identifier: Apache-2.0 */
/* $diff: the FHIRPath Patch that leads from one version, or one resource, to another. */
#include "interact/interact.h"
#include "operation/operation.h"
#include "patch/patch.h"

static const fhs_str version_params[] = {FHS_LIT_INIT("fromVersion"), FHS_LIT_INIT("toVersion"),
                                         FHS_LIT_INIT("")};
static const fhs_str place_params[] = {FHS_LIT_INIT("from"), FHS_LIT_INIT("to"), FHS_LIT_INIT("")};

/* One end of the difference. */
typedef struct diff_end_at {
    fhs_type type;
    fhs_str id;
    int64_t version; /* 0: the current one */
    fhs_answer answer;
} diff_end_at;

/* Reading is asked for and recorded as what it is. */
static fhirstore_status read_end(fhs_call *call, diff_end_at *end, fhirstore_error **err)
{
    return fhs_interact_read_in(call, end->type, end->id, end->version, NULL, &end->answer, err);
}

static fhirstore_status diff_ends(fhs_call *call, diff_end_at *from, diff_end_at *to,
                                  fhs_answer *answer, fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    fhirstore_status status = from->type == to->type
                                  ? FHIRSTORE_OK
                                  : fhs_fail(err, FHIRSTORE_ERR_PARAM_VALUE,
                                             "a difference is that of two resources of one type");
    if (status >= FHIRSTORE_OK && from->answer.version == 0) {
        status = read_end(call, from, err);
    }
    if (status >= FHIRSTORE_OK && to->answer.version == 0) {
        status = read_end(call, to, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    return fhs_patch_diff(call->arena, core->fhir, fhs_buf_str(&from->answer.body),
                          fhs_buf_str(&to->answer.body), &answer->body, err);
}

static fhirstore_status version_argument(const fhs_operation *operation, fhs_str name,
                                         int64_t *version_out, fhirstore_error **err)
{
    uint64_t version = 0;
    fhirstore_status status = fhs_argument_count(operation, name, INT64_MAX, 0, &version, err);
    if (status >= FHIRSTORE_OK && version == 0 && fhs_argument_find(operation, name) != NULL) {
        return fhs_argument_fail(name, "expects a version: 1, 2, 3 …", err);
    }
    *version_out = (int64_t)version;
    return status;
}

/* Patient/1/$diff: from the version before, to the current one. */
static fhirstore_status run_diff_of_versions(fhs_call *call, const fhs_operation *operation,
                                             fhs_answer *answer, fhirstore_error **err)
{
    diff_end_at from = {.type = call->type, .id = call->id};
    diff_end_at to = {.type = call->type, .id = call->id};
    fhs_answer_init(&from.answer);
    fhs_answer_init(&to.answer);
    fhirstore_status status = version_argument(operation, version_params[0], &from.version, err);
    if (status >= FHIRSTORE_OK) {
        status = version_argument(operation, version_params[1], &to.version, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = read_end(call, &to, err);
    }
    if (status >= FHIRSTORE_OK && from.version == 0) {
        from.version = to.answer.version - 1;
        status = from.version > 0 ? status
                                  : fhs_fail(err, FHIRSTORE_ERR_NOT_FOUND,
                                             "there is no version before the first");
    }
    if (status >= FHIRSTORE_OK) {
        status = diff_ends(call, &from, &to, answer, err);
    }
    fhs_answer_clear(&from.answer);
    fhs_answer_clear(&to.answer);
    return status;
}

/* A resource that came along, as it is written. */
static fhirstore_status given_argument(fhs_call *call, const fhs_operation *operation, fhs_str name,
                                       const fhs_json *resource, diff_end_at *out,
                                       fhirstore_error **err)
{
    const fhs_fhir *fhir = call->session->core->fhir;
    fhs_str type = FHS_STR_NONE;
    (void)fhs_json_get_string(resource, FHS_LIT("resourceType"), &type);
    out->type = fhs_type_find(fhir, type);
    if (out->type == FHS_TYPE_NONE || !fhs_type_is_resource(fhir, out->type)) {
        return fhs_argument_fail(name, "expects a resource of a known type", err);
    }
    fhs_json_write_compact(&out->answer.body, operation->body, resource);
    out->answer.version = 1; /* nothing is to be read */
    fhirstore_status status = fhs_buf_status(&out->answer.body);
    fhs_prepared checked;
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status)
                                 : fhs_prepare(call->session, out->type,
                                               fhs_buf_str(&out->answer.body), &checked, err);
}

/* "Patient/1" or "Patient/1/_history/2", or a resource. */
static fhirstore_status place_argument(fhs_call *call, const fhs_operation *operation, fhs_str name,
                                       diff_end_at *out, fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    fhs_str text;
    fhs_route route;
    const fhs_argument *argument = fhs_argument_find(operation, name);
    if (argument == NULL) {
        return fhs_argument_fail(name, "is missing", err);
    }
    if (fhs_json_is(argument->json, FHS_JSON_OBJECT) &&
        fhs_json_get(argument->json, FHS_LIT("resourceType")) != NULL) {
        return given_argument(call, operation, name, argument->json, out, err);
    }
    if (!fhs_json_is(argument->json, FHS_JSON_OBJECT) ||
        !fhs_json_get_string(argument->json, FHS_LIT("reference"), &text)) {
        text = argument->text;
    }
    if (text.len == 0 ||
        fhs_route_parse(core->fhir, core->base_url, FHS_LIT("GET"), text, &route, NULL) <
            FHIRSTORE_OK ||
        (route.interaction != FHS_DO_READ && route.interaction != FHS_DO_VREAD)) {
        return fhs_argument_fail(
            name, "expects a reference to a resource or a version of one, or a resource", err);
    }
    out->type = route.type;
    out->id = route.id;
    out->version = route.version;
    return FHIRSTORE_OK;
}

static fhirstore_status run_diff_of_two(fhs_call *call, const fhs_operation *operation,
                                        fhs_answer *answer, fhirstore_error **err)
{
    diff_end_at from = {.type = FHS_TYPE_NONE};
    diff_end_at to = {.type = FHS_TYPE_NONE};
    fhs_answer_init(&from.answer);
    fhs_answer_init(&to.answer);
    fhirstore_status status = place_argument(call, operation, place_params[0], &from, err);
    if (status >= FHIRSTORE_OK) {
        status = place_argument(call, operation, place_params[1], &to, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = diff_ends(call, &from, &to, answer, err);
    }
    fhs_answer_clear(&from.answer);
    fhs_answer_clear(&to.answer);
    return status;
}

const fhs_operation_def fhs_difference_operations[] = {
    {.name = FHS_LIT_INIT("diff"),
     .levels = FHS_ON_INSTANCE,
     .params = version_params,
     .run = run_diff_of_versions},
    {.name = FHS_LIT_INIT("diff"),
     .levels = FHS_ON_SYSTEM,
     .params = place_params,
     .run = run_diff_of_two},
};
const size_t fhs_difference_operation_count = FHS_COUNT_OF(fhs_difference_operations);
