/* SPDX-License-Identifier: Apache-2.0 */
/* $validate: would this resource be stored, changed, deleted? Nothing is. */
#include "fhirpath/fhirpath.h"
#include "interact/find.h"
#include "interact/integrity.h"
#include "interact/interact.h"
#include "interact/params.h"
#include "interact/presence.h"
#include "operation/operation.h"
#include "operation/terms_shared.h"
#include "validation/validation.h"

static const fhs_str resource_name = FHS_LIT_INIT("resource");
static const fhs_str mode_name = FHS_LIT_INIT("mode");
static const fhs_str profile_name = FHS_LIT_INIT("profile");
static const fhs_str validate_params[] = {FHS_LIT_INIT("resource"), FHS_LIT_INIT("mode"),
                                          FHS_LIT_INIT("profile"), FHS_LIT_INIT("")};

typedef enum validate_mode {
    MODE_GENERAL,
    MODE_CREATE,
    MODE_UPDATE,
    MODE_DELETE,
    MODE_PROFILE,
} validate_mode;

/* One $validate. */
typedef struct validate_work {
    fhs_call *call;
    const fhs_operation *operation;
    validate_mode mode;
    fhs_str profile; /* empty: none was named */
    const fhs_json *root;
    fhs_type type; /* of the resource */
    fhs_presence presence;
    fhs_answer stored; /* the resource that the address names, where none was sent */
    fhirstore_error *report;
} validate_work;

/* ---- what was asked ---- */

static fhirstore_status read_mode(validate_work *work, fhirstore_error **err)
{
    static const char *const names[] = {"", "create", "update", "delete", "profile"};
    fhs_str text;
    fhirstore_status status = fhs_argument_text(work->operation, mode_name, &text, err);
    for (size_t i = 0; i < FHS_COUNT_OF(names) && status >= FHIRSTORE_OK; i++) {
        if (fhs_str_eq(text, fhs_str_from_cstr(names[i]))) {
            work->mode = (validate_mode)i;
            return FHIRSTORE_OK;
        }
    }
    return status < FHIRSTORE_OK
               ? status
               : fhs_argument_fail(mode_name, "expects create, update, delete or profile", err);
}

static fhirstore_status read_what_is_stored(validate_work *work, fhirstore_error **err)
{
    fhs_call *call = work->call;
    fhirstore_status status = fhs_interact_read_in(call, call->type, call->id, 0, NULL,
                                                   &work->stored, err);
    return status < FHIRSTORE_OK ? status
                                 : fhs_json_read(call->arena, fhs_buf_str(&work->stored.body), NULL,
                                                 &work->root, err);
}

static fhirstore_status read_arguments(validate_work *work, fhirstore_error **err)
{
    fhirstore_status status = read_mode(work, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_text(work->operation, profile_name, &work->profile, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_object(work->operation, resource_name, &work->root, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (work->mode == MODE_PROFILE && work->profile.len == 0) {
        return fhs_argument_fail(profile_name, "is needed by this mode", err);
    }
    if (work->call->id.len == 0 && work->mode == MODE_DELETE) {
        return fhs_argument_fail(mode_name, "is delete: that goes with the address of a resource",
                                 err);
    }
    if (work->mode == MODE_DELETE && work->root != NULL) {
        return fhs_argument_fail(resource_name, "does not go with a mode of delete", err);
    }
    if (work->root != NULL) {
        return FHIRSTORE_OK;
    }
    if (work->call->id.len == 0 || work->mode == MODE_CREATE || work->mode == MODE_UPDATE) {
        return fhs_argument_fail(resource_name, "is needed", err);
    }
    return read_what_is_stored(work, err);
}

/* ---- issues ---- */

static fhirstore_status report(validate_work *work, fhs_severity severity, const char *code,
                               fhs_str expression, const char *text, fhirstore_error **err)
{
    const bool is_first = work->report == NULL;
    bool is_told = fhs_error_report(&work->report, severity, code, expression, text);
    return is_told || !is_first ? FHIRSTORE_OK : fhs_fail_memory(err);
}

/* "Patient.id" */
static fhirstore_status report_id(validate_work *work, const char *text, fhirstore_error **err)
{
    fhs_buf place = FHS_BUF_INIT(FHS_LIMIT_ID_BYTES * 2);
    fhs_buf_add_str(&place, fhs_type_name(work->call->session->core->fhir, work->type));
    fhs_buf_add_cstr(&place, ".id");
    fhirstore_status status = fhs_buf_status(&place);
    status = status < FHIRSTORE_OK
                 ? fhs_fail_plain(err, status)
                 : report(work, FHS_SEVERITY_ERROR, "value", fhs_buf_str(&place), text, err);
    fhs_buf_clear(&place);
    return status;
}

/* An issue of what an interaction would be refused for; anything but a refusal is a failure. */
static fhirstore_status report_refusal(validate_work *work, fhirstore_status status,
                                       fhirstore_error *why, fhirstore_error **err)
{
    fhirstore_issue issue;
    if (status >= FHIRSTORE_OK) {
        return FHIRSTORE_OK;
    }
    const int32_t http = fhs_status_http(status);
    if (http >= 400 && http < 500 && fhs_error_issue(why, 0, &issue)) {
        fhs_str place = issue.expression == NULL ? FHS_STR_NONE
                                                 : fhs_str_from_cstr(issue.expression);
        status = report(work, FHS_SEVERITY_ERROR, issue.code, place, issue.text, err);
        fhs_error_free(why);
        return status;
    }
    if (err != NULL) {
        fhs_error_free(*err);
        *err = why;
    } else {
        fhs_error_free(why);
    }
    return status;
}

/* ---- the resource ---- */

static fhirstore_status is_present(void *ctx, fhs_type type, fhs_str id, bool *yes_out,
                                   fhirstore_error **err)
{
    validate_work *work = ctx;
    return fhs_presence_has(&work->presence, type, id, yes_out, err);
}

/* Read trees stay in the call's arena: an invariant looks at few. */
static fhirstore_status resolve_stored(void *ctx, fhs_str reference, const fhs_json **out,
                                       fhirstore_error **err)
{
    validate_work *work = ctx;
    const fhs_core *core = work->call->session->core;
    fhs_reference parsed;
    fhs_buf body = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    *out = NULL;
    if (!fhs_reference_parse(core->fhir, core->base_url, reference, &parsed) || !parsed.is_local) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_presence_read(&work->presence, parsed.type, parsed.id, &body,
                                                err);
    if (status >= FHIRSTORE_OK && body.len > 0) {
        fhs_str kept = fhs_arena_dup(work->call->arena, fhs_buf_str(&body));
        status = kept.ptr == NULL ? fhs_fail_memory(err)
                                  : fhs_json_read(work->call->arena, kept, NULL, out, err);
    }
    fhs_buf_clear(&body);
    return status;
}

static int64_t clock_of_store(void *ctx)
{
    const validate_work *work = ctx;
    return fhs_core_now(work->call->session->core);
}

static fhirstore_status check_resource_fully(validate_work *work, fhs_terms *terms,
                                             fhirstore_error **err)
{
    const fhs_core *core = work->call->session->core;
    const fhs_full_check full = {
        .invariants = core->invariants,
        .run = fhs_fhirpath_run_new(0),
        .resolve = resolve_stored,
        .terms = terms,
        .now_us = clock_of_store,
        .base_url = core->base_url,
        .exists = is_present,
        .ctx = work,
        .if_missing = core->integrity == FHS_INTEGRITY_OFF ? FHS_SEVERITY_WARNING
                                                           : FHS_SEVERITY_ERROR,
    };
    if (full.run == NULL) {
        return fhs_fail_memory(err);
    }
    fhirstore_status status = fhs_validate_fully(core->fhir, &full, work->root, &work->type,
                                                 &work->report, err);
    fhs_fhirpath_run_free(full.run);
    return status == FHIRSTORE_ERR_INVALID_RESOURCE ? FHIRSTORE_OK : status;
}

/* With the terms of the store, as the call may see them. */
static fhirstore_status check_with_terms(validate_work *work, fhirstore_error **err)
{
    fhs_params *params = NULL;
    fhs_stored_terms stored;
    fhs_terms *terms = NULL;
    fhirstore_status status = fhs_call_params(work->call, &params, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const fhs_search_env env = fhs_find_env(work->call, params, false);
    fhs_stored_terms_init(&stored, work->call->conn, &env, false);
    status = fhs_terms_new(env.fhir, &stored.source, &terms, err);
    if (status >= FHIRSTORE_OK) {
        status = check_resource_fully(work, terms, err);
    }
    fhs_terms_free(terms);
    return status;
}

/* ---- what the address and the mode ask for besides ---- */

static fhirstore_status check_address(validate_work *work, fhirstore_error **err)
{
    const fhs_call *call = work->call;
    fhs_str id = FHS_STR_NONE;
    if (work->type == FHS_TYPE_NONE) {
        return FHIRSTORE_OK; /* told already */
    }
    if (call->type != FHS_TYPE_NONE && call->type != work->type) {
        return report(work, FHS_SEVERITY_ERROR, "invalid", FHS_LIT("resourceType"),
                      "the resource is not of the type that the address names", err);
    }
    if (work->mode != MODE_UPDATE) {
        return FHIRSTORE_OK;
    }
    if (!fhs_json_get_string(work->root, FHS_LIT("id"), &id)) {
        return report_id(work, "an update needs the id in the resource", err);
    }
    return call->id.len == 0 || fhs_str_eq(call->id, id)
               ? FHIRSTORE_OK
               : report_id(work, "the id in the resource is not the one in the address", err);
}

static fhirstore_status check_profile(validate_work *work, fhirstore_error **err)
{
    const fhs_fhir *fhir = work->call->session->core->fhir;
    if (work->profile.len == 0 || work->type == FHS_TYPE_NONE) {
        return FHIRSTORE_OK;
    }
    switch (fhs_validation_profile(fhir, work->type, work->profile)) {
    case FHS_PROFILE_HOLDS:
        return FHIRSTORE_OK;
    case FHS_PROFILE_OF_OTHER_TYPE:
        return report(work, FHS_SEVERITY_ERROR, "invalid", FHS_LIT("resourceType"),
                      "the profile that was asked for is that of another type", err);
    case FHS_PROFILE_UNKNOWN:
        break;
    }
    return report(work, FHS_SEVERITY_WARNING, "not-supported", FHS_STR_NONE,
                  "the profile that was asked for is not known here: only what FHIR's own "
                  "definitions say of the type was checked",
                  err);
}

/* May the principal do it? */
static fhirstore_status check_permission(validate_work *work, int32_t action, fhirstore_error **err)
{
    fhs_call probe;
    fhirstore_error *why = NULL;
    fhs_call_nest(&probe, work->call, action, work->type, work->call->id, FHS_STR_NONE);
    fhirstore_status status = fhs_call_ask(&probe, &why);
    fhs_call_end(&probe);
    return report_refusal(work, status, why, err);
}

/* A SearchParameter is compiled when it is stored. */
static fhirstore_status check_as_parameter(validate_work *work, fhs_str id, fhirstore_error **err)
{
    fhirstore_error *why = NULL;
    fhirstore_status status = fhs_param_check(work->call, work->type, id,
                                              work->mode == MODE_DELETE ? NULL : work->root, &why);
    return report_refusal(work, status, why, err);
}

static fhirstore_status check_deletion(validate_work *work, fhirstore_error **err)
{
    fhirstore_error *why = NULL;
    work->type = work->call->type;
    fhirstore_status status = check_permission(work, FHIRSTORE_ACTION_DELETE, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_integrity_check_deletion(work->call, work->type, work->call->id, &why);
        status = report_refusal(work, status, why, err);
    }
    return status;
}

static fhirstore_status check_content(validate_work *work, fhirstore_error **err)
{
    fhs_presence_begin(&work->presence, work->call);
    fhirstore_status status = check_with_terms(work, err);
    fhs_presence_end(&work->presence);
    if (status >= FHIRSTORE_OK) {
        status = check_address(work, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = check_profile(work, err);
    }
    if (status < FHIRSTORE_OK || work->type == FHS_TYPE_NONE) {
        return status;
    }
    if (work->mode == MODE_CREATE || work->mode == MODE_UPDATE) {
        status = check_permission(
            work, work->mode == MODE_CREATE ? FHIRSTORE_ACTION_CREATE : FHIRSTORE_ACTION_UPDATE,
            err);
    }
    return status < FHIRSTORE_OK || work->report != NULL
               ? status
               : check_as_parameter(work, work->call->id, err);
}

static fhirstore_status run_validate(fhs_call *call, const fhs_operation *operation,
                                     fhs_answer *answer, fhirstore_error **err)
{
    validate_work work = {.call = call, .operation = operation, .type = FHS_TYPE_NONE};
    fhs_answer_init(&work.stored);
    fhirstore_status status = read_arguments(&work, err);
    if (status >= FHIRSTORE_OK) {
        status = work.mode == MODE_DELETE ? check_deletion(&work, err) : check_content(&work, err);
    }
    if (status >= FHIRSTORE_OK) {
        fhs_error_write_outcome(work.report, &answer->body);
        call->count = 1;
    }
    fhs_error_free(work.report);
    fhs_answer_clear(&work.stored);
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

const fhs_operation_def fhs_validate_operations[] = {
    {.name = FHS_LIT_INIT("validate"),
     .levels = FHS_ON_TYPE | FHS_ON_INSTANCE,
     .resource = FHS_LIT_INIT("resource"),
     .params = validate_params,
     .run = run_validate,
     .action = FHIRSTORE_ACTION_VALIDATE},
};
const size_t fhs_validate_operation_count = FHS_COUNT_OF(fhs_validate_operations);
