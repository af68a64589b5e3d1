/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages are sealed anew under a new data key, in place, some at a time. A page that a crash tears
 * there has no copy in the log, so each batch is first written to a file of its own beside the
 * store
 * ("-renew") and synced: complete, it is played back at the next opening; incomplete, nothing of
 * the batch was written to the store yet.
 *
 *     -renew   magic (8), pages (4), zero (4), MAC (32) over magic, pages and all records,
 *              then for each page: its number (4) and its record (4096)
 */
#include <sodium.h>

#include "base/mem.h"
#include "vfs/vfs_internal.h"

enum {
    BATCH_PAGES = 256,
    BATCH_HEAD = 48,
    BATCH_MAC = 16, /* offset */
    ENTRY_BYTES = 4 + PAGE_BYTES,
    PIECE_BYTES = 65536,
};

static const uint8_t batch_magic[8] = {'F', 'H', 'S', 'R', 'E', 'N', 'W', '1'};

typedef struct renew_batch {
    fhs_vfs *vfs;
    const char *name; /* in the form that xOpen takes */
    sqlite3_file *file;
    uint8_t *bytes; /* head and entries */
    uint32_t count;
} renew_batch;

/* ---- the batch's file ---- */

static int open_batch(renew_batch *batch, bool must_exist)
{
    sqlite3_vfs *base = batch->vfs->base;
    char *path = sqlite3_mprintf("%s-renew", batch->vfs->path);
    int exists = 1;
    int code = SQLITE_OK;
    if (path == NULL) {
        return SQLITE_NOMEM;
    }
    batch->name = sqlite3_create_filename(path, "", "", 0, NULL);
    sqlite3_free(path);
    if (batch->name == NULL) {
        return SQLITE_NOMEM;
    }
    if (must_exist) {
        code = base->xAccess(base, batch->name, SQLITE_ACCESS_EXISTS, &exists);
    }
    if (code != SQLITE_OK || !exists) {
        return code;
    }
    sqlite3_file *file = fhs_calloc(1, (size_t)base->szOsFile);
    if (file == NULL) {
        return SQLITE_NOMEM;
    }
    code = fhs_vfs_open_file(base, batch->name, file,
                             SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                             NULL);
    if (code == SQLITE_OK) {
        batch->file = file;
    } else {
        fhs_free(file);
    }
    return code;
}

/* @a removes: the batch is in the store, or of no use. */
static int close_batch(renew_batch *batch, bool removes)
{
    sqlite3_vfs *base = batch->vfs->base;
    int code = SQLITE_OK;
    if (batch->file != NULL) {
        if (removes) {
            code = batch->file->pMethods->xTruncate(batch->file, 0);
            code = code == SQLITE_OK ? batch->file->pMethods->xSync(batch->file, SQLITE_SYNC_FULL)
                                     : code;
        }
        (void)fhs_vfs_close_below(batch->file);
        if (removes && code == SQLITE_OK) {
            (void)base->xDelete(base, batch->name, 1);
        }
    } else if (batch->name != NULL && removes) { /* what a crash has left of one is empty */
        (void)base->xDelete(base, batch->name, 1);
    }
    fhs_free(batch->bytes);
    sqlite3_free_filename(batch->name);
    batch->file = NULL;
    batch->bytes = NULL;
    batch->name = NULL;
    return code;
}

static void compute_batch_mac(const renew_batch *batch, uint8_t mac[32])
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, batch->vfs->key_set->wal, FHS_KEYS_KEY_BYTES, 32);
    (void)crypto_generichash_update(&state, batch->bytes, BATCH_MAC);
    (void)crypto_generichash_update(&state, batch->bytes + BATCH_HEAD,
                                    (size_t)batch->count * ENTRY_BYTES);
    (void)crypto_generichash_final(&state, mac, 32);
    sodium_memzero(&state, sizeof state);
}

static uint8_t *entry_of(const renew_batch *batch, uint32_t index)
{
    return batch->bytes + BATCH_HEAD + (size_t)index * ENTRY_BYTES;
}

static sqlite3_int64 renew_place(uint32_t page)
{
    return BLOCK_BYTES + (sqlite3_int64)(page - 1) * PAGE_BYTES;
}

/* SQLite's own files take no more than 128 KiB at once. */
static int move_bytes(const renew_batch *batch, bool writes)
{
    const sqlite3_io_methods *io = batch->file->pMethods;
    const size_t size = BATCH_HEAD + (size_t)batch->count * ENTRY_BYTES;
    int code = SQLITE_OK;
    for (size_t at = 0; at < size && code == SQLITE_OK; at += PIECE_BYTES) {
        int some = (int)(size - at < PIECE_BYTES ? size - at : PIECE_BYTES);
        code = writes ? io->xWrite(batch->file, batch->bytes + at, some, (sqlite3_int64)at)
                      : io->xRead(batch->file, batch->bytes + at, some, (sqlite3_int64)at);
    }
    return code;
}

static int save_batch(renew_batch *batch)
{
    memcpy(batch->bytes, batch_magic, sizeof batch_magic);
    fhs_put_le(batch->bytes + 8, 8, batch->count);
    compute_batch_mac(batch, batch->bytes + BATCH_MAC);
    int code = move_bytes(batch, true);
    return code == SQLITE_OK ? batch->file->pMethods->xSync(batch->file, SQLITE_SYNC_FULL) : code;
}

static int write_batch(const renew_batch *batch)
{
    sqlite3_file *store = batch->vfs->anchor;
    int code = SQLITE_OK;
    for (uint32_t i = 0; i < batch->count && code == SQLITE_OK; i++) {
        const uint8_t *entry = entry_of(batch, i);
        code = store->pMethods->xWrite(store, entry + 4, PAGE_BYTES,
                                       renew_place((uint32_t)fhs_get_le(entry, 4)));
    }
    return code == SQLITE_OK ? store->pMethods->xSync(store, SQLITE_SYNC_FULL) : code;
}

/* Entries and MAC of a batch whose head says that it has @a count pages. */
static int load_entries(renew_batch *batch, uint64_t count, bool *is_whole_out)
{
    uint8_t mac[32];
    batch->count = (uint32_t)count;
    batch->bytes = fhs_alloc(BATCH_HEAD + (size_t)count * ENTRY_BYTES);
    if (batch->bytes == NULL) {
        return SQLITE_NOMEM;
    }
    int code = move_bytes(batch, false);
    if (code == SQLITE_OK) {
        compute_batch_mac(batch, mac);
        *is_whole_out = sodium_memcmp(mac, batch->bytes + BATCH_MAC, sizeof mac) == 0;
    }
    return code;
}

/*
 * A whole batch that these keys have written? One that is too short is not. One that cannot be read
 * may be, and hold the only copy of a page: that is a failure, and the batch stays.
 */
static int load_batch(renew_batch *batch, bool *is_whole_out)
{
    uint8_t head[BATCH_HEAD];
    sqlite3_int64 size = 0;
    const sqlite3_io_methods *io = batch->file->pMethods;
    *is_whole_out = false;
    int code = io->xFileSize(batch->file, &size);
    if (code != SQLITE_OK || size < BATCH_HEAD) {
        return code;
    }
    code = io->xRead(batch->file, head, BATCH_HEAD, 0);
    uint64_t count = fhs_get_le(head + 8, 8);
    if (code != SQLITE_OK || memcmp(head, batch_magic, sizeof batch_magic) != 0 || count == 0 ||
        count > BATCH_PAGES || (uint64_t)size < BATCH_HEAD + count * ENTRY_BYTES) {
        return code;
    }
    return load_entries(batch, count, is_whole_out);
}

static int play_back(fhs_vfs *vfs)
{
    renew_batch batch = {.vfs = vfs};
    bool is_whole = false;
    int code = open_batch(&batch, true);
    if (code == SQLITE_OK && batch.file != NULL) {
        code = load_batch(&batch, &is_whole);
    }
    if (code == SQLITE_OK && is_whole) {
        code = write_batch(&batch);
    }
    int closed = close_batch(&batch, code == SQLITE_OK);
    code = code == SQLITE_OK ? closed : code;
    vfs->has_batch = code != SQLITE_OK;
    return code;
}

static fhirstore_status finish_batch(fhs_vfs *vfs, fhirstore_error **err)
{
    int code = play_back(vfs);
    return code == SQLITE_OK
               ? FHIRSTORE_OK
               : fhs_vfs_sqlite_failure(err, "a batch of pages cannot be finished", code);
}

/* Of several processes that open the file at once the first does it; by then nobody writes pages.
 */
fhirstore_status fhs_vfs_renew_recover(fhs_vfs *vfs, fhirstore_error **err)
{
    if (vfs->key_set->old_epoch == 0 || vfs->read_only) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_vfs_lock_header(vfs, err);
    if (status == FHIRSTORE_OK) {
        status = finish_batch(vfs, err);
        fhs_vfs_unlock_header(vfs);
    }
    return status;
}

/* ---- steps ---- */

bool fhs_vfs_is_renewing(const fhs_vfs *vfs)
{
    return vfs->key_set->old_epoch != 0;
}

fhirstore_status fhs_vfs_renew(fhs_vfs *vfs, const fhs_credential *credential, fhs_key_cost cost,
                               fhs_str label, uint32_t *id_out, fhirstore_error **err)
{
    const fhs_keys_io io = fhs_vfs_header_io(vfs);
    *id_out = 0;
    fhirstore_status status = fhs_vfs_check_may_write(vfs, err);
    if (status == FHIRSTORE_OK && vfs->multi_process) {
        status = fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED,
                          "a new data key needs the store for one process alone");
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_keys_renew(vfs->keys, credential, cost, label, &io, id_out, err);
    }
    if (status == FHIRSTORE_OK) {
        fhs_vfs_pass_end(vfs);
        vfs->renew_next = 1;
        fhs_vfs_seal_renew(vfs);
    }
    return status;
}

/*
 * Add @a page to the batch if it is sealed with the old key. One that does not open is left to the
 * log, which may hold it whole; if it does not, whoever reads it will say so.
 */
static int take_old_page(renew_batch *batch, uint32_t page)
{
    fhs_vfs *vfs = batch->vfs;
    uint8_t plain[PAGE_BYTES];
    uint8_t *entry = entry_of(batch, batch->count);
    int code = vfs->anchor->pMethods->xRead(vfs->anchor, entry + 4, PAGE_BYTES, renew_place(page));
    if (code != SQLITE_OK || page == PENDING_PAGE ||
        entry[4 + PAGE_META] != vfs->key_set->old_epoch) {
        return code;
    }
    if (fhs_vfs_open_page(vfs, page, entry + 4, plain)) {
        fhs_put_le(entry, 4, page);
        fhs_vfs_seal_page(vfs, page, false, plain, entry + 4);
        batch->count++;
    }
    sodium_memzero(plain, sizeof plain);
    return code;
}

/* From @a page on, until the batch is full; *page_out is where the next one begins. */
static int collect_old_pages(renew_batch *batch, uint32_t page, uint32_t *page_out,
                             uint32_t *pages_out)
{
    int code = fhs_vfs_count_pages(batch->vfs, pages_out);
    for (; page <= *pages_out && batch->count < BATCH_PAGES && code == SQLITE_OK; page++) {
        code = take_old_page(batch, page);
    }
    *page_out = page;
    return code;
}

/* Until it is in the store, the batch stays where the next step, or opening, finds it. */
static int put_batch(renew_batch *batch)
{
    batch->vfs->has_batch = true;
    int code = open_batch(batch, false);
    code = code == SQLITE_OK ? save_batch(batch) : code;
    return code == SQLITE_OK ? write_batch(batch) : code;
}

fhirstore_status fhs_vfs_renew_step(fhs_vfs *vfs, uint32_t *done_out, uint32_t *total_out,
                                    fhirstore_error **err)
{
    renew_batch batch = {.vfs = vfs};
    uint32_t page = vfs->renew_next == 0 ? 1 : vfs->renew_next;
    *total_out = 0;
    batch.bytes = fhs_alloc(BATCH_HEAD + (size_t)(BATCH_PAGES + 1) * ENTRY_BYTES);
    if (batch.bytes == NULL) {
        return fhs_fail_memory(err);
    }
    int code = vfs->has_batch ? play_back(vfs) : SQLITE_OK;
    code = code == SQLITE_OK ? fhs_vfs_begin_generation(vfs) : code;
    code = code == SQLITE_OK ? collect_old_pages(&batch, page, &page, total_out) : code;
    if (batch.count > 0 && code == SQLITE_OK) {
        code = put_batch(&batch);
    }
    int closed = close_batch(&batch, code == SQLITE_OK);
    code = code == SQLITE_OK ? closed : code;
    if (code == SQLITE_OK) {
        vfs->has_batch = false;
        vfs->renew_next = page;
    }
    *done_out = page > *total_out ? *total_out : page - 1;
    return code == SQLITE_OK ? FHIRSTORE_OK
                             : fhs_vfs_sqlite_failure(err, "pages cannot be sealed anew", code);
}

/* Nothing in the file that the old key is needed for? */
static int find_old_page(const fhs_vfs *vfs, bool *found_out)
{
    uint32_t pages = 0;
    uint8_t epoch;
    int code = fhs_vfs_count_pages(vfs, &pages);
    *found_out = false;
    for (uint32_t page = 1; page <= pages && code == SQLITE_OK && !*found_out; page++) {
        code = vfs->anchor->pMethods->xRead(vfs->anchor, &epoch, 1, renew_place(page) + PAGE_META);
        *found_out = code == SQLITE_OK && page != PENDING_PAGE && epoch == vfs->key_set->old_epoch;
    }
    return code;
}

/*
 * That the log is empty must be on the disk before the old key goes: a log that came back with a
 * power cut could not be read to its end any more. The flags make the folder's entry certain, too.
 */
static fhirstore_status settle_log(fhs_vfs *vfs, fhirstore_error **err)
{
    const int flags = SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    sqlite3_file *log = NULL;
    int granted = 0;
    fhirstore_status status = fhs_vfs_open_below(vfs, sqlite3_filename_wal(vfs->opened), flags,
                                                 &log, &granted, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    int code = log->pMethods->xSync(log, SQLITE_SYNC_FULL);
    (void)fhs_vfs_close_below(log);
    return code == SQLITE_OK ? FHIRSTORE_OK
                             : fhs_vfs_sqlite_failure(err, "the log cannot be synced", code);
}

fhirstore_status fhs_vfs_renew_end(fhs_vfs *vfs, bool *ended_out, fhirstore_error **err)
{
    const fhs_keys_io io = fhs_vfs_header_io(vfs);
    bool found = true;
    *ended_out = false;
    if (!fhs_vfs_log_is_empty(vfs)) {
        return FHIRSTORE_OK;
    }
    int code = vfs->has_batch ? play_back(vfs) : SQLITE_OK;
    if (code == SQLITE_OK) {
        code = find_old_page(vfs, &found);
    }
    if (code != SQLITE_OK) {
        return fhs_vfs_sqlite_failure(err, "the store cannot be read", code);
    }
    if (found) {
        vfs->renew_next = 1;
        return FHIRSTORE_OK;
    }
    fhirstore_status status = settle_log(vfs, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_keys_renew_end(vfs->keys, &io, err);
    }
    if (status == FHIRSTORE_OK) {
        fhs_vfs_seal_renew(vfs);
        *ended_out = true;
    }
    return status;
}
