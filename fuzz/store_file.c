/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two files of a store, as a crash left them, under attack. The first byte says which file is
 * edited (bit 0: the log) and whether it is cut (bit 1: the next two bytes say where). Then edits:
 * offset (3 bytes), bits to flip. A query that answers must answer what was committed at some time,
 * and the verdict of verify on an untouched store is that it is sound.
 */
#include <sqlite3.h>
#include <string.h>

#include "store_image.h"

static image good[2]; /* file, log */

/* Forty rows in the file; five and ten of them changed by two commits in the log. */
static void make_good(void)
{
    fhs_vfs *vfs;
    sqlite3 *db;
    if (good[0].size > 0) {
        return;
    }
    name_files();
    FUZZ_LAW(open_both(true, &vfs, &db) == FHIRSTORE_OK);
    FUZZ_LAW(sqlite3_exec(db,
                          "PRAGMA synchronous=NORMAL; CREATE TABLE t(id INTEGER PRIMARY KEY, n);"
                          "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<40)"
                          "INSERT INTO t SELECT x, zeroblob(200) FROM c;"
                          "PRAGMA wal_checkpoint(TRUNCATE);"
                          "UPDATE t SET n=zeroblob(201) WHERE id%8=0;"
                          "UPDATE t SET n=zeroblob(201) WHERE id%8=1",
                          NULL, NULL, NULL) == SQLITE_OK);
    load(path, &good[0]);
    load(log_path, &good[1]);
    close_both(vfs, db);
}

static void attack(image *target, const uint8_t *data, size_t size)
{
    size_t at = 1;
    if ((data[0] & 2) != 0 && size >= 3) {
        target->size = ((size_t)data[1] << 8 | data[2]) % (target->size + 1);
        at = 3;
    }
    for (; at + 4 <= size && target->size > 0; at += 4) {
        size_t offset = (size_t)data[at] << 16 | (size_t)data[at + 1] << 8 | data[at + 2];
        target->bytes[offset % target->size] ^= data[at + 3];
    }
}

static void check_answers(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, "SELECT count(*), sum(length(n)) FROM t", -1, &statement,
                                  NULL);
    code = code == SQLITE_OK ? sqlite3_step(statement) : code;
    if (code == SQLITE_ROW) {
        int sum = sqlite3_column_int(statement, 1);
        FUZZ_LAW(sqlite3_column_int(statement, 0) == 40);
        FUZZ_LAW(sum == 8000 || sum == 8005 || sum == 8010);
    }
    (void)sqlite3_finalize(statement);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static image victim[2];
    fhs_vfs *vfs = NULL;
    sqlite3 *db = NULL;
    fhs_vfs_verified verified;
    if (size == 0) {
        return 0;
    }
    make_good();
    memcpy(victim, good, sizeof victim);
    attack(&victim[data[0] & 1], data, size);
    save(path, &victim[0]);
    save(log_path, &victim[1]);
    fhirstore_status status = open_both(false, &vfs, &db);
    FUZZ_LAW(status <= FHIRSTORE_OK);
    if (vfs != NULL) {
        FUZZ_LAW(fhs_vfs_verify_pages(vfs, NULL, NULL, &verified, NULL) == FHIRSTORE_OK);
        FUZZ_LAW(verified.flaws == 0 || memcmp(victim, good, sizeof victim) != 0);
    }
    if (status == FHIRSTORE_OK) {
        check_answers(db);
    }
    close_both(vfs, db);
    (void)unlink(path);
    (void)unlink(log_path);
    return 0;
}
