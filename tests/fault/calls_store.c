/* SPDX-License-Identifier: Apache-2.0 */
/* The calls on a store as a whole, on its keys, copies and journal; and what needs no store. */
#include <stdio.h>
#include <unistd.h>

#include "campaign.h"

/* ---- opening ---- */

static fhirstore_status open_again(void)
{
    const fhirstore_open_options options = fixed_options();
    fhirstore_session_options entering = FHIRSTORE_SESSION_OPTIONS_INIT;
    entering.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    fhirstore_status status = fhirstore_open(store_path, strlen(store_path), &options, &store,
                                             NULL);
    return status < FHIRSTORE_OK ? status
                                 : fhirstore_session_open(store, &entering, &session, NULL);
}

static fhirstore_status run_open(void)
{
    close_fixed();
    return open_again();
}

static fhirstore_status run_new_store(void)
{
    const char *path = in_folder("fresh");
    fhirstore_open_options options = fixed_options();
    fhirstore *fresh = NULL;
    fhirstore_error *error = NULL;
    (void)unlink(path);
    options.key = another_key;
    fhirstore_status status = fhirstore_open(path, strlen(path), &options, &fresh, &error);
    must_hold((fresh != NULL) == (status == FHIRSTORE_OK),
              "what is handed out goes with the status");
    fhirstore_error_free(error);
    fhirstore_close(fresh);
    return status;
}

static fhirstore_status run_suspend(void)
{
    fhirstore_response *response = NULL;
    fhirstore_status status = fhirstore_suspend(store, NULL);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_update(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("p1"),
                                  FHIRSTORE_LIT("{\"resourceType\":\"Patient\",\"id\":\"p1\"}"),
                                  NULL, &response, NULL);
    }
    return judge(status, response);
}

static fhirstore_status run_trim(void)
{
    fhirstore_response *response = NULL;
    fhirstore_status status = fhirstore_store_trim(store, NULL);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_read(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("p1"), &response,
                                NULL);
    }
    return judge(status, response);
}

static fhirstore_status run_anchor(void)
{
    fhirstore_buf anchor = {0};
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_anchor(store, &anchor, &error);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_anchor_check(store, anchor.ptr, anchor.len, &error);
    }
    fhirstore_buf_clear(&anchor);
    fhirstore_error_free(error);
    return status;
}

/* ---- keys ---- */

static fhirstore_status give_any_key(void *ctx, const char *id, size_t id_len, uint8_t *key_out)
{
    (void)ctx;
    (void)id;
    (void)id_len;
    memset(key_out, 0x77, KEY_BYTES);
    return FHIRSTORE_OK;
}

static fhirstore_key_options raw_slot(void)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    key.key = another_key;
    key.key_len = KEY_BYTES;
    return key;
}

static fhirstore_status add_slot(const fhirstore_key_options *key)
{
    uint32_t slot = 0;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_key_add(store, key, &slot, &error);
    must_hold((slot != 0) == (status == FHIRSTORE_OK), "what is handed out goes with the status");
    fhirstore_error_free(error);
    return status;
}

static fhirstore_status run_key_add(void)
{
    const fhirstore_key_options key = raw_slot();
    return add_slot(&key);
}

static fhirstore_status run_key_phrase(void)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    key.passphrase = "words";
    key.passphrase_len = 5;
    key.kdf_memory_kib = 64;
    key.kdf_passes = 1;
    return add_slot(&key);
}

static fhirstore_status run_key_recipient(void)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    uint8_t public_key[KEY_BYTES];
    fhirstore_status status = fhirstore_key_public(spare_key, KEY_BYTES, public_key, NULL);
    key.recipient = public_key;
    key.recipient_len = KEY_BYTES;
    return status < FHIRSTORE_OK ? status : add_slot(&key);
}

static fhirstore_status run_key_callback(void)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    key.callback = give_any_key;
    key.key_id = "kms";
    key.key_id_len = 3;
    return add_slot(&key);
}

static fhirstore_status run_key_list(void)
{
    fhirstore_buf list = {0};
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_key_list(store, &list, &error);
    fhirstore_buf_clear(&list);
    fhirstore_error_free(error);
    return status;
}

static fhirstore_status run_key_remove(void)
{
    return fhirstore_key_remove(store, 2, NULL);
}

static fhirstore_status run_key_rotate(void)
{
    const fhirstore_key_options key = raw_slot();
    return fhirstore_key_rotate(store, 0, &key, NULL, NULL);
}

static fhirstore_status run_key_renew(void)
{
    const fhirstore_key_options key = raw_slot();
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_key_renew(store, &key, NULL, &error);
    fhirstore_error_free(error);
    return status;
}

static fhirstore_status run_renewal(void)
{
    fhirstore_status status = run_key_renew();
    return status < FHIRSTORE_OK ? status : fhirstore_maintain(store, NULL, NULL);
}

/* ---- copies ---- */

static fhirstore_status copy_to(const char *name, const fhirstore_backup_options *options)
{
    const char *path = in_folder(name);
    fhirstore_error *error = NULL;
    (void)unlink(path);
    fhirstore_status status = fhirstore_backup(store, path, strlen(path), options, &error);
    fhirstore_error_free(error);
    return status;
}

static fhirstore_status run_backup(void)
{
    const fhirstore_key_options key = raw_slot();
    fhirstore_backup_options options = FHIRSTORE_BACKUP_OPTIONS_INIT;
    options.key = &key;
    return copy_to("copy", &options);
}

static fhirstore_status run_plain_backup(void)
{
    fhirstore_backup_options options = FHIRSTORE_BACKUP_OPTIONS_INIT;
    options.flags = FHIRSTORE_BACKUP_PLAINTEXT;
    return copy_to("plain", &options);
}

static fhirstore_status migrate(const fhirstore_backup_options *to)
{
    fhirstore_open_options from = fixed_options();
    from.flags = 0;
    close_fixed();
    return fhirstore_migrate(store_path, strlen(store_path), &from, to, NULL);
}

static fhirstore_status run_migrate(void)
{
    const fhirstore_key_options key = raw_slot();
    fhirstore_backup_options to = FHIRSTORE_BACKUP_OPTIONS_INIT;
    to.key = &key;
    return migrate(&to);
}

static fhirstore_status run_plain_migrate(void)
{
    fhirstore_backup_options to = FHIRSTORE_BACKUP_OPTIONS_INIT;
    to.flags = FHIRSTORE_BACKUP_PLAINTEXT;
    return migrate(&to);
}

static fhirstore_status run_compact(void)
{
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_compact(store, &error);
    fhirstore_error_free(error);
    return status;
}

/* ---- the journal ---- */

static fhirstore_status run_journal(void)
{
    fhirstore_buf text = {0};
    fhirstore_buf anchor = {0};
    int64_t next = 0;
    fhirstore_status status = fhirstore_journal_read(session, 1, 100, &text, &next, NULL);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_journal_anchor(session, &anchor, NULL);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_journal_verify(session, anchor.ptr, anchor.len, &text, NULL);
    }
    fhirstore_buf_clear(&text);
    fhirstore_buf_clear(&anchor);
    return status;
}

static fhirstore_status run_repair(void)
{
    int64_t left = -1;
    return fhirstore_repair(session, NULL, NULL, &left, NULL);
}

static fhirstore_status run_retain(void)
{
    return fhirstore_journal_retain(session, fixed_time, NULL);
}

/* ---- what a host hooks in ---- */

static fhirstore_status restrict_all(void *ctx, const fhirstore_access_request *request,
                                     fhirstore_access_decision *decision)
{
    (void)ctx;
    decision->answer = FHIRSTORE_ACCESS_RESTRICT;
    fhirstore_status status = fhirstore_access_restrict(decision, FHIRSTORE_LIT("_id=p1,p2"));
    if (status >= FHIRSTORE_OK && request->type_len == 7) {
        status = fhirstore_access_except(decision, FHIRSTORE_LIT("birthdate=1930-01-01"));
    }
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_access_hide(decision, FHIRSTORE_LIT("birthDate"));
    }
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_access_keep(decision, FHIRSTORE_LIT("gender"));
    }
    return status < FHIRSTORE_OK ? status
                                 : fhirstore_access_valid(decision, 1000, FHIRSTORE_ACCESS_TYPE);
}

static fhirstore_status run_authorizer(void)
{
    const fhirstore_authorizer authorizer = {.struct_size = sizeof authorizer,
                                             .authorize = restrict_all};
    fhirstore_session *within = NULL;
    fhirstore_response *response = NULL;
    fhirstore_status status = fhirstore_set_authorizer(store, &authorizer, NULL);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_session_open(store, NULL, &within, NULL);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_search_page(within, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT(""),
                                       &response, NULL);
    }
    fhirstore_session_close(within);
    return judge(status, response);
}

static fhirstore_status answer_ok(void *ctx, const fhirstore_operation_request *request,
                                  fhirstore_operation_reply *answer)
{
    (void)ctx;
    (void)request;
    return fhirstore_operation_answer(answer, 200,
                                      FHIRSTORE_LIT("{\"resourceType\":\"Parameters\"}"));
}

static fhirstore_status run_operation(void)
{
    const fhirstore_operation operation = {.struct_size = sizeof operation,
                                           .name = "greet",
                                           .name_len = 5,
                                           .levels = FHIRSTORE_OPERATION_ON_SYSTEM,
                                           .run = answer_ok};
    fhirstore_status status = fhirstore_operation_register(store, &operation, NULL);
    return status < FHIRSTORE_OK ? status : run_request("GET", "$greet", "");
}

static fhirstore_status run_named_query(void)
{
    fhirstore_status status = fhirstore_query_register(
        store, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("by-gender"),
        FHIRSTORE_LIT("gender={gender=male}&_sort=_id"), NULL);
    return status < FHIRSTORE_OK ? status : run_request("GET", "Patient?_query=by-gender", "");
}

/* ---- resources, where the table of requests has other ways ---- */

static const char changed[] = "{\"resourceType\":\"Patient\",\"id\":\"p1\",\"active\":true}";

static fhirstore_status run_create_if_none(void)
{
    fhirstore_response *response = NULL;
    fhirstore_status status = fhirstore_create_if_none(
        session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("family=Nobody"),
        FHIRSTORE_LIT("{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"Nobody\"}]}"),
        &response, NULL);
    return judge(status, response);
}

static fhirstore_status run_vread(void)
{
    fhirstore_response *response = NULL;
    fhirstore_status status = fhirstore_vread(session, FHIRSTORE_LIT("Patient"),
                                              FHIRSTORE_LIT("p1"), 1, &response, NULL);
    return judge(status, response);
}

static fhirstore_status run_read_if(void)
{
    fhirstore_read_options options = FHIRSTORE_READ_OPTIONS_INIT;
    fhirstore_response *response = NULL;
    fhirstore_status status = fhirstore_read_if(session, FHIRSTORE_LIT("Patient"),
                                                FHIRSTORE_LIT("p1"), &options, &response, NULL);
    return judge(status, response);
}

static fhirstore_status run_typed_history(void)
{
    fhirstore_response *response = NULL;
    fhirstore_status status = fhirstore_history(
        session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("p1"), FHIRSTORE_LIT(""), &response, NULL);
    return judge(status, response);
}

static fhirstore_status run_update_where(void)
{
    fhirstore_response *response = NULL;
    fhirstore_status status = fhirstore_update_where(session, FHIRSTORE_LIT("Patient"),
                                                     FHIRSTORE_LIT("_id=p1"),
                                                     FHIRSTORE_LIT(changed), NULL, &response, NULL);
    return judge(status, response);
}

static fhirstore_status run_delete_where(void)
{
    fhirstore_response *response = NULL;
    fhirstore_status status = fhirstore_delete_where(
        session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("_id=p2"), NULL, &response, NULL);
    return judge(status, response);
}

static fhirstore_status run_typed_delete(void)
{
    fhirstore_response *response = NULL;
    fhirstore_status status = fhirstore_delete(session, FHIRSTORE_LIT("Patient"),
                                               FHIRSTORE_LIT("p2"), NULL, &response, NULL);
    return judge(status, response);
}

static fhirstore_status run_patch(void)
{
    fhirstore_response *response = NULL;
    fhirstore_status status = fhirstore_patch(
        session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("p1"), FHIRSTORE_PATCH_MERGE,
        FHIRSTORE_LIT("{\"active\":true}"), NULL, &response, NULL);
    return judge(status, response);
}

static fhirstore_status run_explain(void)
{
    fhirstore_buf plan = {0};
    fhirstore_status status = fhirstore_search_explain(
        session, FHIRSTORE_LIT("Observation"), FHIRSTORE_LIT("subject=Patient/p1&_sort=_id"), &plan,
        NULL);
    fhirstore_buf_clear(&plan);
    return status;
}

static fhirstore_status run_import_flush(void)
{
    fhirstore_import *import = NULL;
    fhirstore_status status = fhirstore_import_open(session, NULL, &import, NULL);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_import_add(import, "a", 1, FHIRSTORE_LIT(changed), NULL);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_import_flush(import, NULL);
    }
    fhirstore_import_close(import);
    return status;
}

static fhirstore_status run_shred(void)
{
    fhirstore_buf report = {0};
    fhirstore_status status = fhirstore_shred_patient(session, FHIRSTORE_LIT("p3"), 0, &report,
                                                      NULL);
    fhirstore_buf_clear(&report);
    return status;
}

/* ---- without a store ---- */

static fhirstore_status run_fhirpath(void)
{
    fhirstore_fhirpath *path = NULL;
    fhirstore_buf results = {0};
    fhirstore_status status = fhirstore_fhirpath_compile(
        FHIRSTORE_FHIR_R4, FHIRSTORE_LIT("Patient"),
        FHIRSTORE_LIT("name.where(family.matches('F.*')).select(given | family).count() + 1"), 0,
        &path, NULL);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_fhirpath_evaluate(
            path,
            FHIRSTORE_LIT("{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"Fay\","
                          "\"given\":[\"A\",\"B\"]}]}"),
            NULL, &results, NULL);
    }
    fhirstore_fhirpath_free(path);
    fhirstore_buf_clear(&results);
    return status;
}

static fhirstore_status run_preview(void)
{
    fhirstore_buf rows = {0};
    fhirstore_status status = fhirstore_index_preview(
        FHIRSTORE_FHIR_R4, "", 0,
        FHIRSTORE_LIT("{\"resourceType\":\"Patient\",\"birthDate\":\"2000-01-01\",\"name\":[{"
                      "\"family\":\"Fay\"}]}"),
        &rows, NULL);
    fhirstore_buf_clear(&rows);
    return status;
}

static const char device_mapping[] =
    "{\"templateType\":\"CollectionContent\",\"template\":[{\"templateType\":\"JsonPathContent\","
    "\"template\":{\"typeName\":\"hr\",\"typeMatchExpression\":\"$..[?(@hr)]\","
    "\"deviceIdExpression\":\"$.d\",\"timestampExpression\":\"$.t\",\"values\":[{\"required\":"
    "true,\"valueExpression\":\"$.hr\",\"valueName\":\"v\"}]}}]}";
static const char fhir_mapping[] =
    "{\"templateType\":\"CollectionFhir\",\"template\":[{\"templateType\":\"CodeValueFhir\","
    "\"template\":{\"typeName\":\"hr\",\"codes\":[{\"code\":\"8867-4\",\"system\":"
    "\"http://loinc.org\"}],\"value\":{\"valueType\":\"Quantity\",\"valueName\":\"v\",\"unit\":"
    "\"/min\"}}}]}";
static const char message[] = "{\"Body\":{\"d\":\"band\",\"t\":\"2020-01-01T00:00:00Z\",\"hr\":70},"
                              "\"Properties\":{},\"SystemProperties\":{}}";

static fhirstore_status normalise(const fhirstore_iot_mapping *device,
                                  const fhirstore_iot_mapping *fhir)
{
    const fhirstore_iot_event event = {.body = message, .body_len = sizeof message - 1};
    fhirstore_iot_options how = FHIRSTORE_IOT_OPTIONS_INIT;
    fhirstore_buf measured = {0};
    fhirstore_buf other = {0};
    how.identity = FHIRSTORE_IOT_CREATE;
    fhirstore_status status = fhirstore_iot_mapping_check(device, fhir, FHIRSTORE_LIT(message), 0,
                                                          &other, NULL);
    fhirstore_buf_clear(&other);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_iot_normalise_event(device, &event, 0, &other, NULL, NULL);
    }
    fhirstore_buf_clear(&other);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_iot_normalise(device, FHIRSTORE_LIT(message), 0, &measured, NULL, NULL);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_iot_ingest(session, fhir, &how, measured.ptr == NULL ? "" : measured.ptr,
                                      measured.len, &other, NULL, NULL);
    }
    fhirstore_buf_clear(&other);
    fhirstore_buf_clear(&measured);
    return status;
}

static fhirstore_status run_measurements(void)
{
    fhirstore_iot_mapping *device = NULL;
    fhirstore_iot_mapping *fhir = NULL;
    fhirstore_buf faults = {0};
    fhirstore_status status = fhirstore_iot_mapping_load(
        FHIRSTORE_IOT_DEVICE, FHIRSTORE_LIT(device_mapping), 0, &device, &faults, NULL);
    fhirstore_buf_clear(&faults);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_iot_mapping_load(FHIRSTORE_IOT_FHIR, FHIRSTORE_LIT(fhir_mapping), 0,
                                            &fhir, &faults, NULL);
        fhirstore_buf_clear(&faults);
    }
    if (status >= FHIRSTORE_OK) {
        status = normalise(device, fhir);
    }
    fhirstore_iot_mapping_free(device);
    fhirstore_iot_mapping_free(fhir);
    return status;
}

const public_call store_calls[] = {
    {"open", "open close session_open session_close", run_open, 0, NULL},
    {"new store", "open close", run_new_store, 0, NULL},
    {"suspend", "suspend", run_suspend, 0, NULL},
    {"trim", "store_trim read", run_trim, 0, NULL},
    {"anchor", "anchor anchor_check", run_anchor, 0, NULL},
    {"key add", "key_add", run_key_add, 0, NULL},
    {"passphrase", "key_add", run_key_phrase, 0, NULL},
    {"recipient", "key_add key_public", run_key_recipient, 0, NULL},
    {"key callback", "key_add", run_key_callback, 0, NULL},
    {"key list", "key_list", run_key_list, 0, NULL},
    {"key remove", "key_remove", run_key_remove, CALL_ONCE, NULL},
    {"key rotate", "key_rotate", run_key_rotate, 0, another_key},
    {"key renew", "key_renew", run_key_renew, CALL_ONCE, another_key},
    {"renewal", "key_renew maintain", run_renewal, CALL_ONCE | CALL_IN_STEPS, another_key},
    {"backup", "backup", run_backup, 0, NULL},
    {"plain backup", "backup", run_plain_backup, CALL_PLAIN_FILE, NULL},
    {"migrate", "migrate", run_migrate, CALL_ONCE | CALL_NEW_STORE, another_key},
    {"plain migrate", "migrate", run_plain_migrate,
     CALL_ONCE | CALL_NEW_STORE | CALL_PLAIN_AFTER | CALL_PLAIN_FILE, NULL},
    {"compact", "compact", run_compact, 0, NULL},
    {"journal", "journal_read journal_verify journal_anchor", run_journal, 0, NULL},
    {"retain", "journal_retain", run_retain, 0, NULL},
    {"repair", "repair", run_repair, 0, NULL},
    {"authorizer",
     "set_authorizer access_restrict access_except access_hide access_keep access_valid "
     "search_page",
     run_authorizer, CALL_MAY_DENY, NULL},
    {"operation", "operation_register operation_answer", run_operation, CALL_ONCE, NULL},
    {"named query", "query_register", run_named_query, CALL_ONCE, NULL},
    {"create if none", "create_if_none", run_create_if_none, CALL_MAKES_IDS, NULL},
    {"vread", "vread", run_vread, 0, NULL},
    {"conditional read", "read_if", run_read_if, 0, NULL},
    {"typed history", "history", run_typed_history, 0, NULL},
    {"update where", "update_where", run_update_where, 0, NULL},
    {"delete where", "delete_where", run_delete_where, 0, NULL},
    {"typed delete", "delete", run_typed_delete, 0, NULL},
    {"merge patch", "patch", run_patch, 0, NULL},
    {"explain", "search_explain", run_explain, 0, NULL},
    {"import flush", "import_flush", run_import_flush, 0, NULL},
    {"shred", "shred_patient", run_shred, CALL_ONCE | CALL_IN_STEPS, NULL},
    {"fhirpath", "fhirpath_compile fhirpath_evaluate fhirpath_free", run_fhirpath, 0, NULL},
    {"preview", "index_preview", run_preview, 0, NULL},
    {"measurements", "iot_mapping_check iot_normalise iot_normalise_event iot_ingest",
     run_measurements, CALL_MAKES_IDS, NULL},
    {NULL, NULL, NULL, 0, NULL},
};
