/* SPDX-License-Identifier: Apache-2.0 */
/* $meta, $meta-add, $meta-delete: profiles, tags and security labels. */
#include <stdlib.h>

#include "interact/find.h"
#include "interact/interact.h"
#include "interact/patch.h"
#include "interact/sight.h"
#include "operation/operation.h"
#include "search/labels.h"

static const fhs_str no_params[] = {FHS_LIT_INIT("")};
static const fhs_str meta_params[] = {FHS_LIT_INIT("meta"), FHS_LIT_INIT("")};

/* The kinds of labels, in the order in which an answer has them. */
static const fhs_str label_names[] = {FHS_LIT_INIT("profile"), FHS_LIT_INIT("security"),
                                      FHS_LIT_INIT("tag")};
static const fhs_str profile_extras = FHS_LIT_INIT("_profile");
#define LABEL_KINDS   3u
#define PROFILE_LABEL 0u

/* ---- what a label is ---- */

static fhs_str coding_part(const fhs_json *coding, fhs_str name)
{
    fhs_str text;
    return fhs_json_get_string(coding, name, &text) ? text : FHS_STR_NONE;
}

static bool is_label(size_t kind, const fhs_json *item)
{
    return fhs_json_is(item, kind == PROFILE_LABEL ? FHS_JSON_STRING : FHS_JSON_OBJECT);
}

/* System and code say which it is; version and display do not. */
static bool is_same_label(size_t kind, const fhs_json *a, const fhs_json *b)
{
    if (!is_label(kind, a) || !is_label(kind, b)) {
        return false;
    }
    if (kind == PROFILE_LABEL) {
        return fhs_str_eq(a->text, b->text);
    }
    return fhs_str_eq(coding_part(a, FHS_LIT("system")), coding_part(b, FHS_LIT("system"))) &&
           fhs_str_eq(coding_part(a, FHS_LIT("code")), coding_part(b, FHS_LIT("code")));
}

static const fhs_json *labels_of(const fhs_json *meta, size_t kind)
{
    const fhs_json *list = fhs_json_is(meta, FHS_JSON_OBJECT)
                               ? fhs_json_get(meta, label_names[kind])
                               : NULL;
    return fhs_json_is(list, FHS_JSON_ARRAY) ? list : NULL;
}

static bool has_label(const fhs_json *list, size_t kind, const fhs_json *item)
{
    for (uint32_t i = 0; list != NULL && i < list->count; i++) {
        if (is_same_label(kind, &list->items[i], item)) {
            return true;
        }
    }
    return false;
}

/* ---- $meta of a resource or a version ---- */

static void write_return(fhs_buf *out, fhs_str source, const fhs_json *meta)
{
    fhs_buf_add_cstr(out, "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"return\","
                          "\"valueMeta\":");
    if (meta == NULL) {
        fhs_buf_add_cstr(out, "{}");
    } else {
        fhs_json_write_compact(out, source, meta);
    }
    fhs_buf_add_cstr(out, "}]}");
}

/* In the place of a resource its meta. */
static fhirstore_status answer_meta(fhs_call *call, fhs_answer *answer, fhirstore_error **err)
{
    const fhs_json *root = NULL;
    fhs_buf out = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    const fhs_str body = fhs_buf_str(&answer->body);
    fhirstore_status status = fhs_json_read(call->arena, body, NULL, &root, err);
    if (status >= FHIRSTORE_OK) {
        write_return(&out, body, fhs_json_get(root, FHS_LIT("meta")));
        status = fhs_buf_status(&out);
        if (status == FHIRSTORE_OK) {
            fhs_buf_reset(&answer->body);
            fhs_buf_add_buf(&answer->body, &out);
            answer->id_len = 0; /* the answer is not what lies at that address */
        } else {
            (void)fhs_fail_plain(err, status);
        }
    }
    fhs_buf_clear(&out);
    return status;
}

/* Reading is asked for and recorded as what it is. */
static fhirstore_status run_meta(fhs_call *call, const fhs_operation *operation, fhs_answer *answer,
                                 fhirstore_error **err)
{
    fhirstore_status status = fhs_interact_read_in(call, call->type, call->id,
                                                   operation->route->version, NULL, answer, err);
    return status >= FHIRSTORE_OK ? answer_meta(call, answer, err) : status;
}

/* ---- $meta of a type, of the store ---- */

/* A label in use, as the first resource that has it writes it. */
typedef struct label_found {
    size_t kind;
    fhs_str key;
    fhs_str text;
} label_found;

typedef struct label_set {
    fhs_call *call;
    const fhs_search_env *env;
    label_found *items;
    size_t count;
    size_t capacity;
    fhs_arena kept;
    fhs_arena scratch;
    fhs_buf body;
    fhirstore_error **err;
} label_set;

static int compare_found(const void *a, const void *b)
{
    const label_found *x = a;
    const label_found *y = b;
    if (x->kind != y->kind) {
        return x->kind < y->kind ? -1 : 1;
    }
    int order = fhs_str_compare(x->key, y->key);
    return order != 0 ? order : fhs_str_compare(x->text, y->text);
}

/* The last of each is kept: room is made by those that were met again. */
static void drop_repeated_labels(label_set *set)
{
    size_t kept = 0;
    if (set->count > 0) {
        qsort(set->items, set->count, sizeof *set->items, compare_found);
    }
    for (size_t i = 0; i < set->count; i++) {
        if (kept == 0 || set->items[kept - 1].kind != set->items[i].kind ||
            !fhs_str_eq(set->items[kept - 1].key, set->items[i].key)) {
            set->items[kept++] = set->items[i];
        }
    }
    set->count = kept;
}

static bool grow_labels(label_set *set)
{
    drop_repeated_labels(set);
    if (set->capacity > 0 && set->count < set->capacity / 2) {
        return true;
    }
    size_t capacity = set->capacity == 0 ? 64 : set->capacity * 2;
    label_found *grown = fhs_arena_calloc(&set->kept, capacity, sizeof *grown);
    for (size_t i = 0; grown != NULL && i < set->count; i++) {
        grown[i] = set->items[i];
    }
    set->items = grown == NULL ? set->items : grown;
    set->capacity = grown == NULL ? set->capacity : capacity;
    return grown != NULL;
}

static fhirstore_status add_label(label_set *set, size_t kind, const fhs_json *item, fhs_str source)
{
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf key = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_json_write_compact(&text, source, item);
    if (kind == PROFILE_LABEL) {
        fhs_buf_add_str(&key, item->text);
    } else {
        fhs_buf_add_str(&key, coding_part(item, FHS_LIT("system")));
        fhs_buf_add_char(&key, '|');
        fhs_buf_add_str(&key, coding_part(item, FHS_LIT("code")));
    }
    const label_found label = {kind, fhs_arena_dup(&set->kept, fhs_buf_str(&key)),
                               fhs_arena_dup(&set->kept, fhs_buf_str(&text))};
    bool failed = fhs_buf_status(&text) != FHIRSTORE_OK || fhs_buf_status(&key) != FHIRSTORE_OK ||
                  label.key.ptr == NULL || label.text.ptr == NULL ||
                  (set->count == set->capacity && !grow_labels(set));
    fhs_buf_clear(&text);
    fhs_buf_clear(&key);
    if (failed) {
        return fhs_fail_memory(set->err);
    }
    set->items[set->count++] = label;
    return FHIRSTORE_OK;
}

/* All labels of one resource: each of them may be shown. */
static fhirstore_status take_labels(void *ctx, fhs_version *version)
{
    label_set *set = ctx;
    const fhs_json *root = NULL;
    fhs_arena_reset(&set->scratch);
    fhs_buf_reset(&set->body);
    fhirstore_status status = fhs_resource_take_body(set->call->conn, version, &set->body,
                                                     set->err);
    const fhs_type type = fhs_catalog_type_back(set->call->session->core->catalog, version->type);
    const fhs_mask *mask = fhs_sight_mask(set->call, type);
    if (status == FHIRSTORE_OK && mask != NULL && fhs_mask_hides(mask, FHS_LIT("meta"))) {
        status = fhs_sight_cut(set->call, type, &set->body, set->err);
    }
    const fhs_str body = fhs_buf_str(&set->body);
    if (status == FHIRSTORE_OK && fhs_buf_status(&set->body) != FHIRSTORE_OK) {
        status = fhs_fail_plain(set->err, fhs_buf_status(&set->body));
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_json_read(&set->scratch, body, NULL, &root, set->err);
    }
    const fhs_json *meta = status == FHIRSTORE_OK ? fhs_json_get(root, FHS_LIT("meta")) : NULL;
    for (size_t kind = 0; kind < LABEL_KINDS && status == FHIRSTORE_OK; kind++) {
        const fhs_json *list = labels_of(meta, kind);
        for (uint32_t i = 0; list != NULL && i < list->count && status == FHIRSTORE_OK; i++) {
            if (is_label(kind, &list->items[i])) {
                status = add_label(set, kind, &list->items[i], body);
            }
        }
    }
    return status;
}

static fhirstore_status labels_of_type(label_set *set, fhs_type type)
{
    fhs_call *call = set->call;
    fhs_search_env env = *set->env;
    if (fhs_catalog_type(call->session->core->catalog, type) == 0 || !fhs_call_sees(call, type)) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_sight_node(call, type, &env.restriction, set->err);
    return status < FHIRSTORE_OK
               ? status
               : fhs_labels_each(call->conn, &env, type, take_labels, set, set->err);
}

static void write_labels(const label_set *set, fhs_buf *out)
{
    fhs_buf_add_cstr(out, "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"return\","
                          "\"valueMeta\":{");
    for (size_t i = 0; i < set->count; i++) {
        bool is_first = i == 0 || set->items[i].kind != set->items[i - 1].kind;
        if (is_first) {
            fhs_buf_addf(out, "%s\"%.*s\":[", i == 0 ? "" : "],",
                         FHS_STR_ARG(label_names[set->items[i].kind]));
        }
        fhs_buf_add_cstr(out, is_first ? "" : ",");
        fhs_buf_add_str(out, set->items[i].text);
    }
    fhs_buf_add_cstr(out, set->count > 0 ? "]}}]}" : "}}]}");
}

static fhirstore_status run_meta_of_many(fhs_call *call, const fhs_operation *operation,
                                         fhs_answer *answer, fhirstore_error **err)
{
    fhs_params *params = NULL;
    label_set set = {.call = call, .err = err};
    fhirstore_status status = fhs_call_params(call, &params, err);
    (void)operation;
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const fhs_fhir *fhir = fhs_params_fhir(params);
    const fhs_search_env env = fhs_find_env(call, params, false);
    set.env = &env;
    fhs_arena_init(&set.kept, FHS_LIMIT_RESOURCE_BYTES);
    fhs_arena_init(&set.scratch, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&set.body, FHS_LIMIT_RESOURCE_BYTES);
    if (call->type != FHS_TYPE_NONE) {
        status = labels_of_type(&set, call->type);
    }
    for (size_t i = 0;
         call->type == FHS_TYPE_NONE && i < fhs_type_count(fhir) && status >= FHIRSTORE_OK; i++) {
        if (fhs_type_is_resource(fhir, (fhs_type)i)) {
            status = labels_of_type(&set, (fhs_type)i);
        }
    }
    if (status >= FHIRSTORE_OK) {
        drop_repeated_labels(&set);
        call->count = (int64_t)set.count;
        write_labels(&set, &answer->body);
    }
    fhs_buf_clear(&set.body);
    fhs_arena_clear(&set.scratch);
    fhs_arena_clear(&set.kept);
    return status;
}

/* ---- $meta-add, $meta-delete ---- */

typedef struct meta_change {
    fhs_call *call;
    const fhs_json *given; /* a Meta … */
    fhs_str source;        /* … and the text it was read from */
    bool deletes;
} meta_change;

static fhirstore_status check_given(const fhs_json *meta, fhirstore_error **err)
{
    for (size_t kind = 0; kind < LABEL_KINDS; kind++) {
        const fhs_json *list = fhs_json_get(meta, label_names[kind]);
        bool is_good = list == NULL || (list->type == FHS_JSON_ARRAY && list->count > 0 &&
                                        list->count <= FHS_LIMIT_QUERY_VALUES);
        for (uint32_t i = 0; list != NULL && is_good && i < list->count; i++) {
            const fhs_json *item = &list->items[i];
            is_good = is_label(kind, item) &&
                      (kind == PROFILE_LABEL || coding_part(item, FHS_LIT("system")).len +
                                                        coding_part(item, FHS_LIT("code")).len >
                                                    0);
        }
        if (!is_good) {
            return fhs_argument_fail(meta_params[0],
                                     "expects a Meta with lists of profiles, tags and security "
                                     "labels",
                                     err);
        }
    }
    return FHIRSTORE_OK;
}

static void add_list_item(fhs_buf *out, fhs_str source, const fhs_json *item)
{
    fhs_buf_add_cstr(out, out->len > 0 ? "," : "[");
    fhs_json_write_compact(out, source, item);
}

/* The list as it is to be; empty: there is none any more. */
static void change_list(const meta_change *change, size_t kind, const fhs_json *meta,
                        fhs_str old_text, fhs_buf *out)
{
    const fhs_json *old = labels_of(meta, kind);
    const fhs_json *given = labels_of(change->given, kind);
    for (uint32_t i = 0; old != NULL && i < old->count; i++) {
        if (!change->deletes || !has_label(given, kind, &old->items[i])) {
            add_list_item(out, old_text, &old->items[i]);
        }
    }
    for (uint32_t i = 0; !change->deletes && given != NULL && i < given->count; i++) {
        /* What is given twice is added once. */
        fhs_json before = *given;
        before.count = i;
        if (!has_label(old, kind, &given->items[i]) &&
            !has_label(&before, kind, &given->items[i])) {
            add_list_item(out, change->source, &given->items[i]);
        }
    }
    fhs_buf_add_cstr(out, out->len > 0 ? "]" : "");
}

/* Extensions of profiles stand beside them, place by place. */
static void change_extras(const meta_change *change, const fhs_json *meta, fhs_str old_text,
                          fhs_buf *out)
{
    const fhs_json *extras = fhs_json_get(meta, profile_extras);
    const fhs_json *old = labels_of(meta, PROFILE_LABEL);
    const fhs_json *given = labels_of(change->given, PROFILE_LABEL);
    bool any = false;
    for (uint32_t i = 0; old != NULL && i < extras->count && i < old->count; i++) {
        if (!change->deletes || !has_label(given, PROFILE_LABEL, &old->items[i])) {
            any = any || extras->items[i].type != FHS_JSON_NULL;
            add_list_item(out, old_text, &extras->items[i]);
        }
    }
    if (any) {
        fhs_buf_add_char(out, ']');
    } else {
        fhs_buf_reset(out);
    }
}

static void write_changed(const meta_change *change, const fhs_json *root, fhs_str old_text,
                          fhs_buf lists[], fhs_buf *meta_out, fhs_buf *out)
{
    const fhs_json *meta = fhs_json_get(root, FHS_LIT("meta"));
    fhs_json_edit edits[LABEL_KINDS + 1];
    size_t count = 0;
    for (size_t kind = 0; kind < LABEL_KINDS; kind++) {
        change_list(change, kind, meta, old_text, &lists[kind]);
        if (labels_of(change->given, kind) != NULL) {
            edits[count++] = (fhs_json_edit){
                label_names[kind], lists[kind].len > 0 ? fhs_buf_str(&lists[kind]) : FHS_STR_NONE};
        }
    }
    if (fhs_json_is(fhs_json_get(meta, profile_extras), FHS_JSON_ARRAY) && change->deletes) {
        change_extras(change, meta, old_text, &lists[LABEL_KINDS]);
        edits[count++] = (fhs_json_edit){profile_extras, lists[LABEL_KINDS].len > 0
                                                             ? fhs_buf_str(&lists[LABEL_KINDS])
                                                             : FHS_STR_NONE};
    }
    fhs_json_write_edited(meta_out, old_text, meta, edits, count);
    const fhs_json_edit edit = {FHS_LIT("meta"), fhs_buf_str(meta_out)};
    fhs_json_write_edited(out, old_text, root, &edit, 1);
}

static fhirstore_status rewrite_meta(void *ctx, fhs_str old_text, fhs_buf *new_text,
                                     fhirstore_error **err)
{
    const meta_change *change = ctx;
    const fhs_json *root = NULL;
    fhs_buf lists[LABEL_KINDS + 1];
    fhs_buf meta = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_json_read(change->call->arena, old_text, NULL, &root, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    for (size_t i = 0; i <= LABEL_KINDS; i++) {
        fhs_buf_init(&lists[i], FHS_LIMIT_RESOURCE_BYTES);
    }
    /* Whatever is stored has a meta: version and time are in it. */
    write_changed(change, root, old_text, lists, &meta, new_text);
    for (size_t i = 0; i <= LABEL_KINDS; i++) {
        status = status < FHIRSTORE_OK ? status : fhs_buf_status(&lists[i]);
        fhs_buf_clear(&lists[i]);
    }
    status = status < FHIRSTORE_OK ? status : fhs_buf_status(&meta);
    status = status < FHIRSTORE_OK ? status : fhs_buf_status(new_text);
    fhs_buf_clear(&meta);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

static fhirstore_status change_meta(fhs_call *call, const fhs_operation *operation, bool deletes,
                                    fhs_answer *answer, fhirstore_error **err)
{
    meta_change change = {.call = call, .source = operation->body, .deletes = deletes};
    const fhs_rewrite rewrite = {rewrite_meta, &change};
    fhirstore_status status = fhs_argument_needed_object(operation, meta_params[0], &change.given,
                                                         err);
    if (status >= FHIRSTORE_OK) {
        status = check_given(change.given, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_rewrite_resource(call, &rewrite, operation->condition, answer, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = answer_meta(call, answer, err);
    }
    answer->is_new_version = false; /* the answer is no resource that has a place */
    return status;
}

static fhirstore_status run_meta_add(fhs_call *call, const fhs_operation *operation,
                                     fhs_answer *answer, fhirstore_error **err)
{
    return change_meta(call, operation, false, answer, err);
}

static fhirstore_status run_meta_delete(fhs_call *call, const fhs_operation *operation,
                                        fhs_answer *answer, fhirstore_error **err)
{
    return change_meta(call, operation, true, answer, err);
}

const fhs_operation_def fhs_meta_operations[] = {
    {.name = FHS_LIT_INIT("meta"),
     .levels = FHS_ON_SYSTEM | FHS_ON_TYPE,
     .params = no_params,
     .run = run_meta_of_many},
    {.name = FHS_LIT_INIT("meta"),
     .levels = FHS_ON_INSTANCE | FHS_ON_VERSION,
     .params = no_params,
     .run = run_meta},
    {.name = FHS_LIT_INIT("meta-add"),
     .levels = FHS_ON_INSTANCE,
     .params = meta_params,
     .run = run_meta_add,
     .action = FHIRSTORE_ACTION_PATCH,
     .changes = true},
    {.name = FHS_LIT_INIT("meta-delete"),
     .levels = FHS_ON_INSTANCE,
     .params = meta_params,
     .run = run_meta_delete,
     .action = FHIRSTORE_ACTION_PATCH,
     .changes = true},
};
const size_t fhs_meta_operation_count = FHS_COUNT_OF(fhs_meta_operations);
