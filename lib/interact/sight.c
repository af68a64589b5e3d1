/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/sight.h"

#include "base/mem.h"
#include "interact/find.h"
#include "interact/hooks.h"
#include "interact/params.h"
#include "interact/touched.h"

#define SIGHT_ARENA_MAX ((size_t)64 * 1024 * 1024)

typedef enum sight_state {
    SIGHT_ALL,
    SIGHT_PART,
    SIGHT_NONE,
} sight_state;

typedef struct type_sight {
    fhs_type type;
    sight_state state;
    fhs_grant grant;
    const fhs_node *node; /* of the grant, once it was needed */
} type_sight;

struct fhs_sight {
    fhs_arena arena;
    type_sight **types; /* of those that were asked about: few */
    size_t count;
    size_t capacity;
    fhirstore_status failed; /* something could not be asked or understood: it counts as hidden */
};

/* ---- asking ---- */

static fhs_sight *open_sight(fhs_call *call)
{
    if (call->sight == NULL) {
        call->sight = fhs_calloc(1, sizeof *call->sight);
        if (call->sight != NULL) {
            fhs_arena_init(&call->sight->arena, SIGHT_ARENA_MAX);
        }
    }
    return call->sight;
}

void fhs_sight_drop(fhs_call *call)
{
    if (call->sight != NULL) {
        fhs_arena_clear(&call->sight->arena);
        fhs_free(call->sight);
        call->sight = NULL;
    }
}

static type_sight *find_sight(const fhs_sight *sight, fhs_type type)
{
    for (size_t i = 0; sight != NULL && i < sight->count; i++) {
        if (sight->types[i]->type == type) {
            return sight->types[i];
        }
    }
    return NULL;
}

static type_sight *add_sight(fhs_sight *sight, fhs_type type)
{
    if (sight->count == sight->capacity) {
        size_t capacity = sight->capacity == 0 ? 8 : sight->capacity * 2;
        type_sight **grown = fhs_arena_calloc(&sight->arena, capacity, sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        for (size_t i = 0; i < sight->count; i++) {
            grown[i] = sight->types[i];
        }
        sight->types = grown;
        sight->capacity = capacity;
    }
    type_sight *of_type = fhs_arena_calloc(&sight->arena, 1, sizeof *of_type);
    if (of_type != NULL) {
        of_type->type = type;
        of_type->state = SIGHT_NONE;
        sight->types[sight->count++] = of_type;
    }
    return of_type;
}

/* Whatever is hidden, the narrative may tell it. */
static bool copy_mask(fhs_sight *sight, const fhs_fhir *fhir, type_sight *of_type,
                      const fhs_mask *mask)
{
    static const fhs_str text = FHS_LIT_INIT("text");
    fhs_mask *own = &of_type->grant.mask;
    fhs_element element;
    fhs_str *hide = fhs_arena_calloc(&sight->arena, mask->hide_count + 1, sizeof *hide);
    if (hide == NULL) {
        return false;
    }
    for (size_t i = 0; i < mask->hide_count; i++) {
        hide[i] = fhs_arena_dup(&sight->arena, mask->hide[i]);
        if (hide[i].ptr == NULL) {
            return false;
        }
    }
    own->hide = hide;
    own->hide_count = mask->hide_count;
    if (mask->hide_count > 0 && !fhs_mask_hides(mask, text) &&
        fhs_element_find(fhir, of_type->type, text, &element, NULL)) {
        hide[own->hide_count++] = text;
    }
    return fhs_arena_dup_list(&sight->arena, mask->keep, mask->keep_count, &own->keep);
}

/* A path that the type does not have hides or keeps nothing that was meant: it denies. */
static bool is_mask_of(const fhs_fhir *fhir, fhs_type type, const fhs_mask *mask)
{
    for (size_t i = 0; i < mask->hide_count; i++) {
        if (fhs_mask_fault(fhir, type, mask->hide[i]) != NULL) {
            return false;
        }
    }
    for (size_t i = 0; i < mask->keep_count; i++) {
        if (fhs_mask_fault(fhir, type, mask->keep[i]) != NULL) {
            return false;
        }
    }
    return true;
}

/* False: there is no memory for it. */
static bool keep_grant(fhs_call *call, type_sight *of_type, const fhs_grant *grant)
{
    fhs_sight *sight = call->sight;
    const fhs_fhir *fhir = call->session->core->fhir;
    of_type->grant = *grant;
    if (!fhs_arena_dup_list(&sight->arena, grant->any, grant->any_count, &of_type->grant.any) ||
        !fhs_arena_dup_list(&sight->arena, grant->except, grant->except_count,
                            &of_type->grant.except) ||
        !copy_mask(sight, fhir, of_type, &grant->mask)) {
        return false;
    }
    of_type->state = grant->any_count + grant->except_count > 0 ? SIGHT_PART : SIGHT_ALL;
    return true;
}

fhirstore_status fhs_sight_keep(fhs_call *call, fhs_type type, const fhs_grant *grant,
                                fhirstore_error **err)
{
    if (!is_mask_of(call->session->core->fhir, type, &grant->mask)) {
        return fhs_fail(err, FHIRSTORE_ERR_DENIED, "the decision names elements that are none");
    }
    if (grant->any_count + grant->except_count + grant->mask.hide_count + grant->mask.keep_count ==
        0) {
        return FHIRSTORE_OK; /* what is not kept of the call's own type is all of it */
    }
    fhs_sight *sight = open_sight(call);
    type_sight *of_type = sight == NULL ? NULL : add_sight(sight, type);
    return of_type == NULL || !keep_grant(call, of_type, grant) ? fhs_fail_memory(err)
                                                                : FHIRSTORE_OK;
}

static fhirstore_status ask_about(fhs_call *call, type_sight *of_type)
{
    fhs_grant grant;
    const fhs_access_ask ask = {call->action,
                                fhs_type_name(call->session->core->fhir, of_type->type),
                                FHS_STR_NONE, call->query};
    fhirstore_status status = fhs_call_decide(call, &ask, &grant, NULL);
    if (status == FHIRSTORE_OK &&
        !is_mask_of(call->session->core->fhir, of_type->type, &grant.mask)) {
        return FHIRSTORE_ERR_DENIED;
    }
    if (status == FHIRSTORE_OK && !keep_grant(call, of_type, &grant)) {
        status = FHIRSTORE_ERR_NO_MEMORY;
    }
    return status;
}

/* NULL: there is no memory for it. */
static type_sight *look_at_type(fhs_call *call, fhs_type type)
{
    fhs_sight *sight = open_sight(call);
    type_sight *of_type = find_sight(sight, type);
    if (of_type != NULL || sight == NULL) {
        return of_type;
    }
    of_type = add_sight(sight, type);
    if (of_type == NULL) {
        return NULL;
    }
    if (call->is_allowed && type == call->type) {
        of_type->state = SIGHT_ALL;
    } else if (ask_about(call, of_type) == FHIRSTORE_ERR_NO_MEMORY) {
        sight->failed = FHIRSTORE_ERR_NO_MEMORY;
    }
    return of_type;
}

bool fhs_call_sees(fhs_call *call, fhs_type type)
{
    if (call->session->who.allow_everything) {
        return true;
    }
    if (type == FHS_TYPE_NONE || type >= fhs_type_count(call->session->core->fhir)) {
        return false;
    }
    const type_sight *of_type = look_at_type(call, type);
    call->types_failed = call->types_failed || of_type == NULL;
    return of_type != NULL && of_type->state != SIGHT_NONE;
}

bool fhs_sight_is_partial(fhs_call *call, fhs_type type)
{
    return !call->session->who.allow_everything && fhs_call_sees(call, type) &&
           look_at_type(call, type)->state == SIGHT_PART;
}

const fhs_mask *fhs_sight_mask(fhs_call *call, fhs_type type)
{
    if (call->session->who.allow_everything || !fhs_call_sees(call, type)) {
        return NULL;
    }
    const fhs_mask *mask = &look_at_type(call, type)->grant.mask;
    return mask->hide_count + mask->keep_count > 0 ? mask : NULL;
}

fhirstore_status fhs_call_seen_well(const fhs_call *call, fhirstore_error **err)
{
    fhirstore_status failed = call->sight == NULL ? FHIRSTORE_OK : call->sight->failed;
    if (call->types_failed || failed == FHIRSTORE_ERR_NO_MEMORY) {
        return fhs_fail_memory(err);
    }
    return failed == FHIRSTORE_OK
               ? failed
               : fhs_fail(err, FHIRSTORE_ERR_DENIED, "the restriction is not a search of its type");
}

/* ---- telling ---- */

static void write_alternatives(fhs_buf *out, const char *mark, fhs_str type, const fhs_str *items,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fhs_buf_add_cstr(out, out->len > 0 ? " " : "");
        fhs_buf_add_cstr(out, mark);
        fhs_buf_add_str(out, type);
        fhs_buf_add_char(out, '?');
        for (size_t k = 0; k < items[i].len; k++) {
            const char c = items[i].ptr[k];
            if (c == ' ' || c == '%') {
                fhs_buf_add_cstr(out, c == ' ' ? "%20" : "%25");
            } else {
                fhs_buf_add_char(out, c);
            }
        }
    }
}

static void write_masked(fhs_buf *out, const char *mark, fhs_str type, const fhs_str *items,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fhs_buf_addf(out, "%s%s%.*s.%.*s", out->len > 0 ? " " : "", mark, FHS_STR_ARG(type),
                     FHS_STR_ARG(items[i]));
    }
}

void fhs_sight_write(const fhs_call *call, fhs_buf *out)
{
    const fhs_sight *sight = call->sight;
    for (size_t i = 0; sight != NULL && i < sight->count; i++) {
        const type_sight *of_type = sight->types[i];
        const fhs_str type = fhs_type_name(call->session->core->fhir, of_type->type);
        if (of_type->state == SIGHT_PART) {
            write_alternatives(out, "", type, of_type->grant.any, of_type->grant.any_count);
            write_alternatives(out, "!", type, of_type->grant.except, of_type->grant.except_count);
        }
        write_masked(out, "!", type, of_type->grant.mask.hide, of_type->grant.mask.hide_count);
        write_masked(out, "=", type, of_type->grant.mask.keep, of_type->grant.mask.keep_count);
    }
}

/* ---- restrictions as nodes ---- */

static fhirstore_status parse_conditions(fhs_call *call, const fhs_fhir *fhir, fhs_type type,
                                         const fhs_focus *focus, fhs_str text, fhs_node **out)
{
    const fhs_core *core = call->session->core;
    const fhs_query_options options = {
        .fhir = fhir,
        .base_url = core->base_url,
        .now_us = fhs_core_now(core),
        .default_zone_minutes = core->default_zone_minutes,
        .focus = focus,
    };
    fhs_query *query;
    fhirstore_status status = fhs_query_parse(&call->sight->arena, &options, type, text, &query,
                                              NULL);
    if (status == FHIRSTORE_OK && !fhs_query_is_restriction(query)) {
        status = FHIRSTORE_ERR_QUERY;
    }
    *out = status == FHIRSTORE_OK ? query->root : NULL;
    return status;
}

/* "_compartment=Patient/1" as the parser knows it. */
static bool read_focus(fhs_call *call, fhs_str value, fhs_focus *out)
{
    fhs_str type;
    fhs_str text = fhs_url_decode(&call->sight->arena, value, true);
    if (text.ptr == NULL || !fhs_str_split(text, '/', &type, &out->id) || out->id.len == 0) {
        return false;
    }
    return fhs_compartment_find(type, &out->compartment);
}

/* Without groups of one: a condition that stands alone can be answered by its index. */
static fhs_node *simplest(fhs_node *node)
{
    while ((node->kind == FHS_NODE_AND || node->kind == FHS_NODE_OR) && node->child_count == 1) {
        node = node->children[0];
    }
    return node;
}

/* One alternative: its compartments, and all its other parameters. */
static fhirstore_status parse_search(fhs_call *call, const fhs_fhir *fhir, fhs_type type,
                                     fhs_str text, fhs_node **out)
{
    static const fhs_str mark = FHS_LIT_INIT("_compartment=");
    fhs_arena *arena = &call->sight->arena;
    fhs_buf rest = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES * 2);
    size_t pairs = 1;
    for (size_t i = 0; i < text.len && pairs < FHS_LIMIT_QUERY_PARAMS; i++) {
        pairs += text.ptr[i] == '&';
    }
    fhs_node *all = fhs_node_group(arena, FHS_NODE_AND, type, pairs + 1);
    fhirstore_status status = all == NULL ? FHIRSTORE_ERR_NO_MEMORY : FHIRSTORE_OK;
    bool more = true;
    while (more && status == FHIRSTORE_OK) {
        fhs_str pair;
        fhs_focus focus;
        more = fhs_str_split(text, '&', &pair, &text);
        pair = more ? pair : text;
        if (!fhs_str_starts_with(pair, mark)) {
            fhs_buf_add_cstr(&rest, rest.len > 0 ? "&" : "");
            fhs_buf_add_str(&rest, pair);
        } else if (all->child_count == FHS_LIMIT_QUERY_PARAMS ||
                   !read_focus(call, fhs_str_from(pair, mark.len), &focus)) {
            status = FHIRSTORE_ERR_QUERY;
        } else {
            fhs_node **place = &all->children[all->child_count++];
            status = parse_conditions(call, fhir, type, &focus, FHS_STR_NONE, place);
            if (status == FHIRSTORE_OK) {
                *place = simplest(*place);
            }
        }
    }
    fhs_str conditions = fhs_arena_dup(arena, fhs_buf_str(&rest));
    if (status == FHIRSTORE_OK &&
        (fhs_buf_status(&rest) != FHIRSTORE_OK || conditions.ptr == NULL)) {
        status = FHIRSTORE_ERR_NO_MEMORY;
    }
    fhs_buf_clear(&rest);
    if (status == FHIRSTORE_OK && (conditions.len > 0 || all->child_count == 0)) {
        fhs_node **rest_of_it = &all->children[all->child_count++];
        status = parse_conditions(call, fhir, type, NULL, conditions, rest_of_it);
        if (status == FHIRSTORE_OK) {
            *rest_of_it = simplest(*rest_of_it);
        }
    }
    *out = status == FHIRSTORE_OK ? simplest(all) : all;
    return status;
}

static fhirstore_status parse_searches(fhs_call *call, const fhs_fhir *fhir, fhs_type type,
                                       const fhs_str *texts, size_t count, fhs_node **out)
{
    fhs_node *any = fhs_node_group(&call->sight->arena, FHS_NODE_OR, type, count);
    fhirstore_status status = any == NULL ? FHIRSTORE_ERR_NO_MEMORY : FHIRSTORE_OK;
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        status = parse_search(call, fhir, type, texts[i], &any->children[any->child_count++]);
    }
    *out = status == FHIRSTORE_OK ? simplest(any) : any;
    return status;
}

/* Any of the alternatives, and none of the exceptions. */
static fhirstore_status parse_grant(fhs_call *call, const fhs_fhir *fhir, fhs_type type,
                                    const fhs_grant *grant, fhs_node **out)
{
    fhs_arena *arena = &call->sight->arena;
    fhs_node *both = fhs_node_group(arena, FHS_NODE_AND, type, 2);
    fhs_node *no = fhs_node_group(arena, FHS_NODE_NOT, type, 1);
    fhirstore_status status = both == NULL || no == NULL ? FHIRSTORE_ERR_NO_MEMORY : FHIRSTORE_OK;
    if (status == FHIRSTORE_OK && grant->any_count > 0) {
        status = parse_searches(call, fhir, type, grant->any, grant->any_count,
                                &both->children[both->child_count++]);
    }
    if (status == FHIRSTORE_OK && grant->except_count > 0) {
        status = parse_searches(call, fhir, type, grant->except, grant->except_count,
                                &no->children[no->child_count++]);
        both->children[both->child_count++] = no;
    }
    *out = status == FHIRSTORE_OK ? simplest(both) : both;
    return status;
}

fhirstore_status fhs_sight_node(fhs_call *call, fhs_type type, const fhs_node **node_out,
                                fhirstore_error **err)
{
    fhs_params *params;
    *node_out = NULL;
    if (call->session->who.allow_everything) {
        return FHIRSTORE_OK;
    }
    if (!fhs_call_sees(call, type)) {
        fhirstore_status status = fhs_call_seen_well(call, err);
        return status == FHIRSTORE_OK ? fhs_fail_plain(err, FHIRSTORE_ERR_DENIED) : status;
    }
    type_sight *of_type = look_at_type(call, type);
    if (of_type->state == SIGHT_ALL || of_type->node != NULL) {
        *node_out = of_type->node;
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_call_params(call, &params, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_node *node = NULL;
    status = parse_grant(call, fhs_params_fhir(params), type, &of_type->grant, &node);
    if (status != FHIRSTORE_OK) {
        call->sight->failed = status;
        return fhs_call_seen_well(call, err);
    }
    of_type->node = node;
    *node_out = node;
    return FHIRSTORE_OK;
}

/* ---- searches ---- */

/* For what a chain passes through, or an include brings: all of a type, a part, or nothing. */
static const fhs_node *restrict_met_type(void *ctx, fhs_type type)
{
    static const fhs_node all = {.kind = FHS_NODE_TRUE, .type = FHS_TYPE_NONE};
    const fhs_node *node;
    if (fhs_sight_node(ctx, type, &node, NULL) != FHIRSTORE_OK) {
        return NULL;
    }
    return node == NULL ? &all : node;
}

static void note_shown(void *ctx, const fhs_version *version)
{
    fhs_touch(ctx, version);
}

fhs_search_env fhs_find_env(fhs_call *call, const fhs_params *params, bool ready_only)
{
    const fhs_session *session = call->session;
    const fhs_core *core = session->core;
    const bool is_free = session->who.allow_everything;
    return (fhs_search_env){
        .fhir = fhs_params_fhir(params),
        .catalog = fhs_params_catalog(params),
        .indexer = fhs_params_indexer(params),
        .ready_only = ready_only || session->ready_only,
        .keys = core->token_keys,
        .base_url = core->base_url,
        .link_base = session->link_base,
        .cases = core->cases,
        .principal = session->who.name,
        .restriction_of = is_free ? NULL : restrict_met_type,
        .restriction_ctx = call,
        .shown = call->is_heard ? note_shown : NULL,
        .shown_ctx = call,
        .mask = fhs_sight_has_masks(call) ? fhs_sight_search_mask() : NULL,
        .max_visits = session->search_looks != 0 ? session->search_looks
                      : is_free                  ? 0
                                                 : FHS_LIMIT_SEARCH_VISITS,
        .max_includes = session->search_includes,
        .max_us = session->search_us,
        .now_us = core->clock,
        .now_ctx = core->clock_ctx,
    };
}

/* ---- single resources ---- */

fhirstore_status fhs_sight_judge(fhs_call *call, fhs_type type, const fhs_version *version,
                                 fhs_str rows, bool *yes_out, fhirstore_error **err)
{
    const fhs_node *node;
    fhs_params *params;
    *yes_out = false;
    fhirstore_status status = fhs_sight_node(call, type, &node, err);
    if (status == FHIRSTORE_ERR_DENIED) {
        return fhs_call_seen_well(call, err);
    }
    if (status != FHIRSTORE_OK || node == NULL) {
        *yes_out = status == FHIRSTORE_OK;
        return status;
    }
    status = fhs_call_params(call, &params, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const fhs_search_env env = fhs_find_env(call, params, false);
    return fhs_search_judge(call->conn, &env, type, node, version, rows, yes_out, err);
}

fhirstore_status fhs_sight_find(fhs_call *call, fhs_type type, fhs_str id, fhirstore_error **err)
{
    bool yes = false;
    fhs_version version;
    if (!fhs_sight_is_partial(call, type)) {
        return fhs_call_seen_well(call, err);
    }
    fhirstore_status status = fhs_resource_read(
        call->conn, fhs_catalog_type(call->session->core->catalog, type), id, &version, err);
    if (status >= FHIRSTORE_OK && !version.is_deleted) {
        status = fhs_sight_judge(call, type, &version, FHS_STR_NONE, &yes, err);
    }
    return status >= FHIRSTORE_OK && !yes ? fhs_fail_plain(err, FHIRSTORE_ERR_NOT_FOUND) : status;
}

fhirstore_status fhs_sight_judge_body(fhs_call *call, fhs_type type, const fhs_version *version,
                                      bool *yes_out, fhirstore_error **err)
{
    const fhs_core *core = call->session->core;
    fhs_params *params;
    fhs_entries entries = {0};
    fhs_arena arena;
    fhs_buf rows = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    *yes_out = !fhs_sight_is_partial(call, type);
    if (*yes_out) {
        return FHIRSTORE_OK;
    }
    fhs_arena_init(&arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_call_params(call, &params, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_allow_scratch(call->conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_index_extract_body(fhs_params_indexer(params), core->base_url, version->body,
                                        &arena, &entries, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_index_rows(fhs_params_catalog(params), call->conn, type, &entries, &rows, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_sight_judge(call, type, version, fhs_buf_str(&rows), yes_out, err);
    }
    fhs_buf_clear(&rows);
    fhs_arena_clear(&arena);
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}
