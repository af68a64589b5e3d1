/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON files below a folder, for the programs of this folder. */
#ifndef FHS_TEST_FOLDER_H
#define FHS_TEST_FOLDER_H

#include "base/buf.h"

/* Append the whole file; false when it cannot be read. */
bool folder_read_file(const char *path, fhs_buf *out);
/*
 * Call @a visit for every *.json below @a path in the order of their names (or for @a path itself
 * when it is a file). False when a folder cannot be read or memory is short.
 */
bool folder_each_json(const char *path, void (*visit)(void *ctx, const char *file), void *ctx);

#endif
