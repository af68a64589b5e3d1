/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash of names behind the generated tables; tools/fhirgen/hashing.py is its twin. It looks at
 * the first and the last eight bytes and the length, which tells apart all names of one type, and
 * costs the same for every name.
 */
#ifndef FHS_FHIR_HASH_H
#define FHS_FHIR_HASH_H

#include "base/str.h"

/* Both ends of a name: with the length, all of it when it has 16 bytes or fewer. */
typedef struct fhs_fhir_ends {
    uint64_t head;
    uint64_t tail;
} fhs_fhir_ends;

/* Little-endian on every machine; compilers make one load of it. */
static inline uint64_t fhs_fhir_load32(const unsigned char *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
}

static inline uint64_t fhs_fhir_load64(const unsigned char *p)
{
    return fhs_fhir_load32(p) | fhs_fhir_load32(p + 4) << 32;
}

static inline fhs_fhir_ends fhs_fhir_ends_of(const char *name, size_t len)
{
    const unsigned char *p = (const unsigned char *)name;
    if (len >= 8) {
        return (fhs_fhir_ends){fhs_fhir_load64(p), fhs_fhir_load64(p + len - 8)};
    }
    if (len >= 4) {
        return (fhs_fhir_ends){fhs_fhir_load32(p), fhs_fhir_load32(p + len - 4)};
    }
    if (len == 0) {
        return (fhs_fhir_ends){0, 0};
    }
    uint64_t head = (uint64_t)p[0] | (uint64_t)p[len / 2] << 8 | (uint64_t)p[len - 1] << 16;
    return (fhs_fhir_ends){head, 0};
}

static inline uint64_t fhs_fhir_hash(fhs_fhir_ends ends, size_t len)
{
    uint64_t tail = ends.tail * UINT64_C(0xC2B2AE3D27D4EB4F);
    return ends.head * UINT64_C(0x9E3779B97F4A7C15) ^ (tail << 32 | tail >> 32) ^
           (uint64_t)len * UINT64_C(0x165667B19E3779F9);
}

/* The slot, below 1 << bits (1 … 16), of a hash under a seed. */
static inline size_t fhs_fhir_slot(uint64_t hash, uint16_t seed, uint8_t bits)
{
    uint64_t mixed = hash ^ (uint64_t)seed * UINT64_C(0xD6E8FEB86659FD93);
    return (size_t)(mixed * UINT64_C(0xFF51AFD7ED558CCD) >> (64 - bits));
}

/* Whether the name that has these ends is the @a len bytes at @a known. */
static inline bool fhs_fhir_same(const char *name, fhs_fhir_ends ends, const char *known,
                                 size_t len)
{
    fhs_fhir_ends other = fhs_fhir_ends_of(known, len);
    if (ends.head != other.head || ends.tail != other.tail) {
        return false;
    }
    return len <= 16 || memcmp(name + 8, known + 8, len - 16) == 0;
}

#endif
