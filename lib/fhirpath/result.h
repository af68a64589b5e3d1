/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FHS_FHIRPATH_RESULT_H
#define FHS_FHIRPATH_RESULT_H

#include "fhirpath/internal.h"

/* A tree as compact JSON, wherever its text is. */
void fhs_fp_write_json(const fhs_json *json, fhs_buf *out);

#endif
