/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cannot be read as HTTP never gets to a callback of ours: libmicrohttpd answers it by itself,
 * with a page in HTML. It does so through its public MHD_queue_response(), which the linker looks
 * for here first, as it does for malloc(): the status stays, the page becomes an OperationOutcome.
 */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "pages.h"

#include <dlfcn.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clients.h"
#include "refusal.h"

typedef enum MHD_Result (*queue_function)(struct MHD_Connection *connection, unsigned int status,
                                          struct MHD_Response *response);

typedef struct page_fault {
    const char *code;
    const char *text;
} page_fault;

static queue_function queue_next;
static web_server *page_server;

bool pages_take_over(web_server *server)
{
    void *found = dlsym(RTLD_NEXT, "MHD_queue_response");
    if (found == NULL) {
        (void)fputs("fhirstore-server: libmicrohttpd is not the shared library\n", stderr);
        return false;
    }
    memcpy(&queue_next, &found, sizeof found); /* C knows no cast from data to code */
    page_server = server;
    return true;
}

enum MHD_Result queue_response(struct MHD_Connection *connection, unsigned status,
                               struct MHD_Response *response)
{
    return queue_next(connection, status, response);
}

/* What could not be read is told by how far the request had come. */
static const char *unreadable(const web_exchange *exchange)
{
    if (exchange == NULL) {
        return "the first line cannot be read: it is METHOD ADDRESS HTTP/1.1";
    }
    return exchange->has_begun ? "the chunks of the body cannot be read"
                               : "a header cannot be read, or its Content-Length is no number";
}

static page_fault fault_of(unsigned status, const char *unread)
{
    switch (status) {
    case MHD_HTTP_BAD_REQUEST:
        return (page_fault){"structure", unread};
    case MHD_HTTP_CONTENT_TOO_LARGE:
        return (page_fault){"too-long", "the body is too large"};
    case MHD_HTTP_URI_TOO_LONG:
        return (page_fault){"too-long", "the first line is too long"};
    case MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE:
        return (page_fault){"too-long", "the headers are too long"};
    case MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED:
        return (page_fault){"not-supported", "this is HTTP/1.1 and HTTP/1.0"};
    default:
        return (page_fault){"exception", "the request could not be answered"};
    }
}

/*
 * A bad Content-Length makes libmicrohttpd 0.9.75 send the head of its answer twice. What it is not
 * given it cannot send: the answer goes out here, and MHD_NO makes it close the connection.
 */
static enum MHD_Result send_past(web_exchange *exchange, unsigned status, page_fault fault)
{
    size_t len = 0;
    char *text = refusal_text(status, fault.code, fault.text, exchange->request_id, &len);
    const union MHD_ConnectionInfo *tls = MHD_get_connection_info(
        exchange->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    const union MHD_ConnectionInfo *socket = MHD_get_connection_info(
        exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    exchange->status = status;
    if (text != NULL && exchange->server->config->tls_key == NULL) {
        (void)send(socket->connect_fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (text != NULL && tls != NULL) {
        (void)gnutls_record_send(tls->tls_session, text, len);
    }
    free(text);
    return MHD_NO;
}

/* Called by libmicrohttpd alone; it closes the connection when the answer has been sent. */
__attribute__((visibility("default"))) enum MHD_Result
MHD_queue_response(struct MHD_Connection *connection, unsigned int status,
                   struct MHD_Response *page)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    web_exchange *going_on = client_exchange(info == NULL ? NULL : info->socket_context);
    web_exchange *exchange = going_on != NULL ? going_on : exchange_new(page_server, connection);
    if (exchange == NULL) {
        return queue_next(connection, status, page);
    }
    if (!exchange->has_begun) {
        exchange_name(exchange);
    }
    exchange->is_last = true;
    page_fault fault = fault_of(status, unreadable(going_on));
    bool is_head = going_on != NULL && !exchange->has_begun;
    enum MHD_Result result = is_head ? send_past(exchange, status, fault)
                                     : answer_outcome(exchange, status, fault.code, fault.text);
    if (going_on == NULL) {
        exchange_end(exchange); /* nobody else knows of it */
    }
    return result;
}
