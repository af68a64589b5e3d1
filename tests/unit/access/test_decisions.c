/* SPDX-License-Identifier: Apache-2.0 */
/* What an authorizer of the host says, well and badly: anything but a clear yes is no. */
#include "access/access.h"
#include "base/limits.h"
#include "suite.h"

static fhs_arena arena;
static fhirstore_error *err;
static fhs_principal who;

static void set_up(void)
{
    fhs_arena_init(&arena, (size_t)16 << 20);
    err = NULL;
    who = (fhs_principal){0};
}

static void tear_down(void)
{
    fhs_error_free(err);
    fhs_arena_clear(&arena);
}

typedef fhirstore_status (*decide_fn)(fhirstore_access_decision *decision);

static fhirstore_status call_decide(void *ctx, const fhirstore_access_request *request,
                                    fhirstore_access_decision *decision)
{
    const decide_fn *decide = ctx;
    (void)request;
    return (*decide)(decision);
}

static fhirstore_status ask(decide_fn decide, fhs_grant *out)
{
    const fhirstore_authorizer authorizer = {
        .struct_size = sizeof authorizer, .ctx = &decide, .authorize = call_decide};
    const fhs_access_ask question = {.action = FHIRSTORE_ACTION_READ, .type = FHS_LIT("Patient")};
    return fhs_access_check(&authorizer, &who, &question, &arena, out, &err);
}

/* ---- answers that are none ---- */

static fhirstore_status say_nothing(fhirstore_access_decision *decision)
{
    (void)decision;
    return FHIRSTORE_OK;
}

static fhirstore_status allow_and_fail(fhirstore_access_decision *decision)
{
    decision->answer = FHIRSTORE_ACCESS_ALLOW;
    return FHIRSTORE_ERR_BUSY;
}

/* The host's own want of memory is no reason to tell the caller anything but no. */
static fhirstore_status lack_memory(fhirstore_access_decision *decision)
{
    decision->answer = FHIRSTORE_ACCESS_ALLOW;
    return FHIRSTORE_ERR_NO_MEMORY;
}

static fhirstore_status say_more(fhirstore_access_decision *decision)
{
    decision->answer = 99;
    return FHIRSTORE_OK;
}

static fhirstore_status use_what_is_reserved(fhirstore_access_decision *decision)
{
    decision->answer = FHIRSTORE_ACCESS_ALLOW;
    decision->reserved[FHS_COUNT_OF(decision->reserved) - 1] = 1;
    return FHIRSTORE_OK;
}

static fhirstore_status use_all_that_is_reserved(fhirstore_access_decision *decision)
{
    decision->answer = FHIRSTORE_ACCESS_ALLOW;
    for (size_t i = 0; i < FHS_COUNT_OF(decision->reserved); i++) {
        decision->reserved[i] = 1;
    }
    return FHIRSTORE_OK;
}

static fhirstore_status take_another_grant(fhirstore_access_decision *decision)
{
    static int other;
    decision->answer = FHIRSTORE_ACCESS_ALLOW;
    decision->grant = (void *)&other;
    return FHIRSTORE_OK;
}

static fhirstore_status restrict_to_nothing(fhirstore_access_decision *decision)
{
    decision->answer = FHIRSTORE_ACCESS_RESTRICT;
    return FHIRSTORE_OK;
}

/* The calls fail, and the host goes on as if they had not. */
static fhirstore_status restrict_to_an_empty_search(fhirstore_access_decision *decision)
{
    decision->answer = FHIRSTORE_ACCESS_RESTRICT;
    ck_assert_int_eq(fhs_decision_add(decision, FHS_LIT("active=true"), false), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_decision_add(decision, FHS_LIT(""), false), FHIRSTORE_ERR_INVALID_ARG);
    return FHIRSTORE_OK;
}

static fhirstore_status except_an_empty_search(fhirstore_access_decision *decision)
{
    decision->answer = FHIRSTORE_ACCESS_ALLOW;
    ck_assert_int_eq(fhs_decision_add(decision, FHS_LIT(""), true), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhs_decision_add(decision, FHS_LIT("_tag=a"), false), FHIRSTORE_OK);
    return FHIRSTORE_OK;
}

static fhirstore_status hide_an_empty_element(fhirstore_access_decision *decision)
{
    decision->answer = FHIRSTORE_ACCESS_ALLOW;
    ck_assert_int_eq(fhs_decision_mask(decision, FHS_LIT(""), true), FHIRSTORE_ERR_INVALID_ARG);
    return FHIRSTORE_OK;
}

static fhirstore_status except_too_much(fhirstore_access_decision *decision)
{
    decision->answer = FHIRSTORE_ACCESS_ALLOW;
    for (size_t i = 0; i < FHS_LIMIT_ALTERNATIVES; i++) {
        ck_assert_int_eq(fhs_decision_add(decision, FHS_LIT("_tag=a"), true), FHIRSTORE_OK);
    }
    ck_assert_int_eq(fhs_decision_add(decision, FHS_LIT("_tag=b"), true), FHIRSTORE_ERR_LIMIT);
    return FHIRSTORE_OK;
}

static fhirstore_status keep_too_much(fhirstore_access_decision *decision)
{
    decision->answer = FHIRSTORE_ACCESS_ALLOW;
    for (size_t i = 0; i < FHS_LIMIT_ALTERNATIVES; i++) {
        ck_assert_int_eq(fhs_decision_mask(decision, FHS_LIT("name"), false), FHIRSTORE_OK);
    }
    ck_assert_int_eq(fhs_decision_mask(decision, FHS_LIT("active"), false), FHIRSTORE_ERR_LIMIT);
    return FHIRSTORE_OK;
}

static const decide_fn refusals[] = {
    say_nothing,
    allow_and_fail,
    lack_memory,
    say_more,
    use_what_is_reserved,
    use_all_that_is_reserved,
    take_another_grant,
    restrict_to_nothing,
    restrict_to_an_empty_search,
    except_an_empty_search,
    hide_an_empty_element,
    except_too_much,
    keep_too_much,
};

START_TEST(what_is_no_clear_yes_is_no)
{
    fhs_grant grant;
    ck_assert_int_eq(ask(refusals[_i], &grant), FHIRSTORE_ERR_DENIED);
    ck_assert(!grant.allowed);
    ck_assert_uint_eq(grant.any_count + grant.except_count, 0);
}
END_TEST

/* ---- answers ---- */

static fhirstore_status allow_for_a_while(fhirstore_access_decision *decision)
{
    decision->answer = FHIRSTORE_ACCESS_ALLOW;
    /* "Allow" is all, whatever it names besides. */
    ck_assert_int_eq(fhs_decision_add(decision, FHS_LIT("active=true"), false), FHIRSTORE_OK);
    return fhs_decision_last(decision, 5, true);
}

/* One alternative too many makes it less, not more: that is no reason to refuse. */
static fhirstore_status restrict_to_much(fhirstore_access_decision *decision)
{
    decision->answer = FHIRSTORE_ACCESS_RESTRICT;
    for (size_t i = 0; i < FHS_LIMIT_ALTERNATIVES; i++) {
        ck_assert_int_eq(fhs_decision_add(decision, FHS_LIT("_tag=a"), false), FHIRSTORE_OK);
    }
    ck_assert_int_eq(fhs_decision_add(decision, FHS_LIT("_tag=b"), false), FHIRSTORE_ERR_LIMIT);
    ck_assert_int_eq(fhs_decision_add(decision, FHS_LIT("_tag=c"), true), FHIRSTORE_OK);
    return fhs_decision_mask(decision, FHS_LIT("name"), true);
}

START_TEST(what_is_granted_is_copied)
{
    fhs_grant grant;
    ck_assert_int_eq(ask(allow_for_a_while, &grant), FHIRSTORE_OK);
    ck_assert(grant.allowed && grant.is_for_type);
    ck_assert_uint_eq(grant.any_count, 0);
    ck_assert_int_eq(grant.valid_us, 5000);
    ck_assert_int_eq(ask(restrict_to_much, &grant), FHIRSTORE_OK);
    ck_assert_uint_eq(grant.any_count, FHS_LIMIT_ALTERNATIVES);
    ck_assert_view_eq(grant.any[FHS_LIMIT_ALTERNATIVES - 1], FHS_LIT("_tag=a"));
    ck_assert_uint_eq(grant.except_count, 1);
    ck_assert_view_eq(grant.mask.hide[0], FHS_LIT("name"));
    ck_assert_int_eq(grant.valid_us, 0);
}
END_TEST

START_TEST(outside_of_a_decision_there_is_nothing_to_add_to)
{
    fhirstore_access_decision decision = {.struct_size = sizeof decision};
    fhirstore_access_decision *const both[] = {NULL, &decision};
    for (size_t i = 0; i < FHS_COUNT_OF(both); i++) {
        ck_assert_int_eq(fhs_decision_add(both[i], FHS_LIT("a=b"), false),
                         FHIRSTORE_ERR_INVALID_ARG);
        ck_assert_int_eq(fhs_decision_mask(both[i], FHS_LIT("a"), true), FHIRSTORE_ERR_INVALID_ARG);
        ck_assert_int_eq(fhs_decision_last(both[i], 1, false), FHIRSTORE_ERR_INVALID_ARG);
    }
    ck_assert_int_eq(decision.answer, FHIRSTORE_ACCESS_DENY);
}
END_TEST

/* ---- who decides, and why ---- */

static const char masking_roles[] =
    "{\"roles\":{\"clerk\":{\"allow\":[{\"actions\":[\"read\"],\"types\":[\"Patient\"]}],"
    "\"hide\":[{\"elements\":[\"birthDate\"]}]},"
    "\"writer\":{\"allow\":[{\"actions\":[\"*\"]}]}}}";

static void become(const char *claims, bool everything)
{
    who = (fhs_principal){.allow_everything = everything};
    ck_assert_int_eq(fhs_principal_read(&who, fhs_str_from_cstr(claims), &arena, &err),
                     FHIRSTORE_OK);
}

static const struct {
    const char *claims;
    bool everything;
    char authorizer; /* n: none, p: the policy, h: a host's that says nothing */
    const char *decider;
    const char *reason;
    bool allowed;
    bool may_mask;
} questions[] = {
    {"{\"roles\":[\"clerk\"]}", false, 'n', "none", "there is no policy", false, false},
    {"", true, 'n', "everything", "the session may do everything", true, false},
    {"{\"roles\":[\"clerk\"]}", true, 'p', "everything", "the session may do everything", true,
     false},
    {"{\"roles\":[\"clerk\"]}", false, 'h', "host", "the host's authorizer", false, true},
    {"{\"roles\":[\"nobody\",\"clerk\"]}", false, 'p', "policy", "role clerk, allow rule 1", true,
     true},
    {"{\"roles\":[\"writer\"]}", false, 'p', "policy", "role writer, allow rule 1", true, false},
    {"", false, 'p', "policy", "the principal has neither roles nor scopes", false, false},
};

START_TEST(the_reason_is_told)
{
    fhirstore_authorizer built_in;
    decide_fn decide = say_nothing;
    const fhirstore_authorizer host = {
        .struct_size = sizeof host, .ctx = &decide, .authorize = call_decide};
    const fhs_access_ask question = {.action = FHIRSTORE_ACTION_READ, .type = FHS_LIT("Patient")};
    const fhs_fhir *fhir = fhs_fhir_get(FHS_FHIR_R4);
    fhs_grant grant;
    ck_assert_int_eq(fhs_policy_authorizer(fhir, fhir, FHS_LIT(masking_roles), &built_in, &err),
                     FHIRSTORE_OK);
    const fhirstore_authorizer *authorizer = questions[_i].authorizer == 'n'   ? NULL
                                             : questions[_i].authorizer == 'p' ? &built_in
                                                                               : &host;
    become(questions[_i].claims, questions[_i].everything);
    ck_assert_view_eq(fhs_access_decider(authorizer, &who),
                      fhs_str_from_cstr(questions[_i].decider));
    ck_assert_int_eq(fhs_access_explain(authorizer, &who, &question, &arena, &grant, &err),
                     FHIRSTORE_OK);
    ck_assert_view_eq(grant.reason, fhs_str_from_cstr(questions[_i].reason));
    ck_assert_int_eq(grant.allowed, questions[_i].allowed);
    ck_assert_int_eq(fhs_access_may_mask(authorizer, &who), questions[_i].may_mask);
    built_in.destroy(built_in.ctx);
}
END_TEST

/* More elements, labels and alternatives than a decision holds: refused, not forgotten. */
START_TEST(a_policy_beyond_the_limits_denies)
{
    fhs_buf roles = FHS_BUF_INIT((size_t)1 << 20);
    fhirstore_authorizer built_in;
    fhs_grant grant;
    const fhs_fhir *fhir = fhs_fhir_get(FHS_FHIR_R4);
    const fhs_access_ask question = {.action = FHIRSTORE_ACTION_READ, .type = FHS_LIT("Patient")};
    fhs_buf_add_cstr(&roles, "{\"labels\":{\"controlled\":[");
    for (size_t i = 0; i <= FHS_LIMIT_ALTERNATIVES; i++) {
        fhs_buf_addf(&roles, "%s\"l%zu\"", i > 0 ? "," : "", i);
    }
    fhs_buf_add_cstr(&roles, "]},\"roles\":{\"a\":{\"allow\":[{\"actions\":[\"*\"]}]}}}");
    ck_assert_int_eq(fhs_policy_authorizer(fhir, fhir, fhs_buf_str(&roles), &built_in, &err),
                     FHIRSTORE_OK);
    become("{\"roles\":[\"a\"]}", false);
    ck_assert_int_eq(fhs_access_check(&built_in, &who, &question, &arena, &grant, &err),
                     FHIRSTORE_ERR_DENIED);
    ck_assert(!grant.allowed);
    ck_assert_int_eq(fhs_access_explain(&built_in, &who, &question, &arena, &grant, NULL),
                     FHIRSTORE_ERR_LIMIT);
    built_in.destroy(built_in.ctx);
    fhs_buf_clear(&roles);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access_decisions");
    TCase *tests = tcase_create("decisions");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, what_is_no_clear_yes_is_no, 0, (int)FHS_COUNT_OF(refusals));
    tcase_add_test(tests, what_is_granted_is_copied);
    tcase_add_test(tests, outside_of_a_decision_there_is_nothing_to_add_to);
    tcase_add_loop_test(tests, the_reason_is_told, 0, (int)FHS_COUNT_OF(questions));
    tcase_add_test(tests, a_policy_beyond_the_limits_denies);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
