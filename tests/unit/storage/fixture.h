/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a folder of its own, and short forms of what the tests do with it. */
#ifndef FHS_TEST_STORAGE_FIXTURE_H
#define FHS_TEST_STORAGE_FIXTURE_H

#include <stdio.h>
#include <unistd.h>

#include "suite.h"

#include "storage/stmt.h"
#include "storage/storage.h"

static const uint8_t test_key[32] = {7, 1, 3, 9, 200, 14};

typedef struct fixture {
    char folder[64];
    char path[96];
    fhs_storage_options options;
    fhs_storage *storage;
} fixture;

/* Whether to run over the encrypting VFS: FHS_TEST_SEALED=1. */
static inline bool fixture_is_sealed(void)
{
    const char *value = getenv("FHS_TEST_SEALED");
    return value != NULL && value[0] == '1';
}

#define ck_assert_ok(call)                                                                    \
    do {                                                                                      \
        fhirstore_error *err = NULL;                                                          \
        fhirstore_status got_status = (call);                                                 \
        ck_assert_msg(got_status == FHIRSTORE_OK, "%s: %s, %s (%d)", #call,                   \
                      fhs_status_name(got_status), err == NULL ? "" : fhs_error_message(err), \
                      err == NULL ? 0 : fhs_error_get_cause(err));                            \
    } while (0)

static inline void fixture_prepare(fixture *fix)
{
    *fix = (fixture){.folder = "/tmp/fhs-storage-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(fix->folder));
    (void)snprintf(fix->path, sizeof fix->path, "%s/store", fix->folder);
    fix->options = (fhs_storage_options){
        .path = fhs_str_from_cstr(fix->path),
        .key = fixture_is_sealed() ? test_key : NULL,
        .plaintext = !fixture_is_sealed(),
        .create = true,
        .sync_normal = true,
        .fhir_version = 4,
    };
}

static inline void fixture_reopen(fixture *fix)
{
    fhs_storage_close(fix->storage);
    ck_assert_ok(fhs_storage_open(&fix->options, &fix->storage, &err));
}

static inline void fixture_open(fixture *fix)
{
    fixture_prepare(fix);
    ck_assert_ok(fhs_storage_open(&fix->options, &fix->storage, &err));
}

static inline void fixture_remove_files(fixture *fix)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    char path[128];
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        (void)snprintf(path, sizeof path, "%s%s", fix->path, endings[i]);
        (void)unlink(path);
    }
    (void)rmdir(fix->folder);
}

static inline void fixture_close(fixture *fix)
{
    fhs_storage_close(fix->storage);
    fix->storage = NULL;
    fixture_remove_files(fix);
}

static inline void print_finding(void *ctx, const char *area, const char *text)
{
    (void)ctx;
    (void)fprintf(stderr, "# finding: %s: %s\n", area, text);
}

static inline void fixture_verify(fixture *fix)
{
    int64_t findings = -1;
    ck_assert_ok(fhs_storage_verify(fix->storage, print_finding, NULL, &findings, &err));
    ck_assert_int_eq(findings, 0);
}

/* Write one version as the interactions do: read, decide, write. An empty body deletes. */
static inline int64_t put_resource(fhs_conn *conn, int32_t type, fhs_str id, fhs_str body,
                                   fhs_str rows)
{
    fhs_version old;
    fhs_write write = {.type = type, .id = id, .body = body, .rows = rows, .version = 1};
    int64_t seq = 0;
    fhirstore_status found = fhs_resource_read_rows(conn, type, id, &old, NULL);
    ck_assert(found == FHIRSTORE_OK || found == FHIRSTORE_ERR_NOT_FOUND);
    ck_assert_ok(fhs_entity_intern(conn, type, id, &write.entity, &err));
    write.method = body.len == 0           ? FHS_METHOD_DELETE
                   : found == FHIRSTORE_OK ? FHS_METHOD_UPDATE
                                           : FHS_METHOD_CREATE;
    if (found == FHIRSTORE_OK) {
        write.exists = true;
        write.version = old.version + 1;
        write.old_seq = old.seq;
        write.old_version = old.version;
        write.old_updated_us = old.updated_us;
        write.old_deleted = old.is_deleted;
        write.old_body = old.body;
        write.old_rows = old.rows;
        write.old_large = old.is_large;
    }
    ck_assert_ok(fhs_resource_write(conn, &write, &seq, &err));
    return seq;
}

static inline int64_t count_of(fhs_conn *conn, const char *sql)
{
    fhs_stmt *stmt;
    ck_assert_ok(fhs_stmt_take(conn, fhs_str_from_cstr(sql), &stmt, &err));
    ck_assert_ok(fhs_stmt_step(stmt, &err));
    int64_t value = fhs_stmt_int(stmt, 0);
    fhs_stmt_give(stmt);
    return value;
}

#endif
