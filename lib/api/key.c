/* SPDX-License-Identifier: Apache-2.0 */
/* Key slots: listed, added, removed, rotated. */
#include "fhirstore/keys.h"

#include <stddef.h>

#include "api/handle.h"
#include "api/key_options.h"
#include "vfs/vfs.h"
#include "json/json.h"

#define KEY_OPTIONS_V1_SIZE FHS_ABI_SIZE(fhirstore_key_options, kdf_target_ms)

FHS_ABI_HEAD(fhirstore_key_options);

static const char *slot_type_name(fhs_slot_type type)
{
    switch (type) {
    case FHS_SLOT_RAW:
        return "raw";
    case FHS_SLOT_PASSPHRASE:
        return "passphrase";
    case FHS_SLOT_X25519:
        return "x25519";
    case FHS_SLOT_CALLBACK:
        return "callback";
    case FHS_SLOT_FREE:
        break;
    }
    return "free";
}

static void write_slot(fhs_buf *out, const fhs_key_slot *slot)
{
    fhs_buf_addf(out, "{\"slot\":%u,\"type\":\"%s\",\"label\":", (unsigned)slot->id,
                 slot_type_name(slot->type));
    fhs_json_write_string(out, fhs_str_from_cstr(slot->label));
    if (slot->type == FHS_SLOT_PASSPHRASE) {
        fhs_buf_addf(out, ",\"memoryKiB\":%u,\"passes\":%u", (unsigned)slot->memory_kib,
                     (unsigned)slot->passes);
    }
    if (slot->type == FHS_SLOT_X25519) {
        fhs_buf_add_cstr(out, ",\"publicKey\":\"");
        for (size_t i = 0; i < sizeof slot->public_key; i++) {
            fhs_buf_addf(out, "%02x", (unsigned)slot->public_key[i]);
        }
        fhs_buf_add_char(out, '"');
    }
    if (slot->type == FHS_SLOT_CALLBACK) {
        fhs_buf_add_cstr(out, ",\"keyId\":");
        fhs_json_write_string(out, fhs_str_from_cstr(slot->key_id));
    }
    fhs_buf_addf(out, ",\"opened\":%s}", slot->is_used_here ? "true" : "false");
}

static fhirstore_status list_slots(fhirstore *store, fhirstore_buf *buf_out, fhirstore_error **err)
{
    struct fhs_vfs *vfs = fhs_storage_vfs(store->core->storage);
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    if (vfs == NULL) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED, "the store is not encrypted");
    }
    fhirstore_status status = fhs_vfs_catch_up(vfs, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_buf_add_char(&text, '[');
    for (uint32_t i = 0; i < fhs_vfs_slot_count(vfs); i++) {
        fhs_key_slot slot;
        if (fhs_vfs_slot_get(vfs, i, &slot)) {
            if (text.len > 1) {
                fhs_buf_add_char(&text, ',');
            }
            write_slot(&text, &slot);
        }
    }
    fhs_buf_add_char(&text, ']');
    status = fhs_buf_status(&text);
    if (status >= FHIRSTORE_OK) {
        fhs_buf_give(&text, buf_out);
    } else {
        status = fhs_fail_plain(err, status);
    }
    fhs_buf_clear(&text);
    return status;
}

fhirstore_status fhirstore_key_list(fhirstore *store, fhirstore_buf *buf_out,
                                    fhirstore_error **err_out)
{
    fhs_api_begin(err_out);
    if (buf_out == NULL) {
        return fhs_api_invalid(err_out, "buf_out is NULL");
    }
    fhirstore_status status = fhs_store_enter(store, err_out);
    if (status >= FHIRSTORE_OK) {
        status = list_slots(store, buf_out, err_out);
        fhs_store_leave(store);
    }
    return status;
}

/* ---- changes ---- */

fhirstore_status fhirstore_key_options_init(fhirstore_key_options *options, size_t struct_size)
{
    return fhs_abi_init(options, struct_size, sizeof *options, KEY_OPTIONS_V1_SIZE);
}

fhirstore_status fhs_read_key_options(const fhirstore_key_options *options, fhs_new_key *out,
                                      fhirstore_error **err)
{
    fhirstore_key_options known;
    fhs_str key_id;
    if (options == NULL) {
        return fhs_api_invalid(err, "options is NULL");
    }
    fhirstore_status status = fhs_abi_copy(&known, sizeof known, KEY_OPTIONS_V1_SIZE, options, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (known.flags != 0) {
        return fhs_api_invalid(err, "options.flags has unknown bits");
    }
    if (known.recipient == NULL ? known.recipient_len != 0 : known.recipient_len != 32) {
        return fhs_api_invalid(err, "options.recipient must have 32 bytes");
    }
    if (!fhs_api_text(known.label, known.label_len, &out->label) ||
        !fhs_api_text(known.key_id, known.key_id_len, &key_id)) {
        return fhs_api_invalid(err, "options: a text is NULL but has a length");
    }
    out->credential = (fhs_credential){.raw_key = known.key,
                                       .raw_key_len = known.key_len,
                                       .passphrase = known.passphrase,
                                       .passphrase_len = known.passphrase_len,
                                       .public_key = known.recipient,
                                       .ask = known.callback,
                                       .ask_ctx = known.callback_ctx,
                                       .key_id = key_id};
    out->cost = (fhs_key_cost){known.kdf_memory_kib, known.kdf_passes, known.kdf_target_ms};
    return FHIRSTORE_OK;
}

/* Enter the store for a change of its slots; every OK is followed by a leave. */
static fhirstore_status enter_sealed(fhirstore *store, struct fhs_vfs **vfs_out,
                                     fhirstore_error **err)
{
    fhirstore_status status = fhs_store_enter(store, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    *vfs_out = fhs_storage_vfs(store->core->storage);
    status = *vfs_out == NULL
                 ? fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED, "the store is not encrypted")
                 : fhs_storage_wake(store->core->storage, err);
    if (status < FHIRSTORE_OK) {
        fhs_store_leave(store);
    }
    return status;
}

fhirstore_status fhirstore_key_add(fhirstore *store, const fhirstore_key_options *options,
                                   uint32_t *slot_out, fhirstore_error **err_out)
{
    fhs_new_key change = {0};
    struct fhs_vfs *vfs;
    uint32_t slot = 0;
    fhs_api_begin(err_out);
    fhirstore_status status = fhs_read_key_options(options, &change, err_out);
    if (status >= FHIRSTORE_OK) {
        status = enter_sealed(store, &vfs, err_out);
        if (status >= FHIRSTORE_OK) {
            status = fhs_vfs_slot_add(vfs, &change.credential, change.cost, change.label, &slot,
                                      err_out);
            fhs_store_leave(store);
        }
    }
    if (slot_out != NULL) {
        *slot_out = slot;
    }
    return status;
}

fhirstore_status fhirstore_key_remove(fhirstore *store, uint32_t slot, fhirstore_error **err_out)
{
    struct fhs_vfs *vfs;
    fhs_api_begin(err_out);
    fhirstore_status status = enter_sealed(store, &vfs, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_vfs_slot_remove(vfs, slot, err_out);
        fhs_store_leave(store);
    }
    return status;
}

fhirstore_status fhirstore_key_rotate(fhirstore *store, uint32_t slot,
                                      const fhirstore_key_options *options, uint32_t *slot_out,
                                      fhirstore_error **err_out)
{
    fhs_new_key change = {0};
    struct fhs_vfs *vfs;
    uint32_t made = 0;
    fhs_api_begin(err_out);
    fhirstore_status status = fhs_read_key_options(options, &change, err_out);
    if (status >= FHIRSTORE_OK) {
        status = enter_sealed(store, &vfs, err_out);
        if (status >= FHIRSTORE_OK) {
            status = fhs_vfs_slot_rotate(vfs, slot, &change.credential, change.cost, change.label,
                                         &made, err_out);
            fhs_store_leave(store);
        }
    }
    if (slot_out != NULL) {
        *slot_out = made;
    }
    return status;
}

fhirstore_status fhirstore_key_renew(fhirstore *store, const fhirstore_key_options *options,
                                     uint32_t *slot_out, fhirstore_error **err_out)
{
    fhs_new_key change = {0};
    uint32_t made = 0;
    fhs_api_begin(err_out);
    fhirstore_status status = fhs_read_key_options(options, &change, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_store_enter(store, err_out);
        if (status >= FHIRSTORE_OK) {
            status = fhs_storage_renew(store->core->storage, &change.credential, change.cost,
                                       change.label, &made, err_out);
            fhs_store_leave(store);
        }
    }
    if (slot_out != NULL) {
        *slot_out = made;
    }
    return status;
}

fhirstore_status fhirstore_key_public(const uint8_t *secret_key, size_t secret_key_len,
                                      uint8_t *public_key_out, fhirstore_error **err_out)
{
    fhs_api_begin(err_out);
    if (secret_key == NULL || secret_key_len != FHS_KEYS_KEY_BYTES || public_key_out == NULL) {
        return fhs_api_invalid(err_out, "a secret key has 32 bytes");
    }
    fhs_keys_public(secret_key, public_key_out);
    return FHIRSTORE_OK;
}
