/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Observation/$stats: figures of what was measured of somebody, code by code. Values in different
 * units of one kind are converted to that of the latest; what has another kind, no UCUM unit, a
 * comparator or a modifier extension counts, but is not calculated with.
 */
#include "operation/stats.h"
#include "base/instant.h"
#include "base/mem.h"
#include "fhir/reference.h"
#include "interact/find.h"
#include "interact/sight.h"
#include "interact/touched.h"
#include "operation/observation.h"

#define STATS_TEXT_MAX ((size_t)64 * 1024 * 1024)
#define PANEL_DEPTH    4u

static const fhs_str stats_params[] = {
    FHS_LIT_INIT("subject"), FHS_LIT_INIT("code"),     FHS_LIT_INIT("system"),
    FHS_LIT_INIT("coding"),  FHS_LIT_INIT("duration"), FHS_LIT_INIT("period"),
    FHS_LIT_INIT("start"),   FHS_LIT_INIT("end"),      FHS_LIT_INIT("statistic"),
    FHS_LIT_INIT("include"), FHS_LIT_INIT("limit"),    FHS_LIT_INIT("")};
static const fhs_str stats_lists[] = {FHS_LIT_INIT("code"), FHS_LIT_INIT("coding"),
                                      FHS_LIT_INIT("statistic"), FHS_LIT_INIT("")};

/* ---- the question ---- */

static fhirstore_status read_stats_subject(fhs_stats_work *work)
{
    static const fhs_str name = FHS_LIT_INIT("subject");
    const fhs_core *core = work->call->session->core;
    fhs_reference to;
    fhirstore_status status = fhs_argument_text(work->operation, name, &work->subject, work->err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (work->subject.len == 0) {
        return fhs_argument_fail(name, "is missing", work->err);
    }
    return fhs_reference_parse(fhs_params_fhir(work->params), core->base_url, work->subject, &to) &&
                   to.is_local && to.type != FHS_TYPE_NONE
               ? FHIRSTORE_OK
               : fhs_argument_fail(name, "expects a reference to a resource of this store",
                                   work->err);
}

static fhs_stats_group *find_stats_group(fhs_stats_work *work, fhs_str system, fhs_str code)
{
    for (size_t i = 0; i < work->group_count; i++) {
        fhs_stats_group *group = &work->groups[i];
        if (fhs_str_eq(group->code, code) && fhs_str_eq(group->system, system)) {
            return group;
        }
    }
    return NULL;
}

static fhirstore_status add_stats_group(fhs_stats_work *work, fhs_str system, fhs_str code,
                                        fhs_str concept, fhs_stats_group **out)
{
    *out = find_stats_group(work, system, code);
    if (*out != NULL) {
        return FHIRSTORE_OK;
    }
    if (work->group_count == FHS_STATS_CODES_MAX) {
        return fhs_fail(work->err, FHIRSTORE_ERR_LIMIT, "figures are told of 64 codes at most");
    }
    *out = &work->groups[work->group_count];
    **out = (fhs_stats_group){.system = fhs_arena_dup(&work->kept, system),
                              .code = fhs_arena_dup(&work->kept, code),
                              .concept = fhs_arena_dup(&work->kept, concept)};
    work->group_count++;
    return (*out)->system.ptr == NULL || (*out)->code.ptr == NULL || (*out)->concept.ptr == NULL
               ? fhs_fail_memory(work->err)
               : FHIRSTORE_OK;
}

/* {"coding":[{…}]} of a code that was asked for. */
static fhirstore_status add_asked(fhs_stats_work *work, fhs_str system, fhs_str code)
{
    fhs_buf concept = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    fhs_stats_group *group;
    fhs_buf_add_cstr(&concept, "{\"coding\":[{\"system\":");
    fhs_json_write_string(&concept, system);
    fhs_buf_add_cstr(&concept, ",\"code\":");
    fhs_json_write_string(&concept, code);
    fhs_buf_add_cstr(&concept, "}]}");
    fhirstore_status status = fhs_buf_status(&concept) == FHIRSTORE_OK
                                  ? add_stats_group(work, system, code, fhs_buf_str(&concept),
                                                    &group)
                                  : fhs_fail_plain(work->err, fhs_buf_status(&concept));
    fhs_buf_clear(&concept);
    return status;
}

/* A Coding, or in an address "system|code". */
static fhirstore_status add_asked_coding(fhs_stats_work *work, const fhs_argument *argument)
{
    fhs_str system = FHS_STR_NONE;
    fhs_str code = FHS_STR_NONE;
    if (argument->text.ptr != NULL) {
        (void)fhs_str_split(argument->text, '|', &system, &code);
    } else if (fhs_json_is(argument->json, FHS_JSON_OBJECT)) {
        (void)fhs_json_get_string(argument->json, FHS_LIT("system"), &system);
        (void)fhs_json_get_string(argument->json, FHS_LIT("code"), &code);
    }
    return system.len > 0 && code.len > 0
               ? add_asked(work, system, code)
               : fhs_argument_fail(argument->name, "expects a Coding with system and code",
                                   work->err);
}

static fhirstore_status read_asked_codes(fhs_stats_work *work)
{
    const fhs_operation *operation = work->operation;
    fhs_str system;
    fhirstore_status status = fhs_argument_text(operation, FHS_LIT("system"), &system, work->err);
    for (size_t i = 0; i < operation->argument_count && status >= FHIRSTORE_OK; i++) {
        const fhs_argument *argument = &operation->arguments[i];
        if (fhs_str_eq(argument->name, FHS_LIT("coding"))) {
            status = add_asked_coding(work, argument);
        } else if (fhs_str_eq(argument->name, FHS_LIT("code"))) {
            status = argument->text.len == 0
                         ? fhs_argument_fail(argument->name, "expects a code", work->err)
                     : system.len == 0 ? fhs_argument_fail(FHS_LIT("system"),
                                                           "is missing beside 'code'", work->err)
                                       : add_asked(work, system, argument->text);
        }
    }
    work->asked_count = work->group_count;
    return status >= FHIRSTORE_OK && work->asked_count == 0
               ? fhs_argument_fail(FHS_LIT("code"), "is missing, or 'coding'", work->err)
               : status;
}

static fhirstore_status read_stats_bound(fhs_stats_work *work, fhs_str name, fhs_str text,
                                         bool is_end)
{
    fhs_date date;
    int64_t lo;
    int64_t hi;
    if (text.len == 0) {
        return FHIRSTORE_OK;
    }
    if (!fhs_date_parse(text, FHS_DATE_FORM_SEARCH, &date)) {
        return fhs_argument_fail(name, "expects dates", work->err);
    }
    fhs_date_interval(&date, work->call->session->core->default_zone_minutes, &lo, &hi);
    *(is_end ? &work->to : &work->from) = is_end ? hi : lo;
    work->has_period = true;
    return FHIRSTORE_OK;
}

/* duration: so many hours up to now. */
static fhirstore_status read_stats_duration(fhs_stats_work *work, fhs_str text)
{
    static const fhs_str name = FHS_LIT_INIT("duration");
    const fhs_decimal hour = fhs_decimal_from_i64(3600 * FHS_TICKS_PER_SECOND);
    fhs_decimal hours;
    int64_t ticks = 0;
    if (!fhs_decimal_parse(text, &hours) || hours.negative || fhs_decimal_is_zero(&hours) ||
        !fhs_decimal_mul(&hours, &hour, &hours) ||
        !fhs_decimal_round(&hours, 0, FHS_ROUND_DOWN, &hours) ||
        !fhs_decimal_to_i64(&hours, &ticks)) {
        return fhs_argument_fail(name, "expects a number of hours above 0", work->err);
    }
    work->to = fhs_ticks_from_us(fhs_core_now(work->call->session->core));
    work->from = work->to - ticks;
    work->has_period = true;
    return FHIRSTORE_OK;
}

static fhirstore_status read_stats_time(fhs_stats_work *work)
{
    const fhs_operation *operation = work->operation;
    const fhs_json *period = NULL;
    fhs_str duration;
    fhs_str start;
    fhs_str end;
    work->from = FHS_TICK_MIN;
    work->to = FHS_TICK_MAX;
    fhirstore_status status = fhs_argument_object(operation, FHS_LIT("period"), &period, work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_text(operation, FHS_LIT("duration"), &duration, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_text(operation, FHS_LIT("start"), &start, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_text(operation, FHS_LIT("end"), &end, work->err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if ((period != NULL) + (duration.len > 0) + (start.len + end.len > 0) > 1) {
        return fhs_argument_fail(FHS_LIT("period"), "goes with no other time", work->err);
    }
    if (duration.len > 0) {
        return read_stats_duration(work, duration);
    }
    fhs_str name = FHS_LIT("start");
    if (period != NULL) {
        name = FHS_LIT("period");
        (void)fhs_json_get_string(period, FHS_LIT("start"), &start);
        (void)fhs_json_get_string(period, FHS_LIT("end"), &end);
        if (start.len + end.len == 0) {
            return fhs_argument_fail(name, "expects a Period", work->err);
        }
    }
    status = read_stats_bound(work, name, start, false);
    if (status >= FHIRSTORE_OK) {
        status = read_stats_bound(work, period != NULL ? name : FHS_LIT("end"), end, true);
    }
    return status >= FHIRSTORE_OK && work->to < work->from
               ? fhs_argument_fail(name, "ends before it begins", work->err)
               : status;
}

static fhirstore_status read_wanted(fhs_stats_work *work)
{
    static const fhs_str name = FHS_LIT_INIT("statistic");
    const fhs_operation *operation = work->operation;
    bool any = false;
    for (size_t i = 0; i < operation->argument_count; i++) {
        fhs_str text = operation->arguments[i].text;
        if (!fhs_str_eq(operation->arguments[i].name, name)) {
            continue;
        }
        do {
            fhs_str item = text;
            fhs_str rest = FHS_STR_NONE;
            (void)fhs_str_split(text, ',', &item, &rest);
            const fhs_statistic which = fhs_statistic_find(item);
            if (which == FHS_STAT_KINDS) {
                return fhs_argument_fail(name,
                                         "expects codes of the system "
                                         "observation-statistics",
                                         work->err);
            }
            work->wanted[which] = any = true;
            work->wanted[FHS_STAT_INTERCEPT] = work->wanted[FHS_STAT_GRADIENT];
            text = rest;
        } while (text.len > 0);
    }
    return any ? FHIRSTORE_OK : fhs_argument_fail(name, "is missing", work->err);
}

static fhirstore_status read_stats_ask(fhs_stats_work *work)
{
    fhirstore_status status = read_stats_subject(work);
    if (status >= FHIRSTORE_OK) {
        status = read_asked_codes(work);
    }
    if (status >= FHIRSTORE_OK) {
        status = read_stats_time(work);
    }
    if (status >= FHIRSTORE_OK) {
        status = read_wanted(work);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_flag(work->operation, FHS_LIT("include"), false, &work->includes,
                                   work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_count(work->operation, FHS_LIT("limit"), INT32_MAX, INT32_MAX,
                                    &work->limit, work->err);
    }
    return status >= FHIRSTORE_OK && work->limit == 0
               ? fhs_argument_fail(FHS_LIT("limit"), "expects a number above 0", work->err)
               : status;
}

/* ---- gathering ---- */

static bool has_code_of(const fhs_json *concept, const fhs_stats_group *group)
{
    fhs_str system;
    fhs_str code;
    for (uint32_t n = 0; fhs_concept_coding(concept, n, &system, &code); n++) {
        if (fhs_str_eq(code, group->code) && fhs_str_eq(system, group->system)) {
            return true;
        }
    }
    return false;
}

/* A value that can be calculated with. */
static bool read_stats_value(fhs_stats_work *work, const fhs_json *holder, fhs_stats_item *item)
{
    const fhs_json *quantity = fhs_json_get(holder, FHS_LIT("valueQuantity"));
    fhs_str system = FHS_STR_NONE;
    fhs_str code = FHS_STR_NONE;
    fhs_str unit = FHS_STR_NONE;
    if (!fhs_json_is(quantity, FHS_JSON_OBJECT) ||
        fhs_json_get(quantity, FHS_LIT("comparator")) != NULL ||
        fhs_json_get(holder, FHS_LIT("modifierExtension")) != NULL ||
        !fhs_json_get_string(quantity, FHS_LIT("system"), &system) ||
        !fhs_str_eq(system, FHS_LIT("http://unitsofmeasure.org")) ||
        !fhs_json_get_string(quantity, FHS_LIT("code"), &code)) {
        return false;
    }
    const fhs_json *value = fhs_json_get(quantity, FHS_LIT("value"));
    (void)fhs_json_get_string(quantity, FHS_LIT("unit"), &unit);
    item->unit = fhs_arena_dup(&work->kept, unit);
    item->unit_code = fhs_arena_dup(&work->kept, code);
    return fhs_json_is(value, FHS_JSON_NUMBER) && fhs_decimal_parse(value->text, &item->value);
}

/* What @a holder (the Observation, or a component) says, in the group of its code. */
static fhirstore_status add_stats_item(fhs_stats_work *work, fhs_stats_group *group,
                                       const fhs_json *holder, fhs_entity entity, uint32_t part,
                                       int64_t time, bool counts)
{
    if (work->item_count++ == FHS_LIMIT_INCLUDE_WALK) {
        return fhs_fail(work->err, FHIRSTORE_ERR_TOO_COSTLY,
                        "more values match than FHS_LIMIT_INCLUDE_WALK");
    }
    if (group->count == group->capacity) {
        size_t capacity = group->capacity == 0 ? 64 : group->capacity * 2;
        fhs_stats_item *items = fhs_realloc(group->items, capacity * sizeof *items);
        if (items == NULL) {
            return fhs_fail_memory(work->err);
        }
        group->items = items;
        group->capacity = capacity;
    }
    fhs_stats_item *item = &group->items[group->count++];
    *item = (fhs_stats_item){.entity = entity, .part = part, .time = time};
    item->is_valid = counts && read_stats_value(work, holder, item);
    bool failed = item->is_valid && (item->unit.ptr == NULL || item->unit_code.ptr == NULL);
    return failed ? fhs_fail_memory(work->err) : FHIRSTORE_OK;
}

static const fhs_json *stats_list(const fhs_json *object, fhs_str name)
{
    const fhs_json *list = fhs_json_get(object, name);
    return fhs_json_is(list, FHS_JSON_ARRAY) ? list : NULL;
}

/* The group of a part of a panel: that of its own code. */
static fhirstore_status panel_part_group(fhs_stats_work *work, const fhs_json *concept,
                                         fhs_stats_group **out)
{
    fhs_str system;
    fhs_str code;
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    *out = NULL;
    for (uint32_t n = 0; *out == NULL && fhs_concept_coding(concept, n, &system, &code); n++) {
        *out = find_stats_group(work, system, code);
    }
    if (*out != NULL || !fhs_concept_coding(concept, 0, &system, &code)) {
        return FHIRSTORE_OK;
    }
    fhs_json_write_compact(&text, fhs_buf_str(&work->body), concept);
    fhirstore_status status = fhs_buf_status(&text) == FHIRSTORE_OK
                                  ? add_stats_group(work, system, code, fhs_buf_str(&text), out)
                                  : fhs_fail_memory(work->err);
    fhs_buf_clear(&text);
    return status;
}

static fhirstore_status take_stats_component(fhs_stats_work *work, const fhs_json *component,
                                             fhs_entity entity, uint32_t part, int64_t time,
                                             bool is_panel, bool counts)
{
    const fhs_json *concept = fhs_json_get(component, FHS_LIT("code"));
    fhs_stats_group *group = NULL;
    for (size_t i = 0; i < work->asked_count && group == NULL; i++) {
        group = has_code_of(concept, &work->groups[i]) ? &work->groups[i] : NULL;
    }
    fhirstore_status status = group == NULL && is_panel ? panel_part_group(work, concept, &group)
                                                        : FHIRSTORE_OK;
    return status < FHIRSTORE_OK || group == NULL
               ? status
               : add_stats_item(work, group, component, entity, part, time, counts);
}

static fhirstore_status take_panel_member(fhs_stats_work *work, fhs_str reference, unsigned depth);

/* Members are read when nothing of the panel is needed any more. */
static fhirstore_status take_panel_members(fhs_stats_work *work, const fhs_json *observation,
                                           unsigned depth)
{
    const fhs_json *members = stats_list(observation, FHS_LIT("hasMember"));
    fhs_str *texts = NULL;
    size_t count = 0;
    fhirstore_status status = FHIRSTORE_OK;
    if (members == NULL || depth == PANEL_DEPTH) {
        return FHIRSTORE_OK;
    }
    texts = fhs_arena_calloc(&work->kept, members->count, sizeof *texts);
    if (texts == NULL) {
        return fhs_fail_memory(work->err);
    }
    for (uint32_t i = 0; i < members->count && status >= FHIRSTORE_OK; i++) {
        fhs_str text;
        if (fhs_json_is(&members->items[i], FHS_JSON_OBJECT) &&
            fhs_json_get_string(&members->items[i], FHS_LIT("reference"), &text)) {
            texts[count] = fhs_arena_dup(&work->kept, text);
            status = texts[count++].ptr == NULL ? fhs_fail_memory(work->err) : FHIRSTORE_OK;
        }
    }
    for (size_t i = 0; i < count && status >= FHIRSTORE_OK; i++) {
        status = take_panel_member(work, texts[i], depth + 1);
    }
    return status;
}

static bool is_entered_in_error(const fhs_json *observation)
{
    fhs_str text;
    return fhs_json_get_string(observation, FHS_LIT("status"), &text) &&
           fhs_str_eq(text, FHS_LIT("entered-in-error"));
}

/* An Observation that matches, or that a panel names. */
static fhirstore_status take_observation(fhs_stats_work *work, fhs_entity entity, bool is_part,
                                         unsigned depth)
{
    const fhs_json *root = NULL;
    fhs_stats_group *group = NULL;
    bool is_asked = is_part;
    fhs_arena_reset(&work->scratch);
    fhirstore_status status = fhs_json_read(&work->scratch, fhs_buf_str(&work->body), NULL, &root,
                                            work->err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const int64_t time = fhs_observation_time(work->call->session->core, root);
    if (is_entered_in_error(root) || (work->has_period && (time < work->from || time > work->to))) {
        return FHIRSTORE_OK;
    }
    const fhs_json *concept = fhs_json_get(root, FHS_LIT("code"));
    const bool counts = fhs_json_get(root, FHS_LIT("modifierExtension")) == NULL;
    const fhs_json *components = stats_list(root, FHS_LIT("component"));
    for (size_t i = 0; i < work->asked_count && group == NULL; i++) {
        group = has_code_of(concept, &work->groups[i]) ? &work->groups[i] : NULL;
    }
    is_asked = is_asked || group != NULL;
    const bool is_panel = is_asked && fhs_json_get(root, FHS_LIT("valueQuantity")) == NULL &&
                          (components != NULL || stats_list(root, FHS_LIT("hasMember")) != NULL);
    if (group == NULL && is_part && !is_panel) {
        status = panel_part_group(work, concept, &group);
    }
    if (group != NULL && is_panel) {
        group->is_panel = true;
    } else if (group != NULL && status >= FHIRSTORE_OK) {
        status = add_stats_item(work, group, root, entity, 0, time, counts);
    }
    for (uint32_t i = 0; components != NULL && i < components->count && status >= FHIRSTORE_OK;
         i++) {
        status = take_stats_component(work, &components->items[i], entity, i + 1, time, is_panel,
                                      counts);
    }
    return status >= FHIRSTORE_OK && is_panel ? take_panel_members(work, root, depth) : status;
}

fhirstore_status fhs_stats_load(fhs_stats_work *work, fhs_version *version)
{
    fhs_buf_reset(&work->body);
    fhs_touch(work->call, version);
    fhirstore_status status = fhs_sight_take_body(work->call, work->call->type, version,
                                                  &work->body, work->err);
    return status >= FHIRSTORE_OK && fhs_buf_status(&work->body) != FHIRSTORE_OK
               ? fhs_fail_plain(work->err, fhs_buf_status(&work->body))
               : status;
}

static fhirstore_status take_panel_member(fhs_stats_work *work, fhs_str reference, unsigned depth)
{
    fhs_call *call = work->call;
    const fhs_core *core = call->session->core;
    fhs_reference to;
    fhs_version version;
    bool yes = false;
    int32_t type = fhs_catalog_type(core->catalog, call->type);
    if (!fhs_reference_parse(fhs_params_fhir(work->params), core->base_url, reference, &to) ||
        !to.is_local || to.type != call->type) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_resource_read(call->conn, type, to.id, &version, NULL);
    if (status == FHIRSTORE_ERR_NOT_FOUND || (status >= FHIRSTORE_OK && version.is_deleted)) {
        return FHIRSTORE_OK;
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_sight_judge(call, call->type, &version, FHS_STR_NONE, &yes, work->err);
    }
    if (status < FHIRSTORE_OK || !yes) {
        return status < FHIRSTORE_OK ? fhs_fail_plain(work->err, status) : FHIRSTORE_OK;
    }
    status = fhs_resource_read(call->conn, type, to.id, &version, work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_stats_load(work, &version);
    }
    return status >= FHIRSTORE_OK ? take_observation(work, version.entity, true, depth) : status;
}

/* All Observations of the subject that have one of the codes, themselves or in a component. */
static fhirstore_status open_stats_search(fhs_stats_work *work, fhs_search_env *env,
                                          fhs_search **out)
{
    const fhs_core *core = work->call->session->core;
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    fhs_query *query = NULL;
    const fhs_query_options options = {.fhir = fhs_params_fhir(work->params),
                                       .base_url = core->base_url,
                                       .now_us = fhs_core_now(core),
                                       .default_zone_minutes = core->default_zone_minutes};
    fhs_buf_add_cstr(&text, "subject=");
    fhs_url_encode(&text, work->subject);
    fhs_buf_add_cstr(&text, "&combo-code=");
    for (size_t i = 0; i < work->asked_count; i++) {
        fhs_buf_add_cstr(&text, i > 0 ? "," : "");
        fhs_operation_write_token(work->groups[i].system, work->groups[i].code, &text);
    }
    fhs_str kept = fhs_arena_dup(work->arena, fhs_buf_str(&text));
    fhirstore_status status = fhs_buf_status(&text);
    fhs_buf_clear(&text);
    if (status != FHIRSTORE_OK || kept.ptr == NULL) {
        return fhs_fail_memory(work->err);
    }
    status = fhs_query_parse(work->arena, &options, work->call->type, kept, &query, work->err);
    return status < FHIRSTORE_OK ? status
                                 : fhs_find_open(work->call, work->params, false, work->arena,
                                                 query, env, out, work->err);
}

static fhirstore_status gather_stats(fhs_stats_work *work)
{
    fhs_search_env env;
    fhs_search *search = NULL;
    fhs_version version;
    fhirstore_status status = open_stats_search(work, &env, &search);
    if (status >= FHIRSTORE_OK) {
        fhs_search_in_one_piece(search);
    }
    while (status >= FHIRSTORE_OK &&
           (status = fhs_search_next(search, &version, work->err)) == FHIRSTORE_OK) {
        status = fhs_stats_load(work, &version);
        if (status >= FHIRSTORE_OK) {
            status = take_observation(work, version.entity, false, 0);
        }
    }
    fhs_search_close(search);
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

static fhirstore_status run_stats(fhs_call *call, const fhs_operation *operation,
                                  fhs_answer *answer, fhirstore_error **err)
{
    fhs_stats_work *work = fhs_arena_calloc(call->arena, 1, sizeof *work);
    if (work == NULL) {
        return fhs_fail_memory(err);
    }
    *work = (fhs_stats_work){
        .call = call, .operation = operation, .arena = call->arena, .err = err};
    fhs_arena_init(&work->scratch, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhs_arena_init(&work->kept, STATS_TEXT_MAX);
    fhs_buf_init(&work->body, FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_call_params(call, &work->params, err);
    if (status >= FHIRSTORE_OK) {
        status = read_stats_ask(work);
    }
    if (status >= FHIRSTORE_OK) {
        status = gather_stats(work);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_stats_write(work, &answer->body);
    }
    for (size_t i = 0; i < work->group_count; i++) {
        fhs_free(work->groups[i].items);
    }
    fhs_buf_clear(&work->body);
    fhs_arena_clear(&work->kept);
    fhs_arena_clear(&work->scratch);
    return status;
}

const fhs_operation_def fhs_stats_operations[] = {
    {.name = FHS_LIT_INIT("stats"),
     .type = FHS_LIT_INIT("Observation"),
     .levels = FHS_ON_TYPE,
     .params = stats_params,
     .run = run_stats,
     .lists = stats_lists,
     .action = FHIRSTORE_ACTION_SEARCH},
};
const size_t fhs_stats_operation_count = FHS_COUNT_OF(fhs_stats_operations);
