/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables, and how a store of an older schema becomes one of this. Each step of the table below
 * leads from one version to the next; all run in one transaction, so that a store is always wholly
 * of one version.
 */
#include "storage/chain.h"
#include "storage/patient_internal.h"

static const fhs_str meta_fhir_version = FHS_LIT_INIT("fhir_version");

#define INDEX_TABLE(name, columns, key)                                                   \
    "CREATE TABLE idx_" name "(param INTEGER NOT NULL," columns ",PRIMARY KEY(param," key \
    ")) WITHOUT ROWID;"

static const char schema_1[] =
    /* Names and their numbers. */
    "CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL,value) WITHOUT ROWID;"
    "CREATE TABLE type(num INTEGER PRIMARY KEY,name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE param(num INTEGER PRIMARY KEY,type INTEGER NOT NULL,code TEXT NOT NULL,"
    "state INTEGER NOT NULL,UNIQUE(type,code));"
    "CREATE TABLE uri(num INTEGER PRIMARY KEY,text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE unit(num INTEGER PRIMARY KEY,system TEXT NOT NULL,code TEXT NOT NULL,"
    "unit TEXT NOT NULL,canonical INTEGER NOT NULL,UNIQUE(system,code,unit,canonical));"
    "CREATE TABLE entity(type INTEGER NOT NULL,id TEXT NOT NULL,num INTEGER NOT NULL,"
    "PRIMARY KEY(type,id)) WITHOUT ROWID;"
    /* Resources: what is current, and apart from it the row lists, which are scanned alone. */
    "CREATE TABLE resource(entity INTEGER PRIMARY KEY,type INTEGER NOT NULL,"
    "version INTEGER NOT NULL,seq INTEGER NOT NULL,updated INTEGER NOT NULL,"
    "deleted INTEGER NOT NULL,id TEXT NOT NULL,body BLOB);"
    "CREATE TABLE entries(entity INTEGER PRIMARY KEY,rows BLOB NOT NULL);"
    "CREATE TABLE current_type(type INTEGER NOT NULL,entity INTEGER NOT NULL,"
    "PRIMARY KEY(type,entity)) WITHOUT ROWID;"
    "CREATE TABLE current_updated(type INTEGER NOT NULL,updated INTEGER NOT NULL,"
    "entity INTEGER NOT NULL,PRIMARY KEY(type,updated,entity)) WITHOUT ROWID;"
    /* The change log has every version; bodies of versions that are no longer current are apart. */
    "CREATE TABLE version(seq INTEGER PRIMARY KEY,entity INTEGER NOT NULL,"
    "version INTEGER NOT NULL,type INTEGER NOT NULL,method INTEGER NOT NULL,"
    "updated INTEGER NOT NULL);"
    "CREATE TABLE version_type(type INTEGER NOT NULL,seq INTEGER NOT NULL,"
    "PRIMARY KEY(type,seq)) WITHOUT ROWID;"
    "CREATE TABLE version_of(entity INTEGER NOT NULL,version INTEGER NOT NULL,"
    "seq INTEGER NOT NULL,PRIMARY KEY(entity,version,seq)) WITHOUT ROWID;"
    "CREATE TABLE old_body(seq INTEGER PRIMARY KEY,body BLOB NOT NULL);"
    /* Index tables: every column is in the key, in the order in which they are asked. */
    INDEX_TABLE("token",
                "code TEXT NOT NULL,system INTEGER NOT NULL,exact TEXT NOT NULL,"
                "entity INTEGER NOT NULL",
                "code,system,exact,entity")
        INDEX_TABLE("string", "folded TEXT NOT NULL,exact TEXT NOT NULL,entity INTEGER NOT NULL",
                    "folded,exact,entity")
            INDEX_TABLE("date", "lo INTEGER NOT NULL,hi INTEGER NOT NULL,entity INTEGER NOT NULL",
                        "lo,hi,entity")
                INDEX_TABLE("date_hi",
                            "hi INTEGER NOT NULL,lo INTEGER NOT NULL,entity INTEGER NOT NULL",
                            "hi,lo,entity")
                    INDEX_TABLE("number",
                                "lo BLOB NOT NULL,hi BLOB NOT NULL,entity INTEGER NOT NULL",
                                "lo,hi,entity")
                        INDEX_TABLE("quantity",
                                    "unit INTEGER NOT NULL,lo BLOB NOT NULL,hi BLOB NOT NULL,"
                                    "entity INTEGER NOT NULL",
                                    "unit,lo,hi,entity")
                            INDEX_TABLE("reference",
                                        "target INTEGER NOT NULL,entity INTEGER NOT NULL,version "
                                        "TEXT NOT NULL",
                                        "target,entity,version")
                                INDEX_TABLE("uri", "uri TEXT NOT NULL,entity INTEGER NOT NULL",
                                            "uri,entity")
                                    INDEX_TABLE("composite",
                                                "key BLOB NOT NULL,entity INTEGER NOT NULL",
                                                "key,entity")
                                        INDEX_TABLE("position",
                                                    "lat INTEGER NOT NULL,lon INTEGER NOT "
                                                    "NULL,entity INTEGER NOT NULL",
                                                    "lat,lon,entity");

/*
 * 2: large bodies in parts, by the sequence of their version; theirs is NULL where others have it.
 * Words; a node of theirs fills a page to its reserved end, and many are gathered before they are
 * written. Positions in the order of their cells. The audit journal. The chain over the changes,
 * and what purged versions leave of it.
 */
static const char schema_2[] =
    "CREATE TABLE body_part(seq INTEGER NOT NULL,part INTEGER NOT NULL,bytes BLOB NOT NULL,"
    "PRIMARY KEY(seq,part)) WITHOUT ROWID;"
    "CREATE TABLE journal(first INTEGER PRIMARY KEY,count INTEGER NOT NULL,time INTEGER NOT NULL,"
    "sealed BLOB NOT NULL,link BLOB NOT NULL);"
    "ALTER TABLE version ADD COLUMN chain BLOB;"
    "CREATE TABLE purged(seq INTEGER PRIMARY KEY,chain BLOB);"
    "CREATE TABLE journal_mark(last INTEGER PRIMARY KEY,link BLOB NOT NULL,"
    "signature BLOB NOT NULL);"
    "CREATE VIRTUAL TABLE fulltext USING fts5(narrative,content,content='',columnsize=0,"
    "tokenize=\"ascii tokenchars '_'\");"
    "INSERT INTO fulltext(fulltext,rank) VALUES('pgsz',3960);"
    "INSERT INTO fulltext(fulltext,rank) VALUES('hashsize',4194304);"
    "ALTER TABLE idx_position RENAME TO idx_position_1;" INDEX_TABLE(
        "position",
        "cell INTEGER NOT NULL,lat INTEGER NOT NULL,lon INTEGER NOT NULL,entity INTEGER NOT NULL",
        "cell,lat,lon,entity") "INSERT INTO idx_position "
                               "SELECT param,fhs_cell(lat,lon),lat,lon,entity FROM idx_position_1;"
                               "DROP TABLE idx_position_1;";

typedef fhirstore_status (*migration_fn)(fhs_conn *conn, fhirstore_error **err);

static fhirstore_status migrate_to_1(fhs_conn *conn, fhirstore_error **err)
{
    return fhs_exec(conn, schema_1, err);
}

static fhirstore_status migrate_to_2(fhs_conn *conn, fhirstore_error **err)
{
    fhirstore_status status = fhs_exec(conn, schema_2, err);
    return status == FHIRSTORE_OK ? fhs_chain_create(conn, err) : status;
}

/* Entry n leads from version n to n + 1; version 0 is an empty database. */
static const migration_fn migrations[FHS_SCHEMA_VERSION] = {migrate_to_1, migrate_to_2};

fhirstore_status fhs_schema_migrate(fhs_conn *conn, int64_t from, fhirstore_error **err)
{
    for (int64_t version = from; version < FHS_SCHEMA_VERSION; version++) {
        fhirstore_status status = migrations[version](conn, err);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    char sql[96];
    (void)sqlite3_snprintf(sizeof sql, sql, "PRAGMA user_version=%d;PRAGMA application_id=%d",
                           FHS_SCHEMA_VERSION, FHS_APPLICATION_ID);
    return fhs_exec(conn, sql, err);
}

/* The single integer that @a sql answers with. */
static fhirstore_status ask_integer(fhs_conn *conn, const char *sql, int64_t *value_out,
                                    fhirstore_error **err)
{
    sqlite3_stmt *stmt = NULL;
    bool found;
    *value_out = 0;
    int rc = sqlite3_prepare_v2(conn->db, sql, -1, &stmt, NULL);
    fhirstore_status status = fhs_sql_fail(conn, rc, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_core_int(conn, stmt, value_out, &found, err);
    }
    (void)sqlite3_finalize(stmt);
    return status;
}

static fhirstore_status check_owner(fhs_conn *conn, int64_t *version_out, bool *is_empty_out,
                                    fhirstore_error **err)
{
    int64_t application = 0;
    int64_t tables = 0;
    fhirstore_status status = ask_integer(conn, "PRAGMA application_id", &application, err);
    if (status == FHIRSTORE_OK) {
        status = ask_integer(conn, "PRAGMA user_version", version_out, err);
    }
    if (status == FHIRSTORE_OK) {
        status = ask_integer(conn, "SELECT count(*) FROM sqlite_schema", &tables, err);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    *is_empty_out = application == 0 && *version_out == 0 && tables == 0;
    if (!*is_empty_out && application != FHS_APPLICATION_ID) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_A_STORE, "the database is not a FHIR store");
    }
    if (*version_out < 0 || (!*is_empty_out && *version_out == 0)) {
        return fhs_fail(err, FHIRSTORE_ERR_CORRUPT, "the store has no valid schema version");
    }
    if (*version_out > FHS_SCHEMA_VERSION) {
        return fhs_fail(err, FHIRSTORE_ERR_SCHEMA,
                        "the store has schema version %lld, this library knows up to %d",
                        (long long)*version_out, FHS_SCHEMA_VERSION);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status bring_up_to_date(fhs_conn *conn, int64_t version, bool is_empty,
                                         fhirstore_error **err)
{
    fhirstore_status status = fhs_exec(conn, "BEGIN IMMEDIATE", err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = fhs_schema_migrate(conn, version, err);
    sqlite3_stmt *stmt;
    if (status == FHIRSTORE_OK && is_empty && conn->storage->options.patient_keys) {
        status = fhs_patient_create(conn, err);
    }
    if (status == FHIRSTORE_OK && is_empty) {
        status = fhs_core(conn, FHS_SQL_META_SET, &stmt, err);
        if (status == FHIRSTORE_OK) {
            (void)fhs_bind_str(stmt, 1, meta_fhir_version);
            const fhs_storage_options *options = &conn->storage->options;
            (void)sqlite3_bind_int(stmt, 2,
                                   options->fhir_version != 0 ? options->fhir_version
                                                              : options->new_fhir_version);
            status = fhs_core_run(conn, stmt, err);
        }
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_exec(conn, "COMMIT", err);
    }
    if (status != FHIRSTORE_OK && sqlite3_get_autocommit(conn->db) == 0) {
        (void)fhs_exec(conn, "ROLLBACK", NULL);
    }
    return status;
}

static fhirstore_status check_fhir_version(fhs_conn *conn, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    int64_t stored = 0;
    bool found;
    fhirstore_status status = fhs_core(conn, FHS_SQL_META_GET, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)fhs_bind_str(stmt, 1, meta_fhir_version);
    status = fhs_core_int(conn, stmt, &stored, &found, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    int32_t wanted = conn->storage->options.fhir_version;
    if (wanted != 0 && stored != wanted) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "the store holds another FHIR version");
    }
    conn->storage->fhir_version = (int32_t)stored;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_schema_prepare(fhs_conn *conn, bool create, fhirstore_error **err)
{
    int64_t version = 0;
    bool is_empty = false;
    fhirstore_status status = check_owner(conn, &version, &is_empty, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (is_empty && !create) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_A_STORE, "the file holds no store yet");
    }
    if (conn->storage->vfs == NULL && !conn->storage->options.read_only) {
        /* No change for a store that exists; a sealed one is born this way. */
        status = fhs_exec(conn, "PRAGMA journal_mode=WAL", err);
    }
    if (status == FHIRSTORE_OK && version < FHS_SCHEMA_VERSION) {
        if (conn->storage->options.read_only) {
            return fhs_fail(err, FHIRSTORE_ERR_READ_ONLY,
                            "the store's schema is older and may not be migrated");
        }
        status = bring_up_to_date(conn, version, is_empty, err);
    }
    return status == FHIRSTORE_OK ? check_fhir_version(conn, err) : status;
}
