/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/touched.h"

#include <string.h>

#include "base/mem.h"
#include "fhir/reference.h"
#include "interact/owners.h"
#include "interact/patient_cache.h"

/* Names like a patient's that are looked up in one text. */
#define BODY_GUESSES 256

/* A session keeps the room that a call needed, up to this. */
#define KEPT_BYTES ((size_t)64 * 1024)

/* A version whose patients are still to be looked up. */
typedef struct waiting_version {
    fhs_entity entity;
    int64_t seq;
    fhs_type type;
} waiting_version;

typedef struct entity_list {
    fhs_entity *items;
    size_t count;
    size_t capacity;
} entity_list;

struct fhs_touched {
    fhs_buf resources; /* "Type/id", blanks between */
    int64_t resource_count;
    fhs_buf waiting;           /* of waiting_version */
    fhs_buf patients;          /* ids, blanks between */
    entity_list known;         /* the same patients, ascending */
    fhs_patient_list *filling; /* takes those of one version besides; NULL: nobody asks */
    uint32_t flags;
    bool failed; /* no memory: what is not complete must not be told */
};

/* ---- lists ---- */

static bool make_entity_room(entity_list *list)
{
    if (list->count < list->capacity) {
        return true;
    }
    size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
    fhs_entity *grown = fhs_realloc(list->items, capacity * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    list->items = grown;
    list->capacity = capacity;
    return true;
}

/* Where @a entity is in an ascending list, or belongs. */
static size_t place_of_entity(const entity_list *list, fhs_entity entity)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->items[middle] < entity) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_listed(const entity_list *list, fhs_entity entity)
{
    size_t at = place_of_entity(list, entity);
    return at < list->count && list->items[at] == entity;
}

static fhs_touched *open_touched(fhs_call *call)
{
    fhs_session *session = call->session;
    if (call->touched == NULL && session->spare_touched != NULL) {
        call->touched = session->spare_touched;
        session->spare_touched = NULL;
    } else if (call->touched == NULL) {
        call->touched = fhs_calloc(1, sizeof *call->touched);
        if (call->touched == NULL) {
            call->touch_failed = true;
            return NULL;
        }
        fhs_buf_init(&call->touched->resources, FHS_LIMIT_RESOURCE_BYTES);
        fhs_buf_init(&call->touched->patients, FHS_LIMIT_RESOURCE_BYTES);
        fhs_buf_init(&call->touched->waiting, FHS_LIMIT_RESOURCE_BYTES);
    }
    return call->touched;
}

/* False: it is not to be looked at any further. */
static bool note_name(fhs_call *call, fhs_type type, fhs_str id)
{
    const fhs_core *core = call->session->core;
    fhs_touched *touched = call->is_heard ? open_touched(call) : NULL;
    if (touched == NULL) {
        return false;
    }
    if (touched->resource_count >= FHS_LIMIT_AUDIT_RESOURCES) {
        touched->flags |= FHIRSTORE_AUDIT_MORE_RESOURCES | FHIRSTORE_AUDIT_MORE_PATIENTS;
        return false;
    }
    touched->resource_count++;
    fhs_buf_add_cstr(&touched->resources, touched->resources.len > 0 ? " " : "");
    fhs_buf_add_str(&touched->resources, fhs_type_name(core->fhir, type));
    fhs_buf_add_char(&touched->resources, '/');
    fhs_buf_add_str(&touched->resources, id);
    return true;
}

static void wait_for_patients(fhs_touched *touched, fhs_type type, const fhs_version *version)
{
    const waiting_version waiting = {version->entity, version->seq, type};
    fhs_buf_add(&touched->waiting, (const char *)&waiting, sizeof waiting);
}

void fhs_touch(fhs_call *call, const fhs_version *version)
{
    const fhs_type type = fhs_catalog_type_back(call->session->core->catalog, version->type);
    if (note_name(call, type, version->id)) {
        wait_for_patients(call->touched, type, version);
    }
}

/* ---- patients ---- */

static void add_patient(fhs_touched *touched, fhs_entity entity, fhs_str id)
{
    if (touched->filling != NULL) {
        fhs_patient_list_add(touched->filling, entity, id);
    }
    size_t at = place_of_entity(&touched->known, entity);
    if (at < touched->known.count && touched->known.items[at] == entity) {
        return;
    }
    if (touched->known.count >= FHS_LIMIT_AUDIT_PATIENTS) {
        touched->flags |= FHIRSTORE_AUDIT_MORE_PATIENTS;
        return;
    }
    if (!make_entity_room(&touched->known)) {
        touched->failed = true;
        return;
    }
    fhs_entity *place = touched->known.items + at;
    memmove(place + 1, place, (touched->known.count - at) * sizeof *place);
    *place = entity;
    touched->known.count++;
    fhs_buf_add_cstr(&touched->patients, touched->patients.len > 0 ? " " : "");
    fhs_buf_add_str(&touched->patients, id);
}

static size_t id_length(fhs_str text)
{
    size_t len = 0;
    while (len < text.len && len <= FHS_LIMIT_ID_BYTES &&
           fhs_id_is_valid(fhs_str_of(text.ptr + len, 1))) {
        len++;
    }
    return len;
}

/*
 * @a entity is referenced but was never stored, so only the text that refers to it has its name:
 * the one written there as "Patient/…" whose number it is.
 */
static fhirstore_status find_in_body(fhs_call *call, fhs_entity entity, fhs_str body,
                                     fhirstore_error **err)
{
    static const fhs_str mark = FHS_LIT_INIT("Patient/");
    const fhs_core *core = call->session->core;
    int32_t patient = fhs_catalog_type(core->catalog,
                                       fhs_type_find(core->fhir, FHS_LIT("Patient")));
    /* "Patient\/1" is the same in JSON. */
    const bool is_escaped = fhs_str_find(body, FHS_LIT("\\/")) < body.len;
    for (int guesses = 0; guesses < BODY_GUESSES; guesses++) {
        fhs_entity found = 0;
        const size_t at = fhs_str_find(body, mark);
        if (at >= body.len && !is_escaped) {
            return FHIRSTORE_OK; /* it refers to something else */
        }
        if (at >= body.len) {
            break;
        }
        body = fhs_str_from(body, at + mark.len);
        const fhs_str id = fhs_str_of(body.ptr, id_length(body));
        if (!fhs_id_is_valid(id)) {
            continue;
        }
        fhirstore_status status = fhs_entity_find(call->conn, patient, id, &found, err);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        if (found == entity) {
            add_patient(call->touched, entity, id);
            return FHIRSTORE_OK;
        }
    }
    call->touched->flags |= FHIRSTORE_AUDIT_MORE_PATIENTS;
    return FHIRSTORE_OK;
}

/* *stranger_out: a reference leads to what is not stored; its name is to be found in the body. */
static fhirstore_status add_patient_target(fhs_call *call, fhs_entity entity, bool *stranger_out,
                                           fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    char room[FHS_LIMIT_ID_BYTES + 1];
    fhs_buf id = FHS_BUF_INIT(sizeof room);
    int32_t number = 0;
    fhirstore_status status = fhs_entity_name(call->conn, entity, &number, &id, err);
    fhs_type type = number == 0 ? FHS_TYPE_NONE : fhs_catalog_type_back(core->catalog, number);
    *stranger_out = number == 0;
    if (status == FHIRSTORE_OK && type != FHS_TYPE_NONE &&
        fhs_str_eq(fhs_type_name(core->fhir, type), FHS_LIT("Patient"))) {
        add_patient(call->touched, entity, fhs_buf_str(&id));
    }
    fhs_buf_clear(&id);
    return status;
}

/* The patients that a state of a resource refers to. *stranger_out as for add_patient_target(). */
static fhirstore_status add_referenced(fhs_call *call, fhs_type type, fhs_str rows, fhs_str body,
                                       bool *stranger_out, fhirstore_error **err)
{
    fhs_patient_params params;
    fhs_row row;
    fhs_row_cursor cursor = {rows};
    fhirstore_status status = fhs_patient_params_find(call, type, &params, err);
    const fhs_core *core = call->session->core;
    const fhs_str *codes;
    /* With keys of patients it is as for bodies (owners.h). */
    const bool takes_all = fhs_storage_has_patient_keys(core->storage) &&
                           fhs_compartment_params(core->fhir, FHS_COMPARTMENT_PATIENT, type,
                                                  &codes) == 0;
    while (status == FHIRSTORE_OK && (takes_all || params.count > 0) &&
           fhs_row_next(&cursor, &row, NULL) == FHIRSTORE_OK) {
        bool is_stranger = false;
        if (row.kind != FHS_ROW_REFERENCE ||
            !(takes_all || fhs_patient_params_have(&params, row.param))) {
            continue;
        }
        if (call->touched->filling == NULL && is_listed(&call->touched->known, row.a)) {
            continue;
        }
        status = add_patient_target(call, row.a, &is_stranger, err);
        if (status == FHIRSTORE_OK && is_stranger && body.len > 0) {
            status = find_in_body(call, row.a, body, err);
        }
        *stranger_out = *stranger_out || is_stranger;
    }
    return status;
}

static fhirstore_status check_touched(const fhs_call *call, fhirstore_status status,
                                      fhirstore_error **err)
{
    const fhs_touched *touched = call->touched;
    if (status == FHIRSTORE_OK &&
        (call->touch_failed ||
         (touched != NULL && (touched->failed || fhs_buf_status(&touched->patients) < 0 ||
                              fhs_buf_status(&touched->resources) < 0)))) {
        return fhs_fail_memory(err);
    }
    return status;
}

static void add_itself(fhs_call *call, fhs_type type, fhs_entity entity, fhs_str id)
{
    if (fhs_str_eq(fhs_type_name(call->session->core->fhir, type), FHS_LIT("Patient"))) {
        add_patient(call->touched, entity, id);
    }
}

fhirstore_status fhs_touch_state(fhs_call *call, fhs_type type, fhs_entity entity, fhs_str id,
                                 fhs_str rows, fhs_str body, fhirstore_error **err)
{
    bool has_stranger = false;
    if (!call->is_heard) {
        return FHIRSTORE_OK;
    }
    if (open_touched(call) == NULL) {
        return fhs_fail_memory(err);
    }
    add_itself(call, type, entity, id);
    fhirstore_status status = add_referenced(call, type, rows, body, &has_stranger, err);
    if (has_stranger && body.len == 0) {
        call->touched->flags |= FHIRSTORE_AUDIT_MORE_PATIENTS;
    }
    return check_touched(call, status, err);
}

static fhirstore_status rows_of_body(fhs_call *call, fhs_type type, const fhs_version *version,
                                     fhs_buf *rows, fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    fhs_entries entries = {0};
    fhs_arena arena;
    fhs_arena_init(&arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_conn_allow_scratch(call->conn, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_index_extract_body(core->indexer, core->base_url, version->body, &arena,
                                        &entries, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_index_rows(core->catalog, call->conn, type, &entries, rows, err);
    }
    fhs_arena_clear(&arena);
    return status;
}

fhirstore_status fhs_touch_body(fhs_call *call, fhs_type type, const fhs_version *version,
                                fhirstore_error **err)
{
    const fhs_str *codes;
    fhs_buf rows = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = FHIRSTORE_OK;
    if (!call->is_heard) {
        return FHIRSTORE_OK;
    }
    if (version->body.len > 0 &&
        fhs_compartment_params(call->session->core->fhir, FHS_COMPARTMENT_PATIENT, type, &codes) >
            0) {
        status = rows_of_body(call, type, version, &rows, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_touch_state(call, type, version->entity, version->id, fhs_buf_str(&rows),
                                 version->body, err);
    }
    if (version->body.len == 0 && !version->is_deleted && call->touched != NULL) {
        call->touched->flags |= FHIRSTORE_AUDIT_MORE_PATIENTS; /* it is large, and stands apart */
    }
    fhs_buf_clear(&rows);
    return status;
}

fhirstore_status fhs_touch_version(fhs_call *call, const fhs_version *version,
                                   fhirstore_error **err)
{
    const fhs_type type = fhs_catalog_type_back(call->session->core->catalog, version->type);
    if (!note_name(call, type, version->id)) {
        return FHIRSTORE_OK;
    }
    if (version->is_current) {
        wait_for_patients(call->touched, type, version);
        return FHIRSTORE_OK;
    }
    return fhs_touch_body(call, type, version, err);
}

/* ---- current versions ---- */

/* Whether resources of @a type are in the compartment of any patient. */
static bool concerns_patients(const fhs_call *call, fhs_type type)
{
    const fhs_str *codes;
    const fhs_core *core = call->session->core;
    return fhs_compartment_params(core->fhir, FHS_COMPARTMENT_PATIENT, type, &codes) > 0 ||
           fhs_str_eq(fhs_type_name(core->fhir, type), FHS_LIT("Patient"));
}

/*
 * The row list says where references lead; where that is nowhere, the text has the name: @a body,
 * or empty where it has to be read, which ends what is lent out.
 */
static fhirstore_status look_up_rows(fhs_call *call, const waiting_version *what, fhs_str body,
                                     fhirstore_error **err)
{
    bool has_stranger = false;
    fhs_version version;
    fhs_buf *rows = &call->session->touched_rows;
    fhs_buf_reset(rows);
    fhirstore_status status = fhs_entity_rows(call->conn, what->entity, rows, err);
    if (status == FHIRSTORE_OK) {
        status = add_referenced(call, what->type, fhs_buf_str(rows), body, &has_stranger, err);
    }
    if (status != FHIRSTORE_OK || !has_stranger || body.len > 0) {
        return status;
    }
    status = fhs_resource_look(call->conn, what->entity, &version, err);
    if (status == FHIRSTORE_OK && version.is_large) {
        call->touched->flags |= FHIRSTORE_AUDIT_MORE_PATIENTS;
    } else if (status == FHIRSTORE_OK) {
        status = add_referenced(call, what->type, fhs_buf_str(rows), version.body, &has_stranger,
                                err);
    }
    return status;
}

/* A patient is in its own compartment. */
static fhirstore_status look_up(fhs_call *call, const waiting_version *what, fhs_str body,
                                fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    bool is_stranger;
    fhirstore_status status = FHIRSTORE_OK;
    if (fhs_str_eq(fhs_type_name(core->fhir, what->type), FHS_LIT("Patient"))) {
        status = add_patient_target(call, what->entity, &is_stranger, err);
    }
    return status == FHIRSTORE_OK ? look_up_rows(call, what, body, err) : status;
}

/* The patients of a current version: remembered, or looked up and remembered. */
static fhirstore_status add_patients_of(fhs_call *call, const waiting_version *what, fhs_str body,
                                        fhirstore_error **err)
{
    fhs_patient_cache *cache = call->session->core->patients;
    fhs_touched *touched = call->touched;
    fhs_patient_list list;
    if (!concerns_patients(call, what->type)) {
        return FHIRSTORE_OK;
    }
    if (fhs_conn_is_writing(call->conn)) {
        return look_up(call, what, body, err);
    }
    if (fhs_patient_cache_find(cache, what->seq, &list)) {
        for (size_t i = 0; i < list.count; i++) {
            add_patient(touched, list.items[i].entity,
                        fhs_str_of(list.items[i].id, list.items[i].len));
        }
        return FHIRSTORE_OK;
    }
    list = (fhs_patient_list){.seq = what->seq};
    const uint32_t flags = touched->flags;
    touched->filling = &list;
    touched->flags = 0;
    fhirstore_status status = look_up(call, what, body, err);
    touched->filling = NULL;
    if (status == FHIRSTORE_OK && touched->flags == 0) {
        fhs_patient_cache_add(cache, &list);
    }
    touched->flags |= flags;
    return status;
}

fhirstore_status fhs_touch_current(fhs_call *call, fhs_type type, const fhs_version *version,
                                   fhirstore_error **err)
{
    const waiting_version what = {version->entity, version->seq, type};
    if (!call->is_heard || !concerns_patients(call, type)) {
        return FHIRSTORE_OK;
    }
    if (open_touched(call) == NULL) {
        return fhs_fail_memory(err);
    }
    return check_touched(call, add_patients_of(call, &what, version->body, err), err);
}

fhirstore_status fhs_touched_settle(fhs_call *call, fhirstore_error **err)
{
    fhs_touched *touched = call->touched;
    fhirstore_status status = FHIRSTORE_OK;
    if (touched == NULL || touched->waiting.len == 0 || call->conn == NULL) {
        return check_touched(call, FHIRSTORE_OK, err);
    }
    for (size_t at = 0; at < touched->waiting.len && status == FHIRSTORE_OK;
         at += sizeof(waiting_version)) {
        waiting_version what;
        memcpy(&what, touched->waiting.ptr + at, sizeof what);
        status = add_patients_of(call, &what, FHS_STR_NONE, err);
    }
    fhs_buf_reset(&touched->waiting);
    if (status != FHIRSTORE_OK) {
        touched->flags |= FHIRSTORE_AUDIT_MORE_PATIENTS;
    }
    return check_touched(call, status, err);
}

/* ---- telling ---- */

void fhs_touched_tell(const fhs_call *call, fhs_audit_event *event)
{
    const fhs_touched *touched = call->touched;
    if (touched == NULL) {
        return;
    }
    event->resources = fhs_buf_str(&touched->resources);
    event->patients = fhs_buf_str(&touched->patients);
    event->flags |= touched->flags;
    if (touched->waiting.len > 0) {
        event->flags |= FHIRSTORE_AUDIT_MORE_PATIENTS;
    }
}

static void forget(fhs_touched *touched)
{
    fhs_buf_reset(&touched->resources);
    fhs_buf_reset(&touched->patients);
    fhs_buf_reset(&touched->waiting);
    touched->resource_count = 0;
    touched->known.count = 0;
    touched->flags = 0;
    touched->failed = false;
}

void fhs_touched_forget(fhs_call *call)
{
    if (call->touched != NULL) {
        forget(call->touched);
    }
}

void fhs_touched_free(fhs_touched *touched)
{
    if (touched != NULL) {
        fhs_buf_clear(&touched->resources);
        fhs_buf_clear(&touched->patients);
        fhs_buf_clear(&touched->waiting);
        fhs_free(touched->known.items);
        fhs_free(touched);
    }
}

static bool is_small(const fhs_touched *touched)
{
    return touched->resources.len + touched->patients.len + touched->waiting.len +
               touched->known.count * sizeof(fhs_entity) <
           KEPT_BYTES;
}

/* The next call of the session finds it ready. */
void fhs_touched_drop(fhs_call *call)
{
    fhs_touched *touched = call->touched;
    if (touched == NULL) {
        return;
    }
    call->touched = NULL;
    if (call->session->spare_touched == NULL && is_small(touched)) {
        forget(touched);
        call->session->spare_touched = touched;
    } else {
        fhs_touched_free(touched);
    }
}
