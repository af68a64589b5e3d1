/* SPDX-License-Identifier: Apache-2.0 */
#include "access_log.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct access_log {
    FILE *file; /* NULL: quiet */
    bool is_own;
};

access_log *access_log_open(const char *path, bool is_quiet)
{
    access_log *log = calloc(1, sizeof *log);
    if (log == NULL || is_quiet) {
        return log;
    }
    log->file = path == NULL ? stderr : fopen(path, "a");
    log->is_own = path != NULL;
    if (log->file == NULL) {
        free(log);
        return NULL;
    }
    return log;
}

void access_log_close(access_log *log)
{
    if (log != NULL && log->is_own && log->file != NULL) {
        (void)fclose(log->file);
    }
    free(log);
}

void access_log_write(access_log *log, const web_exchange *exchange, uint64_t us)
{
    char time_text[32];
    struct tm now;
    time_t seconds = time(NULL);
    if (log->file == NULL || gmtime_r(&seconds, &now) == NULL) {
        return;
    }
    (void)strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%SZ", &now);
    /* One call, one line: stdio locks the file for each. */
    (void)fprintf(log->file,
                  "%s method=%s kind=%s type=%s status=%u in=%zu out=%zu ms=%.3f request=%s\n",
                  time_text, exchange->method, exchange->kind,
                  exchange->type[0] == '\0' ? "-" : exchange->type, exchange->status,
                  exchange->body_len, exchange->sent, (double)us / 1e3, exchange->request_id);
    if (log->is_own) {
        (void)fflush(log->file);
    }
}

/* ---- type names ---- */

struct type_names {
    json_t *by_name;
};

static json_t *read_statement(fhirstore *store)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *session = NULL;
    fhirstore_response *answer = NULL;
    json_t *statement = NULL;
    size_t len = 0;
    options.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    options.principal = "endpoint";
    options.principal_len = strlen(options.principal);
    if (fhirstore_session_open(store, &options, &session, NULL) == FHIRSTORE_OK &&
        fhirstore_request(session, "GET", 3, "metadata", 8, NULL, 0, NULL, 0, &answer, NULL) ==
            FHIRSTORE_OK) {
        const char *body = fhirstore_response_body(answer, &len);
        statement = json_loadb(body, len, 0, NULL);
    }
    fhirstore_response_free(answer);
    fhirstore_session_close(session);
    return statement;
}

type_names *type_names_of(fhirstore *store)
{
    type_names *names = calloc(1, sizeof *names);
    json_t *statement = names == NULL ? NULL : read_statement(store);
    json_t *rest = json_array_get(json_object_get(statement, "rest"), 0);
    size_t i;
    json_t *item;
    if (names == NULL || rest == NULL || (names->by_name = json_object()) == NULL) {
        json_decref(statement);
        free(names);
        return NULL;
    }
    json_array_foreach(json_object_get(rest, "resource"), i, item)
    {
        const char *name = json_string_value(json_object_get(item, "type"));
        if (name != NULL) {
            (void)json_object_set_new(names->by_name, name, json_string(name));
        }
    }
    json_decref(statement);
    return names;
}

const char *type_name_find(const type_names *names, const char *text, size_t len)
{
    char name[64];
    if (len >= sizeof name) {
        return "";
    }
    memcpy(name, text, len);
    name[len] = '\0';
    const char *found = json_string_value(json_object_get(names->by_name, name));
    return found == NULL ? "" : found;
}

void type_names_free(type_names *names)
{
    if (names != NULL) {
        json_decref(names->by_name);
        free(names);
    }
}
