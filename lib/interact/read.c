/* SPDX-License-Identifier: Apache-2.0 */
/* read and vread: stored bytes, copied out unparsed. */
#include "interact/interact.h"

typedef struct read_work {
    fhs_type type;
    fhs_str id;
    int64_t version; /* 0: the current one */
    fhs_answer *answer;
} read_work;

static fhirstore_status find_version(fhs_call *call, const read_work *work, fhs_version *out,
                                     fhirstore_error **err)
{
    int32_t type = fhs_catalog_type(call->session->core->catalog, work->type);
    if (work->version > 0) {
        return fhs_resource_vread(call->conn, type, work->id, work->version, out, err);
    }
    return fhs_resource_read(call->conn, type, work->id, out, err);
}

static fhirstore_status read_work_run(fhs_call *call, void *ctx, fhirstore_error **err)
{
    read_work *work = ctx;
    fhs_version version;
    fhirstore_status status = find_version(call, work, &version, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_answer_describe(work->answer, work->type, &version);
    call->version_after = version.version;
    if (version.is_deleted) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_DELETED);
    }
    call->count = 1;
    work->answer->status = FHIRSTORE_OK;
    work->answer->http = fhs_status_http(FHIRSTORE_OK);
    fhs_buf_reset(&work->answer->body);
    return fhs_resource_take_body(call->conn, &version, &work->answer->body, err);
}

static fhirstore_status run(fhs_call *call, read_work *work, fhirstore_error **err)
{
    fhirstore_status status = fhs_call_read(call, read_work_run, work, err);
    fhs_call_end(call);
    return status;
}

fhirstore_status fhs_interact_read(fhs_session *session, fhs_type type, fhs_str id,
                                   fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    read_work work = {type, id, 0, answer};
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_READ, type, id, FHS_STR_NONE);
    return run(&call, &work, err);
}

fhirstore_status fhs_interact_vread(fhs_session *session, fhs_type type, fhs_str id,
                                    int64_t version, fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    read_work work = {type, id, version, answer};
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_VREAD, type, id, FHS_STR_NONE);
    return run(&call, &work, err);
}

fhirstore_status fhs_interact_read_in(fhs_call *outer, fhs_type type, fhs_str id, int64_t version,
                                      fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    read_work work = {type, id, version, answer};
    fhs_call_nest(&call, outer, version > 0 ? FHIRSTORE_ACTION_VREAD : FHIRSTORE_ACTION_READ, type,
                  id, FHS_STR_NONE);
    return run(&call, &work, err);
}
