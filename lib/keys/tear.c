/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A header copy that is not authentic: did a crash tear its last write, or did somebody change it?
 *
 * A torn write leaves sectors of two authentic copies of this store. Both have the fixed fields of
 * the copy in force and a sequence number next to its own, and no single change of a byte makes one
 * of them out of the mixture. A flipped bit is undone by flipping it back, which the checksum and
 * the MAC tell at once. What changes from one copy to the next is little, so few places are tried.
 */
#include <sodium.h>

#include "keys/keys_internal.h"

static bool has_fixed_fields_of(const uint8_t *copy, const uint8_t *image)
{
    return memcmp(copy, image, HEADER_EPOCH_COUNT) == 0 &&
           copy[HEADER_SLOT_COUNT] == image[HEADER_SLOT_COUNT] &&
           sodium_is_zero(copy + HEADER_NEXT_SLOT_ID + 2, HEADER_UUID - HEADER_NEXT_SLOT_ID - 2) &&
           memcmp(copy + HEADER_UUID, image + HEADER_UUID, FHS_KEYS_UUID_BYTES) == 0 &&
           sodium_is_zero(copy + HEADER_SUM_STATE + 1, HEADER_SUM_SALT - HEADER_SUM_STATE - 1) &&
           sodium_is_zero(copy + HEADER_SUM + 32, HEADER_EPOCHS - HEADER_SUM - 32) &&
           sodium_is_zero(copy + HEADER_JOURNAL + HEADER_JOURNAL_BYTES,
                          HEADER_CHECKSUM - HEADER_JOURNAL - HEADER_JOURNAL_BYTES);
}

static bool has_checksum(const uint8_t *copy)
{
    uint8_t checksum[HEADER_HASH_BYTES];
    (void)crypto_generichash(checksum, sizeof checksum, copy, HEADER_CHECKSUM, NULL, 0);
    return sodium_memcmp(checksum, copy + HEADER_CHECKSUM, sizeof checksum) == 0;
}

/* The text is right and one of checksum and MAC is: they lie in one sector, and no tear parts them.
 */
static bool is_changed_behind(const fhs_keys *keys, const uint8_t *copy)
{
    uint8_t whole[FHS_KEYS_COPY_BYTES];
    memcpy(whole, copy, sizeof whole);
    fhs_header_seal(whole, keys->secrets->head);
    return has_checksum(copy) ||
           memcmp(whole + HEADER_MAC, copy + HEADER_MAC, HEADER_HASH_BYTES) == 0;
}

static bool varies(const uint8_t *copy, const uint8_t *image, size_t at)
{
    return copy[at] != image[at] || (at >= HEADER_EPOCH && at < HEADER_EPOCHS);
}

/* Whether one byte, changed by one bit or in all of them, is all that is wrong. */
static bool is_changed_in_one_byte(const uint8_t *copy, const uint8_t *image)
{
    uint8_t tried[FHS_KEYS_COPY_BYTES];
    memcpy(tried, copy, sizeof tried);
    for (size_t at = 0; at < HEADER_CHECKSUM; at++) {
        for (unsigned bit = 0; bit < 9 && varies(copy, image, at); bit++) {
            // cppcheck-suppress unreadVariable ; by the checksum of the whole
            tried[at] = (uint8_t)(copy[at] ^ (bit == 8 ? 0xFFu : 1u << bit));
            if (has_checksum(tried)) {
                return true;
            }
        }
        // cppcheck-suppress unreadVariable
        tried[at] = copy[at];
    }
    return false;
}

/*
 * A new data key is written to one copy, then to the other. A crash between leaves the old one
 * behind, and where the old key opened the store, the new one ahead, which that key cannot
 * authenticate: it names the old key's commitment as the one that retires.
 */
static bool is_of_other_key(const fhs_keys *keys, const uint8_t *copy)
{
    const uint8_t *retiring = copy + HEADER_EPOCHS + EPOCH_BYTES;
    const uint8_t *current = keys->image + HEADER_EPOCHS;
    uint64_t seq = fhs_header_seq(copy);
    uint64_t now = fhs_header_seq(keys->image);
    if (fhs_keys_old_epoch(keys) != 0) {
        return fhs_header_is_authentic(copy, keys->secrets->old_head) && seq + 1 == now;
    }
    return has_checksum(copy) && seq == now + 1 && copy[HEADER_EPOCH_COUNT] == 2 &&
           retiring[EPOCH_ID] == current[EPOCH_ID] && retiring[EPOCH_STATE] == EPOCH_RETIRING &&
           memcmp(retiring + EPOCH_COMMITMENT, current + EPOCH_COMMITMENT, HEADER_HASH_BYTES) == 0;
}

bool fhs_keys_is_half_renewed(const fhs_keys *keys, const uint8_t copy[FHS_KEYS_COPY_BYTES])
{
    return has_fixed_fields_of(copy, keys->image) && is_of_other_key(keys, copy);
}

bool fhs_keys_is_tear(const fhs_keys *keys, const uint8_t copy[FHS_KEYS_COPY_BYTES])
{
    uint64_t seq = fhs_header_seq(copy);
    uint64_t now = fhs_header_seq(keys->image);
    if (!has_fixed_fields_of(copy, keys->image)) {
        return false;
    }
    return is_of_other_key(keys, copy) ||
           ((seq == now + 1 || seq + 1 == now) && !is_changed_behind(keys, copy) &&
            !is_changed_in_one_byte(copy, keys->image));
}
