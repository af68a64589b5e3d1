/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants and targets of references: facts read off the specification, and what tables promise.
 */
#include "versions.h"

#define R4  1
#define R4B 2
#define R5  4
#define ALL (R4 | R4B | R5)

static const struct invariant_row {
    const char *type;
    const char *element; /* NULL: the type itself */
    const char *key;
    int in;
    bool is_warning;
} invariant_rows[] = {
    {"Patient.contact", NULL, "pat-1", ALL, false},
    {"DomainResource", NULL, "dom-3", ALL, false},
    {"DomainResource", NULL, "dom-6", ALL, true},
    {"Period", NULL, "per-1", ALL, false},
    {"Reference", NULL, "ref-1", ALL, false},
    {"Observation", NULL, "obs-6", ALL, false},
    {"Bundle.entry", NULL, "bdl-8", ALL, false},
    {"Observation.referenceRange", "low", "sqty-1", R4 | R4B, false},
    {"ContactPoint", NULL, "cpt-2", ALL, false},
    {"Questionnaire.item.enableWhen", NULL, "que-7", ALL, false},
};

static bool has_invariant(const fhs_fhir *fhir, const struct invariant_row *row, bool *warning_out)
{
    size_t first;
    size_t element = FHS_ELEMENT_NONE;
    fhs_type type = find_type(fhir, row->type);
    if (row->element != NULL) {
        fhs_property property = find_member(fhir, row->type, row->element);
        type = property.owner;
        element = property.element;
    }
    size_t count = fhs_invariants_of(fhir, type, element, &first);
    for (size_t i = 0; i < count; i++) {
        fhs_invariant invariant = fhs_invariant_at(fhir, first + i);
        if (fhs_str_eq(invariant.key, fhs_str_from_cstr(row->key))) {
            *warning_out = invariant.is_warning;
            return true;
        }
    }
    return false;
}

START_TEST(an_invariant_stands_where_it_is_stated)
{
    const struct invariant_row *row = &invariant_rows[_i];
    for (size_t v = 0; v < VERSION_COUNT; v++) {
        const fhs_fhir *fhir = fhs_fhir_get(versions[v]);
        bool is_warning = false;
        if (fhir != NULL && (row->in >> v & 1) != 0) {
            ck_assert_msg(has_invariant(fhir, row, &is_warning), "%s in %s", row->key, row->type);
            ck_assert_int_eq(is_warning, row->is_warning);
        }
    }
}
END_TEST

/* Each row is found by its type and element, in order, and none is said again below. */
START_TEST(every_invariant_is_found_once)
{
    VERSION_OR_RETURN(fhir, versions[_i]);
    size_t met = 0;
    for (size_t type = 0; type < fhs_type_count(fhir); type++) {
        size_t first;
        size_t count = fhs_invariants_of(fhir, (fhs_type)type, FHS_ELEMENT_NONE, &first);
        ck_assert(count == 0 || first == met);
        met += count;
        for (size_t i = 0; i < fhs_element_count(fhir, (fhs_type)type); i++) {
            count = fhs_invariants_of(fhir, (fhs_type)type, i, &first);
            ck_assert(count == 0 || first == met);
            met += count;
        }
    }
    ck_assert_uint_eq(met, fhs_invariant_count(fhir));
    for (size_t i = 0; i < met; i++) {
        fhs_invariant invariant = fhs_invariant_at(fhir, i);
        ck_assert_uint_gt(invariant.key.len, 0);
        ck_assert_uint_gt(invariant.expression.len, 0);
        ck_assert(!fhs_str_eq(invariant.key, FHS_LIT("ele-1")));
        ck_assert(!fhs_str_eq(invariant.key, FHS_LIT("ext-1")));
    }
}
END_TEST

static const struct target_row {
    const char *type;
    const char *element;
    const char *target;
    int count; /* of types; 0: any */
    int in;
} target_rows[] = {
    {"Patient", "managingOrganization", "Organization", 1, ALL},
    {"Patient", "generalPractitioner", "PractitionerRole", 3, ALL},
    {"Observation", "subject", "Patient", 4, R4},
    {"Observation", "focus", NULL, 0, ALL},
    {"Provenance", "target", NULL, 0, ALL},
    {"Extension", "valueReference", NULL, 0, ALL},
    {"ServiceRequest", "reason", "Condition", 5, R5},
    {"Patient", "birthDate", NULL, 0, ALL},
};

START_TEST(a_reference_has_its_targets)
{
    const struct target_row *row = &target_rows[_i];
    for (size_t v = 0; v < VERSION_COUNT; v++) {
        const fhs_fhir *fhir = fhs_fhir_get(versions[v]);
        if (fhir == NULL || (row->in >> v & 1) == 0) {
            continue;
        }
        const fhs_type *types = NULL;
        bool has_target = row->target == NULL;
        fhs_property property = find_member(fhir, row->type, row->element);
        size_t count = fhs_element_targets(fhir, property.owner, property.element, &types);
        ck_assert_msg((int)count == row->count, "%s.%s has %zu", row->type, row->element, count);
        for (size_t i = 0; i < count && row->target != NULL; i++) {
            has_target = has_target || types[i] == find_type(fhir, row->target);
            ck_assert(i == 0 || types[i] > types[i - 1]);
        }
        ck_assert(has_target);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fhir invariants");
    TCase *tcase = tcase_create("invariants");
    tcase_add_loop_test(tcase, an_invariant_stands_where_it_is_stated, 0,
                        FHS_COUNT_OF(invariant_rows));
    tcase_add_loop_test(tcase, every_invariant_is_found_once, 0, VERSION_COUNT);
    tcase_add_loop_test(tcase, a_reference_has_its_targets, 0, FHS_COUNT_OF(target_rows));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
