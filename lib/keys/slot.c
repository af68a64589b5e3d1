/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One key slot: the data key, sealed under a key that the credential gives, or in a box for a
 * recipient. What the slot says of itself (type, epoch, id, parameters, salt, label) and the
 * database id are bound to it: by the seal, and where there is none by the header's MAC.
 */
#include <sodium.h>

#include "base/limits.h"
#include "keys/keys_internal.h"

#define MIN_MEMORY_KIB 8u

_Static_assert(SLOT_BOX + SLOT_BOX_BYTES == SLOT_BYTES &&
                   SLOT_BOX_BYTES == crypto_box_SEALBYTES + FHS_KEYS_KEY_BYTES,
               "a sealed box fills its slot");

bool fhs_credential_is_empty(const fhs_credential *credential)
{
    return credential == NULL || (credential->raw_key == NULL && credential->passphrase == NULL &&
                                  credential->public_key == NULL &&
                                  credential->secret_key == NULL && credential->ask == NULL);
}

static fhs_slot_type type_of_credential(const fhs_credential *credential)
{
    if (credential->raw_key != NULL) {
        return FHS_SLOT_RAW;
    }
    if (credential->passphrase != NULL) {
        return FHS_SLOT_PASSPHRASE;
    }
    return credential->ask != NULL ? FHS_SLOT_CALLBACK : FHS_SLOT_X25519;
}

fhirstore_status fhs_credential_check(const fhs_credential *credential, fhirstore_error **err)
{
    if (fhs_credential_is_empty(credential)) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_KEY_MISSING);
    }
    int given = (credential->raw_key != NULL) + (credential->passphrase != NULL) +
                (credential->public_key != NULL) + (credential->secret_key != NULL) +
                (credential->ask != NULL);
    if (given != 1) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG,
                        "more than one of raw key, passphrase, recipient and key callback given");
    }
    if (credential->raw_key != NULL && credential->raw_key_len != FHS_KEYS_KEY_BYTES) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "a raw key has %u bytes, not %zu",
                        FHS_KEYS_KEY_BYTES, credential->raw_key_len);
    }
    if (credential->passphrase != NULL &&
        (credential->passphrase_len == 0 ||
         credential->passphrase_len > FHS_LIMIT_PASSPHRASE_BYTES)) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "a passphrase has 1 to %u bytes",
                        FHS_LIMIT_PASSPHRASE_BYTES);
    }
    return FHIRSTORE_OK;
}

void fhs_keys_public(const uint8_t *secret_key, uint8_t *public_key_out)
{
    (void)crypto_scalarmult_base(public_key_out, secret_key);
}

/* ---- keys that wrap ---- */

static fhirstore_status derive_kek(const uint8_t *slot, const fhs_credential *credential,
                                   uint8_t *kek)
{
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

/* The id ends before the first zero. */
static size_t key_id_length(const uint8_t *slot)
{
    size_t len = 0;
    while (len < FHS_KEYS_ID_BYTES && slot[SLOT_KEY_ID + len] != 0) {
        len++;
    }
    return len;
}

static fhirstore_status ask_for_kek(const uint8_t *slot, const fhs_credential *credential,
                                    uint8_t *kek)
{
    char id[FHS_KEYS_ID_BYTES + 1] = {0};
    size_t len = key_id_length(slot);
    memcpy(id, slot + SLOT_KEY_ID, len);
    fhirstore_status status = credential->ask(credential->ask_ctx, id, len, kek);
    if (status == FHIRSTORE_OK) {
        return status;
    }
    return status == FHIRSTORE_ERR_NOT_FOUND || status == FHIRSTORE_ERR_KEY_WRONG
               ? FHIRSTORE_ERR_KEY_WRONG
               : FHIRSTORE_ERR_CALLBACK;
}

/* The raw key, what the host gives, or what Argon2id makes of the passphrase. A recipient has none.
 */
static fhirstore_status wrapping_key(const uint8_t *slot, const fhs_credential *credential,
                                     uint8_t *kek)
{
    if (slot[SLOT_TYPE] == FHS_SLOT_RAW) {
        memcpy(kek, credential->raw_key, FHS_KEYS_KEY_BYTES);
        return FHIRSTORE_OK;
    }
    return slot[SLOT_TYPE] == FHS_SLOT_CALLBACK ? ask_for_kek(slot, credential, kek)
                                                : derive_kek(slot, credential, kek);
}

static void wrap_aad(const uint8_t *image, const uint8_t *slot, uint8_t *aad)
{
    memcpy(aad, image + HEADER_UUID, FHS_KEYS_UUID_BYTES);
    memcpy(aad + FHS_KEYS_UUID_BYTES, slot, SLOT_NONCE);
}

#define WRAP_AAD_BYTES (FHS_KEYS_UUID_BYTES + SLOT_NONCE)

/* ---- making one ---- */

static fhirstore_status draft_label(uint8_t *slot, fhs_str label, fhirstore_error **err)
{
    bool is_recipient = slot[SLOT_TYPE] == FHS_SLOT_X25519;
    size_t max = is_recipient                           ? FHS_KEYS_RECIPIENT_LABEL_BYTES
                 : slot[SLOT_TYPE] == FHS_SLOT_CALLBACK ? 0
                                                        : FHS_KEYS_LABEL_BYTES;
    if (label.len > max) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG,
                        "the label of such a slot has at most %zu bytes", max);
    }
    if (label.len > 0) {
        memcpy(slot + (is_recipient ? SLOT_RECIPIENT_LABEL : SLOT_LABEL), label.ptr, label.len);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status draft_passphrase(uint8_t *slot, fhs_key_cost cost, fhirstore_error **err)
{
    fhirstore_status status = fhs_key_cost_settle(&cost, err);
    if (status == FHIRSTORE_OK && cost.memory_kib < MIN_MEMORY_KIB) {
        status = fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "key derivation needs %u KiB or more",
                          MIN_MEMORY_KIB);
    }
    slot[SLOT_KDF] = SLOT_KDF_ARGON2ID13;
    fhs_put_le(slot + SLOT_PASSES, 4, cost.passes);
    fhs_put_le(slot + SLOT_MEMORY, 4, cost.memory_kib);
    randombytes_buf(slot + SLOT_SALT, crypto_pwhash_SALTBYTES);
    return status;
}

static fhirstore_status draft_recipient(uint8_t *slot, const fhs_credential *credential,
                                        fhirstore_error **err)
{
    uint8_t scalar[FHS_KEYS_KEY_BYTES];
    uint8_t shared[FHS_KEYS_KEY_BYTES];
    if (credential->public_key != NULL) {
        memcpy(slot + SLOT_PUBLIC, credential->public_key, FHS_KEYS_KEY_BYTES);
    } else {
        (void)crypto_scalarmult_base(slot + SLOT_PUBLIC, credential->secret_key);
    }
    /* A point of small order gives the same key to everybody; libsodium refuses it. */
    randombytes_buf(scalar, sizeof scalar);
    bool is_good = crypto_scalarmult(shared, scalar, slot + SLOT_PUBLIC) == 0;
    sodium_memzero(scalar, sizeof scalar);
    sodium_memzero(shared, sizeof shared);
    return is_good ? FHIRSTORE_OK
                   : fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG,
                              "the recipient's public key is not a good X25519 key");
}

static fhirstore_status draft_key_id(uint8_t *slot, fhs_str id, fhirstore_error **err)
{
    if (id.len == 0 || id.len > FHS_KEYS_ID_BYTES || memchr(id.ptr, 0, id.len) != NULL) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "a key id has 1 to %u bytes and no NUL",
                        FHS_KEYS_ID_BYTES);
    }
    memcpy(slot + SLOT_KEY_ID, id.ptr, id.len);
    return FHIRSTORE_OK;
}

fhirstore_status fhs_slot_draft_new(const fhs_credential *credential, fhs_key_cost cost,
                                    fhs_str label, fhs_slot_draft *draft_out, fhirstore_error **err)
{
    uint8_t *slot = draft_out->slot;
    memset(draft_out, 0, sizeof *draft_out);
    fhirstore_status status = fhs_credential_check(credential, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    slot[SLOT_TYPE] = (uint8_t)type_of_credential(credential);
    status = draft_label(slot, label, err);
    if (status == FHIRSTORE_OK && slot[SLOT_TYPE] == FHS_SLOT_PASSPHRASE) {
        status = draft_passphrase(slot, cost, err);
    } else if (status == FHIRSTORE_OK && slot[SLOT_TYPE] == FHS_SLOT_X25519) {
        return draft_recipient(slot, credential, err);
    } else if (status == FHIRSTORE_OK && slot[SLOT_TYPE] == FHS_SLOT_CALLBACK) {
        status = draft_key_id(slot, credential->key_id, err);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = wrapping_key(slot, credential, draft_out->kek);
    if (status == FHIRSTORE_ERR_CALLBACK || status == FHIRSTORE_ERR_KEY_WRONG) {
        return fhs_fail(err, FHIRSTORE_ERR_CALLBACK, "the key callback gave no key for this id");
    }
    return status == FHIRSTORE_OK ? status : fhs_fail_plain(err, status);
}

fhirstore_status fhs_slot_fill(uint8_t *image, uint32_t index, uint32_t id,
                               const fhs_slot_draft *draft, const uint8_t *dek,
                               fhirstore_error **err)
{
    uint8_t aad[WRAP_AAD_BYTES];
    uint8_t *slot = fhs_header_slot(image, index);
    memcpy(slot, draft->slot, SLOT_BYTES);
    slot[SLOT_EPOCH] = image[HEADER_EPOCH];
    fhs_put_le(slot + SLOT_ID, 2, id);
    if (slot[SLOT_TYPE] == FHS_SLOT_X25519) {
        return crypto_box_seal(slot + SLOT_BOX, dek, FHS_KEYS_KEY_BYTES, slot + SLOT_PUBLIC) == 0
                   ? FHIRSTORE_OK
                   : fhs_fail(err, FHIRSTORE_ERR_INTERNAL, "the data key cannot be boxed");
    }
    randombytes_buf(slot + SLOT_NONCE, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
    wrap_aad(image, slot, aad);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
        slot + SLOT_WRAPPED, slot + SLOT_TAG, NULL, dek, FHS_KEYS_KEY_BYTES, aad, sizeof aad, NULL,
        slot + SLOT_NONCE, draft->kek);
    return FHIRSTORE_OK;
}

/* ---- opening one ---- */

/* A recipient knows its slots by the public key; the box is tried only there. */
static fhirstore_status open_box(const uint8_t *slot, const uint8_t *secret_key, uint8_t *dek_out)
{
    uint8_t public_key[FHS_KEYS_KEY_BYTES];
    if (secret_key == NULL) {
        return FHIRSTORE_ERR_KEY_WRONG;
    }
    fhs_keys_public(secret_key, public_key);
    if (memcmp(public_key, slot + SLOT_PUBLIC, sizeof public_key) != 0 ||
        crypto_box_seal_open(dek_out, slot + SLOT_BOX, SLOT_BOX_BYTES, public_key, secret_key) !=
            0) {
        return FHIRSTORE_ERR_KEY_WRONG;
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_slot_unwrap(const uint8_t *image, uint32_t index,
                                 const fhs_credential *credential, uint8_t *dek_out)
{
    uint8_t kek[FHS_KEYS_KEY_BYTES] = {0};
    uint8_t aad[WRAP_AAD_BYTES];
    const uint8_t *slot = fhs_header_slot_const(image, index);
    if (slot[SLOT_TYPE] != (uint8_t)type_of_credential(credential)) {
        return FHIRSTORE_ERR_KEY_WRONG;
    }
    if (slot[SLOT_TYPE] == FHS_SLOT_X25519) {
        return open_box(slot, credential->secret_key, dek_out);
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
