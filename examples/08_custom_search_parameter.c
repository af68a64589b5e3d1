/* SPDX-License-Identifier: Apache-2.0 */
/* A search parameter of one's own is a resource: store it, and searches know it. */
#include "store.h"

static const char nickname[] =
    "{\"resourceType\":\"SearchParameter\",\"id\":\"nickname\",\"name\":\"Nickname\","
    "\"url\":\"http://clinic.example/SearchParameter/nickname\",\"status\":\"active\","
    "\"description\":\"What people call them\",\"code\":\"nickname\",\"base\":[\"Patient\"],"
    "\"type\":\"string\",\"expression\":\"Patient.name.where(use='nickname').given\"}";

static int add_patient(fhirstore_session *session, const char *id, const char *called)
{
    char body[200];
    snprintf(body, sizeof(body),
             "{\"resourceType\":\"Patient\",\"id\":\"%s\","
             "\"name\":[{\"use\":\"nickname\",\"given\":[\"%s\"]}]}",
             id, called);
    return put(session, "Patient", id, body);
}

static int find(fhirstore_session *session, const char *query)
{
    fhirstore_search *search;
    fhirstore_error *error;
    fhirstore_status status = fhirstore_search_open(session, FHIRSTORE_LIT("Patient"), query,
                                                    strlen(query), &search, &error);
    printf("Patient?%s:", query);
    while (status == FHIRSTORE_OK &&
           (status = fhirstore_search_next(search, &error)) == FHIRSTORE_OK) {
        printf(" %s", fhirstore_search_id(search, NULL));
    }
    printf(status < FHIRSTORE_OK ? " %s\n" : "\n", fhirstore_status_name(status));
    fhirstore_search_close(search);
    fhirstore_error_free(error);
    return 0;
}

/* How a search would be answered, in words; while something is left to index, that comes first. */
static int explain(fhirstore_session *session, const char *query)
{
    fhirstore_buf plan = {0};
    fhirstore_error *error;
    if (fhirstore_search_explain(session, FHIRSTORE_LIT("Patient"), query, strlen(query), &plan,
                                 &error) < FHIRSTORE_OK) {
        return failed("explain", error);
    }
    const char *words = strstr(plan.ptr, "\"words\":");
    printf("plan: %s\n", words == NULL ? plan.ptr : words);
    fhirstore_buf_clear(&plan);
    return 0;
}

/* Index what was there before, in short transactions between which others write. */
static int index_the_rest(fhirstore *store)
{
    fhirstore_maintain_options budget = FHIRSTORE_MAINTAIN_OPTIONS_INIT;
    fhirstore_error *error;
    fhirstore_status status;
    budget.max_ms = 1000;
    while ((status = fhirstore_maintain(store, &budget, &error)) == FHIRSTORE_OK) {
    }
    printf("maintain: %s\n", fhirstore_status_name(status));
    return status == FHIRSTORE_DONE ? 0 : failed("maintain", error);
}

int main(int argc, char **argv)
{
    fhirstore *store = open_example(argc, argv, "parameter.fhirstore");
    fhirstore_session *session = store == NULL ? NULL : open_operator(store);
    int status = session == NULL || add_patient(session, "robert", "Bob") ||
                 find(session, "nickname=bob") ||
                 put(session, "SearchParameter", "nickname", nickname) ||
                 /* At once, and complete, though Robert was there before the parameter. */
                 find(session, "nickname=bob") || explain(session, "nickname=bob") ||
                 index_the_rest(store) || explain(session, "nickname=bob") ||
                 add_patient(session, "roberta", "Bobbie") ||
                 find(session, "nickname=bob&_sort=nickname");
    fhirstore_session_close(session);
    fhirstore_close(store);
    return status;
}
