/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a search is carried out, as JSON and in words: what begins, what is asked of an index for
 * each candidate, what is tested on its rows, and how the order comes about. No values: they can be
 * names of patients.
 */
#include "search/search_internal.h"
#include "json/json.h"

/* Rows of the driver that are counted for an estimate. */
#define ESTIMATE_MAX INT64_C(10000)

static const char *const order_words[] = {
    [FHS_ORDER_ENTITY] = "matches come as they were stored and are not sorted",
    [FHS_ORDER_SORTED] = "all matches are gathered and sorted",
    [FHS_ORDER_WALK] = "the index of the sort key is read in its order until the page is full",
};
static const char *const order_names[] = {
    [FHS_ORDER_ENTITY] = "entity",
    [FHS_ORDER_SORTED] = "sorted",
    [FHS_ORDER_WALK] = "walk",
};

static const char *test_name(const fhs_test *test)
{
    static const char *const names[] = {
        [FHS_TEST_TRUE] = "true",
        [FHS_TEST_FALSE] = "false",
        [FHS_TEST_AND] = "and",
        [FHS_TEST_OR] = "or",
        [FHS_TEST_NOT] = "not",
        [FHS_TEST_ROW] = "value",
        [FHS_TEST_PRESENT] = "present",
        [FHS_TEST_ENTITY] = "id",
        [FHS_TEST_UPDATED] = "updated",
        [FHS_TEST_CHAIN] = "chain",
        [FHS_TEST_HAS] = "has",
        [FHS_TEST_TEXT] = "text",
        [FHS_TEST_CONTAINED] = "contained",
    };
    return names[test->kind];
}

/* The parameter it speaks of, or what kind of group it is. */
static fhs_str test_code(const fhs_test *test)
{
    while (test->kind == FHS_TEST_NOT && test->child_count == 1 && test->node != NULL &&
           test->node->code.len == 0) {
        test = test->children[0];
    }
    if (test->node != NULL && test->node->code.len > 0) {
        return test->node->code;
    }
    return fhs_str_from_cstr(test_name(test));
}

static const char *scan_table(const fhs_scan *scan)
{
    return scan->is_list      ? "list"
           : scan->count == 0 ? "nothing"
                              : fhs_range_table(&scan->ranges[0]);
}

static size_t scan_size(const fhs_scan *scan)
{
    return scan->is_list ? scan->list_count : scan->count;
}

static bool walks_index(const fhs_search *search)
{
    return search->order == FHS_ORDER_WALK;
}

/* What is judged for each candidate. */
static const fhs_test *const *judged_tests(const fhs_search *search, size_t *count_out)
{
    *count_out = walks_index(search) ? search->test_count : search->plan.residual_count;
    return walks_index(search) ? search->tests : search->plan.residual;
}

/* An index is asked, unless the rows are at hand for the sake of the order. */
static const fhs_probe *asked_probe(const fhs_search *search, const fhs_test *test)
{
    bool has_rows = walks_index(search) && !search->sort[0].is_updated;
    return test->memo == NULL || has_rows ? NULL : test->memo->probe;
}

static const char *probe_table(const fhs_probe *probe)
{
    return probe->lane_count == 0 ? "nothing" : fhs_range_table(probe->lanes[0].range);
}

/* How many rows the driver has: counted for it, or now; *is_least: there may be more. */
static int64_t driver_rows(fhs_search *search, bool *is_least)
{
    const fhs_plan *plan = &search->plan;
    int64_t count = plan->estimate;
    *is_least = plan->is_rough;
    if (search->is_empty) {
        return 0;
    }
    if (count < 0) {
        fhirstore_error **kept = search->err;
        search->err = NULL; /* a plan without an estimate is still a plan */
        *is_least = false;
        if (fhs_scan_estimate(search, &plan->driver, ESTIMATE_MAX, &count) != FHIRSTORE_OK) {
            count = -1;
        }
        *is_least = count >= ESTIMATE_MAX;
        search->err = kept;
    }
    return count;
}

/* ---- parameters that have no complete index yet ---- */

/* Conditions nest no deeper than what compiled them let them. */
#define LATE_DEPTH 128

typedef void (*late_fn)(void *ctx, size_t index, fhs_str code);

/* Tell of the test, and each one below. */
static size_t tell_late(const fhs_test *test, size_t told, late_fn tell, void *ctx, unsigned depth)
{
    if (test->is_late) {
        tell(ctx, told++, test_code(test));
    }
    for (size_t i = 0; i < test->child_count && depth < LATE_DEPTH; i++) {
        told = tell_late(test->children[i], told, tell, ctx, depth + 1);
    }
    return told;
}

static void tell_all_late(const fhs_search *search, late_fn tell, void *ctx)
{
    size_t told = 0;
    for (size_t i = 0; i < search->test_count; i++) {
        told = tell_late(search->tests[i], told, tell, ctx, 0);
    }
}

/* ---- in words ---- */

typedef struct sentence_list {
    fhs_buf *out;
    bool as_json; /* strings of an array; else lines */
    size_t count;
    fhs_buf text;
} sentence_list;

static void end_sentence(sentence_list *list)
{
    if (list->as_json) {
        fhs_buf_add_cstr(list->out, list->count > 0 ? "," : "");
        fhs_json_write_string(list->out, fhs_buf_str(&list->text));
    } else {
        fhs_buf_add_str(list->out, fhs_buf_str(&list->text));
        fhs_buf_add_char(list->out, '\n');
    }
    list->count++;
    fhs_buf_reset(&list->text);
}

static void say_driver(fhs_search *search, sentence_list *list)
{
    const fhs_plan *plan = &search->plan;
    fhs_buf *text = &list->text;
    bool is_least;
    int64_t rows = driver_rows(search, &is_least);
    if (walks_index(search)) {
        fhs_buf_add_cstr(text, "Reads the resources in the order of the sort key.");
    } else if (plan->driver_test == NULL) {
        fhs_buf_add_cstr(text, search->type != 0 ? "Reads every resource of the type"
                                                 : "Reads every resource");
        fhs_buf_add_cstr(text, plan->is_passed
                                   ? ": what an index could begin with is too much for one page."
                                   : ".");
    } else {
        fhs_str code = test_code(plan->driver_test);
        const char *many = scan_size(&plan->driver) == 1 ? "" : "s";
        fhs_buf_addf(text, "Begins %s %.*s: ",
                     fhs_test_passes_through(plan->driver_test) ? "at the far end of" : "with",
                     FHS_STR_ARG(code));
        if (plan->driver.is_list) {
            fhs_buf_addf(text, "a list of %zu resource%s.", plan->driver.list_count, many);
        } else {
            fhs_buf_addf(text, "%zu range%s of %s, %s %lld rows%s.", plan->driver.count, many,
                         scan_table(&plan->driver), is_least ? "at least" : "about",
                         (long long)rows,
                         fhs_scan_is_ordered(&plan->driver) ? "" : ", gathered and put in order");
        }
    }
    end_sentence(list);
}

static void say_test(const fhs_search *search, const fhs_test *test, sentence_list *list)
{
    const fhs_probe *probe = asked_probe(search, test);
    fhs_str code = test_code(test);
    if (probe != NULL) {
        fhs_buf_addf(&list->text, "Asks %s for %.*s of each.", probe_table(probe),
                     FHS_STR_ARG(code));
    } else if (test->kind == FHS_TEST_CHAIN) {
        fhs_buf_addf(&list->text, "Follows %.*s from each.", FHS_STR_ARG(code));
    } else if (test->kind == FHS_TEST_HAS) {
        fhs_buf_addf(&list->text, "Looks through what refers to each by %.*s.", FHS_STR_ARG(code));
    } else {
        fhs_buf_addf(&list->text, "Tests %s %.*s on the rows of each.", test_name(test),
                     FHS_STR_ARG(code));
    }
    end_sentence(list);
}

static void say_late(void *ctx, size_t index, fhs_str code)
{
    sentence_list *list = ctx;
    (void)index;
    fhs_buf_addf(&list->text,
                 "%.*s is still being indexed: its values are extracted from each resource that "
                 "has not been reached.",
                 FHS_STR_ARG(code));
    end_sentence(list);
}

static void say_all(fhs_search *search, sentence_list *list)
{
    size_t count;
    if (search->is_empty) {
        fhs_buf_add_cstr(&list->text, "Nothing in the store can match.");
        end_sentence(list);
        return;
    }
    const fhs_test *const *tests = judged_tests(search, &count);
    tell_all_late(search, say_late, list);
    say_driver(search, list);
    for (size_t i = 0; i < count; i++) {
        say_test(search, tests[i], list);
    }
    if (search->plan.is_rough && !walks_index(search)) {
        fhs_buf_add_cstr(&list->text, "If the page does not fill soon, the indexes are counted to "
                                      "the end and the best of them goes on.");
        end_sentence(list);
    }
    fhs_buf_addf(&list->text, "Order: %s.", order_words[search->order]);
    end_sentence(list);
}

static void write_words(fhs_search *search, bool as_json, fhs_buf *out)
{
    sentence_list list = {.out = out, .as_json = as_json, .text = FHS_BUF_INIT((size_t)1 << 20)};
    say_all(search, &list);
    if (fhs_buf_status(&list.text) != FHIRSTORE_OK) {
        out->failed = fhs_buf_status(&list.text);
    }
    fhs_buf_clear(&list.text);
}

/* ---- as JSON ---- */

static const char *json_bool(bool value)
{
    return value ? "true" : "false";
}

static void write_driver(fhs_search *search, fhs_buf *out)
{
    const fhs_plan *plan = &search->plan;
    if (plan->driver_test == NULL || walks_index(search)) {
        fhs_buf_add_cstr(out, "null");
        return;
    }
    fhs_buf_add_cstr(out, "{\"parameter\":");
    fhs_json_write_string(out, test_code(plan->driver_test));
    fhs_buf_addf(out,
                 ",\"kind\":\"%s\",\"table\":\"%s\",\"ranges\":%zu,\"exact\":%s,"
                 "\"gathered\":%s}",
                 test_name(plan->driver_test), scan_table(&plan->driver), scan_size(&plan->driver),
                 json_bool(plan->driver.is_exact), json_bool(!fhs_scan_is_ordered(&plan->driver)));
}

static void write_tests(const fhs_search *search, fhs_buf *out)
{
    size_t count;
    const fhs_test *const *tests = judged_tests(search, &count);
    for (size_t i = 0; i < count; i++) {
        const fhs_probe *probe = asked_probe(search, tests[i]);
        fhs_buf_addf(out, "%s{\"kind\":\"%s\",\"parameter\":", i > 0 ? "," : "",
                     test_name(tests[i]));
        fhs_json_write_string(out, test_code(tests[i]));
        fhs_buf_addf(out, ",\"by\":\"%s\"}",
                     probe != NULL                    ? probe_table(probe)
                     : tests[i]->kind == FHS_TEST_HAS ? "idx_reference"
                                                      : "rows");
    }
}

static void write_sort(const fhs_search *search, fhs_buf *out)
{
    for (size_t i = 0; i < search->sort_count; i++) {
        fhs_buf_add_cstr(out, i > 0 ? ",{\"parameter\":" : "{\"parameter\":");
        fhs_json_write_string(out, search->query->sort[i].code);
        fhs_buf_addf(out, ",\"descending\":%s,\"late\":%s}", json_bool(search->sort[i].descending),
                     json_bool(search->sort[i].is_late));
    }
}

static void list_late(void *ctx, size_t index, fhs_str code)
{
    fhs_buf_add_cstr(ctx, index > 0 ? "," : "");
    fhs_json_write_string(ctx, code);
}

static void explain_json(fhs_search *search, fhs_buf *out)
{
    bool is_least;
    int64_t rows = driver_rows(search, &is_least);
    fhs_buf_addf(out, "{\"empty\":%s,\"order\":\"%s\",\"driver\":", json_bool(search->is_empty),
                 order_names[search->order]);
    write_driver(search, out);
    fhs_buf_add_cstr(out, ",\"estimate\":");
    fhs_buf_add_i64(out, rows);
    fhs_buf_addf(out, ",\"least\":%s,\"tests\":[", json_bool(is_least));
    write_tests(search, out);
    fhs_buf_add_cstr(out, "],\"sort\":[");
    write_sort(search, out);
    fhs_buf_add_cstr(out, "],\"late\":[");
    tell_all_late(search, list_late, out);
    fhs_buf_add_cstr(out, "],\"words\":[");
    write_words(search, true, out);
    fhs_buf_add_cstr(out, "]}");
}

void fhs_search_explain(fhs_search *search, bool as_json, fhs_buf *out)
{
    if (as_json) {
        explain_json(search, out);
    } else {
        write_words(search, false, out);
    }
}
