/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Create an encrypted store, write a patient, read it back, change it, look at its history. Run
 * again, it opens the store and writes two more versions.
 */
#include <stdio.h>
#include <string.h>

#include <fhirstore/fhirstore.h>

/* Print what an interaction answered; returns false and prints the reason if it failed. */
static int show(const char *what, fhirstore_response *response, fhirstore_error *error)
{
    int succeeded = error == NULL;
    if (succeeded) {
        printf("%s: HTTP %d, version %d\n%s\n\n", what, (int)fhirstore_response_http(response),
               (int)fhirstore_response_version(response), fhirstore_response_body(response, NULL));
    } else {
        fprintf(stderr, "%s: %s\n", what, fhirstore_error_message(error));
    }
    fhirstore_response_free(response);
    fhirstore_error_free(error);
    return succeeded;
}

static int write_and_read(fhirstore_session *session)
{
    /* Numbers, text and the order of members come back as they were written. */
    static const char first[] = "{\"resourceType\":\"Patient\",\"id\":\"ada\",\"active\":true,"
                                "\"name\":[{\"family\":\"Example\",\"given\":[\"Ada\"]}]}";
    static const char second[] = "{\"resourceType\":\"Patient\",\"id\":\"ada\",\"active\":true,"
                                 "\"name\":[{\"family\":\"Sample\",\"given\":[\"Ada\"]}]}";
    fhirstore_write_options condition = FHIRSTORE_WRITE_OPTIONS_INIT;
    fhirstore_response *response;
    fhirstore_error *error;
    int64_t version;

    fhirstore_update(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("ada"), FHIRSTORE_LIT(first),
                     NULL, &response, &error);
    version = response == NULL ? 0 : fhirstore_response_version(response);
    if (!show("update creates", response, error)) {
        return 1;
    }
    /* Only if that is still the current version: nobody's change is lost. */
    condition.if_version = version;
    fhirstore_update(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("ada"), FHIRSTORE_LIT(second),
                     &condition, &response, &error);
    if (!show("update changes", response, error)) {
        return 1;
    }
    fhirstore_vread(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("ada"), 1, &response, &error);
    if (!show("the first version", response, error)) {
        return 1;
    }
    fhirstore_history(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("ada"), FHIRSTORE_LIT(""),
                      &response, &error);
    return show("history", response, error) ? 0 : 1;
}

int main(int argc, char **argv)
{
    /* A real key comes from a key store or fhirstore's --key-file, never from the source. */
    static const uint8_t key[32] = "an example, so not a secret key";
    const char *path = argc > 1 ? argv[1] : "first.fhirstore";
    fhirstore_open_options how = FHIRSTORE_OPEN_OPTIONS_INIT;
    fhirstore_session_options who = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore *store = NULL;
    fhirstore_session *session = NULL;
    fhirstore_error *error = NULL;
    int status = 1;

    how.flags = FHIRSTORE_OPEN_CREATE;
    how.key = key;
    how.key_len = sizeof(key);
    /* Without a policy everything is denied; the local operator asks for everything by name. */
    who.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    if (fhirstore_open(path, strlen(path), &how, &store, &error) >= FHIRSTORE_OK &&
        fhirstore_session_open(store, &who, &session, &error) >= FHIRSTORE_OK) {
        status = write_and_read(session);
    } else {
        fprintf(stderr, "%s\n", fhirstore_error_message(error));
    }
    fhirstore_error_free(error);
    fhirstore_session_close(session);
    fhirstore_close(store);
    return status;
}
