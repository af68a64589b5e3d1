/* SPDX-License-Identifier: Apache-2.0 */
/* How rows look as bytes, for this room. The encoding is part of the file format: see README.md. */
#ifndef FHS_STORAGE_ROWS_INTERNAL_H
#define FHS_STORAGE_ROWS_INTERNAL_H

#include "storage/rows.h"

/* Longest encoded unsigned number. */
#define FHS_UVAR_MAX 9u

/* Numbers whose bytes sort as they do; returns how many bytes were written. */
size_t fhs_uvar_write(char *out, uint64_t value);
bool fhs_uvar_read(fhs_str *rest, uint64_t *value_out);
size_t fhs_i64_write(char *out, int64_t value);
bool fhs_i64_read(fhs_str *rest, int64_t *value_out);

/* Decode the row at the head of @a rest and step over it; false when the bytes are no row. */
bool fhs_row_decode(fhs_str *rest, fhs_row *row_out);
/* Whether @a list is strictly ascending and made of whole rows. */
bool fhs_row_list_is_sound(fhs_str list);

/*
 * Walk two normalised lists at once and call @a visit for each row that is in one only: with
 * @a added for the new one's, without for the old one's. Stops at the first status that is not OK.
 */
fhirstore_status fhs_row_list_diff(fhs_str old_list, fhs_str new_list,
                                   fhirstore_status (*visit)(void *ctx, fhs_str encoded,
                                                             const fhs_row *row, bool added),
                                   void *ctx);

#endif
