/* SPDX-License-Identifier: Apache-2.0 */
/* What a search is made of; search_internal.h has what is done with it. */
#ifndef FHS_SEARCH_SEARCH_TYPES_H
#define FHS_SEARCH_SEARCH_TYPES_H

#include "search/search.h"
#include "storage/rows.h"
#include "storage/stmt.h"

/* ---- tests: the query tree in this store's numbers ---- */

typedef enum fhs_test_kind {
    FHS_TEST_TRUE,
    FHS_TEST_FALSE,
    FHS_TEST_AND,
    FHS_TEST_OR,
    FHS_TEST_NOT,
    FHS_TEST_ROW,     /* some row of the parameters matches one of the values */
    FHS_TEST_PRESENT, /* there is a row of the parameters */
    FHS_TEST_ENTITY,  /* is one of a list */
    FHS_TEST_UPDATED, /* last updated, a date */
    FHS_TEST_CHAIN,
    FHS_TEST_HAS,
    FHS_TEST_CONTAINED, /* as the node says */
    FHS_TEST_TEXT, /* texts of the parameter's elements, read from the body */
} fhs_test_kind;

typedef enum fhs_text_mode {
    FHS_TEXT_EXACT,
    FHS_TEXT_PREFIX,
    FHS_TEXT_CONTAINS,
    FHS_TEXT_BELOW,
    FHS_TEXT_ABOVE,
    FHS_TEXT_ENDS,
    FHS_TEXT_COMPARE, /* as the match's compare says: eq, ne, gt, lt, ge, le */
} fhs_text_mode;

/* A code of a set, in the store's numbers. */
typedef struct fhs_code_entry {
    fhs_str code;    /* folded */
    fhs_str written; /* as the set has it */
    int64_t system;
    bool is_exact; /* the code system's codes differ by case */
    bool is_out;   /* not in the set, though its whole code system is */
} fhs_code_entry;

typedef struct fhs_codes {
    const fhs_code_entry *entries; /* by code, then system, then spelling */
    size_t count;
    const int64_t *wholes; /* code systems of which every code belongs */
    size_t whole_count;
} fhs_codes;

/* One alternative of a leaf, resolved. Only what its row kind needs is set. */
typedef struct fhs_match {
    uint8_t kind;    /* fhs_row_kind */
    uint8_t mode;    /* fhs_text_mode: string, uri, token code */
    uint8_t compare; /* fhs_compare: date, number, quantity */
    bool any_system; /* token */
    bool any_code;
    bool has_letters; /* the code has letters, so case may matter */
    bool any_unit;    /* quantity: any unit as written (not the canonical rows) */
    int64_t system;
    const fhs_codes *codes; /* token: in place of system and code */
    fhs_str text;           /* folded where the index is */
    fhs_str written;        /* as in the query */
    int64_t lo, hi; /* date; position: latitude and longitude */
    double metres;  /* position */
    fhs_str key, low_key, high_key; /* number, quantity: the value, and its range */
    const int64_t *numbers;         /* reference: targets; quantity: units; ascending */
    size_t number_count;
    bool has_version;
    uint8_t version_mode; /* fhs_text_mode: EXACT; BELOW and ABOVE go by the dots */
    fhs_str version;
    bool is_unequal; /* what does not match otherwise, of the parameter's rows */
    const fhs_value *unit_value; /* quantity: what its units were chosen by … */
    fhs_str unit_code;           /* … with the canonical code, if they are canonical */
    const struct fhs_match *const *parts; /* composite: alternatives of each component */
    const size_t *part_counts;
    size_t part_count;
} fhs_match;

typedef struct fhs_test fhs_test;

/* What is known about a test besides what it asks: prepared when it is first of use. */
typedef struct fhs_memo {
    bool is_probed;          /* whether an index can be asked has been found out … */
    struct fhs_probe *probe; /* … and it can */
    struct fhs_link *link;   /* CHAIN, HAS: how the resources at the other end are judged */
} fhs_memo;

struct fhs_test {
    uint8_t kind;
    uint8_t row_kind;
    bool is_late;           /* of parameters whose rows are not complete: no index answers */
    int32_t type;           /* the candidate's type must be this; 0: any */
    const uint32_t *params; /* ascending; several at system level */
    size_t param_count;
    const fhs_match *matches;
    size_t match_count;
    const int64_t *entities; /* ascending */
    size_t entity_count;
    fhs_test **children;
    size_t child_count;
    int32_t target;       /* CHAIN, HAS: type of the resources passed through */
    const fhs_fulltext *fulltext; /* TEXT */
    const fhs_node *node;         /* for explain; may be NULL; TEXT: whose texts */
    fhs_memo *memo;
};

/* ---- ranges: runs of an index ---- */

typedef enum fhs_shape_of_range {
    FHS_RANGE_TOKEN,             /* param code system */
    FHS_RANGE_TOKEN_EXACT,       /* param code system exact */
    FHS_RANGE_TOKEN_CODES,       /* param from to */
    FHS_RANGE_TOKEN_SYSTEM,      /* param system */
    FHS_RANGE_STRING_EXACT,      /* param folded exact */
    FHS_RANGE_STRINGS,           /* param from to */
    FHS_RANGE_STRING_PART,       /* param part */
    FHS_RANGE_DATE,              /* param lo-from lo-to hi-from hi-to */
    FHS_RANGE_DATE_HI,           /* the same, wide ones only */
    FHS_RANGE_NUMBER,            /* param lo-from lo-to hi-from hi-to */
    FHS_RANGE_QUANTITY,          /* param unit lo-from lo-to hi-from hi-to */
    FHS_RANGE_QUANTITY_ANY,      /* param lo-from lo-to hi-from hi-to */
    FHS_RANGE_REFERENCE,         /* param target */
    FHS_RANGE_REFERENCE_VERSION, /* param target version */
    FHS_RANGE_REFERENCES,        /* param */
    FHS_RANGE_URI,               /* param uri */
    FHS_RANGE_URIS,              /* param from to */
    FHS_RANGE_URI_PART,          /* param part */
    FHS_RANGE_COMPOSITES,        /* param from to */
    FHS_RANGE_POSITIONS,         /* param */
    FHS_RANGE_CELL,              /* param from to south north west east */
    FHS_RANGE_TYPE,              /* type */
    FHS_RANGE_UPDATED,           /* type from to, microseconds */
    FHS_RANGE_STORE,             /* everything */
    FHS_RANGE_ENTITY,            /* entity */
    FHS_RANGE_SHAPES,
} fhs_shape_of_range;

#define FHS_RANGE_ARGS 7u

typedef enum fhs_arg_kind {
    FHS_ARG_INT,
    FHS_ARG_TEXT,
    FHS_ARG_BLOB,
    FHS_ARG_TOP, /* above every text and every key */
} fhs_arg_kind;

typedef struct fhs_arg {
    uint8_t kind;
    int64_t number;
    fhs_str text;
} fhs_arg;

typedef struct fhs_range {
    uint8_t shape;
    uint8_t arg_count;
    bool is_unique; /* no entity has two rows in it */
    fhs_arg args[FHS_RANGE_ARGS];
} fhs_range;

/* What can be read in place of looking at every resource: a union of ranges, or a list. */
typedef struct fhs_scan {
    fhs_range *ranges;
    size_t count;
    size_t capacity;
    bool is_list;
    const int64_t *list; /* ascending */
    size_t list_count;
    bool is_exact; /* all of it matches; else each candidate is tested */
} fhs_scan;

/* ---- sources: entities in ascending or descending order, without repetition ---- */

#define FHS_MERGE_MAX 8u

typedef struct fhs_source {
    const fhs_scan *scan;
    bool is_down;
    bool is_merge;
    fhs_stmt *stmts[FHS_MERGE_MAX];
    int64_t heads[FHS_MERGE_MAX]; /* INT64_MAX (down: INT64_MIN): at its end */
    size_t stmt_count;
    int64_t *items; /* heap */
    const int64_t *view;
    size_t item_count;
    size_t at;
} fhs_source;

/* ---- probes: is an entity in a few runs, and which is the next that is? ---- */

/* A run in entity order that is entered anywhere. */
typedef struct fhs_lane {
    const fhs_range *range;
    fhs_stmt *stmt;
    bool is_open;
    bool is_bound;
    fhs_entity lower; /* nothing in the run from here … */
    fhs_entity head;  /* … up to this one, which is in it; INT64_MAX: nothing more */
} fhs_lane;

typedef struct fhs_probe {
    struct fhs_probe *next; /* of the same search */
    fhs_lane lanes[FHS_MERGE_MAX];
    size_t lane_count;
} fhs_probe;

#define FHS_LINK_PROBES 4u

/* The other end of a chain or _has: what indexes are asked, and what is tested besides. */
typedef struct fhs_link {
    struct fhs_link *next; /* of the same search */
    fhs_probe *probes[FHS_LINK_PROBES];
    size_t probe_count;
    const fhs_test **rest;
    size_t rest_count;
    bool needs_head; /* neither tells that the resource is there */
    fhs_lane *lanes; /* HAS: what refers to one candidate, by each parameter */
    size_t lane_count;
    fhs_range *ranges; /* of the lanes */
    fhs_entity asked;  /* CHAIN: the last one, often asked again; 0: none */
    bool answer;
} fhs_link;

/* ---- sort keys ---- */

typedef struct fhs_sorted_item {
    uint32_t at;
    uint32_t len;
    int64_t entity;
} fhs_sorted_item;

/* A way of a chained key in the store's numbers. */
typedef struct fhs_sort_step {
    uint32_t param; /* of the reference */
    int32_t target;
    const fhs_test *restriction; /* of the target; NULL: all may be seen */
} fhs_sort_step;

typedef struct fhs_sort_way {
    const fhs_sort_step *steps;
    size_t step_count;
    uint32_t param; /* to sort by */
} fhs_sort_way;

typedef struct fhs_sort_plan {
    uint32_t param;
    const fhs_sort_way *ways; /* a chain: no index has its order */
    size_t way_count;
    uint8_t row_kind;
    bool is_id;
    bool is_score;
    bool is_updated;
    bool descending;
    bool is_unknown;      /* the store has no such parameter: missing for all */
    bool is_late;         /* its index is not complete */
    const int64_t *units; /* quantity: the canonical ones, whose rows are preferred */
    size_t unit_count;
} fhs_sort_plan;

/* Matches with their keys, at most a window of them. */
typedef struct fhs_sorted {
    fhs_buf keys;
    fhs_sorted_item *items;
    size_t count;
    size_t capacity;
    size_t at;
    bool is_cut;  /* there are more behind the window */
    bool is_down; /* the greatest keys first */
} fhs_sorted;

/* ---- walks ---- */

/* One type's resources by time of change, on the first that has not been handed out. */
typedef struct fhs_walk_lane {
    fhs_stmt *stmt;
    int64_t updated;
    fhs_entity entity;
} fhs_walk_lane;

/* ---- page tokens ---- */

typedef enum fhs_page_kind {
    FHS_PAGE_FIRST, /* no token */
    FHS_PAGE_NEXT,  /* what follows a key */
    FHS_PAGE_BACK,  /* so many matches before a key, or before the end */
    FHS_PAGE_REST,  /* what the matches between two keys include, from a place on */
} fhs_page_kind;

/* A token; its keys are in search->after, before and until. */
typedef struct fhs_page_token {
    uint8_t kind;
    uint32_t size;        /* BACK */
    int64_t rest_entity;  /* REST: the last include handed out … */
    int64_t rest_version; /* … and its version, 0: the current one */
} fhs_page_token;

/* ---- a search ---- */

/* Who begins, and what is left to test. */
typedef struct fhs_plan {
    fhs_scan driver;
    const fhs_test *driver_test; /* NULL: every resource of the type */
    const fhs_test **residual;   /* what the driver does not answer */
    size_t residual_count;
    int64_t estimate; /* rows of the driver; -1: was not needed */
    bool is_rough;    /* others may be smaller: they were not counted to the end */
    bool is_passed;   /* indexes could begin, but too much would have to be gathered */
} fhs_plan;

typedef enum fhs_order {
    FHS_ORDER_ENTITY, /* candidates come in entity order and need no sorting */
    FHS_ORDER_SORTED, /* all matches are gathered with their keys */
    FHS_ORDER_WALK,   /* the sort key's own index is read */
} fhs_order;

/* What it costs to look at a resource, and to enter a run somewhere, in rows read one by one. */
#define FHS_LOOK_WORK  64u
#define FHS_ENTER_WORK 16u

/* Nesting of groups and chains that a test may have, and of chains alone. */
#define FHS_TEST_DEPTH   96u
#define FHS_LOADER_DEPTH 24u

/* A resource that is being tested; what is not needed is not loaded. */
typedef struct fhs_candidate {
    fhs_entity entity;
    int32_t known_type; /* 0: the head tells */
    bool is_contained;  /* stands within another resource: no entity */
    fhs_str contained_id;
    bool has_rows;
    bool has_head;
    bool is_there; /* head: current and not deleted */
    fhs_str rows;
    int32_t type;
    int64_t updated_us;
    int64_t seq;
} fhs_candidate;

typedef struct fhs_late fhs_late;
typedef struct fhs_text_search fhs_text_search;

typedef struct fhs_loader {
    fhs_stmt *rows;
    fhs_buf joined; /* stored and late rows */
    fhs_stmt *head;
} fhs_loader;

typedef struct fhs_system_case {
    int64_t number;
    bool is_sensitive;
} fhs_system_case;

struct fhs_search {
    fhs_conn *conn;
    fhs_search_env env;
    const fhs_query *query;
    fhs_arena arena;
    fhirstore_error **err; /* of the call that is running */

    int32_t type; /* of this store; 0: system level */
    int32_t *types;
    size_t type_count;
    fhs_test *root;       /* AND of everything */
    unsigned restricting; /* restrictions that are being compiled */
    bool is_containing;   /* conditions on what is contained are being compiled or tested */
    fhs_test *contained;  /* the test of _contained, if there is one */

    /* plan */
    const fhs_test **tests; /* all conditions */
    size_t test_count;
    fhs_scan *scans; /* one for each of them … */
    bool *is_usable; /* … that an index can answer */
    int64_t *counts;
    size_t inner_max; /* resources at the far end of a chain from which it may begin */
    fhs_plan plan;
    fhs_order order;
    bool is_empty; /* known to match nothing */

    /* sort */
    fhs_sort_plan *sort;
    size_t sort_count;

    /* running */
    bool is_started;
    bool is_one_piece; /* its time is that of all steps together */
    bool is_done;
    fhirstore_status failed; /* a search that failed does not go on as if it had ended */
    bool is_peeked;          /* search->last has been reached but not handed out */
    fhs_source source;
    fhs_sorted sorted;
    fhs_stmt *walk; /* over several types: that of the lane it stands on */
    fhs_walk_lane *lanes;
    size_t lane_count;
    size_t lane_at;
    bool walk_is_down; /* the direction of the lanes */
    bool walk_rest; /* the walk is over: those without the sort value come */
    fhs_buf key;    /* sort key of the last match */
    fhs_buf probe;
    fhs_entity last;
    fhs_entity looked_at; /* the last candidate in entity order */
    bool is_down;         /* going back from search->before, only to find where a page begins */
    fhs_buf after; /* where the page begins: the key of the last match before; empty at the start */
    fhs_buf before;       /* where the way back begins; empty: at the end */
    fhs_buf until;        /* the page ends with this key; empty: when it is full */
    fhs_page_token token; /* what the query's own page token says */
    int64_t total;        /* of the first page; -1: not known */
    int64_t told_count;   /* what the last page told: matches on it, and the total or -1 */
    int64_t told_total;
    int64_t high_seq; /* newest change when the first page was made */
    uint64_t visits;
    int64_t deadline_us;
    uint64_t work;      /* what it has cost so far, in index rows */
    fhs_entity skip_to; /* nothing before it can match */
    fhs_probe *probes;  /* all of them, to be closed */
    fhs_link *links;
    int64_t steps; /* matches so far */
    fhs_loader loaders[FHS_LOADER_DEPTH];
    fhs_late *late; /* late.h; NULL: every parameter that is used is ready */
    fhs_system_case *cases;
    fhs_text_search *texts; /* fulltext.c; NULL: no words are asked for */
    size_t case_count;
    size_t case_capacity;
    fhs_stored_terms stored;
    fhs_terms *terms; /* while the search is compiled; NULL: nothing was asked */
    fhs_buf scratch;
};

#endif
