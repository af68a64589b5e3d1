/* SPDX-License-Identifier: Apache-2.0 */
/* Leaps through the indexes from one label to the next. */
#include "search/labels.h"

#include "search/search_internal.h"

typedef struct label_walk {
    fhs_search *search;
    fhirstore_status (*visit)(void *ctx, fhs_version *version);
    void *ctx;
} label_walk;

/* The first in the run that may be seen. */
static fhirstore_status visit_first(label_walk *walk, const fhs_range *range)
{
    fhs_search *search = walk->search;
    fhs_stmt *stmt = NULL;
    fhs_version version;
    bool found = false;
    fhs_entity entity = 0;
    fhirstore_status status = fhs_sql_scan(search, range, 0, &stmt);
    while (status == FHIRSTORE_OK && !found) {
        status = fhs_stmt_step(stmt, search->err);
        fhs_candidate candidate = {.entity = status == FHIRSTORE_OK ? fhs_stmt_int(stmt, 0) : 0};
        if (status == FHIRSTORE_OK) {
            status = fhs_search_visit(search);
        }
        if (status == FHIRSTORE_OK) {
            status = fhs_test_candidate(search, search->root, &candidate, 0, &found);
        }
        entity = candidate.entity;
    }
    fhs_stmt_give(stmt);
    if (status == FHIRSTORE_OK) {
        status = fhs_resource_look(search->conn, entity, &version, search->err);
    }
    if (status == FHIRSTORE_OK) {
        status = walk->visit(walk->ctx, &version);
    }
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}

static fhirstore_status visit_spellings(label_walk *walk, uint32_t param, fhs_str code,
                                        int64_t system)
{
    fhs_str spelling = FHS_STR_NONE;
    bool found = false;
    fhirstore_status status = fhs_sql_next_spelling(walk->search, param, code, system, spelling,
                                                    true, &spelling, &found);
    while (status == FHIRSTORE_OK && found) {
        fhs_range range = {.shape = FHS_RANGE_TOKEN_EXACT};
        fhs_arg_int(&range, param);
        range.args[range.arg_count++] = (fhs_arg){.kind = FHS_ARG_TEXT, .text = code};
        fhs_arg_int(&range, system);
        range.args[range.arg_count++] = (fhs_arg){.kind = FHS_ARG_TEXT, .text = spelling};
        status = visit_first(walk, &range);
        if (status == FHIRSTORE_OK) {
            status = fhs_sql_next_spelling(walk->search, param, code, system, spelling, false,
                                           &spelling, &found);
        }
    }
    return status;
}

static fhirstore_status visit_systems(label_walk *walk, uint32_t param, fhs_str code)
{
    int64_t system = -1;
    bool found = true;
    fhirstore_status status = FHIRSTORE_OK;
    while (status == FHIRSTORE_OK && found) {
        status = fhs_sql_next_system(walk->search, param, code, system, &system, &found);
        if (status == FHIRSTORE_OK && found) {
            status = visit_spellings(walk, param, code, system);
        }
    }
    return status;
}

/* The least text that is greater. */
static fhirstore_status behind_text(fhs_search *search, fhs_str text, fhs_str *out)
{
    char *longer = fhs_arena_alloc(&search->arena, text.len + 1);
    if (longer == NULL) {
        return fhs_search_no_memory(search);
    }
    if (text.len > 0) {
        memcpy(longer, text.ptr, text.len);
    }
    longer[text.len] = '\x01';
    *out = fhs_str_of(longer, text.len + 1);
    return FHIRSTORE_OK;
}

static fhirstore_status visit_codes(label_walk *walk, uint32_t param)
{
    fhs_str from = FHS_LIT("");
    fhs_str code;
    bool found = true;
    fhirstore_status status = FHIRSTORE_OK;
    while (status == FHIRSTORE_OK && found) {
        status = fhs_sql_next_code(walk->search, param, from, &code, &found);
        if (status == FHIRSTORE_OK && found) {
            status = visit_systems(walk, param, code);
        }
        if (status == FHIRSTORE_OK && found) {
            status = behind_text(walk->search, code, &from);
        }
    }
    return status;
}

static fhirstore_status visit_uris(label_walk *walk, uint32_t param)
{
    fhs_str uri = FHS_LIT("");
    bool found = true;
    fhirstore_status status = FHIRSTORE_OK;
    while (status == FHIRSTORE_OK && found) {
        status = fhs_sql_next_uri(walk->search, param, uri, &uri, &found);
        if (status == FHIRSTORE_OK && found) {
            fhs_range range = {.shape = FHS_RANGE_URI};
            fhs_arg_int(&range, param);
            range.args[range.arg_count++] = (fhs_arg){.kind = FHS_ARG_TEXT, .text = uri};
            status = visit_first(walk, &range);
        }
    }
    return status;
}

/* Where a profile is a canonical reference (R5); its versions come one by one. */
static fhirstore_status visit_targets(label_walk *walk, uint32_t param)
{
    fhs_search *search = walk->search;
    fhs_entity target = 0;
    fhs_str version = FHS_STR_NONE;
    bool found = true;
    fhirstore_status status = FHIRSTORE_OK;
    while (status == FHIRSTORE_OK && found) {
        status = fhs_sql_next_target(search, param, target, version, &target, &version, &found);
        if (status == FHIRSTORE_OK && found) {
            fhs_range range = {.shape = FHS_RANGE_REFERENCE_VERSION};
            fhs_arg_int(&range, param);
            fhs_arg_int(&range, target);
            range.args[range.arg_count++] = (fhs_arg){.kind = FHS_ARG_TEXT, .text = version};
            status = visit_first(walk, &range);
        }
    }
    return status;
}

static fhirstore_status visit_param(label_walk *walk, fhs_type type, fhs_str code)
{
    fhs_search *search = walk->search;
    const fhs_fhir *fhir = search->env.fhir;
    fhs_sparam param = fhs_sparam_find(fhir, type, code);
    uint32_t number = 0;
    if (param == FHS_SPARAM_NONE) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_catalog_param(search->env.catalog, search->conn, type, param,
                                                &number, search->err);
    if (status != FHIRSTORE_OK || number == 0) {
        return status;
    }
    switch ((fhs_sparam_type)fhs_sparam_get(fhir, param).type) {
    case FHS_SP_TOKEN:
        return visit_codes(walk, number);
    case FHS_SP_REFERENCE:
        return visit_targets(walk, number);
    default:
        return visit_uris(walk, number);
    }
}

fhirstore_status fhs_labels_each(fhs_conn *conn, const fhs_search_env *env, fhs_type type,
                                 fhirstore_status (*visit)(void *ctx, fhs_version *version),
                                 void *ctx, fhirstore_error **err)
{
    static const fhs_str codes[] = {FHS_LIT_INIT("_profile"), FHS_LIT_INIT("_tag"),
                                    FHS_LIT_INIT("_security")};
    static fhs_node everything_of_type = {.kind = FHS_NODE_AND, .type = FHS_TYPE_NONE};
    const fhs_query query = {.type = type, .root = &everything_of_type};
    label_walk walk = {.visit = visit, .ctx = ctx};
    fhirstore_status status = fhs_search_prepare(conn, env, &query, &walk.search, err);
    for (size_t i = 0; i < FHS_COUNT_OF(codes) && status == FHIRSTORE_OK && !walk.search->is_empty;
         i++) {
        status = visit_param(&walk, type, codes[i]);
    }
    fhs_search_close(walk.search);
    return status;
}
