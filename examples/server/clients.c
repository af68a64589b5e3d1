/* SPDX-License-Identifier: Apache-2.0 */
#include "clients.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "refusal.h"
#include "server.h"

/* Who sends or takes less than this in a second is not waited for. */
#define SLOWEST_BYTES 16384u
#define SECOND_US     UINT64_C(1000000)

struct web_client {
    int socket;
    struct web_exchange *exchange;
    uint64_t patience_us;
    atomic_uint_least64_t deadline_us; /* 0: none */
    atomic_uint_least64_t since_us;    /* of its last step */
    atomic_bool is_reading;            /* we wait for it to speak */
    atomic_bool is_asking;             /* it has begun to */
    atomic_bool has_ended;
    web_client *next;
    web_client *previous;
};

struct web_clients {
    pthread_mutex_t lock;
    web_client *first;
    unsigned count;
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
        uint64_t now = monotonic_us();
        atomic_store(&client->since_us, now);
        atomic_store(&client->deadline_us, now + patience_us);
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
    all->count++;
    (void)pthread_mutex_unlock(&all->lock);
    return made;
}

void client_leaves(web_clients *all, web_client *client)
{
    if (client == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&all->lock);
    all->count--;
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

unsigned clients_count(web_clients *all)
{
    (void)pthread_mutex_lock(&all->lock);
    unsigned count = all->count;
    (void)pthread_mutex_unlock(&all->lock);
    return count;
}

void client_asks(web_client *client)
{
    if (client != NULL) {
        atomic_store(&client->is_asking, true);
        give_until(client, 4 * client->patience_us);
    }
}

void client_brings(web_client *client, size_t bytes)
{
    if (client != NULL) {
        (void)atomic_fetch_add(&client->deadline_us, bytes * SECOND_US / SLOWEST_BYTES);
    }
}

bool client_waits(web_client *client)
{
    if (client == NULL) {
        return true;
    }
    atomic_store(&client->deadline_us, 0);
    return !atomic_load(&client->has_ended);
}

bool client_has_ended(web_client *client)
{
    return client != NULL && atomic_load(&client->has_ended);
}

void client_sends(web_client *client, size_t bytes)
{
    if (client != NULL) {
        atomic_store(&client->is_reading, false);
        give_until(client, client->patience_us + bytes / SLOWEST_BYTES * SECOND_US);
    }
}

void client_rests(web_client *client)
{
    if (client != NULL) {
        atomic_store(&client->is_asking, false);
        atomic_store(&client->is_reading, true);
        give_until(client, 2 * client->patience_us);
    }
}

/* ---- letting go ---- */

/* How long nothing came, and whether what came last is a part of a request. */
typedef struct line_state {
    uint64_t still_us;
    bool has_begun;
} line_state;

/* The kernel knows; libmicrohttpd tells nothing before it has read a whole first line. */
static line_state ask_line(const web_client *client)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (getsockopt(client->socket, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) {
        return (line_state){0, false};
    }
    bool is_new = info.tcpi_data_segs_out == 0;
    bool has_spoken = is_new ? info.tcpi_bytes_received > 0
                             : info.tcpi_last_data_recv < info.tcpi_last_data_sent;
    return (line_state){info.tcpi_last_data_recv * UINT64_C(1000),
                        has_spoken || atomic_load(&client->is_asking)};
}

static void say_timeout(web_server *server, const web_client *client)
{
    static const char text[] = "the request did not come to its end in time";
    if (!atomic_load(&client->is_asking)) {
        refuse_socket(server, client->socket, MHD_HTTP_REQUEST_TIMEOUT, "timeout", text);
        return;
    }
    /* Its exchange is libmicrohttpd's thread's, which writes the log when it finds it has ended. */
    char id[REQUEST_ID_MAX + 1];
    size_t len = 0;
    request_id_make(id);
    char *answer = refusal_text(MHD_HTTP_REQUEST_TIMEOUT, "timeout", text, id, &len);
    if (answer != NULL) {
        (void)send(client->socket, answer, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    free(answer);
}

static void look_after(web_server *server, web_client *client, uint64_t now)
{
    uint64_t deadline = atomic_load(&client->deadline_us);
    bool is_reading = atomic_load(&client->is_reading);
    if (deadline == 0 || atomic_load(&client->has_ended) ||
        (now <= deadline &&
         (!is_reading || now <= atomic_load(&client->since_us) + client->patience_us))) {
        return;
    }
    line_state line = ask_line(client);
    if (now <= deadline && line.still_us < client->patience_us) {
        return;
    }
    /* In this order: a request that is begun after it is not carried out. */
    atomic_store(&client->has_ended, true);
    if (!atomic_compare_exchange_strong(&client->deadline_us, &deadline, deadline)) {
        atomic_store(&client->has_ended, false); /* it has just come to its end */
        return;
    }
    if (is_reading && line.has_begun && server->config->tls_key == NULL) {
        say_timeout(server, client);
    }
    (void)shutdown(client->socket, SHUT_RDWR);
}

void clients_reap(web_clients *all, web_server *server)
{
    uint64_t now = monotonic_us();
    (void)pthread_mutex_lock(&all->lock);
    for (web_client *client = all->first; client != NULL; client = client->next) {
        look_after(server, client, now);
    }
    (void)pthread_mutex_unlock(&all->lock);
}
