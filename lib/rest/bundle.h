/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Bundle taken apart without a tree of the whole: a first pass finds the entries and reads
 * everything but their resources strictly; of each entry only its place is kept, so that a Bundle
 * of any size needs little. What an entry holds is read again when its turn comes.
 */
#ifndef FHS_REST_BUNDLE_H
#define FHS_REST_BUNDLE_H

#include "base/arena.h"
#include "base/random.h"
#include "interact/core.h"
#include "interact/links.h"
#include "interact/route.h"
#include "rest/rest.h"

typedef enum fhs_bundle_kind {
    FHS_BUNDLE_OTHER, /* document, message, collection …: a resource like others */
    FHS_BUNDLE_TRANSACTION,
    FHS_BUNDLE_BATCH,
    FHS_BUNDLE_SEARCHSET,
    FHS_BUNDLE_HISTORY,
    FHS_BUNDLE_UNKNOWN, /* no type, or none of FHIR's */
} fhs_bundle_kind;

/* What the condition of an entry found. */
typedef enum fhs_aim {
    FHS_AIM_GIVEN,  /* nothing was asked: the address says it */
    FHS_AIM_NEW,    /* nothing: the id is a new one */
    FHS_AIM_CHOSEN, /* nothing: the id is the one that the body has */
    FHS_AIM_FOUND,  /* the resource that matches */
} fhs_aim;

/* Where the resolution of a condition stands. */
enum {
    FHS_UNRESOLVED,
    FHS_RESOLVING,
    FHS_RESOLVED,
};

/* What is kept of an entry. */
typedef struct fhs_bundle_item {
    size_t begin;        /* of the entry in the text */
    size_t resource_end; /* behind its resource; 0: it has none */
    fhs_str address;     /* "Patient/1": where a write goes, once planned (conditional: resolved) */
    uint8_t interaction; /* fhs_interaction, once planned */
    uint8_t aim;         /* fhs_aim, once resolved */
    uint8_t resolution;  /* of a condition: FHS_UNRESOLVED … */
    bool is_conditional;
    bool is_get; /* of an operation: it is called with the reads */
} fhs_bundle_item;

typedef struct fhs_bundle {
    fhs_str text;
    fhs_bundle_kind kind;
    fhs_bundle_item *items; /* owned */
    size_t count;
    size_t capacity;
    size_t first; /* entries before items[0], where this is a part of a Bundle */
    /* Once planned: */
    fhs_arena *arena;      /* of the plan */
    fhs_links *targets;    /* what is changed, by its address */
    fhs_links *conditions; /* where "Patient?identifier=1" leads */
    fhs_links *awaited;    /* fullUrls of conditional entries, and their numbers as text */
} fhs_bundle;

/* One entry, as read. Strings live in the arena or the text. */
typedef struct fhs_bundle_entry {
    fhs_str resource; /* ptr NULL: none */
    size_t resource_offset;
    size_t end; /* behind the entry in the text */
    fhs_str full_url;
    fhs_str method; /* of request; empty: there is no request */
    fhs_str url;
    fhs_str if_match;
    fhs_str if_none_match;
    fhs_str if_none_exist;
    fhs_str if_modified_since;
} fhs_bundle_entry;

/* Told how far the text is read in this pass; an error from it stops. NULL: nobody listens. */
typedef struct fhs_bundle_watch {
    fhirstore_status (*tell)(void *ctx, size_t offset);
    void *ctx;
} fhs_bundle_watch;
fhirstore_status fhs_bundle_tell(const fhs_bundle_watch *watch, size_t offset,
                                 fhirstore_error **err);

/* Whether @a text is an object that calls itself a Bundle; no error otherwise. */
bool fhs_bundle_sniff(fhs_str text);

/*
 * Find the entries of the Bundle in @a text. @a scratch is forgotten at each entry. ERR_JSON…,
 * ERR_BUNDLE, each with its position. Clear *out in every case.
 */
fhirstore_status fhs_bundle_scan(const fhs_core *core, fhs_arena *scratch, fhs_str text,
                                 const fhs_bundle_watch *watch, fhs_bundle *out,
                                 fhirstore_error **err);
void fhs_bundle_clear(fhs_bundle *bundle);
/* Read the entry at @a index once more. */
fhirstore_status fhs_bundle_entry_at(const fhs_core *core, const fhs_bundle *bundle, size_t index,
                                     fhs_arena *arena, fhs_bundle_entry *out,
                                     fhirstore_error **err);
/* Turn a position in a piece of @a text that begins at @a offset into one in the whole. */
void fhs_bundle_place(fhs_str text, size_t offset, fhirstore_error **err);

/*
 * Give every entry its interaction and every write its address, and collect where the fullUrls
 * lead; what is kept lives in @a arena, @a scratch is forgotten at each entry. The error names the
 * entry.
 */
fhirstore_status fhs_bundle_plan(const fhs_core *core, fhs_arena *arena, fhs_arena *scratch,
                                 fhs_bundle *bundle, const fhs_bundle_watch *watch,
                                 fhs_links **links_out, fhirstore_error **err);

/* ERR_BUNDLE for a fullUrl that is a version's (bundle.html, bdl-8). */
fhirstore_status fhs_bundle_check_url(fhs_str full_url, fhirstore_error **err);
/*
 * The query with the values that name entries ("subject=urn:uuid:…") leading where @a links say; in
 * @a arena where anything changes. ptr NULL: no memory.
 */
fhs_str fhs_bundle_link_query(fhs_arena *arena, const fhs_links *links, fhs_str query);
/* The number of an entry that @a query names and that is not resolved yet; SIZE_MAX: there is none.
 */
size_t fhs_bundle_awaited(fhs_arena *arena, const fhs_bundle *bundle, fhs_str query);

/* "Patient/1" in @a arena; ptr NULL: no memory. */
fhs_str fhs_bundle_address(const fhs_core *core, fhs_arena *arena, fhs_type type, fhs_str id);
/*
 * The entry's write goes to @a id: ERR_BUNDLE where another one does. Its fullUrl leads there.
 */
fhirstore_status fhs_bundle_aim(const fhs_core *core, fhs_bundle *bundle, fhs_links *links,
                                fhs_bundle_item *item, const fhs_route *route, fhs_str id,
                                fhs_str full_url, fhirstore_error **err);
/* Aim the conditional entries, inside the write transaction of @a outer. */
fhirstore_status fhs_bundle_resolve(fhs_call *outer, fhs_bundle *bundle, fhs_links *links,
                                    fhirstore_error **err);
/*
 * Where a conditional reference leads; ptr NULL: it is none. ERR_BUNDLE where not exactly one
 * resource matches.
 */
fhirstore_status fhs_bundle_resolve_reference(fhs_call *outer, fhs_bundle *bundle,
                                              fhs_str reference, fhs_str *address_out,
                                              fhirstore_error **err);

/* How the answers of a transaction look. */
typedef struct fhs_bundle_replies {
    fhs_buf *out; /* entries of the response Bundle, comma-separated; NULL: nobody listens */
    fhs_return_mode wanted;
    bool is_strict; /* searches */
} fhs_bundle_replies;

typedef struct fhs_bundle_counts {
    int64_t stored; /* new versions */
    int64_t unchanged;
} fhs_bundle_counts;

/*
 * Execute a planned transaction inside @a outer's write transaction. Forgets the session's arena at
 * each entry.
 */
fhirstore_status fhs_bundle_execute(fhs_call *outer, fhs_bundle *bundle, fhs_links *links,
                                    const fhs_bundle_replies *replies,
                                    const fhs_bundle_watch *watch, fhs_bundle_counts *counts,
                                    fhirstore_error **err);

/* Execute each entry for itself; the answer's body is the response Bundle. */
fhirstore_status fhs_bundle_run_batch(fhs_session *session, const fhs_bundle *bundle,
                                      const fhs_preferences *preferences, fhs_answer *answer,
                                      fhirstore_error **err);
/* What ifModifiedSince says, microseconds; 0 for what is no instant. */
int64_t fhs_bundle_instant(fhs_str text);
/* Append one entry of a response Bundle. */
void fhs_bundle_write_reply(fhs_buf *out, const fhs_core *core, const fhs_answer *answer);

#endif
