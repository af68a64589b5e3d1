/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction Bundle: all of it or nothing, its parts pointing at each other before they have
 * ids. */
#include "store.h"

/* The observation speaks of the patient by the urn of its entry; the store puts the id there. */
static const char visit[] =
    "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":["
    "{\"fullUrl\":\"urn:uuid:7c0b1a52-5d2f-4a37-9d5e-0d1f8d1d6a01\","
    "\"resource\":{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"Example\"}]},"
    "\"request\":{\"method\":\"POST\",\"url\":\"Patient\"}},"
    "{\"fullUrl\":\"urn:uuid:7c0b1a52-5d2f-4a37-9d5e-0d1f8d1d6a02\","
    "\"resource\":{\"resourceType\":\"Observation\",\"status\":\"final\","
    "\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"29463-7\"}]},"
    "\"subject\":{\"reference\":\"urn:uuid:7c0b1a52-5d2f-4a37-9d5e-0d1f8d1d6a01\"},"
    "\"valueQuantity\":{\"value\":61.50,\"unit\":\"kg\","
    "\"system\":\"http://unitsofmeasure.org\",\"code\":\"kg\"}},"
    "\"request\":{\"method\":\"POST\",\"url\":\"Observation\"}}]}";

/* Its second entry is no valid Observation: the first is not kept either. */
static const char broken[] =
    "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":["
    "{\"resource\":{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"Nobody\"}]},"
    "\"request\":{\"method\":\"POST\",\"url\":\"Patient\"}},"
    "{\"resource\":{\"resourceType\":\"Observation\",\"status\":\"final\",\"colour\":\"blue\"},"
    "\"request\":{\"method\":\"POST\",\"url\":\"Observation\"}}]}";

/* Send a Bundle to the root of the REST API; @a wanted is the HTTP status that is right. */
static int send_bundle(fhirstore_session *session, const char *bundle, size_t len, int wanted)
{
    fhirstore_response *response;
    fhirstore_error *error;
    if (fhirstore_request(session, FHIRSTORE_LIT("POST"), FHIRSTORE_LIT(""), NULL, 0, bundle, len,
                          &response, &error) < FHIRSTORE_OK) {
        return failed("request", error);
    }
    int got = (int)fhirstore_response_http(response);
    printf("HTTP %d\n%s\n\n", got, fhirstore_response_body(response, NULL));
    fhirstore_response_free(response);
    return got == wanted ? 0 : 1;
}

static int expect_count(fhirstore_session *session, const char *type, const char *query,
                        int64_t wanted)
{
    int64_t count;
    fhirstore_error *error;
    if (fhirstore_search_count(session, type, strlen(type), query, strlen(query), &count, &error) <
        FHIRSTORE_OK) {
        return failed(query, error);
    }
    printf("%s?%s: %lld\n", type, query, (long long)count);
    return count == wanted ? 0 : 1;
}

int main(int argc, char **argv)
{
    fhirstore *store = open_example(argc, argv, "transaction.fhirstore");
    fhirstore_session *session = store == NULL ? NULL : open_operator(store);
    int status = session == NULL || send_bundle(session, FHIRSTORE_LIT(visit), 200) ||
                 send_bundle(session, FHIRSTORE_LIT(broken), 400) ||
                 expect_count(session, "Patient", "family=nobody", 0) ||
                 expect_count(session, "Observation", "subject:Patient.family=example", 1);
    fhirstore_session_close(session);
    fhirstore_close(store);
    return status;
}
