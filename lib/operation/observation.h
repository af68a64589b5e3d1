/* SPDX-License-Identifier: Apache-2.0 */
/* What operations on Observations need to know of one: when it was taken, and its codes. */
#ifndef FHS_OPERATION_OBSERVATION_H
#define FHS_OPERATION_OBSERVATION_H

#include "interact/core.h"
#include "json/json.h"

/*
 * When it was taken, in ticks: the beginning of effectiveDateTime or effectiveInstant, the end of
 * effectivePeriod (its beginning where it has none), the last event of effectiveTiming.
 * FHS_TICK_MIN: nothing says so.
 */
int64_t fhs_observation_time(const fhs_core *core, const fhs_json *observation);

/* The nth coding of a CodeableConcept that has a code; false: there are no more. */
bool fhs_concept_coding(const fhs_json *concept, uint32_t n, fhs_str *system_out,
                        fhs_str *code_out);

#endif
