/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what within which restriction, row by row. */
#include "access/policy.h"
#include "fhirstore/access.h"
#include "suite.h"

#define READ   FHIRSTORE_ACTION_READ
#define SEARCH FHIRSTORE_ACTION_SEARCH
#define CREATE FHIRSTORE_ACTION_CREATE
#define DELETE FHIRSTORE_ACTION_DELETE

static const char ward_roles[] =
    "{\"roles\":{"
    "\"nurse\":{\"allow\":[{\"actions\":[\"read\",\"search\"],\"types\":[\"Patient\"],"
    "\"where\":\"organization={org}&active=true\"}]},"
    "\"lab\":{\"allow\":[{\"actions\":[\"read\",\"search\",\"create\"],\"types\":[\"Observation\"],"
    "\"where\":\"category=laboratory\"}]},"
    "\"vitals\":{\"allow\":[{\"actions\":[\"read\",\"search\"],\"types\":[\"Observation\"],"
    "\"where\":\"performer=Organization/{ward}\"}]},"
    "\"writer\":{\"allow\":[{\"actions\":[\"create\",\"read\"]}]},"
    "\"noParams\":{\"deny\":[{\"actions\":[\"manageSearchParameters\"]}]},"
    "\"noDelete\":{\"deny\":[{\"actions\":[\"delete\"]}]},"
    "\"notVip\":{\"deny\":[{\"actions\":[\"*\"],\"types\":[\"Patient\"],\"where\":\"_tag=vip\"}]},"
    "\"notOwn\":{\"deny\":[{\"actions\":[\"read\"],\"types\":[\"Patient\"],"
    "\"where\":\"organization={none}\"}]},"
    "\"all\":{\"allow\":[{\"actions\":[\"*\"]}]},"
    "\"smart\":{\"allow\":[{\"actions\":[\"*\"]}],\"withinScopes\":true}},"
    "\"labels\":{\"controlled\":[\"HIV\",\"http://x|V\"],\"breakGlass\":[\"ETREAT\"]}}";

static const struct {
    const char *claims;
    int32_t action;
    const char *type;
    const char *answer; /* "deny", "allow", or "a | b", with " but c, d" */
} rows[] = {
    {"{}", READ, "Patient", "deny"},
    {"{\"roles\":[]}", READ, "Patient", "deny"},
    {"{\"roles\":[\"unknown\"]}", READ, "Patient", "deny"},
    {"{\"roles\":[\"all\"],\"clearance\":[\"HIV\",\"http://x|V\"]}", READ, "Patient", "allow"},
    {"{\"roles\":[\"all\"]}", READ, "Patient", "allow but _security=HIV, _security=http://x%7CV"},
    {"{\"roles\":[\"all\"],\"clearance\":[\"HIV\"]}", READ, "Patient",
     "allow but _security=http://x%7CV"},
    {"{\"roles\":[\"all\"],\"purpose\":\"ETREAT\"}", READ, "Patient", "allow"},
    {"{\"roles\":[\"all\"],\"purpose\":\"TREAT\"}", SEARCH, "", "allow"},
    /* Rules with values of the principal; without the value no rule. */
    {"{\"roles\":[\"nurse\"],\"purpose\":\"ETREAT\",\"attributes\":{\"org\":\"Organization/1\"}}",
     READ, "Patient", "organization=Organization/1&active=true"},
    {"{\"roles\":[\"nurse\"],\"purpose\":\"ETREAT\",\"attributes\":{\"org\":[\"a\",\"b\"]}}", READ,
     "Patient", "organization=a,b&active=true"},
    {"{\"roles\":[\"nurse\"],\"purpose\":\"ETREAT\"}", READ, "Patient", "deny"},
    {"{\"roles\":[\"vitals\"],\"purpose\":\"ETREAT\",\"attributes\":{\"ward\":[\"1\",\"2\"]}}",
     READ, "Observation", "performer=Organization/1,Organization/2"},
    /* A value cannot leave its place. */
    {"{\"roles\":[\"nurse\"],\"purpose\":\"ETREAT\",\"attributes\":{\"org\":\"1,2|3$4&x=y\"}}",
     READ, "Patient", "organization=1%5C,2%5C%7C3%5C$4%26x%3Dy&active=true"},
    /* Several roles unite, and deny wins. */
    {"{\"roles\":[\"lab\",\"vitals\"],\"purpose\":\"ETREAT\",\"attributes\":{\"ward\":\"9\"}}",
     READ, "Observation", "category=laboratory | performer=Organization/9"},
    {"{\"roles\":[\"lab\",\"all\"],\"purpose\":\"ETREAT\"}", READ, "Observation", "allow"},
    {"{\"roles\":[\"all\",\"noDelete\"],\"purpose\":\"ETREAT\"}", DELETE, "Patient", "deny"},
    {"{\"roles\":[\"all\",\"noDelete\"],\"purpose\":\"ETREAT\"}", DELETE, "", "deny"},
    {"{\"roles\":[\"all\",\"notVip\"],\"purpose\":\"ETREAT\"}", READ, "Patient",
     "allow but _tag=vip"},
    {"{\"roles\":[\"all\",\"notVip\"],\"purpose\":\"ETREAT\"}", READ, "Observation", "allow"},
    {"{\"roles\":[\"all\",\"notVip\"],\"purpose\":\"ETREAT\"}", SEARCH, "", "allow"},
    {"{\"roles\":[\"all\",\"notOwn\"],\"purpose\":\"ETREAT\"}", READ, "Patient", "deny"},
    {"{\"roles\":[\"lab\"],\"purpose\":\"ETREAT\"}", CREATE, "Patient", "deny"},
    /* Scopes. */
    {"{\"scope\":\"\"}", READ, "Patient", "deny"},
    {"{\"scope\":\"user/*.rs\",\"purpose\":\"ETREAT\"}", READ, "Device", "allow"},
    {"{\"scope\":\"user/Patient.r\",\"purpose\":\"ETREAT\"}", SEARCH, "Patient", "deny"},
    {"{\"scope\":\"user/Patient.s\",\"purpose\":\"ETREAT\"}", READ, "Patient", "deny"},
    {"{\"scope\":\"system/Patient.rs?active=true user/Patient.r?gender=male\","
     "\"purpose\":\"ETREAT\"}",
     READ, "Patient", "active=true | gender=male"},
    {"{\"scope\":\"patient/*.rs\",\"patient\":\"5\",\"purpose\":\"ETREAT\"}", SEARCH, "Observation",
     "_compartment=Patient/5"},
    {"{\"scope\":\"patient/*.rs\",\"patient\":\"5\",\"purpose\":\"ETREAT\"}", SEARCH, "Patient",
     "_compartment=Patient/5"},
    {"{\"scope\":\"patient/*.rs\",\"purpose\":\"ETREAT\"}", SEARCH, "Observation", "deny"},
    {"{\"scope\":\"patient/Observation.rs?category=laboratory\",\"patient\":\"5\","
     "\"purpose\":\"ETREAT\"}",
     SEARCH, "Observation", "_compartment=Patient/5&category=laboratory"},
    /* What belongs to no patient: only where it is named, never for writing. */
    {"{\"scope\":\"patient/*.cruds\",\"patient\":\"5\",\"purpose\":\"ETREAT\"}", READ,
     "Organization", "deny"},
    {"{\"scope\":\"patient/Organization.cruds\",\"patient\":\"5\",\"purpose\":\"ETREAT\"}", READ,
     "Organization", "allow"},
    {"{\"scope\":\"patient/Organization.cruds\",\"patient\":\"5\",\"purpose\":\"ETREAT\"}", CREATE,
     "Organization", "deny"},
    {"{\"scope\":\"openid fhirUser\",\"fhirUser\":\"Practitioner/7\",\"purpose\":\"ETREAT\"}", READ,
     "Practitioner", "_id=7"},
    {"{\"scope\":\"fhirUser\",\"fhirUser\":\"Practitioner/7\",\"purpose\":\"ETREAT\"}", READ,
     "Practitioner", "deny"},
    /* Scopes and roles intersect. */
    {"{\"roles\":[\"all\"],\"scope\":\"user/Patient.r\",\"purpose\":\"ETREAT\"}", READ,
     "Observation", "deny"},
    {"{\"roles\":[\"lab\"],\"scope\":\"user/*.cruds\",\"purpose\":\"ETREAT\"}", READ, "Observation",
     "category=laboratory"},
    {"{\"roles\":[\"lab\"],\"scope\":\"patient/*.rs\",\"patient\":\"5\",\"purpose\":\"ETREAT\"}",
     READ, "Observation", "category=laboratory&_compartment=Patient/5"},
    {"{\"roles\":[\"unknown\"],\"scope\":\"user/*.cruds\",\"purpose\":\"ETREAT\"}", READ,
     "Observation", "deny"},
    {"{\"roles\":[\"smart\"],\"purpose\":\"ETREAT\"}", READ, "Patient", "deny"},
    {"{\"roles\":[\"smart\"],\"scope\":\"user/Patient.r\",\"purpose\":\"ETREAT\"}", READ, "Patient",
     "allow"},
    {"{\"roles\":[\"lab\"]}", FHIRSTORE_ACTION_TRANSACTION, "", "allow"},
    {"{}", FHIRSTORE_ACTION_TRANSACTION, "", "deny"},
    /* Writing a SearchParameter takes manageSearchParameters besides. */
    {"{\"roles\":[\"writer\"],\"purpose\":\"ETREAT\"}", CREATE, "Patient", "allow"},
    {"{\"roles\":[\"writer\"],\"purpose\":\"ETREAT\"}", CREATE, "SearchParameter", "deny"},
    {"{\"roles\":[\"writer\"],\"purpose\":\"ETREAT\"}", READ, "SearchParameter", "allow"},
    {"{\"roles\":[\"all\"],\"purpose\":\"ETREAT\"}", CREATE, "SearchParameter", "allow"},
    {"{\"roles\":[\"all\",\"noParams\"],\"purpose\":\"ETREAT\"}", DELETE, "SearchParameter",
     "deny"},
    {"{\"roles\":[\"all\",\"noParams\"],\"purpose\":\"ETREAT\"}", DELETE, "Patient", "allow"},
    {"{\"scope\":\"user/Patient.r\",\"purpose\":\"ETREAT\"}", FHIRSTORE_ACTION_PATCH, "Patient",
     "deny"},
    {"{\"scope\":\"user/Patient.u\",\"purpose\":\"ETREAT\"}", FHIRSTORE_ACTION_PATCH, "Patient",
     "allow"},
    {"{\"roles\":[\"all\"]}", 999, "Patient", "deny"},
    {"{\"roles\":[\"lab\"]}", FHIRSTORE_ACTION_AUDIT, "", "deny"},
    {"{\"roles\":[\"all\"],\"purpose\":\"ETREAT\"}", FHIRSTORE_ACTION_AUDIT, "", "allow"},
    {"{\"roles\":[\"all\"],\"purpose\":\"ETREAT\"}", FHIRSTORE_ACTION_HARD_DELETE, "Patient",
     "allow"},
    {"{\"roles\":[\"lab\"],\"purpose\":\"ETREAT\"}", FHIRSTORE_ACTION_REINDEX, "", "deny"},
    {"{\"scope\":\"system/*.cruds\",\"purpose\":\"ETREAT\"}", FHIRSTORE_ACTION_HARD_DELETE,
     "Patient", "deny"},
    {"{\"scope\":\"user/Patient.c\",\"purpose\":\"ETREAT\"}", FHIRSTORE_ACTION_VALIDATE, "Patient",
     "allow"},
    {"{\"scope\":\"user/Patient.r\",\"purpose\":\"ETREAT\"}", FHIRSTORE_ACTION_VALIDATE, "Patient",
     "deny"},
    {"{\"scope\":\"user/Patient.s\",\"purpose\":\"ETREAT\"}", FHIRSTORE_ACTION_EVERYTHING,
     "Patient", "allow"},
};

static void write_grant(const fhs_grant *grant, fhs_buf *out)
{
    fhs_buf_add_cstr(out, !grant->allowed ? "deny" : grant->any_count == 0 ? "allow" : "");
    for (size_t i = 0; grant->allowed && i < grant->any_count; i++) {
        fhs_buf_add_cstr(out, i > 0 ? " | " : "");
        fhs_buf_add_str(out, grant->any[i]);
    }
    for (size_t i = 0; grant->allowed && i < grant->except_count; i++) {
        fhs_buf_add_cstr(out, i > 0 ? ", " : " but ");
        fhs_buf_add_str(out, grant->except[i]);
    }
}

START_TEST(decisions)
{
    fhs_arena arena;
    fhs_policy policy = {.fhir = fhs_fhir_get(FHS_FHIR_R4)};
    fhs_claims claims;
    fhs_scopes scopes;
    fhs_grant grant;
    fhirstore_error *err = NULL;
    fhs_buf text = FHS_BUF_INIT(65536);
    fhs_arena_init(&arena, (size_t)16 * 1024 * 1024);
    ck_assert_int_eq(fhs_rules_read(&arena, fhs_fhir_get(FHS_FHIR_R4),
                                    fhs_str_from_cstr(ward_roles), &policy.rules, &err),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhs_claims_read(&arena, fhs_str_from_cstr(rows[_i].claims), &claims, &err),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhs_scopes_read(&arena, claims.scope, &scopes, &err), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_policy_decide(&policy, &claims, &scopes, rows[_i].action,
                                       fhs_str_from_cstr(rows[_i].type), &arena, &grant, &err),
                     FHIRSTORE_OK);
    write_grant(&grant, &text);
    ck_assert_msg(fhs_str_eq(fhs_buf_str(&text), fhs_str_from_cstr(rows[_i].answer)),
                  "row %d: got \"%s\" (%.*s), wanted \"%s\"", _i, text.ptr,
                  FHS_STR_ARG(grant.reason), rows[_i].answer);
    ck_assert_uint_gt(grant.reason.len, 0);
    fhs_buf_clear(&text);
    fhs_arena_clear(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access_policy");
    TCase *tests = tcase_create("policy");
    tcase_add_loop_test(tests, decisions, 0, (int)FHS_COUNT_OF(rows));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
