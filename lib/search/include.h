/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a page's matches refer to and what refers to them. Rules say for each type which parameters
 * are followed (include_rules.c); a gathering follows them from the matches (include.c). Both last
 * for one page.
 */
#ifndef FHS_SEARCH_INCLUDE_H
#define FHS_SEARCH_INCLUDE_H

#include "search/search_internal.h"

/* One parameter that is followed from, or back to, resources of one type. */
typedef struct fhs_include_rule {
    uint32_t number; /* of the parameter in this store */
    fhs_sparam param;
    int32_t other; /* forwards: the only type to be included, 0: any; back: the type referring */
    bool iterate;  /* not from matches alone */
    bool is_late;  /* its index is not complete */
    bool by_canonical; /* what it refers to may go by a canonical url */
} fhs_include_rule;

typedef struct fhs_include_rules {
    fhs_include_rule *items;
    size_t count;
    size_t capacity;
    bool iterate; /* one of them does */
} fhs_include_rules;

/* What is known of one type; found out when it is met. */
typedef struct fhs_include_type {
    fhs_type type;
    int32_t number;
    bool has_rules;
    bool is_judged;
    bool is_hidden;              /* nothing of it may be seen */
    const fhs_test *restriction; /* NULL: all of it may */
    bool is_counted;
    bool is_held; /* the store has resources of it */
    fhs_url_params called;
    fhs_include_rules out; /* by parameter number */
    fhs_include_rules in;
} fhs_include_type;

/* Something included: the current version, or for a reference to a version that one. */
typedef struct fhs_included {
    fhs_entity entity;
    int64_t version; /* 0: the current one */
    int32_t type;
} fhs_included;

/* Resources, each once. */
typedef struct fhs_included_set {
    fhs_included *items;
    size_t count;
    size_t capacity;
    uint32_t *slots; /* places in items, from 1; 0: free */
    size_t slot_count;
} fhs_included_set;

typedef struct fhs_gathering {
    fhs_search *search;
    fhs_include_type **types;
    size_t type_count;
    size_t type_capacity;
    fhs_included_set matches;
    fhs_included_set found;
    size_t limit;     /* on one page */
    bool iterates;    /* what is found is followed in turn, so nothing may be passed over */
    bool has_horizon; /* what lies behind it is not on this page … */
    fhs_included horizon;
    fhs_included after; /* … and neither what lies before this or is it */
    fhs_included *page; /* what is on the page, in order */
    size_t page_count;
    bool has_more;
    fhs_arena arena; /* reads one resource for its references */
    fhs_buf rows;
    fhs_buf body;
    /* Whether what may be seen belongs to the result as well; NULL: it does. */
    fhirstore_status (*belongs)(void *ctx, const fhs_included *item, bool *yes_out);
    void *belongs_ctx;
} fhs_gathering;

/* ---- include_rules.c ---- */

fhirstore_status fhs_include_type_of(fhs_gathering *gathering, int32_t number,
                                     fhs_include_type **out);
/* Fill its rules. May read resources to complete an index, so before anything of them is borrowed.
 */
fhirstore_status fhs_include_rules_of(fhs_gathering *gathering, fhs_include_type *type);
fhirstore_status fhs_include_judge(fhs_gathering *gathering, fhs_include_type *type);
fhirstore_status fhs_include_count(fhs_gathering *gathering, fhs_include_type *type);
/* Refuse a search that would need an incomplete index, where it may not. */
fhirstore_status fhs_include_check(fhs_search *search);

/* ---- include_set.c ---- */

int fhs_included_compare(const fhs_included *a, const fhs_included *b);
bool fhs_included_has(const fhs_included_set *set, const fhs_included *item);
/* False: no memory. It must not be in it. */
bool fhs_included_add(fhs_included_set *set, const fhs_included *item);
/* Sort, and keep the first @a count. */
void fhs_included_cut(fhs_included_set *set, size_t count);
void fhs_included_clear(fhs_included_set *set);

/* ---- include.c ---- */

void fhs_gathering_init(fhs_gathering *gathering, fhs_search *search);
void fhs_gathering_clear(fhs_gathering *gathering);
/* A match of the page, before anything is gathered. */
fhirstore_status fhs_gathering_add_match(fhs_gathering *gathering, fhs_entity entity);
/* Find what the page includes: gathering->page. */
fhirstore_status fhs_gathering_run(fhs_gathering *gathering);
/* What a reference leads to is found, if it is there: with @a version not empty, that one. */
fhirstore_status fhs_gathering_take(fhs_gathering *gathering, fhs_entity entity, fhs_str version);
/* Put what was found in order: gathering->page. */
void fhs_gathering_finish(fhs_gathering *gathering);
/* Read something included, but a large body; the views are borrowed until the next read. */
fhirstore_status fhs_gathering_read(fhs_gathering *gathering, const fhs_included *item,
                                    fhs_version *out);

#endif
