/* SPDX-License-Identifier: Apache-2.0 */
/* What one question works with, and reading JSON leniently. */
#include "base/mem.h"
#include "terminology/terminology_internal.h"

fhirstore_status fhs_terms_new(const fhs_fhir *fhir, const fhs_terms_source *source,
                               fhs_terms **out, fhirstore_error **err)
{
    fhs_terms *terms = fhs_calloc(1, sizeof *terms);
    *out = terms;
    if (terms == NULL) {
        return fhs_fail_memory(err);
    }
    terms->fhir = fhir;
    terms->source = source;
    fhs_arena_init(&terms->arena, FHS_LIMIT_TERMS_BYTES);
    fhs_arena_init(&terms->scratch, FHS_LIMIT_TERMS_BYTES);
    return FHIRSTORE_OK;
}

void fhs_terms_free(fhs_terms *terms)
{
    if (terms != NULL) {
        fhs_arena_clear(&terms->arena);
        fhs_arena_clear(&terms->scratch);
        fhs_free(terms);
    }
}

fhs_arena *fhs_terms_arena(fhs_terms *terms)
{
    return &terms->arena;
}

void *fhs_terms_alloc(fhs_terms *terms, size_t count, size_t size, fhirstore_error **err)
{
    size_t bytes;
    void *items = fhs_arena_calloc(&terms->arena, count == 0 ? 1 : count, size);
    if (items == NULL) {
        bool fits = fhs_size_mul(count, size, &bytes) && bytes < terms->arena.budget;
        terms->failed = fits ? fhs_fail_memory(err)
                             : fhs_fail(err, FHIRSTORE_ERR_LIMIT,
                                        "code systems and value sets exceed FHS_LIMIT_TERMS_BYTES");
    }
    return items;
}

void *fhs_terms_grow(fhs_terms *terms, void *items, size_t count, size_t *capacity, size_t size,
                     fhirstore_error **err)
{
    if (count < *capacity) {
        return items;
    }
    size_t wanted = *capacity == 0 ? 8 : *capacity * 2;
    void *grown = fhs_terms_alloc(terms, wanted, size, err);
    if (grown == NULL) {
        return NULL;
    }
    if (count > 0) {
        memcpy(grown, items, count * size);
    }
    *capacity = wanted;
    return grown;
}

fhirstore_status fhs_terms_read(fhs_terms *terms, fhs_str text, const fhs_json **out,
                                fhirstore_error **err)
{
    char *copy = fhs_terms_alloc(terms, text.len, 1, err);
    *out = NULL;
    if (copy == NULL) {
        return terms->failed;
    }
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return fhs_json_read(&terms->arena, fhs_str_of(copy, text.len), NULL, out, err);
}

fhs_str fhs_terms_text(const fhs_json *object, fhs_str name)
{
    fhs_str text;
    return fhs_json_is(object, FHS_JSON_OBJECT) && fhs_json_get_string(object, name, &text)
               ? text
               : FHS_STR_NONE;
}

bool fhs_terms_flag(const fhs_json *object, fhs_str name)
{
    return fhs_json_is(object, FHS_JSON_OBJECT) &&
           fhs_json_is(fhs_json_get(object, name), FHS_JSON_TRUE);
}

uint32_t fhs_terms_items(const fhs_json *object, fhs_str name, const fhs_json **items_out)
{
    const fhs_json *list = fhs_json_is(object, FHS_JSON_OBJECT) ? fhs_json_get(object, name) : NULL;
    *items_out = NULL;
    if (!fhs_json_is(list, FHS_JSON_ARRAY)) {
        return 0;
    }
    *items_out = list->items;
    return list->count;
}

uint32_t fhs_terms_hash(fhs_str text, uint32_t seed)
{
    uint32_t hash = seed ^ UINT32_C(2166136261);
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (unsigned char)fhs_ascii_lower(text.ptr[i])) * UINT32_C(16777619);
    }
    return hash ^ hash >> 15;
}

uint32_t fhs_terms_slots(uint32_t count)
{
    uint32_t slots = 8;
    while (slots < count * 2) {
        slots *= 2;
    }
    return slots;
}
