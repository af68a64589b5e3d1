/* SPDX-License-Identifier: Apache-2.0 */
#include "twins.h"

#include <ctype.h>
#include <stdio.h>

twin twins[2];

static int64_t twins_now_us;
static char *told[2];      /* the last answers, made comparable */
static char *next_page[2]; /* their next links */

static int64_t tell_twins_clock(void *ctx)
{
    (void)ctx;
    return twins_now_us;
}

void tick_twins(void)
{
    twins_now_us += 1500 * 1000;
}

void open_twins(void)
{
    twins_now_us = INT64_C(1700000000) * SECOND;
    for (int i = 0; i < 2; i++) {
        fhirstore_open_options options = open_options();
        options.clock = tell_twins_clock;
        options.journal = FHIRSTORE_JOURNAL_OFF;
        (void)snprintf(twins[i].path, sizeof twins[i].path, "%s",
                       in_folder(i == 0 ? "one" : "two"));
        twins[i].store = must_open(twins[i].path, &options);
        twins[i].owner = must_enter(twins[i].store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "owner");
        twins[i].guest = NULL;
    }
}

void enter_twins(const char *policy, const char *claims)
{
    for (int i = 0; i < 2; i++) {
        fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
        fhirstore_error *error = NULL;
        fhirstore_status status = fhirstore_set_policy(twins[i].store, policy,
                                                       policy == NULL ? 0 : strlen(policy), &error);
        options.claims = claims;
        options.claims_len = strlen(claims);
        if (status == FHIRSTORE_OK) {
            fhirstore_session_close(twins[i].guest);
            status = fhirstore_session_open(twins[i].store, &options, &twins[i].guest, &error);
        }
        ck_assert_msg(status == FHIRSTORE_OK, "%s",
                      error == NULL ? "" : fhirstore_error_message(error));
    }
}

void close_twins(void)
{
    for (int i = 0; i < 2; i++) {
        fhirstore_session_close(twins[i].guest);
        fhirstore_session_close(twins[i].owner);
        fhirstore_close(twins[i].store);
        free(told[i]);
        free(next_page[i]);
        told[i] = NULL;
        next_page[i] = NULL;
        twins[i] = (twin){.store = NULL};
    }
}

void put_twin(int which, const char *type, const char *id, const char *body)
{
    char url[128];
    (void)snprintf(url, sizeof url, "%s/%s", type, id);
    for (int i = 0; i < 2; i++) {
        if ((which & (1 << i)) != 0) {
            const reply answer = ask_bytes(twins[i].owner, "PUT", url, NULL, body, strlen(body));
            ck_assert_msg(answer.http == 200 || answer.http == 201, "%s: %s", url, answer.body);
        }
    }
}

/* ---- comparing ---- */

static bool is_uuid(const char *text)
{
    for (int i = 0; i < 36; i++) {
        const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text[i] != '-' : !isxdigit((unsigned char)text[i])) {
            return false;
        }
    }
    return true;
}

/* New ids become one, sealed links another. */
static char *comparable(const char *text, size_t len)
{
    static const char mark[] = "_page=";
    char *copy = malloc(len + 1);
    size_t out = 0;
    for (size_t i = 0; i < len;) {
        if (len - i >= 36 && is_uuid(text + i)) {
            copy[out++] = 'U';
            i += 36;
        } else if (len - i > sizeof mark && memcmp(text + i, mark, sizeof mark - 1) == 0) {
            memcpy(copy + out, mark, sizeof mark - 1);
            out += sizeof mark - 1;
            i += sizeof mark - 1;
            while (i < len && (isalnum((unsigned char)text[i]) || text[i] == '-' ||
                               text[i] == '_' || text[i] == '%' || text[i] == '.')) {
                i++;
            }
        } else {
            copy[out++] = text[i++];
        }
    }
    copy[out] = '\0';
    return copy;
}

/* Status, headers, body. */
static char *whole_answer(const reply *answer)
{
    char *body = comparable(answer->body, answer->body_len);
    size_t size = strlen(body) + 4096;
    char *text = malloc(size);
    int len = snprintf(text, size, "%d\n", (int)answer->http);
    static const char *const names[] = {"Content-Type",     "ETag", "Last-Modified", "Location",
                                        "Content-Location", "Allow"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = header_of(answer, names[i]);
        if (value != NULL) {
            char *plain = comparable(value, strlen(value));
            len += snprintf(text + len, size - (size_t)len, "%s: %.500s\n", names[i], plain);
            free(plain);
        }
    }
    (void)snprintf(text + len, size - (size_t)len, "\n%s", body);
    free(body);
    return text;
}

/* What stands behind the base URL of the "next" link. */
static char *next_link_of(const reply *answer)
{
    static const char mark[] = "{\"relation\":\"next\",\"url\":\"http://localhost/fhir/";
    const char *at = answer->body_len == 0 ? NULL : strstr(answer->body, mark);
    if (at == NULL) {
        return NULL;
    }
    at += sizeof mark - 1;
    return strndup(at, strcspn(at, "\""));
}

static void show_difference(const char *label, const char *method, const char *url,
                            const char *body)
{
    size_t at = 0;
    while (told[0][at] != '\0' && told[0][at] == told[1][at]) {
        at++;
    }
    const size_t from = at < 200 ? 0 : at - 200;
    ck_abort_msg("%s: told apart by %s %s %s\none: …%.600s\ntwo: …%.600s", label, method, url,
                 body == NULL ? "" : body, told[0] + from, told[1] + from);
}

/* Ask both; whether they answer the same. */
static bool ask_both(const char *method, const char *const urls[2], const char *headers,
                     const char *body, reply answers[2])
{
    for (int i = 0; i < 2; i++) {
        answers[i] = ask_bytes(twins[i].guest, method, urls[i], headers, body,
                               body == NULL ? 0 : strlen(body));
        free(told[i]);
        told[i] = whole_answer(&answers[i]);
    }
    char *const links[2] = {next_link_of(&answers[0]), next_link_of(&answers[1])};
    for (int i = 0; i < 2; i++) {
        free(next_page[i]);
        next_page[i] = links[i];
    }
    tick_twins();
    return strcmp(told[0], told[1]) == 0;
}

static reply compare_twins(const char *label, const char *method, const char *const urls[2],
                           const char *headers, const char *body)
{
    reply answers[2];
    if (!ask_both(method, urls, headers, body, answers)) {
        show_difference(label, method, urls[0], body);
    }
    return answers[0];
}

bool twins_differ(const char *method, const char *url, const char *headers, const char *body)
{
    const char *const urls[2] = {url, url};
    reply answers[2];
    return !ask_both(method, urls, headers, body, answers);
}

reply ask_twins(const char *label, const char *method, const char *url, const char *headers,
                const char *body)
{
    const char *const urls[2] = {url, url};
    return compare_twins(label, method, urls, headers, body);
}

const char *twins_answer(void)
{
    return told[0];
}

bool next_of_twins(const char *label)
{
    if (next_page[0] == NULL || next_page[1] == NULL) {
        return false;
    }
    char *const urls[2] = {strdup(next_page[0]), strdup(next_page[1])};
    const char *const both[2] = {urls[0], urls[1]};
    (void)compare_twins(label, "GET", both, NULL, NULL);
    free(urls[0]);
    free(urls[1]);
    return true;
}
