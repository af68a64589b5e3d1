/* SPDX-License-Identifier: Apache-2.0 */
/* The header block: made, opened, damaged, forged; slots, and tokens. */
#include <sys/resource.h>

#include "base/limits.h"
#include "block.h"

START_TEST(opens_with_the_key_that_made_it)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    fhs_keys *again = NULL;
    char uuid[37];
    char uuid_again[37];
    ck_assert_int_eq(fhs_keys_open(block.bytes, &with_a, &again, NULL), FHIRSTORE_OK);
    ck_assert_mem_eq(fhs_keys_page_key(keys), fhs_keys_page_key(again), FHS_KEYS_KEY_BYTES);
    ck_assert_mem_eq(fhs_keys_wal_key(keys), fhs_keys_wal_key(again), FHS_KEYS_KEY_BYTES);
    ck_assert_mem_ne(fhs_keys_wal_key(keys), fhs_keys_page_key(keys), FHS_KEYS_KEY_BYTES);
    fhs_keys_uuid_text(keys, uuid);
    fhs_keys_uuid_text(again, uuid_again);
    ck_assert_str_eq(uuid, uuid_again);
    ck_assert_uint_eq(strlen(uuid), 36);
    ck_assert_int_eq(uuid[14], '4');
    fhs_keys_free(keys);
    fhs_keys_free(again);
}
END_TEST

START_TEST(refuses_other_keys)
{
    memory_block block;
    fhs_keys_free(create(&block, with_a));
    ck_assert_int_eq(try_open(&block, with_b), FHIRSTORE_ERR_KEY_WRONG);
    ck_assert_int_eq(try_open(&block, phrase("secret")), FHIRSTORE_ERR_KEY_WRONG);
    ck_assert_int_eq(try_open(&block, (fhs_credential){0}), FHIRSTORE_ERR_KEY_MISSING);
    ck_assert_int_eq(try_open(&block, (fhs_credential){.raw_key = key_a, .raw_key_len = 31}),
                     FHIRSTORE_ERR_INVALID_ARG);
    fhs_keys_free(create(&block, phrase("a passphrase")));
    ck_assert_int_eq(try_open(&block, phrase("a passphrase")), FHIRSTORE_OK);
    ck_assert_int_eq(try_open(&block, phrase("a passphrase ")), FHIRSTORE_ERR_KEY_WRONG);
    ck_assert_int_eq(try_open(&block, phrase("")), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(try_open(&block, with_a), FHIRSTORE_ERR_KEY_WRONG);
}
END_TEST

START_TEST(adds_lists_and_removes_slots)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    fhs_keys_io io = io_of(&block);
    fhs_credential spoken = phrase("spoken");
    fhs_key_slot slot;
    uint32_t id_b = 0;
    uint32_t id_p = 0;
    ck_assert_int_eq(fhs_keys_slot_add(keys, &with_b, cheap, FHS_LIT("b"), &io, &id_b, NULL), 0);
    ck_assert_int_eq(block.writes, 1);
    ck_assert_int_eq(
        fhs_keys_slot_add(keys, &spoken, cheap, FHS_LIT("0123456789abcdef"), &io, &id_p, NULL),
        FHIRSTORE_OK);
    ck_assert_uint_eq(fhs_keys_slot_count(keys), 3);
    ck_assert(fhs_keys_slot_get(keys, 0, &slot));
    ck_assert(slot.is_used_here);
    ck_assert_str_eq(slot.label, "first");
    ck_assert(fhs_keys_slot_get(keys, 2, &slot));
    ck_assert_int_eq(slot.type, FHS_SLOT_PASSPHRASE);
    ck_assert_str_eq(slot.label, "0123456789abcdef");
    ck_assert_uint_eq(slot.memory_kib, 64);
    ck_assert_uint_eq(slot.id, id_p);
    ck_assert(!fhs_keys_slot_get(keys, 3, &slot));
    ck_assert_int_eq(try_open(&block, with_b), FHIRSTORE_OK);
    ck_assert_int_eq(try_open(&block, spoken), FHIRSTORE_OK);

    ck_assert_int_eq(fhs_keys_slot_remove(keys, id_b, &io, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(try_open(&block, with_b), FHIRSTORE_ERR_KEY_WRONG);
    ck_assert_int_eq(try_open(&block, with_a), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_keys_slot_remove(keys, id_b, &io, NULL), FHIRSTORE_ERR_NOT_FOUND);
    ck_assert_int_eq(fhs_keys_slot_remove(keys, 1, &io, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_keys_slot_remove(keys, id_p, &io, NULL), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(try_open(&block, spoken), FHIRSTORE_OK);
    fhs_keys_free(keys);
}
END_TEST

START_TEST(leaves_a_removed_slot_in_no_copy)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    fhs_keys_io io = io_of(&block);
    uint32_t id = 0;
    ck_assert_int_eq(fhs_keys_slot_add(keys, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL), 0);
    ck_assert_int_eq(fhs_keys_slot_remove(keys, id, &io, NULL), FHIRSTORE_OK);
    for (size_t copy = 0; copy < 2; copy++) {
        memory_block damaged = block;
        damaged.bytes[copy * FHS_KEYS_COPY_BYTES + 100] ^= 1;
        ck_assert_int_eq(try_open(&damaged, with_b), FHIRSTORE_ERR_KEY_WRONG);
        ck_assert_int_eq(try_open(&damaged, with_a), FHIRSTORE_OK);
    }
    fhs_keys_free(keys);
}
END_TEST

START_TEST(refuses_a_removed_key_that_the_older_copy_still_knows)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    fhs_keys_io io = io_of(&block);
    uint32_t id = 0;
    ck_assert_int_eq(fhs_keys_slot_add(keys, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL), 0);
    block.writes = 0;
    block.fail_write = 2; /* the crash comes between the two writes of a removal */
    fhirstore_error *err = NULL;
    ck_assert_int_eq(fhs_keys_slot_remove(keys, id, &io, &err), FHIRSTORE_ERR_IO);
    fhs_error_free(err);
    ck_assert_int_eq(try_open(&block, with_b), FHIRSTORE_ERR_KEY_WRONG);
    ck_assert_int_eq(try_open(&block, with_a), FHIRSTORE_OK);
    fhs_keys_free(keys);
}
END_TEST

START_TEST(survives_a_torn_write_of_either_copy)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    fhs_keys_io io = io_of(&block);
    for (int round = 0; round < 4; round++) {
        uint32_t id = 0;
        fhirstore_error *err = NULL;
        block.fail_write = block.writes + 1;
        ck_assert_int_eq(fhs_keys_slot_add(keys, &with_b, cheap, FHS_STR_NONE, &io, &id, &err),
                         FHIRSTORE_ERR_IO);
        fhs_error_free(err);
        ck_assert_uint_eq(id, 0);
        ck_assert_int_eq(try_open(&block, with_a), FHIRSTORE_OK);
        ck_assert_int_eq(try_open(&block, with_b), round == 0 ? FHIRSTORE_ERR_KEY_WRONG : 0);
        block.fail_write = 0;
        ck_assert_int_eq(fhs_keys_slot_add(keys, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL),
                         FHIRSTORE_OK);
        ck_assert_int_eq(try_open(&block, with_b), FHIRSTORE_OK);
    }
    fhs_keys_free(keys);
}
END_TEST

START_TEST(fills_every_slot_and_says_when_full)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    fhs_keys_io io = io_of(&block);
    uint32_t id = 0;
    for (uint32_t i = 1; i < FHS_KEYS_SLOT_COUNT; i++) {
        uint8_t key[FHS_KEYS_KEY_BYTES] = {(uint8_t)(i + 50)};
        fhs_credential credential = {.raw_key = key, .raw_key_len = sizeof key};
        ck_assert_int_eq(fhs_keys_slot_add(keys, &credential, cheap, FHS_STR_NONE, &io, &id, NULL),
                         0);
        ck_assert_int_eq(try_open(&block, credential), FHIRSTORE_OK);
    }
    ck_assert_int_eq(fhs_keys_slot_add(keys, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL),
                     FHIRSTORE_ERR_KEY_SLOTS_FULL);
    ck_assert_int_eq(try_open(&block, with_a), FHIRSTORE_OK);
    fhs_keys_free(keys);
}
END_TEST

/* Every byte of one copy: the other one serves, and the damage is seen. */
START_TEST(notices_each_flipped_byte)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    for (size_t i = 0; i < FHS_KEYS_BLOCK_BYTES; i++) {
        const uint8_t *copy = block.bytes + i / FHS_KEYS_COPY_BYTES * FHS_KEYS_COPY_BYTES;
        ck_assert(fhs_keys_copy_is_valid(keys, copy));
        block.bytes[i] ^= (uint8_t)(1u << (i % 8));
        ck_assert_msg(!fhs_keys_copy_is_valid(keys, copy), "byte %zu", i);
        if (i % 97 == 0 || i < 128) {
            ck_assert_int_eq(try_open(&block, with_a), FHIRSTORE_OK);
        }
        block.bytes[i] ^= (uint8_t)(1u << (i % 8));
    }
    fhs_keys_free(keys);
}
END_TEST

START_TEST(tells_damage_of_both_copies_from_a_wrong_key)
{
    memory_block block;
    fhs_keys_free(create(&block, with_a));
    for (size_t at = 16; at < FHS_KEYS_COPY_BYTES; at += 40) {
        memory_block damaged = block;
        damaged.bytes[at] ^= 0x10;
        damaged.bytes[FHS_KEYS_COPY_BYTES + at] ^= 0x10;
        fhirstore_status status = try_open(&damaged, with_a);
        if (at == HEADER_FORMAT) {
            ck_assert_int_eq(status, FHIRSTORE_ERR_FORMAT);
        } else {
            ck_assert_msg(status == FHIRSTORE_ERR_TAMPERED, "byte %zu: %d", at, status);
        }
    }
}
END_TEST

START_TEST(refuses_forged_headers)
{
    memory_block block;
    memory_block forged;
    fhs_keys_free(create(&block, with_a));
    forged = block;
    forge(forged.bytes, HEADER_SEQ, 99, 8); /* one copy: the other serves */
    ck_assert_int_eq(try_open(&forged, with_a), FHIRSTORE_OK);
    forge_both(&forged, HEADER_SEQ, 99, 8);
    ck_assert_int_eq(try_open(&forged, with_a), FHIRSTORE_ERR_TAMPERED);
    forged = block;
    forge_both(&forged, HEADER_GENERATION, 7, 8);
    ck_assert_int_eq(try_open(&forged, with_a), FHIRSTORE_ERR_TAMPERED);
    forged = block;
    forge_both(&forged, HEADER_EPOCHS + EPOCH_COMMITMENT, 7, 8);
    ck_assert_int_eq(try_open(&forged, with_a), FHIRSTORE_ERR_TAMPERED);
    forged = block;
    forge_both(&forged, HEADER_SUITE, 2, 1);
    ck_assert_int_eq(try_open(&forged, with_a), FHIRSTORE_ERR_FORMAT);
    forged = block;
    forge_both(&forged, HEADER_UUID, 1, 8); /* the wrapped key is bound to the database */
    ck_assert_int_eq(try_open(&forged, with_a), FHIRSTORE_ERR_KEY_WRONG);
}
END_TEST

START_TEST(caps_key_derivation_before_it_runs)
{
    memory_block block;
    fhs_credential spoken = phrase("spoken");
    fhs_keys_free(create(&block, spoken));
    memory_block forged = block;
    forge_both(&forged, HEADER_SLOTS + SLOT_MEMORY, FHS_LIMIT_KDF_MEMORY_KIB + 1, 4);
    ck_assert_int_eq(try_open(&forged, spoken), FHIRSTORE_ERR_KDF_LIMIT);
    forged = block;
    forge_both(&forged, HEADER_SLOTS + SLOT_PASSES, FHS_LIMIT_KDF_PASSES + 1, 4);
    ck_assert_int_eq(try_open(&forged, spoken), FHIRSTORE_ERR_KDF_LIMIT);
    forged = block;
    forge_both(&forged, HEADER_SLOTS + SLOT_PASSES, 2, 4); /* bound to the wrapped key */
    ck_assert_int_eq(try_open(&forged, spoken), FHIRSTORE_ERR_KEY_WRONG);
    forge_both(&forged, HEADER_SLOTS + SLOT_PASSES, 0, 4);
    ck_assert_int_eq(try_open(&forged, spoken), FHIRSTORE_ERR_KEY_WRONG);

    fhs_keys *keys = NULL;
    fhs_key_cost dear = {.memory_kib = FHS_LIMIT_KDF_MEMORY_KIB + 1};
    ck_assert_int_eq(fhs_keys_create(&spoken, dear, FHS_STR_NONE, NULL, forged.bytes, &keys, NULL),
                     FHIRSTORE_ERR_KDF_LIMIT);
    ck_assert_ptr_null(keys);
}
END_TEST

/* What a hostile header asks for is refused before any of it is taken: the process does not grow.
 */
START_TEST(takes_no_memory_for_a_hostile_header)
{
    static const uint32_t memories[] = {FHS_LIMIT_KDF_MEMORY_KIB + 1, UINT32_MAX / 2, UINT32_MAX};
    memory_block block;
    fhs_credential spoken = phrase("spoken");
    struct rusage before;
    struct rusage after;
    fhs_keys_free(create(&block, spoken));
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &before), 0);
    for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++) {
        memory_block forged = block;
        forge_both(&forged, HEADER_SLOTS + SLOT_MEMORY, memories[i], 4);
        forge_both(&forged, HEADER_SLOTS + SLOT_PASSES, UINT32_MAX, 4);
        ck_assert_int_eq(try_open(&forged, spoken), FHIRSTORE_ERR_KDF_LIMIT);
        forge_both(&forged, HEADER_SLOTS + SLOT_PASSES, 1, 4);
        ck_assert_int_eq(try_open(&forged, spoken), FHIRSTORE_ERR_KDF_LIMIT);
    }
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &after), 0);
    ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 16 * 1024); /* KiB */
}
END_TEST

START_TEST(classifies_what_is_no_store)
{
    memory_block block;
    uint8_t bytes[FHS_KEYS_BLOCK_BYTES] = {0};
    fhs_keys_free(create(&block, with_a));
    ck_assert_int_eq(fhs_keys_classify(bytes, sizeof bytes, NULL), FHIRSTORE_ERR_NOT_A_STORE);
    ck_assert_int_eq(fhs_keys_classify(bytes, 10, NULL), FHIRSTORE_ERR_NOT_A_STORE);
    ck_assert_int_eq(fhs_keys_classify(bytes, 0, NULL), FHIRSTORE_ERR_TRUNCATED);
    memcpy(bytes, "SQLite format 3", 16);
    ck_assert_int_eq(fhs_keys_classify(bytes, sizeof bytes, NULL), FHIRSTORE_ERR_PLAIN_STORE);
    ck_assert_int_eq(fhs_keys_classify(block.bytes, sizeof block.bytes, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_keys_classify(block.bytes, 5000, NULL), FHIRSTORE_ERR_TRUNCATED);
    ck_assert_int_eq(fhs_keys_classify(block.bytes, 5, NULL), FHIRSTORE_ERR_TRUNCATED);
    block.bytes[HEADER_FORMAT] = 2; /* a newer version's file, whatever its checksum */
    block.bytes[FHS_KEYS_COPY_BYTES + HEADER_FORMAT] = 2;
    ck_assert_int_eq(fhs_keys_classify(block.bytes, sizeof block.bytes, NULL),
                     FHIRSTORE_ERR_FORMAT);
}
END_TEST

START_TEST(seals_tokens_to_their_purpose)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    fhs_keys *ephemeral = NULL;
    fhs_buf token = FHS_BUF_INIT(1000);
    fhs_buf plain = FHS_BUF_INIT(1000);
    fhirstore_error *err = NULL;
    ck_assert_int_eq(fhs_keys_new_ephemeral(&ephemeral, NULL), FHIRSTORE_OK);
    ck_assert_uint_eq(fhs_keys_slot_count(ephemeral), 0);
    const fhs_keys *both[] = {keys, ephemeral};
    for (size_t i = 0; i < 2; i++) {
        fhs_buf_reset(&token);
        fhs_buf_reset(&plain);
        ck_assert_int_eq(
            fhs_keys_seal_token(both[i], FHS_LIT("page"), FHS_LIT("after 17"), &token, &err), 0);
        ck_assert_uint_eq(token.len, 8 + FHS_KEYS_TOKEN_EXTRA);
        ck_assert_int_eq(
            fhs_keys_open_token(both[i], FHS_LIT("page"), fhs_buf_str(&token), &plain, &err), 0);
        ck_assert_view_eq(fhs_buf_str(&plain), FHS_LIT("after 17"));
        ck_assert_int_eq(
            fhs_keys_open_token(both[i], FHS_LIT("other"), fhs_buf_str(&token), &plain, &err),
            FHIRSTORE_ERR_PAGE_TOKEN);
        ck_assert_int_eq(
            fhs_keys_open_token(both[1 - i], FHS_LIT("page"), fhs_buf_str(&token), &plain, &err),
            FHIRSTORE_ERR_PAGE_TOKEN);
        token.ptr[token.len / 2] ^= 1;
        ck_assert_int_eq(
            fhs_keys_open_token(both[i], FHS_LIT("page"), fhs_buf_str(&token), &plain, &err),
            FHIRSTORE_ERR_PAGE_TOKEN);
        ck_assert_int_eq(fhs_keys_open_token(both[i], FHS_LIT("page"), FHS_LIT("x"), &plain, &err),
                         FHIRSTORE_ERR_PAGE_TOKEN);
        ck_assert_uint_eq(plain.len, 8);
    }
    fhs_error_free(err);
    fhs_buf_clear(&token);
    fhs_buf_clear(&plain);
    fhs_keys_free(keys);
    fhs_keys_free(ephemeral);
}
END_TEST

/* Known answers: what docs/file-format.md says, computed here from the primitives alone. */
START_TEST(derives_and_wraps_as_the_format_says)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    const uint8_t *slot = block.bytes + 640;
    uint8_t aad[64];
    uint8_t dek[32];
    uint8_t expected[32];
    memcpy(aad, block.bytes + 32, 16);
    memcpy(aad + 16, slot, 48);
    ck_assert_int_eq(crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
                         dek, NULL, slot + 72, 32, slot + 104, aad, 64, slot + 48, key_a),
                     0);
    (void)crypto_kdf_derive_from_key(expected, 32, 1, "fhirpage", dek);
    ck_assert_mem_eq(expected, fhs_keys_page_key(keys), 32);
    (void)crypto_kdf_derive_from_key(expected, 32, 1, "fhirwal_", dek);
    ck_assert_mem_eq(expected, fhs_keys_wal_key(keys), 32);
    uint8_t mac[32];
    (void)crypto_kdf_derive_from_key(expected, 32, 1, "fhirhead", dek);
    (void)crypto_generichash(mac, 32, block.bytes, 4064, expected, 32);
    ck_assert_mem_eq(mac, block.bytes + 4064, 32);
    uint8_t other[32];
    fhs_keys_derive(keys, "auditlog", 1, other);
    (void)crypto_kdf_derive_from_key(expected, 32, 1, "auditlog", dek);
    ck_assert_mem_eq(other, expected, 32);
    fhs_keys_free(keys);
}
END_TEST

/* BLAKE2b's key derivation with fixed input, so that a changed library is noticed. */
START_TEST(derives_known_answers)
{
    uint8_t dek[32];
    uint8_t derived[32];
    char hex[65];
    for (size_t i = 0; i < sizeof dek; i++) {
        dek[i] = (uint8_t)i;
    }
    (void)crypto_kdf_derive_from_key(derived, 32, 1, "fhirpage", dek);
    (void)sodium_bin2hex(hex, sizeof hex, derived, sizeof derived);
    ck_assert_str_eq(hex, "8ef21202efdc100c48767dad71e2eeb559a5a4c050fb7f1bf803a48efa919c20");
    (void)crypto_kdf_derive_from_key(derived, 32, 1, "fhirwal_", dek);
    (void)sodium_bin2hex(hex, sizeof hex, derived, sizeof derived);
    ck_assert_str_eq(hex, "94d340a311d7d52e00b51b26b38f0714a1d86bcf45e5bce9563dc49c49818dd3");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keys");
    TCase *tcase = tcase_create("keys");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, opens_with_the_key_that_made_it);
    tcase_add_test(tcase, refuses_other_keys);
    tcase_add_test(tcase, adds_lists_and_removes_slots);
    tcase_add_test(tcase, leaves_a_removed_slot_in_no_copy);
    tcase_add_test(tcase, refuses_a_removed_key_that_the_older_copy_still_knows);
    tcase_add_test(tcase, survives_a_torn_write_of_either_copy);
    tcase_add_test(tcase, fills_every_slot_and_says_when_full);
    tcase_add_test(tcase, notices_each_flipped_byte);
    tcase_add_test(tcase, tells_damage_of_both_copies_from_a_wrong_key);
    tcase_add_test(tcase, refuses_forged_headers);
    tcase_add_test(tcase, caps_key_derivation_before_it_runs);
    tcase_add_test(tcase, takes_no_memory_for_a_hostile_header);
    tcase_add_test(tcase, classifies_what_is_no_store);
    tcase_add_test(tcase, seals_tokens_to_their_purpose);
    tcase_add_test(tcase, derives_and_wraps_as_the_format_says);
    tcase_add_test(tcase, derives_known_answers);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
