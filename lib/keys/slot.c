/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One key slot: the data key, sealed under a key that the credential gives. What the slot says of
 * itself (type, epoch, id, parameters, salt, label) and the database id are bound to it.
 */
#include <sodium.h>

#include "base/limits.h"
#include "keys/keys_internal.h"

#define DEFAULT_MEMORY_KIB (256u * 1024u)
#define DEFAULT_PASSES     3u
#define MIN_MEMORY_KIB     8u

bool fhs_credential_is_empty(const fhs_credential *credential)
{
    return credential == NULL || (credential->raw_key == NULL && credential->passphrase == NULL);
}

fhirstore_status fhs_credential_check(const fhs_credential *credential, fhirstore_error **err)
{
    if (fhs_credential_is_empty(credential)) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_KEY_MISSING);
    }
    if (credential->raw_key != NULL && credential->passphrase != NULL) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "both a raw key and a passphrase given");
    }
    if (credential->raw_key != NULL) {
        if (credential->raw_key_len != FHS_KEYS_KEY_BYTES) {
            return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "a raw key has %u bytes, not %zu",
                            FHS_KEYS_KEY_BYTES, credential->raw_key_len);
        }
        return FHIRSTORE_OK;
    }
    if (credential->passphrase_len == 0 ||
        credential->passphrase_len > FHS_LIMIT_PASSPHRASE_BYTES) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "a passphrase has 1 to %u bytes",
                        FHS_LIMIT_PASSPHRASE_BYTES);
    }
    return FHIRSTORE_OK;
}

/* The key that wraps: the raw one, or what Argon2id makes of the passphrase. */
static fhirstore_status wrapping_key(const uint8_t *slot, const fhs_credential *credential,
                                     uint8_t *kek)
{
    if (slot[SLOT_TYPE] == FHS_SLOT_RAW) {
        memcpy(kek, credential->raw_key, FHS_KEYS_KEY_BYTES);
        return FHIRSTORE_OK;
    }
    uint64_t passes = fhs_get_le(slot + SLOT_PASSES, 4);
    uint64_t memory = fhs_get_le(slot + SLOT_MEMORY, 4);
    if (passes > FHS_LIMIT_KDF_PASSES || memory > FHS_LIMIT_KDF_MEMORY_KIB) {
        return FHIRSTORE_ERR_KDF_LIMIT;
    }
    if (passes < 1 || memory < MIN_MEMORY_KIB || slot[SLOT_KDF] != SLOT_KDF_ARGON2ID13) {
        return FHIRSTORE_ERR_KEY_WRONG;
    }
    if (crypto_pwhash(kek, FHS_KEYS_KEY_BYTES, credential->passphrase, credential->passphrase_len,
                      slot + SLOT_SALT, passes, (size_t)memory * 1024,
                      crypto_pwhash_ALG_ARGON2ID13) != 0) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    return FHIRSTORE_OK;
}

static void wrap_aad(const uint8_t *image, const uint8_t *slot, uint8_t *aad)
{
    memcpy(aad, image + HEADER_UUID, FHS_KEYS_UUID_BYTES);
    memcpy(aad + FHS_KEYS_UUID_BYTES, slot, SLOT_NONCE);
}

#define WRAP_AAD_BYTES (FHS_KEYS_UUID_BYTES + SLOT_NONCE)

static fhirstore_status fill_slot(uint8_t *slot, uint8_t epoch, uint32_t id,
                                  const fhs_credential *credential, fhs_key_cost cost,
                                  fhs_str label, fhirstore_error **err)
{
    if (label.len > FHS_KEYS_LABEL_BYTES) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "a slot's label has at most %u bytes",
                        FHS_KEYS_LABEL_BYTES);
    }
    memset(slot, 0, SLOT_BYTES);
    slot[SLOT_TYPE] = credential->raw_key != NULL ? FHS_SLOT_RAW : FHS_SLOT_PASSPHRASE;
    slot[SLOT_EPOCH] = epoch;
    fhs_put_le(slot + SLOT_ID, 2, id);
    if (label.len > 0) {
        memcpy(slot + SLOT_LABEL, label.ptr, label.len);
    }
    if (slot[SLOT_TYPE] == FHS_SLOT_RAW) {
        return FHIRSTORE_OK;
    }
    uint32_t memory = cost.memory_kib == 0 ? DEFAULT_MEMORY_KIB : cost.memory_kib;
    uint32_t passes = cost.passes == 0 ? DEFAULT_PASSES : cost.passes;
    if (memory < MIN_MEMORY_KIB) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "key derivation needs %u KiB or more",
                        MIN_MEMORY_KIB);
    }
    slot[SLOT_KDF] = SLOT_KDF_ARGON2ID13;
    fhs_put_le(slot + SLOT_PASSES, 4, passes);
    fhs_put_le(slot + SLOT_MEMORY, 4, memory);
    randombytes_buf(slot + SLOT_SALT, crypto_pwhash_SALTBYTES);
    return FHIRSTORE_OK;
}

fhirstore_status fhs_slot_wrap(uint8_t *image, uint32_t index, uint32_t id,
                               const fhs_credential *credential, fhs_key_cost cost, fhs_str label,
                               const uint8_t *dek, fhirstore_error **err)
{
    uint8_t kek[FHS_KEYS_KEY_BYTES] = {0};
    uint8_t aad[WRAP_AAD_BYTES];
    uint8_t *slot = fhs_header_slot(image, index);
    fhirstore_status status = fill_slot(slot, image[HEADER_EPOCH], id, credential, cost, label,
                                        err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = wrapping_key(slot, credential, kek);
    if (status != FHIRSTORE_OK) {
        return fhs_fail_plain(err, status);
    }
    randombytes_buf(slot + SLOT_NONCE, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
    wrap_aad(image, slot, aad);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
        slot + SLOT_WRAPPED, slot + SLOT_TAG, NULL, dek, FHS_KEYS_KEY_BYTES, aad, sizeof aad, NULL,
        slot + SLOT_NONCE, kek);
    sodium_memzero(kek, sizeof kek);
    return FHIRSTORE_OK;
}

fhirstore_status fhs_slot_unwrap(const uint8_t *image, uint32_t index,
                                 const fhs_credential *credential, uint8_t *dek_out)
{
    uint8_t kek[FHS_KEYS_KEY_BYTES] = {0};
    uint8_t aad[WRAP_AAD_BYTES];
    const uint8_t *slot = fhs_header_slot_const(image, index);
    uint8_t wanted = credential->raw_key != NULL ? FHS_SLOT_RAW : FHS_SLOT_PASSPHRASE;
    if (slot[SLOT_TYPE] != wanted) {
        return FHIRSTORE_ERR_KEY_WRONG;
    }
    fhirstore_status status = wrapping_key(slot, credential, kek);
    if (status == FHIRSTORE_OK) {
        wrap_aad(image, slot, aad);
        if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
                dek_out, NULL, slot + SLOT_WRAPPED, FHS_KEYS_KEY_BYTES, slot + SLOT_TAG, aad,
                sizeof aad, slot + SLOT_NONCE, kek) != 0) {
            status = FHIRSTORE_ERR_KEY_WRONG;
        }
    }
    sodium_memzero(kek, sizeof kek);
    return status;
}
