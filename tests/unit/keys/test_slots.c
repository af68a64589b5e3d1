/* SPDX-License-Identifier: Apache-2.0 */
/* Slots of each kind: recipients, key callbacks, what a passphrase costs; and their rotation. */
#include "base/limits.h"
#include "block.h"

static const uint8_t secret_x[FHS_KEYS_KEY_BYTES] = {7, 7, 1};
static const uint8_t secret_y[FHS_KEYS_KEY_BYTES] = {7, 7, 2};
static const fhs_credential with_x = {.secret_key = secret_x};
static const fhs_credential with_y = {.secret_key = secret_y};

START_TEST(opens_for_a_recipient)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    fhs_keys_io io = io_of(&block);
    uint8_t public_key[FHS_KEYS_KEY_BYTES];
    fhs_key_slot slot;
    uint32_t id = 0;
    fhs_keys_public(secret_x, public_key);
    fhs_credential to_x = {.public_key = public_key};
    ck_assert_int_eq(fhs_keys_slot_add(keys, &to_x, cheap, FHS_LIT("Dr. X"), &io, &id, NULL), 0);
    ck_assert_int_eq(try_open(&block, with_x), FHIRSTORE_OK);
    ck_assert_int_eq(try_open(&block, with_y), FHIRSTORE_ERR_KEY_WRONG);
    ck_assert_int_eq(try_open(&block, to_x), FHIRSTORE_ERR_KEY_WRONG);
    ck_assert(fhs_keys_slot_get(keys, 1, &slot));
    ck_assert_int_eq(slot.type, FHS_SLOT_X25519);
    ck_assert_str_eq(slot.label, "Dr. X");
    ck_assert_mem_eq(slot.public_key, public_key, sizeof public_key);
    /* A sealed box that any libsodium opens. */
    uint8_t dek[32];
    uint8_t page[32];
    ck_assert_int_eq(
        crypto_box_seal_open(dek, block.bytes + 640 + 128 + 48, 80, public_key, secret_x), 0);
    (void)crypto_kdf_derive_from_key(page, 32, 1, "fhirpage", dek);
    ck_assert_mem_eq(page, fhs_keys_page_key(keys), 32);
    /* A store may be made for a recipient from the start. */
    fhs_keys_free(keys);
    fhs_keys_free(create(&block, with_y));
    ck_assert_int_eq(try_open(&block, with_y), FHIRSTORE_OK);
    ck_assert_int_eq(try_open(&block, with_x), FHIRSTORE_ERR_KEY_WRONG);
}
END_TEST

START_TEST(refuses_bad_recipients)
{
    static const uint8_t small_order[FHS_KEYS_KEY_BYTES] = {0};
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    fhs_keys_io io = io_of(&block);
    memory_block before = block;
    uint8_t public_key[FHS_KEYS_KEY_BYTES];
    uint32_t id = 9;
    fhs_keys_public(secret_x, public_key);
    const fhs_credential small = {.public_key = small_order};
    const fhs_credential good = {.public_key = public_key};
    const fhs_credential both = {.public_key = public_key, .secret_key = secret_x};
    ck_assert_int_eq(fhs_keys_slot_add(keys, &small, cheap, FHS_STR_NONE, &io, &id, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhs_keys_slot_add(keys, &both, cheap, FHS_STR_NONE, &io, &id, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhs_keys_slot_add(keys, &good, cheap, FHS_LIT("nine char"), &io, &id, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_uint_eq(id, 0);
    ck_assert_mem_eq(&before, &block, sizeof block);
    fhs_keys_free(keys);
}
END_TEST

typedef struct key_chain {
    const char *id;
    uint8_t first_byte;
    fhirstore_status answer;
    int asked;
} key_chain;

static fhirstore_status ask_chain(void *ctx, const char *id, size_t id_len, uint8_t *key_out)
{
    key_chain *chain = ctx;
    chain->asked++;
    ck_assert_uint_eq(strlen(id), id_len);
    if (chain->answer != FHIRSTORE_OK) {
        return chain->answer;
    }
    if (strcmp(id, chain->id) != 0) {
        return FHIRSTORE_ERR_NOT_FOUND;
    }
    memset(key_out, 0, FHS_KEYS_KEY_BYTES);
    key_out[0] = chain->first_byte;
    return FHIRSTORE_OK;
}

#define ASKING(chain) .ask = ask_chain, .ask_ctx = (chain)

static fhs_keys *create_without_label(memory_block *block, const fhs_credential *credential)
{
    fhs_keys *keys = NULL;
    memset(block, 0, sizeof *block);
    ck_assert_int_eq(
        fhs_keys_create(credential, cheap, FHS_STR_NONE, NULL, block->bytes, &keys, NULL), 0);
    return keys;
}

START_TEST(asks_the_host_by_key_id)
{
    memory_block block;
    key_chain chain = {.id = "kms:alias/records", .first_byte = 3};
    fhs_credential asking = {.ask = ask_chain, .ask_ctx = &chain};
    fhs_credential naming = asking;
    fhs_key_slot slot;
    uint32_t id = 0;
    naming.key_id = FHS_LIT("kms:alias/records");
    fhs_keys *keys = create(&block, with_a);
    fhs_keys_io io = io_of(&block);
    ck_assert_int_eq(fhs_keys_slot_add(keys, &naming, cheap, FHS_STR_NONE, &io, &id, NULL), 0);
    ck_assert(fhs_keys_slot_get(keys, 1, &slot));
    ck_assert_int_eq(slot.type, FHS_SLOT_CALLBACK);
    ck_assert_str_eq(slot.key_id, "kms:alias/records");
    chain.asked = 0;
    ck_assert_int_eq(try_open(&block, asking), FHIRSTORE_OK);
    ck_assert_int_eq(chain.asked, 1);
    chain.first_byte = 4;
    ck_assert_int_eq(try_open(&block, asking), FHIRSTORE_ERR_KEY_WRONG);
    chain.answer = FHIRSTORE_ERR_NOT_FOUND;
    ck_assert_int_eq(try_open(&block, asking), FHIRSTORE_ERR_KEY_WRONG);
    chain.answer = FHIRSTORE_ERR_IO;
    ck_assert_int_eq(try_open(&block, asking), FHIRSTORE_ERR_CALLBACK);
    /* Adding: no key, no slot; and ids of the right size. */
    memory_block before = block;
    ck_assert_int_eq(fhs_keys_slot_add(keys, &naming, cheap, FHS_STR_NONE, &io, &id, NULL),
                     FHIRSTORE_ERR_CALLBACK);
    chain.answer = FHIRSTORE_OK;
    naming.key_id = FHS_LIT("12345678901234567890123456789012345678901");
    ck_assert_int_eq(fhs_keys_slot_add(keys, &naming, cheap, FHS_STR_NONE, &io, &id, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhs_keys_slot_add(keys, &asking, cheap, FHS_STR_NONE, &io, &id, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_mem_eq(before.bytes, block.bytes, sizeof block.bytes);
    fhs_keys_free(keys);
}
END_TEST

/* What cannot make a slot says why, and leaves the header as it is. */
START_TEST(refuses_bad_credentials)
{
    static const char endless[FHS_LIMIT_PASSPHRASE_BYTES + 1] = "x";
    static const fhs_key_cost little = {.memory_kib = 7, .passes = 1};
    key_chain unknown = {.id = "another"};
    key_chain wrong = {.answer = FHIRSTORE_ERR_KEY_WRONG};
    const fhs_credential short_key = {.raw_key = key_a, .raw_key_len = 31};
    const fhs_credential no_phrase = {.passphrase = ""};
    const fhs_credential long_phrase = {.passphrase = endless, .passphrase_len = sizeof endless};
    const fhs_credential spoken = phrase("spoken");
    const fhs_credential with_nul = {ASKING(&unknown), .key_id = {"a\0b", 3}};
    const fhs_credential of_unknown = {ASKING(&unknown), .key_id = FHS_LIT("this")};
    const fhs_credential of_wrong = {ASKING(&wrong), .key_id = FHS_LIT("this")};
    const struct {
        const fhs_credential *credential;
        const fhs_key_cost *cost;
        fhirstore_status status;
    } rows[] = {
        {NULL, &cheap, FHIRSTORE_ERR_KEY_MISSING},
        {&short_key, &cheap, FHIRSTORE_ERR_INVALID_ARG},
        {&no_phrase, &cheap, FHIRSTORE_ERR_INVALID_ARG},
        {&long_phrase, &cheap, FHIRSTORE_ERR_INVALID_ARG},
        {&spoken, &little, FHIRSTORE_ERR_INVALID_ARG},
        {&with_nul, &cheap, FHIRSTORE_ERR_INVALID_ARG},
        {&of_unknown, &cheap, FHIRSTORE_ERR_CALLBACK},
        {&of_wrong, &cheap, FHIRSTORE_ERR_CALLBACK},
    };
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    const fhs_keys_io io = io_of(&block);
    const memory_block before = block;
    for (size_t i = 0; i < FHS_COUNT_OF(rows); i++) {
        fhirstore_error *err = NULL;
        uint32_t id = 9;
        fhirstore_status status = fhs_keys_slot_add(keys, rows[i].credential, *rows[i].cost,
                                                    FHS_STR_NONE, &io, &id, &err);
        ck_assert_msg(status == rows[i].status, "row %zu: %d", i, status);
        ck_assert_int_eq(fhs_error_status(err), status);
        ck_assert_uint_eq(id, 0);
        fhs_error_free(err);
    }
    ck_assert_mem_eq(&before, &block, sizeof block);
    fhs_keys_free(keys);
}
END_TEST

/* An id may fill its place to the last byte; whoever is asked says whether the key is his. */
START_TEST(asks_by_the_longest_id)
{
    memory_block block;
    key_chain chain = {.id = "1234567890123456789012345678901234567890", .first_byte = 3};
    fhs_credential naming = {ASKING(&chain)};
    fhs_key_slot slot;
    naming.key_id = fhs_str_from_cstr(chain.id);
    fhs_keys *keys = create_without_label(&block, &naming);
    ck_assert(fhs_keys_slot_get(keys, 0, &slot));
    ck_assert_str_eq(slot.key_id, chain.id);
    ck_assert_int_eq(try_open(&block, naming), FHIRSTORE_OK);
    chain.answer = FHIRSTORE_ERR_KEY_WRONG;
    ck_assert_int_eq(try_open(&block, naming), FHIRSTORE_ERR_KEY_WRONG);
    fhs_keys_free(keys);
}
END_TEST

/* ---- rotation ---- */

/* An empty label keeps the old one, as far as the new slot has room for it. */
START_TEST(keeps_a_label_where_there_is_room)
{
    key_chain chain = {.id = "kms", .first_byte = 3};
    const fhs_credential naming = {ASKING(&chain), .key_id = FHS_LIT("kms")};
    const fhs_credential spoken = phrase("spoken");
    const struct {
        const fhs_credential *credential;
        fhs_str label;
        const char *expected;
    } rows[] = {
        {&spoken, FHS_STR_NONE, "a long label"},
        {&with_b, FHS_LIT("other"), "other"},
        {&with_x, FHS_STR_NONE, "a long l"},
        {&naming, FHS_STR_NONE, ""},
    };
    for (size_t i = 0; i < FHS_COUNT_OF(rows); i++) {
        memory_block block;
        fhs_keys *keys = create(&block, with_a);
        const fhs_keys_io io = io_of(&block);
        fhs_key_slot slot;
        uint32_t id = 0;
        const fhs_credential old = phrase("old");
        ck_assert_int_eq(
            fhs_keys_slot_add(keys, &old, cheap, FHS_LIT("a long label"), &io, &id, NULL), 0);
        ck_assert_int_eq(fhs_keys_slot_rotate(keys, id, rows[i].credential, cheap, rows[i].label,
                                              &io, &id, NULL),
                         FHIRSTORE_OK);
        ck_assert(fhs_keys_slot_get(keys, 1, &slot));
        ck_assert_uint_eq(slot.id, id);
        ck_assert(!slot.is_used_here);
        ck_assert_msg(strcmp(slot.label, rows[i].expected) == 0, "row %zu: %s", i, slot.label);
        ck_assert_int_eq(try_open(&block, *rows[i].credential), FHIRSTORE_OK);
        ck_assert_int_eq(try_open(&block, old), FHIRSTORE_ERR_KEY_WRONG);
        ck_assert_int_eq(try_open(&block, with_a), FHIRSTORE_OK);
        fhs_keys_free(keys);
    }
}
END_TEST

/* One new data key at a time. */
START_TEST(renews_one_key_after_the_other)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    const fhs_keys_io io = io_of(&block);
    uint32_t id = 9;
    ck_assert_int_eq(fhs_keys_renew(keys, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL), 0);
    const memory_block before = block;
    ck_assert_int_eq(fhs_keys_renew(keys, &with_a, cheap, FHS_STR_NONE, &io, &id, NULL),
                     FHIRSTORE_ERR_BUSY);
    ck_assert_uint_eq(id, 0);
    ck_assert_mem_eq(before.bytes, block.bytes, sizeof block.bytes);
    ck_assert_int_eq(fhs_keys_renew_end(keys, &io, NULL), FHIRSTORE_OK);
    ck_assert_uint_eq(fhs_keys_old_epoch(keys), 0);
    ck_assert_int_eq(fhs_keys_renew(keys, &with_a, cheap, FHS_STR_NONE, &io, &id, NULL), 0);
    ck_assert_int_eq(try_open(&block, with_a), FHIRSTORE_OK);
    ck_assert_int_eq(try_open(&block, with_b), FHIRSTORE_ERR_KEY_WRONG);
    fhs_keys_free(keys);
}
END_TEST

START_TEST(rotates_with_one_header_write_in_force)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    fhs_keys_io io = io_of(&block);
    fhs_key_slot slot;
    uint32_t id = 0;
    ck_assert_int_eq(fhs_keys_slot_rotate(keys, 0, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(block.writes, 2); /* the second wipes the spare copy */
    ck_assert_uint_eq(id, 2);
    ck_assert_uint_eq(fhs_keys_slot_count(keys), 1);
    ck_assert(fhs_keys_slot_get(keys, 0, &slot));
    ck_assert_str_eq(slot.label, "first");
    ck_assert(slot.is_used_here);
    ck_assert_int_eq(try_open(&block, with_a), FHIRSTORE_ERR_KEY_WRONG);
    ck_assert_int_eq(try_open(&block, with_b), FHIRSTORE_OK);
    for (size_t copy = 0; copy < 2; copy++) {
        memory_block damaged = block;
        damaged.bytes[copy * FHS_KEYS_COPY_BYTES + 100] ^= 1;
        ck_assert_int_eq(try_open(&damaged, with_a), FHIRSTORE_ERR_KEY_WRONG);
        ck_assert_int_eq(try_open(&damaged, with_b), FHIRSTORE_OK);
    }
    ck_assert_int_eq(fhs_keys_slot_rotate(keys, 1, &with_a, cheap, FHS_STR_NONE, &io, &id, NULL),
                     FHIRSTORE_ERR_NOT_FOUND);
    fhs_keys_free(keys);
}
END_TEST

/* A crash in any write leaves the old key or the new one, never both and never none. */
START_TEST(survives_a_crash_in_rotation)
{
    for (int failing = 1; failing <= 2; failing++) {
        memory_block block;
        fhs_keys *keys = create(&block, with_a);
        fhs_keys_io io = io_of(&block);
        uint32_t id = 0;
        fhirstore_error *err = NULL;
        block.fail_write = failing;
        ck_assert_int_eq(
            fhs_keys_slot_rotate(keys, 0, &with_b, cheap, FHS_STR_NONE, &io, &id, &err),
            FHIRSTORE_ERR_IO);
        fhs_error_free(err);
        ck_assert_int_eq(try_open(&block, with_a),
                         failing == 1 ? FHIRSTORE_OK : FHIRSTORE_ERR_KEY_WRONG);
        ck_assert_int_eq(try_open(&block, with_b),
                         failing == 1 ? FHIRSTORE_ERR_KEY_WRONG : FHIRSTORE_OK);
        fhs_keys_free(keys);
    }
}
END_TEST

START_TEST(measures_what_a_passphrase_costs)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    fhs_keys_io io = io_of(&block);
    fhs_key_slot slot;
    uint32_t id = 0;
    fhs_credential spoken = phrase("measured");
    const fhs_key_cost short_time = {.memory_kib = 40000, .target_ms = 1};
    const fhs_key_cost above = {.memory_kib = FHS_LIMIT_KDF_MEMORY_KIB + 1};
    const fhs_key_cost many = {.passes = FHS_LIMIT_KDF_PASSES + 1};
    ck_assert_int_eq(fhs_keys_slot_add(keys, &spoken, short_time, FHS_STR_NONE, &io, &id, NULL), 0);
    ck_assert(fhs_keys_slot_get(keys, 1, &slot));
    ck_assert_uint_ge(slot.memory_kib, 19u * 1024u); /* never less, however short the time */
    ck_assert_uint_ge(slot.passes, 2);
    ck_assert_int_eq(try_open(&block, spoken), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_keys_slot_add(keys, &spoken, above, FHS_STR_NONE, &io, &id, NULL),
                     FHIRSTORE_ERR_KDF_LIMIT);
    ck_assert_int_eq(fhs_keys_slot_add(keys, &spoken, many, FHS_STR_NONE, &io, &id, NULL),
                     FHIRSTORE_ERR_KDF_LIMIT);
    fhs_keys_free(keys);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("key slots");
    TCase *tcase = tcase_create("slots");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, opens_for_a_recipient);
    tcase_add_test(tcase, refuses_bad_recipients);
    tcase_add_test(tcase, asks_the_host_by_key_id);
    tcase_add_test(tcase, refuses_bad_credentials);
    tcase_add_test(tcase, asks_by_the_longest_id);
    tcase_add_test(tcase, keeps_a_label_where_there_is_room);
    tcase_add_test(tcase, renews_one_key_after_the_other);
    tcase_add_test(tcase, rotates_with_one_header_write_in_force);
    tcase_add_test(tcase, survives_a_crash_in_rotation);
    tcase_add_test(tcase, measures_what_a_passphrase_costs);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
