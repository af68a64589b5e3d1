/* SPDX-License-Identifier: Apache-2.0 */
/* Take a reference apart. Indexing and searching must agree on this, so they share it. */
#ifndef FHS_FHIR_REFERENCE_H
#define FHS_FHIR_REFERENCE_H

#include <stdbool.h>

#include "base/str.h"
#include "fhir/fhir.h"

/* Views borrow the text that was parsed. */
typedef struct fhs_reference {
    fhs_type type;   /* FHS_TYPE_NONE unless Type/id */
    fhs_str id;      /* of Type/id; also set for a text that is nothing but a valid id */
    fhs_str version; /* of /_history/version or |version; else empty */
    fhs_str url;   /* what is not Type/id: url, urn, fragment (with its #) or anything else, without
                      version */
    bool is_local; /* Type/id here: relative, or absolute below the base URL */
    bool is_fragment; /* #id: something contained */
} fhs_reference;

/*
 * Type/id, Type/id/_history/v, absolute below or outside @a base_url (which may be empty, and may
 * end in a slash), urn:, #fragment, canonical|version. False: an empty text.
 */
bool fhs_reference_parse(const fhs_fhir *fhir, fhs_str base_url, fhs_str text, fhs_reference *out);

/* Whether @a text is a valid id: 1 to 64 of A-Z a-z 0-9 - . */
bool fhs_id_is_valid(fhs_str text);

#endif
