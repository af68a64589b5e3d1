/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What versions of stored code systems say about case, so that a large one is not read for every
 * search. A version is known by its entity and sequence and never changes, so nothing here grows
 * stale.
 */
#include <pthread.h>

#include "base/mem.h"
#include "search/search_internal.h"

#define CACHE_SLOTS 64u

typedef struct case_slot {
    fhs_entity entity; /* 0: free */
    int64_t seq;
    uint8_t said; /* fhs_terms_case */
} case_slot;

struct fhs_case_cache {
    pthread_mutex_t lock;
    case_slot slots[CACHE_SLOTS];
};

fhirstore_status fhs_case_cache_new(fhs_case_cache **out, fhirstore_error **err)
{
    fhs_case_cache *cache = fhs_calloc(1, sizeof *cache);
    *out = cache;
    if (cache == NULL) {
        return fhs_fail_memory(err);
    }
    if (pthread_mutex_init(&cache->lock, NULL) != 0) {
        fhs_free(cache);
        *out = NULL;
        return fhs_fail_memory(err);
    }
    return FHIRSTORE_OK;
}

void fhs_case_cache_free(fhs_case_cache *cache)
{
    if (cache != NULL) {
        (void)pthread_mutex_destroy(&cache->lock);
        fhs_free(cache);
    }
}

bool fhs_case_cache_find(fhs_case_cache *cache, fhs_entity entity, int64_t seq, uint8_t *said_out)
{
    if (cache == NULL) {
        return false;
    }
    (void)pthread_mutex_lock(&cache->lock);
    const case_slot *slot = &cache->slots[(uint64_t)entity % CACHE_SLOTS];
    bool is_known = slot->entity == entity && slot->seq == seq;
    *said_out = slot->said;
    (void)pthread_mutex_unlock(&cache->lock);
    return is_known;
}

void fhs_case_cache_put(fhs_case_cache *cache, fhs_entity entity, int64_t seq, uint8_t said)
{
    if (cache != NULL) {
        (void)pthread_mutex_lock(&cache->lock);
        cache->slots[(uint64_t)entity % CACHE_SLOTS] = (case_slot){entity, seq, said};
        (void)pthread_mutex_unlock(&cache->lock);
    }
}
