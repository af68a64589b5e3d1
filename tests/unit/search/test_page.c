/* SPDX-License-Identifier: Apache-2.0 */
/* Pages: every resource that stays unchanged appears exactly once, whatever happens between them.
 */
#include "store.h"

#define RESOURCES 60

static store ward;
static uint32_t random_state;

static uint32_t next_random(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % below;
}

/* Resource number @a i; the values are drawn anew each time. */
static void put_patient(int i)
{
    char json[512];
    char birth[64] = "";
    if (next_random(4) != 0) {
        (void)snprintf(birth, sizeof(birth), ",\"birthDate\":\"19%02u-0%u\"", 60 + next_random(4),
                       1 + next_random(3));
    }
    (void)snprintf(json, sizeof(json),
                   "{\"resourceType\":\"Patient\",\"id\":\"p%d\",\"active\":%s,"
                   "\"name\":[{\"family\":\"N%u\"},{\"family\":\"n%u\"}],\"link\":[{\"type\":"
                   "\"seealso\",\"other\":{\"reference\":\"Patient/p%d\"}}]%s}",
                   i, next_random(3) == 0 ? "false" : "true", next_random(5), next_random(5), i / 3,
                   birth);
    ward.now_us += 1000;
    store_put(&ward, json);
}

static void open_ward(void)
{
    store_open(&ward);
    store_begin(&ward);
    for (int i = 0; i < RESOURCES; i++) {
        put_patient(i);
    }
    store_commit(&ward);
}

/* Many of whom few match, and no index tells which. */
#define CROWD 9000

static void open_crowd(void)
{
    store_open(&ward);
    store_begin(&ward);
    for (int i = 0; i < CROWD; i++) {
        char json[256];
        (void)snprintf(json, sizeof(json),
                       "{\"resourceType\":\"Patient\",\"id\":\"p%d\",\"active\":true,\"gender\":"
                       "\"male\",\"name\":[{\"family\":\"%s\"}]}",
                       i % 400 == 7 ? i / 400 : CROWD + i, i % 400 == 7 ? "a rare one" : "common");
        store_put(&ward, json);
    }
    store_commit(&ward);
}

static void close_ward(void)
{
    store_close(&ward);
}

/* What one Bundle says. */
typedef struct page {
    int ids[RESOURCES * 4];
    size_t count;
    int64_t total;
    char next[8192]; /* query text of the next page, "" for none */
    char previous[8192];
    char last[8192];
} page;

static void keep_link(fhs_str url, char *place)
{
    size_t mark = fhs_str_find_char(url, '?', 0);
    ck_assert_uint_lt(url.len - mark, 8192);
    (void)snprintf(place, 8192, "%.*s", FHS_STR_ARG(fhs_str_from(url, mark + 1)));
}

static void read_links(const fhs_json *links, page *p)
{
    for (uint32_t i = 0; i < links->count; i++) {
        fhs_str relation;
        fhs_str url;
        ck_assert(fhs_json_get_string(&links->items[i], FHS_LIT("relation"), &relation));
        ck_assert(fhs_json_get_string(&links->items[i], FHS_LIT("url"), &url));
        ck_assert(fhs_str_starts_with(url, FHS_LIT(BASE_URL "/Patient")));
        if (fhs_str_eq(relation, FHS_LIT("next"))) {
            keep_link(url, p->next);
        } else if (fhs_str_eq(relation, FHS_LIT("previous"))) {
            keep_link(url, p->previous);
        } else if (fhs_str_eq(relation, FHS_LIT("last"))) {
            keep_link(url, p->last);
        }
    }
}

static void read_page(const char *text, page *p)
{
    found f;
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 24);
    fhs_arena arena;
    const fhs_json *root = NULL;
    fhs_arena_init(&arena, (size_t)1 << 24);
    ck_assert_ok(found_try(&ward, "Patient", text, false, &f, &err));
    ck_assert_ok(fhs_search_write_bundle(f.search, FHS_LIT("Patient"), &out, &err));
    found_close(&f);
    ck_assert_ok(fhs_json_read(&arena, fhs_buf_str(&out), NULL, &root, &err));
    *p = (page){.total = -1};
    const fhs_json *total = fhs_json_get(root, FHS_LIT("total"));
    if (total != NULL) {
        p->total = atoi(total->text.ptr);
    }
    read_links(fhs_json_get(root, FHS_LIT("link")), p);
    const fhs_json *entries = fhs_json_get(root, FHS_LIT("entry"));
    for (uint32_t i = 0; entries != NULL && i < entries->count; i++) {
        fhs_str id;
        fhs_str url;
        const fhs_json *entry = &entries->items[i];
        ck_assert(
            fhs_json_get_string(fhs_json_get(entry, FHS_LIT("resource")), FHS_LIT("id"), &id));
        ck_assert(fhs_json_get_string(entry, FHS_LIT("fullUrl"), &url));
        ck_assert(fhs_str_ends_with(url, id));
        p->ids[p->count++] = atoi(id.ptr + 1);
    }
    fhs_arena_clear(&arena);
    fhs_buf_clear(&out);
}

static const char *const page_queries[] = {
    "_count=7",
    "_count=1",
    "active=true&_count=5",
    "family=n&_count=4&_total=accurate",
    "family:exact=n1&_count=2",
    "active:not=true&_count=3",
    "_sort=birthdate&_count=5",
    "_sort=-birthdate&_count=5",
    "_sort=family&_count=3",
    "_sort=-family&_count=3&active=true",
    "_sort=family,-birthdate&_count=4",
    "_sort=-birthdate,_id&_count=4&active=true",
    "_sort=_lastUpdated&_count=6",
    "_sort=-_lastUpdated&_count=6",
    "_sort=-_lastUpdated&_count=4&active=true",
    "_sort=_id&_count=9",
    "birthdate=lt1963&_sort=birthdate&_count=3",
    "_lastUpdated=gt2000&_count=8",
    "_filter=family eq n1 or not(active eq true)&_count=4",
    "_filter=birthdate pr true and family gt n1&_sort=-birthdate&_count=3",
    "_contained=both&active=true&_count=6",
    "_sort=link:Patient.birthdate&_count=4",
    "_sort=-link.family,_id&_count=3&active=true",
    "link:below=p1&_sort=-birthdate&_count=4",
};
/* The last ones depend on other resources than the match, so these may move it. */
#define MOVED_BY_OTHERS 3

/* All pages of a query, with @a meddle called between them; returns how often each came. */
static void read_pages(const char *text, void (*meddle)(bool *touched), bool *touched, int *times,
                       int64_t *total_out)
{
    static page p;
    char query[8192];
    bool is_first = true;
    size_t pages = 0;
    (void)snprintf(query, sizeof(query), "%s", text);
    memset(times, 0, sizeof(int) * RESOURCES * 4);
    do {
        read_page(query, &p);
        for (size_t i = 0; i < p.count; i++) {
            times[p.ids[i]]++;
        }
        if (is_first) {
            *total_out = p.total;
        } else {
            ck_assert_int_eq(p.total, *total_out);
        }
        is_first = false;
        (void)snprintf(query, sizeof(query), "%s", p.next);
        if (meddle != NULL && p.next[0] != '\0') {
            meddle(touched);
        }
        ck_assert_uint_lt(++pages, 500);
    } while (p.next[0] != '\0');
}

START_TEST(pages_deliver_everything_once)
{
    int times[RESOURCES * 4];
    int64_t total;
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 20);
    search_ids(&ward, "Patient", page_queries[_i], &out);
    read_pages(page_queries[_i], NULL, NULL, times, &total);
    int64_t seen = 0;
    for (int i = 0; i < RESOURCES * 4; i++) {
        ck_assert_msg(times[i] <= 1, "%s: p%d came %d times", page_queries[_i], i, times[i]);
        seen += times[i];
    }
    int64_t wanted = out.len == 0 ? 0 : 1;
    for (size_t i = 0; i < out.len; i++) {
        wanted += out.ptr[i] == ' ' ? 1 : 0;
    }
    ck_assert_int_eq(seen, wanted);
    ck_assert_int_eq(total, wanted);
    fhs_buf_clear(&out);
}
END_TEST

static void assert_same_page(const char *text, const page *a, const page *b)
{
    ck_assert_msg(a->count == b->count, "%s: %zu matches, then %zu", text, a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        ck_assert_msg(a->ids[i] == b->ids[i], "%s: match %zu was p%d, then p%d", text, i, a->ids[i],
                      b->ids[i]);
    }
    ck_assert_int_eq(a->total, b->total);
}

#define PAGES 64

START_TEST(going_back_shows_the_same_pages)
{
    static page pages[PAGES];
    static page p;
    const char *text = page_queries[_i];
    size_t count = 0;
    char last[8192] = "";
    read_page(text, &pages[count++]);
    ck_assert_str_eq(pages[0].previous, "");
    (void)snprintf(last, sizeof(last), "%s", pages[0].last);
    while (pages[count - 1].next[0] != '\0') {
        ck_assert_uint_lt(count, PAGES);
        read_page(pages[count - 1].next, &pages[count]);
        ck_assert_str_ne(pages[count].previous, "");
        count++;
    }
    p = pages[count - 1];
    for (size_t i = count - 1; i > 0; i--) {
        char link[8192];
        (void)snprintf(link, sizeof(link), "%s", p.previous);
        read_page(link, &p);
        assert_same_page(text, &pages[i - 1], &p);
        /* And forwards again from there. */
        static page forward;
        read_page(p.next, &forward);
        assert_same_page(text, &pages[i], &forward);
    }
    ck_assert_str_eq(p.previous, "");
    ck_assert_str_ne(last, "");
    read_page(last, &p);
    assert_same_page(text, &pages[count - 1], &p);
    ck_assert_str_eq(p.next, "");
}
END_TEST

static const char *const crowd_queries[] = {
    "active=true&gender=male&family:contains=rare&_count=3&_total=accurate",
    "gender=male&active=true&family:contains=rare&_sort=-family&_count=4&_total=accurate",
};

/* More is looked at on the way than a rough plan may. */
START_TEST(going_back_over_many)
{
    static page p;
    static page before;
    int times[RESOURCES * 4] = {0};
    int64_t seen = 0;
    read_page(crowd_queries[_i], &p);
    for (;;) {
        for (size_t i = 0; i < p.count; i++) {
            times[p.ids[i]]++;
            seen++;
        }
        if (p.next[0] == '\0') {
            break;
        }
        before = p;
        char link[8192];
        (void)snprintf(link, sizeof(link), "%s", p.next);
        read_page(link, &p);
        static page back;
        read_page(p.previous, &back);
        assert_same_page(crowd_queries[_i], &before, &back);
    }
    ck_assert_int_eq(seen, CROWD / 400 + 1);
    ck_assert_int_eq(p.total, seen);
    for (int i = 0; i < seen; i++) {
        ck_assert_int_eq(times[i], 1);
    }
}
END_TEST

START_TEST(going_back_past_what_is_gone)
{
    static page first;
    static page p;
    read_page("_count=5", &first);
    read_page(first.next, &p);
    store_begin(&ward);
    for (size_t i = 1; i < first.count; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "p%d", first.ids[i]);
        store_delete(&ward, "Patient", id);
    }
    store_commit(&ward);
    char back[8192];
    (void)snprintf(back, sizeof(back), "%s", p.previous);
    read_page(back, &p);
    /* What follows is on the next page already, so it is not shown here. */
    ck_assert_uint_eq(p.count, 1);
    ck_assert_int_eq(p.ids[0], first.ids[0]);
    ck_assert_str_ne(p.next, "");
    store_begin(&ward);
    char id[16];
    (void)snprintf(id, sizeof(id), "p%d", first.ids[0]);
    store_delete(&ward, "Patient", id);
    store_commit(&ward);
    read_page(back, &p);
    ck_assert_uint_eq(p.count, 5);
    ck_assert_str_eq(p.previous, "");
}
END_TEST

START_TEST(links_show_nothing_of_the_sort_keys)
{
    static const char marker[] = "Quizzlewickhamptonfieldx";
    static page p;
    char json[256];
    store_begin(&ward);
    for (int i = 0; i < 9; i++) {
        (void)snprintf(json, sizeof(json),
                       "{\"resourceType\":\"Patient\",\"id\":\"p%d\",\"name\":[{\"family\":"
                       "\"%s%d\"}]}",
                       RESOURCES + i, marker, i);
        store_put(&ward, json);
    }
    store_commit(&ward);
    read_page("_sort=-family&family=quizz&_count=3", &p);
    read_page(p.next, &p);
    const char *const links[] = {p.next, p.previous, p.last};
    for (size_t i = 0; i < 3; i++) {
        fhs_str link = fhs_str_from_cstr(links[i]);
        ck_assert_uint_gt(link.len, sizeof(marker));
        for (size_t at = 0; at + 8 <= sizeof(marker) - 1; at += 8) {
            ck_assert_ptr_null(strstr(links[i], marker + at));
        }
        for (size_t at = 0; at + sizeof(marker) - 1 <= link.len; at++) {
            fhs_str part = fhs_str_of(link.ptr + at, sizeof(marker) - 1);
            ck_assert(!fhs_str_eq_ascii_case(part, fhs_str_from_cstr(marker)));
        }
    }
}
END_TEST

/* A few updates, deletions and new resources. */
static void meddle_some(bool *touched)
{
    static int next_new;
    store_begin(&ward);
    for (int i = 0; i < 3; i++) {
        int victim = (int)next_random(RESOURCES);
        char id[16];
        (void)snprintf(id, sizeof(id), "p%d", victim);
        touched[victim] = true;
        if (next_random(4) == 0) {
            store_delete(&ward, "Patient", id);
        } else {
            put_patient(victim);
        }
    }
    int fresh = RESOURCES + next_new++ % (RESOURCES * 2);
    touched[fresh] = true;
    put_patient(fresh);
    store_commit(&ward);
}

START_TEST(what_stays_the_same_comes_exactly_once)
{
    int before[RESOURCES * 4];
    int times[RESOURCES * 4];
    bool touched[RESOURCES * 4] = {false};
    int64_t total;
    random_state = (uint32_t)_i + 17;
    read_pages(page_queries[_i], NULL, NULL, before, &total);
    read_pages(page_queries[_i], meddle_some, touched, times, &total);
    for (int i = 0; i < RESOURCES; i++) {
        if (!touched[i]) {
            ck_assert_msg(times[i] == before[i], "%s: p%d came %d times, not %d", page_queries[_i],
                          i, times[i], before[i]);
        }
    }
}
END_TEST

START_TEST(tokens_belong_to_query_principal_and_store)
{
    static page p;
    found f;
    char other[9000];
    read_page("active=true&_count=5", &p);
    const char *token = strstr(p.next, "_page=");
    ck_assert_ptr_nonnull(token);
    ck_assert_ok(found_try(&ward, "Patient", p.next, false, &f, &err));
    found_close(&f);
    (void)snprintf(other, sizeof(other), "active=false&_count=5&%s", token);
    ck_assert_int_eq(found_try(&ward, "Patient", other, false, &f, NULL), FHIRSTORE_ERR_PAGE_TOKEN);
    found_close(&f);
    (void)snprintf(other, sizeof(other), "%s", p.next);
    char *last = &other[strlen(other) - 3];
    *last = *last == 'A' ? 'B' : 'A';
    ck_assert_int_eq(found_try(&ward, "Patient", other, false, &f, NULL), FHIRSTORE_ERR_PAGE_TOKEN);
    found_close(&f);
    ck_assert_int_eq(found_try(&ward, "Patient", "active=true&_count=5&_page=abc", false, &f, NULL),
                     FHIRSTORE_ERR_PAGE_TOKEN);
    found_close(&f);
    ward.env.principal = FHS_LIT("Practitioner/2");
    ck_assert_int_eq(found_try(&ward, "Patient", p.next, false, &f, NULL),
                     FHIRSTORE_ERR_PAGE_TOKEN);
    found_close(&f);
}
END_TEST

START_TEST(totals_as_they_were_asked_for)
{
    static page p;
    read_page("_count=5&_total=none", &p);
    ck_assert_int_eq(p.total, -1);
    read_page("_count=5&_total=accurate", &p);
    ck_assert_int_eq(p.total, RESOURCES);
    read_page("_count=0", &p);
    ck_assert_int_eq(p.total, RESOURCES);
    ck_assert_uint_eq(p.count, 0);
    read_page("_summary=count", &p);
    ck_assert_int_eq(p.total, RESOURCES);
    ck_assert_uint_eq(p.count, 0);
}
END_TEST

START_TEST(what_was_left_out_is_reported)
{
    found f;
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 24);
    ck_assert_ok(found_try(&ward, "Patient", "_id=p1&nonsense=x", true, &f, &err));
    ck_assert_ok(fhs_search_write_bundle(f.search, FHS_LIT("Patient"), &out, &err));
    ck_assert_ptr_nonnull(strstr(out.ptr, "\"search\":{\"mode\":\"outcome\"}"));
    ck_assert_ptr_nonnull(strstr(out.ptr, "'nonsense'"));
    ck_assert_ptr_nonnull(strstr(out.ptr, BASE_URL "/Patient?_id=p1\""));
    ck_assert_ptr_nonnull(strstr(out.ptr, "\"total\":1,"));
    found_close(&f);
    fhs_buf_clear(&out);
}
END_TEST

START_TEST(a_cursor_goes_on_behind_a_page)
{
    found f;
    fhs_version version;
    int count = 0;
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 24);
    ck_assert_ok(found_try(&ward, "Patient", "_count=5", false, &f, &err));
    ck_assert_ok(fhs_search_write_bundle(f.search, FHS_LIT("Patient"), &out, &err));
    while (fhs_search_next(f.search, &version, NULL) == FHIRSTORE_OK) {
        count++;
    }
    ck_assert_int_eq(count, RESOURCES - 5);
    found_close(&f);
    fhs_buf_clear(&out);
}
END_TEST

START_TEST(a_cursor_sees_one_snapshot)
{
    found f;
    fhs_version version;
    int count = 0;
    bool touched[RESOURCES * 4];
    ck_assert_ok(found_try(&ward, "Patient", "_sort=birthdate", false, &f, &err));
    ck_assert_ok(fhs_search_next(f.search, &version, &err));
    for (int i = 0; i < 10; i++) {
        meddle_some(touched);
    }
    for (count = 1; fhs_search_next(f.search, &version, NULL) == FHIRSTORE_OK; count++) {
        ck_assert_int_eq(version.version, 1);
    }
    ck_assert_int_eq(count, RESOURCES);
    found_close(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("search/page");
    TCase *tests = tcase_create("page");
    int queries = (int)(sizeof(page_queries) / sizeof(page_queries[0]));
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, open_ward, close_ward);
    tcase_add_loop_test(tests, pages_deliver_everything_once, 0, queries);
    tcase_add_loop_test(tests, what_stays_the_same_comes_exactly_once, 0,
                        queries - MOVED_BY_OTHERS);
    tcase_add_loop_test(tests, going_back_shows_the_same_pages, 0, queries);
    tcase_add_test(tests, going_back_past_what_is_gone);
    tcase_add_test(tests, links_show_nothing_of_the_sort_keys);
    tcase_add_test(tests, tokens_belong_to_query_principal_and_store);
    tcase_add_test(tests, totals_as_they_were_asked_for);
    tcase_add_test(tests, what_was_left_out_is_reported);
    tcase_add_test(tests, a_cursor_goes_on_behind_a_page);
    tcase_add_test(tests, a_cursor_sees_one_snapshot);
    suite_add_tcase(suite, tests);
    TCase *crowd = tcase_create("crowd");
    tcase_set_timeout(crowd, 120);
    tcase_add_checked_fixture(crowd, open_crowd, close_ward);
    tcase_add_loop_test(crowd, going_back_over_many, 0, 2);
    suite_add_tcase(suite, crowd);
    return run_suite(suite);
}
