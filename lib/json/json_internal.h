/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this folder. */
#ifndef FHS_JSON_INTERNAL_H
#define FHS_JSON_INTERNAL_H

#include "json/json.h"

/* Objects with more members than this are checked and compared through a name set. */
#define FHS_JSON_FEW_MEMBERS 32u
/* Walking a tree may recurse, so no reader may be told to go deeper than this. */
#define FHS_JSON_DEPTH_MAX 1000u

/* Why reading stops. Texts are static and never hold what was read. */
typedef struct fhs_json_fault {
    fhirstore_status status;
    const char *at;       /* in the text */
    const char *expected; /* "a value"; NULL: problem says it all */
    const char *problem;
} fhs_json_fault;

/*
 * Read the rest of a string that begins at @a start (behind its quote), from its first backslash or
 * byte that is not ASCII at @a p on. Returns the place behind the closing quote, or NULL with @a
 * fault set.
 */
const char *fhs_json_read_string_rest(fhs_arena *arena, const char *start, const char *p,
                                      const char *end, fhs_str *out, fhs_json_fault *fault);
/* Describe a raw control character at @a p of a string. Returns NULL. */
const char *fhs_json_refuse_string(fhs_json_fault *fault, const char *p, const char *end);

/*
 * Names of one large object, hashed with a random key (SipHash-1-3), so that hostile names do not
 * make it slow. The set borrows the members and may be used for one object after the other.
 */
typedef struct fhs_json_names {
    uint64_t key[2];
    bool has_key;
    uint32_t *slots; /* index + 1 of the member; 0: free */
    size_t capacity; /* of slots, a power of two */
} fhs_json_names;

#define FHS_JSON_NAMES_INIT    \
    {                          \
        {0, 0}, false, NULL, 0 \
    }

void fhs_json_names_clear(fhs_json_names *names);
/*
 * Fill the set with @a count members. False: out of memory. *repeated_out is the index of the first
 * member whose name came before, or @a count.
 */
bool fhs_json_names_fill(fhs_json_names *names, const fhs_json_member *members, uint32_t count,
                         uint32_t *repeated_out);
/* The member called @a name among those that the set was filled with, or NULL. */
const fhs_json_member *fhs_json_names_find(const fhs_json_names *names,
                                           const fhs_json_member *members, fhs_str name);

/* Where the name of member @a index of @a object stands in the text: the offset of its quote. */
uint32_t fhs_json_name_offset(fhs_str source, uint32_t object_begin, const fhs_json_member *members,
                              uint32_t index);

#endif
