/* SPDX-License-Identifier: Apache-2.0 */
/* What keys need fails: the header's reads, writes, syncs and locks, memory, key derivation. */
#include "base/limits.h"
#include "block.h"
#include "failing_alloc.h"
#include "keys/box.h"

static const uint8_t key_c[FHS_KEYS_KEY_BYTES] = {7, 8, 9};
static const fhs_credential with_c = {.raw_key = key_c, .raw_key_len = sizeof key_c};
static const uint8_t recipient[FHS_KEYS_KEY_BYTES] = {7, 7, 1};

/* ---- what libsodium answers ---- */

static bool no_sodium;     /* it cannot start */
static bool no_guard;      /* no guarded memory */
static bool no_box;        /* no box for a recipient */
static uint32_t kdf_limit; /* KiB that key derivation may have; 0: no limit */
static int64_t kdf_rate; /* microseconds a pass over a MiB takes, as pretended; below 0: as it is */
static int64_t kdf_time; /* what the clock says then */
static unsigned kdf_pretend; /* derivations that were only pretended */

int __real_sodium_init(void);
int __wrap_sodium_init(void);
void *__real_sodium_malloc(size_t size);
void *__wrap_sodium_malloc(size_t size);
int __real_crypto_box_seal(unsigned char *out, const unsigned char *plain, unsigned long long len,
                           const unsigned char *public_key);
int __wrap_crypto_box_seal(unsigned char *out, const unsigned char *plain, unsigned long long len,
                           const unsigned char *public_key);
int __real_crypto_pwhash(unsigned char *out, unsigned long long out_len, const char *text,
                         unsigned long long text_len, const unsigned char *salt,
                         unsigned long long passes, size_t memory, int algorithm);
int __wrap_crypto_pwhash(unsigned char *out, unsigned long long out_len, const char *text,
                         unsigned long long text_len, const unsigned char *salt,
                         unsigned long long passes, size_t memory, int algorithm);
int64_t __real_fhs_clock_monotonic_us(void);
int64_t __wrap_fhs_clock_monotonic_us(void);

int __wrap_sodium_init(void)
{
    return no_sodium ? -1 : __real_sodium_init();
}

void *__wrap_sodium_malloc(size_t size)
{
    return no_guard ? NULL : __real_sodium_malloc(size);
}

int __wrap_crypto_box_seal(unsigned char *out, const unsigned char *plain, unsigned long long len,
                           const unsigned char *public_key)
{
    return no_box ? -1 : __real_crypto_box_seal(out, plain, len, public_key);
}

int __wrap_crypto_pwhash(unsigned char *out, unsigned long long out_len, const char *text,
                         unsigned long long text_len, const unsigned char *salt,
                         unsigned long long passes, size_t memory, int algorithm)
{
    if (kdf_limit != 0 && memory / 1024 > kdf_limit) {
        return -1;
    }
    if (kdf_rate < 0) {
        return __real_crypto_pwhash(out, out_len, text, text_len, salt, passes, memory, algorithm);
    }
    kdf_pretend++;
    kdf_time += kdf_rate * (int64_t)passes * (int64_t)(memory / 1024 / 1024);
    memset(out, 1, (size_t)out_len);
    return 0;
}

int64_t __wrap_fhs_clock_monotonic_us(void)
{
    return kdf_rate < 0 ? __real_fhs_clock_monotonic_us() : kdf_time;
}

static void nothing_fails(void)
{
    left_until_failure = 0;
    no_sodium = false;
    no_guard = false;
    no_box = false;
    kdf_limit = 0;
    kdf_rate = -1;
}

/* ---- the header cannot be read, written, synced or locked ---- */

typedef fhirstore_status (*header_change)(fhs_keys *keys, const fhs_keys_io *io, uint32_t *id_out,
                                          fhirstore_error **err);

static fhirstore_status change_add(fhs_keys *keys, const fhs_keys_io *io, uint32_t *id_out,
                                   fhirstore_error **err)
{
    return fhs_keys_slot_add(keys, &with_c, cheap, FHS_STR_NONE, io, id_out, err);
}

static fhirstore_status change_remove(fhs_keys *keys, const fhs_keys_io *io, uint32_t *id_out,
                                      fhirstore_error **err)
{
    *id_out = 0;
    return fhs_keys_slot_remove(keys, 1, io, err);
}

static fhirstore_status change_rotate(fhs_keys *keys, const fhs_keys_io *io, uint32_t *id_out,
                                      fhirstore_error **err)
{
    return fhs_keys_slot_rotate(keys, 1, &with_c, cheap, FHS_STR_NONE, io, id_out, err);
}

static fhirstore_status change_renew(fhs_keys *keys, const fhs_keys_io *io, uint32_t *id_out,
                                     fhirstore_error **err)
{
    return fhs_keys_renew(keys, &with_c, cheap, FHS_STR_NONE, io, id_out, err);
}

static fhirstore_status change_end(fhs_keys *keys, const fhs_keys_io *io, uint32_t *id_out,
                                   fhirstore_error **err)
{
    *id_out = 0;
    return fhs_keys_renew_end(keys, io, err);
}

static fhirstore_status change_sum(fhs_keys *keys, const fhs_keys_io *io, uint32_t *id_out,
                                   fhirstore_error **err)
{
    const fhs_page_sum sum = {.state = FHS_SUM_COMPLETE};
    *id_out = 0;
    return fhs_keys_put_sum(keys, &sum, io, err);
}

static fhirstore_status change_age(fhs_keys *keys, const fhs_keys_io *io, uint32_t *id_out,
                                   fhirstore_error **err)
{
    *id_out = 0;
    return fhs_keys_raise_generation(keys, true, io, err);
}

static fhirstore_status change_mend(fhs_keys *keys, const fhs_keys_io *io, uint32_t *id_out,
                                    fhirstore_error **err)
{
    bool is_mended = true;
    *id_out = 0;
    return fhs_keys_mend(keys, io, &is_mended, err);
}

static fhirstore_status catch_up(fhs_keys *keys, const fhs_keys_io *io, uint32_t *id_out,
                                 fhirstore_error **err)
{
    *id_out = 0;
    return fhs_keys_catch_up(keys, io, err);
}

static const struct {
    const char *name;
    header_change change;
    int reads, writes, locks; /* that it does; each write is synced */
    bool renews;              /* the data key is being replaced when it begins */
    bool is_torn;             /* … and the spare copy torn */
} changes[] = {
    {"add", change_add, 2, 1, 1, false, false},
    {"remove", change_remove, 2, 2, 1, false, false},
    {"rotate", change_rotate, 2, 2, 1, false, false},
    {"renew", change_renew, 2, 2, 1, false, false},
    {"renew end", change_end, 2, 2, 1, true, false},
    {"sum", change_sum, 2, 1, 1, false, false},
    {"generation", change_age, 2, 1, 1, false, false},
    {"mend", change_mend, 3, 1, 2, false, true},
    {"mend nothing", change_mend, 1, 0, 1, false, false},
    {"catch up", catch_up, 2, 0, 1, false, false},
};

/* A store with the keys a and b; with c in place of both while the data key is being replaced. */
static fhs_keys *prepare(memory_block *block, size_t which)
{
    fhs_keys *keys = create(block, with_a);
    const fhs_keys_io io = io_of(block);
    uint32_t id = 0;
    ck_assert_int_eq(fhs_keys_slot_add(keys, &with_b, cheap, FHS_STR_NONE, &io, &id, NULL), 0);
    if (changes[which].renews) {
        ck_assert_int_eq(change_renew(keys, &io, &id, NULL), FHIRSTORE_OK);
    }
    if (changes[which].is_torn) {
        block->bytes[(size_t)fhs_keys_spare(keys) * FHS_KEYS_COPY_BYTES + HEADER_SEQ] ^= 0x55;
    }
    block->reads = block->writes = block->syncs = 0;
    return keys;
}

static int count_openers(const memory_block *block)
{
    return (try_open(block, with_a) == FHIRSTORE_OK) + (try_open(block, with_b) == FHIRSTORE_OK) +
           (try_open(block, with_c) == FHIRSTORE_OK);
}

START_TEST(does_what_it_counts)
{
    memory_block block;
    fhs_keys *keys = prepare(&block, (size_t)_i);
    const fhs_keys_io io = locked_io_of(&block);
    uint32_t id = 0;
    ck_assert_int_eq(changes[_i].change(keys, &io, &id, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(block.reads, changes[_i].reads);
    ck_assert_int_eq(block.writes, changes[_i].writes);
    ck_assert_int_eq(block.syncs, changes[_i].writes);
    ck_assert_int_eq(block.locks, changes[_i].locks);
    ck_assert_int_eq(block.unlocks, changes[_i].locks);
    ck_assert_int_gt(count_openers(&block), 0);
    fhs_keys_free(keys);
}
END_TEST

/* One operation, the k-th of its kind: an error, no number, the lock let go, the store whole. */
static void fail_operation(size_t which, char kind, int k)
{
    memory_block block;
    fhs_keys *keys = prepare(&block, which);
    const fhs_keys_io io = locked_io_of(&block);
    const memory_block before = block;
    fhirstore_error *err = NULL;
    uint32_t id = 9;
    block.fail_read = kind == 'r' ? k : 0;
    block.fail_write = kind == 'w' ? k : 0;
    block.fail_sync = kind == 's' ? k : 0;
    block.fail_lock = kind == 'l' ? k : 0;
    fhirstore_status status = changes[which].change(keys, &io, &id, &err);
    ck_assert_msg(status == FHIRSTORE_ERR_IO, "%s, %c %d: %d", changes[which].name, kind, k,
                  status);
    ck_assert_int_eq(fhs_error_status(err), FHIRSTORE_ERR_IO);
    fhs_error_free(err);
    ck_assert_uint_eq(id, 0);
    ck_assert_int_eq(block.locks - (kind == 'l' ? 1 : 0), block.unlocks);
    ck_assert(fhs_keys_is_torn(keys) == (kind == 'w' || kind == 's'));
    if (block.writes == 0) {
        ck_assert_mem_eq(before.bytes, block.bytes, sizeof block.bytes);
    }
    ck_assert_int_gt(count_openers(&block), 0);

    /* The keys go on, and the next change is in force. */
    block.fail_read = block.fail_write = block.fail_sync = block.fail_lock = 0;
    fhs_credential next = phrase("the next one");
    ck_assert_int_eq(fhs_keys_slot_add(keys, &next, cheap, FHS_STR_NONE, &io, &id, NULL), 0);
    ck_assert_int_eq(try_open(&block, next), FHIRSTORE_OK);
    ck_assert(!fhs_keys_is_torn(keys));
    fhs_keys_free(keys);
}

START_TEST(survives_each_failing_operation)
{
    for (int k = 1; k <= changes[_i].reads; k++) {
        fail_operation((size_t)_i, 'r', k);
    }
    for (int k = 1; k <= changes[_i].writes; k++) {
        fail_operation((size_t)_i, 'w', k);
        fail_operation((size_t)_i, 's', k);
    }
    for (int k = 1; k <= changes[_i].locks; k++) {
        fail_operation((size_t)_i, 'l', k);
    }
}
END_TEST

/* ---- memory ---- */

typedef fhirstore_status (*key_maker)(const memory_block *block, fhs_keys **keys_out,
                                      fhirstore_error **err);

static fhirstore_status make_new(const memory_block *block, fhs_keys **keys_out,
                                 fhirstore_error **err)
{
    uint8_t made[FHS_KEYS_BLOCK_BYTES];
    (void)block;
    return fhs_keys_create(&with_a, cheap, FHS_STR_NONE, NULL, made, keys_out, err);
}

static fhirstore_status make_opened(const memory_block *block, fhs_keys **keys_out,
                                    fhirstore_error **err)
{
    const fhs_credential spoken = phrase("spoken");
    return fhs_keys_open(block->bytes, &spoken, keys_out, err);
}

static fhirstore_status make_ephemeral(const memory_block *block, fhs_keys **keys_out,
                                       fhirstore_error **err)
{
    (void)block;
    return fhs_keys_new_ephemeral(keys_out, err);
}

static void expect_no_memory(key_maker make, const memory_block *block)
{
    fhs_keys *keys = NULL;
    fhirstore_error *err = NULL;
    ck_assert_int_eq(make(block, &keys, &err), FHIRSTORE_ERR_NO_MEMORY);
    ck_assert_int_eq(fhs_error_status(err), FHIRSTORE_ERR_NO_MEMORY);
    ck_assert_ptr_null(keys);
    fhs_error_free(err);
}

START_TEST(says_that_there_is_no_memory)
{
    static const key_maker makers[] = {make_new, make_opened, make_ephemeral};
    memory_block block;
    fhs_keys_free(create(&block, phrase("spoken")));
    for (size_t i = 0; i < FHS_COUNT_OF(makers); i++) {
        fhs_keys *keys = NULL;
        left_until_failure = 1;
        expect_no_memory(makers[i], &block);
        nothing_fails();
        no_guard = true;
        expect_no_memory(makers[i], &block);
        nothing_fails();
        no_sodium = true;
        expect_no_memory(makers[i], &block);
        nothing_fails();
        ck_assert_int_eq(makers[i](&block, &keys, NULL), FHIRSTORE_OK);
        fhs_keys_free(keys);
    }
    kdf_limit = 1; /* the passphrase's derivation has none either */
    expect_no_memory(make_opened, &block);
    nothing_fails();
    no_guard = true;
    ck_assert_ptr_null(fhs_guarded_new(32));
}
END_TEST

/* A new data key needs guarded memory, and a new passphrase memory to derive from. */
START_TEST(changes_nothing_without_memory)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    const fhs_keys_io io = locked_io_of(&block);
    const memory_block before = block;
    const fhs_credential spoken = phrase("spoken");
    uint32_t id = 9;
    no_guard = true;
    ck_assert_int_eq(change_renew(keys, &io, &id, NULL), FHIRSTORE_ERR_NO_MEMORY);
    ck_assert_uint_eq(id, 0);
    nothing_fails();
    kdf_limit = 1;
    const fhirstore_status answers[] = {
        fhs_keys_slot_add(keys, &spoken, cheap, FHS_STR_NONE, &io, &id, NULL),
        fhs_keys_slot_rotate(keys, 0, &spoken, cheap, FHS_STR_NONE, &io, &id, NULL),
        fhs_keys_renew(keys, &spoken, cheap, FHS_STR_NONE, &io, &id, NULL),
    };
    for (size_t i = 0; i < FHS_COUNT_OF(answers); i++) {
        ck_assert_int_eq(answers[i], FHIRSTORE_ERR_NO_MEMORY);
    }
    nothing_fails();
    ck_assert_int_eq(block.locks, block.unlocks);
    ck_assert_mem_eq(before.bytes, block.bytes, sizeof block.bytes);
    ck_assert_int_eq(try_open(&block, with_a), FHIRSTORE_OK);
    fhs_keys_free(keys);
}
END_TEST

START_TEST(seals_no_token_without_room)
{
    fhs_keys *keys = NULL;
    fhs_buf token = FHS_BUF_INIT(1000);
    fhs_buf small = FHS_BUF_INIT(10);
    fhs_buf full = FHS_BUF_INIT(1000);
    const fhs_str endless = {"x", SIZE_MAX};
    ck_assert_int_eq(fhs_keys_new_ephemeral(&keys, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_keys_seal_token(keys, FHS_LIT("page"), FHS_LIT("after 17"), &token, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhs_keys_seal_token(keys, FHS_LIT("page"), endless, &full, NULL),
                     FHIRSTORE_ERR_LIMIT);
    ck_assert_int_eq(fhs_keys_seal_token(keys, FHS_LIT("page"), FHS_LIT("after 17"), &small, NULL),
                     FHIRSTORE_ERR_LIMIT);
    left_until_failure = 1;
    ck_assert_int_eq(fhs_keys_seal_token(keys, FHS_LIT("page"), FHS_LIT("after 17"), &full, NULL),
                     FHIRSTORE_ERR_NO_MEMORY);
    fhs_buf_clear(&full);
    left_until_failure = 1;
    ck_assert_int_eq(fhs_keys_open_token(keys, FHS_LIT("page"), fhs_buf_str(&token), &full, NULL),
                     FHIRSTORE_ERR_NO_MEMORY);
    ck_assert_uint_eq(full.len, 0);
    ck_assert_uint_eq(small.len, 0);
    fhs_buf_clear(&token);
    fhs_buf_clear(&small);
    fhs_buf_clear(&full);
    fhs_keys_free(keys);
}
END_TEST

/* ---- a recipient that nothing can be boxed for ---- */

START_TEST(changes_nothing_without_a_box)
{
    memory_block block;
    fhs_keys *keys = create(&block, with_a);
    fhs_keys *made = NULL;
    const fhs_keys_io io = locked_io_of(&block);
    const memory_block before = block;
    const fhs_credential boxed = {.secret_key = recipient};
    uint8_t other[FHS_KEYS_BLOCK_BYTES];
    uint32_t id = 9;
    no_box = true;
    const fhirstore_status answers[] = {
        fhs_keys_create(&boxed, cheap, FHS_STR_NONE, NULL, other, &made, NULL),
        fhs_keys_slot_add(keys, &boxed, cheap, FHS_STR_NONE, &io, &id, NULL),
        fhs_keys_slot_rotate(keys, 0, &boxed, cheap, FHS_STR_NONE, &io, &id, NULL),
        fhs_keys_renew(keys, &boxed, cheap, FHS_STR_NONE, &io, &id, NULL),
    };
    nothing_fails();
    for (size_t i = 0; i < FHS_COUNT_OF(answers); i++) {
        ck_assert_int_eq(answers[i], FHIRSTORE_ERR_INTERNAL);
    }
    ck_assert_ptr_null(made);
    ck_assert_uint_eq(id, 0);
    ck_assert_int_eq(block.locks, block.unlocks);
    ck_assert_mem_eq(before.bytes, block.bytes, sizeof block.bytes);
    ck_assert_int_eq(fhs_keys_slot_add(keys, &boxed, cheap, FHS_STR_NONE, &io, &id, NULL), 0);
    ck_assert_int_eq(try_open(&block, boxed), FHIRSTORE_OK);
    fhs_keys_free(keys);
}
END_TEST

/* ---- what a passphrase costs, on machines of several speeds ---- */

START_TEST(settles_the_cost_by_the_clock)
{
    enum {
        MIB = 1024
    };
    static const struct {
        int64_t rate; /* microseconds for a pass over a MiB */
        uint32_t limit, wanted, target_ms, passes;
        fhirstore_status status;
        uint32_t memory_out, passes_out;
    } rows[] = {
        {1000, 0, 256 * MIB, 1024, 0, FHIRSTORE_OK, 256 * MIB, 4},
        {1000, 0, 256 * MIB, 256, 0, FHIRSTORE_OK, 128 * MIB, 2},
        {1000, 0, 256 * MIB, 1, 0, FHIRSTORE_OK, 32 * MIB, 2}, /* never less than 19 MiB */
        {1000, 64 * MIB, 256 * MIB, 512, 0, FHIRSTORE_OK, 64 * MIB, 8},
        {1000, 1, 256 * MIB, 1024, 0, FHIRSTORE_ERR_NO_MEMORY, 0, 0},
        {0, 0, 256 * MIB, 1, 0, FHIRSTORE_OK, 256 * MIB, FHS_LIMIT_KDF_PASSES},
        {1, 0, 20 * MIB, 100000, 0, FHIRSTORE_OK, 20 * MIB, FHS_LIMIT_KDF_PASSES},
        {1000, 0, 256 * MIB, 1024, 7, FHIRSTORE_OK, 256 * MIB, 7}, /* passes that are said, stay */
    };
    for (size_t i = 0; i < FHS_COUNT_OF(rows); i++) {
        fhs_key_cost cost = {.memory_kib = rows[i].wanted, .passes = rows[i].passes};
        cost.target_ms = rows[i].target_ms;
        kdf_rate = rows[i].rate;
        kdf_limit = rows[i].limit;
        kdf_pretend = 0;
        fhirstore_status status = fhs_key_cost_settle(&cost, NULL);
        nothing_fails();
        ck_assert_msg(status == rows[i].status, "row %zu: %d", i, status);
        if (status == FHIRSTORE_OK) {
            ck_assert_uint_eq(cost.memory_kib, rows[i].memory_out);
            ck_assert_uint_eq(cost.passes, rows[i].passes_out);
        }
        ck_assert((kdf_pretend == 0) == (rows[i].passes != 0 || status != FHIRSTORE_OK));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("key failures");
    TCase *tcase = tcase_create("failures");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, nothing_fails, nothing_fails);
    tcase_add_loop_test(tcase, does_what_it_counts, 0, (int)FHS_COUNT_OF(changes));
    tcase_add_loop_test(tcase, survives_each_failing_operation, 0, (int)FHS_COUNT_OF(changes));
    tcase_add_test(tcase, says_that_there_is_no_memory);
    tcase_add_test(tcase, changes_nothing_without_memory);
    tcase_add_test(tcase, seals_no_token_without_room);
    tcase_add_test(tcase, changes_nothing_without_a_box);
    tcase_add_test(tcase, settles_the_cost_by_the_clock);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
