/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about types and elements, read off the specification by hand. */
#include "versions.h"

#define R4  1
#define R4B 2
#define R5  4
#define ALL (R4 | R4B | R5)

static const struct member_row {
    const char *type;
    const char *member;
    const char *value;
    const char *owner;
    int in;
    uint16_t flags;
} member_rows[] = {
    {"Patient", "birthDate", "date", "Patient", ALL, FHS_ELEMENT_SUMMARY},
    {"Patient", "name", "HumanName", "Patient", ALL, FHS_ELEMENT_SUMMARY | FHS_ELEMENT_LIST},
    {"Patient", "contact", "Patient.contact", "Patient", ALL, FHS_ELEMENT_LIST},
    {"Patient", "contained", "Resource", "DomainResource", ALL, FHS_ELEMENT_LIST},
    {"Patient", "id", "id", "Resource", ALL, FHS_ELEMENT_SUMMARY | FHS_ELEMENT_ATTRIBUTE},
    {"Patient", "meta", "Meta", "Resource", ALL, FHS_ELEMENT_SUMMARY},
    {"Patient", "deceasedBoolean", "boolean", "Patient", ALL,
     FHS_ELEMENT_CHOICE | FHS_ELEMENT_SUMMARY | FHS_ELEMENT_MODIFIER},
    {"Patient.contact", "name", "HumanName", "Patient.contact", R4 | R4B, 0},
    {"Patient.contact", "id", "string", "Element", ALL, FHS_ELEMENT_ATTRIBUTE},
    {"Patient.contact", "modifierExtension", "Extension", "BackboneElement", ALL,
     FHS_ELEMENT_LIST | FHS_ELEMENT_MODIFIER | FHS_ELEMENT_SUMMARY},
    {"Observation", "valueQuantity", "Quantity", "Observation", ALL,
     FHS_ELEMENT_CHOICE | FHS_ELEMENT_SUMMARY},
    {"Observation", "valueDateTime", "dateTime", "Observation", ALL,
     FHS_ELEMENT_CHOICE | FHS_ELEMENT_SUMMARY},
    {"Observation", "status", "code", "Observation", ALL,
     FHS_ELEMENT_SUMMARY | FHS_ELEMENT_MODIFIER | FHS_ELEMENT_REQUIRED},
    {"Observation", "code", "CodeableConcept", "Observation", ALL,
     FHS_ELEMENT_SUMMARY | FHS_ELEMENT_REQUIRED},
    {"Observation.component", "referenceRange", "Observation.referenceRange",
     "Observation.component", ALL, FHS_ELEMENT_LIST},
    {"Questionnaire.item", "item", "Questionnaire.item", "Questionnaire.item", ALL,
     FHS_ELEMENT_LIST},
    {"ValueSet.compose", "exclude", "ValueSet.compose.include", "ValueSet.compose", ALL,
     FHS_ELEMENT_LIST},
    {"Bundle.entry", "resource", "Resource", "Bundle.entry", ALL, FHS_ELEMENT_SUMMARY},
    {"Bundle.entry", "link", "Bundle.link", "Bundle.entry", ALL,
     FHS_ELEMENT_LIST | FHS_ELEMENT_SUMMARY},
    {"Parameters.parameter", "resource", "Resource", "Parameters.parameter", ALL,
     FHS_ELEMENT_SUMMARY},
    {"Extension", "url", "uri", "Extension", ALL, FHS_ELEMENT_ATTRIBUTE | FHS_ELEMENT_REQUIRED},
    {"Extension", "valueReference", "Reference", "Extension", ALL, FHS_ELEMENT_CHOICE},
    {"Extension", "extension", "Extension", "Element", ALL, FHS_ELEMENT_LIST},
    {"Narrative", "div", "xhtml", "Narrative", ALL, FHS_ELEMENT_ATTRIBUTE | FHS_ELEMENT_REQUIRED},
    {"date", "extension", "Extension", "Element", ALL, FHS_ELEMENT_LIST},
    {"Age", "value", "decimal", "Quantity", ALL, FHS_ELEMENT_SUMMARY},
    {"SimpleQuantity", "unit", "string", "Quantity", ALL, FHS_ELEMENT_SUMMARY},
    {"Timing", "repeat", "Timing.repeat", "Timing", ALL, FHS_ELEMENT_SUMMARY},
    {"Timing.repeat", "boundsDuration", "Duration", "Timing.repeat", ALL,
     FHS_ELEMENT_CHOICE | FHS_ELEMENT_SUMMARY},
    {"Money", "currency", "code", "Money", ALL, FHS_ELEMENT_SUMMARY},
    {"Encounter", "class", "Coding", "Encounter", R4 | R4B,
     FHS_ELEMENT_SUMMARY | FHS_ELEMENT_REQUIRED},
    {"Encounter", "class", "CodeableConcept", "Encounter", R5,
     FHS_ELEMENT_SUMMARY | FHS_ELEMENT_LIST},
    {"MedicationRequest", "medicationReference", "Reference", "MedicationRequest", R4 | R4B,
     FHS_ELEMENT_CHOICE | FHS_ELEMENT_SUMMARY | FHS_ELEMENT_REQUIRED},
    {"MedicationRequest", "medication", "CodeableReference", "MedicationRequest", R5,
     FHS_ELEMENT_SUMMARY | FHS_ELEMENT_REQUIRED},
    {"Extension", "valueInteger64", "integer64", "Extension", R5, FHS_ELEMENT_CHOICE},
};

START_TEST(member_is_as_specified)
{
    const struct member_row *row = &member_rows[_i];
    for (size_t v = 0; v < VERSION_COUNT; v++) {
        const fhs_fhir *fhir = fhs_fhir_get(versions[v]);
        if (fhir == NULL || (row->in & (1 << v)) == 0) {
            continue;
        }
        fhs_property property = find_member(fhir, row->type, row->member);
        ck_assert_view_eq(fhs_type_name(fhir, property.type), fhs_str_from_cstr(row->value));
        ck_assert_view_eq(fhs_type_name(fhir, property.owner), fhs_str_from_cstr(row->owner));
        ck_assert_msg(property.flags == row->flags, "%s.%s of version %zu: flags %u, wanted %u",
                      row->type, row->member, v, property.flags, row->flags);
    }
}
END_TEST

static const struct parent_row {
    const char *type;
    const char *parent;
    fhs_type_kind kind;
    int in;
} parent_rows[] = {
    {"Patient", "DomainResource", FHS_KIND_RESOURCE, ALL},
    {"Bundle", "Resource", FHS_KIND_RESOURCE, ALL},
    {"DomainResource", "Resource", FHS_KIND_RESOURCE, ALL},
    {"Patient.contact", "BackboneElement", FHS_KIND_BACKBONE, ALL},
    {"Timing.repeat", "Element", FHS_KIND_BACKBONE, ALL},
    {"BackboneElement", "Element", FHS_KIND_COMPLEX, ALL},
    {"Timing", "BackboneElement", FHS_KIND_COMPLEX, R4 | R4B},
    {"Timing", "BackboneType", FHS_KIND_COMPLEX, R5},
    {"HumanName", "Element", FHS_KIND_COMPLEX, R4 | R4B},
    {"HumanName", "DataType", FHS_KIND_COMPLEX, R5},
    {"Age", "Quantity", FHS_KIND_COMPLEX, ALL},
    {"Count", "Quantity", FHS_KIND_COMPLEX, ALL},
    {"Distance", "Quantity", FHS_KIND_COMPLEX, ALL},
    {"Duration", "Quantity", FHS_KIND_COMPLEX, ALL},
    {"SimpleQuantity", "Quantity", FHS_KIND_COMPLEX, ALL},
    {"MoneyQuantity", "Quantity", FHS_KIND_COMPLEX, ALL},
    {"code", "string", FHS_KIND_PRIMITIVE, ALL},
    {"id", "string", FHS_KIND_PRIMITIVE, ALL},
    {"markdown", "string", FHS_KIND_PRIMITIVE, ALL},
    {"canonical", "uri", FHS_KIND_PRIMITIVE, ALL},
    {"oid", "uri", FHS_KIND_PRIMITIVE, ALL},
    {"uuid", "uri", FHS_KIND_PRIMITIVE, ALL},
    {"url", "uri", FHS_KIND_PRIMITIVE, ALL},
    {"positiveInt", "integer", FHS_KIND_PRIMITIVE, ALL},
    {"unsignedInt", "integer", FHS_KIND_PRIMITIVE, ALL},
    {"string", "Element", FHS_KIND_PRIMITIVE, R4 | R4B},
    {"string", "PrimitiveType", FHS_KIND_PRIMITIVE, R5},
    {"MetadataResource", "DomainResource", FHS_KIND_LOGICAL, R4},
    {"MetadataResource", "DomainResource", FHS_KIND_RESOURCE, R5},
};

START_TEST(parent_is_as_specified)
{
    const struct parent_row *row = &parent_rows[_i];
    for (size_t v = 0; v < VERSION_COUNT; v++) {
        const fhs_fhir *fhir = fhs_fhir_get(versions[v]);
        if (fhir == NULL || (row->in & (1 << v)) == 0) {
            continue;
        }
        fhs_type type = find_type(fhir, row->type);
        ck_assert_uint_eq(fhs_type_parent(fhir, type), find_type(fhir, row->parent));
        ck_assert_int_eq(fhs_type_get_kind(fhir, type), row->kind);
    }
}
END_TEST

START_TEST(extension_values_have_all_open_types)
{
    VERSION_OR_RETURN(fhir, versions[_i]);
    static const uint16_t wanted[VERSION_COUNT] = {50, 51, 54};
    fhs_element element;
    fhs_type owner = FHS_TYPE_NONE;
    ck_assert(
        fhs_element_find(fhir, find_type(fhir, "Extension"), FHS_LIT("value"), &element, &owner));
    ck_assert_uint_eq(element.type_count, wanted[_i]);
    ck_assert_uint_eq(owner, find_type(fhir, "Extension"));
    ck_assert_uint_eq(element.min, 0);
    ck_assert_uint_eq(element.max, 1);
    ck_assert(!fhs_element_find(fhir, owner, FHS_LIT("valueString"), &element, NULL));
}
END_TEST

START_TEST(abstract_types_are_marked)
{
    VERSION_OR_RETURN(fhir, versions[_i]);
    static const char *const names[] = {"Resource", "DomainResource", "Element", "BackboneElement"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        fhs_type type = find_type(fhir, names[i]);
        ck_assert_msg(fhs_type_is_abstract(fhir, type), "%s", names[i]);
        ck_assert(!fhs_type_is_resource(fhir, type));
    }
    ck_assert(fhs_type_is_resource(fhir, find_type(fhir, "Parameters")));
    ck_assert(!fhs_type_is_resource(fhir, find_type(fhir, "HumanName")));
}
END_TEST

START_TEST(versions_say_who_they_are)
{
    VERSION_OR_RETURN(fhir, versions[_i]);
    static const char *const names[VERSION_COUNT] = {"R4", "R4B", "R5"};
    static const char *const numbers[VERSION_COUNT] = {"4.0.1", "4.3.0", "5.0.0"};
    ck_assert_int_eq(fhs_fhir_version_of(fhir), versions[_i]);
    ck_assert_view_eq(fhs_fhir_version_name(fhir), fhs_str_from_cstr(names[_i]));
    ck_assert_view_eq(fhs_fhir_version_number(fhir), fhs_str_from_cstr(numbers[_i]));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fhir facts");
    TCase *tcase = tcase_create("facts");
    tcase_add_loop_test(tcase, member_is_as_specified, 0,
                        sizeof(member_rows) / sizeof(member_rows[0]));
    tcase_add_loop_test(tcase, parent_is_as_specified, 0,
                        sizeof(parent_rows) / sizeof(parent_rows[0]));
    tcase_add_loop_test(tcase, extension_values_have_all_open_types, 0, VERSION_COUNT);
    tcase_add_loop_test(tcase, abstract_types_are_marked, 0, VERSION_COUNT);
    tcase_add_loop_test(tcase, versions_say_who_they_are, 0, VERSION_COUNT);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
