/* SPDX-License-Identifier: Apache-2.0 */
/* The workload of raw_work.c in SQLCipher; tools/build-peer compiles it. raw_peer PATH CACHE-MIB
 * ROWS prints the seconds of each phase. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

static void expect_version(sqlite3 *db, const char *wanted)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, "PRAGMA cipher_version", -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW ||
        strncmp((const char *)sqlite3_column_text(stmt, 0), wanted, strlen(wanted)) != 0) {
        (void)fprintf(stderr, "raw_peer: this is not SQLCipher %s\n", wanted);
        exit(1);
    }
    (void)sqlite3_finalize(stmt);
}

int main(int argc, char **argv)
{
    /* A raw key: what deriving one from a passphrase takes is nobody's to measure here. */
    const char *key =
        "PRAGMA key=\"x'0701020304050607080900000000000000000000000000000000000000000000'\"";
    sqlite3 *db = NULL;
    raw_times times;
    if (argc != 4) {
        (void)fprintf(stderr, "usage: raw_peer PATH CACHE-MIB ROWS\n");
        return 2;
    }
    if (sqlite3_open_v2(argv[1], &db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        "unix-excl") != SQLITE_OK ||
        sqlite3_exec(db, key, NULL, NULL, NULL) != SQLITE_OK) {
        (void)fprintf(stderr, "raw_peer: %s\n", sqlite3_errmsg(db));
        return 1;
    }
    expect_version(db, "4.5.5");
    raw_run(db, atoi(argv[2]), atoi(argv[3]), &times);
    for (int i = 0; i < RAW_PHASES; i++) {
        (void)printf("%.6f\n", times.seconds[i]);
    }
    return sqlite3_close(db) == SQLITE_OK ? 0 : 1;
}
