/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

/* splitmix64 */
uint64_t script_roll(uint64_t *dice, uint64_t sides)
{
    uint64_t bits = (*dice += UINT64_C(0x9E3779B97F4A7C15));
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (bits ^ (bits >> 31)) % sides;
}

void script_init(script *self, uint64_t seed, unsigned writer)
{
    *self = (script){.dice = seed, .writer = writer};
    for (unsigned i = 0; i <= writer; i++) {
        self->dice = script_roll(&self->dice, UINT64_MAX);
    }
}

step script_next(script *self)
{
    static const step_kind kinds[] = {STEP_PUT,    STEP_PUT,    STEP_PUT,    STEP_PATCH, STEP_PATCH,
                                      STEP_DELETE, STEP_BUNDLE, STEP_BUNDLE, STEP_IMPORT};
    step next = {.kind = kinds[script_roll(&self->dice, sizeof kinds / sizeof *kinds)],
                 .first = (unsigned)script_roll(&self->dice, OWN_RESOURCES)};
    next.second = (next.first + 1 + (unsigned)script_roll(&self->dice, OWN_RESOURCES - 1)) %
                  OWN_RESOURCES;
    next.value = script_roll(&self->dice, 1000000000);
    if (next.kind == STEP_PATCH && !self->states[next.first].is_there) {
        next.kind = STEP_PUT;
    }
    return next;
}

static void set(own_state *state, uint64_t value)
{
    state->is_there = true;
    state->was_there = true;
    state->value = value;
}

void script_done(script *self, const step *done)
{
    own_state *first = &self->states[done->first];
    if (done->kind == STEP_DELETE) {
        first->is_there = false;
        return;
    }
    set(first, done->value);
    if (done->kind == STEP_BUNDLE || done->kind == STEP_IMPORT) {
        set(&self->states[done->second], done->value + 1);
    }
}
