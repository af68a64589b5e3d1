/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests as they come: a line with method and URL, lines of headers, an empty line, the body
 * (Bundles among them). Whatever the bytes, there is an answer: a FHIR status, a body that is JSON,
 * an OperationOutcome where it is a refusal; and a refused write leaves the store as it was.
 */
#include "fresh_store.h"
#include "rest/rest.h"

#define MAX_HEADERS 12u
static fhs_str cut_line(fhs_str *text)
{
    fhs_str line = *text;
    fhs_str rest = FHS_STR_NONE;
    (void)fhs_str_split(*text, '\n', &line, &rest);
    *text = rest;
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fhs_header headers[MAX_HEADERS];
    fhs_answer answer;
    fhs_str text = fhs_str_of((const char *)data, size);
    fhs_request request = {.headers = headers};
    (void)enter();
    fhs_str line = cut_line(&text);
    request.method = line;
    (void)fhs_str_split(line, ' ', &request.method, &request.url);
    while (text.len > 0 && request.header_count < MAX_HEADERS) {
        line = cut_line(&text);
        fhs_header *header = &headers[request.header_count];
        if (line.len == 0) {
            break;
        }
        *header = (fhs_header){line, FHS_LIT("")};
        (void)fhs_str_split(line, ':', &header->name, &header->value);
        request.header_count++;
    }
    request.body = text.ptr == NULL ? FHS_LIT("") : text;
    const int64_t before = last_change();
    fhs_answer_init(&answer);
    FUZZ_LAW(fhs_request_run(session, &request, &answer, NULL) >= FHIRSTORE_OK);
    check_answer(&answer, before);
    fhs_answer_clear(&answer);
    changes = last_change();
    return 0;
}
