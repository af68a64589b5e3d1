/* SPDX-License-Identifier: Apache-2.0 */
/* A new data key takes over from one that somebody may know. */
#include <sodium.h>

#include "keys/keys_internal.h"

/* A recipient's slot is made anew from what it says of itself; slots of other kinds go. */
static fhirstore_status renew_slots(uint8_t *image, const uint8_t *dek, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (uint32_t i = 0; i < FHS_KEYS_SLOT_COUNT && status == FHIRSTORE_OK; i++) {
        uint8_t *slot = fhs_header_slot(image, i);
        fhs_slot_draft draft = {0};
        if (slot[SLOT_TYPE] == FHS_SLOT_X25519) {
            memcpy(draft.slot, slot, SLOT_BOX);
            status = fhs_slot_fill(image, i, (uint32_t)fhs_get_le(slot + SLOT_ID, 2), &draft, dek,
                                   err);
        } else {
            memset(slot, 0, SLOT_BYTES);
        }
    }
    return status;
}

/* The header under the new data key, with the old one inside. */
static fhirstore_status make_image(const fhs_keys *keys, const fhs_slot_draft *draft,
                                   const uint8_t *dek, uint8_t *image, uint32_t *id_out,
                                   fhirstore_error **err)
{
    static const fhs_page_sum none = {.state = FHS_SUM_NONE};
    uint8_t journal[FHS_KEYS_KEY_BYTES];
    uint8_t aad[FHS_KEYS_UUID_BYTES + 1];
    uint8_t *current = image + HEADER_EPOCHS;
    uint8_t *old = current + EPOCH_BYTES;
    memcpy(image, keys->image, FHS_KEYS_COPY_BYTES);
    uint8_t old_epoch = image[HEADER_EPOCH];
    uint8_t epoch = old_epoch == UINT8_MAX ? 1 : (uint8_t)(old_epoch + 1);
    image[HEADER_EPOCH] = epoch;
    image[HEADER_EPOCH_COUNT] = 2;
    fhs_header_set_epoch(current, image + HEADER_UUID, epoch, EPOCH_CURRENT, dek);
    fhs_header_set_epoch(old, image + HEADER_UUID, old_epoch, EPOCH_RETIRING, keys->secrets->dek);
    memcpy(aad, image + HEADER_UUID, FHS_KEYS_UUID_BYTES);
    aad[FHS_KEYS_UUID_BYTES] = old_epoch;
    fhs_header_seal_key(old + EPOCH_SEALED, aad, sizeof aad, dek, "fhirepch", keys->secrets->dek);
    fhs_keys_journal(keys, journal);
    fhs_header_keep_journal(image, journal, dek);
    sodium_memzero(journal, sizeof journal);
    fhs_header_store_sum(image, &none);
    fhirstore_status status = renew_slots(image, dek, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    uint32_t index = fhs_header_free_slot(image);
    uint32_t id = (uint32_t)fhs_get_le(image + HEADER_NEXT_SLOT_ID, 2);
    if (index == FHS_KEYS_SLOT_COUNT || id >= UINT16_MAX) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_KEY_SLOTS_FULL);
    }
    fhs_put_le(image + HEADER_NEXT_SLOT_ID, 2, id + 1);
    *id_out = id;
    return fhs_slot_fill(image, index, id, draft, dek, err);
}

/* What a failed write may have torn, as it was: it is the copy that counts. */
static void put_back(const fhs_keys *keys, const fhs_keys_io *io)
{
    const uint64_t place = (uint64_t)keys->copy * FHS_KEYS_COPY_BYTES;
    if (io->write(io->ctx, place, keys->image, FHS_KEYS_COPY_BYTES, NULL) == FHIRSTORE_OK) {
        (void)io->sync(io->ctx, NULL);
    }
}

/*
 * Both copies, one after the other, before any page is sealed with the new key. Until the second is
 * there either key opens the store as it was; if it fails, it is put back, and the next change of
 * the header writes over the first one.
 */
static fhirstore_status take_over(fhs_keys *keys, fhs_secrets *secrets, uint8_t *image,
                                  const fhs_keys_io *io, fhirstore_error **err)
{
    uint8_t before[FHS_KEYS_COPY_BYTES];
    const uint32_t copy = keys->copy;
    fhs_secrets *old = keys->secrets;
    memcpy(before, keys->image, sizeof before);
    keys->secrets = secrets;
    fhirstore_status status = fhs_header_publish_twice(keys, image, io, err);
    if (status != FHIRSTORE_OK) {
        const bool is_half_written = keys->copy != copy;
        keys->secrets = old;
        memcpy(keys->image, before, sizeof before);
        keys->copy = copy;
        if (is_half_written) {
            put_back(keys, io);
        }
        return status;
    }
    fhs_secrets_free(keys->retired); /* of a renewal that is long finished */
    keys->retired = old;
    return FHIRSTORE_OK;
}

static fhirstore_status renew_with_lock(fhs_keys *keys, const fhs_slot_draft *draft,
                                        const fhs_keys_io *io, uint32_t *id_out,
                                        fhirstore_error **err)
{
    uint8_t image[FHS_KEYS_COPY_BYTES];
    fhirstore_status status = fhs_header_refresh(keys, io, err);
    if (status == FHIRSTORE_OK && keys->image[HEADER_EPOCH_COUNT] != 1) {
        status = fhs_fail(err, FHIRSTORE_ERR_BUSY,
                          "the data key before is still being replaced: maintain the store first");
    }
    fhs_secrets *secrets = status == FHIRSTORE_OK ? fhs_secrets_new() : NULL;
    if (secrets == NULL) {
        return status == FHIRSTORE_OK ? fhs_fail_memory(err) : status;
    }
    randombytes_buf(secrets->dek, FHS_KEYS_KEY_BYTES);
    fhs_secrets_derive(secrets);
    fhs_secrets_keep_old(secrets, keys->secrets->dek);
    status = make_image(keys, draft, secrets->dek, image, id_out, err);
    if (status == FHIRSTORE_OK) {
        status = take_over(keys, secrets, image, io, err);
    }
    if (status != FHIRSTORE_OK) {
        fhs_secrets_free(secrets);
        *id_out = 0;
        return status;
    }
    keys->used_slot = *id_out;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_keys_renew(fhs_keys *keys, const fhs_credential *credential, fhs_key_cost cost,
                                fhs_str label, const fhs_keys_io *io, uint32_t *id_out,
                                fhirstore_error **err)
{
    fhs_slot_draft draft;
    *id_out = 0;
    fhirstore_status status = fhs_slot_draft_new(credential, cost, label, &draft, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_header_lock(io, err);
    }
    if (status == FHIRSTORE_OK) {
        status = renew_with_lock(keys, &draft, io, id_out, err);
        fhs_header_unlock(io);
    }
    sodium_memzero(&draft, sizeof draft);
    return status;
}

static fhirstore_status end_with_lock(fhs_keys *keys, const fhs_keys_io *io, fhirstore_error **err)
{
    uint8_t image[FHS_KEYS_COPY_BYTES];
    fhirstore_status status = fhs_header_refresh(keys, io, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    memcpy(image, keys->image, sizeof image);
    memset(image + HEADER_EPOCHS + EPOCH_BYTES, 0, EPOCH_BYTES);
    image[HEADER_EPOCH_COUNT] = 1;
    status = fhs_header_publish_twice(keys, image, io, err);
    if (status == FHIRSTORE_OK) {
        fhs_secrets *secrets = keys->secrets;
        (void)sodium_mprotect_readwrite(secrets);
        sodium_memzero(secrets->old_page, sizeof secrets->old_page);
        sodium_memzero(secrets->old_wal, sizeof secrets->old_wal);
        sodium_memzero(secrets->old_head, sizeof secrets->old_head);
        (void)sodium_mprotect_readonly(secrets);
        fhs_secrets_free(keys->retired);
        keys->retired = NULL;
    }
    return status;
}

fhirstore_status fhs_keys_renew_end(fhs_keys *keys, const fhs_keys_io *io, fhirstore_error **err)
{
    fhirstore_status status = fhs_header_lock(io, err);
    if (status == FHIRSTORE_OK) {
        status = end_with_lock(keys, io, err);
        fhs_header_unlock(io);
    }
    return status;
}
