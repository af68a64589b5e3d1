/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/patient_cache.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"

/* Each version has one place where it may be; the one that comes later takes it. */
#define PLACES 2048u

struct fhs_patient_cache {
    pthread_mutex_t lock;
    fhs_patient_list *places; /* NULL until the first is remembered */
};

void fhs_patient_list_add(fhs_patient_list *list, fhs_entity entity, fhs_str id)
{
    for (size_t i = 0; i < list->count && i < FHS_PATIENT_LIST_MAX; i++) {
        if (list->items[i].entity == entity) {
            return;
        }
    }
    if (list->count < FHS_PATIENT_LIST_MAX && id.len <= FHS_LIMIT_ID_BYTES) {
        list->items[list->count].entity = entity;
        list->items[list->count].len = id.len;
        memcpy(list->items[list->count].id, id.ptr, id.len);
        list->count++;
    } else {
        list->count = FHS_PATIENT_LIST_MAX + 1;
    }
}

fhirstore_status fhs_patient_cache_new(fhs_patient_cache **out, fhirstore_error **err)
{
    *out = fhs_calloc(1, sizeof **out);
    if (*out == NULL) {
        return fhs_fail_memory(err);
    }
    (void)pthread_mutex_init(&(*out)->lock, NULL);
    return FHIRSTORE_OK;
}

void fhs_patient_cache_free(fhs_patient_cache *cache)
{
    if (cache != NULL) {
        (void)pthread_mutex_destroy(&cache->lock);
        fhs_free(cache->places);
        fhs_free(cache);
    }
}

bool fhs_patient_cache_find(fhs_patient_cache *cache, int64_t seq, fhs_patient_list *out)
{
    bool found = false;
    (void)pthread_mutex_lock(&cache->lock);
    if (cache->places != NULL) {
        const fhs_patient_list *place = &cache->places[(uint64_t)seq % PLACES];
        found = place->seq == seq && seq != 0;
        if (found) {
            *out = *place;
        }
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return found;
}

void fhs_patient_cache_add(fhs_patient_cache *cache, const fhs_patient_list *list)
{
    if (list->count > FHS_PATIENT_LIST_MAX) {
        return;
    }
    (void)pthread_mutex_lock(&cache->lock);
    if (cache->places == NULL) {
        cache->places = fhs_calloc(PLACES, sizeof *cache->places);
    }
    if (cache->places != NULL) {
        cache->places[(uint64_t)list->seq % PLACES] = *list;
    }
    (void)pthread_mutex_unlock(&cache->lock);
}
