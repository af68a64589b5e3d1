/* SPDX-License-Identifier: Apache-2.0 */
/* Loop tests of this room run once a version; one that was left out of the build passes. */
#ifndef FHS_TEST_FHIR_VERSIONS_H
#define FHS_TEST_FHIR_VERSIONS_H

#include "fhir/fhir.h"
#include "suite.h"

#define VERSION_COUNT 3

static const fhs_fhir_version versions[VERSION_COUNT] = {FHS_FHIR_R4, FHS_FHIR_R4B, FHS_FHIR_R5};

#define VERSION_OR_RETURN(name, version)          \
    const fhs_fhir *name = fhs_fhir_get(version); \
    if (name == NULL) {                           \
        return;                                   \
    }

static inline fhs_type find_type(const fhs_fhir *fhir, const char *name)
{
    fhs_type type = fhs_type_find(fhir, fhs_str_from_cstr(name));
    ck_assert_msg(type != FHS_TYPE_NONE, "no type %s", name);
    return type;
}

static inline fhs_property find_member(const fhs_fhir *fhir, const char *type, const char *name)
{
    fhs_property property;
    ck_assert_msg(
        fhs_property_find(fhir, find_type(fhir, type), fhs_str_from_cstr(name), &property),
        "no member %s in %s", name, type);
    return property;
}

#endif
