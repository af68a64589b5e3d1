/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: common headers, OperationOutcomes of the endpoint's own, compression. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "clients.h"
#include "pages.h"
#include "server.h"

/* Smaller answers fit one packet anyway. */
#define GZIP_FROM 1024u

static const char *header_of(const web_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

static void add_cors(const web_exchange *exchange, struct MHD_Response *response)
{
    const char *allowed = exchange->server->config->cors_origin;
    const char *origin = header_of(exchange, "Origin");
    if (allowed == NULL || origin == NULL) {
        return;
    }
    bool is_any = strcmp(allowed, "*") == 0;
    if (!is_any) {
        (void)MHD_add_response_header(response, "Vary", "Origin");
    }
    if (is_any || strcmp(allowed, origin) == 0) {
        (void)MHD_add_response_header(response, "Access-Control-Allow-Origin", allowed);
        (void)MHD_add_response_header(
            response, "Access-Control-Expose-Headers",
            "ETag, Location, Content-Location, Last-Modified, X-Request-Id, Allow");
    }
}

enum MHD_Result answer_with(web_exchange *exchange, unsigned status, struct MHD_Response *response)
{
    if (response == NULL) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, "X-Request-Id", exchange->request_id);
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    if (exchange->server->config->tls_key != NULL) {
        (void)MHD_add_response_header(response, "Strict-Transport-Security", "max-age=31536000");
    }
    if (exchange->is_last || atomic_load(&exchange->server->is_draining)) {
        (void)MHD_add_response_header(response, "Connection", "close");
    }
    add_cors(exchange, response);
    exchange->status = status;
    client_sends(exchange->client, exchange->sent);
    enum MHD_Result result = queue_response(exchange->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result answer_text(web_exchange *exchange, unsigned status, const char *media_type,
                            char *text, size_t len)
{
    if (text == NULL) {
        return MHD_NO;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(len, text,
                                                                    MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return MHD_NO;
    }
    exchange->sent = len;
    (void)MHD_add_response_header(response, "Content-Type", media_type);
    return answer_with(exchange, status, response);
}

char *outcome_text(const char *code, const char *text, size_t *len_out)
{
    static const char form[] =
        "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\","
        "\"code\":\"%s\",\"diagnostics\":\"%s\"}]}";
    size_t room = sizeof form + strlen(code) + strlen(text);
    char *body = malloc(room);
    *len_out = body == NULL ? 0 : (size_t)snprintf(body, room, form, code, text);
    return body;
}

enum MHD_Result answer_refusal(web_exchange *exchange, unsigned status, const char *code,
                               const char *text, const char *header, const char *value)
{
    size_t len = 0;
    char *body = outcome_text(code, text, &len);
    if (body == NULL) {
        return MHD_NO;
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(len, body,
                                                                    MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(body);
        return MHD_NO;
    }
    exchange->sent = len;
    (void)MHD_add_response_header(response, "Content-Type", FHIR_JSON);
    if (header != NULL) {
        (void)MHD_add_response_header(response, header, value);
    }
    return answer_with(exchange, status, response);
}

enum MHD_Result answer_outcome(web_exchange *exchange, unsigned status, const char *code,
                               const char *text)
{
    return answer_refusal(exchange, status, code, text, NULL, NULL);
}

/* ---- what the library answers ---- */

/* "gzip" without "q=0". */
static bool takes_gzip(const web_exchange *exchange)
{
    const char *accepted = header_of(exchange, "Accept-Encoding");
    const char *found = accepted == NULL ? NULL : strstr(accepted, "gzip");
    if (found == NULL) {
        return false;
    }
    found += strlen("gzip");
    while (*found == ' ' || *found == ';') {
        found++;
    }
    return strncasecmp(found, "q=0", 3) != 0 ||
           (found[3] == '.' && strpbrk(found + 4, "123456789"));
}

/* NULL: it does not get smaller, or there is no memory. */
static char *compress_body(const char *body, size_t len, size_t *len_out)
{
    z_stream stream = {0};
    const int gzip_window = 15 + 16;
    if (len > UINT32_MAX ||
        deflateInit2(&stream, 1, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return NULL;
    }
    char *packed = malloc(len);
    stream.next_in = (void *)(uintptr_t)body;
    stream.avail_in = (uInt)len;
    stream.next_out = (void *)packed;
    stream.avail_out = (uInt)len;
    int result = packed == NULL ? Z_MEM_ERROR : deflate(&stream, Z_FINISH);
    *len_out = stream.total_out;
    (void)deflateEnd(&stream);
    if (result != Z_STREAM_END) {
        free(packed);
        return NULL;
    }
    return packed;
}

static void free_library_response(void *response)
{
    fhirstore_response_free(response);
}

/* The body packed; NULL: it is sent as it is. */
static struct MHD_Response *packed_response(web_exchange *exchange, const char *body, size_t len)
{
    size_t packed_len = 0;
    char *packed = len >= GZIP_FROM && takes_gzip(exchange) ? compress_body(body, len, &packed_len)
                                                            : NULL;
    struct MHD_Response *response = packed == NULL ? NULL
                                                   : MHD_create_response_from_buffer(
                                                         packed_len, packed, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(packed);
        return NULL;
    }
    exchange->sent = packed_len;
    (void)MHD_add_response_header(response, "Content-Encoding", "gzip");
    return response;
}

static void copy_headers(const fhirstore_response *answered, struct MHD_Response *response)
{
    for (uint32_t i = 0; i < fhirstore_response_header_count(answered); i++) {
        const char *name = NULL;
        const char *value = NULL;
        if (fhirstore_response_header(answered, i, &name, &value) == FHIRSTORE_OK) {
            (void)MHD_add_response_header(response, name, value);
        }
    }
}

enum MHD_Result answer_fhir(web_exchange *exchange, fhirstore_response *answered)
{
    unsigned status = (unsigned)fhirstore_response_http(answered);
    size_t len = 0;
    const char *body = fhirstore_response_body(answered, &len);
    struct MHD_Response *response = packed_response(exchange, body, len);
    bool is_packed = response != NULL;
    if (!is_packed) {
        exchange->sent = len;
        response = MHD_create_response_from_buffer_with_free_callback_cls(
            len, (void *)(uintptr_t)body, free_library_response, answered);
    }
    if (response == NULL) {
        fhirstore_response_free(answered);
        return MHD_NO;
    }
    copy_headers(answered, response);
    if (len >= GZIP_FROM) {
        (void)MHD_add_response_header(response, "Vary", "Accept-Encoding");
    }
    if (is_packed) {
        fhirstore_response_free(answered);
    }
    return answer_with(exchange, status, response);
}
