/* SPDX-License-Identifier: Apache-2.0 */
/* Structs that may grow: initialisers, layouts, callers that are older or newer than the library.
 */
#include <stdio.h>

#include "harness.h"

#define EXPECT_SAME_INIT(type, macro)                                                       \
    do {                                                                                    \
        type by_macro;                                                                      \
        type by_function;                                                                   \
        const type start = macro;                                                           \
        memset(&by_macro, 0, sizeof by_macro);                                              \
        memcpy(&by_macro, &start, sizeof start);                                            \
        memset(&by_function, 0xaa, sizeof by_function);                                     \
        ck_assert_int_eq(type##_init(&by_function, sizeof by_function), FHIRSTORE_OK);      \
        ck_assert_mem_eq(&by_macro, &by_function, sizeof by_macro);                         \
        ck_assert_uint_eq(by_function.struct_size, sizeof by_function);                     \
        ck_assert_int_eq(type##_init(NULL, sizeof by_function), FHIRSTORE_ERR_INVALID_ARG); \
        ck_assert_int_eq(type##_init(&by_function, 4), FHIRSTORE_ERR_ABI);                  \
        ck_assert_int_eq(type##_init(&by_function, (size_t)1 << 20), FHIRSTORE_ERR_ABI);    \
    } while (0)

START_TEST(the_macros_say_what_the_functions_say)
{
    EXPECT_SAME_INIT(fhirstore_open_options, FHIRSTORE_OPEN_OPTIONS_INIT);
    EXPECT_SAME_INIT(fhirstore_session_options, FHIRSTORE_SESSION_OPTIONS_INIT);
    EXPECT_SAME_INIT(fhirstore_fhirpath_options, FHIRSTORE_FHIRPATH_OPTIONS_INIT);
    EXPECT_SAME_INIT(fhirstore_maintain_options, FHIRSTORE_MAINTAIN_OPTIONS_INIT);
    EXPECT_SAME_INIT(fhirstore_write_options, FHIRSTORE_WRITE_OPTIONS_INIT);
    EXPECT_SAME_INIT(fhirstore_import_options, FHIRSTORE_IMPORT_OPTIONS_INIT);
    EXPECT_SAME_INIT(fhirstore_export_options, FHIRSTORE_EXPORT_OPTIONS_INIT);
}
END_TEST

/* Offset and size as 64 and 32 bit have them: what bindings write down. */
#define PLACE(type, member, at64, at32)                                               \
    _Static_assert(offsetof(type, member) == (sizeof(void *) == 8 ? (at64) : (at32)), \
                   #type "." #member " moved")

PLACE(fhirstore_open_options, flags, 4, 4);
PLACE(fhirstore_open_options, key, 8, 8);
PLACE(fhirstore_open_options, cache_bytes, 72, 40);
PLACE(fhirstore_open_options, fhir_version, 80, 48);
PLACE(fhirstore_open_options, journal, 100, 68);
PLACE(fhirstore_session_options, principal, 8, 8);
PLACE(fhirstore_session_options, request_id_len, 48, 28);
PLACE(fhirstore_fhirpath_options, variables, 8, 8);
PLACE(fhirstore_fhirpath_options, max_steps, 32, 24);
PLACE(fhirstore_maintain_options, progress, 8, 8);
PLACE(fhirstore_maintain_options, max_resources, 24, 16);
PLACE(fhirstore_maintain_options, per_commit, 36, 28);
PLACE(fhirstore_write_options, if_version, 8, 8);
PLACE(fhirstore_import_options, refused, 8, 8);
PLACE(fhirstore_import_options, per_commit, 32, 20);
PLACE(fhirstore_export_options, type, 8, 8);
PLACE(fhirstore_export_options, since_us, 24, 16);
PLACE(fhirstore_import_totals, documents, 8, 8);
PLACE(fhirstore_import_totals, bytes, 40, 40);
PLACE(fhirstore_issue, severity, 8, 8);
PLACE(fhirstore_issue, expression, 32, 20);
PLACE(fhirstore_location, line, 4, 4);
PLACE(fhirstore_location, offset, 8, 8);
PLACE(fhirstore_location, entry, 20, 20);
PLACE(fhirstore_header, value_len, 24, 12);
PLACE(fhirstore_fhirpath_variable, value_len, 24, 12);

/* A caller built against a later header, whose struct has more behind. */
typedef struct newer_totals {
    fhirstore_import_totals known;
    int64_t unknown;
} newer_totals;

START_TEST(totals_fit_into_what_the_caller_has)
{
    fhirstore_import *import;
    newer_totals newer;
    ck_assert_int_eq(fhirstore_import_open(session, NULL, &import, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(
        fhirstore_import_add(import, "a", 0, FHIRSTORE_LIT("{\"resourceType\":\"Patient\"}"), NULL),
        FHIRSTORE_OK);
    memset(&newer, 0x55, sizeof newer);
    newer.known.struct_size = sizeof newer;
    ck_assert_int_eq(fhirstore_import_get_totals(import, &newer.known), FHIRSTORE_OK);
    ck_assert_int_eq(newer.known.resources, 1);
    ck_assert_int_eq(newer.unknown, 0);
    ck_assert_uint_eq(newer.known.struct_size, sizeof newer);
    memset(&newer, 0x55, sizeof newer);
    newer.known.struct_size = sizeof newer.known;
    ck_assert_int_eq(fhirstore_import_get_totals(import, &newer.known), FHIRSTORE_OK);
    ck_assert_int_eq(newer.unknown, INT64_C(0x5555555555555555));
    newer.known.struct_size = 0;
    newer.known.resources = 77;
    ck_assert_int_eq(fhirstore_import_get_totals(import, &newer.known), FHIRSTORE_ERR_ABI);
    ck_assert_int_eq(fhirstore_import_finish(import, &newer.known, NULL), FHIRSTORE_ERR_ABI);
    ck_assert_int_eq(newer.known.resources, 77);
    /* The refused finish has committed nothing. */
    fhirstore_import_close(import);
    ck_assert_int_eq(count_of("Patient", ""), 0);
}
END_TEST

START_TEST(issues_and_places_fit_into_what_the_caller_has)
{
    reply answer = create("Patient", "{\"resourceType\":\"Patient\",}");
    fhirstore_location place = FHIRSTORE_LOCATION_INIT;
    fhirstore_issue issue = FHIRSTORE_ISSUE_INIT;
    ck_assert_int_eq(fhirstore_error_location(answer.error, &place), FHIRSTORE_OK);
    ck_assert_uint_eq(place.line, 1);
    ck_assert_int_eq(fhirstore_error_issue(answer.error, 0, &issue), FHIRSTORE_OK);
    ck_assert_str_eq(issue.code, "invalid");
    ck_assert_int_eq(fhirstore_error_issue(answer.error, 1, &issue), FHIRSTORE_ERR_NOT_FOUND);
    ck_assert_ptr_null(issue.code);
    issue.struct_size = 0;
    place.struct_size = 3;
    ck_assert_int_eq(fhirstore_error_issue(answer.error, 0, &issue), FHIRSTORE_ERR_ABI);
    ck_assert_ptr_null(issue.code);
    ck_assert_int_eq(fhirstore_error_location(answer.error, &place), FHIRSTORE_ERR_ABI);
    ck_assert_int_eq(fhirstore_error_location(answer.error, NULL), FHIRSTORE_ERR_INVALID_ARG);
}
END_TEST

static reply write_if(const char *body, uint32_t flags, int64_t if_version)
{
    fhirstore_write_options options = FHIRSTORE_WRITE_OPTIONS_INIT;
    fhirstore_response *response;
    fhirstore_error *error;
    options.flags = flags;
    options.if_version = if_version;
    fhirstore_status status = fhirstore_update(session, FHIRSTORE_LIT("Patient"),
                                               FHIRSTORE_LIT("a"), body, strlen(body), &options,
                                               &response, &error);
    return take_reply(status, response, error);
}

START_TEST(writes_have_conditions)
{
    const char *body = "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true}";
    const char *other = "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":false}";
    expect_status(write_if(body, FHIRSTORE_WRITE_IF_NONE, 0), FHIRSTORE_CREATED);
    expect_status(write_if(other, FHIRSTORE_WRITE_IF_NONE, 0), FHIRSTORE_ERR_PRECONDITION);
    expect_status(write_if(other, 0, 2), FHIRSTORE_ERR_PRECONDITION);
    expect_status(write_if(other, 0, 1), FHIRSTORE_OK);
    expect_status(write_if(body, FHIRSTORE_WRITE_IF_NONE, 1), FHIRSTORE_ERR_INVALID_ARG);
    expect_status(write_if(body, 8, 0), FHIRSTORE_ERR_INVALID_ARG);
    expect_status(write_if(body, 0, -1), FHIRSTORE_ERR_INVALID_ARG);
    fhirstore_write_options options = FHIRSTORE_WRITE_OPTIONS_INIT;
    fhirstore_response *response;
    options.flags = FHIRSTORE_WRITE_IF_NONE;
    ck_assert_int_eq(fhirstore_delete(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("a"),
                                      &options, &response, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    options.struct_size = 0;
    ck_assert_int_eq(fhirstore_delete(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("a"),
                                      &options, &response, NULL),
                     FHIRSTORE_ERR_ABI);
    expect_status(delete_if("Patient", "a", 1), FHIRSTORE_ERR_PRECONDITION);
    expect_status(delete_if("Patient", "a", 2), FHIRSTORE_NO_CONTENT);
}
END_TEST

START_TEST(a_flushed_import_lets_others_write)
{
    fhirstore_open_options impatient = open_options();
    impatient.busy_timeout_ms = 20;
    fhirstore *other = must_open(in_folder("other"), &impatient);
    fhirstore_session *importer = must_enter(other, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "i");
    fhirstore_session *writer = must_enter(other, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "w");
    const char *patient = "{\"resourceType\":\"Patient\"}";
    fhirstore_import *import;
    fhirstore_response *response;
    ck_assert_int_eq(fhirstore_import_open(importer, NULL, &import, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_import_flush(import, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_import_add(import, "a", 0, patient, strlen(patient), NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_create(writer, FHIRSTORE_LIT("Patient"), patient, strlen(patient),
                                      &response, NULL),
                     FHIRSTORE_ERR_BUSY);
    ck_assert_int_eq(fhirstore_import_flush(import, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_create(writer, FHIRSTORE_LIT("Patient"), patient, strlen(patient),
                                      &response, NULL),
                     FHIRSTORE_CREATED);
    fhirstore_response_free(response);
    ck_assert_int_eq(fhirstore_import_add(import, "a", 0, patient, strlen(patient), NULL),
                     FHIRSTORE_OK);
    fhirstore_import_close(import);
    int64_t count;
    ck_assert_int_eq(
        fhirstore_search_count(writer, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT(""), &count, NULL),
        FHIRSTORE_OK);
    ck_assert_int_eq(count, 2);
    fhirstore_session_close(importer);
    fhirstore_session_close(writer);
    fhirstore_close(other);
}
END_TEST

START_TEST(an_outcome_names_the_status)
{
    reply missing = read_one("Patient", "nobody");
    expect_text(missing, "issue.0.details.coding.0.system", "urn:libfhirstore:status");
    expect_text(missing, "issue.0.details.coding.0.code", "ERR_NOT_FOUND");
}
END_TEST

START_TEST(unknown_flags_are_refused)
{
    fhirstore_import_options how = FHIRSTORE_IMPORT_OPTIONS_INIT;
    fhirstore_export_options what = FHIRSTORE_EXPORT_OPTIONS_INIT;
    fhirstore_import *import;
    how.flags = 1;
    ck_assert_int_eq(fhirstore_import_open(session, &how, &import, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_ptr_null(import);
    how.flags = 0;
    how.reserved0 = 1;
    ck_assert_int_eq(fhirstore_import_open(session, &how, &import, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    what.type_len = 3;
    ck_assert_int_eq(fhirstore_export(session, &what, NULL, NULL, NULL, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("growth", setup_store, the_macros_say_what_the_functions_say,
              totals_fit_into_what_the_caller_has, issues_and_places_fit_into_what_the_caller_has,
              writes_have_conditions, a_flushed_import_lets_others_write,
              an_outcome_names_the_status, unknown_flags_are_refused),
    };
    return run_groups("growth", groups, 1);
}
