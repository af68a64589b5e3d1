/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#ifndef FHS_VALIDATION_INTERNAL_H
#define FHS_VALIDATION_INTERNAL_H

#include "base/compiler.h"
#include "validation/validation.h"

#define FHS_PLACE_SINGLE UINT32_MAX

/* Where the walk stands: a chain through its stack frames, read only when there is a fault. */
typedef struct fhs_place {
    const struct fhs_place *up;
    const fhs_property *property; /* NULL: the root, or a member that the type does not have */
    fhs_str name;                 /* the root's type, else the JSON member without its "_" */
    uint32_t index;               /* in its array, or FHS_PLACE_SINGLE */
} fhs_place;

/* One validation. */
typedef struct fhs_check {
    const fhs_fhir *fhir;
    fhirstore_error **err;
    fhirstore_status status;
    bool is_lenient;
    bool has_bindings;
    bool is_full; /* no more faults are wanted */
    bool has_integer64;
    uint32_t depth;
    fhs_type first_primitive;
    fhs_type resource;
    fhs_type extension;
    fhs_type codeable_concept;
    fhs_type coding;
    fhs_type quantity;
    fhs_type reference;
    const fhs_full_check *full; /* NULL: invariants and references are not looked at */
    struct fhs_full_state *state;
    uint32_t warnings;     /* listed so far */
    bool is_presence_only; /* nothing is looked for but targets that are not there */
    bool is_cut;           /* there are issues that are not listed */
} fhs_check;

/* Primitive types in the order in which the tables hold them: by name, behind all other types. */
typedef enum fhs_primitive {
    FHS_PRIMITIVE_BASE64BINARY,
    FHS_PRIMITIVE_BOOLEAN,
    FHS_PRIMITIVE_CANONICAL,
    FHS_PRIMITIVE_CODE,
    FHS_PRIMITIVE_DATE,
    FHS_PRIMITIVE_DATETIME,
    FHS_PRIMITIVE_DECIMAL,
    FHS_PRIMITIVE_ID,
    FHS_PRIMITIVE_INSTANT,
    FHS_PRIMITIVE_INTEGER,
    FHS_PRIMITIVE_INTEGER64, /* since R5 */
    FHS_PRIMITIVE_MARKDOWN,
    FHS_PRIMITIVE_OID,
    FHS_PRIMITIVE_POSITIVE_INT,
    FHS_PRIMITIVE_STRING,
    FHS_PRIMITIVE_TIME,
    FHS_PRIMITIVE_UNSIGNED_INT,
    FHS_PRIMITIVE_URI,
    FHS_PRIMITIVE_URL,
    FHS_PRIMITIVE_UUID,
    FHS_PRIMITIVE_XHTML,
} fhs_primitive;

static inline bool fhs_check_is_primitive(const fhs_check *check, fhs_type type)
{
    return type >= check->first_primitive;
}

static inline fhs_primitive fhs_check_primitive_of(const fhs_check *check, fhs_type type)
{
    unsigned number = (unsigned)type - check->first_primitive;
    return (fhs_primitive)(number + (number >= FHS_PRIMITIVE_INTEGER64 && !check->has_integer64));
}

/* Record a fault at @a at; @a code is a FHIR issue type. */
void fhs_check_fault(fhs_check *check, const fhs_place *at, const char *code, const char *format,
                     ...) FHS_PRINTF(4, 5);
/* The same with a severity of its own. */
void fhs_check_issue(fhs_check *check, const fhs_place *at, fhs_severity severity, const char *code,
                     const char *format, ...) FHS_PRINTF(5, 6);
/* The element's name in texts: letters and digits only, else "(unnamed)". */
fhs_str fhs_place_name(const fhs_place *at);

/* Check all members of an object of @a type. */
void fhs_check_members(fhs_check *check, const fhs_place *at, fhs_type type, const fhs_json *object,
                       bool is_resource);
/* Check "_name" at the place of "name"; @a value is the member "name", or NULL without one. */
void fhs_check_sibling(fhs_check *check, fhs_place *at, const fhs_json *sibling,
                       const fhs_json *value);
/* Check that the nulls in array @a values, a member of @a object, have something beside them. */
void fhs_check_nulls(fhs_check *check, fhs_place *at, const fhs_json *values,
                     const fhs_json *object);

/* Check a value that is not null and has a primitive type. */
void fhs_check_primitive(fhs_check *check, const fhs_place *at, fhs_type type,
                         const fhs_json *value);

/* Check a value that is well-formed against the required binding of its element, if it has one. */
void fhs_check_binding(fhs_check *check, const fhs_place *at, fhs_type type, const fhs_json *value);

/* ---- full checks (full.c, target.c) ---- */

/* A resource that a Bundle holds, under one of the names that it has there. */
typedef struct fhs_entry_name {
    fhs_str before; /* the name is this, … */
    fhs_str id;     /* … or with an id: before/id */
    const fhs_json *resource;
} fhs_entry_name;

/* What a full check knows beside its settings. */
typedef struct fhs_full_state {
    const fhs_json *top;      /* what was handed in */
    const fhs_json *resource; /* %resource */
    const fhs_json *root;     /* %rootResource: not contained */
    bool asks_entries;        /* of a Bundle: what they refer to should be in the store as well */
    bool is_indexed;
    fhs_entry_name *entries; /* of a Bundle, sorted */
    size_t entry_count;
    fhs_fhirpath_hooks hooks;
    uint64_t steps;        /* that all invariants together may still take */
    fhirstore_error **err; /* what hindered the check */
} fhs_full_state;

/* Check an element's value, whose structure was checked, against what it must satisfy. */
void fhs_check_full(fhs_check *check, const fhs_place *at, fhs_type type, const fhs_json *value);
/* Check a value of type Reference. */
void fhs_check_reference(fhs_check *check, const fhs_place *at, const fhs_json *value);
/* The resource that the Bundle under check has for @a reference, or NULL. */
const fhs_json *fhs_check_entry(fhs_check *check, fhs_str reference);
/* The check cannot go on. */
void fhs_check_hindered(fhs_check *check, fhirstore_status status);

/* NULL when @a text is a narrative's div, else what it lacks. */
const char *fhs_xhtml_fault(fhs_str text);

#endif
