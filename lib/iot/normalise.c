/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/normalise.h"

#include "base/limits.h"
#include "json/cursor.h"

#define FIELD_DEVICE      FHS_LIT("DeviceIdExpression")
#define FIELD_TIME        FHS_LIT("TimestampExpression")
#define FIELD_CORRELATION FHS_LIT("CorrelationIdExpression")
#define FIELD_PATIENT     FHS_LIT("PatientIdExpression")
#define FIELD_ENCOUNTER   FHS_LIT("EncounterIdExpression")
#define FIELD_MATCH       FHS_LIT("TypeMatchExpression")

/* One message at work. */
typedef struct message_work {
    fhs_iot_normaliser *normaliser;
    fhs_expression_run run;
    const fhs_json *root;
    int64_t ingested;
    uint32_t matches; /* of all templates so far */
    /* Where the work is, for faults. */
    const fhs_iot_template *template;
    int32_t match;
    bool has_fault;
    fhirstore_status failed; /* what ends everything */
    fhirstore_error **err;
} message_work;

/* ---- faults ---- */

/* Returns false, as the end of the message. */
static bool end_message(message_work *work, fhs_iot_fault *fault, fhs_str field,
                        const fhs_iot_slot *slot)
{
    work->has_fault = true;
    if (fault == NULL) {
        if (work->normaliser->faults->no_memory) {
            work->failed = fhs_fail_memory(work->err);
        }
        return false;
    }
    fault->message_index = work->normaliser->message_count;
    fault->match_index = work->match;
    if (work->template != NULL) {
        fault->template_index = work->template->index;
        fault->type = fhs_arena_dup(work->normaliser->faults->arena, work->template->type);
        fault->line = work->template->line;
        fault->column = work->template->column;
    }
    if (field.len > 0) {
        fault->field = fhs_arena_dup(work->normaliser->faults->arena, field);
    }
    if (slot != NULL && slot->line > 0) {
        fault->line = slot->line;
        fault->column = slot->column;
    }
    return false;
}

/* Whether an arena's budget ran out, and not the heap. */
static bool is_budget_spent(const fhs_arena *arena)
{
    return arena->max != SIZE_MAX && arena->budget < arena->max - arena->max / 4;
}

/* An expression failed with @a status and @a why, which is released. */
static bool end_by_error(message_work *work, fhirstore_status status, fhirstore_error *why,
                         fhs_str field, const fhs_iot_slot *slot)
{
    fhs_iot_faults *faults = work->normaliser->faults;
    bool goes_on = false;
    if (status == FHIRSTORE_ERR_NO_MEMORY && is_budget_spent(work->normaliser->scratch)) {
        goes_on = end_message(work,
                              fhs_iot_fault_add(faults, FHS_IOT_LIMIT_REACHED,
                                                "%.*s: the message takes more memory than "
                                                "FHS_LIMIT_IOT_BYTES",
                                                FHS_STR_ARG(field)),
                              field, slot);
    } else if (status == FHIRSTORE_ERR_NO_MEMORY) {
        work->failed = fhs_fail_memory(work->err);
    } else {
        const char *kind = status == FHIRSTORE_ERR_LIMIT ? FHS_IOT_LIMIT_REACHED
                                                         : FHS_IOT_TEMPLATE_EXPRESSION;
        goes_on = end_message(
            work,
            fhs_iot_fault_add(faults, kind, "%.*s: %s", FHS_STR_ARG(field), fhs_error_message(why)),
            field, slot);
    }
    fhs_error_free(why);
    return goes_on;
}

static bool lacks_value(message_work *work, fhs_str field, const fhs_iot_slot *slot)
{
    return end_message(work,
                       fhs_iot_fault_add(work->normaliser->faults, FHS_IOT_INCOMPATIBLE_DATA,
                                         "Unable to extract required value for [%.*s]",
                                         FHS_STR_ARG(field)),
                       field, slot);
}

static bool lacks_expression(message_work *work, fhs_str field)
{
    return end_message(work,
                       fhs_iot_fault_add(work->normaliser->faults, FHS_IOT_INCOMPATIBLE_DATA,
                                         "An expression must be set for [%.*s]",
                                         FHS_STR_ARG(field)),
                       field, NULL);
}

/* ---- one value ---- */

static bool find_value(message_work *work, const fhs_iot_slot *slot, const fhs_json *scope,
                       fhs_str field, const fhs_json **value_out)
{
    fhirstore_error *why = NULL;
    fhirstore_status status = fhs_expression_find(slot->expression, &work->run, scope, value_out,
                                                  &why);
    return status >= FHIRSTORE_OK || end_by_error(work, status, why, field, slot);
}

/* Absent: ptr NULL. False: the message ends here. */
static bool extract_text(message_work *work, const fhs_iot_slot *slot, const fhs_json *scope,
                         fhs_str field, bool is_required, fhs_str *out)
{
    const fhs_json *value;
    *out = FHS_STR_NONE;
    if (slot->expression == NULL) {
        return !is_required || lacks_expression(work, field);
    }
    if (!find_value(work, slot, scope, field, &value)) {
        return false;
    }
    fhs_expression_conversion how = fhs_expression_to_text(work->normaliser->scratch, value,
                                                           work->normaliser->flags, out);
    if (how == FHS_EXPRESSION_CONVERSION_NO_MEMORY) {
        return end_by_error(work, FHIRSTORE_ERR_NO_MEMORY, NULL, field, slot);
    }
    if (how != FHS_EXPRESSION_CONVERTED) {
        *out = FHS_STR_NONE;
    } else if (out->ptr == NULL) {
        *out = FHS_LIT("");
    }
    bool is_missing = how != FHS_EXPRESSION_CONVERTED || (is_required && fhs_iot_is_blank(*out));
    return !is_required || !is_missing || lacks_value(work, field, slot);
}

/* The instant of the first expression that gives one. */
static bool extract_time(message_work *work, const fhs_json *scope, int64_t *out)
{
    const fhs_iot_slot *slots[] = {&work->template->fields[FHS_IOT_FIELD_TIME],
                                   &work->template->second_time};
    if (slots[0]->expression == NULL) {
        return lacks_expression(work, FIELD_TIME);
    }
    for (size_t i = 0; i < FHS_COUNT_OF(slots); i++) {
        const fhs_json *value;
        if (slots[i]->expression == NULL) {
            continue;
        }
        if (!find_value(work, slots[i], scope, FIELD_TIME, &value)) {
            return false;
        }
        if (fhs_expression_to_ticks(value, out) == FHS_EXPRESSION_CONVERTED) {
            return true;
        }
    }
    return lacks_value(work, FIELD_TIME, slots[0]);
}

/* ---- one measurement ---- */

static bool extract_values(message_work *work, const fhs_json *scope, fhs_iot_measurement *out)
{
    const fhs_iot_template *template = work->template;
    fhs_iot_property *properties = fhs_arena_calloc(
        work->normaliser->scratch, (size_t) template->value_count + 1, sizeof *properties);
    if (properties == NULL) {
        return end_by_error(work, FHIRSTORE_ERR_NO_MEMORY, NULL, FHS_LIT("Values"), NULL);
    }
    out->properties = properties;
    for (uint32_t i = 0; i < template->value_count; i++) {
        const fhs_iot_value_slot *value = &template->values[i];
        fhs_str text;
        if (!extract_text(work, &value->slot, scope, value->name, value->is_required, &text)) {
            return false;
        }
        if (text.ptr != NULL) {
            properties[out->property_count++] = (fhs_iot_property){value->name, text};
        }
    }
    return true;
}

static bool extract_ids(message_work *work, const fhs_json *scope, fhs_iot_measurement *out)
{
    const fhs_iot_slot *fields = work->template->fields;
    return extract_text(work, &fields[FHS_IOT_FIELD_DEVICE], scope, FIELD_DEVICE, true,
                        &out->device_id) &&
           extract_time(work, scope, &out->time) &&
           extract_text(work, &fields[FHS_IOT_FIELD_CORRELATION], scope, FIELD_CORRELATION,
                        fields[FHS_IOT_FIELD_CORRELATION].expression != NULL,
                        &out->correlation_id) &&
           extract_text(work, &fields[FHS_IOT_FIELD_PATIENT], scope, FIELD_PATIENT, false,
                        &out->patient_id) &&
           extract_text(work, &fields[FHS_IOT_FIELD_ENCOUNTER], scope, FIELD_ENCOUNTER, false,
                        &out->encounter_id);
}

static bool measure(message_work *work, const fhs_json *match)
{
    fhs_iot_normaliser *normaliser = work->normaliser;
    const fhs_json *scope = match;
    fhs_iot_measurement out = {.type = work->template->type,
                               .ingested = work->ingested,
                               .template_index = work->template->index,
                               .message_index = normaliser->message_count};
    if (work->template->kind == FHS_IOT_CALCULATED_CONTENT) {
        scope = fhs_expression_with_match(normaliser->scratch, work->root, match);
        if (scope == NULL) {
            return end_by_error(work, FHIRSTORE_ERR_NO_MEMORY, NULL, FIELD_MATCH, NULL);
        }
    }
    if (!extract_ids(work, scope, &out) || !extract_values(work, scope, &out)) {
        return false;
    }
    normaliser->measurement_count++;
    work->failed = normaliser->emit(normaliser->ctx, &out);
    if (work->failed < FHIRSTORE_OK && work->err != NULL && *work->err == NULL) {
        (void)fhs_fail_plain(work->err, work->failed);
    }
    return work->failed >= FHIRSTORE_OK;
}

static bool run_template(message_work *work)
{
    const fhs_iot_slot *slot = &work->template->fields[FHS_IOT_FIELD_MATCH];
    fhs_expression_nodes nodes;
    fhirstore_error *why = NULL;
    work->match = -1;
    fhirstore_status status = fhs_expression_select(slot->expression, &work->run, work->root,
                                                    &nodes, &why);
    if (status < FHIRSTORE_OK) {
        return end_by_error(work, status, why, FIELD_MATCH, slot);
    }
    for (uint32_t i = 0; i < nodes.count; i++) {
        work->match = (int32_t)i;
        if (++work->matches > FHS_LIMIT_IOT_MATCHES) {
            return end_message(work,
                               fhs_iot_fault_add(work->normaliser->faults, FHS_IOT_LIMIT_REACHED,
                                                 "the message matches more often than "
                                                 "FHS_LIMIT_IOT_MATCHES"),
                               FIELD_MATCH, slot);
        }
        if (!measure(work, nodes.items[i])) {
            return false;
        }
    }
    return true;
}

/* ---- one message ---- */

static void run_templates(message_work *work)
{
    const fhs_iot_template *template = work->normaliser->mapping->first;
    fhs_expression_run_init(&work->run, work->normaliser->scratch);
    for (; template != NULL; template = template->next) {
        work->template = template;
        if (!run_template(work)) {
            return;
        }
    }
}

static void bad_message(message_work *work, const char *what)
{
    (void)end_message(
        work, fhs_iot_fault_add(work->normaliser->faults, FHS_IOT_INVALID_DATA_FORMAT, "%s", what),
        FHS_STR_NONE, NULL);
}

static void read_message(message_work *work, fhs_str message)
{
    fhirstore_error *why = NULL;
    /* Devices that repeat a name mean the last one. */
    const fhs_json_limits limits = {.last_wins = true};
    fhirstore_status status = fhs_json_read(work->normaliser->scratch, message, &limits,
                                            &work->root, &why);
    if (status == FHIRSTORE_ERR_NO_MEMORY && !is_budget_spent(work->normaliser->scratch)) {
        work->failed = fhs_fail_memory(work->err);
    } else if (status == FHIRSTORE_ERR_NO_MEMORY) {
        bad_message(work, "the message takes more memory than FHS_LIMIT_IOT_BYTES");
    } else if (status < FHIRSTORE_OK) {
        bad_message(work, fhs_error_message(why));
    } else if (work->root->type != FHS_JSON_OBJECT) {
        bad_message(work, "the message is not a JSON object");
    }
    fhs_error_free(why);
}

fhirstore_status fhs_iot_normalise(fhs_iot_normaliser *normaliser, fhs_str message,
                                   int64_t ingested, fhirstore_error **err)
{
    const int64_t before = normaliser->measurement_count;
    message_work work = {.normaliser = normaliser, .ingested = ingested, .match = -1, .err = err};
    fhs_arena_reset(normaliser->scratch);
    if (fhs_str_starts_with(message, FHS_LIT("\xEF\xBB\xBF"))) {
        message = fhs_str_from(message, 3);
    }
    read_message(&work, message);
    if (!work.has_fault && work.failed >= FHIRSTORE_OK) {
        run_templates(&work);
    }
    normaliser->message_count++;
    normaliser->fault_count += work.has_fault;
    normaliser->dropped_count += !work.has_fault && normaliser->measurement_count == before;
    return work.failed < FHIRSTORE_OK ? work.failed : FHIRSTORE_OK;
}
