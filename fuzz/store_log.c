/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of a store as somebody else left it, beside an untouched file. First byte 0: the rest is
 * the log. Else the rest are edits of a good one with four commits, four bytes each (what, frame,
 * two bytes more): frames are flipped, copied, swapped, zeroed, cut off, put back from an earlier
 * log, under the header of the present one. With bit 7 of the first byte whoever edits has the key:
 * page numbers, commit marks, salts and page contents are changed and sealed again.
 *
 * Nothing of it crashes, or is believed without its key: a query that answers tells a committed
 * state, or verify finds the log flawed.
 */
#include <string.h>

#include "store_image.h"
#include "vfs/vfs_internal.h"

#define MAX_EDITS 64u
#define ROWS      40

static image store;
static image earlier;   /* the log before a checkpoint emptied it … */
static image good;      /* … and after */
static fhs_vfs *sealer; /* another copy's, to seal with */

static void run_sql(sqlite3 *db, const char *text)
{
    FUZZ_LAW(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK);
}

/* A copy under another name is another store to SQLite, and stays open. */
static void open_sealer(void)
{
    char name[sizeof path + 8];
    const fhs_vfs_options options = {
        .credential = {.raw_key = raw_key, .raw_key_len = sizeof raw_key}};
    (void)snprintf(name, sizeof name, "%s-other", path);
    save(name, &store);
    FUZZ_LAW(fhs_vfs_open(name, &options, &sealer, NULL) == FHIRSTORE_OK);
    (void)unlink(name);
}

static void close_sealer(void)
{
    fhs_vfs_close(sealer);
}

static void make_good(void)
{
    fhs_vfs *vfs;
    sqlite3 *db;
    if (good.size > 0) {
        return;
    }
    name_files();
    FUZZ_LAW(open_both(true, &vfs, &db) == FHIRSTORE_OK);
    run_sql(db, "PRAGMA synchronous=NORMAL; CREATE TABLE t(id INTEGER PRIMARY KEY, n);"
                "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<40)"
                "INSERT INTO t SELECT x, zeroblob(190) FROM c;"
                "UPDATE t SET n=zeroblob(191) WHERE id%8=0;");
    load(log_path, &earlier);
    run_sql(db, "UPDATE t SET n=zeroblob(200); PRAGMA wal_checkpoint(TRUNCATE);"
                "UPDATE t SET n=zeroblob(201) WHERE id%8=0;"
                "UPDATE t SET n=zeroblob(201) WHERE id%8=1;"
                "PRAGMA synchronous=FULL; UPDATE t SET n=zeroblob(201) WHERE id%8=2;"
                "UPDATE t SET n=zeroblob(201) WHERE id%8=3");
    load(path, &store);
    load(log_path, &good);
    close_both(vfs, db);
    open_sealer();
    FUZZ_LAW(atexit(close_sealer) == 0);
}

static uint8_t *frame_at(image *log, size_t number)
{
    const size_t frames = (size_t)fhs_vfs_frames_in(log->size);
    return frames == 0 ? NULL : log->bytes + fhs_vfs_frame_offset((uint32_t)(number % frames));
}

static void edit_bytes(image *log, const uint8_t *edit)
{
    uint8_t *frame = frame_at(log, edit[1]);
    uint8_t *other = frame_at(log, edit[2]);
    uint8_t kept[SEALED_FRAME];
    if (frame == NULL) {
        return;
    }
    memcpy(kept, frame, sizeof kept);
    switch (edit[0] % 7) {
    case 0: /* a bit somewhere in it */
        frame[((size_t)edit[2] << 8 | edit[3]) % SEALED_FRAME] ^= (uint8_t)(edit[0] | 1u);
        break;
    case 1:
        memcpy(other, kept, sizeof kept);
        break;
    case 2:
        memcpy(frame, other, sizeof kept);
        memcpy(other, kept, sizeof kept);
        break;
    case 3:
        memset(frame, 0, sizeof kept);
        break;
    case 4:
        log->size = (size_t)(frame - log->bytes) + ((size_t)edit[2] << 8 | edit[3]) % SEALED_FRAME;
        break;
    case 5:
        memcpy(frame, frame_at(&earlier, edit[2]), sizeof kept);
        break;
    default: /* the log's header */
        log->bytes[edit[2] % SLOT_WAL_HEADER] ^= (uint8_t)(edit[3] | 1u);
        break;
    }
}

/* SQLite's own sum over the log, of big endian words if its header's first one is odd. */
static void add_checksum(bool is_be, uint32_t sum[2], const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i += 4) {
        const uint32_t word = is_be ? fhs_get_be32(bytes + i) : (uint32_t)fhs_get_le(bytes + i, 4);
        sum[i / 4 % 2] += word + sum[1 - i / 4 % 2];
    }
}

typedef struct opened_log {
    uint8_t header[WAL_HEADER];
    struct opened_frame {
        uint8_t header[FRAME_HEADER];
        uint8_t page[PAGE_BYTES];
    } frames[32];
    size_t count;
} opened_log;

static void open_log(const image *log, opened_log *out)
{
    uint8_t *header = out->header;
    FUZZ_LAW(fhs_vfs_open_wal(sealer, log->bytes, header));
    out->count = (size_t)fhs_vfs_frames_in(log->size);
    FUZZ_LAW(out->count <= FHS_COUNT_OF(out->frames));
    for (uint32_t i = 0; i < out->count; i++) {
        const uint8_t *frame = log->bytes + fhs_vfs_frame_offset(i);
        const uint8_t *page = frame + SEALED_FRAME_HEADER;
        FUZZ_LAW(fhs_vfs_open_frame(sealer, i, frame, page + PAGE_TAG, out->frames[i].header));
        FUZZ_LAW(fhs_vfs_open_page(sealer, fhs_get_be32(out->frames[i].header), page,
                                   out->frames[i].page));
    }
}

static void edit_opened(opened_log *log, const uint8_t *edit)
{
    struct opened_frame *frame = &log->frames[edit[1] % log->count];
    const size_t at = ((size_t)edit[2] << 8 | edit[3]);
    switch (edit[0] % 6) {
    case 0:
        fhs_put_be32(frame->header, edit[3] % 16u);
        break;
    case 1:
        fhs_put_be32(frame->header + 4, edit[3] % 16u);
        break;
    case 2:
        frame->header[8 + edit[2] % 8] ^= edit[3];
        break;
    case 3:
        frame->page[at % BODY_BYTES] = edit[0];
        break;
    case 4:
        memset(frame->page + at % BODY_BYTES, edit[0], BODY_BYTES - at % BODY_BYTES);
        break;
    default:
        log->header[edit[2] % 24] ^= edit[3];
        break;
    }
}

static void seal_log(opened_log *log, image *out)
{
    uint32_t sum[2] = {0, 0};
    const bool is_be = (log->header[3] & 1) != 0;
    add_checksum(is_be, sum, log->header, 24);
    fhs_put_be32(log->header + 24, sum[0]);
    fhs_put_be32(log->header + 28, sum[1]);
    fhs_vfs_seal_wal(sealer, log->header, out->bytes);
    for (uint32_t i = 0; i < log->count; i++) {
        struct opened_frame *frame = &log->frames[i];
        add_checksum(is_be, sum, frame->header, 8);
        add_checksum(is_be, sum, frame->page, PAGE_BYTES);
        fhs_put_be32(frame->header + 16, sum[0]);
        fhs_put_be32(frame->header + 20, sum[1]);
        fhs_vfs_seal_both(sealer, i, frame->header, false, frame->page,
                          out->bytes + fhs_vfs_frame_offset(i));
    }
}

/* True: a committed state was told, or none at all. */
static bool is_committed_state(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    bool is_fine = true;
    int code = sqlite3_prepare_v2(db, "SELECT count(*), sum(length(n)) FROM t", -1, &statement,
                                  NULL);
    code = code == SQLITE_OK ? sqlite3_step(statement) : code;
    if (code == SQLITE_ROW) {
        const int sum = sqlite3_column_int(statement, 1) - ROWS * 200;
        is_fine = sqlite3_column_int(statement, 0) == ROWS && sum >= 0 && sum <= 20 && sum % 5 == 0;
    }
    (void)sqlite3_finalize(statement);
    return is_fine;
}

static void write_something(sqlite3 *db)
{
    (void)sqlite3_exec(db,
                       "UPDATE t SET n=zeroblob(7) WHERE id=3; PRAGMA wal_checkpoint(TRUNCATE);"
                       "PRAGMA integrity_check",
                       NULL, NULL, NULL);
}

static void check_store(bool has_key)
{
    fhs_vfs *vfs = NULL;
    sqlite3 *db = NULL;
    fhs_vfs_verified verified = {0};
    const fhirstore_status status = open_both(false, &vfs, &db);
    FUZZ_LAW(status <= FHIRSTORE_OK);
    if (vfs != NULL) {
        FUZZ_LAW(fhs_vfs_verify_pages(vfs, NULL, NULL, &verified, NULL) == FHIRSTORE_OK);
    }
    if (status == FHIRSTORE_OK) {
        FUZZ_LAW(is_committed_state(db) || has_key || verified.flaws > 0);
        write_something(db);
    }
    close_both(vfs, db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static image victim;
    static opened_log opened;
    if (size == 0) {
        return 0;
    }
    make_good();
    victim = good;
    const bool has_key = data[0] >= 0x80;
    if (data[0] == 0) {
        victim.size = size - 1 < sizeof victim.bytes ? size - 1 : sizeof victim.bytes;
        memcpy(victim.bytes, data + 1, victim.size);
    } else if (has_key) {
        open_log(&good, &opened);
    }
    for (size_t i = 0; data[0] != 0 && i < MAX_EDITS && 5 + 4 * i <= size; i++) {
        if (has_key) {
            edit_opened(&opened, data + 1 + 4 * i);
        } else {
            edit_bytes(&victim, data + 1 + 4 * i);
        }
    }
    if (has_key) {
        seal_log(&opened, &victim);
    }
    save(path, &store);
    save(log_path, &victim);
    check_store(has_key);
    (void)unlink(path);
    (void)unlink(log_path);
    return 0;
}
