/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A query tree is compiled against one store, planned, and run: a cursor over matches, a count, or
 * one page of a searchset Bundle.
 *
 * The connection must be inside a transaction (fhs_conn_begin_read or a write transaction) from
 * open to close: everything a search answers comes from that one snapshot. A search belongs to its
 * connection's thread; fhs_conn_interrupt() stops it from another (ERR_CANCELLED). With a limit of
 * time it watches the connection (fhs_conn_watch()) until it is closed.
 */
#ifndef FHS_SEARCH_SEARCH_H
#define FHS_SEARCH_SEARCH_H

#include "base/buf.h"
#include "base/error.h"
#include "fhir/fhir.h"
#include "index/index.h"
#include "keys/keys.h"
#include "query/query.h"
#include "storage/storage.h"
#include "terminology/terminology.h"

/*
 * For tests: another plan than the one that seems best. Whatever is wished for, a search finds the
 * same in the same order.
 */
typedef enum fhs_plan_wish {
    FHS_WISH_ALL = 1,     /* every resource is looked at, no index begins */
    FHS_WISH_LAST = 2,    /* the last condition that can begin does */
    FHS_WISH_ROWS = 4,    /* conditions are tested on rows, no index is asked */
    FHS_WISH_FAR = 8,     /* chains begin at their far end wherever they can … */
    FHS_WISH_NEAR = 16,   /* … or nowhere */
    FHS_WISH_SORTED = 32, /* an order is made by sorting … */
    FHS_WISH_WALK = 64,   /* … or read from an index where there is one */
} fhs_plan_wish;

/* Elements that the principal does not see; @a ctx is the env's restriction_ctx. */
typedef struct fhs_search_mask {
    /* Whether @a param of @a type reads one; FHS_SPARAM_NONE: whether there are any. */
    bool (*reads)(void *ctx, fhs_type type, fhs_sparam param);
    /* Whether @a element of @a type, or a part of it, is one. */
    bool (*hides)(void *ctx, fhs_type type, fhs_str element);
    /* Whether there may be some in @a body, and that appended without them. */
    bool (*may_mask)(void *ctx, fhs_type type, fhs_str body);
    fhirstore_status (*write)(void *ctx, fhs_type type, fhs_str body, fhs_buf *out,
                              fhirstore_error **err);
} fhs_search_mask;

/* What a search needs besides its connection and query. Borrowed until fhs_search_close(). */
typedef struct fhs_search_env {
    const fhs_fhir *fhir;
    fhs_catalog *catalog;
    fhs_indexer *indexer; /* for parameters whose rows are not complete; may be NULL without any */
    bool ready_only;      /* refuse those in place of looking at every resource: ERR_NOT_READY */
    const fhs_keys *keys; /* seals page links; NULL: pages have no next link */
    fhs_str base_url;     /* without a slash at the end; "" gives relative links */
    fhs_str link_base;    /* what links begin with, if not with that */
    fhs_str principal;    /* page links work for nobody else */
    /*
     * What the principal may see, in the query's own tree, ANDed to every search; NULL: all. At
     * system level an OR of nodes that each speak of one type.
     */
    const fhs_node *restriction;
    /*
     * The same for the resources that a chain or _has passes through, or that are included. NULL:
     * no restriction on them; a NULL answer: nothing of that type may be seen.
     */
    const fhs_node *(*restriction_of)(void *ctx, fhs_type type);
    void *restriction_ctx;
    /* Told of each resource that a page shows, on the way; leaves the connection alone. May be
     * NULL. */
    void (*shown)(void *ctx, const fhs_version *version);
    void *shown_ctx;
    /*
     * NULL: nothing is hidden within resources. Else a query that looks at something hidden is
     * ERR_DENIED, and pages leave it out; fhs_search_next() gives whole resources.
     */
    const fhs_search_mask *mask;
    uint64_t max_visits; /* resources looked at before ERR_TOO_COSTLY; 0: no limit */
    /*
     * Microseconds before ERR_TIMEOUT, from open to the end of the page or count, or for each step;
     * 0: no limit. They are those of the clock, or NULL: of the system's that never steps.
     */
    int64_t max_us;
    int64_t (*now_us)(void *ctx);
    void *now_ctx;
    uint32_t wish;                /* fhs_plan_wish; 0: the best plan */
    size_t max_includes;          /* included resources on a page; 0: FHS_LIMIT_PAGE_INCLUDES */
    bool is_for_terms;            /* looks for a code system itself: asks none */
    struct fhs_case_cache *cases; /* may be NULL */
} fhs_search_env;

/* What stored code systems say about case, kept for all searches of a store; thread-safe. */
typedef struct fhs_case_cache fhs_case_cache;
fhirstore_status fhs_case_cache_new(fhs_case_cache **out, fhirstore_error **err);
void fhs_case_cache_free(fhs_case_cache *cache);

/*
 * The store's CodeSystem and ValueSet resources as a source of terms: those that the restriction
 * of their type (env.restriction_of) lets the principal see.
 */
typedef struct fhs_stored_terms {
    fhs_conn *conn;
    const fhs_search_env *env;
    bool sees_all; /* for a restriction itself, which is not restricted */
    fhs_terms_source source;
} fhs_stored_terms;
/* @a stored stays where it is while its source is used; @a conn is inside a transaction. */
void fhs_stored_terms_init(fhs_stored_terms *stored, fhs_conn *conn, const fhs_search_env *env,
                           bool sees_all);

typedef struct fhs_search fhs_search;

/*
 * Plan @a query. ERR_PAGE_TOKEN: its _page was not made for this query, principal and store.
 * The query and its arena must outlive the search.
 */
fhirstore_status fhs_search_open(fhs_conn *conn, const fhs_search_env *env, const fhs_query *query,
                                 fhs_search **search_out, fhirstore_error **err);
void fhs_search_close(fhs_search *search);

/*
 * Whether one state of a resource of @a type satisfies @a node, a restriction. Of @a version
 * entity, type, seq and updated_us count; @a rows is its row list, or ptr NULL: that of what is
 * stored now.
 */
fhirstore_status fhs_search_judge(fhs_conn *conn, const fhs_search_env *env, fhs_type type,
                                  const fhs_node *node, const fhs_version *version, fhs_str rows,
                                  bool *yes_out, fhirstore_error **err);

/*
 * The next match in the order of the query, from the page token's place on, without end of page:
 * OK, DONE at the end. Views are borrowed until the next call on the connection.
 */
fhirstore_status fhs_search_next(fhs_search *search, fhs_version *out, fhirstore_error **err);

/* From now on the time it may take is that of all steps together: they make one answer. */
void fhs_search_in_one_piece(fhs_search *search);

/* How many resources match, wherever the page stands. Does not move the cursor. */
fhirstore_status fhs_search_count(fhs_search *search, int64_t *count_out, fhirstore_error **err);

/*
 * Append one page as a searchset Bundle: fhs_query.count matches from where the cursor stands, and
 * what they include. If that is too much for one page, a link leads to the rest.
 * @a path is what stands between base URL and "?" in links ("Patient", or "" at system level).
 */
fhirstore_status fhs_search_write_bundle(fhs_search *search, fhs_str path, fhs_buf *out,
                                         fhirstore_error **err);

/* A page of these matches alone, in the order given: all there are. */
fhirstore_status fhs_search_write_listed(fhs_search *search, const fhs_entity *entities,
                                         size_t count, fhs_str path, fhs_buf *out,
                                         fhirstore_error **err);

/*
 * Page links of whatever comes in pages. Append @a plain sealed, as text that a URL takes as it is;
 * it opens with the same @a bound text only.
 */
fhirstore_status fhs_page_seal(const fhs_keys *keys, fhs_str bound, fhs_str plain, fhs_buf *out,
                               fhirstore_error **err);
/* Append what was sealed; ERR_PAGE_TOKEN for anything else. */
fhirstore_status fhs_page_open(const fhs_keys *keys, fhs_str bound, fhs_str text,
                               fhs_buf *plain_out, fhirstore_error **err);

/* What the last page told: the resources on it, and the total or -1. */
void fhs_search_told(const fhs_search *search, int64_t *count_out, int64_t *total_out);

/* Whether the query asks for parts of resources: _elements, or _summary but for count and false. */
bool fhs_subset_is_wanted(const fhs_query *query);
/*
 * Append what @a query asks for of a resource, as it is written in @a body, and the tag that says
 * it is not all. Pages do so; fhs_search_next() gives whole resources. @a arena is for working and
 * is reset.
 */
fhirstore_status fhs_subset_write(const fhs_fhir *fhir, const fhs_query *query, fhs_str body,
                                  fhs_arena *arena, fhs_buf *out, fhirstore_error **err);

/* Append how the search is carried out: sentences for people, or one JSON object. */
void fhs_search_explain(fhs_search *search, bool as_json, fhs_buf *out);

#endif
