/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as words, as full-text search sees it: folded (fold.h), then cut at everything that is
 * neither letter nor digit. A character of a script that writes without blanks (Han, kana) is a
 * word by itself.
 */
#ifndef FHS_BASE_WORDS_H
#define FHS_BASE_WORDS_H

#include "base/buf.h"
#include "base/str.h"

/* Of a longer word the beginning counts. */
#define FHS_WORD_BYTES 64u

/*
 * Append the words of @a text (valid UTF-8), each behind a blank; @a scratch is for working. A
 * failure is the buffers'.
 */
void fhs_words_add(fhs_str text, fhs_buf *scratch, fhs_buf *out);

/* The next word of blank-separated @a rest, which moves behind it; false at the end. */
bool fhs_words_next(fhs_str *rest, fhs_str *word_out);

#endif
