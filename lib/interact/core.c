/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/core.h"

#include <stdint.h>

#include "base/clock.h"
#include "base/mem.h"
#include "interact/anchor.h"
#include "interact/hooks.h"
#include "interact/ledger.h"
#include "interact/params.h"
#include "interact/patient_cache.h"
#include "interact/settings.h"
#include "search/search.h"
#include "vfs/vfs.h"

int64_t fhs_core_now(const fhs_core *core)
{
    return core->clock == NULL ? fhs_clock_now_us() : core->clock(core->clock_ctx);
}

/*
 * Give the store the names of definitions it does not know yet, and mark rows that this library
 * would make otherwise: at creation, and after an upgrade.
 */
static fhirstore_status install_catalog(fhs_core *core, fhirstore_error **err)
{
    fhs_conn *writer = NULL;
    fhirstore_status status = fhs_storage_writer(core->storage, &writer, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_begin_write(writer, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_catalog_install(core->catalog, writer, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_commit(writer, err);
    }
    fhs_conn_release(writer);
    return status;
}

static fhirstore_status open_catalog(fhs_core *core, fhirstore_error **err)
{
    fhs_conn *conn = NULL;
    fhirstore_status status = fhs_case_cache_new(&core->cases, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_storage_reader(core->storage, &conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_catalog_open(core->fhir, conn, &core->catalog, err);
    }
    fhs_conn_release(conn);
    if (status < FHIRSTORE_OK || fhs_catalog_is_complete(core->catalog)) {
        return status;
    }
    return core->read_only
               ? fhs_fail(err, FHIRSTORE_ERR_READ_ONLY,
                          "the store's index is that of an older library: open it for writing, "
                          "then reindex")
               : install_catalog(core, err);
}

static fhirstore_status open_parts(fhs_core *core, const fhs_core_options *options,
                                   fhirstore_error **err)
{
    fhirstore_status status = fhs_storage_open(&options->storage, &core->storage, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    core->fhir = fhs_fhir_get((fhs_fhir_version)fhs_storage_fhir_version(core->storage));
    if (core->fhir == NULL) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED,
                        "the store's FHIR version is not built into this library");
    }
    struct fhs_vfs *vfs = fhs_storage_vfs(core->storage);
    core->owns_token_keys = vfs == NULL;
    if (vfs != NULL) {
        core->token_keys = fhs_vfs_keys(vfs);
    } else {
        status = fhs_keys_new_ephemeral(&core->token_keys, err);
    }
    if (status >= FHIRSTORE_OK && options->anchor.len > 0) {
        status = fhs_core_check_anchor(core, options->anchor, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_core_open_settings(core, options, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_indexer_new(core->fhir, &core->indexer, err);
    }
    if (status >= FHIRSTORE_OK) {
        core->invariants = fhs_invariants_new(core->fhir);
        status = core->invariants == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
    }
    if (status >= FHIRSTORE_OK) {
        fhs_indexer_set_zone(core->indexer, core->default_zone_minutes);
        status = open_catalog(core, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_core_open_params(core, err);
    }
    return status < FHIRSTORE_OK ? status : fhs_ledger_open(core, options->journal, err);
}

fhirstore_status fhs_core_open(const fhs_core_options *options, fhs_core **out,
                               fhirstore_error **err)
{
    fhs_core *core = fhs_calloc(1, sizeof *core);
    *out = NULL;
    if (core == NULL) {
        return fhs_fail_memory(err);
    }
    core->validation = options->validation;
    core->integrity = options->integrity;
    core->read_only = options->storage.read_only;
    core->multi_process = options->storage.multi_process;
    core->clock = options->clock;
    core->clock_ctx = options->clock_ctx;
    core->audit_best_effort = options->audit_best_effort;
    (void)pthread_mutex_init(&core->hooks_lock, NULL);
    fhirstore_status status = fhs_patient_cache_new(&core->patients, err);
    if (status >= FHIRSTORE_OK) {
        status = open_parts(core, options, err);
    }
    if (status < FHIRSTORE_OK) {
        fhs_core_close(core);
        return status;
    }
    *out = core;
    return FHIRSTORE_OK;
}

void fhs_core_close(fhs_core *core)
{
    if (core == NULL) {
        return;
    }
    fhs_ledger_close(core);
    fhs_patient_cache_free(core->patients);
    fhs_params_drop(core->params);
    fhs_params_drop(core->own_params);
    fhs_catalog_free(core->catalog);
    fhs_case_cache_free(core->cases);
    fhs_invariants_free(core->invariants);
    fhs_indexer_free(core->indexer);
    fhs_storage_close(core->storage);
    if (core->owns_token_keys) {
        fhs_keys_free(core->token_keys);
    }
    fhs_hooks_drop(core);
    fhs_core_free_named(core);
    if (core->free_operations != NULL) {
        core->free_operations(core);
    }
    (void)pthread_mutex_destroy(&core->hooks_lock);
    fhs_free((void *)(uintptr_t)core->base_url.ptr);
    fhs_free(core->without_history);
    fhs_free(core);
}
