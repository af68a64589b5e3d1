/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What encryption costs SQLite itself: the workload of raw_work.c on the stock VFS, on the
 * library's and, when it was built, in SQLCipher, in turns and in memory. And what a change of a
 * key takes.
 *
 *     bench_raw FOLDER ROUNDS ROWS [PEER]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench.h"
#include "raw.h"
#include "vfs/vfs.h"

/*
 * Plain SQLite as everybody opens it, and on the VFS that ours is based on, which leaves out the
 * locks between processes: what ours takes more than the latter is encryption alone.
 */
enum {
    PLAIN,
    EXCLUSIVE,
    OURS,
    PEER,
    ENGINES
};
enum {
    ROTATIONS = 101
};

typedef struct raw_measured {
    bench_series series[ENGINES][RAW_PHASES];
} raw_measured;

static const char *const phase_names[RAW_PHASES] = {"insert", "point reads", "scan",
                                                    "single-row updates"};

static void open_plain(const char *path, const char *vfs, bare_db *out)
{
    if (sqlite3_open_v2(path, &out->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        vfs) != SQLITE_OK) {
        bench_die(path, sqlite3_errmsg(out->db));
    }
}

static void open_ours(const char *path, bare_db *out)
{
    fhirstore_error *error = NULL;
    fhs_vfs_options options = {
        .credential = {.raw_key = bench_key, .raw_key_len = sizeof bench_key},
        .create = true,
    };
    if (fhs_vfs_open(path, &options, &out->vfs, &error) < FHIRSTORE_OK) {
        bench_die(path, fhirstore_error_message(error));
    }
    if (sqlite3_open_v2(fhs_vfs_path(out->vfs), &out->db, fhs_vfs_sqlite_flags(out->vfs),
                        fhs_vfs_name(out->vfs)) != SQLITE_OK ||
        fhs_vfs_setup(out->vfs, out->db, &error) < FHIRSTORE_OK) {
        bench_die(path, "cannot be opened");
    }
}

static void run_here(const char *path, int engine, int cache_mib, int rows, raw_times *times)
{
    bare_db bare = {0};
    if (engine != OURS) {
        open_plain(path, engine == PLAIN ? NULL : "unix-excl", &bare);
    } else {
        open_ours(path, &bare);
    }
    raw_run(bare.db, cache_mib, rows, times);
    bare_close(&bare);
}

static void run_peer(const char *program, const char *path, int cache_mib, int rows,
                     raw_times *times)
{
    char command[9000];
    (void)snprintf(command, sizeof command, "'%s' '%s' %d %d", program, path, cache_mib, rows);
    FILE *answer = popen(command, "r");
    int read = 0;
    while (answer != NULL && read < RAW_PHASES &&
           fscanf(answer, "%lf", &times->seconds[read]) == 1) {
        read++;
    }
    if (answer == NULL || pclose(answer) != 0 || read != RAW_PHASES) {
        bench_die(program, "failed");
    }
}

static void run_round(const bench_options *options, const char *peer, int cache_mib, int rows,
                      raw_measured *out)
{
    char path[4096];
    for (int engine = PLAIN; engine < (peer == NULL ? PEER : ENGINES); engine++) {
        raw_times times = {{0}};
        bench_path(options, "raw.db", path);
        if (engine == PEER) {
            run_peer(peer, path, cache_mib, rows, &times);
        } else {
            run_here(path, engine, cache_mib, rows, &times);
        }
        for (int i = 0; i < RAW_PHASES; i++) {
            bench_add(&out->series[engine][i], times.seconds[i]);
        }
        bench_remove(path);
    }
}

static void tell_phase(const raw_measured *measured, int phase, int cache_mib, double limit)
{
    char what[80];
    char figure[80];
    char want[80];
    double plain = bench_median(&measured->series[PLAIN][phase]);
    double ours = bench_median(&measured->series[OURS][phase]);
    (void)snprintf(what, sizeof what, "%s, encrypted to plain SQLite, cache %d MB",
                   phase_names[phase], cache_mib);
    (void)snprintf(figure, sizeof figure, "%.3f to %.3f s", ours, plain);
    (void)snprintf(want, sizeof want, "at most %.1f", limit);
    bench_row(what, figure, ours / plain, want);
    double exclusive = bench_median(&measured->series[EXCLUSIVE][phase]);
    (void)snprintf(what, sizeof what, "  to plain SQLite on unix-excl");
    (void)snprintf(figure, sizeof figure, "%.3f to %.3f s", ours, exclusive);
    bench_row(what, figure, ours / exclusive, "encryption alone");
    if (measured->series[PEER][phase].count > 0) {
        double peer = bench_median(&measured->series[PEER][phase]);
        (void)snprintf(what, sizeof what, "  to SQLCipher on unix-excl");
        (void)snprintf(figure, sizeof figure, "%.3f to %.3f s", ours, peer);
        bench_row(what, figure, ours / peer, "at most 1");
    }
}

static void measure_cache(const bench_options *options, const char *peer, int rows, int cache_mib,
                          const double limits[RAW_PHASES])
{
    raw_measured measured = {0};
    for (int i = 0; i < options->rounds; i++) {
        run_round(options, peer, cache_mib, rows, &measured);
    }
    for (int i = 0; i < RAW_PHASES; i++) {
        tell_phase(&measured, i, cache_mib, limits[i]);
    }
}

/* A raw key in place of another: no derivation, so what is left is the header's. */
static void measure_rotation(const bench_options *options)
{
    static const uint8_t keys[2][32] = {{1}, {2}};
    static double seconds[ROTATIONS];
    char path[4096];
    char figure[80];
    bare_db bare = {0};
    bench_path(options, "raw.db", path);
    open_ours(path, &bare);
    fhs_key_slot slot;
    if (!fhs_vfs_slot_get(bare.vfs, 0, &slot)) {
        bench_die(path, "has no slot");
    }
    double worst = 0;
    double sum = 0;
    for (int i = 0; i < ROTATIONS; i++) {
        const fhs_credential next = {.raw_key = keys[i % 2], .raw_key_len = sizeof keys[0]};
        double begin = bench_now();
        if (fhs_vfs_slot_rotate(bare.vfs, slot.id, &next, (fhs_key_cost){0}, FHS_LIT("next"),
                                &slot.id, NULL) < FHIRSTORE_OK) {
            bench_die(path, "its key cannot be changed");
        }
        seconds[i] = bench_now() - begin;
        sum += seconds[i];
        worst = seconds[i] > worst ? seconds[i] : worst;
    }
    bare_close(&bare);
    bench_remove(path);
    (void)snprintf(figure, sizeof figure, "%.3f ms, slowest %.3f", sum / ROTATIONS * 1e3,
                   worst * 1e3);
    bench_row("a key put in another's place, without a derivation", figure, sum / ROTATIONS * 1e3,
              "under 10 ms");
}

int main(int argc, char **argv)
{
    static const double small[RAW_PHASES] = {2.6, 2.3, 4.0, 2.1};
    static const double large[RAW_PHASES] = {1.9, 1.5, 2.6, 1.9};
    if (argc < 4) {
        (void)fprintf(stderr, "usage: bench_raw FOLDER ROUNDS ROWS [PEER]\n");
        return 2;
    }
    const bench_options options = {.folder = argv[1], .rounds = atoi(argv[2])};
    const int rows = atoi(argv[3]);
    const char *peer = argc > 4 ? argv[4] : NULL;
    (void)printf("bare SQLite, %d rows of about 1 KB, page size 4096, WAL, synchronous NORMAL, "
                 "checkpoints every 1,000 pages;\n"
                 "medians of %d rounds in turns, CPU time; raw keys\n",
                 rows, options.rounds);
    measure_cache(&options, peer, rows, 8, small);
    measure_cache(&options, peer, rows, 128, large);
    measure_rotation(&options);
    return 0;
}
