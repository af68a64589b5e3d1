/* SPDX-License-Identifier: Apache-2.0 */
/* Figures in Prometheus' text form: what was asked, how it ended, how long it took. No patient
 * data. */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include <stddef.h>
#include <stdint.h>

typedef struct web_metrics web_metrics;

web_metrics *metrics_new(void); /* NULL: no memory */
void metrics_free(web_metrics *metrics);

void metrics_begin(web_metrics *metrics);
/* @a kind is a literal of route.c. */
void metrics_end(web_metrics *metrics, const char *kind, unsigned status, uint64_t us,
                 size_t bytes_in, size_t bytes_out);
void metrics_token_refused(web_metrics *metrics);
/* Requests that are being answered now. */
unsigned metrics_at_work(const web_metrics *metrics);

/* Requests that have been answered. */
unsigned long long metrics_answered(const web_metrics *metrics);

/* The page; NULL: no memory. The caller's, to be freed. */
char *metrics_page(const web_metrics *metrics, const char *store_path, size_t *len_out);

#endif
