/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "access_log.h"
#include "clients.h"
#include "gate.h"
#include "headers.h"
#include "metrics.h"
#include "pages.h"

#define CONNECTION_BYTES ((size_t)128 << 10) /* request line and headers */
#define URI_MAX          65536u
#define SLACK_SECONDS    3u /* who stands still is let go by us, who have a word for it */

uint64_t monotonic_us(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- request ids ---- */

static bool is_hex(const char *text, size_t len)
{
    return strspn(text, "0123456789abcdefABCDEF") >= len;
}

/* A UUID, or 16 or 32 hex digits. Anything else might be somebody's name. */
static bool is_request_id(const char *text)
{
    static const size_t groups[] = {8, 4, 4, 4, 12};
    size_t len = strlen(text);
    size_t at = 0;
    if (len == 16 || len == 32) {
        return is_hex(text, len);
    }
    if (len != 36) {
        return false;
    }
    for (size_t i = 0; i < 5; i++) {
        if (!is_hex(text + at, groups[i]) || text[at + groups[i]] != (i < 4 ? '-' : '\0')) {
            return false;
        }
        at += groups[i] + 1;
    }
    return true;
}

void request_id_make(char *out)
{
    static _Atomic uint64_t counter;
    (void)snprintf(out, REQUEST_ID_MAX + 1, "%08llx%08llx", (unsigned long long)time(NULL),
                   (unsigned long long)(atomic_fetch_add(&counter, 1) & UINT32_MAX));
}

void exchange_name(web_exchange *exchange)
{
    const char *given = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
                                                    "X-Request-Id");
    if (given != NULL && is_request_id(given)) {
        memcpy(exchange->request_id, given, strlen(given) + 1);
    } else {
        request_id_make(exchange->request_id);
    }
}

/* ---- bodies ---- */

static void refuse_early(web_exchange *exchange, unsigned status, const char *code,
                         const char *text)
{
    if (exchange->refused_status == 0) {
        exchange->refused_status = status;
        exchange->refused_code = code;
        exchange->refused_text = text;
    }
    free(exchange->body);
    exchange->body = NULL;
    exchange->body_len = 0;
    exchange->body_room = 0;
}

static void refuse_large(web_exchange *exchange)
{
    refuse_early(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "too-long", "the body is too large");
}

static void take_piece(web_exchange *exchange, const char *piece, size_t len)
{
    client_brings(exchange->client, len);
    if (exchange->refused_status != 0) {
        return; /* read, so that the client gets to read why */
    }
    if (len > exchange->server->config->max_body - exchange->body_len) {
        refuse_large(exchange);
        return;
    }
    if (exchange->body_len + len > exchange->body_room) {
        size_t room = exchange->body_room * 2 > exchange->body_len + len ? exchange->body_room * 2
                                                                         : exchange->body_len + len;
        char *grown = realloc(exchange->body, room);
        if (grown == NULL) {
            refuse_early(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "exception", "out of memory");
            return;
        }
        exchange->body = grown;
        exchange->body_room = room;
    }
    memcpy(exchange->body + exchange->body_len, piece, len);
    exchange->body_len += len;
}

/* A packed body unpacked, never to more than a body may have. */
static char *unpack(const web_exchange *exchange, size_t *len_out, bool *is_large_out)
{
    z_stream stream = {0};
    const int zlib_or_gzip = 15 + 32;
    size_t max = exchange->server->config->max_body;
    size_t room = exchange->body_len * 4 < max ? exchange->body_len * 4 + 64 : max;
    char *out = malloc(room);
    int result = Z_OK;
    if (out == NULL || inflateInit2(&stream, zlib_or_gzip) != Z_OK) {
        free(out);
        return NULL;
    }
    stream.next_in = (void *)exchange->body;
    stream.avail_in = (uInt)exchange->body_len;
    while (result == Z_OK) {
        if (stream.total_out == room) {
            char *grown = room >= max ? NULL : realloc(out, room = room * 2 < max ? room * 2 : max);
            *is_large_out = grown == NULL;
            if (grown == NULL) {
                break;
            }
            out = grown;
        }
        stream.next_out = (void *)(out + stream.total_out);
        stream.avail_out = (uInt)(room - stream.total_out < UINT32_MAX ? room - stream.total_out
                                                                       : UINT32_MAX);
        result = inflate(&stream, Z_NO_FLUSH);
    }
    *len_out = stream.total_out;
    (void)inflateEnd(&stream);
    if (result != Z_STREAM_END) {
        free(out);
        return NULL;
    }
    return out;
}

static void unpack_body(web_exchange *exchange)
{
    const char *encoding = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
                                                       "Content-Encoding");
    size_t len = 0;
    bool is_large = false;
    if (encoding == NULL || strcasecmp(encoding, "identity") == 0 ||
        exchange->refused_status != 0) {
        return;
    }
    if (strcasecmp(encoding, "gzip") != 0 || exchange->body_len > UINT32_MAX) {
        refuse_early(exchange, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "not-supported",
                     "Content-Encoding is gzip, or nothing");
        return;
    }
    char *text = unpack(exchange, &len, &is_large);
    if (is_large) {
        refuse_large(exchange);
    } else if (text == NULL) {
        refuse_early(exchange, MHD_HTTP_BAD_REQUEST, "structure", "the body is not gzip");
    } else {
        free(exchange->body);
        exchange->body = text;
        exchange->body_len = len;
        exchange->body_room = len;
    }
}

/* ---- what libmicrohttpd lets through ---- */

/* The whole of an address may stand in the first line, as it does for proxies. */
static void take_address(web_exchange *exchange, const char *uri)
{
    size_t scheme = strncasecmp(uri, "http://", 7) == 0    ? 7
                    : strncasecmp(uri, "https://", 8) == 0 ? 8
                                                           : 0;
    size_t host = scheme == 0 ? 0 : strcspn(uri + scheme, "/?");
    if (scheme > 0) {
        exchange->authority = strndup(uri + scheme, host);
        uri += scheme + host;
    }
    exchange->uri = strdup(*uri == '\0' ? "/" : uri);
}

/* ---- exchanges ---- */

web_exchange *exchange_new(web_server *server, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        connection == NULL
            ? NULL
            : MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    web_exchange *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    made->server = server;
    made->connection = connection;
    made->client = info == NULL ? NULL : info->socket_context;
    made->method = "-";
    made->kind = "other";
    made->type = "";
    made->request_id[0] = '-'; /* until its headers have been read */
    made->begun_us = monotonic_us();
    metrics_begin(server->metrics);
    return made;
}

void exchange_end(web_exchange *exchange)
{
    uint64_t us = monotonic_us() - exchange->begun_us;
    metrics_end(exchange->server->metrics, exchange->kind, exchange->status, us, exchange->body_len,
                exchange->sent);
    access_log_write(exchange->server->log, exchange, us);
    free(exchange->uri);
    free(exchange->authority);
    free(exchange->body);
    free(exchange);
}

/* ---- libmicrohttpd's callbacks ---- */

static void *begin_exchange(void *ctx, const char *uri, struct MHD_Connection *connection)
{
    web_exchange *made = exchange_new(ctx, connection);
    if (made != NULL) {
        take_address(made, uri);
        client_holds(made->client, made);
        client_asks(made->client);
    }
    return made;
}

/* Answer before the body has come; what follows on the connection is anybody's guess. */
static enum MHD_Result refuse_now(web_exchange *exchange, unsigned status, const char *code,
                                  const char *text)
{
    exchange->is_last = true;
    refuse_early(exchange, status, code, text);
    return route_request(exchange);
}

/* The headers have been read. A body that would be too large is not waited for. */
static enum MHD_Result begin_body(web_exchange *exchange, const char *method, const char *version)
{
    const char *length = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
                                                     "Content-Length");
    header_list headers;
    exchange->has_begun = true;
    exchange->method = method_named(method);
    exchange_name(exchange);
    if (exchange->uri == NULL) {
        return MHD_NO;
    }
    headers_read(exchange->connection, &headers);
    header_fault fault = headers_check(&headers, version);
    if (fault.status != 0) {
        return refuse_now(exchange, fault.status, fault.code, fault.text);
    }
    if (strpbrk(exchange->uri, " \t") != NULL) {
        return refuse_now(exchange, MHD_HTTP_BAD_REQUEST, "structure",
                          "there is a blank in the address");
    }
    if (strlen(exchange->uri) > URI_MAX) {
        return refuse_now(exchange, MHD_HTTP_URI_TOO_LONG, "too-long", "the address is too long");
    }
    if (length != NULL && strtoull(length, NULL, 10) > exchange->server->config->max_body) {
        refuse_large(exchange);
        return route_request(exchange);
    }
    return MHD_YES;
}

static enum MHD_Result handle(void *ctx, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *piece,
                              size_t *piece_len, void **exchange_in_out)
{
    web_exchange *exchange = *exchange_in_out;
    (void)ctx;
    (void)connection;
    (void)url;
    if (exchange == NULL) {
        return MHD_NO;
    }
    if (!exchange->has_begun) {
        return begin_body(exchange, method, version);
    }
    if (*piece_len > 0) {
        take_piece(exchange, piece, *piece_len);
        *piece_len = 0;
        return MHD_YES;
    }
    unpack_body(exchange);
    return route_request(exchange);
}

static void end_exchange(void *ctx, struct MHD_Connection *connection, void **exchange_in_out,
                         enum MHD_RequestTerminationCode code)
{
    web_exchange *exchange = *exchange_in_out;
    (void)ctx;
    (void)connection;
    (void)code;
    if (exchange == NULL) {
        return;
    }
    if (exchange->status == 0 && client_has_ended(exchange->client)) {
        exchange->status = MHD_HTTP_REQUEST_TIMEOUT;
    }
    client_holds(exchange->client, NULL);
    client_rests(exchange->client);
    exchange_end(exchange);
    *exchange_in_out = NULL;
}

static void watch_connection(void *ctx, struct MHD_Connection *connection, void **client_in_out,
                             enum MHD_ConnectionNotificationCode code)
{
    web_server *server = ctx;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(
            connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *client_in_out = info == NULL ? NULL : client_connects(server->clients, info->connect_fd);
    } else {
        client_leaves(server->clients, *client_in_out);
        *client_in_out = NULL;
    }
}

/* What libmicrohttpd would print of a request stays unsaid: it may hold patient data. */
static void say_nothing(void *ctx, const char *format, va_list arguments)
{
    (void)ctx;
    (void)format;
    (void)arguments;
}

/* ---- start and stop ---- */

static char *read_pem(const char *path)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL || getdelim(&text, &len, '\0', file) < 0) {
        (void)fprintf(stderr, "fhirstore-server: %s: %s\n", path, strerror(errno));
        free(text);
        text = NULL;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return text;
}

static bool read_tls(const web_config *config, struct MHD_OptionItem *options, size_t *count)
{
    if (config->tls_key == NULL) {
        return true;
    }
    char *certificate = read_pem(config->tls_certificate);
    char *key = read_pem(config->tls_key);
    options[(*count)++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, certificate};
    options[(*count)++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, key};
    return certificate != NULL && key != NULL;
}

/* It listens nowhere: the gate hands it connections. */
static struct MHD_Daemon *start_daemon(web_server *server, struct MHD_OptionItem *more)
{
    const web_config *config = server->config;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC |
                     MHD_USE_ERROR_LOG | (config->tls_key != NULL ? MHD_USE_TLS : 0);
    /* The logger comes first: MHD says things while it reads its options. */
    return MHD_start_daemon(
        flags, 0, NULL, NULL, handle, server, MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, server, MHD_OPTION_NOTIFY_COMPLETED,
        end_exchange, server, MHD_OPTION_NOTIFY_CONNECTION, watch_connection, server,
        MHD_OPTION_CONNECTION_TIMEOUT, config->timeout + SLACK_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES, MHD_OPTION_CONNECTION_LIMIT,
        CONNECTIONS_MAX, MHD_OPTION_THREAD_POOL_SIZE, config->workers, MHD_OPTION_ARRAY, more,
        MHD_OPTION_END);
}

bool http_start(web_server *server, uint16_t *port_out)
{
    struct MHD_OptionItem more[3] = {{MHD_OPTION_END, 0, NULL}};
    size_t count = 0;
    bool fine = read_tls(server->config, more, &count);
    more[count] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    fine = fine && pages_take_over(server) && (server->gate = gate_open(server, port_out)) != NULL;
    server->daemon = fine ? start_daemon(server, more) : NULL;
    for (size_t i = 0; i < count; i++) {
        free(more[i].ptr_value); /* read by now */
    }
    if (fine && (server->daemon == NULL || !gate_run(server->gate))) {
        (void)fprintf(stderr, "fhirstore-server: cannot start%s\n",
                      server->config->tls_key == NULL ? "" : ": is the certificate the key's?");
        fine = false;
    }
    return fine;
}

void http_stop(web_server *server, unsigned seconds)
{
    const struct timespec pause = {0, 10000000};
    uint64_t until = monotonic_us() + seconds * UINT64_C(1000000);
    atomic_store(&server->is_draining, true);
    gate_close(server->gate);
    server->gate = NULL;
    if (server->daemon == NULL) {
        return;
    }
    while (metrics_at_work(server->metrics) > 0 && monotonic_us() < until) {
        (void)nanosleep(&pause, NULL);
    }
    MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
}
