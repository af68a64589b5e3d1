/* SPDX-License-Identifier: Apache-2.0 */
/* Does one resource satisfy a test? Judged on its row list, so every kind of condition works. */
#include "base/instant.h"
#include "search/late.h"
#include "search/search_internal.h"

/* More than the rows of any resource. */
#define JOINED_MAX ((size_t)1 << 30)

void fhs_loaders_close(fhs_search *search)
{
    for (size_t i = 0; i < FHS_LOADER_DEPTH; i++) {
        fhs_stmt_give(search->loaders[i].rows);
        fhs_stmt_give(search->loaders[i].head);
        fhs_buf_clear(&search->loaders[i].joined);
        search->loaders[i] = (fhs_loader){.rows = NULL};
    }
}

/* Every level of a chain has statements of its own, so that the rows of those above stay. */
static fhirstore_status loader_at(fhs_search *search, size_t level, fhs_loader **out)
{
    if (level >= FHS_LOADER_DEPTH) {
        return fhs_fail(search->err, FHIRSTORE_ERR_LIMIT, "the search is chained too deeply");
    }
    *out = &search->loaders[level];
    return FHIRSTORE_OK;
}

/* The order of rows does not matter to anyone here. */
static fhirstore_status join_late_rows(fhs_search *search, fhs_candidate *candidate,
                                       fhs_loader *loader)
{
    fhs_str late = fhs_late_rows(search, candidate->entity);
    if (late.len == 0) {
        return FHIRSTORE_OK;
    }
    fhs_buf_reset(&loader->joined);
    loader->joined.max = JOINED_MAX;
    fhs_buf_add_str(&loader->joined, candidate->rows);
    fhs_buf_add_str(&loader->joined, late);
    candidate->rows = fhs_buf_str(&loader->joined);
    return fhs_buf_status(&loader->joined) == FHIRSTORE_OK ? FHIRSTORE_OK
                                                           : fhs_search_no_memory(search);
}

fhirstore_status fhs_candidate_rows(fhs_search *search, fhs_candidate *candidate, size_t level)
{
    fhs_loader *loader = NULL;
    if (candidate->has_rows) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = loader_at(search, level, &loader);
    search->work += FHS_LOOK_WORK;
    if (status == FHIRSTORE_OK) {
        status = fhs_sql_rows(search, &loader->rows);
    }
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(loader->rows, 1, candidate->entity);
        status = fhs_stmt_step(loader->rows, search->err);
    }
    if (status == FHIRSTORE_OK) {
        candidate->rows = fhs_stmt_blob(loader->rows, 0);
    } else if (status == FHIRSTORE_DONE) {
        candidate->rows = FHS_STR_NONE;
        status = FHIRSTORE_OK;
    }
    candidate->has_rows = true;
    return status == FHIRSTORE_OK && search->late != NULL
               ? join_late_rows(search, candidate, loader)
               : status;
}

fhirstore_status fhs_candidate_head(fhs_search *search, fhs_candidate *candidate, size_t level)
{
    fhs_loader *loader = NULL;
    if (candidate->has_head) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = loader_at(search, level, &loader);
    search->work += FHS_LOOK_WORK;
    if (status == FHIRSTORE_OK) {
        status = fhs_sql_head(search, &loader->head);
    }
    if (status == FHIRSTORE_OK) {
        (void)fhs_stmt_bind_int(loader->head, 1, candidate->entity);
        status = fhs_stmt_step(loader->head, search->err);
    }
    if (status == FHIRSTORE_OK) {
        candidate->is_there = true;
        candidate->type = (int32_t)fhs_stmt_int(loader->head, 0);
        candidate->updated_us = fhs_stmt_int(loader->head, 1);
        candidate->seq = fhs_stmt_int(loader->head, 2);
    } else if (status == FHIRSTORE_DONE) {
        status = FHIRSTORE_OK;
    }
    candidate->has_head = true;
    return status;
}

static bool has_param(const fhs_test *test, uint32_t param)
{
    for (size_t i = 0; i < test->param_count; i++) {
        if (test->params[i] == param) {
            return true;
        }
    }
    return false;
}

static fhirstore_status test_rows(fhs_search *search, const fhs_test *test,
                                  fhs_candidate *candidate, bool *yes_out)
{
    fhs_row_cursor cursor = {candidate->rows};
    fhs_row row;
    fhirstore_status status;
    while ((status = fhs_row_next(&cursor, &row, NULL)) == FHIRSTORE_OK) {
        if (!has_param(test, row.param)) {
            continue;
        }
        if (test->kind == FHS_TEST_PRESENT) {
            *yes_out = true;
            return FHIRSTORE_OK;
        }
        for (size_t i = 0; i < test->match_count && !*yes_out; i++) {
            status = fhs_row_matches(search, &test->matches[i], &row, yes_out);
            if (status != FHIRSTORE_OK) {
                return status;
            }
        }
        if (*yes_out) {
            return FHIRSTORE_OK;
        }
    }
    return status == FHIRSTORE_DONE
               ? FHIRSTORE_OK
               : fhs_fail(search->err, status, "a list of index rows is malformed");
}

static fhirstore_status test_updated(fhs_search *search, const fhs_test *test,
                                     fhs_candidate *candidate, size_t level, bool *yes_out)
{
    fhirstore_status status = fhs_candidate_head(search, candidate, level);
    if (status != FHIRSTORE_OK || !candidate->is_there) {
        return status;
    }
    int64_t lo = fhs_ticks_from_us(candidate->updated_us);
    int64_t hi = lo + FHS_TICKS_PER_US - 1;
    for (size_t i = 0; i < test->match_count && !*yes_out; i++) {
        const fhs_match *match = &test->matches[i];
        *yes_out = fhs_date_matches(match->compare, match->lo, match->hi, lo, hi);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status test_group(fhs_search *search, const fhs_test *test,
                                   fhs_candidate *candidate, size_t level, bool *yes_out)
{
    bool is_and = test->kind == FHS_TEST_AND;
    *yes_out = is_and;
    for (size_t i = 0; i < test->child_count && *yes_out == is_and; i++) {
        fhirstore_status status = fhs_test_candidate(search, test->children[i], candidate, level,
                                                     yes_out);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}

/* What the store knows of resources only. */
static bool needs_entity(const fhs_test *test)
{
    return test->kind == FHS_TEST_ENTITY || test->kind == FHS_TEST_UPDATED ||
           test->kind == FHS_TEST_TEXT || test->kind == FHS_TEST_HAS ||
           test->kind == FHS_TEST_CONTAINED;
}

static bool names_contained(const fhs_test *test, fhs_str id)
{
    const fhs_node *node = test->node;
    if (node == NULL || node->kind != FHS_NODE_ID) {
        return false;
    }
    for (size_t i = 0; i < node->value_count; i++) {
        if (fhs_str_eq(node->values[i].text, id)) {
            return true;
        }
    }
    return false;
}

/* Depth is bounded when the test is compiled. */
fhirstore_status fhs_test_candidate(fhs_search *search, const fhs_test *test,
                                    fhs_candidate *candidate, size_t level, bool *yes_out)
{
    fhirstore_status status = FHIRSTORE_OK;
    *yes_out = false;
    int32_t known = candidate->known_type != 0 ? candidate->known_type : search->type;
    if (test->type != 0 && test->type != known) {
        status = fhs_candidate_head(search, candidate, level);
        if (status != FHIRSTORE_OK || candidate->type != test->type) {
            return status;
        }
    }
    if (candidate->is_contained && needs_entity(test)) {
        *yes_out = test->kind == FHS_TEST_ENTITY && names_contained(test, candidate->contained_id);
        return FHIRSTORE_OK;
    }
    switch ((fhs_test_kind)test->kind) {
    case FHS_TEST_TRUE:
        *yes_out = true;
        break;
    case FHS_TEST_FALSE:
        break;
    case FHS_TEST_AND:
    case FHS_TEST_OR:
        return test_group(search, test, candidate, level, yes_out);
    case FHS_TEST_NOT:
        status = fhs_test_candidate(search, test->children[0], candidate, level, yes_out);
        *yes_out = !*yes_out;
        break;
    case FHS_TEST_ENTITY:
        *yes_out = fhs_has_number(test->entities, test->entity_count, candidate->entity);
        break;
    case FHS_TEST_UPDATED:
        return test_updated(search, test, candidate, level, yes_out);
    case FHS_TEST_TEXT:
        return fhs_text_test(search, test, candidate->entity, yes_out);
    case FHS_TEST_HAS:
        return fhs_test_has(search, test, candidate, level, yes_out);
    case FHS_TEST_CONTAINED:
        return fhs_contained_test(search, test, candidate, level, yes_out);
    case FHS_TEST_ROW:
    case FHS_TEST_PRESENT:
    case FHS_TEST_CHAIN:
        status = fhs_candidate_rows(search, candidate, level);
        if (status == FHIRSTORE_OK) {
            return test->kind == FHS_TEST_CHAIN
                       ? fhs_test_chain(search, test, candidate, level, yes_out)
                       : test_rows(search, test, candidate, yes_out);
        }
        break;
    }
    return status;
}
