/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store learns the names of the definitions, and what its rows were made with. Where there are
 * resources already, a name that is new is being indexed from then on; after a change of what
 * extraction means every parameter gets a new number, and the old one keeps the old rows until
 * they are dropped.
 */
#include "base/mem.h"
#include "index/custom.h"
#include "index/index_internal.h"

#define DEFINITIONS_TEXT_MAX 256u
#define TYPE_PARAMS_MAX      4096u
#define TYPE_PARAM_BYTES_MAX ((size_t)16 * 1024 * 1024)

/* Under these names the store keeps which definitions and which extraction it is of. */
static const fhs_str definitions_name = FHS_LIT_INIT("definitions");
static const fhs_str extraction_name = FHS_LIT_INIT("extraction");

/* "R4 4.0.1 1398": other definitions may bring other names. */
static void describe_definitions(const fhs_fhir *fhir, fhs_buf *out)
{
    fhs_buf_add_str(out, fhs_fhir_version_name(fhir));
    fhs_buf_add_char(out, ' ');
    fhs_buf_add_str(out, fhs_fhir_version_number(fhir));
    fhs_buf_add_char(out, ' ');
    fhs_buf_add_u64(out, fhs_sparam_count(fhir));
}

static fhirstore_status check_definitions(const fhs_fhir *fhir, fhs_conn *conn, bool *is_same_out,
                                          fhirstore_error **err)
{
    bool is_found = false;
    fhs_buf want = FHS_BUF_INIT(DEFINITIONS_TEXT_MAX);
    fhs_buf have = FHS_BUF_INIT(DEFINITIONS_TEXT_MAX);
    describe_definitions(fhir, &want);
    fhirstore_status status = fhs_meta_get(conn, definitions_name, &have, &is_found, err);
    *is_same_out = status == FHIRSTORE_OK && is_found &&
                   fhs_str_eq(fhs_buf_str(&have), fhs_buf_str(&want));
    fhs_buf_clear(&want);
    fhs_buf_clear(&have);
    return status;
}

/* 0: the store does not say. */
static fhirstore_status read_extraction(fhs_conn *conn, uint64_t *out, fhirstore_error **err)
{
    bool is_found = false;
    fhs_buf text = FHS_BUF_INIT(DEFINITIONS_TEXT_MAX);
    *out = 0;
    fhirstore_status status = fhs_meta_get(conn, extraction_name, &text, &is_found, err);
    if (status == FHIRSTORE_OK && is_found &&
        !fhs_str_to_u64(fhs_buf_str(&text), UINT32_MAX, out)) {
        status = fhs_fail(err, FHIRSTORE_ERR_CORRUPT, "the store's extraction is no number");
    }
    fhs_buf_clear(&text);
    if (status == FHIRSTORE_OK && *out > FHS_EXTRACTION_VERSION) {
        status = fhs_fail(err, FHIRSTORE_ERR_SCHEMA,
                          "the store's index has extraction version %llu, this library knows up "
                          "to %d",
                          (unsigned long long)*out, FHS_EXTRACTION_VERSION);
    }
    return status;
}

fhirstore_status fhs_install_is_done(const fhs_fhir *fhir, fhs_conn *conn, bool *is_done_out,
                                     fhirstore_error **err)
{
    uint64_t extraction;
    fhirstore_status status = read_extraction(conn, &extraction, err);
    if (status == FHIRSTORE_OK) {
        status = check_definitions(fhir, conn, is_done_out, err);
    }
    *is_done_out = status == FHIRSTORE_OK && *is_done_out && extraction == FHS_EXTRACTION_VERSION;
    return status;
}

/* ---- one type ---- */

typedef struct type_install {
    fhs_conn *writer;
    int32_t type;
    bool has_resources;
    bool changed; /* some parameter is being indexed now */
    fhs_arena arena;
    fhs_str codes[TYPE_PARAMS_MAX];
    uint32_t numbers[TYPE_PARAMS_MAX];
    size_t count;
    bool is_failed;
} type_install;

static fhirstore_status note_resource(void *ctx, const fhs_version *version)
{
    (void)version;
    *(bool *)ctx = true;
    return FHIRSTORE_DONE;
}

static bool note_code(void *ctx, fhs_str code, uint32_t number)
{
    type_install *work = ctx;
    /* No parameter's code has a blank; those that were dropped have. */
    if (memchr(code.ptr, ' ', code.len) != NULL) {
        return true;
    }
    work->codes[work->count] = fhs_arena_dup(&work->arena, code);
    work->is_failed = work->codes[work->count].ptr == NULL;
    work->numbers[work->count++] = number;
    return !work->is_failed && work->count < TYPE_PARAMS_MAX;
}

static fhirstore_status add_number(type_install *work, fhs_str code, fhirstore_error **err)
{
    uint32_t unused;
    work->changed = work->changed || work->has_resources;
    return fhs_paramnum_add(work->writer, work->type, code,
                            work->has_resources ? FHS_PARAM_BUILDING : FHS_PARAM_READY, &unused,
                            err);
}

/* Whatever the type has, also parameters of the store's own, is extracted anew. */
static fhirstore_status renew_numbers(type_install *work, fhirstore_error **err)
{
    if (!work->has_resources) {
        return FHIRSTORE_OK;
    }
    work->count = 0;
    fhirstore_status status = fhs_paramnum_each(work->writer, work->type, note_code, work, err);
    if (status == FHIRSTORE_OK && work->is_failed) {
        status = fhs_fail_memory(err);
    }
    for (size_t i = 0; i < work->count && status == FHIRSTORE_OK; i++) {
        status = fhs_paramnum_retire(work->writer, work->numbers[i], err);
        if (status == FHIRSTORE_OK) {
            status = add_number(work, work->codes[i], err);
        }
    }
    return status;
}

static fhirstore_status add_missing(type_install *work, const fhs_fhir *fhir, fhs_type type,
                                    fhirstore_error **err)
{
    const fhs_sparam *list = NULL;
    fhirstore_status status = FHIRSTORE_OK;
    size_t count = fhs_sparam_list(fhir, type, &list);
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        uint32_t number;
        fhs_param_state state;
        fhs_str code = fhs_sparam_get(fhir, list[i]).code;
        status = fhs_paramnum_find(work->writer, work->type, code, &number, &state, err);
        if (status == FHIRSTORE_OK && number == 0) {
            status = add_number(work, code, err);
        }
    }
    return status;
}

static fhirstore_status install_type(type_install *work, const fhs_fhir *fhir, fhs_type type,
                                     bool renew, fhirstore_error **err)
{
    bool changed = work->changed;
    fhirstore_status status = fhs_typenum_intern(work->writer, fhs_type_name(fhir, type),
                                                 &work->type, err);
    work->has_resources = false;
    work->changed = false;
    fhs_arena_reset(&work->arena);
    if (status == FHIRSTORE_OK) {
        status = fhs_resource_each(work->writer, work->type, 0, note_resource, &work->has_resources,
                                   err);
        status = status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
    }
    if (status == FHIRSTORE_OK && renew) {
        status = renew_numbers(work, err);
    }
    if (status == FHIRSTORE_OK) {
        status = add_missing(work, fhir, type, err);
    }
    if (status == FHIRSTORE_OK && work->changed) {
        status = fhs_params_set_cursor(work->writer, work->type, 0, err);
    }
    work->changed = work->changed || changed;
    return status;
}

/* ---- all of them ---- */

static fhirstore_status write_marks(const fhs_fhir *fhir, fhs_conn *writer, fhirstore_error **err)
{
    fhs_buf text = FHS_BUF_INIT(DEFINITIONS_TEXT_MAX);
    describe_definitions(fhir, &text);
    fhirstore_status status = fhs_meta_set(writer, definitions_name, fhs_buf_str(&text), err);
    fhs_buf_reset(&text);
    fhs_buf_add_u64(&text, FHS_EXTRACTION_VERSION);
    if (status == FHIRSTORE_OK) {
        status = fhs_meta_set(writer, extraction_name, fhs_buf_str(&text), err);
    }
    fhs_buf_clear(&text);
    return status;
}

static fhirstore_status run_install(type_install *work, const fhs_fhir *fhir, fhirstore_error **err)
{
    uint64_t extraction;
    fhirstore_status status = read_extraction(work->writer, &extraction, err);
    for (size_t i = 0; i < fhs_type_count(fhir) && status == FHIRSTORE_OK; i++) {
        if (fhs_type_is_resource(fhir, (fhs_type)i)) {
            status = install_type(work, fhir, (fhs_type)i, extraction != FHS_EXTRACTION_VERSION,
                                  err);
        }
    }
    if (status == FHIRSTORE_OK && work->changed) {
        status = fhs_params_new_generation(work->writer, err);
    }
    return status == FHIRSTORE_OK ? write_marks(fhir, work->writer, err) : status;
}

fhirstore_status fhs_install(const fhs_fhir *fhir, fhs_conn *writer, fhirstore_error **err)
{
    type_install *work = fhs_calloc(1, sizeof *work);
    if (work == NULL) {
        return fhs_fail_memory(err);
    }
    work->writer = writer;
    fhs_arena_init(&work->arena, TYPE_PARAM_BYTES_MAX);
    fhirstore_status status = run_install(work, fhir, err);
    fhs_arena_clear(&work->arena);
    fhs_free(work);
    return status;
}
