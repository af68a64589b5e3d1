/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/check.h"

#include "base/limits.h"
#include "iot/normalise.h"
#include "iot/observation.h"
#include "validation/validation.h"

bool fhs_iot_next_line(fhs_str *rest, fhs_str *line, int64_t *line_out)
{
    while (rest->len > 0) {
        size_t end = fhs_str_find_char(*rest, '\n', 0);
        *line = fhs_str_trim(fhs_str_of(rest->ptr, end));
        *rest = fhs_str_from(*rest, end + 1);
        (*line_out)++;
        if (line->len > 0) {
            return true;
        }
    }
    return false;
}

static void warn(fhs_iot_faults *faults, fhs_iot_fault *fault, int32_t template_index, fhs_str type,
                 fhs_str field, uint32_t line, uint32_t column)
{
    if (fault != NULL) {
        fault->is_warning = true;
        faults->error_count--;
        fault->template_index = template_index;
        fault->type = type;
        fault->field = field;
        fault->line = line;
        fault->column = column;
    }
}

/* ---- the two mappings ---- */

static bool spec_uses(const fhs_iot_value_spec *spec, fhs_str name)
{
    return fhs_str_eq(spec->name, name) || fhs_str_eq(spec->low_name, name) ||
           fhs_str_eq(spec->high_name, name) || fhs_str_eq(spec->from_code_name, name);
}

static bool template_uses(const fhs_iot_fhir_template *template, fhs_str name)
{
    for (uint32_t i = 0; i < template->component_count; i++) {
        if (spec_uses(&template->components[i].value, name)) {
            return true;
        }
    }
    return template->has_value && spec_uses(&template->value, name);
}

static void check_template(const fhs_iot_checking *checking, const fhs_iot_template *template)
{
    fhs_iot_faults *faults = checking->faults;
    const fhs_iot_fhir_template *fhir = fhs_iot_fhir_find(checking->fhir, template->type);
    bool any_used = false;
    if (fhir == NULL) {
        warn(faults,
             fhs_iot_fault_add(faults, FHS_IOT_NO_FHIR_TEMPLATE,
                               "No matching Fhir Template exists for Device Mapping [%.*s]",
                               FHS_STR_ARG(template->type)),
             template->index, template->type, FHS_STR_NONE, template->line, template->column);
        return;
    }
    for (uint32_t i = 0; i < template->value_count; i++) {
        const fhs_iot_value_slot *value = &template->values[i];
        if (template_uses(fhir, value->name)) {
            any_used = true;
            continue;
        }
        warn(faults,
             fhs_iot_fault_add(faults, FHS_IOT_VALUE_NOT_USED,
                               "The value [%.*s] in Device Mapping [%.*s] is not represented "
                               "within the Fhir Template of type [%.*s]",
                               FHS_STR_ARG(value->name), FHS_STR_ARG(template->type),
                               FHS_STR_ARG(fhir->type)),
             template->index, template->type, value->name, value->line, value->column);
    }
    if (!any_used) {
        warn(faults,
             fhs_iot_fault_add(faults, FHS_IOT_NO_VALUE,
                               "Observations of Device Mapping [%.*s] will have no value",
                               FHS_STR_ARG(template->type)),
             template->index, template->type, FHS_STR_NONE, template->line, template->column);
    }
}

/* ---- messages ---- */

typedef struct message_check {
    const fhs_iot_checking *checking;
    fhs_arena *arena; /* of the Observation at work */
    fhs_iot_faults *faults;
    int64_t index;
} message_check;

static void build_fault(message_check *check, const fhs_iot_measurement *measurement,
                        const char *kind, fhs_str field, const char *text)
{
    fhs_iot_fault *fault = fhs_iot_fault_add(check->faults, kind, "%s", text);
    if (fault != NULL) {
        const fhs_iot_fhir_template *template = fhs_iot_fhir_find(check->checking->fhir,
                                                                  measurement->type);
        fault->is_fhir = true;
        fault->message_index = check->index;
        fault->type = fhs_arena_dup(check->faults->arena, measurement->type);
        fault->field = field;
        if (template != NULL) {
            fault->line = template->line;
            fault->column = template->column;
        }
    }
}

/* Whether the store would take it. */
static void validate_built(message_check *check, const fhs_iot_measurement *measurement,
                           fhs_str text)
{
    const fhs_json *root;
    fhs_type type;
    fhirstore_error *why = NULL;
    fhirstore_status status = fhs_json_read(check->arena, text, NULL, &root, &why);
    if (status >= FHIRSTORE_OK) {
        status = fhs_validate_resource(fhs_fhir_get(FHS_FHIR_R4), FHS_VALIDATION_ON, root, &type,
                                       &why);
    }
    if (status < FHIRSTORE_OK) {
        build_fault(check, measurement, FHS_IOT_REFUSED_BY_STORE, FHS_STR_NONE,
                    fhs_error_message(why));
    }
    fhs_error_free(why);
}

static fhirstore_status build_group(message_check *check, const fhs_iot_measurement *measurement,
                                    const fhs_iot_fhir_template *template,
                                    const fhs_iot_group *group)
{
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_iot_builder builder = {.template = template,
                               .group = group,
                               .flags = check->checking->group_flags,
                               .system = FHS_LIT(FHS_IOT_SYSTEM),
                               .patient_id = FHS_LIT("patient"),
                               .device_id = FHS_LIT("device"),
                               .id = FHS_LIT("observation"),
                               .identifier = FHS_LIT("identifier"),
                               .arena = check->arena};
    bool ok = fhs_iot_observation_write(&builder, &text);
    fhirstore_status status = fhs_buf_status(&text);
    if (ok && status >= FHIRSTORE_OK) {
        validate_built(check, measurement, fhs_buf_str(&text));
    } else if (builder.kind != NULL) {
        build_fault(check, measurement, builder.kind, builder.field, builder.why);
    } else {
        status = FHIRSTORE_ERR_NO_MEMORY;
    }
    fhs_buf_clear(&text);
    return status;
}

/* Build, but not store, what would become of one measurement. */
static fhirstore_status check_measurement(void *ctx, const fhs_iot_measurement *measurement)
{
    message_check *check = ctx;
    fhs_iot_bucket *buckets;
    fhs_iot_group *groups;
    size_t count;
    bool lacks_id;
    if (check->checking->fhir == NULL) {
        return FHIRSTORE_OK;
    }
    const fhs_iot_fhir_template *template = fhs_iot_fhir_find(check->checking->fhir,
                                                              measurement->type);
    if (template == NULL) {
        build_fault(check, measurement, FHS_IOT_TEMPLATE_NOT_FOUND, FHS_STR_NONE,
                    "the FHIR mapping has no template for this type");
        return FHIRSTORE_OK;
    }
    fhs_arena_reset(check->arena);
    fhirstore_status status = fhs_iot_buckets(check->arena, &measurement, 1, &buckets, &count,
                                              NULL);
    if (status >= FHIRSTORE_OK) {
        status = fhs_iot_groups(check->arena, &buckets[0], template, check->checking->group_flags,
                                &groups, &count, &lacks_id, NULL);
    }
    if (status >= FHIRSTORE_OK && lacks_id) {
        build_fault(check, measurement, FHS_IOT_NO_CORRELATION_ID, FHS_STR_NONE,
                    "the FHIR mapping groups by correlationId, and there is none");
        return FHIRSTORE_OK;
    }
    return status < FHIRSTORE_OK ? status : build_group(check, measurement, template, &groups[0]);
}

static bool is_same_fault(const fhs_iot_fault *a, const fhs_iot_fault *b)
{
    return strcmp(a->kind, b->kind) == 0 && a->template_index == b->template_index &&
           a->line == b->line && fhs_str_eq(a->field, b->field) && fhs_str_eq(a->type, b->type) &&
           fhs_str_eq(a->message, b->message);
}

/* Faults of one message join those of all: equal ones are counted, the first message is told. */
static void join_faults(const fhs_iot_checking *checking, fhs_iot_fault *before)
{
    fhs_iot_faults *faults = checking->faults;
    fhs_iot_fault *last = before;
    if (checking->lists_each || before == NULL) {
        return;
    }
    while (last->next != NULL) {
        fhs_iot_fault *now = last->next;
        fhs_iot_fault *known = faults->first;
        while (known != now && !is_same_fault(known, now)) {
            known = known->next;
        }
        if (known == now) {
            last = now;
            continue;
        }
        known->count++;
        last->next = now->next;
        faults->count--;
        faults->error_count -= !now->is_warning;
    }
    faults->last = last;
}

static void explain_dropped(const fhs_iot_checking *checking, fhs_arena *arena, fhs_str message,
                            int64_t index)
{
    const fhs_json *root;
    fhs_iot_fault *fault = fhs_iot_fault_add(checking->faults, FHS_IOT_NO_MEASUREMENT,
                                             "No measurements were produced: no template matches");
    if (fault == NULL) {
        return;
    }
    fault->is_warning = true;
    checking->faults->error_count--;
    fault->message_index = index;
    fhs_arena_reset(arena);
    const fhs_json_limits limits = {.last_wins = true};
    if (fhs_json_read(arena, message, &limits, &root, NULL) >= FHIRSTORE_OK) {
        fhs_iot_explain(checking->device, arena, root, index, checking->faults);
    }
}

static fhirstore_status check_messages(const fhs_iot_checking *checking, fhs_str messages,
                                       fhs_arena *scratch, fhs_arena *building,
                                       fhirstore_error **err)
{
    message_check check = {checking, building, checking->faults, 0};
    fhs_iot_normaliser normaliser = {.mapping = checking->device,
                                     .flags = checking->text_flags,
                                     .scratch = scratch,
                                     .faults = checking->faults,
                                     .emit = check_measurement,
                                     .ctx = &check};
    fhirstore_status status = FHIRSTORE_OK;
    fhs_str line;
    int64_t number = 0;
    while (status >= FHIRSTORE_OK && fhs_iot_next_line(&messages, &line, &number)) {
        fhs_iot_fault *before = checking->faults->last;
        const int64_t dropped = normaliser.dropped_count;
        check.index = normaliser.message_count;
        status = fhs_iot_normalise(&normaliser, line, FHS_IOT_NO_TIME, err);
        if (status >= FHIRSTORE_OK && normaliser.dropped_count > dropped) {
            explain_dropped(checking, building, line, check.index);
        }
        join_faults(checking, before);
    }
    if (status >= FHIRSTORE_OK && checking->faults->no_memory) {
        status = fhs_fail_memory(err);
    }
    return status;
}

fhirstore_status fhs_iot_check(const fhs_iot_checking *checking, fhs_str messages,
                               fhirstore_error **err)
{
    fhs_arena scratch;
    fhs_arena building;
    const fhs_iot_template *template = checking->device->first;
    for (; checking->fhir != NULL && template != NULL; template = template->next) {
        check_template(checking, template);
    }
    fhs_arena_init(&scratch, FHS_LIMIT_IOT_BYTES);
    fhs_arena_init(&building, SIZE_MAX);
    fhirstore_status status = check_messages(checking, messages, &scratch, &building, err);
    fhs_arena_clear(&scratch);
    fhs_arena_clear(&building);
    return status;
}
