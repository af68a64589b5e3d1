/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Temporary files: what SQLite puts aside of sorts, statements and transient tables. Each is sealed
 * under a key of its own that nobody else ever has, in chunks of a page; their nonces and tags stay
 * in memory. So nothing on disk can be read, changed or put back, and nothing has to be parsed. The
 * file has no name that lasts: the VFS below removes it when it is closed.
 */
#include <sodium.h>

#include "base/mem.h"
#include "vfs/vfs_internal.h"

enum {
    CHUNK_BYTES = PAGE_BYTES,
    SEAL_BYTES = NONCE_BYTES + TAG_BYTES,
    CHUNK_AAD = 8,
    FIRST_CHUNKS = 64,
};

struct fhs_vfs_temp {
    uint8_t key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
    sqlite3_int64 size;
    uint64_t capacity; /* chunks that seals has room for */
    uint8_t *seals;    /* nonce and tag of each chunk; zeros: never written */
};

static uint8_t *seal_of(const fhs_vfs_temp *temp, uint64_t chunk)
{
    return temp->seals + chunk * SEAL_BYTES;
}

static sqlite3_int64 place_of_chunk(uint64_t chunk)
{
    return (sqlite3_int64)chunk * CHUNK_BYTES;
}

static bool make_seal_room(fhs_vfs_temp *temp, uint64_t chunk)
{
    if (chunk < temp->capacity) {
        return true;
    }
    uint64_t wanted = temp->capacity == 0 ? FIRST_CHUNKS : temp->capacity * 2;
    wanted = wanted <= chunk ? chunk + 1 : wanted;
    if (wanted > SIZE_MAX / SEAL_BYTES) {
        return false;
    }
    uint8_t *larger = fhs_realloc(temp->seals, (size_t)wanted * SEAL_BYTES);
    if (larger == NULL) {
        return false;
    }
    memset(larger + temp->capacity * SEAL_BYTES, 0, (size_t)(wanted - temp->capacity) * SEAL_BYTES);
    temp->seals = larger;
    temp->capacity = wanted;
    return true;
}

/* A chunk that was never written reads as zeros. */
static int load_chunk(fhs_vfs_file *self, uint64_t chunk, uint8_t *plain)
{
    const fhs_vfs_temp *temp = self->temp;
    uint8_t aad[CHUNK_AAD];
    if (chunk >= temp->capacity || sodium_is_zero(seal_of(temp, chunk), SEAL_BYTES)) {
        memset(plain, 0, CHUNK_BYTES);
        return SQLITE_OK;
    }
    const uint8_t *seal = seal_of(temp, chunk);
    int code = self->real->pMethods->xRead(self->real, self->scratch, CHUNK_BYTES,
                                           place_of_chunk(chunk));
    if (code != SQLITE_OK) {
        return code == SQLITE_IOERR_SHORT_READ ? SQLITE_IOERR_DATA : code;
    }
    fhs_put_le(aad, sizeof aad, chunk);
    return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(plain, NULL, self->scratch,
                                                               CHUNK_BYTES, seal + NONCE_BYTES, aad,
                                                               sizeof aad, seal, temp->key) == 0
               ? SQLITE_OK
               : SQLITE_IOERR_DATA;
}

static int store_chunk(fhs_vfs_file *self, uint64_t chunk, const uint8_t *plain)
{
    fhs_vfs_temp *temp = self->temp;
    uint8_t aad[CHUNK_AAD];
    uint8_t seal[SEAL_BYTES];
    if (!make_seal_room(temp, chunk)) {
        return SQLITE_IOERR_NOMEM;
    }
    fhs_put_le(aad, sizeof aad, chunk);
    randombytes_buf(seal, NONCE_BYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt_detached(self->scratch, seal + NONCE_BYTES,
                                                              NULL, plain, CHUNK_BYTES, aad,
                                                              sizeof aad, NULL, seal, temp->key);
    int code = self->real->pMethods->xWrite(self->real, self->scratch, CHUNK_BYTES,
                                            place_of_chunk(chunk));
    if (code == SQLITE_OK) {
        memcpy(seal_of(temp, chunk), seal, sizeof seal);
    }
    return code;
}

/* The part of [offset, offset + amount) that lies in the chunk of offset. */
static int part_in_chunk(sqlite3_int64 offset, int amount, int *within_out)
{
    *within_out = (int)(offset % CHUNK_BYTES);
    return amount < CHUNK_BYTES - *within_out ? amount : CHUNK_BYTES - *within_out;
}

static int read_temp(sqlite3_file *file, void *out, int amount, sqlite3_int64 offset)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    uint8_t plain[CHUNK_BYTES];
    uint8_t *at = out;
    int code = SQLITE_OK;
    int left = amount;
    if (offset + amount > self->temp->size) {
        memset(out, 0, (size_t)amount);
        left = offset >= self->temp->size ? 0 : (int)(self->temp->size - offset);
    }
    bool is_short = left < amount;
    while (left > 0 && code == SQLITE_OK) {
        int within;
        int part = part_in_chunk(offset, left, &within);
        code = load_chunk(self, (uint64_t)(offset / CHUNK_BYTES), plain);
        if (code == SQLITE_OK) {
            memcpy(at, plain + within, (size_t)part);
        }
        at += part;
        offset += part;
        left -= part;
    }
    sodium_memzero(plain, sizeof plain);
    return code == SQLITE_OK && is_short ? SQLITE_IOERR_SHORT_READ : code;
}

static int write_temp(sqlite3_file *file, const void *bytes, int amount, sqlite3_int64 offset)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    uint8_t plain[CHUNK_BYTES];
    const uint8_t *at = bytes;
    int code = fhs_vfs_is_forked(self->vfs) ? SQLITE_IOERR_WRITE : SQLITE_OK;
    while (amount > 0 && code == SQLITE_OK) {
        int within;
        int part = part_in_chunk(offset, amount, &within);
        uint64_t chunk = (uint64_t)(offset / CHUNK_BYTES);
        if (part == CHUNK_BYTES) {
            code = store_chunk(self, chunk, at);
        } else {
            code = load_chunk(self, chunk, plain);
            if (code == SQLITE_OK) {
                memcpy(plain + within, at, (size_t)part);
                code = store_chunk(self, chunk, plain);
            }
        }
        at += part;
        offset += part;
        amount -= part;
        if (code == SQLITE_OK && offset > self->temp->size) {
            self->temp->size = offset;
        }
    }
    sodium_memzero(plain, sizeof plain);
    return code;
}

/* What lies behind the new end must read as zeros when the file grows again. */
static int truncate_temp(sqlite3_file *file, sqlite3_int64 size)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    fhs_vfs_temp *temp = self->temp;
    uint8_t plain[CHUNK_BYTES];
    int within = (int)(size % CHUNK_BYTES);
    uint64_t kept = (uint64_t)(size / CHUNK_BYTES);
    int code = SQLITE_OK;
    if (size >= temp->size) {
        return SQLITE_OK;
    }
    if (within > 0) {
        code = load_chunk(self, kept, plain);
        if (code == SQLITE_OK) {
            memset(plain + within, 0, (size_t)(CHUNK_BYTES - within));
            code = store_chunk(self, kept, plain);
        }
        kept++;
        sodium_memzero(plain, sizeof plain);
    }
    if (code == SQLITE_OK && kept < temp->capacity) {
        memset(seal_of(temp, kept), 0, (size_t)(temp->capacity - kept) * SEAL_BYTES);
    }
    if (code == SQLITE_OK) {
        code = self->real->pMethods->xTruncate(self->real, place_of_chunk(kept));
    }
    temp->size = code == SQLITE_OK ? size : temp->size;
    return code;
}

static int size_temp(sqlite3_file *file, sqlite3_int64 *size_out)
{
    *size_out = fhs_vfs_file_of(file)->temp->size;
    return SQLITE_OK;
}

/* Nobody looks for it after a crash. */
static int sync_temp(sqlite3_file *file, int flags)
{
    (void)file;
    (void)flags;
    return SQLITE_OK;
}

static void free_temp(fhs_vfs_file *self)
{
    fhs_free(self->temp->seals);
    sodium_memzero(self->temp, sizeof *self->temp);
    fhs_free(self->temp);
    self->temp = NULL;
}

static int close_temp(sqlite3_file *file)
{
    fhs_vfs_file *self = fhs_vfs_file_of(file);
    int code = fhs_vfs_close_real(self);
    free_temp(self);
    return code;
}

static int lock_temp(sqlite3_file *file, int level)
{
    (void)file;
    (void)level;
    return SQLITE_OK;
}

static int check_lock_temp(sqlite3_file *file, int *is_reserved_out)
{
    (void)file;
    *is_reserved_out = 0;
    return SQLITE_OK;
}

/* Nothing may be mapped, and hints about sizes concern the file below. */
static int control_temp(sqlite3_file *file, int op, void *arg)
{
    (void)file;
    if (op == SQLITE_FCNTL_MMAP_SIZE) {
        *(sqlite3_int64 *)arg = 0;
        return SQLITE_OK;
    }
    return SQLITE_NOTFOUND;
}

static int sector_temp(sqlite3_file *file)
{
    (void)file;
    return CHUNK_BYTES;
}

static int traits_temp(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods temp_methods = {
    .iVersion = 1,
    .xClose = close_temp,
    .xRead = read_temp,
    .xWrite = write_temp,
    .xTruncate = truncate_temp,
    .xSync = sync_temp,
    .xFileSize = size_temp,
    .xLock = lock_temp,
    .xUnlock = lock_temp,
    .xCheckReservedLock = check_lock_temp,
    .xFileControl = control_temp,
    .xSectorSize = sector_temp,
    .xDeviceCharacteristics = traits_temp,
};

int fhs_vfs_open_temp(fhs_vfs_file *self, int flags, int *out_flags)
{
    const int kinds = SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_TRANSIENT_DB | SQLITE_OPEN_TEMP_JOURNAL |
                      SQLITE_OPEN_SUBJOURNAL | SQLITE_OPEN_MAIN_JOURNAL;
    self->temp = fhs_calloc(1, sizeof *self->temp);
    if (self->temp == NULL) {
        return SQLITE_NOMEM;
    }
    /* Without a name the VFS below makes one up, and deletes the file on close. */
    flags = (flags & ~(kinds | SQLITE_OPEN_READONLY)) | SQLITE_OPEN_TEMP_JOURNAL |
            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE |
            SQLITE_OPEN_DELETEONCLOSE;
    int code = fhs_vfs_open_file(self->vfs->base, NULL, self->real, flags, out_flags);
    if (code != SQLITE_OK) {
        free_temp(self);
        return code;
    }
    randombytes_buf(self->temp->key, sizeof self->temp->key);
    self->sqlite.pMethods = &temp_methods;
    return SQLITE_OK;
}
