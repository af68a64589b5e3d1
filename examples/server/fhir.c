/* SPDX-License-Identifier: Apache-2.0 */
/* A request below /fhir: who asks, a session for that, and the library's answer. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clients.h"
#include "headers.h"
#include "metrics.h"
#include "server.h"
#include "tokens.h"

/* Who asks is said to the session, and the body has been unpacked: the library need not know. */
static void drop_own_headers(header_list *list)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const char *name = list->items[i].name;
        if (strcasecmp(name, "Authorization") != 0 && strcasecmp(name, "Content-Encoding") != 0) {
            list->items[kept++] = list->items[i];
        }
    }
    list->count = kept;
}

/* ---- who asks ---- */

static const char *bearer_token(const web_exchange *exchange)
{
    const char *value = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
                                                    "Authorization");
    if (value == NULL || strncasecmp(value, "Bearer ", 7) != 0) {
        return NULL;
    }
    value += 7;
    while (*value == ' ') {
        value++;
    }
    return value;
}

static bool is_public(const web_exchange *exchange, const char *url)
{
    static const char metadata[] = "/metadata";
    size_t len = sizeof metadata - 1;
    return (strcmp(exchange->method, "GET") == 0 || strcmp(exchange->method, "HEAD") == 0) &&
           strncmp(url, metadata, len) == 0 && (url[len] == '\0' || url[len] == '?');
}

static enum MHD_Result refuse_token(web_exchange *exchange, const token_fault *fault)
{
    static const char plain[] = "Bearer realm=\"fhir\"";
    static const char invalid[] = "Bearer realm=\"fhir\", error=\"invalid_token\"";
    metrics_token_refused(exchange->server->metrics);
    return answer_refusal(exchange, MHD_HTTP_UNAUTHORIZED, fault == NULL ? "login" : fault->code,
                          fault == NULL ? "a bearer token is needed" : fault->text,
                          "WWW-Authenticate", fault == NULL ? plain : invalid);
}

/* The session of who asks. NULL: *result_out is what has been answered. */
static fhirstore_session *open_session(web_exchange *exchange, const char *url,
                                       enum MHD_Result *result_out)
{
    static const token_fault bad_claims = {"login", "the token's claims are of the wrong kind"};
    const web_server *server = exchange->server;
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *session = NULL;
    token_fault fault = {NULL, NULL};
    char *principal = NULL;
    options.request_id = exchange->request_id;
    options.request_id_len = strlen(exchange->request_id);
    options.link_base = server->config->base_url;
    options.link_base_len = strlen(server->config->base_url);
    options.search_ms = server->config->timeout * 1000;
    if (server->tokens == NULL || is_public(exchange, url)) {
        options.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
        options.principal = "anonymous";
        options.principal_len = strlen(options.principal);
    } else {
        const char *token = bearer_token(exchange);
        principal = token == NULL ? NULL : tokens_principal(server->tokens, token, &fault);
        if (principal == NULL) {
            *result_out = refuse_token(exchange, token == NULL ? NULL : &fault);
            return NULL;
        }
        options.claims = principal;
        options.claims_len = strlen(principal);
    }
    fhirstore_status status = fhirstore_session_open(server->store, &options, &session, NULL);
    free(principal);
    if (session == NULL) {
        *result_out = status == FHIRSTORE_ERR_NO_MEMORY
                          ? answer_outcome(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "exception",
                                           "out of memory")
                          : refuse_token(exchange, &bad_claims);
    }
    return session;
}

/* ---- the answer ---- */

static enum MHD_Result ask_store(web_exchange *exchange, fhirstore_session *session,
                                 const char *url, const header_list *headers)
{
    fhirstore_response *answer = NULL;
    /* The body of a HEAD is what tells its length; libmicrohttpd leaves it out. */
    const char *method = strcmp(exchange->method, "HEAD") == 0 ? "GET" : exchange->method;
    if (!client_waits(exchange->client)) {
        return MHD_NO;
    }
    fhirstore_status status = fhirstore_request(
        session, method, strlen(method), url, strlen(url), headers->items, headers->count,
        exchange->body == NULL ? "" : exchange->body, exchange->body_len, &answer, NULL);
    if (status != FHIRSTORE_OK) {
        fhirstore_response_free(answer);
        return answer_outcome(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "exception",
                              "the request could not be answered");
    }
    return answer_fhir(exchange, answer);
}

enum MHD_Result fhir_request(web_exchange *exchange, const char *url)
{
    header_list headers;
    enum MHD_Result result = MHD_NO;
    headers_read(exchange->connection, &headers);
    drop_own_headers(&headers);
    fhirstore_session *session = open_session(exchange, url, &result);
    if (session == NULL) {
        return result;
    }
    result = ask_store(exchange, session, url, &headers);
    fhirstore_session_close(session);
    return result;
}
