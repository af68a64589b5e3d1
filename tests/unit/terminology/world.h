/* SPDX-License-Identifier: Apache-2.0 */
/* A source of terms without a store: resources as texts. */
#ifndef FHS_TEST_TERMINOLOGY_WORLD_H
#define FHS_TEST_TERMINOLOGY_WORLD_H

#include <stdio.h>

#include "suite.h"
#include "terminology/terminology.h"

#define SYS "http://acme.org/cs"

static const char *const world[] = {
    "{\"resourceType\":\"CodeSystem\",\"id\":\"cs\",\"url\":\"" SYS "\",\"version\":\"1.9\","
    "\"status\":\"active\",\"content\":\"complete\",\"caseSensitive\":true,\"property\":[{\"code\":"
    "\"size\",\"type\":\"code\"},{\"code\":\"kindOf\",\"uri\":"
    "\"http://hl7.org/fhir/concept-properties#parent\",\"type\":\"code\"}],\"concept\":[{\"code\":"
    "\"a\",\"display\":\"Alpha\",\"property\":[{\"code\":\"size\",\"valueCode\":\"big\"}],"
    "\"concept\":[{\"code\":\"b\",\"display\":\"Beta\",\"property\":[{\"code\":\"size\","
    "\"valueCode\":\"small\"}],\"concept\":[{\"code\":\"c\"},{\"code\":\"d\"}]},{\"code\":\"e\","
    "\"property\":[{\"code\":\"child\",\"valueCode\":\"d\"},{\"code\":\"inactive\","
    "\"valueBoolean\":true}]}]},{\"code\":\"f\",\"property\":[{\"code\":\"kindOf\",\"valueCode\":"
    "\"c\"}]},{\"code\":\"B\"}]}",
    /* Below 1.9 by its version, and stored later. */
    "{\"resourceType\":\"CodeSystem\",\"id\":\"old\",\"url\":\"" SYS "\",\"version\":\"1.10-old\","
    "\"status\":\"retired\",\"content\":\"complete\",\"concept\":[{\"code\":\"old\"}]}",
    "{\"resourceType\":\"CodeSystem\",\"id\":\"sup\",\"url\":\"" SYS "\",\"status\":\"active\","
    "\"version\":\"9\",\"content\":\"supplement\",\"concept\":[{\"code\":\"a\"}]}",
    "{\"resourceType\":\"CodeSystem\",\"id\":\"ring\",\"url\":\"urn:ring\",\"status\":\"active\","
    "\"content\":\"complete\",\"concept\":[{\"code\":\"x\",\"property\":[{\"code\":\"parent\","
    "\"valueCode\":\"z\"}]},{\"code\":\"y\",\"property\":[{\"code\":\"parent\",\"valueCode\":"
    "\"x\"}]},{\"code\":\"z\",\"property\":[{\"code\":\"parent\",\"valueCode\":\"y\"}]},{\"code\":"
    "\"X\"}]}",
    "{\"resourceType\":\"CodeSystem\",\"id\":\"parts\",\"url\":\"urn:parts\",\"status\":\"active\","
    "\"content\":\"complete\",\"hierarchyMeaning\":\"part-of\",\"concept\":[{\"code\":\"car\","
    "\"concept\":[{\"code\":\"hubcap\"}]}]}",
    "{\"resourceType\":\"CodeSystem\",\"id\":\"some\",\"url\":\"urn:some\",\"status\":\"active\","
    "\"content\":\"fragment\",\"concept\":[{\"code\":\"p\"},{\"code\":\"q\"}]}",
    "{\"resourceType\":\"ValueSet\",\"id\":\"v1\",\"url\":\"urn:vs\",\"version\":\"1\",\"status\":"
    "\"active\",\"compose\":{\"include\":[{\"system\":\"" SYS "\",\"concept\":[{\"code\":\"a\"}]}]}"
    "}",
    "{\"resourceType\":\"ValueSet\",\"id\":\"v2\",\"url\":\"urn:vs\",\"version\":\"2\",\"status\":"
    "\"draft\",\"compose\":{\"include\":[{\"system\":\"" SYS "\",\"concept\":[{\"code\":\"b\"}]}]}"
    "}",
    "{\"resourceType\":\"ValueSet\",\"id\":\"loop1\",\"url\":\"urn:loop1\",\"status\":\"active\","
    "\"compose\":{\"include\":[{\"valueSet\":[\"urn:loop2\"]}]}}",
    "{\"resourceType\":\"ValueSet\",\"id\":\"loop2\",\"url\":\"urn:loop2\",\"version\":\"1\","
    "\"status\":\"active\",\"compose\":{\"include\":[{\"valueSet\":[\"urn:loop1|\"]}]}}",
    "{\"resourceType\":\"ValueSet\",\"id\":\"whole\",\"url\":\"urn:whole\",\"status\":\"active\","
    "\"compose\":{\"include\":[{\"system\":\"urn:far\"}]}}",
};

static inline fhirstore_status show(fhs_terms_kind kind, fhs_str member, fhs_str value,
                                    fhs_terms_take_fn take, void *taker, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    fhs_str type = kind == FHS_TERMS_VALUE_SET ? FHS_LIT("ValueSet") : FHS_LIT("CodeSystem");
    for (size_t i = 0; i < sizeof world / sizeof *world && status == FHIRSTORE_OK; i++) {
        char wanted[128];
        char start[64];
        fhs_str text = fhs_str_from_cstr(world[i]);
        (void)snprintf(start, sizeof start, "{\"resourceType\":\"%.*s\"", FHS_STR_ARG(type));
        (void)snprintf(wanted, sizeof wanted, "\"%.*s\":\"%.*s\",", FHS_STR_ARG(member),
                       FHS_STR_ARG(value));
        if (fhs_str_starts_with(text, fhs_str_from_cstr(start)) &&
            (member.len == 0 || fhs_str_find(text, fhs_str_from_cstr(wanted)) <= text.len)) {
            status = take(taker, text, (int64_t)i, err);
        }
    }
    return status;
}

static inline fhirstore_status show_url(void *ctx, fhs_terms_kind kind, fhs_str url,
                                        fhs_terms_take_fn take, void *taker, fhirstore_error **err)
{
    (void)ctx;
    return show(kind, FHS_LIT("url"), url, take, taker, err);
}

static inline fhirstore_status show_id(void *ctx, fhs_terms_kind kind, fhs_str id,
                                       fhs_terms_take_fn take, void *taker, fhirstore_error **err)
{
    (void)ctx;
    return show(kind, FHS_LIT("id"), id, take, taker, err);
}

static inline fhirstore_status show_each(void *ctx, fhs_terms_kind kind, fhs_terms_take_fn take,
                                         void *taker, fhirstore_error **err)
{
    (void)ctx;
    return show(kind, FHS_STR_NONE, FHS_STR_NONE, take, taker, err);
}

static const fhs_terms_source source = {NULL, show_url, show_id, show_each};

/* The codes of a set in order, then its whole code systems in brackets. */
static inline void list_set(const fhs_code_set *set, fhs_buf *out)
{
    fhs_buf_reset(out);
    for (uint32_t i = 0; i < set->count; i++) {
        if (!set->terms[i].is_out) {
            fhs_buf_add_cstr(out, out->len > 0 ? " " : "");
            fhs_buf_add_str(out, set->terms[i].code);
        }
    }
    for (uint32_t i = 0; i < set->whole_count; i++) {
        fhs_buf_addf(out, "%s[%.*s]", out->len > 0 ? " " : "", FHS_STR_ARG(set->wholes[i]));
    }
}

/* Expand a compose as it stands. */
static inline fhirstore_status expand_text(fhs_terms *terms, const char *text, bool is_listing,
                                           const fhs_code_set **out, fhirstore_error **err)
{
    const fhs_json *json = NULL;
    const fhs_terms_ask ask = {false, is_listing};
    fhirstore_status status = fhs_terms_read(terms, fhs_str_from_cstr(text), &json, err);
    return status == FHIRSTORE_OK ? fhs_terms_expand(terms, json, &ask, out, err) : status;
}

#endif
