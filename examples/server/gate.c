/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* accept4 */
#include "gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clients.h"
#include "http.h"
#include "refusal.h"

#define EVENTS_AT_ONCE 64
#define WAITING_MAX    1000u
#define METHOD_MAX     32u /* longer ones are none */
#define TLS_HANDSHAKE  0x16

/* Somebody who has not said enough yet. */
typedef struct visitor {
    int socket;
    bool has_spoken;
    uint64_t deadline_us;
    struct sockaddr_storage from;
    socklen_t from_len;
    struct visitor *next; /* came later */
    struct visitor *previous;
} visitor;

struct web_gate {
    web_server *server;
    int listener;
    int epoll;
    int bell; /* rung to end it */
    bool is_running;
    pthread_t thread;
    visitor *oldest;
    visitor *newest;
    unsigned waiting;
};

/* ---- who waits ---- */

static void line_up(web_gate *gate, visitor *who)
{
    who->previous = gate->newest;
    if (gate->newest != NULL) {
        gate->newest->next = who;
    } else {
        gate->oldest = who;
    }
    gate->newest = who;
    gate->waiting++;
}

static void leave_line(web_gate *gate, visitor *who)
{
    if (who->previous != NULL) {
        who->previous->next = who->next;
    } else {
        gate->oldest = who->next;
    }
    if (who->next != NULL) {
        who->next->previous = who->previous;
    } else {
        gate->newest = who->previous;
    }
    gate->waiting--;
}

/* ---- how it ends ---- */

/* A close that leaves bytes unread takes the answer along: what has come is read first. */
static void hang_up(int socket)
{
    char rest[4096];
    (void)shutdown(socket, SHUT_WR);
    for (int i = 0; i < 64 && recv(socket, rest, sizeof rest, MSG_DONTWAIT) > 0; i++) {
    }
    (void)close(socket);
}

static void turn_away(web_server *server, int socket, unsigned status, const char *code,
                      const char *text)
{
    refuse_socket(server, socket, status, code, text);
    hang_up(socket);
}

static void let_in(web_server *server, const visitor *who)
{
    if (clients_count(server->clients) >= CONNECTIONS_MAX) {
        turn_away(server, who->socket, MHD_HTTP_SERVICE_UNAVAILABLE, "throttled",
                  "there are too many connections");
        return;
    }
    /* Whether it succeeds or not, the socket is libmicrohttpd's now. */
    (void)MHD_add_connection(server->daemon, who->socket, (const struct sockaddr *)&who->from,
                             who->from_len);
}

/* ---- what they say ---- */

typedef enum first_word {
    WORD_UNFINISHED,
    WORD_METHOD,
    WORD_LONG,
    WORD_NONE
} first_word;

static first_word judge_word(const char *text, size_t len)
{
    static const char marks[] = "!#$%&'*+-.^_`|~0123456789"
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t word = 0;
    while (word < len && text[word] != '\0' && strchr(marks, text[word]) != NULL) {
        word++;
    }
    if (word == len) {
        return len > METHOD_MAX ? WORD_LONG : WORD_UNFINISHED;
    }
    return word > 0 && text[word] == ' ' ? WORD_METHOD : WORD_NONE;
}

/* What is there, without taking it; empty lines before a request are passed over. */
static ssize_t peek(int socket, char *out, size_t room)
{
    ssize_t got;
    while ((got = recv(socket, out, room, MSG_PEEK | MSG_DONTWAIT)) > 0) {
        size_t blank = 0;
        while (blank < (size_t)got && (out[blank] == '\r' || out[blank] == '\n')) {
            blank++;
        }
        if (blank == 0 || recv(socket, out, blank, MSG_DONTWAIT) <= 0) {
            break;
        }
    }
    return got;
}

/* What to do with somebody. A status: turn them away with it. */
typedef struct verdict {
    enum {
        STAYS,
        HAS_GONE,
        MAY_ENTER,
        TURNED_AWAY
    } is;
    unsigned status;
    const char *code;
    const char *text;
} verdict;

static verdict judge(const web_gate *gate, visitor *who)
{
    char text[METHOD_MAX + 8];
    ssize_t got = peek(who->socket, text, sizeof text);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return (verdict){.is = STAYS};
    }
    if (got <= 0) {
        return (verdict){.is = HAS_GONE};
    }
    who->has_spoken = true;
    if (gate->server->config->tls_key != NULL) {
        return text[0] == TLS_HANDSHAKE ? (verdict){.is = MAY_ENTER}
                                        : (verdict){TURNED_AWAY, MHD_HTTP_BAD_REQUEST, "structure",
                                                    "this port speaks TLS: https"};
    }
    switch (judge_word(text, (size_t)got)) {
    case WORD_METHOD:
        return (verdict){.is = MAY_ENTER};
    case WORD_LONG:
        return (verdict){TURNED_AWAY, MHD_HTTP_NOT_IMPLEMENTED, "not-supported", "no such method"};
    case WORD_NONE:
        return (verdict){TURNED_AWAY, MHD_HTTP_BAD_REQUEST, "structure",
                         "the first line cannot be read: it is METHOD ADDRESS HTTP/1.1"};
    default:
        return (verdict){.is = STAYS};
    }
}

/* Nobody who stays; the socket is no longer ours. */
static void carry_out(web_gate *gate, visitor *who, verdict what)
{
    if (what.is == MAY_ENTER) {
        let_in(gate->server, who);
    } else if (what.is == TURNED_AWAY) {
        turn_away(gate->server, who->socket, what.status, what.code, what.text);
    } else {
        (void)close(who->socket);
    }
    free(who);
}

/* ---- coming and going ---- */

/* They have had their time, or their place is needed. */
static void send_home(web_gate *gate, visitor *who)
{
    leave_line(gate, who);
    if (who->has_spoken && gate->server->config->tls_key == NULL) {
        turn_away(gate->server, who->socket, MHD_HTTP_REQUEST_TIMEOUT, "timeout",
                  "the request did not come to its end in time");
    } else {
        (void)close(who->socket);
    }
    free(who);
}

static void receive(web_gate *gate, visitor *who)
{
    verdict first = judge(gate, who);
    if (first.is != STAYS) {
        carry_out(gate, who, first);
        return;
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = who};
    who->deadline_us = monotonic_us() + gate->server->config->timeout * UINT64_C(1000000);
    if (epoll_ctl(gate->epoll, EPOLL_CTL_ADD, who->socket, &event) != 0) {
        (void)close(who->socket);
        free(who);
        return;
    }
    line_up(gate, who);
    if (gate->waiting > WAITING_MAX) {
        send_home(gate, gate->oldest);
    }
}

/* No descriptor is left: somebody who says nothing makes room, or we pause. */
static void make_room(web_gate *gate)
{
    const struct timespec pause = {0, 20000000};
    if (gate->oldest != NULL) {
        send_home(gate, gate->oldest);
    } else {
        (void)nanosleep(&pause, NULL);
    }
}

static void open_door(web_gate *gate)
{
    for (int i = 0; i < EVENTS_AT_ONCE; i++) {
        visitor *who = calloc(1, sizeof *who);
        if (who == NULL) {
            make_room(gate);
            return;
        }
        who->from_len = sizeof who->from;
        who->socket = accept4(gate->listener, (struct sockaddr *)&who->from, &who->from_len,
                              SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (who->socket < 0) {
            int why = errno;
            free(who);
            if (why == EMFILE || why == ENFILE || why == ENOBUFS || why == ENOMEM) {
                make_room(gate);
            }
            return;
        }
        receive(gate, who);
    }
}

static void hear(web_gate *gate, visitor *who, uint32_t events)
{
    struct epoll_event none = {.events = 0};
    verdict next = judge(gate, who);
    if (next.is != STAYS) {
        /* Out of this epoll before libmicrohttpd has it in its own. */
        (void)epoll_ctl(gate->epoll, EPOLL_CTL_DEL, who->socket, &none);
        leave_line(gate, who);
        carry_out(gate, who, next);
    } else if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        send_home(gate, who); /* nothing more will come */
    }
}

static int patience_ms(const web_gate *gate)
{
    uint64_t now = monotonic_us();
    if (gate->oldest == NULL) {
        return -1;
    }
    return gate->oldest->deadline_us <= now ? 0
                                            : (int)((gate->oldest->deadline_us - now) / 1000 + 1);
}

static void *keep_gate(void *ctx)
{
    web_gate *gate = ctx;
    struct epoll_event events[EVENTS_AT_ONCE];
    for (;;) {
        int count = epoll_wait(gate->epoll, events, EVENTS_AT_ONCE, patience_ms(gate));
        bool is_door = false;
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &gate->bell) {
                return NULL;
            }
            if (events[i].data.ptr == gate) {
                is_door = true; /* after the others: it may send one of them home */
            } else {
                hear(gate, events[i].data.ptr, events[i].events);
            }
        }
        if (is_door) {
            open_door(gate);
        }
        while (gate->oldest != NULL && gate->oldest->deadline_us <= monotonic_us()) {
            send_home(gate, gate->oldest);
        }
    }
}

/* ---- start and stop ---- */

static int listen_on(const web_config *config)
{
    const struct sockaddr *address = (const void *)&config->address;
    bool is_six = address->sa_family == AF_INET6;
    const int yes = 1;
    int made = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0) {
        return -1;
    }
    (void)setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (is_six) {
        (void)setsockopt(made, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    }
    socklen_t len = is_six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (bind(made, address, len) != 0 || listen(made, SOMAXCONN) != 0) {
        int why = errno;
        (void)close(made);
        errno = why;
        return -1;
    }
    return made;
}

static uint16_t port_of(int listener)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    if (getsockname(listener, (struct sockaddr *)&address, &len) != 0) {
        return 0;
    }
    return ntohs(address.ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)(const void *)&address)->sin6_port
                     : ((const struct sockaddr_in *)(const void *)&address)->sin_port);
}

web_gate *gate_open(web_server *server, uint16_t *port_out)
{
    const web_config *config = server->config;
    web_gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL) {
        return NULL;
    }
    struct epoll_event door = {.events = EPOLLIN, .data.ptr = gate};
    struct epoll_event bell = {.events = EPOLLIN, .data.ptr = &gate->bell};
    gate->server = server;
    gate->epoll = epoll_create1(EPOLL_CLOEXEC);
    gate->bell = eventfd(0, EFD_CLOEXEC);
    gate->listener = listen_on(config);
    if (gate->listener < 0 || gate->epoll < 0 || gate->bell < 0 ||
        epoll_ctl(gate->epoll, EPOLL_CTL_ADD, gate->listener, &door) != 0 ||
        epoll_ctl(gate->epoll, EPOLL_CTL_ADD, gate->bell, &bell) != 0) {
        (void)fprintf(stderr, "fhirstore-server: cannot listen on %s port %u: %s\n", config->listen,
                      (unsigned)config->port, strerror(errno));
        gate_close(gate);
        return NULL;
    }
    *port_out = port_of(gate->listener);
    return gate;
}

bool gate_run(web_gate *gate)
{
    gate->is_running = pthread_create(&gate->thread, NULL, keep_gate, gate) == 0;
    return gate->is_running;
}

void gate_close(web_gate *gate)
{
    const uint64_t one = 1;
    if (gate == NULL) {
        return;
    }
    if (gate->is_running && write(gate->bell, &one, sizeof one) == (ssize_t)sizeof one) {
        (void)pthread_join(gate->thread, NULL);
    }
    while (gate->oldest != NULL) {
        send_home(gate, gate->oldest);
    }
    for (int i = 0; i < 3; i++) {
        int each = i == 0 ? gate->listener : i == 1 ? gate->epoll : gate->bell;
        if (each >= 0) {
            (void)close(each);
        }
    }
    free(gate);
}
