/* SPDX-License-Identifier: Apache-2.0 */
#include "operation/operation.h"

#include "interact/interact.h"
#include "interact/touched.h"
#include "operation/host.h"
#include "query/query.h"

/* ---- which ---- */

typedef struct operation_table {
    const fhs_operation_def *defs;
    const size_t *count;
} operation_table;

/* Each module has a table of its own. */
static const operation_table tables[] = {
    {fhs_value_set_operations, &fhs_value_set_operation_count},
    {fhs_code_system_operations, &fhs_code_system_operation_count},
    {fhs_difference_operations, &fhs_difference_operation_count},
    {fhs_translate_operations, &fhs_translate_operation_count},
    {fhs_reindex_operations, &fhs_reindex_operation_count},
    {fhs_lastn_operations, &fhs_lastn_operation_count},
    {fhs_stats_operations, &fhs_stats_operation_count},
    {fhs_meta_operations, &fhs_meta_operation_count},
    {fhs_everything_operations, &fhs_everything_operation_count},
    {fhs_purge_operations, &fhs_purge_operation_count},
    {fhs_validate_operations, &fhs_validate_operation_count},
    {fhs_versions_operations, &fhs_versions_operation_count},
};

static bool is_at(const fhs_operation_def *def, const fhs_route *route, fhs_str type,
                  unsigned level)
{
    return fhs_str_eq(def->name, route->operation) &&
           (def->type.len == 0 || fhs_str_eq(def->type, type)) && (def->levels & level) != 0;
}

static const fhs_operation_def *find_operation(fhs_core *core, const fhs_route *route)
{
    fhs_str type = route->type == FHS_TYPE_NONE ? FHS_LIT("")
                                                : fhs_type_name(core->fhir, route->type);
    unsigned level = route->version > 0             ? FHS_ON_VERSION
                     : route->id.len > 0            ? FHS_ON_INSTANCE
                     : route->type != FHS_TYPE_NONE ? FHS_ON_TYPE
                                                    : FHS_ON_SYSTEM;
    const fhs_operation_def *def;
    for (size_t i = 0; (def = fhs_operation_at(i)) != NULL; i++) {
        if (is_at(def, route, type, level)) {
            return def;
        }
    }
    for (const fhs_host_operation *host = fhs_host_operations(core); host != NULL;
         host = fhs_host_operation_next(core, host)) {
        if (is_at(&host->def, route, type, level)) {
            return &host->def;
        }
    }
    return NULL;
}

static int32_t action_of_def(const fhs_operation_def *def, const fhs_route *route)
{
    if (def != NULL && def->action != 0) {
        return def->action;
    }
    return route->id.len > 0 ? FHIRSTORE_ACTION_READ : FHIRSTORE_ACTION_SEARCH;
}

int32_t fhs_operation_action(fhs_core *core, const fhs_route *route)
{
    return action_of_def(find_operation(core, route), route);
}

bool fhs_operation_changes(fhs_core *core, const fhs_route *route)
{
    const fhs_operation_def *def = find_operation(core, route);
    return def != NULL && def->changes;
}

/* What separates values in a search is escaped. */
static void add_token_part(fhs_str part, fhs_buf *out)
{
    for (size_t i = 0; i < part.len; i++) {
        const fhs_str c = fhs_str_of(part.ptr + i, 1);
        if (c.ptr[0] == ',' || c.ptr[0] == '|' || c.ptr[0] == '$' || c.ptr[0] == '\\') {
            fhs_buf_add_cstr(out, "%5C");
        }
        fhs_url_encode(out, c);
    }
}

void fhs_operation_write_token(fhs_str system, fhs_str code, fhs_buf *out)
{
    add_token_part(system, out);
    fhs_buf_add_cstr(out, "%7C");
    add_token_part(code, out);
}

void fhs_operation_write_path(const fhs_call *call, const fhs_operation *operation, fhs_buf *out)
{
    if (call->type != FHS_TYPE_NONE) {
        fhs_buf_add_str(out, fhs_type_name(call->session->core->fhir, call->type));
        fhs_buf_add_char(out, '/');
    }
    if (call->id.len > 0) {
        fhs_buf_add_str(out, call->id);
        fhs_buf_add_char(out, '/');
    }
    fhs_buf_add_char(out, '$');
    fhs_buf_add_str(out, operation->def->name);
}

/* " ValueSet/$expand", for each level that it has. */
static void add_places(const fhs_operation_def *def, fhs_buf *out)
{
    static const struct {
        unsigned level;
        const char *place;
    } levels[] = {{FHS_ON_SYSTEM, ""},
                  {FHS_ON_TYPE, "/"},
                  {FHS_ON_INSTANCE, "/[id]/"},
                  {FHS_ON_VERSION, "/[id]/_history/[vid]/"}};
    for (size_t i = 0; i < FHS_COUNT_OF(levels); i++) {
        if ((def->levels & levels[i].level) == 0) {
            continue;
        }
        fhs_buf_add_cstr(out, out->len > 0 ? ", " : "; there is ");
        if (levels[i].level != FHS_ON_SYSTEM) {
            fhs_buf_add_str(out, def->type.len > 0 ? def->type : FHS_LIT("[type]"));
        }
        fhs_buf_addf(out, "%s$%.*s", levels[i].place, FHS_STR_ARG(def->name));
    }
}

/* Known by that name, but not here: where then? */
static fhirstore_status no_operation_here(const fhs_route *route, fhirstore_error **err)
{
    fhs_buf places = FHS_BUF_INIT((size_t)4096);
    for (size_t t = 0; t < FHS_COUNT_OF(tables); t++) {
        for (size_t i = 0; i < *tables[t].count; i++) {
            if (fhs_str_eq(tables[t].defs[i].name, route->operation)) {
                add_places(&tables[t].defs[i], &places);
            }
        }
    }
    fhirstore_status status = fhs_fail(err, FHIRSTORE_ERR_NOT_FOUND,
                                       "no such operation at this address%.*s",
                                       FHS_STR_ARG(fhs_buf_str(&places)));
    fhs_buf_clear(&places);
    return status;
}

const fhs_operation_def *fhs_operation_at(size_t index)
{
    for (size_t t = 0; t < FHS_COUNT_OF(tables); t++) {
        if (index < *tables[t].count) {
            return &tables[t].defs[index];
        }
        index -= *tables[t].count;
    }
    return NULL;
}

/* ---- parameters ---- */

fhirstore_status fhs_argument_fail(fhs_str name, const char *what, fhirstore_error **err)
{
    return fhs_param_name_is_plain(name)
               ? fhs_fail(err, FHIRSTORE_ERR_PARAM_VALUE, "operation parameter '%.*s' %s",
                          FHS_STR_ARG(name), what)
               : fhs_fail(err, FHIRSTORE_ERR_PARAM_VALUE, "an operation parameter %s", what);
}

const fhs_argument *fhs_argument_find(const fhs_operation *operation, fhs_str name)
{
    for (size_t i = 0; i < operation->argument_count; i++) {
        if (fhs_str_eq(operation->arguments[i].name, name)) {
            return &operation->arguments[i];
        }
    }
    return NULL;
}

fhirstore_status fhs_argument_text(const fhs_operation *operation, fhs_str name, fhs_str *out,
                                   fhirstore_error **err)
{
    const fhs_argument *argument = fhs_argument_find(operation, name);
    *out = FHS_STR_NONE;
    if (argument == NULL) {
        return FHIRSTORE_OK;
    }
    if (argument->text.ptr == NULL || argument->text.len == 0) {
        return fhs_argument_fail(name, "expects a primitive value", err);
    }
    *out = argument->text;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_argument_flag(const fhs_operation *operation, fhs_str name, bool fallback,
                                   bool *out, fhirstore_error **err)
{
    fhs_str text;
    *out = fallback;
    fhirstore_status status = fhs_argument_text(operation, name, &text, err);
    if (status < FHIRSTORE_OK || text.len == 0) {
        return status;
    }
    *out = fhs_str_eq(text, FHS_LIT("true"));
    return *out || fhs_str_eq(text, FHS_LIT("false"))
               ? FHIRSTORE_OK
               : fhs_argument_fail(name, "expects true or false", err);
}

fhirstore_status fhs_argument_count(const fhs_operation *operation, fhs_str name, uint64_t max,
                                    uint64_t fallback, uint64_t *out, fhirstore_error **err)
{
    fhs_str text;
    *out = fallback;
    fhirstore_status status = fhs_argument_text(operation, name, &text, err);
    if (status < FHIRSTORE_OK || text.len == 0) {
        return status;
    }
    return fhs_str_to_u64(text, max, out)
               ? FHIRSTORE_OK
               : fhs_argument_fail(name, "expects a whole number that is not too large", err);
}

fhirstore_status fhs_argument_object(const fhs_operation *operation, fhs_str name,
                                     const fhs_json **out, fhirstore_error **err)
{
    const fhs_argument *argument = fhs_argument_find(operation, name);
    *out = NULL;
    if (argument == NULL) {
        return FHIRSTORE_OK;
    }
    if (!fhs_json_is(argument->json, FHS_JSON_OBJECT)) {
        return fhs_argument_fail(name, "expects an object, in a Parameters resource", err);
    }
    *out = argument->json;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_argument_needed_object(const fhs_operation *operation, fhs_str name,
                                            const fhs_json **out, fhirstore_error **err)
{
    fhirstore_status status = fhs_argument_object(operation, name, out, err);
    return status >= FHIRSTORE_OK && *out == NULL ? fhs_argument_fail(name, "is missing", err)
                                                  : status;
}

/* The arguments while they are being read. */
typedef struct argument_list {
    fhs_arena *arena;
    const fhs_operation_def *def;
    fhs_argument *items;
    size_t count;
    size_t capacity;
} argument_list;

static bool has_name(const fhs_str *names, fhs_str name)
{
    for (const fhs_str *param = names; param != NULL && param->len > 0; param++) {
        if (fhs_str_eq(*param, name)) {
            return true;
        }
    }
    return false;
}

static fhirstore_status add_argument(argument_list *list, const fhs_argument *argument,
                                     fhirstore_error **err)
{
    const bool takes_all = list->def->params == NULL;
    if (!takes_all && !has_name(list->def->params, argument->name)) {
        return fhs_argument_fail(argument->name, "is not known here", err);
    }
    const fhs_operation so_far = {.arguments = list->items, .argument_count = list->count};
    if (!takes_all && !has_name(list->def->lists, argument->name) &&
        fhs_argument_find(&so_far, argument->name) != NULL) {
        return fhs_argument_fail(argument->name, "is there more than once", err);
    }
    if (list->count == list->capacity) {
        return fhs_fail(err, FHIRSTORE_ERR_LIMIT, "the operation exceeds FHS_LIMIT_QUERY_PARAMS");
    }
    list->items[list->count++] = *argument;
    return FHIRSTORE_OK;
}

static bool is_about_format(fhs_str name)
{
    return fhs_str_eq(name, FHS_LIT("_format")) || fhs_str_eq(name, FHS_LIT("_pretty"));
}

static fhirstore_status read_address(argument_list *list, fhs_str query, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    fhs_str pair;
    while (status >= FHIRSTORE_OK && fhs_str_next(&query, '&', &pair)) {
        fhs_str name;
        fhs_str value;
        if (pair.len == 0) {
            continue;
        }
        if (!fhs_str_split(pair, '=', &name, &value)) {
            name = pair;
            value = FHS_STR_NONE;
        }
        fhs_argument argument = {.name = fhs_url_decode(list->arena, name, true),
                                 .text = fhs_url_decode(list->arena, value, true)};
        if (argument.name.ptr == NULL || argument.text.ptr == NULL) {
            return fhs_fail(err, FHIRSTORE_ERR_QUERY, "the address holds a bad percent-encoding");
        }
        if (!is_about_format(argument.name)) {
            status = add_argument(list, &argument, err);
        }
    }
    return status;
}

/* The member of a Parameters.parameter that holds its value. */
static const fhs_json *value_of(const fhs_json *parameter)
{
    for (uint32_t i = 0; i < parameter->count; i++) {
        const fhs_json_member *member = &parameter->members[i];
        if (fhs_str_starts_with(member->name, FHS_LIT("value")) ||
            fhs_str_eq(member->name, FHS_LIT("resource")) ||
            fhs_str_eq(member->name, FHS_LIT("part"))) {
            return &member->value;
        }
    }
    return NULL;
}

static fhs_str primitive_text(const fhs_json *value)
{
    switch ((fhs_json_type)value->type) {
    case FHS_JSON_TRUE:
        return FHS_LIT("true");
    case FHS_JSON_FALSE:
        return FHS_LIT("false");
    case FHS_JSON_STRING:
    case FHS_JSON_NUMBER:
        return value->text;
    case FHS_JSON_NULL:
    case FHS_JSON_ARRAY:
    case FHS_JSON_OBJECT:
        break;
    }
    return FHS_STR_NONE;
}

static fhirstore_status read_parameters(argument_list *list, const fhs_json *body,
                                        fhirstore_error **err)
{
    const fhs_json *items = fhs_json_get(body, FHS_LIT("parameter"));
    fhirstore_status status = FHIRSTORE_OK;
    if (items != NULL && items->type != FHS_JSON_ARRAY) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_RESOURCE, "Parameters.parameter is a list");
    }
    for (uint32_t i = 0; items != NULL && i < items->count && status >= FHIRSTORE_OK; i++) {
        fhs_argument argument = {.name = FHS_STR_NONE};
        const fhs_json *item = &items->items[i];
        if (!fhs_json_is(item, FHS_JSON_OBJECT) ||
            !fhs_json_get_string(item, FHS_LIT("name"), &argument.name)) {
            return fhs_fail(err, FHIRSTORE_ERR_INVALID_RESOURCE,
                            "each item of Parameters.parameter has a name");
        }
        argument.json = value_of(item);
        if (argument.json == NULL) {
            return fhs_argument_fail(argument.name, "has no value", err);
        }
        argument.text = primitive_text(argument.json);
        status = add_argument(list, &argument, err);
    }
    return status;
}

/* A Parameters resource, or the one resource that the operation is about. */
static fhirstore_status read_body(argument_list *list, fhs_str text, fhirstore_error **err)
{
    const fhs_json *body = NULL;
    fhs_str type;
    fhirstore_status status = fhs_json_read(list->arena, text, NULL, &body, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (!fhs_json_is(body, FHS_JSON_OBJECT) ||
        !fhs_json_get_string(body, FHS_LIT("resourceType"), &type)) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_RESOURCE,
                        "the body of an operation is a Parameters resource");
    }
    if (fhs_str_eq(type, FHS_LIT("Parameters"))) {
        return read_parameters(list, body, err);
    }
    if (list->def->resource.len == 0 ||
        (list->def->type.len > 0 && !fhs_str_eq(type, list->def->type))) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_RESOURCE,
                        "the body of the operation is a Parameters resource");
    }
    const fhs_argument argument = {.name = list->def->resource, .json = body};
    return add_argument(list, &argument, err);
}

/* ---- running ---- */

typedef struct operation_work {
    const fhs_operation_def *def;
    const fhs_operation_ask *ask;
    fhs_answer *answer;
} operation_work;

static fhirstore_status run_operation(fhs_call *call, void *ctx, fhirstore_error **err)
{
    operation_work *work = ctx;
    argument_list list = {
        .arena = call->arena, .def = work->def, .capacity = FHS_LIMIT_QUERY_PARAMS};
    list.items = fhs_arena_calloc(list.arena, list.capacity, sizeof *list.items);
    fhirstore_status status = list.items == NULL
                                  ? fhs_fail_memory(err)
                                  : read_address(&list, work->ask->route->query, err);
    /* HTTP: a body means nothing to GET. */
    const fhs_str body = work->ask->route->is_get ? FHS_STR_NONE : work->ask->body;
    if (status >= FHIRSTORE_OK && body.len > 0 && (work->ask->is_form || !work->def->is_host)) {
        status = work->ask->is_form ? read_address(&list, body, err) : read_body(&list, body, err);
    }
    const bool begins = !call->is_nested && !work->def->changes && !work->def->own_transactions;
    if (status >= FHIRSTORE_OK && begins) {
        status = fhs_conn_begin_read(call->conn, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const fhs_operation operation = {work->def,
                                     work->ask->route,
                                     list.items,
                                     list.count,
                                     work->ask->is_form ? FHS_STR_NONE : body,
                                     &work->ask->condition};
    fhs_buf_reset(&work->answer->body);
    status = work->def->run(call, &operation, work->answer, err);
    if (status >= FHIRSTORE_OK) {
        fhirstore_status settled = fhs_touched_settle(call, err);
        status = settled < FHIRSTORE_OK ? settled : status;
    }
    if (begins) {
        fhs_conn_end_read(call->conn);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_call_seen_well(call, err);
    }
    if (status >= FHIRSTORE_OK && fhs_buf_status(&work->answer->body) < FHIRSTORE_OK) {
        status = fhs_fail_plain(err, fhs_buf_status(&work->answer->body));
    }
    return status;
}

/* Whether the operation is there, and how it is called: nobody is asked before that is clear. */
static fhirstore_status check_operation(const operation_work *work, fhirstore_error **err)
{
    if (work->def == NULL) {
        return no_operation_here(work->ask->route, err);
    }
    return work->def->changes && work->ask->route->is_get
               ? fhs_fail_plain(err, FHIRSTORE_ERR_METHOD)
               : FHIRSTORE_OK;
}

static fhirstore_status run_call(fhs_call *call, operation_work *work, fhirstore_error **err)
{
    work->answer->status = FHIRSTORE_OK;
    work->answer->http = fhs_status_http(FHIRSTORE_OK);
    const bool writes = work->def->changes && !work->def->own_transactions;
    fhirstore_status status = writes ? fhs_call_write(call, run_operation, work, err)
                                     : fhs_call_read(call, run_operation, work, err);
    fhs_call_end(call);
    return status;
}

/* What the authorizer and the record are told: of the host's the name as well. */
static fhs_str told_query(const operation_work *work, fhs_buf *text)
{
    const fhs_route *route = work->ask->route;
    if (!work->def->is_host) {
        return route->query;
    }
    fhs_buf_add_char(text, '$');
    fhs_buf_add_str(text, work->def->name);
    fhs_buf_add_cstr(text, route->query.len > 0 ? "?" : "");
    fhs_buf_add_str(text, route->query);
    return fhs_buf_str(text);
}

fhirstore_status fhs_operation_run(fhs_session *session, const fhs_operation_ask *ask,
                                   fhs_answer *answer, fhirstore_error **err)
{
    const fhs_route *route = ask->route;
    operation_work work = {find_operation(session->core, route), ask, answer};
    const int32_t action = action_of_def(work.def, route);
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES * 2);
    fhs_call call;
    fhirstore_status status = check_operation(&work, err);
    if (status < FHIRSTORE_OK) {
        return fhs_session_refuse(session, action, route->type, route->id, route->query, status);
    }
    const fhs_str told = told_query(&work, &text);
    if (fhs_buf_status(&text) == FHIRSTORE_OK) {
        fhs_call_begin(&call, session, action, route->type, route->id, told);
        status = run_call(&call, &work, err);
    } else {
        status = fhs_session_refuse(session, action, route->type, route->id, FHS_STR_NONE,
                                    fhs_fail_memory(err));
    }
    fhs_buf_clear(&text);
    return status;
}

fhirstore_status fhs_operation_run_in(fhs_call *outer, const fhs_operation_ask *ask,
                                      fhs_answer *answer, fhirstore_error **err)
{
    const fhs_route *route = ask->route;
    operation_work work = {find_operation(outer->session->core, route), ask, answer};
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES * 2);
    fhs_call call;
    fhirstore_status status = check_operation(&work, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const fhs_str told = told_query(&work, &text);
    if (fhs_buf_status(&text) == FHIRSTORE_OK) {
        fhs_call_nest(&call, outer, action_of_def(work.def, route), route->type, route->id, told);
        status = run_call(&call, &work, err);
    } else {
        status = fhs_fail_memory(err);
    }
    fhs_buf_clear(&text);
    return status;
}
