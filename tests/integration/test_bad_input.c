/* SPDX-License-Identifier: Apache-2.0 */
/* What is not JSON, not a resource, not valid: the reason with its place, and no trace. */
#include <stdio.h>

#include "harness.h"

typedef struct bad_text {
    const char *text;
    fhirstore_status status;
    const char *code;
    const char *where; /* "line 1, column 2, byte 1" */
} bad_text;

static const bad_text bad_texts[] = {
    {"", FHIRSTORE_ERR_JSON, "invalid", "line 1, column 1, byte 0"},
    {"   ", FHIRSTORE_ERR_JSON, "invalid", "line 1, column 4, byte 3"},
    {"{", FHIRSTORE_ERR_JSON, "invalid", "line 1, column 2, byte 1"},
    {"{\"resourceType\":\"Patient\"", FHIRSTORE_ERR_JSON, "invalid", "line 1, column 26, byte 25"},
    {"{\"resourceType\":\"Patient\",}", FHIRSTORE_ERR_JSON, "invalid",
     "line 1, column 27, byte 26"},
    {"{\"resourceType\":\"Patient\"} x", FHIRSTORE_ERR_JSON, "invalid",
     "line 1, column 28, byte 27"},
    {"{\"resourceType\":\"Patient\"}{}", FHIRSTORE_ERR_JSON, "invalid",
     "line 1, column 27, byte 26"},
    {"{\n\"resourceType\":\n  \"Patient\",\n  active:true}", FHIRSTORE_ERR_JSON, "invalid",
     "line 4, column 3, byte 33"},
    {"{'resourceType':'Patient'}", FHIRSTORE_ERR_JSON, "invalid", "line 1, column 2, byte 1"},
    {"{\"resourceType\":\"Patient\",\"active\":True}", FHIRSTORE_ERR_JSON, "invalid",
     "line 1, column 36, byte 35"},
    {"{\"resourceType\":\"Patient\",\"multipleBirthInteger\":01}", FHIRSTORE_ERR_JSON, "invalid",
     NULL},
    {"{\"resourceType\":\"Patient\",\"multipleBirthInteger\":1.}", FHIRSTORE_ERR_JSON, "invalid",
     NULL},
    {"{\"resourceType\":\"Patient\",\"multipleBirthInteger\":+1}", FHIRSTORE_ERR_JSON, "invalid",
     "line 1, column 50, byte 49"},
    {"{\"resourceType\":\"Patient\",\"multipleBirthInteger\":NaN}", FHIRSTORE_ERR_JSON, "invalid",
     "line 1, column 50, byte 49"},
    {"\xef\xbb\xbf{\"resourceType\":\"Patient\"}", FHIRSTORE_ERR_JSON, "invalid",
     "line 1, column 1, byte 0"},
    {"// x\n{\"resourceType\":\"Patient\"}", FHIRSTORE_ERR_JSON, "invalid",
     "line 1, column 1, byte 0"},
    {"{\"resourceType\":\"Patient\",\"gender\":\"\xc3\"}", FHIRSTORE_ERR_JSON_UTF8, "invalid",
     "line 1, column 37, byte 36"},
    {"{\"resourceType\":\"Patient\",\"gender\":\"\xed\xa0\x80\"}", FHIRSTORE_ERR_JSON_UTF8,
     "invalid", "line 1, column 37, byte 36"},
    {"{\"resourceType\":\"Patient\",\"gender\":\"\\u0000\"}", FHIRSTORE_ERR_JSON_STRING, "invalid",
     "line 1, column 37, byte 36"},
    {"{\"resourceType\":\"Patient\",\"gender\":\"\\ud800\"}", FHIRSTORE_ERR_JSON_STRING, "invalid",
     "line 1, column 37, byte 36"},
    {"{\"resourceType\":\"Patient\",\"gender\":\"a\nb\"}", FHIRSTORE_ERR_JSON_STRING, "invalid",
     "line 1, column 38, byte 37"},
    {"{\"resourceType\":\"Patient\",\"gender\":\"\\x\"}", FHIRSTORE_ERR_JSON, "invalid", NULL},
    {"{\"resourceType\":\"Patient\",\"active\":true,\"active\":true}", FHIRSTORE_ERR_JSON_DUPLICATE,
     "invalid", "line 1, column 41, byte 40"},
    {"{\"resourceType\":\"Patient\",\"id\":\"a\",\"\\u0069d\":\"b\"}", FHIRSTORE_ERR_JSON_DUPLICATE,
     "invalid", "line 1, column 36, byte 35"},
};

static void expect_place(const reply *answer, const char *where, const char *text)
{
    const char *got = text_at(answer, "issue.0.location.0");
    ck_assert_msg(got != NULL, "no position for %s: %s", text, answer->body);
    ck_assert_msg(where == NULL || strcmp(got, where) == 0, "%s, wanted %s for %s", got, where,
                  text);
}

START_TEST(broken_json_is_placed_and_leaves_no_trace)
{
    expect_status(update("Patient", "a", "{\"resourceType\":\"Patient\",\"id\":\"a\"}"),
                  FHIRSTORE_CREATED);
    const char *before = state_of_store();
    for (size_t i = 0; i < sizeof bad_texts / sizeof bad_texts[0]; i++) {
        const bad_text *bad = &bad_texts[i];
        reply answers[] = {create("Patient", bad->text), update("Patient", "a", bad->text),
                           ask("POST", "Patient", NULL, bad->text),
                           ask("PUT", "Patient/a", NULL, bad->text)};
        for (size_t k = 0; k < 4; k++) {
            ck_assert_msg(answers[k].http == fhirstore_status_http(bad->status), "%s: %s",
                          bad->text, answers[k].body);
            expect_no_trace(&answers[k], bad->status, bad->code, NULL, before);
            expect_place(&answers[k], bad->where, bad->text);
        }
        fhirstore_location place = FHIRSTORE_LOCATION_INIT;
        ck_assert_int_eq(fhirstore_error_location(answers[0].error, &place), FHIRSTORE_OK);
        ck_assert_uint_gt(place.line, 0);
        ck_assert_uint_eq(place.entry, 0);
    }
}
END_TEST

/* Text after the last byte, inside the length. */
START_TEST(nul_bytes_are_no_end)
{
    static const char text[] = "{\"resourceType\":\"Patient\"}\0\0";
    const char *before = state_of_store();
    reply answer = ask_bytes(session, "POST", "Patient", NULL, text, sizeof text - 1);
    expect_no_trace(&answer, FHIRSTORE_ERR_JSON, "invalid", NULL, before);
    expect_place(&answer, "line 1, column 27, byte 26", "NUL");
}
END_TEST

START_TEST(what_is_nested_too_deeply)
{
    enum {
        DEPTH = 5000
    };
    static char text[DEPTH * 24 + 64];
    char *end = text + sprintf(text, "{\"resourceType\":\"Patient\",\"x\":");
    for (int i = 0; i < DEPTH; i++) {
        *end++ = '[';
    }
    for (int i = 0; i < DEPTH; i++) {
        *end++ = ']';
    }
    (void)strcpy(end, "}");
    const char *before = state_of_store();
    reply answer = create("Patient", text);
    expect_no_trace(&answer, FHIRSTORE_ERR_JSON_DEPTH, "too-long", NULL, before);
    ck_assert_int_eq(answer.http, 400);
    expect_place(&answer, NULL, "depth");
    end = text + sprintf(text, "{\"resourceType\":\"Patient\"");
    for (int i = 0; i < DEPTH; i++) {
        end += sprintf(end, ",\"contact\":{\"id\":\"x\"");
    }
    answer = ask("POST", "Patient", NULL, text);
    expect_no_trace(&answer, FHIRSTORE_ERR_JSON_DEPTH, "too-long", NULL, before);
}
END_TEST

START_TEST(what_is_too_large)
{
    /* One byte more than FHS_LIMIT_RESOURCE_BYTES: refused before it is looked at. */
    size_t size = ((size_t)256 << 20) + 1;
    char *text = calloc(size, 1);
    ck_assert_ptr_nonnull(text);
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    const char *before = state_of_store();
    ck_assert_int_eq(
        fhirstore_create(session, FHIRSTORE_LIT("Patient"), text, size, &response, &error),
        FHIRSTORE_ERR_JSON_SIZE);
    reply answer = take_reply(FHIRSTORE_ERR_JSON_SIZE, response, error);
    expect_no_trace(&answer, FHIRSTORE_ERR_JSON_SIZE, "too-long", NULL, before);
    ck_assert_int_eq(answer.http, 413);
    free(text);
}
END_TEST

typedef struct bad_resource {
    const char *text;
    const char *code;
    const char *expression;
} bad_resource;

static const bad_resource bad_resources[] = {
    {"[]", "structure", NULL},
    {"7", "structure", NULL},
    {"null", "structure", NULL},
    {"\"Patient\"", "structure", NULL},
    {"{}", "required", "resourceType"},
    {"{\"resourceType\":7}", "structure", "resourceType"},
    {"{\"resourceType\":\"patient\"}", "value", "resourceType"},
    {"{\"resourceType\":\"Nonsense\"}", "value", "resourceType"},
    {"{\"resourceType\":\"DomainResource\"}", "value", "resourceType"},
    {"{\"resourceType\":\"Patient\",\"nonsense\":1}", "structure", "Patient.nonsense"},
    {"{\"resourceType\":\"Patient\",\"Active\":true}", "structure", "Patient.Active"},
    {"{\"resourceType\":\"Patient\",\"active\":\"true\"}", "structure", "Patient.active"},
    {"{\"resourceType\":\"Patient\",\"active\":null}", "structure", "Patient.active"},
    {"{\"resourceType\":\"Patient\",\"name\":{\"family\":\"x\"}}", "structure", "Patient.name"},
    {"{\"resourceType\":\"Patient\",\"birthDate\":[\"2000\"]}", "structure", "Patient.birthDate"},
    {"{\"resourceType\":\"Patient\",\"birthDate\":\"2000-13-01\"}", "value", "Patient.birthDate"},
    {"{\"resourceType\":\"Patient\",\"birthDate\":\"yesterday\"}", "value", "Patient.birthDate"},
    {"{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"a\",7]}]}", "structure",
     "Patient.name[0].given[1]"},
    {"{\"resourceType\":\"Patient\",\"name\":[{},{\"x\":1}]}", NULL, NULL},
    {"{\"resourceType\":\"Patient\",\"multipleBirthInteger\":1.5}", NULL, "Patient.multipleBirth"},
    {"{\"resourceType\":\"Patient\",\"multipleBirthInteger\":1,\"multipleBirthBoolean\":true}",
     "structure", NULL},
    {"{\"resourceType\":\"Patient\",\"id\":\"a_b\"}", "value", "Patient.id"},
    {"{\"resourceType\":\"Patient\",\"meta\":7}", "structure", "Patient.meta"},
    {"{\"resourceType\":\"Patient\",\"meta\":{\"nonsense\":7}}", "structure",
     "Patient.meta.nonsense"},
    {"{\"resourceType\":\"Patient\",\"contact\":[{\"gender\":7}]}", "structure",
     "Patient.contact[0].gender"},
    {"{\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"Nonsense\"}]}", "value",
     "Patient.contained[0].resourceType"},
    {"{\"resourceType\":\"Observation\",\"code\":{\"text\":\"x\"}}", "required",
     "Observation.status"},
    {"{\"resourceType\":\"Observation\",\"status\":\"final\"}", "required", "Observation.code"},
    {"{\"resourceType\":\"Patient\",\"extension\":[{\"valueString\":\"x\"}]}", "required",
     "Patient.extension[0].url"},
};

static fhirstore_status refusal_of(const bad_resource *bad, bool *is_observation)
{
    *is_observation = strstr(bad->text, "Observation") != NULL;
    return FHIRSTORE_ERR_INVALID_RESOURCE;
}

START_TEST(invalid_resources_are_told_by_element)
{
    const char *before = state_of_store();
    for (size_t i = 0; i < sizeof bad_resources / sizeof bad_resources[0]; i++) {
        const bad_resource *bad = &bad_resources[i];
        bool is_observation;
        fhirstore_status status = refusal_of(bad, &is_observation);
        const char *type = is_observation ? "Observation" : "Patient";
        reply answers[] = {create(type, bad->text), ask("POST", type, NULL, bad->text)};
        for (size_t k = 0; k < 2; k++) {
            ck_assert_msg(answers[k].http == 400, "%s: %d %s", bad->text, (int)answers[k].http,
                          answers[k].body);
            const char *code = bad->code == NULL ? text_at(&answers[k], "issue.0.code") : bad->code;
            const char *found = text_at(&answers[k], "issue.0.code");
            ck_assert_msg(strcmp(found, code) == 0, "%s: %s", bad->text, answers[k].body);
            const char *expression = text_at(&answers[k], "issue.0.expression.0");
            ck_assert_msg(bad->expression == NULL ||
                              (expression != NULL &&
                               strncmp(expression, bad->expression, strlen(bad->expression)) == 0),
                          "%s: %s", bad->text, answers[k].body);
            expect_no_trace(&answers[k], status, code, NULL, before);
        }
    }
}
END_TEST

START_TEST(every_fault_is_told_at_once)
{
    reply answer = create("Patient", "{\"resourceType\":\"Patient\",\"active\":1,\"gender\":2,"
                                     "\"birthDate\":\"x\",\"foo\":true}");
    expect_refusal(&answer, FHIRSTORE_ERR_INVALID_RESOURCE, "structure", "Patient.active");
    ck_assert_int_eq(items_at(&answer, "issue"), 4);
    expect_text(answer, "issue.1.expression.0", "Patient.gender");
    expect_text(answer, "issue.2.expression.0", "Patient.birthDate");
    expect_text(answer, "issue.3.expression.0", "Patient.foo");
    ck_assert_uint_eq(fhirstore_error_issue_count(answer.error), 4);
    fhirstore_issue issue = FHIRSTORE_ISSUE_INIT;
    ck_assert_int_eq(fhirstore_error_issue(answer.error, 3, &issue), FHIRSTORE_OK);
    ck_assert_str_eq(issue.expression, "Patient.foo");
    ck_assert_int_eq(fhirstore_error_issue(answer.error, 4, &issue), FHIRSTORE_ERR_NOT_FOUND);
    ck_assert_ptr_null(issue.expression);
}
END_TEST

START_TEST(no_text_tells_what_was_in_the_resource)
{
    static const char *const bodies[] = {
        "{\"resourceType\":\"Patient\",\"birthDate\":\"SECRET\"}",
        "{\"resourceType\":\"Patient\",\"active\":\"SECRET\"}",
        "{\"resourceType\":\"Patient\",\"gender\":[\"SECRET\"]}",
        "{\"resourceType\":\"Patient\",\"id\":\"SECRET_\"}",
        "{\"resourceType\":\"Patient\",\"photo\":[{\"data\":\"SECRET!\"}]}",
        "{\"resourceType\":\"SECRET\"}",
        "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"SECRET\"}],}",
        "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"SECRET\\u0000\"}]}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        reply answer = create("Patient", bodies[i]);
        ck_assert_int_lt(answer.status, FHIRSTORE_OK);
        ck_assert_msg(!has_text(&answer, "SECRET"), "%s", answer.body);
        answer = ask("PUT", "Patient/SECRET", NULL, bodies[i]);
        ck_assert_msg(!has_text(&answer, "SECRET"), "%s", answer.body);
    }
    ck_assert(!has_text(&(reply){.body = read_one("Patient", "SECRET").body}, "SECRET"));
}
END_TEST

static void open_with_validation(int32_t validation)
{
    fhirstore_open_options options = open_options();
    options.validation = validation;
    fhirstore_session_close(session);
    fhirstore_close(store);
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
}

START_TEST(lenient_lets_unknown_and_missing_through)
{
    open_with_validation(FHIRSTORE_VALIDATION_LENIENT);
    reply answer = create("Patient", "{\"resourceType\":\"Patient\",\"nonsense\":{\"a\":[1]}}");
    expect_status(answer, FHIRSTORE_CREATED);
    ck_assert(has_text(&answer, "\"nonsense\":{\"a\":[1]}"));
    expect_status(create("Observation", "{\"resourceType\":\"Observation\"}"), FHIRSTORE_CREATED);
    const char *before = state_of_store();
    answer = create("Patient", "{\"resourceType\":\"Patient\",\"active\":\"yes\"}");
    expect_no_trace(&answer, FHIRSTORE_ERR_INVALID_RESOURCE, "structure", "Patient.active", before);
    answer = create("Patient", "{\"resourceType\":\"Patient\",\"birthDate\":\"yes\"}");
    expect_no_trace(&answer, FHIRSTORE_ERR_INVALID_RESOURCE, "value", "Patient.birthDate", before);
    expect_sound(store);
}
END_TEST

START_TEST(without_validation_any_known_type_goes_in)
{
    open_with_validation(FHIRSTORE_VALIDATION_OFF);
    reply answer = update(
        "Patient", "w",
        "{\"resourceType\":\"Patient\",\"id\":\"w\",\"active\":[7],\"name\":\"x\","
        "\"meta\":\"y\",\"birthDate\":{},\"identifier\":[[[]]],\"telecom\":[null]}");
    expect_status(answer, FHIRSTORE_CREATED);
    expect_text(answer, "meta.versionId", "1");
    ck_assert(has_text(&answer, "\"identifier\":[[[]]]"));
    const char *before = state_of_store();
    answer = create("Patient", "{\"resourceType\":\"Nonsense\"}");
    expect_no_trace(&answer, FHIRSTORE_ERR_INVALID_RESOURCE, "value", "resourceType", before);
    answer = create("Patient", "{\"resourceType\":\"Patient\",\"x\":01}");
    expect_no_trace(&answer, FHIRSTORE_ERR_JSON, "invalid", NULL, before);
    answer = update("Patient", "v", "{\"resourceType\":\"Patient\",\"id\":7}");
    expect_no_trace(&answer, FHIRSTORE_ERR_ID_MISMATCH, "invalid", "Resource.id", before);
    expect_sound(store);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("bad input", setup_store, broken_json_is_placed_and_leaves_no_trace,
              nul_bytes_are_no_end, what_is_nested_too_deeply, what_is_too_large,
              invalid_resources_are_told_by_element, every_fault_is_told_at_once,
              no_text_tells_what_was_in_the_resource, lenient_lets_unknown_and_missing_through,
              without_validation_any_known_type_goes_in),
    };
    return run_groups("bad input", groups, 1);
}
