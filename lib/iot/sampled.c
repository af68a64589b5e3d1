/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/sampled.h"

#include "base/limits.h"

uint32_t fhs_iot_slot_count(int64_t start, int64_t end, int64_t period)
{
    if (end < start) {
        return 1;
    }
    uint64_t count = ((uint64_t)end - (uint64_t)start) / (uint64_t)period + 1;
    return count > FHS_LIMIT_IOT_SAMPLES ? 0 : (uint32_t)count;
}

void fhs_iot_samples_encode(const fhs_iot_sample *samples, size_t count, int64_t start, int64_t end,
                            int64_t period, fhs_buf *out)
{
    const uint32_t slots = fhs_iot_slot_count(start, end, period);
    size_t at = 0;
    while (at < count && samples[at].time < start) {
        at++;
    }
    for (uint32_t slot = 0; slot < slots; slot++) {
        const uint64_t behind = ((uint64_t)slot + 1) * (uint64_t)period;
        fhs_str text = FHS_LIT("E");
        while (at < count && (uint64_t)samples[at].time - (uint64_t)start < behind &&
               samples[at].time <= end) {
            text = samples[at++].text;
        }
        if (slot > 0) {
            fhs_buf_add_char(out, ' ');
        }
        fhs_buf_add_str(out, text);
    }
}

fhirstore_status fhs_iot_samples_decode(fhs_arena *arena, fhs_str data, int64_t start,
                                        int64_t period, fhs_iot_sample **samples_out,
                                        size_t *count_out, fhirstore_error **err)
{
    size_t room = 1;
    for (size_t i = 0; i < data.len; i++) {
        room += data.ptr[i] == ' ';
    }
    fhs_iot_sample *samples = fhs_arena_calloc(arena, room, sizeof *samples);
    *samples_out = samples;
    *count_out = 0;
    if (samples == NULL) {
        return fhs_fail_memory(err);
    }
    int64_t time = start;
    for (size_t at = 0; at < data.len;) {
        size_t end = fhs_str_find_char(data, ' ', at);
        fhs_str token = fhs_str_of(data.ptr + at, end - at);
        at = end + 1;
        if (token.len == 0) {
            continue; /* more than one blank between two */
        }
        if (!fhs_str_eq(token, FHS_LIT("E"))) {
            samples[(*count_out)++] = (fhs_iot_sample){time, token};
        }
        if (time > INT64_MAX - period) {
            return fhs_fail(err, FHIRSTORE_ERR_LIMIT, "SampledData reaches past the end of time");
        }
        time += period;
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_iot_samples_merge(fhs_arena *arena, const fhs_iot_sample *older,
                                       size_t older_count, const fhs_iot_sample *newer,
                                       size_t newer_count, fhs_iot_sample **samples_out,
                                       size_t *count_out, fhirstore_error **err)
{
    fhs_iot_sample *out = fhs_arena_calloc(arena, older_count + newer_count + 1, sizeof *out);
    size_t i = 0;
    size_t j = 0;
    size_t count = 0;
    *samples_out = out;
    *count_out = 0;
    if (out == NULL) {
        return fhs_fail_memory(err);
    }
    while (i < older_count || j < newer_count) {
        bool take_newer = i == older_count || (j < newer_count && newer[j].time <= older[i].time);
        if (take_newer && i < older_count && newer[j].time == older[i].time) {
            i++;
        }
        out[count++] = take_newer ? newer[j++] : older[i++];
    }
    *count_out = count;
    return FHIRSTORE_OK;
}
