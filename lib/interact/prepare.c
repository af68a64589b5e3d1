/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/write.h"
#include "terminology/terminology.h"
#include "json/cursor.h"

/* What the address says against what the body says. */
static fhirstore_status check_type(const fhs_core *core, fhs_type wanted, fhs_type found,
                                   fhirstore_error **err)
{
    if (wanted == FHS_TYPE_NONE || wanted == found) {
        return FHIRSTORE_OK;
    }
    fhs_str wanted_name = fhs_type_name(core->fhir, wanted);
    fhs_str found_name = fhs_type_name(core->fhir, found);
    fhirstore_status status = fhs_fail(err, FHIRSTORE_ERR_INVALID_RESOURCE,
                                       "resourceType is %.*s where the address says %.*s",
                                       FHS_STR_ARG(found_name), FHS_STR_ARG(wanted_name));
    fhs_error_expression(err, FHS_LIT("resourceType"));
    return status;
}

/* ---- large texts ---- */

/* One that is read in pieces. */
typedef struct piece_check {
    const fhs_core *core;
    const fhs_json_watch *watch;
    fhs_type type;
    fhirstore_error *faults;
} piece_check;

static fhirstore_status check_piece(void *ctx, fhs_str member, uint32_t index, const fhs_json *item)
{
    piece_check *check = ctx;
    fhs_validate_item(check->core->fhir, check->core->validation, check->type, member, index, item,
                      &check->faults);
    return fhs_json_tell(check->watch, item->end);
}

/*
 * The type of a text that is read in pieces, FHS_TYPE_NONE for one that is not: a short one, one
 * that does not say what it is, or a SearchParameter, which the store itself acts upon. Invariants
 * look at the whole.
 */
static fhs_type type_in_pieces(const fhs_core *core, fhs_str text)
{
    fhs_json_cursor cursor;
    fhs_str name;
    fhs_str value;
    if (core->validation == FHS_VALIDATION_FULL || text.len < FHS_LARGE_BODY_BYTES ||
        fhs_json_cursor_open(text, 0, &cursor, NULL) < FHIRSTORE_OK || !cursor.is_object) {
        return FHS_TYPE_NONE;
    }
    while (fhs_json_cursor_next(&cursor, &name, &value, NULL, NULL) == FHIRSTORE_OK) {
        if (!fhs_str_eq(name, FHS_LIT("resourceType"))) {
            continue;
        }
        fhs_type type = fhs_json_plain_string(value, &name) ? fhs_type_find(core->fhir, name)
                                                            : FHS_TYPE_NONE;
        bool is_fit = type != FHS_TYPE_NONE && fhs_type_is_resource(core->fhir, type) &&
                      !fhs_str_eq(name, FHS_LIT("SearchParameter"));
        return is_fit ? type : FHS_TYPE_NONE;
    }
    return FHS_TYPE_NONE;
}

static fhirstore_status prepare_in_pieces(fhs_session *session, const fhs_json_limits *limits,
                                          fhs_type type, fhs_prepared *out, fhirstore_error **err)
{
    const fhs_core *core = session->core;
    piece_check check = {core, session->watch, type, NULL};
    const fhs_json_pieces pieces = {check_piece, &check};
    fhirstore_status status = fhs_json_read_pieces(&session->arena, out->text, limits, &pieces,
                                                   &out->root, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_validate_rest(core->fhir, core->validation, out->root, &out->type,
                                   &check.faults);
        if (status < FHIRSTORE_OK && err != NULL) {
            fhs_error_free(*err);
            *err = check.faults;
            check.faults = NULL;
        }
    }
    fhs_error_free(check.faults);
    return status;
}

/* ---- with invariants ---- */

static int64_t store_clock(void *ctx)
{
    return fhs_core_now(ctx);
}

/* Errors only. What references point to in the store is no matter of the resource itself. */
static fhirstore_status prepare_fully(fhs_session *session, fhs_prepared *out,
                                      fhirstore_error **err)
{
    fhs_core *core = session->core;
    fhs_terms *terms = NULL;
    fhirstore_error *report = NULL;
    fhs_full_check full = {
        .invariants = core->invariants,
        .run = fhs_fhirpath_run_new(0),
        .now_us = store_clock,
        .base_url = core->base_url,
        .errors_only = true,
        .ctx = core,
    };
    fhirstore_status status = full.run == NULL ? fhs_fail_memory(err)
                                               : fhs_terms_new(core->fhir, NULL, &terms, err);
    if (status >= FHIRSTORE_OK) {
        full.terms = terms;
        status = fhs_validate_fully(core->fhir, &full, out->root, &out->type, &report, err);
    }
    if (status == FHIRSTORE_ERR_INVALID_RESOURCE && err != NULL) {
        fhs_error_free(*err);
        *err = report;
        report = NULL;
    }
    fhs_error_free(report);
    fhs_terms_free(terms);
    fhs_fhirpath_run_free(full.run);
    return status;
}

fhirstore_status fhs_prepare(fhs_session *session, fhs_type type, fhs_str text, fhs_prepared *out,
                             fhirstore_error **err)
{
    const fhs_core *core = session->core;
    const fhs_json_limits limits = {.max_bytes = FHS_LIMIT_RESOURCE_BYTES};
    const fhs_type in_pieces = type_in_pieces(core, text);
    fhirstore_status status;
    *out = (fhs_prepared){.text = text, .type = FHS_TYPE_NONE};
    if (in_pieces != FHS_TYPE_NONE) {
        status = prepare_in_pieces(session, &limits, in_pieces, out, err);
    } else {
        status = fhs_json_read(&session->arena, text, &limits, &out->root, err);
        if (status >= FHIRSTORE_OK) {
            status = core->validation == FHS_VALIDATION_FULL
                         ? prepare_fully(session, out, err)
                         : fhs_validate_resource(core->fhir, core->validation, out->root,
                                                 &out->type, err);
        }
    }
    if (status >= FHIRSTORE_OK) {
        status = check_type(core, type, out->type, err);
    }
    if (status >= FHIRSTORE_OK) {
        (void)fhs_json_get_string(out->root, FHS_LIT("id"), &out->id);
    }
    return status;
}
