/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#include <string.h>

#include "base/compiler.h"

#define DEPTH_MAX 7
/* Deeper than this, only what is needed to be something. */
#define WIDE_DEPTH 4

typedef struct maker {
    const fhs_fhir *fhir;
    fhs_type resource;
    uint32_t variant;
    uint32_t serial; /* makes values differ */
    fhs_buf *out;
} maker;

static void make_value(maker *make, fhs_str name, fhs_type type, uint32_t item, int depth);

/* Codes that conditions in expressions ask for, and two that none does. */
static const char *const codes[] = {"depends-on", "composed-of", "derived-from", "predecessor",
                                    "successor",  "phone",       "email",        "male",
                                    "final",      "other"};

static const char *const targets[] = {"Patient/a",
                                      "Practitioner/b",
                                      "Location/c",
                                      "Group/d",
                                      "Device/e",
                                      "Encounter/f",
                                      "Substance/g",
                                      "RelatedPerson/h",
                                      "MedicinalProductDefinition/i",
                                      "Patient/j/_history/1",
                                      "http://elsewhere.org/fhir/Patient/k",
                                      "Organization/l"};

static const char *const extensions[] = {
    "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName",
    "http://hl7.org/fhir/StructureDefinition/patient-extensions-Patient-mothersMaidenName",
    "http://hl7.org/fhir/StructureDefinition/careteam-alias",
    "http://hl7.org/fhir/StructureDefinition/DiagnosticReport-geneticsAssessedCondition",
    "http://hl7.org/fhir/StructureDefinition/observation-geneticsAminoAcidChangeName",
    "http://hl7.org/fhir/StructureDefinition/observation-geneticsDnaVariant",
    "http://hl7.org/fhir/StructureDefinition/observation-geneticsGene",
    "http://hl7.org/fhir/SearchParameter/device-extensions-Device-din",
    "http://hl7.org/fhir/StructureDefinition/questionnaireresponse-isSubject",
    "http://hl7.org/fhir/StructureDefinition/location-boundary-geojson",
    "http://example.org/fhir/StructureDefinition/participation-agreement"};

static bool is_named(const maker *make, fhs_type type, const char *name)
{
    return fhs_str_eq(fhs_type_name(make->fhir, type), fhs_str_from_cstr(name));
}

static void add_code(maker *make, uint32_t item)
{
    size_t at = (make->variant + item) % FHS_COUNT_OF(codes);
    fhs_buf_addf(make->out, "\"%s\"", codes[at]);
}

static void add_date(maker *make, fhs_type type, uint32_t item)
{
    static const char *const forms[] = {"", "T10:00:00Z", "T10:00:00.1234567+02:00"};
    uint32_t form = is_named(make, type, "date")      ? 0
                    : is_named(make, type, "instant") ? 1
                                                      : (make->variant + item) % 3;
    fhs_buf_addf(make->out, "\"%u-%02u-%02u%s\"", 2000 + make->variant % 20, item % 12 + 1,
                 make->serial++ % 28 + 1, forms[form]);
}

static bool is_number(const maker *make, fhs_type type)
{
    return is_named(make, type, "decimal") || is_named(make, type, "integer") ||
           is_named(make, type, "positiveInt") || is_named(make, type, "unsignedInt");
}

static void make_primitive(maker *make, fhs_str name, fhs_type type, uint32_t item)
{
    if (is_named(make, type, "boolean")) {
        fhs_buf_add_cstr(make->out, (make->variant + item) % 2 == 0 ? "true" : "false");
    } else if (is_number(make, type)) {
        bool is_small = fhs_str_eq(name, FHS_LIT("latitude"));
        fhs_buf_addf(make->out, "%u", is_small ? 45u : make->serial++ % 170);
        fhs_buf_add_cstr(make->out, is_named(make, type, "decimal") ? ".50" : "");
    } else if (is_named(make, type, "code")) {
        add_code(make, item);
    } else if (is_named(make, type, "date") || is_named(make, type, "dateTime") ||
               is_named(make, type, "instant")) {
        add_date(make, type, item);
    } else if (fhs_str_eq(name, FHS_LIT("reference"))) {
        fhs_buf_addf(make->out, "\"%s\"", targets[(make->variant + item) % FHS_COUNT_OF(targets)]);
    } else if (is_named(make, type, "canonical")) {
        fhs_buf_addf(make->out, "\"http://canonical.org/%u|1\"", make->serial++);
    } else if (fhs_str_eq(name, FHS_LIT("data"))) {
        fhs_buf_add_cstr(make->out, "\"1 2.5 E 3\"");
    } else if (is_named(make, type, "xhtml")) {
        fhs_buf_addf(make->out, "\"<div>text %u</div>\"", make->serial++);
    } else {
        fhs_buf_addf(make->out, "\"v%u\"", make->serial++);
    }
}

/* Extension.url by number; elsewhere a url like any other. */
static void make_extension(maker *make, uint32_t item, int depth)
{
    static const char *const kinds[] = {"String", "Reference", "CodeableConcept", "Attachment"};
    size_t at = (make->variant + item) % FHS_COUNT_OF(extensions);
    const char *kind = kinds[(make->variant / 2 + item) % FHS_COUNT_OF(kinds)];
    fhs_type type = fhs_type_find(make->fhir,
                                  kind[0] == 'S' ? FHS_LIT("string") : fhs_str_from_cstr(kind));
    fhs_buf_addf(make->out, "{\"url\":\"%s\",\"value%s\":", extensions[at], kind);
    make_value(make, FHS_LIT("value"), type, item, depth + 1);
    fhs_buf_add_char(make->out, '}');
}

/* What stands inside itself without end, or is another resource. */
static bool is_left_out(const maker *make, const fhs_element *element, int depth)
{
    static const char *const names[] = {"contained", "modifierExtension", "id",      "text",
                                        "meta",      "implicitRules",     "assigner"};
    if (fhs_str_eq(element->name, FHS_LIT("extension"))) {
        return depth > 2;
    }
    if (fhs_str_eq(element->name, FHS_LIT("text")) && depth > 0) {
        return false;
    }
    for (size_t i = 0; i < FHS_COUNT_OF(names); i++) {
        if (fhs_str_eq(element->name, fhs_str_from_cstr(names[i]))) {
            return !(depth == 0 && fhs_str_eq(element->name, FHS_LIT("meta")));
        }
    }
    fhs_type_kind kind = fhs_type_get_kind(make->fhir, element->types[0]);
    return depth > WIDE_DEPTH && kind == FHS_KIND_BACKBONE;
}

static void make_member_name(maker *make, const fhs_element *element, fhs_type type)
{
    fhs_buf_add_char(make->out, '"');
    fhs_buf_add_str(make->out, element->name);
    if ((element->flags & FHS_ELEMENT_CHOICE) != 0) {
        fhs_str name = fhs_type_name(make->fhir, type);
        char first = name.ptr[0];
        fhs_buf_add_char(make->out,
                         first >= 'a' && first <= 'z' ? (char)(first - 'a' + 'A') : first);
        fhs_buf_add_str(make->out, fhs_str_from(name, 1));
    }
    fhs_buf_add_cstr(make->out, "\":");
}

static void make_element(maker *make, const fhs_element *element, bool *is_first, int depth)
{
    if (element->type_count == 0 || is_left_out(make, element, depth)) {
        return;
    }
    /* Some optional choices are absent in some variants. */
    fhs_type type = element->types[make->variant % element->type_count];
    fhs_buf_add_cstr(make->out, *is_first ? "" : ",");
    *is_first = false;
    make_member_name(make, element, type);
    if ((element->flags & FHS_ELEMENT_LIST) == 0) {
        make_value(make, element->name, type, (uint32_t)depth, depth);
        return;
    }
    uint32_t count = depth < 2 ? 2 + make->variant % 2 : 1;
    fhs_buf_add_char(make->out, '[');
    for (uint32_t i = 0; i < count; i++) {
        fhs_buf_add_cstr(make->out, i == 0 ? "" : ",");
        make_value(make, element->name, type, i * 3, depth);
    }
    fhs_buf_add_char(make->out, ']');
}

/* Elements of the ancestors first. */
static void make_elements(maker *make, fhs_type type, bool *is_first, int depth)
{
    fhs_type parent = fhs_type_parent(make->fhir, type);
    if (parent != FHS_TYPE_NONE) {
        make_elements(make, parent, is_first, depth);
    }
    for (size_t i = 0; i < fhs_element_count(make->fhir, type); i++) {
        fhs_element element = fhs_element_at(make->fhir, type, i);
        make_element(make, &element, is_first, depth);
    }
}

static void make_value(maker *make, fhs_str name, fhs_type type, uint32_t item, int depth)
{
    if (fhs_type_get_kind(make->fhir, type) == FHS_KIND_PRIMITIVE) {
        make_primitive(make, name, type, item);
    } else if (is_named(make, type, "Extension")) {
        make_extension(make, item, depth);
    } else if (fhs_type_get_kind(make->fhir, type) == FHS_KIND_RESOURCE) {
        fhs_buf_addf(make->out, "{\"resourceType\":\"%s\",\"id\":\"r%u\"}",
                     make->variant % 2 == 0 ? "Composition" : "MessageHeader", make->serial++);
    } else {
        bool is_first = true;
        fhs_buf_add_char(make->out, '{');
        if (depth < DEPTH_MAX) {
            make_elements(make, type, &is_first, depth + 1);
        }
        fhs_buf_add_char(make->out, '}');
    }
}

void made_resource(const fhs_fhir *fhir, fhs_type type, uint32_t variant, fhs_buf *out)
{
    maker make = {.fhir = fhir, .resource = type, .variant = variant, .out = out};
    bool is_first = false;
    fhs_buf_add_cstr(out, "{\"resourceType\":\"");
    fhs_buf_add_str(out, fhs_type_name(fhir, type));
    fhs_buf_add_cstr(out, "\"");
    make_elements(&make, type, &is_first, 0);
    fhs_buf_add_char(out, '}');
}
