/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "raw.h"

enum {
    TEXT_BYTES = 1 << 16, /* bodies are slices of it */
    BODY_MIN = 800,
    BODY_SPREAD = 400,
    UUID_BYTES = 16,
    PER_COMMIT = 1000,
    ROWS_PER_UPDATE = 20,
    KINDS = 40,
    SEED = 7,
};

static char text[TEXT_BYTES];

/* The SplitMix64 generator's step: the same rows in each library. */
static uint64_t mix(uint64_t state)
{
    uint64_t z = state * 0x9E3779B97F4A7C15u + SEED;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static double cpu_seconds(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void stop_unless(int is_right, sqlite3 *db, const char *what)
{
    if (!is_right) {
        (void)fprintf(stderr, "bench: %s: %s\n", what, sqlite3_errmsg(db));
        exit(1);
    }
}

static void execute(sqlite3 *db, const char *sql)
{
    stop_unless(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, db, sql);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    stop_unless(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK, db, sql);
    return stmt;
}

static void bind_uuid(sqlite3_stmt *stmt, int column, uint64_t row)
{
    uint64_t uuid[2] = {mix(row * 2), mix(row * 2 + 1)};
    (void)sqlite3_bind_blob(stmt, column, uuid, UUID_BYTES, SQLITE_TRANSIENT);
}

static void bind_body(sqlite3_stmt *stmt, int column, uint64_t chance)
{
    int len = BODY_MIN + (int)(chance % BODY_SPREAD);
    uint64_t from = (chance >> 16) % (uint64_t)(TEXT_BYTES - len);
    (void)sqlite3_bind_blob(stmt, column, text + from, len, SQLITE_STATIC);
}

static void run_once(sqlite3 *db, sqlite3_stmt *stmt, int expected)
{
    stop_unless(sqlite3_step(stmt) == expected, db, "step");
    (void)sqlite3_reset(stmt);
}

static void insert_rows(sqlite3 *db, uint64_t rows)
{
    sqlite3_stmt *stmt = prepare(db,
                                 "INSERT INTO resource(uuid, kind, time, body) VALUES(?,?,?,?)");
    for (uint64_t i = 0; i < rows; i++) {
        if (i % PER_COMMIT == 0) {
            execute(db, i == 0 ? "BEGIN IMMEDIATE" : "COMMIT; BEGIN IMMEDIATE");
        }
        uint64_t chance = mix(i + (1u << 30));
        bind_uuid(stmt, 1, i);
        (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)(chance >> 40) % KINDS);
        (void)sqlite3_bind_int64(stmt, 3, 1600000000000 + (sqlite3_int64)i);
        bind_body(stmt, 4, chance);
        run_once(db, stmt, SQLITE_DONE);
    }
    execute(db, "COMMIT");
    (void)sqlite3_finalize(stmt);
}

static void read_rows(sqlite3 *db, uint64_t rows)
{
    sqlite3_stmt *stmt = prepare(db, "SELECT kind, time, body FROM resource WHERE uuid = ?");
    for (uint64_t i = 0; i < rows; i++) {
        bind_uuid(stmt, 1, mix(i + (2u << 30)) % rows);
        stop_unless(sqlite3_step(stmt) == SQLITE_ROW, db, "read");
        stop_unless(sqlite3_column_bytes(stmt, 2) >= BODY_MIN, db, "body");
        (void)sqlite3_reset(stmt);
    }
    (void)sqlite3_finalize(stmt);
}

static void scan_rows(sqlite3 *db, uint64_t rows)
{
    sqlite3_stmt *stmt = prepare(db, "SELECT count(*), sum(length(body)) FROM resource");
    stop_unless(sqlite3_step(stmt) == SQLITE_ROW, db, "scan");
    stop_unless((uint64_t)sqlite3_column_int64(stmt, 0) == rows, db, "count");
    (void)sqlite3_finalize(stmt);
}

static void update_rows(sqlite3 *db, uint64_t rows)
{
    sqlite3_stmt *stmt = prepare(db, "UPDATE resource SET body = ? WHERE id = ?");
    for (uint64_t i = 0; i < rows / ROWS_PER_UPDATE; i++) {
        uint64_t chance = mix(i + (3u << 30));
        bind_body(stmt, 1, chance);
        (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)((chance >> 33) % rows) + 1);
        run_once(db, stmt, SQLITE_DONE);
    }
    (void)sqlite3_finalize(stmt);
}

static void set_up(sqlite3 *db, int cache_mib)
{
    char cache[64];
    (void)snprintf(cache, sizeof cache, "PRAGMA cache_size=-%d", cache_mib * 1024);
    execute(db, "PRAGMA journal_mode=WAL");
    execute(db, "PRAGMA synchronous=NORMAL");
    execute(db, "PRAGMA temp_store=MEMORY");
    execute(db, cache);
    execute(db, "CREATE TABLE resource(id INTEGER PRIMARY KEY, uuid BLOB NOT NULL, kind INTEGER, "
                "time INTEGER, body BLOB);"
                "CREATE UNIQUE INDEX by_uuid ON resource(uuid);"
                "CREATE INDEX by_time ON resource(kind, time)");
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = "abcdefghijklmnopqrstuvwxyz\"{}:,  0123456789"[mix(i) % 43];
    }
}

void raw_run(sqlite3 *db, int cache_mib, int rows, raw_times *times_out)
{
    static void (*const phases[RAW_PHASES])(sqlite3 *, uint64_t) = {insert_rows, read_rows,
                                                                    scan_rows, update_rows};
    set_up(db, cache_mib);
    for (int i = 0; i < RAW_PHASES; i++) {
        double begin = cpu_seconds();
        phases[i](db, (uint64_t)rows);
        times_out->seconds[i] = cpu_seconds() - begin;
    }
}
