/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second opinion: a query judged on extracted entries by looking at every resource. It knows
 * no rows, no keys, no numbers of the store, and is written for plainness only.
 */
#ifndef FHS_TEST_SEARCH_NAIVE_H
#define FHS_TEST_SEARCH_NAIVE_H

#include "base/fold.h"
#include "store.h"
#include "units/units.h"

typedef struct naive_resource {
    fhs_type type;
    fhs_str id;
    fhs_entries entries;
    bool is_deleted;
} naive_resource;

typedef struct naive_world {
    const fhs_fhir *fhir;
    naive_resource *items;
    size_t count;
} naive_world;

static bool naive_holds(const naive_world *world, const naive_resource *resource,
                        const fhs_node *node);

static fhs_str folded_text(fhs_str text, fhs_buf *buf)
{
    fhs_buf_reset(buf);
    fhs_fold(text, buf);
    return fhs_buf_str(buf);
}

static bool naive_token(const naive_world *world, const fhs_entry *entry, const fhs_value *value)
{
    if (value->has_system && !fhs_str_eq(entry->system, value->system)) {
        return false;
    }
    if (!value->has_code) {
        return true;
    }
    return fhs_system_is_case_sensitive(world->fhir, entry->system)
               ? fhs_str_eq(entry->code, value->code)
               : fhs_str_eq_ascii_case(entry->code, value->code);
}

static bool naive_string(const fhs_entry *entry, const fhs_value *value, fhs_modifier modifier)
{
    fhs_buf a = FHS_BUF_INIT((size_t)1 << 20);
    fhs_buf b = FHS_BUF_INIT((size_t)1 << 20);
    fhs_str text = folded_text(entry->text, &a);
    fhs_str wanted = folded_text(value->text, &b);
    bool yes = modifier == FHS_MOD_EXACT      ? fhs_str_eq(entry->text, value->text)
               : modifier == FHS_MOD_CONTAINS ? fhs_str_find(text, wanted) <= text.len
                                              : fhs_str_starts_with(text, wanted);
    fhs_buf_clear(&a);
    fhs_buf_clear(&b);
    return yes;
}

static bool naive_date(int64_t lo, int64_t hi, const fhs_value *value)
{
    bool within = lo >= value->lo && hi <= value->hi;
    switch (value->compare) {
    case FHS_CMP_EQ:
        return within;
    case FHS_CMP_NE:
        return !within;
    case FHS_CMP_GT:
        return hi > value->hi;
    case FHS_CMP_LT:
        return lo < value->lo;
    case FHS_CMP_GE:
        return hi > value->hi || within;
    case FHS_CMP_LE:
        return lo < value->lo || within;
    case FHS_CMP_SA:
        return lo > value->hi;
    case FHS_CMP_EB:
        return hi < value->lo;
    case FHS_CMP_AP:
        return lo <= value->hi && hi >= value->lo;
    }
    return false;
}

/* Where the two ends of an entry lie, seen from @a at: -1 below, 0 at it, 1 above. */
static int low_end(const fhs_entry *entry, const fhs_decimal *at)
{
    int order = entry->no_low ? -1 : fhs_decimal_compare(&entry->low, at);
    return order == 0 && entry->is_interval && entry->open_low ? 1 : order;
}

static int high_end(const fhs_entry *entry, const fhs_decimal *at)
{
    if (!entry->is_interval) {
        return fhs_decimal_compare(&entry->low, at);
    }
    int order = entry->no_high ? 1 : fhs_decimal_compare(&entry->high, at);
    return order == 0 && entry->open_high ? -1 : order;
}

static bool naive_number(const fhs_entry *entry, const fhs_value *value, const fhs_decimal *number,
                         const fhs_decimal *low, const fhs_decimal *high)
{
    bool within = low_end(entry, low) >= 0 && high_end(entry, high) < 0;
    switch (value->compare) {
    case FHS_CMP_EQ:
        return within;
    case FHS_CMP_NE:
        return !within;
    case FHS_CMP_GT:
        return high_end(entry, number) > 0;
    case FHS_CMP_LT:
        return low_end(entry, number) < 0;
    case FHS_CMP_GE:
        return high_end(entry, number) >= 0;
    case FHS_CMP_LE:
        return low_end(entry, number) <= 0;
    case FHS_CMP_SA:
        return low_end(entry, number) > 0;
    case FHS_CMP_EB:
        return high_end(entry, number) < 0;
    case FHS_CMP_AP:
        return low_end(entry, high) <= 0 && high_end(entry, low) >= 0;
    }
    return false;
}

/* Compare in the entry's own unit: the search value is converted to it. */
static bool naive_quantity(const fhs_entry *entry, const fhs_value *value)
{
    const fhs_str ucum = FHS_LIT("http://unitsofmeasure.org");
    fhs_decimal number = value->number;
    fhs_decimal low = value->low;
    fhs_decimal high = value->high;
    if (entry->is_canonical) {
        return false;
    }
    bool by_unit = (!value->has_system || fhs_str_eq(entry->system, value->system)) &&
                   (!value->has_code || fhs_str_eq(entry->code, value->code) ||
                    (!value->has_system && fhs_str_eq(entry->unit, value->code)));
    if (!by_unit) {
        if (!value->has_code || !fhs_str_eq(value->system, ucum) ||
            !fhs_str_eq(entry->system, ucum) ||
            fhs_unit_convert(&number, value->code, entry->code, &number, NULL) != FHIRSTORE_OK ||
            fhs_unit_convert(&low, value->code, entry->code, &low, NULL) != FHIRSTORE_OK ||
            fhs_unit_convert(&high, value->code, entry->code, &high, NULL) != FHIRSTORE_OK) {
            return false;
        }
    }
    return naive_number(entry, value, &number, &low, &high);
}

static bool naive_reference(const naive_world *world, const fhs_entry *entry,
                            const fhs_value *value)
{
    (void)world;
    if (value->ref_version.len > 0 && !fhs_str_eq(value->ref_version, entry->ref_version)) {
        return false;
    }
    if (value->is_url) {
        return !entry->ref_local && fhs_str_eq(entry->ref_url, value->ref_id);
    }
    if (!entry->ref_local) {
        return value->ref_type == FHS_TYPE_NONE && fhs_str_eq(entry->ref_url, value->ref_id);
    }
    return fhs_str_eq(entry->ref_id, value->ref_id) &&
           (value->ref_type == FHS_TYPE_NONE || value->ref_type == entry->ref_type);
}

static bool naive_uri_below(fhs_str lower, fhs_str upper)
{
    return fhs_str_eq(lower, upper) ||
           (fhs_str_starts_with(upper, lower) &&
            (lower.ptr[lower.len - 1] == '/' || upper.ptr[lower.len] == '/'));
}

static bool naive_value(const naive_world *world, const fhs_node *node, const fhs_entry *entry,
                        const fhs_value *value)
{
    switch ((fhs_row_kind)entry->kind) {
    case FHS_ROW_TOKEN:
        return (node->param_type == FHS_SP_TOKEN || node->modifier == FHS_MOD_IDENTIFIER) &&
               naive_token(world, entry, value);
    case FHS_ROW_STRING:
        return naive_string(entry, value, node->modifier);
    case FHS_ROW_DATE:
        return naive_date(entry->lo, entry->end, value);
    case FHS_ROW_NUMBER:
        return naive_number(entry, value, &value->number, &value->low, &value->high);
    case FHS_ROW_QUANTITY:
        return naive_quantity(entry, value);
    case FHS_ROW_REFERENCE:
        return node->modifier != FHS_MOD_IDENTIFIER && naive_reference(world, entry, value);
    case FHS_ROW_URI:
        return node->modifier == FHS_MOD_BELOW   ? naive_uri_below(value->text, entry->text)
               : node->modifier == FHS_MOD_ABOVE ? naive_uri_below(entry->text, value->text)
                                                 : fhs_str_eq(entry->text, value->text);
    default:
        return false;
    }
}

static bool naive_leaf(const naive_world *world, const naive_resource *resource,
                       const fhs_node *node)
{
    bool is_there = false;
    for (size_t i = 0; i < resource->entries.count; i++) {
        const fhs_entry *entry = &resource->entries.items[i];
        if (entry->param != node->param) {
            continue;
        }
        is_there = true;
        for (size_t v = 0; node->modifier != FHS_MOD_MISSING && v < node->value_count; v++) {
            if (naive_value(world, node, entry, &node->values[v])) {
                return true;
            }
        }
    }
    return node->modifier == FHS_MOD_MISSING && is_there != node->missing;
}

/* Whether @a from refers to @a to by the parameter. */
static bool naive_refers(const naive_resource *from, fhs_sparam param, const naive_resource *to)
{
    for (size_t i = 0; i < from->entries.count; i++) {
        const fhs_entry *entry = &from->entries.items[i];
        if (entry->param == param && entry->kind == FHS_ROW_REFERENCE && entry->ref_local &&
            entry->ref_type == to->type && fhs_str_eq(entry->ref_id, to->id)) {
            return true;
        }
    }
    return false;
}

static bool naive_link(const naive_world *world, const naive_resource *resource,
                       const fhs_node *node)
{
    for (size_t i = 0; i < world->count; i++) {
        const naive_resource *other = &world->items[i];
        bool linked = node->kind == FHS_NODE_CHAIN ? naive_refers(resource, node->param, other)
                                                   : naive_refers(other, node->param, resource);
        if (other->type == node->target && !other->is_deleted && linked &&
            naive_holds(world, other, node->children[0])) {
            return true;
        }
    }
    return false;
}

static bool naive_id(const naive_resource *resource, const fhs_node *node)
{
    for (size_t i = 0; i < node->value_count; i++) {
        if (fhs_str_eq(resource->id, node->values[i].text)) {
            return true;
        }
    }
    return false;
}

static bool naive_holds(const naive_world *world, const naive_resource *resource,
                        const fhs_node *node)
{
    switch (node->kind) {
    case FHS_NODE_AND:
        for (size_t i = 0; i < node->child_count; i++) {
            if (!naive_holds(world, resource, node->children[i])) {
                return false;
            }
        }
        return true;
    case FHS_NODE_OR:
        for (size_t i = 0; i < node->child_count; i++) {
            if (naive_holds(world, resource, node->children[i])) {
                return true;
            }
        }
        return false;
    case FHS_NODE_NOT:
        return !naive_holds(world, resource, node->children[0]);
    case FHS_NODE_LEAF:
        return naive_leaf(world, resource, node);
    case FHS_NODE_CHAIN:
    case FHS_NODE_HAS:
        return naive_link(world, resource, node);
    case FHS_NODE_ID:
        return naive_id(resource, node);
    case FHS_NODE_FULLTEXT:
    case FHS_NODE_UPDATED:
    case FHS_NODE_MEMBER: /* no query of the test has them */
    case FHS_NODE_CONTAINED:
    case FHS_NODE_TRUE:
        break;
    }
    return true;
}

#endif
