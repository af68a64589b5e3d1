/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of a number or quantity as sort keys. */
#include "index/index.h"

/* Behind (low) or before (high) a number's own key, but before or behind every other number's. */
static size_t key_of_end(const fhs_decimal *end, bool is_open, bool is_high,
                         uint8_t out[FHS_INTERVAL_KEY_MAX])
{
    size_t len = fhs_decimal_sort_key(end, out);
    if (is_open && is_high) {
        out[len - 1]--;
        out[len++] = 0xFF;
    } else if (is_open) {
        out[len++] = 0x01;
    }
    return len;
}

void fhs_entry_interval(const fhs_entry *entry, fhs_interval_key *out)
{
    static const uint8_t above_all[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    out->low_len = 0;
    out->high_len = 0;
    if (!entry->no_low) {
        out->low_len = key_of_end(&entry->low, entry->open_low, false, out->low);
    }
    if (!entry->is_interval) {
        return;
    }
    if (entry->no_high) {
        memcpy(out->high, above_all, sizeof above_all);
        out->high_len = sizeof above_all;
    } else {
        out->high_len = key_of_end(&entry->high, entry->open_high, true, out->high);
    }
}
