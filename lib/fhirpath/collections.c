/* SPDX-License-Identifier: Apache-2.0 */
/* Functions over whole collections: existence, filters, subsets, sets. */
#include "fhirpath/functions.h"

FHS_FP_CALL(empty)
{
    (void)op;
    (void)scope;
    bool empty = run->top == base;
    run->top = base;
    return fhs_fp_push_boolean(run, empty);
}

/* Keep the items for which the first argument is true, at most @a limit of them. */
static fhirstore_status keep_matching(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                      const fhs_fp_scope *scope, uint32_t base, uint32_t limit)
{
    uint32_t end = run->top;
    uint32_t keep = base;
    for (uint32_t i = base; i < end && keep - base < limit; i++) {
        int answer = 0;
        fhs_fp_scope inner = fhs_fp_scope_of(scope, &run->stack[i], i - base);
        FHS_TRY(fhs_fp_eval_boolean(run, op->args[0], &inner, &answer));
        if (answer == 1) {
            run->stack[keep++] = run->stack[i];
        }
    }
    run->top = keep;
    return FHIRSTORE_OK;
}

FHS_FP_CALL(exists)
{
    if (op->arg_count > 0) {
        FHS_TRY(keep_matching(run, op, scope, base, 1));
    }
    bool exists = run->top > base;
    run->top = base;
    return fhs_fp_push_boolean(run, exists);
}

FHS_FP_CALL(where)
{
    return keep_matching(run, op, scope, base, run->limit);
}

FHS_FP_CALL(all)
{
    uint32_t end = run->top;
    int answer = 1;
    for (uint32_t i = base; i < end && answer == 1; i++) {
        fhs_fp_scope inner = fhs_fp_scope_of(scope, &run->stack[i], i - base);
        FHS_TRY(fhs_fp_eval_boolean(run, op->args[0], &inner, &answer));
    }
    run->top = base;
    return fhs_fp_push_boolean(run, answer == 1);
}

/* How many of the items are @a wanted; all must be Booleans. */
static fhirstore_status count_booleans(fhs_fhirpath_run *run, const fhs_fp_step *op, uint32_t base,
                                       bool wanted, uint32_t *out)
{
    *out = 0;
    for (uint32_t i = base; i < run->top; i++) {
        fhs_fp_item item;
        FHS_TRY(fhs_fp_value(run, &run->stack[i], &item));
        if (item.kind != FHS_ITEM_BOOLEAN) {
            return fhs_fp_fail(run, op, "only Booleans are allowed here");
        }
        *out += item.boolean == wanted;
    }
    return FHIRSTORE_OK;
}

static fhirstore_status test_booleans(fhs_fhirpath_run *run, const fhs_fp_step *op, uint32_t base,
                                      bool wanted, bool all)
{
    uint32_t count = 0;
    FHS_TRY(count_booleans(run, op, base, wanted, &count));
    bool answer = all ? count == run->top - base : count > 0;
    run->top = base;
    return fhs_fp_push_boolean(run, answer);
}

FHS_FP_CALL(all_true)
{
    (void)scope;
    return test_booleans(run, op, base, true, true);
}

FHS_FP_CALL(any_true)
{
    (void)scope;
    return test_booleans(run, op, base, true, false);
}

FHS_FP_CALL(all_false)
{
    (void)scope;
    return test_booleans(run, op, base, false, true);
}

FHS_FP_CALL(any_false)
{
    (void)scope;
    return test_booleans(run, op, base, false, false);
}

FHS_FP_CALL(not )
{
    (void)scope;
    fhs_fp_item item;
    bool found = false;
    FHS_TRY(fhs_fp_single(run, op, base, &item, &found));
    if (!found) {
        return FHIRSTORE_OK;
    }
    return fhs_fp_push_boolean(run, item.kind == FHS_ITEM_BOOLEAN && !item.boolean);
}

FHS_FP_CALL(count)
{
    (void)op;
    (void)scope;
    uint32_t count = run->top - base;
    run->top = base;
    return fhs_fp_push_integer(run, count);
}

/* Whether all of [from, to) are in [in_from, in_to). */
static fhirstore_status is_subset(fhs_fhirpath_run *run, uint32_t from, uint32_t to,
                                  uint32_t in_from, uint32_t in_to, bool *out)
{
    *out = true;
    for (uint32_t i = from; i < to && *out; i++) {
        FHS_TRY(fhs_fp_contains(run, in_from, in_to, &run->stack[i], out));
    }
    return FHIRSTORE_OK;
}

FHS_FP_CALL(subset_of)
{
    uint32_t end = run->top;
    bool subset = false;
    FHS_TRY(fhs_fp_eval_apart(run, op->args[0], scope, FHS_FP_ALL));
    FHS_TRY(is_subset(run, base, end, end, run->top, &subset));
    run->top = base;
    return fhs_fp_push_boolean(run, subset);
}

FHS_FP_CALL(superset_of)
{
    uint32_t end = run->top;
    bool subset = false;
    FHS_TRY(fhs_fp_eval_apart(run, op->args[0], scope, FHS_FP_ALL));
    FHS_TRY(is_subset(run, end, run->top, base, end, &subset));
    run->top = base;
    return fhs_fp_push_boolean(run, subset);
}

FHS_FP_CALL(distinct)
{
    (void)op;
    (void)scope;
    return fhs_fp_unite(run, base, base);
}

FHS_FP_CALL(is_distinct)
{
    (void)op;
    (void)scope;
    uint32_t count = run->top - base;
    FHS_TRY(fhs_fp_unite(run, base, base));
    bool distinct = run->top - base == count;
    run->top = base;
    return fhs_fp_push_boolean(run, distinct);
}

FHS_FP_CALL(select)
{
    uint32_t end = run->top;
    uint32_t limit = run->limit;
    for (uint32_t i = base; i < end && run->top - end < limit; i++) {
        fhs_fp_scope inner = fhs_fp_scope_of(scope, &run->stack[i], i - base);
        FHS_TRY(fhs_fp_eval_apart(run, op->args[0], &inner, FHS_FP_ALL));
    }
    fhs_fp_drop(run, base, end);
    return FHIRSTORE_OK;
}

/* Both kinds of repeat: results are looked at again until nothing (new) comes. */
static fhirstore_status repeat_items(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                     const fhs_fp_scope *scope, uint32_t base, bool unique)
{
    uint32_t end = run->top;
    for (uint32_t i = base; i < run->top; i++) {
        uint32_t from = run->top;
        fhs_fp_scope inner = fhs_fp_scope_of(scope, &run->stack[i], scope->index);
        FHS_TRY(fhs_fp_eval_apart(run, op->args[0], &inner, FHS_FP_ALL));
        if (unique) {
            FHS_TRY(fhs_fp_unite(run, end, from));
        }
    }
    fhs_fp_drop(run, base, end);
    return FHIRSTORE_OK;
}

FHS_FP_CALL(repeat)
{
    return repeat_items(run, op, scope, base, true);
}

FHS_FP_CALL(repeat_all)
{
    return repeat_items(run, op, scope, base, false);
}

FHS_FP_CALL(single)
{
    (void)scope;
    return run->top - base <= 1 ? FHIRSTORE_OK
                                : fhs_fp_fail(run, op, "there are several items, not a single one");
}

FHS_FP_CALL(first)
{
    (void)op;
    (void)scope;
    run->top = run->top > base ? base + 1 : base;
    return FHIRSTORE_OK;
}

FHS_FP_CALL(last)
{
    (void)op;
    (void)scope;
    if (run->top > base) {
        fhs_fp_drop(run, base, run->top - 1);
    }
    return FHIRSTORE_OK;
}

FHS_FP_CALL(tail)
{
    (void)op;
    (void)scope;
    if (run->top > base) {
        fhs_fp_drop(run, base, base + 1);
    }
    return FHIRSTORE_OK;
}

/* The count that skip() and take() got, cut to what is there; without one the result is empty. */
static fhirstore_status item_count(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                   const fhs_fp_scope *scope, uint32_t base, uint32_t *out,
                                   bool *found)
{
    int64_t number = 0;
    uint32_t count = run->top - base;
    FHS_TRY(fhs_fp_eval_integer(run, op->args[0], scope, &number, found));
    *out = number <= 0 ? 0 : number > (int64_t)count ? count : (uint32_t)number;
    if (!*found) {
        run->top = base;
    }
    return FHIRSTORE_OK;
}

FHS_FP_CALL(skip)
{
    uint32_t count = 0;
    bool found = false;
    FHS_TRY(item_count(run, op, scope, base, &count, &found));
    if (found) {
        fhs_fp_drop(run, base, base + count);
    }
    return FHIRSTORE_OK;
}

FHS_FP_CALL(take)
{
    uint32_t count = 0;
    bool found = false;
    FHS_TRY(item_count(run, op, scope, base, &count, &found));
    if (found) {
        run->top = base + count;
    }
    return FHIRSTORE_OK;
}

/* Keep the items of the input that are (or are not) in the argument. */
static fhirstore_status keep_members(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                     const fhs_fp_scope *scope, uint32_t base, bool members)
{
    uint32_t end = run->top;
    uint32_t keep = base;
    FHS_TRY(fhs_fp_eval_apart(run, op->args[0], scope, FHS_FP_ALL));
    for (uint32_t i = base; i < end; i++) {
        bool inside = false;
        FHS_TRY(fhs_fp_contains(run, end, run->top, &run->stack[i], &inside));
        if (inside == members) {
            run->stack[keep++] = run->stack[i];
        }
    }
    run->top = keep;
    return FHIRSTORE_OK;
}

FHS_FP_CALL(intersect)
{
    FHS_TRY(keep_members(run, op, scope, base, true));
    return fhs_fp_unite(run, base, base);
}

FHS_FP_CALL(exclude)
{
    return keep_members(run, op, scope, base, false);
}

FHS_FP_CALL(union)
{
    FHS_TRY(fhs_fp_eval_apart(run, op->args[0], scope, FHS_FP_ALL));
    return fhs_fp_unite(run, base, base);
}

FHS_FP_CALL(combine)
{
    (void)base;
    /* The order is kept whether asked for or not. */
    return fhs_fp_eval_apart(run, op->args[0], scope, FHS_FP_ALL);
}

FHS_FP_CALL(coalesce)
{
    run->top = base;
    for (uint32_t i = 0; i < op->arg_count && run->top == base; i++) {
        FHS_TRY(fhs_fp_eval_apart(run, op->args[i], scope, FHS_FP_ALL));
    }
    return FHIRSTORE_OK;
}

FHS_FP_CALL(iif)
{
    if (run->top - base > 1) {
        return fhs_fp_fail(run, op, "a single item is needed here, there are several");
    }
    fhs_fp_scope inner = *scope;
    inner.has_self = run->top > base;
    if (inner.has_self) {
        inner.self = run->stack[base];
    }
    run->top = base;
    int answer = 0;
    FHS_TRY(fhs_fp_eval_boolean(run, op->args[0], &inner, &answer));
    if (answer == 1) {
        return fhs_fp_eval_apart(run, op->args[1], &inner, FHS_FP_ALL);
    }
    return op->arg_count > 2 ? fhs_fp_eval_apart(run, op->args[2], &inner, FHS_FP_ALL)
                             : FHIRSTORE_OK;
}
