/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the matches of a page to what comes along with them. Without :iterate references are
 * followed from matches alone, and only what can be on the page is kept, however much more there
 * is. With it everything that can be reached is found first.
 *
 * Included resources are in entity order, so that a page of the rest begins behind the last one of
 * the page before, whatever came or went meanwhile.
 */
#include "search/include.h"

#include "base/limits.h"
#include "search/late.h"

/* The set is cut back when it holds so many times what a page does. */
#define CUT_AT 4u

void fhs_gathering_init(fhs_gathering *gathering, fhs_search *search)
{
    const fhs_page_token *token = &search->token;
    *gathering = (fhs_gathering){.search = search,
                                 .limit = search->env.max_includes == 0 ? FHS_LIMIT_PAGE_INCLUDES
                                                                        : search->env.max_includes,
                                 .after = {token->rest_entity, token->rest_version, 0}};
    for (size_t i = 0; i < search->query->include_count; i++) {
        gathering->iterates = gathering->iterates || search->query->includes[i].iterate;
    }
    fhs_arena_init(&gathering->arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&gathering->rows, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&gathering->body, FHS_LIMIT_RESOURCE_BYTES);
}

void fhs_gathering_clear(fhs_gathering *gathering)
{
    fhs_included_clear(&gathering->matches);
    fhs_included_clear(&gathering->found);
    fhs_arena_clear(&gathering->arena);
    fhs_buf_clear(&gathering->rows);
    fhs_buf_clear(&gathering->body);
}

fhirstore_status fhs_gathering_add_match(fhs_gathering *gathering, fhs_entity entity)
{
    const fhs_included item = {.entity = entity};
    if (fhs_included_has(&gathering->matches, &item) ||
        fhs_included_add(&gathering->matches, &item)) {
        return FHIRSTORE_OK;
    }
    return fhs_search_no_memory(gathering->search);
}

/* ---- reading ---- */

/* Levels of candidates: what is followed, and what it leads to. */
#define FROM_LEVEL 0
#define TO_LEVEL   1

fhirstore_status fhs_gathering_read(fhs_gathering *gathering, const fhs_included *item,
                                    fhs_version *out)
{
    fhs_search *search = gathering->search;
    char id[FHS_LIMIT_ID_BYTES];
    fhirstore_status status = fhs_resource_look(search->conn, item->entity, out, search->err);
    if (status != FHIRSTORE_OK || item->version == 0 || item->version == out->version) {
        return status;
    }
    /* The id is borrowed from what is read next. */
    size_t len = out->id.len < sizeof id ? out->id.len : sizeof id;
    memcpy(id, out->id.ptr, len);
    return fhs_resource_vread(search->conn, out->type, fhs_str_of(id, len), item->version, out,
                              search->err);
}

/* Extract what a resource says that was just read; entries live in the gathering. */
static fhirstore_status extract_version(fhs_gathering *gathering, fhs_version *version,
                                        fhs_entries *entries)
{
    fhs_search *search = gathering->search;
    *entries = (fhs_entries){.items = NULL};
    fhs_arena_reset(&gathering->arena);
    fhs_buf_reset(&gathering->body);
    fhirstore_status status = fhs_resource_take_body(search->conn, version, &gathering->body,
                                                     search->err);
    if (status == FHIRSTORE_OK && fhs_buf_status(&gathering->body) != FHIRSTORE_OK) {
        status = fhs_fail_plain(search->err, fhs_buf_status(&gathering->body));
    }
    return status != FHIRSTORE_OK
               ? status
               : fhs_index_extract_body(search->env.indexer, search->env.base_url,
                                        fhs_buf_str(&gathering->body), &gathering->arena, entries,
                                        search->err);
}

/* An old version as a candidate: its rows are made, for only those of the current one are kept. */
static fhirstore_status load_old(fhs_gathering *gathering, const fhs_included *item,
                                 fhs_candidate *candidate)
{
    fhs_search *search = gathering->search;
    fhs_version version;
    fhs_entries entries;
    fhs_include_type *type;
    fhirstore_status status = fhs_include_type_of(gathering, item->type, &type);
    if (status == FHIRSTORE_OK) {
        status = fhs_gathering_read(gathering, item, &version);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    *candidate = (fhs_candidate){.entity = item->entity,
                                 .has_rows = true,
                                 .has_head = true,
                                 .is_there = true,
                                 .type = item->type,
                                 .updated_us = version.updated_us,
                                 .seq = version.seq};
    if (search->env.indexer == NULL) {
        return FHIRSTORE_OK;
    }
    fhs_buf_reset(&gathering->rows);
    status = fhs_conn_allow_scratch(search->conn, search->err);
    if (status == FHIRSTORE_OK) {
        status = extract_version(gathering, &version, &entries);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_index_rows(search->env.catalog, search->conn, type->type, &entries,
                                &gathering->rows, search->err);
    }
    candidate->rows = fhs_buf_str(&gathering->rows);
    return status;
}

/* ---- what is found ---- */

/* Whether it can be on this page and is not there yet. */
static bool can_be_shown(const fhs_gathering *gathering, const fhs_included *item)
{
    if (item->version == 0 && fhs_included_has(&gathering->matches, item)) {
        return false;
    }
    if (!gathering->iterates &&
        (fhs_included_compare(item, &gathering->after) <= 0 ||
         (gathering->has_horizon && fhs_included_compare(item, &gathering->horizon) > 0))) {
        return false;
    }
    return !fhs_included_has(&gathering->found, item);
}

static fhirstore_status is_visible(fhs_gathering *gathering, const fhs_included *item,
                                   bool *yes_out)
{
    fhs_include_type *type;
    fhs_candidate candidate = {.entity = item->entity};
    *yes_out = false;
    fhirstore_status status = fhs_include_type_of(gathering, item->type, &type);
    if (status == FHIRSTORE_OK) {
        status = fhs_include_judge(gathering, type);
    }
    if (status != FHIRSTORE_OK || type->is_hidden) {
        return status;
    }
    *yes_out = type->restriction == NULL;
    /* Without an indexer nobody can tell what an old version says. */
    if (*yes_out || (item->version != 0 && gathering->search->env.indexer == NULL)) {
        return FHIRSTORE_OK;
    }
    status = item->version == 0 ? fhs_candidate_head(gathering->search, &candidate, TO_LEVEL)
                                : load_old(gathering, item, &candidate);
    return status == FHIRSTORE_OK ? fhs_test_candidate(gathering->search, type->restriction,
                                                       &candidate, TO_LEVEL, yes_out)
                                  : status;
}

static fhirstore_status too_many(fhs_gathering *gathering)
{
    return fhs_fail(gathering->search->err, FHIRSTORE_ERR_TOO_COSTLY,
                    "what one page includes by :iterate exceeds FHS_LIMIT_INCLUDE_WALK");
}

static void set_horizon(fhs_gathering *gathering)
{
    fhs_included_set *found = &gathering->found;
    if (gathering->iterates || found->count < CUT_AT * (gathering->limit + 1)) {
        return;
    }
    fhs_included_cut(found, gathering->limit + 1);
    gathering->horizon = found->items[found->count - 1];
    gathering->has_horizon = true;
}

/* A resource that is there, of the type that was asked for. */
static fhirstore_status take_found(fhs_gathering *gathering, const fhs_included *item)
{
    bool yes = false;
    if (!can_be_shown(gathering, item)) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_search_visit(gathering->search);
    if (status == FHIRSTORE_OK) {
        status = is_visible(gathering, item, &yes);
    }
    if (status == FHIRSTORE_OK && yes && gathering->belongs != NULL) {
        status = gathering->belongs(gathering->belongs_ctx, item, &yes);
    }
    if (status != FHIRSTORE_OK || !yes) {
        return status;
    }
    if (gathering->iterates && gathering->found.count >= FHS_LIMIT_INCLUDE_WALK) {
        return too_many(gathering);
    }
    if (!fhs_included_add(&gathering->found, item)) {
        return fhs_search_no_memory(gathering->search);
    }
    set_horizon(gathering);
    return FHIRSTORE_OK;
}

/* ---- forwards ---- */

/* "/_history/2": that version, if it is not the current one and has not been a deletion. */
static fhirstore_status take_version(fhs_gathering *gathering, fhs_entity entity, fhs_str version)
{
    fhs_search *search = gathering->search;
    fhs_included item = {.entity = entity};
    fhs_version there;
    uint64_t number;
    if (!fhs_str_to_u64(version, INT64_MAX, &number) || number == 0) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_gathering_read(gathering, &item, &there);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    item.type = there.type;
    item.version = (int64_t)number == there.version ? 0 : (int64_t)number;
    if (item.version != 0) {
        fhirstore_error **err = search->err;
        search->err = NULL;
        status = fhs_gathering_read(gathering, &item, &there);
        search->err = err;
        if (status == FHIRSTORE_ERR_NOT_FOUND || (status == FHIRSTORE_OK && there.is_deleted)) {
            return FHIRSTORE_OK;
        }
        if (status != FHIRSTORE_OK) {
            return fhs_fail_plain(err, status);
        }
    }
    return take_found(gathering, &item);
}

fhirstore_status fhs_gathering_take(fhs_gathering *gathering, fhs_entity entity, fhs_str version)
{
    fhs_candidate target = {.entity = entity};
    fhirstore_status status = fhs_candidate_head(gathering->search, &target, TO_LEVEL);
    if (status != FHIRSTORE_OK || !target.is_there) {
        return status;
    }
    const fhs_included item = {entity, 0, target.type};
    return version.len > 0 ? take_version(gathering, entity, version)
                           : take_found(gathering, &item);
}

/* *there_out false: nothing is stored under the reference. */
static fhirstore_status follow_row(fhs_gathering *gathering, const fhs_include_rule *rule,
                                   const fhs_row *row, bool *there_out)
{
    fhs_candidate target = {.entity = row->a};
    fhirstore_status status = fhs_candidate_head(gathering->search, &target, TO_LEVEL);
    *there_out = target.is_there;
    if (status != FHIRSTORE_OK || !target.is_there ||
        (rule->other != 0 && rule->other != target.type)) {
        return status;
    }
    if (row->extra.len > 0) {
        /* The row is a view of a statement's, which others may use meanwhile. */
        char text[32];
        size_t len = row->extra.len < sizeof text ? row->extra.len : 0;
        memcpy(text, row->extra.ptr, len);
        return take_version(gathering, row->a, fhs_str_of(text, len));
    }
    const fhs_included item = {row->a, 0, target.type};
    return take_found(gathering, &item);
}

static size_t first_rule(const fhs_include_rules *rules, uint32_t number)
{
    size_t low = 0;
    size_t high = rules->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rules->items[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Whether the candidate has a token row of @a param with this code, as it is written. */
static fhirstore_status has_code(fhs_search *search, fhs_candidate *candidate, uint32_t param,
                                 fhs_str code, bool *yes_out)
{
    fhs_row row;
    *yes_out = false;
    fhirstore_status status = fhs_candidate_rows(search, candidate, TO_LEVEL);
    fhs_row_cursor cursor = {candidate->rows};
    while (status == FHIRSTORE_OK && !*yes_out) {
        status = fhs_row_next(&cursor, &row, NULL);
        *yes_out = status == FHIRSTORE_OK && row.kind == FHS_ROW_TOKEN && row.param == param &&
                   fhs_str_eq(row.extra.len > 0 ? row.extra : row.text, code);
    }
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/* Resources of @a type with this canonical url, and version where one is named. */
static fhirstore_status take_canonical(fhs_gathering *gathering, const fhs_include_type *type,
                                       const fhs_entry *entry)
{
    fhs_search *search = gathering->search;
    fhs_range range = {.shape = FHS_RANGE_URI};
    fhs_stmt *stmt = NULL;
    fhs_arg_int(&range, type->called.url);
    range.args[range.arg_count++] = (fhs_arg){.kind = FHS_ARG_TEXT, .text = entry->ref_url};
    fhirstore_status status = fhs_sql_scan(search, &range, 0, &stmt);
    while (status == FHIRSTORE_OK) {
        bool fits = true;
        status = fhs_stmt_step(stmt, search->err);
        fhs_candidate candidate = {.entity = status == FHIRSTORE_OK ? fhs_stmt_int(stmt, 0) : 0};
        if (status == FHIRSTORE_OK && entry->ref_version.len > 0) {
            status = has_code(search, &candidate, type->called.version, entry->ref_version, &fits);
        }
        if (status == FHIRSTORE_OK && fits) {
            const fhs_included item = {candidate.entity, 0, type->number};
            status = take_found(gathering, &item);
        }
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status follow_canonical(fhs_gathering *gathering, const fhs_include_rule *rule,
                                         const fhs_entry *entry)
{
    const fhs_search_env *env = &gathering->search->env;
    fhs_sparam_def def = fhs_sparam_get(env->fhir, rule->param);
    size_t count = fhs_type_count(env->fhir);
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        fhs_include_type *type = NULL;
        int32_t number = fhs_type_is_resource(env->fhir, (fhs_type)i) &&
                                 fhs_sparam_may_target(env->fhir, &def, (fhs_type)i)
                             ? fhs_catalog_type(env->catalog, (fhs_type)i)
                             : 0;
        if (number == 0 || (rule->other != 0 && rule->other != number)) {
            continue;
        }
        status = fhs_include_type_of(gathering, number, &type);
        if (status == FHIRSTORE_OK) {
            status = fhs_include_count(gathering, type);
        }
        if (status == FHIRSTORE_OK && type->called.url != 0) {
            status = take_canonical(gathering, type, entry);
        }
    }
    return status;
}

/* Rows hold numbers for what is referred to, not texts, so those are read from the resource. */
static fhirstore_status follow_canonicals(fhs_gathering *gathering, const fhs_include_type *type,
                                          const fhs_included *from, bool is_match)
{
    fhs_version version;
    fhs_entries entries;
    fhirstore_status status = fhs_gathering_read(gathering, from, &version);
    if (status == FHIRSTORE_OK) {
        status = extract_version(gathering, &version, &entries);
    }
    for (size_t e = 0; status == FHIRSTORE_OK && e < entries.count; e++) {
        const fhs_entry *entry = &entries.items[e];
        if (entry->kind != FHS_ROW_REFERENCE || entry->ref_local || entry->ref_url.len == 0) {
            continue;
        }
        for (size_t r = 0; status == FHIRSTORE_OK && r < type->out.count; r++) {
            const fhs_include_rule *rule = &type->out.items[r];
            if (rule->by_canonical && rule->param == entry->param && (is_match || rule->iterate)) {
                status = follow_canonical(gathering, rule, entry);
            }
        }
    }
    return status;
}

static fhirstore_status follow_forward(fhs_gathering *gathering, const fhs_include_type *type,
                                       const fhs_included *from, bool is_match)
{
    fhs_search *search = gathering->search;
    fhs_candidate candidate = {.entity = from->entity};
    fhs_row row;
    bool by_canonical = false;
    fhirstore_status status = from->version == 0
                                  ? fhs_candidate_rows(search, &candidate, FROM_LEVEL)
                                  : load_old(gathering, from, &candidate);
    /* What is found may be an old version, whose rows take the place of these. */
    fhs_str rows = from->version == 0 || status != FHIRSTORE_OK
                       ? candidate.rows
                       : fhs_arena_dup(&search->arena, candidate.rows);
    fhs_row_cursor cursor = {rows};
    while (status == FHIRSTORE_OK) {
        status = fhs_row_next(&cursor, &row, NULL);
        if (status != FHIRSTORE_OK || row.kind != FHS_ROW_REFERENCE) {
            continue;
        }
        for (size_t r = first_rule(&type->out, row.param);
             status == FHIRSTORE_OK && r < type->out.count &&
             type->out.items[r].number == row.param;
             r++) {
            const fhs_include_rule *rule = &type->out.items[r];
            bool there = true;
            if (is_match || rule->iterate) {
                status = follow_row(gathering, rule, &row, &there);
                by_canonical = by_canonical || (!there && rule->by_canonical);
            }
        }
    }
    status = status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
    return status == FHIRSTORE_OK && by_canonical && search->env.indexer != NULL
               ? follow_canonicals(gathering, type, from, is_match)
               : status;
}

/* ---- back ---- */

/* Resources in one run of the reference index; no more of them than could be on the page. */
static fhirstore_status take_range(fhs_gathering *gathering, const fhs_include_rule *rule,
                                   const fhs_range *range)
{
    fhs_search *search = gathering->search;
    fhs_stmt *stmt = NULL;
    size_t before = gathering->found.count;
    fhirstore_status status = fhs_sql_scan(
        search, range, gathering->iterates ? 0 : gathering->after.entity, &stmt);
    while (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, search->err);
        const fhs_included item = {status == FHIRSTORE_OK ? fhs_stmt_int(stmt, 0) : 0, 0,
                                   rule->other};
        if (!gathering->iterates && gathering->has_horizon &&
            item.entity > gathering->horizon.entity) {
            break;
        }
        if (status == FHIRSTORE_OK) {
            status = take_found(gathering, &item);
        }
        /* They ascend, so the page is full without those behind. */
        if (!gathering->iterates && gathering->found.count > before + gathering->limit) {
            break;
        }
        before = gathering->found.count < before ? gathering->found.count : before;
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

typedef struct late_taker {
    fhs_gathering *gathering;
    const fhs_include_rule *rule;
} late_taker;

static fhirstore_status take_late(void *ctx, fhs_entity entity)
{
    late_taker *taker = ctx;
    const fhs_included item = {entity, 0, taker->rule->other};
    return take_found(taker->gathering, &item);
}

static fhirstore_status follow_back_to(fhs_gathering *gathering, const fhs_include_rule *rule,
                                       fhs_entity target, const fhs_str *version)
{
    fhs_range range = {.shape = version == NULL ? FHS_RANGE_REFERENCE
                                                : FHS_RANGE_REFERENCE_VERSION};
    fhs_arg_int(&range, rule->number);
    fhs_arg_int(&range, target);
    if (version != NULL) {
        range.args[range.arg_count++] = (fhs_arg){.kind = FHS_ARG_TEXT, .text = *version};
    }
    fhirstore_status status = take_range(gathering, rule, &range);
    if (status == FHIRSTORE_OK && rule->is_late) {
        const fhs_test test = {.params = &rule->number, .param_count = 1};
        late_taker taker = {gathering, rule};
        status = fhs_late_referring(gathering->search, &test, target, take_late, &taker);
    }
    return status;
}

/* Every rule that applies, back to one number that references may hold. */
static fhirstore_status follow_back_rules(fhs_gathering *gathering, const fhs_include_type *type,
                                          fhs_entity target, const fhs_str *version, bool is_match)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t r = 0; r < type->in.count && status == FHIRSTORE_OK; r++) {
        const fhs_include_rule *rule = &type->in.items[r];
        if (is_match || rule->iterate) {
            status = follow_back_to(gathering, rule, target, version);
        }
    }
    return status;
}

/* What refers to its canonical url, with its version or with none. */
static fhirstore_status follow_back_canonical(fhs_gathering *gathering,
                                              const fhs_include_type *type, fhs_entity from,
                                              bool is_match)
{
    static const fhs_str none = FHS_LIT_INIT("");
    fhs_search *search = gathering->search;
    fhs_candidate candidate = {.entity = from};
    fhs_row row;
    fhs_entity url = 0;
    fhirstore_status status = fhs_candidate_rows(search, &candidate, FROM_LEVEL);
    fhs_row_cursor cursor = {candidate.rows};
    while (status == FHIRSTORE_OK && url == 0) {
        status = fhs_row_next(&cursor, &row, NULL);
        if (status == FHIRSTORE_OK && row.kind == FHS_ROW_URI && row.param == type->called.url) {
            status = fhs_entity_find(search->conn, 0, row.text, &url, search->err);
        }
    }
    if (status == FHIRSTORE_OK && url != 0) {
        status = follow_back_rules(gathering, type, url, &none, is_match);
    }
    cursor = (fhs_row_cursor){candidate.rows};
    while (status == FHIRSTORE_OK && url != 0) {
        status = fhs_row_next(&cursor, &row, NULL);
        if (status == FHIRSTORE_OK && row.kind == FHS_ROW_TOKEN &&
            row.param == type->called.version) {
            const fhs_str version = row.extra.len > 0 ? row.extra : row.text;
            status = follow_back_rules(gathering, type, url, &version, is_match);
        }
    }
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/* ---- all of it ---- */

static fhirstore_status follow_all(fhs_gathering *gathering, const fhs_included *from,
                                   bool is_match)
{
    fhs_include_type *type;
    fhirstore_status status = fhs_include_type_of(gathering, from->type, &type);
    if (status == FHIRSTORE_OK) {
        status = fhs_include_rules_of(gathering, type);
    }
    if (status == FHIRSTORE_OK && (is_match ? type->out.count > 0 : type->out.iterate)) {
        status = follow_forward(gathering, type, from, is_match);
    }
    if (status != FHIRSTORE_OK || !(is_match ? type->in.count > 0 : type->in.iterate) ||
        from->version != 0) {
        return status;
    }
    status = follow_back_rules(gathering, type, from->entity, NULL, is_match);
    if (status == FHIRSTORE_OK) {
        status = fhs_include_count(gathering, type);
    }
    return status == FHIRSTORE_OK && type->called.url != 0
               ? follow_back_canonical(gathering, type, from->entity, is_match)
               : status;
}

static fhirstore_status follow_matches(fhs_gathering *gathering)
{
    fhs_search *search = gathering->search;
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < gathering->matches.count && status == FHIRSTORE_OK; i++) {
        fhs_included from = gathering->matches.items[i];
        from.type = search->type;
        if (from.type == 0) {
            fhs_candidate candidate = {.entity = from.entity};
            status = fhs_candidate_head(search, &candidate, FROM_LEVEL);
            from.type = candidate.type;
        }
        if (status == FHIRSTORE_OK) {
            status = follow_all(gathering, &from, true);
        }
    }
    return status;
}

void fhs_gathering_finish(fhs_gathering *gathering)
{
    fhs_included_set *found = &gathering->found;
    fhs_included_cut(found, SIZE_MAX);
    size_t first = 0;
    while (first < found->count &&
           fhs_included_compare(&found->items[first], &gathering->after) <= 0) {
        first++;
    }
    gathering->page = found->items + first;
    gathering->page_count = found->count - first;
    gathering->has_more = gathering->page_count > gathering->limit;
    gathering->page_count = gathering->has_more ? gathering->limit : gathering->page_count;
}

fhirstore_status fhs_gathering_run(fhs_gathering *gathering)
{
    fhs_included_set *found = &gathering->found;
    fhirstore_status status = follow_matches(gathering);
    for (size_t i = 0; gathering->iterates && i < found->count && status == FHIRSTORE_OK; i++) {
        const fhs_included from = found->items[i];
        status = follow_all(gathering, &from, false);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_gathering_finish(gathering);
    return FHIRSTORE_OK;
}
