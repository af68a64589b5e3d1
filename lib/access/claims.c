/* SPDX-License-Identifier: Apache-2.0 */
#include "access/claims.h"

#include "access/document.h"

static fhirstore_status read_claim_attributes(const fhs_document *document, const fhs_json *value,
                                              fhs_claims *out)
{
    if (!fhs_json_is(value, FHS_JSON_OBJECT)) {
        return fhs_document_fail(document, value, "an object of attributes");
    }
    fhs_claim *claims = fhs_arena_calloc(document->arena, value->count + (size_t)1, sizeof *claims);
    if (claims == NULL) {
        return fhs_fail_memory(document->err);
    }
    for (size_t i = 0; i < value->count; i++) {
        const fhs_json_member *member = &value->members[i];
        claims[i].name = fhs_arena_dup(document->arena, member->name);
        if (claims[i].name.ptr == NULL) {
            return fhs_fail_memory(document->err);
        }
        fhirstore_status status = fhs_document_strings(document, &member->value, true,
                                                       &claims[i].values, &claims[i].count);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    out->attributes = claims;
    out->attribute_count = value->count;
    return FHIRSTORE_OK;
}

static fhirstore_status read_claim(const fhs_document *document, const fhs_json_member *member,
                                   fhs_claims *out)
{
    const struct {
        fhs_str name;
        fhs_str *out;
    } texts[] = {
        {FHS_LIT("id"), &out->id},           {FHS_LIT("fhirUser"), &out->fhir_user},
        {FHS_LIT("patient"), &out->patient}, {FHS_LIT("purpose"), &out->purpose},
        {FHS_LIT("scope"), &out->scope},
    };
    for (size_t i = 0; i < FHS_COUNT_OF(texts); i++) {
        if (fhs_str_eq(member->name, texts[i].name)) {
            out->has_scope = out->has_scope || texts[i].out == &out->scope;
            return fhs_document_string(document, &member->value, texts[i].out);
        }
    }
    if (fhs_str_eq(member->name, FHS_LIT("roles"))) {
        return fhs_document_strings(document, &member->value, false, &out->roles, &out->role_count);
    }
    if (fhs_str_eq(member->name, FHS_LIT("clearance"))) {
        return fhs_document_strings(document, &member->value, false, &out->clearance,
                                    &out->clearance_count);
    }
    if (fhs_str_eq(member->name, FHS_LIT("attributes"))) {
        return read_claim_attributes(document, &member->value, out);
    }
    return fhs_document_fail(document, &member->value,
                             "only id, fhirUser, roles, scope, patient, purpose, clearance and "
                             "attributes, not this member");
}

/* The last two steps of a URL: "https://x/fhir/Practitioner/7" is "Practitioner/7". */
static fhs_str relative_part(fhs_str reference)
{
    size_t slashes = 0;
    for (size_t i = reference.len; i > 0; i--) {
        if (reference.ptr[i - 1] == '/' && ++slashes == 2) {
            return fhs_str_from(reference, i);
        }
    }
    return reference;
}

fhirstore_status fhs_claims_read(fhs_arena *arena, fhs_str text, fhs_claims *out,
                                 fhirstore_error **err)
{
    fhs_document document = {arena, text, err};
    const fhs_json *root;
    *out = (fhs_claims){0};
    fhirstore_status status = fhs_document_read(&document, &root);
    for (size_t i = 0; status == FHIRSTORE_OK && i < root->count; i++) {
        status = read_claim(&document, &root->members[i], out);
    }
    out->fhir_user = relative_part(out->fhir_user);
    if (fhs_str_starts_with(out->patient, FHS_LIT("Patient/"))) {
        out->patient = fhs_str_from(out->patient, FHS_LIT("Patient/").len);
    }
    return status;
}

size_t fhs_claims_values(const fhs_claims *claims, fhs_str name, const fhs_str **values_out)
{
    const struct {
        fhs_str name;
        const fhs_str *value;
    } own[] = {
        {FHS_LIT("id"), &claims->id},
        {FHS_LIT("fhirUser"), &claims->fhir_user},
        {FHS_LIT("patient"), &claims->patient},
        {FHS_LIT("purpose"), &claims->purpose},
    };
    for (size_t i = 0; i < claims->attribute_count; i++) {
        if (fhs_str_eq(claims->attributes[i].name, name)) {
            *values_out = claims->attributes[i].values;
            return claims->attributes[i].count;
        }
    }
    for (size_t i = 0; i < FHS_COUNT_OF(own); i++) {
        if (fhs_str_eq(own[i].name, name) && own[i].value->len > 0) {
            *values_out = own[i].value;
            return 1;
        }
    }
    return 0;
}
