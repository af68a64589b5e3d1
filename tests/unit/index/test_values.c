/* SPDX-License-Identifier: Apache-2.0 */
/* Every data type as every parameter type. */
#include "extracts.h"

#define DAY(day) day "T00:00:00.0000000Z.." day "T23:59:59.9999999Z"

START_TEST(tokens)
{
#define PATIENT(text) "{\"resourceType\":\"Patient\"," text "}"
    ck_assert_extracts(PATIENT("\"gender\":\"male\""), "gender",
                       "[\"http://hl7.org/fhir/administrative-gender|male\"]");
    ck_assert_extracts(PATIENT("\"gender\":\"nonsense\""), "gender", "[\"|nonsense\"]");
    ck_assert_extracts(PATIENT("\"active\":false"), "active", "[\"|false\"]");
    ck_assert_extracts(PATIENT("\"identifier\":[{\"system\":\"s\",\"value\":\"V\"},"
                               "{\"value\":\"w\"},{\"system\":\"only\"},{\"use\":\"old\"}]"),
                       "identifier", "[\"only|\",\"s|V\",\"|w\"]");
    ck_assert_extracts(PATIENT("\"identifier\":[{\"value\":\"1\",\"type\":{\"coding\":"
                               "[{\"system\":\"t\",\"code\":\"MR\"}]}}]"),
                       "identifier", "[\"|1\"]");
    ck_assert_extracts(PATIENT("\"telecom\":[{\"value\":\"1\"},{\"system\":\"fax\"}]"), "telecom",
                       "[\"|1\"]");
    ck_assert_extracts("{\"resourceType\":\"Condition\",\"code\":{\"text\":\"words only\"}}",
                       "code", "[\"|\"]");
    ck_assert_extracts("{\"resourceType\":\"Condition\",\"code\":{\"coding\":[{\"system\":\"s\"},"
                       "{\"display\":\"d\"},{}],\"text\":\"t\"}}",
                       "code", "[\"s|\",\"|\"]");
    ck_assert_extracts("{\"resourceType\":\"ValueSet\",\"version\":\"1\"}", "version", "[\"|1\"]");
}
END_TEST

START_TEST(strings)
{
    ck_assert_extracts(PATIENT("\"address\":[{\"text\":\"T\",\"line\":[\"L1\",\"L2\"],"
                               "\"city\":\"C\",\"state\":\"S\",\"postalCode\":\"P\","
                               "\"country\":\"X\",\"district\":\"D\",\"use\":\"home\"}]"),
                       "address", "[\"C\",\"D\",\"L1\",\"L2\",\"P\",\"S\",\"T\",\"X\"]");
    ck_assert_extracts(PATIENT("\"name\":[{\"text\":\"T\",\"prefix\":[\"Dr\"],"
                               "\"suffix\":[\"jr\"],\"use\":\"usual\"}]"),
                       "name", "[\"Dr\",\"T\",\"jr\"]");
    ck_assert_extracts("{\"resourceType\":\"ValueSet\",\"description\":\"**md**\"}", "description",
                       "[\"**md**\"]");
    ck_assert_extracts_in(FHS_FHIR_R5,
                          "{\"resourceType\":\"Composition\",\"section\":[{\"text\":{\"div\":"
                          "\"<div><p>A</p>b</div>\"}}]}",
                          "section-text", "[\"A b\"]");
}
END_TEST

START_TEST(dates)
{
    ck_assert_extracts(PATIENT("\"birthDate\":\"1974-12-25\""), "birthdate",
                       "[\"" DAY("1974-12-25") "\"]");
#define PERFORMED(text) "{\"resourceType\":\"Procedure\",\"performed" text "}"
    ck_assert_extracts(PERFORMED("DateTime\":\"2013-01-14T10:00:00.5000001+02:00\""), "date",
                       "[\"2013-01-14T08:00:00.5000001Z..2013-01-14T08:00:00.5000001Z\"]");
    ck_assert_extracts(PERFORMED("Period\":{\"start\":\"2013-01-14\"}"), "date",
                       "[\"2013-01-14T00:00:00.0000000Z..\"]");
    ck_assert_extracts(PERFORMED("Period\":{}"), "date", "");
    ck_assert_extracts(PERFORMED("Age\":{\"value\":3}"), "date", "");
#define OCCURRENCE(text) "{\"resourceType\":\"ServiceRequest\",\"occurrenceTiming\":{" text "}}"
    ck_assert_extracts(OCCURRENCE("\"event\":[\"2013-01-03\",\"2013-01-01\",\"bad\"]"),
                       "occurrence",
                       "[\"2013-01-01T00:00:00.0000000Z..2013-01-03T23:59:59.9999999Z\"]");
    ck_assert_extracts(OCCURRENCE("\"repeat\":{\"boundsPeriod\":{\"start\":\"2013-01-01\"}}"),
                       "occurrence", "[\"2013-01-01T00:00:00.0000000Z..\"]");
    ck_assert_extracts(OCCURRENCE("\"repeat\":{\"frequency\":1}"), "occurrence", "");
}
END_TEST

START_TEST(numbers)
{
#define RISK(text) "{\"resourceType\":\"RiskAssessment\",\"prediction\":[{\"probability" text "}]}"
    ck_assert_extracts(RISK("Decimal\":0.50"), "probability", "[\"0.50\"]");
    ck_assert_extracts(RISK("Range\":{\"low\":{\"value\":1},\"high\":{\"value\":2}}"),
                       "probability", "[\"1..2\"]");
    ck_assert_extracts(RISK("Range\":{\"high\":{\"value\":2}}"), "probability", "[\"..2\"]");
    ck_assert_extracts(RISK("Range\":{}"), "probability", "");
    ck_assert_extracts_in(FHS_FHIR_R5,
                          "{\"resourceType\":\"ResearchStudy\",\"recruitment\":"
                          "{\"targetNumber\":12}}",
                          "recruitment-target", "[\"12\"]");
}
END_TEST

START_TEST(quantities)
{
#define VALUE(text) "{\"resourceType\":\"Observation\",\"value" text "}"
#define UCUM        "\"system\":\"http://unitsofmeasure.org\",\"code\":\"mg\""
    ck_assert_extracts(VALUE("Quantity\":{\"value\":5.40," UCUM ",\"unit\":\"milli\"}"),
                       "value-quantity", "[\"5.40|http://unitsofmeasure.org|mg\"]");
    ck_assert_extracts(VALUE("Quantity\":{\"value\":5,\"unit\":\"pills\"}"), "value-quantity",
                       "[\"5||pills\"]");
    ck_assert_extracts(VALUE("Quantity\":{\"value\":5,\"comparator\":\"<\"}"), "value-quantity",
                       "[\"..<5||\"]");
    ck_assert_extracts(VALUE("Quantity\":{\"value\":5,\"comparator\":\"<=\"}"), "value-quantity",
                       "[\"..5||\"]");
    ck_assert_extracts(VALUE("Quantity\":{\"value\":5,\"comparator\":\">\"}"), "value-quantity",
                       "[\">5..||\"]");
    ck_assert_extracts(VALUE("Quantity\":{\"value\":5,\"comparator\":\">=\"}"), "value-quantity",
                       "[\"5..||\"]");
    ck_assert_extracts(VALUE("Quantity\":{\"unit\":\"mg\"}"), "value-quantity", "");
    ck_assert_extracts(VALUE("SampledData\":{\"origin\":{\"value\":10,\"unit\":\"mV\"},"
                             "\"factor\":0.5,\"data\":\"2 E -4 U\",\"upperLimit\":20}"),
                       "value-quantity", "[\"8.0..20.0||mV\"]");
    ck_assert_extracts("{\"resourceType\":\"Condition\",\"onsetAge\":{\"value\":40,\"code\":\"a\","
                       "\"system\":\"http://unitsofmeasure.org\"}}",
                       "onset-age", "[\"40|http://unitsofmeasure.org|a\"]");
    ck_assert_extracts("{\"resourceType\":\"Condition\",\"onsetRange\":{\"low\":{\"value\":4,"
                       "\"unit\":\"y\"},\"high\":{\"value\":6,\"unit\":\"y\"}}}",
                       "onset-age", "[\"4..6||y\"]");
    ck_assert_extracts("{\"resourceType\":\"Invoice\",\"totalNet\":{\"value\":48.00,\"currency\":"
                       "\"EUR\"}}",
                       "totalnet", "[\"48.00|urn:iso:std:iso:4217|EUR\"]");
}
END_TEST

START_TEST(uris_and_canonicals)
{
    ck_assert_extracts("{\"resourceType\":\"ValueSet\",\"url\":\"http://v|1\"}", "url",
                       "[\"http://v|1\"]");
    ck_assert_extracts("{\"resourceType\":\"QuestionnaireResponse\",\"questionnaire\":"
                       "\"http://q|2\"}",
                       "questionnaire", "[\"http://q|2\"]");
    const char *map = "{\"resourceType\":\"ConceptMap\",\"sourceUri\":\"http://s\","
                      "\"targetCanonical\":\"http://t\"}";
    ck_assert_extracts(map, "source-uri", "[\"http://s\"]");
    ck_assert_extracts(map, "source", "");
    /* A canonical is a uri too. */
    ck_assert_extracts(map, "target-uri", "[\"http://t\"]");
    ck_assert_extracts(map, "target", "[\"http://t\"]");
}
END_TEST

START_TEST(positions)
{
#define POSITION(text) "{\"resourceType\":\"Location\",\"position\":{" text "}}"
    ck_assert_extracts(POSITION("\"longitude\":-83.69471,\"latitude\":42.2565000001"), "near",
                       "[\"42.2565,-83.69471\"]");
    ck_assert_extracts(POSITION("\"longitude\":181,\"latitude\":0"), "near", "");
    ck_assert_extracts(POSITION("\"longitude\":1"), "near", "");
}
END_TEST

/* What the lines do not show. */
START_TEST(derived_entries)
{
    const char *text =
        "{\"resourceType\":\"Observation\",\"identifier\":[{\"value\":\"1\",\"type\":"
        "{\"coding\":[{\"system\":\"t\",\"code\":\"MR\"}]}}],"
        "\"valueQuantity\":{\"value\":5," UCUM "}}";
    fhs_arena arena;
    fhs_entries entries = {NULL, 0, 0};
    const fhs_json *root = NULL;
    fhs_indexer *indexer = NULL;
    fhs_arena_init(&arena, EXTRACTS_MAX);
    ck_assert_int_eq(fhs_indexer_new(fhs_fhir_get(FHS_FHIR_R4), &indexer, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_json_read(&arena, fhs_str_from_cstr(text), NULL, &root, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhs_index_extract(indexer, TEST_BASE, root, &arena, &entries, NULL),
                     FHIRSTORE_OK);
    size_t canonical = 0;
    size_t of_type = 0;
    for (size_t i = 0; i < entries.count; i++) {
        const fhs_entry *entry = &entries.items[i];
        if (entry->is_canonical) {
            fhs_decimal grams;
            ck_assert(fhs_decimal_parse(FHS_LIT("0.005"), &grams));
            ck_assert_int_eq(fhs_decimal_compare(&entry->low, &grams), 0);
            ck_assert_view_eq(entry->code, FHS_LIT("g"));
            canonical++;
        }
        if (entry->kind == FHS_ROW_COMPOSITE) {
            ck_assert_uint_eq(entry->part_count, 2);
            ck_assert_view_eq(entry->parts[0].system, FHS_LIT("t"));
            ck_assert_view_eq(entry->parts[0].code, FHS_LIT("MR"));
            ck_assert_view_eq(entry->parts[1].code, FHS_LIT("1"));
            of_type++;
        }
    }
    ck_assert_uint_eq(canonical, 2); /* value-quantity and combo-value-quantity */
    ck_assert_uint_eq(of_type, 1);
    fhs_indexer_free(indexer);
    fhs_arena_clear(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("index_values");
    TCase *tests = tcase_create("types");
    tcase_add_test(tests, tokens);
    tcase_add_test(tests, strings);
    tcase_add_test(tests, dates);
    tcase_add_test(tests, numbers);
    tcase_add_test(tests, quantities);
    tcase_add_test(tests, uris_and_canonicals);
    tcase_add_test(tests, positions);
    tcase_add_test(tests, derived_entries);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
