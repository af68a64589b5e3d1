/* SPDX-License-Identifier: Apache-2.0 */
/* How values compare in a filter: by kind, and where the kinds differ by what converts. */
#include <math.h>

#include "expression/number.h"
#include "expression/path_internal.h"

/* UTF-16 code units: what lies beyond the first plane sorts before U+E000. */
static int compare_code_units(fhs_str a, fhs_str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < len; i++) {
        unsigned char left = (unsigned char)a.ptr[i];
        unsigned char right = (unsigned char)b.ptr[i];
        if (left != right) {
            bool swapped = left >= 0xEE && right >= 0xEE && (left >= 0xF0) != (right >= 0xF0);
            return (left < right) != swapped ? -1 : 1;
        }
    }
    return a.len == b.len ? 0 : (a.len < b.len ? -1 : 1);
}

static int compare_doubles(double a, double b)
{
    const double epsilon = 2.2204460492503131e-16;
    double tolerance = (fabs(a) + fabs(b) + 10.0) * epsilon;
    if (a == b || (a - b < tolerance && b - a < tolerance)) {
        return 0;
    }
    if (isnan(a) || isnan(b)) {
        return isnan(a) ? (isnan(b) ? 0 : -1) : 1; /* sorts below every number */
    }
    return a < b ? -1 : 1;
}

static bool is_double_value(const fhs_json *value)
{
    return value->type == FHS_JSON_NUMBER && fhs_expression_is_double(value->text);
}

static int compare_numbers(const fhs_json *a, const fhs_json *b)
{
    double left = 0;
    double right = 0;
    if (!is_double_value(a) && !is_double_value(b)) {
        return fhs_expression_compare_integers(a->text, b->text);
    }
    fhs_expression_double(a, &left);
    fhs_expression_double(b, &right);
    return compare_doubles(left, right);
}

static bool is_boolean(const fhs_json *value)
{
    return value->type == FHS_JSON_TRUE || value->type == FHS_JSON_FALSE;
}

/* Same kind and equal; integers and doubles are of one kind here. */
static bool are_equal(const fhs_json *a, const fhs_json *b)
{
    if (a->type != b->type) {
        return false;
    }
    if (a->type == FHS_JSON_NUMBER) {
        return compare_numbers(a, b) == 0;
    }
    return a->type != FHS_JSON_STRING || fhs_str_eq(a->text, b->text);
}

/* ---- order ---- */

static bool to_integer(const fhs_json *value, int64_t *out)
{
    if (is_boolean(value)) {
        *out = value->type == FHS_JSON_TRUE;
        return true;
    }
    return (value->type == FHS_JSON_STRING || value->type == FHS_JSON_NUMBER) &&
           fhs_expression_read_integer(fhs_str_trim(value->text), out);
}

static bool to_double(const fhs_json *value, double *out)
{
    if (is_boolean(value)) {
        *out = value->type == FHS_JSON_TRUE;
        return true;
    }
    return (value->type == FHS_JSON_STRING || value->type == FHS_JSON_NUMBER) &&
           fhs_expression_read_double(fhs_str_trim(value->text), out);
}

static bool to_boolean(const fhs_json *value, bool *out)
{
    double number = 0;
    if (is_boolean(value)) {
        *out = value->type == FHS_JSON_TRUE;
        return true;
    }
    if (value->type == FHS_JSON_NUMBER) {
        *out = fhs_expression_double(value, &number) && number != 0;
        return true;
    }
    fhs_str text = fhs_str_trim(value->text);
    *out = fhs_str_eq_ascii_case(text, FHS_LIT("true"));
    return *out || fhs_str_eq_ascii_case(text, FHS_LIT("false"));
}

/* Both as the number that @a kind is; false: one of them is none. */
static bool order_as_numbers(const fhs_json *kind, const fhs_json *a, const fhs_json *b,
                             int *order_out)
{
    int64_t left = 0;
    int64_t right = 0;
    double left_double = 0;
    double right_double = 0;
    if (a->type == FHS_JSON_NUMBER && b->type == FHS_JSON_NUMBER) {
        *order_out = compare_numbers(a, b);
        return true;
    }
    if (is_double_value(kind)) {
        if (!to_double(a, &left_double) || !to_double(b, &right_double)) {
            return false;
        }
        *order_out = compare_doubles(left_double, right_double);
        return true;
    }
    if (!to_integer(a, &left) || !to_integer(b, &right)) {
        return false;
    }
    *order_out = left == right ? 0 : (left < right ? -1 : 1);
    return true;
}

/* The text of a scalar that is compared with a string. */
static fhs_str text_of_scalar(const fhs_json *value, char buffer[FHS_EXPRESSION_NUMBER_MAX])
{
    if (is_boolean(value)) {
        return value->type == FHS_JSON_TRUE ? FHS_LIT("True") : FHS_LIT("False");
    }
    if (is_double_value(value)) {
        return fhs_str_of(buffer, fhs_expression_format_lexeme(value->text, buffer));
    }
    return value->text;
}

/* False: one of them does not convert to the kind of the other. */
static bool find_order(const fhs_json *a, const fhs_json *b, int *order_out)
{
    char buffer[FHS_EXPRESSION_NUMBER_MAX];
    bool left = false;
    bool right = false;
    if (a->type == FHS_JSON_NULL || b->type == FHS_JSON_NULL) {
        *order_out = a->type == b->type ? 0 : (a->type == FHS_JSON_NULL ? -1 : 1);
        return true;
    }
    /* The left side says the kind, unless it is a string and the right side is none. */
    const fhs_json *kind = a->type == FHS_JSON_STRING ? b : a;
    if (kind->type == FHS_JSON_NUMBER) {
        return order_as_numbers(kind, a, b, order_out);
    }
    if (kind->type == FHS_JSON_STRING) {
        *order_out = compare_code_units(a->text, text_of_scalar(b, buffer));
        return true;
    }
    if (!to_boolean(a, &left) || !to_boolean(b, &right)) {
        return false;
    }
    *order_out = (int)left - (int)right;
    return true;
}

static bool order_holds(fhs_path_operator op, int order)
{
    switch (op) {
    case FHS_PATH_LESS:
        return order < 0;
    case FHS_PATH_LESS_OR_EQUAL:
        return order <= 0;
    case FHS_PATH_GREATER:
        return order > 0;
    default:
        return order >= 0;
    }
}

fhirstore_status fhs_path_compare(fhs_path_operator op, fhs_path_token left, fhs_path_token right,
                                  bool *holds_out, fhirstore_error **err)
{
    int order = 0;
    bool scalars = !left.is_member && !right.is_member && left.value->type < FHS_JSON_ARRAY &&
                   right.value->type < FHS_JSON_ARRAY;
    *holds_out = !scalars && op == FHS_PATH_NOT_EQUAL;
    if (!scalars) {
        return FHIRSTORE_OK;
    }
    switch (op) {
    case FHS_PATH_EQUAL:
    case FHS_PATH_SAME:
        *holds_out = are_equal(left.value, right.value);
        return FHIRSTORE_OK;
    case FHS_PATH_NOT_EQUAL:
    case FHS_PATH_NOT_SAME:
        *holds_out = !are_equal(left.value, right.value);
        return FHIRSTORE_OK;
    default:
        break;
    }
    if (!find_order(left.value, right.value, &order)) {
        return fhs_fail(err, FHIRSTORE_ERR_EXPRESSION_DATA,
                        "a comparison by size wants both sides to be of one kind, and a text does "
                        "not say such a value");
    }
    *holds_out = order_holds(op, order);
    return FHIRSTORE_OK;
}
