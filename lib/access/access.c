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

/* Nothing asks for what this version does not know. */
static bool is_plain(const fhirstore_access_decision *decision)
{
    bool is_zero = true;
    for (size_t i = 0; i < FHS_COUNT_OF(decision->reserved); i++) {
        is_zero = is_zero && decision->reserved[i] == 0;
    }
    return is_zero;
}

fhirstore_status fhs_access_check(const fhirstore_authorizer *authorizer,
                                  const fhs_principal *principal, const fhs_access_ask *ask,
                                  fhs_arena *arena, fhirstore_error **err)
{
    fhirstore_access_request request;
    fhirstore_access_decision decision = {.struct_size = sizeof decision,
                                          .answer = FHIRSTORE_ACCESS_DENY};
    if (principal->allow_everything) {
        return FHIRSTORE_OK;
    }
    if (authorizer == NULL) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_NO_POLICY);
    }
    if (!fill_request(principal, ask, arena, &request)) {
        return fhs_fail_memory(err);
    }
    fhirstore_status status = authorizer->authorize(authorizer->ctx, &request, &decision);
    if (status != FHIRSTORE_OK || decision.answer != FHIRSTORE_ACCESS_ALLOW ||
        !is_plain(&decision)) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_DENIED);
    }
    return FHIRSTORE_OK;
}
