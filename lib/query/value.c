/* SPDX-License-Identifier: Apache-2.0 */
/* Values: escapes, prefixes, tokens, dates, numbers, quantities, references, composites. */
#include "query/query_internal.h"

#include "base/instant.h"
#include "base/limits.h"

bool fhs_query_split(fhs_str text, char c, fhs_str *head_out, fhs_str *tail_out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\') {
            i++;
        } else if (text.ptr[i] == c) {
            *head_out = fhs_str_of(text.ptr, i);
            *tail_out = fhs_str_from(text, i + 1);
            return true;
        }
    }
    *head_out = text;
    *tail_out = FHS_STR_NONE;
    return false;
}

fhs_str fhs_query_unescape(fhs_arena *arena, fhs_str text)
{
    if (text.len == 0) {
        return FHS_LIT("");
    }
    if (fhs_str_find_char(text, '\\', 0) == text.len) {
        return text;
    }
    char *out = fhs_arena_alloc(arena, text.len);
    size_t len = 0;
    if (out == NULL) {
        return FHS_STR_NONE;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        /* Before any other character a backslash stands for itself. */
        if (c == '\\' && i + 1 < text.len && strchr("\\,|$", text.ptr[i + 1]) != NULL &&
            text.ptr[i + 1] != '\0') {
            c = text.ptr[++i];
        }
        out[len++] = c;
    }
    return fhs_str_of(out, len);
}

fhirstore_status fhs_query_value_text(fhs_query_parser *parser, fhs_str raw, fhs_str *out)
{
    *out = fhs_query_unescape(parser->arena, raw);
    return out->ptr == NULL ? fhs_fail_memory(parser->err) : FHIRSTORE_OK;
}

/* "ge2020": the prefix goes to *compare and off *text. False: letters that are no prefix. */
static bool cut_prefix(fhs_str *text, fhs_compare *compare)
{
    static const char names[][3] = {"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"};
    *compare = FHS_CMP_EQ;
    char first = text->len > 0 ? fhs_ascii_lower(text->ptr[0]) : '0';
    if (first < 'a' || first > 'z') {
        return true;
    }
    for (size_t i = 0; i < FHS_COUNT_OF(names); i++) {
        if (fhs_str_starts_with(*text, fhs_str_of(names[i], 2))) {
            *compare = (fhs_compare)i;
            *text = fhs_str_from(*text, 2);
            return true;
        }
    }
    return false;
}

static fhirstore_status read_token_value(fhs_query_parser *parser, fhs_str raw, fhs_value *value)
{
    fhs_str head;
    fhs_str tail;
    fhs_str code = raw;
    if (fhs_query_split(raw, '|', &head, &tail)) {
        value->has_system = true;
        fhirstore_status status = fhs_query_value_text(parser, head, &value->system);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        code = tail;
    }
    value->has_code = code.len > 0;
    if (!value->has_code && value->system.len == 0) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "expects code, system|code, |code or system|");
    }
    return fhs_query_value_text(parser, code, &value->code);
}

/* Above and below is what a code is, not what a system is. */
static fhirstore_status read_code_value(fhs_query_parser *parser, const fhs_node *leaf, fhs_str raw,
                                        fhs_value *value)
{
    fhirstore_status status = read_token_value(parser, raw, value);
    if (status == FHIRSTORE_OK &&
        (leaf->modifier == FHS_MOD_ABOVE || leaf->modifier == FHS_MOD_BELOW) &&
        (!value->has_code || (value->has_system && value->system.len == 0))) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "has the modifier :above or :below, which expects system|code or "
                              "code");
    }
    return status;
}

/* A '+' that a client forgot to encode arrives as a blank. */
static fhs_str mend_zone(fhs_query_parser *parser, fhs_str text)
{
    size_t blank = fhs_str_find_char(text, ' ', 0);
    if (blank == text.len) {
        return text;
    }
    char *bytes = fhs_arena_alloc(parser->arena, text.len);
    if (bytes == NULL) {
        return text;
    }
    memcpy(bytes, text.ptr, text.len);
    bytes[blank] = '+';
    return fhs_str_of(bytes, text.len);
}

/* Ticks moved by @a by without leaving int64. */
static int64_t shift_ticks(int64_t ticks, int64_t by)
{
    if (by > 0 && ticks > FHS_TICK_MAX - by) {
        return FHS_TICK_MAX;
    }
    if (by < 0 && ticks < FHS_TICK_MIN - by) {
        return FHS_TICK_MIN;
    }
    return ticks + by;
}

static fhirstore_status read_date_operand(fhs_query_parser *parser, fhs_str text, fhs_value *value)
{
    fhs_date date;
    const unsigned forms = FHS_DATE_FORM_DATE | FHS_DATE_FORM_DATETIME | FHS_DATE_FORM_INSTANT |
                           FHS_DATE_FORM_SEARCH;
    if (!cut_prefix(&text, &value->compare)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "has a bad prefix; expected eq, ne, gt, lt, ge, le, sa, eb or ap");
    }
    if (!fhs_date_parse(mend_zone(parser, text), forms, &date)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "expects a date that exists: YYYY, YYYY-MM, YYYY-MM-DD or "
                              "YYYY-MM-DDThh:mm[:ss[.fff]][zone]");
    }
    fhs_date_interval(&date, parser->options->default_zone_minutes, &value->lo, &value->hi);
    if (value->compare == FHS_CMP_AP) {
        int64_t gap = fhs_ticks_from_us(parser->options->now_us) - value->lo;
        int64_t tenth = (gap < 0 ? -gap : gap) / 10;
        value->lo = shift_ticks(value->lo, -tenth);
        value->hi = shift_ticks(value->hi, tenth);
    }
    return FHIRSTORE_OK;
}

/* 10 % on both sides, exactly. */
static bool approximate_range(fhs_value *value)
{
    fhs_decimal tenth = value->number;
    tenth.negative = false;
    tenth.exponent--;
    return fhs_decimal_sub(&value->number, &tenth, &value->low) &&
           fhs_decimal_add(&value->number, &tenth, &value->high);
}

/*
 * What eq and ne mean by a number: half a unit of the last digit written. "1e2" shows one digit,
 * but R4 says 95 … 105 of it, so a single digit with a positive exponent counts as two: "1.0e2".
 */
static bool implied_range(fhs_value *value)
{
    fhs_decimal written = value->number;
    if (written.exponent > 0 && written.limb_count == 1 && written.limbs[0] < 10) {
        written.limbs[0] *= 10;
        written.exponent--;
    }
    return fhs_decimal_precision_range(&written, &value->low, &value->high);
}

static fhirstore_status read_number_value(fhs_query_parser *parser, fhs_str text, fhs_value *value)
{
    bool fits = true;
    if (!cut_prefix(&text, &value->compare)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "has a bad prefix; expected eq, ne, gt, lt, ge, le, sa, eb or ap");
    }
    if (!fhs_decimal_parse(text, &value->number)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "expects a decimal number, such as 5.4, -0.10 or 1e2");
    }
    if (value->compare == FHS_CMP_EQ || value->compare == FHS_CMP_NE) {
        fits = implied_range(value);
    } else if (value->compare == FHS_CMP_AP) {
        fits = approximate_range(value);
    }
    return fits ? FHIRSTORE_OK
                : fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                                 "expects a number of fewer digits");
}

static fhirstore_status read_quantity_value(fhs_query_parser *parser, fhs_str raw, fhs_value *value)
{
    fhs_str number;
    fhs_str rest;
    fhs_str system;
    fhs_str code;
    fhs_str more;
    bool has_unit = fhs_query_split(raw, '|', &number, &rest);
    /* number|system stands for number|system|: R4 does not name it, other servers take it. */
    if (has_unit && !fhs_query_split(rest, '|', &system, &code)) {
        system = rest;
        code = FHS_STR_NONE;
    }
    if (has_unit && fhs_query_split(code, '|', &code, &more)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "expects number, number|system|code or number||unit");
    }
    fhirstore_status status = read_number_value(parser, number, value);
    if (status != FHIRSTORE_OK || !has_unit) {
        return status;
    }
    value->has_system = system.len > 0;
    value->has_code = code.len > 0;
    status = fhs_query_value_text(parser, system, &value->system);
    return status == FHIRSTORE_OK ? fhs_query_value_text(parser, code, &value->code) : status;
}

/* "system|code|value": the type of an identifier, and the identifier. */
static fhirstore_status read_of_type_value(fhs_query_parser *parser, fhs_str raw, fhs_value *value)
{
    fhs_str system;
    fhs_str code;
    fhs_str number;
    if (!fhs_query_split(raw, '|', &system, &code) || !fhs_query_split(code, '|', &code, &number) ||
        system.len == 0 || code.len == 0 || number.len == 0) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "has the modifier :of-type, which expects system|code|value");
    }
    fhs_value *parts = fhs_arena_calloc(parser->arena, 2, sizeof(*parts));
    if (parts == NULL) {
        return fhs_fail_memory(parser->err);
    }
    value->parts = parts;
    value->part_count = 2;
    parts[0].has_system = true;
    parts[0].has_code = true;
    parts[1].has_code = true;
    fhirstore_status status = fhs_query_value_text(parser, system, &parts[0].system);
    if (status == FHIRSTORE_OK) {
        status = fhs_query_value_text(parser, code, &parts[0].code);
    }
    return status == FHIRSTORE_OK ? fhs_query_value_text(parser, number, &parts[1].code) : status;
}

static fhirstore_status read_fulltext_value(fhs_query_parser *parser, const fhs_node *leaf,
                                            fhs_str raw, fhs_value *value)
{
    bool is_plain = leaf->kind == FHS_NODE_LEAF && leaf->modifier != FHS_MOD_TEXT_ADVANCED &&
                    leaf->param_type != FHS_SP_STRING;
    fhirstore_status status = fhs_query_value_text(parser, raw, &value->text);
    parser->has_fulltext = true;
    return status == FHIRSTORE_OK
               ? fhs_query_fulltext(parser, value->text, is_plain, &value->fulltext)
               : status;
}

static fhirstore_status read_composite_value(fhs_query_parser *parser, const fhs_node *leaf,
                                             fhs_str raw, fhs_value *value);

fhirstore_status fhs_query_any_value(fhs_query_parser *parser, const fhs_node *leaf,
                                     fhs_sparam_type type, fhs_str raw, fhs_value *value)
{
    value->ref_type = FHS_TYPE_NONE;
    value->text = raw;
    if (leaf->kind == FHS_NODE_FULLTEXT || fhs_leaf_is_textual(leaf)) {
        return read_fulltext_value(parser, leaf, raw, value);
    }
    switch (type) {
    case FHS_SP_TOKEN:
        if (leaf->modifier == FHS_MOD_IN || leaf->modifier == FHS_MOD_NOT_IN) {
            return fhs_query_value_text(parser, raw, &value->text);
        }
        return leaf->modifier == FHS_MOD_OF_TYPE ? read_of_type_value(parser, raw, value)
                                                 : read_code_value(parser, leaf, raw, value);
    case FHS_SP_DATE:
        return read_date_operand(parser, raw, value);
    case FHS_SP_NUMBER:
        return read_number_value(parser, raw, value);
    case FHS_SP_QUANTITY:
        return read_quantity_value(parser, raw, value);
    case FHS_SP_REFERENCE:
        return leaf->modifier == FHS_MOD_IDENTIFIER
                   ? read_token_value(parser, raw, value)
                   : fhs_query_reference_value(parser, leaf, raw, value);
    case FHS_SP_COMPOSITE:
        return read_composite_value(parser, leaf, raw, value);
    case FHS_SP_SPECIAL:
        return fhs_query_near(parser, raw, value);
    case FHS_SP_STRING:
    case FHS_SP_URI:
        break;
    }
    return fhs_query_value_text(parser, raw, &value->text);
}

/* "a$b": one part a component. Components are never composites themselves. */
static fhirstore_status read_composite_value(fhs_query_parser *parser, const fhs_node *leaf,
                                             fhs_str raw, fhs_value *value)
{
    const fhs_fhir *fhir = parser->options->fhir;
    fhs_sparam_def def = fhs_sparam_get(fhir, leaf->param);
    value->part_count = def.component_count;
    value->parts = fhs_arena_calloc(parser->arena, def.component_count, sizeof(*value->parts));
    if (value->parts == NULL) {
        return fhs_fail_memory(parser->err);
    }
    for (size_t i = 0; i < def.component_count; i++) {
        fhs_str part;
        bool more = fhs_query_split(raw, '$', &part, &raw);
        fhs_sparam_def component = fhs_sparam_get(fhir, def.components[i].param);
        if (more != (i + 1 < def.component_count) || part.len == 0 ||
            component.type == FHS_SP_COMPOSITE) {
            return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                                  "expects its components separated by $");
        }
        fhirstore_status status = fhs_query_any_value(parser, leaf, (fhs_sparam_type)component.type,
                                                      part, &value->parts[i]);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status read_missing_value(fhs_query_parser *parser, fhs_node *leaf, fhs_str text)
{
    leaf->missing = fhs_str_eq(text, FHS_LIT("true"));
    if (!leaf->missing && !fhs_str_eq(text, FHS_LIT("false"))) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "has the modifier :missing, which expects true or false");
    }
    return FHIRSTORE_OK;
}

size_t fhs_query_count_items(fhs_str text)
{
    size_t count = 0;
    bool more = true;
    while (more) {
        fhs_str item;
        more = fhs_query_split(text, ',', &item, &text);
        count += item.len > 0 ? 1 : 0;
    }
    return count;
}

fhirstore_status fhs_query_new_values(fhs_query_parser *parser, size_t count)
{
    if (count == 0) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE, "has no value");
    }
    if (count > parser->values_left) {
        return fhs_query_fail_limit(parser, FHS_LIMIT_QUERY_VALUES,
                                    "values in a search (FHS_LIMIT_QUERY_VALUES)");
    }
    parser->values_left -= count;
    return FHIRSTORE_OK;
}

/*
 * FHIR publishes DocumentReference-relationship with each component's expression beside the other's
 * definition, so some write target$code and some code$target. Both are understood.
 */
static bool has_either_order(const fhs_query_parser *parser, const fhs_node *leaf)
{
    const fhs_str url = FHS_LIT(
        "http://hl7.org/fhir/SearchParameter/DocumentReference-relationship");
    return leaf->param_type == FHS_SP_COMPOSITE &&
           fhs_str_eq(fhs_sparam_get(parser->options->fhir, leaf->param).url, url);
}

static fhirstore_status read_turned_value(fhs_query_parser *parser, fhs_node *leaf, fhs_str raw)
{
    fhs_str first;
    fhs_str second;
    char *text = fhs_arena_alloc(parser->arena, raw.len);
    if (text == NULL) {
        return fhs_fail_memory(parser->err);
    }
    (void)fhs_query_split(raw, '$', &first, &second);
    memcpy(text, second.ptr, second.len);
    text[second.len] = '$';
    memcpy(text + second.len + 1, first.ptr, first.len);
    return fhs_query_any_value(parser, leaf, leaf->param_type, fhs_str_of(text, raw.len),
                               &leaf->values[leaf->value_count++]);
}

fhirstore_status fhs_query_values(fhs_query_parser *parser, fhs_node *leaf, fhs_str text)
{
    if (leaf->modifier == FHS_MOD_MISSING) {
        return read_missing_value(parser, leaf, text);
    }
    size_t count = fhs_query_count_items(text);
    fhirstore_status limited = fhs_query_new_values(parser, count);
    if (limited != FHIRSTORE_OK) {
        return limited;
    }
    bool turns = has_either_order(parser, leaf);
    leaf->values = fhs_arena_calloc(parser->arena, turns ? 2 * count : count,
                                    sizeof(*leaf->values));
    if (leaf->values == NULL) {
        return fhs_fail_memory(parser->err);
    }
    bool more = true;
    while (more) {
        fhs_str item;
        more = fhs_query_split(text, ',', &item, &text);
        if (item.len == 0) {
            continue;
        }
        fhirstore_status status = fhs_query_any_value(parser, leaf, leaf->param_type, item,
                                                      &leaf->values[leaf->value_count++]);
        if (status == FHIRSTORE_OK && turns) {
            status = read_turned_value(parser, leaf, item);
        }
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}
