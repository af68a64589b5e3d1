/* SPDX-License-Identifier: Apache-2.0 */
/* Each change is a version that stays; undo is writing an older one again, and loses nothing. */
#include "store.h"

static const char first[] = "{\"resourceType\":\"Patient\",\"id\":\"ada\",\"active\":true,"
                            "\"name\":[{\"family\":\"Example\"}]}";
static const char second[] = "{\"resourceType\":\"Patient\",\"id\":\"ada\",\"active\":false,"
                             "\"name\":[{\"family\":\"Mistake\"}]}";

/* Only if @a version is still the current one: nobody's change is lost. */
static int change(fhirstore_session *session, const char *body, int64_t version,
                  fhirstore_status wanted)
{
    fhirstore_write_options condition = FHIRSTORE_WRITE_OPTIONS_INIT;
    fhirstore_response *response;
    fhirstore_error *error;
    condition.if_version = version;
    fhirstore_status status = fhirstore_update(session, FHIRSTORE_LIT("Patient"),
                                               FHIRSTORE_LIT("ada"), body, strlen(body), &condition,
                                               &response, &error);
    printf("change version %d: %s", (int)version, fhirstore_status_name(status));
    printf(error == NULL ? ", now %d\n" : "\n", (int)fhirstore_response_version(response));
    fhirstore_response_free(response);
    fhirstore_error_free(error);
    return status == wanted ? 0 : 1;
}

/* Write what version @a version said, on top of @a current. */
static int undo(fhirstore_session *session, int64_t version, int64_t current)
{
    fhirstore_response *old;
    fhirstore_error *error;
    if (fhirstore_vread(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("ada"), version, &old,
                        &error) < FHIRSTORE_OK) {
        return failed("vread", error);
    }
    printf("back to version %d\n", (int)version);
    int status = change(session, fhirstore_response_body(old, NULL), current, FHIRSTORE_OK);
    fhirstore_response_free(old);
    return status;
}

static int delete_patient(fhirstore_session *session)
{
    fhirstore_response *response;
    fhirstore_error *error;
    if (fhirstore_delete(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("ada"), NULL, &response,
                         &error) < FHIRSTORE_OK) {
        return failed("delete", error);
    }
    fhirstore_response_free(response);
    fhirstore_status status = fhirstore_read(session, FHIRSTORE_LIT("Patient"),
                                             FHIRSTORE_LIT("ada"), &response, NULL);
    fhirstore_response_free(response);
    printf("deleted: %s\n", fhirstore_status_name(status));
    return status == FHIRSTORE_ERR_DELETED ? 0 : 1;
}

/* All versions, newest first, as a Bundle; what each was done by stands in entry.request. */
static int print_history(fhirstore_session *session)
{
    fhirstore_response *response;
    fhirstore_error *error;
    if (fhirstore_history(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("ada"),
                          FHIRSTORE_LIT(""), &response, &error) < FHIRSTORE_OK) {
        return failed("history", error);
    }
    static const char method[] = "\"method\":\"";
    printf("history:");
    for (const char *at = fhirstore_response_body(response, NULL);
         (at = strstr(at, method)) != NULL; at++) {
        const char *name = at + sizeof(method) - 1;
        printf(" %.*s", (int)strcspn(name, "\""), name);
    }
    printf("\n");
    fhirstore_response_free(response);
    return 0;
}

int main(int argc, char **argv)
{
    fhirstore *store = open_example(argc, argv, "history.fhirstore");
    fhirstore_session *session = store == NULL ? NULL : open_operator(store);
    int status = session == NULL || put(session, "Patient", "ada", first) ||
                 change(session, second, 1, FHIRSTORE_OK) ||
                 change(session, first, 1, FHIRSTORE_ERR_PRECONDITION) || undo(session, 1, 2) ||
                 delete_patient(session) || put(session, "Patient", "ada", first) ||
                 print_history(session);
    fhirstore_session_close(session);
    fhirstore_close(store);
    return status;
}
