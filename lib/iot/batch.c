/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/batch.h"

#include "base/limits.h"
#include "iot/check.h"

/* ---- one message ---- */

static fhirstore_status write_line(void *ctx, const fhs_iot_measurement *measurement)
{
    fhs_buf *out = ctx;
    fhs_iot_measurement_write(measurement, out);
    fhs_buf_add_char(out, '\n');
    return fhs_buf_status(out);
}

fhirstore_status fhs_iot_batch_normalise(const fhs_iot_mapping *mapping, fhs_str message,
                                         const fhs_iot_event *event, unsigned text_flags,
                                         fhs_buf *measurements, fhs_buf *faults,
                                         fhirstore_error **err)
{
    fhs_arena scratch;
    fhs_arena told;
    fhs_iot_faults list;
    fhs_arena_init(&scratch, FHS_LIMIT_IOT_BYTES);
    fhs_arena_init(&told, SIZE_MAX);
    fhs_iot_faults_init(&list, &told);
    fhs_iot_normaliser normaliser = {.mapping = &mapping->device,
                                     .flags = text_flags,
                                     .scratch = &scratch,
                                     .faults = &list,
                                     .emit = write_line,
                                     .ctx = measurements};
    fhirstore_status status = event == NULL
                                  ? fhs_iot_normalise(&normaliser, message, FHS_IOT_NO_TIME, err)
                                  : fhs_iot_normalise_event(&normaliser, event, err);
    if (status >= FHIRSTORE_OK && faults != NULL) {
        fhs_iot_faults_write(&list, faults);
        status = fhs_buf_status(faults);
        status = status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
    }
    fhs_arena_clear(&scratch);
    fhs_arena_clear(&told);
    return status;
}

/* ---- many ---- */

typedef struct batch_work {
    const fhs_iot_batch *batch;
    fhs_arena arena;   /* of the measurements and the outcomes */
    fhs_arena scratch; /* of the message at work */
    fhs_arena told;    /* of its fault */
    fhs_iot_faults faults;
    const fhs_iot_measurement **list;
    size_t count;
    size_t room;
    fhs_buf *report;
    fhs_iot_batch_totals *totals;
} batch_work;

static bool make_list_room(batch_work *work)
{
    if (work->count < work->room) {
        return true;
    }
    size_t room = work->room == 0 ? 256 : work->room * 2;
    const fhs_iot_measurement **grown = fhs_arena_calloc(&work->arena, room, sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    if (work->count > 0) {
        memcpy(grown, work->list, work->count * sizeof *grown);
    }
    work->list = grown;
    work->room = room;
    return true;
}

static bool keep_id_text(batch_work *work, fhs_str *text)
{
    if (text->ptr == NULL) {
        return true;
    }
    *text = fhs_arena_dup(&work->arena, *text);
    return text->ptr != NULL;
}

/* Names and types are the mapping's, which outlives the batch. */
static fhirstore_status keep_measurement(void *ctx, const fhs_iot_measurement *measurement)
{
    batch_work *work = ctx;
    fhs_iot_measurement *copy = fhs_arena_alloc(&work->arena, sizeof *copy);
    fhs_iot_property *properties = fhs_arena_calloc(
        &work->arena, (size_t)measurement->property_count + 1, sizeof *properties);
    if (copy == NULL || properties == NULL || !make_list_room(work)) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    *copy = *measurement;
    copy->properties = properties;
    bool ok = keep_id_text(work, &copy->device_id) && keep_id_text(work, &copy->patient_id) &&
              keep_id_text(work, &copy->encounter_id) && keep_id_text(work, &copy->correlation_id);
    for (uint32_t i = 0; ok && i < measurement->property_count; i++) {
        properties[i] = measurement->properties[i];
        ok = keep_id_text(work, &properties[i].value);
    }
    work->list[work->count++] = copy;
    return ok ? FHIRSTORE_OK : FHIRSTORE_ERR_NO_MEMORY;
}

/* {"message": n, "measurements": n, …the fault}. */
static void report_message(batch_work *work, int64_t index, int64_t measurements)
{
    const fhs_iot_fault *fault = work->faults.first;
    if (work->report == NULL) {
        return;
    }
    fhs_buf_addf(work->report, "{\"message\":%lld,\"measurements\":%lld", (long long)index,
                 (long long)measurements);
    if (fault != NULL) {
        fhs_buf_add_cstr(work->report, ",\"fault\":");
        fhs_iot_fault_write(fault, work->report);
    }
    fhs_buf_add_cstr(work->report, "}\n");
}

static fhirstore_status take_events(batch_work *work, fhirstore_error **err)
{
    const fhs_iot_batch *batch = work->batch;
    fhs_iot_normaliser normaliser = {.mapping = &batch->device->device,
                                     .flags = batch->text_flags,
                                     .scratch = &work->scratch,
                                     .faults = &work->faults,
                                     .emit = keep_measurement,
                                     .ctx = work};
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; status >= FHIRSTORE_OK && i < batch->event_count; i++) {
        const int64_t before = normaliser.measurement_count;
        fhs_arena_reset(&work->told);
        fhs_iot_faults_init(&work->faults, &work->told);
        status = fhs_iot_normalise_event(&normaliser, &batch->events[i], err);
        report_message(work, (int64_t)i, normaliser.measurement_count - before);
    }
    work->totals->messages = normaliser.message_count;
    work->totals->dropped = normaliser.dropped_count;
    work->totals->faults = normaliser.fault_count;
    work->totals->measurements = normaliser.measurement_count;
    return status;
}

/* A line that is no measurement is told, and the others go on. */
static fhirstore_status take_line(batch_work *work, fhs_str line, int64_t number,
                                  fhirstore_error **err)
{
    fhs_iot_measurement *measurement = fhs_arena_calloc(&work->arena, 1, sizeof *measurement);
    fhirstore_error *why = NULL;
    if (measurement == NULL || !make_list_room(work)) {
        return fhs_fail_memory(err);
    }
    fhirstore_status status = fhs_iot_measurement_read(&work->arena, line, measurement, &why);
    work->totals->messages++;
    if (status >= FHIRSTORE_OK) {
        work->list[work->count++] = measurement;
        work->totals->measurements++;
    } else if (status != FHIRSTORE_ERR_NO_MEMORY) {
        fhs_arena_reset(&work->told);
        fhs_iot_faults_init(&work->faults, &work->told);
        (void)fhs_iot_fault_add(&work->faults, FHS_IOT_INVALID_DATA_FORMAT, "line %lld: %s",
                                (long long)number, fhs_error_message(why));
        work->totals->faults++;
        report_message(work, work->totals->messages - 1, 0);
    }
    fhs_error_free(why);
    return status == FHIRSTORE_ERR_NO_MEMORY ? fhs_fail_memory(err) : FHIRSTORE_OK;
}

static fhirstore_status take_lines(batch_work *work, fhirstore_error **err)
{
    fhs_str rest = work->batch->lines;
    fhs_str line;
    int64_t number = 0;
    fhirstore_status status = FHIRSTORE_OK;
    while (status >= FHIRSTORE_OK && fhs_iot_next_line(&rest, &line, &number)) {
        status = take_line(work, line, number, err);
    }
    return status;
}

static fhirstore_status store_batch(batch_work *work, fhs_session *session, fhirstore_error **err)
{
    fhs_iot_ingested ingested;
    fhirstore_status status = fhs_iot_ingest(session, work->batch->how, &work->arena, work->list,
                                             work->count, work->report, &ingested, err);
    work->totals->groups = ingested.totals;
    return status;
}

fhirstore_status fhs_iot_batch_ingest(fhs_session *session, const fhs_iot_batch *batch,
                                      fhs_buf *report, fhs_iot_batch_totals *totals,
                                      fhirstore_error **err)
{
    batch_work work = {.batch = batch, .report = report, .totals = totals};
    *totals = (fhs_iot_batch_totals){.messages = 0};
    fhs_arena_init(&work.arena, SIZE_MAX);
    fhs_arena_init(&work.scratch, FHS_LIMIT_IOT_BYTES);
    fhs_arena_init(&work.told, SIZE_MAX);
    fhirstore_status status = batch->device != NULL ? take_events(&work, err)
                                                    : take_lines(&work, err);
    if (status >= FHIRSTORE_OK) {
        status = store_batch(&work, session, err);
    }
    fhs_arena_clear(&work.arena);
    fhs_arena_clear(&work.scratch);
    fhs_arena_clear(&work.told);
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}
