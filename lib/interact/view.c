/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/view.h"

#include "search/search.h"
#include "json/json.h"

/* The next pair of a query with its name decoded. False: no more. */
static bool next_pair(fhs_arena *arena, fhs_str *rest, fhs_str *pair_out, fhs_str *name_out)
{
    fhs_str value;
    fhs_str pair;
    while (fhs_str_next(rest, '&', &pair)) {
        if (pair.len > 0) {
            fhs_str name = pair;
            (void)fhs_str_split(pair, '=', &name, &value);
            *pair_out = pair;
            *name_out = fhs_url_decode(arena, name, true);
            return true;
        }
    }
    return false;
}

bool fhs_view_is_pretty(fhs_arena *arena, fhs_str query)
{
    fhs_str pair;
    fhs_str name;
    bool is_pretty = false;
    while (next_pair(arena, &query, &pair, &name)) {
        if (fhs_str_eq(name, FHS_LIT("_pretty"))) {
            is_pretty = fhs_str_ends_with(pair, FHS_LIT("=true"));
        }
    }
    return is_pretty;
}

static fhirstore_status parse_parts(const fhs_core *core, fhs_arena *arena, fhs_str text,
                                    fhs_view *out, fhirstore_error **err)
{
    const fhs_query_options options = {.fhir = core->fhir, .base_url = core->base_url};
    fhs_query *query = NULL;
    fhirstore_status status = fhs_query_parse(arena, &options, FHS_TYPE_NONE, text, &query, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (query->summary == FHS_SUMMARY_COUNT) {
        return fhs_fail(err, FHIRSTORE_ERR_PARAM_VALUE,
                        "parameter '_summary' expects true, text, data or false; count is for "
                        "searches");
    }
    out->parts = fhs_subset_is_wanted(query) ? query : NULL;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_view_parse(const fhs_core *core, fhs_arena *arena, fhs_str query,
                                fhs_view *out, fhirstore_error **err)
{
    fhs_buf text = FHS_BUF_INIT(2 * FHS_LIMIT_URL_BYTES);
    fhs_str rest = query;
    fhs_str pair;
    fhs_str name;
    *out = (fhs_view){.is_pretty = fhs_view_is_pretty(arena, query)};
    while (next_pair(arena, &rest, &pair, &name)) {
        if (fhs_str_eq(name, FHS_LIT("_summary")) || fhs_str_eq(name, FHS_LIT("_elements"))) {
            fhs_buf_add_cstr(&text, text.len > 0 ? "&" : "");
            fhs_buf_add_str(&text, pair);
        }
    }
    fhirstore_status status = fhs_buf_status(&text);
    if (status < FHIRSTORE_OK) {
        (void)fhs_fail_plain(err, status);
    } else if (text.len > 0) {
        fhs_str kept = fhs_arena_dup(arena, fhs_buf_str(&text));
        status = kept.ptr == NULL ? fhs_fail_memory(err) : parse_parts(core, arena, kept, out, err);
    }
    fhs_buf_clear(&text);
    return status;
}

fhirstore_status fhs_view_write(const fhs_core *core, const fhs_view *view, fhs_str body,
                                fhs_buf *out, fhirstore_error **err)
{
    if (view->parts == NULL) {
        fhs_buf_add_str(out, body);
        return FHIRSTORE_OK;
    }
    fhs_arena arena;
    fhs_arena_init(&arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_subset_write(core->fhir, view->parts, body, &arena, out, err);
    fhs_arena_clear(&arena);
    return status;
}

fhirstore_status fhs_view_cut(const fhs_core *core, const fhs_view *view, fhs_buf *body,
                              fhirstore_error **err)
{
    if (view->parts == NULL || body->len == 0) {
        return FHIRSTORE_OK;
    }
    fhs_buf parts = FHS_BUF_INIT(2 * FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_view_write(core, view, fhs_buf_str(body), &parts, err);
    if (status < FHIRSTORE_OK) {
        fhs_buf_clear(&parts);
        return status;
    }
    fhs_buf_clear(body);
    *body = parts;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_view_indent(fhs_buf *body, fhirstore_error **err)
{
    fhs_arena arena;
    const fhs_json *root = NULL;
    fhs_buf indented = FHS_BUF_INIT((size_t)4 * FHS_LIMIT_JSON_BYTES);
    if (body->len == 0) {
        return FHIRSTORE_OK;
    }
    fhs_arena_init(&arena, (size_t)8 * FHS_LIMIT_JSON_BYTES);
    fhirstore_status status = fhs_json_read(&arena, fhs_buf_str(body), NULL, &root, err);
    if (status >= FHIRSTORE_OK) {
        fhs_json_write_pretty(&indented, fhs_buf_str(body), root);
        status = fhs_buf_status(&indented);
        if (status < FHIRSTORE_OK) {
            (void)fhs_fail_plain(err, status);
        }
    }
    fhs_arena_clear(&arena);
    if (status < FHIRSTORE_OK) {
        fhs_buf_clear(&indented);
        return status;
    }
    fhs_buf_clear(body);
    *body = indented;
    return FHIRSTORE_OK;
}
