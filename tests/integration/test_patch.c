/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patch through the request entry and the typed calls: the three kinds, what stays as it was, what
 * is refused and leaves no trace, conditions, who may.
 */
#include <stdio.h>

#include "harness.h"

#define JSON_PATCH  "Content-Type: application/json-patch+json"
#define MERGE_PATCH "Content-Type: application/merge-patch+json"
#define FHIR_PATCH  "Content-Type: application/fhir+json"

/* Order, decimals and escapes of its own. */
#define KEPT                                                                                   \
    "{\"resourceType\":\"Observation\",\"id\":\"o\",\"valueQuantity\":{\"unit\":\"\\u006dg\"," \
    "\"value\":1.10},\"code\":{\"text\":\"x\\/y\"},\"status\":\"final\",\"referenceRange\":[{" \
    "\"low\":{\"value\":0.00},\"high\":{\"value\":123456789012345678901234567890.10}}],"       \
    "\"note\":[{\"text\":\"a\"},{\"text\":\"b\"}]}"
#define OPERATION(parts)    "{\"name\":\"operation\",\"part\":[" parts "]}"
#define PART(name, value)   "{\"name\":\"" name "\"," value "}"
#define PARAMETERS(entries) "{\"resourceType\":\"Parameters\",\"parameter\":[" entries "]}"
#define REPLACE_STATUS(code)                                                 \
    PARAMETERS(OPERATION(PART("type", "\"valueCode\":\"replace\"") "," PART( \
        "path", "\"valueString\":\"Observation.status\"") "," PART("value",  \
                                                                   "\"valueCode\":\"" code "\"")))

static void put_kept(void)
{
    expect_status(update("Observation", "o", KEPT), FHIRSTORE_CREATED);
}

START_TEST(each_kind_keeps_what_it_does_not_touch)
{
    static const struct {
        const char *type;
        const char *patch;
    } cases[] = {
        {JSON_PATCH, "[{\"op\":\"replace\",\"path\":\"/status\",\"value\":\"amended\"}]"},
        {MERGE_PATCH, "{\"status\":\"corrected\"}"},
        {FHIR_PATCH, REPLACE_STATUS("preliminary")},
        {"Content-Type: application/fhir+json; charset=utf-8", REPLACE_STATUS("final")},
        {NULL, "[{\"op\":\"replace\",\"path\":\"/status\",\"value\":\"amended\"}]"},
        /* What is said to be JSON and no more shows what it is. */
        {"Content-Type: application/json", "{\"status\":\"corrected\"}"},
        {"Content-Type: application/json", REPLACE_STATUS("final")},
        {"Content-Type: text/json",
         "[{\"op\":\"replace\",\"path\":\"/status\",\"value\":\"amended\"}]"},
    };
    put_kept();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reply answer = ask("PATCH", "Observation/o", cases[i].type, cases[i].patch);
        expect_http(answer, 200);
        ck_assert(has_text(&answer, "\"valueQuantity\":{\"unit\":\"\\u006dg\",\"value\":1.10},"
                                    "\"code\":{\"text\":\"x\\/y\"},\"status\":\""));
        ck_assert(has_text(&answer, "{\"low\":{\"value\":0.00},\"high\":{\"value\":"
                                    "123456789012345678901234567890.10}}"));
        ck_assert_int_eq(fhirstore_response_version(answer.response), (int64_t)i + 2);
        ck_assert_ptr_nonnull(header_of(&answer, "Location"));
        ck_assert_ptr_nonnull(header_of(&answer, "ETag"));
    }
    ck_assert_int_eq(count_of("Observation", "status=amended"), 1);
    expect_sound(store);
}
END_TEST

START_TEST(a_patch_without_effect_makes_no_version)
{
    put_kept();
    const char *before = state_of_store();
    expect_http(ask("PATCH", "Observation/o", JSON_PATCH, "[]"), 200);
    expect_http(ask("PATCH", "Observation/o", MERGE_PATCH, "{\"status\":\"final\"}"), 200);
    expect_http(ask("PATCH", "Observation/o", FHIR_PATCH, "{\"resourceType\":\"Parameters\"}"),
                200);
    reply answer = ask("PATCH", "Observation/o", JSON_PATCH,
                       "[{\"op\":\"test\",\"path\":\"/valueQuantity/value\",\"value\":1.1},"
                       "{\"op\":\"replace\",\"path\":\"/meta/versionId\",\"value\":\"9\"}]");
    expect_http(answer, 200);
    expect_text(answer, "meta.versionId", "1");
    ck_assert_str_eq(before, state_of_store());
}
END_TEST

START_TEST(what_cannot_be_applied_leaves_no_trace)
{
    static const struct {
        const char *type;
        const char *patch;
        fhirstore_status status;
        const char *says;
    } cases[] = {
        {JSON_PATCH, "[{\"op\":\"replace\",\"path\":\"/nothing\",\"value\":1}]",
         FHIRSTORE_ERR_PATCH, "operation 1"},
        {JSON_PATCH,
         "[{\"op\":\"replace\",\"path\":\"/status\",\"value\":\"amended\"},\n{\"op\":\"test\","
         "\"path\":\"/code/text\",\"value\":\"z\"}]",
         FHIRSTORE_ERR_PATCH, "operation 2"},
        {JSON_PATCH, "[{\"op\":\"remove\",\"path\":\"/note/2\"}]", FHIRSTORE_ERR_PATCH, NULL},
        {JSON_PATCH, "[{\"op\":\"remove\",\"path\":\"/id\"}]", FHIRSTORE_ERR_PATCH, "id"},
        {JSON_PATCH, "[{\"op\":\"replace\",\"path\":\"/id\",\"value\":\"p\"}]", FHIRSTORE_ERR_PATCH,
         "id"},
        {JSON_PATCH, "[{\"op\":\"replace\",\"path\":\"/resourceType\",\"value\":\"Patient\"}]",
         FHIRSTORE_ERR_PATCH, "type"},
        {JSON_PATCH, "[{\"op\":\"remove\",\"path\":\"\"}]", FHIRSTORE_ERR_PATCH, NULL},
        {MERGE_PATCH, "7", FHIRSTORE_ERR_PATCH, NULL},
        {MERGE_PATCH, "{\"id\":null}", FHIRSTORE_ERR_PATCH, NULL},
        {JSON_PATCH, "[{\"op\":\"replace\",\"path\":\"/status\",\"value\":7}]", FHIRSTORE_ERR_PATCH,
         "valid"},
        {MERGE_PATCH, "{\"status\":null}", FHIRSTORE_ERR_PATCH, "valid"},
        {MERGE_PATCH, "{\"nonsense\":1}", FHIRSTORE_ERR_PATCH, "valid"},
        {JSON_PATCH, "{}", FHIRSTORE_ERR_PATCH_DOCUMENT, "array"},
        {JSON_PATCH, "[{\"op\":\"spam\",\"path\":\"/a\"}]", FHIRSTORE_ERR_PATCH_DOCUMENT,
         "operation 1"},
        {JSON_PATCH, "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]", FHIRSTORE_ERR_PATCH_DOCUMENT,
         "Pointer"},
        {JSON_PATCH, "[{\"op\":\"move\",\"from\":\"/code\",\"path\":\"/code/x\"}]",
         FHIRSTORE_ERR_PATCH_DOCUMENT, "itself"},
        {JSON_PATCH, "[", FHIRSTORE_ERR_JSON, NULL},
        {JSON_PATCH, "", FHIRSTORE_ERR_JSON, NULL},
        {FHIR_PATCH, "{\"resourceType\":\"Patient\"}", FHIRSTORE_ERR_PATCH_DOCUMENT, "Parameters"},
        {FHIR_PATCH, PARAMETERS("{\"name\":\"other\"}"), FHIRSTORE_ERR_PATCH_DOCUMENT,
         "operation 1"},
        {FHIR_PATCH, PARAMETERS(OPERATION(PART("type", "\"valueCode\":\"burn\""))),
         FHIRSTORE_ERR_PATCH_DOCUMENT, "operation 1"},
        {FHIR_PATCH,
         PARAMETERS(OPERATION(PART("type", "\"valueCode\":\"delete\"") "," PART(
             "path", "\"valueString\":\"Observation.note\""))),
         FHIRSTORE_ERR_PATCH, "more than one"},
        {FHIR_PATCH,
         PARAMETERS(OPERATION(PART("type", "\"valueCode\":\"delete\"") "," PART(
             "path", "\"valueString\":\"Observation.(\""))),
         FHIRSTORE_ERR_FHIRPATH_SYNTAX, NULL},
        {"Content-Type: application/xml-patch+xml", "<diff/>", FHIRSTORE_ERR_MEDIA_TYPE, NULL},
        {"Content-Type: text/plain", "[]", FHIRSTORE_ERR_MEDIA_TYPE, NULL},
        {NULL, "{}", FHIRSTORE_ERR_MEDIA_TYPE, NULL},
    };
    put_kept();
    const char *before = state_of_store();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reply answer = ask("PATCH", "Observation/o", cases[i].type, cases[i].patch);
        ck_assert_msg(answer.http == fhirstore_status_http(cases[i].status), "%s: HTTP %d: %s",
                      cases[i].patch, (int)answer.http, answer.body);
        expect_text(answer, "resourceType", "OperationOutcome");
        ck_assert_msg(cases[i].says == NULL || has_text(&answer, cases[i].says), "%s: %s",
                      cases[i].patch, answer.body);
        ck_assert_msg(!has_text(&answer, "1.10"), "%s", answer.body);
        ck_assert_str_eq(before, state_of_store());
    }
    expect_sound(store);
}
END_TEST

START_TEST(faults_are_placed)
{
    put_kept();
    reply answer = ask("PATCH", "Observation/o", JSON_PATCH,
                       "[{\"op\":\"test\",\"path\":\"/status\",\"value\":\"final\"},\n"
                       " {\"op\":\"test\",\"path\":\"/status\",\"value\":\"x\"}]");
    ck_assert_int_eq(answer.http, 422);
    expect_text(answer, "issue.0.code", "processing");
    ck_assert(has_text(&answer, "line 2"));
    /* clang-format off */
    answer = ask("PATCH", "Observation/o", FHIR_PATCH, PARAMETERS(
        OPERATION(
            PART("type", "\"valueCode\":\"delete\"") ","
            PART("path", "\"valueString\":\"Observation.bodySite\"")) ","
        OPERATION(
            PART("type", "\"valueCode\":\"replace\"") ","
            PART("path", "\"valueString\":\"Observation.bodySite\"") ","
            PART("value", "\"valueString\":\"x\""))));
    /* clang-format on */
    ck_assert_int_eq(answer.http, 422);
    expect_text(answer, "issue.0.expression.0", "Parameters.parameter[1]");
    answer = ask("PATCH", "Observation/o", MERGE_PATCH, "{\"code\":null}");
    ck_assert_int_eq(answer.http, 422);
    expect_text(answer, "issue.1.expression.0", "Observation.code");
}
END_TEST

START_TEST(versions_and_absence)
{
    static const char patch[] = "{\"status\":\"amended\"}";
    expect_http(ask("PATCH", "Observation/o", MERGE_PATCH, patch), 404);
    expect_http(ask("PATCH", "Observation/a_b", MERGE_PATCH, patch), 404);
    expect_http(ask("PATCH", "Nonsense/o", MERGE_PATCH, patch), 404);
    put_kept();
    expect_http(ask("PATCH", "Observation/o", MERGE_PATCH "\nIf-Match: W/\"2\"", patch), 412);
    expect_http(ask("PATCH", "Observation/o", MERGE_PATCH "\nIf-Match: 2", patch), 400);
    expect_http(ask("PATCH", "Observation/o", MERGE_PATCH "\nIf-Match: W/\"1\"", patch), 200);
    reply answer = ask("PATCH", "Observation/o", MERGE_PATCH "\nPrefer: return=minimal",
                       "{\"status\":\"final\"}");
    expect_http(answer, 200);
    ck_assert_uint_eq(answer.body_len, 0);
    expect_http(ask("DELETE", "Observation/o", NULL, NULL), 204);
    expect_http(ask("PATCH", "Observation/o", MERGE_PATCH, patch), 410);
    expect_http(ask("PATCH", "Observation/o/_history/1", MERGE_PATCH, patch), 405);
    expect_http(ask("PATCH", "", MERGE_PATCH, patch), 405);
}
END_TEST

START_TEST(patch_where)
{
    static const char patch[] = "{\"issued\":\"2020-01-01T00:00:00Z\"}";
    put_kept();
    expect_status(update("Observation", "p",
                         "{\"resourceType\":\"Observation\",\"id\":\"p\",\"status\":\"amended\","
                         "\"code\":{\"text\":\"x\"}}"),
                  FHIRSTORE_CREATED);
    expect_http(ask("PATCH", "Observation?status=final", MERGE_PATCH, patch), 200);
    expect_http(ask("PATCH", "Observation?status=final,amended", MERGE_PATCH, patch), 412);
    expect_http(ask("PATCH", "Observation?status=unknown", MERGE_PATCH, patch), 404);
    expect_http(ask("PATCH", "Observation?nonsense=1", MERGE_PATCH, patch), 400);
    expect_http(ask("PATCH", "Observation?status=", MERGE_PATCH, patch), 412);
    expect_http(ask("PATCH", "Observation", MERGE_PATCH, patch), 412);
    expect_http(ask("PATCH", "Observation?status=final", MERGE_PATCH "\nIf-Match: W/\"1\"", patch),
                412);
    reply answer = read_one("Observation", "o");
    expect_text(answer, "meta.versionId", "2");
}
END_TEST

static reply patch_typed(const char *id, int32_t kind, const char *patch,
                         const fhirstore_write_options *options)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_patch(session, "Observation", 11, id, strlen(id), kind,
                                              patch, strlen(patch), options, &response, &error);
    return take_reply(status, response, error);
}

START_TEST(typed_calls)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_write_options options = FHIRSTORE_WRITE_OPTIONS_INIT;
    put_kept();
    reply answer = patch_typed("o", FHIRSTORE_PATCH_MERGE, "{\"status\":\"amended\"}", NULL);
    expect_status(answer, FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_response_version(answer.response), 2);
    options.if_version = 1;
    expect_status(patch_typed("o", FHIRSTORE_PATCH_JSON, "[]", &options),
                  FHIRSTORE_ERR_PRECONDITION);
    options.if_version = 2;
    expect_status(patch_typed("o", FHIRSTORE_PATCH_JSON, "[]", &options), FHIRSTORE_OK);
    options.flags = FHIRSTORE_WRITE_IF_NONE;
    expect_status(patch_typed("o", FHIRSTORE_PATCH_JSON, "[]", &options),
                  FHIRSTORE_ERR_INVALID_ARG);
    expect_status(patch_typed("o", 0, "[]", NULL), FHIRSTORE_ERR_INVALID_ARG);
    expect_status(patch_typed("o", 4, "[]", NULL), FHIRSTORE_ERR_INVALID_ARG);
    expect_status(patch_typed("x", FHIRSTORE_PATCH_JSON, "[]", NULL), FHIRSTORE_ERR_NOT_FOUND);
    fhirstore_status status = fhirstore_patch_where(
        session, "Observation", 11, "status=amended", 14, FHIRSTORE_PATCH_FHIRPATH,
        REPLACE_STATUS("final"), strlen(REPLACE_STATUS("final")), NULL, &response, &error);
    answer = take_reply(status, response, error);
    expect_status(answer, FHIRSTORE_OK);
    expect_text(answer, "status", "final");
    status = fhirstore_patch_where(session, "Observation", 11, "status=amended", 14, 9, "", 0, NULL,
                                   &response, &error);
    expect_status(take_reply(status, response, error), FHIRSTORE_ERR_INVALID_ARG);
}
END_TEST

/* ---- in a batch ---- */

START_TEST(a_batch_takes_patches)
{
    put_kept();
    /* [{"op":"replace","path":"/status","value":"amended"}] */
    reply answer = ask(
        "POST", "", NULL,
        "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"resource\":{"
        "\"resourceType\":"
        "\"Binary\",\"contentType\":\"application/json-patch+json\",\"data\":"
        "\"W3sib3AiOiJyZXBsYWNlIiwicGF0aCI6Ii9zdGF0dXMiLCJ2YWx1ZSI6ImFtZW5kZWQifV0=\"},"
        "\"request\":{\"method\":\"PATCH\",\"url\":\"Observation/"
        "o\"}},{\"resource\":" REPLACE_STATUS(
            "corrected") ",\"request\":{\"method\":\"PATCH\",\"url\":\"Observation?status="
                         "amended\"}},"
                         "{\"resource\":{\"resourceType\":\"Binary\",\"contentType\":"
                         "\"application/json-patch+json\",\"data\":\"*\"},\"request\":{\"method\":"
                         "\"PATCH\",\"url\":\"Observation/o\"}},{\"resource\":{\"resourceType\":"
                         "\"Observation\"},\"request\":{\"method\":\"PATCH\",\"url\":"
                         "\"Observation/o\"}}]}");
    expect_http(answer, 200);
    expect_text(answer, "entry.0.response.status", "200 OK");
    expect_text(answer, "entry.1.response.etag", "W/\"3\"");
    expect_text(answer, "entry.1.resource.status", "corrected");
    expect_text(answer, "entry.2.response.status", "400");
    expect_text(answer, "entry.3.response.status", "400");
    expect_sound(store);
}
END_TEST

/* ---- the difference ---- */

START_TEST(a_difference_leads_from_one_version_to_the_other)
{
    put_kept();
    expect_http(ask("PATCH", "Observation/o", JSON_PATCH,
                    "[{\"op\":\"replace\",\"path\":\"/status\",\"value\":\"amended\"},"
                    "{\"op\":\"remove\",\"path\":\"/note/0\"},{\"op\":\"replace\",\"path\":"
                    "\"/valueQuantity/value\",\"value\":1.100}]"),
                200);
    expect_http(ask("PATCH", "Observation/o", MERGE_PATCH, "{\"code\":{\"text\":\"z\"}}"), 200);
    reply patch = ask("GET", "Observation/o/$diff?fromVersion=1&toVersion=2", NULL, NULL);
    expect_http(patch, 200);
    expect_text(patch, "resourceType", "Parameters");
    ck_assert_int_eq(items_at(&patch, "parameter"), 3);
    reply last = ask("GET", "Observation/o/$diff", NULL, NULL);
    ck_assert_int_eq(items_at(&last, "parameter"), 1);
    expect_text(last, "parameter.0.part.1.valueString", "Observation.code.text");
    /* From the first version on, one after the other. */
    expect_status(update("Observation", "o", KEPT), FHIRSTORE_OK);
    reply second = ask("PATCH", "Observation/o", FHIR_PATCH, patch.body);
    expect_http(second, 200);
    expect_text(second, "status", "amended");
    ck_assert(has_text(&second, "\"value\":1.100}"));
    ck_assert_int_eq(items_at(&second, "note"), 1);
    reply back = ask("GET", "Observation/o/$diff?fromVersion=5&toVersion=1", NULL, NULL);
    expect_http(back, 200);
    reply first = ask("PATCH", "Observation/o", FHIR_PATCH, back.body);
    expect_http(first, 200);
    ck_assert_int_eq(items_at(&first, "note"), 2);
    expect_text(first, "note.0.text", "a");
    reply none = ask("GET", "$diff?from=Observation/o/_history/1&to=Observation/o", NULL, NULL);
    expect_http(none, 200);
    expect_nothing_at(none, "parameter");
    none = ask(
        "POST", "$diff", NULL,
        "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"from\",\"valueReference\":{"
        "\"reference\":\"Observation/o/_history/2\"}},{\"name\":\"to\",\"valueString\":"
        "\"Observation/o/_history/5\"}]}");
    expect_http(none, 200);
}
END_TEST

START_TEST(differences_that_there_are_not)
{
    static const struct {
        const char *url;
        int32_t http;
    } cases[] = {
        {"Observation/o/$diff", 404},
        {"Observation/ghost/$diff", 404},
        {"Observation/o/$diff?fromVersion=7", 404},
        {"Observation/o/$diff?fromVersion=0", 400},
        {"Observation/o/$diff?fromVersion=x", 400},
        {"Observation/o/$diff?nonsense=1", 400},
        {"Observation/$diff", 404},
        {"$diff", 400},
        {"$diff?from=Observation/o", 400},
        {"$diff?from=Observation/o&to=Observation", 400},
        {"$diff?from=Observation/o&to=Patient/p", 400},
        {"$diff?from=Observation/o&to=Observation/ghost", 404},
    };
    put_kept();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reply answer = ask("GET", cases[i].url, NULL, NULL);
        ck_assert_msg(answer.http == cases[i].http, "%s: HTTP %d: %s", cases[i].url,
                      (int)answer.http, answer.body);
        expect_text(answer, "resourceType", "OperationOutcome");
    }
    expect_http(ask("PUT", "Observation/o/$diff", NULL, "{}"), 405);
    expect_status(delete_one("Observation", "o"), FHIRSTORE_NO_CONTENT);
    expect_http(ask("GET", "Observation/o/$diff", NULL, NULL), 410);
}
END_TEST

/* ---- who may ---- */

static int32_t denied_action;
static char told[1024];

static fhirstore_status deny_one(void *ctx, const fhirstore_access_request *request,
                                 fhirstore_access_decision *decision)
{
    (void)ctx;
    decision->answer = request->action == denied_action ? FHIRSTORE_ACCESS_DENY
                                                        : FHIRSTORE_ACCESS_ALLOW;
    return FHIRSTORE_OK;
}

static fhirstore_status tell_one(void *ctx, const fhirstore_audit_event *event)
{
    size_t at = strlen(told);
    (void)ctx;
    (void)snprintf(told + at, sizeof told - at, "%d %s/%s %d>%d=%d;", (int)event->action,
                   event->type, event->id, (int)event->version_before, (int)event->version_after,
                   (int)event->outcome);
    return FHIRSTORE_OK;
}

START_TEST(a_patch_is_asked_for_and_recorded)
{
    const fhirstore_authorizer authorizer = {.struct_size = sizeof authorizer,
                                             .authorize = deny_one};
    const fhirstore_audit_hook hook = {.struct_size = sizeof hook, .record = tell_one};
    put_kept();
    told[0] = '\0';
    ck_assert_int_eq(fhirstore_set_authorizer(store, &authorizer, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_set_audit_hook(store, &hook, NULL), FHIRSTORE_OK);
    fhirstore_session_close(session);
    session = must_enter(store, 0, "Practitioner/7");
    denied_action = FHIRSTORE_ACTION_PATCH;
    expect_http(ask("PATCH", "Observation/o", MERGE_PATCH, "{\"status\":\"amended\"}"), 403);
    /* What is wrong with it is nobody's business either. */
    expect_http(ask("PATCH", "Observation/o", MERGE_PATCH, "{"), 403);
    expect_http(ask("PATCH", "Observation/ghost", MERGE_PATCH, "{}"), 403);
    denied_action = 0;
    told[0] = '\0';
    expect_http(ask("PATCH", "Observation/o", MERGE_PATCH, "{\"status\":\"amended\"}"), 200);
    ck_assert_str_eq(told, "13 Observation/o 1>2=0;");
    told[0] = '\0';
    expect_http(ask("PATCH", "Observation/o", JSON_PATCH, "[7]"), 400);
    ck_assert_str_eq(told, "13 Observation/o 0>0=-613;");
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("kinds", setup_store, each_kind_keeps_what_it_does_not_touch,
              a_patch_without_effect_makes_no_version, what_cannot_be_applied_leaves_no_trace,
              faults_are_placed),
        GROUP("conditions", setup_store, versions_and_absence, patch_where),
        GROUP("difference", setup_store, a_difference_leads_from_one_version_to_the_other,
              differences_that_there_are_not),
        GROUP("calls", setup_store, typed_calls, a_batch_takes_patches,
              a_patch_is_asked_for_and_recorded),
    };
    return run_groups("patch", groups, sizeof groups / sizeof *groups);
}
