/* SPDX-License-Identifier: Apache-2.0 */
/* create, update, delete: the writes of one resource. */
#include "base/random.h"
#include "interact/interact.h"

/* One write, as the work of its call. */
typedef struct write_work {
    const fhs_prepared *prepared;
    fhs_str id;
    fhs_condition condition;
    bool with_body;
    fhs_answer *answer;
} write_work;

static fhirstore_status bad_id(fhirstore_error **err)
{
    fhirstore_status status = fhs_fail(err, FHIRSTORE_ERR_INVALID_RESOURCE,
                                       "a logical id is 1 to 64 characters of A-Z a-z 0-9 - .");
    fhs_error_code(err, "value");
    fhs_error_expression(err, FHS_LIT("Resource.id"));
    return status;
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
    return fhs_store_deletion(call, call->type, work->id, &work->condition, work->answer, err);
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
        status = fhs_prepare(call->session, call->type, body, out, err);
    }
    return status < FHIRSTORE_OK ? fhs_call_refuse(call, status) : status;
}

fhirstore_status fhs_interact_create(fhs_session *session, fhs_type type, fhs_str body,
                                     fhs_answer *answer, fhirstore_error **err)
{
    char id[FHS_UUID_LEN + 1];
    fhs_call call;
    fhs_prepared prepared;
    fhs_uuid_new(id);
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_CREATE, type, FHS_STR_NONE, FHS_STR_NONE);
    fhirstore_status status = ask_and_prepare(&call, body, &prepared, err);
    if (status >= FHIRSTORE_OK) {
        write_work work = {&prepared, {id, FHS_UUID_LEN}, {.is_fresh_id = true}, true, answer};
        call.id = work.id;
        status = fhs_call_write(&call, store_work, &work, err);
    }
    fhs_call_end(&call);
    return status;
}

fhirstore_status fhs_interact_create_in(fhs_call *outer, const fhs_prepared *prepared, fhs_str id,
                                        bool with_body, fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    write_work work = {prepared, id, {.is_fresh_id = true}, with_body, answer};
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
        write_work work = {&prepared, id, *condition, true, answer};
        status = fhs_call_write(&call, store_work, &work, err);
    }
    fhs_call_end(&call);
    return status;
}

fhirstore_status fhs_interact_update_in(fhs_call *outer, const fhs_prepared *prepared, fhs_str id,
                                        const fhs_condition *condition, bool with_body,
                                        fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    write_work work = {prepared, id, *condition, with_body, answer};
    fhs_call_nest(&call, outer, FHIRSTORE_ACTION_UPDATE, prepared->type, id, FHS_STR_NONE);
    fhirstore_status status = fhs_call_ask(&call, err);
    if (status >= FHIRSTORE_OK) {
        status = check_id(prepared, id, err);
    }
    status = status < FHIRSTORE_OK ? fhs_call_refuse(&call, status)
                                   : fhs_call_write(&call, store_work, &work, err);
    fhs_call_end(&call);
    return status;
}

fhirstore_status fhs_interact_delete(fhs_session *session, fhs_type type, fhs_str id,
                                     const fhs_condition *condition, fhs_answer *answer,
                                     fhirstore_error **err)
{
    fhs_call call;
    write_work work = {NULL, id, *condition, false, answer};
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_DELETE, type, id, FHS_STR_NONE);
    fhirstore_status status = fhs_call_write(&call, deletion_work, &work, err);
    fhs_call_end(&call);
    return status;
}

fhirstore_status fhs_interact_delete_in(fhs_call *outer, fhs_type type, fhs_str id,
                                        const fhs_condition *condition, fhs_answer *answer,
                                        fhirstore_error **err)
{
    fhs_call call;
    write_work work = {NULL, id, *condition, false, answer};
    fhs_call_nest(&call, outer, FHIRSTORE_ACTION_DELETE, type, id, FHS_STR_NONE);
    fhirstore_status status = fhs_call_write(&call, deletion_work, &work, err);
    fhs_call_end(&call);
    return status;
}
