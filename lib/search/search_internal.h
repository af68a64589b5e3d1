/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by this room's files. The way of a search:
 *
 *   compile.c   fhs_node   → fhs_test   conditions
 *   resolve.c   fhs_value  → fhs_match  values become this store's numbers
 *   test.c      fhs_test × row list → yes or no, for every kind of condition
 *   compare.c   fhs_match × one row → yes or no
 *   range.c     fhs_test   → fhs_scan   which runs of which index hold its matches
 *   plan.c      which test drives, which remain, how the order is kept
 *   codes.c     value sets and hierarchies of codes as conditions
 *   hierarchy.c, member.c, contained.c  hierarchies of references, lists and groups, what is
 * contained late.c      rows that are not in the indexes yet (late.h) sql.c       fhs_range  → SQL
 * the only file that knows any source.c    fhs_scan   → entities in ascending order probe.c
 * fhs_scan   → whether an entity is in it, and the next that is link.c      the other end of a
 * chain or _has, for one candidate semijoin.c  chains and _has from the far end sort.c      sort
 * keys as bytes fulltext.c  words: lists of matches from the full-text index and what it does not
 * have yet near.c      distances, and the cells of a circle cursor.c    open, next, count walk.c
 * the sort key's own index, row by row back.c      where the page before a page begins include.c
 * what matches refer to and what refers to them (include.h) subset.c    _summary and _elements,
 * where a page is written
 */
#ifndef FHS_SEARCH_SEARCH_INTERNAL_H
#define FHS_SEARCH_SEARCH_INTERNAL_H

#include "search/search_types.h"

/* ---- cursor.c ---- */

/* A search that is compiled, but neither sorted nor planned. NULL on failure. */
fhirstore_status fhs_search_prepare(fhs_conn *conn, const fhs_search_env *env,
                                    const fhs_query *query, fhs_search **search_out,
                                    fhirstore_error **err);

/* ---- compile.c ---- */

/* The whole search: the query's conditions, the type, the restriction. */
fhirstore_status fhs_search_compile(fhs_search *search);
/* What restricts resources of @a type that a search passes through; NULL: nothing does. */
fhirstore_status fhs_compile_restriction(fhs_search *search, fhs_type type, const fhs_test **out);
/* Whether whatever the query of one type finds fits the restriction of that type. */
bool fhs_restriction_is_implied(const fhs_search *search, const fhs_node *restriction);
/* Whether a parameter reads what is hidden from the principal; never in a restriction. */
bool fhs_search_is_hidden(const fhs_search *search, fhs_type type, fhs_sparam param);
/* ERR_DENIED for a query that looks at something hidden. */
fhirstore_status fhs_search_check_hidden(const fhs_search *search);
/* *shown_out: there may be something to hide, and @a out has what is left appended. */
fhirstore_status fhs_search_show(const fhs_search *search, fhs_type type, fhs_str body,
                                 fhs_buf *out, bool *shown_out);
/* Whether codes of the interned @a system compare exactly. */
fhirstore_status fhs_system_is_exact(fhs_search *search, int64_t system, bool *exact_out);
/* Grow an arena array of @a size bytes an item to hold one more; NULL: no memory (error set). */
void *fhs_search_grow(fhs_search *search, void *items, size_t count, size_t *capacity, size_t size);
fhirstore_status fhs_search_no_memory(fhs_search *search);

/* ---- resolve.c ---- */

/* The values of a leaf in the store's numbers; values that cannot match anything are left out. */
fhirstore_status fhs_resolve_values(fhs_search *search, const fhs_node *node, fhs_test *test);
/* The table of the index that holds a parameter's rows. */
uint8_t fhs_row_kind_of(fhs_sparam_type type);
bool fhs_has_letters(fhs_str text);
/* A code system's number; 0: no row has it. */
fhirstore_status fhs_system_number(fhs_search *search, fhs_str system, int64_t *out);

/* ---- codes.c, stored_terms.c ---- */

/* The codes that the value of a leaf with :in, :above or :below means. */
fhirstore_status fhs_resolve_codes(fhs_search *search, const fhs_node *node, const fhs_value *value,
                                   const fhs_codes **out);
bool fhs_codes_have(const fhs_codes *codes, int64_t system, fhs_str code, fhs_str written);
fhirstore_status fhs_ranges_codes(fhs_search *search, uint32_t param, const fhs_match *match,
                                  fhs_scan *scan);
/* Whether codes of the system at @a url differ by case, as the store or the definitions say. */
fhirstore_status fhs_search_case_of(fhs_search *search, fhs_str url, bool *yes_out);

/* ---- case_cache.c ---- */

/* What this version of a code system says; false: not known. @a cache may be NULL. */
bool fhs_case_cache_find(fhs_case_cache *cache, fhs_entity entity, int64_t seq, uint8_t *said_out);
void fhs_case_cache_put(fhs_case_cache *cache, fhs_entity entity, int64_t seq, uint8_t said);

/* ---- hierarchy.c ---- */

/*
 * Add to the targets of @a match what is above or below them: every resource of @a type between
 * which and them the hierarchy's parameter @a param leads. Only what may be seen says so.
 */
fhirstore_status fhs_resolve_hierarchy(fhs_search *search, fhs_type type, fhs_sparam param,
                                       bool is_above, fhs_match *match);

/* ---- member.c ---- */

/* The resources that a node's lists, groups and care teams name, as a list of entities. */
fhirstore_status fhs_resolve_members(fhs_search *search, const fhs_node *node, fhs_test *test);

/* Whether a unit that the store does not have is meant, which something contained has. */
fhirstore_status fhs_unit_is_meant(fhs_search *search, const fhs_match *match, int64_t number,
                                   bool *yes_out);

/* ---- contained.c ---- */

/* Something that a resource contains. */
typedef struct fhs_contained {
    fhs_str id;
    fhs_str text; /* as written, with the white space there is */
} fhs_contained;
/* Before the conditions on what is contained are compiled. */
fhirstore_status fhs_contained_prepare(fhs_search *search);
fhirstore_status fhs_contained_test(fhs_search *search, const fhs_test *test,
                                    fhs_candidate *candidate, size_t level, bool *yes_out);
/* Whether @a entity itself is a match, and not for what it contains. */
fhirstore_status fhs_contained_is_direct(fhs_search *search, fhs_entity entity, bool *yes_out);
/* Call @a visit for what @a entity contains and matches, until it says otherwise than OK. */
fhirstore_status fhs_contained_each(fhs_search *search, fhs_entity entity,
                                    fhirstore_status (*visit)(void *ctx, const fhs_contained *item),
                                    void *ctx);

/* ---- compare.c ---- */

bool fhs_date_matches(uint8_t compare, int64_t lo, int64_t hi, int64_t row_lo, int64_t row_hi);
bool fhs_text_matches(uint8_t mode, fhs_str wanted, fhs_str text);
/* OK and *yes_out; needs the search for what it knows of code systems. */
fhirstore_status fhs_row_matches(fhs_search *search, const fhs_match *match, const fhs_row *row,
                                 bool *yes_out);
bool fhs_has_number(const int64_t *numbers, size_t count, int64_t number);

/* ---- near.c ---- */

bool fhs_near_matches(const fhs_match *match, const fhs_row *row);
fhirstore_status fhs_near_ranges(fhs_search *search, uint32_t param, const fhs_match *match,
                                 fhs_scan *scan);

/* ---- fulltext.c ---- */

/* _text and _content: the test becomes a list of resources. */
fhirstore_status fhs_text_compile(fhs_search *search, const fhs_node *node, fhs_test *test);
/* A leaf's texts: a list of those that may match, and a look at each. */
fhirstore_status fhs_text_compile_leaf(fhs_search *search, const fhs_node *node, fhs_test *test);
fhirstore_status fhs_text_test(fhs_search *search, const fhs_test *test, fhs_entity entity,
                               bool *yes_out);
/*
 * How well a match fits the words of the query: from 0 to a million, or -1 where it has none. It
 * depends on the words and the resource alone.
 */
fhirstore_status fhs_text_score(fhs_search *search, fhs_entity entity, int64_t *score_out);
void fhs_text_free(fhs_search *search);

/* ---- test.c ---- */

fhirstore_status fhs_test_candidate(fhs_search *search, const fhs_test *test,
                                    fhs_candidate *candidate, size_t level, bool *yes_out);
fhirstore_status fhs_candidate_rows(fhs_search *search, fhs_candidate *candidate, size_t level);
fhirstore_status fhs_candidate_head(fhs_search *search, fhs_candidate *candidate, size_t level);
void fhs_loaders_close(fhs_search *search);

/* ---- range.c ---- */

/* Where @a test's matches can be read. *usable_out false: nowhere (a negation …). */
fhirstore_status fhs_scan_make(fhs_search *search, const fhs_test *test, fhs_scan *scan,
                               bool *usable_out);
/* Everything of the search's types: in one run where that is better (not for counting). */
fhirstore_status fhs_scan_all(fhs_search *search, bool for_count, fhs_scan *scan);
fhs_range *fhs_scan_add(fhs_search *search, fhs_scan *scan, uint8_t shape);
/* The same with the parameter's number as first argument. */
fhs_range *fhs_scan_add_param(fhs_search *search, fhs_scan *scan, uint8_t shape, uint32_t param);
void fhs_arg_int(fhs_range *range, int64_t number);
void fhs_arg_blob(fhs_range *range, fhs_str key);
void fhs_arg_top(fhs_range *range);
/* Bytes from @a prefix up to the first that does not begin with it. */
fhirstore_status fhs_arg_prefix(fhs_search *search, fhs_range *range, fhs_str prefix);
/* Runs of one code under its system, whatever its spelling where case does not count. */
fhirstore_status fhs_scan_add_code(fhs_search *search, uint32_t param, const fhs_code_entry *entry,
                                   fhs_scan *scan);

/* ---- range_box.c ---- */

fhirstore_status fhs_ranges_date(fhs_search *search, uint32_t param, const fhs_match *match,
                                 fhs_scan *scan);
fhirstore_status fhs_ranges_number(fhs_search *search, uint32_t param, const fhs_match *match,
                                   fhs_scan *scan);
/* Bounds of a box that holds every number. */
void fhs_arg_any_number(fhs_range *range);
/* For an UPDATED test: times of change of each type. */
fhirstore_status fhs_scan_updated(fhs_search *search, const fhs_test *test, fhs_scan *scan);

/* An empty test; NULL: no memory (the error is set). */
fhs_test *fhs_test_new(fhs_search *search, uint8_t kind, const fhs_node *node);

/* ---- canonical.c ---- */

/* Numbers of the parameters that hold a type's url and version; 0: it has none. */
typedef struct fhs_url_params {
    uint32_t url;
    uint32_t version;
} fhs_url_params;

fhirstore_status fhs_url_params_find(fhs_search *search, fhs_type type, fhs_url_params *out);

/*
 * @a link is a chain or _has that is compiled. *out: the same, or where canonical references may
 * lead there too, either of both ways.
 */
fhirstore_status fhs_canonical_link(fhs_search *search, const fhs_node *node, fhs_test *link,
                                    fhs_test **out);

/* ---- semijoin.c ---- */

/* The entities that satisfy @a test, if they are at most @a max; *fits_out says. Ascending. */
fhirstore_status fhs_collect_test(fhs_search *search, const fhs_test *test, int32_t type,
                                  size_t max, int64_t **items_out, size_t *count_out,
                                  bool *fits_out);
fhirstore_status fhs_scan_chain(fhs_search *search, const fhs_test *test, fhs_scan *scan,
                                bool *usable_out);
fhirstore_status fhs_scan_has(fhs_search *search, const fhs_test *test, fhs_scan *scan,
                              bool *usable_out);

/* ---- probe.c ---- */

/* Whether the scan comes in entity order without being gathered. */
bool fhs_scan_is_ordered(const fhs_scan *scan);
/* Find out whether an index answers @a test exactly; test->memo->probe says. */
fhirstore_status fhs_probe_prepare(fhs_search *search, const fhs_test *test);
/* The first in it that is @a at_least or above; INT64_MAX: none. */
fhirstore_status fhs_probe_seek(fhs_search *search, fhs_probe *probe, fhs_entity at_least,
                                fhs_entity *head_out);
fhirstore_status fhs_lane_seek(fhs_search *search, fhs_lane *lane, fhs_entity at_least);
void fhs_lane_close(fhs_lane *lane);
/* Give back every statement of the search's probes. */
void fhs_probes_close(fhs_search *search);

/* ---- link.c ---- */

/* Whether the candidate refers (CHAIN) or is referred to (HAS) as the test says. */
fhirstore_status fhs_test_chain(fhs_search *search, const fhs_test *test, fhs_candidate *candidate,
                                size_t level, bool *yes_out);
fhirstore_status fhs_test_has(fhs_search *search, const fhs_test *test, fhs_candidate *candidate,
                              size_t level, bool *yes_out);
void fhs_links_close(fhs_search *search);

/* ---- plan.c ---- */

fhirstore_status fhs_search_plan(fhs_search *search);
/* Whether it speaks of other resources than the candidate. */
bool fhs_test_passes_through(const fhs_test *test);
/* Choose again, counting further: for who is going to look at everything. */
fhirstore_status fhs_plan_exactly(fhs_search *search, fhs_plan *plan);
/* How many rows are read to scan it, counted up to @a cap. */
fhirstore_status fhs_scan_estimate(fhs_search *search, const fhs_scan *scan, int64_t cap,
                                   int64_t *count_out);

/* ---- sql.c ---- */

bool fhs_range_is_ordered(const fhs_range *range);
const char *fhs_range_table(const fhs_range *range);
/* Entities above @a after. Those of ordered ranges come ascending. */
fhirstore_status fhs_sql_scan(fhs_search *search, const fhs_range *range, fhs_entity after,
                              fhs_stmt **out);
/* Entities below @a before. Those of ordered ranges come descending. */
fhirstore_status fhs_sql_scan_down(fhs_search *search, const fhs_range *range, fhs_entity before,
                                   fhs_stmt **out);
/* Use the statement of an earlier range of the same shape again. */
fhirstore_status fhs_sql_rebind(fhs_search *search, const fhs_range *range, fhs_entity after,
                                fhs_stmt *stmt);
/* The same range again, from another place on. */
fhirstore_status fhs_sql_move(fhs_search *search, fhs_entity after, fhs_stmt *stmt);
fhirstore_status fhs_sql_count(fhs_search *search, const fhs_range *range, int64_t cap,
                               int64_t *count_out);
/* How many rows are read to find those of the range, counted up to @a cap. */
fhirstore_status fhs_sql_reading(fhs_search *search, const fhs_range *range, int64_t cap,
                                 int64_t *count_out);
fhirstore_status fhs_sql_count_entities(fhs_search *search, const fhs_range *range,
                                        int64_t *count_out);
/*
 * The next spelling behind @a after of a code (the folded form itself is spelled ""), or the first;
 * *found_out false: no more. The text is in the search's arena.
 */
fhirstore_status fhs_sql_next_spelling(fhs_search *search, uint32_t param, fhs_str code,
                                       int64_t system, fhs_str after, bool is_first,
                                       fhs_str *next_out, bool *found_out);
/* The next system above @a system under which the parameter has @a code; 0 rows: *found_out false.
 */
fhirstore_status fhs_sql_next_system(fhs_search *search, uint32_t param, fhs_str code,
                                     int64_t system, int64_t *next_out, bool *found_out);
/* The least code of the parameter that is not below @a from; *found_out false: no more. */
fhirstore_status fhs_sql_next_code(fhs_search *search, uint32_t param, fhs_str from,
                                   fhs_str *next_out, bool *found_out);
/* The next uri above @a after. */
fhirstore_status fhs_sql_next_uri(fhs_search *search, uint32_t param, fhs_str after,
                                  fhs_str *next_out, bool *found_out);
/* The next target, and version of it, above those given. */
fhirstore_status fhs_sql_next_target(fhs_search *search, uint32_t param, int64_t target,
                                     fhs_str version, int64_t *target_out, fhs_str *version_out,
                                     bool *found_out);
/* Entities in the full-text index that match an expression of its own language. */
fhirstore_status fhs_sql_words(fhs_search *search, fhs_str expression, fhs_stmt **out);
/* One row: type, updated, seq, of a current resource. */
fhirstore_status fhs_sql_head(fhs_search *search, fhs_stmt **out);
/* One row: the row list. */
fhirstore_status fhs_sql_rows(fhs_search *search, fhs_stmt **out);
/* Whether @a shape of walk exists for a sort key. */
bool fhs_sql_can_walk(const fhs_sort_plan *sort);
/*
 * Rows of the sort key's index in its order: value columns, then the entity. @a from: the decoded
 * values of the last row handed out (see sort.c) or NULL.
 */
fhirstore_status fhs_sql_walk(fhs_search *search, const fhs_sort_plan *sort, int32_t type,
                              const fhs_row *from, fhs_entity entity, fhs_stmt **out);
/* What a row of the walk says. */
fhs_entity fhs_sql_walk_row(const fhs_sort_plan *sort, fhs_stmt *stmt, fhs_row *row_out,
                            int64_t *updated_out);
/* Entities of the type in descending order, below @a before. */
fhirstore_status fhs_sql_type_down(fhs_search *search, fhs_entity before, fhs_stmt **out);

/* ---- source.c ---- */

fhirstore_status fhs_source_open(fhs_search *search, const fhs_scan *scan, fhs_entity after,
                                 fhs_source *source);
/* Those below @a before, descending. */
fhirstore_status fhs_source_open_down(fhs_search *search, const fhs_scan *scan, fhs_entity before,
                                      fhs_source *source);
/* OK, DONE. */
fhirstore_status fhs_source_next(fhs_search *search, fhs_source *source, fhs_entity *out);
/* The same, leaping over those below search->skip_to. */
fhirstore_status fhs_source_next_from(fhs_search *search, fhs_source *source, fhs_entity *out);
void fhs_source_close(fhs_source *source);

/* ---- sort.c ---- */

fhirstore_status fhs_sort_compile(fhs_search *search);
/* Append the candidate's key: every sort key in turn, then the entity. */
fhirstore_status fhs_sort_key_of(fhs_search *search, fhs_candidate *candidate, fhs_buf *key);
/* The best value of some rows, while it is being found at the end of a key. */
typedef struct fhs_sort_best {
    size_t from;
    bool has_value;
    bool is_canonical;
} fhs_sort_best;
/* Take what is better among @a rows of the parameter @a param. */
fhirstore_status fhs_sort_take_rows(fhs_search *search, const fhs_sort_plan *sort, uint32_t param,
                                    fhs_str rows, fhs_sort_best *best, fhs_buf *key);
/* ---- sort_chain.c ---- */

fhirstore_status fhs_sort_chain_compile(fhs_search *search, const fhs_sort_key *key,
                                        fhs_sort_plan *plan);
fhirstore_status fhs_sort_chain_key(fhs_search *search, const fhs_sort_plan *sort,
                                    fhs_candidate *candidate, fhs_sort_best *best, fhs_buf *key);

/* ---- sort.c ---- */

/* Append the key of one index row's value, as the first sort key has it, without the entity. */
void fhs_sort_key_row(const fhs_sort_plan *sort, const fhs_row *row, int64_t updated_us,
                      fhs_buf *key);
void fhs_sort_key_entity(const fhs_search *search, fhs_entity entity, fhs_buf *key);
/* Take a single-key sort key apart again. *missing_out: it has no value. False: no key of ours. */
bool fhs_sort_key_read(const fhs_search *search, fhs_str key, fhs_buf *scratch, fhs_row *row_out,
                       int64_t *updated_out, bool *missing_out, fhs_entity *entity_out);
void fhs_sorted_reset(fhs_sorted *sorted);
void fhs_sorted_clear(fhs_sorted *sorted);
fhirstore_status fhs_sorted_add(fhs_search *search, fhs_sorted *sorted, fhs_str key,
                                fhs_entity entity);
void fhs_sorted_finish(fhs_sorted *sorted);

/* ---- cursor.c ---- */

/* One resource more is looked at: ERR_TOO_COSTLY beyond the limit. */
fhirstore_status fhs_search_visit(fhs_search *search);
/* What is asked while it runs is due from now on. */
void fhs_search_begin_time(fhs_search *search);
/* Whether @a candidate satisfies @a tests; @a is_listed: and is a current resource of the search's
 * types. */
fhirstore_status fhs_search_accepts(fhs_search *search, const fhs_test *const *tests, size_t count,
                                    bool is_listed, fhs_candidate *candidate, bool *yes_out);
/* Begin again, with what search->after says. */
void fhs_search_rewind(fhs_search *search);
/* Step to the next match; its key is in search->key, the entity in search->last. */
fhirstore_status fhs_search_step(fhs_search *search);
/* Hand back the match just stepped to, for the next step. */
void fhs_search_unstep(fhs_search *search);

/* ---- count.c ---- */

/* Count with at most @a max candidates looked at; *exact_out false: there may be more. */
fhirstore_status fhs_search_count_some(fhs_search *search, int64_t max, int64_t *count_out,
                                       bool *exact_out);
/* How many match, where running the search has told it already. */
bool fhs_search_knows_count(const fhs_search *search, int64_t *count_out);

/* ---- token.c ---- */

fhirstore_status fhs_page_token_read(fhs_search *search);
/*
 * Append "_page=…" for a page of the same search. @a key: where it begins (BACK: ends); @a until:
 * where it ends (REST). @a total -1: not known.
 */
fhirstore_status fhs_page_token_write(fhs_search *search, const fhs_page_token *token, fhs_str key,
                                      fhs_str until, int64_t total, fhs_buf *out);

/* ---- walk.c ---- */

/* Rows of the sort key's index beyond @a from, as fhs_sql_walk() has it. */
fhirstore_status fhs_walk_open(fhs_search *search, const fhs_sort_plan *sort, const fhs_row *from,
                               fhs_entity entity);
/* OK: search->walk stands on the next row. DONE. */
fhirstore_status fhs_walk_next(fhs_search *search);
void fhs_walk_close(fhs_search *search);

/* ---- back.c ---- */

/* Where the page that ends before search->before begins; the search then goes forward from there.
 */
fhirstore_status fhs_search_step_back(fhs_search *search);

#endif
