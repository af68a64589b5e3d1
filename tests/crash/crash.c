/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crash simulator: a script of 500 transactions and more is recorded, down to each write, and
 * the power fails at each of them, with what was not synced lost, torn and out of order. Every
 * state is opened, recovered, read whole and held against what the store was before or after the
 * step that was interrupted.
 *
 * usage: crash [--states N] [--seed N] [--steps N] [--sector 512|4096 --state N] [--long]
 */
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

typedef struct crash_options {
    uint64_t states;
    uint64_t seed;
    size_t steps;
    uint32_t sector; /* 0: both */
    int64_t only;
} crash_options;

/* ---- a run can be repeated: nothing in it is by chance ---- */

static uint64_t chance = 1;

static const char *name_of_chance(void)
{
    return "seeded";
}

static uint32_t throw_word(void)
{
    return (uint32_t)(disk_throw(&chance) >> 32);
}

static void throw_bytes(void *const out, const size_t size)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = disk_throw(&chance);
        memcpy(bytes + i, &word, size - i < 8 ? size - i : 8);
    }
}

static randombytes_implementation seeded = {
    .implementation_name = name_of_chance,
    .random = throw_word,
    .buf = throw_bytes,
};

/* ---- the command line ---- */

static uint64_t number_in(const char *text)
{
    char *end = NULL;
    uint64_t number = text == NULL ? 0 : strtoull(text, &end, 10);
    if (text == NULL || *text == '\0' || *end != '\0') {
        (void)fprintf(stderr, "crash: a number is missing, or is none: %s\n", text);
        exit(2);
    }
    return number;
}

static void read_options(int count, char **words, crash_options *out)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--long") == 0) {
            out->states = 1000000;
        } else if (strcmp(words[i], "--states") == 0) {
            out->states = number_in(words[++i]);
        } else if (strcmp(words[i], "--seed") == 0) {
            out->seed = number_in(words[++i]);
        } else if (strcmp(words[i], "--steps") == 0) {
            out->steps = (size_t)number_in(words[++i]);
        } else if (strcmp(words[i], "--sector") == 0) {
            out->sector = (uint32_t)number_in(words[++i]);
        } else if (strcmp(words[i], "--state") == 0) {
            out->only = (int64_t)number_in(words[++i]);
        } else {
            (void)fprintf(stderr, "usage: crash [--states N] [--seed N] [--steps N] [--long]\n"
                                  "             [--sector 512|4096] [--state N]\n");
            exit(2);
        }
    }
    if (out->sector != 0 && out->sector != 512 && out->sector != 4096) {
        (void)fprintf(stderr, "crash: a sector has 512 or 4096 bytes\n");
        exit(2);
    }
}

static void read_environment(crash_options *out)
{
    const char *seed = getenv("FHS_TEST_SEED");
    const char *is_long = getenv("FHIRSTORE_TEST_LONG");
    if (seed != NULL) {
        out->seed = number_in(seed);
    }
    if (is_long != NULL && is_long[0] != '\0' && is_long[0] != '0') {
        out->states = 20000;
    }
}

/* ---- the whole ---- */

static void tell(int number, const char *title, const replay_totals *totals, double seconds)
{
    (void)printf(
        "# %llu states, %llu interrupted again in their recovery, %llu written to, backups "
        "looked at in %llu: %llu findings, %.2f ms of CPU a state\n",
        (unsigned long long)totals->states, (unsigned long long)totals->recoveries,
        (unsigned long long)totals->written, (unsigned long long)totals->copies,
        (unsigned long long)totals->findings,
        totals->states == 0 ? 0.0 : seconds * 1000 / (double)totals->states);
    (void)printf("%sok %d - %s\n", totals->findings == 0 ? "" : "not ", number, title);
    (void)fflush(stdout);
}

static uint64_t replay_with(const script *recorded, const crash_options *options, uint32_t sector,
                            int number, const char *title)
{
    replay_totals totals = {0};
    const replay_options replaying = {options->seed, options->states / 2, sector, options->only};
    if (options->sector != 0 && options->sector != sector) {
        (void)printf("ok %d - %s # SKIP not asked for\n", number, title);
        return 0;
    }
    double begun = disk_real_seconds();
    replay_run(recorded, &replaying, &totals);
    tell(number, title, &totals, disk_real_seconds() - begun);
    return totals.findings;
}

int main(int count, char **words)
{
    crash_options options = {.states = 2000, .seed = 1, .steps = 500, .only = -1};
#if defined(__SANITIZE_ADDRESS__)
    options.states = 200;
#endif
    read_environment(&options);
    read_options(count, words, &options);
    chance = options.seed;
    (void)randombytes_set_implementation(&seeded);
    disk_vfs_register();
    (void)printf("1..3\n");
    (void)fprintf(stderr, "# crash: FHS_TEST_SEED=%llu\n", (unsigned long long)options.seed);
    double begun = disk_real_seconds();
    script *recorded = script_record(options.steps, options.seed);
    replay_find_parts(recorded);
    (void)printf("# seed %llu: %zu steps, %zu operations of the disk, recorded in %.1f s of CPU\n",
                 (unsigned long long)options.seed, recorded->step_count, recorded->log->op_count,
                 disk_real_seconds() - begun);
    (void)printf("ok 1 - the script's steps are what the model says\n");
    uint64_t findings = replay_with(recorded, &options, 512, 2,
                                    "power fails, sectors of 512 bytes");
    findings += replay_with(recorded, &options, 4096, 3, "power fails, sectors of 4096 bytes");
    script_free(recorded);
    return findings == 0 ? 0 : 1;
}
