/* SPDX-License-Identifier: Apache-2.0 */
/* The full-text index follows the change sequence. */
#include "index/fulltext.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/order.h"
#include "storage/fulltext.h"

typedef struct text_step {
    fhs_conn *writer;
    int64_t from; /* the sequence at which the index stands */
    int64_t to;
    uint32_t count;
    int64_t *entities;
    uint32_t most;
    fhs_words words;
    fhs_arena arena;
    fhs_buf body;
    fhirstore_error **err;
} text_step;

fhirstore_status fhs_fulltext_stands(fhs_conn *conn, int64_t *seq_out, bool *usable_out,
                                     fhirstore_error **err)
{
    int64_t meaning;
    fhirstore_status status = fhs_fulltext_state(conn, seq_out, &meaning, err);
    *usable_out = status == FHIRSTORE_OK && meaning == FHS_FULLTEXT_MEANING;
    if (!*usable_out) {
        *seq_out = 0;
    }
    return status;
}

static fhirstore_status note_change(void *ctx, int64_t seq, fhs_entity entity)
{
    text_step *step = ctx;
    step->to = seq;
    step->entities[step->count++] = entity;
    return FHIRSTORE_OK;
}

static fhirstore_status take_body(text_step *step, fhs_str body)
{
    const fhs_json *root;
    fhs_arena_reset(&step->arena);
    fhirstore_status status = fhs_json_read(&step->arena, body, NULL, &root, step->err);
    return status == FHIRSTORE_OK ? fhs_words_take(&step->words, root, step->err) : status;
}

/* Out with what the index has of the entity: the version of its time. */
static fhirstore_status take_out(text_step *step, fhs_entity entity)
{
    bool found = false;
    fhs_buf_reset(&step->body);
    fhirstore_status status = fhs_fulltext_body_at(step->writer, entity, step->from, &step->body,
                                                   &found, step->err);
    if (status != FHIRSTORE_OK || !found) {
        return status;
    }
    status = take_body(step, fhs_buf_str(&step->body));
    return status == FHIRSTORE_OK
               ? fhs_fulltext_remove(step->writer, entity, fhs_buf_str(&step->words.narrative),
                                     fhs_buf_str(&step->words.content), step->err)
               : status;
}

/*
 * In with the version of the step's end. It is the current one, unless there have been more changes
 * behind the step: then what is current comes with them.
 */
static fhirstore_status put_in(text_step *step, fhs_entity entity)
{
    fhs_version version;
    bool found = true;
    fhirstore_status status = fhs_resource_read_entity(step->writer, entity, &version, step->err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_buf_reset(&step->body);
    if (version.seq > step->to) {
        status = fhs_fulltext_body_at(step->writer, entity, step->to, &step->body, &found,
                                      step->err);
    } else {
        found = !version.is_deleted;
        fhs_buf_add_str(&step->body, version.body);
        status = fhs_buf_status(&step->body);
        status = status == FHIRSTORE_OK ? status : fhs_fail_plain(step->err, status);
    }
    if (status == FHIRSTORE_OK && found) {
        status = take_body(step, fhs_buf_str(&step->body));
    }
    return status == FHIRSTORE_OK && found
               ? fhs_fulltext_add(step->writer, entity, fhs_buf_str(&step->words.narrative),
                                  fhs_buf_str(&step->words.content), step->err)
               : status;
}

static fhirstore_status run_step(text_step *step)
{
    bool usable;
    fhirstore_status status = fhs_fulltext_stands(step->writer, &step->from, &usable, step->err);
    if (status == FHIRSTORE_OK && !usable) {
        status = fhs_fulltext_clear(step->writer, step->err);
    }
    step->to = step->from;
    if (status == FHIRSTORE_OK) {
        status = fhs_fulltext_changes(step->writer, step->from, step->most, note_change, step,
                                      step->err);
    }
    if (status != FHIRSTORE_OK || (step->count == 0 && usable)) {
        return status;
    }
    /* In ascending order the index gathers them all before it writes. */
    qsort(step->entities, step->count, sizeof *step->entities, fhs_compare_int64);
    for (uint32_t i = 0; i < step->count && status == FHIRSTORE_OK; i++) {
        if (i > 0 && step->entities[i] == step->entities[i - 1]) {
            continue;
        }
        status = step->from > 0 ? take_out(step, step->entities[i]) : FHIRSTORE_OK;
        if (status == FHIRSTORE_OK) {
            status = put_in(step, step->entities[i]);
        }
    }
    return status == FHIRSTORE_OK
               ? fhs_fulltext_set_state(step->writer, step->to, FHS_FULLTEXT_MEANING, step->err)
               : status;
}

static void open_step(text_step *step)
{
    fhs_words_init(&step->words);
    fhs_arena_init(&step->arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&step->body, FHS_LIMIT_RESOURCE_BYTES);
}

static void close_step(text_step *step)
{
    fhs_buf_clear(&step->body);
    fhs_arena_clear(&step->arena);
    fhs_words_clear(&step->words);
    fhs_free(step->entities);
}

fhirstore_status fhs_fulltext_forget(fhs_conn *writer, const fhs_version *current, bool whole,
                                     fhirstore_error **err)
{
    text_step step = {.writer = writer, .err = err};
    bool usable;
    fhirstore_status status = fhs_fulltext_stands(writer, &step.from, &usable, err);
    if (status != FHIRSTORE_OK || !usable || step.from == 0) {
        return status;
    }
    const bool is_in = current->seq <= step.from;
    if (is_in && (!whole || current->is_deleted)) {
        return FHIRSTORE_OK;
    }
    open_step(&step);
    if (!is_in) {
        status = take_out(&step, current->entity);
    } else {
        status = take_body(&step, current->body);
        if (status == FHIRSTORE_OK) {
            status = fhs_fulltext_remove(writer, current->entity,
                                         fhs_buf_str(&step.words.narrative),
                                         fhs_buf_str(&step.words.content), err);
        }
    }
    close_step(&step);
    return status;
}

fhirstore_status fhs_fulltext_step(fhs_conn *writer, uint32_t most, uint32_t *count_out,
                                   fhirstore_error **err)
{
    text_step step = {.writer = writer, .most = most, .err = err};
    *count_out = 0;
    step.entities = fhs_calloc(most, sizeof *step.entities);
    if (step.entities == NULL) {
        return fhs_fail_memory(err);
    }
    open_step(&step);
    fhirstore_status status = run_step(&step);
    if (status == FHIRSTORE_OK) {
        *count_out = step.count;
    }
    close_step(&step);
    return status;
}
