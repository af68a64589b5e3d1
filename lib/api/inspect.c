/* SPDX-License-Identifier: Apache-2.0 */
#include "fhirstore/inspect.h"

#include "api/handle.h"
#include "json/json.h"

static fhirstore_status preview(const fhs_fhir *fhir, fhs_str base_url, fhs_str body, fhs_buf *out,
                                fhirstore_error **err)
{
    fhs_indexer *indexer = NULL;
    const fhs_json *root;
    fhs_type type;
    fhs_arena arena;
    fhs_arena_init(&arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_json_read(&arena, body, NULL, &root, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_validate_resource(fhir, FHS_VALIDATION_OFF, root, &type, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_indexer_new(fhir, &indexer, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_index_write_ndjson(indexer, base_url, root, out, err);
    }
    fhs_indexer_free(indexer);
    fhs_arena_clear(&arena);
    return status;
}

fhirstore_status fhirstore_index_preview(int32_t fhir_version, const char *base_url,
                                         size_t base_url_len, const char *body, size_t body_len,
                                         fhirstore_buf *buf_out, fhirstore_error **err_out)
{
    fhs_str base;
    fhs_str text;
    fhs_api_begin(err_out);
    if (buf_out == NULL || !fhs_api_text(base_url, base_url_len, &base) ||
        !fhs_api_text(body, body_len, &text) || fhir_version < 0 ||
        fhir_version > FHIRSTORE_FHIR_R5) {
        return fhs_api_invalid(err_out, "buf_out, a NULL string with a length, or fhir_version");
    }
    const fhs_fhir *fhir = fhs_fhir_get(fhir_version == 0 ? FHS_FHIR_R4
                                                          : (fhs_fhir_version)fhir_version);
    if (fhir == NULL) {
        return fhs_fail(err_out, FHIRSTORE_ERR_NOT_SUPPORTED, "that FHIR version is not built in");
    }
    fhs_buf out = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    fhirstore_status status = preview(fhir, base, text, &out, err_out);
    if (status >= FHIRSTORE_OK) {
        fhs_buf_give(&out, buf_out);
    }
    fhs_buf_clear(&out);
    return status;
}
