/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of an operation fails once: it says so, and the next one works. */
#include "failing_request.h"
#include "operation/host.h"

#define SYS "http://acme.org/cs"

static const char *const stored[][2] = {
    {"CodeSystem/cs",
     "{\"resourceType\":\"CodeSystem\",\"id\":\"cs\",\"url\":\"" SYS "\",\"status\":\"active\","
     "\"content\":\"complete\",\"concept\":[{\"code\":\"a\",\"display\":\"Alpha\",\"designation\":["
     "{"
     "\"language\":\"de\",\"value\":\"Erster\"}],\"concept\":[{\"code\":\"b\"}]}]}"},
    {"ValueSet/vs",
     "{\"resourceType\":\"ValueSet\",\"id\":\"vs\",\"url\":\"http://acme.org/vs\",\"status\":"
     "\"active\",\"compose\":{\"include\":[{\"system\":\"" SYS "\"}]}}"},
    {"ConceptMap/m", "{\"resourceType\":\"ConceptMap\",\"id\":\"m\",\"url\":\"http://acme.org/m\","
                     "\"version\":\"1\",\"status\":\"active\",\"group\":[{\"source\":\"" SYS "\","
                     "\"target\":\"t\",\"element\":[{\"code\":\"a\",\"target\":[{\"code\":\"z\","
                     "\"equivalence\":\"equal\"}]}]}]}"},
    {"Organization/o", "{\"resourceType\":\"Organization\",\"id\":\"o\"}"},
    {"Patient/p", "{\"resourceType\":\"Patient\",\"id\":\"p\",\"managingOrganization\":{"
                  "\"reference\":\"Organization/o\"}}"},
    {"Group/g", "{\"resourceType\":\"Group\",\"id\":\"g\",\"type\":\"person\",\"actual\":true,"
                "\"member\":[{\"entity\":{\"reference\":\"Patient/p\"}}]}"},
    {"Observation/v",
     "{\"resourceType\":\"Observation\",\"id\":\"v\",\"status\":\"final\",\"code\":{"
     "\"coding\":[{\"system\":\"" SYS "\",\"code\":\"a\"}]},\"subject\":{"
     "\"reference\":\"Patient/p\"},\"valueQuantity\":{\"value\":1,\"system\":"
     "\"http://unitsofmeasure.org\",\"code\":\"kg\"}}"},
    {"Encounter/e", "{\"resourceType\":\"Encounter\",\"id\":\"e\",\"status\":\"planned\","
                    "\"class\":{\"code\":\"AMB\"},\"subject\":{\"reference\":\"Patient/p\"}}"},
};

/* Done, or stopped by the allocation that fails. */
static bool is_done(const char *const question[3], int64_t fail_at)
{
    const sent answer = send_failing(question[0], question[1], question[2], fail_at);
    ck_assert_msg(answer.has_failed || (answer.status == FHIRSTORE_OK && answer.http < 300),
                  "%s: %d, %s", question[1], (int)answer.http, answer.body);
    return !answer.has_failed && answer.status == FHIRSTORE_OK;
}

static fhirstore_status answer_host(void *ctx, const fhirstore_operation_request *request,
                                    fhirstore_operation_reply *reply)
{
    (void)ctx;
    return fhs_host_answer(reply, 200, fhs_str_of(request->parameters, request->parameters_len));
}

static void add_host_operation(void)
{
    const fhirstore_operation operation = {.struct_size = sizeof operation,
                                           .name = "host",
                                           .name_len = 4,
                                           .levels = FHIRSTORE_OPERATION_ON_SYSTEM |
                                                     FHIRSTORE_OPERATION_ON_INSTANCE,
                                           .run = answer_host};
    ck_assert_int_eq(fhs_host_operation_add(core, &operation, NULL), FHIRSTORE_OK);
}

static void open_store(void)
{
    const fhs_core_options options = new_core_options();
    open_core(&options);
    add_host_operation();
    for (size_t i = 0; i < sizeof stored / sizeof *stored; i++) {
        ck_assert_int_eq(send_failing("PUT", stored[i][0], stored[i][1], 0).http, 201);
    }
}

static const char *const questions[][3] = {
    {"GET", "ValueSet/$expand?url=http://acme.org/vs&filter=a&displayLanguage=de", ""},
    {"GET", "ValueSet/vs/$expand?includeDesignations=true&count=1", ""},
    {"GET", "ValueSet/vs/$validate-code?code=a&display=erster", ""},
    {"GET", "CodeSystem/$lookup?code=a&system=" SYS, ""},
    {"GET", "CodeSystem/cs/$subsumes?codeA=a&codeB=b", ""},
    {"GET", "Patient/p/$everything?start=2020&_type=Patient,Organization&_count=1", ""},
    {"GET", "Patient/$everything", ""},
    {"GET", "Group/g/$everything?_count=1", ""},
    {"GET", "Encounter/e/$everything?_since=2020-01-01T00:00:00Z", ""},
    {"GET", "ConceptMap/$translate?system=" SYS "&code=a", ""},
    {"GET", "ConceptMap/$translate?url=http://acme.org/m&conceptMapVersion=1&targetCode=z&system=t",
     ""},
    {"GET", "Observation/$lastn?patient=p&code=a", ""},
    {"GET",
     "Observation/$stats?subject=Patient/p&coding=" SYS "|a&statistic=average,count&include=true",
     ""},
    {"GET", "$meta", ""},
    {"GET", "$host?x=1", ""},
    {"POST", "Patient/p/$host",
     "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"a\",\"valueCode\":\"b\"}]}"},
    {"GET", "Patient/p/$reindex", ""},
    {"POST", "$diff",
     "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"from\",\"resource\":{"
     "\"resourceType\":\"Patient\",\"id\":\"1\"}},{\"name\":\"to\",\"resource\":{"
     "\"resourceType\":\"Patient\",\"id\":\"2\"}}]}"},
    {"POST", "Patient/p/$meta-add",
     "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"meta\",\"valueMeta\":{\"tag\":["
     "{\"code\":\"x\"}]}}]}"},
    {"POST", "Patient/p/$meta-delete",
     "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"meta\",\"valueMeta\":{\"tag\":["
     "{\"code\":\"x\"}]}}]}"},
    {"GET", "Group/g/$validate", ""},
    {"GET", "Patient/p/$validate?mode=delete", ""},
    {"POST", "Patient/p/$validate?mode=update",
     "{\"resourceType\":\"Patient\",\"id\":\"p\",\"meta\":{\"profile\":[\"http://e.org/p\"]},"
     "\"shoe\":1,\"managingOrganization\":{\"reference\":\"Organization/none\"}}"},
    {"POST", "Bundle/$validate?profile=http://e.org/p",
     "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"fullUrl\":\"http://e.org/"
     "Patient/1\",\"resource\":{\"resourceType\":\"Patient\",\"id\":\"1\",\"link\":[{\"other\":{"
     "\"reference\":\"Patient/1\"},\"type\":\"seealso\"}]},\"request\":{\"method\":\"PUT\","
     "\"url\":\"Patient/1\"}}]}"},
    {"POST", "CodeSystem/$validate-code",
     "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"coding\",\"valueCoding\":{"
     "\"system\":\"" SYS "\",\"code\":\"b\"}}]}"},
};

START_TEST(every_allocation_may_fail)
{
    bool done = false;
    int64_t n = 1;
    (void)is_done(questions[_i], 0);
    for (; !done; n++) {
        done = is_done(questions[_i], n);
        (void)is_done(questions[_i], 0);
        ck_assert_int_lt(n, 20000);
    }
    ck_assert_int_gt(n, 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interact/operation_memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, open_store, close_core);
    tcase_add_loop_test(tests, every_allocation_may_fail, 0,
                        (int)(sizeof questions / sizeof *questions));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
