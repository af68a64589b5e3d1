/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at the journal: itself an interaction, asked for and recorded like any other. */
#include "audit/words.h"
#include "base/instant.h"
#include "interact/interact.h"
#include "interact/ledger.h"
#include "interact/trail.h"
#include "json/json.h"

static fhirstore_status no_journal(fhirstore_error **err)
{
    return fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED, "this store keeps no journal");
}

static fhirstore_status with_journal(fhs_session *session, fhs_work_fn run, void *ctx,
                                     fhirstore_error **err)
{
    fhs_call call;
    if (session->core->ledger == NULL) {
        return no_journal(err);
    }
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_AUDIT, FHS_TYPE_NONE, FHS_STR_NONE,
                   FHS_STR_NONE);
    fhirstore_status status = fhs_trail_call(&call, FHS_TYPE_NONE, run, ctx, err);
    fhs_call_end(&call);
    return status;
}

/* ---- reading ---- */

typedef struct read_journal {
    int64_t from;
    int64_t max;
    int64_t count;
    int64_t next; /* 0: the journal's end was reached */
    fhs_buf *out;
} read_journal;

static bool write_record(void *ctx, int64_t number, const fhs_audit_event *event)
{
    read_journal *work = ctx;
    if (work->count == work->max) {
        work->next = number;
        return false;
    }
    fhs_audit_write_json(number, event, work->out);
    fhs_buf_add_char(work->out, '\n');
    work->count++;
    return fhs_buf_status(work->out) == FHIRSTORE_OK;
}

static fhirstore_status run_read(fhs_call *call, void *ctx, fhirstore_error **err)
{
    read_journal *work = ctx;
    fhs_journal *journal = fhs_ledger_journal(call->session->core->ledger);
    fhirstore_status status = fhs_journal_read(journal, call->conn, work->from, write_record, work,
                                               err);
    call->count = work->count;
    if (status >= FHIRSTORE_OK && fhs_buf_status(work->out) != FHIRSTORE_OK) {
        status = fhs_fail_plain(err, fhs_buf_status(work->out));
    }
    return status;
}

fhirstore_status fhs_interact_journal_read(fhs_session *session, int64_t from, int64_t max,
                                           fhs_buf *out, int64_t *next_out, fhirstore_error **err)
{
    read_journal work = {.from = from, .max = max, .out = out};
    fhirstore_status status = with_journal(session, run_read, &work, err);
    *next_out = work.next;
    return status;
}

/* ---- anchors: "number:link", the link in hexadecimal ---- */

static void write_anchor(const fhs_journal_anchor *anchor, fhs_buf *out)
{
    fhs_buf_add_i64(out, anchor->last);
    fhs_buf_add_char(out, ':');
    for (size_t i = 0; i < sizeof anchor->link; i++) {
        fhs_buf_addf(out, "%02x", anchor->link[i]);
    }
}

static int anchor_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_anchor(fhs_str text, fhs_journal_anchor *out)
{
    fhs_str number;
    fhs_str link;
    uint64_t last;
    if (!fhs_str_split(fhs_str_trim(text), ':', &number, &link) ||
        !fhs_str_to_u64(number, INT64_MAX, &last) || link.len != 2 * sizeof out->link) {
        return false;
    }
    out->last = (int64_t)last;
    for (size_t i = 0; i < sizeof out->link; i++) {
        int high = anchor_digit(link.ptr[2 * i]);
        int low = anchor_digit(link.ptr[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out->link[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static fhirstore_status run_anchor(fhs_call *call, void *ctx, fhirstore_error **err)
{
    return fhs_journal_get_anchor(call->conn, ctx, err);
}

fhirstore_status fhs_interact_journal_anchor(fhs_session *session, fhs_buf *out,
                                             fhirstore_error **err)
{
    fhs_journal_anchor anchor;
    fhirstore_status status = with_journal(session, run_anchor, &anchor, err);
    if (status >= FHIRSTORE_OK) {
        write_anchor(&anchor, out);
        status = fhs_buf_status(out) == FHIRSTORE_OK ? status : fhs_fail_memory(err);
    }
    return status;
}

/* ---- verifying ---- */

/* Each fault is told up to this many; the rest is counted. */
#define TOLD_FAULTS 1000

typedef struct verify_journal {
    bool has_anchor;
    fhs_journal_anchor anchor;
    fhs_buf faults; /* JSON objects with commas between */
    int64_t told;
    fhs_journal_report report;
} verify_journal;

static void write_fault(void *ctx, int64_t number, const char *what)
{
    verify_journal *work = ctx;
    if (work->told++ >= TOLD_FAULTS) {
        return;
    }
    fhs_buf_addf(&work->faults, "%s{\"record\":%lld,\"what\":", work->told > 1 ? "," : "",
                 (long long)number);
    fhs_json_write_string(&work->faults, fhs_str_from_cstr(what));
    fhs_buf_add_char(&work->faults, '}');
}

static fhirstore_status run_verify(fhs_call *call, void *ctx, fhirstore_error **err)
{
    verify_journal *work = ctx;
    const fhs_ledger *ledger = call->session->core->ledger;
    fhirstore_status status = fhs_journal_verify(
        fhs_ledger_journal(ledger), call->conn, work->has_anchor ? &work->anchor : NULL,
        fhs_ledger_owner(ledger), write_fault, work, &work->report, err);
    call->count = work->report.last - work->report.first + (work->report.last > 0);
    return status;
}

static void write_report(const verify_journal *work, fhs_buf *out)
{
    const fhs_journal_report *report = &work->report;
    fhs_buf_addf(out,
                 "{\"sound\":%s,\"first\":%lld,\"last\":%lld,\"signatures\":%lld,\"faultCount\":"
                 "%lld,\"faults\":[",
                 report->faults == 0 ? "true" : "false", (long long)report->first,
                 (long long)report->last, (long long)report->marks, (long long)report->faults);
    fhs_buf_add_str(out, fhs_buf_str(&work->faults));
    fhs_buf_add_char(out, ']');
    fhs_buf_add_cstr(out, report->is_anchor_older ? ",\"anchorIsOlder\":true" : "");
    if (report->clock_back > 0) {
        fhs_buf_addf(out, ",\"clockSetBackAt\":%lld", (long long)report->clock_back);
    }
    if (report->waiting_since_us != 0) {
        fhs_buf_add_cstr(out, ",\"readsMayBeMissingSince\":\"");
        fhs_instant_write(report->waiting_since_us, out);
        fhs_buf_add_char(out, '"');
    }
    fhs_buf_add_char(out, '}');
}

fhirstore_status fhs_interact_journal_verify(fhs_session *session, fhs_str anchor, fhs_buf *out,
                                             fhirstore_error **err)
{
    verify_journal work = {.has_anchor = anchor.len > 0,
                           .faults = FHS_BUF_INIT((size_t)1024 * 1024)};
    if (work.has_anchor && !read_anchor(anchor, &work.anchor)) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG,
                        "an anchor is the number of a record, ':' and 64 hexadecimal digits");
    }
    fhirstore_status status = with_journal(session, run_verify, &work, err);
    if (status >= FHIRSTORE_OK) {
        write_report(&work, out);
        status = fhs_buf_status(&work.faults) == FHIRSTORE_OK && fhs_buf_status(out) == FHIRSTORE_OK
                     ? status
                     : fhs_fail_memory(err);
    }
    fhs_buf_clear(&work.faults);
    if (status >= FHIRSTORE_OK && work.report.faults > 0) {
        status = fhs_fail(err, FHIRSTORE_ERR_TAMPERED, "the journal was tampered with: %lld faults",
                          (long long)work.report.faults);
    }
    return status;
}

/* ---- retention ---- */

typedef struct retain_work {
    int64_t before_us;
} retain_work;

/* From the first block on that holds a record as young. */
static fhirstore_status run_retain(fhs_call *call, void *ctx, fhirstore_error **err)
{
    const retain_work *work = ctx;
    fhs_journal *journal = fhs_ledger_journal(call->session->core->ledger);
    fhs_journal_anchor end;
    fhs_journal_block block;
    fhirstore_status status = fhs_trail_check(call, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_journal_get_anchor(call->conn, &end, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_journal_find_time(call->conn, work->before_us, &block, err);
    }
    if (status >= FHIRSTORE_OK) {
        const int64_t first = block.count > 0 ? block.first : end.last + 1;
        status = fhs_journal_retain(journal, call->conn, first, err);
        call->count = first - 1;
    }
    return status;
}

fhirstore_status fhs_interact_journal_retain(fhs_session *session, int64_t before_us,
                                             fhirstore_error **err)
{
    fhs_call call;
    retain_work work = {.before_us = before_us};
    if (session->core->ledger == NULL) {
        return no_journal(err);
    }
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_AUDIT, FHS_TYPE_NONE, FHS_STR_NONE,
                   FHS_LIT("retain"));
    fhirstore_status status = fhs_ledger_flush(session->core, err);
    status = status < FHIRSTORE_OK ? fhs_call_refuse(&call, status)
                                   : fhs_call_write(&call, run_retain, &work, err);
    fhs_call_end(&call);
    return status;
}
