/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers as nobody but the holder of the data key could have made them, and slots that were
 * tampered with: each is refused, or does no harm. Then header copies that a crash has made, and
 * the same with something changed.
 */
#include "base/limits.h"
#include "block.h"
#include "keys/box.h"

static const uint8_t secret_x[FHS_KEYS_KEY_BYTES] = {7, 7, 1};
static const fhs_credential with_x = {.secret_key = secret_x};

/* A change of the image in force, which is written out authentic in both places. */
static void rewrite(fhs_keys *keys, memory_block *block, size_t at, uint64_t value, size_t count)
{
    const fhs_keys_io io = io_of(block);
    fhs_put_le(keys->image + at, count, value);
    for (int copy = 0; copy < 2; copy++) {
        ck_assert_int_eq(fhs_keys_write_again(keys, &io, NULL), FHIRSTORE_OK);
    }
}

static size_t place_of_slot(uint32_t index)
{
    return HEADER_SLOTS + (size_t)index * SLOT_BYTES;
}

/* ---- authentic, and odd ---- */

START_TEST(runs_out_of_slot_numbers)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    const fhs_keys_io io = io_of(&block);
    uint32_t id = 9;
    rewrite(keys, &block, HEADER_NEXT_SLOT_ID, UINT16_MAX, 2);
    const memory_block before = block;
    const fhirstore_status answers[] = {
        fhs_keys_slot_add(keys, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL),
        fhs_keys_slot_rotate(keys, 0, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL),
        fhs_keys_renew(keys, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL),
    };
    for (size_t i = 0; i < FHS_COUNT_OF(answers); i++) {
        ck_assert_int_eq(answers[i], FHIRSTORE_ERR_KEY_SLOTS_FULL);
    }
    ck_assert_uint_eq(id, 0);
    ck_assert_mem_eq(before.bytes, block.bytes, sizeof block.bytes);
    ck_assert_int_eq(try_open(&block, with_a), FHIRSTORE_OK);
    fhs_keys_free(keys);
}
END_TEST

/* A new data key keeps the recipients, who may leave no room for a slot of its own. */
START_TEST(renews_no_key_without_a_free_slot)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_x);
    const fhs_keys_io io = io_of(&block);
    uint32_t id = 9;
    for (uint32_t i = 1; i < FHS_KEYS_SLOT_COUNT; i++) {
        uint8_t secret[FHS_KEYS_KEY_BYTES] = {(uint8_t)i, 9};
        const fhs_credential other = {.secret_key = secret};
        ck_assert_int_eq(fhs_keys_slot_add(keys, &other, cheap, FHS_STR_NONE, &io, &id, NULL), 0);
    }
    const memory_block before = block;
    ck_assert_int_eq(fhs_keys_renew(keys, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL),
                     FHIRSTORE_ERR_KEY_SLOTS_FULL);
    ck_assert_uint_eq(id, 0);
    ck_assert_mem_eq(before.bytes, block.bytes, sizeof block.bytes);
    ck_assert_int_eq(fhs_keys_slot_remove(keys, 5, &io, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_keys_renew(keys, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL), 0);
    ck_assert_int_eq(try_open(&block, with_b), FHIRSTORE_OK);
    ck_assert_int_eq(try_open(&block, with_x), FHIRSTORE_OK);
    ck_assert_uint_eq(fhs_keys_slot_count(keys), FHS_KEYS_SLOT_COUNT);
    fhs_keys_free(keys);
}
END_TEST

/* A public key of small order would give the new data key to everybody. */
START_TEST(renews_no_key_for_a_bad_recipient)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    const fhs_keys_io io = io_of(&block);
    uint32_t id = 9;
    ck_assert_int_eq(fhs_keys_slot_add(keys, &with_x, cheap, FHS_STR_NONE, &io, &id, NULL), 0);
    for (size_t i = 0; i < FHS_KEYS_KEY_BYTES; i += 8) {
        rewrite(keys, &block, place_of_slot(1) + SLOT_PUBLIC + i, 0, 8);
    }
    const memory_block before = block;
    ck_assert_int_eq(fhs_keys_renew(keys, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL),
                     FHIRSTORE_ERR_INTERNAL);
    ck_assert_uint_eq(id, 0);
    ck_assert_mem_eq(before.bytes, block.bytes, sizeof block.bytes);
    ck_assert_uint_eq(fhs_keys_epoch(keys), 1);
    fhs_keys_free(keys);
}
END_TEST

/* Epochs are numbered in one byte, and 0 is none. */
START_TEST(begins_to_count_epochs_anew)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    const fhs_keys_io io = io_of(&block);
    uint32_t id = 0;
    keys->image[HEADER_EPOCH] = UINT8_MAX;
    fhs_header_set_epoch(keys->image + HEADER_EPOCHS, keys->image + HEADER_UUID, UINT8_MAX,
                         EPOCH_CURRENT, keys->secrets->dek);
    rewrite(keys, &block, place_of_slot(0) + SLOT_EPOCH, UINT8_MAX, 1);
    ck_assert_int_eq(fhs_keys_renew(keys, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL), 0);
    ck_assert_uint_eq(fhs_keys_epoch(keys), 1);
    ck_assert_uint_eq(fhs_keys_old_epoch(keys), UINT8_MAX);
    ck_assert_int_eq(try_open(&block, with_b), FHIRSTORE_OK);
    ck_assert_int_eq(try_open(&block, with_a), FHIRSTORE_ERR_KEY_WRONG);
    fhs_keys_free(keys);
}
END_TEST

/* The key before is sealed in the header: without it the old pages could not be read. */
START_TEST(refuses_an_old_key_that_does_not_open)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    const fhs_keys_io io = io_of(&block);
    uint32_t id = 0;
    ck_assert_int_eq(fhs_keys_renew(keys, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL), 0);
    ck_assert_int_eq(try_open(&block, with_b), FHIRSTORE_OK);
    rewrite(keys, &block, HEADER_EPOCHS + EPOCH_BYTES + EPOCH_SEALED + 30, 0, 8);
    ck_assert_int_eq(try_open(&block, with_b), FHIRSTORE_ERR_TAMPERED);
    fhs_keys_free(keys);
}
END_TEST

START_TEST(knows_its_own_journal_key_only)
{
    static const uint8_t journal[FHS_KEYS_KEY_BYTES] = {1, 9, 8, 4};
    memory_block block = {0};
    fhs_keys *keys = NULL;
    uint8_t found[FHS_KEYS_KEY_BYTES];
    uint8_t derived[FHS_KEYS_KEY_BYTES];
    ck_assert_int_eq(
        fhs_keys_create(&with_a, cheap, FHS_STR_NONE, journal, block.bytes, &keys, NULL), 0);
    fhs_keys_journal(keys, found);
    ck_assert_mem_eq(found, journal, sizeof journal);
    rewrite(keys, &block, HEADER_JOURNAL + 30, 0, 8);
    fhs_keys_derive(keys, "journal ", 0, derived);
    fhs_keys_journal(keys, found);
    ck_assert_mem_eq(found, derived, sizeof derived);
    fhs_keys_free(keys);
}
END_TEST

START_TEST(takes_no_header_of_another_database)
{
    memory_block block;
    uint8_t copy[FHS_KEYS_COPY_BYTES];
    fhs_keys *keys = create(&block, with_a);
    memcpy(copy, block.bytes, sizeof copy);
    ck_assert(fhs_keys_copy_is_valid(keys, copy));
    copy[HEADER_UUID] ^= 1;
    fhs_header_seal(copy, keys->secrets->head);
    ck_assert(!fhs_keys_copy_is_valid(keys, copy));
    fhs_keys_free(keys);
}
END_TEST

/* A slot of a kind that is not known is shown by its label, and opens nothing. */
START_TEST(shows_a_slot_of_an_unknown_kind)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    const fhs_keys_io io = io_of(&block);
    fhs_key_slot slot;
    uint32_t id = 0;
    ck_assert_int_eq(fhs_keys_slot_add(keys, &with_b, cheap, FHS_LIT("later"), &io, &id, NULL), 0);
    rewrite(keys, &block, place_of_slot(1), 9, 1);
    ck_assert(fhs_keys_slot_get(keys, 1, &slot));
    ck_assert_int_eq(slot.type, 9);
    ck_assert_str_eq(slot.label, "later");
    ck_assert_int_eq(try_open(&block, with_b), FHIRSTORE_ERR_KEY_WRONG);
    ck_assert_int_eq(try_open(&block, with_a), FHIRSTORE_OK);
    fhs_keys_free(keys);
}
END_TEST

START_TEST(has_no_slots_without_a_file)
{
    fhs_keys *keys = NULL;
    fhs_key_slot slot;
    char uuid[37] = "something";
    ck_assert_int_eq(fhs_keys_new_ephemeral(&keys, NULL), FHIRSTORE_OK);
    ck_assert(!fhs_keys_slot_get(keys, 0, &slot));
    fhs_keys_uuid_text(keys, uuid);
    ck_assert_str_eq(uuid, "");
    fhs_keys_free(keys);
}
END_TEST

/* ---- slots that were tampered with, the checksum made right ---- */

START_TEST(opens_no_tampered_slot)
{
    static const struct {
        size_t at;
        uint64_t value;
        size_t count;
    } rows[] = {
        {SLOT_MEMORY, 7, 4}, {SLOT_KDF, 2, 1},     {SLOT_KDF, 0, 1},
        {SLOT_PASSES, 0, 4}, {SLOT_SALT, 0, 8},    {SLOT_LABEL, 1, 1},
        {SLOT_NONCE, 1, 8},  {SLOT_WRAPPED, 1, 8}, {SLOT_TAG, 1, 8},
    };
    memory_block block;
    const fhs_credential spoken = phrase("spoken");
    fhs_keys_free(create(&block, spoken));
    for (size_t i = 0; i < FHS_COUNT_OF(rows); i++) {
        memory_block forged = block;
        forge_both(&forged, HEADER_SLOTS + rows[i].at, rows[i].value, rows[i].count);
        fhirstore_status status = try_open(&forged, spoken);
        ck_assert_msg(status == FHIRSTORE_ERR_KEY_WRONG, "row %zu: %d", i, status);
    }
    fhs_keys_free(create(&block, with_x));
    forge_both(&block, HEADER_SLOTS + SLOT_BOX + 40, 1, 8);
    ck_assert_int_eq(try_open(&block, with_x), FHIRSTORE_ERR_KEY_WRONG);
}
END_TEST

START_TEST(opens_no_tampered_box)
{
    static const uint8_t key[FHS_BOX_KEY_BYTES] = {3};
    const fhs_str aad = FHS_LIT("bound");
    const fhs_str plain = FHS_LIT("plain");
    uint8_t sealed[5 + FHS_BOX_EXTRA];
    uint8_t out[5];
    fhs_box_seal(key, aad, plain, sealed);
    const fhs_str whole = {(const char *)sealed, sizeof sealed};
    const fhs_str cut = {(const char *)sealed, FHS_BOX_EXTRA - 1};
    ck_assert(fhs_box_open(key, aad, whole, out));
    ck_assert_mem_eq(out, "plain", 5);
    ck_assert(!fhs_box_open(key, aad, cut, out));
    ck_assert(!fhs_box_open(key, FHS_LIT("elsewhere"), whole, out));
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 0x10;
        ck_assert_msg(!fhs_box_open(key, aad, whole, out), "byte %zu", i);
        sealed[i] ^= 0x10;
    }
}
END_TEST

/* ---- torn header copies ---- */

/*
 * A crash between the two writes of a new data key. The key before opens the store as it was, with
 * the new one's header ahead; the new key opens it too, with the old one's behind.
 */
static void make_half_renewed(memory_block *block)
{
    fhs_keys *keys = create(block, with_a);
    const fhs_keys_io io = io_of(block);
    const memory_block before = *block;
    uint32_t id = 0;
    block->fail_write = block->writes + 2;
    ck_assert_int_eq(fhs_keys_renew(keys, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL),
                     FHIRSTORE_ERR_IO);
    const size_t second = (size_t)keys->copy * FHS_KEYS_COPY_BYTES;
    memcpy(block->bytes + second, before.bytes + second, FHS_KEYS_COPY_BYTES);
    block->fail_write = 0;
    fhs_keys_free(keys);
}

static fhs_keys *open_with(const memory_block *block, const fhs_credential *credential,
                           uint8_t spare[FHS_KEYS_COPY_BYTES])
{
    fhs_keys *keys = NULL;
    ck_assert_int_eq(fhs_keys_open(block->bytes, credential, &keys, NULL), FHIRSTORE_OK);
    memcpy(spare, block->bytes + (size_t)fhs_keys_spare(keys) * FHS_KEYS_COPY_BYTES,
           FHS_KEYS_COPY_BYTES);
    ck_assert(!fhs_keys_copy_is_valid(keys, spare));
    return keys;
}

START_TEST(takes_the_new_keys_header_for_a_crash)
{
    static const struct {
        size_t at;
        uint8_t mask;
    } rows[] = {
        {HEADER_SEQ, 3},
        {HEADER_EPOCH_COUNT, 3},
        {HEADER_EPOCHS + EPOCH_BYTES + EPOCH_ID, 4},
        {HEADER_EPOCHS + EPOCH_BYTES + EPOCH_STATE, 1},
        {HEADER_EPOCHS + EPOCH_BYTES + EPOCH_COMMITMENT, 1},
    };
    memory_block block;
    uint8_t spare[FHS_KEYS_COPY_BYTES];
    make_half_renewed(&block);
    fhs_keys *keys = open_with(&block, &with_a, spare);
    ck_assert_uint_eq(fhs_keys_old_epoch(keys), 0);
    ck_assert(fhs_keys_is_tear(keys, spare));
    for (size_t i = 0; i < FHS_COUNT_OF(rows); i++) {
        uint8_t changed[FHS_KEYS_COPY_BYTES];
        memcpy(changed, spare, sizeof changed);
        forge(changed, rows[i].at, changed[rows[i].at] ^ rows[i].mask, 1);
        ck_assert_msg(!fhs_keys_is_tear(keys, changed), "row %zu", i);
    }
    spare[HEADER_CHECKSUM] ^= 1;
    ck_assert(fhs_keys_is_tear(keys, spare)); /* as the end of a torn write may be */
    fhs_keys_free(keys);
}
END_TEST

START_TEST(takes_the_old_keys_header_for_a_crash)
{
    memory_block block;
    uint8_t spare[FHS_KEYS_COPY_BYTES];
    uint8_t head[FHS_KEYS_KEY_BYTES];
    make_half_renewed(&block);
    fhs_keys *keys = open_with(&block, &with_b, spare);
    ck_assert_uint_eq(fhs_keys_old_epoch(keys), 1);
    ck_assert(fhs_keys_is_tear(keys, spare));
    memcpy(head, keys->secrets->old_head, sizeof head);
    fhs_put_le(spare + HEADER_SEQ, 8, fhs_header_seq(spare) + 7); /* authentic, but not the last */
    fhs_header_seal(spare, head);
    ck_assert(!fhs_keys_is_tear(keys, spare));
    fhs_keys_free(keys);
}
END_TEST

/* What never changes from one copy to the next is not changed by a crash. */
START_TEST(takes_no_change_of_fixed_fields_for_a_crash)
{
    static const size_t places[] = {
        0,
        HEADER_RESERVE,
        HEADER_SLOT_COUNT,
        HEADER_NEXT_SLOT_ID + 2,
        HEADER_UUID + 3,
        HEADER_SUM_STATE + 1,
        HEADER_SUM + 32,
        HEADER_JOURNAL + HEADER_JOURNAL_BYTES,
    };
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    const fhs_keys_io io = io_of(&block);
    uint32_t id = 0;
    block.fail_write = 1;
    ck_assert_int_eq(fhs_keys_slot_add(keys, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL),
                     FHIRSTORE_ERR_IO);
    uint8_t *spare = block.bytes + (size_t)fhs_keys_spare(keys) * FHS_KEYS_COPY_BYTES;
    ck_assert(fhs_keys_is_tear(keys, spare));
    for (size_t i = 0; i < FHS_COUNT_OF(places); i++) {
        spare[places[i]] ^= 1;
        ck_assert_msg(!fhs_keys_is_tear(keys, spare), "byte %zu", places[i]);
        spare[places[i]] ^= 1;
    }
    ck_assert(fhs_keys_is_tear(keys, spare));
    fhs_keys_free(keys);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hostile headers");
    TCase *tcase = tcase_create("hostile");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, runs_out_of_slot_numbers);
    tcase_add_test(tcase, renews_no_key_without_a_free_slot);
    tcase_add_test(tcase, renews_no_key_for_a_bad_recipient);
    tcase_add_test(tcase, begins_to_count_epochs_anew);
    tcase_add_test(tcase, refuses_an_old_key_that_does_not_open);
    tcase_add_test(tcase, knows_its_own_journal_key_only);
    tcase_add_test(tcase, takes_no_header_of_another_database);
    tcase_add_test(tcase, shows_a_slot_of_an_unknown_kind);
    tcase_add_test(tcase, has_no_slots_without_a_file);
    tcase_add_test(tcase, opens_no_tampered_slot);
    tcase_add_test(tcase, opens_no_tampered_box);
    tcase_add_test(tcase, takes_the_new_keys_header_for_a_crash);
    tcase_add_test(tcase, takes_the_old_keys_header_for_a_crash);
    tcase_add_test(tcase, takes_no_change_of_fixed_fields_for_a_crash);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
