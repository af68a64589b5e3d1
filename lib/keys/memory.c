/* SPDX-License-Identifier: Apache-2.0 */
/* Guarded memory, what is derived from the data key, and the tokens sealed with it. */
#include <sodium.h>

#include "base/mem.h"
#include "keys/box.h"
#include "keys/keys_internal.h"

/*
 * sodium_malloc puts guard pages around the region, locks it into memory and keeps it out of core
 * dumps. Where the system allows no locked memory the keys may be swapped; that is the host's to
 * decide (docs/threat-model.md) and no reason to refuse.
 */
void *fhs_guarded_new(size_t len)
{
    void *memory = sodium_init() < 0 ? NULL : sodium_malloc(len);
    if (memory != NULL) {
        sodium_memzero(memory, len);
    }
    return memory;
}

void fhs_guarded_free(void *memory)
{
    sodium_free(memory); /* wipes, and accepts NULL */
}

fhs_secrets *fhs_secrets_new(void)
{
    return fhs_guarded_new(sizeof(fhs_secrets));
}

void fhs_secrets_free(fhs_secrets *secrets)
{
    fhs_guarded_free(secrets);
}

void fhs_keys_wipe(void *bytes, size_t len)
{
    sodium_memzero(bytes, len);
}

void fhs_secrets_derive(fhs_secrets *secrets)
{
    (void)crypto_kdf_derive_from_key(secrets->page, FHS_KEYS_KEY_BYTES, 1, "fhirpage",
                                     secrets->dek);
    (void)crypto_kdf_derive_from_key(secrets->wal, FHS_KEYS_KEY_BYTES, 1, "fhirwal_", secrets->dek);
    (void)crypto_kdf_derive_from_key(secrets->head, FHS_KEYS_KEY_BYTES, 1, "fhirhead",
                                     secrets->dek);
    (void)crypto_kdf_derive_from_key(secrets->token, FHS_KEYS_KEY_BYTES, 1, "fhirtokn",
                                     secrets->dek);
    (void)crypto_kdf_derive_from_key(secrets->sums, FHS_KEYS_KEY_BYTES, 1, "fhirsums",
                                     secrets->dek);
    (void)sodium_mprotect_readonly(secrets);
}

void fhs_keys_derive(const fhs_keys *keys, const char context[8], uint64_t number,
                     uint8_t out[FHS_KEYS_KEY_BYTES])
{
    (void)crypto_kdf_derive_from_key(out, FHS_KEYS_KEY_BYTES, number, context, keys->secrets->dek);
}

void fhs_secrets_keep_old(fhs_secrets *secrets, const uint8_t *old)
{
    (void)sodium_mprotect_readwrite(secrets);
    (void)crypto_kdf_derive_from_key(secrets->old_page, FHS_KEYS_KEY_BYTES, 1, "fhirpage", old);
    (void)crypto_kdf_derive_from_key(secrets->old_wal, FHS_KEYS_KEY_BYTES, 1, "fhirwal_", old);
    (void)crypto_kdf_derive_from_key(secrets->old_head, FHS_KEYS_KEY_BYTES, 1, "fhirhead", old);
    (void)sodium_mprotect_readonly(secrets);
}

bool fhs_secrets_find_old(fhs_secrets *secrets, const uint8_t *image)
{
    uint8_t old[FHS_KEYS_KEY_BYTES];
    uint8_t aad[FHS_KEYS_UUID_BYTES + 1];
    const uint8_t *record = image + HEADER_EPOCHS + EPOCH_BYTES;
    if (image[HEADER_EPOCH_COUNT] != 2) {
        return true;
    }
    memcpy(aad, image + HEADER_UUID, FHS_KEYS_UUID_BYTES);
    aad[FHS_KEYS_UUID_BYTES] = record[EPOCH_ID];
    if (!fhs_header_open_key(record + EPOCH_SEALED, aad, sizeof aad, secrets->dek, "fhirepch",
                             old)) {
        return false;
    }
    fhs_secrets_keep_old(secrets, old);
    sodium_memzero(old, sizeof old);
    return true;
}

uint8_t fhs_keys_old_epoch(const fhs_keys *keys)
{
    return keys->image[HEADER_EPOCH_COUNT] == 2 ? keys->image[HEADER_EPOCHS + EPOCH_BYTES] : 0;
}

const uint8_t *fhs_keys_old_page_key(const fhs_keys *keys)
{
    return keys->secrets->old_page;
}

const uint8_t *fhs_keys_old_wal_key(const fhs_keys *keys)
{
    return keys->secrets->old_wal;
}

const uint8_t *fhs_keys_page_key(const fhs_keys *keys)
{
    return keys->secrets->page;
}

const uint8_t *fhs_keys_wal_key(const fhs_keys *keys)
{
    return keys->secrets->wal;
}

fhirstore_status fhs_keys_seal_token(const fhs_keys *keys, fhs_str aad, fhs_str plaintext,
                                     fhs_buf *out, fhirstore_error **err)
{
    uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
    size_t sealed;
    if (!fhs_size_add(plaintext.len, FHS_KEYS_TOKEN_EXTRA, &sealed) ||
        !fhs_buf_reserve(out, sealed)) {
        fhirstore_status failed = fhs_buf_status(out);
        return fhs_fail_plain(err, failed == FHIRSTORE_OK ? FHIRSTORE_ERR_LIMIT : failed);
    }
    randombytes_buf(nonce, sizeof nonce);
    fhs_buf_add(out, (const char *)nonce, sizeof nonce);
    uint8_t *at = (uint8_t *)out->ptr + out->len;
    unsigned long long made = 0;
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(at, &made, (const uint8_t *)plaintext.ptr,
                                                     plaintext.len, (const uint8_t *)aad.ptr,
                                                     aad.len, NULL, nonce, keys->secrets->token);
    out->len += (size_t)made;
    out->ptr[out->len] = '\0';
    return FHIRSTORE_OK;
}

fhirstore_status fhs_keys_open_token(const fhs_keys *keys, fhs_str aad, fhs_str token, fhs_buf *out,
                                     fhirstore_error **err)
{
    const size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
    if (token.len < FHS_KEYS_TOKEN_EXTRA) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_PAGE_TOKEN);
    }
    size_t len = token.len - FHS_KEYS_TOKEN_EXTRA;
    if (!fhs_buf_reserve(out, len)) {
        return fhs_fail_plain(err, fhs_buf_status(out));
    }
    const uint8_t *bytes = (const uint8_t *)token.ptr;
    unsigned long long made = 0;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt((uint8_t *)out->ptr + out->len, &made, NULL,
                                                   bytes + nonce_bytes, token.len - nonce_bytes,
                                                   (const uint8_t *)aad.ptr, aad.len, bytes,
                                                   keys->secrets->token) != 0) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_PAGE_TOKEN);
    }
    out->len += (size_t)made;
    out->ptr[out->len] = '\0';
    return FHIRSTORE_OK;
}
