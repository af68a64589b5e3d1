/* SPDX-License-Identifier: Apache-2.0 */
/* What the writers of resources work with: random numbers, ids, and text that grows. */
#ifndef FHS_BENCH_GENERATE_TEXT_H
#define FHS_BENCH_GENERATE_TEXT_H

#include "generate.h"

#define SECONDS_A_DAY  INT64_C(86400)
#define SECONDS_A_YEAR (INT64_C(36525) * 864)
/* 2020-07-01: nothing is later. */
#define LAST_TIME  INT64_C(1593561600)
#define FIRST_TIME INT64_C(-1577923200) /* 1920-01-01 */

/* Streams of their own, so that others can tell the ids of what a patient brings along. */
enum {
    STREAM_PATIENT,
    STREAM_KEYS,
    STREAM_HOSPITAL,
    STREAM_DOCTOR
};

typedef struct gen_id {
    char text[40];
} gen_id;

struct generator {
    uint64_t seed;
    int64_t left; /* resources still to be written */
    int64_t patient;
    uint64_t state;
    gen_text *out;
    int64_t written; /* of this patient */
    gen_id self;     /* the patient … */
    gen_id doctor, hospital, encounter, claim;
    int64_t start; /* … and where its current encounter stands */
    int64_t end;
};

uint64_t gen_draw(uint64_t *state);
/* Below @a bound, which is above 0. */
uint32_t gen_pick(generator *g, uint32_t bound);
bool gen_happens(generator *g, uint32_t per_mille);
/* How often something with a mean in thousandths happens this time. */
uint32_t gen_times(generator *g, uint32_t per_mille);
const gen_code *gen_pick_code(generator *g, const gen_table *table);
gen_id gen_new_id(generator *g);
uint64_t gen_stream_of(uint64_t seed, int64_t patient, unsigned which);
gen_id gen_id_of(const generator *g, int64_t patient, unsigned which);
void gen_add_text(gen_text *text, const char *string);
void gen_add_time(gen_text *text, int64_t seconds, int64_t milliseconds);
/*
 * %s text, %n number (int64_t), %d a date, %t a time (seconds as int64_t), %k a CodeableConcept
 * (its system, then the gen_code), %f the value of a decimal (int64_t) and its places (int).
 */
void gen_say(generator *g, const char *format, ...);
/* A resource begins; false when the last one has been written. */
bool gen_begin(generator *g, const char *type, const gen_id *id);
void gen_finish(generator *g);

#endif
