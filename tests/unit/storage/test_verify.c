/* SPDX-License-Identifier: Apache-2.0 */
/* Every kind of planted damage is found, and a sound store has no findings. */
#include "fixture.h"

typedef struct damage {
    const char *sql;
    const char *area;
} damage;

static const damage damages[] = {
    {"DELETE FROM idx_token WHERE code='one'", "idx_token"},
    {"INSERT INTO idx_token VALUES(1,'three',0,'',1)", "idx_token"},
    {"UPDATE idx_token SET exact='One' WHERE code='one'", "idx_token"},
    {"DELETE FROM idx_string", "idx_string"},
    {"INSERT INTO idx_string VALUES(1,'x',2,'')", "idx_string"},
    {"DELETE FROM idx_date", "idx_date"},
    {"UPDATE idx_date SET hi=hi+1", "idx_date"},
    {"DELETE FROM idx_date_hi", "idx_date_hi"},
    {"INSERT INTO idx_date_hi VALUES(1,5,4,1)", "idx_date_hi"},
    {"DELETE FROM idx_number", "idx_number"},
    {"UPDATE idx_number SET hi=x'09'", "idx_number"},
    {"DELETE FROM idx_quantity", "idx_quantity"},
    {"UPDATE idx_quantity SET unit=2", "idx_quantity"},
    {"DELETE FROM idx_reference", "idx_reference"},
    {"UPDATE idx_reference SET target=target+1", "idx_reference"},
    {"DELETE FROM idx_uri", "idx_uri"},
    {"INSERT INTO idx_uri VALUES(1,'u',1)", "idx_uri"},
    {"DELETE FROM idx_composite", "idx_composite"},
    {"UPDATE idx_position SET lat=1", "idx_position"},
    {"UPDATE entries SET rows=x'FF' WHERE entity=1", "row lists"},
    {"UPDATE entries SET rows=x'' WHERE entity=1", "idx_token"},
    {"DELETE FROM entries WHERE entity=1", "resources"},
    {"INSERT INTO entries VALUES(4711,x'')", "resources"},
    {"DELETE FROM current_type WHERE entity=1", "resources"},
    {"INSERT INTO current_type VALUES(1,4711)", "resources"},
    {"DELETE FROM current_updated WHERE entity=1", "resources"},
    {"UPDATE current_updated SET updated=updated+1 WHERE entity=1", "resources"},
    {"UPDATE resource SET body=NULL WHERE entity=1", "resources"},
    {"UPDATE resource SET version=9 WHERE entity=1", "resources"},
    {"UPDATE resource SET id='other' WHERE entity=1", "resources"},
    {"UPDATE resource SET updated=1 WHERE entity=1", "resources"},
    {"DELETE FROM resource WHERE entity=1", "versions"},
    {"DELETE FROM version WHERE seq=1", "versions"},
    {"DELETE FROM version WHERE seq=(SELECT max(seq) FROM version)", "resources"},
    {"UPDATE version SET updated=1 WHERE seq=3", "versions"},
    {"DELETE FROM version_of", "versions"},
    {"UPDATE version_of SET version=version+7", "versions"},
    {"DELETE FROM version_type WHERE seq=1", "versions"},
    {"INSERT INTO version_type VALUES(1,4711)", "versions"},
    {"DELETE FROM old_body", "versions"},
    {"INSERT INTO old_body VALUES(4711,x'00')", "versions"},
    {"INSERT INTO body_part VALUES(4711,0,x'00')", "versions"},
    {"INSERT INTO body_part VALUES(1,0,x'00')", "versions"},
    {"UPDATE resource SET body=NULL WHERE entity=1", "resources"},
    {"DELETE FROM type", "names"},
    {"UPDATE entity SET num=num+100 WHERE id='a'", "resources"},
    {"INSERT INTO entity VALUES(9,'z',1)", "names"},
    {"UPDATE meta SET value=2 WHERE name='next_entity'", "names"},
    {"DELETE FROM uri", "row lists"},
    {"DELETE FROM param", "row lists"},
    {"DELETE FROM unit", "row lists"},
    {"UPDATE resource SET body='{9}' WHERE body IS NOT NULL", "chain"},
    {"UPDATE old_body SET body='{8}'", "chain"},
    {"UPDATE version SET chain=NULL WHERE seq=3", "chain"},
    {"UPDATE version SET chain=zeroblob(64) WHERE seq=2", "chain"},
    {"UPDATE version SET method=1 WHERE seq=2", "chain"},
    {"UPDATE version SET chain=(SELECT chain FROM version WHERE seq=2) WHERE seq=3", "chain"},
    {"DELETE FROM meta WHERE name='chain_key'", "chain"},
    {"UPDATE meta SET value=zeroblob(32) WHERE name='chain_key'", "chain"},
    {"INSERT INTO purged VALUES(9,zeroblob(64))", "chain"},
};

static void make_rows(fhs_buf *rows, fhs_entity target)
{
    const fhs_row all[] = {
        {.kind = FHS_ROW_TOKEN, .param = 1, .a = 1, .text = FHS_LIT("one")},
        {.kind = FHS_ROW_TOKEN, .param = 1, .text = FHS_LIT("two"), .extra = FHS_LIT("Two")},
        {.kind = FHS_ROW_STRING, .param = 1, .text = FHS_LIT("smith"), .extra = FHS_LIT("Smith")},
        {.kind = FHS_ROW_DATE, .param = 1, .a = 5, .b = 9},
        {.kind = FHS_ROW_DATE, .param = 1, .a = 5, .b = FHS_DATE_NARROW_TICKS * 3},
        {.kind = FHS_ROW_NUMBER, .param = 1, .text = FHS_LIT("\x02"), .extra = FHS_LIT("\x03")},
        {.kind = FHS_ROW_QUANTITY, .param = 1, .a = 1, .text = FHS_LIT("\x05\x00")},
        {.kind = FHS_ROW_REFERENCE, .param = 1, .a = target, .extra = FHS_LIT("2")},
        {.kind = FHS_ROW_URI, .param = 1, .text = FHS_LIT("urn:x")},
        {.kind = FHS_ROW_COMPOSITE, .param = 1, .text = FHS_LIT("\x00\x01")},
        {.kind = FHS_ROW_POSITION, .param = 1, .a = -7, .b = 8},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        fhs_row_encode(rows, &all[i]);
    }
    ck_assert_int_eq(fhs_row_list_normalise(rows, NULL), FHIRSTORE_OK);
}

static void fill(fhs_conn *conn)
{
    fhs_buf rows = FHS_BUF_INIT(10000);
    fhs_unit_key unit = {FHS_LIT("s"), FHS_LIT("c"), FHS_LIT("u"), false};
    int64_t number;
    int32_t type;
    uint32_t param;
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_typenum_intern(conn, FHS_LIT("Patient"), &type, &err));
    ck_assert_ok(fhs_paramnum_intern(conn, type, FHS_LIT("code"), &param, &err));
    ck_assert_ok(fhs_uri_intern(conn, FHS_LIT("urn:s"), &number, &err));
    ck_assert_ok(fhs_unit_intern(conn, &unit, &number, &err));
    ck_assert_ok(fhs_entity_intern(conn, type, FHS_LIT("a"), &number, &err));
    make_rows(&rows, number);
    (void)put_resource(conn, type, FHS_LIT("a"), FHS_LIT("{1}"), fhs_buf_str(&rows));
    (void)put_resource(conn, type, FHS_LIT("a"), FHS_LIT("{2}"), fhs_buf_str(&rows));
    ck_assert_ok(fhs_conn_commit(conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    (void)put_resource(conn, type, FHS_LIT("b"), FHS_LIT("{3}"), FHS_STR_NONE);
    (void)put_resource(conn, type, FHS_LIT("b"), FHS_STR_NONE, FHS_STR_NONE);
    (void)put_resource(conn, type, FHS_LIT("c"), FHS_LIT("{4}"), fhs_buf_str(&rows));
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_buf_clear(&rows);
}

typedef struct findings {
    const char *wanted;
    int count;
    bool has_wanted;
    char all[2000];
} findings;

static void note_finding(void *ctx, const char *area, const char *text)
{
    findings *found = ctx;
    found->count++;
    found->has_wanted |= strcmp(area, found->wanted) == 0;
    size_t len = strlen(found->all);
    (void)snprintf(found->all + len, sizeof found->all - len, "%s: %s; ", area, text);
}

START_TEST(planted_damage_is_found)
{
    const damage *planted = &damages[_i];
    fixture fix;
    fhs_conn *conn;
    fhs_stmt *stmt;
    int64_t count = 0;
    findings found = {.wanted = planted->area};
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    fill(conn);
    fhs_conn_release(conn);
    fixture_verify(&fix);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_stmt_take(conn, fhs_str_from_cstr(planted->sql), &stmt, &err));
    ck_assert_int_eq(fhs_stmt_step(stmt, NULL), FHIRSTORE_DONE);
    fhs_stmt_give(stmt);
    ck_assert_int_gt(count_of(conn, "SELECT changes()"), 0);
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    ck_assert_ok(fhs_storage_verify(fix.storage, note_finding, &found, &count, &err));
    ck_assert_int_eq(count, found.count);
    ck_assert_msg(found.has_wanted, "%s: %s", planted->sql, found.all);
    fixture_close(&fix);
}
END_TEST

START_TEST(rows_can_be_repaired)
{
    fixture fix;
    fhs_conn *conn;
    fhs_stmt *stmt;
    fhs_version version;
    fhs_buf rows = FHS_BUF_INIT(10000);
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    fill(conn);
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_resource_read_rows(conn, 1, FHS_LIT("a"), &version, &err));
    fhs_buf_add_str(&rows, version.rows);
    ck_assert_ok(fhs_stmt_take(conn, FHS_LIT("DELETE FROM idx_token WHERE entity=1"), &stmt, &err));
    ck_assert_int_eq(fhs_stmt_step(stmt, NULL), FHIRSTORE_DONE);
    fhs_stmt_give(stmt);
    ck_assert_ok(fhs_rows_replace(conn, version.entity, FHS_STR_NONE, fhs_buf_str(&rows), &err));
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    fixture_verify(&fix);
    /* Also to fewer rows. */
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_rows_replace(conn, 1, fhs_buf_str(&rows), FHS_STR_NONE, &err));
    ck_assert_int_eq(count_of(conn, "SELECT count(*) FROM idx_token WHERE entity=1"), 0);
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    fixture_verify(&fix);
    fhs_buf_clear(&rows);
    fixture_close(&fix);
}
END_TEST

START_TEST(a_flipped_byte_is_found)
{
    fixture fix;
    fhs_conn *conn;
    int64_t count = 0;
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    fill(conn);
    fhs_conn_release(conn);
    ck_assert_ok(fhs_storage_checkpoint(fix.storage, &err));
    FILE *file = fopen(fix.path, "r+b");
    ck_assert_int_eq(fseek(file, -3000, SEEK_END), 0);
    int byte = fgetc(file);
    ck_assert_int_eq(fseek(file, -3000, SEEK_END), 0);
    ck_assert_int_ne(fputc(byte ^ 1, file), EOF);
    (void)fclose(file);
    ck_assert_ok(fhs_storage_verify(fix.storage, NULL, NULL, &count, &err));
    ck_assert_int_gt(count, 0);
    fixture_close(&fix);
}
END_TEST

static void copy_bytes(const char *from, const char *to, long flipped)
{
    FILE *in = fopen(from, "rb");
    FILE *out = fopen(to, "wb");
    ck_assert(in != NULL && out != NULL);
    int byte;
    for (long at = 0; (byte = fgetc(in)) != EOF; at++) {
        (void)fputc(at == flipped ? byte ^ 1 : byte, out);
    }
    (void)fclose(in);
    ck_assert_int_eq(fclose(out), 0);
}

/* As a crash leaves a store whose last writes reached the disk in another order. */
START_TEST(a_lost_tail_is_told_and_no_finding)
{
    fixture fix;
    fixture crashed;
    fhs_conn *conn;
    char from[128];
    char to[128];
    int64_t count = -1;
    findings found = {.wanted = "notice"};
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_checkpoint(fix.storage, &err));
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    fill(conn);
    fhs_conn_release(conn);
    fixture_prepare(&crashed);
    copy_bytes(fix.path, crashed.path, -1);
    (void)snprintf(from, sizeof from, "%s-wal", fix.path);
    (void)snprintf(to, sizeof to, "%s-wal", crashed.path);
    copy_bytes(from, to, 4096 + 2 * 4200);
    crashed.options.path = fhs_str_from_cstr(crashed.path);
    ck_assert_ok(fhs_storage_open(&crashed.options, &crashed.storage, &err));
    ck_assert_ok(fhs_storage_verify(crashed.storage, note_finding, &found, &count, &err));
    ck_assert_int_eq(count, 1); /* the bytes are there and bad */
    ck_assert_int_eq(found.count, 1);
    ck_assert_ok(fhs_storage_writer(crashed.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    ck_assert_ok(fhs_meta_set(conn, FHS_LIT("x"), FHS_LIT("y"), &err));
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    ck_assert_ok(fhs_storage_checkpoint(crashed.storage, &err));
    found = (findings){.wanted = "notice"};
    ck_assert_ok(fhs_storage_verify(crashed.storage, note_finding, &found, &count, &err));
    ck_assert_msg(found.has_wanted && found.count == 1, "%s", found.all);
    ck_assert_int_eq(count, 0);
    fixture_close(&crashed);
    fixture_close(&fix);
}
END_TEST

int main(void)
{
    const char *sealed = getenv("FHS_TEST_SEALED");
    Suite *suite = suite_create("storage_verify");
    TCase *cases = tcase_create("verify");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, planted_damage_is_found, 0, (int)(sizeof damages / sizeof *damages));
    tcase_add_test(cases, rows_can_be_repaired);
    /* Only sealed pages can tell that a byte in unused space was changed. */
    if (sealed != NULL && sealed[0] == '1') {
        tcase_add_test(cases, a_flipped_byte_is_found);
        tcase_add_test(cases, a_lost_tail_is_told_and_no_finding);
    }
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
