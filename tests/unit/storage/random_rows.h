/* SPDX-License-Identifier: Apache-2.0 */
/* Index rows of every kind, from small ranges, so that resources share and repeat them. */
#ifndef FHS_TEST_STORAGE_RANDOM_ROWS_H
#define FHS_TEST_STORAGE_RANDOM_ROWS_H

#include "dice.h"
#include "suite.h"

#include "storage/rows.h"

static const char *const random_texts[] = {"",   "a",    "ab",     "smith",    "8867-4", "\xC3\xA4",
                                           "zz", "a\0b", "active", "\x01\xFF", "x",      "final"};
static const size_t random_lens[] = {0, 1, 2, 5, 6, 2, 2, 3, 6, 2, 1, 5};

static inline fhs_str random_text(dice *d)
{
    size_t at = dice_below(d, FHS_COUNT_OF(random_texts));
    return (fhs_str){random_texts[at], random_lens[at]};
}

static inline fhs_row random_row(dice *d)
{
    fhs_row row = {.kind = (uint8_t)(1 + dice_below(d, FHS_ROW_KIND_COUNT - 1)),
                   .param = 1 + dice_below(d, 5) * 97};
    switch (row.kind) {
    case FHS_ROW_DATE:
        row.a = dice_below(d, 20) == 0 ? INT64_MIN : (int64_t)dice_below(d, 50) * 400000000000;
        row.b = dice_below(d, 20) == 0 ? INT64_MAX
                                       : row.a + (int64_t)dice_below(d, 4) * 500000000000;
        break;
    case FHS_ROW_POSITION:
        row.a = (int64_t)dice_below(d, 180) - 90;
        row.b = (int64_t)dice_below(d, 360) - 180;
        break;
    case FHS_ROW_REFERENCE:
        row.a = 1 + dice_below(d, 4);
        row.extra = dice_below(d, 3) == 0 ? random_text(d) : FHS_STR_NONE;
        break;
    case FHS_ROW_TOKEN:
    case FHS_ROW_QUANTITY:
        row.a = dice_below(d, 4);
        row.text = random_text(d);
        row.extra = dice_below(d, 3) == 0 ? random_text(d) : FHS_STR_NONE;
        break;
    case FHS_ROW_STRING:
    case FHS_ROW_NUMBER:
        row.text = random_text(d);
        row.extra = dice_below(d, 3) == 0 ? random_text(d) : FHS_STR_NONE;
        break;
    default:
        row.text = random_text(d);
        break;
    }
    return row;
}

/* A normalised list of up to @a max rows. */
static inline void random_list(dice *d, uint32_t max, fhs_buf *out)
{
    fhs_buf_reset(out);
    uint32_t count = dice_below(d, max + 1);
    for (uint32_t i = 0; i < count; i++) {
        fhs_row row = random_row(d);
        fhs_row_encode(out, &row);
    }
    ck_assert_int_eq(fhs_row_list_normalise(out, NULL), FHIRSTORE_OK);
}

#endif
