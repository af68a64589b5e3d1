/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field masks: elements of a resource that a principal does not see, and such that it may not
 * change. An element is named by its path from the resource on: "birthDate", "name.given", "value"
 * or "value[x]" for every form of a choice, "valueQuantity" for one.
 *
 * What is hidden is left out, and where an element must be there it says that it is masked. What a
 * resource contains is masked as its own type is. A resource of a masked type carries the tag
 * SUBSETTED, whether it has the elements or not.
 */
#ifndef FHS_ACCESS_MASK_H
#define FHS_ACCESS_MASK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "fhir/fhir.h"
#include "json/json.h"

typedef struct fhs_mask {
    const fhs_str *hide;
    size_t hide_count;
    const fhs_str *keep; /* may be read, not changed */
    size_t keep_count;
} fhs_mask;

/* The mask of each type; NULL: none. */
typedef struct fhs_masks {
    const fhs_fhir *fhir;
    const fhs_mask *(*of)(void *ctx, fhs_type type);
    void *ctx;
} fhs_masks;

/* Some of the paths, and what is left of them below an element. */
typedef struct fhs_mask_paths {
    const fhs_str *items;
    size_t count;
} fhs_mask_paths;

/* NULL, or why @a path is no element of @a type that can be hidden or kept. */
const char *fhs_mask_fault(const fhs_fhir *fhir, fhs_type type, fhs_str path);
/* Whether a search by @a param of @a type would look at what is hidden. */
bool fhs_mask_reads(const fhs_mask *mask, const fhs_fhir *fhir, fhs_type type, fhs_sparam param);
/* Whether an element, or one within it, is hidden. */
bool fhs_mask_hides(const fhs_mask *mask, fhs_str element);
/*
 * What @a paths say of the member @a name of a value of @a type: *whole_out, it is among them as a
 * whole; else *inner_out: the paths below it. ERR_NO_MEMORY.
 */
fhirstore_status fhs_mask_select(fhs_arena *arena, const fhs_fhir *fhir, fhs_type type,
                                 const fhs_mask_paths *paths, fhs_str name, bool *whole_out,
                                 fhs_mask_paths *inner_out);

/* Whether there can be anything to hide in @a body, a resource of @a type. */
bool fhs_masks_may_apply(const fhs_masks *masks, fhs_type type, fhs_str body);
/* Whether @a root, or a resource within it, is of a type with hidden elements. */
bool fhs_mask_is_any(const fhs_masks *masks, const fhs_json *root);
/* Append @a body without what is hidden; as it is where nothing is. */
fhirstore_status fhs_mask_write(const fhs_masks *masks, fhs_arena *arena, fhs_str body,
                                fhs_buf *out, fhirstore_error **err);
/* The same of one value below a resource, without the tag; false: nothing is left of it. */
bool fhs_mask_write_value(const fhs_masks *masks, fhs_arena *arena, fhs_type type, fhs_str source,
                          const fhs_json *value, const fhs_mask_paths *paths, fhs_buf *out);
/* Whether @a value is what fhs_mask_write() puts in the place of an element that must be there. */
bool fhs_mask_is_placeholder(const fhs_json *value);
/* Whether a tag is the one that says that a resource is not all of it. */
bool fhs_mask_is_subsetted(const fhs_json *tag);

/*
 * Append @a sent, what a principal wants to store in the place of @a stored, with everything that
 * it cannot see as it is stored. ERR_DENIED: it says something of hidden elements itself, or what
 * it leaves out would take some with it.
 */
fhirstore_status fhs_mask_merge(const fhs_masks *masks, fhs_arena *arena, fhs_str stored,
                                fhs_str sent, fhs_buf *out, fhirstore_error **err);
/*
 * ERR_DENIED unless the kept elements are in @a after as in @a before (NULL: there was none);
 * ERR_NO_MEMORY.
 */
fhirstore_status fhs_mask_check_kept(const fhs_mask *mask, const fhs_fhir *fhir, fhs_type type,
                                     fhs_arena *arena, const fhs_json *before,
                                     const fhs_json *after, fhirstore_error **err);

#endif
