/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/words.h"

#include "base/instant.h"
#include "json/json.h"

fhs_str fhs_audit_action_name(int32_t action)
{
    static const fhs_str names[] = {
        [FHIRSTORE_ACTION_READ] = FHS_LIT_INIT("read"),
        [FHIRSTORE_ACTION_VREAD] = FHS_LIT_INIT("vread"),
        [FHIRSTORE_ACTION_SEARCH] = FHS_LIT_INIT("search"),
        [FHIRSTORE_ACTION_CREATE] = FHS_LIT_INIT("create"),
        [FHIRSTORE_ACTION_UPDATE] = FHS_LIT_INIT("update"),
        [FHIRSTORE_ACTION_DELETE] = FHS_LIT_INIT("delete"),
        [FHIRSTORE_ACTION_HISTORY] = FHS_LIT_INIT("history"),
        [FHIRSTORE_ACTION_CAPABILITIES] = FHS_LIT_INIT("capabilities"),
        [FHIRSTORE_ACTION_TRANSACTION] = FHS_LIT_INIT("transaction"),
        [FHIRSTORE_ACTION_BATCH] = FHS_LIT_INIT("batch"),
        [FHIRSTORE_ACTION_IMPORT] = FHS_LIT_INIT("import"),
        [FHIRSTORE_ACTION_EXPORT] = FHS_LIT_INIT("export"),
        [FHIRSTORE_ACTION_PATCH] = FHS_LIT_INIT("patch"),
        [FHIRSTORE_ACTION_AUDIT] = FHS_LIT_INIT("audit"),
        [FHIRSTORE_ACTION_VALIDATE] = FHS_LIT_INIT("validate"),
        [FHIRSTORE_ACTION_EVERYTHING] = FHS_LIT_INIT("everything"),
        [FHIRSTORE_ACTION_HARD_DELETE] = FHS_LIT_INIT("hardDelete"),
        [FHIRSTORE_ACTION_REINDEX] = FHS_LIT_INIT("reindex"),
        [FHIRSTORE_ACTION_CONVERT] = FHS_LIT_INIT("convert"),
        [FHIRSTORE_ACTION_OPERATION] = FHS_LIT_INIT("operation"),
        [FHIRSTORE_ACTION_SHRED] = FHS_LIT_INIT("shred"),
    };
    return action >= 0 && (size_t)action < FHS_COUNT_OF(names) ? names[action] : FHS_STR_NONE;
}

static void add_audit_text(fhs_buf *out, const char *name, fhs_str text)
{
    if (text.len > 0) {
        fhs_buf_addf(out, ",\"%s\":", name);
        fhs_json_write_string(out, text);
    }
}

static void add_audit_number(fhs_buf *out, const char *name, int64_t number, int64_t none)
{
    if (number != none) {
        fhs_buf_addf(out, ",\"%s\":", name);
        fhs_buf_add_i64(out, number);
    }
}

/* Words with blanks between, as a list. */
static void add_audit_list(fhs_buf *out, const char *name, fhs_str words)
{
    fhs_str word;
    if (words.len == 0) {
        return;
    }
    fhs_buf_addf(out, ",\"%s\":[", name);
    for (bool is_first = true; fhs_str_next(&words, ' ', &word); is_first = false) {
        fhs_buf_add_cstr(out, is_first ? "" : ",");
        fhs_json_write_string(out, word);
    }
    fhs_buf_add_char(out, ']');
}

static void add_audit_flag(fhs_buf *out, const char *name, uint32_t flags, uint32_t flag)
{
    if ((flags & flag) != 0) {
        fhs_buf_addf(out, ",\"%s\":true", name);
    }
}

void fhs_audit_write_json(int64_t number, const fhs_audit_event *event, fhs_buf *out)
{
    fhs_buf_addf(out, "{\"record\":%lld,\"time\":\"", (long long)number);
    fhs_instant_write(event->time_us, out);
    fhs_buf_add_char(out, '"');
    add_audit_text(out, "action", fhs_audit_action_name(event->action));
    add_audit_text(out, "outcome",
                   event->outcome >= FHIRSTORE_OK
                       ? FHS_LIT("OK")
                       : fhs_str_from_cstr(fhs_status_name(event->outcome)));
    add_audit_text(out, "principal", event->principal);
    add_audit_text(out, "purpose", event->purpose);
    add_audit_text(out, "requestId", event->request_id);
    add_audit_text(out, "type", event->type);
    add_audit_text(out, "id", event->id);
    add_audit_text(out, "query", event->query);
    add_audit_number(out, "versionBefore", event->version_before, 0);
    add_audit_number(out, "versionAfter", event->version_after, 0);
    add_audit_number(out, "count", event->count, 0);
    add_audit_number(out, "total", event->total, -1);
    add_audit_number(out, "entry", event->entry, 0);
    add_audit_number(out, "durationUs", event->duration_us, 0);
    add_audit_list(out, "resources", event->resources);
    add_audit_flag(out, "moreResources", event->flags, FHIRSTORE_AUDIT_MORE_RESOURCES);
    add_audit_list(out, "patients", event->patients);
    add_audit_flag(out, "morePatients", event->flags, FHIRSTORE_AUDIT_MORE_PATIENTS);
    add_audit_list(out, "restriction", event->restriction);
    add_audit_flag(out, "moreRestriction", event->flags, FHIRSTORE_AUDIT_MORE_RESTRICTION);
    add_audit_flag(out, "hookFailed", event->flags, FHIRSTORE_AUDIT_HOOK_FAILED);
    add_audit_flag(out, "clockSetBack", event->flags, FHIRSTORE_AUDIT_CLOCK_BACK);
    fhs_buf_add_char(out, '}');
}
