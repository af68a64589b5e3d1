/* SPDX-License-Identifier: Apache-2.0 */
/* Which operations there are, and where each is defined. */
#include "rest/capability.h"

#include "operation/host.h"
#include "operation/operation.h"

/* HL7 defines these; what else there is has a name of its own. */
static const char *const published[] = {
    "CodeSystem-lookup",      "CodeSystem-subsumes",  "CodeSystem-validate-code",
    "ConceptMap-translate",   "Encounter-everything", "Group-everything",
    "Observation-lastn",      "Observation-stats",    "Patient-everything",
    "Resource-convert",       "Resource-meta",        "Resource-meta-add",
    "Resource-meta-delete",   "Resource-validate",    "ValueSet-expand",
    "ValueSet-validate-code",
};

/* "Patient-everything"; an operation of any type is one of Resource. */
static void write_definition(const fhs_operation_def *def, fhs_buf *out)
{
    fhs_buf name = FHS_BUF_INIT(256);
    const fhs_str given = fhs_host_definition(def);
    if (given.len > 0) {
        fhs_json_write_string(out, given);
        return;
    }
    fhs_buf_add_str(&name, def->type.len > 0 ? def->type : FHS_LIT("Resource"));
    fhs_buf_add_char(&name, '-');
    fhs_buf_add_str(&name, def->name);
    bool is_published = false;
    for (size_t i = 0; i < FHS_COUNT_OF(published) && !is_published; i++) {
        is_published = fhs_str_eq(fhs_buf_str(&name), fhs_str_from_cstr(published[i]));
    }
    fhs_buf_add_cstr(out, is_published ? "\"http://hl7.org/fhir/OperationDefinition/"
                                       : "\"urn:libfhirstore:operation:");
    fhs_buf_add_str(out, is_published ? fhs_buf_str(&name) : def->name);
    fhs_buf_add_char(out, '"');
    fhs_buf_clear(&name);
}

static bool is_of(const fhs_core *core, const fhs_operation_def *def, fhs_type type)
{
    if (core->read_only && def->changes) {
        return false;
    }
    if (type == FHS_TYPE_NONE) {
        return (def->levels & FHS_ON_SYSTEM) != 0;
    }
    return (def->levels & ~(unsigned)FHS_ON_SYSTEM) != 0 &&
           (def->type.len == 0 || fhs_str_eq(def->type, fhs_type_name(core->fhir, type)));
}

static bool is_same_told(const fhs_core *core, const fhs_operation_def *other,
                         const fhs_operation_def *def, fhs_type type)
{
    return fhs_str_eq(other->name, def->name) && is_of(core, other, type);
}

/* One name may stand for several operations, by level: it is told with the first of them. */
static bool is_told(fhs_core *core, const fhs_operation_def *def, fhs_type type)
{
    const fhs_operation_def *other;
    for (size_t i = 0; (other = fhs_operation_at(i)) != NULL && other != def; i++) {
        if (is_same_told(core, other, def, type)) {
            return true;
        }
    }
    for (const fhs_host_operation *host = fhs_host_operations(core);
         def->is_host && host != NULL && &host->def != def;
         host = fhs_host_operation_next(core, host)) {
        if (is_same_told(core, &host->def, def, type)) {
            return true;
        }
    }
    return false;
}

static void tell_operation(fhs_core *core, const fhs_operation_def *def, fhs_type type,
                           bool *is_first, fhs_buf *out)
{
    if (!is_of(core, def, type) || is_told(core, def, type)) {
        return;
    }
    fhs_buf_addf(out, "%s{\"name\":\"%.*s\",\"definition\":", *is_first ? ",\"operation\":[" : ",",
                 FHS_STR_ARG(def->name));
    write_definition(def, out);
    fhs_buf_add_char(out, '}');
    *is_first = false;
}

void fhs_capability_operations(fhs_core *core, fhs_type type, fhs_buf *out)
{
    const fhs_operation_def *def;
    bool is_first = true;
    for (size_t i = 0; (def = fhs_operation_at(i)) != NULL; i++) {
        tell_operation(core, def, type, &is_first, out);
    }
    for (const fhs_host_operation *host = fhs_host_operations(core); host != NULL;
         host = fhs_host_operation_next(core, host)) {
        tell_operation(core, &host->def, type, &is_first, out);
    }
    fhs_buf_add_cstr(out, is_first ? "" : "]");
}
