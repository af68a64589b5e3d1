/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One page of AuditEvents: journal records and stored resources, two streams in the order of time,
 * merged. A page link says which record comes next and which stored one was the last. How many
 * records one page looks at has a limit; behind it a link goes on, maybe from an empty page.
 */
#include <string.h>

#include "base/instant.h"
#include "base/mem.h"
#include "interact/find.h"
#include "interact/ledger.h"
#include "interact/params.h"
#include "interact/sight.h"
#include "interact/touched.h"
#include "interact/trail_search.h"

/* ---- records ---- */

static fhs_trail_item *add_trail_item(fhs_trail_list *list, int64_t ticks, size_t begin)
{
    fhs_trail_item *item = &list->items[list->count++];
    *item = (fhs_trail_item){.ticks = ticks, .begin = begin};
    return item;
}

static bool look_at_record(void *ctx, int64_t number, const fhs_audit_event *event)
{
    fhs_trail_question *work = ctx;
    const bool is_past = work->ascends ? event->time_us > work->filter.to_us
                                       : event->time_us < work->filter.from_us;
    if (is_past) {
        work->next_record = -1;
        return false;
    }
    if (work->records.count == work->records.max || work->looked_at >= FHS_LIMIT_AUDIT_SCAN) {
        work->is_cut = work->records.count < work->records.max;
        work->cut_ticks = fhs_ticks_from_us(event->time_us);
        work->next_record = number;
        return false;
    }
    work->looked_at++;
    if (fhs_trail_fits(work, number, event)) {
        fhs_trail_item *item = add_trail_item(&work->records, fhs_ticks_from_us(event->time_us),
                                              work->texts.len);
        item->number = number;
        fhs_audit_write_resource(&work->style, number, event, &work->texts);
        item->end = work->texts.len;
    }
    return fhs_buf_status(&work->texts) == FHIRSTORE_OK && work->failure >= FHIRSTORE_OK;
}

static bool count_record(void *ctx, int64_t number, const fhs_audit_event *event)
{
    fhs_trail_question *work = ctx;
    if (event->time_us > work->filter.to_us) {
        return false;
    }
    if (work->looked_at++ >= FHS_LIMIT_AUDIT_SCAN) {
        work->is_cut = true;
        return false;
    }
    work->total += fhs_trail_fits(work, number, event);
    return work->failure >= FHIRSTORE_OK;
}

/* The record at which to begin: that of the page, or the first that the dates allow. -1: none. */
static fhirstore_status first_record(fhs_call *call, const fhs_trail_question *work, bool ascends,
                                     int64_t *out, fhirstore_error **err)
{
    fhs_journal_block block;
    fhirstore_status status = FHIRSTORE_OK;
    *out = ascends ? 1 : INT64_MAX;
    if (work->from.number != 0) {
        *out = work->from.number;
    } else if (ascends && work->filter.from_us > INT64_MIN) {
        status = fhs_journal_find_time(call->conn, work->filter.from_us, &block, err);
        *out = block.count == 0 ? -1 : block.first;
    } else if (!ascends && work->filter.to_us < INT64_MAX) {
        status = fhs_journal_find_time(call->conn, work->filter.to_us + 1, &block, err);
        *out = block.count == 0 ? INT64_MAX : block.first + block.count - 1;
    }
    return status;
}

static fhirstore_status gather_records(fhs_call *call, fhs_trail_question *work,
                                       fhirstore_error **err)
{
    fhs_journal *journal = fhs_ledger_journal(call->session->core->ledger);
    int64_t from;
    fhirstore_status status = first_record(call, work, work->ascends, &from, err);
    work->next_record = -1;
    if (status < FHIRSTORE_OK || from < 0) {
        return status;
    }
    status = work->ascends
                 ? fhs_journal_read(journal, call->conn, from, look_at_record, work, err)
                 : fhs_journal_read_back(journal, call->conn, from, look_at_record, work, err);
    if (status >= FHIRSTORE_OK && fhs_buf_status(&work->texts) < 0) {
        status = fhs_fail_plain(err, fhs_buf_status(&work->texts));
    }
    if (status >= FHIRSTORE_OK && work->failure < FHIRSTORE_OK) {
        status = fhs_fail_plain(err, work->failure);
    }
    return status;
}

/* Of the whole answer, wherever the page begins. */
static fhirstore_status count_records(fhs_call *call, fhs_trail_question *work,
                                      fhirstore_error **err)
{
    fhs_journal *journal = fhs_ledger_journal(call->session->core->ledger);
    const fhs_trail_place place = work->from;
    int64_t from;
    work->total = 0;
    work->looked_at = 0;
    work->from.number = 0;
    fhirstore_status status = first_record(call, work, true, &from, err);
    work->from = place;
    if (status >= FHIRSTORE_OK && from >= 0) {
        status = fhs_journal_read(journal, call->conn, from, count_record, work, err);
    }
    if (status >= FHIRSTORE_OK && work->failure < FHIRSTORE_OK) {
        status = fhs_fail_plain(err, work->failure);
    }
    if (status >= FHIRSTORE_OK && work->is_cut) {
        status = fhs_fail(err, FHIRSTORE_ERR_TOO_COSTLY,
                          "a total over more than FHS_LIMIT_AUDIT_SCAN (%lld) records: give a "
                          "shorter time",
                          (long long)FHS_LIMIT_AUDIT_SCAN);
    }
    return status;
}

/* ---- stored resources ---- */

/* Where a stored one stands in time. */
static int64_t trail_ticks(fhs_arena *arena, const fhs_trail_question *work,
                           const fhs_version *version)
{
    const fhs_json *root;
    fhs_str text;
    fhs_date date;
    int64_t lo = 0;
    int64_t hi;
    if (work->by_update) {
        return fhs_ticks_from_us(version->updated_us);
    }
    fhs_arena_reset(arena);
    if (fhs_json_read(arena, version->body, NULL, &root, NULL) == FHIRSTORE_OK &&
        fhs_json_is(root, FHS_JSON_OBJECT) &&
        fhs_json_get_string(root, FHS_LIT("recorded"), &text) &&
        fhs_date_parse(text, FHS_DATE_FORM_INSTANT, &date)) {
        fhs_date_interval(&date, 0, &lo, &hi);
    }
    return lo;
}

/* The page before has shown it. */
static bool was_shown(const fhs_trail_question *work, int64_t ticks, fhs_str id)
{
    if (work->from.id[0] == '\0') {
        return false;
    }
    return fhs_trail_comes_before(work, ticks, work->from.ticks) ||
           (ticks == work->from.ticks &&
            fhs_str_compare(id, fhs_str_from_cstr(work->from.id)) <= 0);
}

static fhirstore_status take_stored(fhs_call *call, fhs_trail_question *work, fhs_search *search,
                                    fhirstore_error **err)
{
    fhs_version version;
    fhs_arena arena;
    fhirstore_status status = FHIRSTORE_OK;
    fhs_arena_init(&arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    while (work->others.count < work->others.max &&
           (status = fhs_search_next(search, &version, err)) == FHIRSTORE_OK) {
        const int64_t ticks = trail_ticks(&arena, work, &version);
        if (version.id.len > FHS_LIMIT_ID_BYTES || was_shown(work, ticks, version.id)) {
            continue;
        }
        fhs_trail_item *item = add_trail_item(&work->others, ticks, work->texts.len);
        memcpy(item->id, version.id.ptr, version.id.len);
        if (work->others.count < work->others.max) {
            fhs_touch(call, &version); /* the one too many is not shown */
        }
        status = fhs_sight_take_body(call, work->place->type, &version, &work->texts, err);
        item->end = work->texts.len;
        if (status < FHIRSTORE_OK) {
            break;
        }
    }
    fhs_arena_clear(&arena);
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

/* The order, and where the last page ended. */
static void finish_stored_query(fhs_trail_question *work)
{
    fhs_buf *out = &work->stored;
    const char *key = work->by_update ? "_lastUpdated" : "date";
    if (work->from.id[0] != '\0') {
        fhs_buf_addf(out, "%s%s=%s", out->len > 0 ? "&" : "", key, work->ascends ? "ge" : "le");
        fhs_instant_write(fhs_ticks_to_us(work->from.ticks), out);
    }
    fhs_buf_addf(out, "%s_sort=%s%s,_id", out->len > 0 ? "&" : "", work->ascends ? "" : "-", key);
}

typedef struct stored_work {
    fhs_trail_question *trail;
    fhs_search_env env;
} stored_work;

static fhirstore_status run_stored_search(fhs_call *call, void *ctx, fhirstore_error **err)
{
    stored_work *work = ctx;
    fhs_trail_question *trail = work->trail;
    fhs_params *params = NULL;
    fhs_search *search = NULL;
    int64_t count = 0;
    fhirstore_status status = fhs_call_params(call, &params, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_find_open(call, params, trail->ready_only, &trail->arena,
                               (fhs_query *)(uintptr_t)trail->query, &work->env, &search, err);
    }
    if (status >= FHIRSTORE_OK && (trail->counts_only || trail->wants_total) &&
        trail->from.total < 0) {
        status = fhs_search_count(search, &count, err);
        trail->total += count;
    }
    if (status >= FHIRSTORE_OK && !trail->counts_only) {
        status = take_stored(call, trail, search, err);
    }
    fhs_search_close(search);
    if (status >= FHIRSTORE_OK) {
        call->count = (int64_t)trail->others.count;
        status = fhs_touched_settle(call, err);
    }
    return status;
}

/* Who may search stored AuditEvents sees them too; who may only audit does not. */
static fhirstore_status join_stored(fhs_call *outer, fhs_trail_question *work,
                                    fhirstore_error **err)
{
    fhs_call call;
    stored_work stored = {.trail = work};
    fhs_call_nest(&call, outer, FHIRSTORE_ACTION_SEARCH, work->place->type, FHS_STR_NONE,
                  outer->query);
    fhirstore_status status = fhs_call_ask(&call, NULL);
    if (status == FHIRSTORE_ERR_DENIED || status == FHIRSTORE_ERR_NO_POLICY) {
        fhs_call_end(&call);
        return FHIRSTORE_OK;
    }
    status = status < FHIRSTORE_OK ? fhs_call_refuse(&call, fhs_fail_plain(err, status))
                                   : fhs_call_read(&call, run_stored_search, &stored, err);
    fhs_call_end(&call);
    return status;
}

static fhirstore_status parse_stored(fhs_call *call, fhs_trail_question *work,
                                     fhirstore_error **err)
{
    fhs_params *params = NULL;
    fhs_query *query = NULL;
    finish_stored_query(work);
    fhs_str text = fhs_arena_dup(&work->arena, fhs_buf_str(&work->stored));
    if (fhs_buf_status(&work->stored) < 0 || text.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    fhirstore_status status = fhs_call_params(call, &params, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_find_parse(call->session, params, &work->arena, work->place, text,
                                work->lenient, &query, err);
    }
    work->query = query;
    return status;
}

/* ---- all of it ---- */

static bool make_lists(fhs_trail_question *work)
{
    const size_t max = (size_t)work->size + 1;
    work->records = (fhs_trail_list){fhs_calloc(max, sizeof(fhs_trail_item)), 0, max};
    work->others = (fhs_trail_list){fhs_calloc(max, sizeof(fhs_trail_item)), 0, max};
    return work->records.items != NULL && work->others.items != NULL;
}

static fhirstore_status run_trail_search(fhs_call *call, void *ctx, fhirstore_error **err)
{
    fhs_trail_question *work = ctx;
    fhirstore_status status = fhs_trail_open_page(call, work, err);
    if (status >= FHIRSTORE_OK) {
        status = parse_stored(call, work, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_trail_parse_conditions(call, work, err);
    }
    if (status >= FHIRSTORE_OK && !make_lists(work)) {
        status = fhs_fail_memory(err);
    }
    work->total = work->from.total;
    if (status >= FHIRSTORE_OK && (work->counts_only || work->wants_total) &&
        work->from.total < 0) {
        status = count_records(call, work, err);
        work->looked_at = 0;
    }
    if (status >= FHIRSTORE_OK && !work->counts_only) {
        status = gather_records(call, work, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = join_stored(call, work, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_trail_write_bundle(call, work, err);
    }
    call->count = (int64_t)work->shown;
    call->total = work->total;
    work->answer->status = FHIRSTORE_OK;
    work->answer->http = fhs_status_http(FHIRSTORE_OK);
    return status;
}

/* ---- where the journal cannot be asked ---- */

/* The answer about stored ones, with a word about what is not in it. */
static void tell_left_out(fhs_buf *body, fhs_str name)
{
    static const char outcome[] =
        "{\"resource\":{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"warning\","
        "\"code\":\"incomplete\",\"diagnostics\":\"the store's journal was left out: it cannot be "
        "searched by ";
    bool has_entries = body->len > 2 && body->ptr[body->len - 2] == ']' &&
                       fhs_str_find(fhs_buf_str(body), FHS_LIT(",\"entry\":[")) < body->len;
    if (body->len < 2 || fhs_buf_status(body) < 0) {
        return;
    }
    body->len -= has_entries ? 2 : 1;
    fhs_buf_add_cstr(body, has_entries ? "," : ",\"entry\":[");
    fhs_buf_add_cstr(body, outcome);
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];
        fhs_buf_add_char(body, c < 0x20 || c == '"' || c == '\\' || (c & 0x80) != 0 ? '?' : c);
    }
    fhs_buf_add_cstr(body, "\"}]},\"search\":{\"mode\":\"outcome\"}}]}");
}

static fhirstore_status search_without_journal(fhs_session *session, fhs_trail_question *work,
                                               fhirstore_error **err)
{
    fhirstore_status status = fhs_interact_search_stored(
        session, work->place, work->text, work->lenient, work->ready_only, work->answer, err);
    if (status >= FHIRSTORE_OK) {
        tell_left_out(&work->answer->body, work->foreign);
        status = fhs_buf_status(&work->answer->body) < 0 ? fhs_fail_memory(err) : status;
    }
    return status;
}

/* ---- from outside ---- */

static void clear_trail(fhs_trail_question *work)
{
    fhs_buf_clear(&work->question);
    fhs_buf_clear(&work->stored);
    fhs_buf_clear(&work->conditions);
    fhs_buf_clear(&work->probe);
    fhs_buf_clear(&work->texts);
    fhs_buf_clear(&work->entries);
    fhs_free(work->records.items);
    fhs_free(work->others.items);
    fhs_arena_clear(&work->arena);
}

fhirstore_status fhs_trail_search(fhs_session *session, const fhs_place *place, fhs_str query,
                                  bool lenient, bool ready_only, fhs_answer *answer,
                                  fhirstore_error **err)
{
    fhs_call call;
    fhs_buf told = FHS_BUF_INIT((size_t)4 * FHS_LIMIT_URL_BYTES);
    fhs_trail_question work = {.place = place,
                               .text = query,
                               .lenient = lenient,
                               .ready_only = ready_only,
                               .answer = answer,
                               .style = fhs_trail_style(session->core),
                               .question = FHS_BUF_INIT((size_t)4 * FHS_LIMIT_URL_BYTES),
                               .stored = FHS_BUF_INIT((size_t)4 * FHS_LIMIT_URL_BYTES),
                               .conditions = FHS_BUF_INIT((size_t)4 * FHS_LIMIT_URL_BYTES),
                               .probe = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES),
                               .size = FHS_DEFAULT_PAGE_COUNT,
                               .texts = FHS_BUF_INIT(TRAIL_PAGE_MAX),
                               .entries = FHS_BUF_INIT(TRAIL_PAGE_MAX),
                               .total = -1};
    fhs_arena_init(&work.arena, FHS_LIMIT_RESOURCE_BYTES);
    fhs_place_write_query(place, query, &told);
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_AUDIT, FHS_TYPE_NONE, FHS_STR_NONE,
                   fhs_buf_str(&told));
    fhirstore_status status = fhs_buf_status(&told) < 0 ? fhs_fail_memory(err)
                                                        : fhs_trail_read_query(&call, &work, err);
    const bool leaves_out = status >= FHIRSTORE_OK && work.foreign.len > 0;
    if (status < FHIRSTORE_OK) {
        call.type = place->type;
        (void)fhs_call_refuse(&call, status);
    } else if (!leaves_out) {
        status = fhs_trail_call(&call, place->type, run_trail_search, &work, err);
    }
    fhs_call_end(&call);
    if (leaves_out) {
        status = search_without_journal(session, &work, err);
    }
    clear_trail(&work);
    fhs_buf_clear(&told);
    return status;
}
