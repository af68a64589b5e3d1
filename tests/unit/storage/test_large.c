/* SPDX-License-Identifier: Apache-2.0 */
/* Large bodies: stored in parts, wherever their versions go. */
#include "fixture.h"

#include <string.h>

#define LARGE ((size_t)3 * 1024 * 1024 + 17)

/* A text of @a len bytes that @a seed decides. */
static fhs_str make_text(fhs_buf *out, size_t len, unsigned seed)
{
    uint32_t state = seed * 2654435761u + 1;
    fhs_buf_reset(out);
    ck_assert(fhs_buf_reserve(out, len));
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525u + 1013904223u;
        fhs_buf_add_char(out, (char)('a' + (state >> 24) % 26));
    }
    return fhs_buf_str(out);
}

static fhirstore_status write_text(void *ctx, fhs_buf *out)
{
    /* In uneven pieces, as a writer of JSON does. */
    fhs_str text = *(const fhs_str *)ctx;
    for (size_t step = 1; text.len > 0; step = step * 3 + 1) {
        step = step < text.len ? step : text.len;
        fhs_buf_add(out, text.ptr, step);
        text = fhs_str_from(text, step);
    }
    return FHIRSTORE_OK;
}

static void put(fixture *fix, const char *id, fhs_str body)
{
    fhs_conn *conn;
    ck_assert_ok(fhs_storage_writer(fix->storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    (void)put_resource(conn, 1, fhs_str_from_cstr(id), body, FHS_STR_NONE);
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
}

/* The store with the one type that is used here. */
static void open_large(fixture *fix)
{
    fhs_conn *conn;
    int32_t type;
    fixture_open(fix);
    ck_assert_ok(fhs_storage_writer(fix->storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_typenum_intern(conn, FHS_LIT("Bundle"), &type, &err));
    ck_assert_int_eq(type, 1);
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
}

static void assert_same(fhs_str got, fhs_str wanted)
{
    ck_assert_uint_eq(got.len, wanted.len);
    ck_assert(wanted.len == 0 || memcmp(got.ptr, wanted.ptr, wanted.len) == 0);
}

START_TEST(a_large_body_is_read_as_it_was_written)
{
    fixture fix;
    fhs_conn *conn;
    fhs_version version;
    fhs_buf text = FHS_BUF_INIT(2 * LARGE);
    fhs_buf taken = FHS_BUF_INIT(2 * LARGE);
    open_large(&fix);
    fhs_str body = make_text(&text, LARGE, 1);
    put(&fix, "a", body);
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_ok(fhs_resource_read(conn, 1, FHS_LIT("a"), &version, &err));
    ck_assert(version.is_large);
    assert_same(version.body, body);
    const char *lent = version.body.ptr;
    ck_assert_ok(fhs_resource_take_body(conn, &version, &taken, &err));
    ck_assert_ptr_eq(taken.ptr, lent); /* handed over, not copied */
    assert_same(fhs_buf_str(&taken), body);
    ck_assert_ok(fhs_resource_read_rows(conn, 1, FHS_LIT("a"), &version, &err));
    ck_assert(version.is_large && version.body.len == 0);
    fhs_buf_reset(&taken);
    fhs_buf_add_char(&taken, '[');
    ck_assert_ok(fhs_resource_take_body(conn, &version, &taken, &err));
    assert_same(fhs_str_from(fhs_buf_str(&taken), 1), body);
    assert_same(version.body, body);
    fhs_conn_release(conn);
    fixture_verify(&fix);
    fixture_close(&fix);
    fhs_buf_clear(&text);
    fhs_buf_clear(&taken);
}
END_TEST

static void assert_version(fixture *fix, int64_t number, fhs_str wanted)
{
    fhs_conn *conn;
    fhs_version version;
    ck_assert_ok(fhs_storage_reader(fix->storage, &conn, &err));
    ck_assert_ok(fhs_resource_vread(conn, 1, FHS_LIT("a"), number, &version, &err));
    ck_assert_int_eq(version.version, number);
    ck_assert_int_eq(version.is_deleted, wanted.len == 0);
    assert_same(version.body, wanted);
    fhs_conn_release(conn);
}

/* Large, small, deleted and large again: each version keeps its body. */
START_TEST(versions_may_be_large_or_not)
{
    fixture fix;
    fhs_conn *conn;
    fhs_history *history;
    fhs_version version;
    fhs_buf taken = FHS_BUF_INIT(2 * LARGE);
    fhs_buf texts[3] = {FHS_BUF_INIT(2 * LARGE), FHS_BUF_INIT(2 * LARGE), FHS_BUF_INIT(100)};
    fhs_str bodies[] = {make_text(&texts[0], LARGE, 1), make_text(&texts[2], 99, 2),
                        make_text(&texts[1], LARGE - 1, 3), FHS_LIT(""), FHS_LIT("{}")};
    open_large(&fix);
    for (size_t i = 0; i < FHS_COUNT_OF(bodies); i++) {
        put(&fix, "a", bodies[i]);
    }
    for (size_t i = 0; i < FHS_COUNT_OF(bodies); i++) {
        assert_version(&fix, (int64_t)i + 1, bodies[i]);
    }
    fixture_reopen(&fix);
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_read(conn, &err));
    for (int by_type = 0; by_type < 2; by_type++) {
        const fhs_history_query query = {.entity = by_type ? 0 : 1, .type = by_type};
        ck_assert_ok(fhs_history_open(conn, &query, &history, &err));
        for (size_t i = FHS_COUNT_OF(bodies); i-- > 0;) {
            ck_assert_ok(fhs_history_next(history, &version, &err));
            ck_assert_int_eq(version.version, (int64_t)i + 1);
            fhs_buf_reset(&taken);
            ck_assert_ok(fhs_resource_take_body(conn, &version, &taken, &err));
            assert_same(version.body, bodies[i]);
            assert_same(fhs_buf_str(&taken), bodies[i]);
        }
        ck_assert_int_eq(fhs_history_next(history, &version, NULL), FHIRSTORE_DONE);
        fhs_history_close(history);
    }
    fhs_conn_release(conn);
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_int_eq(count_of(conn, "SELECT count(DISTINCT seq) FROM body_part"), 2);
    ck_assert_int_eq(count_of(conn, "SELECT count(*) FROM old_body"), 1);
    fhs_conn_release(conn);
    fixture_verify(&fix);
    fixture_close(&fix);
    fhs_buf_clear(&taken);
    for (size_t i = 0; i < FHS_COUNT_OF(texts); i++) {
        fhs_buf_clear(&texts[i]);
    }
}
END_TEST

START_TEST(a_source_is_asked_for_the_body)
{
    fixture fix;
    fhs_conn *conn;
    fhs_buf text = FHS_BUF_INIT(2 * LARGE);
    open_large(&fix);
    fhs_str body = make_text(&text, LARGE, 5);
    const fhs_body_source source = {write_text, &body};
    fhs_write write = {.type = 1,
                       .id = FHS_LIT("a"),
                       .source = &source,
                       .version = 1,
                       .method = FHS_METHOD_CREATE};
    int64_t seq;
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_entity_intern(conn, 1, write.id, &write.entity, &err));
    ck_assert_ok(fhs_resource_write(conn, &write, &seq, &err));
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    assert_version(&fix, 1, body);
    fixture_verify(&fix);
    fixture_close(&fix);
    fhs_buf_clear(&text);
}
END_TEST

static fhirstore_status fail_midway(void *ctx, fhs_buf *out)
{
    (void)write_text(ctx, out);
    return FHIRSTORE_ERR_CANCELLED;
}

START_TEST(a_source_that_fails_leaves_nothing)
{
    fixture fix;
    fhs_conn *conn;
    fhs_buf text = FHS_BUF_INIT(2 * LARGE);
    open_large(&fix);
    fhs_str body = make_text(&text, LARGE, 6);
    const fhs_body_source source = {fail_midway, &body};
    fhs_write write = {.type = 1,
                       .id = FHS_LIT("a"),
                       .source = &source,
                       .version = 1,
                       .method = FHS_METHOD_CREATE};
    int64_t seq;
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_conn_savepoint(conn, &err));
    ck_assert_ok(fhs_entity_intern(conn, 1, write.id, &write.entity, &err));
    ck_assert_int_eq(fhs_resource_write(conn, &write, &seq, NULL), FHIRSTORE_ERR_CANCELLED);
    fhs_conn_savepoint_rollback(conn);
    ck_assert_ok(fhs_conn_commit(conn, &err));
    ck_assert_int_eq(count_of(conn, "SELECT count(*) FROM body_part"), 0);
    fhs_conn_release(conn);
    fixture_verify(&fix);
    fixture_close(&fix);
    fhs_buf_clear(&text);
}
END_TEST

static fhirstore_status see_body(void *ctx, const fhs_version *version)
{
    assert_same(version->body, *(const fhs_str *)ctx);
    return FHIRSTORE_OK;
}

START_TEST(all_resources_are_walked_with_their_bodies)
{
    fixture fix;
    fhs_conn *conn;
    fhs_buf text = FHS_BUF_INIT(2 * LARGE);
    open_large(&fix);
    fhs_str body = make_text(&text, LARGE, 7);
    put(&fix, "a", body);
    put(&fix, "b", body);
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_ok(fhs_resource_each(conn, 0, 0, see_body, &body, &err));
    fhs_conn_release(conn);
    fixture_close(&fix);
    fhs_buf_clear(&text);
}
END_TEST

/* A store from before there were parts gets them, and keeps what it has. */
START_TEST(an_older_store_learns_of_parts)
{
    fixture fix;
    fhs_conn *conn;
    fhs_buf text = FHS_BUF_INIT(2 * LARGE);
    open_large(&fix);
    put(&fix, "b", FHS_LIT("{}"));
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    fhs_stmt *stmt;
    static const char *const back[] = {
        "DROP TABLE body_part",
        "DROP TABLE journal",
        "DROP TABLE journal_mark",
        "DROP TABLE purged",
        "ALTER TABLE version DROP COLUMN chain",
        "DELETE FROM meta WHERE name='chain_key'",
        "DROP TABLE fulltext",
        "DROP TABLE idx_position",
        "CREATE TABLE idx_position(param INTEGER NOT NULL,lat INTEGER NOT NULL,"
        "lon INTEGER NOT NULL,entity INTEGER NOT NULL,PRIMARY KEY(param,lat,lon,entity)) "
        "WITHOUT ROWID",
        "INSERT INTO idx_position VALUES(1,-90000000000,180000000000,1)",
        "PRAGMA user_version=1",
    };
    static const char *const moved[] = {
        "SELECT 1 FROM idx_position WHERE cell=fhs_cell(lat,lon) AND lon=180000000000",
        "DELETE FROM idx_position",
    };
    for (size_t i = 0; i < FHS_COUNT_OF(back); i++) {
        ck_assert_ok(fhs_stmt_take(conn, fhs_str_from_cstr(back[i]), &stmt, &err));
        ck_assert_int_eq(fhs_stmt_step(stmt, NULL), FHIRSTORE_DONE);
        fhs_stmt_give(stmt);
    }
    fhs_conn_release(conn);
    fixture_reopen(&fix);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    for (size_t i = 0; i < FHS_COUNT_OF(moved); i++) {
        ck_assert_ok(fhs_stmt_take(conn, fhs_str_from_cstr(moved[i]), &stmt, &err));
        ck_assert_int_eq(fhs_stmt_step(stmt, NULL), i == 0 ? FHIRSTORE_OK : FHIRSTORE_DONE);
        fhs_stmt_give(stmt);
    }
    fhs_conn_release(conn);
    fhs_str body = make_text(&text, LARGE, 8);
    put(&fix, "a", body);
    assert_version(&fix, 1, body);
    fixture_verify(&fix);
    fixture_close(&fix);
    fhs_buf_clear(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("storage_large");
    TCase *cases = tcase_create("large");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_large_body_is_read_as_it_was_written);
    tcase_add_test(cases, versions_may_be_large_or_not);
    tcase_add_test(cases, a_source_is_asked_for_the_body);
    tcase_add_test(cases, a_source_that_fails_leaves_nothing);
    tcase_add_test(cases, all_resources_are_walked_with_their_bodies);
    tcase_add_test(cases, an_older_store_learns_of_parts);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
