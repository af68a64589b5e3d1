/* SPDX-License-Identifier: Apache-2.0 */
/* Words: folding has done most of it; what is left is to cut. */
#include "base/words.h"

#include "base/fold.h"
#include "base/utf8.h"

typedef enum letter_class {
    CLASS_GAP,
    CLASS_LETTER,
    CLASS_ALONE,
} letter_class;

typedef struct class_range {
    uint32_t first;
    uint32_t last;
    uint8_t class;
} class_range;

/*
 * What is no letter, or a word by itself, outside ASCII; ascending. Folding has made the compatible
 * forms (full width, super- and subscript, ligatures) plain before.
 */
static const class_range class_ranges[] = {
    {0x0080, 0x00A9, CLASS_GAP},     {0x00AB, 0x00B4, CLASS_GAP},   {0x00B6, 0x00B9, CLASS_GAP},
    {0x00BB, 0x00BF, CLASS_GAP},     {0x00D7, 0x00D7, CLASS_GAP},   {0x00F7, 0x00F7, CLASS_GAP},
    {0x02C2, 0x02DF, CLASS_GAP},     {0x037E, 0x037E, CLASS_GAP},   {0x0387, 0x0387, CLASS_GAP},
    {0x055A, 0x055F, CLASS_GAP},     {0x0589, 0x058F, CLASS_GAP},   {0x05BE, 0x05BE, CLASS_GAP},
    {0x05C0, 0x05C0, CLASS_GAP},     {0x05C3, 0x05C3, CLASS_GAP},   {0x05F3, 0x05F4, CLASS_GAP},
    {0x060C, 0x060D, CLASS_GAP},     {0x061B, 0x061F, CLASS_GAP},   {0x066A, 0x066D, CLASS_GAP},
    {0x06D4, 0x06D4, CLASS_GAP},     {0x0964, 0x0965, CLASS_GAP},   {0x0E4F, 0x0E4F, CLASS_GAP},
    {0x2000, 0x206F, CLASS_GAP},     {0x20A0, 0x20CF, CLASS_GAP},   {0x2190, 0x2BFF, CLASS_GAP},
    {0x2E00, 0x2E7F, CLASS_GAP},     {0x2E80, 0x2FDF, CLASS_ALONE}, {0x3000, 0x3004, CLASS_GAP},
    {0x3005, 0x3007, CLASS_ALONE},   {0x3008, 0x3020, CLASS_GAP},   {0x3030, 0x3030, CLASS_GAP},
    {0x303D, 0x303F, CLASS_GAP},     {0x3041, 0x30FF, CLASS_ALONE}, {0x31F0, 0x31FF, CLASS_ALONE},
    {0x3400, 0x4DBF, CLASS_ALONE},   {0x4E00, 0x9FFF, CLASS_ALONE}, {0xE000, 0xF8FF, CLASS_GAP},
    {0xF900, 0xFAFF, CLASS_ALONE},   {0xFE00, 0xFE6F, CLASS_GAP},   {0xFEFF, 0xFEFF, CLASS_GAP},
    {0xFF00, 0xFF0F, CLASS_GAP},     {0xFFF0, 0xFFFF, CLASS_GAP},   {0x1F000, 0x1FAFF, CLASS_GAP},
    {0x20000, 0x323AF, CLASS_ALONE},
};

static letter_class class_of(uint32_t code)
{
    size_t low = 0;
    size_t high = sizeof class_ranges / sizeof class_ranges[0];
    if (code < 0x80) {
        return (code >= 'a' && code <= 'z') || (code >= '0' && code <= '9') ? CLASS_LETTER
                                                                            : CLASS_GAP;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (class_ranges[middle].last < code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < sizeof class_ranges / sizeof class_ranges[0] && class_ranges[low].first <= code
               ? (letter_class)class_ranges[low].class
               : CLASS_LETTER;
}

void fhs_words_add(fhs_str text, fhs_buf *scratch, fhs_buf *out)
{
    size_t start = 0;
    bool is_open = false;
    bool is_full = false;
    fhs_buf_reset(scratch);
    fhs_fold(text, scratch);
    fhs_str folded = fhs_buf_str(scratch);
    for (size_t at = 0; at < folded.len;) {
        size_t from = at;
        letter_class class = class_of(fhs_utf8_next(folded, &at));
        if (class == CLASS_GAP) {
            is_open = false;
            continue;
        }
        if (!is_open || class == CLASS_ALONE) {
            fhs_buf_add_char(out, ' ');
            start = out->len;
            is_full = false;
        }
        is_open = class == CLASS_LETTER;
        is_full = is_full || out->len - start + (at - from) > FHS_WORD_BYTES;
        if (!is_full) {
            fhs_buf_add(out, folded.ptr + from, at - from);
        }
    }
    if (fhs_buf_status(scratch) != FHIRSTORE_OK && out->failed == FHIRSTORE_OK) {
        out->failed = fhs_buf_status(scratch);
    }
}

bool fhs_words_next(fhs_str *rest, fhs_str *word_out)
{
    size_t from = 0;
    while (from < rest->len && rest->ptr[from] == ' ') {
        from++;
    }
    size_t to = fhs_str_find_char(*rest, ' ', from);
    *word_out = fhs_str_of(rest->len == 0 ? "" : rest->ptr + from, to - from);
    *rest = fhs_str_from(*rest, to);
    return word_out->len > 0;
}
