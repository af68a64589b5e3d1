/* SPDX-License-Identifier: Apache-2.0 */
/* What a search for AuditEvents asks, and where its pages begin. */
#include <stdlib.h>
#include <string.h>

#include "interact/trail_search.h"

/* ---- the question ---- */

static fhirstore_status bad_trail_value(fhs_str name, const char *expected, fhirstore_error **err)
{
    return fhs_fail(err, FHIRSTORE_ERR_PARAM_VALUE, "%.*s expects %s", FHS_STR_ARG(name), expected);
}

static void set_trail_sort(fhs_trail_question *work, fhs_str value)
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
static fhirstore_status take_control(fhs_trail_question *work, fhs_str name, fhs_str value,
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
static fhs_str stored_name(const fhs_trail_question *work, fhs_str name)
{
    if (work->style.is_r5 && fhs_str_eq(name, FHS_LIT("type"))) {
        return FHS_LIT("category");
    }
    return work->style.is_r5 && fhs_str_eq(name, FHS_LIT("subtype")) ? FHS_LIT("code") : name;
}

static void ask_stored(const fhs_trail_question *work, fhs_str name, fhs_str modifier,
                       fhs_str raw_value, fhs_buf *out)
{
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
static bool is_audit_param(const fhs_call *call, const fhs_trail_question *work, fhs_str name)
{
    fhs_str head = name;
    fhs_str tail;
    (void)fhs_str_split(name, '.', &head, &tail);
    return (head.len > 0 && head.ptr[0] == '_') ||
           fhs_sparam_find(call->session->core->fhir, work->place->type, head) != FHS_SPARAM_NONE;
}

static fhirstore_status take_param(fhs_call *call, fhs_trail_question *work, fhs_str raw_name,
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
        ask_stored(work, name, modifier, raw_value, &work->stored);
        if (fhs_audit_filter_knows(&work->filter, name, modifier)) {
            status = fhs_audit_filter_add(&work->filter, &work->arena, name, modifier, value, err);
        } else if (fhs_trail_may_judge(call, work->place->type, stored_name(work, name))) {
            ask_stored(work, name, modifier, raw_value, &work->conditions);
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

fhirstore_status fhs_trail_read_query(fhs_call *call, fhs_trail_question *work,
                                      fhirstore_error **err)
{
    fhs_str query = work->text;
    fhirstore_status status = FHIRSTORE_OK;
    const fhs_core *core = call->session->core;
    fhs_audit_filter_init(&work->filter, &work->style, core->default_zone_minutes,
                          fhs_core_now(core));
    fhs_str pair;
    while (status >= FHIRSTORE_OK && fhs_str_next(&query, '&', &pair)) {
        fhs_str name;
        fhs_str value;
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

static void bind_trail(const fhs_call *call, const fhs_trail_question *work, fhs_buf *out)
{
    const fhs_str who = call->session->who.name;
    fhs_buf_addf(out, "trail %zu:", who.len);
    fhs_buf_add_str(out, who);
    fhs_place_write_query(work->place, fhs_buf_str(&work->question), out);
}

fhirstore_status fhs_trail_seal_page(const fhs_call *call, const fhs_trail_question *work,
                                     const fhs_trail_place *place, fhs_buf *out,
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

fhirstore_status fhs_trail_open_page(const fhs_call *call, fhs_trail_question *work,
                                     fhirstore_error **err)
{
    fhs_buf bound = FHS_BUF_INIT((size_t)4 * FHS_LIMIT_URL_BYTES);
    fhs_buf plain = FHS_BUF_INIT((size_t)1024);
    work->from = (fhs_trail_place){.total = -1};
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
