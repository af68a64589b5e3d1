/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions in time proportional to pattern × text: a Pike machine, no backtracking.
 *
 * The useful part of PCRE: literals, ".", classes, \d \w \s \b and their opposites, anchors,
 * groups (plain, capturing, named), alternatives, greedy and lazy repetition with counts, (?i) (?m)
 * (?s) in front. "." matches line breaks, "^" and "$" the ends of the text. Refused: look-around,
 * back references, possessive repetition, \p classes other than L, Lu, Ll, N, Nd.
 */
#ifndef FHS_FHIRPATH_REGEX_H
#define FHS_FHIRPATH_REGEX_H

#include "base/arena.h"
#include "base/str.h"

typedef struct fhs_regex fhs_regex;

enum {
    FHS_REGEX_IGNORE_CASE = 1,
    FHS_REGEX_MULTILINE = 2, /* "^" and "$" also at line breaks */
    FHS_REGEX_WHOLE = 4,     /* the whole text must match */
    FHS_REGEX_DOT_IN_LINE = 8, /* "." does not match a line break, unless (?s) says so */
};

#define FHS_REGEX_GROUPS 32u

/* Byte offsets of the match (0, 1) and of each group (2n, 2n + 1); SIZE_MAX: took no part. */
typedef struct fhs_regex_match {
    size_t at[2 * FHS_REGEX_GROUPS];
} fhs_regex_match;

/* NULL on failure: *problem_out says what is wrong, or is NULL for want of memory. */
const fhs_regex *fhs_regex_compile(fhs_arena *arena, fhs_str pattern, unsigned flags,
                                   const char **problem_out);

typedef enum fhs_regex_result {
    FHS_REGEX_NO,
    FHS_REGEX_YES,
    FHS_REGEX_NO_MEMORY,
} fhs_regex_result;

/*
 * Find the leftmost match at or behind byte @a from. @a match may be NULL where only the answer
 * counts. Scratch memory comes from @a arena. *work_out is increased by the steps it took.
 */
fhs_regex_result fhs_regex_find(const fhs_regex *regex, fhs_arena *arena, fhs_str text, size_t from,
                                fhs_regex_match *match, uint64_t *work_out);
/* Number of groups, the match itself included. */
uint32_t fhs_regex_group_count(const fhs_regex *regex);
/* Number of the group called @a name, or 0. */
uint32_t fhs_regex_group_find(const fhs_regex *regex, fhs_str name);

#endif
