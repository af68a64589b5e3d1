/* SPDX-License-Identifier: Apache-2.0 */
#include "watch_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

/* The files stay those of the base VFS; only their table of functions is a copy with another
 * xWrite. */
static sqlite3_vfs watch;
static sqlite3_vfs *below;
static watch_fn shown_to;
static sqlite3_io_methods methods[WATCH_FILES];
static int (*write_below)(sqlite3_file *, const void *, int, sqlite3_int64);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int write_main_watched(sqlite3_file *file, const void *bytes, int amount, sqlite3_int64 at)
{
    shown_to(WATCH_MAIN, bytes, amount, at);
    return write_below(file, bytes, amount, at);
}

static int write_log_watched(sqlite3_file *file, const void *bytes, int amount, sqlite3_int64 at)
{
    shown_to(WATCH_LOG, bytes, amount, at);
    return write_below(file, bytes, amount, at);
}

static int write_temp_watched(sqlite3_file *file, const void *bytes, int amount, sqlite3_int64 at)
{
    shown_to(WATCH_TEMP, bytes, amount, at);
    return write_below(file, bytes, amount, at);
}

static int write_other_watched(sqlite3_file *file, const void *bytes, int amount, sqlite3_int64 at)
{
    shown_to(WATCH_OTHER, bytes, amount, at);
    return write_below(file, bytes, amount, at);
}

static bool has_ending(const char *name, const char *ending)
{
    size_t len = strlen(name);
    size_t wanted = strlen(ending);
    return len >= wanted && strcmp(name + len - wanted, ending) == 0;
}

static watch_file kind_of(const char *name)
{
    if (name == NULL) {
        return WATCH_TEMP;
    }
    if (has_ending(name, "-wal")) {
        return WATCH_LOG;
    }
    return has_ending(name, "-renew") ? WATCH_OTHER : WATCH_MAIN;
}

static int open_watched(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                        int *granted)
{
    static int (*const writes[WATCH_FILES])(sqlite3_file *, const void *, int, sqlite3_int64) = {
        write_main_watched, write_log_watched, write_temp_watched, write_other_watched};
    (void)vfs;
    int code = below->xOpen(below, name, file, flags, granted);
    if (code == SQLITE_OK) {
        watch_file kind = kind_of(name);
        (void)pthread_mutex_lock(&lock);
        if (methods[kind].xWrite == NULL) {
            write_below = file->pMethods->xWrite;
            methods[kind] = *file->pMethods;
            methods[kind].xWrite = writes[kind];
        }
        (void)pthread_mutex_unlock(&lock);
        file->pMethods = &methods[kind];
    }
    return code;
}

bool watch_vfs_start(const char *base, watch_fn fn)
{
    below = sqlite3_vfs_find(base);
    if (below == NULL) {
        return false;
    }
    shown_to = fn;
    watch = *below;
    watch.pNext = NULL;
    watch.zName = "watch";
    watch.xOpen = open_watched;
    return sqlite3_vfs_register(&watch, 0) == SQLITE_OK;
}
