/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Row lists against the index tables. Forward: every row of every list is in its table. Back: a
 * table with no more rows than the lists have holds nothing else. Memory does not grow with the
 * store.
 */
#include "storage/rows_internal.h"
#include "storage/storage_internal.h"

/* Tables by kind; the tenth is the second order of wide dates. */
#define TABLE_COUNT (FHS_PENDING_DATE_HI + 1)

typedef struct row_tally {
    int64_t expected[TABLE_COUNT];
    int64_t missing[TABLE_COUNT];
    int64_t malformed;
    int64_t unknown_names;
    int64_t max_uri;
    int64_t max_unit;
    int64_t max_param;
} row_tally;

static const struct {
    const char *name;
    fhs_str find;
    fhs_str count;
} row_tables[TABLE_COUNT] = {
    [FHS_ROW_TOKEN] = {"idx_token",
                       FHS_LIT_INIT("SELECT 1 FROM idx_token WHERE param=?1 AND code=?2 "
                                    "AND system=?3 AND exact=?4 AND entity=?5"),
                       FHS_LIT_INIT("SELECT count(*) FROM idx_token")},
    [FHS_ROW_STRING] = {"idx_string",
                        FHS_LIT_INIT("SELECT 1 FROM idx_string WHERE param=?1 AND folded=?2 "
                                     "AND exact=?3 AND entity=?4"),
                        FHS_LIT_INIT("SELECT count(*) FROM idx_string")},
    [FHS_ROW_DATE] = {"idx_date",
                      FHS_LIT_INIT("SELECT 1 FROM idx_date WHERE param=?1 AND lo=?2 AND hi=?3 "
                                   "AND entity=?4"),
                      FHS_LIT_INIT("SELECT count(*) FROM idx_date")},
    [FHS_ROW_NUMBER] = {"idx_number",
                        FHS_LIT_INIT("SELECT 1 FROM idx_number WHERE param=?1 AND lo=?2 "
                                     "AND hi=?3 AND entity=?4"),
                        FHS_LIT_INIT("SELECT count(*) FROM idx_number")},
    [FHS_ROW_QUANTITY] = {"idx_quantity",
                          FHS_LIT_INIT("SELECT 1 FROM idx_quantity WHERE param=?1 AND unit=?2 "
                                       "AND lo=?3 AND hi=?4 AND entity=?5"),
                          FHS_LIT_INIT("SELECT count(*) FROM idx_quantity")},
    [FHS_ROW_REFERENCE] = {"idx_reference",
                           FHS_LIT_INIT("SELECT 1 FROM idx_reference WHERE param=?1 "
                                        "AND target=?2 AND entity=?3 AND version=?4"),
                           FHS_LIT_INIT("SELECT count(*) FROM idx_reference")},
    [FHS_ROW_URI] = {"idx_uri",
                     FHS_LIT_INIT("SELECT 1 FROM idx_uri WHERE param=?1 AND uri=?2 "
                                  "AND entity=?3"),
                     FHS_LIT_INIT("SELECT count(*) FROM idx_uri")},
    [FHS_ROW_COMPOSITE] = {"idx_composite",
                           FHS_LIT_INIT("SELECT 1 FROM idx_composite WHERE param=?1 AND key=?2 "
                                        "AND entity=?3"),
                           FHS_LIT_INIT("SELECT count(*) FROM idx_composite")},
    [FHS_ROW_POSITION] = {"idx_position",
                          FHS_LIT_INIT("SELECT 1 FROM idx_position WHERE param=?1 AND cell=?2 "
                                       "AND lat=?3 AND lon=?4 AND entity=?5"),
                          FHS_LIT_INIT("SELECT count(*) FROM idx_position")},
    [FHS_PENDING_DATE_HI] = {"idx_date_hi",
                             FHS_LIT_INIT("SELECT 1 FROM idx_date_hi WHERE param=?1 AND hi=?2 "
                                          "AND lo=?3 AND entity=?4"),
                             FHS_LIT_INIT("SELECT count(*) FROM idx_date_hi")},
};

static fhirstore_status bind_columns(fhs_stmt *stmt, const fhs_pending_row *row)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (int i = 0; i < row->column_count && status == FHIRSTORE_OK; i++) {
        const fhs_column *column = &row->columns[i];
        if (column->type == SQLITE_INTEGER) {
            status = fhs_stmt_bind_int(stmt, i + 1, column->number);
        } else if (column->type == SQLITE_TEXT) {
            status = fhs_stmt_bind_text(stmt, i + 1, column->text);
        } else {
            status = fhs_stmt_bind_blob(stmt, i + 1, column->text);
        }
    }
    return status;
}

static fhirstore_status look_for_row(fhs_check *check, const fhs_pending_row *row, row_tally *tally,
                                     fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = fhs_stmt_take(check->conn, row_tables[row->kind].find, &stmt, err);
    if (status == FHIRSTORE_OK) {
        status = bind_columns(stmt, row);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, err);
    }
    fhs_stmt_give(stmt);
    tally->expected[row->kind]++;
    if (status == FHIRSTORE_DONE) {
        tally->missing[row->kind]++;
        return FHIRSTORE_OK;
    }
    return status;
}

static void swap_date_order(fhs_pending_row *row)
{
    fhs_column lo = row->columns[1];
    row->kind = FHS_PENDING_DATE_HI;
    row->columns[1] = row->columns[2];
    row->columns[2] = lo;
}

static bool knows_names(const row_tally *tally, const fhs_row *row, int64_t next_entity)
{
    if (row->param == 0 || (int64_t)row->param > tally->max_param) {
        return false;
    }
    switch (row->kind) {
    case FHS_ROW_TOKEN:
        return row->a >= 0 && row->a <= tally->max_uri;
    case FHS_ROW_QUANTITY:
        return row->a >= 0 && row->a <= tally->max_unit;
    case FHS_ROW_REFERENCE:
        return row->a > 0 && row->a < next_entity;
    default:
        return true;
    }
}

static fhirstore_status check_list(fhs_check *check, fhs_entity entity, fhs_str list,
                                   row_tally *tally, fhirstore_error **err)
{
    if (!fhs_row_list_is_sound(list)) {
        tally->malformed++;
    }
    fhs_row_cursor cursor = {list};
    fhs_row row;
    fhirstore_status status = FHIRSTORE_OK;
    while (status == FHIRSTORE_OK && fhs_row_next(&cursor, &row, NULL) == FHIRSTORE_OK) {
        fhs_pending_row columns;
        tally->unknown_names += knows_names(tally, &row, check->next_entity) ? 0 : 1;
        fhs_pending_row_from(&row, entity, &columns);
        status = look_for_row(check, &columns, tally, err);
        if (status == FHIRSTORE_OK && row.kind == FHS_ROW_DATE &&
            (uint64_t)row.b - (uint64_t)row.a > (uint64_t)FHS_DATE_NARROW_TICKS) {
            swap_date_order(&columns);
            status = look_for_row(check, &columns, tally, err);
        }
    }
    return status;
}

static fhirstore_status ask_number(fhs_check *check, fhs_str sql, int64_t *value_out,
                                   fhirstore_error **err)
{
    fhs_stmt *stmt;
    *value_out = 0;
    fhirstore_status status = fhs_stmt_take(check->conn, sql, &stmt, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, err);
    }
    if (status == FHIRSTORE_OK) {
        *value_out = fhs_stmt_int(stmt, 0);
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status walk_lists(fhs_check *check, row_tally *tally, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = fhs_stmt_take(
        check->conn, FHS_LIT("SELECT entity,rows FROM entries ORDER BY entity"), &stmt, err);
    while (status == FHIRSTORE_OK && (status = fhs_stmt_step(stmt, err)) == FHIRSTORE_OK) {
        status = check_list(check, fhs_stmt_int(stmt, 0), fhs_stmt_blob(stmt, 1), tally, err);
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status compare_table(fhs_check *check, int kind, const row_tally *tally,
                                      fhirstore_error **err)
{
    int64_t held;
    fhirstore_status status = ask_number(check, row_tables[kind].count, &held, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    int64_t found = tally->expected[kind] - tally->missing[kind];
    if (tally->missing[kind] > 0) {
        fhs_check_report(check, row_tables[kind].name, "%lld rows are missing",
                         (long long)tally->missing[kind]);
    }
    if (held > found) {
        fhs_check_report(check, row_tables[kind].name, "%lld rows belong to no row list",
                         (long long)(held - found));
    } else if (held < found) {
        fhs_check_report(check, row_tables[kind].name, "%lld rows are listed twice",
                         (long long)(found - held));
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_check_rows(fhs_check *check, fhirstore_error **err)
{
    row_tally tally = {.max_uri = 0};
    check->mend = FHS_MEND_ROWS;
    fhirstore_status status = ask_number(check, FHS_LIT("SELECT max(num) FROM uri"), &tally.max_uri,
                                         err);
    if (status == FHIRSTORE_OK) {
        status = ask_number(check, FHS_LIT("SELECT max(num) FROM unit"), &tally.max_unit, err);
    }
    if (status == FHIRSTORE_OK) {
        status = ask_number(check, FHS_LIT("SELECT max(num) FROM param"), &tally.max_param, err);
    }
    if (status == FHIRSTORE_OK) {
        status = walk_lists(check, &tally, err);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (tally.malformed > 0) {
        fhs_check_report(check, "row lists", "%lld lists are malformed or out of order",
                         (long long)tally.malformed);
    }
    if (tally.unknown_names > 0) {
        fhs_check_report(check, "row lists", "%lld rows name something that has no number",
                         (long long)tally.unknown_names);
    }
    for (int kind = 1; kind < TABLE_COUNT && status == FHIRSTORE_OK; kind++) {
        status = compare_table(check, kind, &tally, err);
    }
    return status;
}
