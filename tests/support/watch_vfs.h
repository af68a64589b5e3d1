/* SPDX-License-Identifier: Apache-2.0 */
/* A VFS that goes below the encrypting one and shows every write to a function. Give its name as base_vfs of fhs_vfs_options. */
#ifndef FHS_TEST_WATCH_VFS_H
#define FHS_TEST_WATCH_VFS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum watch_file {
    WATCH_MAIN,
    WATCH_LOG,
    WATCH_TEMP, /* files without a name */
    WATCH_OTHER,
    WATCH_FILES
} watch_file;

/* Called with each write before it is made, on the thread that makes it. */
typedef void (*watch_fn)(watch_file file, const uint8_t *bytes, int amount, int64_t offset);

/* Register "watch" over the VFS called @a base, once in a process. False: no such VFS. */
bool watch_vfs_start(const char *base, watch_fn fn);

#endif
