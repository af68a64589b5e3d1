/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VFS that goes below the encrypting one and fails on demand: the k-th read, write, sync … once
 * or for ever, torn writes, short reads, a disk that fills up. Give its name as base_vfs of
 * fhs_vfs_options. Safe to use from several threads.
 */
#ifndef FHS_TEST_FAULT_VFS_H
#define FHS_TEST_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum fault_op {
    FAULT_READ = 1,
    FAULT_WRITE = 2,
    FAULT_SYNC = 4,
    FAULT_TRUNCATE = 8,
    FAULT_LOCK = 16, /* file locks and the locks of the wal-index */
    FAULT_OPEN = 32,
    FAULT_DELETE = 64,
    FAULT_SIZE = 128,
    FAULT_ANY = 255,
    FAULT_NAME = 256, /* of the caller's own: fault_vfs_fails */
    FAULT_ACCESS = 512,
} fault_op;

typedef struct fault_vfs fault_vfs;

/* Register under @a name over the VFS called @a base. NULL: no such VFS, or no memory. */
fault_vfs *fault_vfs_new(const char *name, const char *base);
/* All files must be closed. */
void fault_vfs_free(fault_vfs *fault);

/* Count the operations in @a ops from now on and fail the @a kth (from 1), or all from it on. */
void fault_vfs_arm(fault_vfs *fault, unsigned ops, uint64_t kth, bool for_ever);
/* Only count: what fault_vfs_seen tells is the upper end of a loop over k. */
void fault_vfs_count(fault_vfs *fault, unsigned ops);
void fault_vfs_disarm(fault_vfs *fault);
uint64_t fault_vfs_seen(const fault_vfs *fault);
bool fault_vfs_has_fired(const fault_vfs *fault);

/* Count one operation that does not go through the VFS; true: it is to fail. */
bool fault_vfs_fails(fault_vfs *fault, unsigned op);
/*
 * What failing writes, truncations, locks and openings answer; 0: what is usual. SQLITE_READONLY: a
 * file opens for reading only, although more was asked for.
 */
void fault_vfs_answer(fault_vfs *fault, int code);
/*
 * A failing write first writes half of its bytes; a failing read delivers half of them; a failing
 * opening leaves the file open, as a VFS may.
 */
void fault_vfs_tear(fault_vfs *fault, bool tears);
/* Writes beyond this many more bytes answer SQLITE_FULL; UINT64_MAX: room for everything. */
void fault_vfs_limit_space(fault_vfs *fault, uint64_t bytes);

#endif
