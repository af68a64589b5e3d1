/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A search URL as a small tree. Parsing knows the definitions (which parameters a type has and of
 * what kind they are) but no store, no SQL and no plan. Access restrictions are the same tree.
 *
 * The tree and every view in it live in the arena and borrow the query text.
 */
#ifndef FHS_QUERY_QUERY_H
#define FHS_QUERY_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/str.h"
#include "fhir/fhir.h"
#include "fhir/reference.h"

typedef enum fhs_modifier {
    FHS_MOD_NONE,
    FHS_MOD_MISSING,
    FHS_MOD_EXACT,
    FHS_MOD_CONTAINS,
    FHS_MOD_NOT,
    FHS_MOD_TYPE, /* :[type]; leaf.target holds it */
    FHS_MOD_TEXT,
    FHS_MOD_IN,
    FHS_MOD_NOT_IN,
    FHS_MOD_ABOVE,
    FHS_MOD_BELOW,
    FHS_MOD_OF_TYPE,
    FHS_MOD_IDENTIFIER,
    FHS_MOD_CODE_TEXT,
    FHS_MOD_TEXT_ADVANCED,
    /* What only a _filter can ask for. */
    FHS_MOD_COMPARE,   /* string: folded text against values[].compare: eq ne gt lt ge le */
    FHS_MOD_CODE_PART, /* token: the code has the text within */
    FHS_MOD_STARTS,    /* token, uri */
    FHS_MOD_ENDS,      /* string, token, uri */
} fhs_modifier;

typedef enum fhs_compare {
    FHS_CMP_EQ,
    FHS_CMP_NE,
    FHS_CMP_GT,
    FHS_CMP_LT,
    FHS_CMP_GE,
    FHS_CMP_LE,
    FHS_CMP_SA,
    FHS_CMP_EB,
    FHS_CMP_AP,
} fhs_compare;

/* What is looked for in words: a tree of phrases. */
typedef enum fhs_fulltext_kind {
    FHS_FULLTEXT_AND,
    FHS_FULLTEXT_OR,
    FHS_FULLTEXT_NOT, /* one child */
    FHS_FULLTEXT_PHRASE,
} fhs_fulltext_kind;

typedef struct fhs_fulltext fhs_fulltext;
struct fhs_fulltext {
    uint8_t kind;
    const fhs_fulltext **children;
    size_t child_count;
    fhs_str words; /* PHRASE: as base/words.h cuts them, each behind a blank; one or more */
    size_t word_count;
    bool is_prefix; /* the last word is the beginning of one */
};

/* One value of a leaf (values of one parameter are alternatives). Escapes are resolved. */
typedef struct fhs_value {
    fhs_compare compare; /* date, number, quantity; others: EQ, or in a _filter NE, a row that
                            differs */
    bool is_any;         /* component of a composite in a _filter: nothing is asked of it */
    fhs_str text; /* string: text; uri, token with :in: uri; reference: what was written; others: as
                     written */
    /*
     * Token: "system|code". has_system: there was a '|'; an empty system then means "no system".
     * Without has_code any code of the system. Quantity: the unit; has_system and has_code only
     * where the part is not empty, a code alone may also be the unit's text.
     */
    bool has_system;
    bool has_code;
    fhs_str system;
    fhs_str code;
    /* date: [lo, hi] in ticks; AP: already widened by a tenth of the gap to now */
    int64_t lo, hi;
    /* number, quantity; EQ and NE: [low, high) by implicit precision; AP: [low, high], 10 % around
     */
    fhs_decimal number;
    fhs_decimal low, high;
    /* _text, _content and the modifiers that search texts */
    const fhs_fulltext *fulltext;
    /* near: lo and hi are latitude and longitude, degrees × 1e9 */
    double metres;
    /* reference */
    fhs_type ref_type;   /* "Patient/1" or :[type]; FHS_TYPE_NONE for a bare id, url, urn */
    fhs_str ref_id;      /* id part, or the whole url/urn/#fragment when is_url */
    fhs_str ref_version; /* "/_history/2" or canonical "|2" */
    bool is_url;         /* anything that is not an id or Type/id of this store */
    /* composite: one value a component; :of-type: type and value of an identifier */
    struct fhs_value *parts;
    size_t part_count;
} fhs_value;

typedef enum fhs_node_kind {
    FHS_NODE_AND,   /* all children; none: true */
    FHS_NODE_OR,    /* any child; none: false */
    FHS_NODE_NOT,   /* one child */
    FHS_NODE_LEAF,  /* a parameter and its values */
    FHS_NODE_CHAIN, /* param.child: some target of a reference satisfies the child */
    FHS_NODE_HAS,   /* some resource of type @a target refers here by its @a param and satisfies the
                       child */
    FHS_NODE_ID,    /* _id: values[].text */
    FHS_NODE_UPDATED,   /* _lastUpdated: date values */
    FHS_NODE_MEMBER,    /* _list, _in: named by a List, Group or CareTeam; values are references to
                           those, ref_type NONE: any of them; lo is now */
    FHS_NODE_FULLTEXT,  /* _text (is_narrative) and _content: values[].fulltext */
    FHS_NODE_CONTAINED, /* some resource of type @a target that it contains satisfies the first
                           child; or it is itself of that type and satisfies the second, if any */
    FHS_NODE_TRUE,
} fhs_node_kind;

/*
 * The parser writes :not as a NOT node around a plain leaf, :not-in as one around :in, and an
 * untyped chain as an OR of chains with one target each, so a leaf's modifier is never NOT nor
 * NOT_IN and a chain's target never NONE.
 */
typedef struct fhs_node fhs_node;
struct fhs_node {
    fhs_node_kind kind;
    fhs_type type;    /* the resource type this node speaks of; FHS_TYPE_NONE at system level */
    fhs_sparam param; /* LEAF, CHAIN, HAS */
    fhs_sparam_type param_type; /* LEAF */
    fhs_str code;               /* the parameter's code as in the URL, for messages and links */
    fhs_modifier modifier;
    fhs_type target;   /* MOD_TYPE, CHAIN, HAS: the type; else FHS_TYPE_NONE */
    bool missing;      /* MOD_MISSING: the value asked for; also for ID and UPDATED nodes */
    bool is_narrative; /* FULLTEXT */
    bool is_place;     /* LEAF: made of the compartment that is searched */
    fhs_value *values; /* alternatives */
    size_t value_count;
    fhs_node **children;
    size_t child_count;
};

/* One way of a chained sort key: references to follow, then what to sort by. */
typedef struct fhs_sort_link {
    fhs_type type; /* the type that refers … */
    fhs_sparam param;
    fhs_type target; /* … and the type it refers to */
} fhs_sort_link;

typedef struct fhs_sort_path {
    fhs_sort_link *links;
    size_t link_count;
    fhs_sparam param; /* of the last link's target */
} fhs_sort_path;

typedef struct fhs_sort_key {
    fhs_sparam param; /* FHS_SPARAM_NONE with is_id or is_updated, and for a chain */
    fhs_sparam_type param_type;
    fhs_sort_path *paths; /* a chain: one for each target that it may mean */
    size_t path_count;
    bool is_id;
    bool is_score; /* how well the words fit; the best come first, whatever `descending` says */
    bool is_updated;
    bool descending;
    fhs_str code;
} fhs_sort_key;

typedef enum fhs_total_mode {
    FHS_TOTAL_DEFAULT,
    FHS_TOTAL_NONE,
    FHS_TOTAL_ESTIMATE,
    FHS_TOTAL_ACCURATE
} fhs_total_mode;
typedef enum fhs_summary_mode {
    FHS_SUMMARY_FALSE,
    FHS_SUMMARY_TRUE,
    FHS_SUMMARY_TEXT,
    FHS_SUMMARY_DATA,
    FHS_SUMMARY_COUNT
} fhs_summary_mode;

typedef enum fhs_contained_mode {
    FHS_CONTAINED_FALSE,
    FHS_CONTAINED_TRUE,
    FHS_CONTAINED_BOTH,
} fhs_contained_mode;

/* A parameter that was not understood and dropped (lenient), for the outcome entry. */
typedef struct fhs_dropped {
    fhs_str name;       /* empty: not fit to be repeated */
    const char *reason; /* static text */
} fhs_dropped;

/*
 * What comes along with the matches: what they refer to (_include) or what refers to them
 * (_revinclude).
 */
typedef struct fhs_include {
    fhs_type source;  /* the type that refers; FHS_TYPE_NONE: any */
    fhs_sparam param; /* FHS_SPARAM_NONE: every reference of the source */
    fhs_type target;  /* only what is of this type is referred to; FHS_TYPE_NONE: any */
    bool is_reverse;  /* _revinclude */
    bool iterate;     /* also for what is included itself */
} fhs_include;

/* A whole search. */
typedef struct fhs_query {
    fhs_type type;   /* FHS_TYPE_NONE: system level … */
    fhs_type *types; /* … of these types ("_type"); none: of all */
    size_t type_count;
    fhs_node *root; /* an AND */
    fhs_sort_key *sort;
    size_t sort_count;
    fhs_include *includes;
    size_t include_count;
    bool has_fulltext; /* the full-text index is of use to it */
    bool hides_score;  /* "_score=false": matches do not tell how well the words fit */
    uint32_t count;    /* page size; FHS_DEFAULT_PAGE_COUNT when not given */
    bool has_count;
    uint32_t max_results; /* _maxresults: nobody looks at more; 0: not given */
    bool count_only;      /* _count=0 or _summary=count */
    fhs_total_mode total;
    fhs_summary_mode summary;
    fhs_contained_mode contained; /* if so, root is a CONTAINED node and type is NONE */
    bool contained_alone;         /* pages show what is contained, not what contains it */
    fhs_str *elements;            /* "_elements" */
    size_t element_count;
    fhs_str place; /* the compartment searched, as in the address: "Patient/1"; or empty */
    fhs_str page;  /* our own paging token parameter "_page", or empty */
    fhs_str
        self; /* the query as it was understood, re-encoded, without dropped parameters and _page */
    fhs_str named; /* text of the named query that is part of it, or empty */
    fhs_dropped *dropped;
    size_t dropped_count;
} fhs_query;

/* The resource whose compartment is searched. */
typedef struct fhs_focus {
    fhs_compartment compartment;
    fhs_str id;
} fhs_focus;

/* A search that clients call by name. Links of a list; names and texts are whoever's owns it. */
typedef struct fhs_named_query {
    const struct fhs_named_query *next;
    fhs_type type; /* FHS_TYPE_NONE: of the whole store */
    fhs_str name;
    fhs_str text; /* encoded; {argument}, {argument=otherwise}, {argument?} in values */
} fhs_named_query;

typedef struct fhs_query_options {
    const fhs_fhir *fhir;
    fhs_str base_url;  /* references below it are relative ones … */
    fhs_str link_base; /* … and, in a search, those below the address that its client knows */
    bool lenient;      /* unknown parameters are dropped and reported in place of refused */
    int64_t now_us;    /* for ap on dates */
    int default_zone_minutes;
    const fhs_focus *focus;       /* NULL: all of the store is searched */
    const fhs_named_query *named; /* for _query; NULL: there are none */
} fhs_query_options;

/*
 * Parse "code=…&date=ge2020" (without "Type?"; percent-encoding and '+' are resolved here) for
 * @a type. ERR_UNKNOWN_PARAM, ERR_MODIFIER, ERR_PARAM_VALUE, ERR_QUERY, ERR_LIMIT; the message
 * names the parameter and what was expected, never the value.
 */
fhirstore_status fhs_query_parse(fhs_arena *arena, const fhs_query_options *options, fhs_type type,
                                 fhs_str text, fhs_query **out, fhirstore_error **err);

/*
 * Whether a named query can be one: its name, its arguments, and everything in it that does not
 * depend on arguments. ERR_QUERY and what fhs_query_parse() finds.
 */
fhirstore_status fhs_named_query_check(fhs_arena *arena, const fhs_query_options *options,
                                       const fhs_named_query *named, fhirstore_error **err);

/*
 * The parameter by which resources of @a target form a hierarchy that :above and :below follow from
 * a reference: what a type's own parameter partof, part-of or parent says, or @a param itself where
 * it refers from @a type to the same type. FHS_SPARAM_NONE: there is none.
 */
fhs_sparam fhs_query_hierarchy(const fhs_fhir *fhir, fhs_type type, fhs_sparam param,
                               fhs_type target);
/* Whether searches can use it as it is defined: it has an expression and a kind with an index. */
bool fhs_query_can_search(const fhs_sparam_def *def);
/* Whether a reference parameter may point at @a type; one that names no types may point anywhere.
 */
bool fhs_query_may_target(const fhs_fhir *fhir, const fhs_sparam_def *def, fhs_type type);

/* A node without children yet, and room for @a room of them; NULL: no memory. */
fhs_node *fhs_node_group(fhs_arena *arena, fhs_node_kind kind, fhs_type type, size_t room);
/*
 * Whether a leaf's values are words to be found in the texts of its elements: :text,
 * :text-advanced, and :code-text of a reference.
 */
bool fhs_leaf_is_textual(const fhs_node *leaf);
/*
 * Whether messages may repeat a parameter's name that came from outside: it looks like one of
 * FHIR's (letters, digits, "-_:." and not too long), so that it can hardly be anything else.
 */
bool fhs_param_name_is_plain(fhs_str name);
/* Percent-decode into the arena ('+' becomes a blank when @a plus). ptr NULL: bad escape or no
 * memory. */
fhs_str fhs_url_decode(fhs_arena *arena, fhs_str text, bool plus);
/* Append percent-encoded for a query value. */
void fhs_url_encode(fhs_buf *out, fhs_str text);

#endif
