/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/ingest.h"

#include "base/limits.h"
#include "interact/criteria.h"
#include "interact/interact.h"
#include "interact/sight.h"
#include "iot/identity.h"

/* Identifiers looked for at a time: as many as an address has room for. */
#define SEARCH_BYTES ((size_t)48 * 1024)

/* A group on its way into the store. */
typedef struct pending_group {
    const fhs_iot_fhir_template *template;
    const fhs_iot_group *group;
    const fhs_iot_identity *identity;
    fhs_str identifier;
    fhs_iot_outcome *outcome;
    struct pending_group *next;
} pending_group;

/* What is stored under an identifier. */
typedef struct stored_observation {
    fhs_str id; /* empty: nothing */
    bool is_ambiguous;
} stored_observation;

typedef struct ingest_work {
    const fhs_iot_ingesting *how;
    fhs_call *call;
    int64_t issued_us;  /* the same for the whole batch */
    fhs_arena *arena;   /* of the outcomes and what they need */
    fhs_arena building; /* of one group */
    const fhs_iot_measurement *const *list;
    size_t count;
    fhs_iot_resolver resolver;
    fhs_iot_map stored; /* stored_observation by identifier */
    pending_group *first;
    pending_group *last;
    fhs_buf text;    /* the Observation at work */
    fhs_buf *report; /* or NULL */
    fhs_iot_ingested *out;
} ingest_work;

static fhs_str engine_system(const ingest_work *work)
{
    return work->how->system.len > 0 ? work->how->system : FHS_LIT(FHS_IOT_SYSTEM);
}

/* ---- outcomes ---- */

static fhs_iot_outcome *add_outcome(ingest_work *work, const fhs_iot_measurement *first,
                                    uint32_t measurement_count)
{
    fhs_iot_outcome *outcome = fhs_arena_calloc(work->arena, 1, sizeof *outcome);
    if (outcome == NULL) {
        return NULL;
    }
    outcome->type = first->type;
    outcome->device_id = first->device_id;
    outcome->measurement_count = measurement_count;
    if (work->out->last == NULL) {
        work->out->first = outcome;
    } else {
        work->out->last->next = outcome;
    }
    work->out->last = outcome;
    return outcome;
}

static void fail_group(fhs_iot_outcome *outcome, const char *kind, fhs_str why)
{
    outcome->result = FHS_IOT_FAILED;
    outcome->kind = kind;
    outcome->why = why;
}

static fhirstore_status fail_bucket(ingest_work *work, const fhs_iot_bucket *bucket,
                                    const char *kind, fhs_str why, fhirstore_error **err)
{
    fhs_iot_outcome *outcome = add_outcome(work, bucket->items[0], bucket->count);
    if (outcome == NULL) {
        return fhs_fail_memory(err);
    }
    fail_group(outcome, kind, why);
    outcome->has_period = true;
    outcome->start = bucket->items[0]->time;
    outcome->end = bucket->items[bucket->count - 1]->time;
    return FHIRSTORE_OK;
}

/* ---- from buckets to groups ---- */

static bool write_identifier(ingest_work *work, pending_group *pending)
{
    const fhs_iot_builder builder = {.group = pending->group,
                                     .patient_id = pending->identity->patient_id,
                                     .device_id = pending->identity->device_id};
    fhs_buf_reset(&work->text);
    fhs_iot_identifier_write(&builder, &work->text);
    if (fhs_buf_status(&work->text) == FHIRSTORE_OK) {
        pending->identifier = fhs_arena_dup(work->arena, fhs_buf_str(&work->text));
    }
    return pending->identifier.ptr != NULL;
}

static fhirstore_status add_pending(ingest_work *work, const fhs_iot_fhir_template *template,
                                    const fhs_iot_identity *identity, const fhs_iot_group *group,
                                    fhirstore_error **err)
{
    pending_group *pending = fhs_arena_calloc(work->arena, 1, sizeof *pending);
    if (pending == NULL) {
        return fhs_fail_memory(err);
    }
    pending->template = template;
    pending->group = group;
    pending->identity = identity;
    pending->outcome = add_outcome(work, group->first, group->measurement_count);
    if (pending->outcome == NULL || !write_identifier(work, pending)) {
        return fhs_fail_memory(err);
    }
    pending->outcome->has_period = true;
    pending->outcome->start = group->start;
    pending->outcome->end = group->end;
    if (work->last == NULL) {
        work->first = pending;
    } else {
        work->last->next = pending;
    }
    work->last = pending;
    return FHIRSTORE_OK;
}

static fhirstore_status plan_bucket(ingest_work *work, const fhs_iot_bucket *bucket,
                                    fhirstore_error **err)
{
    const fhs_iot_measurement *first = bucket->items[0];
    const fhs_iot_fhir_template *template = fhs_iot_fhir_find(work->how->mapping, first->type);
    const fhs_iot_identity *identity;
    fhs_iot_group *groups;
    size_t count;
    bool lacks_id;
    if (template == NULL) {
        return fail_bucket(work, bucket, FHS_IOT_TEMPLATE_NOT_FOUND,
                           FHS_LIT("the FHIR mapping has no template for this type"), err);
    }
    fhirstore_status status = fhs_iot_groups(work->arena, bucket, template, work->how->flags,
                                             &groups, &count, &lacks_id, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (lacks_id) {
        return fail_bucket(work, bucket, FHS_IOT_NO_CORRELATION_ID,
                           FHS_LIT("the FHIR mapping groups by correlationId, and there is none"),
                           err);
    }
    status = fhs_iot_resolve(&work->resolver, first, &identity, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (identity->kind != NULL) {
        return fail_bucket(work, bucket, identity->kind, identity->why, err);
    }
    for (size_t i = 0; status >= FHIRSTORE_OK && i < count; i++) {
        status = add_pending(work, template, identity, &groups[i], err);
    }
    return status;
}

/* ---- what is stored already ---- */

/* Whether one of the Observation's identifiers is one that is looked for, and the whole of it. */
static fhirstore_status note_stored(ingest_work *work, fhs_str id, fhirstore_error **err)
{
    fhs_call *call = work->call;
    const fhs_json *root;
    fhs_str text;
    fhirstore_status status = fhs_iot_read_body(call, fhs_iot_type(call, "Observation"), id, &text,
                                                &root, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const fhs_json *list = fhs_json_get(root, FHS_LIT("identifier"));
    for (uint32_t i = 0; fhs_json_is(list, FHS_JSON_ARRAY) && i < list->count; i++) {
        fhs_str system = FHS_STR_NONE;
        fhs_str value = FHS_STR_NONE;
        (void)fhs_json_get_string(&list->items[i], FHS_LIT("system"), &system);
        (void)fhs_json_get_string(&list->items[i], FHS_LIT("value"), &value);
        stored_observation *stored = fhs_iot_map_get(&work->stored, value);
        if (stored == NULL || !fhs_str_eq(system, engine_system(work)) ||
            list->items[i].count != 2 || fhs_str_eq(stored->id, id)) {
            continue;
        }
        stored->is_ambiguous = stored->id.len > 0;
        stored->id = fhs_arena_dup(work->arena, id);
        if (stored->id.ptr == NULL) {
            return fhs_fail_memory(err);
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status search_stored(ingest_work *work, const fhs_buf *query,
                                      fhirstore_error **err)
{
    fhs_call *call = work->call;
    const fhs_type type = fhs_iot_type(call, "Observation");
    fhs_criteria criteria = fhs_criteria_of(call->session, type, fhs_buf_str(query));
    criteria.wanted = FHS_LIMIT_QUERY_VALUES;
    fhs_arena_reset(&call->session->arena);
    fhirstore_status status = fhs_buf_status(query);
    status = status < FHIRSTORE_OK ? fhs_fail_plain(err, status)
                                   : fhs_criteria_find(call, type, &criteria, err);
    if (status < FHIRSTORE_OK && !fhs_iot_ends_batch(status)) {
        /* Who may not search does without: what has the id that would be made is found anyway. */
        criteria.count = 0;
        status = FHIRSTORE_OK;
        if (err != NULL) {
            fhs_error_free(*err);
            *err = NULL;
        }
    }
    for (size_t i = 0; status >= FHIRSTORE_OK && i < criteria.count; i++) {
        const fhs_arena_mark mark = fhs_arena_here(&call->session->arena);
        status = note_stored(work, criteria.ids[i], err);
        fhs_arena_rewind(&call->session->arena, mark);
    }
    return status;
}

static fhirstore_status expect_identifier(ingest_work *work, fhs_str identifier, bool *is_new_out,
                                          fhirstore_error **err)
{
    *is_new_out = fhs_iot_map_get(&work->stored, identifier) == NULL;
    if (!*is_new_out) {
        return FHIRSTORE_OK;
    }
    stored_observation *stored = fhs_arena_calloc(work->arena, 1, sizeof *stored);
    return stored != NULL && fhs_iot_map_put(&work->stored, identifier, stored)
               ? FHIRSTORE_OK
               : fhs_fail_memory(err);
}

/* All identifiers of the batch in a few searches. */
static fhirstore_status find_stored(ingest_work *work, fhirstore_error **err)
{
    fhs_buf query = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES * 4);
    fhirstore_status status = FHIRSTORE_OK;
    const pending_group *pending = work->first;
    for (; status >= FHIRSTORE_OK && pending != NULL; pending = pending->next) {
        bool is_new;
        status = expect_identifier(work, pending->identifier, &is_new, err);
        if (status < FHIRSTORE_OK || !is_new) {
            continue;
        }
        if (query.len > SEARCH_BYTES) {
            status = search_stored(work, &query, err);
            fhs_buf_reset(&query);
        }
        fhs_buf_add_cstr(&query, query.len == 0 ? "identifier=" : ",");
        fhs_iot_token_write(engine_system(work), pending->identifier, &query);
    }
    if (status >= FHIRSTORE_OK && query.len > 0) {
        status = search_stored(work, &query, err);
    }
    fhs_buf_clear(&query);
    return status;
}

/* ---- one group ---- */

static fhs_iot_builder builder_of(ingest_work *work, const pending_group *pending, fhs_str id)
{
    return (fhs_iot_builder){
        .template = pending->template,
        .group = pending->group,
        .flags = work->how->flags,
        .system = engine_system(work),
        .patient_id = pending->identity->patient_id,
        .device_id = pending->identity->device_id,
        .encounter_id = pending->identity->encounter_id,
        .id = id,
        .identifier = pending->identifier,
        .issued_us = work->issued_us,
        .arena = &work->building,
    };
}

/* What a build failed with, as the group's outcome. */
static fhirstore_status fail_build(ingest_work *work, const fhs_iot_builder *builder,
                                   fhs_iot_outcome *outcome, fhirstore_error **err)
{
    if (builder->kind == NULL) {
        return fhs_fail_memory(err);
    }
    fhs_str why = fhs_arena_dup(work->arena, fhs_str_from_cstr(builder->why));
    if (why.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    fail_group(outcome, builder->kind, why);
    outcome->field = builder->field;
    return FHIRSTORE_OK;
}

/* The store's reason, which never holds content, as the group's outcome. */
static fhirstore_status fail_store(ingest_work *work, fhirstore_status status,
                                   fhs_iot_outcome *outcome, fhirstore_error **err)
{
    if (fhs_iot_ends_batch(status)) {
        return status;
    }
    const char *text = err != NULL && *err != NULL ? fhs_error_message(*err)
                                                   : fhs_status_text(status);
    fhs_str why = fhs_arena_dup(work->arena, fhs_str_from_cstr(text));
    if (err != NULL) {
        fhs_error_free(*err);
        *err = NULL;
    }
    if (why.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    fail_group(outcome, FHS_IOT_REFUSED_BY_STORE, why);
    return FHIRSTORE_OK;
}

static fhirstore_status create_group(ingest_work *work, const pending_group *pending, fhs_str id,
                                     bool was_stored, fhirstore_error **err)
{
    fhs_iot_outcome *outcome = pending->outcome;
    fhs_iot_builder builder = builder_of(work, pending, id);
    fhs_buf_reset(&work->text);
    if (!fhs_iot_observation_write(&builder, &work->text)) {
        return fail_build(work, &builder, outcome, err);
    }
    fhirstore_status status = fhs_buf_status(&work->text);
    status = status < FHIRSTORE_OK
                 ? fhs_fail_plain(err, status)
                 : fhs_iot_put(work->call, fhs_iot_type(work->call, "Observation"), id, was_stored,
                               fhs_buf_str(&work->text), &outcome->version, err);
    if (status < FHIRSTORE_OK) {
        return fail_store(work, status, outcome, err);
    }
    outcome->result = FHS_IOT_CREATED;
    outcome->id = id;
    return FHIRSTORE_OK;
}

/* Merging, as the work of a call of its own. */
typedef struct merge_call {
    ingest_work *work;
    const pending_group *pending;
    bool is_built; /* otherwise the outcome says why not */
} merge_call;

static fhirstore_status store_merged(fhs_call *call, merge_call *merge, fhirstore_error **err)
{
    static const fhs_condition anything = {0};
    fhs_prepared prepared;
    fhs_answer answer;
    fhs_answer_init(&answer);
    fhirstore_status status = fhs_prepare(call->session, call->type,
                                          fhs_buf_str(&merge->work->text), &prepared, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_store_resource(call, &prepared, call->id, &anything, false, &answer, err);
    }
    merge->pending->outcome->version = answer.version;
    merge->pending->outcome->result = FHS_IOT_UPDATED;
    fhs_answer_clear(&answer);
    return status;
}

/* The version that stays. */
static fhirstore_status keep_stored(fhs_call *call, const merge_call *merge, fhirstore_error **err)
{
    fhs_version version;
    fhirstore_status status = fhs_resource_read(
        call->conn, fhs_catalog_type(call->session->core->catalog, call->type), call->id, &version,
        err);
    if (status >= FHIRSTORE_OK) {
        call->version_before = version.version;
        call->version_after = version.version;
        merge->pending->outcome->version = version.version;
        merge->pending->outcome->result = FHS_IOT_UNCHANGED;
    }
    return status;
}

static fhirstore_status merge_run(fhs_call *call, void *ctx, fhirstore_error **err)
{
    merge_call *merge = ctx;
    ingest_work *work = merge->work;
    const fhs_json *root;
    fhs_str text;
    bool changed = false;
    fhs_iot_builder builder = builder_of(work, merge->pending, call->id);
    fhirstore_status status = fhs_sight_find(call, call->type, call->id, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_iot_read_body(call, call->type, call->id, &text, &root, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_buf_reset(&work->text);
    merge->is_built = fhs_iot_observation_merge(&builder, text, root, &work->text, &changed);
    if (!merge->is_built) {
        status = fail_build(work, &builder, merge->pending->outcome, err);
        return status < FHIRSTORE_OK
                   ? status
                   : fhs_fail(err, FHIRSTORE_ERR_CONFLICT, "the group does not fit what is stored");
    }
    if (changed && fhs_buf_status(&work->text) < FHIRSTORE_OK) {
        return fhs_fail_plain(err, fhs_buf_status(&work->text));
    }
    return changed ? store_merged(call, merge, err) : keep_stored(call, merge, err);
}

static fhirstore_status merge_group(ingest_work *work, const pending_group *pending, fhs_str id,
                                    fhirstore_error **err)
{
    fhs_call call;
    merge_call merge = {work, pending, true};
    const fhs_held_mark mark = fhs_call_mark(work->call);
    fhirstore_status status = fhs_conn_savepoint(work->call->conn, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_call_nest(&call, work->call, FHIRSTORE_ACTION_UPDATE,
                  fhs_iot_type(work->call, "Observation"), id, FHS_STR_NONE);
    status = fhs_call_write(&call, merge_run, &merge, err);
    fhs_call_end(&call);
    if (status >= FHIRSTORE_OK) {
        pending->outcome->id = id;
        status = fhs_conn_savepoint_release(work->call->conn, err);
        return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
    }
    fhs_conn_savepoint_rollback(work->call->conn);
    fhs_call_fail_held(work->call, mark, status);
    if (!merge.is_built && !fhs_iot_ends_batch(status)) {
        if (err != NULL) {
            fhs_error_free(*err);
            *err = NULL;
        }
        return FHIRSTORE_OK; /* the outcome tells */
    }
    return fail_store(work, status, pending->outcome, err);
}

static void count_outcome(ingest_work *work, const fhs_iot_outcome *outcome)
{
    fhs_iot_totals *totals = &work->out->totals;
    totals->created += outcome->result == FHS_IOT_CREATED;
    totals->updated += outcome->result == FHS_IOT_UPDATED;
    totals->unchanged += outcome->result == FHS_IOT_UNCHANGED;
    totals->failed += outcome->result == FHS_IOT_FAILED;
}

/* Nothing has the identifier. What has the id that belongs to it is merged into all the same. */
static fhirstore_status write_new_group(ingest_work *work, const pending_group *pending,
                                        stored_observation *stored, fhirstore_error **err)
{
    char id[FHS_IOT_ID_LEN + 1];
    bool was_stored = false;
    bool is_there = false;
    fhs_iot_id_of(engine_system(work), pending->identifier, id);
    fhs_str kept = fhs_arena_dup(work->arena, fhs_str_of(id, FHS_IOT_ID_LEN));
    if (kept.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    fhirstore_status status = fhs_iot_look_for_id(
        work->call, fhs_iot_type(work->call, "Observation"), kept, &was_stored, &is_there, err);
    if (status >= FHIRSTORE_OK) {
        status = is_there ? merge_group(work, pending, kept, err)
                          : create_group(work, pending, kept, was_stored, err);
    }
    if (status >= FHIRSTORE_OK && pending->outcome->result != FHS_IOT_FAILED) {
        stored->id = kept;
    }
    return status;
}

static fhirstore_status write_group(ingest_work *work, const pending_group *pending,
                                    fhirstore_error **err)
{
    stored_observation *stored = fhs_iot_map_get(&work->stored, pending->identifier);
    fhs_arena_reset(&work->building);
    fhs_arena_reset(&work->call->session->arena);
    if (stored->is_ambiguous) {
        fail_group(pending->outcome, FHS_IOT_MULTIPLE_FOUND,
                   FHS_LIT("more than one Observation has this identifier"));
        return FHIRSTORE_OK;
    }
    return stored->id.len > 0 ? merge_group(work, pending, stored->id, err)
                              : write_new_group(work, pending, stored, err);
}

/* ---- the batch ---- */

static fhirstore_status tell_outcomes(ingest_work *work, fhirstore_error **err)
{
    const fhs_iot_outcome *outcome = work->out->first;
    for (; outcome != NULL; outcome = outcome->next) {
        count_outcome(work, outcome);
        if (work->report != NULL) {
            fhs_iot_outcome_write(outcome, work->report);
            fhs_buf_add_char(work->report, '\n');
        }
    }
    fhirstore_status status = work->report == NULL ? FHIRSTORE_OK : fhs_buf_status(work->report);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

static fhirstore_status ingest_run(fhs_call *call, void *ctx, fhirstore_error **err)
{
    ingest_work *work = ctx;
    fhs_iot_bucket *buckets;
    size_t count;
    work->call = call;
    work->issued_us = work->how->now_us != 0 ? work->how->now_us
                                             : fhs_core_now(call->session->core);
    fhs_iot_resolver_init(&work->resolver, call, work->how, work->arena);
    fhs_iot_map_init(&work->stored, work->arena);
    fhirstore_status status = fhs_iot_buckets(work->arena, work->list, work->count, &buckets,
                                              &count, err);
    for (size_t i = 0; status >= FHIRSTORE_OK && i < count; i++) {
        status = plan_bucket(work, &buckets[i], err);
    }
    if (status >= FHIRSTORE_OK) {
        status = find_stored(work, err);
    }
    for (const pending_group *at = work->first; status >= FHIRSTORE_OK && at != NULL;
         at = at->next) {
        status = write_group(work, at, err);
        call->count++;
    }
    return status < FHIRSTORE_OK ? status : tell_outcomes(work, err);
}

fhirstore_status fhs_iot_ingest(fhs_session *session, const fhs_iot_ingesting *how,
                                fhs_arena *arena, const fhs_iot_measurement *const *list,
                                size_t count, fhs_buf *report, fhs_iot_ingested *out,
                                fhirstore_error **err)
{
    fhs_call call;
    ingest_work work = {.how = how,
                        .arena = arena,
                        .list = list,
                        .count = count,
                        .text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES),
                        .report = report,
                        .out = out};
    *out = (fhs_iot_ingested){.first = NULL};
    if (fhs_fhir_version_of(session->core->fhir) == FHS_FHIR_R5) {
        return fhs_session_refuse(session, FHIRSTORE_ACTION_TRANSACTION, FHS_TYPE_NONE,
                                  FHS_STR_NONE, FHS_STR_NONE,
                                  fhs_fail(err, FHIRSTORE_ERR_NOT_SUPPORTED,
                                           "a Device of FHIR R5 says nothing of its patient: "
                                           "measurements need a store of R4 or R4B"));
    }
    fhs_arena_init(&work.building, SIZE_MAX);
    fhs_call_begin(&call, session, FHIRSTORE_ACTION_CONVERT, FHS_TYPE_NONE, FHS_STR_NONE,
                   FHS_STR_NONE);
    fhirstore_status status = fhs_call_write(&call, ingest_run, &work, err);
    fhs_call_end(&call);
    fhs_buf_clear(&work.text);
    fhs_arena_clear(&work.building);
    if (status < FHIRSTORE_OK) {
        *out = (fhs_iot_ingested){.first = NULL}; /* nothing of it is stored */
    }
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

/* ---- outcomes as text ---- */

static void write_outcome_text(fhs_buf *out, const char *name, fhs_str text)
{
    if (text.len > 0) {
        fhs_buf_addf(out, ",\"%s\":", name);
        fhs_json_write_string(out, text);
    }
}

void fhs_iot_outcome_write(const fhs_iot_outcome *outcome, fhs_buf *out)
{
    static const char *const names[] = {"created", "updated", "unchanged", "failed"};
    fhs_buf_addf(out, "{\"group\":\"%s\"", names[outcome->result]);
    write_outcome_text(out, "type", outcome->type);
    write_outcome_text(out, "deviceId", outcome->device_id);
    if (outcome->has_period) {
        fhs_buf_add_cstr(out, ",\"start\":\"");
        fhs_iot_time_write(outcome->start, out);
        fhs_buf_add_cstr(out, "\",\"end\":\"");
        fhs_iot_time_write(outcome->end, out);
        fhs_buf_add_char(out, '"');
    }
    fhs_buf_addf(out, ",\"measurements\":%u", outcome->measurement_count);
    if (outcome->result != FHS_IOT_FAILED) {
        fhs_buf_add_cstr(out, ",\"reference\":\"Observation/");
        fhs_buf_add_str(out, outcome->id);
        fhs_buf_addf(out, "\",\"version\":%lld", (long long)outcome->version);
    } else {
        fhs_buf_addf(out, ",\"kind\":\"%s\"", outcome->kind);
        write_outcome_text(out, "text", outcome->why);
        write_outcome_text(out, "field", outcome->field);
    }
    fhs_buf_add_char(out, '}');
}
