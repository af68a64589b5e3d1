/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of http://terminology.hl7.org/CodeSystem/observation-statistics. */
#ifndef FHS_OPERATION_STATISTICS_H
#define FHS_OPERATION_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/decimal.h"
#include "base/str.h"

typedef enum fhs_statistic {
    FHS_STAT_AVERAGE,
    FHS_STAT_MAXIMUM,
    FHS_STAT_MINIMUM,
    FHS_STAT_COUNT,
    FHS_STAT_TOTAL_COUNT,
    FHS_STAT_MEDIAN,
    FHS_STAT_STD_DEV,
    FHS_STAT_SUM,
    FHS_STAT_VARIANCE,
    FHS_STAT_20_PERCENT,
    FHS_STAT_80_PERCENT,
    FHS_STAT_4_LOWER,
    FHS_STAT_4_UPPER,
    FHS_STAT_4_DEV,
    FHS_STAT_5_1,
    FHS_STAT_5_2,
    FHS_STAT_5_3,
    FHS_STAT_5_4,
    FHS_STAT_SKEW,
    FHS_STAT_KURTOSIS,
    FHS_STAT_GRADIENT, /* of the regression … */
    FHS_STAT_INTERCEPT,
    FHS_STAT_KINDS,
} fhs_statistic;

typedef struct fhs_sample {
    fhs_decimal value;
    double number; /* the value */
    double days;   /* when, for the regression */
} fhs_sample;

/* The one called @a code ("regression": the gradient), or FHS_STAT_KINDS. */
fhs_statistic fhs_statistic_find(fhs_str code);
fhs_str fhs_statistic_code(fhs_statistic which);
fhs_str fhs_statistic_display(fhs_statistic which);

/* Put samples in the order that fhs_statistic_write() wants: by value. */
void fhs_samples_sort(fhs_sample *samples, size_t count);
/*
 * Append the figure as a JSON number; false: so few, or such, samples have none. Extremes and the
 * sum are exact, and so is the average where it ends within 15 digits; everything else is rounded.
 */
bool fhs_statistic_write(fhs_statistic which, const fhs_sample *samples, size_t count, size_t total,
                         fhs_buf *out);

#endif
