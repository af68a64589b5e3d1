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

/* *out NULL: nothing of the type may be seen. */
static fhirstore_status open_inner(const fhs_stored_terms *stored, const inner_search *inner,
                                   fhs_search **out, fhirstore_error **err)
{
    fhs_search_env env = *stored->env;
    *out = NULL;
    env.restriction = NULL;
    env.is_for_terms = true;
    if (!stored->sees_all && env.restriction_of != NULL) {
        env.restriction = env.restriction_of(env.restriction_ctx, inner->query.type);
        if (env.restriction == NULL) {
            return FHIRSTORE_OK;
        }
    }
    env.restriction_of = NULL;
    if (stored->sees_all) {
        env.mask = NULL;
    }
    return fhs_search_open(stored->conn, &env, &inner->query, out, err);
}

/* What is hidden of a code system or value set is none of its content. */
static fhirstore_status hand_over(const fhs_stored_terms *stored, const fhs_search *search,
                                  const fhs_version *version, fhs_terms_take_fn take, void *taker,
                                  fhirstore_error **err)
{
    const fhs_type type = fhs_catalog_type_back(stored->env->catalog, version->type);
    fhs_buf shown = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    bool is_shown = false;
    fhirstore_status status = stored->sees_all
                                  ? FHIRSTORE_OK
                                  : fhs_search_show(search, type, version->body, &shown, &is_shown);
    if (status == FHIRSTORE_OK) {
        status = take(taker, is_shown ? fhs_buf_str(&shown) : version->body, version->updated_us,
                      err);
    }
    fhs_buf_clear(&shown);
    return status;
}

/* Show @a take what the inner search finds. */
static fhirstore_status run_inner(const fhs_stored_terms *stored, const inner_search *inner,
                                  fhs_terms_take_fn take, void *taker, fhirstore_error **err)
{
    fhs_search *search = NULL;
    fhirstore_status status = open_inner(stored, inner, &search, err);
    while (status == FHIRSTORE_OK && search != NULL) {
        fhs_version version;
        status = fhs_search_next(search, &version, err);
        if (status == FHIRSTORE_OK) {
            status = hand_over(stored, search, &version, take, taker, err);
        }
    }
    fhs_search_close(search);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static void ask_url(inner_search *inner, const fhs_fhir *fhir, fhs_terms_kind kind, fhs_str url)
{
    begin_inner(inner, type_of_kind(fhir, kind));
    inner->leaf.kind = FHS_NODE_LEAF;
    inner->leaf.param_type = FHS_SP_URI;
    inner->leaf.code = FHS_LIT("url");
    inner->leaf.param = fhs_sparam_find(fhir, inner->query.type, inner->leaf.code);
    inner->value.text = url;
    inner->root.children = &inner->child;
    inner->root.child_count = 1;
}

static fhirstore_status stored_by_url(void *ctx, fhs_terms_kind kind, fhs_str url,
                                      fhs_terms_take_fn take, void *taker, fhirstore_error **err)
{
    const fhs_stored_terms *stored = ctx;
    inner_search inner;
    ask_url(&inner, stored->env->fhir, kind, url);
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

/* What the version under the inner search says about case. */
static fhirstore_status read_case(fhs_search *search, fhs_search *inner, uint8_t *said_out)
{
    fhs_candidate candidate = {.entity = inner->last};
    fhs_version version;
    fhirstore_status status = fhs_candidate_head(inner, &candidate, 0);
    if (status != FHIRSTORE_OK ||
        fhs_case_cache_find(search->env.cases, candidate.entity, candidate.seq, said_out)) {
        return status;
    }
    status = fhs_resource_read_entity(search->conn, candidate.entity, &version, search->err);
    if (status == FHIRSTORE_OK) {
        status = fhs_terms_read_case(version.body, said_out, search->err);
    }
    /* What is not committed may yet become something else under the same sequence. */
    if (status == FHIRSTORE_OK && !fhs_conn_is_writing(search->conn)) {
        fhs_case_cache_put(search->env.cases, candidate.entity, candidate.seq, *said_out);
    }
    return status;
}

/* What code systems of the store say that may be seen. */
static fhirstore_status ask_stored_case(fhs_search *search, fhs_str url, uint8_t *said_out)
{
    fhs_stored_terms stored;
    inner_search inner;
    fhs_search *found = NULL;
    fhs_stored_terms_init(&stored, search->conn, &search->env, false);
    ask_url(&inner, search->env.fhir, FHS_TERMS_CODE_SYSTEM, url);
    fhirstore_status status = open_inner(&stored, &inner, &found, search->err);
    while (status == FHIRSTORE_OK && found != NULL) {
        uint8_t said = FHS_CASE_NOT_SAID;
        found->err = search->err;
        status = fhs_search_step(found);
        if (status == FHIRSTORE_OK) {
            status = read_case(search, found, &said);
        }
        *said_out = said > *said_out ? said : *said_out;
    }
    fhs_search_close(found);
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

fhirstore_status fhs_search_case_of(fhs_search *search, fhs_str url, bool *yes_out)
{
    bool is_stored = false;
    uint8_t said = FHS_CASE_NOT_SAID;
    fhirstore_status status = search->env.is_for_terms ? FHIRSTORE_OK
                                                       : may_be_stored(search, url, &is_stored);
    if (status == FHIRSTORE_OK && is_stored) {
        status = ask_stored_case(search, url, &said);
    }
    *yes_out = said == FHS_CASE_NOT_SAID ? fhs_system_is_case_sensitive(search->env.fhir, url)
                                         : said == FHS_CASE_COUNTS;
    return status;
}
