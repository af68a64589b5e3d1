/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/anchor.h"

#include "keys/digest.h"
#include "vfs/vfs.h"

#define UUID_TEXT 36u

typedef struct store_anchor {
    char uuid[UUID_TEXT + 1];
    uint64_t generation;
    int64_t sequence;
    uint8_t link[FHS_DIGEST_BYTES];
} store_anchor;

static fhirstore_status describe_file(const fhs_core *core, store_anchor *out,
                                      fhirstore_error **err)
{
    struct fhs_vfs *vfs = fhs_storage_vfs(core->storage);
    memcpy(out->uuid, "-", 2);
    out->generation = 0;
    if (vfs == NULL) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_vfs_catch_up(vfs, err);
    fhs_vfs_uuid(vfs, out->uuid);
    out->generation = fhs_vfs_generation(vfs);
    return status;
}

fhirstore_status fhs_core_anchor(fhs_core *core, fhs_buf *out, fhirstore_error **err)
{
    store_anchor anchor;
    fhs_conn *conn = NULL;
    /* Before the changes: a generation that is a little older does not refuse them. */
    fhirstore_status status = describe_file(core, &anchor, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_storage_reader(core->storage, &conn, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_chain_head(conn, &anchor.sequence, anchor.link, err);
    }
    fhs_conn_release(conn);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_buf_addf(out, "%s:%llu:%lld:", anchor.uuid, (unsigned long long)anchor.generation,
                 (long long)anchor.sequence);
    for (size_t i = 0; i < sizeof anchor.link; i++) {
        fhs_buf_addf(out, "%02x", (unsigned)anchor.link[i]);
    }
    status = fhs_buf_status(out);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

/* ---- reading one ---- */

/* The text before the next colon; the rest stays in @a text. */
static fhs_str take_field(fhs_str *text)
{
    size_t len = 0;
    while (len < text->len && text->ptr[len] != ':') {
        len++;
    }
    fhs_str field = fhs_str_of(text->ptr, len);
    *text = fhs_str_from(*text, len < text->len ? len + 1 : len);
    return field;
}

static bool take_count(fhs_str *text, uint64_t *out)
{
    fhs_str digits = take_field(text);
    *out = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') {
            return false;
        }
        *out = *out * 10 + (uint64_t)(digits.ptr[i] - '0');
    }
    return digits.len > 0 && digits.len <= 18;
}

static int anchor_hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_anchor(fhs_str text, store_anchor *out)
{
    uint64_t sequence = 0;
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r')) {
        text.len--;
    }
    fhs_str uuid = take_field(&text);
    if (uuid.len > UUID_TEXT || !take_count(&text, &out->generation) ||
        !take_count(&text, &sequence) || text.len != 2 * sizeof out->link) {
        return false;
    }
    memset(out->uuid, 0, sizeof out->uuid);
    memcpy(out->uuid, uuid.ptr, uuid.len);
    out->sequence = (int64_t)sequence;
    for (size_t i = 0; i < sizeof out->link; i++) {
        int high = anchor_hex(text.ptr[2 * i]);
        int low = anchor_hex(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out->link[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

/* ---- holding a store against one ---- */

static fhirstore_status check_link(fhs_core *core, const store_anchor *anchor,
                                   fhirstore_error **err)
{
    uint8_t link[FHS_DIGEST_BYTES];
    bool found = false;
    fhs_conn *conn = NULL;
    fhirstore_status status = fhs_storage_reader(core->storage, &conn, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_chain_at(conn, anchor->sequence, &found, link, err);
    }
    fhs_conn_release(conn);
    if (status == FHIRSTORE_OK && !found) {
        return fhs_fail(err, FHIRSTORE_ERR_OUTDATED, "the store is older than the anchor");
    }
    if (status == FHIRSTORE_OK && memcmp(link, anchor->link, sizeof link) != 0) {
        return fhs_fail(err, FHIRSTORE_ERR_OUTDATED,
                        "the store's history up to the anchor is another one");
    }
    return status;
}

fhirstore_status fhs_core_check_anchor(fhs_core *core, fhs_str text, fhirstore_error **err)
{
    store_anchor anchor;
    store_anchor now;
    if (!parse_anchor(text, &anchor)) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "this is no anchor of a store");
    }
    fhirstore_status status = describe_file(core, &now, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (strcmp(now.uuid, anchor.uuid) != 0) {
        return fhs_fail(err, FHIRSTORE_ERR_OUTDATED, "the anchor is of another store");
    }
    if (now.generation < anchor.generation) {
        return fhs_fail(err, FHIRSTORE_ERR_OUTDATED, "the store is older than the anchor");
    }
    return anchor.sequence == 0 ? FHIRSTORE_OK : check_link(core, &anchor, err);
}
