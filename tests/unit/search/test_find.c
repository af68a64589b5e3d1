/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of condition finds, on a store small enough to know by heart. */
#include "store.h"

static store clinic;

static const char *const resources[] = {
    "{\"resourceType\":\"Organization\",\"id\":\"o1\",\"name\":\"Z\xC3\xBCrich General\"}",
    "{\"resourceType\":\"Patient\",\"id\":\"p1\",\"meta\":{\"tag\":[{\"system\":\"t\",\"code\":"
    "\"x\"}],"
    "\"profile\":[\"http://p/a\"],\"source\":\"http://src\"},"
    "\"identifier\":[{\"system\":\"urn:mrn\",\"value\":\"A1\"}],"
    "\"name\":[{\"family\":\"M\xC3\xBCller\",\"given\":[\"Anna\",\"Maria\"]}],\"gender\":"
    "\"female\","
    "\"birthDate\":\"1970-05-01\",\"managingOrganization\":{\"reference\":\"Organization/o1\"}}",
    "{\"resourceType\":\"Patient\",\"id\":\"p2\","
    "\"identifier\":[{\"system\":\"urn:mrn\",\"value\":\"a1b\"},{\"value\":\"77\"}],"
    "\"name\":[{\"family\":\"muller\",\"given\":[\"Bob\"]}],\"gender\":\"male\","
    "\"birthDate\":\"1970\"}",
    "{\"resourceType\":\"Patient\",\"id\":\"p3\","
    "\"name\":[{\"family\":\"O'Neil, Jr\"},{\"family\":\"Adams\"}],\"active\":true,"
    "\"birthDate\":\"1969-12-31\",\"managingOrganization\":{\"identifier\":{\"system\":\"urn:org\","
    "\"value\":\"9\"}}}",
    "{\"resourceType\":\"Patient\",\"id\":\"p4\"}",
    "{\"resourceType\":\"Observation\",\"id\":\"b1\",\"status\":\"final\","
    "\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"8480-6\"}]},"
    "\"subject\":{\"reference\":\"Patient/p1\"},\"effectiveDateTime\":\"2013-01-14T10:00:00Z\","
    "\"valueQuantity\":{\"value\":140,\"unit\":\"mmHg\",\"system\":\"http://unitsofmeasure.org\","
    "\"code\":\"mm[Hg]\"}}",
    "{\"resourceType\":\"Observation\",\"id\":\"b2\",\"status\":\"amended\","
    "\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"8480-6\"},"
    "{\"system\":\"urn:local\",\"code\":\"BP\"}]},"
    "\"subject\":{\"reference\":\"http://example.org/fhir/Patient/p2\"},"
    "\"effectivePeriod\":{\"start\":\"2013-01-01\",\"end\":\"2013-02-01\"},"
    "\"valueQuantity\":{\"value\":0.12,\"unit\":\"g/L\",\"system\":\"http://unitsofmeasure.org\","
    "\"code\":\"g/L\"}}",
    "{\"resourceType\":\"Observation\",\"id\":\"b3\",\"status\":\"final\","
    "\"code\":{\"coding\":[{\"code\":\"8480-6\"}]},"
    "\"subject\":{\"reference\":\"http://other.org/fhir/Patient/p1\"},"
    "\"effectivePeriod\":{\"start\":\"2013-01-14\"},"
    "\"valueQuantity\":{\"value\":120,\"unit\":\"mg/L\",\"system\":\"http://unitsofmeasure.org\","
    "\"code\":\"mg/L\"}}",
    "{\"resourceType\":\"Observation\",\"id\":\"b4\",\"status\":\"final\","
    "\"code\":{\"text\":\"free\"},\"subject\":{\"reference\":\"Patient/p3/_history/2\"},"
    "\"valueQuantity\":{\"value\":100,\"unit\":\"drops\"}}",
    "{\"resourceType\":\"RiskAssessment\",\"id\":\"r1\",\"status\":\"final\","
    "\"subject\":{\"reference\":\"Patient/p1\"},\"prediction\":[{\"probabilityDecimal\":0.80}]}",
    "{\"resourceType\":\"RiskAssessment\",\"id\":\"r2\",\"status\":\"final\","
    "\"subject\":{\"reference\":\"Patient/p1\"},\"prediction\":[{\"probabilityRange\":"
    "{\"low\":{\"value\":1},\"high\":{\"value\":5}}}]}",
    "{\"resourceType\":\"ValueSet\",\"id\":\"v1\",\"url\":\"http://acme.org/fhir/ValueSet/1\","
    "\"status\":\"active\"}",
    "{\"resourceType\":\"ValueSet\",\"id\":\"v2\",\"url\":\"http://acme.org/fhir/ValueSet/12\","
    "\"status\":\"draft\"}",
    "{\"resourceType\":\"ValueSet\",\"id\":\"v3\",\"url\":\"http://acme.org/fhir\","
    "\"status\":\"draft\"}",
};

static void open_clinic(void)
{
    store_open(&clinic);
    store_begin(&clinic);
    for (size_t i = 0; i < sizeof(resources) / sizeof(*resources); i++) {
        store_put(&clinic, resources[i]);
    }
    store_put(&clinic, "{\"resourceType\":\"Patient\",\"id\":\"gone\",\"gender\":\"female\"}");
    store_delete(&clinic, "Patient", "gone");
    store_commit(&clinic);
}

static void close_clinic(void)
{
    store_close(&clinic);
}

static const struct {
    const char *type, *text, *want;
} find_cases[] = {
    {"Patient", "", "p1 p2 p3 p4"},
    /* token */
    {"Patient", "gender=female", "p1"},
    {"Patient", "gender=female,male", "p1 p2"},
    /* The definitions say that this system is case-sensitive. */
    {"Patient", "gender=FEMALE,male", "p2"},
    {"Patient", "gender=http://hl7.org/fhir/administrative-gender|male", "p2"},
    {"Patient", "gender:not=male", "p1 p3 p4"},
    {"Patient", "gender:not=male,female", "p3 p4"},
    {"Patient", "gender:missing=true", "p3 p4"},
    {"Patient", "gender:missing=false", "p1 p2"},
    {"Patient", "active=true", "p3"},
    {"Patient", "identifier=a1", "p1"},
    {"Patient", "identifier=urn:mrn|A1", "p1"},
    {"Patient", "identifier=urn:mrn|", "p1 p2"},
    {"Patient", "identifier=|77", "p2"},
    {"Patient", "identifier=|a1", ""},
    {"Patient", "identifier=urn:none|a1", ""},
    {"Patient", "identifier:code-text=a1", "p1 p2"},
    {"Observation", "code=8480-6", "b1 b2 b3"},
    {"Observation", "code=http://loinc.org|8480-6", "b1 b2"},
    {"Observation", "code=|8480-6", "b3"},
    {"Observation", "code=http://loinc.org|", "b1 b2"},
    {"Observation", "code=bp", "b2"},
    {"Observation", "code=8480-6&status=final", "b1 b3"},
    {"Observation", "code=8480-6&code=bp", "b2"},
    {"Observation", "code:not=8480-6", "b4"},
    {"Observation", "code:missing=true", ""},
    {"Observation", "status=final&code:not=bp&subject=Patient/p1", "b1"},
    /* common ones */
    {"Patient", "_id=p1", "p1"},
    {"Patient", "_id=p4,p2,zz,gone", "p2 p4"},
    {"Patient", "_id:not=p1", "p2 p3 p4"},
    {"Patient", "_tag=t|x", "p1"},
    {"Patient", "_profile=http://p/a", "p1"},
    {"Patient", "_source=http://src", "p1"},
    {"Patient", "_lastUpdated=ge2020", "p1 p2 p3 p4"},
    {"Patient", "_lastUpdated=lt2020", ""},
    {"Patient", "_lastUpdated=2020-09-13", "p1 p2 p3 p4"},
    {"Patient", "_lastUpdated=2020-09-13&gender=male", "p2"},
    /* string */
    {"Patient", "family=mull", "p1 p2"},
    {"Patient", "family=M%C3%9CLLER", "p1 p2"},
    {"Patient", "family:exact=muller", "p2"},
    {"Patient", "family:exact=M%C3%BCller", "p1"},
    {"Patient", "family:contains=ll", "p1 p2"},
    {"Patient", "family:contains=neil", "p3"},
    {"Patient", "family=o'neil\\, j", "p3"},
    {"Patient", "family=a,m", "p1 p2 p3"},
    {"Patient", "name=bob", "p2"},
    {"Patient", "given=anna&given=maria", "p1"},
    {"Patient", "family:missing=true", "p4"},
    /* date */
    {"Patient", "birthdate=1970", "p1 p2"},
    {"Patient", "birthdate=1970-05", "p1"},
    {"Patient", "birthdate=ne1970-05", "p2 p3"},
    {"Patient", "birthdate=gt1970-05-01", "p2"},
    {"Patient", "birthdate=ge1970-05-01", "p1 p2"},
    {"Patient", "birthdate=lt1970-05-01", "p2 p3"},
    {"Patient", "birthdate=le1969-12-31", "p3"},
    {"Patient", "birthdate=sa1969-12-31", "p1 p2"},
    {"Patient", "birthdate=eb1970", "p3"},
    {"Patient", "birthdate=ap1969", "p1 p2 p3"},
    {"Patient", "birthdate=ge1960&birthdate=le1970-12-31", "p1 p2 p3"},
    {"Observation", "date=2013", "b1 b2"},
    {"Observation", "date=2013-01-14", "b1"},
    {"Observation", "date=gt2013-03-14", "b3"},
    {"Observation", "date=ge2013-01-31", "b2 b3"},
    /* A period that ends with the day lies neither above it nor within it. */
    {"Observation", "date=ge2013-02-01", "b3"},
    {"Observation", "date=lt2013-01-14", "b2"},
    {"Observation", "date=eb2013-02-02", "b1 b2"},
    {"Observation", "date=gt2013-01-14T09:00", "b1 b2 b3"},
    {"Observation", "date:missing=true", "b4"},
    /* number */
    {"RiskAssessment", "probability=0.8", "r1"},
    {"RiskAssessment", "probability=0.80", "r1"},
    {"RiskAssessment", "probability=0.801", ""},
    {"RiskAssessment", "probability=gt0.79", "r1 r2"},
    {"RiskAssessment", "probability=ge0.8", "r1 r2"},
    {"RiskAssessment", "probability=lt1", "r1"},
    {"RiskAssessment", "probability=le1", "r1 r2"},
    {"RiskAssessment", "probability=ap0.75", "r1"},
    {"RiskAssessment", "probability=ne0.8", "r2"},
    {"RiskAssessment", "probability=sa0.9", "r2"},
    {"RiskAssessment", "probability=eb1", "r1"},
    {"RiskAssessment", "probability=gt4", "r2"},
    /* quantity */
    {"Observation", "value-quantity=100", "b4"},
    {"Observation", "value-quantity=120", "b3"},
    {"Observation", "value-quantity=ge100", "b1 b3 b4"},
    {"Observation", "value-quantity=100||drops", "b4"},
    {"Observation", "value-quantity=100||mmHg", ""},
    {"Observation", "value-quantity=140||mmHg", "b1"},
    {"Observation", "value-quantity=120|http://unitsofmeasure.org|mg/L", "b2 b3"},
    {"Observation", "value-quantity=0.1200|http://unitsofmeasure.org|g/L", "b2 b3"},
    {"Observation", "value-quantity=gt0.1|http://unitsofmeasure.org|kg/m3", "b2 b3"},
    {"Observation", "value-quantity=140|http://other|mm[Hg]", ""},
    /* reference */
    {"Observation", "subject=p1", "b1"},
    {"Observation", "subject=Patient/p1", "b1"},
    {"Observation", "subject:Patient=p2", "b2"},
    {"Observation", "subject=http://example.org/fhir/Patient/p2", "b2"},
    {"Observation", "subject=http://other.org/fhir/Patient/p1", "b3"},
    {"Observation", "subject=Patient/p3", "b4"},
    {"Observation", "subject=Patient/p3/_history/2", "b4"},
    {"Observation", "subject=Patient/p3/_history/1", ""},
    {"Observation", "subject=Patient/p1,Patient/p2", "b1 b2"},
    {"Observation", "subject=Group/p1", ""},
    {"Observation", "patient=p1", "b1"},
    {"Patient", "organization:identifier=urn:org|9", "p3"},
    {"Patient", "organization=Organization/o1", "p1"},
    {"Patient", "organization:missing=true", "p2 p4"},
    /* uri */
    {"ValueSet", "url=http://acme.org/fhir/ValueSet/1", "v1"},
    {"ValueSet", "url:below=http://acme.org/fhir", "v1 v2 v3"},
    {"ValueSet", "url:below=http://acme.org/fhir/ValueSet/1", "v1"},
    {"ValueSet", "url:above=http://acme.org/fhir/ValueSet/1/x", "v1 v3"},
    {"ValueSet", "url:contains=ValueSet", "v1 v2"},
    /* composite */
    {"Observation", "code-value-quantity=http://loinc.org|8480-6$gt130", "b1"},
    {"Observation", "code-value-quantity=8480-6$120|http://unitsofmeasure.org|mg/L", "b2 b3"},
    {"Observation", "code-value-quantity=bp$gt1", ""},
    /* chains */
    {"Observation", "subject:Patient.family=muller", "b1 b2"},
    {"Observation", "patient.gender=female", "b1"},
    {"Observation", "subject:Patient.organization.name=zurich", "b1"},
    {"Observation", "subject:Patient._id=p2", "b2"},
    {"Observation", "subject:Patient.gender:not=male", "b1 b4"},
    {"Observation", "subject:Patient.gender:missing=true&status=final", "b4"},
    {"Patient", "_has:Observation:patient:code=bp", "p2"},
    {"Patient", "_has:Observation:patient:status=final", "p1 p3"},
    {"Patient", "_has:Observation:patient:status=final&gender=female", "p1"},
    {"Organization", "_has:Patient:organization:_has:Observation:patient:code=8480-6", "o1"},
    /* the store */
    {"", "_id=p1,b1", "p1 b1"},
    {"", "_tag=x", "p1"},
    {"", "_type=Organization,ValueSet", "o1 v1 v2 v3"},
    {"", "_lastUpdated=gt2021", ""},
    /* orders */
    {"Patient", "_sort=birthdate", "p3 p2 p1 p4"},
    {"Patient", "_sort=-birthdate", "p1 p2 p3 p4"},
    {"Patient", "_sort=family", "p3 p1 p2 p4"},
    {"Patient", "_sort=-family", "p3 p2 p1 p4"},
    {"Patient", "_sort=family,-birthdate", "p3 p1 p2 p4"},
    {"Patient", "_sort=-_id", "p4 p3 p2 p1"},
    {"Patient", "_sort=gender,_id", "p1 p2 p3 p4"},
    {"Observation", "_sort=-date", "b1 b3 b2 b4"},
    {"Observation", "_sort=value-quantity", "b4 b2 b3 b1"},
    {"RiskAssessment", "_sort=-probability", "r2 r1"},
};

START_TEST(finds)
{
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 20);
    search_ids(&clinic, find_cases[_i].type, find_cases[_i].text, &out);
    ck_assert_msg(fhs_str_eq(fhs_buf_str(&out), fhs_str_from_cstr(find_cases[_i].want)),
                  "%s?%s: got \"%.*s\", wanted \"%s\"", find_cases[_i].type, find_cases[_i].text,
                  FHS_STR_ARG(fhs_buf_str(&out)), find_cases[_i].want);
    fhs_buf_clear(&out);
}
END_TEST

START_TEST(a_restriction_counts_for_everything)
{
    found f;
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 20);
    fhs_query *only = NULL;
    fhs_arena arena;
    fhs_query_options options = {.fhir = clinic.fhir};
    fhs_arena_init(&arena, (size_t)1 << 20);
    ck_assert_ok(fhs_query_parse(&arena, &options,
                                 fhs_type_find(clinic.fhir, FHS_LIT("Observation")),
                                 FHS_LIT("status=final"), &only, &err));
    clinic.env.restriction = only->root;
    search_ids(&clinic, "Observation", "code=8480-6", &out);
    ck_assert_view_eq(fhs_buf_str(&out), FHS_LIT("b1 b3"));
    fhs_buf_reset(&out);
    search_ids(&clinic, "Observation", "_sort=-date", &out);
    ck_assert_view_eq(fhs_buf_str(&out), FHS_LIT("b1 b3 b4"));
    ck_assert_ok(found_try(&clinic, "Observation", "_id=b2", false, &f, &err));
    fhs_version version;
    ck_assert_int_eq(fhs_search_next(f.search, &version, NULL), FHIRSTORE_DONE);
    found_close(&f);
    fhs_arena_clear(&arena);
    fhs_buf_clear(&out);
}
END_TEST

static const fhs_node *hide_patients(void *ctx, fhs_type type)
{
    static const fhs_node all = {.kind = FHS_NODE_TRUE, .type = FHS_TYPE_NONE};
    return type == *(const fhs_type *)ctx ? NULL : &all;
}

START_TEST(chains_pass_only_through_what_may_be_seen)
{
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 20);
    fhs_type hidden = fhs_type_find(clinic.fhir, FHS_LIT("Patient"));
    clinic.env.restriction_of = hide_patients;
    clinic.env.restriction_ctx = &hidden;
    search_ids(&clinic, "Observation", "subject:Patient.family=muller", &out);
    ck_assert_uint_eq(out.len, 0);
    search_ids(&clinic, "Organization", "_has:Patient:organization:family=muller", &out);
    ck_assert_uint_eq(out.len, 0);
    search_ids(&clinic, "Patient", "_has:Observation:patient:code=bp", &out);
    ck_assert_view_eq(fhs_buf_str(&out), FHS_LIT("p2"));
    fhs_buf_clear(&out);
}
END_TEST

START_TEST(too_many_looks_are_refused)
{
    found f;
    fhs_version version;
    fhirstore_status status;
    clinic.env.max_visits = 2;
    ck_assert_ok(found_try(&clinic, "Patient", "gender:missing=true", false, &f, &err));
    do {
        status = fhs_search_next(f.search, &version, NULL);
    } while (status == FHIRSTORE_OK);
    ck_assert_int_eq(status, FHIRSTORE_ERR_TOO_COSTLY);
    ck_assert_int_eq(fhs_search_next(f.search, &version, NULL), FHIRSTORE_ERR_TOO_COSTLY);
    found_close(&f);
}
END_TEST

START_TEST(explains_itself)
{
    found f;
    fhs_arena arena;
    const fhs_json *root = NULL;
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 20);
    fhs_arena_init(&arena, (size_t)1 << 20);
    ck_assert_ok(found_try(&clinic, "Observation", "code=8480-6&date=ge2013&subject:missing=false",
                           false, &f, &err));
    fhs_search_explain(f.search, false, &out);
    ck_assert_ptr_nonnull(strstr(out.ptr, "Begins with"));
    ck_assert_ptr_null(strstr(out.ptr, "8480"));
    fhs_buf_reset(&out);
    fhs_search_explain(f.search, true, &out);
    ck_assert_ok(fhs_json_read(&arena, fhs_buf_str(&out), NULL, &root, &err));
    ck_assert_ptr_nonnull(fhs_json_get(root, FHS_LIT("driver")));
    ck_assert_ptr_nonnull(fhs_json_get(root, FHS_LIT("words")));
    ck_assert_ptr_null(strstr(out.ptr, "8480"));
    found_close(&f);
    fhs_buf_clear(&out);
    fhs_arena_clear(&arena);
}
END_TEST

/* What is really done: @a has in the JSON form, and in the words; NULL: need not be. */
static const struct {
    const char *type;
    const char *query;
    const char *json;
    const char *words;
} plan_cases[] = {
    {"Observation", "code=8480-6", "\"table\":\"idx_token\"",
     "Begins with code: 2 ranges of idx_token"},
    {"Observation", "code=8480-6&subject=Patient/p1", "\"by\":\"idx_", "Asks idx_"},
    {"Observation", "code=8480-6&date=ge2013", "\"by\":\"rows\"", "Tests value date on the rows"},
    {"Patient", "gender:not=male", "\"driver\":null", "Reads every resource of the type."},
    {"Patient", "_id=p1,p2", "\"table\":\"list\"", "a list of 2 resources"},
    {"Patient", "birthdate=ge1900", "\"gathered\":true", "gathered and put in order"},
    {"Patient", "_sort=birthdate", "\"sort\":[{\"parameter\":\"birthdate\",\"descending\":false",
     "Order: "},
    {"Patient", "family=nobodyatall&_sort=-birthdate", "\"order\":\"sorted\"",
     "gathered and sorted"},
    {"Observation", "subject:Patient.gender=male", "\"kind\":\"chain\"", "subject"},
    {"Patient", "_has:Observation:subject:code=8480-6", "\"table\":\"list\"",
     "Begins at the far end of subject"},
    {"Patient", "identifier=http://nowhere.example|x", "\"empty\":true",
     "Nothing in the store can match."},
};

START_TEST(explains_what_it_does)
{
    found f;
    fhs_arena arena;
    const fhs_json *root = NULL;
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 20);
    fhs_arena_init(&arena, (size_t)1 << 20);
    ck_assert_ok(found_try(&clinic, plan_cases[_i].type, plan_cases[_i].query, false, &f, &err));
    fhs_search_explain(f.search, true, &out);
    fhs_buf_add_char(&out, '\0');
    ck_assert_msg(plan_cases[_i].json == NULL || strstr(out.ptr, plan_cases[_i].json) != NULL,
                  "%s: %s", plan_cases[_i].query, out.ptr);
    out.len--;
    ck_assert_ok(fhs_json_read(&arena, fhs_buf_str(&out), NULL, &root, &err));
    fhs_buf_reset(&out);
    fhs_search_explain(f.search, false, &out);
    fhs_buf_add_char(&out, '\0');
    ck_assert_msg(plan_cases[_i].words == NULL || strstr(out.ptr, plan_cases[_i].words) != NULL,
                  "%s: %s", plan_cases[_i].query, out.ptr);
    found_close(&f);
    fhs_buf_clear(&out);
    fhs_arena_clear(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("search/find");
    TCase *tests = tcase_create("find");
    tcase_add_checked_fixture(tests, open_clinic, close_clinic);
    tcase_add_loop_test(tests, finds, 0, (int)(sizeof(find_cases) / sizeof(find_cases[0])));
    tcase_add_test(tests, a_restriction_counts_for_everything);
    tcase_add_test(tests, chains_pass_only_through_what_may_be_seen);
    tcase_add_test(tests, too_many_looks_are_refused);
    tcase_add_test(tests, explains_itself);
    tcase_add_loop_test(tests, explains_what_it_does, 0,
                        (int)(sizeof(plan_cases) / sizeof(plan_cases[0])));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
