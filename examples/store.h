/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a store is example 01; the others begin behind it. */
#ifndef EXAMPLES_STORE_H
#define EXAMPLES_STORE_H

#include <stdio.h>
#include <string.h>

#include <fhirstore/fhirstore.h>

/* Print why @a what failed and free the reason; always 1, the status of a failed program. */
static inline int failed(const char *what, fhirstore_error *error)
{
    fprintf(stderr, "%s: %s\n", what, fhirstore_error_message(error));
    fhirstore_error_free(error);
    return 1;
}

/* The store at argv[1], created when there is none; NULL: the reason is printed. */
static inline fhirstore *open_example(int argc, char **argv, const char *default_path)
{
    static const uint8_t key[32] = "an example, so not a secret key";
    const char *path = argc > 1 ? argv[1] : default_path;
    fhirstore_open_options how = FHIRSTORE_OPEN_OPTIONS_INIT;
    fhirstore *store;
    fhirstore_error *error;
    how.flags = FHIRSTORE_OPEN_CREATE;
    how.key = key;
    how.key_len = sizeof(key);
    if (fhirstore_open(path, strlen(path), &how, &store, &error) < FHIRSTORE_OK) {
        failed("open", error);
    }
    return store;
}

/* The local operator's session, which may do everything; NULL: the reason is printed. */
static inline fhirstore_session *open_operator(fhirstore *store)
{
    fhirstore_session_options who = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *session;
    fhirstore_error *error;
    who.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    if (fhirstore_session_open(store, &who, &session, &error) < FHIRSTORE_OK) {
        failed("session", error);
    }
    return session;
}

/* Store @a body under its id; 0, or 1 after the reason is printed. */
static inline int put(fhirstore_session *session, const char *type, const char *id,
                      const char *body)
{
    fhirstore_response *response;
    fhirstore_error *error;
    if (fhirstore_update(session, type, strlen(type), id, strlen(id), body, strlen(body), NULL,
                         &response, &error) < FHIRSTORE_OK) {
        return failed(id, error);
    }
    fhirstore_response_free(response);
    return 0;
}

#endif
