/* SPDX-License-Identifier: Apache-2.0 */
/* Resources of some megabytes: read, checked, indexed and stored in pieces, and the same as others.
 */
#include <stdio.h>

#include "harness.h"

#define ENTRIES 9000

static char *text; /* of the Bundle last made */
static size_t text_len;
static size_t text_room;

static void add_text(const char *more)
{
    size_t len = strlen(more);
    if (text_len + len + 1 > text_room) {
        text_room = (text_len + len + 1) * 2;
        text = realloc(text, text_room);
        ck_assert_ptr_nonnull(text);
    }
    memcpy(text + text_len, more, len + 1);
    text_len += len;
}

/* What is special about one entry. */
typedef struct odd_entry {
    int number; /* -1: none */
    const char *text;
} odd_entry;

/* A document whose first entry is a Composition; about 150 bytes an entry. */
static const char *make_document(const char *head, const odd_entry *odd)
{
    char line[400];
    text_len = 0;
    add_text("{\"resourceType\":\"Bundle\",\"id\":\"big\",\"type\":\"document\",");
    add_text(head);
    add_text(
        "\"entry\":[{\"fullUrl\":\"http://x.org/Composition/c\",\"resource\":{\"resourceType\":"
        "\"Composition\",\"id\":\"c\",\"status\":\"final\",\"type\":{\"text\":\"t\"},\"date\":"
        "\"2020-01-01\",\"author\":[{\"display\":\"a\"}],\"title\":\"t\"}}");
    for (int i = 1; i < ENTRIES; i++) {
        if (odd != NULL && odd->number == i) {
            add_text(odd->text);
            continue;
        }
        (void)snprintf(
            line, sizeof line,
            ",{\"fullUrl\":\"http://x.org/Observation/o%d\",\"resource\":{\"resourceType\""
            ":\"Observation\",\"id\":\"o%d\",\"status\":\"final\",\"code\":{\"text\":\"a "
            "measurement\"},\"valueQuantity\":{\"value\":1.10}}}",
            i, i);
        add_text(line);
    }
    add_text("]}");
    return text;
}

static void forget_text(void)
{
    free(text);
    text = NULL;
    text_len = 0;
    text_room = 0;
}

START_TEST(a_large_bundle_is_a_resource_like_others)
{
    const char *identifier = "\"identifier\":{\"system\":\"urn:s\",\"value\":\"1\"},";
    reply first = update("Bundle", "big", make_document(identifier, NULL));
    expect_status(first, FHIRSTORE_CREATED);
    ck_assert_uint_gt(first.body_len, (size_t)1 << 20);
    ck_assert_ptr_nonnull(strstr(first.body, "\"entry\":[{\"fullUrl\""));
    reply got = read_one("Bundle", "big");
    expect_status(got, FHIRSTORE_OK);
    ck_assert_str_eq(got.body, first.body);
    ck_assert_int_eq(count_of("Bundle", "identifier=urn:s|1"), 1);
    ck_assert_int_eq(count_of("Bundle", "type=document"), 1);
    ck_assert_int_eq(count_of("Bundle", "composition=Composition/c"), 1);
    ck_assert_int_eq(count_of("Bundle", "composition=Composition/d"), 0);
    reply page = search_page("Bundle", "type=document");
    expect_status(page, FHIRSTORE_OK);
    ck_assert_uint_gt(page.body_len, got.body_len);
    ck_assert_ptr_nonnull(strstr(page.body, got.body));
    page = search_page("Bundle", "_elements=type");
    expect_status(page, FHIRSTORE_OK);
    ck_assert_ptr_nonnull(strstr(page.body, "\"type\":\"document\""));
    ck_assert_ptr_null(strstr(page.body, "Observation/o"));
    expect_sound(store);
    forget_text();
}
END_TEST

START_TEST(versions_of_it_come_and_go)
{
    reply one = update("Bundle", "big", make_document("", NULL));
    const odd_entry changed = {ENTRIES - 1, ",{\"fullUrl\":\"http://x.org/Basic/b\"}"};
    reply two = update("Bundle", "big", make_document("", &changed));
    ck_assert_int_eq(fhirstore_response_version(two.response), 2);
    reply small = update("Bundle", "big",
                         "{\"resourceType\":\"Bundle\",\"id\":\"big\",\"type\":\"collection\"}");
    ck_assert_int_eq(fhirstore_response_version(small.response), 3);
    ck_assert_int_eq(count_of("Bundle", "composition=Composition/c"), 0);
    expect_status(delete_one("Bundle", "big"), FHIRSTORE_NO_CONTENT);
    reply five = update("Bundle", "big", make_document("", NULL));
    ck_assert_int_eq(fhirstore_response_version(five.response), 5);
    reopen_store();
    ck_assert_str_eq(vread("Bundle", "big", 1).body, one.body);
    ck_assert_str_eq(vread("Bundle", "big", 2).body, two.body);
    ck_assert_str_eq(vread("Bundle", "big", 3).body, small.body);
    expect_status(vread("Bundle", "big", 4), FHIRSTORE_ERR_DELETED);
    ck_assert_str_eq(read_one("Bundle", "big").body, five.body);
    reply all = history("Bundle", "big", "");
    expect_text(all, "total", "5");
    ck_assert_ptr_nonnull(strstr(all.body, one.body));
    ck_assert_ptr_nonnull(strstr(all.body, five.body));
    ck_assert_int_eq(count_of("Bundle", "composition=Composition/c"), 1);
    expect_sound(store);
    forget_text();
}
END_TEST

START_TEST(it_is_unchanged_in_another_spelling)
{
    reply one = update("Bundle", "big",
                       make_document("\"timestamp\":\"2020-01-01T00:00:00Z\",", NULL));
    expect_status(one, FHIRSTORE_CREATED);
    reply got = read_one("Bundle", "big");
    /* Blanks between the entries, and the last member first. */
    make_document("", NULL);
    char *spelled = malloc(text_len * 2);
    size_t len = 0;
    ck_assert_ptr_nonnull(spelled);
    len += (size_t)sprintf(spelled, "{ \"timestamp\" : \"2020-01-01T00:00:00Z\",\n");
    for (const char *p = text + 1; *p != '\0'; p++) {
        spelled[len++] = *p;
        if (*p == ',' && p[1] == '{') {
            spelled[len++] = '\n';
        }
    }
    spelled[len] = '\0';
    reply two = update("Bundle", "big", spelled);
    expect_status(two, FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_response_version(two.response), 1);
    ck_assert_str_eq(two.body, got.body);
    free(spelled);
    forget_text();
}
END_TEST

/* What is wrong with one entry is told with its place, and nothing is stored. */
START_TEST(faults_inside_are_found)
{
    static const struct {
        odd_entry odd;
        fhirstore_status status;
        const char *code;
        const char *expression;
    } faults[] = {
        {{8000, ",{\"resource\":{\"resourceType\":\"Observation\",\"status\":\"final\"}}"},
         FHIRSTORE_ERR_INVALID_RESOURCE,
         "required",
         "Bundle.entry[8000].resource.code"},
        {{8000, ",{\"fullURL\":\"x\"}"},
         FHIRSTORE_ERR_INVALID_RESOURCE,
         "structure",
         "Bundle.entry[8000].fullURL"},
        {{8000, ",null"}, FHIRSTORE_ERR_INVALID_RESOURCE, "structure", "Bundle.entry[8000]"},
        {{8000, ",7"}, FHIRSTORE_ERR_INVALID_RESOURCE, "structure", "Bundle.entry[8000]"},
        {{8000, ",{\"resource\":{\"resourceType\":\"Nothing\"}}"},
         FHIRSTORE_ERR_INVALID_RESOURCE,
         "value",
         "Bundle.entry[8000].resource.resourceType"},
        {{8000, ",{\"fullUrl\":\"x\",\"fullUrl\":\"y\"}"},
         FHIRSTORE_ERR_JSON_DUPLICATE,
         NULL,
         NULL},
        {{8000, ",{\"fullUrl\":\"x\""}, FHIRSTORE_ERR_JSON, NULL, NULL},
        {{8000, ",{\"fullUrl\":\"\\ud800\"}"}, FHIRSTORE_ERR_JSON_STRING, NULL, NULL},
    };
    char *before = strdup(state_of_store());
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        reply answer = update("Bundle", "big", make_document("", &faults[i].odd));
        ck_assert_msg(answer.status == faults[i].status, "fault %zu: %s", i, answer.body);
        if (faults[i].code != NULL) {
            expect_refusal(&answer, faults[i].status, faults[i].code, faults[i].expression);
        } else {
            expect_text(answer, "issue.0.severity", "error");
        }
        ck_assert_str_eq(state_of_store(), before);
        forget_replies();
    }
    free(before);
    forget_text();
}
END_TEST

START_TEST(faults_outside_are_found)
{
    reply answer = update("Bundle", "big", make_document("\"nothing\":1,", NULL));
    expect_refusal(&answer, FHIRSTORE_ERR_INVALID_RESOURCE, "structure", "Bundle.nothing");
    answer = update("Bundle", "other", make_document("", NULL));
    ck_assert_int_lt(answer.status, FHIRSTORE_OK);
    answer = update("Patient", "big", make_document("", NULL));
    ck_assert_int_lt(answer.status, FHIRSTORE_OK);
    const odd_entry odd = {5, ",{\"fullURL\":\"x\"}"};
    answer = update("Bundle", "big", make_document("\"nothing\":1,", &odd));
    expect_text(answer, "issue.0.expression.0", "Bundle.entry[5].fullURL");
    expect_text(answer, "issue.1.expression.0", "Bundle.nothing");
    forget_text();
}
END_TEST

/* A parameter of the store's own that needs the whole at once. */
START_TEST(own_parameters_see_all_of_it)
{
    expect_status(update("SearchParameter", "size",
                         "{\"resourceType\":\"SearchParameter\",\"id\":\"size\",\"url\":"
                         "\"http://x.org/size\",\"name\":\"size\",\"status\":\"active\","
                         "\"description\":\"d\",\"code\":\"size\",\"base\":[\"Bundle\"],\"type\":"
                         "\"number\",\"expression\":\"Bundle.entry.count()\"}"),
                  FHIRSTORE_CREATED);
    expect_status(update("SearchParameter", "full",
                         "{\"resourceType\":\"SearchParameter\",\"id\":\"full\",\"url\":"
                         "\"http://x.org/full\",\"name\":\"full\",\"status\":\"active\","
                         "\"description\":\"d\",\"code\":\"full\",\"base\":[\"Bundle\"],\"type\":"
                         "\"uri\",\"expression\":\"Bundle.entry.fullUrl\"}"),
                  FHIRSTORE_CREATED);
    expect_status(update("Bundle", "big", make_document("", NULL)), FHIRSTORE_CREATED);
    ck_assert_int_eq(count_of("Bundle", "full=http://x.org/Observation/o8999"), 1);
    ck_assert_int_eq(count_of("Bundle", "full=http://x.org/Observation/o9000"), 0);
    ck_assert_int_eq(count_of("Bundle", "size=9000"), 1);
    expect_sound(store);
    forget_text();
}
END_TEST

/* Many values of one resource: taken some at a time, and composites beside them. */
START_TEST(many_values_are_indexed)
{
    char line[200];
    text_len = 0;
    add_text(
        "{\"resourceType\":\"CodeSystem\",\"id\":\"many\",\"url\":\"http://x.org/many\",\"status\":"
        "\"active\",\"content\":\"complete\",\"useContext\":[{\"code\":{\"system\":\"http://"
        "terminology.hl7.org/CodeSystem/usage-context-type\",\"code\":\"age\"},\"valueQuantity\":"
        "{\"value\":7,\"unit\":\"a\"}}],\"concept\":[");
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(
            line, sizeof line,
            "%s{\"code\":\"c%d\",\"display\":\"a concept that is called %d\",\"concept\":[{"
            "\"code\":\"d%d\"}]}",
            i == 0 ? "" : ",", i, i, i);
        add_text(line);
    }
    add_text("],\"identifier\":[{\"system\":\"urn:s\",\"value\":\"7\"}]}");
    expect_status(update("CodeSystem", "many", text), FHIRSTORE_CREATED);
    ck_assert_int_eq(count_of("CodeSystem", "code=c0&code=c19999&code=c777"), 1);
    ck_assert_int_eq(count_of("CodeSystem", "code=c20000,d7"), 0);
    ck_assert_int_eq(count_of("CodeSystem", "context-type-quantity=age$7"), 1);
    ck_assert_int_eq(count_of("CodeSystem", "identifier=urn:s|7&url=http://x.org/many"), 1);
    text_len = 0;
    add_text(
        "{\"resourceType\":\"List\",\"id\":\"many\",\"status\":\"current\",\"mode\":\"working\","
        "\"subject\":{\"reference\":\"Patient/p\"},\"entry\":[");
    for (int i = 0; i < 30000; i++) {
        (void)snprintf(line, sizeof line, "%s{\"item\":{\"reference\":\"Observation/o%d\"}}",
                       i == 0 ? "" : ",", i);
        add_text(line);
    }
    add_text("]}");
    expect_status(update("List", "many", text), FHIRSTORE_CREATED);
    ck_assert_int_eq(count_of("List", "item=Observation/o0&item=Observation/o29999&patient=p"), 1);
    ck_assert_int_eq(count_of("List", "item=Observation/o30000"), 0);
    expect_sound(store);
    forget_text();
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("large", setup_store, a_large_bundle_is_a_resource_like_others,
              versions_of_it_come_and_go, it_is_unchanged_in_another_spelling,
              faults_inside_are_found, faults_outside_are_found, own_parameters_see_all_of_it,
              many_values_are_indexed),
    };
    return run_groups("large", groups, sizeof groups / sizeof *groups);
}
