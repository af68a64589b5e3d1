/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handle.h"
#include "vfs/vfs.h"
#include "json/json.h"

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
    fhs_buf_addf(out, ",\"opened\":%s}", slot->is_used_here ? "true" : "false");
}

static fhirstore_status list_slots(fhirstore *store, fhirstore_buf *buf_out, fhirstore_error **err)
{
    struct fhs_vfs *vfs = fhs_storage_vfs(store->core->storage);
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    if (vfs == NULL) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED, "the store is not encrypted");
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
    fhirstore_status status = fhs_buf_status(&text);
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
