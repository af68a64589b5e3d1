/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/storage_internal.h"

#define INSERT(table, columns) "INSERT OR IGNORE INTO " table " SELECT " columns " FROM fhs_pending"
#define THREE                  "c0,c1,c2"
#define FOUR                   "c0,c1,c2,c3"
#define FIVE                   "c0,c1,c2,c3,c4"

static const char *const core_text[FHS_SQL_COUNT] = {
    [FHS_SQL_BEGIN_READ] = "BEGIN",
    [FHS_SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [FHS_SQL_COMMIT] = "COMMIT",
    [FHS_SQL_ROLLBACK] = "ROLLBACK",
    [FHS_SQL_SAVEPOINT] = "SAVEPOINT s",
    [FHS_SQL_SAVEPOINT_RELEASE] = "RELEASE s",
    [FHS_SQL_SAVEPOINT_ROLLBACK] = "ROLLBACK TO s",
    [FHS_SQL_LAST_VERSION] = "SELECT seq,updated FROM version ORDER BY seq DESC LIMIT 1",
    [FHS_SQL_META_GET] = "SELECT value FROM meta WHERE name=?1",
    [FHS_SQL_META_SET] = "INSERT INTO meta(name,value) VALUES(?1,?2) "
                         "ON CONFLICT(name) DO UPDATE SET value=excluded.value",
    [FHS_SQL_URI_FIND] = "SELECT num FROM uri WHERE text=?1",
    [FHS_SQL_URI_ADD] = "INSERT INTO uri(text) VALUES(?1)",
    [FHS_SQL_URI_TEXT] = "SELECT text FROM uri WHERE num=?1",
    [FHS_SQL_UNIT_FIND] =
        "SELECT num FROM unit WHERE system=?1 AND code=?2 AND unit=?3 AND canonical=?4",
    [FHS_SQL_UNIT_ADD] = "INSERT INTO unit(system,code,unit,canonical) VALUES(?1,?2,?3,?4)",
    [FHS_SQL_UNIT_EACH] = "SELECT num,system,code,unit,canonical FROM unit ORDER BY num",
    [FHS_SQL_TYPE_FIND] = "SELECT num FROM type WHERE name=?1",
    [FHS_SQL_TYPE_ADD] = "INSERT INTO type(name) VALUES(?1)",
    [FHS_SQL_PARAM_FIND] = "SELECT num FROM param WHERE type=?1 AND code=?2",
    [FHS_SQL_PARAM_ADD] = "INSERT INTO param(type,code,state) VALUES(?1,?2,1)",
    [FHS_SQL_PARAM_EACH] = "SELECT code,num FROM param WHERE type=?1 ORDER BY num",
    [FHS_SQL_ENTITY_FIND] = "SELECT num FROM entity WHERE type=?1 AND id=?2",
    [FHS_SQL_ENTITY_ADD] = "INSERT OR IGNORE INTO entity(type,id,num) VALUES(?1,?2,?3)",
    [FHS_SQL_ENTITY_NAME] = "SELECT type,id FROM resource WHERE entity=?1",
    [FHS_SQL_READ] = "SELECT r.entity,r.type,r.version,r.seq,r.updated,r.deleted,r.id,r.body "
                     "FROM entity e CROSS JOIN resource r ON r.entity=e.num "
                     "WHERE e.type=?1 AND e.id=?2",
    [FHS_SQL_READ_ENTITY] = "SELECT entity,type,version,seq,updated,deleted,id,body "
                            "FROM resource WHERE entity=?1",
    [FHS_SQL_READ_ON] = "SELECT entity,type,version,seq,updated,deleted,id,body "
                        "FROM resource WHERE entity>=?1 ORDER BY entity",
    [FHS_SQL_READ_ROWS] =
        "SELECT r.entity,r.type,r.version,r.seq,r.updated,r.deleted,r.id,r.body,s.rows "
        "FROM entity e CROSS JOIN resource r ON r.entity=e.num "
        "LEFT JOIN entries s ON s.entity=r.entity WHERE e.type=?1 AND e.id=?2",
    [FHS_SQL_READ_VERSION] =
        "SELECT r.entity,r.type,v.version,v.seq,v.updated,v.method=3,r.id,b.body,v.method "
        "FROM entity e CROSS JOIN resource r ON r.entity=e.num "
        "CROSS JOIN version_of o ON o.entity=r.entity CROSS JOIN version v ON v.seq=o.seq "
        "LEFT JOIN old_body b ON b.seq=o.seq WHERE e.type=?1 AND e.id=?2 AND o.version=?3",
    [FHS_SQL_RESOURCE_ADD] =
        "INSERT INTO resource(entity,type,version,seq,updated,deleted,id,body) "
        "VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
    [FHS_SQL_RESOURCE_SET] =
        "UPDATE resource SET version=?2,seq=?3,updated=?4,deleted=?5,body=?6 WHERE entity=?1",
    [FHS_SQL_ENTRIES] = "SELECT rows FROM entries WHERE entity=?1",
    [FHS_SQL_ENTRIES_ADD] = "INSERT OR REPLACE INTO entries(entity,rows) VALUES(?1,?2)",
    [FHS_SQL_ENTRIES_DELETE] = "DELETE FROM entries WHERE entity=?1",
    [FHS_SQL_VERSION_ADD] = "INSERT INTO version(seq,entity,version,type,method,updated,chain) "
                            "VALUES(?1,?2,?3,?4,?5,?6,?7)",
    [FHS_SQL_VERSION_OF_ADD] = "INSERT INTO version_of(entity,version,seq) VALUES(?1,?2,?3)",
    [FHS_SQL_OLD_BODY_ADD] = "INSERT INTO old_body(seq,body) VALUES(?1,?2)",
    [FHS_SQL_PART_ADD] = "INSERT INTO body_part(seq,part,bytes) VALUES(?1,?2,?3)",
    [FHS_SQL_PARTS] = "SELECT bytes FROM body_part WHERE seq=?1 ORDER BY part",
    [FHS_SQL_PARTS_BYTES] = "SELECT sum(length(bytes)) FROM body_part WHERE seq=?1",
    [FHS_SQL_SEQ_AT_OR_BEFORE] =
        "SELECT seq,updated FROM version WHERE seq<=?1 ORDER BY seq DESC LIMIT 1",

    [FHS_SQL_REFERENCE_PARAM] = "SELECT param FROM idx_reference WHERE param>?1 "
                                "ORDER BY param LIMIT 1",
    [FHS_SQL_REFERRERS] = "SELECT entity FROM idx_reference WHERE param=?1 AND target=?2 "
                          "AND entity<>?2",
    [FHS_SQL_PATIENT_KEY] = "SELECT wrapped FROM patient_key WHERE entity=?1",
    [FHS_SQL_PATIENT_KEY_ADD] = "INSERT OR REPLACE INTO patient_key(entity,wrapped) VALUES(?1,?2)",
    [FHS_SQL_OLD_BODY_MOVE] =
        "INSERT INTO old_body(seq,body) SELECT seq,body FROM resource WHERE entity=?1 AND seq=?2",

    [FHS_SQL_INSERT_FIRST + FHS_ROW_TOKEN] = INSERT("idx_token", FIVE),
    [FHS_SQL_INSERT_FIRST + FHS_ROW_STRING] = INSERT("idx_string", FOUR),
    [FHS_SQL_INSERT_FIRST + FHS_ROW_DATE] = INSERT("idx_date", FOUR),
    [FHS_SQL_INSERT_FIRST + FHS_ROW_NUMBER] = INSERT("idx_number", FOUR),
    [FHS_SQL_INSERT_FIRST + FHS_ROW_QUANTITY] = INSERT("idx_quantity", FIVE),
    [FHS_SQL_INSERT_FIRST + FHS_ROW_REFERENCE] = INSERT("idx_reference", FOUR),
    [FHS_SQL_INSERT_FIRST + FHS_ROW_URI] = INSERT("idx_uri", THREE),
    [FHS_SQL_INSERT_FIRST + FHS_ROW_COMPOSITE] = INSERT("idx_composite", THREE),
    [FHS_SQL_INSERT_FIRST + FHS_ROW_POSITION] = INSERT("idx_position", FIVE),
    [FHS_SQL_INSERT_FIRST + FHS_PENDING_DATE_HI] = INSERT("idx_date_hi", FOUR),
    [FHS_SQL_INSERT_FIRST + FHS_PENDING_VERSION_TYPE] = INSERT("version_type", "c0,c1"),
    [FHS_SQL_INSERT_FIRST + FHS_PENDING_CURRENT_TYPE] = INSERT("current_type", "c0,c1"),
    [FHS_SQL_INSERT_FIRST + FHS_PENDING_CURRENT_UPDATED] = INSERT("current_updated", THREE),
    [FHS_SQL_INSERT_FIRST + FHS_PENDING_PATIENT_BODY] = INSERT("patient_body", "c0,c1"),

    [FHS_SQL_DELETE_FIRST + FHS_ROW_TOKEN] = "DELETE FROM idx_token WHERE param=?1 AND code=?2 "
                                             "AND system=?3 AND exact=?4 AND entity=?5",
    [FHS_SQL_DELETE_FIRST + FHS_ROW_STRING] =
        "DELETE FROM idx_string WHERE param=?1 AND folded=?2 AND exact=?3 AND entity=?4",
    [FHS_SQL_DELETE_FIRST +
        FHS_ROW_DATE] = "DELETE FROM idx_date WHERE param=?1 AND lo=?2 AND hi=?3 AND entity=?4",
    [FHS_SQL_DELETE_FIRST +
        FHS_ROW_NUMBER] = "DELETE FROM idx_number WHERE param=?1 AND lo=?2 AND hi=?3 AND entity=?4",
    [FHS_SQL_DELETE_FIRST + FHS_ROW_QUANTITY] = "DELETE FROM idx_quantity WHERE param=?1 "
                                                "AND unit=?2 AND lo=?3 AND hi=?4 AND entity=?5",
    [FHS_SQL_DELETE_FIRST + FHS_ROW_REFERENCE] =
        "DELETE FROM idx_reference WHERE param=?1 AND target=?2 AND entity=?3 AND version=?4",
    [FHS_SQL_DELETE_FIRST +
        FHS_ROW_URI] = "DELETE FROM idx_uri WHERE param=?1 AND uri=?2 AND entity=?3",
    [FHS_SQL_DELETE_FIRST +
        FHS_ROW_COMPOSITE] = "DELETE FROM idx_composite WHERE param=?1 AND key=?2 AND entity=?3",
    [FHS_SQL_DELETE_FIRST + FHS_ROW_POSITION] =
        "DELETE FROM idx_position WHERE param=?1 AND cell=?2 AND lat=?3 AND lon=?4 AND entity=?5",
    [FHS_SQL_DELETE_FIRST + FHS_PENDING_DATE_HI] =
        "DELETE FROM idx_date_hi WHERE param=?1 AND hi=?2 AND lo=?3 AND entity=?4",
    [FHS_SQL_DELETE_FIRST +
        FHS_PENDING_VERSION_TYPE] = "DELETE FROM version_type WHERE type=?1 AND seq=?2",
    [FHS_SQL_DELETE_FIRST +
        FHS_PENDING_CURRENT_TYPE] = "DELETE FROM current_type WHERE type=?1 AND entity=?2",
    [FHS_SQL_DELETE_FIRST + FHS_PENDING_CURRENT_UPDATED] =
        "DELETE FROM current_updated WHERE type=?1 AND updated=?2 AND entity=?3",
    [FHS_SQL_DELETE_FIRST +
        FHS_PENDING_PATIENT_BODY] = "DELETE FROM patient_body WHERE patient=?1 AND seq=?2",
};

fhirstore_status fhs_core(fhs_conn *conn, fhs_sql which, sqlite3_stmt **stmt_out,
                          fhirstore_error **err)
{
    *stmt_out = conn->core[which];
    if (FHS_LIKELY(*stmt_out != NULL)) {
        return FHIRSTORE_OK;
    }
    int rc = sqlite3_prepare_v3(conn->db, core_text[which], -1, SQLITE_PREPARE_PERSISTENT,
                                &conn->core[which], NULL);
    *stmt_out = conn->core[which];
    return fhs_sql_fail(conn, rc, err);
}

int fhs_bind_str(sqlite3_stmt *stmt, int index, fhs_str value)
{
    return sqlite3_bind_text64(stmt, index, value.ptr == NULL ? "" : value.ptr, value.len,
                               SQLITE_STATIC, SQLITE_UTF8);
}

int fhs_bind_bytes(sqlite3_stmt *stmt, int index, fhs_str value)
{
    return sqlite3_bind_blob64(stmt, index, value.ptr == NULL ? "" : value.ptr, value.len,
                               SQLITE_STATIC);
}

fhs_str fhs_column_str(sqlite3_stmt *stmt, int column)
{
    /* For bytes and for text alike: as it is stored. */
    const char *ptr = sqlite3_column_blob(stmt, column);
    int len = sqlite3_column_bytes(stmt, column);
    return ptr == NULL || len <= 0 ? FHS_STR_NONE : (fhs_str){ptr, (size_t)len};
}

fhirstore_status fhs_core_run(fhs_conn *conn, sqlite3_stmt *stmt, fhirstore_error **err)
{
    int rc = sqlite3_step(stmt);
    fhirstore_status status = fhs_sql_fail(conn, rc, err);
    (void)sqlite3_reset(stmt);
    return status;
}

fhirstore_status fhs_core_int(fhs_conn *conn, sqlite3_stmt *stmt, int64_t *value_out,
                              bool *found_out, fhirstore_error **err)
{
    int rc = sqlite3_step(stmt);
    *found_out = rc == SQLITE_ROW;
    *value_out = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    fhirstore_status status = fhs_sql_fail(conn, rc, err);
    (void)sqlite3_reset(stmt);
    return status;
}

fhirstore_status fhs_exec(fhs_conn *conn, const char *sql, fhirstore_error **err)
{
    return fhs_sql_fail(conn, sqlite3_exec(conn->db, sql, NULL, NULL, NULL), err);
}
