/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An operation of the host runs outside of any transaction of its call, so that it can work on the
 * store itself. What it answers is read before a byte of it is sent: a resource, or nothing.
 */
#include "operation/host.h"

#include "base/mem.h"
#include "interact/interact.h"
#include "interact/sight.h"
#include "interact/touched.h"

#define HTTP_OK         200
#define HTTP_NO_CONTENT 204

struct fhirstore_operation_reply {
    bool is_given;
    int32_t http;
    fhs_buf body;
};

/* ---- the list ---- */

const fhs_host_operation *fhs_host_operations(fhs_core *core)
{
    (void)pthread_mutex_lock(&core->hooks_lock);
    const fhs_host_operation *first = core->operations;
    (void)pthread_mutex_unlock(&core->hooks_lock);
    return first;
}

const fhs_host_operation *fhs_host_operation_next(fhs_core *core, const fhs_host_operation *of)
{
    (void)pthread_mutex_lock(&core->hooks_lock);
    const fhs_host_operation *next = of->next;
    (void)pthread_mutex_unlock(&core->hooks_lock);
    return next;
}

/* When the store is closed. */
static void free_host_operations(fhs_core *core)
{
    while (core->operations != NULL) {
        fhs_host_operation *first = core->operations;
        core->operations = first->next;
        if (first->destroy != NULL) {
            first->destroy(first->ctx);
        }
        fhs_free(first);
    }
}

fhs_str fhs_host_definition(const fhs_operation_def *def)
{
    /* The definition is the first member. */
    return def->is_host ? ((const fhs_host_operation *)(const void *)def)->definition
                        : FHS_STR_NONE;
}

static bool is_operation_name(fhs_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool is_other = (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!is_letter && (i == 0 || !is_other)) {
            return false;
        }
    }
    return name.len > 0;
}

static fhirstore_status check_host_operation(const fhirstore_operation *given,
                                             fhirstore_error **err)
{
    const unsigned levels = FHS_ON_TYPE | FHS_ON_INSTANCE | FHS_ON_SYSTEM;
    if (!is_operation_name(fhs_str_of(given->name, given->name_len))) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG,
                        "an operation's name has letters, digits, '-' and '_', a letter first");
    }
    if (given->levels == 0 || (given->levels & ~levels) != 0 ||
        ((given->levels & FHS_ON_SYSTEM) != 0 && given->type_len > 0)) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG,
                        "an operation has levels, that of the store only without a type");
    }
    if ((given->flags & ~(uint32_t)FHIRSTORE_OPERATION_CHANGES) != 0 || given->run == NULL ||
        given->action < 0 || given->action > FHIRSTORE_ACTION_OPERATION) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG,
                        "an operation has a run function, an action and no unknown flags");
    }
    return given->name_len + given->type_len + given->definition_len > FHS_LIMIT_URL_BYTES
               ? fhs_fail(err, FHIRSTORE_ERR_LIMIT, "the operation exceeds FHS_LIMIT_URL_BYTES")
               : FHIRSTORE_OK;
}

static bool is_met_by(const fhs_operation_def *a, const fhs_operation_def *b)
{
    return fhs_str_eq(a->name, b->name) && (a->levels & b->levels) != 0 &&
           (a->type.len == 0 || b->type.len == 0 || fhs_str_eq(a->type, b->type));
}

/* The lock is held. */
static fhirstore_status enlist_operation(fhs_core *core, fhs_host_operation *item,
                                         fhirstore_error **err)
{
    fhs_host_operation **end = &core->operations;
    bool is_there = false;
    for (size_t i = 0; fhs_operation_at(i) != NULL && !is_there; i++) {
        is_there = is_met_by(fhs_operation_at(i), &item->def);
    }
    for (; *end != NULL && !is_there; end = &(*end)->next) {
        is_there = is_met_by(&(*end)->def, &item->def);
    }
    if (is_there) {
        return fhs_fail(err, FHIRSTORE_ERR_EXISTS, "there is an operation of this name");
    }
    if (core->operation_count == FHS_LIMIT_OPERATIONS) {
        return fhs_fail(err, FHIRSTORE_ERR_LIMIT, "the store exceeds FHS_LIMIT_OPERATIONS");
    }
    *end = item;
    core->operation_count++;
    core->free_operations = free_host_operations;
    return FHIRSTORE_OK;
}

static fhs_str keep_in(char **at, const char *ptr, size_t len)
{
    char *to = *at;
    if (len > 0) {
        memcpy(to, ptr, len);
    }
    *at += len + 1; /* a NUL behind it */
    return fhs_str_of(to, len);
}

static fhirstore_status run_host(fhs_call *call, const fhs_operation *operation, fhs_answer *answer,
                                 fhirstore_error **err);

fhirstore_status fhs_host_operation_add(fhs_core *core, const fhirstore_operation *given,
                                        fhirstore_error **err)
{
    fhs_type known;
    fhirstore_status status = check_host_operation(given, err);
    if (status >= FHIRSTORE_OK && given->type_len > 0) {
        status = fhs_resource_type(core, fhs_str_of(given->type, given->type_len), &known, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_host_operation *item = fhs_calloc(1, sizeof *item + given->name_len + given->type_len +
                                                 given->definition_len + 3);
    if (item == NULL) {
        return fhs_fail_memory(err);
    }
    char *at = item->text;
    item->def.name = keep_in(&at, given->name, given->name_len);
    item->def.type = keep_in(&at, given->type, given->type_len);
    item->definition = keep_in(&at, given->definition, given->definition_len);
    item->def.levels = given->levels;
    item->def.run = run_host;
    item->def.is_host = true;
    item->def.own_transactions = true;
    item->def.action = given->action == 0 ? FHIRSTORE_ACTION_OPERATION : given->action;
    item->def.changes = (given->flags & FHIRSTORE_OPERATION_CHANGES) != 0;
    item->ctx = given->ctx;
    item->run = given->run;
    item->destroy = given->destroy;
    (void)pthread_mutex_lock(&core->hooks_lock);
    status = enlist_operation(core, item, err);
    (void)pthread_mutex_unlock(&core->hooks_lock);
    if (status < FHIRSTORE_OK) {
        fhs_free(item);
    }
    return status;
}

/* ---- parameters ---- */

static void add_text_parameter(const fhs_argument *argument, fhs_buf *out, bool *is_first)
{
    fhs_buf_add_cstr(out, *is_first ? "{\"name\":" : ",{\"name\":");
    fhs_json_write_string(out, argument->name);
    if (argument->text.len > 0) {
        fhs_buf_add_cstr(out, ",\"valueString\":");
        fhs_json_write_string(out, argument->text);
    }
    fhs_buf_add_char(out, '}');
    *is_first = false;
}

/* Those of a Parameters resource as they stand, or another resource as one. */
static fhirstore_status add_body_parameters(fhs_call *call, fhs_str body, fhs_buf *out,
                                            bool is_first, fhirstore_error **err)
{
    const fhs_json *root = NULL;
    fhs_str type = FHS_STR_NONE;
    fhirstore_status status = fhs_json_read(call->arena, body, NULL, &root, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (!fhs_json_is(root, FHS_JSON_OBJECT) ||
        !fhs_json_get_string(root, FHS_LIT("resourceType"), &type)) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_RESOURCE,
                        "the body of an operation is a Parameters resource");
    }
    if (!fhs_str_eq(type, FHS_LIT("Parameters"))) {
        fhs_buf_add_cstr(out, is_first ? "" : ",");
        fhs_buf_add_cstr(out, "{\"name\":\"resource\",\"resource\":");
        fhs_json_write_compact(out, body, root);
        fhs_buf_add_char(out, '}');
        return FHIRSTORE_OK;
    }
    const fhs_json *items = fhs_json_get(root, FHS_LIT("parameter"));
    if (items != NULL && items->type != FHS_JSON_ARRAY) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_RESOURCE, "Parameters.parameter is a list");
    }
    for (uint32_t i = 0; items != NULL && i < items->count; i++) {
        fhs_str name;
        if (!fhs_json_is(&items->items[i], FHS_JSON_OBJECT) ||
            !fhs_json_get_string(&items->items[i], FHS_LIT("name"), &name)) {
            return fhs_fail(err, FHIRSTORE_ERR_INVALID_RESOURCE,
                            "each item of Parameters.parameter has a name");
        }
        fhs_buf_add_cstr(out, is_first ? "" : ",");
        fhs_json_write_compact(out, body, &items->items[i]);
        is_first = false;
    }
    return FHIRSTORE_OK;
}

static fhirstore_status write_host_parameters(fhs_call *call, const fhs_operation *operation,
                                              fhs_buf *out, fhirstore_error **err)
{
    bool is_first = true;
    fhirstore_status status = FHIRSTORE_OK;
    fhs_buf_add_cstr(out, "{\"resourceType\":\"Parameters\",\"parameter\":[");
    for (size_t i = 0; i < operation->argument_count; i++) {
        add_text_parameter(&operation->arguments[i], out, &is_first);
    }
    if (operation->body.len > 0) {
        status = add_body_parameters(call, operation->body, out, is_first, err);
    }
    fhs_buf_add_cstr(out, "]}");
    return status >= FHIRSTORE_OK && fhs_buf_status(out) != FHIRSTORE_OK
               ? fhs_fail_plain(err, fhs_buf_status(out))
               : status;
}

/* ---- the resource ---- */

/* What it is called on is there and seen; nothing is held open afterwards. */
static fhirstore_status find_host_target(fhs_call *call, fhs_buf *out, fhirstore_error **err)
{
    if (call->id.len == 0) {
        /* Nobody could hold the operation to a restriction. */
        return call->type != FHS_TYPE_NONE && fhs_sight_is_partial(call, call->type)
                   ? fhs_fail_plain(err, FHIRSTORE_ERR_DENIED)
                   : fhs_call_seen_well(call, err);
    }
    fhirstore_status status = call->is_nested ? FHIRSTORE_OK : fhs_conn_begin_read(call->conn, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_sight_take_current(call, call->type, call->id, out, err);
    }
    if (!call->is_nested) {
        fhs_conn_end_read(call->conn);
    }
    return status;
}

/* ---- the answer ---- */

fhirstore_status fhs_host_answer(fhirstore_operation_reply *reply, int32_t http, fhs_str resource)
{
    const bool is_refusal = http >= 400 && http <= 599;
    if (reply == NULL || reply->is_given || (!is_refusal && (http < 200 || http > 299)) ||
        (is_refusal && resource.len == 0)) {
        return FHIRSTORE_ERR_INVALID_ARG;
    }
    reply->is_given = true;
    reply->http = http;
    fhs_buf_add_str(&reply->body, resource);
    return fhs_buf_status(&reply->body);
}

static fhirstore_status bad_answer(fhirstore_error **err, const char *what)
{
    return fhs_fail(err, FHIRSTORE_ERR_OPERATION, "the operation of the host %s", what);
}

static fhirstore_status take_answer(fhs_call *call, fhirstore_operation_reply *reply,
                                    fhs_answer *answer, fhirstore_error **err)
{
    const fhs_fhir *fhir = call->session->core->fhir;
    const fhs_json *root = NULL;
    fhs_str type = FHS_STR_NONE;
    const bool is_refusal = reply->http >= 400;
    if (fhs_buf_status(&reply->body) != FHIRSTORE_OK) {
        return fhs_fail_plain(err, fhs_buf_status(&reply->body));
    }
    if (reply->body.len > 0) {
        fhirstore_status status = fhs_json_read(call->arena, fhs_buf_str(&reply->body), NULL, &root,
                                                NULL);
        if (status == FHIRSTORE_ERR_NO_MEMORY) {
            return fhs_fail_memory(err);
        }
        if (status < FHIRSTORE_OK || !fhs_json_is(root, FHS_JSON_OBJECT) ||
            !fhs_json_get_string(root, FHS_LIT("resourceType"), &type) ||
            fhs_type_find(fhir, type) == FHS_TYPE_NONE ||
            !fhs_type_is_resource(fhir, fhs_type_find(fhir, type))) {
            return bad_answer(err, "answered with something that is no resource");
        }
    }
    if (is_refusal && !fhs_str_eq(type, FHS_LIT("OperationOutcome"))) {
        return bad_answer(err, "refused without an OperationOutcome");
    }
    if (is_refusal && call->is_nested) {
        return bad_answer(err, "refused, and with it the transaction");
    }
    answer->http = reply->http;
    answer->status = reply->http == HTTP_NO_CONTENT ? FHIRSTORE_NO_CONTENT : FHIRSTORE_OK;
    answer->is_outcome = is_refusal;
    fhs_buf_add_buf(&answer->body, &reply->body);
    return FHIRSTORE_OK;
}

/* ---- the call ---- */

static fhirstore_operation_request
describe_request(const fhs_call *call, const fhs_operation *operation, const fhs_buf *parameters,
                 const fhs_buf *resource, fhs_str type, fhs_str id)
{
    const fhs_principal *who = &call->session->who;
    return (fhirstore_operation_request){
        .struct_size = sizeof(fhirstore_operation_request),
        .level = call->id.len > 0              ? FHIRSTORE_OPERATION_ON_INSTANCE
                 : call->type != FHS_TYPE_NONE ? FHIRSTORE_OPERATION_ON_TYPE
                                               : FHIRSTORE_OPERATION_ON_SYSTEM,
        .name = operation->def->name.ptr,
        .name_len = operation->def->name.len,
        .type = type.ptr,
        .type_len = type.len,
        .id = id.ptr,
        .id_len = id.len,
        .parameters = parameters->ptr,
        .parameters_len = parameters->len,
        .resource = resource->len > 0 ? resource->ptr : "",
        .resource_len = resource->len,
        .principal = who->name.ptr == NULL ? "" : who->name.ptr,
        .principal_len = who->name.len,
        .purpose = who->purpose.ptr == NULL ? "" : who->purpose.ptr,
        .purpose_len = who->purpose.len,
        .claims = who->document.ptr == NULL ? "" : who->document.ptr,
        .claims_len = who->document.len,
    };
}

static fhirstore_status call_host(fhs_call *call, const fhs_operation *operation,
                                  const fhs_buf *parameters, const fhs_buf *resource,
                                  fhs_answer *answer, fhirstore_error **err)
{
    /* The definition is the first member. */
    const fhs_host_operation *host = (const fhs_host_operation *)(const void *)operation->def;
    fhirstore_operation_reply reply = {.http = HTTP_NO_CONTENT,
                                       .body = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES)};
    const fhs_fhir *fhir = call->session->core->fhir;
    const bool has_type = call->type != FHS_TYPE_NONE;
    /* With a NUL behind them. */
    const fhs_str type = fhs_arena_dup(call->arena,
                                       has_type ? fhs_type_name(fhir, call->type) : FHS_STR_NONE);
    const fhs_str id = fhs_arena_dup(call->arena, call->id);
    if (id.ptr == NULL || type.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    const fhirstore_operation_request request = describe_request(call, operation, parameters,
                                                                 resource, type, id);
    fhirstore_status status = host->run(host->ctx, &request, &reply);
    status = status < FHIRSTORE_OK ? bad_answer(err, "failed")
                                   : take_answer(call, &reply, answer, err);
    fhs_buf_clear(&reply.body);
    return status;
}

static fhirstore_status run_host(fhs_call *call, const fhs_operation *operation, fhs_answer *answer,
                                 fhirstore_error **err)
{
    fhs_buf parameters = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf resource = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = FHIRSTORE_OK;
    if (operation->def->changes && call->session->core->read_only) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_READ_ONLY);
    }
    status = write_host_parameters(call, operation, &parameters, err);
    if (status >= FHIRSTORE_OK) {
        status = find_host_target(call, &resource, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = call_host(call, operation, &parameters, &resource, answer, err);
    }
    call->count = status >= FHIRSTORE_OK && answer->body.len > 0;
    fhs_buf_clear(&parameters);
    fhs_buf_clear(&resource);
    return status;
}
