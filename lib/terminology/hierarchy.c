/* SPDX-License-Identifier: Apache-2.0 */
/* What is below what: concepts within concepts, and the properties that say the same. */
#include "terminology/terminology_internal.h"

static const fhs_str value_names[] = {
    FHS_LIT_INIT("valueCode"),    FHS_LIT_INIT("valueString"),   FHS_LIT_INIT("valueInteger"),
    FHS_LIT_INIT("valueDecimal"), FHS_LIT_INIT("valueDateTime"), FHS_LIT_INIT("valueBoolean"),
};

bool fhs_property_text(const fhs_json *property, fhs_str *out)
{
    for (size_t i = 0; i < FHS_COUNT_OF(value_names); i++) {
        const fhs_json *value = fhs_json_is(property, FHS_JSON_OBJECT)
                                    ? fhs_json_get(property, value_names[i])
                                    : NULL;
        if (value == NULL) {
            continue;
        }
        if (value->type == FHS_JSON_TRUE || value->type == FHS_JSON_FALSE) {
            *out = value->type == FHS_JSON_TRUE ? FHS_LIT("true") : FHS_LIT("false");
            return true;
        }
        *out = value->text;
        return value->type == FHS_JSON_STRING || value->type == FHS_JSON_NUMBER;
    }
    const fhs_json *coding = fhs_json_is(property, FHS_JSON_OBJECT)
                                 ? fhs_json_get(property, FHS_LIT("valueCoding"))
                                 : NULL;
    return fhs_json_is(coding, FHS_JSON_OBJECT) &&
           fhs_json_get_string(coding, FHS_LIT("code"), out);
}

static bool has_uri(const fhs_code_system *system, fhs_str code, fhs_str end)
{
    const fhs_json *declared;
    uint32_t count = fhs_terms_items(system->json, FHS_LIT("property"), &declared);
    for (uint32_t i = 0; i < count; i++) {
        if (fhs_str_eq(fhs_terms_text(&declared[i], FHS_LIT("code")), code)) {
            return fhs_str_ends_with(fhs_terms_text(&declared[i], FHS_LIT("uri")), end);
        }
    }
    return false;
}

static bool names_parent(const fhs_code_system *system, fhs_str code)
{
    return fhs_str_eq(code, FHS_LIT("parent")) || fhs_str_eq(code, FHS_LIT("subsumedBy")) ||
           has_uri(system, code, FHS_LIT("concept-properties#parent"));
}

static bool names_child(const fhs_code_system *system, fhs_str code)
{
    return fhs_str_eq(code, FHS_LIT("child")) ||
           has_uri(system, code, FHS_LIT("concept-properties#child"));
}

/* Called for each link; the same one may come twice. */
typedef void (*link_fn)(void *ctx, uint32_t parent, uint32_t child);

static void each_property_link(const fhs_code_system *system, uint32_t number, link_fn visit,
                               void *ctx)
{
    const fhs_concept *concept = &system->concepts[number];
    const fhs_json *properties;
    uint32_t count = fhs_terms_items(concept->json, FHS_LIT("property"), &properties);
    for (uint32_t i = 0; i < count; i++) {
        fhs_str value;
        fhs_str code = fhs_terms_text(&properties[i], FHS_LIT("code"));
        bool is_parent = names_parent(system, code);
        if ((!is_parent && !names_child(system, code)) ||
            !fhs_property_text(&properties[i], &value)) {
            continue;
        }
        uint32_t other = fhs_code_system_find(system, value);
        uint32_t parent = is_parent ? other : number;
        uint32_t child = is_parent ? number : other;
        if (other != FHS_CONCEPT_NONE && other != number &&
            system->concepts[child].parent != parent) {
            visit(ctx, parent, child);
        }
    }
}

static void each_link(const fhs_code_system *system, link_fn visit, void *ctx)
{
    for (uint32_t i = 0; i < system->count; i++) {
        if (system->concepts[i].parent != FHS_CONCEPT_NONE) {
            visit(ctx, system->concepts[i].parent, i);
        }
        each_property_link(system, i, visit, ctx);
    }
}

typedef struct link_tables {
    uint32_t *parents_at;
    uint32_t *children_at;
    uint32_t *parents;
    uint32_t *children;
    uint32_t count;
} link_tables;

/* Counted one place further on, so that filling moves each begin to where it belongs. */
static void count_link(void *ctx, uint32_t parent, uint32_t child)
{
    link_tables *tables = ctx;
    tables->parents_at[child + 2]++;
    tables->children_at[parent + 2]++;
    tables->count++;
}

static void fill_link(void *ctx, uint32_t parent, uint32_t child)
{
    link_tables *tables = ctx;
    tables->parents[tables->parents_at[child + 1]++] = parent;
    tables->children[tables->children_at[parent + 1]++] = child;
}

fhirstore_status fhs_terms_link(fhs_terms *terms, fhs_code_system *system, fhirstore_error **err)
{
    link_tables tables = {.count = 0};
    size_t begins = (size_t)system->count + 2;
    tables.parents_at = fhs_terms_alloc(terms, begins, sizeof(uint32_t), err);
    tables.children_at = tables.parents_at == NULL
                             ? NULL
                             : fhs_terms_alloc(terms, begins, sizeof(uint32_t), err);
    if (tables.children_at == NULL) {
        return terms->failed;
    }
    each_link(system, count_link, &tables);
    tables.parents = fhs_terms_alloc(terms, tables.count, sizeof(uint32_t), err);
    tables.children = tables.parents == NULL
                          ? NULL
                          : fhs_terms_alloc(terms, tables.count, sizeof(uint32_t), err);
    if (tables.children == NULL) {
        return terms->failed;
    }
    for (size_t i = 2; i < begins; i++) {
        tables.parents_at[i] += tables.parents_at[i - 1];
        tables.children_at[i] += tables.children_at[i - 1];
    }
    each_link(system, fill_link, &tables);
    system->parents_at = tables.parents_at;
    system->children_at = tables.children_at;
    system->parents = tables.parents;
    system->children = tables.children;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_terms_reach(fhs_terms *terms, const fhs_code_system *system, uint32_t from,
                                 bool upwards, uint8_t **marks_out, fhirstore_error **err)
{
    const uint32_t *begins = upwards ? system->parents_at : system->children_at;
    const uint32_t *links = upwards ? system->parents : system->children;
    uint8_t *marks = fhs_terms_alloc(terms, system->count, 1, err);
    uint32_t *queue = marks == NULL ? NULL
                                    : fhs_terms_alloc(terms, system->count, sizeof(uint32_t), err);
    uint32_t waiting = 1;
    if (queue == NULL) {
        return terms->failed;
    }
    queue[0] = from;
    marks[from] = 1;
    for (uint32_t at = 0; at < waiting && system->has_subsumption; at++) {
        for (uint32_t i = begins[queue[at]]; i < begins[queue[at] + 1]; i++) {
            if (marks[links[i]] == 0) {
                marks[links[i]] = 1;
                queue[waiting++] = links[i];
            }
        }
    }
    *marks_out = marks;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_terms_subsumes(fhs_terms *terms, const fhs_code_system *system, uint32_t a,
                                    uint32_t b, fhs_subsumption *out, fhirstore_error **err)
{
    uint8_t *above_a = NULL;
    uint8_t *above_b = NULL;
    *out = FHS_SUBSUMES_NOT;
    fhirstore_status status = fhs_terms_reach(terms, system, a, true, &above_a, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_terms_reach(terms, system, b, true, &above_b, err);
    }
    if (status == FHIRSTORE_OK) {
        *out = above_a[b] != 0 && above_b[a] != 0 ? FHS_SUBSUMES_BOTH
               : above_b[a] != 0                  ? FHS_SUBSUMES
               : above_a[b] != 0                  ? FHS_SUBSUMED_BY
                                                  : FHS_SUBSUMES_NOT;
    }
    return status;
}
