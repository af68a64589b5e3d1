/* SPDX-License-Identifier: Apache-2.0 */
/* A small store, filled through index and storage alone, and searches over it. */
#ifndef FHS_TEST_SEARCH_STORE_H
#define FHS_TEST_SEARCH_STORE_H

#include <stdio.h>
#include <unistd.h>

#include "index/index.h"
#include "search/search.h"
#include "suite.h"

#define BASE_URL "http://example.org/fhir"

typedef struct store {
    char folder[64];
    char path[96];
    fhs_storage *storage;
    const fhs_fhir *fhir;
    fhs_catalog *catalog;
    fhs_indexer *indexer;
    fhs_keys *keys;
    fhs_conn *writer; /* while a transaction is open */
    fhs_search_env env;
    const fhs_named_query *named;
    int64_t now_us;
} store;

#define ck_assert_ok(call)                                                                    \
    do {                                                                                      \
        fhirstore_error *err = NULL;                                                          \
        fhirstore_status got_status = (call);                                                 \
        ck_assert_msg(got_status == FHIRSTORE_OK, "%s: %s, %s (%d)", #call,                   \
                      fhs_status_name(got_status), err == NULL ? "" : fhs_error_message(err), \
                      err == NULL ? 0 : fhs_error_get_cause(err));                            \
    } while (0)

/* Time stands still unless a test moves it. */
static inline int64_t store_now(void *ctx)
{
    return ((store *)ctx)->now_us;
}

static inline void store_begin(store *s)
{
    ck_assert_ok(fhs_storage_writer(s->storage, &s->writer, &err));
    ck_assert_ok(fhs_conn_begin_write(s->writer, &err));
}

static inline void store_commit(store *s)
{
    ck_assert_ok(fhs_conn_commit(s->writer, &err));
    fhs_conn_release(s->writer);
    s->writer = NULL;
}

static inline void store_open_as(store *s, fhs_fhir_version version)
{
    *s = (store){.folder = "/tmp/fhs-search-XXXXXX", .now_us = INT64_C(1600000000000000)};
    ck_assert_ptr_nonnull(mkdtemp(s->folder));
    (void)snprintf(s->path, sizeof(s->path), "%s/store", s->folder);
    fhs_storage_options options = {.path = fhs_str_from_cstr(s->path),
                                   .plaintext = true,
                                   .create = true,
                                   .sync_normal = true,
                                   .fhir_version = version,
                                   .now_us = store_now,
                                   .now_ctx = s};
    s->fhir = fhs_fhir_get(version);
    ck_assert_ok(fhs_storage_open(&options, &s->storage, &err));
    ck_assert_ok(fhs_indexer_new(s->fhir, &s->indexer, &err));
    ck_assert_ok(fhs_keys_new_ephemeral(&s->keys, &err));
    store_begin(s);
    ck_assert_ok(fhs_catalog_open(s->fhir, s->writer, &s->catalog, &err));
    ck_assert_ok(fhs_catalog_install(s->catalog, s->writer, &err));
    store_commit(s);
    s->env = (fhs_search_env){.fhir = s->fhir,
                              .catalog = s->catalog,
                              .indexer = s->indexer,
                              .keys = s->keys,
                              .base_url = FHS_LIT_INIT(BASE_URL),
                              .principal = FHS_LIT_INIT("Practitioner/1")};
}

static inline void store_open(store *s)
{
    store_open_as(s, FHS_FHIR_R4);
}

static inline void store_close(store *s)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    char path[128];
    fhs_catalog_free(s->catalog);
    fhs_indexer_free(s->indexer);
    fhs_keys_free(s->keys);
    fhs_storage_close(s->storage);
    for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", s->path, endings[i]);
        (void)unlink(path);
    }
    (void)rmdir(s->folder);
}

/* The row list of a resource, for a test that filters by itself. */
static inline void store_rows(store *s, fhs_str json, fhs_type *type_out, fhs_str *id_out,
                              fhs_arena *arena, fhs_buf *rows)
{
    const fhs_json *root = NULL;
    fhs_entries entries = {NULL, 0, 0};
    fhs_str name;
    ck_assert_ok(fhs_json_read(arena, json, NULL, &root, &err));
    ck_assert(fhs_json_get_string(root, FHS_LIT("resourceType"), &name));
    ck_assert(fhs_json_get_string(root, FHS_LIT("id"), id_out));
    *type_out = fhs_type_find(s->fhir, name);
    ck_assert_ok(fhs_index_extract(s->indexer, FHS_LIT(BASE_URL), root, arena, &entries, &err));
    ck_assert_ok(fhs_index_rows(s->catalog, s->writer, *type_out, &entries, rows, &err));
}

static inline void store_write(store *s, fhs_type type, fhs_str id, fhs_str body, fhs_str rows)
{
    fhs_version old;
    int64_t seq;
    int32_t number = fhs_catalog_type(s->catalog, type);
    fhs_write write = {.type = number, .id = id, .body = body, .rows = rows, .version = 1};
    fhirstore_status found = fhs_resource_read_rows(s->writer, number, id, &old, NULL);
    ck_assert_ok(fhs_entity_intern(s->writer, number, id, &write.entity, &err));
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
    }
    ck_assert_ok(fhs_resource_write(s->writer, &write, &seq, &err));
}

/* Inside store_begin() … store_commit(). */
static inline void store_put(store *s, const char *json)
{
    fhs_arena arena;
    fhs_buf rows = FHS_BUF_INIT((size_t)1 << 24);
    fhs_type type;
    fhs_str id;
    fhs_arena_init(&arena, (size_t)1 << 24);
    store_rows(s, fhs_str_from_cstr(json), &type, &id, &arena, &rows);
    store_write(s, type, id, fhs_str_from_cstr(json), fhs_buf_str(&rows));
    fhs_buf_clear(&rows);
    fhs_arena_clear(&arena);
}

static inline void store_delete(store *s, const char *type, const char *id)
{
    store_write(s, fhs_type_find(s->fhir, fhs_str_from_cstr(type)), fhs_str_from_cstr(id),
                FHS_STR_NONE, FHS_STR_NONE);
}

/* ---- one search ---- */

typedef struct found {
    fhs_arena arena;
    fhs_conn *conn;
    fhs_query *query;
    fhs_search *search;
} found;

static inline fhirstore_status found_try(store *s, const char *type, const char *text, bool lenient,
                                         found *f, fhirstore_error **err)
{
    fhs_query_options options = {.fhir = s->fhir,
                                 .base_url = FHS_LIT_INIT(BASE_URL),
                                 .lenient = lenient,
                                 .now_us = s->now_us,
                                 .named = s->named};
    *f = (found){.conn = NULL};
    fhs_arena_init(&f->arena, (size_t)1 << 26);
    fhs_type number = type[0] == '\0' ? FHS_TYPE_NONE
                                      : fhs_type_find(s->fhir, fhs_str_from_cstr(type));
    fhirstore_status status = fhs_query_parse(&f->arena, &options, number, fhs_str_from_cstr(text),
                                              &f->query, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_storage_reader(s->storage, &f->conn, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_conn_begin_read(f->conn, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_search_open(f->conn, &s->env, f->query, &f->search, err);
    }
    return status;
}

static inline void found_close(found *f)
{
    fhs_search_close(f->search);
    if (f->conn != NULL) {
        fhs_conn_end_read(f->conn);
        fhs_conn_release(f->conn);
    }
    fhs_arena_clear(&f->arena);
}

/* The ids that a search finds, in order, separated by blanks; also checks the count. */
static inline void search_ids(store *s, const char *type, const char *text, fhs_buf *out)
{
    found f;
    fhs_version version;
    fhirstore_error *error = NULL;
    int64_t count = 0;
    int64_t seen = 0;
    fhirstore_status status = found_try(s, type, text, false, &f, &error);
    ck_assert_msg(status == FHIRSTORE_OK, "%s?%s: %s", type, text, fhs_error_message(error));
    ck_assert_ok(fhs_search_count(f.search, &count, &err));
    if (f.query->max_results > 0 && count > f.query->max_results) {
        count = f.query->max_results; /* all are counted, but not handed out */
    }
    while ((status = fhs_search_next(f.search, &version, &error)) == FHIRSTORE_OK) {
        fhs_buf_add_cstr(out, seen > 0 ? " " : "");
        fhs_buf_add_str(out, version.id);
        seen++;
    }
    ck_assert_msg(status == FHIRSTORE_DONE, "%s?%s: %s", type, text, fhs_error_message(error));
    ck_assert_msg(count == seen, "%s?%s: count %d, seen %d", type, text, (int)count, (int)seen);
    fhs_buf_add_cstr(out, "");
    found_close(&f);
}

#endif
