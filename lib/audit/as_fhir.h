/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Journal records as FHIR AuditEvents, after the Basic Audit Log Patterns for RESTful interactions,
 * and whether a record fits what a search asks of them.
 */
#ifndef FHS_AUDIT_AS_FHIR_H
#define FHS_AUDIT_AS_FHIR_H

#include "audit/audit.h"
#include "base/buf.h"

/* How AuditEvents of this store look. */
typedef struct fhs_audit_style {
    bool is_r5;       /* category and code, outcome.code, patient; else as R4 and R4B have it */
    fhs_str base_url; /* without a slash at the end */
} fhs_audit_style;

/* "journal.12": no stored resource has an id of this form, whatever its number. */
void fhs_audit_write_id(int64_t number, fhs_buf *out);
/* Whether an id is of that form; *number_out 0: of no record that there could be. */
bool fhs_audit_read_id(fhs_str id, int64_t *number_out);

/* Append record @a number as a resource. */
void fhs_audit_write_resource(const fhs_audit_style *style, int64_t number,
                              const fhs_audit_event *event, fhs_buf *out);

/* What a record says in the codes of AuditEvent. */
typedef struct fhs_audit_codes {
    fhs_str type_system;
    fhs_str type_code;
    fhs_str type_display;
    fhs_str subtype;  /* of http://hl7.org/fhir/restful-interaction; empty: none */
    fhs_str narrower; /* a second one: "search-type"; empty: none */
    char action;      /* C, R, U, D or E */
    fhs_str profile;  /* "Read" of the basic patterns; empty: none fits */
    fhs_str outcome;  /* "0", "4", "8"; R5: "success", "error", "fatal" */
} fhs_audit_codes;

fhs_audit_codes fhs_audit_codes_of(const fhs_audit_style *style, const fhs_audit_event *event);

#define FHS_AUDIT_INTERACTION_SYSTEM "http://hl7.org/fhir/restful-interaction"
#define FHS_AUDIT_ACTION_SYSTEM      "http://hl7.org/fhir/audit-event-action"

#endif
