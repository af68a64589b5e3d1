/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of Observation/$stats: the figures of each code, and the Observations behind them. */
#include <stdlib.h>

#include "base/instant.h"
#include "base/mem.h"
#include "operation/stats.h"
#include "units/units.h"

/* ---- figures ---- */

/* The latest first, each once. */
static int compare_stats_items(const void *a, const void *b)
{
    const fhs_stats_item *x = a;
    const fhs_stats_item *y = b;
    if (x->time != y->time) {
        return x->time > y->time ? -1 : 1;
    }
    if (x->entity != y->entity) {
        return x->entity < y->entity ? -1 : 1;
    }
    return x->part < y->part ? -1 : x->part > y->part;
}

static void order_stats_items(fhs_stats_group *group)
{
    size_t kept = 0;
    if (group->count > 0) {
        qsort(group->items, group->count, sizeof *group->items, compare_stats_items);
    }
    for (size_t i = 0; i < group->count; i++) {
        if (kept == 0 || compare_stats_items(&group->items[kept - 1], &group->items[i]) != 0) {
            group->items[kept++] = group->items[i];
        }
    }
    group->count = kept;
}

/* The values in the unit of the latest; the others are no longer valid. */
static size_t convert_stats_items(fhs_stats_group *group, fhs_sample *samples,
                                  const fhs_stats_item **latest_out)
{
    const fhs_stats_item *latest = NULL;
    const fhs_stats_item *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < group->count; i++) {
        fhs_stats_item *item = &group->items[i];
        fhs_sample *sample = &samples[count];
        latest = latest == NULL && item->is_valid ? item : latest;
        if (item->is_valid && fhs_unit_convert(&item->value, item->unit_code, latest->unit_code,
                                               &sample->value, NULL) == FHIRSTORE_OK) {
            sample->number = fhs_decimal_to_double(&sample->value);
            count++;
            first = item;
        } else {
            item->is_valid = false;
        }
    }
    for (size_t i = 0, at = 0; i < group->count; i++) {
        if (group->items[i].is_valid) {
            const bool is_dated = group->items[i].time != FHS_TICK_MIN &&
                                  first->time != FHS_TICK_MIN;
            samples[at++].days = is_dated ? (double)(group->items[i].time - first->time) /
                                                (86400.0 * (double)FHS_TICKS_PER_SECOND)
                                          : 0;
        }
    }
    *latest_out = latest;
    return count;
}

static bool keeps_unit(fhs_statistic which)
{
    return which != FHS_STAT_COUNT && which != FHS_STAT_TOTAL_COUNT && which != FHS_STAT_SKEW &&
           which != FHS_STAT_KURTOSIS && which != FHS_STAT_VARIANCE && which != FHS_STAT_GRADIENT;
}

static void write_stats_unit(fhs_statistic which, const fhs_stats_item *latest, fhs_buf *out)
{
    const char *behind = which == FHS_STAT_GRADIENT ? "/d" : which == FHS_STAT_VARIANCE ? "2" : "";
    fhs_buf text = FHS_BUF_INIT((size_t)4096);
    if (!keeps_unit(which) && (behind[0] == '\0' || latest == NULL)) {
        fhs_buf_add_cstr(out, ",\"unit\":\"1\",\"system\":\"http://unitsofmeasure.org\",\"code\":"
                              "\"1\"}");
        return;
    }
    if (keeps_unit(which)) {
        fhs_buf_add_cstr(out, ",\"unit\":");
        fhs_json_write_string(out, latest->unit.len > 0 ? latest->unit : latest->unit_code);
        fhs_buf_add_str(&text, latest->unit_code);
    } else {
        /* A square, or so much a day. */
        fhs_buf_addf(&text, "(%.*s)%s", FHS_STR_ARG(latest->unit_code), behind);
    }
    fhs_buf_add_cstr(out, ",\"system\":\"http://unitsofmeasure.org\",\"code\":");
    fhs_json_write_string(out, fhs_buf_str(&text));
    fhs_buf_add_char(out, '}');
    if (fhs_buf_status(&text) != FHIRSTORE_OK) {
        out->failed = fhs_buf_status(&text);
    }
    fhs_buf_clear(&text);
}

static void write_figures(const fhs_stats_work *work, const fhs_sample *samples, size_t count,
                          size_t total, const fhs_stats_item *latest, fhs_buf *out)
{
    bool is_first = true;
    for (int i = 0; i < FHS_STAT_KINDS; i++) {
        const fhs_statistic which = (fhs_statistic)i;
        if (!work->wanted[i]) {
            continue;
        }
        fhs_buf_addf(out,
                     "%s{\"code\":{\"coding\":[{\"system\":"
                     "\"http://terminology.hl7.org/CodeSystem/observation-statistics\",\"code\":"
                     "\"%.*s\"}],\"text\":\"%.*s\"},",
                     is_first ? "" : ",", FHS_STR_ARG(fhs_statistic_code(which)),
                     FHS_STR_ARG(fhs_statistic_display(which)));
        is_first = false;
        const size_t before = out->len;
        fhs_buf_add_cstr(out, "\"valueQuantity\":{\"value\":");
        if (fhs_statistic_write(which, samples, count, total, out)) {
            write_stats_unit(which, latest, out);
        } else {
            if (fhs_buf_status(out) == FHIRSTORE_OK) {
                out->len = before;
            }
            fhs_buf_add_cstr(out, "\"dataAbsentReason\":{\"coding\":[{\"system\":"
                                  "\"http://terminology.hl7.org/CodeSystem/data-absent-reason\","
                                  "\"code\":\"not-applicable\"}]}");
        }
        fhs_buf_add_char(out, '}');
    }
}

/* What was asked for, or else what the values span. */
static void write_effective(const fhs_stats_work *work, const fhs_stats_group *group, fhs_buf *out)
{
    int64_t from = work->from;
    int64_t to = work->to;
    for (size_t i = 0; i < group->count; i++) {
        const int64_t time = group->items[i].time;
        if (time != FHS_TICK_MIN) {
            from = work->from == FHS_TICK_MIN ? time : from;
            to = to == FHS_TICK_MAX ? time : to;
        }
    }
    if (from == FHS_TICK_MIN && to == FHS_TICK_MAX) {
        return;
    }
    fhs_buf_add_cstr(out, ",\"effectivePeriod\":{");
    if (from != FHS_TICK_MIN) {
        fhs_buf_add_cstr(out, "\"start\":\"");
        fhs_instant_write(fhs_ticks_to_us(from), out);
        fhs_buf_add_cstr(out, to != FHS_TICK_MAX ? "\"," : "\"");
    }
    if (to != FHS_TICK_MAX) {
        fhs_buf_add_cstr(out, "\"end\":\"");
        fhs_instant_write(fhs_ticks_to_us(to), out);
        fhs_buf_add_char(out, '"');
    }
    fhs_buf_add_char(out, '}');
}

static fhirstore_status write_stats_group(fhs_stats_work *work, fhs_stats_group *group,
                                          fhs_buf *out)
{
    const fhs_stats_item *latest = NULL;
    order_stats_items(group);
    fhs_sample *samples = fhs_calloc(group->count + 1, sizeof *samples);
    if (samples == NULL) {
        return fhs_fail_memory(work->err);
    }
    size_t count = convert_stats_items(group, samples, &latest);
    fhs_samples_sort(samples, count);
    fhs_buf_add_cstr(out, "{\"name\":\"statistics\",\"resource\":{\"resourceType\":\"Observation\","
                          "\"status\":\"final\",\"code\":");
    fhs_buf_add_str(out, group->concept);
    fhs_buf_add_cstr(out, ",\"subject\":{\"reference\":");
    fhs_json_write_string(out, work->subject);
    fhs_buf_add_char(out, '}');
    write_effective(work, group, out);
    fhs_buf_add_cstr(out, ",\"component\":[");
    write_figures(work, samples, count, group->count, latest, out);
    fhs_buf_add_cstr(out, "]}}");
    fhs_free(samples);
    return FHIRSTORE_OK;
}

/* ---- sources ---- */

/* The Observations that were calculated with, the latest first. */
static fhirstore_status write_sources(fhs_stats_work *work, fhs_buf *out)
{
    size_t most = 0;
    size_t count = 0;
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t g = 0; g < work->group_count; g++) {
        most += work->groups[g].count;
    }
    fhs_stats_item *all = fhs_calloc(most + 1, sizeof *all);
    if (all == NULL) {
        return fhs_fail_memory(work->err);
    }
    for (size_t g = 0; g < work->group_count; g++) {
        for (size_t i = 0; i < work->groups[g].count; i++) {
            if (work->groups[g].items[i].is_valid) {
                all[count] = work->groups[g].items[i];
                all[count++].part = 0;
            }
        }
    }
    fhs_stats_group sources = {.items = all, .count = count};
    order_stats_items(&sources);
    for (size_t i = 0; i < sources.count && i < work->limit && status >= FHIRSTORE_OK; i++) {
        fhs_version version;
        status = fhs_resource_look(work->call->conn, all[i].entity, &version, work->err);
        if (status >= FHIRSTORE_OK) {
            status = fhs_stats_load(work, &version);
        }
        fhs_buf_add_cstr(out, ",{\"name\":\"source\",\"resource\":");
        fhs_buf_add_str(out, fhs_buf_str(&work->body));
        fhs_buf_add_char(out, '}');
        work->call->count++;
    }
    fhs_free(all);
    return status;
}

fhirstore_status fhs_stats_write(fhs_stats_work *work, fhs_buf *out)
{
    fhirstore_status status = FHIRSTORE_OK;
    bool is_first = true;
    fhs_buf_add_cstr(out, "{\"resourceType\":\"Parameters\",\"parameter\":[");
    for (size_t i = 0; i < work->group_count && status >= FHIRSTORE_OK; i++) {
        if (work->groups[i].is_panel && work->groups[i].count == 0) {
            continue;
        }
        fhs_buf_add_cstr(out, is_first ? "" : ",");
        is_first = false;
        status = write_stats_group(work, &work->groups[i], out);
    }
    if (work->includes && status >= FHIRSTORE_OK) {
        status = write_sources(work, out);
    }
    fhs_buf_add_cstr(out, "]}");
    return status;
}
