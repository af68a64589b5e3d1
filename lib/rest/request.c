/* SPDX-License-Identifier: Apache-2.0 */
/* The REST API as one call: headers and address become an interaction, errors become answers. */
#include <stdio.h>

#include "interact/integrity.h"
#include "interact/patch.h"
#include "interact/route.h"
#include "interact/trail.h"
#include "interact/view.h"
#include "operation/operation.h"
#include "rest/bundle.h"
#include "rest/content.h"
#include "rest/headers.h"
#include "rest/rest.h"

#define HTTP_NOT_ALLOWED 405

static bool is_one_write(const fhs_route *route)
{
    return route->interaction == FHS_DO_CREATE || route->interaction == FHS_DO_UPDATE ||
           route->interaction == FHS_DO_PATCH || route->interaction == FHS_DO_DELETE;
}

/* POST …/_search: parameters of the address, then those of the form. */
static fhirstore_status search_form(fhs_session *session, const fhs_route *route, fhs_str form,
                                    bool lenient, fhs_answer *answer, fhirstore_error **err)
{
    fhs_buf query = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    fhs_buf_add_str(&query, route->query);
    if (query.len > 0 && form.len > 0) {
        fhs_buf_add_char(&query, '&');
    }
    fhs_buf_add_str(&query, form);
    fhirstore_status status = fhs_buf_status(&query);
    if (status < FHIRSTORE_OK) {
        status = fhs_session_refuse(session, FHIRSTORE_ACTION_SEARCH, route->type, FHS_STR_NONE,
                                    route->query, fhs_fail_plain(err, status));
    } else {
        status = fhs_interact_search_bundle(session, &route->place, fhs_buf_str(&query), lenient,
                                            !lenient, answer, err);
    }
    fhs_buf_clear(&query);
    return status;
}

/* The value of "_format" in the query, decoded; empty where there is none. */
static fhs_str wanted_format(fhs_session *session, fhs_str query)
{
    fhs_str pair;
    while (fhs_str_next(&query, '&', &pair)) {
        fhs_str name;
        fhs_str value;
        if (fhs_str_split(pair, '=', &name, &value) &&
            fhs_str_eq(fhs_url_decode(&session->arena, name, true), FHS_LIT("_format"))) {
            /* A plus stands for itself in "application/fhir+json", whatever forms say. */
            return fhs_url_decode(&session->arena, value, false);
        }
    }
    return FHS_STR_NONE;
}

/* What the address alone forbids. */
static fhirstore_status check_route(fhs_session *session, const fhs_request *request,
                                    fhs_route *route, fhirstore_error **err)
{
    if (request->outer != NULL && route->interaction == FHS_DO_BUNDLE) {
        return fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "a batch cannot hold another Bundle to execute");
    }
    fhirstore_status status = fhs_bundle_check_url(request->full_url, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_str format = wanted_format(session, route->query);
    if (format.len == 0 && route->form_search) {
        format = wanted_format(session, request->body);
    }
    route->has_format = format.len > 0;
    if (format.len > 0 && !fhs_media_accepts_json(session->core, format)) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_ACCEPTABLE, "only application/fhir+json");
    }
    return FHIRSTORE_OK;
}

static fhirstore_status patch_request(fhs_session *session, const fhs_request *request,
                                      const fhs_route *route, const fhs_request_headers *headers,
                                      fhs_answer *answer, fhirstore_error **err)
{
    fhs_patch_kind kind;
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_str body = request->body;
    fhirstore_status status;
    if (request->outer == NULL) {
        status = fhs_patch_kind_of(headers->content_type, body, &kind, err);
    } else {
        fhs_arena_reset(&session->arena);
        status = fhs_patch_of_entry(&session->arena, body, &kind, &text, err);
        body = fhs_buf_str(&text);
    }
    if (status < FHIRSTORE_OK) {
        (void)fhs_session_refuse(session, FHIRSTORE_ACTION_PATCH, route->type, route->id,
                                 route->query, status);
    } else if (route->id.len == 0) {
        status = fhs_interact_patch_where(session, route->type, route->query, kind, body,
                                          &headers->condition, answer, err);
    } else {
        status = fhs_interact_patch(session, route->type, route->id, kind, body,
                                    &headers->condition, answer, err);
    }
    fhs_buf_clear(&text);
    return status;
}

/* _cascade stands in the address; in that of a condition it is read with the rest. */
static fhirstore_status delete_request(fhs_session *session, const fhs_route *route,
                                       const fhs_request_headers *headers, fhs_answer *answer,
                                       fhirstore_error **err)
{
    fhs_condition condition = headers->condition;
    fhs_str rest;
    if (route->id.len == 0) {
        return fhs_interact_delete_where(session, route->type, route->query, &condition, answer,
                                         err);
    }
    fhirstore_status status = fhs_integrity_take_cascade(
        session->core, &session->arena, route->query, &rest, &condition.cascades, err);
    return status < FHIRSTORE_OK
               ? fhs_session_refuse(session, FHIRSTORE_ACTION_DELETE, route->type, route->id,
                                    route->query, status)
               : fhs_interact_delete(session, route->type, route->id, &condition, answer, err);
}

static int32_t action_of(fhs_core *core, const fhs_route *route);

static fhirstore_status dispatch(fhs_session *session, const fhs_request *request,
                                 const fhs_route *route, const fhs_request_headers *headers,
                                 fhs_answer *answer, fhirstore_error **err)
{
    switch (route->interaction) {
    case FHS_DO_CAPABILITIES:
        return fhs_capabilities(session, route->query, headers->unless.tags, answer, err);
    case FHS_DO_BUNDLE:
        return fhs_bundle_run(session, request->body, &headers->preferences, answer, err);
    case FHS_DO_SEARCH:
        return search_form(session, route, route->form_search ? request->body : FHS_STR_NONE,
                           !headers->preferences.strict, answer, err);
    case FHS_DO_CREATE:
        return headers->has_none_exist
                   ? fhs_interact_create_where(session, route->type, headers->none_exist,
                                               request->body, answer, err)
                   : fhs_interact_create(session, route->type, request->body, answer, err);
    case FHS_DO_READ:
        return fhs_interact_read(session, route->type, route->id, &headers->unless, answer, err);
    case FHS_DO_VREAD:
        return fhs_interact_vread(session, route->type, route->id, route->version, answer, err);
    case FHS_DO_UPDATE:
        return route->id.len == 0
                   ? fhs_interact_update_where(session, route->type, route->query, request->body,
                                               &headers->condition, answer, err)
                   : fhs_interact_update(session, route->type, route->id, request->body,
                                         &headers->condition, answer, err);
    case FHS_DO_PATCH:
        return patch_request(session, request, route, headers, answer, err);
    case FHS_DO_DELETE:
        return delete_request(session, route, headers, answer, err);
    case FHS_DO_HISTORY:
        return fhs_interact_history(session, route->type, route->id, route->query,
                                    !headers->preferences.strict, answer, err);
    case FHS_DO_OPERATION: {
        const fhs_operation_ask ask = {.route = route,
                                       .body = request->body,
                                       .is_form = fhs_media_is_form(headers->content_type),
                                       .condition = headers->condition};
        return fhs_operation_run(session, &ask, answer, err);
    }
    }
    return fhs_fail_plain(err, FHIRSTORE_ERR_INTERNAL);
}

/* The content of a Binary becomes one first. */
static fhirstore_status dispatch_body(fhs_session *session, const fhs_request *request,
                                      const fhs_route *route, const fhs_request_headers *headers,
                                      fhs_answer *answer, fhirstore_error **err)
{
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_request resource = *request;
    fhirstore_status status;
    if (!fhs_binary_is_content(session->core, request, route, headers)) {
        return dispatch(session, request, route, headers, answer, err);
    }
    status = fhs_binary_wrap(route, headers, request->body, &text, err);
    resource.body = fhs_buf_str(&text);
    status = status < FHIRSTORE_OK
                 ? fhs_session_refuse(session, action_of(session->core, route), route->type,
                                      route->id, route->query, status)
                 : dispatch(session, &resource, route, headers, answer, err);
    fhs_buf_clear(&text);
    return status;
}

/* Whether a part of it, or a format, was asked for: those are the resource's. */
static bool hands_out_content(const fhs_core *core, const fhs_route *route, const fhs_view *view)
{
    return fhs_type_is_binary(core, route->type) && view->parts == NULL && !route->has_format &&
           (route->interaction == FHS_DO_READ || route->interaction == FHS_DO_VREAD);
}

/* Prefer: return=… on what create and update answer. */
static void apply_return(fhs_return_mode wanted, const fhs_route *route, fhs_answer *answer)
{
    if (!is_one_write(route) || wanted == FHS_RETURN_REPRESENTATION) {
        return;
    }
    fhs_buf_reset(&answer->body);
    if (wanted == FHS_RETURN_OUTCOME) {
        if (answer->status == FHIRSTORE_NO_CONTENT) {
            answer->status = FHIRSTORE_OK; /* there is content now */
            answer->http = fhs_status_http(FHIRSTORE_OK);
        }
        fhs_error_write_outcome(NULL, &answer->body);
        answer->is_outcome = true;
    }
}

/* For the record of a request that is refused before its interaction begins. */
static int32_t action_of(fhs_core *core, const fhs_route *route)
{
    switch (route->interaction) {
    case FHS_DO_CAPABILITIES:
        return FHIRSTORE_ACTION_CAPABILITIES;
    case FHS_DO_BUNDLE:
        return FHIRSTORE_ACTION_TRANSACTION;
    case FHS_DO_SEARCH:
        return FHIRSTORE_ACTION_SEARCH;
    case FHS_DO_CREATE:
        return FHIRSTORE_ACTION_CREATE;
    case FHS_DO_READ:
        return FHIRSTORE_ACTION_READ;
    case FHS_DO_VREAD:
        return FHIRSTORE_ACTION_VREAD;
    case FHS_DO_UPDATE:
        return FHIRSTORE_ACTION_UPDATE;
    case FHS_DO_PATCH:
        return FHIRSTORE_ACTION_PATCH;
    case FHS_DO_DELETE:
        return route->is_hard ? FHIRSTORE_ACTION_HARD_DELETE : FHIRSTORE_ACTION_DELETE;
    case FHS_DO_HISTORY:
        return FHIRSTORE_ACTION_HISTORY;
    case FHS_DO_OPERATION:
        return fhs_operation_action(core, route);
    }
    return 0;
}

static void answer_error(fhs_answer *answer, fhirstore_status status, fhirstore_error *error)
{
    answer->status = status;
    answer->http = fhs_status_http(status);
    answer->is_new_version = false;
    answer->is_outcome = true;
    if (status != FHIRSTORE_ERR_DELETED) {
        answer->version = 0; /* a deleted version still has its tag */
    }
    fhs_buf_reset(&answer->body);
    fhs_error_write_outcome(error, &answer->body);
}

/* _summary and _elements of what is read; searches and histories see to it themselves. */
static fhirstore_status parse_view(const fhs_core *core, const fhs_route *route, fhs_arena *arena,
                                   fhs_view *view, fhirstore_error **err)
{
    bool is_read = route->interaction == FHS_DO_READ || route->interaction == FHS_DO_VREAD ||
                   route->interaction == FHS_DO_CAPABILITIES;
    return is_read ? fhs_view_parse(core, arena, route->query, view, err) : FHIRSTORE_OK;
}

/* _pretty=true, in the address or in the form. An entry of a batch is written as the batch is. */
static bool is_pretty(const fhs_request *request, const fhs_route *route, const fhs_answer *answer,
                      fhs_arena *arena)
{
    return request->outer == NULL && !answer->is_content &&
           (fhs_view_is_pretty(arena, route->query) ||
            (route->form_search && fhs_view_is_pretty(arena, request->body)));
}

/* What a request says, read before anything is done. */
typedef struct asked {
    fhs_route route;
    fhs_request_headers headers;
    fhs_view view;
    fhs_str base; /* what its address begins with, where it is absolute */
    fhs_arena arena;
    bool is_routed; /* the address is understood */
} asked;

static fhirstore_status read_request(fhs_session *session, const fhs_request *request, asked *out,
                                     fhirstore_error **err)
{
    const fhs_core *core = session->core;
    fhirstore_status status = fhs_session_check(session, err);
    if (status < FHIRSTORE_OK) {
        return status; /* that it is over is all that it answers */
    }
    if (request->outer != NULL && request->method.len == 0) {
        return fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "the request needs method and url");
    }
    status = fhs_route_parse(core->fhir, out->base, request->method, request->url, &out->route,
                             err);
    out->is_routed = status >= FHIRSTORE_OK;
    if (status >= FHIRSTORE_OK) {
        status = fhs_route_take_switches(&out->arena, &out->route, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = check_route(session, request, &out->route, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_headers_take(core, request, &out->route, &out->headers, err);
        out->headers.condition.is_hard = out->route.is_hard;
    }
    return status < FHIRSTORE_OK ? status
                                 : parse_view(core, &out->route, &out->arena, &out->view, err);
}

static fhirstore_status carry_out_request(fhs_session *session, const fhs_request *request,
                                          const asked *what, fhs_answer *answer,
                                          fhirstore_error **err)
{
    fhs_core *core = session->core;
    session->provenance = what->headers.provenance;
    session->leaves_bodies = what->headers.preferences.wanted != FHS_RETURN_REPRESENTATION;
    fhirstore_status status = dispatch_body(session, request, &what->route, &what->headers, answer,
                                            err);
    session->provenance = FHS_STR_NONE;
    session->leaves_bodies = false;
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhirstore_status shaped = fhs_view_cut(core, &what->view, &answer->body, err);
    if (shaped >= FHIRSTORE_OK && hands_out_content(core, &what->route, &what->view)) {
        shaped = fhs_binary_unwrap(core, request, answer, err);
    }
    return shaped < FHIRSTORE_OK ? shaped : status;
}

/* With 405: what the address does answer to. */
static void tell_allowed(fhs_core *core, const fhs_request *request, const asked *what,
                         fhs_answer *answer)
{
    const bool reads_only = answer->status == FHIRSTORE_ERR_READ_ONLY;
    fhs_route_allowed(core->fhir, what->base, request->url,
                      reads_only || fhs_trail_has_id(core, what->route.type, what->route.id),
                      answer->allow);
    if (what->route.interaction == FHS_DO_OPERATION && fhs_operation_changes(core, &what->route)) {
        (void)snprintf(answer->allow, sizeof answer->allow, "%s", reads_only ? "" : "POST");
    }
}

fhirstore_status fhs_request_run(fhs_session *session, const fhs_request *request,
                                 fhs_answer *answer, fhirstore_error **err)
{
    fhs_core *core = session->core;
    fhirstore_error *reason = NULL;
    asked what = {.route = {.type = FHS_TYPE_NONE}, .view = {.parts = NULL}};
    fhs_arena_init(&what.arena, (size_t)64 * FHS_LIMIT_URL_BYTES);
    /* Its own links lead back to it. */
    what.base = fhs_str_starts_with(request->url, session->link_base) ? session->link_base
                                                                      : core->base_url;
    fhirstore_status status = read_request(session, request, &what, &reason);
    const fhs_route *route = &what.route;
    if (status >= FHIRSTORE_OK) {
        status = carry_out_request(session, request, &what, answer, &reason);
    } else {
        (void)fhs_session_refuse(session, what.is_routed ? action_of(core, route) : 0, route->type,
                                 route->id, route->query, status);
    }
    if (status >= FHIRSTORE_OK) {
        apply_return(what.headers.preferences.wanted, route, answer);
    } else {
        answer_error(answer, status, reason);
        if (answer->http == HTTP_NOT_ALLOWED) {
            tell_allowed(core, request, &what, answer);
        }
    }
    if (is_pretty(request, route, answer, &what.arena)) {
        (void)fhs_view_indent(&answer->body, NULL); /* what cannot be indented stays as it is */
    }
    fhs_arena_clear(&what.arena);
    answer->has_content = answer->body.len > 0;
    if (route->is_head) {
        fhs_buf_reset(&answer->body);
    }
    fhs_error_free(reason);
    status = fhs_buf_status(&answer->body);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}
