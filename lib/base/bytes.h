/* SPDX-License-Identifier: Apache-2.0 */
/* Integers in stored bytes: little endian where the format is ours, big endian in SQLite's. */
#ifndef FHS_BASE_BYTES_H
#define FHS_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

static inline void fhs_put_le(uint8_t *at, size_t count, uint64_t value)
{
    for (size_t i = 0; i < count; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline uint64_t fhs_get_le(const uint8_t *at, size_t count)
{
    uint64_t value = 0;
    for (size_t i = count; i > 0; i--) {
        value = (value << 8) | at[i - 1];
    }
    return value;
}

static inline void fhs_put_be32(uint8_t *at, uint32_t value)
{
    for (size_t i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

static inline uint32_t fhs_get_be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

#endif
