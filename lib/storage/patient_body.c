/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies under the keys of the patients whom they belong to. */
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "keys/box.h"
#include "storage/patient_internal.h"

#define SEALED_FORM 1
#define WRAPPED_KEY (FHS_BOX_KEY_BYTES + FHS_BOX_EXTRA)
#define HEAD_MAX    (2u + 8u * FHS_LIMIT_BODY_PATIENTS)
#define PLACE       17u /* what is sealed, of which version, which part */

_Static_assert(FHS_LIMIT_BODY_PATIENTS <= UINT8_MAX, "the count is one byte");

bool fhs_write_is_sealed(const fhs_conn *conn, const fhs_write *write)
{
    return conn->storage->has_patient_keys && write->patient_count > 0 &&
           write->patient_count <= FHS_LIMIT_BODY_PATIENTS;
}

/* ---- associated data ---- */

static void put_place(uint8_t out[PLACE], char what, int64_t seq, int64_t part)
{
    out[0] = (uint8_t)what;
    fhs_put_le(out + 1, 8, (uint64_t)seq);
    fhs_put_le(out + 9, 8, (uint64_t)part);
}

static fhs_str body_aad(uint8_t out[PLACE + HEAD_MAX], int64_t seq, int64_t part, fhs_str head)
{
    put_place(out, 'B', seq, part);
    memcpy(out + PLACE, head.ptr, head.len);
    return fhs_str_of((const char *)out, PLACE + head.len);
}

static fhs_str key_aad(uint8_t out[PLACE + 8], int64_t seq, int64_t part, fhs_entity patient)
{
    put_place(out, 'K', seq, part);
    fhs_put_le(out + PLACE, 8, (uint64_t)patient);
    return fhs_str_of((const char *)out, PLACE + 8);
}

/* ---- sealing ---- */

static fhirstore_status must_have_key(fhs_conn *conn, fhs_entity patient, uint8_t *key,
                                      fhirstore_error **err)
{
    bool found;
    fhirstore_status status = fhs_patient_key(conn, patient, key, &found, err);
    return status == FHIRSTORE_OK && !found ? fhs_fail_plain(err, FHIRSTORE_ERR_SHREDDED) : status;
}

/* The body's own key, behind the head, once for each patient. */
static fhirstore_status wrap_for_each(fhs_conn *conn, int64_t seq, int64_t part,
                                      const fhs_write *write, const uint8_t *body_key, fhs_buf *out,
                                      fhirstore_error **err)
{
    uint8_t key[FHS_BOX_KEY_BYTES];
    uint8_t aad[PLACE + 8];
    uint8_t wrapped[WRAPPED_KEY];
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < write->patient_count && status == FHIRSTORE_OK; i++) {
        status = must_have_key(conn, write->patients[i], key, err);
        if (status == FHIRSTORE_OK) {
            fhs_box_seal(key, key_aad(aad, seq, part, write->patients[i]),
                         fhs_str_of((const char *)body_key, FHS_BOX_KEY_BYTES), wrapped);
            fhs_buf_add(out, (const char *)wrapped, sizeof wrapped);
        }
    }
    fhs_keys_wipe(key, sizeof key);
    return status;
}

fhirstore_status fhs_body_seal(fhs_conn *conn, int64_t seq, int64_t part, const fhs_write *write,
                               fhs_str plain, fhs_buf *out, fhirstore_error **err)
{
    uint8_t key[FHS_BOX_KEY_BYTES];
    uint8_t head[HEAD_MAX];
    uint8_t aad[PLACE + HEAD_MAX];
    const size_t head_len = 2 + 8 * write->patient_count;
    fhirstore_status status;
    head[0] = SEALED_FORM;
    head[1] = (uint8_t)write->patient_count;
    for (size_t i = 0; i < write->patient_count; i++) {
        fhs_put_le(head + 2 + 8 * i, 8, (uint64_t)write->patients[i]);
    }
    fhs_str head_text = fhs_str_of((const char *)head, head_len);
    fhs_buf_add_str(out, head_text);
    if (write->patient_count == 1) {
        status = must_have_key(conn, write->patients[0], key, err);
    } else {
        fhs_box_new_key(key);
        status = wrap_for_each(conn, seq, part, write, key, out, err);
    }
    if (status == FHIRSTORE_OK && fhs_buf_reserve(out, plain.len + FHS_BOX_EXTRA)) {
        fhs_box_seal(key, body_aad(aad, seq, part, head_text), plain,
                     (uint8_t *)out->ptr + out->len);
        out->len += plain.len + FHS_BOX_EXTRA;
    }
    fhs_keys_wipe(key, sizeof key);
    if (status == FHIRSTORE_OK && fhs_buf_status(out) != FHIRSTORE_OK) {
        status = fhs_fail_plain(err, fhs_buf_status(out));
    }
    return status;
}

/* ---- opening ---- */

/* What a sealed body consists of. */
typedef struct sealed_body {
    size_t count;
    fhs_str head;
    fhs_str keys; /* empty for a single patient */
    fhs_str box;
} sealed_body;

static bool take_apart(fhs_str sealed, sealed_body *out)
{
    out->count = sealed.len < 2 ? 0 : (unsigned char)sealed.ptr[1];
    const size_t head = 2 + 8 * out->count;
    const size_t keys = out->count > 1 ? out->count * WRAPPED_KEY : 0;
    if (out->count == 0 || sealed.len < head + keys + FHS_BOX_EXTRA) {
        return false;
    }
    out->head = fhs_str_of(sealed.ptr, head);
    out->keys = fhs_str_of(sealed.ptr + head, keys);
    out->box = fhs_str_from(sealed, head + keys);
    return true;
}

static fhs_entity owner_at(const sealed_body *body, size_t index)
{
    return (fhs_entity)fhs_get_le((const uint8_t *)body->head.ptr + 2 + 8 * index, 8);
}

/* Whether patient number @a index opens it, into @a room. */
static bool opens_with(const sealed_body *body, size_t index, int64_t seq, int64_t part,
                       const uint8_t *key, uint8_t *room)
{
    uint8_t inner[FHS_BOX_KEY_BYTES];
    uint8_t aad[PLACE + HEAD_MAX];
    memcpy(inner, key, sizeof inner);
    bool yes = true;
    if (body->count > 1) {
        fhs_str wrapped = fhs_str_of(body->keys.ptr + index * WRAPPED_KEY, WRAPPED_KEY);
        yes = fhs_box_open(key, key_aad(aad, seq, part, owner_at(body, index)), wrapped, inner);
    }
    yes = yes && fhs_box_open(inner, body_aad(aad, seq, part, body->head), body->box, room);
    fhs_keys_wipe(inner, sizeof inner);
    return yes;
}

static fhirstore_status try_owners(fhs_conn *conn, const sealed_body *body, int64_t seq,
                                   int64_t part, uint8_t *room, bool *open_out,
                                   fhirstore_error **err)
{
    uint8_t key[FHS_BOX_KEY_BYTES];
    fhirstore_status status = FHIRSTORE_OK;
    *open_out = false;
    for (size_t i = 0; i < body->count && status == FHIRSTORE_OK && !*open_out; i++) {
        bool found;
        status = fhs_patient_key(conn, owner_at(body, i), key, &found, err);
        *open_out = status == FHIRSTORE_OK && found && opens_with(body, i, seq, part, key, room);
    }
    fhs_keys_wipe(key, sizeof key);
    return status;
}

fhirstore_status fhs_body_unseal(fhs_conn *conn, int64_t seq, int64_t part, fhs_str sealed,
                                 fhs_buf *out, fhirstore_error **err)
{
    sealed_body body;
    bool is_open = false;
    if (!take_apart(sealed, &body)) {
        return fhs_fail(err, FHIRSTORE_ERR_CORRUPT, "a sealed body is cut off");
    }
    if (!fhs_buf_reserve(out, body.box.len - FHS_BOX_EXTRA)) {
        return fhs_fail_plain(err, fhs_buf_status(out));
    }
    uint8_t *room = (uint8_t *)out->ptr + out->len;
    fhirstore_status status = try_owners(conn, &body, seq, part, room, &is_open, err);
    if (status == FHIRSTORE_OK && !is_open) {
        /* What is remembered may be of a key that was replaced. */
        fhs_patient_forget(conn);
        status = try_owners(conn, &body, seq, part, room, &is_open, err);
    }
    if (status == FHIRSTORE_OK && !is_open) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_SHREDDED);
    }
    if (status == FHIRSTORE_OK) {
        out->len += body.box.len - FHS_BOX_EXTRA;
    }
    return status;
}

fhirstore_status fhs_body_open(fhs_conn *conn, fhs_version *version, fhs_buf *keep,
                               fhirstore_error **err)
{
    fhs_buf_reset(keep);
    fhirstore_status status = fhs_body_unseal(conn, version->seq, FHS_BODY_WHOLE, version->body,
                                              keep, err);
    version->body = status == FHIRSTORE_OK ? fhs_buf_str(keep) : FHS_STR_NONE;
    return status;
}
