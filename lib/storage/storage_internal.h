/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. Read conn.c for the life of a connection. */
#ifndef FHS_STORAGE_INTERNAL_H
#define FHS_STORAGE_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "storage/name_cache.h"
#include "storage/pending.h"
#include "storage/scratch.h"
#include "storage/sql.h"
#include "storage/stmt.h"
#include "storage/storage.h"
#include "vfs/vfs.h"

#define FHS_SAVEPOINT_DEPTH 16u
/* "FHS1", so that tools that look at a plain store know whose it is. */
#define FHS_APPLICATION_ID 0x46485331
/* Statements that search keeps prepared on a connection. */
#define FHS_IDLE_STATEMENTS 96u

/* What the file counts with; rolled back with the transaction. */
typedef struct fhs_counters {
    int64_t next_entity;
    int64_t last_seq;
    int64_t last_time_us;
    uint8_t link[32]; /* of the last version's place in the chain (chain.h) */
} fhs_counters;

/* Where to return to: level 0 is the transaction, above are savepoints. */
typedef struct fhs_level {
    fhs_name_mark names;
    fhs_name_mark entities;
    fhs_counters counters;
    fhs_pending_mark pending;
} fhs_level;

struct fhs_conn {
    fhs_storage *storage;
    sqlite3 *db;
    fhs_conn *next; /* in the pool */
    bool is_writer;
    bool in_read;
    bool in_write;
    bool counters_known;
    /* The first error of a write in this transaction: what was begun may be half done. */
    fhirstore_status failed;
    atomic_bool cancelled;
    fhirstore_status (*ask)(void *ctx); /* whether to go on; NULL: yes */
    void *ask_ctx;
    fhirstore_status stopped; /* what it answered, until that is told */
    sqlite3_stmt *core[FHS_SQL_COUNT];
    sqlite3_stmt *row;                 /* the statement whose row is lent out */
    fhs_entity row_entity;             /* of the last one that was read by its entity */
    fhs_buf large;                     /* the large body that goes with it */
    fhs_buf opened;                    /* a body that was sealed for a patient */
    fhs_buf sealed;                    /* one that is being written */
    struct fhs_patient_slot *patients; /* keys of patients (patient.c); NULL: none yet */
    unsigned shredded;                 /* what the storage's count was when last looked at */
    bool shreds;                       /* the transaction destroys a key */
    fhs_stmt *statements;
    uint32_t statement_count;
    uint64_t statement_clock;
    uint32_t numbering;   /* the store's, when its names were remembered */
    fhs_name_cache names; /* types, parameters, uris, units */
    fhs_name_cache entities;
    uint8_t chain_key[32];
    fhs_counters counters;
    fhs_counters saved; /* as they were last read or written */
    int64_t time_us;
    int64_t changes_at_begin;
    bool keeps_floor; /* versions are gone: the counters have to be written down */
    fhs_level levels[FHS_SAVEPOINT_DEPTH + 1];
    uint32_t depth; /* savepoints open */
    fhs_pending pending;
    fhs_scratch *scratch; /* NULL: names are interned by the writer only */
};

struct fhs_storage {
    char *path;
    char vfs_name[64];
    fhs_storage_options options; /* no key material in it */
    struct fhs_vfs *vfs;
    int32_t fhir_version;
    bool has_patient_keys;
    uint8_t *patient_root; /* wraps the keys of patients; guarded; NULL: they cannot be read */
    atomic_uint shredded;  /* how often one was destroyed */
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* a connection came back */
    fhs_conn *writer;
    bool writer_taken;
    uint32_t numbering;           /* goes up when numbers may mean something else */
    bool is_shut;                 /* no connection is given out any more */
    bool is_suspended;            /* the file was let go of */
    pthread_mutex_t suspend_lock; /* held while it is let go of and taken up; before mutex */
    fhs_conn *idle;
    uint32_t reader_count; /* open ones, idle or taken */
    uint32_t readers_taken;
};

/* ---- fail.c ---- */

/* Turn what SQLite said on @a conn into our error. Returns OK for SQLITE_OK, ROW and DONE. */
fhirstore_status fhs_sql_fail(fhs_conn *conn, int rc, fhirstore_error **err);
/* ERR_CANCELLED when someone interrupted the connection since its last statement. */
fhirstore_status fhs_conn_check_cancelled(fhs_conn *conn, fhirstore_error **err);
/* ERR_INTERNAL outside a write transaction, the first failure after one. */
fhirstore_status fhs_conn_check_write(fhs_conn *conn, fhirstore_error **err);
/* Mark the write transaction as failed with @a status and return it. */
fhirstore_status fhs_conn_spoil(fhs_conn *conn, fhirstore_status status);

/* ---- sql.c ---- */

/* The connection's own statement @a which, prepared on first use. */
fhirstore_status fhs_core(fhs_conn *conn, fhs_sql which, sqlite3_stmt **stmt_out,
                          fhirstore_error **err);
int fhs_bind_str(sqlite3_stmt *stmt, int index, fhs_str value);
int fhs_bind_bytes(sqlite3_stmt *stmt, int index, fhs_str value);
fhs_str fhs_column_str(sqlite3_stmt *stmt, int column);
/* Step once, reset. For statements without rows. */
fhirstore_status fhs_core_run(fhs_conn *conn, sqlite3_stmt *stmt, fhirstore_error **err);
/* Step to the first row's first column; found_out false: no row. Resets. */
fhirstore_status fhs_core_int(fhs_conn *conn, sqlite3_stmt *stmt, int64_t *value_out,
                              bool *found_out, fhirstore_error **err);
fhirstore_status fhs_exec(fhs_conn *conn, const char *sql, fhirstore_error **err);

/* ---- body.c ---- */

/* Write a body in parts; its hash (chain.h) goes to @a hash_out. Any failure spoils the
 * transaction. */
fhirstore_status fhs_parts_write(fhs_conn *conn, int64_t seq, const fhs_write *write,
                                 uint8_t hash_out[32], fhirstore_error **err);
/* Append the body that was written under @a seq. ERR_CORRUPT: there is none. */
fhirstore_status fhs_parts_read(fhs_conn *conn, int64_t seq, fhs_buf *out, fhirstore_error **err);
/* Whether it is stored in parts. */
static inline bool fhs_write_is_large(const fhs_write *write)
{
    return write->source != NULL || write->body.len >= FHS_LARGE_BODY_BYTES;
}

/* ---- resource.c ---- */

/* Note the difference between two row lists of @a entity. Any failure spoils the transaction. */
fhirstore_status fhs_rows_change(fhs_conn *conn, fhs_entity entity, fhs_str old_rows,
                                 fhs_str new_rows, fhirstore_error **err);

/* ---- connect.c ---- */

fhirstore_status fhs_conn_new(fhs_storage *storage, bool is_writer, bool create,
                              fhs_conn **conn_out, fhirstore_error **err);
void fhs_conn_free(fhs_conn *conn);

/* ---- conn.c ---- */

/* Take the row that was lent out back. */
void fhs_conn_drop_row(fhs_conn *conn);
/* Bring the tables up to date before they are read inside a write transaction. */
fhirstore_status fhs_conn_flush(fhs_conn *conn, fhirstore_error **err);

/* ---- suspend.c ---- */

/* Close every connection; none may be in use. */
void fhs_storage_drop_connections(fhs_storage *storage);
/* Whether none is in use, with the mutex held. */
bool fhs_storage_is_at_rest(const fhs_storage *storage);

/* A connection to an empty store of the present schema, in memory; of no pool. */
fhirstore_status fhs_conn_new_reference(fhs_storage *storage, fhs_conn **conn_out,
                                        fhirstore_error **err);

/* ---- schema.c ---- */

/* Create or migrate on the writer; ERR_SCHEMA, ERR_NOT_A_STORE. */
fhirstore_status fhs_schema_prepare(fhs_conn *conn, bool create, fhirstore_error **err);
/* Bring a store from @a from to FHS_SCHEMA_VERSION inside the open transaction. */
fhirstore_status fhs_schema_migrate(fhs_conn *conn, int64_t from, fhirstore_error **err);

/* ---- functions.c ---- */

int fhs_functions_register(sqlite3 *db);

/* ---- stmt.c ---- */

void fhs_statements_free(fhs_conn *conn);
sqlite3_stmt *fhs_stmt_raw(fhs_stmt *stmt);

/* ---- pending_table.c ---- */

/* The table-valued function that feeds pending rows into INSERT … SELECT. */
int fhs_pending_table_register(fhs_conn *conn);

/* ---- verify_rows.c ---- */

typedef struct fhs_check {
    fhs_conn *conn;
    fhs_finding_fn report;
    void *ctx;
    int64_t findings;
    int64_t next_entity;
    unsigned mend;  /* what would mend what is reported next: FHS_MEND_* */
    unsigned mends; /* what would mend something of what was reported */
    bool is_blind;  /* something could not be looked at */
} fhs_check;

void fhs_check_report(fhs_check *check, const char *area, const char *format, ...) FHS_PRINTF(3, 4);
/* Nothing that counts, but to be told. */
void fhs_check_notice(fhs_check *check, const char *text);
/* verify_schema.c: each table and index is there, as this library makes it. */
fhirstore_status fhs_check_schema(fhs_check *check, fhirstore_error **err);
/* Inside a write transaction: make the tables anew that are missing and can be filled again. */
fhirstore_status fhs_schema_restore(fhs_conn *conn, fhirstore_error **err);
/* Row lists against the index tables, both directions. */
fhirstore_status fhs_check_rows(fhs_check *check, fhirstore_error **err);

#endif
