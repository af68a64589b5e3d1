/* SPDX-License-Identifier: Apache-2.0 */
/* What the endpoint is told when it is started. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

typedef struct web_config {
    const char *store_path;
    const char *key_file;
    const char *passphrase_file;
    bool is_plaintext;
    bool may_create;
    int32_t fhir_version; /* of a new store; 0: R4 */
    uint64_t cache_bytes;

    const char *listen; /* a numeric address */
    uint16_t port;      /* 0: any free one */
    char *base_url;     /* how clients reach it; made from address and port where it is not said */
    const char *tls_certificate;
    const char *tls_key;
    unsigned workers;

    bool is_anonymous;
    const char *policy_file;
    const char *jwks;      /* a file */
    const char *discovery; /* a file, or an https URL */
    const char *issuer;
    const char *audience; /* NULL: the base URL */

    size_t max_body;
    unsigned timeout; /* seconds */
    const char *cors_origin;
    const char *log_file;
    bool is_quiet;
    bool is_metrics_open; /* for others than loopback, too */

    struct sockaddr_storage address; /* of listen and port */
} web_config;

/* Read the command line; false: what is wrong has been said, and *exit_out is the exit code. */
bool config_read(int argc, char **argv, web_config *out, int *exit_out);
/* The base URL, once the port is known. False: no memory. */
bool config_settle(web_config *config, uint16_t port);
void config_clear(web_config *config);
/* Whether an address is one of this machine's own (127.0.0.0/8, ::1). */
bool is_loopback(const struct sockaddr *address);

#endif
