/* SPDX-License-Identifier: Apache-2.0 */
/* Walks of the type and element tables: every index in range, every name found again. */
#include "versions.h"

START_TEST(types_are_found_by_name_and_their_parents_end)
{
    VERSION_OR_RETURN(fhir, versions[_i]);
    size_t count = fhs_type_count(fhir);
    for (size_t i = 0; i < count; i++) {
        fhs_type type = (fhs_type)i;
        fhs_str name = fhs_type_name(fhir, type);
        ck_assert_uint_gt(name.len, 0);
        ck_assert_uint_eq(fhs_type_find(fhir, name), type);
        ck_assert_uint_le(fhs_type_get_kind(fhir, type), FHS_KIND_LOGICAL);
        ck_assert(fhs_type_is_a(fhir, type, type));
        size_t steps = 0;
        for (fhs_type up = type; up != FHS_TYPE_NONE; up = fhs_type_parent(fhir, up)) {
            ck_assert_uint_lt(up, count);
            ck_assert(fhs_type_is_a(fhir, type, up));
            ck_assert_msg(++steps < 10, "%.*s has no end", FHS_STR_ARG(name));
        }
    }
}
END_TEST

START_TEST(unknown_names_are_not_types)
{
    VERSION_OR_RETURN(fhir, versions[_i]);
    static const char *const unknown[] = {
        "",       "patient",        "Patient.",
        "Patien", "Patient.nobody", "http://hl7.org/fhir/StructureDefinition/Patient"};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        ck_assert_uint_eq(fhs_type_find(fhir, fhs_str_from_cstr(unknown[i])), FHS_TYPE_NONE);
    }
    ck_assert_uint_eq(fhs_type_find(fhir, FHS_STR_NONE), FHS_TYPE_NONE);
}
END_TEST

START_TEST(resources_are_not_abstract)
{
    VERSION_OR_RETURN(fhir, versions[_i]);
    static const size_t concrete[VERSION_COUNT] = {146, 141, 158};
    size_t count = 0;
    for (size_t i = 0; i < fhs_type_count(fhir); i++) {
        fhs_type type = (fhs_type)i;
        if (fhs_type_is_resource(fhir, type)) {
            ck_assert(!fhs_type_is_abstract(fhir, type));
            ck_assert(fhs_type_is_a(fhir, type, find_type(fhir, "Resource")));
            count++;
        }
    }
    ck_assert_uint_eq(count, concrete[_i]);
}
END_TEST

/* "value" + "Quantity" → "valueQuantity". */
static fhs_str member_name(char *space, fhs_str element, fhs_str type, bool choice)
{
    memcpy(space, element.ptr, element.len);
    if (!choice) {
        return fhs_str_of(space, element.len);
    }
    memcpy(space + element.len, type.ptr, type.len);
    if (type.ptr[0] >= 'a') {
        space[element.len] = (char)(type.ptr[0] - 'a' + 'A');
    }
    return fhs_str_of(space, element.len + type.len);
}

/* Each member of @a element, which @a owner defines, is found from @a type. */
static void check_members(const fhs_fhir *fhir, fhs_type type, fhs_type owner,
                          const fhs_element *element)
{
    bool choice = (element->flags & FHS_ELEMENT_CHOICE) != 0;
    for (size_t i = 0; i < element->type_count; i++) {
        char space[256];
        fhs_str name = member_name(space, element->name, fhs_type_name(fhir, element->types[i]),
                                   choice);
        fhs_property property = {0};
        ck_assert_msg(fhs_property_find(fhir, type, name, &property), "%.*s.%.*s",
                      FHS_STR_ARG(fhs_type_name(fhir, type)), FHS_STR_ARG(name));
        ck_assert_uint_eq(property.owner, owner);
        ck_assert_uint_eq(property.element, element->index);
        ck_assert_uint_eq(property.type, element->types[i]);
        ck_assert_uint_eq(property.flags, element->flags);
        /* One character less or more is another name. */
        fhs_property other;
        if (fhs_property_find(fhir, type, fhs_str_of(name.ptr, name.len - 1), &other)) {
            ck_assert(other.element != property.element || other.owner != property.owner);
        }
        space[name.len] = '\x7f';
        ck_assert(!fhs_property_find(fhir, type, fhs_str_of(space, name.len + 1), &other));
        /* So is one that differs in a single character, anywhere. */
        for (size_t at = 0; at < name.len; at++) {
            space[at] ^= '\x20';
            if (fhs_property_find(fhir, type, name, &other)) {
                ck_assert(other.element != property.element || other.owner != property.owner);
            }
            space[at] ^= '\x20';
        }
    }
    fhs_element again;
    fhs_type found_owner = FHS_TYPE_NONE;
    ck_assert(fhs_element_find(fhir, type, element->name, &again, &found_owner));
    ck_assert_uint_eq(found_owner, owner);
    ck_assert_uint_eq(again.index, element->index);
    fhs_property property;
    ck_assert_int_eq(fhs_property_find(fhir, type, element->name, &property), !choice);
}

static void check_element(const fhs_fhir *fhir, const fhs_element *element, size_t index)
{
    ck_assert_uint_eq(element->index, index);
    ck_assert_uint_gt(element->name.len, 0);
    ck_assert_uint_gt(element->type_count, 0);
    ck_assert_uint_le(element->min, element->max);
    ck_assert_int_eq((element->flags & FHS_ELEMENT_LIST) != 0, element->max > 1);
    ck_assert_int_eq((element->flags & FHS_ELEMENT_REQUIRED) != 0, element->min > 0);
    if ((element->flags & FHS_ELEMENT_CHOICE) == 0) {
        ck_assert_uint_eq(element->type_count, 1);
    }
    for (size_t i = 0; i < element->type_count; i++) {
        ck_assert_uint_lt(element->types[i], fhs_type_count(fhir));
    }
    if (element->binding != UINT16_MAX) {
        ck_assert_uint_gt(fhs_binding_value_set(fhir, element->binding).len, 0);
    }
}

START_TEST(every_member_of_every_type_is_found)
{
    VERSION_OR_RETURN(fhir, versions[_i]);
    for (size_t i = 0; i < fhs_type_count(fhir); i++) {
        fhs_type type = (fhs_type)i;
        for (fhs_type owner = type; owner != FHS_TYPE_NONE; owner = fhs_type_parent(fhir, owner)) {
            for (size_t e = 0; e < fhs_element_count(fhir, owner); e++) {
                fhs_element element = fhs_element_at(fhir, owner, e);
                check_element(fhir, &element, e);
                check_members(fhir, type, owner, &element);
            }
        }
    }
}
END_TEST

START_TEST(strangers_are_not_members)
{
    VERSION_OR_RETURN(fhir, versions[_i]);
    static const char *const unknown[] = {
        "", "xyz", "_id", "fhir_comments", "valueX", "aVeryLongNameThatNoElementHasInAnyVersion"};
    for (size_t i = 0; i < fhs_type_count(fhir); i++) {
        fhs_type type = (fhs_type)i;
        for (size_t n = 0; n < sizeof(unknown) / sizeof(unknown[0]); n++) {
            fhs_property property;
            ck_assert_msg(!fhs_property_find(fhir, type, fhs_str_from_cstr(unknown[n]), &property),
                          "%.*s.%s", FHS_STR_ARG(fhs_type_name(fhir, type)), unknown[n]);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fhir tables");
    TCase *tcase = tcase_create("walks");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, types_are_found_by_name_and_their_parents_end, 0, VERSION_COUNT);
    tcase_add_loop_test(tcase, unknown_names_are_not_types, 0, VERSION_COUNT);
    tcase_add_loop_test(tcase, resources_are_not_abstract, 0, VERSION_COUNT);
    tcase_add_loop_test(tcase, every_member_of_every_type_is_found, 0, VERSION_COUNT);
    tcase_add_loop_test(tcase, strangers_are_not_members, 0, VERSION_COUNT);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
