/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of a search fails once: it says so, keeps nothing, and the next one works. */
#include "store.h"

#include "base/mem.h"
#include "failing_alloc.h"
#include "index/fulltext.h"

static store shelf;

static const fhs_named_query by_name = {
    .name = FHS_LIT_INIT("called"),
    .text = FHS_LIT_INIT("family={name}&birthdate=ge{since=1950}&gender={gender?}&_sort=-_id")};
static fhs_named_query called;

static void name_query(void)
{
    called = by_name;
    called.type = fhs_type_find(shelf.fhir, FHS_LIT("Patient"));
    shelf.named = &called;
}

static void open_shelf(void)
{
    store_open(&shelf);
    name_query();
    store_begin(&shelf);
    for (int i = 0; i < 300; i++) {
        char json[512];
        (void)snprintf(json, sizeof(json),
                       "{\"resourceType\":\"Patient\",\"id\":\"p%d\",\"gender\":\"%s\","
                       "\"name\":[{\"family\":\"Name%d\"}],\"birthDate\":\"19%02d\","
                       "\"link\":[{\"type\":\"seealso\",\"other\":{\"reference\":"
                       "\"Patient/p%d\"}}]}",
                       i, i % 2 == 0 ? "male" : "female", i % 7, i % 100, i / 2);
        store_put(&shelf, json);
    }
    uint32_t indexed = 0;
    ck_assert_ok(fhs_fulltext_step(shelf.writer, 250, &indexed, &err));
    ck_assert_uint_eq(indexed, 250);
    store_put(&shelf,
              "{\"resourceType\":\"List\",\"id\":\"li\",\"status\":\"current\",\"mode\":"
              "\"working\",\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"in\",\"name\":[{"
              "\"family\":\"Within\"}],\"identifier\":[{\"system\":\"urn:new\",\"value\":\"9\"}]}],"
              "\"subject\":{\"reference\":\"#in\"},\"entry\":[{\"item\":{\"reference\":"
              "\"Patient/p1\"}},{\"item\":{\"reference\":\"Patient/p7\"}}]}");
    store_put(&shelf, "{\"resourceType\":\"ValueSet\",\"id\":\"known\",\"status\":\"active\","
                      "\"compose\":{\"include\":[{\"valueSet\":["
                      "\"http://hl7.org/fhir/ValueSet/administrative-gender\"]}],\"exclude\":[{"
                      "\"system\":\"http://hl7.org/fhir/administrative-gender\",\"filter\":[{"
                      "\"property\":\"code\",\"op\":\"regex\",\"value\":\"unk.*\"}]}]}}");
    store_commit(&shelf);
}

static void close_shelf(void)
{
    store_close(&shelf);
}

static const char *const hungry_queries[] = {
    "gender=male&_count=5",
    "family=name&birthdate=ge1950&_sort=-birthdate&_count=5",
    "family:contains=a&_sort=family,-birthdate&_count=5",
    "gender:not=male&link:Patient.family=name3&_total=accurate&_count=5",
    "_has:Patient:link:family=name3&_count=5",
    "_id=p1,p2,p3&_sort=_id&_count=2",
    "gender=male&link=Patient/p4&family=name3&_total=accurate&_count=5",
    "link:Patient.gender=male&link:Patient.family=name&_count=5",
    "_has:Patient:link:gender=male&_has:Patient:link:family:missing=false&_count=5",
    "gender=male&_summary=true&_count=3",
    "_id=p9&_include=Patient:link&_revinclude=Patient:link&_count=5",
    "_id=p2&_include:iterate=*&_revinclude:iterate=*&_count=3",
    "_filter=(gender eq male or not(family sw \"nam\\u0065\")) and link[gender pr true].family eq "
    "name3&_count=5",
    "_filter=family ew 3 and gender ne female and birthdate po 1950&_sort=link:Patient.family",
    "_list=li&_in=List/li,Group/none&_count=5",
    "link:below=p9&link:above=p100&_count=5",
    "family=within&identifier=urn:new|9&_contained=both&_containedType=contained&_count=5",
    "_query=called&name=name3&_count=5",
    "gender:in=ValueSet/known&_count=5",
    "gender:below=http://hl7.org/fhir/administrative-gender|male&_count=5",
    "_content=(name1 OR female) AND NOT na*&_count=5",
    "_content=name2&_sort=_score&_count=3",
    "name:text=\"name1\"&_count=5",
    "_text:missing=true&_count=5",
    "phonetic=mane names,nome&_count=5",
    "link:Patient._content=name5,male&_count=5",
    "?_sort=-_lastUpdated&_count=4",
    "?_type=Patient,ValueSet&_sort=_lastUpdated&_count=4&_id:missing=false",
};

static fhirstore_status search_once(const char *text, int64_t fail_at)
{
    found f;
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 24);
    fhirstore_error *err = NULL;
    left_until_failure = fail_at;
    /* Every type at once begins with '?'. */
    fhirstore_status status = text[0] == '?' ? found_try(&shelf, "", text + 1, false, &f, &err)
                                             : found_try(&shelf, "Patient", text, false, &f, &err);
    if (status == FHIRSTORE_OK) {
        status = fhs_search_write_bundle(f.search, FHS_LIT("Patient"), &out, &err);
    }
    bool has_failed = left_until_failure == 0 && fail_at > 0;
    left_until_failure = 0;
    found_close(&f);
    fhs_buf_clear(&out);
    fhs_error_free(err);
    ck_assert_msg(status == FHIRSTORE_OK || has_failed, "%s: %s", text, fhs_status_name(status));
    return status;
}

START_TEST(every_allocation_may_fail)
{
    const char *text = hungry_queries[_i];
    int64_t failed = 0;
    for (int64_t n = 1; n < 400; n++) {
        fhirstore_status status = search_once(text, n);
        ck_assert_msg(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY, "%s, %d: %s",
                      text, (int)n, fhs_status_name(status));
        failed += status != FHIRSTORE_OK ? 1 : 0;
        ck_assert_int_eq(search_once(text, 0), FHIRSTORE_OK);
    }
    ck_assert_int_gt(failed, 5);
}
END_TEST

/* The links of a page, and going back by one. */
static const char *const hungry_orders[] = {
    "gender=male&_count=5",
    "_sort=birthdate,family&_count=5",
    "_sort=-family&_count=5",
};

static void take_link(const char *text, const char *relation, char *place)
{
    found f;
    char wanted[64];
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 24);
    ck_assert_ok(found_try(&shelf, "Patient", text, false, &f, &err));
    ck_assert_ok(fhs_search_write_bundle(f.search, FHS_LIT("Patient"), &out, &err));
    (void)snprintf(wanted, sizeof(wanted), "\"%s\",\"url\":\"", relation);
    const char *from = strstr(out.ptr, wanted);
    ck_assert_ptr_nonnull(from);
    from = strchr(from, '?') + 1;
    (void)snprintf(place, 4096, "%.*s", (int)(strchr(from, '"') - from), from);
    found_close(&f);
    fhs_buf_clear(&out);
}

START_TEST(the_way_back_may_fail)
{
    static char link[4096];
    static char back[4096];
    take_link(hungry_orders[_i], "next", link);
    take_link(link, "next", link);
    take_link(link, "previous", back);
    for (int64_t n = 1; n < 200; n++) {
        fhirstore_status status = search_once(back, n);
        ck_assert_msg(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY, "%d: %s", (int)n,
                      fhs_status_name(status));
    }
    ck_assert_int_eq(search_once(back, 0), FHIRSTORE_OK);
}
END_TEST

START_TEST(the_index_of_words_may_fail)
{
    int64_t failed = 0;
    fhirstore_status status = FHIRSTORE_ERR_NO_MEMORY;
    for (int64_t n = 1; n < 400 && status != FHIRSTORE_OK; n++) {
        uint32_t count = 0;
        fhirstore_error *err = NULL;
        store_begin(&shelf);
        left_until_failure = n;
        status = fhs_fulltext_step(shelf.writer, 100, &count, &err);
        left_until_failure = 0;
        ck_assert_msg(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY, "%d: %s", (int)n,
                      fhs_status_name(status));
        fhs_error_free(err);
        failed += status != FHIRSTORE_OK ? 1 : 0;
        fhs_conn_rollback(shelf.writer);
        fhs_conn_release(shelf.writer);
        shelf.writer = NULL;
    }
    ck_assert_int_gt(failed, 3);
    ck_assert_int_eq(search_once("_content=name1", 0), FHIRSTORE_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("search/memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, open_shelf, close_shelf);
    tcase_add_loop_test(tests, every_allocation_may_fail, 0,
                        (int)(sizeof(hungry_queries) / sizeof(hungry_queries[0])));
    tcase_add_loop_test(tests, the_way_back_may_fail, 0,
                        (int)(sizeof(hungry_orders) / sizeof(hungry_orders[0])));
    tcase_add_test(tests, the_index_of_words_may_fail);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
