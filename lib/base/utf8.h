/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: validation, decoding, encoding. */
#ifndef FHS_BASE_UTF8_H
#define FHS_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define FHS_UTF8_MAX 4u

/* Length of the sequence at @a ptr, of which @a left > 0 bytes are there; 0: not valid. */
size_t fhs_utf8_sequence(const char *ptr, size_t left);
/* Length of the longest valid prefix; equal to text.len when all of it is valid (RFC 3629). */
size_t fhs_utf8_valid_prefix(fhs_str text);
/* Decode the code point at @a *at of valid UTF-8 and move @a *at behind it. */
uint32_t fhs_utf8_next(fhs_str text, size_t *at);
/* Write @a code (no surrogate, at most 0x10FFFF) and return how many bytes it took. */
size_t fhs_utf8_encode(uint32_t code, char out[FHS_UTF8_MAX]);

#endif
