/* SPDX-License-Identifier: Apache-2.0 */
/* The table of functions, in alphabetical order. */
#include "fhirpath/functions.h"

/* Longest list of arguments: sort(), coalesce(), checkModifiers(). */
#define MANY 64

#define ORDER     FHS_FN_ORDER
#define TYPE      FHS_FN_TYPE
#define STRING    FHS_FN_STRING
#define UNORDERED FHS_FN_UNORDERED
#define SAME      FHS_FN_SAME
#define SCOPED    FHS_FN_SCOPED

static const fhs_fp_function functions[] = {
    {"abs", fhs_fp_fn_abs, 0, 0, 0, FHS_ITEM_NODE, 2},
    {"aggregate", fhs_fp_fn_aggregate, 1, 2, SCOPED, FHS_ITEM_NODE, 0},
    {"all", fhs_fp_fn_all, 1, 1, SCOPED, FHS_ITEM_BOOLEAN, 0},
    {"allFalse", fhs_fp_fn_all_false, 0, 0, 0, FHS_ITEM_BOOLEAN, 0},
    {"allTrue", fhs_fp_fn_all_true, 0, 0, 0, FHS_ITEM_BOOLEAN, 0},
    {"anyFalse", fhs_fp_fn_any_false, 0, 0, 0, FHS_ITEM_BOOLEAN, 0},
    {"anyTrue", fhs_fp_fn_any_true, 0, 0, 0, FHS_ITEM_BOOLEAN, 0},
    {"as", fhs_fp_fn_as, 1, 1, TYPE, FHS_ITEM_NODE, 2},
    {"avg", fhs_fp_fn_avg, 0, 0, 0, FHS_ITEM_NODE, 0},
    {"ceiling", fhs_fp_fn_ceiling, 0, 0, 0, FHS_ITEM_NODE, 2},
    {"checkModifiers", fhs_fp_fn_check_modifiers, 0, MANY, SAME, FHS_ITEM_NODE, 0},
    {"children", fhs_fp_fn_children, 0, 0, UNORDERED, FHS_ITEM_NODE, 0},
    {"coalesce", fhs_fp_fn_coalesce, 1, MANY, 0, FHS_ITEM_NODE, 0},
    {"combine", fhs_fp_fn_combine, 1, 2, 0, FHS_ITEM_NODE, 0},
    {"comparable", fhs_fp_fn_comparable, 1, 1, 0, FHS_ITEM_BOOLEAN, 0},
    {"conformsTo", fhs_fp_fn_conforms_to, 1, 1, 0, FHS_ITEM_BOOLEAN, 0},
    {"contains", fhs_fp_fn_contains, 1, 1, STRING, FHS_ITEM_BOOLEAN, 2},
    {"convertsToBoolean", fhs_fp_fn_converts_to_boolean, 0, 0, 0, FHS_ITEM_BOOLEAN, 2},
    {"convertsToDate", fhs_fp_fn_converts_to_date, 0, 1, 0, FHS_ITEM_BOOLEAN, 2},
    {"convertsToDateTime", fhs_fp_fn_converts_to_datetime, 0, 1, 0, FHS_ITEM_BOOLEAN, 2},
    {"convertsToDecimal", fhs_fp_fn_converts_to_decimal, 0, 0, 0, FHS_ITEM_BOOLEAN, 2},
    {"convertsToInteger", fhs_fp_fn_converts_to_integer, 0, 0, 0, FHS_ITEM_BOOLEAN, 2},
    {"convertsToLong", fhs_fp_fn_converts_to_long, 0, 0, 0, FHS_ITEM_BOOLEAN, 2},
    {"convertsToQuantity", fhs_fp_fn_converts_to_quantity, 0, 1, 0, FHS_ITEM_BOOLEAN, 2},
    {"convertsToString", fhs_fp_fn_converts_to_string, 0, 0, 0, FHS_ITEM_BOOLEAN, 2},
    {"convertsToTime", fhs_fp_fn_converts_to_time, 0, 1, 0, FHS_ITEM_BOOLEAN, 2},
    {"count", fhs_fp_fn_count, 0, 0, 0, FHS_ITEM_INTEGER, 0},
    {"dateOf", fhs_fp_fn_date_of, 0, 0, 0, FHS_ITEM_DATE, 2},
    {"dayOf", fhs_fp_fn_day_of, 0, 0, 0, FHS_ITEM_INTEGER, 2},
    {"decode", fhs_fp_fn_decode, 1, 1, STRING, FHS_ITEM_STRING, 2},
    {"defineVariable", fhs_fp_fn_define_variable, 1, 2, SAME | SCOPED, FHS_ITEM_NODE, 0},
    {"descendants", fhs_fp_fn_descendants, 0, 0, UNORDERED, FHS_ITEM_NODE, 0},
    {"difference", fhs_fp_fn_difference, 2, 2, 0, FHS_ITEM_INTEGER, 0},
    {"distinct", fhs_fp_fn_distinct, 0, 0, SAME, FHS_ITEM_NODE, 0},
    {"duration", fhs_fp_fn_duration, 2, 2, 0, FHS_ITEM_INTEGER, 0},
    {"empty", fhs_fp_fn_empty, 0, 0, 0, FHS_ITEM_BOOLEAN, 1},
    {"encode", fhs_fp_fn_encode, 1, 1, STRING, FHS_ITEM_STRING, 2},
    {"endsWith", fhs_fp_fn_ends_with, 1, 1, STRING, FHS_ITEM_BOOLEAN, 2},
    {"escape", fhs_fp_fn_escape, 1, 1, STRING, FHS_ITEM_STRING, 2},
    {"exclude", fhs_fp_fn_exclude, 1, 1, SAME, FHS_ITEM_NODE, 0},
    {"exists", fhs_fp_fn_exists, 0, 1, SCOPED, FHS_ITEM_BOOLEAN, 1},
    {"exp", fhs_fp_fn_exp, 0, 0, 0, FHS_ITEM_DECIMAL, 2},
    {"extension", fhs_fp_fn_extension, 1, 1, 0, FHS_ITEM_NODE, 0},
    {"first", fhs_fp_fn_first, 0, 0, SAME | ORDER, FHS_ITEM_NODE, 1},
    {"floor", fhs_fp_fn_floor, 0, 0, 0, FHS_ITEM_NODE, 2},
    {"getValue", fhs_fp_fn_get_value, 0, 0, 0, FHS_ITEM_NODE, 2},
    {"hasExtension", fhs_fp_fn_has_extension, 1, 1, 0, FHS_ITEM_BOOLEAN, 0},
    {"hasValue", fhs_fp_fn_has_value, 0, 0, 0, FHS_ITEM_BOOLEAN, 2},
    {"highBoundary", fhs_fp_fn_high_boundary, 0, 1, 0, FHS_ITEM_NODE, 2},
    {"hourOf", fhs_fp_fn_hour_of, 0, 0, 0, FHS_ITEM_INTEGER, 2},
    {"htmlChecks", fhs_fp_fn_html_checks, 0, 0, 0, FHS_ITEM_BOOLEAN, 0},
    {"htmlChecks2", fhs_fp_fn_html_checks2, 0, 0, 0, FHS_ITEM_BOOLEAN, 0},
    {"iif", fhs_fp_fn_iif, 2, 3, SCOPED, FHS_ITEM_NODE, 0},
    {"indexOf", fhs_fp_fn_index_of, 1, 1, STRING, FHS_ITEM_INTEGER, 2},
    {"intersect", fhs_fp_fn_intersect, 1, 1, SAME, FHS_ITEM_NODE, 0},
    {"is", fhs_fp_fn_is, 1, 1, TYPE, FHS_ITEM_BOOLEAN, 2},
    {"isDistinct", fhs_fp_fn_is_distinct, 0, 0, 0, FHS_ITEM_BOOLEAN, 0},
    {"join", fhs_fp_fn_join, 0, 1, 0, FHS_ITEM_STRING, 0},
    {"last", fhs_fp_fn_last, 0, 0, SAME | ORDER, FHS_ITEM_NODE, 0},
    {"lastIndexOf", fhs_fp_fn_last_index_of, 1, 1, STRING, FHS_ITEM_INTEGER, 2},
    {"length", fhs_fp_fn_length, 0, 0, STRING, FHS_ITEM_INTEGER, 2},
    {"ln", fhs_fp_fn_ln, 0, 0, 0, FHS_ITEM_DECIMAL, 2},
    {"log", fhs_fp_fn_log, 1, 1, 0, FHS_ITEM_DECIMAL, 2},
    {"lowBoundary", fhs_fp_fn_low_boundary, 0, 1, 0, FHS_ITEM_NODE, 2},
    {"lower", fhs_fp_fn_lower, 0, 0, STRING, FHS_ITEM_STRING, 2},
    {"matches", fhs_fp_fn_matches, 1, 2, STRING, FHS_ITEM_BOOLEAN, 2},
    {"matchesFull", fhs_fp_fn_matches_full, 1, 2, STRING, FHS_ITEM_BOOLEAN, 2},
    {"max", fhs_fp_fn_max, 0, 0, 0, FHS_ITEM_NODE, 0},
    {"memberOf", fhs_fp_fn_member_of, 1, 1, 0, FHS_ITEM_BOOLEAN, 0},
    {"millisecondOf", fhs_fp_fn_millisecond_of, 0, 0, 0, FHS_ITEM_INTEGER, 2},
    {"min", fhs_fp_fn_min, 0, 0, 0, FHS_ITEM_NODE, 0},
    {"minuteOf", fhs_fp_fn_minute_of, 0, 0, 0, FHS_ITEM_INTEGER, 2},
    {"monthOf", fhs_fp_fn_month_of, 0, 0, 0, FHS_ITEM_INTEGER, 2},
    {"not", fhs_fp_fn_not, 0, 0, 0, FHS_ITEM_BOOLEAN, 2},
    {"now", fhs_fp_fn_now, 0, 0, FHS_FN_NO_INPUT, FHS_ITEM_DATETIME, 0},
    {"ofType", fhs_fp_fn_of_type, 1, 1, TYPE, FHS_ITEM_NODE, 0},
    {"pathname", fhs_fp_fn_pathname, 0, 1, 0, FHS_ITEM_STRING, 0},
    {"power", fhs_fp_fn_power, 1, 1, 0, FHS_ITEM_NODE, 2},
    {"precision", fhs_fp_fn_precision, 0, 0, 0, FHS_ITEM_INTEGER, 2},
    {"repeat", fhs_fp_fn_repeat, 1, 1, SCOPED, FHS_ITEM_NODE, 0},
    {"repeatAll", fhs_fp_fn_repeat_all, 1, 1, SCOPED, FHS_ITEM_NODE, 0},
    {"replace", fhs_fp_fn_replace, 2, 2, STRING, FHS_ITEM_STRING, 2},
    {"replaceMatches", fhs_fp_fn_replace_matches, 2, 3, STRING, FHS_ITEM_STRING, 2},
    {"resolve", fhs_fp_fn_resolve, 0, 0, 0, FHS_ITEM_NODE, 0},
    {"round", fhs_fp_fn_round, 0, 1, 0, FHS_ITEM_NODE, 2},
    {"secondOf", fhs_fp_fn_second_of, 0, 0, 0, FHS_ITEM_INTEGER, 2},
    {"select", fhs_fp_fn_select, 1, 1, SCOPED, FHS_ITEM_NODE, 0},
    {"single", fhs_fp_fn_single, 0, 0, SAME, FHS_ITEM_NODE, 2},
    {"skip", fhs_fp_fn_skip, 1, 1, SAME | ORDER, FHS_ITEM_NODE, 0},
    {"sort", fhs_fp_fn_sort, 0, MANY, SAME | SCOPED, FHS_ITEM_NODE, 0},
    {"split", fhs_fp_fn_split, 1, 1, STRING, FHS_ITEM_STRING, 2},
    {"sqrt", fhs_fp_fn_sqrt, 0, 0, 0, FHS_ITEM_DECIMAL, 2},
    {"startsWith", fhs_fp_fn_starts_with, 1, 1, STRING, FHS_ITEM_BOOLEAN, 2},
    {"subsetOf", fhs_fp_fn_subset_of, 1, 1, 0, FHS_ITEM_BOOLEAN, 0},
    {"substring", fhs_fp_fn_substring, 1, 2, STRING, FHS_ITEM_STRING, 2},
    {"subsumedBy", fhs_fp_fn_subsumed_by, 1, 1, 0, FHS_ITEM_BOOLEAN, 0},
    {"subsumes", fhs_fp_fn_subsumes, 1, 1, 0, FHS_ITEM_BOOLEAN, 0},
    {"sum", fhs_fp_fn_sum, 0, 0, 0, FHS_ITEM_NODE, 0},
    {"supersetOf", fhs_fp_fn_superset_of, 1, 1, 0, FHS_ITEM_BOOLEAN, 0},
    {"tail", fhs_fp_fn_tail, 0, 0, SAME | ORDER, FHS_ITEM_NODE, 0},
    {"take", fhs_fp_fn_take, 1, 1, SAME | ORDER, FHS_ITEM_NODE, 0},
    {"timeOf", fhs_fp_fn_time_of, 0, 0, 0, FHS_ITEM_TIME, 2},
    {"timeOfDay", fhs_fp_fn_time_of_day, 0, 0, FHS_FN_NO_INPUT, FHS_ITEM_TIME, 0},
    {"timezoneOffsetOf", fhs_fp_fn_offset_of, 0, 0, 0, FHS_ITEM_DECIMAL, 2},
    {"toBoolean", fhs_fp_fn_to_boolean, 0, 0, 0, FHS_ITEM_BOOLEAN, 2},
    {"toChars", fhs_fp_fn_to_chars, 0, 0, STRING, FHS_ITEM_STRING, 2},
    {"toDate", fhs_fp_fn_to_date, 0, 1, 0, FHS_ITEM_DATE, 2},
    {"toDateTime", fhs_fp_fn_to_datetime, 0, 1, 0, FHS_ITEM_DATETIME, 2},
    {"toDecimal", fhs_fp_fn_to_decimal, 0, 0, 0, FHS_ITEM_DECIMAL, 2},
    {"toInteger", fhs_fp_fn_to_integer, 0, 0, 0, FHS_ITEM_INTEGER, 2},
    {"toLong", fhs_fp_fn_to_long, 0, 0, 0, FHS_ITEM_LONG, 2},
    {"toQuantity", fhs_fp_fn_to_quantity, 0, 1, 0, FHS_ITEM_QUANTITY, 2},
    {"toString", fhs_fp_fn_to_string, 0, 0, 0, FHS_ITEM_STRING, 2},
    {"toTime", fhs_fp_fn_to_time, 0, 1, 0, FHS_ITEM_TIME, 2},
    {"today", fhs_fp_fn_today, 0, 0, FHS_FN_NO_INPUT, FHS_ITEM_DATE, 0},
    {"trace", fhs_fp_fn_trace, 1, 2, SAME | SCOPED, FHS_ITEM_NODE, 0},
    {"trim", fhs_fp_fn_trim, 0, 0, STRING, FHS_ITEM_STRING, 2},
    {"truncate", fhs_fp_fn_truncate, 0, 0, 0, FHS_ITEM_NODE, 2},
    {"type", fhs_fp_fn_type, 0, 0, 0, FHS_ITEM_NODE, 0},
    {"unescape", fhs_fp_fn_unescape, 1, 1, STRING, FHS_ITEM_STRING, 2},
    {"union", fhs_fp_fn_union, 1, 1, 0, FHS_ITEM_NODE, 0},
    {"upper", fhs_fp_fn_upper, 0, 0, STRING, FHS_ITEM_STRING, 2},
    {"where", fhs_fp_fn_where, 1, 1, SAME | SCOPED, FHS_ITEM_NODE, 0},
    {"yearOf", fhs_fp_fn_year_of, 0, 0, 0, FHS_ITEM_INTEGER, 2},
};

const fhs_fp_function *fhs_fp_function_find(fhs_str name)
{
    size_t low = 0;
    size_t high = FHS_COUNT_OF(functions);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = fhs_str_compare(fhs_str_from_cstr(functions[middle].name), name);
        if (order == 0) {
            return &functions[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}
