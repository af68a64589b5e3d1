/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search parameters of a store's own give what FHIR's own parameters with the same expressions
 * give: before they are indexed, while they are, and after, in every FHIR version.
 */
#include <stdio.h>

#include "harness.h"

#define OBSERVATIONS 150
#define PATIENTS     12

static const int32_t versions[] = {FHIRSTORE_FHIR_R4, FHIRSTORE_FHIR_R4B, FHIRSTORE_FHIR_R5};

/* A twin of a parameter that FHIR has; "my-" stands before its code. */
typedef struct twin {
    const char *type;
    const char *code;
    const char *kind;
    const char *expression;
    const char *more; /* members of the resource */
} twin;

static const twin twins[] = {
    {"Observation", "code", "token", "Observation.code", ""},
    {"Observation", "date", "date", "Observation.effective", ""},
    {"Observation", "value-quantity", "quantity", "(Observation.value as Quantity)", ""},
    {"Observation", "subject", "reference", "Observation.subject",
     ",\"target\":[\"Patient\",\"Group\",\"Device\",\"Location\"]"},
    {"Patient", "family", "string", "Patient.name.family", ""},
    {"Observation", "code-value-quantity", "composite", "Observation",
     ",\"component\":[{\"definition\":\"http://hl7.org/fhir/SearchParameter/clinical-code\","
     "\"expression\":\"code\"},{\"definition\":"
     "\"http://hl7.org/fhir/SearchParameter/Observation-value-quantity|4.0.1\","
     "\"expression\":\"value.as(Quantity)\"}]"},
    {"RiskAssessment", "probability", "number",
     "RiskAssessment.prediction.probability.ofType(decimal)", ""},
    {"ValueSet", "url", "uri", "ValueSet.url", ""},
    {"QuestionnaireResponse", "questionnaire", "reference", "QuestionnaireResponse.questionnaire",
     ",\"target\":[\"Questionnaire\"]"},
};

/* "%" stands for the parameter. */
typedef struct question {
    const char *type;
    const char *code;
    const char *query;
} question;

static const question questions[] = {
    {"Observation", "code", "%=c1"},
    {"Observation", "code", "%=C1,c3"},
    {"Observation", "code", "%=http://example.org/s2|c2"},
    {"Observation", "code", "%=http://example.org/s1|"},
    {"Observation", "code", "%:not=c1"},
    {"Observation", "code", "%:missing=true"},
    {"Observation", "code", "%:missing=false&_sort=-_id"},
    {"Observation", "code", "%=c1&status=final"},
    {"Observation", "code", "_sort=%"},
    {"Observation", "date", "%=2020-03"},
    {"Observation", "date", "%=ge2020-05-01&%=lt2020-11"},
    {"Observation", "date", "%:missing=true"},
    {"Observation", "date", "_sort=%"},
    {"Observation", "date", "_sort=-%"},
    {"Observation", "date", "_sort=-%,_id&code=c2"},
    {"Observation", "value-quantity", "%=gt50"},
    {"Observation", "value-quantity", "%=5|http://unitsofmeasure.org|mg"},
    {"Observation", "value-quantity", "%=0.020|http://unitsofmeasure.org|g"},
    {"Observation", "value-quantity", "_sort=%"},
    {"Observation", "value-quantity", "%=lt10||odd-unit-3"},
    {"Observation", "subject", "%=Patient/p3"},
    {"Observation", "subject", "%=p4,Patient/p5"},
    {"Observation", "subject", "%=Patient/never-stored"},
    {"Observation", "subject", "%:Patient.name=family1"},
    {"Observation", "subject", "%:Patient.birthdate=ge1985&code=c1"},
    {"Observation", "subject", "%:missing=true"},
    {"Patient", "subject", "_has:Observation:%:code=c1"},
    {"Patient", "subject", "_has:Observation:%:value-quantity=gt140"},
    {"Patient", "subject", "_has:Observation:%:status=final&name=family2"},
    {"Patient", "family", "%=fam"},
    {"Patient", "family", "%:contains=LY1"},
    {"Patient", "family", "%:exact=Family2&_sort=-%"},
    {"Observation", "code-value-quantity", "%=c1$gt20"},
    {"Observation", "code-value-quantity", "%=http://example.org/s2|c2$lt60"},
    {"RiskAssessment", "probability", "%=gt0.5"},
    {"RiskAssessment", "probability", "%=0.25"},
    {"ValueSet", "url", "%=http://example.org/vs/2"},
    {"ValueSet", "url", "%:below=http://example.org/vs"},
    {"QuestionnaireResponse", "questionnaire", "%.status=active"},
    {"QuestionnaireResponse", "questionnaire", "%.title=form 2"},
    {"Questionnaire", "questionnaire", "_has:QuestionnaireResponse:%:status=completed"},
    {"Questionnaire", "questionnaire", "_has:QuestionnaireResponse:%:_id=q5,q6"},
};

static const char *replace_param(const char *query, const char *prefix, const char *code)
{
    static char out[2][512];
    static int next;
    char *text = out[next++ % 2];
    size_t len = 0;
    for (; *query != '\0'; query++) {
        int more = *query == '%' ? snprintf(text + len, 512 - len, "%s%s", prefix, code)
                                 : snprintf(text + len, 512 - len, "%c", *query);
        len += (size_t)more;
        ck_assert_uint_lt(len, 512);
    }
    return text;
}

/* Ids of all matches, in order. */
static char *ids_of(const char *type, const char *query)
{
    char *ids = calloc(1, 64 * 1024);
    size_t len = 0;
    fhirstore_search *search = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_search_open(session, type, strlen(type), query,
                                                    strlen(query), &search, &error);
    ck_assert_msg(status == FHIRSTORE_OK, "%s?%s: %s", type, query, fhirstore_error_message(error));
    while ((status = fhirstore_search_next(search, &error)) == FHIRSTORE_OK) {
        const char *id = fhirstore_search_id(search, NULL);
        ck_assert_uint_lt(len + strlen(id) + 2, 64 * 1024);
        len += (size_t)sprintf(ids + len, "%s ", id);
    }
    ck_assert_msg(status == FHIRSTORE_DONE, "%s?%s: %s", type, query,
                  fhirstore_error_message(error));
    fhirstore_search_close(search);
    return ids;
}

/* Ids on a page, with a bar before each that is included. */
static char *page_of(const char *type, const char *query)
{
    char *ids = calloc(1, 64 * 1024);
    size_t len = 0;
    reply page = search_page(type, query);
    expect_status(page, FHIRSTORE_OK);
    for (int i = 0; i < items_at(&page, "entry"); i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "entry.%d.search.mode", i);
        bool is_match = strcmp(text_at(&page, path), "match") == 0;
        (void)snprintf(path, sizeof path, "entry.%d.resource.id", i);
        const char *id = text_at(&page, path);
        ck_assert_uint_lt(len + strlen(id) + 3, 64 * 1024);
        len += (size_t)sprintf(ids + len, "%s%s ", is_match ? "" : "|", id);
    }
    forget_replies();
    return ids;
}

static const question pages[] = {
    {"Observation", "subject", "_include=Observation:%&_count=30"},
    {"Observation", "subject",
     "status=amended&_sort=-date&_include=Observation:%:Patient&_count=9"},
    {"Patient", "subject", "_revinclude=Observation:%&_count=4"},
    {"Patient", "subject",
     "_count=2&_revinclude:iterate=Observation:%&_include:iterate=Observation:%"},
};

static void expect_pages_agree(const char *when)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        const question *asked = &pages[i];
        const char *mine = replace_param(asked->query, "my-", asked->code);
        char *got = page_of(asked->type, mine);
        char *want = page_of(asked->type, replace_param(asked->query, "", asked->code));
        ck_assert_msg(strcmp(want, got) == 0, "%s: %s?%s\n%s\n%s", when, asked->type, mine, want,
                      got);
        ck_assert_msg(strchr(got, '|') != NULL, "%s?%s: %s", asked->type, mine, got);
        free(want);
        free(got);
    }
}

static int64_t number_of_words(const char *text)
{
    int64_t count = 0;
    for (; *text != '\0'; text++) {
        count += *text == ' ';
    }
    return count;
}

static void expect_twins_agree(const char *when)
{
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        const question *asked = &questions[i];
        const char *own = replace_param(asked->query, "", asked->code);
        const char *mine = replace_param(asked->query, "my-", asked->code);
        char *want = ids_of(asked->type, own);
        char *got = ids_of(asked->type, mine);
        ck_assert_msg(strcmp(want, got) == 0, "%s: %s?%s\n%s\n%s?%s\n%s", when, asked->type, own,
                      want, asked->type, mine, got);
        ck_assert_int_eq(count_of(asked->type, mine), number_of_words(want));
        free(want);
        free(got);
    }
    expect_pages_agree(when);
}

/* ---- resources ---- */

static void put_observation(int i, int seed)
{
    char id[16];
    char body[1024];
    char value[200] = "";
    char date[64] = "";
    char subject[80] = "";
    (void)snprintf(id, sizeof id, "o%d", i);
    int kind = (i + seed) % 5;
    if (kind < 3) {
        (void)snprintf(value, sizeof value,
                       kind == 2 ? ",\"valueQuantity\":{\"value\":%d,\"unit\":\"odd-unit-%d\"}"
                                 : ",\"valueQuantity\":{\"value\":%d,\"system\":"
                                   "\"http://unitsofmeasure.org\",\"code\":\"mg\"}",
                       i + seed, i % 4);
    } else if (kind == 3) {
        (void)snprintf(value, sizeof value, ",\"valueString\":\"Hello %d\"", i + seed);
    }
    if (i % 7 != 0) {
        (void)snprintf(date, sizeof date, ",\"effectiveDateTime\":\"2020-%02d-%02d\"",
                       1 + (i + seed) % 12, 1 + i % 28);
    }
    if (i % 6 != 0) {
        (void)snprintf(subject, sizeof subject, ",\"subject\":{\"reference\":\"Patient/%s%d\"}",
                       i % 25 == 1 ? "absent" : "p", i % 25 == 1 ? 0 : (i + seed) % PATIENTS);
    }
    (void)snprintf(body, sizeof body,
                   "{\"resourceType\":\"Observation\",\"id\":\"%s\",\"status\":\"%s\",\"code\":{"
                   "\"coding\":[{\"system\":\"http://example.org/s%d\",\"code\":\"c%d\"}]}%s%s%s}",
                   id, i % 2 == 0 ? "final" : "amended", (i + seed) % 3, (i + seed) % 4, value,
                   date, subject);
    reply answer = update("Observation", id, body);
    ck_assert_msg(answer.status >= FHIRSTORE_OK, "%s", answer.body);
}

/* Questionnaires with versions, and what answers them: with the version, another's, or none. */
static void put_form(int i)
{
    static const char *const versions_named[] = {"", "|2", "|3"};
    char id[16];
    char body[512];
    (void)snprintf(id, sizeof id, "f%d", i);
    (void)snprintf(body, sizeof body,
                   "{\"resourceType\":\"Questionnaire\",\"id\":\"%s\",\"status\":\"%s\","
                   "\"title\":\"Form %d\",\"url\":\"http://example.org/form/%d\","
                   "\"version\":\"2\"}",
                   id, i % 2 == 0 ? "active" : "draft", i, i);
    expect_status(update("Questionnaire", id, body), FHIRSTORE_CREATED);
    (void)snprintf(id, sizeof id, "q%d", i);
    (void)snprintf(body, sizeof body,
                   "{\"resourceType\":\"QuestionnaireResponse\",\"id\":\"%s\",\"status\":"
                   "\"%s\",\"questionnaire\":\"http://example.org/form/%d%s\"}",
                   id, i % 3 == 0 ? "in-progress" : "completed", i % 8, versions_named[i % 3]);
    expect_status(update("QuestionnaireResponse", id, body), FHIRSTORE_CREATED);
}

static void put_others(void)
{
    char id[16];
    char body[512];
    for (int i = 0; i < PATIENTS; i++) {
        (void)snprintf(id, sizeof id, "p%d", i);
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"name\":[{\"family\":"
                       "\"Family%d\"}],\"birthDate\":\"19%d-05-05\"}",
                       id, i % 4, 80 + i % 10);
        expect_status(update("Patient", id, body), FHIRSTORE_CREATED);
        (void)snprintf(id, sizeof id, "r%d", i);
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"RiskAssessment\",\"id\":\"%s\",\"status\":\"final\","
                       "\"subject\":{\"reference\":\"Patient/p1\"},\"prediction\":[{"
                       "\"probabilityDecimal\":0.%d}]}",
                       id, i == 3 ? 25 : 1 + i % 9);
        expect_status(update("RiskAssessment", id, body), FHIRSTORE_CREATED);
        (void)snprintf(id, sizeof id, "v%d", i);
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"ValueSet\",\"id\":\"%s\",\"status\":\"active\","
                       "\"url\":\"http://example.org/vs/%d\"}",
                       id, i);
        expect_status(update("ValueSet", id, body), FHIRSTORE_CREATED);
        put_form(i);
    }
}

static void put_twins(void)
{
    for (size_t i = 0; i < sizeof twins / sizeof *twins; i++) {
        char id[64];
        char body[1024];
        const twin *made = &twins[i];
        (void)snprintf(id, sizeof id, "my-%s", made->code);
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"SearchParameter\",\"id\":\"%s\",\"url\":"
                       "\"http://example.org/SearchParameter/%s\",\"name\":\"Twin\",\"status\":"
                       "\"active\",\"description\":\"A twin\",\"code\":\"%s\",\"base\":[\"%s\"],"
                       "\"type\":\"%s\",\"expression\":\"%s\"%s}",
                       id, id, id, made->type, made->kind, made->expression, made->more);
        expect_status(update("SearchParameter", id, body), FHIRSTORE_CREATED);
    }
}

static fhirstore_status maintain(int64_t max_resources)
{
    fhirstore_error *error = NULL;
    fhirstore_maintain_options options = FHIRSTORE_MAINTAIN_OPTIONS_INIT;
    options.max_resources = max_resources;
    options.per_commit = 7;
    fhirstore_status status = fhirstore_maintain(store, &options, &error);
    ck_assert_msg(status >= FHIRSTORE_OK, "%s", fhirstore_error_message(error));
    return status;
}

static void open_version(int32_t version)
{
    fhirstore_open_options options = open_options();
    options.fhir_version = version;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "Practitioner/tester");
}

START_TEST(twins_agree_at_every_moment)
{
    open_version(versions[_i]);
    for (int i = 0; i < OBSERVATIONS; i++) {
        put_observation(i, 0);
    }
    put_others();
    put_twins();
    expect_twins_agree("nothing is indexed");
    expect_sound(store);
    ck_assert_int_eq(maintain(40), FHIRSTORE_OK);
    expect_twins_agree("a part is indexed");
    /* Changes on both sides of where the walk stands, deletions, and new ones. */
    for (int i = 0; i < OBSERVATIONS + 20; i += 3) {
        put_observation(i, 1);
    }
    expect_status(delete_one("Observation", "o2"), FHIRSTORE_NO_CONTENT);
    expect_status(delete_one("Observation", "o100"), FHIRSTORE_NO_CONTENT);
    expect_twins_agree("others write meanwhile");
    expect_sound(store);
    reopen_store();
    expect_twins_agree("the store was closed and opened");
    while (maintain(50) != FHIRSTORE_DONE) {
        expect_twins_agree("more is indexed");
    }
    expect_twins_agree("all is indexed");
    expect_sound(store);
    ck_assert_int_eq(maintain(0), FHIRSTORE_DONE);
    for (int i = 1; i < OBSERVATIONS; i += 4) {
        put_observation(i, 2);
    }
    expect_twins_agree("and written again");
    reopen_store();
    expect_twins_agree("and opened again");
    expect_sound(store);
}
END_TEST

/* ---- what no standard parameter finds ---- */

#define SP(id, code, base, type, expression, more)                                                \
    "{\"resourceType\":\"SearchParameter\",\"id\":\"" id                                          \
    "\",\"url\":\"http://example.org/SearchParameter/" id "\",\"name\":\"X\",\"status\":"         \
    "\"active\",\"description\":\"x\",\"code\":\"" code "\",\"base\":[" base "],\"type\":\"" type \
    "\",\"expression\":\"" expression "\"" more "}"

static const char *const extended[] = {
    SP("x-token", "x-token", "\"Patient\"", "token",
       "Patient.extension.where(url='http://e.org/token').value", ""),
    SP("x-quantity", "x-quantity", "\"Patient\"", "quantity",
       "Patient.extension.where(url='http://e.org/quantity').value.ofType(Quantity)", ""),
    SP("x-reference", "x-reference", "\"Patient\"", "reference",
       "Patient.extension('http://e.org/reference').value.ofType(Reference)", ""),
    SP("x-uri", "x-uri", "\"Patient\"", "uri",
       "Patient.extension.where(url='http://e.org/uri').value.ofType(uri)", ""),
    SP("x-date", "x-date", "\"Patient\"", "date",
       "Patient.extension.where(url='http://e.org/date').value", ""),
    SP("x-full", "x-full", "\"Patient\"", "string",
       "Patient.name.select(given.first() & ' ' & family)", ""),
    SP("x-source", "x-source", "\"Resource\"", "uri", "Resource.meta.source", ""),
    SP("x-alive", "x-alive", "\"Patient\",\"Person\"", "token", "Patient.active | Person.active",
       ""),
};

static const struct {
    const char *query;
    const char *ids;
} extended_questions[] = {
    {"x-token=http://new.example/colours|red", "x1 "},
    {"x-token=red", "x1 "},
    {"x-token:missing=true", "x2 "},
    {"x-token:not=red", "x2 "},
    {"x-quantity=3|http://new.example/units|u", "x1 "},
    {"x-quantity=gt2", "x1 "},
    {"x-quantity=2000|http://unitsofmeasure.org|mg", "x2 "},
    {"x-reference=Organization/never-stored", "x1 "},
    {"x-reference=http://elsewhere.example/fhir/Organization/9", "x2 "},
    {"x-uri=urn:x:1", "x1 "},
    {"x-uri:below=http://u.example/a", "x2 "},
    {"x-date=2021", "x1 "},
    {"x-full=anna", "x1 "},
    {"x-full:exact=Bert Bee", "x2 "},
    {"x-source=http://source.example/1", "x1 "},
    {"x-alive=true", "x1 "},
    {"_sort=-x-date", "x1 x2 "},
};

static void expect_extended(void)
{
    for (size_t i = 0; i < sizeof extended_questions / sizeof *extended_questions; i++) {
        char *got = ids_of("Patient", extended_questions[i].query);
        ck_assert_msg(strcmp(got, extended_questions[i].ids) == 0, "%s: %s, wanted %s",
                      extended_questions[i].query, got, extended_questions[i].ids);
        free(got);
    }
}

static void put_extended(void)
{
    expect_status(
        update(
            "Patient", "x1",
            "{\"resourceType\":\"Patient\",\"id\":\"x1\",\"meta\":{\"source\":"
            "\"http://source.example/1\"},\"active\":true,\"name\":[{\"family\":\"Ay\",\"given\":"
            "[\"Anna\",\"B\"]}],\"extension\":[{\"url\":\"http://e.org/token\",\"valueCoding\":{"
            "\"system\":\"http://new.example/colours\",\"code\":\"red\"}},{\"url\":"
            "\"http://e.org/quantity\",\"valueQuantity\":{\"value\":3,\"system\":"
            "\"http://new.example/units\",\"code\":\"u\"}},{\"url\":\"http://e.org/reference\","
            "\"valueReference\":{\"reference\":\"Organization/never-stored\"}},{\"url\":"
            "\"http://e.org/uri\",\"valueUri\":\"urn:x:1\"},{\"url\":\"http://e.org/date\","
            "\"valueDate\":\"2021-02-03\"}]}"),
        FHIRSTORE_CREATED);
    expect_status(
        update(
            "Patient", "x2",
            "{\"resourceType\":\"Patient\",\"id\":\"x2\",\"name\":[{\"family\":\"Bee\",\"given\":"
            "[\"Bert\"]}],\"extension\":[{\"url\":\"http://e.org/other\",\"valueCoding\":{"
            "\"system\":\"http://new.example/colours\",\"code\":\"red\"}},{\"url\":"
            "\"http://e.org/quantity\",\"valueQuantity\":{\"value\":2,\"system\":"
            "\"http://unitsofmeasure.org\",\"code\":\"g\"}},{\"url\":\"http://e.org/reference\","
            "\"valueReference\":{\"reference\":"
            "\"http://elsewhere.example/fhir/Organization/9\"}},{\"url\":\"http://e.org/uri\","
            "\"valueUri\":\"http://u.example/a/b\"}]}"),
        FHIRSTORE_CREATED);
}

START_TEST(values_of_extensions_and_names_the_store_never_met)
{
    open_version(versions[_i]);
    put_extended();
    for (size_t i = 0; i < sizeof extended / sizeof *extended; i++) {
        reply answer = ask("POST", "SearchParameter", NULL, extended[i]);
        ck_assert_msg(answer.http == 201, "%s", answer.body);
    }
    expect_extended();
    expect_sound(store);
    reopen_store();
    expect_extended();
    ck_assert_int_eq(maintain(0), FHIRSTORE_DONE);
    expect_extended();
    expect_sound(store);
}
END_TEST

START_TEST(a_parameter_of_every_resource_is_found_in_each_type)
{
    open_version(versions[_i]);
    put_extended();
    expect_http(ask("POST", "SearchParameter", NULL, extended[6]), 201);
    expect_status(update("Basic", "b",
                         "{\"resourceType\":\"Basic\",\"id\":\"b\",\"meta\":{\"source\":"
                         "\"http://source.example/1\"},\"code\":{\"text\":\"b\"}}"),
                  FHIRSTORE_CREATED);
    for (int round = 0; round < 2; round++) {
        reply all = ask("GET", "?x-source=http://source.example/1", NULL, NULL);
        expect_http(all, 200);
        ck_assert_int_eq(items_at(&all, "entry"), 2);
        ck_assert_int_eq(count_of("Basic", "x-source=http://source.example/1"), 1);
        ck_assert_int_eq(maintain(0), FHIRSTORE_DONE);
    }
}
END_TEST

/* Whether the plan tells that the parameter's index is not complete. */
static void expect_late(const char *query, bool is_late)
{
    fhirstore_buf plan = {0};
    ck_assert_int_eq(fhirstore_search_explain(session, FHIRSTORE_LIT("Patient"), query,
                                              strlen(query), &plan, NULL),
                     FHIRSTORE_OK);
    ck_assert_msg((strstr(plan.ptr, "\"late\":[\"x-token\"]") != NULL) == is_late, "%s", plan.ptr);
    fhirstore_buf_clear(&plan);
}

START_TEST(strict_sessions_and_requests_are_told)
{
    open_version(versions[_i]);
    put_extended();
    expect_http(ask("POST", "SearchParameter", NULL, extended[0]), 201);
    expect_status(update("Observation", "late",
                         "{\"resourceType\":\"Observation\",\"id\":\"late\",\"status\":\"final\","
                         "\"code\":{\"text\":\"x\"}}"),
                  FHIRSTORE_CREATED);
    expect_http(ask("POST", "SearchParameter", NULL,
                    SP("x-subject", "x-subject", "\"Observation\"", "reference",
                       "Observation.subject", "")),
                201);
    fhirstore_session *strict = must_enter(
        store, FHIRSTORE_SESSION_ALLOW_EVERYTHING | FHIRSTORE_SESSION_READY_ONLY, "x");
    fhirstore_session *lenient = session;
    reply told = ask("GET", "Patient?x-token=red", "Prefer: handling=strict", NULL);
    expect_http(told, 503);
    expect_refusal(&told, FHIRSTORE_ERR_NOT_READY, "transient", NULL);
    expect_http(ask("GET", "Patient?x-token=red", NULL, NULL), 200);
    session = strict;
    reply refused = search_page("Patient", "x-token=red");
    expect_refusal(&refused, FHIRSTORE_ERR_NOT_READY, "transient", NULL);
    expect_status(search_page("Patient", "_sort=x-token"), FHIRSTORE_ERR_NOT_READY);
    expect_status(search_page("Patient", "name=ay"), FHIRSTORE_OK);
    expect_status(search_page("Patient", "name=nobody&_revinclude=Observation:x-subject"),
                  FHIRSTORE_ERR_NOT_READY);
    session = lenient;
    expect_late("x-token=red", true);
    expect_late("name=ay", false);
    session = strict;
    ck_assert_int_eq(maintain(0), FHIRSTORE_DONE);
    ck_assert_int_eq(count_of("Patient", "x-token=red"), 1);
    session = lenient;
    expect_late("x-token=red", false);
    fhirstore_session_close(strict);
    expect_http(ask("GET", "Patient?x-token=red", "Prefer: handling=strict", NULL), 200);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("custom search parameters: search");
    TCase *tests = tcase_create("search");
    int count = (int)(sizeof versions / sizeof *versions);
    tcase_add_checked_fixture(tests, setup_folder, teardown);
    tcase_set_timeout(tests, 170);
    tcase_add_loop_test(tests, twins_agree_at_every_moment, 0, count);
    tcase_add_loop_test(tests, values_of_extensions_and_names_the_store_never_met, 0, count);
    tcase_add_loop_test(tests, a_parameter_of_every_resource_is_found_in_each_type, 0, count);
    tcase_add_loop_test(tests, strict_sessions_and_requests_are_told, 0, count);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
