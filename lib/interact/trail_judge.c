/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions that records are not asked for by themselves: the record is written as the resource
 * that it would be, indexed as that, and judged by the same tests as any other.
 */
#include "interact/find.h"
#include "interact/params.h"
#include "interact/trail_search.h"

/* A record that is judged costs as much as this many that are not. */
#define JUDGING_COST 100

bool fhs_trail_may_judge(const fhs_call *call, fhs_type type, fhs_str name)
{
    static const fhs_str common[] = {FHS_LIT_INIT("_tag"), FHS_LIT_INIT("_profile"),
                                     FHS_LIT_INIT("_security"), FHS_LIT_INIT("_source")};
    fhs_str head = name;
    fhs_str tail;
    (void)fhs_str_split(name, '.', &head, &tail);
    for (size_t i = 0; i < FHS_COUNT_OF(common); i++) {
        if (fhs_str_eq(head, common[i])) {
            return true;
        }
    }
    return head.len > 0 && head.ptr[0] != '_' &&
           fhs_sparam_find(call->session->core->fhir, type, head) != FHS_SPARAM_NONE;
}

/* Who looks at the journal sees nothing of other types for that reason: chains lead nowhere. */
static const fhs_node *see_nothing(void *ctx, fhs_type type)
{
    (void)ctx;
    (void)type;
    return NULL;
}

fhirstore_status fhs_trail_parse_conditions(fhs_call *call, fhs_trail_question *work,
                                            fhirstore_error **err)
{
    const fhs_place place = {.type = work->place->type};
    fhs_params *params = NULL;
    fhs_query *query = NULL;
    fhs_str text = fhs_arena_dup(&work->arena, fhs_buf_str(&work->conditions));
    if (fhs_buf_status(&work->conditions) < 0 || text.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    if (text.len == 0) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_call_params(call, &params, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_find_parse(call->session, params, &work->arena, &place, text, work->lenient,
                                &query, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    work->node = query->root;
    work->call = call;
    work->params = params;
    work->env = fhs_find_env(call, params, false);
    work->env.shown = NULL;
    if (!call->session->who.allow_everything) {
        work->env.restriction_of = see_nothing;
    }
    return fhs_conn_allow_scratch(call->conn, err);
}

static fhirstore_status judge(fhs_trail_question *work, const fhs_audit_event *event, bool *yes,
                              fhirstore_error **err)
{
    fhs_call *call = work->call;
    const fhs_core *core = call->session->core;
    fhs_entries entries = {0};
    fhs_arena arena;
    fhs_buf rows = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    const fhs_version version = {.type = fhs_catalog_type(core->catalog, work->place->type),
                                 .version = 1,
                                 .updated_us = event->time_us,
                                 .seq = INT64_MAX};
    fhs_arena_init(&arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_index_extract_body(fhs_params_indexer(work->params),
                                                     core->base_url, fhs_buf_str(&work->probe),
                                                     &arena, &entries, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_index_rows(fhs_params_catalog(work->params), call->conn, work->place->type,
                                &entries, &rows, err);
    }
    if (status >= FHIRSTORE_OK) {
        const fhs_str list = rows.ptr == NULL ? FHS_LIT("") : fhs_buf_str(&rows);
        status = fhs_search_judge(call->conn, &work->env, work->place->type, work->node, &version,
                                  list, yes, err);
    }
    fhs_buf_clear(&rows);
    fhs_arena_clear(&arena);
    return status;
}

bool fhs_trail_fits(fhs_trail_question *work, int64_t number, const fhs_audit_event *event)
{
    bool fits = fhs_audit_filter_fits(&work->filter, number, event);
    if (!fits || work->node == NULL) {
        return fits;
    }
    work->looked_at += JUDGING_COST;
    fhs_buf_reset(&work->probe);
    fhs_audit_write_resource(&work->style, number, event, &work->probe);
    fits = false;
    work->failure = fhs_buf_status(&work->probe);
    if (work->failure >= FHIRSTORE_OK) {
        work->failure = judge(work, event, &fits, NULL);
    }
    return fits && work->failure >= FHIRSTORE_OK;
}
