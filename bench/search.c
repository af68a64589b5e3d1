/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searches over generated patients, in encrypted stores of several sizes with a cache of 64 MiB,
 * each with thousands of random keys. Times are medians and 99th percentiles of single calls
 * through the public functions; where SQL written by hand can answer the same from the same file,
 * its time stands beside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "generate.h"

#define MAX_SIZES   8
#define MAX_ROWS    40
#define CALLS       4000
#define KEYS_MAX    65536
#define SEED        UINT64_C(20240521)
#define CACHE_MIB   64
#define NO_FIGURE   -1.0
#define MICROSECOND 1e-6

/* ---- keys ---- */

typedef struct key_list {
    char (*items)[40];
    size_t count;
    uint64_t seen;
} key_list;

typedef struct bench_keys {
    key_list claims;     /* identifiers of ExplanationOfBenefit */
    key_list encounters; /* ids */
    gen_keys *patients;
    size_t patient_count;
    uint64_t state;
} bench_keys;

static uint64_t next_number(bench_keys *keys)
{
    keys->state ^= keys->state << 13;
    keys->state ^= keys->state >> 7;
    keys->state ^= keys->state << 17;
    return keys->state;
}

/* An even sample of all that comes. */
static void sample_key(bench_keys *keys, key_list *list, const char *text)
{
    size_t at = list->count;
    list->seen++;
    if (at == KEYS_MAX) {
        at = (size_t)(next_number(keys) % list->seen);
        if (at >= KEYS_MAX) {
            return;
        }
    } else {
        list->count++;
    }
    (void)snprintf(list->items[at], sizeof list->items[at], "%.36s", text);
}

static void sample_keys(bench_keys *keys, key_list *list, const char *text, const char *before)
{
    for (const char *at = strstr(text, before); at != NULL; at = strstr(at, before)) {
        at += strlen(before);
        sample_key(keys, list, at);
    }
}

static const char *any_claim(bench_keys *keys)
{
    return keys->claims.items[next_number(keys) % keys->claims.count];
}

static const char *any_encounter(bench_keys *keys)
{
    return keys->encounters.items[next_number(keys) % keys->encounters.count];
}

static const gen_keys *any_patient(bench_keys *keys)
{
    return &keys->patients[next_number(keys) % keys->patient_count];
}

/* ---- the store ---- */

static void check(fhirstore_status status, const char *what, fhirstore_error *error)
{
    if (status < FHIRSTORE_OK) {
        bench_die(what, error == NULL ? "failed" : fhirstore_error_message(error));
    }
}

static void import_lines(fhirstore_import *import, const gen_text *text)
{
    fhirstore_error *error = NULL;
    for (size_t at = 0, len; at < text->len; at += len + 1) {
        const char *end = memchr(text->ptr + at, '\n', text->len - at);
        len = (size_t)(end - (text->ptr + at));
        check(fhirstore_import_add(import, "generated", 0, text->ptr + at, len, &error), "import",
              error);
    }
}

/* Generate the patients, keep keys to ask for, and import them unless they are there already. */
static int64_t fill_store(bench_store *opened, int64_t size, bool is_there, bench_keys *keys)
{
    fhirstore_import *import;
    fhirstore_import_totals totals = FHIRSTORE_IMPORT_TOTALS_INIT;
    fhirstore_error *error = NULL;
    gen_text text = {NULL, 0, 0};
    generator *g = gen_new(SEED, size);
    keys->claims.items = calloc(KEYS_MAX, sizeof *keys->claims.items);
    keys->encounters.items = calloc(KEYS_MAX, sizeof *keys->encounters.items);
    check(fhirstore_import_open(opened->session, NULL, &import, &error), "import", error);
    while (gen_next(g, &text) > 0) {
        if (!is_there) {
            import_lines(import, &text);
        }
        text.ptr[text.len - 1] = '\0'; /* the last line's end */
        sample_keys(keys, &keys->claims, text.ptr, "variables/clm_id\",\"value\":\"");
        sample_keys(keys, &keys->encounters, text.ptr, "\"resourceType\":\"Encounter\",\"id\":\"");
        keys->patients = realloc(keys->patients,
                                 (keys->patient_count + 1) * sizeof *keys->patients);
        gen_patient_keys(SEED, (int64_t)keys->patient_count, &keys->patients[keys->patient_count]);
        keys->patient_count++;
    }
    check(fhirstore_import_finish(import, &totals, &error), "import", error);
    fhirstore_import_close(import);
    if (totals.failed > 0) {
        bench_die("import", "some resources were refused");
    }
    gen_text_free(&text);
    gen_free(g);
    return totals.resources;
}

/* ---- the table ---- */

typedef struct figure {
    double median; /* seconds, or something a second */
    double slow;   /* 99th percentile */
    double bare;   /* SQL by hand */
} figure;

typedef struct table_row {
    const char *what;
    const char *want;
    bool is_rate;
    figure at[MAX_SIZES];
} table_row;

typedef struct table {
    table_row rows[MAX_ROWS];
    size_t count;
    int64_t sizes[MAX_SIZES];
    size_t size_count;
    size_t now; /* the size that is being measured */
} table;

static table_row *row_of(table *t, const char *what, const char *want, bool is_rate)
{
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->rows[i].what, what) == 0) {
            return &t->rows[i];
        }
    }
    if (t->count == MAX_ROWS) {
        bench_die(what, "too many rows");
    }
    table_row *row = &t->rows[t->count++];
    *row = (table_row){.what = what, .want = want, .is_rate = is_rate};
    for (size_t i = 0; i < MAX_SIZES; i++) {
        row->at[i] = (figure){NO_FIGURE, NO_FIGURE, NO_FIGURE};
    }
    return row;
}

static void print_figure(const table_row *row, const figure *at)
{
    char text[64];
    char ratio[32] = "";
    if (at->median < 0) {
        (void)printf(" %26s", "");
        return;
    }
    if (at->bare > 0) {
        (void)snprintf(ratio, sizeof ratio, " x%.1f",
                       row->is_rate ? at->bare / at->median : at->median / at->bare);
    }
    if (row->is_rate) {
        (void)snprintf(text, sizeof text, "%.2fM/s%s", at->median / 1e6, ratio);
    } else {
        (void)snprintf(text, sizeof text, "%.0f (%.0f) us%s", at->median / MICROSECOND,
                       at->slow / MICROSECOND, ratio);
    }
    (void)printf(" %26s", text);
}

static void print_table(const table *t)
{
    (void)printf("\nmedian (99th percentile) of a call; xN: to SQL by hand on the same file\n%-46s",
                 "");
    for (size_t i = 0; i < t->size_count; i++) {
        (void)printf(" %26lld", (long long)t->sizes[i]);
    }
    (void)printf("   growth  wanted\n");
    for (size_t r = 0; r < t->count; r++) {
        const table_row *row = &t->rows[r];
        (void)printf("%-46s", row->what);
        for (size_t i = 0; i < t->size_count; i++) {
            print_figure(row, &row->at[i]);
        }
        double first = row->at[0].median;
        double last = row->at[t->size_count - 1].median;
        if (t->size_count > 1 && first > 0 && last > 0 && !row->is_rate) {
            (void)printf("   x%-5.1f", last / first);
        } else {
            (void)printf("   %6s", "");
        }
        (void)printf("  %s\n", row->want);
    }
}

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void take_figure(double *times, size_t count, double *median, double *slow)
{
    qsort(times, count, sizeof *times, compare_times);
    *median = times[count / 2];
    if (slow != NULL) {
        *slow = times[count - 1 - count / 100];
    }
}

/* ---- pages ---- */

typedef void (*query_fn)(bench_keys *keys, char out[512]);

/* How many pages had no match: a figure about nothing would be worth nothing. */
static size_t pages;
static size_t empty_pages;

static double time_page(bench_store *opened, const char *type, const char *query)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    double begin = bench_now();
    fhirstore_status status = fhirstore_search_page(opened->session, type, strlen(type), query,
                                                    strlen(query), &response, &error);
    double taken = bench_now() - begin;
    check(status, query, error);
    pages++;
    empty_pages += strstr(fhirstore_response_body(response, NULL), "\"entry\":[") == NULL;
    fhirstore_response_free(response);
    return taken;
}

typedef struct page_row {
    const char *what;
    const char *want;
    const char *type;
    query_fn make;
    size_t calls;
    size_t distinct; /* keys; 0: a new one for each call */
} page_row;

static void measure_pages(table *t, bench_store *opened, bench_keys *keys, const page_row *page)
{
    static double times[CALLS];
    char query[512];
    table_row *row = row_of(t, page->what, page->want, false);
    uint64_t state = keys->state;
    pages = 0;
    empty_pages = 0;
    for (size_t i = 0; i < page->distinct; i++) { /* once, so that the pages are cached */
        page->make(keys, query);
        (void)time_page(opened, page->type, query);
    }
    keys->state = page->distinct > 0 ? state : keys->state;
    for (size_t i = 0; i < page->calls; i++) {
        if (page->distinct > 0 && i % page->distinct == 0) {
            keys->state = state;
        }
        page->make(keys, query);
        times[i] = time_page(opened, page->type, query);
    }
    take_figure(times, page->calls, &row->at[t->now].median, &row->at[t->now].slow);
    if (empty_pages * 2 > pages) {
        (void)printf("%s: %zu of %zu pages are empty\n", page->what, empty_pages, pages);
    }
}

static void by_identifier(bench_keys *keys, char out[512])
{
    (void)snprintf(out, 512, "identifier=https://bluebutton.cms.gov/resources/variables/clm_id|%s",
                   any_claim(keys));
}

static void by_family(bench_keys *keys, char out[512])
{
    const gen_keys *patient = any_patient(keys);
    (void)snprintf(out, 512, "family=%.*s", (int)strcspn(patient->family, "-"), patient->family);
}

static void by_subject(bench_keys *keys, char out[512])
{
    (void)snprintf(out, 512, "subject=Patient/%s", any_patient(keys)->id);
}

static void by_encounter(bench_keys *keys, char out[512])
{
    (void)snprintf(out, 512, "encounter=Encounter/%s", any_encounter(keys));
}

static void newest_first(bench_keys *keys, char out[512])
{
    (void)keys;
    (void)snprintf(out, 512, "_sort=-date");
}

static void newest_of_category(bench_keys *keys, char out[512])
{
    (void)keys;
    (void)snprintf(out, 512, "category=laboratory&_sort=-date");
}

static void newest_of_patient(bench_keys *keys, char out[512])
{
    (void)snprintf(out, 512, "subject=Patient/%s&_sort=-date", any_patient(keys)->id);
}

static void by_chain(bench_keys *keys, char out[512])
{
    (void)snprintf(out, 512, "subject:Patient.family=%s", any_patient(keys)->family);
}

static void by_wide_chain(bench_keys *keys, char out[512])
{
    static const char *const genders[] = {"male", "female"};
    (void)snprintf(out, 512, "subject:Patient.gender=%s", genders[next_number(keys) % 2]);
}

static void by_has(bench_keys *keys, char out[512])
{
    static const char *const codes[] = {"44054006", "22298006", "230690007", "49436004",
                                        "363406005"}; /* one in some 200 conditions each */
    (void)snprintf(out, 512, "_has:Condition:patient:code=http://snomed.info/sct|%s",
                   codes[next_number(keys) % 5]);
}

static void by_some_has(bench_keys *keys, char out[512])
{
    (void)keys;
    (void)snprintf(out, 512, "_has:Condition:patient:code=http://snomed.info/sct|444814009");
}

static void by_wide_has(bench_keys *keys, char out[512])
{
    static const char *const codes[] = {"8302-2", "2339-0", "718-7", "55284-4"};
    (void)snprintf(out, 512, "_has:Observation:patient:code=http://loinc.org|%s",
                   codes[next_number(keys) % 4]);
}

/* A page of 20 with what it refers to, and with what refers to it. */
static void with_include(bench_keys *keys, char out[512])
{
    (void)snprintf(out, 512,
                   "subject=Patient/%s&_include=Observation:subject&_include=Observation:encounter",
                   any_patient(keys)->id);
}

static void with_revinclude(bench_keys *keys, char out[512])
{
    (void)snprintf(out, 512, "family=%s&_revinclude=Encounter:subject&_count=20",
                   any_patient(keys)->family);
}

static void with_everything(bench_keys *keys, char out[512])
{
    (void)snprintf(out, 512, "_id=%s&_include=*&_revinclude=Condition:*", any_patient(keys)->id);
}

static void with_all_of_patient(bench_keys *keys, char out[512])
{
    (void)snprintf(out, 512, "_id=%s&_revinclude=*&_count=20", any_patient(keys)->id);
}

static const char *const vital_codes[] = {"8302-2", "29463-7", "55284-4", "39156-5"};

static void by_three(bench_keys *keys, char out[512])
{
    uint64_t year = 2005 + next_number(keys) % 12;
    const char *code = vital_codes[next_number(keys) % 4];
    (void)snprintf(
        out, 512, "code=http://loinc.org|%s&date=ge%llu-01-01&date=lt%llu-01-01&subject=Patient/%s",
        code, (unsigned long long)year, (unsigned long long)year + 3, any_patient(keys)->id);
}

static const page_row page_rows[] = {
    {"token, one hit", "p50 under 250 us, growth under 3", "ExplanationOfBenefit", by_identifier,
     CALLS, 0},
    {"string prefix", "p50 under 250 us, growth under 3", "Patient", by_family, CALLS, 0},
    {"reference, a page of 20", "p50 under 250 us, growth under 3", "Observation", by_subject,
     CALLS, 0},
    {"reference, a few hits", "p50 under 250 us, growth under 3", "Observation", by_encounter,
     CALLS, 0},
    {"token, pages cached", "under 100 us", "ExplanationOfBenefit", by_identifier, CALLS, 100},
    {"string prefix, pages cached", "under 100 us", "Patient", by_family, CALLS, 100},
    {"reference, a page of 20, pages cached", "under 100 us", "Observation", by_subject, CALLS,
     100},
    {"_sort=-date", "under 2 ms", "Observation", newest_first, 100, 0},
    {"category and _sort=-date", "under 2 ms", "Observation", newest_of_category, 100, 0},
    {"subject and _sort=-date", "", "Observation", newest_of_patient, 1000, 0},
    {"chain, few inner matches", "under 5 ms", "Observation", by_chain, 1000, 0},
    {"chain, half of all match", "under 5 ms", "Observation", by_wide_chain, 50, 0},
    {"_has, few inner matches", "under 5 ms", "Patient", by_has, 50, 0},
    {"_has, one in five inner matches", "under 5 ms", "Patient", by_some_has, 50, 0},
    {"_has, many inner matches", "under 5 ms", "Patient", by_wide_has, 50, 0},
    {"_include, a page of 20", "under 5 ms", "Observation", with_include, 1000, 0},
    {"_revinclude, a page of 20", "under 5 ms", "Patient", with_revinclude, 1000, 0},
    {"_include and _revinclude by wildcard", "", "Patient", with_everything, 500, 0},
    {"_revinclude=*, all of one patient", "", "Patient", with_all_of_patient, 100, 0},
    {"code, dates and subject", "to SQL within 3", "Observation", by_three, CALLS, 0},
};

/* ---- counting and fetching ---- */

static void measure_count(table *t, bench_store *opened, const char *what, const char *query)
{
    double times[21];
    int64_t hits = 0;
    fhirstore_error *error = NULL;
    table_row *row = row_of(t, what, "at least 20 M/s", true);
    for (size_t i = 0; i < 21; i++) {
        double begin = bench_now();
        check(fhirstore_search_count(opened->session, FHIRSTORE_LIT("Observation"), query,
                                     strlen(query), &hits, &error),
              query, error);
        times[i] = bench_now() - begin;
    }
    take_figure(times, 21, &row->at[t->now].median, NULL);
    row->at[t->now].median = (double)hits / row->at[t->now].median;
}

/* As many as 100,000 matches into one buffer, a line each. */
static void measure_fetch(table *t, bench_store *opened, const char *what, const char *type,
                          const char *query, const char *want)
{
    double rates[5];
    table_row *row = row_of(t, what, want, true);
    char *lines = malloc((size_t)512 << 20);
    for (size_t round = 0; round < 5; round++) {
        fhirstore_search *search = NULL;
        fhirstore_error *error = NULL;
        size_t used = 0;
        int64_t count = 0;
        double begin = bench_now();
        check(fhirstore_search_open(opened->session, type, strlen(type), query, strlen(query),
                                    &search, &error),
              query, error);
        while (count < 100000 && fhirstore_search_next(search, &error) == FHIRSTORE_OK) {
            size_t len;
            const char *body = fhirstore_search_body(search, &len);
            memcpy(lines + used, body, len);
            lines[used + len] = '\n';
            used += len + 1;
            count++;
        }
        rates[round] = (double)count / (bench_now() - begin);
        fhirstore_search_close(search);
    }
    free(lines);
    take_figure(rates, 5, &row->at[t->now].median, NULL);
}

/* ---- SQL by hand, on the same file ---- */

static int64_t ask(sqlite3 *db, const char *sql, const char *text)
{
    sqlite3_stmt *stmt = bare_prepare(db, sql);
    if (text != NULL) {
        (void)sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
    }
    if (sqlite3_step(stmt) != SQLITE_ROW) {
        bench_die(sql, "no answer");
    }
    int64_t value = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return value;
}

static int64_t param_number(sqlite3 *db, const char *type, const char *code)
{
    char sql[256];
    (void)snprintf(sql, sizeof sql,
                   "SELECT p.num FROM param p JOIN type t ON t.num=p.type WHERE t.name='%s' AND "
                   "p.code='%s'",
                   type, code);
    return ask(db, sql, NULL);
}

static size_t bare_bytes;

/* Run to the end, copying what it gives. */
static double time_bare(sqlite3_stmt *stmt, double begin, char *into, size_t capacity)
{
    bare_bytes = 0;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        size_t len = (size_t)sqlite3_column_bytes(stmt, 0);
        const void *bytes = sqlite3_column_blob(stmt, 0);
        if (bare_bytes + len <= capacity && len > 0) {
            memcpy(into + bare_bytes, bytes, len);
        }
        bare_bytes += len;
    }
    double taken = bench_now() - begin;
    (void)sqlite3_reset(stmt);
    return taken;
}

static char bare_page[1 << 20];

static void bare_token(table *t, sqlite3 *db, bench_keys *keys)
{
    static double times[CALLS];
    sqlite3_stmt *stmt = bare_prepare(
        db, "SELECT r.body FROM idx_token x JOIN resource r ON r.entity=x.entity WHERE x.param=?1 "
            "AND x.code=?2 AND x.system=?3 LIMIT 21");
    int64_t system = ask(db, "SELECT num FROM uri WHERE text=?1",
                         "https://bluebutton.cms.gov/resources/variables/clm_id");
    (void)sqlite3_bind_int64(stmt, 1, param_number(db, "ExplanationOfBenefit", "identifier"));
    (void)sqlite3_bind_int64(stmt, 3, system);
    for (size_t i = 0; i < CALLS; i++) {
        const char *key = any_claim(keys);
        double begin = bench_now();
        (void)sqlite3_bind_text(stmt, 2, key, -1, SQLITE_STATIC);
        times[i] = time_bare(stmt, begin, bare_page, sizeof bare_page);
    }
    (void)sqlite3_finalize(stmt);
    take_figure(times, CALLS, &row_of(t, "token, one hit", "", false)->at[t->now].bare, NULL);
}

static void bare_reference(table *t, sqlite3 *db, bench_keys *keys)
{
    static double times[CALLS];
    sqlite3_stmt *stmt = bare_prepare(
        db, "SELECT r.body FROM idx_reference x JOIN resource r ON r.entity=x.entity "
            "WHERE x.param=?1 AND x.target=(SELECT num FROM entity WHERE type=?2 AND id=?3) "
            "ORDER BY x.entity LIMIT 21");
    (void)sqlite3_bind_int64(stmt, 1, param_number(db, "Observation", "subject"));
    (void)sqlite3_bind_int64(stmt, 2, ask(db, "SELECT num FROM type WHERE name='Patient'", NULL));
    for (size_t i = 0; i < CALLS; i++) {
        const char *key = any_patient(keys)->id;
        double begin = bench_now();
        (void)sqlite3_bind_text(stmt, 3, key, -1, SQLITE_STATIC);
        times[i] = time_bare(stmt, begin, bare_page, sizeof bare_page);
    }
    (void)sqlite3_finalize(stmt);
    take_figure(times, CALLS, &row_of(t, "reference, a page of 20", "", false)->at[t->now].bare,
                NULL);
}

static void bare_sorted(table *t, sqlite3 *db)
{
    double times[100];
    sqlite3_stmt *stmt = bare_prepare(
        db, "SELECT r.body FROM idx_date x JOIN resource r ON r.entity=x.entity WHERE x.param=?1 "
            "ORDER BY x.lo DESC,x.hi DESC LIMIT 21");
    (void)sqlite3_bind_int64(stmt, 1, param_number(db, "Observation", "date"));
    for (size_t i = 0; i < 100; i++) {
        times[i] = time_bare(stmt, bench_now(), bare_page, sizeof bare_page);
    }
    (void)sqlite3_finalize(stmt);
    take_figure(times, 100, &row_of(t, "_sort=-date", "", false)->at[t->now].bare, NULL);
}

/* The dates are read from the bodies of the few that are left. */
static void bare_three(table *t, sqlite3 *db, bench_keys *keys)
{
    static double times[CALLS];
    char from[32];
    char to[32];
    sqlite3_stmt *stmt = bare_prepare(
        db, "SELECT r.body FROM idx_reference x JOIN idx_token c ON c.param=?1 AND c.code=?2 AND "
            "c.system=?3 AND c.exact='' AND c.entity=x.entity JOIN resource r ON r.entity=x.entity "
            "WHERE x.param=?4 AND x.target=(SELECT num FROM entity WHERE type=?5 AND id=?6) AND "
            "json_extract(r.body,'$.effectiveDateTime')>=?7 AND "
            "json_extract(r.body,'$.effectiveDateTime')<?8 ORDER BY x.entity LIMIT 21");
    (void)sqlite3_bind_int64(stmt, 1, param_number(db, "Observation", "code"));
    (void)sqlite3_bind_int64(stmt, 3,
                             ask(db, "SELECT num FROM uri WHERE text=?1", "http://loinc.org"));
    (void)sqlite3_bind_int64(stmt, 4, param_number(db, "Observation", "subject"));
    (void)sqlite3_bind_int64(stmt, 5, ask(db, "SELECT num FROM type WHERE name='Patient'", NULL));
    for (size_t i = 0; i < CALLS; i++) {
        int year = 2005 + (int)(next_number(keys) % 12);
        const char *code = vital_codes[next_number(keys) % 4];
        const char *patient = any_patient(keys)->id;
        double begin = bench_now();
        (void)snprintf(from, sizeof from, "%d-01-01", year);
        (void)snprintf(to, sizeof to, "%d-01-01", year + 3);
        (void)sqlite3_bind_text(stmt, 2, code, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(stmt, 6, patient, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(stmt, 7, from, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(stmt, 8, to, -1, SQLITE_STATIC);
        times[i] = time_bare(stmt, begin, bare_page, sizeof bare_page);
    }
    (void)sqlite3_finalize(stmt);
    take_figure(times, CALLS, &row_of(t, "code, dates and subject", "", false)->at[t->now].bare,
                NULL);
}

static void bare_count(table *t, sqlite3 *db)
{
    double times[21];
    int64_t hits = 0;
    sqlite3_stmt *stmt = bare_prepare(
        db, "SELECT count(*) FROM idx_token WHERE param=?1 AND code='vital-signs' AND system=?2 "
            "AND exact=''");
    (void)sqlite3_bind_int64(stmt, 1, param_number(db, "Observation", "category"));
    (void)sqlite3_bind_int64(stmt, 2,
                             ask(db, "SELECT num FROM uri WHERE text=?1",
                                 "http://terminology.hl7.org/CodeSystem/observation-category"));
    for (size_t i = 0; i < 21; i++) {
        double begin = bench_now();
        (void)sqlite3_step(stmt);
        hits = sqlite3_column_int64(stmt, 0);
        (void)sqlite3_reset(stmt);
        times[i] = bench_now() - begin;
    }
    (void)sqlite3_finalize(stmt);
    double median;
    take_figure(times, 21, &median, NULL);
    row_of(t, "count of one token", "", true)->at[t->now].bare = (double)hits / median;
}

static void bare_fetch(table *t, sqlite3 *db)
{
    double rates[5];
    size_t capacity = (size_t)512 << 20;
    char *lines = malloc(capacity);
    int64_t count = 0;
    sqlite3_stmt *stmt = bare_prepare(
        db, "SELECT r.body FROM idx_token x JOIN resource r ON r.entity=x.entity WHERE x.param=?1 "
            "AND x.code='vital-signs' AND x.system=?2 AND x.exact='' ORDER BY x.entity LIMIT "
            "100000");
    (void)sqlite3_bind_int64(stmt, 1, param_number(db, "Observation", "category"));
    (void)sqlite3_bind_int64(stmt, 2,
                             ask(db, "SELECT num FROM uri WHERE text=?1",
                                 "http://terminology.hl7.org/CodeSystem/observation-category"));
    for (size_t i = 0; i < 5; i++) {
        size_t used = 0;
        double begin = bench_now();
        for (count = 0; sqlite3_step(stmt) == SQLITE_ROW; count++) {
            size_t len = (size_t)sqlite3_column_bytes(stmt, 0);
            memcpy(lines + used, sqlite3_column_blob(stmt, 0), len);
            lines[used + len] = '\n';
            used += len + 1;
        }
        rates[i] = (double)count / (bench_now() - begin);
        (void)sqlite3_reset(stmt);
    }
    (void)sqlite3_finalize(stmt);
    free(lines);
    take_figure(rates, 5, &row_of(t, "fetch, scattered", "", true)->at[t->now].bare, NULL);
}

/* ---- all ---- */

typedef struct search_options {
    const char *folder;
    const char *only; /* rows whose name has this; NULL: all */
    bool keep;        /* leave the stores, and take those that are there */
} search_options;

static void measure_size(table *t, const search_options *given)
{
    const char *only = given->only;
    char path[4096];
    bench_store opened;
    bare_db bare;
    bench_keys keys = {.state = 88172645463325252u};
    (void)snprintf(path, sizeof path, "%s/search-%lld.db", given->folder,
                   (long long)t->sizes[t->now]);
    bool is_there = given->keep && bench_file_bytes(path) > 0;
    if (!is_there) {
        bench_remove(path);
    }
    bench_open(path, true, CACHE_MIB, &opened);
    double begin = bench_now();
    int64_t stored = fill_store(&opened, t->sizes[t->now], is_there, &keys);
    double taken = bench_now() - begin;
    bench_close(&opened);
    (void)printf("%lld resources in %.1f s (%.0f/s), %lld MB, %zu patients\n", (long long)stored,
                 taken, (double)stored / taken, (long long)(bench_file_bytes(path) >> 20),
                 keys.patient_count);
    (void)fflush(stdout);
    bench_open(path, true, CACHE_MIB, &opened);
    for (size_t i = 0; i < sizeof page_rows / sizeof page_rows[0]; i++) {
        if (only == NULL || strstr(page_rows[i].what, only) != NULL) {
            measure_pages(t, &opened, &keys, &page_rows[i]);
        }
    }
    if (only == NULL || strstr("count", only) != NULL) {
        measure_count(t, &opened, "count of one token",
                      "category=http://terminology.hl7.org/CodeSystem/observation-category|"
                      "vital-signs");
    }
    if (only == NULL || strstr("fetch", only) != NULL) {
        measure_fetch(t, &opened, "fetch, scattered", "Observation", "category=vital-signs",
                      "at least 0.15 M/s");
        measure_fetch(t, &opened, "fetch, half of what is stored", "Observation", "", "");
        measure_fetch(t, &opened, "fetch, in storage order", "", "", "at least 0.40 M/s");
    }
    bench_close(&opened);
    if (only == NULL) {
        bare_open(path, true, CACHE_MIB, false, &bare);
        bare_token(t, bare.db, &keys);
        bare_reference(t, bare.db, &keys);
        bare_sorted(t, bare.db);
        bare_three(t, bare.db, &keys);
        bare_count(t, bare.db);
        bare_fetch(t, bare.db);
        bare_close(&bare);
    }
    if (!given->keep) {
        bench_remove(path);
    }
    free(keys.claims.items);
    free(keys.encounters.items);
    free(keys.patients);
}

int main(int argc, char **argv)
{
    table *t = calloc(1, sizeof *t);
    search_options options = {.folder = argc > 1 ? argv[1] : ""};
    if (t == NULL || argc < 3) {
        (void)fprintf(stderr, "usage: bench_search STORE-FOLDER SIZE… [--only WORD] [--keep]; see "
                              "bench/run\n");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            options.only = argv[++i];
        } else if (strcmp(argv[i], "--keep") == 0) {
            options.keep = true;
        } else if (t->size_count < MAX_SIZES && atoll(argv[i]) > 0) {
            t->sizes[t->size_count++] = atoll(argv[i]);
        } else {
            bench_die(argv[i], "not a size");
        }
    }
    (void)printf("searches: encrypted, cache %d MiB, random keys, one thread\n", CACHE_MIB);
    for (t->now = 0; t->now < t->size_count; t->now++) {
        measure_size(t, &options);
    }
    print_table(t);
    free(t);
    return 0;
}
