/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One parameter evaluated by the FHIRPath engine: for expressions that the trie cannot express, and
 * as the oracle that the trie is held against.
 */
#ifndef FHS_INDEX_ENGINE_H
#define FHS_INDEX_ENGINE_H

#include "index/index_internal.h"

typedef struct fhs_engine_param fhs_engine_param;

/* Compile parameter @a param for resources of type @a type. */
fhirstore_status fhs_engine_param_new(const fhs_fhir *fhir, fhs_type type, fhs_sparam param,
                                      fhs_engine_param **out, fhirstore_error **err);
void fhs_engine_param_free(fhs_engine_param *engine);
/*
 * Append what it gives for @a resource to convert->out. Whatever goes wrong in the evaluation
 * itself gives nothing and is told by the status. @a max_steps 0: FHS_LIMIT_FHIRPATH_STEPS.
 */
fhirstore_status fhs_engine_extract(const fhs_engine_param *engine, fhs_convert *convert,
                                    const fhs_json *resource, uint64_t max_steps,
                                    fhirstore_error **err);
/*
 * Append @a expression as the engine is to read it: every `as` means ofType(), and primitive types
 * take in those derived from them.
 */
fhirstore_status fhs_engine_expression(const fhs_fhir *fhir, fhs_str expression, fhs_buf *out,
                                       fhirstore_error **err);

#endif
