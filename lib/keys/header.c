/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One header copy: 4096 bytes, authenticated as a whole by a MAC under a key derived from the data
 * key. Before that key is known, an unkeyed checksum tells damage from a wrong key; it proves
 * nothing against an attacker and is not relied on for that.
 */
#include <sodium.h>

#include "keys/keys_internal.h"

static const uint8_t header_magic[HEADER_MAGIC_BYTES] = {
    0x89, 'F', 'H', 'I', 'R', 'S', 'T', 'O', 'R', 'E', '\r', '\n', 0x1A, '\n', 0, 0,
};

static const char commitment_prefix[] = "fhirstore data key commitment v1";

static void commit_to_key(const uint8_t *uuid, uint8_t epoch, const uint8_t *dek, uint8_t *out)
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, HEADER_HASH_BYTES);
    (void)crypto_generichash_update(&state, (const uint8_t *)commitment_prefix,
                                    sizeof commitment_prefix - 1);
    (void)crypto_generichash_update(&state, uuid, FHS_KEYS_UUID_BYTES);
    (void)crypto_generichash_update(&state, &epoch, 1);
    (void)crypto_generichash_update(&state, dek, FHS_KEYS_KEY_BYTES);
    (void)crypto_generichash_final(&state, out, HEADER_HASH_BYTES);
    sodium_memzero(&state, sizeof state);
}

void fhs_header_init(uint8_t *image, const uint8_t *uuid, const uint8_t *dek)
{
    const uint8_t first_epoch = 1;
    memset(image, 0, FHS_KEYS_COPY_BYTES);
    memcpy(image + HEADER_MAGIC, header_magic, sizeof header_magic);
    fhs_put_le(image + HEADER_FORMAT, 2, FHS_HEADER_FORMAT);
    image[HEADER_SUITE] = FHS_HEADER_SUITE;
    fhs_put_le(image + HEADER_PAGE_SIZE, 4, FHS_KEYS_PAGE_SIZE);
    image[HEADER_RESERVE] = FHS_KEYS_PAGE_RESERVE;
    image[HEADER_EPOCH_COUNT] = 1;
    image[HEADER_SLOT_COUNT] = FHS_KEYS_SLOT_COUNT;
    image[HEADER_EPOCH] = first_epoch;
    fhs_put_le(image + HEADER_NEXT_SLOT_ID, 2, 1);
    memcpy(image + HEADER_UUID, uuid, FHS_KEYS_UUID_BYTES);
    fhs_put_le(image + HEADER_SEQ, 8, 1);
    fhs_put_le(image + HEADER_GENERATION, 8, 1);
    fhs_header_set_epoch(image + HEADER_EPOCHS, uuid, first_epoch, EPOCH_CURRENT, dek);
}

void fhs_header_set_epoch(uint8_t *record, const uint8_t *uuid, uint8_t epoch, uint8_t state,
                          const uint8_t *dek)
{
    memset(record, 0, EPOCH_BYTES);
    record[EPOCH_ID] = epoch;
    record[EPOCH_STATE] = state;
    commit_to_key(uuid, epoch, dek, record + EPOCH_COMMITMENT);
}

fhs_header_state fhs_header_inspect(const uint8_t *image)
{
    if (memcmp(image, header_magic, sizeof header_magic) != 0) {
        return FHS_HEADER_ABSENT;
    }
    uint64_t format = fhs_get_le(image + HEADER_FORMAT, 2);
    if (format > FHS_HEADER_FORMAT) {
        return FHS_HEADER_NEWER;
    }
    uint8_t checksum[HEADER_HASH_BYTES];
    (void)crypto_generichash(checksum, sizeof checksum, image, HEADER_CHECKSUM, NULL, 0);
    if (format != FHS_HEADER_FORMAT ||
        sodium_memcmp(checksum, image + HEADER_CHECKSUM, sizeof checksum) != 0) {
        return FHS_HEADER_DAMAGED;
    }
    bool is_ours = image[HEADER_SUITE] == FHS_HEADER_SUITE && image[HEADER_FLAGS] == 0 &&
                   fhs_get_le(image + HEADER_PAGE_SIZE, 4) == FHS_KEYS_PAGE_SIZE &&
                   image[HEADER_RESERVE] == FHS_KEYS_PAGE_RESERVE &&
                   (image[HEADER_EPOCH_COUNT] == 1 || image[HEADER_EPOCH_COUNT] == 2) &&
                   image[HEADER_SLOT_COUNT] == FHS_KEYS_SLOT_COUNT;
    return is_ours ? FHS_HEADER_SOUND : FHS_HEADER_NEWER;
}

static void compute_mac(const uint8_t *image, const uint8_t *head_key, uint8_t *out)
{
    (void)crypto_generichash(out, HEADER_HASH_BYTES, image, HEADER_MAC, head_key,
                             FHS_KEYS_KEY_BYTES);
}

void fhs_header_seal(uint8_t *image, const uint8_t *head_key)
{
    (void)crypto_generichash(image + HEADER_CHECKSUM, HEADER_HASH_BYTES, image, HEADER_CHECKSUM,
                             NULL, 0);
    compute_mac(image, head_key, image + HEADER_MAC);
}

bool fhs_header_is_authentic(const uint8_t *image, const uint8_t *head_key)
{
    uint8_t mac[HEADER_HASH_BYTES];
    if (fhs_header_inspect(image) != FHS_HEADER_SOUND) {
        return false;
    }
    compute_mac(image, head_key, mac);
    return sodium_memcmp(mac, image + HEADER_MAC, sizeof mac) == 0;
}

bool fhs_header_commits_to(const uint8_t *image, uint8_t epoch, const uint8_t *dek)
{
    uint8_t commitment[HEADER_HASH_BYTES];
    const uint8_t *record = image + HEADER_EPOCHS;
    if (record[EPOCH_ID] != epoch || image[HEADER_EPOCH] != epoch) {
        return false;
    }
    commit_to_key(image + HEADER_UUID, epoch, dek, commitment);
    return sodium_memcmp(commitment, record + EPOCH_COMMITMENT, sizeof commitment) == 0;
}

void fhs_header_seal_key(uint8_t *at, const uint8_t *aad, size_t aad_len, const uint8_t *dek,
                         const char context[8], const uint8_t *key)
{
    uint8_t wrapping[FHS_KEYS_KEY_BYTES];
    (void)crypto_kdf_derive_from_key(wrapping, sizeof wrapping, 1, context, dek);
    randombytes_buf(at, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        at + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, NULL, key, FHS_KEYS_KEY_BYTES, aad,
        aad_len, NULL, at, wrapping);
    sodium_memzero(wrapping, sizeof wrapping);
}

bool fhs_header_open_key(const uint8_t *at, const uint8_t *aad, size_t aad_len, const uint8_t *dek,
                         const char context[8], uint8_t *key_out)
{
    uint8_t wrapping[FHS_KEYS_KEY_BYTES];
    const size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
    (void)crypto_kdf_derive_from_key(wrapping, sizeof wrapping, 1, context, dek);
    bool opens = crypto_aead_xchacha20poly1305_ietf_decrypt(key_out, NULL, NULL, at + nonce_bytes,
                                                            EPOCH_SEALED_BYTES - nonce_bytes, aad,
                                                            aad_len, at, wrapping) == 0;
    sodium_memzero(wrapping, sizeof wrapping);
    return opens;
}

void fhs_header_keep_journal(uint8_t *image, const uint8_t *journal_key, const uint8_t *dek)
{
    fhs_header_seal_key(image + HEADER_JOURNAL, image + HEADER_UUID, FHS_KEYS_UUID_BYTES, dek,
                        "fhirjrnl", journal_key);
}

bool fhs_header_find_journal(const uint8_t *image, const uint8_t *dek, uint8_t *journal_key_out)
{
    return !sodium_is_zero(image + HEADER_JOURNAL, HEADER_JOURNAL_BYTES) &&
           fhs_header_open_key(image + HEADER_JOURNAL, image + HEADER_UUID, FHS_KEYS_UUID_BYTES,
                               dek, "fhirjrnl", journal_key_out);
}

static bool looks_like_sqlite(const uint8_t *block, size_t len)
{
    static const char sqlite_magic[16] = "SQLite format 3";
    return len >= sizeof sqlite_magic && memcmp(block, sqlite_magic, sizeof sqlite_magic) == 0;
}

/* A file too short for the block: is what there is of it ours? */
static fhirstore_status classify_short(const uint8_t *block, size_t len, fhirstore_error **err)
{
    size_t known = len < sizeof header_magic ? len : sizeof header_magic;
    if (memcmp(block, header_magic, known) == 0) {
        return fhs_fail(err, FHIRSTORE_ERR_TRUNCATED, "the file ends within its header");
    }
    return fhs_fail_plain(err, FHIRSTORE_ERR_NOT_A_STORE);
}

fhirstore_status fhs_keys_classify(const uint8_t *block, size_t len, fhirstore_error **err)
{
    if (looks_like_sqlite(block, len)) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_PLAIN_STORE);
    }
    if (len < FHS_KEYS_BLOCK_BYTES) {
        return classify_short(block, len, err);
    }
    fhs_header_state a = fhs_header_inspect(block);
    fhs_header_state b = fhs_header_inspect(block + FHS_KEYS_COPY_BYTES);
    if (a == FHS_HEADER_SOUND || b == FHS_HEADER_SOUND) {
        return FHIRSTORE_OK;
    }
    if (a == FHS_HEADER_NEWER || b == FHS_HEADER_NEWER) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_FORMAT);
    }
    if (a == FHS_HEADER_DAMAGED || b == FHS_HEADER_DAMAGED) {
        return fhs_fail(err, FHIRSTORE_ERR_TAMPERED, "both copies of the header are damaged");
    }
    return fhs_fail_plain(err, FHIRSTORE_ERR_NOT_A_STORE);
}
