/* SPDX-License-Identifier: Apache-2.0 */
/* Why a path finds nothing: the step that ends it, and what that step saw. */
#include "expression/path_internal.h"

/* Nodes that are looked at; more are told by number only up to here. */
#define LOOK_MAX 1000u

/* What a step was applied to. */
typedef struct step_input {
    uint32_t count;
    uint32_t objects;
    uint32_t arrays;
    uint32_t items; /* of all arrays */
    const fhs_json *first;
} step_input;

static step_input look_at_nodes(const fhs_expression_nodes *nodes)
{
    step_input input = {.count = nodes->count, .first = nodes->items[0]};
    for (uint32_t i = 0; i < nodes->count; i++) {
        bool is_array = nodes->items[i]->type == FHS_JSON_ARRAY;
        input.arrays += is_array;
        input.items += is_array ? nodes->items[i]->count : 0;
        input.objects += nodes->items[i]->type == FHS_JSON_OBJECT;
    }
    return input;
}

static void add_input(fhs_buf *out, const step_input *input)
{
    if (input->count == 1) {
        fhs_buf_add_cstr(out, fhs_expression_type_words(input->first));
    } else {
        fhs_buf_addf(out, "%s%u values", input->count == LOOK_MAX ? "at least " : "", input->count);
    }
}

static const char *explain_positions(const fhs_path_step *step, const step_input *input)
{
    if (input->arrays == 0) {
        return input->objects > 0 ? "an object has members, not items: name one, or write \".*\""
                                  : "only arrays have items";
    }
    if (input->items == 0) {
        return "no array there has items";
    }
    return step->kind == FHS_PATH_SLICE ? "the slice lies outside of the array"
                                        : "no array there is that long";
}

static const char *explain_fields(const step_input *input)
{
    if (input->objects > 0) {
        return "no object there has such a member";
    }
    return input->arrays > 0 ? "an array has items, not members: put \"[*]\" before it"
                             : "only objects have members";
}

static const char *explain_filter(const step_input *input)
{
    if (input->arrays == 0) {
        return input->objects > 0 ? "of an object a filter sees the members as such, not what is "
                                    "in them: write \"..\" before it"
                                  : "only arrays have items to test";
    }
    return input->items == 0 ? "no array there has items" : "no item there passes the filter";
}

static const char *explain_step(const fhs_path_step *step, const step_input *input)
{
    switch (step->kind) {
    case FHS_PATH_FIELDS:
        return explain_fields(input);
    case FHS_PATH_ALL_FIELDS:
        return input->arrays > 0 && input->objects == 0
                   ? "an array has items, not members: write \"[*]\""
                   : "no object there has members";
    case FHS_PATH_INDEXES:
    case FHS_PATH_ALL_ITEMS:
    case FHS_PATH_SLICE:
        return explain_positions(step, input);
    case FHS_PATH_FILTER:
        return explain_filter(input);
    case FHS_PATH_SCAN_FIELDS:
        return "no member at any depth has that name";
    default:
        return "nothing at any depth passes the filter";
    }
}

bool fhs_jsonpath_explain(const fhs_jsonpath *path, fhs_expression_run *run, const fhs_json *root,
                          fhs_buf *out)
{
    const fhs_path_step *last = NULL; /* to which something comes */
    fhs_expression_nodes nodes = {NULL, 0};
    size_t from = path->from;
    size_t begin = path->from;
    step_input input = {.count = 0};
    for (const fhs_path_step *step = path->steps; step != NULL; step = step->next) {
        if (fhs_path_select_before(path, step, run, root, LOOK_MAX, &nodes, NULL) != FHIRSTORE_OK) {
            return false;
        }
        if (nodes.count == 0) {
            break;
        }
        input = look_at_nodes(&nodes);
        last = step;
        begin = from;
        from = step->end;
    }
    if (last == NULL ||
        fhs_path_select_before(path, NULL, run, root, 1, &nodes, NULL) != FHIRSTORE_OK ||
        nodes.count > 0) {
        return false;
    }
    fhs_str before = fhs_str_of(path->text.ptr + path->from, begin - path->from);
    fhs_str step_text = fhs_str_of(path->text.ptr + begin, last->end - begin);
    fhs_buf_addf(out, "\"%s%.*s\" finds ", before.len == 0 || path->from > 0 ? "$" : "",
                 FHS_STR_ARG(before));
    add_input(out, &input);
    fhs_buf_addf(out, ", but \"%.*s\" finds nothing there: %s", FHS_STR_ARG(step_text),
                 explain_step(last, &input));
    return true;
}
