/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/digest.h"

#include <sodium.h>

#include "base/bytes.h"

_Static_assert(sizeof(crypto_generichash_state) <= sizeof(fhs_digest), "there is room for a state");

static crypto_generichash_state *state_of(fhs_digest *digest)
{
    return (crypto_generichash_state *)(void *)digest->state;
}

void fhs_digest_begin(fhs_digest *digest, const uint8_t *key)
{
    (void)crypto_generichash_init(state_of(digest), key, FHS_DIGEST_BYTES, FHS_DIGEST_BYTES);
}

void fhs_digest_add(fhs_digest *digest, const void *bytes, size_t len)
{
    (void)crypto_generichash_update(state_of(digest), bytes, len);
}

void fhs_digest_number(fhs_digest *digest, int64_t number)
{
    uint8_t bytes[8];
    fhs_put_le(bytes, sizeof bytes, (uint64_t)number);
    fhs_digest_add(digest, bytes, sizeof bytes);
}

void fhs_digest_end(fhs_digest *digest, uint8_t out[FHS_DIGEST_BYTES])
{
    (void)crypto_generichash_final(state_of(digest), out, FHS_DIGEST_BYTES);
}
