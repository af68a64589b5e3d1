/* SPDX-License-Identifier: Apache-2.0 */
/* A connection is made safe, and shown to work, before anybody else uses it. */
#include <stdlib.h>
#include <string.h>

#include "vfs/vfs_internal.h"

static int configure(sqlite3 *db)
{
    static const struct {
        int option;
        int value;
    } options[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    };
    (void)sqlite3_extended_result_codes(db, 1);
    for (size_t i = 0; i < FHS_COUNT_OF(options); i++) {
        int code = sqlite3_db_config(db, options[i].option, options[i].value, NULL);
        if (code != SQLITE_OK) {
            return code;
        }
    }
    return sqlite3_exec(db, "PRAGMA temp_store=FILE; PRAGMA cell_size_check=ON", NULL, NULL, NULL);
}

/* The first column of the first row, compared. Reading it opens and recovers the log. */
static int expect_text(sqlite3 *db, const char *sql, const char *wanted)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
    }
    if (code == SQLITE_ROW) {
        /* Neither answer is NULL, so no text means no memory for it. */
        const char *found = (const char *)sqlite3_column_text(statement, 0);
        code = found == NULL                ? SQLITE_NOMEM
               : strcmp(found, wanted) == 0 ? SQLITE_OK
                                            : SQLITE_CORRUPT;
    }
    (void)sqlite3_finalize(statement);
    return code;
}

static int read_schema(sqlite3 *db)
{
    return sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
}

fhirstore_status fhs_vfs_setup(fhs_vfs *vfs, sqlite3 *db, fhirstore_error **err)
{
    int code = configure(db);
    if (code == SQLITE_OK) {
        code = read_schema(db);
    }
    if (code == SQLITE_OK) {
        code = expect_text(db, "PRAGMA journal_mode", "wal");
    }
    if (code == SQLITE_OK) {
        code = expect_text(db, "PRAGMA page_size", "4096");
    }
    return code == SQLITE_OK ? FHIRSTORE_OK
                             : fhs_vfs_fail(vfs, code, "the store cannot be opened", err);
}
