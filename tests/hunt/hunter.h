/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking for bytes where they must not be: in what is written, in files, in open files without a
 * name, in the memory of another process. Each hit is told on stderr: what of whom, and where.
 */
#ifndef FHS_TEST_HUNTER_H
#define FHS_TEST_HUNTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Forget the quarry. */
void hunt_forget(void);
/* @a name is told with each hit; ASCII letters match in either case where @a is_text. */
void hunt_for(const char *name, const void *bytes, size_t len, bool is_text);

/* Hits, each of which is told with @a where. */
size_t hunt_bytes(const char *where, const void *bytes, size_t len);
/*
 * All files below @a folder, their names, and all files that this process has open, those without a
 * name too.
 */
size_t hunt_disk(const char *folder);
/*
 * Everything that @a child can write: heap, stacks, data, registers saved there. @a dumped_only: what a core
 * dump of it would hold, so not what madvise keeps out. *bytes_out: how much was read.
 */
size_t hunt_memory(pid_t child, bool dumped_only, size_t *bytes_out);

#endif
