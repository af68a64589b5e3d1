/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways by which restrictions of other servers were got around, tried here: each question goes to
 * two stores that differ in nothing but what the guest may not see, and the answers must be the
 * same.
 */
#include <stdio.h>

#include "twins.h"

static const char claims[] =
    "{\"id\":\"app\",\"scope\":\"patient/*.cruds patient/Organization.rs patient/Practitioner.rs\","
    "\"patient\":\"A\"}";

#define PATIENT(id, more) "{\"resourceType\":\"Patient\",\"id\":\"" id "\"" more "}"
#define OBSERVATION(id, patient, code, date, more)                                            \
    "{\"resourceType\":\"Observation\",\"id\":\"" id                                          \
    "\",\"status\":\"final\",\"code\":{\"coding\":[{"                                         \
    "\"system\":\"http://loinc.org\",\"code\":\"" code                                        \
    "\"}]},\"subject\":{\"reference\":\"Patient/" patient "\"},\"effectiveDateTime\":\"" date \
    "\"" more "}"

static void fill_world(void)
{
    put_twin(TWIN_BOTH, "Organization", "org",
             "{\"resourceType\":\"Organization\",\"id\":\"org\",\"name\":\"Clinic\"}");
    put_twin(TWIN_BOTH, "Practitioner", "doc",
             "{\"resourceType\":\"Practitioner\",\"id\":\"doc\"}");
    put_twin(TWIN_BOTH, "Patient", "A",
             PATIENT("A",
                     ",\"name\":[{\"family\":\"Alder\"}],\"gender\":\"female\",\"birthDate\":"
                     "\"1970-01-01\",\"managingOrganization\":{\"reference\":\"Organization/org\"},"
                     "\"link\":[{\"other\":{\"reference\":\"Patient/B\"},\"type\":\"seealso\"}]"));
    put_twin(TWIN_BOTH, "Observation", "a1",
             OBSERVATION("a1", "A", "1111-1", "2020-01-01",
                         ",\"derivedFrom\":[{\"reference\":\"Observation/b1\"}],\"performer\":[{"
                         "\"reference\":\"Practitioner/doc\"}],\"encounter\":{\"reference\":"
                         "\"Encounter/eB\"}"));
    put_twin(TWIN_BOTH, "Observation", "a2", OBSERVATION("a2", "A", "2222-2", "2020-02-02", ""));
    put_twin(TWIN_BOTH, "Observation", "a3", OBSERVATION("a3", "A", "3333-3", "2020-03-03", ""));
    put_twin(TWIN_FIRST, "Patient", "B",
             PATIENT("B",
                     ",\"name\":[{\"family\":\"Birch\"}],\"gender\":\"male\",\"birthDate\":"
                     "\"1980-01-01\",\"identifier\":[{\"system\":\"http://x\",\"value\":\"7\"}],"
                     "\"generalPractitioner\":[{\"reference\":\"Practitioner/doc\"}],"
                     "\"managingOrganization\":{\"reference\":\"Organization/org\"}"));
    put_twin(TWIN_FIRST, "Observation", "b1",
             OBSERVATION("b1", "B", "9999-9", "2021-01-01",
                         ",\"hasMember\":[{\"reference\":\"Observation/a1\"}],\"performer\":[{"
                         "\"reference\":\"Practitioner/doc\"}],\"contained\":[{\"resourceType\":"
                         "\"Patient\",\"id\":\"in\",\"name\":[{\"family\":\"Contained\"}]}]"));
    put_twin(TWIN_FIRST, "Observation", "b2", OBSERVATION("b2", "B", "1111-1", "2019-01-01", ""));
    put_twin(
        TWIN_FIRST, "Encounter", "eB",
        "{\"resourceType\":\"Encounter\",\"id\":\"eB\",\"status\":\"finished\",\"class\":{\"code\":"
        "\"AMB\"},\"subject\":{\"reference\":\"Patient/B\"}}");
    put_twin(TWIN_FIRST, "List", "lB",
             "{\"resourceType\":\"List\",\"id\":\"lB\",\"status\":\"current\",\"mode\":\"working\","
             "\"subject\":{\"reference\":\"Patient/B\"},\"entry\":[{\"item\":{\"reference\":"
             "\"Observation/a1\"}},{\"item\":{\"reference\":\"Patient/A\"}}]}");
    put_twin(TWIN_FIRST, "Group", "gB",
             "{\"resourceType\":\"Group\",\"id\":\"gB\",\"type\":\"person\",\"actual\":true,"
             "\"member\":[{"
             "\"entity\":{\"reference\":\"Patient/B\"}}]}");
    put_twin(
        TWIN_FIRST, "Location", "L",
        "{\"resourceType\":\"Location\",\"id\":\"L\",\"position\":{\"longitude\":8.5,\"latitude\":"
        "47.4}}");
    put_twin(TWIN_FIRST, "ValueSet", "vs",
             "{\"resourceType\":\"ValueSet\",\"id\":\"vs\",\"url\":\"http://hidden/vs\",\"status\":"
             "\"active\",\"compose\":{\"include\":[{\"system\":\"http://"
             "loinc.org\",\"concept\":[{\"code\":"
             "\"1111-1\"}]}]}}");
    put_twin(
        TWIN_FIRST, "CodeSystem", "cs",
        "{\"resourceType\":\"CodeSystem\",\"id\":\"cs\",\"url\":\"http://hidden/cs\",\"status\":"
        "\"active\",\"content\":\"complete\",\"caseSensitive\":true,\"concept\":[{\"code\":\"K\"}]"
        "}");
    put_twin(TWIN_FIRST, "Basic", "bB",
             "{\"resourceType\":\"Basic\",\"id\":\"bB\",\"code\":{\"text\":\"x\"},\"subject\":{"
             "\"reference\":"
             "\"Patient/B\"}}");
}

static void set_up_attacks(void)
{
    setup_folder();
    open_twins();
    fill_world();
    enter_twins(NULL, claims);
}

static void tear_down_attacks(void)
{
    close_twins();
    teardown();
}

#define OF_A OBSERVATION("NEW", "A", "1111-1", "2022-01-01", "")
#define TRANSACTION(entries) \
    "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[" entries "]}"
#define BATCH(entries) "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[" entries "]}"
#define GET_ENTRY(url) "{\"request\":{\"method\":\"GET\",\"url\":\"" url "\"}}"
#define JSON_PATCH     "Content-Type: application/json-patch+json"
#define MERGE_PATCH    "Content-Type: application/merge-patch+json"
#define FINAL          "[{\"op\":\"replace\",\"path\":\"/status\",\"value\":\"amended\"}]"

static const struct {
    const char *name, *method, *url, *headers, *body;
} attacks[] = {
    {"read", "GET", "Patient/B", NULL, NULL},
    {"read, head", "HEAD", "Observation/b1", NULL, NULL},
    {"read, summary", "GET", "Observation/b1?_summary=text", NULL, NULL},
    {"vread", "GET", "Observation/b1/_history/1", NULL, NULL},
    {"if-none-match any", "GET", "Observation/b1", "If-None-Match: *", NULL},
    {"if-none-match version", "GET", "Observation/b1", "If-None-Match: W/\"1\"", NULL},
    {"if-modified-since", "GET", "Observation/b1",
     "If-Modified-Since: Mon, 01 Jan 2035 00:00:00 GMT", NULL},
    {"history of an instance", "GET", "Observation/b1/_history", NULL, NULL},
    {"history of a type", "GET", "Observation/_history", NULL, NULL},
    {"history of all", "GET", "_history?_count=2", NULL, NULL},
    {"history, since and at", "GET", "Patient/_history?_since=2000&_at=ge2001", NULL, NULL},
    {"include across compartments", "GET", "Observation?_include=Observation:derived-from", NULL,
     NULL},
    {"include, wildcard", "GET", "Observation?_include=*&_include:iterate=*", NULL, NULL},
    {"include of a link", "GET", "Patient?_include=Patient:link&_revinclude:iterate=*", NULL, NULL},
    {"include, version", "GET", "Observation?_include=Observation:encounter", NULL, NULL},
    {"revinclude across compartments", "GET", "Organization?_revinclude=Patient:organization", NULL,
     NULL},
    {"revinclude, iterated", "GET",
     "Practitioner?_revinclude=Observation:performer&_include:iterate=Observation:subject", NULL,
     NULL},
    {"revinclude, wildcard", "GET", "Practitioner?_revinclude=*&_revinclude:iterate=*", NULL, NULL},
    {"revinclude of members", "GET", "Observation?_revinclude=Observation:has-member", NULL, NULL},
    {"inference by _has", "GET", "Organization?_has:Patient:organization:family=Birch", NULL, NULL},
    {"inference by nested _has", "GET",
     "Organization?_has:Patient:organization:_has:Observation:patient:code=9999-9", NULL, NULL},
    {"inference by _has of practitioners", "GET",
     "Practitioner?_has:Observation:performer:code=9999-9", NULL, NULL},
    {"inference by negated _has", "GET",
     "Practitioner?_filter=not (Observation:performer.code eq 9999-9)", NULL, NULL},
    {"inference by chain", "GET", "Patient?link:Patient.family=Birch", NULL, NULL},
    {"inference by chain and id", "GET", "Observation?derived-from:Observation.code=9999-9", NULL,
     NULL},
    {"inference by chain, missing", "GET", "Patient?link:Patient.birthdate:missing=false", NULL,
     NULL},
    {"inference by chain, negated", "GET", "Observation?derived-from:Observation.code:not=9999-9",
     NULL, NULL},
    {"inference by total", "GET", "Observation?code=1111-1&_total=accurate", NULL, NULL},
    {"inference by estimate", "GET", "Observation?_total=estimate", NULL, NULL},
    {"inference by count", "GET", "Observation?_summary=count", NULL, NULL},
    {"inference by page size", "GET", "Observation?_count=3", NULL, NULL},
    {"inference by sort", "GET", "Observation?_sort=-date,code", NULL, NULL},
    {"inference by sort on what is missing", "GET", "Patient?_sort=-birthdate,family", NULL, NULL},
    {"inference by chained sort", "GET", "Observation?_sort=derived-from:Observation.date", NULL,
     NULL},
    {"inference by chained sort, encounter", "GET", "Observation?_sort=-encounter:Encounter.class",
     NULL, NULL},
    {"inference by id", "GET", "Observation?_id=b1,a1,none", NULL, NULL},
    {"inference by filter", "GET", "Observation?_filter=code eq 9999-9 or code eq 2222-2", NULL,
     NULL},
    {"inference by filter, negated", "GET", "Patient?_filter=not (family eq Birch)", NULL, NULL},
    {"inference by what is contained", "GET", "Patient?family=Contained&_contained=true", NULL,
     NULL},
    {"inference by what is contained, both", "GET", "Patient?_contained=both&_total=accurate", NULL,
     NULL},
    {"inference by a list", "GET", "Observation?_list=lB", NULL, NULL},
    {"inference by a list of patients", "GET", "Patient?_list=lB", NULL, NULL},
    {"inference by in", "GET", "Patient?_in=List/lB", NULL, NULL},
    {"inference by in a group", "GET", "Patient?_in=Group/gB", NULL, NULL},
    {"inference by not in", "GET", "Patient?_in:not=List/lB", NULL, NULL},
    {"inference by words", "GET", "Patient?_content=Birch", NULL, NULL},
    {"inference by score", "GET", "Patient?_content=Alder&_sort=_score", NULL, NULL},
    {"near", "GET", "Location?near=47.4|8.5|10|km", NULL, NULL},
    {"near by chain", "GET", "Encounter?location:Location.near=47.4|8.5|10|km", NULL, NULL},
    {"a reference to the hidden", "GET", "Observation?derived-from=Observation/b1", NULL, NULL},
    {"a reference by identifier", "GET", "Observation?subject:identifier=http://x|7", NULL, NULL},
    {"another compartment", "GET", "Patient/B/Observation", NULL, NULL},
    {"another compartment, all", "GET", "Patient/B/*", NULL, NULL},
    {"a practitioner's compartment", "GET", "Practitioner/doc/Observation", NULL, NULL},
    {"an encounter's compartment", "GET", "Encounter/eB/*", NULL, NULL},
    {"several types", "GET", "?_type=Patient,Observation,Encounter,Location&_total=accurate", NULL,
     NULL},
    {"all types", "GET", "?_lastUpdated=gt2000&_sort=-_lastUpdated", NULL, NULL},
    {"a denied type", "GET", "Location", NULL, NULL},
    {"a hidden value set in a search", "GET", "Observation?code:in=http://hidden/vs", NULL, NULL},
    {"a hidden value set, negated", "GET", "Observation?code:not-in=http://hidden/vs", NULL, NULL},
    {"a hidden value set by address", "GET", "Observation?code:in=ValueSet/vs", NULL, NULL},
    {"a hidden code system, case", "GET", "Observation?code=http://hidden/cs|k", NULL, NULL},
    {"expand", "GET", "ValueSet/$expand?url=http://hidden/vs", NULL, NULL},
    {"expand an instance", "GET", "ValueSet/vs/$expand", NULL, NULL},
    {"validate-code", "GET",
     "ValueSet/$validate-code?url=http://hidden/vs&code=1111-1&system=http://loinc.org", NULL,
     NULL},
    {"lookup", "GET", "CodeSystem/$lookup?system=http://hidden/cs&code=K", NULL, NULL},
    {"subsumes", "GET", "CodeSystem/$subsumes?system=http://hidden/cs&codeA=K&codeB=K", NULL, NULL},
    {"diff", "GET", "$diff?from=Observation/b1&to=Observation/a1", NULL, NULL},
    {"diff of an instance", "GET", "Observation/b1/$diff", NULL, NULL},
    {"everything", "GET", "Patient/B/$everything", NULL, NULL},
    {"everything of one's own", "GET", "Patient/A/$everything", NULL, NULL},
    {"everything of a type", "GET", "Patient/$everything", NULL, NULL},
    {"everything of an encounter", "GET", "Encounter/eB/$everything", NULL, NULL},
    {"lastn", "GET", "Observation/$lastn?patient=Patient/B", NULL, NULL},
    {"lastn of all", "GET", "Observation/$lastn?patient=Patient/A&max=3", NULL, NULL},
    {"stats", "GET",
     "Observation/$stats?subject=Patient/B&statistic=count&code=9999-9&system=http://loinc.org",
     NULL, NULL},
    {"meta", "GET", "Observation/b1/$meta", NULL, NULL},
    {"meta of a type", "GET", "Observation/$meta", NULL, NULL},
    {"validate an update", "POST", "Observation/b1/$validate?mode=update", NULL, OF_A},
    {"validate a deletion", "POST", "Observation/b1/$validate?mode=delete", NULL, NULL},
    {"no such operation", "GET", "Observation/b1/$nothing", NULL, NULL},
    {"put on the hidden", "PUT", "Observation/b1", NULL, OBSERVATION("b1", "A", "1", "2020", "")},
    {"put on the hidden, if-match", "PUT", "Observation/b1", "If-Match: W/\"1\"",
     OBSERVATION("b1", "A", "1", "2020", "")},
    {"put on the hidden, wrong version", "PUT", "Observation/b1", "If-Match: W/\"7\"",
     OBSERVATION("b1", "A", "1", "2020", "")},
    {"put on the hidden, if-none-match", "PUT", "Observation/b1", "If-None-Match: *",
     OBSERVATION("b1", "A", "1", "2020", "")},
    {"choose a new id", "PUT", "Observation/fresh", NULL,
     OBSERVATION("fresh", "A", "1", "2020", "")},
    {"take somebody's resource over", "PUT", "Observation/a2", NULL,
     OBSERVATION("a2", "B", "2222-2", "2020-02-02", "")},
    {"create for somebody else", "POST", "Observation", NULL,
     OBSERVATION("x", "B", "1", "2020", "")},
    {"patch the hidden", "PATCH", "Observation/b1", JSON_PATCH, FINAL},
    {"patch the hidden, test", "PATCH", "Observation/b1", JSON_PATCH,
     "[{\"op\":\"test\",\"path\":\"/status\",\"value\":\"final\"}]"},
    {"patch the hidden, if-match", "PATCH", "Observation/b1", JSON_PATCH "\nIf-Match: W/\"1\"",
     FINAL},
    {"patch by condition", "PATCH", "Observation?code=9999-9", JSON_PATCH, FINAL},
    {"merge patch", "PATCH", "Patient/B", MERGE_PATCH, "{\"gender\":\"other\"}"},
    {"patch out of sight", "PATCH", "Observation/a2", JSON_PATCH,
     "[{\"op\":\"replace\",\"path\":\"/subject/reference\",\"value\":\"Patient/B\"}]"},
    {"delete the hidden", "DELETE", "Observation/b1", NULL, NULL},
    {"delete the hidden, if-match", "DELETE", "Observation/b1", "If-Match: W/\"1\"", NULL},
    {"delete by condition", "DELETE", "Observation?code=9999-9", NULL, NULL},
    {"delete by condition, many", "DELETE", "Patient?gender=male&_count=5", NULL, NULL},
    {"hard delete", "DELETE", "Observation/b1?_hardDelete=true", NULL, NULL},
    {"update by condition", "PUT", "Observation?code=9999-9", NULL,
     OBSERVATION("b1", "A", "9999-9", "2020", "")},
    {"update by condition without id", "PUT", "Observation?code=9999-9", NULL,
     "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"},\"subject\":"
     "{"
     "\"reference\":\"Patient/A\"}}"},
    {"update by condition, several", "PUT", "Observation?code=1111-1", NULL,
     OBSERVATION("a1", "A", "1111-1", "2020-01-01", "")},
    {"create by condition", "POST", "Observation", "If-None-Exist: code=9999-9", OF_A},
    {"create by condition, several", "POST", "Observation", "If-None-Exist: code=1111-1", OF_A},
    {"create by condition on patients", "POST", "Patient", "If-None-Exist: family=Birch",
     "{\"resourceType\":\"Patient\"}"},
    {"transaction: read the hidden", "POST", "", NULL, TRANSACTION(GET_ENTRY("Patient/B"))},
    {"transaction: search", "POST", "", NULL,
     TRANSACTION(GET_ENTRY("Observation?code=9999-9&_total=accurate"))},
    {"transaction: conditional reference", "POST", "", NULL,
     TRANSACTION(
         "{\"resource\":{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":"
         "\"x\"},\"subject\":{\"reference\":\"Patient/A\"},\"focus\":[{\"reference\":"
         "\"Patient?identifier=http://x|7\"}]},\"request\":{\"method\":\"POST\",\"url\":"
         "\"Observation\"}}")},
    {"transaction: reference to the hidden", "POST", "", NULL,
     TRANSACTION(
         "{\"resource\":{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":"
         "\"x\"},\"subject\":{\"reference\":\"Patient/A\"},\"focus\":[{\"reference\":\"Patient/B\"}"
         "]},\"request\":{\"method\":\"POST\",\"url\":\"Observation\"}}")},
    {"transaction: overwrite", "POST", "", NULL,
     TRANSACTION("{\"resource\":" OBSERVATION(
         "b1", "A", "1", "2020",
         "") ",\"request\":{\"method\":\"PUT\",\"url\":\"Observation/b1\"}}")},
    {"transaction: delete by condition", "POST", "", NULL,
     TRANSACTION("{\"request\":{\"method\":\"DELETE\",\"url\":\"Observation?code=9999-9\"}}")},
    {"transaction: if-none-exist", "POST", "", NULL,
     TRANSACTION(
         "{\"resource\":{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":"
         "\"x\"},\"subject\":{\"reference\":\"Patient/"
         "A\"}},\"request\":{\"method\":\"POST\",\"url\":"
         "\"Observation\",\"ifNoneExist\":\"code=9999-9\"}}")},
    {"batch: many ways", "POST", "", NULL,
     BATCH(GET_ENTRY("Patient/B") "," GET_ENTRY("Observation/b1/_history/1") "," GET_ENTRY(
         "Observation?_sort=-date") ",{\"request\":{\"method\":\"DELETE\",\"url\":\"Observation/"
                                    "b1\"}},"
                                    "{\"request\":{\"method\":\"DELETE\",\"url\":\"Patient?family="
                                    "Birch\"}}")},
    {"provenance of the hidden", "POST", "Observation",
     "X-Provenance: "
     "{\"resourceType\":\"Provenance\",\"target\":[{\"reference\":\"Observation/b1\"}],"
     "\"agent\":[{\"who\":{\"reference\":\"Practitioner/"
     "doc\"}}],\"recorded\":\"2020-01-01T00:00:00Z\"}",
     OF_A},
    {"provenance search", "GET", "Provenance?target=Observation/b1", NULL, NULL},
    {"post search", "POST", "Observation/_search",
     "Content-Type: application/x-www-form-urlencoded", "code=9999-9&_total=accurate"},
    {"bad parameter", "GET", "Observation?nothing=b1", "Prefer: handling=strict", NULL},
    {"bad value", "GET", "Observation?date=b1", NULL, NULL},
    {"bad body", "PUT", "Observation/b1", NULL, "{"},
    {"wrong id in the body", "PUT", "Observation/b1", NULL,
     OBSERVATION("b2", "A", "1", "2020", "")},
    {"wrong type in the body", "PUT", "Observation/b1", NULL, PATIENT("b1", "")},
    {"the audit journal", "GET", "AuditEvent?entity=Observation/b1", NULL, NULL},
    {"purge", "POST", "Observation/b1/$purge-history", NULL, NULL},
    {"reindex", "POST", "Observation/b1/$reindex", NULL, NULL},
    {"metadata", "GET", "metadata", NULL, NULL},
};

static const char *const secrets[] = {"Birch",     "Contained\"", "1980-01-01", "2021-01-01",
                                      "hasMember", "\"lB\"",      "\"gB\""};

START_TEST(no_attack_tells_the_stores_apart)
{
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        const reply answer = ask_twins(attacks[i].name, attacks[i].method, attacks[i].url,
                                       attacks[i].headers, attacks[i].body);
        for (size_t k = 0; k < sizeof secrets / sizeof *secrets; k++) {
            const char *entries = strstr(answer.body, "\"entry\"");
            ck_assert_msg(entries == NULL || strstr(entries, secrets[k]) == NULL, "%s: %s in %s",
                          attacks[i].name, secrets[k], answer.body);
        }
        ck_assert_msg(answer.http != 500, "%s: %s", attacks[i].name, answer.body);
    }
    /* What is hidden is as it was. */
    static const char *const kept[] = {"Patient/B",    "Observation/b1", "Observation/b2",
                                       "Encounter/eB", "List/lB",        "Group/gB",
                                       "Location/L",   "ValueSet/vs",    "Basic/bB"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        const reply answer = ask_bytes(twins[0].owner, "GET", kept[i], NULL, NULL, 0);
        ck_assert_msg(answer.http == 200, "%s: %d", kept[i], answer.http);
        ck_assert_msg(strcmp(header_of(&answer, "ETag"), "W/\"1\"") == 0, "%s was changed",
                      kept[i]);
    }
    expect_sound(twins[0].store);
    expect_sound(twins[1].store);
}
END_TEST

/* The questions are good for something: to whoever sees all they do tell the stores apart. */
START_TEST(who_sees_all_tells_them_apart)
{
    int told_apart = 0;
    enter_twins(NULL, "{\"id\":\"all\",\"roles\":[\"globalAdmin\"]}");
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        told_apart += twins_differ(attacks[i].method, attacks[i].url, attacks[i].headers,
                                   attacks[i].body);
    }
    ck_assert_msg(told_apart > 60, "%d of %zu", told_apart, sizeof attacks / sizeof *attacks);
}
END_TEST

/* A link from somebody else's page is none, also with what it leads to out of sight. */
START_TEST(a_page_link_is_its_owners)
{
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *other = NULL;
    static const char others[] = "{\"id\":\"other\",\"scope\":\"patient/*.rs\",\"patient\":\"B\"}";
    static const char *const places[] = {"Observation?_count=1", "_history?_count=1",
                                         "Observation?_count=1&_sort=-date",
                                         "Observation?_count=1&_revinclude=*"};
    options.claims = others;
    options.claims_len = strlen(others);
    ck_assert_int_eq(fhirstore_session_open(twins[0].store, &options, &other, NULL), FHIRSTORE_OK);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        fhirstore_session *const owners[] = {twins[0].owner, other};
        for (size_t k = 0; k < 2; k++) {
            const reply page = ask_bytes(owners[k], "GET", places[i], NULL, NULL, 0);
            expect_http(page, 200);
            char *url = strstr(page.body, "\"next\",\"url\":\"http://localhost/fhir/");
            ck_assert_msg(url != NULL, "%s", page.body);
            url += strlen("\"next\",\"url\":\"http://localhost/fhir/");
            char *link = strndup(url, strcspn(url, "\""));
            const reply answer = ask_bytes(twins[0].guest, "GET", link, NULL, NULL, 0);
            ck_assert_msg(answer.http == 400, "%s: %d %s", link, answer.http, answer.body);
            ck_assert(!has_text(&answer, "b1"));
            free(link);
        }
    }
    fhirstore_session_close(other);
}
END_TEST

/* The guest's own links lead the same way in both. */
START_TEST(page_by_page_nothing_shows)
{
    static const char *const places[] = {"Observation?_count=1&_total=accurate",
                                         "Observation?_count=1&_sort=-date",
                                         "?_type=Patient,Observation,Organization&_count=1",
                                         "_history?_count=2",
                                         "Patient/A/*?_count=2",
                                         "Organization?_revinclude=*&_count=1",
                                         "Patient/A/$everything?_count=2"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int pages = 1;
        expect_http(ask_twins(places[i], "GET", places[i], NULL, NULL), 200);
        while (next_of_twins(places[i])) {
            ck_assert_int_lt(++pages, 50);
        }
    }
}
END_TEST

/* ---- who may do what at all ---- */

/* Each interaction takes its data action, and no other opens it. */
static const struct {
    const char *action, *method, *url, *headers, *body;
    int granted; /* the status with the action */
} interactions[] = {
    {"read", "GET", "Patient/A", NULL, NULL, 200},
    {"read", "GET", "Patient/A/_history/1", NULL, NULL, 200},
    {"search", "GET", "Patient?family=x", NULL, NULL, 200},
    {"search", "GET", "?_type=Patient", NULL, NULL, 200},
    {"search", "GET", "Patient/A/Observation", NULL, NULL, 200},
    {"search", "GET", "ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender",
     NULL, NULL, 200},
    {"create", "POST", "Basic", NULL, "{\"resourceType\":\"Basic\",\"code\":{\"text\":\"x\"}}",
     201},
    {"update", "PUT", "Patient/A", NULL, PATIENT("A", ""), 200},
    {"update", "PATCH", "Patient/A", JSON_PATCH,
     "[{\"op\":\"add\",\"path\":\"/gender\",\"value\":\"male\"}]", 200},
    {"delete", "DELETE", "Basic/none", NULL, NULL, 204},
    {"hardDelete", "DELETE", "Basic/none?_hardDelete=true", NULL, NULL, 204},
    {"history", "GET", "Patient/A/_history", NULL, NULL, 200},
    {"history", "GET", "Patient/_history", NULL, NULL, 200},
    {"history", "GET", "_history", NULL, NULL, 200},
    {"everything", "GET", "Patient/A/$everything", NULL, NULL, 200},
    {"validate", "POST", "Patient/$validate", NULL, PATIENT("A", ""), 200},
    {"reindex", "POST", "$reindex", NULL, NULL, 200},
    {"read", "GET", "Patient/A/$reindex", NULL, NULL, 200},
    {"read", "GET", "Patient/A/$meta", NULL, NULL, 200},
    {"search", "GET", "Observation/$lastn?patient=Patient/A&code=1111-1", NULL, NULL, 200},
};

static const char *const data_actions[] = {
    "read",    "search",     "create",  "update",   "delete",  "hardDelete",
    "export",  "import",     "reindex", "validate", "convert", "manageSearchParameters",
    "history", "everything", "audit"};

static int status_with(const char *actions, size_t i)
{
    char policy[512];
    (void)snprintf(policy, sizeof policy, "{\"roles\":{\"r\":{\"allow\":[{\"actions\":[%s]}]}}}",
                   actions);
    enter_twins(policy, "{\"id\":\"u\",\"roles\":[\"r\"]}");
    const char *body = interactions[i].body;
    const reply answer = ask_bytes(twins[0].guest, interactions[i].method, interactions[i].url,
                                   interactions[i].headers, body, body == NULL ? 0 : strlen(body));
    const int http = answer.http;
    forget_replies();
    return http;
}

START_TEST(each_interaction_takes_its_action)
{
    for (size_t i = 0; i < sizeof interactions / sizeof *interactions; i++) {
        for (size_t k = 0; k < sizeof data_actions / sizeof *data_actions; k++) {
            char action[40];
            (void)snprintf(action, sizeof action, "\"%s\"", data_actions[k]);
            const int http = status_with(action, i);
            const bool is_it = strcmp(data_actions[k], interactions[i].action) == 0;
            ck_assert_msg(is_it ? http == interactions[i].granted : http == 403,
                          "%s %s with %s: %d", interactions[i].method, interactions[i].url,
                          data_actions[k], http);
        }
    }
}
END_TEST

/* What goes for good takes both actions. */
START_TEST(purging_takes_two_actions)
{
    static const char *const actions[] = {"\"delete\"", "\"hardDelete\"",
                                          "\"delete\",\"hardDelete\""};
    static const char *const requests[][2] = {{"POST", "Patient/A/$purge-history"},
                                              {"DELETE", "Observation/a3?_hardDelete=true"}};
    for (size_t k = 0; k < 3; k++) {
        char policy[256];
        (void)snprintf(policy, sizeof policy,
                       "{\"roles\":{\"r\":{\"allow\":[{\"actions\":[%s]}]}}}", actions[k]);
        enter_twins(policy, "{\"id\":\"u\",\"roles\":[\"r\"]}");
        for (size_t i = 0; i < 2; i++) {
            const reply answer = ask_bytes(twins[0].guest, requests[i][0], requests[i][1], NULL,
                                           NULL, 0);
            ck_assert_msg(k == 2 ? answer.http < 300 : answer.http == 403, "%s with %s: %d",
                          requests[i][1], actions[k], answer.http);
        }
    }
}
END_TEST

static fhirstore_status ignore_exported(void *ctx, const char *type, const char *json, size_t len)
{
    (void)ctx;
    (void)type;
    (void)json;
    (void)len;
    return FHIRSTORE_OK;
}

START_TEST(imports_exports_and_parameters_take_theirs)
{
    static const char body[] =
        "{\"resourceType\":\"SearchParameter\",\"url\":\"http://x/p\",\"name\":\"p\","
        "\"status\":\"active\",\"description\":\"p\",\"code\":\"p\",\"base\":["
        "\"Patient\"],\"type\":\"token\",\"expression\":\"Patient.active\"}";
    for (size_t k = 0; k < sizeof data_actions / sizeof *data_actions; k++) {
        char policy[256];
        fhirstore_import *import = NULL;
        const char *action = data_actions[k];
        (void)snprintf(policy, sizeof policy,
                       "{\"roles\":{\"r\":{\"allow\":[{\"actions\":[\"%s\"]}]}}}", action);
        enter_twins(policy, "{\"id\":\"u\",\"roles\":[\"r\"]}");
        fhirstore_status status = fhirstore_import_open(twins[0].guest, NULL, &import, NULL);
        ck_assert_int_eq(status == FHIRSTORE_OK, strcmp(action, "import") == 0);
        fhirstore_import_close(import);
        status = fhirstore_export(twins[0].guest, NULL, ignore_exported, NULL, NULL, NULL);
        ck_assert_int_eq(status == FHIRSTORE_OK, strcmp(action, "export") == 0);
        const reply answer = ask_bytes(twins[0].guest, "POST", "SearchParameter", NULL, body,
                                       strlen(body));
        ck_assert_msg(answer.http == 403, "%s: %d", action, answer.http);
    }
    enter_twins(
        "{\"roles\":{\"r\":{\"allow\":[{\"actions\":[\"create\",\"manageSearchParameters\"]}]}}}",
        "{\"id\":\"u\",\"roles\":[\"r\"]}");
    const reply answer = ask_bytes(twins[0].guest, "POST", "SearchParameter", NULL, body,
                                   strlen(body));
    expect_http(answer, 201);
}
END_TEST

/* Types that belong to no patient, under patient/ scopes: where they are named, and not switched
 * off. */
START_TEST(shared_types_can_be_switched_off)
{
    static const char off[] = "{\"roles\":{},\"sharedTypes\":false}";
    expect_http(ask_twins("shared", "GET", "Organization/org", NULL, NULL), 200);
    enter_twins(off, claims);
    expect_http(ask_twins("not shared", "GET", "Organization/org", NULL, NULL), 403);
    expect_http(ask_twins("not shared", "GET", "Organization?name=Clinic", NULL, NULL), 403);
    const reply answer = ask_twins("not shared", "GET", "Patient?_include=Patient:organization",
                                   NULL, NULL);
    ck_assert(!has_text(&answer, "Clinic"));
    expect_http(ask_twins("own", "GET", "Patient/A", NULL, NULL), 200);
}
END_TEST

/* ---- nobody's policy ---- */

static int denials;

static fhirstore_status count_denials(void *ctx, const fhirstore_audit_event *event)
{
    (void)ctx;
    denials += event->outcome == FHIRSTORE_ERR_NO_POLICY;
    return FHIRSTORE_OK;
}

START_TEST(without_a_policy_all_is_denied_and_recorded)
{
    const fhirstore_audit_hook hook = {.struct_size = sizeof hook, .record = count_denials};
    static const char *const urls[] = {"Patient/A", "Patient?name=x", "_history", "metadata",
                                       "Patient/A/$everything"};
    denials = 0;
    ck_assert_int_eq(fhirstore_set_authorizer(twins[0].store, NULL, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_set_audit_hook(twins[0].store, &hook, NULL), FHIRSTORE_OK);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        const reply answer = ask_bytes(twins[0].guest, "GET", urls[i], NULL, NULL, 0);
        ck_assert_msg(answer.http == 403, "%s: %d", urls[i], answer.http);
    }
    ck_assert_int_ge(denials, (int)(sizeof urls / sizeof *urls));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attacks");
    TCase *tests = tcase_create("attacks");
    tcase_add_checked_fixture(tests, set_up_attacks, tear_down_attacks);
    tcase_set_timeout(tests, 170);
    tcase_add_test(tests, no_attack_tells_the_stores_apart);
    tcase_add_test(tests, who_sees_all_tells_them_apart);
    tcase_add_test(tests, a_page_link_is_its_owners);
    tcase_add_test(tests, page_by_page_nothing_shows);
    tcase_add_test(tests, each_interaction_takes_its_action);
    tcase_add_test(tests, purging_takes_two_actions);
    tcase_add_test(tests, imports_exports_and_parameters_take_theirs);
    tcase_add_test(tests, shared_types_can_be_switched_off);
    tcase_add_test(tests, without_a_policy_all_is_denied_and_recorded);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
