/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (libsodium), for ids that are made of what they name. */
#ifndef FHS_BASE_DIGEST_H
#define FHS_BASE_DIGEST_H

#include "base/str.h"

#define FHS_SHA256_HEX 64u

/* The digest of the parts, one behind the other, in lower-case hexadecimal with a NUL behind it. */
void fhs_sha256_hex(const fhs_str *parts, size_t count, char out[FHS_SHA256_HEX + 1]);

#endif
