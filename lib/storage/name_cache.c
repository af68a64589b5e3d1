/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/name_cache.h"

#include <string.h>

#include "base/mem.h"

#define FIRST_ENTRIES 64u
#define FIRST_TEXTS   2048u
#define TAG_BYTES     4u

void fhs_name_cache_init(fhs_name_cache *cache, uint32_t max_count, uint32_t max_text)
{
    *cache = (fhs_name_cache){.max_count = max_count, .max_text = max_text};
}

void fhs_name_cache_clear(fhs_name_cache *cache)
{
    fhs_free(cache->entries);
    fhs_free(cache->heads);
    fhs_free(cache->texts);
    fhs_name_cache_init(cache, cache->max_count, cache->max_text);
}

static uint32_t hash_name(uint32_t tag, fhs_str text)
{
    uint64_t hash = UINT64_C(0x9E3779B97F4A7C15) ^ tag;
    const char *at = text.ptr;
    size_t left = text.len;
    while (left >= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = (hash ^ word) * UINT64_C(0xFF51AFD7ED558CCD);
        hash ^= hash >> 32;
        at += 8;
        left -= 8;
    }
    uint64_t word = left;
    for (size_t i = 0; i < left; i++) {
        word = (word << 8) | (unsigned char)at[i];
    }
    hash = (hash ^ word) * UINT64_C(0xC4CEB9FE1A85EC53);
    return (uint32_t)(hash >> 32);
}

static bool is_entry(const fhs_name_cache *cache, const fhs_name_entry *entry, uint32_t hash,
                     uint32_t tag, fhs_str text)
{
    if (entry->hash != hash || entry->text_len != text.len + TAG_BYTES) {
        return false;
    }
    const char *kept = cache->texts + entry->text_at;
    return memcmp(kept, &tag, TAG_BYTES) == 0 &&
           (text.len == 0 || memcmp(kept + TAG_BYTES, text.ptr, text.len) == 0);
}

bool fhs_name_cache_find(const fhs_name_cache *cache, uint32_t tag, fhs_str text,
                         int64_t *value_out)
{
    if (cache->heads == NULL) {
        return false;
    }
    uint32_t hash = hash_name(tag, text);
    uint32_t at = cache->heads[hash & (cache->max_count - 1)];
    while (at != 0) {
        const fhs_name_entry *entry = &cache->entries[at - 1];
        if (is_entry(cache, entry, hash, tag, text)) {
            *value_out = entry->value;
            return true;
        }
        at = entry->next;
    }
    return false;
}

static void forget_names(fhs_name_cache *cache)
{
    if (cache->heads != NULL) {
        memset(cache->heads, 0, cache->max_count * sizeof *cache->heads);
    }
    cache->count = 0;
    cache->text_len = 0;
    cache->epoch++;
}

static bool grow_entries(fhs_name_cache *cache)
{
    uint32_t capacity = cache->capacity == 0 ? FIRST_ENTRIES : cache->capacity * 2;
    fhs_name_entry *entries = fhs_realloc(cache->entries, capacity * sizeof *entries);
    if (entries == NULL) {
        return false;
    }
    cache->entries = entries;
    cache->capacity = capacity;
    return true;
}

static bool grow_texts(fhs_name_cache *cache, uint32_t needed)
{
    uint32_t capacity = cache->text_capacity == 0 ? FIRST_TEXTS : cache->text_capacity;
    while (capacity < needed) {
        capacity *= 2;
    }
    char *texts = fhs_realloc(cache->texts, capacity);
    if (texts == NULL) {
        return false;
    }
    cache->texts = texts;
    cache->text_capacity = capacity;
    return true;
}

static bool make_name_room(fhs_name_cache *cache, uint32_t len)
{
    if (cache->heads == NULL) {
        cache->heads = fhs_calloc(cache->max_count, sizeof *cache->heads);
        if (cache->heads == NULL) {
            return false;
        }
    }
    if (cache->count == cache->max_count || cache->text_len + len > cache->max_text) {
        forget_names(cache);
    }
    if (cache->count == cache->capacity && !grow_entries(cache)) {
        return false;
    }
    return cache->text_len + len <= cache->text_capacity ||
           grow_texts(cache, cache->text_len + len);
}

void fhs_name_cache_add(fhs_name_cache *cache, uint32_t tag, fhs_str text, int64_t value)
{
    /* One text must not push out all others. */
    if (text.len > cache->max_text / 64) {
        return;
    }
    uint32_t len = (uint32_t)text.len + TAG_BYTES;
    if (!make_name_room(cache, len)) {
        return;
    }
    uint32_t hash = hash_name(tag, text);
    uint32_t *head = &cache->heads[hash & (cache->max_count - 1)];
    cache->entries[cache->count] = (fhs_name_entry){value, hash, *head, cache->text_len, len};
    memcpy(cache->texts + cache->text_len, &tag, TAG_BYTES);
    if (text.len > 0) {
        memcpy(cache->texts + cache->text_len + TAG_BYTES, text.ptr, text.len);
    }
    cache->text_len += len;
    cache->count++;
    *head = cache->count;
}

fhs_name_mark fhs_name_cache_mark(const fhs_name_cache *cache)
{
    return (fhs_name_mark){cache->count, cache->epoch};
}

void fhs_name_cache_drop(fhs_name_cache *cache, fhs_name_mark mark)
{
    /* Begun again since the mark: all that is there now is younger than it. */
    uint32_t keep = mark.epoch == cache->epoch ? mark.count : 0;
    while (cache->count > keep) {
        const fhs_name_entry *entry = &cache->entries[cache->count - 1];
        /* Youngest first, so each is the head of its chain when its turn comes. */
        cache->heads[entry->hash & (cache->max_count - 1)] = entry->next;
        cache->text_len = entry->text_at;
        cache->count--;
    }
}
