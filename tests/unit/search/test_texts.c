/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random searches for words and for places. Words: the answer is that of a simple look at each
 * note, wherever the index stands. Places: that of a distance computed otherwise.
 */
#include <math.h>

#include "store.h"

#include "index/fulltext.h"
#include "search/search_internal.h"

#define NOTES  120
#define PLACES 1500

static store pile;
static uint64_t dice_state;

static uint32_t roll(uint32_t below)
{
    dice_state = dice_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(dice_state >> 33) % below;
}

static void open_pile(void)
{
    store_open(&pile);
    dice_state = 7;
}

static void close_pile(void)
{
    store_close(&pile);
}

/* ---- words ---- */

static const char *const letters[] = {"a", "b", "c", "ab", "abc", "bc"};

/* A note is a few texts of a few words, numbers into `letters`. */
typedef struct note {
    bool is_there;
    uint8_t texts[3][5];
    uint8_t lengths[3]; /* the first is the narrative; 0: none */
} note;

static note notes[NOTES];

static void write_words(const note *n, int text, fhs_buf *out)
{
    for (int w = 0; w < n->lengths[text]; w++) {
        fhs_buf_add_cstr(out, w > 0 ? " " : "");
        fhs_buf_add_cstr(out, letters[n->texts[text][w]]);
    }
}

static void put_note(int at)
{
    note *n = &notes[at];
    fhs_buf json = FHS_BUF_INIT(1 << 16);
    n->is_there = true;
    for (int t = 0; t < 3; t++) {
        n->lengths[t] = (uint8_t)roll(6);
        for (int w = 0; w < 5; w++) {
            n->texts[t][w] = (uint8_t)roll(6);
        }
    }
    fhs_buf_addf(&json, "{\"resourceType\":\"Basic\",\"id\":\"n%03d\"", at);
    if (n->lengths[0] > 0) {
        fhs_buf_add_cstr(&json, ",\"text\":{\"div\":\"<div><p>");
        write_words(n, 0, &json);
        fhs_buf_add_cstr(&json, "</p></div>\"}");
    }
    fhs_buf_add_cstr(&json, ",\"code\":{\"text\":\"");
    write_words(n, 1, &json);
    fhs_buf_add_cstr(&json, "\",\"coding\":[{\"display\":\"");
    write_words(n, 2, &json);
    fhs_buf_add_cstr(&json, "\"}]}}");
    ck_assert_int_eq(fhs_buf_status(&json), FHIRSTORE_OK);
    store_put(&pile, json.ptr);
    fhs_buf_clear(&json);
}

/* What is asked: a tree in an array, a node's children behind it. */
typedef struct ask {
    char kind; /* '&' '|' '!' or 'w' */
    int left, right;
    uint8_t words[3];
    int count;
    bool is_prefix;
} ask;

static ask asks[64];
static int ask_count;

static int make_ask(int depth, fhs_buf *out)
{
    int at = ask_count++;
    ask *here = &asks[at];
    uint32_t kind = depth == 0 ? 3 : roll(6);
    here->kind = "&|!www"[kind];
    if (here->kind == 'w') {
        here->count = 1 + (int)roll(3);
        here->is_prefix = roll(3) == 0;
        fhs_buf_add_char(out, '"');
        for (int i = 0; i < here->count; i++) {
            here->words[i] = (uint8_t)roll(6);
            fhs_buf_add_cstr(out, i > 0 ? " " : "");
            fhs_buf_add_cstr(out, letters[here->words[i]]);
        }
        fhs_buf_add_cstr(out, here->is_prefix ? "\"*" : "\"");
        return at;
    }
    fhs_buf_add_cstr(out, here->kind == '!' ? "(NOT " : "(");
    here->left = make_ask(depth - 1, out);
    if (here->kind != '!') {
        fhs_buf_add_cstr(out, here->kind == '&' ? (roll(2) == 0 ? " " : " AND ") : " OR ");
        asks[at].right = make_ask(depth - 1, out);
    }
    fhs_buf_add_char(out, ')');
    return at;
}

static bool note_has_phrase(const note *n, const ask *what, int first_text, int last_text)
{
    for (int t = first_text; t <= last_text; t++) {
        for (int from = 0; from + what->count <= n->lengths[t]; from++) {
            bool fits = true;
            for (int i = 0; i < what->count && fits; i++) {
                const char *have = letters[n->texts[t][from + i]];
                const char *want = letters[what->words[i]];
                bool is_last = i + 1 == what->count;
                fits = is_last && what->is_prefix ? strncmp(have, want, strlen(want)) == 0
                                                  : strcmp(have, want) == 0;
            }
            if (fits) {
                return true;
            }
        }
    }
    return false;
}

static bool note_has(const note *n, int at, int first_text, int last_text)
{
    const ask *what = &asks[at];
    switch (what->kind) {
    case '&':
        return note_has(n, what->left, first_text, last_text) &&
               note_has(n, what->right, first_text, last_text);
    case '|':
        return note_has(n, what->left, first_text, last_text) ||
               note_has(n, what->right, first_text, last_text);
    case '!':
        return !note_has(n, what->left, first_text, last_text);
    default:
        return note_has_phrase(n, what, first_text, last_text);
    }
}

/* The same question, put to all notes by hand and to the store. */
static void ask_both(const char *parameter, int first_text, int last_text, bool needs_text)
{
    fhs_buf query = FHS_BUF_INIT(1 << 16);
    fhs_buf wanted = FHS_BUF_INIT(1 << 16);
    fhs_buf got = FHS_BUF_INIT(1 << 16);
    fhs_buf_add_cstr(&query, parameter);
    fhs_buf_add_char(&query, '=');
    ask_count = 0;
    int root = make_ask(3, &query);
    for (int i = 0; i < NOTES; i++) {
        bool has_text = notes[i].lengths[1] + notes[i].lengths[2] > 0;
        if (notes[i].is_there && (has_text || !needs_text) &&
            note_has(&notes[i], root, first_text, last_text)) {
            fhs_buf_addf(&wanted, "%sn%03d", wanted.len > 0 ? " " : "", i);
        }
    }
    fhs_buf_add_cstr(&query, "&_sort=_id");
    search_ids(&pile, "Basic", query.ptr, &got);
    ck_assert_msg(fhs_str_eq(fhs_buf_str(&got), fhs_buf_str(&wanted)),
                  "%s: got \"%.*s\", wanted \"%.*s\"", query.ptr, FHS_STR_ARG(fhs_buf_str(&got)),
                  FHS_STR_ARG(fhs_buf_str(&wanted)));
    fhs_buf_clear(&query);
    fhs_buf_clear(&wanted);
    fhs_buf_clear(&got);
}

START_TEST(words_are_those_of_a_simple_look)
{
    for (int round = 0; round < 30; round++) {
        uint32_t count = 0;
        store_begin(&pile);
        for (int i = 0; i < 25; i++) {
            int at = (int)roll(NOTES);
            char id[8];
            (void)snprintf(id, sizeof id, "n%03d", at);
            if (notes[at].is_there && roll(3) == 0) {
                store_delete(&pile, "Basic", id);
                notes[at].is_there = false;
            } else {
                put_note(at);
            }
        }
        store_commit(&pile);
        store_begin(&pile);
        /* Nothing, something, everything. */
        ck_assert_ok(fhs_fulltext_step(pile.writer, 1 + roll(40), &count, &err));
        store_commit(&pile);
        for (int i = 0; i < 12; i++) {
            ask_both("_content", 0, 2, false);
            ask_both("_text", 0, 0, false);
            ask_both("code:text-advanced", 1, 2, true);
        }
        bool is_sound = false;
        fhs_conn *conn = NULL;
        ck_assert_ok(fhs_storage_reader(pile.storage, &conn, &err));
        ck_assert_ok(fhs_conn_begin_read(conn, &err));
        ck_assert_ok(fhs_fulltext_verify(conn, &is_sound, &err));
        fhs_conn_end_read(conn);
        fhs_conn_release(conn);
        ck_assert(is_sound);
    }
    memset(notes, 0, sizeof notes);
}
END_TEST

/* ---- places ---- */

typedef struct place {
    double latitude, longitude;
} place;

static place places[PLACES];

/* By the chord between two points of the unit sphere. */
static double kilometres(const place *a, const place *b)
{
    const double turn = 0.017453292519943295;
    double x = cos(a->latitude * turn) * cos(a->longitude * turn) -
               cos(b->latitude * turn) * cos(b->longitude * turn);
    double y = cos(a->latitude * turn) * sin(a->longitude * turn) -
               cos(b->latitude * turn) * sin(b->longitude * turn);
    double z = sin(a->latitude * turn) - sin(b->latitude * turn);
    double half = sqrt(x * x + y * y + z * z) / 2;
    return 2 * 6371.0087714 * asin(half > 1 ? 1 : half);
}

/* All over the globe, but crowded at the poles, the date line and one town. */
static place random_place(void)
{
    place p = {(double)roll(180001) / 1000 - 90, (double)roll(360001) / 1000 - 180};
    double small = (double)roll(2001) / 1000 - 1;
    switch (roll(6)) {
    case 0:
        p.latitude = 90 - fabs(small);
        break;
    case 1:
        p.latitude = fabs(small) - 90;
        break;
    case 2:
        p.longitude = small < 0 ? 180 + small : small - 180;
        break;
    case 3:
        p.latitude = 47 + small;
        p.longitude = 8 + (double)roll(1001) / 1000;
        break;
    default:
        break;
    }
    return p;
}

START_TEST(places_are_those_within_the_distance)
{
    store_begin(&pile);
    for (int i = 0; i < PLACES; i++) {
        char json[256];
        places[i] = random_place();
        (void)snprintf(json, sizeof json,
                       "{\"resourceType\":\"Location\",\"id\":\"l%d\",\"position\":{\"latitude\":"
                       "%.3f,\"longitude\":%.3f}}",
                       i, places[i].latitude, places[i].longitude);
        store_put(&pile, json);
    }
    store_commit(&pile);
    for (int round = 0; round < 400; round++) {
        char query[128];
        place from = roll(3) == 0 ? places[roll(PLACES)] : random_place();
        double reach = (double)roll(1000) / 10 * (roll(4) == 0 ? 200 : roll(4) == 0 ? 20 : 1);
        int64_t wanted = 0;
        int64_t unsure = 0;
        int64_t got = 0;
        found f;
        for (int i = 0; i < PLACES; i++) {
            double distance = kilometres(&from, &places[i]);
            wanted += distance <= reach ? 1 : 0;
            unsure += fabs(distance - reach) < 1e-6 ? 1 : 0;
        }
        (void)snprintf(query, sizeof query, "near=%.3f|%.3f|%.3f|km", from.latitude, from.longitude,
                       reach);
        ck_assert_ok(found_try(&pile, "Location", query, false, &f, &err));
        ck_assert_ok(fhs_search_count(f.search, &got, &err));
        found_close(&f);
        ck_assert_msg(got >= wanted - unsure && got <= wanted + unsure, "%s: got %d, wanted %d",
                      query, (int)got, (int)wanted);
    }
}
END_TEST

/* What stands behind the last number is none of them, whatever it is. */
START_TEST(a_number_behind_the_last_is_not_listed)
{
    static const int64_t numbers[] = {1, 4, 7};
    ck_assert(fhs_has_number(numbers, 2, 1));
    ck_assert(fhs_has_number(numbers, 2, 4));
    ck_assert(!fhs_has_number(numbers, 2, 3));
    ck_assert(!fhs_has_number(numbers, 2, 7));
    ck_assert(!fhs_has_number(numbers, 0, 1));
    ck_assert(!fhs_has_number(NULL, 0, 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("search/texts");
    TCase *tests = tcase_create("texts");
    tcase_set_timeout(tests, 240);
    tcase_add_checked_fixture(tests, open_pile, close_pile);
    tcase_add_test(tests, a_number_behind_the_last_is_not_listed);
    tcase_add_test(tests, words_are_those_of_a_simple_look);
    tcase_add_test(tests, places_are_those_within_the_distance);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
