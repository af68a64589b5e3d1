/* SPDX-License-Identifier: Apache-2.0 */
/* _list and _in: those that a List, Group or CareTeam names. */
#include "query/query_internal.h"

#include "base/instant.h"

bool fhs_query_is_membership(fhs_str code)
{
    return fhs_str_eq(code, FHS_LIT("_list")) || fhs_str_eq(code, FHS_LIT("_in"));
}

static bool may_contain(const fhs_fhir *fhir, fhs_type type, bool is_list)
{
    fhs_str name = fhs_type_name(fhir, type);
    return fhs_str_eq(name, FHS_LIT("List")) ||
           (!is_list &&
            (fhs_str_eq(name, FHS_LIT("Group")) || fhs_str_eq(name, FHS_LIT("CareTeam"))));
}

static fhirstore_status read_member_value(fhs_query_parser *parser, bool is_list, fhs_str raw,
                                          fhs_value *value)
{
    const fhs_fhir *fhir = parser->options->fhir;
    fhs_reference reference;
    fhs_str text;
    fhirstore_status status = fhs_query_value_text(parser, raw, &text);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (is_list && text.len > 0 && text.ptr[0] == '$') {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "expects the id of a List; lists that a server makes up, such as "
                              "$current-problems, are not known here");
    }
    bool is_known = fhs_query_reference_parse(parser, text, &reference) &&
                    reference.version.len == 0 && reference.id.len > 0;
    if (is_known && reference.is_local) {
        is_known = may_contain(fhir, reference.type, is_list);
    } else if (is_known) {
        is_known = is_list || fhs_id_is_valid(text);
        reference.type = is_list ? fhs_type_find(fhir, FHS_LIT("List")) : FHS_TYPE_NONE;
    }
    if (!is_known) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              is_list ? "expects the id of a List"
                                      : "expects Group/id, CareTeam/id or List/id");
    }
    value->text = text;
    value->ref_type = reference.type;
    value->ref_id = reference.id;
    value->lo = value->hi = fhs_ticks_from_us(parser->options->now_us);
    return FHIRSTORE_OK;
}

fhirstore_status fhs_query_membership(fhs_query_parser *parser, fhs_type type, fhs_str name,
                                      fhs_str text, fhs_node **out)
{
    fhs_node *node = NULL;
    const bool is_list = fhs_str_eq(name, FHS_LIT("_list"));
    if (!fhs_query_is_membership(name)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_MODIFIER,
                              "has a modifier that does not apply; it takes none");
    }
    size_t count = fhs_query_count_items(text);
    fhirstore_status status = fhs_query_new_values(parser, count);
    if (status == FHIRSTORE_OK) {
        status = fhs_query_new_node(parser, FHS_NODE_MEMBER, type, &node);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    node->code = name;
    node->param_type = FHS_SP_REFERENCE;
    node->values = fhs_arena_calloc(parser->arena, count, sizeof(*node->values));
    if (node->values == NULL) {
        return fhs_fail_memory(parser->err);
    }
    bool more = true;
    while (more && status == FHIRSTORE_OK) {
        fhs_str item;
        more = fhs_query_split(text, ',', &item, &text);
        if (item.len > 0) {
            status = read_member_value(parser, is_list, item, &node->values[node->value_count++]);
        }
    }
    *out = node;
    return status;
}
