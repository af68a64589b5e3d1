/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What search parameters mean and FHIRPath says otherwise. `as` asks for one value and is an error
 * on more; here it is used on lists and means ofType(). A primitive type takes in those derived
 * from it (a canonical is a uri). R4 asks hasExtension(), which is no function. The text is changed
 * where the syntax tree says that these stand.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "fhirpath/ast.h"
#include "index/engine.h"

#define EDITS_MAX       512u
#define EDIT_ARENA_MAX  ((size_t)16 * 1024 * 1024)
#define EXPRESSION_DEEP 1024u
#define FILTER_TEXT_MAX ((size_t)64 * 1024)

/* Put `text` in the place of [begin, end). */
typedef struct text_edit {
    uint32_t begin, end;
    uint32_t order; /* of edits at one place, in which they were found */
    fhs_str text;
} text_edit;

typedef struct edit_list {
    const fhs_fhir *fhir;
    fhs_arena *arena;
    text_edit items[EDITS_MAX];
    uint32_t count;
    bool is_full;
} edit_list;

static void add_edit(edit_list *edits, uint32_t begin, uint32_t end, fhs_str text)
{
    if (edits->count == EDITS_MAX || text.ptr == NULL) {
        edits->is_full = true;
        return;
    }
    edits->items[edits->count] = (text_edit){begin, end, edits->count, text};
    edits->count++;
}

/*
 * "ofType(T)", or for a primitive with others derived from it "where($this is T or $this is S …)".
 * An empty view when memory is short.
 */
static fhs_str type_filter(const edit_list *edits, fhs_str space, fhs_str name)
{
    const fhs_fhir *fhir = edits->fhir;
    fhs_buf text = FHS_BUF_INIT(FILTER_TEXT_MAX);
    fhs_type type = fhs_type_find(fhir, name);
    size_t kinds = 0;
    if (type != FHS_TYPE_NONE && fhs_type_get_kind(fhir, type) == FHS_KIND_PRIMITIVE) {
        fhs_buf_add_cstr(&text, "where(");
        for (size_t i = 0; i < fhs_type_count(fhir); i++) {
            if (fhs_type_is_a(fhir, (fhs_type)i, type)) {
                fhs_buf_add_cstr(&text, kinds++ > 0 ? " or $this is " : "$this is ");
                fhs_buf_add_str(&text, fhs_type_name(fhir, (fhs_type)i));
            }
        }
    }
    if (kinds <= 1) {
        fhs_buf_reset(&text);
        fhs_buf_add_cstr(&text, "ofType(");
        fhs_buf_add_str(&text, space);
        fhs_buf_add_cstr(&text, space.len > 0 ? "." : "");
        fhs_buf_add_str(&text, name);
    }
    fhs_buf_add_char(&text, ')');
    fhs_str kept = fhs_buf_status(&text) == FHIRSTORE_OK
                       ? fhs_arena_dup(edits->arena, fhs_buf_str(&text))
                       : FHS_STR_NONE;
    fhs_buf_clear(&text);
    return kept;
}

static void edit_function(const fhs_fp_node *node, edit_list *edits)
{
    fhs_str space = FHS_STR_NONE;
    fhs_str name = FHS_STR_NONE;
    bool is_cast = fhs_str_eq(node->text, FHS_LIT("as")) ||
                   fhs_str_eq(node->text, FHS_LIT("ofType"));
    if (is_cast && node->arg_count == 1 &&
        fhs_fhirpath_type_specifier(node->args[0], &space, &name)) {
        add_edit(edits, node->at, node->end, type_filter(edits, space, name));
    } else if (node->arg_count == 1 && fhs_str_eq(node->text, FHS_LIT("hasExtension"))) {
        add_edit(edits, node->at, node->at + (uint32_t)node->text.len, FHS_LIT("extension"));
        add_edit(edits, node->end, node->end, FHS_LIT(".exists()"));
    }
}

static void find_edits(const fhs_fp_node *node, uint32_t depth, edit_list *edits)
{
    if (node == NULL || depth > EXPRESSION_DEEP) {
        edits->is_full = edits->is_full || node != NULL;
        return;
    }
    if (node->kind == FHS_FP_AS) {
        add_edit(edits, node->left->begin, node->left->begin, FHS_LIT("("));
        add_edit(edits, node->left->end, node->left->end, FHS_LIT(")."));
        add_edit(edits, node->left->end, node->end, type_filter(edits, node->unit, node->text));
    } else if (node->kind == FHS_FP_FUNCTION) {
        edit_function(node, edits);
    }
    find_edits(node->left, depth + 1, edits);
    find_edits(node->right, depth + 1, edits);
    for (uint32_t i = 0; i < node->arg_count; i++) {
        find_edits(node->args[i], depth + 1, edits);
    }
}

static int compare_edits(const void *a, const void *b)
{
    const text_edit *x = a;
    const text_edit *y = b;
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    return x->order < y->order ? -1 : 1;
}

static void apply_edits(fhs_str text, edit_list *edits, fhs_buf *out)
{
    uint32_t at = 0;
    qsort(edits->items, edits->count, sizeof *edits->items, compare_edits);
    for (uint32_t i = 0; i < edits->count; i++) {
        const text_edit *edit = &edits->items[i];
        fhs_buf_add(out, text.ptr + at, edit->begin - at);
        fhs_buf_add_str(out, edit->text);
        at = edit->end;
    }
    fhs_buf_add_str(out, fhs_str_from(text, at));
}

fhirstore_status fhs_engine_expression(const fhs_fhir *fhir, fhs_str expression, fhs_buf *out,
                                       fhirstore_error **err)
{
    fhs_arena arena;
    fhs_arena_init(&arena, EDIT_ARENA_MAX);
    const fhs_fp_node *root = NULL;
    edit_list *edits = fhs_arena_calloc(&arena, 1, sizeof *edits);
    fhirstore_status status = edits == NULL ? fhs_fail_memory(err)
                                            : fhs_fhirpath_parse(&arena, expression, &root, err);
    if (status == FHIRSTORE_OK) {
        edits->fhir = fhir;
        edits->arena = &arena;
        find_edits(root, 0, edits);
        if (edits->is_full) {
            status = fhs_fail(err, FHIRSTORE_ERR_LIMIT, "the expression asks for types too often");
        } else {
            apply_edits(expression, edits, out);
            status = fhs_buf_status(out);
        }
    }
    fhs_arena_clear(&arena);
    return status;
}
