/* SPDX-License-Identifier: Apache-2.0 */
/* Folding for string search: bytes of ASCII directly, all else through the generated tables. */
#include "base/fold.h"

#include <string.h>

#include "base/utf8.h"

#include "base/gen/fold_tables.inc"

#define HANGUL_FIRST 0xAC00u
#define HANGUL_LAST  0xD7A3u
#define LEAD_FIRST   0x1100u
#define LEAD_COUNT   19u
#define VOWEL_FIRST  0x1161u
#define VOWEL_COUNT  21u
#define TAIL_FIRST   0x11A8u /* the first that is there: "no tail" counts as one of the 28 */
#define TAIL_COUNT   27u
#define SYLLABLE_LEN 3u /* UTF-8 bytes of a jamo and of a syllable alike */

typedef struct folder {
    fhs_buf *out;
    size_t start;         /* where our output begins in out */
    bool is_blank_due;    /* white space was seen behind something written */
    uint32_t open_hangul; /* a leading jamo or tailless syllable just written, else 0 */
} folder;

/* Write the blank that is due, and anything else ends a Hangul syllable. */
static void settle(folder *f)
{
    if (f->is_blank_due) {
        fhs_buf_add_char(f->out, ' ');
        f->is_blank_due = false;
    }
    f->open_hangul = 0;
}

static void note_blank(folder *f)
{
    f->is_blank_due = f->out->len > f->start;
    f->open_hangul = 0;
}

/* The syllable that @a code completes together with what was just written, or 0. */
static uint32_t compose_hangul(uint32_t open, uint32_t code)
{
    if (open >= LEAD_FIRST && open < LEAD_FIRST + LEAD_COUNT && code >= VOWEL_FIRST &&
        code < VOWEL_FIRST + VOWEL_COUNT) {
        return HANGUL_FIRST +
               ((open - LEAD_FIRST) * VOWEL_COUNT + code - VOWEL_FIRST) * (TAIL_COUNT + 1);
    }
    if (open >= HANGUL_FIRST && code >= TAIL_FIRST && code < TAIL_FIRST + TAIL_COUNT) {
        return open + code - TAIL_FIRST + 1;
    }
    return 0;
}

static bool stays_open(uint32_t code)
{
    return (code >= LEAD_FIRST && code < LEAD_FIRST + LEAD_COUNT) ||
           (code >= HANGUL_FIRST && code <= HANGUL_LAST &&
            (code - HANGUL_FIRST) % (TAIL_COUNT + 1) == 0);
}

static void add_code(folder *f, uint32_t code)
{
    char utf8[FHS_UTF8_MAX];
    uint32_t syllable = f->open_hangul == 0 ? 0 : compose_hangul(f->open_hangul, code);
    if (syllable != 0 && f->out->len >= f->start + SYLLABLE_LEN) {
        f->out->len -= SYLLABLE_LEN;
        code = syllable;
    } else {
        settle(f);
    }
    fhs_buf_add(f->out, utf8, fhs_utf8_encode(code, utf8));
    f->open_hangul = stays_open(code) ? code : 0;
}

/* The offset of the folded form in the pool; 0 for characters that stay. */
static unsigned find_fold(uint32_t code)
{
    if (code >= FOLD_LIMIT) {
        return 0;
    }
    unsigned wide = fold_top[code / (FOLD_BLOCK * FOLD_BLOCK)];
    unsigned block = fold_index[wide * FOLD_BLOCK + code / FOLD_BLOCK % FOLD_BLOCK];
    return fold_entries[block * FOLD_BLOCK + code % FOLD_BLOCK];
}

static void fold_code(folder *f, uint32_t code)
{
    unsigned offset = find_fold(code);
    if (offset == 0) {
        if (code < FOLD_FAR_FIRST || code > FOLD_FAR_LAST) {
            add_code(f, code);
        }
        return;
    }
    const char *pool = (const char *)fold_pool;
    fhs_str folded = {pool + offset, FHS_UTF8_MAX};
    if (offset >= FOLD_PLAIN) {
        folded = fhs_str_of(pool + offset + 1, fold_pool[offset]);
    }
    for (size_t at = 0; at < folded.len;) {
        uint32_t next = fhs_utf8_next(folded, &at);
        if (next == ' ') {
            note_blank(f);
        } else {
            add_code(f, next);
        }
        if (offset < FOLD_PLAIN) {
            break;
        }
    }
}

static bool is_ascii_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x1F);
}

/* Fold ASCII from @a at on, as far as it goes; the text cannot get longer. */
static size_t fold_ascii_run(folder *f, fhs_str text, size_t at)
{
    settle(f); /* a blank that is due is taken back below when nothing follows it */
    if (!fhs_buf_reserve(f->out, text.len - at)) {
        return text.len;
    }
    char *to = f->out->ptr + f->out->len;
    const char *first = f->out->ptr + f->start;
    for (; at < text.len && (unsigned char)text.ptr[at] < 0x80; at++) {
        unsigned char c = (unsigned char)text.ptr[at];
        if (FHS_UNLIKELY(is_ascii_space(c))) {
            if (to > first && to[-1] != ' ') {
                *to++ = ' ';
            }
        } else {
            *to++ = (char)(c + ((c >= 'A' && c <= 'Z') ? 'a' - 'A' : 0));
        }
    }
    if (to > first && to[-1] == ' ') {
        to--;
        f->is_blank_due = true;
    }
    f->out->len = (size_t)(to - f->out->ptr);
    *to = '\0';
    return at;
}

void fhs_fold(fhs_str text, fhs_buf *out)
{
    folder f = {out, out->len, false, 0};
    for (size_t at = 0; at < text.len;) {
        if ((unsigned char)text.ptr[at] < 0x80) {
            at = fold_ascii_run(&f, text, at);
        } else {
            fold_code(&f, fhs_utf8_next(text, &at));
        }
    }
}

void fhs_fold_ascii(fhs_str text, fhs_buf *out)
{
    if (!fhs_buf_reserve(out, text.len)) {
        return;
    }
    char *to = out->ptr + out->len;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        to[i] = (char)(c + ((c >= 'A' && c <= 'Z') ? 'a' - 'A' : 0));
    }
    to[text.len] = '\0';
    out->len += text.len;
}
