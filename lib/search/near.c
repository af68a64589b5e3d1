/* SPDX-License-Identifier: Apache-2.0 */
/* near: the great circle, and the cells that hold everything within it. */
#include <math.h>

#include "search/search_internal.h"
#include "storage/cell.h"

/* The mean radius of the earth. */
#define EARTH_METRES 6371008.7714
#define NANODEGREES  1e9
#define RADIANS      0.017453292519943295
#define QUARTER      90000000000LL
#define HALF         180000000000LL
/* More cells than this give way to larger ones. */
#define CELLS_MAX 32u

static double metres_between(int64_t latitude_a, int64_t longitude_a, int64_t latitude_b,
                             int64_t longitude_b)
{
    double a = (double)latitude_a / NANODEGREES * RADIANS;
    double b = (double)latitude_b / NANODEGREES * RADIANS;
    double half_up = sin((a - b) / 2);
    double half_over = sin((double)(longitude_a - longitude_b) / NANODEGREES * RADIANS / 2);
    double h = half_up * half_up + cos(a) * cos(b) * half_over * half_over;
    return 2 * EARTH_METRES * asin(sqrt(h > 1 ? 1 : h));
}

bool fhs_near_matches(const fhs_match *match, const fhs_row *row)
{
    return metres_between(match->lo, match->hi, row->a, row->b) <= match->metres;
}

/* ---- cells ---- */

/* From south to north and from west to east, degrees × 1e9, not over the date line. */
typedef struct near_box {
    int64_t south, north, west, east;
} near_box;

/* Bits of a step that are left off, so that the box spans few enough cells. */
static uint32_t bits_for(const near_box *box)
{
    uint32_t south = fhs_cell_latitude(box->south);
    uint32_t north = fhs_cell_latitude(box->north);
    uint32_t west = fhs_cell_longitude(box->west);
    uint32_t east = fhs_cell_longitude(box->east);
    uint32_t bits = 0;
    while (bits < FHS_CELL_BITS && (uint64_t)((north >> bits) - (south >> bits) + 1) *
                                           ((east >> bits) - (west >> bits) + 1) >
                                       CELLS_MAX) {
        bits++;
    }
    return bits;
}

static fhirstore_status add_cells(fhs_search *search, uint32_t param, const near_box *box,
                                  fhs_scan *scan)
{
    uint32_t bits = bits_for(box);
    int64_t width = INT64_C(1) << (2 * bits);
    for (uint32_t y = fhs_cell_latitude(box->south) >> bits;
         y <= fhs_cell_latitude(box->north) >> bits; y++) {
        for (uint32_t x = fhs_cell_longitude(box->west) >> bits;
             x <= fhs_cell_longitude(box->east) >> bits; x++) {
            fhs_range *range = fhs_scan_add_param(search, scan, FHS_RANGE_CELL, param);
            if (range == NULL) {
                return FHIRSTORE_ERR_NO_MEMORY;
            }
            int64_t first = fhs_cell_join(y << bits, x << bits);
            fhs_arg_int(range, first);
            fhs_arg_int(range, first + (width - 1));
            fhs_arg_int(range, box->south);
            fhs_arg_int(range, box->north);
            fhs_arg_int(range, box->west);
            fhs_arg_int(range, box->east);
        }
    }
    return FHIRSTORE_OK;
}

/* How far east and west the circle reaches; all around where a pole is in it. */
static int64_t reach_sideways(double latitude, double angle)
{
    double rim = fabs(latitude) * RADIANS + angle;
    if (rim >= 90 * RADIANS) {
        return HALF;
    }
    double side = asin(sin(angle) / cos(latitude * RADIANS)) / RADIANS;
    return (int64_t)ceil(side * NANODEGREES) + 2;
}

fhirstore_status fhs_near_ranges(fhs_search *search, uint32_t param, const fhs_match *match,
                                 fhs_scan *scan)
{
    double angle = match->metres / EARTH_METRES * (1 + 1e-12);
    scan->is_exact = false;
    if (!(angle < 180 * RADIANS)) {
        near_box all = {-QUARTER, QUARTER, -HALF, HALF};
        return add_cells(search, param, &all, scan);
    }
    int64_t up = (int64_t)ceil(angle / RADIANS * NANODEGREES) + 2;
    int64_t over = reach_sideways((double)match->lo / NANODEGREES, angle);
    near_box box = {match->lo - up, match->lo + up, match->hi - over, match->hi + over};
    box.south = box.south < -QUARTER ? -QUARTER : box.south;
    box.north = box.north > QUARTER ? QUARTER : box.north;
    if (over >= HALF) {
        box.west = -HALF;
        box.east = HALF;
    }
    /* The part over the date line is a box of its own; the line itself has two names. */
    near_box rest = box;
    fhirstore_status status = FHIRSTORE_OK;
    if (box.west <= -HALF && over < HALF) {
        rest.west = box.west + 2 * HALF;
        rest.east = HALF;
        box.west = -HALF;
        status = add_cells(search, param, &rest, scan);
    } else if (box.east >= HALF && over < HALF) {
        rest.east = box.east - 2 * HALF;
        rest.west = -HALF;
        box.east = HALF;
        status = add_cells(search, param, &rest, scan);
    }
    return status == FHIRSTORE_OK ? add_cells(search, param, &box, scan) : status;
}
