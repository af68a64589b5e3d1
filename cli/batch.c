/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch: NDJSON requests on stdin, NDJSON responses on stdout, in order. Lines are read with the
 * library's own strict reader, so that a body goes in exactly as it stands.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "cli.h"
#include "json/json.h"

typedef struct batch_line {
    fhs_str method;
    fhs_str url;
    fhs_str body;
    fhirstore_header headers[MAX_HEADERS];
    size_t header_count;
} batch_line;

static bool take_headers(const fhs_json *headers, batch_line *out)
{
    if (headers == NULL || headers->type == FHS_JSON_NULL) {
        return true;
    }
    if (headers->type != FHS_JSON_OBJECT || headers->count > MAX_HEADERS) {
        return false;
    }
    for (uint32_t i = 0; i < headers->count; i++) {
        const fhs_json_member *member = &headers->members[i];
        if (member->value.type != FHS_JSON_STRING) {
            return false;
        }
        out->headers[out->header_count++] = (fhirstore_header){
            member->name.ptr, member->name.len, member->value.text.ptr, member->value.text.len};
    }
    return true;
}

/* A string is the exact bytes, anything else the JSON value as it stands. */
static fhs_str body_of(fhs_str line, const fhs_json *body)
{
    if (body == NULL || body->type == FHS_JSON_NULL) {
        return FHS_STR_NONE;
    }
    if (body->type == FHS_JSON_STRING) {
        return body->text;
    }
    return fhs_str_of(line.ptr + body->begin, body->end - body->begin);
}

/* "body64": bytes of any kind, in place of the body. */
static bool take_bytes(fhs_arena *arena, const fhs_json *text, fhs_str *body)
{
    if (text == NULL) {
        return true;
    }
    if (text->type != FHS_JSON_STRING || body->ptr != NULL) {
        return false;
    }
    char *bytes = fhs_arena_alloc(arena, text->text.len + 1);
    size_t len;
    if (bytes == NULL) {
        return false;
    }
    memcpy(bytes, text->text.ptr, text->text.len);
    bool is_good = fhs_base64_decode_in_place(bytes, text->text.len, &len);
    *body = fhs_str_of(bytes, len);
    return is_good;
}

static const char *parse_line(fhs_arena *arena, fhs_str line, batch_line *out)
{
    const fhs_json *root;
    *out = (batch_line){0};
    if (fhs_json_read(arena, line, NULL, &root, NULL) < FHIRSTORE_OK) {
        return "the line is not JSON";
    }
    if (root->type != FHS_JSON_OBJECT ||
        !fhs_json_get_string(root, FHS_LIT("method"), &out->method)) {
        return "a request needs method and url";
    }
    if (!fhs_json_get_string(root, FHS_LIT("url"), &out->url)) {
        return "a request needs method and url";
    }
    if (!take_headers(fhs_json_get(root, FHS_LIT("headers")), out)) {
        return "headers is an object of strings";
    }
    out->body = body_of(line, fhs_json_get(root, FHS_LIT("body")));
    return take_bytes(arena, fhs_json_get(root, FHS_LIT("body64")), &out->body)
               ? NULL
               : "body64 is base64, in place of body";
}

static void write_headers(fhirstore_response *response, fhs_buf *out)
{
    const char *name;
    const char *value;
    for (uint32_t i = 0; i < fhirstore_response_header_count(response); i++) {
        if (fhirstore_response_header(response, i, &name, &value) == FHIRSTORE_OK) {
            if (i > 0) {
                fhs_buf_add_char(out, ',');
            }
            fhs_json_write_string(out, fhs_str_from_cstr(name));
            fhs_buf_add_char(out, ':');
            fhs_json_write_string(out, fhs_str_from_cstr(value));
        }
    }
}

/* On one line: a line break in JSON (_pretty=true) is white space between its tokens. */
static void add_body(const char *body, size_t len, fhs_buf *out)
{
    const char *end = body + len;
    while (body < end) {
        const char *line_end = memchr(body, '\n', (size_t)(end - body));
        line_end = line_end != NULL ? line_end : end;
        fhs_buf_add(out, body, (size_t)(line_end - body));
        body = line_end < end ? line_end + 1 : end;
    }
}

static bool write_response(fhirstore_response *response, fhs_buf *out)
{
    size_t len;
    const char *body = fhirstore_response_body(response, &len);
    fhs_buf_reset(out);
    fhs_buf_addf(out, "{\"status\":%d,\"headers\":{", (int)fhirstore_response_http(response));
    write_headers(response, out);
    fhs_buf_add_char(out, '}');
    if (len > 0 && cli_is_json(response)) {
        fhs_buf_add_cstr(out, ",\"body\":");
        add_body(body, len, out);
    } else if (len > 0) {
        fhs_buf_add_cstr(out, ",\"body64\":\"");
        fhs_base64_encode(fhs_str_of(body, len), out);
        fhs_buf_add_char(out, '"');
    }
    fhs_buf_add_cstr(out, "}\n");
    return fhs_buf_status(out) == FHIRSTORE_OK && cli_write(out->ptr, out->len, false);
}

static bool write_refusal(const char *reason)
{
    return printf("{\"status\":400,\"headers\":{},\"body\":{\"resourceType\":\"OperationOutcome\","
                  "\"issue\":[{\"severity\":\"error\",\"code\":\"invalid\",\"diagnostics\":"
                  "\"%s\"}]}}\n",
                  reason) > 0;
}

static bool run_line(fhirstore_session *session, fhs_arena *arena, fhs_str line, fhs_buf *out)
{
    batch_line request;
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhs_arena_reset(arena);
    const char *reason = parse_line(arena, line, &request);
    if (reason != NULL) {
        return write_refusal(reason);
    }
    if (fhirstore_request(session, request.method.ptr, request.method.len, request.url.ptr,
                          request.url.len, request.headers, request.header_count, request.body.ptr,
                          request.body.len, &response, &error) < FHIRSTORE_OK) {
        (void)cli_fail(error);
        return false;
    }
    bool written = write_response(response, out);
    fhirstore_response_free(response);
    return written;
}

int cli_batch(const cli_options *options)
{
    cli_store opened;
    fhs_arena arena;
    fhs_buf out = FHS_BUF_INIT(SIZE_MAX / 2);
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    bool fine = true;
    if (!cli_open(options, 0, &opened)) {
        return EXIT_FAILED;
    }
    fhs_arena_init(&arena, SIZE_MAX / 2);
    while (fine && (len = getline(&line, &capacity, stdin)) >= 0) {
        fhs_str text = fhs_str_trim(fhs_str_of(line, (size_t)len));
        if (text.len > 0) {
            fine = run_line(opened.session, &arena, text, &out) && fflush(stdout) == 0;
        }
    }
    if (fine && ferror(stdin) != 0) {
        fine = false;
        (void)cli_fail_text("standard input: %s", strerror(errno));
    }
    free(line);
    fhs_buf_clear(&out);
    fhs_arena_clear(&arena);
    cli_close(&opened);
    return fine ? EXIT_FINE : EXIT_FAILED;
}
