/* SPDX-License-Identifier: Apache-2.0 */
#include "fhirstore/search.h"

#include "api/handle.h"
#include "base/mem.h"

static fhirstore_status enter_search(fhirstore_session *session, const char *type, size_t type_len,
                                     const char *query, size_t query_len, fhs_place *place_out,
                                     fhs_str *query_out, fhirstore_error **err)
{
    fhs_str name;
    *place_out = (fhs_place){.type = FHS_TYPE_NONE};
    const bool are_texts = fhs_api_text(type, type_len, &name) &&
                           fhs_api_text(query, query_len, query_out);
    fhirstore_status status = fhs_session_enter(session, err);
    if (status >= FHIRSTORE_OK && !are_texts) {
        status = fhs_api_invalid(err, "a NULL string with a length");
        (void)fhs_session_refuse(session->inner, FHIRSTORE_ACTION_SEARCH, FHS_TYPE_NONE,
                                 FHS_STR_NONE, FHS_STR_NONE, status);
        fhs_session_leave(session);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_place_parse(session->store->core->fhir, name, place_out, err);
        if (status < FHIRSTORE_OK) {
            (void)fhs_session_refuse(session->inner, FHIRSTORE_ACTION_SEARCH, FHS_TYPE_NONE,
                                     FHS_STR_NONE, *query_out, status);
            fhs_session_leave(session);
        }
    }
    return status;
}

/* The store takes the connections of open cursors back when it closes, so it knows them. */
static void enlist(fhirstore *store, fhirstore_search *search)
{
    (void)pthread_mutex_lock(&store->lock);
    store->holders++;
    search->next = store->searches;
    if (search->next != NULL) {
        search->next->previous = search;
    }
    store->searches = search;
    (void)pthread_mutex_unlock(&store->lock);
}

fhs_search_cursor *fhs_search_take(fhirstore_search *search)
{
    fhirstore *store = search->store;
    fhs_search_cursor *inner = search->inner;
    search->inner = NULL;
    if (inner == NULL) {
        return NULL;
    }
    if (search->previous != NULL) {
        search->previous->next = search->next;
    } else {
        store->searches = search->next;
    }
    if (search->next != NULL) {
        search->next->previous = search->previous;
    }
    return inner;
}

fhirstore_status fhirstore_search_open(fhirstore_session *session, const char *type,
                                       size_t type_len, const char *query, size_t query_len,
                                       fhirstore_search **search_out, fhirstore_error **err_out)
{
    fhs_place known;
    fhs_str text;
    fhs_api_begin(err_out);
    if (search_out == NULL) {
        return fhs_api_invalid(err_out, "search_out is NULL");
    }
    *search_out = NULL;
    fhirstore_status status = enter_search(session, type, type_len, query, query_len, &known, &text,
                                           err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhirstore_search *search = fhs_calloc(1, sizeof *search);
    status = search == NULL
                 ? fhs_fail_memory(err_out)
                 : fhs_search_cursor_open(session->inner, &known, text, &search->inner, err_out);
    if (status >= FHIRSTORE_OK) {
        search->kind = FHS_KIND_SEARCH;
        search->store = session->store;
        enlist(search->store, search);
        *search_out = search;
    } else {
        fhs_free(search);
    }
    fhs_session_leave(session);
    return status;
}

fhirstore_status fhirstore_search_next(fhirstore_search *search, fhirstore_error **err_out)
{
    fhs_api_begin(err_out);
    if (search == NULL || search->kind != FHS_KIND_SEARCH) {
        return fhs_api_invalid(err_out, "search");
    }
    fhirstore_status status = fhs_store_enter(search->store, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_search_cursor_next(search->inner, err_out);
    fhs_store_leave(search->store);
    return status;
}

/*
 * The match the cursor stands on, all empty where there is none. Inside a call, so that a close of
 * the store by another thread is waited for or seen.
 */
static fhs_version match_of(const fhirstore_search *search, fhs_str *type_out)
{
    fhs_version match = {0};
    if (search == NULL || search->kind != FHS_KIND_SEARCH ||
        fhs_store_enter(search->store, NULL) < FHIRSTORE_OK) {
        return match;
    }
    const fhs_version *there = fhs_search_cursor_match(search->inner);
    if (there != NULL) {
        match = *there;
    }
    if (type_out != NULL && match.type > 0) {
        *type_out = fhs_search_cursor_type(search->inner);
    }
    fhs_store_leave(search->store);
    return match;
}

static const char *give_text(fhs_str text, size_t *len_out)
{
    if (len_out != NULL) {
        *len_out = text.len;
    }
    return text.ptr == NULL ? "" : text.ptr;
}

const char *fhirstore_search_body(const fhirstore_search *search, size_t *len_out)
{
    return give_text(match_of(search, NULL).body, len_out);
}

const char *fhirstore_search_type(const fhirstore_search *search, size_t *len_out)
{
    fhs_str type = FHS_STR_NONE;
    (void)match_of(search, &type);
    return give_text(type, len_out);
}

const char *fhirstore_search_id(const fhirstore_search *search, size_t *len_out)
{
    return give_text(match_of(search, NULL).id, len_out);
}

int64_t fhirstore_search_version(const fhirstore_search *search)
{
    return match_of(search, NULL).version;
}

void fhirstore_search_close(fhirstore_search *search)
{
    if (search == NULL || search->kind != FHS_KIND_SEARCH) {
        return;
    }
    fhirstore *store = search->store;
    search->kind = 0;
    (void)pthread_mutex_lock(&store->lock);
    fhs_search_cursor *inner = fhs_search_take(search);
    store->calls += inner != NULL; /* even of a store that is closing: it waits */
    (void)pthread_mutex_unlock(&store->lock);
    if (inner != NULL) {
        fhs_search_cursor_close(inner);
        fhs_store_leave(store);
    }
    fhs_free(search);
    fhs_store_drop(store);
}

fhirstore_status fhirstore_search_count(fhirstore_session *session, const char *type,
                                        size_t type_len, const char *query, size_t query_len,
                                        int64_t *count_out, fhirstore_error **err_out)
{
    fhs_place known;
    fhs_str text;
    fhs_api_begin(err_out);
    if (count_out == NULL) {
        return fhs_api_invalid(err_out, "count_out is NULL");
    }
    *count_out = 0;
    fhirstore_status status = enter_search(session, type, type_len, query, query_len, &known, &text,
                                           err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_interact_search_total(session->inner, &known, text, count_out, err_out);
        fhs_session_leave(session);
    }
    return status;
}

fhirstore_status fhirstore_search_explain(fhirstore_session *session, const char *type,
                                          size_t type_len, const char *query, size_t query_len,
                                          fhirstore_buf *buf_out, fhirstore_error **err_out)
{
    fhs_place known;
    fhs_str text;
    fhs_api_begin(err_out);
    if (buf_out == NULL) {
        return fhs_api_invalid(err_out, "buf_out is NULL");
    }
    fhirstore_status status = enter_search(session, type, type_len, query, query_len, &known, &text,
                                           err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_buf plan = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    status = fhs_interact_search_plan(session->inner, &known, text, &plan, err_out);
    if (status >= FHIRSTORE_OK) {
        fhs_buf_give(&plan, buf_out);
    }
    fhs_buf_clear(&plan);
    fhs_session_leave(session);
    return status;
}

fhirstore_status fhirstore_query_register(fhirstore *store, const char *type, size_t type_len,
                                          const char *name, size_t name_len, const char *query,
                                          size_t query_len, fhirstore_error **err_out)
{
    fhs_str type_name;
    fhs_str called;
    fhs_str text;
    fhs_type known = FHS_TYPE_NONE;
    fhs_api_begin(err_out);
    if (!fhs_api_text(type, type_len, &type_name) || !fhs_api_text(name, name_len, &called) ||
        !fhs_api_text(query, query_len, &text)) {
        return fhs_api_invalid(err_out, "a NULL string with a length");
    }
    fhirstore_status status = fhs_store_enter(store, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (type_name.len > 0) {
        status = fhs_resource_type(store->core, type_name, &known, err_out);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_core_name_query(store->core, known, called, text, err_out);
    }
    fhs_store_leave(store);
    return status;
}
