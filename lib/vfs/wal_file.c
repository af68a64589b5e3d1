/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write-ahead log. SQLite's own frame header holds a running checksum of plaintext, so header
 * and page are sealed both. The accesses that SQLite is known to make are served, each by one read
 * or one write of the file; any other is an I/O error, never passed through.
 *
 *     read   (0, 32)  (24, 8)  (frame, 24)  (frame + 16, 8)  (frame, 24 + page)  (frame + 24, page)
 *     write  (0, 32)  (frame, 24)  (frame + 24, page)
 */
#include <sodium.h>

#include "vfs/vfs_internal.h"

typedef struct wal_place {
    uint32_t frame;
    int within; /* offset in the frame as SQLite sees it */
} wal_place;

static bool find_place(sqlite3_int64 offset, wal_place *place)
{
    sqlite3_int64 frame = (offset - WAL_HEADER) / FRAME_BYTES;
    if (offset < WAL_HEADER || frame > UINT32_MAX) {
        return false;
    }
    place->frame = (uint32_t)frame;
    place->within = (int)((offset - WAL_HEADER) % FRAME_BYTES);
    return true;
}

static int read_stored(fhs_vfs_file *self, void *out, int amount, uint64_t offset)
{
    return self->real->pMethods->xRead(self->real, out, amount, (sqlite3_int64)offset);
}

static int write_stored(fhs_vfs_file *self, const void *bytes, int amount, uint64_t offset)
{
    return self->real->pMethods->xWrite(self->real, bytes, amount, (sqlite3_int64)offset);
}

static int damaged_frame(fhs_vfs_file *self, uint64_t frame, fhs_vfs_flaw flaw)
{
    fhs_vfs_note(self->vfs, FHS_VFS_WAL, flaw, frame);
    return SQLITE_IOERR_DATA;
}

static void set_salt(fhs_vfs_file *self, uint64_t salt)
{
    atomic_store(&self->vfs->wal_salt, salt);
    self->main->salt = salt;
    self->main->salt_is_fresh = true;
}

/* Learn the salt of the log's header from the file. */
static int load_salt(fhs_vfs_file *self)
{
    uint8_t slot[SEALED_WAL_HEADER];
    uint8_t header[WAL_HEADER];
    int code = read_stored(self, slot, sizeof slot, 0);
    if (code == SQLITE_IOERR_SHORT_READ ||
        (code == SQLITE_OK && !fhs_vfs_open_wal(self->vfs, slot, header))) {
        return damaged_frame(self, FHS_VFS_WAL_HEADER, FHS_VFS_DAMAGED);
    }
    if (code == SQLITE_OK) {
        set_salt(self, fhs_vfs_salt_at(header + 16));
    }
    return code;
}

/*
 * A frame of an earlier use of the log, put back in place, carries that use's salt. Once SQLite has
 * changed a frame within its transaction it writes the later ones without salt and checksum, and
 * fills both in before the commit.
 */
static int check_salt(fhs_vfs_file *self, uint32_t frame, const uint8_t *header)
{
    fhs_vfs *vfs = self->vfs;
    uint64_t salt = atomic_load(&vfs->wal_salt);
    bool is_known = salt != 0;
    if (vfs->multi_process) {
        is_known = self->main->salt_is_fresh;
        salt = self->main->salt;
    }
    if (!is_known) {
        int code = load_salt(self);
        if (code != SQLITE_OK) {
            return code;
        }
        salt = self->main->salt;
    }
    uint64_t found = fhs_vfs_salt_at(header + 8);
    bool is_live = found == salt || (found == 0 && self->has_unsalted);
    return is_live ? SQLITE_OK : damaged_frame(self, frame, FHS_VFS_DAMAGED);
}

/*
 * The stored frame into scratch and its header opened. IOERR_SHORT_READ when the file ends before
 * it, IOERR_DATA when it is not authentic; neither is noted here, for it need not be damage.
 */
static int load_frame(fhs_vfs_file *self, uint32_t frame, uint8_t *header)
{
    int code = read_stored(self, self->scratch, SEALED_FRAME, fhs_vfs_frame_offset(frame));
    if (code == SQLITE_OK &&
        !fhs_vfs_open_frame(self->vfs, frame, self->scratch,
                            self->scratch + SEALED_FRAME_HEADER + PAGE_TAG, header)) {
        return SQLITE_IOERR_DATA;
    }
    return code;
}

static bool is_bad_frame(int code)
{
    return code == SQLITE_IOERR_DATA || code == SQLITE_IOERR_SHORT_READ;
}

/* A frame that SQLite counts on: authentic and of the log's present use, or damage. */
static int load_live_frame(fhs_vfs_file *self, uint32_t frame, uint8_t *header)
{
    int code = load_frame(self, frame, header);
    if (is_bad_frame(code)) {
        bool is_missing = code == SQLITE_IOERR_SHORT_READ;
        return damaged_frame(self, frame, is_missing ? FHS_VFS_MISSING : FHS_VFS_DAMAGED);
    }
    return code == SQLITE_OK ? check_salt(self, frame, header) : code;
}

static bool open_loaded_page(fhs_vfs_file *self, const uint8_t *header, uint8_t *plain)
{
    return fhs_vfs_open_page(self->vfs, fhs_get_be32(header), self->scratch + SEALED_FRAME_HEADER,
                             plain);
}

/* During a checkpoint the page goes out as it is stored; write_main knows it again. */
static int pass_page(fhs_vfs_file *self, uint32_t frame, uint8_t *out)
{
    int code = read_stored(self, out, PAGE_BYTES,
                           fhs_vfs_frame_offset(frame) + SEALED_FRAME_HEADER);
    if (code == SQLITE_IOERR_SHORT_READ) {
        return damaged_frame(self, frame, FHS_VFS_MISSING);
    }
    if (code == SQLITE_OK) {
        memcpy(self->main->passed, out + PAGE_NONCE, sizeof self->main->passed);
        self->main->has_passed = true;
    }
    return code;
}

static int read_frame_page(fhs_vfs_file *self, uint32_t frame, uint8_t *out)
{
    uint8_t header[FRAME_HEADER];
    if (self->main->is_passing) {
        return pass_page(self, frame, out);
    }
    int code = load_live_frame(self, frame, header);
    if (code == SQLITE_OK && !open_loaded_page(self, header, out)) {
        code = damaged_frame(self, frame, FHS_VFS_DAMAGED);
    }
    return code;
}

static int read_frame_header(fhs_vfs_file *self, uint32_t frame, int from, int amount, uint8_t *out)
{
    uint8_t header[FRAME_HEADER];
    int code = load_live_frame(self, frame, header);
    if (code == SQLITE_OK) {
        memcpy(out, header + from, (size_t)amount);
    }
    return code;
}

/*
 * Does a frame of the log's present use tell that what lies before it was whole? The end of a
 * transaction does, unless writes were reordered; the first one after a sync does in any case.
 * Other frames do not: those of a transaction under way are written over in place.
 */
bool fhs_vfs_is_proof(const uint8_t *header, const uint8_t *sealed)
{
    uint8_t kind = sealed[SEALED_FRAME_HEADER + PAGE_META + META_KIND];
    return fhs_get_be32(header + 4) != 0 || (kind & KIND_AFTER_SYNC) != 0;
}

/* A frame behind the bad one, in scratch. */
static int judge_beyond(fhs_vfs_file *self, uint32_t bad, const uint8_t *header, uint8_t *plain)
{
    uint8_t kind = self->scratch[SEALED_FRAME_HEADER + PAGE_META + META_KIND];
    if (fhs_vfs_salt_at(header + 8) != self->main->salt ||
        !fhs_vfs_is_proof(header, self->scratch)) {
        return SQLITE_OK;
    }
    atomic_store(&self->vfs->lost_tail, (uint64_t)bad + 1);
    fhs_vfs_note(self->vfs, FHS_VFS_WAL, FHS_VFS_LOST_TAIL, bad);
    bool is_synced = (kind & KIND_AFTER_SYNC) != 0 && open_loaded_page(self, header, plain);
    return is_synced ? damaged_frame(self, bad, FHS_VFS_DAMAGED) : SQLITE_OK;
}

/*
 * A bad frame ends the log, as a torn one does. What lies beyond tells more: the end of a
 * transaction of this use of the log shows that commits may be lost, which is remembered; and a
 * frame that was written after everything before it was synced proves that the bad frame was whole
 * on the disk once. That is no crash, and the read fails.
 */
static int judge_bad_frame(fhs_vfs_file *self, uint32_t bad, uint8_t *plain)
{
    uint8_t header[FRAME_HEADER];
    sqlite3_int64 size = 0;
    int code = self->real->pMethods->xFileSize(self->real, &size);
    uint64_t count = fhs_vfs_frames_in((uint64_t)size);
    for (uint64_t i = (uint64_t)bad + 1; i < count && code == SQLITE_OK; i++) {
        code = load_frame(self, (uint32_t)i, header);
        if (is_bad_frame(code)) {
            code = SQLITE_OK;
        } else if (code == SQLITE_OK) {
            code = judge_beyond(self, bad, header, plain);
        }
    }
    return code;
}

/* A frame in full: recovery reads these one after the other, and so does a rewrite of headers. */
static int read_whole_frame(fhs_vfs_file *self, uint32_t frame, uint8_t *out)
{
    fhs_vfs *vfs = self->vfs;
    int code = load_frame(self, frame, out);
    if (code == SQLITE_OK && !open_loaded_page(self, out, out + FRAME_HEADER)) {
        code = SQLITE_IOERR_DATA;
    }
    self->read_frame = frame;
    if (is_bad_frame(code) && self->mode == FHS_WAL_REWRITE) {
        return damaged_frame(self, frame, FHS_VFS_DAMAGED);
    }
    if (is_bad_frame(code)) {
        code = judge_bad_frame(self, frame, out + FRAME_HEADER);
        memset(out, 0, FRAME_BYTES);
        return code;
    }
    bool is_live = code == SQLITE_OK && fhs_vfs_salt_at(out + 8) == self->main->salt;
    bool is_new = is_live && frame + 1u > atomic_load(&vfs->wal_commit);
    uint32_t database = is_new ? fhs_get_be32(out + 4) : 0;
    if (is_new && !fhs_vfs_log_note(vfs, frame, fhs_get_be32(out), database)) {
        return SQLITE_IOERR_NOMEM;
    }
    if (database != 0) {
        atomic_store(&vfs->wal_commit, frame + 1u);
    }
    return code;
}

/* Is there any frame that this store sealed? */
static int find_any_frame(fhs_vfs_file *self, bool *found)
{
    uint8_t header[FRAME_HEADER];
    sqlite3_int64 size = 0;
    int code = self->real->pMethods->xFileSize(self->real, &size);
    uint64_t count = fhs_vfs_frames_in((uint64_t)size);
    *found = false;
    for (uint64_t i = 0; i < count && code == SQLITE_OK && !*found; i++) {
        code = load_frame(self, (uint32_t)i, header);
        *found = code == SQLITE_OK;
        code = is_bad_frame(code) ? SQLITE_OK : code;
    }
    return code;
}

/*
 * The header is synced before the first frame is written. So zeros mean a log that never began, a
 * header that is not ours a log of another store: both count as no log. A header that does not
 * authenticate before frames that do is damage.
 */
static int judge_bad_header(fhs_vfs_file *self, const uint8_t *slot)
{
    bool found = false;
    int code = find_any_frame(self, &found);
    if (code == SQLITE_OK && found) {
        atomic_store(&self->vfs->lost_tail, 1);
        if (!sodium_is_zero(slot, SEALED_WAL_HEADER)) {
            code = damaged_frame(self, FHS_VFS_WAL_HEADER, FHS_VFS_DAMAGED);
        } else {
            fhs_vfs_note(self->vfs, FHS_VFS_WAL, FHS_VFS_LOST_TAIL, FHS_VFS_WAL_HEADER);
        }
    }
    return code;
}

static int read_wal_header(fhs_vfs_file *self, uint8_t *out)
{
    uint8_t slot[SEALED_WAL_HEADER];
    int code = read_stored(self, slot, sizeof slot, 0);
    if (code == SQLITE_IOERR_SHORT_READ) {
        code = SQLITE_OK; /* the rest is zeroed, and does not authenticate */
    }
    if (code != SQLITE_OK) {
        return code;
    }
    if (fhs_vfs_open_wal(self->vfs, slot, out)) {
        set_salt(self, fhs_vfs_salt_at(out + 16));
        self->mode = FHS_WAL_RECOVERY;
        return SQLITE_OK;
    }
    memset(out, 0, WAL_HEADER);
    return judge_bad_header(self, slot);
}

static int read_header_checksum(fhs_vfs_file *self, uint8_t *out)
{
    uint8_t header[WAL_HEADER];
    int code = read_wal_header(self, header);
    if (code == SQLITE_OK) {
        memcpy(out, header + 24, 8);
    }
    return code;
}

static int read_wal(sqlite3_file *file, void *out, int amount, sqlite3_int64 offset)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    wal_place place;
    int code = SQLITE_IOERR_READ;
    self->holds_header = false;
    if (offset == 0 && amount == WAL_HEADER) {
        return read_wal_header(self, out);
    }
    if (offset == 24 && amount == 8) {
        code = read_header_checksum(self, out);
        self->mode = FHS_WAL_REWRITE;
        return code;
    }
    if (!find_place(offset, &place)) {
        return code;
    }
    if (place.within == FRAME_HEADER && amount == PAGE_BYTES) {
        return read_frame_page(self, place.frame, out);
    }
    if (place.within == 0 && amount == FRAME_BYTES) {
        return read_whole_frame(self, place.frame, out);
    }
    if ((place.within == 16 && amount == 8) || (place.within == 0 && amount == FRAME_HEADER)) {
        code = read_frame_header(self, place.frame, place.within, amount, out);
        self->mode = place.within == 16 ? FHS_WAL_REWRITE : self->mode;
        self->read_frame = UINT32_MAX;
    }
    return code;
}

static int write_wal_header(fhs_vfs_file *self, const uint8_t *header)
{
    uint8_t slot[SLOT_WAL_HEADER];
    self->mode = FHS_WAL_PLAIN;
    int code = fhs_vfs_pass_complete(self->vfs);
    if (code != SQLITE_OK) {
        return code;
    }
    fhs_vfs_seal_wal(self->vfs, header, slot);
    atomic_store(&self->vfs->wal_commit, 0);
    atomic_store(&self->vfs->wal_durable, 0);
    code = write_stored(self, slot, sizeof slot, 0);
    if (code == SQLITE_OK) {
        set_salt(self, fhs_vfs_salt_at(header + 16));
        atomic_store(&self->vfs->wal_written, 0);
    }
    return code;
}

/*
 * A writer that was killed, or gave up, may have left frames behind the log's end that are
 * authentic and of this use. If the next one were killed while it writes over the first of them,
 * they would look like commits behind a frame that somebody damaged: they go before that.
 */
static int drop_dead_frames(fhs_vfs_file *self, uint32_t frame)
{
    fhs_vfs *vfs = self->vfs;
    uint8_t header[FRAME_HEADER];
    const uint64_t offset = fhs_vfs_frame_offset(frame);
    if (!self->main->has_to_write) {
        return SQLITE_OK;
    }
    self->main->has_to_write = false;
    if (!vfs->multi_process && atomic_load(&vfs->wal_written) <= frame) {
        return SQLITE_OK;
    }
    int code = load_frame(self, frame, header);
    uint64_t salt = vfs->multi_process ? self->main->salt : atomic_load(&vfs->wal_salt);
    bool is_older = code == SQLITE_OK && fhs_vfs_salt_at(header + 8) != salt;
    if (code == SQLITE_IOERR_SHORT_READ || is_older) {
        code = SQLITE_OK;
    } else if (code == SQLITE_OK || code == SQLITE_IOERR_DATA) {
        code = self->real->pMethods->xTruncate(self->real, (sqlite3_int64)offset);
    }
    if (code == SQLITE_OK) {
        atomic_store(&vfs->wal_written, frame);
    }
    return code;
}

/* Only who has the lock for writing comes here. */
static void note_written(fhs_vfs *vfs, uint32_t frame)
{
    if (atomic_load(&vfs->wal_written) <= frame) {
        atomic_store(&vfs->wal_written, (uint64_t)frame + 1);
    }
}

/* In REWRITE mode the page stays as it is: only the checksum before it changes. */
static int rewrite_frame_header(fhs_vfs_file *self, uint32_t frame, const uint8_t *header)
{
    uint8_t tag[TAG_BYTES];
    uint8_t sealed[SEALED_FRAME_HEADER];
    uint64_t offset = fhs_vfs_frame_offset(frame);
    int code = read_stored(self, tag, sizeof tag, offset + SEALED_FRAME_HEADER + PAGE_TAG);
    if (code != SQLITE_OK) {
        return code;
    }
    fhs_vfs_seal_frame(self->vfs, frame, header, tag, sealed);
    self->has_unsalted = false;
    return write_stored(self, sealed, sizeof sealed, offset);
}

static int write_frame_header(fhs_vfs_file *self, uint32_t frame, const uint8_t *header)
{
    if (self->mode == FHS_WAL_REWRITE && self->read_frame == frame) {
        return rewrite_frame_header(self, frame, header);
    }
    self->mode = FHS_WAL_PLAIN;
    self->has_unsalted = fhs_vfs_salt_at(header + 8) == 0;
    int code = check_salt(self, frame, header);
    if (code == SQLITE_OK) {
        code = drop_dead_frames(self, frame);
    }
    if (code == SQLITE_OK) {
        note_written(self->vfs, frame);
        memcpy(self->held, header, FRAME_HEADER);
        self->held_frame = frame;
        self->holds_header = true;
    }
    return code;
}

/*
 * What could not be read back rightly is not written: a page 1 with another reserve (a backup from
 * a store of another kind), and bytes in the reserve, which read as zeros and so would break the
 * log's checksums.
 */
bool fhs_vfs_is_storable(uint32_t page, const uint8_t *plain)
{
    static const uint8_t zeros[RESERVE_BYTES];
    const int reserve_byte = 20;
    if (page == 0 || (page == 1 && plain[reserve_byte] != RESERVE_BYTES)) {
        return false;
    }
    return memcmp(plain + BODY_BYTES, zeros, sizeof zeros) == 0;
}

static int write_frame_page(fhs_vfs_file *self, uint32_t frame, const uint8_t *plain)
{
    fhs_vfs *vfs = self->vfs;
    uint8_t header[FRAME_HEADER];
    int code = SQLITE_OK;
    if (self->holds_header && self->held_frame == frame) {
        memcpy(header, self->held, sizeof header);
    } else {
        /* A page changed again within its transaction: the header stays, but binds a new tag. */
        code = load_live_frame(self, frame, header);
    }
    self->holds_header = false;
    if (code != SQLITE_OK) {
        return code;
    }
    uint32_t page = fhs_get_be32(header);
    if (!fhs_vfs_is_storable(page, plain)) {
        return SQLITE_IOERR_WRITE;
    }
    code = fhs_vfs_begin_generation(vfs);
    if (code != SQLITE_OK) {
        return code;
    }
    if (!fhs_vfs_log_note(vfs, frame, page, 0)) {
        return SQLITE_IOERR_NOMEM;
    }
    bool after_sync = !vfs->multi_process && frame > 0 && atomic_load(&vfs->wal_durable) == frame;
    fhs_vfs_seal_both(vfs, frame, header, after_sync, plain, self->scratch);
    code = write_stored(self, self->scratch, SEALED_FRAME, fhs_vfs_frame_offset(frame));
    if (code == SQLITE_OK && fhs_get_be32(header + 4) != 0) {
        (void)fhs_vfs_log_note(vfs, frame, page, fhs_get_be32(header + 4));
        atomic_store(&vfs->wal_commit, frame + 1u);
    }
    return code;
}

static int write_wal(sqlite3_file *file, const void *bytes, int amount, sqlite3_int64 offset)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    wal_place place;
    if (self->vfs->read_only || fhs_vfs_is_forked(self->vfs)) {
        return SQLITE_IOERR_WRITE;
    }
    if (offset == 0 && amount == WAL_HEADER) {
        self->holds_header = false;
        return write_wal_header(self, bytes);
    }
    if (find_place(offset, &place) && place.within == 0 && amount == FRAME_HEADER) {
        self->holds_header = false;
        return write_frame_header(self, place.frame, bytes);
    }
    if (find_place(offset, &place) && place.within == FRAME_HEADER && amount == PAGE_BYTES) {
        return write_frame_page(self, place.frame, bytes);
    }
    self->holds_header = false;
    return SQLITE_IOERR_WRITE;
}

static int close_wal(sqlite3_file *file)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    int code = fhs_vfs_close_real(self);
    sodium_memzero(self->held, sizeof self->held);
    return code;
}

/* SQLite cuts the log at any size it likes (journal_size_limit): keep whole frames. */
static int truncate_wal(sqlite3_file *file, sqlite3_int64 size)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    sqlite3_int64 stored = 0;
    if (self->vfs->read_only) {
        return SQLITE_IOERR_TRUNCATE;
    }
    int code = size == 0 ? fhs_vfs_give_up_log(self->vfs) : SQLITE_OK;
    if (code != SQLITE_OK) {
        return code;
    }
    if (size == 0) {
        fhs_vfs_forget_log(self->vfs);
    } else if (size > WAL_HEADER) {
        sqlite3_int64 frames = (size - WAL_HEADER + FRAME_BYTES - 1) / FRAME_BYTES;
        stored = SLOT_WAL_HEADER + frames * SEALED_FRAME;
    } else {
        stored = SLOT_WAL_HEADER;
    }
    return self->real->pMethods->xTruncate(self->real, stored);
}

static int sync_wal(sqlite3_file *file, int flags)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    uint64_t commit = atomic_load(&self->vfs->wal_commit);
    if (self->holds_header) {
        self->holds_header = false;
        return SQLITE_IOERR_FSYNC;
    }
    int code = self->real->pMethods->xSync(self->real, flags);
    if (code == SQLITE_OK) {
        atomic_store(&self->vfs->wal_durable, commit);
    }
    return code;
}

static int size_wal(sqlite3_file *file, sqlite3_int64 *size_out)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    sqlite3_int64 stored = 0;
    int code = self->real->pMethods->xFileSize(self->real, &stored);
    *size_out = 0;
    if (code == SQLITE_OK && stored >= SLOT_WAL_HEADER) {
        *size_out = WAL_HEADER + (sqlite3_int64)fhs_vfs_frames_in((uint64_t)stored) * FRAME_BYTES;
    }
    return code;
}

static int lock_wal(sqlite3_file *file, int level)
{
    (void)file;
    (void)level;
    return SQLITE_OK;
}

static int check_lock_wal(sqlite3_file *file, int *is_reserved_out)
{
    (void)file;
    *is_reserved_out = 0;
    return SQLITE_OK;
}

/* Hints about sizes would be wrong in stored bytes, and nothing else concerns a log. */
static int control_wal(sqlite3_file *file, int op, void *arg)
{
    (void)file;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int sector_wal(sqlite3_file *file)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    return self->real->pMethods->xSectorSize(self->real);
}

static int traits_wal(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

const sqlite3_io_methods fhs_vfs_wal_methods = {
    .iVersion = 1,
    .xClose = close_wal,
    .xRead = read_wal,
    .xWrite = write_wal,
    .xTruncate = truncate_wal,
    .xSync = sync_wal,
    .xFileSize = size_wal,
    .xLock = lock_wal,
    .xUnlock = lock_wal,
    .xCheckReservedLock = check_lock_wal,
    .xFileControl = control_wal,
    .xSectorSize = sector_wal,
    .xDeviceCharacteristics = traits_wal,
};
