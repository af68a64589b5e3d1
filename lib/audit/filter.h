/* SPDX-License-Identifier: Apache-2.0 */
/* What a search asks of journal records: conditions in the words of AuditEvent's parameters. */
#ifndef FHS_AUDIT_FILTER_H
#define FHS_AUDIT_FILTER_H

#include "audit/as_fhir.h"

typedef struct fhs_audit_condition fhs_audit_condition;

typedef struct fhs_audit_filter {
    const fhs_audit_style *style;
    int zone_minutes; /* of dates that have none */
    int64_t now_us;
    fhs_audit_condition *conditions; /* the last one first */
    int64_t from_us;                 /* no record outside of this fits */
    int64_t to_us;
} fhs_audit_filter;

void fhs_audit_filter_init(fhs_audit_filter *filter, const fhs_audit_style *style, int zone_minutes,
                           int64_t now_us);
/* Whether records can be asked for this parameter. */
bool fhs_audit_filter_knows(const fhs_audit_filter *filter, fhs_str name, fhs_str modifier);
/*
 * Add a condition; name and value are decoded. ERR_PARAM_VALUE for a value that is none. Copies
 * into @a arena.
 */
fhirstore_status fhs_audit_filter_add(fhs_audit_filter *filter, fhs_arena *arena, fhs_str name,
                                      fhs_str modifier, fhs_str value, fhirstore_error **err);
bool fhs_audit_filter_fits(const fhs_audit_filter *filter, int64_t number,
                           const fhs_audit_event *event);

#endif
