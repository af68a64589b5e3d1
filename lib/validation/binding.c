/* SPDX-License-Identifier: Apache-2.0 */
/* Codes against the value sets of required bindings. */
#include "validation/validation_internal.h"

#define NO_BINDING UINT16_MAX

/* Whether "code" of a Coding or Quantity is in the value set, with the system that it has there. */
static bool is_bound_coding(const fhs_check *check, uint16_t binding, const fhs_json *coding)
{
    fhs_str code;
    fhs_str system;
    if (coding->type != FHS_JSON_OBJECT || !fhs_json_get_string(coding, FHS_LIT("code"), &code) ||
        !fhs_binding_has_code(check->fhir, binding, code)) {
        return false;
    }
    fhs_str wanted = fhs_binding_system(check->fhir, binding, code);
    return wanted.len == 0 ||
           (fhs_json_get_string(coding, FHS_LIT("system"), &system) && fhs_str_eq(system, wanted));
}

/* Of several codings, one is enough. */
static bool is_bound_concept(const fhs_check *check, uint16_t binding, const fhs_json *concept)
{
    const fhs_json *codings = concept->type == FHS_JSON_OBJECT
                                  ? fhs_json_get(concept, FHS_LIT("coding"))
                                  : NULL;
    if (!fhs_json_is(codings, FHS_JSON_ARRAY)) {
        return false;
    }
    for (uint32_t i = 0; i < codings->count; i++) {
        if (is_bound_coding(check, binding, &codings->items[i])) {
            return true;
        }
    }
    return false;
}

/* A concept that says nothing but an extension (why it is absent, say) is let through. */
static bool has_only_extensions(const fhs_json *value)
{
    return value->type == FHS_JSON_OBJECT && value->count == 1 &&
           fhs_json_get(value, FHS_LIT("extension")) != NULL;
}

void fhs_check_binding(fhs_check *check, const fhs_place *at, fhs_type type, const fhs_json *value)
{
    const fhs_property *property = at->property;
    uint16_t binding = fhs_element_at(check->fhir, property->owner, property->element).binding;
    if (binding == NO_BINDING) {
        return;
    }
    bool is_bound = true;
    if (type == check->codeable_concept) {
        is_bound = is_bound_concept(check, binding, value);
    } else if (type == check->coding || type == check->quantity) {
        is_bound = is_bound_coding(check, binding, value);
    } else if (fhs_check_is_primitive(check, type) && value->type == FHS_JSON_STRING) {
        is_bound = fhs_binding_has_code(check->fhir, binding, value->text);
    }
    if (!is_bound && !has_only_extensions(value)) {
        fhs_str name = fhs_place_name(at);
        fhs_str value_set = fhs_binding_value_set(check->fhir, binding);
        fhs_check_fault(check, at, "code-invalid", "%.*s must have a code of %.*s",
                        FHS_STR_ARG(name), FHS_STR_ARG(value_set));
    }
}
