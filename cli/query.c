/* SPDX-License-Identifier: Apache-2.0 */
/* get, search, request: one answer each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* "Patient/1/_history/2" in its parts; views of the argument. */
typedef struct address {
    const char *type;
    size_t type_len;
    const char *id;
    size_t id_len;
    int64_t version;
} address;

static bool parse_address(const char *text, address *out)
{
    static const char history[] = "/_history/";
    text += *text == '/' ? 1 : 0;
    const char *slash = strchr(text, '/');
    if (slash == NULL || slash == text) {
        return false;
    }
    *out = (address){text, (size_t)(slash - text), slash + 1, strlen(slash + 1), 0};
    const char *at = strstr(slash + 1, history);
    if (at == NULL) {
        return out->id_len > 0 && memchr(out->id, '/', out->id_len) == NULL;
    }
    char *end;
    out->id_len = (size_t)(at - out->id);
    out->version = strtoll(at + sizeof history - 1, &end, 10);
    return out->id_len > 0 && out->version > 0 && *end == '\0';
}

static int print_body(fhirstore_response *response, bool with_newline)
{
    size_t len;
    const char *body = fhirstore_response_body(response, &len);
    bool written = cli_write(body, len, with_newline);
    fhirstore_response_free(response);
    return written ? EXIT_FINE : EXIT_FAILED;
}

int cli_get(const cli_options *options)
{
    address where;
    cli_store opened;
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status;
    if (!parse_address(options->arguments[1], &where)) {
        return cli_usage("an address has the form Type/id or Type/id/_history/version");
    }
    if (!cli_open(options, 0, &opened)) {
        return EXIT_FAILED;
    }
    if (where.version > 0) {
        status = fhirstore_vread(opened.session, where.type, where.type_len, where.id, where.id_len,
                                 where.version, &response, &error);
    } else {
        status = fhirstore_read(opened.session, where.type, where.type_len, where.id, where.id_len,
                                &response, &error);
    }
    /* The bytes of the resource for a pipe, a newline behind them only for a person. */
    int exit_status = status < FHIRSTORE_OK ? cli_fail(error)
                                            : print_body(response, isatty(STDOUT_FILENO) != 0);
    cli_close(&opened);
    return exit_status;
}

/* A search as the command line has it: type, and what stands behind the '?'. */
typedef struct search_text {
    const char *type;
    size_t type_len;
    const char *query;
    size_t query_len;
} search_text;

static search_text split_search(const char *text)
{
    text += *text == '/' ? 1 : 0;
    const char *mark = strchr(text, '?');
    size_t type_len = mark == NULL ? strlen(text) : (size_t)(mark - text);
    const char *query = mark == NULL ? "" : mark + 1;
    return (search_text){text, type_len, query, strlen(query)};
}

/* An id a line, or a member of a JSON array; types and ids hold nothing to be escaped. */
static void print_id(fhirstore_search *cursor, const char *before, const char *behind)
{
    size_t len;
    size_t type_len;
    const char *type = fhirstore_search_type(cursor, &type_len);
    const char *id = fhirstore_search_id(cursor, &len);
    (void)printf("%s%.*s/%.*s%s", before, (int)type_len, type, (int)len, id, behind);
}

static int print_ids(fhirstore_session *session, const search_text *search, bool as_array)
{
    fhirstore_search *cursor = NULL;
    fhirstore_error *error = NULL;
    const char *before = as_array ? "[\"" : "";
    fhirstore_status status = fhirstore_search_open(
        session, search->type, search->type_len, search->query, search->query_len, &cursor, &error);
    while (status >= FHIRSTORE_OK &&
           (status = fhirstore_search_next(cursor, &error)) == FHIRSTORE_OK) {
        print_id(cursor, before, as_array ? "\"" : "\n");
        before = as_array ? ",\"" : "";
    }
    fhirstore_search_close(cursor);
    if (status < FHIRSTORE_OK) {
        return cli_fail(error);
    }
    if (as_array) {
        (void)puts(*before == ',' ? "]" : "[]");
    }
    return EXIT_FINE;
}

static int print_matches(fhirstore_session *session, const search_text *search)
{
    fhirstore_search *cursor = NULL;
    fhirstore_error *error = NULL;
    size_t len;
    fhirstore_status status = fhirstore_search_open(
        session, search->type, search->type_len, search->query, search->query_len, &cursor, &error);
    while (status >= FHIRSTORE_OK &&
           (status = fhirstore_search_next(cursor, &error)) == FHIRSTORE_OK) {
        const char *body = fhirstore_search_body(cursor, &len);
        (void)cli_write(body, len, true);
    }
    fhirstore_search_close(cursor);
    return status < FHIRSTORE_OK ? cli_fail(error) : EXIT_FINE;
}

static int print_count(fhirstore_session *session, const search_text *search, bool json)
{
    int64_t count;
    fhirstore_error *error = NULL;
    if (fhirstore_search_count(session, search->type, search->type_len, search->query,
                               search->query_len, &count, &error) < FHIRSTORE_OK) {
        return cli_fail(error);
    }
    (void)printf(json ? "{\"count\":%lld}\n" : "%lld\n", (long long)count);
    return EXIT_FINE;
}

static int print_plan(fhirstore_session *session, const search_text *search)
{
    fhirstore_buf plan = {0};
    fhirstore_error *error = NULL;
    if (fhirstore_search_explain(session, search->type, search->type_len, search->query,
                                 search->query_len, &plan, &error) < FHIRSTORE_OK) {
        return cli_fail(error);
    }
    (void)cli_write(plan.ptr, plan.len, true);
    fhirstore_buf_clear(&plan);
    return EXIT_FINE;
}

static int print_page(fhirstore_session *session, const search_text *search)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    if (fhirstore_search_page(session, search->type, search->type_len, search->query,
                              search->query_len, &response, &error) < FHIRSTORE_OK) {
        return cli_fail(error);
    }
    return print_body(response, true);
}

int cli_search(const cli_options *options)
{
    cli_store opened;
    const search_text search = split_search(options->arguments[1]);
    if (options->ids + options->count + options->ndjson + options->explain > 1) {
        return cli_usage("--ids, --count, --ndjson and --explain exclude each other");
    }
    if (!cli_open(options, 0, &opened)) {
        return EXIT_FAILED;
    }
    int exit_status;
    double begin = cli_seconds();
    if (options->ids) {
        exit_status = print_ids(opened.session, &search, options->json);
    } else if (options->ndjson) {
        exit_status = print_matches(opened.session, &search);
    } else if (options->count) {
        exit_status = print_count(opened.session, &search, options->json);
    } else if (options->explain) {
        exit_status = print_plan(opened.session, &search);
    } else {
        exit_status = print_page(opened.session, &search);
    }
    if (options->time) {
        (void)fprintf(stderr, "%.3f ms\n", (cli_seconds() - begin) * 1e3);
    }
    cli_close(&opened);
    return exit_status;
}

static const char *reason_phrase(int32_t http)
{
    static const struct {
        int32_t http;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (phrases[i].http == http) {
            return phrases[i].phrase;
        }
    }
    return "Unknown";
}

static int print_response(fhirstore_response *response)
{
    int32_t http = fhirstore_response_http(response);
    const char *name;
    const char *value;
    size_t len;
    (void)printf("HTTP/1.1 %d %s\n", (int)http, reason_phrase(http));
    for (uint32_t i = 0; i < fhirstore_response_header_count(response); i++) {
        if (fhirstore_response_header(response, i, &name, &value) == FHIRSTORE_OK) {
            (void)printf("%s: %s\n", name, value);
        }
    }
    (void)putchar('\n');
    const char *body = fhirstore_response_body(response, &len);
    bool written = cli_write(body, len, len > 0 && cli_is_json(response));
    fhirstore_response_free(response);
    return written ? EXIT_FINE : EXIT_FAILED;
}

/* What cannot be meant without a body. A search may be posted without one. */
static bool needs_body(const char *method, const char *url)
{
    return strcmp(method, "PUT") == 0 ||
           (strcmp(method, "POST") == 0 && strstr(url, "_search") == NULL &&
            strchr(url, '$') == NULL);
}

int cli_request(const cli_options *options)
{
    cli_store opened;
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    const char *method = options->arguments[1];
    const char *url = options->arguments[2];
    size_t body_len = 0;
    char *body = NULL;
    if (options->body_file == NULL && needs_body(method, url)) {
        return cli_usage("%s needs --body FILE (- is standard input)", method);
    }
    if (options->body_file != NULL) {
        body = cli_read_file(options->body_file, &body_len);
        if (body == NULL) {
            return EXIT_FAILED;
        }
    }
    if (!cli_open(options, 0, &opened)) {
        free(body);
        return EXIT_FAILED;
    }
    fhirstore_status status = fhirstore_request(
        opened.session, method, strlen(method), url, strlen(url), options->headers,
        options->header_count, body, body_len, &response, &error);
    int exit_status = status < FHIRSTORE_OK ? cli_fail(error) : print_response(response);
    free(body);
    cli_close(&opened);
    return exit_status;
}
