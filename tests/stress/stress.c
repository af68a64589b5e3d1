/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers, writers, reindexing, key changes, copies and closing from other threads, all at once, in
 * one process and in two; the answer in TAP.
 *
 *   stress [--seed N] [--steps N] [--seconds N]
 *
 * What writers do follows from the seed. In the end the store must hold exactly that, whatever came
 * between; and a second store, to which the same is done step by step by one thread, has the same
 * dump. Rounds are added, with seeds that follow, until the seconds are over;
 * FHIRSTORE_TEST_LONG=1: two minutes, with a seed of the moment.
 */
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../support/self.h"
#include "stress.h"

#define WRITERS 3u

static char folder[4000];
static const uint8_t the_key[KEY_BYTES] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
                                           7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};

static void open_run(run *all, uint32_t flags)
{
    fhirstore_open_options options = FHIRSTORE_OPEN_OPTIONS_INIT;
    fhirstore_error *error = NULL;
    options.flags = FHIRSTORE_OPEN_CREATE | FHIRSTORE_OPEN_SYNC_NORMAL | flags;
    options.key = the_key;
    options.key_len = sizeof the_key;
    options.max_readers = 4;
    options.wal_bytes = 262144;
    const fhirstore_status status = fhirstore_open(all->path, strlen(all->path), &options,
                                                   &all->store, &error);
    (void)expect_status(status, error, 0, all->path);
}

static void close_run(run *all)
{
    fhirstore_close(all->store);
    all->store = NULL;
}

static void init_run(run *all, const char *name, uint64_t seed, unsigned steps)
{
    *all = (run){
        .seed = seed, .steps = steps, .writers = WRITERS, .all_writers = WRITERS, .is_alone = true};
    (void)snprintf(all->path, sizeof all->path, "%s/%s", folder, name);
}

static void init_scripts(run *all)
{
    for (unsigned i = 0; i < all->writers; i++) {
        script_init(&all->scripts[i], all->seed, all->first_writer + i);
    }
}

/* All at work until the writers have ended; with @a closes, the store is closed meanwhile. */
static void work_together(run *all, bool closes)
{
    static void *(*const actors[])(void *) = {read_things, read_things, search_things, tend_index,
                                              make_copies, come_and_go, tend_keys};
    const size_t count = sizeof actors / sizeof *actors - (all->is_alone ? 0 : 1);
    pthread_t threads[sizeof actors / sizeof *actors + MAX_WRITERS];
    writer writers[MAX_WRITERS];
    size_t started = 0;
    atomic_store(&all->writing, all->writers);
    for (unsigned i = 0; i < all->writers; i++) {
        writers[i] = (writer){all, i};
        MUST(pthread_create(&threads[started++], NULL, write_things, &writers[i]) == 0);
    }
    for (size_t i = 0; i < count; i++) {
        MUST(pthread_create(&threads[started++], NULL, actors[i], all) == 0);
    }
    if (closes) {
        const unsigned long enough = atomic_load(&all->calls) + 300;
        while (atomic_load(&all->calls) < enough) {
            const struct timespec moment = {.tv_nsec = 1000000};
            (void)nanosleep(&moment, NULL);
        }
        fhirstore_close(all->store);
    }
    for (size_t i = 0; i < started; i++) {
        MUST(pthread_join(threads[i], NULL) == 0);
    }
    all->store = closes ? NULL : all->store;
}

/* ---- what is there in the end ---- */

static void expect_sound(fhirstore *store)
{
    fhirstore_error *error = NULL;
    int64_t findings = 0;
    const fhirstore_status status = fhirstore_verify(store, NULL, NULL, &findings, &error);
    (void)expect_status(status, error, 0, "verify");
    MUST(findings == 0);
}

static void check_states(run *all)
{
    fhirstore_session *session = enter(all, "judge");
    for (unsigned i = 0; i < all->writers; i++) {
        const script *known = &all->scripts[i];
        for (unsigned j = 0; j < OWN_RESOURCES; j++) {
            uint64_t value = 0;
            const bool is_there = find_value(all, session, known->writer, j, &value);
            MUST(is_there == known->states[j].is_there);
            MUST(!is_there || value == known->states[j].value);
        }
    }
    fhirstore_session_close(session);
}

/* The store was closed in the midst of one step of each writer: it is done, or it is not. */
static void check_cut_states(run *all)
{
    fhirstore_session *session = enter(all, "judge");
    for (unsigned i = 0; i < all->writers; i++) {
        script after = all->scripts[i];
        unsigned as_before = 0;
        unsigned as_after = 0;
        /* Its last step is the one that its dice has rolled already: roll it again. */
        script again;
        script_init(&again, all->seed, after.writer);
        step last = {.kind = STEP_PUT};
        while (again.dice != after.dice) {
            last = script_next(&again);
            if (again.dice != after.dice) {
                script_done(&again, &last);
            }
        }
        const script before = again;
        script_done(&again, &last);
        for (unsigned j = 0; j < OWN_RESOURCES; j++) {
            uint64_t value = 0;
            const bool is_there = find_value(all, session, after.writer, j, &value);
            as_before += is_there == before.states[j].is_there &&
                         (!is_there || value == before.states[j].value);
            as_after += is_there == again.states[j].is_there &&
                        (!is_there || value == again.states[j].value);
        }
        MUST(as_before == OWN_RESOURCES || as_after == OWN_RESOURCES);
    }
    fhirstore_session_close(session);
}

/* All that is there, without what depends on the time: how many versions, and the last one. */
static char *dump(run *all)
{
    fhirstore_session *session = enter(all, "judge");
    const size_t room = (size_t)all->all_writers * OWN_RESOURCES * 64;
    char *out = calloc(1, room);
    size_t length = 0;
    MUST(out != NULL);
    for (unsigned i = 0; i < all->all_writers * OWN_RESOURCES; i++) {
        char url[64];
        char *body = NULL;
        uint64_t value = 0;
        int64_t version = 0;
        (void)snprintf(url, sizeof url, "Patient/w%u-%u", i / OWN_RESOURCES, i % OWN_RESOURCES);
        const fhirstore_status status = ask(all, session, "GET", url, "", MAY_BE_ABSENT, &body,
                                            &version);
        MUST(status < FHIRSTORE_OK || value_of(body, strlen(body), &value));
        length += (size_t)snprintf(out + length, room - length, "%u %d %lld %llu\n", i, (int)status,
                                   (long long)version, (unsigned long long)value);
        MUST(length < room);
        free(body);
    }
    fhirstore_session_close(session);
    return out;
}

/* The same steps, one after the other. */
static void work_alone(run *all)
{
    fhirstore_session *session = enter(all, "alone");
    init_scripts(all);
    for (unsigned i = 0; i < all->writers; i++) {
        for (unsigned j = 0; j < all->steps; j++) {
            const step next = script_next(&all->scripts[i]);
            const fhirstore_status status = do_step(all, session, i, &next);
            MUST(status >= FHIRSTORE_OK || next.kind == STEP_DELETE);
            script_done(&all->scripts[i], &next);
        }
    }
    fhirstore_session_close(session);
}

/* ---- the tests ---- */

static void expect_same_as_alone(run *all, uint64_t seed)
{
    static run other;
    char *one = dump(all);
    init_run(&other, "alone", seed, all->steps);
    other.writers = all->all_writers;
    other.all_writers = all->all_writers;
    open_run(&other, 0);
    work_alone(&other);
    char *two = dump(&other);
    close_run(&other);
    MUST(unlink(other.path) == 0);
    if (strcmp(one, two) != 0) {
        (void)fprintf(stderr, "together:\n%salone:\n%s", one, two);
        abort();
    }
    free(one);
    free(two);
}

static void test_together(uint64_t seed, unsigned steps)
{
    static run all;
    init_run(&all, "together", seed, steps);
    open_run(&all, 0);
    init_scripts(&all);
    work_together(&all, false);
    check_states(&all);
    close_run(&all);
    open_run(&all, 0);
    expect_sound(all.store);
    check_states(&all);
    expect_same_as_alone(&all, seed);
    close_run(&all);
    MUST(unlink(all.path) == 0);
}

static void test_close(uint64_t seed)
{
    static run all;
    init_run(&all, "closed", seed, 0);
    open_run(&all, 0);
    init_scripts(&all);
    work_together(&all, true);
    open_run(&all, 0);
    check_cut_states(&all);
    expect_sound(all.store);
    close_run(&all);
    MUST(unlink(all.path) == 0);
}

static void share(run *all, uint64_t seed, unsigned steps, unsigned first, unsigned writers)
{
    init_run(all, "shared", seed, steps);
    all->is_alone = false;
    all->first_writer = first;
    all->writers = writers;
    all->all_writers = 2 * WRITERS - 2;
    init_scripts(all);
}

/* The other process's part: "stress --join FOLDER SEED STEPS". */
static int join(char **arguments)
{
    static run all;
    (void)snprintf(folder, sizeof folder, "%s", arguments[0]);
    share(&all, strtoull(arguments[1], NULL, 10), (unsigned)strtoul(arguments[2], NULL, 10),
          WRITERS - 1, WRITERS - 1);
    open_run(&all, FHIRSTORE_OPEN_MULTI_PROCESS);
    work_together(&all, false);
    check_states(&all);
    close_run(&all);
    return EXIT_SUCCESS;
}

static pid_t begin_other(const char *self, uint64_t seed, unsigned steps)
{
    char numbers[2][32];
    (void)snprintf(numbers[0], sizeof numbers[0], "%llu", (unsigned long long)seed);
    (void)snprintf(numbers[1], sizeof numbers[1], "%u", steps);
    const pid_t child = fork();
    if (child == 0) {
        (void)execl(self, self, "--join", folder, numbers[0], numbers[1], (char *)NULL);
        _exit(127);
    }
    MUST(child > 0);
    return child;
}

static void test_two_processes(const char *self, uint64_t seed, unsigned steps)
{
    static run all;
    int status = -1;
    share(&all, seed, steps, 0, WRITERS - 1);
    open_run(&all, FHIRSTORE_OPEN_MULTI_PROCESS);
    const pid_t child = begin_other(self, seed, steps);
    work_together(&all, false);
    MUST(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    check_states(&all);
    close_run(&all);
    open_run(&all, 0);
    expect_sound(all.store);
    expect_same_as_alone(&all, seed);
    close_run(&all);
    MUST(unlink(all.path) == 0);
}

static void remove_rest(void)
{
    static const char *const names[] = {"together", "closed", "shared", "alone"};
    static const char *const endings[] = {"", "-wal", "-shm", "-renew"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        for (unsigned j = 0; j < sizeof endings / sizeof *endings; j++) {
            char path[sizeof folder + 32];
            (void)snprintf(path, sizeof path, "%s/%s%s", folder, names[i], endings[j]);
            (void)unlink(path);
        }
    }
    (void)rmdir(folder);
}

static void run_round(const char *self, uint64_t seed, unsigned steps, unsigned *number)
{
    const unsigned long long shown = seed;
    test_together(seed, steps);
    (void)printf("ok %u - threads together, and alone the same, seed %llu\n", ++*number, shown);
    test_close(seed);
    (void)printf("ok %u - closed by another thread, seed %llu\n", ++*number, shown);
    test_two_processes(self, seed, steps);
    (void)printf("ok %u - two processes, and alone the same, seed %llu\n", ++*number, shown);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    const char *below = getenv("TMPDIR");
    uint64_t seed = 1;
    unsigned steps = 40;
    unsigned number = 0;
    long seconds = 0;
    if (argc == 5 && strcmp(argv[1], "--join") == 0) {
        return join(argv + 2);
    }
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i];
        const unsigned long long value = strtoull(argv[i + 1], NULL, 10);
        seed = strcmp(name, "--seed") == 0 ? value : seed;
        steps = strcmp(name, "--steps") == 0 ? (unsigned)value : steps;
        seconds = strcmp(name, "--seconds") == 0 ? (long)value : seconds;
    }
    if (getenv("FHIRSTORE_TEST_LONG") != NULL && seconds == 0) {
        seed = (uint64_t)time(NULL);
        seconds = 120;
    }
    (void)fprintf(stderr, "# stress: SEED=%llu\n", (unsigned long long)seed);
    (void)snprintf(folder, sizeof folder, "%s/fhs-stress-XXXXXX", below != NULL ? below : "/tmp");
    MUST(mkdtemp(folder) != NULL);
    const time_t begun = time(NULL);
    do {
        run_round(self_path(), seed++, steps, &number);
    } while (time(NULL) - begun < seconds);
    remove_rest();
    (void)printf("1..%u\n", number);
    return EXIT_SUCCESS;
}
