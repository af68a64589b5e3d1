/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the endpoint, and one exchange: a request and its answer. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <fhirstore/fhirstore.h>

#include "config.h"

struct access_log;
struct web_gate;
struct web_clients;
struct web_client;
struct web_metrics;
struct web_tokens;
struct type_names;

typedef struct web_server {
    const web_config *config;
    fhirstore *store;
    struct MHD_Daemon *daemon;
    struct web_gate *gate; /* where connections come in */
    struct access_log *log;
    struct web_clients *clients;
    struct web_metrics *metrics;
    struct web_tokens *tokens; /* NULL: anonymous */
    struct type_names *types;
    char *smart_configuration; /* NULL: anonymous */
    atomic_bool is_draining;   /* connections are closed when they have their answer */
} web_server;

#define REQUEST_ID_MAX 64

typedef struct web_exchange {
    web_server *server;
    struct MHD_Connection *connection;
    struct web_client *client;
    char *uri;       /* path and query, as they came */
    char *authority; /* of an address that is whole (http://AUTHORITY/path); else NULL */
    const char *method;
    bool has_begun;
    bool is_last; /* of its connection */
    uint64_t begun_us;
    char request_id[REQUEST_ID_MAX + 1];
    char *body;
    size_t body_len;
    size_t body_room;
    unsigned refused_status; /* decided before the body was read; 0: not */
    const char *refused_code;
    const char *refused_text;
    /* For the log and the figures. */
    const char *kind;
    const char *type; /* a FHIR type's name, or "" */
    unsigned status;
    size_t sent;
} web_exchange;

/* Microseconds of a clock that never steps. */
uint64_t monotonic_us(void);

/* ---- exchanges (http.c) ---- */

/* A new one; NULL: no memory. It has no address, method and name yet. @a connection may be NULL. */
web_exchange *exchange_new(web_server *server, struct MHD_Connection *connection);
/* Give it its request id: the client's, or one of ours. */
void exchange_name(web_exchange *exchange);
/* One of ours; @a out has REQUEST_ID_MAX + 1 bytes. */
void request_id_make(char *out);
/* Count it, write its line of the log, and free it. */
void exchange_end(web_exchange *exchange);

/* ---- answers (answer.c) ---- */

#define FHIR_JSON "application/fhir+json; charset=utf-8"

/* An OperationOutcome with one issue, to be freed. Code and text are literals of ours. */
char *outcome_text(const char *code, const char *text, size_t *len_out);

/* Send @a response, which is given up, with the headers that every answer has. */
enum MHD_Result answer_with(web_exchange *exchange, unsigned status, struct MHD_Response *response);
/* An OperationOutcome with one issue. Code and text are literals of ours. */
enum MHD_Result answer_outcome(web_exchange *exchange, unsigned status, const char *code,
                               const char *text);
/* The same with one header more. */
enum MHD_Result answer_refusal(web_exchange *exchange, unsigned status, const char *code,
                               const char *text, const char *header, const char *value);
/* @a text is freed when it has been sent. */
enum MHD_Result answer_text(web_exchange *exchange, unsigned status, const char *media_type,
                            char *text, size_t len);
/* What the library answered; given up. */
enum MHD_Result answer_fhir(web_exchange *exchange, fhirstore_response *response);

/* ---- places (route.c, fhir.c) ---- */

/* The name of a method as a literal; "-": there is no such method. */
const char *method_named(const char *method);
/* A whole request is at hand. */
enum MHD_Result route_request(web_exchange *exchange);
/* A request below /fhir; @a url is what stands behind that. */
enum MHD_Result fhir_request(web_exchange *exchange, const char *url);

#endif
