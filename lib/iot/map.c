/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/map.h"

#include "base/random.h"

#define FIRST_SLOTS 64u

void fhs_iot_map_init(fhs_iot_map *map, fhs_arena *arena)
{
    *map = (fhs_iot_map){.arena = arena};
    fhs_random_bytes((uint8_t *)&map->seed, sizeof map->seed);
}

static uint64_t hash_key(const fhs_iot_map *map, fhs_str key)
{
    uint64_t hash = map->seed ^ UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < key.len; i++) {
        hash = (hash ^ (unsigned char)key.ptr[i]) * UINT64_C(0x100000001B3);
    }
    return hash ^ hash >> 29;
}

static fhs_iot_map_entry *map_slot(const fhs_iot_map *map, fhs_str key)
{
    size_t at = (size_t)hash_key(map, key) & (map->capacity - 1);
    while (map->slots[at].value != NULL && !fhs_str_eq(map->slots[at].key, key)) {
        at = (at + 1) & (map->capacity - 1);
    }
    return &map->slots[at];
}

void *fhs_iot_map_get(const fhs_iot_map *map, fhs_str key)
{
    return map->capacity == 0 ? NULL : map_slot(map, key)->value;
}

static bool grow_map(fhs_iot_map *map)
{
    fhs_iot_map grown = *map;
    grown.capacity = map->capacity == 0 ? FIRST_SLOTS : map->capacity * 2;
    grown.slots = fhs_arena_calloc(map->arena, grown.capacity, sizeof *grown.slots);
    if (grown.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].value != NULL) {
            *map_slot(&grown, map->slots[i].key) = map->slots[i];
        }
    }
    *map = grown;
    return true;
}

bool fhs_iot_map_put(fhs_iot_map *map, fhs_str key, void *value)
{
    if (map->count * 2 >= map->capacity && !grow_map(map)) {
        return false;
    }
    fhs_iot_map_entry *slot = map_slot(map, key);
    map->count += slot->value == NULL;
    *slot = (fhs_iot_map_entry){key, value};
    return true;
}
