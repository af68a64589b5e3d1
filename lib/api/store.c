/* SPDX-License-Identifier: Apache-2.0 */
#include "fhirstore/store.h"

#include <stddef.h>
#include <string.h>

#include "api/handle.h"
#include "base/mem.h"
#include "vfs/vfs.h"

#define OPEN_OPTIONS_V1_SIZE (offsetof(fhirstore_open_options, reserved0) + sizeof(int32_t))
#define SESSION_OPTIONS_V1_SIZE \
    (offsetof(fhirstore_session_options, request_id_len) + sizeof(size_t))
#define KNOWN_OPEN_FLAGS                                                                      \
    ((uint32_t)(FHIRSTORE_OPEN_CREATE | FHIRSTORE_OPEN_READ_ONLY | FHIRSTORE_OPEN_PLAINTEXT | \
                FHIRSTORE_OPEN_MULTI_PROCESS | FHIRSTORE_OPEN_SYNC_NORMAL |                   \
                FHIRSTORE_OPEN_CHEAP_KDF))

_Static_assert(offsetof(fhirstore_open_options, flags) == 4, "bindings rely on this");

const char *fhirstore_version(void)
{
    return FHIRSTORE_VERSION_TEXT;
}

fhirstore_status fhirstore_open_options_init(fhirstore_open_options *options, size_t struct_size)
{
    if (options == NULL) {
        return FHIRSTORE_ERR_INVALID_ARG;
    }
    if (struct_size < OPEN_OPTIONS_V1_SIZE || struct_size > sizeof(fhirstore_open_options) * 8) {
        return FHIRSTORE_ERR_ABI;
    }
    memset(options, 0, struct_size);
    options->struct_size = (uint32_t)struct_size;
    return FHIRSTORE_OK;
}

static fhirstore_status check_options(const fhirstore_open_options *options, fhirstore_error **err)
{
    bool plain = (options->flags & FHIRSTORE_OPEN_PLAINTEXT) != 0;
    if ((options->flags & ~KNOWN_OPEN_FLAGS) != 0) {
        return fhs_api_invalid(err, "options.flags has unknown bits");
    }
    if (options->reserved0 != 0) {
        return fhs_api_invalid(err, "options.reserved0 must be 0");
    }
    if (options->key == NULL ? options->key_len != 0 : options->key_len != 32) {
        return fhs_api_invalid(err, "options.key must have 32 bytes");
    }
    if (options->key != NULL && options->passphrase != NULL) {
        return fhs_api_invalid(err, "options.key and options.passphrase exclude each other");
    }
    if (plain && (options->key != NULL || options->passphrase != NULL)) {
        return fhs_api_invalid(err, "FHIRSTORE_OPEN_PLAINTEXT and a key exclude each other");
    }
    if (options->fhir_version < 0 || options->fhir_version > FHIRSTORE_FHIR_R5) {
        return fhs_api_invalid(err, "options.fhir_version");
    }
    if (options->validation < 0 || options->validation > FHIRSTORE_VALIDATION_OFF) {
        return fhs_api_invalid(err, "options.validation");
    }
    if (options->cache_bytes > SIZE_MAX / 2) {
        return fhs_api_invalid(err, "options.cache_bytes");
    }
    return FHIRSTORE_OK;
}

static fhs_core_options core_options(fhs_str path, const fhirstore_open_options *options)
{
    fhs_core_options out = {
        .storage =
            {
                .path = path,
                .key = options->key,
                .passphrase = fhs_str_of(options->passphrase, options->passphrase_len),
                .create = (options->flags & FHIRSTORE_OPEN_CREATE) != 0,
                .read_only = (options->flags & FHIRSTORE_OPEN_READ_ONLY) != 0,
                .plaintext = (options->flags & FHIRSTORE_OPEN_PLAINTEXT) != 0,
                .multi_process = (options->flags & FHIRSTORE_OPEN_MULTI_PROCESS) != 0,
                .cheap_kdf = (options->flags & FHIRSTORE_OPEN_CHEAP_KDF) != 0,
                .cache_bytes = (size_t)options->cache_bytes,
                .max_readers = options->max_readers,
                .busy_timeout_ms = options->busy_timeout_ms,
                .sync_normal = (options->flags & FHIRSTORE_OPEN_SYNC_NORMAL) != 0,
                .fhir_version = options->fhir_version,
                .new_fhir_version = FHIRSTORE_FHIR_R4,
                .now_us = options->clock,
                .now_ctx = options->clock_ctx,
            },
        .base_url = fhs_str_of(options->base_url, options->base_url_len),
        .validation = (fhs_validation_mode)options->validation,
        .default_zone_minutes = options->default_zone_minutes,
        .clock = options->clock,
        .clock_ctx = options->clock_ctx,
    };
    return out;
}

static fhirstore *new_shell(void)
{
    fhirstore *store = fhs_calloc(1, sizeof *store);
    if (store != NULL) {
        store->kind = FHS_KIND_STORE;
        store->holders = 1;
        (void)pthread_mutex_init(&store->lock, NULL);
        (void)pthread_cond_init(&store->is_idle, NULL);
    }
    return store;
}

fhirstore_status fhirstore_open(const char *path, size_t path_len,
                                const fhirstore_open_options *options, fhirstore **store_out,
                                fhirstore_error **err_out)
{
    static const fhirstore_open_options defaults = FHIRSTORE_OPEN_OPTIONS_INIT;
    fhirstore_open_options known;
    fhs_str name;
    fhs_api_begin(err_out);
    if (store_out == NULL) {
        return fhs_api_invalid(err_out, "store_out is NULL");
    }
    *store_out = NULL;
    if (!fhs_api_text(path, path_len, &name) || path_len == 0 ||
        memchr(path, '\0', path_len) != NULL) {
        return fhs_api_invalid(err_out, "path");
    }
    fhirstore_status status = fhs_abi_copy(&known, sizeof known, OPEN_OPTIONS_V1_SIZE,
                                           options == NULL ? &defaults : options, err_out);
    if (status >= FHIRSTORE_OK) {
        status = check_options(&known, err_out);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhirstore *store = new_shell();
    if (store == NULL) {
        return fhs_fail_memory(err_out);
    }
    const fhs_core_options inner = core_options(name, &known);
    status = fhs_core_open(&inner, &store->core, err_out);
    if (status < FHIRSTORE_OK) {
        fhs_store_drop(store);
        return status;
    }
    *store_out = store;
    return FHIRSTORE_OK;
}

/* With every call gone, take back what open cursors and imports hold of the store. */
static void take_back(fhirstore *store)
{
    for (fhirstore_search *search = store->searches; search != NULL; search = search->next) {
        fhs_search_cursor_close(search->inner);
        search->inner = NULL;
    }
    for (fhirstore_import *import = store->imports; import != NULL; import = import->next) {
        fhs_import_close(import->inner);
        import->inner = NULL;
    }
}

void fhirstore_close(fhirstore *store)
{
    if (store == NULL || store->kind != FHS_KIND_STORE) {
        return;
    }
    (void)pthread_mutex_lock(&store->lock);
    bool was_closed = store->is_closed;
    store->is_closed = true;
    while (!was_closed && store->calls > 0) {
        (void)pthread_cond_wait(&store->is_idle, &store->lock);
    }
    (void)pthread_mutex_unlock(&store->lock);
    if (was_closed) {
        return;
    }
    take_back(store);
    fhs_core_close(store->core);
    store->core = NULL;
    fhs_store_drop(store);
}

int32_t fhirstore_fhir_version(const fhirstore *store)
{
    if (store == NULL || store->kind != FHS_KIND_STORE || store->core == NULL) {
        return 0;
    }
    return (int32_t)fhs_fhir_version_of(store->core->fhir);
}

fhirstore_status fhirstore_stats(fhirstore *store, fhirstore_buf *buf_out,
                                 fhirstore_error **err_out)
{
    fhs_api_begin(err_out);
    if (buf_out == NULL) {
        return fhs_api_invalid(err_out, "buf_out is NULL");
    }
    fhirstore_status status = fhs_store_enter(store, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    status = fhs_core_stats(store->core, &text, err_out);
    if (status >= FHIRSTORE_OK) {
        fhs_buf_give(&text, buf_out);
    }
    fhs_buf_clear(&text);
    fhs_store_leave(store);
    return status;
}

fhirstore_status fhirstore_verify(fhirstore *store, fhirstore_finding_fn report, void *ctx,
                                  int64_t *findings_out, fhirstore_error **err_out)
{
    int64_t findings = 0;
    fhs_api_begin(err_out);
    fhirstore_status status = fhs_store_enter(store, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_core_verify(store->core, report, ctx, &findings, err_out);
        fhs_store_leave(store);
    }
    if (findings_out != NULL) {
        *findings_out = findings;
    }
    return status;
}

fhirstore_status fhirstore_session_options_init(fhirstore_session_options *options,
                                                size_t struct_size)
{
    if (options == NULL) {
        return FHIRSTORE_ERR_INVALID_ARG;
    }
    if (struct_size < SESSION_OPTIONS_V1_SIZE ||
        struct_size > sizeof(fhirstore_session_options) * 8) {
        return FHIRSTORE_ERR_ABI;
    }
    memset(options, 0, struct_size);
    options->struct_size = (uint32_t)struct_size;
    return FHIRSTORE_OK;
}
