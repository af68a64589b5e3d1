/* SPDX-License-Identifier: Apache-2.0 */
#include "refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

char *refusal_text(unsigned status, const char *code, const char *text, const char *request_id,
                   size_t *len_out)
{
    static const char form[] = "HTTP/1.1 %u %s\r\n"
                               "Date: %s\r\n"
                               "Content-Type: " FHIR_JSON "\r\n"
                               "X-Request-Id: %s\r\n"
                               "X-Content-Type-Options: nosniff\r\n"
                               "Cache-Control: no-store\r\n"
                               "Connection: close\r\n"
                               "Content-Length: %zu\r\n"
                               "\r\n%s";
    char date[40] = "";
    char *whole = NULL;
    struct tm now;
    size_t body_len = 0;
    time_t seconds = time(NULL);
    char *body = outcome_text(code, text, &body_len);
    size_t room = sizeof form + body_len + sizeof date + REQUEST_ID_MAX + 80;
    if (body != NULL && gmtime_r(&seconds, &now) != NULL) {
        (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &now);
        whole = malloc(room);
    }
    if (whole != NULL) {
        *len_out = (size_t)snprintf(whole, room, form, status, MHD_get_reason_phrase_for(status),
                                    date, request_id, body_len, body);
    }
    free(body);
    return whole;
}

void refuse_socket(web_server *server, int socket, unsigned status, const char *code,
                   const char *text)
{
    web_exchange *exchange = exchange_new(server, NULL);
    if (exchange == NULL) {
        return;
    }
    exchange_name(exchange);
    char *answer = refusal_text(status, code, text, exchange->request_id, &exchange->sent);
    if (answer != NULL) {
        (void)send(socket, answer, exchange->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    exchange->status = status;
    exchange_end(exchange);
    free(answer);
}
