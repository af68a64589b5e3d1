/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures: each measurement stands beside its ceiling (bare SQLite doing the least that must be
 * done) in the same run, in alternating rounds, and is printed as a ratio of medians. Seconds are
 * printed for orientation; the machine may be shared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define READS 100000

/* ---- import ---- */

static double time_import(const bench_options *options, const bench_data *data, const char *path,
                          bool encrypted, int64_t *resources)
{
    bench_store opened;
    bench_remove(path);
    bench_open(path, encrypted, options->cache_mib, &opened);
    double begin = bench_now();
    *resources = bench_import(&opened, data);
    double taken = bench_now() - begin;
    bench_close(&opened);
    return taken;
}

static void measure_import(const bench_options *options, const bench_data *data, const char *plain,
                           const char *sealed)
{
    char ceiling_path[4096];
    char figure[128];
    int64_t resources = 0;
    bench_series ours_sealed = {0};
    bench_series ours_plain = {0};
    bench_series bare_sealed = {0};
    bench_series bare_plain = {0};
    bench_path(options, "ceiling.db", ceiling_path);
    bench_add(&ours_plain, time_import(options, data, plain, false, &resources));
    ours_plain.count = 0; /* the first round warms up, and gives the ceiling its rows */
    ceiling *rows = ceiling_load(plain);
    for (int i = 0; i < options->rounds; i++) {
        bench_add(&ours_sealed, time_import(options, data, sealed, true, &resources));
        bench_remove(ceiling_path);
        bench_add(&bare_sealed, ceiling_write(rows, ceiling_path, true, options->cache_mib));
        bench_add(&ours_plain, time_import(options, data, plain, false, &resources));
        bench_remove(ceiling_path);
        bench_add(&bare_plain, ceiling_write(rows, ceiling_path, false, options->cache_mib));
    }
    bench_remove(ceiling_path);
    double sealed_seconds = bench_median(&ours_sealed);
    double plain_seconds = bench_median(&ours_plain);
    (void)printf("%lld resources, %.1f MB of JSON, %lld rows (%.1f a resource), cache %llu MiB, "
                 "1,000 a transaction, synchronous NORMAL, no journal\n\n",
                 (long long)resources, (double)data->bytes / 1e6,
                 (long long)ceiling_row_count(rows),
                 (double)ceiling_row_count(rows) / (double)resources,
                 (unsigned long long)options->cache_mib);
    (void)snprintf(figure, sizeof figure, "%.0f resources/s", (double)resources / sealed_seconds);
    bench_row("import, encrypted, to bare SQLite on the same VFS", figure,
              bench_median(&bare_sealed) / sealed_seconds, "at least 0.5");
    (void)snprintf(figure, sizeof figure, "%.0f resources/s", (double)resources / plain_seconds);
    bench_row("import, plain, to bare SQLite on the stock VFS", figure,
              bench_median(&bare_plain) / plain_seconds, "at least 0.5");
    (void)snprintf(figure, sizeof figure, "%.2f s to %.2f s", sealed_seconds, plain_seconds);
    bench_row("import, time encrypted to plain", figure, sealed_seconds / plain_seconds,
              "at most 1.8");
    (void)snprintf(figure, sizeof figure, "%lld bytes a resource",
                   (long long)(bench_file_bytes(sealed) / resources));
    bench_row("database bytes to bytes of JSON as imported", figure,
              (double)bench_file_bytes(sealed) / (double)data->bytes, "no bound");
    ceiling_free(rows);
}

/* ---- reads ---- */

/* The ids that are read, in an order that jumps about; the same for all. */
typedef struct id_list {
    char (*ids)[65];
    char (*types)[65];
    size_t count;
} id_list;

static fhirstore_status take_id(void *ctx, const char *type, const char *body, size_t body_len)
{
    id_list *list = ctx;
    const char *at = strstr(body, "\"id\":\"");
    (void)body_len;
    if (list->count % 1024 == 0) {
        list->ids = realloc(list->ids, (list->count + 1024) * sizeof *list->ids);
        list->types = realloc(list->types, (list->count + 1024) * sizeof *list->types);
    }
    (void)snprintf(list->ids[list->count], 65, "%.*s", (int)strcspn(at + 6, "\""), at + 6);
    (void)snprintf(list->types[list->count], 65, "%s", type);
    list->count++;
    return FHIRSTORE_OK;
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static double time_reads(bench_store *opened, const id_list *list)
{
    uint32_t state = 1;
    double begin = bench_now();
    for (int i = 0; i < READS; i++) {
        size_t at = next_random(&state) % list->count;
        fhirstore_response *response = NULL;
        size_t len;
        if (fhirstore_read(opened->session, list->types[at], strlen(list->types[at]), list->ids[at],
                           strlen(list->ids[at]), &response, NULL) < FHIRSTORE_OK ||
            fhirstore_response_body(response, &len)[0] != '{') {
            bench_die("read", "failed");
        }
        fhirstore_response_free(response);
    }
    return bench_now() - begin;
}

/* The least: one table by (type, id), the body copied out to memory of its own. */
static void fill_bare(bare_db *bare, bench_store *from, const id_list *list)
{
    bare_exec(bare->db, "CREATE TABLE r(type TEXT, id TEXT, body BLOB, UNIQUE(type, id))");
    bare_exec(bare->db, "BEGIN");
    sqlite3_stmt *insert = bare_prepare(bare->db, "INSERT INTO r VALUES(?,?,?)");
    for (size_t i = 0; i < list->count; i++) {
        fhirstore_response *response = NULL;
        size_t len;
        if (fhirstore_read(from->session, list->types[i], strlen(list->types[i]), list->ids[i],
                           strlen(list->ids[i]), &response, NULL) < FHIRSTORE_OK) {
            bench_die("read", "failed");
        }
        const char *body = fhirstore_response_body(response, &len);
        (void)sqlite3_bind_text(insert, 1, list->types[i], -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(insert, 2, list->ids[i], -1, SQLITE_STATIC);
        (void)sqlite3_bind_blob(insert, 3, body, (int)len, SQLITE_STATIC);
        (void)sqlite3_step(insert);
        (void)sqlite3_reset(insert);
        fhirstore_response_free(response);
    }
    (void)sqlite3_finalize(insert);
    bare_exec(bare->db, "COMMIT");
}

static double time_bare_reads(bare_db *bare, const id_list *list)
{
    uint32_t state = 1;
    sqlite3_stmt *select = bare_prepare(bare->db, "SELECT body FROM r WHERE type=? AND id=?");
    double begin = bench_now();
    for (int i = 0; i < READS; i++) {
        size_t at = next_random(&state) % list->count;
        (void)sqlite3_bind_text(select, 1, list->types[at], -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(select, 2, list->ids[at], -1, SQLITE_STATIC);
        if (sqlite3_step(select) != SQLITE_ROW) {
            bench_die("bare read", "failed");
        }
        size_t len = (size_t)sqlite3_column_bytes(select, 0);
        char *copy = malloc(len + 1);
        memcpy(copy, sqlite3_column_blob(select, 0), len);
        free(copy);
        (void)sqlite3_reset(select);
    }
    double taken = bench_now() - begin;
    (void)sqlite3_finalize(select);
    return taken;
}

static void measure_reads(const bench_options *options, const char *plain, const char *sealed)
{
    char bare_path[4096];
    char figure[128];
    id_list list = {0};
    int64_t count;
    bench_store with_key;
    bench_store without;
    bench_store small_sealed;
    bare_db bare;
    bench_series ours = {0};
    bench_series floor = {0};
    bench_series ours_plain = {0};
    bench_path(options, "bare.db", bare_path);
    bench_open(sealed, true, 256, &with_key);
    bench_open(plain, false, 256, &without);
    if (fhirstore_export(with_key.session, NULL, take_id, &list, &count, NULL) < FHIRSTORE_OK) {
        bench_die("export", "failed");
    }
    id_list plain_list = {0};
    (void)fhirstore_export(without.session, NULL, take_id, &plain_list, &count, NULL);
    bare_open(bare_path, true, 256, true, &bare);
    fill_bare(&bare, &with_key, &list);
    (void)time_reads(&with_key, &list);
    (void)time_reads(&without, &plain_list);
    (void)time_bare_reads(&bare, &list);
    for (int i = 0; i < options->rounds; i++) {
        bench_add(&ours, time_reads(&with_key, &list));
        bench_add(&floor, time_bare_reads(&bare, &list));
        bench_add(&ours_plain, time_reads(&without, &plain_list));
    }
    (void)snprintf(figure, sizeof figure, "%.0f reads/s", READS / bench_median(&ours));
    bench_row("read by id, warm, to bare SQLite point reads", figure,
              bench_median(&floor) / bench_median(&ours), "at least 0.5");
    bench_row("read by id, all cached, time encrypted to plain", "",
              bench_median(&ours) / bench_median(&ours_plain), "at most 1.1");
    bare_close(&bare);
    bench_close(&with_key);
    bench_close(&without);
    bench_remove(bare_path);

    uint64_t eighth = (uint64_t)bench_file_bytes(sealed) / 8;
    uint64_t mib = eighth >> 20 == 0 ? 1 : eighth >> 20;
    bench_series small_ours = {0};
    bench_series small_plain = {0};
    bench_open(sealed, true, mib, &small_sealed);
    bench_open(plain, false, mib, &without);
    for (int i = 0; i < options->rounds; i++) {
        bench_add(&small_ours, time_reads(&small_sealed, &list));
        bench_add(&small_plain, time_reads(&without, &plain_list));
    }
    (void)snprintf(figure, sizeof figure, "cache %llu MiB of %lld", (unsigned long long)mib,
                   (long long)(bench_file_bytes(sealed) >> 20));
    bench_row("read by id, cache an eighth, time encrypted to plain", figure,
              bench_median(&small_ours) / bench_median(&small_plain), "at most 2.3");
    bench_close(&small_sealed);
    bench_close(&without);
    free(list.ids);
    free(list.types);
    free(plain_list.ids);
    free(plain_list.types);
}

/* ---- count ---- */

#define COUNTS 2000

static double time_counts(bench_store *opened, const char *query, int64_t *hits)
{
    double begin = bench_now();
    for (int i = 0; i < COUNTS; i++) {
        if (fhirstore_search_count(opened->session, FHIRSTORE_LIT("Observation"), query,
                                   strlen(query), hits, NULL) < FHIRSTORE_OK) {
            bench_die("count", "failed");
        }
    }
    return bench_now() - begin;
}

static double time_bare_counts(bare_db *bare, const char *code)
{
    sqlite3_stmt *select = bare_prepare(
        bare->db, "SELECT count(*) FROM t WHERE param=1 AND code=? AND system=1");
    double begin = bench_now();
    for (int i = 0; i < COUNTS; i++) {
        (void)sqlite3_bind_text(select, 1, code, -1, SQLITE_STATIC);
        (void)sqlite3_step(select);
        (void)sqlite3_reset(select);
    }
    double taken = bench_now() - begin;
    (void)sqlite3_finalize(select);
    return taken;
}

/* The least: a covering index of the same shape with as many hits. */
static void fill_tokens(bare_db *bare, const char *code, int64_t hits)
{
    bare_exec(bare->db,
              "CREATE TABLE t(param INTEGER, code TEXT, system INTEGER, entity INTEGER,"
              " exact TEXT, PRIMARY KEY(param, code, system, entity, exact)) WITHOUT ROWID");
    bare_exec(bare->db, "BEGIN");
    sqlite3_stmt *insert = bare_prepare(bare->db, "INSERT INTO t VALUES(1,?,1,?,'')");
    for (int64_t i = 0; i < hits; i++) {
        (void)sqlite3_bind_text(insert, 1, code, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(insert, 2, i);
        (void)sqlite3_step(insert);
        (void)sqlite3_reset(insert);
    }
    (void)sqlite3_finalize(insert);
    bare_exec(bare->db, "COMMIT");
}

static void measure_count(const bench_options *options, const char *sealed, const char *query,
                          const char *code)
{
    char path[4096];
    char figure[128];
    char what[128];
    int64_t hits = 0;
    bench_store opened;
    bare_db bare;
    bench_series ours = {0};
    bench_series floor = {0};
    bench_path(options, "tokens.db", path);
    bench_open(sealed, true, 64, &opened);
    (void)time_counts(&opened, query, &hits);
    bare_open(path, true, 64, true, &bare);
    fill_tokens(&bare, code, hits);
    for (int i = 0; i < options->rounds; i++) {
        bench_add(&ours, time_counts(&opened, query, &hits));
        bench_add(&floor, time_bare_counts(&bare, code));
    }
    (void)snprintf(figure, sizeof figure, "%lld hits, %.1f us a count", (long long)hits,
                   bench_median(&ours) / COUNTS * 1e6);
    (void)snprintf(what, sizeof what, "count %.40s, to a covering-index count",
                   strstr(query, "|") == NULL ? query : strstr(query, "|") + 1);
    bench_row(what, figure, bench_median(&floor) / bench_median(&ours), "at least 0.5");
    bare_close(&bare);
    bench_close(&opened);
    bench_remove(path);
}

int main(int argc, char **argv)
{
    char plain[4096];
    char sealed[4096];
    char folder[] = "/tmp/fhirstore-bench-XXXXXX";
    bench_data data;
    bench_options options = {.rounds = 3, .cache_mib = 16};
    if (argc < 2) {
        (void)fprintf(stderr, "usage: bench DATA-FOLDER [ROUNDS] [STORE-FOLDER]; see bench/run\n");
        return 2;
    }
    options.data = argv[1];
    options.rounds = argc > 2 ? atoi(argv[2]) : options.rounds;
    if (options.rounds < 1 || options.rounds > MAX_ROUNDS) {
        options.rounds = 3;
    }
    options.folder = argc > 3 ? argv[3] : mkdtemp(folder);
    bench_load(options.data, &data);
    bench_path(&options, "plain.db", plain);
    bench_path(&options, "sealed.db", sealed);
    measure_import(&options, &data, plain, sealed);
    measure_reads(&options, plain, sealed);
    measure_count(&options, sealed,
                  "category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
                  "laboratory");
    measure_count(&options, sealed, "code=http://loinc.org|8302-2", "8302-2");
    bench_remove(plain);
    bench_remove(sealed);
    if (argc <= 3) {
        (void)rmdir(options.folder);
    }
    for (size_t i = 0; i < data.count; i++) {
        free(data.texts[i]);
    }
    free(data.texts);
    free(data.lengths);
    return 0;
}
