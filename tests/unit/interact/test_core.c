/* SPDX-License-Identifier: Apache-2.0 */
/* The store as a whole: what it keeps of its creation, how it is verified, reads that fail. */
#include <stdio.h>
#include <unistd.h>

#include "interact/interact.h"
#include "suite.h"

#define ck_assert_ok(call)                                                                     \
    do {                                                                                       \
        fhirstore_error *err = NULL;                                                           \
        fhirstore_status got_status = (call);                                                  \
        ck_assert_msg(got_status >= FHIRSTORE_OK, "%s: %s, %s", #call,                         \
                      fhs_status_name(got_status), err == NULL ? "" : fhs_error_message(err)); \
    } while (0)

static char folder[64];
static char path[96];
static fhs_core *core;
static fhs_session *session;
static fhs_core_options options;

/* ---- reads that fail once ---- */

static fhirstore_status next_read; /* OK: the real one */

fhirstore_status __wrap_fhs_resource_read_rows(fhs_conn *conn, int32_t type, fhs_str id,
                                               fhs_version *out, fhirstore_error **err);
fhirstore_status __real_fhs_resource_read_rows(fhs_conn *conn, int32_t type, fhs_str id,
                                               fhs_version *out, fhirstore_error **err);

fhirstore_status __wrap_fhs_resource_read_rows(fhs_conn *conn, int32_t type, fhs_str id,
                                               fhs_version *out, fhirstore_error **err)
{
    fhirstore_status status = next_read;
    next_read = FHIRSTORE_OK;
    return status == FHIRSTORE_OK ? __real_fhs_resource_read_rows(conn, type, id, out, err)
                                  : fhs_fail(err, status, "the read was made to fail");
}

/* ---- the store ---- */

static void enter(void)
{
    const fhs_session_options who = {.principal = FHS_LIT("tester"), .allow_everything = true};
    ck_assert_ok(fhs_core_open(&options, &core, &err));
    ck_assert_ok(fhs_session_new(core, &who, &session, &err));
}

static void leave(void)
{
    fhs_session_drop(session);
    fhs_core_close(core);
    session = NULL;
    core = NULL;
}

static void open_new(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/fhs-interact-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/store", folder);
    next_read = FHIRSTORE_OK;
    options = (fhs_core_options){
        .storage = {.path = fhs_str_from_cstr(path),
                    .create = true,
                    .plaintext = true,
                    .sync_normal = true,
                    .busy_timeout_ms = -1,
                    .new_fhir_version = FHS_FHIR_R4},
        .base_url = FHS_LIT("http://here/fhir/"),
        .default_zone_minutes = -300,
    };
    enter();
}

static void close_and_remove(void)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    char name[128];
    leave();
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, endings[i]);
        (void)unlink(name);
    }
    (void)rmdir(folder);
}

static fhirstore_status put(const char *id, const char *body)
{
    fhs_answer answer;
    fhs_answer_init(&answer);
    const fhs_condition condition = {0};
    fhirstore_status status = fhs_interact_update(
        session, fhs_type_find(core->fhir, FHS_LIT("Patient")), fhs_str_from_cstr(id),
        fhs_str_from_cstr(body), &condition, &answer, NULL);
    fhs_answer_clear(&answer);
    return status;
}

static int64_t count_of(const char *type, const char *query)
{
    int64_t count = -1;
    const fhs_place place = {.type = fhs_type_find(core->fhir, fhs_str_from_cstr(type))};
    ck_assert_ok(
        fhs_interact_search_total(session, &place, fhs_str_from_cstr(query), &count, &err));
    return count;
}

static void set_meta(const char *name, const char *value)
{
    fhs_conn *writer;
    ck_assert_ok(fhs_storage_writer(core->storage, &writer, &err));
    ck_assert_ok(fhs_conn_begin_write(writer, &err));
    ck_assert_ok(fhs_meta_set(writer, fhs_str_from_cstr(name), fhs_str_from_cstr(value), &err));
    ck_assert_ok(fhs_conn_commit(writer, &err));
    fhs_conn_release(writer);
}

static int64_t verify(fhs_finding_fn report, void *ctx)
{
    int64_t findings = -1;
    ck_assert_ok(fhs_core_verify(core, report, ctx, &findings, &err));
    return findings;
}

static void expect_refused(fhirstore_status status, const char *word)
{
    fhs_core *refused = NULL;
    fhirstore_error *err = NULL;
    ck_assert_int_eq(fhs_core_open(&options, &refused, &err), status);
    ck_assert_ptr_null(refused);
    ck_assert_ptr_nonnull(strstr(fhs_error_message(err), word));
    fhs_error_free(err);
}

#define LINKED                                                                            \
    "{\"resourceType\":\"Patient\",\"id\":\"a\",\"generalPractitioner\":[{\"reference\":" \
    "\"http://here/fhir/Practitioner/7\"}]}"

START_TEST(creation_is_remembered)
{
    ck_assert_ok(put("a", LINKED));
    leave();
    options.base_url = FHS_STR_NONE;
    options.default_zone_minutes = 0;
    enter();
    ck_assert_view_eq(core->base_url, FHS_LIT("http://here/fhir"));
    ck_assert_int_eq(core->default_zone_minutes, -300);
    ck_assert_int_eq(count_of("Patient", "general-practitioner=Practitioner/7"), 1);
    ck_assert_int_eq(verify(NULL, NULL), 0);
    leave();
    options.base_url = FHS_LIT("http://there/fhir");
    expect_refused(FHIRSTORE_ERR_INVALID_ARG, "base_url");
    options.base_url = FHS_LIT("http://here/fhir");
    options.default_zone_minutes = 60;
    expect_refused(FHIRSTORE_ERR_INVALID_ARG, "default_zone_minutes");
    options.default_zone_minutes = -300;
    enter();
}
END_TEST

START_TEST(times_without_zone_are_found_where_they_are)
{
    fhs_answer answer;
    fhs_answer_init(&answer);
    static const char body[] =
        "{\"resourceType\":\"Basic\",\"code\":{\"text\":\"x\"},\"created\":\"2020-06-01\"}";
    ck_assert_ok(fhs_interact_create(session, fhs_type_find(core->fhir, FHS_LIT("Basic")),
                                     FHS_LIT(body), &answer, &err));
    fhs_answer_clear(&answer);
    ck_assert_int_eq(count_of("Basic", "created=2020-06-01"), 1);
    /* A day in New York ends five hours after one in Greenwich. */
    ck_assert_int_eq(count_of("Basic", "created=gt2020-06-02T04:00:00Z"), 1);
    ck_assert_int_eq(count_of("Basic", "created=gt2020-06-02T05:00:00Z"), 0);
}
END_TEST

START_TEST(rows_of_an_older_library_are_indexed_again)
{
    const fhs_maintain_options all = {0};
    ck_assert_ok(put("a", LINKED));
    set_meta("extraction", "0");
    leave();
    options.storage.read_only = true;
    expect_refused(FHIRSTORE_ERR_READ_ONLY, "reindex");
    options.storage.read_only = false;
    enter();
    ck_assert_int_eq(count_of("Patient", "general-practitioner=Practitioner/7"), 1);
    ck_assert_int_eq(count_of("Patient", "general-practitioner:missing=true"), 0);
    ck_assert_int_eq(verify(NULL, NULL), 0);
    ck_assert_int_eq(fhs_core_maintain(core, &all, NULL), FHIRSTORE_DONE);
    ck_assert(!fhs_catalog_is_late(fhs_params_catalog(core->params), 1));
    ck_assert_int_eq(count_of("Patient", "general-practitioner=Practitioner/7"), 1);
    ck_assert_int_eq(verify(NULL, NULL), 0);
    leave();
    enter();
    ck_assert_int_eq(fhs_core_maintain(core, &all, NULL), FHIRSTORE_DONE);
    ck_assert_int_eq(count_of("Patient", "general-practitioner=Practitioner/7"), 1);
}
END_TEST

START_TEST(read_only_stores_can_be_verified)
{
    ck_assert_ok(put("a", LINKED));
    leave();
    options.storage.read_only = true;
    options.storage.create = false;
    enter();
    ck_assert_int_eq(verify(NULL, NULL), 0);
}
END_TEST

typedef struct write_between {
    int count;
    fhirstore_status status;
} write_between;

static void note_and_write(void *ctx, const char *area, const char *text)
{
    write_between *between = ctx;
    (void)text;
    if (strcmp(area, "index") == 0) {
        between->count++;
        between->status = put("c", "{\"resourceType\":\"Patient\",\"id\":\"c\"}");
    }
}

START_TEST(writers_do_not_wait_for_verify)
{
    fhs_conn *writer;
    fhs_version version;
    write_between between = {0, FHIRSTORE_ERR_INTERNAL};
    ck_assert_ok(put("a", LINKED));
    ck_assert_ok(fhs_storage_writer(core->storage, &writer, &err));
    ck_assert_ok(fhs_conn_begin_write(writer, &err));
    int32_t type = fhs_catalog_type(core->catalog, fhs_type_find(core->fhir, FHS_LIT("Patient")));
    ck_assert_ok(fhs_resource_read_rows(writer, type, FHS_LIT("a"), &version, &err));
    fhs_buf rows = FHS_BUF_INIT(100000);
    fhs_buf_add_str(&rows, version.rows);
    ck_assert_ok(fhs_rows_replace(writer, version.entity, fhs_buf_str(&rows), FHS_STR_NONE, &err));
    ck_assert_ok(fhs_conn_commit(writer, &err));
    fhs_conn_release(writer);
    fhs_buf_clear(&rows);
    ck_assert_int_eq(verify(note_and_write, &between), 1);
    ck_assert_int_eq(between.count, 1);
    ck_assert_int_eq(between.status, FHIRSTORE_CREATED);
}
END_TEST

START_TEST(failed_reads_are_no_absence)
{
    ck_assert_int_eq(put("a", LINKED), FHIRSTORE_CREATED);
    next_read = FHIRSTORE_ERR_IO;
    ck_assert_int_eq(put("a", "{\"resourceType\":\"Patient\",\"id\":\"a\"}"), FHIRSTORE_ERR_IO);
    ck_assert_int_eq(put("a", LINKED), FHIRSTORE_OK);
    ck_assert_int_eq(verify(NULL, NULL), 0);
}
END_TEST

START_TEST(what_the_store_owns_makes_no_version)
{
    static const char *const same[] = {
        "{\"id\":\"a\",\"active\":true,\"resourceType\":\"Patient\"}",
        "{\"resourceType\":\"Patient\",\"id\":\"a\",\"meta\":{\"versionId\":\"77\"},\"active\":"
        "true}",
        "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true,\"meta\":"
        "{\"lastUpdated\":\"2001-01-01T00:00:00Z\"}}",
    };
    const fhs_type type = fhs_type_find(core->fhir, FHS_LIT("Patient"));
    const fhs_condition condition = {0};
    fhs_answer answer;
    fhs_answer_init(&answer);
    ck_assert_int_eq(put("a", "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true}"),
                     FHIRSTORE_CREATED);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        ck_assert_ok(fhs_interact_update(session, type, FHS_LIT("a"), fhs_str_from_cstr(same[i]),
                                         &condition, &answer, &err));
        ck_assert_msg(!answer.is_new_version && answer.version == 1, "%s", same[i]);
    }
    ck_assert_ok(fhs_interact_update(
        session, type, FHS_LIT("a"),
        FHS_LIT("{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true,\"meta\":"
                "{\"source\":\"urn:x\"}}"),
        &condition, &answer, &err));
    ck_assert_int_eq(answer.version, 2);
    fhs_answer_clear(&answer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interact_core");
    TCase *tests = tcase_create("store");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, open_new, close_and_remove);
    tcase_add_test(tests, creation_is_remembered);
    tcase_add_test(tests, times_without_zone_are_found_where_they_are);
    tcase_add_test(tests, rows_of_an_older_library_are_indexed_again);
    tcase_add_test(tests, read_only_stores_can_be_verified);
    tcase_add_test(tests, writers_do_not_wait_for_verify);
    tcase_add_test(tests, failed_reads_are_no_absence);
    tcase_add_test(tests, what_the_store_owns_makes_no_version);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
