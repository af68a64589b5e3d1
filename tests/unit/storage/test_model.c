/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random scripts against a model that keeps everything in plain arrays: writes, deletions, new
 * versions after deletions, savepoints in savepoints, rollbacks, reads in the middle of it all.
 */
#include "fixture.h"
#include "random_rows.h"

#define MODEL_IDS      12
#define MODEL_TYPES    2
#define MODEL_VERSIONS 4096
#define MODEL_DEPTH    3

typedef struct model_version {
    int type;
    int id;
    int version;
    int64_t seq;
    int64_t updated_us;
    bool is_deleted;
    char *body;
    char *rows;
    size_t rows_len;
} model_version;

/* The change log; going back is cutting it. */
typedef struct model {
    model_version log[MODEL_VERSIONS];
    int count;
} model;

static void model_cut(model *m, int count)
{
    while (m->count > count) {
        m->count--;
        free(m->log[m->count].body);
        free(m->log[m->count].rows);
    }
}

static const model_version *model_current(const model *m, int type, int id)
{
    for (int i = m->count - 1; i >= 0; i--) {
        if (m->log[i].type == type && m->log[i].id == id) {
            return &m->log[i];
        }
    }
    return NULL;
}

static fhs_str id_text(int id)
{
    static char text[32];
    (void)snprintf(text, sizeof text, "id-%d", id);
    return fhs_str_from_cstr(text);
}

static void script_write(fhs_conn *conn, model *m, dice *d)
{
    fhs_buf rows = FHS_BUF_INIT(1u << 16);
    char body[64];
    int type = 1 + (int)dice_below(d, MODEL_TYPES);
    int id = (int)dice_below(d, MODEL_IDS);
    const model_version *old = model_current(m, type, id);
    bool deletes = old != NULL && !old->is_deleted && dice_below(d, 4) == 0;
    int version = old == NULL ? 1 : old->version + 1;
    (void)snprintf(body, sizeof body, "{%llu}", (unsigned long long)dice_next(d));
    random_list(d, 12, &rows);
    /* Often most of the rows stay. */
    if (old != NULL && dice_below(d, 2) == 0 && !deletes) {
        fhs_buf_add(&rows, old->rows, old->rows_len);
        ck_assert_int_eq(fhs_row_list_normalise(&rows, NULL), FHIRSTORE_OK);
    }
    if (deletes) {
        fhs_buf_reset(&rows);
    }
    fhs_str text = deletes ? FHS_STR_NONE : fhs_str_from_cstr(body);
    int64_t seq = put_resource(conn, type, id_text(id), text, fhs_buf_str(&rows));
    model_version *added = &m->log[m->count++];
    ck_assert_int_lt(m->count, MODEL_VERSIONS);
    *added = (model_version){.type = type,
                             .id = id,
                             .version = version,
                             .seq = seq,
                             .updated_us = fhs_conn_time(conn),
                             .is_deleted = deletes,
                             .body = deletes ? NULL : strdup(body),
                             .rows = malloc(rows.len + 1),
                             .rows_len = rows.len};
    if (rows.len > 0) {
        memcpy(added->rows, rows.ptr, rows.len);
    }
    fhs_buf_clear(&rows);
}

static void check_version(const model_version *want, const fhs_version *got)
{
    ck_assert_int_eq(got->type, want->type);
    ck_assert_view_eq(got->id, id_text(want->id));
    ck_assert_int_eq(got->version, want->version);
    ck_assert_int_eq(got->seq, want->seq);
    ck_assert_int_eq(got->updated_us, want->updated_us);
    ck_assert_int_eq(got->is_deleted, want->is_deleted);
    ck_assert_view_eq(got->body, fhs_str_from_cstr(want->body));
}

static void check_history(fhs_conn *conn, const model *m, int type, int id, int64_t since,
                          int64_t before)
{
    fhs_history *history;
    fhs_version got;
    fhs_history_query query = {.since_us = since, .before_seq = before};
    if (id >= 0) {
        ck_assert_ok(fhs_entity_find(conn, type, id_text(id), &query.entity, &err));
        if (query.entity == 0) {
            return;
        }
    } else if (type > 0) {
        query.type = type;
    }
    int64_t total = 0;
    ck_assert_ok(fhs_history_open(conn, &query, &history, &err));
    for (int i = m->count - 1; i >= 0; i--) {
        const model_version *want = &m->log[i];
        if ((type > 0 && want->type != type) || (id >= 0 && want->id != id) ||
            (since != 0 && want->updated_us < since)) {
            continue;
        }
        total++;
        if (before == 0 || want->seq < before) {
            ck_assert_ok(fhs_history_next(history, &got, &err));
            check_version(want, &got);
            ck_assert_int_eq(got.is_current, want == model_current(m, want->type, want->id));
        }
    }
    ck_assert_int_eq(fhs_history_next(history, &got, NULL), FHIRSTORE_DONE);
    ck_assert_int_eq(fhs_history_next(history, &got, NULL), FHIRSTORE_DONE);
    fhs_history_close(history);
    int64_t count;
    ck_assert_ok(fhs_history_count(conn, &query, &count, &err));
    ck_assert_int_eq(count, total);
}

/* A version counts when it was current at some moment of [at, end]: until the next was stamped. */
static bool was_current(const model *m, int index, int64_t at, int64_t end)
{
    const model_version *version = &m->log[index];
    if (end != 0 && version->updated_us > end) {
        return false;
    }
    for (int i = index + 1; i < m->count; i++) {
        if (m->log[i].type == version->type && m->log[i].id == version->id) {
            return m->log[i].updated_us > at;
        }
    }
    return true;
}

static void check_at(fhs_conn *conn, const model *m, int type, int id, int64_t at, int64_t end)
{
    fhs_history *history;
    fhs_version got;
    fhs_history_query query = {.at_us = at, .at_end_us = end, .type = id < 0 ? type : 0};
    if (id >= 0) {
        ck_assert_ok(fhs_entity_find(conn, type, id_text(id), &query.entity, &err));
        if (query.entity == 0) {
            return;
        }
    }
    int64_t total = 0;
    ck_assert_ok(fhs_history_open(conn, &query, &history, &err));
    for (int i = m->count - 1; i >= 0; i--) {
        const model_version *want = &m->log[i];
        if ((type > 0 && want->type != type) || (id >= 0 && want->id != id) ||
            !was_current(m, i, at, end)) {
            continue;
        }
        total++;
        ck_assert_ok(fhs_history_next(history, &got, &err));
        check_version(want, &got);
    }
    ck_assert_int_eq(fhs_history_next(history, &got, NULL), FHIRSTORE_DONE);
    fhs_history_close(history);
    int64_t count;
    ck_assert_ok(fhs_history_count(conn, &query, &count, &err));
    ck_assert_int_eq(count, total);
}

static void check_resources(fhs_conn *conn, const model *m)
{
    int64_t live = 0;
    int64_t entries = 0;
    for (int type = 1; type <= MODEL_TYPES; type++) {
        for (int id = 0; id < MODEL_IDS; id++) {
            fhs_version got;
            const model_version *want = model_current(m, type, id);
            fhirstore_status status = fhs_resource_read(conn, type, id_text(id), &got, NULL);
            ck_assert_int_eq(status, want == NULL ? FHIRSTORE_ERR_NOT_FOUND : FHIRSTORE_OK);
            if (want == NULL) {
                continue;
            }
            check_version(want, &got);
            ck_assert_ok(fhs_resource_read_rows(conn, type, id_text(id), &got, &err));
            ck_assert_view_eq(got.rows, fhs_str_of(want->rows, want->rows_len));
            live += want->is_deleted ? 0 : 1;
            fhs_row_cursor cursor = {got.rows};
            fhs_row row;
            while (fhs_row_next(&cursor, &row, NULL) == FHIRSTORE_OK) {
                entries++;
            }
        }
    }
    fhs_storage_stats stats;
    ck_assert_ok(fhs_storage_get_stats(conn, &stats, &err));
    ck_assert_int_eq(stats.resources, live);
    ck_assert_int_eq(stats.versions, m->count);
    int64_t rows = 0;
    for (int kind = 0; kind < FHS_ROW_KIND_COUNT; kind++) {
        rows += stats.row_count[kind];
    }
    ck_assert_int_eq(rows, entries);
}

static void check_old_versions(fhs_conn *conn, const model *m)
{
    for (int i = 0; i < m->count; i++) {
        fhs_version got;
        const model_version *want = &m->log[i];
        ck_assert_ok(
            fhs_resource_vread(conn, want->type, id_text(want->id), want->version, &got, &err));
        check_version(want, &got);
    }
}

static void check_all(fhs_conn *conn, const model *m, dice *d)
{
    check_resources(conn, m);
    check_old_versions(conn, m);
    int64_t since = 0;
    int64_t before = 0;
    if (m->count > 0 && dice_below(d, 2) == 0) {
        since = m->log[dice_below(d, (uint32_t)m->count)].updated_us + (int)dice_below(d, 2);
    }
    if (m->count > 0 && dice_below(d, 2) == 0) {
        before = m->log[dice_below(d, (uint32_t)m->count)].seq;
    }
    check_history(conn, m, 0, -1, since, before);
    check_history(conn, m, 1, -1, since, before);
    check_history(conn, m, 1, (int)dice_below(d, MODEL_IDS), since, before);
    if (m->count > 0) {
        int64_t at = m->log[dice_below(d, (uint32_t)m->count)].updated_us - (int)dice_below(d, 2);
        int64_t end = m->log[dice_below(d, (uint32_t)m->count)].updated_us;
        end = dice_below(d, 3) == 0 ? 0 : end < at ? at : end;
        check_at(conn, m, 0, -1, at, end);
        check_at(conn, m, 2, -1, at, end);
        check_at(conn, m, 1, (int)dice_below(d, MODEL_IDS), at, end);
    }
}

static void script_transaction(fhs_conn *conn, model *m, dice *d)
{
    int marks[MODEL_DEPTH];
    int depth = 0;
    int at_begin = m->count;
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    for (uint32_t steps = dice_below(d, 30); steps > 0; steps--) {
        uint32_t what = dice_below(d, 20);
        if (what < 12) {
            script_write(conn, m, d);
        } else if (what < 15 && depth < MODEL_DEPTH) {
            ck_assert_ok(fhs_conn_savepoint(conn, &err));
            marks[depth++] = m->count;
        } else if (what < 17 && depth > 0) {
            ck_assert_ok(fhs_conn_savepoint_release(conn, &err));
            depth--;
        } else if (what < 19 && depth > 0) {
            fhs_conn_savepoint_rollback(conn);
            model_cut(m, marks[--depth]);
        } else if (dice_below(d, 3) == 0) {
            check_all(conn, m, d);
        }
    }
    if (dice_below(d, 4) == 0) {
        fhs_conn_rollback(conn);
        model_cut(m, at_begin);
    } else {
        ck_assert_ok(fhs_conn_commit(conn, &err));
    }
}

/* Names for the numbers that the random rows use, else verify rightly complains. */
static void name_numbers(fhs_conn *conn)
{
    int64_t number;
    uint32_t param;
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    for (int i = 1; i <= 500; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "n%d", i);
        ck_assert_ok(fhs_paramnum_intern(conn, 1, fhs_str_from_cstr(name), &param, &err));
        if (i <= 4) {
            fhs_unit_key unit = {FHS_LIT("http://unitsofmeasure.org"), fhs_str_from_cstr(name),
                                 FHS_STR_NONE, false};
            int32_t type;
            ck_assert_ok(fhs_uri_intern(conn, fhs_str_from_cstr(name), &number, &err));
            ck_assert_ok(fhs_unit_intern(conn, &unit, &number, &err));
            ck_assert_ok(fhs_typenum_intern(conn, fhs_str_from_cstr(name), &type, &err));
            ck_assert_ok(fhs_entity_intern(conn, 0, fhs_str_from_cstr(name), &number, &err));
        }
    }
    ck_assert_ok(fhs_conn_commit(conn, &err));
}

START_TEST(random_scripts_agree_with_the_model)
{
    fixture fix;
    fhs_conn *conn;
    dice d = dice_new("model");
    model *m = calloc(1, sizeof *m);
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    name_numbers(conn);
    for (int round = 0; round < 60; round++) {
        script_transaction(conn, m, &d);
        if (round % 10 == 9) {
            fhs_conn_release(conn);
            ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
            check_all(conn, m, &d);
            fhs_conn_release(conn);
            fixture_verify(&fix);
            if (round % 20 == 19) {
                fixture_reopen(&fix);
            }
            ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
        }
    }
    fhs_conn_release(conn);
    fixture_close(&fix);
    model_cut(m, 0);
    free(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("storage_model");
    TCase *cases = tcase_create("model");
    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, random_scripts_agree_with_the_model, 0, 4);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
