/* SPDX-License-Identifier: Apache-2.0 */
#include "access/access.h"

static bool fill_request(const fhs_principal *principal, const fhs_access_ask *ask,
                         fhs_arena *arena, fhirstore_access_request *out)
{
    fhs_str type = fhs_arena_dup(arena, ask->type);
    fhs_str id = fhs_arena_dup(arena, ask->id);
    fhs_str query = fhs_arena_dup(arena, ask->query);
    *out = (fhirstore_access_request){
        .struct_size = sizeof *out,
        .action = ask->action,
        .principal = principal->name.ptr,
        .principal_len = principal->name.len,
        .purpose = principal->purpose.ptr,
        .purpose_len = principal->purpose.len,
        .type = type.ptr,
        .type_len = type.len,
        .id = id.ptr,
        .id_len = id.len,
        .query = query.ptr,
        .query_len = query.len,
    };
    return type.ptr != NULL && id.ptr != NULL && query.ptr != NULL;
}

fhirstore_status fhs_access_check(const fhirstore_authorizer *authorizer,
                                  const fhs_principal *principal, const fhs_access_ask *ask,
                                  fhs_arena *arena, fhirstore_error **err)
{
    fhirstore_access_request request;
    int32_t answer = FHIRSTORE_ACCESS_DENY;
    if (principal->allow_everything) {
        return FHIRSTORE_OK;
    }
    if (authorizer == NULL) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_NO_POLICY);
    }
    if (!fill_request(principal, ask, arena, &request)) {
        return fhs_fail_memory(err);
    }
    fhirstore_status status = authorizer->authorize(authorizer->ctx, &request, &answer);
    if (status != FHIRSTORE_OK || answer != FHIRSTORE_ACCESS_ALLOW) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_DENIED);
    }
    return FHIRSTORE_OK;
}
