/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names as they sound: a key of consonants that is the same for the usual spellings of a name in
 * European languages. It is made for names that were heard and written down (Meyer, Maier, Mayr;
 * Stephen, Steven, Stefan; Philip, Filip; Catherine, Kathryn), not for telling names apart.
 *
 * A name is folded (fold.h), apostrophes are dropped and the rest is cut into words (words.h). Of
 * the Latin letters of a word
 *   - vowels are left out, but the first letter gives "a"; i, y and j before another vowel give "j"
 *     at the beginning and nothing elsewhere; h gives "h" at the beginning and nothing elsewhere;
 *   - b p become p; d t th dt t; f v ph pf and w before a vowel, s or c f; s z ss x- and c before
 * e, i, y s; sch and sh s; c ch ck g k q k; x ks; l, m, n, r stay; w is silent elsewhere;
 *   - gn-, kn-, pn-, ps- and wr- lose their first letter; gh is silent behind a vowel, p in mps and
 *     mpt; tch and tsch are k;
 *   - letters that stand side by side and give the same are one.
 * Digits, and letters of other scripts, stand for themselves. A word that leaves nothing is its own
 * key. Extraction stores keys: a change of any of this counts up FHS_EXTRACTION_VERSION.
 */
#ifndef FHS_BASE_PHONETIC_H
#define FHS_BASE_PHONETIC_H

#include "base/buf.h"
#include "base/str.h"

/*
 * Append the key of each word of @a text (valid UTF-8), each behind a blank; @a scratch is for
 * working. A failure is the buffers'.
 */
void fhs_phonetic_add(fhs_str text, fhs_buf *scratch, fhs_buf *out);

#endif
