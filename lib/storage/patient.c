/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of patients: their table, what a connection remembers of it, and their end. */
#include "storage/patient.h"

#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "keys/box.h"
#include "storage/patient_internal.h"

#define WRAPPED      (FHS_BOX_KEY_BYTES + FHS_BOX_EXTRA)
#define WRITER_SLOTS 1024u
#define READER_SLOTS 128u

static const char tables[] =
    "CREATE TABLE patient_key(entity INTEGER PRIMARY KEY,wrapped BLOB NOT NULL);"
    "CREATE TABLE patient_body(patient INTEGER NOT NULL,seq INTEGER NOT NULL,"
    "PRIMARY KEY(patient,seq)) WITHOUT ROWID;";

static const fhs_str exists_sql = FHS_LIT_INIT(
    "SELECT count(*) FROM sqlite_schema WHERE type='table' AND name='patient_key'");
static const fhs_str plain_root_name = FHS_LIT_INIT("journal_key");
static const fhs_str untidy_name = FHS_LIT_INIT("shred_untidy");
static const fhs_str patient_type = FHS_LIT_INIT("Patient");

/* What a connection remembers: a slot for each number modulo the count. */
struct fhs_patient_slot {
    fhs_entity entity; /* 0: free */
    uint8_t key[FHS_BOX_KEY_BYTES];
};

/* ---- the store ---- */

fhirstore_status fhs_patient_create(fhs_conn *conn, fhirstore_error **err)
{
    return fhs_exec(conn, tables, err);
}

bool fhs_storage_has_patient_keys(const fhs_storage *storage)
{
    return storage->has_patient_keys;
}

/* The key that wraps the others outlives data keys, as that of the journal does. */
static fhirstore_status find_root(fhs_storage *storage, fhs_conn *conn,
                                  uint8_t out[FHS_BOX_KEY_BYTES], bool *found_out,
                                  fhirstore_error **err)
{
    *found_out = storage->vfs != NULL;
    if (storage->vfs != NULL) {
        fhs_keys_journal(fhs_vfs_keys(storage->vfs), out);
        return FHIRSTORE_OK;
    }
    fhs_buf text = FHS_BUF_INIT(256);
    fhirstore_status status = fhs_meta_get(conn, plain_root_name, &text, found_out, err);
    *found_out = *found_out && status == FHIRSTORE_OK && text.len == FHS_BOX_KEY_BYTES;
    if (*found_out) {
        memcpy(out, text.ptr, FHS_BOX_KEY_BYTES);
        fhs_keys_wipe(text.ptr, text.len);
    }
    fhs_buf_clear(&text);
    return status;
}

fhirstore_status fhs_patient_open(fhs_storage *storage, fhs_conn *conn, fhirstore_error **err)
{
    uint8_t root[FHS_BOX_KEY_BYTES];
    bool found = false;
    fhs_stmt *stmt;
    fhirstore_status status = fhs_stmt_take(conn, exists_sql, &stmt, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, err);
    }
    storage->has_patient_keys = status == FHIRSTORE_OK && fhs_stmt_int(stmt, 0) > 0;
    fhs_stmt_give(stmt);
    if (status == FHIRSTORE_OK && storage->options.patient_keys && !storage->has_patient_keys) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG,
                        "the store was created without keys of patients");
    }
    if (status != FHIRSTORE_OK || !storage->has_patient_keys || storage->patient_root != NULL) {
        return status;
    }
    status = find_root(storage, conn, root, &found, err);
    if (status == FHIRSTORE_OK && found) {
        storage->patient_root = fhs_guarded_new(FHS_BOX_KEY_BYTES);
        if (storage->patient_root == NULL) {
            status = fhs_fail_memory(err);
        } else {
            fhs_box_derive(root, "patient ", storage->patient_root);
        }
    }
    fhs_keys_wipe(root, sizeof root);
    return status;
}

void fhs_patient_close(fhs_storage *storage)
{
    fhs_guarded_free(storage->patient_root);
    storage->patient_root = NULL;
}

/* ---- what a connection remembers ---- */

static uint32_t slot_count(const fhs_conn *conn)
{
    return conn->is_writer ? WRITER_SLOTS : READER_SLOTS;
}

static struct fhs_patient_slot *patient_slot(const fhs_conn *conn, fhs_entity entity)
{
    return conn->patients == NULL ? NULL : &conn->patients[(uint64_t)entity % slot_count(conn)];
}

static void remember_key(fhs_conn *conn, fhs_entity entity, const uint8_t key[FHS_BOX_KEY_BYTES])
{
    if (conn->patients == NULL) { /* without the memory for it, each is looked up */
        conn->patients = fhs_guarded_new(slot_count(conn) * sizeof *conn->patients);
    }
    struct fhs_patient_slot *slot = patient_slot(conn, entity);
    if (slot != NULL) {
        slot->entity = entity;
        memcpy(slot->key, key, sizeof slot->key);
    }
}

void fhs_patient_forget(fhs_conn *conn)
{
    if (conn->patients != NULL) {
        fhs_keys_wipe(conn->patients, slot_count(conn) * sizeof *conn->patients);
    }
}

void fhs_patient_catch_up(fhs_conn *conn)
{
    fhs_storage *storage = conn->storage;
    if (FHS_LIKELY(!storage->has_patient_keys)) {
        return;
    }
    unsigned now = atomic_load(&storage->shredded);
    if (now != conn->shredded || storage->options.multi_process) {
        conn->shredded = now;
        fhs_patient_forget(conn);
        fhs_name_cache_clear(&conn->entities);
    }
}

/* ---- one key ---- */

static fhs_str patient_aad(fhs_entity entity, uint8_t out[12])
{
    memcpy(out, "pkey", 4);
    fhs_put_le(out + 4, 8, (uint64_t)entity);
    return fhs_str_of((const char *)out, 12);
}

/* Give @a entity a key of its own, in place of the one it has. */
static fhirstore_status give_key(fhs_conn *conn, fhs_entity entity, const uint8_t *key,
                                 fhirstore_error **err)
{
    uint8_t aad[12];
    uint8_t wrapped[WRAPPED];
    sqlite3_stmt *stmt;
    if (conn->storage->patient_root == NULL) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_SHREDDED);
    }
    fhs_box_seal(conn->storage->patient_root, patient_aad(entity, aad),
                 fhs_str_of((const char *)key, FHS_BOX_KEY_BYTES), wrapped);
    fhirstore_status status = fhs_core(conn, FHS_SQL_PATIENT_KEY_ADD, &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)sqlite3_bind_int64(stmt, 1, entity);
        (void)fhs_bind_bytes(stmt, 2, fhs_str_of((const char *)wrapped, sizeof wrapped));
        status = fhs_core_run(conn, stmt, err);
    }
    return fhs_conn_spoil(conn, status);
}

static fhirstore_status make_patient_key(fhs_conn *conn, fhs_entity entity, fhirstore_error **err)
{
    uint8_t key[FHS_BOX_KEY_BYTES];
    fhs_box_new_key(key);
    fhirstore_status status = give_key(conn, entity, key, err);
    if (status == FHIRSTORE_OK) {
        remember_key(conn, entity, key);
    }
    fhs_keys_wipe(key, sizeof key);
    return status;
}

fhirstore_status fhs_patient_meet(fhs_conn *conn, int32_t type, fhs_entity entity,
                                  fhirstore_error **err)
{
    int32_t patient;
    if (FHS_LIKELY(!conn->storage->has_patient_keys)) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_typenum_find(conn, patient_type, &patient, err);
    return status == FHIRSTORE_OK && patient != 0 && patient == type
               ? make_patient_key(conn, entity, err)
               : status;
}

/* The row's key, whatever the connection remembers. */
static fhirstore_status load_patient_key(fhs_conn *conn, fhs_entity entity,
                                         uint8_t out[FHS_BOX_KEY_BYTES], bool *found_out,
                                         fhirstore_error **err)
{
    uint8_t aad[12];
    sqlite3_stmt *stmt;
    *found_out = false;
    fhirstore_status status = fhs_core(conn, FHS_SQL_PATIENT_KEY, &stmt, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    (void)sqlite3_bind_int64(stmt, 1, entity);
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW && conn->storage->patient_root != NULL) {
        fhs_str wrapped = fhs_column_str(stmt, 0);
        *found_out = wrapped.len == WRAPPED && fhs_box_open(conn->storage->patient_root,
                                                            patient_aad(entity, aad), wrapped, out);
    }
    status = fhs_sql_fail(conn, rc, err);
    (void)sqlite3_reset(stmt);
    return status;
}

fhirstore_status fhs_patient_key(fhs_conn *conn, fhs_entity patient, uint8_t key_out[32],
                                 bool *found_out, fhirstore_error **err)
{
    const struct fhs_patient_slot *slot = patient_slot(conn, patient);
    if (slot != NULL && slot->entity == patient) {
        memcpy(key_out, slot->key, sizeof slot->key);
        *found_out = true;
        return FHIRSTORE_OK;
    }
    fhirstore_status status = load_patient_key(conn, patient, key_out, found_out, err);
    if (status == FHIRSTORE_OK && *found_out) {
        remember_key(conn, patient, key_out);
    }
    return status;
}

bool fhs_conn_has_patient_keys(const fhs_conn *conn)
{
    return conn->storage->has_patient_keys;
}

fhirstore_status fhs_patient_find(fhs_conn *conn, fhs_str id, fhs_entity *out,
                                  fhirstore_error **err)
{
    int32_t type;
    *out = 0;
    fhirstore_status status = fhs_typenum_find(conn, patient_type, &type, err);
    return status == FHIRSTORE_OK && type != 0 ? fhs_entity_find(conn, type, id, out, err) : status;
}

fhirstore_status fhs_patient_has_key(fhs_conn *conn, fhs_entity entity, bool *yes_out,
                                     fhirstore_error **err)
{
    uint8_t key[FHS_BOX_KEY_BYTES];
    fhirstore_status status = fhs_patient_key(conn, entity, key, yes_out, err);
    fhs_keys_wipe(key, sizeof key);
    return status;
}

/* ---- the end of one ---- */

#define HEAD_BYTES "2042" /* 2 + 8 * FHS_LIMIT_BODY_PATIENTS */

static const fhs_str bodies_sql = FHS_LIT_INIT(
    "SELECT p.seq,v.entity,v.version,r.seq=p.seq FROM patient_body p "
    "CROSS JOIN version v ON v.seq=p.seq CROSS JOIN resource r ON r.entity=v.entity "
    "WHERE p.patient=?1 ORDER BY p.seq");
static const fhs_str is_listed_sql = FHS_LIT_INIT(
    "SELECT 1 FROM patient_body WHERE patient=?1 AND seq=?2");
static const fhs_str owners_sql = FHS_LIT_INIT(
    "SELECT substr(body,1," HEAD_BYTES ") FROM old_body WHERE seq=?1 "
    "UNION ALL SELECT substr(bytes,1," HEAD_BYTES ") FROM body_part WHERE seq=?1 AND part=0 "
    "UNION ALL SELECT substr(r.body,1," HEAD_BYTES ") FROM version v "
    "CROSS JOIN resource r ON r.entity=v.entity WHERE v.seq=?1 AND r.seq=?1 "
    "AND r.body IS NOT NULL");

fhirstore_status fhs_patient_owners(fhs_conn *conn, int64_t seq, fhs_entity *out, size_t *count_out,
                                    fhirstore_error **err)
{
    fhs_stmt *stmt;
    *count_out = 0;
    fhirstore_status status = fhs_stmt_take(conn, owners_sql, &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, seq);
        status = fhs_stmt_step(stmt, err);
    }
    if (status == FHIRSTORE_OK && fhs_body_is_sealed(fhs_stmt_blob(stmt, 0))) {
        fhs_str head = fhs_stmt_blob(stmt, 0);
        size_t count = head.len < 2 ? 0 : (unsigned char)head.ptr[1];
        for (size_t i = 0; i < count && head.len >= 2 + 8 * (i + 1); i++) {
            const uint8_t *at = (const uint8_t *)head.ptr + 2 + 8 * i;
            out[(*count_out)++] = (fhs_entity)fhs_get_le(at, 8);
        }
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status is_body_listed(fhs_conn *conn, fhs_entity patient, int64_t seq,
                                       bool *yes_out, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = fhs_stmt_take(conn, is_listed_sql, &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, patient);
        (void)fhs_stmt_bind_int(stmt, 2, seq);
        status = fhs_stmt_step(stmt, err);
    }
    *yes_out = status == FHIRSTORE_OK;
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status find_sharers(fhs_conn *conn, fhs_entity patient, int64_t seq,
                                     bool *shared_out, fhirstore_error **err)
{
    fhs_entity owners[FHS_LIMIT_BODY_PATIENTS];
    size_t count = 0;
    *shared_out = false;
    fhirstore_status status = fhs_patient_owners(conn, seq, owners, &count, err);
    for (size_t i = 0; i < count && status == FHIRSTORE_OK && !*shared_out; i++) {
        if (owners[i] != patient) {
            status = is_body_listed(conn, owners[i], seq, shared_out, err);
        }
    }
    return status;
}

fhirstore_status fhs_patient_each_body(fhs_conn *conn, fhs_entity patient,
                                       fhirstore_status (*visit)(void *ctx,
                                                                 const fhs_patient_body *body),
                                       void *ctx, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = fhs_stmt_take(conn, bodies_sql, &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, patient);
    }
    while (status == FHIRSTORE_OK && (status = fhs_stmt_step(stmt, err)) == FHIRSTORE_OK) {
        fhs_patient_body body = {.seq = fhs_stmt_int(stmt, 0),
                                 .entity = fhs_stmt_int(stmt, 1),
                                 .version = fhs_stmt_int(stmt, 2),
                                 .is_current = fhs_stmt_int(stmt, 3) != 0};
        status = find_sharers(conn, patient, body.seq, &body.is_shared, err);
        if (status == FHIRSTORE_OK) {
            status = visit(ctx, &body);
        }
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status run_with(fhs_conn *conn, fhs_str sql, int64_t number, fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = fhs_stmt_take(conn, sql, &stmt, err);
    if (status == FHIRSTORE_OK && number != 0) {
        (void)fhs_stmt_bind_int(stmt, 1, number);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, err);
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/* Names of what is neither stored nor referred to; those of patients go with their keys only. */
static const fhs_str forget_names_sql = FHS_LIT_INIT(
    "DELETE FROM entity WHERE num NOT IN (SELECT entity FROM resource) "
    "AND num NOT IN (SELECT target FROM idx_reference) "
    "AND num NOT IN (SELECT entity FROM patient_key)");
static const fhs_str has_name_sql = FHS_LIT_INIT("SELECT count(*) FROM entity WHERE num=?1");
/* Rows move when others go: what they leave in the space between is their content as well. */
static const char rewrite_keys[] =
    "CREATE TABLE patient_key_kept(entity INTEGER PRIMARY KEY,wrapped BLOB NOT NULL);"
    "INSERT INTO patient_key_kept SELECT entity,wrapped FROM patient_key ORDER BY entity;"
    "DROP TABLE patient_key;"
    "ALTER TABLE patient_key_kept RENAME TO patient_key";

static fhirstore_status entity_has_name(fhs_conn *conn, fhs_entity entity, bool *yes_out,
                                        fhirstore_error **err)
{
    fhs_stmt *stmt;
    fhirstore_status status = fhs_stmt_take(conn, has_name_sql, &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, entity);
        status = fhs_stmt_step(stmt, err);
    }
    *yes_out = status == FHIRSTORE_OK && fhs_stmt_int(stmt, 0) > 0;
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_patient_destroy(fhs_conn *conn, fhs_entity patient, bool *stays_out,
                                     fhirstore_error **err)
{
    static const fhs_str steps[] = {
        FHS_LIT_INIT("DELETE FROM patient_body WHERE patient=?1"),
        FHS_LIT_INIT("DELETE FROM patient_key WHERE entity=?1"),
    };
    *stays_out = false;
    fhirstore_status status = fhs_conn_check_write(conn, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_conn_flush(conn, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_exec(conn, "PRAGMA secure_delete=ON", err);
    }
    for (size_t i = 0; i < FHS_COUNT_OF(steps) && status == FHIRSTORE_OK; i++) {
        status = run_with(conn, steps[i], patient, err);
    }
    if (status == FHIRSTORE_OK) {
        status = run_with(conn, forget_names_sql, 0, err);
    }
    if (status == FHIRSTORE_OK) {
        status = entity_has_name(conn, patient, stays_out, err);
    }
    fhs_patient_forget(conn);
    conn->shreds = true;
    if (status == FHIRSTORE_OK) {
        status = fhs_exec(conn, rewrite_keys, err);
    }
    if (status == FHIRSTORE_OK && *stays_out) {
        status = make_patient_key(conn, patient, err);
    }
    return fhs_conn_spoil(conn, status);
}

fhirstore_status fhs_patient_set_untidy(fhs_conn *conn, bool yes, fhirstore_error **err)
{
    return yes ? fhs_meta_set(conn, untidy_name, FHS_LIT("1"), err)
               : fhs_meta_remove(conn, untidy_name, err);
}

fhirstore_status fhs_patient_is_untidy(fhs_conn *conn, bool *yes_out, fhirstore_error **err)
{
    fhs_buf text = FHS_BUF_INIT(64);
    fhirstore_status status = fhs_meta_get(conn, untidy_name, &text, yes_out, err);
    fhs_buf_clear(&text);
    return status;
}
