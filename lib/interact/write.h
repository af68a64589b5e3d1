/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a write, in two halves: prepare (read the JSON, check it: needs no store and can be
 * refused without a trace) and store (inside the write transaction of a call).
 */
#ifndef FHS_INTERACT_WRITE_H
#define FHS_INTERACT_WRITE_H

#include "interact/core.h"
#include "json/json.h"

/* A resource that was read and found valid. Lives in the session's arena, borrows its text. */
typedef struct fhs_prepared {
    fhs_str text;
    const fhs_json *root; /* of a large text perhaps read in pieces */
    fhs_type type;
    fhs_str id; /* as the body has it; empty: none */
} fhs_prepared;

/*
 * Read and validate @a text. @a type: what the address says, FHS_TYPE_NONE to take it from the
 * body. ERR_JSON…, ERR_INVALID_RESOURCE, ERR_UNKNOWN_TYPE.
 */
fhirstore_status fhs_prepare(fhs_session *session, fhs_type type, fhs_str text, fhs_prepared *out,
                             fhirstore_error **err);

/* What a write must find before it may happen. */
typedef struct fhs_condition {
    int64_t if_version; /* above 0: the current version must be this one */
    bool if_any;        /* there must be a current one (If-Match: *) */
    bool if_none;       /* nothing current may be there (If-None-Match: *) */
    bool if_absent;     /* the same for an id that its client chose: ERR_CONFLICT */
    bool is_aimed;      /* criteria found the id: the body may lack it */
    bool is_hard;       /* a deletion takes the history as well */
    bool cascades;      /* what refers to a deleted resource goes with it */
    bool is_fresh_id;   /* the id was just made: nothing can be there */
} fhs_condition;

/*
 * Store @a prepared under @a id: a new version, or nothing when it equals the current one. Sets the
 * call's versions and the answer (status CREATED or OK; the body when @a with_body).
 */
fhirstore_status fhs_store_resource(fhs_call *call, const fhs_prepared *prepared, fhs_str id,
                                    const fhs_condition *condition, bool with_body,
                                    fhs_answer *answer, fhirstore_error **err);

/* Store a deletion; NO_CONTENT also where there is nothing to delete. */
fhirstore_status fhs_store_deletion(fhs_call *call, fhs_type type, fhs_str id,
                                    const fhs_condition *condition, fhs_answer *answer,
                                    fhirstore_error **err);

#endif
