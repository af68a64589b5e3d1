/* SPDX-License-Identifier: Apache-2.0 */
/* How a search is carried out, in words and as JSON. No values: they can be names of patients. */
#include "search/search_internal.h"
#include "json/json.h"

static const char *const order_words[] = {
    [FHS_ORDER_ENTITY] = "matches come in the order of the index and are not sorted",
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

static const char *driver_table(const fhs_search *search)
{
    if (search->plan.driver.is_list) {
        return "list";
    }
    return search->plan.driver.count == 0 ? "nothing"
                                          : fhs_range_table(&search->plan.driver.ranges[0]);
}

/* Conditions nest no deeper than what compiled them let them. */
#define LATE_DEPTH 64

typedef void (*late_fn)(fhs_buf *out, size_t index, fhs_str code);

/* Tell of the test, and each one below, whose parameter has no complete index yet. */
static size_t tell_late(fhs_buf *out, const fhs_test *test, size_t told, late_fn tell,
                        unsigned depth)
{
    if (test->is_late) {
        tell(out, told++, test_code(test));
    }
    for (size_t i = 0; i < test->child_count && depth < LATE_DEPTH; i++) {
        told = tell_late(out, test->children[i], told, tell, depth + 1);
    }
    return told;
}

static void tell_all_late(const fhs_search *search, fhs_buf *out, late_fn tell)
{
    size_t told = 0;
    for (size_t i = 0; i < search->test_count; i++) {
        told = tell_late(out, search->tests[i], told, tell, 0);
    }
}

static void say_late(fhs_buf *out, size_t index, fhs_str code)
{
    (void)index;
    fhs_buf_addf(
        out,
        "%.*s is still being indexed: its values are extracted from each resource that has "
        "not been reached.\n",
        FHS_STR_ARG(code));
}

static void list_late(fhs_buf *out, size_t index, fhs_str code)
{
    fhs_buf_add_cstr(out, index > 0 ? "," : "");
    fhs_json_write_string(out, code);
}

static void explain_words(const fhs_search *search, fhs_buf *out)
{
    if (search->order == FHS_ORDER_WALK) {
        fhs_buf_add_cstr(out, "Reads the resources in the order of the sort key.\n");
    } else if (search->plan.driver_test == NULL) {
        fhs_buf_add_cstr(out, "Reads every resource of the type.\n");
    } else {
        fhs_str code = test_code(search->plan.driver_test);
        fhs_buf_addf(out, "Begins with %.*s: %zu %s of %s.\n", FHS_STR_ARG(code),
                     search->plan.driver.is_list ? search->plan.driver.list_count
                                                 : search->plan.driver.count,
                     search->plan.driver.is_list ? "resources" : "ranges", driver_table(search));
    }
    bool walks = search->order == FHS_ORDER_WALK;
    const fhs_test **tests = walks ? search->tests : search->plan.residual;
    size_t count = walks ? search->test_count : search->plan.residual_count;
    for (size_t i = 0; i < count; i++) {
        fhs_buf_addf(out, "Tests %s %.*s on each.\n", test_name(tests[i]),
                     FHS_STR_ARG(test_code(tests[i])));
    }
    tell_all_late(search, out, say_late);
    fhs_buf_addf(out, "Order: %s.\n", order_words[search->order]);
}

static void explain_json(const fhs_search *search, fhs_buf *out)
{
    bool walks = search->order == FHS_ORDER_WALK;
    const fhs_test **tests = walks ? search->tests : search->plan.residual;
    size_t count = walks ? search->test_count : search->plan.residual_count;
    fhs_buf_addf(out,
                 "{\"empty\":%s,\"order\":\"%s\",\"driver\":", search->is_empty ? "true" : "false",
                 order_names[search->order]);
    if (search->plan.driver_test == NULL || walks) {
        fhs_buf_add_cstr(out, "null");
    } else {
        fhs_buf_add_cstr(out, "{\"parameter\":");
        fhs_json_write_string(out, test_code(search->plan.driver_test));
        fhs_buf_addf(out, ",\"table\":\"%s\",\"ranges\":%zu,\"exact\":%s}", driver_table(search),
                     search->plan.driver.is_list ? search->plan.driver.list_count
                                                 : search->plan.driver.count,
                     search->plan.driver.is_exact ? "true" : "false");
    }
    fhs_buf_add_cstr(out, ",\"estimate\":");
    fhs_buf_add_i64(out, search->plan.estimate);
    fhs_buf_add_cstr(out, ",\"tests\":[");
    for (size_t i = 0; i < count; i++) {
        fhs_buf_addf(out, "%s{\"kind\":\"%s\",\"parameter\":", i > 0 ? "," : "",
                     test_name(tests[i]));
        fhs_json_write_string(out, test_code(tests[i]));
        fhs_buf_add_char(out, '}');
    }
    fhs_buf_add_cstr(out, "],\"late\":[");
    tell_all_late(search, out, list_late);
    fhs_buf_add_cstr(out, "]}");
}

void fhs_search_explain(fhs_search *search, bool as_json, fhs_buf *out)
{
    if (as_json) {
        explain_json(search, out);
    } else if (search->is_empty) {
        fhs_buf_add_cstr(out, "Nothing in the store can match.\n");
    } else {
        explain_words(search, out);
    }
}
