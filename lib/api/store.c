/* SPDX-License-Identifier: Apache-2.0 */
#include "fhirstore/store.h"

#include <stddef.h>
#include <string.h>

#include "api/handle.h"
#include "base/mem.h"
#include "interact/anchor.h"
#include "interact/ledger.h"
#include "vfs/vfs.h"

#define OPEN_OPTIONS_V1_SIZE FHS_ABI_SIZE(fhirstore_open_options, journal)
#define KNOWN_OPEN_FLAGS                                                                      \
    ((uint32_t)(FHIRSTORE_OPEN_CREATE | FHIRSTORE_OPEN_READ_ONLY | FHIRSTORE_OPEN_PLAINTEXT | \
                FHIRSTORE_OPEN_MULTI_PROCESS | FHIRSTORE_OPEN_SYNC_NORMAL |                   \
                FHIRSTORE_OPEN_CHEAP_KDF | FHIRSTORE_OPEN_AUDIT_BEST_EFFORT |                 \
                FHIRSTORE_OPEN_PATIENT_KEYS))

#define MIN_WAL_BYTES 65536u

FHS_ABI_HEAD(fhirstore_open_options);

const char *fhirstore_version(void)
{
    return FHIRSTORE_VERSION_TEXT;
}

fhirstore_status fhirstore_open_options_init(fhirstore_open_options *options, size_t struct_size)
{
    return fhs_abi_init(options, struct_size, sizeof *options, OPEN_OPTIONS_V1_SIZE);
}

bool fhs_api_is_base_url(fhs_str url)
{
    fhs_str rest = fhs_str_starts_with(url, FHS_LIT("https://"))  ? fhs_str_from(url, 8)
                   : fhs_str_starts_with(url, FHS_LIT("http://")) ? fhs_str_from(url, 7)
                                                                  : FHS_STR_NONE;
    for (size_t i = 0; i < rest.len; i++) {
        unsigned char c = (unsigned char)rest.ptr[i];
        if (c <= 0x20 || c >= 0x7F || strchr("\"<>\\^`{|}?#", c) != NULL) {
            return false;
        }
    }
    return rest.len > 0 && rest.ptr[0] != '/';
}

static fhirstore_status check_keys(const fhirstore_open_options *options, fhirstore_error **err)
{
    fhs_str key_id;
    int given = (options->key != NULL) + (options->passphrase != NULL) +
                (options->recipient_key != NULL) + (options->key_callback != NULL);
    if (options->recipient_key == NULL ? options->recipient_key_len != 0
                                       : options->recipient_key_len != 32) {
        return fhs_api_invalid(err, "options.recipient_key must have 32 bytes");
    }
    if (given > 1) {
        return fhs_api_invalid(err, "options.key, passphrase, recipient_key and key_callback "
                                    "exclude each other");
    }
    if (!fhs_api_text(options->key_id, options->key_id_len, &key_id)) {
        return fhs_api_invalid(err, "options.key_id");
    }
    if (given > 0 && (options->flags & FHIRSTORE_OPEN_PLAINTEXT) != 0) {
        return fhs_api_invalid(err, "FHIRSTORE_OPEN_PLAINTEXT and a key exclude each other");
    }
    return FHIRSTORE_OK;
}

static fhirstore_status check_options(const fhirstore_open_options *options, fhirstore_error **err)
{
    if ((options->flags & ~KNOWN_OPEN_FLAGS) != 0) {
        return fhs_api_invalid(err, "options.flags has unknown bits");
    }
    const uint32_t of_patients = (uint32_t)(FHIRSTORE_OPEN_PATIENT_KEYS | FHIRSTORE_OPEN_PLAINTEXT);
    if ((options->flags & of_patients) == of_patients) {
        return fhs_api_invalid(err, "FHIRSTORE_OPEN_PATIENT_KEYS is for encrypted stores");
    }
    if (options->journal < FHIRSTORE_JOURNAL_DEFAULT ||
        options->journal > FHIRSTORE_JOURNAL_STRICT) {
        return fhs_api_invalid(err, "options.journal is none of FHIRSTORE_JOURNAL_*");
    }
    if (options->key == NULL ? options->key_len != 0 : options->key_len != 32) {
        return fhs_api_invalid(err, "options.key must have 32 bytes");
    }
    fhirstore_status status = check_keys(options, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (options->fhir_version < 0 || options->fhir_version > FHIRSTORE_FHIR_R5) {
        return fhs_api_invalid(err, "options.fhir_version");
    }
    if (options->validation < 0 || options->validation > FHIRSTORE_VALIDATION_FULL) {
        return fhs_api_invalid(err, "options.validation");
    }
    if (options->integrity < 0 || options->integrity > FHIRSTORE_INTEGRITY_CASCADE) {
        return fhs_api_invalid(err, "options.integrity");
    }
    fhs_str base_url;
    fhs_str anchor;
    if (!fhs_api_text(options->base_url, options->base_url_len, &base_url) ||
        (base_url.len > 0 && !fhs_api_is_base_url(base_url))) {
        return fhs_api_invalid(err, "options.base_url must be an absolute http or https URL");
    }
    fhs_str no_history;
    if (!fhs_api_text(options->no_history, options->no_history_len, &no_history)) {
        return fhs_api_invalid(err, "options.no_history");
    }
    if (!fhs_api_text(options->anchor, options->anchor_len, &anchor) ||
        (options->anchor != NULL && anchor.len == 0)) {
        return fhs_api_invalid(err, "options.anchor");
    }
    if (options->wal_bytes != 0 &&
        (options->wal_bytes < MIN_WAL_BYTES || options->wal_bytes > INT64_MAX / 2)) {
        return fhs_api_invalid(err, "options.wal_bytes is below 65536");
    }
    if (options->cache_bytes > SIZE_MAX / 2) {
        return fhs_api_invalid(err, "options.cache_bytes");
    }
    return FHIRSTORE_OK;
}

static fhs_validation_mode validation_mode(int32_t option)
{
    return option == FHIRSTORE_VALIDATION_FULL ? FHS_VALIDATION_FULL : (fhs_validation_mode)option;
}

static fhs_core_options core_options(fhs_str path, const fhirstore_open_options *options)
{
    fhs_core_options out = {
        .storage =
            {
                .path = path,
                .key = options->key,
                .passphrase = fhs_str_of(options->passphrase, options->passphrase_len),
                .recipient_key = options->recipient_key,
                .ask_key = options->key_callback,
                .ask_key_ctx = options->key_callback_ctx,
                .key_id = fhs_str_of(options->key_id, options->key_id_len),
                .kdf_cost = {options->kdf_memory_kib, options->kdf_passes, options->kdf_target_ms},
                .create = (options->flags & FHIRSTORE_OPEN_CREATE) != 0,
                .read_only = (options->flags & FHIRSTORE_OPEN_READ_ONLY) != 0,
                .plaintext = (options->flags & FHIRSTORE_OPEN_PLAINTEXT) != 0,
                .multi_process = (options->flags & FHIRSTORE_OPEN_MULTI_PROCESS) != 0,
                .cheap_kdf = (options->flags & FHIRSTORE_OPEN_CHEAP_KDF) != 0,
                .patient_keys = (options->flags & FHIRSTORE_OPEN_PATIENT_KEYS) != 0,
                .cache_bytes = (size_t)options->cache_bytes,
                .wal_bytes = options->wal_bytes,
                .max_readers = options->max_readers,
                .busy_timeout_ms = options->busy_timeout_ms,
                .sync_normal = (options->flags & FHIRSTORE_OPEN_SYNC_NORMAL) != 0,
                .fhir_version = options->fhir_version,
                .new_fhir_version = FHIRSTORE_FHIR_R4,
                .now_us = options->clock,
                .now_ctx = options->clock_ctx,
            },
        .base_url = fhs_str_of(options->base_url, options->base_url_len),
        .no_history = fhs_str_of(options->no_history, options->no_history_len),
        .validation = validation_mode(options->validation),
        .integrity = (fhs_integrity_mode)options->integrity,
        .default_zone_minutes = options->default_zone_minutes,
        .journal = options->journal,
        .anchor = fhs_str_of(options->anchor == NULL ? "" : options->anchor, options->anchor_len),
        .audit_best_effort = (options->flags & FHIRSTORE_OPEN_AUDIT_BEST_EFFORT) != 0,
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

/* Take back one thing that an open cursor or import holds of the store; with the lock held. */
static bool take_one_back(fhirstore *store)
{
    fhs_search_cursor *cursor = store->searches == NULL ? NULL : fhs_search_take(store->searches);
    fhs_import *import = store->imports == NULL ? NULL : fhs_import_take(store->imports);
    if (cursor == NULL && import == NULL) {
        return false;
    }
    (void)pthread_mutex_unlock(&store->lock);
    fhs_search_cursor_close(cursor);
    fhs_import_close(import);
    (void)pthread_mutex_lock(&store->lock);
    return true;
}

/*
 * No call is inside and none gets in any more: take back what is open. A child that another thread
 * is just closing counts as a call, so it is waited for.
 */
static void wait_for_children(fhirstore *store)
{
    do {
        while (store->calls > 0) {
            (void)pthread_cond_wait(&store->is_idle, &store->lock);
        }
    } while (take_one_back(store));
}

void fhirstore_close(fhirstore *store)
{
    if (store == NULL || store->kind != FHS_KIND_STORE) {
        return;
    }
    (void)pthread_mutex_lock(&store->lock);
    bool was_closed = store->is_closed;
    store->is_closed = true;
    if (!was_closed) {
        wait_for_children(store);
    }
    (void)pthread_mutex_unlock(&store->lock);
    if (was_closed) {
        return;
    }
    fhs_core_close(store->core);
    store->core = NULL;
    fhs_store_drop(store);
}

int32_t fhirstore_fhir_version(const fhirstore *store)
{
    /* Counting a call in changes nothing that the caller sees. */
    fhirstore *counted = (fhirstore *)(uintptr_t)store;
    if (fhs_store_enter(counted, NULL) < FHIRSTORE_OK) {
        return 0;
    }
    fhs_fhir_version version = fhs_fhir_version_of(store->core->fhir);
    fhs_store_leave(counted);
    return (int32_t)version;
}

const char *fhirstore_open_notice(const fhirstore *store)
{
    uint64_t frame;
    fhirstore *counted = (fhirstore *)(uintptr_t)store;
    if (fhs_store_enter(counted, NULL) < FHIRSTORE_OK) {
        return NULL;
    }
    const struct fhs_vfs *vfs = fhs_storage_vfs(store->core->storage);
    bool is_cut = vfs != NULL && fhs_vfs_lost_tail(vfs, &frame);
    fhs_store_leave(counted);
    return is_cut ? "opening dropped the end of the log, which does not authenticate: the last "
                    "commits before a crash may be lost"
                  : NULL;
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

fhirstore_status fhirstore_anchor(fhirstore *store, fhirstore_buf *buf_out,
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
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    status = fhs_core_anchor(store->core, &text, err_out);
    if (status >= FHIRSTORE_OK) {
        fhs_buf_give(&text, buf_out);
    }
    fhs_buf_clear(&text);
    fhs_store_leave(store);
    return status;
}

fhirstore_status fhirstore_anchor_check(fhirstore *store, const char *anchor, size_t anchor_len,
                                        fhirstore_error **err_out)
{
    fhs_str text;
    fhs_api_begin(err_out);
    if (!fhs_api_text(anchor, anchor_len, &text)) {
        return fhs_api_invalid(err_out, "anchor is NULL");
    }
    fhirstore_status status = fhs_store_enter(store, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_core_check_anchor(store->core, text, err_out);
        fhs_store_leave(store);
    }
    return status;
}

/* Between two processes' turns others may have committed: the core asks the file from now on. */
static fhirstore_status suspend_core(fhs_core *core, fhirstore_error **err)
{
    fhirstore_status status = fhs_ledger_rest(core, err);
    if (status >= FHIRSTORE_OK) {
        core->multi_process = true;
        status = fhs_storage_suspend(core->storage, err);
    }
    return status;
}

fhirstore_status fhirstore_suspend(fhirstore *store, fhirstore_error **err_out)
{
    fhs_api_begin(err_out);
    fhirstore_status status = fhs_store_enter(store, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&store->lock);
    bool is_busy = store->calls > 1 || store->searches != NULL || store->imports != NULL;
    (void)pthread_mutex_unlock(&store->lock);
    status = is_busy ? fhs_fail(err_out, FHIRSTORE_ERR_BUSY, "the store is in use")
                     : suspend_core(store->core, err_out);
    fhs_store_leave(store);
    return status;
}

fhirstore_status fhirstore_store_trim(fhirstore *store, fhirstore_error **err_out)
{
    fhs_api_begin(err_out);
    fhirstore_status status = fhs_store_enter(store, err_out);
    if (status >= FHIRSTORE_OK) {
        fhs_storage_trim(store->core->storage);
        fhs_store_leave(store);
    }
    return status;
}
