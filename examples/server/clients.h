/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections and how long they may take: those that stand still, and those that drip, a byte now
 * and then, so as never to stand still.
 */
#ifndef SERVER_CLIENTS_H
#define SERVER_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct web_clients web_clients;
typedef struct web_client web_client;
struct web_exchange;
struct web_server;

web_clients *clients_new(unsigned timeout_seconds); /* NULL: no memory */
void clients_free(web_clients *all);

web_client *client_connects(web_clients *all, int socket); /* NULL: no memory */
void client_leaves(web_clients *all, web_client *client);
unsigned clients_count(web_clients *all);
/* The exchange that is going on on it; NULL: none. */
void client_holds(web_client *client, struct web_exchange *exchange);
struct web_exchange *client_exchange(const web_client *client);
/* The request has come as far as its address; its headers and body may take some time from now. */
void client_asks(web_client *client);
/* A piece of its body has come. */
void client_brings(web_client *client, size_t bytes);
/* We are at work, which is no fault of the client's. False: it has been let go; do nothing. */
bool client_waits(web_client *client);
/* Whether it has been let go. */
bool client_has_ended(web_client *client);
/* The answer is on its way: the longer, the more time. */
void client_sends(web_client *client, size_t bytes);
/* The answer has been sent; the next request may take its time. */
void client_rests(web_client *client);

/*
 * End the connections that took too long. A request that has begun gets 408 first, where that can
 * be said: not through TLS.
 */
void clients_reap(web_clients *all, struct web_server *server);

#endif
