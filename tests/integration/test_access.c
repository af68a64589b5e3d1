/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nobody gets in unasked: no policy, allow and deny, answers that are none; and the audit hook.
 * What a callback points to is static: the store lets go of it in the teardown, after the test.
 */
#include <stdio.h>

#include "harness.h"

#define PATIENT_A "{\"resourceType\":\"Patient\",\"id\":\"a\",\"name\":[{\"family\":\"SECRET\"}]}"
#define BUNDLE(type, entries) \
    "{\"resourceType\":\"Bundle\",\"type\":\"" type "\",\"entry\":[" entries "]}"
#define PUT_PATIENT(id)                                                                            \
    "{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"" id "\",\"active\":true},\"request\":{" \
    "\"method\":\"PUT\",\"url\":\"Patient/" id "\"}}"
#define POST_GROUP                                                                                 \
    "{\"resource\":{\"resourceType\":\"Group\",\"type\":\"person\",\"actual\":true},\"request\":{" \
    "\"method\":\"POST\",\"url\":\"Group\"}}"

/* ---- an authorizer that keeps a list ---- */

typedef struct guard {
    int32_t answer;          /* what it answers … */
    fhirstore_status status; /* … and returns */
    const char *denied_type; /* unless this type is asked for */
    char asked[8192];        /* "CREATE Patient/ ?;" … */
    int destroyed;
} guard;

static const char *action_name(int32_t action)
{
    static const char *const names[] = {
        "?",       "READ",         "VREAD",       "SEARCH", "CREATE", "UPDATE", "DELETE",
        "HISTORY", "CAPABILITIES", "TRANSACTION", "BATCH",  "IMPORT", "EXPORT"};
    return action > 0 && action < 13 ? names[action] : names[0];
}

static fhirstore_status decide(void *ctx, const fhirstore_access_request *request,
                               fhirstore_access_decision *decision)
{
    guard *self = ctx;
    ck_assert_uint_ge(decision->struct_size, sizeof *decision);
    ck_assert_int_eq(decision->answer, FHIRSTORE_ACCESS_DENY);
    ck_assert_uint_ge(request->struct_size, sizeof *request);
    ck_assert_uint_eq(strlen(request->principal), request->principal_len);
    ck_assert_uint_eq(strlen(request->purpose), request->purpose_len);
    ck_assert_uint_eq(strlen(request->type), request->type_len);
    ck_assert_uint_eq(strlen(request->id), request->id_len);
    ck_assert_uint_eq(strlen(request->query), request->query_len);
    ck_assert_str_eq(request->principal, "Practitioner/7");
    ck_assert_str_eq(request->purpose, "TREAT");
    size_t at = strlen(self->asked);
    (void)snprintf(self->asked + at, sizeof self->asked - at, "%s %s/%s?%s;",
                   action_name(request->action), request->type, request->id, request->query);
    bool is_denied = self->denied_type != NULL && strcmp(self->denied_type, request->type) == 0;
    decision->answer = is_denied ? FHIRSTORE_ACCESS_DENY : self->answer;
    return self->status;
}

/* Called when the fixture closes the store, behind the end of the test: guards and journals are
 * static. */
static void destroy_guard(void *ctx)
{
    ((guard *)ctx)->destroyed++;
}

static void post_guard(guard *self)
{
    const fhirstore_authorizer authorizer = {
        .struct_size = sizeof authorizer,
        .ctx = self,
        .authorize = decide,
        .destroy = destroy_guard,
    };
    ck_assert_int_eq(fhirstore_set_authorizer(store, &authorizer, NULL), FHIRSTORE_OK);
}

/* A session that is subject to the authorizer, in place of the fixture's. */
static void become_a_principal(void)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    options.principal = "Practitioner/7";
    options.principal_len = 14;
    options.purpose = "TREAT";
    options.purpose_len = 5;
    options.request_id = "req-1";
    options.request_id_len = 5;
    fhirstore_session_close(session);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &session, NULL), FHIRSTORE_OK);
}

static fhirstore_status import_one(const char *text)
{
    fhirstore_import *import = NULL;
    fhirstore_status status = fhirstore_import_open(session, NULL, &import, NULL);
    if (status == FHIRSTORE_OK) {
        status = fhirstore_import_add(import, "x", 1, text, strlen(text), NULL);
    }
    if (status == FHIRSTORE_OK) {
        status = fhirstore_import_finish(import, NULL, NULL);
    }
    fhirstore_import_close(import);
    return status;
}

static fhirstore_status swallow(void *ctx, const char *type, const char *body, size_t body_len)
{
    (void)type;
    (void)body;
    (void)body_len;
    ++*(int *)ctx;
    return FHIRSTORE_OK;
}

static fhirstore_status export_all(int *seen)
{
    int64_t count;
    *seen = 0;
    return fhirstore_export(session, NULL, swallow, seen, &count, NULL);
}

/* Each interaction once; all must be refused with @a want. */
static void expect_shut(fhirstore_status want)
{
    fhirstore_search *search = NULL;
    fhirstore_buf plan = {0};
    int64_t count = -1;
    int seen;
    const reply answers[] = {
        create("Patient", PATIENT_A), update("Patient", "a", PATIENT_A),
        read_one("Patient", "a"),     vread("Patient", "a", 1),
        delete_one("Patient", "a"),   history("Patient", "a", ""),
        history("Patient", "", ""),   history("", "", ""),
        search_page("Patient", ""),   search_page("", ""),
        read_one("Patient", "ghost"), create("Patient", "{"),
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        expect_refusal(&answers[i], want, "forbidden", NULL);
        ck_assert_int_eq(answers[i].http, 403);
        ck_assert(!has_text(&answers[i], "SECRET"));
    }
    static const struct {
        const char *method;
        const char *url;
        const char *body;
    } requests[] = {
        {"GET", "Patient/a", NULL},
        {"GET", "Patient/a/_history/1", NULL},
        {"GET", "Patient?_id=a", NULL},
        {"GET", "metadata", NULL},
        {"GET", "_history", NULL},
        {"PUT", "Patient/a", PATIENT_A},
        {"POST", "Patient", PATIENT_A},
        {"DELETE", "Patient/a", NULL},
        {"POST", "Patient/_search", "_id=a"},
        {"GET", "", NULL},
        {"POST", "", BUNDLE("transaction", PUT_PATIENT("a"))},
        {"POST", "", BUNDLE("batch", PUT_PATIENT("a"))},
        {"POST", "", "{"},
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        reply answer = ask(requests[i].method, requests[i].url, NULL, requests[i].body);
        ck_assert_msg(answer.http == 403, "%s %s: %d %s", requests[i].method, requests[i].url,
                      (int)answer.http, answer.body);
        expect_text(answer, "issue.0.code", "forbidden");
    }
    ck_assert_int_eq(fhirstore_search_open(session, "Patient", 7, "", 0, &search, NULL), want);
    ck_assert_ptr_null(search);
    ck_assert_int_eq(fhirstore_search_count(session, "Patient", 7, "", 0, &count, NULL), want);
    ck_assert_int_eq(count, 0);
    ck_assert_int_eq(fhirstore_search_explain(session, "Patient", 7, "", 0, &plan, NULL), want);
    ck_assert_int_eq(import_one(PATIENT_A), want);
    ck_assert_int_eq(export_all(&seen), want);
    ck_assert_int_eq(seen, 0);
}

/* The state as somebody sees it who may see everything. */
static char *state_as_operator(void)
{
    fhirstore_session *mine = session;
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "operator");
    char *state = strdup(state_of_store());
    fhirstore_session_close(session);
    session = mine;
    return state;
}

START_TEST(no_policy_denies_everything)
{
    expect_status(update("Patient", "a", PATIENT_A), FHIRSTORE_CREATED);
    char *before = state_as_operator();
    become_a_principal();
    expect_shut(FHIRSTORE_ERR_NO_POLICY);
    char *after = state_as_operator();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    /* Nor does an anonymous session get in. */
    fhirstore_session_close(session);
    ck_assert_int_eq(fhirstore_session_open(store, NULL, &session, NULL), FHIRSTORE_OK);
    expect_shut(FHIRSTORE_ERR_NO_POLICY);
}
END_TEST

START_TEST(anything_but_a_clear_yes_is_no)
{
    static const struct {
        int32_t answer;
        fhirstore_status status;
    } cases[] = {
        {FHIRSTORE_ACCESS_DENY, FHIRSTORE_OK},
        {2, FHIRSTORE_OK},
        {-1, FHIRSTORE_OK},
        {INT32_MAX, FHIRSTORE_OK},
        {FHIRSTORE_ACCESS_ALLOW, FHIRSTORE_ERR_INTERNAL},
        {FHIRSTORE_ACCESS_ALLOW, FHIRSTORE_ERR_NO_MEMORY},
        {FHIRSTORE_ACCESS_ALLOW, FHIRSTORE_DONE},
        {FHIRSTORE_ACCESS_ALLOW, 77},
    };
    static guard guards[sizeof cases / sizeof cases[0]] = {{0}};
    expect_status(update("Patient", "a", PATIENT_A), FHIRSTORE_CREATED);
    char *before = state_as_operator();
    become_a_principal();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        guards[i].answer = cases[i].answer;
        guards[i].status = cases[i].status;
        post_guard(&guards[i]);
        expect_shut(FHIRSTORE_ERR_DENIED);
        ck_assert_int_eq(guards[i].destroyed, 0);
        ck_assert(i == 0 || guards[i - 1].destroyed == 1);
    }
    char *after = state_as_operator();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    ck_assert_int_eq(fhirstore_set_authorizer(store, NULL, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(guards[7].destroyed, 1);
    expect_shut(FHIRSTORE_ERR_NO_POLICY);
}
END_TEST

START_TEST(each_interaction_is_asked_for)
{
    static guard keeper = {.answer = FHIRSTORE_ACCESS_ALLOW};
    int seen;
    post_guard(&keeper);
    become_a_principal();
    expect_status(update("Patient", "a", PATIENT_A), FHIRSTORE_CREATED);
    expect_status(
        create("Group", "{\"resourceType\":\"Group\",\"type\":\"person\",\"actual\":true}"),
        FHIRSTORE_CREATED);
    expect_status(read_one("Patient", "a"), FHIRSTORE_OK);
    expect_status(vread("Patient", "a", 1), FHIRSTORE_OK);
    expect_status(history("Patient", "a", "_count=1"), FHIRSTORE_OK);
    expect_status(history("Patient", "", ""), FHIRSTORE_OK);
    expect_status(history("", "", ""), FHIRSTORE_OK);
    expect_status(search_page("Patient", "_id=a"), FHIRSTORE_OK);
    ck_assert_int_eq(count_of("", "_id=a"), 1);
    expect_http(ask("GET", "metadata", NULL, NULL), 200);
    expect_status(delete_one("Patient", "a"), FHIRSTORE_NO_CONTENT);
    ck_assert_int_eq(export_all(&seen), FHIRSTORE_OK);
    ck_assert_int_eq(seen, 1);
    ck_assert_str_eq(keeper.asked,
                     "UPDATE Patient/a?;CREATE Group/?;READ Patient/a?;VREAD Patient/a?;"
                     "HISTORY Patient/a?_count=1;HISTORY Patient/?;HISTORY /?;"
                     "HISTORY Group/?;HISTORY Patient/?;"
                     "SEARCH Patient/?_id=a;SEARCH /?_id=a;"
                     "SEARCH Group/?_id=a;SEARCH Patient/?_id=a;CAPABILITIES /?;"
                     "DELETE Patient/a?;EXPORT /?;EXPORT Group/?;");
}
END_TEST

START_TEST(each_entry_of_a_bundle_is_asked_for)
{
    static guard keeper = {.answer = FHIRSTORE_ACCESS_ALLOW};
    post_guard(&keeper);
    become_a_principal();
    expect_http(ask("POST", "", NULL, BUNDLE("transaction", PUT_PATIENT("a") "," POST_GROUP)), 200);
    ck_assert_ptr_nonnull(strstr(keeper.asked, "TRANSACTION /?;CREATE Group/"));
    ck_assert_ptr_nonnull(strstr(keeper.asked, ";UPDATE Patient/a?;"));
    char *before = state_as_operator();
    keeper.denied_type = "Group";
    keeper.asked[0] = '\0';
    reply answer = ask("POST", "", NULL, BUNDLE("transaction", PUT_PATIENT("b") "," POST_GROUP));
    expect_refusal(&answer, FHIRSTORE_ERR_DENIED, "forbidden", "Bundle.entry[1]");
    char *after = state_as_operator();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    keeper.asked[0] = '\0';
    answer = ask("POST", "", NULL, BUNDLE("batch", PUT_PATIENT("c") "," POST_GROUP));
    expect_http(answer, 200);
    expect_text(answer, "entry.0.response.status", "201 Created");
    expect_text(answer, "entry.1.response.status", "403");
    ck_assert_str_eq(keeper.asked, "BATCH /?;UPDATE Patient/c?;CREATE Group/?;");
}
END_TEST

START_TEST(an_import_asks_for_each_resource)
{
    static guard keeper = {.answer = FHIRSTORE_ACCESS_ALLOW, .denied_type = "Group"};
    post_guard(&keeper);
    become_a_principal();
    ck_assert_int_eq(import_one(BUNDLE("transaction", PUT_PATIENT("a"))), FHIRSTORE_OK);
    ck_assert_ptr_nonnull(strstr(keeper.asked, "IMPORT /?;"));
    ck_assert_ptr_nonnull(strstr(keeper.asked, "UPDATE Patient/a?;"));
    ck_assert_int_eq(import_one(BUNDLE("transaction", PUT_PATIENT("b") "," POST_GROUP)),
                     FHIRSTORE_OK);
    expect_status(read_one("Patient", "b"), FHIRSTORE_ERR_NOT_FOUND);
}
END_TEST

START_TEST(everything_is_allowed_by_name_only)
{
    static guard keeper = {.answer = FHIRSTORE_ACCESS_DENY};
    post_guard(&keeper);
    expect_status(update("Patient", "a", PATIENT_A), FHIRSTORE_CREATED);
    ck_assert_str_eq(keeper.asked, "");
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *other = session;
    options.flags = 1u << 30;
    ck_assert_int_eq(fhirstore_session_open(store, &options, &other, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_ptr_null(other);
}
END_TEST

START_TEST(destroy_is_called_exactly_once)
{
    static guard refused = {0};
    static guard replaced = {0};
    static guard last = {0};
    fhirstore_authorizer bad = {
        .struct_size = sizeof bad, .ctx = &refused, .destroy = destroy_guard};
    ck_assert_int_eq(fhirstore_set_authorizer(store, &bad, NULL), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(refused.destroyed, 1);
    bad.authorize = decide;
    bad.flags = 1;
    ck_assert_int_eq(fhirstore_set_authorizer(store, &bad, NULL), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(refused.destroyed, 2);
    bad.flags = 0;
    ck_assert_int_eq(fhirstore_set_authorizer(NULL, &bad, NULL), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(refused.destroyed, 3);
    post_guard(&replaced);
    post_guard(&last);
    ck_assert_int_eq(replaced.destroyed, 1);
    /* A cursor that is open keeps the one it began with. */
    become_a_principal();
    last.answer = FHIRSTORE_ACCESS_ALLOW;
    fhirstore_search *search;
    ck_assert_int_eq(fhirstore_search_open(session, "Patient", 7, "", 0, &search, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_set_authorizer(store, NULL, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(last.destroyed, 0);
    fhirstore_search_close(search);
    ck_assert_int_eq(last.destroyed, 1);
    static guard at_close = {0};
    post_guard(&at_close);
    fhirstore_close(store);
    ck_assert_int_eq(at_close.destroyed, 1);
    bad.ctx = &at_close;
    ck_assert_int_eq(fhirstore_set_authorizer(store, &bad, NULL), FHIRSTORE_ERR_CLOSED);
    ck_assert_int_eq(at_close.destroyed, 2);
    store = NULL;
}
END_TEST

/* ---- the audit hook ---- */

typedef struct journal {
    char told[16384];        /* "UPDATE OK Patient/a 0>1 ?;" … */
    fhirstore_status answer; /* to every event … */
    int32_t refuses;         /* … or only to this action when it went well; 0: to all */
    int64_t last_time_us;
    int64_t last_count;
    int64_t last_total;
    int destroyed;
    bool keeps_secrets;
} journal;

static fhirstore_status record(void *ctx, const fhirstore_audit_event *event)
{
    journal *self = ctx;
    ck_assert_uint_ge(event->struct_size, sizeof *event);
    ck_assert_uint_eq(strlen(event->principal), event->principal_len);
    ck_assert_uint_eq(strlen(event->request_id), event->request_id_len);
    ck_assert_uint_eq(strlen(event->type), event->type_len);
    ck_assert_uint_eq(strlen(event->id), event->id_len);
    ck_assert_uint_eq(strlen(event->query), event->query_len);
    ck_assert_int_ge(event->duration_us, 0);
    ck_assert_int_lt(event->duration_us, 60 * SECOND);
    size_t at = strlen(self->told);
    (void)snprintf(self->told + at, sizeof self->told - at, "%s %s %s/%s %lld>%lld ?%s;",
                   action_name(event->action), fhirstore_status_name(event->outcome), event->type,
                   event->id, (long long)event->version_before, (long long)event->version_after,
                   event->query);
    self->last_time_us = event->time_us;
    self->last_count = event->count;
    self->last_total = event->total;
    if (strcmp(event->principal, "Practitioner/7") == 0) {
        ck_assert_str_eq(event->purpose, "TREAT");
        ck_assert_str_eq(event->request_id, "req-1");
    }
    bool is_meant = self->refuses == 0 ||
                    (self->refuses == event->action && event->outcome >= FHIRSTORE_OK);
    return is_meant ? self->answer : FHIRSTORE_OK;
}

static void destroy_journal(void *ctx)
{
    ((journal *)ctx)->destroyed++;
}

static void hang_up(journal *self)
{
    const fhirstore_audit_hook hook = {
        .struct_size = sizeof hook, .ctx = self, .record = record, .destroy = destroy_journal};
    ck_assert_int_eq(fhirstore_set_audit_hook(store, &hook, NULL), FHIRSTORE_OK);
}

#define expect_told(journal, want)              \
    do {                                        \
        ck_assert_str_eq((journal).told, want); \
        (journal).told[0] = '\0';               \
    } while (0)

START_TEST(every_interaction_is_recorded)
{
    static journal log = {.answer = FHIRSTORE_OK};
    int seen;
    clock_us = INT64_C(1700000000) * SECOND;
    hang_up(&log);
    expect_status(update("Patient", "a", PATIENT_A), FHIRSTORE_CREATED);
    expect_told(log, "UPDATE CREATED Patient/a 0>1 ?;");
    ck_assert_int_eq(log.last_time_us, clock_us);
    expect_status(update("Patient", "a", "{\"resourceType\":\"Patient\",\"id\":\"a\"}"),
                  FHIRSTORE_OK);
    expect_told(log, "UPDATE OK Patient/a 1>2 ?;");
    expect_status(update("Patient", "a", "{\"resourceType\":\"Patient\",\"id\":\"a\"}"),
                  FHIRSTORE_OK);
    expect_told(log, "UPDATE OK Patient/a 2>2 ?;");
    reply made = create("Patient", "{\"resourceType\":\"Patient\"}");
    char want[160];
    (void)snprintf(want, sizeof want, "CREATE CREATED Patient/%s 0>1 ?;", id_of(&made));
    expect_told(log, want);
    expect_status(read_one("Patient", "a"), FHIRSTORE_OK);
    expect_told(log, "READ OK Patient/a 0>2 ?;");
    expect_status(vread("Patient", "a", 1), FHIRSTORE_OK);
    expect_told(log, "VREAD OK Patient/a 0>1 ?;");
    expect_status(read_one("Patient", "ghost"), FHIRSTORE_ERR_NOT_FOUND);
    expect_told(log, "READ ERR_NOT_FOUND Patient/ghost 0>0 ?;");
    expect_status(search_page("Patient", "_sort=_id&_count=1"), FHIRSTORE_OK);
    expect_told(log, "SEARCH OK Patient/ 0>0 ?_sort=_id&_count=1;");
    ck_assert_int_eq(log.last_count, 1);
    ck_assert_int_eq(log.last_total, 2);
    ck_assert_int_eq(count_of("Patient", "active:missing=true"), 2);
    expect_told(log, "SEARCH OK Patient/ 0>0 ?active:missing=true;");
    ck_assert_int_eq(log.last_count, 0);
    ck_assert_int_eq(log.last_total, 2);
    expect_status(history("Patient", "a", "_count=1"), FHIRSTORE_OK);
    expect_told(log, "HISTORY OK Patient/a 0>0 ?_count=1;");
    ck_assert_int_eq(log.last_count, 1);
    ck_assert_int_eq(log.last_total, 2);
    expect_http(ask("GET", "metadata", NULL, NULL), 200);
    expect_told(log, "CAPABILITIES OK / 0>0 ?;");
    expect_status(delete_one("Patient", "a"), FHIRSTORE_NO_CONTENT);
    expect_told(log, "DELETE NO_CONTENT Patient/a 2>3 ?;");
    expect_status(read_one("Patient", "a"), FHIRSTORE_ERR_DELETED);
    expect_told(log, "READ ERR_DELETED Patient/a 0>0 ?;");
    ck_assert_int_eq(export_all(&seen), FHIRSTORE_OK);
    expect_told(log, "EXPORT OK / 0>0 ?;EXPORT OK / 0>0 ?;");
    ck_assert_int_eq(log.last_count, 1);
    /* Refused before anything was looked at, and yet told. */
    expect_status(create("Patient", "{"), FHIRSTORE_ERR_JSON);
    expect_told(log, "CREATE ERR_JSON Patient/ 0>0 ?;");
    expect_status(update("Patient", "b", PATIENT_A), FHIRSTORE_ERR_ID_MISMATCH);
    expect_told(log, "UPDATE ERR_ID_MISMATCH Patient/b 0>0 ?;");
    expect_status(update_if("Patient", "a", PATIENT_A, 9), FHIRSTORE_ERR_PRECONDITION);
    expect_told(log, "UPDATE ERR_PRECONDITION Patient/a 0>0 ?;");
    expect_http(ask("GET", "Patient?foo=1", "Prefer: handling=strict", NULL), 400);
    expect_told(log, "SEARCH ERR_UNKNOWN_PARAM Patient/ 0>0 ?foo=1;");
    expect_http(ask("POST", "", NULL, "{"), 400);
    expect_told(log, "TRANSACTION ERR_JSON / 0>0 ?;");
}
END_TEST

START_TEST(denials_are_recorded)
{
    static journal log = {.answer = FHIRSTORE_OK};
    hang_up(&log);
    become_a_principal();
    expect_status(read_one("Patient", "a"), FHIRSTORE_ERR_NO_POLICY);
    expect_told(log, "READ ERR_NO_POLICY Patient/a 0>0 ?;");
    static guard keeper = {.answer = FHIRSTORE_ACCESS_DENY};
    post_guard(&keeper);
    expect_shut(FHIRSTORE_ERR_DENIED);
    /* 12 typed calls, 13 requests, and six more. */
    int told = 0;
    for (const char *at = log.told; (at = strstr(at, "ERR_DENIED")) != NULL; at++) {
        told++;
    }
    ck_assert_int_eq(told, 12 + 13 + 5);
    ck_assert_ptr_null(strstr(log.told, " OK "));
    ck_assert_ptr_null(strstr(log.told, "SECRET"));
    ck_assert_ptr_nonnull(strstr(log.told, "IMPORT ERR_DENIED"));
    ck_assert_ptr_nonnull(strstr(log.told, "EXPORT ERR_DENIED"));
}
END_TEST

START_TEST(bundles_are_recorded_as_a_whole_and_by_entry)
{
    static journal log = {.answer = FHIRSTORE_OK};
    hang_up(&log);
    expect_http(ask("POST", "", NULL, BUNDLE("transaction", PUT_PATIENT("a") "," PUT_PATIENT("b"))),
                200);
    expect_told(log, "UPDATE CREATED Patient/a 0>1 ?;UPDATE CREATED Patient/b 0>1 ?;"
                     "TRANSACTION OK / 0>0 ?;");
    ck_assert_int_eq(log.last_count, 2);
    reply answer = ask(
        "POST", "", NULL,
        BUNDLE("transaction",
               PUT_PATIENT("c") ",{\"resource\":{\"resourceType\":\"Patient\",\"id\":"
                                "\"x\"},\"request\":{\"method\":\"PUT\",\"url\":"
                                "\"Patient/y\"}}"));
    expect_http(answer, 400);
    ck_assert_ptr_nonnull(strstr(log.told, "TRANSACTION ERR_ID_MISMATCH / 0>0 ?;"));
    log.told[0] = '\0';
    expect_http(ask("POST", "", NULL, BUNDLE("batch", PUT_PATIENT("d"))), 200);
    expect_told(log, "BATCH OK / 0>0 ?;UPDATE CREATED Patient/d 0>1 ?;");
    ck_assert_int_eq(import_one(BUNDLE("transaction", PUT_PATIENT("e"))), FHIRSTORE_OK);
    ck_assert_ptr_nonnull(strstr(log.told, "UPDATE CREATED Patient/e 0>1 ?;"));
    ck_assert_ptr_nonnull(strstr(log.told, "IMPORT OK / 0>0 ?;"));
}
END_TEST

START_TEST(a_hook_that_refuses_undoes_the_write)
{
    expect_status(update("Patient", "a", "{\"resourceType\":\"Patient\",\"id\":\"a\"}"),
                  FHIRSTORE_CREATED);
    static journal log = {.answer = FHIRSTORE_ERR_INTERNAL, .refuses = FHIRSTORE_ACTION_UPDATE};
    const char *before = state_of_store();
    hang_up(&log);
    reply answer = update("Patient", "a", PATIENT_A);
    expect_refusal(&answer, FHIRSTORE_ERR_AUDIT_REFUSED, "suppressed", NULL);
    ck_assert_int_eq(answer.http, 403);
    expect_told(log, "UPDATE OK Patient/a 1>2 ?;UPDATE ERR_AUDIT_REFUSED Patient/a 1>0 ?;");
    answer = ask("PUT", "Patient/new", NULL, "{\"resourceType\":\"Patient\",\"id\":\"new\"}");
    expect_http(answer, 403);
    log.told[0] = '\0';
    answer = ask("POST", "", NULL, BUNDLE("transaction", POST_GROUP "," PUT_PATIENT("x")));
    expect_refusal(&answer, FHIRSTORE_ERR_AUDIT_REFUSED, "suppressed", "Bundle.entry[1]");
    ck_assert_ptr_nonnull(strstr(log.told, "UPDATE ERR_AUDIT_REFUSED Patient/x 0>0 ?;"
                                           "TRANSACTION ERR_AUDIT_REFUSED / 0>0 ?;"));
    log.refuses = FHIRSTORE_ACTION_TRANSACTION;
    answer = ask("POST", "", NULL, BUNDLE("transaction", PUT_PATIENT("x")));
    expect_http(answer, 403);
    ck_assert_int_eq(import_one(PATIENT_A), FHIRSTORE_OK);
    log.refuses = FHIRSTORE_ACTION_UPDATE;
    ck_assert_int_eq(import_one("{\"resourceType\":\"Patient\",\"id\":\"i\"}"),
                     FHIRSTORE_ERR_AUDIT_REFUSED);
    log.refuses = FHIRSTORE_ACTION_IMPORT;
    ck_assert_int_eq(import_one("{\"resourceType\":\"Patient\",\"id\":\"i\"}"),
                     FHIRSTORE_ERR_AUDIT_REFUSED);
    log.refuses = FHIRSTORE_ACTION_DELETE;
    answer = delete_one("Patient", "a");
    expect_refusal(&answer, FHIRSTORE_ERR_AUDIT_REFUSED, "suppressed", NULL);
    log.refuses = FHIRSTORE_ACTION_CREATE;
    answer = create("Patient", PATIENT_A);
    expect_refusal(&answer, FHIRSTORE_ERR_AUDIT_REFUSED, "suppressed", NULL);
    ck_assert_int_eq(fhirstore_set_audit_hook(store, NULL, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(log.destroyed, 1);
    /* Only the import that nobody refused has left something. */
    expect_status(delete_one("Patient", "a"), FHIRSTORE_NO_CONTENT);
    reply all = history("", "", "");
    expect_text(all, "total", "3");
    ck_assert_ptr_nonnull(before);
    expect_sound(store);
}
END_TEST

START_TEST(a_hook_that_refuses_keeps_reads_back)
{
    expect_status(update("Patient", "a", PATIENT_A), FHIRSTORE_CREATED);
    static journal log = {.answer = FHIRSTORE_ERR_IO};
    int seen;
    hang_up(&log);
    reply answer = read_one("Patient", "a");
    expect_refusal(&answer, FHIRSTORE_ERR_AUDIT_REFUSED, "suppressed", NULL);
    ck_assert(!has_text(&answer, "SECRET"));
    expect_told(log, "READ OK Patient/a 0>1 ?;READ ERR_AUDIT_REFUSED Patient/a 0>0 ?;");
    answer = ask("GET", "Patient/a", NULL, NULL);
    expect_http(answer, 403);
    ck_assert(!has_text(&answer, "SECRET"));
    answer = search_page("Patient", "");
    expect_refusal(&answer, FHIRSTORE_ERR_AUDIT_REFUSED, "suppressed", NULL);
    answer = history("Patient", "a", "");
    expect_refusal(&answer, FHIRSTORE_ERR_AUDIT_REFUSED, "suppressed", NULL);
    answer = ask("GET", "metadata", NULL, NULL);
    expect_http(answer, 403);
    answer = ask("POST", "", NULL, BUNDLE("batch", PUT_PATIENT("b")));
    expect_http(answer, 403);
    fhirstore_search *search;
    ck_assert_int_eq(fhirstore_search_open(session, "Patient", 7, "", 0, &search, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_search_next(search, NULL), FHIRSTORE_ERR_AUDIT_REFUSED);
    size_t len = 1;
    ck_assert_str_eq(fhirstore_search_body(search, &len), "");
    ck_assert_uint_eq(len, 0);
    ck_assert_int_eq(fhirstore_search_next(search, NULL), FHIRSTORE_ERR_AUDIT_REFUSED);
    fhirstore_search_close(search);
    ck_assert_int_eq(export_all(&seen), FHIRSTORE_ERR_AUDIT_REFUSED);
}
END_TEST

START_TEST(cursors_are_recorded_page_by_page)
{
    enum {
        PATIENTS = 2500
    };
    static journal log = {.answer = FHIRSTORE_OK};
    char body[128];
    fhirstore_import *import;
    ck_assert_int_eq(fhirstore_import_open(session, NULL, &import, NULL), FHIRSTORE_OK);
    for (int i = 0; i < PATIENTS; i++) {
        (void)snprintf(body, sizeof body, "{\"resourceType\":\"Patient\",\"id\":\"p%d\"}", i);
        ck_assert_int_eq(fhirstore_import_add(import, "x", 0, body, strlen(body), NULL),
                         FHIRSTORE_OK);
    }
    ck_assert_int_eq(fhirstore_import_finish(import, NULL, NULL), FHIRSTORE_OK);
    fhirstore_import_close(import);
    hang_up(&log);
    fhirstore_search *search;
    ck_assert_int_eq(fhirstore_search_open(session, "Patient", 7, "", 0, &search, NULL),
                     FHIRSTORE_OK);
    int matches = 0;
    while (fhirstore_search_next(search, NULL) == FHIRSTORE_OK) {
        matches++;
        if (matches == 1 || matches == 1001 || matches == 2001) {
            ck_assert_int_eq(log.last_count, matches - 1);
            expect_told(log, "SEARCH OK Patient/ 0>0 ?;");
        }
        ck_assert_str_eq(log.told, "");
    }
    ck_assert_int_eq(matches, PATIENTS);
    ck_assert_int_eq(log.last_count, PATIENTS);
    expect_told(log, "SEARCH OK Patient/ 0>0 ?;");
    ck_assert_int_eq(fhirstore_search_next(search, NULL), FHIRSTORE_DONE);
    fhirstore_search_close(search);
    expect_told(log, "");
    /* Left before its end. */
    ck_assert_int_eq(fhirstore_search_open(session, "Patient", 7, "", 0, &search, NULL),
                     FHIRSTORE_OK);
    for (int i = 0; i < 7; i++) {
        ck_assert_int_eq(fhirstore_search_next(search, NULL), FHIRSTORE_OK);
    }
    fhirstore_search_close(search);
    ck_assert_int_eq(log.last_count, 7);
    expect_told(log, "SEARCH OK Patient/ 0>0 ?;SEARCH OK Patient/ 0>0 ?;");
}
END_TEST

START_TEST(events_hold_no_content)
{
    static journal log = {.answer = FHIRSTORE_OK};
    hang_up(&log);
    expect_status(update("Patient", "a", PATIENT_A), FHIRSTORE_CREATED);
    expect_status(create("Patient", PATIENT_A), FHIRSTORE_CREATED);
    expect_status(search_page("Patient", ""), FHIRSTORE_OK);
    expect_http(ask("POST", "", NULL,
                    BUNDLE("transaction", "{\"resource\":" PATIENT_A ",\"request\":{\"method\":"
                                          "\"PUT\",\"url\":\"Patient/a\"}}")),
                200);
    expect_status(create("Patient", "{\"resourceType\":\"SECRET\"}"),
                  FHIRSTORE_ERR_INVALID_RESOURCE);
    ck_assert_ptr_null(strstr(log.told, "SECRET"));
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("access", setup_store, no_policy_denies_everything, anything_but_a_clear_yes_is_no,
              each_interaction_is_asked_for, each_entry_of_a_bundle_is_asked_for,
              an_import_asks_for_each_resource, everything_is_allowed_by_name_only,
              destroy_is_called_exactly_once),
        GROUP("audit", setup_clocked_store, every_interaction_is_recorded, denials_are_recorded,
              bundles_are_recorded_as_a_whole_and_by_entry, a_hook_that_refuses_undoes_the_write,
              a_hook_that_refuses_keeps_reads_back, cursors_are_recorded_page_by_page,
              events_hold_no_content),
    };
    return run_groups("access", groups, sizeof groups / sizeof groups[0]);
}
