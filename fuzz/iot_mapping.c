/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device mapping, a FHIR mapping and a message, with lines of "---" between them. Whatever the
 * bytes: the same faults each time, each with a kind and words; measurements that are read back as
 * they were written; Observations that are JSON, and that the same group changes no more.
 */
#include "base/limits.h"
#include "iot/group.h"
#include "iot/mapping.h"
#include "iot/normalise.h"
#include "iot/observation.h"
#include "law.h"

#define MEASUREMENTS_MAX 64

typedef struct fuzz_work {
    fhs_iot_mapping *fhir;
    unsigned flags;
    uint32_t seen;
} fuzz_work;

/* The part of @a text before the next separator, which is cut off. */
static fhs_str next_part(fhs_str *text)
{
    size_t end = fhs_str_find(*text, FHS_LIT("\n---\n"));
    fhs_str part = fhs_str_of(text->ptr, end > text->len ? text->len : end);
    *text = fhs_str_from(*text, part.len + 5);
    return part;
}

static void check_faults(const fhs_iot_faults *faults)
{
    uint32_t count = 0;
    for (const fhs_iot_fault *fault = faults->first; fault != NULL; fault = fault->next) {
        FUZZ_LAW(fault->kind[0] != '\0' && fault->message.len > 0);
        count++;
    }
    FUZZ_LAW(count == faults->count);
}

static fhs_iot_mapping *load(bool is_fhir, fhs_str text)
{
    fhs_iot_mapping *mapping;
    fhs_iot_mapping *again;
    fhs_buf first = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    fhs_buf second = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    FUZZ_LAW(fhs_iot_mapping_new(is_fhir, text, 0, &mapping, NULL) == FHIRSTORE_OK);
    FUZZ_LAW(fhs_iot_mapping_new(is_fhir, text, 0, &again, NULL) == FHIRSTORE_OK);
    check_faults(&mapping->faults);
    fhs_iot_faults_write(&mapping->faults, &first);
    fhs_iot_faults_write(&again->faults, &second);
    FUZZ_LAW(fhs_str_eq(fhs_buf_str(&first), fhs_buf_str(&second)));
    fhs_buf_clear(&first);
    fhs_buf_clear(&second);
    fhs_iot_mapping_free(again);
    return mapping;
}

static void check_observation(fhs_iot_builder *builder, fhs_str text)
{
    const fhs_json *root;
    fhs_buf merged = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    bool changed;
    FUZZ_LAW(fhs_json_read(builder->arena, text, NULL, &root, NULL) == FHIRSTORE_OK);
    if (fhs_iot_observation_merge(builder, text, root, &merged, &changed)) {
        FUZZ_LAW(!changed);
    } else {
        FUZZ_LAW(builder->kind != NULL);
    }
    fhs_buf_clear(&merged);
}

static void build(const fuzz_work *work, const fhs_iot_measurement *measurement)
{
    fhs_arena arena;
    fhs_iot_bucket *buckets;
    fhs_iot_group *groups;
    size_t count;
    bool lacks_id;
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    const fhs_iot_fhir_template *template = fhs_iot_fhir_find(&work->fhir->fhir, measurement->type);
    if (template == NULL) {
        return;
    }
    fhs_arena_init(&arena, SIZE_MAX);
    FUZZ_LAW(fhs_iot_buckets(&arena, &measurement, 1, &buckets, &count, NULL) == FHIRSTORE_OK);
    FUZZ_LAW(fhs_iot_groups(&arena, &buckets[0], template, work->flags, &groups, &count, &lacks_id,
                            NULL) == FHIRSTORE_OK);
    FUZZ_LAW(lacks_id == (count == 0));
    if (!lacks_id) {
        fhs_iot_builder builder = {.template = template,
                                   .group = &groups[0],
                                   .flags = work->flags,
                                   .system = FHS_LIT(FHS_IOT_SYSTEM),
                                   .patient_id = FHS_LIT("p"),
                                   .device_id = FHS_LIT("d"),
                                   .id = FHS_LIT("o"),
                                   .identifier = groups[0].segment,
                                   .arena = &arena};
        if (fhs_iot_observation_write(&builder, &text)) {
            check_observation(&builder, fhs_buf_str(&text));
        } else {
            FUZZ_LAW(builder.kind != NULL && builder.why[0] != '\0');
        }
    }
    fhs_buf_clear(&text);
    fhs_arena_clear(&arena);
}

static fhirstore_status take_measurement(void *ctx, const fhs_iot_measurement *measurement)
{
    fuzz_work *work = ctx;
    fhs_arena arena;
    fhs_iot_measurement back;
    fhs_buf first = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    fhs_buf second = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    if (work->seen++ >= MEASUREMENTS_MAX) {
        return FHIRSTORE_OK;
    }
    fhs_arena_init(&arena, SIZE_MAX);
    fhs_iot_measurement_write(measurement, &first);
    FUZZ_LAW(fhs_iot_measurement_read(&arena, fhs_buf_str(&first), &back, NULL) == FHIRSTORE_OK);
    fhs_iot_measurement_write(&back, &second);
    FUZZ_LAW(fhs_str_eq(fhs_buf_str(&first), fhs_buf_str(&second)));
    build(work, measurement);
    fhs_buf_clear(&first);
    fhs_buf_clear(&second);
    fhs_arena_clear(&arena);
    return FHIRSTORE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fhs_arena scratch;
    fhs_arena told;
    fhs_iot_faults faults;
    fhs_str text = fhs_str_of((const char *)data, size);
    fhs_iot_mapping *device = load(false, next_part(&text));
    fuzz_work work = {.fhir = load(true, next_part(&text)),
                      .flags = size % 2 == 0 ? 0 : (unsigned)FHS_IOT_STRICT};
    fhs_arena_init(&scratch, FHS_LIMIT_IOT_BYTES);
    fhs_arena_init(&told, SIZE_MAX);
    fhs_iot_faults_init(&faults, &told);
    fhs_iot_normaliser normaliser = {.mapping = &device->device,
                                     .scratch = &scratch,
                                     .faults = &faults,
                                     .emit = take_measurement,
                                     .ctx = &work};
    const fhs_iot_event event = {.body = text, .enqueued = FHS_IOT_NO_TIME};
    FUZZ_LAW(fhs_iot_normalise(&normaliser, text, FHS_IOT_NO_TIME, NULL) == FHIRSTORE_OK);
    FUZZ_LAW(fhs_iot_normalise_event(&normaliser, &event, NULL) == FHIRSTORE_OK);
    check_faults(&faults);
    fhs_iot_mapping_free(work.fhir);
    fhs_iot_mapping_free(device);
    fhs_arena_clear(&scratch);
    fhs_arena_clear(&told);
    return 0;
}
