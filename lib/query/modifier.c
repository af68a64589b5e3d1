/* SPDX-License-Identifier: Apache-2.0 */
/* Modifiers: which there are, and to what they apply. A message about one names what does. */
#include "query/query_internal.h"

#include <stdio.h>

#define MASK(type) (1u << (type))

typedef struct modifier_rule {
    fhs_str name;
    fhs_modifier modifier;
    unsigned kinds; /* MASK() of the parameter types it applies to */
} modifier_rule;

/* What has something above and below it. */
#define TREES (MASK(FHS_SP_URI) | MASK(FHS_SP_REFERENCE) | MASK(FHS_SP_TOKEN))

static const modifier_rule modifier_rules[] = {
    {FHS_LIT_INIT("missing"), FHS_MOD_MISSING, ~0u},
    {FHS_LIT_INIT("exact"), FHS_MOD_EXACT, MASK(FHS_SP_STRING)},
    {FHS_LIT_INIT("contains"), FHS_MOD_CONTAINS, MASK(FHS_SP_STRING) | MASK(FHS_SP_URI)},
    {FHS_LIT_INIT("not"), FHS_MOD_NOT, MASK(FHS_SP_TOKEN)},
    {FHS_LIT_INIT("text"), FHS_MOD_TEXT,
     MASK(FHS_SP_STRING) | MASK(FHS_SP_TOKEN) | MASK(FHS_SP_REFERENCE)},
    {FHS_LIT_INIT("code-text"), FHS_MOD_CODE_TEXT, MASK(FHS_SP_TOKEN) | MASK(FHS_SP_REFERENCE)},
    {FHS_LIT_INIT("text-advanced"), FHS_MOD_TEXT_ADVANCED,
     MASK(FHS_SP_TOKEN) | MASK(FHS_SP_REFERENCE)},
    {FHS_LIT_INIT("of-type"), FHS_MOD_OF_TYPE, MASK(FHS_SP_TOKEN)},
    {FHS_LIT_INIT("identifier"), FHS_MOD_IDENTIFIER, MASK(FHS_SP_REFERENCE)},
    {FHS_LIT_INIT("in"), FHS_MOD_IN, MASK(FHS_SP_TOKEN)},
    {FHS_LIT_INIT("not-in"), FHS_MOD_NOT_IN, MASK(FHS_SP_TOKEN)},
    {FHS_LIT_INIT("above"), FHS_MOD_ABOVE, TREES},
    {FHS_LIT_INIT("below"), FHS_MOD_BELOW, TREES},
};

/* _id is a column of the store: what looks at codings means nothing to it. */
#define ID_MODIFIERS (MASK(FHS_MOD_MISSING) | MASK(FHS_MOD_NOT))

static bool rule_applies(const modifier_rule *rule, fhs_sparam_type type, const fhs_node *node)
{
    return (rule->kinds & MASK(type)) != 0 &&
           (node->kind != FHS_NODE_ID || (ID_MODIFIERS & MASK(rule->modifier)) != 0);
}

/* "has a modifier that does not apply; a uri takes :missing, :contains, :above or :below" */
static fhirstore_status fail_modifier(fhs_query_parser *parser, fhs_sparam_type type,
                                      const fhs_node *node)
{
    char text[256];
    const modifier_rule *named[FHS_COUNT_OF(modifier_rules)];
    fhs_buf what = FHS_BUF_INIT(sizeof text);
    fhs_str kind = fhs_sparam_type_name(type);
    const bool is_reference = type == FHS_SP_REFERENCE;
    size_t count = 0;
    for (size_t i = 0; i < FHS_COUNT_OF(modifier_rules); i++) {
        if (rule_applies(&modifier_rules[i], type, node)) {
            named[count++] = &modifier_rules[i];
        }
    }
    fhs_buf_addf(&what, "has a modifier that does not apply; a %.*s takes ", FHS_STR_ARG(kind));
    for (size_t i = 0; i < count; i++) {
        const char *between = i == 0 ? ":" : i + 1 < count || is_reference ? ", :" : " or :";
        fhs_buf_addf(&what, "%s%.*s", between, FHS_STR_ARG(named[i]->name));
    }
    fhs_buf_add_cstr(&what, is_reference ? " or a type it may refer to" : "");
    (void)snprintf(text, sizeof text, "%.*s", FHS_STR_ARG(fhs_buf_str(&what)));
    fhirstore_status status = fhs_buf_status(&what);
    fhs_buf_clear(&what);
    return status == FHIRSTORE_OK ? fhs_query_fail(parser, FHIRSTORE_ERR_MODIFIER, text)
                                  : fhs_fail_plain(parser->err, status);
}

/* The type of an element path's values, as far as elements say: "Patient.identifier". */
static fhs_type type_of_path(const fhs_fhir *fhir, fhs_str path)
{
    fhs_str step;
    fhs_str rest = path;
    bool more = fhs_str_split(rest, '.', &step, &rest);
    fhs_type type = fhs_type_find(fhir, more ? step : path);
    while (more && type != FHS_TYPE_NONE) {
        fhs_element element;
        fhs_str tail = FHS_STR_NONE;
        more = fhs_str_split(rest, '.', &step, &tail);
        step = more ? step : rest;
        rest = tail;
        if (!fhs_element_find(fhir, type, step, &element, NULL) || element.type_count != 1) {
            return FHS_TYPE_NONE;
        }
        type = element.types[0];
    }
    return type;
}

/* Whether @a def may find identifiers: only where every path says otherwise it does not. */
static bool may_find_identifiers(const fhs_fhir *fhir, const fhs_sparam_def *def)
{
    fhs_type identifier = fhs_type_find(fhir, FHS_LIT("Identifier"));
    fhs_str rest = def->expression;
    bool more = true;
    while (more) {
        fhs_str path;
        fhs_str tail = FHS_STR_NONE;
        more = fhs_str_split(rest, '|', &path, &tail);
        fhs_type type = type_of_path(fhir, fhs_str_trim(more ? path : rest));
        rest = tail;
        if (type == FHS_TYPE_NONE || type == identifier) {
            return true;
        }
    }
    return false;
}

fhirstore_status fhs_query_modifier(fhs_query_parser *parser, const fhs_sparam_def *def,
                                    fhs_str text, fhs_node *node)
{
    for (size_t i = 0; i < FHS_COUNT_OF(modifier_rules); i++) {
        const modifier_rule *rule = &modifier_rules[i];
        if (fhs_str_eq(text, rule->name) && rule_applies(rule, (fhs_sparam_type)def->type, node)) {
            node->modifier = rule->modifier;
            return rule->modifier != FHS_MOD_OF_TYPE ||
                           may_find_identifiers(parser->options->fhir, def)
                       ? FHIRSTORE_OK
                       : fhs_query_fail(parser, FHIRSTORE_ERR_MODIFIER,
                                        "has the modifier :of-type, which is for identifiers");
        }
    }
    fhs_type type = def->type == FHS_SP_REFERENCE
                        ? fhs_query_resource_type(parser->options->fhir, text)
                        : FHS_TYPE_NONE;
    if (type == FHS_TYPE_NONE || !fhs_query_may_target(parser->options->fhir, def, type)) {
        return fail_modifier(parser, (fhs_sparam_type)def->type, node);
    }
    node->modifier = FHS_MOD_TYPE;
    node->target = type;
    return FHIRSTORE_OK;
}
