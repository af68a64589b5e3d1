/* SPDX-License-Identifier: Apache-2.0 */
/* The file layout's numbers, the shim's objects, and what this folder's files share. */
#ifndef FHS_VFS_INTERNAL_H
#define FHS_VFS_INTERNAL_H

#include "vfs/vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/bytes.h"

enum {
    PAGE_BYTES = (int)FHS_KEYS_PAGE_SIZE,
    RESERVE_BYTES = (int)FHS_KEYS_PAGE_RESERVE,
    BODY_BYTES = PAGE_BYTES - RESERVE_BYTES, /* what of a page is encrypted */
    NONCE_BYTES = 24,
    TAG_BYTES = 16,
    META_BYTES = 8,
    PAGE_NONCE = BODY_BYTES, /* offsets in a sealed page */
    PAGE_TAG = PAGE_NONCE + NONCE_BYTES,
    PAGE_META = PAGE_TAG + TAG_BYTES,
    META_KIND = 1, /* offset in meta */
    KIND_PAGE = 0x01,
    KIND_AFTER_SYNC = 0x80, /* all log frames before this one were on stable storage */
    BLOCK_BYTES = (int)FHS_KEYS_BLOCK_BYTES, /* the header block before page 1 */

    /* The log as SQLite sees it … */
    WAL_HEADER = 32,
    FRAME_HEADER = 24,
    FRAME_BYTES = FRAME_HEADER + PAGE_BYTES,
    /* … and as it is stored. */
    SLOT_WAL_HEADER = 128,
    SEALED_WAL_HEADER = NONCE_BYTES + WAL_HEADER + TAG_BYTES,
    SEALED_FRAME_HEADER = NONCE_BYTES + FRAME_HEADER + TAG_BYTES,
    SEALED_FRAME = SEALED_FRAME_HEADER + PAGE_BYTES,

    PAGE_AAD = 4 + 1 + 16 + 1 + 4 + META_BYTES,
    FRAME_AAD = 16 + 1 + 4 + TAG_BYTES,
    WAL_AAD = 16 + 1,
};

/* SQLite never uses the page that holds its lock bytes: it is a hole in the file. */
#define PENDING_PAGE (0x40000000u / FHS_KEYS_PAGE_SIZE + 1u)

typedef struct fhs_vfs_file fhs_vfs_file;
typedef struct fhs_vfs_temp fhs_vfs_temp;

/* Which page each frame of the log holds. */
typedef struct fhs_log_pages {
    uint32_t *pages;
    uint32_t capacity;
    uint32_t database; /* pages after the last commit */
} fhs_log_pages;

/* A checkpoint under way (page_sum.c). */
typedef struct fhs_log_pass {
    bool is_open;
    uint64_t salt;
    uint32_t frames;
    uint32_t database;
    uint32_t room;       /* pages that there are bits for */
    uint8_t *in_log;     /* a bit for each page that the frames hold */
    uint8_t *is_written; /* … and that was copied */
    fhs_page_sum rest;   /* the sum without the former, with the latter */
} fhs_log_pass;

/* What pages and frames are sealed with, and what they may be sealed with still. */
typedef struct fhs_key_set {
    uint8_t epoch;
    const uint8_t *page;
    const uint8_t *wal;
    uint8_t old_epoch; /* 0: none */
    const uint8_t *old_page;
    const uint8_t *old_wal;
} fhs_key_set;

struct fhs_vfs {
    sqlite3_vfs shim; /* pAppData points back here */
    sqlite3_vfs *base;
    char *name;
    char *path;           /* absolute */
    char *wal_path;       /* path-wal */
    const char *opened;   /* the path in the form that base->xOpen takes */
    sqlite3_file *anchor; /* holds the process's lock; header and verify read through it */
    fhs_keys *keys;
    pthread_mutex_t header_lock; /* guards the header block and its image in the keys */
    int header_file;             /* several processes: locked around changes of it; -1: not open */
    pthread_mutex_t log_lock;    /* guards log */
    fhs_log_pages log;
    fhs_log_pass pass;   /* of who has the lock for checkpoints */
    bool has_generation; /* this process's pages have one of their own */
    bool is_mended;      /* opening wrote a torn header copy anew */
    uint32_t bad_copy;   /* the header copy, plus one, that was damaged at opening; 0: none */
    const fhs_key_set *_Atomic key_set; /* one of the two */
    fhs_key_set key_sets[2];
    uint32_t renew_next; /* the page at which the renewal goes on */
    bool has_batch;      /* … after what a step that failed may have left beside the store */
    uint8_t page_aad[PAGE_AAD]; /* page number and kind are filled in by each use */
    uint8_t uuid[FHS_KEYS_UUID_BYTES];
    _Atomic uint64_t generation; /* that pages are sealed with now */
    pid_t pid;
    const volatile uint8_t *fork_mark; /* reads 0 in a child; NULL: ask for the pid */
    dev_t device;
    ino_t inode;
    bool read_only;
    bool multi_process;
    bool is_new;
    bool is_building; /* a file that is being made: sealed as it is written, without a log */
    bool is_registered;
    _Atomic uint64_t damage;      /* packed; 0: none */
    _Atomic uint64_t lost_tail;   /* frame + 1; 0: none */
    _Atomic uint64_t wal_salt;    /* of the log's current header; 0: not known */
    _Atomic uint64_t wal_commit;  /* frames up to and with the last commit known here */
    _Atomic uint64_t wal_durable; /* wal_commit as it was when the last sync began */
    _Atomic uint64_t wal_written; /* behind all frames of this use that may be in the file */
};

typedef enum fhs_wal_mode {
    FHS_WAL_PLAIN,
    FHS_WAL_RECOVERY, /* the log's header was read: frames are read in order until a bad one */
    FHS_WAL_REWRITE,  /* a checksum was read: frame headers are read and written in turn */
} fhs_wal_mode;

/* One open file of one connection. SQLite sees to it that one thread at a time uses it. */
struct fhs_vfs_file {
    sqlite3_file sqlite; /* first: SQLite knows no more than this */
    fhs_vfs *vfs;
    sqlite3_file *real;
    fhs_vfs_file *main; /* of the log: the same connection's database file */

    /* database file */
    bool is_passing;    /* between the start and the end of a checkpoint's copying */
    bool has_begun;     /* a page was written in this checkpoint */
    bool has_passed;    /* passed[] is what the log handed out last */
    bool salt_is_fresh; /* several processes: salt was read in this transaction */
    bool has_to_write;  /* got the lock for writers, and has written nothing yet */
    uint64_t salt;      /* several processes: of the log's header */
    uint8_t passed[NONCE_BYTES + TAG_BYTES];

    /* log */
    fhs_wal_mode mode;
    bool holds_header;
    bool has_unsalted; /* wrote frame headers that are to be completed before the commit */
    uint32_t held_frame;
    uint32_t read_frame; /* the frame read last, in REWRITE mode */
    uint8_t held[FRAME_HEADER];

    fhs_vfs_temp *temp; /* of a temporary file */

    uint8_t scratch[SEALED_FRAME]; /* ciphertext only */
};

/* The log goes, or somebody else may change it: nothing is known of it. */
static inline void fhs_vfs_forget_log(fhs_vfs *vfs)
{
    atomic_store(&vfs->wal_salt, 0);
    atomic_store(&vfs->wal_commit, 0);
    atomic_store(&vfs->wal_durable, 0);
    atomic_store(&vfs->wal_written, UINT64_MAX);
}

static inline fhs_vfs_file *fhs_vfs_file_of(sqlite3_file *file)
{
    return (fhs_vfs_file *)(void *)file;
}

/* damage.c: a status and a text for a result code of SQLite … */
fhirstore_status fhs_vfs_sqlite_failure(fhirstore_error **err, const char *what, int sqlite_code);
/* … and for a number of the system's (errno.h). The two overlap: EACCES is 13, and so is FULL. */
fhirstore_status fhs_vfs_system_failure(fhirstore_error **err, const char *what, int number);
/* What SQLite is to be answered where a change of the header has failed. */
int fhs_vfs_sqlite_code(fhirstore_status status);
void fhs_vfs_note(fhs_vfs *vfs, fhs_vfs_place place, fhs_vfs_flaw flaw, uint64_t number);

/* below.c */
/* A VFS may set the methods of a file it failed to open, and expects the close then: it is made. */
int fhs_vfs_open_file(sqlite3_vfs *base, const char *name, sqlite3_file *file, int flags,
                      int *granted);
int fhs_vfs_close_real(fhs_vfs_file *self);
/* A file of its own memory; close_below accepts NULL. */
fhirstore_status fhs_vfs_open_below(fhs_vfs *vfs, const char *path, int flags, sqlite3_file **out,
                                    int *granted, fhirstore_error **err);
int fhs_vfs_close_below(sqlite3_file *file);
/* Whole pages in the file. */
int fhs_vfs_count_pages(const fhs_vfs *vfs, uint32_t *pages_out);
/* No log, or one of no bytes. */
bool fhs_vfs_log_is_empty(const fhs_vfs *vfs);

/* create.c: is there a file, and if there is none, may and can one be made? */
fhirstore_status fhs_vfs_find_or_create(fhs_vfs *vfs, const fhs_vfs_options *options,
                                        fhirstore_error **err);

/* open.c */
fhirstore_status fhs_vfs_new(const char *path, const fhs_vfs_options *options, fhs_vfs **out,
                             fhirstore_error **err);
/* Open the file and claim it within this process. */
fhirstore_status fhs_vfs_hold(fhs_vfs *vfs, fhirstore_error **err);

/* wal_file.c: what could not be read back rightly is not written. */
bool fhs_vfs_is_storable(uint32_t page, const uint8_t *plain);

/* page_sum.c */
/* Frame @a frame holds @a page; @a database is not 0 in a commit. False: no memory. */
bool fhs_vfs_log_note(fhs_vfs *vfs, uint32_t frame, uint32_t page, uint32_t database);
/* Before a checkpoint writes its first page, after each, and before the log begins anew … */
int fhs_vfs_pass_begin(fhs_vfs *vfs);
void fhs_vfs_pass_wrote(fhs_vfs *vfs, uint32_t page, const uint8_t *sealed);
int fhs_vfs_pass_complete(fhs_vfs *vfs);
/* … or is cut to nothing, or deleted. */
int fhs_vfs_give_up_log(fhs_vfs *vfs);
void fhs_vfs_pass_end(fhs_vfs *vfs);
/* Before this process seals its first page, with the write lock held. */
int fhs_vfs_begin_generation(fhs_vfs *vfs);

/*
 * flip.c: whether what is not authentic was, until one byte of it was changed: then it is no crash
 * that made it so.
 */
bool fhs_vfs_is_flipped_page(const fhs_vfs *vfs, uint32_t page, const uint8_t *sealed);
/* Shows a frame, sealed and of this use of the log, that those before it were once whole? */
bool fhs_vfs_is_proof(const uint8_t *header, const uint8_t *sealed);
bool fhs_vfs_is_flipped_frame(const fhs_vfs *vfs, uint32_t index, const uint8_t *frame);

/* renew.c: finish what a crash has left of a batch, before SQLite sees the file. */
fhirstore_status fhs_vfs_renew_recover(fhs_vfs *vfs, fhirstore_error **err);

/* header_block.c */
fhirstore_status fhs_vfs_check_may_write(const fhs_vfs *vfs, fhirstore_error **err);
fhs_keys_io fhs_vfs_header_io(fhs_vfs *vfs);
/* Keep other threads and processes from the header block; OK is followed by an unlock. */
fhirstore_status fhs_vfs_lock_header(fhs_vfs *vfs, fhirstore_error **err);
void fhs_vfs_unlock_header(fhs_vfs *vfs);
/* With every file of SQLite's closed: the system lets all locks of the process go with this one. */
void fhs_vfs_close_header(fhs_vfs *vfs);

/* seal.c */
void fhs_vfs_seal_init(fhs_vfs *vfs);
/* Epoch, generation and keys, after the header has changed. */
void fhs_vfs_seal_renew(fhs_vfs *vfs);
void fhs_vfs_seal_page(const fhs_vfs *vfs, uint32_t page, bool after_sync, const uint8_t *plain,
                       uint8_t *sealed);
/* False: not authentic, @a plain is zeroed. The reserved bytes read as zeros. */
bool fhs_vfs_open_page(const fhs_vfs *vfs, uint32_t page, const uint8_t *sealed, uint8_t *plain);
/* The associated data of page @a page with the meta of @a sealed, and the key for it. */
const uint8_t *fhs_vfs_page_aad(const fhs_vfs *vfs, uint32_t page, const uint8_t *sealed,
                                uint8_t *aad);
/* Header and page together, with one call for random bytes. */
void fhs_vfs_seal_both(const fhs_vfs *vfs, uint32_t index, const uint8_t *header, bool after_sync,
                       const uint8_t *plain, uint8_t *frame);
void fhs_vfs_seal_frame(const fhs_vfs *vfs, uint32_t index, const uint8_t *header,
                        const uint8_t *page_tag, uint8_t *sealed);
bool fhs_vfs_open_frame(const fhs_vfs *vfs, uint32_t index, const uint8_t *sealed,
                        const uint8_t *page_tag, uint8_t *header);
void fhs_vfs_seal_wal(const fhs_vfs *vfs, const uint8_t *header, uint8_t *slot);
bool fhs_vfs_open_wal(const fhs_vfs *vfs, const uint8_t *slot, uint8_t *header);
/* An empty database of one page, and the first 100 bytes that any page 1 of ours begins with. */
void fhs_vfs_first_page(uint8_t *page);

static inline uint64_t fhs_vfs_frame_offset(uint32_t index)
{
    return SLOT_WAL_HEADER + (uint64_t)index * SEALED_FRAME;
}

static inline uint64_t fhs_vfs_frames_in(uint64_t stored_size)
{
    return stored_size < SLOT_WAL_HEADER ? 0 : (stored_size - SLOT_WAL_HEADER) / SEALED_FRAME;
}

/* The salts stand at 16 in the log's header and at 8 in a frame's. */
static inline uint64_t fhs_vfs_salt_at(const uint8_t *salts)
{
    return fhs_get_le(salts, 8);
}

/* temp_file.c: self->vfs and self->real are set. */
int fhs_vfs_open_temp(fhs_vfs_file *self, int flags, int *out_flags);

/* main_file.c, wal_file.c, shim.c, fork.c */
extern const sqlite3_io_methods fhs_vfs_main_methods;
extern const sqlite3_io_methods fhs_vfs_wal_methods;
int fhs_vfs_control_main(sqlite3_file *file, int op, void *arg);
/* A child of fork() must touch nothing. */
bool fhs_vfs_is_forked(const fhs_vfs *vfs);
/* fork.c */
void fhs_vfs_mark_process(fhs_vfs *vfs);
void fhs_vfs_unmark_process(fhs_vfs *vfs);
/* Fill vfs->shim; the name and the base are set. */
void fhs_vfs_init_shim(fhs_vfs *vfs);

#endif
