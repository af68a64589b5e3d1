/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end of a chain or _has, for one candidate. What an index answers exactly is asked of
 * the index: for _has, the run of what refers to the candidate and the runs of what satisfies the
 * inner condition are leapt through together. The rest is tested on the other resource's rows.
 */
#include "search/late.h"
#include "search/search_internal.h"

/* ---- preparing ---- */

/* A condition that no resource satisfies that is not there, or is of another type. */
static bool tells_presence(const fhs_test *test)
{
    return test->kind == FHS_TEST_PRESENT || test->kind == FHS_TEST_ROW ||
           (test->kind == FHS_TEST_CHAIN && !test->is_late);
}

static size_t count_ands(const fhs_test *test)
{
    size_t count = 1;
    for (size_t i = 0; test->kind == FHS_TEST_AND && i < test->child_count; i++) {
        count += count_ands(test->children[i]);
    }
    return count;
}

/* Depth is bounded when the test is compiled. */
static fhirstore_status add_inner(fhs_search *search, const fhs_test *test, int32_t target,
                                  fhs_link *link)
{
    bool is_plain = test->type == 0 || test->type == target;
    if (is_plain && test->kind == FHS_TEST_TRUE) {
        return FHIRSTORE_OK;
    }
    if (is_plain && test->kind == FHS_TEST_AND) {
        fhirstore_status status = FHIRSTORE_OK;
        for (size_t i = 0; i < test->child_count && status == FHIRSTORE_OK; i++) {
            status = add_inner(search, test->children[i], target, link);
        }
        return status;
    }
    bool may_ask = (search->env.wish & FHS_WISH_ROWS) == 0;
    if (is_plain && may_ask && link->probe_count < FHS_LINK_PROBES) {
        fhirstore_status status = fhs_probe_prepare(search, test);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        if (test->memo != NULL && test->memo->probe != NULL) {
            link->probes[link->probe_count++] = test->memo->probe;
            link->needs_head = false;
            return FHIRSTORE_OK;
        }
    }
    link->needs_head = link->needs_head && !(is_plain && tells_presence(test));
    link->rest[link->rest_count++] = test;
    return FHIRSTORE_OK;
}

static fhirstore_status add_lanes(fhs_search *search, const fhs_test *test, fhs_link *link)
{
    link->ranges = fhs_arena_calloc(&search->arena, test->param_count, sizeof(*link->ranges));
    link->lanes = fhs_arena_calloc(&search->arena, test->param_count, sizeof(*link->lanes));
    if (link->ranges == NULL || link->lanes == NULL) {
        return fhs_search_no_memory(search);
    }
    link->lane_count = test->param_count;
    for (size_t i = 0; i < test->param_count; i++) {
        link->ranges[i] = (fhs_range){.shape = FHS_RANGE_REFERENCE, .arg_count = 2};
        link->ranges[i].args[0].number = test->params[i];
        link->lanes[i].range = &link->ranges[i];
    }
    return FHIRSTORE_OK;
}

static fhirstore_status prepare_link(fhs_search *search, const fhs_test *test, fhs_link **out)
{
    if (test->memo->link != NULL) {
        *out = test->memo->link;
        return FHIRSTORE_OK;
    }
    fhs_link *link = fhs_arena_calloc(&search->arena, 1, sizeof(*link));
    const fhs_test **rest = fhs_arena_calloc(&search->arena, count_ands(test->children[0]),
                                             sizeof(*rest));
    if (link == NULL || rest == NULL) {
        return fhs_search_no_memory(search);
    }
    link->rest = rest;
    link->needs_head = true;
    fhirstore_status status = add_inner(search, test->children[0], test->target, link);
    if (status == FHIRSTORE_OK && test->kind == FHS_TEST_HAS) {
        status = add_lanes(search, test, link);
    }
    if (status == FHIRSTORE_OK) {
        link->next = search->links;
        search->links = link;
        test->memo->link = link;
        *out = link;
    }
    return status;
}

void fhs_links_close(fhs_search *search)
{
    for (fhs_link *link = search->links; link != NULL; link = link->next) {
        for (size_t i = 0; i < link->lane_count; i++) {
            fhs_lane_close(&link->lanes[i]);
        }
    }
    search->links = NULL;
}

/* ---- judging ---- */

/* The first that is @a at_least or above and in every run that is asked. */
static fhirstore_status seek_inner(fhs_search *search, const fhs_link *link, fhs_entity at_least,
                                   fhs_entity *out)
{
    *out = at_least;
    for (size_t i = 0; i < link->probe_count && *out != INT64_MAX; i++) {
        fhs_entity head;
        fhirstore_status status = fhs_probe_seek(search, link->probes[i], *out, &head);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        if (head != *out) {
            *out = head; /* which those before have not been asked about */
            break;
        }
    }
    return FHIRSTORE_OK;
}

/* What no index was asked: whether it is there and of the type, and the remaining tests. */
static fhirstore_status test_rest(fhs_search *search, const fhs_test *test, const fhs_link *link,
                                  bool is_there, fhs_entity entity, size_t level, bool *yes_out)
{
    fhs_candidate other = {.entity = entity, .known_type = test->target};
    fhirstore_status status = fhs_search_visit(search);
    *yes_out = true;
    if (status == FHIRSTORE_OK && link->needs_head && !is_there) {
        status = fhs_candidate_head(search, &other, level + 1);
        *yes_out = status == FHIRSTORE_OK && other.is_there && other.type == test->target;
    }
    for (size_t i = 0; i < link->rest_count && *yes_out && status == FHIRSTORE_OK; i++) {
        status = fhs_test_candidate(search, link->rest[i], &other, level + 1, yes_out);
    }
    return status;
}

static fhirstore_status test_target(fhs_search *search, const fhs_test *test, fhs_link *link,
                                    fhs_entity entity, size_t level, bool *yes_out)
{
    fhs_entity head;
    if (link->asked == entity && entity != 0) {
        *yes_out = link->answer;
        return FHIRSTORE_OK;
    }
    fhirstore_status status = seek_inner(search, link, entity, &head);
    *yes_out = status == FHIRSTORE_OK && head == entity;
    if (*yes_out) {
        status = test_rest(search, test, link, false, entity, level, yes_out);
    }
    link->asked = status == FHIRSTORE_OK ? entity : 0;
    link->answer = *yes_out;
    return status;
}

static bool refers_so(const fhs_test *test, const fhs_row *row)
{
    for (size_t i = 0; row->kind == FHS_ROW_REFERENCE && i < test->param_count; i++) {
        if (test->params[i] == row->param) {
            return true;
        }
    }
    return false;
}

fhirstore_status fhs_test_chain(fhs_search *search, const fhs_test *test, fhs_candidate *candidate,
                                size_t level, bool *yes_out)
{
    fhs_row_cursor cursor = {candidate->rows};
    fhs_row row;
    fhs_link *link;
    fhirstore_status status = prepare_link(search, test, &link);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    while ((status = fhs_row_next(&cursor, &row, NULL)) == FHIRSTORE_OK) {
        if (refers_so(test, &row)) {
            status = test_target(search, test, link, row.a, level, yes_out);
            if (status != FHIRSTORE_OK || *yes_out) {
                return status;
            }
        }
    }
    return status == FHIRSTORE_DONE
               ? FHIRSTORE_OK
               : fhs_fail(search->err, status, "a list of index rows is malformed");
}

/* ---- _has ---- */

/* Leap through what refers to the candidate and what satisfies the inner condition. */
static fhirstore_status leap_lane(fhs_search *search, const fhs_test *test, const fhs_link *link,
                                  fhs_lane *lane, size_t level, bool *yes_out)
{
    fhs_entity wanted = 0;
    while (!*yes_out) {
        fhs_entity inner;
        fhirstore_status status = fhs_lane_seek(search, lane, wanted);
        if (status != FHIRSTORE_OK || lane->head == INT64_MAX) {
            return status;
        }
        fhs_entity entity = lane->head;
        status = seek_inner(search, link, entity, &inner);
        if (status == FHIRSTORE_OK && inner == entity) {
            /* It refers, so it is there, and of the type whose parameter it is. */
            status = test_rest(search, test, link, true, entity, level, yes_out);
        }
        if (status != FHIRSTORE_OK || inner == INT64_MAX) {
            return status;
        }
        wanted = inner > entity ? inner : entity + 1;
    }
    return FHIRSTORE_OK;
}

typedef struct late_visit {
    fhs_search *search;
    const fhs_test *test;
    const fhs_link *link;
    size_t level;
    bool yes;
} late_visit;

static fhirstore_status test_late_other(void *ctx, fhs_entity entity)
{
    late_visit *visit = ctx;
    fhs_entity inner;
    if (visit->yes) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = seek_inner(visit->search, visit->link, entity, &inner);
    return status == FHIRSTORE_OK && inner == entity
               ? test_rest(visit->search, visit->test, visit->link, true, entity, visit->level,
                           &visit->yes)
               : status;
}

fhirstore_status fhs_test_has(fhs_search *search, const fhs_test *test, fhs_candidate *candidate,
                              size_t level, bool *yes_out)
{
    fhs_link *link;
    fhirstore_status status = prepare_link(search, test, &link);
    for (size_t i = 0; status == FHIRSTORE_OK && i < test->param_count && !*yes_out; i++) {
        fhs_lane *lane = &link->lanes[i];
        link->ranges[i].args[1].number = candidate->entity;
        lane->is_open = false;
        lane->is_bound = false;
        status = leap_lane(search, test, link, lane, level, yes_out);
    }
    if (test->is_late && status == FHIRSTORE_OK && !*yes_out) {
        late_visit visit = {search, test, link, level, false};
        status = fhs_late_referring(search, test, candidate->entity, test_late_other, &visit);
        *yes_out = visit.yes;
    }
    return status;
}
