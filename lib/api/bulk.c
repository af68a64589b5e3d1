/* SPDX-License-Identifier: Apache-2.0 */
#include "fhirstore/bulk.h"

#include "api/handle.h"
#include "base/mem.h"

#define IMPORT_OPTIONS_V1_SIZE FHS_ABI_SIZE(fhirstore_import_options, reserved0)
#define EXPORT_OPTIONS_V1_SIZE FHS_ABI_SIZE(fhirstore_export_options, since_us)
#define IMPORT_TOTALS_V1_SIZE  FHS_ABI_SIZE(fhirstore_import_totals, bytes)

FHS_ABI_HEAD(fhirstore_import_options);
FHS_ABI_HEAD(fhirstore_export_options);
FHS_ABI_HEAD(fhirstore_import_totals);

fhirstore_status fhirstore_import_options_init(fhirstore_import_options *options,
                                               size_t struct_size)
{
    return fhs_abi_init(options, struct_size, sizeof *options, IMPORT_OPTIONS_V1_SIZE);
}

fhirstore_status fhirstore_export_options_init(fhirstore_export_options *options,
                                               size_t struct_size)
{
    return fhs_abi_init(options, struct_size, sizeof *options, EXPORT_OPTIONS_V1_SIZE);
}

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

fhs_import *fhs_import_take(fhirstore_import *import)
{
    fhirstore *store = import->store;
    fhs_import *inner = import->inner;
    import->inner = NULL;
    if (inner == NULL) {
        return NULL;
    }
    if (import->previous != NULL) {
        import->previous->next = import->next;
    } else {
        store->imports = import->next;
    }
    if (import->next != NULL) {
        import->next->previous = import->previous;
    }
    return inner;
}

fhirstore_status fhirstore_import_open(fhirstore_session *session,
                                       const fhirstore_import_options *options,
                                       fhirstore_import **import_out, fhirstore_error **err_out)
{
    static const fhirstore_import_options defaults = FHIRSTORE_IMPORT_OPTIONS_INIT;
    fhirstore_import_options known;
    fhs_api_begin(err_out);
    if (import_out == NULL) {
        return fhs_api_invalid(err_out, "import_out is NULL");
    }
    *import_out = NULL;
    fhirstore_status status = fhs_abi_copy(&known, sizeof known, IMPORT_OPTIONS_V1_SIZE,
                                           options == NULL ? &defaults : options, err_out);
    if (status >= FHIRSTORE_OK && (known.flags != 0 || known.reserved0 != 0)) {
        status = fhs_api_invalid(err_out, "options: unknown flags, or reserved0 is not 0");
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_session_enter(session, err_out);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const fhs_import_options inner = {known.per_commit, known.refused, known.progress, known.ctx};
    fhirstore_import *import = fhs_calloc(1, sizeof *import);
    status = import == NULL ? fhs_fail_memory(err_out)
                            : fhs_import_open(session->inner, &inner, &import->inner, err_out);
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

fhirstore_status fhirstore_import_flush(fhirstore_import *import, fhirstore_error **err_out)
{
    fhs_api_begin(err_out);
    fhirstore_status status = enter_import(import, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_import_finish(import->inner, err_out);
        fhs_store_leave(import->store);
    }
    return status;
}

static fhirstore_status give_totals(fhirstore_import_totals *to,
                                    const fhirstore_import_totals *totals)
{
    return fhs_abi_give(to, totals, sizeof *totals, IMPORT_TOTALS_V1_SIZE);
}

fhirstore_status fhirstore_import_get_totals(const fhirstore_import *import,
                                             fhirstore_import_totals *totals_out)
{
    static const fhirstore_import_totals none = {0};
    fhirstore_status status = totals_out == NULL ? FHIRSTORE_ERR_INVALID_ARG
                                                 : give_totals(totals_out, &none);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (import == NULL || import->kind != FHS_KIND_IMPORT) {
        return FHIRSTORE_ERR_INVALID_ARG;
    }
    status = fhs_store_enter(import->store, NULL);
    if (status >= FHIRSTORE_OK) {
        status = give_totals(totals_out, fhs_import_totals(import->inner));
        fhs_store_leave(import->store);
    }
    return status;
}

fhirstore_status fhirstore_import_finish(fhirstore_import *import,
                                         fhirstore_import_totals *totals_out,
                                         fhirstore_error **err_out)
{
    static const fhirstore_import_totals none = {0};
    fhs_api_begin(err_out);
    if (totals_out != NULL && give_totals(totals_out, &none) < FHIRSTORE_OK) {
        return fhs_fail_plain(err_out, FHIRSTORE_ERR_ABI);
    }
    fhirstore_status status = enter_import(import, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_import_finish(import->inner, err_out);
        if (totals_out != NULL) {
            (void)give_totals(totals_out, fhs_import_totals(import->inner));
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
    (void)pthread_mutex_lock(&store->lock);
    fhs_import *inner = fhs_import_take(import);
    store->calls += inner != NULL; /* even of a store that is closing: it waits */
    (void)pthread_mutex_unlock(&store->lock);
    if (inner != NULL) {
        fhs_import_close(inner);
        fhs_store_leave(store);
    }
    fhs_free(import);
    fhs_store_drop(store);
}

static fhirstore_status check_export(const fhirstore_export_options *options, fhs_str *type_out,
                                     fhirstore_error **err)
{
    if (options->flags != 0) {
        return fhs_api_invalid(err, "options.flags has unknown bits");
    }
    if (!fhs_api_text(options->type, options->type_len, type_out)) {
        return fhs_api_invalid(err, "options.type");
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhirstore_export(fhirstore_session *session,
                                  const fhirstore_export_options *options, fhirstore_export_fn take,
                                  void *ctx, int64_t *count_out, fhirstore_error **err_out)
{
    static const fhirstore_export_options defaults = FHIRSTORE_EXPORT_OPTIONS_INIT;
    fhirstore_export_options wanted;
    fhs_str name;
    fhs_type known = FHS_TYPE_NONE;
    int64_t count = 0;
    fhs_api_begin(err_out);
    if (count_out != NULL) {
        *count_out = 0;
    }
    if (take == NULL) {
        return fhs_api_invalid(err_out, "take is NULL");
    }
    fhirstore_status status = fhs_abi_copy(&wanted, sizeof wanted, EXPORT_OPTIONS_V1_SIZE,
                                           options == NULL ? &defaults : options, err_out);
    if (status >= FHIRSTORE_OK) {
        status = check_export(&wanted, &name, err_out);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_session_enter(session, err_out);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (name.len > 0) {
        status = fhs_resource_type(session->store->core, name, &known, err_out);
    }
    if (status < FHIRSTORE_OK) {
        (void)fhs_session_refuse(session->inner, FHIRSTORE_ACTION_EXPORT, FHS_TYPE_NONE,
                                 FHS_STR_NONE, FHS_STR_NONE, status);
    } else {
        status = fhs_export(session->inner, known, wanted.since_us, take, ctx, &count, err_out);
    }
    fhs_session_leave(session);
    if (count_out != NULL) {
        *count_out = count;
    }
    return status;
}
