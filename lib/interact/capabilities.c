/* SPDX-License-Identifier: Apache-2.0 */
/* The CapabilityStatement: what this library really does, generated from the definitions. */
#include "base/instant.h"
#include "interact/interact.h"
#include "interact/operation.h"

static const char *const type_interactions[] = {
    "read",         "vread",  "update",      "patch", "delete", "history-instance",
    "history-type", "create", "search-type",
};
static const char *const system_interactions[] = {"transaction", "batch", "history-system",
                                                  "search-system"};

static void write_interactions(fhs_buf *out, const char *const *codes, size_t count)
{
    fhs_buf_add_cstr(out, "\"interaction\":[");
    for (size_t i = 0; i < count; i++) {
        fhs_buf_addf(out, "%s{\"code\":\"%s\"}", i == 0 ? "" : ",", codes[i]);
    }
    fhs_buf_add_char(out, ']');
}

static void write_params(fhs_buf *out, const fhs_fhir *fhir, fhs_type type)
{
    const fhs_sparam *list;
    size_t count = fhs_sparam_list(fhir, type, &list);
    bool is_first = true;
    for (size_t i = 0; i < count; i++) {
        fhs_sparam_def def = fhs_sparam_get(fhir, list[i]);
        if (!fhs_query_can_search(&def)) {
            continue;
        }
        fhs_buf_add_cstr(out, is_first ? ",\"searchParam\":[" : ",");
        is_first = false;
        fhs_buf_addf(out, "{\"name\":\"%.*s\",\"definition\":", FHS_STR_ARG(def.code));
        fhs_json_write_string(out, def.url);
        fhs_buf_addf(out, ",\"type\":\"%.*s\"}",
                     FHS_STR_ARG(fhs_sparam_type_name((fhs_sparam_type)def.type)));
    }
    if (!is_first) {
        fhs_buf_add_char(out, ']');
    }
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

static void write_type_entry(fhs_buf *out, const fhs_core *core, const fhs_fhir *fhir,
                             fhs_type type)
{
    fhs_buf_addf(out, "{\"type\":\"%.*s\",", FHS_STR_ARG(fhs_type_name(core->fhir, type)));
    write_interactions(out, type_interactions, FHS_COUNT_OF(type_interactions));
    fhs_buf_add_cstr(out, ",\"versioning\":\"versioned-update\",\"readHistory\":true,"
                          "\"updateCreate\":true,\"conditionalCreate\":true,"
                          "\"conditionalRead\":\"full-support\",\"conditionalUpdate\":true,");
    if (fhs_fhir_version_of(fhir) == FHS_FHIR_R5) {
        fhs_buf_add_cstr(out, "\"conditionalPatch\":true,");
    }
    fhs_buf_add_cstr(out, "\"conditionalDelete\":\"multiple\"");
    write_includes(out, fhir, type);
    write_reverse_includes(out, fhir, type);
    write_params(out, fhir, type);
    fhs_operation_describe(fhs_type_name(core->fhir, type), out);
    fhs_buf_add_char(out, '}');
}

static void write_statement(fhs_buf *out, const fhs_core *core, const fhs_fhir *fhir)
{
    bool is_first = true;
    fhs_buf_add_cstr(out,
                     "{\"resourceType\":\"CapabilityStatement\",\"status\":\"active\",\"date\":\"");
    fhs_instant_write(fhs_core_now(core), out);
    fhs_buf_addf(out, "\",\"kind\":\"instance\",\"software\":{\"name\":\"libfhirstore\"},"
                      "\"implementation\":{\"description\":\"An encrypted FHIR store\",\"url\":\"");
    fhs_buf_add_str(out, core->base_url);
    fhs_buf_addf(
        out,
        "\"},\"fhirVersion\":\"%.*s\",\"format\":[\"application/fhir+json\",\"json\"],"
        "\"patchFormat\":[\"application/json-patch+json\",\"application/merge-patch+json\","
        "\"application/fhir+json\"],"
        "\"rest\":[{\"mode\":\"server\",\"resource\":[",
        FHS_STR_ARG(fhs_fhir_version_number(core->fhir)));
    for (size_t i = 0; i < fhs_type_count(core->fhir); i++) {
        if (fhs_type_is_resource(core->fhir, (fhs_type)i)) {
            if (!is_first) {
                fhs_buf_add_char(out, ',');
            }
            is_first = false;
            write_type_entry(out, core, fhir, (fhs_type)i);
        }
    }
    fhs_buf_add_cstr(out, "],");
    write_interactions(out, system_interactions, FHS_COUNT_OF(system_interactions));
    write_common_params(out);
    write_compartments(out);
    fhs_buf_add_cstr(out, "}]}");
}

fhirstore_status fhs_capabilities(fhs_session *session, fhs_answer *answer, fhirstore_error **err)
{
    fhs_call call;
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_CAPABILITIES, FHS_TYPE_NONE, FHS_STR_NONE,
                   FHS_STR_NONE);
    fhs_params *params = NULL;
    fhirstore_status status = fhs_call_ask(&call, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_storage_reader(session->core->storage, &call.conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        fhs_call_watch(&call);
        status = fhs_conn_begin_read(call.conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_call_params(&call, &params, err);
    }
    if (status < FHIRSTORE_OK) {
        (void)fhs_call_refuse(&call, status);
    } else {
        fhs_buf_reset(&answer->body);
        write_statement(&answer->body, session->core, fhs_params_fhir(params));
        answer->status = FHIRSTORE_OK;
        answer->http = fhs_status_http(FHIRSTORE_OK);
        status = fhs_call_record(&call, FHIRSTORE_OK, err);
        if (status < FHIRSTORE_OK) {
            (void)fhs_call_refuse(&call, status);
        }
    }
    fhs_call_end(&call);
    return status;
}
