/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large bodies: rows of body_part, under the sequence of their version. They stay where they are
 * when their version becomes an old one, and are read only by who wants the body.
 */
#include "base/limits.h"
#include "storage/chain.h"
#include "storage/patient_internal.h"

#define PART_BYTES ((size_t)256 * 1024)

typedef struct part_writer {
    fhs_conn *conn;
    const fhs_write *write;
    int64_t seq;
    int64_t part;
    size_t bytes;
    fhs_digest digest;
    fhirstore_error **err;
} part_writer;

/* What is stored of a part, in place of the part. */
static fhirstore_status seal_part(const part_writer *writer, fhs_str *bytes)
{
    fhs_buf *sealed = &writer->conn->sealed;
    if (FHS_LIKELY(!fhs_write_is_sealed(writer->conn, writer->write))) {
        return FHIRSTORE_OK;
    }
    fhs_buf_reset(sealed);
    fhirstore_status status = fhs_body_seal(writer->conn, writer->seq, writer->part, writer->write,
                                            *bytes, sealed, writer->err);
    *bytes = fhs_buf_str(sealed);
    return status;
}

static fhirstore_status add_body_part(void *ctx, fhs_str bytes)
{
    part_writer *writer = ctx;
    sqlite3_stmt *stmt;
    writer->bytes += bytes.len;
    if (writer->bytes > FHS_LIMIT_RESOURCE_BYTES) {
        return fhs_fail(writer->err, FHIRSTORE_ERR_LIMIT,
                        "a resource exceeds FHS_LIMIT_RESOURCE_BYTES");
    }
    fhirstore_status status = seal_part(writer, &bytes);
    if (status == FHIRSTORE_OK) {
        status = fhs_core(writer->conn, FHS_SQL_PART_ADD, &stmt, writer->err);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_digest_add(&writer->digest, bytes.ptr, bytes.len);
    (void)sqlite3_bind_int64(stmt, 1, writer->seq);
    (void)sqlite3_bind_int64(stmt, 2, writer->part++);
    (void)fhs_bind_bytes(stmt, 3, bytes);
    return fhs_core_run(writer->conn, stmt, writer->err);
}

fhirstore_status fhs_parts_write(fhs_conn *conn, int64_t seq, const fhs_write *write,
                                 uint8_t hash_out[32], fhirstore_error **err)
{
    part_writer writer = {.conn = conn, .write = write, .seq = seq, .err = err};
    fhirstore_status status = FHIRSTORE_OK;
    fhs_digest_begin(&writer.digest, conn->chain_key);
    if (write->source != NULL) {
        fhs_buf out;
        fhs_buf_init_drain(&out, PART_BYTES, add_body_part, &writer);
        status = write->source->write(write->source->ctx, &out);
        fhs_buf_drain(&out);
        status = status < FHIRSTORE_OK ? status : fhs_buf_status(&out);
        fhs_buf_clear(&out);
    }
    for (fhs_str rest = write->body; rest.len > 0 && status == FHIRSTORE_OK;) {
        size_t some = rest.len < PART_BYTES ? rest.len : PART_BYTES;
        status = add_body_part(&writer, fhs_str_of(rest.ptr, some));
        rest = fhs_str_from(rest, some);
    }
    fhs_digest_end(&writer.digest, hash_out);
    if (status < FHIRSTORE_OK && err != NULL && *err == NULL) {
        (void)fhs_fail_plain(err, status);
    }
    return fhs_conn_spoil(conn, status);
}

fhirstore_status fhs_parts_read(fhs_conn *conn, int64_t seq, fhs_buf *out, fhirstore_error **err)
{
    sqlite3_stmt *stmt;
    int64_t bytes = 0;
    bool found = false;
    fhirstore_status status = fhs_core(conn, FHS_SQL_PARTS_BYTES, &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)sqlite3_bind_int64(stmt, 1, seq);
        status = fhs_core_int(conn, stmt, &bytes, &found, err);
    }
    if (status == FHIRSTORE_OK && bytes <= 0) {
        status = fhs_fail(err, FHIRSTORE_ERR_CORRUPT, "the parts of a body are not there");
    }
    if (status == FHIRSTORE_OK && fhs_buf_reserve(out, (size_t)bytes)) {
        status = fhs_core(conn, FHS_SQL_PARTS, &stmt, err);
    }
    if (status != FHIRSTORE_OK || fhs_buf_status(out) < 0) {
        return status != FHIRSTORE_OK ? status : fhs_fail_plain(err, fhs_buf_status(out));
    }
    (void)sqlite3_bind_int64(stmt, 1, seq);
    int rc = SQLITE_ROW;
    for (int64_t part = 0; status == FHIRSTORE_OK; part++) {
        rc = sqlite3_step(stmt);
        if (rc != SQLITE_ROW) {
            break;
        }
        fhs_str stored = fhs_column_str(stmt, 0);
        if (FHS_UNLIKELY(fhs_body_is_sealed(stored))) {
            status = fhs_body_unseal(conn, seq, part, stored, out, err);
        } else {
            fhs_buf_add_str(out, stored);
        }
    }
    status = status == FHIRSTORE_OK ? fhs_sql_fail(conn, rc, err) : status;
    (void)sqlite3_reset(stmt);
    return status;
}
