/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_REPLIES 4096
#define MAX_STATES  64

const uint8_t the_key[KEY_BYTES] = {0x42, 0x17, 0x99};
const uint8_t another_key[KEY_BYTES] = {0x43, 0x17, 0x99};

fhirstore *store;
fhirstore_session *session;
char folder[64];
char store_path[96];
int64_t clock_us;

/* What the test was given, to be freed at its end. */
static reply replies[MAX_REPLIES];
static fhirstore_buf outcomes[MAX_REPLIES];
static cJSON *trees[MAX_REPLIES];
static size_t reply_count;
static char *states[MAX_STATES];
static size_t state_count;

static int64_t tell_clock(void *ctx)
{
    (void)ctx;
    return clock_us;
}

void setup_folder(void)
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%.40s/fhirstore-XXXXXX", base == NULL ? "/tmp" : base);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(store_path, sizeof store_path, "%s/store", folder);
}

fhirstore_open_options open_options(void)
{
    fhirstore_open_options options = FHIRSTORE_OPEN_OPTIONS_INIT;
    options.flags = FHIRSTORE_OPEN_CREATE;
    options.key = the_key;
    options.key_len = KEY_BYTES;
    return options;
}

fhirstore *must_open(const char *path, const fhirstore_open_options *options)
{
    fhirstore *opened = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_open(path, strlen(path), options, &opened, &error);
    ck_assert_msg(status == FHIRSTORE_OK, "%s: %s", fhirstore_status_name(status),
                  fhirstore_error_message(error));
    ck_assert_ptr_null(error);
    return opened;
}

fhirstore_session *must_enter(fhirstore *into, uint32_t flags, const char *principal)
{
    fhirstore_session *opened = NULL;
    fhirstore_error *error = NULL;
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    options.flags = flags;
    options.principal = principal;
    options.principal_len = strlen(principal);
    fhirstore_status status = fhirstore_session_open(into, &options, &opened, &error);
    ck_assert_msg(status == FHIRSTORE_OK, "%s", fhirstore_error_message(error));
    return opened;
}

static void open_fixture(const fhirstore_open_options *options)
{
    store = must_open(store_path, options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "Practitioner/tester");
}

void setup_store(void)
{
    const fhirstore_open_options options = open_options();
    setup_folder();
    open_fixture(&options);
}

void setup_clocked_store(void)
{
    fhirstore_open_options options = open_options();
    options.clock = tell_clock;
    clock_us = INT64_C(1700000000) * SECOND;
    setup_folder();
    open_fixture(&options);
}

void reopen_store(void)
{
    const fhirstore_open_options options = open_options();
    fhirstore_session_close(session);
    fhirstore_close(store);
    open_fixture(&options);
}

static void remove_below(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char below[512];
        struct stat info;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        (void)snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (lstat(below, &info) == 0 && S_ISDIR(info.st_mode)) {
            remove_below(below);
        } else {
            (void)unlink(below);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    (void)rmdir(path);
}

void forget_replies(void)
{
    for (size_t i = 0; i < reply_count; i++) {
        cJSON_Delete(trees[i]);
        fhirstore_response_free(replies[i].response);
        fhirstore_error_free(replies[i].error);
        fhirstore_buf_clear(&outcomes[i]);
    }
    reply_count = 0;
    while (state_count > 0) {
        free(states[--state_count]);
    }
}

void teardown(void)
{
    forget_replies();
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
    remove_below(folder);
}

const char *in_folder(const char *name)
{
    static char paths[8][192];
    static size_t next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void print_finding(void *ctx, const char *area, const char *text)
{
    (void)ctx;
    (void)fprintf(stderr, "# finding: %s: %s\n", area, text);
}

void expect_sound(fhirstore *which)
{
    int64_t findings = -1;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_verify(which, print_finding, NULL, &findings, &error);
    ck_assert_msg(status == FHIRSTORE_OK, "%s: %s", fhirstore_status_name(status),
                  fhirstore_error_message(error));
    ck_assert_int_eq(findings, 0);
}

/* ---- files ---- */

char *load_file(const char *path, size_t *len_out)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    size_t len = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(len + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, len, file), len);
    bytes[len] = '\0';
    (void)fclose(file);
    if (len_out != NULL) {
        *len_out = len;
    }
    return bytes;
}

void save_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

void flip_bits(const char *path, size_t offset, unsigned char mask)
{
    FILE *file = fopen(path, "r+b");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, (long)offset, SEEK_SET), 0);
    int byte = fgetc(file);
    ck_assert_int_ne(byte, EOF);
    ck_assert_int_eq(fseek(file, (long)offset, SEEK_SET), 0);
    ck_assert_int_ne(fputc(byte ^ mask, file), EOF);
    ck_assert_int_eq(fclose(file), 0);
}

size_t file_size(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (size_t)info.st_size : 0;
}

int run_self(const char *verb, const char *argument)
{
    pid_t child = fork();
    if (child == 0) {
        (void)execl(self_path(), "self", verb, argument, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "the child ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* ---- asking ---- */

reply take_reply(fhirstore_status status, fhirstore_response *response, fhirstore_error *error)
{
    ck_assert_uint_lt(reply_count, MAX_REPLIES);
    reply *answer = &replies[reply_count];
    *answer = (reply){.status = status, .response = response, .error = error};
    ck_assert_msg((status < FHIRSTORE_OK) == (response == NULL), "status and response disagree");
    ck_assert_msg((status < FHIRSTORE_OK) == (error != NULL), "status %s and error disagree",
                  fhirstore_status_name(status));
    if (response != NULL) {
        answer->http = fhirstore_response_http(response);
        answer->body = fhirstore_response_body(response, &answer->body_len);
    } else {
        ck_assert_int_eq(fhirstore_error_status(error), status);
        ck_assert_int_eq(fhirstore_error_outcome(error, &outcomes[reply_count]), FHIRSTORE_OK);
        answer->http = fhirstore_status_http(status);
        answer->body = outcomes[reply_count].ptr;
        answer->body_len = outcomes[reply_count].len;
    }
    ck_assert_ptr_nonnull(answer->body);
    const char *type = header_of(answer, "Content-Type");
    if (type == NULL || strncmp(type, "application/fhir+json", 21) == 0) {
        ck_assert_uint_eq(strlen(answer->body), answer->body_len);
    }
    ck_assert_int_eq(answer->body[answer->body_len], '\0');
    trees[reply_count] = NULL;
    reply_count++;
    return *answer;
}

reply create(const char *type, const char *body)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_create(session, type, strlen(type), body, strlen(body),
                                               &response, &error);
    return take_reply(status, response, error);
}

reply update_if(const char *type, const char *id, const char *body, int64_t if_version)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_write_options options = FHIRSTORE_WRITE_OPTIONS_INIT;
    options.if_version = if_version;
    fhirstore_status status = fhirstore_update(session, type, strlen(type), id, strlen(id), body,
                                               strlen(body), &options, &response, &error);
    return take_reply(status, response, error);
}

reply update(const char *type, const char *id, const char *body)
{
    return update_if(type, id, body, 0);
}

reply read_one(const char *type, const char *id)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_read(session, type, strlen(type), id, strlen(id), &response,
                                             &error);
    return take_reply(status, response, error);
}

reply vread(const char *type, const char *id, int64_t version)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_vread(session, type, strlen(type), id, strlen(id), version,
                                              &response, &error);
    return take_reply(status, response, error);
}

reply delete_if(const char *type, const char *id, int64_t if_version)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_write_options options = FHIRSTORE_WRITE_OPTIONS_INIT;
    options.if_version = if_version;
    fhirstore_status status = fhirstore_delete(session, type, strlen(type), id, strlen(id),
                                               &options, &response, &error);
    return take_reply(status, response, error);
}

reply delete_one(const char *type, const char *id)
{
    return delete_if(type, id, 0);
}

reply history(const char *type, const char *id, const char *query)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_history(session, type, strlen(type), id, strlen(id), query,
                                                strlen(query), &response, &error);
    return take_reply(status, response, error);
}

reply search_page(const char *type, const char *query)
{
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_search_page(session, type, strlen(type), query,
                                                    strlen(query), &response, &error);
    return take_reply(status, response, error);
}

reply ask_bytes(fhirstore_session *with, const char *method, const char *url, const char *headers,
                const char *body, size_t body_len)
{
    fhirstore_header list[16];
    size_t count = 0;
    while (headers != NULL && *headers != '\0') {
        size_t line = strcspn(headers, "\n");
        const char *colon = memchr(headers, ':', line);
        ck_assert_ptr_nonnull(colon);
        ck_assert_uint_lt(count, 16);
        list[count++] = (fhirstore_header){headers, (size_t)(colon - headers), colon + 1,
                                           line - (size_t)(colon + 1 - headers)};
        headers += line + (headers[line] == '\n');
    }
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_request(with, method, strlen(method), url, strlen(url),
                                                list, count, body, body_len, &response, &error);
    return take_reply(status, response, error);
}

reply ask(const char *method, const char *url, const char *headers, const char *body)
{
    return ask_bytes(session, method, url, headers, body, body == NULL ? 0 : strlen(body));
}

int64_t count_of(const char *type, const char *query)
{
    int64_t count = -1;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_search_count(session, type, strlen(type), query,
                                                     strlen(query), &count, &error);
    ck_assert_msg(status == FHIRSTORE_OK, "%s?%s: %s", type, query, fhirstore_error_message(error));
    return count;
}

/* ---- looking ---- */

const char *header_of(const reply *answer, const char *name)
{
    for (uint32_t i = 0; i < fhirstore_response_header_count(answer->response); i++) {
        const char *found;
        const char *value;
        ck_assert_int_eq(fhirstore_response_header(answer->response, i, &found, &value),
                         FHIRSTORE_OK);
        if (strcmp(found, name) == 0) {
            return value;
        }
    }
    return NULL;
}

static cJSON *tree_of(const reply *answer)
{
    size_t index = 0;
    while (index < reply_count &&
           (replies[index].response != answer->response || replies[index].error != answer->error)) {
        index++;
    }
    ck_assert_uint_lt(index, reply_count);
    if (trees[index] == NULL) {
        trees[index] = cJSON_ParseWithLength(answer->body, answer->body_len);
        ck_assert_msg(trees[index] != NULL, "not JSON: %s", answer->body);
    }
    return trees[index];
}

static const cJSON *node_at(const reply *answer, const char *path)
{
    const cJSON *node = tree_of(answer);
    while (node != NULL && *path != '\0') {
        char name[96];
        size_t len = strcspn(path, ".");
        ck_assert_uint_lt(len, sizeof name);
        memcpy(name, path, len);
        name[len] = '\0';
        node = cJSON_IsArray(node) ? cJSON_GetArrayItem(node, atoi(name))
                                   : cJSON_GetObjectItemCaseSensitive(node, name);
        path += len + (path[len] == '.');
    }
    return node;
}

const char *text_at(const reply *answer, const char *path)
{
    static char numbers[16][32];
    static size_t next;
    const cJSON *node = node_at(answer, path);
    if (cJSON_IsString(node)) {
        return node->valuestring;
    }
    if (cJSON_IsBool(node)) {
        return cJSON_IsTrue(node) ? "true" : "false";
    }
    if (cJSON_IsNumber(node)) {
        char *text = numbers[next++ % 16];
        (void)snprintf(text, sizeof numbers[0], "%.15g", node->valuedouble);
        return text;
    }
    return NULL;
}

int items_at(const reply *answer, const char *path)
{
    const cJSON *node = node_at(answer, path);
    return cJSON_IsArray(node) || cJSON_IsObject(node) ? cJSON_GetArraySize(node) : -1;
}

bool has_text(const reply *answer, const char *needle)
{
    return strstr(answer->body, needle) != NULL;
}

const char *id_of(const reply *answer)
{
    size_t len;
    const char *id = fhirstore_response_id(answer->response, &len);
    ck_assert_uint_eq(strlen(id), len);
    return id;
}

/* Owned by the caller. */
static char *make_state(void)
{
    fhirstore_buf stats = {0};
    fhirstore_error *error = NULL;
    reply all = history("", "", "_count=10000");
    expect_status(all, FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_stats(store, &stats, &error), FHIRSTORE_OK);
    const char *counts = strstr(stats.ptr, "\"indexRows\"");
    ck_assert_ptr_nonnull(counts);
    size_t size = all.body_len + stats.len + 2;
    char *state = malloc(size);
    ck_assert_ptr_nonnull(state);
    (void)snprintf(state, size, "%s\n%s", all.body, counts);
    fhirstore_buf_clear(&stats);
    return state;
}

const char *state_of_store(void)
{
    ck_assert_uint_lt(state_count, MAX_STATES);
    states[state_count] = make_state();
    return states[state_count++];
}

/* ---- expectations ---- */

void expect_refusal(const reply *answer, fhirstore_status want, const char *code,
                    const char *expression)
{
    if (answer->response == NULL) {
        expect_status(*answer, want);
    }
    expect_http(*answer, fhirstore_status_http(want));
    expect_text(*answer, "resourceType", "OperationOutcome");
    expect_text(*answer, "issue.0.code", code);
    ck_assert_ptr_nonnull(text_at(answer, "issue.0.diagnostics"));
    if (expression != NULL) {
        expect_text(*answer, "issue.0.expression.0", expression);
    }
}

void expect_no_trace(const reply *answer, fhirstore_status want, const char *code,
                     const char *expression, const char *before)
{
    expect_refusal(answer, want, code, expression);
    char *after = make_state();
    ck_assert_msg(strcmp(before, after) == 0, "the store has changed:\n%s\n%s", before, after);
    free(after);
}

int run_groups(const char *name, const test_group *groups, size_t count)
{
    Suite *suite = suite_create(name);
    for (size_t i = 0; i < count; i++) {
        TCase *tests = tcase_create(groups[i].name);
        tcase_set_timeout(tests, 120);
        tcase_add_checked_fixture(tests, groups[i].setup, teardown);
        for (size_t k = 0; k < groups[i].count; k++) {
            tcase_add_test(tests, groups[i].tests[k]);
        }
        suite_add_tcase(suite, tests);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
