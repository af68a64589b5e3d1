/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <fhirstore/fhirstore.h>

static const char usage_text[] =
    "usage: fhirstore-server STORE --key-file FILE (--anonymous | --jwks FILE | --discovery "
    "FILE-OR-URL)\n"
    "\n"
    "A FHIR endpoint over HTTP on one store.\n"
    "\n"
    "  --key-file FILE         the store's key; or --passphrase-file FILE, or --plaintext\n"
    "  --create                make the store if there is none (--fhir R4|R4B|R5)\n"
    "  --listen ADDRESS        numeric; 127.0.0.1 if not said\n"
    "  --port N                8080 if not said; 0: any free one\n"
    "  --base-url URL          how clients reach it (behind a proxy), else "
    "http://ADDRESS:PORT/fhir\n"
    "  --tls-cert FILE --tls-key FILE   PEM; https\n"
    "  --workers N             threads that answer; one a processor if not said\n"
    "  --cache BYTES           page cache of each thread; 2 MiB if not said\n"
    "\n"
    "Who may come:\n"
    "  --anonymous             everybody may do everything; on a loopback address only\n"
    "  --jwks FILE             bearer tokens (JWT: RS256, ES256, EdDSA) signed by one of these "
    "keys\n"
    "  --discovery FILE-OR-URL the OpenID or SMART configuration that names issuer and keys\n"
    "  --issuer ISS            whom tokens must be from (the discovery document's, if not said)\n"
    "  --audience AUD          whom tokens must be for; the base URL if not said\n"
    "  --policy FILE           roles (docs/access.md); the built-in ones if not said\n"
    "\n"
    "Limits and records:\n"
    "  --max-body BYTES        64 MiB if not said\n"
    "  --timeout SECONDS       for a search, and for clients that stand still; 30 if not said\n"
    "  --cors ORIGIN           whose pages may call it; * for all\n"
    "  --log FILE              access log, else standard error; --quiet: none\n"
    "  --open-metrics          /metrics for others than this machine, too\n";

enum option_id {
    KEY_FILE = 1000,
    PASSPHRASE_FILE,
    PLAINTEXT,
    CREATE,
    FHIR,
    LISTEN,
    PORT,
    BASE_URL,
    TLS_CERT,
    TLS_KEY,
    WORKERS,
    CACHE,
    ANONYMOUS,
    JWKS,
    DISCOVERY,
    ISSUER,
    AUDIENCE,
    POLICY,
    MAX_BODY,
    TIMEOUT,
    CORS,
    LOG,
    QUIET,
    OPEN_METRICS,
    HELP
};

static const struct option options[] = {
    {"key-file", required_argument, NULL, KEY_FILE},
    {"passphrase-file", required_argument, NULL, PASSPHRASE_FILE},
    {"plaintext", no_argument, NULL, PLAINTEXT},
    {"create", no_argument, NULL, CREATE},
    {"fhir", required_argument, NULL, FHIR},
    {"listen", required_argument, NULL, LISTEN},
    {"port", required_argument, NULL, PORT},
    {"base-url", required_argument, NULL, BASE_URL},
    {"tls-cert", required_argument, NULL, TLS_CERT},
    {"tls-key", required_argument, NULL, TLS_KEY},
    {"workers", required_argument, NULL, WORKERS},
    {"cache", required_argument, NULL, CACHE},
    {"anonymous", no_argument, NULL, ANONYMOUS},
    {"jwks", required_argument, NULL, JWKS},
    {"discovery", required_argument, NULL, DISCOVERY},
    {"issuer", required_argument, NULL, ISSUER},
    {"audience", required_argument, NULL, AUDIENCE},
    {"policy", required_argument, NULL, POLICY},
    {"max-body", required_argument, NULL, MAX_BODY},
    {"timeout", required_argument, NULL, TIMEOUT},
    {"cors", required_argument, NULL, CORS},
    {"log", required_argument, NULL, LOG},
    {"quiet", no_argument, NULL, QUIET},
    {"open-metrics", no_argument, NULL, OPEN_METRICS},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

static bool complain(const char *what, const char *value)
{
    (void)fprintf(stderr, "fhirstore-server: %s%s%s\n", what, value == NULL ? "" : ": ",
                  value == NULL ? "" : value);
    return false;
}

static bool read_number(const char *text, unsigned long long low, unsigned long long high,
                        unsigned long long *out)
{
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9') {
        return complain("not a number", text);
    }
    *out = strtoull(text, &end, 10);
    if (*end != '\0' || *out < low || *out > high) {
        return complain("not a number in its bounds", text);
    }
    return true;
}

static bool read_version(const char *text, int32_t *out)
{
    static const struct {
        const char *name;
        int32_t version;
    } known[] = {{"R4", FHIRSTORE_FHIR_R4}, {"R4B", FHIRSTORE_FHIR_R4B}, {"R5", FHIRSTORE_FHIR_R5}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcasecmp(text, known[i].name) == 0) {
            *out = known[i].version;
            return true;
        }
    }
    return complain("--fhir is R4, R4B or R5", text);
}

/* Options that hold text. NULL: not one of them. */
static const char **text_of(web_config *config, int id)
{
    switch (id) {
    case KEY_FILE:
        return &config->key_file;
    case PASSPHRASE_FILE:
        return &config->passphrase_file;
    case LISTEN:
        return &config->listen;
    case TLS_CERT:
        return &config->tls_certificate;
    case TLS_KEY:
        return &config->tls_key;
    case JWKS:
        return &config->jwks;
    case DISCOVERY:
        return &config->discovery;
    case ISSUER:
        return &config->issuer;
    case AUDIENCE:
        return &config->audience;
    case POLICY:
        return &config->policy_file;
    case CORS:
        return &config->cors_origin;
    case LOG:
        return &config->log_file;
    default:
        return NULL;
    }
}

static bool *flag_of(web_config *config, int id)
{
    switch (id) {
    case PLAINTEXT:
        return &config->is_plaintext;
    case CREATE:
        return &config->may_create;
    case ANONYMOUS:
        return &config->is_anonymous;
    case QUIET:
        return &config->is_quiet;
    case OPEN_METRICS:
        return &config->is_metrics_open;
    default:
        return NULL;
    }
}

static bool take_number(web_config *config, int id)
{
    unsigned long long number = 0;
    bool fine;
    switch (id) {
    case PORT:
        fine = read_number(optarg, 0, 65535, &number);
        config->port = (uint16_t)number;
        return fine;
    case WORKERS:
        fine = read_number(optarg, 1, 256, &number);
        config->workers = (unsigned)number;
        return fine;
    case CACHE:
        fine = read_number(optarg, 1, SIZE_MAX / 2, &number);
        config->cache_bytes = number;
        return fine;
    case MAX_BODY:
        fine = read_number(optarg, 1, SIZE_MAX / 2, &number);
        config->max_body = (size_t)number;
        return fine;
    default:
        fine = read_number(optarg, 1, 3600, &number);
        config->timeout = (unsigned)number;
        return fine;
    }
}

static bool take_option(web_config *config, int id)
{
    const char **text = text_of(config, id);
    bool *flag = flag_of(config, id);
    if (text != NULL) {
        *text = optarg;
        return true;
    }
    if (flag != NULL) {
        *flag = true;
        return true;
    }
    if (id == FHIR) {
        return read_version(optarg, &config->fhir_version);
    }
    if (id == BASE_URL) {
        free(config->base_url);
        config->base_url = strdup(optarg);
        return config->base_url != NULL || complain("out of memory", NULL);
    }
    return take_number(config, id);
}

/* ---- what fits together ---- */

bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const void *)address;
        return (ntohl(four->sin_addr.s_addr) >> 24) == 127;
    }
    const struct sockaddr_in6 *six = (const void *)address;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

static bool read_address(web_config *config)
{
    struct sockaddr_in *four = (void *)&config->address;
    struct sockaddr_in6 *six = (void *)&config->address;
    const char *text = strcmp(config->listen, "localhost") == 0 ? "127.0.0.1" : config->listen;
    memset(&config->address, 0, sizeof config->address);
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(config->port);
        return true;
    }
    if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(config->port);
        return true;
    }
    return complain("--listen takes a numeric address", config->listen);
}

static bool is_web_url(const char *text)
{
    size_t len = strlen(text);
    return (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0) &&
           strpbrk(text, " \"<>\\^`{|}?#") == NULL && text[len - 1] != '/';
}

static bool check_together(const web_config *config)
{
    int keys = (config->key_file != NULL) + (config->passphrase_file != NULL) +
               config->is_plaintext;
    bool has_tokens = config->jwks != NULL || config->discovery != NULL;
    if (keys != 1) {
        return complain("one of --key-file, --passphrase-file and --plaintext is needed", NULL);
    }
    if (config->is_anonymous == has_tokens) {
        return complain("either --anonymous, or --jwks or --discovery for bearer tokens", NULL);
    }
    if (config->is_anonymous && !is_loopback((const struct sockaddr *)&config->address)) {
        return complain("--anonymous is for a loopback address only", config->listen);
    }
    if ((config->tls_certificate == NULL) != (config->tls_key == NULL)) {
        return complain("--tls-cert and --tls-key go together", NULL);
    }
    if (config->base_url != NULL && !is_web_url(config->base_url)) {
        return complain("--base-url is an http or https URL without a slash at its end",
                        config->base_url);
    }
    return true;
}

bool config_read(int argc, char **argv, web_config *out, int *exit_out)
{
    int id;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    *exit_out = 2;
    *out = (web_config){.listen = "127.0.0.1",
                        .port = 8080,
                        .workers = processors < 1 ? 1 : (unsigned)processors,
                        .cache_bytes = (uint64_t)2 << 20,
                        .max_body = (size_t)64 << 20,
                        .timeout = 30};
    while ((id = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (id == HELP || id == 'h') {
            (void)fputs(usage_text, stdout);
            *exit_out = 0;
            return false;
        }
        if (id == '?' || !take_option(out, id)) {
            return false;
        }
    }
    if (optind != argc - 1) {
        (void)fputs(usage_text, stderr);
        return false;
    }
    out->store_path = argv[optind];
    return read_address(out) && check_together(out);
}

bool config_settle(web_config *config, uint16_t port)
{
    if (config->base_url == NULL) {
        bool is_six = config->address.ss_family == AF_INET6;
        size_t room = strlen(config->listen) + 32;
        config->base_url = malloc(room);
        if (config->base_url == NULL) {
            return false;
        }
        (void)snprintf(config->base_url, room, "%s://%s%s%s:%u/fhir",
                       config->tls_key == NULL ? "http" : "https", is_six ? "[" : "",
                       config->listen, is_six ? "]" : "", (unsigned)port);
    }
    config->port = port;
    if (config->audience == NULL) {
        config->audience = config->base_url;
    }
    return true;
}

void config_clear(web_config *config)
{
    free(config->base_url);
    config->base_url = NULL;
}
