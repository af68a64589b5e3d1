/* SPDX-License-Identifier: Apache-2.0 */
#include "parse_support.h"

static fhs_type type_of(const char *name)
{
    return fhs_type_find(options.fhir, fhs_str_from_cstr(name));
}

START_TEST(modifiers)
{
    static const struct {
        const char *type, *text;
        fhs_modifier modifier;
    } cases[] = {
        {"Patient", "family:exact=x", FHS_MOD_EXACT},
        {"Patient", "family:contains=x", FHS_MOD_CONTAINS},
        {"Patient", "family:missing=true", FHS_MOD_MISSING},
        {"Patient", "birthdate:missing=false", FHS_MOD_MISSING},
        {"Observation", "subject:code-text=fem", FHS_MOD_CODE_TEXT},
        {"Observation", "subject:Patient=1", FHS_MOD_TYPE},
        {"Observation", "subject:identifier=s|1", FHS_MOD_IDENTIFIER},
        {"ValueSet", "url:below=http://x", FHS_MOD_BELOW},
        {"ValueSet", "url:above=http://x/y", FHS_MOD_ABOVE},
    };
    const fhs_node *node = parse_one(cases[_i].type, cases[_i].text);
    ck_assert_int_eq(node->kind, FHS_NODE_LEAF);
    ck_assert_int_eq(node->modifier, cases[_i].modifier);
}
END_TEST

START_TEST(code_text_means_codes_and_texts)
{
    const fhs_node *node = parse_one("Patient", "gender:code-text=fem");
    ck_assert_int_eq(node->kind, FHS_NODE_OR);
    ck_assert_uint_eq(node->child_count, 2);
    ck_assert_int_eq(node->children[0]->kind, FHS_NODE_LEAF);
    ck_assert_int_eq(node->children[0]->modifier, FHS_MOD_CODE_TEXT);
    ck_assert_int_eq(node->children[1]->modifier, FHS_MOD_TEXT);
    /* Without a word there are no texts to look for. */
    node = parse_one("Patient", "gender:code-text=-");
    ck_assert_int_eq(node->kind, FHS_NODE_LEAF);
    ck_assert_int_eq(node->modifier, FHS_MOD_CODE_TEXT);
}
END_TEST

START_TEST(not_wraps_the_leaf)
{
    const fhs_node *node = parse_one("Patient", "gender:not=male,female");
    ck_assert_int_eq(node->kind, FHS_NODE_NOT);
    ck_assert_uint_eq(node->child_count, 1);
    ck_assert_int_eq(node->children[0]->kind, FHS_NODE_LEAF);
    ck_assert_int_eq(node->children[0]->modifier, FHS_MOD_NONE);
    ck_assert_uint_eq(node->children[0]->value_count, 2);
}
END_TEST

START_TEST(columns_of_the_store_have_their_own_nodes)
{
    ck_assert_int_eq(parse_one("Patient", "_id=1,2")->kind, FHS_NODE_ID);
    ck_assert_int_eq(parse_one("Patient", "_lastUpdated=gt2020")->kind, FHS_NODE_UPDATED);
    ck_assert_int_eq(parse_one("Patient", "_tag=a|b")->kind, FHS_NODE_LEAF);
    ck_assert_int_eq(parse_one("Patient", "_profile=http://x")->kind, FHS_NODE_LEAF);
    ck_assert_int_eq(parse_one("Patient", "_source=http://x")->kind, FHS_NODE_LEAF);
    ck_assert_int_eq(parse_one(NULL, "_security=x")->kind, FHS_NODE_LEAF);
}
END_TEST

START_TEST(typed_chains_and_has)
{
    const fhs_node *node = parse_one("Observation", "subject:Patient.organization.name:exact=x");
    ck_assert_int_eq(node->kind, FHS_NODE_CHAIN);
    ck_assert_uint_eq(node->target, type_of("Patient"));
    node = node->children[0];
    ck_assert_int_eq(node->kind, FHS_NODE_CHAIN);
    ck_assert_uint_eq(node->type, type_of("Patient"));
    ck_assert_uint_eq(node->target, type_of("Organization"));
    ck_assert_int_eq(node->children[0]->modifier, FHS_MOD_EXACT);
    node = parse_one("Patient", "_has:Observation:patient:_has:Provenance:target:agent=1");
    ck_assert_int_eq(node->kind, FHS_NODE_HAS);
    ck_assert_uint_eq(node->type, type_of("Patient"));
    ck_assert_uint_eq(node->target, type_of("Observation"));
    ck_assert_int_eq(node->children[0]->kind, FHS_NODE_HAS);
    ck_assert_uint_eq(node->children[0]->children[0]->type, type_of("Provenance"));
}
END_TEST

START_TEST(untyped_chains_mean_each_type_that_fits)
{
    /* Patient and Practitioner have a family name; Group, Device and Location have not. */
    const fhs_node *node = parse_one("Observation", "subject.birthdate=2000");
    ck_assert_int_eq(node->kind, FHS_NODE_CHAIN);
    ck_assert_uint_eq(node->target, type_of("Patient"));
    node = parse_one("Observation", "subject.identifier=x");
    ck_assert_int_eq(node->kind, FHS_NODE_OR);
    ck_assert_uint_eq(node->child_count, 4);
}
END_TEST

START_TEST(what_is_wrong_is_named)
{
    static const struct {
        const char *type, *text;
        fhirstore_status status;
    } cases[] = {
        {"Patient", "nonsense=1", FHIRSTORE_ERR_UNKNOWN_PARAM},
        {"Patient", "_text=(1", FHIRSTORE_ERR_PARAM_VALUE},
        {"Location", "near=1", FHIRSTORE_ERR_PARAM_VALUE},
        {NULL, "family=x", FHIRSTORE_ERR_UNKNOWN_PARAM},
        {"Patient", "family:below=x", FHIRSTORE_ERR_MODIFIER},
        {"Patient", "gender:exact=x", FHIRSTORE_ERR_MODIFIER},
        {"Patient", "birthdate:not=2000", FHIRSTORE_ERR_MODIFIER},
        {"Patient", "_id:code-text=2000", FHIRSTORE_ERR_MODIFIER},
        {"Observation", "subject:Organization=x", FHIRSTORE_ERR_MODIFIER},
        {"Observation", "subject:Patient=Group/1", FHIRSTORE_ERR_PARAM_VALUE},
        {"Patient", "birthdate=1973-02-30", FHIRSTORE_ERR_PARAM_VALUE},
        {"Patient", "birthdate=xx1973", FHIRSTORE_ERR_PARAM_VALUE},
        {"Patient", "birthdate=", FHIRSTORE_ERR_PARAM_VALUE},
        {"Patient", "birthdate", FHIRSTORE_ERR_PARAM_VALUE},
        {"Patient", "birthdate=,", FHIRSTORE_ERR_PARAM_VALUE},
        {"Patient", "birthdate:missing=yes", FHIRSTORE_ERR_PARAM_VALUE},
        {"Patient", "_lastUpdated=now", FHIRSTORE_ERR_PARAM_VALUE},
        {"RiskAssessment", "probability=abc", FHIRSTORE_ERR_PARAM_VALUE},
        {"RiskAssessment", "probability=1.2.3", FHIRSTORE_ERR_PARAM_VALUE},
        {"Observation", "value-quantity=5|a|b|c", FHIRSTORE_ERR_PARAM_VALUE},
        {"Observation", "value-quantity=5|a|b|c", FHIRSTORE_ERR_PARAM_VALUE},
        {"Observation", "code-value-quantity=a", FHIRSTORE_ERR_PARAM_VALUE},
        {"Observation", "code-value-quantity=a$1$2", FHIRSTORE_ERR_PARAM_VALUE},
        {"Observation", "code=|", FHIRSTORE_ERR_PARAM_VALUE},
        {"Observation", "code.name=x", FHIRSTORE_ERR_QUERY},
        {"Observation", "subject:Organization.name=x", FHIRSTORE_ERR_MODIFIER},
        {"Observation", "subject.nonsense=x", FHIRSTORE_ERR_UNKNOWN_PARAM},
        {"Observation", "patient.birthdate=197x", FHIRSTORE_ERR_PARAM_VALUE},
        {"Observation", "subject:Patient._type=Nothing", FHIRSTORE_ERR_PARAM_VALUE},
        {"Observation", "subject:Patient._type:not=Patient", FHIRSTORE_ERR_UNKNOWN_PARAM},
        {"Observation", "patient.birthdate:exact=1", FHIRSTORE_ERR_MODIFIER},
        {"Patient", "_has:Observation:patient=x", FHIRSTORE_ERR_QUERY},
        {"Patient", "_has:Nothing:patient:code=x", FHIRSTORE_ERR_QUERY},
        {"Patient", "_has:Observation:code:code=x", FHIRSTORE_ERR_QUERY},
        {"Patient", "_count=-1", FHIRSTORE_ERR_PARAM_VALUE},
        {"Patient", "_total=all", FHIRSTORE_ERR_PARAM_VALUE},
        {"Patient", "_summary=yes", FHIRSTORE_ERR_PARAM_VALUE},
        {"Patient", "_summary=text&_elements=name", FHIRSTORE_ERR_QUERY},
        {"Patient", "_elements=name&_summary=false", FHIRSTORE_ERR_QUERY},
        {"Patient", "_sort=nonsense", FHIRSTORE_ERR_UNKNOWN_PARAM},
        {"Patient", "_sort=", FHIRSTORE_ERR_PARAM_VALUE},
        {"Patient", "_elements=,", FHIRSTORE_ERR_PARAM_VALUE},
        {"Patient", "_page=", FHIRSTORE_ERR_PARAM_VALUE},
        {"Patient", "_type=Observation", FHIRSTORE_ERR_PARAM_VALUE},
        {NULL, "_type=Nothing", FHIRSTORE_ERR_PARAM_VALUE},
        {"Patient", "family=%", FHIRSTORE_ERR_QUERY},
        {"Patient", "family=%FF", FHIRSTORE_ERR_QUERY},
        {"Patient", "family=%00", FHIRSTORE_ERR_QUERY},
        {"Patient", "=x", FHIRSTORE_ERR_QUERY},
        {"Observation",
         "subject:Patient.link:Patient.link:Patient.link:Patient.link:Patient.link:Patient."
         "link:Patient.link:Patient.link:Patient.family=x",
         FHIRSTORE_ERR_LIMIT},
        {"Provenance", "target.target.target.target.target._id=x", FHIRSTORE_ERR_LIMIT},
    };
    fhs_query *query = NULL;
    fhirstore_status status = parse_status(cases[_i].type, cases[_i].text, &query);
    ck_assert_msg(status == cases[_i].status, "%s: %s %s", cases[_i].text, fhs_status_name(status),
                  fhs_error_message(last_error));
    ck_assert_ptr_null(query);
    ck_assert_ptr_nonnull(last_error);
    ck_assert_int_eq(fhs_error_status(last_error), status);
    ck_assert_ptr_null(strstr(fhs_error_message(last_error), "1973"));
}
END_TEST

START_TEST(messages_name_parameter_and_expectation)
{
    fhs_query *query = NULL;
    parse_status("Patient", "birthdate=1973-02-30", &query);
    ck_assert_ptr_nonnull(strstr(fhs_error_message(last_error), "'birthdate' expects a date"));
    parse_status("Patient", "family=a%zz", &query);
    ck_assert_ptr_nonnull(strstr(fhs_error_message(last_error), "'family' has a bad percent"));
    parse_status("Patient", "gender:exact=x", &query);
    ck_assert_ptr_nonnull(strstr(fhs_error_message(last_error), "'gender:exact'"));
    ck_assert_ptr_nonnull(strstr(fhs_error_message(last_error), ":not"));
}
END_TEST

START_TEST(untyped_chains_blame_no_single_type)
{
    fhs_query *query = NULL;
    ck_assert_int_eq(parse_status("Observation", "subject.nonsense=x", &query),
                     FHIRSTORE_ERR_UNKNOWN_PARAM);
    ck_assert_str_eq(fhs_error_message(last_error), "search parameter 'subject.nonsense' is not "
                                                    "known for any type the reference may have");
    parse_status("Patient", "organization.nonsense=x", &query);
    ck_assert_ptr_nonnull(strstr(fhs_error_message(last_error), "is not known for Organization"));
}
END_TEST

START_TEST(limits_name_parameter_and_expectation)
{
    static const struct {
        const char *type, *text, *message;
    } cases[] = {
        {"Patient", "link.link.link.link.link.link.link.link.link.family=x",
         "search parameter 'link.link.link.link.link.link.link.link.link.family' expects at most 8 "
         "links in a chain"},
        {"Organization", "partof.partof.partof.partof.partof.partof.partof.partof.partof.name=x",
         "search parameter 'partof' expects at most 8 links in a chain"},
        {"Patient",
         "_has:Observation:patient:_has:Provenance:target:_has:Provenance:target:"
         "_has:Provenance:target:_has:Provenance:target:_has:Provenance:target:"
         "_has:Provenance:target:_has:Provenance:target:_has:Provenance:target:agent=x",
         "search parameter '_has' expects at most 8 links in a chain"},
        {"Provenance", "target.target.target.target.target._id=x",
         "search parameter 'target.target.target.target.target._id' expects at most 4096 "
         "conditions"},
        {"Patient", "_sort=link.link.link.link.link.link.link.link.link.family",
         "search parameter '_sort' expects at most "},
        {"Patient", "_sort=name,name,name,name,name,name,name,name,name",
         "search parameter '_sort' expects at most 8 sort keys"},
    };
    fhs_query *query = NULL;
    ck_assert_int_eq(parse_status(cases[_i].type, cases[_i].text, &query), FHIRSTORE_ERR_LIMIT);
    ck_assert_msg(
        strncmp(fhs_error_message(last_error), cases[_i].message, strlen(cases[_i].message)) == 0,
        "%s", fhs_error_message(last_error));
}
END_TEST

START_TEST(names_that_are_none_are_not_repeated)
{
    static const char *const names[] = {
        "M%C3%BCller=1",
        "Anna%20Miller=1",
        "name%3Cb%3E=1",
        "%22=1",
        "a%00b=1",
        "born@1974=1",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1",
    };
    fhs_query *query;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ck_assert_int_lt(parse_status("Patient", names[i], &query), FHIRSTORE_OK);
        ck_assert_msg(strncmp(fhs_error_message(last_error), "a search parameter ", 19) == 0 ||
                          strchr(fhs_error_message(last_error), '\'') == NULL,
                      "%s", fhs_error_message(last_error));
    }
    (void)parse_status("Patient", "Miller=1", &query);
    ck_assert_ptr_nonnull(strstr(fhs_error_message(last_error), "'Miller'"));
    options.lenient = true;
    query = parse_ok("Patient", "Anna%20Miller=1");
    ck_assert_uint_eq(query->dropped_count, 1);
    ck_assert_uint_eq(query->dropped[0].name.len, 0);
}
END_TEST

START_TEST(lenient_drops_and_reports)
{
    options.lenient = true;
    fhs_query *query = parse_ok("Patient",
                                "family=a&nonsense=1&gender=&subject.x=2&_sort=nothing,-birthdate");
    ck_assert_uint_eq(query->root->child_count, 1);
    ck_assert_uint_eq(query->dropped_count, 4);
    ck_assert_view_eq(query->dropped[0].name, FHS_LIT("nonsense"));
    ck_assert_view_eq(query->dropped[1].name, FHS_LIT("gender"));
    ck_assert_view_eq(query->dropped[2].name, FHS_LIT("subject.x"));
    ck_assert_view_eq(query->dropped[3].name, FHS_LIT("_sort"));
    ck_assert_view_eq(query->self, FHS_LIT("family=a&_sort=-birthdate"));
    ck_assert_int_eq(parse_status("Patient", "gender:exact=x", &query), FHIRSTORE_ERR_MODIFIER);
}
END_TEST

START_TEST(result_parameters)
{
    fhs_query *query = parse_ok("Patient", "_sort=-birthdate,family,_id,-_lastUpdated&_count=50"
                                           "&_total=accurate&_elements=id,name"
                                           "&_page=abc&_format=json&gender=male");
    ck_assert_uint_eq(query->sort_count, 4);
    ck_assert(query->sort[0].descending && query->sort[0].param_type == FHS_SP_DATE);
    ck_assert(!query->sort[1].descending && query->sort[1].param_type == FHS_SP_STRING);
    ck_assert(query->sort[2].is_id);
    ck_assert(query->sort[3].is_updated && query->sort[3].descending);
    ck_assert_uint_eq(query->count, 50);
    ck_assert(query->has_count && !query->count_only);
    ck_assert_int_eq(query->total, FHS_TOTAL_ACCURATE);
    ck_assert_int_eq(query->summary, FHS_SUMMARY_FALSE);
    ck_assert_uint_eq(query->element_count, 2);
    ck_assert_view_eq(query->page, FHS_LIT("abc"));
    ck_assert_view_eq(query->self,
                      FHS_LIT("_sort=-birthdate,family,_id,-_lastUpdated&_count=50&_total=accurate"
                              "&_elements=id,name&_format=json&gender=male"));
    ck_assert_int_eq(parse_ok("Patient", "_summary=text")->summary, FHS_SUMMARY_TEXT);
    ck_assert(parse_ok("Patient", "_count=0")->count_only);
    ck_assert(parse_ok("Patient", "_summary=count")->count_only);
    ck_assert_uint_eq(parse_ok("Patient", "_count=99999999")->count, 10000);
    ck_assert_uint_eq(parse_ok("Patient", "")->count, 20);
    ck_assert_uint_eq(parse_ok(NULL, "_type=Patient,Observation,Patient")->type_count, 2);
}
END_TEST

START_TEST(self_text_parses_to_itself)
{
    static const char *const texts[] = {
        "code=http://loinc.org%7C8480-6,a%5C,b&date=ge2013-01-14T10:00:00%2B02:00",
        "subject:Patient.name=%C3%84%20%26%3D%25+x&_sort=-date",
        "_has:Provenance:target:agent=1&&status:not=final&",
    };
    fhs_query *query = parse_ok("Observation", texts[_i]);
    char first[512];
    snprintf(first, sizeof(first), "%.*s", FHS_STR_ARG(query->self));
    ck_assert_view_eq(parse_ok("Observation", first)->self, fhs_str_from_cstr(first));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("query/parse");
    TCase *tests = tcase_create("parse");
    tcase_add_checked_fixture(tests, start_parsing, stop_parsing);
    tcase_add_loop_test(tests, modifiers, 0, 9);
    tcase_add_test(tests, code_text_means_codes_and_texts);
    tcase_add_test(tests, not_wraps_the_leaf);
    tcase_add_test(tests, columns_of_the_store_have_their_own_nodes);
    tcase_add_test(tests, typed_chains_and_has);
    tcase_add_test(tests, untyped_chains_mean_each_type_that_fits);
    tcase_add_loop_test(tests, what_is_wrong_is_named, 0, 49);
    tcase_add_test(tests, messages_name_parameter_and_expectation);
    tcase_add_test(tests, untyped_chains_blame_no_single_type);
    tcase_add_loop_test(tests, limits_name_parameter_and_expectation, 0, 6);
    tcase_add_test(tests, names_that_are_none_are_not_repeated);
    tcase_add_test(tests, lenient_drops_and_reports);
    tcase_add_test(tests, result_parameters);
    tcase_add_loop_test(tests, self_text_parses_to_itself, 0, 3);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
