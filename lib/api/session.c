/* SPDX-License-Identifier: Apache-2.0 */
#include "fhirstore/session.h"

#include <stddef.h>

#include "api/handle.h"
#include "base/mem.h"

#define OPTIONS_V1_SIZE (offsetof(fhirstore_session_options, request_id_len) + sizeof(size_t))

static fhirstore_status inner_options(const fhirstore_session_options *options,
                                      fhs_session_options *out, fhirstore_error **err)
{
    if ((options->flags & ~(uint32_t)FHIRSTORE_SESSION_ALLOW_EVERYTHING) != 0) {
        return fhs_api_invalid(err, "options.flags has unknown bits");
    }
    if (!fhs_api_text(options->principal, options->principal_len, &out->principal) ||
        !fhs_api_text(options->purpose, options->purpose_len, &out->purpose) ||
        !fhs_api_text(options->request_id, options->request_id_len, &out->request_id)) {
        return fhs_api_invalid(err, "options: a NULL string with a length");
    }
    out->allow_everything = (options->flags & FHIRSTORE_SESSION_ALLOW_EVERYTHING) != 0;
    return FHIRSTORE_OK;
}

fhirstore_status fhirstore_session_open(fhirstore *store, const fhirstore_session_options *options,
                                        fhirstore_session **session_out, fhirstore_error **err_out)
{
    static const fhirstore_session_options defaults = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session_options known;
    fhs_session_options inner = {0};
    fhs_api_begin(err_out);
    if (session_out == NULL) {
        return fhs_api_invalid(err_out, "session_out is NULL");
    }
    *session_out = NULL;
    fhirstore_status status = fhs_abi_copy(&known, sizeof known, OPTIONS_V1_SIZE,
                                           options == NULL ? &defaults : options, err_out);
    if (status >= FHIRSTORE_OK) {
        status = inner_options(&known, &inner, err_out);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_store_enter(store, err_out);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhirstore_session *session = fhs_calloc(1, sizeof *session);
    status = session == NULL ? fhs_fail_memory(err_out)
                             : fhs_session_new(store->core, &inner, &session->inner, err_out);
    if (status >= FHIRSTORE_OK) {
        session->kind = FHS_KIND_SESSION;
        session->store = store;
        fhs_store_hold(store);
        *session_out = session;
    } else {
        fhs_free(session);
    }
    fhs_store_leave(store);
    return status;
}

void fhirstore_session_close(fhirstore_session *session)
{
    if (session == NULL || session->kind != FHS_KIND_SESSION) {
        return;
    }
    session->kind = 0;
    fhs_session_drop(session->inner);
    fhs_store_drop(session->store);
    fhs_free(session);
}

fhirstore_status fhirstore_set_authorizer(fhirstore *store, const fhirstore_authorizer *authorizer,
                                          fhirstore_error **err_out)
{
    fhs_api_begin(err_out);
    bool is_valid = authorizer == NULL || (authorizer->struct_size == sizeof *authorizer &&
                                           authorizer->flags == 0 && authorizer->authorize != NULL);
    fhirstore_status status = is_valid ? fhs_store_enter(store, err_out)
                                       : fhs_api_invalid(err_out, "authorizer");
    if (status < FHIRSTORE_OK) {
        if (authorizer != NULL && authorizer->destroy != NULL) {
            authorizer->destroy(authorizer->ctx);
        }
        return status;
    }
    status = fhs_core_set_authorizer(store->core, authorizer, err_out);
    fhs_store_leave(store);
    return status;
}

fhirstore_status fhirstore_set_audit_hook(fhirstore *store, const fhirstore_audit_hook *hook,
                                          fhirstore_error **err_out)
{
    fhs_api_begin(err_out);
    bool is_valid = hook == NULL ||
                    (hook->struct_size == sizeof *hook && hook->flags == 0 && hook->record != NULL);
    fhirstore_status status = is_valid ? fhs_store_enter(store, err_out)
                                       : fhs_api_invalid(err_out, "hook");
    if (status < FHIRSTORE_OK) {
        if (hook != NULL && hook->destroy != NULL) {
            hook->destroy(hook->ctx);
        }
        return status;
    }
    status = fhs_core_set_audit_hook(store->core, hook, err_out);
    fhs_store_leave(store);
    return status;
}
