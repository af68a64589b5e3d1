/* SPDX-License-Identifier: Apache-2.0 */
/* Times of typical searches; not a test. Arguments: number of observations. */
#include "store.h"

#include "base/clock.h"
#include "storage/stmt.h"

static store hall;
static uint64_t random_state = 42;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % below;
}

static void put_one(unsigned i, unsigned patients)
{
    char json[1600];
    if (i < patients) {
        (void)snprintf(json, sizeof(json),
                       "{\"resourceType\":\"Patient\",\"id\":\"p%u\",\"name\":[{\"family\":"
                       "\"Name%u\"}],\"birthDate\":\"19%02u-01-0%u\",\"gender\":\"%s\"}",
                       i, i, draw(100), 1 + draw(9), draw(2) == 0 ? "male" : "female");
        store_put(&hall, json);
    }
    (void)snprintf(
        json, sizeof(json),
        "{\"resourceType\":\"Observation\",\"id\":\"b%u\",\"status\":\"final\",\"category\":[{"
        "\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/observation-category\","
        "\"code\":\"%s\"}]}],\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":"
        "\"%u-%u\",\"display\":\"a display text of usual length\"}],\"text\":\"the same text\"},"
        "\"subject\":{\"reference\":\"Patient/p%u\"},\"encounter\":{\"reference\":"
        "\"Encounter/e%u\"},\"effectiveDateTime\":\"20%02u-%02u-%02uT%02u:%02u:00Z\",\"issued\":"
        "\"2020-01-01T00:00:00Z\",\"valueQuantity\":{\"value\":%u.%u,\"unit\":\"mg/dL\","
        "\"system\":\"http://unitsofmeasure.org\",\"code\":\"mg/dL\"}}",
        i, draw(2) == 0 ? "laboratory" : "vital-signs", 1000 + draw(2000), draw(10), draw(patients),
        i / 5, draw(22), 1 + draw(12), 1 + draw(28), draw(24), draw(60), draw(300), draw(10));
    store_put(&hall, json);
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* @a format with a number below @a below for the first %, one digit for those behind it. */
static void fill_in(const char *format, uint32_t below, char *out, size_t size)
{
    size_t len = 0;
    for (; *format != '\0' && len + 12 < size; format++) {
        if (*format == '%') {
            len += (size_t)snprintf(out + len, size - len, "%u", draw(below));
            below = 10;
        } else {
            out[len++] = *format;
        }
    }
    out[len] = '\0';
}

/* Parse, plan, one page; @a number of times, each with other values in place of %. */
static void time_pages(const char *type, const char *format, uint32_t below, int times)
{
    int64_t spans[2000];
    size_t bytes = 0;
    for (int i = 0; i < times; i++) {
        char text[512];
        found f;
        fhs_buf out = FHS_BUF_INIT((size_t)1 << 28);
        fill_in(format, below, text, sizeof(text));
        int64_t start = fhs_clock_monotonic_us();
        ck_assert_ok(found_try(&hall, type, text, false, &f, &err));
        ck_assert_ok(fhs_search_write_bundle(f.search, fhs_str_from_cstr(type), &out, &err));
        found_close(&f);
        spans[i] = fhs_clock_monotonic_us() - start;
        bytes += out.len;
        fhs_buf_clear(&out);
    }
    qsort(spans, (size_t)times, sizeof(*spans), compare_times);
    printf("%-58s p50 %6lld us  p99 %6lld us  %6zu bytes\n", format, (long long)spans[times / 2],
           (long long)spans[times * 99 / 100], bytes / (size_t)times);
}

static void time_count(const char *type, const char *text)
{
    found f;
    int64_t count = 0;
    int64_t best = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        ck_assert_ok(found_try(&hall, type, text, false, &f, &err));
        int64_t start = fhs_clock_monotonic_us();
        ck_assert_ok(fhs_search_count(f.search, &count, &err));
        int64_t span = fhs_clock_monotonic_us() - start;
        best = span < best ? span : best;
        found_close(&f);
    }
    printf("count %-52s %8lld in %7lld us  %6.1f M/s\n", text, (long long)count, (long long)best,
           (double)count / (double)(best + 1));
}

static void time_bare_count(void)
{
    fhs_conn *conn;
    fhs_stmt *stmt;
    int64_t best = INT64_MAX;
    int64_t count = 0;
    const char *sql = "SELECT COUNT(*) FROM idx_token WHERE (param,code,system)=(SELECT param,code,"
                      "system FROM idx_token WHERE code='laboratory' LIMIT 1)";
    ck_assert_ok(fhs_storage_reader(hall.storage, &conn, &err));
    for (int i = 0; i < 5; i++) {
        int64_t start = fhs_clock_monotonic_us();
        ck_assert_ok(fhs_stmt_take(conn, fhs_str_from_cstr(sql), &stmt, &err));
        ck_assert_ok(fhs_stmt_step(stmt, &err));
        count = fhs_stmt_int(stmt, 0);
        fhs_stmt_give(stmt);
        int64_t span = fhs_clock_monotonic_us() - start;
        best = span < best ? span : best;
    }
    printf("bare count of one token: %lld in %lld us\n", (long long)count, (long long)best);
    fhs_conn_release(conn);
}

static void time_fetch(const char *type, const char *text)
{
    found f;
    fhs_version version;
    size_t bytes = 0;
    int64_t count = 0;
    int64_t start = fhs_clock_monotonic_us();
    ck_assert_ok(found_try(&hall, type, text, false, &f, &err));
    for (; fhs_search_next(f.search, &version, NULL) == FHIRSTORE_OK; count++) {
        bytes += version.body.len;
    }
    found_close(&f);
    int64_t span = fhs_clock_monotonic_us() - start;
    printf("fetch %-52s %8lld in %7lld us  %6.0f k/s  %zu MB\n", text, (long long)count,
           (long long)span, (double)count * 1000.0 / (double)(span + 1), bytes >> 20);
}

static void time_parse(const char *type, const char *text)
{
    fhs_query_options options = {.fhir = hall.fhir, .base_url = FHS_LIT_INIT(BASE_URL)};
    fhs_type number = fhs_type_find(hall.fhir, fhs_str_from_cstr(type));
    fhs_query *query;
    fhs_arena arena;
    fhs_arena_init(&arena, (size_t)1 << 24);
    int64_t start = fhs_clock_monotonic_us();
    for (int i = 0; i < 10000; i++) {
        fhs_arena_reset(&arena);
        ck_assert_ok(
            fhs_query_parse(&arena, &options, number, fhs_str_from_cstr(text), &query, &err));
    }
    printf("parse %-52s %6.2f us\n", text, (double)(fhs_clock_monotonic_us() - start) / 10000.0);
    fhs_arena_clear(&arena);
}

static unsigned size = 20000;

START_TEST(measure)
{
    unsigned patients = size / 50 + 1;
    store_open(&hall);
    int64_t start = fhs_clock_monotonic_us();
    for (unsigned i = 0; i < size; i++) {
        if (i % 1000 == 0) {
            store_begin(&hall);
        }
        hall.now_us += 1000;
        put_one(i, patients);
        if (i % 1000 == 999 || i + 1 == size) {
            store_commit(&hall);
        }
    }
    printf("%u resources in %lld ms\n", size + patients,
           (long long)(fhs_clock_monotonic_us() - start) / 1000);
    time_parse("Observation", "code=http://loinc.org|1234-5&date=ge2013-01-01&subject=Patient/p1");
    time_pages("Observation", "code=http://loinc.org|1%-%", 1000, 1000);
    time_pages("Observation", "code=1%-%", 1000, 1000);
    time_pages("Patient", "family=name%", patients, 1000);
    time_pages("Observation", "subject=Patient/p%", patients, 1000);
    time_pages("Observation", "patient=p%", patients, 1000);
    time_pages("Patient", "_id=p%", patients, 1000);
    time_pages("Observation", "subject=Patient/p%&date=ge2015&status=final", patients, 1000);
    time_pages("Observation", "subject=Patient/p%&_sort=-date", patients, 1000);
    time_pages("Observation", "subject:Patient.family=name%", patients, 1000);
    time_pages("Patient", "_has:Observation:patient:code=1%-%", 1000, 200);
    time_pages("Observation", "category:in=http://hl7.org/fhir/ValueSet/observation-category", 1,
               200);
    time_pages("Observation",
               "status:in=http://hl7.org/fhir/ValueSet/observation-status&_total=none", 1, 200);
    time_pages("Observation",
               "status:below=http://hl7.org/fhir/observation-status|final&_total=none", 1, 200);
    time_pages("Observation", "status:below=final&_total=none", 1, 20);
    time_pages("Patient", "gender:not-in=http://hl7.org/fhir/ValueSet/administrative-gender", 1,
               200);
    time_pages("Observation", "status=final&_total=none", 1, 200);
    time_pages("Observation", "status=final", 1, 200);
    time_pages("Observation", "_sort=-date", 1, 200);
    time_pages("Observation", "_sort=-date&_total=none", 1, 200);
    time_pages("Observation", "status=final&category=laboratory&_sort=-date&_total=none", 1, 200);
    time_pages("Observation", "_sort=-_lastUpdated&_total=none", 1, 200);
    time_pages("Observation", "date=ge2015&_total=none", 1, 20);
    time_pages("Observation", "_sort=code&_total=none", 1, 3);
    time_bare_count();
    time_count("Observation", "category=laboratory");
    time_count("Observation", "category=http://terminology.hl7.org/CodeSystem/"
                              "observation-category|laboratory");
    time_count("Observation", "status=final&category=laboratory");
    time_count("Observation", "category:not=laboratory");
    time_count("Observation", "date=ge2015");
    time_fetch("Observation", "category=laboratory");
    time_fetch("Observation", "");
    store_close(&hall);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("search/speed");
    TCase *tests = tcase_create("speed");
    size = argc > 1 ? (unsigned)atoi(argv[1]) : size;
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, measure);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
