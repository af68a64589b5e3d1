/* SPDX-License-Identifier: Apache-2.0 */
/* What was done, told to the hook before the answer is handed out. */
#ifndef FHS_AUDIT_AUDIT_H
#define FHS_AUDIT_AUDIT_H

#include "base/arena.h"
#include "base/error.h"
#include "fhirstore/audit.h"

/* One interaction as the record tells it; views need no NUL. */
typedef struct fhs_audit_event {
    int32_t action;
    fhirstore_status outcome;
    int64_t time_us;
    int64_t duration_us;
    int64_t version_before;
    int64_t version_after;
    int64_t count;
    int64_t total;     /* -1: not counted */
    fhs_str principal; /* these three end in NUL */
    fhs_str purpose;
    fhs_str request_id;
    fhs_str type;
    fhs_str id;
    fhs_str query;
    uint32_t entry;      /* of the Bundle that it was part of, from 1; 0: of none */
    uint32_t flags;      /* FHIRSTORE_AUDIT_MORE_… and the like */
    fhs_str patients;    /* ids of the patients concerned, with blanks between */
    fhs_str resources;   /* "Patient/1" of each resource beside type and id, in the same way */
    fhs_str restriction; /* what was granted, where it was less than all */
} fhs_audit_event;

/*
 * Tell the hook (NULL: nobody listens). ERR_AUDIT_REFUSED when it returns anything but OK; the
 * caller undoes the interaction and records the refusal, whose own answer no longer matters.
 */
fhirstore_status fhs_audit_record(const fhirstore_audit_hook *hook, const fhs_audit_event *event,
                                  fhs_arena *arena, fhirstore_error **err);
/* Ask the hook before anything is done; the same answers. */
fhirstore_status fhs_audit_before(const fhirstore_audit_hook *hook, const fhs_audit_event *event,
                                  fhs_arena *arena, fhirstore_error **err);

#endif
