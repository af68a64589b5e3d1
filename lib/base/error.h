/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an error is made and carried inside the library.
 *
 * A function that can fail returns a status and takes `fhirstore_error **err`, which may be NULL.
 * On failure it makes the error once, where the reason is known, with fhs_fail(); callers pass the
 * status up unchanged and add context (entry, expression) once, where they know it. Making an
 * error never fails: without memory it becomes the static out-of-memory error.
 *
 * Texts are for people and must not carry resource content: no values, no ids, no names of
 * patients. Element names, parameter names, types, positions and limits are fine.
 */
#ifndef FHS_BASE_ERROR_H
#define FHS_BASE_ERROR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/str.h"
#include "fhirstore/error.h"

typedef enum fhs_severity {
    FHS_SEVERITY_FATAL,
    FHS_SEVERITY_ERROR,
    FHS_SEVERITY_WARNING,
    FHS_SEVERITY_INFORMATION,
} fhs_severity;

/* Set *err (its old value is released) and return @a status. */
fhirstore_status fhs_fail(fhirstore_error **err, fhirstore_status status, const char *format, ...)
    FHS_PRINTF(3, 4);
/* fhs_fail() with the table's own text for @a status. */
fhirstore_status fhs_fail_plain(fhirstore_error **err, fhirstore_status status);
/* The same for want of memory: needs none. */
fhirstore_status fhs_fail_memory(fhirstore_error **err);

/* Context, added to an error that was just made. All accept a NULL err or *err. */
void fhs_error_at(fhirstore_error **err, uint64_t offset, uint32_t line, uint32_t column);
void fhs_error_entry(fhirstore_error **err, uint32_t entry);
void fhs_error_cause(fhirstore_error **err, int32_t cause);
/* The FHIRPath of the element that the first issue speaks of. */
void fhs_error_expression(fhirstore_error **err, fhs_str expression);
/* FHIR issue type of the first issue (static text), where the status's own is too coarse. */
void fhs_error_code(fhirstore_error **err, const char *code);
/*
 * One more issue (a validation report holds many). @a code NULL takes the status's own. False when
 * FHS_LIMIT_ISSUES is reached or memory is short: the error stays as it was.
 */
bool fhs_error_add_issue(fhirstore_error **err, fhs_severity severity, const char *code,
                         fhs_str expression, const char *format, ...) FHS_PRINTF(5, 6);

/*
 * One issue of a report, which *err becomes with the first: its status is ERR_INVALID_RESOURCE once
 * an error is among the issues, OK before. False: FHS_LIMIT_ISSUES is reached, or memory is short.
 */
bool fhs_error_report(fhirstore_error **err, fhs_severity severity, const char *code,
                      fhs_str expression, const char *text);

/* What the public getters in lib/api read. */
fhirstore_status fhs_error_status(const fhirstore_error *error);
const char *fhs_error_message(const fhirstore_error *error);
fhirstore_location fhs_error_location(const fhirstore_error *error);
int32_t fhs_error_get_cause(const fhirstore_error *error);
uint32_t fhs_error_issue_count(const fhirstore_error *error);
bool fhs_error_issue(const fhirstore_error *error, uint32_t index, fhirstore_issue *out);
/* Append the error as an OperationOutcome. */
void fhs_error_write_outcome(const fhirstore_error *error, fhs_buf *out);
void fhs_error_free(fhirstore_error *error);

const char *fhs_status_name(fhirstore_status status);
const char *fhs_status_text(fhirstore_status status);
const char *fhs_status_issue(fhirstore_status status);
int32_t fhs_status_http(fhirstore_status status);

#endif
