/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this resource in that run of an index? Where an index answers a test exactly and in entity
 * order, asking it costs less than reading a resource's rows, and the answer "no" comes with the
 * next resource that is in it, so that runs can be leapt through together.
 */
#include "search/search_internal.h"

/* Steps forward before a run is rather entered anew. */
#define STEPS_MAX 6

/* ---- one run ---- */

static fhirstore_status step_lane(fhs_search *search, fhs_lane *lane)
{
    fhirstore_status status = fhs_stmt_step(lane->stmt, search->err);
    search->work++;
    if (status == FHIRSTORE_OK) {
        lane->head = fhs_stmt_int(lane->stmt, 0);
    } else if (status == FHIRSTORE_DONE) {
        lane->head = INT64_MAX;
        status = FHIRSTORE_OK;
    }
    return status;
}

static fhirstore_status enter_lane(fhs_search *search, fhs_lane *lane, fhs_entity at_least)
{
    fhirstore_status status = FHIRSTORE_OK;
    lane->is_open = false;
    search->work += FHS_ENTER_WORK;
    if (lane->stmt == NULL) {
        status = fhs_sql_scan(search, lane->range, at_least - 1, &lane->stmt);
    } else {
        fhs_stmt_reset(lane->stmt);
        status = lane->is_bound ? fhs_sql_move(search, at_least - 1, lane->stmt)
                                : fhs_sql_rebind(search, lane->range, at_least - 1, lane->stmt);
    }
    lane->is_bound = status == FHIRSTORE_OK;
    if (status == FHIRSTORE_OK) {
        status = step_lane(search, lane);
    }
    lane->lower = at_least;
    lane->is_open = status == FHIRSTORE_OK;
    return status;
}

fhirstore_status fhs_lane_seek(fhs_search *search, fhs_lane *lane, fhs_entity at_least)
{
    if (!lane->is_open || at_least < lane->lower) {
        return enter_lane(search, lane, at_least);
    }
    for (int i = 0; lane->head < at_least; i++) {
        fhirstore_status status = i < STEPS_MAX ? step_lane(search, lane)
                                                : enter_lane(search, lane, at_least);
        if (status != FHIRSTORE_OK) {
            lane->is_open = false;
            return status;
        }
    }
    lane->lower = at_least;
    return FHIRSTORE_OK;
}

void fhs_lane_close(fhs_lane *lane)
{
    fhs_stmt_give(lane->stmt);
    *lane = (fhs_lane){.range = NULL};
}

/* ---- a probe: a few runs ---- */

bool fhs_scan_is_ordered(const fhs_scan *scan)
{
    for (size_t i = 0; i < scan->count; i++) {
        if (!fhs_range_is_ordered(&scan->ranges[i])) {
            return false;
        }
    }
    return scan->is_list || scan->count <= FHS_MERGE_MAX;
}

static fhirstore_status new_probe(fhs_search *search, const fhs_scan *scan, const fhs_test *test)
{
    fhs_probe *probe = fhs_arena_calloc(&search->arena, 1, sizeof(*probe));
    if (probe == NULL) {
        return fhs_search_no_memory(search);
    }
    probe->lane_count = scan->count;
    for (size_t i = 0; i < scan->count; i++) {
        probe->lanes[i].range = &scan->ranges[i];
    }
    probe->next = search->probes;
    search->probes = probe;
    test->memo->probe = probe;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_probe_prepare(fhs_search *search, const fhs_test *test)
{
    if (test->memo == NULL || test->memo->is_probed ||
        (test->kind != FHS_TEST_ROW && test->kind != FHS_TEST_PRESENT &&
         test->kind != FHS_TEST_OR) ||
        fhs_test_passes_through(test)) {
        return FHIRSTORE_OK;
    }
    fhs_scan scan = {.is_exact = true};
    bool usable;
    test->memo->is_probed = true;
    fhirstore_status status = fhs_scan_make(search, test, &scan, &usable);
    if (status != FHIRSTORE_OK || !usable || scan.is_list || !scan.is_exact ||
        !fhs_scan_is_ordered(&scan)) {
        return status;
    }
    return new_probe(search, &scan, test);
}

fhirstore_status fhs_probe_seek(fhs_search *search, fhs_probe *probe, fhs_entity at_least,
                                fhs_entity *head_out)
{
    *head_out = INT64_MAX;
    for (size_t i = 0; i < probe->lane_count; i++) {
        fhirstore_status status = fhs_lane_seek(search, &probe->lanes[i], at_least);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        *head_out = probe->lanes[i].head < *head_out ? probe->lanes[i].head : *head_out;
    }
    return FHIRSTORE_OK;
}

void fhs_probes_close(fhs_search *search)
{
    for (fhs_probe *probe = search->probes; probe != NULL; probe = probe->next) {
        for (size_t i = 0; i < probe->lane_count; i++) {
            fhs_lane_close(&probe->lanes[i]);
        }
    }
    search->probes = NULL;
}
