/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/place.h"

#include "fhir/reference.h"

static fhirstore_status find_place_type(const fhs_fhir *fhir, fhs_str name, fhs_type *out,
                                        fhirstore_error **err)
{
    *out = fhs_type_find(fhir, name);
    return *out == FHS_TYPE_NONE || !fhs_type_is_resource(fhir, *out)
               ? fhs_fail_plain(err, FHIRSTORE_ERR_UNKNOWN_TYPE)
               : FHIRSTORE_OK;
}

fhirstore_status fhs_place_in(const fhs_fhir *fhir, fhs_type focus_type, fhs_str id,
                              fhs_str type_name, fhs_place *out, fhirstore_error **err)
{
    const fhs_str focus_name = fhs_type_name(fhir, focus_type);
    *out = (fhs_place){.type = FHS_TYPE_NONE, .has_focus = true, .focus = {.id = id}};
    if (!fhs_compartment_find(focus_name, &out->focus.compartment)) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_FOUND,
                        "only Patient, Encounter, RelatedPerson, Practitioner and Device have "
                        "compartments");
    }
    if (!fhs_id_is_valid(id)) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_FOUND, "no such address");
    }
    /* Some clients escape the star. */
    bool is_all = fhs_str_eq(type_name, FHS_LIT("*")) ||
                  fhs_str_eq_ascii_case(type_name, FHS_LIT("%2A"));
    return is_all ? FHIRSTORE_OK : find_place_type(fhir, type_name, &out->type, err);
}

fhirstore_status fhs_place_parse(const fhs_fhir *fhir, fhs_str text, fhs_place *out,
                                 fhirstore_error **err)
{
    fhs_str focus_name;
    fhs_str id;
    fhs_str rest;
    fhs_type focus_type;
    *out = (fhs_place){.type = FHS_TYPE_NONE};
    if (text.len == 0) {
        return FHIRSTORE_OK;
    }
    if (!fhs_str_split(text, '/', &focus_name, &rest)) {
        return find_place_type(fhir, text, &out->type, err);
    }
    fhirstore_status status = find_place_type(fhir, focus_name, &focus_type, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (!fhs_str_split(rest, '/', &id, &rest)) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_FOUND,
                        "a search is in a type or in a compartment (Patient/1/Observation)");
    }
    return fhs_place_in(fhir, focus_type, id, rest, out, err);
}

void fhs_place_write_path(const fhs_fhir *fhir, const fhs_place *place, fhs_buf *out)
{
    if (place->has_focus) {
        fhs_buf_add_str(out, fhs_compartment_name(place->focus.compartment));
        fhs_buf_add_char(out, '/');
        fhs_buf_add_str(out, place->focus.id);
        fhs_buf_add_char(out, '/');
    }
    if (place->type != FHS_TYPE_NONE) {
        fhs_buf_add_str(out, fhs_type_name(fhir, place->type));
    } else if (place->has_focus) {
        fhs_buf_add_char(out, '*');
    }
}

void fhs_place_write_query(const fhs_place *place, fhs_str query, fhs_buf *out)
{
    if (place->has_focus) {
        fhs_buf_add_cstr(out, "_compartment=");
        fhs_buf_add_str(out, fhs_compartment_name(place->focus.compartment));
        fhs_buf_add_char(out, '/');
        fhs_buf_add_str(out, place->focus.id);
        fhs_buf_add_cstr(out, query.len > 0 ? "&" : "");
    }
    fhs_buf_add_str(out, query);
}
