/* SPDX-License-Identifier: Apache-2.0 */
/* _summary and _elements: what comes of a resource, byte for byte. */
#include "store.h"

#define TAG                                                                      \
    "{\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ObservationValue\"," \
    "\"code\":\"SUBSETTED\"}"
#define NEW_META "\"meta\":{\"tag\":[" TAG "]}"

#define PATIENT                                                                            \
    "{\"resourceType\":\"Patient\",\"id\":\"a\",\"meta\":{\"versionId\":\"7\","            \
    "\"lastUpdated\":\"2020-01-01T00:00:00Z\"},\"text\":{\"status\":\"generated\","        \
    "\"div\":\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">x</div>\"},"                \
    "\"extension\":[{\"url\":\"http://e.org/a\",\"valueDecimal\":1.10}],"                  \
    "\"modifierExtension\":[{\"url\":\"http://e.org/m\",\"valueBoolean\":true}],"          \
    "\"active\":true,\"name\":[{\"id\":\"n1\",\"family\":\"\\u0041b\\/c\"},"               \
    "{\"extension\":[{\"url\":\"http://e.org/n\",\"valueCode\":\"x\"}]}],"                 \
    "\"birthDate\":\"1970\",\"_birthDate\":{\"extension\":[{\"url\":\"http://e.org/b\","   \
    "\"valueTime\":\"10:00:00\"}]},\"deceasedBoolean\":false,\"maritalStatus\":{\"text\":" \
    "\"M\"},\"contact\":[{\"name\":{\"family\":\"C\"}}],\"link\":[{\"other\":"             \
    "{\"reference\":\"Patient/b\"},\"type\":\"seealso\"}]}"
#define PATIENT_META \
    "\"meta\":{\"versionId\":\"7\",\"lastUpdated\":\"2020-01-01T00:00:00Z\",\"tag\":[" TAG "]}"
#define PATIENT_TEXT                                                                 \
    "\"text\":{\"status\":\"generated\",\"div\":\"<div xmlns=\\\"http://www.w3.org/" \
    "1999/xhtml\\\">x</div>\"}"
#define PATIENT_MODIFIERS                                                         \
    "\"modifierExtension\":[{\"url\":\"http://e.org/m\",\"valueBoolean\":true}]," \
    "\"active\":true"
#define PATIENT_BIRTH                                                                    \
    "\"birthDate\":\"1970\",\"_birthDate\":{\"extension\":[{\"url\":\"http://e.org/b\"," \
    "\"valueTime\":\"10:00:00\"}]}"

#define OBSERVATION                                                                        \
    "{\"resourceType\":\"Observation\",\"id\":\"a\",\"meta\":{\"tag\":[{\"code\":\"t\"}]," \
    "\"source\":\"http://e.org/s\"},\"status\":\"final\",\"code\":{\"text\":\"k\"},"       \
    "\"valueQuantity\":{\"value\":1.230e1,\"unit\":\"mg\"},\"note\":[{\"text\":\"n\"}],"   \
    "\"referenceRange\":[{\"text\":\"r\"}],\"component\":[{\"code\":{\"text\":\"c\"},"     \
    "\"valueQuantity\":{\"value\":0.00},\"referenceRange\":[{\"text\":\"q\"}],"            \
    "\"interpretation\":[{\"text\":\"i\"}]}]}"
#define OBSERVATION_HEAD                                                             \
    "{\"resourceType\":\"Observation\",\"id\":\"a\",\"meta\":{\"tag\":[{\"code\":"   \
    "\"t\"}," TAG "],\"source\":\"http://e.org/s\"},\"status\":\"final\",\"code\":{" \
    "\"text\":\"k\"}"

#define BINARY \
    "{\"resourceType\":\"Binary\",\"id\":\"a\",\"contentType\":\"a/b\",\"data\":\"AAAA\"}"

/* A modifier too: of two records of one person. */
#define PATIENT_LINK "\"link\":[{\"other\":{\"reference\":\"Patient/b\"},\"type\":\"seealso\"}]"

static const struct {
    const char *type;
    const char *query;
    const char *resource;
    const char *expected; /* NULL: as it is stored */
} rows[] = {
    {"Patient", "_summary=false", PATIENT, NULL},
    {"Patient", "_elements=", PATIENT, NULL},
    {"Patient", "_summary=true", PATIENT,
     "{\"resourceType\":\"Patient\",\"id\":\"a\"," PATIENT_META "," PATIENT_MODIFIERS
     ",\"name\":[{\"family\":\"\\u0041b\\/c\"}]," PATIENT_BIRTH ",\"deceasedBoolean\":false,"
     "\"link\":[{\"other\":{\"reference\":\"Patient/b\"},\"type\":\"seealso\"}]}"},
    {"Patient", "_summary=text", PATIENT,
     "{\"resourceType\":\"Patient\",\"id\":\"a\"," PATIENT_META "," PATIENT_TEXT "}"},
    {"Patient", "_summary=data",
     "{\"resourceType\":\"Patient\",\"id\":\"a\"," PATIENT_TEXT
     ",\"language\":\"de\",\"gender\":\"male\"}",
     "{\"resourceType\":\"Patient\"," NEW_META ",\"id\":\"a\",\"language\":\"de\","
     "\"gender\":\"male\"}"},
    {"Patient", "_elements=birthDate,nonsense,name.family", PATIENT,
     "{\"resourceType\":\"Patient\",\"id\":\"a\"," PATIENT_META "," PATIENT_MODIFIERS
     "," PATIENT_BIRTH ",\"deceasedBoolean\":false," PATIENT_LINK "}"},
    {"Patient", "_elements=text", PATIENT,
     "{\"resourceType\":\"Patient\",\"id\":\"a\"," PATIENT_META "," PATIENT_TEXT
     "," PATIENT_MODIFIERS ",\"deceasedBoolean\":false," PATIENT_LINK "}"},
    {"Patient", "_elements=name&_elements=maritalStatus",
     "{\"resourceType\":\"Patient\",\"id\":\"a\",\"name\":[{\"text\":\"n\"}],\"gender\":\"male\","
     "\"maritalStatus\":{\"text\":\"M\"}}",
     "{\"resourceType\":\"Patient\"," NEW_META ",\"id\":\"a\",\"name\":[{\"text\":\"n\"}],"
     "\"maritalStatus\":{\"text\":\"M\"}}"},
    /* A summary of nothing is left out. */
    {"Patient", "_summary=true",
     "{\"resourceType\":\"Patient\",\"id\":\"a\",\"name\":[{\"id\":\"n\"}],\"address\":[]}",
     "{\"resourceType\":\"Patient\"," NEW_META ",\"id\":\"a\"}"},
    {"Observation", "_summary=true", OBSERVATION,
     OBSERVATION_HEAD
     ",\"valueQuantity\":{\"value\":1.230e1,\"unit\":\"mg\"},\"component\":[{\"code\":{\"text\":"
     "\"c\"},\"valueQuantity\":{\"value\":0.00}}]}"},
    {"Observation", "_summary=text", OBSERVATION, OBSERVATION_HEAD "}"},
    {"Observation", "_elements=value", OBSERVATION,
     OBSERVATION_HEAD ",\"valueQuantity\":{\"value\":1.230e1,\"unit\":\"mg\"}}"},
    {"Observation", "_elements=value%5Bx%5D", OBSERVATION,
     OBSERVATION_HEAD ",\"valueQuantity\":{\"value\":1.230e1,\"unit\":\"mg\"}}"},
    {"Observation", "_elements=valueQuantity,valueString,code[x]", OBSERVATION,
     OBSERVATION_HEAD ",\"valueQuantity\":{\"value\":1.230e1,\"unit\":\"mg\"}}"},
    {"Observation", "_elements=valueString", OBSERVATION, OBSERVATION_HEAD "}"},
    /* A required element that only an extension stands for. */
    {"Observation", "_summary=text",
     "{\"resourceType\":\"Observation\",\"id\":\"a\",\"_status\":{\"extension\":[{\"url\":"
     "\"http://e.org/d\",\"valueCode\":\"unknown\"}]},\"code\":{\"text\":\"k\"},"
     "\"issued\":\"2020-01-01T00:00:00Z\"}",
     "{\"resourceType\":\"Observation\"," NEW_META ",\"id\":\"a\",\"_status\":{\"extension\":["
     "{\"url\":\"http://e.org/d\",\"valueCode\":\"unknown\"}]},\"code\":{\"text\":\"k\"}}"},
    /* Somebody has marked it before. */
    {"Patient", "_elements=gender",
     "{\"resourceType\":\"Patient\",\"id\":\"a\",\"meta\":{\"tag\":[" TAG "]},\"gender\":\"male\"}",
     "{\"resourceType\":\"Patient\",\"id\":\"a\",\"meta\":{\"tag\":[" TAG
     "]},\"gender\":\"male\"}"},
    /* Resources inside a resource are summed up each by its own type. */
    {"Bundle", "_summary=true",
     "{\"resourceType\":\"Bundle\",\"id\":\"a\",\"type\":\"collection\",\"entry\":[{\"fullUrl\":"
     "\"urn:uuid:1\",\"resource\":{\"resourceType\":\"Patient\",\"id\":\"b\",\"gender\":\"male\","
     "\"maritalStatus\":{\"text\":\"M\"}}}]}",
     "{\"resourceType\":\"Bundle\"," NEW_META ",\"id\":\"a\",\"type\":\"collection\",\"entry\":[{"
     "\"fullUrl\":\"urn:uuid:1\",\"resource\":{\"resourceType\":\"Patient\"," NEW_META
     ",\"id\":\"b\",\"gender\":\"male\"}}]}"},
    {"Binary", "_elements=nonsense", BINARY,
     "{\"resourceType\":\"Binary\"," NEW_META ",\"id\":\"a\",\"contentType\":\"a/b\"}"},
};

START_TEST(parts_of_resources)
{
    store box;
    found f;
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 20);
    char expected[4096];
    store_open(&box);
    store_begin(&box);
    store_put(&box, rows[_i].resource);
    store_commit(&box);
    /* A parameter without a value is left out by the lenient only. */
    bool is_empty = fhs_str_ends_with(fhs_str_from_cstr(rows[_i].query), FHS_LIT("="));
    ck_assert_ok(found_try(&box, rows[_i].type, rows[_i].query, is_empty, &f, &err));
    ck_assert_ok(fhs_search_write_bundle(f.search, fhs_str_from_cstr(rows[_i].type), &out, &err));
    (void)snprintf(expected, sizeof(expected), "\"resource\":%s,\"search\":{\"mode\":\"match\"}}",
                   rows[_i].expected == NULL ? rows[_i].resource : rows[_i].expected);
    ck_assert_msg(strstr(out.ptr, expected) != NULL, "%s?%s: %s", rows[_i].type, rows[_i].query,
                  out.ptr);
    found_close(&f);
    fhs_buf_clear(&out);
    store_close(&box);
}
END_TEST

START_TEST(links_keep_what_was_asked_for)
{
    store box;
    found f;
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 20);
    store_open(&box);
    store_begin(&box);
    store_put(&box, "{\"resourceType\":\"Patient\",\"id\":\"a\"}");
    store_put(&box, "{\"resourceType\":\"Patient\",\"id\":\"b\"}");
    store_commit(&box);
    ck_assert_ok(found_try(&box, "Patient", "_summary=data&_count=1", false, &f, &err));
    ck_assert_ok(fhs_search_write_bundle(f.search, FHS_LIT("Patient"), &out, &err));
    ck_assert_ptr_nonnull(strstr(out.ptr, "/Patient?_summary=data&_count=1&_page="));
    ck_assert_ptr_null(strstr(out.ptr, "\"id\":\"b\""));
    found_close(&f);
    fhs_buf_clear(&out);
    store_close(&box);
}
END_TEST

START_TEST(both_at_once_are_refused)
{
    store box;
    found f;
    fhirstore_error *error = NULL;
    store_open(&box);
    ck_assert_int_eq(found_try(&box, "Patient", "_summary=true&_elements=name", true, &f, &error),
                     FHIRSTORE_ERR_QUERY);
    ck_assert_ptr_nonnull(strstr(fhs_error_message(error), "_summary"));
    ck_assert_ptr_nonnull(strstr(fhs_error_message(error), "_elements"));
    fhs_error_free(error);
    found_close(&f);
    store_close(&box);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("search/subset");
    TCase *tests = tcase_create("subset");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, parts_of_resources, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tests, links_keep_what_was_asked_for);
    tcase_add_test(tests, both_at_once_are_refused);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
