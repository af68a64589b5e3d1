/* SPDX-License-Identifier: Apache-2.0 */
/* The REST API as one call: headers and address become an interaction, errors become answers. */
#include "base/instant.h"
#include "interact/bundle.h"
#include "interact/interact.h"
#include "interact/operation.h"
#include "interact/patch.h"
#include "interact/route.h"
#include "interact/view.h"

#define HTTP_NOT_ALLOWED 405

/* What the headers say. */
typedef struct request_headers {
    fhs_condition condition;
    fhs_unless unless; /* If-None-Match, If-Modified-Since */
    fhs_str none_exist;
    bool has_none_exist;
    fhs_str provenance;
    fhs_str content_type;
    fhs_preferences preferences;
} request_headers;

static void parse_prefer(fhs_str value, fhs_preferences *out)
{
    while (value.len > 0) {
        fhs_str item = value;
        fhs_str rest = FHS_STR_NONE;
        size_t at = 0;
        while (at < value.len && value.ptr[at] != ',' && value.ptr[at] != ';') {
            at++;
        }
        item = fhs_str_trim(fhs_str_of(value.ptr, at));
        rest = fhs_str_from(value, at + 1);
        if (fhs_str_eq_ascii_case(item, FHS_LIT("return=minimal"))) {
            out->wanted = FHS_RETURN_MINIMAL;
        } else if (fhs_str_eq_ascii_case(item, FHS_LIT("return=OperationOutcome"))) {
            out->wanted = FHS_RETURN_OUTCOME;
        } else if (fhs_str_eq_ascii_case(item, FHS_LIT("handling=strict"))) {
            out->strict = true;
        }
        value = rest;
    }
}

static bool is_json_type(fhs_str type)
{
    fhs_str name = type;
    fhs_str parameters;
    (void)fhs_str_split(type, ';', &name, &parameters);
    name = fhs_str_trim(name);
    return fhs_str_eq_ascii_case(name, FHS_LIT("application/fhir+json")) ||
           fhs_str_eq_ascii_case(name, FHS_LIT("application/json")) ||
           fhs_str_eq_ascii_case(name, FHS_LIT("text/json")) ||
           fhs_str_eq_ascii_case(name, FHS_LIT("json"));
}

static bool accepts_json(fhs_str accept)
{
    while (accept.len > 0) {
        fhs_str item = accept;
        fhs_str rest = FHS_STR_NONE;
        (void)fhs_str_split(accept, ',', &item, &rest);
        fhs_str name = item;
        fhs_str parameters;
        (void)fhs_str_split(item, ';', &name, &parameters);
        name = fhs_str_trim(name);
        if (is_json_type(name) || fhs_str_eq(name, FHS_LIT("*/*")) ||
            fhs_str_eq_ascii_case(name, FHS_LIT("application/*"))) {
            return true;
        }
        accept = rest;
    }
    return false;
}

static bool is_form_type(fhs_str type)
{
    fhs_str name = type;
    fhs_str parameters;
    (void)fhs_str_split(type, ';', &name, &parameters);
    return fhs_str_eq_ascii_case(fhs_str_trim(name), FHS_LIT("application/x-www-form-urlencoded"));
}

static bool is_one_write(const fhs_route *route)
{
    return route->interaction == FHS_DO_CREATE || route->interaction == FHS_DO_UPDATE ||
           route->interaction == FHS_DO_PATCH || route->interaction == FHS_DO_DELETE;
}

/* One header; those that mean nothing to FHIR are passed over. */
static fhirstore_status take_header(const fhs_header *header, const fhs_route *route,
                                    request_headers *out, fhirstore_error **err)
{
    fhs_str name = header->name;
    fhs_str value = fhs_str_trim(header->value);
    if (fhs_str_eq_ascii_case(name, FHS_LIT("If-Match"))) {
        return fhs_etag_parse(value, &out->condition.if_version, err);
    }
    if (fhs_str_eq_ascii_case(name, FHS_LIT("If-None-Match"))) {
        out->unless.tags = value;
    } else if (fhs_str_eq_ascii_case(name, FHS_LIT("If-Modified-Since"))) {
        /* RFC 9110: ignored when malformed. In a Bundle it is an instant. */
        if (!fhs_http_date_parse(value, &out->unless.modified_since_us)) {
            out->unless.modified_since_us = fhs_bundle_instant(value);
        }
    } else if (fhs_str_eq_ascii_case(name, FHS_LIT("Prefer"))) {
        parse_prefer(value, &out->preferences);
    } else if (fhs_str_eq_ascii_case(name, FHS_LIT("If-None-Exist"))) {
        out->none_exist = value;
        out->has_none_exist = true;
    } else if (fhs_str_eq_ascii_case(name, FHS_LIT("X-Provenance"))) {
        out->provenance = value;
        if (!is_one_write(route) || value.len == 0) {
            return fhs_fail(err, FHIRSTORE_ERR_QUERY,
                            "X-Provenance holds a Provenance resource, and goes with create, "
                            "update, patch and delete");
        }
    } else if (fhs_str_eq_ascii_case(name, FHS_LIT("Accept"))) {
        /* _format says more than a header that a browser may have written. */
        if (!route->has_format && !accepts_json(value)) {
            return fhs_fail(err, FHIRSTORE_ERR_NOT_ACCEPTABLE, "only application/fhir+json");
        }
    } else if (fhs_str_eq_ascii_case(name, FHS_LIT("Content-Type"))) {
        bool fits = route->form_search ? is_form_type(value) : is_json_type(value);
        out->content_type = value;
        bool has_body = route->interaction == FHS_DO_CREATE ||
                        route->interaction == FHS_DO_UPDATE ||
                        route->interaction == FHS_DO_BUNDLE ||
                        route->interaction == FHS_DO_OPERATION || route->form_search;
        if (has_body && !fits) {
            return fhs_fail_plain(err, FHIRSTORE_ERR_MEDIA_TYPE);
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status take_headers(const fhs_request *request, const fhs_route *route,
                                     request_headers *out, fhirstore_error **err)
{
    *out = (request_headers){0};
    if (request->outer != NULL) {
        out->preferences = *request->outer;
    }
    for (size_t i = 0; i < request->header_count; i++) {
        fhirstore_status status = take_header(&request->headers[i], route, out, err);
        if (status < FHIRSTORE_OK) {
            return status;
        }
    }
    if (out->unless.tags.len > 0 && route->interaction == FHS_DO_UPDATE) {
        if (!fhs_str_eq(out->unless.tags, FHS_LIT("*"))) {
            return fhs_fail(err, FHIRSTORE_ERR_QUERY, "an update takes If-None-Match: * only");
        }
        out->condition.if_none = true;
    }
    return FHIRSTORE_OK;
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
    while (query.len > 0) {
        fhs_str pair = query;
        fhs_str rest = FHS_STR_NONE;
        fhs_str name;
        fhs_str value;
        (void)fhs_str_split(query, '&', &pair, &rest);
        if (fhs_str_split(pair, '=', &name, &value) && fhs_str_eq(name, FHS_LIT("_format"))) {
            /* A plus stands for itself in "application/fhir+json", whatever forms say. */
            return fhs_url_decode(&session->arena, value, false);
        }
        query = rest;
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
    fhs_str format = wanted_format(session, route->query);
    if (format.len == 0 && route->form_search) {
        format = wanted_format(session, request->body);
    }
    route->has_format = format.len > 0;
    if (format.len > 0 && !accepts_json(format)) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_ACCEPTABLE, "only application/fhir+json");
    }
    return FHIRSTORE_OK;
}

static fhirstore_status patch_request(fhs_session *session, const fhs_request *request,
                                      const fhs_route *route, const request_headers *headers,
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

static fhirstore_status dispatch(fhs_session *session, const fhs_request *request,
                                 const fhs_route *route, const request_headers *headers,
                                 fhs_answer *answer, fhirstore_error **err)
{
    switch (route->interaction) {
    case FHS_DO_CAPABILITIES:
        return fhs_capabilities(session, answer, err);
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
        return route->id.len == 0 ? fhs_interact_delete_where(session, route->type, route->query,
                                                              &headers->condition, answer, err)
                                  : fhs_interact_delete(session, route->type, route->id,
                                                        &headers->condition, answer, err);
    case FHS_DO_HISTORY:
        return fhs_interact_history(session, route->type, route->id, route->query, answer, err);
    case FHS_DO_OPERATION:
        return fhs_operation_run(session, route, request->body, answer, err);
    }
    return fhs_fail_plain(err, FHIRSTORE_ERR_INTERNAL);
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
static int32_t action_of(const fhs_route *route)
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
        return FHIRSTORE_ACTION_DELETE;
    case FHS_DO_HISTORY:
        return FHIRSTORE_ACTION_HISTORY;
    case FHS_DO_OPERATION:
        return fhs_operation_action(route);
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
    bool is_read = route->interaction == FHS_DO_READ || route->interaction == FHS_DO_VREAD;
    return is_read ? fhs_view_parse(core, arena, route->query, view, err) : FHIRSTORE_OK;
}

/* _pretty=true, in the address or in the form. An entry of a batch is written as the batch is. */
static bool is_pretty(const fhs_request *request, const fhs_route *route, fhs_arena *arena)
{
    return request->outer == NULL &&
           (fhs_view_is_pretty(arena, route->query) ||
            (route->form_search && fhs_view_is_pretty(arena, request->body)));
}

fhirstore_status fhs_request_run(fhs_session *session, const fhs_request *request,
                                 fhs_answer *answer, fhirstore_error **err)
{
    const fhs_core *core = session->core;
    fhirstore_error *reason = NULL;
    fhs_route route;
    request_headers headers = {0};
    fhirstore_status status = FHIRSTORE_OK;
    fhs_view view = {.parts = NULL};
    fhs_arena arena;
    fhs_arena_init(&arena, (size_t)64 * FHS_LIMIT_URL_BYTES);
    route = (fhs_route){.type = FHS_TYPE_NONE};
    /* Its own links lead back to it. */
    const fhs_str base = fhs_str_starts_with(request->url, session->link_base) ? session->link_base
                                                                               : core->base_url;
    status = fhs_session_check(session, &reason);
    if (status < FHIRSTORE_OK) {
        /* That it is over is all that it answers. */
    } else if (request->outer != NULL && request->method.len == 0) {
        status = fhs_fail(&reason, FHIRSTORE_ERR_BUNDLE, "the request needs method and url");
    } else {
        status = fhs_route_parse(core->fhir, base, request->method, request->url, &route, &reason);
    }
    const bool is_routed = status >= FHIRSTORE_OK;
    if (is_routed) {
        status = check_route(session, request, &route, &reason);
    }
    if (status >= FHIRSTORE_OK) {
        status = take_headers(request, &route, &headers, &reason);
    }
    if (status >= FHIRSTORE_OK) {
        status = parse_view(core, &route, &arena, &view, &reason);
    }
    if (status >= FHIRSTORE_OK) {
        session->provenance = headers.provenance;
        status = dispatch(session, request, &route, &headers, answer, &reason);
        session->provenance = FHS_STR_NONE;
        if (status >= FHIRSTORE_OK) {
            fhirstore_status cut = fhs_view_cut(core, &view, &answer->body, &reason);
            status = cut < FHIRSTORE_OK ? cut : status;
        }
    } else {
        (void)fhs_session_refuse(session, is_routed ? action_of(&route) : 0, route.type, route.id,
                                 route.query, status);
    }
    if (status < FHIRSTORE_OK) {
        answer_error(answer, status, reason);
        if (answer->http == HTTP_NOT_ALLOWED) {
            fhs_route_allowed(core->fhir, base, request->url, status == FHIRSTORE_ERR_READ_ONLY,
                              answer->allow);
        }
    } else {
        apply_return(headers.preferences.wanted, &route, answer);
    }
    if (is_pretty(request, &route, &arena)) {
        (void)fhs_view_indent(&answer->body, NULL); /* what cannot be indented stays as it is */
    }
    fhs_arena_clear(&arena);
    answer->has_content = answer->body.len > 0;
    if (route.is_head) {
        fhs_buf_reset(&answer->body);
    }
    fhs_error_free(reason);
    status = fhs_buf_status(&answer->body);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}
