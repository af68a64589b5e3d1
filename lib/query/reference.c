/* SPDX-License-Identifier: Apache-2.0 */
/* Values of references, and the hierarchies that :above and :below follow. */
#include "query/query_internal.h"

fhs_sparam fhs_query_hierarchy(const fhs_fhir *fhir, fhs_type type, fhs_sparam param,
                               fhs_type target)
{
    static const fhs_str codes[] = {FHS_LIT_INIT("partof"), FHS_LIT_INIT("part-of"),
                                    FHS_LIT_INIT("parent")};
    for (size_t i = 0; i < FHS_COUNT_OF(codes); i++) {
        fhs_sparam own = fhs_sparam_find(fhir, target, codes[i]);
        if (own != FHS_SPARAM_NONE) {
            fhs_sparam_def def = fhs_sparam_get(fhir, own);
            if (def.type == FHS_SP_REFERENCE && def.target_count > 0 &&
                fhs_query_may_target(fhir, &def, target)) {
                return own;
            }
        }
    }
    if (type != target || param == FHS_SPARAM_NONE) {
        return FHS_SPARAM_NONE;
    }
    fhs_sparam_def def = fhs_sparam_get(fhir, param);
    return def.target_count > 0 && fhs_query_may_target(fhir, &def, target) ? param
                                                                            : FHS_SPARAM_NONE;
}

/* A bare id may mean any type that the parameter refers to. */
static bool has_hierarchy(const fhs_fhir *fhir, const fhs_node *leaf, fhs_type target)
{
    if (target != FHS_TYPE_NONE) {
        return fhs_query_hierarchy(fhir, leaf->type, leaf->param, target) != FHS_SPARAM_NONE;
    }
    fhs_sparam_def def = fhs_sparam_get(fhir, leaf->param);
    size_t count = fhs_type_count(fhir);
    for (size_t i = 0; i < count; i++) {
        fhs_type type = (fhs_type)i;
        if (fhs_type_is_resource(fhir, type) && fhs_query_may_target(fhir, &def, type) &&
            fhs_query_hierarchy(fhir, leaf->type, leaf->param, type) != FHS_SPARAM_NONE) {
            return true;
        }
    }
    return false;
}

/* :above and :below go by versions of a canonical, and by the hierarchy of what is here. */
static fhirstore_status check_hierarchy(fhs_query_parser *parser, const fhs_node *leaf,
                                        const fhs_value *value)
{
    if (value->ref_version.len > 0) {
        return FHIRSTORE_OK;
    }
    if (value->is_url) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "has the modifier :above or :below, which expects url|version or "
                              "Type/id");
    }
    return has_hierarchy(parser->options->fhir, leaf, value->ref_type)
               ? FHIRSTORE_OK
               : fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                                "has the modifier :above or :below, which expects a type that is "
                                "part of its own kind, such as Location or Organization");
}

static fhirstore_status check_named_type(fhs_query_parser *parser, const fhs_node *leaf,
                                         const fhs_reference *reference, fhs_value *value)
{
    if (reference->is_local && reference->type != leaf->target) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "names one type by its modifier and another by its value");
    }
    value->ref_type = value->is_url ? FHS_TYPE_NONE : leaf->target;
    return FHIRSTORE_OK;
}

bool fhs_query_reference_parse(const fhs_query_parser *parser, fhs_str text, fhs_reference *out)
{
    const fhs_query_options *options = parser->options;
    const bool is_below_link = options->link_base.len > 0 &&
                               fhs_str_starts_with(text, options->link_base) &&
                               text.len > options->link_base.len + 1 &&
                               text.ptr[options->link_base.len] == '/';
    return fhs_reference_parse(options->fhir,
                               is_below_link ? options->link_base : options->base_url, text, out);
}

fhirstore_status fhs_query_reference_value(fhs_query_parser *parser, const fhs_node *leaf,
                                           fhs_str raw, fhs_value *value)
{
    fhs_reference reference;
    fhs_str text;
    fhirstore_status status = fhs_query_value_text(parser, raw, &text);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (!fhs_query_reference_parse(parser, text, &reference)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE, "expects a reference");
    }
    bool is_id = !reference.is_local && reference.id.len > 0;
    value->ref_type = reference.type;
    value->ref_version = reference.version;
    value->is_url = !reference.is_local && !is_id;
    value->ref_id = value->is_url ? reference.url : reference.id;
    if (leaf->modifier == FHS_MOD_TYPE) {
        return check_named_type(parser, leaf, &reference, value);
    }
    bool is_tree = leaf->modifier == FHS_MOD_ABOVE || leaf->modifier == FHS_MOD_BELOW;
    return is_tree ? check_hierarchy(parser, leaf, value) : FHIRSTORE_OK;
}
