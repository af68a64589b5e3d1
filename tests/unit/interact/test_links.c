/* SPDX-License-Identifier: Apache-2.0 */
/* Links of a transaction: what they are found in, and the tree of the text that is written. */
#include "suite.h"

#include "interact/links.h"

#define TEXT_MAX ((size_t)4 << 20)

static fhs_arena arena;
static fhs_buf written;

static void setup(void)
{
    fhs_arena_init(&arena, (size_t)64 << 20);
    fhs_buf_init(&written, TEXT_MAX);
}

static void teardown(void)
{
    fhs_arena_clear(&arena);
    fhs_buf_clear(&written);
}

/* The same value, at the same place. */
static void expect_same_tree(const fhs_json *got, const fhs_json *wanted)
{
    ck_assert_uint_eq(got->type, wanted->type);
    ck_assert_uint_eq(got->count, wanted->count);
    ck_assert_uint_eq(got->begin, wanted->begin);
    ck_assert_uint_eq(got->end, wanted->end);
    for (uint32_t i = 0; got->type == FHS_JSON_OBJECT && i < got->count; i++) {
        ck_assert(fhs_str_eq(got->members[i].name, wanted->members[i].name));
        expect_same_tree(&got->members[i].value, &wanted->members[i].value);
    }
    for (uint32_t i = 0; got->type == FHS_JSON_ARRAY && i < got->count; i++) {
        expect_same_tree(&got->items[i], &wanted->items[i]);
    }
    if (got->type == FHS_JSON_STRING || got->type == FHS_JSON_NUMBER) {
        ck_assert(fhs_str_eq(got->text, wanted->text));
    }
}

static fhs_links *make_links(void)
{
    static const char *const pairs[][2] = {
        {"urn:uuid:1", "Patient/one"},
        {"urn:uuid:2", "Organization/a-much-longer-address-than-it-was"},
        {"http://old.example/fhir/Patient/77", "Patient/new"},
        {"http://old.example/fhir/Binary/7?a=1&b=2", "Binary/7"},
    };
    fhs_links *links;
    ck_assert_int_eq(fhs_links_new(&arena, 4, &links, NULL), FHIRSTORE_OK);
    for (size_t i = 0; i < FHS_COUNT_OF(pairs); i++) {
        ck_assert_int_eq(fhs_links_add(links, fhs_str_from_cstr(pairs[i][0]),
                                       fhs_str_from_cstr(pairs[i][1]), NULL),
                         FHIRSTORE_OK);
    }
    return links;
}

/* Rewrite @a text, hold the changed tree against a fresh one; NULL: nothing was changed. */
static const char *rewrite(const char *text, const char *full_url)
{
    const fhs_fhir *fhir = fhs_fhir_get(FHS_FHIR_R4);
    const fhs_json *root;
    const fhs_json *fresh;
    fhs_str type;
    bool changed = false;
    ck_assert_int_eq(fhs_json_read(&arena, fhs_str_from_cstr(text), NULL, &root, NULL),
                     FHIRSTORE_OK);
    ck_assert(fhs_json_get_string(root, FHS_LIT("resourceType"), &type));
    const fhs_linked_text resource = {.type = fhs_type_find(fhir, type),
                                      .text = fhs_str_from_cstr(text),
                                      .root = root,
                                      .full_url = fhs_str_from_cstr(full_url),
                                      .arena = &arena};
    fhs_buf_reset(&written);
    ck_assert_int_eq(fhs_links_rewrite(make_links(), fhir, &resource, &written, &changed, NULL),
                     FHIRSTORE_OK);
    if (!changed) {
        ck_assert_uint_eq(written.len, 0);
        return NULL;
    }
    ck_assert_int_eq(fhs_json_read(&arena, fhs_buf_str(&written), NULL, &fresh, NULL),
                     FHIRSTORE_OK);
    expect_same_tree(root, fresh);
    return written.ptr;
}

#define SUBJECT(reference) \
    "{\"resourceType\":\"Observation\",\"subject\":{\"reference\":\"" reference "\"}}"
#define NARRATIVE(html)                                                                \
    "{\"resourceType\":\"Patient\",\"text\":{\"status\":\"generated\",\"div\":\"<div " \
    "xmlns=\\\"http://www.w3.org/1999/xhtml\\\">" html "</div>\"},\"active\":true}"
#define SERVER "http://old.example/fhir/Observation/1"

/* What stands there, and what it becomes; NULL: it stays. */
static const struct {
    const char *text;
    const char *full_url;
    const char *wanted;
} cases[] = {
    {SUBJECT("urn:uuid:1"), "", SUBJECT("Patient/one")},
    {SUBJECT("urn:uuid:1#part"), "", SUBJECT("Patient/one#part")},
    {SUBJECT("urn:uuid:9"), "", NULL},
    {SUBJECT("urn:uuid:9#part"), "", NULL},
    {SUBJECT("#part"), "", NULL},
    {SUBJECT("#"), "", NULL},
    {SUBJECT(""), SERVER, NULL},
    {SUBJECT("Patient/77"), SERVER, SUBJECT("Patient/new")},
    {SUBJECT("Patient/77#x"), SERVER, SUBJECT("Patient/new#x")},
    {SUBJECT("Patient/77"), "", NULL},
    {SUBJECT("Patient/77"), "urn:uuid:3", NULL},
    {SUBJECT("Patient/78"), SERVER, NULL},
    {SUBJECT("http:\\/\\/old.example\\/fhir\\/Patient\\/77"), "", SUBJECT("Patient/new")},
    {SUBJECT("http://old.example/fhir/Patient/77#p"), "", SUBJECT("Patient/new#p")},
    {NARRATIVE("<a href=\\\"urn:uuid:1\\\">x</a>"), "",
     NARRATIVE("<a href=\\\"Patient/one\\\">x</a>")},
    {NARRATIVE("<a class='c' href = 'urn:uuid:1#p' >x</a><img src=\\\"urn:uuid:2\\\"/>"), "",
     NARRATIVE("<a class='c' href = 'Patient/one#p' >x</a><img "
               "src=\\\"Organization/a-much-longer-address-than-it-was\\\"/>")},
    {NARRATIVE("<a href=\\\"Patient/77\\\">x</a>"), "http://old.example/fhir/Patient/1",
     NARRATIVE("<a href=\\\"Patient/new\\\">x</a>")},
    {NARRATIVE("<img src=\\\"http://old.example/fhir/Binary/7?a=1&amp;b=2\\\"/>"), "",
     NARRATIVE("<img src=\\\"Binary/7\\\"/>")},
    {NARRATIVE("urn:uuid:1 <a title=\\\"urn:uuid:1\\\" href=\\\"#x\\\">href</a>"), "", NULL},
    {NARRATIVE("<a href=urn:uuid:1 href=\\\"urn:uuid:1"), "", NULL},
    {NARRATIVE("<a href"), "", NULL},
    {NARRATIVE("<a href="), "", NULL},
    {NARRATIVE("<a src=\\\""), "", NULL},
};

START_TEST(links_are_found_where_they_may_stand)
{
    const char *got = rewrite(cases[_i].text, cases[_i].full_url);
    if (cases[_i].wanted == NULL) {
        ck_assert_msg(got == NULL, "%s", got);
    } else {
        ck_assert_ptr_nonnull(got);
        ck_assert_str_eq(got, cases[_i].wanted);
    }
}
END_TEST

START_TEST(the_tree_is_that_of_the_new_text)
{
    const char *got = rewrite(
        " { \"resourceType\" : \"Patient\", \"id\" : \"a\", \"unknown\" : [ 1, "
        "{\"x\":\"urn:uuid:1\"} "
        "],\n \"managingOrganization\" : { \"display\" : \"d\\u0041\", \"reference\" : "
        "\"urn:uuid:2\" }, \"generalPractitioner\" : [ {\"reference\":\"urn:uuid:1\"}, "
        "{\"reference\":\"\\u0075rn:uuid:2#f\"} ], \"meta\" : { \"source\" : \"urn:uuid:1\" }, "
        "\"contained\" : [ { \"resourceType\" : \"Organization\", \"partOf\" : {\"reference\" : "
        "\"urn:uuid:1\" } } ], \"extension\" : [ { \"url\" : \"urn:uuid:1\", \"valueDecimal\" : "
        "1.50 } ], \"multipleBirthInteger\" : 1 } ",
        "");
    ck_assert_ptr_nonnull(got);
    ck_assert_ptr_nonnull(strstr(got, "{\"x\":\"urn:uuid:1\"}"));
    ck_assert_ptr_nonnull(strstr(got, "a-much-longer-address-than-it-was#f"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interact_links");
    TCase *tests = tcase_create("links");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, links_are_found_where_they_may_stand, 0, (int)FHS_COUNT_OF(cases));
    tcase_add_test(tests, the_tree_is_that_of_the_new_text);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
