/* SPDX-License-Identifier: Apache-2.0 */
/* What comes along with the matches of a page. */
#include "store.h"

static store ward;
static fhs_type hidden_type;
static const fhs_node *org_restriction;

static const char *const resources[] = {
    "{\"resourceType\":\"Organization\",\"id\":\"o3\",\"name\":\"Three\"}",
    "{\"resourceType\":\"Organization\",\"id\":\"o2\",\"name\":\"Two\",\"partOf\":{\"reference\":"
    "\"Organization/o3\"}}",
    "{\"resourceType\":\"Organization\",\"id\":\"o1\",\"name\":\"One\",\"partOf\":{\"reference\":"
    "\"Organization/o2\"}}",
    /* o3 belongs to o1: a ring. */
    "{\"resourceType\":\"Organization\",\"id\":\"o3\",\"name\":\"Three\",\"partOf\":{\"reference\":"
    "\"Organization/o1\"}}",
    "{\"resourceType\":\"Practitioner\",\"id\":\"d1\"}",
    "{\"resourceType\":\"Patient\",\"id\":\"p1\",\"gender\":\"male\"}",
    "{\"resourceType\":\"Patient\",\"id\":\"p1\",\"gender\":\"female\",\"managingOrganization\":{"
    "\"reference\":\"Organization/o1\"},\"generalPractitioner\":[{\"reference\":\"Practitioner/"
    "d1\"},{\"reference\":\"Organization/o2\"}]}",
    "{\"resourceType\":\"Patient\",\"id\":\"p2\",\"gender\":\"female\",\"managingOrganization\":{"
    "\"reference\":\"Organization/o1\"}}",
    "{\"resourceType\":\"Patient\",\"id\":\"p3\",\"gender\":\"male\",\"managingOrganization\":{"
    "\"reference\":\"Organization/gone\"},\"link\":[{\"type\":\"seealso\",\"other\":{\"reference\":"
    "\"Patient/p2\"}}]}",
    "{\"resourceType\":\"Observation\",\"id\":\"b1\",\"status\":\"final\",\"subject\":{"
    "\"reference\":\"Patient/p1/_history/1\"},\"performer\":[{\"reference\":\"Practitioner/d1\"}]}",
    "{\"resourceType\":\"Observation\",\"id\":\"b2\",\"status\":\"final\",\"subject\":{"
    "\"reference\":\"" BASE_URL
    "/Patient/p1\"},\"hasMember\":[{\"reference\":\"Observation/b1\"}]}",
    "{\"resourceType\":\"Observation\",\"id\":\"b3\",\"status\":\"final\",\"subject\":{"
    "\"reference\":\"Patient/p1/_history/2\"},\"hasMember\":[{\"reference\":\"Observation/b2\"}]}",
    "{\"resourceType\":\"Observation\",\"id\":\"b4\",\"status\":\"final\",\"subject\":{"
    "\"reference\":\"Patient/p2/_history/7\"}}",
    "{\"resourceType\":\"Observation\",\"id\":\"b5\",\"status\":\"final\",\"subject\":{"
    "\"reference\":\"http://elsewhere.org/Patient/p2\"}}",
    "{\"resourceType\":\"Questionnaire\",\"id\":\"q1\",\"status\":\"active\",\"url\":"
    "\"http://example.org/q\",\"version\":\"1.0\"}",
    "{\"resourceType\":\"Questionnaire\",\"id\":\"q2\",\"status\":\"active\",\"url\":"
    "\"http://example.org/q\",\"version\":\"2.0\"}",
    "{\"resourceType\":\"QuestionnaireResponse\",\"id\":\"r1\",\"status\":\"completed\","
    "\"questionnaire\":\"http://example.org/q|2.0\"}",
    "{\"resourceType\":\"QuestionnaireResponse\",\"id\":\"r2\",\"status\":\"completed\","
    "\"questionnaire\":\"http://example.org/q\"}",
    "{\"resourceType\":\"Organization\",\"id\":\"gone\",\"name\":\"Gone\"}",
};

static void open_ward(void)
{
    store_open(&ward);
    ward.env.indexer = ward.indexer;
    for (size_t i = 0; i < sizeof(resources) / sizeof(*resources); i++) {
        ward.now_us += 1000;
        store_begin(&ward);
        store_put(&ward, resources[i]);
        store_commit(&ward);
    }
    store_begin(&ward);
    store_delete(&ward, "Organization", "gone");
    store_commit(&ward);
}

static void close_ward(void)
{
    store_close(&ward);
}

/* ---- one page in short: "match match | include include | outcome" ---- */

typedef struct page {
    char text[8192];
    char related[8192]; /* query texts of links */
    char next[8192];
    char outcome[1024];
    int64_t total;
    int64_t told;
} page;

static void add_word(page *p, const char *word)
{
    size_t len = strlen(p->text);
    (void)snprintf(p->text + len, sizeof(p->text) - len, "%s%s", len > 0 ? " " : "", word);
}

static void add_entry(page *p, const fhs_json *entry)
{
    char word[128];
    fhs_str type;
    fhs_str id;
    const fhs_json *resource = fhs_json_get(entry, FHS_LIT("resource"));
    ck_assert(fhs_json_get_string(resource, FHS_LIT("resourceType"), &type));
    if (fhs_str_eq(type, FHS_LIT("OperationOutcome"))) {
        fhs_str text;
        const fhs_json *issue = &fhs_json_get(resource, FHS_LIT("issue"))->items[0];
        ck_assert(fhs_json_get_string(issue, FHS_LIT("diagnostics"), &text));
        (void)snprintf(p->outcome, sizeof(p->outcome), "%.*s", FHS_STR_ARG(text));
        return;
    }
    ck_assert(fhs_json_get_string(resource, FHS_LIT("id"), &id));
    (void)snprintf(word, sizeof(word), "%.*s", FHS_STR_ARG(id));
    add_word(p, word);
    if (fhs_str_eq(id, FHS_LIT("p1")) &&
        fhs_json_get(resource, FHS_LIT("generalPractitioner")) == NULL) {
        add_word(p, "(old)");
    }
}

static void read_link(const fhs_json *link, page *p)
{
    fhs_str relation;
    fhs_str url;
    ck_assert(fhs_json_get_string(link, FHS_LIT("relation"), &relation));
    ck_assert(fhs_json_get_string(link, FHS_LIT("url"), &url));
    char *place = fhs_str_eq(relation, FHS_LIT("related")) ? p->related
                  : fhs_str_eq(relation, FHS_LIT("next"))  ? p->next
                                                           : NULL;
    if (place != NULL) {
        size_t mark = fhs_str_find_char(url, '?', 0);
        (void)snprintf(place, 8192, "%.*s", FHS_STR_ARG(fhs_str_from(url, mark + 1)));
    }
}

static fhirstore_status try_page(const char *type, const char *query, bool lenient, page *p,
                                 fhirstore_error **err_out)
{
    found f;
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 24);
    fhs_arena arena;
    const fhs_json *root = NULL;
    static const char *const modes[] = {"match", "include", "outcome"};
    *p = (page){.total = -1};
    fhs_arena_init(&arena, (size_t)1 << 24);
    fhirstore_status status = found_try(&ward, type, query, lenient, &f, err_out);
    if (status == FHIRSTORE_OK) {
        status = fhs_search_write_bundle(f.search, fhs_str_from_cstr(type), &out, err_out);
    }
    if (status == FHIRSTORE_OK) {
        int64_t unused;
        fhs_search_told(f.search, &p->told, &unused);
        ck_assert_ok(fhs_json_read(&arena, fhs_buf_str(&out), NULL, &root, &err));
        const fhs_json *links = fhs_json_get(root, FHS_LIT("link"));
        for (uint32_t i = 0; i < links->count; i++) {
            read_link(&links->items[i], p);
        }
        const fhs_json *total = fhs_json_get(root, FHS_LIT("total"));
        p->total = total == NULL ? -1 : atoi(total->text.ptr);
        const fhs_json *entries = fhs_json_get(root, FHS_LIT("entry"));
        size_t mode_at = 0;
        for (uint32_t i = 0; entries != NULL && i < entries->count; i++) {
            fhs_str mode;
            ck_assert(fhs_json_get_string(fhs_json_get(&entries->items[i], FHS_LIT("search")),
                                          FHS_LIT("mode"), &mode));
            while (!fhs_str_eq(mode, fhs_str_from_cstr(modes[mode_at]))) {
                ck_assert_uint_lt(++mode_at, 3);
                add_word(p, "|");
            }
            add_entry(p, &entries->items[i]);
        }
    }
    found_close(&f);
    fhs_buf_clear(&out);
    fhs_arena_clear(&arena);
    return status;
}

static void expect_page(const char *type, const char *query, const char *wanted)
{
    static page p;
    fhirstore_error *error = NULL;
    fhirstore_status status = try_page(type, query, false, &p, &error);
    ck_assert_msg(status == FHIRSTORE_OK, "%s?%s: %s", type, query, fhs_error_message(error));
    ck_assert_msg(strcmp(p.text, wanted) == 0, "%s?%s: %s, not %s", type, query, p.text, wanted);
}

typedef struct include_case {
    const char *type;
    const char *query;
    const char *page;
} include_case;

static const include_case cases[] = {
    /* forwards */
    {"Patient", "_id=p1&_include=Patient:organization", "p1 | o1"},
    {"Patient", "gender=female&_include=Patient:organization", "p1 p2 | o1"},
    {"Patient", "_id=p1&_include=Patient:general-practitioner", "p1 | o2 d1"},
    {"Patient", "_id=p1&_include=Patient:general-practitioner:Practitioner", "p1 | d1"},
    {"Patient", "_id=p1&_include=Patient:general-practitioner:Organization", "p1 | o2"},
    {"Patient", "_id=p1&_include=Patient:*", "p1 | o2 o1 d1"},
    {"Patient", "_id=p1&_include=*", "p1 | o2 o1 d1"},
    {"Patient", "_id=p1&_include=*:*", "p1 | o2 o1 d1"},
    {"Patient", "_id=p1&_include=Patient:*:Organization", "p1 | o2 o1"},
    {"Patient", "_id=p1&_include=Patient:organization&_include=Patient:general-practitioner",
     "p1 | o2 o1 d1"},
    /* A match is not included as well; what is deleted or was never there is not either. */
    {"Patient", "gender=female,male&_include=Patient:link", "p1 p2 p3"},
    {"Patient", "_id=p3&_include=Patient:link", "p3 | p2"},
    {"Patient", "_id=p3&_include=Patient:organization", "p3"},
    {"Observation", "_id=b5&_include=Observation:subject", "b5"},
    {"Observation", "_id=b5&_include=*", "b5"},
    /* iterate */
    {"Patient", "_id=p2&_include=Patient:organization&_include:iterate=Organization:partof",
     "p2 | o3 o2 o1"},
    {"Patient", "_id=p2&_include=Patient:organization&_include:recurse=Organization:partof",
     "p2 | o3 o2 o1"},
    {"Patient", "_id=p2&_include:iterate=*", "p2 | o3 o2 o1"},
    {"Organization", "_id=o1&_include:iterate=Organization:partof", "o1 | o3 o2"},
    {"Organization", "_id=o1&_include=Organization:partof", "o1 | o2"},
    {"Observation", "_id=b3&_include:iterate=Observation:has-member", "b3 | b1 b2"},
    {"Observation", "_id=b1&_revinclude:iterate=Observation:has-member", "b1 | b2 b3"},
    {"Observation", "_id=b1&_revinclude=Observation:has-member", "b1 | b2"},
    {"Organization",
     "_id=o1&_revinclude=Patient:organization&_revinclude:iterate=Observation:subject",
     "o1 | p1 p2 b1 b2 b3 b4"},
    {"Organization",
     "_id=o2&_revinclude:iterate=Organization:partof&_revinclude:iterate=Patient:organization",
     "o2 | o3 o1 p1 p2"},
    /* back */
    {"Patient", "_id=p1&_revinclude=Observation:subject", "p1 | b1 b2 b3"},
    {"Patient", "_id=p1,p2&_revinclude=Observation:patient", "p1 p2 | b1 b2 b3 b4"},
    {"Patient", "_id=p1&_revinclude=Observation:subject:Patient", "p1 | b1 b2 b3"},
    {"Patient", "_id=p2&_revinclude=Patient:link", "p2 | p3"},
    {"Patient", "_id=p2&_revinclude=*", "p2 | p3 b4"},
    {"Patient", "_id=p2&_revinclude=*:*", "p2 | p3 b4"},
    {"Patient", "_id=p2&_revinclude=Observation:*", "p2 | b4"},
    {"Organization", "_id=o1&_revinclude=*", "o1 | o3 p1 p2"},
    /* versions: the one that is named, if there is one */
    {"Observation", "_id=b1&_include=Observation:subject", "b1 | p1 (old)"},
    {"Observation", "_id=b2&_include=Observation:subject", "b2 | p1"},
    {"Observation", "_id=b3&_include=Observation:subject", "b3 | p1"},
    {"Observation", "_id=b1,b2,b3&_include=Observation:subject", "b1 b2 b3 | p1 p1 (old)"},
    {"Observation", "_id=b4&_include=Observation:subject", "b4"},
    {"Observation", "_id=b1&_include=Observation:subject&_include:iterate=Patient:organization",
     "b1 | p1 (old)"},
    {"Observation", "_id=b2&_include=Observation:subject&_include:iterate=Patient:organization",
     "b2 | o1 p1"},
    /* canonical references */
    {"QuestionnaireResponse", "_id=r1&_include=QuestionnaireResponse:questionnaire", "r1 | q2"},
    {"QuestionnaireResponse", "_id=r2&_include=QuestionnaireResponse:questionnaire", "r2 | q1 q2"},
    {"Questionnaire", "_id=q1&_revinclude=QuestionnaireResponse:questionnaire", "q1 | r2"},
    {"Questionnaire", "_id=q2&_revinclude=QuestionnaireResponse:questionnaire", "q2 | r1 r2"},
    {"Questionnaire", "_id=q2&_revinclude=*", "q2 | r1 r2"},
    /* every type at once */
    {"", "_type=Patient&_id=p1&_include=Patient:organization", "p1 | o1"},
    {"", "_id=p1,b1&_include=Patient:organization&_revinclude=Observation:has-member",
     "p1 b1 | o1 b2"},
    {"", "_include=Patient:organization&_type=Patient&_id=p1", "p1 | o1"},
    {"", "_id=p1&_include=*", "p1 | o2 o1 d1"},
    /* with the rest of a search */
    {"Patient", "gender=female&_sort=-_id&_count=1&_include=Patient:general-practitioner", "p2"},
    {"Patient", "_count=0&_include=Patient:organization", ""},
};

START_TEST(what_comes_along)
{
    expect_page(cases[_i].type, cases[_i].query, cases[_i].page);
}
END_TEST

START_TEST(totals_and_records)
{
    static page p;
    ck_assert_ok(try_page("Patient", "gender=female&_include=Patient:organization&_total=accurate",
                          false, &p, &err));
    ck_assert_int_eq(p.total, 2);
    ck_assert_int_eq(p.told, 3);
    ck_assert_str_eq(p.related, "");
    ck_assert_str_eq(p.outcome, "");
}
END_TEST

/* ---- errors ---- */

typedef struct bad_include {
    const char *query;
    fhirstore_status status;
    bool is_dropped; /* by a lenient search */
    const char *says;
} bad_include;

static const bad_include bad_includes[] = {
    {"_include=Nonsense:subject", FHIRSTORE_ERR_UNKNOWN_PARAM, true,
     "'_include' expects a resource"},
    {"_include=Patient:nonsense", FHIRSTORE_ERR_UNKNOWN_PARAM, true, "does not have"},
    {"_include=Patient:name", FHIRSTORE_ERR_UNKNOWN_PARAM, true, "is not a reference"},
    {"_include=Patient:organization:Patient", FHIRSTORE_ERR_UNKNOWN_PARAM, true,
     "the reference may have"},
    {"_include=Patient:organization:Nonsense", FHIRSTORE_ERR_UNKNOWN_PARAM, true,
     "the reference may have"},
    {"_include=Observation:subject", FHIRSTORE_ERR_UNKNOWN_PARAM, true, ":iterate"},
    {"_revinclude=Organization:partof", FHIRSTORE_ERR_UNKNOWN_PARAM, true, ":iterate"},
    {"_revinclude=Observation:subject:Group", FHIRSTORE_ERR_UNKNOWN_PARAM, true, ":iterate"},
    {"_include=Patient", FHIRSTORE_ERR_PARAM_VALUE, false, "expects Type:parameter"},
    {"_include=", FHIRSTORE_ERR_PARAM_VALUE, true, "expects Type:parameter"},
    {"_include=Patient:", FHIRSTORE_ERR_PARAM_VALUE, false, "expects Type:parameter"},
    {"_include=:organization", FHIRSTORE_ERR_PARAM_VALUE, false, "expects Type:parameter"},
    {"_include=Patient:organization:", FHIRSTORE_ERR_PARAM_VALUE, false, "expects Type:parameter"},
    {"_include=Patient:organization:Organization:x", FHIRSTORE_ERR_PARAM_VALUE, false,
     "expects Type:parameter"},
    {"_include=*:organization", FHIRSTORE_ERR_PARAM_VALUE, false, "expects Type:parameter"},
    {"_include:logical=Patient:organization", FHIRSTORE_ERR_MODIFIER, false, "it takes :iterate"},
    {"_revinclude:exact=Patient:link", FHIRSTORE_ERR_MODIFIER, false, "it takes :iterate"},
    {"_summary=text&_include=Patient:organization", FHIRSTORE_ERR_QUERY, false, "exclude"},
};

START_TEST(what_makes_no_sense_is_said)
{
    static page p;
    const bad_include *bad = &bad_includes[_i];
    fhirstore_error *error = NULL;
    ck_assert_int_eq(try_page("Patient", bad->query, false, &p, &error), bad->status);
    ck_assert_msg(strstr(fhs_error_message(error), bad->says) != NULL, "%s: %s", bad->query,
                  fhs_error_message(error));
    ck_assert_int_ge(fhs_status_http(bad->status), 400);
    ck_assert_int_lt(fhs_status_http(bad->status), 500);
    fhs_error_free(error);
    error = NULL;
    fhirstore_status status = try_page("Patient", bad->query, true, &p, &error);
    ck_assert_int_eq(status, bad->is_dropped ? FHIRSTORE_OK : bad->status);
    ck_assert_int_eq(p.outcome[0] != '\0', bad->is_dropped);
    fhs_error_free(error);
}
END_TEST

START_TEST(the_self_link_keeps_includes)
{
    found f;
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 24);
    ck_assert_ok(found_try(&ward, "Patient",
                           "_include:iterate=Patient:link&_revinclude=Observation:subject", false,
                           &f, &err));
    ck_assert_ok(fhs_search_write_bundle(f.search, FHS_LIT("Patient"), &out, &err));
    ck_assert_ptr_nonnull(strstr(out.ptr, "_include:iterate=Patient:link&_revinclude=Observation:"
                                          "subject"));
    found_close(&f);
    fhs_buf_clear(&out);
}
END_TEST

/* ---- a limit is told, and what is behind it comes too ---- */

#define CROWD 37

static void add_crowd(void)
{
    store_begin(&ward);
    for (int i = 0; i < CROWD; i++) {
        char json[256];
        (void)snprintf(json, sizeof(json),
                       "{\"resourceType\":\"Observation\",\"id\":\"c%d\",\"status\":\"final\","
                       "\"subject\":{\"reference\":\"Patient/p%d\"}}",
                       i, i % 2 == 0 ? 2 : 3);
        store_put(&ward, json);
    }
    store_commit(&ward);
}

static void count_crowd(const char *text, int *times)
{
    const char *bar = strchr(text, '|');
    for (const char *at = bar; at != NULL; at = strchr(at + 1, 'c')) {
        if (at != bar) {
            times[atoi(at + 1)]++;
        }
    }
}

static const char *const limited[] = {
    "_id=p2,p3&_revinclude=Observation:subject",
    "_id=p2,p3&_revinclude=Observation:subject&_revinclude=Observation:patient",
    "_id=p2,p3&_revinclude=*",
    "_id=p2,p3&_revinclude:iterate=Observation:subject",
    "gender=male,female&_sort=-_id&_count=2&_revinclude=Observation:subject",
};

START_TEST(nothing_is_cut_silently)
{
    static page p;
    char query[8192];
    int times[CROWD] = {0};
    size_t limits[] = {1, 3, 10, 30};
    add_crowd();
    ward.env.max_includes = limits[_i % 4];
    (void)snprintf(query, sizeof(query), "%s", limited[_i / 4]);
    ck_assert_ok(try_page("Patient", query, false, &p, &err));
    ck_assert_ptr_nonnull(strstr(p.outcome, "FHS_LIMIT_PAGE_INCLUDES"));
    ck_assert_str_ne(p.related, "");
    count_crowd(p.text, times);
    for (int pages = 0; p.related[0] != '\0'; pages++) {
        ck_assert_int_lt(pages, 100);
        (void)snprintf(query, sizeof(query), "%s", p.related);
        ck_assert_ok(try_page("Patient", query, false, &p, &err));
        ck_assert_int_eq(p.text[0], '|');
        ck_assert_int_le(p.told, (int64_t)ward.env.max_includes);
        count_crowd(p.text, times);
    }
    ck_assert_str_eq(p.outcome, "");
    for (int i = 0; i < CROWD; i++) {
        ck_assert_msg(times[i] == 1, "%s: c%d came %d times", limited[_i / 4], i, times[i]);
    }
}
END_TEST

START_TEST(the_rest_comes_while_others_write)
{
    static page p;
    char query[8192];
    int times[CROWD] = {0};
    bool touched[CROWD] = {false};
    int next = 0;
    add_crowd();
    ward.env.max_includes = 3;
    (void)snprintf(query, sizeof(query), "%s", limited[_i]);
    ck_assert_ok(try_page("Patient", query, false, &p, &err));
    count_crowd(p.text, times);
    for (int pages = 0; p.related[0] != '\0'; pages++) {
        char json[256];
        char id[16];
        ck_assert_int_lt(pages, 100);
        store_begin(&ward);
        (void)snprintf(id, sizeof(id), "c%d", next % CROWD);
        store_delete(&ward, "Observation", id);
        touched[next % CROWD] = true;
        /* One goes to another patient, a new one comes, and the patient itself changes. */
        touched[(next + 11) % CROWD] = true;
        (void)snprintf(json, sizeof(json),
                       "{\"resourceType\":\"Observation\",\"id\":\"c%d\",\"status\":\"final\","
                       "\"subject\":{\"reference\":\"Patient/p1\"}}",
                       (next + 11) % CROWD);
        store_put(&ward, json);
        (void)snprintf(json, sizeof(json),
                       "{\"resourceType\":\"Observation\",\"id\":\"x%d\",\"status\":\"final\","
                       "\"subject\":{\"reference\":\"Patient/p2\"}}",
                       next);
        store_put(&ward, json);
        store_put(&ward, "{\"resourceType\":\"Patient\",\"id\":\"p2\",\"gender\":\"female\"}");
        store_commit(&ward);
        next += 5;
        (void)snprintf(query, sizeof(query), "%s", p.related);
        ck_assert_ok(try_page("Patient", query, false, &p, &err));
        count_crowd(p.text, times);
    }
    ck_assert_int_gt(next, 0);
    for (int i = 0; i < CROWD; i++) {
        ck_assert_msg(touched[i] || times[i] == 1, "%s: c%d came %d times", limited[_i], i,
                      times[i]);
    }
}
END_TEST

START_TEST(a_related_link_belongs_to_its_search)
{
    static page p;
    char query[9000];
    add_crowd();
    ward.env.max_includes = 5;
    ck_assert_ok(try_page("Patient", "_id=p2&_revinclude=Observation:subject", false, &p, &err));
    const char *token = strstr(p.related, "_page=");
    ck_assert_ptr_nonnull(token);
    (void)snprintf(query, sizeof(query), "_id=p3&_revinclude=Observation:subject&%s", token);
    ck_assert_int_eq(try_page("Patient", query, false, &p, NULL), FHIRSTORE_ERR_PAGE_TOKEN);
}
END_TEST

/* ---- what may not be seen ---- */

static const fhs_node *restrict_type(void *ctx, fhs_type type)
{
    static const fhs_node all = {.kind = FHS_NODE_TRUE, .type = FHS_TYPE_NONE};
    (void)ctx;
    if (type == hidden_type) {
        return NULL;
    }
    return org_restriction != NULL && type == org_restriction->type ? org_restriction : &all;
}

static void hide(const char *type)
{
    hidden_type = fhs_type_find(ward.fhir, fhs_str_from_cstr(type));
    ward.env.restriction_of = restrict_type;
    org_restriction = NULL;
}

START_TEST(hidden_types_leave_no_trace)
{
    hide("Organization");
    expect_page("Patient", "_id=p1&_include=*", "p1 | d1");
    expect_page("Patient", "_id=p1&_include=Patient:organization", "p1");
    expect_page("Patient", "_id=p1&_include:iterate=*", "p1 | d1");
    hide("Observation");
    expect_page("Patient", "_id=p2&_revinclude=*", "p2 | p3");
    expect_page("Patient", "_id=p2&_revinclude=Observation:subject", "p2");
    hide("Patient");
    /* What is hidden is not passed through either. */
    expect_page("Organization",
                "_id=o1&_revinclude:iterate=Patient:organization&_revinclude:iterate="
                "Observation:subject",
                "o1");
    expect_page("Observation", "_id=b1&_include=Observation:subject", "b1");
}
END_TEST

START_TEST(a_restriction_is_tested_on_what_is_included)
{
    found f;
    hide("Group");
    /* Only what has this name, or this gender, may be seen. */
    ck_assert_ok(found_try(&ward, "Organization", "name=two", false, &f, &err));
    org_restriction = f.query->root;
    expect_page("Patient", "_id=p1&_include=*", "p1 | o2 d1");
    expect_page("Patient", "_id=p1&_include:iterate=*", "p1 | o2 d1");
    found_close(&f);
    ck_assert_ok(found_try(&ward, "Patient", "gender=male", false, &f, &err));
    org_restriction = f.query->root;
    /* An old version is judged by what it says itself. */
    expect_page("Observation", "_id=b1&_include=Observation:subject", "b1 | p1 (old)");
    expect_page("Observation", "_id=b2&_include=Observation:subject", "b2");
    found_close(&f);
    ck_assert_ok(found_try(&ward, "Patient", "gender=female", false, &f, &err));
    org_restriction = f.query->root;
    expect_page("Observation", "_id=b1&_include=Observation:subject", "b1");
    expect_page("Observation", "_id=b2&_include=Observation:subject", "b2 | p1");
    expect_page("Organization", "_id=o1&_revinclude=Patient:organization", "o1 | p1 p2");
    ward.env.indexer = NULL;
    expect_page("Observation", "_id=b1&_include=Observation:subject", "b1");
    found_close(&f);
}
END_TEST

START_TEST(a_search_may_look_at_only_so_much)
{
    static page p;
    add_crowd();
    ward.env.max_visits = 20;
    ck_assert_int_eq(
        try_page("Patient", "_id=p2,p3&_revinclude=Observation:subject", false, &p, NULL),
        FHIRSTORE_ERR_TOO_COSTLY);
}
END_TEST

/* ---- random graphs against a plain walk ---- */

#define NODES 60 /* 0…19 patients, 20…29 organizations, 30…59 observations */

enum edge_kind {
    PATIENT_LINK,
    PATIENT_ORGANIZATION,
    ORGANIZATION_PART,
    OBSERVATION_SUBJECT,
    OBSERVATION_MEMBER,
    EDGE_KINDS
};

static const char *const edge_names[EDGE_KINDS] = {"Patient:link", "Patient:organization",
                                                   "Organization:partof", "Observation:subject",
                                                   "Observation:has-member"};

static bool edges[EDGE_KINDS][NODES][NODES];
static uint32_t dice;

static int throw_dice(int below)
{
    dice = dice * 1664525u + 1013904223u;
    return (int)((dice >> 8) % (uint32_t)below);
}

static int node_type(int node)
{
    return node < 20 ? 0 : node < 30 ? 1 : 2;
}

static void add_edge(enum edge_kind kind, int from, int first, int count)
{
    if (throw_dice(3) != 0) {
        edges[kind][from][first + throw_dice(count)] = true;
    }
}

/* Append the references of one kind, each with @a before and @a behind. */
static void write_edges(char *json, enum edge_kind kind, int from, const char *before,
                        const char *behind)
{
    static const char *const types[] = {"Patient", "Organization", "Observation"};
    bool is_first = true;
    for (int to = 0; to < NODES; to++) {
        if (edges[kind][from][to]) {
            size_t len = strlen(json);
            (void)snprintf(json + len, 2048 - len, "%s%s{\"reference\":\"%s/n%d\"}%s",
                           is_first ? "" : ",", before, types[node_type(to)], to, behind);
            is_first = false;
        }
    }
}

static void put_node(int node)
{
    static const char *const heads[] = {"Patient\",\"active\":true",
                                        "Organization\",\"name\":\"x\"",
                                        "Observation\",\"status\":\"final\""};
    char json[2048];
    (void)snprintf(json, sizeof(json), "{\"id\":\"n%d\",\"resourceType\":\"%s", node,
                   heads[node_type(node)]);
    if (node_type(node) == 0) {
        strcat(json, ",\"link\":[");
        write_edges(json, PATIENT_LINK, node, "{\"type\":\"seealso\",\"other\":", "}");
        strcat(json, "]");
        write_edges(json, PATIENT_ORGANIZATION, node, ",\"managingOrganization\":", "");
    } else if (node_type(node) == 1) {
        write_edges(json, ORGANIZATION_PART, node, ",\"partOf\":", "");
    } else {
        write_edges(json, OBSERVATION_SUBJECT, node, ",\"subject\":", "");
        strcat(json, ",\"hasMember\":[");
        write_edges(json, OBSERVATION_MEMBER, node, "", "");
        strcat(json, "]");
    }
    strcat(json, "}");
    store_put(&ward, json);
}

static void make_graph(void)
{
    memset(edges, 0, sizeof(edges));
    for (int node = 0; node < NODES; node++) {
        switch (node_type(node)) {
        case 0:
            add_edge(PATIENT_LINK, node, 0, 20);
            add_edge(PATIENT_LINK, node, 0, 20);
            add_edge(PATIENT_ORGANIZATION, node, 20, 10);
            break;
        case 1:
            add_edge(ORGANIZATION_PART, node, 20, 10);
            break;
        default:
            add_edge(OBSERVATION_SUBJECT, node, 0, 20);
            add_edge(OBSERVATION_MEMBER, node, 30, 30);
            add_edge(OBSERVATION_MEMBER, node, 30, 30);
        }
    }
    store_begin(&ward);
    for (int i = 0; i < NODES; i++) {
        put_node((i * 37) % NODES);
    }
    store_commit(&ward);
}

typedef struct wish {
    int kind; /* EDGE_KINDS: all */
    bool is_reverse;
    bool iterate;
} wish;

/* What one step from @a from reaches. */
static void step_from(const wish *wishes, int count, int from, bool is_match, bool *reached)
{
    for (int w = 0; w < count; w++) {
        for (int kind = 0; kind < EDGE_KINDS && (is_match || wishes[w].iterate); kind++) {
            for (int to = 0; to < NODES && (wishes[w].kind == EDGE_KINDS || wishes[w].kind == kind);
                 to++) {
                reached[to] = reached[to] || (wishes[w].is_reverse ? edges[kind][to][from]
                                                                   : edges[kind][from][to]);
            }
        }
    }
}

static void walk_plainly(const wish *wishes, int count, const bool *matches, bool *reached)
{
    bool done[NODES] = {false};
    bool again = true;
    memset(reached, 0, sizeof(bool) * NODES);
    for (int i = 0; i < NODES; i++) {
        if (matches[i]) {
            step_from(wishes, count, i, true, reached);
        }
    }
    while (again) {
        again = false;
        for (int i = 0; i < NODES; i++) {
            if (reached[i] && !matches[i] && !done[i]) {
                done[i] = true;
                again = true;
                step_from(wishes, count, i, false, reached);
            }
        }
    }
}

/* A wish that may stand at a search of @a type, as text. */
static wish make_wish(int type, char *text, size_t room)
{
    static const int sources[EDGE_KINDS] = {0, 0, 1, 2, 2};
    static const int targets[EDGE_KINDS] = {0, 1, 1, 0, 2};
    wish made = {.kind = throw_dice(EDGE_KINDS + 1),
                 .is_reverse = throw_dice(2) == 0,
                 .iterate = throw_dice(2) == 0};
    if (made.kind < EDGE_KINDS && !made.iterate) {
        made.iterate = (made.is_reverse ? targets : sources)[made.kind] != type;
    }
    size_t len = strlen(text);
    (void)snprintf(text + len, room - len, "&_%sinclude%s=%s", made.is_reverse ? "rev" : "",
                   made.iterate ? ":iterate" : "",
                   made.kind == EDGE_KINDS ? "*" : edge_names[made.kind]);
    return made;
}

static void count_nodes(const char *text, bool included, int *times)
{
    const char *bar = strchr(text, '|');
    for (const char *at = strchr(text, 'n'); at != NULL; at = strchr(at + 1, 'n')) {
        if ((bar != NULL && at > bar) == included) {
            times[atoi(at + 1)]++;
        }
    }
}

static void try_wishes(int round)
{
    static const char *const types[] = {"Patient", "Organization", "Observation"};
    static const int firsts[] = {0, 20, 30, NODES};
    static page p;
    char query[16384] = "_id=none";
    wish wishes[3];
    bool matches[NODES] = {false};
    bool reached[NODES];
    int shown[NODES] = {0};
    int times[NODES] = {0};
    int type = throw_dice(3);
    int count = 1 + throw_dice(3);
    for (int i = 0; i < 1 + throw_dice(4); i++) {
        int node = firsts[type] + throw_dice(firsts[type + 1] - firsts[type]);
        size_t len = strlen(query);
        matches[node] = true;
        (void)snprintf(query + len, sizeof(query) - len, ",n%d", node);
    }
    for (int i = 0; i < count; i++) {
        wishes[i] = make_wish(type, query, sizeof(query));
    }
    char first[512];
    (void)snprintf(first, sizeof(first), "%s?%s", types[type], query);
    ward.env.max_includes = round % 3 == 0 ? 0 : (size_t)(1 + throw_dice(6));
    ck_assert_ok(try_page(types[type], query, false, &p, &err));
    count_nodes(p.text, false, shown);
    count_nodes(p.text, true, times);
    while (p.related[0] != '\0') {
        (void)snprintf(query, sizeof(query), "%s", p.related);
        ck_assert_ok(try_page(types[type], query, false, &p, &err));
        count_nodes(p.text, true, times);
    }
    walk_plainly(wishes, count, matches, reached);
    for (int i = 0; i < NODES; i++) {
        ck_assert_msg(shown[i] == (matches[i] ? 1 : 0), "%s: match n%d", first, i);
        ck_assert_msg(times[i] == (reached[i] && !matches[i] ? 1 : 0), "%s: n%d came %d times",
                      first, i, times[i]);
    }
}

START_TEST(random_graphs_are_walked_as_they_should)
{
    dice = (uint32_t)_i * 7919u + 5u;
    make_graph();
    for (int round = 0; round < 150; round++) {
        try_wishes(round);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("search/include");
    TCase *tests = tcase_create("include");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, open_ward, close_ward);
    tcase_add_loop_test(tests, what_comes_along, 0, (int)(sizeof(cases) / sizeof(*cases)));
    tcase_add_test(tests, totals_and_records);
    tcase_add_loop_test(tests, what_makes_no_sense_is_said, 0,
                        (int)(sizeof(bad_includes) / sizeof(*bad_includes)));
    tcase_add_test(tests, the_self_link_keeps_includes);
    tcase_add_loop_test(tests, nothing_is_cut_silently, 0,
                        (int)(sizeof(limited) / sizeof(*limited)) * 4);
    tcase_add_loop_test(tests, the_rest_comes_while_others_write, 0,
                        (int)(sizeof(limited) / sizeof(*limited)));
    tcase_add_test(tests, a_related_link_belongs_to_its_search);
    tcase_add_test(tests, hidden_types_leave_no_trace);
    tcase_add_test(tests, a_restriction_is_tested_on_what_is_included);
    tcase_add_loop_test(tests, random_graphs_are_walked_as_they_should, 0, 4);
    tcase_add_test(tests, a_search_may_look_at_only_so_much);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
