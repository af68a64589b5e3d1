/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page tokens: where a page begins, or ends. Sort keys can be names, so a token is sealed; it is
 * bound to the principal, the type, the compartment and the text of the query, none of which it
 * holds.
 *
 *   1 byte version, 1 byte kind, 8 bytes total (-1: not counted), 8 bytes change sequence of the
 *   first page, 4 bytes size of the page (BACK), 8 bytes each entity and version of the last
 * include (REST), 4 bytes length of the first key, then keys (sort.c): that of the match before the
 * page (BACK: behind it), and that of the page's last match (REST)
 */
#include "search/search_internal.h"

#define TOKEN_VERSION 2
#define TOKEN_HEAD    42u
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
    add_bound_text(aad, query->place);
    add_bound_text(aad, query->self);
    add_bound_text(aad, query->named);
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
    /* There is one way to write a token: no letter too many, and no spare bit set. */
    bool is_whole = bits < 6 && (group & ((1u << bits) - 1)) == 0;
    return is_whole && fhs_buf_status(out) == FHIRSTORE_OK;
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
    fhirstore_status status = FHIRSTORE_ERR_PAGE_TOKEN;
    if (keys != NULL && decode64(text, &sealed)) {
        status = fhs_keys_open_token(keys, bound, fhs_buf_str(&sealed), plain_out, NULL);
    }
    if (sealed.failed == FHIRSTORE_ERR_NO_MEMORY) {
        status = FHIRSTORE_ERR_NO_MEMORY;
    }
    fhs_buf_clear(&sealed);
    if (status == FHIRSTORE_ERR_PAGE_TOKEN) {
        return fhs_fail(err, status,
                        "parameter '_page' expects a link of this store as it was given, for the "
                        "same question and by who asked it");
    }
    return status == FHIRSTORE_OK ? FHIRSTORE_OK : fhs_fail_plain(err, status);
}

/* ---- tokens ---- */

static void add_big_endian(fhs_buf *out, uint64_t number, unsigned bytes)
{
    for (unsigned i = bytes; i > 0; i--) {
        fhs_buf_add_char(out, (char)(unsigned char)(number >> (8 * (i - 1))));
    }
}

static uint64_t get_big_endian(const char *from, unsigned bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes; i++) {
        number = (number << 8) | (unsigned char)from[i];
    }
    return number;
}

static fhirstore_status bad_token(fhs_search *search)
{
    return fhs_fail(search->err, FHIRSTORE_ERR_PAGE_TOKEN,
                    "the page link was not made for this search");
}

static fhirstore_status take_token(fhs_search *search, fhs_str plain)
{
    fhs_page_token *token = &search->token;
    if (plain.len < TOKEN_HEAD || plain.ptr[0] != TOKEN_VERSION) {
        return bad_token(search);
    }
    token->kind = (uint8_t)plain.ptr[1];
    search->total = (int64_t)get_big_endian(plain.ptr + 2, 8);
    search->high_seq = (int64_t)get_big_endian(plain.ptr + 10, 8);
    token->size = (uint32_t)get_big_endian(plain.ptr + 18, 4);
    token->rest_entity = (int64_t)get_big_endian(plain.ptr + 22, 8);
    token->rest_version = (int64_t)get_big_endian(plain.ptr + 30, 8);
    size_t key_len = (size_t)get_big_endian(plain.ptr + 38, 4);
    fhs_str keys = fhs_str_from(plain, TOKEN_HEAD);
    if (token->kind < FHS_PAGE_NEXT || token->kind > FHS_PAGE_REST || key_len > keys.len) {
        return bad_token(search);
    }
    fhs_buf_add(token->kind == FHS_PAGE_BACK ? &search->before : &search->after, keys.ptr, key_len);
    fhs_buf_add_str(&search->until, fhs_str_from(keys, key_len));
    fhirstore_status status = fhs_buf_status(&search->before);
    status = status == FHIRSTORE_OK ? fhs_buf_status(&search->after) : status;
    status = status == FHIRSTORE_OK ? fhs_buf_status(&search->until) : status;
    return status == FHIRSTORE_OK ? FHIRSTORE_OK : fhs_search_no_memory(search);
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

fhirstore_status fhs_page_token_write(fhs_search *search, const fhs_page_token *token, fhs_str key,
                                      fhs_str until, int64_t total, fhs_buf *out)
{
    fhs_buf plain = FHS_BUF_INIT(TOKEN_MAX);
    fhs_buf aad = FHS_BUF_INIT((size_t)1024 * 1024);
    int64_t seq = search->high_seq;
    fhirstore_status status = bound_texts(search, &aad);
    if (status == FHIRSTORE_OK && search->token.kind == FHS_PAGE_FIRST) {
        status = fhs_conn_last_seq(search->conn, &seq, search->err);
    }
    fhs_buf_add_char(&plain, TOKEN_VERSION);
    fhs_buf_add_char(&plain, (char)token->kind);
    add_big_endian(&plain, (uint64_t)total, 8);
    add_big_endian(&plain, (uint64_t)seq, 8);
    add_big_endian(&plain, token->size, 4);
    add_big_endian(&plain, (uint64_t)token->rest_entity, 8);
    add_big_endian(&plain, (uint64_t)token->rest_version, 8);
    add_big_endian(&plain, key.len, 4);
    fhs_buf_add_str(&plain, key);
    fhs_buf_add_str(&plain, until);
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
