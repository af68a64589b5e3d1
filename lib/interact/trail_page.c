/* SPDX-License-Identifier: Apache-2.0 */
/* Records and stored AuditEvents, merged into one page. */
#include <string.h>

#include "interact/trail_search.h"
#include "json/json.h"

bool fhs_trail_comes_before(const fhs_trail_question *work, int64_t a, int64_t b)
{
    return work->ascends ? a < b : a > b;
}

/* ---- the page ---- */

static void add_trail_link(fhs_buf *out, const fhs_call *call, const fhs_trail_question *work,
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

static fhirstore_status show_item(const fhs_call *call, fhs_trail_question *work,
                                  const fhs_trail_item *item, fhirstore_error **err)
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
static bool is_record_next(const fhs_trail_question *work, size_t record, size_t other)
{
    if (record == work->records.count || other == work->others.count) {
        return record < work->records.count;
    }
    return !fhs_trail_comes_before(work, work->others.items[other].ticks,
                                   work->records.items[record].ticks);
}

/* Behind the place where looking at records was cut off nothing is shown yet. */
static bool is_beyond_cut(const fhs_trail_question *work, const fhs_trail_item *item)
{
    return work->is_cut && item->number == 0 &&
           fhs_trail_comes_before(work, work->cut_ticks, item->ticks);
}

static fhirstore_status merge_page(const fhs_call *call, fhs_trail_question *work,
                                   fhs_trail_place *next, bool *more_out, fhirstore_error **err)
{
    size_t record = 0;
    size_t other = 0;
    fhirstore_status status = FHIRSTORE_OK;
    *next = work->from;
    while (status >= FHIRSTORE_OK && work->shown < work->size &&
           (record < work->records.count || other < work->others.count)) {
        const bool takes_record = is_record_next(work, record, other);
        const fhs_trail_item *item = takes_record ? &work->records.items[record]
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
static void add_dropped(fhs_trail_question *work)
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

fhirstore_status fhs_trail_write_bundle(const fhs_call *call, fhs_trail_question *work,
                                        fhirstore_error **err)
{
    fhs_buf *out = &work->answer->body;
    fhs_buf page = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    fhs_trail_place next = work->from;
    bool more = false;
    fhirstore_status status = work->counts_only ? FHIRSTORE_OK
                                                : merge_page(call, work, &next, &more, err);
    int64_t total = work->counts_only || work->wants_total ? work->total : work->from.total;
    if (work->page.len == 0 && !more && !work->counts_only) {
        total = (int64_t)work->shown;
    }
    next.total = total;
    if (status >= FHIRSTORE_OK && more) {
        status = fhs_trail_seal_page(call, work, &next, &page, err);
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
