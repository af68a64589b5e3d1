/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include <sodium.h>

void fhs_sha256_hex(const fhs_str *parts, size_t count, char out[FHS_SHA256_HEX + 1])
{
    static const char hex[] = "0123456789abcdef";
    crypto_hash_sha256_state state;
    unsigned char digest[crypto_hash_sha256_BYTES];
    (void)crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0) {
            (void)crypto_hash_sha256_update(&state, (const unsigned char *)parts[i].ptr,
                                            parts[i].len);
        }
    }
    (void)crypto_hash_sha256_final(&state, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        out[2 * i] = hex[digest[i] >> 4];
        out[2 * i + 1] = hex[digest[i] & 0x0F];
    }
    out[FHS_SHA256_HEX] = '\0';
}
