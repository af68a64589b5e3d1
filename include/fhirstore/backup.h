/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file backup.h  Copies of a store: backup, restore, encryption and decryption, compaction.
 *
 * A copy is written from one snapshot while readers and the writer go on. It is a whole store of its
 * own, compact, with a new database id and a new data key: to restore it is to open it. Nothing of
 * it appears under its name before it is complete and on disk; a crash may leave a file
 * "NAME.new-XXXXXXXX" that is no store and may be deleted. What SQLite puts aside meanwhile is
 * encrypted with keys that are in memory only, and neither the store nor the copy is ever held in
 * memory as a whole.
 */
#ifndef FHIRSTORE_BACKUP_H
#define FHIRSTORE_BACKUP_H

#include "keys.h"
#include "store.h"

FHIRSTORE_BEGIN_DECLS

/** Flags for fhirstore_backup_options.flags. @since 0.1 */
enum fhirstore_backup_flag {
    FHIRSTORE_BACKUP_PLAINTEXT = 1, /**< The copy is not encrypted; takes no key. */
    FHIRSTORE_BACKUP_WITHOUT_PATIENT_KEYS = 2 /**< Of a store with keys of patients (shred.h): leave them out. What they seal cannot be read in the copy. Changes nothing where there are none. */
};

/**
 * Called now and then while a copy is written.
 *
 * @param ctx    fhirstore_backup_options.ctx.
 * @param done   Bytes written so far.
 * @param total  Bytes there are to copy; an estimate, unused pages are left out.
 * @return FHIRSTORE_OK to go on; anything else ends the call with FHIRSTORE_ERR_CANCELLED, and
 *         nothing of the copy is left.
 * @since 0.1
 */
typedef fhirstore_status (*fhirstore_backup_progress_fn)(void *ctx, int64_t done, int64_t total);

/**
 * What a copy is to be. Zero means the default; new fields are only added at the end.
 *
 * @since 0.1
 */
typedef struct fhirstore_backup_options {
    uint32_t struct_size; /**< Set by the initialiser. */
    uint32_t flags;       /**< FHIRSTORE_BACKUP_*. Unknown bits are refused. */
    const fhirstore_key_options *key; /**< The copy's first key slot. Others are added to the opened copy. */
    fhirstore_backup_progress_fn progress; /**< NULL: nobody is told. */
    void *ctx;            /**< First argument of progress. */
} fhirstore_backup_options;

/** Static initialiser for C. Bindings call fhirstore_backup_options_init(). */
#define FHIRSTORE_BACKUP_OPTIONS_INIT \
    {                                 \
        sizeof(fhirstore_backup_options), 0, NULL, NULL, NULL \
    }

/**
 * Set @a options to the defaults.
 *
 * @param[out] options      The struct to fill.
 * @param      struct_size  sizeof(fhirstore_backup_options) as the caller sees it.
 * @retval FHIRSTORE_ERR_ABI  The size is smaller than the first version, or absurd.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_backup_options_init(fhirstore_backup_options *options,
                                                             size_t struct_size);

/**
 * Write a copy of what the store holds now. Resources, histories, search parameters, indexes and
 * the audit journal go along; page links of the one are not good for the other.
 *
 * @param      store     The store, encrypted or not.
 * @param      path      The copy's name, UTF-8; need not end in NUL. There must be no such file.
 * @param      path_len  Bytes.
 * @param      options   Borrowed during the call. NULL means all defaults, which fails for want of a key.
 * @param[out] err_out   NULL, or where to put the reason; owned by the caller: fhirstore_error_free().
 * @retval FHIRSTORE_ERR_EXISTS       There is a file of this name.
 * @retval FHIRSTORE_ERR_KEY_MISSING  Neither a key nor FHIRSTORE_BACKUP_PLAINTEXT was given; and the others of fhirstore_key_add().
 * @retval FHIRSTORE_ERR_FULL         The disk is full.
 * @retval FHIRSTORE_ERR_CANCELLED    The callback wanted no more.
 * @retval FHIRSTORE_ERR_TAMPERED     A page of the store does not authenticate.
 * @par Threads  Any thread; long; blocks neither readers nor writers. While it runs the log grows
 *      with what others write. Works on read-only stores.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_backup(fhirstore *store, const char *path, size_t path_len,
                                                const fhirstore_backup_options *options,
                                                fhirstore_error **err_out);

/**
 * Replace a closed store by a copy of itself: one that is not encrypted becomes encrypted, or the
 * other way round, or it gets a new data key. A crash leaves the one or the other under the name.
 *
 * The bytes of an old store that was not encrypted may survive in blocks that the disk has not
 * reused: no library can prevent that.
 *
 * @param      path      The store's file, UTF-8; need not end in NUL.
 * @param      path_len  Bytes.
 * @param      from      How to open it as it is. FHIRSTORE_OPEN_CREATE, READ_ONLY and MULTI_PROCESS are refused.
 * @param      to        What it is to become. Borrowed during the call.
 * @param[out] err_out   NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_IN_USE       Another process, or another handle of this one, has it open.
 * @retval FHIRSTORE_ERR_KEY_MISSING  Neither a key nor FHIRSTORE_BACKUP_PLAINTEXT was given. Also what fhirstore_open() and fhirstore_backup() answer.
 * @par Threads  Any thread; long.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_migrate(const char *path, size_t path_len,
                                                 const fhirstore_open_options *from,
                                                 const fhirstore_backup_options *to,
                                                 fhirstore_error **err_out);

/**
 * Give the file's unused pages back to the file system and put the others in order. What is written
 * goes through the log, so a crash leaves the store as it was; it takes, for a while, up to three
 * times the store's size on disk.
 *
 * @param      store    The store.
 * @param[out] err_out  NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_READ_ONLY  The store is open for reading.
 * @retval FHIRSTORE_ERR_BUSY       Another writer kept the store longer than the busy timeout.
 * @retval FHIRSTORE_ERR_FULL       The disk is full.
 * @par Threads  Any thread; long; blocks writers, not readers. Where a reader is at work the file
 *      shrinks later.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_compact(fhirstore *store, fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
