/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searches for words through the life of a store: what is written is found at once, whether the
 * full-text index has it yet or not, and what was changed or deleted is found no more.
 */
#include <sqlite3.h>
#include <stdio.h>

#include "harness.h"

#define MANY 300

static void put_note(int i, const char *words)
{
    char id[16];
    char body[512];
    (void)snprintf(id, sizeof id, "n%d", i);
    (void)snprintf(body, sizeof body,
                   "{\"resourceType\":\"Basic\",\"id\":\"%s\",\"code\":{\"text\":\"%s\"},\"text\":{"
                   "\"status\":\"generated\",\"div\":\"<div xmlns=\\\"http://www.w3.org/1999/"
                   "xhtml\\\">told %s</div>\"}}",
                   id, words, words);
    ck_assert_int_ge(update("Basic", id, body).status, FHIRSTORE_OK);
    forget_replies();
}

static void put_many(void)
{
    for (int i = 0; i < MANY; i++) {
        put_note(i, i % 3 == 0 ? "apple tree" : i % 3 == 1 ? "tree apple" : "pear");
    }
}

static void write_index(void)
{
    ck_assert_int_eq(fhirstore_maintain(store, NULL, NULL), FHIRSTORE_DONE);
}

static void run_sql(const char *sql)
{
    sqlite3 *db;
    char *message = NULL;
    ck_assert_int_eq(sqlite3_open(store_path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK, "%s", message);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* The fixture's store, but of plain pages, so that a test can reach into it. */
static void make_plain(void)
{
    fhirstore_open_options options = open_options();
    fhirstore_session_close(session);
    fhirstore_close(store);
    (void)remove(store_path);
    options.flags = FHIRSTORE_OPEN_CREATE | FHIRSTORE_OPEN_PLAINTEXT;
    options.key = NULL;
    options.key_len = 0;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
}

static void close_both(void)
{
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
}

static void open_plain(uint32_t flags)
{
    fhirstore_open_options options = open_options();
    options.flags = flags | FHIRSTORE_OPEN_PLAINTEXT;
    options.key = NULL;
    options.key_len = 0;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
}

/* Writes between, with the index at every distance behind. */
START_TEST(changes_are_found_at_once)
{
    for (int round = 0; round < 2; round++) {
        put_note(1, "one");
        put_note(2, "two");
        if (round == 1) {
            write_index();
        }
        ck_assert_int_eq(count_of("Basic", "_content=one"), 1);
        ck_assert_int_eq(count_of("Basic", "_text=told"), 2);
        put_note(1, "changed");
        ck_assert_int_eq(count_of("Basic", "_content=one"), 0);
        ck_assert_int_eq(count_of("Basic", "_text=\"told changed\""), 1);
        expect_status(delete_one("Basic", "n2"), FHIRSTORE_NO_CONTENT);
        ck_assert_int_eq(count_of("Basic", "_content=two"), 0);
        ck_assert_int_eq(count_of("Basic", "_text=told"), 1);
        ck_assert_int_eq(count_of("Basic", "_content=NOT one"), 1);
        write_index();
        ck_assert_int_eq(count_of("Basic", "_content=one OR two"), 0);
        ck_assert_int_eq(count_of("Basic", "_content=changed"), 1);
        expect_sound(store);
    }
}
END_TEST

/* Once more than a few changes are behind, a search writes them first. */
START_TEST(searches_bring_the_index_up_to_date)
{
    put_many();
    ck_assert_int_eq(count_of("Basic", "_content=apple"), 2 * MANY / 3);
    expect_sound(store);
    for (int i = 0; i < MANY; i += 3) {
        put_note(i, "plum");
    }
    ck_assert_int_eq(count_of("Basic", "_content=apple"), MANY / 3);
    ck_assert_int_eq(count_of("Basic", "_content=\"apple tree\""), 0);
    ck_assert_int_eq(count_of("Basic", "code:text=tree ap"), MANY / 3);
    for (int i = 1; i < MANY; i += 3) {
        char id[16];
        (void)snprintf(id, sizeof id, "n%d", i);
        expect_status(delete_one("Basic", id), FHIRSTORE_NO_CONTENT);
    }
    ck_assert_int_eq(count_of("Basic", "_content=apple"), 0);
    ck_assert_int_eq(count_of("Basic", "_text=told"), 2 * MANY / 3);
    expect_sound(store);
    reopen_store();
    ck_assert_int_eq(count_of("Basic", "_text=pl*"), MANY / 3);
}
END_TEST

/* All of one version, twice changed within one step of the index, and back again. */
START_TEST(versions_between_leave_nothing)
{
    put_note(1, "first");
    write_index();
    put_note(1, "second");
    put_note(1, "third");
    expect_status(delete_one("Basic", "n1"), FHIRSTORE_NO_CONTENT);
    put_note(1, "fourth");
    put_note(1, "first");
    fhirstore_maintain_options options = FHIRSTORE_MAINTAIN_OPTIONS_INIT;
    options.per_commit = 2;
    options.max_resources = 2;
    int steps = 0;
    while (fhirstore_maintain(store, &options, NULL) == FHIRSTORE_OK) {
        expect_sound(store);
        ck_assert_int_eq(count_of("Basic", "_content=first"), 1);
        ck_assert_int_eq(count_of("Basic", "_content=second OR third OR fourth"), 0);
        ck_assert_int_lt(++steps, 10);
    }
    ck_assert_int_ge(steps, 2);
    ck_assert_int_eq(count_of("Basic", "_content=first"), 1);
    ck_assert_int_eq(count_of("Basic", "_content=second OR third OR fourth"), 0);
    expect_sound(store);
}
END_TEST

START_TEST(a_store_that_is_only_read_has_all_words)
{
    put_note(1, "early");
    write_index();
    put_many();
    put_note(1, "late");
    close_both();
    fhirstore_open_options reading = open_options();
    reading.flags = FHIRSTORE_OPEN_READ_ONLY;
    store = must_open(store_path, &reading);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    ck_assert_int_eq(count_of("Basic", "_content=early"), 0);
    ck_assert_int_eq(count_of("Basic", "_content=late"), 1);
    ck_assert_int_eq(count_of("Basic", "_content=pear"), MANY / 3);
    ck_assert_int_eq(count_of("Basic", "code:text=pea"), MANY / 3);
    expect_sound(store);
}
END_TEST

/* Inside a batch the store is being written: the words of entries before are there. */
START_TEST(a_batch_finds_what_it_wrote)
{
    reply answer = ask("POST", "", NULL,
                       "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":["
                       "{\"resource\":{\"resourceType\":\"Basic\",\"id\":\"x\",\"code\":{\"text\":"
                       "\"gooseberry\"}},\"request\":{\"method\":\"PUT\",\"url\":\"Basic/x\"}},"
                       "{\"request\":{\"method\":\"GET\",\"url\":\"Basic?_content=goose*\"}}]}");
    expect_http(answer, 200);
    expect_text(answer, "entry.1.resource.total", "1");
}
END_TEST

static fhirstore_status hide_basic(void *ctx, const fhirstore_access_request *request,
                                   fhirstore_access_decision *decision)
{
    (void)ctx;
    decision->answer = strcmp(request->type, "Basic") == 0 ? FHIRSTORE_ACCESS_DENY
                                                           : FHIRSTORE_ACCESS_ALLOW;
    return FHIRSTORE_OK;
}

START_TEST(words_of_what_is_hidden_find_nothing)
{
    const fhirstore_authorizer authorizer = {.struct_size = sizeof authorizer,
                                             .authorize = hide_basic};
    put_note(1, "hidden");
    expect_status(update("Flag", "f",
                         "{\"resourceType\":\"Flag\",\"id\":\"f\",\"status\":\"active\",\"code\":{"
                         "\"text\":\"hidden not\"},\"subject\":{\"reference\":\"Patient/p\"}}"),
                  FHIRSTORE_CREATED);
    expect_status(update("Provenance", "v",
                         "{\"resourceType\":\"Provenance\",\"id\":\"v\",\"target\":[{\"reference\":"
                         "\"Basic/n1\"}],\"recorded\":\"2020-01-01T00:00:00Z\",\"agent\":[{\"who\":"
                         "{\"display\":\"x\"}}]}"),
                  FHIRSTORE_CREATED);
    write_index();
    ck_assert_int_eq(count_of("", "_content=hidden"), 2);
    ck_assert_int_eq(count_of("Provenance", "target:Basic._content=hidden"), 1);
    ck_assert_int_eq(fhirstore_set_authorizer(store, &authorizer, NULL), FHIRSTORE_OK);
    fhirstore_session_close(session);
    session = must_enter(store, 0, "Practitioner/7");
    ck_assert_int_eq(count_of("", "_content=hidden"), 1);
    ck_assert_int_eq(count_of("Provenance", "target:Basic._content=hidden"), 0);
    reply page = search_page("", "_content=hidden&_sort=_score");
    ck_assert(has_text(&page, "Flag/f"));
    ck_assert(!has_text(&page, "Basic"));
}
END_TEST

/* ---- the score ---- */

START_TEST(the_best_come_first)
{
    put_note(1, "wolf");
    put_note(2, "sheep and a lot of other words that speak of grass, hills, rain and once a wolf");
    put_note(3, "wolf wolf wolf");
    put_note(4, "sheep");
    reply page = search_page("Basic", "_content=wolf&_sort=_score");
    ck_assert_int_eq(items_at(&page, "entry"), 3);
    expect_text(page, "entry.0.resource.id", "n3");
    expect_text(page, "entry.1.resource.id", "n1");
    expect_text(page, "entry.2.resource.id", "n2");
    double last = 1;
    for (int i = 0; i < 3; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "entry.%d.search.score", i);
        const char *text = text_at(&page, path);
        ck_assert_ptr_nonnull(text);
        double score = strtod(text, NULL);
        ck_assert(score > 0 && score < last);
        last = score;
    }
    page = search_page("Basic", "_content=wolf");
    ck_assert_ptr_nonnull(text_at(&page, "entry.0.search.score"));
    page = search_page("Basic", "_content=wolf&_score=false");
    expect_nothing_at(page, "entry.0.search.score");
    expect_status(search_page("Basic", "_content=wolf&_score=maybe"), FHIRSTORE_ERR_PARAM_VALUE);
    page = search_page("Basic", "code:missing=false");
    expect_nothing_at(page, "entry.0.search.score");
}
END_TEST

/* Pages by score hold each resource once while others write. */
START_TEST(pages_by_score_are_whole)
{
    bool seen[MANY] = {false};
    int count = 0;
    put_many();
    reply page = search_page("Basic", "_content=apple&_sort=_score&_count=17");
    for (;;) {
        int items = items_at(&page, "entry");
        for (int i = 0; i < items; i++) {
            char path[64];
            (void)snprintf(path, sizeof path, "entry.%d.resource.id", i);
            int number = (int)strtol(text_at(&page, path) + 1, NULL, 10);
            ck_assert(number >= MANY || !seen[number]);
            if (number < MANY) {
                seen[number] = true;
                count++;
            }
        }
        const char *next = NULL;
        for (int i = 0; i < items_at(&page, "link"); i++) {
            char path[64];
            (void)snprintf(path, sizeof path, "link.%d.relation", i);
            if (strcmp(text_at(&page, path), "next") == 0) {
                (void)snprintf(path, sizeof path, "link.%d.url", i);
                next = text_at(&page, path);
            }
        }
        if (next == NULL) {
            break;
        }
        page = search_page("Basic", strchr(next, '?') + 1);
        expect_status(page, FHIRSTORE_OK);
        char id[16];
        (void)snprintf(id, sizeof id, "m%d", 1000 + count);
        char body[128];
        (void)snprintf(body, sizeof body,
                       "{\"resourceType\":\"Basic\",\"id\":\"%s\",\"code\":{\"text\":\"apple\"}}",
                       id);
        expect_status(update("Basic", id, body), FHIRSTORE_CREATED);
    }
    ck_assert_int_eq(count, 2 * MANY / 3);
}
END_TEST

/* ---- damage and age ---- */

START_TEST(verify_sees_wrong_words)
{
    static const char *const damages[] = {
        "INSERT INTO fulltext(fulltext) VALUES('delete-all')",
        "INSERT INTO fulltext(rowid,narrative,content) VALUES(1,'_ a','_ b')",
        "UPDATE meta SET value=value-1 WHERE name='fulltext_seq'",
        "DELETE FROM fulltext_data WHERE id>10",
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        int64_t findings = 0;
        make_plain();
        put_note(1, "sound");
        put_note(2, "sound");
        write_index();
        expect_sound(store);
        close_both();
        run_sql(damages[i]);
        open_plain(0);
        ck_assert_int_eq(fhirstore_verify(store, NULL, NULL, &findings, NULL), FHIRSTORE_OK);
        ck_assert_msg(findings > 0, "%s", damages[i]);
    }
}
END_TEST

/* An index whose words meant something else is not read, and made anew. */
START_TEST(an_older_index_is_made_anew)
{
    make_plain();
    put_note(1, "word");
    write_index();
    close_both();
    run_sql("UPDATE meta SET value=0 WHERE name='fulltext_meaning';"
            "INSERT INTO fulltext(rowid,narrative,content) VALUES(1,'_ wrong','_ _basic wrong')");
    open_plain(FHIRSTORE_OPEN_READ_ONLY);
    ck_assert_int_eq(count_of("Basic", "_content=wrong"), 0);
    ck_assert_int_eq(count_of("Basic", "_content=word"), 1);
    close_both();
    open_plain(0);
    write_index();
    ck_assert_int_eq(count_of("Basic", "_content=wrong"), 0);
    ck_assert_int_eq(count_of("Basic", "_content=word"), 1);
    expect_sound(store);
}
END_TEST

/* Rows of an extraction before phonetic keys are made anew; until then the search looks itself. */
START_TEST(an_older_store_learns_how_names_sound)
{
    make_plain();
    expect_status(update("Patient", "p",
                         "{\"resourceType\":\"Patient\",\"id\":\"p\",\"name\":[{\"family\":"
                         "\"Schmidt\"}]}"),
                  FHIRSTORE_CREATED);
    close_both();
    run_sql("UPDATE meta SET value='1' WHERE name='extraction'");
    open_plain(0);
    ck_assert_int_eq(count_of("Patient", "phonetic=smith"), 1);
    write_index();
    ck_assert_int_eq(count_of("Patient", "phonetic=smith"), 1);
    expect_sound(store);
}
END_TEST

/* Nothing that is typed reaches the index's own language. */
START_TEST(what_is_typed_is_words)
{
    static const char *const queries[] = {
        "_content=narrative:one",
        "_content={narrative} one",
        "_content=%5Eone",
        "_content=one + two",
        "_content=NEAR(one two, 3)",
        "_content=one\"\"two",
        "_content=%22one%22%22two%22",
        "_content=rank",
        "_content=_basic",
        "_content=_",
        "_content=one';--",
        "_text=content:\"_\"",
        "_content=-one",
        "_content=%00",
        "_content=one%5C",
    };
    put_note(1, "one");
    write_index();
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        reply page = search_page("Basic", queries[i]);
        ck_assert_msg(page.http == 200 || page.http == 400, "%s: %d", queries[i], (int)page.http);
        forget_replies();
    }
    ck_assert_int_eq(count_of("Basic", "_content=content"), 0);
    ck_assert_int_eq(count_of("Basic", "_content=-one"), 1);
    ck_assert_int_eq(count_of("Basic", "_content=narrative:one"), 0);
    ck_assert_int_eq(count_of("Basic", "_text=\"told one\""), 1);
    expect_status(search_page("Basic", "_content=_"), FHIRSTORE_ERR_PARAM_VALUE);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("words", setup_store, changes_are_found_at_once, searches_bring_the_index_up_to_date,
              versions_between_leave_nothing, a_store_that_is_only_read_has_all_words,
              a_batch_finds_what_it_wrote, words_of_what_is_hidden_find_nothing,
              what_is_typed_is_words),
        GROUP("score", setup_store, the_best_come_first, pages_by_score_are_whole),
        GROUP("age", setup_store, verify_sees_wrong_words, an_older_index_is_made_anew,
              an_older_store_learns_how_names_sound),
    };
    return run_groups("words", groups, sizeof groups / sizeof groups[0]);
}
