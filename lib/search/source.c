/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entities of a scan, ascending (or, to step back from a page, descending) and without repetition.
 * A few runs that are in entity order are merged as they are read; anything else is gathered and
 * sorted.
 */
#include "base/mem.h"
#include "search/search_internal.h"

/* ---- merging ---- */

static fhirstore_status advance_head(fhs_search *search, fhs_source *source, size_t i)
{
    fhirstore_status status = fhs_stmt_step(source->stmts[i], search->err);
    if (status == FHIRSTORE_OK) {
        source->heads[i] = fhs_stmt_int(source->stmts[i], 0);
    } else if (status == FHIRSTORE_DONE) {
        source->heads[i] = source->is_down ? INT64_MIN : INT64_MAX;
        status = FHIRSTORE_OK;
    }
    return status;
}

/* Entities of one run beyond @a bound, in the direction of the source. */
static fhirstore_status open_range(fhs_search *search, const fhs_source *source, size_t i,
                                   fhs_entity bound, fhs_stmt **out)
{
    const fhs_range *range = &source->scan->ranges[i];
    return source->is_down ? fhs_sql_scan_down(search, range, bound, out)
                           : fhs_sql_scan(search, range, bound, out);
}

static fhirstore_status open_merge(fhs_search *search, fhs_entity bound, fhs_source *source)
{
    source->is_merge = true;
    for (size_t i = 0; i < source->scan->count; i++) {
        fhirstore_status status = open_range(search, source, i, bound, &source->stmts[i]);
        source->stmt_count = source->stmts[i] != NULL ? i + 1 : i;
        if (status == FHIRSTORE_OK) {
            status = advance_head(search, source, i);
        }
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status next_merged(fhs_search *search, fhs_source *source, fhs_entity *out)
{
    const int64_t end = source->is_down ? INT64_MIN : INT64_MAX;
    int64_t first = end;
    for (size_t i = 0; i < source->stmt_count; i++) {
        int64_t head = source->heads[i];
        first = source->is_down ? (head > first ? head : first) : (head < first ? head : first);
    }
    if (first == end) {
        return FHIRSTORE_DONE;
    }
    *out = first;
    for (size_t i = 0; i < source->stmt_count; i++) {
        while (source->heads[i] == first) {
            fhirstore_status status = advance_head(search, source, i);
            if (status != FHIRSTORE_OK) {
                return status;
            }
        }
    }
    return FHIRSTORE_OK;
}

/* ---- gathering ---- */

#define RADIX_BITS    8u
#define RADIX_BUCKETS 256u

/* One pass of a radix sort; false: all had the same digit and nothing was moved. */
static bool radix_pass(const int64_t *from, int64_t *to, size_t count, unsigned shift)
{
    size_t starts[RADIX_BUCKETS] = {0};
    for (size_t i = 0; i < count; i++) {
        starts[((uint64_t)from[i] >> shift) % RADIX_BUCKETS]++;
    }
    if (starts[((uint64_t)from[0] >> shift) % RADIX_BUCKETS] == count) {
        return false;
    }
    size_t sum = 0;
    for (size_t b = 0; b < RADIX_BUCKETS; b++) {
        size_t size = starts[b];
        starts[b] = sum;
        sum += size;
    }
    for (size_t i = 0; i < count; i++) {
        to[starts[((uint64_t)from[i] >> shift) % RADIX_BUCKETS]++] = from[i];
    }
    return true;
}

static void insertion_sort(int64_t *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        int64_t item = items[i];
        size_t at = i;
        for (; at > 0 && items[at - 1] > item; at--) {
            items[at] = items[at - 1];
        }
        items[at] = item;
    }
}

/* Entities are positive, so their bits order them. False: no memory. */
static bool sort_entities(int64_t **items, size_t count)
{
    bool is_sorted = true;
    for (size_t i = 1; i < count && is_sorted; i++) {
        is_sorted = (*items)[i - 1] <= (*items)[i];
    }
    if (is_sorted) {
        return true;
    }
    if (count <= 32) {
        insertion_sort(*items, count);
        return true;
    }
    int64_t *other = fhs_calloc(count, sizeof(*other));
    if (other == NULL) {
        return false;
    }
    int64_t *from = *items;
    int64_t *to = other;
    for (unsigned shift = 0; shift < 64; shift += RADIX_BITS) {
        if (radix_pass(from, to, count, shift)) {
            int64_t *swap = from;
            from = to;
            to = swap;
        }
    }
    *items = from;
    fhs_free(to);
    return true;
}

static size_t drop_repeated(int64_t *items, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || items[kept - 1] != items[i]) {
            items[kept++] = items[i];
        }
    }
    return kept;
}

static fhirstore_status gather_item(fhs_search *search, fhs_source *source, size_t *capacity,
                                    int64_t entity)
{
    if (source->item_count == *capacity) {
        size_t wanted = *capacity == 0 ? 256 : *capacity * 2;
        size_t bytes;
        int64_t *items = fhs_size_mul(wanted, sizeof(*items), &bytes)
                             ? fhs_realloc(source->items, bytes)
                             : NULL;
        if (items == NULL) {
            return fhs_search_no_memory(search);
        }
        source->items = items;
        *capacity = wanted;
    }
    source->items[source->item_count++] = entity;
    return FHIRSTORE_OK;
}

static fhirstore_status gather_range(fhs_search *search, fhs_source *source, size_t *capacity,
                                     fhs_stmt *stmt)
{
    fhirstore_status status;
    while ((status = fhs_stmt_step(stmt, search->err)) == FHIRSTORE_OK) {
        status = gather_item(search, source, capacity, fhs_stmt_int(stmt, 0));
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status open_gathered(fhs_search *search, fhs_entity bound, fhs_source *source)
{
    size_t capacity = 0;
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < source->scan->count && status == FHIRSTORE_OK; i++) {
        fhs_stmt *stmt = NULL;
        status = open_range(search, source, i, bound, &stmt);
        if (status == FHIRSTORE_OK) {
            status = gather_range(search, source, &capacity, stmt);
        }
        fhs_stmt_give(stmt);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (!sort_entities(&source->items, source->item_count)) {
        return fhs_search_no_memory(search);
    }
    source->item_count = drop_repeated(source->items, source->item_count);
    source->view = source->items;
    return FHIRSTORE_OK;
}

/* ---- any ---- */

static bool can_merge(const fhs_scan *scan)
{
    for (size_t i = 0; i < scan->count; i++) {
        if (!fhs_range_is_ordered(&scan->ranges[i])) {
            return false;
        }
    }
    return scan->count <= FHS_MERGE_MAX;
}

fhirstore_status fhs_source_open(fhs_search *search, const fhs_scan *scan, fhs_entity after,
                                 fhs_source *source)
{
    *source = (fhs_source){.scan = scan};
    if (scan->is_list) {
        source->view = scan->list;
        source->item_count = scan->list_count;
        while (source->at < source->item_count && source->view[source->at] <= after) {
            source->at++;
        }
        return FHIRSTORE_OK;
    }
    return can_merge(scan) ? open_merge(search, after, source)
                           : open_gathered(search, after, source);
}

fhirstore_status fhs_source_open_down(fhs_search *search, const fhs_scan *scan, fhs_entity before,
                                      fhs_source *source)
{
    *source = (fhs_source){.scan = scan, .is_down = true};
    if (scan->is_list) {
        source->view = scan->list;
        source->item_count = scan->list_count;
        while (source->item_count > 0 && source->view[source->item_count - 1] >= before) {
            source->item_count--;
        }
        return FHIRSTORE_OK;
    }
    return can_merge(scan) ? open_merge(search, before, source)
                           : open_gathered(search, before, source);
}

fhirstore_status fhs_source_next(fhs_search *search, fhs_source *source, fhs_entity *out)
{
    if (source->is_merge) {
        return next_merged(search, source, out);
    }
    if (source->at >= source->item_count) {
        return FHIRSTORE_DONE;
    }
    size_t at = source->at++;
    *out = source->view[source->is_down ? source->item_count - 1 - at : at];
    return FHIRSTORE_OK;
}

/* Steps forward before a run is rather entered anew. */
#define SKIP_STEPS 6

static fhirstore_status skip_merged(fhs_search *search, fhs_source *source, fhs_entity at_least)
{
    for (size_t i = 0; i < source->stmt_count; i++) {
        for (int steps = 0; source->heads[i] < at_least; steps++) {
            fhirstore_status status = FHIRSTORE_OK;
            if (steps == SKIP_STEPS) {
                fhs_stmt_reset(source->stmts[i]);
                status = fhs_sql_move(search, at_least - 1, source->stmts[i]);
            }
            if (status == FHIRSTORE_OK) {
                status = advance_head(search, source, i);
            }
            if (status != FHIRSTORE_OK) {
                return status;
            }
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status skip_source(fhs_search *search, fhs_source *source, fhs_entity at_least)
{
    if (source->is_merge) {
        return skip_merged(search, source, at_least);
    }
    while (source->at < source->item_count && source->view[source->at] < at_least) {
        source->at++;
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_source_next_from(fhs_search *search, fhs_source *source, fhs_entity *out)
{
    fhirstore_status status = FHIRSTORE_OK;
    if (search->skip_to > 0 && !source->is_down) {
        status = skip_source(search, source, search->skip_to);
    }
    search->skip_to = 0;
    return status == FHIRSTORE_OK ? fhs_source_next(search, source, out) : status;
}

void fhs_source_close(fhs_source *source)
{
    for (size_t i = 0; i < source->stmt_count; i++) {
        fhs_stmt_give(source->stmts[i]);
    }
    fhs_free(source->items);
    *source = (fhs_source){.scan = NULL};
}
