/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/journal.h"

#include <string.h>

#include "storage/stmt.h"

/* Run a statement that answers with nothing, and give it back. */
static fhirstore_status run_and_give(fhs_stmt *stmt, fhirstore_status status, fhirstore_error **err)
{
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, err);
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_journal_add(fhs_conn *conn, const fhs_journal_block *block,
                                 fhirstore_error **err)
{
    fhs_stmt *stmt = NULL;
    fhirstore_status status = fhs_stmt_take(
        conn, FHS_LIT("INSERT INTO journal(first,count,time,sealed,link) VALUES(?1,?2,?3,?4,?5)"),
        &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, block->first);
        (void)fhs_stmt_bind_int(stmt, 2, block->count);
        (void)fhs_stmt_bind_int(stmt, 3, block->time_us);
        status = fhs_stmt_bind_blob(stmt, 4, block->sealed);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_bind_blob(stmt, 5, block->link);
    }
    return run_and_give(stmt, status, err);
}

fhirstore_status fhs_journal_add_mark(fhs_conn *conn, const fhs_journal_mark *mark,
                                      fhirstore_error **err)
{
    fhs_stmt *stmt = NULL;
    fhirstore_status status = fhs_stmt_take(
        conn, FHS_LIT("INSERT INTO journal_mark(last,link,signature) VALUES(?1,?2,?3)"), &stmt,
        err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, mark->last);
        status = fhs_stmt_bind_blob(stmt, 2, mark->link);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_bind_blob(stmt, 3, mark->signature);
    }
    return run_and_give(stmt, status, err);
}

fhirstore_status fhs_journal_drop(fhs_conn *conn, int64_t first, fhirstore_error **err)
{
    const fhs_str texts[] = {FHS_LIT("DELETE FROM journal WHERE first+count<=?1"),
                             FHS_LIT("DELETE FROM journal_mark WHERE last<?1")};
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < FHS_COUNT_OF(texts) && status == FHIRSTORE_OK; i++) {
        fhs_stmt *stmt = NULL;
        status = fhs_stmt_take(conn, texts[i], &stmt, err);
        if (status == FHIRSTORE_OK) {
            (void)fhs_stmt_bind_int(stmt, 1, first);
        }
        status = run_and_give(stmt, status, err);
    }
    return status;
}

static fhs_journal_block journal_block_of(fhs_stmt *stmt)
{
    return (fhs_journal_block){
        .first = fhs_stmt_int(stmt, 0),
        .count = fhs_stmt_int(stmt, 1),
        .time_us = fhs_stmt_int(stmt, 2),
        .link = fhs_stmt_blob(stmt, 3),
    };
}

fhirstore_status fhs_journal_last(fhs_conn *conn, fhs_journal_block *out,
                                  uint8_t link[FHS_JOURNAL_LINK_BYTES], bool *found_out,
                                  fhirstore_error **err)
{
    fhs_stmt *stmt = NULL;
    *found_out = false;
    fhirstore_status status = fhs_stmt_take(
        conn, FHS_LIT("SELECT first,count,time,link FROM journal ORDER BY first DESC LIMIT 1"),
        &stmt, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, err);
    }
    if (status == FHIRSTORE_OK) {
        *out = journal_block_of(stmt);
        *found_out = true;
        memset(link, 0, FHS_JOURNAL_LINK_BYTES);
        if (out->link.len == FHS_JOURNAL_LINK_BYTES) {
            memcpy(link, out->link.ptr, FHS_JOURNAL_LINK_BYTES);
        }
        out->link = FHS_STR_NONE;
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status each_block(fhs_conn *conn, fhs_str sql, int64_t number,
                                   fhirstore_status (*visit)(void *ctx,
                                                             const fhs_journal_block *block),
                                   void *ctx, fhirstore_error **err)
{
    fhs_stmt *stmt = NULL;
    fhirstore_status status = fhs_stmt_take(conn, sql, &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, number);
    }
    while (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, err);
        if (status == FHIRSTORE_OK) {
            fhs_journal_block block = journal_block_of(stmt);
            block.sealed = fhs_stmt_blob(stmt, 4);
            status = visit(ctx, &block);
        }
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_journal_each(fhs_conn *conn, int64_t from,
                                  fhirstore_status (*visit)(void *ctx,
                                                            const fhs_journal_block *block),
                                  void *ctx, fhirstore_error **err)
{
    return each_block(
        conn,
        FHS_LIT("SELECT first,count,time,link,sealed FROM journal WHERE first>=coalesce((SELECT "
                "first FROM journal WHERE first<=?1 ORDER BY first DESC LIMIT 1),0) ORDER BY "
                "first"),
        from, visit, ctx, err);
}

fhirstore_status fhs_journal_each_back(fhs_conn *conn, int64_t to,
                                       fhirstore_status (*visit)(void *ctx,
                                                                 const fhs_journal_block *block),
                                       void *ctx, fhirstore_error **err)
{
    return each_block(conn,
                      FHS_LIT("SELECT first,count,time,link,sealed FROM journal WHERE first<=?1 "
                              "ORDER BY first DESC"),
                      to, visit, ctx, err);
}

/* The block that begins at @a number or last before it. Count 0: there is none. */
static fhirstore_status find_block_before(fhs_conn *conn, int64_t number, fhs_journal_block *out,
                                          fhirstore_error **err)
{
    fhs_stmt *stmt = NULL;
    *out = (fhs_journal_block){0};
    fhirstore_status status = fhs_stmt_take(
        conn,
        FHS_LIT("SELECT first,count,time,link FROM journal WHERE first<=?1 ORDER BY first DESC "
                "LIMIT 1"),
        &stmt, err);
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(stmt, 1, number);
        status = fhs_stmt_step(stmt, err);
    }
    if (status == FHIRSTORE_OK) {
        *out = journal_block_of(stmt);
        out->link = FHS_STR_NONE;
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_journal_find_time(fhs_conn *conn, int64_t time_us, fhs_journal_block *out,
                                       fhirstore_error **err)
{
    fhs_journal_block at;
    fhirstore_status status = find_block_before(conn, INT64_MAX, &at, err);
    int64_t low = 1; /* blocks that begin before it are too early … */
    int64_t high = at.first;
    *out = (fhs_journal_block){0};
    if (status != FHIRSTORE_OK || at.count == 0 || at.time_us < time_us) {
        return status;
    }
    *out = at; /* … and this one is not */
    while (status == FHIRSTORE_OK && low < high) {
        status = find_block_before(conn, low + (high - low - 1) / 2, &at, err);
        if (at.count == 0 || at.time_us < time_us) {
            low = low + (high - low - 1) / 2 + 1;
        } else {
            *out = at;
            high = at.first;
        }
    }
    return status;
}

fhirstore_status fhs_journal_each_mark(fhs_conn *conn,
                                       fhirstore_status (*visit)(void *ctx,
                                                                 const fhs_journal_mark *mark),
                                       void *ctx, fhirstore_error **err)
{
    fhs_stmt *stmt = NULL;
    fhirstore_status status = fhs_stmt_take(
        conn, FHS_LIT("SELECT last,link,signature FROM journal_mark ORDER BY last"), &stmt, err);
    while (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, err);
        if (status == FHIRSTORE_OK) {
            const fhs_journal_mark mark = {fhs_stmt_int(stmt, 0), fhs_stmt_blob(stmt, 1),
                                           fhs_stmt_blob(stmt, 2)};
            status = visit(ctx, &mark);
        }
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}
