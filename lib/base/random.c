/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <sodium.h>

void fhs_random_bytes(uint8_t *out, size_t len)
{
    randombytes_buf(out, len);
}

void fhs_uuid_new(char out[FHS_UUID_LEN + 1])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t bytes[16];
    fhs_random_bytes(bytes, sizeof bytes);
    bytes[6] = (uint8_t)(0x40 | (bytes[6] & 0x0F));
    bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3F));
    size_t at = 0;
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            out[at++] = '-';
        }
        out[at++] = hex[bytes[i] >> 4];
        out[at++] = hex[bytes[i] & 0x0F];
    }
    out[at] = '\0';
}
