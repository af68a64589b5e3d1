/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/as_fhir.h"

#include <sodium.h>

#include "base/instant.h"
#include "json/json.h"

#define DCM         "http://dicom.nema.org/resources/ontology/DCM"
#define ENTITY_TYPE "http://terminology.hl7.org/CodeSystem/audit-entity-type"
#define OBJECT_ROLE "http://terminology.hl7.org/CodeSystem/object-role"
#define BALP        "https://profiles.ihe.net/ITI/BALP/"

static const fhs_str id_mark = FHS_LIT_INIT("journal.");

void fhs_audit_write_id(int64_t number, fhs_buf *out)
{
    fhs_buf_add_str(out, id_mark);
    fhs_buf_add_i64(out, number);
}

bool fhs_audit_read_id(fhs_str id, int64_t *number_out)
{
    uint64_t number = 0;
    *number_out = 0;
    if (!fhs_str_starts_with(id, id_mark)) {
        return false;
    }
    const fhs_str digits = fhs_str_from(id, id_mark.len);
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') {
            return false;
        }
    }
    if (digits.len > 0 && digits.ptr[0] != '0' && fhs_str_to_u64(digits, INT64_MAX, &number)) {
        *number_out = (int64_t)number;
    }
    return digits.len > 0;
}

/* ---- codes ---- */

typedef struct action_codes {
    const char *dicom; /* a code of DICOM's in place of "rest"; NULL: none */
    const char *dicom_display;
    const char *subtype;
    const char *profile;
    char action;
} action_codes;

/* Each action has its line. */
static const action_codes codes_by_action[] = {
    [0] = {NULL, NULL, "", "", 'E'},
    [FHIRSTORE_ACTION_READ] = {NULL, NULL, "read", "Read", 'R'},
    [FHIRSTORE_ACTION_VREAD] = {NULL, NULL, "vread", "Read", 'R'},
    [FHIRSTORE_ACTION_SEARCH] = {NULL, NULL, "search", "Query", 'E'},
    [FHIRSTORE_ACTION_CREATE] = {NULL, NULL, "create", "Create", 'C'},
    [FHIRSTORE_ACTION_UPDATE] = {NULL, NULL, "update", "Update", 'U'},
    [FHIRSTORE_ACTION_DELETE] = {NULL, NULL, "delete", "Delete", 'D'},
    [FHIRSTORE_ACTION_HISTORY] = {NULL, NULL, "history", "", 'R'},
    [FHIRSTORE_ACTION_CAPABILITIES] = {NULL, NULL, "capabilities", "", 'R'},
    [FHIRSTORE_ACTION_TRANSACTION] = {NULL, NULL, "transaction", "", 'E'},
    [FHIRSTORE_ACTION_BATCH] = {NULL, NULL, "batch", "", 'E'},
    [FHIRSTORE_ACTION_IMPORT] = {"110107", "Import", "", "", 'C'},
    [FHIRSTORE_ACTION_EXPORT] = {"110106", "Export", "", "", 'R'},
    [FHIRSTORE_ACTION_PATCH] = {NULL, NULL, "patch", "Update", 'U'},
    [FHIRSTORE_ACTION_AUDIT] = {"110101", "Audit Log Used", "", "", 'R'},
    [FHIRSTORE_ACTION_VALIDATE] = {NULL, NULL, "operation", "", 'E'},
    [FHIRSTORE_ACTION_EVERYTHING] = {NULL, NULL, "operation", "", 'E'},
    [FHIRSTORE_ACTION_HARD_DELETE] = {NULL, NULL, "delete", "Delete", 'D'},
    [FHIRSTORE_ACTION_REINDEX] = {NULL, NULL, "operation", "", 'E'},
    [FHIRSTORE_ACTION_CONVERT] = {NULL, NULL, "operation", "", 'E'},
    [FHIRSTORE_ACTION_OPERATION] = {NULL, NULL, "operation", "", 'E'},
    [FHIRSTORE_ACTION_SHRED] = {NULL, NULL, "delete", "Delete", 'D'},
};

/* "search-type", "history-instance" …: what restful-interaction says more exactly. */
static fhs_str narrow_subtype(const fhs_audit_event *event)
{
    if (event->action == FHIRSTORE_ACTION_SEARCH) {
        return event->type.len > 0 ? FHS_LIT("search-type") : FHS_LIT("search-system");
    }
    if (event->action == FHIRSTORE_ACTION_HISTORY) {
        return event->id.len > 0     ? FHS_LIT("history-instance")
               : event->type.len > 0 ? FHS_LIT("history-type")
                                     : FHS_LIT("history-system");
    }
    return FHS_STR_NONE;
}

/* Who asked wrongly or for too much has failed a little, what went wrong here is serious. */
static fhs_str outcome_code(const fhs_audit_style *style, fhirstore_status outcome)
{
    if (outcome >= FHIRSTORE_OK) {
        return style->is_r5 ? FHS_LIT("success") : FHS_LIT("0");
    }
    if (fhs_status_http(outcome) < 500) {
        return style->is_r5 ? FHS_LIT("error") : FHS_LIT("4");
    }
    return style->is_r5 ? FHS_LIT("fatal") : FHS_LIT("8");
}

fhs_audit_codes fhs_audit_codes_of(const fhs_audit_style *style, const fhs_audit_event *event)
{
    const bool is_known = event->action >= 0 &&
                          (size_t)event->action < FHS_COUNT_OF(codes_by_action);
    const action_codes *codes = &codes_by_action[is_known ? event->action : 0];
    const bool is_rest = codes->dicom == NULL;
    return (fhs_audit_codes){
        .type_system = is_rest ? FHS_LIT("http://terminology.hl7.org/CodeSystem/audit-event-type")
                               : FHS_LIT(DCM),
        .type_code = is_rest ? FHS_LIT("rest") : fhs_str_from_cstr(codes->dicom),
        .type_display = is_rest ? FHS_LIT("RESTful Operation")
                                : fhs_str_from_cstr(codes->dicom_display),
        .subtype = fhs_str_from_cstr(codes->subtype),
        .narrower = narrow_subtype(event),
        .action = codes->action,
        .profile = event->outcome >= FHIRSTORE_OK ? fhs_str_from_cstr(codes->profile)
                                                  : FHS_STR_NONE,
        .outcome = outcome_code(style, event->outcome),
    };
}

/* ---- pieces of JSON ---- */

static void add_coding(fhs_buf *out, const char *system, fhs_str code, fhs_str display)
{
    fhs_buf_addf(out, "{\"system\":\"%s\",\"code\":", system);
    fhs_json_write_string(out, code);
    if (display.len > 0) {
        fhs_buf_add_cstr(out, ",\"display\":");
        fhs_json_write_string(out, display);
    }
    fhs_buf_add_char(out, '}');
}

/* A Coding in R4 is a CodeableConcept in R5. */
static void add_event_code(const fhs_audit_style *style, fhs_buf *out, const char *system,
                           fhs_str code, fhs_str display)
{
    fhs_buf_add_cstr(out, style->is_r5 ? "{\"coding\":[" : "");
    add_coding(out, system, code, display);
    fhs_buf_add_cstr(out, style->is_r5 ? "]}" : "");
}

static bool is_purpose_code(fhs_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        if ((c < 'A' || c > 'Z') && (c < '0' || c > '9')) {
            return false;
        }
    }
    return text.len > 0;
}

/* A purpose is a code of v3-ActReason, or whatever the host calls it. */
static void add_purpose(fhs_buf *out, const char *name, fhs_str purpose)
{
    if (purpose.len == 0) {
        return;
    }
    fhs_buf_addf(out, ",\"%s\":[", name);
    if (is_purpose_code(purpose)) {
        fhs_buf_add_cstr(out, "{\"coding\":[");
        add_coding(out, "http://terminology.hl7.org/CodeSystem/v3-ActReason", purpose,
                   FHS_STR_NONE);
        fhs_buf_add_cstr(out, "]}");
    } else {
        fhs_buf_add_cstr(out, "{\"text\":");
        fhs_json_write_string(out, purpose);
        fhs_buf_add_char(out, '}');
    }
    fhs_buf_add_char(out, ']');
}

/* ---- agents ---- */

/* "Practitioner/7": a principal that is a resource which may be an agent. */
static bool is_agent_reference(fhs_str principal)
{
    static const fhs_str types[] = {FHS_LIT_INIT("Practitioner"), FHS_LIT_INIT("PractitionerRole"),
                                    FHS_LIT_INIT("Patient"),      FHS_LIT_INIT("RelatedPerson"),
                                    FHS_LIT_INIT("Organization"), FHS_LIT_INIT("Device")};
    fhs_str type;
    fhs_str id;
    if (!fhs_str_split(principal, '/', &type, &id) || id.len == 0 || id.len > 64 ||
        fhs_str_find_char(id, '/', 0) < id.len) {
        return false;
    }
    for (size_t i = 0; i < FHS_COUNT_OF(types); i++) {
        if (fhs_str_eq(type, types[i])) {
            return true;
        }
    }
    return false;
}

static void add_user(const fhs_audit_style *style, const fhs_audit_event *event, fhs_buf *out)
{
    fhs_buf_add_cstr(out, "{\"type\":{\"coding\":[");
    add_coding(out, "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", FHS_LIT("IRCP"),
               FHS_LIT("information recipient"));
    fhs_buf_add_cstr(out, "]},\"who\":{");
    if (event->principal.len == 0) {
        fhs_buf_add_cstr(out, "\"display\":\"anonymous\"");
    } else if (is_agent_reference(event->principal)) {
        fhs_buf_add_cstr(out, "\"reference\":");
        fhs_json_write_string(out, event->principal);
    } else {
        fhs_buf_add_cstr(out, "\"identifier\":{\"value\":");
        fhs_json_write_string(out, event->principal);
        fhs_buf_add_char(out, '}');
    }
    fhs_buf_add_cstr(out, "},\"requestor\":true");
    add_purpose(out, style->is_r5 ? "authorization" : "purposeOfUse", event->purpose);
    fhs_buf_add_char(out, '}');
}

/* Source and destination: data flow to the client when it reads; with searches, queries flow. */
static void add_machines(const fhs_audit_style *style, const fhs_audit_codes *codes, fhs_buf *out)
{
    static const fhs_str source[] = {FHS_LIT_INIT("110153"), FHS_LIT_INIT("Source Role ID")};
    static const fhs_str target[] = {FHS_LIT_INIT("110152"), FHS_LIT_INIT("Destination Role ID")};
    const bool reads = codes->action == 'R';
    const fhs_str *client = reads ? target : source;
    const fhs_str *server = reads ? source : target;
    fhs_buf_add_cstr(out, ",{\"type\":{\"coding\":[");
    add_coding(out, DCM, client[0], client[1]);
    fhs_buf_add_cstr(out, "]},\"who\":{\"display\":\"client\"},\"requestor\":false");
    if (!style->is_r5) {
        /* The patterns want to know; the library does not see where its host's callers are. */
        fhs_buf_add_cstr(out, ",\"network\":{\"extension\":[{\"url\":\"http://hl7.org/fhir/"
                              "StructureDefinition/data-absent-reason\",\"valueCode\":"
                              "\"unknown\"}]}");
    }
    fhs_buf_add_cstr(out, "},{\"type\":{\"coding\":[");
    add_coding(out, DCM, server[0], server[1]);
    fhs_buf_add_cstr(out, "]},\"who\":{\"display\":\"FHIR store\"},\"requestor\":false,");
    fhs_buf_add_cstr(out, style->is_r5 ? "\"networkUri\":" : "\"network\":{\"address\":");
    fhs_json_write_string(out, style->base_url);
    fhs_buf_add_cstr(out, style->is_r5 ? "}" : ",\"type\":\"5\"}}");
}

/* ---- entities ---- */

typedef struct entity_writer {
    const fhs_audit_style *style;
    fhs_buf *out;
    bool has_any;
} entity_writer;

/* R5 has no entity.type: the role says it all. */
static void begin_entity(entity_writer *writer, const char *type, const char *role)
{
    static const char *const names[][3] = {
        {"1", "Person", ""}, {"2", "System Object", ""}, {"4", "Other", ""}};
    fhs_buf *out = writer->out;
    fhs_buf_add_cstr(out, writer->has_any ? ",{" : ",\"entity\":[{");
    writer->has_any = true;
    if (!writer->style->is_r5) {
        fhs_buf_add_cstr(out, "\"type\":");
        add_coding(out, ENTITY_TYPE, fhs_str_from_cstr(type),
                   fhs_str_from_cstr(names[type[0] == '1'   ? 0
                                           : type[0] == '2' ? 1
                                                            : 2][1]));
    }
    if (role != NULL) {
        fhs_buf_add_cstr(out, writer->style->is_r5 ? "\"role\":" : ",\"role\":");
        add_event_code(writer->style, out, OBJECT_ROLE, fhs_str_from_cstr(role), FHS_STR_NONE);
    }
    if (role != NULL || !writer->style->is_r5) {
        fhs_buf_add_char(out, ',');
    }
}

static void add_event_reference(fhs_buf *out, fhs_str type, fhs_str id, int64_t version)
{
    fhs_buf_addf(out, "\"what\":{\"reference\":\"%.*s/%.*s", FHS_STR_ARG(type), FHS_STR_ARG(id));
    if (version > 0) {
        fhs_buf_addf(out, "/_history/%lld", (long long)version);
    }
    fhs_buf_add_cstr(out, "\"}");
}

/* Ids are those of FHIR, so nothing in them needs escaping; what came otherwise is left out. */
static bool is_plain_id(fhs_str id)
{
    for (size_t i = 0; i < id.len; i++) {
        const char c = id.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '.')) {
            return false;
        }
    }
    return id.len > 0 && id.len <= 64;
}

static void add_data_entity(entity_writer *writer, const fhs_audit_event *event)
{
    if (event->type.len == 0 || !is_plain_id(event->id)) {
        return;
    }
    begin_entity(writer, "2", "4");
    add_event_reference(writer->out, event->type, event->id,
                        event->action == FHIRSTORE_ACTION_DELETE ? 0 : event->version_after);
    fhs_buf_add_char(writer->out, '}');
}

/* In base64 as the patterns have it: the request as a client would write it. */
static void add_query_entity(entity_writer *writer, const fhs_audit_event *event)
{
    const bool is_search = event->action == FHIRSTORE_ACTION_SEARCH;
    if (event->query.len == 0 && !is_search) {
        return;
    }
    fhs_buf url = FHS_BUF_INIT((size_t)1024 * 1024);
    fhs_buf_add_str(&url, writer->style->base_url);
    if (event->type.len > 0) {
        fhs_buf_add_char(&url, '/');
        fhs_buf_add_str(&url, event->type);
    }
    if (event->query.len > 0) {
        fhs_buf_add_char(&url, '?');
        fhs_buf_add_str(&url, event->query);
    }
    const size_t size = sodium_base64_ENCODED_LEN(url.len, sodium_base64_VARIANT_ORIGINAL);
    begin_entity(writer, is_search ? "2" : "4", "24");
    fhs_buf_add_cstr(writer->out, "\"query\":\"");
    if (fhs_buf_status(&url) < 0) {
        writer->out->failed = fhs_buf_status(&url);
    } else if (fhs_buf_reserve(writer->out, size)) {
        (void)sodium_bin2base64(writer->out->ptr + writer->out->len, size,
                                (const unsigned char *)url.ptr, url.len,
                                sodium_base64_VARIANT_ORIGINAL);
        writer->out->len += size - 1;
    }
    fhs_buf_add_cstr(writer->out, "\"}");
    fhs_buf_clear(&url);
}

/* Patients by themselves, and whatever else was handed out. */
static void add_named_entities(entity_writer *writer, fhs_str words, bool are_patients)
{
    fhs_str word;
    while (fhs_str_next(&words, ' ', &word)) {
        fhs_str type = FHS_LIT("Patient");
        fhs_str id = word;
        if (!are_patients && !fhs_str_split(word, '/', &type, &id)) {
            continue;
        }
        begin_entity(writer, are_patients ? "1" : "4", are_patients ? "1" : "4");
        add_event_reference(writer->out, type, id, 0);
        fhs_buf_add_char(writer->out, '}');
    }
}

static void add_request_entity(entity_writer *writer, fhs_str request_id)
{
    if (request_id.len == 0) {
        return;
    }
    fhs_buf *out = writer->out;
    fhs_buf_add_cstr(out, writer->has_any ? ",{" : ",\"entity\":[{");
    writer->has_any = true;
    if (!writer->style->is_r5) {
        fhs_buf_add_cstr(out, "\"type\":");
        add_coding(out, BALP "CodeSystem/BasicAuditEntityType", FHS_LIT("XrequestId"),
                   FHS_STR_NONE);
        fhs_buf_add_char(out, ',');
    }
    fhs_buf_add_cstr(out, "\"what\":{\"identifier\":{\"value\":");
    fhs_json_write_string(out, request_id);
    fhs_buf_add_cstr(out, "}}}");
}

typedef struct detail_writer {
    const fhs_audit_style *style;
    fhs_buf *out;
    bool has_any;
} detail_writer;

static void add_detail(detail_writer *writer, const char *name, fhs_str value)
{
    if (value.len == 0) {
        return;
    }
    fhs_buf_add_cstr(writer->out, writer->has_any ? ",{" : "{");
    writer->has_any = true;
    fhs_buf_addf(writer->out,
                 writer->style->is_r5 ? "\"type\":{\"text\":\"%s\"}" : "\"type\":\"%s\"", name);
    fhs_buf_add_cstr(writer->out, ",\"valueString\":");
    fhs_json_write_string(writer->out, value);
    fhs_buf_add_char(writer->out, '}');
}

static void add_number_detail(detail_writer *writer, const char *name, int64_t value, int64_t none)
{
    char room[24];
    fhs_buf text = FHS_BUF_INIT(sizeof room);
    if (value != none) {
        fhs_buf_add_i64(&text, value);
        add_detail(writer, name, fhs_buf_str(&text));
    }
    fhs_buf_clear(&text);
}

/* What else the record holds, under the names that NDJSON gives it. */
static void add_record_entity(entity_writer *writer, int64_t number, const fhs_audit_event *event)
{
    static const struct {
        const char *name;
        uint32_t flag;
    } flags[] = {{"moreResources", FHIRSTORE_AUDIT_MORE_RESOURCES},
                 {"morePatients", FHIRSTORE_AUDIT_MORE_PATIENTS},
                 {"moreRestriction", FHIRSTORE_AUDIT_MORE_RESTRICTION},
                 {"hookFailed", FHIRSTORE_AUDIT_HOOK_FAILED},
                 {"clockSetBack", FHIRSTORE_AUDIT_CLOCK_BACK}};
    detail_writer details = {writer->style, writer->out, false};
    begin_entity(writer, "4", NULL);
    fhs_buf_add_cstr(writer->out, "\"detail\":[");
    add_number_detail(&details, "record", number, 0);
    add_number_detail(&details, "entry", event->entry, 0);
    add_number_detail(&details, "versionBefore", event->version_before, 0);
    add_number_detail(&details, "versionAfter", event->version_after, 0);
    add_number_detail(&details, "count", event->count, 0);
    add_number_detail(&details, "total", event->total, -1);
    add_number_detail(&details, "durationUs", event->duration_us, 0);
    add_detail(&details, "restriction", event->restriction);
    for (size_t i = 0; i < FHS_COUNT_OF(flags); i++) {
        add_detail(&details, flags[i].name,
                   (event->flags & flags[i].flag) != 0 ? FHS_LIT("true") : FHS_STR_NONE);
    }
    fhs_buf_add_cstr(writer->out, "]}");
}

static void add_event_entities(const fhs_audit_style *style, int64_t number,
                               const fhs_audit_event *event, fhs_buf *out)
{
    entity_writer writer = {style, out, false};
    add_data_entity(&writer, event);
    add_query_entity(&writer, event);
    add_named_entities(&writer, event->patients, true);
    add_named_entities(&writer, event->resources, false);
    add_request_entity(&writer, event->request_id);
    add_record_entity(&writer, number, event);
    fhs_buf_add_char(out, ']');
}

/* ---- the whole ---- */

static bool is_one_patient(const fhs_audit_event *event)
{
    return event->patients.len > 0 &&
           fhs_str_find_char(event->patients, ' ', 0) == event->patients.len;
}

static void add_meta(const fhs_audit_style *style, const fhs_audit_codes *codes,
                     const fhs_audit_event *event, fhs_buf *out)
{
    fhs_buf_add_cstr(out, ",\"meta\":{\"versionId\":\"1\",\"lastUpdated\":\"");
    fhs_instant_write(event->time_us, out);
    fhs_buf_add_char(out, '"');
    const bool is_about_one = fhs_str_eq(codes->profile, FHS_LIT("Query")) || event->id.len > 0;
    if (!style->is_r5 && codes->profile.len > 0 && is_about_one) {
        fhs_buf_addf(out, ",\"profile\":[\"" BALP "StructureDefinition/IHE.BasicAudit.%s%.*s\"]",
                     is_one_patient(event) ? "Patient" : "", FHS_STR_ARG(codes->profile));
    }
    fhs_buf_add_char(out, '}');
}

static void add_subtypes(const fhs_audit_codes *codes, fhs_buf *out)
{
    add_coding(out, FHS_AUDIT_INTERACTION_SYSTEM, codes->subtype, FHS_STR_NONE);
    if (codes->narrower.len > 0) {
        fhs_buf_add_char(out, ',');
        add_coding(out, FHS_AUDIT_INTERACTION_SYSTEM, codes->narrower, FHS_STR_NONE);
    }
}

/* What kind of event it is, where R4 and R5 differ most. */
static void add_event_kind(const fhs_audit_style *style, const fhs_audit_codes *codes, fhs_buf *out)
{
    fhs_buf type = FHS_BUF_INIT((size_t)1024);
    fhs_buf_addf(&type, "{\"system\":\"%.*s\",\"code\":\"%.*s\",\"display\":\"%.*s\"}",
                 FHS_STR_ARG(codes->type_system), FHS_STR_ARG(codes->type_code),
                 FHS_STR_ARG(codes->type_display));
    if (style->is_r5) {
        fhs_buf_add_cstr(out, ",\"category\":[{\"coding\":[");
        fhs_buf_add_str(out, fhs_buf_str(&type));
        fhs_buf_add_cstr(out, "]}],\"code\":{\"coding\":[");
        if (codes->subtype.len > 0) {
            add_subtypes(codes, out);
        } else {
            fhs_buf_add_str(out, fhs_buf_str(&type));
        }
        fhs_buf_add_cstr(out, "]}");
    } else {
        fhs_buf_add_cstr(out, ",\"type\":");
        fhs_buf_add_str(out, fhs_buf_str(&type));
        if (codes->subtype.len > 0) {
            fhs_buf_add_cstr(out, ",\"subtype\":[");
            add_subtypes(codes, out);
            fhs_buf_add_char(out, ']');
        }
    }
    if (fhs_buf_status(&type) < 0) {
        out->failed = fhs_buf_status(&type);
    }
    fhs_buf_clear(&type);
}

static void add_event_outcome(const fhs_audit_style *style, const fhs_audit_codes *codes,
                              const fhs_audit_event *event, fhs_buf *out)
{
    const bool failed = event->outcome < FHIRSTORE_OK;
    const char *why = failed ? fhs_status_name(event->outcome) : "";
    if (style->is_r5) {
        fhs_buf_add_cstr(out, ",\"outcome\":{\"code\":");
        add_coding(out, "http://hl7.org/fhir/issue-severity", codes->outcome, FHS_STR_NONE);
        if (failed) {
            fhs_buf_addf(out, ",\"detail\":[{\"text\":\"%s\"}]", why);
        }
        fhs_buf_add_char(out, '}');
        return;
    }
    fhs_buf_addf(out, ",\"outcome\":\"%.*s\"", FHS_STR_ARG(codes->outcome));
    if (failed) {
        fhs_buf_addf(out, ",\"outcomeDesc\":\"%s\"", why);
    }
}

static void add_times(const fhs_audit_style *style, const fhs_audit_event *event, fhs_buf *out)
{
    fhs_buf_addf(out, ",\"%s\":{\"start\":\"", style->is_r5 ? "occurredPeriod" : "period");
    fhs_instant_write(event->time_us - event->duration_us, out);
    fhs_buf_add_cstr(out, "\",\"end\":\"");
    fhs_instant_write(event->time_us, out);
    fhs_buf_add_cstr(out, "\"},\"recorded\":\"");
    fhs_instant_write(event->time_us, out);
    fhs_buf_add_char(out, '"');
}

void fhs_audit_write_resource(const fhs_audit_style *style, int64_t number,
                              const fhs_audit_event *event, fhs_buf *out)
{
    const fhs_audit_codes codes = fhs_audit_codes_of(style, event);
    fhs_buf_add_cstr(out, "{\"resourceType\":\"AuditEvent\",\"id\":\"");
    fhs_audit_write_id(number, out);
    fhs_buf_add_char(out, '"');
    add_meta(style, &codes, event, out);
    add_event_kind(style, &codes, out);
    fhs_buf_addf(out, ",\"action\":\"%c\"", codes.action);
    add_times(style, event, out);
    add_event_outcome(style, &codes, event, out);
    add_purpose(out, style->is_r5 ? "authorization" : "purposeOfEvent", event->purpose);
    if (style->is_r5 && is_one_patient(event)) {
        fhs_buf_addf(out, ",\"patient\":{\"reference\":\"Patient/%.*s\"}",
                     FHS_STR_ARG(event->patients));
    }
    fhs_buf_add_cstr(out, ",\"agent\":[");
    add_user(style, event, out);
    add_machines(style, &codes, out);
    fhs_buf_add_cstr(out, "],\"source\":{\"observer\":{\"display\":\"FHIR store\"},\"type\":[");
    add_event_code(style, out, "http://terminology.hl7.org/CodeSystem/security-source-type",
                   FHS_LIT("4"), FHS_LIT("Application Server"));
    fhs_buf_add_cstr(out, "]}");
    add_event_entities(style, number, event, out);
    fhs_buf_add_char(out, '}');
}
