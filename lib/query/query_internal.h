/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this room only. */
#ifndef FHS_QUERY_QUERY_INTERNAL_H
#define FHS_QUERY_QUERY_INTERNAL_H

#include "base/buf.h"
#include "query/query.h"

/* What one parse carries along. */
typedef struct fhs_filter fhs_filter;

typedef struct fhs_query_parser {
    fhs_arena *arena;
    const fhs_query_options *options;
    fhirstore_error **err;
    fhs_type resource; /* the abstract type Resource: home of the parameters that all types share */
    fhs_str name;      /* the parameter being read, as written, for messages */
    const fhs_filter *filter; /* that is being read, whose places messages tell; or NULL */
    size_t nodes_left;
    size_t values_left;
    bool has_fulltext; /* something of it asks for words */
    bool sorts_by_score;
} fhs_query_parser;

/* Longest name of a parameter that a message repeats. */
#define FHS_SHOWN_NAME 64u
/* Fail with "search parameter '<name>' <what>"; the name is left out where it is not plain. */
fhirstore_status fhs_query_fail(fhs_query_parser *parser, fhirstore_status status,
                                const char *what);
/* "… expects at most <most> <of>". */
fhirstore_status fhs_query_fail_limit(fhs_query_parser *parser, unsigned most, const char *of);
fhirstore_status fhs_query_fail_nodes(fhs_query_parser *parser);

/*
 * Turn a parameter's name and (decoded) value into a node of @a type: leaf, chain or _has. An empty
 * value is ERR_PARAM_VALUE, an unknown name ERR_UNKNOWN_PARAM.
 */
fhirstore_status fhs_query_node(fhs_query_parser *parser, fhs_type type, fhs_str name,
                                fhs_str value, fhs_node **out);

/* A node of @a kind; the tree's size is limited. */
fhirstore_status fhs_query_new_node(fhs_query_parser *parser, fhs_node_kind kind, fhs_type type,
                                    fhs_node **out);
fhirstore_status fhs_query_only_child(fhs_query_parser *parser, fhs_node *parent, fhs_node *child);
/* Fail: @a type has no parameter of the name. */
fhirstore_status fhs_query_unknown_param(fhs_query_parser *parser, fhs_type type);
/* A leaf of the parameter @a code, without modifier and values; ERR_UNKNOWN_PARAM. */
fhirstore_status fhs_query_new_leaf(fhs_query_parser *parser, fhs_type type, fhs_str code,
                                    fhs_sparam_def *def, fhs_node **out);

/* What stands behind a link; read once for each type that the link may lead to. */
typedef struct fhs_query_rest fhs_query_rest;
struct fhs_query_rest {
    fhirstore_status (*read)(fhs_query_parser *parser, const fhs_query_rest *rest, fhs_type target,
                             unsigned depth, fhs_node **out);
    fhs_str name;
    fhs_str value;
    void *ctx;
};
/* A chain by @a head, "subject" or "subject:Patient". */
fhirstore_status fhs_query_chain(fhs_query_parser *parser, fhs_type type, fhs_str head,
                                 const fhs_query_rest *rest, unsigned depth, fhs_node **out);
/* Those of @a type_name that refer to @a type by their parameter @a code. */
fhirstore_status fhs_query_has(fhs_query_parser *parser, fhs_type type, fhs_str type_name,
                               fhs_str code, const fhs_query_rest *rest, unsigned depth,
                               fhs_node **out);
/* Take "_has:Type:code:rest" apart. */
bool fhs_query_split_has(fhs_str name, fhs_str *type_out, fhs_str *code_out, fhs_str *rest_out);

/* The modifier @a text of a leaf, or ERR_MODIFIER with those that apply. */
fhirstore_status fhs_query_modifier(fhs_query_parser *parser, const fhs_sparam_def *def,
                                    fhs_str text, fhs_node *node);
/* A resource type that can be stored, or FHS_TYPE_NONE. */
fhs_type fhs_query_resource_type(const fhs_fhir *fhir, fhs_str name);

/* Read the comma-separated alternatives of a leaf whose kind and modifier are set. */
fhirstore_status fhs_query_values(fhs_query_parser *parser, fhs_node *leaf, fhs_str text);
/* How many comma-separated alternatives that are not empty. */
size_t fhs_query_count_items(fhs_str text);
/* Take room for @a count values: there must be one, and not too many. */
fhirstore_status fhs_query_new_values(fhs_query_parser *parser, size_t count);
/* A parameter that finds names as they sound: its leaf becomes leaves of keys. */
bool fhs_query_is_phonetic(fhs_query_parser *parser, const fhs_node *leaf);
fhirstore_status fhs_query_phonetic(fhs_query_parser *parser, const fhs_node *leaf, fhs_node **out);
/* _text and _content: @a name may have a modifier behind it. */
bool fhs_query_is_words(fhs_str code);
fhirstore_status fhs_query_words_leaf(fhs_query_parser *parser, fhs_type type, fhs_str name,
                                      fhs_str value, fhs_node **out);
/* Words, or what @a is_plain makes of them: one phrase that a text may begin with at any word. */
fhirstore_status fhs_query_fulltext(fhs_query_parser *parser, fhs_str text, bool is_plain,
                                    const fhs_fulltext **out);
fhirstore_status fhs_query_near(fhs_query_parser *parser, fhs_str raw, fhs_value *value);
/* Split at the first @a c that no backslash protects. False: none, *head_out is all of it. */
bool fhs_query_split(fhs_str text, char c, fhs_str *head_out, fhs_str *tail_out);
/* Resolve backslash escapes; ptr NULL: no memory. */
fhs_str fhs_query_unescape(fhs_arena *arena, fhs_str text);
/* One value of the parameter type @a type. */
fhirstore_status fhs_query_any_value(fhs_query_parser *parser, const fhs_node *leaf,
                                     fhs_sparam_type type, fhs_str raw, fhs_value *value);
fhirstore_status fhs_query_value_text(fhs_query_parser *parser, fhs_str raw, fhs_str *out);
/* One value of a reference; @a leaf has its modifier. */
/* A reference of the client's, who may call the store by an address of its own. */
bool fhs_query_reference_parse(const fhs_query_parser *parser, fhs_str text, fhs_reference *out);
fhirstore_status fhs_query_reference_value(fhs_query_parser *parser, const fhs_node *leaf,
                                           fhs_str raw, fhs_value *value);

/* The tree of a _filter, behind @a depth links of a chain. */
fhirstore_status fhs_query_filter(fhs_query_parser *parser, fhs_type type, fhs_str text,
                                  unsigned depth, fhs_node **out);
/* What stands around a leaf whose modifier says so: :not becomes a NOT around the plain leaf. */
fhirstore_status fhs_query_wrap(fhs_query_parser *parser, fhs_node *node, fhs_node **out);

/* Whether @a code is one of _list and _in; the node of such a parameter. */
bool fhs_query_is_membership(fhs_str code);
fhirstore_status fhs_query_membership(fhs_query_parser *parser, fhs_type type, fhs_str name,
                                      fhs_str text, fhs_node **out);

/* A whole search while it is being read: lists that grow in the arena. */
typedef struct fhs_query_list {
    void *items;
    size_t count;
    size_t capacity;
} fhs_query_list;
/* Room for one more item of @a size bytes at the end, zeroed; NULL: no memory (the error is set).
 */
void *fhs_query_push(fhs_query_parser *parser, fhs_query_list *list, size_t size);

/* What an address gives for an argument of a named query; decoded. */
typedef struct fhs_argument {
    fhs_str name;
    fhs_str value;
} fhs_argument;

typedef struct fhs_query_draft {
    fhs_query *query;
    fhs_query_list conditions;    /* fhs_node * */
    fhs_query_list dropped;       /* fhs_dropped */
    fhs_query_list sort;          /* fhs_sort_key */
    fhs_query_list types;         /* fhs_type */
    bool types_are_named;         /* by _type */
    fhs_query_list includes;      /* fhs_include */
    fhs_query_list elements;      /* fhs_str */
    const fhs_named_query *named; /* the one that _query calls, or NULL */
    fhs_query_list arguments;     /* fhs_argument */
    bool is_hidden;               /* what is being added does not go into the self text */
    bool has_summary;
    fhs_buf self;
} fhs_query_draft;

/*
 * Take _sort, _count, _maxresults, _total, _summary, _elements, _type (at type level that type),
 * _page, _format and _pretty. *taken_out false: @a name is none of these.
 */
fhirstore_status fhs_query_result_param(fhs_query_parser *parser, fhs_query_draft *draft,
                                        fhs_str name, fhs_str value, bool *taken_out);
/* Add the condition that places resources in the compartment that is searched, if one is. */
fhirstore_status fhs_query_take_focus(fhs_query_parser *parser, fhs_query_draft *draft);
/* The same for _include and _revinclude. */
fhirstore_status fhs_query_take_include(fhs_query_parser *parser, fhs_query_draft *draft,
                                        fhs_str name, fhs_str value, bool *taken_out);
/* The ways of "subject:Patient.birthdate"; *known_out false: it is no chain to a sort key. */
fhirstore_status fhs_query_sort_chain(fhs_query_parser *parser, fhs_type type, fhs_str text,
                                      fhs_sort_key *key, bool *known_out);
/* Append "name=value" to the self text. */
void fhs_query_add_self(fhs_query_draft *draft, fhs_str name, fhs_str value);
/* Find the named query that a _query in the (encoded) text calls. */
fhirstore_status fhs_query_find_named(fhs_query_parser *parser, fhs_query_draft *draft,
                                      fhs_str text);
/* Take _query and the arguments of the named query; *taken_out false: @a name is none of these. */
fhirstore_status fhs_query_take_named(fhs_query_parser *parser, fhs_query_draft *draft,
                                      fhs_str name, fhs_str value, bool *taken_out);
/* Add what the named query says, with its arguments, by @a add. */
typedef fhirstore_status (*fhs_query_add_fn)(fhs_query_parser *parser, fhs_query_draft *draft,
                                             fhs_str name, fhs_str value);
fhirstore_status fhs_query_expand_named(fhs_query_parser *parser, fhs_query_draft *draft,
                                        fhs_query_add_fn add);
/* Take _contained and _containedType; *taken_out false: @a name is neither. */
fhirstore_status fhs_query_take_contained(fhs_query_parser *parser, fhs_query_draft *draft,
                                          fhs_str name, fhs_str value, bool *taken_out);
/* Turn a finished search for resources into one for what others contain, if it is to be one. */
fhirstore_status fhs_query_finish_contained(fhs_query_parser *parser, fhs_query *query);
/* Report a parameter that was left out. */
fhirstore_status fhs_query_drop(fhs_query_parser *parser, fhs_query_draft *draft, fhs_str name,
                                const char *reason);
/* A parameter of @a type (at system level: of all types) that searches can use, or FHS_SPARAM_NONE.
 */
fhs_sparam fhs_query_find_param(fhs_query_parser *parser, fhs_type type, fhs_str code,
                                fhs_sparam_def *def);

#endif
