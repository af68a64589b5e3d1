/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named queries: a query text with places for arguments, "code=8480-6&date=ge{since=2000}
 * &subject={patient}&status={status?}". What an address gives for an argument goes into the value
 * where the place stands, after the text has been taken apart, so it can never add a parameter.
 */
#include "base/limits.h"
#include "query/query_internal.h"

/* A place in braces. */
typedef struct named_place {
    fhs_str name;
    fhs_str otherwise; /* encoded; where nothing is given */
    bool has_otherwise;
    bool is_optional; /* without it the whole parameter is left out */
} named_place;

static bool is_argument_name(fhs_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && (i == 0 || ((c < '0' || c > '9') && c != '-' && c != '_'))) {
            return false;
        }
    }
    return name.len > 0 && name.len <= FHS_SHOWN_NAME;
}

/* What stands in the braces. */
static bool read_argument_place(fhs_str text, named_place *out)
{
    *out = (named_place){.name = text};
    if (fhs_str_split(text, '=', &out->name, &out->otherwise)) {
        out->has_otherwise = true;
    } else if (fhs_str_ends_with(text, FHS_LIT("?"))) {
        out->name = fhs_str_of(text.ptr, text.len - 1);
        out->is_optional = true;
    }
    return is_argument_name(out->name);
}

/*
 * The next piece of a value: *text_out as written, and behind it a place where *has_place_out.
 * False: braces that are none.
 */
static bool next_piece(fhs_str *rest, fhs_str *text_out, bool *has_place_out, named_place *place)
{
    size_t open = fhs_str_find_char(*rest, '{', 0);
    size_t close = fhs_str_find_char(*rest, '}', 0);
    *text_out = fhs_str_of(rest->ptr, open);
    *has_place_out = open < rest->len;
    if (!*has_place_out) {
        *rest = FHS_STR_NONE;
        return close >= open;
    }
    if (close >= rest->len || close < open) {
        return false;
    }
    fhs_str inner = fhs_str_of(rest->ptr + open + 1, close - open - 1);
    *rest = fhs_str_from(*rest, close + 1);
    return fhs_str_find_char(inner, '{', 0) == inner.len && read_argument_place(inner, place);
}

static bool next_template_pair(fhs_str *rest, fhs_str *name_out, fhs_str *value_out)
{
    fhs_str pair;
    while (fhs_str_next(rest, '&', &pair)) {
        if (pair.len > 0) {
            *name_out = pair;
            *value_out = FHS_STR_NONE;
            (void)fhs_str_split(pair, '=', name_out, value_out);
            return true;
        }
    }
    return false;
}

/* ---- registering ---- */

static fhirstore_status bad_template(fhirstore_error **err, const char *what)
{
    return fhs_fail(err, FHIRSTORE_ERR_QUERY, "the query %s", what);
}

/* Whether the value has places; false in *good_out: braces that are none. */
static bool has_places(fhs_str value, bool *good_out)
{
    named_place place;
    fhs_str text;
    bool has_place;
    bool is_any = false;
    *good_out = true;
    while (value.len > 0 && *good_out) {
        *good_out = next_piece(&value, &text, &has_place, &place);
        is_any = is_any || has_place;
    }
    return is_any;
}

fhirstore_status fhs_named_query_check(fhs_arena *arena, const fhs_query_options *options,
                                       const fhs_named_query *named, fhirstore_error **err)
{
    fhs_buf plain = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    fhs_str rest = named->text;
    fhs_str name;
    fhs_str value;
    bool is_good = is_argument_name(named->name);
    if (!is_good) {
        return bad_template(err, "needs a name of letters, digits, '-' and '_'");
    }
    while (is_good && next_template_pair(&rest, &name, &value)) {
        if (fhs_str_eq(name, FHS_LIT("_query")) || fhs_str_eq(name, FHS_LIT("_page")) ||
            fhs_str_find_char(name, '{', 0) < name.len) {
            is_good = false;
        } else if (!has_places(value, &is_good) && is_good) {
            fhs_buf_add_cstr(&plain, plain.len > 0 ? "&" : "");
            fhs_buf_add_str(&plain, name);
            fhs_buf_add_char(&plain, '=');
            fhs_buf_add_str(&plain, value);
        }
    }
    fhirstore_status status = fhs_buf_status(&plain);
    if (!is_good) {
        status = bad_template(err, "has braces that are no {argument}, or a _query or _page of its "
                                   "own");
    } else if (status != FHIRSTORE_OK) {
        status = fhs_fail_plain(err, status);
    } else {
        fhs_query *unused;
        status = fhs_query_parse(arena, options, named->type, fhs_buf_str(&plain), &unused, err);
    }
    fhs_buf_clear(&plain);
    return status;
}

/* ---- calling ---- */

static const fhs_named_query *find_named(const fhs_query_options *options, fhs_type type,
                                         fhs_str name)
{
    const fhs_named_query *named = options->named;
    while (named != NULL && (named->type != type || !fhs_str_eq(named->name, name))) {
        named = named->next;
    }
    return named;
}

/* Whether @a name is one of the query's arguments. */
static bool has_argument(const fhs_named_query *named, fhs_str name)
{
    fhs_str rest = named->text;
    fhs_str unused;
    fhs_str value;
    while (next_template_pair(&rest, &unused, &value)) {
        while (value.len > 0) {
            named_place place;
            fhs_str text;
            bool has_place;
            if (next_piece(&value, &text, &has_place, &place) && has_place &&
                fhs_str_eq(place.name, name)) {
                return true;
            }
        }
    }
    return false;
}

fhirstore_status fhs_query_take_named(fhs_query_parser *parser, fhs_query_draft *draft,
                                      fhs_str name, fhs_str value, bool *taken_out)
{
    if (fhs_str_eq(name, FHS_LIT("_query"))) {
        *taken_out = true;
        fhs_query_add_self(draft, name, value);
        return FHIRSTORE_OK;
    }
    *taken_out = draft->named != NULL && has_argument(draft->named, name);
    if (!*taken_out) {
        return FHIRSTORE_OK;
    }
    const fhs_argument *given = draft->arguments.items;
    for (size_t i = 0; i < draft->arguments.count; i++) {
        if (fhs_str_eq(given[i].name, name)) {
            return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                                  "is an argument of the named query and given twice");
        }
    }
    fhs_argument *argument = fhs_query_push(parser, &draft->arguments, sizeof(*argument));
    if (argument == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    *argument = (fhs_argument){name, value};
    fhs_query_add_self(draft, name, value);
    return FHIRSTORE_OK;
}

fhirstore_status fhs_query_find_named(fhs_query_parser *parser, fhs_query_draft *draft,
                                      fhs_str text)
{
    fhs_str name;
    fhs_str value;
    while (next_template_pair(&text, &name, &value)) {
        name = fhs_url_decode(parser->arena, name, true);
        if (!fhs_str_eq(name, FHS_LIT("_query"))) {
            continue;
        }
        parser->name = name;
        value = fhs_url_decode(parser->arena, value, true);
        if (draft->named != NULL) {
            return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE, "is given twice");
        }
        draft->named = find_named(parser->options, draft->query->type, value);
        if (draft->named == NULL) {
            return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                                  "expects the name of a query that is registered for what is "
                                  "searched");
        }
    }
    return FHIRSTORE_OK;
}

static const fhs_argument *find_argument(const fhs_query_draft *draft, fhs_str name)
{
    const fhs_argument *given = draft->arguments.items;
    for (size_t i = 0; i < draft->arguments.count; i++) {
        if (fhs_str_eq(given[i].name, name)) {
            return &given[i];
        }
    }
    return NULL;
}

static fhirstore_status add_decoded(fhs_query_parser *parser, fhs_str text, fhs_buf *out)
{
    fhs_str decoded = fhs_url_decode(parser->arena, text, true);
    if (decoded.ptr == NULL && text.len > 0) {
        return fhs_fail(parser->err, FHIRSTORE_ERR_QUERY,
                        "the named query holds a bad percent-encoding");
    }
    fhs_buf_add_str(out, decoded);
    return FHIRSTORE_OK;
}

/* The value with its arguments. *wanted_out false: one that may be left out was. */
static fhirstore_status fill_value(fhs_query_parser *parser, const fhs_query_draft *draft,
                                   fhs_str text, fhs_buf *out, bool *wanted_out)
{
    fhirstore_status status = FHIRSTORE_OK;
    *wanted_out = true;
    while (text.len > 0 && status == FHIRSTORE_OK) {
        named_place place;
        fhs_str piece;
        bool has_place = false;
        (void)next_piece(&text, &piece, &has_place, &place);
        status = add_decoded(parser, piece, out);
        if (!has_place || status != FHIRSTORE_OK) {
            continue;
        }
        const fhs_argument *argument = find_argument(draft, place.name);
        if (argument != NULL) {
            fhs_buf_add_str(out, argument->value);
        } else if (place.has_otherwise) {
            status = add_decoded(parser, place.otherwise, out);
        } else if (place.is_optional) {
            *wanted_out = false;
        } else {
            parser->name = place.name;
            return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                                  "is missing; the named query expects it");
        }
    }
    return status;
}

/* A client's own page size or order counts for more than the query's. */
static bool is_given(const fhs_query_draft *draft, fhs_str name)
{
    return (fhs_str_eq(name, FHS_LIT("_count")) && draft->query->has_count) ||
           (fhs_str_eq(name, FHS_LIT("_sort")) && draft->sort.count > 0) ||
           (fhs_str_eq(name, FHS_LIT("_total")) && draft->query->total != FHS_TOTAL_DEFAULT) ||
           (fhs_str_eq(name, FHS_LIT("_maxresults")) && draft->query->max_results > 0) ||
           ((fhs_str_eq(name, FHS_LIT("_summary")) || fhs_str_eq(name, FHS_LIT("_elements"))) &&
            (draft->has_summary || draft->elements.count > 0));
}

fhirstore_status fhs_query_expand_named(fhs_query_parser *parser, fhs_query_draft *draft,
                                        fhs_query_add_fn add)
{
    const fhs_query_draft client = *draft;
    fhs_str rest = draft->named->text;
    fhs_str name;
    fhs_str text;
    fhirstore_status status = FHIRSTORE_OK;
    draft->is_hidden = true;
    while (status == FHIRSTORE_OK && next_template_pair(&rest, &name, &text)) {
        fhs_buf filled = FHS_BUF_INIT(2 * FHS_LIMIT_URL_BYTES);
        bool is_wanted = false;
        status = fill_value(parser, draft, text, &filled, &is_wanted);
        if (status == FHIRSTORE_OK && fhs_buf_status(&filled) != FHIRSTORE_OK) {
            status = fhs_fail_plain(parser->err, fhs_buf_status(&filled));
        }
        fhs_str value = fhs_arena_dup(parser->arena, fhs_buf_str(&filled));
        fhs_buf_clear(&filled);
        name = fhs_url_decode(parser->arena, name, true);
        if (status == FHIRSTORE_OK && (value.ptr == NULL || name.ptr == NULL)) {
            status = fhs_fail_memory(parser->err);
        }
        if (status == FHIRSTORE_OK && is_wanted && !is_given(&client, name)) {
            status = add(parser, draft, name, value);
        }
    }
    draft->is_hidden = false;
    return status;
}
