/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file search.h  Search: as a Bundle page, as a cursor, as a count.
 *
 * The query is what stands behind the '?' of a FHIR search URL. The cursor and the count are strict
 * about unknown parameters; fhirstore_request() is lenient unless the client asks otherwise.
 *
 * What a search looks at is a resource type, everything (length 0), or a compartment as in the URL:
 * "Patient/1/Observation", or "Patient/1/" and a star for all its types.
 */
#ifndef FHIRSTORE_SEARCH_H
#define FHIRSTORE_SEARCH_H

#include "resource.h"

FHIRSTORE_BEGIN_DECLS

/** An open search: one snapshot of the store, read to its end. One thread at a time. @since 0.1 */
typedef struct fhirstore_search fhirstore_search;

/**
 * Open a cursor over all matches (`_count` does not limit it), without what `_include` and
 * `_revinclude` add to a page.
 *
 * @param      session     The session; must stay open while the cursor is used.
 * @param      type        Resource type or compartment; length 0 searches all types.
 * @param      type_len    Bytes.
 * @param      query       "code=…&date=ge2020&_sort=-date". Copied.
 * @param      query_len   Bytes.
 * @param[out] search_out  Owned by the caller: fhirstore_search_close(). NULL on failure.
 * @param[out] err_out     NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_UNKNOWN_PARAM  No such parameter for this type.
 * @retval FHIRSTORE_ERR_MODIFIER       The modifier does not apply.
 * @retval FHIRSTORE_ERR_PARAM_VALUE    The value is malformed.
 * @retval FHIRSTORE_ERR_NOT_READY      A custom parameter is still being indexed, and the session has
 *         FHIRSTORE_SESSION_READY_ONLY; other sessions get every match, more slowly (maintain.h).
 * @par Threads  One at a time a session.
 * @par FHIR  search.html
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_search_open(fhirstore_session *session, const char *type,
                                                     size_t type_len, const char *query,
                                                     size_t query_len,
                                                     fhirstore_search **search_out,
                                                     fhirstore_error **err_out);

/**
 * Step to the next match.
 *
 * @param      search   The cursor.
 * @param[out] err_out  NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_OK          There is one: the getters speak of it.
 * @retval FHIRSTORE_DONE        No more.
 * @retval FHIRSTORE_ERR_CLOSED  The store was closed.
 * @retval FHIRSTORE_ERR_TOO_COSTLY  The search looked at more resources than the session's
 *         search_resources; unless that is set, never in a session that may do everything.
 * @retval FHIRSTORE_ERR_TIMEOUT    The step took longer than the session's search_ms.
 * @retval FHIRSTORE_ERR_CANCELLED  fhirstore_session_cancel() was called.
 * @retval FHIRSTORE_ERR_AUDIT_REFUSED  The audit hook refused the next page of 1,000 matches.
 * @par Threads  One at a time a cursor and its session; does not block writers.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_search_next(fhirstore_search *search,
                                                     fhirstore_error **err_out);

/**
 * The match's resource as JSON.
 *
 * @param      search   The cursor.
 * @param[out] len_out  NULL, or where to put its bytes.
 * @return "" where there is no match. Borrowed until the next step, or until the cursor or the store
 *         is closed.
 * @par Threads  One at a time a cursor.
 * @since 0.1
 */
FHIRSTORE_API const char *fhirstore_search_body(const fhirstore_search *search, size_t *len_out);

/**
 * The match's resource type.
 *
 * @param      search   The cursor.
 * @param[out] len_out  NULL, or where to put its bytes.
 * @return "" where there is no match. Borrowed until the next step, or until the cursor or the store
 *         is closed.
 * @par Threads  One at a time a cursor.
 * @since 0.1
 */
FHIRSTORE_API const char *fhirstore_search_type(const fhirstore_search *search, size_t *len_out);

/**
 * The match's logical id.
 *
 * @param      search   The cursor.
 * @param[out] len_out  NULL, or where to put its bytes.
 * @return "" where there is no match. Borrowed until the next step, or until the cursor or the store
 *         is closed.
 * @par Threads  One at a time a cursor.
 * @since 0.1
 */
FHIRSTORE_API const char *fhirstore_search_id(const fhirstore_search *search, size_t *len_out);

/**
 * The match's version.
 *
 * @param search  The cursor.
 * @return 1, 2, 3 …; 0 where there is no match.
 * @par Threads  One at a time a cursor.
 * @since 0.1
 */
FHIRSTORE_API int64_t fhirstore_search_version(const fhirstore_search *search);

/**
 * Close the cursor. NULL is a no-op.
 *
 * @param search  The cursor; not used afterwards.
 * @par Threads  Any thread, once; also while another closes the store.
 * @since 0.1
 */
FHIRSTORE_API void fhirstore_search_close(fhirstore_search *search);

/**
 * Count the matches.
 *
 * @param      session    The session.
 * @param      type       Resource type or compartment; length 0 searches all types.
 * @param      type_len   Bytes.
 * @param      query      As for fhirstore_search_open().
 * @param      query_len  Bytes.
 * @param[out] count_out  How many; 0 on failure.
 * @param[out] err_out    NULL, or where to put the reason; owned by the caller.
 * @par Threads  One at a time a session.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_search_count(fhirstore_session *session, const char *type,
                                                      size_t type_len, const char *query,
                                                      size_t query_len, int64_t *count_out,
                                                      fhirstore_error **err_out);

/**
 * One page as a Bundle of type searchset, with links: self, first, next, previous, last where the
 * total is known, and related to the rest where the matches include more than fits on a page.
 *
 * @param      session       The session.
 * @param      type          Resource type or compartment; length 0 searches all types.
 * @param      type_len      Bytes.
 * @param      query         The query, or that of a link.
 * @param      query_len     Bytes.
 * @param[out] response_out  200 with the Bundle. Owned by the caller: fhirstore_response_free().
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_PAGE_TOKEN  The link is damaged, or belongs to another principal or query.
 * @par Threads  One at a time a session.
 * @par FHIR  http.html#search, http.html#paging
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_search_page(fhirstore_session *session, const char *type,
                                                     size_t type_len, const char *query,
                                                     size_t query_len,
                                                     fhirstore_response **response_out,
                                                     fhirstore_error **err_out);

/**
 * Tell how a search would be answered: a JSON object that describes the plan.
 *
 * @param      session    The session.
 * @param      type       Resource type or compartment; length 0 searches all types.
 * @param      type_len   Bytes.
 * @param      query      As for fhirstore_search_open().
 * @param      query_len  Bytes.
 * @param[out] buf_out    Owned by the caller: fhirstore_buf_clear(). Old content is replaced.
 * @param[out] err_out    NULL, or where to put the reason; owned by the caller.
 * @par Threads  One at a time a session.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_search_explain(fhirstore_session *session,
                                                        const char *type, size_t type_len,
                                                        const char *query, size_t query_len,
                                                        fhirstore_buf *buf_out,
                                                        fhirstore_error **err_out);

/**
 * Give a search a name that clients call it by: `Patient?_query=seen-since&date=2024`.
 *
 * The query may have places for arguments in its values:
 *
 * - `{name}` must be given by the address, as a parameter of that name;
 * - `{name=otherwise}` stands for `otherwise` (percent-encoded) where it is not given;
 * - `{name?}` leaves the whole parameter out where it is not given.
 *
 * "_has:Encounter:patient:date=ge{date}&gender={gender?}&_sort=family" is one. What is given becomes
 * part of the value as if it stood there (commas separate alternatives, '|' systems and codes); it
 * never adds a parameter. Other parameters of the address narrow the search further, and its _sort,
 * _count, _total, _summary, _elements and _maxresults count for more than those of the query. Braces
 * of their own are written %7B and %7D.
 *
 * The name holds as long as the store is open; it is not stored. A client sees no more by it than by
 * the same search under its own name.
 *
 * @param      store      The store.
 * @param      type       Resource type that it searches; length 0: the whole store.
 * @param      type_len   Bytes.
 * @param      name       Letters, digits, '-' and '_', a letter first.
 * @param      name_len   Bytes.
 * @param      query      The query. Copied. What does not depend on arguments is checked.
 * @param      query_len  Bytes.
 * @param[out] err_out    NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_EXISTS  The type has a query of this name.
 * @retval FHIRSTORE_ERR_QUERY   The name or a place for an argument is malformed.
 * @retval FHIRSTORE_ERR_UNKNOWN_TYPE   No such resource type.
 * @retval FHIRSTORE_ERR_UNKNOWN_PARAM  The query has a parameter that the type does not have.
 * @retval FHIRSTORE_ERR_LIMIT   There are a thousand of them, or the query is too long.
 * @par Threads  Any thread.
 * @par FHIR  search.html#query
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_query_register(fhirstore *store, const char *type,
                                                        size_t type_len, const char *name,
                                                        size_t name_len, const char *query,
                                                        size_t query_len,
                                                        fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
