/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the journal from its end to its beginning. */
#include "audit/journal_internal.h"
#include "base/limits.h"
#include "base/mem.h"

typedef struct reading_back {
    fhs_journal *journal;
    fhs_conn *conn;
    int64_t from;
    fhs_journal_visit_fn visit;
    void *ctx;
    fhs_buf records;
    fhs_audit_event *events; /* of the block at hand */
    size_t capacity;
    fhirstore_error **err;
} reading_back;

static bool has_room_for(reading_back *work, int64_t count)
{
    if (count < 0 || (uint64_t)count > work->records.len) {
        return false;
    }
    if ((size_t)count > work->capacity) {
        fhs_audit_event *grown = fhs_realloc(work->events, (size_t)count * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        work->events = grown;
        work->capacity = (size_t)count;
    }
    return true;
}

static fhirstore_status read_block_back(void *ctx, const fhs_journal_block *block)
{
    reading_back *work = ctx;
    fhirstore_status status = fhs_journal_open_texts(work->journal, work->conn, block,
                                                     &work->records, work->err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (!has_room_for(work, block->count)) {
        return (uint64_t)block->count > work->records.len
                   ? fhs_fail(work->err, FHIRSTORE_ERR_CORRUPT,
                              "a record of the journal is malformed")
                   : fhs_fail_memory(work->err);
    }
    fhs_str rest = fhs_buf_str(&work->records);
    for (int64_t i = 0; i < block->count; i++) {
        if (!fhs_block_next(&rest, &work->events[i])) {
            return fhs_fail(work->err, FHIRSTORE_ERR_CORRUPT,
                            "a record of the journal is malformed");
        }
    }
    for (int64_t i = block->count - 1; i >= 0; i--) {
        if (block->first + i <= work->from &&
            !work->visit(work->ctx, block->first + i, &work->events[i])) {
            return FHIRSTORE_DONE;
        }
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_journal_read_back(fhs_journal *journal, fhs_conn *conn, int64_t from,
                                       fhs_journal_visit_fn visit, void *ctx, fhirstore_error **err)
{
    reading_back work = {.journal = journal,
                         .conn = conn,
                         .from = from,
                         .visit = visit,
                         .ctx = ctx,
                         .records = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES),
                         .err = err};
    fhirstore_status status = fhs_journal_each_back(conn, from, read_block_back, &work, err);
    fhs_buf_clear(&work.records);
    fhs_free(work.events);
    return status;
}
