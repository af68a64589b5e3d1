/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is not authentic where a crash may have been at work: torn, or good once and changed in one
 * byte by somebody? The latter can be undone. Nonces, tags and headers are short enough to try each
 * bit. The text of a page is not, but Poly1305 is a polynomial: block c, counted from the end, adds
 * c * r^k, so a block that was changed by d moves the tag by d * r^k modulo 2^130 - 5. Divided by
 * each power of r in turn, the difference of the tags shows d, and a d of one byte is no chance.
 */
#include <sodium.h>

#include "vfs/vfs_internal.h"

/* ---- modulo 2^130 - 5, in limbs of 26 bits ---- */

#define LIMBS     5
#define LIMB_BITS 26
#define LIMB_MASK 0x3FFFFFFu

typedef struct residue {
    uint32_t limb[LIMBS];
} residue;

static void carry_limbs(residue *x, const uint64_t sums[LIMBS])
{
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += sums[i];
        x->limb[i] = (uint32_t)carry & LIMB_MASK;
        carry >>= LIMB_BITS;
    }
    carry = carry * 5 + x->limb[0];
    x->limb[0] = (uint32_t)carry & LIMB_MASK;
    x->limb[1] += (uint32_t)(carry >> LIMB_BITS);
}

static residue multiply(const residue *a, const residue *b)
{
    uint64_t sums[LIMBS] = {0};
    residue product;
    for (int i = 0; i < LIMBS; i++) {
        for (int j = 0; j < LIMBS; j++) {
            uint64_t term = (uint64_t)a->limb[i] * b->limb[j];
            sums[(i + j) % LIMBS] += i + j < LIMBS ? term : 5 * term;
        }
    }
    carry_limbs(&product, sums);
    return product;
}

/* The 16 bytes as a number, and @a top times 2^128. */
static residue residue_of(const uint8_t bytes[16], uint32_t top)
{
    residue x;
    uint8_t padded[20] = {0};
    memcpy(padded, bytes, 16);
    for (unsigned i = 0; i < LIMBS; i++) {
        uint64_t word = fhs_get_le(padded + i * LIMB_BITS / 8, 4) |
                        (uint64_t)padded[i * LIMB_BITS / 8 + 4 > 19 ? 19 : i * LIMB_BITS / 8 + 4]
                            << 32;
        x.limb[i] = (uint32_t)(word >> (i * LIMB_BITS % 8)) & LIMB_MASK;
    }
    x.limb[LIMBS - 1] += top << 24;
    return x;
}

static residue subtract(const residue *a, const residue *b)
{
    uint64_t sums[LIMBS];
    residue out;
    for (int i = 0; i < LIMBS; i++) { /* two times the modulus keeps each limb positive */
        uint64_t twice = i == 0 ? 2u * (LIMB_MASK - 4u) : 2u * LIMB_MASK;
        sums[i] = (uint64_t)a->limb[i] + twice - b->limb[i];
    }
    carry_limbs(&out, sums);
    return out;
}

/* By Fermat: to the power 2^130 - 7, whose bits are ones but for two. */
static residue invert(const residue *x)
{
    residue out = *x;
    for (int bit = 128; bit >= 0; bit--) {
        out = multiply(&out, &out);
        if (bit != 1 && bit != 2) {
            out = multiply(&out, x);
        }
    }
    return out;
}

/* The one number below the modulus, in bytes. */
static void settle_flip(const residue *x, uint8_t out[17])
{
    uint64_t sums[LIMBS];
    residue low = *x;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < LIMBS; i++) {
            sums[i] = low.limb[i];
        }
        carry_limbs(&low, sums);
    }
    bool is_above = low.limb[0] >= LIMB_MASK - 4u;
    for (int i = 1; i < LIMBS; i++) {
        is_above = is_above && low.limb[i] == LIMB_MASK;
    }
    if (is_above) {
        low = (residue){{low.limb[0] - (LIMB_MASK - 4u), 0, 0, 0, 0}};
    }
    memset(out, 0, 17);
    for (int bit = 0; bit < LIMBS * LIMB_BITS; bit++) {
        unsigned set = low.limb[bit / LIMB_BITS] >> (bit % LIMB_BITS) & 1u;
        out[bit / 8] = (uint8_t)(out[bit / 8] | set << (bit % 8));
    }
}

/* ---- one byte of the text ---- */

static bool is_one_byte(const residue *x)
{
    static const residue zero = {{0}};
    uint8_t bytes[17];
    for (int sign = 0; sign < 2; sign++) {
        const residue negative = subtract(&zero, x);
        settle_flip(sign == 0 ? x : &negative, bytes);
        int used = 2 * bytes[16]; /* above a block of 16 bytes */
        for (int i = 0; i < 16; i++) {
            used += bytes[i] != 0 ? 1 : 0;
        }
        if (used == 1) {
            return true;
        }
    }
    return false;
}

/* Whether @a off is one byte's change times some power of r: of the blocks of the text. */
static bool is_some_power(residue off, const residue *inverse)
{
    off = multiply(&off, inverse); /* the lengths, which come last */
    for (int block = 0; block < BODY_BYTES / 16; block++) {
        off = multiply(&off, inverse);
        if (is_one_byte(&off)) {
            return true;
        }
    }
    return false;
}

/* r, clamped as Poly1305 has it, and what the text's tag should be. */
static void expect_tag(const fhs_vfs *vfs, uint32_t page, const uint8_t *sealed, uint8_t r[16],
                       uint8_t tag[TAG_BYTES])
{
    static const uint8_t clamp[16] = {0xFF, 0xFF, 0xFF, 0x0F, 0xFC, 0xFF, 0xFF, 0x0F,
                                      0xFC, 0xFF, 0xFF, 0x0F, 0xFC, 0xFF, 0xFF, 0x0F};
    uint8_t subkey[32];
    uint8_t once[32];
    uint8_t nonce[12] = {0};
    uint8_t aad[(PAGE_AAD + 15) / 16 * 16] = {0};
    uint8_t lengths[16];
    const uint8_t *key = fhs_vfs_page_aad(vfs, page, sealed, aad);
    (void)crypto_core_hchacha20(subkey, sealed + PAGE_NONCE, key, NULL);
    memcpy(nonce + 4, sealed + PAGE_NONCE + 16, 8);
    (void)crypto_stream_chacha20_ietf(once, sizeof once, nonce, subkey);
    fhs_put_le(lengths, 8, PAGE_AAD);
    fhs_put_le(lengths + 8, 8, BODY_BYTES);
    crypto_onetimeauth_poly1305_state state;
    (void)crypto_onetimeauth_poly1305_init(&state, once);
    (void)crypto_onetimeauth_poly1305_update(&state, aad, sizeof aad);
    (void)crypto_onetimeauth_poly1305_update(&state, sealed, BODY_BYTES);
    (void)crypto_onetimeauth_poly1305_update(&state, lengths, sizeof lengths);
    (void)crypto_onetimeauth_poly1305_final(&state, tag);
    for (int i = 0; i < 16; i++) {
        r[i] = once[i] & clamp[i];
    }
    sodium_memzero(subkey, sizeof subkey);
    sodium_memzero(once, sizeof once);
    sodium_memzero(&state, sizeof state);
}

/* Both tags have lost what is above 2^128: each way to put it back is tried. */
static bool is_text_changed(const fhs_vfs *vfs, uint32_t page, const uint8_t *sealed)
{
    static const residue wrap = {{5, 0, 0, 0, 0}};
    uint8_t r[16];
    uint8_t tag[TAG_BYTES];
    uint8_t off[TAG_BYTES];
    bool is_changed = false;
    expect_tag(vfs, page, sealed, r, tag);
    memcpy(off, sealed + PAGE_TAG, sizeof off);
    sodium_sub(off, tag, sizeof off);
    const residue base = residue_of(r, 0);
    const residue inverse = invert(&base);
    for (uint32_t top = 0; top < 4 && !is_changed; top++) {
        const residue above = residue_of(off, top);
        const residue below = subtract(&above, &wrap);
        is_changed = is_some_power(above, &inverse) || is_some_power(below, &inverse);
    }
    sodium_memzero(r, sizeof r);
    return is_changed;
}

/* ---- one bit, or one whole byte, of what is short ---- */

typedef struct flip_trial {
    const fhs_vfs *vfs;
    uint32_t number; /* of the page, or of the frame */
    uint8_t *bytes;
    uint8_t header[FRAME_HEADER];
} flip_trial;

typedef bool (*flip_test)(flip_trial *trial);

static bool try_flips(flip_trial *trial, size_t from, size_t len, flip_test holds)
{
    for (size_t at = from; at < from + len; at++) {
        const uint8_t stored = trial->bytes[at];
        for (unsigned bit = 0; bit < 9; bit++) {
            trial->bytes[at] = (uint8_t)(stored ^ (bit == 8 ? 0xFFu : 1u << bit));
            bool is_whole = holds(trial);
            trial->bytes[at] = stored;
            if (is_whole) {
                return true;
            }
        }
    }
    return false;
}

static bool opens_header(flip_trial *trial)
{
    return fhs_vfs_open_frame(trial->vfs, trial->number, trial->bytes,
                              trial->bytes + SEALED_FRAME_HEADER + PAGE_TAG, trial->header);
}

static bool opens_page(flip_trial *trial)
{
    uint8_t plain[PAGE_BYTES];
    bool opens = fhs_vfs_open_page(trial->vfs, trial->number, trial->bytes, plain);
    sodium_memzero(plain, sizeof plain);
    return opens;
}

bool fhs_vfs_is_flipped_page(const fhs_vfs *vfs, uint32_t page, const uint8_t *sealed)
{
    uint8_t copy[PAGE_BYTES];
    flip_trial trial = {.vfs = vfs, .number = page, .bytes = copy};
    if (sodium_is_zero(sealed + PAGE_NONCE, NONCE_BYTES + TAG_BYTES)) {
        return false; /* nothing was ever written there */
    }
    memcpy(copy, sealed, sizeof copy);
    return is_text_changed(vfs, page, sealed) ||
           try_flips(&trial, PAGE_NONCE, NONCE_BYTES + TAG_BYTES + META_BYTES, opens_page);
}

bool fhs_vfs_is_flipped_frame(const fhs_vfs *vfs, uint32_t index, const uint8_t *frame)
{
    uint8_t copy[SEALED_FRAME];
    flip_trial trial = {.vfs = vfs, .number = index, .bytes = copy};
    if (sodium_is_zero(frame, SEALED_FRAME_HEADER)) {
        return false;
    }
    memcpy(copy, frame, sizeof copy);
    if (opens_header(&trial)) {
        return fhs_vfs_is_flipped_page(vfs, fhs_get_be32(trial.header),
                                       frame + SEALED_FRAME_HEADER);
    }
    return try_flips(&trial, 0, SEALED_FRAME_HEADER, opens_header) ||
           try_flips(&trial, SEALED_FRAME_HEADER + PAGE_TAG, TAG_BYTES, opens_header);
}
