/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the journal, and finding what was done to it. */
#include <stdlib.h>
#include <string.h>

#include "audit/journal_internal.h"
#include "base/limits.h"
#include "base/mem.h"

/* Records of several threads may overtake each other by this much. */
#define CLOCK_SLACK_US INT64_C(10000000)

/* ---- reading ---- */

typedef struct reading {
    fhs_journal *journal;
    fhs_conn *conn;
    int64_t from;
    fhs_journal_visit_fn visit;
    void *ctx;
    fhs_buf records;
    fhirstore_error **err;
} reading;

static fhirstore_status read_journal_block(void *ctx, const fhs_journal_block *block)
{
    reading *work = ctx;
    fhs_audit_event event;
    fhirstore_status status = fhs_journal_open_texts(work->journal, work->conn, block,
                                                     &work->records, work->err);
    fhs_str rest = fhs_buf_str(&work->records);
    for (int64_t i = 0; status == FHIRSTORE_OK && i < block->count; i++) {
        if (!fhs_block_next(&rest, &event)) {
            return fhs_fail(work->err, FHIRSTORE_ERR_CORRUPT,
                            "a record of the journal is malformed");
        }
        if (block->first + i >= work->from && !work->visit(work->ctx, block->first + i, &event)) {
            return FHIRSTORE_DONE;
        }
    }
    return status;
}

fhirstore_status fhs_journal_read(fhs_journal *journal, fhs_conn *conn, int64_t from,
                                  fhs_journal_visit_fn visit, void *ctx, fhirstore_error **err)
{
    reading work = {journal, conn, from, visit, ctx, FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES), err};
    fhirstore_status status = fhs_journal_each(conn, from, read_journal_block, &work, err);
    fhs_buf_clear(&work.records);
    return status;
}

/* ---- verifying ---- */

typedef struct check {
    fhs_journal *journal;
    const fhs_journal_anchor *anchor;
    fhs_journal_fault_fn tell;
    void *ctx;
    fhs_journal_report *report;
    fhs_journal_anchor at; /* the last record that was looked at, with its link as stored */
    int64_t time_us;
    bool anchor_seen;
    fhs_buf records;
    /* Marks are few: their places are compared while the blocks pass by. */
    fhs_journal_anchor *marks;
    size_t mark_count;
    size_t mark_capacity;
    size_t mark_at;
    fhirstore_error **err;
} check;

static void fault(check *work, int64_t number, const char *what)
{
    work->report->faults++;
    if (work->tell != NULL) {
        work->tell(work->ctx, number, what);
    }
}

/* Each record must be readable, and as many as the block says. */
static fhirstore_status check_records(check *work, const fhs_journal_block *block)
{
    fhs_audit_event event;
    const fhirstore_status status = fhs_journal_open_block(work->journal, block, &work->records,
                                                           NULL);
    if (status == FHIRSTORE_ERR_TAMPERED) {
        fault(work, block->first, "the records from here on cannot be opened: they were changed");
        return FHIRSTORE_OK;
    }
    if (status != FHIRSTORE_OK) {
        return fhs_fail_plain(work->err, status);
    }
    fhs_str rest = fhs_buf_str(&work->records);
    int64_t count = 0;
    while (fhs_block_next(&rest, &event)) {
        if ((event.flags & FHIRSTORE_AUDIT_CLOCK_BACK) != 0 && work->report->clock_back == 0) {
            work->report->clock_back = block->first + count;
        }
        count++;
    }
    if (count != block->count || rest.len > 0) {
        fault(work, block->first, "a block does not hold the records it should");
    }
    return FHIRSTORE_OK;
}

static void check_anchor(check *work)
{
    if (work->anchor == NULL || work->anchor_seen || work->anchor->last > work->at.last) {
        return;
    }
    work->anchor_seen = true;
    if (work->anchor->last != work->at.last ||
        memcmp(work->anchor->link, work->at.link, sizeof work->at.link) != 0) {
        fault(work, work->anchor->last, "the journal is not the one the anchor was taken from");
    }
}

/* A block that goes past a multiple of FHS_JOURNAL_MARK_EVERY has a signature behind it. */
static bool is_signature_due(const fhs_journal_block *block)
{
    return (block->first - 1) / FHS_JOURNAL_MARK_EVERY !=
           (block->first + block->count - 1) / FHS_JOURNAL_MARK_EVERY;
}

static void check_marks(check *work, const fhs_journal_block *block)
{
    bool is_signed = false;
    while (work->mark_at < work->mark_count && work->marks[work->mark_at].last <= work->at.last) {
        const fhs_journal_anchor *mark = &work->marks[work->mark_at++];
        is_signed = is_signed || mark->last == work->at.last;
        if (mark->last != work->at.last ||
            memcmp(mark->link, work->at.link, sizeof mark->link) != 0) {
            fault(work, mark->last, "what was signed here is not what stands here");
        }
    }
    if (!is_signed && is_signature_due(block)) {
        fault(work, work->at.last, "the signature behind this record is missing");
    }
}

static fhirstore_status check_block(void *ctx, const fhs_journal_block *block)
{
    check *work = ctx;
    uint8_t link[FHS_JOURNAL_LINK_BYTES];
    bool is_next = block->first == work->at.last + 1 && block->count > 0;
    if (work->report->first == 0) {
        work->report->first = block->first;
    }
    if (!is_next) {
        fault(work, work->at.last + 1,
              block->first > work->at.last ? "records are missing from here on"
                                           : "a block stands where it does not belong");
    }
    fhs_journal_link(work->journal, work->at.link, block, link);
    if (block->link.len != sizeof link) {
        fault(work, block->first, "a block has no link");
        memset(work->at.link, 0, sizeof work->at.link);
    } else {
        if (is_next && memcmp(link, block->link.ptr, sizeof link) != 0) {
            fault(work, block->first,
                  "the chain is broken: records were changed, moved or replaced");
        }
        memcpy(work->at.link, block->link.ptr, sizeof link);
    }
    if (block->time_us < work->time_us - CLOCK_SLACK_US) {
        fault(work, block->first, "the clock was set back before this record");
    }
    work->time_us = block->time_us;
    work->at.last = block->first + block->count - 1;
    check_marks(work, block);
    check_anchor(work);
    return check_records(work, block);
}

static fhirstore_status collect_mark(void *ctx, const fhs_journal_mark *mark)
{
    check *work = ctx;
    uint8_t bytes[FHS_JOURNAL_PLACE_BYTES];
    if (mark->link.len != FHS_JOURNAL_LINK_BYTES || mark->signature.len != crypto_sign_BYTES) {
        fault(work, mark->last, "a signature is cut off");
        return FHIRSTORE_OK;
    }
    fhs_journal_place_bytes(mark->last, (const uint8_t *)mark->link.ptr, bytes);
    if (crypto_sign_verify_detached((const uint8_t *)mark->signature.ptr, bytes, sizeof bytes,
                                    work->journal->public_key) != 0) {
        fault(work, mark->last, "a signature is not the owner's");
    }
    if (work->mark_count == work->mark_capacity) {
        size_t capacity = work->mark_capacity == 0 ? 64 : work->mark_capacity * 2;
        fhs_journal_anchor *grown = fhs_realloc(work->marks, capacity * sizeof *grown);
        if (grown == NULL) {
            return fhs_fail_memory(work->err);
        }
        work->marks = grown;
        work->mark_capacity = capacity;
    }
    fhs_journal_anchor *place = &work->marks[work->mark_count++];
    place->last = mark->last;
    memcpy(place->link, mark->link.ptr, sizeof place->link);
    work->report->marks++;
    return FHIRSTORE_OK;
}

/* Where the chain begins: at the first record of all, or where retention has cut. */
static fhirstore_status find_start(check *work, fhs_conn *conn)
{
    bool found;
    bool genuine;
    fhs_journal_first_link(work->journal, work->at.link);
    fhirstore_status status = fhs_journal_find_place(work->journal, conn, fhs_journal_start_name,
                                                     &work->at, &found, &genuine, work->err);
    if (status == FHIRSTORE_OK && found && !genuine) {
        fault(work, 0, "the place where the journal begins was changed");
        work->at.last = 0;
        fhs_journal_first_link(work->journal, work->at.link);
    }
    return status;
}

/* What retention has removed cannot be compared any more: that is told, and is no fault. */
static void check_anchor_at_start(check *work)
{
    if (work->anchor == NULL) {
        return;
    }
    if (work->anchor->last == 0) {
        work->anchor_seen = true; /* of an empty journal */
    } else if (work->anchor->last < work->at.last) {
        work->anchor_seen = true;
        work->report->is_anchor_older = true;
    } else if (work->at.last > 0) {
        check_anchor(work);
    }
}

/* The head says how far the journal goes: what is cut off at the end shows here. */
static fhirstore_status check_head(check *work, fhs_conn *conn)
{
    fhs_journal_anchor head = {0};
    bool found;
    bool genuine;
    fhirstore_status status = fhs_journal_find_place(work->journal, conn, fhs_journal_head_name,
                                                     &head, &found, &genuine, work->err);
    if (status != FHIRSTORE_OK || (!found && work->report->first == 0)) {
        return status;
    }
    if (!found || !genuine) {
        fault(work, 0, "the head of the journal is missing or was changed");
    } else if (head.last > work->at.last) {
        fault(work, work->at.last + 1, "the journal is cut off here");
    } else if (head.last != work->at.last ||
               memcmp(head.link, work->at.link, sizeof head.link) != 0) {
        fault(work, work->at.last, "the journal goes on behind its head");
    }
    return FHIRSTORE_OK;
}

typedef struct owners {
    fhs_str self;
    fhs_buf names; /* with a blank behind each */
} owners;

static bool take_owner(void *ctx, fhs_str owner)
{
    owners *found = ctx;
    if (!fhs_str_eq(owner, found->self)) {
        fhs_buf_add_str(&found->names, owner);
        fhs_buf_add_char(&found->names, ' ');
    }
    return true;
}

/* The earliest time from which somebody else's records may be missing. */
static fhirstore_status find_waiting(fhs_conn *conn, fhs_str self, fhs_journal_report *out,
                                     fhirstore_error **err)
{
    owners found = {self, FHS_BUF_INIT(65536)};
    fhs_buf name = FHS_BUF_INIT(256);
    fhs_buf text = FHS_BUF_INIT(64);
    fhirstore_status status = fhs_meta_each(conn, fhs_journal_waiting_name, take_owner, &found,
                                            err);
    if (status == FHIRSTORE_OK && fhs_buf_status(&found.names) != FHIRSTORE_OK) {
        status = fhs_fail_plain(err, fhs_buf_status(&found.names));
    }
    fhs_str rest = fhs_buf_str(&found.names);
    fhs_str owner;
    bool is_there;
    while (status == FHIRSTORE_OK && fhs_str_split(rest, ' ', &owner, &rest)) {
        fhs_buf_reset(&name);
        fhs_buf_reset(&text);
        fhs_buf_add_str(&name, fhs_journal_waiting_name);
        fhs_buf_add_str(&name, owner);
        status = fhs_meta_get(conn, fhs_buf_str(&name), &text, &is_there, err);
        int64_t since = status == FHIRSTORE_OK && is_there ? strtoll(text.ptr, NULL, 10) : 0;
        if (since != 0 && (out->waiting_since_us == 0 || since < out->waiting_since_us)) {
            out->waiting_since_us = since;
        }
    }
    fhs_buf_clear(&found.names);
    fhs_buf_clear(&name);
    fhs_buf_clear(&text);
    return status;
}

fhirstore_status fhs_journal_verify(fhs_journal *journal, fhs_conn *conn,
                                    const fhs_journal_anchor *anchor, fhs_str self,
                                    fhs_journal_fault_fn tell, void *ctx, fhs_journal_report *out,
                                    fhirstore_error **err)
{
    check work = {.journal = journal,
                  .anchor = anchor,
                  .tell = tell,
                  .ctx = ctx,
                  .report = out,
                  .records = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES),
                  .err = err};
    *out = (fhs_journal_report){0};
    fhirstore_status status = find_start(&work, conn);
    if (status == FHIRSTORE_OK) {
        check_anchor_at_start(&work);
        status = fhs_journal_each_mark(conn, collect_mark, &work, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_journal_each(conn, 0, check_block, &work, err);
    }
    if (status == FHIRSTORE_OK) {
        out->last = out->first == 0 ? 0 : work.at.last;
        if (work.mark_at < work.mark_count) {
            fault(&work, work.at.last + 1, "records that were signed are missing");
        }
        if (anchor != NULL && !work.anchor_seen && anchor->last > 0) {
            fault(&work, work.at.last + 1, "the journal ends before the anchor");
        }
        status = check_head(&work, conn);
    }
    if (status == FHIRSTORE_OK) {
        status = find_waiting(conn, self, out, err);
    }
    if (status == FHIRSTORE_ERR_CORRUPT) {
        if (err != NULL) { /* a fault, and no failure */
            fhs_error_free(*err);
            *err = NULL;
        }
        fault(&work, work.at.last + 1, "the journal cannot be read from here on");
        status = FHIRSTORE_OK;
    }
    fhs_free(work.marks);
    fhs_buf_clear(&work.records);
    return status;
}
