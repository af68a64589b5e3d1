/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 as RFC 4648 has it, with its padding. */
#ifndef FHS_BASE_BASE64_H
#define FHS_BASE_BASE64_H

#include "base/buf.h"

/* Append what @a text stands for; white space between characters is passed over. False: not base64.
 */
bool fhs_base64_decode(fhs_str text, fhs_buf *out);

#endif
