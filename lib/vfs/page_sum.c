/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sum over the pages of the file, kept in the header. Each page adds a keyed hash of its number
 * and of its stored nonce and tag, so an old copy of a page, put back in its place, changes the sum
 * although it is authentic. Only checkpoints write pages, and a crash may stop one anywhere:
 *
 *     before the first page          the sum without what the log holds, and how much of it that is
 *     then                           the pages, which the log still holds
 *     before the log is given up     the sum over the whole file, which is on disk by then
 *
 * So at each moment the header holds a sum that can be recomputed: over the file, or over those of
 * its pages that the log does not supersede. Between several processes nobody knows the log of the
 * others; there is no sum then, and the next checkpoint of a single process begins anew.
 */
#include <sodium.h>

#include "base/mem.h"
#include "vfs/vfs_internal.h"

/* ---- what the log holds ---- */

static bool grow_frames(fhs_log_pages *log, uint32_t frame)
{
    if (frame < log->capacity) {
        return true;
    }
    uint32_t wanted = log->capacity == 0 ? 1024 : log->capacity;
    while (wanted <= frame && wanted < UINT32_MAX / 2) {
        wanted *= 2;
    }
    uint32_t *larger = wanted <= frame ? NULL
                                       : fhs_realloc(log->pages, (size_t)wanted * sizeof *larger);
    if (larger == NULL) {
        return false;
    }
    memset(larger + log->capacity, 0, (size_t)(wanted - log->capacity) * sizeof *larger);
    log->pages = larger;
    log->capacity = wanted;
    return true;
}

bool fhs_vfs_log_note(fhs_vfs *vfs, uint32_t frame, uint32_t page, uint32_t database)
{
    (void)pthread_mutex_lock(&vfs->log_lock);
    bool has_room = grow_frames(&vfs->log, frame);
    if (has_room) {
        vfs->log.pages[frame] = page;
    }
    if (database != 0) {
        vfs->log.database = database;
    }
    (void)pthread_mutex_unlock(&vfs->log_lock);
    return has_room;
}

/* A bit for each page of the first frames. NULL: no memory. */
static uint8_t *collect_pages(fhs_vfs *vfs, uint32_t frames, uint32_t pages)
{
    uint8_t *bits = fhs_calloc((size_t)pages / 8 + 1, 1);
    (void)pthread_mutex_lock(&vfs->log_lock);
    for (uint32_t i = 0; bits != NULL && i < frames && i < vfs->log.capacity; i++) {
        uint32_t page = vfs->log.pages[i];
        if (page <= pages) {
            bits[page / 8] = (uint8_t)(bits[page / 8] | 1u << (page % 8));
        }
    }
    (void)pthread_mutex_unlock(&vfs->log_lock);
    return bits;
}

static bool has_bit(const uint8_t *bits, uint32_t page)
{
    return ((unsigned)bits[page / 8] >> (page % 8) & 1u) != 0;
}

/* ---- the file's pages ---- */

static int add_stored_tail(const fhs_vfs *vfs, fhs_page_sum *sum, uint32_t page, bool takes)
{
    uint8_t tail[FHS_KEYS_TAIL_BYTES];
    if (page == PENDING_PAGE) {
        return SQLITE_OK;
    }
    int code = vfs->anchor->pMethods->xRead(vfs->anchor, tail, (int)sizeof tail,
                                            BLOCK_BYTES + (sqlite3_int64)(page - 1) * PAGE_BYTES +
                                                PAGE_NONCE);
    if (code == SQLITE_OK) {
        fhs_keys_sum_add(vfs->keys, sum, page, tail, takes);
    }
    return code == SQLITE_IOERR_SHORT_READ ? SQLITE_IOERR_DATA : code;
}

/* ---- a checkpoint ---- */

void fhs_vfs_pass_end(fhs_vfs *vfs)
{
    fhs_free(vfs->pass.in_log);
    fhs_free(vfs->pass.is_written);
    vfs->pass = (fhs_log_pass){0};
}

/* From the sum that the header has to that without what is in the log now. */
static int take_logged_out(fhs_vfs *vfs, const fhs_page_sum *before, uint32_t stored,
                           fhs_page_sum *sum)
{
    const fhs_log_pass *pass = &vfs->pass;
    uint8_t *was_out = NULL;
    bool was_partial = before->state == FHS_SUM_PARTIAL && before->salt == pass->salt;
    int code = SQLITE_OK;
    if (was_partial) {
        was_out = collect_pages(vfs, before->frames, stored);
        code = was_out == NULL ? SQLITE_IOERR_NOMEM : SQLITE_OK;
    }
    bool begins = before->state == FHS_SUM_NONE ||
                  (before->state == FHS_SUM_PARTIAL && !was_partial);
    memcpy(sum->sum, before->sum, sizeof sum->sum);
    if (begins) {
        memset(sum->sum, 0, sizeof sum->sum);
    }
    for (uint32_t page = 1; page <= stored && code == SQLITE_OK; page++) {
        bool is_out = has_bit(pass->in_log, page) || page > pass->database;
        bool was_in = was_out == NULL || (!has_bit(was_out, page) && page <= before->database);
        if (begins ? !is_out : (is_out && was_in)) {
            code = add_stored_tail(vfs, sum, page, !begins);
        }
    }
    fhs_free(was_out);
    return code;
}

static int publish_sum(fhs_vfs *vfs, const fhs_page_sum *sum)
{
    const fhs_keys_io io = fhs_vfs_header_io(vfs);
    return fhs_vfs_sqlite_code(fhs_keys_put_sum(vfs->keys, sum, &io, NULL));
}

int fhs_vfs_pass_begin(fhs_vfs *vfs)
{
    fhs_log_pass *pass = &vfs->pass;
    fhs_page_sum before;
    fhs_page_sum sum = {.state = FHS_SUM_PARTIAL};
    uint32_t stored = 0;
    /* While pages are sealed anew their tails change without a checkpoint. */
    if (vfs->multi_process || vfs->key_set->old_epoch != 0) {
        return SQLITE_OK;
    }
    fhs_vfs_pass_end(vfs);
    int code = fhs_vfs_count_pages(vfs, &stored);
    if (code != SQLITE_OK) {
        return code;
    }
    pass->salt = atomic_load(&vfs->wal_salt);
    pass->frames = (uint32_t)atomic_load(&vfs->wal_commit);
    pass->database = vfs->log.database;
    pass->room = stored > pass->database ? stored : pass->database;
    pass->in_log = collect_pages(vfs, pass->frames, pass->room);
    pass->is_written = fhs_calloc((size_t)pass->room / 8 + 1, 1);
    if (pass->in_log == NULL || pass->is_written == NULL) {
        fhs_vfs_pass_end(vfs);
        return SQLITE_IOERR_NOMEM;
    }
    fhs_keys_get_sum(vfs->keys, &before);
    code = take_logged_out(vfs, &before, stored, &sum);
    sum.salt = pass->salt;
    sum.frames = pass->frames;
    sum.database = pass->database;
    pass->rest = sum;
    bool is_same = before.state == FHS_SUM_PARTIAL && before.salt == sum.salt &&
                   before.frames == sum.frames;
    if (code == SQLITE_OK && !is_same) {
        code = publish_sum(vfs, &sum);
    }
    pass->is_open = code == SQLITE_OK;
    if (code != SQLITE_OK) {
        fhs_vfs_pass_end(vfs);
    }
    return code;
}

void fhs_vfs_pass_wrote(fhs_vfs *vfs, uint32_t page, const uint8_t *sealed)
{
    fhs_log_pass *pass = &vfs->pass;
    if (pass->is_open && page <= pass->room && !has_bit(pass->is_written, page)) {
        pass->is_written[page / 8] = (uint8_t)(pass->is_written[page / 8] | 1u << (page % 8));
        fhs_keys_sum_add(vfs->keys, &pass->rest, page, sealed + PAGE_NONCE, false);
    }
}

/* The pages are on disk and the log is to go: what they add up to, with those that were out of the
 * sum and still are as they were. */
int fhs_vfs_pass_complete(fhs_vfs *vfs)
{
    fhs_log_pass *pass = &vfs->pass;
    uint32_t stored = 0;
    if (!pass->is_open) {
        return SQLITE_OK;
    }
    fhs_page_sum sum = pass->rest;
    int code = fhs_vfs_count_pages(vfs, &stored);
    for (uint32_t page = 1; page <= stored && page <= pass->room && code == SQLITE_OK; page++) {
        bool was_out = has_bit(pass->in_log, page) || page > pass->database;
        if (was_out && !has_bit(pass->is_written, page)) {
            code = add_stored_tail(vfs, &sum, page, false);
        }
    }
    sum.state = FHS_SUM_COMPLETE;
    sum.salt = 0;
    sum.frames = 0;
    sum.database = 0;
    if (code == SQLITE_OK) {
        code = publish_sum(vfs, &sum);
    }
    if (code == SQLITE_OK) {
        fhs_vfs_pass_end(vfs);
    }
    return code;
}

/* The log is the sign that a torn header copy may be from a crash: it goes when there is none. */
int fhs_vfs_give_up_log(fhs_vfs *vfs)
{
    const fhs_keys_io io = fhs_vfs_header_io(vfs);
    int code = fhs_vfs_pass_complete(vfs);
    return code == SQLITE_OK && fhs_keys_is_torn(vfs->keys)
               ? fhs_vfs_sqlite_code(fhs_keys_mend(vfs->keys, &io, &vfs->is_mended, NULL))
               : code;
}

/* ---- generation ---- */

/* The first page that a process writes is sealed with a generation that no page had before. */
int fhs_vfs_begin_generation(fhs_vfs *vfs)
{
    const fhs_keys_io io = fhs_vfs_header_io(vfs);
    if (vfs->has_generation || vfs->is_building) {
        return SQLITE_OK;
    }
    int code = fhs_vfs_sqlite_code(
        fhs_keys_raise_generation(vfs->keys, vfs->multi_process, &io, NULL));
    if (code == SQLITE_OK) {
        fhs_vfs_seal_renew(vfs);
        vfs->has_generation = true;
    }
    return code;
}
