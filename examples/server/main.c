/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FHIR endpoint over HTTP. It holds no state but connections, figures and tokens it has seen: all
 * that FHIR is about happens behind fhirstore_request().
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "access_log.h"
#include "clients.h"
#include "http.h"
#include "metrics.h"
#include "smart.h"
#include "store.h"
#include "tokens.h"

/* How long a stop waits for what is being answered. */
#define DRAIN_SECONDS 10u
/* How often one looks whether there is something to do, and how much at least is a reason. */
#define TICK_NS        25000000L
#define TICKS_A_SECOND 40u
#define REQUESTS_TO_DO 128u

static bool open_parts(web_server *server)
{
    const web_config *config = server->config;
    /* The store last of those that can fail: a start that is refused leaves none behind. */
    if (!config->is_anonymous && (server->tokens = tokens_open(config)) == NULL) {
        return false;
    }
    server->store = open_store(config);
    if (server->store == NULL) {
        return false;
    }
    if (server->tokens != NULL) {
        server->smart_configuration = smart_configuration(tokens_discovery(server->tokens));
    }
    server->types = type_names_of(server->store);
    server->metrics = metrics_new();
    server->clients = clients_new(config->timeout);
    server->log = access_log_open(config->log_file, config->is_quiet);
    if (server->types == NULL || server->metrics == NULL || server->clients == NULL ||
        server->log == NULL) {
        perror("fhirstore-server");
        return false;
    }
    return true;
}

static void close_parts(web_server *server)
{
    http_stop(server, DRAIN_SECONDS);
    access_log_close(server->log);
    clients_free(server->clients);
    metrics_free(server->metrics);
    type_names_free(server->types);
    tokens_close(server->tokens);
    free(server->smart_configuration);
    fhirstore_close(server->store);
}

/*
 * Until somebody says stop: slow clients are let go, and the store does what is due. Under load
 * that is many times a second: the journal is then written to the disk here, not by a thread that
 * has clients to answer.
 */
static void wait_for_stop(web_server *server, const sigset_t *stops)
{
    const struct timespec tick = {0, TICK_NS};
    unsigned long long seen = 0;
    for (unsigned ticks = 1; sigtimedwait(stops, NULL, &tick) < 0; ticks++) {
        unsigned long long answered = metrics_answered(server->metrics);
        bool is_second = ticks % TICKS_A_SECOND == 0;
        if (is_second) {
            clients_reap(server->clients, server);
        }
        if (is_second || answered - seen >= REQUESTS_TO_DO) {
            maintain_store(server->store);
            seen = answered;
        }
    }
}

/* A thousand connections need more files than a shell commonly allows at first. */
static void allow_files(void)
{
    const rlim_t wanted = 4096;
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < wanted) {
        files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

/*
 * The C library gives each thread a part of memory of its own, and learns to keep what is large.
 * What one thread puts into a cache and another takes out leaves holes then, and the process grew
 * by some tenths of a megabyte a minute. With one part for all, and what is large given back, it
 * does not, and answers as many requests a second.
 */
static void settle_memory(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 512 * 1024);
#endif
}

int main(int argc, char **argv)
{
    web_config config;
    web_server server = {.config = &config};
    sigset_t stops;
    uint16_t port = 0;
    int exit_code = 2;
    if (!config_read(argc, argv, &config, &exit_code)) {
        config_clear(&config);
        return exit_code;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    settle_memory();
    allow_files();
    (void)sigemptyset(&stops);
    (void)sigaddset(&stops, SIGINT);
    (void)sigaddset(&stops, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &stops, NULL); /* before there are other threads */
    exit_code = 1;
    /* With a port of our own choice the base URL is known before the store is made. */
    bool is_settled = config.port == 0 || config_settle(&config, config.port);
    if (is_settled && open_parts(&server) && http_start(&server, &port) &&
        config_settle(&config, port)) {
        (void)printf("%s\n", config.base_url);
        (void)fflush(stdout);
        wait_for_stop(&server, &stops);
        (void)pthread_sigmask(SIG_UNBLOCK, &stops, NULL); /* who says it twice means it */
        exit_code = 0;
    }
    close_parts(&server);
    config_clear(&config);
    return exit_code;
}
