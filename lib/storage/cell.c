/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/cell.h"

#define QUARTER_TURN 90000000000.0
#define HALF_TURN    180000000000.0

/* @a share of the whole as a step; whatever lies outside is at the edge. */
static uint32_t step_of(double share)
{
    const double steps = (double)(UINT32_C(1) << FHS_CELL_BITS);
    double step = share * steps;
    if (!(step > 0)) {
        return 0;
    }
    return step >= steps ? (UINT32_C(1) << FHS_CELL_BITS) - 1 : (uint32_t)step;
}

uint32_t fhs_cell_latitude(int64_t latitude)
{
    return step_of(((double)latitude + QUARTER_TURN) / (2 * QUARTER_TURN));
}

uint32_t fhs_cell_longitude(int64_t longitude)
{
    return step_of(((double)longitude + HALF_TURN) / (2 * HALF_TURN));
}

/* A zero between every two bits. */
static uint64_t spread_bits(uint64_t bits)
{
    bits = (bits | (bits << 16)) & UINT64_C(0x0000FFFF0000FFFF);
    bits = (bits | (bits << 8)) & UINT64_C(0x00FF00FF00FF00FF);
    bits = (bits | (bits << 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    bits = (bits | (bits << 2)) & UINT64_C(0x3333333333333333);
    return (bits | (bits << 1)) & UINT64_C(0x5555555555555555);
}

int64_t fhs_cell_join(uint32_t latitude, uint32_t longitude)
{
    return (int64_t)((spread_bits(latitude) << 1) | spread_bits(longitude));
}

int64_t fhs_cell_of(int64_t latitude, int64_t longitude)
{
    return fhs_cell_join(fhs_cell_latitude(latitude), fhs_cell_longitude(longitude));
}
