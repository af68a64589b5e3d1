/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Positions in an order in which what is near on the globe is near in the table: latitude and
 * longitude, 31 bits each, interleaved, latitude first (Morton order). The bits are part of the
 * file format.
 */
#ifndef FHS_STORAGE_CELL_H
#define FHS_STORAGE_CELL_H

#include <stdint.h>

#define FHS_CELL_BITS 31u

/* Degrees × 1e9 as one of 2^31 steps from south to north, or from west to east. */
uint32_t fhs_cell_latitude(int64_t latitude);
uint32_t fhs_cell_longitude(int64_t longitude);
/* The two interleaved: at most 62 bits. */
int64_t fhs_cell_join(uint32_t latitude, uint32_t longitude);
int64_t fhs_cell_of(int64_t latitude, int64_t longitude);

#endif
