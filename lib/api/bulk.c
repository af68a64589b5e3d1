/* SPDX-License-Identifier: Apache-2.0 */
#include "fhirstore/bulk.h"

#include "api/handle.h"
#include "base/mem.h"

static void enlist_import(fhirstore *store, fhirstore_import *import)
{
    (void)pthread_mutex_lock(&store->lock);
    store->holders++;
    import->next = store->imports;
    if (import->next != NULL) {
        import->next->previous = import;
    }
    store->imports = import;
    (void)pthread_mutex_unlock(&store->lock);
}

static void delist_import(fhirstore *store, fhirstore_import *import)
{
    (void)pthread_mutex_lock(&store->lock);
    if (import->previous != NULL) {
        import->previous->next = import->next;
    } else {
        store->imports = import->next;
    }
    if (import->next != NULL) {
        import->next->previous = import->previous;
    }
    (void)pthread_mutex_unlock(&store->lock);
}

fhirstore_status fhirstore_import_open(fhirstore_session *session, uint32_t per_commit,
                                       fhirstore_import_refused_fn refused,
                                       fhirstore_import_progress_fn progress, void *ctx,
                                       fhirstore_import **import_out, fhirstore_error **err_out)
{
    const fhs_import_options options = {per_commit, refused, progress, ctx};
    fhs_api_begin(err_out);
    if (import_out == NULL) {
        return fhs_api_invalid(err_out, "import_out is NULL");
    }
    *import_out = NULL;
    fhirstore_status status = fhs_session_enter(session, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhirstore_import *import = fhs_calloc(1, sizeof *import);
    status = import == NULL ? fhs_fail_memory(err_out)
                            : fhs_import_open(session->inner, &options, &import->inner, err_out);
    if (status >= FHIRSTORE_OK) {
        import->kind = FHS_KIND_IMPORT;
        import->store = session->store;
        enlist_import(import->store, import);
        *import_out = import;
    } else {
        fhs_free(import);
    }
    fhs_session_leave(session);
    return status;
}

static fhirstore_status enter_import(fhirstore_import *import, fhirstore_error **err)
{
    if (import == NULL || import->kind != FHS_KIND_IMPORT) {
        return fhs_api_invalid(err, "import");
    }
    return fhs_store_enter(import->store, err);
}

fhirstore_status fhirstore_import_add(fhirstore_import *import, const char *name, uint64_t line,
                                      const char *text, size_t text_len, fhirstore_error **err_out)
{
    fhs_str document;
    fhs_api_begin(err_out);
    if (!fhs_api_text(text, text_len, &document)) {
        return fhs_api_invalid(err_out, "text");
    }
    fhirstore_status status = enter_import(import, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_import_add(import->inner, name == NULL ? "" : name, line, document, err_out);
        fhs_store_leave(import->store);
    }
    return status;
}

fhirstore_status fhirstore_import_get_totals(const fhirstore_import *import,
                                             fhirstore_import_totals *totals_out)
{
    if (totals_out == NULL) {
        return FHIRSTORE_ERR_INVALID_ARG;
    }
    *totals_out = (fhirstore_import_totals){0};
    if (import == NULL || import->kind != FHS_KIND_IMPORT) {
        return FHIRSTORE_ERR_INVALID_ARG;
    }
    fhirstore_status status = fhs_store_enter(import->store, NULL);
    if (status >= FHIRSTORE_OK) {
        *totals_out = *fhs_import_totals(import->inner);
        fhs_store_leave(import->store);
    }
    return status;
}

fhirstore_status fhirstore_import_finish(fhirstore_import *import,
                                         fhirstore_import_totals *totals_out,
                                         fhirstore_error **err_out)
{
    fhs_api_begin(err_out);
    if (totals_out != NULL) {
        *totals_out = (fhirstore_import_totals){0};
    }
    fhirstore_status status = enter_import(import, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_import_finish(import->inner, err_out);
        if (totals_out != NULL) {
            *totals_out = *fhs_import_totals(import->inner);
        }
        fhs_store_leave(import->store);
    }
    return status;
}

void fhirstore_import_close(fhirstore_import *import)
{
    if (import == NULL || import->kind != FHS_KIND_IMPORT) {
        return;
    }
    fhirstore *store = import->store;
    import->kind = 0;
    delist_import(store, import);
    if (fhs_store_enter(store, NULL) == FHIRSTORE_OK) {
        fhs_import_close(import->inner);
        fhs_store_leave(store);
    }
    fhs_free(import);
    fhs_store_drop(store);
}

fhirstore_status fhirstore_export(fhirstore_session *session, const char *type, size_t type_len,
                                  int64_t since_us, fhirstore_export_fn take, void *ctx,
                                  int64_t *count_out, fhirstore_error **err_out)
{
    fhs_str name;
    fhs_type known = FHS_TYPE_NONE;
    int64_t count = 0;
    fhs_api_begin(err_out);
    if (count_out != NULL) {
        *count_out = 0;
    }
    if (take == NULL || !fhs_api_text(type, type_len, &name)) {
        return fhs_api_invalid(err_out, "take or type");
    }
    fhirstore_status status = fhs_session_enter(session, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (name.len > 0) {
        status = fhs_resource_type(session->store->core, name, &known, err_out);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_export(session->inner, known, since_us, take, ctx, &count, err_out);
    }
    fhs_session_leave(session);
    if (count_out != NULL) {
        *count_out = count;
    }
    return status;
}
