/* SPDX-License-Identifier: Apache-2.0 */
/* A store's keys from creation or opening to the last change of a slot. */
#include <sodium.h>

#include "base/mem.h"
#include "keys/keys_internal.h"

static fhs_keys *new_keys(void)
{
    fhs_keys *keys = fhs_calloc(1, sizeof *keys);
    if (keys == NULL) {
        return NULL;
    }
    keys->secrets = fhs_secrets_new();
    if (keys->secrets == NULL) {
        fhs_free(keys);
        return NULL;
    }
    return keys;
}

void fhs_keys_free(fhs_keys *keys)
{
    if (keys != NULL) {
        fhs_secrets_free(keys->secrets);
        fhs_secrets_free(keys->retired);
        sodium_memzero(keys, sizeof *keys);
        fhs_free(keys);
    }
}

fhirstore_status fhs_keys_new_ephemeral(fhs_keys **keys_out, fhirstore_error **err)
{
    fhs_keys *keys = new_keys();
    *keys_out = keys;
    if (keys == NULL) {
        return fhs_fail_memory(err);
    }
    randombytes_buf(keys->secrets->dek, FHS_KEYS_KEY_BYTES);
    fhs_secrets_derive(keys->secrets);
    keys->is_ephemeral = true;
    return FHIRSTORE_OK;
}

static void write_block(fhs_keys *keys, uint8_t *block)
{
    for (uint32_t copy = 0; copy < 2; copy++) {
        fhs_put_le(keys->image + HEADER_SEQ, 8, copy + 1);
        fhs_header_seal(keys->image, keys->secrets->head);
        memcpy(block + (size_t)copy * FHS_KEYS_COPY_BYTES, keys->image, FHS_KEYS_COPY_BYTES);
    }
    keys->copy = 1;
}

fhirstore_status fhs_keys_create(const fhs_credential *credential, fhs_key_cost cost, fhs_str label,
                                 const uint8_t *journal_key, uint8_t block[FHS_KEYS_BLOCK_BYTES],
                                 fhs_keys **keys_out, fhirstore_error **err)
{
    uint8_t uuid[FHS_KEYS_UUID_BYTES];
    fhs_slot_draft draft;
    *keys_out = NULL;
    fhirstore_status status = fhs_slot_draft_new(credential, cost, label, &draft, err);
    fhs_keys *keys = status == FHIRSTORE_OK ? new_keys() : NULL;
    if (keys == NULL) {
        sodium_memzero(&draft, sizeof draft);
        return status == FHIRSTORE_OK ? fhs_fail_memory(err) : status;
    }
    randombytes_buf(uuid, sizeof uuid);
    uuid[6] = (uint8_t)(0x40 | (uuid[6] & 0x0F)); /* RFC 9562, version 4 */
    uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3F));
    randombytes_buf(keys->secrets->dek, FHS_KEYS_KEY_BYTES);
    fhs_secrets_derive(keys->secrets);
    fhs_header_init(keys->image, uuid, keys->secrets->dek);
    status = fhs_slot_fill(keys->image, 0, 1, &draft, keys->secrets->dek, err);
    sodium_memzero(&draft, sizeof draft);
    if (status != FHIRSTORE_OK) {
        fhs_keys_free(keys);
        return status;
    }
    if (journal_key != NULL) {
        fhs_header_keep_journal(keys->image, journal_key, keys->secrets->dek);
    }
    fhs_put_le(keys->image + HEADER_NEXT_SLOT_ID, 2, 2);
    keys->used_slot = 1;
    write_block(keys, block);
    *keys_out = keys;
    return FHIRSTORE_OK;
}

/* How far the search for a slot that opens has come. */
typedef struct slot_search {
    const fhs_credential *credential;
    const uint8_t *copies[2]; /* newest first */
    uint32_t places[2];       /* where each stands in the block */
    uint32_t count;
    bool met_limit;
    bool met_forgery; /* a slot opened, but the header around it is not authentic */
    bool no_memory;
    bool no_answer; /* the host could not be asked for a key */
} slot_search;

static void order_copies(slot_search *search, const uint8_t *block)
{
    for (uint32_t i = 0; i < 2; i++) {
        const uint8_t *copy = block + (size_t)i * FHS_KEYS_COPY_BYTES;
        if (fhs_header_inspect(copy) != FHS_HEADER_SOUND) {
            continue;
        }
        uint32_t at = search->count++;
        search->copies[at] = copy;
        search->places[at] = i;
    }
    if (search->count == 2 &&
        fhs_header_seq(search->copies[1]) > fhs_header_seq(search->copies[0])) {
        const uint8_t *newer = search->copies[1];
        search->copies[1] = search->copies[0];
        search->copies[0] = newer;
        search->places[0] = 1;
        search->places[1] = 0;
    }
}

/* The same slot in the newer copy was tried already: a KDF run saved. */
static bool was_tried(const slot_search *search, uint32_t rank, uint32_t index)
{
    return rank == 1 && memcmp(fhs_header_slot_const(search->copies[0], index),
                               fhs_header_slot_const(search->copies[1], index), SLOT_BYTES) == 0;
}

/* Look for a slot of this copy that gives the data key it commits to. False: none. */
static bool open_copy(slot_search *search, uint32_t rank, uint8_t *dek, uint32_t *index_out)
{
    const uint8_t *image = search->copies[rank];
    for (uint32_t i = 0; i < FHS_KEYS_SLOT_COUNT; i++) {
        if (was_tried(search, rank, i) && !search->met_forgery) {
            continue;
        }
        fhirstore_status status = fhs_slot_unwrap(image, i, search->credential, dek);
        search->met_limit |= status == FHIRSTORE_ERR_KDF_LIMIT;
        search->no_memory |= status == FHIRSTORE_ERR_NO_MEMORY;
        search->no_answer |= status == FHIRSTORE_ERR_CALLBACK;
        if (status == FHIRSTORE_OK) {
            if (fhs_header_commits_to(image, fhs_header_slot_const(image, i)[SLOT_EPOCH], dek)) {
                *index_out = i;
                return true;
            }
            search->met_forgery = true;
        }
    }
    return false;
}

static fhirstore_status search_failure(const slot_search *search, fhirstore_error **err)
{
    if (search->no_memory) {
        return fhs_fail_memory(err);
    }
    if (search->met_forgery) {
        return fhs_fail(err, FHIRSTORE_ERR_TAMPERED, "the header does not authenticate");
    }
    if (search->no_answer) {
        return fhs_fail(err, FHIRSTORE_ERR_CALLBACK, "the key callback failed");
    }
    return fhs_fail_plain(err,
                          search->met_limit ? FHIRSTORE_ERR_KDF_LIMIT : FHIRSTORE_ERR_KEY_WRONG);
}

/*
 * The newest authentic copy rules. A credential that only the older one knows was removed, so it
 * opens nothing unless the newer copy turns out not to be authentic under the very same data key.
 */
static fhirstore_status find_slot(slot_search *search, fhs_keys *keys, fhirstore_error **err)
{
    for (uint32_t rank = 0; rank < search->count; rank++) {
        uint32_t index = 0;
        const uint8_t *image = search->copies[rank];
        if (!open_copy(search, rank, keys->secrets->dek, &index)) {
            continue;
        }
        fhs_secrets_derive(keys->secrets);
        if (rank == 1 && fhs_header_is_authentic(search->copies[0], keys->secrets->head)) {
            break;
        }
        if (fhs_header_is_authentic(image, keys->secrets->head) &&
            fhs_secrets_find_old(keys->secrets, image)) {
            memcpy(keys->image, image, FHS_KEYS_COPY_BYTES);
            keys->copy = search->places[rank];
            keys->used_slot = (uint32_t)fhs_get_le(fhs_header_slot_const(image, index) + SLOT_ID,
                                                   2);
            return FHIRSTORE_OK;
        }
        search->met_forgery = true;
        (void)sodium_mprotect_readwrite(keys->secrets);
    }
    return search_failure(search, err);
}

fhirstore_status fhs_keys_open(const uint8_t block[FHS_KEYS_BLOCK_BYTES],
                               const fhs_credential *credential, fhs_keys **keys_out,
                               fhirstore_error **err)
{
    *keys_out = NULL;
    fhirstore_status status = fhs_keys_classify(block, FHS_KEYS_BLOCK_BYTES, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_credential_check(credential, err);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_keys *keys = new_keys();
    if (keys == NULL) {
        return fhs_fail_memory(err);
    }
    slot_search search = {.credential = credential};
    order_copies(&search, block);
    status = find_slot(&search, keys, err);
    if (status != FHIRSTORE_OK) {
        fhs_keys_free(keys);
        return status;
    }
    *keys_out = keys;
    return FHIRSTORE_OK;
}

const uint8_t *fhs_keys_uuid(const fhs_keys *keys)
{
    return keys->image + HEADER_UUID;
}

uint8_t fhs_keys_suite(const fhs_keys *keys)
{
    return keys->image[HEADER_SUITE];
}

uint8_t fhs_keys_epoch(const fhs_keys *keys)
{
    return keys->image[HEADER_EPOCH];
}

uint64_t fhs_keys_generation(const fhs_keys *keys)
{
    return fhs_get_le(keys->image + HEADER_GENERATION, 8);
}

void fhs_keys_journal(const fhs_keys *keys, uint8_t out[FHS_KEYS_KEY_BYTES])
{
    if (!fhs_header_find_journal(keys->image, keys->secrets->dek, out)) {
        fhs_keys_derive(keys, "journal ", 0, out);
    }
}

void fhs_keys_uuid_text(const fhs_keys *keys, char out[37])
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < FHS_KEYS_UUID_BYTES && !keys->is_ephemeral; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            out[at++] = '-';
        }
        out[at++] = digits[fhs_keys_uuid(keys)[i] >> 4];
        out[at++] = digits[fhs_keys_uuid(keys)[i] & 0x0F];
    }
    out[at] = '\0';
}

bool fhs_keys_copy_is_valid(const fhs_keys *keys, const uint8_t copy[FHS_KEYS_COPY_BYTES])
{
    return fhs_header_is_authentic(copy, keys->secrets->head) &&
           memcmp(copy + HEADER_UUID, fhs_keys_uuid(keys), FHS_KEYS_UUID_BYTES) == 0;
}

uint32_t fhs_keys_slot_count(const fhs_keys *keys)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < FHS_KEYS_SLOT_COUNT && !keys->is_ephemeral; i++) {
        count += fhs_header_slot_const(keys->image, i)[SLOT_TYPE] != FHS_SLOT_FREE ? 1 : 0;
    }
    return count;
}

/* What a slot holds beside the key goes by its type. */
static void describe_slot(const uint8_t *slot, fhs_key_slot *out)
{
    switch (out->type) {
    case FHS_SLOT_X25519:
        memcpy(out->public_key, slot + SLOT_PUBLIC, FHS_KEYS_KEY_BYTES);
        memcpy(out->label, slot + SLOT_RECIPIENT_LABEL, FHS_KEYS_RECIPIENT_LABEL_BYTES);
        break;
    case FHS_SLOT_CALLBACK:
        memcpy(out->key_id, slot + SLOT_KEY_ID, FHS_KEYS_ID_BYTES);
        break;
    case FHS_SLOT_PASSPHRASE:
        out->memory_kib = (uint32_t)fhs_get_le(slot + SLOT_MEMORY, 4);
        out->passes = (uint32_t)fhs_get_le(slot + SLOT_PASSES, 4);
        memcpy(out->label, slot + SLOT_LABEL, FHS_KEYS_LABEL_BYTES);
        break;
    case FHS_SLOT_RAW:
    case FHS_SLOT_FREE:
    default:
        memcpy(out->label, slot + SLOT_LABEL, FHS_KEYS_LABEL_BYTES);
        break;
    }
}

bool fhs_keys_slot_get(const fhs_keys *keys, uint32_t index, fhs_key_slot *slot_out)
{
    memset(slot_out, 0, sizeof *slot_out);
    for (uint32_t i = 0; i < FHS_KEYS_SLOT_COUNT && !keys->is_ephemeral; i++) {
        const uint8_t *slot = fhs_header_slot_const(keys->image, i);
        if (slot[SLOT_TYPE] == FHS_SLOT_FREE || index-- > 0) {
            continue;
        }
        slot_out->id = (uint32_t)fhs_get_le(slot + SLOT_ID, 2);
        slot_out->type = (fhs_slot_type)slot[SLOT_TYPE];
        describe_slot(slot, slot_out);
        slot_out->is_used_here = slot_out->id == keys->used_slot;
        return true;
    }
    return false;
}

/* Another process may have changed the slots since this one read them. */
fhirstore_status fhs_header_refresh(fhs_keys *keys, const fhs_keys_io *io, fhirstore_error **err)
{
    uint8_t copy[FHS_KEYS_COPY_BYTES];
    for (uint32_t i = 0; i < 2; i++) {
        fhirstore_status status = io->read(io->ctx, (uint64_t)i * sizeof copy, copy, sizeof copy,
                                           err);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        if (fhs_keys_copy_is_valid(keys, copy) &&
            fhs_header_seq(copy) > fhs_header_seq(keys->image)) {
            memcpy(keys->image, copy, sizeof copy);
            keys->copy = i;
        }
    }
    return FHIRSTORE_OK;
}

bool fhs_keys_reload(fhs_keys *keys, const uint8_t block[FHS_KEYS_BLOCK_BYTES])
{
    bool found = false;
    for (uint32_t i = 0; i < 2; i++) {
        const uint8_t *copy = block + (size_t)i * FHS_KEYS_COPY_BYTES;
        if (fhs_keys_copy_is_valid(keys, copy) &&
            fhs_header_seq(copy) >= fhs_header_seq(keys->image)) {
            memcpy(keys->image, copy, FHS_KEYS_COPY_BYTES);
            keys->copy = i;
            found = true;
        }
    }
    return found;
}

/* Put @a image, one step newer, where the older copy is; it is in force once that is on disk. */
fhirstore_status fhs_header_publish(fhs_keys *keys, uint8_t *image, const fhs_keys_io *io,
                                    fhirstore_error **err)
{
    uint32_t target = keys->copy ^ 1u;
    fhs_put_le(image + HEADER_SEQ, 8, fhs_header_seq(keys->image) + 1);
    fhs_header_seal(image, keys->secrets->head);
    fhirstore_status status = io->write(io->ctx, (uint64_t)target * FHS_KEYS_COPY_BYTES, image,
                                        FHS_KEYS_COPY_BYTES, err);
    if (status == FHIRSTORE_OK) {
        status = io->sync(io->ctx, err);
    }
    keys->is_torn = status != FHIRSTORE_OK;
    if (status == FHIRSTORE_OK) {
        memcpy(keys->image, image, FHS_KEYS_COPY_BYTES);
        keys->copy = target;
    }
    return status;
}

uint32_t fhs_header_free_slot(const uint8_t *image)
{
    uint32_t index = 0;
    while (index < FHS_KEYS_SLOT_COUNT &&
           fhs_header_slot_const(image, index)[SLOT_TYPE] != FHS_SLOT_FREE) {
        index++;
    }
    return index;
}

fhirstore_status fhs_header_lock(const fhs_keys_io *io, fhirstore_error **err)
{
    return io->lock == NULL ? FHIRSTORE_OK : io->lock(io->ctx, err);
}

void fhs_header_unlock(const fhs_keys_io *io)
{
    if (io->unlock != NULL) {
        io->unlock(io->ctx);
    }
}

static fhirstore_status add_draft(fhs_keys *keys, const fhs_slot_draft *draft,
                                  const fhs_keys_io *io, uint32_t *id_out, fhirstore_error **err)
{
    uint8_t image[FHS_KEYS_COPY_BYTES];
    fhirstore_status status = fhs_header_refresh(keys, io, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    memcpy(image, keys->image, sizeof image);
    uint32_t index = fhs_header_free_slot(image);
    uint32_t id = (uint32_t)fhs_get_le(image + HEADER_NEXT_SLOT_ID, 2);
    if (index == FHS_KEYS_SLOT_COUNT || id >= UINT16_MAX) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_KEY_SLOTS_FULL);
    }
    status = fhs_slot_fill(image, index, id, draft, keys->secrets->dek, err);
    if (status == FHIRSTORE_OK) {
        fhs_put_le(image + HEADER_NEXT_SLOT_ID, 2, id + 1);
        status = fhs_header_publish(keys, image, io, err);
    }
    if (status == FHIRSTORE_OK) {
        *id_out = id;
    }
    return status;
}

fhirstore_status fhs_keys_slot_add(fhs_keys *keys, const fhs_credential *credential,
                                   fhs_key_cost cost, fhs_str label, const fhs_keys_io *io,
                                   uint32_t *id_out, fhirstore_error **err)
{
    fhs_slot_draft draft;
    *id_out = 0;
    fhirstore_status status = fhs_slot_draft_new(credential, cost, label, &draft, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_header_lock(io, err);
    }
    if (status == FHIRSTORE_OK) {
        status = add_draft(keys, &draft, io, id_out, err);
        fhs_header_unlock(io);
    }
    sodium_memzero(&draft, sizeof draft);
    return status;
}

static uint8_t *find_slot_by_id(uint8_t *image, uint32_t id)
{
    for (uint32_t i = 0; i < FHS_KEYS_SLOT_COUNT; i++) {
        uint8_t *slot = fhs_header_slot(image, i);
        if (slot[SLOT_TYPE] != FHS_SLOT_FREE && fhs_get_le(slot + SLOT_ID, 2) == id) {
            return slot;
        }
    }
    return NULL;
}

fhirstore_status fhs_header_publish_twice(fhs_keys *keys, uint8_t *image, const fhs_keys_io *io,
                                          fhirstore_error **err)
{
    fhirstore_status status = fhs_header_publish(keys, image, io, err);
    return status == FHIRSTORE_OK ? fhs_header_publish(keys, image, io, err) : status;
}

static fhirstore_status remove_slot(fhs_keys *keys, uint32_t id, const fhs_keys_io *io,
                                    fhirstore_error **err)
{
    uint8_t image[FHS_KEYS_COPY_BYTES];
    fhirstore_status status = fhs_header_refresh(keys, io, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    memcpy(image, keys->image, sizeof image);
    uint8_t *found = find_slot_by_id(image, id);
    if (found == NULL) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_FOUND, "no key slot has this number");
    }
    if (fhs_keys_slot_count(keys) == 1) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "the last key slot cannot be removed");
    }
    memset(found, 0, SLOT_BYTES);
    return fhs_header_publish_twice(keys, image, io, err);
}

fhirstore_status fhs_keys_slot_remove(fhs_keys *keys, uint32_t id, const fhs_keys_io *io,
                                      fhirstore_error **err)
{
    fhirstore_status status = fhs_header_lock(io, err);
    if (status == FHIRSTORE_OK) {
        status = remove_slot(keys, id, io, err);
        fhs_header_unlock(io);
    }
    return status;
}

/* Slots of unlike types keep their labels in unlike places, and some have none. */
static void inherit_label(uint8_t *to, const uint8_t *from)
{
    fhs_key_slot before = {.type = (fhs_slot_type)from[SLOT_TYPE]};
    describe_slot(from, &before);
    if (to[SLOT_TYPE] == FHS_SLOT_X25519) {
        memcpy(to + SLOT_RECIPIENT_LABEL, before.label, FHS_KEYS_RECIPIENT_LABEL_BYTES);
    } else if (to[SLOT_TYPE] != FHS_SLOT_CALLBACK) {
        memcpy(to + SLOT_LABEL, before.label, FHS_KEYS_LABEL_BYTES);
    }
}

static fhirstore_status rotate_to_draft(fhs_keys *keys, uint32_t id, fhs_slot_draft *draft,
                                        bool keeps_label, const fhs_keys_io *io, uint32_t *id_out,
                                        fhirstore_error **err)
{
    uint8_t image[FHS_KEYS_COPY_BYTES];
    fhirstore_status status = fhs_header_refresh(keys, io, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    memcpy(image, keys->image, sizeof image);
    uint32_t old_id = id == 0 ? keys->used_slot : id;
    uint8_t *found = find_slot_by_id(image, old_id);
    uint32_t new_id = (uint32_t)fhs_get_le(image + HEADER_NEXT_SLOT_ID, 2);
    if (found == NULL) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_FOUND, "no key slot has this number");
    }
    if (new_id >= UINT16_MAX) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_KEY_SLOTS_FULL);
    }
    if (keeps_label) {
        inherit_label(draft->slot, found);
    }
    uint32_t index = (uint32_t)((size_t)(found - image - HEADER_SLOTS) / SLOT_BYTES);
    status = fhs_slot_fill(image, index, new_id, draft, keys->secrets->dek, err);
    if (status == FHIRSTORE_OK) {
        fhs_put_le(image + HEADER_NEXT_SLOT_ID, 2, new_id + 1);
        status = fhs_header_publish_twice(keys, image, io, err);
    }
    if (status == FHIRSTORE_OK) {
        keys->used_slot = keys->used_slot == old_id ? new_id : keys->used_slot;
        *id_out = new_id;
    }
    return status;
}

fhirstore_status fhs_keys_slot_rotate(fhs_keys *keys, uint32_t id, const fhs_credential *credential,
                                      fhs_key_cost cost, fhs_str label, const fhs_keys_io *io,
                                      uint32_t *id_out, fhirstore_error **err)
{
    fhs_slot_draft draft;
    *id_out = 0;
    fhirstore_status status = fhs_slot_draft_new(credential, cost, label, &draft, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_header_lock(io, err);
    }
    if (status == FHIRSTORE_OK) {
        status = rotate_to_draft(keys, id, &draft, label.len == 0, io, id_out, err);
        fhs_header_unlock(io);
    }
    sodium_memzero(&draft, sizeof draft);
    return status;
}
