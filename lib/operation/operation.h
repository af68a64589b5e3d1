/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations: addresses that end in "$name". operation.c finds the one that is meant, reads its
 * parameters from the address or a Parameters resource, and carries it out as one call, from access
 * check to audit record. A new operation is a row in a table of fhs_operation_def.
 */
#ifndef FHS_OPERATION_OPERATION_H
#define FHS_OPERATION_OPERATION_H

#include "interact/core.h"
#include "interact/route.h"
#include "interact/write.h"
#include "json/json.h"

/* One parameter as it came. */
typedef struct fhs_argument {
    fhs_str name;
    fhs_str text;         /* of a primitive value; ptr NULL: it is none */
    const fhs_json *json; /* the value, or the resource; NULL: it came with the address */
} fhs_argument;

/* What an operation works with. */
typedef struct fhs_operation {
    const struct fhs_operation_def *def;
    const fhs_route *route;
    const fhs_argument *arguments;
    size_t argument_count;
    fhs_str body; /* the text that the arguments' JSON was read from */
    const fhs_condition *condition;
} fhs_operation;

/*
 * The work: inside the read transaction of @a call; fills the answer's body. What it returns below
 * OK is the answer as an OperationOutcome.
 */
typedef fhirstore_status (*fhs_operation_fn)(fhs_call *call, const fhs_operation *operation,
                                             fhs_answer *answer, fhirstore_error **err);

enum {
    FHS_ON_TYPE = 1,
    FHS_ON_INSTANCE = 2,
    FHS_ON_SYSTEM = 4,
    FHS_ON_VERSION = 8,
};

typedef struct fhs_operation_def {
    fhs_str name;          /* without the $ */
    fhs_str type;          /* empty: any type, or none at system level */
    unsigned levels;       /* FHS_ON_… */
    fhs_str resource;      /* the parameter that a body which is no Parameters stands for */
    const fhs_str *params; /* names it takes, ending in an empty one; NULL: any, more than once */
    fhs_operation_fn run;
    const fhs_str *lists;  /* names that may come more than once, the same way; NULL: none */
    int32_t action;        /* asked for; 0: read of a resource, else search of its type */
    bool changes;          /* the store: POST alone, in a write transaction */
    bool own_transactions; /* it opens those that it needs itself */
    bool is_host;          /* the host's (host.h): it reads its own body */
} fhs_operation_def;

/* How an operation was asked for. */
typedef struct fhs_operation_ask {
    const fhs_route *route;
    fhs_str body;            /* empty: there is none */
    bool is_form;            /* it is a form: parameters as in an address */
    fhs_condition condition; /* If-Match, of what changes a resource */
} fhs_operation_ask;

/* Carry out route->operation. ERR_NOT_FOUND; ERR_METHOD: it takes POST alone. */
fhirstore_status fhs_operation_run(fhs_session *session, const fhs_operation_ask *ask,
                                   fhs_answer *answer, fhirstore_error **err);
/* The same inside the transaction of an enclosing call, which writes where the operation does. */
fhirstore_status fhs_operation_run_in(fhs_call *outer, const fhs_operation_ask *ask,
                                      fhs_answer *answer, fhirstore_error **err);
/* What the call asks the authorizer for. */
int32_t fhs_operation_action(fhs_core *core, const fhs_route *route);
/* Whether it changes the store; false where there is none. */
bool fhs_operation_changes(fhs_core *core, const fhs_route *route);
/* "system|code" as a value of a token, encoded for an address. */
void fhs_operation_write_token(fhs_str system, fhs_str code, fhs_buf *out);
/* "Patient/1/$everything". */
void fhs_operation_write_path(const fhs_call *call, const fhs_operation *operation, fhs_buf *out);
/* The library's own operations, from 0 on; NULL behind the last. host.h has the host's. */
const fhs_operation_def *fhs_operation_at(size_t index);

/* ---- parameters ---- */

/* The parameter, or NULL. */
const fhs_argument *fhs_argument_find(const fhs_operation *operation, fhs_str name);
/* Text of a primitive parameter; empty where it is not there. ERR_PARAM_VALUE: it is none. */
fhirstore_status fhs_argument_text(const fhs_operation *operation, fhs_str name, fhs_str *out,
                                   fhirstore_error **err);
/* true or false; @a fallback where it is not there. */
fhirstore_status fhs_argument_flag(const fhs_operation *operation, fhs_str name, bool fallback,
                                   bool *out, fhirstore_error **err);
/* A whole number of at most @a max; @a fallback where it is not there. */
fhirstore_status fhs_argument_count(const fhs_operation *operation, fhs_str name, uint64_t max,
                                    uint64_t fallback, uint64_t *out, fhirstore_error **err);
/* An object (Coding, a resource); NULL where it is not there. */
fhirstore_status fhs_argument_object(const fhs_operation *operation, fhs_str name,
                                     const fhs_json **out, fhirstore_error **err);
/* The same, which must be there. */
fhirstore_status fhs_argument_needed_object(const fhs_operation *operation, fhs_str name,
                                            const fhs_json **out, fhirstore_error **err);
/* ERR_PARAM_VALUE: "operation parameter '…' …". */
fhirstore_status fhs_argument_fail(fhs_str name, const char *what, fhirstore_error **err);

/* ---- terminology (terms_value_set.c, terms_code_system.c) ---- */

extern const fhs_operation_def fhs_value_set_operations[];
extern const size_t fhs_value_set_operation_count;
extern const fhs_operation_def fhs_code_system_operations[];
extern const size_t fhs_code_system_operation_count;

/* ---- reindex.c ---- */

extern const fhs_operation_def fhs_reindex_operations[];
extern const size_t fhs_reindex_operation_count;

/* ---- translate.c ---- */

extern const fhs_operation_def fhs_translate_operations[];
extern const size_t fhs_translate_operation_count;

/* ---- lastn.c, stats.c ---- */

extern const fhs_operation_def fhs_lastn_operations[];
extern const size_t fhs_lastn_operation_count;
extern const fhs_operation_def fhs_stats_operations[];
extern const size_t fhs_stats_operation_count;

/* ---- meta.c ---- */

extern const fhs_operation_def fhs_meta_operations[];
extern const size_t fhs_meta_operation_count;

/* ---- everything.c ---- */

extern const fhs_operation_def fhs_everything_operations[];
extern const size_t fhs_everything_operation_count;
/* ---- validate.c ---- */

extern const fhs_operation_def fhs_validate_operations[];
extern const size_t fhs_validate_operation_count;
extern const fhs_operation_def fhs_versions_operations[];
extern const size_t fhs_versions_operation_count;

/* ---- purge.c ---- */

extern const fhs_operation_def fhs_purge_operations[];
extern const size_t fhs_purge_operation_count;

/* ---- difference.c ---- */

extern const fhs_operation_def fhs_difference_operations[];
extern const size_t fhs_difference_operation_count;

#endif
