/* SPDX-License-Identifier: Apache-2.0 */
#include "fhirstore/iot.h"

#include "api/handle.h"
#include "base/mem.h"
#include "iot/batch.h"
#include "iot/check.h"
#include "iot/samples.h"

#define FHS_KIND_IOT_MAPPING        0x46485338u
#define IOT_OPTIONS_V1_SIZE         FHS_ABI_SIZE(fhirstore_iot_options, now_us)
#define IOT_TOTALS_V1_SIZE          FHS_ABI_SIZE(fhirstore_iot_totals, failed)
#define IOT_SAMPLES_OPTIONS_V1_SIZE FHS_ABI_SIZE(fhirstore_iot_samples_options, reserved0)
#define ROWS_PORTION                ((size_t)64 * 1024)
#define REPORT_MAX                  FHS_LIMIT_JSON_BYTES

FHS_ABI_HEAD(fhirstore_iot_options);
FHS_ABI_HEAD(fhirstore_iot_totals);
FHS_ABI_HEAD(fhirstore_iot_samples_options);

struct fhirstore_iot_mapping {
    uint32_t kind;
    fhs_iot_mapping *inner;
};

fhirstore_status fhirstore_iot_options_init(fhirstore_iot_options *options, size_t struct_size)
{
    return fhs_abi_init(options, struct_size, sizeof *options, IOT_OPTIONS_V1_SIZE);
}

fhirstore_status fhirstore_iot_samples_options_init(fhirstore_iot_samples_options *options,
                                                    size_t struct_size)
{
    return fhs_abi_init(options, struct_size, sizeof *options, IOT_SAMPLES_OPTIONS_V1_SIZE);
}

/* Times of the host in ticks; what ticks cannot hold is for ever. */
static int64_t ticks_of_host(int64_t us, int64_t otherwise)
{
    return us == 0 ? otherwise : fhs_ticks_from_us(us);
}

/* A mapping of the right kind, or NULL. */
static const fhs_iot_mapping *inner_mapping(const fhirstore_iot_mapping *mapping, bool is_fhir)
{
    bool is_fit = mapping != NULL && mapping->kind == FHS_KIND_IOT_MAPPING &&
                  mapping->inner->is_fhir == is_fhir;
    return is_fit ? mapping->inner : NULL;
}

static bool has_only(uint32_t flags, uint32_t known)
{
    return (flags & ~known) == 0;
}

/* Hand @a buf to the host, or say why that cannot be. */
static fhirstore_status give_iot_text(fhs_buf *buf, fhirstore_buf *out, fhirstore_error **err)
{
    fhirstore_status status = fhs_buf_status(buf);
    if (status < FHIRSTORE_OK) {
        fhs_buf_clear(buf);
        return fhs_fail_plain(err, status);
    }
    if (out != NULL) {
        fhs_buf_give(buf, out);
    }
    fhs_buf_clear(buf);
    return FHIRSTORE_OK;
}

/* ---- mappings ---- */

static fhirstore_status wrap_mapping(fhs_iot_mapping *inner, fhirstore_iot_mapping **out,
                                     fhirstore_error **err)
{
    fhirstore_iot_mapping *mapping = fhs_calloc(1, sizeof *mapping);
    if (mapping == NULL) {
        fhs_iot_mapping_free(inner);
        return fhs_fail_memory(err);
    }
    mapping->kind = FHS_KIND_IOT_MAPPING;
    mapping->inner = inner;
    *out = mapping;
    return FHIRSTORE_OK;
}

/* With FHIRSTORE_IOT_PARTIAL a collection passes; what is none at all has no templates. */
static bool passes(const fhs_iot_mapping *inner, uint32_t flags)
{
    const fhs_iot_fault *first = inner->faults.first;
    bool is_collection = first == NULL || first->template_index >= 0;
    return first == NULL || ((flags & FHIRSTORE_IOT_PARTIAL) != 0 && is_collection);
}

fhirstore_status fhirstore_iot_mapping_load(int32_t kind, const char *text, size_t text_len,
                                            uint32_t flags, fhirstore_iot_mapping **mapping_out,
                                            fhirstore_buf *faults_out, fhirstore_error **err_out)
{
    fhs_str document;
    fhs_iot_mapping *inner;
    fhs_buf faults = FHS_BUF_INIT(REPORT_MAX);
    fhs_api_begin(err_out);
    if (mapping_out == NULL) {
        return fhs_api_invalid(err_out, "mapping_out is NULL");
    }
    *mapping_out = NULL;
    if (kind != FHIRSTORE_IOT_DEVICE && kind != FHIRSTORE_IOT_FHIR) {
        return fhs_api_invalid(err_out, "kind");
    }
    if (!has_only(flags, (uint32_t)FHIRSTORE_IOT_STRICT | (uint32_t)FHIRSTORE_IOT_PARTIAL)) {
        return fhs_api_invalid(err_out, "flags has unknown bits");
    }
    if (!fhs_api_text(text, text_len, &document)) {
        return fhs_api_invalid(err_out, "text");
    }
    const unsigned how = (flags & FHIRSTORE_IOT_STRICT) != 0 ? FHS_IOT_MAPPING_STRICT : 0;
    fhirstore_status status = fhs_iot_mapping_new(kind == FHIRSTORE_IOT_FHIR, document, how, &inner,
                                                  err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_iot_faults_write(&inner->faults, &faults);
    status = give_iot_text(&faults, faults_out, err_out);
    if (status >= FHIRSTORE_OK && !passes(inner, flags)) {
        status = fhs_iot_mapping_fail(inner, err_out);
    }
    if (status < FHIRSTORE_OK) {
        fhs_iot_mapping_free(inner);
        return status;
    }
    return wrap_mapping(inner, mapping_out, err_out);
}

void fhirstore_iot_mapping_free(fhirstore_iot_mapping *mapping)
{
    if (mapping != NULL && mapping->kind == FHS_KIND_IOT_MAPPING) {
        mapping->kind = 0;
        fhs_iot_mapping_free(mapping->inner);
        fhs_free(mapping);
    }
}

static unsigned text_flags_of(uint32_t flags)
{
    return (flags & FHIRSTORE_IOT_LEXICAL) != 0 ? FHS_EXPRESSION_LEXICAL : 0;
}

static unsigned group_flags_of(uint32_t flags)
{
    return ((flags & FHIRSTORE_IOT_STRICT) != 0 ? (unsigned)FHS_IOT_STRICT : 0u) |
           ((flags & FHIRSTORE_IOT_FRACTION) != 0 ? (unsigned)FHS_IOT_FRACTION : 0u);
}

fhirstore_status fhirstore_iot_mapping_check(const fhirstore_iot_mapping *device,
                                             const fhirstore_iot_mapping *fhir,
                                             const char *messages, size_t messages_len,
                                             uint32_t flags, fhirstore_buf *report_out,
                                             fhirstore_error **err_out)
{
    fhs_str lines;
    fhs_arena arena;
    fhs_iot_faults faults;
    fhs_buf report = FHS_BUF_INIT(REPORT_MAX);
    const fhs_iot_mapping *from = inner_mapping(device, false);
    const fhs_iot_mapping *to = fhir == NULL ? NULL : inner_mapping(fhir, true);
    fhs_api_begin(err_out);
    if (from == NULL || (fhir != NULL && to == NULL)) {
        return fhs_api_invalid(err_out, "a mapping of the other kind, or none");
    }
    if (!has_only(flags, (uint32_t)FHIRSTORE_IOT_EACH | (uint32_t)FHIRSTORE_IOT_STRICT |
                             (uint32_t)FHIRSTORE_IOT_LEXICAL)) {
        return fhs_api_invalid(err_out, "flags has unknown bits");
    }
    if (report_out == NULL || !fhs_api_text(messages, messages_len, &lines)) {
        return fhs_api_invalid(err_out, "report_out is NULL, or messages is with a length");
    }
    fhs_arena_init(&arena, SIZE_MAX);
    fhs_iot_faults_init(&faults, &arena);
    const fhs_iot_checking checking = {.device = &from->device,
                                       .fhir = to == NULL ? NULL : &to->fhir,
                                       .text_flags = text_flags_of(flags),
                                       .group_flags = group_flags_of(flags),
                                       .lists_each = (flags & FHIRSTORE_IOT_EACH) != 0,
                                       .faults = &faults};
    fhirstore_status status = fhs_iot_check(&checking, lines, err_out);
    if (status >= FHIRSTORE_OK) {
        fhs_iot_faults_write(&faults, &report);
        status = give_iot_text(&report, report_out, err_out);
    }
    fhs_arena_clear(&arena);
    return status;
}

/* ---- normalising ---- */

static fhirstore_status normalise(const fhirstore_iot_mapping *mapping, fhs_str message,
                                  const fhs_iot_event *event, uint32_t flags,
                                  fhirstore_buf *measurements_out, fhirstore_buf *faults_out,
                                  fhirstore_error **err_out)
{
    const fhs_iot_mapping *inner = inner_mapping(mapping, false);
    fhs_buf measurements = FHS_BUF_INIT(REPORT_MAX);
    fhs_buf faults = FHS_BUF_INIT(REPORT_MAX);
    if (inner == NULL || measurements_out == NULL) {
        return fhs_api_invalid(err_out, "no device mapping, or measurements_out is NULL");
    }
    if (!has_only(flags, FHIRSTORE_IOT_LEXICAL)) {
        return fhs_api_invalid(err_out, "flags has unknown bits");
    }
    fhirstore_status status = fhs_iot_batch_normalise(inner, message, event, text_flags_of(flags),
                                                      &measurements, &faults, err_out);
    if (status >= FHIRSTORE_OK) {
        status = give_iot_text(&faults, faults_out, err_out);
    }
    if (status >= FHIRSTORE_OK) {
        status = give_iot_text(&measurements, measurements_out, err_out);
    }
    fhs_buf_clear(&measurements);
    fhs_buf_clear(&faults);
    return status;
}

fhirstore_status fhirstore_iot_normalise(const fhirstore_iot_mapping *mapping, const char *message,
                                         size_t message_len, uint32_t flags,
                                         fhirstore_buf *measurements_out, fhirstore_buf *faults_out,
                                         fhirstore_error **err_out)
{
    fhs_str text;
    fhs_api_begin(err_out);
    if (!fhs_api_text(message, message_len, &text)) {
        return fhs_api_invalid(err_out, "message");
    }
    return normalise(mapping, text, NULL, flags, measurements_out, faults_out, err_out);
}

static bool take_event(const fhirstore_iot_event *event, fhs_iot_event *out)
{
    out->enqueued = ticks_of_host(event->enqueued_us, FHS_IOT_NO_TIME);
    return fhs_api_text(event->body, event->body_len, &out->body) &&
           fhs_api_text(event->properties, event->properties_len, &out->properties) &&
           fhs_api_text(event->system_properties, event->system_properties_len,
                        &out->system_properties);
}

fhirstore_status fhirstore_iot_normalise_event(const fhirstore_iot_mapping *mapping,
                                               const fhirstore_iot_event *event, uint32_t flags,
                                               fhirstore_buf *measurements_out,
                                               fhirstore_buf *faults_out, fhirstore_error **err_out)
{
    fhs_iot_event inner;
    fhs_api_begin(err_out);
    if (event == NULL || !take_event(event, &inner)) {
        return fhs_api_invalid(err_out, "event");
    }
    return normalise(mapping, FHS_STR_NONE, &inner, flags, measurements_out, faults_out, err_out);
}

/* ---- ingesting ---- */

static fhirstore_status take_options(const fhirstore_iot_options *options, bool is_events,
                                     fhirstore_iot_options *known, fhs_iot_ingesting *how,
                                     fhirstore_error **err)
{
    static const fhirstore_iot_options defaults = FHIRSTORE_IOT_OPTIONS_INIT;
    const uint32_t flags = (uint32_t)FHIRSTORE_IOT_STRICT | (uint32_t)FHIRSTORE_IOT_FRACTION |
                           (is_events ? (uint32_t)FHIRSTORE_IOT_LEXICAL : 0u);
    fhirstore_status status = fhs_abi_copy(known, sizeof *known, IOT_OPTIONS_V1_SIZE,
                                           options == NULL ? &defaults : options, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (!has_only(known->flags, flags) || known->reserved0 != 0 ||
        known->identity < FHIRSTORE_IOT_LOOKUP ||
        known->identity > FHIRSTORE_IOT_LOOKUP_WITH_ENCOUNTER) {
        return fhs_api_invalid(err, "options: unknown flags or identity, or reserved0 is not 0");
    }
    if (!fhs_api_text(known->device_system, known->device_system_len, &how->device_system) ||
        !fhs_api_text(known->system, known->system_len, &how->system)) {
        return fhs_api_invalid(err, "options: a NULL string with a length");
    }
    how->mode = (fhs_iot_identity_mode)known->identity;
    how->flags = group_flags_of(known->flags);
    how->now_us = known->now_us;
    return FHIRSTORE_OK;
}

static fhirstore_status give_iot_totals(fhirstore_iot_totals *out,
                                        const fhs_iot_batch_totals *totals)
{
    const fhirstore_iot_totals known = {
        .struct_size = sizeof known,
        .messages = totals->messages,
        .dropped = totals->dropped,
        .faults = totals->faults,
        .measurements = totals->measurements,
        .created = totals->groups.created,
        .updated = totals->groups.updated,
        .unchanged = totals->groups.unchanged,
        .failed = totals->groups.failed,
    };
    return out == NULL ? FHIRSTORE_OK : fhs_abi_give(out, &known, sizeof known, IOT_TOTALS_V1_SIZE);
}

static fhirstore_status run_batch(fhirstore_session *session, const fhs_iot_batch *batch,
                                  fhirstore_buf *report_out, fhirstore_iot_totals *totals_out,
                                  fhirstore_error **err_out)
{
    fhs_iot_batch_totals totals = {.messages = 0};
    fhs_buf report = FHS_BUF_INIT(REPORT_MAX);
    if (give_iot_totals(totals_out, &totals) < FHIRSTORE_OK) {
        return fhs_fail_plain(err_out, FHIRSTORE_ERR_ABI);
    }
    fhirstore_status status = fhs_session_enter(session, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_iot_batch_ingest(session->inner, batch, report_out == NULL ? NULL : &report,
                                  &totals, err_out);
    fhs_session_leave(session);
    if (status >= FHIRSTORE_OK) {
        (void)give_iot_totals(totals_out, &totals);
        status = give_iot_text(&report, report_out, err_out);
    }
    fhs_buf_clear(&report);
    return status;
}

fhirstore_status fhirstore_iot_ingest(fhirstore_session *session, const fhirstore_iot_mapping *fhir,
                                      const fhirstore_iot_options *options,
                                      const char *measurements, size_t measurements_len,
                                      fhirstore_buf *report_out, fhirstore_iot_totals *totals_out,
                                      fhirstore_error **err_out)
{
    fhirstore_iot_options known;
    fhs_iot_ingesting how = {.mapping = NULL};
    fhs_iot_batch batch = {.how = &how};
    const fhs_iot_mapping *to = inner_mapping(fhir, true);
    fhs_api_begin(err_out);
    if (to == NULL || !fhs_api_text(measurements, measurements_len, &batch.lines)) {
        return fhs_api_invalid(err_out, "no FHIR mapping, or measurements is NULL with a length");
    }
    how.mapping = &to->fhir;
    fhirstore_status status = take_options(options, false, &known, &how, err_out);
    return status < FHIRSTORE_OK ? status
                                 : run_batch(session, &batch, report_out, totals_out, err_out);
}

fhirstore_status
fhirstore_iot_ingest_events(fhirstore_session *session, const fhirstore_iot_mapping *device,
                            const fhirstore_iot_mapping *fhir, const fhirstore_iot_options *options,
                            const fhirstore_iot_event *events, size_t event_count,
                            fhirstore_buf *report_out, fhirstore_iot_totals *totals_out,
                            fhirstore_error **err_out)
{
    fhirstore_iot_options known;
    fhs_iot_ingesting how = {.mapping = NULL};
    fhs_iot_batch batch = {.how = &how, .device = inner_mapping(device, false)};
    const fhs_iot_mapping *to = inner_mapping(fhir, true);
    fhs_api_begin(err_out);
    if (batch.device == NULL || to == NULL || (events == NULL && event_count > 0)) {
        return fhs_api_invalid(err_out, "a mapping of the other kind or none, or events is NULL");
    }
    how.mapping = &to->fhir;
    fhirstore_status status = take_options(options, true, &known, &how, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_iot_event *inner = fhs_calloc(event_count + 1, sizeof *inner);
    if (inner == NULL) {
        return fhs_fail_memory(err_out);
    }
    for (size_t i = 0; status >= FHIRSTORE_OK && i < event_count; i++) {
        status = take_event(&events[i], &inner[i])
                     ? FHIRSTORE_OK
                     : fhs_api_invalid(err_out, "an event has a NULL text with a length");
    }
    batch.events = inner;
    batch.event_count = event_count;
    batch.text_flags = text_flags_of(known.flags);
    if (status >= FHIRSTORE_OK) {
        status = run_batch(session, &batch, report_out, totals_out, err_out);
    }
    fhs_free(inner);
    return status;
}

/* ---- samples ---- */

typedef struct rows_work {
    fhirstore_iot_rows_fn take;
    void *ctx;
} rows_work;

static fhirstore_status take_rows(void *ctx, fhs_str bytes)
{
    const rows_work *work = ctx;
    fhirstore_status status = work->take(work->ctx, bytes.ptr, bytes.len);
    return status > FHIRSTORE_OK ? FHIRSTORE_ERR_CANCELLED : status;
}

static fhirstore_status run_samples(fhirstore_session *session, const fhs_iot_samples_query *query,
                                    rows_work *work, int64_t *count, fhirstore_error **err)
{
    fhs_buf rows;
    fhs_buf_init_drain(&rows, ROWS_PORTION, take_rows, work);
    fhirstore_status status = fhs_session_enter(session, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_iot_samples(session->inner, query, &rows, count, err);
    fhs_session_leave(session);
    if (status >= FHIRSTORE_OK) {
        fhs_buf_drain(&rows);
        status = fhs_buf_status(&rows);
        status = status < FHIRSTORE_OK ? fhs_fail(err, status, "the host ended the rows")
                                       : FHIRSTORE_OK;
    }
    fhs_buf_clear(&rows);
    return status;
}

fhirstore_status fhirstore_iot_samples(fhirstore_session *session,
                                       const fhirstore_iot_samples_options *options,
                                       fhirstore_iot_rows_fn take, void *ctx, int64_t *count_out,
                                       fhirstore_error **err_out)
{
    fhirstore_iot_samples_options known;
    fhs_iot_samples_query query = {.is_csv = false};
    rows_work work = {take, ctx};
    int64_t count = 0;
    fhs_api_begin(err_out);
    if (count_out != NULL) {
        *count_out = 0;
    }
    if (take == NULL || options == NULL) {
        return fhs_api_invalid(err_out, "take or options is NULL");
    }
    fhirstore_status status = fhs_abi_copy(&known, sizeof known, IOT_SAMPLES_OPTIONS_V1_SIZE,
                                           options, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (known.flags != 0 || known.reserved0 != 0 ||
        (known.format != FHIRSTORE_IOT_NDJSON && known.format != FHIRSTORE_IOT_CSV) ||
        !fhs_api_text(known.patient, known.patient_len, &query.patient) ||
        !fhs_api_text(known.code, known.code_len, &query.code)) {
        return fhs_api_invalid(err_out, "options: unknown flags or format, or a NULL string");
    }
    query.from = ticks_of_host(known.from_us, FHS_TICK_MIN);
    query.to = ticks_of_host(known.to_us, FHS_TICK_MAX);
    query.is_csv = known.format == FHIRSTORE_IOT_CSV;
    status = run_samples(session, &query, &work, &count, err_out);
    if (count_out != NULL) {
        *count_out = count;
    }
    return status;
}
