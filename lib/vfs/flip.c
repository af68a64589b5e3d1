/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bad frame at the log's end is what a crash leaves, or a good one in which somebody changed a
 * byte. The latter can be undone: nonces, tags and headers are short enough to try each bit, and
 * the page's text has SQLite's running checksum, in which one changed word can be solved for.
 */
#include <sodium.h>

#include "vfs/vfs_internal.h"

/* Undo each single bit, and all of one byte; until @a holds. @a bytes are left as they were. */
typedef struct flip_trial {
    const fhs_vfs *vfs;
    uint32_t index;
    uint8_t *frame;
    uint8_t header[FRAME_HEADER];
} flip_trial;

typedef bool (*flip_test)(flip_trial *trial);

static bool try_flips(flip_trial *trial, size_t from, size_t len, flip_test holds)
{
    for (size_t at = from; at < from + len; at++) {
        const uint8_t stored = trial->frame[at];
        for (unsigned bit = 0; bit < 9; bit++) {
            trial->frame[at] = (uint8_t)(stored ^ (bit == 8 ? 0xFFu : 1u << bit));
            bool is_whole = holds(trial);
            trial->frame[at] = stored;
            if (is_whole) {
                return true;
            }
        }
    }
    return false;
}

static bool opens_header(flip_trial *trial)
{
    return fhs_vfs_open_frame(trial->vfs, trial->index, trial->frame,
                              trial->frame + SEALED_FRAME_HEADER + PAGE_TAG, trial->header);
}

static bool opens_page(flip_trial *trial)
{
    uint8_t plain[PAGE_BYTES];
    bool opens = fhs_vfs_open_page(trial->vfs, fhs_get_be32(trial->header),
                                   trial->frame + SEALED_FRAME_HEADER, plain);
    sodium_memzero(plain, sizeof plain);
    return opens;
}

static uint32_t word_at(const uint8_t *bytes, bool is_big_endian)
{
    return is_big_endian ? fhs_get_be32(bytes) : (uint32_t)fhs_get_le(bytes, 4);
}

/* The inverse of an odd number modulo 2^32, by Newton's iteration. */
static uint32_t invert_odd(uint32_t odd)
{
    uint32_t inverse = odd;
    for (int i = 0; i < 4; i++) {
        inverse *= 2 - odd * inverse;
    }
    return inverse;
}

/* Whether adding something to the word adds @a off to both sums, and changes one byte of it. */
static bool explains_sums(uint32_t word, const uint32_t weight[2], const uint32_t off[2])
{
    uint32_t by = (weight[0] & 1u) != 0 ? off[0] * invert_odd(weight[0])
                                        : off[1] * invert_odd(weight[1]);
    uint32_t change = word ^ (word + by);
    return by * weight[0] == off[0] && by * weight[1] == off[1] &&
           ((change & 0xFFFFFF00u) == 0 || (change & 0xFFFF00FFu) == 0 ||
            (change & 0xFF00FFFFu) == 0 || (change & 0x00FFFFFFu) == 0);
}

/*
 * The checksum takes words in pairs: the first is added to both sums, the second to the latter, and
 * each pair that follows makes (a, b) of what was added (a + b, a + 2b). Neighbours in that
 * sequence are never both even.
 */
static bool can_solve_for_word(const uint8_t *plain, const uint32_t off[2], bool is_big_endian)
{
    uint32_t first[2] = {1, 1};
    uint32_t second[2] = {0, 1};
    for (size_t at = PAGE_BYTES; at >= 8; at -= 8) {
        if (explains_sums(word_at(plain + at - 8, is_big_endian), first, off) ||
            explains_sums(word_at(plain + at - 4, is_big_endian), second, off)) {
            return true;
        }
        first[0] += first[1];
        first[1] += first[0];
        second[0] += second[1];
        second[1] += second[0];
    }
    return false;
}

static void add_words(uint32_t sum[2], const uint8_t *bytes, size_t len, bool is_big_endian)
{
    for (size_t at = 0; at < len; at += 8) {
        sum[0] += word_at(bytes + at, is_big_endian) + sum[1];
        sum[1] += word_at(bytes + at + 4, is_big_endian) + sum[0];
    }
}

/* The page's text as the key stream gives it, not authentic, and used for nothing else than this.
 */
static bool is_text_flipped(const flip_trial *trial, const uint8_t *before, bool is_big_endian)
{
    uint8_t plain[PAGE_BYTES] = {0};
    const uint8_t *page = trial->frame + SEALED_FRAME_HEADER;
    const fhs_key_set *set = trial->vfs->key_set;
    const uint8_t *key = set->old_epoch != 0 && page[PAGE_META] == set->old_epoch ? set->old_page
                                                                                  : set->page;
    uint32_t sum[2] = {fhs_get_be32(before), fhs_get_be32(before + 4)};
    (void)crypto_stream_xchacha20_xor_ic(plain, page, BODY_BYTES, page + PAGE_NONCE, 1, key);
    add_words(sum, trial->header, 8, is_big_endian);
    add_words(sum, plain, PAGE_BYTES, is_big_endian);
    const uint32_t off[2] = {fhs_get_be32(trial->header + 16) - sum[0],
                             fhs_get_be32(trial->header + 20) - sum[1]};
    bool is_flipped = can_solve_for_word(plain, off, is_big_endian);
    sodium_memzero(plain, sizeof plain);
    return is_flipped;
}

bool fhs_vfs_is_flipped(const fhs_vfs *vfs, uint32_t index, const uint8_t *frame,
                        const uint8_t *before, bool is_big_endian)
{
    uint8_t copy[SEALED_FRAME];
    flip_trial trial = {.vfs = vfs, .index = index, .frame = copy};
    if (sodium_is_zero(frame, SEALED_FRAME_HEADER)) {
        return false; /* nothing was ever written there */
    }
    memcpy(copy, frame, sizeof copy);
    if (!opens_header(&trial)) {
        const size_t tag = SEALED_FRAME_HEADER + PAGE_TAG;
        return try_flips(&trial, 0, SEALED_FRAME_HEADER, opens_header) ||
               try_flips(&trial, tag, TAG_BYTES, opens_header);
    }
    return try_flips(&trial, SEALED_FRAME_HEADER + PAGE_NONCE, NONCE_BYTES, opens_page) ||
           try_flips(&trial, SEALED_FRAME_HEADER + PAGE_META, META_BYTES, opens_page) ||
           (before != NULL && is_text_flipped(&trial, before, is_big_endian));
}
