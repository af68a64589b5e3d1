/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEY_BYTES    32u
#define SECRET_BYTES 4096u

static bool say_error(const char *what, fhirstore_error *error)
{
    (void)fprintf(stderr, "fhirstore-server: %s: %s\n", what, fhirstore_error_message(error));
    fhirstore_error_free(error);
    return false;
}

static bool read_file(const char *path, char *out, size_t room, size_t *len_out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        (void)fprintf(stderr, "fhirstore-server: %s: %s\n", path, strerror(errno));
        return false;
    }
    *len_out = fread(out, 1, room, file);
    bool fine = feof(file) != 0 && ferror(file) == 0;
    (void)fclose(file);
    if (!fine) {
        (void)fprintf(stderr, "fhirstore-server: %s: cannot be read, or is too long\n", path);
    }
    return fine;
}

static size_t trimmed(const char *text, size_t len)
{
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
        len--;
    }
    return len;
}

/* 32 bytes, or 64 hex digits. */
static bool decode_key(char *text, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    if (len == KEY_BYTES) {
        return true;
    }
    if (trimmed(text, len) != (size_t)2 * KEY_BYTES) {
        return false;
    }
    for (size_t i = 0; i < KEY_BYTES; i++) {
        const char *high = strchr(digits, tolower((unsigned char)text[2 * i]));
        const char *low = strchr(digits, tolower((unsigned char)text[2 * i + 1]));
        if (high == NULL || low == NULL || *high == '\0' || *low == '\0') {
            return false;
        }
        text[i] = (char)((high - digits) * 16 + (low - digits));
    }
    return true;
}

static bool read_secret(const web_config *config, char *secret, fhirstore_open_options *options)
{
    size_t len = 0;
    if (config->is_plaintext) {
        options->flags |= FHIRSTORE_OPEN_PLAINTEXT;
        return true;
    }
    const char *path = config->key_file != NULL ? config->key_file : config->passphrase_file;
    if (!read_file(path, secret, SECRET_BYTES, &len)) {
        return false;
    }
    if (config->passphrase_file != NULL) {
        options->passphrase = secret;
        options->passphrase_len = trimmed(secret, len);
        return true;
    }
    if (!decode_key(secret, len)) {
        (void)fprintf(stderr, "fhirstore-server: %s: a key has 32 bytes or 64 hex digits\n", path);
        return false;
    }
    options->key = (const uint8_t *)secret;
    options->key_len = KEY_BYTES;
    return true;
}

static bool take_policy(fhirstore *store, const char *path)
{
    fhirstore_error *error = NULL;
    const char *built_in = fhirstore_default_policy();
    char *text = NULL;
    size_t len = strlen(built_in);
    bool fine = true;
    if (path != NULL) {
        const size_t room = (size_t)1 << 20;
        text = malloc(room);
        fine = text != NULL && read_file(path, text, room, &len);
    }
    if (fine &&
        fhirstore_set_policy(store, text == NULL ? built_in : text, len, &error) != FHIRSTORE_OK) {
        fine = say_error(path == NULL ? "the built-in policy" : path, error);
    }
    free(text);
    return fine;
}

fhirstore *open_store(const web_config *config)
{
    char secret[SECRET_BYTES];
    fhirstore_open_options options = FHIRSTORE_OPEN_OPTIONS_INIT;
    fhirstore *store = NULL;
    fhirstore_error *error = NULL;
    options.cache_bytes = config->cache_bytes;
    options.fhir_version = config->fhir_version;
    options.max_readers = config->workers + 1;
    if (config->may_create) {
        options.flags |= FHIRSTORE_OPEN_CREATE;
        options.base_url = config->base_url; /* settled unless the port is any */
        options.base_url_len = config->base_url == NULL ? 0 : strlen(config->base_url);
    }
    bool fine = read_secret(config, secret, &options);
    if (fine && fhirstore_open(config->store_path, strlen(config->store_path), &options, &store,
                               &error) < FHIRSTORE_OK) {
        fine = say_error(config->store_path, error);
    }
    explicit_bzero(secret, sizeof secret);
    if (fine && take_policy(store, config->policy_file)) {
        return store;
    }
    fhirstore_close(store);
    return NULL;
}

void maintain_store(fhirstore *store)
{
    fhirstore_maintain_options options = FHIRSTORE_MAINTAIN_OPTIONS_INIT;
    options.max_resources = 2000;
    (void)fhirstore_maintain(store, &options, NULL);
}
