/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file inspect.h  What the library sees in a resource, without a store.
 */
#ifndef FHIRSTORE_INSPECT_H
#define FHIRSTORE_INSPECT_H

#include "store.h"

FHIRSTORE_BEGIN_DECLS

/**
 * Write what would be indexed of a resource, as NDJSON:
 * {"resource":"Patient/1","param":"family","type":"string","values":["Chalmers"]}, one line a
 * search parameter that has values. The text form of the values is described in docs/index-text.md.
 *
 * @param      fhir_version  FHIRSTORE_FHIR_*; 0: R4.
 * @param      base_url      References below it are written as relative ones. May be empty.
 * @param      base_url_len  Bytes.
 * @param      body          The resource as JSON.
 * @param      body_len      Bytes.
 * @param[out] buf_out       Owned by the caller: fhirstore_buf_clear(). Old content is replaced.
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_JSON           Not JSON (also the other ERR_JSON_…), with position.
 * @retval FHIRSTORE_ERR_NOT_SUPPORTED  That FHIR version is not built in.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_index_preview(int32_t fhir_version, const char *base_url,
                                                       size_t base_url_len, const char *body,
                                                       size_t body_len, fhirstore_buf *buf_out,
                                                       fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
