/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CapabilityStatement: what this library really does, generated from the definitions. The same
 * store gives the same bytes, so their sum is the entity tag. Operations: capability_operations.c.
 */
#include "rest/capability.h"

#include <stdio.h>

#include "interact/params.h"
#include "rest/rest.h"

/* When what this file says of every store last changed. */
#define STATEMENT_DATE "2026-11-23"

static const char *const type_interactions[] = {
    "read",   "vread", "history-instance", "history-type", "search-type", "create",
    "update", "patch", "delete",
};
#define READING_ON_TYPES 5u
static const char *const system_interactions[] = {"history-system", "search-system", "batch",
                                                  "transaction"};
/* A batch may hold nothing but reads. */
#define READING_ON_SYSTEM 3u

/* What is described, and what it is known from. */
typedef struct statement {
    fhs_call *call;
    fhs_core *core;
    const fhs_fhir *fhir; /* with the store's own search parameters */
    fhs_catalog *catalog; /* which of them are ready */
    fhs_buf *out;
    fhirstore_status failed;
    fhirstore_error **err;
} statement;

static void write_interactions(const statement *of, const char *const *codes, size_t count,
                               size_t reading)
{
    const size_t shown = of->core->read_only ? reading : count;
    fhs_buf_add_cstr(of->out, "\"interaction\":[");
    for (size_t i = 0; i < shown; i++) {
        fhs_buf_addf(of->out, "%s{\"code\":\"%s\"}", i == 0 ? "" : ",", codes[i]);
    }
    fhs_buf_add_char(of->out, ']');
}

/* ---- search parameters ---- */

/* Whether the index has all resources; a parameter without rows of its own needs none. */
static bool is_ready(statement *of, fhs_type type, fhs_sparam param)
{
    uint32_t number = 0;
    if (of->failed >= FHIRSTORE_OK) {
        of->failed = fhs_catalog_param(of->catalog, of->call->conn, type, param, &number, of->err);
    }
    return number == 0 || !fhs_catalog_is_late(of->catalog, number);
}

static void write_param(statement *of, fhs_type type, fhs_sparam param, const fhs_sparam_def *def)
{
    fhs_buf *out = of->out;
    fhs_buf_addf(out, "{\"name\":\"%.*s\",\"definition\":", FHS_STR_ARG(def->code));
    fhs_json_write_string(out, def->url);
    fhs_buf_addf(out, ",\"type\":\"%.*s\"",
                 FHS_STR_ARG(fhs_sparam_type_name((fhs_sparam_type)def->type)));
    if (!is_ready(of, type, param)) {
        fhs_buf_add_cstr(out, ",\"documentation\":\"Not ready: resources from before the "
                              "parameter are still to be indexed. Searches are exact but slow; "
                              "strict ones are refused.\"");
    }
    fhs_buf_add_char(out, '}');
}

static void write_params(statement *of, fhs_type type)
{
    const fhs_sparam *list;
    size_t count = fhs_sparam_list(of->fhir, type, &list);
    bool is_first = true;
    for (size_t i = 0; i < count; i++) {
        fhs_sparam_def def = fhs_sparam_get(of->fhir, list[i]);
        if (fhs_query_can_search(&def)) {
            fhs_buf_add_cstr(of->out, is_first ? ",\"searchParam\":[" : ",");
            is_first = false;
            write_param(of, type, list[i], &def);
        }
    }
    fhs_buf_add_cstr(of->out, is_first ? "" : "]");
}

/* What every type has without a definition that an index could follow. */
static void write_common_params(fhs_buf *out)
{
    static const char *const params[][2] = {
        {"_text", "string"},  {"_content", "string"},  {"_list", "reference"},
        {"_in", "reference"}, {"_has", "string"},      {"_filter", "special"},
        {"_query", "token"},  {"_contained", "token"}, {"_containedType", "token"},
    };
    for (size_t i = 0; i < FHS_COUNT_OF(params); i++) {
        fhs_buf_addf(out, "%s{\"name\":\"%s\",\"type\":\"%s\"}",
                     i == 0 ? ",\"searchParam\":[" : ",", params[i][0], params[i][1]);
    }
    fhs_buf_add_char(out, ']');
}

static void write_word(fhs_buf *out, const char *head, bool *is_first, fhs_str type, fhs_str code)
{
    fhs_buf_add_cstr(out, *is_first ? head : ",");
    *is_first = false;
    fhs_buf_addf(out, "\"%.*s:%.*s\"", FHS_STR_ARG(type), FHS_STR_ARG(code));
}

static void write_includes(fhs_buf *out, const fhs_fhir *fhir, fhs_type type)
{
    const fhs_sparam *list;
    size_t count = fhs_sparam_list(fhir, type, &list);
    bool is_first = true;
    for (size_t i = 0; i < count; i++) {
        fhs_sparam_def def = fhs_sparam_get(fhir, list[i]);
        if (def.type == FHS_SP_REFERENCE && def.expression.len > 0) {
            write_word(out, ",\"searchInclude\":[\"*\",", &is_first, fhs_type_name(fhir, type),
                       def.code);
        }
    }
    fhs_buf_add_cstr(out, is_first ? "" : "]");
}

/* References that name this type among the few they may have; others stand behind the star. */
#define FEW_TARGETS 8u

static bool names_target(const fhs_sparam_def *def, fhs_type type)
{
    bool is_named = false;
    for (size_t i = 0; i < def->target_count; i++) {
        is_named = is_named || def->targets[i] == type;
    }
    return is_named && def->target_count <= FEW_TARGETS;
}

static void write_reverse_includes(fhs_buf *out, const fhs_fhir *fhir, fhs_type type)
{
    bool is_first = true;
    for (size_t t = 0; t < fhs_type_count(fhir); t++) {
        const fhs_sparam *list;
        size_t count = fhs_type_is_resource(fhir, (fhs_type)t)
                           ? fhs_sparam_list(fhir, (fhs_type)t, &list)
                           : 0;
        for (size_t i = 0; i < count; i++) {
            fhs_sparam_def def = fhs_sparam_get(fhir, list[i]);
            if (def.type == FHS_SP_REFERENCE && def.expression.len > 0 &&
                names_target(&def, type)) {
                write_word(out, ",\"searchRevInclude\":[\"*\",", &is_first,
                           fhs_type_name(fhir, (fhs_type)t), def.code);
            }
        }
    }
    fhs_buf_add_cstr(out, is_first ? ",\"searchRevInclude\":[\"*\"]" : "]");
}

static void write_compartments(fhs_buf *out)
{
    static const char *const names[FHS_COMPARTMENT_COUNT] = {
        [FHS_COMPARTMENT_PATIENT] = "patient",
        [FHS_COMPARTMENT_ENCOUNTER] = "encounter",
        [FHS_COMPARTMENT_RELATED_PERSON] = "relatedPerson",
        [FHS_COMPARTMENT_PRACTITIONER] = "practitioner",
        [FHS_COMPARTMENT_DEVICE] = "device",
    };
    for (size_t i = 0; i < FHS_COUNT_OF(names); i++) {
        fhs_buf_addf(out, "%s\"http://hl7.org/fhir/CompartmentDefinition/%s\"",
                     i == 0 ? ",\"compartment\":[" : ",", names[i]);
    }
    fhs_buf_add_char(out, ']');
}

/* ---- a type ---- */

static void write_conditions(const statement *of)
{
    if (of->core->read_only) {
        fhs_buf_add_cstr(of->out,
                         "\"updateCreate\":false,\"conditionalCreate\":false,"
                         "\"conditionalRead\":\"full-support\",\"conditionalUpdate\":false,"
                         "\"conditionalDelete\":\"not-supported\"");
        return;
    }
    fhs_buf_add_cstr(of->out, "\"updateCreate\":true,\"conditionalCreate\":true,"
                              "\"conditionalRead\":\"full-support\",\"conditionalUpdate\":true,");
    if (fhs_fhir_version_of(of->fhir) == FHS_FHIR_R5) {
        fhs_buf_add_cstr(of->out, "\"conditionalPatch\":true,");
    }
    fhs_buf_add_cstr(of->out, "\"conditionalDelete\":\"multiple\"");
}

static void write_reference_policy(const statement *of)
{
    fhs_buf_add_cstr(of->out, ",\"referencePolicy\":[\"literal\",\"logical\",\"resolves\",");
    fhs_buf_add_cstr(of->out, of->core->integrity == FHS_INTEGRITY_OFF ? "\"local\"]"
                                                                       : "\"enforced\",\"local\"]");
}

static void write_type_entry(statement *of, fhs_type type)
{
    fhs_core *core = of->core;
    const fhs_str name = fhs_type_name(core->fhir, type);
    const bool keeps_history = core->without_history == NULL || !core->without_history[type];
    fhs_buf_addf(of->out,
                 "{\"type\":\"%.*s\",\"profile\":\"http://hl7.org/fhir/StructureDefinition/%.*s\",",
                 FHS_STR_ARG(name), FHS_STR_ARG(name));
    write_interactions(of, type_interactions, FHS_COUNT_OF(type_interactions), READING_ON_TYPES);
    fhs_buf_addf(of->out, ",\"versioning\":\"versioned-update\",\"readHistory\":%s,",
                 keeps_history ? "true" : "false");
    write_conditions(of);
    write_reference_policy(of);
    write_includes(of->out, of->fhir, type);
    write_reverse_includes(of->out, of->fhir, type);
    write_params(of, type);
    fhs_capability_operations(core, type, of->out);
    fhs_buf_add_char(of->out, '}');
}

/* ---- the whole ---- */

static void write_security(fhs_buf *out)
{
    fhs_buf_add_cstr(
        out,
        "\"security\":{\"service\":[{\"coding\":[{\"system\":\"http://terminology.hl7.org/"
        "CodeSystem/restful-security-service\",\"code\":\"SMART-on-FHIR\",\"display\":"
        "\"SMART-on-FHIR\"}],\"text\":\"SMART App Launch scopes, versions 1 and 2\"}],"
        "\"description\":\"The host authenticates. Each interaction is decided for its "
        "principal by the host's authorizer, or by roles and SMART scopes; what may not be seen "
        "is as if it were not there. Each is recorded.\"},");
}

static void write_statement_head(const statement *of, const char *type, const char *name,
                                 const char *title)
{
    fhs_buf place = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    fhs_buf_add_str(&place, of->call->session->link_base);
    fhs_buf_add_cstr(&place, "/metadata");
    fhs_buf_addf(of->out,
                 "{\"resourceType\":\"%s\",\"text\":{\"status\":\"generated\",\"div\":\"<div "
                 "xmlns=\\\"http://www.w3.org/1999/xhtml\\\">%s</div>\"},\"url\":",
                 type, title);
    fhs_json_write_string(of->out, fhs_buf_str(&place));
    fhs_buf_clear(&place);
    fhs_buf_addf(of->out,
                 ",\"version\":\"%s\",\"name\":\"%s\",\"title\":\"%s\",\"status\":\"active\","
                 "\"date\":\"%s\",\"kind\":\"instance\",\"software\":{\"name\":"
                 "\"libfhirstore\",\"version\":\"%s\"},\"implementation\":{\"description\":"
                 "\"A store of FHIR resources in one file\",\"url\":",
                 FHIRSTORE_VERSION_TEXT, name, title, STATEMENT_DATE, FHIRSTORE_VERSION_TEXT);
    fhs_json_write_string(of->out, of->call->session->link_base);
    fhs_buf_add_char(of->out, '}');
}

static void write_statement(statement *of)
{
    fhs_buf *out = of->out;
    bool is_first = true;
    write_statement_head(of, "CapabilityStatement", "FhirStore", "What this FHIR store does");
    fhs_buf_addf(
        out,
        ",\"fhirVersion\":\"%.*s\",\"format\":[\"application/fhir+json\",\"json\"],"
        "\"patchFormat\":[\"application/json-patch+json\",\"application/merge-patch+json\","
        "\"application/fhir+json\"],\"rest\":[{\"mode\":\"server\",",
        FHS_STR_ARG(fhs_fhir_version_number(of->core->fhir)));
    write_security(out);
    fhs_buf_add_cstr(out, "\"resource\":[");
    for (size_t i = 0; i < fhs_type_count(of->core->fhir); i++) {
        if (fhs_type_is_resource(of->core->fhir, (fhs_type)i)) {
            fhs_buf_add_cstr(out, is_first ? "" : ",");
            is_first = false;
            write_type_entry(of, (fhs_type)i);
        }
    }
    fhs_buf_add_cstr(out, "],");
    write_interactions(of, system_interactions, FHS_COUNT_OF(system_interactions),
                       READING_ON_SYSTEM);
    write_common_params(out);
    fhs_capability_operations(of->core, FHS_TYPE_NONE, out);
    write_compartments(out);
    fhs_buf_add_cstr(out, "}]}");
}

/* mode=terminology: what is done with codes. */
static void write_terminology(statement *of)
{
    static const char *const params[] = {
        "url",        "valueSetVersion",     "valueSet",        "filter", "offset", "count",
        "activeOnly", "includeDesignations", "displayLanguage",
    };
    const bool is_r5 = fhs_fhir_version_of(of->fhir) == FHS_FHIR_R5;
    write_statement_head(of, "TerminologyCapabilities", "FhirStoreTerminology",
                         "What this FHIR store does with codes");
    fhs_buf_add_cstr(of->out, ",\"lockedDate\":false,\"expansion\":{\"hierarchical\":false,"
                              "\"paging\":true,\"incomplete\":false,\"parameter\":[");
    for (size_t i = 0; i < FHS_COUNT_OF(params); i++) {
        fhs_buf_addf(of->out, "%s{\"name\":\"%s\"}", i == 0 ? "" : ",", params[i]);
    }
    fhs_buf_addf(of->out,
                 "],\"textFilter\":\"Each of its words, case and accents aside, in the display or "
                 "in the code.\"},"
                 "\"codeSearch\":\"%s\",\"validateCode\":{\"translations\":true},"
                 "\"translation\":{\"needsMap\":true}}",
                 is_r5 ? "in-compose-or-expansion" : "explicit");
}

/* ---- asking for it ---- */

typedef enum statement_mode {
    MODE_FULL,
    MODE_TERMINOLOGY,
} statement_mode;

/* Of what FHIR calls normative nothing is left out: the whole holds it. */
static fhirstore_status mode_of_query(fhs_arena *arena, fhs_str query, statement_mode *out,
                                      fhirstore_error **err)
{
    *out = MODE_FULL;
    fhs_str pair;
    while (fhs_str_next(&query, '&', &pair)) {
        fhs_str name;
        fhs_str value;
        if (!fhs_str_split(pair, '=', &name, &value) || !fhs_str_eq(name, FHS_LIT("mode"))) {
            continue;
        }
        value = fhs_url_decode(arena, value, true);
        if (fhs_str_eq(value, FHS_LIT("terminology"))) {
            *out = MODE_TERMINOLOGY;
        } else if (!fhs_str_eq(value, FHS_LIT("full")) &&
                   !fhs_str_eq(value, FHS_LIT("normative"))) {
            return fhs_fail(err, FHIRSTORE_ERR_PARAM_VALUE,
                            "mode expects full, normative or terminology");
        }
    }
    return FHIRSTORE_OK;
}

/* FNV-1a of the bytes, in hexadecimal digits. */
static void tag_answer(fhs_answer *answer)
{
    uint64_t sum = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < answer->body.len; i++) {
        sum = (sum ^ (unsigned char)answer->body.ptr[i]) * UINT64_C(1099511628211);
    }
    (void)snprintf(answer->tag, sizeof answer->tag, "%016llx", (unsigned long long)sum);
}

static bool tags_have(fhs_str tags, const char *tag)
{
    while (tags.len > 0) {
        fhs_str item = tags;
        fhs_str rest = FHS_STR_NONE;
        (void)fhs_str_split(tags, ',', &item, &rest);
        item = fhs_str_trim(item);
        item = fhs_str_starts_with(item, FHS_LIT("W/")) ? fhs_str_from(item, 2) : item;
        if (fhs_str_eq(item, FHS_LIT("*")) ||
            (item.len == strlen(tag) + 2 && item.ptr[0] == '"' && item.ptr[item.len - 1] == '"' &&
             memcmp(item.ptr + 1, tag, item.len - 2) == 0)) {
            return true;
        }
        tags = rest;
    }
    return false;
}

typedef struct statement_work {
    statement_mode mode;
    fhs_str known; /* entity tags that the client has */
    fhs_answer *answer;
} statement_work;

static fhirstore_status describe_store(fhs_call *call, void *ctx, fhirstore_error **err)
{
    const statement_work *work = ctx;
    fhs_answer *answer = work->answer;
    fhs_params *params = NULL;
    fhirstore_status status = call->is_nested ? FHIRSTORE_OK : fhs_conn_begin_read(call->conn, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_call_params(call, &params, err);
    if (status >= FHIRSTORE_OK) {
        statement of = {.call = call,
                        .core = call->session->core,
                        .fhir = fhs_params_fhir(params),
                        .catalog = fhs_params_catalog(params),
                        .out = &answer->body,
                        .failed = FHIRSTORE_OK,
                        .err = err};
        fhs_buf_reset(&answer->body);
        if (work->mode == MODE_TERMINOLOGY) {
            write_terminology(&of);
        } else {
            write_statement(&of);
        }
        status = of.failed;
    }
    if (!call->is_nested) {
        fhs_conn_end_read(call->conn);
    }
    if (status < FHIRSTORE_OK || fhs_buf_status(&answer->body) < FHIRSTORE_OK) {
        return status < FHIRSTORE_OK ? status : fhs_fail_plain(err, fhs_buf_status(&answer->body));
    }
    tag_answer(answer);
    answer->status = FHIRSTORE_OK;
    if (tags_have(work->known, answer->tag)) {
        fhs_buf_reset(&answer->body);
        answer->status = FHIRSTORE_NOT_MODIFIED;
    }
    answer->http = fhs_status_http(answer->status);
    return answer->status;
}

static fhirstore_status run_capabilities(fhs_call *call, fhs_str query, fhs_str known,
                                         fhs_answer *answer, fhirstore_error **err)
{
    statement_work work = {.known = known, .answer = answer};
    fhirstore_status status = mode_of_query(&call->session->arena, query, &work.mode, err);
    status = status < FHIRSTORE_OK ? fhs_call_refuse(call, status)
                                   : fhs_call_read(call, describe_store, &work, err);
    fhs_call_end(call);
    return status;
}

fhirstore_status fhs_capabilities(fhs_session *session, fhs_str query, fhs_str known,
                                  fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_CAPABILITIES, FHS_TYPE_NONE, FHS_STR_NONE,
                   query);
    return run_capabilities(&call, query, known, answer, err);
}

fhirstore_status fhs_capabilities_in(fhs_call *outer, fhs_str query, fhs_str known,
                                     fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    fhs_call_nest(&call, outer, FHIRSTORE_ACTION_CAPABILITIES, FHS_TYPE_NONE, FHS_STR_NONE, query);
    return run_capabilities(&call, query, known, answer, err);
}
