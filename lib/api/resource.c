/* SPDX-License-Identifier: Apache-2.0 */
/* The typed interactions: check the arguments, call inward, shape the answer. */
#include "fhirstore/resource.h"
#include "fhirstore/search.h"

#include "api/handle.h"
#include "interact/patch.h"
#include "interact/purge.h"

#define WRITE_OPTIONS_V1_SIZE FHS_ABI_SIZE(fhirstore_write_options, if_version)
#define READ_OPTIONS_V1_SIZE  FHS_ABI_SIZE(fhirstore_read_options, if_modified_since)

FHS_ABI_HEAD(fhirstore_write_options);
FHS_ABI_HEAD(fhirstore_read_options);

fhirstore_status fhirstore_write_options_init(fhirstore_write_options *options, size_t struct_size)
{
    return fhs_abi_init(options, struct_size, sizeof *options, WRITE_OPTIONS_V1_SIZE);
}

fhirstore_status fhirstore_read_options_init(fhirstore_read_options *options, size_t struct_size)
{
    return fhs_abi_init(options, struct_size, sizeof *options, READ_OPTIONS_V1_SIZE);
}

/* What every function of this file begins with. */
typedef struct shell {
    fhirstore_session *session;
    const fhs_core *core;
    fhs_type type;
    fhs_place place; /* of a search */
    fhs_str id;
    fhs_str text; /* body or query */
    fhs_str criteria;
    fhs_unless unless;
    fhs_condition condition;
    fhs_answer answer;
} shell;

/* Text arguments; @a type_len 0 is the system level where @a may_be_system. */
typedef struct shell_args {
    int32_t action; /* FHIRSTORE_ACTION_* */
    const char *type;
    size_t type_len;
    const char *id;
    size_t id_len;
    const char *text;
    size_t text_len;
    const char *criteria;
    size_t criteria_len;
    bool may_be_system;
    const fhirstore_read_options *unless;   /* NULL: in any case */
    const fhirstore_write_options *options; /* NULL: the defaults */
    uint32_t known_flags; /* of options.flags, what means something here besides IF_ANY */
} shell_args;

#define DELETION_FLAGS ((uint32_t)FHIRSTORE_WRITE_HARD | (uint32_t)FHIRSTORE_WRITE_CASCADE)

static fhirstore_status take_condition(shell *call, const shell_args *args, fhirstore_error **err)
{
    fhirstore_write_options known;
    if (args->options == NULL) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_abi_copy(&known, sizeof known, WRITE_OPTIONS_V1_SIZE,
                                           args->options, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if ((known.flags & ~(args->known_flags | (uint32_t)FHIRSTORE_WRITE_IF_ANY)) != 0) {
        return fhs_api_invalid(err, "options.flags has bits that mean nothing here");
    }
    call->condition.if_version = known.if_version;
    call->condition.if_any = (known.flags & (uint32_t)FHIRSTORE_WRITE_IF_ANY) != 0;
    call->condition.is_hard = (known.flags & (uint32_t)FHIRSTORE_WRITE_HARD) != 0;
    call->condition.cascades = (known.flags & (uint32_t)FHIRSTORE_WRITE_CASCADE) != 0;
    call->condition.if_none = (known.flags & (uint32_t)FHIRSTORE_WRITE_IF_NONE) != 0;
    if (known.if_version < 0) {
        return fhs_api_invalid(err, "options.if_version");
    }
    if (known.if_version > 0 && call->condition.if_none) {
        return fhs_api_invalid(err,
                               "options.if_version and FHIRSTORE_WRITE_IF_NONE exclude each other");
    }
    if (call->condition.if_any && call->condition.if_none) {
        return fhs_api_invalid(
            err, "FHIRSTORE_WRITE_IF_ANY and FHIRSTORE_WRITE_IF_NONE exclude each other");
    }
    return FHIRSTORE_OK;
}

static fhirstore_status take_unless(shell *call, const shell_args *args, fhirstore_error **err)
{
    fhirstore_read_options known;
    if (args->unless == NULL) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_abi_copy(&known, sizeof known, READ_OPTIONS_V1_SIZE, args->unless,
                                           err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (known.flags != 0 || known.if_none_version < 0 || known.if_modified_since < 0) {
        return fhs_api_invalid(err, "options.flags, if_none_version or if_modified_since");
    }
    call->unless.version = known.if_none_version;
    call->unless.modified_since_us = known.if_modified_since;
    return FHIRSTORE_OK;
}

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
    if (!fhs_api_text(args->criteria, args->criteria_len, &call->criteria)) {
        return fhs_api_invalid(err, "criteria");
    }
    fhirstore_status status = take_condition(call, args, err);
    if (status >= FHIRSTORE_OK) {
        status = take_unless(call, args, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (args->action == FHIRSTORE_ACTION_SEARCH) {
        status = fhs_place_parse(call->core->fhir, name, &call->place, err);
        call->type = call->place.type;
        return status;
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
        (void)fhs_session_refuse(session->inner, args->action, call->type, call->id, FHS_STR_NONE,
                                 status);
        fhs_session_leave(session);
    }
    return status;
}

static fhirstore_status leave(shell *call, fhirstore_status status,
                              fhirstore_response **response_out, fhirstore_error **err_out)
{
    status = fhs_response_new(call->session->inner, &call->answer, status, response_out, err_out);
    fhs_session_leave(call->session);
    return status;
}

fhirstore_status fhirstore_create(fhirstore_session *session, const char *type, size_t type_len,
                                  const char *body, size_t body_len,
                                  fhirstore_response **response_out, fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.action = FHIRSTORE_ACTION_CREATE,
                             .type = type,
                             .type_len = type_len,
                             .text = body,
                             .text_len = body_len};
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
    const shell_args args = {.action = FHIRSTORE_ACTION_READ,
                             .type = type,
                             .type_len = type_len,
                             .id = id,
                             .id_len = id_len};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_read(session->inner, call.type, call.id, NULL, &call.answer, err_out);
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_vread(fhirstore_session *session, const char *type, size_t type_len,
                                 const char *id, size_t id_len, int64_t version,
                                 fhirstore_response **response_out, fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.action = FHIRSTORE_ACTION_VREAD,
                             .type = type,
                             .type_len = type_len,
                             .id = id,
                             .id_len = id_len};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (version < 1) {
        status = fhs_fail(err_out, FHIRSTORE_ERR_NOT_FOUND, "versions count from 1");
        (void)fhs_session_refuse(session->inner, args.action, call.type, call.id, FHS_STR_NONE,
                                 status);
    } else {
        status = fhs_interact_vread(session->inner, call.type, call.id, version, &call.answer,
                                    err_out);
    }
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_update(fhirstore_session *session, const char *type, size_t type_len,
                                  const char *id, size_t id_len, const char *body, size_t body_len,
                                  const fhirstore_write_options *options,
                                  fhirstore_response **response_out, fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.action = FHIRSTORE_ACTION_UPDATE,
                             .type = type,
                             .type_len = type_len,
                             .id = id,
                             .id_len = id_len,
                             .text = body,
                             .text_len = body_len,
                             .options = options,
                             .known_flags = (uint32_t)FHIRSTORE_WRITE_IF_NONE};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_update(session->inner, call.type, call.id, call.text, &call.condition,
                                 &call.answer, err_out);
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_purge_history(fhirstore_session *session, const char *type,
                                         size_t type_len, const char *id, size_t id_len,
                                         fhirstore_response **response_out,
                                         fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.action = FHIRSTORE_ACTION_HARD_DELETE,
                             .type = type,
                             .type_len = type_len,
                             .id = id,
                             .id_len = id_len};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_purge_history(session->inner, call.type, call.id, &call.answer, err_out);
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_delete(fhirstore_session *session, const char *type, size_t type_len,
                                  const char *id, size_t id_len,
                                  const fhirstore_write_options *options,
                                  fhirstore_response **response_out, fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.action = FHIRSTORE_ACTION_DELETE,
                             .type = type,
                             .type_len = type_len,
                             .id = id,
                             .id_len = id_len,
                             .options = options,
                             .known_flags = DELETION_FLAGS};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_delete(session->inner, call.type, call.id, &call.condition, &call.answer,
                                 err_out);
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_history(fhirstore_session *session, const char *type, size_t type_len,
                                   const char *id, size_t id_len, const char *query,
                                   size_t query_len, fhirstore_response **response_out,
                                   fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.action = FHIRSTORE_ACTION_HISTORY,
                             .type = type,
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
    if (call.type == FHS_TYPE_NONE && call.id.len > 0) {
        status = fhs_api_invalid(err_out, "an id without a type");
        (void)fhs_session_refuse(session->inner, args.action, call.type, call.id, call.text,
                                 status);
    } else {
        status = fhs_interact_history(session->inner, call.type, call.id, call.text, false,
                                      &call.answer, err_out);
    }
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_search_page(fhirstore_session *session, const char *type,
                                       size_t type_len, const char *query, size_t query_len,
                                       fhirstore_response **response_out, fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.action = FHIRSTORE_ACTION_SEARCH,
                             .type = type,
                             .type_len = type_len,
                             .text = query,
                             .text_len = query_len,
                             .may_be_system = true};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_search_bundle(session->inner, &call.place, call.text, false, false,
                                        &call.answer, err_out);
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_create_if_none(fhirstore_session *session, const char *type,
                                          size_t type_len, const char *criteria,
                                          size_t criteria_len, const char *body, size_t body_len,
                                          fhirstore_response **response_out,
                                          fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.action = FHIRSTORE_ACTION_CREATE,
                             .type = type,
                             .type_len = type_len,
                             .criteria = criteria,
                             .criteria_len = criteria_len,
                             .text = body,
                             .text_len = body_len};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_create_where(session->inner, call.type, call.criteria, call.text,
                                       &call.answer, err_out);
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_read_if(fhirstore_session *session, const char *type, size_t type_len,
                                   const char *id, size_t id_len,
                                   const fhirstore_read_options *options,
                                   fhirstore_response **response_out, fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.action = FHIRSTORE_ACTION_READ,
                             .type = type,
                             .type_len = type_len,
                             .id = id,
                             .id_len = id_len,
                             .unless = options};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_read(session->inner, call.type, call.id, &call.unless, &call.answer,
                               err_out);
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_update_where(fhirstore_session *session, const char *type,
                                        size_t type_len, const char *criteria, size_t criteria_len,
                                        const char *body, size_t body_len,
                                        const fhirstore_write_options *options,
                                        fhirstore_response **response_out,
                                        fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.action = FHIRSTORE_ACTION_UPDATE,
                             .type = type,
                             .type_len = type_len,
                             .criteria = criteria,
                             .criteria_len = criteria_len,
                             .text = body,
                             .text_len = body_len,
                             .options = options,
                             .known_flags = (uint32_t)FHIRSTORE_WRITE_IF_NONE};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_update_where(session->inner, call.type, call.criteria, call.text,
                                       &call.condition, &call.answer, err_out);
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_delete_where(fhirstore_session *session, const char *type,
                                        size_t type_len, const char *criteria, size_t criteria_len,
                                        const fhirstore_write_options *options,
                                        fhirstore_response **response_out,
                                        fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.action = FHIRSTORE_ACTION_DELETE,
                             .type = type,
                             .type_len = type_len,
                             .criteria = criteria,
                             .criteria_len = criteria_len,
                             .options = options,
                             .known_flags = DELETION_FLAGS};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_interact_delete_where(session->inner, call.type, call.criteria, &call.condition,
                                       &call.answer, err_out);
    return leave(&call, status, response_out, err_out);
}

static fhirstore_status check_kind(const shell *call, int32_t kind, fhirstore_error **err)
{
    if (kind >= FHIRSTORE_PATCH_JSON && kind <= FHIRSTORE_PATCH_FHIRPATH) {
        return FHIRSTORE_OK;
    }
    return fhs_session_refuse(call->session->inner, FHIRSTORE_ACTION_PATCH, call->type, call->id,
                              call->criteria, fhs_api_invalid(err, "kind is no FHIRSTORE_PATCH_*"));
}

fhirstore_status fhirstore_patch(fhirstore_session *session, const char *type, size_t type_len,
                                 const char *id, size_t id_len, int32_t kind, const char *patch,
                                 size_t patch_len, const fhirstore_write_options *options,
                                 fhirstore_response **response_out, fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.action = FHIRSTORE_ACTION_PATCH,
                             .type = type,
                             .type_len = type_len,
                             .id = id,
                             .id_len = id_len,
                             .text = patch,
                             .text_len = patch_len,
                             .options = options};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = check_kind(&call, kind, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_interact_patch(session->inner, call.type, call.id, (fhs_patch_kind)kind,
                                    call.text, &call.condition, &call.answer, err_out);
    }
    return leave(&call, status, response_out, err_out);
}

fhirstore_status fhirstore_patch_where(fhirstore_session *session, const char *type,
                                       size_t type_len, const char *criteria, size_t criteria_len,
                                       int32_t kind, const char *patch, size_t patch_len,
                                       const fhirstore_write_options *options,
                                       fhirstore_response **response_out, fhirstore_error **err_out)
{
    shell call;
    const shell_args args = {.action = FHIRSTORE_ACTION_PATCH,
                             .type = type,
                             .type_len = type_len,
                             .criteria = criteria,
                             .criteria_len = criteria_len,
                             .text = patch,
                             .text_len = patch_len,
                             .options = options};
    fhirstore_status status = enter(&call, session, &args, response_out, err_out);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = check_kind(&call, kind, err_out);
    if (status >= FHIRSTORE_OK) {
        status = fhs_interact_patch_where(session->inner, call.type, call.criteria,
                                          (fhs_patch_kind)kind, call.text, &call.condition,
                                          &call.answer, err_out);
    }
    return leave(&call, status, response_out, err_out);
}
