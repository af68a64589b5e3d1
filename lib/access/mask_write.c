/* SPDX-License-Identifier: Apache-2.0 */
/* A resource without what is hidden of it. Values are copied by their place in the text. */
#include "access/mask.h"
#include "base/limits.h"

#define TAG_SYSTEM "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
#define TAG_TEXT   "{\"system\":\"" TAG_SYSTEM "\",\"code\":\"SUBSETTED\"}"
#define ABSENT_URL "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
#define ABSENT     "{\"extension\":[{\"url\":\"" ABSENT_URL "\",\"valueCode\":\"masked\"}]}"

typedef struct mask_writer {
    const fhs_masks *masks;
    fhs_arena *arena;
    fhs_str source;
    fhs_buf *out;
    bool has_tag; /* the root says that it is not all */
} mask_writer;

static bool put_object(mask_writer *writer, fhs_type type, const fhs_json *object,
                       const fhs_mask_paths *paths, uint32_t depth);

/* ---- what is looked for ---- */

static fhs_type masked_type_of(const fhs_masks *masks, const fhs_json *object)
{
    fhs_str name;
    fhs_type type = fhs_json_get_string(object, FHS_LIT("resourceType"), &name)
                        ? fhs_type_find(masks->fhir, name)
                        : FHS_TYPE_NONE;
    return type != FHS_TYPE_NONE && fhs_type_is_resource(masks->fhir, type) ? type : FHS_TYPE_NONE;
}

static fhs_mask_paths paths_of_resource(const fhs_masks *masks, fhs_type type)
{
    const fhs_mask *mask = type == FHS_TYPE_NONE ? NULL : masks->of(masks->ctx, type);
    return mask == NULL ? (fhs_mask_paths){NULL, 0}
                        : (fhs_mask_paths){mask->hide, mask->hide_count};
}

/* Resources stand in others where they are contained, and in Bundle and Parameters. */
static bool holds_resources(const fhs_masks *masks, fhs_type type, fhs_str body)
{
    fhs_str name = fhs_type_name(masks->fhir, type);
    return fhs_str_eq(name, FHS_LIT("Bundle")) || fhs_str_eq(name, FHS_LIT("Parameters")) ||
           fhs_str_find(body, FHS_LIT("\"contained\"")) < body.len;
}

bool fhs_masks_may_apply(const fhs_masks *masks, fhs_type type, fhs_str body)
{
    return type != FHS_TYPE_NONE &&
           (paths_of_resource(masks, type).count > 0 || holds_resources(masks, type, body));
}

/* Whether anything in the tree is of a type with hidden elements. */
static bool is_masked(const fhs_masks *masks, const fhs_json *value, uint32_t depth)
{
    if (value->type == FHS_JSON_OBJECT) {
        if (paths_of_resource(masks, masked_type_of(masks, value)).count > 0) {
            return true;
        }
        for (uint32_t i = 0; i < value->count && depth < FHS_LIMIT_JSON_DEPTH; i++) {
            if (is_masked(masks, &value->members[i].value, depth + 1)) {
                return true;
            }
        }
    }
    for (uint32_t i = 0;
         value->type == FHS_JSON_ARRAY && i < value->count && depth < FHS_LIMIT_JSON_DEPTH; i++) {
        if (is_masked(masks, &value->items[i], depth + 1)) {
            return true;
        }
    }
    return false;
}

bool fhs_mask_is_any(const fhs_masks *masks, const fhs_json *root)
{
    return is_masked(masks, root, 0);
}

bool fhs_mask_is_subsetted(const fhs_json *tag)
{
    fhs_str system;
    fhs_str code;
    return fhs_json_is(tag, FHS_JSON_OBJECT) &&
           fhs_json_get_string(tag, FHS_LIT("system"), &system) &&
           fhs_json_get_string(tag, FHS_LIT("code"), &code) &&
           fhs_str_eq(system, FHS_LIT(TAG_SYSTEM)) && fhs_str_eq(code, FHS_LIT("SUBSETTED"));
}

bool fhs_mask_is_placeholder(const fhs_json *value)
{
    fhs_str text;
    if (fhs_json_is(value, FHS_JSON_ARRAY) && value->count == 1) {
        value = &value->items[0];
    }
    const fhs_json *extensions = fhs_json_is(value, FHS_JSON_OBJECT) && value->count == 1
                                     ? fhs_json_get(value, FHS_LIT("extension"))
                                     : NULL;
    if (!fhs_json_is(extensions, FHS_JSON_ARRAY) || extensions->count != 1) {
        return false;
    }
    const fhs_json *extension = &extensions->items[0];
    return fhs_json_is(extension, FHS_JSON_OBJECT) && extension->count == 2 &&
           fhs_json_get_string(extension, FHS_LIT("url"), &text) &&
           fhs_str_eq(text, FHS_LIT(ABSENT_URL)) &&
           fhs_json_get_string(extension, FHS_LIT("valueCode"), &text) &&
           fhs_str_eq(text, FHS_LIT("masked"));
}

/* ---- writing ---- */

static void put_range(mask_writer *writer, const fhs_json *value)
{
    fhs_buf_add(writer->out, writer->source.ptr + value->begin, value->end - value->begin);
}

static void put_member_name(mask_writer *writer, bool *is_first, fhs_str name)
{
    fhs_buf_add_cstr(writer->out, *is_first ? "" : ",");
    fhs_json_write_string(writer->out, name);
    fhs_buf_add_char(writer->out, ':');
    *is_first = false;
}

/* Take back what was appended behind @a mark. */
static void take_back(fhs_buf *out, size_t mark)
{
    if (fhs_buf_status(out) == FHIRSTORE_OK && out->ptr != NULL) {
        out->len = mark;
        out->ptr[mark] = '\0';
    }
}

/* False: nothing is left. */
static bool put_value(mask_writer *writer, fhs_type type, const fhs_json *value,
                      const fhs_mask_paths *paths, uint32_t depth)
{
    if (depth > FHS_LIMIT_JSON_DEPTH) {
        writer->out->failed = FHIRSTORE_ERR_LIMIT;
        return false;
    }
    if (value->type == FHS_JSON_OBJECT) {
        fhs_type own = masked_type_of(writer->masks, value);
        const fhs_mask_paths of_type = paths_of_resource(writer->masks, own);
        return own == FHS_TYPE_NONE ? put_object(writer, type, value, paths, depth)
                                    : put_object(writer, own, value, &of_type, depth);
    }
    if (value->type != FHS_JSON_ARRAY) {
        put_range(writer, value);
        return true;
    }
    bool is_empty = true;
    fhs_buf_add_char(writer->out, '[');
    for (uint32_t i = 0; i < value->count; i++) {
        const size_t mark = writer->out->len;
        fhs_buf_add_cstr(writer->out, is_empty ? "" : ",");
        if (put_value(writer, type, &value->items[i], paths, depth + 1)) {
            is_empty = false;
        } else {
            take_back(writer->out, mark);
        }
    }
    fhs_buf_add_char(writer->out, ']');
    return !is_empty || value->count == 0;
}

/* "value" of type Quantity is called "valueQuantity". */
static void put_placeholder(mask_writer *writer, fhs_str name, const fhs_property *property,
                            const fhs_element *element, bool *is_first)
{
    const fhs_fhir *fhir = writer->masks->fhir;
    const bool is_choice = (element->flags & FHS_ELEMENT_CHOICE) != 0 && element->type_count > 0;
    const fhs_type type = is_choice ? element->types[0] : property->type;
    const bool is_primitive = fhs_type_get_kind(fhir, type) == FHS_KIND_PRIMITIVE;
    const bool is_list = (element->flags & FHS_ELEMENT_LIST) != 0;
    fhs_buf text = FHS_BUF_INIT(1024);
    fhs_buf_add_cstr(&text, is_primitive ? "_" : "");
    fhs_buf_add_str(&text, name);
    if (is_choice) {
        fhs_str form = fhs_type_name(fhir, type);
        fhs_buf_add_char(&text, (char)(form.ptr[0] >= 'a' ? form.ptr[0] - 'a' + 'A' : form.ptr[0]));
        fhs_buf_add_str(&text, fhs_str_from(form, 1));
    }
    put_member_name(writer, is_first, fhs_buf_str(&text));
    fhs_buf_addf(writer->out, "%s" ABSENT "%s", is_list ? "[" : "", is_list ? "]" : "");
    if (fhs_buf_status(&text) < FHIRSTORE_OK) {
        writer->out->failed = fhs_buf_status(&text);
    }
    fhs_buf_clear(&text);
}

static fhs_str without_choice_mark(fhs_str name)
{
    return fhs_str_ends_with(name, FHS_LIT("[x]")) ? fhs_str_of(name.ptr, name.len - 3) : name;
}

/* Two roles may hide the same, each in its way. */
static bool is_named_before(const fhs_mask_paths *paths, size_t index, fhs_str name)
{
    for (size_t i = 0; i < index; i++) {
        if (fhs_str_eq(without_choice_mark(paths->items[i]), name)) {
            return true;
        }
    }
    return false;
}

/* Elements that must be there say that they are masked, whether there was a value or none. */
static void put_placeholders(mask_writer *writer, fhs_type type, const fhs_mask_paths *paths,
                             bool *is_first)
{
    const fhs_fhir *fhir = writer->masks->fhir;
    for (size_t i = 0; i < paths->count; i++) {
        const fhs_str name = without_choice_mark(paths->items[i]);
        fhs_property property = {.type = FHS_TYPE_NONE};
        fhs_element element;
        if (!is_named_before(paths, i, name) &&
            fhs_element_find(fhir, type, name, &element, NULL) &&
            (element.flags & FHS_ELEMENT_REQUIRED) != 0 &&
            (fhs_property_find(fhir, type, name, &property) ||
             (element.flags & FHS_ELEMENT_CHOICE) != 0)) {
            put_placeholder(writer, name, &property, &element, is_first);
        }
    }
}

/*
 * Whether a member is hidden as a whole; else *inner_out is what is hidden of it. Without the
 * memory to tell, all of it is, and the writing fails.
 */
static bool is_hidden(mask_writer *writer, fhs_type type, const fhs_mask_paths *paths, fhs_str name,
                      fhs_mask_paths *inner_out)
{
    bool whole;
    const fhirstore_status status = fhs_mask_select(writer->arena, writer->masks->fhir, type, paths,
                                                    name, &whole, inner_out);
    if (status != FHIRSTORE_OK) {
        writer->out->failed = status;
    }
    return whole || status != FHIRSTORE_OK;
}

static void put_tags(mask_writer *writer, const fhs_json *tags)
{
    bool has_one = false;
    const uint32_t count = fhs_json_is(tags, FHS_JSON_ARRAY) ? tags->count : 0;
    fhs_buf_add_char(writer->out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (!fhs_mask_is_subsetted(&tags->items[i])) {
            fhs_buf_add_cstr(writer->out, has_one ? "," : "");
            put_range(writer, &tags->items[i]);
            has_one = true;
        }
    }
    fhs_buf_add_cstr(writer->out, has_one ? "," TAG_TEXT "]" : TAG_TEXT "]");
}

/* meta of the root: what is seen of it, and the tag. @a meta NULL: there is none. */
static void put_meta(mask_writer *writer, fhs_type type, const fhs_json *meta,
                     const fhs_mask_paths *paths)
{
    bool is_first = true;
    const fhs_json *tags = NULL;
    /* cppcheck-suppress nullPointer ; NULL is no object */
    const uint32_t count = fhs_json_is(meta, FHS_JSON_OBJECT) ? meta->count : 0;
    fhs_buf_add_char(writer->out, '{');
    for (uint32_t i = 0; i < count; i++) {
        const fhs_json_member *member = &meta->members[i];
        fhs_mask_paths inner;
        if (is_hidden(writer, type, paths, member->name, &inner)) {
            continue;
        }
        if (fhs_str_eq(member->name, FHS_LIT("tag"))) {
            tags = &member->value;
            continue;
        }
        put_member_name(writer, &is_first, member->name);
        put_range(writer, &member->value);
    }
    put_member_name(writer, &is_first, FHS_LIT("tag"));
    put_tags(writer, tags);
    fhs_buf_add_char(writer->out, '}');
}

/* One member of an object, as far as it is seen. */
static void put_member(mask_writer *writer, fhs_type type, const fhs_json_member *member,
                       const fhs_mask_paths *paths, bool *is_first, uint32_t depth)
{
    const fhs_fhir *fhir = writer->masks->fhir;
    fhs_mask_paths inner;
    fhs_property property = {.type = FHS_TYPE_NONE};
    if (is_hidden(writer, type, paths, member->name, &inner)) {
        return;
    }
    const size_t mark = writer->out->len;
    const bool was_first = *is_first;
    const bool is_known = type != FHS_TYPE_NONE &&
                          fhs_property_find(fhir, type, member->name, &property);
    put_member_name(writer, is_first, member->name);
    if (depth == 0 && writer->has_tag && fhs_str_eq(member->name, FHS_LIT("meta"))) {
        put_meta(writer, property.type, &member->value, &inner);
    } else if (!put_value(writer, is_known ? property.type : FHS_TYPE_NONE, &member->value, &inner,
                          depth + 1)) {
        take_back(writer->out, mark);
        *is_first = was_first;
    }
}

static bool put_object(mask_writer *writer, fhs_type type, const fhs_json *object,
                       const fhs_mask_paths *paths, uint32_t depth)
{
    bool is_first = true;
    fhs_buf_add_char(writer->out, '{');
    for (uint32_t i = 0; i < object->count; i++) {
        put_member(writer, type, &object->members[i], paths, &is_first, depth);
    }
    if (type != FHS_TYPE_NONE) {
        put_placeholders(writer, type, paths, &is_first);
    }
    if (depth == 0 && writer->has_tag && fhs_json_get(object, FHS_LIT("meta")) == NULL) {
        const fhs_mask_paths nothing = {NULL, 0};
        put_member_name(writer, &is_first, FHS_LIT("meta"));
        put_meta(writer, FHS_TYPE_NONE, NULL, &nothing);
    }
    fhs_buf_add_char(writer->out, '}');
    return !is_first || object->count == 0;
}

fhirstore_status fhs_mask_write(const fhs_masks *masks, fhs_arena *arena, fhs_str body,
                                fhs_buf *out, fhirstore_error **err)
{
    const fhs_json_limits limits = {.max_bytes = FHS_LIMIT_RESOURCE_BYTES};
    const fhs_json *root = NULL;
    fhirstore_status status = fhs_json_read(arena, body, &limits, &root, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (!fhs_json_is(root, FHS_JSON_OBJECT) || !is_masked(masks, root, 0)) {
        fhs_buf_add_str(out, body);
    } else {
        mask_writer writer = {masks, arena, body, out, true};
        const fhs_type type = masked_type_of(masks, root);
        const fhs_mask_paths paths = paths_of_resource(masks, type);
        (void)put_object(&writer, type, root, &paths, 0);
    }
    status = fhs_buf_status(out);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : status;
}

bool fhs_mask_write_value(const fhs_masks *masks, fhs_arena *arena, fhs_type type, fhs_str source,
                          const fhs_json *value, const fhs_mask_paths *paths, fhs_buf *out)
{
    mask_writer writer = {masks, arena, source, out, false};
    return put_value(&writer, type, value, paths, 1);
}
