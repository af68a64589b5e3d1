/* SPDX-License-Identifier: Apache-2.0 */
/* toDate('dd-MM-yyyy') and its kin: text read by a template of format codes. */
#include "fhirpath/functions.h"

typedef struct format_reader {
    fhs_str text;
    size_t at;
    fhs_date *date;
    bool has_year, has_month, has_day, has_hour, has_minute, has_second, has_fraction;
    bool half_day; /* hours count to 12 */
    bool afternoon;
    bool has_half;
} format_reader;

/* Between @a min and @a max digits. */
static bool take_number(format_reader *reader, size_t min, size_t max, unsigned *out)
{
    size_t count = 0;
    unsigned value = 0;
    while (count < max && reader->at < reader->text.len && reader->text.ptr[reader->at] >= '0' &&
           reader->text.ptr[reader->at] <= '9') {
        value = value * 10 + (unsigned)(reader->text.ptr[reader->at++] - '0');
        count++;
    }
    *out = value;
    return count >= min;
}

static bool take_year(format_reader *reader, size_t width)
{
    unsigned value = 0;
    if (!take_number(reader, width == 2 ? 2 : 4, width == 2 ? 2 : 4, &value)) {
        return false;
    }
    if (width == 2) {
        value += value < 50 ? 2000 : 1900;
    }
    reader->date->year = (int32_t)value;
    reader->has_year = true;
    return value >= 1;
}

static bool take_month_name(format_reader *reader, bool full)
{
    static const char *const names[] = {"january",   "february", "march",    "april",
                                        "may",       "june",     "july",     "august",
                                        "september", "october",  "november", "december"};
    fhs_str rest = fhs_str_from(reader->text, reader->at);
    for (size_t i = 0; i < FHS_COUNT_OF(names); i++) {
        fhs_str name = fhs_str_from_cstr(names[i]);
        name.len = full ? name.len : 3;
        if (rest.len >= name.len && fhs_str_eq_ascii_case(fhs_str_of(rest.ptr, name.len), name)) {
            reader->date->month = (uint8_t)(i + 1);
            reader->has_month = true;
            reader->at += name.len;
            return true;
        }
    }
    return false;
}

static bool take_half(format_reader *reader)
{
    char c = (char)(reader->at < reader->text.len ? fhs_ascii_lower(reader->text.ptr[reader->at])
                                                  : 0);
    if (c != 'a' && c != 'p') {
        return false;
    }
    reader->at++;
    if (reader->at < reader->text.len && fhs_ascii_lower(reader->text.ptr[reader->at]) == 'm') {
        reader->at++;
    }
    reader->has_half = true;
    reader->afternoon = c == 'p';
    return true;
}

static bool take_offset(format_reader *reader)
{
    fhs_date *date = reader->date;
    char c = (char)(reader->at < reader->text.len ? reader->text.ptr[reader->at] : 0);
    unsigned hours = 0;
    unsigned minutes = 0;
    reader->at++;
    date->has_zone = true;
    if (c == 'Z') {
        return true;
    }
    if ((c != '+' && c != '-') || !take_number(reader, 2, 2, &hours)) {
        return false;
    }
    if (reader->at < reader->text.len && reader->text.ptr[reader->at] == ':') {
        reader->at++;
    }
    if (!take_number(reader, 2, 2, &minutes) || hours > 14 || minutes > 59) {
        return false;
    }
    date->zone_minutes = (int16_t)(hours * 60 + minutes);
    date->zone_minutes = (int16_t)(c == '-' ? -date->zone_minutes : date->zone_minutes);
    return true;
}

static bool take_fraction_digits(format_reader *reader, size_t width)
{
    int32_t unit = (int32_t)(FHS_TICKS_PER_SECOND / 10);
    for (size_t i = 0; i < width; i++) {
        unsigned digit = 0;
        if (!take_number(reader, 1, 1, &digit)) {
            return false;
        }
        reader->date->fraction_ticks += (int32_t)digit * unit;
        unit /= 10;
    }
    reader->date->fraction_digits = (uint8_t)width;
    reader->has_fraction = true;
    return true;
}

/* One code of @a width equal letters; false: the text does not fit. */
static bool take_code(format_reader *reader, char letter, size_t width, bool *is_code)
{
    unsigned value = 0;
    size_t min = width == 1 ? 1 : 2;
    uint8_t *target = NULL;
    bool *seen = NULL;
    *is_code = true;
    switch (letter) {
    case 'y':
        return take_year(reader, width);
    case 'M':
        if (width > 2) {
            return take_month_name(reader, width > 3);
        }
        target = &reader->date->month;
        seen = &reader->has_month;
        break;
    case 'd':
        target = &reader->date->day;
        seen = &reader->has_day;
        break;
    case 'h':
        reader->half_day = true;
        target = &reader->date->hour;
        seen = &reader->has_hour;
        break;
    case 'H':
        target = &reader->date->hour;
        seen = &reader->has_hour;
        break;
    case 'm':
        target = &reader->date->minute;
        seen = &reader->has_minute;
        break;
    case 's':
        target = &reader->date->second;
        seen = &reader->has_second;
        break;
    case 'S':
        return width <= 9 && take_fraction_digits(reader, width);
    case 'a':
        return take_half(reader);
    case 'Z':
        return take_offset(reader);
    default:
        *is_code = false;
        return true;
    }
    if (width > 2 || !take_number(reader, min, 2, &value)) {
        return false;
    }
    *target = (uint8_t)value;
    *seen = true;
    return true;
}

/* Set the precision from what was given; gaps and impossible values are refused. */
static bool settle_precision(format_reader *reader, fhs_fp_item_kind kind)
{
    fhs_date *date = reader->date;
    bool chain[] = {reader->has_year,   reader->has_month,  reader->has_day,     reader->has_hour,
                    reader->has_minute, reader->has_second, reader->has_fraction};
    size_t from = kind == FHS_ITEM_TIME ? FHS_DATE_HOUR : FHS_DATE_YEAR;
    size_t end = from;
    while (end < FHS_COUNT_OF(chain) && chain[end]) {
        end++;
    }
    for (size_t i = 0; i < FHS_COUNT_OF(chain); i++) {
        if ((i < from || i >= end) && chain[i]) {
            return false;
        }
    }
    if (end == from || (kind == FHS_ITEM_DATE && end > FHS_DATE_HOUR) ||
        (date->has_zone && end <= FHS_DATE_HOUR) || date->hour > 23 || date->minute > 59 ||
        date->second > 59) {
        return false;
    }
    date->precision = (uint8_t)(end - 1);
    if (reader->has_month && (date->month < 1 || date->month > 12)) {
        return false;
    }
    return !reader->has_day ||
           (date->day >= 1 && date->day <= fhs_days_in_month(date->year, date->month));
}

bool fhs_fp_date_parse_format(fhs_str text, fhs_str format, fhs_fp_item_kind kind, fhs_date *out)
{
    *out = (fhs_date){0};
    format_reader reader = {.text = text, .date = out};
    for (size_t at = 0; at < format.len;) {
        size_t width = 1;
        while (at + width < format.len && format.ptr[at + width] == format.ptr[at]) {
            width++;
        }
        bool is_code = false;
        if (!take_code(&reader, format.ptr[at], width, &is_code)) {
            return false;
        }
        for (size_t i = 0; i < width && !is_code; i++) {
            if (reader.at >= text.len || text.ptr[reader.at++] != format.ptr[at]) {
                return false;
            }
        }
        at += width;
    }
    if (reader.at != text.len) {
        return false;
    }
    if (reader.half_day && reader.has_half) {
        if (out->hour < 1 || out->hour > 12) {
            return false;
        }
        out->hour = (uint8_t)(out->hour % 12 + (reader.afternoon ? 12 : 0));
    }
    return settle_precision(&reader, kind);
}
