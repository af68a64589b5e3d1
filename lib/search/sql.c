/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The room's SQL, and all of it. Texts are fixed but for which of a few parts are put together;
 * values are always bound.
 */
#include "search/search_internal.h"

#define SQL_MAX 256u

typedef struct shape_sql {
    const char *table;
    const char *where; /* parameters in the order of the range's arguments */
    bool is_ordered;   /* rows come in entity order */
    const char *read;  /* what of it the index is entered by, where that is not all */
} shape_sql;

#define BOX " AND lo>=?2 AND lo<?3 AND hi>=?4 AND hi<?5"

static const shape_sql range_shapes[FHS_RANGE_SHAPES] = {
    [FHS_RANGE_TOKEN] = {"idx_token", "param=?1 AND code=?2 AND system=?3", false, NULL},
    [FHS_RANGE_TOKEN_EXACT] = {"idx_token", "param=?1 AND code=?2 AND system=?3 AND exact=?4", true,
                               NULL},
    [FHS_RANGE_TOKEN_CODES] = {"idx_token", "param=?1 AND code>=?2 AND code<?3", false, NULL},
    [FHS_RANGE_TOKEN_SYSTEM] = {"idx_token", "param=?1 AND system=?2", false, "param=?1"},
    [FHS_RANGE_STRING_EXACT] = {"idx_string", "param=?1 AND folded=?2 AND exact=?3", true, NULL},
    [FHS_RANGE_STRINGS] = {"idx_string", "param=?1 AND folded>=?2 AND folded<?3", false, NULL},
    [FHS_RANGE_STRING_PART] = {"idx_string", "param=?1 AND instr(folded,?2)>0", false, "param=?1"},
    [FHS_RANGE_DATE] = {"idx_date", "param=?1 AND lo>=?2 AND lo<=?3 AND hi>=?4 AND hi<=?5", false,
                        "param=?1 AND lo>=?2 AND lo<=?3"},
    [FHS_RANGE_DATE_HI] = {"idx_date_hi", "param=?1 AND lo>=?2 AND lo<=?3 AND hi>=?4 AND hi<=?5",
                           false, "param=?1 AND hi>=?4 AND hi<=?5"},
    [FHS_RANGE_NUMBER] = {"idx_number", "param=?1" BOX, false, "param=?1 AND lo>=?2 AND lo<?3"},
    [FHS_RANGE_QUANTITY] = {"idx_quantity",
                            "param=?1 AND unit=?2 AND lo>=?3 AND lo<?4 AND hi>=?5 AND hi<?6", false,
                            "param=?1 AND unit=?2 AND lo>=?3 AND lo<?4"},
    [FHS_RANGE_QUANTITY_ANY] = {"idx_quantity", "param=?1" BOX, false, "param=?1"},
    [FHS_RANGE_REFERENCE] = {"idx_reference", "param=?1 AND target=?2", true, NULL},
    [FHS_RANGE_REFERENCE_VERSION] = {"idx_reference", "param=?1 AND target=?2 AND version=?3", true,
                                     NULL},
    [FHS_RANGE_REFERENCES] = {"idx_reference", "param=?1", false, NULL},
    [FHS_RANGE_URI] = {"idx_uri", "param=?1 AND uri=?2", true, NULL},
    [FHS_RANGE_URIS] = {"idx_uri", "param=?1 AND uri>=?2 AND uri<?3", false, NULL},
    [FHS_RANGE_URI_PART] = {"idx_uri", "param=?1 AND instr(uri,?2)>0", false, "param=?1"},
    [FHS_RANGE_COMPOSITES] = {"idx_composite", "param=?1 AND key>=?2 AND key<?3", false, NULL},
    [FHS_RANGE_POSITIONS] = {"idx_position", "param=?1", false, NULL},
    [FHS_RANGE_CELL] = {"idx_position",
                        "param=?1 AND cell>=?2 AND cell<=?3 AND lat>=?4 AND lat<=?5 AND lon>=?6 "
                        "AND lon<=?7",
                        false, "param=?1 AND cell>=?2 AND cell<=?3"},
    [FHS_RANGE_TYPE] = {"current_type", "type=?1", true, NULL},
    [FHS_RANGE_UPDATED] = {"current_updated", "type=?1 AND updated>=?2 AND updated<=?3", false,
                           NULL},
    [FHS_RANGE_STORE] = {"resource", "deleted=0", true, NULL},
    [FHS_RANGE_ENTITY] = {"resource", "entity=?1 AND deleted=0", true, NULL},
};

/* Behind every shape's own parameters. */
#define AFTER_PARAM 9

bool fhs_range_is_ordered(const fhs_range *range)
{
    return range_shapes[range->shape].is_ordered;
}

const char *fhs_range_table(const fhs_range *range)
{
    return range_shapes[range->shape].table;
}

typedef struct sql_text {
    char text[SQL_MAX];
    size_t len;
} sql_text;

static void sql_add(sql_text *sql, const char *part)
{
    size_t len = strlen(part);
    if (len < SQL_MAX - sql->len) {
        memcpy(sql->text + sql->len, part, len);
        sql->len += len;
    }
}

static fhirstore_status take_sql(fhs_search *search, const char *head, const fhs_range *range,
                                 const char *tail, fhs_stmt **out)
{
    sql_text sql = {.len = 0};
    sql_add(&sql, head);
    sql_add(&sql, range_shapes[range->shape].table);
    sql_add(&sql, " WHERE ");
    sql_add(&sql, range_shapes[range->shape].where);
    sql_add(&sql, tail);
    return fhs_stmt_take(search->conn, fhs_str_of(sql.text, sql.len), out, search->err);
}

static fhirstore_status take_statement(fhs_search *search, const char *text, fhs_stmt **out)
{
    return fhs_stmt_take(search->conn, fhs_str_from_cstr(text), out, search->err);
}

static fhirstore_status bind_range(fhs_search *search, fhs_stmt *stmt, const fhs_range *range)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (int i = 0; i < range->arg_count && status == FHIRSTORE_OK; i++) {
        const fhs_arg *arg = &range->args[i];
        switch ((fhs_arg_kind)arg->kind) {
        case FHS_ARG_INT:
            status = fhs_stmt_bind_int(stmt, i + 1, arg->number);
            break;
        case FHS_ARG_TEXT:
            status = fhs_stmt_bind_text(stmt, i + 1, arg->text);
            break;
        case FHS_ARG_BLOB:
            status = fhs_stmt_bind_blob(stmt, i + 1, arg->text);
            break;
        case FHS_ARG_TOP:
            /* Every blob is above every text; no sort key begins with so many of these bytes. */
            status = fhs_stmt_bind_blob(stmt, i + 1, FHS_LIT("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"));
            break;
        }
    }
    return status == FHIRSTORE_OK ? status : fhs_fail_plain(search->err, status);
}

fhirstore_status fhs_sql_rebind(fhs_search *search, const fhs_range *range, fhs_entity after,
                                fhs_stmt *stmt)
{
    fhirstore_status status = bind_range(search, stmt, range);
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_bind_int(stmt, AFTER_PARAM, after);
    }
    return status;
}

fhirstore_status fhs_sql_move(fhs_search *search, fhs_entity after, fhs_stmt *stmt)
{
    fhirstore_status status = fhs_stmt_bind_int(stmt, AFTER_PARAM, after);
    return status == FHIRSTORE_OK ? status : fhs_fail_plain(search->err, status);
}

fhirstore_status fhs_sql_scan(fhs_search *search, const fhs_range *range, fhs_entity after,
                              fhs_stmt **out)
{
    const char *tail = range_shapes[range->shape].is_ordered ? " AND entity>?9 ORDER BY entity"
                                                             : " AND entity>?9";
    fhirstore_status status = take_sql(search, "SELECT entity FROM ", range, tail, out);
    return status == FHIRSTORE_OK ? fhs_sql_rebind(search, range, after, *out) : status;
}

fhirstore_status fhs_sql_scan_down(fhs_search *search, const fhs_range *range, fhs_entity before,
                                   fhs_stmt **out)
{
    const char *tail = range_shapes[range->shape].is_ordered ? " AND entity<?9 ORDER BY entity DESC"
                                                             : " AND entity<?9";
    fhirstore_status status = take_sql(search, "SELECT entity FROM ", range, tail, out);
    return status == FHIRSTORE_OK ? fhs_sql_rebind(search, range, before, *out) : status;
}

static fhirstore_status one_number(fhs_search *search, fhs_stmt *stmt, int64_t *out)
{
    fhirstore_status status = fhs_stmt_step(stmt, search->err);
    *out = status == FHIRSTORE_OK ? fhs_stmt_int(stmt, 0) : 0;
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_sql_count(fhs_search *search, const fhs_range *range, int64_t cap,
                               int64_t *count_out)
{
    fhs_stmt *stmt = NULL;
    *count_out = 0;
    fhirstore_status status = take_sql(search, "SELECT COUNT(*) FROM (SELECT 1 FROM ", range,
                                       " LIMIT ?9)", &stmt);
    if (status == FHIRSTORE_OK) {
        status = bind_range(search, stmt, range);
    }
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, AFTER_PARAM, cap);
        status = one_number(search, stmt, count_out);
    }
    fhs_stmt_give(stmt);
    return status;
}

fhirstore_status fhs_sql_reading(fhs_search *search, const fhs_range *range, int64_t cap,
                                 int64_t *count_out)
{
    const shape_sql *shape = &range_shapes[range->shape];
    if (shape->read == NULL) {
        return fhs_sql_count(search, range, cap, count_out);
    }
    sql_text sql = {.len = 0};
    fhs_stmt *stmt = NULL;
    *count_out = 0;
    sql_add(&sql, "SELECT COUNT(*) FROM (SELECT 1 FROM ");
    sql_add(&sql, shape->table);
    sql_add(&sql, " WHERE ");
    sql_add(&sql, shape->read);
    sql_add(&sql, " LIMIT ?9)");
    fhirstore_status status = fhs_stmt_take(search->conn, fhs_str_of(sql.text, sql.len), &stmt,
                                            search->err);
    if (status == FHIRSTORE_OK) {
        status = bind_range(search, stmt, range);
    }
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, AFTER_PARAM, cap);
        status = one_number(search, stmt, count_out);
    }
    fhs_stmt_give(stmt);
    return status;
}

fhirstore_status fhs_sql_count_entities(fhs_search *search, const fhs_range *range,
                                        int64_t *count_out)
{
    fhs_stmt *stmt = NULL;
    *count_out = 0;
    fhirstore_status status = take_sql(
        search, range->is_unique ? "SELECT COUNT(*) FROM " : "SELECT COUNT(DISTINCT entity) FROM ",
        range, "", &stmt);
    if (status == FHIRSTORE_OK) {
        status = bind_range(search, stmt, range);
    }
    if (status == FHIRSTORE_OK) {
        status = one_number(search, stmt, count_out);
    }
    fhs_stmt_give(stmt);
    return status;
}

fhirstore_status fhs_sql_next_spelling(fhs_search *search, uint32_t param, fhs_str code,
                                       int64_t system, fhs_str after, bool is_first,
                                       fhs_str *next_out, bool *found_out)
{
    static const char first[] = "SELECT exact FROM idx_token WHERE param=?1 AND code=?2 AND "
                                "system=?3 ORDER BY exact LIMIT 1";
    static const char behind[] = "SELECT exact FROM idx_token WHERE param=?1 AND code=?2 AND "
                                 "system=?3 AND exact>?4 ORDER BY exact LIMIT 1";
    fhs_stmt *stmt = NULL;
    *found_out = false;
    *next_out = FHS_STR_NONE;
    fhirstore_status status = take_statement(search, is_first ? first : behind, &stmt);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, param);
        (void)fhs_stmt_bind_text(stmt, 2, code);
        (void)fhs_stmt_bind_int(stmt, 3, system);
        if (!is_first) {
            (void)fhs_stmt_bind_text(stmt, 4, after);
        }
        status = fhs_stmt_step(stmt, search->err);
    }
    if (status == FHIRSTORE_OK) {
        *found_out = true;
        *next_out = fhs_arena_dup(&search->arena, fhs_stmt_text(stmt, 0));
        status = next_out->ptr == NULL ? fhs_search_no_memory(search) : FHIRSTORE_OK;
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_sql_next_system(fhs_search *search, uint32_t param, fhs_str code,
                                     int64_t system, int64_t *next_out, bool *found_out)
{
    fhs_stmt *stmt = NULL;
    *found_out = false;
    *next_out = 0;
    fhirstore_status status = take_statement(
        search,
        "SELECT system FROM idx_token WHERE param=?1 AND code=?2 AND system>?3 "
        "ORDER BY system LIMIT 1",
        &stmt);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, param);
        (void)fhs_stmt_bind_text(stmt, 2, code);
        (void)fhs_stmt_bind_int(stmt, 3, system);
        status = fhs_stmt_step(stmt, search->err);
    }
    if (status == FHIRSTORE_OK) {
        *found_out = true;
        *next_out = fhs_stmt_int(stmt, 0);
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_sql_next_code(fhs_search *search, uint32_t param, fhs_str from,
                                   fhs_str *next_out, bool *found_out)
{
    fhs_stmt *stmt = NULL;
    *found_out = false;
    *next_out = FHS_STR_NONE;
    fhirstore_status status = take_statement(search,
                                             "SELECT code FROM idx_token WHERE param=?1 AND "
                                             "code>=?2 ORDER BY code LIMIT 1",
                                             &stmt);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, param);
        (void)fhs_stmt_bind_text(stmt, 2, from);
        status = fhs_stmt_step(stmt, search->err);
    }
    if (status == FHIRSTORE_OK) {
        *found_out = true;
        *next_out = fhs_arena_dup(&search->arena, fhs_stmt_text(stmt, 0));
        status = next_out->ptr == NULL ? fhs_search_no_memory(search) : FHIRSTORE_OK;
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_sql_next_uri(fhs_search *search, uint32_t param, fhs_str after,
                                  fhs_str *next_out, bool *found_out)
{
    static const char text[] = "SELECT uri FROM idx_uri WHERE param=?1 AND uri>?2 ORDER BY uri "
                               "LIMIT 1";
    fhs_stmt *stmt = NULL;
    *found_out = false;
    fhirstore_status status = take_statement(search, text, &stmt);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, param);
        (void)fhs_stmt_bind_text(stmt, 2, after);
        status = fhs_stmt_step(stmt, search->err);
    }
    if (status == FHIRSTORE_OK) {
        *found_out = true;
        *next_out = fhs_arena_dup(&search->arena, fhs_stmt_text(stmt, 0));
        status = next_out->ptr == NULL ? fhs_search_no_memory(search) : FHIRSTORE_OK;
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_sql_next_target(fhs_search *search, uint32_t param, int64_t target,
                                     fhs_str version, int64_t *target_out, fhs_str *version_out,
                                     bool *found_out)
{
    static const char text[] = "SELECT target,version FROM idx_reference WHERE param=?1 AND "
                               "(target,version)>(?2,?3) ORDER BY target,version LIMIT 1";
    fhs_stmt *stmt = NULL;
    *found_out = false;
    fhirstore_status status = take_statement(search, text, &stmt);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, param);
        (void)fhs_stmt_bind_int(stmt, 2, target);
        (void)fhs_stmt_bind_text(stmt, 3, version);
        status = fhs_stmt_step(stmt, search->err);
    }
    if (status == FHIRSTORE_OK) {
        *found_out = true;
        *target_out = fhs_stmt_int(stmt, 0);
        *version_out = fhs_arena_dup(&search->arena, fhs_stmt_text(stmt, 1));
        status = version_out->ptr == NULL ? fhs_search_no_memory(search) : FHIRSTORE_OK;
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/* The statement itself the first time, reset afterwards. */
static fhirstore_status take_again(fhs_search *search, const char *text, fhs_stmt **stmt)
{
    if (*stmt != NULL) {
        fhs_stmt_reset(*stmt);
        return FHIRSTORE_OK;
    }
    return take_statement(search, text, stmt);
}

fhirstore_status fhs_sql_words(fhs_search *search, fhs_str expression, fhs_stmt **out)
{
    fhirstore_status status = take_statement(
        search, "SELECT rowid FROM fulltext WHERE fulltext MATCH ?1", out);
    return status == FHIRSTORE_OK ? fhs_stmt_bind_text(*out, 1, expression) : status;
}

fhirstore_status fhs_sql_head(fhs_search *search, fhs_stmt **out)
{
    return take_again(search, "SELECT type,updated,seq FROM resource WHERE entity=?1 AND deleted=0",
                      out);
}

fhirstore_status fhs_sql_rows(fhs_search *search, fhs_stmt **out)
{
    return take_again(search, "SELECT rows FROM entries WHERE entity=?1", out);
}

fhirstore_status fhs_sql_type_down(fhs_search *search, fhs_entity before, fhs_stmt **out)
{
    fhirstore_status status = take_statement(
        search,
        "SELECT entity FROM current_type WHERE type=?1 AND entity<?2 "
        "ORDER BY entity DESC",
        out);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(*out, 1, search->type);
        (void)fhs_stmt_bind_int(*out, 2, before);
    }
    return status;
}

/* ---- walks ---- */

/* Number of value columns of each kind that can be walked; 0: none. */
static int walk_columns(const fhs_sort_plan *sort)
{
    if (sort->is_updated) {
        return 1;
    }
    switch ((fhs_row_kind)sort->row_kind) {
    case FHS_ROW_STRING:
    case FHS_ROW_URI:
        return 1;
    case FHS_ROW_DATE:
    case FHS_ROW_NUMBER:
        return 2;
    default:
        return 0;
    }
}

bool fhs_sql_can_walk(const fhs_sort_plan *sort)
{
    return sort->way_count == 0 && !sort->is_id && !sort->is_unknown && !sort->is_late &&
           walk_columns(sort) > 0;
}

static const char *walk_table(const fhs_sort_plan *sort)
{
    if (sort->is_updated) {
        return "current_updated";
    }
    switch ((fhs_row_kind)sort->row_kind) {
    case FHS_ROW_STRING:
        return "idx_string";
    case FHS_ROW_URI:
        return "idx_uri";
    case FHS_ROW_DATE:
        return "idx_date";
    default:
        return "idx_number";
    }
}

static const char *walk_value(const fhs_sort_plan *sort)
{
    if (sort->is_updated) {
        return "updated";
    }
    return sort->row_kind == FHS_ROW_STRING ? "folded"
           : sort->row_kind == FHS_ROW_URI  ? "uri"
                                            : "lo";
}

static void walk_order(sql_text *sql, const fhs_sort_plan *sort)
{
    const char *down = sort->descending ? " DESC" : "";
    sql_add(sql, " ORDER BY ");
    sql_add(sql, walk_value(sort));
    sql_add(sql, down);
    if (walk_columns(sort) == 2) {
        sql_add(sql, ",hi");
        sql_add(sql, down);
    }
    sql_add(sql, ",entity");
    sql_add(sql, down);
}

static void walk_text(sql_text *sql, const fhs_sort_plan *sort, bool has_from)
{
    bool has_hi = walk_columns(sort) == 2;
    sql_add(sql, "SELECT entity,");
    sql_add(sql, walk_value(sort));
    sql_add(sql, has_hi ? ",hi FROM " : " FROM ");
    sql_add(sql, walk_table(sort));
    sql_add(sql, sort->is_updated ? " WHERE type=?1" : " WHERE param=?1");
    if (has_from) {
        sql_add(sql, " AND (");
        sql_add(sql, walk_value(sort));
        sql_add(sql, has_hi ? ",hi,entity)" : ",entity)");
        sql_add(sql, sort->descending ? "<" : ">");
        sql_add(sql, has_hi ? "(?2,?3,?4)" : "(?2,?4)");
    }
    walk_order(sql, sort);
}

static void bind_walk(fhs_stmt *stmt, const fhs_sort_plan *sort, const fhs_row *from)
{
    if (sort->is_updated || sort->row_kind == FHS_ROW_DATE) {
        (void)fhs_stmt_bind_int(stmt, 2, from->a);
        (void)fhs_stmt_bind_int(stmt, 3, from->b);
    } else if (sort->row_kind == FHS_ROW_NUMBER) {
        (void)fhs_stmt_bind_blob(stmt, 2, from->text);
        (void)fhs_stmt_bind_blob(stmt, 3, from->extra);
    } else {
        (void)fhs_stmt_bind_text(stmt, 2, from->text);
    }
}

fhirstore_status fhs_sql_walk(fhs_search *search, const fhs_sort_plan *sort, int32_t type,
                              const fhs_row *from, fhs_entity entity, fhs_stmt **out)
{
    sql_text sql = {.len = 0};
    walk_text(&sql, sort, from != NULL);
    fhirstore_status status = fhs_stmt_take(search->conn, fhs_str_of(sql.text, sql.len), out,
                                            search->err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(*out, 1, sort->is_updated ? (int64_t)type : (int64_t)sort->param);
        if (from != NULL) {
            bind_walk(*out, sort, from);
            (void)fhs_stmt_bind_int(*out, 4, entity);
        }
    }
    return status;
}

fhs_entity fhs_sql_walk_row(const fhs_sort_plan *sort, fhs_stmt *stmt, fhs_row *row_out,
                            int64_t *updated_out)
{
    *row_out = (fhs_row){.kind = sort->row_kind, .param = sort->param};
    *updated_out = 0;
    if (sort->is_updated) {
        *updated_out = fhs_stmt_int(stmt, 1);
    } else if (sort->row_kind == FHS_ROW_DATE) {
        row_out->a = fhs_stmt_int(stmt, 1);
        row_out->b = fhs_stmt_int(stmt, 2);
    } else {
        row_out->text = fhs_stmt_blob(stmt, 1);
        row_out->extra = walk_columns(sort) == 2 ? fhs_stmt_blob(stmt, 2) : FHS_STR_NONE;
    }
    return fhs_stmt_int(stmt, 0);
}
