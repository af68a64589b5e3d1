/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk in memory that remembers what was done to it: files with names, and a log of every write,
 * truncation, sync and change of a name. From the log each state can be made that a power failure
 * might have left: what was synced is there, of the rest any part.
 */
#ifndef FHS_TEST_DISK_H
#define FHS_TEST_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DISK_NAME_BYTES = 64,
    DISK_NAMES_MAX = 32,
    DISK_FILES_MAX = 4096,
    DISK_LOCKS = 8,
    DISK_REGIONS = 64,
};

typedef enum disk_kind {
    DISK_WRITE,
    DISK_TRUNCATE, /* offset: the size */
    DISK_SYNC,
    DISK_NAME,   /* file gets name */
    DISK_UNNAME, /* name goes */
    DISK_RENAME, /* name becomes to */
    DISK_SYNC_FOLDER,
    DISK_MARK, /* of the script: number */
} disk_kind;

typedef struct disk_op {
    disk_kind kind;
    uint32_t file;
    uint32_t len;
    uint64_t offset;
    uint8_t *bytes;
    int64_t number;
    char name[DISK_NAME_BYTES];
    char to[DISK_NAME_BYTES];
} disk_op;

typedef struct disk_file {
    uint32_t id;
    uint8_t *bytes;
    size_t size;
    size_t room;
    bool is_borrowed; /* the bytes are another disk's: copied before they are changed */
    bool is_quiet;    /* a temporary file: not in the log */
    uint32_t uses;    /* names and open handles */
    /* locks of the handles of one process */
    uint32_t shared;
    void *reserved; /* the handle above SHARED */
    uint32_t region_size;
    void *regions[DISK_REGIONS];
    uint32_t readers[DISK_LOCKS];
    bool has_writer[DISK_LOCKS];
} disk_file;

typedef struct disk_name {
    char text[DISK_NAME_BYTES];
    disk_file *file;
} disk_name;

typedef struct disk {
    disk_file *files[DISK_FILES_MAX];
    uint32_t file_count;
    disk_name names[DISK_NAMES_MAX];
    uint32_t name_count;
    bool is_recording;
    disk_op *ops;
    size_t op_count;
    size_t op_room;
} disk;

disk *disk_new(void);
void disk_free(disk *d);

/* ---- use; each of these is logged while is_recording ---- */

disk_file *disk_find(const disk *d, const char *name);
/* A new, empty file; without a name a quiet one, which nobody but its handles knows. */
disk_file *disk_create(disk *d, const char *name);
/* The number is one that another disk has given. */
disk_file *disk_create_as(disk *d, uint32_t id);
void disk_give_name(disk *d, disk_file *file, const char *name);
void disk_write(disk *d, disk_file *file, const void *bytes, size_t len, uint64_t offset);
void disk_truncate(disk *d, disk_file *file, uint64_t size);
void disk_sync(disk *d, disk_file *file);
void disk_sync_folder(disk *d);
/* False: there is no such name, or the other one is taken. */
bool disk_link(disk *d, const char *name, const char *to);
bool disk_rename(disk *d, const char *name, const char *to);
bool disk_unlink(disk *d, const char *name);
void disk_mark(disk *d, int64_t number);
/* A handle comes or goes; a file without names and handles is freed. */
void disk_hold(disk_file *file);
void disk_release(disk *d, disk_file *file);

/* The same names and bytes; these are borrowed until they are changed. */
disk *disk_borrow(const disk *from);

/* ---- playing the log back ---- */

/*
 * Where a replay stands: what is on the disk for certain after the first ops of the log, and which
 * of them may be there or not. It only goes forward.
 */
typedef struct disk_walk {
    const disk *recorded;
    disk *durable;
    size_t at;       /* ops that were done */
    size_t *pending; /* ops that are not synced */
    size_t pending_count;
} disk_walk;

/* From @a base, or from an empty disk. */
disk_walk *disk_walk_new(const disk *recorded, const disk *base);
void disk_walk_free(disk_walk *walk);
void disk_walk_to(disk_walk *walk, size_t at);

typedef enum disk_harm {
    HARM_NONE,    /* the process was killed: everything is there */
    HARM_ALL,     /* nothing that was not synced is */
    HARM_ORDER,   /* what was done up to some moment is, the last write torn */
    HARM_WRITES,  /* each write is there as a whole or not at all, in any order */
    HARM_SECTORS, /* each sector of each write */
    HARM_ZEROS,   /* the same, and a file is as long as it was to be: zeros in between */
    HARM_GARBAGE, /* the same, and in between is what the blocks held before they were the file's */
    HARM_COUNT,
} disk_harm;

extern const char *const disk_harm_names[HARM_COUNT];

/* The state that a failure leaves. Borrows bytes from the walk's disk: free it before that moves.
 */
disk *disk_crash(const disk_walk *walk, disk_harm harm, uint32_t sector, uint64_t *dice);

uint64_t disk_throw(uint64_t *dice);
uint32_t disk_throw_below(uint64_t *dice, uint32_t below);

/* ---- as SQLite and the library see it (disk_vfs.c) ---- */

/* Everything below this folder is on the disk that was chosen last. */
#define DISK_FOLDER "/crash/"

/* Found as "unix-excl", and the default. */
void disk_vfs_register(void);
void disk_vfs_use(disk *d);
/* What the clock tells, in microseconds; each look at it adds some. */
extern int64_t disk_clock_us;
double disk_real_seconds(void);

#endif
