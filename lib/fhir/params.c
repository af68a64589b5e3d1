/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/tables.h"

size_t fhs_sparam_count(const fhs_fhir *fhir)
{
    return fhir->param_count;
}

fhs_sparam_def fhs_sparam_get(const fhs_fhir *fhir, fhs_sparam param)
{
    if (param >= fhir->param_count) {
        return fhir->extra->defs[param - fhir->param_count];
    }
    const fhs_fhir_param_row *row = &fhir->params[param];
    return (fhs_sparam_def){
        .code = fhs_fhir_text(fhir, row->code),
        .url = fhs_fhir_text(fhir, row->url),
        .expression = fhs_fhir_text(fhir, row->expression),
        .type = row->type,
        .base_count = row->base_count,
        .bases = fhir->type_lists + row->bases,
        .target_count = row->target_count,
        .targets = fhir->type_lists + row->targets,
        .component_count = row->component_count,
        .components = fhir->components + row->components,
    };
}

/* Among @a count parameters sorted by code. */
static fhs_sparam find_param_in_list(const fhs_fhir *fhir, const fhs_sparam *list, size_t count,
                                     fhs_str code)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        fhs_str at_middle = fhs_fhir_text(fhir, fhir->params[list[middle]].code);
        int order = fhs_str_compare(at_middle, code);
        if (order == 0) {
            return list[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return FHS_SPARAM_NONE;
}

/* Among those of fhs_fhir_extend(): few, and asked for when the tables have none. */
static fhs_sparam find_extra_param(const fhs_fhir *fhir, fhs_type type, fhs_str code)
{
    const fhs_sparam *list = NULL;
    size_t count = fhs_sparam_has_extra(fhir, type) ? fhs_sparam_list(fhir, type, &list) : 0;
    for (size_t i = count; i-- > 0 && list[i] >= fhir->param_count;) {
        if (fhs_str_eq(fhs_sparam_get(fhir, list[i]).code, code)) {
            return list[i];
        }
    }
    return FHS_SPARAM_NONE;
}

fhs_sparam fhs_sparam_find(const fhs_fhir *fhir, fhs_type type, fhs_str code)
{
    const fhs_type asked = type;
    while (type != FHS_TYPE_NONE) {
        const fhs_fhir_type_row *row = &fhir->types[type];
        fhs_sparam found = find_param_in_list(fhir, fhir->param_lists + row->params,
                                              row->own_params, code);
        if (found != FHS_SPARAM_NONE) {
            return found;
        }
        type = row->parent;
    }
    return find_extra_param(fhir, asked, code);
}

fhs_sparam fhs_sparam_find_url(const fhs_fhir *fhir, fhs_str url)
{
    size_t low = 0;
    size_t high = fhir->param_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = fhs_str_compare(fhs_fhir_text(fhir, fhir->params[middle].url), url);
        if (order == 0) {
            return (fhs_sparam)middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (size_t i = 0; i < fhs_sparam_extra_count(fhir); i++) {
        if (fhs_str_eq(fhir->extra->defs[i].url, url)) {
            return (fhs_sparam)(fhir->param_count + i);
        }
    }
    return FHS_SPARAM_NONE;
}

size_t fhs_sparam_list(const fhs_fhir *fhir, fhs_type type, const fhs_sparam **list_out)
{
    if (fhs_sparam_has_extra(fhir, type)) {
        *list_out = fhir->extra->lists[type];
        return fhir->extra->list_counts[type];
    }
    const fhs_fhir_type_row *row = &fhir->types[type];
    *list_out = fhir->param_lists + row->params;
    return row->param_count;
}

fhs_str fhs_sparam_type_name(fhs_sparam_type type)
{
    static const fhs_str names[] = {
        [FHS_SP_NUMBER] = FHS_LIT_INIT("number"),
        [FHS_SP_DATE] = FHS_LIT_INIT("date"),
        [FHS_SP_STRING] = FHS_LIT_INIT("string"),
        [FHS_SP_TOKEN] = FHS_LIT_INIT("token"),
        [FHS_SP_REFERENCE] = FHS_LIT_INIT("reference"),
        [FHS_SP_COMPOSITE] = FHS_LIT_INIT("composite"),
        [FHS_SP_QUANTITY] = FHS_LIT_INIT("quantity"),
        [FHS_SP_URI] = FHS_LIT_INIT("uri"),
        [FHS_SP_SPECIAL] = FHS_LIT_INIT("special"),
    };
    return names[type];
}

bool fhs_sparam_may_target(const fhs_fhir *fhir, const fhs_sparam_def *def, fhs_type type)
{
    for (size_t i = 0; i < def->target_count; i++) {
        if (fhs_type_is_a(fhir, type, def->targets[i])) {
            return true;
        }
    }
    return def->target_count == 0;
}

bool fhs_sparam_is_phonetic(const fhs_fhir *fhir, fhs_sparam param)
{
    fhs_sparam_def def = fhs_sparam_get(fhir, param);
    return def.type == FHS_SP_STRING && fhs_str_eq(def.code, FHS_LIT("phonetic"));
}
