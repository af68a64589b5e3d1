/* SPDX-License-Identifier: Apache-2.0 */
/* history of an instance, a type, the store: pages of versions, by time. */
#include "base/instant.h"
#include "interact/binary.h"
#include "interact/history_place.h"
#include "interact/interact.h"
#include "interact/sight.h"
#include "interact/touched.h"
#include "interact/view.h"

#define DEFAULT_HISTORY_COUNT 100u

/* The parameters of a history request, in text for its links and in numbers for the cursor. */
typedef struct history_params {
    bool is_lenient; /* unknown names are passed over, and not in the links */
    fhs_history_query query;
    uint32_t count;
    fhs_str since; /* as given, for the links */
    fhs_str before;
    fhs_str at;
    fhs_str sort;
    fhs_str summary;
    fhs_str elements;
    fhs_view view;
    fhs_str page; /* from a next link; empty: this is the first page */
} history_params;

static fhirstore_status bad_value(fhirstore_error **err, const char *name, const char *wanted)
{
    return fhs_fail(err, FHIRSTORE_ERR_PARAM_VALUE, "%s: expected %s", name, wanted);
}

static fhirstore_status unknown_name(fhirstore_error **err, fhs_str name)
{
    static const char known[] = "history knows _count, _since, _before, _at, _sort, _summary "
                                "and _elements";
    return fhs_param_name_is_plain(name)
               ? fhs_fail(err, FHIRSTORE_ERR_UNKNOWN_PARAM, "%s, not %.*s", known,
                          FHS_STR_ARG(name))
               : fhs_fail(err, FHIRSTORE_ERR_UNKNOWN_PARAM, "%s, no other parameter", known);
}

static bool parse_interval(const fhs_core *core, fhs_str value, int64_t *lo, int64_t *hi)
{
    fhs_date date;
    if (!fhs_date_parse(value, FHS_DATE_FORM_SEARCH, &date)) {
        return false;
    }
    fhs_date_interval(&date, core->default_zone_minutes, lo, hi);
    *lo = fhs_ticks_to_us(*lo);
    *hi = fhs_ticks_to_us(*hi);
    return true;
}

/* What is not over yet cannot be told up to its end. */
static fhirstore_status set_before(const fhs_core *core, fhs_str value, history_params *params,
                                   fhirstore_error **err)
{
    int64_t unused;
    params->before = value;
    if (!parse_interval(core, value, &params->query.before_us, &unused)) {
        return bad_value(err, "_before", "an instant");
    }
    return params->query.before_us > fhs_core_now(core)
               ? bad_value(err, "_before", "an instant that is not in the future")
               : FHIRSTORE_OK;
}

static fhirstore_status set_sort(fhs_str value, history_params *params, fhirstore_error **err)
{
    params->sort = value;
    params->query.is_ascending = fhs_str_eq(value, FHS_LIT("_lastUpdated"));
    return params->query.is_ascending || fhs_str_eq(value, FHS_LIT("-_lastUpdated")) ||
                   fhs_str_eq(value, FHS_LIT("none"))
               ? FHIRSTORE_OK
               : bad_value(err, "_sort", "_lastUpdated, -_lastUpdated or none");
}

static fhirstore_status set_param(const fhs_core *core, fhs_str name, fhs_str value,
                                  history_params *params, fhirstore_error **err)
{
    uint64_t number;
    int64_t unused;
    if (fhs_str_eq(name, FHS_LIT("_count"))) {
        if (!fhs_str_to_u64(value, FHS_LIMIT_PAGE_COUNT, &number)) {
            return bad_value(err, "_count", "an integer within the page limit");
        }
        params->count = (uint32_t)number;
    } else if (fhs_str_eq(name, FHS_LIT("_since"))) {
        params->since = value;
        if (!parse_interval(core, value, &params->query.since_us, &unused)) {
            return bad_value(err, "_since", "an instant");
        }
    } else if (fhs_str_eq(name, FHS_LIT("_at"))) {
        params->at = value;
        if (!parse_interval(core, value, &params->query.at_us, &params->query.at_end_us)) {
            return bad_value(err, "_at", "a date or an instant");
        }
    } else if (fhs_str_eq(name, FHS_LIT("_before"))) {
        return set_before(core, value, params, err);
    } else if (fhs_str_eq(name, FHS_LIT("_sort"))) {
        return set_sort(value, params, err);
    } else if (fhs_str_eq(name, FHS_LIT("_summary"))) {
        params->summary = value;
    } else if (fhs_str_eq(name, FHS_LIT("_elements"))) {
        params->elements = value;
    } else if (fhs_str_eq(name, FHS_LIT("_page"))) {
        params->page = value;
    } else if (!fhs_str_eq(name, FHS_LIT("_format")) && !fhs_str_eq(name, FHS_LIT("_pretty")) &&
               !params->is_lenient) {
        return unknown_name(err, name);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status parse_params(fhs_session *session, fhs_str query, bool lenient,
                                     history_params *params, fhirstore_error **err)
{
    *params = (history_params){.count = DEFAULT_HISTORY_COUNT, .is_lenient = lenient};
    const fhs_str whole = query;
    fhs_str pair;
    while (fhs_str_next(&query, '&', &pair)) {
        fhs_str name;
        fhs_str value;
        if (pair.len == 0) {
            continue;
        }
        if (!fhs_str_split(pair, '=', &name, &value)) {
            return fhs_fail(err, FHIRSTORE_ERR_QUERY, "a parameter without '='");
        }
        value = fhs_url_decode(&session->arena, value, true);
        if (value.ptr == NULL) {
            return fhs_fail(err, FHIRSTORE_ERR_QUERY, "a broken percent escape");
        }
        fhirstore_status status = set_param(session->core, name, value, params, err);
        if (status < FHIRSTORE_OK) {
            return status;
        }
    }
    if (fhs_str_eq(params->summary, FHS_LIT("count"))) {
        params->count = 0;
        return FHIRSTORE_OK;
    }
    return fhs_view_parse(session->core, &session->arena, whole, &params->view, err);
}

typedef struct history_work {
    history_params params;
    fhs_str id;
    fhs_answer *answer;
    int64_t total;
    int64_t last_seq; /* of the last version on the page */
} history_work;

/* The address that the Bundle speaks of: base, type, id, "_history". */
static void write_address(fhs_buf *out, const fhs_call *call)
{
    const fhs_core *core = call->session->core;
    fhs_buf_add_str(out, call->session->link_base);
    if (call->type != FHS_TYPE_NONE) {
        fhs_buf_add_char(out, '/');
        fhs_buf_add_str(out, fhs_type_name(core->fhir, call->type));
    }
    if (call->id.len > 0) {
        fhs_buf_add_char(out, '/');
        fhs_buf_add_str(out, call->id);
    }
    fhs_buf_add_cstr(out, "/_history");
}

/* The question itself, in one spelling, whichever page of the answer is meant. */
static void write_question(fhs_buf *out, const history_params *params)
{
    fhs_buf_addf(out, "_count=%u", (unsigned)params->count);
    const struct {
        const char *name;
        fhs_str value;
    } given[] = {{"_since", params->since},     {"_before", params->before},
                 {"_at", params->at},           {"_sort", params->sort},
                 {"_summary", params->summary}, {"_elements", params->elements}};
    for (size_t i = 0; i < FHS_COUNT_OF(given); i++) {
        if (given[i].value.len > 0) {
            fhs_buf_addf(out, "&%s=", given[i].name);
            fhs_url_encode(out, given[i].value);
        }
    }
}

/* @a page is empty for the first one. */
static void write_link(fhs_buf *out, const fhs_call *call, const history_work *work,
                       const char *relation, fhs_str page)
{
    fhs_buf_addf(out, "{\"relation\":\"%s\",\"url\":\"", relation);
    write_address(out, call);
    fhs_buf_add_char(out, '?');
    write_question(out, &work->params);
    if (page.len > 0) {
        fhs_buf_add_cstr(out, "&_page=");
        fhs_url_encode(out, page);
    }
    fhs_buf_add_cstr(out, "\"}");
}

static fhirstore_status write_next_link(fhs_buf *out, const fhs_call *call,
                                        const history_work *work, fhirstore_error **err)
{
    fhs_buf question = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES * 4);
    fhs_buf page = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    const fhs_history_place place = {work->total, work->last_seq, work->params.query.top_seq};
    write_question(&question, &work->params);
    fhirstore_status status = fhs_buf_status(&question);
    status = status < FHIRSTORE_OK
                 ? fhs_fail_plain(err, status)
                 : fhs_history_place_seal(call, fhs_buf_str(&question), &place, &page, err);
    if (status >= FHIRSTORE_OK) {
        fhs_buf_add_char(out, ',');
        write_link(out, call, work, "next", fhs_buf_str(&page));
    }
    fhs_buf_clear(&question);
    fhs_buf_clear(&page);
    return status;
}

/* Where the page begins that a next link asked for. */
static fhirstore_status find_page_place(const fhs_call *call, history_work *work,
                                        fhirstore_error **err)
{
    fhs_buf question = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES * 4);
    fhs_history_place place;
    write_question(&question, &work->params);
    fhirstore_status status = fhs_buf_status(&question);
    status = status < FHIRSTORE_OK ? fhs_fail_plain(err, status)
                                   : fhs_history_place_open(call, fhs_buf_str(&question),
                                                            work->params.page, &place, err);
    if (status >= FHIRSTORE_OK) {
        work->total = place.total;
        work->params.query.top_seq = place.top_seq;
        if (work->params.query.is_ascending) {
            work->params.query.after_seq = place.last_seq;
        } else {
            work->params.query.before_seq = place.last_seq;
        }
    }
    fhs_buf_clear(&question);
    return status;
}

static const char *method_name(const fhs_version *version)
{
    switch (version->method) {
    case FHS_METHOD_CREATE:
        return "POST";
    case FHS_METHOD_DELETE:
        return "DELETE";
    default:
        return "PUT";
    }
}

static const char *method_status(const fhs_version *version)
{
    if (version->is_deleted) {
        return "204";
    }
    return version->version == 1 || version->method == FHS_METHOD_CREATE ? "201" : "200";
}

/* The body, or what of it is asked for. */
static fhirstore_status write_resource_of(fhs_buf *out, fhs_call *call, const fhs_view *view,
                                          fhs_version *version, fhirstore_error **err)
{
    const fhs_type type = fhs_catalog_type_back(call->session->core->catalog, version->type);
    if (view->parts == NULL) {
        return fhs_sight_take_body(call, type, version, out, err);
    }
    fhs_buf body = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_sight_take_body(call, type, version, &body, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_view_write(call->session->core, view, fhs_buf_str(&body), out, err);
    }
    fhs_buf_clear(&body);
    return status;
}

static fhirstore_status write_entry(fhs_buf *out, fhs_call *call, const fhs_view *view,
                                    fhs_version *version, fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    fhs_str type = fhs_type_name(core->fhir, fhs_catalog_type_back(core->catalog, version->type));
    fhirstore_status touched = fhs_touch_version(call, version, err);
    if (touched < FHIRSTORE_OK) {
        return touched;
    }
    fhs_buf_add_cstr(out, "{\"fullUrl\":\"");
    fhs_buf_add_str(out, call->session->link_base);
    fhs_buf_addf(out, "/%.*s/%.*s\"", FHS_STR_ARG(type), FHS_STR_ARG(version->id));
    if (!version->is_deleted) {
        fhs_buf_add_cstr(out, ",\"resource\":");
        fhirstore_status status = write_resource_of(out, call, view, version, err);
        if (status < FHIRSTORE_OK) {
            return status;
        }
    }
    fhs_buf_addf(out, ",\"request\":{\"method\":\"%s\",\"url\":\"%.*s", method_name(version),
                 FHS_STR_ARG(type));
    if (version->method != FHS_METHOD_CREATE) {
        fhs_buf_addf(out, "/%.*s", FHS_STR_ARG(version->id));
    }
    fhs_buf_addf(out, "\"},\"response\":{\"status\":\"%s\",\"etag\":\"W/\\\"%lld\\\"\",",
                 method_status(version), (long long)version->version);
    fhs_buf_add_cstr(out, "\"lastModified\":\"");
    fhs_instant_write(version->updated_us, out);
    fhs_buf_add_cstr(out, "\"}}");
    return FHIRSTORE_OK;
}

/*
 * A denied type has no history; under a restriction each version is judged for itself, and a
 * deletion, which has no state, does not show.
 */
static fhirstore_status may_see(fhs_call *call, const fhs_version *version, bool *yes_out,
                                fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    fhs_type type = fhs_catalog_type_back(core->catalog, version->type);
    bool is_told = false;
    *yes_out = fhs_call_sees(call, type);
    if (*yes_out) {
        fhirstore_status told = fhs_binary_judge_version(call, type, version, &is_told, yes_out,
                                                         err);
        if (told < FHIRSTORE_OK || is_told) {
            return told;
        }
    }
    if (!*yes_out || !fhs_sight_is_partial(call, type)) {
        return fhs_call_seen_well(call, err);
    }
    *yes_out = false;
    return version->is_deleted ? FHIRSTORE_OK
                               : fhs_sight_judge_body(call, type, version, yes_out, err);
}

/* The next version that may be seen. */
static fhirstore_status next_seen(fhs_call *call, fhs_history *history, fhs_version *out,
                                  fhirstore_error **err)
{
    bool yes = false;
    fhirstore_status status = FHIRSTORE_OK;
    while (status == FHIRSTORE_OK && !yes) {
        status = fhs_history_next(history, out, err);
        if (status == FHIRSTORE_OK) {
            status = may_see(call, out, &yes, err);
        }
    }
    return status;
}

/* Under a restriction there is no other way than to look at each. */
static fhirstore_status count_one_by_one(fhs_call *call, const fhs_history_query *query,
                                         int64_t *count_out, fhirstore_error **err)
{
    fhs_history *history = NULL;
    fhs_version version;
    *count_out = 0;
    fhirstore_status status = fhs_history_open(call->conn, query, &history, err);
    while (status == FHIRSTORE_OK) {
        status = next_seen(call, history, &version, err);
        *count_out += status == FHIRSTORE_OK;
    }
    fhs_history_close(history);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status count_type(fhs_call *call, fhs_type type, const fhs_history_query *query,
                                   int64_t *count_out, fhirstore_error **err)
{
    return fhs_sight_is_partial(call, type) ? count_one_by_one(call, query, count_out, err)
                                            : fhs_history_count(call->conn, query, count_out, err);
}

/* A resource of which no version may be seen is as if it had never been there. */
static fhirstore_status count_own_type(fhs_call *call, history_work *work, fhirstore_error **err)
{
    const fhs_history_query whole = {.type = work->params.query.type,
                                     .entity = work->params.query.entity};
    int64_t count = 0;
    fhirstore_status status = count_type(call, call->type, &work->params.query, &work->total, err);
    if (status == FHIRSTORE_OK && work->total == 0 && call->id.len > 0 &&
        fhs_sight_is_partial(call, call->type)) {
        status = count_type(call, call->type, &whole, &count, err);
        if (status == FHIRSTORE_OK && count == 0) {
            status = fhs_fail_plain(err, FHIRSTORE_ERR_NOT_FOUND);
        }
    }
    return status;
}

/* How many versions there are to see. */
static fhirstore_status count_seen(fhs_call *call, history_work *work, fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    if (call->session->who.allow_everything) {
        return fhs_history_count(call->conn, &work->params.query, &work->total, err);
    }
    if (call->type != FHS_TYPE_NONE) {
        return count_own_type(call, work, err);
    }
    fhirstore_status status = FHIRSTORE_OK;
    work->total = 0;
    for (size_t i = 0; status >= FHIRSTORE_OK && i < fhs_type_count(core->fhir); i++) {
        fhs_history_query query = work->params.query;
        int64_t count = 0;
        query.type = fhs_type_is_resource(core->fhir, (fhs_type)i)
                         ? fhs_catalog_type(core->catalog, (fhs_type)i)
                         : 0;
        if (query.type > 0) {
            status = fhs_history_count(call->conn, &query, &count, err);
        }
        if (status >= FHIRSTORE_OK && count > 0 && fhs_call_sees(call, (fhs_type)i)) {
            status = count_type(call, (fhs_type)i, &query, &count, err);
            work->total += count;
        }
    }
    return status < FHIRSTORE_OK ? status : fhs_call_seen_well(call, err);
}

static fhirstore_status write_entries(fhs_call *call, history_work *work, fhs_history *history,
                                      fhs_buf *out, fhirstore_error **err)
{
    fhs_version version;
    fhirstore_status status = FHIRSTORE_OK;
    while ((uint64_t)call->count < work->params.count &&
           (status = next_seen(call, history, &version, err)) == FHIRSTORE_OK) {
        if (call->count > 0) {
            fhs_buf_add_char(out, ',');
        }
        status = write_entry(out, call, &work->params.view, &version, err);
        if (status < FHIRSTORE_OK) {
            return status;
        }
        work->last_seq = version.seq;
        call->count++;
    }
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

static fhirstore_status write_bundle(fhs_call *call, history_work *work, fhs_history *history,
                                     fhirstore_error **err)
{
    fhs_version more;
    fhs_buf *out = &work->answer->body;
    fhs_buf entries = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    fhirstore_status status = write_entries(call, work, history, &entries, err);
    bool has_more = false;
    if (status >= FHIRSTORE_OK && work->params.count > 0) {
        status = next_seen(call, history, &more, err);
        has_more = status == FHIRSTORE_OK;
    }
    fhs_buf_reset(out);
    fhs_buf_addf(out, "{\"resourceType\":\"Bundle\",\"type\":\"history\",\"total\":%lld,\"link\":[",
                 (long long)work->total);
    write_link(out, call, work, "self", work->params.page);
    if (has_more && status >= FHIRSTORE_OK) {
        status = write_next_link(out, call, work, err);
    }
    fhs_buf_add_char(out, ']');
    if (entries.len > 0) {
        fhs_buf_add_cstr(out, ",\"entry\":[");
        fhs_buf_add_buf(out, &entries);
        fhs_buf_add_char(out, ']');
    }
    fhs_buf_add_char(out, '}');
    if (status >= FHIRSTORE_OK && fhs_buf_status(&entries) < FHIRSTORE_OK) {
        status = fhs_fail_plain(err, fhs_buf_status(&entries));
    }
    if (status >= FHIRSTORE_OK && fhs_buf_status(out) < FHIRSTORE_OK) {
        status = fhs_fail_plain(err, fhs_buf_status(out));
    }
    fhs_buf_clear(&entries);
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

static fhirstore_status find_scope(fhs_call *call, history_work *work, fhirstore_error **err)
{
    fhs_history_query *query = &work->params.query;
    if (call->type == FHS_TYPE_NONE) {
        return FHIRSTORE_OK;
    }
    query->type = fhs_catalog_type(call->session->core->catalog, call->type);
    if (call->id.len == 0) {
        return FHIRSTORE_OK;
    }
    fhs_version current;
    fhirstore_status status = fhs_resource_read_rows(call->conn, query->type, call->id, &current,
                                                     err);
    query->entity = status < FHIRSTORE_OK ? 0 : current.entity;
    return status;
}

static fhirstore_status history_run(fhs_call *call, void *ctx, fhirstore_error **err)
{
    history_work *work = ctx;
    fhs_history *history = NULL;
    fhirstore_status status = call->is_nested ? FHIRSTORE_OK : fhs_conn_begin_read(call->conn, err);
    if (status >= FHIRSTORE_OK) {
        status = find_scope(call, work, err);
    }
    if (status >= FHIRSTORE_OK && work->params.page.len > 0) {
        status = find_page_place(call, work, err);
    } else if (status >= FHIRSTORE_OK) {
        /* Oldest first, what is written between two pages would come behind the last one. */
        status = work->params.query.is_ascending
                     ? fhs_conn_last_seq(call->conn, &work->params.query.top_seq, err)
                     : FHIRSTORE_OK;
        status = status < FHIRSTORE_OK ? status : count_seen(call, work, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_history_open(call->conn, &work->params.query, &history, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = write_bundle(call, work, history, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_touched_settle(call, err);
    }
    fhs_history_close(history);
    if (!call->is_nested) {
        fhs_conn_end_read(call->conn);
    }
    call->total = work->total;
    work->answer->status = FHIRSTORE_OK;
    work->answer->http = fhs_status_http(FHIRSTORE_OK);
    return status;
}

static fhirstore_status run_history(fhs_call *call, fhs_str query, bool lenient, fhs_answer *answer,
                                    fhirstore_error **err)
{
    history_work work = {.id = call->id, .answer = answer};
    fhirstore_status status = fhs_call_ask(call, err);
    if (status >= FHIRSTORE_OK) {
        status = parse_params(call->session, query, lenient, &work.params, err);
    }
    status = status < FHIRSTORE_OK ? fhs_call_refuse(call, status)
                                   : fhs_call_read(call, history_run, &work, err);
    fhs_call_end(call);
    return status;
}

fhirstore_status fhs_interact_history(fhs_session *session, fhs_type type, fhs_str id,
                                      fhs_str query, bool lenient, fhs_answer *answer,
                                      fhirstore_error **err)
{
    fhs_call call;
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_HISTORY, type, id, query);
    return run_history(&call, query, lenient, answer, err);
}

fhirstore_status fhs_interact_history_in(fhs_call *outer, fhs_type type, fhs_str id, fhs_str query,
                                         bool lenient, fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    fhs_call_nest(&call, outer, FHIRSTORE_ACTION_HISTORY, type, id, query);
    return run_history(&call, query, lenient, answer, err);
}
