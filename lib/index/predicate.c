/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions, and what a reference points at. */
#include "fhir/reference.h"
#include "index/program.h"

typedef struct found_values {
    const fhs_json *items[FHS_FOUND_MAX];
    size_t count;
} found_values;

static void find_values(fhs_walk *walk, const fhs_pred *pred, const fhs_json *value,
                        found_values *out)
{
    if (pred->path == NULL) {
        out->items[0] = value;
        out->count = 1;
        return;
    }
    const fhs_json **found = walk->found;
    size_t count = walk->found_count;
    walk->found = out->items;
    walk->found_count = 0;
    fhs_walk_node(walk, pred->path, value);
    out->count = walk->found_count;
    walk->found = found;
    walk->found_count = count;
}

static bool literal_equals(const fhs_pred *pred, const fhs_json *value)
{
    switch (pred->literal_kind) {
    case FHS_FP_STRING:
        return value->type == FHS_JSON_STRING && fhs_str_eq(value->text, pred->literal);
    case FHS_FP_BOOLEAN:
        return value->type == (pred->literal.len == 4 ? FHS_JSON_TRUE : FHS_JSON_FALSE);
    default: {
        fhs_decimal a;
        fhs_decimal b;
        return value->type == FHS_JSON_NUMBER && fhs_decimal_parse(value->text, &a) &&
               fhs_decimal_parse(pred->literal, &b) && fhs_decimal_compare(&a, &b) == 0;
    }
    }
}

/* FHIRPath's truth tables over 1, 0 and -1 (empty). */
static int truth_and(int a, int b)
{
    if (a == 0 || b == 0) {
        return 0;
    }
    return a == 1 && b == 1 ? 1 : -1;
}

static int truth_or(int a, int b)
{
    if (a == 1 || b == 1) {
        return 1;
    }
    return a == 0 && b == 0 ? 0 : -1;
}

/* The contained resource that fragment @a text names, or the resource itself for "#". */
static const fhs_json *find_in_contained(const fhs_json *resource, fhs_str text)
{
    if (text.len == 1) {
        return resource;
    }
    return fhs_json_find(fhs_json_get(resource, FHS_LIT("contained")), FHS_LIT("id"),
                         fhs_str_from(text, 1));
}

static fhs_type resource_type_of(const fhs_fhir *fhir, const fhs_json *resource)
{
    if (!fhs_json_is(resource, FHS_JSON_OBJECT)) {
        return FHS_TYPE_NONE;
    }
    return fhs_type_find(fhir, fhs_member_text(resource, FHS_LIT("resourceType")));
}

/* The entry of a Bundle whose fullUrl is @a text. */
static fhs_type type_in_bundle(const fhs_fhir *fhir, const fhs_json *bundle, fhs_str text)
{
    const fhs_json *entries = fhs_json_get(bundle, FHS_LIT("entry"));
    if (!fhs_json_is(entries, FHS_JSON_ARRAY) || fhs_json_is_handed_out(entries)) {
        return FHS_TYPE_NONE; /* a Bundle's are not handed out where this is asked */
    }
    for (uint32_t i = 0; i < entries->count; i++) {
        const fhs_json *entry = &entries->items[i];
        if (entry->type == FHS_JSON_OBJECT &&
            fhs_str_eq(fhs_member_text(entry, FHS_LIT("fullUrl")), text)) {
            return resource_type_of(fhir, fhs_json_get(entry, FHS_LIT("resource")));
        }
    }
    return FHS_TYPE_NONE;
}

/* "…/Type/id", wherever it lives. */
static fhs_type type_in_url(const fhs_fhir *fhir, fhs_str url)
{
    size_t id_at = url.len;
    while (id_at > 0 && url.ptr[id_at - 1] != '/') {
        id_at--;
    }
    if (id_at < 2 || !fhs_id_is_valid(fhs_str_from(url, id_at))) {
        return FHS_TYPE_NONE;
    }
    size_t type_at = id_at - 1;
    while (type_at > 0 && url.ptr[type_at - 1] != '/') {
        type_at--;
    }
    fhs_type type = fhs_type_find(fhir, fhs_str_of(url.ptr + type_at, id_at - 1 - type_at));
    return type != FHS_TYPE_NONE && fhs_type_is_resource(fhir, type) ? type : FHS_TYPE_NONE;
}

/* Reference.type: "Patient", or the URL of its StructureDefinition. */
static fhs_type type_from_name(const fhs_fhir *fhir, fhs_str name)
{
    static const fhs_str prefix = FHS_LIT_INIT("http://hl7.org/fhir/StructureDefinition/");
    if (fhs_str_starts_with(name, prefix)) {
        name = fhs_str_from(name, prefix.len);
    }
    return name.len == 0 ? FHS_TYPE_NONE : fhs_type_find(fhir, name);
}

static fhs_type type_of_text(const fhs_fhir *fhir, const fhs_json *resource, fhs_str text)
{
    fhs_reference parsed;
    if (!fhs_reference_parse(fhir, FHS_STR_NONE, text, &parsed)) {
        return FHS_TYPE_NONE;
    }
    if (parsed.is_fragment) {
        return resource_type_of(fhir, find_in_contained(resource, text));
    }
    if (parsed.is_local) {
        return parsed.type;
    }
    fhs_type type = type_in_url(fhir, parsed.url);
    return type != FHS_TYPE_NONE ? type : type_in_bundle(fhir, resource, text);
}

fhs_type fhs_reference_target(const fhs_fhir *fhir, const fhs_json *resource,
                              const fhs_json *reference)
{
    if (reference->type == FHS_JSON_STRING) {
        return type_of_text(fhir, resource, reference->text);
    }
    if (reference->type != FHS_JSON_OBJECT) {
        return FHS_TYPE_NONE;
    }
    fhs_type type = type_of_text(fhir, resource, fhs_member_text(reference, FHS_LIT("reference")));
    return type != FHS_TYPE_NONE
               ? type
               : type_from_name(fhir, fhs_member_text(reference, FHS_LIT("type")));
}

static int resolves_to(fhs_walk *walk, const fhs_pred *pred, const found_values *values)
{
    if (values->count != 1) {
        return -1;
    }
    const fhs_fhir *fhir = walk->convert.fhir;
    fhs_type type = fhs_reference_target(fhir, walk->resource, values->items[0]);
    return type == FHS_TYPE_NONE ? -1 : fhs_type_is_a(fhir, type, pred->type);
}

static int values_hold(fhs_walk *walk, const fhs_pred *pred, const fhs_json *value)
{
    found_values values;
    find_values(walk, pred, pred->is_at_resource ? walk->resource : value, &values);
    if (pred->op == FHS_PRED_EXISTS) {
        return values.count > 0;
    }
    if (pred->op == FHS_PRED_RESOLVES) {
        return resolves_to(walk, pred, &values);
    }
    if (values.count == 0) {
        return -1;
    }
    bool is_equal = values.count == 1 &&
                    (pred->op == FHS_PRED_TRUTH ? values.items[0]->type == FHS_JSON_TRUE
                                                : literal_equals(pred, values.items[0]));
    return is_equal != (pred->op == FHS_PRED_NOT_EQUAL);
}

int fhs_pred_holds(fhs_walk *walk, const fhs_pred *pred, const fhs_json *value)
{
    switch (pred->op) {
    case FHS_PRED_AND:
        return truth_and(fhs_pred_holds(walk, pred->left, value),
                         fhs_pred_holds(walk, pred->right, value));
    case FHS_PRED_OR:
        return truth_or(fhs_pred_holds(walk, pred->left, value),
                        fhs_pred_holds(walk, pred->right, value));
    case FHS_PRED_NOT: {
        int holds = fhs_pred_holds(walk, pred->left, value);
        return holds == -1 ? -1 : !holds;
    }
    case FHS_PRED_POSITION:
        return walk->counters[pred->counter]++ == pred->number;
    case FHS_PRED_RESOURCE: {
        fhs_type type = resource_type_of(walk->convert.fhir, value);
        return type != FHS_TYPE_NONE && fhs_type_is_a(walk->convert.fhir, type, pred->type);
    }
    case FHS_PRED_URL:
        return value->type == FHS_JSON_OBJECT &&
               fhs_str_eq(fhs_member_text(value, FHS_LIT("url")), pred->literal);
    default:
        return values_hold(walk, pred, value);
    }
}
