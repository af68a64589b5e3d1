/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store that is rewritten generation by generation: each transaction gives every resource the
 * generation's number as body and rows. Whatever happens to the file, all resources must be of one
 * generation, and not of an older one than was last acknowledged.
 */
#ifndef FHS_TEST_STORAGE_CHURN_H
#define FHS_TEST_STORAGE_CHURN_H

#include "fixture.h"

#define CHURN_RESOURCES 12
#define CHURN_FILLER    900

static inline fhs_str churn_id(int number, char out[16])
{
    (void)snprintf(out, 16, "r%d", number);
    return fhs_str_from_cstr(out);
}

static inline void churn_rows(fhs_buf *rows, fhs_entity target, int generation, int number)
{
    char text[32];
    fhs_buf_reset(rows);
    for (int i = 0; i < 6; i++) {
        (void)snprintf(text, sizeof text, "g%d-%d-%d", i % 2 == 0 ? 0 : generation, number, i);
        fhs_row row = {.kind = i < 3 ? FHS_ROW_TOKEN : FHS_ROW_STRING,
                       .param = 1,
                       .text = fhs_str_from_cstr(text)};
        fhs_row_encode(rows, &row);
    }
    fhs_row wide = {.kind = FHS_ROW_DATE, .param = 1, .b = FHS_DATE_NARROW_TICKS + generation + 1};
    fhs_row_encode(rows, &wide);
    fhs_row reference = {.kind = FHS_ROW_REFERENCE, .param = 1, .a = target};
    fhs_row_encode(rows, &reference);
}

static inline fhirstore_status churn_write(fhs_conn *conn, int32_t type, int number, int generation,
                                           fhs_buf *rows)
{
    char id_bytes[16];
    char body[CHURN_FILLER + 32];
    char target[32];
    fhs_version old;
    int64_t seq;
    int64_t uri;
    fhs_entity entity;
    fhs_str id = churn_id(number, id_bytes);
    int len = snprintf(body, sizeof body, "{%d}", generation);
    memset(body + len, ' ', CHURN_FILLER);
    fhs_write write = {.type = type,
                       .id = id,
                       .version = 1,
                       .method = FHS_METHOD_UPDATE,
                       .body = {body, (size_t)len + CHURN_FILLER}};
    fhirstore_status status = fhs_resource_read_rows(conn, type, id, &old, NULL);
    if (status == FHIRSTORE_OK) {
        write.exists = true;
        write.version = old.version + 1;
        write.old_seq = old.seq;
        write.old_version = old.version;
        write.old_updated_us = old.updated_us;
        write.old_deleted = old.is_deleted;
        write.old_body = old.body;
        write.old_rows = old.rows;
    } else if (status != FHIRSTORE_ERR_NOT_FOUND) {
        return status;
    }
    (void)snprintf(target, sizeof target, "urn:g%d", generation);
    status = fhs_entity_intern(conn, type, id, &write.entity, NULL);
    if (status == FHIRSTORE_OK) {
        status = fhs_entity_intern(conn, 0, fhs_str_from_cstr(target), &entity, NULL);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_uri_intern(conn, fhs_str_from_cstr(target), &uri, NULL);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    churn_rows(rows, entity, generation, number);
    status = fhs_row_list_normalise(rows, NULL);
    if (status == FHIRSTORE_OK) {
        write.rows = fhs_buf_str(rows);
        status = fhs_resource_write(conn, &write, &seq, NULL);
    }
    return status;
}

/* One generation in one transaction, with a savepoint that is undone in its middle. */
static inline fhirstore_status churn_generation(fhs_storage *storage, int generation)
{
    fhs_conn *conn;
    int32_t type = 0;
    uint32_t param;
    fhs_buf rows = FHS_BUF_INIT(1u << 16);
    fhirstore_status status = fhs_storage_writer(storage, &conn, NULL);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = fhs_conn_begin_write(conn, NULL);
    if (status == FHIRSTORE_OK) {
        status = fhs_typenum_intern(conn, FHS_LIT("Patient"), &type, NULL);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_paramnum_intern(conn, type, FHS_LIT("code"), &param, NULL);
    }
    for (int i = 0; i < CHURN_RESOURCES && status == FHIRSTORE_OK; i++) {
        if (i == CHURN_RESOURCES / 2 && fhs_conn_savepoint(conn, NULL) == FHIRSTORE_OK) {
            (void)churn_write(conn, type, 0, generation + 1000000, &rows);
            fhs_conn_savepoint_rollback(conn);
        }
        status = churn_write(conn, type, i, generation, &rows);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_conn_commit(conn, NULL);
    }
    fhs_conn_release(conn);
    fhs_buf_clear(&rows);
    return status;
}

/* The generation that the store holds, 0 for none; all resources must be of it. */
static inline int churn_held(fhs_storage *storage)
{
    fhs_conn *conn;
    fhs_version version;
    char id[16];
    int held = 0;
    ck_assert_ok(fhs_storage_reader(storage, &conn, &err));
    for (int i = 0; i < CHURN_RESOURCES; i++) {
        fhirstore_status status = fhs_resource_read(conn, 1, churn_id(i, id), &version, NULL);
        int found = 0;
        if (status == FHIRSTORE_OK) {
            ck_assert_int_eq(sscanf(version.body.ptr, "{%d}", &found), 1);
        } else {
            ck_assert_int_eq(status, FHIRSTORE_ERR_NOT_FOUND);
        }
        ck_assert_int_eq(found, i == 0 ? found : held);
        held = found;
    }
    fhs_conn_release(conn);
    return held;
}

#endif
