/* SPDX-License-Identifier: Apache-2.0 */
/* create, update, delete: the writes of one resource. */
#include "base/random.h"
#include "interact/criteria.h"
#include "interact/integrity.h"
#include "interact/interact.h"
#include "interact/sight.h"
#include "interact/touched.h"
#include "interact/trail.h"

/* One write, as the work of its call. */
typedef struct write_work {
    const fhs_prepared *prepared;
    fhs_str id;
    fhs_condition condition;
    bool with_body;
    fhs_answer *answer;
    const fhs_str *criteria; /* find the resource, where this is not NULL */
} write_work;

static fhirstore_status bad_id(fhirstore_error **err)
{
    fhirstore_status status = fhs_fail(err, FHIRSTORE_ERR_INVALID_RESOURCE,
                                       "a logical id is 1 to 64 characters of A-Z a-z 0-9 - .");
    fhs_error_code(err, "value");
    fhs_error_expression(err, FHS_LIT("Resource.id"));
    return status;
}

static bool wants_one(const fhs_condition *condition)
{
    return condition->if_any || condition->if_version > 0;
}

static fhirstore_status nothing_matches(fhirstore_error **err)
{
    return fhs_fail(err, FHIRSTORE_ERR_PRECONDITION,
                    "If-Match asks for a version, but nothing matches the condition");
}

static fhirstore_status store_work(fhs_call *call, void *ctx, fhirstore_error **err)
{
    const write_work *work = ctx;
    return fhs_store_resource(call, work->prepared, work->id, &work->condition, work->with_body,
                              work->answer, err);
}

static fhirstore_status deletion_work(fhs_call *call, void *ctx, fhirstore_error **err)
{
    const write_work *work = ctx;
    if (!fhs_id_is_valid(work->id)) {
        return bad_id(err);
    }
    if (work->condition.cascades) {
        fhirstore_status allowed = fhs_integrity_allows_cascade(call->session->core,
                                                                &work->condition, err);
        if (allowed < FHIRSTORE_OK) {
            return allowed;
        }
    }
    fhirstore_status status = fhs_store_deletion(call, call->type, work->id, &work->condition,
                                                 work->answer, err);
    if (status < FHIRSTORE_OK || !work->condition.cascades || work->answer->version == 0) {
        return status;
    }
    fhirstore_status cascaded = fhs_integrity_cascade(call, call->type, work->id, err);
    return cascaded < FHIRSTORE_OK ? cascaded : status;
}

/* ---- conditional ---- */

/* The answer is the resource that is there already. */
static fhirstore_status answer_found(fhs_call *call, const write_work *work, fhs_str id,
                                     fhirstore_error **err)
{
    fhs_answer *answer = work->answer;
    int32_t type = fhs_catalog_type(call->session->core->catalog, call->type);
    fhs_version version;
    fhirstore_status status = fhs_resource_read(call->conn, type, id, &version, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_answer_describe(answer, call->type, &version);
    fhs_touch(call, &version);
    call->id = id;
    call->version_before = version.version;
    call->version_after = version.version;
    answer->status = FHIRSTORE_OK;
    answer->http = fhs_status_http(FHIRSTORE_OK);
    answer->is_found = true;
    fhs_buf_reset(&answer->body);
    return work->with_body ? fhs_sight_take_body(call, call->type, &version, &answer->body, err)
                           : FHIRSTORE_OK;
}

/* None: create. One: that is the answer. */
static fhirstore_status create_where_work(fhs_call *call, void *ctx, fhirstore_error **err)
{
    const write_work *work = ctx;
    fhs_criteria criteria = fhs_criteria_of(call->session, call->type, *work->criteria);
    fhs_str found;
    fhirstore_status status = fhs_criteria_find_one(call, call->type, &criteria, &found, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    return found.len > 0 ? answer_found(call, work, found, err) : store_work(call, ctx, err);
}

/* Where an update goes that matches nothing: to the id of its body, else to the new one. */
static fhirstore_status aim_at_new(write_work *work, fhirstore_error **err)
{
    fhs_str id = work->prepared->id;
    if (wants_one(&work->condition)) {
        return nothing_matches(err);
    }
    if (id.len == 0) {
        work->condition.is_fresh_id = true;
        return FHIRSTORE_OK;
    }
    work->id = id;
    work->condition.if_absent = true;
    return fhs_id_is_valid(id) ? FHIRSTORE_OK : bad_id(err);
}

static fhirstore_status aim_at_found(write_work *work, fhs_str found, fhirstore_error **err)
{
    fhs_str id = work->prepared->id;
    if (id.len > 0 && !fhs_str_eq(id, found)) {
        fhirstore_status status = fhs_fail(
            err, FHIRSTORE_ERR_ID_MISMATCH,
            "the id in the body is not that of the resource that matches");
        fhs_error_expression(err, FHS_LIT("Resource.id"));
        return status;
    }
    work->id = found;
    return FHIRSTORE_OK;
}

static fhirstore_status update_where_work(fhs_call *call, void *ctx, fhirstore_error **err)
{
    write_work *work = ctx;
    fhs_criteria criteria = fhs_criteria_of(call->session, call->type, *work->criteria);
    fhs_str found;
    fhirstore_status status = fhs_criteria_find_one(call, call->type, &criteria, &found, err);
    if (status >= FHIRSTORE_OK) {
        status = found.len > 0 ? aim_at_found(work, found, err) : aim_at_new(work, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_call_ask_again(call, work->id, err);
    }
    return status < FHIRSTORE_OK ? status : store_work(call, ctx, err);
}

/* Several, as _count allows: each is a deletion of its own. */
static fhirstore_status delete_each(fhs_call *call, const fhs_criteria *criteria,
                                    const write_work *work, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    if (work->condition.if_version > 0) {
        return fhs_fail(err, FHIRSTORE_ERR_QUERY, "If-Match and _count exclude each other");
    }
    if (work->condition.if_any && criteria->count == 0) {
        return nothing_matches(err);
    }
    for (size_t i = 0; i < criteria->count && status >= FHIRSTORE_OK; i++) {
        status = fhs_interact_delete_in(call, call->type, criteria->ids[i], &work->condition,
                                        work->answer, err);
    }
    if (criteria->count != 1) {
        work->answer->version = 0; /* the answer is about none of them */
        work->answer->id_len = 0;
        work->answer->type = FHS_TYPE_NONE;
    }
    call->count = (int64_t)criteria->count;
    return status < FHIRSTORE_OK ? status : FHIRSTORE_NO_CONTENT;
}

static fhirstore_status delete_where_work(fhs_call *call, void *ctx, fhirstore_error **err)
{
    write_work *work = ctx;
    fhs_criteria criteria = fhs_criteria_of(call->session, call->type, *work->criteria);
    criteria.if_empty = FHIRSTORE_ERR_PRECONDITION;
    criteria.takes_count = true;
    bool cascades = false;
    fhirstore_status status = fhs_integrity_take_cascade(
        call->session->core, call->arena, criteria.text, &criteria.text, &cascades, err);
    work->condition.cascades = work->condition.cascades || cascades;
    if (status >= FHIRSTORE_OK) {
        status = fhs_criteria_find(call, call->type, &criteria, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    work->answer->status = FHIRSTORE_NO_CONTENT;
    work->answer->http = fhs_status_http(FHIRSTORE_NO_CONTENT);
    if (criteria.takes_first) {
        return delete_each(call, &criteria, work, err);
    }
    if (criteria.count > 1) {
        return fhs_fail(err, FHIRSTORE_ERR_MULTIPLE_MATCHES,
                        "several resources match: _count says how many may be deleted");
    }
    if (criteria.count == 0) {
        return wants_one(&work->condition) ? nothing_matches(err) : FHIRSTORE_NO_CONTENT;
    }
    work->id = criteria.ids[0];
    status = fhs_call_ask_again(call, work->id, err);
    return status < FHIRSTORE_OK ? status : deletion_work(call, ctx, err);
}

fhirstore_status fhs_resource_type(const fhs_core *core, fhs_str name, fhs_type *out,
                                   fhirstore_error **err)
{
    *out = fhs_type_find(core->fhir, name);
    if (*out == FHS_TYPE_NONE || !fhs_type_is_resource(core->fhir, *out)) {
        *out = FHS_TYPE_NONE;
        return fhs_fail_plain(err, FHIRSTORE_ERR_UNKNOWN_TYPE);
    }
    return FHIRSTORE_OK;
}

/*
 * Read and check the body before anything is locked; only a session that may do this gets to hear
 * what is wrong with it.
 */
static fhirstore_status ask_and_prepare(fhs_call *call, fhs_str body, fhs_prepared *out,
                                        fhirstore_error **err)
{
    fhirstore_status status = fhs_call_ask(call, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_trail_guard(call, call->type, call->id, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_prepare(call->session, call->type, body, out, err);
    }
    return status < FHIRSTORE_OK ? fhs_call_refuse(call, status) : status;
}

/* @a criteria NULL: create in any case. */
static fhirstore_status create(fhs_session *session, fhs_type type, fhs_str body,
                               const fhs_str *criteria, fhs_answer *answer, fhirstore_error **err)
{
    char id[FHS_UUID_LEN + 1];
    fhs_call call;
    fhs_prepared prepared;
    fhs_uuid_new(id);
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_CREATE, type, FHS_STR_NONE,
                   criteria == NULL ? FHS_STR_NONE : *criteria);
    fhirstore_status status = ask_and_prepare(&call, body, &prepared, err);
    if (status >= FHIRSTORE_OK) {
        write_work work = {
            &prepared, {id, FHS_UUID_LEN}, {.is_fresh_id = true}, !session->leaves_bodies, answer,
            criteria};
        call.id = work.id;
        status = fhs_call_write(&call, criteria == NULL ? store_work : create_where_work, &work,
                                err);
    }
    fhs_call_end(&call);
    return status;
}

fhirstore_status fhs_interact_create(fhs_session *session, fhs_type type, fhs_str body,
                                     fhs_answer *answer, fhirstore_error **err)
{
    return create(session, type, body, NULL, answer, err);
}

fhirstore_status fhs_interact_create_where(fhs_session *session, fhs_type type, fhs_str criteria,
                                           fhs_str body, fhs_answer *answer, fhirstore_error **err)
{
    return create(session, type, body, &criteria, answer, err);
}

fhirstore_status fhs_interact_create_in(fhs_call *outer, const fhs_prepared *prepared, fhs_str id,
                                        bool with_body, fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    write_work work = {prepared, id, {.is_fresh_id = true}, with_body, answer, NULL};
    fhs_call_nest(&call, outer, FHIRSTORE_ACTION_CREATE, prepared->type, id, FHS_STR_NONE);
    fhirstore_status status = fhs_call_write(&call, store_work, &work, err);
    fhs_call_end(&call);
    return status;
}

/* The id in the address rules; the body must agree. */
static fhirstore_status check_id(const fhs_prepared *prepared, fhs_str id, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    if (!fhs_id_is_valid(id)) {
        return bad_id(err);
    }
    if (prepared->id.len == 0) {
        status = fhs_fail(err, FHIRSTORE_ERR_ID_MISMATCH, "the body has no id");
    } else if (!fhs_str_eq(prepared->id, id)) {
        status = fhs_fail(err, FHIRSTORE_ERR_ID_MISMATCH,
                          "the id in the body is not the one in the address");
    }
    if (status < FHIRSTORE_OK) {
        fhs_error_expression(err, FHS_LIT("Resource.id"));
    }
    return status;
}

fhirstore_status fhs_interact_update(fhs_session *session, fhs_type type, fhs_str id, fhs_str body,
                                     const fhs_condition *condition, fhs_answer *answer,
                                     fhirstore_error **err)
{
    fhs_call call;
    fhs_prepared prepared;
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_UPDATE, type, id, FHS_STR_NONE);
    fhirstore_status status = ask_and_prepare(&call, body, &prepared, err);
    if (status >= FHIRSTORE_OK) {
        status = check_id(&prepared, id, err);
        if (status < FHIRSTORE_OK) {
            (void)fhs_call_refuse(&call, status);
        }
    }
    if (status >= FHIRSTORE_OK) {
        write_work work = {&prepared, id, *condition, !session->leaves_bodies, answer, NULL};
        status = fhs_call_write(&call, store_work, &work, err);
    }
    fhs_call_end(&call);
    return status;
}

fhirstore_status fhs_interact_update_where(fhs_session *session, fhs_type type, fhs_str criteria,
                                           fhs_str body, const fhs_condition *condition,
                                           fhs_answer *answer, fhirstore_error **err)
{
    char id[FHS_UUID_LEN + 1];
    fhs_call call;
    fhs_prepared prepared;
    fhs_uuid_new(id);
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_UPDATE, type, FHS_STR_NONE, criteria);
    fhirstore_status status = ask_and_prepare(&call, body, &prepared, err);
    if (status >= FHIRSTORE_OK) {
        write_work work = {&prepared, {id, FHS_UUID_LEN}, *condition, !session->leaves_bodies,
                           answer,    &criteria};
        status = fhs_call_write(&call, update_where_work, &work, err);
    }
    fhs_call_end(&call);
    return status;
}

fhirstore_status fhs_interact_update_in(fhs_call *outer, const fhs_prepared *prepared, fhs_str id,
                                        const fhs_condition *condition, bool with_body,
                                        fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    write_work work = {prepared, id, *condition, with_body, answer, NULL};
    fhs_call_nest(&call, outer, FHIRSTORE_ACTION_UPDATE, prepared->type, id, FHS_STR_NONE);
    fhirstore_status status = fhs_call_ask(&call, err);
    if (status >= FHIRSTORE_OK) {
        status = condition->is_aimed && prepared->id.len == 0 ? FHIRSTORE_OK
                                                              : check_id(prepared, id, err);
    }
    status = status < FHIRSTORE_OK ? fhs_call_refuse(&call, status)
                                   : fhs_call_write(&call, store_work, &work, err);
    fhs_call_end(&call);
    return status;
}

static int32_t deletion_action(const fhs_condition *condition)
{
    return condition->is_hard ? FHIRSTORE_ACTION_HARD_DELETE : FHIRSTORE_ACTION_DELETE;
}

fhirstore_status fhs_interact_delete(fhs_session *session, fhs_type type, fhs_str id,
                                     const fhs_condition *condition, fhs_answer *answer,
                                     fhirstore_error **err)
{
    fhs_call call;
    write_work work = {NULL, id, *condition, false, answer, NULL};
    fhs_call_begin(&call, session, deletion_action(condition), type, id, FHS_STR_NONE);
    fhirstore_status status = fhs_call_write(&call, deletion_work, &work, err);
    fhs_call_end(&call);
    return status;
}

fhirstore_status fhs_interact_delete_where(fhs_session *session, fhs_type type, fhs_str criteria,
                                           const fhs_condition *condition, fhs_answer *answer,
                                           fhirstore_error **err)
{
    fhs_call call;
    write_work work = {NULL, FHS_STR_NONE, *condition, false, answer, &criteria};
    fhs_call_begin(&call, session, deletion_action(condition), type, FHS_STR_NONE, criteria);
    fhirstore_status status = fhs_call_write(&call, delete_where_work, &work, err);
    fhs_call_end(&call);
    return status;
}

fhirstore_status fhs_interact_delete_in(fhs_call *outer, fhs_type type, fhs_str id,
                                        const fhs_condition *condition, fhs_answer *answer,
                                        fhirstore_error **err)
{
    fhs_call call;
    write_work work = {NULL, id, *condition, false, answer, NULL};
    fhs_call_nest(&call, outer, deletion_action(condition), type, id, FHS_STR_NONE);
    fhirstore_status status = fhs_call_write(&call, deletion_work, &work, err);
    fhs_call_end(&call);
    return status;
}

fhirstore_status fhs_interact_delete_where_in(fhs_call *outer, fhs_type type, fhs_str criteria,
                                              const fhs_condition *condition, fhs_answer *answer,
                                              fhirstore_error **err)
{
    fhs_call call;
    write_work work = {NULL, FHS_STR_NONE, *condition, false, answer, &criteria};
    fhs_call_nest(&call, outer, deletion_action(condition), type, FHS_STR_NONE, criteria);
    fhirstore_status status = fhs_call_write(&call, delete_where_work, &work, err);
    fhs_call_end(&call);
    return status;
}

static fhirstore_status found_work(fhs_call *call, void *ctx, fhirstore_error **err)
{
    const write_work *work = ctx;
    return answer_found(call, work, work->id, err);
}

fhirstore_status fhs_interact_found_in(fhs_call *outer, fhs_type type, fhs_str id, bool with_body,
                                       fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    write_work work = {NULL, id, {0}, with_body, answer, NULL};
    fhs_call_nest(&call, outer, FHIRSTORE_ACTION_CREATE, type, id, FHS_STR_NONE);
    fhirstore_status status = fhs_call_write(&call, found_work, &work, err);
    fhs_call_end(&call);
    return status;
}
