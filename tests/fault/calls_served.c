/* SPDX-License-Identifier: Apache-2.0 */
/* The calls by which resources are stored, found and read, one after another. */
#include <stdio.h>

#include "campaign.h"

#define BUNDLE(type, entries) \
    "{\"resourceType\":\"Bundle\",\"type\":\"" type "\",\"entry\":[" entries "]}"

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
        /* What cannot be read is found to be so; with memory alone failing nothing is. */
        status = status >= FHIRSTORE_OK && findings > 0 ? FHIRSTORE_ERR_CORRUPT : status;
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
    static int destroyed;
    fhirstore_session *another = NULL;
    fhirstore_error *error = NULL;
    const fhirstore_audit_hook hook = {.struct_size = sizeof hook,
                                       .ctx = &destroyed,
                                       .record = ignore_event,
                                       .destroy = count_destroyed};
    destroyed = 0;
    fhirstore_status status = fhirstore_session_open(store, NULL, &another, &error);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_set_audit_hook(store, &hook, &error);
        if (status >= FHIRSTORE_OK) {
            status = run_update();
            must_hold(destroyed == 0, "the hook is there still");
            fhirstore_status removed = fhirstore_set_audit_hook(store, NULL, NULL);
            if (removed < FHIRSTORE_OK) {
                removed = fhirstore_set_audit_hook(store, NULL, NULL);
            }
            must_hold(destroyed == (removed == FHIRSTORE_OK), "removed, or not");
        } else {
            must_hold(destroyed == 1, "what is not registered is destroyed");
        }
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
    static char body[LARGE_BYTES + 400];
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
    fhirstore_error_free(error);
    return judge(status, response);
}
const public_call served_calls[] = {
    {"create", "create response_free error_free", run_create, CALL_MAKES_IDS, NULL},
    {"update", "update", run_update, 0, NULL},
    {"delete", "request", run_delete, 0, NULL},
    {"hard delete", "request", run_hard_delete, 0, NULL},
    {"content", "request", run_content, CALL_MAKES_IDS, NULL},
    {"told transaction", "request", run_told_transaction, CALL_MAKES_IDS, NULL},
    {"purge history", "purge_history", run_purge_history, 0, NULL},
    {"invalid", "error_outcome buf_clear", run_invalid, 0, NULL},
    {"reads", "request", run_reads, 0, NULL},
    {"history", "request", run_history, 0, NULL},
    {"search", "search_open search_next search_close search_count", run_search, 0, NULL},
    {"transaction", "request", run_transaction, 0, NULL},
    {"batch", "request", run_batch, 0, NULL},
    {"import", "import_open import_add import_finish import_close", run_import, 0, NULL},
    {"upkeep", "stats export maintain verify", run_upkeep, 0, NULL},
    {"setup", "session_open session_close set_audit_hook", run_setup, 0, NULL},
    {"within restrictions", "set_policy access_introspect access_explain", run_within, 0, NULL},
    {"parameter", "request", run_parameter, 0, NULL},
    {"late search", "search_count", run_late_search, 0, NULL},
    {"trail", "request", run_trail, 0, NULL},
    {"devices", "iot_mapping_load iot_mapping_free iot_ingest_events", run_devices, 0, NULL},
    {"samples", "iot_samples iot_evaluate", run_samples, 0, NULL},
    {"maintain", "maintain", run_maintain, 0, NULL},
    {"large", "update", run_large, 0, NULL},
    {"conditional transaction", "request", run_conditional_transaction, 0, NULL},
    {"conditional update", "request", run_conditional_update, 0, NULL},
    {"conditional delete", "request", run_conditional_delete, 0, NULL},
    {"JSON patch", "request", run_json_patch, 0, NULL},
    {"FHIRPath patch", "patch_where", run_fhirpath_patch, CALL_ONCE, NULL},
    {"difference", "request", run_diff, 0, NULL},
    {NULL, NULL, NULL, 0, NULL},
};
