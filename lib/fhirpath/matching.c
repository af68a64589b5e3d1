/* SPDX-License-Identifier: Apache-2.0 */
/* matches(), matchesFull(), replaceMatches(). */
#include "base/limits.h"
#include "base/utf8.h"
#include "fhirpath/functions.h"

/* What the flags argument says; unknown letters are an error. */
static fhirstore_status read_match_flags(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                         const fhs_fp_scope *scope, unsigned *out)
{
    fhs_str flags = FHS_STR_NONE;
    bool given = false;
    FHS_TRY(fhs_fp_eval_string(run, op, scope, &flags, &given));
    for (size_t i = 0; given && i < flags.len; i++) {
        if (flags.ptr[i] == 'i') {
            *out |= FHS_REGEX_IGNORE_CASE;
        } else if (flags.ptr[i] == 'm') {
            *out |= FHS_REGEX_MULTILINE;
        } else {
            return fhs_fp_fail(run, op, "the flags of a regular expression are \"i\" and \"m\"");
        }
    }
    return FHIRSTORE_OK;
}

/* The input and the compiled pattern; constant patterns were compiled with the expression. */
static fhirstore_status match_input(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                    const fhs_fp_scope *scope, uint32_t base, uint32_t flag_arg,
                                    unsigned flags, fhs_str *text, const fhs_regex **out,
                                    bool *found)
{
    fhs_str pattern;
    bool given = false;
    FHS_TRY(fhs_fp_single_string(run, op, base, text, found));
    FHS_TRY(fhs_fp_eval_string(run, op->args[0], scope, &pattern, &given));
    if (op->arg_count > flag_arg) {
        FHS_TRY(read_match_flags(run, op->args[flag_arg], scope, &flags));
    }
    *found = *found && given;
    if (!*found) {
        return FHIRSTORE_OK;
    }
    if (op->regex != NULL) {
        *out = op->regex;
        return FHIRSTORE_OK;
    }
    FHS_TRY(fhs_fp_work(run, 1 + pattern.len));
    const char *problem = NULL;
    *out = fhs_regex_compile(&run->arena, pattern, flags, &problem);
    if (*out == NULL) {
        return problem == NULL ? fhs_fp_memory(run)
                               : fhs_fp_fail(run, op->args[0], "regular expression: %s", problem);
    }
    return FHIRSTORE_OK;
}

static fhirstore_status find_match(fhs_fhirpath_run *run, const fhs_regex *regex, fhs_str text,
                                   size_t from, fhs_regex_match *match, bool *out)
{
    uint64_t work = 0;
    fhs_regex_result result = fhs_regex_find(regex, &run->arena, text, from, match, &work);
    if (result == FHS_REGEX_NO_MEMORY) {
        return fhs_fp_memory(run);
    }
    *out = result == FHS_REGEX_YES;
    return fhs_fp_work(run, 1 + work / 16);
}

static fhirstore_status test_match(fhs_fhirpath_run *run, const fhs_fp_step *op,
                                   const fhs_fp_scope *scope, uint32_t base, unsigned flags)
{
    fhs_str text;
    const fhs_regex *regex = NULL;
    bool found = false;
    bool matched = false;
    FHS_TRY(match_input(run, op, scope, base, 1, flags, &text, &regex, &found));
    if (!found) {
        return FHIRSTORE_OK;
    }
    FHS_TRY(find_match(run, regex, text, 0, NULL, &matched));
    return fhs_fp_push_boolean(run, matched);
}

FHS_FP_CALL(matches)
{
    return test_match(run, op, scope, base, 0);
}

FHS_FP_CALL(matches_full)
{
    return test_match(run, op, scope, base, FHS_REGEX_WHOLE);
}

static void add_group(const fhs_regex *regex, uint32_t group, fhs_str text,
                      const fhs_regex_match *match, fhs_buf *out)
{
    if (group < fhs_regex_group_count(regex) && match->at[(size_t)group * 2] != SIZE_MAX &&
        match->at[(size_t)group * 2 + 1] != SIZE_MAX) {
        size_t from = match->at[(size_t)group * 2];
        fhs_buf_add(out, text.ptr + from, match->at[(size_t)group * 2 + 1] - from);
    }
}

/* A reference in a substitution whose "$" stands at @a at: $1, ${1}, ${name}. 0: it is none. */
static size_t add_group_reference(const fhs_regex *regex, fhs_str with, size_t at, fhs_str text,
                                  const fhs_regex_match *match, fhs_buf *out)
{
    uint64_t number = 0;
    size_t next = at + 1;
    if (next < with.len && with.ptr[next] == '{') {
        size_t end = fhs_str_find_char(with, '}', next);
        if (end >= with.len) {
            return 0;
        }
        fhs_str name = fhs_str_of(with.ptr + next + 1, end - next - 1);
        uint32_t group = fhs_str_to_u64(name, FHS_REGEX_GROUPS, &number)
                             ? (uint32_t)number
                             : fhs_regex_group_find(regex, name);
        add_group(regex, group, text, match, out);
        return end + 1 - at;
    }
    size_t digits = 0;
    while (digits < 2 && next + digits < with.len && with.ptr[next + digits] >= '0' &&
           with.ptr[next + digits] <= '9') {
        uint64_t more = number * 10 + (uint64_t)(with.ptr[next + digits] - '0');
        if (digits > 0 && more >= fhs_regex_group_count(regex)) {
            break;
        }
        number = more;
        digits++;
    }
    if (digits == 0) {
        return 0;
    }
    add_group(regex, (uint32_t)number, text, match, out);
    return 1 + digits;
}

static void add_substitution(const fhs_regex *regex, fhs_str with, fhs_str text,
                             const fhs_regex_match *match, fhs_buf *out)
{
    for (size_t at = 0; at < with.len;) {
        size_t used = 0;
        if (with.ptr[at] == '$') {
            used = add_group_reference(regex, with, at, text, match, out);
        } else if (with.ptr[at] == '\\' && at + 1 < with.len) {
            fhs_buf_add_char(out, with.ptr[at + 1]);
            used = 2;
        }
        if (used == 0) {
            fhs_buf_add_char(out, with.ptr[at]);
            used = 1;
        }
        at += used;
    }
}

static fhirstore_status replace_all(fhs_fhirpath_run *run, const fhs_regex *regex, fhs_str text,
                                    fhs_str with, fhs_buf *out)
{
    size_t from = 0;
    while (from <= text.len) {
        fhs_regex_match match;
        bool matched = false;
        FHS_TRY(find_match(run, regex, text, from, &match, &matched));
        if (!matched) {
            break;
        }
        fhs_buf_add(out, text.ptr + from, match.at[0] - from);
        add_substitution(regex, with, text, &match, out);
        from = match.at[1];
        if (match.at[1] == match.at[0]) {
            /* An empty match: the next character goes over as it is. */
            size_t next = from;
            if (next < text.len) {
                fhs_utf8_next(text, &next);
                fhs_buf_add(out, text.ptr + from, next - from);
            }
            from = next > from ? next : from + 1;
        }
    }
    if (from < text.len) {
        fhs_buf_add(out, text.ptr + from, text.len - from);
    }
    return FHIRSTORE_OK;
}

FHS_FP_CALL(replace_matches)
{
    fhs_str text;
    fhs_str with;
    const fhs_regex *regex = NULL;
    bool found = false;
    bool given = false;
    FHS_TRY(match_input(run, op, scope, base, 2, 0, &text, &regex, &found));
    FHS_TRY(fhs_fp_eval_string(run, op->args[1], scope, &with, &given));
    if (!found || !given) {
        return FHIRSTORE_OK;
    }
    fhs_str pattern;
    FHS_TRY(fhs_fp_eval_string(run, op->args[0], scope, &pattern, &given));
    if (pattern.len == 0) {
        return fhs_fp_push_string(run, text); /* nothing is looked for */
    }
    fhs_buf buf = FHS_BUF_INIT(FHS_LIMIT_FHIRPATH_BYTES);
    fhirstore_status status = replace_all(run, regex, text, with, &buf);
    if (status != FHIRSTORE_OK) {
        fhs_buf_clear(&buf);
        return status;
    }
    return fhs_fp_push_buf(run, &buf);
}
