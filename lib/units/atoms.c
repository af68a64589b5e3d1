/* SPDX-License-Identifier: Apache-2.0 */
/* The table of units and prefixes. */
#include <string.h>

#include "units/units_internal.h"

#define ATOM_METRIC  1u
#define ATOM_OFFSET  2u
#define ATOM_SPECIAL 4u

/* A row of the generated table; texts are places and lengths in atom_pool. */
typedef struct unit_atom {
    uint16_t code_at;
    uint8_t code_len;
    uint16_t numerator_at;
    uint8_t numerator_len;
    uint16_t denominator_at;
    uint8_t denominator_len; /* 0: the denominator is 1 */
    uint16_t offset_at;
    uint8_t offset_len;
    uint8_t flags;
    uint8_t arbitrary;
    int8_t pi_power;
    int8_t powers[FHS_UNIT_BASES];
} unit_atom;

#include "units/gen/ucum_tables.inc"

static const struct unit_prefix {
    char code[3];
    int8_t power;
} unit_prefixes[] = {
    {"Q", 30},  {"R", 27},  {"Y", 24},  {"Z", 21},  {"E", 18},  {"P", 15},  {"T", 12},  {"G", 9},
    {"M", 6},   {"k", 3},   {"h", 2},   {"d", -1},  {"c", -2},  {"m", -3},  {"u", -6},  {"n", -9},
    {"p", -12}, {"f", -15}, {"a", -18}, {"z", -21}, {"y", -24}, {"r", -27}, {"q", -30},
};

static const struct binary_prefix {
    char code[3];
    const char *factor;
} binary_prefixes[] = {
    {"Ki", "1024"}, {"Mi", "1048576"}, {"Gi", "1073741824"}, {"Ti", "1099511627776"}};

static fhs_str pool_text(uint16_t at, uint8_t len)
{
    return fhs_str_of(atom_pool + at, len);
}

/* The row whose code is @a symbol, or NULL. Rows are sorted by their bytes. */
static const unit_atom *find_row(fhs_str symbol)
{
    unsigned char byte = symbol.len == 0 ? 0xFF : (unsigned char)symbol.ptr[0];
    if (byte >= 128) {
        return NULL;
    }
    size_t low = atom_first[byte];
    size_t high = atom_first[byte + 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const unit_atom *row = &atoms[middle];
        int order = fhs_str_compare(pool_text(row->code_at, row->code_len), symbol);
        if (order == 0) {
            return row;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static const unit_atom *find_metric_row(fhs_str symbol, size_t prefix_len)
{
    const unit_atom *row = find_row(fhs_str_from(symbol, prefix_len));
    return row != NULL && (row->flags & ATOM_METRIC) != 0 ? row : NULL;
}

static bool find_decimal_prefix(char c, int8_t *power_out)
{
    for (size_t i = 0; i < FHS_COUNT_OF(unit_prefixes); i++) {
        if (unit_prefixes[i].code[0] == c) {
            *power_out = unit_prefixes[i].power;
            return true;
        }
    }
    return false;
}

void fhs_unit_set_one(fhs_unit *out)
{
    memset(out, 0, sizeof *out);
    out->numerator = fhs_decimal_from_i64(1);
    out->denominator = out->numerator;
}

static void load_row(const unit_atom *row, fhs_unit *out)
{
    fhs_unit_set_one(out);
    (void)fhs_decimal_parse(pool_text(row->numerator_at, row->numerator_len), &out->numerator);
    if (row->denominator_len > 0) {
        (void)fhs_decimal_parse(pool_text(row->denominator_at, row->denominator_len),
                                &out->denominator);
    }
    memcpy(out->powers, row->powers, sizeof out->powers);
    out->pi_power = row->pi_power;
    if (row->arbitrary != 0) {
        out->arbitrary_count = 1;
        out->arbitrary[0] = row->arbitrary;
        out->arbitrary_powers[0] = 1;
    }
    if ((row->flags & ATOM_OFFSET) != 0) {
        out->offset_atom = (uint16_t)(row - atoms + 1);
    }
}

/* The prefix of a linear unit applies to the value before the offset, so it is kept apart. */
static void apply_prefix(fhs_unit *unit, int8_t power)
{
    if (unit->offset_atom != 0) {
        unit->offset_prefix = power;
    } else {
        unit->numerator.exponent += power;
    }
}

static bool find_binary(fhs_str symbol, fhs_unit *out, const unit_atom **row_out)
{
    for (size_t i = 0; i < FHS_COUNT_OF(binary_prefixes); i++) {
        fhs_str prefix = fhs_str_of(binary_prefixes[i].code, 2);
        const unit_atom *row = NULL;
        if (fhs_str_starts_with(symbol, prefix)) {
            row = find_metric_row(symbol, prefix.len);
        }
        if (row != NULL && (row->flags & ATOM_OFFSET) == 0) {
            fhs_decimal factor;
            load_row(row, out);
            (void)fhs_decimal_parse(fhs_str_from_cstr(binary_prefixes[i].factor), &factor);
            *row_out = row;
            return fhs_decimal_mul(&out->numerator, &factor, &out->numerator);
        }
    }
    return false;
}

bool fhs_unit_find_atom(fhs_str symbol, fhs_unit *out, bool *is_special)
{
    const unit_atom *row = find_row(symbol);
    int8_t power = 0;
    *is_special = false;
    if (row == NULL && fhs_str_starts_with(symbol, FHS_LIT("da"))) {
        row = find_metric_row(symbol, 2);
        power = 1;
    }
    if (row == NULL && symbol.len > 1 && find_decimal_prefix(symbol.ptr[0], &power)) {
        row = find_metric_row(symbol, 1);
    }
    if (row != NULL) {
        load_row(row, out);
        apply_prefix(out, power);
    } else if (!find_binary(symbol, out, &row)) {
        return false;
    }
    *is_special = (row->flags & ATOM_SPECIAL) != 0;
    return true;
}

fhs_decimal fhs_unit_offset(const fhs_unit *unit)
{
    fhs_decimal offset = fhs_decimal_from_i64(0);
    if (unit->offset_atom != 0) {
        const unit_atom *row = &atoms[unit->offset_atom - 1];
        (void)fhs_decimal_parse(pool_text(row->offset_at, row->offset_len), &offset);
    }
    return offset;
}

fhs_str fhs_unit_arbitrary_code(uint8_t number)
{
    const unit_atom *row = &atoms[arbitrary_atoms[number - 1]];
    return pool_text(row->code_at, row->code_len);
}
