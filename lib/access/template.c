/* SPDX-License-Identifier: Apache-2.0 */
#include "access/template.h"

#include "base/limits.h"
#include "query/query.h"

void fhs_template_add_value(fhs_buf *out, fhs_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == '\\' || c == ',' || c == '$' || c == '|') {
            fhs_buf_add_cstr(out, "%5C"); /* a backslash */
        }
        fhs_url_encode(out, fhs_str_of(&value.ptr[i], 1));
    }
}

/* One alternative: what stands before the name, the value, what stands behind. */
static bool fill_alternative(fhs_str text, const fhs_claims *claims, fhs_buf *out)
{
    fhs_str head;
    fhs_str name;
    fhs_str tail;
    const fhs_str *values;
    if (!fhs_str_split(text, '{', &head, &tail)) {
        fhs_buf_add_str(out, text);
        return true;
    }
    (void)fhs_str_split(tail, '}', &name, &tail);
    size_t count = fhs_claims_values(claims, name, &values);
    for (size_t i = 0; i < count; i++) {
        fhs_buf_add_cstr(out, i > 0 ? "," : "");
        fhs_buf_add_str(out, head);
        fhs_template_add_value(out, values[i]);
        fhs_buf_add_str(out, tail);
    }
    return count > 0;
}

fhirstore_status fhs_template_fill(fhs_arena *arena, fhs_str where, const fhs_claims *claims,
                                   fhs_str *out, bool *filled_out, fhirstore_error **err)
{
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    size_t from = 0;
    *filled_out = true;
    /* Names, '=' and '&' pass through as they are: only what lies between commas is filled in. */
    for (size_t i = 0; i <= where.len && *filled_out; i++) {
        bool ends = i == where.len || where.ptr[i] == ',' || where.ptr[i] == '&' ||
                    where.ptr[i] == '=';
        if (ends) {
            *filled_out = fill_alternative(fhs_str_of(where.ptr + from, i - from), claims, &text);
            if (i < where.len) {
                fhs_buf_add_char(&text, where.ptr[i]);
            }
            from = i + 1;
        }
    }
    fhirstore_status status = fhs_buf_status(&text);
    *out = fhs_arena_dup(arena, fhs_buf_str(&text));
    fhs_buf_clear(&text);
    if (status == FHIRSTORE_ERR_LIMIT) {
        return fhs_fail(err, status, "a role's restriction exceeds FHS_LIMIT_URL_BYTES");
    }
    return status != FHIRSTORE_OK || out->ptr == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
}
