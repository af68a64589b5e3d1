/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what, and the record of who did: an authorizer and an audit hook. */
#include "store.h"

/* Nurses read and search; they write observations and nothing else. */
static fhirstore_status authorize(void *ctx, const fhirstore_access_request *request,
                                  fhirstore_access_decision *decision)
{
    (void)ctx;
    int reads = request->action == FHIRSTORE_ACTION_READ ||
                request->action == FHIRSTORE_ACTION_SEARCH;
    int writes = request->action == FHIRSTORE_ACTION_CREATE ||
                 request->action == FHIRSTORE_ACTION_UPDATE;
    if (strncmp(request->principal, "nurse/", 6) == 0 &&
        (reads || (writes && strcmp(request->type, "Observation") == 0))) {
        decision->answer = FHIRSTORE_ACCESS_ALLOW;
    }
    /* Whatever is not allowed stays denied: the answer was set to deny before the call. */
    return FHIRSTORE_OK;
}

/* Called inside the transaction of a write: an error from here would undo the write. */
static fhirstore_status record(void *ctx, const fhirstore_audit_event *event)
{
    int *events = ctx;
    *events += 1;
    printf("audit: %s, for %s, action %d on %s%s%s: %s\n", event->principal, event->purpose,
           (int)event->action, event->type, event->id_len > 0 ? "/" : "", event->id,
           event->outcome < FHIRSTORE_OK ? fhirstore_status_name(event->outcome) : "done");
    return FHIRSTORE_OK;
}

/* Store @a body under its id as nurse 7; the status that comes back is the answer. */
static fhirstore_status put_as_nurse(fhirstore_session *session, const char *type, const char *id,
                                     const char *body)
{
    fhirstore_response *response;
    fhirstore_error *error;
    fhirstore_status status = fhirstore_update(session, type, strlen(type), id, strlen(id), body,
                                               strlen(body), NULL, &response, &error);
    fhirstore_response_free(response);
    fhirstore_error_free(error);
    return status;
}

static int work_as_nurse(fhirstore_session *session)
{
    fhirstore_status seen = put_as_nurse(
        session, "Observation", "o1",
        "{\"resourceType\":\"Observation\",\"id\":\"o1\",\"status\":\"final\","
        "\"code\":{\"text\":\"Heart rate\"}}");
    fhirstore_status refused = put_as_nurse(session, "Patient", "p1",
                                            "{\"resourceType\":\"Patient\",\"id\":\"p1\"}");
    return seen >= FHIRSTORE_OK && refused == FHIRSTORE_ERR_DENIED ? 0 : 1;
}

int main(int argc, char **argv)
{
    int events = 0;
    fhirstore_authorizer authorizer = {sizeof(authorizer), 0, NULL, authorize, NULL};
    fhirstore_audit_hook hook = {.struct_size = sizeof(hook), .ctx = &events, .record = record};
    fhirstore_session_options nurse = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *session = NULL;
    fhirstore_error *error = NULL;
    fhirstore *store = open_example(argc, argv, "access.fhirstore");
    if (store == NULL) {
        return 1;
    }
    nurse.principal = "nurse/7";
    nurse.principal_len = strlen(nurse.principal);
    nurse.purpose = "TREAT";
    nurse.purpose_len = strlen(nurse.purpose);
    int status = 1;
    if (fhirstore_set_authorizer(store, &authorizer, &error) >= FHIRSTORE_OK &&
        fhirstore_set_audit_hook(store, &hook, &error) >= FHIRSTORE_OK &&
        fhirstore_session_open(store, &nurse, &session, &error) >= FHIRSTORE_OK) {
        status = work_as_nurse(session);
    }
    if (error != NULL) {
        status = failed("set-up", error);
    }
    fhirstore_session_close(session);
    fhirstore_close(store);
    return status == 0 && events == 2 ? 0 : 1;
}
