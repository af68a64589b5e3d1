/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sort keys as bytes whose order is the order of the page:
 *
 *   for each sort key   0 value | 1      present ones first, missing ones last in both directions
 *   then                entity           8 bytes, big-endian; in the direction of the first key
 *
 * A value is eight bytes for each number, or text with NUL written as 00 FF and 00 00 at its end.
 * Descending values have their bits turned over. The least value of a resource counts where the
 * order ascends, the greatest where it descends.
 */
#include "base/mem.h"
#include "search/late.h"
#include "search/search_internal.h"

/* Matches that are kept sorted at once; more take another pass. */
#define SORT_WINDOW   ((size_t)32768)
#define SORT_KEYS_MAX ((size_t)256 * 1024 * 1024)

/* ---- plans ---- */

typedef struct canonical_units {
    fhs_search *search;
    fhs_sort_plan *plan;
    int64_t *numbers;
    size_t capacity;
    bool is_failed;
} canonical_units;

static bool visit_canonical(void *ctx, int64_t number, const fhs_unit_key *key)
{
    canonical_units *units = ctx;
    if (!key->canonical) {
        return true;
    }
    int64_t *numbers = fhs_search_grow(units->search, units->numbers, units->plan->unit_count,
                                       &units->capacity, sizeof(*numbers));
    if (numbers == NULL) {
        units->is_failed = true;
        return false;
    }
    units->numbers = numbers;
    numbers[units->plan->unit_count++] = number;
    return true;
}

static fhirstore_status compile_sort_key(fhs_search *search, const fhs_sort_key *key,
                                         fhs_sort_plan *plan)
{
    plan->is_id = key->is_id;
    plan->is_updated = key->is_updated;
    plan->descending = key->descending;
    plan->is_score = key->is_score;
    if (key->is_score) {
        /* A number, which no index has. */
        plan->row_kind = FHS_ROW_POSITION;
        plan->descending = true;
    }
    if (key->is_id || key->is_updated || key->is_score) {
        return FHIRSTORE_OK;
    }
    plan->row_kind = fhs_row_kind_of(key->param_type);
    fhirstore_status status = FHIRSTORE_OK;
    if (key->path_count > 0) {
        status = fhs_sort_chain_compile(search, key, plan);
    } else if (search->query->type != FHS_TYPE_NONE) {
        status = fhs_catalog_param(search->env.catalog, search->conn, search->query->type,
                                   key->param, &plan->param, search->err);
        if (status == FHIRSTORE_OK) {
            status = fhs_late_prepare_param(search, search->query->type, plan->param, key->code,
                                            &plan->is_late);
        }
    }
    plan->is_unknown = plan->param == 0;
    if (status == FHIRSTORE_OK && plan->row_kind == FHS_ROW_QUANTITY) {
        canonical_units units = {.search = search, .plan = plan};
        status = fhs_unit_each(search->conn, visit_canonical, &units, search->err);
        plan->units = units.numbers;
        status = units.is_failed ? FHIRSTORE_ERR_NO_MEMORY : status;
    }
    return status;
}

fhirstore_status fhs_sort_compile(fhs_search *search)
{
    const fhs_query *query = search->query;
    search->sort = fhs_arena_calloc(&search->arena, query->sort_count + 1, sizeof(*search->sort));
    if (search->sort == NULL) {
        return fhs_search_no_memory(search);
    }
    for (size_t i = 0; i < query->sort_count; i++) {
        fhirstore_status status = compile_sort_key(search, &query->sort[i], &search->sort[i]);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    search->sort_count = query->sort_count;
    return FHIRSTORE_OK;
}

/* ---- writing keys ---- */

static void turn_over(fhs_buf *key, size_t from)
{
    for (size_t i = from; i < key->len; i++) {
        key->ptr[i] = (char)~(unsigned char)key->ptr[i];
    }
}

static void key_number(fhs_buf *key, int64_t number)
{
    char bytes[8];
    uint64_t bits = (uint64_t)number ^ (UINT64_C(1) << 63);
    for (unsigned i = 0; i < 8; i++) {
        bytes[i] = (char)(unsigned char)(bits >> (56 - 8 * i));
    }
    fhs_buf_add(key, bytes, sizeof(bytes));
}

static void key_text(fhs_buf *key, fhs_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        fhs_buf_add_char(key, text.ptr[i]);
        if (text.ptr[i] == '\0') {
            fhs_buf_add_char(key, '\xFF');
        }
    }
    fhs_buf_add(key, "\0\0", 2);
}

void fhs_sort_key_row(const fhs_sort_plan *sort, const fhs_row *row, int64_t updated_us,
                      fhs_buf *key)
{
    fhs_buf_add_char(key, 0);
    size_t from = key->len;
    if (sort->is_updated) {
        key_number(key, updated_us);
    } else if (sort->is_id) {
        key_text(key, row->text);
    } else {
        switch ((fhs_row_kind)sort->row_kind) {
        case FHS_ROW_DATE:
            key_number(key, row->a);
            key_number(key, row->b);
            break;
        case FHS_ROW_REFERENCE:
        case FHS_ROW_POSITION:
            key_number(key, row->a);
            break;
        case FHS_ROW_NUMBER:
        case FHS_ROW_QUANTITY:
            key_text(key, row->text);
            key_text(key, row->extra.len > 0 ? row->extra : row->text);
            break;
        default:
            key_text(key, row->text);
            break;
        }
    }
    if (sort->descending && key->failed == FHIRSTORE_OK) {
        turn_over(key, from);
    }
}

void fhs_sort_key_entity(const fhs_search *search, fhs_entity entity, fhs_buf *key)
{
    size_t from = key->len;
    key_number(key, entity);
    if (search->sort_count > 0 && search->sort[0].descending && key->failed == FHIRSTORE_OK) {
        turn_over(key, from);
    }
}

static bool is_canonical(const fhs_sort_plan *sort, const fhs_row *row)
{
    return fhs_has_number(sort->units, sort->unit_count, row->a);
}

/*
 * The smallest encoded value of the resource's rows, which is its greatest value where the order
 * descends. Quantities count in canonical units where there are any.
 */
fhirstore_status fhs_sort_take_rows(fhs_search *search, const fhs_sort_plan *sort, uint32_t param,
                                    fhs_str rows, fhs_sort_best *best, fhs_buf *key)
{
    fhs_row_cursor cursor = {rows};
    fhs_row row;
    fhirstore_status status;
    while ((status = fhs_row_next(&cursor, &row, NULL)) == FHIRSTORE_OK) {
        if (row.param != param || row.kind != sort->row_kind || param == 0) {
            continue;
        }
        bool canonical = row.kind == FHS_ROW_QUANTITY && is_canonical(sort, &row);
        if (best->has_value && best->is_canonical && !canonical) {
            continue;
        }
        fhs_buf_reset(&search->probe);
        fhs_sort_key_row(sort, &row, 0, &search->probe);
        fhs_str probe = fhs_buf_str(&search->probe);
        fhs_str value = fhs_str_from(fhs_buf_str(key), best->from);
        if (!best->has_value || (canonical && !best->is_canonical) ||
            fhs_str_compare(probe, value) < 0) {
            key->len = best->from;
            fhs_buf_add_str(key, probe);
            best->has_value = true;
            best->is_canonical = canonical;
        }
    }
    return status == FHIRSTORE_DONE ? fhs_buf_status(&search->probe) : status;
}

static fhirstore_status add_best_row(fhs_search *search, const fhs_sort_plan *sort,
                                     fhs_candidate *candidate, fhs_buf *key)
{
    fhs_sort_best best = {.from = key->len};
    fhirstore_status status = fhs_candidate_rows(search, candidate, 0);
    if (status == FHIRSTORE_OK) {
        status = sort->way_count > 0
                     ? fhs_sort_chain_key(search, sort, candidate, &best, key)
                     : fhs_sort_take_rows(search, sort, sort->param, candidate->rows, &best, key);
    }
    if (!best.has_value) {
        fhs_buf_add_char(key, 1);
    }
    return status;
}

static fhirstore_status key_id(fhs_search *search, const fhs_sort_plan *sort,
                               fhs_candidate *candidate, fhs_buf *key)
{
    fhs_version version;
    fhirstore_status status = fhs_resource_look(search->conn, candidate->entity, &version,
                                                search->err);
    if (status == FHIRSTORE_OK) {
        fhs_row row = {.text = version.id};
        fhs_sort_key_row(sort, &row, 0, key);
    }
    return status;
}

static fhirstore_status key_score(fhs_search *search, const fhs_sort_plan *sort,
                                  const fhs_candidate *candidate, fhs_buf *key)
{
    fhs_row row = {.kind = FHS_ROW_POSITION};
    fhirstore_status status = fhs_text_score(search, candidate->entity, &row.a);
    if (status == FHIRSTORE_OK) {
        fhs_sort_key_row(sort, &row, 0, key);
    }
    return status;
}

fhirstore_status fhs_sort_key_of(fhs_search *search, fhs_candidate *candidate, fhs_buf *key)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < search->sort_count && status == FHIRSTORE_OK; i++) {
        const fhs_sort_plan *sort = &search->sort[i];
        if (sort->is_id) {
            status = key_id(search, sort, candidate, key);
        } else if (sort->is_score) {
            status = key_score(search, sort, candidate, key);
        } else if (sort->is_updated) {
            fhs_row none = {.kind = 0};
            status = fhs_candidate_head(search, candidate, 0);
            fhs_sort_key_row(sort, &none, candidate->updated_us, key);
        } else {
            status = add_best_row(search, sort, candidate, key);
        }
    }
    fhs_sort_key_entity(search, candidate->entity, key);
    if (status == FHIRSTORE_OK) {
        status = fhs_buf_status(key);
    }
    if (status != FHIRSTORE_OK && (search->err == NULL || *search->err == NULL)) {
        return fhs_fail_plain(search->err, status);
    }
    return status;
}

/* ---- reading keys ---- */

static bool unkey_number(fhs_str *rest, bool turned, int64_t *out)
{
    uint64_t bits = 0;
    if (rest->len < 8) {
        return false;
    }
    for (unsigned i = 0; i < 8; i++) {
        bits = (bits << 8) | (unsigned char)rest->ptr[i];
    }
    bits = turned ? ~bits : bits;
    *out = (int64_t)(bits ^ (UINT64_C(1) << 63));
    *rest = fhs_str_from(*rest, 8);
    return true;
}

/* Unescape into @a scratch; the view is taken when all is in it. */
static bool unkey_text(fhs_str *rest, bool turned, fhs_buf *scratch)
{
    const unsigned char mask = turned ? 0xFF : 0;
    for (size_t i = 0; i < rest->len; i++) {
        char c = (char)((unsigned char)rest->ptr[i] ^ mask);
        if (c != '\0') {
            fhs_buf_add_char(scratch, c);
            continue;
        }
        if (++i >= rest->len) {
            return false;
        }
        unsigned char next = (unsigned char)rest->ptr[i] ^ mask;
        if (next == 0) {
            *rest = fhs_str_from(*rest, i + 1);
            return fhs_buf_status(scratch) == FHIRSTORE_OK;
        }
        fhs_buf_add_char(scratch, '\0');
    }
    return false;
}

static bool unkey_value(const fhs_sort_plan *sort, fhs_str *rest, fhs_buf *scratch, fhs_row *row,
                        int64_t *updated_out)
{
    bool turned = sort->descending;
    fhs_buf_reset(scratch);
    if (sort->is_updated) {
        bool ok = unkey_number(rest, turned, updated_out);
        row->a = *updated_out;
        return ok;
    }
    if (sort->row_kind == FHS_ROW_DATE) {
        return unkey_number(rest, turned, &row->a) && unkey_number(rest, turned, &row->b);
    }
    if (!unkey_text(rest, turned, scratch)) {
        return false;
    }
    size_t split = scratch->len;
    if (sort->row_kind == FHS_ROW_NUMBER && !unkey_text(rest, turned, scratch)) {
        return false;
    }
    row->text = fhs_str_of(scratch->ptr, split);
    row->extra = fhs_str_from(fhs_buf_str(scratch), split);
    return true;
}

bool fhs_sort_key_read(const fhs_search *search, fhs_str key, fhs_buf *scratch, fhs_row *row_out,
                       int64_t *updated_out, bool *missing_out, fhs_entity *entity_out)
{
    const fhs_sort_plan *sort = &search->sort[0];
    *row_out = (fhs_row){.kind = sort->row_kind, .param = sort->param};
    *updated_out = 0;
    if (key.len < 9) {
        return false;
    }
    *missing_out = key.ptr[0] == 1;
    key = fhs_str_from(key, 1);
    if (!*missing_out && !unkey_value(sort, &key, scratch, row_out, updated_out)) {
        return false;
    }
    return unkey_number(&key, sort->descending, entity_out) && key.len == 0;
}

/* ---- the window of sorted matches ---- */

void fhs_sorted_reset(fhs_sorted *sorted)
{
    fhs_buf_reset(&sorted->keys);
    sorted->keys.max = SORT_KEYS_MAX;
    sorted->count = 0;
    sorted->at = 0;
    sorted->is_cut = false;
}

void fhs_sorted_clear(fhs_sorted *sorted)
{
    fhs_buf_clear(&sorted->keys);
    fhs_free(sorted->items);
    *sorted = (fhs_sorted){.count = 0};
}

static int compare_items(const fhs_sorted *sorted, const fhs_sorted_item *a,
                         const fhs_sorted_item *b)
{
    const char *keys = sorted->keys.ptr;
    int order = fhs_str_compare(fhs_str_of(keys + a->at, a->len), fhs_str_of(keys + b->at, b->len));
    return sorted->is_down ? -order : order;
}

static void sift_item(const fhs_sorted *sorted, size_t at, size_t count)
{
    fhs_sorted_item *items = sorted->items;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) {
            return;
        }
        if (child + 1 < count && compare_items(sorted, &items[child], &items[child + 1]) < 0) {
            child++;
        }
        if (compare_items(sorted, &items[at], &items[child]) >= 0) {
            return;
        }
        fhs_sorted_item swap = items[at];
        items[at] = items[child];
        items[child] = swap;
        at = child;
    }
}

/* Heap sort: qsort() has no place for the keys. */
static void sort_items(const fhs_sorted *sorted)
{
    fhs_sorted_item *items = sorted->items;
    size_t count = sorted->count;
    for (size_t i = count / 2; i > 0; i--) {
        sift_item(sorted, i - 1, count);
    }
    for (size_t end = count; end > 1; end--) {
        fhs_sorted_item swap = items[0];
        items[0] = items[end - 1];
        items[end - 1] = swap;
        sift_item(sorted, 0, end - 1);
    }
}

/* Keep the first half of a full window. */
static fhirstore_status cut_window(fhs_search *search, fhs_sorted *sorted)
{
    fhs_buf kept = FHS_BUF_INIT(SORT_KEYS_MAX);
    sort_items(sorted);
    for (size_t i = 0; i < SORT_WINDOW; i++) {
        fhs_sorted_item *item = &sorted->items[i];
        uint32_t at = (uint32_t)kept.len;
        fhs_buf_add(&kept, sorted->keys.ptr + item->at, item->len);
        item->at = at;
    }
    fhirstore_status status = fhs_buf_status(&kept);
    if (status != FHIRSTORE_OK) {
        fhs_buf_clear(&kept);
        return fhs_fail_plain(search->err, status);
    }
    fhs_buf_clear(&sorted->keys);
    sorted->keys = kept;
    sorted->count = SORT_WINDOW;
    sorted->is_cut = true;
    return FHIRSTORE_OK;
}

/* Whether @a key stands behind all that a cut has kept. */
static bool is_behind_cut(const fhs_sorted *sorted, fhs_str key)
{
    if (!sorted->is_cut) {
        return false;
    }
    const fhs_sorted_item *edge = &sorted->items[SORT_WINDOW - 1];
    int order = fhs_str_compare(key, fhs_str_of(sorted->keys.ptr + edge->at, edge->len));
    return sorted->is_down ? order < 0 : order > 0;
}

fhirstore_status fhs_sorted_add(fhs_search *search, fhs_sorted *sorted, fhs_str key,
                                fhs_entity entity)
{
    if (is_behind_cut(sorted, key)) {
        return FHIRSTORE_OK;
    }
    if (sorted->count == 2 * SORT_WINDOW) {
        fhirstore_status status = cut_window(search, sorted);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    if (sorted->count == sorted->capacity) {
        size_t capacity = sorted->capacity == 0 ? 64 : sorted->capacity * 2;
        fhs_sorted_item *items = fhs_realloc(sorted->items, capacity * sizeof(*items));
        if (items == NULL) {
            return fhs_search_no_memory(search);
        }
        sorted->items = items;
        sorted->capacity = capacity;
    }
    size_t at = sorted->keys.len;
    fhs_buf_add_str(&sorted->keys, key);
    if (fhs_buf_status(&sorted->keys) != FHIRSTORE_OK) {
        return fhs_fail_plain(search->err, fhs_buf_status(&sorted->keys));
    }
    sorted->items[sorted->count++] = (fhs_sorted_item){(uint32_t)at, (uint32_t)key.len, entity};
    return FHIRSTORE_OK;
}

void fhs_sorted_finish(fhs_sorted *sorted)
{
    if (sorted->count > 0) {
        sort_items(sorted);
    }
    if (sorted->is_cut && sorted->count > SORT_WINDOW) {
        /* Behind the first half stand only those that came after the last cut. */
        sorted->count = SORT_WINDOW;
    }
}
