/* SPDX-License-Identifier: Apache-2.0 */
/* Headers: conditions, preferences, media types. */
#include "rest/headers.h"

#include "base/instant.h"
#include "rest/bundle.h"
#include "rest/content.h"

/* RFC 9110: a weight has three digits behind the point at most. */
#define FULL_WEIGHT 1000

/* ---- media types ---- */

fhs_str fhs_media_name(fhs_str type)
{
    fhs_str name = type;
    fhs_str parameters;
    (void)fhs_str_split(type, ';', &name, &parameters);
    return fhs_str_trim(name);
}

bool fhs_media_is_form(fhs_str type)
{
    return fhs_str_eq_ascii_case(fhs_media_name(type),
                                 FHS_LIT("application/x-www-form-urlencoded"));
}

bool fhs_media_is_json(fhs_str type)
{
    static const fhs_str names[] = {
        FHS_LIT_INIT("application/fhir+json"),
        FHS_LIT_INIT("application/json"),
        FHS_LIT_INIT("text/json"),
        FHS_LIT_INIT("json"),
    };
    fhs_str name = fhs_media_name(type);
    for (size_t i = 0; i < FHS_COUNT_OF(names); i++) {
        if (fhs_str_eq_ascii_case(name, names[i])) {
            return true;
        }
    }
    return false;
}

static fhs_str strip_quotes(fhs_str text)
{
    bool is_quoted = text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"';
    return is_quoted ? fhs_str_of(text.ptr + 1, text.len - 2) : text;
}

/* The value of a parameter of a media type; ptr NULL: it has none of this name. */
static fhs_str media_parameter(fhs_str type, fhs_str wanted)
{
    fhs_str rest = FHS_STR_NONE;
    fhs_str head;
    if (!fhs_str_split(type, ';', &head, &rest)) {
        return FHS_STR_NONE;
    }
    fhs_str pair;
    while (fhs_str_next(&rest, ';', &pair)) {
        fhs_str name;
        fhs_str value;
        if (fhs_str_split(pair, '=', &name, &value) &&
            fhs_str_eq_ascii_case(fhs_str_trim(name), wanted)) {
            return strip_quotes(fhs_str_trim(value));
        }
    }
    return FHS_STR_NONE;
}

/* http.html#version-parameter: "4.0" for every release of R4. */
static bool is_of_version(const fhs_core *core, fhs_str type)
{
    fhs_str wanted = media_parameter(type, FHS_LIT("fhirVersion"));
    fhs_str number = fhs_fhir_version_number(core->fhir);
    return wanted.ptr == NULL || fhs_str_eq(wanted, number) ||
           (fhs_str_starts_with(number, wanted) && wanted.len < number.len &&
            number.ptr[wanted.len] == '.');
}

/* JSON is UTF-8 and nothing else; ASCII is a part of it. */
static bool is_utf8(fhs_str type)
{
    fhs_str charset = media_parameter(type, FHS_LIT("charset"));
    return charset.ptr == NULL || fhs_str_eq_ascii_case(charset, FHS_LIT("utf-8")) ||
           fhs_str_eq_ascii_case(charset, FHS_LIT("utf8")) ||
           fhs_str_eq_ascii_case(charset, FHS_LIT("us-ascii"));
}

/* q=0.5 is 500; what is no weight is a full one. */
static int weight_of(fhs_str type)
{
    fhs_str text = media_parameter(type, FHS_LIT("q"));
    int weight = 0;
    int unit = FULL_WEIGHT;
    if (text.ptr == NULL || text.len == 0 || (text.ptr[0] != '0' && text.ptr[0] != '1')) {
        return FULL_WEIGHT;
    }
    weight = (text.ptr[0] - '0') * unit;
    for (size_t i = 2; i < text.len && text.ptr[1] == '.'; i++) {
        unit /= 10;
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return FULL_WEIGHT;
        }
        weight += (text.ptr[i] - '0') * unit;
    }
    return weight > FULL_WEIGHT ? FULL_WEIGHT : weight;
}

/* The next item of a list, trimmed. False: no more. */
static bool next_range(fhs_str *list, fhs_str *item_out)
{
    while (list->len > 0) {
        fhs_str item = *list;
        fhs_str rest = FHS_STR_NONE;
        (void)fhs_str_split(*list, ',', &item, &rest);
        *list = rest;
        *item_out = fhs_str_trim(item);
        if (item_out->len > 0) {
            return true;
        }
    }
    return false;
}

static bool is_wildcard(fhs_str name)
{
    return fhs_str_eq(name, FHS_LIT("*/*")) || fhs_str_eq(name, FHS_LIT("*")) ||
           fhs_str_eq_ascii_case(name, FHS_LIT("application/*"));
}

bool fhs_media_accepts_json(const fhs_core *core, fhs_str accept)
{
    fhs_str item;
    bool by_name = false;
    bool by_wildcard = false;
    bool is_excluded = false;
    while (next_range(&accept, &item)) {
        const bool is_wanted = weight_of(item) > 0;
        if (fhs_media_is_json(item)) {
            by_name = by_name || (is_wanted && is_of_version(core, item));
            is_excluded = is_excluded ||
                          (!is_wanted && fhs_str_eq_ascii_case(fhs_media_name(item),
                                                               FHS_LIT("application/fhir+json")));
        } else if (is_wildcard(fhs_media_name(item))) {
            by_wildcard = by_wildcard || is_wanted;
        }
    }
    return by_name || (by_wildcard && !is_excluded);
}

bool fhs_media_wants_content(const fhs_core *core, const fhs_request *request, fhs_str content)
{
    const fhs_str name = fhs_media_name(content);
    int resource = 0;
    int raw = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        fhs_str list = request->headers[i].value;
        fhs_str item;
        if (!fhs_str_eq_ascii_case(request->headers[i].name, FHS_LIT("Accept"))) {
            continue;
        }
        while (next_range(&list, &item)) {
            const fhs_str wanted = fhs_media_name(item);
            const int weight = weight_of(item);
            if (fhs_str_eq_ascii_case(wanted, name) &&
                !fhs_str_eq_ascii_case(wanted, FHS_LIT("application/fhir+json"))) {
                raw = weight > raw ? weight : raw;
            } else if (fhs_media_is_json(item) && is_of_version(core, item)) {
                resource = weight > resource ? weight : resource;
            }
        }
    }
    /* Who asks for neither gets the content: R4, Binary, "Serving Binary Resources". */
    return raw >= resource;
}

/* ---- conditions ---- */

fhirstore_status fhs_if_match_parse(fhs_str value, fhs_condition *out, fhirstore_error **err)
{
    if (fhs_str_eq(fhs_str_trim(value), FHS_LIT("*"))) {
        out->if_any = true;
        return FHIRSTORE_OK;
    }
    return fhs_etag_parse(value, &out->if_version, err);
}

/* In a header HTTP's date, ignored when malformed (RFC 9110); in a Bundle an instant. */
static fhirstore_status take_modified_since(fhs_str value, bool is_entry, fhs_unless *out,
                                            fhirstore_error **err)
{
    if (!is_entry && fhs_http_date_parse(value, &out->modified_since_us)) {
        return FHIRSTORE_OK;
    }
    out->modified_since_us = fhs_bundle_instant(value);
    return is_entry && out->modified_since_us == 0
               ? fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "ifModifiedSince is an instant")
               : FHIRSTORE_OK;
}

/* ---- preferences ---- */

/* RFC 7240: what is not known is passed over; quotes change nothing. */
static void take_preference(fhs_str item, fhs_preferences *out)
{
    fhs_str name;
    fhs_str value;
    if (!fhs_str_split(item, '=', &name, &value)) {
        return;
    }
    name = fhs_str_trim(name);
    value = strip_quotes(fhs_str_trim(value));
    if (fhs_str_eq_ascii_case(name, FHS_LIT("return"))) {
        out->wanted = fhs_str_eq_ascii_case(value, FHS_LIT("minimal")) ? FHS_RETURN_MINIMAL
                      : fhs_str_eq_ascii_case(value, FHS_LIT("OperationOutcome"))
                          ? FHS_RETURN_OUTCOME
                      : fhs_str_eq_ascii_case(value, FHS_LIT("representation"))
                          ? FHS_RETURN_REPRESENTATION
                          : out->wanted;
    } else if (fhs_str_eq_ascii_case(name, FHS_LIT("handling"))) {
        out->strict = fhs_str_eq_ascii_case(value, FHS_LIT("strict")) ||
                      (out->strict && !fhs_str_eq_ascii_case(value, FHS_LIT("lenient")));
    }
}

static void parse_prefer(fhs_str value, fhs_preferences *out)
{
    while (value.len > 0) {
        size_t at = 0;
        while (at < value.len && value.ptr[at] != ',' && value.ptr[at] != ';') {
            at++;
        }
        take_preference(fhs_str_trim(fhs_str_of(value.ptr, at)), out);
        value = fhs_str_from(value, at + 1);
    }
}

/* ---- all of them ---- */

static bool is_single_write(const fhs_route *route)
{
    return route->interaction == FHS_DO_CREATE || route->interaction == FHS_DO_UPDATE ||
           route->interaction == FHS_DO_PATCH || route->interaction == FHS_DO_DELETE;
}

static fhirstore_status take_provenance(fhs_str value, const fhs_route *route,
                                        fhs_request_headers *out, fhirstore_error **err)
{
    out->provenance = value;
    out->preferences.provenance = value;
    if (value.len > 0 && (is_single_write(route) || route->interaction == FHS_DO_BUNDLE)) {
        return FHIRSTORE_OK;
    }
    return fhs_fail(err, FHIRSTORE_ERR_QUERY,
                    "X-Provenance holds a Provenance resource, and goes with create, update, "
                    "patch, delete, batch and transaction");
}

/* A Binary comes as what it is, but not as a resource in a form that is not read here. */
static bool may_be_content(const fhs_core *core, const fhs_route *route, fhs_str type)
{
    return fhs_type_is_binary(core, route->type) &&
           (route->interaction == FHS_DO_CREATE || route->interaction == FHS_DO_UPDATE) &&
           fhs_str_find_char(fhs_media_name(type), '/', 0) < fhs_media_name(type).len &&
           !fhs_str_starts_with(fhs_media_name(type), FHS_LIT("application/fhir+"));
}

/* What a body of this type may come as; a patch looks at it itself. */
static fhirstore_status check_content_type(const fhs_core *core, const fhs_route *route,
                                           fhs_str value, fhirstore_error **err)
{
    bool fits = true;
    if (may_be_content(core, route, value)) {
        return FHIRSTORE_OK;
    }
    if (route->form_search) {
        fits = fhs_media_is_form(value);
    } else if (route->interaction == FHS_DO_OPERATION && fhs_media_is_form(value)) {
        fits = true; /* parameters as in the address */
    } else if (route->interaction == FHS_DO_CREATE || route->interaction == FHS_DO_UPDATE ||
               route->interaction == FHS_DO_BUNDLE || route->interaction == FHS_DO_OPERATION) {
        fits = fhs_media_is_json(value) && is_utf8(value) && is_of_version(core, value);
    } else if (route->interaction == FHS_DO_PATCH) {
        fits = is_utf8(value) && is_of_version(core, value);
    }
    return fits ? FHIRSTORE_OK : fhs_fail_plain(err, FHIRSTORE_ERR_MEDIA_TYPE);
}

static fhirstore_status take_header(const fhs_core *core, const fhs_header *header,
                                    const fhs_route *route, bool is_entry, fhs_request_headers *out,
                                    fhirstore_error **err)
{
    const fhs_str name = header->name;
    const fhs_str value = fhs_str_trim(header->value);
    if (fhs_str_eq_ascii_case(name, FHS_LIT("If-Match"))) {
        return fhs_if_match_parse(value, &out->condition, err);
    }
    if (fhs_str_eq_ascii_case(name, FHS_LIT("If-None-Match"))) {
        out->unless.tags = value;
    } else if (fhs_str_eq_ascii_case(name, FHS_LIT("If-Modified-Since"))) {
        return take_modified_since(value, is_entry, &out->unless, err);
    } else if (fhs_str_eq_ascii_case(name, FHS_LIT("Prefer"))) {
        parse_prefer(value, &out->preferences);
    } else if (fhs_str_eq_ascii_case(name, FHS_LIT("If-None-Exist"))) {
        out->none_exist = value;
        out->has_none_exist = true;
    } else if (fhs_str_eq_ascii_case(name, FHS_LIT("X-Provenance"))) {
        return take_provenance(value, route, out, err);
    } else if (fhs_str_eq_ascii_case(name, FHS_LIT("X-Security-Context"))) {
        out->security_context = value;
    } else if (fhs_str_eq_ascii_case(name, FHS_LIT("Content-Type")) && value.len > 0) {
        out->content_type = value;
        return check_content_type(core, route, value, err);
    }
    return FHIRSTORE_OK;
}

/* Several Accept headers are one list. _format says more than what a browser may have written. */
static fhirstore_status check_accept(const fhs_core *core, const fhs_request *request,
                                     const fhs_route *route, fhirstore_error **err)
{
    bool is_given = false;
    bool is_good = false;
    for (size_t i = 0; i < request->header_count; i++) {
        const fhs_header *header = &request->headers[i];
        if (fhs_str_eq_ascii_case(header->name, FHS_LIT("Accept")) &&
            fhs_str_trim(header->value).len > 0) {
            is_given = true;
            is_good = is_good || fhs_media_accepts_json(core, header->value);
        }
    }
    const bool is_binary = fhs_type_is_binary(core, route->type) &&
                           (route->interaction == FHS_DO_READ ||
                            route->interaction == FHS_DO_VREAD); /* it may be of any type */
    return !is_given || is_good || is_binary || route->has_format
               ? FHIRSTORE_OK
               : fhs_fail(err, FHIRSTORE_ERR_NOT_ACCEPTABLE, "only application/fhir+json");
}

fhirstore_status fhs_headers_take(const fhs_core *core, const fhs_request *request,
                                  const fhs_route *route, fhs_request_headers *out,
                                  fhirstore_error **err)
{
    *out = (fhs_request_headers){0};
    if (request->outer != NULL) {
        out->preferences = *request->outer;
        out->provenance = is_single_write(route) ? request->outer->provenance : FHS_STR_NONE;
    }
    for (size_t i = 0; i < request->header_count; i++) {
        fhirstore_status status = take_header(core, &request->headers[i], route,
                                              request->outer != NULL, out, err);
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
    return check_accept(core, request, route, err);
}
