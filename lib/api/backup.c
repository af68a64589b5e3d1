/* SPDX-License-Identifier: Apache-2.0 */
/* Backup, migration and compaction. */
#include "fhirstore/backup.h"

#include <stddef.h>
#include <string.h>

#include "api/handle.h"
#include "api/key_options.h"
#include "base/mem.h"
#include "interact/ledger.h"
#include "vfs/vfs.h"

#define BACKUP_V1_SIZE FHS_ABI_SIZE(fhirstore_backup_options, ctx)

FHS_ABI_HEAD(fhirstore_backup_options);

fhirstore_status fhirstore_backup_options_init(fhirstore_backup_options *options,
                                               size_t struct_size)
{
    return fhs_abi_init(options, struct_size, sizeof *options, BACKUP_V1_SIZE);
}

/* A copy under way: what the caller asked for, in the words of the rooms below. */
typedef struct copy_order {
    fhirstore_backup_options known;
    fhs_new_key key;
    char *path;
    uint8_t journal_key[FHS_KEYS_KEY_BYTES];
    fhs_copy_options options;
} copy_order;

static void drop_order(copy_order *order)
{
    fhs_free(order->path);
    fhs_keys_wipe(order, sizeof *order);
}

static fhirstore_status read_order(const char *path, size_t path_len,
                                   const fhirstore_backup_options *options, copy_order *out,
                                   fhirstore_error **err)
{
    static const fhirstore_backup_options defaults = FHIRSTORE_BACKUP_OPTIONS_INIT;
    memset(out, 0, sizeof *out);
    if (path == NULL || path_len == 0 || memchr(path, 0, path_len) != NULL) {
        return fhs_api_invalid(err, "path");
    }
    fhirstore_status status = fhs_abi_copy(&out->known, sizeof out->known, BACKUP_V1_SIZE,
                                           options == NULL ? &defaults : options, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const uint32_t without_keys = FHIRSTORE_BACKUP_WITHOUT_PATIENT_KEYS;
    bool plain = (out->known.flags & (uint32_t)FHIRSTORE_BACKUP_PLAINTEXT) != 0;
    if ((out->known.flags & ~((uint32_t)FHIRSTORE_BACKUP_PLAINTEXT | without_keys)) != 0) {
        return fhs_api_invalid(err, "options.flags has unknown bits");
    }
    if (plain && out->known.key != NULL) {
        return fhs_api_invalid(err, "FHIRSTORE_BACKUP_PLAINTEXT and a key exclude each other");
    }
    if (!plain && out->known.key == NULL) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_KEY_MISSING);
    }
    if (!plain) {
        status = fhs_read_key_options(out->known.key, &out->key, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    out->path = fhs_memdup(path, path_len);
    out->options = (fhs_copy_options){.path = out->path,
                                      .plaintext = plain,
                                      .leaves_patient_keys = (out->known.flags & without_keys) != 0,
                                      .credential = &out->key.credential,
                                      .kdf_cost = out->key.cost,
                                      .label = out->key.label,
                                      .progress = out->known.progress,
                                      .ctx = out->known.ctx};
    return out->path == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
}

/* The journal of the copy goes on to be read with the key that it was sealed with. */
static fhirstore_status find_journal_key(fhs_core *core, copy_order *order, fhirstore_error **err)
{
    const struct fhs_vfs *vfs = fhs_storage_vfs(core->storage);
    if (vfs != NULL) {
        fhs_keys_journal(fhs_vfs_keys(vfs), order->journal_key);
        order->options.journal_key = order->journal_key;
        return FHIRSTORE_OK;
    }
    bool found = false;
    fhirstore_status status = fhs_ledger_plain_key(core, order->journal_key, &found, err);
    order->options.journal_key = found ? order->journal_key : NULL;
    return status;
}

static fhirstore_status run_copy(fhirstore *store, copy_order *order, fhirstore_error **err)
{
    fhirstore_status status = fhs_ledger_flush(store->core, err);
    if (status == FHIRSTORE_OK) {
        status = find_journal_key(store->core, order, err);
    }
    return status == FHIRSTORE_OK ? fhs_storage_copy(store->core->storage, &order->options, err)
                                  : status;
}

fhirstore_status fhirstore_backup(fhirstore *store, const char *path, size_t path_len,
                                  const fhirstore_backup_options *options,
                                  fhirstore_error **err_out)
{
    copy_order order;
    fhs_api_begin(err_out);
    fhirstore_status status = read_order(path, path_len, options, &order, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_store_enter(store, err_out);
        if (status >= FHIRSTORE_OK) {
            status = run_copy(store, &order, err_out);
            fhs_store_leave(store);
        }
    }
    drop_order(&order);
    return status;
}

/* ---- migration ---- */

typedef struct migration {
    fhirstore *store;
    copy_order *order;
} migration;

static fhirstore_status pass_progress(void *ctx, int64_t done, int64_t total)
{
    const migration *moving = ctx;
    const fhirstore_backup_options *known = &moving->order->known;
    return known->progress == NULL ? FHIRSTORE_OK : known->progress(known->ctx, done, total);
}

/*
 * The log of the old store lies under the name that the new one takes: it must be empty. What it
 * held is in the file then, and the lock on the file stays until the name has changed hands.
 */
static fhirstore_status empty_the_log(void *ctx, fhirstore_error **err)
{
    const migration *moving = ctx;
    return fhs_storage_close_connections(moving->store->core->storage, err);
}

static fhirstore_status check_source(const fhirstore_open_options *from, fhirstore_error **err)
{
    const uint32_t refused = (uint32_t)(FHIRSTORE_OPEN_CREATE | FHIRSTORE_OPEN_READ_ONLY |
                                        FHIRSTORE_OPEN_MULTI_PROCESS);
    if (from == NULL) {
        return fhs_api_invalid(err, "from is NULL");
    }
    if ((from->flags & refused) != 0) {
        return fhs_api_invalid(err, "a store is migrated by one process, for writing, and exists");
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhirstore_migrate(const char *path, size_t path_len,
                                   const fhirstore_open_options *from,
                                   const fhirstore_backup_options *to, fhirstore_error **err_out)
{
    copy_order order;
    fhirstore *store = NULL;
    fhs_api_begin(err_out);
    fhirstore_status status = read_order(path, path_len, to, &order, err_out);
    if (status >= FHIRSTORE_OK && order.options.leaves_patient_keys) {
        status = fhs_api_invalid(err_out, "a store that is migrated keeps its keys of patients");
    }
    if (status >= FHIRSTORE_OK) {
        status = check_source(from, err_out);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_open(path, path_len, from, &store, err_out);
    }
    if (status >= FHIRSTORE_OK) {
        migration moving = {store, &order};
        order.options.replaces = true;
        order.options.progress = pass_progress;
        order.options.before_publish = empty_the_log;
        order.options.ctx = &moving;
        status = run_copy(store, &order, err_out);
    }
    fhirstore_close(store);
    drop_order(&order);
    return status;
}

/* ---- compaction ---- */

fhirstore_status fhirstore_compact(fhirstore *store, fhirstore_error **err_out)
{
    fhs_api_begin(err_out);
    fhirstore_status status = fhs_store_enter(store, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_storage_compact(store->core->storage, err_out);
        fhs_store_leave(store);
    }
    return status;
}
