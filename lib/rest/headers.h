/* SPDX-License-Identifier: Apache-2.0 */
/* What the headers of a request say, and which representation it may be answered with. */
#ifndef FHS_REST_HEADERS_H
#define FHS_REST_HEADERS_H

#include "interact/route.h"
#include "rest/rest.h"

typedef struct fhs_request_headers {
    fhs_condition condition;
    fhs_unless unless; /* If-None-Match, If-Modified-Since */
    fhs_str none_exist;
    bool has_none_exist;
    fhs_str provenance;
    fhs_str content_type;
    fhs_str security_context;
    fhs_preferences preferences;
} fhs_request_headers;

/*
 * Read the headers; those that mean nothing to FHIR are passed over. ERR_QUERY for what is
 * malformed, ERR_BUNDLE where that stands in an entry; ERR_MEDIA_TYPE, ERR_NOT_ACCEPTABLE.
 */
fhirstore_status fhs_headers_take(const fhs_core *core, const fhs_request *request,
                                  const fhs_route *route, fhs_request_headers *out,
                                  fhirstore_error **err);
/* "*" or one entity tag, into @a out. ERR_QUERY. */
fhirstore_status fhs_if_match_parse(fhs_str value, fhs_condition *out, fhirstore_error **err);

/* Media types of FHIR's JSON, its parameters aside: "application/fhir+json", "json" … */
bool fhs_media_is_json(fhs_str type);
bool fhs_media_is_form(fhs_str type);
/* The name before the parameters, trimmed. */
fhs_str fhs_media_name(fhs_str type);
/*
 * Whether FHIR's JSON in the store's version is among what an Accept header (or a _format) lists,
 * and is not excluded.
 */
bool fhs_media_accepts_json(const fhs_core *core, fhs_str accept);
/*
 * Of a Binary whose content is of type @a content: whether the request wants that, and not the
 * resource. binary.html#rest: the resource is for those who name FHIR's own type.
 */
bool fhs_media_wants_content(const fhs_core *core, const fhs_request *request, fhs_str content);

#endif
