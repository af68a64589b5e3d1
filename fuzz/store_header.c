/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store's header block under attack. The input is either the block itself, or (first byte even)
 * a list of edits of a good one: offset (2 bytes), new byte; bit 1 of the first byte makes the
 * checksums right again, as an attacker would. Whatever opens must be the same data key.
 */
#include <sodium.h>
#include <string.h>

#include "keys/keys.h"
#include "law.h"

static const uint8_t raw_key[FHS_KEYS_KEY_BYTES] = {7, 7, 7};
static const fhs_credential raw = {.raw_key = raw_key, .raw_key_len = sizeof raw_key};
static uint8_t good[FHS_KEYS_BLOCK_BYTES];
static fhs_keys *good_keys;

static void make_good(void)
{
    if (good_keys == NULL) {
        fhs_key_cost cost = {.memory_kib = 64, .passes = 1};
        FUZZ_LAW(fhs_keys_create(&raw, cost, FHS_LIT("fuzz"), NULL, good, &good_keys, NULL) ==
                 FHIRSTORE_OK);
    }
}

static void apply_edits(uint8_t *block, const uint8_t *data, size_t size)
{
    const size_t checked = 4032;
    for (size_t at = 1; at + 3 <= size; at += 3) {
        size_t offset = ((size_t)data[at] << 8 | data[at + 1]) % FHS_KEYS_BLOCK_BYTES;
        block[offset] = data[at + 2];
    }
    for (size_t copy = 0; copy < 2 && (data[0] & 2) != 0; copy++) {
        uint8_t *start = block + copy * FHS_KEYS_COPY_BYTES;
        (void)crypto_generichash(start + checked, 32, start, checked, NULL, 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t block[FHS_KEYS_BLOCK_BYTES] = {0};
    fhs_keys *keys = NULL;
    fhs_key_slot slot;
    if (size == 0) {
        return 0;
    }
    make_good();
    if ((data[0] & 1) == 0) {
        memcpy(block, good, sizeof block);
        apply_edits(block, data, size);
    } else {
        (void)fhs_keys_classify(data + 1, size - 1, NULL);
        memcpy(block, data + 1, size - 1 < sizeof block ? size - 1 : sizeof block);
    }
    fhirstore_error *err = NULL;
    fhirstore_status status = fhs_keys_open(block, &raw, &keys, &err);
    FUZZ_LAW((status == FHIRSTORE_OK) == (keys != NULL && err == NULL));
    FUZZ_LAW(status <= FHIRSTORE_OK);
    if (status == FHIRSTORE_OK) {
        FUZZ_LAW(
            memcmp(fhs_keys_page_key(keys), fhs_keys_page_key(good_keys), FHS_KEYS_KEY_BYTES) == 0);
        FUZZ_LAW(fhs_keys_slot_count(keys) == 1 && fhs_keys_slot_get(keys, 0, &slot));
        FUZZ_LAW(strcmp(slot.label, "fuzz") == 0);
    }
    fhs_error_free(err);
    fhs_keys_free(keys);
    return 0;
}
