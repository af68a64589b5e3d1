/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FINDINGS_PRINTED = 20,
    ALLOWED_MAX = STEP_PARTS_MAX + 2
};

/* One failure: where, and what may be there after it. */
typedef struct failure {
    const script *recorded;
    replay_totals *totals;
    const replay_options *options;
    uint64_t number; /* of the state */
    size_t at;       /* ops that were done */
    disk_harm harm;
    size_t step;   /* the last that was begun */
    bool is_begun; /* it was not acknowledged */
    store_state allowed[ALLOWED_MAX];
    size_t allowed_count;
    bool may_be_absent;      /* there may be no store yet */
    bool header_was_written; /* by the step that was interrupted, or not synced since */
    disk *before;            /* the state, untouched */
} failure;

/* Nothing else is written there in one piece of this size. */
static bool is_header_write(const disk_op *op)
{
    const uint64_t copy_bytes = 4096;
    return op->kind == DISK_WRITE && op->len == copy_bytes &&
           (op->offset == 0 || op->offset == copy_bytes);
}

__attribute__((format(printf, 2, 3))) static void report(failure *what, const char *format, ...)
{
    va_list args;
    what->totals->findings++;
    if (what->totals->findings > FINDINGS_PRINTED) {
        return;
    }
    (void)printf(
        "# FINDING: --seed %llu --states %llu --sector %u --state %llu (%s lost at op %zu, "
        "%s step %zu, %s): ",
        (unsigned long long)what->options->seed, (unsigned long long)what->options->states * 2,
        what->options->sector, (unsigned long long)what->number, disk_harm_names[what->harm],
        what->at, what->is_begun ? "in" : "after", what->step,
        what->recorded->steps[what->step].name);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)printf("\n");
    (void)fflush(stdout);
}

static void allow(failure *what, const store_state *state)
{
    for (size_t i = 0; i < what->allowed_count; i++) {
        if (script_same(&what->allowed[i], state)) {
            return;
        }
    }
    what->allowed[what->allowed_count++] = *state;
}

/* The last step that was begun before op @a at. */
static size_t step_at(const script *recorded, size_t at)
{
    size_t low = 0;
    size_t high = recorded->step_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (recorded->steps[middle].begun < at) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static void decide_allowed(failure *what)
{
    const script *recorded = what->recorded;
    what->step = step_at(recorded, what->at);
    const script_step *step = &recorded->steps[what->step];
    what->is_begun = what->at < step->acknowledged;
    what->allowed_count = 0;
    if (!what->is_begun) {
        allow(what, &step->after);
        return;
    }
    if (what->step == 0) {
        what->may_be_absent = true;
    } else {
        allow(what, &recorded->steps[what->step - 1].after);
    }
    for (size_t i = 0; i < step->part_count; i++) {
        allow(what, &step->parts[i]);
    }
    allow(what, &step->after);
}

/* ---- one state ---- */

/* Open with the keys that may be right, one after the other. */
static fhirstore *open_allowed(failure *what, int *key_out)
{
    fhirstore_status status = FHIRSTORE_OK;
    char why[256] = "";
    for (size_t i = 0; i < what->allowed_count; i++) {
        bool was_tried = false;
        for (size_t j = 0; j < i; j++) {
            was_tried = was_tried || what->allowed[j].key == what->allowed[i].key;
        }
        if (was_tried) {
            continue;
        }
        fhirstore *store = NULL;
        fhirstore_error *error = NULL;
        const fhirstore_open_options options = script_options(what->allowed[i].key);
        status = fhirstore_open(STORE_PATH, strlen(STORE_PATH), &options, &store, &error);
        if (status == FHIRSTORE_OK) {
            *key_out = what->allowed[i].key;
            return store;
        }
        (void)snprintf(why, sizeof why, "%s: %s", fhirstore_status_name(status),
                       fhirstore_error_message(error));
        fhirstore_error_free(error);
    }
    report(what, "no key opens the store: %s", why);
    return NULL;
}

/* Which of the allowed states the open store is in; NULL: in none. */
static const store_state *find_state(failure *what, fhirstore *store, int key)
{
    store_state found;
    if (!script_look(store, key, &found)) {
        report(what, "the store cannot be read");
        return NULL;
    }
    for (size_t i = 0; i < what->allowed_count; i++) {
        if (script_same(&found, &what->allowed[i])) {
            return &what->allowed[i];
        }
    }
    const script_step *step = &what->recorded->steps[what->step];
    bool is_image = memcmp(found.image, step->after.image, sizeof found.image) == 0;
    bool is_slots = memcmp(found.slots, step->after.slots, sizeof found.slots) == 0;
    report(what, "the store is in none of the %zu states it may be in (pages %s, keys %s)",
           what->allowed_count, is_image ? "right" : "wrong", is_slots ? "right" : "wrong");
    return NULL;
}

/* Before the first step is over there may be no store, or one that is still being made. */
static bool make_store(failure *what)
{
    char why[256];
    fhirstore *store = NULL;
    fhirstore_error *error = NULL;
    fhirstore_open_options options = script_options(1);
    options.flags |= FHIRSTORE_OPEN_CREATE;
    fhirstore_status status = fhirstore_open(STORE_PATH, strlen(STORE_PATH), &options, &store,
                                             &error);
    if (status != FHIRSTORE_OK) {
        report(what, "the store cannot be made: %s: %s", fhirstore_status_name(status),
               fhirstore_error_message(error));
        fhirstore_error_free(error);
        return false;
    }
    bool is_sound = script_is_sound(store, why, sizeof why);
    if (!is_sound) {
        report(what, "the new store is not sound: %s", why);
    }
    fhirstore_close(store);
    return is_sound;
}

/* Open, recover, read; NULL: a finding, or no store that there should be. */
static const store_state *recover(failure *what)
{
    char why[256];
    int key = 0;
    if (what->may_be_absent) {
        (void)make_store(what);
        return NULL;
    }
    fhirstore *store = open_allowed(what, &key);
    if (store == NULL) {
        return NULL;
    }
    const store_state *found = find_state(what, store, key);
    if (found != NULL &&
        !script_pages_are_sound(store, what->header_was_written, why, sizeof why)) {
        report(what, "after recovery: %s", why);
        found = NULL;
    }
    fhirstore_close(store);
    return found;
}

/* What else may lie beside the store: its log, a batch of pages, backups, and unfinished files. */
static void check_names(failure *what, const disk *after)
{
    for (uint32_t i = 0; i < after->name_count; i++) {
        const char *name = after->names[i].text;
        bool is_known = strcmp(name, STORE_PATH) == 0 || strstr(name, ".new-") != NULL ||
                        strncmp(name, DISK_FOLDER "copy", strlen(DISK_FOLDER "copy")) == 0;
        if (!is_known) {
            report(what, "%s is left behind", name);
        }
    }
}

/* A backup is there as a whole or not at all, and once it was acknowledged it is. */
static void check_copies(failure *what)
{
    const script *recorded = what->recorded;
    for (size_t i = 0; i < recorded->copy_count; i++) {
        const script_copy *copy = &recorded->copies[i];
        bool is_due = copy->step < what->step || (copy->step == what->step && !what->is_begun);
        store_state found;
        char why[256];
        fhirstore *store = NULL;
        const fhirstore_open_options options = script_options(copy->state.key);
        fhirstore_status status = fhirstore_open(copy->path, strlen(copy->path), &options, &store,
                                                 NULL);
        if (status == FHIRSTORE_ERR_NOT_FOUND && !is_due) {
            continue;
        }
        if (status != FHIRSTORE_OK) {
            report(what, "%s: %s", copy->path, fhirstore_status_name(status));
            continue;
        }
        if (!script_look(store, copy->state.key, &found) || !script_same(&found, &copy->state)) {
            report(what, "%s is not what it was", copy->path);
        } else if (!script_pages_are_sound(store, false, why, sizeof why)) {
            report(what, "%s: %s", copy->path, why);
        }
        fhirstore_close(store);
    }
    what->totals->copies++;
}

/* The recovered store takes a write, keeps it, and is sound down to its index rows. */
static void write_on(failure *what, int key)
{
    static const char body[] = "{\"resourceType\":\"Patient\",\"id\":\"after\",\"active\":true}";
    char why[256];
    fhirstore_open_options options = script_options(key);
    for (int round = 0; round < 2; round++) {
        fhirstore *store = NULL;
        fhirstore_session *session = NULL;
        fhirstore_response *response = NULL;
        fhirstore_session_options entering = FHIRSTORE_SESSION_OPTIONS_INIT;
        entering.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
        options.journal = FHIRSTORE_JOURNAL_BATCHED;
        fhirstore_status status = fhirstore_open(STORE_PATH, strlen(STORE_PATH), &options, &store,
                                                 NULL);
        if (status == FHIRSTORE_OK) {
            status = fhirstore_session_open(store, &entering, &session, NULL);
        }
        if (status == FHIRSTORE_OK) {
            status = round == 0 ? fhirstore_update(session, FHIRSTORE_LIT("Patient"),
                                                   FHIRSTORE_LIT("after"), FHIRSTORE_LIT(body),
                                                   NULL, &response, NULL)
                                : fhirstore_read(session, FHIRSTORE_LIT("Patient"),
                                                 FHIRSTORE_LIT("after"), &response, NULL);
        }
        if (status < FHIRSTORE_OK) {
            report(what, "a write afterwards, round %d: %s", round, fhirstore_status_name(status));
        } else if (!script_is_sound(store, why, sizeof why)) {
            report(what, "after a write, round %d: %s", round, why);
        }
        fhirstore_response_free(response);
        fhirstore_session_close(session);
        fhirstore_close(store);
    }
    what->totals->written++;
}

/* Was a copy of a header on its way? It has half of what lies before the first page. */
static bool is_header_pending(const disk_walk *walk)
{
    for (size_t i = 0; i < walk->pending_count; i++) {
        if (is_header_write(&walk->recorded->ops[walk->pending[i]])) {
            return true;
        }
    }
    return false;
}

/* A new data key is written to both copies, one after the other: the second is of the old key. */
static bool is_header_changing(const failure *what)
{
    const script_step *step = &what->recorded->steps[what->step];
    for (size_t i = step->begun; what->is_begun && i < what->at; i++) {
        if (is_header_write(&what->recorded->log->ops[i])) {
            return true;
        }
    }
    return false;
}

/* The power fails again while the store is recovered. What was found once stays. */
static void fail_again(failure *what, disk *recovering, const store_state *found, uint64_t *dice)
{
    const disk_harm harm = (disk_harm)disk_throw_below(dice, HARM_COUNT);
    const store_state kept = *found;
    disk_walk *walk = disk_walk_new(recovering, what->before);
    disk_walk_to(walk, disk_throw_below(dice, (uint32_t)recovering->op_count + 1));
    what->header_was_written = what->header_was_written || is_header_pending(walk);
    disk *second = disk_crash(walk, harm, what->options->sector, dice);
    disk_vfs_use(second);
    what->allowed[0] = kept;
    what->allowed_count = 1;
    if (recover(what) == NULL) {
        report(what, "that was in the recovery after the recovery's op %zu (%s lost)", walk->at,
               disk_harm_names[harm]);
    }
    disk_free(second);
    disk_walk_free(walk);
    what->totals->recoveries++;
}

static void try_state(failure *what, const disk_walk *walk, uint64_t dice)
{
    what->harm = (disk_harm)disk_throw_below(&dice, HARM_COUNT);
    what->may_be_absent = false;
    decide_allowed(what);
    what->header_was_written = is_header_pending(walk) || is_header_changing(what);
    what->before = disk_crash(walk, what->harm, what->options->sector, &dice);
    disk *after = disk_borrow(what->before);
    uint32_t more = disk_throw_below(&dice, 64);
    after->is_recording = more < 8;
    disk_vfs_use(after);
    const store_state *found = recover(what);
    if (found != NULL) {
        check_names(what, after);
        bool is_near = false;
        for (size_t i = 0; i < what->recorded->copy_count; i++) {
            is_near = is_near || what->recorded->copies[i].step == what->step;
        }
        if (is_near || more == 8) {
            check_copies(what);
        }
        if (more == 9) {
            write_on(what, found->key);
        }
        if (after->is_recording) {
            fail_again(what, after, found, &dice);
        }
    }
    disk_free(after);
    disk_free(what->before);
    what->totals->states++;
}

/* ---- all of them ---- */

static void add_part(script_step *step, const store_state *state)
{
    for (size_t i = 0; i < step->part_count; i++) {
        if (script_same(&step->parts[i], state)) {
            return;
        }
    }
    if (step->part_count == STEP_PARTS_MAX) {
        script_die("the step %s has too many parts", step->name);
    }
    step->parts[step->part_count++] = *state;
}

/* The keys that the store may have within a step: those of before and of after. */
static void look_at_part(const script *recorded, size_t which, const disk_walk *walk)
{
    script_step *step = &recorded->steps[which];
    uint64_t dice = 0;
    disk *state = disk_crash(walk, HARM_NONE, 512, &dice);
    const int keys[2] = {recorded->steps[which - 1].after.key, step->after.key};
    char why[256];
    disk_vfs_use(state);
    for (int i = 0; i < 2 && (i == 0 || keys[0] != keys[1]); i++) {
        fhirstore *store = NULL;
        store_state found;
        const fhirstore_open_options options = script_options(keys[i]);
        if (fhirstore_open(STORE_PATH, strlen(STORE_PATH), &options, &store, NULL) !=
            FHIRSTORE_OK) {
            continue;
        }
        if (!script_look(store, keys[i], &found) || !script_is_sound(store, why, sizeof why)) {
            script_die("within %s the store is not sound: %s", step->name, why);
        }
        add_part(step, &found);
        fhirstore_close(store);
    }
    disk_free(state);
}

void replay_find_parts(script *recorded)
{
    disk_walk *walk = disk_walk_new(recorded->log, NULL);
    for (size_t i = 1; i < recorded->step_count; i++) {
        const script_step *step = &recorded->steps[i];
        for (size_t at = step->begun; step->has_parts && at < step->acknowledged; at++) {
            disk_kind kind = recorded->log->ops[at].kind;
            if (kind == DISK_SYNC || kind == DISK_RENAME) {
                disk_walk_to(walk, at + 1);
                look_at_part(recorded, i, walk);
            }
        }
    }
    disk_walk_free(walk);
}

/* What is done seldom, and matters most: names, cuts, the header, and whatever comes soon after. */
static bool is_rare(const disk_op *op)
{
    return op->kind != DISK_MARK && op->kind != DISK_SYNC &&
           (op->kind != DISK_WRITE || is_header_write(op));
}

static size_t *list_rare(const disk *log, size_t *count_out)
{
    const size_t near = 4;
    size_t *list = calloc(log->op_count + 1, sizeof *list);
    size_t last = SIZE_MAX - near;
    *count_out = 0;
    for (size_t i = 0; list != NULL && i < log->op_count; i++) {
        last = is_rare(&log->ops[i]) ? i : last;
        if (i - last < near) {
            list[(*count_out)++] = i + 1;
        }
    }
    return list;
}

static int compare_places(const void *one, const void *other)
{
    size_t a = *(const size_t *)one;
    size_t b = *(const size_t *)other;
    return (a > b) - (a < b);
}

/*
 * Where the power fails, in order. Three of four states go evenly over all prefixes, each of which
 * has its turn before one has its second; the fourth is a rare one.
 */
static size_t *choose_places(const script *recorded, const replay_options *options)
{
    size_t rare_count = 0;
    size_t *rare = list_rare(recorded->log, &rare_count);
    size_t *places = calloc((size_t)options->states + 1, sizeof *places);
    const uint64_t even = options->states - options->states / 4;
    const uint64_t ops = recorded->log->op_count;
    uint64_t dice = options->seed ^ options->sector;
    if (rare == NULL || places == NULL || rare_count == 0) {
        script_die("there are no places for failures");
    }
    for (uint64_t i = 0; i < options->states; i++) {
        uint64_t within = even >= ops ? 0 : disk_throw_below(&dice, (uint32_t)(ops / even + 1));
        uint64_t at = i * ops / even + within;
        places[i] = i < even ? (size_t)(at < ops ? at + 1 : ops)
                             : rare[disk_throw_below(&dice, (uint32_t)rare_count)];
    }
    free(rare);
    qsort(places, (size_t)options->states, sizeof *places, compare_places);
    return places;
}

void replay_run(const script *recorded, const replay_options *options, replay_totals *totals)
{
    failure what = {.recorded = recorded, .totals = totals, .options = options};
    disk_walk *walk = disk_walk_new(recorded->log, NULL);
    size_t *places = choose_places(recorded, options);
    for (uint64_t i = 0; i < options->states; i++) {
        uint64_t dice = options->seed * UINT64_C(0x2545F4914F6CDD1D) + i * 8 + options->sector;
        if (options->only >= 0 && (uint64_t)options->only != i) {
            continue;
        }
        disk_walk_to(walk, places[i]);
        what.number = i;
        what.at = walk->at;
        try_state(&what, walk, dice);
        if (options->states >= 20000 && (i + 1) % 10000 == 0) {
            (void)printf("# %llu states, %llu findings\n", (unsigned long long)i + 1,
                         (unsigned long long)totals->findings);
            (void)fflush(stdout);
        }
    }
    free(places);
    disk_walk_free(walk);
}
