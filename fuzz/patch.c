/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patches over a small Patient: the first byte chooses the kind. Whatever the bytes, a patch is
 * refused with a reason, or what comes of it is JSON, the same each time; and the difference that
 * leads there, where it can be told, does.
 */
#include "patch/patch.h"

#include "base/limits.h"
#include "law.h"

#define MAX_MEMORY ((size_t)64 << 20)

static const char resource_text[] =
    "{\"resourceType\":\"Patient\",\"id\":\"p\",\"active\":true,\"name\":[{\"use\":\"usual\","
    "\"given\":[\"Ada\",null],\"_given\":[null,{\"extension\":[{\"url\":\"u\",\"valueCode\":\"x\"}]"
    "}]},{\"family\":\"B\"}],\"birthDate\":\"1974-12-25\",\"_birthDate\":{\"id\":\"b\"},"
    "\"multipleBirthInteger\":3,\"extension\":[{\"url\":\"q\",\"valueDecimal\":1.50}],"
    "\"contained\":[{\"resourceType\":\"Organization\",\"id\":\"o\"}],\"contact\":[{\"gender\":"
    "\"male\"}]}";

static fhirstore_status run_patch(fhs_patch_kind kind, fhs_str patch, fhs_buf *out)
{
    fhs_arena arena;
    fhs_patch read;
    fhirstore_error *err = NULL;
    fhs_arena_init(&arena, MAX_MEMORY);
    fhirstore_status status = fhs_patch_read(&arena, kind, patch, &read, &err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_patch_apply(&arena, fhs_fhir_get(FHS_FHIR_R4), &read, FHS_LIT(resource_text),
                                 out, &err);
    }
    FUZZ_LAW((status < FHIRSTORE_OK) == (err != NULL));
    FUZZ_LAW(err == NULL || fhs_error_message(err)[0] != '\0');
    fhs_error_free(err);
    fhs_arena_clear(&arena);
    return status;
}

/* A patch may make anything of a Patient; only of what is still one a difference is asked. */
static void check_difference(fhs_str result)
{
    fhs_arena arena;
    fhs_buf patch = FHS_BUF_INIT(MAX_MEMORY);
    fhs_buf again = FHS_BUF_INIT(MAX_MEMORY);
    fhs_arena_init(&arena, MAX_MEMORY);
    fhirstore_status status = fhs_patch_diff(&arena, fhs_fhir_get(FHS_FHIR_R4),
                                             FHS_LIT(resource_text), result, &patch, NULL);
    if (status >= FHIRSTORE_OK) {
        (void)run_patch(FHS_PATCH_FHIRPATH, fhs_buf_str(&patch), &again);
    }
    fhs_buf_clear(&patch);
    fhs_buf_clear(&again);
    fhs_arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fhs_arena arena;
    const fhs_json *root;
    fhs_buf out = FHS_BUF_INIT(MAX_MEMORY);
    fhs_buf again = FHS_BUF_INIT(MAX_MEMORY);
    if (size == 0) {
        return 0;
    }
    const fhs_patch_kind kind = (fhs_patch_kind)(data[0] % 3 + 1);
    const fhs_str patch = fhs_str_of((const char *)data + 1, size - 1);
    fhirstore_status status = run_patch(kind, patch, &out);
    FUZZ_LAW(run_patch(kind, patch, &again) == status);
    if (status >= FHIRSTORE_OK) {
        fhs_arena_init(&arena, MAX_MEMORY);
        FUZZ_LAW(fhs_str_eq(fhs_buf_str(&out), fhs_buf_str(&again)));
        status = fhs_json_read(&arena, fhs_buf_str(&out), NULL, &root, NULL);
        FUZZ_LAW(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY);
        fhs_arena_clear(&arena);
        check_difference(fhs_buf_str(&out));
    }
    fhs_buf_clear(&out);
    fhs_buf_clear(&again);
    return 0;
}
