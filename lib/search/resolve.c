/* SPDX-License-Identifier: Apache-2.0 */
/* Values: systems, units and references become numbers, texts are folded, numbers become keys. */
#include "base/fold.h"
#include "search/search_internal.h"
#include "units/units.h"

static const fhs_str ucum = FHS_LIT_INIT("http://unitsofmeasure.org");

uint8_t fhs_row_kind_of(fhs_sparam_type type)
{
    static const uint8_t kinds[] = {
        [FHS_SP_NUMBER] = FHS_ROW_NUMBER,       [FHS_SP_DATE] = FHS_ROW_DATE,
        [FHS_SP_STRING] = FHS_ROW_STRING,       [FHS_SP_TOKEN] = FHS_ROW_TOKEN,
        [FHS_SP_REFERENCE] = FHS_ROW_REFERENCE, [FHS_SP_COMPOSITE] = FHS_ROW_COMPOSITE,
        [FHS_SP_QUANTITY] = FHS_ROW_QUANTITY,   [FHS_SP_URI] = FHS_ROW_URI,
        [FHS_SP_SPECIAL] = FHS_ROW_POSITION,
    };
    return kinds[type];
}

/* The alternatives of one leaf while they are being found. */
typedef struct match_list {
    fhs_match *items;
    size_t count;
    size_t capacity;
} match_list;

static fhs_match *add_match(fhs_search *search, match_list *list, uint8_t kind)
{
    fhs_match *items = fhs_search_grow(search, list->items, list->count, &list->capacity,
                                       sizeof(*items));
    if (items == NULL) {
        return NULL;
    }
    list->items = items;
    items[list->count].kind = kind;
    return &items[list->count++];
}

static fhirstore_status fold_text(fhs_search *search, fhs_str text, bool ascii_only, fhs_str *out)
{
    fhs_buf_reset(&search->scratch);
    if (ascii_only) {
        fhs_fold_ascii(text, &search->scratch);
    } else {
        fhs_fold(text, &search->scratch);
    }
    if (fhs_buf_status(&search->scratch) != FHIRSTORE_OK) {
        return fhs_fail_plain(search->err, fhs_buf_status(&search->scratch));
    }
    *out = fhs_arena_dup(&search->arena, fhs_buf_str(&search->scratch));
    return out->ptr == NULL ? fhs_search_no_memory(search) : FHIRSTORE_OK;
}

bool fhs_has_letters(fhs_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = fhs_ascii_lower(text.ptr[i]);
        if (c >= 'a' && c <= 'z') {
            return true;
        }
    }
    return false;
}

static fhirstore_status resolve_code_set(fhs_search *search, const fhs_node *node,
                                         const fhs_value *value, match_list *list)
{
    const fhs_codes *codes = NULL;
    fhirstore_status status = fhs_resolve_codes(search, node, value, &codes);
    if (status != FHIRSTORE_OK || codes->count + codes->whole_count == 0) {
        return status;
    }
    fhs_match *match = add_match(search, list, FHS_ROW_TOKEN);
    if (match == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    match->codes = codes;
    return FHIRSTORE_OK;
}

/* As with targets: names that the store does not have are numbered for this search. */
fhirstore_status fhs_system_number(fhs_search *search, fhs_str system, int64_t *out)
{
    return search->is_containing ? fhs_uri_intern(search->conn, system, out, search->err)
                                 : fhs_uri_find(search->conn, system, out, search->err);
}

static fhirstore_status resolve_token(fhs_search *search, const fhs_node *node,
                                      const fhs_value *value, match_list *list)
{
    int64_t system = 0;
    if (node->modifier == FHS_MOD_IN || node->modifier == FHS_MOD_ABOVE ||
        node->modifier == FHS_MOD_BELOW) {
        return resolve_code_set(search, node, value, list);
    }
    if (value->has_system && value->system.len > 0) {
        fhirstore_status status = fhs_system_number(search, value->system, &system);
        if (status != FHIRSTORE_OK || (system == 0 && value->compare != FHS_CMP_NE)) {
            return status;
        }
        system = system == 0 ? -1 : system; /* no row's */
    }
    fhs_match *match = add_match(search, list, FHS_ROW_TOKEN);
    if (match == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    match->mode = node->modifier == FHS_MOD_CODE_TEXT || node->modifier == FHS_MOD_STARTS
                      ? FHS_TEXT_PREFIX
                  : node->modifier == FHS_MOD_CODE_PART ? FHS_TEXT_CONTAINS
                  : node->modifier == FHS_MOD_ENDS      ? FHS_TEXT_ENDS
                                                        : FHS_TEXT_EXACT;
    match->any_system = !value->has_system;
    match->system = system;
    match->any_code = !value->has_code;
    match->is_unequal = value->compare == FHS_CMP_NE;
    match->written = value->code;
    match->has_letters = match->mode == FHS_TEXT_EXACT && fhs_has_letters(value->code);
    return fold_text(search, value->code, true, &match->text);
}

static fhirstore_status combine_parts(fhs_search *search, const fhs_match *const *parts,
                                      const size_t *counts, size_t count, match_list *list)
{
    fhs_match *match = add_match(search, list, FHS_ROW_COMPOSITE);
    if (match == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    match->parts = parts;
    match->part_counts = counts;
    match->part_count = count;
    return FHIRSTORE_OK;
}

/* Type and value of an identifier are a composite of the same parameter. */
static fhirstore_status resolve_of_type(fhs_search *search, const fhs_node *node,
                                        const fhs_value *value, match_list *list)
{
    fhs_node plain = *node;
    plain.modifier = FHS_MOD_NONE;
    const fhs_match **parts = fhs_arena_calloc(&search->arena, 2, sizeof(const fhs_match *));
    size_t *counts = fhs_arena_calloc(&search->arena, 2, sizeof(*counts));
    if (parts == NULL || counts == NULL) {
        return fhs_search_no_memory(search);
    }
    for (size_t i = 0; i < 2; i++) {
        match_list part = {NULL, 0, 0};
        fhirstore_status status = resolve_token(search, &plain, &value->parts[i], &part);
        if (status != FHIRSTORE_OK || part.count == 0) {
            return status;
        }
        parts[i] = part.items;
        counts[i] = part.count;
    }
    return combine_parts(search, parts, counts, 2, list);
}

static fhirstore_status resolve_string(fhs_search *search, const fhs_node *node,
                                       const fhs_value *value, match_list *list)
{
    fhs_match *match = add_match(search, list, FHS_ROW_STRING);
    if (match == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    match->mode = node->modifier == FHS_MOD_EXACT      ? FHS_TEXT_EXACT
                  : node->modifier == FHS_MOD_CONTAINS ? FHS_TEXT_CONTAINS
                  : node->modifier == FHS_MOD_COMPARE  ? FHS_TEXT_COMPARE
                  : node->modifier == FHS_MOD_ENDS     ? FHS_TEXT_ENDS
                                                       : FHS_TEXT_PREFIX;
    match->compare = (uint8_t)value->compare;
    match->written = value->text;
    return fold_text(search, value->text, false, &match->text);
}

/* "url" also means "url|version", for canonical elements behind a uri parameter (_profile). */
static fhirstore_status add_versions_of(fhs_search *search, fhs_str uri, match_list *list)
{
    char *text = fhs_arena_alloc(&search->arena, uri.len + 1);
    fhs_match *match = add_match(search, list, FHS_ROW_URI);
    if (text == NULL || match == NULL) {
        return fhs_search_no_memory(search);
    }
    memcpy(text, uri.ptr, uri.len);
    text[uri.len] = '|';
    match->mode = FHS_TEXT_PREFIX;
    match->text = fhs_str_of(text, uri.len + 1);
    return FHIRSTORE_OK;
}

static fhirstore_status resolve_uri(fhs_search *search, const fhs_node *node,
                                    const fhs_value *value, match_list *list)
{
    fhs_match *match = add_match(search, list, FHS_ROW_URI);
    if (match == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    match->mode = node->modifier == FHS_MOD_CONTAINS ? FHS_TEXT_CONTAINS
                  : node->modifier == FHS_MOD_BELOW  ? FHS_TEXT_BELOW
                  : node->modifier == FHS_MOD_ABOVE  ? FHS_TEXT_ABOVE
                  : node->modifier == FHS_MOD_STARTS ? FHS_TEXT_PREFIX
                  : node->modifier == FHS_MOD_ENDS   ? FHS_TEXT_ENDS
                                                     : FHS_TEXT_EXACT;
    match->is_unequal = value->compare == FHS_CMP_NE;
    match->text = value->text;
    bool may_have_versions = match->mode == FHS_TEXT_EXACT && !match->is_unequal &&
                             value->text.len > 0 &&
                             fhs_str_find_char(value->text, '|', 0) == value->text.len;
    return may_have_versions ? add_versions_of(search, value->text, list) : FHIRSTORE_OK;
}

static fhirstore_status resolve_date(fhs_search *search, const fhs_value *value, match_list *list)
{
    fhs_match *match = add_match(search, list, FHS_ROW_DATE);
    if (match == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    match->compare = (uint8_t)value->compare;
    match->lo = value->lo;
    match->hi = value->hi;
    return FHIRSTORE_OK;
}

static fhirstore_status resolve_near(fhs_search *search, const fhs_value *value, match_list *list)
{
    fhs_match *match = add_match(search, list, FHS_ROW_POSITION);
    if (match == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    match->lo = value->lo;
    match->hi = value->hi;
    match->metres = value->metres;
    return FHIRSTORE_OK;
}

/* ---- numbers ---- */

static fhirstore_status make_key(fhs_search *search, const fhs_decimal *number, fhs_str *out)
{
    uint8_t bytes[FHS_DECIMAL_KEY_MAX];
    size_t len = fhs_decimal_sort_key(number, bytes);
    *out = fhs_arena_dup(&search->arena, fhs_str_of((const char *)bytes, len));
    return out->ptr == NULL ? fhs_search_no_memory(search) : FHIRSTORE_OK;
}

static bool has_range(fhs_compare compare)
{
    return compare == FHS_CMP_EQ || compare == FHS_CMP_NE || compare == FHS_CMP_AP;
}

static fhirstore_status make_keys(fhs_search *search, const fhs_value *value, fhs_match *match)
{
    match->compare = (uint8_t)value->compare;
    fhirstore_status status = make_key(search, &value->number, &match->key);
    if (status == FHIRSTORE_OK && has_range(value->compare)) {
        status = make_key(search, &value->low, &match->low_key);
    }
    if (status == FHIRSTORE_OK && has_range(value->compare)) {
        status = make_key(search, &value->high, &match->high_key);
    }
    return status;
}

static fhirstore_status resolve_number(fhs_search *search, const fhs_value *value, match_list *list)
{
    fhs_match *match = add_match(search, list, FHS_ROW_NUMBER);
    return match == NULL ? FHIRSTORE_ERR_NO_MEMORY : make_keys(search, value, match);
}

/* Which of the store's units a search means. */
typedef struct unit_search {
    fhs_search *search;
    const fhs_value *value;
    fhs_str canonical; /* code of the canonical rows; empty: units as they are written */
    int64_t *numbers;
    size_t count;
    size_t capacity;
    bool is_failed;
} unit_search;

static bool unit_is_meant(const unit_search *units, const fhs_unit_key *key)
{
    const fhs_value *value = units->value;
    if (units->canonical.len > 0) {
        return key->canonical && fhs_str_eq(key->code, units->canonical);
    }
    if (key->canonical || (value->has_system && !fhs_str_eq(key->system, value->system))) {
        return false;
    }
    return !value->has_code || fhs_str_eq(key->code, value->code) ||
           (!value->has_system && fhs_str_eq(key->unit, value->code));
}

static bool visit_unit(void *ctx, int64_t number, const fhs_unit_key *key)
{
    unit_search *units = ctx;
    if (!unit_is_meant(units, key)) {
        return true;
    }
    int64_t *numbers = fhs_search_grow(units->search, units->numbers, units->count,
                                       &units->capacity, sizeof(*numbers));
    if (numbers == NULL) {
        units->is_failed = true;
        return false;
    }
    units->numbers = numbers;
    numbers[units->count++] = number;
    return true;
}

static fhirstore_status add_units(fhs_search *search, const fhs_value *value, fhs_str canonical,
                                  match_list *list)
{
    unit_search units = {.search = search, .value = value, .canonical = canonical};
    fhirstore_status status = fhs_unit_each(search->conn, visit_unit, &units, search->err);
    if (status != FHIRSTORE_OK || units.is_failed) {
        return units.is_failed ? FHIRSTORE_ERR_NO_MEMORY : status;
    }
    if (units.count == 0 && !search->is_containing) {
        return FHIRSTORE_OK;
    }
    fhs_match *match = add_match(search, list, FHS_ROW_QUANTITY);
    fhs_value *kept = match == NULL ? NULL : fhs_arena_calloc(&search->arena, 1, sizeof(*kept));
    if (kept == NULL) {
        return fhs_search_no_memory(search);
    }
    *kept = *value;
    match->unit_value = kept;
    match->unit_code = canonical;
    match->any_unit = canonical.len == 0 && !value->has_system && !value->has_code;
    match->numbers = units.numbers;
    match->number_count = units.count;
    return make_keys(search, value, match);
}

typedef struct unit_wanted {
    unit_search units;
    int64_t number;
    bool is_meant;
} unit_wanted;

static bool visit_wanted_unit(void *ctx, int64_t number, const fhs_unit_key *key)
{
    unit_wanted *wanted = ctx;
    wanted->is_meant = number == wanted->number && unit_is_meant(&wanted->units, key);
    return number != wanted->number;
}

fhirstore_status fhs_unit_is_meant(fhs_search *search, const fhs_match *match, int64_t number,
                                   bool *yes_out)
{
    unit_wanted wanted = {.units = {.value = match->unit_value, .canonical = match->unit_code},
                          .number = number};
    fhirstore_status status = fhs_unit_each(search->conn, visit_wanted_unit, &wanted, search->err);
    *yes_out = wanted.is_meant;
    return status;
}

/* The same value in base units; false: the unit cannot be converted. */
static bool convert_value(fhs_search *search, const fhs_value *value, fhs_value *converted,
                          fhs_str *code)
{
    fhs_unit unit;
    *converted = *value;
    if (fhs_unit_parse(value->code, &unit, NULL) != FHIRSTORE_OK ||
        fhs_unit_scale(&value->number, &unit, &converted->number, NULL) != FHIRSTORE_OK) {
        return false;
    }
    if (has_range(value->compare) &&
        (fhs_unit_scale(&value->low, &unit, &converted->low, NULL) != FHIRSTORE_OK ||
         fhs_unit_scale(&value->high, &unit, &converted->high, NULL) != FHIRSTORE_OK)) {
        return false;
    }
    fhs_buf_reset(&search->scratch);
    fhs_unit_write_canonical(&unit, &search->scratch);
    *code = fhs_arena_dup(&search->arena, fhs_buf_str(&search->scratch));
    return fhs_buf_status(&search->scratch) == FHIRSTORE_OK && code->len > 0;
}

static fhirstore_status resolve_quantity(fhs_search *search, const fhs_value *value,
                                         match_list *list)
{
    fhs_value converted;
    fhs_str code;
    fhirstore_status status = add_units(search, value, FHS_STR_NONE, list);
    if (status == FHIRSTORE_OK && value->has_code && fhs_str_eq(value->system, ucum) &&
        convert_value(search, value, &converted, &code)) {
        status = add_units(search, &converted, code, list);
    }
    return status;
}

/* ---- references ---- */

static fhirstore_status add_target(fhs_search *search, int32_t type, fhs_str id, fhs_match *match,
                                   size_t *capacity)
{
    fhs_entity entity;
    /* What is contained may name what nothing else does. */
    fhirstore_status status = search->is_containing
                                  ? fhs_entity_intern(search->conn, type, id, &entity, search->err)
                                  : fhs_entity_find(search->conn, type, id, &entity, search->err);
    if (status != FHIRSTORE_OK || entity == 0) {
        return status;
    }
    int64_t *numbers = fhs_search_grow(search, (int64_t *)(uintptr_t)match->numbers,
                                       match->number_count, capacity, sizeof(*numbers));
    if (numbers == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    size_t at = match->number_count++;
    for (; at > 0 && numbers[at - 1] > entity; at--) {
        numbers[at] = numbers[at - 1];
    }
    numbers[at] = entity;
    match->numbers = numbers;
    return FHIRSTORE_OK;
}

/* A bare id may belong to any type that the parameter can refer to. */
static fhirstore_status add_any_target(fhs_search *search, fhs_sparam param, fhs_str id,
                                       fhs_match *match, size_t *capacity)
{
    const fhs_fhir *fhir = search->env.fhir;
    fhs_sparam_def def = fhs_sparam_get(fhir, param);
    size_t count = fhs_type_count(fhir);
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        bool is_target = def.target_count == 0;
        for (size_t t = 0; t < def.target_count && !is_target; t++) {
            is_target = fhs_type_is_a(fhir, (fhs_type)i, def.targets[t]);
        }
        int32_t type = is_target && fhs_type_is_resource(fhir, (fhs_type)i)
                           ? fhs_catalog_type(search->env.catalog, (fhs_type)i)
                           : 0;
        if (type != 0) {
            status = add_target(search, type, id, match, capacity);
        }
    }
    return status;
}

static bool is_tree_modifier(const fhs_node *node)
{
    return node->modifier == FHS_MOD_ABOVE || node->modifier == FHS_MOD_BELOW;
}

/* What :above and :below add to a value without a version, type by type. */
static fhirstore_status add_hierarchies(fhs_search *search, const fhs_node *node,
                                        const fhs_value *value, match_list *list)
{
    const fhs_fhir *fhir = search->env.fhir;
    fhs_sparam_def def = fhs_sparam_get(fhir, node->param);
    size_t count = fhs_type_count(fhir);
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        fhs_type type = (fhs_type)i;
        size_t capacity = 0;
        int32_t number = fhs_type_is_resource(fhir, type)
                             ? fhs_catalog_type(search->env.catalog, type)
                             : 0;
        bool is_meant = value->ref_type == FHS_TYPE_NONE ? fhs_query_may_target(fhir, &def, type)
                                                         : value->ref_type == type;
        fhs_sparam param = number == 0 || !is_meant
                               ? FHS_SPARAM_NONE
                               : fhs_query_hierarchy(fhir, node->type, node->param, type);
        if (param == FHS_SPARAM_NONE) {
            continue;
        }
        fhs_match *match = add_match(search, list, FHS_ROW_REFERENCE);
        if (match == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        status = add_target(search, number, value->ref_id, match, &capacity);
        if (status == FHIRSTORE_OK && match->number_count > 0) {
            status = fhs_resolve_hierarchy(search, type, param, node->modifier == FHS_MOD_ABOVE,
                                           match);
        }
        if (match->number_count == 0) {
            *match = (fhs_match){.kind = 0};
            list->count--;
        }
    }
    return status;
}

static fhirstore_status resolve_reference(fhs_search *search, const fhs_node *node,
                                          fhs_sparam param, const fhs_value *value,
                                          match_list *list)
{
    size_t capacity = 0;
    fhirstore_status status = FHIRSTORE_OK;
    fhs_match *match = add_match(search, list, FHS_ROW_REFERENCE);
    if (match == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    match->version = value->ref_version;
    match->has_version = value->ref_version.len > 0;
    match->version_mode = node->modifier == FHS_MOD_ABOVE   ? FHS_TEXT_ABOVE
                          : node->modifier == FHS_MOD_BELOW ? FHS_TEXT_BELOW
                                                            : FHS_TEXT_EXACT;
    match->is_unequal = value->compare == FHS_CMP_NE;
    if (value->ref_type != FHS_TYPE_NONE) {
        int32_t type = fhs_catalog_type(search->env.catalog, value->ref_type);
        status = type == 0 ? FHIRSTORE_OK
                           : add_target(search, type, value->ref_id, match, &capacity);
    } else {
        if (!value->is_url) {
            status = add_any_target(search, param, value->ref_id, match, &capacity);
        }
        if (status == FHIRSTORE_OK) {
            status = add_target(search, 0, value->ref_id, match, &capacity);
        }
    }
    if (match->number_count == 0 && !match->is_unequal) {
        list->count--;
        *match = (fhs_match){.kind = 0};
    }
    return status == FHIRSTORE_OK && is_tree_modifier(node) && value->ref_version.len == 0
               ? add_hierarchies(search, node, value, list)
               : status;
}

/* ---- composites ---- */

static fhirstore_status resolve_value(fhs_search *search, const fhs_node *node, fhs_sparam param,
                                      fhs_sparam_type type, const fhs_value *value,
                                      match_list *list);

static fhirstore_status resolve_composite(fhs_search *search, const fhs_node *node,
                                          const fhs_value *value, match_list *list)
{
    fhs_sparam_def def = fhs_sparam_get(search->env.fhir, node->param);
    const fhs_match **parts = fhs_arena_calloc(&search->arena, value->part_count,
                                               sizeof(const fhs_match *));
    size_t *counts = fhs_arena_calloc(&search->arena, value->part_count, sizeof(*counts));
    if (parts == NULL || counts == NULL) {
        return fhs_search_no_memory(search);
    }
    for (size_t i = 0; i < value->part_count && i < def.component_count; i++) {
        match_list part = {NULL, 0, 0};
        if (value->parts[i].is_any) {
            continue;
        }
        fhs_sparam component = def.components[i].param;
        fhs_sparam_type type = (fhs_sparam_type)fhs_sparam_get(search->env.fhir, component).type;
        fhirstore_status status = resolve_value(search, node, component, type, &value->parts[i],
                                                &part);
        if (status != FHIRSTORE_OK || part.count == 0) {
            return status;
        }
        parts[i] = part.items;
        counts[i] = part.count;
    }
    return combine_parts(search, parts, counts, value->part_count, list);
}

static fhirstore_status resolve_value(fhs_search *search, const fhs_node *node, fhs_sparam param,
                                      fhs_sparam_type type, const fhs_value *value,
                                      match_list *list)
{
    switch (type) {
    case FHS_SP_TOKEN:
        return node->modifier == FHS_MOD_OF_TYPE ? resolve_of_type(search, node, value, list)
                                                 : resolve_token(search, node, value, list);
    case FHS_SP_STRING:
        return resolve_string(search, node, value, list);
    case FHS_SP_URI:
        return resolve_uri(search, node, value, list);
    case FHS_SP_DATE:
        return resolve_date(search, value, list);
    case FHS_SP_NUMBER:
        return resolve_number(search, value, list);
    case FHS_SP_QUANTITY:
        return resolve_quantity(search, value, list);
    case FHS_SP_REFERENCE:
        return node->modifier == FHS_MOD_IDENTIFIER
                   ? resolve_token(search, node, value, list)
                   : resolve_reference(search, node, param, value, list);
    case FHS_SP_COMPOSITE:
        return resolve_composite(search, node, value, list);
    case FHS_SP_SPECIAL:
        return resolve_near(search, value, list);
    }
    return fhs_fail(search->err, FHIRSTORE_ERR_QUERY, "a condition of the search has no index");
}

fhirstore_status fhs_resolve_values(fhs_search *search, const fhs_node *node, fhs_test *test)
{
    match_list list = {NULL, 0, 0};
    for (size_t i = 0; i < node->value_count; i++) {
        fhirstore_status status = resolve_value(search, node, node->param, node->param_type,
                                                &node->values[i], &list);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    test->matches = list.items;
    test->match_count = list.count;
    return FHIRSTORE_OK;
}
