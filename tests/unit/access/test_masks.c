/* SPDX-License-Identifier: Apache-2.0 */
/* Hidden and kept elements: what is shown, what a change comes to, what a search may look at. */
#include "access/mask.h"
#include "suite.h"

#define MAX_PATHS 8u
#define SUBSETTED                                                                \
    "{\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ObservationValue\"," \
    "\"code\":\"SUBSETTED\"}"
#define MASKED                                                            \
    "{\"extension\":[{\"url\":\"http://hl7.org/fhir/StructureDefinition/" \
    "data-absent-reason\",\"valueCode\":\"masked\"}]}"
#define PATIENT(members)     "{\"resourceType\":\"Patient\"," members "}"
#define OBSERVATION(members) "{\"resourceType\":\"Observation\"," members "}"
#define TAGGED               "\"meta\":{\"tag\":[" SUBSETTED "]}"

static fhs_arena arena;
static fhirstore_error *err;
static const fhs_fhir *fhir;
static fhs_buf out;
static fhs_str paths[MAX_PATHS];
static fhs_mask mask;
static fhs_type masked_type;

static void set_up(void)
{
    fhir = fhs_fhir_get(FHS_FHIR_R4);
    fhs_arena_init(&arena, (size_t)64 << 20);
    fhs_buf_init(&out, (size_t)16 << 20);
    err = NULL;
}

static void tear_down(void)
{
    fhs_error_free(err);
    fhs_buf_clear(&out);
    fhs_arena_clear(&arena);
}

/* Paths with commas between; every type has the mask that has @a type for its own. */
static void hide(const char *type, const char *list)
{
    fhs_str rest = fhs_str_from_cstr(list);
    mask = (fhs_mask){.hide = paths};
    while (mask.hide_count < MAX_PATHS && fhs_str_next(&rest, ',', &paths[mask.hide_count])) {
        mask.hide_count++;
    }
    masked_type = fhs_type_find(fhir, fhs_str_from_cstr(type));
}

static const fhs_mask *mask_of(void *ctx, fhs_type type)
{
    (void)ctx;
    return type == masked_type ? &mask : NULL;
}

static fhs_masks masks(void)
{
    return (fhs_masks){fhir, mask_of, NULL};
}

static const fhs_json *json(const char *text)
{
    const fhs_json *root = NULL;
    ck_assert_int_eq(fhs_json_read(&arena, fhs_str_from_cstr(text), NULL, &root, NULL),
                     FHIRSTORE_OK);
    return root;
}

/* ---- paths ---- */

static const struct {
    const char *type, *path, *words; /* NULL: it can be hidden */
} faults[] = {
    {"Patient", "birthDate", NULL},
    {"Patient", "resourceType", "other than id"},
    {"Patient", "id[x]", "a choice of types"},
    {"Patient", "meta[x]", "a choice of types"},
    {"Patient", "name[x].family", "a choice of types"},
    {"Observation", "valueQuantity[x]", "an element of the type"},
    {"Patient", "meta.source", NULL},
    {"Patient", "contact.name.family", NULL},
    {"Observation", "value[x]", NULL},
    {"Observation", "value[x].unit", "elements of its own"},
    {"Observation", "valueQuantity.unit", NULL},
    {"Observation", "text.div.x", "elements of its own"},
    {"Bundle", "entry.resource", NULL},
    {"Bundle", "entry.resource.name", "elements of its own"},
    {"MedicationRequest", "medication", NULL},
    {"MedicationRequest", "medicationCodeableConcept", "all forms of a choice"},
    {"MedicationRequest", "medicationCodeableConcept.text", NULL},
    {"Patient", "valueQuantity", "an element of the type"},
    {"Patient", "fhir_comments", "an element of the type"},
};

START_TEST(a_path_leads_to_an_element)
{
    const char *fault = fhs_mask_fault(fhir,
                                       fhs_type_find(fhir, fhs_str_from_cstr(faults[_i].type)),
                                       fhs_str_from_cstr(faults[_i].path));
    ck_assert_msg((fault == NULL) == (faults[_i].words == NULL), "%s: %s", faults[_i].path,
                  fault == NULL ? "none" : fault);
    ck_assert(fault == NULL || strstr(fault, faults[_i].words) != NULL);
}
END_TEST

START_TEST(an_element_hides_with_what_is_in_it)
{
    hide("Observation", "value[x],component.code");
    ck_assert(fhs_mask_hides(&mask, FHS_LIT("value")));
    ck_assert(fhs_mask_hides(&mask, FHS_LIT("component")));
    ck_assert(!fhs_mask_hides(&mask, FHS_LIT("code")));
}
END_TEST

/* ---- what a search looks at ---- */

static const struct {
    const char *type, *hidden, *expression;
    bool reads;
} expressions[] = {
    {"Patient", "birthDate", "Patient.birthDate", true},
    {"Patient", "birthDate", "birthDate", true},
    {"Patient", "birthDate", "Patient.active", false},
    {"Patient", "birthDate", "DomainResource.birthDate", true},
    {"Patient", "birthDate", "Person.birthDate", false},
    {"Patient", "birthDate", "Practitioner.name | Patient . birthDate", true},
    {"Patient", "birthDate", "Patient.\t`birthDate`", true},
    {"Patient", "birthDate", "'birthDate'", false},
    {"Patient", "birthDate", "\"birthDate\"", false},
    {"Patient", "birthDate", "Patient.where(name.text='it\\'s').birthDate", true},
    {"Patient", "birthDate", "Patient.where(name.text='birthDate')", false},
    {"Patient", "birthDate", "$this.birthDate", true},
    {"Patient", "birthDate", "Patient.aggregate(iif($total.birthDate.exists(), 1, 2))", true},
    {"Patient", "birthDate", "%resource.active", true},
    {"Patient", "birthDate", "Patient.children()", true},
    {"Patient", "birthDate", "Patient.descendants()", true},
    {"Patient", "birthDate", "Patient.contained.birthDate", true},
    {"Patient", "birthDate", "Patient.contact.birthDate", false},
    {"Patient", "birthDate", "Patient.as(Patient).birthDate", true},
    {"Patient", "birthDate", ".birthDate", true},
    {"Patient", "birthDate", "`-`.birthDate", true},
    {"Patient", "birthDate", "", false},
    {"Patient", "birthDate", "Patient.active.not() 'birthDate", false},
    /* What a reader of words could be led astray by. */
    {"Patient", "birthDate", "Observation.code // '\n | Patient.birthDate", true},
    {"Patient", "birthDate", "Observation.code /* ' */ | Patient.birthDate", true},
    {"Patient", "birthDate", "Observation.`it's` | Patient.birthDate", true},
    {"Patient", "birthDate", "Observation.where(status=\"'\") | Patient.birthDate", true},
    {"Patient", "birthDate", "(Observation.code | Patient.birthDate)", true},
    {"Patient", "birthDate", "(Observation.code | birthDate)", true},
    {"Patient", "birthDate", "Observation.code.union(birthDate)", true},
    {"Patient", "birthDate", "'\\", false},
    /* Below an element: another one beside it may be looked at. */
    {"Patient", "name.given", "Patient.name.given", true},
    {"Patient", "name.given", "Patient.name.family", false},
    {"Patient", "name.given", "Patient.name", true},
    {"Patient", "name.given", "Patient.name.", true},
    {"Patient", "name.given", "Patient.name | Patient.active", true},
    {"Patient", "name.given", "Patient.name.where(use='usual').family", true},
    {"Patient", "name.given", "Patient.name.nothing", true},
    {"Patient", "name.given", "Patient.name.family (", true},
    {"Patient", "contact.name.given", "Patient.contact.name.given", true},
    {"Patient", "contact.name.given", "Patient.contact.name.family", false},
    {"Patient", "contact.name.given", "Patient.contact.telecom", false},
    {"Patient", "contact.name.given", "Patient.contact.name", true},
    /* Choices, by either name. */
    {"Patient", "deceased", "Patient.deceased.exists()", true},
    {"Patient", "deceased[x]", "(Patient.deceased as dateTime)", true},
    {"Patient", "deceasedBoolean", "(Patient.deceased as dateTime)", true},
    {"Patient", "deceased", "Patient.deceasedBoolean", false},
    {"Observation", "component.value[x]", "Observation.component.value", true},
    {"Observation", "component.value[x]", "Observation.component.code", false},
    {"Observation", "component.valueQuantity", "Observation.component.value", true},
    {"Observation", "component.valueQuantity", "Observation.component.interpretation", false},
    {"Observation", "valueQuantity.unit", "Observation.value.code", true},
};

static bool reads(const fhs_sparam_def *def)
{
    const fhs_fhir *more = fhs_fhir_extend(fhir, &arena, def, 1);
    ck_assert_ptr_nonnull(more);
    const size_t own = fhs_sparam_count(fhir);
    return fhs_mask_reads(&mask, more, masked_type, (fhs_sparam)own);
}

START_TEST(a_search_does_not_look_at_what_is_hidden)
{
    hide(expressions[_i].type, expressions[_i].hidden);
    const fhs_sparam_def def = {.code = FHS_LIT("own"),
                                .url = FHS_LIT("http://example.org/own"),
                                .expression = fhs_str_from_cstr(expressions[_i].expression),
                                .type = FHS_SP_TOKEN,
                                .base_count = 1,
                                .bases = &masked_type};
    ck_assert_msg(reads(&def) == expressions[_i].reads, "%s: %s", expressions[_i].hidden,
                  expressions[_i].expression);
}
END_TEST

START_TEST(a_composite_looks_at_its_components)
{
    static const char *const codes[] = {"code-value-quantity", "component-code-value-quantity"};
    for (size_t i = 0; i < FHS_COUNT_OF(codes); i++) {
        hide("Observation", "value[x],component.value[x]");
        const fhs_sparam param = fhs_sparam_find(fhir, masked_type, fhs_str_from_cstr(codes[i]));
        ck_assert(fhs_mask_reads(&mask, fhir, masked_type, param));
        hide("Observation", "subject");
        ck_assert(!fhs_mask_reads(&mask, fhir, masked_type, param));
        ck_assert(!fhs_mask_reads(&mask, fhir, masked_type, FHS_SPARAM_NONE));
        ck_assert(!fhs_mask_reads(NULL, fhir, masked_type, param));
        hide("Observation", "");
        ck_assert(!fhs_mask_reads(&mask, fhir, masked_type, param));
    }
}
END_TEST

/* ---- what is shown ---- */

static const struct {
    const char *type, *hidden, *stored, *shown;
} views[] = {
    {"Patient", "birthDate", OBSERVATION("\"status\":\"final\""),
     OBSERVATION("\"status\":\"final\"")},
    {"Patient", "birthDate", "[1]", "[1]"},
    {"Patient", "birthDate", PATIENT("\"birthDate\":\"1970-01-01\",\"_birthDate\":{\"id\":\"a\"}"),
     PATIENT(TAGGED)},
    {"Patient", "name.given", PATIENT("\"name\":[{\"given\":[\"A\"]},{\"family\":\"B\"}]"),
     PATIENT("\"name\":[{\"family\":\"B\"}]," TAGGED)},
    {"Patient", "name.given", PATIENT("\"name\":[{\"given\":[\"A\"]}]"), PATIENT(TAGGED)},
    {"Patient", "name.given", PATIENT("\"name\":[],\"contact\":{}"),
     PATIENT("\"name\":[],\"contact\":{}," TAGGED)},
    {"Patient", "name.given", PATIENT("\"name\":[[{\"given\":[\"A\"]}],{\"family\":\"B\"}]"),
     PATIENT("\"name\":[{\"family\":\"B\"}]," TAGGED)},
    {"Patient", "name.given", PATIENT("\"name\":\"odd\""), PATIENT("\"name\":\"odd\"," TAGGED)},
    {"Patient", "meta.tag", PATIENT("\"meta\":{\"versionId\":\"1\",\"tag\":[{\"code\":\"a\"}]}"),
     PATIENT("\"meta\":{\"versionId\":\"1\",\"tag\":[" SUBSETTED "]}")},
    {"Patient", "active",
     PATIENT("\"meta\":{\"tag\":[{\"code\":\"a\"}," SUBSETTED ",{\"code\":\"b\"}]}"),
     PATIENT("\"meta\":{\"tag\":[{\"code\":\"a\"},{\"code\":\"b\"}," SUBSETTED "]}")},
    {"Patient", "active", PATIENT("\"meta\":{\"tag\":\"odd\"}"), PATIENT(TAGGED)},
    {"Patient", "active", PATIENT("\"meta\":7"), PATIENT(TAGGED)},
    /* Only the root says that it is not all. */
    {"Patient", "active",
     OBSERVATION("\"contained\":[{\"resourceType\":\"Patient\",\"active\":true,\"meta\":{}}]"),
     OBSERVATION("\"contained\":[{\"resourceType\":\"Patient\",\"meta\":{}}]," TAGGED)},
    {"Patient", "active",
     OBSERVATION("\"contained\":[{\"resourceType\":\"Nothing\",\"active\":true},"
                 "{\"resourceType\":\"HumanName\",\"active\":true},"
                 "{\"resourceType\":\"Patient\"}]"),
     OBSERVATION("\"contained\":[{\"resourceType\":\"Nothing\",\"active\":true},"
                 "{\"resourceType\":\"HumanName\",\"active\":true},"
                 "{\"resourceType\":\"Patient\"}]," TAGGED)},
    /* What must be there says that it is masked, once, whether it was there or not. */
    {"Observation", "status,status,code", OBSERVATION("\"status\":\"final\""),
     OBSERVATION("\"_status\":" MASKED ",\"code\":" MASKED "," TAGGED)},
    {"MedicationRequest", "medication[x],medication,subject",
     "{\"resourceType\":\"MedicationRequest\",\"medicationReference\":{}}",
     "{\"resourceType\":\"MedicationRequest\",\"medicationCodeableConcept\":" MASKED
     ",\"subject\":" MASKED "," TAGGED "}"},
    {"Composition", "author", "{\"resourceType\":\"Composition\"}",
     "{\"resourceType\":\"Composition\",\"author\":[" MASKED "]," TAGGED "}"},
    {"Bundle", "type", "{\"resourceType\":\"Bundle\",\"type\":\"batch\"}",
     "{\"resourceType\":\"Bundle\",\"_type\":" MASKED "," TAGGED "}"},
    {"ImplementationGuide", "definition.parameter.code",
     "{\"resourceType\":\"ImplementationGuide\",\"definition\":{\"parameter\":[{\"value\":\"x\"}]}"
     "}",
     "{\"resourceType\":\"ImplementationGuide\",\"definition\":{\"parameter\":[{\"value\":\"x\","
     "\"_code\":" MASKED "}]}," TAGGED "}"},
};

START_TEST(what_is_hidden_is_not_shown)
{
    hide(views[_i].type, views[_i].hidden);
    const fhs_masks all = masks();
    ck_assert_int_eq(fhs_mask_write(&all, &arena, fhs_str_from_cstr(views[_i].stored), &out, &err),
                     FHIRSTORE_OK);
    ck_assert_view_eq(fhs_buf_str(&out), fhs_str_from_cstr(views[_i].shown));
}
END_TEST

START_TEST(what_cannot_be_shown_fails)
{
    hide("Patient", "birthDate");
    const fhs_masks all = masks();
    ck_assert_int_eq(fhs_mask_write(&all, &arena, FHS_LIT("{"), &out, &err), FHIRSTORE_ERR_JSON);
    fhs_error_free(err);
    err = NULL;
    fhs_buf_init(&out, 40);
    ck_assert_int_eq(fhs_mask_write(&all, &arena, FHS_LIT(PATIENT("\"active\":true")), &out, &err),
                     FHIRSTORE_ERR_LIMIT);
    ck_assert_ptr_nonnull(err);
}
END_TEST

static const struct {
    const char *type, *body;
    bool may;
} bodies[] = {
    {"Patient", PATIENT("\"active\":true"), true},
    {"Observation", OBSERVATION("\"status\":\"final\""), false},
    {"Observation", OBSERVATION("\"contained\":[]"), true},
    {"Bundle", "{\"resourceType\":\"Bundle\"}", true},
    {"Parameters", "{\"resourceType\":\"Parameters\"}", true},
    {"Nothing", "{}", false},
};

START_TEST(where_there_can_be_something_to_hide)
{
    hide("Patient", "birthDate");
    const fhs_masks all = masks();
    ck_assert_int_eq(fhs_masks_may_apply(&all,
                                         fhs_type_find(fhir, fhs_str_from_cstr(bodies[_i].type)),
                                         fhs_str_from_cstr(bodies[_i].body)),
                     bodies[_i].may);
}
END_TEST

/* ---- notes that something is hidden ---- */

#define NOTE_URL "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

static const struct {
    const char *text;
    bool is_one;
} notes[] = {
    {MASKED, true},
    {"[" MASKED "]", true},
    {"[" MASKED "," MASKED "]", false},
    {"\"masked\"", false},
    {"{\"extension\":{}}", false},
    {"{\"extension\":[]}", false},
    {"{\"id\":\"a\"}", false},
    {"{\"extension\":[{\"url\":\"" NOTE_URL "\",\"valueCode\":\"masked\"}],\"id\":\"a\"}", false},
    {"{\"extension\":[7]}", false},
    {"{\"extension\":[{\"url\":\"" NOTE_URL "\"}]}", false},
    {"{\"extension\":[{\"id\":\"a\",\"valueCode\":\"masked\"}]}", false},
    {"{\"extension\":[{\"url\":\"http://x\",\"valueCode\":\"masked\"}]}", false},
    {"{\"extension\":[{\"url\":\"" NOTE_URL "\",\"id\":\"masked\"}]}", false},
    {"{\"extension\":[{\"url\":\"" NOTE_URL "\",\"valueCode\":\"unknown\"}]}", false},
};

START_TEST(a_note_is_told_from_a_value)
{
    ck_assert_msg(fhs_mask_is_placeholder(json(notes[_i].text)) == notes[_i].is_one, "%s",
                  notes[_i].text);
}
END_TEST

static const struct {
    const char *text;
    bool is_one;
} tags[] = {
    {SUBSETTED, true},
    {"\"SUBSETTED\"", false},
    {"{\"code\":\"SUBSETTED\"}", false},
    {"{\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ObservationValue\"}", false},
    {"{\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ObservationValue\",\"code\":\"MIN\"}",
     false},
    {"{\"system\":\"http://x\",\"code\":\"SUBSETTED\"}", false},
};

START_TEST(a_tag_is_told_from_others)
{
    ck_assert_int_eq(fhs_mask_is_subsetted(json(tags[_i].text)), tags[_i].is_one);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access_masks");
    TCase *tests = tcase_create("masks");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, a_path_leads_to_an_element, 0, (int)FHS_COUNT_OF(faults));
    tcase_add_test(tests, an_element_hides_with_what_is_in_it);
    tcase_add_loop_test(tests, a_search_does_not_look_at_what_is_hidden, 0,
                        (int)FHS_COUNT_OF(expressions));
    tcase_add_test(tests, a_composite_looks_at_its_components);
    tcase_add_loop_test(tests, what_is_hidden_is_not_shown, 0, (int)FHS_COUNT_OF(views));
    tcase_add_test(tests, what_cannot_be_shown_fails);
    tcase_add_loop_test(tests, where_there_can_be_something_to_hide, 0, (int)FHS_COUNT_OF(bodies));
    tcase_add_loop_test(tests, a_note_is_told_from_a_value, 0, (int)FHS_COUNT_OF(notes));
    tcase_add_loop_test(tests, a_tag_is_told_from_others, 0, (int)FHS_COUNT_OF(tags));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
