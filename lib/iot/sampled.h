/* SPDX-License-Identifier: Apache-2.0 */
/* The text of SampledData: one token for each slot of equal length, "E" where there is no value. */
#ifndef FHS_IOT_SAMPLED_H
#define FHS_IOT_SAMPLED_H

#include "iot/group.h"

/* How many slots [start, end] has; 0: more than FHS_LIMIT_IOT_SAMPLES. @a period above 0. */
uint32_t fhs_iot_slot_count(int64_t start, int64_t end, int64_t period);
/*
 * Append the tokens of @a samples (by time): in each slot the last one inside counts, outside of
 * the boundary none does.
 */
void fhs_iot_samples_encode(const fhs_iot_sample *samples, size_t count, int64_t start, int64_t end,
                            int64_t period, fhs_buf *out);
/* The tokens of @a data, the i-th at start + i · period, without those that are "E". */
fhirstore_status fhs_iot_samples_decode(fhs_arena *arena, fhs_str data, int64_t start,
                                        int64_t period, fhs_iot_sample **samples_out,
                                        size_t *count_out, fhirstore_error **err);
/* Both in one, by time; of two of one time the one of @a newer stays. */
fhirstore_status fhs_iot_samples_merge(fhs_arena *arena, const fhs_iot_sample *older,
                                       size_t older_count, const fhs_iot_sample *newer,
                                       size_t newer_count, fhs_iot_sample **samples_out,
                                       size_t *count_out, fhirstore_error **err);

#endif
