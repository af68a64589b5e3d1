/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/limits.h"
#include "validation/validation_internal.h"

#define NAME_BYTES_MAX       64u
#define EXPRESSION_BYTES_MAX ((size_t)64 * 1024)

/* Names of unknown members are the sender's: only those that look like an element are repeated. */
static bool looks_like_element(fhs_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char lower = fhs_ascii_lower(name.ptr[i]);
        if ((lower < 'a' || lower > 'z') && (i == 0 || lower < '0' || lower > '9')) {
            return false;
        }
    }
    return name.len > 0 && name.len <= NAME_BYTES_MAX;
}

fhs_str fhs_place_name(const fhs_place *at)
{
    return at->property != NULL || looks_like_element(at->name) ? at->name : FHS_LIT("(unnamed)");
}

/* In FHIRPath a choice has the bare name, whatever its type. */
static fhs_str path_name(const fhs_check *check, const fhs_place *at)
{
    const fhs_property *property = at->property;
    if (property != NULL && (property->flags & FHS_ELEMENT_CHOICE) != 0) {
        return fhs_element_at(check->fhir, property->owner, property->element).name;
    }
    return at->name;
}

static void write_place(const fhs_check *check, const fhs_place *at, fhs_buf *out)
{
    const fhs_place *chain[FHS_LIMIT_JSON_DEPTH + 4];
    size_t count = 0;
    if (at->property == NULL && at->up != NULL && !looks_like_element(at->name)) {
        at = at->up;
    }
    for (; at != NULL && count < FHS_COUNT_OF(chain); at = at->up) {
        chain[count++] = at;
    }
    while (count > 0) {
        const fhs_place *step = chain[--count];
        if (out->len > 0) {
            fhs_buf_add_char(out, '.');
        }
        fhs_buf_add_str(out, path_name(check, step));
        if (step->index != FHS_PLACE_SINGLE) {
            fhs_buf_add_char(out, '[');
            fhs_buf_add_u64(out, step->index);
            fhs_buf_add_char(out, ']');
        }
    }
}

/*
 * Warnings take half of the room at most, so that they never keep an error out; where everything is
 * looked at, the last place is kept for the note that not all issues are listed.
 */
static bool has_room(const fhs_check *check, fhs_severity severity)
{
    const uint32_t listed = check->err == NULL ? 0 : fhs_error_issue_count(*check->err);
    if (severity > FHS_SEVERITY_ERROR) {
        return check->warnings < FHS_LIMIT_ISSUES / 2 && listed + 1 < FHS_LIMIT_ISSUES;
    }
    return listed + (check->full == NULL ? 0 : 1) < FHS_LIMIT_ISSUES;
}

static void add_issue(fhs_check *check, const fhs_place *at, fhs_severity severity,
                      const char *code, const char *text)
{
    const bool is_error = severity <= FHS_SEVERITY_ERROR;
    if (!has_room(check, severity)) {
        check->is_cut = true;
        check->is_full = check->is_full || is_error;
        return;
    }
    if (check->err == NULL) { /* only the verdict is wanted */
        check->status = is_error ? FHIRSTORE_ERR_INVALID_RESOURCE : check->status;
        check->is_full = is_error;
        return;
    }
    fhs_buf place = FHS_BUF_INIT(EXPRESSION_BYTES_MAX);
    write_place(check, at, &place);
    const bool is_listed = fhs_error_report(check->err, severity, code, fhs_buf_str(&place), text);
    fhs_buf_clear(&place);
    if (!is_listed) { /* for want of memory: what comes now may be worse than what is known */
        check->is_full = true;
        check->is_cut = true;
        check->status = check->status < FHIRSTORE_OK ? check->status : fhs_fail_memory(check->err);
        return;
    }
    check->warnings += !is_error;
    if (is_error && check->status == FHIRSTORE_OK) {
        check->status = FHIRSTORE_ERR_INVALID_RESOURCE;
    }
}

void fhs_check_fault(fhs_check *check, const fhs_place *at, const char *code, const char *format,
                     ...)
{
    char text[512];
    if (check->is_full || check->is_presence_only) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    add_issue(check, at, FHS_SEVERITY_ERROR, code, text);
}

void fhs_check_issue(fhs_check *check, const fhs_place *at, fhs_severity severity, const char *code,
                     const char *format, ...)
{
    char text[512];
    if (check->is_full) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    add_issue(check, at, severity, code, text);
}
