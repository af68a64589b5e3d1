/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request headers: the first byte chooses a request, the rest are its headers, a line each.
 * Whatever they say there is an answer, nothing of what is refused is left, and each header on its
 * own is read the same way as among others that mean nothing.
 */
#include "rest/headers.h"
#include "fresh_store.h"

#define MAX_LINES 16u

static const struct {
    const char *method;
    const char *url;
    const char *body;
} requests[] = {
    {"GET", "Patient/a", ""},
    {"PUT", "Patient/a", "{\"resourceType\":\"Patient\",\"id\":\"a\",\"active\":true}"},
    {"POST", "Patient", "{\"resourceType\":\"Patient\",\"identifier\":[{\"value\":\"x\"}]}"},
    {"PATCH", "Patient/a", "{\"active\":false}"},
    {"PATCH", "Patient/a", "[{\"op\":\"add\",\"path\":\"/active\",\"value\":true}]"},
    {"DELETE", "Patient/a", ""},
    {"PUT", "Binary/b", "any bytes"},
    {"GET", "Binary/b", ""},
    {"GET", "Patient?active=true", ""},
    {"POST", "",
     "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{"
     "\"resource\":{\"resourceType\":\"Patient\"},\"request\":{\"method\":\"POST\","
     "\"url\":\"Patient\"}}]}"},
};

static fhs_str next_line(fhs_str *text)
{
    fhs_str line = *text;
    fhs_str rest = FHS_STR_NONE;
    (void)fhs_str_split(*text, '\n', &line, &rest);
    *text = rest;
    return line;
}

/* What is read of one value does not depend on white space around it. */
static void check_value(fhs_str value)
{
    fhs_condition plain = {0};
    fhs_condition padded = {0};
    fhs_buf text = FHS_BUF_INIT(SIZE_MAX / 2);
    fhs_buf_add_cstr(&text, "  ");
    fhs_buf_add_str(&text, value);
    fhs_buf_add_char(&text, ' ');
    const bool is_good = fhs_if_match_parse(value, &plain, NULL) == FHIRSTORE_OK;
    FUZZ_LAW(is_good == (fhs_if_match_parse(fhs_buf_str(&text), &padded, NULL) == FHIRSTORE_OK));
    FUZZ_LAW(plain.if_version == padded.if_version && plain.if_any == padded.if_any);
    FUZZ_LAW(!is_good || plain.if_any != (plain.if_version > 0));
    FUZZ_LAW(fhs_media_is_json(value) == fhs_media_is_json(fhs_buf_str(&text)));
    fhs_buf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fhs_header headers[MAX_LINES];
    fhs_answer answer;
    if (size == 0) {
        return 0;
    }
    (void)enter();
    const size_t which = data[0] % FHS_COUNT_OF(requests);
    fhs_str text = fhs_str_of((const char *)data + 1, size - 1);
    fhs_request request = {.method = fhs_str_from_cstr(requests[which].method),
                           .url = fhs_str_from_cstr(requests[which].url),
                           .body = fhs_str_from_cstr(requests[which].body),
                           .headers = headers};
    while (text.len > 0 && request.header_count < MAX_LINES) {
        fhs_str line = next_line(&text);
        fhs_header *header = &headers[request.header_count++];
        *header = (fhs_header){line, FHS_LIT("")};
        (void)fhs_str_split(line, ':', &header->name, &header->value);
        check_value(header->value);
    }
    const int64_t before = last_change();
    fhs_answer_init(&answer);
    FUZZ_LAW(fhs_request_run(session, &request, &answer, NULL) >= FHIRSTORE_OK);
    check_answer(&answer, before);
    fhs_answer_clear(&answer);
    changes = last_change();
    return 0;
}
