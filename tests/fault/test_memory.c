/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation fails once, ours and SQLite's, in every kind of call: the answer is that memory
 * is short (or all went well), and the store is as it was before or as it should be after.
 *
 * Short form: some allocations of each call. FHIRSTORE_TEST_LONG=1: all of them.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "failing_malloc.h"
#include "harness.h"

#define SAMPLES 24
#define BUNDLE(type, entries) \
    "{\"resourceType\":\"Bundle\",\"type\":\"" type "\",\"entry\":[" entries "]}"

/* ---- allocations that fail ---- */

static sqlite3_mem_methods real_methods;

static void *failing_malloc(int size)
{
    return must_fail() ? NULL : real_methods.xMalloc(size);
}

static void *failing_realloc(void *ptr, int size)
{
    return must_fail() ? NULL : real_methods.xRealloc(ptr, size);
}

/* ---- the calls ---- */

static int64_t tell_time(void *ctx)
{
    return *(const int64_t *)ctx;
}

static int64_t fixed_time;

static fhirstore_open_options fixed_options(void)
{
    fhirstore_open_options options = open_options();
    options.clock = tell_time;
    options.clock_ctx = &fixed_time;
    options.cache_bytes = 1 << 20;
    return options;
}

/* An answer that may also be a refusal of the request entry. */
static fhirstore_status judge(fhirstore_status status, fhirstore_response *response)
{
    if (status >= FHIRSTORE_OK && fhirstore_response_http(response) >= 400) {
        size_t len;
        const char *body = fhirstore_response_body(response, &len);
        bool is_memory = fhirstore_response_http(response) == 500 &&
                         strstr(body, "OperationOutcome") != NULL;
        status = is_memory ? FHIRSTORE_ERR_NO_MEMORY : FHIRSTORE_ERR_INTERNAL;
    }
    fhirstore_response_free(response);
    return status;
}

static fhirstore_status run_request(const char *method, const char *url, const char *body)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_request(session, method, strlen(method), url, strlen(url),
                                                NULL, 0, body, strlen(body), &response, &error);
    fhirstore_error_free(error);
    return judge(status, response);
}

static fhirstore_status run_create(void)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    static const char body[] = "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{"
                               "\"coding\":[{\"system\":\"http://new\",\"code\":\"c\"}]},"
                               "\"valueQuantity\":{\"value\":1.5,\"unit\":\"kg\",\"code\":\"kg\","
                               "\"system\":\"http://unitsofmeasure.org\"},\"subject\":{"
                               "\"reference\":\"Patient/new\"}}";
    fhirstore_status status = fhirstore_create(session, FHIRSTORE_LIT("Observation"),
                                               FHIRSTORE_LIT(body), &response, &error);
    fhirstore_error_free(error);
    return judge(status, response);
}

static fhirstore_status run_update(void)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    static const char body[] = "{\"resourceType\":\"Patient\",\"id\":\"p1\",\"name\":[{\"family\":"
                               "\"Changed\"}],\"gender\":\"female\"}";
    fhirstore_status status = fhirstore_update(session, FHIRSTORE_LIT("Patient"),
                                               FHIRSTORE_LIT("p1"), FHIRSTORE_LIT(body), NULL,
                                               &response, &error);
    fhirstore_error_free(error);
    return judge(status, response);
}

static fhirstore_status run_delete(void)
{
    return run_request("DELETE", "Patient/p2", "");
}

static fhirstore_status run_with_header(const char *method, const char *url, const char *name,
                                        const char *value, const char *body)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    const fhirstore_header header = {name, strlen(name), value, strlen(value)};
    fhirstore_status status = fhirstore_request(session, method, strlen(method), url, strlen(url),
                                                &header, 1, body, strlen(body), &response, &error);
    fhirstore_error_free(error);
    return judge(status, response);
}

static fhirstore_status run_content(void)
{
    fhirstore_status status = run_with_header("PUT", "Binary/content", "Content-Type", "a/b",
                                              "bytes of some kind");
    return status < FHIRSTORE_OK ? status
                                 : run_with_header("GET", "Binary/content", "Accept", "a/b", "");
}

static fhirstore_status run_told_transaction(void)
{
    return run_with_header(
        "POST", "", "X-Provenance",
        "{\"resourceType\":\"Provenance\",\"recorded\":\"2020-01-01T00:00:00Z\",\"agent\":[{"
        "\"who\":{\"display\":\"me\"}}]}",
        BUNDLE("transaction",
               "{\"resource\":{\"resourceType\":\"Patient\",\"link\":[{\"other\":{\"reference\":"
               "\"urn:uuid:n\"},\"type\":\"seealso\"}]},\"request\":{\"method\":\"PUT\",\"url\":"
               "\"Patient?link=urn:uuid:n\"}},"
               "{\"fullUrl\":\"urn:uuid:n\",\"resource\":{\"resourceType\":\"Patient\",\"id\":"
               "\"named\"},\"request\":{\"method\":\"PUT\",\"url\":\"Patient?_id=named\"}},"
               "{\"request\":{\"method\":\"GET\",\"url\":\"Patient/_history?_count=2\"}},"
               "{\"request\":{\"method\":\"GET\",\"url\":\"Patient/p1/$meta\"}}"));
}

static fhirstore_status run_hard_delete(void)
{
    return run_request("DELETE", "Patient/p2?_hardDelete=true", "");
}

static fhirstore_status run_purge_history(void)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_purge_history(session, FHIRSTORE_LIT("Patient"),
                                                      FHIRSTORE_LIT("p1"), &response, &error);
    fhirstore_error_free(error);
    return judge(status, response);
}

static fhirstore_status run_invalid(void)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    static const char body[] = "{\"resourceType\":\"Patient\",\"active\":7,\"foo\":1}";
    fhirstore_status status = fhirstore_create(session, FHIRSTORE_LIT("Patient"),
                                               FHIRSTORE_LIT(body), &response, &error);
    fhirstore_buf outcome = {0};
    (void)fhirstore_error_outcome(error, &outcome);
    fhirstore_buf_clear(&outcome);
    fhirstore_error_free(error);
    fhirstore_response_free(response);
    /* This is what it answers when all goes well. */
    return status == FHIRSTORE_ERR_INVALID_RESOURCE ? FHIRSTORE_OK : status;
}

static fhirstore_status run_reads(void)
{
    fhirstore_status status = run_request("GET", "Patient/p1", "");
    if (status >= FHIRSTORE_OK) {
        status = run_request("GET", "Patient/p1/_history/1", "");
    }
    return status < FHIRSTORE_OK ? status : run_request("GET", "metadata", "");
}

static fhirstore_status run_history(void)
{
    return run_request("GET", "Patient/_history?_count=3", "");
}

static fhirstore_status run_search(void)
{
    int64_t count;
    fhirstore_error *error = NULL;
    fhirstore_search *search = NULL;
    fhirstore_status status = run_request("GET", "Patient?name=fam&_sort=-birthdate&_count=3", "");
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhirstore_search_count(session, FHIRSTORE_LIT("Observation"),
                                    FHIRSTORE_LIT("subject:Patient.gender=male"), &count, &error);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_search_count(session, FHIRSTORE_LIT("Patient"),
                                        FHIRSTORE_LIT("_content=male OR fam*&name:text=family1"),
                                        &count, &error);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_search_open(session, FHIRSTORE_LIT("Observation"),
                                       FHIRSTORE_LIT("value-quantity=gt5||kg&_sort=_id"), &search,
                                       &error);
    }
    while (status == FHIRSTORE_OK && search != NULL) {
        status = fhirstore_search_next(search, &error);
    }
    fhirstore_search_close(search);
    fhirstore_error_free(error);
    return status;
}

static const char transaction[] = BUNDLE(
    "transaction",
    "{\"fullUrl\":\"urn:uuid:1\",\"resource\":{\"resourceType\":\"Patient\",\"id\":\"t1\"},"
    "\"request\":{\"method\":\"PUT\",\"url\":\"Patient/t1\"}},"
    "{\"resource\":{\"resourceType\":\"Observation\",\"id\":\"t2\",\"status\":\"final\",\"code\":{"
    "\"text\":\"x\"},\"subject\":{\"reference\":\"urn:uuid:1\"}},"
    "\"request\":{\"method\":\"PUT\",\"url\":\"Observation/t2\"}},"
    "{\"request\":{\"method\":\"DELETE\",\"url\":\"Patient/p3\"}},"
    "{\"request\":{\"method\":\"GET\",\"url\":\"Patient/p4\"}}");

static fhirstore_status run_transaction(void)
{
    return run_request("POST", "", transaction);
}

/* Conditions, references that are conditions, a patch and a search. */
static const char conditional_transaction[] = BUNDLE(
    "transaction",
    "{\"fullUrl\":\"urn:uuid:1\",\"resource\":{\"resourceType\":\"Patient\",\"id\":\"t1\"},"
    "\"request\":{\"method\":\"PUT\",\"url\":\"Patient?_id=t1\"}},"
    "{\"resource\":{\"resourceType\":\"Patient\"},\"request\":{\"method\":\"POST\",\"url\":"
    "\"Patient\",\"ifNoneExist\":\"_id=p4\"}},"
    "{\"resource\":{\"resourceType\":\"Observation\",\"id\":\"t2\",\"status\":\"final\",\"code\":{"
    "\"text\":\"x\"},\"subject\":{\"reference\":\"Patient?_id=p2\"}},"
    "\"request\":{\"method\":\"PUT\",\"url\":\"Observation/t2\"}},"
    "{\"resource\":{\"resourceType\":\"Binary\",\"contentType\":\"application/merge-patch+json\","
    "\"data\":\"eyJhY3RpdmUiOnRydWV9\"},\"request\":{\"method\":\"PATCH\",\"url\":\"Patient/p1\"}},"
    "{\"request\":{\"method\":\"DELETE\",\"url\":\"Patient?_id=p3\"}},"
    "{\"request\":{\"method\":\"GET\",\"url\":\"Patient?_id=p4\"}}");

static fhirstore_status run_conditional_transaction(void)
{
    return run_request("POST", "", conditional_transaction);
}

static fhirstore_status run_conditional_update(void)
{
    return run_request("PUT", "Patient?_id=p1", "{\"resourceType\":\"Patient\",\"active\":true}");
}

static fhirstore_status run_conditional_delete(void)
{
    return run_request("DELETE", "Patient?_id=p1,p2&_count=2", "");
}

static fhirstore_status run_json_patch(void)
{
    return run_request("PATCH", "Patient/p1",
                       "[{\"op\":\"add\",\"path\":\"/active\",\"value\":true},{\"op\":\"test\","
                       "\"path\":\"/id\",\"value\":\"p1\"}]");
}

static fhirstore_status run_fhirpath_patch(void)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    static const char patch[] =
        "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"operation\",\"part\":[{"
        "\"name\":\"type\",\"valueCode\":\"add\"},{\"name\":\"path\",\"valueString\":"
        "\"Patient.where(true)\"},{\"name\":\"name\",\"valueString\":\"active\"},{\"name\":"
        "\"value\","
        "\"valueBoolean\":true}]}]}";
    fhirstore_status status = fhirstore_patch_where(
        session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("_id=p1"), FHIRSTORE_PATCH_FHIRPATH,
        FHIRSTORE_LIT(patch), NULL, &response, &error);
    fhirstore_error_free(error);
    return judge(status, response);
}

static fhirstore_status run_diff(void)
{
    return run_request("GET", "$diff?from=Patient/p1&to=Patient/p2", "");
}

static fhirstore_status run_batch(void)
{
    return run_request("POST", "",
                       BUNDLE("batch", "{\"request\":{\"method\":\"GET\",\"url\":\"Patient/p4\"}},"
                                       "{\"request\":{\"method\":\"GET\",\"url\":\"Patient\"}}"));
}

static fhirstore_status run_import(void)
{
    fhirstore_import *import = NULL;
    fhirstore_error *error = NULL;
    static const char single[] = "{\"resourceType\":\"Patient\",\"id\":\"i1\",\"active\":true}";
    fhirstore_status status = fhirstore_import_open(session, NULL, &import, &error);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_import_add(import, "a", 1, FHIRSTORE_LIT(single), &error);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_import_add(import, "b", 0, FHIRSTORE_LIT(transaction), &error);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_import_finish(import, NULL, &error);
    }
    fhirstore_import_close(import);
    fhirstore_error_free(error);
    return status;
}

static fhirstore_status count_resource(void *ctx, const char *type, const char *body, size_t len)
{
    (void)type;
    (void)body;
    *(size_t *)ctx += len;
    return FHIRSTORE_OK;
}

static char found_text[256];

static void keep_finding(void *ctx, const char *area, const char *text)
{
    (void)ctx;
    (void)snprintf(found_text, sizeof found_text, "%s: %s", area, text);
}

static fhirstore_status run_upkeep(void)
{
    fhirstore_buf stats = {0};
    fhirstore_error *error = NULL;
    int64_t findings = 0;
    size_t bytes = 0;
    fhirstore_status status = fhirstore_stats(store, &stats, &error);
    fhirstore_buf_clear(&stats);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_export(session, NULL, count_resource, &bytes, NULL, &error);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_maintain(store, NULL, &error);
    }
    if (status >= FHIRSTORE_OK) {
        found_text[0] = '\0';
        status = fhirstore_verify(store, keep_finding, NULL, &findings, &error);
        ck_assert_msg(status < FHIRSTORE_OK || findings == 0, "verify found %s", found_text);
    }
    fhirstore_error_free(error);
    return status;
}

/* Sessions, callbacks, and all that a host sets up. */
static fhirstore_status ignore_event(void *ctx, const fhirstore_audit_event *event)
{
    (void)ctx;
    (void)event;
    return FHIRSTORE_OK;
}

static void count_destroyed(void *ctx)
{
    ++*(int *)ctx;
}

static fhirstore_status run_setup(void)
{
    int destroyed = 0;
    fhirstore_session *another = NULL;
    fhirstore_error *error = NULL;
    const fhirstore_audit_hook hook = {.struct_size = sizeof hook,
                                       .ctx = &destroyed,
                                       .record = ignore_event,
                                       .destroy = count_destroyed};
    fhirstore_status status = fhirstore_session_open(store, NULL, &another, &error);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_set_audit_hook(store, &hook, &error);
        if (status >= FHIRSTORE_OK) {
            status = run_update();
            ck_assert_int_eq(destroyed, 0);
            fhirstore_status removed = fhirstore_set_audit_hook(store, NULL, NULL);
            if (removed < FHIRSTORE_OK) {
                removed = fhirstore_set_audit_hook(store, NULL, NULL);
            }
            ck_assert_int_eq(removed, FHIRSTORE_OK);
        }
        ck_assert_int_eq(destroyed, 1);
    }
    fhirstore_session_close(another);
    fhirstore_error_free(error);
    return status;
}

/* ---- a principal within restrictions, who does not see all of what it sees ---- */

static fhirstore_status ask_within(fhirstore_session *within)
{
    fhirstore_buf told = {0};
    fhirstore_session *operator_session = session;
    session = within;
    fhirstore_status status = run_request("GET", "Patient/p3", "");
    if (status >= FHIRSTORE_OK) {
        status = run_request("GET", "Patient?gender:missing=true&_revinclude=Observation:subject",
                             "");
    }
    if (status >= FHIRSTORE_OK) {
        status = run_request("PUT", "Patient/p3",
                             "{\"resourceType\":\"Patient\",\"id\":\"p3\",\"active\":true}");
    }
    session = operator_session;
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_access_introspect(within, FHIRSTORE_LIT("Patient"), &told, NULL);
        fhirstore_buf_clear(&told);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_access_explain(within, FHIRSTORE_ACTION_READ, FHIRSTORE_LIT("Patient"),
                                          FHIRSTORE_LIT("p3"), &told, NULL);
        fhirstore_buf_clear(&told);
    }
    return status;
}

static fhirstore_status run_within(void)
{
    static const char policy[] =
        "{\"roles\":{\"r\":{\"allow\":[{\"actions\":[\"*\"],\"types\":[\"Patient\"],\"where\":"
        "\"_id=p3,{more}\"},{\"actions\":[\"search\"],\"types\":[\"Observation\"]}],\"hide\":[{"
        "\"types\":[\"Patient\"],\"elements\":[\"name\"]}],\"keep\":[{\"elements\":["
        "\"identifier\"]}]}},\"labels\":{\"controlled\":[\"R\"]}}";
    static const char claims[] = "{\"id\":\"a\",\"roles\":[\"r\"],\"scope\":\"user/*.cruds\","
                                 "\"attributes\":{\"more\":\"p4\"}}";
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *within = NULL;
    options.claims = claims;
    options.claims_len = sizeof claims - 1;
    fhirstore_status status = fhirstore_set_policy(store, policy, sizeof policy - 1, NULL);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_session_open(store, &options, &within, NULL);
    }
    if (status >= FHIRSTORE_OK) {
        status = ask_within(within);
    }
    fhirstore_session_close(within);
    return status;
}

/* ---- search parameters of the store's own; x-born is there, and not indexed yet ---- */

#define PARAMETER(id, type, expression)                                                        \
    "{\"resourceType\":\"SearchParameter\",\"id\":\"" id "\",\"url\":\"http://example.org/" id \
    "\",\"name\":\"" id "\",\"status\":\"active\",\"description\":\"d\",\"code\":\"x-" id      \
    "\",\"base\":[\"Patient\"],\"type\":\"" type "\",\"expression\":\"" expression "\"}"

static fhirstore_status run_parameter(void)
{
    return run_request("PUT", "SearchParameter/many",
                       PARAMETER("many", "number", "Patient.name.count() + 0"));
}

static fhirstore_status run_late_search(void)
{
    int64_t count = 0;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_search_count(
        session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("x-born=ge1950"), &count, &error);
    fhirstore_error_free(error);
    bool is_right = count == (status >= FHIRSTORE_OK ? 4 : 0);
    return is_right ? status : FHIRSTORE_ERR_INTERNAL;
}

/* ---- the journal as AuditEvents ---- */

static fhirstore_status run_trail(void)
{
    static const char *const urls[] = {
        "AuditEvent/journal.1", "AuditEvent?_sort=date&_count=2&action:not=D&_total=accurate"};
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < sizeof urls / sizeof *urls && status >= FHIRSTORE_OK; i++) {
        status = run_request("GET", urls[i], "");
    }
    return status;
}

static fhirstore_status run_maintain(void)
{
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_maintain(store, NULL, &error);
    fhirstore_error_free(error);
    return status;
}

/* ---- device messages ---- */

#define DEVICE_MAPPING                                                                       \
    "{\"templateType\":\"CollectionContent\",\"template\":[{\"templateType\":"               \
    "\"CalculatedContent\",\"template\":{\"typeName\":\"hr\",\"typeMatchExpression\":"       \
    "\"$..[?(@.hr)]\",\"deviceIdExpression\":\"$.Body.d\",\"patientIdExpression\":"          \
    "\"$.Body.p\",\"timestampExpression\":{\"value\":\"fromUnixTimestamp(matchedToken.t)\"," \
    "\"language\":\"JmesPath\"},\"values\":[{\"valueName\":\"v\",\"valueExpression\":"       \
    "\"$.matchedToken.hr\"}]}}]}"
#define FHIR_MAPPING                                                                            \
    "{\"templateType\":\"CollectionFhir\",\"template\":[{\"templateType\":\"CodeValueFhir\","   \
    "\"template\":{\"typeName\":\"hr\",\"periodInterval\":60,\"codes\":[{\"code\":\"8867-4\","  \
    "\"system\":\"http://loinc.org\"}],\"value\":{\"valueType\":\"SampledData\",\"valueName\":" \
    "\"v\",\"defaultPeriod\":60000}}}]}"

static fhirstore_status ignore_rows(void *ctx, const char *text, size_t text_len)
{
    (void)ctx;
    (void)text;
    (void)text_len;
    return FHIRSTORE_OK;
}

static fhirstore_status ingest_messages(const fhirstore_iot_mapping *device,
                                        const fhirstore_iot_mapping *fhir)
{
    static const char body[] = "{\"d\":\"band\",\"p\":\"wearer\",\"list\":[{\"hr\":71,\"t\":"
                               "1600000000},{\"hr\":72.5,\"t\":1600000060},{\"hr\":73,\"t\":"
                               "1600007200}]}";
    const fhirstore_iot_event event = {.body = body, .body_len = sizeof body - 1};
    fhirstore_iot_options how = FHIRSTORE_IOT_OPTIONS_INIT;
    fhirstore_buf report = {0};
    how.identity = FHIRSTORE_IOT_CREATE;
    fhirstore_status status = fhirstore_iot_ingest_events(session, device, fhir, &how, &event, 1,
                                                          &report, NULL, NULL);
    fhirstore_buf_clear(&report);
    return status;
}

static fhirstore_status run_devices(void)
{
    fhirstore_iot_mapping *device = NULL;
    fhirstore_iot_mapping *fhir = NULL;
    fhirstore_status status = fhirstore_iot_mapping_load(
        FHIRSTORE_IOT_DEVICE, FHIRSTORE_LIT(DEVICE_MAPPING), 0, &device, NULL, NULL);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_iot_mapping_load(FHIRSTORE_IOT_FHIR, FHIRSTORE_LIT(FHIR_MAPPING), 0,
                                            &fhir, NULL, NULL);
    }
    if (status >= FHIRSTORE_OK) {
        status = ingest_messages(device, fhir);
    }
    fhirstore_iot_mapping_free(device);
    fhirstore_iot_mapping_free(fhir);
    return status;
}

static fhirstore_status run_samples(void)
{
    fhirstore_iot_samples_options which = FHIRSTORE_IOT_SAMPLES_OPTIONS_INIT;
    fhirstore_buf found = {0};
    which.patient = "p3";
    which.patient_len = 2;
    which.code = "x";
    which.code_len = 1;
    fhirstore_status status = fhirstore_iot_samples(session, &which, ignore_rows, NULL, NULL, NULL);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_iot_evaluate(
            FHIRSTORE_IOT_JMES_PATH, FHIRSTORE_LIT("sort_by(a, &b)[].to_string(@)"),
            FHIRSTORE_LIT("{\"a\":[{\"b\":2},{\"b\":1}]}"), &found, NULL);
    }
    fhirstore_buf_clear(&found);
    return status;
}

/* ---- a resource that is stored in parts ---- */

#define LARGE_BYTES ((size_t)1100 * 1024)

static fhirstore_status run_large(void)
{
    char *body = __real_malloc(LARGE_BYTES + 400);
    if (body == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    size_t len = (size_t)sprintf(body, "{\"resourceType\":\"Bundle\",\"id\":\"large\",\"type\":"
                                       "\"collection\",\"entry\":[");
    for (int i = 0; len < LARGE_BYTES; i++) {
        len += (size_t)sprintf(body + len, "%s{\"fullUrl\":\"http://example.org/%d\"}",
                               i == 0 ? "" : ",", i);
    }
    len += (size_t)sprintf(body + len, "]}");
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_update(session, FHIRSTORE_LIT("Bundle"),
                                               FHIRSTORE_LIT("large"), body, len, NULL, &response,
                                               &error);
    free(body);
    fhirstore_error_free(error);
    return judge(status, response);
}

typedef struct scenario {
    const char *name;
    fhirstore_status (*run)(void);
    bool has_chance; /* ids are made: only the numbers of things can be compared */
} scenario;

static const scenario scenarios[] = {
    {"create", run_create, true},
    {"update", run_update, false},
    {"delete", run_delete, false},
    {"hard delete", run_hard_delete, false},
    {"content", run_content, true},
    {"told transaction", run_told_transaction, true},
    {"purge history", run_purge_history, false},
    {"invalid", run_invalid, false},
    {"reads", run_reads, false},
    {"history", run_history, false},
    {"search", run_search, false},
    {"transaction", run_transaction, false},
    {"batch", run_batch, false},
    {"import", run_import, false},
    {"upkeep", run_upkeep, false},
    {"setup", run_setup, false},
    {"within restrictions", run_within, false},
    {"parameter", run_parameter, false},
    {"late search", run_late_search, false},
    {"trail", run_trail, false},
    {"devices", run_devices, false},
    {"samples", run_samples, false},
    {"maintain", run_maintain, false},
    {"large", run_large, false},
    {"conditional transaction", run_conditional_transaction, false},
    {"conditional update", run_conditional_update, false},
    {"conditional delete", run_conditional_delete, false},
    {"JSON patch", run_json_patch, false},
    {"FHIRPath patch", run_fhirpath_patch, false},
    {"difference", run_diff, false},
};

/* ---- the loop ---- */

static char *template_bytes;
static size_t template_len;

static void open_fixed(void)
{
    const fhirstore_open_options options = fixed_options();
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
}

static void close_fixed(void)
{
    forget_replies();
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
}

static void restore(void)
{
    save_file(store_path, template_bytes, template_len);
    (void)unlink(in_folder("store-wal"));
}

static void setup_template(void)
{
    char body[512];
    fixed_time = INT64_C(1700000000) * SECOND;
    setup_folder();
    open_fixed();
    for (int i = 0; i < 8; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "p%d", i);
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"gender\":\"male\",\"name\":[{"
                       "\"family\":\"Family%d\"}],\"birthDate\":\"19%d0-01-01\"}",
                       id, i, i + 1);
        expect_status(update("Patient", id, body), FHIRSTORE_CREATED);
        (void)snprintf(id, sizeof id, "o%d", i);
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"Observation\",\"id\":\"%s\",\"status\":\"final\","
                       "\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"Patient/p%d\"},"
                       "\"valueQuantity\":{\"value\":%d,\"unit\":\"kg\",\"code\":\"kg\","
                       "\"system\":\"http://unitsofmeasure.org\"}}",
                       id, i, i * 2);
        expect_status(update("Observation", id, body), FHIRSTORE_CREATED);
    }
    expect_status(update("SearchParameter", "born", PARAMETER("born", "date", "Patient.birthDate")),
                  FHIRSTORE_CREATED);
    close_fixed();
    template_bytes = load_file(store_path, &template_len);
    fixed_time += 100 * SECOND;
}

static void teardown_template(void)
{
    free(template_bytes);
    template_bytes = NULL;
    teardown();
}

/* Owned by the caller. */
static char *state_of(const scenario *what)
{
    const char *state = state_of_store();
    return strdup(what->has_chance ? strrchr(state, '\n') : state);
}

static bool is_long(void)
{
    const char *value = getenv("FHIRSTORE_TEST_LONG");
    return value != NULL && value[0] != '\0' && value[0] != '0';
}

static uint64_t stride_of(uint64_t total)
{
    return is_long() ? 1 : total / SAMPLES + 1;
}

/* What is there now must be one of two; which one follows from the answer where it was a success.
 */
static void check_state(const scenario *what, uint64_t k, fhirstore_status status,
                        const char *before, const char *after)
{
    char *now = state_of(what);
    bool is_before = strcmp(now, before) == 0;
    bool is_after = strcmp(now, after) == 0;
    size_t same = 0;
    while (now[same] != '\0' && now[same] == after[same]) {
        same++;
    }
    ck_assert_msg(is_before || is_after,
                  "%s, allocation %llu: neither before nor after:\n%.1000s\nafter:\n%.1000s",
                  what->name, (unsigned long long)k, now + same, after + same);
    ck_assert_msg(status < FHIRSTORE_OK || is_after, "%s, allocation %llu: %s, but not there",
                  what->name, (unsigned long long)k, fhirstore_status_name(status));
    free(now);
}

static void fail_one(const scenario *what, uint64_t k, const char *before, const char *after,
                     int *refused)
{
    restore();
    open_fixed();
    arm(k);
    fhirstore_status status = what->run();
    disarm();
    ck_assert_msg(status >= FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY,
                  "%s, allocation %llu: %s", what->name, (unsigned long long)k,
                  fhirstore_status_name(status));
    *refused += status < FHIRSTORE_OK;
    /* The handle goes on working. */
    check_state(what, k, status, before, after);
    ck_assert_msg(what->run() >= FHIRSTORE_OK, "%s does not work after allocation %llu", what->name,
                  (unsigned long long)k);
    close_fixed();
    restore();
    open_fixed();
    arm(k);
    status = what->run();
    disarm();
    close_fixed();
    open_fixed();
    check_state(what, k, status, before, after);
    expect_sound(store);
    close_fixed();
}

START_TEST(each_allocation_of_a_call_may_fail)
{
    const scenario *what = &scenarios[_i];
    int refused = 0;
    restore();
    open_fixed();
    char *before = state_of(what);
    close_fixed();
    /* From the beginning once more: looking is recorded as well, and takes its time. */
    restore();
    open_fixed();
    arm(0);
    fhirstore_status status = what->run();
    disarm();
    uint64_t total = seen;
    ck_assert_msg(status >= FHIRSTORE_OK, "%s: %s", what->name, fhirstore_status_name(status));
    ck_assert_uint_gt(total, 0);
    char *after = state_of(what);
    close_fixed();
    uint64_t stride = stride_of(total);
    for (uint64_t k = 1; k <= total; k += stride) {
        fail_one(what, k, before, after, &refused);
    }
    ck_assert_int_gt(refused, 0);
    free(before);
    free(after);
}
END_TEST

/* Opening, with and without a file: no store, or a whole one. */
static void fail_opening(bool creates)
{
    const fhirstore_open_options options = fixed_options();
    uint64_t total = 0;
    int refused = 0;
    for (uint64_t k = 0; k == 0 || k <= total; k += k == 0 ? 1 : stride_of(total)) {
        fhirstore *opened = NULL;
        fhirstore_error *error = NULL;
        if (creates) {
            (void)unlink(store_path);
            (void)unlink(in_folder("store-wal"));
        } else {
            restore();
        }
        arm(k);
        fhirstore_status status = fhirstore_open(store_path, strlen(store_path), &options, &opened,
                                                 &error);
        disarm();
        total = k == 0 ? seen : total;
        ck_assert_msg(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY,
                      "allocation %llu: %s, %s (%d)", (unsigned long long)k,
                      fhirstore_status_name(status), fhirstore_error_message(error),
                      (int)fhirstore_error_cause(error));
        ck_assert((opened != NULL) == (status == FHIRSTORE_OK));
        refused += status < FHIRSTORE_OK;
        fhirstore_error_free(error);
        fhirstore_close(opened);
        open_fixed();
        ck_assert_int_eq(count_of("Patient", ""), creates ? 0 : 8);
        expect_sound(store);
        close_fixed();
    }
    ck_assert_int_gt(refused, 0);
}

START_TEST(opening_may_run_out_of_memory)
{
    fail_opening(false);
}
END_TEST

START_TEST(creating_may_run_out_of_memory)
{
    fail_opening(true);
}
END_TEST

int main(void)
{
    sqlite3_mem_methods methods;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_methods) != SQLITE_OK) {
        return EXIT_FAILURE;
    }
    methods = real_methods;
    methods.xMalloc = failing_malloc;
    methods.xRealloc = failing_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK) {
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("fault/memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, is_long() ? 3600 : 120);
    tcase_add_checked_fixture(tests, setup_template, teardown_template);
    tcase_add_loop_test(tests, each_allocation_of_a_call_may_fail, 0,
                        (int)(sizeof scenarios / sizeof scenarios[0]));
    tcase_add_test(tests, opening_may_run_out_of_memory);
    tcase_add_test(tests, creating_may_run_out_of_memory);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
