/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/core.h"
#include "interact/touched.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

/* One call may hold a resource, its tree, its entries and the trees of what it replaces. */
#define ARENA_MAX ((size_t)4 * FHS_LIMIT_RESOURCE_BYTES)

void fhs_session_hold(fhs_session *session)
{
    (void)atomic_fetch_add(&session->holders, 1);
}

void fhs_session_drop(fhs_session *session)
{
    if (session == NULL || atomic_fetch_sub(&session->holders, 1) > 1) {
        return;
    }
    (void)pthread_mutex_destroy(&session->watch_lock);
    fhs_free((void *)(uintptr_t)session->who.name.ptr);
    fhs_free((void *)(uintptr_t)session->who.purpose.ptr);
    fhs_free((void *)(uintptr_t)session->who.request_id.ptr);
    fhs_free((void *)(uintptr_t)session->link_base.ptr);
    fhs_decisions_free(session->decisions);
    fhs_arena_clear(&session->claims);
    fhs_arena_clear(&session->arena);
    fhs_buf_clear(&session->body);
    fhs_buf_clear(&session->stamps);
    fhs_buf_clear(&session->meta);
    fhs_buf_clear(&session->rows);
    fhs_buf_clear(&session->old_body);
    fhs_buf_clear(&session->old_rows);
    fhs_buf_clear(&session->touched_rows);
    fhs_touched_free(session->spare_touched);
    fhs_free(session);
}

void fhs_session_cancel(fhs_session *session)
{
    (void)pthread_mutex_lock(&session->watch_lock);
    (void)atomic_fetch_add(&session->cancels, 1);
    for (fhs_call *call = session->watched; call != NULL; call = call->watch_next) {
        fhs_conn_interrupt(call->conn);
    }
    (void)pthread_mutex_unlock(&session->watch_lock);
}

void fhs_session_revoke(fhs_session *session)
{
    atomic_store(&session->is_revoked, true);
    fhs_session_cancel(session);
}

fhirstore_status fhs_session_check(const fhs_session *session, fhirstore_error **err)
{
    const bool is_over = atomic_load(&session->is_revoked) ||
                         (session->expires_us > 0 &&
                          fhs_core_now(session->core) >= session->expires_us);
    return is_over ? fhs_fail_plain(err, FHIRSTORE_ERR_SESSION_EXPIRED) : FHIRSTORE_OK;
}

fhirstore_status fhs_session_verdict(const fhs_session *session, fhirstore_status status,
                                     fhirstore_error **err)
{
    fhirstore_error *why = NULL;
    if (status < FHIRSTORE_OK && status != FHIRSTORE_ERR_CANCELLED) {
        return status;
    }
    if (fhs_session_check(session, &why) == FHIRSTORE_OK) {
        return status;
    }
    if (err == NULL) {
        fhs_error_free(why);
    } else {
        fhs_error_free(*err);
        *err = why;
    }
    return FHIRSTORE_ERR_SESSION_EXPIRED;
}

static bool copy_text(fhs_str text, fhs_str *out)
{
    *out = fhs_str_of(fhs_memdup(text.ptr, text.len), text.len);
    return out->ptr != NULL;
}

/* What the options do not say of the principal its document may say. */
static fhirstore_status name_principal(fhs_session *session, const fhs_session_options *options,
                                       fhirstore_error **err)
{
    fhs_principal *who = &session->who;
    fhirstore_status status = fhs_principal_read(who, options->claims, &session->claims, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_core_check_scopes(session->core, &session->claims, &who->scopes, err);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_str name = options->principal.len > 0 ? options->principal : who->claims.id;
    fhs_str link_base = options->link_base.len > 0 ? options->link_base : session->core->base_url;
    fhs_str purpose = options->purpose.len > 0 ? options->purpose : who->claims.purpose;
    if (!copy_text(name, &who->name) || !copy_text(purpose, &who->purpose) ||
        !copy_text(options->request_id, &who->request_id) ||
        !copy_text(link_base, &session->link_base)) {
        return fhs_fail_memory(err);
    }
    who->claims.id = who->name;
    who->claims.purpose = who->purpose;
    return FHIRSTORE_OK;
}

/* Somebody is turned away at the door: under the name that was given, as far as it is known. */
static void record_turned_away(fhs_session *session, const fhs_session_options *options,
                               fhirstore_status status)
{
    fhs_principal *who = &session->who;
    if (status == FHIRSTORE_ERR_NO_MEMORY ||
        (who->name.ptr == NULL && !copy_text(options->principal, &who->name)) ||
        (who->purpose.ptr == NULL && !copy_text(options->purpose, &who->purpose)) ||
        (who->request_id.ptr == NULL && !copy_text(options->request_id, &who->request_id))) {
        return;
    }
    (void)fhs_session_refuse(session, 0, FHS_TYPE_NONE, FHS_STR_NONE, FHS_STR_NONE, status);
}

fhirstore_status fhs_session_new(fhs_core *core, const fhs_session_options *options,
                                 fhs_session **out, fhirstore_error **err)
{
    fhs_session *session = fhs_calloc(1, sizeof *session);
    *out = NULL;
    if (session == NULL) {
        return fhs_fail_memory(err);
    }
    if (pthread_mutex_init(&session->watch_lock, NULL) != 0) {
        fhs_free(session);
        return fhs_fail_memory(err);
    }
    session->core = core;
    session->search_us = (int64_t)options->search_ms * 1000;
    session->search_looks = options->search_looks;
    session->expires_us = options->expires_us;
    atomic_init(&session->is_revoked, false);
    session->search_includes = options->search_includes < FHS_LIMIT_PAGE_INCLUDES
                                   ? options->search_includes
                                   : 0;
    atomic_init(&session->holders, 1);
    session->who.allow_everything = options->allow_everything;
    session->ready_only = options->ready_only;
    fhs_arena_init(&session->arena, ARENA_MAX);
    fhs_buf_init(&session->body, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&session->stamps, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&session->meta, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&session->rows, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&session->old_body, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&session->old_rows, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&session->touched_rows, FHS_LIMIT_RESOURCE_BYTES);
    fhs_arena_init(&session->claims, (size_t)16 * FHS_LIMIT_POLICY_BYTES);
    fhirstore_status status = name_principal(session, options, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_session_check(session, err);
    }
    if (status != FHIRSTORE_OK) {
        record_turned_away(session, options, status);
        fhs_session_drop(session);
        return status;
    }
    *out = session;
    return FHIRSTORE_OK;
}

void fhs_answer_init(fhs_answer *answer)
{
    *answer = (fhs_answer){.type = FHS_TYPE_NONE};
    fhs_buf_init(&answer->body, FHS_LIMIT_JSON_BYTES);
    fhs_buf_init(&answer->media_type, FHS_LIMIT_URL_BYTES);
    fhs_buf_init(&answer->context, FHS_LIMIT_URL_BYTES);
}

void fhs_answer_clear(fhs_answer *answer)
{
    fhs_buf_clear(&answer->body);
    fhs_buf_clear(&answer->media_type);
    fhs_buf_clear(&answer->context);
}

void fhs_answer_describe(fhs_answer *answer, fhs_type type, const fhs_version *version)
{
    answer->type = type;
    answer->id_len = version->id.len < sizeof answer->id ? version->id.len : sizeof answer->id - 1;
    memcpy(answer->id, version->id.ptr, answer->id_len);
    answer->id[answer->id_len] = '\0';
    answer->version = version->version;
    answer->updated_us = version->updated_us;
}
