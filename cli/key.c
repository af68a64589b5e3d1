/* SPDX-License-Identifier: Apache-2.0 */
/* key list, add, remove, rotate, renew, public: the slots of a store, and a recipient's own key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "json/json.h"

/* ---- list ---- */

static fhs_str text_of(const fhs_json *slot, const char *name)
{
    fhs_str text = FHS_STR_NONE;
    (void)fhs_json_get_string(slot, fhs_str_from_cstr(name), &text);
    return text;
}

static void print_detail(const fhs_json *slot, const char *name, const char *before)
{
    fhs_str text = text_of(slot, name);
    if (text.len > 0) {
        (void)printf(", %s%.*s", before, (int)text.len, text.ptr);
    }
}

static void print_slot(const char *json, const fhs_json *slot)
{
    const fhs_json *number = fhs_json_get(slot, FHS_LIT("slot"));
    const fhs_json *opened = fhs_json_get(slot, FHS_LIT("opened"));
    fhs_str type = text_of(slot, "type");
    fhs_str label = text_of(slot, "label");
    if (number != NULL) {
        (void)printf("slot %.*s: ", (int)(number->end - number->begin), json + number->begin);
    }
    (void)printf("%.*s", (int)type.len, type.ptr);
    if (label.len > 0) {
        (void)printf(", \"%.*s\"", (int)label.len, label.ptr);
    }
    print_detail(slot, "publicKey", "public key ");
    print_detail(slot, "keyId", "key id ");
    (void)puts(opened != NULL && json[opened->begin] == 't' ? ", opened the store" : "");
}

/* One slot a line. */
static void print_slots(const char *json, size_t len)
{
    fhs_arena arena;
    const fhs_json *root;
    fhs_arena_init(&arena, SIZE_MAX / 2);
    if (fhs_json_read(&arena, fhs_str_of(json, len), NULL, &root, NULL) >= FHIRSTORE_OK) {
        for (uint32_t i = 0; i < root->count; i++) {
            print_slot(json, &root->items[i]);
        }
    }
    fhs_arena_clear(&arena);
}

static int list_slots(const cli_options *options, const cli_store *opened)
{
    fhirstore_buf slots = {0};
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_key_list(opened->store, &slots, &error);
    if (status < FHIRSTORE_OK) {
        return cli_fail(error);
    }
    if (options->json) {
        (void)cli_write(slots.ptr, slots.len, true);
    } else {
        print_slots(slots.ptr, slots.len);
    }
    fhirstore_buf_clear(&slots);
    return EXIT_FINE;
}

/* ---- add, rotate, remove ---- */

/* A recipient is named by the digits of its public key, or by a file that holds it. */
static bool read_recipient(const char *name, cli_secret *out)
{
    memset(out, 0, sizeof *out);
    return (strlen(name) != CLI_KEY_BYTES && cli_parse_key(name, strlen(name), out->key)) ||
           cli_read_key(name, out);
}

bool cli_read_new_key(const cli_options *options, cli_secret *held, fhirstore_key_options *key)
{
    memset(held, 0, sizeof *held);
    key->label = options->label;
    key->label_len = options->label == NULL ? 0 : strlen(options->label);
    key->kdf_target_ms = options->kdf_ms;
    if (options->new_key_file != NULL) {
        key->key = held->key;
        key->key_len = CLI_KEY_BYTES;
        return cli_read_key(options->new_key_file, held);
    }
    if (options->recipient != NULL) {
        key->recipient = held->key;
        key->recipient_len = CLI_KEY_BYTES;
        return read_recipient(options->recipient, held);
    }
    bool is_read = cli_read_passphrase(options->new_passphrase_file, held);
    key->passphrase = held->text;
    key->passphrase_len = held->len;
    return is_read;
}

static int tell_slot(const cli_options *options, const char *what, uint32_t slot)
{
    (void)printf(options->json ? "{\"%s\":%u}\n" : "%s slot %u\n", what, (unsigned)slot);
    return EXIT_FINE;
}

static int make_slot(const cli_options *options, const cli_store *opened, bool rotates)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_error *error = NULL;
    cli_secret held;
    uint32_t slot = 0;
    if (!cli_read_new_key(options, &held, &key)) {
        cli_forget(&held);
        return EXIT_FAILED;
    }
    fhirstore_status status = rotates ? fhirstore_key_rotate(opened->store, options->slot, &key,
                                                             &slot, &error)
                                      : fhirstore_key_add(opened->store, &key, &slot, &error);
    cli_forget(&held);
    return status < FHIRSTORE_OK ? cli_fail(error) : tell_slot(options, "added", slot);
}

/* The new data key, and every page sealed with it. */
static int renew_store(const cli_options *options, const cli_store *opened)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_error *error = NULL;
    cli_secret held;
    uint32_t slot = 0;
    if (!cli_read_new_key(options, &held, &key)) {
        cli_forget(&held);
        return EXIT_FAILED;
    }
    fhirstore_status status = fhirstore_key_renew(opened->store, &key, &slot, &error);
    cli_forget(&held);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_maintain(opened->store, NULL, &error);
    }
    return status < FHIRSTORE_OK ? cli_fail(error) : tell_slot(options, "added", slot);
}

static int remove_slot(const cli_options *options, const cli_store *opened)
{
    fhirstore_error *error = NULL;
    if (fhirstore_key_remove(opened->store, options->slot, &error) < FHIRSTORE_OK) {
        return cli_fail(error);
    }
    return tell_slot(options, "removed", options->slot);
}

/* The half of a recipient's key that others may know. */
static int print_public(const cli_options *options)
{
    uint8_t public_key[CLI_KEY_BYTES];
    fhirstore_error *error = NULL;
    cli_secret held;
    if (options->recipient_key_file == NULL || options->argument_count != 1) {
        return cli_usage("fhirstore key public --recipient-key-file F");
    }
    if (!cli_read_key(options->recipient_key_file, &held)) {
        cli_forget(&held);
        return EXIT_FAILED;
    }
    fhirstore_status status = fhirstore_key_public(held.key, sizeof held.key, public_key, &error);
    cli_forget(&held);
    if (status < FHIRSTORE_OK) {
        return cli_fail(error);
    }
    for (size_t i = 0; i < sizeof public_key; i++) {
        (void)printf("%02x", (unsigned)public_key[i]);
    }
    (void)puts("");
    return EXIT_FINE;
}

/* ---- the subcommand ---- */

enum verb {
    VERB_LIST,
    VERB_ADD,
    VERB_REMOVE,
    VERB_ROTATE,
    VERB_RENEW,
    VERB_COUNT
};

static int check_verb(const cli_options *options, int verb)
{
    int given = (options->new_key_file != NULL) + (options->new_passphrase_file != NULL) +
                (options->recipient != NULL);
    bool makes = verb == VERB_ADD || verb == VERB_ROTATE || verb == VERB_RENEW;
    if (makes && given != 1) {
        return cli_usage("a new slot takes one of --new-key-file, --new-passphrase-file and "
                         "--recipient");
    }
    if (!makes && (given > 0 || options->label != NULL || options->kdf_ms != 0)) {
        return cli_usage("only key add, rotate and renew make a slot");
    }
    if (verb == VERB_REMOVE && options->slot == 0) {
        return cli_usage("key remove takes --slot N");
    }
    if (verb != VERB_REMOVE && verb != VERB_ROTATE && options->slot != 0) {
        return cli_usage("--slot says which slot to remove or rotate");
    }
    return EXIT_FINE;
}

int cli_key(const cli_options *options)
{
    static const char *const verbs[VERB_COUNT] = {"list", "add", "remove", "rotate", "renew"};
    cli_store opened;
    cli_options moved = *options;
    int verb = 0;
    if (strcmp(options->arguments[0], "public") == 0) {
        return print_public(options);
    }
    while (verb < VERB_COUNT && strcmp(options->arguments[0], verbs[verb]) != 0) {
        verb++;
    }
    if (verb == VERB_COUNT || options->argument_count != 2) {
        return cli_usage("fhirstore key list|add|remove|rotate|renew STORE");
    }
    int status = check_verb(options, verb);
    if (status != EXIT_FINE) {
        return status;
    }
    moved.arguments++;
    moved.argument_count--;
    if (!cli_open(&moved, 0, &opened)) {
        return EXIT_FAILED;
    }
    status = verb == VERB_LIST     ? list_slots(options, &opened)
             : verb == VERB_REMOVE ? remove_slot(options, &opened)
             : verb == VERB_RENEW  ? renew_store(options, &opened)
                                   : make_slot(options, &opened, verb == VERB_ROTATE);
    cli_close(&opened);
    return status;
}
