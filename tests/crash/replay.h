/* SPDX-License-Identifier: Apache-2.0 */
/* Failures of power in a recorded script, and what is there afterwards. */
#ifndef FHS_TEST_REPLAY_H
#define FHS_TEST_REPLAY_H

#include "script.h"

typedef struct replay_totals {
    uint64_t states;
    uint64_t recoveries; /* of these, interrupted once more while they were recovered */
    uint64_t written;    /* … written to afterwards, and verified in full */
    uint64_t copies;     /* … whose backups were looked at */
    uint64_t findings;
} replay_totals;

typedef struct replay_options {
    uint64_t seed;
    uint64_t states;
    uint32_t sector; /* 512 or 4096 */
    int64_t only;    /* this state alone; below 0: all */
} replay_options;

/* What the steps of several transactions may stop at, from failures that lose nothing. */
void replay_find_parts(script *recorded);
/* Findings are printed as they are met. */
void replay_run(const script *recorded, const replay_options *options, replay_totals *totals);

#endif
