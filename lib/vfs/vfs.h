/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One encrypted store as SQLite sees it: a VFS of its own that seals every page and every log
 * frame, over "unix-excl" (one process, the default) or "unix" (several).
 *
 * The way of a caller:
 *
 *     fhs_vfs_open(path, &options, &vfs, &err)
 *     sqlite3_open_v2(fhs_vfs_path(vfs), &db, fhs_vfs_sqlite_flags(vfs), fhs_vfs_name(vfs))
 *     fhs_vfs_setup(vfs, db, &err)          for each connection, before anything else
 *     … any failing SQLite call: fhs_vfs_fail(vfs, rc, "what was tried", &err)
 *     sqlite3_close(db); fhs_vfs_close(vfs)
 *
 * The file holds a complete, empty database in WAL mode from the moment it exists, with 48 bytes
 * reserved in each page: callers never set page_size, journal_mode or the reserve. Temporary files
 * are sealed under keys of their own that are in memory only.
 */
#ifndef FHS_VFS_VFS_H
#define FHS_VFS_VFS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "keys/keys.h"

struct sqlite3;

typedef struct fhs_vfs fhs_vfs;

/* Zero is the default of every field. */
typedef struct fhs_vfs_options {
    fhs_credential credential; /* borrowed during fhs_vfs_open */
    fhs_key_cost kdf_cost;     /* for the passphrase slot that creation makes */
    fhs_str slot_label;        /* of the slot that creation makes */
    bool create;               /* make the store when there is none */
    bool exclusive;            /* with create: ERR_EXISTS when there is one */
    bool read_only;            /* no write of the file; it must still be writable for its lock */
    bool multi_process;        /* other processes may have it open too; leaves an -shm file */
    uint32_t page_size;        /* 0 or 4096 */
    const char *base_vfs;      /* tests: the VFS below; NULL is "unix-excl" or "unix" */
} fhs_vfs_options;

/*
 * ERR_NOT_FOUND, ERR_EXISTS, ERR_KEY_MISSING, ERR_KEY_WRONG, ERR_PLAIN_STORE, ERR_NOT_A_STORE,
 * ERR_FORMAT, ERR_TRUNCATED, ERR_KDF_LIMIT, ERR_TAMPERED (both header copies), ERR_IN_USE (another
 * process, or another fhs_vfs of this one), ERR_READ_ONLY (no permission to write), ERR_IO.
 */
fhirstore_status fhs_vfs_open(const char *path, const fhs_vfs_options *options, fhs_vfs **vfs_out,
                              fhirstore_error **err);
/*
 * Make a new store's file under @a path, a name that nobody else knows, for a copy to be written
 * into: @a options tell the key; @a journal_key (32 bytes, or NULL) is the one that sealed the
 * audit journal that is in the copy. SQLite sees an empty file without a log, to be opened for
 * writing with sqlite3_open_v2 or ATTACH; each page is sealed as it is written. A crash leaves a
 * file that is no store.
 */
fhirstore_status fhs_vfs_build(const char *path, const fhs_vfs_options *options,
                               const uint8_t *journal_key, fhs_vfs **vfs_out,
                               fhirstore_error **err);
/* The copy is complete and its connections are closed: make a store of it, on disk. */
fhirstore_status fhs_vfs_build_finish(fhs_vfs *vfs, fhirstore_error **err);
/*
 * Give the file @a made, complete and on disk, the name @a path, durably. ERR_EXISTS unless
 * @a replaces, and then whatever was of that name is gone, its log too.
 */
fhirstore_status fhs_vfs_publish(const char *made, const char *path, bool replaces,
                                 fhirstore_error **err);
/* All connections must be closed. Unregisters the VFS, wipes the keys. Accepts NULL. */
void fhs_vfs_close(fhs_vfs *vfs);

/*
 * Let go of the file and its lock, keeping the keys; all connections must be closed. And take it up
 * again before any is opened: what fhs_vfs_open answers, and ERR_KEY_WRONG when the file has
 * another data key now. The name of the VFS may be another one then.
 */
void fhs_vfs_suspend(fhs_vfs *vfs);
fhirstore_status fhs_vfs_resume(fhs_vfs *vfs, fhirstore_error **err);

/* Borrowed until fhs_vfs_close. */
const char *fhs_vfs_name(const fhs_vfs *vfs); /* for sqlite3_open_v2 */
const char *fhs_vfs_path(const fhs_vfs *vfs);
fhs_keys *fhs_vfs_keys(const fhs_vfs *vfs);
/* This fhs_vfs_open made the file. */
bool fhs_vfs_is_new(const fhs_vfs *vfs);
/* READWRITE or READONLY, with NOMUTEX: a connection serves one thread at a time. */
int fhs_vfs_sqlite_flags(const fhs_vfs *vfs);
/* The database id as text. */
void fhs_vfs_uuid(const fhs_vfs *vfs, char out[37]);

/* The header's generation, which rises with each process that writes. */
uint64_t fhs_vfs_generation(fhs_vfs *vfs);

/*
 * Make a fresh connection safe and see that it works: extended result codes, defensive, untrusted
 * schema, no extension loading, temporary files, cell checks; WAL, page size and the first page
 * are checked. The cache size, synchronous and the busy handler are the caller's; the last is best
 * set before, for another connection may be recovering the log.
 */
fhirstore_status fhs_vfs_setup(fhs_vfs *vfs, struct sqlite3 *db, fhirstore_error **err);

/* ---- failures ---- */

/* The status for an extended SQLite result code, told apart by the last damage that was seen. */
fhirstore_status fhs_vfs_status(const fhs_vfs *vfs, int sqlite_code);
/* The same without a VFS of ours: what any SQLite code means. */
fhirstore_status fhs_sqlite_status(int sqlite_code);
/* The same as an error with its cause: "<what>: <reason>"; no SQL and no content in it. */
fhirstore_status fhs_vfs_fail(const fhs_vfs *vfs, int sqlite_code, const char *what,
                              fhirstore_error **err);

typedef enum fhs_vfs_place {
    FHS_VFS_HEADER = 1, /* number: header copy 0 or 1 */
    FHS_VFS_PAGE = 2,   /* number: page, from 1 */
    FHS_VFS_WAL = 3,    /* number: frame, from 0; FHS_VFS_WAL_HEADER: the log's header */
    FHS_VFS_FILE = 4,   /* the file as a whole; number: its size */
} fhs_vfs_place;
#define FHS_VFS_WAL_HEADER UINT64_MAX

typedef enum fhs_vfs_flaw {
    FHS_VFS_SOUND = 0,
    FHS_VFS_DAMAGED = 1,     /* does not authenticate */
    FHS_VFS_MISSING = 2,     /* the file ends before it */
    FHS_VFS_TORN_TAIL = 3,   /* the log's unfinished end, as a crash leaves it: no committed data */
    FHS_VFS_LOST_TAIL = 4,   /* ends of transactions lie beyond a bad one: commits may be lost */
    FHS_VFS_SUPERSEDED = 5,  /* a page that a checkpoint left unfinished: the log has it whole */
    FHS_VFS_STALE = 6,       /* all authentic, but not all the newest: something was put back */
    FHS_VFS_OVERWRITTEN = 7, /* was damaged when the store was opened, and written anew since */
} fhs_vfs_flaw;

typedef struct fhs_vfs_damage {
    fhs_vfs_place place;
    fhs_vfs_flaw flaw;
    uint64_t number;
} fhs_vfs_damage;

/* The last damage met by any connection; false: none. */
bool fhs_vfs_last_damage(const fhs_vfs *vfs, fhs_vfs_damage *damage_out);
/* One line about it, for people. */
void fhs_vfs_describe(const fhs_vfs_damage *damage, char *out, size_t size);
/* Opening wrote a header copy anew that a crash had left torn. */
bool fhs_vfs_is_mended(const fhs_vfs *vfs);
/* Opening found the log damaged before its end and dropped the rest; false: it did not. */
bool fhs_vfs_lost_tail(const fhs_vfs *vfs, uint64_t *first_bad_frame_out);

/* ---- verify ---- */

/* @a damage is NULL on progress calls. Anything but OK ends the walk and is returned. */
typedef fhirstore_status (*fhs_vfs_verify_fn)(void *ctx, const fhs_vfs_damage *damage,
                                              uint64_t done, uint64_t total);
typedef struct fhs_vfs_verified {
    uint64_t pages;
    uint64_t frames;
    uint64_t flaws; /* TORN_TAIL and SUPERSEDED are reported but not counted */
} fhs_vfs_verified;
/*
 * Authenticate both header copies, every page of the file and every frame of the log; each flaw is
 * told to @a report (which may be NULL). OK with flaws == 0: every byte is as it was written.
 * Hold a write transaction meanwhile (BEGIN IMMEDIATE), else a running checkpoint may look like
 * damage. Reads the file through, a page at a time.
 */
fhirstore_status fhs_vfs_verify_pages(fhs_vfs *vfs, fhs_vfs_verify_fn report, void *ctx,
                                      fhs_vfs_verified *verified_out, fhirstore_error **err);

/* Write both copies of the header anew, one after the other, with nothing changed in them. */
fhirstore_status fhs_vfs_mend_header(fhs_vfs *vfs, fhirstore_error **err);

/* ---- key slots (any thread, any process) ---- */

/* Take over what other processes have done to the header, before it is told. */
fhirstore_status fhs_vfs_catch_up(fhs_vfs *vfs, fhirstore_error **err);
uint32_t fhs_vfs_slot_count(fhs_vfs *vfs);
bool fhs_vfs_slot_get(fhs_vfs *vfs, uint32_t index, fhs_key_slot *slot_out);
fhirstore_status fhs_vfs_slot_add(fhs_vfs *vfs, const fhs_credential *credential, fhs_key_cost cost,
                                  fhs_str label, uint32_t *id_out, fhirstore_error **err);
fhirstore_status fhs_vfs_slot_remove(fhs_vfs *vfs, uint32_t id, fhirstore_error **err);
fhirstore_status fhs_vfs_slot_rotate(fhs_vfs *vfs, uint32_t id, const fhs_credential *credential,
                                     fhs_key_cost cost, fhs_str label, uint32_t *id_out,
                                     fhirstore_error **err);

/* ---- a new data key ---- */

/*
 * A new data key takes over at once (fhs_keys_renew); no other process, and the write lock held.
 * Pages are sealed anew by steps, each with the write lock held: *done_out pages are, of
 * *total_out. After the last the log must be emptied; then fhs_vfs_renew_end, with the write lock,
 * drops the old key. *ended_out false: there still is something sealed with it, and more steps to
 * do.
 */
fhirstore_status fhs_vfs_renew(fhs_vfs *vfs, const fhs_credential *credential, fhs_key_cost cost,
                               fhs_str label, uint32_t *id_out, fhirstore_error **err);
bool fhs_vfs_is_renewing(const fhs_vfs *vfs);
fhirstore_status fhs_vfs_renew_step(fhs_vfs *vfs, uint32_t *done_out, uint32_t *total_out,
                                    fhirstore_error **err);
fhirstore_status fhs_vfs_renew_end(fhs_vfs *vfs, bool *ended_out, fhirstore_error **err);

#endif
