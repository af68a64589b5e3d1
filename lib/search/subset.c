/* SPDX-License-Identifier: Apache-2.0 */
/*
 * _summary and _elements: what is asked for of a resource, as it is written. Values are copied by
 * their place in the text, so nothing of them changes; what goes is whole members. A part of a
 * resource says so in meta.tag, lest somebody store it as if it were all.
 */
#include "base/limits.h"
#include "search/search_internal.h"
#include "json/json.h"

#define SUBSETTED_SYSTEM "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
#define SUBSETTED_TAG    "{\"system\":\"" SUBSETTED_SYSTEM "\",\"code\":\"SUBSETTED\"}"

typedef struct subset_writer {
    const fhs_fhir *fhir;
    const fhs_query *query;
    fhs_str source;
    fhs_buf *out;
} subset_writer;

typedef enum subset_part {
    SUBSET_NOTHING,
    SUBSET_WHOLE,
    SUBSET_SUMMARY, /* of its own elements those that are marked */
} subset_part;

static bool write_summary(subset_writer *writer, fhs_type type, const fhs_json *value,
                          uint32_t depth);

bool fhs_subset_is_wanted(const fhs_query *query)
{
    return query->element_count > 0 ||
           (query->summary != FHS_SUMMARY_FALSE && query->summary != FHS_SUMMARY_COUNT);
}

/* ---- what stays ---- */

/* "value" and "value[x]" name every form of a choice, "valueQuantity" only that one. */
static bool is_asked_for(const subset_writer *writer, fhs_str member, const fhs_property *property)
{
    const fhs_query *query = writer->query;
    fhs_str name = fhs_element_at(writer->fhir, property->owner, property->element).name;
    for (size_t i = 0; i < query->element_count; i++) {
        fhs_str wanted = query->elements[i];
        if ((property->flags & FHS_ELEMENT_CHOICE) != 0 &&
            fhs_str_ends_with(wanted, FHS_LIT("[x]"))) {
            wanted = fhs_str_of(wanted.ptr, wanted.len - 3);
        }
        if (fhs_str_eq(wanted, name) || fhs_str_eq(wanted, member)) {
            return true;
        }
    }
    return false;
}

/* "_birthDate" goes where birthDate goes. */
static fhs_str without_underscore(fhs_str name)
{
    return name.len > 0 && name.ptr[0] == '_' ? fhs_str_from(name, 1) : name;
}

static bool is_in_summary(const fhs_property *property)
{
    /* Not every modifier is marked, but none may be left out without changing what is said. */
    return (property->flags & (FHS_ELEMENT_SUMMARY | FHS_ELEMENT_MODIFIER)) != 0;
}

/* The part that a member of a resource keeps; meta has its own way. */
static subset_part part_of(const subset_writer *writer, fhs_type type, fhs_str member,
                           fhs_type *type_out)
{
    fhs_property property;
    fhs_str name = without_underscore(member);
    const bool is_text = fhs_str_eq(name, FHS_LIT("text"));
    *type_out = FHS_TYPE_NONE;
    if (writer->query->summary == FHS_SUMMARY_DATA) {
        return is_text ? SUBSET_NOTHING : SUBSET_WHOLE;
    }
    if (fhs_str_eq(name, FHS_LIT("resourceType")) || fhs_str_eq(name, FHS_LIT("id"))) {
        return SUBSET_WHOLE;
    }
    if (type == FHS_TYPE_NONE || !fhs_property_find(writer->fhir, type, name, &property)) {
        return SUBSET_NOTHING;
    }
    bool is_kept = (property.flags & FHS_ELEMENT_REQUIRED) != 0;
    if (writer->query->summary == FHS_SUMMARY_TRUE) {
        *type_out = name.len == member.len ? property.type : FHS_TYPE_NONE;
        return is_in_summary(&property) ? SUBSET_SUMMARY : SUBSET_NOTHING;
    }
    if (writer->query->summary == FHS_SUMMARY_TEXT) {
        return is_kept || is_text ? SUBSET_WHOLE : SUBSET_NOTHING;
    }
    is_kept = is_kept || (property.flags & FHS_ELEMENT_MODIFIER) != 0 ||
              is_asked_for(writer, name, &property);
    return is_kept ? SUBSET_WHOLE : SUBSET_NOTHING;
}

/* ---- writing ---- */

/* Take back what was appended behind @a mark. */
static void cut_back(fhs_buf *out, size_t mark)
{
    if (fhs_buf_status(out) == FHIRSTORE_OK && out->ptr != NULL) {
        out->len = mark;
        out->ptr[mark] = '\0';
    }
}

static void copy_range(subset_writer *writer, uint32_t begin, uint32_t end)
{
    fhs_buf_add(writer->out, writer->source.ptr + begin, end - begin);
}

static void write_name(subset_writer *writer, bool *is_first, fhs_str name)
{
    fhs_buf_add_cstr(writer->out, *is_first ? "" : ",");
    fhs_json_write_string(writer->out, name);
    fhs_buf_add_char(writer->out, ':');
    *is_first = false;
}

static bool is_subsetted(const fhs_json *tags)
{
    for (uint32_t i = 0; i < tags->count; i++) {
        fhs_str system;
        fhs_str code;
        if (fhs_json_is(&tags->items[i], FHS_JSON_OBJECT) &&
            fhs_json_get_string(&tags->items[i], FHS_LIT("system"), &system) &&
            fhs_json_get_string(&tags->items[i], FHS_LIT("code"), &code) &&
            fhs_str_eq(system, FHS_LIT(SUBSETTED_SYSTEM)) &&
            fhs_str_eq(code, FHS_LIT("SUBSETTED"))) {
            return true;
        }
    }
    return false;
}

/* @a tags NULL or of a wrong kind: there were none. */
static void write_tags(subset_writer *writer, const fhs_json *tags)
{
    fhs_buf *out = writer->out;
    if (tags == NULL || tags->type != FHS_JSON_ARRAY || tags->count == 0) {
        fhs_buf_add_cstr(out, "[" SUBSETTED_TAG "]");
    } else if (is_subsetted(tags)) {
        copy_range(writer, tags->begin, tags->end);
    } else {
        copy_range(writer, tags->begin, tags->end - 1);
        fhs_buf_add_cstr(out, "," SUBSETTED_TAG "]");
    }
}

/* The whole of meta, with the tag. */
static void write_meta(subset_writer *writer, const fhs_json *meta)
{
    bool is_first = true;
    bool has_tag = false;
    fhs_buf_add_char(writer->out, '{');
    const uint32_t count = meta != NULL && meta->type == FHS_JSON_OBJECT ? meta->count : 0;
    for (uint32_t i = 0; i < count; i++) {
        const fhs_json_member *member = &meta->members[i];
        write_name(writer, &is_first, member->name);
        if (fhs_str_eq(member->name, FHS_LIT("tag"))) {
            write_tags(writer, &member->value);
            has_tag = true;
        } else {
            copy_range(writer, member->value.begin, member->value.end);
        }
    }
    if (!has_tag) {
        write_name(writer, &is_first, FHS_LIT("tag"));
        write_tags(writer, NULL);
    }
    fhs_buf_add_char(writer->out, '}');
}

/* One member with the part that stays of it; a part without content is left out. */
static void write_part(subset_writer *writer, subset_part part, fhs_type type,
                       const fhs_json_member *member, uint32_t depth, bool *is_first)
{
    size_t mark = writer->out->len;
    bool was_first = *is_first;
    if (part == SUBSET_NOTHING) {
        return;
    }
    write_name(writer, is_first, member->name);
    if (part == SUBSET_WHOLE) {
        copy_range(writer, member->value.begin, member->value.end);
    } else if (!write_summary(writer, type, &member->value, depth)) {
        cut_back(writer->out, mark);
        *is_first = was_first;
    }
}

static void write_resource(subset_writer *writer, const fhs_json *resource, uint32_t depth)
{
    fhs_str name = FHS_STR_NONE;
    bool is_first = true;
    const fhs_json *meta = fhs_json_get(resource, FHS_LIT("meta"));
    (void)fhs_json_get_string(resource, FHS_LIT("resourceType"), &name);
    fhs_type type = fhs_type_find(writer->fhir, name);
    fhs_buf_add_char(writer->out, '{');
    for (uint32_t i = 0; i < resource->count; i++) {
        const fhs_json_member *member = &resource->members[i];
        fhs_type inner = FHS_TYPE_NONE;
        if (&member->value == meta) {
            write_name(writer, &is_first, member->name);
            write_meta(writer, meta);
            continue;
        }
        subset_part part = part_of(writer, type, member->name, &inner);
        write_part(writer, part, inner, member, depth, &is_first);
        if (meta == NULL && fhs_str_eq(member->name, FHS_LIT("resourceType"))) {
            write_name(writer, &is_first, FHS_LIT("meta"));
            write_meta(writer, NULL);
        }
    }
    fhs_buf_add_char(writer->out, '}');
}

/* ---- _summary=true, below the top ---- */

static bool write_summary_items(subset_writer *writer, fhs_type type, const fhs_json *array,
                                uint32_t depth)
{
    bool is_any = false;
    fhs_buf_add_char(writer->out, '[');
    for (uint32_t i = 0; i < array->count; i++) {
        size_t mark = writer->out->len;
        fhs_buf_add_cstr(writer->out, is_any ? "," : "");
        if (write_summary(writer, type, &array->items[i], depth)) {
            is_any = true;
        } else {
            cut_back(writer->out, mark);
        }
    }
    fhs_buf_add_char(writer->out, ']');
    return is_any;
}

static bool write_summary_members(subset_writer *writer, fhs_type type, const fhs_json *object,
                                  uint32_t depth)
{
    bool is_first = true;
    fhs_buf_add_char(writer->out, '{');
    for (uint32_t i = 0; i < object->count; i++) {
        const fhs_json_member *member = &object->members[i];
        fhs_str name = without_underscore(member->name);
        fhs_property property;
        if (fhs_property_find(writer->fhir, type, name, &property) && is_in_summary(&property)) {
            bool is_sibling = name.len < member->name.len;
            write_part(writer, SUBSET_SUMMARY, is_sibling ? FHS_TYPE_NONE : property.type, member,
                       depth, &is_first);
        }
    }
    fhs_buf_add_char(writer->out, '}');
    return !is_first;
}

/* Whether values of @a type have elements that are marked one by one. */
static bool has_marks(const subset_writer *writer, fhs_type type)
{
    if (type == FHS_TYPE_NONE) {
        return false;
    }
    fhs_type_kind kind = fhs_type_get_kind(writer->fhir, type);
    /* Nothing of an extension is marked: one that stays stays whole. */
    return (kind == FHS_KIND_COMPLEX || kind == FHS_KIND_BACKBONE) &&
           !fhs_str_eq(fhs_type_name(writer->fhir, type), FHS_LIT("Extension"));
}

/* Append what stays of a value of @a type; false: nothing, and what was appended is to be cut. */
static bool write_summary(subset_writer *writer, fhs_type type, const fhs_json *value,
                          uint32_t depth)
{
    if (depth >= FHS_LIMIT_JSON_DEPTH) {
        writer->out->failed = FHIRSTORE_ERR_LIMIT;
        return false;
    }
    if (fhs_json_is(value, FHS_JSON_ARRAY)) {
        return write_summary_items(writer, type, value, depth + 1);
    }
    if (fhs_json_is(value, FHS_JSON_OBJECT) && type != FHS_TYPE_NONE) {
        if (fhs_type_get_kind(writer->fhir, type) == FHS_KIND_RESOURCE) {
            write_resource(writer, value, depth + 1);
            return true;
        }
        if (has_marks(writer, type)) {
            return write_summary_members(writer, type, value, depth + 1);
        }
    }
    copy_range(writer, value->begin, value->end);
    return true;
}

fhirstore_status fhs_subset_write(const fhs_fhir *fhir, const fhs_query *query, fhs_str body,
                                  fhs_arena *arena, fhs_buf *out, fhirstore_error **err)
{
    const fhs_json_limits limits = {.max_bytes = FHS_LIMIT_RESOURCE_BYTES};
    const fhs_json *root = NULL;
    subset_writer writer = {.fhir = fhir, .query = query, .source = body, .out = out};
    fhirstore_status status = fhs_json_read(arena, body, &limits, &root, err);
    if (status == FHIRSTORE_OK) {
        write_resource(&writer, root, 0);
        status = fhs_buf_status(out);
        if (status != FHIRSTORE_OK) {
            (void)fhs_fail_plain(err, status);
        }
    }
    fhs_arena_reset(arena);
    return status;
}
