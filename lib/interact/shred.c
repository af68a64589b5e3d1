/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One transaction removes what belongs to the patient and to nobody else, and destroys the key:
 * before the commit everything is there, after it nothing can be read, whatever copies of the file
 * there are. Then the file is written anew, because rows that move leave their bytes in the space
 * between others; until that is done the store says so, and maintenance does it.
 */
#include "interact/shred.h"

#include <stdlib.h>

#include "base/mem.h"
#include "interact/purge.h"
#include "interact/sight.h"
#include "interact/words.h"
#include "storage/fulltext.h"
#include "storage/patient.h"
#include "json/json.h"

#define SHRED_STEP 1000u
/* As many are named; the others are counted. */
#define NAMES_MAX 1000u

typedef struct shred_work {
    fhs_call *call;
    fhs_str id;
    fhs_entity patient;
    fhs_patient_body *bodies; /* by resource and version */
    size_t count;
    size_t capacity;
    fhs_buf name; /* of the resource at work */
    int64_t resources;
    int64_t versions;
    fhs_entity referrers[NAMES_MAX];
    size_t referrer_count;
    fhs_buf *report;
} shred_work;

/* ---- what there is ---- */

static fhirstore_status gather_body(void *ctx, const fhs_patient_body *body)
{
    shred_work *work = ctx;
    if (work->count == work->capacity) {
        size_t capacity = work->capacity == 0 ? 64 : work->capacity * 2;
        fhs_patient_body *grown = fhs_realloc(work->bodies, capacity * sizeof *grown);
        if (grown == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        work->bodies = grown;
        work->capacity = capacity;
    }
    work->bodies[work->count++] = *body;
    return FHIRSTORE_OK;
}

static int compare_bodies(const void *a, const void *b)
{
    const fhs_patient_body *x = a;
    const fhs_patient_body *y = b;
    if (x->entity != y->entity) {
        return x->entity < y->entity ? -1 : 1;
    }
    return x->version < y->version ? -1 : x->version > y->version;
}

static fhirstore_status gather(shred_work *work, fhirstore_error **err)
{
    fhirstore_status status = fhs_patient_each_body(work->call->conn, work->patient, gather_body,
                                                    work, err);
    if (status == FHIRSTORE_ERR_NO_MEMORY && err != NULL && *err == NULL) {
        return fhs_fail_memory(err);
    }
    if (status >= FHIRSTORE_OK && work->count > 1) {
        qsort(work->bodies, work->count, sizeof *work->bodies, compare_bodies);
    }
    return status;
}

/* ---- one resource ---- */

/* What is there now, copied out of the connection. */
static fhirstore_status read_shredded(shred_work *work, fhs_entity entity, fhs_version *out,
                                      fhirstore_error **err)
{
    fhs_session *session = work->call->session;
    int32_t type = 0;
    fhs_buf_reset(&work->name);
    fhirstore_status status = fhs_entity_name(work->call->conn, entity, &type, &work->name, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_read_rows(work->call->conn, type, fhs_buf_str(&work->name), out, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_buf_reset(&session->old_body);
    fhs_buf_reset(&session->old_rows);
    fhs_buf_add_str(&session->old_body, out->body);
    fhs_buf_add_str(&session->old_rows, out->rows);
    if (fhs_buf_status(&session->old_body) < 0 || fhs_buf_status(&session->old_rows) < 0) {
        return fhs_fail_memory(err);
    }
    out->id = fhs_buf_str(&work->name);
    out->body = fhs_buf_str(&session->old_body);
    out->rows = fhs_buf_str(&session->old_rows);
    return FHIRSTORE_OK;
}

static fhirstore_status remove_whole(shred_work *work, const fhs_version *current,
                                     fhirstore_error **err)
{
    int64_t count = 0;
    fhirstore_status status = fhs_purge_words(work->call, current, true, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_purge(work->call->conn, current, &count, err);
    }
    work->resources++;
    work->versions += count;
    return status;
}

/* It has come to somebody else, or to others as well: what was the patient's alone goes. */
static fhirstore_status remove_past(shred_work *work, const fhs_version *current, int64_t last,
                                    fhirstore_error **err)
{
    int64_t count = 0;
    fhirstore_status status = fhs_purge_words(work->call, current, false, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_purge_to(work->call->conn, current->type, current->entity, last,
                                       &count, err);
    }
    work->versions += count;
    return status;
}

/* The versions of one resource, oldest first. */
static fhirstore_status shred_resource(shred_work *work, const fhs_patient_body *bodies,
                                       size_t count, fhirstore_error **err)
{
    fhs_version current;
    int64_t last = 0; /* the newest that is nobody else's */
    for (size_t i = 0; i < count; i++) {
        last = bodies[i].is_shared ? last : bodies[i].version;
    }
    if (last == 0) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = read_shredded(work, bodies[0].entity, &current, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const int64_t newest = current.is_deleted ? current.version - 1 : current.version;
    return last >= newest ? remove_whole(work, &current, err)
                          : remove_past(work, &current, last, err);
}

static fhirstore_status shred_resources(shred_work *work, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < work->count && status >= FHIRSTORE_OK;) {
        size_t end = i + 1;
        while (end < work->count && work->bodies[end].entity == work->bodies[i].entity) {
            end++;
        }
        status = shred_resource(work, work->bodies + i, end - i, err);
        i = end;
    }
    return status;
}

/* ---- what is told ---- */

static fhirstore_status report_names(shred_work *work, fhirstore_error **err)
{
    fhs_call *call = work->call;
    const fhs_core *core = call->session->core;
    fhirstore_status status = FHIRSTORE_OK;
    fhs_buf_add_cstr(work->report, ",\"stillNamedBy\":[");
    for (size_t i = 0; i < work->referrer_count && status >= FHIRSTORE_OK; i++) {
        int32_t type = 0;
        fhs_buf_reset(&work->name);
        status = fhs_entity_name(call->conn, work->referrers[i], &type, &work->name, err);
        fhs_buf_add_cstr(work->report, i > 0 ? ",\"" : "\"");
        fhs_buf_add_str(work->report,
                        fhs_type_name(core->fhir, fhs_catalog_type_back(core->catalog, type)));
        fhs_buf_add_char(work->report, '/');
        fhs_buf_add_str(work->report, fhs_buf_str(&work->name));
        fhs_buf_add_char(work->report, '"');
    }
    fhs_buf_add_char(work->report, ']');
    return status;
}

static fhirstore_status report_work(shred_work *work, fhirstore_error **err)
{
    fhs_buf_reset(work->report);
    fhs_buf_addf(work->report, "{\"resources\":%lld,\"versions\":%lld", (long long)work->resources,
                 (long long)work->versions);
    fhirstore_status status = report_names(work, err);
    return status >= FHIRSTORE_OK && fhs_buf_status(work->report) < FHIRSTORE_OK
               ? fhs_fail_plain(err, fhs_buf_status(work->report))
               : status;
}

/* ---- the transaction ---- */

static fhirstore_status find_patient(shred_work *work, fhirstore_error **err)
{
    fhs_call *call = work->call;
    bool has_key = false;
    const int32_t type = fhs_catalog_type(call->session->core->catalog, call->type);
    fhirstore_status status = FHIRSTORE_OK;
    if (fhs_sight_is_partial(call, call->type)) {
        status = fhs_sight_find(call, call->type, work->id, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_entity_find(call->conn, type, work->id, &work->patient, err);
    }
    if (status >= FHIRSTORE_OK && work->patient != 0) {
        status = fhs_patient_has_key(call->conn, work->patient, &has_key, err);
    }
    return status >= FHIRSTORE_OK && !has_key ? fhs_fail_plain(err, FHIRSTORE_ERR_NOT_FOUND)
                                              : status;
}

static fhirstore_status shred_in_transaction(fhs_call *call, void *ctx, fhirstore_error **err)
{
    shred_work *work = ctx;
    bool stays;
    work->call = call;
    fhirstore_status status = find_patient(work, err);
    if (status >= FHIRSTORE_OK) {
        status = gather(work, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = shred_resources(work, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_referrers(call->conn, work->patient, work->referrers, NAMES_MAX,
                               &work->referrer_count, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_patient_destroy(call->conn, work->patient, &stays, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_fulltext_optimize(call->conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_patient_set_untidy(call->conn, true, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = report_work(work, err);
    }
    call->count = work->resources;
    return status;
}

/* Words of older versions are taken out by what they were: the index has to have all of them. */
static fhirstore_status complete_words(fhs_core *core, fhirstore_error **err)
{
    uint32_t count = SHRED_STEP;
    fhirstore_status status = FHIRSTORE_OK;
    while (status >= FHIRSTORE_OK && count == SHRED_STEP) {
        status = fhs_words_step(core, SHRED_STEP, &count, err);
    }
    return status;
}

static fhirstore_status run_shred(fhs_call *call, shred_work *work, fhirstore_error **err)
{
    fhs_core *core = call->session->core;
    fhirstore_status status = fhs_call_ask(call, err);
    if (status >= FHIRSTORE_OK && !fhs_storage_has_patient_keys(core->storage)) {
        status = fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED,
                          "the store was not created with keys of patients");
    }
    if (status >= FHIRSTORE_OK && core->read_only) {
        status = fhs_fail_plain(err, FHIRSTORE_ERR_READ_ONLY);
    }
    if (status >= FHIRSTORE_OK) {
        status = complete_words(core, err);
    }
    return status < FHIRSTORE_OK ? fhs_call_refuse(call, status)
                                 : fhs_call_write(call, shred_in_transaction, work, err);
}

fhirstore_status fhs_interact_shred(fhs_session *session, fhs_str id, bool later, fhs_buf *report,
                                    fhirstore_error **err)
{
    fhs_call call;
    fhs_core *core = session->core;
    bool is_tidy = false;
    shred_work *work = fhs_calloc(1, sizeof *work);
    if (work == NULL) {
        return fhs_fail_memory(err);
    }
    work->id = id;
    work->report = report;
    fhs_buf_init(&work->name, FHS_LIMIT_URL_BYTES);
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_SHRED,
                   fhs_type_find(core->fhir, FHS_LIT("Patient")), id, FHS_STR_NONE);
    fhirstore_status status = run_shred(&call, work, err);
    fhs_call_end(&call);
    fhs_buf_clear(&work->name);
    fhs_free(work->bodies);
    fhs_free(work);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (!later && fhs_shred_tidy(core, &is_tidy, NULL) < FHIRSTORE_OK) {
        is_tidy = false; /* what cannot be done now maintenance will do */
    }
    fhs_buf_add_cstr(report, is_tidy ? ",\"tidy\":true}" : ",\"tidy\":false}");
    return fhs_buf_status(report) < FHIRSTORE_OK ? fhs_fail_plain(err, fhs_buf_status(report))
                                                 : FHIRSTORE_OK;
}

/* ---- afterwards ---- */

static fhirstore_status look_untidy(fhs_core *core, bool *yes_out, fhirstore_error **err)
{
    fhs_conn *conn = NULL;
    fhirstore_status status = fhs_storage_reader(core->storage, &conn, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_patient_is_untidy(conn, yes_out, err);
    }
    fhs_conn_release(conn);
    return status;
}

static fhirstore_status note_tidy(fhs_core *core, fhirstore_error **err)
{
    fhs_conn *conn = NULL;
    fhirstore_status status = fhs_storage_writer(core->storage, &conn, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_begin_write(conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_patient_set_untidy(conn, false, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_commit(conn, err);
    }
    fhs_conn_release(conn);
    return status;
}

fhirstore_status fhs_shred_tidy(fhs_core *core, bool *done_out, fhirstore_error **err)
{
    bool is_untidy = false;
    *done_out = true;
    if (!fhs_storage_has_patient_keys(core->storage)) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = look_untidy(core, &is_untidy, err);
    if (status < FHIRSTORE_OK || !is_untidy) {
        return status;
    }
    status = fhs_storage_compact(core->storage, err);
    if (status >= FHIRSTORE_OK) {
        fhirstore_error *why = NULL;
        status = fhs_storage_checkpoint(core->storage, &why);
        fhs_error_free(why);
        *done_out = status >= FHIRSTORE_OK;
        /* A reader keeps what it began with: later. */
        status = status == FHIRSTORE_ERR_BUSY ? FHIRSTORE_OK : status;
    }
    return status >= FHIRSTORE_OK && *done_out ? note_tidy(core, err) : status;
}
