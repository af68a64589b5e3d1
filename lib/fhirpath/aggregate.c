/* SPDX-License-Identifier: Apache-2.0 */
/* aggregate(), sum(), min(), max(), avg() and sort(). */
#include "fhirpath/functions.h"

/* Move [from, top) into the arena. */
static fhirstore_status keep_items(fhs_fhirpath_run *run, uint32_t from, const fhs_fp_item **out,
                                   uint32_t *count_out)
{
    uint32_t count = run->top - from;
    fhs_fp_item *copy = fhs_arena_calloc(&run->arena, count + 1, sizeof(*copy));
    if (copy == NULL) {
        return fhs_fp_memory(run);
    }
    if (count > 0) {
        memcpy(copy, run->stack + from, count * sizeof(*copy));
    }
    run->top = from;
    *out = copy;
    *count_out = count;
    return FHIRSTORE_OK;
}

FHS_FP_CALL(aggregate)
{
    uint32_t end = run->top;
    fhs_fp_scope inner = *scope;
    inner.has_total = true;
    inner.total = NULL;
    inner.total_count = 0;
    if (op->arg_count > 1) {
        FHS_TRY(fhs_fp_eval_apart(run, op->args[1], scope, FHS_FP_ALL));
        FHS_TRY(keep_items(run, end, &inner.total, &inner.total_count));
    }
    for (uint32_t i = base; i < end; i++) {
        fhs_fp_scope each = fhs_fp_scope_of(&inner, &run->stack[i], i - base);
        FHS_TRY(fhs_fp_eval_apart(run, op->args[0], &each, FHS_FP_ALL));
        FHS_TRY(keep_items(run, end, &inner.total, &inner.total_count));
    }
    run->top = base;
    for (uint32_t i = 0; i < inner.total_count; i++) {
        FHS_TRY(fhs_fp_push(run, &inner.total[i]));
    }
    return FHIRSTORE_OK;
}

/* ---- sum, min, max, avg ---- */

/* Turn the input into System values; all must be of one kind. */
static fhirstore_status same_kind_input(fhs_fhirpath_run *run, const fhs_fp_step *op, uint32_t base)
{
    for (uint32_t i = base; i < run->top; i++) {
        fhs_fp_item value;
        FHS_TRY(fhs_fp_value(run, &run->stack[i], &value));
        run->stack[i] = value;
        if (value.kind != run->stack[base].kind || value.kind == FHS_ITEM_NODE) {
            return fhs_fp_fail(run, op, "all items must be values of the same type");
        }
    }
    return FHIRSTORE_OK;
}

/* The sum of [base, top) replaces it; nothing is left where it cannot be formed. */
static fhirstore_status add_up(fhs_fhirpath_run *run, const fhs_fp_step *op, uint32_t base)
{
    fhs_fp_step plus = *op;
    plus.op = FHS_OP_ADD;
    uint32_t end = run->top;
    fhs_fp_item total = run->stack[base];
    for (uint32_t i = base + 1; i < end; i++) {
        fhs_fp_item next = run->stack[i];
        FHS_TRY(fhs_fp_arithmetic(run, &plus, &total, &next));
        if (run->top == end) {
            run->top = base;
            return FHIRSTORE_OK;
        }
        total = run->stack[end];
        run->top = end;
    }
    run->top = base;
    return fhs_fp_push(run, &total);
}

static fhirstore_status summable_input(fhs_fhirpath_run *run, const fhs_fp_step *op, uint32_t base)
{
    FHS_TRY(same_kind_input(run, op, base));
    fhs_fp_quantity ignored;
    if (!fhs_fp_to_quantity(&run->stack[base], &ignored)) {
        return fhs_fp_fail(run, op, "only numbers and quantities can be summed");
    }
    return FHIRSTORE_OK;
}

FHS_FP_CALL(sum)
{
    (void)scope;
    if (run->top == base) {
        return FHIRSTORE_OK;
    }
    FHS_TRY(summable_input(run, op, base));
    return add_up(run, op, base);
}

FHS_FP_CALL(avg)
{
    (void)scope;
    uint32_t count = run->top - base;
    if (count == 0) {
        return FHIRSTORE_OK;
    }
    FHS_TRY(summable_input(run, op, base));
    FHS_TRY(add_up(run, op, base));
    if (run->top == base) {
        return FHIRSTORE_OK;
    }
    fhs_fp_step divide = *op;
    divide.op = FHS_OP_DIVIDE;
    fhs_fp_item total = run->stack[base];
    fhs_fp_item number = fhs_fp_item_of_integer(count);
    run->top = base;
    return fhs_fp_arithmetic(run, &divide, &total, &number);
}

static fhirstore_status extreme(fhs_fhirpath_run *run, const fhs_fp_step *op, uint32_t base,
                                int sign)
{
    if (run->top == base) {
        return FHIRSTORE_OK;
    }
    FHS_TRY(same_kind_input(run, op, base));
    uint32_t best = base;
    for (uint32_t i = base + 1; i < run->top; i++) {
        int order = 0;
        bool known = false;
        FHS_TRY(fhs_fp_order(run, op, &run->stack[i], &run->stack[best], &order, &known));
        if (!known) {
            run->top = base;
            return FHIRSTORE_OK;
        }
        best = order * sign > 0 ? i : best;
    }
    run->stack[base] = run->stack[best];
    run->top = base + 1;
    return FHIRSTORE_OK;
}

FHS_FP_CALL(min)
{
    (void)scope;
    return extreme(run, op, base, -1);
}

FHS_FP_CALL(max)
{
    (void)scope;
    return extreme(run, op, base, 1);
}

/* ---- sort ---- */

typedef struct sort_key {
    fhs_fp_item value;
    bool found;
} sort_key;

typedef struct sort_run {
    fhs_fhirpath_run *run;
    const fhs_fp_step *op;
    const sort_key *keys; /* key_count an item */
    uint32_t key_count;
} sort_run;

/* "-key" is the older way to say "key desc". */
static bool is_negated(const fhs_fp_step *key)
{
    return key->kind == FHS_FP_POLARITY && key->op == FHS_OP_SUBTRACT;
}

static fhirstore_status sort_order(const sort_run *sort, uint32_t a, uint32_t b, int *out)
{
    *out = 0;
    for (uint32_t i = 0; i < sort->key_count && *out == 0; i++) {
        const sort_key *x = &sort->keys[(size_t)a * sort->key_count + i];
        const sort_key *y = &sort->keys[(size_t)b * sort->key_count + i];
        bool known = true;
        FHS_TRY(fhs_fp_work(sort->run, 1));
        if (!x->found || !y->found) {
            *out = (int)x->found - (int)y->found;
        } else {
            FHS_TRY(fhs_fp_order(sort->run, sort->op, &x->value, &y->value, out, &known));
        }
        if (!known) {
            *out = 0;
        }
        const fhs_fp_step *key = sort->op->arg_count == 0 ? NULL : sort->op->args[i];
        if (key != NULL && ((key->flags & FHS_FP_DESCENDING) != 0) != is_negated(key)) {
            *out = -*out;
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status sort_keys(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                  const fhs_fp_scope *scope, uint32_t base, sort_key *keys,
                                  uint32_t key_count)
{
    uint32_t count = run->top - base;
    for (uint32_t i = 0; i < count; i++) {
        fhs_fp_scope inner = fhs_fp_scope_of(scope, &run->stack[base + i], i);
        for (uint32_t k = 0; k < key_count; k++) {
            sort_key *key = &keys[(size_t)i * key_count + k];
            if (op->arg_count == 0) {
                FHS_TRY(fhs_fp_value(run, &inner.self, &key->value));
                key->found = true;
                continue;
            }
            const fhs_fp_step *selector = is_negated(op->args[k]) ? op->args[k]->left : op->args[k];
            FHS_TRY(fhs_fp_eval_single(run, selector, &inner, &key->value, &key->found));
        }
    }
    return FHIRSTORE_OK;
}

/* Merge sort of @a order, stable, bottom up. */
static fhirstore_status merge_sort(const sort_run *sort, uint32_t *order, uint32_t *other,
                                   uint32_t count)
{
    for (uint32_t width = 1; width < count; width *= 2) {
        for (uint32_t low = 0; low < count; low += 2 * width) {
            uint32_t middle = low + width < count ? low + width : count;
            uint32_t high = low + 2 * width < count ? low + 2 * width : count;
            uint32_t a = low;
            uint32_t b = middle;
            for (uint32_t i = low; i < high; i++) {
                int which = 0;
                if (a < middle && b < high) {
                    FHS_TRY(sort_order(sort, order[a], order[b], &which));
                }
                bool left = b >= high || (a < middle && which <= 0);
                other[i] = left ? order[a++] : order[b++];
            }
        }
        memcpy(order, other, count * sizeof(*order));
    }
    return FHIRSTORE_OK;
}

FHS_FP_CALL(sort)
{
    uint32_t count = run->top - base;
    uint32_t key_count = op->arg_count == 0 ? 1 : op->arg_count;
    if (count < 2) {
        return FHIRSTORE_OK;
    }
    sort_key *keys = fhs_arena_calloc(&run->arena, (size_t)count * key_count, sizeof(*keys));
    uint32_t *order = fhs_arena_calloc(&run->arena, 2 * (size_t)count, sizeof(*order));
    fhs_fp_item *items = fhs_arena_calloc(&run->arena, count, sizeof(*items));
    if (keys == NULL || order == NULL || items == NULL) {
        return fhs_fp_memory(run);
    }
    FHS_TRY(sort_keys(run, op, scope, base, keys, key_count));
    for (uint32_t i = 0; i < count; i++) {
        order[i] = i;
    }
    sort_run sort = {run, op, keys, key_count};
    FHS_TRY(merge_sort(&sort, order, order + count, count));
    memcpy(items, run->stack + base, count * sizeof(*items));
    for (uint32_t i = 0; i < count; i++) {
        run->stack[base + i] = items[order[i]];
    }
    return FHIRSTORE_OK;
}
