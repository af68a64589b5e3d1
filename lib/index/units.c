/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quantities in canonical units. A store sees few different units, so what is known of each is
 * kept: a table that only ever gains, read without locks by all threads that extract.
 */
#include <stdatomic.h>

#include "base/mem.h"
#include "index/index_internal.h"
#include "units/units.h"

#define CACHE_PLACES 1024u
#define CACHE_PROBES 8u
/* Longer codes are no units that many resources share: they take no place. */
#define CODE_MAX      64u
#define CANONICAL_MAX 256u

typedef struct known_unit {
    fhs_str code;
    fhs_str canonical; /* ptr NULL: not UCUM, or without conversion */
    fhs_unit unit;
    char text[];
} known_unit;

struct fhs_unit_cache {
    _Atomic(known_unit *) places[CACHE_PLACES];
};

fhs_unit_cache *fhs_unit_cache_new(void)
{
    return fhs_calloc(1, sizeof(fhs_unit_cache));
}

void fhs_unit_cache_free(fhs_unit_cache *cache)
{
    for (size_t i = 0; cache != NULL && i < CACHE_PLACES; i++) {
        fhs_free(atomic_load_explicit(&cache->places[i], memory_order_relaxed));
    }
    fhs_free(cache);
}

static uint32_t hash_code(fhs_str code)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < code.len; i++) {
        hash = (hash ^ (uint32_t)(unsigned char)code.ptr[i]) * 16777619u;
    }
    return hash;
}

static size_t size_of_known(const known_unit *known)
{
    return sizeof *known + known->code.len + known->canonical.len;
}

/* NULL: no memory. */
static known_unit *learn_unit(fhs_str code)
{
    fhs_unit unit;
    fhs_buf canonical = FHS_BUF_INIT(CANONICAL_MAX);
    bool is_unit = fhs_unit_parse(code, &unit, NULL) == FHIRSTORE_OK;
    if (is_unit) {
        fhs_unit_write_canonical(&unit, &canonical);
        is_unit = fhs_buf_status(&canonical) == FHIRSTORE_OK && canonical.len > 0;
        if (fhs_buf_status(&canonical) == FHIRSTORE_ERR_NO_MEMORY) {
            return NULL; /* not known, rather than known to be no unit */
        }
    }
    known_unit *known = fhs_alloc(sizeof *known + code.len + (is_unit ? canonical.len : 0));
    if (known != NULL) {
        memcpy(known->text, code.ptr, code.len);
        known->code = fhs_str_of(known->text, code.len);
        known->canonical = FHS_STR_NONE;
        known->unit = unit;
        if (is_unit) {
            memcpy(known->text + code.len, canonical.ptr, canonical.len);
            known->canonical = fhs_str_of(known->text + code.len, canonical.len);
        }
    }
    fhs_buf_clear(&canonical);
    return known;
}

/* For a unit that found no place: it lives as long as the entries. */
static const known_unit *keep_in_arena(fhs_arena *arena, known_unit *learned)
{
    known_unit *copy = fhs_arena_alloc(arena, size_of_known(learned));
    if (copy != NULL) {
        memcpy(copy, learned, size_of_known(learned));
        copy->code.ptr = copy->text;
        if (copy->canonical.ptr != NULL) {
            copy->canonical.ptr = copy->text + copy->code.len;
        }
    }
    fhs_free(learned);
    return copy;
}

/* NULL: no memory. */
static const known_unit *find_unit(fhs_convert *convert, fhs_str code)
{
    uint32_t hash = hash_code(code);
    known_unit *learned = NULL;
    for (uint32_t i = 0; i < CACHE_PROBES && code.len <= CODE_MAX; i++) {
        _Atomic(known_unit *) *place = &convert->units->places[(hash + i) % CACHE_PLACES];
        known_unit *known = atomic_load_explicit(place, memory_order_acquire);
        if (known == NULL && learned == NULL) {
            learned = learn_unit(code);
            if (learned == NULL) {
                return NULL;
            }
        }
        /* Where another thread was first, `known` becomes what it put there. */
        if (known == NULL &&
            atomic_compare_exchange_strong_explicit(place, &known, learned, memory_order_acq_rel,
                                                    memory_order_acquire)) {
            return learned;
        }
        if (fhs_str_eq(known->code, code)) {
            fhs_free(learned);
            return known;
        }
    }
    learned = learned == NULL ? learn_unit(code) : learned;
    return learned == NULL ? NULL : keep_in_arena(convert->arena, learned);
}

void fhs_convert_canonical(fhs_convert *convert, const fhs_entry *entry)
{
    if (entry->code.len == 0 || !fhs_str_eq(entry->system, FHS_LIT("http://unitsofmeasure.org"))) {
        return;
    }
    fhs_entry canonical = *entry;
    const known_unit *known = find_unit(convert, entry->code);
    if (known == NULL) {
        convert->is_failed = true;
        return;
    }
    if (known->canonical.ptr == NULL) {
        return;
    }
    if (!entry->no_low &&
        fhs_unit_scale(&entry->low, &known->unit, &canonical.low, NULL) != FHIRSTORE_OK) {
        return;
    }
    if (!entry->is_interval) {
        canonical.high = canonical.low;
    } else if (!entry->no_high &&
               fhs_unit_scale(&entry->high, &known->unit, &canonical.high, NULL) != FHIRSTORE_OK) {
        return;
    }
    canonical.code = known->canonical;
    canonical.unit = FHS_STR_NONE;
    canonical.is_canonical = true;
    fhs_entry *added = fhs_convert_add(convert, FHS_ROW_QUANTITY);
    if (added != NULL) {
        *added = canonical;
    }
}
