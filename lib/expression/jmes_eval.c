/* SPDX-License-Identifier: Apache-2.0 */
/* JMESPath: a tree and a value become a value. Recursion is as deep as the tree, which is bounded.
 */
#include "base/limits.h"
#include "expression/jmes_internal.h"
#include "expression/number.h"

static const fhs_json made_words[] = {
    {.type = FHS_JSON_NULL, .begin = FHS_EXPRESSION_MADE, .end = FHS_EXPRESSION_MADE},
    {.type = FHS_JSON_FALSE, .begin = FHS_EXPRESSION_MADE, .end = FHS_EXPRESSION_MADE},
    {.type = FHS_JSON_TRUE, .begin = FHS_EXPRESSION_MADE, .end = FHS_EXPRESSION_MADE},
};

const fhs_json *fhs_jmes_null(void)
{
    return &made_words[0];
}

const fhs_json *fhs_jmes_boolean(bool value)
{
    return &made_words[value ? 2 : 1];
}

/* ---- what bodies of functions use too ---- */

bool fhs_jmes_spend(fhs_jmes_run *run, uint64_t steps)
{
    if (run->run->steps_left < steps && run->status == FHIRSTORE_OK) {
        run->run->steps_left = 0;
        run->status = fhs_fail(run->err, FHIRSTORE_ERR_LIMIT,
                               "the expressions take more than %u steps (FHS_LIMIT_IOT_STEPS)",
                               FHS_LIMIT_IOT_STEPS);
    }
    if (run->status != FHIRSTORE_OK) {
        return false;
    }
    run->run->steps_left -= steps;
    return true;
}

const fhs_json *fhs_jmes_made(fhs_jmes_run *run, const fhs_json *value)
{
    if (value == NULL && run->status == FHIRSTORE_OK) {
        run->status = fhs_expression_no_memory(run->run, 0, run->err);
    }
    return value;
}

void *fhs_jmes_alloc(fhs_jmes_run *run, size_t size)
{
    void *ptr = fhs_arena_alloc(run->run->arena, size);
    if (ptr == NULL && run->status == FHIRSTORE_OK) {
        run->status = fhs_expression_no_memory(run->run, size, run->err);
    }
    return ptr;
}

fhs_json *fhs_jmes_items(fhs_jmes_run *run, uint64_t count)
{
    if (count > FHS_LIMIT_IOT_NODES && run->status == FHIRSTORE_OK) {
        run->status = fhs_fail(run->err, FHIRSTORE_ERR_LIMIT,
                               "an expression makes more than %u values (FHS_LIMIT_IOT_NODES)",
                               FHS_LIMIT_IOT_NODES);
    }
    if (!fhs_jmes_spend(run, count)) {
        return NULL;
    }
    return fhs_jmes_alloc(run, (size_t)count * sizeof(fhs_json));
}

static const fhs_json *make_container(fhs_jmes_run *run, fhs_json value)
{
    fhs_json *made = fhs_jmes_alloc(run, sizeof *made);
    if (made != NULL) {
        *made = value;
    }
    return fhs_jmes_made(run, made);
}

const fhs_json *fhs_jmes_array(fhs_jmes_run *run, const fhs_json *items, uint32_t count)
{
    return make_container(run, (fhs_json){.type = FHS_JSON_ARRAY,
                                          .count = count,
                                          .begin = FHS_EXPRESSION_MADE,
                                          .end = FHS_EXPRESSION_MADE,
                                          .items = items});
}

const fhs_json *fhs_jmes_object(fhs_jmes_run *run, const fhs_json_member *members, uint32_t count)
{
    return make_container(run, (fhs_json){.type = FHS_JSON_OBJECT,
                                          .count = count,
                                          .begin = FHS_EXPRESSION_MADE,
                                          .end = FHS_EXPRESSION_MADE,
                                          .members = members});
}

const fhs_json *fhs_jmes_refuse(fhs_jmes_run *run, const fhs_jmes_node *call, const char *problem)
{
    if (run->status == FHIRSTORE_OK) {
        run->status = fhs_fail(run->err, FHIRSTORE_ERR_EXPRESSION_DATA, "%.*s() at offset %zu: %s",
                               (int)call->name.len, call->name.ptr, call->at, problem);
        fhs_error_at(run->err, call->at, 1, (uint32_t)call->at + 1);
    }
    return NULL;
}

/* ---- comparing ---- */

int fhs_jmes_compare_numbers(const fhs_json *a, const fhs_json *b)
{
    int64_t left = 0;
    int64_t right = 0;
    double left_double = 0;
    double right_double = 0;
    if (fhs_expression_integer(a, &left) && fhs_expression_integer(b, &right)) {
        return left == right ? 0 : (left < right ? -1 : 1);
    }
    fhs_expression_double(a, &left_double);
    fhs_expression_double(b, &right_double);
    return left_double < right_double ? -1 : (left_double > right_double ? 1 : 0);
}

static bool are_equal_objects(fhs_jmes_run *run, const fhs_json *a, const fhs_json *b)
{
    for (uint32_t i = 0; i < a->count; i++) {
        const fhs_json *other = fhs_json_get(b, a->members[i].name);
        if (!fhs_jmes_spend(run, FHS_EXPRESSION_MEMBERS_COST(b->count)) || other == NULL ||
            !fhs_jmes_equal(run, &a->members[i].value, other)) {
            return false;
        }
    }
    return true;
}

bool fhs_jmes_equal(fhs_jmes_run *run, const fhs_json *a, const fhs_json *b)
{
    if (!fhs_jmes_spend(run, 1) || a->type != b->type) {
        return false;
    }
    if (a->type == FHS_JSON_STRING) {
        return fhs_jmes_spend(run, FHS_EXPRESSION_BYTES_COST(a->text.len)) &&
               fhs_str_eq(a->text, b->text);
    }
    if (a->type == FHS_JSON_NUMBER) {
        return fhs_str_eq(a->text, b->text) || fhs_jmes_compare_numbers(a, b) == 0;
    }
    if (a->type < FHS_JSON_ARRAY || a->count != b->count) {
        return a->type < FHS_JSON_ARRAY;
    }
    if (run->depth == FHS_EXPRESSION_DEPTH_MAX) {
        run->status = fhs_fail(run->err, FHIRSTORE_ERR_LIMIT,
                               "values that are compared nest more than %u levels",
                               FHS_EXPRESSION_DEPTH_MAX);
        return false;
    }
    run->depth++;
    bool equal = true;
    for (uint32_t i = 0; i < a->count && equal && a->type == FHS_JSON_ARRAY; i++) {
        equal = fhs_jmes_equal(run, &a->items[i], &b->items[i]);
    }
    if (a->type == FHS_JSON_OBJECT) {
        equal = are_equal_objects(run, a, b);
    }
    run->depth--;
    return equal;
}

static bool is_truthy(const fhs_json *value)
{
    switch ((fhs_json_type)value->type) {
    case FHS_JSON_NULL:
    case FHS_JSON_FALSE:
        return false;
    case FHS_JSON_STRING:
        return value->text.len > 0;
    case FHS_JSON_ARRAY:
    case FHS_JSON_OBJECT:
        return value->count > 0;
    default:
        return true;
    }
}

static const fhs_json *eval_jmes_comparison(fhs_jmes_run *run, const fhs_jmes_node *node,
                                            const fhs_json *current)
{
    const fhs_json *left = fhs_jmes_eval(run, node->left, current);
    const fhs_json *right = left == NULL ? NULL : fhs_jmes_eval(run, node->right, current);
    if (right == NULL) {
        return NULL;
    }
    if (node->comparison == FHS_JMES_EQUAL || node->comparison == FHS_JMES_NOT_EQUAL) {
        bool equal = fhs_jmes_equal(run, left, right);
        return run->status != FHIRSTORE_OK
                   ? NULL
                   : fhs_jmes_boolean(equal == (node->comparison == FHS_JMES_EQUAL));
    }
    if (left->type != FHS_JSON_NUMBER || right->type != FHS_JSON_NUMBER) {
        return fhs_jmes_null();
    }
    int order = fhs_jmes_compare_numbers(left, right);
    switch (node->comparison) {
    case FHS_JMES_LESS:
        return fhs_jmes_boolean(order < 0);
    case FHS_JMES_LESS_OR_EQUAL:
        return fhs_jmes_boolean(order <= 0);
    case FHS_JMES_GREATER:
        return fhs_jmes_boolean(order > 0);
    default:
        return fhs_jmes_boolean(order >= 0);
    }
}

/* ---- arrays ---- */

static const fhs_json *eval_index(const fhs_jmes_node *node, const fhs_json *current)
{
    int64_t index = node->index;
    if (current->type != FHS_JSON_ARRAY) {
        return fhs_jmes_null();
    }
    index += index < 0 ? (int64_t)current->count : 0;
    return index < 0 || index >= (int64_t)current->count ? fhs_jmes_null() : &current->items[index];
}

/* Where a slice begins or ends: counted from the end when negative, within the array. */
static int64_t slice_end(bool given, int32_t at, int64_t otherwise, int64_t count, int64_t step)
{
    int64_t low = step < 0 ? -1 : 0;
    int64_t high = step < 0 ? count - 1 : count;
    int64_t end = at < 0 ? at + count : at;
    if (!given) {
        return otherwise;
    }
    return end < low ? low : (end > high ? high : end);
}

static const fhs_json *eval_slice(fhs_jmes_run *run, const fhs_jmes_node *node,
                                  const fhs_json *current)
{
    if (current->type != FHS_JSON_ARRAY) {
        return fhs_jmes_null();
    }
    int64_t count = current->count;
    int64_t step = node->slice.step;
    int64_t start = slice_end(node->slice.has_start, node->slice.start, step < 0 ? count - 1 : 0,
                              count, step);
    int64_t end = slice_end(node->slice.has_end, node->slice.end, step < 0 ? -1 : count, count,
                            step);
    fhs_json *items = fhs_jmes_items(run, current->count);
    uint32_t kept = 0;
    if (items == NULL) {
        return NULL;
    }
    for (int64_t i = start; step > 0 ? i < end : i > end; i += step) {
        items[kept++] = current->items[i];
    }
    return fhs_jmes_array(run, items, kept);
}

static const fhs_json *eval_flattened(fhs_jmes_run *run, const fhs_jmes_node *node,
                                      const fhs_json *current)
{
    const fhs_json *list = fhs_jmes_eval(run, node->left, current);
    uint64_t count = 0;
    if (list == NULL || list->type != FHS_JSON_ARRAY) {
        return list == NULL ? NULL : fhs_jmes_null();
    }
    for (uint32_t i = 0; i < list->count; i++) {
        count += list->items[i].type == FHS_JSON_ARRAY ? list->items[i].count : 1;
    }
    fhs_json *items = fhs_jmes_items(run, count);
    uint32_t at = 0;
    if (items == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        const fhs_json *item = &list->items[i];
        bool is_array = item->type == FHS_JSON_ARRAY;
        for (uint32_t k = 0; k < (is_array ? item->count : 1); k++) {
            items[at++] = is_array ? item->items[k] : *item;
        }
    }
    return fhs_jmes_array(run, items, at);
}

/* The right side of each part of the left one, without nulls. */
static const fhs_json *eval_projection(fhs_jmes_run *run, const fhs_jmes_node *node,
                                       const fhs_json *current)
{
    const fhs_json *base = fhs_jmes_eval(run, node->left, current);
    fhs_json_type wanted = node->kind == FHS_JMES_EACH_VALUE ? FHS_JSON_OBJECT : FHS_JSON_ARRAY;
    if (base == NULL || base->type != wanted) {
        return base == NULL ? NULL : fhs_jmes_null();
    }
    fhs_json *items = fhs_jmes_items(run, base->count);
    uint32_t kept = 0;
    for (uint32_t i = 0; items != NULL && i < base->count; i++) {
        const fhs_json *part = wanted == FHS_JSON_ARRAY ? &base->items[i] : &base->members[i].value;
        if (node->condition != NULL) {
            const fhs_json *passes = fhs_jmes_eval(run, node->condition, part);
            if (passes == NULL) {
                return NULL;
            }
            if (!is_truthy(passes)) {
                continue;
            }
        }
        const fhs_json *result = fhs_jmes_eval(run, node->right, part);
        if (result == NULL) {
            return NULL;
        }
        if (result->type != FHS_JSON_NULL) {
            items[kept++] = *result;
        }
    }
    return items == NULL ? NULL : fhs_jmes_array(run, items, kept);
}

/* ---- lists and hashes ---- */

static const fhs_json *eval_list(fhs_jmes_run *run, const fhs_jmes_node *node,
                                 const fhs_json *current)
{
    if (current->type == FHS_JSON_NULL) {
        return fhs_jmes_null();
    }
    fhs_json *items = fhs_jmes_items(run, node->part_count);
    uint32_t count = 0;
    if (items == NULL) {
        return NULL;
    }
    for (const fhs_jmes_node *part = node->parts; part != NULL; part = part->next) {
        const fhs_json *value = fhs_jmes_eval(run, part, current);
        if (value == NULL) {
            return NULL;
        }
        items[count++] = *value;
    }
    return fhs_jmes_array(run, items, count);
}

/* The place of a name among the first @a count members, or @a count. */
static uint32_t find_hash_member(const fhs_json_member *members, uint32_t count, fhs_str name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (fhs_str_eq(members[i].name, name)) {
            return i;
        }
    }
    return count;
}

static const fhs_json *eval_hash(fhs_jmes_run *run, const fhs_jmes_node *node,
                                 const fhs_json *current)
{
    if (current->type == FHS_JSON_NULL) {
        return fhs_jmes_null();
    }
    if (!fhs_jmes_spend(run, node->part_count)) {
        return NULL;
    }
    fhs_json_member *members = fhs_jmes_alloc(run, node->part_count * sizeof *members);
    uint32_t count = 0;
    if (members == NULL) {
        return fhs_jmes_made(run, NULL);
    }
    for (const fhs_jmes_node *part = node->parts; part != NULL; part = part->next) {
        const fhs_json *value = fhs_jmes_eval(run, part->left, current);
        if (value == NULL) {
            return NULL;
        }
        uint32_t at = find_hash_member(members, count, part->name);
        members[at] = (fhs_json_member){.name = part->name, .value = *value};
        count += at == count;
    }
    return fhs_jmes_object(run, members, count);
}

/* ---- all of it ---- */

static const fhs_json *eval_field(fhs_jmes_run *run, const fhs_jmes_node *node,
                                  const fhs_json *current)
{
    bool is_object = current->type == FHS_JSON_OBJECT;
    if (is_object && !fhs_jmes_spend(run, FHS_EXPRESSION_MEMBERS_COST(current->count))) {
        return NULL;
    }
    const fhs_json *value = is_object ? fhs_json_get(current, node->name) : NULL;
    return value == NULL ? fhs_jmes_null() : value;
}

/* Operators that look at their left side first. */
static const fhs_json *eval_operator(fhs_jmes_run *run, const fhs_jmes_node *node,
                                     const fhs_json *current)
{
    const fhs_json *left = fhs_jmes_eval(run, node->left, current);
    if (left == NULL) {
        return NULL;
    }
    switch (node->kind) {
    case FHS_JMES_THEN:
        return fhs_jmes_eval(run, node->right, left);
    case FHS_JMES_OR_ELSE:
        return is_truthy(left) ? left : fhs_jmes_eval(run, node->right, current);
    case FHS_JMES_AND_THEN:
        return is_truthy(left) ? fhs_jmes_eval(run, node->right, current) : left;
    default:
        return fhs_jmes_boolean(!is_truthy(left));
    }
}

const fhs_json *fhs_jmes_eval(fhs_jmes_run *run, const fhs_jmes_node *node, const fhs_json *current)
{
    if (!fhs_jmes_spend(run, 1)) {
        return NULL;
    }
    switch (node->kind) {
    case FHS_JMES_FIELD:
        return eval_field(run, node, current);
    case FHS_JMES_INDEX:
        return eval_index(node, current);
    case FHS_JMES_SLICE:
        return eval_slice(run, node, current);
    case FHS_JMES_CURRENT:
        return current;
    case FHS_JMES_LITERAL:
        return node->literal;
    case FHS_JMES_CALL:
        return fhs_jmes_call(run, node, current);
    case FHS_JMES_COMPARE:
        return eval_jmes_comparison(run, node, current);
    case FHS_JMES_LIST:
        return eval_list(run, node, current);
    case FHS_JMES_HASH:
        return eval_hash(run, node, current);
    case FHS_JMES_FLATTENED:
        return eval_flattened(run, node, current);
    case FHS_JMES_EACH_ITEM:
    case FHS_JMES_EACH_VALUE:
    case FHS_JMES_EACH_WHERE:
        return eval_projection(run, node, current);
    case FHS_JMES_REFERENCE:
        return fhs_jmes_null(); /* outside of a call it means nothing */
    default:
        return eval_operator(run, node, current);
    }
}

fhirstore_status fhs_jmespath_evaluate(const fhs_jmespath *expression, fhs_expression_run *run,
                                       const fhs_json *root, fhs_jmespath_result *result_out,
                                       fhirstore_error **err)
{
    fhs_jmes_run evaluation = {.run = run, .err = err, .status = FHIRSTORE_OK};
    const fhs_json *value = fhs_jmes_eval(&evaluation, expression->root, root);
    *result_out = (fhs_jmespath_result){value == NULL ? fhs_jmes_null() : value,
                                        value != NULL && expression->is_projection};
    return evaluation.status;
}
