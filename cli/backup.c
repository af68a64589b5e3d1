/* SPDX-License-Identifier: Apache-2.0 */
/* backup, encrypt, decrypt, compact: a store is copied, sealed anew, put in order. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static fhirstore_status show_copying(void *ctx, int64_t done, int64_t total)
{
    (void)ctx;
    (void)fprintf(stderr, "\r%lld of about %lld MiB", (long long)(done >> 20),
                  (long long)(total >> 20));
    return FHIRSTORE_OK;
}

static bool shows_progress(const cli_options *options)
{
    return options->progress || isatty(STDERR_FILENO) == 1;
}

/*
 * What the copy opens with: what is said of a new key, or else what opened the store. False: the
 * reason is on stderr.
 */
static bool read_copy_key(const cli_options *options, cli_secret *held, fhirstore_key_options *key)
{
    cli_options same = *options;
    if (options->new_key_file == NULL && options->new_passphrase_file == NULL &&
        options->recipient == NULL) {
        same.new_key_file = options->key_file;
        same.new_passphrase_file = options->passphrase_file;
    }
    return cli_read_new_key(&same, held, key);
}

static int count_new_keys(const cli_options *options)
{
    return (options->new_key_file != NULL) + (options->new_passphrase_file != NULL) +
           (options->recipient != NULL);
}

static int told(const cli_options *options, const char *what)
{
    if (options->json) {
        (void)printf("{\"%s\":true}\n", what);
    } else {
        (void)puts(what);
    }
    return EXIT_FINE;
}

static int end_copy(const cli_options *options, fhirstore_status status, fhirstore_error *error,
                    const char *what)
{
    if (shows_progress(options)) {
        (void)fputc('\n', stderr);
    }
    return status < FHIRSTORE_OK ? cli_fail(error) : told(options, what);
}

/* @a plain: the copy is not encrypted, and no key is read. */
static bool fill_copy(const cli_options *options, bool plain, cli_secret *held,
                      fhirstore_key_options *key, fhirstore_backup_options *copy)
{
    memset(held, 0, sizeof *held);
    copy->progress = shows_progress(options) ? show_copying : NULL;
    copy->flags = plain ? (uint32_t)FHIRSTORE_BACKUP_PLAINTEXT : 0;
    copy->flags |= options->without_patient_keys ? (uint32_t)FHIRSTORE_BACKUP_WITHOUT_PATIENT_KEYS
                                                 : 0;
    copy->key = plain ? NULL : key;
    return plain || read_copy_key(options, held, key);
}

int cli_backup(const cli_options *options)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_backup_options copy = FHIRSTORE_BACKUP_OPTIONS_INIT;
    fhirstore_error *error = NULL;
    cli_store opened;
    cli_secret held;
    const char *path = options->arguments[1];
    int given = count_new_keys(options);
    bool plain = options->plaintext && given == 0;
    if (given > 1 || (given == 0 && options->recipient_key_file != NULL)) {
        return cli_usage("the copy takes one of --new-key-file, --new-passphrase-file and "
                         "--recipient");
    }
    if (!fill_copy(options, plain, &held, &key, &copy) || !cli_open(options, 0, &opened)) {
        cli_forget(&held);
        return EXIT_FAILED;
    }
    fhirstore_status status = fhirstore_backup(opened.store, path, strlen(path), &copy, &error);
    cli_forget(&held);
    cli_close(&opened);
    return end_copy(options, status, error, "copied");
}

static int migrate(const cli_options *options, bool to_plain)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_backup_options copy = FHIRSTORE_BACKUP_OPTIONS_INIT;
    fhirstore_open_options open = FHIRSTORE_OPEN_OPTIONS_INIT;
    fhirstore_error *error = NULL;
    cli_secret held;
    cli_secret opening;
    const char *path = options->arguments[0];
    fhirstore_status status = FHIRSTORE_ERR_IO;
    bool is_read = fill_copy(options, to_plain, &held, &key, &copy) &&
                   cli_fill_open(options, &opening, &open);
    if (is_read) {
        status = fhirstore_migrate(path, strlen(path), &open, &copy, &error);
    }
    cli_forget(&held);
    cli_forget(&opening);
    return is_read ? end_copy(options, status, error, to_plain ? "decrypted" : "encrypted")
                   : EXIT_FAILED;
}

/* A store that is encrypted already gets a new data key, and keeps none of its slots. */
int cli_encrypt(const cli_options *options)
{
    if (count_new_keys(options) != 1) {
        return cli_usage("encrypt takes one of --new-key-file, --new-passphrase-file and "
                         "--recipient");
    }
    cli_options from = *options;
    from.plaintext = options->key_file == NULL && options->passphrase_file == NULL &&
                     options->recipient_key_file == NULL;
    return migrate(&from, false);
}

int cli_decrypt(const cli_options *options)
{
    return migrate(options, true);
}

int cli_compact(const cli_options *options)
{
    cli_store opened;
    fhirstore_error *error = NULL;
    if (!cli_open(options, 0, &opened)) {
        return EXIT_FAILED;
    }
    fhirstore_status status = fhirstore_compact(opened.store, &error);
    cli_close(&opened);
    return status < FHIRSTORE_OK ? cli_fail(error) : told(options, "compacted");
}
