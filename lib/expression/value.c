/* SPDX-License-Identifier: Apache-2.0 */
#include "expression/value.h"

#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "expression/number.h"

/* fhs_json.end of a made value that is an instant. */
#define MADE_INSTANT (FHS_EXPRESSION_MADE - 1)

void fhs_expression_run_init(fhs_expression_run *run, fhs_arena *arena)
{
    *run = (fhs_expression_run){.arena = arena, .steps_left = FHS_LIMIT_IOT_STEPS};
}

/* Small allocations do not say their size. */
#define SMALL_ALLOCATION ((size_t)4096)

fhirstore_status fhs_expression_no_memory(const fhs_expression_run *run, size_t size,
                                          fhirstore_error **err)
{
    size_t left = run->arena->budget;
    if (left >= SMALL_ALLOCATION && left - SMALL_ALLOCATION >= size) {
        return fhs_fail_memory(err);
    }
    return fhs_fail(err, FHIRSTORE_ERR_LIMIT,
                    "the expressions take more than %zu bytes (FHS_LIMIT_IOT_BYTES)",
                    run->arena->max);
}

size_t fhs_expression_text_prefix(fhs_str text)
{
    size_t valid = fhs_utf8_valid_prefix(text);
    size_t nul = fhs_str_find_char(text, '\0', 0);
    return nul < valid ? nul : valid;
}

static fhs_expression_kind kind_of_number(fhs_str lexeme)
{
    int64_t integer;
    if (fhs_expression_is_double(lexeme)) {
        return FHS_EXPRESSION_DOUBLE;
    }
    return fhs_expression_read_integer(lexeme, &integer) ? FHS_EXPRESSION_INTEGER
                                                         : FHS_EXPRESSION_BIG_INTEGER;
}

const char *fhs_expression_type_words(const fhs_json *value)
{
    static const char *const types[] = {"null",     "a boolean", "a boolean", "a number",
                                        "a string", "an array",  "an object"};
    return types[value->type];
}

fhs_expression_kind fhs_expression_kind_of(const fhs_json *value)
{
    switch ((fhs_json_type)value->type) {
    case FHS_JSON_FALSE:
    case FHS_JSON_TRUE:
        return FHS_EXPRESSION_BOOLEAN;
    case FHS_JSON_NUMBER:
        return kind_of_number(value->text);
    case FHS_JSON_STRING:
        return value->begin == FHS_EXPRESSION_MADE && value->end == MADE_INSTANT
                   ? FHS_EXPRESSION_DATE
                   : FHS_EXPRESSION_STRING;
    case FHS_JSON_ARRAY:
        return FHS_EXPRESSION_ARRAY;
    case FHS_JSON_OBJECT:
        return FHS_EXPRESSION_OBJECT;
    case FHS_JSON_NULL:
    default:
        return FHS_EXPRESSION_NULL;
    }
}

bool fhs_expression_integer(const fhs_json *value, int64_t *out)
{
    return value->type == FHS_JSON_NUMBER && fhs_expression_read_integer(value->text, out);
}

bool fhs_expression_double(const fhs_json *value, double *out)
{
    return value->type == FHS_JSON_NUMBER && fhs_expression_read_double(value->text, out);
}

/* ---- made values ---- */

static fhs_json *make_text_value(fhs_arena *arena, fhs_json_type type, fhs_str text)
{
    fhs_json *value = text.ptr == NULL ? NULL : fhs_arena_alloc(arena, sizeof *value);
    if (value != NULL) {
        *value = (fhs_json){.type = (uint8_t)type,
                            .begin = FHS_EXPRESSION_MADE,
                            .end = FHS_EXPRESSION_MADE,
                            .text = text};
    }
    return value;
}

const fhs_json *fhs_expression_make_integer(fhs_arena *arena, int64_t number)
{
    char digits[24];
    fhs_buf text = FHS_BUF_INIT(sizeof digits);
    fhs_buf_add_i64(&text, number);
    const fhs_json *value = NULL;
    if (fhs_buf_status(&text) == FHIRSTORE_OK) {
        value = make_text_value(arena, FHS_JSON_NUMBER, fhs_arena_dup(arena, fhs_buf_str(&text)));
    }
    fhs_buf_clear(&text);
    return value;
}

const fhs_json *fhs_expression_make_double(fhs_arena *arena, double number)
{
    char text[FHS_EXPRESSION_NUMBER_MAX + 2];
    size_t len = fhs_expression_format_double(number, text);
    if (!fhs_expression_is_double(fhs_str_of(text, len))) {
        /* It stays a double when an expression sees it again. */
        text[len++] = '.';
        text[len++] = '0';
    }
    return make_text_value(arena, FHS_JSON_NUMBER, fhs_arena_dup(arena, fhs_str_of(text, len)));
}

const fhs_json *fhs_expression_make_string(fhs_arena *arena, fhs_str text)
{
    return make_text_value(arena, FHS_JSON_STRING, text.ptr == NULL ? FHS_LIT("") : text);
}

const fhs_json *fhs_expression_make_instant(fhs_arena *arena, fhs_str text)
{
    fhs_json *value = make_text_value(arena, FHS_JSON_STRING, text);
    if (value != NULL) {
        value->end = MADE_INSTANT;
    }
    return value;
}

/* ---- out ---- */

static void write_iot_number(fhs_buf *out, fhs_str lexeme)
{
    char last = lexeme.len > 0 ? lexeme.ptr[lexeme.len - 1] : '0';
    if (last == 'N' || last == 'y') {
        fhs_json_write_string(out, lexeme); /* JSON has no number for it */
    } else {
        fhs_buf_add_str(out, lexeme);
    }
}

/* Where the walk stands in one container. */
typedef struct value_level {
    const fhs_json *container;
    uint32_t next;
} value_level;

static void write_value_opening(fhs_buf *out, const fhs_json *value)
{
    static const char *const words[] = {"null", "false", "true"};
    if (value->type == FHS_JSON_NUMBER) {
        write_iot_number(out, value->text);
    } else if (value->type == FHS_JSON_STRING) {
        fhs_json_write_string(out, value->text);
    } else if (value->type >= FHS_JSON_ARRAY) {
        fhs_buf_add_char(out, value->type == FHS_JSON_ARRAY ? '[' : '{');
    } else {
        fhs_buf_add_cstr(out, words[value->type]);
    }
}

/* The next part of the container at @a level, announced; NULL, with its bracket closed: none. */
static const fhs_json *write_next_part(fhs_buf *out, value_level *level)
{
    const fhs_json *container = level->container;
    bool is_array = container->type == FHS_JSON_ARRAY;
    if (level->next == container->count) {
        fhs_buf_add_char(out, is_array ? ']' : '}');
        return NULL;
    }
    if (level->next > 0) {
        fhs_buf_add_char(out, ',');
    }
    uint32_t index = level->next++;
    if (is_array) {
        return &container->items[index];
    }
    fhs_json_write_string(out, container->members[index].name);
    fhs_buf_add_char(out, ':');
    return &container->members[index].value;
}

void fhs_expression_write(fhs_buf *out, const fhs_json *value)
{
    value_level levels[FHS_EXPRESSION_DEPTH_MAX];
    uint32_t depth = 0;
    while (out->failed == FHIRSTORE_OK) {
        write_value_opening(out, value);
        if (value->type >= FHS_JSON_ARRAY) {
            if (depth == FHS_EXPRESSION_DEPTH_MAX) {
                out->failed = FHIRSTORE_ERR_LIMIT;
                return;
            }
            levels[depth++] = (value_level){value, 0};
        }
        value = NULL;
        while (depth > 0 && (value = write_next_part(out, &levels[depth - 1])) == NULL) {
            depth--;
        }
        if (value == NULL) {
            return;
        }
    }
}

/* ---- what a mapping makes of a value ---- */

static fhs_expression_conversion number_to_text(fhs_arena *arena, const fhs_json *value,
                                                unsigned flags, fhs_str *text_out)
{
    char text[FHS_EXPRESSION_NUMBER_MAX];
    size_t len;
    switch (kind_of_number(value->text)) {
    case FHS_EXPRESSION_BIG_INTEGER:
        return FHS_EXPRESSION_REFUSED;
    case FHS_EXPRESSION_INTEGER:
        *text_out = fhs_str_eq(value->text, FHS_LIT("-0")) ? FHS_LIT("0") : value->text;
        return FHS_EXPRESSION_CONVERTED;
    default:
        if ((flags & FHS_EXPRESSION_LEXICAL) != 0 && value->begin != FHS_EXPRESSION_MADE) {
            *text_out = value->text;
            return FHS_EXPRESSION_CONVERTED;
        }
        len = fhs_expression_format_lexeme(value->text, text);
        *text_out = fhs_str_eq(fhs_str_of(text, len), value->text)
                        ? value->text
                        : fhs_arena_dup(arena, fhs_str_of(text, len));
        return text_out->ptr == NULL ? FHS_EXPRESSION_CONVERSION_NO_MEMORY
                                     : FHS_EXPRESSION_CONVERTED;
    }
}

fhs_expression_conversion fhs_expression_to_text(fhs_arena *arena, const fhs_json *value,
                                                 unsigned flags, fhs_str *text_out)
{
    *text_out = FHS_STR_NONE;
    if (value == NULL || value->type == FHS_JSON_NULL) {
        return FHS_EXPRESSION_ABSENT;
    }
    switch ((fhs_json_type)value->type) {
    case FHS_JSON_STRING:
        *text_out = value->text;
        return FHS_EXPRESSION_CONVERTED;
    case FHS_JSON_FALSE:
    case FHS_JSON_TRUE:
        *text_out = value->type == FHS_JSON_TRUE ? FHS_LIT("True") : FHS_LIT("False");
        return FHS_EXPRESSION_CONVERTED;
    case FHS_JSON_NUMBER:
        return number_to_text(arena, value, flags, text_out);
    default:
        return FHS_EXPRESSION_REFUSED;
    }
}

fhs_expression_conversion fhs_expression_to_ticks(const fhs_json *value, int64_t *ticks_out)
{
    *ticks_out = 0;
    if (value == NULL || value->type == FHS_JSON_NULL) {
        return FHS_EXPRESSION_ABSENT;
    }
    return value->type == FHS_JSON_STRING && fhs_expression_parse_time(value->text, ticks_out)
               ? FHS_EXPRESSION_CONVERTED
               : FHS_EXPRESSION_REFUSED;
}
