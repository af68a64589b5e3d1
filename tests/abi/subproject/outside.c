/* SPDX-License-Identifier: Apache-2.0 */
/* A stranger to the library: opens a store, writes one resource, finds it again. */
#include <stdio.h>

#include <fhirstore/fhirstore.h>

static int fail(const char *what, const fhirstore_error *error)
{
    fprintf(stderr, "%s: %s\n", what, fhirstore_error_message(error));
    return 1;
}

static int use_session(fhirstore_session *session)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    int64_t count = 0;
    fhirstore_create(session, FHIRSTORE_LIT("Patient"),
                     FHIRSTORE_LIT("{\"resourceType\":\"Patient\",\"active\":true}"), &response,
                     &error);
    if (error != NULL) {
        return fail("create", error);
    }
    fhirstore_response_free(response);
    fhirstore_search_count(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT("active=true"), &count,
                           &error);
    if (error != NULL || count != 1) {
        return fail("search", error);
    }
    printf("libfhirstore %s, %d patient\n", fhirstore_version(), (int)count);
    return 0;
}

int main(int argc, char **argv)
{
    static const uint8_t key[32] = {1, 2, 3};
    fhirstore_open_options options = FHIRSTORE_OPEN_OPTIONS_INIT;
    fhirstore_session_options everything = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore *store = NULL;
    fhirstore_session *session = NULL;
    fhirstore_error *error = NULL;
    const char *path = argc > 1 ? argv[1] : "outside.fhirstore";
    size_t path_len = 0;
    while (path[path_len] != '\0') {
        path_len++;
    }
    remove(path);
    options.flags = FHIRSTORE_OPEN_CREATE;
    options.key = key;
    options.key_len = sizeof(key);
    everything.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    if (fhirstore_open(path, path_len, &options, &store, &error) < 0) {
        return fail("open", error);
    }
    if (fhirstore_session_open(store, &everything, &session, &error) < 0) {
        return fail("session", error);
    }
    int status = use_session(session);
    fhirstore_session_close(session);
    fhirstore_close(store);
    return status;
}
