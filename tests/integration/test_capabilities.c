/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metadata: valid, true, and the same bytes for the same store. */
#include <stdio.h>

#include "harness.h"

static reply metadata(void)
{
    return ask("GET", "metadata", NULL, NULL);
}

/* The place of what has @a value at @a member, in the list at @a path; the test fails without it.
 */
static int place_in(const reply *answer, const char *path, const char *member, const char *value)
{
    char at[128];
    for (int i = 0; i < items_at(answer, path); i++) {
        (void)snprintf(at, sizeof at, "%s.%d.%s", path, i, member);
        const char *text = text_at(answer, at);
        if (text != NULL && strcmp(text, value) == 0) {
            return i;
        }
    }
    ck_abort_msg("%s has no %s %s", path, member, value);
    return -1;
}

/* "rest.0.resource.17.searchParam" of a type. */
static const char *of_type(const reply *answer, const char *type, const char *member)
{
    static char path[4][128];
    static unsigned turn;
    char *out = path[turn++ % 4];
    (void)snprintf(out, sizeof path[0], "rest.0.resource.%d.%s",
                   place_in(answer, "rest.0.resource", "type", type), member);
    return out;
}

static void expect_at(const reply *answer, const char *path, const char *want)
{
    expect_text(*answer, path, want);
}

/* Whether its own $validate has anything to say of it. */
static void expect_valid(const char *url, const char *type)
{
    char address[64];
    const reply answer = ask("GET", url, NULL, NULL);
    expect_http(answer, 200);
    expect_text(answer, "resourceType", type);
    static const char head[] = "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":"
                               "\"resource\",\"resource\":";
    char *body = malloc(sizeof head + answer.body_len + 8);
    ck_assert_ptr_nonnull(body);
    (void)sprintf(body, "%s%s}]}", head, answer.body);
    (void)snprintf(address, sizeof address, "%s/$validate", type);
    const reply verdict = ask("POST", address, NULL, body);
    free(body);
    expect_http(verdict, 200);
    ck_assert_msg(items_at(&verdict, "issue") == 1, "%s", verdict.body);
    expect_text(verdict, "issue.0.diagnostics", "All OK");
}

static const struct {
    int32_t version;
    const char *number;
} versions[] = {
    {FHIRSTORE_FHIR_R4, "4.0.1"},
    {FHIRSTORE_FHIR_R4B, "4.3.0"},
    {FHIRSTORE_FHIR_R5, "5.0.0"},
};

START_TEST(it_is_valid_in_each_version)
{
    fhirstore_error *error = NULL;
    fhirstore_open_options options = open_options();
    options.fhir_version = versions[_i].version;
    fhirstore_status status = fhirstore_open(store_path, strlen(store_path), &options, &store,
                                             &error);
    fhirstore_error_free(error);
    if (status == FHIRSTORE_ERR_NOT_SUPPORTED) {
        return; /* not built in */
    }
    ck_assert_int_eq(status, FHIRSTORE_OK);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "tester");
    expect_valid("metadata", "CapabilityStatement");
    expect_valid("metadata?mode=terminology", "TerminologyCapabilities");
    const reply answer = metadata();
    expect_text(answer, "fhirVersion", versions[_i].number);
    const char *patch = of_type(&answer, "Patient", "conditionalPatch");
    if (versions[_i].version == FHIRSTORE_FHIR_R5) {
        expect_at(&answer, patch, "true");
    } else {
        expect_nothing_at(answer, patch);
    }
}
END_TEST

START_TEST(it_tells_what_there_is)
{
    const reply answer = metadata();
    expect_text(answer, "rest.0.security.service.0.coding.0.code", "SMART-on-FHIR");
    ck_assert_ptr_nonnull(text_at(&answer, "rest.0.security.description"));
    expect_at(&answer, of_type(&answer, "Patient", "versioning"), "versioned-update");
    expect_at(&answer, of_type(&answer, "Patient", "readHistory"), "true");
    expect_at(&answer, of_type(&answer, "Patient", "updateCreate"), "true");
    expect_at(&answer, of_type(&answer, "Patient", "conditionalCreate"), "true");
    expect_at(&answer, of_type(&answer, "Patient", "conditionalRead"), "full-support");
    expect_at(&answer, of_type(&answer, "Patient", "conditionalUpdate"), "true");
    expect_at(&answer, of_type(&answer, "Patient", "conditionalDelete"), "multiple");
    expect_at(&answer, of_type(&answer, "Patient", "profile"),
              "http://hl7.org/fhir/StructureDefinition/Patient");
    (void)place_in(&answer, of_type(&answer, "Patient", "interaction"), "code", "patch");
    (void)place_in(&answer, of_type(&answer, "Patient", "searchParam"), "name", "birthdate");
    (void)place_in(&answer, "rest.0.interaction", "code", "transaction");
    ck_assert_int_eq(items_at(&answer, "patchFormat"), 3);
    static const char *const operations[][3] = {
        {"Patient", "everything", "http://hl7.org/fhir/OperationDefinition/Patient-everything"},
        {"Observation", "validate", "http://hl7.org/fhir/OperationDefinition/Resource-validate"},
        {"ValueSet", "expand", "http://hl7.org/fhir/OperationDefinition/ValueSet-expand"},
        {"Patient", "diff", "urn:libfhirstore:operation:diff"},
    };
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        char path[160];
        const char *list = of_type(&answer, operations[i][0], "operation");
        (void)snprintf(path, sizeof path, "%s.%d.definition", list,
                       place_in(&answer, list, "name", operations[i][1]));
        expect_text(answer, path, operations[i][2]);
    }
}
END_TEST

/* ---- entity tags ---- */

START_TEST(the_same_store_has_the_same_tag)
{
    char header[128];
    const reply first = metadata();
    const reply second = metadata();
    const char *tag = header_of(&first, "ETag");
    ck_assert_ptr_nonnull(tag);
    ck_assert_str_eq(tag, header_of(&second, "ETag"));
    (void)snprintf(header, sizeof header, "If-None-Match: W/\"x\", %s", tag);
    reply answer = ask("GET", "metadata", header, NULL);
    expect_http(answer, 304);
    ck_assert_uint_eq(answer.body_len, 0);
    ck_assert_str_eq(header_of(&answer, "ETag"), tag);
    (void)snprintf(header, sizeof header, "If-None-Match: %s", tag + 2); /* strong, without W/ */
    expect_http(ask("GET", "metadata", header, NULL), 304);
    expect_http(ask("GET", "metadata", "If-None-Match: *", NULL), 304);
    expect_http(ask("GET", "metadata", "If-None-Match: W/\"x\"", NULL), 200);
    expect_http(ask("GET", "metadata", "If-None-Match: \"", NULL), 200);
    answer = ask("HEAD", "metadata", NULL, NULL);
    expect_http(answer, 200);
    ck_assert_str_eq(header_of(&answer, "ETag"), tag);
}
END_TEST

#define NICK                                                                            \
    "{\"resourceType\":\"SearchParameter\",\"id\":\"nick\",\"url\":\"http://e.org/"     \
    "nick\",\"name\":"                                                                  \
    "\"Nick\",\"status\":\"active\",\"description\":\"d\",\"code\":\"nick\",\"base\":[" \
    "\"Patient\"],"                                                                     \
    "\"type\":\"string\",\"expression\":\"Patient.name.given\"}"

START_TEST(a_parameter_of_the_store_is_there_and_tells_whether_it_is_ready)
{
    char path[160];
    expect_http(ask("POST", "Patient", NULL, "{\"resourceType\":\"Patient\"}"), 201);
    const reply before = metadata();
    expect_http(ask("PUT", "SearchParameter/nick", NULL, NICK), 201);
    const reply pending = metadata();
    ck_assert_str_ne(header_of(&before, "ETag"), header_of(&pending, "ETag"));
    const char *list = of_type(&pending, "Patient", "searchParam");
    int place = place_in(&pending, list, "name", "nick");
    (void)snprintf(path, sizeof path, "%s.%d.definition", list, place);
    expect_text(pending, path, "http://e.org/nick");
    (void)snprintf(path, sizeof path, "%s.%d.documentation", list, place);
    ck_assert_ptr_nonnull(text_at(&pending, path));
    ck_assert_int_eq(strncmp(text_at(&pending, path), "Not ready", 9), 0);
    ck_assert_int_ge(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_OK);
    const reply ready = metadata();
    ck_assert_str_ne(header_of(&ready, "ETag"), header_of(&pending, "ETag"));
    expect_nothing_at(ready, path);
    expect_valid("metadata", "CapabilityStatement");
}
END_TEST

/* ---- what the address asks for ---- */

START_TEST(the_address_may_ask_for_less)
{
    const reply whole = metadata();
    const reply normative = ask("GET", "metadata?mode=normative", NULL, NULL);
    ck_assert_str_eq(whole.body, normative.body);
    expect_http(ask("GET", "metadata?mode=full", NULL, NULL), 200);
    const reply refused = ask("GET", "metadata?mode=half", NULL, NULL);
    expect_http(refused, 400);
    expect_text(refused, "issue.0.diagnostics", "mode expects full, normative or terminology");
    const reply summary = ask("GET", "metadata?_summary=true", NULL, NULL);
    expect_http(summary, 200);
    ck_assert_uint_lt(summary.body_len, whole.body_len);
    expect_text(summary, "meta.tag.0.code", "SUBSETTED");
    const reply elements = ask("GET", "metadata?_elements=software", NULL, NULL);
    expect_text(elements, "software.name", "libfhirstore");
    expect_nothing_at(elements, "rest");
    expect_http(ask("GET", "metadata?_summary=some", NULL, NULL), 400);
}
END_TEST

/* ---- other stores ---- */

static void open_another(uint32_t flags, int32_t integrity, const char *no_history)
{
    fhirstore_open_options options = open_options();
    fhirstore_session_close(session);
    fhirstore_close(store);
    options.flags = flags;
    options.integrity = integrity;
    options.no_history = no_history;
    options.no_history_len = no_history == NULL ? 0 : strlen(no_history);
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "tester");
}

START_TEST(it_follows_how_the_store_was_opened)
{
    reply answer = metadata();
    ck_assert_int_eq(items_at(&answer, of_type(&answer, "Patient", "referencePolicy")), 4);
    open_another(0, FHIRSTORE_INTEGRITY_ON_WRITE, "Observation");
    answer = metadata();
    ck_assert_int_eq(items_at(&answer, of_type(&answer, "Patient", "referencePolicy")), 5);
    ck_assert(has_text(&answer, "\"enforced\""));
    expect_at(&answer, of_type(&answer, "Observation", "readHistory"), "false");
    expect_at(&answer, of_type(&answer, "Patient", "readHistory"), "true");
    open_another(FHIRSTORE_OPEN_READ_ONLY, FHIRSTORE_INTEGRITY_OFF, NULL);
    answer = metadata();
    ck_assert_int_eq(items_at(&answer, of_type(&answer, "Patient", "interaction")), 5);
    ck_assert(!has_text(&answer, "\"transaction\""));
    ck_assert(!has_text(&answer, "\"meta-add\""));
    expect_at(&answer, of_type(&answer, "Patient", "conditionalDelete"), "not-supported");
    expect_valid("metadata", "CapabilityStatement");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("capabilities");
    TCase *version_case = tcase_create("versions");
    tcase_set_timeout(version_case, 60);
    tcase_add_checked_fixture(version_case, setup_folder, teardown);
    tcase_add_loop_test(version_case, it_is_valid_in_each_version, 0,
                        (int)(sizeof versions / sizeof *versions));
    suite_add_tcase(suite, version_case);
    TCase *rest_case = tcase_create("r4");
    tcase_set_timeout(rest_case, 60);
    tcase_add_checked_fixture(rest_case, setup_store, teardown);
    tcase_add_test(rest_case, it_tells_what_there_is);
    tcase_add_test(rest_case, the_same_store_has_the_same_tag);
    tcase_add_test(rest_case, a_parameter_of_the_store_is_there_and_tells_whether_it_is_ready);
    tcase_add_test(rest_case, the_address_may_ask_for_less);
    tcase_add_test(rest_case, it_follows_how_the_store_was_opened);
    suite_add_tcase(suite, rest_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
