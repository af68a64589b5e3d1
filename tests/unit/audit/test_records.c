/* SPDX-License-Identifier: Apache-2.0 */
/* One record: as bytes, which somebody may have cut or made up, as the hook sees it, as NDJSON. */
#include "audit/block.h"
#include "audit/words.h"
#include "failing_arena.h"
#include "suite.h"
#include "json/json.h"

static const fhs_audit_event whole = {.action = FHIRSTORE_ACTION_UPDATE,
                                      .outcome = FHIRSTORE_ERR_DENIED,
                                      .time_us = INT64_MAX,
                                      .duration_us = INT64_MIN,
                                      .version_before = -1,
                                      .version_after = 300,
                                      .count = 2,
                                      .total = 7,
                                      .entry = 4,
                                      .flags = UINT32_MAX,
                                      .principal = FHS_LIT_INIT("a"),
                                      .purpose = FHS_LIT_INIT("b"),
                                      .request_id = FHS_LIT_INIT("c"),
                                      .type = FHS_LIT_INIT("Patient"),
                                      .id = FHS_LIT_INIT("e"),
                                      .query = FHS_LIT_INIT("f"),
                                      .patients = FHS_LIT_INIT("g g2"),
                                      .resources = FHS_LIT_INIT("h h2"),
                                      .restriction = FHS_LIT_INIT("i")};

START_TEST(a_record_that_is_cut_is_none)
{
    fhs_buf block = FHS_BUF_INIT(4096);
    fhs_audit_event read;
    ck_assert_int_eq(fhs_block_add_sealed(&block, &whole, _i == 1), FHIRSTORE_OK);
    for (size_t len = 0; len < block.len; len++) {
        fhs_str rest = fhs_str_of(block.ptr, len);
        ck_assert_msg(!fhs_block_next(&rest, &read), "%zu of %zu bytes", len, block.len);
    }
    fhs_str rest = fhs_buf_str(&block);
    ck_assert_int_eq(fhs_block_is_sealed(rest), _i == 1);
    ck_assert(fhs_block_next(&rest, &read));
    ck_assert_uint_eq(rest.len, 0);
    ck_assert(!fhs_block_is_sealed(rest));
    ck_assert_int_eq(read.time_us, INT64_MAX);
    ck_assert_int_eq(read.duration_us, INT64_MIN);
    ck_assert_int_eq(read.outcome, FHIRSTORE_ERR_DENIED);
    ck_assert_uint_eq(read.flags, UINT32_MAX);
    ck_assert_view_eq(read.resources, whole.resources);
    ck_assert_view_eq(read.restriction, whole.restriction);
    fhs_buf_clear(&block);
}
END_TEST

/* Nine numbers and seven texts: what stores of before the second form hold. */
START_TEST(a_record_of_the_first_form_is_read)
{
    static const char old[] = "\1\2\0\0\0\0\0\0\1\0\1p\0\0\7Patient\1x\0\0";
    fhs_str rest = fhs_str_of(old, sizeof old - 1);
    fhs_audit_event read;
    ck_assert(fhs_block_next(&rest, &read));
    ck_assert_uint_eq(rest.len, 0);
    ck_assert_int_eq(read.action, FHIRSTORE_ACTION_READ);
    ck_assert_int_eq(read.total, -1);
    ck_assert_uint_eq(read.flags, 0);
    ck_assert_view_eq(read.principal, FHS_LIT("p"));
    ck_assert_view_eq(read.id, FHS_LIT("x"));
    ck_assert_uint_eq(read.restriction.len, 0);
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
} no_records[] = {
    {"\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20},                     /* an unknown form */
    {"\2\377\377\377\377\377\377\377\377\377\377\377\377\0\0\0", 16},     /* a number without end */
    {"\2\0\0\0\0\0\0\0\0\0\0\377\377\377\377\377\377\377\377\177\0", 21}, /* a text without end */
    {"\2\0\0\0\0\0\0\0\0\0\0\5abc", 15},                                  /* a text that is cut */
};

START_TEST(made_up_bytes_are_no_record)
{
    fhs_str rest = fhs_str_of(no_records[_i].bytes, no_records[_i].len);
    fhs_audit_event read;
    ck_assert(!fhs_block_next(&rest, &read));
}
END_TEST

START_TEST(a_record_is_added_whole_or_not_at_all)
{
    fhs_buf block = FHS_BUF_INIT(250);
    ck_assert_int_eq(fhs_block_add(&block, &whole), FHIRSTORE_OK);
    const size_t len = block.len;
    ck_assert_int_eq(fhs_block_add(&block, &whole), FHIRSTORE_ERR_LIMIT);
    ck_assert_uint_eq(block.len, len);
    ck_assert_int_eq(fhs_buf_status(&block), FHIRSTORE_OK); /* there is room for shorter ones */
    fhs_buf_clear(&block);
}
END_TEST

/* ---- the hook ---- */

static int told;
static int32_t phase;

static fhirstore_status refuse_or_not(void *ctx, const fhirstore_audit_event *event)
{
    const bool *refuses = ctx;
    told++;
    phase = event->phase;
    ck_assert_str_eq(event->type, "Patient");
    ck_assert_str_eq(event->patients, "g g2");
    ck_assert_uint_eq(event->restriction_len, 1);
    return *refuses ? FHIRSTORE_ERR_INTERNAL : FHIRSTORE_OK;
}

static fhirstore_status tell(const fhirstore_audit_hook *hook, bool before, fhirstore_error **err)
{
    fhs_arena arena;
    fhs_arena_init(&arena, 65536);
    const fhirstore_status status = before ? fhs_audit_before(hook, &whole, &arena, err)
                                           : fhs_audit_record(hook, &whole, &arena, err);
    fhs_arena_clear(&arena);
    return status;
}

START_TEST(the_hook_is_asked_and_told)
{
    const bool before = _i == 1;
    bool refuses = false;
    fhirstore_audit_hook hook = {.ctx = &refuses, .record = refuse_or_not};
    fhirstore_error *err = NULL;
    told = 0;
    ck_assert_int_eq(tell(NULL, before, &err), FHIRSTORE_OK);
    ck_assert_int_eq(told, 0);
    ck_assert_int_eq(tell(&hook, before, &err), FHIRSTORE_OK);
    ck_assert_int_eq(told, before ? 0 : 1); /* a hook may do without the first phase */
    hook.before = refuse_or_not;
    ck_assert_int_eq(tell(&hook, before, &err), FHIRSTORE_OK);
    ck_assert_int_eq(phase, before ? FHIRSTORE_AUDIT_BEFORE : FHIRSTORE_AUDIT_AFTER);
    refuses = true;
    ck_assert_int_eq(tell(&hook, before, &err), FHIRSTORE_ERR_AUDIT_REFUSED);
    fhs_error_free(err);
}
END_TEST

START_TEST(without_memory_the_hook_is_not_told)
{
    bool refuses = false;
    const fhirstore_audit_hook hook = {.ctx = &refuses, .record = refuse_or_not};
    fhirstore_error *err = NULL;
    bool failed = true;
    for (int64_t k = 1; failed; k++) {
        told = 0;
        arm_arena(k);
        const fhirstore_status status = tell(&hook, false, &err);
        disarm_arena();
        failed = has_failed_arena();
        ck_assert_int_eq(status, failed ? FHIRSTORE_ERR_NO_MEMORY : FHIRSTORE_OK);
        ck_assert_int_eq(told, failed ? 0 : 1);
        fhs_error_free(err);
        err = NULL;
    }
}
END_TEST

/* ---- NDJSON ---- */

START_TEST(a_line_has_what_there_is)
{
    const fhs_audit_event short_one = {.action = -1, .total = -1};
    fhs_buf out = FHS_BUF_INIT(4096);
    fhs_audit_write_json(5, &whole, &out);
    ck_assert_ptr_nonnull(strstr(out.ptr, "\"action\":\"update\",\"outcome\":\"ERR_DENIED\""));
    ck_assert_ptr_nonnull(strstr(out.ptr, "\"patients\":[\"g\",\"g2\"],\"morePatients\":true"));
    ck_assert_ptr_nonnull(strstr(out.ptr, "\"clockSetBack\":true}"));
    fhs_buf_reset(&out);
    fhs_audit_write_json(6, &short_one, &out);
    ck_assert_str_eq(out.ptr,
                     "{\"record\":6,\"time\":\"1970-01-01T00:00:00.000Z\",\"outcome\":\"OK\"}");
    ck_assert_uint_eq(fhs_audit_action_name(1000).len, 0);
    for (int32_t action = FHIRSTORE_ACTION_READ; action <= FHIRSTORE_ACTION_SHRED; action++) {
        ck_assert_uint_gt(fhs_audit_action_name(action).len, 0);
    }
    fhs_buf_clear(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("audit_records");
    TCase *tests = tcase_create("records");
    tcase_add_loop_test(tests, a_record_that_is_cut_is_none, 0, 2);
    tcase_add_test(tests, a_record_of_the_first_form_is_read);
    tcase_add_loop_test(tests, made_up_bytes_are_no_record, 0, (int)FHS_COUNT_OF(no_records));
    tcase_add_test(tests, a_record_is_added_whole_or_not_at_all);
    tcase_add_loop_test(tests, the_hook_is_asked_and_told, 0, 2);
    tcase_add_test(tests, without_memory_the_hook_is_not_told);
    tcase_add_test(tests, a_line_has_what_there_is);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
