/* SPDX-License-Identifier: Apache-2.0 */
/* _include and _revinclude: "Type:parameter", "Type:parameter:Type", "Type:*", "*". */
#include "query/query_internal.h"

/* A value in its parts; a part that is not there is empty. */
typedef struct include_text {
    fhs_str source;
    fhs_str param;
    fhs_str target;
} include_text;

/* What can be wrong that a lenient search does without. */
static const char source_unknown[] = "expects a resource type before the first ':'";
static const char target_unknown[] =
    "expects, behind the second ':', a resource type the reference may have";
static const char param_unknown[] = "names a parameter that its type does not have";
static const char not_a_reference[] = "names a parameter that is not a reference";
static const char never_matches[] =
    "expects parameters of the searched type, or :iterate for those of what is included";
static const char never_refers[] =
    "expects a reference that can refer to the searched type, or :iterate";

static bool is_star(fhs_str text)
{
    return fhs_str_eq(text, FHS_LIT("*"));
}

/* False: it does not have the form. */
static bool split_include(fhs_str value, include_text *out)
{
    fhs_str tail;
    *out = (include_text){.source = value, .param = FHS_LIT("*")};
    if (is_star(value)) {
        return true;
    }
    if (!fhs_str_split(value, ':', &out->source, &out->param)) {
        return false;
    }
    fhs_str both = out->param;
    if (fhs_str_split(both, ':', &out->param, &tail)) {
        out->target = tail;
        if (tail.len == 0 || fhs_str_find_char(tail, ':', 0) < tail.len) {
            return false;
        }
    }
    /* "*:*" is "*" to many a client; of one parameter nobody asks all types. */
    return out->source.len > 0 && out->param.len > 0 &&
           (!is_star(out->source) || is_star(out->param));
}

/* The resource type of this name; "*" is any. False: there is none. */
static bool read_end_type(const fhs_fhir *fhir, fhs_str name, fhs_type *out)
{
    *out = is_star(name) || name.len == 0 ? FHS_TYPE_NONE : fhs_type_find(fhir, name);
    return is_star(name) || name.len == 0 ||
           (*out != FHS_TYPE_NONE && fhs_type_is_resource(fhir, *out));
}

/* Whether the searched types have @a type among them. */
static bool is_searched(const fhs_query_draft *draft, fhs_type type)
{
    const fhs_type *types = draft->types.items;
    if (draft->query->type != FHS_TYPE_NONE || draft->types.count == 0) {
        return draft->query->type == FHS_TYPE_NONE || draft->query->type == type;
    }
    for (size_t i = 0; i < draft->types.count; i++) {
        if (types[i] == type) {
            return true;
        }
    }
    return false;
}

/* Whether a reference of this definition can lead to what is searched. */
static bool may_lead_here(const fhs_fhir *fhir, const fhs_query_draft *draft,
                          const fhs_sparam_def *def)
{
    const fhs_type *types = draft->types.items;
    if (draft->query->type != FHS_TYPE_NONE) {
        return fhs_sparam_may_target(fhir, def, draft->query->type);
    }
    for (size_t i = 0; i < draft->types.count; i++) {
        if (fhs_sparam_may_target(fhir, def, types[i])) {
            return true;
        }
    }
    return draft->types.count == 0;
}

/* NULL: all is well. */
static const char *resolve_include(fhs_query_parser *parser, const fhs_query_draft *draft,
                                   const include_text *text, fhs_include *out)
{
    const fhs_fhir *fhir = parser->options->fhir;
    fhs_sparam_def def;
    if (!read_end_type(fhir, text->source, &out->source)) {
        return source_unknown;
    }
    if (!read_end_type(fhir, text->target, &out->target)) {
        return target_unknown;
    }
    if (!out->is_reverse && !out->iterate && out->source != FHS_TYPE_NONE &&
        !is_searched(draft, out->source)) {
        return never_matches;
    }
    if (out->is_reverse && !out->iterate && out->target != FHS_TYPE_NONE &&
        !is_searched(draft, out->target)) {
        return never_refers;
    }
    if (is_star(text->param)) {
        return NULL;
    }
    out->param = fhs_query_find_param(parser, out->source, text->param, &def);
    if (out->param == FHS_SPARAM_NONE) {
        return param_unknown;
    }
    if (def.type != FHS_SP_REFERENCE) {
        return not_a_reference;
    }
    if (out->target != FHS_TYPE_NONE && !fhs_sparam_may_target(fhir, &def, out->target)) {
        return target_unknown;
    }
    return out->is_reverse && !out->iterate && !may_lead_here(fhir, draft, &def) ? never_refers
                                                                                 : NULL;
}

/* "_include", "_revinclude", with or without ":iterate". *known_out false: another modifier. */
static bool read_include_name(fhs_str name, fhs_include *out, bool *known_out)
{
    fhs_str head = name;
    fhs_str modifier = FHS_STR_NONE;
    bool has_modifier = fhs_str_split(name, ':', &head, &modifier);
    out->is_reverse = fhs_str_eq(has_modifier ? head : name, FHS_LIT("_revinclude"));
    out->iterate = has_modifier && (fhs_str_eq(modifier, FHS_LIT("iterate")) ||
                                    fhs_str_eq(modifier, FHS_LIT("recurse")));
    *known_out = !has_modifier || out->iterate;
    return out->is_reverse || fhs_str_eq(has_modifier ? head : name, FHS_LIT("_include"));
}

static fhirstore_status add_include(fhs_query_parser *parser, fhs_query_draft *draft,
                                    const fhs_include *include)
{
    fhs_include *items = draft->includes.items;
    for (size_t i = 0; i < draft->includes.count; i++) {
        if (items[i].source == include->source && items[i].param == include->param &&
            items[i].target == include->target && items[i].is_reverse == include->is_reverse) {
            items[i].iterate = items[i].iterate || include->iterate;
            return FHIRSTORE_OK;
        }
    }
    fhs_include *slot = fhs_query_push(parser, &draft->includes, sizeof(*slot));
    if (slot == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    *slot = *include;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_query_take_include(fhs_query_parser *parser, fhs_query_draft *draft,
                                        fhs_str name, fhs_str value, bool *taken_out)
{
    include_text text;
    bool known;
    fhs_include include = {
        .source = FHS_TYPE_NONE, .param = FHS_SPARAM_NONE, .target = FHS_TYPE_NONE};
    *taken_out = read_include_name(name, &include, &known);
    if (!*taken_out) {
        return FHIRSTORE_OK;
    }
    if (!known) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_MODIFIER,
                              "has a modifier that does not apply; it takes :iterate");
    }
    if (value.len == 0 && parser->options->lenient) {
        return fhs_query_drop(parser, draft, name, "has no value");
    }
    if (!split_include(value, &text)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "expects Type:parameter, Type:parameter:Type, Type:* or *");
    }
    const char *fault = resolve_include(parser, draft, &text, &include);
    if (fault != NULL) {
        return parser->options->lenient
                   ? fhs_query_drop(parser, draft, name, fault)
                   : fhs_query_fail(parser, FHIRSTORE_ERR_UNKNOWN_PARAM, fault);
    }
    fhs_query_add_self(draft, name, value);
    return add_include(parser, draft, &include);
}
