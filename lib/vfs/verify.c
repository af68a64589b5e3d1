/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every stored byte is looked at: the log first, for it says which pages of the file it supersedes
 * and how many there should be; then both header copies; then page after page.
 */
#include <sodium.h>

#include "base/mem.h"
#include "vfs/vfs_internal.h"

#define PROGRESS_STEP 256u
#define ATTEMPTS      3 /* a checkpoint may write what is being read */

typedef struct walk {
    fhs_vfs *vfs;
    fhs_vfs_verify_fn report;
    void *ctx;
    fhs_vfs_verified *result;
    fhirstore_error **err;
    sqlite3_file *log;
    uint8_t *in_log;      /* a bit for each page that a committed frame holds */
    uint64_t in_log_size; /* pages that in_log has bits for */
    uint64_t database;    /* pages after the last commit; 0: the log has none */
    uint64_t stored;      /* pages in the file */
    fhs_page_sum wanted;  /* the header's sum over pages … */
    fhs_page_sum found;   /* … and what they come to */
    bool saw_superseded;  /* a page in the log whose place in the file is damaged */
    uint8_t *left_out;    /* a bit for each page that a partial sum leaves out */
    bool log_is_short;    /* the log does not hold what a partial sum leaves out */
    uint64_t done;
    uint64_t total;
    uint8_t scratch[SEALED_FRAME];
    uint8_t plain[PAGE_BYTES];
} walk;

static fhirstore_status tell_finding(walk *w, fhs_vfs_place place, fhs_vfs_flaw flaw,
                                     uint64_t number)
{
    fhs_vfs_damage damage = {place, flaw, number};
    if (flaw != FHS_VFS_TORN_TAIL && flaw != FHS_VFS_SUPERSEDED) {
        w->result->flaws++;
    }
    return w->report == NULL ? FHIRSTORE_OK : w->report(w->ctx, &damage, w->done, w->total);
}

static fhirstore_status advance(walk *w)
{
    w->done++;
    if (w->report == NULL || w->done % PROGRESS_STEP != 0) {
        return FHIRSTORE_OK;
    }
    return w->report(w->ctx, NULL, w->done, w->total);
}

static fhirstore_status read_at(walk *w, sqlite3_file *file, uint64_t offset, int amount)
{
    int code = file->pMethods->xRead(file, w->scratch, amount, (sqlite3_int64)offset);
    if (code == SQLITE_OK || code == SQLITE_IOERR_SHORT_READ) {
        return FHIRSTORE_OK; /* what is missing reads as zeros, which authenticate nowhere */
    }
    return fhs_vfs_fail(w->vfs, code, "the store cannot be read", w->err);
}

static fhirstore_status size_of(walk *w, sqlite3_file *file, uint64_t *size_out)
{
    sqlite3_int64 size = 0;
    int code = file->pMethods->xFileSize(file, &size);
    *size_out = (uint64_t)size;
    return code == SQLITE_OK ? FHIRSTORE_OK
                             : fhs_vfs_fail(w->vfs, code, "the store cannot be read", w->err);
}

/* ---- the log ---- */

typedef struct log_end {
    uint64_t salt;
    uint32_t sum[2];    /* SQLite's running checksum, up to and with the whole frames … */
    bool is_big_endian; /* … over words of this order */
    uint64_t frames;
    uint64_t whole; /* frames from the first on that are authentic, of this use, and in its chain */
    uint64_t commit;    /* of these, up to and with the last commit */
    uint64_t last_live; /* last authentic frame of this use, plus one */
    uint64_t last_safe; /* last of them that ends a transaction or came after a sync, plus one */
    bool is_headed;     /* the log's header is sound */
} log_end;

static bool open_scratch_frame(walk *w, uint64_t frame, uint8_t *header)
{
    const uint8_t *sealed = w->scratch + SEALED_FRAME_HEADER;
    return fhs_vfs_open_frame(w->vfs, (uint32_t)frame, w->scratch, sealed + PAGE_TAG, header) &&
           fhs_vfs_open_page(w->vfs, fhs_get_be32(header), sealed, w->plain);
}

/* One step of SQLite's running checksum (its file format, 4.2). */
static void add_checksum(log_end *end, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        uint32_t first = end->is_big_endian ? fhs_get_be32(bytes + i)
                                            : (uint32_t)fhs_get_le(bytes + i, 4);
        uint32_t second = end->is_big_endian ? fhs_get_be32(bytes + i + 4)
                                             : (uint32_t)fhs_get_le(bytes + i + 4, 4);
        end->sum[0] += first + end->sum[1];
        end->sum[1] += second + end->sum[0];
    }
}

/*
 * Whether the frame in hand goes on where the chain stands. What a transaction that failed has left
 * behind the end is authentic and of this use, but SQLite does not read it, and neither do we.
 */
static bool goes_on(walk *w, log_end *end, const uint8_t *header)
{
    add_checksum(end, header, 8);
    add_checksum(end, w->plain, PAGE_BYTES);
    uint32_t off = (end->sum[0] ^ fhs_get_be32(header + 16)) |
                   (end->sum[1] ^ fhs_get_be32(header + 20));
    return off == 0;
}

static fhirstore_status load_log_header(walk *w, log_end *end)
{
    uint8_t header[WAL_HEADER];
    fhirstore_status status = read_at(w, w->log, 0, SLOT_WAL_HEADER);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    bool is_sound = fhs_vfs_open_wal(w->vfs, w->scratch, header);
    end->salt = is_sound ? fhs_vfs_salt_at(header + 16) : 0;
    if (is_sound) {
        end->is_big_endian = (header[3] & 1u) != 0;
        end->sum[0] = fhs_get_be32(header + 24);
        end->sum[1] = fhs_get_be32(header + 28);
    }
    end->is_headed = is_sound && sodium_is_zero(w->scratch + SEALED_WAL_HEADER,
                                                SLOT_WAL_HEADER - SEALED_WAL_HEADER) == 1;
    return FHIRSTORE_OK;
}

/* It is synced before the first frame is written: without frames the log never began. */
static fhirstore_status judge_log_header(walk *w, const log_end *end)
{
    if (end->is_headed) {
        return FHIRSTORE_OK;
    }
    bool is_damage = end->frames > 0 || end->salt != 0;
    return tell_finding(w, FHS_VFS_WAL, is_damage ? FHS_VFS_DAMAGED : FHS_VFS_TORN_TAIL,
                        FHS_VFS_WAL_HEADER);
}

/* What a partial sum leaves out: the pages of the log's first frames. */
static void leave_out(walk *w, const log_end *end, uint64_t frame, const uint8_t *header)
{
    uint32_t page = fhs_get_be32(header);
    bool counts = w->wanted.state == FHS_SUM_PARTIAL && frame < w->wanted.frames &&
                  end->salt == w->wanted.salt;
    if (counts && page <= w->stored) {
        w->left_out[page / 8] = (uint8_t)(w->left_out[page / 8] | 1u << (page % 8));
    }
}

/* How far the log is whole, and where its last frame of this use lies. */
static fhirstore_status measure_log(walk *w, log_end *end)
{
    fhirstore_status status = FHIRSTORE_OK;
    uint8_t header[FRAME_HEADER];
    for (uint64_t i = 0; i < end->frames && status == FHIRSTORE_OK; i++) {
        status = read_at(w, w->log, fhs_vfs_frame_offset((uint32_t)i), SEALED_FRAME);
        if (status != FHIRSTORE_OK || !open_scratch_frame(w, i, header)) {
            continue;
        }
        if (fhs_vfs_salt_at(header + 8) != end->salt) {
            continue;
        }
        end->last_live = i + 1;
        if (fhs_vfs_is_proof(header, w->scratch)) {
            end->last_safe = i + 1;
        }
        leave_out(w, end, i, header);
        if (end->whole == i && goes_on(w, end, header)) {
            end->whole = i + 1;
            if (fhs_get_be32(header + 4) != 0) {
                end->commit = i + 1;
                w->database = fhs_get_be32(header + 4);
            }
        }
    }
    return status;
}

/*
 * A bad frame behind all commits is what a crash leaves, unless a single byte makes it good. Whole
 * ones may follow it: a page that did not fit in the cache is in the log before its transaction
 * ends, and when it changes again its frame is written over, with younger ones behind.
 */
static fhs_vfs_flaw judge_frame(const walk *w, const log_end *end, uint64_t frame)
{
    uint64_t known = atomic_load(&w->vfs->wal_commit);
    if (frame < known && !w->vfs->multi_process) {
        return FHS_VFS_DAMAGED;
    }
    if (frame < end->last_safe) {
        return FHS_VFS_LOST_TAIL;
    }
    return fhs_vfs_is_flipped_frame(w->vfs, (uint32_t)frame, w->scratch) ? FHS_VFS_DAMAGED
                                                                         : FHS_VFS_TORN_TAIL;
}

static void mark_page(walk *w, uint32_t page)
{
    if (page < w->in_log_size) {
        w->in_log[page / 8] = (uint8_t)(w->in_log[page / 8] | 1u << (page % 8));
    }
}

static bool is_in_log(const walk *w, uint64_t page)
{
    return page < w->in_log_size && ((unsigned)w->in_log[page / 8] >> (page % 8) & 1u) != 0;
}

static fhirstore_status check_frames(walk *w, const log_end *end)
{
    fhirstore_status status = FHIRSTORE_OK;
    uint8_t header[FRAME_HEADER];
    for (uint64_t i = 0; i < end->frames && status == FHIRSTORE_OK; i++) {
        bool is_sound = false;
        for (int attempt = 0; attempt < ATTEMPTS && !is_sound; attempt++) {
            status = read_at(w, w->log, fhs_vfs_frame_offset((uint32_t)i), SEALED_FRAME);
            is_sound = status == FHIRSTORE_OK && open_scratch_frame(w, i, header);
        }
        if (status == FHIRSTORE_OK && !is_sound) {
            status = tell_finding(w, FHS_VFS_WAL, judge_frame(w, end, i), i);
        }
        if (is_sound && i < end->commit) {
            mark_page(w, fhs_get_be32(header));
        }
        w->result->frames++;
        if (status == FHIRSTORE_OK) {
            status = advance(w);
        }
    }
    return status;
}

static fhirstore_status walk_log(walk *w)
{
    log_end end = {0};
    uint64_t size = 0;
    w->log_is_short = true;
    fhirstore_status status = w->log == NULL ? FHIRSTORE_OK : size_of(w, w->log, &size);
    if (status != FHIRSTORE_OK || size == 0) {
        return status;
    }
    end.frames = fhs_vfs_frames_in(size);
    w->total += end.frames;
    status = load_log_header(w, &end);
    if (status == FHIRSTORE_OK) {
        status = measure_log(w, &end);
    }
    if (status == FHIRSTORE_OK) {
        status = judge_log_header(w, &end);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    w->log_is_short = end.salt != w->wanted.salt || end.last_live < w->wanted.frames;
    w->in_log_size = (w->database > w->stored ? w->database : w->stored) + 1;
    w->in_log = fhs_calloc((size_t)(w->in_log_size / 8 + 1), 1);
    if (w->in_log == NULL) {
        return fhs_fail_memory(w->err);
    }
    status = check_frames(w, &end);
    bool has_rest = size > SLOT_WAL_HEADER && (size - SLOT_WAL_HEADER) % SEALED_FRAME != 0;
    if (status == FHIRSTORE_OK && has_rest) {
        status = tell_finding(w, FHS_VFS_WAL, FHS_VFS_TORN_TAIL, end.frames);
    }
    return status;
}

/* ---- the file ---- */

/* Others may be writing one just now. */
static fhirstore_status read_header_copy(walk *w, uint32_t copy)
{
    fhirstore_status status = fhs_vfs_lock_header(w->vfs, w->err);
    if (status == FHIRSTORE_OK) {
        status = read_at(w, w->vfs->anchor, (uint64_t)copy * FHS_KEYS_COPY_BYTES,
                         (int)FHS_KEYS_COPY_BYTES);
        fhs_vfs_unlock_header(w->vfs);
    }
    return status;
}

static fhirstore_status walk_header(walk *w)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (uint32_t copy = 0; copy < 2 && status == FHIRSTORE_OK; copy++) {
        status = read_header_copy(w, copy);
        if (status == FHIRSTORE_OK && !fhs_keys_copy_is_valid(w->vfs->keys, w->scratch)) {
            status = tell_finding(w, FHS_VFS_HEADER, FHS_VFS_DAMAGED, copy);
        } else if (status == FHIRSTORE_OK && !w->vfs->multi_process &&
                   !fhs_keys_copy_is_due(w->vfs->keys, copy, w->scratch)) {
            status = tell_finding(w, FHS_VFS_HEADER, FHS_VFS_STALE, copy);
        } else if (status == FHIRSTORE_OK && w->vfs->bad_copy == copy + 1) {
            status = tell_finding(w, FHS_VFS_HEADER, FHS_VFS_OVERWRITTEN, copy);
        }
    }
    return status;
}

static void add_to_sum(walk *w, uint32_t page)
{
    bool is_partial = w->wanted.state == FHS_SUM_PARTIAL;
    bool is_out = is_partial && (page > w->wanted.database ||
                                 ((unsigned)w->left_out[page / 8] >> (page % 8) & 1u) != 0);
    if (!is_out && page != PENDING_PAGE) {
        fhs_keys_sum_add(w->vfs->keys, &w->found, page, w->scratch + PAGE_NONCE, false);
    }
}

/* Whether the pages are those that the last checkpoint left. Damage was told before. */
static fhirstore_status compare_sums(walk *w)
{
    bool is_known = w->wanted.state != FHS_SUM_NONE && !w->vfs->multi_process && !w->saw_superseded;
    bool is_missing = w->wanted.state == FHS_SUM_PARTIAL && w->log_is_short;
    if (!is_known || w->result->flaws > 0 ||
        (!is_missing && memcmp(w->wanted.sum, w->found.sum, sizeof w->found.sum) == 0)) {
        return FHIRSTORE_OK;
    }
    return tell_finding(w, FHS_VFS_FILE, FHS_VFS_STALE, BLOCK_BYTES + w->stored * PAGE_BYTES);
}

/* Where the log has the page, a checkpoint may have been stopped while it wrote; but see flip.c. */
static fhirstore_status tell_bad_page(walk *w, uint32_t page)
{
    bool is_torn = is_in_log(w, page) && !fhs_vfs_is_flipped_page(w->vfs, page, w->scratch);
    w->saw_superseded |= is_in_log(w, page);
    return tell_finding(w, FHS_VFS_PAGE, is_torn ? FHS_VFS_SUPERSEDED : FHS_VFS_DAMAGED, page);
}

static fhirstore_status check_page(walk *w, uint32_t page)
{
    bool is_sound = false;
    for (int attempt = 0; attempt < ATTEMPTS && !is_sound; attempt++) {
        fhirstore_status status = read_at(
            w, w->vfs->anchor, BLOCK_BYTES + (uint64_t)(page - 1) * PAGE_BYTES, PAGE_BYTES);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        is_sound = page == PENDING_PAGE ? sodium_is_zero(w->scratch, PAGE_BYTES) == 1
                                        : fhs_vfs_open_page(w->vfs, page, w->scratch, w->plain);
    }
    if (page == 1 && is_sound && w->database == 0 &&
        fhs_get_be32(w->plain + 24) == fhs_get_be32(w->plain + 92)) {
        w->database = fhs_get_be32(w->plain + 28);
    }
    w->result->pages++;
    add_to_sum(w, page);
    return is_sound ? FHIRSTORE_OK : tell_bad_page(w, page);
}

static fhirstore_status walk_pages(walk *w)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (uint64_t page = 1; page <= w->stored && status == FHIRSTORE_OK; page++) {
        status = check_page(w, (uint32_t)page);
        if (status == FHIRSTORE_OK) {
            status = advance(w);
        }
    }
    if (w->database == 0) {
        w->database = 1; /* there is always a first page, even if none says so any more */
    }
    for (uint64_t page = w->stored + 1; page <= w->database && status == FHIRSTORE_OK; page++) {
        if (!is_in_log(w, page) && page != PENDING_PAGE) {
            status = tell_finding(w, FHS_VFS_PAGE, FHS_VFS_MISSING, page);
        }
    }
    return status;
}

static fhirstore_status open_log(walk *w)
{
    fhs_vfs *vfs = w->vfs;
    int exists = 0;
    int granted = 0;
    int code = vfs->base->xAccess(vfs->base, vfs->wal_path, SQLITE_ACCESS_EXISTS, &exists);
    if (code != SQLITE_OK) {
        return fhs_vfs_fail(vfs, code, "the log cannot be read", w->err);
    }
    return exists ? fhs_vfs_open_below(vfs, sqlite3_filename_wal(vfs->opened),
                                       SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE, &w->log, &granted,
                                       w->err)
                  : FHIRSTORE_OK;
}

fhirstore_status fhs_vfs_verify_pages(fhs_vfs *vfs, fhs_vfs_verify_fn report, void *ctx,
                                      fhs_vfs_verified *verified_out, fhirstore_error **err)
{
    uint64_t size = 0;
    memset(verified_out, 0, sizeof *verified_out);
    if (fhs_vfs_is_forked(vfs)) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_FORKED);
    }
    walk *w = fhs_calloc(1, sizeof *w);
    if (w == NULL) {
        return fhs_fail_memory(err);
    }
    w->vfs = vfs;
    w->report = report;
    w->ctx = ctx;
    w->result = verified_out;
    w->err = err;
    fhirstore_status status = size_of(w, vfs->anchor, &size);
    if (status == FHIRSTORE_OK) {
        uint64_t body = size < BLOCK_BYTES ? 0 : size - BLOCK_BYTES;
        w->stored = (body + PAGE_BYTES - 1) / PAGE_BYTES;
        w->total = w->stored;
        fhs_keys_get_sum(vfs->keys, &w->wanted);
        w->left_out = fhs_calloc((size_t)(w->stored / 8 + 1), 1);
        status = w->left_out == NULL ? fhs_fail_memory(err) : open_log(w);
    }
    if (status == FHIRSTORE_OK) {
        status = walk_log(w);
    }
    if (status == FHIRSTORE_OK) {
        status = walk_header(w);
    }
    if (status == FHIRSTORE_OK) {
        status = walk_pages(w);
    }
    if (status == FHIRSTORE_OK) {
        status = compare_sums(w);
    }
    (void)fhs_vfs_close_below(w->log);
    sodium_memzero(w->plain, sizeof w->plain);
    fhs_free(w->in_log);
    fhs_free(w->left_out);
    fhs_free(w);
    return status;
}
