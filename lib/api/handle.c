/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handle.h"

#include <string.h>

#include "base/mem.h"

/* A caller's struct larger than this is not a struct of ours. */
#define ABI_MAX_STRUCT 4096u

void fhs_api_begin(fhirstore_error **err_out)
{
    if (err_out != NULL) {
        *err_out = NULL;
    }
}

fhirstore_status fhs_api_invalid(fhirstore_error **err_out, const char *what)
{
    return fhs_fail(err_out, FHIRSTORE_ERR_INVALID_ARG, "invalid argument: %s", what);
}

bool fhs_api_text(const char *ptr, size_t len, fhs_str *out)
{
    *out = fhs_str_of(ptr == NULL ? "" : ptr, len);
    return ptr != NULL || len == 0;
}

fhirstore_status fhs_abi_init(void *options, size_t struct_size, size_t known_size, size_t v1_size)
{
    const uint32_t size = (uint32_t)struct_size;
    if (options == NULL) {
        return FHIRSTORE_ERR_INVALID_ARG;
    }
    if (struct_size < v1_size || struct_size > known_size * 8) {
        return FHIRSTORE_ERR_ABI;
    }
    memset(options, 0, struct_size);
    memcpy(options, &size, sizeof size);
    return FHIRSTORE_OK;
}

fhirstore_status fhs_abi_give(void *to, const void *from, size_t known_size, size_t v1_size)
{
    uint32_t size;
    const size_t head = sizeof size;
    memcpy(&size, to, head);
    if (size < v1_size || size > ABI_MAX_STRUCT) {
        return FHIRSTORE_ERR_ABI;
    }
    size_t fits = size < known_size ? size : known_size;
    memcpy((char *)to + head, (const char *)from + head, fits - head);
    memset((char *)to + fits, 0, size - fits);
    return FHIRSTORE_OK;
}

fhirstore_status fhs_abi_copy(void *into, size_t known_size, size_t v1_size, const void *from,
                              fhirstore_error **err_out)
{
    uint32_t caller_size;
    const unsigned char *bytes = from;
    memset(into, 0, known_size);
    memcpy(&caller_size, from, sizeof caller_size);
    if (caller_size < v1_size || caller_size > ABI_MAX_STRUCT) {
        return fhs_fail_plain(err_out, FHIRSTORE_ERR_ABI);
    }
    memcpy(into, from, caller_size < known_size ? caller_size : known_size);
    for (size_t i = known_size; i < caller_size; i++) {
        if (bytes[i] != 0) {
            return fhs_fail(err_out, FHIRSTORE_ERR_ABI,
                            "the structure asks for something newer than this library");
        }
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_store_enter(fhirstore *store, fhirstore_error **err)
{
    if (store == NULL || store->kind != FHS_KIND_STORE) {
        return fhs_api_invalid(err, "store");
    }
    (void)pthread_mutex_lock(&store->lock);
    bool is_closed = store->is_closed;
    store->calls += !is_closed;
    (void)pthread_mutex_unlock(&store->lock);
    return is_closed ? fhs_fail_plain(err, FHIRSTORE_ERR_CLOSED) : FHIRSTORE_OK;
}

void fhs_store_leave(fhirstore *store)
{
    (void)pthread_mutex_lock(&store->lock);
    if (--store->calls == 0 && store->is_closed) {
        (void)pthread_cond_broadcast(&store->is_idle);
    }
    (void)pthread_mutex_unlock(&store->lock);
}

void fhs_store_hold(fhirstore *store)
{
    (void)pthread_mutex_lock(&store->lock);
    store->holders++;
    (void)pthread_mutex_unlock(&store->lock);
}

void fhs_store_drop(fhirstore *store)
{
    (void)pthread_mutex_lock(&store->lock);
    bool is_last = --store->holders == 0;
    (void)pthread_mutex_unlock(&store->lock);
    if (is_last) {
        store->kind = 0;
        (void)pthread_cond_destroy(&store->is_idle);
        (void)pthread_mutex_destroy(&store->lock);
        fhs_free(store);
    }
}

fhirstore_status fhs_session_enter(fhirstore_session *session, fhirstore_error **err)
{
    if (session == NULL || session->kind != FHS_KIND_SESSION) {
        return fhs_api_invalid(err, "session");
    }
    fhirstore_status status = fhs_store_enter(session->store, err);
    if (status >= FHIRSTORE_OK && fhs_session_check(session->inner, err) < FHIRSTORE_OK) {
        status = fhs_session_refuse(session->inner, 0, FHS_TYPE_NONE, FHS_STR_NONE, FHS_STR_NONE,
                                    FHIRSTORE_ERR_SESSION_EXPIRED);
        fhs_store_leave(session->store);
    }
    return status;
}

void fhs_session_leave(fhirstore_session *session)
{
    fhs_store_leave(session->store);
}
