/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/fields.h"

#include <string.h>

#include "audit/journal_internal.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "keys/box.h"
#include "keys/digest.h"
#include "storage/patient.h"

#define DIGEST_SHOWN 16u /* bytes of a digest that are kept, in hex */
/* What stands before a box in the list of patients: its patient and its length. */
#define ITEM_HEAD 9u

static const fhs_str id_aad = FHS_LIT_INIT("journal patient");
static const fhs_str texts_aad = FHS_LIT_INIT("journal texts");

/* The record at work. */
typedef struct field_work {
    const fhs_journal *journal;
    fhs_conn *conn;
    fhs_buf patients;
    fhs_buf texts;
    fhs_buf sealed;
    fhirstore_error **err;
} field_work;

static void begin_fields(field_work *work, const fhs_journal *journal, fhs_conn *conn,
                         fhirstore_error **err)
{
    *work = (field_work){.journal = journal, .conn = conn, .err = err};
    fhs_buf_init(&work->patients, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&work->texts, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&work->sealed, FHS_LIMIT_RESOURCE_BYTES);
}

static void end_fields(field_work *work)
{
    fhs_buf_clear(&work->patients);
    fhs_buf_clear(&work->texts);
    fhs_buf_clear(&work->sealed);
}

static fhirstore_status check_fields(const field_work *work)
{
    fhirstore_status status = fhs_buf_status(&work->patients);
    status = status == FHIRSTORE_OK ? fhs_buf_status(&work->texts) : status;
    status = status == FHIRSTORE_OK ? fhs_buf_status(&work->sealed) : status;
    return status == FHIRSTORE_OK ? status : fhs_fail_plain(work->err, status);
}

static void add_sealed_text(const uint8_t *key, fhs_str aad, fhs_str plain, fhs_buf *out)
{
    if (fhs_buf_reserve(out, plain.len + FHS_BOX_EXTRA)) {
        fhs_box_seal(key, aad, plain, (uint8_t *)out->ptr + out->len);
        out->len += plain.len + FHS_BOX_EXTRA;
    }
}

static bool add_opened(const uint8_t *key, fhs_str aad, fhs_str box, fhs_buf *out)
{
    if (box.len < FHS_BOX_EXTRA || !fhs_buf_reserve(out, box.len - FHS_BOX_EXTRA) ||
        !fhs_box_open(key, aad, box, (uint8_t *)out->ptr + out->len)) {
        return false;
    }
    out->len += box.len - FHS_BOX_EXTRA;
    return true;
}

/* ---- the key of all of them ---- */

static void begin_common(fhs_digest *digest)
{
    static const uint8_t nothing[FHS_DIGEST_BYTES];
    fhs_digest_begin(digest, nothing);
    fhs_digest_add(digest, "journal texts", 13);
}

/* ---- sealing ---- */

/* One patient's id; *known_out false: there is no key, nor will there be. */
static fhirstore_status seal_patient(field_work *work, fhs_str id, fhs_digest *common,
                                     bool *known_out)
{
    uint8_t key[FHS_BOX_KEY_BYTES];
    uint8_t head[ITEM_HEAD];
    fhs_entity entity = 0;
    fhirstore_status status = fhs_patient_find(work->conn, id, &entity, work->err);
    *known_out = false;
    if (status == FHIRSTORE_OK && entity != 0) {
        status = fhs_patient_key(work->conn, entity, key, known_out, work->err);
    }
    if (*known_out) {
        fhs_put_le(head, 8, (uint64_t)entity);
        head[8] = (uint8_t)(id.len + FHS_BOX_EXTRA);
        fhs_buf_add(&work->patients, (const char *)head, sizeof head);
        add_sealed_text(key, id_aad, id, &work->patients);
        fhs_digest_add(common, key, sizeof key);
    }
    fhs_keys_wipe(key, sizeof key);
    return status;
}

/* All that the record names; *all_out false: somebody's key is not there. */
static fhirstore_status seal_patients(field_work *work, fhs_str patients, uint8_t *key_out,
                                      bool *all_out)
{
    fhs_digest common;
    fhirstore_status status = FHIRSTORE_OK;
    begin_common(&common);
    *all_out = true;
    fhs_str id;
    while (status == FHIRSTORE_OK && fhs_str_next(&patients, ' ', &id)) {
        bool is_known = false;
        status = id.len > FHS_LIMIT_ID_BYTES ? FHIRSTORE_OK
                                             : seal_patient(work, id, &common, &is_known);
        *all_out = *all_out && id.len <= FHS_LIMIT_ID_BYTES && is_known;
    }
    fhs_digest_end(&common, key_out);
    return status;
}

/* "~" and a keyed digest: who knows the text can find it, nobody can read it. */
static fhs_str hide_text(field_work *work, const char *what, fhs_str text)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t hash[FHS_DIGEST_BYTES];
    fhs_digest digest;
    if (text.len == 0) {
        return text;
    }
    fhs_digest_begin(&digest, work->journal->secrets->chain);
    fhs_digest_add(&digest, what, strlen(what));
    fhs_digest_add(&digest, text.ptr, text.len);
    fhs_digest_end(&digest, hash);
    size_t at = work->texts.len;
    fhs_buf_add_char(&work->texts, '~');
    for (size_t i = 0; i < DIGEST_SHOWN; i++) {
        fhs_buf_add_char(&work->texts, digits[hash[i] >> 4]);
        fhs_buf_add_char(&work->texts, digits[hash[i] & 15]);
    }
    return fhs_buf_status(&work->texts) == FHIRSTORE_OK
               ? fhs_str_from(fhs_buf_str(&work->texts), at)
               : FHS_STR_NONE;
}

/*
 * Nobody's key can hold it: what could tell of a patient becomes a digest. What a call has found or
 * written that is of no patient may be named.
 */
static fhirstore_status hide_record(field_work *work, fhs_audit_event *event)
{
    /* Whose a Binary is stands in it, and its record does not say. */
    const bool is_of_nobody = event->patients.len == 0 && event->outcome >= FHIRSTORE_OK &&
                              !fhs_str_eq(event->type, FHS_LIT("Patient")) &&
                              !fhs_str_eq(event->type, FHS_LIT("Binary")) &&
                              fhs_str_find(event->resources, FHS_LIT("Binary/")) >=
                                  event->resources.len &&
                              (event->flags & (uint32_t)FHIRSTORE_AUDIT_MORE_PATIENTS) == 0;
    /* The views are into one buffer, which must not move between them. */
    fhs_buf_reset(&work->texts);
    if (!fhs_buf_reserve(&work->texts, 3 * (2 * DIGEST_SHOWN + 2))) {
        return fhs_fail_plain(work->err, fhs_buf_status(&work->texts));
    }
    event->id = is_of_nobody ? event->id : hide_text(work, "id", event->id);
    event->query = hide_text(work, "query", event->query);
    event->restriction = hide_text(work, "restriction", event->restriction);
    event->resources = is_of_nobody ? event->resources : FHS_STR_NONE;
    return FHIRSTORE_OK;
}

static fhirstore_status seal_record(field_work *work, fhs_audit_event event, fhs_buf *out)
{
    uint8_t key[FHS_BOX_KEY_BYTES];
    bool all = false;
    fhs_buf_reset(&work->patients);
    fhs_buf_reset(&work->texts);
    fhs_buf_reset(&work->sealed);
    fhirstore_status status = seal_patients(work, event.patients, key, &all);
    const bool is_sealed = event.patients.len > 0 && all &&
                           (event.flags & (uint32_t)FHIRSTORE_AUDIT_MORE_PATIENTS) == 0;
    if (status == FHIRSTORE_OK && is_sealed) {
        const fhs_audit_event inner = {.id = event.id,
                                       .query = event.query,
                                       .resources = event.resources,
                                       .restriction = event.restriction};
        status = fhs_block_add(&work->texts, &inner);
        status = status == FHIRSTORE_OK ? status : fhs_fail_plain(work->err, status);
        add_sealed_text(key, texts_aad, fhs_buf_str(&work->texts), &work->sealed);
        event.id = fhs_buf_str(&work->sealed);
        event.query = event.resources = event.restriction = FHS_STR_NONE;
    } else if (status == FHIRSTORE_OK) {
        status = hide_record(work, &event);
    }
    event.patients = fhs_buf_str(&work->patients);
    fhs_keys_wipe(key, sizeof key);
    if (status == FHIRSTORE_OK) {
        status = check_fields(work);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_block_add_sealed(out, &event, is_sealed);
        status = status == FHIRSTORE_OK ? status : fhs_fail_plain(work->err, status);
    }
    return status;
}

fhirstore_status fhs_fields_seal(const fhs_journal *journal, fhs_conn *conn, fhs_str records,
                                 fhs_buf *out, fhirstore_error **err)
{
    field_work work;
    fhs_audit_event event;
    fhirstore_status status = FHIRSTORE_OK;
    begin_fields(&work, journal, conn, err);
    while (status == FHIRSTORE_OK && fhs_block_next(&records, &event)) {
        status = seal_record(&work, event, out);
    }
    end_fields(&work);
    return status;
}

/* ---- opening ---- */

/* The next of the list, and its key where there is one. */
static fhirstore_status open_patient(field_work *work, fhs_str *rest, fhs_digest *common,
                                     bool *opened_out)
{
    uint8_t key[FHS_BOX_KEY_BYTES];
    const uint8_t *head = (const uint8_t *)rest->ptr;
    bool found = false;
    const size_t len = rest->len < ITEM_HEAD ? 0 : head[8];
    *opened_out = false;
    if (rest->len < ITEM_HEAD || rest->len - ITEM_HEAD < len) {
        *rest = FHS_STR_NONE;
        return FHIRSTORE_OK;
    }
    fhs_str box = fhs_str_of(rest->ptr + ITEM_HEAD, len);
    *rest = fhs_str_from(*rest, ITEM_HEAD + len);
    fhirstore_status status = fhs_patient_key(work->conn, (fhs_entity)fhs_get_le(head, 8), key,
                                              &found, work->err);
    if (status == FHIRSTORE_OK && found) {
        size_t begin = work->patients.len;
        fhs_buf_add_cstr(&work->patients, begin > 0 ? " " : "");
        *opened_out = add_opened(key, id_aad, box, &work->patients);
        work->patients.len = *opened_out ? work->patients.len : begin;
        fhs_digest_add(common, key, sizeof key);
    }
    fhs_keys_wipe(key, sizeof key);
    return status;
}

static fhirstore_status open_record(field_work *work, fhs_audit_event event, bool is_sealed,
                                    fhs_buf *out)
{
    uint8_t key[FHS_BOX_KEY_BYTES];
    fhs_digest common;
    bool all = true;
    fhirstore_status status = FHIRSTORE_OK;
    begin_common(&common);
    fhs_buf_reset(&work->patients);
    fhs_buf_reset(&work->texts);
    for (fhs_str rest = event.patients; rest.len > 0 && status == FHIRSTORE_OK;) {
        bool is_open;
        status = open_patient(work, &rest, &common, &is_open);
        all = all && is_open;
    }
    fhs_digest_end(&common, key);
    event.patients = fhs_buf_str(&work->patients);
    if (is_sealed) {
        fhs_audit_event inner = {.id = FHS_STR_NONE};
        bool opens = status == FHIRSTORE_OK && all &&
                     add_opened(key, texts_aad, event.id, &work->texts);
        fhs_str texts = fhs_buf_str(&work->texts);
        if (opens) {
            (void)fhs_block_next(&texts, &inner);
        }
        event.id = inner.id;
        event.query = inner.query;
        event.resources = inner.resources;
        event.restriction = inner.restriction;
    }
    fhs_keys_wipe(key, sizeof key);
    if (status == FHIRSTORE_OK) {
        status = check_fields(work);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_block_add(out, &event);
        status = status == FHIRSTORE_OK ? status : fhs_fail_plain(work->err, status);
    }
    return status;
}

fhirstore_status fhs_fields_open(fhs_conn *conn, fhs_str records, fhs_buf *out,
                                 fhirstore_error **err)
{
    field_work work;
    fhs_audit_event event;
    fhirstore_status status = FHIRSTORE_OK;
    begin_fields(&work, NULL, conn, err);
    while (status == FHIRSTORE_OK && records.len > 0) {
        bool is_sealed = fhs_block_is_sealed(records);
        if (!fhs_block_next(&records, &event)) {
            status = fhs_fail(err, FHIRSTORE_ERR_CORRUPT, "a record of the journal is malformed");
        } else {
            status = open_record(&work, event, is_sealed, out);
        }
    }
    end_fields(&work);
    return status;
}
