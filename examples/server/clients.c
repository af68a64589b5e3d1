/* SPDX-License-Identifier: Apache-2.0 */
#include "clients.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "server.h"

/* Who sends or takes less than this in a second is not waited for. */
#define SLOWEST_BYTES 16384u
#define SECOND_US     UINT64_C(1000000)

struct web_client {
    int socket;
    struct web_exchange *exchange;
    uint64_t patience_us;
    atomic_uint_least64_t deadline_us; /* 0: none */
    web_client *next;
    web_client *previous;
};

struct web_clients {
    pthread_mutex_t lock;
    web_client *first;
    uint64_t patience_us;
};

web_clients *clients_new(unsigned timeout_seconds)
{
    web_clients *all = calloc(1, sizeof *all);
    if (all != NULL && pthread_mutex_init(&all->lock, NULL) != 0) {
        free(all);
        return NULL;
    }
    if (all != NULL) {
        all->patience_us = timeout_seconds * SECOND_US;
    }
    return all;
}

void clients_free(web_clients *all)
{
    if (all != NULL) {
        (void)pthread_mutex_destroy(&all->lock);
        free(all);
    }
}

static void give_until(web_client *client, uint64_t patience_us)
{
    if (client != NULL) {
        atomic_store(&client->deadline_us, monotonic_us() + patience_us);
    }
}

web_client *client_connects(web_clients *all, int socket)
{
    web_client *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    made->socket = socket;
    made->patience_us = all->patience_us;
    client_rests(made);
    (void)pthread_mutex_lock(&all->lock);
    made->next = all->first;
    if (made->next != NULL) {
        made->next->previous = made;
    }
    all->first = made;
    (void)pthread_mutex_unlock(&all->lock);
    return made;
}

void client_leaves(web_clients *all, web_client *client)
{
    if (client == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&all->lock);
    if (client->previous != NULL) {
        client->previous->next = client->next;
    } else {
        all->first = client->next;
    }
    if (client->next != NULL) {
        client->next->previous = client->previous;
    }
    (void)pthread_mutex_unlock(&all->lock);
    free(client);
}

void client_holds(web_client *client, struct web_exchange *exchange)
{
    if (client != NULL) {
        client->exchange = exchange;
    }
}

struct web_exchange *client_exchange(const web_client *client)
{
    return client == NULL ? NULL : client->exchange;
}

void client_asks(web_client *client)
{
    give_until(client, client == NULL ? 0 : 4 * client->patience_us);
}

void client_brings(web_client *client, size_t bytes)
{
    if (client != NULL) {
        (void)atomic_fetch_add(&client->deadline_us, bytes * SECOND_US / SLOWEST_BYTES);
    }
}

void client_waits(web_client *client)
{
    if (client != NULL) {
        atomic_store(&client->deadline_us, 0);
    }
}

void client_sends(web_client *client, size_t bytes)
{
    give_until(client,
               client == NULL ? 0 : client->patience_us + bytes / SLOWEST_BYTES * SECOND_US);
}

void client_rests(web_client *client)
{
    give_until(client, client == NULL ? 0 : 2 * client->patience_us);
}

void clients_reap(web_clients *all)
{
    uint64_t now = monotonic_us();
    (void)pthread_mutex_lock(&all->lock);
    for (web_client *client = all->first; client != NULL; client = client->next) {
        uint64_t deadline = atomic_load(&client->deadline_us);
        if (deadline != 0 && now > deadline) {
            (void)shutdown(client->socket, SHUT_RDWR);
        }
    }
    (void)pthread_mutex_unlock(&all->lock);
}
