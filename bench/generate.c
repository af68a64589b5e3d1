/* SPDX-License-Identifier: Apache-2.0 */
/* Patients one after the other, each from a stream of random numbers of its own. */
#include "generate_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SNOMED "http://snomed.info/sct"
#define LOINC  "http://loinc.org"
#define RXNORM "http://www.nlm.nih.gov/research/umls/rxnorm"
#define CVX    "http://hl7.org/fhir/sid/cvx"
#define HL7    "http://terminology.hl7.org/CodeSystem/"

/* ---- people and places ---- */

static void family_name(generator *g, char out[64])
{
    const char *head = gen_name_heads[gen_pick(g, 64)];
    /* Some endings are much more common than others. */
    const char *tail = gen_name_tails[gen_happens(g, 500) ? gen_pick(g, 8) : gen_pick(g, 64)];
    const char *other = gen_happens(g, 80) ? gen_name_heads[gen_pick(g, 64)] : NULL;
    (void)snprintf(out, 64, "%s%s%s%s", head, tail, other == NULL ? "" : "-",
                   other == NULL ? "" : other);
}

static void add_address(generator *g)
{
    gen_say(g,
            "\"address\":[{\"line\":[\"%n %s Street\"],\"city\":\"%s\",\"state\":\"MA\","
            "\"postalCode\":\"0%n\",\"country\":\"US\"}]",
            (int64_t)gen_pick(g, 999) + 1, gen_name_heads[gen_pick(g, 64)],
            gen_cities[gen_pick(g, 40)], (int64_t)gen_pick(g, 1700) + 1000);
}

static void write_hospital(generator *g, const gen_id *id)
{
    char name[64];
    family_name(g, name);
    if (!gen_begin(g, "Organization", id)) {
        return;
    }
    gen_say(g,
            ",\"identifier\":[{\"system\":\"https://github.com/synthetichealth/synthea\",\"value\":"
            "\"%s\"}],\"active\":true,\"type\":[{\"coding\":[{\"system\":\"" HL7
            "organization-type\",\"code\":\"prov\",\"display\":\"Healthcare Provider\"}],\"text\":"
            "\"Healthcare Provider\"}],\"name\":\"%s %s\",\"telecom\":[{\"system\":\"phone\","
            "\"value\":\"508%n\"}],",
            id->text, name, gen_happens(g, 400) ? "HOSPITAL" : "MEDICAL CENTER",
            (int64_t)gen_pick(g, 8999999) + 1000000);
    add_address(g);
    gen_finish(g);
}

static void write_doctor(generator *g, const gen_id *id, int64_t number)
{
    char family[64];
    uint32_t sex = gen_pick(g, 2);
    family_name(g, family);
    if (!gen_begin(g, "Practitioner", id)) {
        return;
    }
    gen_say(
        g,
        ",\"identifier\":[{\"system\":\"http://hl7.org/fhir/sid/us-npi\",\"value\":\"%n\"}],"
        "\"active\":true,\"name\":[{\"family\":\"%s\",\"given\":[\"%s\"],\"prefix\":[\"Dr.\"]}],",
        number, family, gen_given_names[sex][gen_pick(g, 64)]);
    add_address(g);
    gen_say(g, ",\"gender\":\"%s\"", sex == 0 ? "female" : "male");
    gen_finish(g);
}

/* The people and places that come with a patient, and those it goes to. */
static void choose_care(generator *g)
{
    int64_t number = g->patient * 2;
    gen_id hospital = gen_id_of(g, g->patient, STREAM_HOSPITAL);
    gen_id doctor = gen_id_of(g, g->patient, STREAM_DOCTOR);
    write_hospital(g, &hospital);
    write_doctor(g, &doctor, number);
    if (gen_happens(g, 370)) {
        gen_id more = gen_new_id(g);
        write_hospital(g, &more);
        more = gen_new_id(g);
        write_doctor(g, &more, number + 1);
    }
    g->hospital = hospital;
    g->doctor = doctor;
    if (g->patient > 0 && gen_happens(g, 600)) {
        /* The first ones are the most visited. */
        int64_t other = gen_pick(g, (uint32_t)g->patient);
        other = gen_happens(g, 700) ? other % (other / 8 + 1) : other;
        g->hospital = gen_id_of(g, other, STREAM_HOSPITAL);
        g->doctor = gen_id_of(g, other, STREAM_DOCTOR);
    }
}

void gen_patient_keys(uint64_t seed, int64_t patient, gen_keys *out)
{
    generator g = {.state = gen_stream_of(seed, patient, STREAM_KEYS)};
    gen_id id = gen_new_id(&g);
    gen_id record = gen_new_id(&g);
    memcpy(out->id, id.text, sizeof out->id);
    memcpy(out->record_number, record.text, sizeof out->record_number);
    family_name(&g, out->family);
}

static void add_patient_extensions(generator *g, uint32_t sex)
{
    static const gen_code races[] = {{"2106-3", "White", 0, NULL},
                                     {"2054-5", "Black or African American", 0, NULL},
                                     {"2028-9", "Asian", 0, NULL}};
    char maiden[64];
    const gen_code *race = &races[gen_happens(g, 750) ? 0 : 1 + gen_pick(g, 2)];
    family_name(g, maiden);
    gen_say(
        g,
        ",\"extension\":[{\"url\":\"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race\","
        "\"extension\":[{\"url\":\"ombCategory\",\"valueCoding\":{\"system\":"
        "\"urn:oid:2.16.840.1.113883.6.238\",\"code\":\"%s\",\"display\":\"%s\"}},{\"url\":"
        "\"text\",\"valueString\":\"%s\"}]},{\"url\":"
        "\"http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName\",\"valueString\":"
        "\"%s %s\"},{\"url\":\"http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex\","
        "\"valueCode\":\"%s\"},{\"url\":"
        "\"http://hl7.org/fhir/StructureDefinition/patient-birthPlace\",\"valueAddress\":"
        "{\"city\":\"%s\",\"state\":\"Massachusetts\",\"country\":\"US\"}}]",
        race->code, race->display, race->display, gen_given_names[0][gen_pick(g, 64)], maiden,
        sex == 0 ? "F" : "M", gen_cities[gen_pick(g, 40)]);
}

static void add_patient_identifiers(generator *g, const gen_keys *keys)
{
    gen_say(g,
            ",\"identifier\":[{\"system\":\"https://github.com/synthetichealth/synthea\",\"value\":"
            "\"%s\"},{\"type\":{\"coding\":[{\"system\":\"" HL7
            "v2-0203\",\"code\":\"MR\",\"display\":\"Medical Record Number\"}],\"text\":"
            "\"Medical Record Number\"},\"system\":\"http://hospital.smarthealthit.org\",\"value\":"
            "\"%s\"},{\"type\":{\"coding\":[{\"system\":\"" HL7
            "v2-0203\",\"code\":\"SS\",\"display\":\"Social Security Number\"}],\"text\":"
            "\"Social Security Number\"},\"system\":\"http://hl7.org/fhir/sid/us-ssn\",\"value\":"
            "\"999-%n-%n\"}]",
            keys->id, keys->record_number, (int64_t)gen_pick(g, 90) + 10,
            (int64_t)gen_pick(g, 9000) + 1000);
}

static void write_patient(generator *g, const gen_keys *keys, int64_t birth, int64_t death)
{
    uint32_t sex = gen_pick(g, 2);
    bool is_married = gen_happens(g, 550);
    const char *given = gen_given_names[sex][gen_pick(g, 64)];
    if (!gen_begin(g, "Patient", &g->self)) {
        return;
    }
    gen_say(g,
            ",\"text\":{\"status\":\"generated\",\"div\":\"<div xmlns=\\\"http://www.w3.org/1999/"
            "xhtml\\\">%s %s, generated for measurements.</div>\"}",
            given, keys->family);
    add_patient_extensions(g, sex);
    add_patient_identifiers(g, keys);
    gen_say(
        g,
        ",\"name\":[{\"use\":\"official\",\"family\":\"%s\",\"given\":[\"%s\"],\"prefix\":[\"%s\"]"
        "}],\"telecom\":[{\"system\":\"phone\",\"value\":\"555-%n-%n\",\"use\":\"home\"}],"
        "\"gender\":\"%s\",\"birthDate\":\"%d\",",
        keys->family, given, sex == 0 ? "Ms." : "Mr.", (int64_t)gen_pick(g, 900) + 100,
        (int64_t)gen_pick(g, 9000) + 1000, sex == 0 ? "female" : "male", birth);
    if (death < LAST_TIME) {
        gen_say(g, "\"deceasedDateTime\":\"%t\",", death);
    }
    add_address(g);
    gen_say(
        g,
        ",\"maritalStatus\":{\"coding\":[{\"system\":\"" HL7
        "v3-MaritalStatus\",\"code\":\"%s\",\"display\":\"%s\"}],\"text\":\"%s\"},"
        "\"multipleBirthBoolean\":%s,\"communication\":[{\"language\":{\"coding\":[{\"system\":"
        "\"urn:ietf:bcp:47\",\"code\":\"en-US\",\"display\":\"English\"}],\"text\":\"English\"}}]",
        is_married ? "M" : "S", is_married ? "Married" : "Never Married", is_married ? "M" : "S",
        gen_happens(g, 30) ? "true" : "false");
    gen_finish(g);
}

/* ---- what happens at an encounter ---- */

static void add_subject(generator *g, const char *subject)
{
    gen_say(g,
            ",\"%s\":{\"reference\":\"Patient/%s\"},\"encounter\":{\"reference\":\"Encounter/%s\"}",
            subject, g->self.text, g->encounter.text);
}

static void write_encounter(generator *g, const gen_code *visit)
{
    g->encounter = gen_new_id(g);
    if (!gen_begin(g, "Encounter", &g->encounter)) {
        return;
    }
    gen_say(
        g,
        ",\"status\":\"finished\",\"class\":{\"system\":\"" HL7
        "v3-ActCode\",\"code\":\"%s\"},\"type\":[%k],\"subject\":{\"reference\":\"Patient/%s\"},"
        "\"participant\":[{\"individual\":{\"reference\":\"Practitioner/%s\"}}],\"period\":"
        "{\"start\":\"%t\",\"end\":\"%t\"},\"serviceProvider\":{\"reference\":\"Organization/%s\"}",
        visit->class, SNOMED, visit, g->self.text, g->doctor.text, g->start, g->end,
        g->hospital.text);
    gen_finish(g);
}

/* The beginning that all observations share, up to the value. */
static bool begin_observation(generator *g, const gen_id *id, const char *category,
                              const char *code, const char *display)
{
    const gen_code coded = {code, display, 0, NULL};
    if (!gen_begin(g, "Observation", id)) {
        return false;
    }
    gen_say(g,
            ",\"status\":\"final\",\"category\":[{\"coding\":[{\"system\":\"" HL7
            "observation-category\",\"code\":\"%s\",\"display\":\"%s\"}]}],\"code\":%k",
            category, category, LOINC, &coded);
    add_subject(g, "subject");
    gen_say(g, ",\"effectiveDateTime\":\"%t\",\"issued\":\"", g->start);
    gen_add_time(g->out, g->start, gen_pick(g, 1000));
    gen_add_text(g->out, "\"");
    return true;
}

static void add_quantity(generator *g, const gen_measure *measure)
{
    int64_t value = measure->low +
                    (int64_t)gen_pick(g, (uint32_t)(measure->high - measure->low + 1));
    gen_say(g,
            ",\"valueQuantity\":{\"value\":%f,\"unit\":\"%s\",\"system\":"
            "\"http://unitsofmeasure.org\",\"code\":\"%s\"}",
            value, measure->decimals, measure->unit, measure->unit);
}

static gen_id write_measure(generator *g, const char *category, const gen_measure *measure)
{
    gen_id id = gen_new_id(g);
    if (begin_observation(g, &id, category, measure->code, measure->display)) {
        add_quantity(g, measure);
        gen_finish(g);
    }
    return id;
}

static void write_blood_pressure(generator *g)
{
    static const gen_measure parts[] = {
        {"8462-4", "Diastolic Blood Pressure", "mm[Hg]", 600, 1100, 1},
        {"8480-6", "Systolic Blood Pressure", "mm[Hg]", 950, 1900, 1}};
    gen_id id = gen_new_id(g);
    if (!begin_observation(g, &id, "vital-signs", "55284-4", "Blood Pressure")) {
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        const gen_code code = {parts[i].code, parts[i].display, 0, NULL};
        gen_say(g, "%s{\"code\":%k", i == 0 ? ",\"component\":[" : ",", LOINC, &code);
        add_quantity(g, &parts[i]);
        gen_add_text(g->out, "}");
    }
    gen_add_text(g->out, "]");
    gen_finish(g);
}

static void write_smoking(generator *g)
{
    static const gen_code answers[] = {{"266919005", "Never smoker", 0, NULL},
                                       {"8517006", "Former smoker", 0, NULL},
                                       {"449868002", "Current every day smoker", 0, NULL}};
    gen_id id = gen_new_id(g);
    uint32_t which = gen_pick(g, 100);
    if (begin_observation(g, &id, "survey", "72166-2", "Tobacco smoking status NHIS")) {
        gen_say(g, ",\"valueCodeableConcept\":%k", SNOMED,
                &answers[which < 80   ? 0
                         : which < 95 ? 1
                                      : 2]);
        gen_finish(g);
    }
}

static void write_social(generator *g)
{
    static const gen_code questions[] = {{"55277-8", "HIV status", 0, NULL},
                                         {"76690-7", "Sexual orientation", 0, NULL},
                                         {"28245-9", "Abuse Status [OMAHA]", 0, NULL}};
    static const char *const answers[] = {"not HIV positive", "heterosexual", "No signs of abuse"};
    uint32_t which = gen_pick(g, 3);
    gen_id id = gen_new_id(g);
    if (begin_observation(g, &id, "social-history", questions[which].code,
                          questions[which].display)) {
        gen_say(g, ",\"valueString\":\"%s\"", answers[which]);
        gen_finish(g);
    }
}

static void write_panel(generator *g, const gen_panel *panel)
{
    gen_id results[32];
    const gen_code code = {panel->code, panel->display, 0, NULL};
    for (size_t i = 0; i < panel->count; i++) {
        results[i] = write_measure(g, "laboratory", &panel->measures[i]);
    }
    gen_id id = gen_new_id(g);
    if (!gen_begin(g, "DiagnosticReport", &id)) {
        return;
    }
    gen_say(g,
            ",\"status\":\"final\",\"category\":[{\"coding\":[{\"system\":\"" HL7
            "v2-0074\",\"code\":\"LAB\",\"display\":\"Laboratory\"}]}],\"code\":%k",
            LOINC, &code);
    add_subject(g, "subject");
    gen_say(g, ",\"effectiveDateTime\":\"%t\",\"issued\":\"", g->start);
    gen_add_time(g->out, g->start, gen_pick(g, 1000));
    gen_add_text(g->out, "\",\"result\":[");
    for (size_t i = 0; i < panel->count; i++) {
        gen_say(g, "%s{\"reference\":\"Observation/%s\",\"display\":\"%s\"}", i == 0 ? "" : ",",
                results[i].text, panel->measures[i].display);
    }
    gen_add_text(g->out, "]");
    gen_finish(g);
}

static void write_observations(generator *g)
{
    if (gen_happens(g, 360)) {
        write_blood_pressure(g);
        for (size_t i = 0; i < gen_vital_count; i++) {
            (void)write_measure(g, "vital-signs", &gen_vitals[i]);
        }
        write_smoking(g);
    }
    for (uint32_t i = gen_times(g, 130); i > 0; i--) {
        (void)write_measure(g, "laboratory", &gen_others[gen_pick(g, (uint32_t)gen_other_count)]);
    }
    for (uint32_t i = gen_times(g, 35); i > 0; i--) {
        write_social(g);
    }
    for (size_t i = 0; i < gen_panel_count; i++) {
        if (gen_happens(g, gen_panels[i].per_mille)) {
            write_panel(g, &gen_panels[i]);
        }
    }
}

static void write_condition(generator *g)
{
    gen_id id = gen_new_id(g);
    bool is_over = gen_happens(g, 600);
    if (!gen_begin(g, "Condition", &id)) {
        return;
    }
    gen_say(
        g,
        ",\"clinicalStatus\":{\"coding\":[{\"system\":\"" HL7
        "condition-clinical\",\"code\":\"%s\"}]},\"verificationStatus\":{\"coding\":[{\"system\":"
        "\"" HL7 "condition-ver-status\",\"code\":\"confirmed\"}]},\"code\":%k",
        is_over ? "resolved" : "active", SNOMED, gen_pick_code(g, &gen_conditions));
    add_subject(g, "subject");
    gen_say(g, ",\"onsetDateTime\":\"%t\"", g->start);
    if (is_over) {
        gen_say(g, ",\"abatementDateTime\":\"%t\"",
                g->start + SECONDS_A_DAY * (7 + gen_pick(g, 60)));
    }
    gen_say(g, ",\"recordedDate\":\"%t\"", g->start);
    gen_finish(g);
}

static void write_procedure(generator *g)
{
    gen_id id = gen_new_id(g);
    if (!gen_begin(g, "Procedure", &id)) {
        return;
    }
    gen_say(g, ",\"status\":\"completed\",\"code\":%k", SNOMED, gen_pick_code(g, &gen_procedures));
    add_subject(g, "subject");
    gen_say(g, ",\"performedPeriod\":{\"start\":\"%t\",\"end\":\"%t\"}", g->start,
            g->start + 900 * (int64_t)(1 + gen_pick(g, 6)));
    gen_finish(g);
}

static void write_immunization(generator *g)
{
    gen_id id = gen_new_id(g);
    if (!gen_begin(g, "Immunization", &id)) {
        return;
    }
    gen_say(g, ",\"status\":\"completed\",\"vaccineCode\":%k", CVX,
            gen_pick_code(g, &gen_vaccines));
    add_subject(g, "patient");
    gen_say(g, ",\"occurrenceDateTime\":\"%t\",\"primarySource\":true", g->start);
    gen_finish(g);
}

static void write_plan(generator *g)
{
    gen_id id = gen_new_id(g);
    const gen_code *plan = gen_pick_code(g, &gen_plans);
    if (!gen_begin(g, "CarePlan", &id)) {
        return;
    }
    gen_say(g,
            ",\"text\":{\"status\":\"generated\",\"div\":\"<div xmlns=\\\"http://www.w3.org/1999/"
            "xhtml\\\">Care Plan for %s.</div>\"},\"status\":\"active\",\"intent\":\"order\","
            "\"category\":[%k]",
            plan->display, SNOMED, plan);
    add_subject(g, "subject");
    gen_say(g,
            ",\"period\":{\"start\":\"%t\"},\"activity\":[{\"detail\":{\"code\":%k,\"status\":"
            "\"in-progress\",\"location\":{\"display\":\"%s\"}}}]",
            g->start, SNOMED, gen_pick_code(g, &gen_procedures), gen_cities[gen_pick(g, 40)]);
    gen_finish(g);
}

static void write_goal(generator *g)
{
    gen_id id = gen_new_id(g);
    if (gen_begin(g, "Goal", &id)) {
        gen_say(g,
                ",\"lifecycleStatus\":\"accepted\",\"achievementStatus\":{\"coding\":[{\"system\":"
                "\"" HL7 "goal-achievement\",\"code\":\"%s\"}]},\"description\":{\"text\":\"%s\"},"
                "\"subject\":{\"reference\":\"Patient/%s\"}",
                gen_happens(g, 500) ? "achieved" : "in-progress",
                gen_happens(g, 500) ? "improved systolic function"
                                    : "Blood Pressure below 140/90 mmHg",
                g->self.text);
        gen_finish(g);
    }
}

static void write_imaging(generator *g)
{
    gen_id id = gen_new_id(g);
    int64_t number = gen_pick(g, 99999999);
    if (!gen_begin(g, "ImagingStudy", &id)) {
        return;
    }
    gen_say(g,
            ",\"identifier\":[{\"use\":\"official\",\"system\":\"urn:ietf:rfc:3986\",\"value\":"
            "\"urn:oid:1.2.840.99999999.%n\"}],\"status\":\"available\"",
            number);
    add_subject(g, "subject");
    gen_say(
        g,
        ",\"started\":\"%t\",\"numberOfSeries\":1,\"numberOfInstances\":1,\"series\":[{\"uid\":"
        "\"1.2.840.99999999.1.%n\",\"number\":1,\"modality\":{\"system\":"
        "\"http://dicom.nema.org/resources/ontology/DCM\",\"code\":\"%s\"},"
        "\"numberOfInstances\":1,\"bodySite\":{\"system\":\"" SNOMED
        "\",\"code\":\"72696002\",\"display\":\"Knee\"},\"started\":\"%t\",\"instance\":[{"
        "\"uid\":\"1.2.840.99999999.1.1.%n\",\"sopClass\":{\"system\":\"urn:ietf:rfc:3986\","
        "\"code\":\"1.2.840.10008.5.1.4.1.1.1.1\"},\"number\":1,\"title\":\"Image of knee\"}]}]",
        g->start, number, gen_happens(g, 800) ? "DX" : "CT", g->start, number);
    gen_finish(g);
}

static void write_allergy(generator *g)
{
    gen_id id = gen_new_id(g);
    if (!gen_begin(g, "AllergyIntolerance", &id)) {
        return;
    }
    gen_say(
        g,
        ",\"clinicalStatus\":{\"coding\":[{\"system\":\"" HL7
        "allergyintolerance-clinical\",\"code\":\"active\"}]},\"type\":\"allergy\",\"category\":["
        "\"food\"],\"criticality\":\"low\",\"code\":{\"coding\":[{\"system\":\"" SNOMED
        "\",\"code\":\"300913006\",\"display\":\"Shellfish allergy\"}]},\"patient\":{"
        "\"reference\":\"Patient/%s\"},\"recordedDate\":\"%t\"",
        g->self.text, g->start);
    gen_finish(g);
}

/* ---- what it costs ---- */

/* @a prescription: the MedicationRequest that is paid, or NULL for the encounter itself. */
static void write_claim(generator *g, const gen_code *what, const gen_id *prescription)
{
    gen_id id = gen_new_id(g);
    int64_t cents = (int64_t)gen_pick(g, 60000) + 2500;
    if (prescription == NULL) {
        g->claim = id;
    }
    if (!gen_begin(g, "Claim", &id)) {
        return;
    }
    gen_say(
        g,
        ",\"status\":\"active\",\"type\":{\"coding\":[{\"system\":\"" HL7
        "claim-type\",\"code\":\"%s\"}]},\"use\":\"claim\",\"patient\":{\"reference\":"
        "\"Patient/%s\"},\"billablePeriod\":{\"start\":\"%t\",\"end\":\"%t\"},\"created\":\"%t\","
        "\"provider\":{\"reference\":\"Organization/%s\"},\"priority\":{\"coding\":[{\"system\":"
        "\"" HL7 "processpriority\",\"code\":\"normal\"}]}",
        prescription == NULL ? "institutional" : "pharmacy", g->self.text, g->start, g->end, g->end,
        g->hospital.text);
    if (prescription != NULL) {
        gen_say(g, ",\"prescription\":{\"reference\":\"MedicationRequest/%s\"}",
                prescription->text);
    }
    gen_say(
        g,
        ",\"insurance\":[{\"sequence\":1,\"focal\":true,\"coverage\":{\"display\":\"private\"}}],"
        "\"item\":[{\"sequence\":1,\"productOrService\":%k,\"encounter\":[{\"reference\":"
        "\"Encounter/%s\"}]}],\"total\":{\"value\":%f,\"currency\":\"USD\"}",
        prescription == NULL ? SNOMED : RXNORM, what, g->encounter.text, cents, 2);
    gen_finish(g);
}

static void write_prescription(generator *g)
{
    gen_id id = gen_new_id(g);
    const gen_code *drug = gen_pick_code(g, &gen_drugs);
    if (gen_begin(g, "MedicationRequest", &id)) {
        gen_say(g, ",\"status\":\"%s\",\"intent\":\"order\",\"medicationCodeableConcept\":%k",
                gen_happens(g, 700) ? "stopped" : "active", RXNORM, drug);
        add_subject(g, "subject");
        gen_say(g, ",\"authoredOn\":\"%t\",\"requester\":{\"reference\":\"Practitioner/%s\"}",
                g->start, g->doctor.text);
        gen_finish(g);
    }
    write_claim(g, drug, &id);
}

static void add_benefit_item(generator *g, int64_t number, const gen_code *what, int64_t cents)
{
    gen_say(
        g,
        "%s{\"sequence\":%n,\"category\":{\"coding\":[{\"system\":"
        "\"https://bluebutton.cms.gov/resources/variables/line_cms_type_srvc_cd\",\"code\":\"1\","
        "\"display\":\"Medical care\"}]},\"productOrService\":%k,\"servicedPeriod\":{\"start\":"
        "\"%t\",\"end\":\"%t\"},\"locationCodeableConcept\":{\"coding\":[{\"system\":\"" HL7
        "ex-serviceplace\",\"code\":\"21\",\"display\":\"Inpatient Hospital\"}]},\"encounter\":[{"
        "\"reference\":\"Encounter/%s\"}],\"adjudication\":[",
        number == 1 ? "" : ",", number, SNOMED, what, g->start, g->end, g->encounter.text);
    static const char *const kinds[] = {"submitted", "eligible", "deductible", "copay", "benefit"};
    for (size_t i = 0; i < 5; i++) {
        gen_say(g,
                "%s{\"category\":{\"coding\":[{\"system\":\"" HL7
                "adjudication\",\"code\":\"%s\"}]},\"amount\":{\"value\":%f,\"currency\":\"USD\"}}",
                i == 0 ? "" : ",", kinds[i], cents / (int64_t)(i + 1), 2);
    }
    gen_add_text(g->out, "]}");
}

static void write_benefit(generator *g, const gen_code *visit)
{
    gen_id id = gen_new_id(g);
    int64_t cents = (int64_t)gen_pick(g, 60000) + 2500;
    if (!gen_begin(g, "ExplanationOfBenefit", &id)) {
        return;
    }
    gen_say(
        g,
        ",\"contained\":[{\"resourceType\":\"ServiceRequest\",\"id\":\"referral\",\"status\":"
        "\"completed\",\"intent\":\"order\",\"subject\":{\"reference\":\"Patient/%s\"},"
        "\"requester\":{\"reference\":\"Practitioner/%s\"},\"performer\":[{\"reference\":"
        "\"Practitioner/%s\"}]},{\"resourceType\":\"Coverage\",\"id\":\"coverage\",\"status\":"
        "\"active\",\"type\":{\"text\":\"private\"},\"beneficiary\":{\"reference\":\"Patient/%s\"},"
        "\"payor\":[{\"display\":\"private\"}]}],\"identifier\":[{\"system\":"
        "\"https://bluebutton.cms.gov/resources/variables/clm_id\",\"value\":\"%s\"},{\"system\":"
        "\"https://bluebutton.cms.gov/resources/identifier/claim-group\",\"value\":"
        "\"99999999999\"}],\"status\":\"active\",\"type\":{\"coding\":[{\"system\":\"" HL7
        "claim-type\",\"code\":\"institutional\"}]},\"use\":\"claim\"",
        g->self.text, g->doctor.text, g->doctor.text, g->self.text, g->claim.text);
    gen_say(
        g,
        ",\"patient\":{\"reference\":\"Patient/%s\"},\"billablePeriod\":{\"start\":\"%t\",\"end\":"
        "\"%t\"},\"created\":\"%t\",\"insurer\":{\"display\":\"private\"},\"provider\":{"
        "\"reference\":\"Practitioner/%s\"},\"referral\":{\"reference\":\"#referral\"},\"claim\":{"
        "\"reference\":\"Claim/%s\"},\"outcome\":\"complete\",\"careTeam\":[{\"sequence\":1,"
        "\"provider\":{\"reference\":\"Practitioner/%s\"},\"role\":{\"coding\":[{\"system\":\"" HL7
        "claimcareteamrole\",\"code\":\"primary\",\"display\":\"Primary Care Practitioner\"}]}}],"
        "\"insurance\":[{\"focal\":true,\"coverage\":{\"reference\":\"#coverage\",\"display\":"
        "\"private\"}}],\"item\":[",
        g->self.text, g->end, g->end + SECONDS_A_YEAR, g->end, g->doctor.text, g->claim.text,
        g->doctor.text);
    add_benefit_item(g, 1, visit, cents);
    for (int64_t number = 2; gen_happens(g, 450) && number < 9; number++) {
        add_benefit_item(g, number, gen_pick_code(g, &gen_procedures), cents / number);
    }
    gen_say(g,
            "],\"total\":[{\"category\":{\"coding\":[{\"system\":\"" HL7
            "adjudication\",\"code\":\"submitted\",\"display\":\"Submitted Amount\"}],\"text\":"
            "\"Submitted Amount\"},\"amount\":{\"value\":%f,\"currency\":\"USD\"}}],\"payment\":{"
            "\"amount\":{\"value\":%f,\"currency\":\"USD\"}}",
            cents, 2, cents / 4, 2);
    gen_finish(g);
}

/* ---- one patient ---- */

/* How often each follows from an encounter, in thousandths: what the bundles of Synthea have. */
static void write_visit(generator *g)
{
    const gen_code *visit = gen_pick_code(g, &gen_visits);
    write_encounter(g, visit);
    for (uint32_t i = gen_times(g, 243); i > 0; i--) {
        write_condition(g);
    }
    if (gen_happens(g, 2)) {
        write_allergy(g);
    }
    write_observations(g);
    for (uint32_t i = gen_times(g, 558); i > 0; i--) {
        write_procedure(g);
    }
    for (uint32_t i = gen_times(g, 484); i > 0; i--) {
        write_immunization(g);
    }
    for (uint32_t i = gen_times(g, 282); i > 0; i--) {
        write_prescription(g);
    }
    if (gen_happens(g, 76)) {
        write_plan(g);
    }
    if (gen_happens(g, 49)) {
        write_goal(g);
    }
    if (gen_happens(g, 19)) {
        write_imaging(g);
    }
    write_claim(g, visit, NULL);
    write_benefit(g, visit);
}

/* Most have some visits, a few have very many. */
static int64_t visit_count(generator *g)
{
    int64_t count = 6 + gen_pick(g, 20);
    while (count < 200 && gen_happens(g, 350)) {
        count += 6 + gen_pick(g, 24);
    }
    return count;
}

static void write_one(generator *g)
{
    gen_keys keys;
    gen_patient_keys(g->seed, g->patient, &keys);
    memcpy(g->self.text, keys.id, sizeof g->self.text);
    choose_care(g);
    int64_t span = LAST_TIME - FIRST_TIME - 2 * SECONDS_A_YEAR;
    int64_t birth = FIRST_TIME + (int64_t)(gen_draw(&g->state) % (uint64_t)span);
    int64_t last = gen_happens(g, 120) ? LAST_TIME - SECONDS_A_DAY * gen_pick(g, 400) : LAST_TIME;
    int64_t first = last - SECONDS_A_YEAR * (2 + gen_pick(g, 30));
    first = first < birth ? birth : first;
    write_patient(g, &keys, birth, last);
    int64_t visits = visit_count(g);
    int64_t gap = (last - first) / (visits + 1);
    g->start = first;
    for (int64_t i = 0; i < visits && g->left > 0; i++) {
        g->start += 1 + (int64_t)(gen_draw(&g->state) % (uint64_t)(2 * gap));
        g->start = g->start > last ? last : g->start;
        g->end = g->start + 900 * (int64_t)(1 + gen_pick(g, 4));
        write_visit(g);
    }
}

generator *gen_new(uint64_t seed, int64_t resources)
{
    generator *g = calloc(1, sizeof *g);
    if (g != NULL) {
        g->seed = seed;
        g->left = resources;
    }
    return g;
}

void gen_free(generator *g)
{
    free(g);
}

int64_t gen_next(generator *g, gen_text *out)
{
    g->out = out;
    out->len = 0;
    g->written = 0;
    if (g->left > 0) {
        g->state = gen_stream_of(g->seed, g->patient, STREAM_PATIENT);
        write_one(g);
        g->patient++;
    }
    return g->written;
}

void gen_text_free(gen_text *text)
{
    free(text->ptr);
    *text = (gen_text){NULL, 0, 0};
}
