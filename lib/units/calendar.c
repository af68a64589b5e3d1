/* SPDX-License-Identifier: Apache-2.0 */
/* FHIRPath's words for durations and the UCUM units they come near to. */
#include "units/units.h"

#define WORD(singular, code, is_definite, months, milliseconds)                              \
    {                                                                                        \
        FHS_LIT_INIT(singular), FHS_LIT_INIT(singular "s"), FHS_LIT_INIT(code), is_definite, \
            months, INT64_C(milliseconds)                                                    \
    }

static const fhs_calendar_word calendar_words[] = {
    WORD("year", "a", false, 12, 0),         WORD("month", "mo", false, 1, 0),
    WORD("week", "wk", false, 0, 604800000), WORD("day", "d", false, 0, 86400000),
    WORD("hour", "h", false, 0, 3600000),    WORD("minute", "min", false, 0, 60000),
    WORD("second", "s", true, 0, 1000),      WORD("millisecond", "ms", true, 0, 1),
};

const fhs_calendar_word *fhs_calendar_word_find(fhs_str word)
{
    for (size_t i = 0; i < FHS_COUNT_OF(calendar_words); i++) {
        if (fhs_str_eq(word, calendar_words[i].singular) ||
            fhs_str_eq(word, calendar_words[i].plural)) {
            return &calendar_words[i];
        }
    }
    return NULL;
}
