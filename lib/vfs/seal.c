/* SPDX-License-Identifier: Apache-2.0 */
/* The three things that are sealed: a page, a log frame's header, the log's header. */
#include <sodium.h>

#include "vfs/vfs_internal.h"

enum {
    AAD_SUITE = 4,
    AAD_UUID = 5,
    AAD_KIND = 21,
    AAD_PAGE = 22,
    AAD_META = 26,
};

static void seal_bytes(uint8_t *out, uint8_t *tag, const uint8_t *plain, size_t len,
                       const uint8_t *aad, size_t aad_len, const uint8_t *nonce, const uint8_t *key)
{
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt_detached(out, tag, NULL, plain, len, aad,
                                                              aad_len, NULL, nonce, key);
}

/* libsodium checks the tag before it writes any plaintext, and zeroes the output on failure. */
static bool open_bytes(uint8_t *plain, const uint8_t *sealed, size_t len, const uint8_t *tag,
                       const uint8_t *aad, size_t aad_len, const uint8_t *nonce, const uint8_t *key)
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(plain, NULL, sealed, len, tag, aad,
                                                               aad_len, nonce, key) == 0;
}

void fhs_vfs_seal_init(fhs_vfs *vfs)
{
    uint8_t *aad = vfs->page_aad;
    memcpy(vfs->uuid, fhs_keys_uuid(vfs->keys), sizeof vfs->uuid);
    memcpy(aad, "fhs1", 4);
    aad[AAD_SUITE] = fhs_keys_suite(vfs->keys);
    memcpy(aad + AAD_UUID, vfs->uuid, sizeof vfs->uuid);
    aad[AAD_KIND] = 'P';
    fhs_vfs_seal_renew(vfs);
}

/* The keys of an epoch lie in one place, and do not move while it lasts. */
static bool are_same_keys(const fhs_key_set *a, const fhs_key_set *b)
{
    return a->page == b->page && a->epoch == b->epoch && a->old_epoch == b->old_epoch;
}

void fhs_vfs_seal_renew(fhs_vfs *vfs)
{
    const fhs_key_set *now = vfs->key_set;
    fhs_key_set *next = now == &vfs->key_sets[0] ? &vfs->key_sets[1] : &vfs->key_sets[0];
    uint64_t generation = fhs_keys_generation(vfs->keys);
    *next = (fhs_key_set){fhs_keys_epoch(vfs->keys),        fhs_keys_page_key(vfs->keys),
                          fhs_keys_wal_key(vfs->keys),      fhs_keys_old_epoch(vfs->keys),
                          fhs_keys_old_page_key(vfs->keys), fhs_keys_old_wal_key(vfs->keys)};
    vfs->page_aad[AAD_META] = next->epoch;
    fhs_put_le(vfs->page_aad + AAD_META + 2, 6, generation);
    atomic_store(&vfs->generation, generation);
    bool is_same = now != NULL && are_same_keys(now, next);
    if (!is_same) {
        vfs->key_set = next;
    }
}

/* Both nonces come straight from the system: a pool of our own could repeat after fork(). */
static void seal_page_with_nonce(const fhs_vfs *vfs, uint32_t page, bool after_sync,
                                 const uint8_t *plain, uint8_t *sealed)
{
    uint8_t aad[PAGE_AAD];
    memcpy(aad, vfs->page_aad, sizeof aad);
    fhs_put_le(aad + AAD_PAGE, 4, page);
    aad[AAD_META + META_KIND] = (uint8_t)(KIND_PAGE | (after_sync ? KIND_AFTER_SYNC : 0));
    memcpy(sealed + PAGE_META, aad + AAD_META, META_BYTES);
    seal_bytes(sealed, sealed + PAGE_TAG, plain, BODY_BYTES, aad, sizeof aad, sealed + PAGE_NONCE,
               vfs->key_set->page);
}

void fhs_vfs_seal_page(const fhs_vfs *vfs, uint32_t page, bool after_sync, const uint8_t *plain,
                       uint8_t *sealed)
{
    randombytes_buf(sealed + PAGE_NONCE, NONCE_BYTES);
    seal_page_with_nonce(vfs, page, after_sync, plain, sealed);
}

const uint8_t *fhs_vfs_page_aad(const fhs_vfs *vfs, uint32_t page, const uint8_t *sealed,
                                uint8_t *aad)
{
    const fhs_key_set *set = vfs->key_set;
    bool is_old = set->old_epoch != 0 && sealed[PAGE_META] == set->old_epoch;
    memcpy(aad, vfs->page_aad, AAD_PAGE);
    fhs_put_le(aad + AAD_PAGE, 4, page);
    memcpy(aad + AAD_META, sealed + PAGE_META, META_BYTES);
    return is_old ? set->old_page : set->page;
}

bool fhs_vfs_open_page(const fhs_vfs *vfs, uint32_t page, const uint8_t *sealed, uint8_t *plain)
{
    uint8_t aad[PAGE_AAD];
    const uint8_t *key = fhs_vfs_page_aad(vfs, page, sealed, aad);
    /* A page that is newer than the header: the header was put back. Other processes raise it. */
    bool is_newer = !vfs->multi_process &&
                    fhs_get_le(sealed + PAGE_META + 2, 6) > atomic_load(&vfs->generation);
    const fhs_key_set *set = vfs->key_set;
    bool is_known = sealed[PAGE_META] == set->epoch ||
                    (set->old_epoch != 0 && sealed[PAGE_META] == set->old_epoch);
    if (!is_known || is_newer) {
        memset(plain, 0, PAGE_BYTES);
        return false;
    }
    memset(plain + BODY_BYTES, 0, RESERVE_BYTES);
    return open_bytes(plain, sealed, BODY_BYTES, sealed + PAGE_TAG, aad, sizeof aad,
                      sealed + PAGE_NONCE, key);
}

static void frame_aad(const fhs_vfs *vfs, uint32_t index, const uint8_t *page_tag, uint8_t *aad)
{
    memcpy(aad, vfs->uuid, sizeof vfs->uuid);
    aad[16] = 'W';
    fhs_put_le(aad + 17, 4, index);
    memcpy(aad + 21, page_tag, TAG_BYTES);
}

static void seal_header_with_nonce(const fhs_vfs *vfs, uint32_t index, const uint8_t *header,
                                   const uint8_t *page_tag, uint8_t *sealed)
{
    uint8_t aad[FRAME_AAD];
    frame_aad(vfs, index, page_tag, aad);
    seal_bytes(sealed + NONCE_BYTES, sealed + NONCE_BYTES + FRAME_HEADER, header, FRAME_HEADER, aad,
               sizeof aad, sealed, vfs->key_set->wal);
}

void fhs_vfs_seal_frame(const fhs_vfs *vfs, uint32_t index, const uint8_t *header,
                        const uint8_t *page_tag, uint8_t *sealed)
{
    randombytes_buf(sealed, NONCE_BYTES);
    seal_header_with_nonce(vfs, index, header, page_tag, sealed);
}

void fhs_vfs_seal_both(const fhs_vfs *vfs, uint32_t index, const uint8_t *header, bool after_sync,
                       const uint8_t *plain, uint8_t *frame)
{
    uint8_t nonces[2 * NONCE_BYTES];
    uint8_t *page = frame + SEALED_FRAME_HEADER;
    randombytes_buf(nonces, sizeof nonces);
    memcpy(frame, nonces, NONCE_BYTES);
    memcpy(page + PAGE_NONCE, nonces + NONCE_BYTES, NONCE_BYTES);
    seal_page_with_nonce(vfs, fhs_get_be32(header), after_sync, plain, page);
    seal_header_with_nonce(vfs, index, header, page + PAGE_TAG, frame);
}

bool fhs_vfs_open_frame(const fhs_vfs *vfs, uint32_t index, const uint8_t *sealed,
                        const uint8_t *page_tag, uint8_t *header)
{
    uint8_t aad[FRAME_AAD];
    frame_aad(vfs, index, page_tag, aad);
    const fhs_key_set *set = vfs->key_set;
    const uint8_t *tag = sealed + NONCE_BYTES + FRAME_HEADER;
    return open_bytes(header, sealed + NONCE_BYTES, FRAME_HEADER, tag, aad, sizeof aad, sealed,
                      set->wal) ||
           (set->old_epoch != 0 && open_bytes(header, sealed + NONCE_BYTES, FRAME_HEADER, tag, aad,
                                              sizeof aad, sealed, set->old_wal));
}

static void wal_aad(const fhs_vfs *vfs, uint8_t *aad)
{
    memcpy(aad, vfs->uuid, sizeof vfs->uuid);
    aad[16] = 'H';
}

void fhs_vfs_seal_wal(const fhs_vfs *vfs, const uint8_t *header, uint8_t *slot)
{
    uint8_t aad[WAL_AAD];
    wal_aad(vfs, aad);
    memset(slot, 0, SLOT_WAL_HEADER);
    randombytes_buf(slot, NONCE_BYTES);
    seal_bytes(slot + NONCE_BYTES, slot + NONCE_BYTES + WAL_HEADER, header, WAL_HEADER, aad,
               sizeof aad, slot, vfs->key_set->wal);
}

bool fhs_vfs_open_wal(const fhs_vfs *vfs, const uint8_t *slot, uint8_t *header)
{
    uint8_t aad[WAL_AAD];
    wal_aad(vfs, aad);
    const fhs_key_set *set = vfs->key_set;
    const uint8_t *tag = slot + NONCE_BYTES + WAL_HEADER;
    return open_bytes(header, slot + NONCE_BYTES, WAL_HEADER, tag, aad, sizeof aad, slot,
                      set->wal) ||
           (set->old_epoch != 0 && open_bytes(header, slot + NONCE_BYTES, WAL_HEADER, tag, aad,
                                              sizeof aad, slot, set->old_wal));
}

/*
 * SQLite's format (fileformat2): header of 100 bytes, then an empty leaf of the schema table. The
 * file is in WAL mode from its first byte, so no rollback journal is ever wanted.
 */
void fhs_vfs_first_page(uint8_t *page)
{
    static const uint8_t sqlite_magic[16] = "SQLite format 3";
    memset(page, 0, PAGE_BYTES);
    memcpy(page, sqlite_magic, sizeof sqlite_magic);
    page[16] = PAGE_BYTES >> 8;
    page[18] = 2; /* written and read as WAL */
    page[19] = 2;
    page[20] = RESERVE_BYTES;
    page[21] = 64; /* payload fractions, fixed by the format */
    page[22] = 32;
    page[23] = 32;
    fhs_put_be32(page + 24, 1); /* change counter */
    fhs_put_be32(page + 28, 1); /* pages in the file */
    fhs_put_be32(page + 92, 1); /* the change counter for which the number of pages holds */
    fhs_put_be32(page + 96, 3040001);
    page[100] = 0x0D; /* leaf table */
    page[105] = (uint8_t)(BODY_BYTES >> 8);
    page[106] = (uint8_t)(BODY_BYTES & 0xFF);
}
