/* SPDX-License-Identifier: Apache-2.0 */
#include "smart.h"

static const char *const taken_over[] = {
    "issuer",
    "jwks_uri",
    "authorization_endpoint",
    "token_endpoint",
    "token_endpoint_auth_methods_supported",
    "registration_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "management_endpoint",
    "grant_types_supported",
    "response_types_supported",
};
static const char *const scopes[] = {
    "openid",       "fhirUser",       "launch/patient", "offline_access", "patient/*.cruds",
    "user/*.cruds", "system/*.cruds", "patient/*.read", "user/*.read",    "system/*.read"};
static const char *const capabilities[] = {"permission-patient",
                                           "permission-user",
                                           "permission-v1",
                                           "permission-v2",
                                           "context-standalone-patient",
                                           "context-ehr-patient",
                                           "client-public",
                                           "client-confidential-symmetric",
                                           "client-confidential-asymmetric"};

static json_t *list_of(const char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(list, json_string(texts[i]));
    }
    return list;
}

#define LIST_OF(texts) list_of(texts, sizeof texts / sizeof *texts)

char *smart_configuration(const json_t *discovery)
{
    static const char *const challenges[] = {"S256"};
    json_t *document = json_object();
    for (size_t i = 0; i < sizeof taken_over / sizeof *taken_over; i++) {
        json_t *value = json_object_get(discovery, taken_over[i]);
        if (value != NULL) {
            (void)json_object_set(document, taken_over[i], value);
        }
    }
    (void)json_object_set_new(document, "code_challenge_methods_supported", LIST_OF(challenges));
    (void)json_object_set_new(document, "scopes_supported", LIST_OF(scopes));
    (void)json_object_set_new(document, "capabilities", LIST_OF(capabilities));
    char *text = json_dumps(document, JSON_INDENT(2));
    json_decref(document);
    return text;
}
