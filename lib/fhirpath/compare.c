/* SPDX-License-Identifier: Apache-2.0 */
/* Equality, equivalence and order of items and of whole collections. */
#include "base/utf8.h"
#include "fhirpath/internal.h"
#include "fhirpath/regex_internal.h"

static bool is_number(const fhs_fp_item *value)
{
    return value->kind == FHS_ITEM_INTEGER || value->kind == FHS_ITEM_LONG ||
           value->kind == FHS_ITEM_DECIMAL;
}

static bool is_date_value(const fhs_fp_item *value)
{
    return value->kind == FHS_ITEM_DATE || value->kind == FHS_ITEM_DATETIME;
}

static bool is_integral(const fhs_fp_item *value)
{
    return value->kind == FHS_ITEM_INTEGER || value->kind == FHS_ITEM_LONG;
}

/* ---- text without regard to case and kind of white space ---- */

static uint32_t normal_char(fhs_str text, size_t *at)
{
    uint32_t code = fhs_utf8_next(text, at);
    if (code == ' ' || (code >= '\t' && code <= '\r') || code == 0x85 || code == 0xA0 ||
        code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
        code == 0x202F || code == 0x205F || code == 0x3000) {
        return ' ';
    }
    return fhs_fp_lower(code);
}

static bool text_equivalent(fhs_str a, fhs_str b)
{
    size_t i = 0;
    size_t j = 0;
    while (i < a.len && j < b.len) {
        if (normal_char(a, &i) != normal_char(b, &j)) {
            return false;
        }
    }
    return i == a.len && j == b.len;
}

/* ---- numbers ---- */

static int number_order(const fhs_fp_item *a, const fhs_fp_item *b)
{
    if (is_integral(a) && is_integral(b)) {
        return a->integer < b->integer ? -1 : a->integer > b->integer;
    }
    fhs_decimal x;
    fhs_decimal y;
    fhs_fp_to_decimal(a, &x);
    fhs_fp_to_decimal(b, &y);
    return fhs_decimal_compare(&x, &y);
}

/* Digits behind the point that say something. */
static int32_t useful_scale(const fhs_decimal *value)
{
    fhs_decimal normal = fhs_decimal_normalise(*value);
    return normal.exponent < 0 ? -normal.exponent : 0;
}

static bool decimal_equivalent(const fhs_decimal *a, const fhs_decimal *b)
{
    int32_t scale_a = useful_scale(a);
    int32_t scale_b = useful_scale(b);
    int32_t scale = scale_a < scale_b ? scale_a : scale_b;
    fhs_decimal x;
    fhs_decimal y;
    return fhs_decimal_round(a, scale, FHS_ROUND_HALF_UP, &x) &&
           fhs_decimal_round(b, scale, FHS_ROUND_HALF_UP, &y) && fhs_decimal_compare(&x, &y) == 0;
}

/* ---- elements with children ---- */

static fhirstore_status same_json(fhs_fhirpath_run *run, const fhs_json *a, const fhs_json *b,
                                  bool exact, bool *out);

static bool same_scalar(const fhs_json *a, const fhs_json *b, bool exact)
{
    if (a->type == FHS_JSON_STRING) {
        return exact ? fhs_str_eq(a->text, b->text) : text_equivalent(a->text, b->text);
    }
    if (a->type == FHS_JSON_NUMBER) {
        fhs_decimal x;
        fhs_decimal y;
        if (!fhs_decimal_parse(a->text, &x) || !fhs_decimal_parse(b->text, &y)) {
            return fhs_str_eq(a->text, b->text);
        }
        return exact ? fhs_decimal_compare(&x, &y) == 0 : decimal_equivalent(&x, &y);
    }
    return true;
}

/* Lists of the same items; in equivalence their order does not matter. */
static fhirstore_status same_list(fhs_fhirpath_run *run, const fhs_json *a, const fhs_json *b,
                                  bool exact, bool *out)
{
    for (uint32_t i = 0; i < a->count; i++) {
        bool found = false;
        for (uint32_t j = exact ? i : 0; j < b->count && !found; j++) {
            FHS_TRY(same_json(run, &a->items[i], &b->items[j], exact, &found));
            if (exact) {
                break;
            }
        }
        *out = found;
        if (!found) {
            return FHIRSTORE_OK;
        }
    }
    return FHIRSTORE_OK;
}

/* "id" of an element is part of it, but equivalence looks at what elements mean. */
static fhirstore_status same_object(fhs_fhirpath_run *run, const fhs_json *a, const fhs_json *b,
                                    bool exact, bool *out)
{
    for (uint32_t i = 0; i < a->count; i++) {
        const fhs_json *other = fhs_json_get(b, a->members[i].name);
        *out = false;
        if (other == NULL) {
            return FHIRSTORE_OK;
        }
        FHS_TRY(same_json(run, &a->members[i].value, other, exact, out));
        if (!*out) {
            return FHIRSTORE_OK;
        }
    }
    return FHIRSTORE_OK;
}

/* The depth of JSON bounds the recursion. */
static fhirstore_status same_json(fhs_fhirpath_run *run, const fhs_json *a, const fhs_json *b,
                                  bool exact, bool *out)
{
    FHS_TRY(fhs_fp_work(run, 1));
    *out = true;
    if (a == b) {
        return FHIRSTORE_OK;
    }
    *out = false;
    if (a->type != b->type) {
        return FHIRSTORE_OK;
    }
    if (a->type != FHS_JSON_ARRAY && a->type != FHS_JSON_OBJECT) {
        *out = same_scalar(a, b, exact);
        return FHIRSTORE_OK;
    }
    if (a->count != b->count) {
        return FHIRSTORE_OK;
    }
    *out = true;
    return a->type == FHS_JSON_ARRAY ? same_list(run, a, b, exact, out)
                                     : same_object(run, a, b, exact, out);
}

/* Both are nodes that have no System value. */
static fhirstore_status same_nodes(fhs_fhirpath_run *run, const fhs_fp_item *a,
                                   const fhs_fp_item *b, bool exact, int *out)
{
    *out = 0;
    if (a->kind != b->kind) {
        return FHIRSTORE_OK;
    }
    if (a->kind == FHS_ITEM_TYPE) {
        *out = fhs_str_eq(a->info->space, b->info->space) &&
               fhs_str_eq(a->info->name, b->info->name);
        return FHIRSTORE_OK;
    }
    bool same = a->node.json == b->node.json;
    if (a->node.json != NULL && b->node.json != NULL) {
        FHS_TRY(same_json(run, a->node.json, b->node.json, exact, &same));
    }
    if (same && a->node.sibling != NULL && b->node.sibling != NULL) {
        FHS_TRY(same_json(run, a->node.sibling, b->node.sibling, exact, &same));
    } else if (same) {
        same = a->node.sibling == b->node.sibling;
    }
    *out = same;
    return FHIRSTORE_OK;
}

/* ---- single items ---- */

static int equal_dates(const fhs_fp_item *a, const fhs_fp_item *b)
{
    bool known = false;
    int order = fhs_fp_date_order(a->date, b->date, &known);
    return known ? order == 0 : -1;
}

static int equal_quantities(const fhs_fp_item *a, const fhs_fp_item *b)
{
    fhs_fp_quantity x;
    fhs_fp_quantity y;
    bool known = false;
    if (!fhs_fp_to_quantity(a, &x) || !fhs_fp_to_quantity(b, &y)) {
        return 0;
    }
    int order = fhs_fp_quantity_order(&x, &y, &known);
    return known ? order == 0 : -1;
}

/* Two System values (or nodes without one). */
static fhirstore_status equal_values(fhs_fhirpath_run *run, const fhs_fp_item *a,
                                     const fhs_fp_item *b, int *out)
{
    if (a->kind == FHS_ITEM_STRING && b->kind == FHS_ITEM_STRING) {
        *out = fhs_str_eq(a->text, b->text);
    } else if (a->kind == FHS_ITEM_BOOLEAN && b->kind == FHS_ITEM_BOOLEAN) {
        *out = a->boolean == b->boolean;
    } else if (is_number(a) && is_number(b)) {
        *out = number_order(a, b) == 0;
    } else if ((is_date_value(a) && is_date_value(b)) ||
               (a->kind == FHS_ITEM_TIME && b->kind == FHS_ITEM_TIME)) {
        *out = equal_dates(a, b);
    } else if (a->kind == FHS_ITEM_QUANTITY || b->kind == FHS_ITEM_QUANTITY) {
        *out = equal_quantities(a, b);
    } else {
        return same_nodes(run, a, b, true, out);
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_fp_equal(fhs_fhirpath_run *run, const fhs_fp_item *a, const fhs_fp_item *b,
                              int *out)
{
    FHS_TRY(fhs_fp_work(run, 1));
    if (a->kind == FHS_ITEM_NODE && b->kind == FHS_ITEM_NODE && a->node.json == b->node.json &&
        a->node.sibling == b->node.sibling) {
        *out = 1;
        return FHIRSTORE_OK;
    }
    fhs_fp_item x;
    fhs_fp_item y;
    FHS_TRY(fhs_fp_value(run, a, &x));
    FHS_TRY(fhs_fp_value(run, b, &y));
    return equal_values(run, &x, &y, out);
}

fhirstore_status fhs_fp_equivalent(fhs_fhirpath_run *run, const fhs_fp_item *a,
                                   const fhs_fp_item *b, int *out)
{
    fhs_fp_item x;
    fhs_fp_item y;
    FHS_TRY(fhs_fp_work(run, 1));
    FHS_TRY(fhs_fp_value(run, a, &x));
    FHS_TRY(fhs_fp_value(run, b, &y));
    fhs_decimal p;
    fhs_decimal q;
    fhs_fp_quantity v;
    fhs_fp_quantity w;
    if (x.kind == FHS_ITEM_STRING && y.kind == FHS_ITEM_STRING) {
        *out = text_equivalent(x.text, y.text);
    } else if (fhs_fp_to_decimal(&x, &p) && fhs_fp_to_decimal(&y, &q)) {
        *out = decimal_equivalent(&p, &q);
    } else if ((x.kind == FHS_ITEM_QUANTITY || y.kind == FHS_ITEM_QUANTITY) &&
               fhs_fp_to_quantity(&x, &v) && fhs_fp_to_quantity(&y, &w)) {
        *out = fhs_fp_quantity_equivalent(&v, &w);
    } else if ((is_date_value(&x) && is_date_value(&y)) ||
               (x.kind == FHS_ITEM_TIME && y.kind == FHS_ITEM_TIME)) {
        *out = fhs_fp_date_same_precision(x.date, y.date) && equal_dates(&x, &y) == 1;
    } else if (x.kind == FHS_ITEM_BOOLEAN && y.kind == FHS_ITEM_BOOLEAN) {
        *out = x.boolean == y.boolean;
    } else {
        return same_nodes(run, &x, &y, false, out);
    }
    return FHIRSTORE_OK;
}

/* ---- collections ---- */

fhirstore_status fhs_fp_equal_ranges(fhs_fhirpath_run *run, uint32_t a, uint32_t b, int *out)
{
    uint32_t count = b - a;
    *out = -1;
    if (count == 0 || run->top == b) {
        return FHIRSTORE_OK;
    }
    *out = 0;
    if (run->top - b != count) {
        return FHIRSTORE_OK;
    }
    int result = 1;
    for (uint32_t i = 0; i < count; i++) {
        int answer = 0;
        FHS_TRY(fhs_fp_equal(run, &run->stack[a + i], &run->stack[b + i], &answer));
        if (answer == 0) {
            return FHIRSTORE_OK;
        }
        result = answer < 0 ? -1 : result;
    }
    *out = result;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_fp_equivalent_ranges(fhs_fhirpath_run *run, uint32_t a, uint32_t b, int *out)
{
    uint32_t count = b - a;
    *out = 0;
    if (run->top - b != count) {
        return FHIRSTORE_OK;
    }
    /* Pair each item with one on the other side; what is paired moves out of the way. */
    uint32_t left = count;
    for (uint32_t i = 0; i < count; i++) {
        bool found = false;
        for (uint32_t j = 0; j < left && !found; j++) {
            int answer = 0;
            FHS_TRY(fhs_fp_equivalent(run, &run->stack[a + i], &run->stack[b + j], &answer));
            if (count == 1 && answer < 0) {
                *out = -1;
                return FHIRSTORE_OK;
            }
            if (answer == 1) {
                found = true;
                run->stack[b + j] = run->stack[b + --left];
            }
        }
        if (!found) {
            return FHIRSTORE_OK;
        }
    }
    *out = 1;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_fp_contains(fhs_fhirpath_run *run, uint32_t from, uint32_t to,
                                 const fhs_fp_item *item, bool *out)
{
    *out = false;
    for (uint32_t i = from; i < to && !*out; i++) {
        int answer = 0;
        FHS_TRY(fhs_fp_equal(run, &run->stack[i], item, &answer));
        *out = answer == 1;
    }
    return FHIRSTORE_OK;
}

/* ---- order ---- */

fhirstore_status fhs_fp_order(fhs_fhirpath_run *run, const fhs_fp_step *op, const fhs_fp_item *a,
                              const fhs_fp_item *b, int *out, bool *known)
{
    *known = true;
    if (is_number(a) && is_number(b)) {
        *out = number_order(a, b);
        return FHIRSTORE_OK;
    }
    if (a->kind == FHS_ITEM_STRING && b->kind == FHS_ITEM_STRING) {
        *out = fhs_str_compare(a->text, b->text);
        return FHIRSTORE_OK;
    }
    if ((is_date_value(a) && is_date_value(b)) ||
        (a->kind == FHS_ITEM_TIME && b->kind == FHS_ITEM_TIME)) {
        *out = fhs_fp_date_order(a->date, b->date, known);
        return FHIRSTORE_OK;
    }
    fhs_fp_quantity x;
    fhs_fp_quantity y;
    if ((a->kind == FHS_ITEM_QUANTITY || b->kind == FHS_ITEM_QUANTITY) &&
        fhs_fp_to_quantity(a, &x) && fhs_fp_to_quantity(b, &y)) {
        *out = fhs_fp_quantity_order(&x, &y, known);
        return FHIRSTORE_OK;
    }
    /* A primitive that has extensions only has nothing to compare. */
    if ((a->kind == FHS_ITEM_NODE && a->node.json == NULL) ||
        (b->kind == FHS_ITEM_NODE && b->node.json == NULL)) {
        *known = false;
        return FHIRSTORE_OK;
    }
    return fhs_fp_fail(run, op, "these types have no order");
}
