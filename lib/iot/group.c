/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/group.h"

#include <stdlib.h>

#define TICKS_PER_HOUR (INT64_C(3600) * FHS_TICKS_PER_SECOND)
#define TICKS_PER_DAY  (24 * TICKS_PER_HOUR)

/* ---- buckets ---- */

/* A measurement and its place, to be sorted. */
typedef struct placed {
    const fhs_iot_measurement *measurement;
    uint32_t place;
} placed;

static int compare_identity(const fhs_iot_measurement *a, const fhs_iot_measurement *b)
{
    int order = fhs_str_compare(a->device_id, b->device_id);
    order = order != 0 ? order : fhs_str_compare(a->type, b->type);
    order = order != 0 ? order : fhs_str_compare(a->patient_id, b->patient_id);
    order = order != 0 ? order : fhs_str_compare(a->encounter_id, b->encounter_id);
    return order != 0 ? order : fhs_str_compare(a->correlation_id, b->correlation_id);
}

/* Of one time the one that arrived last counts most; among those, the first of the batch. */
static int compare_placed(const void *left, const void *right)
{
    const placed *a = left;
    const placed *b = right;
    int order = compare_identity(a->measurement, b->measurement);
    if (order != 0) {
        return order;
    }
    if (a->measurement->time != b->measurement->time) {
        return a->measurement->time < b->measurement->time ? -1 : 1;
    }
    if (a->measurement->ingested != b->measurement->ingested) {
        return a->measurement->ingested > b->measurement->ingested ? -1 : 1;
    }
    return a->place < b->place ? -1 : a->place > b->place;
}

static int compare_buckets(const void *left, const void *right)
{
    const fhs_iot_bucket *a = left;
    const fhs_iot_bucket *b = right;
    return a->first < b->first ? -1 : a->first > b->first;
}

static size_t cut_buckets(const placed *sorted, size_t count, fhs_iot_bucket *buckets,
                          const fhs_iot_measurement **items)
{
    size_t bucket_count = 0;
    fhs_iot_bucket *bucket = NULL;
    for (size_t i = 0; i < count; i++) {
        items[i] = sorted[i].measurement;
        if (i == 0 || compare_identity(items[i - 1], items[i]) != 0) {
            bucket = &buckets[bucket_count++];
            *bucket = (fhs_iot_bucket){.items = &items[i], .first = sorted[i].place};
        }
        bucket->count++;
        bucket->first = sorted[i].place < bucket->first ? sorted[i].place : bucket->first;
    }
    return bucket_count;
}

fhirstore_status fhs_iot_buckets(fhs_arena *arena, const fhs_iot_measurement *const *list,
                                 size_t count, fhs_iot_bucket **buckets_out, size_t *count_out,
                                 fhirstore_error **err)
{
    placed *sorted = fhs_arena_calloc(arena, count + 1, sizeof *sorted);
    const fhs_iot_measurement **items = fhs_arena_calloc(arena, count + 1, sizeof *items);
    fhs_iot_bucket *buckets = fhs_arena_calloc(arena, count + 1, sizeof *buckets);
    *buckets_out = buckets;
    *count_out = 0;
    if (sorted == NULL || items == NULL || buckets == NULL) {
        return fhs_fail_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = (placed){list[i], (uint32_t)i};
    }
    qsort(sorted, count, sizeof *sorted, compare_placed);
    *count_out = cut_buckets(sorted, count, buckets, items);
    qsort(buckets, *count_out, sizeof *buckets, compare_buckets);
    return FHIRSTORE_OK;
}

/* ---- groups ---- */

static int64_t floor_to(int64_t time, int64_t step)
{
    int64_t rest = time % step;
    return time - (rest < 0 ? rest + step : rest);
}

/* The boundary of the group that the item at @a at begins. */
static void find_boundary(const fhs_iot_bucket *bucket, uint32_t at, int32_t interval,
                          fhs_iot_group *out)
{
    const int64_t time = bucket->items[at]->time;
    switch (interval) {
    case FHS_IOT_HOURLY:
        out->start = floor_to(time, TICKS_PER_HOUR);
        out->end = out->start + TICKS_PER_HOUR - 1;
        break;
    case FHS_IOT_DAILY:
        out->start = floor_to(time, TICKS_PER_DAY);
        out->end = out->start + TICKS_PER_DAY - 1;
        break;
    case FHS_IOT_CORRELATION:
        out->start = time;
        out->end = bucket->items[bucket->count - 1]->time;
        break;
    default:
        out->start = time;
        out->end = time;
        break;
    }
}

/* 20190101005959Z; a fraction that is wanted and not zero stands before the Z. */
static void add_segment_time(fhs_buf *out, int64_t ticks, bool with_fraction)
{
    char text[FHS_IOT_TIME_LEN + 1];
    fhs_iot_time_format(ticks, text);
    for (size_t i = 0; i < 19; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            fhs_buf_add_char(out, text[i]);
        }
    }
    if (with_fraction && ticks % FHS_TICKS_PER_SECOND != 0) {
        fhs_buf_add(out, text + 19, 8);
    }
    fhs_buf_add_char(out, 'Z');
}

static bool write_segment(fhs_arena *arena, fhs_iot_group *group, int32_t interval, unsigned flags)
{
    fhs_buf text = FHS_BUF_INIT(128);
    const bool with_fraction = interval == FHS_IOT_SINGLE && (flags & FHS_IOT_FRACTION) != 0;
    if (interval == FHS_IOT_CORRELATION) {
        group->segment = group->first->correlation_id;
        return true;
    }
    add_segment_time(&text, group->start, with_fraction);
    fhs_buf_add_char(&text, '.');
    add_segment_time(&text, group->end, with_fraction);
    if (fhs_buf_status(&text) == FHIRSTORE_OK) {
        group->segment = fhs_arena_dup(arena, fhs_buf_str(&text));
    }
    fhs_buf_clear(&text);
    return group->segment.ptr != NULL;
}

static fhs_iot_series *find_series(fhs_iot_group *group, fhs_str name)
{
    for (uint32_t i = 0; i < group->series_count; i++) {
        if (fhs_str_eq(group->series[i].name, name)) {
            return &group->series[i];
        }
    }
    return NULL;
}

/* What the template makes nothing of is not collected. */
static void want_name(fhs_iot_group *group, fhs_str name)
{
    if (name.len > 0 && find_series(group, name) == NULL) {
        group->series[group->series_count++] = (fhs_iot_series){.name = name};
    }
}

static void want_names(fhs_iot_group *group, const fhs_iot_value_spec *spec)
{
    want_name(group, spec->name);
    want_name(group, spec->from_code_name);
    want_name(group, spec->low_name);
    want_name(group, spec->high_name);
}

static bool list_series(fhs_arena *arena, const fhs_iot_fhir_template *template,
                        fhs_iot_group *group)
{
    const size_t specs = (size_t) template->component_count + 1;
    group->series = fhs_arena_calloc(arena, specs * 4, sizeof *group->series);
    if (group->series == NULL) {
        return false;
    }
    if (template->has_value) {
        want_names(group, &template->value);
    }
    for (uint32_t i = 0; i < template->component_count; i++) {
        want_names(group, &template->components[i].value);
    }
    return true;
}

/* Values of the one name and time: the first is kept. */
static bool add_values(fhs_arena *arena, fhs_iot_group *group, uint32_t room,
                       const fhs_iot_measurement *measurement)
{
    for (uint32_t i = 0; i < measurement->property_count; i++) {
        const fhs_iot_property *property = &measurement->properties[i];
        fhs_iot_series *series = find_series(group, property->name);
        if (series == NULL) {
            continue;
        }
        if (series->samples == NULL) {
            series->samples = fhs_arena_calloc(arena, room, sizeof *series->samples);
            if (series->samples == NULL) {
                return false;
            }
        }
        if (series->count == 0 || series->samples[series->count - 1].time != measurement->time) {
            series->samples[series->count++] = (fhs_iot_sample){measurement->time, property->value};
        }
    }
    return true;
}

static bool fill_group(fhs_arena *arena, const fhs_iot_fhir_template *template,
                       const fhs_iot_measurement *const *items, uint32_t count, unsigned flags,
                       fhs_iot_group *group)
{
    if (!list_series(arena, template, group)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool is_repeated = i > 0 && items[i]->time == items[i - 1]->time;
        if (is_repeated && (flags & FHS_IOT_STRICT) != 0) {
            continue;
        }
        if (!add_values(arena, group, count - i, items[i])) {
            return false;
        }
    }
    group->measurement_count = count;
    return true;
}

fhirstore_status fhs_iot_groups(fhs_arena *arena, const fhs_iot_bucket *bucket,
                                const fhs_iot_fhir_template *template, unsigned flags,
                                fhs_iot_group **groups_out, size_t *count_out, bool *lacks_id_out,
                                fhirstore_error **err)
{
    fhs_str id = fhs_str_trim(bucket->items[0]->correlation_id);
    fhs_iot_group *groups = fhs_arena_calloc(arena, bucket->count, sizeof *groups);
    *groups_out = groups;
    *count_out = 0;
    *lacks_id_out = template->interval == FHS_IOT_CORRELATION && id.len == 0;
    if (groups == NULL) {
        return fhs_fail_memory(err);
    }
    for (uint32_t at = 0; !*lacks_id_out && at < bucket->count;) {
        fhs_iot_group *group = &groups[(*count_out)++];
        uint32_t end = at + 1;
        group->first = bucket->items[at];
        find_boundary(bucket, at, template->interval, group);
        while (end < bucket->count && bucket->items[end]->time <= group->end) {
            end++;
        }
        if (!write_segment(arena, group, template->interval, flags) ||
            !fill_group(arena, template, bucket->items + at, end - at, flags, group)) {
            return fhs_fail_memory(err);
        }
        at = end;
    }
    return FHIRSTORE_OK;
}

const fhs_iot_series *fhs_iot_series_find(const fhs_iot_group *group, fhs_str name)
{
    for (uint32_t i = 0; name.len > 0 && i < group->series_count; i++) {
        if (group->series[i].count > 0 && fhs_str_eq(group->series[i].name, name)) {
            return &group->series[i];
        }
    }
    return NULL;
}
