/* SPDX-License-Identifier: Apache-2.0 */
#include "operation/statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    fhs_str code;
    fhs_str display;
} statistics[FHS_STAT_KINDS] = {
    [FHS_STAT_AVERAGE] = {FHS_LIT_INIT("average"), FHS_LIT_INIT("Average")},
    [FHS_STAT_MAXIMUM] = {FHS_LIT_INIT("maximum"), FHS_LIT_INIT("Maximum")},
    [FHS_STAT_MINIMUM] = {FHS_LIT_INIT("minimum"), FHS_LIT_INIT("Minimum")},
    [FHS_STAT_COUNT] = {FHS_LIT_INIT("count"), FHS_LIT_INIT("Count")},
    [FHS_STAT_TOTAL_COUNT] = {FHS_LIT_INIT("total-count"), FHS_LIT_INIT("Total Count")},
    [FHS_STAT_MEDIAN] = {FHS_LIT_INIT("median"), FHS_LIT_INIT("Median")},
    [FHS_STAT_STD_DEV] = {FHS_LIT_INIT("std-dev"), FHS_LIT_INIT("Standard Deviation")},
    [FHS_STAT_SUM] = {FHS_LIT_INIT("sum"), FHS_LIT_INIT("Sum")},
    [FHS_STAT_VARIANCE] = {FHS_LIT_INIT("variance"), FHS_LIT_INIT("Variance")},
    [FHS_STAT_20_PERCENT] = {FHS_LIT_INIT("20-percent"), FHS_LIT_INIT("20th Percentile")},
    [FHS_STAT_80_PERCENT] = {FHS_LIT_INIT("80-percent"), FHS_LIT_INIT("80th Percentile")},
    [FHS_STAT_4_LOWER] = {FHS_LIT_INIT("4-lower"), FHS_LIT_INIT("Lower Quartile")},
    [FHS_STAT_4_UPPER] = {FHS_LIT_INIT("4-upper"), FHS_LIT_INIT("Upper Quartile")},
    [FHS_STAT_4_DEV] = {FHS_LIT_INIT("4-dev"), FHS_LIT_INIT("Quartile Deviation")},
    [FHS_STAT_5_1] = {FHS_LIT_INIT("5-1"), FHS_LIT_INIT("1st Quintile")},
    [FHS_STAT_5_2] = {FHS_LIT_INIT("5-2"), FHS_LIT_INIT("2nd Quintile")},
    [FHS_STAT_5_3] = {FHS_LIT_INIT("5-3"), FHS_LIT_INIT("3rd Quintile")},
    [FHS_STAT_5_4] = {FHS_LIT_INIT("5-4"), FHS_LIT_INIT("4th Quintile")},
    [FHS_STAT_SKEW] = {FHS_LIT_INIT("skew"), FHS_LIT_INIT("Skew")},
    [FHS_STAT_KURTOSIS] = {FHS_LIT_INIT("kurtosis"), FHS_LIT_INIT("Kurtosis")},
    [FHS_STAT_GRADIENT] = {FHS_LIT_INIT("regression"), FHS_LIT_INIT("Regression: gradient")},
    [FHS_STAT_INTERCEPT] = {FHS_LIT_INIT("regression"), FHS_LIT_INIT("Regression: intercept")},
};

fhs_statistic fhs_statistic_find(fhs_str code)
{
    /* The parameter's own documentation speaks of these two. */
    if (fhs_str_eq(code, FHS_LIT("max"))) {
        return FHS_STAT_MAXIMUM;
    }
    if (fhs_str_eq(code, FHS_LIT("min"))) {
        return FHS_STAT_MINIMUM;
    }
    int i = 0;
    while (i < FHS_STAT_KINDS && !fhs_str_eq(statistics[i].code, code)) {
        i++;
    }
    return (fhs_statistic)i;
}

fhs_str fhs_statistic_code(fhs_statistic which)
{
    return statistics[which].code;
}

fhs_str fhs_statistic_display(fhs_statistic which)
{
    return statistics[which].display;
}

static int compare_samples(const void *a, const void *b)
{
    return fhs_decimal_compare(&((const fhs_sample *)a)->value, &((const fhs_sample *)b)->value);
}

void fhs_samples_sort(fhs_sample *samples, size_t count)
{
    if (count > 1) {
        qsort(samples, count, sizeof *samples, compare_samples);
    }
}

/* ---- exact ---- */

static bool sum_of(const fhs_sample *samples, size_t count, fhs_decimal *out)
{
    bool fits = true;
    *out = fhs_decimal_from_i64(0);
    for (size_t i = 0; i < count && fits; i++) {
        fits = fhs_decimal_add(out, &samples[i].value, out);
    }
    return fits;
}

/* Digits behind the point that an average is rounded to. */
#define AVERAGE_SCALE 15

static bool average_of(const fhs_sample *samples, size_t count, fhs_decimal *out)
{
    const fhs_decimal number = fhs_decimal_from_i64((int64_t)count);
    fhs_decimal sum;
    if (!sum_of(samples, count, &sum) || !fhs_decimal_div(&sum, &number, AVERAGE_SCALE, out)) {
        return false;
    }
    *out = fhs_decimal_normalise(*out);
    return true;
}

/* ---- rounded ---- */

static double mean_of(const fhs_sample *samples, size_t count)
{
    double mean = 0;
    for (size_t i = 0; i < count; i++) {
        mean += (samples[i].number - mean) / (double)(i + 1);
    }
    return mean;
}

/* The mean of the nth power of what the samples differ from the mean. */
static double moment_of(const fhs_sample *samples, size_t count, int power)
{
    const double mean = mean_of(samples, count);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double term = 1;
        for (int n = 0; n < power; n++) {
            term *= samples[i].number - mean;
        }
        sum += term;
    }
    return sum / (double)count;
}

/* Between the two nearest ranks, in proportion. */
static double quantile_of(const fhs_sample *samples, size_t count, double part)
{
    const double rank = part * (double)(count - 1);
    const size_t below = (size_t)rank;
    const size_t above = below + 1 < count ? below + 1 : below;
    return samples[below].number +
           (rank - (double)below) * (samples[above].number - samples[below].number);
}

static bool regression_of(const fhs_sample *samples, size_t count, double *gradient,
                          double *intercept)
{
    const double mean = mean_of(samples, count);
    double days = 0;
    double both = 0;
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        days += samples[i].days / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        both += (samples[i].days - days) * (samples[i].number - mean);
        squares += (samples[i].days - days) * (samples[i].days - days);
    }
    *gradient = squares > 0 ? both / squares : 0;
    *intercept = mean - *gradient * days;
    return squares > 0;
}

static bool spread_of(fhs_statistic which, const fhs_sample *samples, size_t count, double *out)
{
    const double variance = moment_of(samples, count, 2);
    switch (which) {
    case FHS_STAT_VARIANCE:
    case FHS_STAT_STD_DEV:
        *out = count > 1 ? variance * (double)count / (double)(count - 1) : 0;
        *out = which == FHS_STAT_STD_DEV ? sqrt(*out) : *out;
        return count > 1;
    case FHS_STAT_SKEW:
        *out = variance > 0 ? moment_of(samples, count, 3) / (variance * sqrt(variance)) : 0;
        return variance > 0;
    default:
        *out = variance > 0 ? moment_of(samples, count, 4) / (variance * variance) : 0;
        return variance > 0;
    }
}

static double place_of(fhs_statistic which)
{
    switch (which) {
    case FHS_STAT_20_PERCENT:
    case FHS_STAT_5_1:
        return 0.2;
    case FHS_STAT_4_LOWER:
        return 0.25;
    case FHS_STAT_5_2:
        return 0.4;
    case FHS_STAT_5_3:
        return 0.6;
    case FHS_STAT_4_UPPER:
        return 0.75;
    case FHS_STAT_80_PERCENT:
    case FHS_STAT_5_4:
        return 0.8;
    default:
        return 0.5;
    }
}

static bool rounded_of(fhs_statistic which, const fhs_sample *samples, size_t count, double *out)
{
    double other;
    switch (which) {
    case FHS_STAT_VARIANCE:
    case FHS_STAT_STD_DEV:
    case FHS_STAT_SKEW:
    case FHS_STAT_KURTOSIS:
        return spread_of(which, samples, count, out);
    case FHS_STAT_4_DEV:
        *out = (quantile_of(samples, count, 0.75) - quantile_of(samples, count, 0.25)) / 2;
        return true;
    case FHS_STAT_GRADIENT:
        return regression_of(samples, count, out, &other);
    case FHS_STAT_INTERCEPT:
        return regression_of(samples, count, &other, out);
    default:
        *out = quantile_of(samples, count, place_of(which));
        return true;
    }
}

/* Twelve digits; whatever the host's locale has in the place of a point becomes one. */
static void add_rounded(double number, fhs_buf *out)
{
    char text[64];
    int len = snprintf(text, sizeof text, "%.12g", number);
    bool was_mark = false;
    for (int i = 0; i < len; i++) {
        const char c = text[i];
        bool is_mark = (c < '0' || c > '9') && c != '-' && c != '+' && c != 'e';
        if (!is_mark || !was_mark) {
            fhs_buf_add_char(out, is_mark ? '.' : c);
        }
        was_mark = is_mark;
    }
}

bool fhs_statistic_write(fhs_statistic which, const fhs_sample *samples, size_t count, size_t total,
                         fhs_buf *out)
{
    fhs_decimal exact;
    double rounded;
    if (which == FHS_STAT_COUNT || which == FHS_STAT_TOTAL_COUNT) {
        fhs_buf_add_u64(out, which == FHS_STAT_COUNT ? count : total);
        return true;
    }
    if (count == 0) {
        return false;
    }
    if (which == FHS_STAT_MAXIMUM || which == FHS_STAT_MINIMUM) {
        fhs_decimal_write(&samples[which == FHS_STAT_MINIMUM ? 0 : count - 1].value, out);
        return true;
    }
    if ((which == FHS_STAT_SUM && sum_of(samples, count, &exact)) ||
        (which == FHS_STAT_AVERAGE && average_of(samples, count, &exact))) {
        fhs_decimal_write(&exact, out);
        return true;
    }
    if (which == FHS_STAT_SUM || which == FHS_STAT_AVERAGE ||
        !rounded_of(which, samples, count, &rounded) || !isfinite(rounded)) {
        return false;
    }
    add_rounded(rounded, out);
    return true;
}
