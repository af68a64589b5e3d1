/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a writer of the stress test does: a list of steps that follows from a seed and the writer's
 * number alone, over resources that no other writer touches, and what must be there after each.
 */
#ifndef FHS_STRESS_SCRIPT_H
#define FHS_STRESS_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OWN_RESOURCES 6u

typedef enum step_kind {
    STEP_PUT,
    STEP_PATCH,
    STEP_DELETE,
    STEP_BUNDLE, /* a transaction that writes two */
    STEP_IMPORT, /* the same as lines */
} step_kind;

typedef struct step {
    step_kind kind;
    unsigned first; /* which of the writer's resources */
    unsigned second;
    uint64_t value; /* what is written */
} step;

/* Of one resource, as its writer knows it. */
typedef struct own_state {
    bool is_there;
    bool was_there;
    uint64_t value;
    int64_t version; /* as it was told last; 0: not told */
} own_state;

typedef struct script {
    uint64_t dice;
    unsigned writer;
    own_state states[OWN_RESOURCES];
} script;

void script_init(script *self, uint64_t seed, unsigned writer);
/* What comes next; does not change the states. */
step script_next(script *self);
/* It was done. */
void script_done(script *self, const step *done);

uint64_t script_roll(uint64_t *dice, uint64_t sides);

#endif
