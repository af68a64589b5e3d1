/* SPDX-License-Identifier: Apache-2.0 */
#include "fhir/tables.h"

static size_t find_bound_code(const fhs_fhir *fhir, const fhs_fhir_binding_row *row, fhs_str code)
{
    return fhs_fhir_text_find(fhir, fhir->binding_codes + row->codes, row->code_count, code);
}

bool fhs_binding_has_code(const fhs_fhir *fhir, uint16_t binding, fhs_str code)
{
    const fhs_fhir_binding_row *row = &fhir->bindings[binding];
    return row->open != 0 || find_bound_code(fhir, row, code) < row->code_count;
}

fhs_str fhs_binding_system(const fhs_fhir *fhir, uint16_t binding, fhs_str code)
{
    const fhs_fhir_binding_row *row = &fhir->bindings[binding];
    size_t at = find_bound_code(fhir, row, code);
    if (at == row->code_count) {
        /* Not listed: known only where every code there can be is of one system. */
        return fhs_fhir_text(fhir, row->open != 0 ? row->system : 0);
    }
    if (row->systems == FHS_FHIR_NONE) {
        return fhs_fhir_text(fhir, row->system);
    }
    return fhs_fhir_text(fhir, fhir->binding_systems[row->systems + at]);
}

fhs_str fhs_binding_value_set(const fhs_fhir *fhir, uint16_t binding)
{
    return fhs_fhir_text(fhir, fhir->bindings[binding].value_set);
}

bool fhs_system_is_case_sensitive(const fhs_fhir *fhir, fhs_str system)
{
    return fhs_fhir_text_find(fhir, fhir->systems, fhir->system_count, system) < fhir->system_count;
}
