/* SPDX-License-Identifier: Apache-2.0 */
#include "access/rules.h"

#include <string.h>

#include "access/document.h"
#include "access/mask.h"

static const struct {
    fhs_str name;
    uint32_t bit;
} data_actions[] = {
    {FHS_LIT_INIT("read"), FHS_DATA_READ},
    {FHS_LIT_INIT("search"), FHS_DATA_SEARCH},
    {FHS_LIT_INIT("create"), FHS_DATA_CREATE},
    {FHS_LIT_INIT("update"), FHS_DATA_UPDATE},
    {FHS_LIT_INIT("delete"), FHS_DATA_DELETE},
    {FHS_LIT_INIT("hardDelete"), FHS_DATA_HARD_DELETE},
    {FHS_LIT_INIT("export"), FHS_DATA_EXPORT},
    {FHS_LIT_INIT("import"), FHS_DATA_IMPORT},
    {FHS_LIT_INIT("reindex"), FHS_DATA_REINDEX},
    {FHS_LIT_INIT("validate"), FHS_DATA_VALIDATE},
    {FHS_LIT_INIT("convert"), FHS_DATA_CONVERT},
    {FHS_LIT_INIT("manageSearchParameters"), FHS_DATA_MANAGE_SEARCH_PARAMETERS},
    {FHS_LIT_INIT("history"), FHS_DATA_HISTORY},
    {FHS_LIT_INIT("everything"), FHS_DATA_EVERYTHING},
    {FHS_LIT_INIT("audit"), FHS_DATA_AUDIT},
    {FHS_LIT_INIT("operation"), FHS_DATA_OPERATION},
    {FHS_LIT_INIT("shred"), FHS_DATA_SHRED},
    {FHS_LIT_INIT("*"), FHS_DATA_ALL},
};

static fhirstore_status read_actions(const fhs_document *document, const fhs_json *value,
                                     uint32_t *out)
{
    if (!fhs_json_is(value, FHS_JSON_ARRAY) || value->count == 0) {
        return fhs_document_fail(document, value, "an array of data actions");
    }
    for (size_t i = 0; i < value->count; i++) {
        const fhs_json *item = &value->items[i];
        uint32_t bit = 0;
        for (size_t k = 0; k < FHS_COUNT_OF(data_actions); k++) {
            if (fhs_json_is(item, FHS_JSON_STRING) &&
                fhs_str_eq(item->text, data_actions[k].name)) {
                bit = data_actions[k].bit;
            }
        }
        if (bit == 0) {
            return fhs_document_fail(
                document, item,
                "one of read, search, create, update, delete, hardDelete, "
                "export, import, reindex, validate, convert, "
                "manageSearchParameters, history, everything, audit, operation, shred, *");
        }
        *out |= bit;
    }
    return FHIRSTORE_OK;
}

static bool is_resource_name(const fhs_fhir *fhir, fhs_str name)
{
    fhs_type type = fhs_type_find(fhir, name);
    return fhs_str_eq(name, FHS_LIT("*")) ||
           (type != FHS_TYPE_NONE && fhs_type_is_resource(fhir, type));
}

static fhirstore_status read_rule_types(const fhs_document *document, const fhs_fhir *fhir,
                                        const fhs_json *value, const fhs_str **out,
                                        size_t *count_out)
{
    fhirstore_status status = fhs_document_strings(document, value, false, out, count_out);
    if (status == FHIRSTORE_OK && *count_out == 0) {
        status = fhs_document_fail(document, value, "resource types, or \"*\"");
    }
    for (size_t i = 0; i < *count_out && status == FHIRSTORE_OK; i++) {
        if (!is_resource_name(fhir, (*out)[i])) {
            status = fhs_document_fail(document, &value->items[i], "a resource type, or \"*\"");
        }
    }
    return status;
}

/* "{name}" may stand in a value only, each closed. */
static bool is_template(fhs_str where)
{
    bool in_value = false;
    bool in_braces = false;
    for (size_t i = 0; i < where.len; i++) {
        char c = where.ptr[i];
        if (in_braces) {
            in_braces = c != '}';
            if (c == '{' || c == '&' || c == '=' || c == ',') {
                return false;
            }
        } else if (c == '{') {
            if (!in_value) {
                return false;
            }
            in_braces = true;
        } else if (c == '}') {
            return false;
        } else if (c == '=') {
            in_value = true;
        } else if (c == '&') {
            in_value = false;
        }
    }
    return !in_braces && where.len > 0;
}

static fhirstore_status read_rule(const fhs_document *document, const fhs_fhir *fhir,
                                  const fhs_json *value, fhs_rule *out)
{
    const fhs_json *where = NULL;
    if (!fhs_json_is(value, FHS_JSON_OBJECT)) {
        return fhs_document_fail(document, value, "a rule: an object with actions");
    }
    for (size_t i = 0; i < value->count; i++) {
        const fhs_json_member *member = &value->members[i];
        fhirstore_status status;
        if (fhs_str_eq(member->name, FHS_LIT("actions"))) {
            status = read_actions(document, &member->value, &out->actions);
        } else if (fhs_str_eq(member->name, FHS_LIT("types"))) {
            status = read_rule_types(document, fhir, &member->value, &out->types, &out->type_count);
        } else if (fhs_str_eq(member->name, FHS_LIT("where"))) {
            where = &member->value;
            status = fhs_document_string(document, &member->value, &out->where);
            if (status == FHIRSTORE_OK && !is_template(out->where)) {
                status = fhs_document_fail(document, &member->value,
                                           "a search, with {name} only inside of values");
            }
        } else {
            status = fhs_document_fail(document, &member->value,
                                       "only actions, types and where, not this member");
        }
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    if (out->actions == 0) {
        return fhs_document_fail(document, value, "a rule with actions");
    }
    const char *fault = NULL;
    if (where != NULL && fhs_rule_fault(fhir, document->arena, out, &fault) != FHIRSTORE_OK) {
        return fhs_fail_memory(document->err);
    }
    return fault == NULL ? FHIRSTORE_OK : fhs_document_fail(document, where, fault);
}

static fhirstore_status read_rules(const fhs_document *document, const fhs_fhir *fhir,
                                   const fhs_json *value, const fhs_rule **out, size_t *count_out)
{
    if (!fhs_json_is(value, FHS_JSON_ARRAY)) {
        return fhs_document_fail(document, value, "an array of rules");
    }
    fhs_rule *rules = fhs_arena_calloc(document->arena, value->count + (size_t)1, sizeof *rules);
    if (rules == NULL) {
        return fhs_fail_memory(document->err);
    }
    for (size_t i = 0; i < value->count; i++) {
        fhirstore_status status = read_rule(document, fhir, &value->items[i], &rules[i]);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    *out = rules;
    *count_out = value->count;
    return FHIRSTORE_OK;
}

static fhirstore_status read_flag(const fhs_document *document, const fhs_json *value, bool *out)
{
    *out = fhs_json_is(value, FHS_JSON_TRUE);
    return *out || fhs_json_is(value, FHS_JSON_FALSE)
               ? FHIRSTORE_OK
               : fhs_document_fail(document, value, "true or false");
}

/* ---- elements ---- */

static fhirstore_status check_elements(const fhs_document *document, const fhs_fhir *fhir,
                                       const fhs_json *elements, const fhs_role_mask *mask)
{
    for (size_t i = 0; i < mask->element_count; i++) {
        const char *fault = mask->type_count == 0 ? "an element that some resource type has" : NULL;
        for (size_t t = 0; t < mask->type_count && fault == NULL; t++) {
            fault = fhs_mask_fault(fhir, fhs_type_find(fhir, mask->types[t]), mask->elements[i]);
        }
        for (size_t t = 0; mask->type_count == 0 && fault != NULL && t < fhs_type_count(fhir);
             t++) {
            fault = fhs_type_is_resource(fhir, (fhs_type)t)
                        ? fhs_mask_fault(fhir, (fhs_type)t, mask->elements[i])
                        : fault;
        }
        if (fault != NULL) {
            return fhs_document_fail(document, &elements->items[i], fault);
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status read_role_mask(const fhs_document *document, const fhs_fhir *fhir,
                                       const fhs_json *value, fhs_role_mask *out)
{
    const fhs_json *elements = NULL;
    fhirstore_status status = FHIRSTORE_OK;
    if (!fhs_json_is(value, FHS_JSON_OBJECT)) {
        return fhs_document_fail(document, value, "an object with types and elements");
    }
    for (size_t i = 0; i < value->count && status == FHIRSTORE_OK; i++) {
        const fhs_json_member *member = &value->members[i];
        if (fhs_str_eq(member->name, FHS_LIT("types"))) {
            status = read_rule_types(document, fhir, &member->value, &out->types, &out->type_count);
        } else if (fhs_str_eq(member->name, FHS_LIT("elements"))) {
            elements = &member->value;
            status = fhs_document_strings(document, elements, false, &out->elements,
                                          &out->element_count);
        } else {
            status = fhs_document_fail(document, &member->value,
                                       "only types and elements, not this member");
        }
    }
    if (out->type_count == 1 && fhs_str_eq(out->types[0], FHS_LIT("*"))) {
        out->type_count = 0;
    }
    if (status == FHIRSTORE_OK && out->element_count == 0) {
        status = fhs_document_fail(document, elements == NULL ? value : elements,
                                   "elements: paths such as \"birthDate\"");
    }
    return status == FHIRSTORE_OK ? check_elements(document, fhir, elements, out) : status;
}

static fhirstore_status read_role_masks(const fhs_document *document, const fhs_fhir *fhir,
                                        const fhs_json *value, const fhs_role_mask **out,
                                        size_t *count_out)
{
    if (!fhs_json_is(value, FHS_JSON_ARRAY)) {
        return fhs_document_fail(document, value, "an array of types and elements");
    }
    fhs_role_mask *masks = fhs_arena_calloc(document->arena, value->count + (size_t)1,
                                            sizeof *masks);
    if (masks == NULL) {
        return fhs_fail_memory(document->err);
    }
    *out = masks;
    *count_out = value->count;
    for (size_t i = 0; i < value->count; i++) {
        fhirstore_status status = read_role_mask(document, fhir, &value->items[i], &masks[i]);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}

/* ---- roles ---- */

static fhirstore_status read_role(const fhs_document *document, const fhs_fhir *fhir,
                                  const fhs_json_member *role, fhs_role *out)
{
    if (!fhs_json_is(&role->value, FHS_JSON_OBJECT)) {
        return fhs_document_fail(document, &role->value, "a role: an object with allow and deny");
    }
    out->name = fhs_arena_dup(document->arena, role->name);
    if (out->name.ptr == NULL) {
        return fhs_fail_memory(document->err);
    }
    for (size_t i = 0; i < role->value.count; i++) {
        const fhs_json_member *member = &role->value.members[i];
        fhirstore_status status;
        if (fhs_str_eq(member->name, FHS_LIT("allow"))) {
            status = read_rules(document, fhir, &member->value, &out->allow, &out->allow_count);
        } else if (fhs_str_eq(member->name, FHS_LIT("deny"))) {
            status = read_rules(document, fhir, &member->value, &out->deny, &out->deny_count);
        } else if (fhs_str_eq(member->name, FHS_LIT("hide"))) {
            status = read_role_masks(document, fhir, &member->value, &out->hide, &out->hide_count);
        } else if (fhs_str_eq(member->name, FHS_LIT("keep"))) {
            status = read_role_masks(document, fhir, &member->value, &out->keep, &out->keep_count);
        } else if (fhs_str_eq(member->name, FHS_LIT("withinScopes"))) {
            status = read_flag(document, &member->value, &out->within_scopes);
        } else {
            status = fhs_document_fail(
                document, &member->value,
                "only allow, deny, hide, keep and withinScopes, not this member");
        }
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status read_roles(const fhs_document *document, const fhs_fhir *fhir,
                                   const fhs_json *value, fhs_rules *out)
{
    if (!fhs_json_is(value, FHS_JSON_OBJECT)) {
        return fhs_document_fail(document, value, "an object of roles");
    }
    fhs_role *roles = fhs_arena_calloc(document->arena, value->count + (size_t)1, sizeof *roles);
    if (roles == NULL) {
        return fhs_fail_memory(document->err);
    }
    for (size_t i = 0; i < value->count; i++) {
        fhirstore_status status = read_role(document, fhir, &value->members[i], &roles[i]);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    out->roles = roles;
    out->role_count = value->count;
    return FHIRSTORE_OK;
}

static fhirstore_status read_labels(const fhs_document *document, const fhs_json *value,
                                    fhs_rules *out)
{
    if (!fhs_json_is(value, FHS_JSON_OBJECT)) {
        return fhs_document_fail(document, value, "an object with controlled and breakGlass");
    }
    for (size_t i = 0; i < value->count; i++) {
        const fhs_json_member *member = &value->members[i];
        fhirstore_status status;
        if (fhs_str_eq(member->name, FHS_LIT("controlled"))) {
            status = fhs_document_strings(document, &member->value, false, &out->controlled,
                                          &out->controlled_count);
        } else if (fhs_str_eq(member->name, FHS_LIT("breakGlass"))) {
            status = fhs_document_strings(document, &member->value, false, &out->break_glass,
                                          &out->break_glass_count);
        } else {
            status = fhs_document_fail(document, &member->value,
                                       "only controlled and breakGlass, not this member");
        }
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_rules_read(fhs_arena *arena, const fhs_fhir *fhir, fhs_str text,
                                fhs_rules *out, fhirstore_error **err)
{
    fhs_document document = {arena, text, err};
    const fhs_json *root;
    *out = (fhs_rules){.shared_types = true};
    fhirstore_status status = fhs_document_read(&document, &root);
    for (size_t i = 0; status == FHIRSTORE_OK && i < root->count; i++) {
        const fhs_json_member *member = &root->members[i];
        if (fhs_str_eq(member->name, FHS_LIT("roles"))) {
            status = read_roles(&document, fhir, &member->value, out);
        } else if (fhs_str_eq(member->name, FHS_LIT("labels"))) {
            status = read_labels(&document, &member->value, out);
        } else if (fhs_str_eq(member->name, FHS_LIT("sharedTypes"))) {
            status = read_flag(&document, &member->value, &out->shared_types);
        } else {
            status = fhs_document_fail(&document, &member->value,
                                       "only roles, labels and sharedTypes, not this member");
        }
    }
    return status;
}

const fhs_role *fhs_rules_role(const fhs_rules *rules, fhs_str name)
{
    for (size_t i = 0; i < rules->role_count; i++) {
        if (fhs_str_eq(rules->roles[i].name, name)) {
            return &rules->roles[i];
        }
    }
    return NULL;
}

bool fhs_rule_covers(const fhs_rule *rule, uint32_t action, fhs_str type)
{
    if ((rule->actions & action) == 0) {
        return false;
    }
    /* At system level the question is whether there is anything at all; each type is asked for. */
    if (rule->type_count == 0 || type.len == 0) {
        return true;
    }
    for (size_t i = 0; i < rule->type_count; i++) {
        if (fhs_str_eq(rule->types[i], type) || fhs_str_eq(rule->types[i], FHS_LIT("*"))) {
            return true;
        }
    }
    return false;
}

/* After the roles of the managed FHIR services, in the data actions of this library. */
static const char default_roles[] =
    "{\"roles\":{"
    "\"globalReader\":{\"allow\":[{\"actions\":[\"read\",\"search\",\"history\",\"everything\","
    "\"validate\"]}]},"
    "\"globalExporter\":{\"allow\":[{\"actions\":[\"read\",\"search\",\"history\",\"everything\","
    "\"export\"]}]},"
    "\"globalConverter\":{\"allow\":[{\"actions\":[\"read\",\"search\",\"history\",\"everything\","
    "\"convert\"]}]},"
    "\"globalImporter\":{\"allow\":[{\"actions\":[\"read\",\"search\",\"history\",\"everything\","
    "\"import\"]}]},"
    /* Not "all, and hardDelete denied": that would take it from who is globalAdmin as well. */
    "\"globalWriter\":{\"allow\":[{\"actions\":[\"read\",\"search\",\"create\",\"update\","
    "\"delete\","
    "\"export\",\"import\",\"reindex\",\"validate\",\"convert\",\"manageSearchParameters\","
    "\"history\",\"everything\",\"audit\"]}]},"
    "\"globalAdmin\":{\"allow\":[{\"actions\":[\"*\"]}]},"
    "\"smartUser\":{\"allow\":[{\"actions\":[\"*\"]}],\"withinScopes\":true}}}";

fhs_str fhs_rules_default(void)
{
    return fhs_str_of(default_roles, sizeof default_roles - 1);
}
