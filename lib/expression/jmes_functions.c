/* SPDX-License-Identifier: Apache-2.0 */
/* JMESPath: the table of functions, and those of texts, arrays and objects. */
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "expression/jmes_internal.h"
#include "expression/number.h"

#define MADE_TEXT_MAX ((size_t)16 * 1024 * 1024)

/* ---- types ---- */

static unsigned type_of(const fhs_json *value)
{
    static const unsigned types[] = {
        [FHS_JSON_NULL] = FHS_JMES_TYPE_NULL,     [FHS_JSON_FALSE] = FHS_JMES_TYPE_BOOLEAN,
        [FHS_JSON_TRUE] = FHS_JMES_TYPE_BOOLEAN,  [FHS_JSON_NUMBER] = FHS_JMES_TYPE_NUMBER,
        [FHS_JSON_STRING] = FHS_JMES_TYPE_STRING, [FHS_JSON_ARRAY] = FHS_JMES_TYPE_ARRAY,
        [FHS_JSON_OBJECT] = FHS_JMES_TYPE_OBJECT,
    };
    return types[value->type];
}

static bool holds_only(const fhs_json *array, fhs_json_type type)
{
    for (uint32_t i = 0; i < array->count; i++) {
        if (array->items[i].type != type) {
            return false;
        }
    }
    return true;
}

static bool has_type(const fhs_json *value, unsigned types)
{
    return (types & type_of(value)) != 0 ||
           (value->type == FHS_JSON_ARRAY &&
            (((types & FHS_JMES_TYPE_NUMBERS) != 0 && holds_only(value, FHS_JSON_NUMBER)) ||
             ((types & FHS_JMES_TYPE_STRINGS) != 0 && holds_only(value, FHS_JSON_STRING))));
}

/* "a number, or an array of strings": what a function wants. */
static void describe_types(unsigned types, char *out, size_t size)
{
    static const struct {
        unsigned type;
        const char *text;
    } names[] = {
        {FHS_JMES_TYPE_NUMBER, "a number"},
        {FHS_JMES_TYPE_STRING, "a string"},
        {FHS_JMES_TYPE_ARRAY, "an array"},
        {FHS_JMES_TYPE_OBJECT, "an object"},
        {FHS_JMES_TYPE_NUMBERS, "an array of numbers"},
        {FHS_JMES_TYPE_STRINGS, "an array of strings"},
    };
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < FHS_COUNT_OF(names); i++) {
        if ((types & names[i].type) != 0) {
            const char *between = len > 0 ? " or " : "";
            size_t more = strlen(between) + strlen(names[i].text);
            if (len + more + 1 > size) {
                return;
            }
            memcpy(out + len, between, strlen(between));
            memcpy(out + len + strlen(between), names[i].text, strlen(names[i].text) + 1);
            len += more;
        }
    }
}

static const fhs_json *refuse_argument(fhs_jmes_run *run, const fhs_jmes_node *call, uint32_t index,
                                       unsigned types)
{
    char wanted[120];
    describe_types(types, wanted, sizeof wanted);
    if (run->status == FHIRSTORE_OK) {
        run->status = fhs_fail(run->err, FHIRSTORE_ERR_EXPRESSION_DATA,
                               "%.*s() at offset %zu wants %s as argument %u", (int)call->name.len,
                               call->name.ptr, call->at, wanted, index + 1);
        fhs_error_at(run->err, call->at, 1, (uint32_t)call->at + 1);
    }
    return NULL;
}

/* ---- texts ---- */

static const fhs_json *made_text(fhs_jmes_run *run, fhs_buf *text)
{
    const fhs_json *value = NULL;
    fhirstore_status status = fhs_buf_status(text);
    if (status == FHIRSTORE_OK) {
        fhs_str copy = fhs_arena_dup(run->run->arena, fhs_buf_str(text));
        if (copy.ptr == NULL) {
            run->status = fhs_expression_no_memory(run->run, text->len, run->err);
        } else {
            value = fhs_jmes_made(run, fhs_expression_make_string(run->run->arena, copy));
        }
    } else if (status == FHIRSTORE_ERR_NO_MEMORY) {
        run->status = fhs_fail_memory(run->err);
    } else {
        run->status = fhs_fail(run->err, FHIRSTORE_ERR_LIMIT,
                               "an expression makes a text of more than %zu bytes", MADE_TEXT_MAX);
    }
    fhs_buf_clear(text);
    return value;
}

static FHS_JMES_BODY(body_contains)
{
    const fhs_json *subject = arguments[0].value;
    const fhs_json *wanted = arguments[1].value;
    (void)call;
    (void)count;
    if (subject->type == FHS_JSON_STRING) {
        /* At worst the wanted text is compared at each place. */
        uint64_t places = FHS_EXPRESSION_BYTES_COST(subject->text.len);
        if (wanted->type == FHS_JSON_STRING &&
            !fhs_jmes_spend(run, places * FHS_EXPRESSION_BYTES_COST(wanted->text.len))) {
            return NULL;
        }
        return fhs_jmes_boolean(wanted->type == FHS_JSON_STRING &&
                                fhs_str_find(subject->text, wanted->text) <= subject->text.len);
    }
    for (uint32_t i = 0; i < subject->count; i++) {
        if (fhs_jmes_equal(run, &subject->items[i], wanted)) {
            return fhs_jmes_boolean(true);
        }
    }
    return run->status == FHIRSTORE_OK ? fhs_jmes_boolean(false) : NULL;
}

static FHS_JMES_BODY(body_ends_with)
{
    (void)run;
    (void)call;
    (void)count;
    return fhs_jmes_boolean(fhs_str_ends_with(arguments[0].value->text, arguments[1].value->text));
}

static FHS_JMES_BODY(body_starts_with)
{
    (void)run;
    (void)call;
    (void)count;
    return fhs_jmes_boolean(
        fhs_str_starts_with(arguments[0].value->text, arguments[1].value->text));
}

static FHS_JMES_BODY(body_join)
{
    const fhs_json *list = arguments[1].value;
    fhs_buf text = FHS_BUF_INIT(MADE_TEXT_MAX);
    (void)call;
    (void)count;
    for (uint32_t i = 0; i < list->count; i++) {
        if (i > 0) {
            fhs_buf_add_str(&text, arguments[0].value->text);
        }
        fhs_buf_add_str(&text, list->items[i].text);
    }
    return made_text(run, &text);
}

static FHS_JMES_BODY(body_to_string)
{
    fhs_buf text = FHS_BUF_INIT(MADE_TEXT_MAX);
    (void)call;
    (void)count;
    if (arguments[0].value->type == FHS_JSON_STRING) {
        return arguments[0].value;
    }
    fhs_expression_write(&text, arguments[0].value);
    return made_text(run, &text);
}

static uint32_t count_code_points(fhs_str text)
{
    uint32_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    }
    return count;
}

static FHS_JMES_BODY(body_length)
{
    const fhs_json *value = arguments[0].value;
    (void)call;
    (void)count;
    return fhs_jmes_made(
        run, fhs_expression_make_integer(run->run->arena, value->type == FHS_JSON_STRING
                                                              ? count_code_points(value->text)
                                                              : value->count));
}

static const fhs_json *reverse_text(fhs_jmes_run *run, fhs_str text)
{
    char *copy = fhs_jmes_alloc(run, text.len + 1);
    if (copy == NULL) {
        return fhs_jmes_made(run, NULL);
    }
    for (size_t at = 0; at < text.len;) {
        size_t from = at;
        fhs_utf8_next(text, &at);
        memcpy(copy + (text.len - at), text.ptr + from, at - from);
    }
    return fhs_jmes_made(run,
                         fhs_expression_make_string(run->run->arena, fhs_str_of(copy, text.len)));
}

static FHS_JMES_BODY(body_reverse)
{
    const fhs_json *value = arguments[0].value;
    (void)call;
    (void)count;
    if (value->type == FHS_JSON_STRING) {
        return reverse_text(run, value->text);
    }
    fhs_json *items = fhs_jmes_items(run, value->count);
    for (uint32_t i = 0; items != NULL && i < value->count; i++) {
        items[i] = value->items[value->count - 1 - i];
    }
    return items == NULL ? NULL : fhs_jmes_array(run, items, value->count);
}

/* ---- arrays and objects ---- */

static FHS_JMES_BODY(body_keys)
{
    const fhs_json *object = arguments[0].value;
    fhs_json *items = fhs_jmes_items(run, object->count);
    (void)call;
    (void)count;
    for (uint32_t i = 0; items != NULL && i < object->count; i++) {
        items[i] = (fhs_json){.type = FHS_JSON_STRING,
                              .begin = FHS_EXPRESSION_MADE,
                              .end = FHS_EXPRESSION_MADE,
                              .text = object->members[i].name};
    }
    return items == NULL ? NULL : fhs_jmes_array(run, items, object->count);
}

static FHS_JMES_BODY(body_values)
{
    const fhs_json *object = arguments[0].value;
    fhs_json *items = fhs_jmes_items(run, object->count);
    (void)call;
    (void)count;
    for (uint32_t i = 0; items != NULL && i < object->count; i++) {
        items[i] = object->members[i].value;
    }
    return items == NULL ? NULL : fhs_jmes_array(run, items, object->count);
}

static FHS_JMES_BODY(body_map)
{
    const fhs_json *list = arguments[1].value;
    fhs_json *items = fhs_jmes_items(run, list->count);
    (void)call;
    (void)count;
    for (uint32_t i = 0; items != NULL && i < list->count; i++) {
        const fhs_json *value = fhs_jmes_eval(run, arguments[0].reference, &list->items[i]);
        if (value == NULL) {
            return NULL;
        }
        items[i] = *value;
    }
    return items == NULL ? NULL : fhs_jmes_array(run, items, list->count);
}

static FHS_JMES_BODY(body_merge)
{
    uint64_t room = 0;
    uint32_t kept = 0;
    (void)call;
    for (uint32_t i = 0; i < count; i++) {
        room += arguments[i].value->count;
    }
    if (!fhs_jmes_spend(run, room)) {
        return NULL;
    }
    fhs_json_member *members = fhs_jmes_alloc(run, (size_t)room * sizeof *members);
    if (members == NULL) {
        return fhs_jmes_made(run, NULL);
    }
    for (uint32_t i = 0; i < count; i++) {
        const fhs_json *object = arguments[i].value;
        for (uint32_t m = 0; m < object->count; m++) {
            uint32_t at = 0;
            if (!fhs_jmes_spend(run, kept)) {
                return NULL;
            }
            while (at < kept && !fhs_str_eq(members[at].name, object->members[m].name)) {
                at++;
            }
            members[at] = object->members[m];
            kept += at == kept;
        }
    }
    return fhs_jmes_object(run, members, kept);
}

static FHS_JMES_BODY(body_not_null)
{
    (void)run;
    (void)call;
    for (uint32_t i = 0; i < count; i++) {
        if (arguments[i].value->type != FHS_JSON_NULL) {
            return arguments[i].value;
        }
    }
    return fhs_jmes_null();
}

static FHS_JMES_BODY(body_to_array)
{
    (void)call;
    (void)count;
    return arguments[0].value->type == FHS_JSON_ARRAY ? arguments[0].value
                                                      : fhs_jmes_array(run, arguments[0].value, 1);
}

static FHS_JMES_BODY(body_to_number)
{
    const fhs_json *value = arguments[0].value;
    int64_t integer = 0;
    double number = 0;
    (void)call;
    (void)count;
    if (value->type == FHS_JSON_NUMBER) {
        return value;
    }
    fhs_str text = value->type == FHS_JSON_STRING ? fhs_str_trim(value->text) : FHS_STR_NONE;
    if (fhs_expression_read_integer(text, &integer)) {
        return fhs_jmes_made(run, fhs_expression_make_integer(run->run->arena, integer));
    }
    /* "NaN" and "Infinity" are words here. */
    char last = (char)(text.len > 0 ? text.ptr[text.len - 1] : '\0');
    if (last == 'N' || last == 'y' || !fhs_expression_read_double(text, &number)) {
        return fhs_jmes_null();
    }
    return fhs_jmes_made(run, fhs_expression_make_double(run->run->arena, number));
}

static FHS_JMES_BODY(body_type)
{
    static const char *const names[] = {"null",   "boolean", "boolean", "number",
                                        "string", "array",   "object"};
    (void)call;
    (void)count;
    return fhs_jmes_made(
        run, fhs_expression_make_string(run->run->arena,
                                        fhs_str_from_cstr(names[arguments[0].value->type])));
}

/* ---- the table ---- */

#define ANY     FHS_JMES_TYPE_ANY
#define NUMBER  FHS_JMES_TYPE_NUMBER
#define STRING  FHS_JMES_TYPE_STRING
#define ARRAY   FHS_JMES_TYPE_ARRAY
#define OBJECT  FHS_JMES_TYPE_OBJECT
#define NUMBERS FHS_JMES_TYPE_NUMBERS
#define STRINGS FHS_JMES_TYPE_STRINGS
#define REF     FHS_JMES_TYPE_REFERENCE

/* Sorted by name, as bytes. */
static const fhs_jmes_function functions[] = {
    {"abs", 1, false, {NUMBER}, fhs_jmes_abs},
    {"add", 2, false, {NUMBER, NUMBER}, fhs_jmes_add},
    {"avg", 1, false, {NUMBERS}, fhs_jmes_avg},
    {"ceil", 1, false, {NUMBER}, fhs_jmes_ceil},
    {"contains", 2, false, {ARRAY | STRING, ANY}, body_contains},
    {"divide", 2, false, {NUMBER, NUMBER}, fhs_jmes_divide},
    {"ends_with", 2, false, {STRING, STRING}, body_ends_with},
    {"floor", 1, false, {NUMBER}, fhs_jmes_floor},
    {"fromUnixTimestamp", 1, false, {NUMBER}, fhs_jmes_from_unix},
    {"fromUnixTimestampMs", 1, false, {NUMBER}, fhs_jmes_from_unix_ms},
    {"insertString", 3, false, {STRING, STRING, NUMBER}, fhs_jmes_insert_string},
    {"join", 2, false, {STRING, STRINGS}, body_join},
    {"keys", 1, false, {OBJECT}, body_keys},
    {"length", 1, false, {STRING | ARRAY | OBJECT}, body_length},
    {"map", 2, false, {REF, ARRAY}, body_map},
    {"max", 1, false, {NUMBERS | STRINGS}, fhs_jmes_max},
    {"max_by", 2, false, {ARRAY, REF}, fhs_jmes_max_by},
    {"merge", 1, true, {OBJECT}, body_merge},
    {"min", 1, false, {NUMBERS | STRINGS}, fhs_jmes_min},
    {"min_by", 2, false, {ARRAY, REF}, fhs_jmes_min_by},
    {"multiply", 2, false, {NUMBER, NUMBER}, fhs_jmes_multiply},
    {"not_null", 1, true, {ANY}, body_not_null},
    {"pow", 2, false, {NUMBER, NUMBER}, fhs_jmes_pow},
    {"reverse", 1, false, {STRING | ARRAY}, body_reverse},
    {"sort", 1, false, {NUMBERS | STRINGS}, fhs_jmes_sort},
    {"sort_by", 2, false, {ARRAY, REF}, fhs_jmes_sort_by},
    {"starts_with", 2, false, {STRING, STRING}, body_starts_with},
    {"subtract", 2, false, {NUMBER, NUMBER}, fhs_jmes_subtract},
    {"sum", 1, false, {NUMBERS}, fhs_jmes_sum},
    {"to_array", 1, false, {ANY}, body_to_array},
    {"to_number", 1, false, {ANY}, body_to_number},
    {"to_string", 1, false, {ANY}, body_to_string},
    {"type", 1, false, {ANY}, body_type},
    {"values", 1, false, {OBJECT}, body_values},
};

const fhs_jmes_function *fhs_jmes_function_find(fhs_str name)
{
    size_t low = 0;
    size_t high = FHS_COUNT_OF(functions);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = fhs_str_compare(name, fhs_str_from_cstr(functions[middle].name));
        if (order == 0) {
            return &functions[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

/* Functions look at the whole of a text, and at the type of each item. */
static uint64_t cost_of_argument(const fhs_json *value)
{
    return value->type == FHS_JSON_STRING  ? FHS_EXPRESSION_BYTES_COST(value->text.len)
           : value->type == FHS_JSON_ARRAY ? FHS_EXPRESSION_MEMBERS_COST(value->count)
                                           : 0;
}

const fhs_json *fhs_jmes_call(fhs_jmes_run *run, const fhs_jmes_node *call, const fhs_json *current)
{
    const fhs_jmes_function *function = call->function;
    fhs_jmes_argument few[FHS_JMES_ARGUMENTS_MAX];
    fhs_jmes_argument *arguments = few;
    uint32_t count = 0;
    if (call->part_count > FHS_JMES_ARGUMENTS_MAX) {
        arguments = fhs_jmes_alloc(run, call->part_count * sizeof *arguments);
        if (arguments == NULL) {
            return fhs_jmes_made(run, NULL);
        }
    }
    for (const fhs_jmes_node *part = call->parts; part != NULL; part = part->next) {
        unsigned types = function->types[count < function->count ? count : function->count - 1];
        arguments[count] = (fhs_jmes_argument){NULL, part->left};
        if ((types & FHS_JMES_TYPE_REFERENCE) == 0) {
            arguments[count].value = fhs_jmes_eval(run, part, current);
            if (arguments[count].value == NULL ||
                !fhs_jmes_spend(run, cost_of_argument(arguments[count].value))) {
                return NULL;
            }
            if (!has_type(arguments[count].value, types)) {
                return refuse_argument(run, call, count, types);
            }
        }
        count++;
    }
    /* What a function gives back is in the run's arena. */
    // cppcheck-suppress returnDanglingLifetime
    return function->body(run, call, arguments, count);
}
