/* SPDX-License-Identifier: Apache-2.0 */
/* Full checks: invariants where they stand, references, profiles; and what memory has to do with
 * it.
 */
#include "failing_alloc.h"
#include "terminology/terminology.h"
#include "validate.h"

static fhirstore_status knows_one(void *ctx, fhs_type type, fhs_str id, bool *yes_out,
                                  fhirstore_error **err)
{
    (void)ctx;
    (void)type;
    (void)err;
    *yes_out = fhs_str_eq(id, FHS_LIT("here"));
    return FHIRSTORE_OK;
}

/* Errors and warnings but dom-6, one a line: "severity place: text". */
static void list_report(const fhirstore_error *report, fhs_buf *out)
{
    for (uint32_t i = 0; i < fhs_error_issue_count(report); i++) {
        fhirstore_issue issue;
        ck_assert(fhs_error_issue(report, i, &issue));
        if (strncmp(issue.text, "dom-6", 5) != 0) {
            fhs_buf_addf(out, "%s%s %s: %s", out->len == 0 ? "" : "\n", issue.severity,
                         issue.expression == NULL ? "" : issue.expression, issue.text);
        }
    }
}

static uint64_t most_steps;

static fhirstore_status check_fully(const fhs_fhir *fhir, const char *text,
                                    fhs_invariants *invariants, fhs_buf *out)
{
    fhs_arena arena;
    fhs_type type;
    const fhs_json *root = NULL;
    fhs_terms *terms = NULL;
    fhirstore_error *report = NULL;
    fhirstore_error *err = NULL;
    fhs_full_check full = {
        .invariants = invariants,
        .run = fhs_fhirpath_run_new(0),
        .exists = knows_one,
        .if_missing = FHS_SEVERITY_WARNING,
        .max_steps = most_steps,
    };
    fhs_arena_init(&arena, SIZE_MAX);
    fhirstore_status status = full.run == NULL ? FHIRSTORE_ERR_NO_MEMORY
                                               : fhs_terms_new(fhir, NULL, &terms, &err);
    if (status >= FHIRSTORE_OK) {
        full.terms = terms;
        status = fhs_json_read(&arena, fhs_str_from_cstr(text), NULL, &root, &err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_validate_fully(fhir, &full, root, &type, &report, &err);
        ck_assert(status >= FHIRSTORE_OK || status == FHIRSTORE_ERR_INVALID_RESOURCE ||
                  fhs_error_status(err) == status);
    }
    if (out != NULL) {
        list_report(report, out);
    }
    fhs_error_free(report);
    fhs_error_free(err);
    fhs_terms_free(terms);
    fhs_fhirpath_run_free(full.run);
    fhs_arena_clear(&arena);
    return status;
}

static const struct full_case {
    fhs_fhir_version version;
    const char *text;
    const char *want;
} full_cases[] = {
    /* a resource, a backbone, a data type, an element beyond its type */
    {FHS_FHIR_R4,
     "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"},"
     "\"valueString\":\"y\",\"dataAbsentReason\":{\"text\":\"z\"}}",
     "error Observation: obs-6: dataAbsentReason SHALL only be present if Observation.value[x] is "
     "not present"},
    {FHS_FHIR_R4,
     "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"},"
     "\"referenceRange\":[{\"text\":\"t\"},{\"age\":{\"low\":{\"value\":1}}}]}",
     "error Observation.referenceRange[1]: obs-3: Must have at least a low or a high or text"},
    {FHS_FHIR_R4,
     "{\"resourceType\":\"Patient\",\"identifier\":[{\"value\":\"1\",\"period\":{\"start\":"
     "\"2020-02-01\",\"end\":\"2020-01-01\"}}]}",
     "error Patient.identifier[0].period: per-1: If present, start SHALL have a lower value than "
     "end"},
    {FHS_FHIR_R4,
     "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"},"
     "\"referenceRange\":[{\"low\":{\"value\":1,\"comparator\":\"<\"}}]}",
     "error Observation.referenceRange[0].low: sqty-1: The comparator is not used on a "
     "SimpleQuantity"},
    {FHS_FHIR_R4, "{\"resourceType\":\"Patient\",\"telecom\":[{\"value\":\"1\"}]}",
     "error Patient.telecom[0]: cpt-2: A system is required if a value is provided."},
    /* what is contained, and is not referred to */
    {FHS_FHIR_R4,
     "{\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"Organization\",\"id\":\"o\","
     "\"name\":\"n\"}]}",
     "error Patient: dom-3: If the resource is contained in another resource, it SHALL be referred "
     "to from elsewhere in the resource or SHALL refer to the containing resource"},
    {FHS_FHIR_R4,
     "{\"resourceType\":\"Patient\",\"contained\":[{\"resourceType\":\"Organization\",\"id\":\"o\","
     "\"partOf\":{\"reference\":\"#q\"},\"name\":\"n\"}],\"managingOrganization\":{\"reference\":"
     "\"#o\"}}",
     "error Patient.contained[0].partOf: ref-1: SHALL have a contained resource if a local "
     "reference is provided"},
    /* entries of a Bundle, and the Bundle */
    {FHS_FHIR_R4,
     "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"total\":1,\"entry\":[{\"resource\":{"
     "\"resourceType\":\"Patient\",\"contact\":[{\"gender\":\"male\"}]}}]}",
     "error Bundle.entry[0].resource.contact[0]: pat-1: SHALL at least contain a contact's details "
     "or a reference to an organization\n"
     "error Bundle: bdl-1: total only when a search or history"},
    /* mended ones */
    {FHS_FHIR_R4,
     "{\"resourceType\":\"RiskAssessment\",\"status\":\"final\",\"subject\":{\"display\":\"p\"},"
     "\"prediction\":[{\"outcome\":{\"text\":\"x\"}},{\"outcome\":{\"text\":\"x\"},"
     "\"probabilityDecimal\":101}]}",
     "error RiskAssessment.prediction[1]: ras-2: Must be <= 100"},
    {FHS_FHIR_R4,
     "{\"resourceType\":\"Questionnaire\",\"name\":\"Q\",\"status\":\"draft\",\"item\":[{"
     "\"linkId\":\"1\","
     "\"type\":"
     "\"boolean\",\"enableWhen\":[{\"question\":\"2\",\"operator\":\"exists\",\"answerBoolean\":"
     "true}"
     ",{\"question\":\"2\",\"operator\":\"exists\",\"answerString\":\"x\"}],\"enableBehavior\":"
     "\"all\"}]}",
     "error Questionnaire.item[0].enableWhen[1]: que-7: If the operator is 'exists', the value "
     "must "
     "be a boolean"},
    /* another version, another rule */
    {FHS_FHIR_R5,
     "{\"resourceType\":\"Patient\",\"contact\":[{\"relationship\":[{\"text\":\"x\"}]}]}",
     "error Patient.contact[0]: pat-1: SHALL at least contain a contact's details or a reference "
     "to "
     "an organization"},
    {FHS_FHIR_R5,
     "{\"resourceType\":\"ExampleScenario\",\"status\":\"draft\",\"instance\":[{\"key\":\"a\","
     "\"title\":\"t\",\"structureType\":{\"system\":\"http://hl7.org/fhir/fhir-types\",\"code\":"
     "\"Patient\"},\"containedInstance\":[{\"instanceReference\":\"b\"}]},{\"key\":\"b\",\"title\":"
     "\"u\","
     "\"structureType\":{\"system\":\"http://e.org\",\"code\":\"Patient\"},\"containedInstance\":[{"
     "\"instanceReference\":\"a\"}]}]}",
     "warning ExampleScenario.instance[0]: exs-20: Instance should be referenced in at least one "
     "location\n"
     "error ExampleScenario.instance[1]: exs-1: StructureVersion is required if structureType is "
     "not FHIR (but may still be present even if FHIR)\n"
     "warning ExampleScenario.instance[1]: exs-20: Instance should be referenced in at least one "
     "location"},
    /* references: kinds of targets, also of a CodeableReference */
    {FHS_FHIR_R4,
     "{\"resourceType\":\"Patient\",\"managingOrganization\":{\"reference\":\"Organization/here\"},"
     "\"generalPractitioner\":[{\"reference\":\"Organization/gone\"},{\"reference\":\"http://e.org/"
     "Organization/gone\"},{\"reference\":\"urn:oid:1.2\"},{\"reference\":\"Group/here\"}]}",
     "warning Patient.generalPractitioner[0]: generalPractitioner refers to a resource that is not "
     "in the store\n"
     "error Patient.generalPractitioner[3]: generalPractitioner must not refer to Group"},
    {FHS_FHIR_R5,
     "{\"resourceType\":\"ServiceRequest\",\"status\":\"active\",\"intent\":\"order\",\"subject\":{"
     "\"reference\":\"Patient/here\",\"type\":\"Group\"},\"reason\":[{\"reference\":{\"reference\":"
     "\"Condition/here\"}},{\"reference\":{\"reference\":\"Patient/here\"}}]}",
     "error ServiceRequest.subject: Reference.type is not the type of what is referred to\n"
     "error ServiceRequest.reason[1].reference: reference must not refer to Patient"},
    /* within a Bundle that is to be executed, its entries are there too */
    {FHS_FHIR_R4,
     "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"fullUrl\":\"http://e.org/"
     "Patient/1\",\"resource\":{\"resourceType\":\"Patient\",\"link\":[{\"other\":{\"reference\":"
     "\"Patient/1\"},\"type\":\"refer\"},{\"other\":{\"reference\":\"Patient/"
     "2\"},\"type\":\"refer\"}]"
     "},\"request\":{\"method\":\"POST\",\"url\":\"Patient\"}}]}",
     "warning Bundle.entry[0].resource.link[1].other: other refers to a resource that is not in "
     "the "
     "store"},
    {FHS_FHIR_R4,
     "{\"resourceType\":\"Patient\",\"meta\":{\"profile\":[\"http://hl7.org/fhir/"
     "StructureDefinition/DomainResource\",\"http://hl7.org/fhir/StructureDefinition/"
     "Patient|4.0.1\","
     "\"http://hl7.org/fhir/StructureDefinition/vitalsigns\"]}}",
     "warning Patient.meta.profile[2]: the profile is not known here: whether the resource "
     "conforms "
     "to it was not checked"},
    {FHS_FHIR_R4, "{\"resourceType\":\"Patient\",\"shoe\":1}",
     "error Patient.shoe: Patient has no element shoe"},
    {FHS_FHIR_R4, "{\"resourceType\":\"Patient\"}", ""},
};

START_TEST(what_is_wrong_is_told)
{
    const struct full_case *row = &full_cases[_i];
    const fhs_fhir *fhir = fhs_fhir_get(row->version);
    fhs_buf got = FHS_BUF_INIT(1 << 20);
    if (fhir == NULL) {
        return;
    }
    fhs_invariants *invariants = fhs_invariants_new(fhir);
    fhirstore_status status = check_fully(fhir, row->text, invariants, &got);
    ck_assert_msg(strcmp(got.ptr == NULL ? "" : got.ptr, row->want) == 0,
                  "%s\ngot    %s\nwanted %s", row->text, got.ptr == NULL ? "" : got.ptr, row->want);
    ck_assert_int_eq(status, strstr(row->want, "error ") == NULL ? FHIRSTORE_OK
                                                                 : FHIRSTORE_ERR_INVALID_RESOURCE);
    fhs_invariants_free(invariants);
    fhs_buf_clear(&got);
}
END_TEST

START_TEST(what_costs_too_much_is_told)
{
    static const char text[] = "{\"resourceType\":\"Patient\",\"telecom\":[{\"system\":\"phone\"},{"
                               "\"system\":\"phone\"},{\"system\":\"phone\"}]}";
    const fhs_fhir *fhir = fhs_fhir_get(FHS_FHIR_R4);
    fhs_buf got = FHS_BUF_INIT(1 << 20);
    if (fhir == NULL) {
        return;
    }
    fhs_invariants *invariants = fhs_invariants_new(fhir);
    most_steps = 10;
    ck_assert_int_eq(check_fully(fhir, text, invariants, &got), FHIRSTORE_ERR_INVALID_RESOURCE);
    most_steps = 0;
    ck_assert_ptr_nonnull(strstr(got.ptr, "exceed FHS_LIMIT_VALIDATION_STEPS"));
    ck_assert_int_eq(check_fully(fhir, text, invariants, NULL), FHIRSTORE_OK);
    fhs_invariants_free(invariants);
    fhs_buf_clear(&got);
}
END_TEST

/* Each of every version. */
START_TEST(all_invariants_compile)
{
    for (int version = FHS_FHIR_R4; version <= FHS_FHIR_R5; version++) {
        const fhs_fhir *fhir = fhs_fhir_get((fhs_fhir_version)version);
        if (fhir == NULL) {
            continue;
        }
        fhs_invariants *invariants = fhs_invariants_new(fhir);
        ck_assert_uint_gt(fhs_invariant_count(fhir), 200);
        for (size_t i = 0; i < fhs_invariant_count(fhir); i++) {
            const fhs_fhirpath *program = NULL;
            const fhs_fhirpath *again = NULL;
            fhs_invariant invariant = fhs_invariant_at(fhir, i);
            ck_assert_msg(fhs_invariants_get(invariants, i, &program, NULL) == FHIRSTORE_OK, "%.*s",
                          FHS_STR_ARG(invariant.key));
            ck_assert_int_eq(fhs_invariants_get(invariants, i, &again, NULL), FHIRSTORE_OK);
            ck_assert_ptr_eq(program, again);
            ck_assert_uint_gt(invariant.human.len, 0);
        }
        fhs_invariants_free(invariants);
    }
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    const struct full_case *row = &full_cases[_i];
    const fhs_fhir *fhir = fhs_fhir_get(row->version);
    if (fhir == NULL) {
        return;
    }
    fhs_invariants *invariants = fhs_invariants_new(fhir);
    bool has_failed = true;
    int64_t n = 1;
    for (; has_failed; n++) {
        left_until_failure = n;
        fhirstore_status status = check_fully(fhir, row->text, invariants, NULL);
        has_failed = left_until_failure == 0;
        left_until_failure = 0;
        /* Never better than it is; cut short perhaps. */
        if (strstr(row->want, "error ") != NULL) {
            ck_assert_int_lt(status, FHIRSTORE_OK);
        }
        ck_assert_int_lt(n, 20000);
    }
    ck_assert_int_gt(n, 4);
    fhs_invariants_free(invariants);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("validation invariants");
    TCase *tcase = tcase_create("full");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, what_is_wrong_is_told, 0, FHS_COUNT_OF(full_cases));
    tcase_add_loop_test(tcase, every_allocation_may_fail, 0, FHS_COUNT_OF(full_cases));
    tcase_add_test(tcase, all_invariants_compile);
    tcase_add_test(tcase, what_costs_too_much_is_told);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
