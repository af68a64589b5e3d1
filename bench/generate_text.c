/* SPDX-License-Identifier: Apache-2.0 */
#include "generate_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG                                                        \
    ",\"meta\":{\"tag\":[{\"system\":\"https://smarthealthit.org/" \
    "tags\",\"code\":\"synthea-5-2019\"}]}}"

/* ---- random numbers ---- */

static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

uint64_t gen_draw(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    return mix(*state);
}

/* Below @a bound, which is above 0. */
uint32_t gen_pick(generator *g, uint32_t bound)
{
    return (uint32_t)(((gen_draw(&g->state) >> 32) * bound) >> 32);
}

bool gen_happens(generator *g, uint32_t per_mille)
{
    return gen_pick(g, 1000) < per_mille;
}

/* How often something with a mean in thousandths happens this time. */
uint32_t gen_times(generator *g, uint32_t per_mille)
{
    return per_mille / 1000 + (gen_happens(g, per_mille % 1000) ? 1 : 0);
}

const gen_code *gen_pick_code(generator *g, const gen_table *table)
{
    uint32_t at = gen_pick(g, table->total);
    size_t i = 0;
    while (i + 1 < table->count && at >= table->items[i].weight) {
        at -= table->items[i].weight;
        i++;
    }
    return &table->items[i];
}

static gen_id id_from(uint64_t *state)
{
    gen_id id;
    uint64_t a = gen_draw(state);
    uint64_t b = gen_draw(state);
    (void)snprintf(id.text, sizeof id.text, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
                   (unsigned)(a >> 16) & 0xFFFFu, (unsigned)a & 0xFFFu,
                   ((unsigned)(b >> 48) & 0x3FFFu) | 0x8000u,
                   (unsigned long long)(b & UINT64_C(0xFFFFFFFFFFFF)));
    return id;
}

gen_id gen_new_id(generator *g)
{
    return id_from(&g->state);
}

uint64_t gen_stream_of(uint64_t seed, int64_t patient, unsigned which)
{
    return mix(mix(seed + 1) ^ ((uint64_t)patient * 8 + which));
}

gen_id gen_id_of(const generator *g, int64_t patient, unsigned which)
{
    uint64_t state = gen_stream_of(g->seed, patient, which);
    return id_from(&state);
}

/* ---- text ---- */

static void reserve(gen_text *text, size_t more)
{
    if (text->capacity - text->len >= more) {
        return;
    }
    size_t wanted = text->capacity * 2 + more + 65536;
    char *grown = realloc(text->ptr, wanted);
    if (grown == NULL) {
        (void)fprintf(stderr, "bench: no memory\n");
        exit(1);
    }
    text->ptr = grown;
    text->capacity = wanted;
}

static void add_bytes(gen_text *text, const char *bytes, size_t len)
{
    reserve(text, len);
    memcpy(text->ptr + text->len, bytes, len);
    text->len += len;
}

void gen_add_text(gen_text *text, const char *string)
{
    add_bytes(text, string, strlen(string));
}

static void add_number(gen_text *text, int64_t number, int width)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = number < 0 ? (uint64_t)-number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
        width--;
    } while (rest > 0 || width > 0);
    if (number < 0) {
        digits[--at] = '-';
    }
    add_bytes(text, digits + at, sizeof digits - at);
}

static void add_decimal(gen_text *text, int64_t value, int decimals)
{
    int64_t scale = 1;
    for (int i = 0; i < decimals; i++) {
        scale *= 10;
    }
    add_number(text, value / scale, 1);
    if (decimals > 0) {
        gen_add_text(text, ".");
        add_number(text, value % scale, decimals);
    }
}

/* Days since 1970 as year, month and day of the Gregorian calendar. */
static void add_date(gen_text *text, int64_t seconds)
{
    int64_t days = seconds / SECONDS_A_DAY - (seconds % SECONDS_A_DAY < 0 ? 1 : 0) + 719468;
    int64_t era = days / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * of_year + 2) / 153;
    int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    add_number(text, year_of_era + era * 400 + (month <= 2 ? 1 : 0), 4);
    gen_add_text(text, "-");
    add_number(text, month, 2);
    gen_add_text(text, "-");
    add_number(text, of_year - (153 * shifted + 2) / 5 + 1, 2);
}

void gen_add_time(gen_text *text, int64_t seconds, int64_t milliseconds)
{
    int64_t of_day = (seconds % SECONDS_A_DAY + SECONDS_A_DAY) % SECONDS_A_DAY;
    add_date(text, seconds);
    gen_add_text(text, "T");
    add_number(text, of_day / 3600, 2);
    gen_add_text(text, ":");
    add_number(text, of_day / 60 % 60, 2);
    gen_add_text(text, ":");
    add_number(text, of_day % 60, 2);
    if (milliseconds >= 0) {
        gen_add_text(text, ".");
        add_number(text, milliseconds, 3);
    }
    gen_add_text(text, "+00:00");
}

/*
 * %s text, %n number (int64_t), %d a date, %t a time (seconds as int64_t), %k a CodeableConcept
 * (its system, then the gen_code), %f the value of a decimal (int64_t) and its places (int).
 */
void gen_say(generator *g, const char *format, ...)
{
    gen_text *out = g->out;
    va_list args;
    va_start(args, format);
    for (const char *at = format; *at != '\0'; at++) {
        size_t plain = strcspn(at, "%");
        add_bytes(out, at, plain);
        at += plain;
        if (*at == '\0') {
            break;
        }
        at++;
        if (*at == 's') {
            gen_add_text(out, va_arg(args, const char *));
        } else if (*at == 'n') {
            add_number(out, va_arg(args, int64_t), 1);
        } else if (*at == 'd') {
            add_date(out, va_arg(args, int64_t));
        } else if (*at == 't') {
            gen_add_time(out, va_arg(args, int64_t), -1);
        } else if (*at == 'f') {
            int64_t value = va_arg(args, int64_t);
            add_decimal(out, value, va_arg(args, int));
        } else if (*at == 'k') {
            const char *system = va_arg(args, const char *);
            const gen_code *code = va_arg(args, const gen_code *);
            gen_say(g,
                    "{\"coding\":[{\"system\":\"%s\",\"code\":\"%s\",\"display\":\"%s\"}],"
                    "\"text\":\"%s\"}",
                    system, code->code, code->display, code->display);
        }
    }
    va_end(args);
}

/* A resource begins; false when the last one has been written. */
bool gen_begin(generator *g, const char *type, const gen_id *id)
{
    if (g->left == 0) {
        return false;
    }
    gen_say(g, "{\"resourceType\":\"%s\",\"id\":\"%s\"", type, id->text);
    return true;
}

void gen_finish(generator *g)
{
    gen_add_text(g->out, TAG "\n");
    g->left--;
    g->written++;
}
