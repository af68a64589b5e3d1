/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the JSON documents of this room: each refusal says where and what was expected. */
#ifndef FHS_ACCESS_DOCUMENT_H
#define FHS_ACCESS_DOCUMENT_H

#include "base/arena.h"
#include "base/error.h"
#include "json/json.h"

typedef struct fhs_document {
    fhs_arena *arena;
    fhs_str text;
    fhirstore_error **err;
} fhs_document;

/* Fail with ERR_POLICY at @a value. */
fhirstore_status fhs_document_fail(const fhs_document *document, const fhs_json *value,
                                   const char *expected);
fhirstore_status fhs_document_read(fhs_document *document, const fhs_json **root_out);
/* A string, copied. */
fhirstore_status fhs_document_string(const fhs_document *document, const fhs_json *value,
                                     fhs_str *out);
/* An array of strings, or where @a or_one a single one; copied. */
fhirstore_status fhs_document_strings(const fhs_document *document, const fhs_json *value,
                                      bool or_one, const fhs_str **out, size_t *count_out);

#endif
