/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 as RFC 4648 has it, with its padding. */
#ifndef FHS_BASE_BASE64_H
#define FHS_BASE_BASE64_H

#include "base/buf.h"

/* Append what @a text stands for; white space between characters is passed over. False: not base64.
 */
bool fhs_base64_decode(fhs_str text, fhs_buf *out);

/*
 * The same where it stands, between the quotes of a JSON string, with that string's escapes: the
 * bytes take the place of the text, whose first *len_out they are.
 */
bool fhs_base64_decode_in_place(char *text, size_t len, size_t *len_out);
/* Append @a bytes as base64. */
void fhs_base64_encode(fhs_str bytes, fhs_buf *out);

#endif
