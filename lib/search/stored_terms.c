/* SPDX-License-Identifier: Apache-2.0 */
/* The store's CodeSystem and ValueSet resources, found by searches within the search's snapshot. */
#include "base/limits.h"
#include "search/search_internal.h"

/* A search of this file: its tree needs nothing but room. */
typedef struct inner_search {
    fhs_query query;
    fhs_node root;
    fhs_node leaf;
    fhs_node *child;
    fhs_value value;
} inner_search;

static fhs_type type_of_kind(const fhs_fhir *fhir, fhs_terms_kind kind)
{
    return fhs_type_find(fhir,
                         kind == FHS_TERMS_VALUE_SET ? FHS_LIT("ValueSet") : FHS_LIT("CodeSystem"));
}

static void begin_inner(inner_search *inner, fhs_type type)
{
    *inner = (inner_search){.query = {.type = type, .count = FHS_DEFAULT_PAGE_COUNT}};
    inner->root = (fhs_node){
        .kind = FHS_NODE_AND, .type = type, .param = FHS_SPARAM_NONE, .target = FHS_TYPE_NONE};
    inner->leaf = inner->root;
    inner->leaf.values = &inner->value;
    inner->leaf.value_count = 1;
    inner->child = &inner->leaf;
    inner->query.root = &inner->root;
}

/* Show @a take what the inner search finds. */
static fhirstore_status run_inner(const fhs_stored_terms *stored, inner_search *inner,
                                  fhs_terms_take_fn take, void *taker, fhirstore_error **err)
{
    fhs_search_env env = *stored->env;
    fhs_search *search = NULL;
    env.restriction = NULL;
    env.is_for_terms = true;
    if (!stored->sees_all && env.restriction_of != NULL) {
        env.restriction = env.restriction_of(env.restriction_ctx, inner->query.type);
        if (env.restriction == NULL) {
            return FHIRSTORE_OK;
        }
    }
    env.restriction_of = NULL;
    fhirstore_status status = fhs_search_open(stored->conn, &env, &inner->query, &search, err);
    while (status == FHIRSTORE_OK) {
        fhs_version version;
        status = fhs_search_next(search, &version, err);
        if (status == FHIRSTORE_OK) {
            status = take(taker, version.body, version.updated_us, err);
        }
    }
    fhs_search_close(search);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status stored_by_url(void *ctx, fhs_terms_kind kind, fhs_str url,
                                      fhs_terms_take_fn take, void *taker, fhirstore_error **err)
{
    const fhs_stored_terms *stored = ctx;
    inner_search inner;
    begin_inner(&inner, type_of_kind(stored->env->fhir, kind));
    inner.leaf.kind = FHS_NODE_LEAF;
    inner.leaf.param_type = FHS_SP_URI;
    inner.leaf.code = FHS_LIT("url");
    inner.leaf.param = fhs_sparam_find(stored->env->fhir, inner.query.type, inner.leaf.code);
    inner.value.text = url;
    inner.root.children = &inner.child;
    inner.root.child_count = 1;
    return run_inner(stored, &inner, take, taker, err);
}

static fhirstore_status stored_by_id(void *ctx, fhs_terms_kind kind, fhs_str id,
                                     fhs_terms_take_fn take, void *taker, fhirstore_error **err)
{
    const fhs_stored_terms *stored = ctx;
    inner_search inner;
    begin_inner(&inner, type_of_kind(stored->env->fhir, kind));
    inner.leaf.kind = FHS_NODE_ID;
    inner.value.text = id;
    inner.root.children = &inner.child;
    inner.root.child_count = 1;
    return run_inner(stored, &inner, take, taker, err);
}

static fhirstore_status stored_each(void *ctx, fhs_terms_kind kind, fhs_terms_take_fn take,
                                    void *taker, fhirstore_error **err)
{
    const fhs_stored_terms *stored = ctx;
    inner_search inner;
    begin_inner(&inner, type_of_kind(stored->env->fhir, kind));
    return run_inner(stored, &inner, take, taker, err);
}

void fhs_stored_terms_init(fhs_stored_terms *stored, fhs_conn *conn, const fhs_search_env *env,
                           bool sees_all)
{
    *stored = (fhs_stored_terms){
        .conn = conn,
        .env = env,
        .sees_all = sees_all,
        .source = {stored, stored_by_url, stored_by_id, stored_each},
    };
}

/* Whether a CodeSystem with this url may be stored: one look into the index. */
static fhirstore_status may_be_stored(fhs_search *search, fhs_str url, bool *yes_out)
{
    uint32_t number = 0;
    fhs_stmt *stmt = NULL;
    fhs_type type = type_of_kind(search->env.fhir, FHS_TERMS_CODE_SYSTEM);
    fhs_sparam param = fhs_sparam_find(search->env.fhir, type, FHS_LIT("url"));
    fhirstore_status status = fhs_catalog_param(search->env.catalog, search->conn, type, param,
                                                &number, search->err);
    *yes_out = status == FHIRSTORE_OK && number != 0 &&
               fhs_catalog_is_late(search->env.catalog, number);
    if (status != FHIRSTORE_OK || number == 0 || *yes_out) {
        return status;
    }
    fhs_range range = {.shape = FHS_RANGE_URI};
    fhs_arg_int(&range, number);
    range.args[range.arg_count++] = (fhs_arg){.kind = FHS_ARG_TEXT, .text = url};
    status = fhs_sql_scan(search, &range, 0, &stmt);
    if (status == FHIRSTORE_OK) {
        status = fhs_stmt_step(stmt, search->err);
        *yes_out = status == FHIRSTORE_OK;
    }
    fhs_stmt_give(stmt);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_search_case_of(fhs_search *search, fhs_str url, bool *yes_out)
{
    bool is_stored = false;
    fhs_stored_terms stored;
    fhirstore_status status = search->env.is_for_terms ? FHIRSTORE_OK
                                                       : may_be_stored(search, url, &is_stored);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_stored_terms_init(&stored, search->conn, &search->env, false);
    return fhs_terms_case_of(search->env.fhir, is_stored ? &stored.source : NULL, url, yes_out,
                             search->err);
}
