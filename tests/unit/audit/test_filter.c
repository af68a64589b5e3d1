/* SPDX-License-Identifier: Apache-2.0 */
/* Searches of the journal: which records fit, and what is no search. */
#include "audit/filter.h"
#include "failing_arena.h"
#include "suite.h"

#define BASE        "http://x/fhir"
#define DAY         INT64_C(86400000000)
#define INTERACTION FHS_AUDIT_INTERACTION_SYSTEM

static const fhs_audit_style styles[] = {{false, FHS_LIT_INIT(BASE)}, {true, FHS_LIT_INIT(BASE)}};
static fhs_arena arena;
static fhirstore_error *err;
static fhs_audit_filter filter;

static void set_up(void)
{
    fhs_arena_init(&arena, (size_t)1 << 20);
    err = NULL;
}

static void tear_down(void)
{
    fhs_error_free(err);
    fhs_arena_clear(&arena);
}

static void begin(bool is_r5)
{
    fhs_audit_filter_init(&filter, &styles[is_r5], 0, 20 * DAY);
}

static fhirstore_status add(const char *name, const char *modifier, const char *value)
{
    fhs_error_free(err);
    err = NULL;
    return fhs_audit_filter_add(&filter, &arena, fhs_str_from_cstr(name),
                                fhs_str_from_cstr(modifier), fhs_str_from_cstr(value), &err);
}

/* Noon of the second of January 1970, by a practitioner, of an Observation. */
static const fhs_audit_event events[] = {
    {.action = FHIRSTORE_ACTION_READ,
     .time_us = DAY + DAY / 2,
     .principal = FHS_LIT_INIT("Practitioner/7"),
     .type = FHS_LIT_INIT("Observation"),
     .id = FHS_LIT_INIT("o"),
     .patients = FHS_LIT_INIT("p q"),
     .resources = FHS_LIT_INIT("Device/d odd Group/g")},
    {.action = FHIRSTORE_ACTION_SEARCH,
     .outcome = FHIRSTORE_ERR_DENIED,
     .time_us = DAY + DAY / 2,
     .principal = FHS_LIT_INIT("app"),
     .type = FHS_LIT_INIT("Patient")},
    {.action = FHIRSTORE_ACTION_EXPORT, .time_us = DAY + DAY / 2, .principal = FHS_LIT_INIT("a/")},
    {.action = FHIRSTORE_ACTION_HISTORY, .outcome = FHIRSTORE_ERR_IO, .time_us = DAY + DAY / 2},
    {.action = FHIRSTORE_ACTION_HISTORY,
     .time_us = DAY + DAY / 2,
     .type = FHS_LIT_INIT("Patient"),
     .id = FHS_LIT_INIT("p")},
    {.action = -1, .time_us = DAY + DAY / 2},
    {.action = 1000, .time_us = DAY + DAY / 2},
};

static const struct {
    size_t event;
    bool is_r5;
    const char *name, *modifier, *value;
    bool fits;
} searches[] = {
    {0, false, "date", "", "1970-01-02", true},
    {0, false, "date", "", "eq1970-01-03", false},
    {0, false, "date", "", "1970-01-01", false},
    {0, false, "date", "", "ne1970-01-02", false},
    {0, false, "date", "", "ne1970-01-01", true},
    {0, false, "date", "", "ne1970-01-03", true},
    {0, false, "date", "", "gt1970-01-01", true},
    {0, false, "date", "", "sa1970-01-02", false},
    {0, false, "date", "", "lt1970-01-03", true},
    {0, false, "date", "", "eb1970-01-02", false},
    {0, false, "_lastUpdated", "", "ge1970-01-02", true},
    {0, false, "_lastUpdated", "", "ge1970-01-03", false},
    {0, false, "_lastUpdated", "", "le1970-01-02", true},
    {0, false, "_lastUpdated", "", "le1970-01-01", false},
    {0, false, "date", "", "ap1970-01-03", true}, /* 18 days ago: two of them either way */
    {0, false, "date", "", "ap1970-01-06", false},
    {0, false, "date", "", "ap1980-01-01", false},
    {0, false, "date", "", "1970-02-01,1970-01-02", true},
    {0, false, "agent", "", "Practitioner/7", true},
    {0, false, "agent", "", BASE "/Practitioner/7/_history/2", true},
    {0, false, "agent", "", BASE "s/Practitioner/7", false},
    {0, false, "agent", "", BASE, false},
    {0, false, "type", "", "http://terminology.hl7.org/CodeSystem/audit-event-type|rest|x", false},
    {0, false, "agent", "", "7", true},
    {0, false, "agent", "", "8", false},
    {0, false, "agent", "", "Patient/7", false},
    {0, false, "agent", "Practitioner", "Practitioner/7", true},
    {0, false, "agent", "Practitioner", "7", true},
    {0, false, "agent", "Patient", "7", false},
    {1, false, "agent", "", "app", true},
    {1, false, "agent", "Device", "app", false},
    {2, false, "agent", "", "a", false},
    {3, false, "agent", "", "app", false},
    {0, false, "patient", "", "q", true},
    {0, false, "patient", "", "Patient/q", true},
    {0, false, "patient", "Patient", "q", true},
    {0, false, "patient", "Group", "q", false},
    {0, false, "patient", "", "Group/q", false},
    {0, false, "patient", "", "o", false},
    {0, false, "patient", "", "d", false},
    {4, false, "patient", "", "p", true},
    {0, false, "entity", "", "Observation/o", true},
    {0, false, "entity", "", "Patient/o", false},
    {0, false, "entity", "", "Device/d", true},
    {0, false, "entity", "", "Group/g", true},
    {0, false, "entity", "", "odd", false},
    {0, false, "entity", "Group", "g", true},
    {0, false, "entity", "Group", "d", false},
    {3, false, "entity", "", "o", false},
    {0, false, "_id", "", "journal.5", true},
    {0, false, "_id", "", "journal.6,journal.5", true},
    {0, false, "_id", "", "journal.05", false},
    {0, false, "_id", "", "journal.6", false},
    {0, false, "_id", "", "5", false},
    {0, false, "_id", "", "journal.", false},
    {0, false, "_id", "", "journal.5x", false},
    {0, false, "_id", "", "journal./", false},
    {0, false, "_id", "", "journal.99999999999999999999", false},
    {0, false, "action", "", "R", true},
    {0, false, "action", "not", "R", false},
    {0, false, "action", "not", "C,U", true},
    {0, false, "action", "", FHS_AUDIT_ACTION_SYSTEM "|R", true},
    {0, false, "action", "", "http://other|R", false},
    {0, false, "action", "", FHS_AUDIT_ACTION_SYSTEM "|", true},
    {5, false, "action", "", "E", true},
    {6, false, "action", "", "E", true},
    {0, false, "outcome", "", "0", true},
    {1, false, "outcome", "", "4", true},
    {3, false, "outcome", "", "8", true},
    {3, false, "outcome", "", "http://hl7.org/fhir/audit-event-outcome|8", true},
    {0, true, "outcome", "", "success", true},
    {1, true, "outcome", "", "error", true},
    {3, true, "outcome", "", "http://hl7.org/fhir/issue-severity|fatal", true},
    {0, false, "type", "", "rest", true},
    {2, false, "type", "", "110106", true},
    {2, true, "category", "", "110106", true},
    {0, false, "subtype", "", "read", true},
    {0, true, "code", "", INTERACTION "|read", true},
    {1, false, "subtype", "", "search", true},
    {1, false, "subtype", "", "search-type", true},
    {1, false, "subtype", "", "search-system", false},
    {3, false, "subtype", "", "history-system", true},
    {4, false, "subtype", "", "history-instance", true},
    {2, false, "subtype", "", INTERACTION "|", false}, /* it has none */
    {0, false, "subtype", "", "a\\|b,re\\ad", true},
    {0, false, "subtype", "", "read\\", false},
};

START_TEST(a_record_fits_or_does_not)
{
    begin(searches[_i].is_r5);
    ck_assert_int_eq(add(searches[_i].name, searches[_i].modifier, searches[_i].value),
                     FHIRSTORE_OK);
    ck_assert_msg(fhs_audit_filter_fits(&filter, 5, &events[searches[_i].event]) ==
                      searches[_i].fits,
                  "%s:%s=%s", searches[_i].name, searches[_i].modifier, searches[_i].value);
}
END_TEST

START_TEST(all_conditions_have_to_fit)
{
    begin(false);
    ck_assert_int_eq(add("action", "", "R"), FHIRSTORE_OK);
    ck_assert_int_eq(add("date", "", "ge1970-01-02"), FHIRSTORE_OK);
    ck_assert_int_eq(add("date", "", "lt1970-01-05"), FHIRSTORE_OK);
    ck_assert_int_eq(add("date", "", "ge1970-01-01"), FHIRSTORE_OK); /* says less than before */
    ck_assert_int_eq(add("date", "", "le1970-02"), FHIRSTORE_OK);
    ck_assert(fhs_audit_filter_fits(&filter, 1, &events[0]));
    ck_assert(!fhs_audit_filter_fits(&filter, 1, &events[1]));
    ck_assert_int_eq(filter.from_us, DAY);
    ck_assert_int_lt(filter.to_us, 5 * DAY);
}
END_TEST

static const struct {
    const char *value;
    bool narrows_low, narrows_high;
} times[] = {{"1970-01-05", true, true},
             {"gt1970-01-05", true, false},
             {"le1970-01-05", false, true},
             {"ne1970-01-05", false, false},
             {"1970-01-05,1970-01-06", false, false}};

START_TEST(single_dates_say_which_blocks_to_open)
{
    begin(false);
    ck_assert_int_eq(add("date", "", times[_i].value), FHIRSTORE_OK);
    ck_assert_int_eq(filter.from_us > INT64_MIN, times[_i].narrows_low);
    ck_assert_int_eq(filter.to_us < INT64_MAX, times[_i].narrows_high);
}
END_TEST

static const struct {
    const char *name, *value, *words;
} refused[] = {
    {"date", "yesterday", "a date or an instant"},
    {"date", "xx1970-01-01", "a date or an instant"},
    {"date", "", "a date or an instant"},
    {"date", "{1970", "a date or an instant"},
    {"agent", "", "empty value"},
    {"action", "|", "empty value"},
    {"action", "R,", "empty value"},
};

START_TEST(what_is_no_search_is_refused)
{
    begin(false);
    ck_assert_int_eq(add(refused[_i].name, "", refused[_i].value), FHIRSTORE_ERR_PARAM_VALUE);
    ck_assert_ptr_nonnull(strstr(fhs_error_message(err), refused[_i].words));
}
END_TEST

static const struct {
    const char *name, *modifier;
    bool r4, r5;
} known[] = {
    {"date", "", true, true},
    {"date", "not", false, false},
    {"date", "Patient", false, false},
    {"agent", "Practitioner", true, true},
    {"agent", "missing", false, false},
    {"agent", "{x", false, false},
    {"agent", "1x", false, false},
    {"agent", "[x", false, false},
    {"_id", "Patient", false, false},
    {"outcome", "not", true, true},
    {"outcome", "Patient", false, false},
    {"entity", "Group", true, true},
    {"category", "", false, true},
    {"code", "not", false, true},
    {"name", "", false, false},
};

START_TEST(parameters_are_known_by_version)
{
    for (int r5 = 0; r5 < 2; r5++) {
        begin(r5 == 1);
        ck_assert_int_eq(fhs_audit_filter_knows(&filter, fhs_str_from_cstr(known[_i].name),
                                                fhs_str_from_cstr(known[_i].modifier)),
                         r5 == 1 ? known[_i].r5 : known[_i].r4);
    }
}
END_TEST

/* A condition that was read by half would let more pass than was asked for. */
START_TEST(without_memory_nothing_is_added)
{
    bool failed = true;
    for (int64_t k = 1; failed; k++) {
        begin(false);
        arm_arena(k);
        const fhirstore_status status = add("agent", "Practitioner", "7,8");
        disarm_arena();
        failed = has_failed_arena();
        ck_assert_int_eq(status, failed ? FHIRSTORE_ERR_NO_MEMORY : FHIRSTORE_OK);
        ck_assert_int_eq(fhs_error_status(err), status);
    }
    ck_assert(fhs_audit_filter_fits(&filter, 1, &events[0]));
    ck_assert(!fhs_audit_filter_fits(&filter, 1, &events[1]));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("audit_filter");
    TCase *tests = tcase_create("filter");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, a_record_fits_or_does_not, 0, (int)FHS_COUNT_OF(searches));
    tcase_add_test(tests, all_conditions_have_to_fit);
    tcase_add_loop_test(tests, single_dates_say_which_blocks_to_open, 0, (int)FHS_COUNT_OF(times));
    tcase_add_loop_test(tests, what_is_no_search_is_refused, 0, (int)FHS_COUNT_OF(refused));
    tcase_add_loop_test(tests, parameters_are_known_by_version, 0, (int)FHS_COUNT_OF(known));
    tcase_add_test(tests, without_memory_nothing_is_added);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
