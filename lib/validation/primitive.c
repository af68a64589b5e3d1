/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of FHIR's primitive types. */
#include "base/instant.h"
#include "validation/validation_internal.h"

#define STRING_CHARACTERS_MAX ((size_t)1024 * 1024)

/* What texts say a value of the type must be. */
static const char *const wanted_texts[] = {
    [FHS_PRIMITIVE_BASE64BINARY] = "base64 text",
    [FHS_PRIMITIVE_BOOLEAN] = "true or false",
    [FHS_PRIMITIVE_CANONICAL] = "a canonical URL without white space",
    [FHS_PRIMITIVE_CODE] = "a code: text without leading, trailing or repeated white space",
    [FHS_PRIMITIVE_DATE] = "a date: YYYY, YYYY-MM or YYYY-MM-DD",
    [FHS_PRIMITIVE_DATETIME] = "a dateTime: a date, or YYYY-MM-DDThh:mm:ss with a time zone",
    [FHS_PRIMITIVE_DECIMAL] = "a number",
    [FHS_PRIMITIVE_ID] = "an id: 1 to 64 letters, digits, '-' and '.'",
    [FHS_PRIMITIVE_INSTANT] = "an instant: YYYY-MM-DDThh:mm:ss with a time zone",
    [FHS_PRIMITIVE_INTEGER] = "a whole number of 32 bits",
    [FHS_PRIMITIVE_INTEGER64] = "a string that holds a whole number of 64 bits",
    [FHS_PRIMITIVE_MARKDOWN] = "markdown text: not empty, no control characters, at most 1 MB",
    [FHS_PRIMITIVE_OID] = "an OID: urn:oid: and numbers with dots",
    [FHS_PRIMITIVE_POSITIVE_INT] = "a whole number from 1 to 2147483647",
    [FHS_PRIMITIVE_STRING] = "a string: not empty, no control characters, at most 1 MB",
    [FHS_PRIMITIVE_TIME] = "a time: hh:mm:ss",
    [FHS_PRIMITIVE_UNSIGNED_INT] = "a whole number from 0 to 2147483647",
    [FHS_PRIMITIVE_URI] = "a URI without white space",
    [FHS_PRIMITIVE_URL] = "a URL without white space",
    [FHS_PRIMITIVE_UUID] = "a UUID: urn:uuid: and hexadecimal digits in lower case",
    [FHS_PRIMITIVE_XHTML] = "XHTML",
};

/* ---- strings ---- */

/* The reader refuses bare control characters, so without an escape there can be none. */
static bool is_string(const fhs_json *value)
{
    fhs_str text = value->text;
    if (text.len != (size_t)(value->end - value->begin) - 2) {
        for (size_t i = 0; i < text.len; i++) {
            unsigned char c = (unsigned char)text.ptr[i];
            if (FHS_UNLIKELY(c < 0x20 && c != '\t' && c != '\n' && c != '\r')) {
                return false;
            }
        }
    }
    if (FHS_UNLIKELY(text.len > STRING_CHARACTERS_MAX)) {
        size_t count = 0;
        for (size_t i = 0; i < text.len; i++) {
            count += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
        }
        return count <= STRING_CHARACTERS_MAX;
    }
    return text.len > 0;
}

/* Eight bytes at a time: whether any is a blank or a control character. */
static bool has_white_space(fhs_str text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t found = 0;
    size_t i = 0;
    for (; i + 8 <= text.len; i += 8) {
        uint64_t word;
        memcpy(&word, text.ptr + i, 8);
        found |= (word - ones * 0x21) & ~word & ones * 0x80;
    }
    for (; i < text.len; i++) {
        found |= (unsigned char)text.ptr[i] <= ' ';
    }
    return found != 0;
}

static bool is_code(fhs_str text)
{
    unsigned char before = ' ';
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (FHS_UNLIKELY(c <= ' ' && (c != ' ' || before == ' '))) {
            return false;
        }
        before = c;
    }
    return before != ' ';
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_oid(fhs_str text)
{
    static const fhs_str prefix = FHS_LIT_INIT("urn:oid:");
    fhs_str rest = fhs_str_from(text, prefix.len);
    if (!fhs_str_starts_with(text, prefix) || rest.len < 3 || rest.ptr[0] < '0' ||
        rest.ptr[0] > '2') {
        return false;
    }
    for (size_t i = 1; i < rest.len;) {
        if (rest.ptr[i] != '.') {
            return false;
        }
        size_t begin = ++i;
        while (i < rest.len && is_digit(rest.ptr[i])) {
            i++;
        }
        if (i == begin || (rest.ptr[begin] == '0' && i - begin > 1)) {
            return false;
        }
    }
    return true;
}

static bool is_uuid(fhs_str text)
{
    static const char form[] = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (text.len != sizeof form - 1) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_hex = is_digit(c) || (c >= 'a' && c <= 'f');
        if (form[i] == 'x' ? !is_hex : c != form[i]) {
            return false;
        }
    }
    return true;
}

/* Groups of four, white space between characters allowed, "=" only to fill the last group. */
static bool is_base64(fhs_str text)
{
    size_t count = 0;
    size_t fill = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || is_digit(c) || c == '+' ||
            c == '/') {
            if (fill > 0) {
                return false;
            }
            count++;
        } else if (c == '=') {
            fill++;
        } else if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
            return false;
        }
    }
    return count > 0 && fill <= 2 && (count + fill) % 4 == 0;
}

/* ---- numbers ---- */

/* A whole number without fraction and exponent, within its bounds. */
static bool is_integer(fhs_str text, uint64_t max_below, uint64_t max, uint64_t min)
{
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    fhs_str digits = fhs_str_from(text, is_negative ? 1 : 0);
    uint64_t number;
    return fhs_str_to_u64(digits, is_negative ? max_below : max, &number) &&
           (is_negative || number >= min);
}

/* ---- times ---- */

static bool is_two_digits(const char *at, char tens_max)
{
    return at[0] >= '0' && at[0] <= tens_max && is_digit(at[1]);
}

static bool is_time(fhs_str text)
{
    const char *p = text.ptr;
    if (text.len < 8 || !is_two_digits(p, '2') || (p[0] == '2' && p[1] > '3') || p[2] != ':' ||
        !is_two_digits(p + 3, '5') || p[5] != ':' || !is_two_digits(p + 6, '6') ||
        (p[6] == '6' && p[7] > '0')) {
        return false;
    }
    for (size_t i = 9; i < text.len; i++) {
        if (!is_digit(p[i])) {
            return false;
        }
    }
    return text.len == 8 || (p[8] == '.' && text.len > 9);
}

static bool is_date(fhs_str text, unsigned form)
{
    fhs_date date;
    return fhs_date_parse(text, form, &date);
}

/* ---- all of them ---- */

static bool is_string_form(fhs_primitive primitive, const fhs_json *value)
{
    switch (primitive) {
    case FHS_PRIMITIVE_STRING:
    case FHS_PRIMITIVE_MARKDOWN:
        return is_string(value);
    case FHS_PRIMITIVE_CODE:
        return is_code(value->text);
    case FHS_PRIMITIVE_URI:
    case FHS_PRIMITIVE_URL:
    case FHS_PRIMITIVE_CANONICAL:
        return value->text.len > 0 && !has_white_space(value->text);
    case FHS_PRIMITIVE_DATE:
        return is_date(value->text, FHS_DATE_FORM_DATE);
    case FHS_PRIMITIVE_DATETIME:
        return is_date(value->text, FHS_DATE_FORM_DATETIME);
    case FHS_PRIMITIVE_INSTANT:
        return is_date(value->text, FHS_DATE_FORM_INSTANT);
    case FHS_PRIMITIVE_TIME:
        return is_time(value->text);
    case FHS_PRIMITIVE_ID:
        return fhs_id_is_valid(value->text);
    case FHS_PRIMITIVE_OID:
        return is_oid(value->text);
    case FHS_PRIMITIVE_UUID:
        return is_uuid(value->text);
    case FHS_PRIMITIVE_BASE64BINARY:
        return is_base64(value->text);
    case FHS_PRIMITIVE_INTEGER64:
        return is_integer(value->text, UINT64_C(1) << 63, INT64_MAX, 0);
    default:
        return false;
    }
}

static bool is_number_form(fhs_primitive primitive, const fhs_json *value)
{
    switch (primitive) {
    case FHS_PRIMITIVE_DECIMAL:
        return true;
    case FHS_PRIMITIVE_INTEGER:
        return is_integer(value->text, UINT64_C(1) << 31, INT32_MAX, 0);
    case FHS_PRIMITIVE_UNSIGNED_INT:
        return is_integer(value->text, 0, INT32_MAX, 0);
    case FHS_PRIMITIVE_POSITIVE_INT:
        return value->text.ptr[0] != '-' && is_integer(value->text, 0, INT32_MAX, 1);
    default:
        return false;
    }
}

static bool has_form(fhs_primitive primitive, const fhs_json *value)
{
    switch (value->type) {
    case FHS_JSON_STRING:
        return is_string_form(primitive, value);
    case FHS_JSON_NUMBER:
        return is_number_form(primitive, value);
    case FHS_JSON_TRUE:
    case FHS_JSON_FALSE:
        return primitive == FHS_PRIMITIVE_BOOLEAN;
    default:
        return false;
    }
}

static bool is_right_json(fhs_primitive primitive, const fhs_json *value)
{
    switch (primitive) {
    case FHS_PRIMITIVE_BOOLEAN:
        return value->type == FHS_JSON_TRUE || value->type == FHS_JSON_FALSE;
    case FHS_PRIMITIVE_DECIMAL:
    case FHS_PRIMITIVE_INTEGER:
    case FHS_PRIMITIVE_UNSIGNED_INT:
    case FHS_PRIMITIVE_POSITIVE_INT:
        return value->type == FHS_JSON_NUMBER;
    default:
        return value->type == FHS_JSON_STRING;
    }
}

static void report_form(fhs_check *check, const fhs_place *at, fhs_primitive primitive,
                        const fhs_json *value)
{
    static const char *const json_names[] = {"null",     "a boolean", "a boolean", "a number",
                                             "a string", "an array",  "an object"};
    fhs_str name = fhs_place_name(at);
    if (!is_right_json(primitive, value)) {
        fhs_check_fault(check, at, "structure", "%.*s is %s but must be %s", FHS_STR_ARG(name),
                        json_names[value->type], wanted_texts[primitive]);
    } else {
        fhs_check_fault(check, at, "value", "%.*s must be %s", FHS_STR_ARG(name),
                        wanted_texts[primitive]);
    }
}

/* Element.id is a string in which the specification allows no blanks. */
static bool is_bad_element_id(const fhs_place *at, fhs_primitive primitive, const fhs_json *value)
{
    return primitive == FHS_PRIMITIVE_STRING &&
           (at->property->flags & FHS_ELEMENT_ATTRIBUTE) != 0 && has_white_space(value->text);
}

static void check_xhtml(fhs_check *check, const fhs_place *at, const fhs_json *value)
{
    const char *fault = fhs_xhtml_fault(value->text);
    if (fault != NULL) {
        fhs_str name = fhs_place_name(at);
        fhs_check_fault(check, at, "value", "%.*s %s", FHS_STR_ARG(name), fault);
    }
}

void fhs_check_primitive(fhs_check *check, const fhs_place *at, fhs_type type,
                         const fhs_json *value)
{
    fhs_primitive primitive = fhs_check_primitive_of(check, type);
    if (primitive == FHS_PRIMITIVE_XHTML && value->type == FHS_JSON_STRING) {
        check_xhtml(check, at, value);
    } else if (FHS_UNLIKELY(!has_form(primitive, value))) {
        report_form(check, at, primitive, value);
    } else if (FHS_UNLIKELY(is_bad_element_id(at, primitive, value))) {
        fhs_check_fault(check, at, "value", "the id of an element must not have white space");
    }
}
