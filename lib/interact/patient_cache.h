/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which patients a version concerns, remembered for those that were looked at lately: a version
 * never changes, so neither does the answer. Thread-safe.
 */
#ifndef FHS_INTERACT_PATIENT_CACHE_H
#define FHS_INTERACT_PATIENT_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/str.h"
#include "storage/storage.h"

#define FHS_PATIENT_LIST_MAX 2

/* The patients of one version. */
typedef struct fhs_patient_list {
    int64_t seq;  /* of the version */
    size_t count; /* above FHS_PATIENT_LIST_MAX: too many to be remembered */
    struct {
        fhs_entity entity;
        size_t len;
        char id[FHS_LIMIT_ID_BYTES];
    } items[FHS_PATIENT_LIST_MAX];
} fhs_patient_list;

void fhs_patient_list_add(fhs_patient_list *list, fhs_entity entity, fhs_str id);

typedef struct fhs_patient_cache fhs_patient_cache;

fhirstore_status fhs_patient_cache_new(fhs_patient_cache **out, fhirstore_error **err);
void fhs_patient_cache_free(fhs_patient_cache *cache);
bool fhs_patient_cache_find(fhs_patient_cache *cache, int64_t seq, fhs_patient_list *out);
/* Committed versions only. */
void fhs_patient_cache_add(fhs_patient_cache *cache, const fhs_patient_list *list);

#endif
