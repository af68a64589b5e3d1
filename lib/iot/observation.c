/* SPDX-License-Identifier: Apache-2.0 */
/* A new Observation. */
#include "iot/observation.h"

#include "base/digest.h"
#include "base/instant.h"

void fhs_iot_id_of(fhs_str system, fhs_str value, char out[FHS_IOT_ID_LEN + 1])
{
    const fhs_str parts[] = {system, FHS_LIT("_"), value};
    fhs_sha256_hex(parts, FHS_COUNT_OF(parts), out);
}

void fhs_iot_identifier_write(const fhs_iot_builder *builder, fhs_buf *out)
{
    fhs_buf_add_str(out, builder->patient_id);
    fhs_buf_add_char(out, '.');
    fhs_buf_add_str(out, builder->device_id);
    fhs_buf_add_char(out, '.');
    fhs_buf_add_str(out, builder->group->first->type);
    fhs_buf_add_char(out, '.');
    fhs_buf_add_str(out, builder->group->segment);
}

/* ---- concepts ---- */

static void write_coding(const fhs_iot_code *code, bool is_first, fhs_buf *out)
{
    const struct {
        const char *name;
        fhs_str text;
    } members[] = {{"system", code->system}, {"code", code->code}, {"display", code->display}};
    fhs_buf_add_cstr(out, is_first ? "{" : ",{");
    bool is_begun = false;
    for (size_t i = 0; i < FHS_COUNT_OF(members); i++) {
        if (members[i].text.len > 0) {
            fhs_buf_add_cstr(out, is_begun ? ",\"" : "\"");
            fhs_buf_add_cstr(out, members[i].name);
            fhs_buf_add_cstr(out, "\":");
            fhs_json_write_string(out, members[i].text);
            is_begun = true;
        }
    }
    fhs_buf_add_char(out, '}');
}

void fhs_iot_concept_write(const fhs_iot_builder *builder, const fhs_iot_concept *concept,
                           fhs_str text, fhs_str own, fhs_buf *out)
{
    const bool has_coding = concept->count > 0 || own.len > 0;
    fhs_buf_add_char(out, '{');
    if (has_coding) {
        fhs_buf_add_cstr(out, "\"coding\":[");
        for (uint32_t i = 0; i < concept->count; i++) {
            write_coding(&concept->codes[i], i == 0, out);
        }
        if (own.len > 0) {
            const fhs_iot_code code = {own, builder->system, own};
            write_coding(&code, concept->count == 0, out);
        }
        fhs_buf_add_char(out, ']');
    }
    if (text.len > 0) {
        fhs_buf_add_cstr(out, has_coding ? ",\"text\":" : "\"text\":");
        fhs_json_write_string(out, text);
    }
    fhs_buf_add_char(out, '}');
}

void fhs_iot_categories_write(const fhs_iot_builder *builder, fhs_buf *out)
{
    const fhs_iot_fhir_template *template = builder->template;
    fhs_buf_add_char(out, '[');
    for (uint32_t i = 0; i < template->category_count; i++) {
        if (i > 0) {
            fhs_buf_add_char(out, ',');
        }
        fhs_iot_concept_write(builder, &template->categories[i], template->categories[i].text,
                              FHS_STR_NONE, out);
    }
    fhs_buf_add_char(out, ']');
}

/* ---- parts ---- */

void fhs_iot_period_write(int64_t start, int64_t end, fhs_buf *out)
{
    fhs_buf_add_cstr(out, "{\"start\":\"");
    fhs_iot_time_write(start, out);
    fhs_buf_add_cstr(out, "\",\"end\":\"");
    fhs_iot_time_write(end, out);
    fhs_buf_add_cstr(out, "\"}");
}

bool fhs_iot_component_write(fhs_iot_builder *builder, const fhs_iot_component *component,
                             int64_t start, int64_t end, fhs_buf *out)
{
    fhs_buf_add_cstr(out, "{\"code\":");
    fhs_iot_concept_write(builder, &component->code, component->value.name, component->value.name,
                          out);
    fhs_buf_addf(out, ",\"%s\":", fhs_iot_value_member(component->value.type));
    if (!fhs_iot_value_write(builder, &component->value, start, end, out)) {
        return false;
    }
    fhs_buf_add_char(out, '}');
    return true;
}

static void write_reference(const char *member, const char *type, fhs_str id, fhs_buf *out)
{
    fhs_buf_add_cstr(out, ",\"");
    fhs_buf_add_cstr(out, member);
    fhs_buf_add_cstr(out, "\":{\"reference\":\"");
    fhs_buf_add_cstr(out, type);
    fhs_buf_add_char(out, '/');
    fhs_buf_add_str(out, id);
    fhs_buf_add_cstr(out, "\"}");
}

static void write_profiles(const fhs_iot_fhir_template *template, fhs_buf *out)
{
    for (uint32_t i = 0; i < template->profile_count; i++) {
        fhs_buf_add_cstr(out, i == 0 ? ",\"meta\":{\"profile\":[" : ",");
        fhs_json_write_string(out, template->profiles[i]);
    }
    if (template->profile_count > 0) {
        fhs_buf_add_cstr(out, "]}");
    }
}

static void write_performers(const fhs_iot_builder *builder, fhs_buf *out)
{
    const fhs_iot_fhir_template *template = builder->template;
    for (uint32_t i = 0; i < template->performer_count; i++) {
        fhs_buf_add_cstr(out, i == 0 ? ",\"performer\":[{\"reference\":" : ",{\"reference\":");
        if (fhs_str_eq(template->performers[i], FHS_LIT("$patient"))) {
            fhs_buf_add_cstr(out, "\"Patient/");
            fhs_buf_add_str(out, builder->patient_id);
            fhs_buf_add_char(out, '"');
        } else {
            fhs_json_write_string(out, template->performers[i]);
        }
        fhs_buf_add_char(out, '}');
    }
    if (template->performer_count > 0) {
        fhs_buf_add_char(out, ']');
    }
}

/* Who, when, by whom: what stands between the code and the value. */
static void write_context(const fhs_iot_builder *builder, fhs_buf *out)
{
    const fhs_iot_group *group = builder->group;
    write_reference("subject", "Patient", builder->patient_id, out);
    if (builder->encounter_id.len > 0) {
        write_reference("encounter", "Encounter", builder->encounter_id, out);
    }
    if (builder->template->is_date_time) {
        fhs_buf_add_cstr(out, ",\"effectiveDateTime\":\"");
        fhs_iot_time_write(group->start, out);
        fhs_buf_add_char(out, '"');
    } else {
        fhs_buf_add_cstr(out, ",\"effectivePeriod\":");
        fhs_iot_period_write(group->start, group->end, out);
    }
    fhs_buf_add_cstr(out, ",\"issued\":\"");
    fhs_instant_write(builder->issued_us, out);
    fhs_buf_add_char(out, '"');
    write_performers(builder, out);
}

static bool write_values(fhs_iot_builder *builder, fhs_buf *out)
{
    const fhs_iot_fhir_template *template = builder->template;
    const fhs_iot_group *group = builder->group;
    if (template->has_value && fhs_iot_value_occurs(builder, &template->value)) {
        fhs_buf_addf(out, ",\"%s\":", fhs_iot_value_member(template->value.type));
        if (!fhs_iot_value_write(builder, &template->value, group->start, group->end, out)) {
            return false;
        }
    }
    if (template->has_body_site) {
        fhs_buf_add_cstr(out, ",\"bodySite\":");
        fhs_iot_concept_write(builder, &template->body_site, template->body_site.text, FHS_STR_NONE,
                              out);
    }
    if (template->has_method) {
        fhs_buf_add_cstr(out, ",\"method\":");
        fhs_iot_concept_write(builder, &template->method, template->method.text, FHS_STR_NONE, out);
    }
    return true;
}

static bool write_components(fhs_iot_builder *builder, fhs_buf *out)
{
    const fhs_iot_fhir_template *template = builder->template;
    const fhs_iot_group *group = builder->group;
    bool is_begun = false;
    for (uint32_t i = 0; i < template->component_count; i++) {
        if (!fhs_iot_value_occurs(builder, &template->components[i].value)) {
            continue;
        }
        fhs_buf_add_cstr(out, is_begun ? "," : ",\"component\":[");
        is_begun = true;
        if (!fhs_iot_component_write(builder, &template->components[i], group->start, group->end,
                                     out)) {
            return false;
        }
    }
    if (is_begun) {
        fhs_buf_add_char(out, ']');
    }
    return true;
}

bool fhs_iot_observation_write(fhs_iot_builder *builder, fhs_buf *out)
{
    const fhs_iot_fhir_template *template = builder->template;
    fhs_buf_add_cstr(out, "{\"resourceType\":\"Observation\",\"id\":");
    fhs_json_write_string(out, builder->id);
    write_profiles(template, out);
    fhs_buf_add_cstr(out, ",\"identifier\":[{\"system\":");
    fhs_json_write_string(out, builder->system);
    fhs_buf_add_cstr(out, ",\"value\":");
    fhs_json_write_string(out, builder->identifier);
    fhs_buf_add_cstr(out, "}],\"status\":\"final\"");
    if (template->category_count > 0) {
        fhs_buf_add_cstr(out, ",\"category\":");
        fhs_iot_categories_write(builder, out);
    }
    fhs_buf_add_cstr(out, ",\"code\":");
    fhs_iot_concept_write(builder, &template->code, builder->group->first->type,
                          builder->group->first->type, out);
    write_context(builder, out);
    if (!write_values(builder, out)) {
        return false;
    }
    write_reference("device", "Device", builder->device_id, out);
    if (!write_components(builder, out)) {
        return false;
    }
    fhs_buf_add_char(out, '}');
    return true;
}
