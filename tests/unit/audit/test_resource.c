/* SPDX-License-Identifier: Apache-2.0 */
/* Records as AuditEvents of R4 and R5: what each kind of event says, and what it leaves out. */
#include "audit/as_fhir.h"
#include "suite.h"
#include "json/json.h"

#define PROFILE(name) "\"profile\":[\"https://profiles.ihe.net/ITI/BALP/StructureDefinition/" name

static const fhs_audit_style styles[] = {{false, FHS_LIT_INIT("http://x/fhir")},
                                         {true, FHS_LIT_INIT("http://x/fhir")}};

static const fhs_audit_event search = {.action = FHIRSTORE_ACTION_SEARCH,
                                       .time_us = 2000000,
                                       .duration_us = 1000000,
                                       .count = 3,
                                       .total = 7,
                                       .principal = FHS_LIT_INIT("Device/7"),
                                       .purpose = FHS_LIT_INIT("TREAT"),
                                       .request_id = FHS_LIT_INIT("r\"1"),
                                       .type = FHS_LIT_INIT("Patient"),
                                       .query = FHS_LIT_INIT("name=a"),
                                       .patients = FHS_LIT_INIT("p"),
                                       .resources = FHS_LIT_INIT("Group/g odd")};
static const fhs_audit_event system_search = {
    .action = FHIRSTORE_ACTION_SEARCH, .total = -1, .patients = FHS_LIT_INIT("p q")};
static const fhs_audit_event update = {.action = FHIRSTORE_ACTION_UPDATE,
                                       .version_before = 2,
                                       .version_after = 3,
                                       .entry = 4,
                                       .total = -1,
                                       .flags = FHIRSTORE_AUDIT_MORE_PATIENTS |
                                                FHIRSTORE_AUDIT_CLOCK_BACK,
                                       .purpose = FHS_LIT_INIT("to treat 1"),
                                       .type = FHS_LIT_INIT("Patient"),
                                       .id = FHS_LIT_INIT("aZ-9.0"),
                                       .restriction = FHS_LIT_INIT("Patient/p only"),
                                       .patients = FHS_LIT_INIT("aZ-9.0")};
static const fhs_audit_event gone = {.action = FHIRSTORE_ACTION_DELETE,
                                     .version_after = 3,
                                     .total = -1,
                                     .principal = FHS_LIT_INIT("Organization/"),
                                     .purpose = FHS_LIT_INIT("T~1"),
                                     .type = FHS_LIT_INIT("Group"),
                                     .id = FHS_LIT_INIT("g")};
static const fhs_audit_event denied = {.action = FHIRSTORE_ACTION_READ,
                                       .outcome = FHIRSTORE_ERR_DENIED,
                                       .total = -1,
                                       .principal = FHS_LIT_INIT("Patient/1/2"),
                                       .type = FHS_LIT_INIT("Patient"),
                                       .id = FHS_LIT_INIT("not an id")};
static const fhs_audit_event broken = {.action = FHIRSTORE_ACTION_HISTORY,
                                       .outcome = FHIRSTORE_ERR_IO,
                                       .total = -1,
                                       .principal = FHS_LIT_INIT("Group/7"),
                                       .type = FHS_LIT_INIT("Patient")};
static const fhs_audit_event export = {.action = FHIRSTORE_ACTION_EXPORT,
                                       .total = -1,
                                       .principal = FHS_LIT_INIT("app"),
                                       .query = FHS_LIT_INIT("_type=Patient")};
static const fhs_audit_event odd_ones[] = {
    {.action = FHIRSTORE_ACTION_READ,
     .total = -1,
     .purpose = FHS_LIT_INIT("09AZ"),
     .type = FHS_LIT_INIT("Patient"),
     .id = FHS_LIT_INIT("a{")},
    {.action = FHIRSTORE_ACTION_READ,
     .total = -1,
     .purpose = FHS_LIT_INIT("A["),
     .type = FHS_LIT_INIT("Patient"),
     .id = FHS_LIT_INIT("A/")},
    {.action = FHIRSTORE_ACTION_READ,
     .total = -1,
     .principal = FHS_LIT_INIT(
         "Patient/a-long-id-that-is-longer-than-any-of-fhir-can-be-as-they-end-"
         "at-sixty-four"),
     .purpose = FHS_LIT_INIT("A:"),
     .type = FHS_LIT_INIT("Patient"),
     .id = FHS_LIT_INIT("a-long-id-that-is-longer-than-any-of-fhir-can-be-as-they-end-at-sixty-"
                        "four")},
    {.action = FHIRSTORE_ACTION_READ, .total = -1, .purpose = FHS_LIT_INIT("A-")},
};
static const fhs_audit_event unknown = {.action = 1000, .total = -1};

static const struct {
    const fhs_audit_event *event;
    bool is_r5;
    const char *there, *not_there;
} rows[] = {
    {&search, false, "\"id\":\"journal.5\"", "\"patient\":"},
    {&search, false, PROFILE("IHE.BasicAudit.PatientQuery\"]"), "outcomeDesc"},
    {&search, false, "\"code\":\"search\"},", "search-system"},
    {&search, false, "\"code\":\"search-type\"}", "anonymous"},
    {&search, false, "\"start\":\"1970-01-01T00:00:01.000Z\",\"end\":\"1970-01-01T00:00:02.000Z\"",
     "R\""},
    {&search, false, "\"outcome\":\"0\"", "detail\":[{\"text\""},
    {&search, false, "\"reference\":\"Device/7\"", "\"identifier\":{\"value\":\"Device"},
    {&search, false, "\"purposeOfUse\":[{\"coding\":[{\"system\":", "authorization"},
    {&search, false, "\"purposeOfEvent\":[{\"coding\":[{\"system\":", "\"text\":\"TREAT\""},
    {&search, false, "\"query\":\"aHR0cDovL3gvZmhpci9QYXRpZW50P25hbWU9YQ==\"", "networkUri"},
    {&search, false, "\"reference\":\"Group/g\"", "odd"},
    {&search, false, "\"value\":\"r\\\"1\"", "versionBefore"},
    {&search, false, "\"type\":\"total\",\"valueString\":\"7\"", "restriction"},
    {&search, true, "\"patient\":{\"reference\":\"Patient/p\"}", "\"profile\""},
    {&search, true, "\"authorization\":[{\"coding\":[", "purposeOf"},
    {&search, true, "\"category\":[{\"coding\":[", "\"subtype\""},
    {&search, true, "\"networkUri\":\"http://x/fhir\"", "data-absent-reason"},
    {&search, true, "\"type\":{\"text\":\"count\"},\"valueString\":\"3\"", "audit-entity-type"},
    {&search, true, "\"what\":{\"identifier\":{\"value\":\"r\\\"1\"", "XrequestId"},
    {&search, true, "\"occurredPeriod\":{", "\"period\""},
    {&system_search, false, "\"query\":\"aHR0cDovL3gvZmhpcg==\"", "search-type"},
    {&system_search, false, PROFILE("IHE.BasicAudit.Query\"]"), "\"type\":\"total\""},
    {&system_search, true, "\"code\":\"search-system\"", "\"patient\":"},
    {&system_search, false, "\"display\":\"anonymous\"", "XrequestId"},
    {&update, false, "\"reference\":\"Patient/aZ-9.0/_history/3\"", "\"query\""},
    {&update, false, PROFILE("IHE.BasicAudit.PatientUpdate\"]"), "hookFailed"},
    {&update, false, "{\"text\":\"to treat 1\"}", "v3-ActReason"},
    {&update, false, "\"type\":\"morePatients\",\"valueString\":\"true\"", "moreResources"},
    {&update, false, "\"type\":\"clockSetBack\"", "moreRestriction"},
    {&update, false, "\"valueString\":\"Patient/p only\"", "durationUs"},
    {&gone, false, "\"reference\":\"Group/g\"", "_history"},
    {&gone, false, "\"identifier\":{\"value\":\"Organization/\"}", "\"reference\":\"Organization"},
    {&gone, false, "{\"text\":\"T~1\"}", "v3-ActReason"},
    {&denied, false, "\"outcome\":\"4\",\"outcomeDesc\":\"", "\"profile\""},
    {&denied, false, "\"identifier\":{\"value\":\"Patient/1/2\"}", "not an id"},
    {&denied, true, "\"code\":\"error\"},\"detail\":[{\"text\":\"", "outcomeDesc"},
    {&broken, false, "\"outcome\":\"8\"", "\"profile\""},
    {&broken, false, "\"code\":\"history-type\"", "history-system"},
    {&broken, false, "\"identifier\":{\"value\":\"Group/7\"}", "\"reference\":\"Group"},
    {&broken, true, "\"code\":\"fatal\"", "\"authorization\""},
    {&export, false, "\"code\":\"110106\"", "\"subtype\""},
    {&export, false, "\"query\":\"aHR0cDovL3gvZmhpcj9fdHlwZT1QYXRpZW50\"", "\"code\":\"rest\""},
    {&export, true, "\"code\":{\"coding\":[{\"system\":\"http://dicom", "restful-interaction"},
    {&odd_ones[0], false, "\"code\":\"09AZ\"", "a{"},
    {&odd_ones[1], false, "{\"text\":\"A[\"}", "A/"},
    {&odd_ones[2], false, "{\"text\":\"A:\"}", "\"reference\""},
    {&odd_ones[3], false, "{\"text\":\"A-\"}", "\"profile\""},
    {&unknown, false, "\"action\":\"E\"", "\"subtype\""},
};

static void write_event(const fhs_audit_event *event, bool is_r5, fhs_buf *out)
{
    fhs_audit_write_resource(&styles[is_r5], 5, event, out);
}

START_TEST(a_record_says_what_was_done)
{
    fhs_buf out = FHS_BUF_INIT((size_t)1 << 20);
    fhs_arena arena;
    const fhs_json *root;
    fhs_arena_init(&arena, (size_t)1 << 20);
    write_event(rows[_i].event, rows[_i].is_r5, &out);
    ck_assert_int_eq(fhs_buf_status(&out), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_json_read(&arena, fhs_buf_str(&out), NULL, &root, NULL), FHIRSTORE_OK);
    ck_assert_msg(strstr(out.ptr, rows[_i].there) != NULL, "no %s in %s", rows[_i].there, out.ptr);
    ck_assert_msg(strstr(out.ptr, rows[_i].not_there) == NULL, "%s in %s", rows[_i].not_there,
                  out.ptr);
    fhs_arena_clear(&arena);
    fhs_buf_clear(&out);
}
END_TEST

/* An AuditEvent that does not fit is an error, never the beginning of one. */
START_TEST(without_room_it_fails)
{
    fhs_buf whole = FHS_BUF_INIT((size_t)1 << 20);
    write_event(&search, _i == 1, &whole);
    for (size_t room = 1; room < whole.len; room += 7) {
        fhs_buf out = FHS_BUF_INIT(room);
        write_event(&search, _i == 1, &out);
        ck_assert_int_lt(fhs_buf_status(&out), FHIRSTORE_OK);
        fhs_buf_clear(&out);
    }
    fhs_buf_clear(&whole);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("audit_resource");
    TCase *tests = tcase_create("resource");
    tcase_add_loop_test(tests, a_record_says_what_was_done, 0, (int)FHS_COUNT_OF(rows));
    tcase_add_loop_test(tests, without_room_it_fails, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
