/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/instant.h"
#include "cli.h"

double cli_seconds(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int cli_fail(fhirstore_error *error)
{
    fhirstore_buf outcome = {0};
    if (fhirstore_error_outcome(error, &outcome) == FHIRSTORE_OK) {
        (void)fprintf(stderr, "%.*s\n", (int)outcome.len, outcome.ptr);
    } else {
        (void)fprintf(stderr, "fhirstore: %s\n", fhirstore_error_message(error));
    }
    fhirstore_buf_clear(&outcome);
    fhirstore_error_free(error);
    return EXIT_FAILED;
}

static void print_json_text(const char *text)
{
    (void)fputc('"', stderr);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            (void)fprintf(stderr, "\\%c", *c);
        } else if ((unsigned char)*c < 0x20) {
            (void)fprintf(stderr, "\\u%04x", (unsigned)*c);
        } else {
            (void)fputc(*c, stderr);
        }
    }
    (void)fputc('"', stderr);
}

int cli_fail_as(fhirstore_error *error, const char *format, ...)
{
    char text[1024];
    fhirstore_issue issue = FHIRSTORE_ISSUE_INIT;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)fhirstore_error_issue(error, 0, &issue);
    (void)fprintf(stderr,
                  "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\","
                  "\"code\":\"%s\",\"details\":{\"coding\":[{\"system\":"
                  "\"urn:libfhirstore:status\",\"code\":\"%s\"}]},\"diagnostics\":",
                  issue.code == NULL ? "exception" : issue.code,
                  fhirstore_status_name(fhirstore_error_status(error)));
    print_json_text(text);
    (void)fputs("}]}\n", stderr);
    fhirstore_error_free(error);
    return EXIT_FAILED;
}

int cli_fail_text(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)fflush(stdout); /* what was found before the failure is read before it */
    (void)fputs("{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\","
                "\"code\":\"exception\",\"diagnostics\":",
                stderr);
    print_json_text(text);
    (void)fputs("}]}\n", stderr);
    return EXIT_FAILED;
}

int cli_usage(const char *format, ...)
{
    va_list args;
    (void)fputs("usage: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    return EXIT_USAGE;
}

bool cli_write(const char *bytes, size_t len, bool with_newline)
{
    bool written = len == 0 || fwrite(bytes, 1, len, stdout) == len;
    return written && (!with_newline || fputc('\n', stdout) != EOF);
}

int cli_finish(int status)
{
    if (fflush(stdout) != 0 && status == EXIT_FINE) {
        return cli_fail_text("standard output: %s", strerror(errno));
    }
    return status;
}

const char *cli_plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

int32_t cli_fhir_version(const char *name)
{
    if (name == NULL) {
        return 0;
    }
    if (strcasecmp(name, "R4") == 0) {
        return FHIRSTORE_FHIR_R4;
    }
    if (strcasecmp(name, "R4B") == 0) {
        return FHIRSTORE_FHIR_R4B;
    }
    return strcasecmp(name, "R5") == 0 ? FHIRSTORE_FHIR_R5 : -1;
}

/* Whatever zlib finds: packed bytes are unpacked, others come as they are. */
char *cli_read_file(const char *path, size_t *len_out)
{
    size_t capacity = 1 << 16;
    size_t len = 0;
    char *text = malloc(capacity);
    gzFile file = strcmp(path, "-") == 0 ? gzdopen(0, "rb") : gzopen(path, "rb");
    *len_out = 0;
    while (text != NULL && file != NULL) {
        int got = gzread(file, text + len,
                         (unsigned)(capacity - len - 1 > 1 << 20 ? 1 << 20 : capacity - len - 1));
        if (got <= 0) {
            int failure;
            (void)gzerror(file, &failure);
            if (got < 0 || failure == Z_BUF_ERROR) {
                break;
            }
            (void)gzclose(file);
            text[len] = '\0';
            *len_out = len;
            return text;
        }
        len += (size_t)got;
        if (capacity - len < capacity / 2) {
            char *larger = realloc(text, capacity * 2);
            if (larger == NULL) {
                break;
            }
            text = larger;
            capacity *= 2;
        }
    }
    (void)cli_fail_text("%s: %s", path,
                        file == NULL && errno != 0 ? strerror(errno) : "cannot be read");
    if (file != NULL) {
        (void)gzclose(file);
    }
    free(text);
    return NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 32 raw bytes, or 64 hex digits with white space behind them. */
bool cli_parse_key(const char *text, size_t len, uint8_t key[CLI_KEY_BYTES])
{
    if (len == CLI_KEY_BYTES) {
        memcpy(key, text, CLI_KEY_BYTES);
        return true;
    }
    while (len > 0 && isspace((unsigned char)text[len - 1])) {
        len--;
    }
    if (len != 2 * (size_t)CLI_KEY_BYTES) {
        return false;
    }
    for (size_t i = 0; i < CLI_KEY_BYTES; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        key[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

/* Through a volatile pointer, so that the compiler keeps it. */
static void wipe(void *memory, size_t len)
{
    volatile unsigned char *byte = memory;
    while (len > 0) {
        byte[--len] = 0;
    }
}

void cli_forget(cli_secret *held)
{
    wipe(held, sizeof *held);
}

/* Byte for byte, past every buffer that could not be wiped. */
static bool read_secret_file(const char *path, cli_secret *out)
{
    int file = open(path, O_RDONLY);
    ssize_t got = file < 0 ? -1 : 0;
    while (file >= 0 && out->len < sizeof out->text &&
           (got = read(file, out->text + out->len, sizeof out->text - out->len)) > 0) {
        out->len += (size_t)got;
    }
    int failure = errno;
    if (file >= 0) {
        (void)close(file);
    }
    if (got < 0) {
        (void)cli_fail_text("%s: %s", path, strerror(failure));
        return false;
    }
    if (out->len == sizeof out->text) {
        (void)cli_fail_text("%s: too long for a key or a passphrase", path);
        return false;
    }
    return true;
}

bool cli_read_key(const char *path, cli_secret *out)
{
    memset(out, 0, sizeof *out);
    if (!read_secret_file(path, out)) {
        return false;
    }
    if (!cli_parse_key(out->text, out->len, out->key)) {
        (void)cli_fail_text("%s: a key file holds 32 raw bytes or 64 hex digits", path);
        return false;
    }
    return true;
}

bool cli_read_passphrase(const char *path, cli_secret *out)
{
    memset(out, 0, sizeof *out);
    if (!read_secret_file(path, out)) {
        return false;
    }
    if (out->len > 0 && out->text[out->len - 1] == '\n') {
        out->len--;
    }
    return true;
}

static bool read_secret(const cli_options *options, cli_secret *out, fhirstore_open_options *open)
{
    memset(out, 0, sizeof *out);
    if (options->key_file != NULL) {
        open->key = out->key;
        open->key_len = CLI_KEY_BYTES;
        return cli_read_key(options->key_file, out);
    }
    if (options->passphrase_file != NULL) {
        bool is_read = cli_read_passphrase(options->passphrase_file, out);
        open->passphrase = out->text;
        open->passphrase_len = out->len;
        return is_read;
    }
    if (options->recipient_key_file != NULL) {
        open->recipient_key = out->key;
        open->recipient_key_len = CLI_KEY_BYTES;
        return cli_read_key(options->recipient_key_file, out);
    }
    return true;
}

/* The place of @a text in a list of words, -1 where it is not. */
static int32_t place_of(const char *text, const char *const *words, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0) {
            return i;
        }
    }
    return -1;
}

int32_t cli_validation(const char *text)
{
    static const char *const words[] = {
        [FHIRSTORE_VALIDATION_ON] = "on",
        [FHIRSTORE_VALIDATION_LENIENT] = "lenient",
        [FHIRSTORE_VALIDATION_OFF] = "off",
        [FHIRSTORE_VALIDATION_FULL] = "full",
    };
    return place_of(text, words, (int32_t)(sizeof words / sizeof words[0]));
}

int32_t cli_integrity(const char *text)
{
    static const char *const words[] = {
        [FHIRSTORE_INTEGRITY_OFF] = "off",
        [FHIRSTORE_INTEGRITY_ON_WRITE] = "on",
        [FHIRSTORE_INTEGRITY_CASCADE] = "cascade",
    };
    return place_of(text, words, (int32_t)(sizeof words / sizeof words[0]));
}

int32_t cli_journal(const char *text)
{
    static const char *const words[] = {
        [FHIRSTORE_JOURNAL_DEFAULT] = "",
        [FHIRSTORE_JOURNAL_OFF] = "off",
        [FHIRSTORE_JOURNAL_BATCHED] = "batched",
        [FHIRSTORE_JOURNAL_STRICT] = "strict",
    };
    return text[0] == '\0' ? -1 : place_of(text, words, (int32_t)(sizeof words / sizeof words[0]));
}

int32_t cli_audit_mode(const char *text)
{
    static const char *const words[] = {"required", "best-effort"};
    return place_of(text, words, (int32_t)(sizeof words / sizeof words[0]));
}

bool cli_instant(const char *text, int64_t *us_out)
{
    fhs_date date;
    int64_t lo;
    int64_t hi;
    if (!fhs_date_parse(fhs_str_from_cstr(text), FHS_DATE_FORM_SEARCH, &date)) {
        return false;
    }
    fhs_date_interval(&date, 0, &lo, &hi);
    *us_out = fhs_ticks_to_us(lo);
    return true;
}

static void fill_open_options(const cli_options *options, uint32_t flags,
                              fhirstore_open_options *open)
{
    open->flags = flags;
    open->flags |= options->plaintext ? (uint32_t)FHIRSTORE_OPEN_PLAINTEXT : 0;
    open->flags |= options->multi_process ? (uint32_t)FHIRSTORE_OPEN_MULTI_PROCESS : 0;
    open->fhir_version = cli_fhir_version(options->fhir);
    open->base_url = options->base_url;
    open->base_url_len = options->base_url == NULL ? 0 : strlen(options->base_url);
    open->no_history = options->no_history;
    open->no_history_len = options->no_history == NULL ? 0 : strlen(options->no_history);
    open->cache_bytes = options->cache_mib << 20;
    if (options->validation != NULL) {
        open->validation = cli_validation(options->validation);
    }
    if (options->journal != NULL) {
        open->journal = cli_journal(options->journal);
    }
    if (options->audit != NULL && cli_audit_mode(options->audit) > 0) {
        open->flags |= (uint32_t)FHIRSTORE_OPEN_AUDIT_BEST_EFFORT;
    }
    if (options->integrity != NULL) {
        open->integrity = cli_integrity(options->integrity);
    }
}

bool cli_fill_open(const cli_options *options, cli_secret *held, fhirstore_open_options *open)
{
    fill_open_options(options, 0, open);
    return read_secret(options, held, open);
}

/* Why a store did not open, in words of the command line. */
static void tell_why_shut(const char *path, const fhirstore_open_options *open,
                          fhirstore_error *error)
{
    const char *hint = "";
    switch (fhirstore_error_status(error)) {
    case FHIRSTORE_ERR_KEY_MISSING:
        hint = (open->flags & (uint32_t)FHIRSTORE_OPEN_CREATE) != 0
                   ? ": give --key-file or --passphrase-file, or --plaintext for a store "
                     "that is not encrypted"
                   : ": give --key-file, --passphrase-file or --recipient-key-file";
        break;
    case FHIRSTORE_ERR_IN_USE:
        hint = ": wait until it has closed it, or start both with --multi-process";
        break;
    case FHIRSTORE_ERR_PLAIN_STORE:
        hint = ": --plaintext, and no key, opens a store that is not encrypted";
        break;
    case FHIRSTORE_ERR_NOT_A_STORE:
        hint = (open->flags & (uint32_t)FHIRSTORE_OPEN_PLAINTEXT) != 0
                   ? ", or an encrypted one: that opens with its key, without --plaintext"
                   : "";
        break;
    default:
        break;
    }
    (void)cli_fail_as(error, "%s: %s%s", path, fhirstore_error_message(error), hint);
}

/* Whoever holds the key is the local operator and may do everything. */
static bool enter_as_operator(cli_store *out)
{
    fhirstore_session_options who = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_error *error = NULL;
    who.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    who.principal = "local-operator";
    who.principal_len = strlen(who.principal);
    fhirstore_status status = fhirstore_session_open(out->store, &who, &out->session, &error);
    return status >= FHIRSTORE_OK || cli_fail(error) == EXIT_FINE;
}

/* A principal with its own document, under a policy. */
static bool enter_as(const cli_options *options, cli_store *out)
{
    fhirstore_session_options who = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_error *error = NULL;
    char *policy = NULL;
    size_t policy_len = 0;
    char *claims = cli_read_file(options->as_file, &who.claims_len);
    if (claims != NULL && options->policy_file != NULL) {
        policy = cli_read_file(options->policy_file, &policy_len);
    }
    bool are_read = claims != NULL && (options->policy_file == NULL || policy != NULL);
    fhirstore_status status = FHIRSTORE_OK;
    if (are_read) {
        status = fhirstore_set_policy(out->store, policy, policy_len, &error);
    }
    if (are_read && status >= FHIRSTORE_OK) {
        who.claims = claims;
        status = fhirstore_session_open(out->store, &who, &out->session, &error);
    }
    free(claims);
    free(policy);
    return are_read && (status >= FHIRSTORE_OK || cli_fail(error) == EXIT_FINE);
}

bool cli_open(const cli_options *options, uint32_t flags, cli_store *out)
{
    const char *path = options->arguments[0];
    fhirstore_open_options open = FHIRSTORE_OPEN_OPTIONS_INIT;
    fhirstore_error *error = NULL;
    cli_secret held;
    *out = (cli_store){0};
    fill_open_options(options, flags, &open);
    if (!read_secret(options, &held, &open)) {
        cli_forget(&held);
        return false;
    }
    fhirstore_status status = fhirstore_open(path, strlen(path), &open, &out->store, &error);
    cli_forget(&held);
    if (status < FHIRSTORE_OK) {
        cli_close(out);
        tell_why_shut(path, &open, error);
        return false;
    }
    if (!(options->as_file != NULL ? enter_as(options, out) : enter_as_operator(out))) {
        cli_close(out);
        return false;
    }
    const char *notice = fhirstore_open_notice(out->store);
    if (notice != NULL) {
        (void)fprintf(stderr, "warning: %s: %s\n", path, notice);
    }
    return true;
}

void cli_close(cli_store *opened)
{
    fhirstore_session_close(opened->session);
    fhirstore_close(opened->store);
    *opened = (cli_store){0};
}

bool cli_is_json(const fhirstore_response *response)
{
    const char *name;
    const char *value;
    for (uint32_t i = 0; fhirstore_response_header(response, i, &name, &value) == FHIRSTORE_OK;
         i++) {
        if (strcmp(name, "Content-Type") == 0) {
            return strncmp(value, "application/fhir+json", strlen("application/fhir+json")) == 0;
        }
    }
    return true;
}
