/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's file: connections, transactions, schema, resources and versions, interned names,
 * index rows. With search/sql.c the only place where SQL is written, and with vfs the only one that
 * includes sqlite3.h.
 *
 * One writer, many readers: fhs_storage_writer() waits for the single writer connection, readers
 * come from a pool and see the snapshot of their transaction. A connection belongs to one thread
 * between taking and releasing it.
 *
 * Types, parameters, systems, units and entities are numbers of this file, never of the definitions
 * that happen to be built in.
 */
#ifndef FHS_STORAGE_STORAGE_H
#define FHS_STORAGE_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "keys/keys.h"
#include "storage/rows.h"

typedef struct fhs_storage fhs_storage;
typedef struct fhs_conn fhs_conn;
typedef int64_t fhs_entity; /* above 0 */

#define FHS_SCHEMA_VERSION 2

typedef struct fhs_storage_options {
    fhs_str path;
    const uint8_t *key;           /* 32 bytes, or NULL */
    fhs_str passphrase;           /* ptr NULL: none */
    const uint8_t *recipient_key; /* X25519 secret key, 32 bytes, or NULL */
    fhs_key_fn ask_key;           /* NULL: none */
    void *ask_key_ctx;
    fhs_str key_id;        /* for create, with ask_key */
    fhs_key_cost kdf_cost; /* for create, with a passphrase */
    bool create;           /* create when there is no such file */
    bool read_only;
    bool plaintext; /* an unencrypted store, for tests: asked for by name */
    bool multi_process;
    bool cheap_kdf;           /* weaker Argon2id parameters, for tests */
    size_t cache_bytes;       /* page cache of each connection; 0: 16 MiB */
    uint64_t wal_bytes;       /* what the log grows to, and is cut to; 0: 16 and 64 MiB */
    uint32_t max_readers;     /* 0: 8 */
    int32_t busy_timeout_ms;  /* 0: 5000; below 0: fail at once */
    bool sync_normal;         /* synchronous=NORMAL in place of FULL */
    int32_t fhir_version;     /* for create; checked against the file otherwise when not 0 */
    int32_t new_fhir_version; /* for create when fhir_version is 0 */
    const char *base_vfs;     /* tests: the VFS below; NULL: unix-excl, unix for multi_process */
    bool patient_keys;        /* for create: bodies under keys of their patients (patient.h) */
    int64_t (*now_us)(void *ctx); /* NULL: the system clock */
    void *now_ctx;
} fhs_storage_options;

/*
 * Open or create. Distinct statuses as vfs.h lists them (ERR_KEY_MISSING, ERR_KEY_WRONG,
 * ERR_IN_USE, ERR_PLAIN_STORE, ERR_NOT_A_STORE, ERR_FORMAT, ERR_TRUNCATED, ERR_TAMPERED …),
 * ERR_SCHEMA for a newer schema, ERR_NOT_FOUND for no file without create. Older schemas are
 * migrated in one transaction.
 */
fhirstore_status fhs_storage_open(const fhs_storage_options *options, fhs_storage **storage_out,
                                  fhirstore_error **err);
/* Checkpoints, closes every connection, wipes keys. No connection may be in use. */
void fhs_storage_close(fhs_storage *storage);

int32_t fhs_storage_fhir_version(const fhs_storage *storage);
bool fhs_storage_is_encrypted(const fhs_storage *storage);
/* Opened for several processes at once. */
bool fhs_storage_is_shared(const fhs_storage *storage);
/* Whether it was created with keys of patients (patient.h). */
bool fhs_storage_has_patient_keys(const fhs_storage *storage);
/* The VFS underneath (key slots, page verification), NULL for a plaintext store. */
struct fhs_vfs;
struct fhs_vfs *fhs_storage_vfs(fhs_storage *storage);
/*
 * Write the log back and let the connections go, for good: ERR_CLOSED from then on, but the file
 * stays locked until fhs_storage_close. ERR_BUSY while one is in use.
 */
fhirstore_status fhs_storage_close_connections(fhs_storage *storage, fhirstore_error **err);
/* Give back the memory of what is idle: connections for reading, caches, statements. */
void fhs_storage_trim(fhs_storage *storage);
/*
 * Write the log back and let go of the file and its lock, until a connection is asked for or
 * fhs_storage_wake() is called: others may have the store meanwhile. ERR_BUSY while a connection is
 * in use.
 */
fhirstore_status fhs_storage_suspend(fhs_storage *storage, fhirstore_error **err);
fhirstore_status fhs_storage_wake(fhs_storage *storage, fhirstore_error **err);
/* Truncate the WAL into the file. */
fhirstore_status fhs_storage_checkpoint(fhs_storage *storage, fhirstore_error **err);

/* ---- copies ---- */

typedef struct fhs_copy_options {
    const char *path;
    bool replaces;            /* what has this name */
    bool leaves_patient_keys; /* the copy does not have them (patient.h) */
    bool plaintext;           /* not encrypted; else: */
    const fhs_credential *credential;
    fhs_key_cost kdf_cost;
    fhs_str label;
    const uint8_t *journal_key; /* that of the source's audit journal; NULL: it has none */
    /* Bytes written, and about how many there will be. Not OK ends the copy: ERR_CANCELLED. */
    fhirstore_status (*progress)(void *ctx, int64_t done, int64_t total);
    /* The copy is complete; not OK leaves nothing of it. */
    fhirstore_status (*before_publish)(void *ctx, fhirstore_error **err);
    void *ctx;
} fhs_copy_options;

/*
 * Write what the store holds now into a new file, compact and under new keys, while others read and
 * write. The file appears when it is complete. ERR_EXISTS, ERR_FULL, ERR_CANCELLED, ERR_IO …
 */
fhirstore_status fhs_storage_copy(fhs_storage *storage, const fhs_copy_options *options,
                                  fhirstore_error **err);
/* Give unused pages back and put the others in order, as the writer. */
fhirstore_status fhs_storage_compact(fhs_storage *storage, fhirstore_error **err);

/* ---- a new data key (vfs.h) ---- */

fhirstore_status fhs_storage_renew(fhs_storage *storage, const fhs_credential *credential,
                                   fhs_key_cost cost, fhs_str label, uint32_t *slot_out,
                                   fhirstore_error **err);
bool fhs_storage_is_renewing(const fhs_storage *storage);
/*
 * Seal some pages anew. After the last one the old key is dropped, unless a reader still keeps the
 * log: *ended_out says so.
 */
fhirstore_status fhs_storage_renew_step(fhs_storage *storage, uint32_t *done_out,
                                        uint32_t *total_out, bool *ended_out,
                                        fhirstore_error **err);

/* ---- connections and transactions ---- */

/* A reader from the pool, outside a transaction. Single statements see their own snapshot. */
fhirstore_status fhs_storage_reader(fhs_storage *storage, fhs_conn **conn_out,
                                    fhirstore_error **err);
/* The writer; waits up to the busy timeout for other threads (ERR_BUSY). */
fhirstore_status fhs_storage_writer(fhs_storage *storage, fhs_conn **conn_out,
                                    fhirstore_error **err);
/* The writer if nobody else has it, else NULL: for work that can wait. */
fhs_conn *fhs_storage_try_writer(fhs_storage *storage);
/* Give it back. An open transaction is rolled back. NULL is a no-op. */
void fhs_conn_release(fhs_conn *conn);

/* A read transaction holds one snapshot from its first statement to its end. */
fhirstore_status fhs_conn_begin_read(fhs_conn *conn, fhirstore_error **err);
void fhs_conn_end_read(fhs_conn *conn);
/* BEGIN IMMEDIATE. Also fixes the transaction's time, fhs_conn_time(). */
fhirstore_status fhs_conn_begin_write(fhs_conn *conn, fhirstore_error **err);
fhirstore_status fhs_conn_commit(fhs_conn *conn, fhirstore_error **err);
void fhs_conn_rollback(fhs_conn *conn);
bool fhs_conn_is_writer(const fhs_conn *conn);
/* Whether it is inside a write transaction. */
bool fhs_conn_is_writing(const fhs_conn *conn);
/* Nested: a number to release or roll back to. Interned names survive correctly in both cases. */
fhirstore_status fhs_conn_savepoint(fhs_conn *conn, fhirstore_error **err);
fhirstore_status fhs_conn_savepoint_release(fhs_conn *conn, fhirstore_error **err);
void fhs_conn_savepoint_rollback(fhs_conn *conn);
/*
 * Microseconds since 1970 for everything this write transaction stamps: now, but later than every
 * stamp of an earlier transaction in the file.
 */
int64_t fhs_conn_time(const fhs_conn *conn);
/* The newest change sequence this connection's snapshot sees. */
fhirstore_status fhs_conn_last_seq(fhs_conn *conn, int64_t *seq_out, fhirstore_error **err);
/* Stop what runs on the connection from another thread: it answers ERR_CANCELLED. */
void fhs_conn_interrupt(fhs_conn *conn);
/*
 * Have @a ask called every few thousand steps of any statement, also where one runs long without
 * giving a row; it fails with what is not OK. NULL: nobody is asked. Until the connection is given
 * back.
 */
void fhs_conn_watch(fhs_conn *conn, fhirstore_status (*ask)(void *ctx), void *ctx);

/* ---- interned names (types, parameters, uris, units) ---- */

/* *number_out 0: not there. Cached by the connection. */
fhirstore_status fhs_uri_find(fhs_conn *conn, fhs_str uri, int64_t *number_out,
                              fhirstore_error **err);
/* Writer only. The empty uri is 0. */
fhirstore_status fhs_uri_intern(fhs_conn *conn, fhs_str uri, int64_t *number_out,
                                fhirstore_error **err);
fhirstore_status fhs_uri_text(fhs_conn *conn, int64_t number, fhs_buf *out, fhirstore_error **err);

/* A unit is what identifies a quantity's unit: system, code and the unit text. */
typedef struct fhs_unit_key {
    fhs_str system;
    fhs_str code;
    fhs_str unit;
    bool canonical; /* a row of converted values */
} fhs_unit_key;
fhirstore_status fhs_unit_intern(fhs_conn *conn, const fhs_unit_key *key, int64_t *number_out,
                                 fhirstore_error **err);
/* Call @a visit for each unit the store knows, in ascending number, until it is false. */
fhirstore_status fhs_unit_each(fhs_conn *conn,
                               bool (*visit)(void *ctx, int64_t number, const fhs_unit_key *key),
                               void *ctx, fhirstore_error **err);

/* Types: 0 stands for "no type" (absolute urls and urns that are referenced). */
fhirstore_status fhs_typenum_intern(fhs_conn *conn, fhs_str name, int32_t *number_out,
                                    fhirstore_error **err);
fhirstore_status fhs_typenum_find(fhs_conn *conn, fhs_str name, int32_t *number_out,
                                  fhirstore_error **err);
/* Parameters, by stored type and code. @a state: 1 ready, 0 being indexed. */
fhirstore_status fhs_paramnum_intern(fhs_conn *conn, int32_t type, fhs_str code,
                                     uint32_t *number_out, fhirstore_error **err);
fhirstore_status fhs_paramnum_each(fhs_conn *conn, int32_t type,
                                   bool (*visit)(void *ctx, fhs_str code, uint32_t number),
                                   void *ctx, fhirstore_error **err);

/* Parameters beyond the definitions; their numbers come and go. State is part of the file format.
 */
typedef enum fhs_param_state {
    FHS_PARAM_BUILDING = 0, /* resources from before it was made may lack rows */
    FHS_PARAM_READY = 1,
    FHS_PARAM_DROPPED = 2, /* nobody asks for it; rows are left behind */
} fhs_param_state;
fhirstore_status fhs_paramnum_add(fhs_conn *conn, int32_t type, fhs_str code, fhs_param_state state,
                                  uint32_t *number_out, fhirstore_error **err);
/* *number_out 0: not there. */
fhirstore_status fhs_paramnum_find(fhs_conn *conn, int32_t type, fhs_str code, uint32_t *number_out,
                                   fhs_param_state *state_out, fhirstore_error **err);
/* Its code is free again, its state is DROPPED. */
fhirstore_status fhs_paramnum_retire(fhs_conn *conn, uint32_t number, fhirstore_error **err);
fhirstore_status fhs_paramnum_set_ready(fhs_conn *conn, uint32_t number, fhirstore_error **err);
/* No row may have it any more. */
fhirstore_status fhs_paramnum_remove(fhs_conn *conn, uint32_t number, fhirstore_error **err);
/* Call @a visit for each that is not ready, in ascending number, until it is false. */
fhirstore_status fhs_paramnum_unready(fhs_conn *conn,
                                      bool (*visit)(void *ctx, uint32_t number, int32_t type,
                                                    fhs_param_state state),
                                      void *ctx, fhirstore_error **err);

/*
 * Until its read transaction ends a reader may intern names: the store does not learn them, they
 * are found by this connection only. For the writer, which can intern anyway, nothing changes.
 */
fhirstore_status fhs_conn_allow_scratch(fhs_conn *conn, fhirstore_error **err);

/* Small named values of the store ("definitions", …). found_out false: no such name. */
fhirstore_status fhs_meta_get(fhs_conn *conn, fhs_str name, fhs_buf *value_out, bool *found_out,
                              fhirstore_error **err);
fhirstore_status fhs_meta_set(fhs_conn *conn, fhs_str name, fhs_str value, fhirstore_error **err);
fhirstore_status fhs_meta_remove(fhs_conn *conn, fhs_str name, fhirstore_error **err);
/* Call @a visit with what stands behind @a prefix in each name, in order, until it is false. */
fhirstore_status fhs_meta_each(fhs_conn *conn, fhs_str prefix,
                               bool (*visit)(void *ctx, fhs_str name), void *ctx,
                               fhirstore_error **err);

/* ---- entities and resources ---- */

/*
 * A body of about this size and above is stored apart, in parts, so that neither the write nor
 * SQLite ever holds a copy of the whole.
 */
#define FHS_LARGE_BODY_BYTES ((size_t)1 << 20)

/* *entity_out 0: never stored nor referenced. */
fhirstore_status fhs_entity_find(fhs_conn *conn, int32_t type, fhs_str id, fhs_entity *entity_out,
                                 fhirstore_error **err);
/* Writer only. */
fhirstore_status fhs_entity_intern(fhs_conn *conn, int32_t type, fhs_str id, fhs_entity *entity_out,
                                   fhirstore_error **err);

/*
 * The type and id of what was stored under @a entity, maybe deleted since; *type_out 0: nothing was
 * (it is only referenced). Appends to @a id_out; what is lent out stays so.
 */
fhirstore_status fhs_entity_name(fhs_conn *conn, fhs_entity entity, int32_t *type_out,
                                 fhs_buf *id_out, fhirstore_error **err);
/* Append the row list of the current version; nothing where there is none. Lent views stay. */
fhirstore_status fhs_entity_rows(fhs_conn *conn, fhs_entity entity, fhs_buf *rows_out,
                                 fhirstore_error **err);

typedef enum fhs_method {
    FHS_METHOD_CREATE = 1, /* POST */
    FHS_METHOD_UPDATE = 2, /* PUT, PATCH */
    FHS_METHOD_DELETE = 3,
} fhs_method;

/*
 * One version of a resource. Views are borrowed until the connection reads another resource, or its
 * transaction or savepoint ends; interning, statements and fhs_resource_write() leave them alone.
 */
typedef struct fhs_version {
    fhs_entity entity;
    int64_t seq; /* change sequence: unique, rising with each version written */
    int64_t updated_us;
    int64_t version; /* 1, 2, 3 … */
    int32_t type;
    uint8_t method; /* fhs_method from history and old versions; from a read DELETE or 0 */
    bool is_deleted;
    bool is_current;
    bool is_large;    /* the body is stored in parts */
    bool is_shredded; /* no key opens the body, which is left out: only from who says so */
    fhs_str id;
    fhs_str body; /* stored JSON; empty when deleted */
    fhs_str rows; /* its row list; empty unless asked for */
} fhs_version;

/*
 * Which current resources refer to @a target, itself aside, by an index row of any parameter: up to
 * @a room of them, each once, in @a out. A handful of look-ups for each reference parameter in use.
 * In a write transaction what it has written counts.
 */
fhirstore_status fhs_referrers(fhs_conn *conn, fhs_entity target, fhs_entity *out, size_t room,
                               size_t *count_out, fhirstore_error **err);

/*
 * The current version of (type, id). ERR_NOT_FOUND: never stored (maybe referenced). A deleted one
 * is OK with is_deleted. One statement: this is the point read.
 */
fhirstore_status fhs_resource_read(fhs_conn *conn, int32_t type, fhs_str id, fhs_version *out,
                                   fhirstore_error **err);
fhirstore_status fhs_resource_read_entity(fhs_conn *conn, fhs_entity entity, fhs_version *out,
                                          fhirstore_error **err);
/* The same, but a large body is left where it is (fhs_resource_take_body() reads it). */
fhirstore_status fhs_resource_look(fhs_conn *conn, fhs_entity entity, fhs_version *out,
                                   fhirstore_error **err);
/* With the row list as well, for the write path; a large body is left where it is. */
fhirstore_status fhs_resource_read_rows(fhs_conn *conn, int32_t type, fhs_str id, fhs_version *out,
                                        fhirstore_error **err);
fhirstore_status fhs_resource_vread(fhs_conn *conn, int32_t type, fhs_str id, int64_t version,
                                    fhs_version *out, fhirstore_error **err);

/*
 * Append the body of a version that was just read to @a out. A large one that the connection has
 * lent is handed over without a copy where @a out is empty; version->body stays good until @a out
 * changes.
 */
fhirstore_status fhs_resource_take_body(fhs_conn *conn, fhs_version *version, fhs_buf *out,
                                        fhirstore_error **err);

/* A body that is not at hand as a whole: write() appends it to a buffer that drains. */
typedef struct fhs_body_source {
    fhirstore_status (*write)(void *ctx, fhs_buf *out);
    void *ctx;
} fhs_body_source;

/* What a write needs to know. */
typedef struct fhs_write {
    int32_t type;
    fhs_str id;
    fhs_entity entity; /* from fhs_entity_intern() */
    int64_t version;   /* the new version's number */
    uint8_t method;    /* fhs_method; DELETE: body and rows empty */
    fhs_str body;
    const fhs_body_source *source; /* in place of the body; NULL: the body is there */
    fhs_str rows;                  /* normalised row list of the new version */
    bool exists;                   /* a current row (maybe deleted) is being replaced … */
    int64_t old_seq;               /* … with this sequence, */
    int64_t old_version;           /* this version, */
    int64_t old_updated_us;
    bool old_deleted;
    fhs_str old_body; /* this body (moved to the history; a large one stays where it is) */
    bool old_large;
    fhs_str old_rows;           /* and these rows */
    const fhs_entity *patients; /* whose the body is, each once (patient.h) */
    size_t patient_count;
} fhs_write;

/*
 * Store a version, move the old one to the history, write the difference of the rows. *seq_out: its
 * sequence. The old views may be those that fhs_resource_read_rows() has lent out.
 */
fhirstore_status fhs_resource_write(fhs_conn *conn, const fhs_write *write, int64_t *seq_out,
                                    fhirstore_error **err);

/*
 * Remove all versions of @a entity but the current one; those of @a current, that one included,
 * which fhs_resource_read_rows() gave and whose views the caller has copied. Nothing of them is
 * left but the entity's number and id. *count_out: versions. Their words must be out of the
 * full-text index (fhs_fulltext_forget()).
 */
fhirstore_status fhs_resource_purge_old(fhs_conn *conn, int32_t type, fhs_entity entity,
                                        int64_t *count_out, fhirstore_error **err);
fhirstore_status fhs_resource_purge(fhs_conn *conn, const fhs_version *current, int64_t *count_out,
                                    fhirstore_error **err);

/* The same of those up to version @a last, which is not the current one. */
fhirstore_status fhs_resource_purge_to(fhs_conn *conn, int32_t type, fhs_entity entity,
                                       int64_t last, int64_t *count_out, fhirstore_error **err);

/* The newest change's sequence (0: none) and link in the chain, 32 bytes; and that of another. */
fhirstore_status fhs_chain_head(fhs_conn *conn, int64_t *seq_out, uint8_t *link_out,
                                fhirstore_error **err);
fhirstore_status fhs_chain_at(fhs_conn *conn, int64_t seq, bool *found_out, uint8_t *link_out,
                              fhirstore_error **err);

/* ---- history ---- */

typedef struct fhs_history_query {
    fhs_entity entity;  /* above 0: of one resource */
    int32_t type;       /* above 0: of one type (entity 0); both 0: of the store */
    int64_t before_seq; /* continue below this sequence; 0: from the newest */
    int64_t since_us;   /* only versions stamped at or after; 0: all */
    int64_t at_us;      /* only versions that were current at some moment at or after at_us … */
    int64_t at_end_us;  /* … and at or before at_end_us; both 0: all */
    uint32_t limit;     /* 0: no limit */
    int64_t before_us;  /* only versions stamped before; 0: all */
    bool is_ascending;  /* oldest first … */
    int64_t after_seq;  /* … continuing above this sequence; 0: from the oldest */
    int64_t top_seq;    /* nothing above this sequence; 0: all */
} fhs_history_query;

typedef struct fhs_history fhs_history; /* a cursor */
fhirstore_status fhs_history_open(fhs_conn *conn, const fhs_history_query *query, fhs_history **out,
                                  fhirstore_error **err);
/* OK with a version (borrowed until the next call; a large body is left where it is), DONE at the
 * end. */
fhirstore_status fhs_history_next(fhs_history *history, fhs_version *out, fhirstore_error **err);
void fhs_history_close(fhs_history *history);
/* How many versions the query covers; before_seq, after_seq and limit aside. */
fhirstore_status fhs_history_count(fhs_conn *conn, const fhs_history_query *query,
                                   int64_t *count_out, fhirstore_error **err);

/* Every current, not deleted resource in entity order (export, verify, reindex). type 0: all types.
 */
fhirstore_status fhs_resource_each(fhs_conn *conn, int32_t type, fhs_entity after,
                                   fhirstore_status (*visit)(void *ctx, const fhs_version *version),
                                   void *ctx, fhirstore_error **err);

/* All of them, also those whose bodies no key opens: is_shredded says so, and the body is empty. */
fhirstore_status fhs_resource_each_any(fhs_conn *conn,
                                       fhirstore_status (*visit)(void *ctx,
                                                                 const fhs_version *version),
                                       void *ctx, fhirstore_error **err);

/* How many current resources of a type have a higher entity number than @a after. */
fhirstore_status fhs_resource_count_after(fhs_conn *conn, int32_t type, fhs_entity after,
                                          int64_t *count_out, fhirstore_error **err);

/* ---- upkeep ---- */

typedef struct fhs_storage_stats {
    int64_t resources; /* current, not deleted */
    int64_t deleted;
    int64_t versions; /* in the history, current ones included */
    int64_t last_seq;
    int64_t file_bytes; /* database file, header included */
    int64_t wal_bytes;
    int64_t page_count;
    int64_t free_pages;
    int64_t row_count[FHS_ROW_KIND_COUNT]; /* index rows by kind */
} fhs_storage_stats;
fhirstore_status fhs_storage_get_stats(fhs_conn *conn, fhs_storage_stats *out,
                                       fhirstore_error **err);
/* Current resources of each type. */
fhirstore_status fhs_storage_type_counts(fhs_conn *conn,
                                         bool (*visit)(void *ctx, fhs_str type, int64_t count),
                                         void *ctx, fhirstore_error **err);
/* What is wrong, one call a finding (English, no content). */
typedef void (*fhs_finding_fn)(void *ctx, const char *area, const char *text);
/*
 * Pages (each authenticated), SQLite's own integrity check, then the tables against each other:
 * current versions, sequence, row lists against every index table in both directions. Returns OK
 * with *findings_out 0 for a sound store. Area "notice" is worth knowing and not counted. Only the
 * look at the pages takes the writer.
 */
fhirstore_status fhs_storage_verify(fhs_storage *storage, fhs_finding_fn report, void *ctx,
                                    int64_t *findings_out, fhirstore_error **err);

/* What can be made anew from what is stored beside it. */
enum {
    FHS_MEND_HEADER = 1,    /* the header copy that is not in force */
    FHS_MEND_LOG = 2,       /* pages and frames that a checkpoint replaces */
    FHS_MEND_STRUCTURE = 4, /* SQLite's own indexes */
    FHS_MEND_SCHEMA = 8,    /* tables that are missing, and can be filled again */
    FHS_MEND_NAMES = 16,    /* numbers of resources, and the next one */
    FHS_MEND_LISTS = 32,    /* current resources and versions by type, time and resource */
    FHS_MEND_ROWS = 64,     /* index rows and row lists: by extraction from the bodies */
    FHS_MEND_WORDS = 128,   /* the full-text index */
};

typedef struct fhs_examined {
    int64_t findings;
    unsigned mends; /* FHS_MEND_*: what would mend something of it, perhaps not all */
} fhs_examined;

/* fhs_storage_verify(), and what could be done about it. */
fhirstore_status fhs_storage_examine(fhs_storage *storage, fhs_finding_fn report, void *ctx,
                                     fhs_examined *out, fhirstore_error **err);
/*
 * Inside a write transaction: one of FHS_MEND_STRUCTURE, SCHEMA, NAMES and LISTS. Of ROWS only the
 * tables are emptied, and the lists of what is no resource; the caller fills them again.
 */
fhirstore_status fhs_storage_mend(fhs_conn *conn, unsigned which, fhirstore_error **err);
/* Write both copies of the header anew, without a transaction. */
fhirstore_status fhs_storage_mend_header(fhs_storage *storage, fhirstore_error **err);

/* Replace the rows of a resource (reindex, repair). */
fhirstore_status fhs_rows_replace(fhs_conn *conn, fhs_entity entity, fhs_str old_rows,
                                  fhs_str new_rows, fhirstore_error **err);

#endif
