/* SPDX-License-Identifier: Apache-2.0 */
#include "fhirstore/session.h"

#include <stddef.h>

#include "api/handle.h"
#include "base/mem.h"

#define SESSION_OPTIONS_V1_SIZE FHS_ABI_SIZE(fhirstore_session_options, request_id_len)
#define KNOWN_SESSION_FLAGS \
    ((uint32_t)(FHIRSTORE_SESSION_ALLOW_EVERYTHING | FHIRSTORE_SESSION_READY_ONLY))
#define AUTHORIZER_V1_SIZE FHS_ABI_SIZE(fhirstore_authorizer, destroy)
#define HOOK_V1_SIZE       FHS_ABI_SIZE(fhirstore_audit_hook, destroy)

FHS_ABI_HEAD(fhirstore_session_options);
FHS_ABI_HEAD(fhirstore_authorizer);
FHS_ABI_HEAD(fhirstore_audit_hook);

fhirstore_status fhirstore_session_options_init(fhirstore_session_options *options,
                                                size_t struct_size)
{
    return fhs_abi_init(options, struct_size, sizeof *options, SESSION_OPTIONS_V1_SIZE);
}

static fhirstore_status inner_options(const fhirstore_session_options *options,
                                      fhs_session_options *out, fhirstore_error **err)
{
    if ((options->flags & ~KNOWN_SESSION_FLAGS) != 0) {
        return fhs_api_invalid(err, "options.flags has unknown bits");
    }
    if (options->reserved0 != 0 || options->reserved1 != 0) {
        return fhs_api_invalid(err, "options.reserved0 or reserved1 is not 0");
    }
    if (!fhs_api_text(options->principal, options->principal_len, &out->principal) ||
        !fhs_api_text(options->purpose, options->purpose_len, &out->purpose) ||
        !fhs_api_text(options->request_id, options->request_id_len, &out->request_id) ||
        !fhs_api_text(options->claims, options->claims_len, &out->claims)) {
        return fhs_api_invalid(err, "options: a NULL string with a length");
    }
    if (!fhs_api_text(options->link_base, options->link_base_len, &out->link_base) ||
        (out->link_base.len > 0 && !fhs_api_is_base_url(out->link_base))) {
        return fhs_api_invalid(err, "options.link_base must be an absolute http or https URL");
    }
    while (out->link_base.len > 0 && out->link_base.ptr[out->link_base.len - 1] == '/') {
        out->link_base.len--;
    }
    if (options->expires_us < 0) {
        return fhs_api_invalid(err, "options.expires_us");
    }
    out->expires_us = options->expires_us;
    out->allow_everything = (options->flags & FHIRSTORE_SESSION_ALLOW_EVERYTHING) != 0;
    out->ready_only = (options->flags & FHIRSTORE_SESSION_READY_ONLY) != 0;
    out->search_ms = options->search_ms;
    out->search_includes = options->search_includes;
    out->search_looks = options->search_resources;
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
    fhirstore_status status = fhs_abi_copy(&known, sizeof known, SESSION_OPTIONS_V1_SIZE,
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

void fhirstore_session_cancel(fhirstore_session *session)
{
    if (session == NULL || session->kind != FHS_KIND_SESSION) {
        return;
    }
    if (fhs_store_enter(session->store, NULL) == FHIRSTORE_OK) {
        fhs_session_cancel(session->inner);
        fhs_store_leave(session->store);
    }
}

void fhirstore_session_revoke(fhirstore_session *session)
{
    if (session == NULL || session->kind != FHS_KIND_SESSION) {
        return;
    }
    if (fhs_store_enter(session->store, NULL) == FHIRSTORE_OK) {
        fhs_session_revoke(session->inner);
        fhs_store_leave(session->store);
    }
}

static fhirstore_status check_authorizer(const fhirstore_authorizer *given,
                                         fhirstore_authorizer *known, fhirstore_error **err)
{
    fhirstore_status status = fhs_abi_copy(known, sizeof *known, AUTHORIZER_V1_SIZE, given, err);
    if (status >= FHIRSTORE_OK && (known->flags != 0 || known->authorize == NULL)) {
        status = fhs_api_invalid(err, "authorizer: no authorize function, or unknown flags");
    }
    return status;
}

fhirstore_status fhirstore_set_authorizer(fhirstore *store, const fhirstore_authorizer *authorizer,
                                          fhirstore_error **err_out)
{
    fhirstore_authorizer known = {0};
    fhs_api_begin(err_out);
    fhirstore_status status = authorizer == NULL ? FHIRSTORE_OK
                                                 : check_authorizer(authorizer, &known, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_store_enter(store, err_out);
    }
    if (status < FHIRSTORE_OK) {
        if (known.destroy != NULL) {
            known.destroy(known.ctx);
        }
        return status;
    }
    status = fhs_core_set_authorizer(store->core, authorizer == NULL ? NULL : &known, err_out);
    fhs_store_leave(store);
    return status;
}

fhirstore_status fhirstore_access_restrict(fhirstore_access_decision *decision, const char *search,
                                           size_t search_len)
{
    fhs_str text;
    return fhs_api_text(search, search_len, &text) ? fhs_decision_add(decision, text, false)
                                                   : FHIRSTORE_ERR_INVALID_ARG;
}

fhirstore_status fhirstore_access_except(fhirstore_access_decision *decision, const char *search,
                                         size_t search_len)
{
    fhs_str text;
    return fhs_api_text(search, search_len, &text) ? fhs_decision_add(decision, text, true)
                                                   : FHIRSTORE_ERR_INVALID_ARG;
}

fhirstore_status fhirstore_access_hide(fhirstore_access_decision *decision, const char *element,
                                       size_t element_len)
{
    fhs_str text;
    return fhs_api_text(element, element_len, &text) ? fhs_decision_mask(decision, text, true)
                                                     : FHIRSTORE_ERR_INVALID_ARG;
}

fhirstore_status fhirstore_access_keep(fhirstore_access_decision *decision, const char *element,
                                       size_t element_len)
{
    fhs_str text;
    return fhs_api_text(element, element_len, &text) ? fhs_decision_mask(decision, text, false)
                                                     : FHIRSTORE_ERR_INVALID_ARG;
}

fhirstore_status fhirstore_access_valid(fhirstore_access_decision *decision, uint32_t ms,
                                        int32_t reach)
{
    return reach == FHIRSTORE_ACCESS_QUESTION || reach == FHIRSTORE_ACCESS_TYPE
               ? fhs_decision_last(decision, ms, reach == FHIRSTORE_ACCESS_TYPE)
               : FHIRSTORE_ERR_INVALID_ARG;
}

fhirstore_status fhirstore_set_policy(fhirstore *store, const char *document, size_t document_len,
                                      fhirstore_error **err_out)
{
    fhs_str text;
    fhs_api_begin(err_out);
    if (!fhs_api_text(document, document_len, &text)) {
        return fhs_api_invalid(err_out, "a NULL string with a length");
    }
    if (document != NULL && document_len == 0) {
        /* A file cut to nothing is no wish for the roles that come with the library. */
        return fhs_fail(err_out, FHIRSTORE_ERR_POLICY,
                        "line 1, column 1: expected an object, found the end of the text");
    }
    fhirstore_status status = fhs_store_enter(store, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_core_set_policy(store->core, text, err_out);
    fhs_store_leave(store);
    return status;
}

const char *fhirstore_default_policy(void)
{
    return fhs_rules_default().ptr;
}

static fhirstore_status check_hook(const fhirstore_audit_hook *given, fhirstore_audit_hook *known,
                                   fhirstore_error **err)
{
    fhirstore_status status = fhs_abi_copy(known, sizeof *known, HOOK_V1_SIZE, given, err);
    if (status >= FHIRSTORE_OK && (known->flags != 0 || known->record == NULL)) {
        status = fhs_api_invalid(err, "hook: no record function, or unknown flags");
    }
    return status;
}

fhirstore_status fhirstore_set_audit_hook(fhirstore *store, const fhirstore_audit_hook *hook,
                                          fhirstore_error **err_out)
{
    fhirstore_audit_hook known = {0};
    fhs_api_begin(err_out);
    fhirstore_status status = hook == NULL ? FHIRSTORE_OK : check_hook(hook, &known, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_store_enter(store, err_out);
    }
    if (status < FHIRSTORE_OK) {
        if (known.destroy != NULL) {
            known.destroy(known.ctx);
        }
        return status;
    }
    status = fhs_core_set_audit_hook(store->core, hook == NULL ? NULL : &known, err_out);
    fhs_store_leave(store);
    return status;
}
