/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each request for memory fails once. A call comes to what it would have come to, or to
 * ERR_NO_MEMORY: never to a right, a document or a resource that is another one than that.
 */
#include <string.h>

#include "access/access.h"
#include "access/mask.h"
#include "failing_arena.h"
#include "suite.h"

#define LONG_NAME \
    "a-name-that-is-longer-than-what-a-buffer-holds-before-it-has-to-grow-for-the-first"

static const char role_text[] =
    "{\"roles\":{"
    "\"nurse\":{\"allow\":[{\"actions\":[\"read\"],\"types\":[\"Patient\"],"
    "\"where\":\"organization={org}&active=true\"},"
    "{\"actions\":[\"read\",\"search\"],\"types\":[\"Patient\"],\"where\":\"gender=male\"}],"
    "\"deny\":[{\"actions\":[\"read\"],\"types\":[\"Patient\"],\"where\":\"_tag={org}\"}],"
    "\"hide\":[{\"types\":[\"Patient\"],\"elements\":[\"birthDate\",\"name.given\"]}],"
    "\"keep\":[{\"elements\":[\"identifier\"]}]},"
    "\"smart\":{\"allow\":[{\"actions\":[\"*\"]}],\"withinScopes\":true}},"
    "\"labels\":{\"controlled\":[\"HIV\",\"http://" LONG_NAME "|V\"],\"breakGlass\":[\"ETREAT\"]},"
    "\"sharedTypes\":false}";

static const char nurse_text[] =
    "{\"id\":\"Practitioner/7\",\"roles\":[\"nurse\",\"smart\"],\"patient\":\"Patient/" LONG_NAME
    "\",\"fhirUser\":\"Patient/7\",\"clearance\":[\"HIV\"],"
    "\"scope\":\"openid fhirUser launch patient/Patient.rs?active=true user/Patient.r\","
    "\"attributes\":{\"org\":[\"" LONG_NAME "\",\"b\"]}}";

static const char plain_nurse[] = "{\"roles\":[\"nurse\"],\"attributes\":{\"org\":\"" LONG_NAME
                                  "\"}}";
static const char scoped[] =
    "{\"scope\":\"openid fhirUser patient/Patient.rs?active=true patient/*.r\","
    "\"patient\":\"" LONG_NAME "\",\"fhirUser\":\"Patient/" LONG_NAME "\"}";

#define STORED                                                                           \
    "{\"resourceType\":\"Patient\",\"id\":\"a\",\"identifier\":[{\"value\":\"1\"}],"     \
    "\"name\":[{\"family\":\"" LONG_NAME                                                 \
    "\",\"given\":[\"secret\"]},{\"given\":[\"hidden\"]}],\"birthDate\":\"1970-01-01\"," \
    "\"communication\":[{\"language\":{\"text\":\"x\"},\"preferred\":true}],"            \
    "\"contained\":[{\"resourceType\":\"Patient\",\"birthDate\":\"1990-01-01\"}],"       \
    "\"contact\":[{\"name\":{\"family\":\"E\",\"given\":[\"F\"]}}]}"
#define SENT                                                                                      \
    "{\"resourceType\":\"Patient\",\"id\":\"a\",\"identifier\":[{\"value\":\"1\"}],"              \
    "\"name\":[{\"family\":\"" LONG_NAME "\"}],\"active\":true,\"meta\":{\"tag\":[{\"system\":"   \
    "\"http://terminology.hl7.org/CodeSystem/v3-ObservationValue\",\"code\":\"SUBSETTED\"},"      \
    "{\"code\":\"t\"}]},\"communication\":[{\"language\":{\"extension\":[{\"url\":"               \
    "\"http://hl7.org/fhir/StructureDefinition/data-absent-reason\",\"valueCode\":\"masked\"}]}," \
    "\"preferred\":true}],"                                                                       \
    "\"contained\":[{\"resourceType\":\"Patient\"}],\"contact\":[{\"name\":{\"family\":\"E\"}}]}"

static const fhs_fhir *fhir;
static fhs_arena kept; /* what the calls look at */
static fhs_policy policy;
static fhs_principal nurse, plain, patient;

static void set_up(void)
{
    fhir = fhs_fhir_get(FHS_FHIR_R4);
    fhs_arena_init(&kept, (size_t)16 << 20);
    policy.fhir = fhir;
    nurse = plain = patient = (fhs_principal){0};
    ck_assert_int_eq(fhs_rules_read(&kept, fhir, fhs_str_from_cstr(role_text), &policy.rules, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhs_principal_read(&nurse, fhs_str_from_cstr(nurse_text), &kept, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhs_principal_read(&plain, fhs_str_from_cstr(plain_nurse), &kept, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhs_principal_read(&patient, fhs_str_from_cstr(scoped), &kept, NULL),
                     FHIRSTORE_OK);
}

static void tear_down(void)
{
    fhs_arena_clear(&kept);
}

/* ---- the calls; each appends what it has come to ---- */

static fhirstore_status read_principal(fhs_arena *arena, fhs_buf *out, fhirstore_error **err)
{
    fhs_principal who = {0};
    const fhirstore_status status = fhs_principal_read(&who, fhs_str_from_cstr(nurse_text), arena,
                                                       err);
    disarm_arena();
    for (size_t i = 0; status == FHIRSTORE_OK && i < who.claims.role_count; i++) {
        fhs_buf_add_str(out, who.claims.roles[i]);
    }
    fhs_buf_add_str(out, who.claims.patient);
    fhs_buf_add_u64(out, who.scopes.count + who.claims.clearance_count);
    return status;
}

static fhirstore_status read_roles_of(const char *text, fhs_arena *arena, fhs_buf *out,
                                      fhirstore_error **err)
{
    fhs_rules rules;
    const fhirstore_status status = fhs_rules_read(arena, fhir, fhs_str_from_cstr(text), &rules,
                                                   err);
    disarm_arena();
    for (size_t i = 0; status == FHIRSTORE_OK && i < rules.role_count; i++) {
        fhs_buf_add_str(out, rules.roles[i].name);
        fhs_buf_add_u64(out, rules.roles[i].allow_count);
        fhs_buf_add_u64(out, rules.roles[i].deny_count);
        fhs_buf_add_u64(out, rules.roles[i].hide_count);
        fhs_buf_add_u64(out, rules.controlled_count);
    }
    return status;
}

static fhirstore_status read_roles(fhs_arena *arena, fhs_buf *out, fhirstore_error **err)
{
    return read_roles_of(role_text, arena, out, err);
}

/* Without the memory to look at the search it would be taken for one. */
static fhirstore_status read_bad_roles(fhs_arena *arena, fhs_buf *out, fhirstore_error **err)
{
    return read_roles_of("{\"roles\":{\"a\":{\"allow\":[{\"actions\":[\"read\"],\"types\":["
                         "\"Patient\"],\"where\":\"organisation={" LONG_NAME "}\"}]}}}",
                         arena, out, err);
}

static fhirstore_status check_scopes(fhs_arena *arena, fhs_buf *out, fhirstore_error **err)
{
    fhs_scopes scopes;
    fhirstore_status status = fhs_scopes_read(
        arena, FHS_LIT("user/Patient.rs?name=x user/Observation.rs?organisation=1"), &scopes, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_scopes_check(fhir, arena, &scopes, err);
    }
    fhs_buf_add_u64(out, scopes.count);
    return status;
}

static void write_searches(const fhs_str *items, size_t count, fhs_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        fhs_buf_add_str(out, items[i]);
        fhs_buf_add_char(out, '\n');
    }
    fhs_buf_add_char(out, ';');
}

static void write_grant(const fhs_grant *grant, fhs_buf *out)
{
    fhs_buf_add_cstr(out, grant->allowed ? "allowed;" : "denied;");
    write_searches(grant->any, grant->any_count, out);
    write_searches(grant->except, grant->except_count, out);
    write_searches(grant->mask.hide, grant->mask.hide_count, out);
    write_searches(grant->mask.keep, grant->mask.keep_count, out);
}

static fhirstore_status decide_for(const fhs_principal *who, fhs_arena *arena, fhs_buf *out,
                                   fhirstore_error **err)
{
    fhs_grant grant = {0};
    const fhirstore_status status = fhs_policy_decide(&policy, &who->claims, &who->scopes,
                                                      FHIRSTORE_ACTION_READ, FHS_LIT("Patient"),
                                                      arena, &grant, err);
    disarm_arena();
    if (status == FHIRSTORE_OK) {
        ck_assert_uint_gt(grant.reason.len, 0);
        write_grant(&grant, out);
    }
    return status;
}

static fhirstore_status decide_nurse(fhs_arena *arena, fhs_buf *out, fhirstore_error **err)
{
    return decide_for(&nurse, arena, out, err);
}

static fhirstore_status decide_plain(fhs_arena *arena, fhs_buf *out, fhirstore_error **err)
{
    return decide_for(&plain, arena, out, err);
}

static fhirstore_status decide_patient(fhs_arena *arena, fhs_buf *out, fhirstore_error **err)
{
    return decide_for(&patient, arena, out, err);
}

static fhirstore_status ask(const fhirstore_authorizer *authorizer, fhs_arena *arena, bool why,
                            fhs_buf *out, fhirstore_error **err)
{
    const fhs_access_ask question = {FHIRSTORE_ACTION_READ, FHS_LIT("Patient"), FHS_LIT("1"),
                                     FHS_LIT("")};
    fhs_grant grant = {0};
    const fhirstore_status status =
        why ? fhs_access_explain(authorizer, &nurse, &question, arena, &grant, err)
            : fhs_access_check(authorizer, &nurse, &question, arena, &grant, err);
    disarm_arena();
    if (status == FHIRSTORE_OK) {
        write_grant(&grant, out);
    }
    return status;
}

static fhirstore_status ask_built_in(fhs_arena *arena, fhs_buf *out, fhirstore_error **err)
{
    fhirstore_authorizer authorizer;
    fhirstore_status status = fhs_policy_authorizer(fhir, fhir, fhs_str_from_cstr(role_text),
                                                    &authorizer, err);
    if (status == FHIRSTORE_OK) {
        status = ask(&authorizer, arena, false, out, err);
        authorizer.destroy(authorizer.ctx);
    }
    return status;
}

static fhirstore_status authorize(void *ctx, const fhirstore_access_request *request,
                                  fhirstore_access_decision *decision)
{
    (void)ctx;
    (void)request;
    decision->answer = FHIRSTORE_ACCESS_RESTRICT;
    /* A host that goes on after a failure must not give more than it meant to. */
    (void)fhs_decision_add(decision, FHS_LIT("active=true"), false);
    (void)fhs_decision_add(decision, FHS_LIT("_tag=vip"), true);
    (void)fhs_decision_mask(decision, FHS_LIT("birthDate"), true);
    (void)fhs_decision_mask(decision, FHS_LIT("identifier"), false);
    return FHIRSTORE_OK;
}

static const fhirstore_authorizer host = {.struct_size = sizeof host, .authorize = authorize};

static fhirstore_status ask_host(fhs_arena *arena, fhs_buf *out, fhirstore_error **err)
{
    const fhirstore_status status = ask(&host, arena, false, out, err);
    /* What could not be kept is denied, which is the host's own answer. */
    return status == FHIRSTORE_ERR_DENIED && has_failed_arena() ? FHIRSTORE_ERR_NO_MEMORY : status;
}

/* ---- masks ---- */

static const fhs_str hidden[] = {FHS_LIT_INIT("birthDate"), FHS_LIT_INIT("name.given"),
                                 FHS_LIT_INIT("communication.language"),
                                 FHS_LIT_INIT("contact.name.given")};
static const fhs_str read_only[] = {FHS_LIT_INIT("identifier.value"), FHS_LIT_INIT("name.family")};
static const fhs_mask mask = {hidden, FHS_COUNT_OF(hidden), read_only, FHS_COUNT_OF(read_only)};

static const fhs_mask *mask_of(void *ctx, fhs_type type)
{
    (void)ctx;
    return fhs_str_eq(fhs_type_name(fhir, type), FHS_LIT("Patient")) ? &mask : NULL;
}

static fhirstore_status show_masked(fhs_arena *arena, fhs_buf *out, fhirstore_error **err)
{
    const fhs_masks masks = {fhir, mask_of, NULL};
    const fhirstore_status status = fhs_mask_write(&masks, arena, FHS_LIT(STORED), out, err);
    disarm_arena();
    ck_assert_uint_gt(fhs_str_find(fhs_buf_str(out), FHS_LIT("secret")), out->len);
    return status;
}

static fhirstore_status merge_masked(fhs_arena *arena, fhs_buf *out, fhirstore_error **err)
{
    const fhs_masks masks = {fhir, mask_of, NULL};
    return fhs_mask_merge(&masks, arena, FHS_LIT(STORED), FHS_LIT(SENT), out, err);
}

static fhirstore_status check_kept(fhs_arena *arena, fhs_buf *out, fhirstore_error **err)
{
    const fhs_json *before;
    const fhs_json *after;
    fhirstore_status status = fhs_json_read(arena, FHS_LIT(STORED), NULL, &before, err);
    (void)out;
    if (status == FHIRSTORE_OK) {
        status = fhs_json_read(arena, FHS_LIT(SENT), NULL, &after, err);
    }
    return status == FHIRSTORE_OK
               ? fhs_mask_check_kept(&mask, fhir, fhs_type_find(fhir, FHS_LIT("Patient")), arena,
                                     before, after, err)
               : status;
}

/* ---- each of them, each time with one request more that is granted ---- */

static const struct {
    const char *name;
    fhirstore_status (*run)(fhs_arena *arena, fhs_buf *out, fhirstore_error **err);
    fhirstore_status comes_to;
} calls[] = {
    {"a principal is read", read_principal, FHIRSTORE_OK},
    {"roles are read", read_roles, FHIRSTORE_OK},
    {"roles are refused", read_bad_roles, FHIRSTORE_ERR_POLICY},
    {"scopes are refused", check_scopes, FHIRSTORE_ERR_POLICY},
    {"roles and scopes decide", decide_nurse, FHIRSTORE_OK},
    {"roles decide", decide_plain, FHIRSTORE_OK},
    {"scopes decide", decide_patient, FHIRSTORE_OK},
    {"the policy is asked", ask_built_in, FHIRSTORE_OK},
    {"the host is asked", ask_host, FHIRSTORE_OK},
    {"a resource is shown", show_masked, FHIRSTORE_OK},
    {"a resource is merged", merge_masked, FHIRSTORE_OK},
    {"a change is compared", check_kept, FHIRSTORE_OK},
};

static fhirstore_status run_starved(int call, int64_t kth, fhs_buf *out)
{
    fhs_arena arena;
    fhirstore_error *err = NULL;
    fhs_arena_init(&arena, (size_t)16 << 20);
    fhs_buf_init(out, (size_t)1 << 20);
    arm_arena(kth);
    const fhirstore_status status = calls[call].run(&arena, out, &err);
    disarm_arena();
    ck_assert_msg((status < FHIRSTORE_OK) == (err != NULL), "%s, request %lld: %d without a text",
                  calls[call].name, (long long)kth, status);
    fhs_error_free(err);
    fhs_arena_clear(&arena);
    return status;
}

START_TEST(what_lacks_memory_fails_or_is_the_same)
{
    fhs_buf wanted;
    fhs_buf got;
    int64_t failures = 0;
    ck_assert_int_eq(run_starved(_i, 0, &wanted), calls[_i].comes_to);
    for (int64_t kth = 1;; kth++) {
        const fhirstore_status status = run_starved(_i, kth, &got);
        const bool was_denied = has_failed_arena();
        ck_assert_msg(status == calls[_i].comes_to || status == FHIRSTORE_ERR_NO_MEMORY,
                      "%s, request %lld: %d", calls[_i].name, (long long)kth, status);
        ck_assert_msg(status != FHIRSTORE_OK || fhs_str_eq(fhs_buf_str(&got), fhs_buf_str(&wanted)),
                      "%s, request %lld: %s", calls[_i].name, (long long)kth, got.ptr);
        failures += status == FHIRSTORE_ERR_NO_MEMORY;
        fhs_buf_clear(&got);
        if (!was_denied) {
            break;
        }
    }
    ck_assert_int_gt(failures, 2);
    fhs_buf_clear(&wanted);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access_memory");
    TCase *tests = tcase_create("memory");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, what_lacks_memory_fails_or_is_the_same, 0, (int)FHS_COUNT_OF(calls));
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
