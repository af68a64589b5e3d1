/* SPDX-License-Identifier: Apache-2.0 */
/* Create an encrypted store, write a patient, read it back; and what a wrong key gets. */
#include <stdio.h>
#include <string.h>

#include <fhirstore/fhirstore.h>

/* Print the reason, if there is one, and free it; 1 if there was. */
static int told(fhirstore_error *error)
{
    int failed = error != NULL;
    if (failed) {
        fprintf(stderr, "%s: %s\n", fhirstore_status_name(fhirstore_error_status(error)),
                fhirstore_error_message(error));
    }
    fhirstore_error_free(error);
    return failed;
}

static int create_and_read(fhirstore_session *session)
{
    /* Numbers, text and the order of members come back as they were written. */
    static const char patient[] = "{\"resourceType\":\"Patient\",\"active\":true,"
                                  "\"name\":[{\"family\":\"Example\",\"given\":[\"Ada\"]}]}";
    fhirstore_response *made, *seen = NULL;
    fhirstore_error *error;

    /* The store chooses the id: a UUID. */
    if (fhirstore_create(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT(patient), &made,
                         &error) >= FHIRSTORE_OK) {
        size_t id_len;
        const char *id = fhirstore_response_id(made, &id_len);
        printf("HTTP %d, version %d\n", (int)fhirstore_response_http(made),
               (int)fhirstore_response_version(made));
        if (fhirstore_read(session, FHIRSTORE_LIT("Patient"), id, id_len, &seen, &error) >=
            FHIRSTORE_OK) {
            printf("%s\n", fhirstore_response_body(seen, NULL));
        }
    }
    fhirstore_response_free(seen);
    fhirstore_response_free(made);
    return told(error);
}

/* Nothing can be read of the file, and nothing is changed. */
static int try_wrong_key(const char *path)
{
    static const uint8_t wrong[32] = "some other key";
    fhirstore_open_options how = FHIRSTORE_OPEN_OPTIONS_INIT;
    fhirstore *store;
    how.key = wrong;
    how.key_len = sizeof(wrong);
    fhirstore_status status = fhirstore_open(path, strlen(path), &how, &store, NULL);
    fhirstore_close(store);
    printf("with another key: %s\n", fhirstore_status_name(status));
    return status == FHIRSTORE_ERR_KEY_WRONG ? 0 : 1;
}

int main(int argc, char **argv)
{
    /* A real key comes from a key store or a file that only its owner reads, never from the source.
     */
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
        status = create_and_read(session);
    } else {
        told(error);
    }
    fhirstore_session_close(session);
    fhirstore_close(store);
    return status || try_wrong_key(path);
}
