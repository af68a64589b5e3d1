/* SPDX-License-Identifier: Apache-2.0 */
/* $reindex: index what new search parameters have not reached, and show what an index would hold.
 */
#include "interact/interact.h"
#include "interact/sight.h"
#include "interact/touched.h"
#include "operation/operation.h"

static const fhs_str reindex_params[] = {FHS_LIT_INIT("limit"), FHS_LIT_INIT("seconds"),
                                         FHS_LIT_INIT("")};
static const fhs_str preview_params[] = {FHS_LIT_INIT("")};

typedef struct reindex_count {
    int64_t done;
    int64_t total;
} reindex_count;

static fhirstore_status note_reindexed(void *ctx, int64_t done, int64_t total)
{
    reindex_count *count = ctx;
    count->done = done;
    count->total = total;
    return FHIRSTORE_OK;
}

static fhirstore_status read_reindex_ask(const fhs_operation *operation, fhs_maintain_options *out,
                                         fhirstore_error **err)
{
    uint64_t limit = 0;
    uint64_t seconds = 0;
    fhirstore_status status = fhs_argument_count(operation, reindex_params[0], INT64_MAX, 0, &limit,
                                                 err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_count(operation, reindex_params[1], UINT32_MAX / 1000, 0, &seconds,
                                    err);
    }
    for (size_t i = 0; status >= FHIRSTORE_OK && i < 2; i++) {
        if (fhs_argument_find(operation, reindex_params[i]) != NULL &&
            (i == 0 ? limit : seconds) == 0) {
            return fhs_argument_fail(reindex_params[i], "expects a number above 0", err);
        }
    }
    out->max_resources = (int64_t)limit;
    out->max_ms = (uint32_t)(seconds * 1000);
    return status;
}

/*
 * In transactions of its own, some resources in each: what it has done stays done, whatever ends
 * it, and the next call goes on there.
 */
static fhirstore_status run_reindex(fhs_call *call, const fhs_operation *operation,
                                    fhs_answer *answer, fhirstore_error **err)
{
    reindex_count count = {0, 0};
    fhs_maintain_options options = {.progress = note_reindexed, .ctx = &count};
    fhs_buf *out = &answer->body;
    if (call->is_nested) {
        return fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "$reindex cannot be an entry of a transaction");
    }
    fhirstore_status status = read_reindex_ask(operation, &options, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_core_maintain(call->session->core, &options, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const bool is_done = status == FHIRSTORE_DONE;
    call->count = count.done;
    fhs_buf_addf(out,
                 "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"finished\","
                 "\"valueBoolean\":%s},{\"name\":\"done\",\"valueDecimal\":%lld},{\"name\":"
                 "\"left\",\"valueDecimal\":%lld}]}",
                 is_done ? "true" : "false", (long long)count.done,
                 (long long)(is_done ? 0 : count.total - count.done));
    return FHIRSTORE_OK;
}

/* ---- what an index would hold ---- */

static fhirstore_status write_preview(fhs_call *call, const fhs_params *params, fhs_str body,
                                      fhs_arena *arena, fhs_buf *out, fhirstore_error **err)
{
    const fhs_fhir *fhir = fhs_params_fhir(params);
    fhs_entries entries = {0};
    fhirstore_status status = fhs_index_extract_body(
        fhs_params_indexer(params), call->session->core->base_url, body, arena, &entries, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_buf_add_cstr(out, "{\"resourceType\":\"Parameters\",\"parameter\":[");
    for (size_t i = 0; i < entries.count; i++) {
        fhs_buf_add_cstr(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        fhs_json_write_string(out, fhs_sparam_get(fhir, entries.items[i].param).code);
        fhs_buf_add_cstr(out, ",\"valueString\":");
        fhs_entry_write(fhir, &entries.items[i], out);
        fhs_buf_add_char(out, '}');
    }
    fhs_buf_add_cstr(out, "]}");
    return FHIRSTORE_OK;
}

/* Of the resource as the principal sees it. */
static fhirstore_status run_reindex_preview(fhs_call *call, const fhs_operation *operation,
                                            fhs_answer *answer, fhirstore_error **err)
{
    fhs_params *params = NULL;
    fhs_arena arena;
    fhs_buf body = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    (void)operation;
    fhs_arena_init(&arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_sight_take_current(call, call->type, call->id, &body, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_call_params(call, &params, err);
    }
    if (status >= FHIRSTORE_OK) {
        call->count = 1;
        status = write_preview(call, params, fhs_buf_str(&body), &arena, &answer->body, err);
    }
    fhs_buf_clear(&body);
    fhs_arena_clear(&arena);
    return status;
}

const fhs_operation_def fhs_reindex_operations[] = {
    {.name = FHS_LIT_INIT("reindex"),
     .levels = FHS_ON_SYSTEM,
     .params = reindex_params,
     .run = run_reindex,
     .action = FHIRSTORE_ACTION_REINDEX,
     .changes = true,
     .own_transactions = true},
    {.name = FHS_LIT_INIT("reindex"),
     .levels = FHS_ON_INSTANCE,
     .params = preview_params,
     .run = run_reindex_preview},
};
const size_t fhs_reindex_operation_count = FHS_COUNT_OF(fhs_reindex_operations);
