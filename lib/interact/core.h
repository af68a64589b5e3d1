/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every interaction works with: the open store with its definitions and callbacks, the session
 * of one principal, the call under way, and the answer it produces.
 */
#ifndef FHS_INTERACT_CORE_H
#define FHS_INTERACT_CORE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/access.h"
#include "audit/audit.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "fhir/fhir.h"
#include "index/custom.h"
#include "keys/keys.h"
#include "query/query.h"
#include "storage/storage.h"
#include "validation/validation.h"
#include "json/json.h"

/* ---- the store ---- */

typedef struct fhs_hooks fhs_hooks;         /* the callbacks in force, counted */
typedef struct fhs_sight fhs_sight;         /* what a call may see */
typedef struct fhs_decisions fhs_decisions; /* kept for as long as they are valid */
typedef struct fhs_ledger fhs_ledger;       /* the journal at work */
typedef struct fhs_touched fhs_touched;     /* what a call's record will name */

/* Numbers as in the public enum fhirstore_integrity. */
typedef enum fhs_integrity_mode {
    FHS_INTEGRITY_OFF = 0,
    FHS_INTEGRITY_ON_WRITE = 1,
    FHS_INTEGRITY_CASCADE = 2, /* ON_WRITE, and _cascade=delete is allowed */
} fhs_integrity_mode;

typedef struct fhs_core fhs_core;
struct fhs_core {
    fhs_storage *storage;
    const fhs_fhir *fhir;
    fhs_indexer *indexer;
    fhs_catalog *catalog;
    struct fhs_case_cache *cases; /* of stored code systems (search.h) */
    fhs_keys
        *token_keys; /* seals page links: the store's keys, or for a plaintext store random ones */
    bool owns_token_keys;
    fhs_str base_url;      /* without a trailing slash; ends in NUL */
    bool *without_history; /* by type: old versions are not kept; NULL: all are */
    fhs_validation_mode validation;
    fhs_invariants *invariants;
    fhs_integrity_mode integrity;
    int default_zone_minutes;
    bool read_only;
    fhirstore_clock_fn clock; /* NULL: the system's */
    void *clock_ctx;
    pthread_mutex_t hooks_lock; /* guards the pointers, not what they point to */
    fhs_hooks *hooks;
    uint64_t hooks_generation; /* how many authorizers there have been */
    fhs_params *own_params;    /* FHIR's own search parameters */
    fhs_params *params;        /* with those of the store, as the last commit left them */
    bool multi_process;        /* others may commit as well */
    fhs_ledger *ledger;        /* NULL: no journal is kept */
    struct fhs_patient_cache *patients;
    bool audit_best_effort;       /* what the audit hook fails with undoes nothing */
    const fhs_named_query *named; /* newest first; none ever goes. Guarded by hooks_lock */
    size_t named_count;
    struct fhs_host_operation *operations; /* of the host, the oldest first; the same */
    size_t operation_count;
    void (*free_operations)(fhs_core *core); /* NULL: there are none */
};

typedef struct fhs_core_options {
    fhs_storage_options storage;
    fhs_str base_url;
    fhs_str no_history; /* "Observation,Device"; ptr NULL: as the store has it */
    fhs_validation_mode validation;
    int default_zone_minutes;
    fhirstore_clock_fn clock;
    void *clock_ctx;
    int32_t journal; /* FHIRSTORE_JOURNAL_* */
    fhs_str anchor;  /* the store must not be older; empty: none */
    bool audit_best_effort;
    fhs_integrity_mode integrity;
} fhs_core_options;

fhirstore_status fhs_core_open(const fhs_core_options *options, fhs_core **out,
                               fhirstore_error **err);
/* No session may be at work. */
void fhs_core_close(fhs_core *core);
int64_t fhs_core_now(const fhs_core *core);

/* Put a callback in force (NULL: none); the old one is destroyed when its last call is over. */
fhirstore_status fhs_core_set_authorizer(fhs_core *core, const fhirstore_authorizer *authorizer,
                                         fhirstore_error **err);
/* The built-in policy by a document ("": the default one). ERR_POLICY, ERR_JSON… */
fhirstore_status fhs_core_set_policy(fhs_core *core, fhs_str document, fhirstore_error **err);
/* fhs_scopes_check() with the search parameters that are in force now. */
fhirstore_status fhs_core_check_scopes(fhs_core *core, fhs_arena *arena, const fhs_scopes *scopes,
                                       fhirstore_error **err);
fhirstore_status fhs_core_set_audit_hook(fhs_core *core, const fhirstore_audit_hook *hook,
                                         fhirstore_error **err);

/*
 * Let clients call a search by name, as long as the store is open. ERR_EXISTS: that type has one of
 * this name. Texts are copied.
 */
fhirstore_status fhs_core_name_query(fhs_core *core, fhs_type type, fhs_str name, fhs_str text,
                                     fhirstore_error **err);
/* Those there are, for a parser. */
const fhs_named_query *fhs_core_named_queries(fhs_core *core);
void fhs_core_free_named(fhs_core *core);

/*
 * Everything that can be wrong with the store: pages, tables, and the index rows of every resource
 * against a fresh extraction.
 */
fhirstore_status fhs_core_verify(fhs_core *core, fhs_finding_fn report, void *ctx,
                                 int64_t *findings_out, fhirstore_error **err);

/* The same, and what could be done about it. */
fhirstore_status fhs_core_examine(fhs_core *core, fhs_finding_fn report, void *ctx,
                                  fhs_examined *out, fhirstore_error **err);

typedef struct fhs_maintain_options {
    uint32_t max_ms;       /* 0: until all is done */
    int64_t max_resources; /* 0: all */
    uint32_t per_commit;   /* resources in one transaction; 0: 500 */
    fhirstore_status (*progress)(void *ctx, int64_t done, int64_t total);
    void *ctx;
} fhs_maintain_options;

/*
 * Index what new search parameters have not reached, drop what is left of old ones, in
 * transactions of a few resources each. DONE: nothing is left to do; OK: the budget is used up.
 */
fhirstore_status fhs_core_maintain(fhs_core *core, const fhs_maintain_options *options,
                                   fhirstore_error **err);
/* Sizes and counts as a JSON object. */
fhirstore_status fhs_core_stats(fhs_core *core, fhs_buf *out, fhirstore_error **err);

/* ---- the session ---- */

typedef struct fhs_session {
    fhs_core *core;
    atomic_uint holders; /* the host's handle, and each cursor or import opened in it */
    fhs_principal who;
    bool ready_only;          /* searches do without indexes that are not complete */
    int64_t search_us;        /* what one step, page or count of a search may take; 0: any time */
    uint32_t search_includes; /* on a page; 0: the limit */
    uint64_t search_looks;    /* resources that one search may look at; 0: the usual */
    pthread_mutex_t watch_lock;
    struct fhs_call *watched; /* calls at work on a connection, guarded by the lock … */
    atomic_uint cancels;      /* … and how often they were cancelled */
    atomic_bool is_revoked;
    int64_t expires_us;       /* by the store's clock; 0: never */
    bool leaves_bodies;       /* the request at work wants no representation of what it writes */
    fhs_str provenance;       /* X-Provenance of the request at work; empty: none */
    fhs_str link_base;        /* what links and locations begin with; no trailing slash */
    fhs_decisions *decisions; /* that may be given again; NULL: none yet */
    fhs_arena claims;         /* what was read of the principal's document */
    fhs_arena arena;          /* everything one call needs, forgotten at its end */
    fhs_buf body;             /* the text that is being stored */
    fhs_buf stamps;           /* the store's own fields of it */
    fhs_buf meta;
    fhs_buf rows;     /* its row list */
    fhs_buf old_body; /* what it replaces */
    fhs_buf old_rows;
    fhs_touched *spare_touched; /* for the next call that needs one */
    fhs_buf touched_rows;
    const fhs_json_watch *watch; /* told how far a large text is; NULL: nobody */
} fhs_session;

typedef struct fhs_session_options {
    fhs_str principal;
    fhs_str purpose;
    fhs_str request_id;
    fhs_str claims; /* the principal's document; empty: none */
    bool allow_everything;
    bool ready_only;
    uint32_t search_ms;
    uint32_t search_includes;
    uint64_t search_looks;
    fhs_str link_base; /* empty: the store's base URL */
    int64_t expires_us;
} fhs_session_options;

fhirstore_status fhs_session_new(fhs_core *core, const fhs_session_options *options,
                                 fhs_session **out, fhirstore_error **err);
/* One holder more; one less, and the last one frees it. NULL is a no-op. */
void fhs_session_hold(fhs_session *session);
void fhs_session_drop(fhs_session *session);
/* Stop every call that is at work, from any thread: they answer ERR_CANCELLED. */
void fhs_session_cancel(fhs_session *session);
/* The same for good: from now on there is no answer but ERR_SESSION_EXPIRED. */
void fhs_session_revoke(fhs_session *session);
/* ERR_SESSION_EXPIRED once the session was revoked or its time is over. */
fhirstore_status fhs_session_check(const fhs_session *session, fhirstore_error **err);
/* What a call that ended with @a status may answer: nothing of it when the session is over. */
fhirstore_status fhs_session_verdict(const fhs_session *session, fhirstore_status status,
                                     fhirstore_error **err);

/* ---- the answer ---- */

typedef struct fhs_answer {
    fhirstore_status status; /* OK, CREATED, NO_CONTENT, NOT_MODIFIED, or what was refused */
    int32_t http;
    fhs_buf body;
    fhs_type type; /* of the resource the answer is about, or FHS_TYPE_NONE */
    char id[FHS_LIMIT_ID_BYTES + 1];
    size_t id_len;
    int64_t version;
    int64_t updated_us;
    bool is_new_version; /* a version was written: Location applies */
    bool is_changed; /* the store is another: a version was written, or something was deleted */
    bool is_found;   /* the answer is about a resource that a condition found: Location as well */
    bool is_outcome; /* the body is an OperationOutcome about the interaction itself */
    bool is_content; /* the body is what a Binary holds, of type media_type */
    fhs_buf media_type;
    fhs_buf context;  /* X-Security-Context; empty: none */
    bool has_content; /* there is a body, also where HEAD leaves it out */
    char tag[20];     /* entity tag of what has no version; else empty */
    char allow[48];   /* what the address answers to, with a 405; else empty */
} fhs_answer;

void fhs_answer_init(fhs_answer *answer);
void fhs_answer_clear(fhs_answer *answer);
/* Take id, version and time from a stored version. */
void fhs_answer_describe(fhs_answer *answer, fhs_type type, const fhs_version *version);

/* ---- one call ---- */

/* Resources are recorded in pages of this size, each before its first one is handed out. */
#define FHS_AUDIT_PAGE 1000

/*
 * A call is one interaction from the access check to the audit record. Its work runs on a
 * connection that the call owns (or, inside a bundle or an import, that the enclosing call owns).
 */
/* How far the audit records that wait for their transaction's end went. */
typedef struct fhs_held_mark {
    size_t len;
    int64_t count;
} fhs_held_mark;

typedef struct fhs_call {
    fhs_session *session;
    fhs_arena *arena; /* for what is asked and told; the session's own unless set otherwise */
    fhs_hooks *hooks; /* the callbacks in force when the call began */
    fhs_conn *conn;
    int32_t action;
    fhs_type type; /* FHS_TYPE_NONE: system level */
    fhs_str id;
    fhs_str query;
    struct fhs_call *root; /* the outermost call, whose search parameters hold; NULL: this one */
    fhs_params *params;    /* of the connection's snapshot; NULL: not asked for yet */
    int64_t started_us;    /* monotonic; 0 when nobody listens */
    int64_t version_before;
    int64_t version_after;
    int64_t count;
    int64_t total;
    int64_t recorded; /* resources handed out that an event tells of */
    fhs_buf held;     /* records of the calls inside, until this one is decided; in order */
    int64_t held_count;
    fhs_buf written;      /* what integrity has to look at before the commit */
    fhs_buf targets;      /* versions written inside, where a Provenance will tell of them */
    fhs_buf noted;        /* the journal's record of the transaction itself */
    uint32_t entry;       /* of the Bundle, from 1, that is at work inside; 0: none */
    fhs_sight *sight;     /* what may be seen of each type; NULL: nothing was asked yet */
    fhs_touched *touched; /* what it handed out or wrote; NULL: nothing yet */
    bool is_heard;        /* there is a hook or a journal: what happens is to be told */
    bool is_announced;    /* it is a part of one that the hook was asked about */
    bool touch_failed;    /* no memory to note what was touched */
    bool types_failed;    /* no memory for an answer: the type counted as hidden */
    bool is_allowed;      /* the access check was passed */
    bool is_nested;       /* inside another call: shares its connection and its arena */
    bool params_changed;  /* by this transaction: others see them when it has committed */
    bool is_watched;
    unsigned cancels;            /* the session's when the call began */
    struct fhs_call *watch_next; /* of the session's */
} fhs_call;

/* Work of a call: on success it has filled its answer (through @a ctx). */
typedef fhirstore_status (*fhs_work_fn)(fhs_call *call, void *ctx, fhirstore_error **err);

/*
 * Begin a call of its own: forgets what the last one left in the arena. fhs_call_end() gives back
 * the connection and the hooks.
 */
void fhs_call_begin(fhs_call *call, fhs_session *session, int32_t action, fhs_type type, fhs_str id,
                    fhs_str query);
/* Begin a call inside @a outer, on its connection. */
void fhs_call_nest(fhs_call *call, fhs_call *outer, int32_t action, fhs_type type, fhs_str id,
                   fhs_str query);
void fhs_call_end(fhs_call *call);
/* The call has its connection: from now on until its end the session can cancel it. */
void fhs_call_watch(fhs_call *call);

/* Ask, take a reader, work, record. */
fhirstore_status fhs_call_read(fhs_call *call, fhs_work_fn work, void *ctx, fhirstore_error **err);
/*
 * Ask, take the writer, begin, work, record, commit. Whatever fails rolls everything back. A nested
 * call works in the outer transaction and leaves the rollback to the outer one.
 */
fhirstore_status fhs_call_write(fhs_call *call, fhs_work_fn work, void *ctx, fhirstore_error **err);
/*
 * The two ends of it, for calls that span more than one piece of work. Asking twice asks once. The
 * event of a nested call waits until the outermost one is decided.
 */
fhirstore_status fhs_call_ask(fhs_call *call, fhirstore_error **err);
/*
 * Ask the authorizer, unless its last answer to this is still valid. What is granted lasts until
 * the next question.
 */
fhirstore_status fhs_call_decide(fhs_call *call, const fhs_access_ask *ask, fhs_grant *out,
                                 fhirstore_error **err);
void fhs_decisions_free(fhs_decisions *decisions);
/* A condition found what the call is about: ask once more, with its id. */
fhirstore_status fhs_call_ask_again(fhs_call *call, fhs_str id, fhirstore_error **err);
fhirstore_status fhs_call_record(fhs_call *call, fhirstore_status outcome, fhirstore_error **err);
/* Ask the audit hook whether it may be: what fhs_call_ask() ends with. ERR_AUDIT_REFUSED. */
fhirstore_status fhs_call_announce(fhs_call *call, fhirstore_error **err);
/*
 * Before the call at system level looks at resources of several types: may resources of @a type be
 * seen? The authorizer is asked for the call's action and that type, once for each type.
 */
bool fhs_call_sees(fhs_call *call, fhs_type type);
/* Whether each fhs_call_sees() had the memory to ask. */
fhirstore_status fhs_call_seen_well(const fhs_call *call, fhirstore_error **err);
/*
 * One resource more is about to be handed out: counts it. Each FHS_AUDIT_PAGE of them are recorded
 * before the first of them leaves; the event counts what left before.
 */
fhirstore_status fhs_call_hand_out(fhs_call *call, fhirstore_error **err);
/* The rest is recorded at the end (what left cannot be undone any more). */
void fhs_call_hand_out_rest(fhs_call *call);
/* The last event held, as a mark; what was held since @a mark is told as failed, and forgotten. */
fhs_held_mark fhs_call_mark(const fhs_call *call);
void fhs_call_fail_held(fhs_call *call, fhs_held_mark mark, fhirstore_status status);
/* A call that only reads has no commit to wait for: what is held is told, in order, at its end. */
fhirstore_status fhs_call_release_held(fhs_call *call, fhirstore_error **err);
/* Tell what is held, before the commit. ERR_AUDIT_REFUSED: everything is to be undone. */
fhirstore_status fhs_call_tell_held(fhs_call *call, fhirstore_error **err);
/* Commit the call's write transaction; what it did to search parameters is in force then. */
fhirstore_status fhs_call_commit(fhs_call *call, fhirstore_error **err);
/* The search parameters of the call's snapshot; its transaction must be open. Borrowed. */
fhirstore_status fhs_call_params(fhs_call *call, fhs_params **out, fhirstore_error **err);
/* A savepoint was rolled back: the search parameters are what they were before it. */
fhirstore_status fhs_call_restore_params(fhs_call *call, fhirstore_error **err);
/*
 * Record that the call failed with @a status, and return it. What was held is told as failed; the
 * transaction must be rolled back by then.
 */
fhirstore_status fhs_call_refuse(fhs_call *call, fhirstore_status status);
/* Record a refusal from before any call began; @a action 0: not known yet. Returns @a status. */
fhirstore_status fhs_session_refuse(fhs_session *session, int32_t action, fhs_type type, fhs_str id,
                                    fhs_str query, fhirstore_status status);

#endif
