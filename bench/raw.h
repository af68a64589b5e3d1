/* SPDX-License-Identifier: Apache-2.0 */
/* One workload on one table, for any SQLite: bench/raw.c runs it plain and encrypted, raw_peer.c in
 * another library. */
#ifndef FHS_BENCH_RAW_H
#define FHS_BENCH_RAW_H

#include <sqlite3.h>
#include <stdint.h>

enum {
    RAW_INSERT,
    RAW_READ,
    RAW_SCAN,
    RAW_UPDATE,
    RAW_PHASES
};

typedef struct raw_times {
    double seconds[RAW_PHASES]; /* of CPU time */
} raw_times;

/*
 * @a db is open, has its key, and is empty. WAL, synchronous NORMAL, checkpoints as SQLite makes
 * them by default, @a cache_mib of page cache. @a rows rows of about 1 KB under a random unique key
 * and an index over two columns, 1,000 in a transaction; as many reads by random keys; one scan of
 * the whole table; an update of one row in a transaction of its own for each 20 rows.
 */
void raw_run(sqlite3 *db, int cache_mib, int rows, raw_times *times_out);

#endif
