/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patients that do not exist, as NDJSON: the kinds of resources and their proportions, the codes
 * and how often each occurs, are those of 30 bundles that Synthea wrote; names, dates and values
 * come from a seeded generator. The same seed gives the same bytes, and a larger size begins with
 * the bytes of a smaller one.
 */
#ifndef FHS_BENCH_GENERATE_H
#define FHS_BENCH_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gen_code {
    const char *code;
    const char *display;
    uint32_t weight;   /* how often, to the others of its table */
    const char *class; /* visits only: the encounter's class */
} gen_code;

/* A quantity that is measured. */
typedef struct gen_measure {
    const char *code;
    const char *display;
    const char *unit;
    int32_t low, high; /* in the last decimal place */
    int decimals;
} gen_measure;

/* Measures that are reported together. */
typedef struct gen_panel {
    const char *code;
    const char *display;
    const gen_measure *measures;
    size_t count;
    uint32_t per_mille; /* of encounters that have it */
} gen_panel;

typedef struct gen_table {
    const gen_code *items;
    size_t count;
    uint32_t total; /* of the weights */
} gen_table;

extern const gen_table gen_visits, gen_conditions, gen_procedures, gen_vaccines, gen_drugs,
    gen_plans;
extern const gen_measure gen_vitals[], gen_others[];
extern const size_t gen_vital_count, gen_other_count;
extern const gen_panel gen_panels[];
extern const size_t gen_panel_count;
extern const char *const gen_given_names[2][64]; /* female, male */
extern const char *const gen_name_heads[64];
extern const char *const gen_name_tails[64];
extern const char *const gen_cities[40];

/* What is written so far: whole lines. */
typedef struct gen_text {
    char *ptr;
    size_t len;
    size_t capacity;
} gen_text;

typedef struct generator generator;

generator *gen_new(uint64_t seed, int64_t resources);
void gen_free(generator *generator);
/*
 * Replace @a out with the resources of the next patient, each on a line, and return how many: fewer
 * for the last, 0 at the end.
 */
int64_t gen_next(generator *generator, gen_text *out);
void gen_text_free(gen_text *text);

/* What searches ask for. Patients count from 0. */
typedef struct gen_keys {
    char id[40];
    char family[64];
    char record_number[40];
} gen_keys;
void gen_patient_keys(uint64_t seed, int64_t patient, gen_keys *out);

#endif
