/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/box.h"

#include <sodium.h>
#include <string.h>

#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG   crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(NONCE + TAG == FHS_BOX_EXTRA, "what a box adds");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == FHS_BOX_KEY_BYTES, "a box's key");

void fhs_box_seal(const uint8_t key[FHS_BOX_KEY_BYTES], fhs_str aad, fhs_str plain, uint8_t *out)
{
    randombytes_buf(out, NONCE);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
        out + FHS_BOX_EXTRA, out + NONCE, NULL, (const uint8_t *)plain.ptr, plain.len,
        (const uint8_t *)aad.ptr, aad.len, NULL, out, key);
}

bool fhs_box_open(const uint8_t key[FHS_BOX_KEY_BYTES], fhs_str aad, fhs_str sealed, uint8_t *out)
{
    const uint8_t *bytes = (const uint8_t *)sealed.ptr;
    return sealed.len >= FHS_BOX_EXTRA &&
           crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
               out, NULL, bytes + FHS_BOX_EXTRA, sealed.len - FHS_BOX_EXTRA, bytes + NONCE,
               (const uint8_t *)aad.ptr, aad.len, bytes, key) == 0;
}

void fhs_box_new_key(uint8_t out[FHS_BOX_KEY_BYTES])
{
    randombytes_buf(out, FHS_BOX_KEY_BYTES);
}

void fhs_box_derive(const uint8_t key[FHS_BOX_KEY_BYTES], const char context[8],
                    uint8_t out[FHS_BOX_KEY_BYTES])
{
    (void)crypto_kdf_derive_from_key(out, FHS_BOX_KEY_BYTES, 1, context, key);
}
