/* SPDX-License-Identifier: Apache-2.0 */
/* The programs of one FHIR version, compiled on first use, and extraction by them. */
#include <stdatomic.h>

#include "base/mem.h"
#include "index/program.h"

struct fhs_indexer {
    fhs_indexer *base; /* NULL, or the one whose shapes, units and other programs this one uses */
    const fhs_fhir *fhir;
    int zone_minutes;
    uint8_t *shapes;
    fhs_unit_cache *units;
    _Atomic(fhs_program *) *programs; /* by type */
};

fhirstore_status fhs_indexer_new(const fhs_fhir *fhir, fhs_indexer **indexer_out,
                                 fhirstore_error **err)
{
    *indexer_out = NULL;
    fhs_indexer *indexer = fhs_calloc(1, sizeof *indexer);
    if (indexer == NULL) {
        return fhs_fail_memory(err);
    }
    indexer->fhir = fhir;
    indexer->shapes = fhs_shapes_new(fhir);
    indexer->units = fhs_unit_cache_new();
    indexer->programs = fhs_calloc(fhs_type_count(fhir), sizeof *indexer->programs);
    if (indexer->shapes == NULL || indexer->units == NULL || indexer->programs == NULL) {
        fhs_indexer_free(indexer);
        return fhs_fail_memory(err);
    }
    *indexer_out = indexer;
    return FHIRSTORE_OK;
}

void fhs_indexer_free(fhs_indexer *indexer)
{
    if (indexer == NULL) {
        return;
    }
    if (indexer->programs != NULL) {
        size_t count = fhs_type_count(indexer->fhir);
        for (size_t i = 0; i < count; i++) {
            fhs_program_free(atomic_load_explicit(&indexer->programs[i], memory_order_relaxed));
        }
    }
    fhs_free(indexer->programs);
    if (indexer->base == NULL) {
        fhs_unit_cache_free(indexer->units);
        fhs_free(indexer->shapes);
    }
    fhs_free(indexer);
}

fhirstore_status fhs_indexer_over(fhs_indexer *base, const fhs_fhir *fhir,
                                  fhs_indexer **indexer_out, fhirstore_error **err)
{
    fhs_indexer *indexer = fhs_calloc(1, sizeof *indexer);
    *indexer_out = NULL;
    if (indexer == NULL) {
        return fhs_fail_memory(err);
    }
    indexer->base = base;
    indexer->fhir = fhir;
    indexer->zone_minutes = base->zone_minutes;
    indexer->shapes = base->shapes;
    indexer->units = base->units;
    indexer->programs = fhs_calloc(fhs_type_count(fhir), sizeof *indexer->programs);
    if (indexer->programs == NULL) {
        fhs_indexer_free(indexer);
        return fhs_fail_memory(err);
    }
    *indexer_out = indexer;
    return FHIRSTORE_OK;
}

void fhs_indexer_set_zone(fhs_indexer *indexer, int minutes)
{
    indexer->zone_minutes = minutes;
}

const fhs_fhir *fhs_indexer_fhir(const fhs_indexer *indexer)
{
    return indexer->fhir;
}

/* Two threads may compile the same type; the first one's program stays. */
static fhirstore_status find_program(fhs_indexer *indexer, fhs_type type,
                                     const fhs_program **program_out, fhirstore_error **err)
{
    if (indexer->base != NULL && !fhs_sparam_has_extra(indexer->fhir, type)) {
        indexer = indexer->base;
    }
    _Atomic(fhs_program *) *place = &indexer->programs[type];
    fhs_program *program = atomic_load_explicit(place, memory_order_acquire);
    if (program == NULL) {
        fhirstore_status status = fhs_program_new(indexer->fhir, type, &program, err);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        fhs_program *other = NULL;
        if (!atomic_compare_exchange_strong_explicit(place, &other, program, memory_order_acq_rel,
                                                     memory_order_acquire)) {
            fhs_program_free(program);
            program = other;
        }
    }
    *program_out = program;
    return FHIRSTORE_OK;
}

static fhirstore_status find_type(const fhs_indexer *indexer, const fhs_json *resource,
                                  fhs_type *type_out, fhirstore_error **err)
{
    fhs_str name = FHS_STR_NONE;
    fhs_type type = FHS_TYPE_NONE;
    if (fhs_json_is(resource, FHS_JSON_OBJECT) &&
        fhs_json_get_string(resource, FHS_LIT("resourceType"), &name)) {
        type = fhs_type_find(indexer->fhir, name);
    }
    if (type == FHS_TYPE_NONE || !fhs_type_is_resource(indexer->fhir, type)) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_RESOURCE, "not a resource of a known type");
    }
    *type_out = type;
    return FHIRSTORE_OK;
}

static bool begin_walk(fhs_walk *walk, fhs_indexer *indexer, const fhs_program *program,
                       fhs_arena *arena)
{
    walk->program = program;
    walk->convert.fhir = indexer->fhir;
    walk->convert.units = indexer->units;
    walk->convert.shapes = indexer->shapes;
    walk->convert.zone_minutes = indexer->zone_minutes;
    walk->convert.arena = arena;
    if (program->slot_count > 0) {
        walk->slots = fhs_arena_calloc(arena, program->slot_count, sizeof *walk->slots);
    }
    if (program->counter_count > 0) {
        walk->counters = fhs_arena_calloc(arena, program->counter_count, sizeof *walk->counters);
    }
    return (program->slot_count == 0 || walk->slots != NULL) &&
           (program->counter_count == 0 || walk->counters != NULL);
}

static void add_truths(fhs_walk *walk)
{
    for (const fhs_ptruth *truth = walk->program->truths; truth != NULL; truth = truth->next) {
        int holds = fhs_pred_holds(walk, truth->pred, walk->resource);
        fhs_entry *entry = holds < 0 ? NULL
                                     : fhs_convert_add(&walk->convert, truth->kind == FHS_SP_STRING
                                                                           ? FHS_ROW_STRING
                                                                           : FHS_ROW_TOKEN);
        if (entry != NULL) {
            entry->param = truth->param;
            entry->code = holds == 1 ? FHS_LIT("true") : FHS_LIT("false");
            entry->text = entry->kind == FHS_ROW_STRING ? entry->code : FHS_STR_NONE;
        }
    }
}

/* What the evaluation of one resource stumbles over leaves that parameter without values. */
static fhirstore_status add_fallbacks(fhs_walk *walk, fhirstore_error **err)
{
    for (const fhs_pfallback *at = walk->program->fallbacks; at != NULL; at = at->next) {
        fhirstore_status status = fhs_engine_extract(at->engine, &walk->convert, walk->resource, 0,
                                                     NULL);
        if (status == FHIRSTORE_ERR_NO_MEMORY) {
            return fhs_fail_memory(err);
        }
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_index_extract(fhs_indexer *indexer, fhs_str base_url, const fhs_json *resource,
                                   fhs_arena *arena, fhs_entries *entries, fhirstore_error **err)
{
    const fhs_json_text text = {.root = resource};
    return fhs_index_extract_text(indexer, base_url, &text, arena, entries, err);
}

/* Whether composites collect something below. A trie is as deep as the expressions are. */
static bool feeds_composites(const fhs_pnode *node)
{
    bool feeds = node->roots != NULL;
    for (const fhs_pemit *emit = node->emits; emit != NULL && !feeds; emit = emit->next) {
        feeds = emit->slot != FHS_NO_SLOT;
    }
    for (const fhs_pfilter *filter = node->filters; filter != NULL && !feeds;
         filter = filter->next) {
        feeds = feeds_composites(filter->node);
    }
    for (const fhs_pchild *child = node->children; child != NULL && !feeds; child = child->next) {
        feeds = feeds_composites(child->node);
    }
    return feeds;
}

/* Whether something looks at an array that was handed out together with something else. */
static bool needs_whole(const fhs_program *program, const fhs_json *root)
{
    fhs_str type = FHS_STR_NONE;
    const bool is_bundle = fhs_json_get_string(root, FHS_LIT("resourceType"), &type) &&
                           fhs_str_eq(type, FHS_LIT("Bundle"));
    bool all = program->needs_whole || program->truths != NULL || program->fallbacks != NULL ||
               program->root->filters != NULL || program->root->emits != NULL;
    for (uint32_t i = 0; i < root->count; i++) {
        const fhs_json_member *member = &root->members[i];
        if (!fhs_json_is_handed_out(&member->value)) {
            continue;
        }
        const fhs_pnode *child = program->root->child_count == 0
                                     ? NULL
                                     : fhs_pnode_find(program->root, member->name);
        bool may_be_meant = fhs_str_eq(member->name, FHS_LIT("contained")) || is_bundle;
        if (all || (program->resolves && may_be_meant) ||
            (child != NULL && feeds_composites(child))) {
            return true;
        }
    }
    return false;
}

fhirstore_status fhs_index_extract_text(fhs_indexer *indexer, fhs_str base_url,
                                        const fhs_json_text *text, fhs_arena *arena,
                                        fhs_entries *entries, fhirstore_error **err)
{
    return fhs_index_extract_some(indexer, base_url, text, arena, NULL, entries, err);
}

fhirstore_status fhs_index_extract_some(fhs_indexer *indexer, fhs_str base_url,
                                        const fhs_json_text *text, fhs_arena *arena,
                                        const fhs_entry_taker *taker, fhs_entries *entries,
                                        fhirstore_error **err)
{
    const fhs_json *resource = text->root;
    fhs_type type = FHS_TYPE_NONE;
    const fhs_program *program = NULL;
    fhirstore_status status = find_type(indexer, resource, &type, err);
    if (status == FHIRSTORE_OK) {
        status = find_program(indexer, type, &program, err);
    }
    if (status == FHIRSTORE_OK && needs_whole(program, resource)) {
        status = fhs_json_read(arena, text->text, NULL, &resource, err);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_walk walk = {.resource = resource, .text = text, .taker = taker, .err = err};
    walk.convert.base_url = base_url;
    walk.convert.out = entries;
    if (!begin_walk(&walk, indexer, program, arena)) {
        return fhs_fail_memory(err);
    }
    fhs_walk_node(&walk, program->root, resource);
    if (walk.status < FHIRSTORE_OK && !walk.convert.is_failed) {
        return walk.status;
    }
    add_truths(&walk);
    status = add_fallbacks(&walk, err);
    return walk.convert.is_failed ? fhs_fail_memory(err) : status;
}

/* Nobody looks at the items while the rest is read. */
static fhirstore_status pass_item(void *ctx, fhs_str member, uint32_t index, const fhs_json *item)
{
    (void)ctx;
    (void)member;
    (void)index;
    (void)item;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_index_extract_body(fhs_indexer *indexer, fhs_str base_url, fhs_str body,
                                        fhs_arena *arena, fhs_entries *entries,
                                        fhirstore_error **err)
{
    const fhs_json_pieces pieces = {pass_item, NULL};
    fhs_json_text text = {.text = body};
    fhirstore_status status = fhs_json_read_pieces(
        arena, body, NULL, body.len >= FHS_LARGE_BODY_BYTES ? &pieces : NULL, &text.root, err);
    return status == FHIRSTORE_OK
               ? fhs_index_extract_text(indexer, base_url, &text, arena, entries, err)
               : status;
}

fhirstore_status fhs_indexer_fallbacks(fhs_indexer *indexer, fhs_type type,
                                       void (*visit)(void *ctx, fhs_sparam param), void *ctx,
                                       fhirstore_error **err)
{
    const fhs_program *program = NULL;
    fhirstore_status status = find_program(indexer, type, &program, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    for (const fhs_pfallback *at = program->fallbacks; at != NULL; at = at->next) {
        visit(ctx, at->param);
    }
    return FHIRSTORE_OK;
}
