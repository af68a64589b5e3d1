/* SPDX-License-Identifier: Apache-2.0 */
/* All parameters of a store's own at one moment, and what a change of one does to the numbers. */
#include <stdatomic.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/random.h"
#include "index/custom.h"

#define PARAMS_BYTES_MAX ((size_t)256 * 1024 * 1024)
#define META_NAME_MAX    96u
#define META_VALUE_MAX   32u

static const fhs_str generation_name = FHS_LIT_INIT("search-parameters");
static const fhs_str param_prefix = FHS_LIT_INIT("search-parameter/");
static const fhs_str cursor_prefix = FHS_LIT_INIT("reindex/");
static const fhs_str resource_name = FHS_LIT_INIT("SearchParameter");

struct fhs_params {
    atomic_uint holders;
    fhs_params *base; /* held; NULL: this is one */
    uint64_t generation;
    const fhs_fhir *fhir;
    fhs_catalog *catalog;
    fhs_indexer *indexer;
    fhs_custom *customs;
    size_t count;
    fhs_arena arena;
};

/* ---- small values in the store ---- */

static fhs_str meta_name(char out[META_NAME_MAX], fhs_str prefix, fhs_str rest)
{
    int len = snprintf(out, META_NAME_MAX, "%.*s%.*s", FHS_STR_ARG(prefix), FHS_STR_ARG(rest));
    return fhs_str_of(out, len < 0 || (size_t)len >= META_NAME_MAX ? 0 : (size_t)len);
}

static fhs_str cursor_name(char out[META_NAME_MAX], int32_t type)
{
    char number[16];
    int len = snprintf(number, sizeof number, "%d", type);
    return meta_name(out, cursor_prefix, fhs_str_of(number, (size_t)len));
}

static fhirstore_status read_number_of(fhs_conn *conn, fhs_str name, uint64_t *out,
                                       fhirstore_error **err)
{
    bool is_found = false;
    fhs_buf text = FHS_BUF_INIT(META_VALUE_MAX);
    *out = 0;
    fhirstore_status status = fhs_meta_get(conn, name, &text, &is_found, err);
    if (status == FHIRSTORE_OK && is_found &&
        !fhs_str_to_u64(fhs_buf_str(&text), UINT64_MAX, out)) {
        status = fhs_fail(err, FHIRSTORE_ERR_CORRUPT, "a named value of the store is no number");
    }
    fhs_buf_clear(&text);
    return status;
}

static fhirstore_status set_number_of(fhs_conn *writer, fhs_str name, uint64_t value,
                                      fhirstore_error **err)
{
    char text[META_VALUE_MAX];
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return fhs_meta_set(writer, name, fhs_str_of(text, (size_t)len), err);
}

fhirstore_status fhs_params_read_generation(fhs_conn *conn, uint64_t *out, fhirstore_error **err)
{
    return read_number_of(conn, generation_name, out, err);
}

/* Never one that was there before, also when a transaction is rolled back. */
fhirstore_status fhs_params_new_generation(fhs_conn *writer, fhirstore_error **err)
{
    uint64_t value = 0;
    fhs_random_bytes((uint8_t *)&value, sizeof value);
    return set_number_of(writer, generation_name, value >> 1 | 1, err);
}

fhirstore_status fhs_params_read_cursor(fhs_conn *conn, int32_t type, fhs_entity *out,
                                        fhirstore_error **err)
{
    char name[META_NAME_MAX];
    uint64_t value = 0;
    fhirstore_status status = read_number_of(conn, cursor_name(name, type), &value, err);
    *out = (fhs_entity)value;
    return status;
}

fhirstore_status fhs_params_set_cursor(fhs_conn *writer, int32_t type, fhs_entity entity,
                                       fhirstore_error **err)
{
    char name[META_NAME_MAX];
    return entity == 0 ? fhs_meta_remove(writer, cursor_name(name, type), err)
                       : set_number_of(writer, cursor_name(name, type), (uint64_t)entity, err);
}

/* ---- life ---- */

fhirstore_status fhs_params_new(const fhs_fhir *fhir, fhs_catalog *catalog, fhs_indexer *indexer,
                                fhs_params **out, fhirstore_error **err)
{
    fhs_params *params = fhs_calloc(1, sizeof *params);
    *out = params;
    if (params == NULL) {
        return fhs_fail_memory(err);
    }
    atomic_init(&params->holders, 1);
    fhs_arena_init(&params->arena, PARAMS_BYTES_MAX);
    params->fhir = fhir;
    params->catalog = catalog;
    params->indexer = indexer;
    return FHIRSTORE_OK;
}

fhs_params *fhs_params_hold(fhs_params *params)
{
    (void)atomic_fetch_add_explicit(&params->holders, 1, memory_order_relaxed);
    return params;
}

void fhs_params_drop(fhs_params *params)
{
    if (params == NULL ||
        atomic_fetch_sub_explicit(&params->holders, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (params->base != NULL) {
        if (params->catalog != params->base->catalog) {
            fhs_catalog_free(params->catalog);
        }
        if (params->indexer != params->base->indexer) {
            fhs_indexer_free(params->indexer);
        }
        fhs_params_drop(params->base);
    }
    fhs_arena_clear(&params->arena);
    fhs_free(params);
}

const fhs_fhir *fhs_params_fhir(const fhs_params *params)
{
    return params->fhir;
}

fhs_catalog *fhs_params_catalog(const fhs_params *params)
{
    return params->catalog;
}

fhs_indexer *fhs_params_indexer(const fhs_params *params)
{
    return params->indexer;
}

uint64_t fhs_params_generation(const fhs_params *params)
{
    return params->generation;
}

/* ---- loading ---- */

typedef struct params_loader {
    fhs_params *params;
    fhs_conn *conn;
    fhs_str *ids;
    size_t count;
    size_t capacity;
    uint32_t *late;
    size_t late_count;
    size_t late_capacity;
    bool is_failed;
} params_loader;

/* Room for one more in an arena array. */
static void *grow_list(fhs_arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return items;
    }
    size_t wanted = *capacity == 0 ? 16 : *capacity * 2;
    void *grown = fhs_arena_calloc(arena, wanted, size);
    if (grown != NULL && count > 0) {
        memcpy(grown, items, count * size);
    }
    *capacity = grown == NULL ? *capacity : wanted;
    return grown;
}

static bool collect_id(void *ctx, fhs_str id)
{
    params_loader *loader = ctx;
    fhs_arena *arena = &loader->params->arena;
    fhs_str *ids = grow_list(arena, loader->ids, loader->count, &loader->capacity, sizeof *ids);
    loader->ids = ids;
    loader->is_failed = ids == NULL;
    if (ids != NULL) {
        ids[loader->count] = fhs_arena_dup(arena, id);
        loader->is_failed = ids[loader->count++].ptr == NULL;
    }
    return !loader->is_failed;
}

static bool collect_late(void *ctx, uint32_t number, int32_t type, fhs_param_state state)
{
    params_loader *loader = ctx;
    (void)type;
    if (state != FHS_PARAM_BUILDING) {
        return true;
    }
    uint32_t *late = grow_list(&loader->params->arena, loader->late, loader->late_count,
                               &loader->late_capacity, sizeof *late);
    loader->late = late;
    loader->is_failed = late == NULL;
    if (late != NULL) {
        late[loader->late_count++] = number;
    }
    return !loader->is_failed;
}

static fhirstore_status load_custom(params_loader *loader, fhs_arena *scratch, size_t at,
                                    fhirstore_error **err)
{
    fhs_version version;
    const fhs_json *root;
    fhs_params *params = loader->params;
    fhs_type type = fhs_type_find(params->fhir, resource_name);
    fhs_arena_reset(scratch);
    fhirstore_status status = fhs_resource_read(loader->conn,
                                                fhs_catalog_type(params->base->catalog, type),
                                                loader->ids[at], &version, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_json_read(scratch, version.body, NULL, &root, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_custom_read(params->base->fhir, &params->arena, root, &params->customs[at],
                                 err);
    }
    return status;
}

static void resolve_parts(const fhs_fhir *fhir, fhs_custom *custom)
{
    for (size_t i = 0; i < custom->def.component_count; i++) {
        custom->parts[i].param = fhs_sparam_find_url(fhir, custom->part_urls[i]);
    }
}

/* Definitions of all that were read; components of composites may be among them. */
static fhirstore_status extend_fhir(fhs_params *params, fhirstore_error **err)
{
    fhs_sparam_def *defs = fhs_arena_calloc(&params->arena, params->count + 1, sizeof *defs);
    if (defs == NULL) {
        return fhs_fail_memory(err);
    }
    for (size_t i = 0; i < params->count; i++) {
        defs[i] = params->customs[i].def;
    }
    params->fhir = fhs_fhir_extend(params->base->fhir, &params->arena, defs, params->count);
    if (params->fhir == NULL) {
        return fhs_fail_memory(err);
    }
    for (size_t i = 0; i < params->count; i++) {
        resolve_parts(params->fhir, &params->customs[i]);
        for (size_t p = 0; p < defs[i].component_count; p++) {
            if (params->customs[i].parts[p].param == FHS_SPARAM_NONE) {
                return fhs_fail(err, FHIRSTORE_ERR_CORRUPT,
                                "a composite search parameter has lost a component");
            }
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status load_customs(params_loader *loader, fhirstore_error **err)
{
    fhs_params *params = loader->params;
    fhs_arena scratch;
    fhirstore_status status = fhs_meta_each(loader->conn, param_prefix, collect_id, loader, err);
    if (status == FHIRSTORE_OK && !loader->is_failed) {
        status = fhs_paramnum_unready(loader->conn, collect_late, loader, err);
    }
    if (loader->is_failed) {
        return fhs_fail_memory(err);
    }
    params->customs = fhs_arena_calloc(&params->arena, loader->count + 1, sizeof(fhs_custom));
    if (status == FHIRSTORE_OK && params->customs == NULL) {
        status = fhs_fail_memory(err);
    }
    fhs_arena_init(&scratch, FHS_LIMIT_RESOURCE_BYTES);
    for (size_t i = 0; i < loader->count && status == FHIRSTORE_OK; i++) {
        status = load_custom(loader, &scratch, i, err);
        params->count++;
    }
    fhs_arena_clear(&scratch);
    return status;
}

fhirstore_status fhs_params_load(fhs_params *base, fhs_conn *conn, fhs_params **out,
                                 fhirstore_error **err)
{
    fhs_params *params;
    *out = NULL;
    fhirstore_status status = fhs_params_new(base->fhir, base->catalog, base->indexer, &params,
                                             err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    params->base = fhs_params_hold(base);
    params_loader loader = {.params = params, .conn = conn};
    status = fhs_params_read_generation(conn, &params->generation, err);
    if (status == FHIRSTORE_OK && params->generation != 0) {
        status = load_customs(&loader, err);
    }
    bool has_own = params->count > 0;
    if (status == FHIRSTORE_OK && has_own) {
        status = extend_fhir(params, err);
    }
    /* Those of FHIR itself can be late, too. */
    if (status == FHIRSTORE_OK && (has_own || loader.late_count > 0)) {
        status = fhs_catalog_over(base->catalog, params->fhir, loader.late, loader.late_count,
                                  &params->catalog, err);
    }
    if (status == FHIRSTORE_OK && has_own) {
        status = fhs_indexer_over(base->indexer, params->fhir, &params->indexer, err);
    }
    if (status != FHIRSTORE_OK) {
        fhs_params_drop(params);
        return status;
    }
    *out = params;
    return FHIRSTORE_OK;
}

/* ---- checking ---- */

static fhirstore_status refuse_taken(const char *element, const char *text, fhirstore_error **err)
{
    fhirstore_status status = fhs_fail(err, FHIRSTORE_ERR_CONFLICT, "%s %s", element, text);
    fhs_error_expression(err, fhs_str_from_cstr(element));
    fhs_error_code(err, "duplicate");
    return status;
}

static const fhs_custom *find_custom(const fhs_params *params, fhs_str id)
{
    for (size_t i = 0; i < params->count; i++) {
        if (fhs_str_eq(params->customs[i].id, id)) {
            return &params->customs[i];
        }
    }
    return NULL;
}

static const fhs_fhir *own_fhir(const fhs_params *params)
{
    return params->base == NULL ? params->fhir : params->base->fhir;
}

static fhirstore_status check_own_taken(const fhs_fhir *fhir, const fhs_custom *custom,
                                        fhirstore_error **err)
{
    if (fhs_sparam_find_url(fhir, custom->def.url) != FHS_SPARAM_NONE) {
        return refuse_taken("SearchParameter.url", "is that of a parameter of FHIR itself", err);
    }
    for (size_t i = 0; i < fhs_type_count(fhir); i++) {
        fhs_type type = (fhs_type)i;
        if (fhs_type_get_kind(fhir, type) == FHS_KIND_RESOURCE &&
            fhs_custom_applies(fhir, custom, type) &&
            fhs_sparam_find(fhir, type, custom->def.code) != FHS_SPARAM_NONE) {
            return refuse_taken("SearchParameter.code",
                                "is that of a parameter of FHIR itself on one of the bases", err);
        }
    }
    return FHIRSTORE_OK;
}

static bool share_type(const fhs_fhir *fhir, const fhs_custom *a, const fhs_custom *b)
{
    for (size_t i = 0; i < fhs_type_count(fhir); i++) {
        fhs_type type = (fhs_type)i;
        if (fhs_type_is_resource(fhir, type) && fhs_custom_applies(fhir, a, type) &&
            fhs_custom_applies(fhir, b, type)) {
            return true;
        }
    }
    return false;
}

static fhirstore_status check_other_taken(const fhs_params *params, fhs_str id,
                                          const fhs_custom *custom, fhirstore_error **err)
{
    for (size_t i = 0; i < params->count; i++) {
        const fhs_custom *other = &params->customs[i];
        if (fhs_str_eq(other->id, id)) {
            continue;
        }
        if (fhs_str_eq(other->def.url, custom->def.url)) {
            return refuse_taken("SearchParameter.url", "is that of another active parameter", err);
        }
        if (fhs_str_eq(other->def.code, custom->def.code) &&
            share_type(params->fhir, other, custom)) {
            return refuse_taken("SearchParameter.code",
                                "is that of another active parameter on one of the bases", err);
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status check_parts(const fhs_params *params, fhs_str id, fhs_custom *custom,
                                    fhirstore_error **err)
{
    char element[64];
    const fhs_custom *before = find_custom(params, id);
    resolve_parts(params->fhir, custom);
    for (size_t i = 0; i < custom->def.component_count; i++) {
        fhs_sparam part = custom->parts[i].param;
        bool is_self = fhs_str_eq(custom->part_urls[i], custom->def.url) ||
                       (before != NULL && fhs_str_eq(custom->part_urls[i], before->def.url));
        uint8_t type = part == FHS_SPARAM_NONE ? (uint8_t)FHS_SP_COMPOSITE
                                               : fhs_sparam_get(params->fhir, part).type;
        if (!is_self && type != FHS_SP_COMPOSITE && type != FHS_SP_SPECIAL) {
            continue;
        }
        (void)snprintf(element, sizeof element, "SearchParameter.component[%zu].definition", i);
        fhirstore_status status = fhs_fail(err, FHIRSTORE_ERR_INVARIANT,
                                           part == FHS_SPARAM_NONE
                                               ? "%s names no parameter that is active here"
                                               : "%s names a parameter that cannot be a component",
                                           element);
        fhs_error_expression(err, fhs_str_from_cstr(element));
        fhs_error_code(err, part == FHS_SPARAM_NONE ? "not-found" : "business-rule");
        return status;
    }
    return FHIRSTORE_OK;
}

/* A composite stands on its components: they stay what they are as long as it is active. */
static fhirstore_status check_still_used(const fhs_params *params, fhs_str id,
                                         const fhs_custom *custom, fhirstore_error **err)
{
    const fhs_custom *before = find_custom(params, id);
    if (before == NULL ||
        (custom != NULL && custom->is_active && custom->def.type == before->def.type &&
         fhs_str_eq(custom->def.url, before->def.url))) {
        return FHIRSTORE_OK;
    }
    for (size_t i = 0; i < params->count; i++) {
        const fhs_custom *user = &params->customs[i];
        for (size_t p = 0; p < user->def.component_count; p++) {
            if (fhs_str_eq(user->part_urls[p], before->def.url)) {
                fhirstore_status status = fhs_fail(err, FHIRSTORE_ERR_CONFLICT,
                                                   "the SearchParameter is a component of an "
                                                   "active composite");
                fhs_error_expression(err, FHS_LIT("SearchParameter.url"));
                return status;
            }
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status check_custom(const fhs_params *params, fhs_str id, fhs_custom *custom,
                                     fhirstore_error **err)
{
    fhirstore_status status = check_still_used(params, id, custom, err);
    if (status == FHIRSTORE_OK && custom->is_active) {
        status = check_own_taken(own_fhir(params), custom, err);
        if (status == FHIRSTORE_OK) {
            status = check_other_taken(params, id, custom, err);
        }
        if (status == FHIRSTORE_OK && find_custom(params, id) == NULL &&
            params->count >= FHS_LIMIT_CUSTOM_PARAMS) {
            status = fhs_fail(err, FHIRSTORE_ERR_LIMIT,
                              "the store has FHS_LIMIT_CUSTOM_PARAMS search parameters of its own");
        }
        if (status == FHIRSTORE_OK) {
            status = check_parts(params, id, custom, err);
        }
    }
    return status == FHIRSTORE_OK && !custom->is_published
               ? fhs_custom_check_fit(own_fhir(params), custom, err)
               : status;
}

fhirstore_status fhs_params_check(const fhs_params *params, fhs_str id, const fhs_json *resource,
                                  fhirstore_error **err)
{
    fhs_arena arena;
    fhs_custom custom;
    if (resource == NULL) {
        return check_still_used(params, id, NULL, err);
    }
    fhs_arena_init(&arena, PARAMS_BYTES_MAX);
    fhirstore_status status = fhs_custom_read(own_fhir(params), &arena, resource, &custom, err);
    if (status == FHIRSTORE_OK) {
        status = check_custom(params, id, &custom, err);
    }
    fhs_arena_clear(&arena);
    return status;
}

/* ---- a change ---- */

typedef struct params_change {
    const fhs_params *params;
    fhs_conn *writer;
    const fhs_custom *before; /* NULL: was not in force */
    const fhs_custom *after;  /* NULL: is not */
    bool is_same;             /* gives the same rows */
    fhirstore_error **err;
} params_change;

static fhirstore_status stop_at_first_param(void *ctx, const fhs_version *version)
{
    (void)version;
    *(bool *)ctx = true;
    return FHIRSTORE_DONE;
}

static fhirstore_status drop_number(const params_change *change, int32_t type, bool has_resources)
{
    uint32_t number;
    fhs_param_state state;
    fhirstore_status status = fhs_paramnum_find(change->writer, type, change->before->def.code,
                                                &number, &state, change->err);
    if (status != FHIRSTORE_OK || number == 0) {
        return status;
    }
    return has_resources ? fhs_paramnum_retire(change->writer, number, change->err)
                         : fhs_paramnum_remove(change->writer, number, change->err);
}

static fhirstore_status change_type(const params_change *change, fhs_type type)
{
    const fhs_fhir *fhir = change->params->fhir;
    bool was = change->before != NULL && fhs_custom_applies(fhir, change->before, type);
    bool is = change->after != NULL && fhs_custom_applies(fhir, change->after, type);
    if ((!was && !is) || (was && is && change->is_same)) {
        return FHIRSTORE_OK;
    }
    int32_t number = fhs_catalog_type(change->params->catalog, type);
    bool has_resources = false;
    fhirstore_status status = fhs_resource_each(change->writer, number, 0, stop_at_first_param,
                                                &has_resources, change->err);
    if (status == FHIRSTORE_OK && was) {
        status = drop_number(change, number, has_resources);
    }
    if (status == FHIRSTORE_OK && is) {
        uint32_t added;
        status = fhs_paramnum_add(change->writer, number, change->after->def.code,
                                  has_resources ? FHS_PARAM_BUILDING : FHS_PARAM_READY, &added,
                                  change->err);
    }
    /* What has been walked over does not have the new rows. */
    return status == FHIRSTORE_OK ? fhs_params_set_cursor(change->writer, number, 0, change->err)
                                  : status;
}

static fhirstore_status write_change(const params_change *change, fhs_str id)
{
    char name[META_NAME_MAX];
    const fhs_fhir *fhir = change->params->fhir;
    fhs_str listed = meta_name(name, param_prefix, id);
    fhirstore_status status = change->after != NULL
                                  ? fhs_meta_set(change->writer, listed, FHS_LIT("1"), change->err)
                                  : fhs_meta_remove(change->writer, listed, change->err);
    for (size_t i = 0; i < fhs_type_count(fhir) && status == FHIRSTORE_OK; i++) {
        if (fhs_type_is_resource(fhir, (fhs_type)i)) {
            status = change_type(change, (fhs_type)i);
        }
    }
    return status == FHIRSTORE_OK ? fhs_params_new_generation(change->writer, change->err) : status;
}

fhirstore_status fhs_params_apply(const fhs_params *params, fhs_conn *writer, fhs_str id,
                                  const fhs_json *resource, bool *changed_out,
                                  fhirstore_error **err)
{
    fhs_arena arena;
    fhs_custom custom = {.is_active = false};
    fhirstore_status status = FHIRSTORE_OK;
    params_change change = {
        .params = params, .writer = writer, .before = find_custom(params, id), .err = err};
    *changed_out = false;
    fhs_arena_init(&arena, PARAMS_BYTES_MAX);
    if (resource != NULL) {
        status = fhs_custom_read(own_fhir(params), &arena, resource, &custom, err);
    }
    if (status == FHIRSTORE_OK && custom.is_active) {
        change.after = &custom;
    }
    change.is_same = change.before != NULL && change.after != NULL &&
                     fhs_custom_is_same(change.before, change.after);
    if (status == FHIRSTORE_OK && (change.before != NULL || change.after != NULL)) {
        *changed_out = true;
        status = write_change(&change, id);
    }
    fhs_arena_clear(&arena);
    return status;
}
