/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page tokens: where the next page begins. Sort keys can be names, so a token is sealed; it is
 * bound to the principal, the type and the text of the query, none of which it holds.
 *
 *   1 byte version, 8 bytes total (-1: not counted), 8 bytes change sequence of the first page,
 *   then the key of the last match (sort.c)
 */
#include "search/search_internal.h"

#define TOKEN_VERSION 1
#define TOKEN_HEAD    17u
#define TOKEN_MAX     ((size_t)48 * 1024)

static void add_bound_text(fhs_buf *aad, fhs_str text)
{
    fhs_buf_add_u64(aad, text.len);
    fhs_buf_add_char(aad, ':');
    fhs_buf_add_str(aad, text);
}

static fhirstore_status bound_texts(fhs_search *search, fhs_buf *aad)
{
    const fhs_query *query = search->query;
    fhs_str type = query->type == FHS_TYPE_NONE ? FHS_STR_NONE
                                                : fhs_type_name(search->env.fhir, query->type);
    fhs_buf_add_cstr(aad, "page ");
    add_bound_text(aad, search->env.principal);
    add_bound_text(aad, type);
    add_bound_text(aad, query->self);
    return fhs_buf_status(aad) == FHIRSTORE_OK ? FHIRSTORE_OK : fhs_search_no_memory(search);
}

/* ---- base64url without padding ---- */

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode64(fhs_str bytes, fhs_buf *out)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)(unsigned char)bytes.ptr[i] << 16;
        group |= left > 1 ? (uint32_t)(unsigned char)bytes.ptr[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)(unsigned char)bytes.ptr[i + 2] : 0;
        for (size_t d = 0; d < (left > 2 ? 4 : left + 1); d++) {
            fhs_buf_add_char(out, digits64[(group >> (18 - 6 * d)) & 63]);
        }
    }
}

static bool decode64(fhs_str text, fhs_buf *out)
{
    uint32_t group = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *digit = text.ptr[i] == '\0' ? NULL : strchr(digits64, text.ptr[i]);
        if (digit == NULL) {
            return false;
        }
        group = (group << 6) | (uint32_t)(digit - digits64);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            fhs_buf_add_char(out, (char)(unsigned char)(group >> bits));
        }
    }
    return fhs_buf_status(out) == FHIRSTORE_OK;
}

fhirstore_status fhs_page_seal(const fhs_keys *keys, fhs_str bound, fhs_str plain, fhs_buf *out,
                               fhirstore_error **err)
{
    fhs_buf sealed = FHS_BUF_INIT(TOKEN_MAX);
    fhirstore_status status = fhs_keys_seal_token(keys, bound, plain, &sealed, err);
    if (status == FHIRSTORE_OK) {
        encode64(fhs_buf_str(&sealed), out);
    }
    fhs_buf_clear(&sealed);
    return status;
}

fhirstore_status fhs_page_open(const fhs_keys *keys, fhs_str bound, fhs_str text,
                               fhs_buf *plain_out, fhirstore_error **err)
{
    fhs_buf sealed = FHS_BUF_INIT(TOKEN_MAX);
    fhirstore_status status = FHIRSTORE_OK;
    if (keys == NULL || !decode64(text, &sealed)) {
        status = sealed.failed == FHIRSTORE_ERR_NO_MEMORY
                     ? fhs_fail_memory(err)
                     : fhs_fail(err, FHIRSTORE_ERR_PAGE_TOKEN,
                                "the page link was not made for this question");
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_keys_open_token(keys, bound, fhs_buf_str(&sealed), plain_out, err);
    }
    fhs_buf_clear(&sealed);
    return status;
}

/* ---- tokens ---- */

static void add_big_endian(fhs_buf *out, int64_t number)
{
    for (unsigned i = 0; i < 8; i++) {
        fhs_buf_add_char(out, (char)(unsigned char)((uint64_t)number >> (56 - 8 * i)));
    }
}

static int64_t get_big_endian(const char *bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < 8; i++) {
        number = (number << 8) | (unsigned char)bytes[i];
    }
    return (int64_t)number;
}

static fhirstore_status bad_token(fhs_search *search)
{
    return fhs_fail(search->err, FHIRSTORE_ERR_PAGE_TOKEN,
                    "the page link was not made for this search");
}

static fhirstore_status take_token(fhs_search *search, fhs_str plain)
{
    if (plain.len < TOKEN_HEAD || plain.ptr[0] != TOKEN_VERSION) {
        return bad_token(search);
    }
    search->total = get_big_endian(plain.ptr + 1);
    search->high_seq = get_big_endian(plain.ptr + 9);
    fhs_buf_add_str(&search->after, fhs_str_from(plain, TOKEN_HEAD));
    return fhs_buf_status(&search->after) == FHIRSTORE_OK ? FHIRSTORE_OK
                                                          : fhs_search_no_memory(search);
}

fhirstore_status fhs_page_token_read(fhs_search *search)
{
    fhs_buf plain = FHS_BUF_INIT(TOKEN_MAX);
    fhs_buf aad = FHS_BUF_INIT((size_t)1024 * 1024);
    if (search->query->page.len == 0) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = bound_texts(search, &aad);
    if (status == FHIRSTORE_OK) {
        status = fhs_page_open(search->env.keys, fhs_buf_str(&aad), search->query->page, &plain,
                               search->err);
    }
    if (status == FHIRSTORE_OK) {
        status = take_token(search, fhs_buf_str(&plain));
    }
    fhs_buf_clear(&plain);
    fhs_buf_clear(&aad);
    return status;
}

fhirstore_status fhs_page_token_write(fhs_search *search, int64_t total, fhs_buf *out)
{
    fhs_buf plain = FHS_BUF_INIT(TOKEN_MAX);
    fhs_buf aad = FHS_BUF_INIT((size_t)1024 * 1024);
    int64_t seq = search->high_seq;
    fhirstore_status status = bound_texts(search, &aad);
    if (status == FHIRSTORE_OK && search->after.len == 0) {
        status = fhs_conn_last_seq(search->conn, &seq, search->err);
    }
    fhs_buf_add_char(&plain, TOKEN_VERSION);
    add_big_endian(&plain, total);
    add_big_endian(&plain, seq);
    fhs_buf_add_str(&plain, fhs_buf_str(&search->key));
    if (status == FHIRSTORE_OK && fhs_buf_status(&plain) != FHIRSTORE_OK) {
        status = fhs_fail_plain(search->err, fhs_buf_status(&plain));
    }
    if (status == FHIRSTORE_OK) {
        fhs_buf_add_cstr(out, "_page=");
        status = fhs_page_seal(search->env.keys, fhs_buf_str(&aad), fhs_buf_str(&plain), out,
                               search->err);
    }
    fhs_buf_clear(&plain);
    fhs_buf_clear(&aad);
    return status;
}
