/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/validation.h"

#include "base/limits.h"
#include "base/mem.h"
#include "validation/validation_internal.h"

/* What one object has shown so far of those elements of its type that need book-keeping. */
typedef struct seen_elements {
    uint64_t own;       /* bit n: element n of the type; choices and required ones only */
    uint64_t inherited; /* the same for its ancestors, of which one at most has such elements */
    size_t required;    /* how many different required ones */
    bool has_choice;
} seen_elements;

/*
 * False when the element is there already: a second type of a choice. No type has 64 elements, and
 * no two ancestors of a type have such elements: the tests walk the tables to see that.
 */
static inline bool mark_seen(seen_elements *seen, fhs_type type, const fhs_property *property)
{
    if ((property->flags & (FHS_ELEMENT_CHOICE | FHS_ELEMENT_REQUIRED)) == 0) {
        return true;
    }
    uint64_t *set = property->owner == type ? &seen->own : &seen->inherited;
    uint64_t bit = UINT64_C(1) << (property->element & 63);
    if ((*set & bit) != 0) {
        return false;
    }
    *set |= bit;
    seen->required += (property->flags & FHS_ELEMENT_REQUIRED) != 0;
    seen->has_choice |= (property->flags & FHS_ELEMENT_CHOICE) != 0;
    return true;
}

static void check_seen(fhs_check *check, const fhs_place *at, seen_elements *seen, fhs_type type)
{
    if (FHS_UNLIKELY(!mark_seen(seen, type, at->property))) {
        fhs_str name = fhs_element_at(check->fhir, at->property->owner, at->property->element).name;
        fhs_check_fault(check, at, "structure", "%.*s[x] has more than one type",
                        FHS_STR_ARG(name));
    }
}

static void report_missing(fhs_check *check, const fhs_place *at, const seen_elements *seen,
                           fhs_type type)
{
    for (fhs_type owner = type; owner != FHS_TYPE_NONE;
         owner = fhs_type_parent(check->fhir, owner)) {
        uint64_t set = owner == type ? seen->own : seen->inherited;
        size_t count = fhs_element_count(check->fhir, owner);
        for (size_t i = 0; i < count; i++) {
            fhs_element element = fhs_element_at(check->fhir, owner, i);
            if ((element.flags & FHS_ELEMENT_REQUIRED) != 0 && (set >> (i & 63) & 1) == 0) {
                fhs_str name = fhs_type_name(check->fhir, type);
                bool is_choice = (element.flags & FHS_ELEMENT_CHOICE) != 0;
                fhs_property property = {owner, (uint16_t)i, type, element.flags};
                fhs_place here = {at, &property, element.name, FHS_PLACE_SINGLE};
                fhs_check_fault(check, &here, "required", "%.*s.%.*s%s is required",
                                FHS_STR_ARG(name), FHS_STR_ARG(element.name),
                                is_choice ? "[x]" : "");
            }
        }
    }
}

static void report_unknown(fhs_check *check, const fhs_place *at, fhs_type type, const char *prefix)
{
    fhs_str name = fhs_place_name(at);
    fhs_str type_name = fhs_type_name(check->fhir, type);
    if (!check->is_lenient) {
        fhs_check_fault(check, at, "structure", "%.*s has no element %s%.*s",
                        FHS_STR_ARG(type_name), prefix, FHS_STR_ARG(name));
    }
}

static void check_resource(fhs_check *check, const fhs_place *at, fhs_type type,
                           const fhs_json *object);

static void check_value(fhs_check *check, const fhs_place *at, fhs_type type, const fhs_json *value)
{
    if (FHS_UNLIKELY(check->has_bindings)) {
        fhs_check_binding(check, at, type, value);
    }
    if (fhs_check_is_primitive(check, type)) {
        fhs_check_primitive(check, at, type, value);
        if (FHS_UNLIKELY(check->full != NULL)) {
            fhs_check_full(check, at, type, value);
        }
        return;
    }
    if (FHS_UNLIKELY(value->type != FHS_JSON_OBJECT)) {
        fhs_str name = fhs_place_name(at);
        fhs_str type_name = fhs_type_name(check->fhir, type);
        fhs_check_fault(check, at, "structure", "%.*s must be an object (%.*s)", FHS_STR_ARG(name),
                        FHS_STR_ARG(type_name));
    } else if (fhs_type_get_kind(check->fhir, type) == FHS_KIND_RESOURCE) {
        check_resource(check, at, type, value);
    } else {
        fhs_check_members(check, at, type, value, false);
        if (FHS_UNLIKELY(check->full != NULL)) {
            fhs_check_full(check, at, type, value);
        }
    }
}

static void check_items(fhs_check *check, fhs_place *at, const fhs_json *array,
                        const fhs_json *object)
{
    if (FHS_UNLIKELY(array->type != FHS_JSON_ARRAY || array->count == 0)) {
        fhs_str name = fhs_place_name(at);
        fhs_check_fault(check, at, "structure", "%.*s must be an array with items",
                        FHS_STR_ARG(name));
        return;
    }
    if (FHS_UNLIKELY(fhs_json_is_handed_out(array))) {
        return; /* each item was looked at when it was there */
    }
    bool has_null = false;
    for (uint32_t i = 0; i < array->count && !check->is_full; i++) {
        at->index = i;
        if (FHS_UNLIKELY(array->items[i].type == FHS_JSON_NULL)) {
            has_null = true;
        } else {
            check_value(check, at, at->property->type, &array->items[i]);
        }
    }
    if (FHS_UNLIKELY(has_null)) {
        fhs_check_nulls(check, at, array, object);
    }
}

/* The member @a at, which its type has, of @a object. */
static void check_element(fhs_check *check, fhs_place *at, const fhs_json *value,
                          const fhs_json *object)
{
    if ((at->property->flags & FHS_ELEMENT_LIST) != 0) {
        check_items(check, at, value, object);
    } else if (FHS_UNLIKELY(value->type == FHS_JSON_ARRAY || value->type == FHS_JSON_NULL)) {
        fhs_str name = fhs_place_name(at);
        fhs_check_fault(check, at, "structure", "%.*s must not be %s", FHS_STR_ARG(name),
                        value->type == FHS_JSON_NULL ? "null" : "an array");
    } else {
        check_value(check, at, at->property->type, value);
    }
}

/* A member whose name begins with "_". */
static void check_underscore(fhs_check *check, fhs_place *at, seen_elements *seen, fhs_type type,
                             const fhs_json *sibling, const fhs_json *object)
{
    fhs_property property;
    if (!fhs_property_find(check->fhir, type, at->name, &property) ||
        !fhs_check_is_primitive(check, property.type) ||
        (property.flags & FHS_ELEMENT_ATTRIBUTE) != 0) {
        report_unknown(check, at, type, "_");
        return;
    }
    const fhs_json *value = fhs_json_get(object, at->name);
    at->property = &property;
    if (value == NULL) {
        check_seen(check, at, seen, type);
    }
    fhs_check_sibling(check, at, sibling, value);
}

static void check_member(fhs_check *check, const fhs_place *up, seen_elements *seen, fhs_type type,
                         const fhs_json_member *member, const fhs_json *object)
{
    fhs_property property;
    fhs_place here = {up, NULL, member->name, FHS_PLACE_SINGLE};
    if (FHS_LIKELY(fhs_property_find(check->fhir, type, member->name, &property))) {
        here.property = &property;
        check_seen(check, &here, seen, type);
        check_element(check, &here, &member->value, object);
    } else if (member->name.len > 1 && member->name.ptr[0] == '_') {
        here.name = fhs_str_from(member->name, 1);
        check_underscore(check, &here, seen, type, &member->value, object);
    } else {
        report_unknown(check, &here, type, "");
    }
}

static void check_extension(fhs_check *check, const fhs_place *at, const seen_elements *seen,
                            const fhs_json *object)
{
    bool has_extension = fhs_json_get(object, FHS_LIT("extension")) != NULL;
    bool is_wrong = has_extension == seen->has_choice && (has_extension || !check->is_lenient);
    if (FHS_UNLIKELY(is_wrong)) {
        fhs_check_fault(check, at, "invalid", "an Extension has %s a value %s extensions",
                        has_extension ? "either" : "neither", has_extension ? "or" : "nor");
    }
}

void fhs_check_members(fhs_check *check, const fhs_place *at, fhs_type type, const fhs_json *object,
                       bool is_resource)
{
    seen_elements seen = {0, 0, 0, false};
    if (FHS_UNLIKELY(object->count == 0)) {
        fhs_str name = fhs_place_name(at);
        fhs_check_fault(check, at, "structure", "%.*s must not be empty", FHS_STR_ARG(name));
        return;
    }
    if (FHS_UNLIKELY(check->depth == FHS_LIMIT_JSON_DEPTH)) {
        fhs_check_fault(check, at, "structure", "the resource is nested too deeply");
        check->is_full = true;
        return;
    }
    check->depth++;
    for (uint32_t i = 0; i < object->count && !check->is_full; i++) {
        const fhs_json_member *member = &object->members[i];
        if (!is_resource || !fhs_str_eq(member->name, FHS_LIT("resourceType"))) {
            check_member(check, at, &seen, type, member, object);
        }
    }
    check->depth--;
    if (!check->is_lenient &&
        FHS_UNLIKELY(seen.required != fhs_element_required_count(check->fhir, type))) {
        report_missing(check, at, &seen, type);
    }
    if (type == check->extension) {
        check_extension(check, at, &seen, object);
    }
}

/* ---- resources ---- */

/* The type that an object says it is, if that may stand where @a wanted is; else FHS_TYPE_NONE. */
static fhs_type read_resource_type(fhs_check *check, const fhs_place *at, fhs_type wanted,
                                   const fhs_json *object)
{
    static const fhs_str member = FHS_LIT_INIT("resourceType");
    static const fhs_property known = {FHS_TYPE_NONE, 0, FHS_TYPE_NONE, 0};
    const fhs_place here = {at, &known, member, FHS_PLACE_SINGLE};
    const fhs_json *value = fhs_json_get(object, member);
    if (value == NULL) {
        fhs_check_fault(check, &here, "required", "resourceType is missing");
    } else if (value->type != FHS_JSON_STRING) {
        fhs_check_fault(check, &here, "structure", "resourceType must be a string");
    } else {
        fhs_type type = fhs_type_find(check->fhir, value->text);
        if (type != FHS_TYPE_NONE && fhs_type_is_resource(check->fhir, type) &&
            fhs_type_is_a(check->fhir, type, wanted)) {
            return type;
        }
        fhs_str version = fhs_fhir_version_name(check->fhir);
        fhs_check_fault(check, &here, "value", "resourceType is no resource type %s %.*s",
                        wanted == check->resource ? "of" : "allowed here by", FHS_STR_ARG(version));
    }
    return FHS_TYPE_NONE;
}

static bool is_contained(const fhs_place *at)
{
    return fhs_str_eq(at->name, FHS_LIT("contained"));
}

/* A resource inside another one: contained, in an entry, in a parameter. */
static void check_resource(fhs_check *check, const fhs_place *at, fhs_type type,
                           const fhs_json *object)
{
    fhs_type found = read_resource_type(check, at, type, object);
    if (found == FHS_TYPE_NONE) {
        return;
    }
    if (is_contained(at) && fhs_json_get(object, FHS_LIT("contained")) != NULL) {
        fhs_check_fault(check, at, "structure", "what is contained must not contain resources");
        return;
    }
    if (FHS_UNLIKELY(check->full != NULL)) {
        fhs_full_state outer = *check->state;
        check->state->resource = object;
        check->state->root = is_contained(at) ? outer.root : object;
        fhs_check_members(check, at, found, object, true);
        fhs_check_full(check, at, found, object);
        check->state->resource = outer.resource;
        check->state->root = outer.root;
        return;
    }
    fhs_check_members(check, at, found, object, true);
}

static void start_check(fhs_check *check, const fhs_fhir *fhir, fhs_validation_mode mode,
                        fhirstore_error **err)
{
    *check = (fhs_check){
        .fhir = fhir,
        .err = err,
        .status = FHIRSTORE_OK,
        .is_lenient = (mode & FHS_VALIDATION_LENIENT) != 0,
        .has_bindings = (mode & FHS_VALIDATION_BINDINGS) != 0,
        .has_integer64 = fhs_type_find(fhir, FHS_LIT("integer64")) != FHS_TYPE_NONE,
        .first_primitive = fhs_type_find(fhir, FHS_LIT("base64Binary")),
        .resource = fhs_type_find(fhir, FHS_LIT("Resource")),
        .extension = fhs_type_find(fhir, FHS_LIT("Extension")),
    };
    if (check->has_bindings) {
        check->codeable_concept = fhs_type_find(fhir, FHS_LIT("CodeableConcept"));
        check->coding = fhs_type_find(fhir, FHS_LIT("Coding"));
        check->quantity = fhs_type_find(fhir, FHS_LIT("Quantity"));
    }
}

static fhirstore_status check_root(fhs_check *check, fhs_validation_mode mode, const fhs_json *root,
                                   fhs_type *type_out)
{
    *type_out = FHS_TYPE_NONE;
    if (root->type != FHS_JSON_OBJECT) {
        check->status = fhs_fail(check->err, FHIRSTORE_ERR_INVALID_RESOURCE,
                                 "a resource must be a JSON object");
        fhs_error_code(check->err, "structure");
        return check->status;
    }
    *type_out = read_resource_type(check, NULL, check->resource, root);
    if (*type_out != FHS_TYPE_NONE && (mode & FHS_VALIDATION_OFF) == 0) {
        fhs_place at = {NULL, NULL, fhs_type_name(check->fhir, *type_out), FHS_PLACE_SINGLE};
        fhs_check_members(check, &at, *type_out, root, true);
        if (FHS_UNLIKELY(check->full != NULL)) {
            fhs_check_full(check, &at, *type_out, root);
        }
    }
    return check->status;
}

fhirstore_status fhs_validate_resource(const fhs_fhir *fhir, fhs_validation_mode mode,
                                       const fhs_json *root, fhs_type *type_out,
                                       fhirstore_error **err)
{
    fhs_check check;
    start_check(&check, fhir, mode, err);
    return check_root(&check, mode, root, type_out);
}

/* ---- with invariants and references ---- */

/* resolve() of an invariant: the Bundle at hand, then whoever knows more. */
static fhirstore_status resolve_in_check(void *ctx, fhs_str reference, const fhs_json **out,
                                         fhirstore_error **err)
{
    fhs_check *check = ctx;
    const fhs_full_check *full = check->full;
    *out = fhs_check_entry(check, reference);
    if (*out != NULL || full->resolve == NULL) {
        return FHIRSTORE_OK;
    }
    return full->resolve(full->ctx, reference, out, err);
}

static fhirstore_status member_in_check(void *ctx, fhs_str value_set, fhs_str system, fhs_str code,
                                        fhs_fp_answer *answer_out, fhirstore_error **err)
{
    const fhs_check *check = ctx;
    return fhs_validation_member_of(check->full->terms, value_set, system, code, answer_out, err);
}

static fhirstore_status subsumes_in_check(void *ctx, fhs_str system, fhs_str a, fhs_str b,
                                          fhs_fp_answer *answer_out, fhirstore_error **err)
{
    const fhs_check *check = ctx;
    return fhs_validation_subsumes(check->full->terms, system, a, b, answer_out, err);
}

static int64_t now_in_check(void *ctx)
{
    const fhs_check *check = ctx;
    return check->full->now_us(check->full->ctx);
}

/* The entries of a batch or transaction are on their way into the store; those of others are not.
 */
static bool is_to_be_executed(const fhs_json *root)
{
    fhs_str name;
    fhs_str kind;
    return fhs_json_is(root, FHS_JSON_OBJECT) &&
           fhs_json_get_string(root, FHS_LIT("resourceType"), &name) &&
           fhs_str_eq(name, FHS_LIT("Bundle")) &&
           fhs_json_get_string(root, FHS_LIT("type"), &kind) &&
           (fhs_str_eq(kind, FHS_LIT("transaction")) || fhs_str_eq(kind, FHS_LIT("batch")));
}

static void start_state(fhs_check *check, fhs_full_state *state, const fhs_json *root,
                        fhirstore_error **err)
{
    const fhs_full_check *full = check->full;
    *state = (fhs_full_state){
        .top = root,
        .resource = root,
        .root = root,
        .asks_entries = is_to_be_executed(root),
        .steps = full->max_steps > 0
                     ? full->max_steps
                     : FHS_LIMIT_VALIDATION_STEPS +
                           (uint64_t)FHS_LIMIT_VALIDATION_STEPS_BYTE * (root->end - root->begin),
        .hooks = {.ctx = check,
                  .resolve = resolve_in_check,
                  .member_of = full->terms == NULL ? NULL : member_in_check,
                  .subsumes = full->terms == NULL ? NULL : subsumes_in_check,
                  .now_us = full->now_us == NULL ? NULL : now_in_check},
        .err = err,
    };
}

static fhirstore_status run_full_check(fhs_check *check, const fhs_json *root, fhs_type *type_out,
                                       fhirstore_error **err)
{
    fhs_full_state state;
    check->state = &state;
    check->reference = fhs_type_find(check->fhir, FHS_LIT("Reference"));
    start_state(check, &state, root, err);
    fhirstore_status status = check_root(check, FHS_VALIDATION_ON, root, type_out);
    fhs_free(state.entries);
    if (status == FHIRSTORE_ERR_NO_MEMORY) {
        return fhs_fail_memory(err);
    }
    if (check->is_cut && check->err != NULL) {
        (void)fhs_error_report(check->err, FHS_SEVERITY_INFORMATION, "incomplete", FHS_STR_NONE,
                               "there are more issues than are listed");
    }
    return status;
}

fhirstore_status fhs_validate_fully(const fhs_fhir *fhir, const fhs_full_check *full,
                                    const fhs_json *root, fhs_type *type_out,
                                    fhirstore_error **report_out, fhirstore_error **err)
{
    fhs_check check;
    start_check(&check, fhir, FHS_VALIDATION_BINDINGS, report_out);
    check.full = full;
    return run_full_check(&check, root, type_out, err);
}

fhirstore_status fhs_validate_references(const fhs_fhir *fhir, const fhs_full_check *full,
                                         const fhs_json *root, fhirstore_error **report_out,
                                         fhirstore_error **err)
{
    fhs_check check;
    fhs_type type;
    start_check(&check, fhir, FHS_VALIDATION_ON, report_out);
    check.full = full;
    check.is_presence_only = true;
    return run_full_check(&check, root, &type, err);
}

/* ---- in pieces ---- */

/* Faults that were found in other pieces count. */
static void resume_check(fhs_check *check, const fhs_fhir *fhir, fhs_validation_mode mode,
                         fhirstore_error **err)
{
    start_check(check, fhir, mode, err);
    if (*err != NULL) {
        check->status = fhs_error_status(*err);
        check->is_full = fhs_error_issue_count(*err) >= FHS_LIMIT_ISSUES;
    }
}

void fhs_validate_item(const fhs_fhir *fhir, fhs_validation_mode mode, fhs_type type,
                       fhs_str member, uint32_t index, const fhs_json *item, fhirstore_error **err)
{
    fhs_check check;
    fhs_property property;
    resume_check(&check, fhir, mode, err);
    /* What is wrong with the member as such is told with the rest. */
    if (check.is_full || (mode & FHS_VALIDATION_OFF) != 0 ||
        !fhs_property_find(fhir, type, member, &property) ||
        (property.flags & FHS_ELEMENT_LIST) == 0) {
        return;
    }
    const fhs_place root = {NULL, NULL, fhs_type_name(fhir, type), FHS_PLACE_SINGLE};
    const fhs_place at = {&root, &property, member, index};
    check.depth = 1;
    if (item->type == FHS_JSON_NULL) {
        fhs_check_fault(&check, &at, "structure", "%.*s must not hold null", FHS_STR_ARG(member));
    } else {
        check_value(&check, &at, property.type, item);
    }
}

fhirstore_status fhs_validate_rest(const fhs_fhir *fhir, fhs_validation_mode mode,
                                   const fhs_json *root, fhs_type *type_out, fhirstore_error **err)
{
    fhs_check check;
    resume_check(&check, fhir, mode, err);
    return check_root(&check, mode, root, type_out);
}
