/* SPDX-License-Identifier: Apache-2.0 */
/* What Observation/$stats gathers (stats.c) and writes (stats_write.c). */
#ifndef FHS_OPERATION_STATS_H
#define FHS_OPERATION_STATS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/decimal.h"
#include "interact/interact.h"
#include "operation/operation.h"
#include "operation/statistics.h"

/* Codes that figures may be asked of, and be told of (a panel has several). */
#define FHS_STATS_CODES_MAX 64u

/* One value, or what was none. */
typedef struct fhs_stats_item {
    fhs_entity entity;
    uint32_t part; /* 0: the Observation's own value; else the component, from 1 */
    int64_t time;
    bool is_valid;
    fhs_decimal value;
    fhs_str unit;
    fhs_str unit_code;
} fhs_stats_item;

typedef struct fhs_stats_group {
    fhs_str system;
    fhs_str code;
    fhs_str concept; /* the CodeableConcept as it is answered */
    fhs_stats_item *items;
    size_t count;
    size_t capacity;
    bool is_panel; /* figures are those of its parts */
} fhs_stats_group;

typedef struct fhs_stats_work {
    fhs_call *call;
    const fhs_operation *operation;
    fhs_params *params;
    fhs_arena *arena;
    fhs_str subject;
    int64_t from; /* ticks */
    int64_t to;
    bool has_period;
    bool wanted[FHS_STAT_KINDS];
    bool includes;
    uint64_t limit;
    fhs_stats_group groups[FHS_STATS_CODES_MAX];
    size_t group_count;
    size_t item_count;
    size_t asked_count; /* groups that were asked for; those behind are parts of panels */
    fhs_arena scratch;  /* reads one Observation … */
    fhs_arena kept;     /* … and keeps texts of it */
    fhs_buf body;
    fhirstore_error **err;
} fhs_stats_work;

/* What may be seen of it, into work->body. */
fhirstore_status fhs_stats_load(fhs_stats_work *work, fhs_version *version);
/* The Parameters with what was gathered; its groups' items are put in order. */
fhirstore_status fhs_stats_write(fhs_stats_work *work, fhs_buf *out);

#endif
