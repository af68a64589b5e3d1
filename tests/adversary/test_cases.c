/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody can do who has the files and no key, and what must come of it. Each line of the
 * table is one kind of attack, tried in all its variants; the outcomes are those stated, also where
 * an attack is accepted because nothing in the files can tell.
 */
#include <stdio.h>

#include "world.h"

/* What opening may answer. */
enum {
    OPENS = 1,
    TAMPERED = 2,
    TRUNCATED = 4,
    FORMAT = 8,
    PLAIN = 16,
    NOT_A_STORE = 32,
    KEY_WRONG = 64,
    KDF_LIMIT = 128,
    ANCHOR_OLD = 256,
    CORRUPT = 512, /* authentic all of it, but it does not fit together */
    REFUSED = TAMPERED | TRUNCATED | CORRUPT,
};

/* What is read of a store that opens. */
typedef enum reading {
    RIGHT, /* as before the attack */
    SAFE,  /* as before the attack, or refused */
    BACK,  /* the same, or what the attack has put back, or refused */
    NEVER, /* it does not open */
} reading;

/* What verify says of a store that opens. */
typedef enum verdict {
    FOUND, /* at least one finding */
    TOLD,  /* a finding or a notice */
    SOUND, /* nothing: nobody can tell */
    NONE,  /* it does not open */
} verdict;

typedef struct attempt {
    bytes file;
    bytes log;
    lock_kind kind;
    const char *anchor;
    const char *right; /* what the store answered before the attack … */
    const char *back;  /* … and what it may answer after it; NULL: pages of several times */
} attempt;

/* Variant @a n of an attack on a copy of the moment that it names; false: there are no more. */
typedef bool (*attack_fn)(attempt *on, size_t n);

typedef struct attack {
    const char *name;
    const moment *on;
    attack_fn run;
    int opens;
    reading reads;
    verdict says;
} attack;

/* ---- pages of a closed store ---- */

static bool swap_pages(attempt *on, size_t n)
{
    size_t page = 2 + n;
    if (page >= pages_in(on->file)) {
        return false;
    }
    bytes was = copy_of(on->file);
    put_bytes(on->file, page_at(page), was, page_at(page + 1), PAGE_BYTES);
    put_bytes(on->file, page_at(page + 1), was, page_at(page), PAGE_BYTES);
    free(was.data);
    return true;
}

static bool put_elsewhere(attempt *on, size_t n)
{
    size_t page = 2 + n;
    if (page >= pages_in(on->file)) {
        return false;
    }
    put_bytes(on->file, page_at(page), on->file, page_at(page + 1), PAGE_BYTES);
    return true;
}

static bool put_first_elsewhere(attempt *on, size_t n)
{
    put_bytes(on->file, page_at(2), on->file, page_at(1), PAGE_BYTES);
    return n == 0;
}

static bool put_over_first(attempt *on, size_t n)
{
    put_bytes(on->file, page_at(1), on->file, page_at(2 + n), PAGE_BYTES);
    return n < 4;
}

static bool zero_page(attempt *on, size_t n)
{
    if (n + 2 > pages_in(on->file)) {
        return false;
    }
    memset(on->file.data + page_at(n + 2), 0, PAGE_BYTES);
    return true;
}

static bool zero_first(attempt *on, size_t n)
{
    memset(on->file.data + page_at(1), 0, PAGE_BYTES);
    return n == 0;
}

static bool zero_tail(attempt *on, size_t n)
{
    if (n + 2 > pages_in(on->file)) {
        return false;
    }
    memset(on->file.data + page_at(n + 3) - 48, 0, 48);
    return true;
}

/* The next page that is not the same in both; 0: no more. */
static size_t changed_page(bytes a, bytes b, size_t n)
{
    size_t least = pages_in(a) < pages_in(b) ? pages_in(a) : pages_in(b);
    for (size_t page = 1; page <= least; page++) {
        bool is_same = memcmp(a.data + page_at(page), b.data + page_at(page), PAGE_BYTES) == 0;
        if (!is_same && n-- == 0) {
            return page;
        }
    }
    return 0;
}

static bool replay_page(attempt *on, size_t n)
{
    size_t page = changed_page(on->file, now.older.file, n);
    if (page == 0) {
        return false;
    }
    put_bytes(on->file, page_at(page), now.older.file, page_at(page), PAGE_BYTES);
    return true;
}

static bool replay_all_pages(attempt *on, size_t n)
{
    size_t count = pages_in(now.older.file);
    put_bytes(on->file, BLOCK_BYTES, now.older.file, BLOCK_BYTES, count * PAGE_BYTES);
    resize(&on->file, now.older.file.len);
    return n == 0;
}

static bool take_page_of_other(attempt *on, size_t n)
{
    if (n + 2 > pages_in(on->file) || n + 2 > pages_in(now.other.file)) {
        return false;
    }
    put_bytes(on->file, page_at(n + 2), now.other.file, page_at(n + 2), PAGE_BYTES);
    return true;
}

static bool cut(attempt *on, size_t n)
{
    const size_t len = on->file.len;
    const size_t sizes[] = {
        len - 1,    len - PAGE_BYTES, len / 2,        page_at(3), page_at(2), page_at(1) + 9,
        page_at(1), COPY_BYTES,       COPY_BYTES - 1, 17,         1};
    if (n >= sizeof sizes / sizeof *sizes) {
        return false;
    }
    resize(&on->file, sizes[n]);
    return true;
}

static bool cut_to_nothing(attempt *on, size_t n)
{
    resize(&on->file, 0);
    return n == 0;
}

static bool add_zeros(attempt *on, size_t n)
{
    resize(&on->file, on->file.len + (n == 0 ? 1 : n == 1 ? PAGE_BYTES : 3 * PAGE_BYTES + 7));
    return n < 3;
}

static bool add_own_page(attempt *on, size_t n)
{
    size_t end = on->file.len;
    resize(&on->file, end + PAGE_BYTES);
    put_bytes(on->file, end, on->file, page_at(2 + n), PAGE_BYTES);
    return n < 3;
}

/* ---- the header ---- */

static bool take_header_of_other(attempt *on, size_t n)
{
    put_bytes(on->file, 0, now.other.file, 0, BLOCK_BYTES);
    return n == 0;
}

static bool take_one_copy_of_other(attempt *on, size_t n)
{
    put_bytes(on->file, n * COPY_BYTES, now.other.file, n * COPY_BYTES, COPY_BYTES);
    return n < 2;
}

static bool take_old_header(attempt *on, size_t n)
{
    put_bytes(on->file, 0, now.older.file, 0, BLOCK_BYTES);
    return n == 0;
}

/* The spare copy is an older one than it should be, or the one in force twice. */
static bool take_old_spare(attempt *on, size_t n)
{
    size_t spare = 1 - copy_in_force(on->file);
    const bytes *from = n < 2 ? &now.older.file : &on->file;
    size_t copy = n < 2 ? n : 1 - spare;
    put_bytes(on->file, spare * COPY_BYTES, *from, copy * COPY_BYTES, COPY_BYTES);
    return n < 3;
}

static bool zero_copy(attempt *on, size_t n)
{
    memset(on->file.data + n * COPY_BYTES, 0, COPY_BYTES);
    return n < 2;
}

static bool zero_both_copies(attempt *on, size_t n)
{
    memset(on->file.data, 0, BLOCK_BYTES);
    return n == 0;
}

static bool damage_both_copies(attempt *on, size_t n)
{
    on->file.data[700 + n] ^= 1;
    on->file.data[COPY_BYTES + 700 + n] ^= 1;
    return n < 40;
}

/* Suite, flags, page size, reserve, slot count: with a checksum that fits. */
static const struct {
    size_t at;
    uint8_t value;
} downgrades[] = {{18, 0}, {18, 2},  {18, 255}, {19, 1}, {21, 2},
                  {24, 0}, {24, 40}, {25, 0},   {26, 0}};

static bool downgrade_both(attempt *on, size_t n)
{
    if (n >= sizeof downgrades / sizeof *downgrades) {
        return false;
    }
    for (size_t copy = 0; copy < 2; copy++) {
        on->file.data[copy * COPY_BYTES + downgrades[n].at] = downgrades[n].value;
        fix_checksum(on->file, copy);
    }
    return true;
}

static bool downgrade_one(attempt *on, size_t n)
{
    size_t which = n / 2;
    if (which >= sizeof downgrades / sizeof *downgrades) {
        return false;
    }
    on->file.data[n % 2 * COPY_BYTES + downgrades[which].at] = downgrades[which].value;
    fix_checksum(on->file, n % 2);
    return true;
}

static bool raise_format(attempt *on, size_t n)
{
    for (size_t copy = 0; copy < 2; copy++) {
        on->file.data[copy * COPY_BYTES + 16 + n] = 2;
        fix_checksum(on->file, copy);
    }
    return n < 2;
}

/* Anything else of the header, forged with a checksum that fits: the MAC cannot be. */
static bool forge_both(attempt *on, size_t n)
{
    static const size_t places[] = {27, 28,  31,  48,  56,   64,   72,
                                    88, 120, 136, 300, 3712, 3784, 4000};
    if (n >= sizeof places / sizeof *places) {
        return false;
    }
    for (size_t copy = 0; copy < 2; copy++) {
        on->file.data[copy * COPY_BYTES + places[n]] ^= 1;
        fix_checksum(on->file, copy);
    }
    return true;
}

/* Slot 0 begins at 640: type, epoch, kdf, passes, memory, salt, label, nonce, wrapped key, tag. */
static bool forge_slot(attempt *on, size_t n)
{
    static const size_t places[] = {1, 2, 4, 5, 8, 12, 13, 16, 31, 32, 48, 72, 104, 120};
    if (n >= sizeof places / sizeof *places) {
        return false;
    }
    for (size_t copy = 0; copy < 2; copy++) {
        on->file.data[copy * COPY_BYTES + 640 + places[n]] ^= 1;
        fix_checksum(on->file, copy);
    }
    return true;
}

/* A memory cost that would take the machine down is refused before it is used. */
static bool raise_cost(attempt *on, size_t n)
{
    for (size_t copy = 0; copy < 2; copy++) {
        memset(on->file.data + copy * COPY_BYTES + 640 + (n == 0 ? 8 : 12), 0xFF, 4);
        fix_checksum(on->file, copy);
    }
    return n < 2;
}

/* ---- the file as a whole ---- */

static bool take_plain(attempt *on, size_t n)
{
    free(on->file.data);
    on->file = copy_of(now.plain.file);
    return n == 0;
}

static bool ask_in_plain(attempt *on, size_t n)
{
    on->kind = IN_PLAIN;
    return n == 0;
}

static bool take_other_file(attempt *on, size_t n)
{
    free(on->file.data);
    on->file = copy_of(now.other.file);
    on->back = now.other.answer;
    return n == 0;
}

static bool take_older_file(attempt *on, size_t n)
{
    free(on->file.data);
    on->file = copy_of(now.older.file);
    on->back = now.older.answer;
    return n == 0;
}

static bool take_older_file_anchored(attempt *on, size_t n)
{
    on->anchor = now.anchor;
    return take_older_file(on, n);
}

static bool leave_alone(attempt *on, size_t n)
{
    on->anchor = n == 1 ? now.anchor : NULL;
    return n < 2;
}

/* ---- single bits, by chance; test_flips.c has every one of a smaller store ---- */

static bool flip(bytes what, size_t from, size_t len, size_t n)
{
    what.data[from + pick((uint32_t)len)] ^= (uint8_t)(1u << pick(8));
    return n < (is_long_run() ? 2000 : 60);
}

static bool flip_header(attempt *on, size_t n)
{
    return flip(on->file, 0, BLOCK_BYTES, n);
}

static bool flip_first_page(attempt *on, size_t n)
{
    return flip(on->file, page_at(1), PAGE_BYTES, n);
}

static bool flip_page(attempt *on, size_t n)
{
    return flip(on->file, page_at(2), on->file.len - page_at(2), n);
}

static bool flip_file(attempt *on, size_t n)
{
    return flip(on->file, page_at(1), on->file.len - page_at(1), n);
}

static bool flip_log_header(attempt *on, size_t n)
{
    return flip(on->log, 0, LOG_HEADER, n);
}

static bool flip_log(attempt *on, size_t n)
{
    return flip(on->log, 0, on->log.len, n);
}

static bool flip_last_frame(attempt *on, size_t n)
{
    return flip(on->log, frame_at(frames_in(on->log) - 1), FRAME_BYTES, n);
}

/* ---- the log ---- */

static bool take_log_of_other(attempt *on, size_t n)
{
    free(on->log.data);
    on->log = copy_of(now.other_running.log);
    return n == 0;
}

static bool take_earlier_log(attempt *on, size_t n)
{
    free(on->log.data);
    on->log = copy_of(now.earlier.log);
    return n == 0;
}

static bool drop_log(attempt *on, size_t n)
{
    resize(&on->log, 0);
    return n == 0;
}

static bool zero_log_header(attempt *on, size_t n)
{
    memset(on->log.data, 0, LOG_HEADER);
    return n == 0;
}

static bool swap_frames(attempt *on, size_t n)
{
    if (n + 2 >= frames_in(on->log)) {
        return false;
    }
    bytes was = copy_of(on->log);
    put_bytes(on->log, frame_at(n), was, frame_at(n + 1), FRAME_BYTES);
    put_bytes(on->log, frame_at(n + 1), was, frame_at(n), FRAME_BYTES);
    free(was.data);
    return true;
}

static bool swap_frame_pages(attempt *on, size_t n)
{
    if (n + 2 >= frames_in(on->log)) {
        return false;
    }
    put_bytes(on->log, frame_at(n) + 64, on->log, frame_at(n + 1) + 64, PAGE_BYTES);
    return true;
}

static bool zero_frame(attempt *on, size_t n)
{
    if (n + 8 >= frames_in(on->log)) {
        return false;
    }
    memset(on->log.data + frame_at(n), 0, FRAME_BYTES);
    return true;
}

static bool cut_log(attempt *on, size_t n)
{
    size_t frames = frames_in(on->log);
    if (n >= frames) {
        return false;
    }
    resize(&on->log, frame_at(frames - n) - 1 - n * 37);
    return true;
}

static bool put_frame_into_file(attempt *on, size_t n)
{
    if (n >= frames_in(on->log) || n >= pages_in(on->file)) {
        return false;
    }
    put_bytes(on->file, page_at(n + 1), on->log, frame_at(n) + 64, PAGE_BYTES);
    resize(&on->log, 0);
    return true;
}

static const attack attacks[] = {
    {"nothing at all", &now.closed, leave_alone, OPENS, RIGHT, SOUND},
    {"a bit of the header", &now.closed, flip_header, OPENS, RIGHT, FOUND},
    {"a bit of page 1", &now.closed, flip_first_page, TAMPERED, NEVER, NONE},
    {"a bit of another page", &now.closed, flip_page, OPENS | TAMPERED, SAFE, FOUND},
    {"a bit of the header, with a log", &now.crashed, flip_header, OPENS, RIGHT, FOUND},
    {"a bit of the file, with a log", &now.crashed, flip_file, OPENS | TAMPERED, SAFE, FOUND},
    {"a bit of the log's header", &now.crashed, flip_log_header, OPENS | TAMPERED, SAFE, FOUND},
    {"a bit of the log", &now.crashed, flip_log, OPENS | REFUSED, BACK, FOUND},
    {"a bit of the log's last frame", &now.crashed, flip_last_frame, OPENS | REFUSED, BACK, FOUND},
    {"two pages swapped", &now.closed, swap_pages, OPENS | TAMPERED, SAFE, FOUND},
    {"a page over another", &now.closed, put_elsewhere, OPENS | TAMPERED, SAFE, FOUND},
    {"page 1 over another", &now.closed, put_first_elsewhere, OPENS | TAMPERED, SAFE, FOUND},
    {"another over page 1", &now.closed, put_over_first, TAMPERED, NEVER, NONE},
    {"a page zeroed", &now.closed, zero_page, OPENS | TAMPERED, SAFE, FOUND},
    {"page 1 zeroed", &now.closed, zero_first, TAMPERED, NEVER, NONE},
    {"a page's nonce and tag zeroed", &now.closed, zero_tail, OPENS | TAMPERED, SAFE, FOUND},
    {"an old page in its own place", &now.closed, replay_page, OPENS | REFUSED, BACK, FOUND},
    {"all old pages, new header", &now.closed, replay_all_pages, OPENS, BACK, FOUND},
    {"a page of another store", &now.closed, take_page_of_other, OPENS | TAMPERED, SAFE, FOUND},
    {"cut off", &now.closed, cut, TRUNCATED, NEVER, NONE},
    {"cut to nothing", &now.closed, cut_to_nothing, TRUNCATED | NOT_A_STORE, NEVER, NONE},
    {"zeros added", &now.closed, add_zeros, OPENS, RIGHT, FOUND},
    {"an own page added", &now.closed, add_own_page, OPENS, RIGHT, FOUND},
    {"the header of another store", &now.closed, take_header_of_other, REFUSED, NEVER, NONE},
    {"one header copy of another store", &now.closed, take_one_copy_of_other, OPENS | TAMPERED,
     SAFE, FOUND},
    {"the old header before new pages", &now.closed, take_old_header, OPENS | TAMPERED, SAFE,
     FOUND},
    {"an old copy as the spare one", &now.closed, take_old_spare, OPENS, RIGHT, FOUND},
    {"one header copy zeroed", &now.closed, zero_copy, OPENS, RIGHT, FOUND},
    {"both header copies zeroed", &now.closed, zero_both_copies, NOT_A_STORE, NEVER, NONE},
    {"both header copies damaged", &now.closed, damage_both_copies, TAMPERED, NEVER, NONE},
    {"suite and layout downgraded", &now.closed, downgrade_both, FORMAT, NEVER, NONE},
    {"the same in one copy", &now.closed, downgrade_one, OPENS, RIGHT, FOUND},
    {"a format of the future", &now.closed, raise_format, FORMAT, NEVER, NONE},
    {"header fields forged", &now.closed, forge_both, TAMPERED | KEY_WRONG, NEVER, NONE},
    {"a key slot forged", &now.closed, forge_slot, TAMPERED | KEY_WRONG, NEVER, NONE},
    {"KDF parameters forged", &now.phrase, forge_slot, TAMPERED | KEY_WRONG | KDF_LIMIT, NEVER,
     NONE},
    {"KDF cost raised without bounds", &now.phrase, raise_cost, KDF_LIMIT, NEVER, NONE},
    {"a plain database in place", &now.closed, take_plain, PLAIN, NEVER, NONE},
    {"a sealed store where a plain one was", &now.closed, ask_in_plain, NOT_A_STORE, NEVER, NONE},
    {"another store under the same key", &now.closed, take_other_file, OPENS, BACK, SOUND},
    {"the whole file from before", &now.closed, take_older_file, OPENS, BACK, SOUND},
    {"the same, against an anchor", &now.closed, take_older_file_anchored, ANCHOR_OLD, NEVER, NONE},
    {"nothing at all, with a log", &now.crashed, leave_alone, OPENS, RIGHT, SOUND},
    {"the log of another store", &now.closed, take_log_of_other, OPENS, RIGHT, FOUND},
    {"an old log beside a closed store", &now.closed, take_earlier_log, OPENS | REFUSED, SAFE,
     FOUND},
    {"an old log in place of the log", &now.crashed, take_earlier_log, OPENS | REFUSED, SAFE,
     FOUND},
    {"the log removed, a checkpoint begun", &now.crashed, drop_log, OPENS | REFUSED, BACK, FOUND},
    {"the log removed, none begun", &now.earlier, drop_log, OPENS, BACK, SOUND},
    {"the log's header zeroed", &now.crashed, zero_log_header, OPENS | TAMPERED, BACK, FOUND},
    {"two frames swapped", &now.crashed, swap_frames, OPENS | REFUSED, BACK, FOUND},
    {"a frame's page in another frame", &now.crashed, swap_frame_pages, OPENS | REFUSED, BACK,
     FOUND},
    {"a frame zeroed", &now.crashed, zero_frame, OPENS | REFUSED, BACK, FOUND},
    {"the log cut off", &now.crashed, cut_log, OPENS | REFUSED, BACK, TOLD},
    {"a page of the log in the file", &now.crashed, put_frame_into_file, OPENS | REFUSED, BACK,
     FOUND},
};

/* ---- judging ---- */

static int opening_of(fhirstore_status status)
{
    switch (status) {
    case FHIRSTORE_OK:
        return OPENS;
    case FHIRSTORE_ERR_TAMPERED:
        return TAMPERED;
    case FHIRSTORE_ERR_CORRUPT:
        return CORRUPT;
    case FHIRSTORE_ERR_TRUNCATED:
        return TRUNCATED;
    case FHIRSTORE_ERR_FORMAT:
        return FORMAT;
    case FHIRSTORE_ERR_PLAIN_STORE:
        return PLAIN;
    case FHIRSTORE_ERR_NOT_A_STORE:
        return NOT_A_STORE;
    case FHIRSTORE_ERR_KEY_WRONG:
        return KEY_WRONG;
    case FHIRSTORE_ERR_KDF_LIMIT:
        return KDF_LIMIT;
    case FHIRSTORE_ERR_OUTDATED:
        return ANCHOR_OLD;
    default:
        return 0;
    }
}

static bool reads_well(const attack *what, const attempt *on, const sight *seen)
{
    bool is_right = seen->answer != NULL && strcmp(seen->answer, on->right) == 0;
    bool is_refused = seen->answer == NULL && (seen->read == FHIRSTORE_ERR_TAMPERED ||
                                               seen->read == FHIRSTORE_ERR_CORRUPT ||
                                               seen->read == FHIRSTORE_ERR_TRUNCATED);
    switch (what->reads) {
    case RIGHT:
        return is_right;
    case SAFE:
        return is_right || is_refused;
    case BACK:
        return is_right || is_refused || (seen->answer != NULL && on->back == NULL) ||
               (seen->answer != NULL && strcmp(seen->answer, on->back) == 0);
    case NEVER:
    default:
        return false;
    }
}

static bool says_right(const attack *what, const sight *seen)
{
    if (seen->verified != FHIRSTORE_OK) {
        return false; /* verify tells of damage; it does not fail of it */
    }
    switch (what->says) {
    case FOUND:
        return seen->findings > 0;
    case TOLD:
        return seen->findings > 0 || seen->notices > 0;
    case SOUND:
        return seen->findings == 0;
    case NONE:
    default:
        return false;
    }
}

static void judge(const attack *what, size_t variant, const attempt *on, const sight *seen)
{
    ck_assert_msg((opening_of(seen->opened) & what->opens) != 0, "%s, %zu: opening says %s: %s",
                  what->name, variant, fhirstore_status_name(seen->opened), seen->said);
    if (seen->opened < FHIRSTORE_OK) {
        return;
    }
    ck_assert_msg(says_right(what, seen), "%s, %zu: verify says %s, %lld findings: %s", what->name,
                  variant, fhirstore_status_name(seen->verified), (long long)seen->findings,
                  seen->said);
    ck_assert_msg(reads_well(what, on, seen), "%s, %zu: what is read is not right: %s", what->name,
                  variant, fhirstore_status_name(seen->read));
}

START_TEST(each_attack_has_its_outcome)
{
    const attack *what = &attacks[_i];
    size_t variant = 0;
    size_t refused = 0;
    const uint64_t seed = seed_of_run();
    size_t step = is_long_run() ? 1 : 3; /* of those that are tried on each page */
    for (;; variant += variant < 15 ? 1 : step) {
        attempt on = {.file = copy_of(what->on->file),
                      .log = copy_of(what->on->log),
                      .kind = what->on == &now.phrase ? BY_PHRASE : BY_KEY,
                      .right = what->on->answer};
        bool more = what->run(&on, variant);
        if (more) {
            sight seen = look_at(on.file, on.log, on.kind, on.anchor);
            judge(what, variant, &on, &seen);
            refused += seen.opened < FHIRSTORE_OK ? 1 : 0;
            free(seen.answer);
        }
        free(on.file.data);
        free(on.log.data);
        if (!more) {
            break;
        }
    }
    ck_assert_uint_gt(variant, 0);
    (void)fprintf(stderr, "# %s: %zu variants, %zu refused at opening; FHS_TEST_SEED=%llu\n",
                  what->name, variant, refused, (unsigned long long)seed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("adversary");
    TCase *tests = tcase_create("cases");
    tcase_add_unchecked_fixture(tests, make_world, free_world);
    tcase_set_timeout(tests, 600);
    tcase_add_loop_test(tests, each_attack_has_its_outcome, 0,
                        (int)(sizeof attacks / sizeof *attacks));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
