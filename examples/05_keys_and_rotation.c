/* SPDX-License-Identifier: Apache-2.0 */
/* Several keys open a store; they come and go without the data being written again. */
#include "store.h"

static const uint8_t other_key[32] = "another one, no secret either";
static const char passphrase[] = "correct horse battery staple";

static int print_slots(fhirstore *store)
{
    fhirstore_buf slots = {0};
    fhirstore_error *error;
    if (fhirstore_key_list(store, &slots, &error) < FHIRSTORE_OK) {
        return failed("list", error);
    }
    printf("%s\n", slots.ptr);
    fhirstore_buf_clear(&slots);
    return 0;
}

/* A passphrase beside the key. Argon2id makes guessing dear: a real one takes the default, 256 MiB.
 */
static int add_passphrase(fhirstore *store)
{
    fhirstore_key_options slot = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_error *error;
    slot.passphrase = passphrase;
    slot.passphrase_len = strlen(passphrase);
    slot.kdf_memory_kib = 8192;
    slot.label = "night shift";
    slot.label_len = strlen(slot.label);
    return fhirstore_key_add(store, &slot, NULL, &error) < FHIRSTORE_OK ? failed("add", error) : 0;
}

/* Another key in the place of the one that opened the store: the header is written, nothing else.
 */
static int rotate_key(fhirstore *store)
{
    fhirstore_key_options slot = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_error *error;
    slot.key = other_key;
    slot.key_len = sizeof(other_key);
    return fhirstore_key_rotate(store, 0, &slot, NULL, &error) < FHIRSTORE_OK
               ? failed("rotate", error)
               : 0;
}

/* A new data key, for when an old copy and its key were lost: each page is sealed anew, in steps.
 */
static int renew_data_key(fhirstore *store)
{
    fhirstore_key_options slot = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_error *error;
    slot.key = other_key;
    slot.key_len = sizeof(other_key);
    if (fhirstore_key_renew(store, &slot, NULL, &error) < FHIRSTORE_OK ||
        fhirstore_maintain(store, NULL, &error) < FHIRSTORE_OK) {
        return failed("renew", error);
    }
    return 0;
}

static int try_to_open(const char *path, const uint8_t *key, const char *phrase,
                       fhirstore_status wanted)
{
    fhirstore_open_options how = FHIRSTORE_OPEN_OPTIONS_INIT;
    fhirstore *store;
    how.key = key;
    how.key_len = key == NULL ? 0 : 32;
    how.passphrase = phrase;
    how.passphrase_len = phrase == NULL ? 0 : strlen(phrase);
    fhirstore_status status = fhirstore_open(path, strlen(path), &how, &store, NULL);
    fhirstore_close(store);
    printf("with the %s: %s\n", phrase != NULL ? "passphrase" : "key",
           fhirstore_status_name(status));
    return status == wanted ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const uint8_t first_key[32] = "an example, so not a secret key";
    const char *path = argc > 1 ? argv[1] : "keys.fhirstore";
    fhirstore *store = open_example(argc, argv, path);
    int status = store == NULL || add_passphrase(store) || rotate_key(store) || print_slots(store);
    fhirstore_close(store);
    status = status || try_to_open(path, first_key, NULL, FHIRSTORE_ERR_KEY_WRONG) ||
             try_to_open(path, other_key, NULL, FHIRSTORE_OK) ||
             try_to_open(path, NULL, passphrase, FHIRSTORE_OK);
    if (status == 0) {
        fhirstore_open_options how = FHIRSTORE_OPEN_OPTIONS_INIT;
        fhirstore_error *error;
        how.key = other_key;
        how.key_len = sizeof(other_key);
        status = fhirstore_open(path, strlen(path), &how, &store, &error) < FHIRSTORE_OK
                     ? failed("open", error)
                     : renew_data_key(store) || print_slots(store);
        fhirstore_close(store);
    }
    return status;
}
