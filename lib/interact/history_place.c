/* SPDX-License-Identifier: Apache-2.0 */
/* 1 byte version, 8 bytes each: total, change sequence, newest sequence; big-endian. */
#include "interact/history_place.h"

#include "search/search.h"

#define PLACE_VERSION 2
#define PLACE_BYTES   25u

static void bind_text(fhs_buf *bound, fhs_str text)
{
    fhs_buf_add_u64(bound, text.len);
    fhs_buf_add_char(bound, ':');
    fhs_buf_add_str(bound, text);
}

static void bind_place(fhs_buf *bound, const fhs_call *call, fhs_str query)
{
    fhs_str type = call->type == FHS_TYPE_NONE
                       ? FHS_STR_NONE
                       : fhs_type_name(call->session->core->fhir, call->type);
    fhs_buf_init(bound, (size_t)4 * FHS_LIMIT_URL_BYTES);
    fhs_buf_add_cstr(bound, "history ");
    bind_text(bound, call->session->who.name);
    bind_text(bound, type);
    bind_text(bound, call->id);
    bind_text(bound, query);
}

static void put_number(char out[8], int64_t number)
{
    for (unsigned i = 0; i < 8; i++) {
        out[i] = (char)(unsigned char)((uint64_t)number >> (56 - 8 * i));
    }
}

static int64_t take_place_number(const char *bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < 8; i++) {
        number = (number << 8) | (unsigned char)bytes[i];
    }
    return (int64_t)number;
}

fhirstore_status fhs_history_place_seal(const fhs_call *call, fhs_str query,
                                        const fhs_history_place *place, fhs_buf *out,
                                        fhirstore_error **err)
{
    char plain[PLACE_BYTES] = {PLACE_VERSION};
    fhs_buf bound;
    put_number(plain + 1, place->total);
    put_number(plain + 9, place->last_seq);
    put_number(plain + 17, place->top_seq);
    bind_place(&bound, call, query);
    fhirstore_status status = fhs_buf_status(&bound);
    status = status < FHIRSTORE_OK
                 ? fhs_fail_plain(err, status)
                 : fhs_page_seal(call->session->core->token_keys, fhs_buf_str(&bound),
                                 fhs_str_of(plain, sizeof plain), out, err);
    fhs_buf_clear(&bound);
    return status;
}

fhirstore_status fhs_history_place_open(const fhs_call *call, fhs_str query, fhs_str text,
                                        fhs_history_place *out, fhirstore_error **err)
{
    fhs_buf bound;
    fhs_buf plain = FHS_BUF_INIT(PLACE_BYTES);
    bind_place(&bound, call, query);
    fhirstore_status status = fhs_buf_status(&bound);
    status = status < FHIRSTORE_OK ? fhs_fail_plain(err, status)
                                   : fhs_page_open(call->session->core->token_keys,
                                                   fhs_buf_str(&bound), text, &plain, err);
    if (status >= FHIRSTORE_OK && (plain.len != PLACE_BYTES || plain.ptr[0] != PLACE_VERSION)) {
        status = fhs_fail(err, FHIRSTORE_ERR_PAGE_TOKEN,
                          "the page link was not made for this history");
    }
    if (status >= FHIRSTORE_OK) {
        out->total = take_place_number(plain.ptr + 1);
        out->last_seq = take_place_number(plain.ptr + 9);
        out->top_seq = take_place_number(plain.ptr + 17);
    }
    fhs_buf_clear(&plain);
    fhs_buf_clear(&bound);
    return status;
}
