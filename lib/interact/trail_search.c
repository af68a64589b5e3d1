/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One page of AuditEvents: journal records and stored resources, two streams in the order of time,
 * merged. A page link says which record comes next and which stored one was the last. How many
 * records one page looks at has a limit; behind it a link goes on, maybe from an empty page.
 */
#include <stdlib.h>
#include <string.h>

#include "audit/filter.h"
#include "base/instant.h"
#include "base/mem.h"
#include "interact/find.h"
#include "interact/ledger.h"
#include "interact/params.h"
#include "interact/sight.h"
#include "interact/touched.h"
#include "interact/trail.h"
#include "interact/view.h"

#define TRAIL_PAGE_MAX ((size_t)1024 * 1024 * 1024)

/* Where a page begins. */
typedef struct trail_place {
    int64_t number; /* the record that comes next; 0: the stream's beginning; -1: none is left */
    int64_t ticks;  /* of the last stored one that was shown; its id, or nothing yet */
    char id[FHS_LIMIT_ID_BYTES + 1];
    int64_t total; /* -1: not known */
} trail_place;

/* What is to be shown, with its place in time and its text in the buffer of texts. */
typedef struct trail_item {
    int64_t ticks;
    int64_t number; /* 0: a stored resource */
    size_t begin;
    size_t end;
    char id[FHS_LIMIT_ID_BYTES + 1];
} trail_item;

typedef struct trail_list {
    trail_item *items;
    size_t count;
    size_t max;
} trail_list;

typedef struct trail_search {
    const fhs_place *place;
    fhs_str text; /* the query, as it came */
    bool lenient;
    fhs_answer *answer;
    fhs_arena arena;
    fhs_audit_style style;
    fhs_audit_filter filter;
    fhs_buf question; /* the query without the page */
    fhs_buf stored;   /* what is asked of stored resources */
    fhs_str foreign;  /* a parameter that the journal does not know; empty: none */
    fhs_str page;
    uint64_t size;
    bool counts_only;
    bool wants_total;
    bool by_update; /* _lastUpdated in place of date */
    bool ascends;
    fhs_view view;
    const fhs_query *query; /* of the stored ones, parsed */
    trail_place from;
    trail_list records;
    trail_list others;
    fhs_buf texts;
    int64_t looked_at;
    int64_t next_record; /* where looking stopped; -1: at the end */
    bool is_cut;         /* by the limit */
    int64_t cut_ticks;   /* nothing beyond may be shown yet */
    int64_t total;
    fhs_buf entries;
    size_t shown;
} trail_search;

/* ---- the question ---- */

static fhirstore_status bad_trail_value(fhs_str name, const char *expected, fhirstore_error **err)
{
    return fhs_fail(err, FHIRSTORE_ERR_PARAM_VALUE, "%.*s expects %s", FHS_STR_ARG(name), expected);
}

static void set_trail_sort(trail_search *work, fhs_str value)
{
    const bool ascends = value.len > 0 && value.ptr[0] != '-';
    const fhs_str key = ascends ? value : fhs_str_from(value, 1);
    work->ascends = ascends;
    work->by_update = fhs_str_eq(key, FHS_LIT("_lastUpdated"));
    if (!work->by_update && !fhs_str_eq(key, FHS_LIT("date"))) {
        work->foreign = FHS_LIT("_sort");
    }
}

/* What shapes the answer. *taken_out false: it is a condition, or nothing that is known here. */
static fhirstore_status take_control(trail_search *work, fhs_str name, fhs_str value,
                                     bool *taken_out, fhirstore_error **err)
{
    *taken_out = true;
    if (fhs_str_eq(name, FHS_LIT("_count"))) {
        if (!fhs_str_to_u64(value, FHS_LIMIT_PAGE_COUNT, &work->size)) {
            return bad_trail_value(name, "an integer within FHS_LIMIT_PAGE_COUNT", err);
        }
        work->counts_only = work->counts_only || work->size == 0;
    } else if (fhs_str_eq(name, FHS_LIT("_sort"))) {
        set_trail_sort(work, value);
    } else if (fhs_str_eq(name, FHS_LIT("_total"))) {
        work->wants_total = fhs_str_eq(value, FHS_LIT("accurate")) ||
                            fhs_str_eq(value, FHS_LIT("estimate"));
        if (!work->wants_total && !fhs_str_eq(value, FHS_LIT("none"))) {
            return bad_trail_value(name, "none, estimate or accurate", err);
        }
    } else if (fhs_str_eq(name, FHS_LIT("_page"))) {
        work->page = value;
    } else if (fhs_str_eq(name, FHS_LIT("_summary"))) {
        work->counts_only = work->counts_only || fhs_str_eq(value, FHS_LIT("count"));
    } else {
        *taken_out = fhs_str_eq(name, FHS_LIT("_elements")) ||
                     fhs_str_eq(name, FHS_LIT("_format")) || fhs_str_eq(name, FHS_LIT("_pretty"));
    }
    return FHIRSTORE_OK;
}

/* R5 has other names for what R4 calls type and subtype. */
static fhs_str stored_name(const trail_search *work, fhs_str name)
{
    if (work->style.is_r5 && fhs_str_eq(name, FHS_LIT("type"))) {
        return FHS_LIT("category");
    }
    return work->style.is_r5 && fhs_str_eq(name, FHS_LIT("subtype")) ? FHS_LIT("code") : name;
}

static void ask_stored(trail_search *work, fhs_str name, fhs_str modifier, fhs_str raw_value)
{
    fhs_buf *out = &work->stored;
    fhs_buf_add_cstr(out, out->len > 0 ? "&" : "");
    fhs_url_encode(out, stored_name(work, name));
    if (modifier.len > 0) {
        fhs_buf_add_char(out, ':');
        fhs_url_encode(out, modifier);
    }
    fhs_buf_add_char(out, '=');
    fhs_buf_add_str(out, raw_value);
}

/* Whether AuditEvents have it: else it is unknown to both kinds, and the parser says so. */
static bool is_audit_param(const fhs_call *call, const trail_search *work, fhs_str name)
{
    fhs_str head = name;
    fhs_str tail;
    (void)fhs_str_split(name, '.', &head, &tail);
    return (head.len > 0 && head.ptr[0] == '_') ||
           fhs_sparam_find(call->session->core->fhir, work->place->type, head) != FHS_SPARAM_NONE;
}

static fhirstore_status take_param(fhs_call *call, trail_search *work, fhs_str raw_name,
                                   fhs_str raw_value, fhirstore_error **err)
{
    fhs_str modifier = FHS_STR_NONE;
    fhs_str name = fhs_url_decode(&work->arena, raw_name, true);
    const fhs_str value = fhs_url_decode(&work->arena, raw_value, true);
    bool taken = false;
    if (name.ptr == NULL || value.ptr == NULL) {
        return fhs_fail(err, FHIRSTORE_ERR_QUERY, "the address holds a bad percent-encoding");
    }
    fhirstore_status status = take_control(work, name, value, &taken, err);
    if (!taken && status >= FHIRSTORE_OK) {
        fhs_str head = name;
        if (fhs_str_split(name, ':', &head, &modifier)) {
            name = head;
        }
        ask_stored(work, name, modifier, raw_value);
        if (fhs_audit_filter_knows(&work->filter, name, modifier)) {
            status = fhs_audit_filter_add(&work->filter, &work->arena, name, modifier, value, err);
        } else if (is_audit_param(call, work, name)) {
            work->foreign = name;
        }
    }
    if (status >= FHIRSTORE_OK && !fhs_str_eq(name, FHS_LIT("_page"))) {
        fhs_buf_add_cstr(&work->question, work->question.len > 0 ? "&" : "");
        fhs_buf_add_str(&work->question, raw_name);
        fhs_buf_add_char(&work->question, '=');
        fhs_buf_add_str(&work->question, raw_value);
    }
    return status;
}

static fhirstore_status read_trail_query(fhs_call *call, trail_search *work, fhirstore_error **err)
{
    fhs_str query = work->text;
    fhirstore_status status = FHIRSTORE_OK;
    const fhs_core *core = call->session->core;
    fhs_audit_filter_init(&work->filter, &work->style, core->default_zone_minutes,
                          fhs_core_now(core));
    while (query.len > 0 && status >= FHIRSTORE_OK) {
        fhs_str pair = query;
        fhs_str rest = FHS_STR_NONE;
        fhs_str name;
        fhs_str value;
        (void)fhs_str_split(query, '&', &pair, &rest);
        query = rest;
        if (!fhs_str_split(pair, '=', &name, &value)) {
            name = pair;
            value = FHS_STR_NONE;
        }
        if (pair.len > 0) {
            status = take_param(call, work, name, value, err);
        }
    }
    if (status >= FHIRSTORE_OK && work->place->has_focus) {
        /* In a patient's compartment are the records that concern the patient. */
        status = work->place->focus.compartment == FHS_COMPARTMENT_PATIENT
                     ? fhs_audit_filter_add(&work->filter, &work->arena, FHS_LIT("patient"),
                                            FHS_STR_NONE, work->place->focus.id, err)
                     : status;
        if (work->place->focus.compartment != FHS_COMPARTMENT_PATIENT) {
            work->foreign = FHS_LIT("_compartment");
        }
    }
    if (status >= FHIRSTORE_OK && !work->counts_only) {
        status = fhs_view_parse(core, &work->arena, work->text, &work->view, err);
    }
    if (status >= FHIRSTORE_OK &&
        (fhs_buf_status(&work->question) < 0 || fhs_buf_status(&work->stored) < 0)) {
        status = fhs_fail_memory(err);
    }
    return status;
}

/* ---- page links ---- */

static void bind_trail(const fhs_call *call, const trail_search *work, fhs_buf *out)
{
    const fhs_str who = call->session->who.name;
    fhs_buf_addf(out, "trail %zu:", who.len);
    fhs_buf_add_str(out, who);
    fhs_place_write_query(work->place, fhs_buf_str(&work->question), out);
}

static fhirstore_status seal_trail_page(const fhs_call *call, const trail_search *work,
                                        const trail_place *place, fhs_buf *out,
                                        fhirstore_error **err)
{
    fhs_buf bound = FHS_BUF_INIT((size_t)4 * FHS_LIMIT_URL_BYTES);
    fhs_buf plain = FHS_BUF_INIT((size_t)1024);
    bind_trail(call, work, &bound);
    fhs_buf_addf(&plain, "%lld %lld %lld %s", (long long)place->number, (long long)place->ticks,
                 (long long)place->total, place->id);
    fhirstore_status status = fhs_buf_status(&bound) < 0 || fhs_buf_status(&plain) < 0
                                  ? fhs_fail_memory(err)
                                  : fhs_page_seal(call->session->core->token_keys,
                                                  fhs_buf_str(&bound), fhs_buf_str(&plain), out,
                                                  err);
    fhs_buf_clear(&bound);
    fhs_buf_clear(&plain);
    return status;
}

static fhirstore_status open_trail_page(const fhs_call *call, trail_search *work,
                                        fhirstore_error **err)
{
    fhs_buf bound = FHS_BUF_INIT((size_t)4 * FHS_LIMIT_URL_BYTES);
    fhs_buf plain = FHS_BUF_INIT((size_t)1024);
    work->from = (trail_place){.total = -1};
    if (work->page.len == 0) {
        return FHIRSTORE_OK;
    }
    bind_trail(call, work, &bound);
    fhirstore_status status = fhs_buf_status(&bound) < 0
                                  ? fhs_fail_memory(err)
                                  : fhs_page_open(call->session->core->token_keys,
                                                  fhs_buf_str(&bound), work->page, &plain, err);
    if (status >= FHIRSTORE_OK) {
        /* Sealed by this store: what it holds is what was written. */
        char *at = plain.ptr;
        work->from.number = strtoll(at, &at, 10);
        work->from.ticks = strtoll(at, &at, 10);
        work->from.total = strtoll(at, &at, 10);
        const fhs_str id = fhs_str_from_cstr(*at == ' ' ? at + 1 : at);
        if (id.len <= FHS_LIMIT_ID_BYTES) {
            memcpy(work->from.id, id.ptr, id.len);
            work->from.id[id.len] = '\0';
        }
    }
    fhs_buf_clear(&bound);
    fhs_buf_clear(&plain);
    return status;
}

/* ---- records ---- */

static trail_item *add_trail_item(trail_list *list, int64_t ticks, size_t begin)
{
    trail_item *item = &list->items[list->count++];
    *item = (trail_item){.ticks = ticks, .begin = begin};
    return item;
}

/* In the order of the search: is @a a before @a b? */
static bool comes_before(const trail_search *work, int64_t a, int64_t b)
{
    return work->ascends ? a < b : a > b;
}

static bool look_at_record(void *ctx, int64_t number, const fhs_audit_event *event)
{
    trail_search *work = ctx;
    const bool is_past = work->ascends ? event->time_us > work->filter.to_us
                                       : event->time_us < work->filter.from_us;
    if (is_past) {
        work->next_record = -1;
        return false;
    }
    if (work->records.count == work->records.max || work->looked_at == FHS_LIMIT_AUDIT_SCAN) {
        work->is_cut = work->records.count < work->records.max;
        work->cut_ticks = fhs_ticks_from_us(event->time_us);
        work->next_record = number;
        return false;
    }
    work->looked_at++;
    if (fhs_audit_filter_fits(&work->filter, number, event)) {
        trail_item *item = add_trail_item(&work->records, fhs_ticks_from_us(event->time_us),
                                          work->texts.len);
        item->number = number;
        fhs_audit_write_resource(&work->style, number, event, &work->texts);
        item->end = work->texts.len;
    }
    return fhs_buf_status(&work->texts) == FHIRSTORE_OK;
}

static bool count_record(void *ctx, int64_t number, const fhs_audit_event *event)
{
    trail_search *work = ctx;
    if (event->time_us > work->filter.to_us) {
        return false;
    }
    if (work->looked_at++ == FHS_LIMIT_AUDIT_SCAN) {
        work->is_cut = true;
        return false;
    }
    work->total += fhs_audit_filter_fits(&work->filter, number, event);
    return true;
}

/* The record at which to begin: that of the page, or the first that the dates allow. -1: none. */
static fhirstore_status first_record(fhs_call *call, const trail_search *work, bool ascends,
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

static fhirstore_status gather_records(fhs_call *call, trail_search *work, fhirstore_error **err)
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
    return status;
}

/* Of the whole answer, wherever the page begins. */
static fhirstore_status count_records(fhs_call *call, trail_search *work, fhirstore_error **err)
{
    fhs_journal *journal = fhs_ledger_journal(call->session->core->ledger);
    const trail_place place = work->from;
    int64_t from;
    work->total = 0;
    work->looked_at = 0;
    work->from.number = 0;
    fhirstore_status status = first_record(call, work, true, &from, err);
    work->from = place;
    if (status >= FHIRSTORE_OK && from >= 0) {
        status = fhs_journal_read(journal, call->conn, from, count_record, work, err);
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
static int64_t trail_ticks(fhs_arena *arena, const trail_search *work, const fhs_version *version)
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
static bool was_shown(const trail_search *work, int64_t ticks, fhs_str id)
{
    if (work->from.id[0] == '\0') {
        return false;
    }
    return comes_before(work, ticks, work->from.ticks) ||
           (ticks == work->from.ticks &&
            fhs_str_compare(id, fhs_str_from_cstr(work->from.id)) <= 0);
}

static fhirstore_status take_stored(fhs_call *call, trail_search *work, fhs_search *search,
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
        trail_item *item = add_trail_item(&work->others, ticks, work->texts.len);
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
static void finish_stored_query(trail_search *work)
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
    trail_search *trail;
    fhs_search_env env;
} stored_work;

static fhirstore_status run_stored_search(fhs_call *call, void *ctx, fhirstore_error **err)
{
    stored_work *work = ctx;
    trail_search *trail = work->trail;
    fhs_params *params = NULL;
    fhs_search *search = NULL;
    int64_t count = 0;
    fhirstore_status status = fhs_call_params(call, &params, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_find_open(call, params, false, &trail->arena,
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
static fhirstore_status join_stored(fhs_call *outer, trail_search *work, fhirstore_error **err)
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

static fhirstore_status parse_stored(fhs_call *call, trail_search *work, fhirstore_error **err)
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

/* ---- the page ---- */

static void add_trail_link(fhs_buf *out, const fhs_call *call, const trail_search *work,
                           const char *relation, fhs_str page)
{
    fhs_buf url = FHS_BUF_INIT((size_t)4 * FHS_LIMIT_URL_BYTES);
    fhs_buf_add_str(&url, call->session->link_base);
    fhs_buf_add_char(&url, '/');
    fhs_place_write_path(call->session->core->fhir, work->place, &url);
    fhs_buf_add_cstr(&url, work->question.len + page.len > 0 ? "?" : "");
    fhs_buf_add_str(&url, fhs_buf_str(&work->question));
    if (page.len > 0) {
        fhs_buf_add_cstr(&url, work->question.len > 0 ? "&_page=" : "_page=");
        fhs_url_encode(&url, page);
    }
    fhs_buf_addf(out, "{\"relation\":\"%s\",\"url\":", relation);
    fhs_json_write_string(out, fhs_buf_str(&url));
    fhs_buf_add_char(out, '}');
    if (fhs_buf_status(&url) < 0) {
        out->failed = fhs_buf_status(&url);
    }
    fhs_buf_clear(&url);
}

static fhirstore_status show_item(const fhs_call *call, trail_search *work, const trail_item *item,
                                  fhirstore_error **err)
{
    fhs_buf *out = &work->entries;
    const fhs_str text = fhs_str_of(work->texts.ptr + item->begin, item->end - item->begin);
    fhs_buf_add_cstr(out, work->shown > 0 ? ",{\"fullUrl\":\"" : "{\"fullUrl\":\"");
    fhs_buf_add_str(out, call->session->link_base);
    fhs_buf_add_cstr(out, "/AuditEvent/");
    if (item->number > 0) {
        fhs_audit_write_id(item->number, out);
    } else {
        fhs_buf_add_cstr(out, item->id);
    }
    fhs_buf_add_cstr(out, "\",\"resource\":");
    fhirstore_status status = FHIRSTORE_OK;
    if (work->view.parts == NULL) {
        fhs_buf_add_str(out, text);
    } else {
        status = fhs_view_write(call->session->core, &work->view, text, out, err);
    }
    fhs_buf_add_cstr(out, ",\"search\":{\"mode\":\"match\"}}");
    work->shown++;
    return status;
}

/* Whichever comes first; records before stored ones of the same moment. */
static bool is_record_next(const trail_search *work, size_t record, size_t other)
{
    if (record == work->records.count || other == work->others.count) {
        return record < work->records.count;
    }
    return !comes_before(work, work->others.items[other].ticks, work->records.items[record].ticks);
}

/* Behind the place where looking at records was cut off nothing is shown yet. */
static bool is_beyond_cut(const trail_search *work, const trail_item *item)
{
    return work->is_cut && item->number == 0 && comes_before(work, work->cut_ticks, item->ticks);
}

static fhirstore_status merge_page(const fhs_call *call, trail_search *work, trail_place *next,
                                   bool *more_out, fhirstore_error **err)
{
    size_t record = 0;
    size_t other = 0;
    fhirstore_status status = FHIRSTORE_OK;
    *next = work->from;
    while (status >= FHIRSTORE_OK && work->shown < work->size &&
           (record < work->records.count || other < work->others.count)) {
        const bool takes_record = is_record_next(work, record, other);
        const trail_item *item = takes_record ? &work->records.items[record]
                                              : &work->others.items[other];
        if (is_beyond_cut(work, item)) {
            break;
        }
        status = show_item(call, work, item, err);
        record += takes_record;
        other += !takes_record;
        if (!takes_record) {
            next->ticks = item->ticks;
            memcpy(next->id, item->id, sizeof next->id);
        }
    }
    next->number = record < work->records.count ? work->records.items[record].number
                                                : work->next_record;
    *more_out = next->number >= 0 || other < work->others.count;
    return status;
}

/* What was not understood and left out. */
static void add_dropped(trail_search *work)
{
    const fhs_query *query = work->query;
    fhs_buf *out = &work->entries;
    for (size_t i = 0; query != NULL && i < query->dropped_count; i++) {
        fhs_buf_add_cstr(out, out->len > 0 ? ",{" : "{");
        fhs_buf_add_cstr(out, "\"resource\":{\"resourceType\":\"OperationOutcome\",\"issue\":[{"
                              "\"severity\":\"warning\",\"code\":\"not-supported\","
                              "\"diagnostics\":\"a search parameter was left out: ");
        if (query->dropped[i].name.len > 0) {
            fhs_buf_add_str(out, query->dropped[i].name);
            fhs_buf_add_char(out, ' ');
        }
        fhs_buf_addf(out, "%s\"}]},\"search\":{\"mode\":\"outcome\"}}", query->dropped[i].reason);
    }
}

static fhirstore_status write_trail_bundle(const fhs_call *call, trail_search *work,
                                           fhirstore_error **err)
{
    fhs_buf *out = &work->answer->body;
    fhs_buf page = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    trail_place next = work->from;
    bool more = false;
    fhirstore_status status = work->counts_only ? FHIRSTORE_OK
                                                : merge_page(call, work, &next, &more, err);
    int64_t total = work->counts_only || work->wants_total ? work->total : work->from.total;
    if (work->page.len == 0 && !more && !work->counts_only) {
        total = (int64_t)work->shown;
    }
    next.total = total;
    if (status >= FHIRSTORE_OK && more) {
        status = seal_trail_page(call, work, &next, &page, err);
    }
    add_dropped(work);
    fhs_buf_reset(out);
    fhs_buf_add_cstr(out, "{\"resourceType\":\"Bundle\",\"type\":\"searchset\"");
    if (total >= 0) {
        fhs_buf_addf(out, ",\"total\":%lld", (long long)total);
    }
    fhs_buf_add_cstr(out, ",\"link\":[");
    add_trail_link(out, call, work, "self", work->page);
    if (more) {
        fhs_buf_add_char(out, ',');
        add_trail_link(out, call, work, "next", fhs_buf_str(&page));
    }
    fhs_buf_add_char(out, ']');
    if (work->entries.len > 0) {
        fhs_buf_add_cstr(out, ",\"entry\":[");
        fhs_buf_add_str(out, fhs_buf_str(&work->entries));
        fhs_buf_add_char(out, ']');
    }
    fhs_buf_add_char(out, '}');
    if (status >= FHIRSTORE_OK && (fhs_buf_status(out) < 0 || fhs_buf_status(&work->entries) < 0)) {
        status = fhs_fail_plain(err, fhs_buf_status(out) < 0 ? fhs_buf_status(out)
                                                             : fhs_buf_status(&work->entries));
    }
    fhs_buf_clear(&page);
    return status;
}

static bool make_lists(trail_search *work)
{
    const size_t max = (size_t)work->size + 1;
    work->records = (trail_list){fhs_calloc(max, sizeof(trail_item)), 0, max};
    work->others = (trail_list){fhs_calloc(max, sizeof(trail_item)), 0, max};
    return work->records.items != NULL && work->others.items != NULL;
}

static fhirstore_status run_trail_search(fhs_call *call, void *ctx, fhirstore_error **err)
{
    trail_search *work = ctx;
    fhirstore_status status = open_trail_page(call, work, err);
    if (status >= FHIRSTORE_OK) {
        status = parse_stored(call, work, err);
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
        status = write_trail_bundle(call, work, err);
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

static fhirstore_status search_without_journal(fhs_session *session, trail_search *work,
                                               fhirstore_error **err)
{
    if (!work->lenient) {
        return fhs_session_refuse(
            session, FHIRSTORE_ACTION_AUDIT, work->place->type, FHS_STR_NONE, work->text,
            fhs_fail(err, FHIRSTORE_ERR_QUERY,
                     "the store's journal is searched by date, agent, patient, action, outcome, "
                     "entity, type, subtype, _id and _lastUpdated, and sorted by date or "
                     "_lastUpdated"));
    }
    fhirstore_status status = fhs_interact_search_stored(session, work->place, work->text, true,
                                                         false, work->answer, err);
    if (status >= FHIRSTORE_OK) {
        tell_left_out(&work->answer->body, work->foreign);
        status = fhs_buf_status(&work->answer->body) < 0 ? fhs_fail_memory(err) : status;
    }
    return status;
}

/* ---- from outside ---- */

static void clear_trail(trail_search *work)
{
    fhs_buf_clear(&work->question);
    fhs_buf_clear(&work->stored);
    fhs_buf_clear(&work->texts);
    fhs_buf_clear(&work->entries);
    fhs_free(work->records.items);
    fhs_free(work->others.items);
    fhs_arena_clear(&work->arena);
}

fhirstore_status fhs_trail_search(fhs_session *session, const fhs_place *place, fhs_str query,
                                  bool lenient, fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    fhs_buf told = FHS_BUF_INIT((size_t)4 * FHS_LIMIT_URL_BYTES);
    trail_search work = {.place = place,
                         .text = query,
                         .lenient = lenient,
                         .answer = answer,
                         .style = fhs_trail_style(session->core),
                         .question = FHS_BUF_INIT((size_t)4 * FHS_LIMIT_URL_BYTES),
                         .stored = FHS_BUF_INIT((size_t)4 * FHS_LIMIT_URL_BYTES),
                         .size = FHS_DEFAULT_PAGE_COUNT,
                         .texts = FHS_BUF_INIT(TRAIL_PAGE_MAX),
                         .entries = FHS_BUF_INIT(TRAIL_PAGE_MAX),
                         .total = -1};
    fhs_arena_init(&work.arena, FHS_LIMIT_RESOURCE_BYTES);
    fhs_place_write_query(place, query, &told);
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_AUDIT, FHS_TYPE_NONE, FHS_STR_NONE,
                   fhs_buf_str(&told));
    fhirstore_status status = fhs_buf_status(&told) < 0 ? fhs_fail_memory(err)
                                                        : read_trail_query(&call, &work, err);
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
