/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, what is refused, names, stamps, statements: each by a small example. */
#include <sys/wait.h>

#include "fixture.h"

static fhirstore_status try_open(const fhs_storage_options *options)
{
    fhs_storage *storage = NULL;
    fhirstore_error *err = NULL;
    fhirstore_status status = fhs_storage_open(options, &storage, &err);
    ck_assert((status == FHIRSTORE_OK) == (storage != NULL));
    ck_assert((status == FHIRSTORE_OK) == (err == NULL));
    fhs_storage_close(storage);
    fhs_error_free(err);
    return status;
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    (void)fclose(file);
}

static void run_sql(fixture *fix, const char *sql)
{
    fhs_conn *conn;
    fhs_stmt *stmt;
    ck_assert_ok(fhs_storage_writer(fix->storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_stmt_take(conn, fhs_str_from_cstr(sql), &stmt, &err));
    fhirstore_status status = fhs_stmt_step(stmt, NULL);
    ck_assert(status == FHIRSTORE_DONE || status == FHIRSTORE_OK);
    fhs_stmt_give(stmt);
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
}

START_TEST(a_store_is_made_only_when_asked_for)
{
    fixture fix;
    fixture_prepare(&fix);
    fix.options.create = false;
    ck_assert_int_eq(try_open(&fix.options), FHIRSTORE_ERR_NOT_FOUND);
    fix.options.create = true;
    ck_assert_int_eq(try_open(&fix.options), FHIRSTORE_OK);
    fix.options.create = false;
    ck_assert_int_eq(try_open(&fix.options), FHIRSTORE_OK);
    fix.options.fhir_version = 0;
    ck_assert_ok(fhs_storage_open(&fix.options, &fix.storage, &err));
    ck_assert_int_eq(fhs_storage_fhir_version(fix.storage), 4);
    ck_assert_int_eq(fhs_storage_is_encrypted(fix.storage), fixture_is_sealed());
    fhs_storage_close(fix.storage);
    fix.options.fhir_version = 5;
    ck_assert_int_eq(try_open(&fix.options), FHIRSTORE_ERR_INVALID_ARG);
    fix.options.path = FHS_STR_NONE;
    ck_assert_int_eq(try_open(&fix.options), FHIRSTORE_ERR_INVALID_ARG);
    fixture_remove_files(&fix);
}
END_TEST

START_TEST(what_is_no_store_is_refused_and_left_alone)
{
    static const char text[] =
        "This is not a database, and it is long enough to be looked at as one. "
        "This is not a database, and it is long enough to be looked at as one.";
    char after[sizeof text];
    fixture fix;
    fixture_prepare(&fix);
    write_file(fix.path, text, sizeof text);
    fhirstore_status status = try_open(&fix.options);
    ck_assert(status == FHIRSTORE_ERR_NOT_A_STORE || status == FHIRSTORE_ERR_TRUNCATED);
    FILE *file = fopen(fix.path, "rb");
    ck_assert_uint_eq(fread(after, 1, sizeof after, file), sizeof after);
    (void)fclose(file);
    ck_assert_mem_eq(after, text, sizeof text);
    fixture_remove_files(&fix);
}
END_TEST

START_TEST(a_newer_schema_is_refused)
{
    fixture fix;
    fixture_open(&fix);
    run_sql(&fix, "PRAGMA user_version=99");
    fhs_storage_close(fix.storage);
    ck_assert_int_eq(try_open(&fix.options), FHIRSTORE_ERR_SCHEMA);
    fix.storage = NULL;
    fixture_close(&fix);
}
END_TEST

START_TEST(a_foreign_database_is_refused)
{
    fixture fix;
    fixture_open(&fix);
    run_sql(&fix, "PRAGMA application_id=1");
    fhs_storage_close(fix.storage);
    ck_assert_int_eq(try_open(&fix.options), FHIRSTORE_ERR_NOT_A_STORE);
    fix.storage = NULL;
    fixture_close(&fix);
}
END_TEST

START_TEST(keys_are_asked_for)
{
    static const uint8_t other_key[32] = {9};
    fixture fix;
    fixture_prepare(&fix);
    fix.options.plaintext = false;
    fix.options.key = NULL;
    ck_assert_int_eq(try_open(&fix.options), FHIRSTORE_ERR_KEY_MISSING);
    fix.options.key = test_key;
    ck_assert_int_eq(try_open(&fix.options), FHIRSTORE_OK);
    fix.options.key = other_key;
    ck_assert_int_eq(try_open(&fix.options), FHIRSTORE_ERR_KEY_WRONG);
    fix.options.key = NULL;
    ck_assert_int_eq(try_open(&fix.options), FHIRSTORE_ERR_KEY_MISSING);
    fix.options.plaintext = true;
    ck_assert_int_eq(try_open(&fix.options), FHIRSTORE_ERR_NOT_A_STORE);
    fixture_remove_files(&fix);
    fixture_prepare(&fix);
    fix.options.plaintext = true;
    fix.options.key = NULL;
    ck_assert_int_eq(try_open(&fix.options), FHIRSTORE_OK);
    fix.options.plaintext = false;
    fix.options.key = test_key;
    ck_assert_int_eq(try_open(&fix.options), FHIRSTORE_ERR_PLAIN_STORE);
    fixture_remove_files(&fix);
}
END_TEST

START_TEST(another_process_finds_it_in_use)
{
    fixture fix;
    int ready[2];
    char byte = 0;
    fixture_prepare(&fix);
    ck_assert_int_eq(pipe(ready), 0);
    /* Born before the store is opened, so that it knows nothing of it. */
    pid_t child = fork();
    if (child == 0) {
        fhs_storage *storage;
        fix.options.busy_timeout_ms = -1;
        bool is_told = read(ready[0], &byte, 1) == 1;
        fhirstore_status status = fhs_storage_open(&fix.options, &storage, NULL);
        _exit(is_told && status == FHIRSTORE_ERR_IN_USE ? 0 : 1);
    }
    ck_assert_ok(fhs_storage_open(&fix.options, &fix.storage, &err));
    ck_assert_int_eq(write(ready[1], &byte, 1), 1);
    int result = 1;
    ck_assert_int_eq(waitpid(child, &result, 0), child);
    ck_assert_int_eq(result, 0);
    fixture_close(&fix);
}
END_TEST

START_TEST(a_read_only_store_has_no_writer)
{
    fixture fix;
    fhs_conn *conn;
    fhs_version version;
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    (void)put_resource(conn, 1, FHS_LIT("a"), FHS_LIT("{}"), FHS_STR_NONE);
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    fix.options.read_only = true;
    fixture_reopen(&fix);
    ck_assert_int_eq(fhs_storage_writer(fix.storage, &conn, NULL), FHIRSTORE_ERR_READ_ONLY);
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_ok(fhs_resource_read(conn, 1, FHS_LIT("a"), &version, &err));
    fhs_conn_release(conn);
    fixture_close(&fix);
}
END_TEST

static void append_in_child(fixture *fix, int id)
{
    fhs_conn *conn;
    char text[16];
    (void)snprintf(text, sizeof text, "p%d", id);
    ck_assert_ok(fhs_storage_open(&fix->options, &fix->storage, &err));
    for (int i = 0; i < 20; i++) {
        int64_t number;
        char name[32];
        (void)snprintf(name, sizeof name, "ref-%d-%d", id, i);
        ck_assert_ok(fhs_storage_writer(fix->storage, &conn, &err));
        ck_assert_ok(fhs_conn_begin_write(conn, &err));
        ck_assert_ok(fhs_entity_intern(conn, 0, fhs_str_from_cstr(name), &number, &err));
        ck_assert_ok(fhs_uri_intern(conn, fhs_str_from_cstr(name), &number, &err));
        (void)put_resource(conn, 1, fhs_str_from_cstr(text), FHS_LIT("{}"), FHS_STR_NONE);
        ck_assert_ok(fhs_conn_commit(conn, &err));
        fhs_conn_release(conn);
    }
    fhs_storage_close(fix->storage);
}

START_TEST(several_processes_may_write_when_asked_for)
{
    fixture fix;
    fhs_conn *conn;
    fhs_version version;
    int32_t type;
    fixture_prepare(&fix);
    fix.options.multi_process = true;
    ck_assert_ok(fhs_storage_open(&fix.options, &fix.storage, &err));
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_typenum_intern(conn, FHS_LIT("Patient"), &type, &err));
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    fhs_storage_close(fix.storage);
    fix.storage = NULL;
    for (int i = 0; i < 3; i++) {
        if (fork() == 0) {
            append_in_child(&fix, i);
            _exit(0);
        }
    }
    for (int i = 0; i < 3; i++) {
        int result = 1;
        ck_assert_int_gt(wait(&result), 0);
        ck_assert_int_eq(result, 0);
    }
    ck_assert_ok(fhs_storage_open(&fix.options, &fix.storage, &err));
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_ok(fhs_resource_read(conn, 1, FHS_LIT("p1"), &version, &err));
    ck_assert_int_eq(version.version, 20);
    int64_t seq;
    ck_assert_ok(fhs_conn_last_seq(conn, &seq, &err));
    ck_assert_int_eq(seq, 60);
    fhs_conn_release(conn);
    fixture_verify(&fix);
    fixture_close(&fix);
}
END_TEST

static void add_token(fhs_buf *list, uint32_t param, const char *code)
{
    fhs_row row = {.kind = FHS_ROW_TOKEN, .param = param, .text = fhs_str_from_cstr(code)};
    fhs_row_encode(list, &row);
}

START_TEST(an_update_writes_only_what_differs)
{
    fixture fix;
    fhs_conn *conn;
    fhs_buf rows = FHS_BUF_INIT(10000);
    char code[16];
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    for (int version = 0; version < 3; version++) {
        fhs_buf_reset(&rows);
        for (int i = 0; i < 50; i++) {
            (void)snprintf(code, sizeof code, "c%d", i + version);
            add_token(&rows, 1, code);
        }
        ck_assert_ok(fhs_row_list_normalise(&rows, &err));
        int64_t before = count_of(conn, "SELECT total_changes()");
        ck_assert_ok(fhs_conn_begin_write(conn, &err));
        (void)put_resource(conn, 1, FHS_LIT("a"), FHS_LIT("{}"), fhs_buf_str(&rows));
        ck_assert_ok(fhs_conn_commit(conn, &err));
        int64_t changes = count_of(conn, "SELECT total_changes()") - before;
        /* The rest: resource, list, log, its lists, the old version. */
        ck_assert_int_le(changes, version == 0 ? 50 + 9 : 2 + 9);
        ck_assert_int_eq(count_of(conn, "SELECT count(*) FROM idx_token"), 50);
    }
    fhs_conn_release(conn);
    fhs_buf_clear(&rows);
    fixture_close(&fix);
}
END_TEST

START_TEST(names_are_forgotten_with_their_transaction)
{
    fixture fix;
    fhs_conn *conn;
    int64_t kept;
    int64_t lost;
    int64_t number;
    fhs_entity entity;
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_uri_intern(conn, FHS_LIT("urn:kept"), &kept, &err));
    ck_assert_ok(fhs_conn_savepoint(conn, &err));
    ck_assert_ok(fhs_uri_intern(conn, FHS_LIT("urn:lost"), &lost, &err));
    ck_assert_ok(fhs_entity_intern(conn, 1, FHS_LIT("lost"), &entity, &err));
    fhs_conn_savepoint_rollback(conn);
    ck_assert_ok(fhs_uri_find(conn, FHS_LIT("urn:lost"), &number, &err));
    ck_assert_int_eq(number, 0);
    ck_assert_ok(fhs_entity_find(conn, 1, FHS_LIT("lost"), &entity, &err));
    ck_assert_int_eq(entity, 0);
    ck_assert_ok(fhs_uri_intern(conn, FHS_LIT("urn:next"), &number, &err));
    ck_assert_int_eq(number, lost);
    ck_assert_ok(fhs_uri_find(conn, FHS_LIT("urn:kept"), &number, &err));
    ck_assert_int_eq(number, kept);
    ck_assert_ok(fhs_conn_commit(conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_entity_intern(conn, 1, FHS_LIT("gone"), &entity, &err));
    fhs_conn_rollback(conn);
    ck_assert_ok(fhs_entity_find(conn, 1, FHS_LIT("gone"), &entity, &err));
    ck_assert_int_eq(entity, 0);
    fhs_buf text = FHS_BUF_INIT(100);
    ck_assert_ok(fhs_uri_text(conn, kept, &text, &err));
    ck_assert_view_eq(fhs_buf_str(&text), FHS_LIT("urn:kept"));
    ck_assert_int_eq(fhs_uri_text(conn, 4711, &text, NULL), FHIRSTORE_ERR_NOT_FOUND);
    fhs_buf_clear(&text);
    fhs_conn_release(conn);
    fixture_close(&fix);
}
END_TEST

START_TEST(more_names_than_are_remembered_stay_right)
{
    fixture fix;
    fhs_conn *conn;
    fhs_entity first[40000 / 100];
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    for (int round = 0; round < 2; round++) {
        ck_assert_ok(fhs_conn_begin_write(conn, &err));
        for (int i = 0; i < 40000; i++) {
            char id[32];
            fhs_entity entity;
            (void)snprintf(id, sizeof id, "resource-%d", i);
            ck_assert_ok(fhs_entity_intern(conn, 3, fhs_str_from_cstr(id), &entity, &err));
            if (round == 0 && i % 100 == 0) {
                first[i / 100] = entity;
            } else if (i % 100 == 0) {
                ck_assert_int_eq(entity, first[i / 100]);
            }
        }
        ck_assert_ok(fhs_conn_commit(conn, &err));
    }
    ck_assert_int_eq(count_of(conn, "SELECT count(*) FROM entity"), 40000);
    ck_assert_int_eq(count_of(conn, "SELECT count(DISTINCT num) FROM entity"), 40000);
    fhs_conn_release(conn);
    fixture_close(&fix);
}
END_TEST

START_TEST(a_savepoint_forgets_more_names_than_are_remembered)
{
    fixture fix;
    fhs_conn *conn;
    fhs_entity kept;
    fhs_entity entity;
    char id[32];
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_entity_intern(conn, 3, FHS_LIT("kept"), &kept, &err));
    for (int round = 0; round < 2; round++) {
        ck_assert_ok(fhs_conn_savepoint(conn, &err));
        for (int i = 0; i < 33000; i++) {
            (void)snprintf(id, sizeof id, "lost-%d", i);
            ck_assert_ok(fhs_entity_intern(conn, 3, fhs_str_from_cstr(id), &entity, &err));
            ck_assert_int_eq(entity, kept + 1 + i);
        }
        fhs_conn_savepoint_rollback(conn);
        for (int i = 0; i < 33000; i += 100) {
            (void)snprintf(id, sizeof id, "lost-%d", i);
            ck_assert_ok(fhs_entity_find(conn, 3, fhs_str_from_cstr(id), &entity, &err));
            ck_assert_int_eq(entity, 0);
        }
        ck_assert_ok(fhs_entity_find(conn, 3, FHS_LIT("kept"), &entity, &err));
        ck_assert_int_eq(entity, kept);
    }
    ck_assert_ok(fhs_conn_commit(conn, &err));
    ck_assert_int_eq(count_of(conn, "SELECT count(*) FROM entity"), 1);
    fhs_conn_release(conn);
    fixture_close(&fix);
}
END_TEST

START_TEST(more_rows_than_are_gathered_are_exact)
{
    fixture fix;
    fhs_conn *conn;
    fhs_buf rows = FHS_BUF_INIT(64u << 20);
    char code[64];
    fixture_open(&fix);
    for (int i = 0; i < 120000; i++) {
        (void)snprintf(code, sizeof code, "code-%d-of-a-length-that-fills-the-buffer", i);
        add_token(&rows, 1, code);
    }
    ck_assert_ok(fhs_row_list_normalise(&rows, &err));
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    (void)put_resource(conn, 1, FHS_LIT("before"), FHS_LIT("{}"), FHS_STR_NONE);
    ck_assert_ok(fhs_conn_savepoint(conn, &err));
    (void)put_resource(conn, 1, FHS_LIT("large"), FHS_LIT("{}"), fhs_buf_str(&rows));
    ck_assert_ok(fhs_conn_savepoint(conn, &err));
    (void)put_resource(conn, 1, FHS_LIT("large"), FHS_STR_NONE, FHS_STR_NONE);
    fhs_conn_savepoint_rollback(conn);
    ck_assert_int_eq(count_of(conn, "SELECT count(*) FROM idx_token"), 120000);
    ck_assert_ok(fhs_conn_savepoint_release(conn, &err));
    ck_assert_ok(fhs_conn_savepoint(conn, &err));
    (void)put_resource(conn, 1, FHS_LIT("large"), FHS_LIT("{}"), FHS_STR_NONE);
    ck_assert_int_eq(count_of(conn, "SELECT count(*) FROM idx_token"), 0);
    fhs_conn_savepoint_rollback(conn);
    ck_assert_ok(fhs_conn_commit(conn, &err));
    ck_assert_int_eq(count_of(conn, "SELECT count(*) FROM idx_token"), 120000);
    ck_assert_int_eq(count_of(conn, "SELECT count(*) FROM current_type"), 2);
    fhs_conn_release(conn);
    fhs_buf_clear(&rows);
    fixture_close(&fix);
}
END_TEST

static bool see_unit(void *ctx, int64_t number, const fhs_unit_key *key)
{
    int64_t *seen = ctx;
    *seen += number;
    ck_assert(key->canonical == (number == 2));
    ck_assert_view_eq(key->code, number == 3 ? FHS_STR_NONE : FHS_LIT("mg"));
    return true;
}

static bool see_param(void *ctx, fhs_str code, uint32_t number)
{
    (void)number;
    *(int *)ctx += fhs_str_eq(code, FHS_LIT("code")) ? 1 : 100;
    return true;
}

START_TEST(units_types_parameters_and_values_have_names)
{
    fixture fix;
    fhs_conn *conn;
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    fhs_unit_key keys[] = {{FHS_LIT("s"), FHS_LIT("mg"), FHS_LIT("mg"), false},
                           {FHS_LIT("s"), FHS_LIT("mg"), FHS_LIT("mg"), true},
                           {FHS_STR_NONE, FHS_STR_NONE, FHS_LIT("tablet"), false}};
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    for (int round = 0; round < 2; round++) {
        for (int64_t i = 0; i < 3; i++) {
            int64_t number;
            ck_assert_ok(fhs_unit_intern(conn, &keys[i], &number, &err));
            ck_assert_int_eq(number, i + 1);
        }
    }
    int64_t seen = 0;
    ck_assert_ok(fhs_unit_each(conn, see_unit, &seen, &err));
    ck_assert_int_eq(seen, 6);
    int32_t type;
    uint32_t param;
    uint32_t again;
    int params = 0;
    ck_assert_ok(fhs_typenum_intern(conn, FHS_LIT("Observation"), &type, &err));
    ck_assert_ok(fhs_paramnum_intern(conn, type, FHS_LIT("code"), &param, &err));
    ck_assert_ok(fhs_paramnum_intern(conn, type + 1, FHS_LIT("code"), &again, &err));
    ck_assert_uint_ne(param, again);
    ck_assert_ok(fhs_paramnum_intern(conn, type, FHS_LIT("code"), &again, &err));
    ck_assert_uint_eq(param, again);
    ck_assert_ok(fhs_paramnum_each(conn, type, see_param, &params, &err));
    ck_assert_int_eq(params, 1);
    bool found;
    fhs_buf value = FHS_BUF_INIT(100);
    ck_assert_ok(fhs_meta_get(conn, FHS_LIT("definitions"), &value, &found, &err));
    ck_assert(!found);
    ck_assert_ok(fhs_meta_set(conn, FHS_LIT("definitions"), FHS_LIT("r4"), &err));
    ck_assert_ok(fhs_meta_set(conn, FHS_LIT("definitions"), FHS_LIT("r5"), &err));
    ck_assert_ok(fhs_meta_get(conn, FHS_LIT("definitions"), &value, &found, &err));
    ck_assert(found);
    ck_assert_view_eq(fhs_buf_str(&value), FHS_LIT("r5"));
    fhs_buf_clear(&value);
    ck_assert_ok(fhs_conn_commit(conn, &err));
    ck_assert_int_eq(fhs_meta_set(conn, FHS_LIT("x"), FHS_LIT("y"), NULL), FHIRSTORE_ERR_INTERNAL);
    fhs_conn_release(conn);
    fixture_close(&fix);
}
END_TEST

static int64_t frozen_clock(void *ctx)
{
    return *(int64_t *)ctx;
}

static int64_t stamp_of_write(fixture *fix, const char *id)
{
    fhs_conn *conn;
    ck_assert_ok(fhs_storage_writer(fix->storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    int64_t stamp = fhs_conn_time(conn);
    (void)put_resource(conn, 1, fhs_str_from_cstr(id), FHS_LIT("{}"), FHS_STR_NONE);
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    return stamp;
}

START_TEST(stamps_rise_though_the_clock_does_not)
{
    fixture fix;
    int64_t now = 1000000;
    fixture_prepare(&fix);
    fix.options.now_us = frozen_clock;
    fix.options.now_ctx = &now;
    ck_assert_ok(fhs_storage_open(&fix.options, &fix.storage, &err));
    ck_assert_int_eq(stamp_of_write(&fix, "a"), 1000000);
    ck_assert_int_eq(stamp_of_write(&fix, "a"), 1000001);
    now = 500;
    ck_assert_int_eq(stamp_of_write(&fix, "b"), 1000002);
    fixture_reopen(&fix);
    ck_assert_int_eq(stamp_of_write(&fix, "b"), 1000003);
    /* A transaction without versions has a stamp as well, and it counts. */
    fhs_conn *conn;
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_meta_set(conn, FHS_LIT("x"), FHS_LIT("y"), &err));
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    fixture_reopen(&fix);
    ck_assert_int_eq(stamp_of_write(&fix, "b"), 1000005);
    now = 2000000;
    ck_assert_int_eq(stamp_of_write(&fix, "b"), 2000000);
    fixture_close(&fix);
}
END_TEST

static fhs_str call_rows(fhs_conn *conn, const char *sql, fhs_str rows, fhs_stmt **stmt)
{
    ck_assert_ok(fhs_stmt_take(conn, fhs_str_from_cstr(sql), stmt, &err));
    ck_assert_ok(fhs_stmt_bind_blob(*stmt, 1, rows));
    ck_assert_ok(fhs_stmt_step(*stmt, &err));
    return fhs_stmt_text(*stmt, 0);
}

START_TEST(row_lists_answer_in_sql)
{
    fixture fix;
    fhs_conn *conn;
    fhs_stmt *stmt;
    fhs_buf rows = FHS_BUF_INIT(10000);
    fixture_open(&fix);
    fhs_row dates[] = {{.kind = FHS_ROW_DATE, .param = 5, .a = 100, .b = 200},
                       {.kind = FHS_ROW_DATE, .param = 5, .a = -50, .b = 20}};
    fhs_row_encode(&rows, &dates[0]);
    fhs_row_encode(&rows, &dates[1]);
    add_token(&rows, 3, "b");
    add_token(&rows, 3, "a");
    ck_assert_ok(fhs_row_list_normalise(&rows, &err));
    fhs_str list = fhs_buf_str(&rows);
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_view_eq(call_rows(conn, "SELECT fhs_rows_min(?1,3,1)", list, &stmt), FHS_LIT("a"));
    fhs_stmt_give(stmt);
    ck_assert_view_eq(call_rows(conn, "SELECT fhs_rows_max(?1,3,1)", list, &stmt), FHS_LIT("b"));
    fhs_stmt_give(stmt);
    (void)call_rows(conn, "SELECT fhs_rows_max(?1,4,1)", list, &stmt);
    ck_assert(fhs_stmt_is_null(stmt, 0));
    fhs_stmt_give(stmt);
    static const struct {
        const char *sql;
        int64_t want;
    } calls[] = {
        {"SELECT fhs_rows_min(?1,5,3)", -50},        {"SELECT fhs_rows_max(?1,5,3)", 100},
        {"SELECT fhs_rows_has(?1,5,3)", 1},          {"SELECT fhs_rows_has(?1,5,1)", 0},
        {"SELECT fhs_rows_has(NULL,5,1)+?1*0", 0},   {"SELECT fhs_rows_date(?1,5,0,90,210)", 1},
        {"SELECT fhs_rows_date(?1,5,0,110,210)", 0}, {"SELECT fhs_rows_date(?1,5,1,90,210)", 1},
        {"SELECT fhs_rows_date(?1,5,2,150,160)", 1}, {"SELECT fhs_rows_date(?1,5,2,150,200)", 0},
        {"SELECT fhs_rows_date(?1,5,3,-50,0)", 0},   {"SELECT fhs_rows_date(?1,5,3,-49,0)", 1},
        {"SELECT fhs_rows_date(?1,5,4,100,200)", 1}, {"SELECT fhs_rows_date(?1,5,5,-50,20)", 1},
        {"SELECT fhs_rows_date(?1,5,6,0,99)", 1},    {"SELECT fhs_rows_date(?1,5,6,0,100)", 0},
        {"SELECT fhs_rows_date(?1,5,7,21,90)", 1},   {"SELECT fhs_rows_date(?1,5,7,20,90)", 0},
        {"SELECT fhs_rows_date(?1,5,8,200,300)", 1}, {"SELECT fhs_rows_date(?1,5,8,201,300)", 0},
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        (void)call_rows(conn, calls[i].sql, list, &stmt);
        ck_assert_msg(fhs_stmt_int(stmt, 0) == calls[i].want, "%s", calls[i].sql);
        fhs_stmt_give(stmt);
    }
    ck_assert_ok(fhs_stmt_take(conn, FHS_LIT("SELECT fhs_rows_has(x'FFFF',5,1)"), &stmt, &err));
    ck_assert_int_eq(fhs_stmt_step(stmt, NULL), FHIRSTORE_ERR_CORRUPT);
    fhs_stmt_give(stmt);
    fhs_conn_release(conn);
    fhs_buf_clear(&rows);
    fixture_close(&fix);
}
END_TEST

START_TEST(an_interrupt_is_answered_once)
{
    fixture fix;
    fhs_conn *conn;
    fhs_stmt *stmt;
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_ok(fhs_stmt_take(conn, FHS_LIT("SELECT 1"), &stmt, &err));
    fhs_conn_interrupt(conn);
    ck_assert_int_eq(fhs_stmt_step(stmt, NULL), FHIRSTORE_ERR_CANCELLED);
    ck_assert_ok(fhs_stmt_step(stmt, &err));
    fhs_stmt_give(stmt);
    fhs_conn_release(conn);
    fixture_close(&fix);
}
END_TEST

START_TEST(statements_are_kept_and_their_number_is_bounded)
{
    fixture fix;
    fhs_conn *conn;
    fhs_stmt *one;
    fhs_stmt *two;
    char sql[64];
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_ok(fhs_stmt_take(conn, FHS_LIT("SELECT 7"), &one, &err));
    ck_assert_ok(fhs_stmt_take(conn, FHS_LIT("SELECT 7"), &two, &err));
    ck_assert_ptr_ne(one, two);
    fhs_stmt_give(two);
    for (int i = 0; i < 500; i++) {
        (void)snprintf(sql, sizeof sql, "SELECT %d", i + 100);
        ck_assert_int_eq(count_of(conn, sql), i + 100);
    }
    ck_assert_ok(fhs_stmt_step(one, &err));
    fhs_stmt_give(one);
    ck_assert_int_ne(fhs_stmt_take(conn, FHS_LIT("SELECT nonsense FROM nowhere"), &one, NULL),
                     FHIRSTORE_OK);
    ck_assert_ptr_null(one);
    fhs_conn_release(conn);
    fixture_close(&fix);
}
END_TEST

static fhirstore_status add_entity(void *ctx, const fhs_version *version)
{
    *(int64_t *)ctx += version->entity;
    return version->is_deleted ? FHIRSTORE_ERR_INTERNAL : FHIRSTORE_OK;
}

static bool add_count(void *ctx, fhs_str type, int64_t count)
{
    ck_assert_view_eq(type, FHS_LIT("Patient"));
    *(int64_t *)ctx += count;
    return true;
}

START_TEST(all_current_resources_are_walked)
{
    fixture fix;
    fhs_conn *conn;
    int32_t type;
    int64_t sum = 0;
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_typenum_intern(conn, FHS_LIT("Patient"), &type, &err));
    (void)put_resource(conn, type, FHS_LIT("a"), FHS_LIT("{}"), FHS_STR_NONE);
    (void)put_resource(conn, type, FHS_LIT("b"), FHS_LIT("{}"), FHS_STR_NONE);
    (void)put_resource(conn, type, FHS_LIT("b"), FHS_STR_NONE, FHS_STR_NONE);
    (void)put_resource(conn, type, FHS_LIT("c"), FHS_LIT("{}"), FHS_STR_NONE);
    ck_assert_ok(fhs_resource_each(conn, type, 0, add_entity, &sum, &err));
    ck_assert_int_eq(sum, 1 + 3);
    ck_assert_ok(fhs_conn_commit(conn, &err));
    ck_assert_ok(fhs_resource_each(conn, 0, 1, add_entity, &sum, &err));
    ck_assert_int_eq(sum, 4 + 3);
    ck_assert_ok(fhs_resource_each(conn, type + 1, 0, add_entity, &sum, &err));
    ck_assert_int_eq(sum, 7);
    int64_t count = 0;
    ck_assert_ok(fhs_storage_type_counts(conn, add_count, &count, &err));
    ck_assert_int_eq(count, 2);
    fhs_conn_release(conn);
    fixture_verify(&fix);
    ck_assert_ok(fhs_storage_checkpoint(fix.storage, &err));
    fixture_close(&fix);
}
END_TEST

START_TEST(transactions_have_an_order)
{
    fixture fix;
    fhs_conn *conn;
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_int_eq(fhs_conn_commit(conn, NULL), FHIRSTORE_ERR_INTERNAL);
    ck_assert_int_eq(fhs_conn_savepoint(conn, NULL), FHIRSTORE_ERR_INTERNAL);
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_int_eq(fhs_conn_begin_write(conn, NULL), FHIRSTORE_ERR_INTERNAL);
    ck_assert_int_eq(fhs_conn_savepoint_release(conn, NULL), FHIRSTORE_ERR_INTERNAL);
    for (int i = 0; i < 16; i++) {
        ck_assert_ok(fhs_conn_savepoint(conn, &err));
    }
    ck_assert_int_eq(fhs_conn_savepoint(conn, NULL), FHIRSTORE_ERR_LIMIT);
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_int_eq(fhs_conn_begin_write(conn, NULL), FHIRSTORE_ERR_INTERNAL);
    fhs_conn_release(conn);
    fixture_close(&fix);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("storage_store");
    TCase *cases = tcase_create("store");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_store_is_made_only_when_asked_for);
    tcase_add_test(cases, what_is_no_store_is_refused_and_left_alone);
    tcase_add_test(cases, a_newer_schema_is_refused);
    tcase_add_test(cases, a_foreign_database_is_refused);
    tcase_add_test(cases, keys_are_asked_for);
    tcase_add_test(cases, another_process_finds_it_in_use);
    tcase_add_test(cases, a_read_only_store_has_no_writer);
    tcase_add_test(cases, several_processes_may_write_when_asked_for);
    tcase_add_test(cases, an_update_writes_only_what_differs);
    tcase_add_test(cases, names_are_forgotten_with_their_transaction);
    tcase_add_test(cases, more_names_than_are_remembered_stay_right);
    tcase_add_test(cases, a_savepoint_forgets_more_names_than_are_remembered);
    tcase_add_test(cases, more_rows_than_are_gathered_are_exact);
    tcase_add_test(cases, units_types_parameters_and_values_have_names);
    tcase_add_test(cases, stamps_rise_though_the_clock_does_not);
    tcase_add_test(cases, row_lists_answer_in_sql);
    tcase_add_test(cases, an_interrupt_is_answered_once);
    tcase_add_test(cases, statements_are_kept_and_their_number_is_bounded);
    tcase_add_test(cases, all_current_resources_are_walked);
    tcase_add_test(cases, transactions_have_an_order);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
