/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what: roles from a document, SMART scopes from a token, and what is hidden. */
#include "store.h"

/* Nurses see the patients of their own ward, without the date of birth, and write observations. */
static const char policy[] =
    "{\"roles\":{\"nurse\":{"
    "\"allow\":[{\"actions\":[\"read\",\"search\"],\"types\":[\"Patient\"],"
    "\"where\":\"organization={ward}\"},"
    "{\"actions\":[\"read\",\"search\",\"create\"],\"types\":[\"Observation\"]}],"
    "\"hide\":[{\"types\":[\"Patient\"],\"elements\":[\"birthDate\"]}]},"
    "\"app\":{\"allow\":[{\"actions\":[\"*\"]}],\"withinScopes\":true}}}";

static int fill(fhirstore_session *session)
{
    return put(session, "Organization", "east",
               "{\"resourceType\":\"Organization\",\"id\":\"east\",\"name\":\"East\"}") ||
           put(session, "Patient", "a",
               "{\"resourceType\":\"Patient\",\"id\":\"a\",\"birthDate\":\"1970-03-30\","
               "\"managingOrganization\":{\"reference\":\"Organization/east\"}}") ||
           put(session, "Patient", "b",
               "{\"resourceType\":\"Patient\",\"id\":\"b\",\"birthDate\":\"1984-11-02\"}");
}

/* What @a claims (a principal's document, as a token has it) may see of the patients. */
static int look_as(fhirstore *store, const char *who, const char *claims)
{
    fhirstore_session_options principal = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *session;
    fhirstore_search *search;
    fhirstore_error *error;
    fhirstore_status status;
    principal.principal = who;
    principal.principal_len = strlen(who);
    principal.claims = claims;
    principal.claims_len = strlen(claims);
    if (fhirstore_session_open(store, &principal, &session, &error) < FHIRSTORE_OK) {
        return failed(who, error);
    }
    printf("%s:\n", who);
    status = fhirstore_search_open(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("_sort=_id"),
                                   &search, &error);
    while (status == FHIRSTORE_OK &&
           (status = fhirstore_search_next(search, &error)) == FHIRSTORE_OK) {
        printf("  sees %s\n", fhirstore_search_body(search, NULL));
    }
    fhirstore_search_close(search);
    if (error != NULL) {
        printf("  %s: %s\n", fhirstore_status_name(status), fhirstore_error_message(error));
    }
    fhirstore_error_free(error);
    /* Hidden and absent are answered alike: nobody learns that there is a patient b. */
    fhirstore_response *response;
    status = fhirstore_read(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("b"), &response, NULL);
    printf("  read of Patient/b: %s\n", fhirstore_status_name(status));
    fhirstore_response_free(response);
    fhirstore_session_close(session);
    return 0;
}

int main(int argc, char **argv)
{
    fhirstore_error *error = NULL;
    fhirstore *store = open_example(argc, argv, "roles.fhirstore");
    fhirstore_session *session = store == NULL ? NULL : open_operator(store);
    int status = session == NULL || fill(session);
    if (status == 0 && fhirstore_set_policy(store, policy, strlen(policy), &error) < FHIRSTORE_OK) {
        status = failed("policy", error);
    }
    status = status ||
             look_as(store, "a nurse of ward east",
                     "{\"roles\":[\"nurse\"],\"attributes\":{\"ward\":\"Organization/east\"}}") ||
             look_as(store, "an app with the scope patient/Patient.rs, for patient b",
                     "{\"roles\":[\"app\"],\"scope\":\"patient/Patient.rs\",\"patient\":\"b\"}") ||
             look_as(store, "an app with the scope user/Observation.rs",
                     "{\"roles\":[\"app\"],\"scope\":\"user/Observation.rs\"}") ||
             look_as(store, "somebody without role", "{}");
    fhirstore_session_close(session);
    fhirstore_close(store);
    return status;
}
