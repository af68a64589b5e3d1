/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FETCH_MAX     ((size_t)1 << 20)
#define FETCH_SECONDS 10L

typedef struct download {
    char *text;
    size_t len;
} download;

static size_t take_piece(char *piece, size_t size, size_t count, void *ctx)
{
    download *into = ctx;
    size_t len = size * count;
    if (len > FETCH_MAX - into->len) {
        return 0;
    }
    char *grown = realloc(into->text, into->len + len + 1);
    if (grown == NULL) {
        return 0;
    }
    memcpy(grown + into->len, piece, len);
    into->text = grown;
    into->len += len;
    return len;
}

static bool is_this_machine(const char *url)
{
    static const char *const hosts[] = {"http://localhost", "http://127.0.0.1", "http://[::1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        size_t len = strlen(hosts[i]);
        if (strncmp(url, hosts[i], len) == 0 && (url[len] == ':' || url[len] == '/')) {
            return true;
        }
    }
    return false;
}

static json_t *fetch_url(const char *url)
{
    download got = {NULL, 0};
    json_error_t fault = {0};
    json_t *json = NULL;
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        return NULL;
    }
    /* No redirects: who could make one could name the keys. */
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, FETCH_SECONDS);
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_piece);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &got);
    CURLcode result = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    if (result != CURLE_OK) {
        (void)fprintf(stderr, "fhirstore-server: %s: %s\n", url, curl_easy_strerror(result));
    } else if (got.text == NULL || (json = json_loadb(got.text, got.len, 0, &fault)) == NULL) {
        (void)fprintf(stderr, "fhirstore-server: %s: %s\n", url, fault.text);
    }
    free(got.text);
    return json;
}

json_t *fetch_json(const char *place)
{
    json_error_t fault = {0};
    if (strncmp(place, "https://", 8) == 0 || is_this_machine(place)) {
        return fetch_url(place);
    }
    if (strstr(place, "://") != NULL) {
        (void)fprintf(stderr, "fhirstore-server: %s: only files and https\n", place);
        return NULL;
    }
    json_t *json = json_load_file(place, 0, &fault);
    if (json == NULL) {
        (void)fprintf(stderr, "fhirstore-server: %s: %s (line %d)\n", place, fault.text,
                      fault.line);
    }
    return json;
}
