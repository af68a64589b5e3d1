/* SPDX-License-Identifier: Apache-2.0 */
/* The record of who did what: a hook that is told, and may refuse; and the store's own journal. */
#include "store.h"

/* Called inside the transaction of a write: an error from here undoes the write. */
static fhirstore_status record(void *ctx, const fhirstore_audit_event *event)
{
    int *events = ctx;
    *events += 1;
    printf("hook: %s, for %s, action %d on %s/%s, patients: %s: %s\n", event->principal,
           event->purpose, (int)event->action, event->type, event->id, event->patients,
           fhirstore_status_name(event->outcome));
    return strcmp(event->type, "Group") == 0 ? FHIRSTORE_ERR_CALLBACK : FHIRSTORE_OK;
}

/* Store @a body as Ann of the night shift; the status is the answer. */
static int put_as_ann(fhirstore *store, const char *type, const char *body, fhirstore_status wanted)
{
    fhirstore_session_options ann = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *session;
    fhirstore_response *response;
    fhirstore_error *error;
    ann.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    ann.principal = "Practitioner/ann";
    ann.principal_len = strlen(ann.principal);
    ann.purpose = "TREAT";
    ann.purpose_len = strlen(ann.purpose);
    if (fhirstore_session_open(store, &ann, &session, &error) < FHIRSTORE_OK) {
        return failed("session", error);
    }
    fhirstore_status status = fhirstore_update(session, type, strlen(type), FHIRSTORE_LIT("1"),
                                               body, strlen(body), NULL, &response, NULL);
    fhirstore_response_free(response);
    fhirstore_session_close(session);
    return status == wanted ? 0 : 1;
}

/* Records are sealed, chained and signed. An anchor that is kept elsewhere shows a rewritten
 * journal. */
static int verify(fhirstore *store)
{
    fhirstore_session *session = open_operator(store);
    fhirstore_buf records = {0}, anchor = {0}, report = {0};
    fhirstore_error *error = NULL;
    int64_t next;
    if (session == NULL) {
        return 1;
    }
    if (fhirstore_journal_anchor(session, &anchor, &error) >= FHIRSTORE_OK &&
        fhirstore_journal_verify(session, anchor.ptr, anchor.len, &report, &error) >=
            FHIRSTORE_OK &&
        fhirstore_journal_read(session, 1, 10, &records, &next, &error) >= FHIRSTORE_OK) {
        printf("verified: %s\njournal:\n%s", report.ptr, records.ptr);
    }
    fhirstore_buf_clear(&report);
    fhirstore_buf_clear(&anchor);
    fhirstore_buf_clear(&records);
    fhirstore_session_close(session);
    return error == NULL ? 0 : failed("journal", error);
}

int main(int argc, char **argv)
{
    static const char patient[] = "{\"resourceType\":\"Patient\",\"id\":\"1\"}";
    static const char weight[] =
        "{\"resourceType\":\"Observation\",\"id\":\"1\",\"status\":\"final\","
        "\"code\":{\"text\":\"Weight\"},\"subject\":{\"reference\":\"Patient/1\"}}";
    static const char group[] = "{\"resourceType\":\"Group\",\"id\":\"1\",\"type\":\"person\","
                                "\"actual\":true}";
    int events = 0;
    fhirstore_audit_hook hook = {.struct_size = sizeof(hook), .ctx = &events, .record = record};
    fhirstore_error *error = NULL;
    fhirstore *store = open_example(argc, argv, "audit.fhirstore");
    int status = store == NULL;
    if (status == 0 && fhirstore_set_audit_hook(store, &hook, &error) < FHIRSTORE_OK) {
        status = failed("hook", error);
    }
    status = status || put_as_ann(store, "Patient", patient, FHIRSTORE_CREATED) ||
             put_as_ann(store, "Observation", weight, FHIRSTORE_CREATED) ||
             put_as_ann(store, "Group", group, FHIRSTORE_ERR_AUDIT_REFUSED) || verify(store);
    fhirstore_close(store);
    /* One for each of the three, one more to tell that the last was undone, three for the looks. */
    return status == 0 && events == 7 ? 0 : 1;
}
