/* SPDX-License-Identifier: Apache-2.0 */
/* Ask: a count, a cursor over all matches, and pages, each of which links to the next. */
#include "store.h"

static int add_patients(fhirstore_session *session)
{
    static const char *const families[] = {"Adler", "Núñez", "Baker", "Nunez",
                                           "Cole",  "Diaz",  "Ek"};
    int status = 0;
    for (int i = 0; status == 0 && i < 7; i++) {
        char id[8], body[200];
        snprintf(id, sizeof(id), "p%d", i);
        snprintf(body, sizeof(body),
                 "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"birthDate\":\"19%d0-05-17\","
                 "\"name\":[{\"family\":\"%s\"}]}",
                 id, 9 - i, families[i]);
        status = put(session, "Patient", id, body);
    }
    return status;
}

/* What stands behind the '?' of a FHIR search URL, as a number. */
static int count(fhirstore_session *session, const char *query)
{
    int64_t found;
    fhirstore_error *error;
    if (fhirstore_search_count(session, FHIRSTORE_LIT("Patient"), query, strlen(query), &found,
                               &error) < FHIRSTORE_OK) {
        return failed(query, error);
    }
    printf("Patient?%s: %d\n", query, (int)found);
    return 0;
}

/* A cursor reads all matches, one at a time, as of the moment it was opened. */
static int list(fhirstore_session *session, const char *query)
{
    fhirstore_search *search;
    fhirstore_error *error;
    fhirstore_status status;
    if (fhirstore_search_open(session, FHIRSTORE_LIT("Patient"), query, strlen(query), &search,
                              &error) < FHIRSTORE_OK) {
        return failed(query, error);
    }
    printf("Patient?%s:", query);
    while ((status = fhirstore_search_next(search, &error)) == FHIRSTORE_OK) {
        printf(" %s", fhirstore_search_id(search, NULL));
    }
    printf("\n");
    fhirstore_search_close(search);
    return status < FHIRSTORE_OK ? failed(query, error) : 0;
}

/* One page: its ids, and in @a query the query of the link to the next one; "": there is none. */
static int print_page(fhirstore_session *session, char *query, size_t size)
{
    fhirstore_response *page;
    fhirstore_error *error;
    if (fhirstore_search_page(session, FHIRSTORE_LIT("Patient"), query, strlen(query), &page,
                              &error) < FHIRSTORE_OK) {
        return failed(query, error);
    }
    const char *body = fhirstore_response_body(page, NULL);
    for (const char *at = body; (at = strstr(at, "\"id\":\"p")) != NULL; at++) {
        printf(" %.2s", at + 6);
    }
    /* A program with a JSON parser would look for link.where(relation='next').url. */
    const char *next = strstr(body, "\"relation\":\"next\",\"url\":\"");
    const char *begin = next == NULL ? NULL : strchr(next, '?');
    size_t len = begin == NULL ? 0 : strcspn(begin + 1, "\"");
    snprintf(query, size, "%.*s", (int)len, begin == NULL ? "" : begin + 1);
    fhirstore_response_free(page);
    return 0;
}

static int walk_pages(fhirstore_session *session)
{
    char query[2000] = "_sort=birthdate&_count=3";
    int status = 0;
    for (int page = 1; status == 0 && query[0] != '\0'; page++) {
        printf("page %d:", page);
        status = print_page(session, query, sizeof(query));
        printf("\n");
    }
    return status;
}

int main(int argc, char **argv)
{
    fhirstore *store = open_example(argc, argv, "search.fhirstore");
    fhirstore_session *session = store == NULL ? NULL : open_operator(store);
    int status = session == NULL || add_patients(session) || count(session, "family=nunez") ||
                 count(session, "birthdate=lt1960") ||
                 list(session, "family=nunez,cole&_sort=-birthdate") || walk_pages(session);
    fhirstore_session_close(session);
    fhirstore_close(store);
    return status;
}
