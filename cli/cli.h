/* SPDX-License-Identifier: Apache-2.0 */
/* The `fhirstore` command: what its subcommands share. */
#ifndef FHS_CLI_CLI_H
#define FHS_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/compiler.h"
#include "fhirstore/fhirstore.h"

enum {
    EXIT_FINE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2
};

#define MAX_HEADERS 32

/* The command line, taken apart. Strings are those of argv. */
typedef struct cli_options {
    const char *key_file;
    const char *passphrase_file;
    const char *recipient_key_file;
    const char *new_key_file; /* what a new key slot is for */
    const char *new_passphrase_file;
    const char *recipient;
    const char *label;
    uint32_t slot;
    uint32_t kdf_ms;
    const char *fhir;
    const char *base_url;
    const char *no_history;
    const char *validation;
    const char *integrity;
    const char *body_file;
    const char *type;
    const char *since;
    const char *anchor;
    const char *before;
    const char *journal;  /* off, batched, strict; NULL: the default */
    const char *audit;    /* required, best-effort; NULL: required */
    const char *as_file;  /* the principal's document; NULL: the local operator */
    const char *jsonpath; /* iot eval: the expression */
    const char *jmespath;
    const char *messages; /* iot: NDJSON to try a mapping with */
    const char *identity;
    const char *device_system;
    const char *patient;
    const char *code;
    const char *from;
    const char *to;
    const char *policy_file; /* the role document; NULL: the built-in one */
    uint64_t cache_mib;
    uint32_t per_commit;
    uint64_t used; /* which options were given, a bit each */
    bool help;
    bool plaintext;
    bool multi_process;
    bool json;
    bool repair;
    bool progress; /* show progress although stderr is no terminal */
    bool time;     /* tell on stderr how long the search itself took */
    bool ids, count, ndjson, explain;
    bool strict, csv;
    bool patient_keys, without_patient_keys;
    bool later; /* shred: the file is put in order by reindex */
    fhirstore_header headers[MAX_HEADERS];
    size_t header_count;
    char **arguments; /* what is no option */
    int argument_count;
} cli_options;

typedef struct cli_command {
    const char *name;
    const char *synopsis;
    int min_arguments; /* the store included */
    int max_arguments; /* 0: any number */
    uint64_t options;  /* those that apply, a bit each */
    int (*run)(const cli_options *options);
} cli_command;

/* Each returns an exit status. */
int cli_init(const cli_options *options);
int cli_import(const cli_options *options);
int cli_export(const cli_options *options);
int cli_get(const cli_options *options);
int cli_search(const cli_options *options);
int cli_request(const cli_options *options);
int cli_batch(const cli_options *options);
int cli_index(const cli_options *options);
int cli_fhirpath(const cli_options *options);
int cli_stats(const cli_options *options);
int cli_anchor(const cli_options *options);
int cli_verify(const cli_options *options);
int cli_reindex(const cli_options *options);
int cli_audit(const cli_options *options);
int cli_access(const cli_options *options);
int cli_key(const cli_options *options);
int cli_iot(const cli_options *options);
int cli_backup(const cli_options *options);
int cli_encrypt(const cli_options *options);
int cli_decrypt(const cli_options *options);
int cli_compact(const cli_options *options);
int cli_shred(const cli_options *options);

/* An open store and the local operator's session on it. */
typedef struct cli_store {
    fhirstore *store;
    fhirstore_session *session;
} cli_store;

/* Open the store named by the first argument. False: the reason is on stderr. */
bool cli_open(const cli_options *options, uint32_t flags, cli_store *out);
void cli_close(cli_store *opened);

#define CLI_KEY_BYTES 32u
/* No key or passphrase is longer. */
#define CLI_SECRET_BYTES 4096u

/* A key or a passphrase, read from the file that was named. Always cli_forget() it. */
typedef struct cli_secret {
    char text[CLI_SECRET_BYTES];
    size_t len;
    uint8_t key[CLI_KEY_BYTES];
} cli_secret;

/* False: the reason is on stderr. */
bool cli_read_key(const char *path, cli_secret *out);
bool cli_read_passphrase(const char *path, cli_secret *out);
void cli_forget(cli_secret *held);
/* What a new slot is for: one of --new-key-file, --new-passphrase-file, --recipient. */
bool cli_read_new_key(const cli_options *options, cli_secret *held, fhirstore_key_options *key);
/* How the store is opened; it points into @a held. */
bool cli_fill_open(const cli_options *options, cli_secret *held, fhirstore_open_options *open);
/* 32 raw bytes, or 64 hex digits with white space behind them. */
bool cli_parse_key(const char *text, size_t len, uint8_t key[CLI_KEY_BYTES]);

/* Write @a error as an OperationOutcome to stderr, free it, and return EXIT_FAILED. */
int cli_fail(fhirstore_error *error);
/* The same for what went wrong outside of the library. */
int cli_fail_text(const char *format, ...) FHS_PRINTF(1, 2);
/* cli_fail() with words of the command's own, where those of the library would not do. */
int cli_fail_as(fhirstore_error *error, const char *format, ...) FHS_PRINTF(2, 3);
int cli_usage(const char *format, ...) FHS_PRINTF(1, 2);
/* Bytes to stdout, with a newline behind them where @a with_newline. False: stdout is gone. */
bool cli_write(const char *bytes, size_t len, bool with_newline);
/* Flush stdout and turn a failure of it into an exit status. */
int cli_finish(int status);
/* "R4", "R4B", "R5"; 0 for NULL, -1 for anything else. */
int32_t cli_fhir_version(const char *name);
/* FHIRSTORE_VALIDATION_… and FHIRSTORE_INTEGRITY_… of a word; -1: it is none. */
int32_t cli_validation(const char *text);
int32_t cli_integrity(const char *text);
int32_t cli_journal(const char *text);    /* FHIRSTORE_JOURNAL_*; below 0: none */
int32_t cli_audit_mode(const char *text); /* 0: required, 1: best-effort; below 0: none */
/* The beginning of what a date or an instant means, in microseconds. False: it is none. */
bool cli_instant(const char *text, int64_t *us_out);
double cli_seconds(void);
/* "1 resource", "2 resources": the 's' or nothing. */
const char *cli_plural(int64_t count);

/* The help on everything, and on one subcommand. */
void cli_help(FILE *out, const cli_command *commands, size_t count);
void cli_help_command(FILE *out, const cli_command *command);

/* A whole file ("-": stdin), NUL-terminated; ".gz" is unpacked. NULL: the reason is on stderr. */
char *cli_read_file(const char *path, size_t *len_out);

/* Whether the body is FHIR's JSON, and not the content of a Binary. */
bool cli_is_json(const fhirstore_response *response);

#endif
