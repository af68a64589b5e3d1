/* SPDX-License-Identifier: Apache-2.0 */
/* SQL functions over row lists, so that filters and sort keys need no second set of tables. */
#include "storage/cell.h"
#include "storage/rows_internal.h"
#include "storage/storage_internal.h"

/* enum fhs_compare in query/query.h, by number: that room is not below this one. */
enum {
    RELATION_EQ,
    RELATION_NE,
    RELATION_GT,
    RELATION_LT,
    RELATION_GE,
    RELATION_LE,
    RELATION_SA,
    RELATION_EB,
    RELATION_AP,
};

/* What a call asks of a row list. */
typedef struct row_query {
    fhs_row_cursor cursor;
    uint32_t param;
    uint8_t kind;
} row_query;

static row_query query_of(sqlite3_value **argv)
{
    const char *ptr = sqlite3_value_blob(argv[0]);
    int len = sqlite3_value_bytes(argv[0]);
    sqlite3_int64 kind = sqlite3_value_int64(argv[2]);
    return (row_query){
        .cursor = {ptr == NULL || len <= 0 ? FHS_STR_NONE : (fhs_str){ptr, (size_t)len}},
        .param = (uint32_t)sqlite3_value_int64(argv[1]),
        .kind = kind > 0 && kind < FHS_ROW_KIND_COUNT ? (uint8_t)kind : 0,
    };
}

/*
 * The next row that is asked for. Lists are sorted by kind, except that rows whose texts hold a NUL
 * stand at the end, so nothing is passed over before the end of the list.
 */
static fhirstore_status next_asked(row_query *query, fhs_row *row)
{
    fhirstore_status status;
    while ((status = fhs_row_next(&query->cursor, row, NULL)) == FHIRSTORE_OK) {
        if (row->kind == query->kind && row->param == query->param) {
            return FHIRSTORE_OK;
        }
    }
    return status;
}

static void fail_malformed(sqlite3_context *result)
{
    sqlite3_result_error(result, "malformed row list", -1);
    sqlite3_result_error_code(result, SQLITE_CORRUPT);
}

static bool compares_text(uint8_t kind)
{
    return kind != FHS_ROW_DATE && kind != FHS_ROW_REFERENCE && kind != FHS_ROW_POSITION;
}

static int compare_values(const fhs_row *a, const fhs_row *b)
{
    if (compares_text(a->kind)) {
        return fhs_str_compare(a->text, b->text);
    }
    return a->a == b->a ? 0 : (a->a < b->a ? -1 : 1);
}

static void give_value(sqlite3_context *result, const fhs_row *row)
{
    const char *ptr = row->text.ptr == NULL ? "" : row->text.ptr;
    if (!compares_text(row->kind)) {
        sqlite3_result_int64(result, row->a);
    } else if (row->kind == FHS_ROW_NUMBER || row->kind == FHS_ROW_QUANTITY ||
               row->kind == FHS_ROW_COMPOSITE) {
        sqlite3_result_blob64(result, ptr, row->text.len, SQLITE_TRANSIENT);
    } else {
        sqlite3_result_text64(result, ptr, row->text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    }
}

static void give_extreme(sqlite3_context *result, sqlite3_value **argv, int sign)
{
    row_query query = query_of(argv);
    fhs_row best = {0};
    fhs_row row;
    fhirstore_status status;
    while ((status = next_asked(&query, &row)) == FHIRSTORE_OK) {
        if (best.kind == 0 || compare_values(&row, &best) * sign > 0) {
            best = row;
        }
    }
    if (status < 0) {
        fail_malformed(result);
    } else if (best.kind == 0) {
        sqlite3_result_null(result);
    } else {
        give_value(result, &best);
    }
}

static void call_rows_min(sqlite3_context *result, int argc, sqlite3_value **argv)
{
    (void)argc;
    give_extreme(result, argv, -1);
}

static void call_rows_max(sqlite3_context *result, int argc, sqlite3_value **argv)
{
    (void)argc;
    give_extreme(result, argv, 1);
}

static void call_rows_has(sqlite3_context *result, int argc, sqlite3_value **argv)
{
    (void)argc;
    row_query query = query_of(argv);
    fhs_row row;
    fhirstore_status status = next_asked(&query, &row);
    if (status < 0) {
        fail_malformed(result);
    } else {
        sqlite3_result_int(result, status == FHIRSTORE_OK);
    }
}

/* FHIR R4, 3.1.1.4.5: the row's range against the range [lo, hi] that was asked for. */
static bool date_relates(const fhs_row *row, int relation, int64_t lo, int64_t hi)
{
    bool is_contained = row->a >= lo && row->b <= hi;
    switch (relation) {
    case RELATION_EQ:
        return is_contained;
    case RELATION_NE:
        return !is_contained;
    case RELATION_GT:
        return row->b > hi;
    case RELATION_LT:
        return row->a < lo;
    case RELATION_GE:
        return row->b > hi || is_contained;
    case RELATION_LE:
        return row->a < lo || is_contained;
    case RELATION_SA:
        return row->a > hi;
    case RELATION_EB:
        return row->b < lo;
    case RELATION_AP:
        return row->a <= hi && row->b >= lo;
    default:
        return false;
    }
}

static void call_rows_date(sqlite3_context *result, int argc, sqlite3_value **argv)
{
    (void)argc;
    row_query query = {{FHS_STR_NONE}, 0, 0};
    const char *ptr = sqlite3_value_blob(argv[0]);
    int len = sqlite3_value_bytes(argv[0]);
    if (ptr != NULL && len > 0) {
        query.cursor.rest = (fhs_str){ptr, (size_t)len};
    }
    query.param = (uint32_t)sqlite3_value_int64(argv[1]);
    query.kind = FHS_ROW_DATE;
    int relation = sqlite3_value_int(argv[2]);
    int64_t lo = sqlite3_value_int64(argv[3]);
    int64_t hi = sqlite3_value_int64(argv[4]);
    fhs_row row;
    fhirstore_status status;
    while ((status = next_asked(&query, &row)) == FHIRSTORE_OK) {
        if (date_relates(&row, relation, lo, hi)) {
            sqlite3_result_int(result, 1);
            return;
        }
    }
    if (status < 0) {
        fail_malformed(result);
    } else {
        sqlite3_result_int(result, 0);
    }
}

static void call_cell(sqlite3_context *result, int argc, sqlite3_value **argv)
{
    (void)argc;
    sqlite3_result_int64(result,
                         fhs_cell_of(sqlite3_value_int64(argv[0]), sqlite3_value_int64(argv[1])));
}

int fhs_functions_register(sqlite3 *db)
{
    static const struct {
        const char *name;
        int argc;
        void (*call)(sqlite3_context *, int, sqlite3_value **);
    } functions[] = {
        {"fhs_rows_min", 3, call_rows_min}, {"fhs_rows_max", 3, call_rows_max},
        {"fhs_rows_has", 3, call_rows_has}, {"fhs_rows_date", 5, call_rows_date},
        {"fhs_cell", 2, call_cell},
    };
    for (size_t i = 0; i < FHS_COUNT_OF(functions); i++) {
        int rc = sqlite3_create_function_v2(db, functions[i].name, functions[i].argc,
                                            SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
                                            functions[i].call, NULL, NULL, NULL);
        if (rc != SQLITE_OK) {
            return rc;
        }
    }
    return SQLITE_OK;
}
