/* SPDX-License-Identifier: Apache-2.0 */
#include "bulk/bulk.h"
#include "interact/sight.h"
#include "interact/touched.h"

typedef struct export_work {
    fhirstore_export_fn take;
    void *ctx;
    int64_t since_us;
    fhs_call *call;
    fhirstore_error **err;
    fhirstore_status stopped; /* what the host answered, when it was not OK */
} export_work;

static fhirstore_status hand_out(void *ctx, const fhs_version *version)
{
    export_work *work = ctx;
    const fhs_core *core = work->call->session->core;
    if (version->updated_us < work->since_us) {
        return FHIRSTORE_OK;
    }
    fhs_type type = fhs_catalog_type_back(core->catalog, version->type);
    char name[FHS_LIMIT_ID_BYTES + 1];
    fhs_str text = fhs_type_name(core->fhir, type);
    if (text.len >= sizeof name) {
        return FHIRSTORE_ERR_INTERNAL;
    }
    if (work->call->type == FHS_TYPE_NONE && !fhs_call_sees(work->call, type)) {
        return fhs_call_seen_well(work->call, work->err);
    }
    if (fhs_sight_is_partial(work->call, type)) {
        bool yes = false;
        fhirstore_status judged = fhs_sight_judge(work->call, type, version, FHS_STR_NONE, &yes,
                                                  work->err);
        if (judged < FHIRSTORE_OK || !yes) {
            return judged;
        }
    }
    memcpy(name, text.ptr, text.len);
    name[text.len] = '\0';
    fhirstore_status status = fhs_session_check(work->call->session, work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_call_hand_out(work->call, work->err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_touch(work->call, version);
    fhs_buf shown = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_str body = version->body;
    if (fhs_sight_may_mask(work->call, type, body)) {
        status = fhs_sight_show(work->call, type, body, &shown, work->err);
        body = fhs_buf_str(&shown);
    }
    if (status < FHIRSTORE_OK) {
        fhs_buf_clear(&shown);
        return status;
    }
    work->stopped = work->take(work->ctx, name, body.ptr, body.len);
    fhs_buf_clear(&shown);
    return work->stopped == FHIRSTORE_OK ? FHIRSTORE_OK : FHIRSTORE_ERR_CANCELLED;
}

static fhirstore_status export_run(fhs_call *call, void *ctx, fhirstore_error **err)
{
    export_work *work = ctx;
    work->call = call;
    work->err = err;
    int32_t type = call->type == FHS_TYPE_NONE
                       ? 0
                       : fhs_catalog_type(call->session->core->catalog, call->type);
    fhirstore_status status = fhs_conn_begin_read(call->conn, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_each(call->conn, type, 0, hand_out, work, err);
    }
    fhs_conn_end_read(call->conn);
    if (work->stopped != FHIRSTORE_OK) {
        status = fhs_fail(err,
                          work->stopped < FHIRSTORE_OK ? work->stopped : FHIRSTORE_ERR_CANCELLED,
                          "the host ended the export");
    }
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

fhirstore_status fhs_export(fhs_session *session, fhs_type type, int64_t since_us,
                            fhirstore_export_fn take, void *ctx, int64_t *count_out,
                            fhirstore_error **err)
{
    fhs_call call;
    export_work work = {.take = take, .ctx = ctx, .since_us = since_us};
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_EXPORT, type, FHS_STR_NONE, FHS_STR_NONE);
    fhirstore_status status = fhs_call_read(&call, export_run, &work, err);
    *count_out = call.count;
    fhs_call_end(&call);
    return status;
}
