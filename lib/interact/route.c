/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/route.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

#define MAX_PARTS 5u

typedef enum method_kind {
    METHOD_GET,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_PATCH,
    METHOD_OTHER
} method_kind;

typedef struct path_parts {
    fhs_str part[MAX_PARTS];
    size_t count;
} path_parts;

static method_kind find_method(fhs_str method, bool *is_head)
{
    *is_head = fhs_str_eq(method, FHS_LIT("HEAD"));
    if (*is_head || fhs_str_eq(method, FHS_LIT("GET"))) {
        return METHOD_GET;
    }
    if (fhs_str_eq(method, FHS_LIT("POST"))) {
        return METHOD_POST;
    }
    if (fhs_str_eq(method, FHS_LIT("PUT"))) {
        return METHOD_PUT;
    }
    if (fhs_str_eq(method, FHS_LIT("PATCH"))) {
        return METHOD_PATCH;
    }
    return fhs_str_eq(method, FHS_LIT("DELETE")) ? METHOD_DELETE : METHOD_OTHER;
}

static fhirstore_status no_such_address(fhirstore_error **err)
{
    return fhs_fail(err, FHIRSTORE_ERR_NOT_FOUND, "no such address");
}

static fhirstore_status wrong_method(fhirstore_error **err)
{
    return fhs_fail_plain(err, FHIRSTORE_ERR_METHOD);
}

static bool split_path(fhs_str path, path_parts *out)
{
    out->count = 0;
    while (path.len > 0 && path.ptr[0] == '/') {
        path = fhs_str_from(path, 1);
    }
    while (path.len > 0) {
        fhs_str head = path;
        fhs_str rest = FHS_STR_NONE;
        (void)fhs_str_split(path, '/', &head, &rest);
        if (head.len == 0 || out->count == MAX_PARTS) {
            return false;
        }
        out->part[out->count++] = head;
        path = rest;
    }
    return true;
}

static fhs_str strip_base(fhs_str base_url, fhs_str url)
{
    if (!fhs_str_starts_with(url, base_url)) {
        return url;
    }
    fhs_str rest = fhs_str_from(url, base_url.len);
    bool at_end = rest.len == 0 || rest.ptr[0] == '/' || rest.ptr[0] == '?';
    return at_end ? rest : url;
}

/* "$name" at the end of a path. */
static bool is_operation(fhs_str part)
{
    return part.len > 1 && part.ptr[0] == '$';
}

static fhirstore_status route_operation(method_kind method, fhs_str part, fhs_route *out,
                                        fhirstore_error **err)
{
    out->interaction = FHS_DO_OPERATION;
    out->operation = fhs_str_from(part, 1);
    out->is_get = method == METHOD_GET;
    return method == METHOD_GET || method == METHOD_POST ? FHIRSTORE_OK : wrong_method(err);
}

static fhirstore_status route_system(method_kind method, const path_parts *parts, fhs_route *out,
                                     fhirstore_error **err)
{
    if (parts->count == 0 && method == METHOD_POST) {
        out->interaction = FHS_DO_BUNDLE;
    } else if (parts->count == 0 && method == METHOD_GET) {
        out->interaction = FHS_DO_SEARCH;
    } else if (parts->count == 0) {
        return wrong_method(err);
    } else if (fhs_str_eq(parts->part[0], FHS_LIT("metadata"))) {
        out->interaction = FHS_DO_CAPABILITIES;
        return method == METHOD_GET ? FHIRSTORE_OK : wrong_method(err);
    } else if (fhs_str_eq(parts->part[0], FHS_LIT("_history"))) {
        out->interaction = FHS_DO_HISTORY;
        return method == METHOD_GET ? FHIRSTORE_OK : wrong_method(err);
    } else if (fhs_str_eq(parts->part[0], FHS_LIT("_search"))) {
        out->interaction = FHS_DO_SEARCH;
        out->form_search = true;
        return method == METHOD_POST ? FHIRSTORE_OK : wrong_method(err);
    } else if (is_operation(parts->part[0])) {
        return route_operation(method, parts->part[0], out, err);
    } else {
        return no_such_address(err);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status route_type(method_kind method, const path_parts *parts, fhs_route *out,
                                   fhirstore_error **err)
{
    if (parts->count == 1) {
        /* Without an id an update or delete is a conditional one. */
        out->interaction = method == METHOD_POST     ? FHS_DO_CREATE
                           : method == METHOD_PUT    ? FHS_DO_UPDATE
                           : method == METHOD_DELETE ? FHS_DO_DELETE
                           : method == METHOD_PATCH  ? FHS_DO_PATCH
                                                     : FHS_DO_SEARCH;
        return FHIRSTORE_OK;
    }
    if (is_operation(parts->part[1])) {
        return route_operation(method, parts->part[1], out, err);
    }
    if (fhs_str_eq(parts->part[1], FHS_LIT("_search"))) {
        out->interaction = FHS_DO_SEARCH;
        out->form_search = method == METHOD_POST;
        return method == METHOD_POST || method == METHOD_GET ? FHIRSTORE_OK : wrong_method(err);
    }
    if (!fhs_str_eq(parts->part[1], FHS_LIT("_history"))) {
        return no_such_address(err);
    }
    out->interaction = FHS_DO_HISTORY;
    return method == METHOD_GET ? FHIRSTORE_OK : wrong_method(err);
}

/* Patient/1/Observation, Patient/1/Observation/_search, Patient/1/_search; a star: all types. */
static fhirstore_status route_compartment(const fhs_fhir *fhir, method_kind method,
                                          const path_parts *parts, fhs_route *out,
                                          fhirstore_error **err)
{
    static const fhs_str form = FHS_LIT_INIT("_search");
    const bool is_form = fhs_str_eq(parts->part[parts->count - 1], form);
    if (parts->count > 4 || (parts->count == 4 && !is_form)) {
        return no_such_address(err);
    }
    const fhs_str name = parts->count == 3 && is_form ? FHS_LIT("*") : parts->part[2];
    fhirstore_status status = fhs_place_in(fhir, out->type, parts->part[1], name, &out->place, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    out->interaction = FHS_DO_SEARCH;
    out->type = out->place.type;
    out->form_search = is_form;
    return method == (is_form ? METHOD_POST : METHOD_GET) ? FHIRSTORE_OK : wrong_method(err);
}

static bool is_compartment(const path_parts *parts)
{
    if (parts->count < 3) {
        return false;
    }
    const fhs_str third = parts->part[2];
    return fhs_str_eq(third, FHS_LIT("_search")) || (third.ptr[0] != '_' && third.ptr[0] != '$');
}

static fhirstore_status route_instance(method_kind method, const path_parts *parts, fhs_route *out,
                                       fhirstore_error **err)
{
    uint64_t version;
    out->id = parts->part[1];
    if (parts->count == 2) {
        out->interaction = method == METHOD_GET     ? FHS_DO_READ
                           : method == METHOD_PUT   ? FHS_DO_UPDATE
                           : method == METHOD_PATCH ? FHS_DO_PATCH
                                                    : FHS_DO_DELETE;
        return method == METHOD_POST || method == METHOD_OTHER ? wrong_method(err) : FHIRSTORE_OK;
    }
    if (parts->count == 3 && is_operation(parts->part[2])) {
        return route_operation(method, parts->part[2], out, err);
    }
    const bool is_on_version = parts->count == 5 && is_operation(parts->part[4]);
    if (!fhs_str_eq(parts->part[2], FHS_LIT("_history")) || (parts->count == 5 && !is_on_version)) {
        return no_such_address(err);
    }
    if (method != METHOD_GET && !is_on_version) {
        return wrong_method(err);
    }
    out->interaction = parts->count == 3 ? FHS_DO_HISTORY : FHS_DO_VREAD;
    if (parts->count >= 4) {
        if (!fhs_str_to_u64(parts->part[3], INT64_MAX, &version) || version == 0) {
            return fhs_fail(err, FHIRSTORE_ERR_NOT_FOUND, "no such version");
        }
        out->version = (int64_t)version;
    }
    return is_on_version ? route_operation(method, parts->part[4], out, err) : FHIRSTORE_OK;
}

fhirstore_status fhs_route_parse(const fhs_fhir *fhir, fhs_str base_url, fhs_str method,
                                 fhs_str url, fhs_route *out, fhirstore_error **err)
{
    path_parts parts;
    fhs_str path;
    *out = (fhs_route){.type = FHS_TYPE_NONE, .place = {.type = FHS_TYPE_NONE}};
    if (url.len > FHS_LIMIT_URL_BYTES) {
        return fhs_fail(err, FHIRSTORE_ERR_LIMIT, "the address exceeds FHS_LIMIT_URL_BYTES");
    }
    method_kind kind = find_method(method, &out->is_head);
    path = strip_base(base_url, url);
    fhs_str whole = path;
    (void)fhs_str_split(whole, '?', &path, &out->query);
    if (!split_path(path, &parts)) {
        return no_such_address(err);
    }
    if (kind == METHOD_OTHER) {
        return wrong_method(err);
    }
    bool is_system = parts.count == 0 || parts.part[0].ptr[0] == '_' ||
                     is_operation(parts.part[0]) || fhs_str_eq(parts.part[0], FHS_LIT("metadata"));
    if (is_system) {
        return parts.count > 1 ? no_such_address(err) : route_system(kind, &parts, out, err);
    }
    out->type = fhs_type_find(fhir, parts.part[0]);
    if (out->type == FHS_TYPE_NONE || !fhs_type_is_resource(fhir, out->type)) {
        return fhs_fail_plain(err, FHIRSTORE_ERR_UNKNOWN_TYPE);
    }
    bool is_type_level = parts.count == 1 || (parts.count == 2 && (parts.part[1].ptr[0] == '_' ||
                                                                   is_operation(parts.part[1])));
    out->place.type = out->type;
    if (is_type_level) {
        return route_type(kind, &parts, out, err);
    }
    return is_compartment(&parts) ? route_compartment(fhir, kind, &parts, out, err)
                                  : route_instance(kind, &parts, out, err);
}

static bool is_hard_name(fhs_str name)
{
    return fhs_str_eq(name, FHS_LIT("_hardDelete")) || fhs_str_eq(name, FHS_LIT("hardDelete"));
}

/* The query's next pair; false: it is the switch, and what it says is in *is_hard. */
static bool keeps_pair(fhs_str pair, bool *is_hard, bool *is_good)
{
    fhs_str name = pair;
    fhs_str value = FHS_STR_NONE;
    (void)fhs_str_split(pair, '=', &name, &value);
    if (!is_hard_name(name)) {
        return true;
    }
    *is_hard = fhs_str_eq(value, FHS_LIT("true"));
    *is_good = *is_good && (*is_hard || fhs_str_eq(value, FHS_LIT("false")));
    return false;
}

fhirstore_status fhs_route_take_switches(fhs_arena *arena, fhs_route *route, fhirstore_error **err)
{
    fhs_str rest = route->query;
    bool is_good = true;
    size_t len = 0;
    if (route->interaction != FHS_DO_DELETE ||
        fhs_str_find(rest, FHS_LIT("hardDelete")) >= rest.len) {
        return FHIRSTORE_OK;
    }
    char *kept = fhs_arena_alloc(arena, rest.len + 1);
    if (kept == NULL) {
        return fhs_fail_memory(err);
    }
    fhs_str pair;
    while (fhs_str_next(&rest, '&', &pair)) {
        if (pair.len > 0 && keeps_pair(pair, &route->is_hard, &is_good)) {
            kept[len] = '&';
            len += len > 0 ? 1 : 0;
            memcpy(kept + len, pair.ptr, pair.len);
            len += pair.len;
        }
    }
    route->query = fhs_str_of(kept, len);
    return is_good ? FHIRSTORE_OK
                   : fhs_fail(err, FHIRSTORE_ERR_PARAM_VALUE, "_hardDelete expects true or false");
}

static bool is_write_route(const fhs_route *route)
{
    switch (route->interaction) {
    case FHS_DO_CAPABILITIES:
    case FHS_DO_SEARCH:
    case FHS_DO_READ:
    case FHS_DO_VREAD:
    case FHS_DO_HISTORY:
    case FHS_DO_OPERATION: /* those that write are known where operations are */
        return false;
    default:
        return true;
    }
}

void fhs_route_allowed(const fhs_fhir *fhir, fhs_str base_url, fhs_str url, bool reads_only,
                       char out[FHS_ALLOW_BYTES])
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < FHS_COUNT_OF(methods); i++) {
        fhs_route route;
        fhs_str method = fhs_str_from_cstr(methods[i]);
        if (fhs_route_parse(fhir, base_url, method, url, &route, NULL) == FHIRSTORE_OK &&
            !(reads_only && is_write_route(&route)) && len + method.len + 3 < FHS_ALLOW_BYTES) {
            len += (size_t)snprintf(out + len, FHS_ALLOW_BYTES - len, "%s%s", len > 0 ? ", " : "",
                                    methods[i]);
        }
    }
}

fhirstore_status fhs_etag_parse(fhs_str value, int64_t *version_out, fhirstore_error **err)
{
    uint64_t version;
    fhs_str tag = fhs_str_trim(value);
    if (fhs_str_starts_with(tag, FHS_LIT("W/"))) {
        tag = fhs_str_from(tag, 2);
    }
    bool quoted = tag.len >= 2 && tag.ptr[0] == '"' && tag.ptr[tag.len - 1] == '"';
    if (!quoted || !fhs_str_to_u64(fhs_str_of(tag.ptr + 1, tag.len - 2), INT64_MAX, &version) ||
        version == 0) {
        return fhs_fail(err, FHIRSTORE_ERR_QUERY, "an entity tag has the form W/\"1\"");
    }
    *version_out = (int64_t)version;
    return FHIRSTORE_OK;
}
