/* SPDX-License-Identifier: Apache-2.0 */
#include "access/document.h"

#include "base/limits.h"

fhirstore_status fhs_document_fail(const fhs_document *document, const fhs_json *value,
                                   const char *expected)
{
    uint32_t line;
    uint32_t column;
    fhs_json_position(document->text, value->begin, &line, &column);
    fhirstore_status status = fhs_fail(document->err, FHIRSTORE_ERR_POLICY,
                                       "line %u, column %u: expected %s", line, column, expected);
    fhs_error_at(document->err, value->begin, line, column);
    return status;
}

fhirstore_status fhs_document_read(fhs_document *document, const fhs_json **root_out)
{
    const fhs_json_limits limits = {.max_bytes = FHS_LIMIT_POLICY_BYTES, .max_depth = 16};
    fhirstore_status status = fhs_json_read(document->arena, document->text, &limits, root_out,
                                            document->err);
    if (status == FHIRSTORE_OK && !fhs_json_is(*root_out, FHS_JSON_OBJECT)) {
        status = fhs_document_fail(document, *root_out, "an object");
    }
    return status;
}

fhirstore_status fhs_document_string(const fhs_document *document, const fhs_json *value,
                                     fhs_str *out)
{
    if (!fhs_json_is(value, FHS_JSON_STRING)) {
        return fhs_document_fail(document, value, "a string");
    }
    *out = fhs_arena_dup(document->arena, value->text);
    return out->ptr == NULL ? fhs_fail_memory(document->err) : FHIRSTORE_OK;
}

fhirstore_status fhs_document_strings(const fhs_document *document, const fhs_json *value,
                                      bool or_one, const fhs_str **out, size_t *count_out)
{
    bool is_one = or_one && fhs_json_is(value, FHS_JSON_STRING);
    if (!is_one && !fhs_json_is(value, FHS_JSON_ARRAY)) {
        return fhs_document_fail(
            document, value, or_one ? "a string or an array of strings" : "an array of strings");
    }
    const fhs_json *items = is_one ? value : value->items;
    size_t count = is_one ? 1 : value->count;
    fhs_str *texts = fhs_arena_calloc(document->arena, count + 1, sizeof *texts);
    if (texts == NULL) {
        return fhs_fail_memory(document->err);
    }
    for (size_t i = 0; i < count; i++) {
        fhirstore_status status = fhs_document_string(document, &items[i], &texts[i]);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    *out = texts;
    *count_out = count;
    return FHIRSTORE_OK;
}
