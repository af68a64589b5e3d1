/* SPDX-License-Identifier: Apache-2.0 */
/* How hard a passphrase is made to guess: said, by default, or measured on this machine. */
#include <sodium.h>

#include "base/clock.h"
#include "base/limits.h"
#include "keys/keys_internal.h"

#define DEFAULT_MEMORY_KIB (256u * 1024u)
#define DEFAULT_PASSES     3u
/* A slow machine does not get below this, however short the wanted time. */
#define FLOOR_MEMORY_KIB (19u * 1024u)
#define FLOOR_PASSES     2u

/* Microseconds that one pass over so much memory takes; below 0: there is not so much. */
static int64_t time_one_pass(uint32_t memory_kib)
{
    static const uint8_t salt[crypto_pwhash_SALTBYTES] = {1};
    uint8_t key[FHS_KEYS_KEY_BYTES];
    int64_t begin = fhs_clock_monotonic_us();
    int failed = crypto_pwhash(key, sizeof key, "calibration", 11, salt, 1,
                               (size_t)memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13);
    int64_t taken = fhs_clock_monotonic_us() - begin;
    sodium_memzero(key, sizeof key);
    return failed != 0 ? -1 : taken;
}

/* The most memory of which two passes fit into the time, then as many passes as fit. */
static fhirstore_status measure_cost(fhs_key_cost *cost, fhirstore_error **err)
{
    const int64_t wanted = (int64_t)cost->target_ms * 1000;
    uint32_t memory = cost->memory_kib;
    int64_t once = time_one_pass(memory);
    while ((once < 0 || once * FLOOR_PASSES > wanted) && memory / 2 >= FLOOR_MEMORY_KIB) {
        memory /= 2;
        once = time_one_pass(memory);
    }
    if (once < 0) {
        return fhs_fail_memory(err);
    }
    int64_t passes = once == 0 ? FHS_LIMIT_KDF_PASSES : wanted / once;
    passes = passes < FLOOR_PASSES ? FLOOR_PASSES : passes;
    cost->memory_kib = memory;
    cost->passes = passes > FHS_LIMIT_KDF_PASSES ? FHS_LIMIT_KDF_PASSES : (uint32_t)passes;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_key_cost_settle(fhs_key_cost *cost, fhirstore_error **err)
{
    bool has_passes = cost->passes != 0;
    if (cost->memory_kib == 0) {
        cost->memory_kib = DEFAULT_MEMORY_KIB;
    }
    if (!has_passes) {
        cost->passes = DEFAULT_PASSES;
    }
    if (cost->memory_kib > FHS_LIMIT_KDF_MEMORY_KIB || cost->passes > FHS_LIMIT_KDF_PASSES) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_KDF_LIMIT);
    }
    return cost->target_ms != 0 && !has_passes ? measure_cost(cost, err) : FHIRSTORE_OK;
}
