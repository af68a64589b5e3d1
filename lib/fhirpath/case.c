/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upper and lower case of single characters, the same in every locale: Latin, Greek, Cyrillic,
 * Armenian, Georgian capitals excepted. Special cases that change the length (ß) stay as they are.
 */
#include "base/compiler.h"
#include "fhirpath/regex_internal.h"

/* Capitals from `low` to `high`; the small letter is `offset` further. */
typedef struct case_range {
    uint32_t low;
    uint32_t high;
    uint32_t offset;
} case_range;

static const case_range case_ranges[] = {
    {'A', 'Z', 32},       {0xC0, 0xD6, 32},       {0xD8, 0xDE, 32},     {0x391, 0x3A1, 32},
    {0x3A3, 0x3AB, 32},   {0x388, 0x38A, 37},     {0x386, 0x386, 38},   {0x38C, 0x38C, 64},
    {0x38E, 0x38F, 63},   {0x410, 0x42F, 32},     {0x400, 0x40F, 80},   {0x531, 0x556, 48},
    {0xFF21, 0xFF3A, 32}, {0x10400, 0x10427, 40}, {0x2160, 0x216F, 16}, {0x24B6, 0x24CF, 26},
};

/* Pairs that alternate: the capital even (odd = false) or odd. */
typedef struct case_pairs {
    uint32_t low;
    uint32_t high;
    bool odd;
} case_pairs;

static const case_pairs pair_ranges[] = {
    {0x100, 0x12F, false}, {0x132, 0x137, false}, {0x139, 0x148, true},    {0x14A, 0x177, false},
    {0x179, 0x17E, true},  {0x1CD, 0x1DC, true},  {0x1DE, 0x1EF, false},   {0x1F8, 0x21F, false},
    {0x222, 0x233, false}, {0x3D8, 0x3EF, false}, {0x460, 0x481, false},   {0x48A, 0x4BF, false},
    {0x4C1, 0x4CE, true},  {0x4D0, 0x52F, false}, {0x1E00, 0x1E95, false}, {0x1EA0, 0x1EFF, false},
};

uint32_t fhs_fp_lower(uint32_t code)
{
    for (size_t i = 0; i < FHS_COUNT_OF(case_ranges); i++) {
        if (code >= case_ranges[i].low && code <= case_ranges[i].high) {
            return code + case_ranges[i].offset;
        }
    }
    for (size_t i = 0; i < FHS_COUNT_OF(pair_ranges); i++) {
        if (code >= pair_ranges[i].low && code <= pair_ranges[i].high) {
            return ((code & 1) != 0) == pair_ranges[i].odd ? code + 1 : code;
        }
    }
    return code == 0x178 ? 0xFF : code;
}

uint32_t fhs_fp_upper(uint32_t code)
{
    for (size_t i = 0; i < FHS_COUNT_OF(case_ranges); i++) {
        uint32_t capital = code - case_ranges[i].offset;
        if (code >= case_ranges[i].offset && capital >= case_ranges[i].low &&
            capital <= case_ranges[i].high) {
            return capital;
        }
    }
    for (size_t i = 0; i < FHS_COUNT_OF(pair_ranges); i++) {
        if (code >= pair_ranges[i].low && code <= pair_ranges[i].high) {
            return ((code & 1) != 0) == pair_ranges[i].odd ? code : code - 1;
        }
    }
    return code == 0xFF ? 0x178 : code == 0x3C2 ? 0x3A3 : code;
}
