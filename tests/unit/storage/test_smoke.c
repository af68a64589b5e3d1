/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

START_TEST(what_is_written_is_read)
{
    fixture fix;
    fhs_conn *conn;
    fhs_version version;
    fixture_open(&fix);
    ck_assert_ok(fhs_storage_writer(fix.storage, &conn, &err));
    ck_assert_ok(fhs_conn_begin_write(conn, &err));
    (void)put_resource(conn, 1, FHS_LIT("a"), FHS_LIT("{1}"), FHS_STR_NONE);
    (void)put_resource(conn, 1, FHS_LIT("a"), FHS_LIT("{2}"), FHS_STR_NONE);
    ck_assert_ok(fhs_conn_commit(conn, &err));
    fhs_conn_release(conn);
    ck_assert_ok(fhs_storage_reader(fix.storage, &conn, &err));
    ck_assert_ok(fhs_resource_read(conn, 1, FHS_LIT("a"), &version, &err));
    ck_assert_view_eq(version.body, FHS_LIT("{2}"));
    ck_assert_ok(fhs_resource_vread(conn, 1, FHS_LIT("a"), 1, &version, &err));
    ck_assert_view_eq(version.body, FHS_LIT("{1}"));
    fhs_conn_release(conn);
    fixture_close(&fix);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("storage_smoke");
    TCase *cases = tcase_create("smoke");
    tcase_add_test(cases, what_is_written_is_read);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
