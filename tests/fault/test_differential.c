/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same random script on an encrypted store and on one that is not: every answer is the same
 * byte for byte, and so are the tables afterwards. Clock, ids and the like are the same for both;
 * what keys decide (page links, the sealed journal, whose records are compared as text) is set
 * apart.
 *
 * Short form: some hundred steps. FHIRSTORE_TEST_LONG=1: ten thousand. FHS_TEST_SEED repeats a run.
 */
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>

#include "campaign.h"

#define IDS     6
#define ENTRIES 3

/* ---- the same chance for both ---- */

void __wrap_fhs_random_bytes(uint8_t *out, size_t len);
void __wrap_fhs_uuid_new(char *out);

static unsigned made_ids;

void __wrap_fhs_random_bytes(uint8_t *out, size_t len)
{
    memset(out, 0x5A, len);
}

/* A step begins with the same number in either store. */
void __wrap_fhs_uuid_new(char *out)
{
    (void)snprintf(out, 37, "%08x-0000-4000-8000-000000000000", ++made_ids);
}

/* ---- two stores ---- */

typedef struct side {
    const char *name;
    fhirstore *store;
    fhirstore_session *session;
    fhirstore_buf told; /* all that was answered in the last step */
} side;

static side sides[2] = {{.name = "sealed"}, {.name = "plain"}};

static void add_told(side *self, const char *format, ...)
{
    va_list args;
    char text[4096];
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ck_assert(len >= 0 && (size_t)len < sizeof text);
    char *larger = realloc((char *)(uintptr_t)self->told.ptr, self->told.len + (size_t)len + 1);
    ck_assert_ptr_nonnull(larger);
    memcpy(larger + self->told.len, text, (size_t)len + 1);
    self->told.ptr = larger;
    self->told.len += (size_t)len;
}

/* Page links are sealed: their tokens are left out, where they stand is not. */
static void add_body(side *self, const char *body)
{
    while (*body != '\0') {
        const char *token = strstr(body, "_page=");
        size_t len = token == NULL ? strlen(body) : (size_t)(token - body) + strlen("_page=");
        while (len > 0) {
            const size_t some = len < 2000 ? len : 2000;
            add_told(self, "%.*s", (int)some, body);
            body += some;
            len -= some;
        }
        body += token == NULL ? 0 : strcspn(body, "\"&<>");
    }
}

static void add_answer(side *self, fhirstore_status status, fhirstore_response *response)
{
    size_t len = 0;
    add_told(self, "%s %d\n", fhirstore_status_name(status),
             (int)fhirstore_response_http(response));
    for (uint32_t i = 0; i < fhirstore_response_header_count(response); i++) {
        const char *name = NULL;
        const char *value = NULL;
        (void)fhirstore_response_header(response, i, &name, &value);
        add_told(self, "%s: ", name);
        add_body(self, value);
        add_told(self, "\n");
    }
    const char *body = response == NULL ? NULL : fhirstore_response_body(response, &len);
    add_body(self, body == NULL ? "" : body);
    add_told(self, "\n");
    fhirstore_response_free(response);
}

static void open_side(side *self)
{
    fhirstore_open_options options = fixed_options();
    /* Keys of patients are for encrypted stores. */
    options.flags &= ~(uint32_t)FHIRSTORE_OPEN_PATIENT_KEYS;
    if (self == &sides[1]) {
        options.flags |= FHIRSTORE_OPEN_PLAINTEXT;
        options.key = NULL;
        options.key_len = 0;
    }
    options.journal = FHIRSTORE_JOURNAL_BATCHED;
    options.no_history = "Device";
    options.no_history_len = 6;
    self->store = must_open(in_folder(self->name), &options);
    self->session = must_enter(self->store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
}

static void close_side(side *self)
{
    fhirstore_session_close(self->session);
    fhirstore_close(self->store);
    self->session = NULL;
    self->store = NULL;
}

/* ---- the script: each step is written down once and done twice ---- */

typedef struct step {
    char method[8];
    char url[300];
    char header[40];
    char value[80];
    char body[4000];
    bool is_import;
    bool reopens;
    bool maintains;
} step;

static const char *const families[] = {"Ash", "Birch", "Cedar", "D\xC3\xA9j\xC3\xA0", "Elm"};
static const char *const types[] = {"Patient", "Observation", "Device"};

static void write_resource(char *out, size_t size, const char *type, unsigned id)
{
    const char *family = families[throw_campaign_dice(5)];
    const unsigned number = throw_campaign_dice(1000);
    if (strcmp(type, "Patient") == 0) {
        (void)snprintf(out, size,
                       "{\"resourceType\":\"Patient\",\"id\":\"%u\",\"active\":%s,\"name\":[{"
                       "\"family\":\"%s\",\"given\":[\"g%u\"]}],\"birthDate\":\"19%02u-0%u-01\"}",
                       id, number % 2 == 0 ? "true" : "false", family, number % 7, number % 100,
                       1 + number % 9);
    } else if (strcmp(type, "Observation") == 0) {
        (void)snprintf(out, size,
                       "{\"resourceType\":\"Observation\",\"id\":\"%u\",\"status\":\"final\","
                       "\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"c%u\"}],"
                       "\"text\":\"%s\"},\"subject\":{\"reference\":\"Patient/%u\"},"
                       "\"valueQuantity\":{\"value\":%u.5,\"unit\":\"kg\",\"system\":"
                       "\"http://unitsofmeasure.org\",\"code\":\"kg\"}}",
                       id, number % 4, family, number % IDS, number);
    } else {
        (void)snprintf(out, size,
                       "{\"resourceType\":\"Device\",\"id\":\"%u\",\"lotNumber\":\"%u\"}", id,
                       number);
    }
}

static void write_search(step *out)
{
    static const char *const searches[] = {
        "Patient?family=%s&_sort=-birthdate",
        "Patient?name:contains=%.2s&_count=2&_total=accurate",
        "Observation?subject:Patient.family=%s&_sort=_lastUpdated",
        "Observation?code=c1,c2&value-quantity=gt300||kg&_include=Observation:subject&_x=%s",
        "Patient?_text=%s",
        "Patient?_has:Observation:patient:code=c1&family=%s&_summary=count",
        "Patient?_revinclude=Observation:subject&_count=3&family:missing=false&_y=%s",
        "Observation?_content=%s&_elements=status"};
    (void)snprintf(out->method, sizeof out->method, "GET");
    const uint32_t which = throw_campaign_dice((uint32_t)(sizeof searches / sizeof *searches));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(out->url, sizeof out->url, searches[which], families[throw_campaign_dice(3)]);
#pragma GCC diagnostic pop
}

static void write_bundle(step *out)
{
    char resource[600];
    size_t len = (size_t)snprintf(out->body, sizeof out->body,
                                  "{\"resourceType\":\"Bundle\",\"type\":\"%s\",\"entry\":[",
                                  throw_campaign_dice(2) == 0 ? "batch" : "transaction");
    for (unsigned i = 0; i < ENTRIES; i++) {
        const char *type = types[i];
        const unsigned id = throw_campaign_dice(IDS);
        write_resource(resource, sizeof resource, type, id);
        len += (size_t)snprintf(out->body + len, sizeof out->body - len,
                                "%s{\"resource\":%s,\"request\":{\"method\":\"PUT\",\"url\":"
                                "\"%s/%u\"}}",
                                i == 0 ? "" : ",", resource, type, id);
    }
    (void)snprintf(out->body + len, sizeof out->body - len,
                   ",{\"request\":{\"method\":\"GET\",\"url\":\"Patient?family=Ash\"}}]}");
    (void)snprintf(out->method, sizeof out->method, "POST");
}

/* One condition or another; the address is a type's or a resource's. */
static void write_change(step *out, uint32_t kind)
{
    const char *type = types[throw_campaign_dice(3)];
    const unsigned id = throw_campaign_dice(IDS);
    const char *family = families[throw_campaign_dice(3)];
    write_resource(out->body, sizeof out->body, type, id);
    (void)snprintf(out->method, sizeof out->method, "%s",
                   kind < 3   ? "PUT"
                   : kind < 5 ? "POST"
                   : kind < 7 ? "DELETE"
                              : "PATCH");
    (void)snprintf(out->url, sizeof out->url, "%s/%u", type, id);
    if (kind == 2) {
        (void)snprintf(out->header, sizeof out->header, "If-Match");
        (void)snprintf(out->value, sizeof out->value, "W/\"%u\"", 1 + throw_campaign_dice(3));
    } else if (kind == 3 || kind == 4) {
        (void)snprintf(out->url, sizeof out->url, "%s", type);
        if (kind == 4 && type == types[0]) {
            (void)snprintf(out->header, sizeof out->header, "If-None-Exist");
            (void)snprintf(out->value, sizeof out->value, "family=%s", family);
        }
    } else if (kind == 6) {
        (void)snprintf(out->url, sizeof out->url, "Patient?family=%s&active=true", family);
    } else if (kind == 7) {
        (void)snprintf(out->url, sizeof out->url, "Patient/%u", id);
        (void)snprintf(out->header, sizeof out->header, "Content-Type");
        (void)snprintf(out->value, sizeof out->value, "application/merge-patch+json");
        (void)snprintf(out->body, sizeof out->body, "{\"gender\":\"%s\"}",
                       id % 2 == 0 ? "male" : "female");
    } else if (kind == 8) {
        (void)snprintf(out->url, sizeof out->url, "Patient/%u", id);
        (void)snprintf(out->header, sizeof out->header, "Content-Type");
        (void)snprintf(out->value, sizeof out->value, "application/json-patch+json");
        (void)snprintf(out->body, sizeof out->body,
                       "[{\"op\":\"replace\",\"path\":\"/name/0/family\",\"value\":\"%s\"}]",
                       family);
    }
    if (out->method[0] == 'D') {
        out->body[0] = '\0';
    }
}

static void write_rare(step *out, uint32_t kind)
{
    const unsigned id = throw_campaign_dice(IDS);
    (void)snprintf(out->method, sizeof out->method,
                   kind < 4   ? "GET"
                   : kind < 6 ? "POST"
                              : "DELETE");
    switch (kind) {
    case 0:
        (void)snprintf(out->url, sizeof out->url, "Patient/%u/_history?_count=5", id);
        break;
    case 1:
        (void)snprintf(out->url, sizeof out->url, "_history?_count=7");
        break;
    case 2:
        (void)snprintf(out->url, sizeof out->url, "Patient/%u/_history/%u", id,
                       1 + throw_campaign_dice(4));
        break;
    case 3:
        (void)snprintf(out->url, sizeof out->url, "Patient/%u/$everything", id);
        break;
    case 4:
        (void)snprintf(out->url, sizeof out->url, "$reindex");
        break;
    case 5:
        out->is_import = true;
        write_resource(out->body, sizeof out->body, types[id % 3], 100 + id);
        break;
    case 6:
        (void)snprintf(out->url, sizeof out->url, "Patient/%u/_history", id);
        break;
    case 7:
        (void)snprintf(out->url, sizeof out->url, "Observation/%u?_hardDelete=true", id);
        break;
    case 8:
        out->maintains = true;
        break;
    default:
        out->reopens = true;
        break;
    }
}

static void write_step(step *out)
{
    const uint32_t chance = throw_campaign_dice(100);
    memset(out, 0, sizeof *out);
    if (chance < 55) {
        write_change(out, throw_campaign_dice(9));
    } else if (chance < 75) {
        write_search(out);
    } else if (chance < 83) {
        write_bundle(out);
    } else {
        write_rare(out, throw_campaign_dice(10));
    }
}

/* ---- doing it ---- */

static void import_one(side *self, const step *what)
{
    fhirstore_import *import = NULL;
    fhirstore_import_totals totals = FHIRSTORE_IMPORT_TOTALS_INIT;
    fhirstore_status status = fhirstore_import_open(self->session, NULL, &import, NULL);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_import_add(import, "one", 1, what->body, strlen(what->body), NULL);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_import_finish(import, &totals, NULL);
    }
    fhirstore_import_close(import);
    add_told(self, "%s %d %d\n", fhirstore_status_name(status), (int)totals.resources,
             (int)totals.failed);
}

static void do_step(side *self, const step *what, unsigned ids)
{
    fhirstore_response *response = NULL;
    const fhirstore_header header = {what->header, strlen(what->header), what->value,
                                     strlen(what->value)};
    made_ids = ids;
    self->told.len = 0;
    if (what->reopens) {
        close_side(self);
        open_side(self);
    } else if (what->maintains) {
        add_told(self, "%s\n", fhirstore_status_name(fhirstore_maintain(self->store, NULL, NULL)));
    } else if (what->is_import) {
        import_one(self, what);
    } else {
        fhirstore_status status = fhirstore_request(
            self->session, what->method, strlen(what->method), what->url, strlen(what->url),
            &header, what->header[0] != '\0' ? 1 : 0, what->body, strlen(what->body), &response,
            NULL);
        add_answer(self, status, response);
    }
}

static void expect_same(const char *what, const char *sealed, const char *plain)
{
    size_t same = 0;
    while (sealed[same] != '\0' && sealed[same] == plain[same]) {
        same++;
    }
    const size_t from = same < 100 ? 0 : same - 100;
    ck_assert_msg(sealed[same] == plain[same], "%s:\nsealed: %.400s\nplain: %.400s", what,
                  sealed + from, plain + from);
}

/* ---- what is stored ---- */

static int add_row(void *ctx, int count, char **values, char **names)
{
    side *self = ctx;
    (void)names;
    for (int i = 0; i < count; i++) {
        add_body(self, values[i] == NULL ? "NULL" : values[i]);
        add_told(self, "|");
    }
    add_told(self, "\n");
    return 0;
}

static void add_table(side *self, sqlite3 *db, const char *table)
{
    sqlite3_stmt *columns = NULL;
    char sql[4000];
    size_t len = (size_t)snprintf(sql, sizeof sql, "SELECT '%s'", table);
    ck_assert_int_eq(
        sqlite3_prepare_v2(db, "SELECT name FROM pragma_table_info(?1)", -1, &columns, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_bind_text(columns, 1, table, -1, SQLITE_STATIC), SQLITE_OK);
    while (sqlite3_step(columns) == SQLITE_ROW) {
        len += (size_t)snprintf(sql + len, sizeof sql - len, ",quote(\"%s\")",
                                (const char *)sqlite3_column_text(columns, 0));
    }
    ck_assert_int_eq(sqlite3_finalize(columns), SQLITE_OK);
    len += (size_t)snprintf(sql + len, sizeof sql - len, " FROM \"%s\"%s", table,
                            strcmp(table, "meta") == 0 ? " WHERE name NOT LIKE 'journal%'" : "");
    char *message = NULL;
    int code = sqlite3_exec(db, sql, add_row, self, &message);
    ck_assert_msg(code == SQLITE_OK, "%s: %s", sql, message);
}

/* A copy that is not encrypted shows them; the journal is compared as records. */
static void add_tables(side *self)
{
    fhirstore_backup_options options = FHIRSTORE_BACKUP_OPTIONS_INIT;
    char name[40];
    char *tables[100];
    int count = 0;
    sqlite3 *db = NULL;
    sqlite3_stmt *listed = NULL;
    (void)snprintf(name, sizeof name, "%s-copy", self->name);
    const char *path = in_folder(name);
    options.flags = FHIRSTORE_BACKUP_PLAINTEXT;
    self->told.len = 0;
    ck_assert_int_eq(fhirstore_backup(self->store, path, strlen(path), &options, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db,
                                        "SELECT name FROM sqlite_schema WHERE type='table' AND "
                                        "name NOT LIKE 'journal%' AND sql NOT LIKE '%VIRTUAL%' "
                                        "ORDER BY name",
                                        -1, &listed, NULL),
                     SQLITE_OK);
    while (sqlite3_step(listed) == SQLITE_ROW) {
        ck_assert_int_lt(count, 100);
        tables[count++] = strdup((const char *)sqlite3_column_text(listed, 0));
    }
    ck_assert_int_eq(sqlite3_finalize(listed), SQLITE_OK);
    ck_assert_int_gt(count, 15);
    for (int i = 0; i < count; i++) {
        add_table(self, db, tables[i]);
        free(tables[i]);
    }
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* Each record but for how long it took. */
static void add_journal(side *self)
{
    int64_t next = 1;
    while (next != 0) {
        fhirstore_buf records = {0};
        ck_assert_int_eq(fhirstore_journal_read(self->session, next, 1000, &records, &next, NULL),
                         FHIRSTORE_OK);
        char *text = strdup(records.ptr == NULL ? "" : records.ptr);
        fhirstore_buf_clear(&records);
        ck_assert_ptr_nonnull(text);
        for (char *at = text; (at = strstr(at, ",\"durationUs\":")) != NULL;) {
            char *end = at + strlen(",\"durationUs\":");
            end += strspn(end, "0123456789");
            memmove(at, end, strlen(end) + 1);
        }
        add_body(self, text);
        free(text);
    }
}

/* ---- the test ---- */

START_TEST(encryption_changes_no_answer_and_no_row)
{
    const int steps = is_campaign_long() ? 10000 : 400;
    static step what;
    unsigned ids = 1000;
    take_campaign_seed("differential");
    open_side(&sides[0]);
    open_side(&sides[1]);
    for (int i = 0; i < steps; i++) {
        char title[500];
        write_step(&what);
        fixed_time += SECOND / 7;
        do_step(&sides[0], &what, ids);
        do_step(&sides[1], &what, ids);
        ids = made_ids;
        (void)snprintf(title, sizeof title, "step %d, %s %s", i, what.method, what.url);
        expect_same(title, sides[0].told.ptr == NULL ? "" : sides[0].told.ptr,
                    sides[1].told.ptr == NULL ? "" : sides[1].told.ptr);
    }
    for (size_t i = 0; i < 2; i++) {
        expect_sound(sides[i].store);
        add_tables(&sides[i]);
        add_journal(&sides[i]);
    }
    ck_assert_uint_gt(sides[0].told.len, 10000);
    expect_same("tables and journal", sides[0].told.ptr, sides[1].told.ptr);
    for (size_t i = 0; i < 2; i++) {
        close_side(&sides[i]);
        free((char *)(uintptr_t)sides[i].told.ptr);
        sides[i].told = (fhirstore_buf){0};
    }
}
END_TEST

static void setup_two(void)
{
    fixed_time = INT64_C(1700000000) * SECOND;
    setup_folder();
}

int main(void)
{
    Suite *suite = suite_create("differential");
    TCase *tests = tcase_create("differential");
    tcase_set_timeout(tests, is_campaign_long() ? 3600 : 120);
    tcase_add_checked_fixture(tests, setup_two, teardown);
    tcase_add_test(tests, encryption_changes_no_answer_and_no_row);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
