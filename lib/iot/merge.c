/* SPDX-License-Identifier: Apache-2.0 */
/* A group into the Observation that is stored under its identifier. */
#include "base/decimal.h"
#include "base/limits.h"
#include "iot/observation.h"
#include "iot/sampled.h"

/* The stored Observation, and the texts of the members that change. */
typedef struct merge_work {
    fhs_iot_builder *builder;
    fhs_str text;
    const fhs_json *root;
    int64_t start; /* what it covers */
    int64_t end;
    int64_t new_start; /* … and will cover */
    int64_t new_end;
    fhs_json_edit edits[7];
    size_t edit_count;
} merge_work;

static bool merge_lacks_memory(fhs_iot_builder *builder)
{
    builder->kind = NULL;
    return false;
}

/* Replace a member by what @a value holds, which is emptied; false: no memory, or it failed. */
static bool edit_member(merge_work *work, const char *name, fhs_buf *value)
{
    fhs_str text = FHS_STR_NONE;
    if (fhs_buf_status(value) == FHIRSTORE_OK) {
        text = fhs_arena_dup(work->builder->arena, fhs_buf_str(value));
    }
    fhs_buf_clear(value);
    if (text.ptr == NULL) {
        return merge_lacks_memory(work->builder);
    }
    work->edits[work->edit_count++] = (fhs_json_edit){fhs_str_from_cstr(name), text};
    return true;
}

static void remove_member(merge_work *work, const char *name)
{
    work->edits[work->edit_count++] = (fhs_json_edit){fhs_str_from_cstr(name), FHS_STR_NONE};
}

/* ---- what it covers ---- */

static bool ticks_of(const fhs_json *value, int64_t *out)
{
    fhs_date date;
    int64_t hi;
    if (!fhs_json_is(value, FHS_JSON_STRING) ||
        !fhs_date_parse(value->text, FHS_DATE_FORM_DATETIME | FHS_DATE_FORM_DATE, &date)) {
        return false;
    }
    fhs_date_interval(&date, 0, out, &hi);
    return true;
}

static bool find_period(merge_work *work)
{
    const fhs_json *period = fhs_json_get(work->root, FHS_LIT("effectivePeriod"));
    const fhs_json *instant = fhs_json_get(work->root, FHS_LIT("effectiveDateTime"));
    const fhs_iot_group *group = work->builder->group;
    bool is_known;
    if (fhs_json_is(period, FHS_JSON_OBJECT)) {
        is_known = ticks_of(fhs_json_get(period, FHS_LIT("start")), &work->start) &&
                   ticks_of(fhs_json_get(period, FHS_LIT("end")), &work->end);
    } else {
        is_known = ticks_of(instant, &work->start);
        work->end = work->start;
    }
    if (!is_known) {
        return fhs_iot_build_fails(work->builder, FHS_IOT_NOT_SUPPORTED,
                                   "the stored Observation has no effective period or dateTime");
    }
    work->new_start = work->start < group->start ? work->start : group->start;
    work->new_end = work->end > group->end ? work->end : group->end;
    return true;
}

static bool edit_period(merge_work *work)
{
    fhs_buf text = FHS_BUF_INIT(256);
    const bool is_instant = work->new_start == work->new_end &&
                            work->builder->template->is_date_time;
    if (is_instant) {
        fhs_buf_add_char(&text, '"');
        fhs_iot_time_write(work->new_start, &text);
        fhs_buf_add_char(&text, '"');
    } else {
        fhs_iot_period_write(work->new_start, work->new_end, &text);
    }
    const char *gone = is_instant ? "effectivePeriod" : "effectiveDateTime";
    if (fhs_json_get(work->root, fhs_str_from_cstr(gone)) != NULL) {
        remove_member(work, gone);
    }
    return edit_member(work, is_instant ? "effectiveDateTime" : "effectivePeriod", &text);
}

static bool edit_categories(merge_work *work)
{
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_IOT_MAPPING_BYTES);
    if (work->builder->template->category_count == 0) {
        if (fhs_json_get(work->root, FHS_LIT("category")) != NULL) {
            remove_member(work, "category");
        }
        return true;
    }
    fhs_iot_categories_write(work->builder, &text);
    return edit_member(work, "category", &text);
}

/* ---- values ---- */

static bool is_same_period(fhs_str a, const fhs_json *stored)
{
    fhs_decimal x;
    fhs_decimal y;
    return fhs_json_is(stored, FHS_JSON_NUMBER) && fhs_decimal_parse(a, &x) &&
           fhs_decimal_parse(stored->text, &y) && fhs_decimal_compare(&x, &y) == 0;
}

static bool check_sampled(merge_work *work, const fhs_iot_value_spec *spec, const fhs_json *stored)
{
    const fhs_json *dimensions = fhs_json_get(stored, FHS_LIT("dimensions"));
    if (!fhs_json_is(stored, FHS_JSON_OBJECT) ||
        (fhs_json_is(dimensions, FHS_JSON_NUMBER) && !fhs_str_eq(dimensions->text, FHS_LIT("1")))) {
        return fhs_iot_build_fails(work->builder, FHS_IOT_NOT_SUPPORTED,
                                   "the stored SampledData has more than one dimension");
    }
    if ((work->builder->flags & FHS_IOT_STRICT) == 0 &&
        !is_same_period(spec->period, fhs_json_get(stored, FHS_LIT("period")))) {
        return fhs_iot_build_fails(work->builder, FHS_IOT_NOT_SUPPORTED,
                                   "the stored SampledData has another period than the mapping");
    }
    return true;
}

/* The samples of both. */
static bool merge_samples(merge_work *work, const fhs_iot_value_spec *spec, const fhs_json *stored,
                          fhs_iot_sample **out, size_t *count_out)
{
    fhs_iot_builder *builder = work->builder;
    const fhs_iot_series *series = fhs_iot_series_find(builder->group, spec->name);
    fhs_str data = FHS_STR_NONE;
    fhs_iot_sample *older;
    fhs_iot_sample *newer;
    size_t older_count;
    (void)fhs_json_get_string(stored, FHS_LIT("data"), &data);
    if (!fhs_iot_series_prepare(builder, spec, series, &newer)) {
        return false;
    }
    fhirstore_status status = fhs_iot_samples_decode(
        builder->arena, data, work->start, spec->period_ticks, &older, &older_count, NULL);
    if (status >= FHIRSTORE_OK) {
        status = fhs_iot_samples_merge(builder->arena, older, older_count, newer, series->count,
                                       out, count_out, NULL);
    }
    if (status == FHIRSTORE_ERR_LIMIT) {
        return fhs_iot_build_fails(builder, FHS_IOT_LIMIT_REACHED,
                                   "the stored SampledData reaches past the end of time");
    }
    return status >= FHIRSTORE_OK || merge_lacks_memory(builder);
}

/* Append @a stored (a SampledData) with both its samples and the group's. */
static bool write_merged_samples(merge_work *work, const fhs_iot_value_spec *spec,
                                 const fhs_json *stored, fhs_buf *out)
{
    fhs_iot_builder *builder = work->builder;
    fhs_iot_sample *samples;
    size_t count;
    builder->field = spec->name;
    if (!check_sampled(work, spec, stored) ||
        !fhs_iot_slots_fit(builder, work->new_start, work->new_end, spec->period_ticks) ||
        !merge_samples(work, spec, stored, &samples, &count)) {
        return false;
    }
    fhs_buf data = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf quoted = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_iot_samples_encode(samples, count, work->new_start, work->new_end, spec->period_ticks,
                           &data);
    fhs_json_write_string(&quoted, fhs_buf_str(&data));
    const bool ok = fhs_buf_status(&data) == FHIRSTORE_OK &&
                    fhs_buf_status(&quoted) == FHIRSTORE_OK;
    if (ok) {
        const fhs_json_edit edit = {FHS_LIT("data"), fhs_buf_str(&quoted)};
        fhs_json_write_edited(out, work->text, stored, &edit, 1);
    }
    fhs_buf_clear(&data);
    fhs_buf_clear(&quoted);
    return ok || merge_lacks_memory(builder);
}

/* Append the new value of an element that has @a stored under its member. */
static bool write_merged_value(merge_work *work, const fhs_iot_value_spec *spec,
                               const fhs_json *stored, fhs_buf *out)
{
    work->builder->field = spec->name;
    if (stored == NULL) {
        return fhs_iot_build_fails(work->builder, FHS_IOT_NOT_SUPPORTED,
                                   "the stored value is expected to be of type %s",
                                   fhs_iot_value_member(spec->type) + sizeof "value" - 1);
    }
    if (spec->type == FHS_IOT_VALUE_SAMPLED_DATA) {
        return write_merged_samples(work, spec, stored, out);
    }
    return fhs_iot_value_write(work->builder, spec, work->builder->group->start,
                               work->builder->group->end, out);
}

static bool edit_value(merge_work *work)
{
    const fhs_iot_fhir_template *template = work->builder->template;
    const char *name = fhs_iot_value_member(template->value.type);
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    if (!template->has_value || !fhs_iot_value_occurs(work->builder, &template->value)) {
        return true;
    }
    if (!write_merged_value(work, &template->value,
                            fhs_json_get(work->root, fhs_str_from_cstr(name)), &text)) {
        fhs_buf_clear(&text);
        return false;
    }
    return edit_member(work, name, &text);
}

/* ---- components ---- */

/* Whether a stored component is that of @a name: the engine's own coding tells. */
static bool is_component_of(const fhs_iot_builder *builder, const fhs_json *component, fhs_str name)
{
    const fhs_json *code = fhs_json_get(component, FHS_LIT("code"));
    const fhs_json *codings = fhs_json_get(code, FHS_LIT("coding"));
    for (uint32_t i = 0; fhs_json_is(codings, FHS_JSON_ARRAY) && i < codings->count; i++) {
        fhs_str system = FHS_STR_NONE;
        fhs_str own = FHS_STR_NONE;
        (void)fhs_json_get_string(&codings->items[i], FHS_LIT("system"), &system);
        (void)fhs_json_get_string(&codings->items[i], FHS_LIT("code"), &own);
        if (fhs_str_eq(system, builder->system) && fhs_str_eq(own, name)) {
            return true;
        }
    }
    return false;
}

/* The template's component that a stored one is of and that occurs in the group; NULL: none. */
static const fhs_iot_component *component_for(const merge_work *work, const fhs_json *stored,
                                              const bool *is_done)
{
    const fhs_iot_fhir_template *template = work->builder->template;
    for (uint32_t i = 0; i < template->component_count; i++) {
        const fhs_iot_component *component = &template->components[i];
        if (!is_done[i] && fhs_iot_value_occurs(work->builder, &component->value) &&
            is_component_of(work->builder, stored, component->value.name)) {
            return component;
        }
    }
    return NULL;
}

static bool write_stored_component(merge_work *work, const fhs_json *stored, bool *is_done,
                                   fhs_buf *out)
{
    const fhs_iot_component *component = component_for(work, stored, is_done);
    fhs_buf value = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    if (component == NULL) {
        fhs_json_write_compact(out, work->text, stored);
        return true;
    }
    is_done[component - work->builder->template->components] = true;
    const fhs_str name = fhs_str_from_cstr(fhs_iot_value_member(component->value.type));
    bool ok = write_merged_value(work, &component->value, fhs_json_get(stored, name), &value);
    if (ok && fhs_buf_status(&value) < FHIRSTORE_OK) {
        ok = merge_lacks_memory(work->builder);
    }
    if (ok) {
        const fhs_json_edit edit = {name, fhs_buf_str(&value)};
        fhs_json_write_edited(out, work->text, stored, &edit, 1);
    }
    fhs_buf_clear(&value);
    return ok;
}

/* What the Observation does not have yet is built over what it covered so far. */
static bool write_new_components(merge_work *work, const bool *is_done, bool is_begun, fhs_buf *out)
{
    const fhs_iot_fhir_template *template = work->builder->template;
    for (uint32_t i = 0; i < template->component_count; i++) {
        if (is_done[i] || !fhs_iot_value_occurs(work->builder, &template->components[i].value)) {
            continue;
        }
        if (is_begun) {
            fhs_buf_add_char(out, ',');
        }
        is_begun = true;
        if (!fhs_iot_component_write(work->builder, &template->components[i], work->start,
                                     work->end, out)) {
            return false;
        }
    }
    return true;
}

static bool write_merged_components(merge_work *work, const fhs_json *list, bool *is_done,
                                    fhs_buf *out)
{
    const uint32_t count = fhs_json_is(list, FHS_JSON_ARRAY) ? list->count : 0;
    fhs_buf_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) {
            fhs_buf_add_char(out, ',');
        }
        if (!write_stored_component(work, &list->items[i], is_done, out)) {
            return false;
        }
    }
    if (!write_new_components(work, is_done, count > 0, out)) {
        return false;
    }
    fhs_buf_add_char(out, ']');
    return true;
}

static bool edit_components(merge_work *work)
{
    const fhs_iot_fhir_template *template = work->builder->template;
    bool any = false;
    for (uint32_t i = 0; i < template->component_count; i++) {
        any = any || fhs_iot_value_occurs(work->builder, &template->components[i].value);
    }
    if (!any) {
        return true;
    }
    bool *is_done = fhs_arena_calloc(work->builder->arena, template->component_count, sizeof(bool));
    if (is_done == NULL) {
        return merge_lacks_memory(work->builder);
    }
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    if (!write_merged_components(work, fhs_json_get(work->root, FHS_LIT("component")), is_done,
                                 &text)) {
        fhs_buf_clear(&text);
        return false;
    }
    return edit_member(work, "component", &text);
}

/* ---- the whole ---- */

/* Whether the edits make another resource of it. */
static bool compare_edited(merge_work *work, bool *changed_out)
{
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    const fhs_json *root;
    fhs_json_write_edited(&text, work->text, work->root, work->edits, work->edit_count);
    bool ok = fhs_buf_status(&text) == FHIRSTORE_OK &&
              fhs_json_read(work->builder->arena, fhs_buf_str(&text), NULL, &root, NULL) ==
                  FHIRSTORE_OK;
    *changed_out = ok && !fhs_json_equal(work->root, root);
    fhs_buf_clear(&text);
    return ok || merge_lacks_memory(work->builder);
}

bool fhs_iot_observation_merge(fhs_iot_builder *builder, fhs_str text, const fhs_json *root,
                               fhs_buf *out, bool *changed_out)
{
    merge_work work = {.builder = builder, .text = text, .root = root};
    *changed_out = false;
    if (!find_period(&work) || !edit_value(&work) || !edit_components(&work) ||
        !edit_categories(&work) || !edit_period(&work) || !compare_edited(&work, changed_out)) {
        return false;
    }
    if (*changed_out) {
        work.edits[work.edit_count++] = (fhs_json_edit){FHS_LIT("status"), FHS_LIT("\"amended\"")};
        fhs_json_write_edited(out, text, root, work.edits, work.edit_count);
    }
    return true;
}
