/* SPDX-License-Identifier: Apache-2.0 */
/* One page as a searchset Bundle. Bodies, or what is asked for of them, are copied as stored. */
#include "base/limits.h"
#include "fhir/reference.h"
#include "search/page.h"
#include "json/json.h"

#define PAGE_MAX ((size_t)1024 * 1024 * 1024)
#define LINK_MAX ((size_t)1024 * 1024)

/* Rows that may be counted for a total that nobody asked for. */
#define FREE_COUNT INT64_C(10000)
static void begin_entry(fhs_page *page)
{
    fhs_buf_add_cstr(&page->entries, page->entries.len > 0 ? ",{" : "{");
}

static fhs_str link_base(const fhs_search_env *env)
{
    return env->link_base.len > 0 ? env->link_base : env->base_url;
}

static void write_full_url(fhs_page *page, const fhs_version *version)
{
    const fhs_search_env *env = &page->search->env;
    fhs_str base = link_base(env);
    fhs_buf *out = &page->entries;
    fhs_buf_add_cstr(out, "\"fullUrl\":\"");
    /* Base URL, type and id hold nothing that JSON would escape. */
    fhs_buf_add_str(out, base);
    fhs_buf_add_cstr(out, base.len > 0 ? "/" : "");
    fhs_buf_add_str(out,
                    fhs_type_name(env->fhir, fhs_catalog_type_back(env->catalog, version->type)));
    fhs_buf_add_char(out, '/');
    fhs_buf_add_str(out, version->id);
    fhs_buf_add_char(out, '"');
}

/* A body without what is hidden of it, and of that what is asked for. */
static fhirstore_status write_shown(fhs_page *page, fhs_type type, fhs_str body, bool is_whole)
{
    const fhs_search *search = page->search;
    fhs_buf shown = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    bool is_shown;
    fhirstore_status status = fhs_search_show(search, type, body, &shown, &is_shown);
    body = is_shown ? fhs_buf_str(&shown) : body;
    if (status == FHIRSTORE_OK && is_whole) {
        fhs_buf_add_str(&page->entries, body);
    } else if (status == FHIRSTORE_OK) {
        status = fhs_subset_write(search->env.fhir, search->query, body, &page->arena,
                                  &page->entries, search->err);
    }
    fhs_buf_clear(&shown);
    return status;
}

/* _elements names elements of the matches; what is included stays whole. */
static fhirstore_status write_body(fhs_page *page, fhs_version *version, bool is_match)
{
    const fhs_search *search = page->search;
    const bool is_whole = !fhs_subset_is_wanted(search->query) ||
                          (!is_match && search->query->element_count > 0);
    if (is_whole && search->env.mask == NULL) {
        return fhs_resource_take_body(search->conn, version, &page->entries, search->err);
    }
    fhs_buf body = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = FHIRSTORE_OK;
    if (version->is_large) {
        status = fhs_resource_take_body(search->conn, version, &body, search->err);
    }
    if (status == FHIRSTORE_OK) {
        status = write_shown(page, fhs_catalog_type_back(search->env.catalog, version->type),
                             version->body, is_whole);
    }
    fhs_buf_clear(&body);
    return status;
}

/* "search", with how well the words fit where there are any. */
static fhirstore_status write_found(fhs_page *page, fhs_entity entity)
{
    int64_t score = -1;
    fhs_buf *out = &page->entries;
    fhirstore_status status = FHIRSTORE_OK;
    if (!page->search->query->hides_score) {
        status = fhs_text_score(page->search, entity, &score);
    }
    fhs_buf_add_cstr(out, ",\"search\":{\"mode\":\"match\"");
    if (status == FHIRSTORE_OK && score >= 0) {
        fhs_buf_addf(out, ",\"score\":0.%06lld", (long long)score);
    }
    fhs_buf_add_cstr(out, "}}");
    return status;
}

static void tell_shown(const fhs_page *page, const fhs_version *version)
{
    const fhs_search_env *env = &page->search->env;
    if (env->shown != NULL) {
        env->shown(env->shown_ctx, version);
    }
}

fhirstore_status fhs_page_add(fhs_page *page, fhs_version *version, bool is_match)
{
    const fhs_entity entity = version->entity;
    tell_shown(page, version);
    begin_entry(page);
    write_full_url(page, version);
    fhs_buf_add_cstr(&page->entries, ",\"resource\":");
    fhirstore_status status = write_body(page, version, is_match);
    if (is_match && status == FHIRSTORE_OK) {
        return write_found(page, entity);
    }
    fhs_buf_add_cstr(&page->entries, ",\"search\":{\"mode\":\"include\"}}");
    return status;
}

/* What is contained, under the address of what contains it. */
typedef struct contained_writer {
    fhs_page *page;
    const fhs_version *version;
} contained_writer;

static fhirstore_status write_contained_item(void *ctx, const fhs_contained *item)
{
    contained_writer *writer = ctx;
    fhs_page *page = writer->page;
    fhs_search *search = page->search;
    fhs_buf *out = &page->entries;
    fhirstore_status status = FHIRSTORE_OK;
    begin_entry(page);
    write_full_url(page, writer->version);
    /* The place of the closing quote. */
    if (fhs_buf_status(out) == FHIRSTORE_OK && fhs_id_is_valid(item->id)) {
        out->len--;
        fhs_buf_addf(out, "#%.*s\"", FHS_STR_ARG(item->id));
    }
    fhs_buf_add_cstr(out, ",\"resource\":");
    status = write_shown(page, search->contained->node->target, item->text,
                         !fhs_subset_is_wanted(search->query));
    fhs_buf_add_cstr(out, ",\"search\":{\"mode\":\"match\"}}");
    return status;
}

/* A match of a search for what is contained: itself, if it is one, and what it contains. */
static fhirstore_status write_all_contained(fhs_page *page, fhs_entity entity)
{
    fhs_search *search = page->search;
    fhs_version version;
    fhs_buf id = FHS_BUF_INIT(FHS_LIMIT_ID_BYTES + 1);
    contained_writer writer = {page, &version};
    fhirstore_status status = fhs_resource_look(search->conn, entity, &version, search->err);
    if (status == FHIRSTORE_OK) {
        tell_shown(page, &version);
        fhs_buf_add_str(&id, version.id); /* the view ends with the next question */
        version.id = fhs_buf_str(&id);
        status = fhs_buf_status(&id) == FHIRSTORE_OK
                     ? fhs_contained_each(search, entity, write_contained_item, &writer)
                     : fhs_search_no_memory(search);
    }
    fhs_buf_clear(&id);
    return status;
}

/* A page of the rest shows no matches again, only what they include. */
static fhirstore_status write_match(fhs_page *page)
{
    fhs_version version;
    fhs_search *search = page->search;
    fhirstore_status status = FHIRSTORE_OK;
    if (search->query->include_count > 0) {
        status = fhs_gathering_add_match(&page->includes, search->last);
    }
    page->count++;
    if (status != FHIRSTORE_OK || search->token.kind == FHS_PAGE_REST) {
        return status;
    }
    bool is_shown = true;
    if (search->query->contained_alone && search->contained != NULL) {
        status = fhs_contained_is_direct(search, search->last, &is_shown);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_resource_look(search->conn, search->last, &version, search->err);
    }
    if (status == FHIRSTORE_OK && is_shown) {
        status = fhs_page_add(page, &version, true);
    }
    return status == FHIRSTORE_OK && search->query->contained_alone && search->contained != NULL
               ? write_all_contained(page, search->last)
               : status;
}

/* A link to what is included but not on this page, and a word about it. */
static fhirstore_status write_rest(fhs_page *page, const fhs_included *last)
{
    fhs_search *search = page->search;
    const fhs_page_token token = {
        .kind = FHS_PAGE_REST, .rest_entity = last->entity, .rest_version = last->version};
    fhs_buf *out = &page->entries;
    begin_entry(page);
    fhs_buf_addf(out,
                 "\"resource\":{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":"
                 "\"warning\",\"code\":\"incomplete\",\"diagnostics\":\"the matches include more "
                 "than FHS_LIMIT_PAGE_INCLUDES (%zu) resources",
                 page->includes.limit);
    fhs_buf_add_cstr(out, search->env.keys != NULL ? "; the link 'related' leads to the rest" : "");
    fhs_buf_add_cstr(out, "\"}]},\"search\":{\"mode\":\"outcome\"}}");
    return search->env.keys == NULL
               ? FHIRSTORE_OK
               : fhs_page_token_write(search, &token, fhs_buf_str(&search->after),
                                      fhs_buf_str(&page->last_key), page->total, &page->related);
}

static fhirstore_status write_included(fhs_page *page)
{
    fhs_gathering *includes = &page->includes;
    fhirstore_status status = fhs_gathering_run(includes);
    for (size_t i = 0; status == FHIRSTORE_OK && i < includes->page_count; i++) {
        fhs_version version;
        status = fhs_gathering_read(includes, &includes->page[i], &version);
        if (status == FHIRSTORE_OK) {
            status = fhs_page_add(page, &version, false);
        }
    }
    page->included = status == FHIRSTORE_OK ? (int64_t)includes->page_count : 0;
    return status == FHIRSTORE_OK && includes->has_more
               ? write_rest(page, &includes->page[includes->page_count - 1])
               : status;
}

/* @a is_all: the page holds every match there is from its beginning on. */
static fhirstore_status find_total(fhs_page *page, bool is_all)
{
    fhs_search *search = page->search;
    const fhs_query *query = search->query;
    bool exact = true;
    int64_t count = -1;
    fhirstore_status status = FHIRSTORE_OK;
    page->total = -1;
    /* Pages count what contains. */
    if ((query->total == FHS_TOTAL_NONE || query->contained_alone) && !query->count_only) {
        return FHIRSTORE_OK;
    }
    if (search->total >= 0) {
        page->total = search->total;
        return FHIRSTORE_OK;
    }
    if (is_all && search->token.kind == FHS_PAGE_FIRST) {
        page->total = page->count;
        return FHIRSTORE_OK;
    }
    if (fhs_search_knows_count(search, &page->total)) {
        search->total = page->total;
        return FHIRSTORE_OK;
    }
    if (query->count_only || query->total != FHS_TOTAL_DEFAULT) {
        status = fhs_search_count(search, &count, search->err);
    } else if (search->token.kind == FHS_PAGE_FIRST) {
        status = fhs_search_count_some(search, FREE_COUNT, &count, &exact);
    }
    page->total = exact ? count : -1;
    search->total = page->total;
    return status;
}

static fhirstore_status note_keys(fhs_page *page)
{
    const fhs_str key = fhs_buf_str(&page->search->key);
    if (page->count == 1) {
        fhs_buf_add_str(&page->first_key, key);
    }
    fhs_buf_reset(&page->last_key);
    fhs_buf_add_str(&page->last_key, key);
    fhirstore_status status = fhs_buf_status(&page->last_key);
    status = status == FHIRSTORE_OK ? fhs_buf_status(&page->first_key) : status;
    return status == FHIRSTORE_OK ? FHIRSTORE_OK : fhs_search_no_memory(page->search);
}

/* The first page holds as many as anybody asked for: nothing follows. */
static bool is_all_wanted(const fhs_page *page)
{
    const fhs_search *search = page->search;
    return search->query->max_results > 0 && search->token.kind == FHS_PAGE_FIRST &&
           page->count >= search->query->max_results;
}

/* The match just stepped to lies behind the page. */
static bool is_behind(const fhs_search *search)
{
    return search->until.len > 0 &&
           fhs_str_compare(fhs_buf_str(&search->key), fhs_buf_str(&search->until)) > 0;
}

/*
 * Matches up to the page's size or end, and a look whether there is one more; the search then
 * stands before it.
 */
static fhirstore_status write_matches(fhs_page *page, bool *more_out)
{
    fhs_search *search = page->search;
    fhirstore_status status = FHIRSTORE_OK;
    *more_out = false;
    while (status == FHIRSTORE_OK && !*more_out && !is_all_wanted(page)) {
        bool is_full = search->until.len == 0 && page->count >= search->query->count;
        status = fhs_search_step(search);
        if (status == FHIRSTORE_OK && (is_full || is_behind(search))) {
            fhs_search_unstep(search);
            *more_out = true;
        } else if (status == FHIRSTORE_OK) {
            status = write_match(page);
            status = status == FHIRSTORE_OK ? note_keys(page) : status;
        }
    }
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

/*
 * The pages around this one. The one before ends before its first match (or, where it has none,
 * with the last there is); the last one holds what full pages from the first on leave over.
 */
static fhirstore_status find_pages(fhs_page *page, bool has_next)
{
    fhs_search *search = page->search;
    const uint32_t size = search->query->count;
    const fhs_page_token next = {.kind = FHS_PAGE_NEXT};
    const fhs_page_token back = {.kind = FHS_PAGE_BACK, .size = size};
    fhs_page_token last = {.kind = FHS_PAGE_BACK};
    fhirstore_status status = FHIRSTORE_OK;
    if (search->env.keys == NULL) {
        return FHIRSTORE_OK;
    }
    if (has_next) {
        status = fhs_page_token_write(search, &next, fhs_buf_str(&page->last_key), FHS_STR_NONE,
                                      page->total, &page->next);
    }
    if (status == FHIRSTORE_OK && search->after.len > 0) {
        status = fhs_page_token_write(search, &back, fhs_buf_str(&page->first_key), FHS_STR_NONE,
                                      page->total, &page->previous);
    }
    if (status == FHIRSTORE_OK && has_next && page->total > 0 &&
        search->query->total != FHS_TOTAL_ESTIMATE) {
        last.size = (uint32_t)((page->total - 1) % size + 1);
        status = fhs_page_token_write(search, &last, FHS_STR_NONE, FHS_STR_NONE, page->total,
                                      &page->last);
    }
    return status;
}

static fhirstore_status write_page_entries(fhs_page *page)
{
    bool has_next = false;
    fhirstore_status status = page->search->env.ready_only ? fhs_include_check(page->search)
                                                           : FHIRSTORE_OK;
    if (status == FHIRSTORE_OK) {
        status = write_matches(page, &has_next);
    }
    if (status == FHIRSTORE_OK) {
        status = find_total(page, !has_next && !is_all_wanted(page));
    }
    if (status == FHIRSTORE_OK) {
        status = find_pages(page, has_next);
    }
    return status == FHIRSTORE_OK && page->count > 0 && page->search->query->include_count > 0
               ? write_included(page)
               : status;
}

/* ---- around the entries ---- */

static void add_link(fhs_buf *out, const fhs_search *search, const char *relation, fhs_str path,
                     fhs_str page, fhs_buf *scratch)
{
    fhs_str self = search->query->self;
    fhs_str base = link_base(&search->env);
    fhs_buf_reset(scratch);
    fhs_buf_add_str(scratch, base);
    fhs_buf_add_cstr(scratch, base.len > 0 && path.len > 0 ? "/" : "");
    fhs_buf_add_str(scratch, path);
    fhs_buf_add_cstr(scratch, self.len + page.len > 0 ? "?" : "");
    fhs_buf_add_str(scratch, self);
    fhs_buf_add_cstr(scratch, self.len > 0 && page.len > 0 ? "&" : "");
    fhs_buf_add_str(scratch, page);
    fhs_buf_add_cstr(out, "{\"relation\":\"");
    fhs_buf_add_cstr(out, relation);
    fhs_buf_add_cstr(out, "\",\"url\":");
    fhs_json_write_string(out, fhs_buf_str(scratch));
    fhs_buf_add_char(out, '}');
}

static void add_links(fhs_buf *out, fhs_page *page, fhs_str path)
{
    const struct {
        const char *relation;
        const fhs_buf *token;
    } others[] = {{"next", &page->next},
                  {"previous", &page->previous},
                  {"last", &page->last},
                  {"related", &page->related}};
    fhs_buf scratch = FHS_BUF_INIT((size_t)1024 * 1024);
    fhs_buf own = FHS_BUF_INIT((size_t)1024 * 1024);
    const fhs_search *search = page->search;
    if (search->query->page.len > 0) {
        fhs_buf_add_cstr(&own, "_page=");
        fhs_url_encode(&own, search->query->page);
    }
    fhs_buf_add_cstr(out, "\"link\":[");
    add_link(out, search, "self", path, fhs_buf_str(&own), &scratch);
    fhs_buf_add_char(out, ',');
    add_link(out, search, "first", path, FHS_STR_NONE, &scratch);
    for (size_t i = 0; i < FHS_COUNT_OF(others); i++) {
        if (others[i].token->len > 0) {
            fhs_buf_add_char(out, ',');
            add_link(out, search, others[i].relation, path, fhs_buf_str(others[i].token), &scratch);
        }
    }
    fhs_buf_add_char(out, ']');
    if (fhs_buf_status(&scratch) != FHIRSTORE_OK || fhs_buf_status(&own) != FHIRSTORE_OK) {
        out->failed = FHIRSTORE_ERR_NO_MEMORY;
    }
    fhs_buf_clear(&scratch);
    fhs_buf_clear(&own);
}

/* What was not understood and left out. */
static void write_dropped(fhs_page *page)
{
    fhs_buf text = FHS_BUF_INIT((size_t)4096);
    const fhs_query *query = page->search->query;
    fhs_buf *out = &page->entries;
    if (query->dropped_count == 0) {
        return;
    }
    begin_entry(page);
    fhs_buf_add_cstr(out, "\"resource\":{\"resourceType\":\"OperationOutcome\",\"issue\":[");
    for (size_t i = 0; i < query->dropped_count; i++) {
        fhs_buf_reset(&text);
        if (query->dropped[i].name.len > 0) {
            fhs_buf_addf(&text, "search parameter '%.*s'", FHS_STR_ARG(query->dropped[i].name));
        } else {
            fhs_buf_add_cstr(&text, "a search parameter");
        }
        fhs_buf_addf(&text, " %s and was left out", query->dropped[i].reason);
        fhs_buf_add_cstr(out, i > 0 ? "," : "");
        fhs_buf_add_cstr(out, "{\"severity\":\"warning\",\"code\":\"not-supported\","
                              "\"diagnostics\":");
        fhs_json_write_string(out, fhs_buf_str(&text));
        fhs_buf_add_char(out, '}');
    }
    fhs_buf_add_cstr(out, "]},\"search\":{\"mode\":\"outcome\"}}");
    fhs_buf_clear(&text);
}

void fhs_page_write(fhs_page *page, fhs_str path, fhs_buf *out)
{
    fhs_buf_add_cstr(out, "{\"resourceType\":\"Bundle\",\"type\":\"searchset\"");
    if (page->total >= 0) {
        fhs_buf_add_cstr(out, ",\"total\":");
        fhs_buf_add_i64(out, page->total);
    }
    fhs_buf_add_char(out, ',');
    add_links(out, page, path);
    if (page->entries.len > 0) {
        fhs_buf_add_cstr(out, ",\"entry\":[");
        fhs_buf_add_buf(out, &page->entries);
        fhs_buf_add_char(out, ']');
    }
    fhs_buf_add_char(out, '}');
}

void fhs_search_told(const fhs_search *search, int64_t *count_out, int64_t *total_out)
{
    *count_out = search->told_count;
    *total_out = search->told_total;
}

void fhs_page_init(fhs_page *page, fhs_search *search)
{
    *page = (fhs_page){.search = search,
                       .entries = FHS_BUF_INIT(PAGE_MAX),
                       .first_key = FHS_BUF_INIT(PAGE_MAX),
                       .last_key = FHS_BUF_INIT(PAGE_MAX),
                       .next = FHS_BUF_INIT(LINK_MAX),
                       .previous = FHS_BUF_INIT(LINK_MAX),
                       .last = FHS_BUF_INIT(LINK_MAX),
                       .related = FHS_BUF_INIT(LINK_MAX),
                       .total = -1};
    fhs_arena_init(&page->arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhs_gathering_init(&page->includes, search);
}

void fhs_page_clear(fhs_page *page)
{
    fhs_buf_clear(&page->entries);
    fhs_buf_clear(&page->first_key);
    fhs_buf_clear(&page->last_key);
    fhs_buf_clear(&page->next);
    fhs_buf_clear(&page->previous);
    fhs_buf_clear(&page->last);
    fhs_buf_clear(&page->related);
    fhs_gathering_clear(&page->includes);
    fhs_arena_clear(&page->arena);
}

fhirstore_status fhs_search_write_bundle(fhs_search *search, fhs_str path, fhs_buf *out,
                                         fhirstore_error **err)
{
    fhs_page page;
    fhs_page_init(&page, search);
    search->err = err;
    fhirstore_status status = search->query->count_only ? find_total(&page, false)
                                                        : write_page_entries(&page);
    if (status == FHIRSTORE_OK) {
        search->told_count = page.included + (search->token.kind == FHS_PAGE_REST ? 0 : page.count);
        search->told_total = page.total;
        write_dropped(&page);
        status = fhs_buf_status(&page.entries);
        fhs_page_write(&page, path, out);
        status = status == FHIRSTORE_OK ? fhs_buf_status(out) : status;
        if (status != FHIRSTORE_OK) {
            (void)fhs_fail_plain(err, status);
        }
    }
    fhs_page_clear(&page);
    return status;
}

fhirstore_status fhs_search_write_listed(fhs_search *search, const fhs_entity *entities,
                                         size_t count, fhs_str path, fhs_buf *out,
                                         fhirstore_error **err)
{
    fhs_page page;
    fhs_version version;
    fhirstore_status status = FHIRSTORE_OK;
    search->err = err;
    fhs_page_init(&page, search);
    page.total = (int64_t)count;
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        status = fhs_resource_look(search->conn, entities[i], &version, err);
        if (status == FHIRSTORE_OK) {
            status = fhs_page_add(&page, &version, true);
        }
    }
    if (status == FHIRSTORE_OK) {
        search->told_count = search->told_total = page.total;
        status = fhs_buf_status(&page.entries);
        fhs_page_write(&page, path, out);
        status = status == FHIRSTORE_OK ? fhs_buf_status(out) : status;
        if (status != FHIRSTORE_OK) {
            (void)fhs_fail_plain(err, status);
        }
    }
    fhs_page_clear(&page);
    return status;
}
