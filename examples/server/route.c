/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request goes: the FHIR API, SMART's configuration, the figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "access_log.h"
#include "metrics.h"
#include "server.h"

#define FHIR_ROOT "/fhir"

/* ---- what kind of request it is, for log and figures ---- */

typedef struct path_part {
    const char *at;
    size_t len;
} path_part;

static size_t split_path(const char *path, path_part *parts, size_t max)
{
    size_t count = 0;
    size_t end = strcspn(path, "?");
    for (size_t i = 0; i < end && count < max;) {
        size_t len = strcspn(path + i, "/?");
        if (len > 0) {
            parts[count++] = (path_part){path + i, len};
        }
        i += len + 1;
    }
    return count;
}

static bool part_is(const path_part *part, const char *text)
{
    return part->len == strlen(text) && memcmp(part->at, text, part->len) == 0;
}

static const char *kind_of_last(const path_part *parts, size_t count, bool reads)
{
    const path_part *last = &parts[count - 1];
    if (last->at[0] == '$') {
        return "operation";
    }
    if (part_is(last, "_search")) {
        return "search";
    }
    if (part_is(last, "_history")) {
        return "history";
    }
    if (part_is(last, "metadata")) {
        return "metadata";
    }
    if (!reads) {
        return "write";
    }
    return count == 2 || (count == 4 && part_is(&parts[2], "_history")) ? "read" : "search";
}

static void describe(web_exchange *exchange, const char *path)
{
    path_part parts[5];
    size_t count = split_path(path, parts, 5);
    bool reads = strcmp(exchange->method, "GET") == 0 || strcmp(exchange->method, "HEAD") == 0;
    if (count == 0) {
        exchange->kind = reads ? "search" : "bundle";
        return;
    }
    exchange->kind = kind_of_last(parts, count, reads);
    exchange->type = type_name_find(exchange->server->types, parts[0].at, parts[0].len);
}

/* ---- places of the endpoint's own ---- */

static enum MHD_Result give_metrics(web_exchange *exchange)
{
    const union MHD_ConnectionInfo *from = MHD_get_connection_info(
        exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    size_t len = 0;
    if (!exchange->server->config->is_metrics_open &&
        (from == NULL || !is_loopback(from->client_addr))) {
        return answer_outcome(exchange, MHD_HTTP_NOT_FOUND, "not-found", "there is nothing here");
    }
    char *page = metrics_page(exchange->server->metrics, exchange->server->config->store_path,
                              &len);
    return answer_text(exchange, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", page,
                       len);
}

static enum MHD_Result give_smart(web_exchange *exchange)
{
    const char *text = exchange->server->smart_configuration;
    char *copy = text == NULL ? NULL : strdup(text);
    if (text == NULL) {
        return answer_outcome(exchange, MHD_HTTP_NOT_FOUND, "not-found",
                              "this endpoint is anonymous");
    }
    return answer_text(exchange, MHD_HTTP_OK, "application/json", copy,
                       copy == NULL ? 0 : strlen(copy));
}

static enum MHD_Result give_health(web_exchange *exchange)
{
    char *text = strdup("{\"status\":\"pass\"}");
    return answer_text(exchange, MHD_HTTP_OK, "application/health+json", text,
                       text == NULL ? 0 : strlen(text));
}

/* What a browser asks before it lets a page ask. */
static enum MHD_Result give_preflight(web_exchange *exchange)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL,
                                                                    MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        return MHD_NO;
    }
    if (exchange->server->config->cors_origin != NULL) {
        (void)MHD_add_response_header(response, "Access-Control-Allow-Methods",
                                      "GET, HEAD, POST, PUT, PATCH, DELETE");
        (void)MHD_add_response_header(
            response, "Access-Control-Allow-Headers",
            "Authorization, Content-Type, Accept, Prefer, If-Match, If-None-Match, If-None-Exist, "
            "If-Modified-Since, X-Provenance, X-Request-Id");
        (void)MHD_add_response_header(response, "Access-Control-Max-Age", "3600");
    }
    (void)MHD_add_response_header(response, "Allow",
                                  "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    return answer_with(exchange, MHD_HTTP_NO_CONTENT, response);
}

/* ---- all together ---- */

const char *method_named(const char *method)
{
    static const char *const methods[] = {"GET",   "HEAD",   "POST",   "PUT",
                                          "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(method, methods[i]) == 0) {
            return methods[i];
        }
    }
    return "-"; /* what it said is not repeated */
}

/*
 * An anonymous endpoint answers to the names of this machine only: a page of another site whose
 * name leads here must not read patients through its visitor's browser.
 */
static bool is_local_name(const char *host)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        size_t len = strlen(hosts[i]);
        if (strncasecmp(host, hosts[i], len) == 0 && (host[len] == '\0' || host[len] == ':')) {
            return true;
        }
    }
    return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.:") == strlen(host);
}

static bool is_host_fine(const web_exchange *exchange)
{
    const char *host = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, "Host");
    return exchange->server->tokens != NULL ||
           ((host == NULL || is_local_name(host)) &&
            (exchange->authority == NULL || is_local_name(exchange->authority)));
}

static bool path_is(const char *uri, const char *path)
{
    size_t len = strlen(path);
    return strncmp(uri, path, len) == 0 && (uri[len] == '\0' || uri[len] == '?');
}

static enum MHD_Result route_own(web_exchange *exchange)
{
    const char *uri = exchange->uri;
    bool reads = strcmp(exchange->method, "GET") == 0 || strcmp(exchange->method, "HEAD") == 0;
    if (reads && path_is(uri, "/metrics")) {
        return give_metrics(exchange);
    }
    if (reads && path_is(uri, "/health")) {
        return give_health(exchange);
    }
    if (reads && (path_is(uri, "/.well-known/smart-configuration") ||
                  path_is(uri, FHIR_ROOT "/.well-known/smart-configuration"))) {
        exchange->kind = "metadata";
        return give_smart(exchange);
    }
    return answer_outcome(exchange, MHD_HTTP_NOT_FOUND, "not-found",
                          "there is nothing here: the FHIR API is below /fhir");
}

enum MHD_Result route_request(web_exchange *exchange)
{
    const char *uri = exchange->uri;
    size_t root = sizeof FHIR_ROOT - 1;
    if (strcmp(exchange->method, "-") == 0) {
        return answer_refusal(exchange, MHD_HTTP_NOT_IMPLEMENTED, "not-supported", "no such method",
                              "Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    }
    if (exchange->refused_status != 0) {
        return answer_outcome(exchange, exchange->refused_status, exchange->refused_code,
                              exchange->refused_text);
    }
    if (!is_host_fine(exchange)) {
        return answer_outcome(exchange, MHD_HTTP_MISDIRECTED_REQUEST, "forbidden",
                              "an anonymous endpoint is reached as localhost");
    }
    if (strcmp(exchange->method, "OPTIONS") == 0) {
        return give_preflight(exchange);
    }
    bool is_fhir = strncmp(uri, FHIR_ROOT, root) == 0 && strchr("/?", uri[root]) != NULL;
    if (is_fhir && !path_is(uri, FHIR_ROOT "/.well-known/smart-configuration")) {
        describe(exchange, uri + root);
        return fhir_request(exchange, uri + root);
    }
    return route_own(exchange);
}
