/* SPDX-License-Identifier: Apache-2.0 */
/* Code systems and value sets of the definitions: compressed JSON, unfolded where it is asked for.
 */
#include "fhir/tables.h"

/* Nesting of pairs that the generator allows. */
#define PAIR_DEPTH  64u
#define FIRST_PAIR  256u
#define URL_PREFIX  "{\"url\":\""
#define PREFIX_SIZE (sizeof URL_PREFIX - 1)

/* Unfolds one document byte by byte. */
typedef struct unfolder {
    const fhs_fhir *fhir;
    uint32_t at;
    uint32_t end;
    uint16_t pending[PAIR_DEPTH]; /* right halves that wait */
    size_t pending_count;
} unfolder;

static unfolder unfold(const fhs_fhir *fhir, fhs_defined_kind kind, size_t index)
{
    size_t at = index + (kind == FHS_DEFINED_VALUE_SET ? fhir->code_system_count : 0);
    return (unfolder){.fhir = fhir, .at = fhir->term_at[at], .end = fhir->term_at[at + 1]};
}

static uint16_t packed_symbol(const fhs_fhir *fhir, uint32_t at)
{
    const uint8_t *bytes = fhir->term_bytes + (size_t)(at / 2) * 3;
    return (uint16_t)(at % 2 == 0 ? bytes[0] | (bytes[1] & 15) << 8
                                  : bytes[1] >> 4 | bytes[2] << 4);
}

/* The next byte, or -1 at the end. */
static int next_byte(unfolder *from)
{
    uint16_t symbol;
    if (from->pending_count > 0) {
        symbol = from->pending[--from->pending_count];
    } else if (from->at < from->end) {
        symbol = packed_symbol(from->fhir, from->at++);
    } else {
        return -1;
    }
    while (symbol >= FIRST_PAIR) {
        const uint16_t *pair = from->fhir->term_pairs + 2 * (size_t)(symbol - FIRST_PAIR);
        from->pending[from->pending_count++] = pair[1];
        symbol = pair[0];
    }
    return symbol;
}

/* The order of @a url and the url of the document. */
static int compare_url(unfolder from, fhs_str url)
{
    for (size_t i = 0; i < PREFIX_SIZE; i++) {
        (void)next_byte(&from);
    }
    for (size_t i = 0; i < url.len; i++) {
        int byte = next_byte(&from);
        if (byte == '"' || byte < 0) {
            return 1;
        }
        if (byte != (unsigned char)url.ptr[i]) {
            return (unsigned char)url.ptr[i] < byte ? -1 : 1;
        }
    }
    return next_byte(&from) == '"' ? 0 : -1;
}

size_t fhs_defined_count(const fhs_fhir *fhir, fhs_defined_kind kind)
{
    return kind == FHS_DEFINED_VALUE_SET ? fhir->value_set_count : fhir->code_system_count;
}

size_t fhs_defined_find(const fhs_fhir *fhir, fhs_defined_kind kind, fhs_str url)
{
    size_t count = fhs_defined_count(fhir, kind);
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_url(unfold(fhir, kind, middle), url);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return count;
}

void fhs_defined_write(const fhs_fhir *fhir, fhs_defined_kind kind, size_t index, fhs_buf *out)
{
    char block[256];
    size_t len = 0;
    unfolder from = unfold(fhir, kind, index);
    for (int byte = next_byte(&from); byte >= 0; byte = next_byte(&from)) {
        block[len++] = (char)(unsigned char)byte;
        if (len == sizeof block) {
            fhs_buf_add(out, block, len);
            len = 0;
        }
    }
    fhs_buf_add(out, block, len);
}
