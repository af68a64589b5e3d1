/* SPDX-License-Identifier: Apache-2.0 */
#include "search/everything.h"

#include "base/limits.h"
#include "fhir/reference.h"
#include "search/page.h"
#include "json/json.h"

/* Levels of candidates: members, and what they lead to. */
#define MEMBER_LEVEL 0
#define LED_TO_LEVEL 1

/* Most references of members lead to members; those that were looked at lately are not again. */
#define PASSED_OVER 4096u

typedef struct everything {
    const fhs_everything *ask;
    fhs_page page;
    fhs_str base_url;
    fhs_buf text;  /* a body that is not at hand as a whole */
    fhs_buf shown; /* what the principal sees of it */
    fhs_buf word;  /* a reference with escapes */
    fhs_buf owned; /* a resource that may be somebody else's … */
    fhs_buf owner; /* … and a reference of it */
    bool collects; /* members are read for their references as they come */
    fhs_entity passed_over[PASSED_OVER];
} everything;

static bool is_wanted(const everything *all, int32_t type, int64_t updated_us)
{
    const fhs_everything *ask = all->ask;
    fhs_type of = fhs_catalog_type_back(all->page.search->env.catalog, type);
    bool yes = ask->type_count == 0;
    for (size_t i = 0; i < ask->type_count && !yes; i++) {
        yes = ask->types[i] == of;
    }
    return yes && updated_us > ask->since_us;
}

/* ---- what belongs ---- */

static bool is_home(const fhs_everything *ask, fhs_entity entity)
{
    for (size_t i = 0; i < ask->home_count; i++) {
        if (ask->home[i] == entity) {
            return true;
        }
    }
    return false;
}

/* Numbers of the parameters that place resources of the type with a patient. */
static fhirstore_status owner_params(fhs_search *search, fhs_type type, uint32_t *numbers,
                                     size_t max, size_t *count_out)
{
    const fhs_str *codes;
    const fhs_fhir *fhir = search->env.fhir;
    size_t count = fhs_compartment_params(fhir, FHS_COMPARTMENT_PATIENT, type, &codes);
    fhirstore_status status = FHIRSTORE_OK;
    *count_out = 0;
    for (size_t i = 0; i < count && *count_out < max && status == FHIRSTORE_OK; i++) {
        fhs_sparam param = fhs_sparam_find(fhir, type, codes[i]);
        uint32_t number = 0;
        if (param != FHS_SPARAM_NONE) {
            status = fhs_catalog_param(search->env.catalog, search->conn, type, param, &number,
                                       search->err);
        }
        if (number != 0) {
            numbers[(*count_out)++] = number;
        }
    }
    return status;
}

#define OWNER_PARAMS_MAX 16u

static bool is_owner_row(const fhs_row *row, const uint32_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (row->param == numbers[i]) {
            return row->kind == FHS_ROW_REFERENCE;
        }
    }
    return false;
}

/* The JSON string that begins behind its quote; *end_out: behind its closing quote. */
static fhirstore_status read_word(const everything *all, fhs_buf *word, fhs_str body, size_t from,
                                  size_t *end_out, fhs_str *out)
{
    size_t at = from;
    bool is_plain = true;
    while (at < body.len && body.ptr[at] != '"') {
        bool escapes = body.ptr[at] == '\\';
        is_plain = is_plain && !escapes;
        at += escapes ? 2 : 1;
    }
    at = at < body.len ? at : body.len;
    *out = fhs_str_of(body.ptr + from, at - from);
    *end_out = at;
    if (is_plain) {
        return FHIRSTORE_OK;
    }
    /* Some writers escape the slash; nothing else in a local reference needs to be. */
    fhs_buf_reset(word);
    for (size_t i = 0; i < out->len; i++) {
        if (out->ptr[i] != '\\' || i + 1 >= out->len || out->ptr[i + 1] != '/') {
            fhs_buf_add_char(word, out->ptr[i]);
        }
    }
    *out = fhs_buf_str(word);
    return fhs_buf_status(word) == FHIRSTORE_OK ? FHIRSTORE_OK
                                                : fhs_search_no_memory(all->page.search);
}

/* Whether the text names a patient here who is one of @a owners. */
static fhirstore_status names_patient(everything *all, fhs_str text, int32_t patient,
                                      const fhs_entity *owners, size_t count, bool *yes_out)
{
    fhs_search *search = all->page.search;
    const fhs_search_env *env = &search->env;
    fhs_reference to;
    fhs_entity entity = 0;
    if (!fhs_reference_parse(env->fhir, env->base_url, text, &to) || !to.is_local ||
        to.type == FHS_TYPE_NONE || fhs_catalog_type(env->catalog, to.type) != patient) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_entity_find(search->conn, patient, to.id, &entity, search->err);
    for (size_t i = 0; i < count && entity != 0; i++) {
        *yes_out = *yes_out || owners[i] == entity;
    }
    return status;
}

/*
 * Whether one of its owners is a patient. The resource itself says so: whether an owner is stored,
 * or ever was, is nothing that the answer may depend on.
 */
static fhirstore_status has_patient(everything *all, fhs_entity entity, int32_t patient,
                                    const fhs_entity *owners, size_t count, bool *yes_out)
{
    static const fhs_str name = FHS_LIT_INIT("\"reference\":\"");
    fhs_search *search = all->page.search;
    fhs_version version;
    size_t at = 0;
    fhs_buf_reset(&all->owned);
    fhirstore_status status = fhs_resource_look(search->conn, entity, &version, search->err);
    if (status == FHIRSTORE_OK) {
        status = fhs_resource_take_body(search->conn, &version, &all->owned, search->err);
    }
    if (status == FHIRSTORE_OK && fhs_buf_status(&all->owned) != FHIRSTORE_OK) {
        status = fhs_fail_plain(search->err, fhs_buf_status(&all->owned));
    }
    const fhs_str body = fhs_buf_str(&all->owned);
    while (status == FHIRSTORE_OK && at < body.len && !*yes_out) {
        fhs_str rest = fhs_str_from(body, at);
        size_t found = fhs_str_find(rest, name);
        fhs_str word;
        if (found >= rest.len) {
            break;
        }
        status = read_word(all, &all->owner, body, at + found + name.len, &at, &word);
        if (status == FHIRSTORE_OK) {
            status = names_patient(all, word, patient, owners, count, yes_out);
        }
    }
    return status;
}

/* Whom a resource belongs to, as far as its parameters say; more of them belong to a stranger. */
#define OWNERS_MAX 64u

/* Whether it is somebody else's: with patients, none of whom belongs here. */
static fhirstore_status is_strange(everything *all, const fhs_included *item, bool *yes_out)
{
    fhs_search *search = all->page.search;
    fhs_type of = fhs_catalog_type_back(search->env.catalog, item->type);
    int32_t patient = fhs_catalog_type(search->env.catalog,
                                       fhs_type_find(search->env.fhir, FHS_LIT("Patient")));
    uint32_t numbers[OWNER_PARAMS_MAX];
    fhs_entity owners[OWNERS_MAX];
    size_t count = 0;
    size_t owner_count = 0;
    fhs_candidate candidate = {.entity = item->entity};
    fhs_row row;
    *yes_out = item->type == patient && !is_home(all->ask, item->entity);
    fhirstore_status status = owner_params(search, of, numbers, OWNER_PARAMS_MAX, &count);
    if (item->type == patient || status != FHIRSTORE_OK || count == 0) {
        return status;
    }
    status = fhs_candidate_rows(search, &candidate, LED_TO_LEVEL);
    fhs_row_cursor cursor = {candidate.rows};
    while (status == FHIRSTORE_OK) {
        status = fhs_row_next(&cursor, &row, NULL);
        if (status != FHIRSTORE_OK || !is_owner_row(&row, numbers, count)) {
            continue;
        }
        if (is_home(all->ask, row.a)) {
            return FHIRSTORE_OK;
        }
        if (owner_count < OWNERS_MAX) {
            owners[owner_count] = row.a;
        }
        owner_count++;
    }
    if (status != FHIRSTORE_DONE || owner_count == 0) {
        return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
    }
    *yes_out = owner_count > OWNERS_MAX;
    return *yes_out ? FHIRSTORE_OK
                    : has_patient(all, item->entity, patient, owners, owner_count, yes_out);
}

/* Beyond the members, and nobody else's. */
static fhirstore_status belongs_here(void *ctx, const fhs_included *item, bool *yes_out)
{
    everything *all = ctx;
    fhs_search *search = all->page.search;
    bool strange = false;
    fhirstore_status status = is_strange(all, item, &strange);
    *yes_out = !strange;
    if (status == FHIRSTORE_OK && *yes_out) {
        bool is_member = false;
        fhs_candidate candidate = {.entity = item->entity};
        status = fhs_candidate_head(search, &candidate, LED_TO_LEVEL);
        if (status == FHIRSTORE_OK && candidate.is_there) {
            status = fhs_test_candidate(search, search->root, &candidate, LED_TO_LEVEL, &is_member);
        }
        *yes_out = !is_member;
    }
    return status;
}

/* ---- following references ---- */

static fhirstore_status follow_reference(everything *all, fhs_str text)
{
    fhs_search *search = all->page.search;
    const fhs_search_env *env = &search->env;
    fhs_reference to;
    fhs_entity entity = 0;
    int32_t type = 0;
    if (!fhs_reference_parse(env->fhir, env->base_url, text, &to) || !to.is_local ||
        to.type == FHS_TYPE_NONE || !fhs_type_is_resource(env->fhir, to.type)) {
        return FHIRSTORE_OK;
    }
    type = fhs_catalog_type(env->catalog, to.type);
    fhirstore_status status =
        type == 0 ? FHIRSTORE_OK : fhs_entity_find(search->conn, type, to.id, &entity, search->err);
    fhs_entity *passed = &all->passed_over[(uint64_t)entity % PASSED_OVER];
    if (status != FHIRSTORE_OK || entity == 0 || (to.version.len == 0 && *passed == entity)) {
        return status;
    }
    if (to.version.len == 0) {
        *passed = entity;
    }
    return fhs_gathering_take(&all->page.includes, entity, to.version);
}

/*
 * Every "reference" of a stored body, and every "url" that names a Binary here. Within a string the
 * quotes of such a text would be escaped, so what is found is a member's name.
 */
static fhirstore_status follow_body(everything *all, fhs_str body)
{
    static const fhs_str names[] = {FHS_LIT_INIT("\"reference\":\""), FHS_LIT_INIT("\"url\":\"")};
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t n = 0; n < FHS_COUNT_OF(names); n++) {
        size_t at = 0;
        while (status == FHIRSTORE_OK && at < body.len) {
            fhs_str rest = fhs_str_from(body, at);
            size_t found = fhs_str_find(rest, names[n]);
            fhs_str word;
            if (found >= rest.len) {
                break;
            }
            status = read_word(all, &all->word, body, at + found + names[n].len, &at, &word);
            if (status == FHIRSTORE_OK &&
                (n == 0 || fhs_str_find(word, FHS_LIT("Binary/")) < word.len)) {
                status = follow_reference(all, word);
            }
        }
    }
    return status;
}

static fhirstore_status follow_version(everything *all, fhs_version *version)
{
    fhs_search *search = all->page.search;
    if (!version->is_large) {
        /* Looking at what it leads to may take the view away. */
        fhs_buf_reset(&all->text);
        fhs_buf_add_str(&all->text, version->body);
    } else {
        fhs_buf_clear(&all->text);
        fhirstore_status status = fhs_resource_take_body(search->conn, version, &all->text,
                                                         search->err);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    bool is_cut = false;
    fhs_buf_reset(&all->shown);
    fhirstore_status status = fhs_buf_status(&all->text);
    if (status != FHIRSTORE_OK) {
        return fhs_fail_plain(search->err, status);
    }
    /* Where a hidden element leads is hidden as well. */
    status = fhs_search_show(search, fhs_catalog_type_back(search->env.catalog, version->type),
                             fhs_buf_str(&all->text), &all->shown, &is_cut);
    return status == FHIRSTORE_OK ? follow_body(all, fhs_buf_str(is_cut ? &all->shown : &all->text))
                                  : status;
}

static fhirstore_status follow_entity(everything *all, fhs_entity entity)
{
    fhs_version version;
    fhs_search *search = all->page.search;
    fhirstore_status status = fhs_resource_look(search->conn, entity, &version, search->err);
    return status == FHIRSTORE_OK ? follow_version(all, &version) : status;
}

/* What was found may lead further. */
static fhirstore_status follow_found(everything *all)
{
    fhs_gathering *gathering = &all->page.includes;
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < gathering->found.count && status == FHIRSTORE_OK; i++) {
        const fhs_included from = gathering->found.items[i];
        fhs_version version;
        status = fhs_gathering_read(gathering, &from, &version);
        if (status == FHIRSTORE_OK) {
            status = follow_version(all, &version);
        }
    }
    return status;
}

/* ---- members ---- */

static fhirstore_status show_member(everything *all, const fhs_candidate *candidate)
{
    fhs_version version;
    fhs_page *page = &all->page;
    fhs_search *search = page->search;
    fhirstore_status status = fhs_resource_look(search->conn, candidate->entity, &version,
                                                search->err);
    if (status == FHIRSTORE_OK) {
        status = fhs_page_add(page, &version, true);
    }
    page->count++;
    fhs_buf_reset(&page->last_key);
    fhs_buf_add_str(&page->last_key, fhs_buf_str(&search->key));
    return status;
}

static bool is_page_full(const everything *all)
{
    const fhs_page *page = &all->page;
    return page->count + page->included >= page->search->query->count ||
           page->entries.len >= all->ask->max_bytes;
}

/* Members up to the page's size; *more_out: there is one more that would be shown. */
static fhirstore_status show_members(everything *all, bool *more_out)
{
    fhs_search *search = all->page.search;
    fhirstore_status status = FHIRSTORE_OK;
    *more_out = false;
    while (status == FHIRSTORE_OK && !*more_out) {
        status = fhs_search_step(search);
        fhs_candidate candidate = {.entity = search->last};
        if (status == FHIRSTORE_OK) {
            status = fhs_candidate_head(search, &candidate, MEMBER_LEVEL);
        }
        if (status == FHIRSTORE_OK && is_wanted(all, candidate.type, candidate.updated_us)) {
            *more_out = is_page_full(all);
            status = *more_out ? FHIRSTORE_OK : show_member(all, &candidate);
        }
        if (status == FHIRSTORE_OK && !*more_out && all->collects) {
            status = follow_entity(all, candidate.entity);
        }
    }
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/* The rest of the members, none of whom is read; the first of them has been stepped to. */
static fhirstore_status count_other_members(everything *all, int64_t *count_out)
{
    fhs_search *search = all->page.search;
    fhirstore_status status = FHIRSTORE_OK;
    while (status == FHIRSTORE_OK) {
        fhs_candidate candidate = {.entity = search->last};
        status = fhs_candidate_head(search, &candidate, MEMBER_LEVEL);
        if (status == FHIRSTORE_OK) {
            *count_out += is_wanted(all, candidate.type, candidate.updated_us);
            status = fhs_search_step(search);
        }
    }
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status find_everything_total(everything *all, bool has_more)
{
    fhs_page *page = &all->page;
    fhs_search *search = page->search;
    page->total = search->total;
    if (search->token.kind != FHS_PAGE_FIRST) {
        return FHIRSTORE_OK;
    }
    int64_t total = page->count;
    fhirstore_status status = FHIRSTORE_OK;
    if (has_more && !all->ask->counts) {
        return FHIRSTORE_OK;
    }
    if (has_more) {
        status = count_other_members(all, &total);
    }
    page->total = total;
    return status;
}

/* ---- what they lead to ---- */

/* All members from the first on, for what they refer to. */
static fhirstore_status collect_members(everything *all)
{
    fhs_search *search = all->page.search;
    fhirstore_status status = FHIRSTORE_OK;
    fhs_buf_reset(&search->after);
    fhs_search_rewind(search);
    while (status == FHIRSTORE_OK) {
        status = fhs_search_step(search);
        if (status == FHIRSTORE_OK) {
            status = follow_entity(all, search->last);
        }
    }
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/* Keep of what was found what is shown. */
static fhirstore_status choose_found(everything *all)
{
    fhs_gathering *gathering = &all->page.includes;
    fhs_included_set *found = &gathering->found;
    size_t kept = 0;
    for (size_t i = 0; i < found->count; i++) {
        fhs_candidate candidate = {.entity = found->items[i].entity};
        fhirstore_status status = fhs_candidate_head(all->page.search, &candidate, LED_TO_LEVEL);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        if (is_wanted(all, found->items[i].type, candidate.updated_us)) {
            found->items[kept++] = found->items[i];
        }
    }
    found->count = kept;
    fhs_gathering_finish(gathering);
    return FHIRSTORE_OK;
}

/* As many of those found as the page has room for. */
static fhirstore_status show_found(everything *all, fhs_included *last_out, bool *more_out)
{
    fhs_page *page = &all->page;
    fhs_gathering *gathering = &page->includes;
    fhirstore_status status = FHIRSTORE_OK;
    size_t i = 0;
    while (i < gathering->page_count && status == FHIRSTORE_OK && !is_page_full(all)) {
        fhs_version version;
        *last_out = gathering->page[i++];
        status = fhs_gathering_read(gathering, last_out, &version);
        if (status == FHIRSTORE_OK) {
            status = fhs_page_add(page, &version, false);
        }
        page->included++;
    }
    *more_out = i < gathering->page_count;
    return status;
}

static fhirstore_status show_rest(everything *all, fhs_page_token *next, bool *more_out)
{
    fhs_search *search = all->page.search;
    fhs_included last = {search->token.rest_entity, search->token.rest_version, 0};
    fhirstore_status status = all->collects ? FHIRSTORE_OK : collect_members(all);
    if (status == FHIRSTORE_OK) {
        status = follow_found(all);
    }
    if (status == FHIRSTORE_OK) {
        status = choose_found(all);
    }
    if (status == FHIRSTORE_OK) {
        status = show_found(all, &last, more_out);
    }
    *next = (fhs_page_token){
        .kind = FHS_PAGE_REST, .rest_entity = last.entity, .rest_version = last.version};
    return status;
}

/* ---- the page ---- */

static fhirstore_status write_everything(everything *all)
{
    fhs_page *page = &all->page;
    fhs_search *search = page->search;
    fhs_page_token next = {.kind = FHS_PAGE_NEXT};
    bool has_more = false;
    fhs_str key = FHS_STR_NONE;
    fhirstore_status status = FHIRSTORE_OK;
    all->collects = search->token.kind == FHS_PAGE_FIRST && search->query->count > 0;
    if (search->token.kind != FHS_PAGE_REST) {
        status = show_members(all, &has_more);
        key = fhs_buf_str(&page->last_key);
    }
    if (status == FHIRSTORE_OK) {
        status = find_everything_total(all, has_more);
    }
    if (status != FHIRSTORE_OK || search->query->count == 0) {
        return status;
    }
    if (!has_more) {
        key = FHS_STR_NONE;
        status = show_rest(all, &next, &has_more);
    }
    return status == FHIRSTORE_OK && has_more && search->env.keys != NULL
               ? fhs_page_token_write(search, &next, key, FHS_STR_NONE, page->total, &page->next)
               : status;
}

fhirstore_status fhs_everything_write(fhs_search *search, const fhs_everything *ask, fhs_str path,
                                      fhs_buf *out, fhirstore_error **err)
{
    everything *all = fhs_arena_calloc(&search->arena, 1, sizeof *all);
    search->err = err;
    if (all == NULL) {
        return fhs_fail_memory(err);
    }
    all->ask = ask;
    fhs_buf_init(&all->text, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&all->shown, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&all->word, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&all->owned, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&all->owner, FHS_LIMIT_RESOURCE_BYTES);
    fhs_page_init(&all->page, search);
    all->page.includes.limit = SIZE_MAX;
    all->page.includes.iterates = true;
    all->page.includes.belongs = belongs_here;
    all->page.includes.belongs_ctx = all;
    fhirstore_status status = write_everything(all);
    if (status == FHIRSTORE_OK) {
        search->told_count = all->page.count + all->page.included;
        search->told_total = all->page.total;
        status = fhs_buf_status(&all->page.entries);
        fhs_page_write(&all->page, path, out);
        status = status == FHIRSTORE_OK ? fhs_buf_status(out) : status;
        if (status != FHIRSTORE_OK) {
            (void)fhs_fail_plain(err, status);
        }
    }
    fhs_page_clear(&all->page);
    fhs_buf_clear(&all->text);
    fhs_buf_clear(&all->shown);
    fhs_buf_clear(&all->word);
    fhs_buf_clear(&all->owned);
    fhs_buf_clear(&all->owner);
    return status;
}
