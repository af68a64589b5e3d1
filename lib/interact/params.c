/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core holds the search parameters of the last commit. A call takes those of its snapshot: a
 * reader whose snapshot is older or newer loads its own, a write transaction that changes them
 * goes on with the changed ones and hands them to the core when it has committed.
 */
#include "interact/params.h"

#include "interact/ledger.h"

fhirstore_status fhs_core_open_params(fhs_core *core, fhirstore_error **err)
{
    fhs_conn *conn = NULL;
    fhirstore_status status = fhs_params_new(core->fhir, core->catalog, core->indexer,
                                             &core->own_params, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_storage_reader(core->storage, &conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_begin_read(conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_params_load(core->own_params, conn, &core->params, err);
    }
    fhs_conn_release(conn);
    return status;
}

static fhs_params *hold_current(fhs_core *core)
{
    (void)pthread_mutex_lock(&core->hooks_lock);
    fhs_params *params = fhs_params_hold(core->params);
    (void)pthread_mutex_unlock(&core->hooks_lock);
    return params;
}

/* Its searches are those of the parameters that are in force now. */
fhirstore_status fhs_core_set_policy(fhs_core *core, fhs_str document, fhirstore_error **err)
{
    fhirstore_authorizer authorizer;
    fhs_params *params = hold_current(core);
    fhirstore_status status = fhs_policy_authorizer(core->fhir, fhs_params_fhir(params), document,
                                                    &authorizer, err);
    fhs_params_drop(params);
    return status < FHIRSTORE_OK ? status : fhs_core_set_authorizer(core, &authorizer, err);
}

fhirstore_status fhs_core_check_scopes(fhs_core *core, fhs_arena *arena, const fhs_scopes *scopes,
                                       fhirstore_error **err)
{
    fhs_params *params = hold_current(core);
    fhirstore_status status = fhs_scopes_check(fhs_params_fhir(params), arena, scopes, err);
    fhs_params_drop(params);
    return status;
}

void fhs_core_set_params(fhs_core *core, fhs_params *params)
{
    (void)pthread_mutex_lock(&core->hooks_lock);
    fhs_params *old = core->params;
    core->params = fhs_params_hold(params);
    (void)pthread_mutex_unlock(&core->hooks_lock);
    fhs_params_drop(old);
}

/*
 * The core's are those of the last commit of this process. They cannot differ from a write
 * transaction's, nor matter to a reader when none ever changed: what is unknown matches nothing
 * less.
 */
static bool may_differ(const fhs_core *core, const fhs_params *params, bool is_writer)
{
    return core->multi_process || (!is_writer && fhs_params_generation(params) != 0);
}

fhirstore_status fhs_core_take_params(fhs_core *core, fhs_conn *conn, bool is_writer,
                                      fhs_params **out, fhirstore_error **err)
{
    uint64_t generation = 0;
    fhs_params *params = hold_current(core);
    *out = params;
    if (!may_differ(core, params, is_writer)) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_params_read_generation(conn, &generation, err);
    if (status >= FHIRSTORE_OK && generation == fhs_params_generation(params)) {
        return FHIRSTORE_OK;
    }
    fhs_params_drop(params);
    *out = NULL;
    if (status >= FHIRSTORE_OK) {
        status = fhs_params_load(core->own_params, conn, out, err);
    }
    if (status >= FHIRSTORE_OK && core->multi_process) {
        fhs_core_set_params(core, *out);
    }
    return status;
}

static fhs_call *root_of(fhs_call *call)
{
    return call->root == NULL ? call : call->root;
}

fhirstore_status fhs_call_params(fhs_call *call, fhs_params **out, fhirstore_error **err)
{
    fhs_call *root = root_of(call);
    fhirstore_status status = FHIRSTORE_OK;
    if (root->params == NULL) {
        status = fhs_core_take_params(call->session->core, call->conn,
                                      fhs_conn_is_writing(call->conn), &root->params, err);
    }
    *out = root->params;
    return status;
}

static fhirstore_status load_again(fhs_call *root, fhirstore_error **err)
{
    fhs_params *params;
    fhirstore_status status = fhs_params_load(root->session->core->own_params, root->conn, &params,
                                              err);
    if (status >= FHIRSTORE_OK) {
        fhs_params_drop(root->params);
        root->params = params;
    }
    return status;
}

fhirstore_status fhs_call_restore_params(fhs_call *call, fhirstore_error **err)
{
    fhs_call *root = root_of(call);
    return root->params_changed ? load_again(root, err) : FHIRSTORE_OK;
}

fhirstore_status fhs_call_commit(fhs_call *call, fhirstore_error **err)
{
    fhirstore_status status = fhs_session_check(call->session, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_ledger_settle(call, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_commit(call->conn, err);
    }
    fhs_ledger_settled(call, status >= FHIRSTORE_OK);
    if (status >= FHIRSTORE_OK && call->params_changed) {
        call->params_changed = false;
        fhs_core_set_params(call->session->core, call->params);
    }
    return status;
}

static bool is_search_parameter(const fhs_call *call, fhs_type type)
{
    return fhs_str_eq(fhs_type_name(call->session->core->fhir, type), FHS_LIT("SearchParameter"));
}

fhirstore_status fhs_param_check(fhs_call *call, fhs_type type, fhs_str id,
                                 const fhs_json *resource, fhirstore_error **err)
{
    fhs_params *params;
    if (!is_search_parameter(call, type)) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_call_params(call, &params, err);
    return status < FHIRSTORE_OK ? status : fhs_params_check(params, id, resource, err);
}

fhirstore_status fhs_param_follow(fhs_call *call, fhs_type type, fhs_str id,
                                  const fhs_json *resource, fhirstore_error **err)
{
    fhs_params *params;
    bool changed = false;
    if (!is_search_parameter(call, type)) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_call_params(call, &params, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_params_apply(params, call->conn, id, resource, &changed, err);
    }
    if (status >= FHIRSTORE_OK && changed) {
        root_of(call)->params_changed = true;
        status = load_again(root_of(call), err);
    }
    return status;
}
