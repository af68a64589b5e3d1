/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that a reader met and the store does not know: numbered for the time of one read
 * transaction, above every number of the store.
 */
#ifndef FHS_STORAGE_SCRATCH_H
#define FHS_STORAGE_SCRATCH_H

#include <stdint.h>

#include "base/arena.h"

typedef struct fhs_scratch fhs_scratch;

#define FHS_SCRATCH_FIRST (INT64_C(1) << 62)

fhs_scratch *fhs_scratch_new(void); /* NULL: no memory */
void fhs_scratch_free(fhs_scratch *scratch);
/* 0: not there. */
int64_t fhs_scratch_find(const fhs_scratch *scratch, uint32_t tag, fhs_str text);
/* Find or add; 0: no memory. */
int64_t fhs_scratch_add(fhs_scratch *scratch, uint32_t tag, fhs_str text);
/* The name with number FHS_SCRATCH_FIRST + @a index; false: none. */
bool fhs_scratch_at(const fhs_scratch *scratch, int64_t index, uint32_t *tag_out,
                    fhs_str *text_out);

#endif
