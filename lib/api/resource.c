/* SPDX-License-Identifier: Apache-2.0 */
/* The typed interactions: check the arguments, call inward, shape the answer. */
#include "fhirstore/resource.h"
#include "fhirstore/search.h"

#include "api/handle.h"

/* What every function of this file begins with. */
typedef struct shell {
    fhirstore_session *session;
    const fhs_core *core;
    fhs_type type;
    fhs_str id;
    fhs_str text; /* body or query */
    fhs_answer answer;
} shell;

/* Text arguments; @a type_len 0 is the system level where @a may_be_system. */
typedef struct shell_args {
    const char *type;
    size_t type_len;
    const char *id;
    size_t id_len;
    const char *text;
    size_t text_len;
    bool may_be_system;
    int64_t if_version;
} shell_args;

static fhirstore_status check_args(shell *call, const shell_args *args, fhirstore_error **err)
{
    fhs_str name;
    if (!fhs_api_text(args->type, args->type_len, &name)) {
        return fhs_api_invalid(err, "type");
    }
    if (!fhs_api_text(args->id, args->id_len, &call->id)) {
        return fhs_api_invalid(err, "id");
    }
    if (!fhs_api_text(args->text, args->text_len, &call->text)) {
        return fhs_api_invalid(err, "body or query");
    }
    if (args->if_version < 0) {
        return fhs_api_invalid(err, "if_version");
    }
    if (name.len == 0 && args->may_be_system) {
        return FHIRSTORE_OK;
    }
    return fhs_resource_type(call->core, name, &call->type, err);
}

static fhirstore_status enter(shell *call, fhirstore_session *session, const shell_args *args,
                              fhirstore_response **response_out, fhirstore_error **err_out)
{
    *call = (shell){.session = session, .type = FHS_TYPE_NONE};
    fhs_api_begin(err_out);
    if (response_out == NULL) {
        return fhs_api_invalid(err_out, "response_out is NULL");
    }
    *response_out = NULL;
    fhirstore_status status = fhs_session_enter(session, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    call->core = session->store->core;
    fhs_answer_init(&call->answer);
    status = check_args(call, args, err_out);
    if (status < FHIRSTORE_OK) {
        fhs_session_leave(session);
    }
    return status;
}

static fhirstore_status leave(shell *call, fhirstore_status status,
                              fhirstore_response **response_out, fhirstore_error **err_out)
{
    status = fhs_response_new(call->core, &call->answer, status, response_out, err_out);
    fhs_session_leave(call->session);
    return status;
}

fhirstore_status fhirstore_create(fhirstore_session *session, const char *type, size_t type_len,
                                  const char *body, size_t body_len,
                                  fhirstore_response **response_out, fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {
        .type = type, .type_len = type_len, .text = body, .text_len = body_len};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_create(session->inner, call.type, call.text, &call.answer, err_out);
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_read(fhirstore_session *session, const char *type, size_t type_len,
                                const char *id, size_t id_len, fhirstore_response **response_out,
                                fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.type = type, .type_len = type_len, .id = id, .id_len = id_len};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_read(session->inner, call.type, call.id, &call.answer, err_out);
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_vread(fhirstore_session *session, const char *type, size_t type_len,
                                 const char *id, size_t id_len, int64_t version,
                                 fhirstore_response **response_out, fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.type = type, .type_len = type_len, .id = id, .id_len = id_len};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = version < 1 ? fhs_fail(err_out, FHIRSTORE_ERR_NOT_FOUND, "versions count from 1")
                         : fhs_interact_vread(session->inner, call.type, call.id, version,
                                              &call.answer, err_out);
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_update(fhirstore_session *session, const char *type, size_t type_len,
                                  const char *id, size_t id_len, const char *body, size_t body_len,
                                  int64_t if_version, fhirstore_response **response_out,
                                  fhirstore_error **err_out)
{
    shell call;
    const fhs_condition condition = {.if_version = if_version};
    const shell_args args = {.type = type,
                             .type_len = type_len,
                             .id = id,
                             .id_len = id_len,
                             .text = body,
                             .text_len = body_len,
                             .if_version = if_version};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_update(session->inner, call.type, call.id, call.text, &condition,
                                 &call.answer, err_out);
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_delete(fhirstore_session *session, const char *type, size_t type_len,
                                  const char *id, size_t id_len, int64_t if_version,
                                  fhirstore_response **response_out, fhirstore_error **err_out)
{
    shell call;
    const fhs_condition condition = {.if_version = if_version};
    const shell_args args = {
        .type = type, .type_len = type_len, .id = id, .id_len = id_len, .if_version = if_version};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_delete(session->inner, call.type, call.id, &condition, &call.answer,
                                 err_out);
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_history(fhirstore_session *session, const char *type, size_t type_len,
                                   const char *id, size_t id_len, const char *query,
                                   size_t query_len, fhirstore_response **response_out,
                                   fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.type = type,
                             .type_len = type_len,
                             .id = id,
                             .id_len = id_len,
                             .text = query,
                             .text_len = query_len,
                             .may_be_system = true};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = call.type == FHS_TYPE_NONE && call.id.len > 0
                 ? fhs_api_invalid(err_out, "an id without a type")
                 : fhs_interact_history(session->inner, call.type, call.id, call.text, &call.answer,
                                        err_out);
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_search_page(fhirstore_session *session, const char *type,
                                       size_t type_len, const char *query, size_t query_len,
                                       fhirstore_response **response_out, fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.type = type,
                             .type_len = type_len,
                             .text = query,
                             .text_len = query_len,
                             .may_be_system = true};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_search_bundle(session->inner, call.type, call.text, false, false,
                                        &call.answer,
                                        err_out);
    return leave(&call, status, response_out, err_out);
}
