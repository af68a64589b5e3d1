/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Custom search parameters come, change and go: what is refused, what a rolled back transaction
 * leaves (nothing), kills in the middle, other threads, other processes.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define PATIENTS 60

#define HEAD "{\"resourceType\":\"SearchParameter\",\"id\":\"p\","
#define REST "\"name\":\"X\",\"description\":\"x\","
#define URL  "\"url\":\"http://example.org/SearchParameter/p\","
#define FINE                                                                                 \
    HEAD URL REST "\"status\":\"active\",\"code\":\"nick\",\"base\":[\"Patient\"],\"type\":" \
                  "\"string\",\"expression\":\"Patient.name.where(use='nickname').given\"}"
#define RETIRED                                                                               \
    HEAD URL REST "\"status\":\"retired\",\"code\":\"nick\",\"base\":[\"Patient\"],\"type\":" \
                  "\"string\",\"expression\":\"Patient.name.where(use='nickname').given\"}"
/* The same parameter looks elsewhere. */
#define MOVED                                                                                \
    HEAD URL REST "\"status\":\"active\",\"code\":\"nick\",\"base\":[\"Patient\"],\"type\":" \
                  "\"string\",\"expression\":\"Patient.name.where(use='old').given\"}"

static void put_patient(int i, const char *use)
{
    char id[16];
    char body[256];
    (void)snprintf(id, sizeof id, "p%d", i);
    (void)snprintf(
        body, sizeof body,
        "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"name\":[{\"use\":\"%s\",\"given\":"
        "[\"Nick%d\"]}]}",
        id, use, i % 3);
    ck_assert_int_ge(update("Patient", id, body).status, FHIRSTORE_OK);
}

static void put_patients(void)
{
    for (int i = 0; i < PATIENTS; i++) {
        put_patient(i, i % 2 == 0 ? "nickname" : "old");
    }
}

static fhirstore_status maintain_some(fhirstore *which, int64_t max_resources)
{
    fhirstore_error *error = NULL;
    fhirstore_maintain_options options = FHIRSTORE_MAINTAIN_OPTIONS_INIT;
    options.max_resources = max_resources;
    options.per_commit = 8;
    fhirstore_status status = fhirstore_maintain(which, &options, &error);
    ck_assert_msg(status >= FHIRSTORE_OK, "%s", fhirstore_error_message(error));
    return status;
}

static void expect_unknown(const char *query)
{
    int64_t count;
    fhirstore_error *error = NULL;
    ck_assert_int_eq(fhirstore_search_count(session, FHIRSTORE_LIT("Patient"), query, strlen(query),
                                            &count, &error),
                     FHIRSTORE_ERR_UNKNOWN_PARAM);
    fhirstore_error_free(error);
}

static int64_t string_rows(void)
{
    fhirstore_buf stats = {0};
    ck_assert_int_eq(fhirstore_stats(store, &stats, NULL), FHIRSTORE_OK);
    cJSON *tree = cJSON_ParseWithLength(stats.ptr, stats.len);
    const cJSON *rows = cJSON_GetObjectItem(cJSON_GetObjectItem(tree, "indexRows"), "string");
    int64_t count = (int64_t)cJSON_GetNumberValue(rows);
    cJSON_Delete(tree);
    fhirstore_buf_clear(&stats);
    return count;
}

/* ---- what is refused ---- */

typedef struct bad_parameter {
    const char *what;
    const char *members; /* behind id, name and description */
    fhirstore_status status;
    const char *code;
    const char *expression;
    const char *text; /* in the message */
} bad_parameter;

#define ACTIVE  "\"status\":\"active\","
#define PATIENT "\"base\":[\"Patient\"],"
#define NICK    "\"code\":\"nick\","
#define STRING  "\"type\":\"string\","
#define NAME    "\"expression\":\"Patient.name.given\""

static const bad_parameter bad_parameters[] = {
    {"an expression that does not parse",
     URL ACTIVE PATIENT NICK STRING "\"expression\":\"Patient.name.where(use=\"",
     FHIRSTORE_ERR_INVARIANT, "invalid", "SearchParameter.expression", "at offset 23"},
    {"the same in a draft",
     URL PATIENT NICK STRING "\"status\":\"draft\",\"expression\":\"Patient.(\"",
     FHIRSTORE_ERR_INVARIANT, "invalid", "SearchParameter.expression", "at offset 8"},
    {"an unknown function", URL ACTIVE PATIENT NICK STRING "\"expression\":\"Patient.name.frob()\"",
     FHIRSTORE_ERR_INVARIANT, "invalid", "SearchParameter.expression", "at offset 13"},
    {"an element that is not there",
     URL ACTIVE PATIENT NICK STRING "\"expression\":\"Patient.nmae\"", FHIRSTORE_ERR_INVARIANT,
     "business-rule", "SearchParameter.expression", "finds nothing"},
    {"an expression of another base",
     URL ACTIVE NICK STRING "\"base\":[\"Patient\",\"Device\"]," NAME, FHIRSTORE_ERR_INVARIANT,
     "business-rule", "SearchParameter.expression", "Device"},
    {"no expression", URL ACTIVE PATIENT NICK "\"type\":\"string\"", FHIRSTORE_ERR_INVARIANT,
     "required", "SearchParameter.expression", NULL},
    {"values of another type", URL ACTIVE PATIENT NICK "\"type\":\"date\"," NAME "", FHIRSTORE_OK,
     NULL, NULL, NULL},
    {"values that are no quantity", URL ACTIVE PATIENT NICK "\"type\":\"quantity\"," NAME,
     FHIRSTORE_ERR_INVARIANT, "business-rule", "SearchParameter.type", "quantity"},
    {"a base that does not exist",
     URL ACTIVE NICK STRING "\"base\":[\"Patient\",\"Pateint\"]," NAME, FHIRSTORE_ERR_INVARIANT,
     "code-invalid", "SearchParameter.base[1]", NULL},
    {"a base that is a data type", URL ACTIVE NICK STRING "\"base\":[\"HumanName\"]," NAME,
     FHIRSTORE_ERR_INVARIANT, "code-invalid", "SearchParameter.base[0]", NULL},
    {"a type that does not exist", URL ACTIVE PATIENT NICK "\"type\":\"text\"," NAME,
     FHIRSTORE_ERR_INVARIANT, "code-invalid", "SearchParameter.type", "composite"},
    {"a special one", URL ACTIVE PATIENT NICK "\"type\":\"special\"," NAME, FHIRSTORE_ERR_INVARIANT,
     "not-supported", "SearchParameter.type", NULL},
    {"a code that searches cannot name", URL ACTIVE PATIENT STRING "\"code\":\"nick.name\"," NAME,
     FHIRSTORE_ERR_INVARIANT, "value", "SearchParameter.code", NULL},
    {"a reserved code", URL ACTIVE PATIENT STRING "\"code\":\"_sort\"," NAME,
     FHIRSTORE_ERR_INVARIANT, "value", "SearchParameter.code", NULL},
    {"a code of FHIR's own", URL ACTIVE PATIENT STRING "\"code\":\"family\"," NAME,
     FHIRSTORE_ERR_CONFLICT, "duplicate", "SearchParameter.code", NULL},
    {"a url of FHIR's own",
     ACTIVE PATIENT NICK STRING
     "\"url\":\"http://hl7.org/fhir/SearchParameter/individual-family\"," NAME,
     FHIRSTORE_ERR_CONFLICT, "duplicate", "SearchParameter.url", NULL},
    {"a code that another has",
     ACTIVE STRING "\"code\":\"taken\",\"base\":[\"Person\",\"Patient\"],"
                   "\"url\":\"http://example.org/SearchParameter/other\","
                   "\"expression\":\"Person.name.given | Patient.name.given\"",
     FHIRSTORE_ERR_CONFLICT, "duplicate", "SearchParameter.code", NULL},
    {"a url that another has",
     ACTIVE STRING NICK
     "\"base\":[\"Person\"],\"url\":\"http://example.org/SearchParameter/taken\","
     "\"expression\":\"Person.name.given\"",
     FHIRSTORE_ERR_CONFLICT, "duplicate", "SearchParameter.url", NULL},
    {"a composite without components", URL ACTIVE PATIENT NICK "\"type\":\"composite\"," NAME,
     FHIRSTORE_ERR_INVARIANT, "required", "SearchParameter.component", NULL},
    {"a component that nobody knows",
     URL ACTIVE PATIENT NICK
     "\"type\":\"composite\",\"component\":[{\"definition\":\"http://example.org/none\","
     "\"expression\":\"given\"}],\"expression\":\"Patient.name\"",
     FHIRSTORE_ERR_INVARIANT, "not-found", "SearchParameter.component[0].definition", NULL},
    {"a component that does not parse",
     URL ACTIVE PATIENT NICK
     "\"type\":\"composite\",\"component\":[{\"definition\":"
     "\"http://example.org/SearchParameter/taken\",\"expression\":\"given..\"}],"
     "\"expression\":\"Patient.name\"",
     FHIRSTORE_ERR_INVARIANT, "invalid", "SearchParameter.component[0].expression", NULL},
};

#define TAKEN                                                                                   \
    "{\"resourceType\":\"SearchParameter\",\"id\":\"taken\",\"url\":"                           \
    "\"http://example.org/SearchParameter/taken\",\"name\":\"T\",\"description\":\"t\"," ACTIVE \
    "\"code\":\"taken\"," PATIENT STRING NAME "}"

START_TEST(what_does_not_fit_is_refused_without_a_trace)
{
    char body[2048];
    put_patient(0, "old");
    expect_status(update("SearchParameter", "taken", TAKEN), FHIRSTORE_CREATED);
    for (size_t i = 0; i < sizeof bad_parameters / sizeof *bad_parameters; i++) {
        const bad_parameter *bad = &bad_parameters[i];
        if (bad->status == FHIRSTORE_OK) {
            continue; /* a date may be in a string */
        }
        (void)snprintf(body, sizeof body, "%s%s%s}", HEAD, REST, bad->members);
        const char *before = state_of_store();
        reply typed = update("SearchParameter", "p", body);
        ck_assert_msg(typed.status == bad->status, "%s: %s: %s", bad->what,
                      fhirstore_status_name(typed.status), typed.body);
        expect_no_trace(&typed, bad->status, bad->code, bad->expression, before);
        ck_assert_msg(bad->text == NULL || has_text(&typed, bad->text), "%s: %s", bad->what,
                      typed.body);
        reply asked = ask("PUT", "SearchParameter/p", NULL, body);
        expect_no_trace(&asked, bad->status, bad->code, bad->expression, before);
        if (strstr(bad->members, NICK) != NULL) {
            expect_unknown("nick=x");
        }
    }
    expect_sound(store);
}
END_TEST

START_TEST(a_bad_update_leaves_the_old_parameter_at_work)
{
    put_patients();
    expect_status(update("SearchParameter", "p", FINE), FHIRSTORE_CREATED);
    reply bad = update("SearchParameter", "p",
                       HEAD URL REST ACTIVE PATIENT NICK STRING
                       "\"expression\":\"Patient.name.(\"}");
    expect_status(bad, FHIRSTORE_ERR_INVARIANT);
    ck_assert_int_eq(count_of("Patient", "nick:missing=false"), PATIENTS / 2);
    ck_assert_int_eq(maintain_some(store, 0), FHIRSTORE_DONE);
    ck_assert_int_eq(count_of("Patient", "nick:missing=false"), PATIENTS / 2);
}
END_TEST

START_TEST(one_that_is_not_active_has_no_effect)
{
    put_patients();
    expect_status(update("SearchParameter", "p", RETIRED), FHIRSTORE_CREATED);
    expect_unknown("nick=nick1");
    ck_assert_int_eq(maintain_some(store, 0), FHIRSTORE_DONE);
    /* It takes nothing from one that is. */
    expect_http(ask("POST", "SearchParameter", NULL, FINE), 201);
    ck_assert_int_eq(count_of("Patient", "nick:missing=false"), PATIENTS / 2);
}
END_TEST

/* ---- change ---- */

START_TEST(a_changed_expression_drops_the_old_rows)
{
    put_patients();
    int64_t rows = string_rows();
    expect_status(update("SearchParameter", "p", FINE), FHIRSTORE_CREATED);
    ck_assert_int_eq(maintain_some(store, 0), FHIRSTORE_DONE);
    int64_t with_nick = string_rows();
    ck_assert_int_gt(with_nick, rows);
    ck_assert_int_eq(count_of("Patient", "nick=nick0"), PATIENTS / 6);
    expect_status(update("SearchParameter", "p", MOVED), FHIRSTORE_OK);
    for (int64_t step = 0;; step++) {
        ck_assert_int_eq(count_of("Patient", "nick=nick1"), PATIENTS / 6);
        ck_assert_int_eq(count_of("Patient", "nick=nick1&_id=p1"), 1);
        ck_assert_int_eq(count_of("Patient", "nick=nick0&_id=p0"), 0);
        expect_sound(store);
        if (maintain_some(store, 16) == FHIRSTORE_DONE) {
            break;
        }
    }
    ck_assert_int_eq(string_rows(), with_nick);
    ck_assert_int_eq(count_of("Patient", "nick:missing=false"), PATIENTS / 2);
    expect_sound(store);
}
END_TEST

static void expect_gone(int64_t rows)
{
    expect_unknown("nick=nick0");
    expect_http(ask("GET", "Patient?nick=nick0", "Prefer: handling=strict", NULL), 400);
    ck_assert_int_eq(maintain_some(store, 20), FHIRSTORE_OK);
    reopen_store();
    expect_sound(store);
    expect_unknown("nick=nick0");
    ck_assert_int_eq(maintain_some(store, 0), FHIRSTORE_DONE);
    ck_assert_int_eq(string_rows(), rows);
    expect_sound(store);
}

START_TEST(deleting_or_retiring_drops_the_rows)
{
    put_patients();
    expect_status(update("SearchParameter", "p", RETIRED), FHIRSTORE_CREATED);
    int64_t rows = string_rows();
    expect_status(update("SearchParameter", "p", FINE), FHIRSTORE_OK);
    ck_assert_int_eq(maintain_some(store, 0), FHIRSTORE_DONE);
    ck_assert_int_gt(string_rows(), rows);
    expect_status(update("SearchParameter", "p", RETIRED), FHIRSTORE_OK);
    expect_gone(rows);
    expect_status(update("SearchParameter", "p", FINE), FHIRSTORE_OK);
    /* Only a part is indexed when it goes. */
    ck_assert_int_eq(maintain_some(store, 24), FHIRSTORE_OK);
    expect_status(delete_one("SearchParameter", "p"), FHIRSTORE_NO_CONTENT);
    ck_assert_int_eq(maintain_some(store, 0), FHIRSTORE_DONE);
    ck_assert_int_le(string_rows(), rows);
    expect_unknown("nick=nick0");
    expect_sound(store);
    /* And comes back. */
    expect_status(update("SearchParameter", "p", FINE), FHIRSTORE_CREATED);
    ck_assert_int_eq(count_of("Patient", "nick=nick0"), PATIENTS / 6);
    ck_assert_int_eq(maintain_some(store, 0), FHIRSTORE_DONE);
    ck_assert_int_eq(count_of("Patient", "nick=nick0"), PATIENTS / 6);
}
END_TEST

START_TEST(a_change_of_its_words_only_keeps_the_index)
{
    put_patients();
    expect_status(update("SearchParameter", "p", FINE), FHIRSTORE_CREATED);
    ck_assert_int_eq(maintain_some(store, 0), FHIRSTORE_DONE);
    reply said = update("SearchParameter", "p",
                        HEAD URL
                        "\"name\":\"Other\",\"description\":\"other\",\"status\":\"active\","
                        "\"code\":\"nick\",\"base\":[\"Patient\"],\"type\":\"string\","
                        "\"expression\":\"Patient.name.where(use='nickname').given\"}");
    expect_status(said, FHIRSTORE_OK);
    expect_http(ask("GET", "Patient?nick=nick0", "Prefer: handling=strict", NULL), 200);
}
END_TEST

START_TEST(a_component_stays_while_a_composite_uses_it)
{
    put_patients();
    expect_status(update("SearchParameter", "p", FINE), FHIRSTORE_CREATED);
    reply pair = ask(
        "PUT", "SearchParameter/pair", NULL,
        "{\"resourceType\":\"SearchParameter\",\"id\":\"pair\",\"url\":"
        "\"http://example.org/SearchParameter/pair\",\"name\":\"Pair\",\"status\":"
        "\"active\",\"description\":\"x\",\"code\":\"nick-use\",\"base\":[\"Patient\"],"
        "\"type\":\"composite\",\"expression\":\"Patient.name\",\"component\":[{"
        "\"definition\":\"http://example.org/SearchParameter/p\",\"expression\":"
        "\"given\"},{\"definition\":"
        "\"http://hl7.org/fhir/SearchParameter/individual-address-use\","
        "\"expression\":\"use\"}]}");
    expect_http(pair, 201);
    ck_assert_int_eq(count_of("Patient", "nick-use=nick0$old"), PATIENTS / 6);
    reply kept = delete_one("SearchParameter", "p");
    expect_refusal(&kept, FHIRSTORE_ERR_CONFLICT, "conflict", "SearchParameter.url");
    expect_status(update("SearchParameter", "p", RETIRED), FHIRSTORE_ERR_CONFLICT);
    ck_assert_int_eq(maintain_some(store, 0), FHIRSTORE_DONE);
    ck_assert_int_eq(count_of("Patient", "nick-use=nick0$old"), PATIENTS / 6);
    expect_status(delete_one("SearchParameter", "pair"), FHIRSTORE_NO_CONTENT);
    expect_status(delete_one("SearchParameter", "p"), FHIRSTORE_NO_CONTENT);
    ck_assert_int_eq(maintain_some(store, 0), FHIRSTORE_DONE);
    expect_sound(store);
}
END_TEST

START_TEST(the_capability_statement_lists_it)
{
    expect_status(update("SearchParameter", "p", FINE), FHIRSTORE_CREATED);
    reply able = ask("GET", "metadata", NULL, NULL);
    ck_assert(has_text(&able, "{\"name\":\"nick\",\"definition\":"
                              "\"http://example.org/SearchParameter/p\",\"type\":\"string\"}"));
    expect_status(delete_one("SearchParameter", "p"), FHIRSTORE_NO_CONTENT);
    able = ask("GET", "metadata", NULL, NULL);
    ck_assert(!has_text(&able, "\"nick\""));
}
END_TEST

/* ---- transactions ---- */

#define ENTRY(resource, url) \
    "{\"resource\":" resource ",\"request\":{\"method\":\"PUT\",\"url\":\"" url "\"}}"
#define TRANSACTION(entries) \
    "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[" entries "]}"
#define NICKNAMED                                                                           \
    "{\"resourceType\":\"Patient\",\"id\":\"t\",\"name\":[{\"use\":\"nickname\",\"given\":" \
    "[\"Tee\"]}]}"
#define BAD_PATIENT "{\"resourceType\":\"Patient\",\"id\":\"x\",\"gender\":[1]}"
#define SAME_CODE                                                                               \
    "{\"resourceType\":\"SearchParameter\",\"id\":\"q\",\"url\":\"http://example.org/q\"," REST \
    "\"status\":\"active\",\"code\":\"nick\",\"base\":[\"Patient\"],\"type\":\"string\","       \
    "\"expression\":\"Patient.name.given\"}"

START_TEST(a_transaction_brings_all_or_nothing)
{
    put_patients();
    const char *before = state_of_store();
    expect_http(ask("POST", "", NULL,
                    TRANSACTION(ENTRY(FINE, "SearchParameter/p") "," ENTRY(
                        NICKNAMED, "Patient/t") "," ENTRY(SAME_CODE, "SearchParameter/q"))),
                409);
    expect_unknown("nick=tee");
    ck_assert_str_eq(state_of_store(), before);
    put_patient(1, "nickname");
    expect_http(
        ask("POST", "", NULL,
            TRANSACTION(ENTRY(FINE, "SearchParameter/p") "," ENTRY(NICKNAMED, "Patient/t"))),
        200);
    ck_assert_int_eq(count_of("Patient", "nick=tee"), 1);
    ck_assert_int_eq(count_of("Patient", "nick:missing=false"), PATIENTS / 2 + 2);
    ck_assert_int_eq(maintain_some(store, 0), FHIRSTORE_DONE);
    ck_assert_int_eq(count_of("Patient", "nick:missing=false"), PATIENTS / 2 + 2);
    expect_sound(store);
}
END_TEST

static void import_all(const char *const *documents, size_t count, int64_t failed)
{
    fhirstore_import *import = NULL;
    fhirstore_error *error = NULL;
    ck_assert_int_eq(fhirstore_import_open(session, NULL, &import, &error), FHIRSTORE_OK);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_ge(
            fhirstore_import_add(import, "test", 0, documents[i], strlen(documents[i]), &error),
            FHIRSTORE_OK);
    }
    fhirstore_import_totals totals = FHIRSTORE_IMPORT_TOTALS_INIT;
    ck_assert_int_ge(fhirstore_import_finish(import, &totals, &error), FHIRSTORE_OK);
    ck_assert_int_eq(totals.failed, failed);
    fhirstore_import_close(import);
}

START_TEST(an_import_brings_it_before_between_or_behind)
{
    static const char *const documents[] = {
        "{\"resourceType\":\"Patient\",\"id\":\"a\",\"name\":[{\"use\":\"nickname\",\"given\":"
        "[\"Aa\"]}]}",
        TRANSACTION(ENTRY(FINE, "SearchParameter/p") "," ENTRY(SAME_CODE, "SearchParameter/q")),
        "{\"resourceType\":\"Patient\",\"id\":\"b\",\"name\":[{\"use\":\"nickname\",\"given\":"
        "[\"Bb\"]}]}",
        FINE,
        SAME_CODE,
        "{\"resourceType\":\"Patient\",\"id\":\"c\",\"name\":[{\"use\":\"nickname\",\"given\":"
        "[\"Cc\"]}]}",
    };
    import_all(documents, sizeof documents / sizeof *documents, 2);
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(count_of("Patient", "nick=aa"), 1);
        ck_assert_int_eq(count_of("Patient", "nick=bb"), 1);
        ck_assert_int_eq(count_of("Patient", "nick=cc"), 1);
        ck_assert_int_eq(count_of("Patient", "nick:missing=false"), 3);
        expect_sound(store);
        ck_assert_int_eq(maintain_some(store, 0), FHIRSTORE_DONE);
    }
    reopen_store();
    ck_assert_int_eq(count_of("Patient", "nick:missing=false"), 3);
}
END_TEST

/* ---- maintain itself ---- */

typedef struct watched {
    int64_t calls;
    int64_t done;
    int64_t total;
    int64_t stop_at;
} watched;

static fhirstore_status watch(void *ctx, int64_t done, int64_t total)
{
    watched *seen = ctx;
    ck_assert_int_ge(done, seen->done);
    ck_assert_int_le(done, total);
    seen->calls++;
    seen->done = done;
    seen->total = total;
    return seen->stop_at != 0 && done >= seen->stop_at ? FHIRSTORE_ERR_CALLBACK : FHIRSTORE_OK;
}

START_TEST(progress_is_told_and_may_cancel)
{
    watched seen = {.stop_at = 30};
    fhirstore_error *error = NULL;
    fhirstore_maintain_options options = FHIRSTORE_MAINTAIN_OPTIONS_INIT;
    put_patients();
    expect_status(update("SearchParameter", "p", FINE), FHIRSTORE_CREATED);
    options.progress = watch;
    options.ctx = &seen;
    options.per_commit = 10;
    ck_assert_int_eq(fhirstore_maintain(store, &options, &error), FHIRSTORE_ERR_CANCELLED);
    fhirstore_error_free(error);
    ck_assert_int_eq(seen.done, 30);
    ck_assert_int_eq(seen.total, PATIENTS);
    ck_assert_int_eq(count_of("Patient", "nick:missing=false"), PATIENTS / 2);
    seen = (watched){.stop_at = 0};
    ck_assert_int_eq(fhirstore_maintain(store, &options, &error), FHIRSTORE_DONE);
    ck_assert_int_eq(seen.done, PATIENTS - 30);
    ck_assert_int_eq(seen.total, PATIENTS - 30);
    ck_assert_int_eq(count_of("Patient", "nick:missing=false"), PATIENTS / 2);
}
END_TEST

START_TEST(options_are_checked)
{
    fhirstore_error *error = NULL;
    fhirstore_maintain_options options = FHIRSTORE_MAINTAIN_OPTIONS_INIT;
    fhirstore_maintain_options same;
    ck_assert_int_eq(fhirstore_maintain_options_init(&same, sizeof same), FHIRSTORE_OK);
    ck_assert_mem_eq(&same, &options, sizeof same);
    ck_assert_int_eq(fhirstore_maintain_options_init(&same, 4), FHIRSTORE_ERR_ABI);
    ck_assert_int_eq(fhirstore_maintain_options_init(NULL, sizeof same), FHIRSTORE_ERR_INVALID_ARG);
    options.flags = 1;
    ck_assert_int_eq(fhirstore_maintain(store, &options, &error), FHIRSTORE_ERR_INVALID_ARG);
    fhirstore_error_free(error);
    options.flags = 0;
    options.struct_size = 3;
    ck_assert_int_eq(fhirstore_maintain(store, &options, &error), FHIRSTORE_ERR_ABI);
    fhirstore_error_free(error);
    ck_assert_int_eq(fhirstore_maintain(NULL, NULL, &error), FHIRSTORE_ERR_INVALID_ARG);
    fhirstore_error_free(error);
    ck_assert_int_eq(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_DONE);
    fhirstore_session_close(session);
    fhirstore_close(store);
    fhirstore_open_options reading = open_options();
    reading.flags = FHIRSTORE_OPEN_READ_ONLY;
    store = must_open(store_path, &reading);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    ck_assert_int_eq(fhirstore_maintain(store, NULL, &error), FHIRSTORE_ERR_READ_ONLY);
    fhirstore_error_free(error);
}
END_TEST

START_TEST(a_store_that_is_only_read_is_searched_all_the_same)
{
    put_patients();
    expect_status(update("SearchParameter", "p", FINE), FHIRSTORE_CREATED);
    ck_assert_int_eq(maintain_some(store, 20), FHIRSTORE_OK);
    fhirstore_session_close(session);
    fhirstore_close(store);
    fhirstore_open_options reading = open_options();
    reading.flags = FHIRSTORE_OPEN_READ_ONLY;
    store = must_open(store_path, &reading);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    ck_assert_int_eq(count_of("Patient", "nick:missing=false"), PATIENTS / 2);
    ck_assert_int_eq(count_of("Patient", "nick=nick2"), PATIENTS / 6);
}
END_TEST

/* ---- kills ---- */

static fhirstore_status die_later(void *ctx, int64_t done, int64_t total)
{
    (void)total;
    if (done >= *(int64_t *)ctx) {
        (void)kill(getpid(), SIGKILL);
    }
    return FHIRSTORE_OK;
}

/* "self die PATH" walks 24 resources and is killed. */
static int reindex_and_die(const char *path)
{
    int64_t last = 24;
    fhirstore_open_options options = open_options();
    fhirstore_maintain_options how = FHIRSTORE_MAINTAIN_OPTIONS_INIT;
    fhirstore *opened = NULL;
    if (fhirstore_open(path, strlen(path), &options, &opened, NULL) != FHIRSTORE_OK) {
        return 2;
    }
    how.progress = die_later;
    how.ctx = &last;
    how.per_commit = 8;
    (void)fhirstore_maintain(opened, &how, NULL);
    return 3;
}

START_TEST(a_killed_reindex_goes_on_where_it_stood)
{
    watched seen = {.stop_at = 0};
    fhirstore_maintain_options options = FHIRSTORE_MAINTAIN_OPTIONS_INIT;
    put_patients();
    expect_status(update("SearchParameter", "p", FINE), FHIRSTORE_CREATED);
    fhirstore_session_close(session);
    fhirstore_close(store);
    pid_t child = fork();
    if (child == 0) {
        (void)execl(self_path(), "self", "die", store_path, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%d", status);
    fhirstore_open_options plain = open_options();
    store = must_open(store_path, &plain);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    ck_assert_int_eq(count_of("Patient", "nick:missing=false"), PATIENTS / 2);
    expect_sound(store);
    options.progress = watch;
    options.ctx = &seen;
    ck_assert_int_eq(fhirstore_maintain(store, &options, NULL), FHIRSTORE_DONE);
    ck_assert_int_eq(seen.done, PATIENTS - 24);
    ck_assert_int_eq(count_of("Patient", "nick:missing=false"), PATIENTS / 2);
    expect_sound(store);
}
END_TEST

/* ---- threads and processes ---- */

static atomic_bool all_over;

typedef struct searcher {
    fhirstore_session *session;
    const char *query;
    int64_t want;
    int64_t found;
    int64_t wrong;
} searcher;

/* Either nobody knows the parameter, or all is found. */
static void *keep_searching(void *ctx)
{
    searcher *work = ctx;
    while (!atomic_load(&all_over)) {
        int64_t count = -1;
        fhirstore_status status = fhirstore_search_count(work->session, FHIRSTORE_LIT("Patient"),
                                                         work->query, strlen(work->query), &count,
                                                         NULL);
        if (status == FHIRSTORE_OK && count == work->want) {
            work->found++;
        } else if (status != FHIRSTORE_ERR_UNKNOWN_PARAM) {
            work->wrong++;
        }
    }
    return NULL;
}

START_TEST(threads_find_all_or_do_not_know_it)
{
    static const char *const queries[] = {"nick:missing=false", "nick=nick", "nick:missing=false"};
    pthread_t threads[3];
    searcher work[3];
    put_patients();
    atomic_store(&all_over, false);
    for (int i = 0; i < 3; i++) {
        work[i] = (searcher){must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x"), queries[i],
                             PATIENTS / 2, 0, 0};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, keep_searching, &work[i]), 0);
    }
    for (int i = 0; i < 25; i++) {
        const char *next = i % 5 == 4 ? RETIRED : i % 2 == 0 ? FINE : MOVED;
        ck_assert_int_ge(update("SearchParameter", "p", next).status, FHIRSTORE_OK);
        (void)maintain_some(store, 20);
        put_patient(i % PATIENTS, i % PATIENTS % 2 == 0 ? "nickname" : "old");
        (void)maintain_some(store, i % 3 == 0 ? 0 : 50);
    }
    atomic_store(&all_over, true);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(work[i].wrong, 0);
        ck_assert_int_gt(work[i].found, 0);
        fhirstore_session_close(work[i].session);
    }
    ck_assert_int_eq(maintain_some(store, 0), FHIRSTORE_DONE);
    expect_sound(store);
}
END_TEST

static fhirstore *open_shared(const char *path)
{
    fhirstore_open_options options = open_options();
    fhirstore *opened = NULL;
    options.flags |= FHIRSTORE_OPEN_MULTI_PROCESS;
    (void)fhirstore_open(path, strlen(path), &options, &opened, NULL);
    return opened;
}

/* In a process of its own, where Check does not work. */
static int write_elsewhere(const char *path, const char *body, bool index)
{
    fhirstore *opened = open_shared(path);
    fhirstore_session *writer = NULL;
    fhirstore_response *response = NULL;
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    options.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    fhirstore_status status = fhirstore_session_open(opened, &options, &writer, NULL);
    if (status == FHIRSTORE_OK) {
        status = fhirstore_update(writer, FHIRSTORE_LIT("SearchParameter"), FHIRSTORE_LIT("p"),
                                  body, strlen(body), 0, &response, NULL);
    }
    fhirstore_response_free(response);
    if (status >= FHIRSTORE_OK && index) {
        status = fhirstore_maintain(opened, NULL, NULL);
    }
    fhirstore_session_close(writer);
    fhirstore_close(opened);
    return status >= FHIRSTORE_OK ? 0 : 1;
}

START_TEST(processes_see_what_the_others_change)
{
    store = open_shared(store_path);
    ck_assert_ptr_nonnull(store);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    put_patients();
    expect_unknown("nick=nick0");
    ck_assert_int_eq(run_self("create", store_path), 0);
    ck_assert_int_eq(count_of("Patient", "nick=nick0"), PATIENTS / 6);
    /* What this process writes now is indexed by what the other has brought. */
    put_patient(1, "nickname");
    ck_assert_int_eq(count_of("Patient", "nick:missing=false"), PATIENTS / 2 + 1);
    ck_assert_int_eq(run_self("move", store_path), 0);
    ck_assert_int_eq(count_of("Patient", "nick:missing=false"), PATIENTS / 2 - 1);
    expect_http(ask("GET", "Patient?nick=nick0", "Prefer: handling=strict", NULL), 200);
    put_patient(1, "old");
    ck_assert_int_eq(count_of("Patient", "nick:missing=false"), PATIENTS / 2);
    ck_assert_int_eq(run_self("retire", store_path), 0);
    expect_unknown("nick=nick0");
    expect_sound(store);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "die") == 0) {
        return reindex_and_die(argv[2]);
    }
    if (argc == 3 && strcmp(argv[1], "create") == 0) {
        return write_elsewhere(argv[2], FINE, false);
    }
    if (argc == 3 && strcmp(argv[1], "move") == 0) {
        return write_elsewhere(argv[2], MOVED, true);
    }
    if (argc == 3 && strcmp(argv[1], "retire") == 0) {
        return write_elsewhere(argv[2], RETIRED, false);
    }
    const test_group groups[] = {
        GROUP("refused", setup_store, what_does_not_fit_is_refused_without_a_trace,
              a_bad_update_leaves_the_old_parameter_at_work, one_that_is_not_active_has_no_effect),
        GROUP("change", setup_store, a_changed_expression_drops_the_old_rows,
              deleting_or_retiring_drops_the_rows, a_change_of_its_words_only_keeps_the_index,
              a_component_stays_while_a_composite_uses_it, the_capability_statement_lists_it),
        GROUP("transactions", setup_store, a_transaction_brings_all_or_nothing,
              an_import_brings_it_before_between_or_behind),
        GROUP("maintain", setup_store, progress_is_told_and_may_cancel, options_are_checked,
              a_store_that_is_only_read_is_searched_all_the_same,
              a_killed_reindex_goes_on_where_it_stood, threads_find_all_or_do_not_know_it),
        GROUP("processes", setup_folder, processes_see_what_the_others_change),
    };
    return run_groups("custom search parameters: change", groups, sizeof groups / sizeof *groups);
}
