/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the search for AuditEvents: see trail_search.c. */
#ifndef FHS_INTERACT_TRAIL_SEARCH_H
#define FHS_INTERACT_TRAIL_SEARCH_H

#include "audit/filter.h"
#include "interact/trail.h"
#include "interact/view.h"

#define TRAIL_PAGE_MAX ((size_t)1024 * 1024 * 1024)

/* Where a page begins. */
typedef struct fhs_trail_place {
    int64_t number; /* the record that comes next; 0: the stream's beginning; -1: none is left */
    int64_t ticks;  /* of the last stored one that was shown; its id, or nothing yet */
    char id[FHS_LIMIT_ID_BYTES + 1];
    int64_t total; /* -1: not known */
} fhs_trail_place;

/* What is to be shown, with its place in time and its text in the buffer of texts. */
typedef struct fhs_trail_item {
    int64_t ticks;
    int64_t number; /* 0: a stored resource */
    size_t begin;
    size_t end;
    char id[FHS_LIMIT_ID_BYTES + 1];
} fhs_trail_item;

typedef struct fhs_trail_list {
    fhs_trail_item *items;
    size_t count;
    size_t max;
} fhs_trail_list;

typedef struct fhs_trail_question {
    const fhs_place *place;
    fhs_str text; /* the query, as it came */
    bool lenient;
    bool ready_only;
    fhs_answer *answer;
    fhs_arena arena;
    fhs_audit_style style;
    fhs_audit_filter filter;
    fhs_buf question;     /* the query without the page */
    fhs_buf stored;       /* what is asked of stored resources */
    fhs_buf conditions;   /* what records are judged by as resources; empty: nothing */
    const fhs_node *node; /* the same, parsed; NULL: nothing */
    fhs_call *call;
    fhs_params *params;
    fhs_search_env env;
    fhs_buf probe; /* the record that is judged */
    fhirstore_status failure;
    fhs_str foreign; /* a parameter that the journal does not know; empty: none */
    fhs_str page;
    uint64_t size;
    bool counts_only;
    bool wants_total;
    bool by_update; /* _lastUpdated in place of date */
    bool ascends;
    fhs_view view;
    const fhs_query *query; /* of the stored ones, parsed */
    fhs_trail_place from;
    fhs_trail_list records;
    fhs_trail_list others;
    fhs_buf texts;
    int64_t looked_at;
    int64_t next_record; /* where looking stopped; -1: at the end */
    bool is_cut;         /* by the limit */
    int64_t cut_ticks;   /* nothing beyond may be shown yet */
    int64_t total;
    fhs_buf entries;
    size_t shown;
} fhs_trail_question;

/* Read what is asked for: conditions, and what shapes the answer. */
fhirstore_status fhs_trail_read_query(fhs_call *call, fhs_trail_question *work,
                                      fhirstore_error **err);
/* A page link's place, sealed; and back, from that of the query. */
fhirstore_status fhs_trail_seal_page(const fhs_call *call, const fhs_trail_question *work,
                                     const fhs_trail_place *place, fhs_buf *out,
                                     fhirstore_error **err);
fhirstore_status fhs_trail_open_page(const fhs_call *call, fhs_trail_question *work,
                                     fhirstore_error **err);
/* Conditions by which records are judged as the resources they would be. */
bool fhs_trail_may_judge(const fhs_call *call, fhs_type type, fhs_str name);
fhirstore_status fhs_trail_parse_conditions(fhs_call *call, fhs_trail_question *work,
                                            fhirstore_error **err);
/* Whether a record is found. It sets work->failure where that cannot be said. */
bool fhs_trail_fits(fhs_trail_question *work, int64_t number, const fhs_audit_event *event);
/* In the order of the search: is @a a before @a b? */
bool fhs_trail_comes_before(const fhs_trail_question *work, int64_t a, int64_t b);
/* Merge what was gathered, and write the Bundle. */
fhirstore_status fhs_trail_write_bundle(const fhs_call *call, fhs_trail_question *work,
                                        fhirstore_error **err);

#endif
