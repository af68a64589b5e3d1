/* SPDX-License-Identifier: Apache-2.0 */
/* Unpredictable bytes, and the ids made of them. */
#ifndef FHS_BASE_RANDOM_H
#define FHS_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#define FHS_UUID_LEN 36u

/* Fill @a out from the operating system's generator (libsodium). */
void fhs_random_bytes(uint8_t *out, size_t len);
/* A random (version 4) UUID in lower case with a NUL behind it (RFC 9562). */
void fhs_uuid_new(char out[FHS_UUID_LEN + 1]);

#endif
