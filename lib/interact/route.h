/* SPDX-License-Identifier: Apache-2.0 */
/* What a method and a URL mean. Shared by the request entry and by bundle entries. */
#ifndef FHS_INTERACT_ROUTE_H
#define FHS_INTERACT_ROUTE_H

#include "base/arena.h"
#include "base/error.h"
#include "fhir/fhir.h"
#include "interact/place.h"

typedef enum fhs_interaction {
    FHS_DO_CAPABILITIES,
    FHS_DO_BUNDLE,
    FHS_DO_SEARCH,
    FHS_DO_CREATE,
    FHS_DO_READ,
    FHS_DO_VREAD,
    FHS_DO_UPDATE,
    FHS_DO_PATCH,
    FHS_DO_DELETE,
    FHS_DO_HISTORY,
    FHS_DO_OPERATION,
} fhs_interaction;

typedef struct fhs_route {
    fhs_interaction interaction;
    fhs_type type; /* FHS_TYPE_NONE: system level */
    fhs_str id;
    fhs_str operation; /* its name without the $ */
    int64_t version;   /* vread; of an operation: the version that it is called on, 0: none */
    fhs_str query;     /* behind the '?' */
    fhs_place place;   /* of a search */
    bool form_search;  /* POST …/_search: the body holds more parameters */
    bool is_get;       /* GET or HEAD */
    bool is_head;
    bool is_hard;    /* DELETE …?_hardDelete=true; the query is without it */
    bool has_format; /* _format was given and is one of ours */
} fhs_route;

/*
 * @a url is relative, or absolute below @a base_url. ERR_NOT_FOUND, ERR_UNKNOWN_TYPE, ERR_METHOD,
 * ERR_LIMIT.
 */
fhirstore_status fhs_route_parse(const fhs_fhir *fhir, fhs_str base_url, fhs_str method,
                                 fhs_str url, fhs_route *out, fhirstore_error **err);

/*
 * Of a deletion: take _hardDelete=true out of the query, which is then a copy in @a arena.
 * ERR_PARAM_VALUE.
 */
fhirstore_status fhs_route_take_switches(fhs_arena *arena, fhs_route *route, fhirstore_error **err);

/*
 * The methods that @a url answers to, as an Allow header lists them: "GET, HEAD". Those that only
 * look, where @a reads_only. @a out is empty where there are none.
 */
#define FHS_ALLOW_BYTES 48u
void fhs_route_allowed(const fhs_fhir *fhir, fhs_str base_url, fhs_str url, bool reads_only,
                       char out[FHS_ALLOW_BYTES]);

/* The version that an entity tag names: W/"1" or "1". ERR_QUERY for anything else. */
fhirstore_status fhs_etag_parse(fhs_str value, int64_t *version_out, fhirstore_error **err);

#endif
