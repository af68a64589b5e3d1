/* SPDX-License-Identifier: Apache-2.0 */
/* The constructs of search parameters' expressions, each on a resource made for it. */
#include <stdio.h>

#include "extracts.h"

START_TEST(paths_through_lists)
{
    const char *patient = "{\"resourceType\":\"Patient\",\"id\":\"p\",\"name\":["
                          "{\"family\":\"A\",\"given\":[\"B\",null,\"C\"]},{\"given\":[\"D\"]}]}";
    ck_assert_extracts(patient, "family", "[\"A\"]");
    ck_assert_extracts(patient, "given", "[\"B\",\"C\",\"D\"]");
    ck_assert_extracts(patient, "name", "[\"A\",\"B\",\"C\",\"D\"]");
    ck_assert_extracts(patient, "phonetic", "[\"A\",\"B\",\"C\",\"D\"]");
    ck_assert_extracts(patient, "_id", "[\"|p\"]");
    ck_assert_extracts(patient, "birthdate", "");
}
END_TEST

START_TEST(choices_by_type)
{
    const char *quantity = "{\"resourceType\":\"Observation\",\"valueQuantity\":{\"value\":1.10}}";
    const char *text = "{\"resourceType\":\"Observation\",\"valueString\":\"x\"}";
    const char *concept = "{\"resourceType\":\"Observation\",\"valueCodeableConcept\":"
                          "{\"coding\":[{\"system\":\"s\",\"code\":\"c\"}],\"text\":\"t\"}}";
    ck_assert_extracts(quantity, "value-quantity", "[\"1.10||\"]");
    ck_assert_extracts(quantity, "value-string", "");
    ck_assert_extracts(text, "value-string", "[\"x\"]");
    ck_assert_extracts(text, "value-quantity", "");
    ck_assert_extracts(concept, "value-concept", "[\"s|c\"]");
    ck_assert_extracts(concept, "value-string", "[\"t\"]");
    ck_assert_extracts(concept, "combo-value-concept", "[\"s|c\"]");
}
END_TEST

START_TEST(bare_choices)
{
    ck_assert_extracts("{\"resourceType\":\"Observation\",\"effectiveDateTime\":\"2013\"}", "date",
                       "[\"2013-01-01T00:00:00.0000000Z..2013-12-31T23:59:59.9999999Z\"]");
    ck_assert_extracts("{\"resourceType\":\"Observation\",\"effectivePeriod\":{\"end\":\"2013\"}}",
                       "date", "[\"..2013-12-31T23:59:59.9999999Z\"]");
    ck_assert_extracts("{\"resourceType\":\"Immunization\",\"occurrenceString\":\"last week\"}",
                       "date", "");
    ck_assert_extracts("{\"resourceType\":\"Immunization\",\"occurrenceString\":\"2020-02\"}",
                       "date", "[\"2020-02-01T00:00:00.0000000Z..2020-02-29T23:59:59.9999999Z\"]");
}
END_TEST

START_TEST(where_member_equals)
{
    const char *patient = "{\"resourceType\":\"Patient\",\"telecom\":["
                          "{\"system\":\"phone\",\"value\":\"1\"},"
                          "{\"value\":\"3@x\",\"system\":\"email\"},{\"value\":\"4\"}]}";
    ck_assert_extracts(patient, "phone", "[\"|1\"]");
    ck_assert_extracts(patient, "email", "[\"|3@x\"]");
    ck_assert_extracts(patient, "telecom", "[\"|1\",\"|3@x\",\"|4\"]");
    const char *library = "{\"resourceType\":\"Library\",\"relatedArtifact\":["
                          "{\"type\":\"depends-on\",\"resource\":\"http://a|1\"},"
                          "{\"type\":\"successor\",\"resource\":\"http://b\"}]}";
    ck_assert_extracts(library, "depends-on", "[\"http://a|1\"]");
    ck_assert_extracts(library, "successor", "[\"http://b\"]");
    ck_assert_extracts(library, "predecessor", "");
}
END_TEST

static void assert_patient(const char *subject, const char *want)
{
    char text[512];
    (void)snprintf(text, sizeof text,
                   "{\"resourceType\":\"Observation\",\"contained\":["
                   "{\"resourceType\":\"Patient\",\"id\":\"in\"},"
                   "{\"resourceType\":\"Group\",\"id\":\"g\"}],\"subject\":%s}",
                   subject);
    ck_assert_extracts(text, "patient", want);
}

START_TEST(where_resolve_is)
{
    assert_patient("{\"reference\":\"Patient/1\"}", "[\"Patient/1\"]");
    assert_patient("{\"reference\":\"Group/1\"}", "");
    assert_patient("{\"reference\":\"http://other.org/r4/Patient/1\"}",
                   "[\"http://other.org/r4/Patient/1\"]");
    assert_patient("{\"reference\":\"http://other.org/r4/Patient/1/_history/3\"}",
                   "[\"http://other.org/r4/Patient/1/_history/3\"]");
    assert_patient("{\"reference\":\"http://other.org/r4/Device/1\"}", "");
    assert_patient("{\"reference\":\"#in\"}", "[\"#in\"]");
    assert_patient("{\"reference\":\"#g\"}", "");
    assert_patient("{\"reference\":\"#nobody\"}", "");
    assert_patient("{\"reference\":\"urn:uuid:1\",\"type\":\"Patient\"}", "[\"urn:uuid:1\"]");
    assert_patient("{\"reference\":\"urn:uuid:1\",\"type\":\"Group\"}", "");
    assert_patient("{\"reference\":\"urn:uuid:1\"}", "");
}
END_TEST

START_TEST(references_keep_what_they_are)
{
#define SUBJECT(text) "{\"resourceType\":\"Observation\",\"subject\":" text "}"
    ck_assert_extracts(SUBJECT("{\"reference\":\"https://example.org/fhir/Patient/1\"}"), "subject",
                       "[\"Patient/1\"]");
    ck_assert_extracts(SUBJECT("{\"reference\":\"Patient/1/_history/2\"}"), "subject",
                       "[\"Patient/1/_history/2\"]");
    ck_assert_extracts(SUBJECT("{\"reference\":\"https://example.com/Patient/1\"}"), "subject",
                       "[\"https://example.com/Patient/1\"]");
    ck_assert_extracts(SUBJECT("{\"identifier\":{\"system\":\"s\",\"value\":\"v\"}}"), "subject",
                       "[\"identifier:s|v\"]");
    ck_assert_extracts(SUBJECT("{\"reference\":\"Patient/1\",\"identifier\":{\"value\":\"v\"}}"),
                       "subject", "[\"Patient/1\",\"identifier:|v\"]");
    ck_assert_extracts(SUBJECT("{\"display\":\"A person\"}"), "subject", "[\"display:A person\"]");
    ck_assert_extracts(SUBJECT("{}"), "subject", "");
}
END_TEST

START_TEST(truth_values)
{
    ck_assert_extracts("{\"resourceType\":\"Patient\"}", "deceased", "[\"|false\"]");
    ck_assert_extracts("{\"resourceType\":\"Patient\",\"deceasedBoolean\":false}", "deceased",
                       "[\"|false\"]");
    ck_assert_extracts("{\"resourceType\":\"Patient\",\"deceasedBoolean\":true}", "deceased",
                       "[\"|true\"]");
    ck_assert_extracts("{\"resourceType\":\"Patient\",\"deceasedDateTime\":\"2001\"}", "deceased",
                       "[\"|true\"]");
    ck_assert_extracts("{\"resourceType\":\"Patient\",\"deceasedDateTime\":\"2001\"}", "death-date",
                       "[\"2001-01-01T00:00:00.0000000Z..2001-12-31T23:59:59.9999999Z\"]");
}
END_TEST

START_TEST(first_of_a_list)
{
    const char *bundle = "{\"resourceType\":\"Bundle\",\"entry\":["
                         "{\"resource\":{\"resourceType\":\"Composition\",\"id\":\"c\"}},"
                         "{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"p\"}}]}";
    ck_assert_extracts(bundle, "composition", "[\"Composition/c\"]");
    ck_assert_extracts_in(FHS_FHIR_R5, bundle, "composition", "[\"Composition/c\"]");
    ck_assert_extracts_in(FHS_FHIR_R5, bundle, "message", "");
    const char *both = "{\"resourceType\":\"Appointment\",\"requestedPeriod\":[{\"start\":"
                       "\"2001-01-01\"},{\"start\":\"2001-01-02\"}],\"start\":\"2002-02-02\"}";
    const char *requested = "{\"resourceType\":\"Appointment\",\"requestedPeriod\":[{\"start\":"
                            "\"2001-01-01\"},{\"start\":\"2001-01-02\"}]}";
    ck_assert_extracts_in(FHS_FHIR_R5, both, "date",
                          "[\"2002-02-02T00:00:00.0000000Z..2002-02-02T23:59:59.9999999Z\"]");
    ck_assert_extracts_in(FHS_FHIR_R5, requested, "date",
                          "[\"2001-01-01T00:00:00.0000000Z..2001-01-01T23:59:59.9999999Z\"]");
}
END_TEST

START_TEST(extension_values)
{
    const char *patient =
        "{\"resourceType\":\"Patient\",\"extension\":[{\"url\":\"http://hl7.org/fhir/"
        "StructureDefinition/patient-mothersMaidenName\",\"valueString\":\"Doe\"},"
        "{\"url\":\"http://other\",\"valueString\":\"no\"}]}";
    ck_assert_extracts_in(FHS_FHIR_R4B, patient, "mothersMaidenName", "[\"Doe\"]");
}
END_TEST

START_TEST(composites_root_by_root)
{
    const char *observation =
        "{\"resourceType\":\"Observation\",\"code\":{\"coding\":[{\"code\":\"all\"}]},"
        "\"component\":[{\"code\":{\"coding\":[{\"code\":\"a\"},{\"code\":\"A\"}]},"
        "\"valueQuantity\":{\"value\":1}},{\"valueQuantity\":{\"value\":2},"
        "\"code\":{\"coding\":[{\"code\":\"b\"}]}},{\"code\":{\"coding\":[{\"code\":\"c\"}]}}]}";
    ck_assert_extracts(observation, "component-code-value-quantity",
                       "[\"|A$1||\",\"|a$1||\",\"|b$2||\"]");
    ck_assert_extracts(observation, "code-value-quantity", "");
    ck_assert_extracts(observation, "combo-code", "[\"|A\",\"|a\",\"|all\",\"|b\",\"|c\"]");
}
END_TEST

START_TEST(composites_reach_the_resource)
{
    const char *sequence =
        "{\"resourceType\":\"MolecularSequence\",\"variant\":[{\"start\":1,\"end\":2},"
        "{\"start\":3,\"end\":4}],\"referenceSeq\":{\"chromosome\":{\"coding\":[{\"code\":\"7\"}]},"
        "\"referenceSeqId\":{\"coding\":[{\"code\":\"NC\"}]}}}";
    ck_assert_extracts(sequence, "chromosome-variant-coordinate", "[\"|7$1$2\",\"|7$3$4\"]");
    ck_assert_extracts(sequence, "referenceseqid-variant-coordinate", "[\"|NC$1$2\",\"|NC$3$4\"]");
}
END_TEST

START_TEST(contained_resources_stay_out)
{
    const char *observation =
        "{\"resourceType\":\"Observation\",\"contained\":[{\"resourceType\":\"Observation\","
        "\"id\":\"x\",\"status\":\"final\",\"code\":{\"coding\":[{\"code\":\"inner\"}]},"
        "\"meta\":{\"tag\":[{\"code\":\"t\"}]}}],\"code\":{\"coding\":[{\"code\":\"outer\"}]}}";
    ck_assert_extracts(observation, "code", "[\"|outer\"]");
    ck_assert_extracts(observation, "status", "");
    ck_assert_extracts(observation, "_tag", "");
}
END_TEST

START_TEST(meta_parameters)
{
    const char *basic =
        "{\"resourceType\":\"Basic\",\"meta\":{\"lastUpdated\":\"2020-01-01T00:00:00.123Z\","
        "\"profile\":[\"http://p\"],\"source\":\"http://s\",\"tag\":[{\"system\":\"t\","
        "\"code\":\"1\"}],\"security\":[{\"code\":\"R\"}]},\"language\":\"de\"}";
    ck_assert_extracts(basic, "_profile", "[\"http://p\"]");
    ck_assert_extracts(basic, "_source", "[\"http://s\"]");
    ck_assert_extracts(basic, "_tag", "[\"t|1\"]");
    ck_assert_extracts(basic, "_security", "[\"|R\"]");
    ck_assert_extracts(basic, "_lastUpdated",
                       "[\"2020-01-01T00:00:00.1230000Z..2020-01-01T00:00:00.1239999Z\"]");
}
END_TEST

START_TEST(odd_json_gives_nothing)
{
    static const char *const odd[] = {
        "{\"resourceType\":\"Observation\",\"code\":\"text\",\"subject\":[],\"status\":{}}",
        "{\"resourceType\":\"Observation\",\"code\":[[{\"coding\":[1]}]],\"subject\":true}",
        "{\"resourceType\":\"Observation\",\"code\":{\"coding\":{\"code\":\"no list\"}}}",
        "{\"resourceType\":\"Observation\",\"component\":{\"code\":3},\"valueQuantity\":7}",
        "{\"resourceType\":\"Observation\",\"effectiveDateTime\":\"2013-02-30\",\"meta\":4}",
    };
    for (size_t i = 0; i < FHS_COUNT_OF(odd); i++) {
        ck_assert_extracts(odd[i], "code", "");
        ck_assert_extracts(odd[i], "subject", "");
        ck_assert_extracts(odd[i], "status", "");
        ck_assert_extracts(odd[i], "date", "");
        ck_assert_extracts(odd[i], "value-quantity", "");
    }
}
END_TEST

START_TEST(what_is_no_resource_is_refused)
{
    static const char *const wrong[] = {"[]",
                                        "{}",
                                        "{\"resourceType\":1}",
                                        "{\"resourceType\":\"Nothing\"}",
                                        "{\"resourceType\":\"HumanName\"}",
                                        "{\"resourceType\":\"DomainResource\"}"};
    fhs_indexer *indexer = NULL;
    ck_assert_int_eq(fhs_indexer_new(fhs_fhir_get(FHS_FHIR_R4), &indexer, NULL), FHIRSTORE_OK);
    for (size_t i = 0; i < FHS_COUNT_OF(wrong); i++) {
        fhs_arena arena;
        fhs_entries entries = {NULL, 0, 0};
        const fhs_json *root = NULL;
        fhirstore_error *err = NULL;
        fhs_arena_init(&arena, EXTRACTS_MAX);
        ck_assert_int_eq(fhs_json_read(&arena, fhs_str_from_cstr(wrong[i]), NULL, &root, NULL),
                         FHIRSTORE_OK);
        ck_assert_int_eq(fhs_index_extract(indexer, TEST_BASE, root, &arena, &entries, &err),
                         FHIRSTORE_ERR_INVALID_RESOURCE);
        ck_assert_ptr_nonnull(err);
        fhs_error_free(err);
        fhs_arena_clear(&arena);
    }
    fhs_indexer_free(indexer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("index_extract");
    TCase *tests = tcase_create("constructs");
    tcase_add_test(tests, paths_through_lists);
    tcase_add_test(tests, choices_by_type);
    tcase_add_test(tests, bare_choices);
    tcase_add_test(tests, where_member_equals);
    tcase_add_test(tests, where_resolve_is);
    tcase_add_test(tests, references_keep_what_they_are);
    tcase_add_test(tests, truth_values);
    tcase_add_test(tests, first_of_a_list);
    tcase_add_test(tests, extension_values);
    tcase_add_test(tests, composites_root_by_root);
    tcase_add_test(tests, composites_reach_the_resource);
    tcase_add_test(tests, contained_resources_stay_out);
    tcase_add_test(tests, meta_parameters);
    tcase_add_test(tests, odd_json_gives_nothing);
    tcase_add_test(tests, what_is_no_resource_is_refused);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
