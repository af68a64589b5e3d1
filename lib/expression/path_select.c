/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following a path. Each token goes through all steps before the next one is looked for, so what
 * asks only whether there is one, or for two of them, stops early, and nothing is collected on the
 * way. The depth of the recursion is bounded by the steps of the path and the nesting of the data.
 */
#include <string.h>

#include "base/limits.h"
#include "expression/path_internal.h"

/* Kept without the arena. */
#define FEW_TOKENS 4u

typedef struct path_walk {
    fhs_expression_run *run;
    const fhs_json *root;
    const fhs_path_step *end; /* of the outermost path: this step is not taken any more */
    uint32_t depth;           /* of the data, below the tokens that are scanned */
    fhirstore_error **err;
    fhirstore_status status;
} path_walk;

typedef struct token_list {
    fhs_path_token *items;
    uint32_t count;
    uint32_t capacity;
    fhs_path_token few[FEW_TOKENS];
} token_list;

/* What becomes of the tokens at the end of a path. */
typedef struct path_sink {
    token_list *list; /* they are kept here; NULL: see filter */
    uint32_t max;     /* at most so many; 0: all */
    /* They are compared with the right side of this until one passes; NULL: one is enough. */
    const fhs_path_filter *filter;
    fhs_path_token tested; /* from where the right side's path starts */
    const token_list *right;
    token_list *right_room;
    bool found;
} path_sink;

static bool follow_path(path_walk *walk, const fhs_path_step *step, fhs_path_token token,
                        path_sink *sink);

static bool walk_failed(path_walk *walk, fhirstore_status status)
{
    walk->status = status;
    return false;
}

static bool spend_steps(path_walk *walk, uint64_t steps)
{
    if (walk->run->steps_left < steps) {
        walk->run->steps_left = 0;
        return walk_failed(walk, fhs_fail(walk->err, FHIRSTORE_ERR_LIMIT,
                                          "the expressions take more than %u steps "
                                          "(FHS_LIMIT_IOT_STEPS)",
                                          FHS_LIMIT_IOT_STEPS));
    }
    walk->run->steps_left -= steps;
    return true;
}

/* ---- at the end of a path ---- */

static bool keep_token(path_walk *walk, token_list *list, fhs_path_token token)
{
    if (list->items == NULL) {
        list->items = list->few;
        list->capacity = FEW_TOKENS;
    }
    if (list->count == FHS_LIMIT_IOT_NODES) {
        return walk_failed(walk, fhs_fail(walk->err, FHIRSTORE_ERR_LIMIT,
                                          "a JSONPath selects more than %u values "
                                          "(FHS_LIMIT_IOT_NODES)",
                                          FHS_LIMIT_IOT_NODES));
    }
    if (list->count == list->capacity) {
        fhs_path_token *grown = fhs_arena_alloc(walk->run->arena, (size_t)list->capacity * 2 *
                                                                      sizeof(fhs_path_token));
        if (grown == NULL) {
            size_t size = (size_t)list->capacity * 2 * sizeof *grown;
            return walk_failed(walk, fhs_expression_no_memory(walk->run, size, walk->err));
        }
        memcpy(grown, list->items, list->count * sizeof(fhs_path_token));
        list->items = grown;
        list->capacity *= 2;
    }
    list->items[list->count++] = token;
    return true;
}

/* A text and a pattern; without one written down, the right side's value is it. */
static bool match_pattern(path_walk *walk, const fhs_path_filter *filter, fhs_path_token left,
                          fhs_path_token right, bool *holds)
{
    const char *problem = NULL;
    uint64_t work = 0;
    const fhs_regex *regex = filter->regex;
    fhs_arena_mark mark = fhs_arena_here(walk->run->arena);
    *holds = false;
    if (left.is_member || right.is_member || left.value->type != FHS_JSON_STRING ||
        right.value->type != FHS_JSON_STRING) {
        return true;
    }
    if (regex == NULL && !spend_steps(walk, right.value->text.len)) {
        return false;
    }
    if (regex == NULL) {
        regex = fhs_path_regex(walk->run->arena, right.value->text, &problem);
    }
    if (problem != NULL) {
        return walk_failed(walk, fhs_fail(walk->err, FHIRSTORE_ERR_EXPRESSION_DATA,
                                          "a pattern from the data cannot be used: %s", problem));
    }
    fhs_regex_result result = regex == NULL ? FHS_REGEX_NO_MEMORY
                                            : fhs_regex_find(regex, walk->run->arena,
                                                             left.value->text, 0, NULL, &work);
    fhs_arena_rewind(walk->run->arena, mark);
    if (result == FHS_REGEX_NO_MEMORY) {
        return walk_failed(walk, fhs_expression_no_memory(walk->run, 0, walk->err));
    }
    *holds = result == FHS_REGEX_YES;
    return spend_steps(walk, work);
}

static bool compare_tokens(path_walk *walk, const fhs_path_filter *filter, fhs_path_token left,
                           fhs_path_token right, bool *holds)
{
    if (left.value->type == FHS_JSON_STRING &&
        !spend_steps(walk, FHS_EXPRESSION_BYTES_COST(left.value->text.len))) {
        return false;
    }
    if (filter->op == FHS_PATH_MATCHES) {
        return match_pattern(walk, filter, left, right, holds);
    }
    fhirstore_status status = fhs_path_compare(filter->op, left, right, holds, walk->err);
    return status == FHIRSTORE_OK || walk_failed(walk, status);
}

/* The right side's tokens, looked for when there is something on the left. */
static bool find_right_side(path_walk *walk, path_sink *sink)
{
    path_sink collect = {.list = sink->right_room};
    sink->right = sink->right_room;
    if (sink->filter->right.literal != NULL) {
        return keep_token(walk, sink->right_room,
                          (fhs_path_token){sink->filter->right.literal, false});
    }
    follow_path(walk, sink->filter->right.steps, sink->tested, &collect);
    return walk->status == FHIRSTORE_OK;
}

/* False: no more tokens are wanted, or the walk has failed. */
static bool take_path_token(path_walk *walk, path_sink *sink, fhs_path_token token)
{
    if (sink->list != NULL) {
        return keep_token(walk, sink->list, token) && sink->list->count != sink->max;
    }
    if (sink->filter == NULL) {
        sink->found = true;
        return false;
    }
    if (sink->right == NULL && !find_right_side(walk, sink)) {
        return false;
    }
    for (uint32_t i = 0; i < sink->right->count && !sink->found; i++) {
        if (!spend_steps(walk, 1) ||
            !compare_tokens(walk, sink->filter, token, sink->right->items[i], &sink->found)) {
            return false;
        }
    }
    return !sink->found && sink->right->count > 0;
}

/* ---- filters ---- */

static bool passes_term(path_walk *walk, const fhs_path_filter *term, fhs_path_token token)
{
    token_list right = {.count = 0};
    path_sink sink = {
        .filter = term->op == FHS_PATH_EXISTS ? NULL : term, .tested = token, .right_room = &right};
    if (term->left.literal != NULL) {
        take_path_token(walk, &sink, (fhs_path_token){term->left.literal, false});
    } else {
        follow_path(walk, term->left.steps, token, &sink);
    }
    return sink.found && walk->status == FHIRSTORE_OK;
}

static bool passes_filter(path_walk *walk, const fhs_path_filter *filter, fhs_path_token token)
{
    bool is_and = filter->op == FHS_PATH_AND;
    if (!is_and && filter->op != FHS_PATH_OR) {
        return passes_term(walk, filter, token);
    }
    for (const fhs_path_filter *term = filter->first; term != NULL; term = term->next) {
        if (passes_filter(walk, term, token) != is_and || walk->status != FHIRSTORE_OK) {
            return !is_and && walk->status == FHIRSTORE_OK;
        }
    }
    return is_and;
}

/* Test one token and hand it on. */
static bool filter_token(path_walk *walk, const fhs_path_step *step, fhs_path_token token,
                         path_sink *sink)
{
    bool passes = spend_steps(walk, 1) && passes_filter(walk, step->filter, token);
    return walk->status == FHIRSTORE_OK && (!passes || follow_path(walk, step->next, token, sink));
}

/* ---- steps ---- */

static bool is_type(fhs_path_token token, fhs_json_type type)
{
    return !token.is_member && token.value->type == type;
}

/* Children as filters see them: an object's are its members as such. */
static uint32_t count_children(fhs_path_token token)
{
    return token.is_member ? 1 : (token.value->type >= FHS_JSON_ARRAY ? token.value->count : 0);
}

static fhs_path_token child_at(fhs_path_token token, uint32_t index)
{
    if (token.is_member) {
        return (fhs_path_token){token.value, false};
    }
    return token.value->type == FHS_JSON_ARRAY
               ? (fhs_path_token){&token.value->items[index], false}
               : (fhs_path_token){&token.value->members[index].value, true};
}

static bool step_fields(path_walk *walk, const fhs_path_step *step, fhs_path_token token,
                        path_sink *sink)
{
    for (uint32_t i = 0; i < step->count && is_type(token, FHS_JSON_OBJECT); i++) {
        if (!spend_steps(walk, FHS_EXPRESSION_MEMBERS_COST(token.value->count))) {
            return false;
        }
        const fhs_json *value = fhs_json_get(token.value, step->names[i]);
        if (value != NULL && !follow_path(walk, step->next, (fhs_path_token){value, false}, sink)) {
            return false;
        }
    }
    return true;
}

/* All members' values or all items. */
static bool step_all_parts(path_walk *walk, const fhs_path_step *step, fhs_path_token token,
                           path_sink *sink)
{
    bool fields = step->kind == FHS_PATH_ALL_FIELDS;
    if (!is_type(token, fields ? FHS_JSON_OBJECT : FHS_JSON_ARRAY)) {
        return true;
    }
    for (uint32_t i = 0; i < token.value->count; i++) {
        fhs_path_token child = child_at(token, i);
        child.is_member = false;
        if (!follow_path(walk, step->next, child, sink)) {
            return false;
        }
    }
    return true;
}

static const fhs_json *item_at(path_walk *walk, const fhs_json *array, int32_t index)
{
    if (index < 0) {
        walk_failed(walk, fhs_fail(walk->err, FHIRSTORE_ERR_EXPRESSION_DATA,
                                   "an index of an array is negative"));
        return NULL;
    }
    return (uint32_t)index < array->count ? &array->items[index] : NULL;
}

static bool step_indexes(path_walk *walk, const fhs_path_step *step, fhs_path_token token,
                         path_sink *sink)
{
    for (uint32_t i = 0; i < step->count && is_type(token, FHS_JSON_ARRAY); i++) {
        const fhs_json *item = item_at(walk, token.value, step->indexes[i]);
        if (walk->status != FHIRSTORE_OK ||
            (item != NULL && !follow_path(walk, step->next, (fhs_path_token){item, false}, sink))) {
            return false;
        }
    }
    return true;
}

static int64_t clamp_index(int64_t index, int64_t low, int64_t high)
{
    return index < low ? low : (index > high ? high : index);
}

static bool step_slice(path_walk *walk, const fhs_path_step *step, fhs_path_token token,
                       path_sink *sink)
{
    int64_t by = step->slice.step;
    if (by == 0) {
        return walk_failed(
            walk, fhs_fail(walk->err, FHIRSTORE_ERR_EXPRESSION_DATA, "the step of a slice is 0"));
    }
    if (!is_type(token, FHS_JSON_ARRAY)) {
        return true;
    }
    int64_t count = token.value->count;
    int64_t start = step->slice.has_start ? step->slice.start : (by > 0 ? 0 : count - 1);
    int64_t end = step->slice.has_end ? step->slice.end : (by > 0 ? count : -1);
    start += step->slice.has_start && start < 0 ? count : 0;
    end += step->slice.has_end && end < 0 ? count : 0;
    start = clamp_index(start, by > 0 ? 0 : INT32_MIN, by > 0 ? count : count - 1);
    end = clamp_index(end, -1, count);
    for (int64_t i = start; by > 0 ? i < end : i > end; i += by) {
        if (!follow_path(walk, step->next, (fhs_path_token){&token.value->items[i], false}, sink)) {
            return false;
        }
    }
    return true;
}

static bool step_filter(path_walk *walk, const fhs_path_step *step, fhs_path_token token,
                        path_sink *sink)
{
    if (step->only_objects && is_type(token, FHS_JSON_OBJECT)) {
        return true; /* none of its members as such is an object */
    }
    uint32_t count = count_children(token);
    for (uint32_t i = 0; i < count; i++) {
        if (!filter_token(walk, step, child_at(token, i), sink)) {
            return false;
        }
    }
    return true;
}

/* ---- scans ---- */

static bool enter_container(path_walk *walk)
{
    if (walk->depth == FHS_EXPRESSION_DEPTH_MAX) {
        return walk_failed(walk, fhs_fail(walk->err, FHIRSTORE_ERR_LIMIT,
                                          "the message nests more than %u levels",
                                          FHS_EXPRESSION_DEPTH_MAX));
    }
    walk->depth++;
    return true;
}

/* The members below @a token that have one of the step's names; their values are gone into too. */
static bool scan_fields(path_walk *walk, const fhs_path_step *step, fhs_path_token token,
                        path_sink *sink)
{
    if (!token.is_member && token.value->type < FHS_JSON_ARRAY) {
        return true;
    }
    bool is_object = is_type(token, FHS_JSON_OBJECT);
    uint32_t count = count_children(token);
    if (!enter_container(walk) || !spend_steps(walk, count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        fhs_path_token child = child_at(token, i);
        child.is_member = false;
        for (uint32_t n = 0; n < step->count && is_object; n++) {
            if (fhs_str_eq(token.value->members[i].name, step->names[n]) &&
                !follow_path(walk, step->next, child, sink)) {
                return false;
            }
        }
        if (!scan_fields(walk, step, child, sink)) {
            return false;
        }
    }
    walk->depth--;
    return true;
}

/* @a token and all values below it. */
static bool scan_all(path_walk *walk, const fhs_path_step *step, fhs_path_token token,
                     path_sink *sink)
{
    uint32_t count = count_children(token);
    if (!enter_container(walk) || !spend_steps(walk, count) ||
        !follow_path(walk, step->next, token, sink)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        fhs_path_token child = child_at(token, i);
        child.is_member = false;
        if (!scan_all(walk, step, child, sink)) {
            return false;
        }
    }
    walk->depth--;
    return true;
}

/* @a token, all values below it and all members as such, where they pass the filter. */
static bool scan_filter(path_walk *walk, const fhs_path_step *step, fhs_path_token token,
                        path_sink *sink)
{
    uint32_t count = count_children(token);
    if (step->only_objects && count == 0) {
        return true;
    }
    if (!enter_container(walk) || ((!step->only_objects || is_type(token, FHS_JSON_OBJECT)) &&
                                   !filter_token(walk, step, token, sink))) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        fhs_path_token child = child_at(token, i);
        child.is_member = child.is_member && !step->only_objects;
        if (!scan_filter(walk, step, child, sink)) {
            return false;
        }
    }
    walk->depth--;
    return true;
}

/* A step that may lead to several tokens. */
static bool fan_out(path_walk *walk, const fhs_path_step *step, fhs_path_token token,
                    path_sink *sink)
{
    switch (step->kind) {
    case FHS_PATH_FIELDS:
        return step_fields(walk, step, token, sink);
    case FHS_PATH_ALL_FIELDS:
    case FHS_PATH_ALL_ITEMS:
        return step_all_parts(walk, step, token, sink);
    case FHS_PATH_INDEXES:
        return step_indexes(walk, step, token, sink);
    case FHS_PATH_SLICE:
        return step_slice(walk, step, token, sink);
    case FHS_PATH_FILTER:
        return step_filter(walk, step, token, sink);
    case FHS_PATH_SCAN_FIELDS:
        return scan_fields(walk, step, token, sink);
    case FHS_PATH_SCAN_ALL:
        return scan_all(walk, step, token, sink);
    default:
        return scan_filter(walk, step, token, sink);
    }
}

/* Go on from @a token with @a step. False: enough, or the walk has failed. */
static bool follow_path(path_walk *walk, const fhs_path_step *step, fhs_path_token token,
                        path_sink *sink)
{
    for (; step != walk->end && step != NULL; step = step->next) {
        bool is_object = is_type(token, FHS_JSON_OBJECT);
        if (!spend_steps(walk,
                         1 + (is_object ? FHS_EXPRESSION_MEMBERS_COST(token.value->count) : 0))) {
            return false;
        }
        const fhs_json *only = NULL;
        if (step->kind == FHS_PATH_ROOT) {
            only = walk->root;
        } else if (step->kind == FHS_PATH_FIELDS && step->count == 1) {
            only = is_object ? fhs_json_get(token.value, step->names[0]) : NULL;
        } else {
            uint32_t depth = walk->depth;
            bool more = fan_out(walk, step, token, sink);
            walk->depth = depth;
            return more;
        }
        if (only == NULL) {
            return true;
        }
        token = (fhs_path_token){only, false};
    }
    return take_path_token(walk, sink, token);
}

fhirstore_status fhs_path_select_before(const fhs_jsonpath *path, const fhs_path_step *end,
                                        fhs_expression_run *run, const fhs_json *root, uint32_t max,
                                        fhs_expression_nodes *nodes_out, fhirstore_error **err)
{
    path_walk walk = {.run = run, .root = root, .end = end, .err = err, .status = FHIRSTORE_OK};
    token_list list = {.count = 0};
    path_sink sink = {.list = &list, .max = max};
    *nodes_out = (fhs_expression_nodes){NULL, 0};
    follow_path(&walk, path->steps, (fhs_path_token){root, false}, &sink);
    if (walk.status != FHIRSTORE_OK || list.count == 0) {
        return walk.status;
    }
    const fhs_json **items = fhs_arena_alloc(run->arena, list.count * sizeof(*items));
    if (items == NULL) {
        return fhs_expression_no_memory(run, list.count * sizeof(*items), err);
    }
    for (uint32_t i = 0; i < list.count; i++) {
        items[i] = list.items[i].value;
    }
    *nodes_out = (fhs_expression_nodes){items, list.count};
    return FHIRSTORE_OK;
}

fhirstore_status fhs_jsonpath_select(const fhs_jsonpath *path, fhs_expression_run *run,
                                     const fhs_json *root, uint32_t max,
                                     fhs_expression_nodes *nodes_out, fhirstore_error **err)
{
    return fhs_path_select_before(path, NULL, run, root, max, nodes_out, err);
}
