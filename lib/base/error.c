/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

/* The code system of the names in status.def, in OperationOutcome.issue.details. */
#define STATUS_SYSTEM "urn:libfhirstore:status"

typedef struct issue {
    fhs_severity severity;
    const char *code; /* static text */
    char *text;
    char *expression; /* NULL: none */
} issue;

struct fhirstore_error {
    fhirstore_status status;
    int32_t cause;
    fhirstore_location location;
    uint32_t issue_count;
    uint32_t issue_capacity;
    issue *issues;
    issue first; /* the reason itself; issues[] holds the others */
};

struct status_row {
    fhirstore_status status;
    const char *name;
    const char *text;
    const char *issue;
    int32_t http;
};

static const struct status_row status_rows[] = {
#define FHS_STATUS(name, number, text, issue, http) {(number), #name, (text), (issue), (http)},
#include "base/status.def"
#undef FHS_STATUS
};

static char no_memory_text[] = "out of memory";
static fhirstore_error no_memory_error = {
    .status = FHIRSTORE_ERR_NO_MEMORY,
    .first = {FHS_SEVERITY_FATAL, "exception", no_memory_text, NULL},
};

static const char *const severity_names[] = {"fatal", "error", "warning", "information"};

static const struct status_row *find_status(fhirstore_status status)
{
    for (size_t i = 0; i < FHS_COUNT_OF(status_rows); i++) {
        if (status_rows[i].status == status) {
            return &status_rows[i];
        }
    }
    return NULL;
}

const char *fhs_status_name(fhirstore_status status)
{
    const struct status_row *row = find_status(status);
    return row == NULL ? "UNKNOWN" : row->name;
}

const char *fhs_status_text(fhirstore_status status)
{
    const struct status_row *row = find_status(status);
    return row == NULL ? "unknown status" : row->text;
}

const char *fhs_status_issue(fhirstore_status status)
{
    const struct status_row *row = find_status(status);
    return row == NULL ? "exception" : row->issue;
}

int32_t fhs_status_http(fhirstore_status status)
{
    const struct status_row *row = find_status(status);
    return row == NULL ? 500 : row->http;
}

static FHS_PRINTF(1, 0) char *format_text(const char *format, va_list args)
{
    char local[512];
    int length = vsnprintf(local, sizeof local, format, args);
    if (length < 0) {
        return NULL;
    }
    size_t kept = (size_t)length < sizeof local ? (size_t)length : sizeof local - 1;
    return fhs_memdup(local, kept);
}

static void set_error(fhirstore_error **err, fhirstore_error *made)
{
    fhs_error_free(*err);
    *err = made;
}

fhirstore_status fhs_fail(fhirstore_error **err, fhirstore_status status, const char *format, ...)
{
    if (err == NULL) {
        return status;
    }
    va_list args;
    va_start(args, format);
    char *text = format_text(format, args);
    va_end(args);
    fhirstore_error *made = text == NULL ? NULL : fhs_calloc(1, sizeof *made);
    if (made == NULL) {
        fhs_free(text);
        return fhs_fail_memory(err);
    }
    made->status = status;
    made->first = (issue){FHS_SEVERITY_ERROR, fhs_status_issue(status), text, NULL};
    set_error(err, made);
    return status;
}

fhirstore_status fhs_fail_plain(fhirstore_error **err, fhirstore_status status)
{
    return fhs_fail(err, status, "%s", fhs_status_text(status));
}

fhirstore_status fhs_fail_memory(fhirstore_error **err)
{
    if (err != NULL) {
        set_error(err, &no_memory_error);
    }
    return FHIRSTORE_ERR_NO_MEMORY;
}

/* The error that context may be added to, or NULL. */
static fhirstore_error *writable(fhirstore_error **err)
{
    return err == NULL || *err == &no_memory_error ? NULL : *err;
}

void fhs_error_at(fhirstore_error **err, uint64_t offset, uint32_t line, uint32_t column)
{
    fhirstore_error *error = writable(err);
    if (error != NULL) {
        error->location.offset = offset;
        error->location.line = line;
        error->location.column = column;
    }
}

void fhs_error_entry(fhirstore_error **err, uint32_t entry)
{
    fhirstore_error *error = writable(err);
    if (error != NULL) {
        error->location.entry = entry;
    }
}

void fhs_error_cause(fhirstore_error **err, int32_t cause)
{
    fhirstore_error *error = writable(err);
    if (error != NULL) {
        error->cause = cause;
    }
}

void fhs_error_expression(fhirstore_error **err, fhs_str expression)
{
    fhirstore_error *error = writable(err);
    if (error != NULL) {
        fhs_free(error->first.expression);
        error->first.expression = fhs_memdup(expression.ptr, expression.len);
    }
}

void fhs_error_code(fhirstore_error **err, const char *code)
{
    fhirstore_error *error = writable(err);
    if (error != NULL) {
        error->first.code = code;
    }
}

static bool room_for_issue(fhirstore_error *error)
{
    if (error->issue_count < error->issue_capacity) {
        return true;
    }
    uint32_t capacity = error->issue_capacity == 0 ? 4 : error->issue_capacity * 2;
    issue *issues = fhs_realloc(error->issues, capacity * sizeof *issues);
    if (issues == NULL) {
        return false;
    }
    error->issues = issues;
    error->issue_capacity = capacity;
    return true;
}

bool fhs_error_add_issue(fhirstore_error **err, fhs_severity severity, const char *code,
                         fhs_str expression, const char *format, ...)
{
    fhirstore_error *error = writable(err);
    if (error == NULL || error->issue_count + 1 >= FHS_LIMIT_ISSUES || !room_for_issue(error)) {
        return false;
    }
    va_list args;
    va_start(args, format);
    issue added = {severity, code == NULL ? fhs_status_issue(error->status) : code,
                   format_text(format, args), NULL};
    va_end(args);
    added.expression = expression.ptr == NULL ? NULL : fhs_memdup(expression.ptr, expression.len);
    if (added.text == NULL || (expression.ptr != NULL && added.expression == NULL)) {
        fhs_free(added.text);
        fhs_free(added.expression);
        return false;
    }
    error->issues[error->issue_count++] = added;
    return true;
}

bool fhs_error_report(fhirstore_error **err, fhs_severity severity, const char *code,
                      fhs_str expression, const char *text)
{
    const bool is_error = severity <= FHS_SEVERITY_ERROR;
    fhirstore_error *report = writable(err);
    if (report == NULL) {
        if (err == NULL || *err != NULL ||
            fhs_fail(err, FHIRSTORE_ERR_INVALID_RESOURCE, "%s", text) == FHIRSTORE_ERR_NO_MEMORY) {
            return false;
        }
        (*err)->status = is_error ? FHIRSTORE_ERR_INVALID_RESOURCE : FHIRSTORE_OK;
        (*err)->first.severity = severity;
        (*err)->first.code = code;
        if (expression.ptr != NULL) {
            fhs_error_expression(err, expression);
        }
        return expression.ptr == NULL || (*err)->first.expression != NULL;
    }
    if (!fhs_error_add_issue(err, severity, code, expression, "%s", text)) {
        return false;
    }
    report->status = is_error ? FHIRSTORE_ERR_INVALID_RESOURCE : report->status;
    return true;
}

fhirstore_status fhs_error_status(const fhirstore_error *error)
{
    return error == NULL ? FHIRSTORE_OK : error->status;
}

const char *fhs_error_message(const fhirstore_error *error)
{
    return error == NULL ? "" : error->first.text;
}

fhirstore_location fhs_error_location(const fhirstore_error *error)
{
    return error == NULL ? (fhirstore_location){0} : error->location;
}

int32_t fhs_error_get_cause(const fhirstore_error *error)
{
    return error == NULL ? 0 : error->cause;
}

uint32_t fhs_error_issue_count(const fhirstore_error *error)
{
    return error == NULL ? 0 : error->issue_count + 1;
}

bool fhs_error_issue(const fhirstore_error *error, uint32_t index, fhirstore_issue *out)
{
    *out = (fhirstore_issue){0};
    if (index >= fhs_error_issue_count(error)) {
        return false;
    }
    const issue *row = index == 0 ? &error->first : &error->issues[index - 1];
    *out = (fhirstore_issue){.severity = severity_names[row->severity],
                             .code = row->code,
                             .text = row->text,
                             .expression = row->expression};
    return true;
}

/* Texts are made by this library, yet names from the input may stand in them. */
static void write_escaped(fhs_buf *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            fhs_buf_add_char(out, '\\');
            fhs_buf_add_char(out, *c);
        } else if ((unsigned char)*c < 0x20) {
            fhs_buf_addf(out, "\\u%04x", (unsigned)*c);
        } else {
            fhs_buf_add_char(out, *c);
        }
    }
}

/*
 * The element as FHIRPath of what was sent: in a Bundle, "Patient.name[0]" of the third entry is
 * "Bundle.entry[2].resource.name[0]".
 */
static void write_expression(const char *expression, uint32_t entry, fhs_buf *out)
{
    const char *rest = expression == NULL ? "" : expression;
    if (entry > 0) {
        bool has_type = rest[0] >= 'A' && rest[0] <= 'Z';
        fhs_buf_addf(out, "Bundle.entry[%u]%s", (unsigned)(entry - 1),
                     expression == NULL ? ""
                     : has_type         ? ".resource"
                                        : ".resource.");
        rest += has_type ? strcspn(rest, ".") : 0;
    }
    write_escaped(out, rest);
}

/* @a first: the error whose reason this issue is; NULL for the others. */
static void write_issue(const fhirstore_issue *row, const fhirstore_error *first, uint32_t entry,
                        fhs_buf *out)
{
    const fhirstore_location *location = first == NULL ? NULL : &first->location;
    fhs_buf_addf(out, "{\"severity\":\"%s\",\"code\":\"%s\",", row->severity, row->code);
    if (first != NULL && first->first.severity <= FHS_SEVERITY_ERROR) {
        /* FHIR's issue types are too few to tell a wrong key from a damaged page. */
        fhs_buf_addf(out, "\"details\":{\"coding\":[{\"system\":\"%s\",\"code\":\"%s\"}]},",
                     STATUS_SYSTEM, fhs_status_name(first->status));
    }
    fhs_buf_add_cstr(out, "\"diagnostics\":\"");
    write_escaped(out, row->text);
    fhs_buf_add_char(out, '"');
    if (location != NULL && location->line > 0) {
        fhs_buf_addf(out, ",\"location\":[\"line %u, column %u, byte %llu\"]",
                     (unsigned)location->line, (unsigned)location->column,
                     (unsigned long long)location->offset);
    }
    if (row->expression != NULL || entry > 0) {
        fhs_buf_add_cstr(out, ",\"expression\":[\"");
        write_expression(row->expression, entry, out);
        fhs_buf_add_cstr(out, "\"]");
    }
    fhs_buf_add_char(out, '}');
}

void fhs_error_write_outcome(const fhirstore_error *error, fhs_buf *out)
{
    static const fhirstore_issue fine = {
        .severity = "information", .code = "informational", .text = "All OK"};
    fhs_buf_add_cstr(out, "{\"resourceType\":\"OperationOutcome\",\"issue\":[");
    if (error == NULL) {
        write_issue(&fine, NULL, 0, out);
    }
    for (uint32_t i = 0; i < fhs_error_issue_count(error); i++) {
        fhirstore_issue row;
        (void)fhs_error_issue(error, i, &row);
        if (i > 0) {
            fhs_buf_add_char(out, ',');
        }
        write_issue(&row, i == 0 ? error : NULL, error->location.entry, out);
    }
    fhs_buf_add_cstr(out, "]}");
}

void fhs_error_free(fhirstore_error *error)
{
    if (error == NULL || error == &no_memory_error) {
        return;
    }
    for (uint32_t i = 0; i < error->issue_count; i++) {
        fhs_free(error->issues[i].text);
        fhs_free(error->issues[i].expression);
    }
    fhs_free(error->issues);
    fhs_free(error->first.text);
    fhs_free(error->first.expression);
    fhs_free(error);
}
