/* SPDX-License-Identifier: Apache-2.0 */
/* A keyed BLAKE2b of 32 bytes, over bytes that come in pieces. */
#ifndef FHS_KEYS_DIGEST_H
#define FHS_KEYS_DIGEST_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define FHS_DIGEST_BYTES 32u

typedef struct fhs_digest {
    alignas(64) uint8_t state[384]; /* libsodium's */
} fhs_digest;

/* @a key: FHS_DIGEST_BYTES long. */
void fhs_digest_begin(fhs_digest *digest, const uint8_t *key);
void fhs_digest_add(fhs_digest *digest, const void *bytes, size_t len);
void fhs_digest_number(fhs_digest *digest, int64_t number); /* 8 bytes, little endian */
void fhs_digest_end(fhs_digest *digest, uint8_t out[FHS_DIGEST_BYTES]);

#endif
