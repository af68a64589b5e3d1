/* SPDX-License-Identifier: Apache-2.0 */
/* Observation/$lastn: of the Observations that a search finds, the last of each code. */
#include <stdlib.h>

#include "base/instant.h"
#include "base/mem.h"
#include "interact/find.h"
#include "interact/interact.h"
#include "interact/sight.h"
#include "operation/observation.h"
#include "operation/operation.h"

/* Texts of codes that are kept apart while groups are made. */
#define CODES_MAX ((size_t)64 * 1024 * 1024)

/* A code, and through it the group of codes that mean the same. */
typedef struct lastn_code {
    fhs_str key;
    uint32_t parent; /* itself: the head of its group */
} lastn_code;

typedef struct lastn_match {
    fhs_entity entity;
    int64_t time;
    uint32_t code;
} lastn_match;

typedef struct lastn_work {
    fhs_call *call;
    const fhs_operation *operation;
    fhs_params *params;
    fhs_query *query;
    uint64_t max;
    lastn_code *codes;
    size_t code_count;
    size_t code_capacity;
    uint32_t *slots; /* places in codes, from 1; 0: free */
    size_t slot_count;
    lastn_match *matches;
    size_t match_count;
    size_t match_capacity;
    fhs_arena keys;
    fhs_arena scratch;
    fhs_buf shown; /* an Observation without what is hidden */
    fhirstore_error **err;
} lastn_work;

/* ---- the question ---- */

/* The parameter before its modifier and its chain. */
static fhs_str base_name(fhs_str name)
{
    size_t at = 0;
    while (at < name.len && name.ptr[at] != ':' && name.ptr[at] != '.') {
        at++;
    }
    return fhs_str_of(name.ptr, at);
}

static bool is_any_of(fhs_str name, const fhs_str *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fhs_str_eq(name, names[i])) {
            return true;
        }
    }
    return false;
}

static fhirstore_status check_lastn_names(const fhs_operation *operation, fhirstore_error **err)
{
    static const fhs_str subjects[] = {FHS_LIT_INIT("patient"), FHS_LIT_INIT("subject")};
    static const fhs_str codes[] = {
        FHS_LIT_INIT("category"),
        FHS_LIT_INIT("code"),
        FHS_LIT_INIT("combo-code"),
        FHS_LIT_INIT("component-code"),
        FHS_LIT_INIT("code-value-concept"),
        FHS_LIT_INIT("code-value-date"),
        FHS_LIT_INIT("code-value-quantity"),
        FHS_LIT_INIT("code-value-string"),
        FHS_LIT_INIT("combo-code-value-concept"),
        FHS_LIT_INIT("combo-code-value-quantity"),
        FHS_LIT_INIT("component-code-value-concept"),
        FHS_LIT_INIT("component-code-value-quantity"),
    };
    static const fhs_str shapes[] = {
        FHS_LIT_INIT("_sort"),    FHS_LIT_INIT("_count"),      FHS_LIT_INIT("_total"),
        FHS_LIT_INIT("_include"), FHS_LIT_INIT("_revinclude"), FHS_LIT_INIT("_summary"),
        FHS_LIT_INIT("_page"),    FHS_LIT_INIT("_maxresults"), FHS_LIT_INIT("_contained"),
        FHS_LIT_INIT("_type"),    FHS_LIT_INIT("_query"),      FHS_LIT_INIT("_containedType")};
    bool has_subject = false;
    bool has_code = false;
    unsigned maxima = 0;
    for (size_t i = 0; i < operation->argument_count; i++) {
        const fhs_str name = base_name(operation->arguments[i].name);
        if (is_any_of(name, shapes, FHS_COUNT_OF(shapes))) {
            return fhs_argument_fail(name, "does not go with this operation", err);
        }
        maxima += fhs_str_eq(name, FHS_LIT("max"));
        if (maxima > 1) {
            return fhs_argument_fail(name, "is there more than once", err);
        }
        has_subject = has_subject || is_any_of(name, subjects, FHS_COUNT_OF(subjects));
        has_code = has_code || is_any_of(name, codes, FHS_COUNT_OF(codes));
    }
    if (!has_subject) {
        return fhs_argument_fail(FHS_LIT("patient"), "is missing, or 'subject'", err);
    }
    return has_code ? FHIRSTORE_OK
                    : fhs_argument_fail(FHS_LIT("category"),
                                        "is missing, or 'code' or another one with a code", err);
}

/* The link to itself has the number as well. */
static fhirstore_status add_max(lastn_work *work)
{
    fhs_buf self = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES * 4);
    fhs_buf_addf(&self, "%.*s&max=%llu", FHS_STR_ARG(work->query->self),
                 (unsigned long long)work->max);
    work->query->self = fhs_arena_dup(work->call->arena, fhs_buf_str(&self));
    bool failed = fhs_buf_status(&self) != FHIRSTORE_OK || work->query->self.ptr == NULL;
    fhs_buf_clear(&self);
    return failed ? fhs_fail_memory(work->err) : FHIRSTORE_OK;
}

/* Everything but max is a search of Observations. */
static fhirstore_status parse_lastn(lastn_work *work)
{
    const fhs_operation *operation = work->operation;
    const fhs_core *core = work->call->session->core;
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES * 4);
    const fhs_query_options options = {
        .fhir = fhs_params_fhir(work->params),
        .base_url = core->base_url,
        .now_us = fhs_core_now(core),
        .default_zone_minutes = core->default_zone_minutes,
        .named = fhs_core_named_queries(work->call->session->core),
    };
    for (size_t i = 0; i < operation->argument_count; i++) {
        const fhs_argument *argument = &operation->arguments[i];
        if (fhs_str_eq(argument->name, FHS_LIT("max"))) {
            continue;
        }
        if (argument->text.ptr == NULL) {
            fhs_buf_clear(&text);
            return fhs_argument_fail(argument->name, "expects a primitive value", work->err);
        }
        fhs_buf_add_cstr(&text, text.len > 0 ? "&" : "");
        fhs_url_encode(&text, argument->name);
        fhs_buf_add_char(&text, '=');
        fhs_url_encode(&text, argument->text);
    }
    fhs_str kept = fhs_arena_dup(work->call->arena, fhs_buf_str(&text));
    fhirstore_status status = fhs_buf_status(&text);
    fhs_buf_clear(&text);
    if (status != FHIRSTORE_OK || kept.ptr == NULL) {
        return status == FHIRSTORE_OK ? fhs_fail_memory(work->err)
                                      : fhs_fail_plain(work->err, status);
    }
    status = fhs_query_parse(work->call->arena, &options, work->call->type, kept, &work->query,
                             work->err);
    return status >= FHIRSTORE_OK && fhs_argument_find(operation, FHS_LIT("max")) != NULL
               ? add_max(work)
               : status;
}

static fhirstore_status read_lastn(lastn_work *work)
{
    fhirstore_status status = fhs_argument_count(work->operation, FHS_LIT("max"), UINT32_MAX, 1,
                                                 &work->max, work->err);
    if (status >= FHIRSTORE_OK && work->max == 0) {
        status = fhs_argument_fail(FHS_LIT("max"), "expects a number above 0", work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = check_lastn_names(work->operation, work->err);
    }
    return status >= FHIRSTORE_OK ? parse_lastn(work) : status;
}

/* ---- groups ---- */

static uint32_t head_of(lastn_work *work, uint32_t code)
{
    lastn_code *codes = work->codes;
    while (codes[code].parent != code) {
        codes[code].parent = codes[codes[code].parent].parent;
        code = codes[code].parent;
    }
    return code;
}

static uint32_t *code_slot(const lastn_work *work, fhs_str key)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < key.len; i++) {
        hash = (hash ^ (unsigned char)key.ptr[i]) * UINT64_C(1099511628211);
    }
    size_t at = (size_t)(hash >> 16) & (work->slot_count - 1);
    while (work->slots[at] != 0 && !fhs_str_eq(work->codes[work->slots[at] - 1].key, key)) {
        at = (at + 1) & (work->slot_count - 1);
    }
    return &work->slots[at];
}

static bool grow_codes(lastn_work *work)
{
    size_t capacity = work->code_capacity == 0 ? 64 : work->code_capacity * 2;
    lastn_code *codes = fhs_realloc(work->codes, capacity * sizeof *codes);
    if (codes == NULL) {
        return false;
    }
    work->codes = codes;
    uint32_t *slots = fhs_calloc(capacity * 2, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    fhs_free(work->slots);
    work->slots = slots;
    work->slot_count = capacity * 2;
    work->code_capacity = capacity;
    for (size_t i = 0; i < work->code_count; i++) {
        *code_slot(work, codes[i].key) = (uint32_t)(i + 1);
    }
    return true;
}

static fhirstore_status place_code(lastn_work *work, fhs_str key, uint32_t *out)
{
    if (work->code_count == work->code_capacity && !grow_codes(work)) {
        return fhs_fail_memory(work->err);
    }
    uint32_t *slot = code_slot(work, key);
    if (*slot == 0) {
        fhs_str kept = fhs_arena_dup(&work->keys, key);
        if (kept.ptr == NULL) {
            return fhs_fail_memory(work->err);
        }
        work->codes[work->code_count] = (lastn_code){kept, (uint32_t)work->code_count};
        *slot = (uint32_t)++work->code_count;
    }
    *out = *slot - 1;
    return FHIRSTORE_OK;
}

/* "c system|code", or for a code without codings "t text". */
static fhirstore_status key_code(lastn_work *work, char kind, fhs_str system, fhs_str code,
                                 uint32_t *out)
{
    fhs_buf key = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_add_char(&key, kind);
    fhs_buf_add_str(&key, system);
    fhs_buf_add_char(&key, '|');
    fhs_buf_add_str(&key, code);
    fhirstore_status status = fhs_buf_status(&key) == FHIRSTORE_OK
                                  ? place_code(work, fhs_buf_str(&key), out)
                                  : fhs_fail_memory(work->err);
    fhs_buf_clear(&key);
    return status;
}

/* Codings of one Observation mean the same, and so does what is the same as one of them. */
static fhirstore_status group_of(lastn_work *work, const fhs_json *observation, uint32_t *out)
{
    const fhs_json *concept = fhs_json_get(observation, FHS_LIT("code"));
    fhs_str system;
    fhs_str code = FHS_STR_NONE;
    uint32_t n = 0;
    uint32_t other;
    fhirstore_status status = FHIRSTORE_OK;
    while (status >= FHIRSTORE_OK && fhs_concept_coding(concept, n, &system, &code)) {
        status = key_code(work, 'c', system, code, n == 0 ? out : &other);
        if (status >= FHIRSTORE_OK && n > 0) {
            work->codes[head_of(work, other)].parent = head_of(work, *out);
        }
        n++;
    }
    if (n == 0) {
        code = FHS_STR_NONE;
        (void)(fhs_json_is(concept, FHS_JSON_OBJECT) &&
               fhs_json_get_string(concept, FHS_LIT("text"), &code));
        status = key_code(work, 't', FHS_STR_NONE, code, out);
    }
    return status;
}

/* ---- matches ---- */

static fhirstore_status take_match(lastn_work *work, const fhs_version *version)
{
    const fhs_json *root = NULL;
    fhs_arena_reset(&work->scratch);
    if (work->match_count == work->match_capacity) {
        size_t capacity = work->match_capacity == 0 ? 256 : work->match_capacity * 2;
        lastn_match *matches = fhs_realloc(work->matches, capacity * sizeof *matches);
        if (matches == NULL) {
            return fhs_fail_memory(work->err);
        }
        work->matches = matches;
        work->match_capacity = capacity;
    }
    lastn_match *match = &work->matches[work->match_count];
    *match = (lastn_match){.entity = version->entity};
    fhs_str body = version->body;
    fhirstore_status status = FHIRSTORE_OK;
    /* What is not seen of it groups and orders nothing. */
    if (fhs_sight_may_mask(work->call, work->call->type, body)) {
        fhs_buf_reset(&work->shown);
        status = fhs_sight_show(work->call, work->call->type, body, &work->shown, work->err);
        body = fhs_buf_str(&work->shown);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_json_read(&work->scratch, body, NULL, &root, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        match->time = fhs_observation_time(work->call->session->core, root);
        status = group_of(work, root, &match->code);
    }
    work->match_count += status >= FHIRSTORE_OK;
    return status;
}

static fhirstore_status take_matches(lastn_work *work, fhs_search *search)
{
    fhs_version version;
    fhirstore_status status = FHIRSTORE_OK;
    while ((status = fhs_search_next(search, &version, work->err)) == FHIRSTORE_OK) {
        if (work->match_count == FHS_LIMIT_INCLUDE_WALK) {
            return fhs_fail(work->err, FHIRSTORE_ERR_TOO_COSTLY,
                            "more Observations match than FHS_LIMIT_INCLUDE_WALK");
        }
        status = take_match(work, &version);
        if (status < FHIRSTORE_OK) {
            return status;
        }
    }
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

/* The latest first. */
static int compare_times(const lastn_match *x, const lastn_match *y)
{
    if (x->time != y->time) {
        return x->time > y->time ? -1 : 1;
    }
    return x->entity < y->entity ? -1 : x->entity > y->entity;
}

static int by_group(const void *a, const void *b)
{
    const lastn_match *x = a;
    const lastn_match *y = b;
    if (x->code != y->code) {
        return x->code < y->code ? -1 : 1;
    }
    return compare_times(x, y);
}

static int by_time(const void *a, const void *b)
{
    return compare_times(a, b);
}

/* Of each group the last ones; those that are as late as the last of them as well. */
static void keep_last(lastn_work *work)
{
    lastn_match *matches = work->matches;
    size_t kept = 0;
    uint64_t of_group = 0;
    uint32_t group = UINT32_MAX;
    int64_t last = 0;
    for (size_t i = 0; i < work->match_count; i++) {
        matches[i].code = head_of(work, matches[i].code);
    }
    if (work->match_count > 0) {
        qsort(matches, work->match_count, sizeof *matches, by_group);
    }
    for (size_t i = 0; i < work->match_count; i++) {
        const lastn_match match = matches[i];
        of_group = match.code == group ? of_group : 0;
        group = match.code;
        if (of_group < work->max || match.time == last) {
            matches[kept++] = match;
            last = match.time;
            of_group++;
        }
    }
    work->match_count = kept;
    if (kept > 0) {
        qsort(matches, kept, sizeof *matches, by_time);
    }
}

/* ---- the answer ---- */

static fhirstore_status write_lastn(lastn_work *work, fhs_search *search, fhs_buf *out)
{
    fhs_buf path = FHS_BUF_INIT((size_t)1024);
    fhs_entity *entities = fhs_arena_calloc(work->call->arena, work->match_count + 1,
                                            sizeof *entities);
    fhs_operation_write_path(work->call, work->operation, &path);
    if (entities == NULL || fhs_buf_status(&path) != FHIRSTORE_OK) {
        fhs_buf_clear(&path);
        return fhs_fail_memory(work->err);
    }
    for (size_t i = 0; i < work->match_count; i++) {
        entities[i] = work->matches[i].entity;
    }
    fhirstore_status status = fhs_search_write_listed(search, entities, work->match_count,
                                                      fhs_buf_str(&path), out, work->err);
    fhs_search_told(search, &work->call->count, &work->call->total);
    fhs_buf_clear(&path);
    return status;
}

static fhirstore_status search_lastn(lastn_work *work, fhs_buf *out)
{
    fhs_search_env env;
    fhs_search *search = NULL;
    fhirstore_status status = fhs_find_open(work->call, work->params, false, work->call->arena,
                                            work->query, &env, &search, work->err);
    if (status >= FHIRSTORE_OK) {
        fhs_search_in_one_piece(search);
        status = take_matches(work, search);
    }
    if (status >= FHIRSTORE_OK) {
        keep_last(work);
        status = write_lastn(work, search, out);
    }
    fhs_search_close(search);
    return status;
}

static fhirstore_status run_lastn(fhs_call *call, const fhs_operation *operation,
                                  fhs_answer *answer, fhirstore_error **err)
{
    lastn_work work = {.call = call, .operation = operation, .err = err};
    fhirstore_status status = fhs_call_params(call, &work.params, err);
    if (status >= FHIRSTORE_OK) {
        status = read_lastn(&work);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_buf_init(&work.shown, FHS_LIMIT_RESOURCE_BYTES);
    fhs_arena_init(&work.keys, CODES_MAX);
    fhs_arena_init(&work.scratch, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    status = search_lastn(&work, &answer->body);
    fhs_buf_clear(&work.shown);
    fhs_free(work.codes);
    fhs_free(work.slots);
    fhs_free(work.matches);
    fhs_arena_clear(&work.keys);
    fhs_arena_clear(&work.scratch);
    return status;
}

const fhs_operation_def fhs_lastn_operations[] = {
    {.name = FHS_LIT_INIT("lastn"),
     .type = FHS_LIT_INIT("Observation"),
     .levels = FHS_ON_TYPE,
     .run = run_lastn,
     .action = FHIRSTORE_ACTION_SEARCH},
};
const size_t fhs_lastn_operation_count = FHS_COUNT_OF(fhs_lastn_operations);
