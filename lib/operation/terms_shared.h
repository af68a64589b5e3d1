/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations of ValueSet and CodeSystem share. */
#ifndef FHS_OPERATION_TERMS_SHARED_H
#define FHS_OPERATION_TERMS_SHARED_H

#include "operation/operation.h"
#include "search/search.h"
#include "terminology/terminology.h"

/* One operation at work. */
typedef struct fhs_terms_work {
    fhs_call *call;
    const fhs_operation *operation;
    fhs_buf *out; /* the answer's body */
    fhs_search_env env;
    fhs_stored_terms stored;
    fhs_terms *terms;
    fhs_str language; /* of displays; empty: any */
    fhirstore_error **err;
} fhs_terms_work;

typedef struct fhs_coding {
    fhs_str system;
    fhs_str version;
    fhs_str code;
    fhs_str display;
} fhs_coding;

/* Run @a task with the terms of the store as the call may see them. */
fhirstore_status fhs_terms_run(fhs_call *call, const fhs_operation *operation, fhs_answer *answer,
                               fhirstore_status (*task)(fhs_terms_work *work),
                               fhirstore_error **err);

/* The resource that the address names ("ValueSet/1/$expand"). */
fhirstore_status fhs_terms_instance(fhs_terms_work *work, const fhs_json **out);

/*
 * The codings that are asked about: of "coding", of "codeableConcept", or of "code" and what goes
 * with it. @a list has room for FHS_CODINGS_MAX. ERR_PARAM_VALUE: none, or in two ways.
 */
#define FHS_CODINGS_MAX 64u
fhirstore_status fhs_terms_codings(fhs_terms_work *work, fhs_str version_name, fhs_coding *list,
                                   size_t *count_out);
fhirstore_status fhs_terms_coding(fhs_terms_work *work, const fhs_json *json, fhs_str name,
                                  fhs_coding *out);

/* The display in the wanted language, where there is one, else @a display. */
fhs_str fhs_terms_display(const fhs_terms_work *work, const fhs_json *concept, fhs_str display);
/* Whether @a text is the display or a designation, case and accents aside; empty always is. */
fhirstore_status fhs_terms_display_fits(fhs_terms_work *work, const fhs_json *concept,
                                        fhs_str display, fhs_str text, bool *yes_out);

/* ---- writing a Parameters resource ---- */

void fhs_terms_begin(fhs_terms_work *work);
void fhs_terms_end(fhs_terms_work *work);
/* @a type as in "valueString"; left out where @a text is empty. */
void fhs_terms_add(fhs_terms_work *work, const char *name, const char *type, fhs_str text);
void fhs_terms_add_bool(fhs_terms_work *work, const char *name, bool value);
/* What a validation found. @a coding: what is known of the code; may be NULL. */
void fhs_terms_write_result(fhs_terms_work *work, bool result, const char *message,
                            const fhs_coding *coding);
/* A value as it was read. */
fhirstore_status fhs_terms_write_json(fhs_terms_work *work, const fhs_json *value);

#endif
