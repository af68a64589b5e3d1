/* SPDX-License-Identifier: Apache-2.0 */
/* Whether two mappings fit together, and what they make of messages. Nothing is stored. */
#ifndef FHS_IOT_CHECK_H
#define FHS_IOT_CHECK_H

#include "iot/mapping.h"

typedef struct fhs_iot_checking {
    const fhs_iot_device_mapping *device;
    const fhs_iot_fhir_mapping *fhir; /* NULL: only the device mapping */
    unsigned text_flags;              /* of fhs_expression_to_text() */
    unsigned group_flags;             /* of group.h */
    bool lists_each;                  /* equal faults of many messages one by one */
    fhs_iot_faults *faults;           /* where findings go */
} fhs_iot_checking;

/* The mappings, and then each line of @a messages. ERR_NO_MEMORY only. */
fhirstore_status fhs_iot_check(const fhs_iot_checking *checking, fhs_str messages,
                               fhirstore_error **err);

/*
 * Add, as warnings, why the templates of @a mapping do not match @a message, in words: names that
 * it does not have, or has in other letters, else how far the expression comes. @a message lives in
 * @a scratch, from which more is taken.
 */
void fhs_iot_explain(const fhs_iot_device_mapping *mapping, fhs_arena *scratch,
                     const fhs_json *message, int64_t message_index, fhs_iot_faults *faults);

/* The next line of NDJSON that is not blank; false at the end. *line_out counts from 1. */
bool fhs_iot_next_line(fhs_str *rest, fhs_str *line, int64_t *line_out);

#endif
