/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters that say how the result looks. */
#include "base/limits.h"
#include "query/query_internal.h"

static fhirstore_status unknown_sort_key(fhs_query_parser *parser, fhs_query_draft *draft)
{
    return parser->options->lenient
               ? fhs_query_drop(parser, draft, parser->name,
                                "has a sort key that is not known for this type")
               : fhs_query_fail(parser, FHIRSTORE_ERR_UNKNOWN_PARAM,
                                "expects search parameters of the type as sort keys");
}

static fhirstore_status add_sort_key(fhs_query_parser *parser, fhs_query_draft *draft, fhs_str item,
                                     fhs_buf *kept)
{
    fhs_sparam_def def;
    fhs_str code = item;
    fhs_sort_key key = {.param = FHS_SPARAM_NONE};
    if (code.len > 0 && code.ptr[0] == '-') {
        key.descending = true;
        code = fhs_str_from(code, 1);
    }
    key.code = code;
    key.is_id = fhs_str_eq(code, FHS_LIT("_id"));
    key.is_updated = fhs_str_eq(code, FHS_LIT("_lastUpdated"));
    key.is_score = fhs_str_eq(code, FHS_LIT("_score"));
    parser->sorts_by_score = parser->sorts_by_score || key.is_score;
    if (fhs_str_find_char(code, '.', 0) < code.len) {
        bool is_known = false;
        fhirstore_status status = fhs_query_sort_chain(parser, draft->query->type, code, &key,
                                                       &is_known);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        if (!is_known) {
            return unknown_sort_key(parser, draft);
        }
    } else if (!key.is_id && !key.is_updated && !key.is_score) {
        key.param = fhs_query_find_param(parser, draft->query->type, code, &def);
        if (key.param == FHS_SPARAM_NONE || def.type == FHS_SP_COMPOSITE ||
            def.type == FHS_SP_SPECIAL) {
            return unknown_sort_key(parser, draft);
        }
        key.param_type = (fhs_sparam_type)def.type;
    }
    if (draft->sort.count == FHS_LIMIT_SORT_KEYS) {
        return fhs_query_fail_limit(parser, FHS_LIMIT_SORT_KEYS, "sort keys (FHS_LIMIT_SORT_KEYS)");
    }
    fhs_sort_key *slot = fhs_query_push(parser, &draft->sort, sizeof(key));
    if (slot == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    *slot = key;
    fhs_buf_add_cstr(kept, kept->len > 0 ? "," : "");
    fhs_buf_add_str(kept, item);
    return FHIRSTORE_OK;
}

static fhirstore_status read_sort(fhs_query_parser *parser, fhs_query_draft *draft, fhs_str value)
{
    fhirstore_status status = FHIRSTORE_OK;
    fhs_buf kept = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    bool more = true;
    while (more && status == FHIRSTORE_OK) {
        fhs_str item;
        fhs_str rest = FHS_STR_NONE;
        more = fhs_str_split(value, ',', &item, &rest);
        item = fhs_str_trim(more ? item : value);
        value = rest;
        if (item.len > 0) {
            status = add_sort_key(parser, draft, item, &kept);
        }
    }
    if (status == FHIRSTORE_OK && fhs_buf_status(&kept) != FHIRSTORE_OK) {
        status = fhs_fail_plain(parser->err, fhs_buf_status(&kept));
    }
    if (status == FHIRSTORE_OK && kept.len > 0) {
        fhs_query_add_self(draft, FHS_LIT("_sort"), fhs_buf_str(&kept));
    }
    fhs_buf_clear(&kept);
    return status;
}

static fhirstore_status read_count(fhs_query_parser *parser, fhs_query_draft *draft, fhs_str value)
{
    uint64_t count;
    if (!fhs_str_to_u64(value, UINT32_MAX, &count)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE, "expects a number, 0 or more");
    }
    draft->query->has_count = true;
    draft->query->count = (uint32_t)(count > FHS_LIMIT_PAGE_COUNT ? FHS_LIMIT_PAGE_COUNT : count);
    draft->query->count_only = draft->query->count_only || count == 0;
    fhs_query_add_self(draft, parser->name, value);
    return FHIRSTORE_OK;
}

static fhirstore_status read_max_results(fhs_query_parser *parser, fhs_query_draft *draft,
                                         fhs_str value)
{
    uint64_t count;
    if (!fhs_str_to_u64(value, UINT32_MAX, &count) || count == 0) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE, "expects a number, 1 or more");
    }
    draft->query->max_results = (uint32_t)count;
    fhs_query_add_self(draft, parser->name, value);
    return FHIRSTORE_OK;
}

/* The place of @a value in a list of words, or -1. */
static int word_index(const char *const *words, fhs_str value)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (fhs_str_eq(value, fhs_str_from_cstr(words[i]))) {
            return i;
        }
    }
    return -1;
}

static fhirstore_status read_total(fhs_query_parser *parser, fhs_query_draft *draft, fhs_str value)
{
    static const char *const words[] = {"none", "estimate", "accurate", NULL};
    int index = word_index(words, value);
    if (index < 0) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "expects none, estimate or accurate");
    }
    draft->query->total = (fhs_total_mode)(FHS_TOTAL_NONE + index);
    fhs_query_add_self(draft, parser->name, value);
    return FHIRSTORE_OK;
}

static fhirstore_status read_summary(fhs_query_parser *parser, fhs_query_draft *draft,
                                     fhs_str value)
{
    static const char *const words[] = {"false", "true", "text", "data", "count", NULL};
    int index = word_index(words, value);
    if (index < 0) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "expects true, text, data, count or false");
    }
    draft->has_summary = true;
    draft->query->summary = (fhs_summary_mode)(FHS_SUMMARY_FALSE + index);
    draft->query->count_only = draft->query->count_only ||
                               draft->query->summary == FHS_SUMMARY_COUNT;
    fhs_query_add_self(draft, parser->name, value);
    return FHIRSTORE_OK;
}

static fhirstore_status add_element(fhs_query_parser *parser, fhs_query_draft *draft, fhs_str item)
{
    fhs_str *slot = fhs_query_push(parser, &draft->elements, sizeof(item));
    if (slot == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    *slot = item;
    return FHIRSTORE_OK;
}

static fhirstore_status add_type(fhs_query_parser *parser, fhs_query_draft *draft, fhs_str item)
{
    const fhs_fhir *fhir = parser->options->fhir;
    fhs_type type = fhs_type_find(fhir, item);
    if (type == FHS_TYPE_NONE || !fhs_type_is_resource(fhir, type)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE, "expects resource types");
    }
    if (draft->query->type != FHS_TYPE_NONE) {
        return type == draft->query->type
                   ? FHIRSTORE_OK
                   : fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                                    "expects, in a search of one type, that type alone");
    }
    const fhs_type *types = draft->types.items;
    for (size_t i = 0; i < draft->types.count; i++) {
        if (types[i] == type) {
            return FHIRSTORE_OK;
        }
    }
    fhs_type *slot = fhs_query_push(parser, &draft->types, sizeof(type));
    if (slot == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    *slot = type;
    return FHIRSTORE_OK;
}

typedef fhirstore_status (*item_reader)(fhs_query_parser *parser, fhs_query_draft *draft,
                                        fhs_str item);

static fhirstore_status read_items(fhs_query_parser *parser, fhs_query_draft *draft, fhs_str value,
                                   item_reader read)
{
    fhirstore_status status = FHIRSTORE_OK;
    fhs_str rest = value;
    bool more = true;
    while (more && status == FHIRSTORE_OK) {
        fhs_str item;
        fhs_str tail = FHS_STR_NONE;
        more = fhs_str_split(rest, ',', &item, &tail);
        item = fhs_str_trim(more ? item : rest);
        rest = tail;
        if (item.len > 0) {
            status = read(parser, draft, item);
        }
    }
    if (status == FHIRSTORE_OK) {
        fhs_query_add_self(draft, parser->name, value);
    }
    return status;
}

static fhirstore_status read_elements(fhs_query_parser *parser, fhs_query_draft *draft,
                                      fhs_str value)
{
    return read_items(parser, draft, value, add_element);
}

static fhirstore_status read_type_list(fhs_query_parser *parser, fhs_query_draft *draft,
                                       fhs_str value)
{
    return read_items(parser, draft, value, add_type);
}

static fhirstore_status take_page(fhs_query_parser *parser, fhs_query_draft *draft, fhs_str value)
{
    (void)parser;
    draft->query->page = value;
    return FHIRSTORE_OK;
}

/* Kept in the links, but for the caller to act upon. */
static fhirstore_status take_format(fhs_query_parser *parser, fhs_query_draft *draft, fhs_str value)
{
    fhs_query_add_self(draft, parser->name, value);
    return FHIRSTORE_OK;
}

/* Whether there is more than commas and blanks. */
static bool has_items(fhs_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] != ',' && value.ptr[i] != ' ') {
            return true;
        }
    }
    return false;
}

static fhirstore_status refuse_empty(fhs_query_parser *parser, fhs_query_draft *draft)
{
    return parser->options->lenient
               ? fhs_query_drop(parser, draft, parser->name, "has no value")
               : fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE, "has no value");
}

static fhirstore_status take_pretty(fhs_query_parser *parser, fhs_query_draft *draft, fhs_str value)
{
    return fhs_str_eq(value, FHS_LIT("true")) || fhs_str_eq(value, FHS_LIT("false"))
               ? take_format(parser, draft, value)
               : fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE, "expects true or false");
}

static fhirstore_status read_score(fhs_query_parser *parser, fhs_query_draft *draft, fhs_str value)
{
    draft->query->hides_score = fhs_str_eq(value, FHS_LIT("false"));
    return take_pretty(parser, draft, value);
}

fhirstore_status fhs_query_result_param(fhs_query_parser *parser, fhs_query_draft *draft,
                                        fhs_str name, fhs_str value, bool *taken_out)
{
    static const struct {
        fhs_str name;
        item_reader read;
    } params[] = {
        {FHS_LIT_INIT("_sort"), read_sort},         {FHS_LIT_INIT("_count"), read_count},
        {FHS_LIT_INIT("_total"), read_total},       {FHS_LIT_INIT("_summary"), read_summary},
        {FHS_LIT_INIT("_elements"), read_elements}, {FHS_LIT_INIT("_maxresults"), read_max_results},
        {FHS_LIT_INIT("_type"), read_type_list},    {FHS_LIT_INIT("_page"), take_page},
        {FHS_LIT_INIT("_format"), take_format},     {FHS_LIT_INIT("_pretty"), take_pretty},
        {FHS_LIT_INIT("_score"), read_score},
    };
    *taken_out = false;
    for (size_t i = 0; i < FHS_COUNT_OF(params); i++) {
        if (fhs_str_eq(name, params[i].name)) {
            *taken_out = true;
            return has_items(value) ? params[i].read(parser, draft, value)
                                    : refuse_empty(parser, draft);
        }
    }
    return FHIRSTORE_OK;
}
