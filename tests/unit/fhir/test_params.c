/* SPDX-License-Identifier: Apache-2.0 */
/* Search parameters and compartments: walks of all, counts, what the generator mends. */
#include "versions.h"

static const struct count_row {
    size_t params;
    size_t composites;
    size_t without_expression;
    size_t in_patient_compartment;
} counts[VERSION_COUNT] = {
    {1398, 46, 16, 66},
    {1437, 46, 21, 66},
    {1240, 26, 13, 73},
};

static void check_def(const fhs_fhir *fhir, const fhs_sparam_def *def)
{
    ck_assert_uint_gt(def->code.len, 0);
    ck_assert_uint_gt(def->url.len, 0);
    ck_assert_uint_le(def->type, FHS_SP_SPECIAL);
    for (size_t i = 0; i < def->base_count; i++) {
        ck_assert_uint_eq(fhs_type_get_kind(fhir, def->bases[i]), FHS_KIND_RESOURCE);
    }
    for (size_t i = 0; i < def->target_count; i++) {
        ck_assert_uint_eq(fhs_type_get_kind(fhir, def->targets[i]), FHS_KIND_RESOURCE);
    }
    ck_assert_int_eq(def->component_count > 0, def->type == FHS_SP_COMPOSITE);
    for (size_t i = 0; i < def->component_count; i++) {
        ck_assert_uint_lt(def->components[i].param, fhs_sparam_count(fhir));
        fhs_sparam_def part = fhs_sparam_get(fhir, def->components[i].param);
        ck_assert_uint_ne(part.type, FHS_SP_COMPOSITE);
        ck_assert_uint_gt(def->components[i].expression.len, 0);
    }
}

START_TEST(every_parameter_is_whole_and_found)
{
    VERSION_OR_RETURN(fhir, versions[_i]);
    ck_assert_uint_eq(fhs_sparam_count(fhir), counts[_i].params);
    size_t composites = 0;
    size_t without_expression = 0;
    for (size_t i = 0; i < fhs_sparam_count(fhir); i++) {
        fhs_sparam_def def = fhs_sparam_get(fhir, (fhs_sparam)i);
        check_def(fhir, &def);
        ck_assert_uint_eq(fhs_sparam_find_url(fhir, def.url), i);
        for (size_t b = 0; b < def.base_count; b++) {
            fhs_sparam found = fhs_sparam_find(fhir, def.bases[b], def.code);
            /* _filter has two definitions; the preferred one is found. */
            if (found != i) {
                ck_assert_view_eq(def.code, FHS_LIT("_filter"));
                ck_assert_view_eq(fhs_sparam_get(fhir, found).code, def.code);
                ck_assert_uint_eq(fhs_sparam_get(fhir, found).type, FHS_SP_SPECIAL);
            }
        }
        composites += def.type == FHS_SP_COMPOSITE;
        without_expression += def.expression.len == 0;
    }
    ck_assert_uint_eq(composites, counts[_i].composites);
    ck_assert_uint_eq(without_expression, counts[_i].without_expression);
}
END_TEST

START_TEST(lists_hold_each_code_once_own_ones_first)
{
    VERSION_OR_RETURN(fhir, versions[_i]);
    for (size_t t = 0; t < fhs_type_count(fhir); t++) {
        fhs_type type = (fhs_type)t;
        const fhs_sparam *list = NULL;
        size_t count = fhs_sparam_list(fhir, type, &list);
        ck_assert(count == 0 || fhs_type_get_kind(fhir, type) == FHS_KIND_RESOURCE);
        bool inherited = false;
        for (size_t i = 0; i < count; i++) {
            fhs_sparam_def def = fhs_sparam_get(fhir, list[i]);
            bool own = false;
            for (size_t b = 0; b < def.base_count; b++) {
                own = own || def.bases[b] == type;
            }
            ck_assert(!own || !inherited);
            inherited = !own;
            ck_assert_uint_eq(fhs_sparam_find(fhir, type, def.code), list[i]);
        }
        if (fhs_type_is_resource(fhir, type)) {
            ck_assert_uint_ne(fhs_sparam_find(fhir, type, FHS_LIT("_id")), FHS_SPARAM_NONE);
            ck_assert_uint_ne(fhs_sparam_find(fhir, type, FHS_LIT("_tag")), FHS_SPARAM_NONE);
            ck_assert_uint_eq(fhs_sparam_find(fhir, type, FHS_LIT("_ID")), FHS_SPARAM_NONE);
        }
    }
    ck_assert_uint_eq(fhs_sparam_find_url(fhir, FHS_LIT("http://example.org/none")),
                      FHS_SPARAM_NONE);
    ck_assert_uint_eq(fhs_sparam_find(fhir, find_type(fhir, "HumanName"), FHS_LIT("_id")),
                      FHS_SPARAM_NONE);
}
END_TEST

static const struct common_row {
    const char *code;
    bool has[VERSION_COUNT];
} common_rows[] = {
    {"_content", {true, true, true}},     {"_filter", {true, true, true}},
    {"_has", {false, true, true}},        {"_id", {true, true, true}},
    {"_in", {false, false, true}},        {"_language", {true, true, true}}, /* by mend.py */
    {"_lastUpdated", {true, true, true}}, {"_list", {false, true, true}},
    {"_profile", {true, true, true}},     {"_query", {true, true, true}},
    {"_security", {true, true, true}},    {"_source", {true, true, true}},
    {"_tag", {true, true, true}},         {"_text", {true, true, true}},
    {"_type", {false, true, true}},
};

START_TEST(common_parameters_apply_to_each_resource)
{
    const struct common_row *row = &common_rows[_i];
    for (size_t v = 0; v < VERSION_COUNT; v++) {
        const fhs_fhir *fhir = fhs_fhir_get(versions[v]);
        if (fhir != NULL) {
            fhs_sparam found = fhs_sparam_find(fhir, find_type(fhir, "Patient"),
                                               fhs_str_from_cstr(row->code));
            ck_assert_msg((found != FHS_SPARAM_NONE) == row->has[v], "%s", row->code);
        }
    }
}
END_TEST

static fhs_sparam_def param_of(const fhs_fhir *fhir, const char *type, const char *code)
{
    fhs_sparam found = fhs_sparam_find(fhir, find_type(fhir, type), fhs_str_from_cstr(code));
    ck_assert_msg(found != FHS_SPARAM_NONE, "no parameter %s of %s", code, type);
    return fhs_sparam_get(fhir, found);
}

START_TEST(relationship_components_are_paired_rightly)
{
    VERSION_OR_RETURN(fhir, versions[_i]);
    fhs_sparam_def def = param_of(fhir, "DocumentReference", "relationship");
    ck_assert_uint_eq(def.component_count, 2);
    ck_assert_view_eq(def.components[0].expression, FHS_LIT("code"));
    ck_assert_uint_eq(fhs_sparam_get(fhir, def.components[0].param).type, FHS_SP_TOKEN);
    ck_assert_view_eq(def.components[1].expression, FHS_LIT("target"));
    ck_assert_uint_eq(fhs_sparam_get(fhir, def.components[1].param).type, FHS_SP_REFERENCE);
}
END_TEST

START_TEST(code_value_date_names_the_type_rightly)
{
    VERSION_OR_RETURN(fhir, versions[_i]);
    fhs_sparam_def def = param_of(fhir, "Observation", "code-value-date");
    fhs_str text = def.components[1].expression;
    ck_assert_uint_gt(fhs_str_find(text, FHS_LIT("DateTime")), text.len);
    ck_assert_uint_lt(fhs_str_find(text, FHS_LIT("(dateTime)")), text.len);
}
END_TEST

static const struct mended_row {
    fhs_fhir_version version;
    const char *type;
    const char *code;
    size_t component; /* SIZE_MAX: the expression itself */
    const char *has;
    const char *lacks;
} mended_rows[] = {
    {FHS_FHIR_R4B, "Ingredient", "manufacturer", SIZE_MAX, "manufacturer.manufacturer", "|"},
    {FHS_FHIR_R5, "Appointment", "date", SIZE_MAX,
     "(Appointment.start | Appointment.requestedPeriod.start).first()", "(start"},
    {FHS_FHIR_R5, "Encounter", "location-period", 0, "location", "reference"},
    {FHS_FHIR_R5, "Composition", "section-code-text", 1, "text", "section"},
    {FHS_FHIR_R5, "Device", "code-value-concept", 1, "version.value", "string"},
};

START_TEST(mended_texts_are_in_the_tables)
{
    const struct mended_row *row = &mended_rows[_i];
    VERSION_OR_RETURN(fhir, row->version);
    fhs_sparam_def def = param_of(fhir, row->type, row->code);
    fhs_str text = def.expression;
    if (row->component != SIZE_MAX) {
        text = def.components[row->component].expression;
    }
    ck_assert_uint_lt(fhs_str_find(text, fhs_str_from_cstr(row->has)), text.len);
    ck_assert_uint_gt(fhs_str_find(text, fhs_str_from_cstr(row->lacks)), text.len);
}
END_TEST

/* Components that named no parameter of the package have one of their element's type. */
static const struct part_row {
    const char *type;
    const char *code;
    fhs_sparam_type parts[3];
    size_t count;
} part_rows[] = {
    {"Encounter", "location-period", {FHS_SP_REFERENCE, FHS_SP_DATE}, 2},
    {"Ingredient", "strength-concentration-ratio", {FHS_SP_QUANTITY, FHS_SP_QUANTITY}, 2},
    {"Observation", "code-value-string", {FHS_SP_TOKEN, FHS_SP_STRING}, 2},
    {"ResearchStudy",
     "progress-status-state-period-actual",
     {FHS_SP_TOKEN, FHS_SP_DATE, FHS_SP_TOKEN},
     3},
    {"TestScript", "scope-artifact-phase", {FHS_SP_REFERENCE, FHS_SP_TOKEN}, 2},
    {"DeviceDefinition", "specification-version", {FHS_SP_TOKEN, FHS_SP_STRING}, 2},
};

START_TEST(components_have_the_type_of_their_element)
{
    const struct part_row *row = &part_rows[_i];
    VERSION_OR_RETURN(fhir, FHS_FHIR_R5);
    fhs_sparam_def def = param_of(fhir, row->type, row->code);
    ck_assert_uint_eq(def.component_count, row->count);
    for (size_t i = 0; i < row->count; i++) {
        ck_assert_uint_eq(fhs_sparam_get(fhir, def.components[i].param).type, row->parts[i]);
    }
}
END_TEST

START_TEST(compartments_name_parameters_that_exist)
{
    VERSION_OR_RETURN(fhir, versions[_i]);
    size_t in_patient = 0;
    for (int c = 0; c < FHS_COMPARTMENT_COUNT; c++) {
        fhs_compartment compartment = (fhs_compartment)c;
        fhs_type owner = fhs_type_find(fhir, fhs_compartment_name(compartment));
        ck_assert(fhs_type_is_resource(fhir, owner));
        for (size_t t = 0; t < fhs_type_count(fhir); t++) {
            const fhs_str *codes = NULL;
            size_t count = fhs_compartment_params(fhir, compartment, (fhs_type)t, &codes);
            for (size_t i = 0; i < count; i++) {
                fhs_sparam param = fhs_sparam_find(fhir, (fhs_type)t, codes[i]);
                ck_assert_msg(param != FHS_SPARAM_NONE, "%.*s", FHS_STR_ARG(codes[i]));
                ck_assert_uint_eq(fhs_sparam_get(fhir, param).type, FHS_SP_REFERENCE);
            }
            in_patient += c == FHS_COMPARTMENT_PATIENT && count > 0;
        }
    }
    ck_assert_uint_eq(in_patient, counts[_i].in_patient_compartment);
}
END_TEST

START_TEST(known_compartment_members)
{
    VERSION_OR_RETURN(fhir, FHS_FHIR_R4);
    const fhs_str *codes = NULL;
    ck_assert_uint_eq(fhs_compartment_params(fhir, FHS_COMPARTMENT_PATIENT,
                                             find_type(fhir, "Observation"), &codes),
                      2);
    ck_assert_view_eq(codes[0], FHS_LIT("performer"));
    ck_assert_view_eq(codes[1], FHS_LIT("subject"));
    ck_assert_uint_eq(fhs_compartment_params(fhir, FHS_COMPARTMENT_PATIENT,
                                             find_type(fhir, "Organization"), &codes),
                      0);
    ck_assert_uint_eq(fhs_compartment_params(fhir, FHS_COMPARTMENT_DEVICE,
                                             find_type(fhir, "Observation"), &codes),
                      2);
}
END_TEST

START_TEST(known_parameters)
{
    VERSION_OR_RETURN(fhir, FHS_FHIR_R4);
    fhs_sparam_def def = param_of(fhir, "Patient", "birthdate");
    ck_assert_uint_eq(def.type, FHS_SP_DATE);
    ck_assert_uint_eq(def.base_count, 3);
    ck_assert_view_eq(def.expression,
                      FHS_LIT("Patient.birthDate | Person.birthDate | RelatedPerson.birthDate"));
    def = param_of(fhir, "Observation", "_lastUpdated");
    ck_assert_view_eq(def.expression, FHS_LIT("Resource.meta.lastUpdated"));
    def = param_of(fhir, "Observation", "subject");
    ck_assert_uint_eq(def.target_count, 4);
    ck_assert_view_eq(fhs_type_name(fhir, def.targets[2]), FHS_LIT("Location"));
    ck_assert_view_eq(fhs_sparam_type_name(FHS_SP_TOKEN), FHS_LIT("token"));
    ck_assert_view_eq(fhs_sparam_type_name(FHS_SP_SPECIAL), FHS_LIT("special"));
    ck_assert_uint_eq(param_of(fhir, "Location", "near").type, FHS_SP_SPECIAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fhir parameters");
    TCase *tcase = tcase_create("parameters");
    tcase_add_loop_test(tcase, every_parameter_is_whole_and_found, 0, VERSION_COUNT);
    tcase_add_loop_test(tcase, lists_hold_each_code_once_own_ones_first, 0, VERSION_COUNT);
    tcase_add_loop_test(tcase, common_parameters_apply_to_each_resource, 0,
                        sizeof(common_rows) / sizeof(common_rows[0]));
    tcase_add_loop_test(tcase, relationship_components_are_paired_rightly, 0, VERSION_COUNT);
    tcase_add_loop_test(tcase, code_value_date_names_the_type_rightly, 0, VERSION_COUNT);
    tcase_add_loop_test(tcase, mended_texts_are_in_the_tables, 0,
                        sizeof(mended_rows) / sizeof(mended_rows[0]));
    tcase_add_loop_test(tcase, components_have_the_type_of_their_element, 0,
                        sizeof(part_rows) / sizeof(part_rows[0]));
    tcase_add_loop_test(tcase, compartments_name_parameters_that_exist, 0, VERSION_COUNT);
    tcase_add_test(tcase, known_compartment_members);
    tcase_add_test(tcase, known_parameters);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
