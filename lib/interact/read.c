/* SPDX-License-Identifier: Apache-2.0 */
/* read and vread: stored bytes, copied out unparsed. */
#include "interact/binary.h"
#include "interact/interact.h"
#include "interact/route.h"
#include "interact/sight.h"
#include "interact/touched.h"
#include "interact/trail.h"

typedef struct read_work {
    fhs_type type;
    fhs_str id;
    int64_t version; /* 0: the current one */
    fhs_answer *answer;
    const fhs_unless *unless; /* NULL: in any case */
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

/* Whether a list of entity tags names @a version; what is no tag names nothing. */
static bool tags_name(fhs_str tags, int64_t version)
{
    if (fhs_str_eq(fhs_str_trim(tags), FHS_LIT("*"))) {
        return true;
    }
    while (tags.len > 0) {
        fhs_str tag = tags;
        fhs_str rest = FHS_STR_NONE;
        int64_t named;
        (void)fhs_str_split(tags, ',', &tag, &rest);
        if (fhs_etag_parse(tag, &named, NULL) == FHIRSTORE_OK && named == version) {
            return true;
        }
        tags = rest;
    }
    return false;
}

/* http.html#cread: the client has this version already. */
bool fhs_unless_knows(const fhs_unless *unless, const fhs_version *version)
{
    if (unless == NULL) {
        return false;
    }
    if (unless->tags.len > 0) {
        return tags_name(unless->tags, version->version);
    }
    if (unless->version > 0) {
        return unless->version == version->version;
    }
    /* HTTP dates have whole seconds. */
    return unless->modified_since_us > 0 &&
           version->updated_us / 1000000 <= unless->modified_since_us / 1000000;
}

/*
 * Under a restriction: find the version if it may be seen. What is hidden is as if it were not
 * there, and so is what is deleted: it has no state that could be judged.
 */
static fhirstore_status find_seen_version(fhs_call *call, const read_work *work, fhs_version *out,
                                          fhirstore_error **err)
{
    bool yes = false;
    bool is_told = false;
    fhirstore_status status = find_version(call, work, out, err);
    if (status >= FHIRSTORE_OK && !out->is_deleted) {
        status = fhs_binary_judge_version(call, work->type, out, &is_told, &yes, err);
        yes = is_told && yes;
    }
    if (status >= FHIRSTORE_OK && is_told) {
        status = find_version(call, work, out, err);
    } else if (status >= FHIRSTORE_OK && !out->is_deleted) {
        status = work->version > 0
                     ? fhs_sight_judge_body(call, work->type, out, &yes, err)
                     : fhs_sight_judge(call, work->type, out, FHS_STR_NONE, &yes, err);
    }
    if (status >= FHIRSTORE_OK && !yes) {
        status = fhs_fail_plain(err, FHIRSTORE_ERR_NOT_FOUND);
    }
    /* Judging has used the connection: the views are taken anew. */
    return status < FHIRSTORE_OK ? status : find_version(call, work, out, err);
}

/* Without a restriction: what another resource's rights forbid is as if it were not there. */
static fhirstore_status find_any_version(fhs_call *call, const read_work *work, fhs_version *out,
                                         fhirstore_error **err)
{
    bool is_told;
    bool yes;
    fhirstore_status status = find_version(call, work, out, err);
    if (status < FHIRSTORE_OK || !fhs_type_is_binary(call->session->core, work->type)) {
        return status;
    }
    status = fhs_binary_judge_version(call, work->type, out, &is_told, &yes, err);
    if (status >= FHIRSTORE_OK && is_told && !yes) {
        status = fhs_fail_plain(err, FHIRSTORE_ERR_NOT_FOUND);
    }
    return status < FHIRSTORE_OK ? status : find_version(call, work, out, err);
}

static fhirstore_status read_version(fhs_call *call, const read_work *work, fhirstore_error **err);

static fhirstore_status read_work_run(fhs_call *call, void *ctx, fhirstore_error **err)
{
    const read_work *work = ctx;
    /* One statement sees one snapshot; judging takes several, and so does an old version's record.
     */
    const bool is_partial = fhs_sight_is_partial(call, work->type);
    const bool begins = (is_partial || fhs_type_is_binary(call->session->core, work->type) ||
                         (call->is_heard && work->version > 0)) &&
                        !call->is_nested;
    fhirstore_status status = begins ? fhs_conn_begin_read(call->conn, err) : FHIRSTORE_OK;
    if (status >= FHIRSTORE_OK) {
        status = read_version(call, work, err);
    }
    if (begins) {
        fhs_conn_end_read(call->conn);
    }
    return status;
}

static fhirstore_status read_version(fhs_call *call, const read_work *work, fhirstore_error **err)
{
    fhs_version version;
    fhirstore_status status = fhs_sight_is_partial(call, work->type)
                                  ? find_seen_version(call, work, &version, err)
                                  : find_any_version(call, work, &version, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_answer_describe(work->answer, work->type, &version);
    call->version_after = version.version;
    status = work->version > 0 ? fhs_touch_body(call, work->type, &version, err)
                               : fhs_touch_current(call, work->type, &version, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (version.is_deleted) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_DELETED);
    }
    if (fhs_unless_knows(work->unless, &version)) {
        work->answer->status = FHIRSTORE_NOT_MODIFIED;
        work->answer->http = fhs_status_http(FHIRSTORE_NOT_MODIFIED);
        return FHIRSTORE_NOT_MODIFIED;
    }
    call->count = 1;
    work->answer->status = FHIRSTORE_OK;
    work->answer->http = fhs_status_http(FHIRSTORE_OK);
    fhs_buf_reset(&work->answer->body);
    return fhs_sight_take_body(call, work->type, &version, &work->answer->body, err);
}

static fhirstore_status run(fhs_call *call, read_work *work, fhirstore_error **err)
{
    fhirstore_status status = fhs_call_read(call, read_work_run, work, err);
    fhs_call_end(call);
    return status;
}

fhirstore_status fhs_interact_read(fhs_session *session, fhs_type type, fhs_str id,
                                   const fhs_unless *unless, fhs_answer *answer,
                                   fhirstore_error **err)
{
    fhs_call call;
    read_work work = {type, id, 0, answer, unless};
    if (fhs_trail_has_id(session->core, type, id) && fhs_trail_is_open(session, type)) {
        return fhs_trail_read(session, type, id, 0, unless, answer, err);
    }
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_READ, type, id, FHS_STR_NONE);
    return run(&call, &work, err);
}

fhirstore_status fhs_interact_vread(fhs_session *session, fhs_type type, fhs_str id,
                                    int64_t version, fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    read_work work = {type, id, version, answer, NULL};
    if (fhs_trail_has_id(session->core, type, id) && fhs_trail_is_open(session, type)) {
        return fhs_trail_read(session, type, id, version, NULL, answer, err);
    }
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_VREAD, type, id, FHS_STR_NONE);
    return run(&call, &work, err);
}

fhirstore_status fhs_interact_read_in(fhs_call *outer, fhs_type type, fhs_str id, int64_t version,
                                      const fhs_unless *unless, fhs_answer *answer,
                                      fhirstore_error **err)
{
    fhs_call call;
    read_work work = {type, id, version, answer, unless};
    fhs_call_nest(&call, outer, version > 0 ? FHIRSTORE_ACTION_VREAD : FHIRSTORE_ACTION_READ, type,
                  id, FHS_STR_NONE);
    return run(&call, &work, err);
}
