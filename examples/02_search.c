/* SPDX-License-Identifier: Apache-2.0 */
/* Import NDJSON files, then ask: counts, and a cursor. Usage: 02_search STORE [FILE…] */
#include <stdlib.h>

#include "store.h"

/* One file of NDJSON, line by line. */
static int import_file(fhirstore_import *import, const char *path)
{
    static char line[1 << 20];
    FILE *file = fopen(path, "r");
    fhirstore_error *error = NULL;
    uint64_t number = 0;
    if (file == NULL) {
        perror(path);
        return 1;
    }
    while (error == NULL && fgets(line, sizeof(line), file) != NULL) {
        number++;
        fhirstore_import_add(import, path, number, line, strlen(line), &error);
    }
    fclose(file);
    return error == NULL ? 0 : failed(path, error);
}

static int import_files(fhirstore_session *session, int count, char **paths)
{
    fhirstore_import *import;
    fhirstore_import_totals totals = FHIRSTORE_IMPORT_TOTALS_INIT;
    fhirstore_error *error;
    int status = 0;
    if (fhirstore_import_open(session, NULL, &import, &error) < FHIRSTORE_OK) {
        return failed("import", error);
    }
    for (int i = 0; status == 0 && i < count; i++) {
        status = import_file(import, paths[i]);
    }
    if (status == 0 && fhirstore_import_finish(import, &totals, &error) < FHIRSTORE_OK) {
        status = failed("import", error);
    } else if (status == 0) {
        printf("%lld resources, %lld refused\n", (long long)totals.resources,
               (long long)totals.failed);
    }
    fhirstore_import_close(import);
    return status;
}

/* What stands behind the '?' of a FHIR search URL, as a number. */
static int count(fhirstore_session *session, const char *type, const char *query)
{
    int64_t found;
    fhirstore_error *error;
    if (fhirstore_search_count(session, type, strlen(type), query, strlen(query), &found, &error) <
        FHIRSTORE_OK) {
        return failed(query, error);
    }
    printf("%6lld  %s?%s\n", (long long)found, type, query);
    return 0;
}

/* A cursor reads all matches, one at a time, as of the moment it was opened. */
static int list(fhirstore_session *session, const char *type, const char *query)
{
    fhirstore_search *search;
    fhirstore_error *error;
    fhirstore_status status;
    if (fhirstore_search_open(session, type, strlen(type), query, strlen(query), &search, &error) <
        FHIRSTORE_OK) {
        return failed(query, error);
    }
    while ((status = fhirstore_search_next(search, &error)) == FHIRSTORE_OK) {
        size_t id_len;
        const char *id = fhirstore_search_id(search, &id_len);
        printf("        %s/%.*s, version %lld\n", type, (int)id_len, id,
               (long long)fhirstore_search_version(search));
    }
    fhirstore_search_close(search);
    return status < FHIRSTORE_OK ? failed(query, error) : 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: 02_search STORE [FILE.ndjson ...]\n");
        return 2;
    }
    fhirstore *store = open_example(argc, argv, NULL);
    fhirstore_session *session = store == NULL ? NULL : open_operator(store);
    int status = session == NULL;
    status = status || (argc > 2 && import_files(session, argc - 2, argv + 2));
    status = status || count(session, "Patient", "gender=female") ||
             count(session, "Patient", "birthdate=lt1970-01-01&gender=male,other") ||
             count(session, "Observation", "code=http://loinc.org|8867-4&value-quantity=gt90") ||
             count(session, "Condition", "code=http://snomed.info/sct|38341003") ||
             list(session, "Patient", "family=nunez&_sort=birthdate");
    fhirstore_session_close(session);
    fhirstore_close(store);
    return status;
}
