/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of a value set: which concepts of one code system they leave. */
#include "fhirpath/regex.h"
#include "terminology/terminology_internal.h"

typedef struct fhs_filter fhs_filter;

/* Whether a concept passes; the error is set where that cannot be told. */
typedef fhirstore_status (*filter_fn)(const fhs_filter *filter, uint32_t number, bool *yes_out,
                                      fhirstore_error **err);

struct fhs_filter {
    fhs_terms *terms;
    const fhs_code_system *system;
    fhs_str property;
    fhs_str value;
    const fhs_regex *regex;
    const uint8_t *reached; /* concepts below (or above) the value's */
    uint32_t root;          /* the value's concept */
    filter_fn passes;
};

static fhirstore_status bad_filter(fhirstore_error **err, const char *what)
{
    return fhs_fail(err, FHIRSTORE_ERR_VALUE_SET, "a filter of the value set %s", what);
}

static bool is_concept_property(fhs_str property)
{
    return fhs_str_eq(property, FHS_LIT("concept")) || fhs_str_eq(property, FHS_LIT("code"));
}

/* ---- values of a concept ---- */

/* Called with each value of the property, until it says that it has seen enough. */
typedef bool (*value_fn)(void *ctx, fhs_str value);

static bool visit_links(const fhs_filter *filter, uint32_t number, bool upwards, value_fn visit,
                        void *ctx)
{
    const fhs_code_system *system = filter->system;
    const uint32_t *at = upwards ? system->parents_at : system->children_at;
    const uint32_t *links = upwards ? system->parents : system->children;
    for (uint32_t i = at[number]; i < at[number + 1]; i++) {
        if (visit(ctx, system->concepts[links[i]].code)) {
            return true;
        }
    }
    return false;
}

/* Properties that are false where a concept does not have them. */
static bool is_false_by_default(fhs_str property)
{
    return fhs_str_eq(property, FHS_LIT("inactive")) ||
           fhs_str_eq(property, FHS_LIT("notSelectable")) ||
           fhs_str_eq(property, FHS_LIT("abstract"));
}

static bool visit_values(const fhs_filter *filter, uint32_t number, value_fn visit, void *ctx)
{
    const fhs_concept *concept = &filter->system->concepts[number];
    const fhs_json *properties;
    bool found = false;
    if (is_concept_property(filter->property)) {
        return visit(ctx, concept->code);
    }
    if (fhs_str_eq(filter->property, FHS_LIT("display"))) {
        return concept->display.len > 0 && visit(ctx, concept->display);
    }
    if (fhs_str_eq(filter->property, FHS_LIT("parent")) ||
        fhs_str_eq(filter->property, FHS_LIT("child"))) {
        return visit_links(filter, number, fhs_str_eq(filter->property, FHS_LIT("parent")), visit,
                           ctx);
    }
    uint32_t count = fhs_terms_items(concept->json, FHS_LIT("property"), &properties);
    for (uint32_t i = 0; i < count; i++) {
        fhs_str value;
        if (fhs_str_eq(fhs_terms_text(&properties[i], FHS_LIT("code")), filter->property) &&
            fhs_property_text(&properties[i], &value)) {
            found = true;
            if (visit(ctx, value)) {
                return true;
            }
        }
    }
    return !found && is_false_by_default(filter->property) && visit(ctx, FHS_LIT("false"));
}

/* ---- operators ---- */

static bool value_is(void *ctx, fhs_str value)
{
    return fhs_str_eq(value, ((const fhs_filter *)ctx)->value);
}

static fhirstore_status passes_equal(const fhs_filter *filter, uint32_t number, bool *yes_out,
                                     fhirstore_error **err)
{
    (void)err;
    *yes_out = is_concept_property(filter->property)
                   ? number == filter->root
                   : visit_values(filter, number, value_is, (void *)(uintptr_t)filter);
    return FHIRSTORE_OK;
}

/* One of the values that the filter lists with commas. */
static bool value_is_listed(void *ctx, fhs_str value)
{
    fhs_str rest = ((const fhs_filter *)ctx)->value;
    bool more = true;
    while (more) {
        fhs_str item = rest;
        fhs_str tail = FHS_STR_NONE;
        more = fhs_str_split(rest, ',', &item, &tail);
        if (fhs_str_eq(fhs_str_trim(more ? item : rest), value)) {
            return true;
        }
        rest = tail;
    }
    return false;
}

static fhirstore_status passes_in(const fhs_filter *filter, uint32_t number, bool *yes_out,
                                  fhirstore_error **err)
{
    (void)err;
    *yes_out = visit_values(filter, number, value_is_listed, (void *)(uintptr_t)filter);
    return FHIRSTORE_OK;
}

static fhirstore_status passes_not_in(const fhs_filter *filter, uint32_t number, bool *yes_out,
                                      fhirstore_error **err)
{
    fhirstore_status status = passes_in(filter, number, yes_out, err);
    *yes_out = !*yes_out;
    return status;
}

typedef struct regex_visit {
    const fhs_filter *filter;
    fhs_regex_result result;
} regex_visit;

static bool property_matches(void *ctx, fhs_str value)
{
    regex_visit *visit = ctx;
    uint64_t work = 0;
    fhs_arena *scratch = &visit->filter->terms->scratch;
    visit->result = fhs_regex_find(visit->filter->regex, scratch, value, 0, NULL, &work);
    fhs_arena_reset(scratch);
    return visit->result != FHS_REGEX_NO;
}

static fhirstore_status passes_regex(const fhs_filter *filter, uint32_t number, bool *yes_out,
                                     fhirstore_error **err)
{
    regex_visit visit = {filter, FHS_REGEX_NO};
    (void)visit_values(filter, number, property_matches, &visit);
    *yes_out = visit.result == FHS_REGEX_YES;
    return visit.result == FHS_REGEX_NO_MEMORY ? fhs_fail_memory(err) : FHIRSTORE_OK;
}

static bool any_value(void *ctx, fhs_str value)
{
    (void)ctx;
    (void)value;
    return true;
}

static fhirstore_status passes_exists(const fhs_filter *filter, uint32_t number, bool *yes_out,
                                      fhirstore_error **err)
{
    (void)err;
    bool wanted = fhs_str_eq(filter->value, FHS_LIT("true"));
    *yes_out = visit_values(filter, number, any_value, NULL) == wanted;
    return FHIRSTORE_OK;
}

static fhirstore_status passes_reached(const fhs_filter *filter, uint32_t number, bool *yes_out,
                                       fhirstore_error **err)
{
    (void)err;
    *yes_out = filter->reached[number] != 0;
    return FHIRSTORE_OK;
}

static fhirstore_status passes_not_reached(const fhs_filter *filter, uint32_t number, bool *yes_out,
                                           fhirstore_error **err)
{
    (void)err;
    *yes_out = filter->reached[number] == 0;
    return FHIRSTORE_OK;
}

static fhirstore_status passes_reached_but_root(const fhs_filter *filter, uint32_t number,
                                                bool *yes_out, fhirstore_error **err)
{
    (void)err;
    *yes_out = filter->reached[number] != 0 && number != filter->root;
    return FHIRSTORE_OK;
}

static fhirstore_status passes_leaf(const fhs_filter *filter, uint32_t number, bool *yes_out,
                                    fhirstore_error **err)
{
    (void)err;
    const uint32_t *at = filter->system->children_at;
    *yes_out = filter->reached[number] != 0 && number != filter->root &&
               at[number] == at[number + 1];
    return FHIRSTORE_OK;
}

static fhirstore_status passes_child(const fhs_filter *filter, uint32_t number, bool *yes_out,
                                     fhirstore_error **err)
{
    (void)err;
    const fhs_code_system *system = filter->system;
    *yes_out = false;
    for (uint32_t i = system->parents_at[number]; i < system->parents_at[number + 1]; i++) {
        *yes_out = *yes_out || system->parents[i] == filter->root;
    }
    return FHIRSTORE_OK;
}

typedef struct filter_rule {
    fhs_str name;
    filter_fn passes;
    bool is_structural; /* about the hierarchy: of concepts only */
    bool upwards;
} filter_rule;

static const filter_rule filter_rules[] = {
    {FHS_LIT_INIT("="), passes_equal, false, false},
    {FHS_LIT_INIT("is-a"), passes_reached, true, false},
    {FHS_LIT_INIT("descendent-of"), passes_reached_but_root, true, false},
    {FHS_LIT_INIT("is-not-a"), passes_not_reached, true, false},
    {FHS_LIT_INIT("regex"), passes_regex, false, false},
    {FHS_LIT_INIT("in"), passes_in, false, false},
    {FHS_LIT_INIT("not-in"), passes_not_in, false, false},
    {FHS_LIT_INIT("generalizes"), passes_reached, true, true},
    {FHS_LIT_INIT("child-of"), passes_child, true, false},
    {FHS_LIT_INIT("descendent-leaf"), passes_leaf, true, false},
    {FHS_LIT_INIT("exists"), passes_exists, false, false},
};

static const filter_rule *find_rule(fhs_str name)
{
    for (size_t i = 0; i < FHS_COUNT_OF(filter_rules); i++) {
        if (fhs_str_eq(filter_rules[i].name, name)) {
            return &filter_rules[i];
        }
    }
    return NULL;
}

/* ---- a whole filter ---- */

/* A property that nothing here has would silently choose nothing. */
static bool has_property(const fhs_code_system *system, fhs_str property)
{
    static const fhs_str known[] = {FHS_LIT_INIT("concept"),  FHS_LIT_INIT("code"),
                                    FHS_LIT_INIT("display"),  FHS_LIT_INIT("parent"),
                                    FHS_LIT_INIT("child"),    FHS_LIT_INIT("inactive"),
                                    FHS_LIT_INIT("abstract"), FHS_LIT_INIT("notSelectable")};
    const fhs_json *items;
    for (size_t i = 0; i < FHS_COUNT_OF(known); i++) {
        if (fhs_str_eq(property, known[i])) {
            return true;
        }
    }
    uint32_t count = fhs_terms_items(system->json, FHS_LIT("property"), &items);
    for (uint32_t i = 0; i < count; i++) {
        if (fhs_str_eq(fhs_terms_text(&items[i], FHS_LIT("code")), property)) {
            return true;
        }
    }
    for (uint32_t c = 0; c < system->count; c++) {
        count = fhs_terms_items(system->concepts[c].json, FHS_LIT("property"), &items);
        for (uint32_t i = 0; i < count; i++) {
            if (fhs_str_eq(fhs_terms_text(&items[i], FHS_LIT("code")), property)) {
                return true;
            }
        }
    }
    return false;
}

/* Below or above the value's concept; a code that the code system does not have reaches nothing. */
static fhirstore_status reach_root(fhs_filter *filter, const filter_rule *rule,
                                   fhirstore_error **err)
{
    uint8_t *reached = NULL;
    if (filter->root != FHS_CONCEPT_NONE) {
        fhirstore_status status = fhs_terms_reach(filter->terms, filter->system, filter->root,
                                                  rule->upwards, &reached, err);
        filter->reached = reached;
        return status;
    }
    reached = fhs_terms_alloc(filter->terms, filter->system->count, 1, err);
    filter->reached = reached;
    return reached == NULL ? filter->terms->failed : FHIRSTORE_OK;
}

static fhirstore_status prepare_filter(fhs_filter *filter, const filter_rule *rule,
                                       fhirstore_error **err)
{
    const char *problem = NULL;
    filter->passes = rule->passes;
    filter->root = fhs_code_system_find(filter->system, filter->value);
    if (rule->is_structural) {
        return is_concept_property(filter->property)
                   ? reach_root(filter, rule, err)
                   : bad_filter(err, "asks for a hierarchy of something else than concepts");
    }
    if (!has_property(filter->system, filter->property)) {
        return bad_filter(err, "asks for a property that its code system does not have here");
    }
    if (rule->passes == passes_exists && !fhs_str_eq(filter->value, FHS_LIT("true")) &&
        !fhs_str_eq(filter->value, FHS_LIT("false"))) {
        return bad_filter(err, "with 'exists' expects true or false");
    }
    if (rule->passes == passes_regex) {
        filter->regex = fhs_regex_compile(&filter->terms->arena, filter->value, FHS_REGEX_WHOLE,
                                          &problem);
        if (filter->regex == NULL) {
            return problem == NULL
                       ? fhs_fail_memory(err)
                       : bad_filter(err, "holds a regular expression that is not valid");
        }
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_terms_filter(fhs_terms *terms, const fhs_code_system *system,
                                  const fhs_json *filter, uint8_t *marks, fhirstore_error **err)
{
    fhs_filter wanted = {
        .terms = terms,
        .system = system,
        .property = fhs_terms_text(filter, FHS_LIT("property")),
        .value = fhs_terms_text(filter, FHS_LIT("value")),
    };
    const filter_rule *rule = find_rule(fhs_terms_text(filter, FHS_LIT("op")));
    if (rule == NULL || wanted.property.len == 0 || wanted.value.len == 0) {
        return bad_filter(err, "lacks property or value, or has an operator that is not known");
    }
    fhirstore_status status = prepare_filter(&wanted, rule, err);
    for (uint32_t i = 0; i < system->count && status == FHIRSTORE_OK; i++) {
        bool yes = false;
        if (marks[i] != 0) {
            status = wanted.passes(&wanted, i, &yes, err);
            marks[i] = yes ? 1 : 0;
        }
    }
    return status;
}
