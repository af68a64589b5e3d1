/* SPDX-License-Identifier: Apache-2.0 */
/* Which references are followed from resources of a type, and what of a type may be seen. */
#include <stdlib.h>

#include "search/include.h"
#include "search/late.h"

fhirstore_status fhs_include_type_of(fhs_gathering *gathering, int32_t number,
                                     fhs_include_type **out)
{
    fhs_search *search = gathering->search;
    *out = NULL;
    for (size_t i = 0; i < gathering->type_count; i++) {
        if (gathering->types[i]->number == number) {
            *out = gathering->types[i];
            return FHIRSTORE_OK;
        }
    }
    fhs_include_type **types = fhs_search_grow(search, gathering->types, gathering->type_count,
                                               &gathering->type_capacity, sizeof(*types));
    fhs_include_type *type = fhs_arena_calloc(&search->arena, 1, sizeof(*type));
    if (types == NULL || type == NULL) {
        return fhs_search_no_memory(search);
    }
    type->number = number;
    type->type = fhs_catalog_type_back(search->env.catalog, number);
    gathering->types = types;
    types[gathering->type_count++] = type;
    *out = type;
    return FHIRSTORE_OK;
}

/* ---- what may be seen ---- */

fhirstore_status fhs_include_judge(fhs_gathering *gathering, fhs_include_type *type)
{
    const fhs_test *test;
    if (type->is_judged) {
        return FHIRSTORE_OK;
    }
    type->is_judged = true;
    fhirstore_status status = fhs_compile_restriction(gathering->search, type->type, &test);
    if (status == FHIRSTORE_OK && test != NULL) {
        type->is_hidden = test->kind == FHS_TEST_FALSE;
        type->restriction = test->kind == FHS_TEST_TRUE ? NULL : test;
    }
    return status;
}

fhirstore_status fhs_include_count(fhs_gathering *gathering, fhs_include_type *type)
{
    fhs_search *search = gathering->search;
    fhs_range range = {.shape = FHS_RANGE_TYPE};
    int64_t count;
    if (type->is_counted) {
        return FHIRSTORE_OK;
    }
    type->is_counted = true;
    fhs_arg_int(&range, type->number);
    fhirstore_status status = fhs_sql_count(search, &range, 1, &count);
    if (status != FHIRSTORE_OK || count == 0) {
        return status;
    }
    type->is_held = true;
    return fhs_url_params_find(search, type->type, &type->called);
}

/* ---- rules ---- */

static bool has_url(const fhs_fhir *fhir, fhs_type type)
{
    fhs_sparam url = fhs_type_is_resource(fhir, type) ? fhs_sparam_find(fhir, type, FHS_LIT("url"))
                                                      : FHS_SPARAM_NONE;
    return url != FHS_SPARAM_NONE && fhs_sparam_get(fhir, url).type == FHS_SP_URI;
}

/* Whether some type that the reference may have goes by a canonical url. */
static bool may_be_canonical(const fhs_fhir *fhir, const fhs_sparam_def *def, fhs_type target)
{
    if (target != FHS_TYPE_NONE) {
        return has_url(fhir, target);
    }
    for (size_t i = 0; i < def->target_count; i++) {
        if (fhs_type_is_abstract(fhir, def->targets[i]) || has_url(fhir, def->targets[i])) {
            return true;
        }
    }
    return def->target_count == 0;
}

static fhirstore_status add_rule(fhs_search *search, fhs_include_rules *rules,
                                 const fhs_include *include, fhs_type source, fhs_sparam param,
                                 const fhs_sparam_def *def, int32_t other)
{
    fhs_include_rule rule = {.param = param, .other = other, .iterate = include->iterate};
    fhirstore_status status = fhs_catalog_param(search->env.catalog, search->conn, source, param,
                                                &rule.number, search->err);
    if (status != FHIRSTORE_OK || rule.number == 0) {
        return status;
    }
    status = fhs_late_prepare_param(search, source, rule.number, def->code, &rule.is_late);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    rule.by_canonical = !include->is_reverse &&
                        may_be_canonical(search->env.fhir, def, include->target);
    fhs_include_rule *items = fhs_search_grow(search, rules->items, rules->count, &rules->capacity,
                                              sizeof(*items));
    if (items == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    items[rules->count++] = rule;
    rules->items = items;
    rules->iterate = rules->iterate || rule.iterate;
    return FHIRSTORE_OK;
}

/* The include's references from @a source, to @a target where that is a type. */
static fhirstore_status add_rules(fhs_search *search, fhs_include_rules *rules,
                                  const fhs_include *include, fhs_type source, fhs_type target,
                                  int32_t other)
{
    const fhs_fhir *fhir = search->env.fhir;
    const fhs_sparam *list = &include->param;
    fhirstore_status status = FHIRSTORE_OK;
    size_t count = 1;
    if (include->param == FHS_SPARAM_NONE) {
        count = fhs_sparam_list(fhir, source, &list);
    }
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        fhs_sparam_def def = fhs_sparam_get(fhir, list[i]);
        if (def.type == FHS_SP_REFERENCE && def.expression.len > 0 &&
            !fhs_search_is_hidden(search, source, list[i]) &&
            (target == FHS_TYPE_NONE || fhs_sparam_may_target(fhir, &def, target))) {
            status = add_rule(search, rules, include, source, list[i], &def, other);
        }
    }
    return status;
}

static fhirstore_status add_forward(fhs_search *search, const fhs_include *include,
                                    fhs_include_type *type)
{
    int32_t wanted = 0;
    if (include->source != FHS_TYPE_NONE && include->source != type->type) {
        return FHIRSTORE_OK;
    }
    if (include->target != FHS_TYPE_NONE) {
        wanted = fhs_catalog_type(search->env.catalog, include->target);
        if (wanted == 0) {
            return FHIRSTORE_OK;
        }
    }
    return add_rules(search, &type->out, include, type->type, include->target, wanted);
}

/* References from resources of one type back to @a type. */
static fhirstore_status add_reverse_from(fhs_gathering *gathering, const fhs_include *include,
                                         fhs_type from, fhs_include_type *type)
{
    fhs_include_type *source;
    int32_t number = fhs_type_is_resource(gathering->search->env.fhir, from)
                         ? fhs_catalog_type(gathering->search->env.catalog, from)
                         : 0;
    if (number == 0) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_include_type_of(gathering, number, &source);
    if (status == FHIRSTORE_OK) {
        status = fhs_include_count(gathering, source);
    }
    if (status == FHIRSTORE_OK && source->is_held) {
        status = fhs_include_judge(gathering, source);
    }
    if (status != FHIRSTORE_OK || !source->is_held || source->is_hidden) {
        return status;
    }
    return add_rules(gathering->search, &type->in, include, from, type->type, number);
}

static fhirstore_status add_reverse(fhs_gathering *gathering, const fhs_include *include,
                                    fhs_include_type *type)
{
    fhirstore_status status = FHIRSTORE_OK;
    if (include->target != FHS_TYPE_NONE && include->target != type->type) {
        return FHIRSTORE_OK;
    }
    if (include->source != FHS_TYPE_NONE) {
        return add_reverse_from(gathering, include, include->source, type);
    }
    size_t count = fhs_type_count(gathering->search->env.fhir);
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        status = add_reverse_from(gathering, include, (fhs_type)i, type);
    }
    return status;
}

static int compare_rules(const void *a, const void *b)
{
    uint32_t x = ((const fhs_include_rule *)a)->number;
    uint32_t y = ((const fhs_include_rule *)b)->number;
    return x < y ? -1 : x > y;
}

fhirstore_status fhs_include_rules_of(fhs_gathering *gathering, fhs_include_type *type)
{
    const fhs_query *query = gathering->search->query;
    fhirstore_status status = FHIRSTORE_OK;
    if (type->has_rules) {
        return FHIRSTORE_OK;
    }
    type->has_rules = true;
    for (size_t i = 0; i < query->include_count && status == FHIRSTORE_OK; i++) {
        status = query->includes[i].is_reverse
                     ? add_reverse(gathering, &query->includes[i], type)
                     : add_forward(gathering->search, &query->includes[i], type);
    }
    if (type->out.count > 0) {
        qsort(type->out.items, type->out.count, sizeof(*type->out.items), compare_rules);
    }
    return status;
}

/* Those that are named. What a wildcard means is found out when a resource is met. */
fhirstore_status fhs_include_check(fhs_search *search)
{
    const fhs_query *query = search->query;
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < query->include_count && status == FHIRSTORE_OK; i++) {
        const fhs_include *include = &query->includes[i];
        fhs_include_rules unused = {.items = NULL};
        if (include->source != FHS_TYPE_NONE && include->param != FHS_SPARAM_NONE) {
            status = add_rules(search, &unused, include, include->source, FHS_TYPE_NONE, 0);
        }
    }
    return status;
}
