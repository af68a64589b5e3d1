/* SPDX-License-Identifier: Apache-2.0 */
/* Texts found again: what one batch knows by identifier. */
#ifndef FHS_IOT_MAP_H
#define FHS_IOT_MAP_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

typedef struct fhs_iot_map_entry {
    fhs_str key;
    void *value;
} fhs_iot_map_entry;

typedef struct fhs_iot_map {
    fhs_arena *arena;
    uint64_t seed; /* keys come from outside */
    fhs_iot_map_entry *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
} fhs_iot_map;

void fhs_iot_map_init(fhs_iot_map *map, fhs_arena *arena);
/* NULL: it is not there. */
void *fhs_iot_map_get(const fhs_iot_map *map, fhs_str key);
/* The key is borrowed, @a value not NULL; one that is there is replaced. False: no memory. */
bool fhs_iot_map_put(fhs_iot_map *map, fhs_str key, void *value);

#endif
