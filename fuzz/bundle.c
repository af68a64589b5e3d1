/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles, sent to the root of a store that holds a few resources. Whatever the bytes: a
 * transaction goes in whole or leaves nothing, its answer has an entry for each of its own, and so
 * has that of a batch; what is refused names an entry that there is; and what an entry wrote can be
 * read again.
 */
#include "fresh_store.h"
#include "rest/rest.h"

static void send_text(const char *method, const char *url, fhs_str body, fhs_answer *answer)
{
    const fhs_request request = {
        .method = fhs_str_from_cstr(method), .url = fhs_str_from_cstr(url), .body = body};
    fhs_answer_init(answer);
    FUZZ_LAW(fhs_request_run(session, &request, answer, NULL) >= FHIRSTORE_OK);
}

static void fill(void)
{
    static const char *const bodies[] = {
        "{\"resourceType\":\"Patient\",\"id\":\"a\",\"identifier\":[{\"value\":\"one\"}]}",
        "{\"resourceType\":\"Patient\",\"id\":\"b\",\"identifier\":[{\"value\":\"two\"}]}",
        "{\"resourceType\":\"Patient\",\"id\":\"c\",\"identifier\":[{\"value\":\"two\"}]}",
    };
    static const char *const urls[] = {"Patient/a", "Patient/b", "Patient/c"};
    for (size_t i = 0; i < FHS_COUNT_OF(bodies); i++) {
        fhs_answer answer;
        send_text("PUT", urls[i], fhs_str_from_cstr(bodies[i]), &answer);
        FUZZ_LAW(answer.http == 201);
        fhs_answer_clear(&answer);
    }
}

static uint32_t entries_of(const fhs_json *bundle)
{
    const fhs_json *list = fhs_json_get(bundle, FHS_LIT("entry"));
    return fhs_json_is(list, FHS_JSON_ARRAY) ? list->count : 0;
}

/* "Bundle.entry[3]…" is one of those that were sent. */
static void check_place(const fhs_json *outcome, uint32_t count)
{
    const fhs_json *issues = fhs_json_get(outcome, FHS_LIT("issue"));
    for (uint32_t i = 0; fhs_json_is(issues, FHS_JSON_ARRAY) && i < issues->count; i++) {
        const fhs_json *places = fhs_json_get(&issues->items[i], FHS_LIT("expression"));
        static const fhs_str head = FHS_LIT_INIT("Bundle.entry[");
        fhs_str text = fhs_json_is(places, FHS_JSON_ARRAY) && places->count > 0
                           ? places->items[0].text
                           : FHS_LIT("");
        uint64_t number;
        if (!fhs_str_starts_with(text, head)) {
            continue;
        }
        text = fhs_str_from(text, head.len);
        text = fhs_str_of(text.ptr, fhs_str_find_char(text, ']', 0));
        FUZZ_LAW(fhs_str_to_u64(text, UINT32_MAX, &number) && number < count);
    }
}

/* Where an entry says that it wrote, there is something. */
static void check_locations(const fhs_json *answer)
{
    const fhs_json *list = fhs_json_get(answer, FHS_LIT("entry"));
    for (uint32_t i = 0; fhs_json_is(list, FHS_JSON_ARRAY) && i < list->count; i++) {
        const fhs_json *response = fhs_json_get(&list->items[i], FHS_LIT("response"));
        fhs_str status;
        fhs_str location;
        fhs_answer found;
        char url[256];
        if (!fhs_json_get_string(response, FHS_LIT("status"), &status) ||
            !fhs_str_starts_with(status, FHS_LIT("201")) ||
            !fhs_json_get_string(response, FHS_LIT("location"), &location) ||
            location.len >= sizeof url) {
            continue;
        }
        (void)snprintf(url, sizeof url, "%.*s", FHS_STR_ARG(location));
        send_text("GET", url, FHS_LIT(""), &found);
        /* A later entry may have purged it. */
        FUZZ_LAW(found.http == 200 || found.http == 404 || found.http == 410);
        fhs_answer_clear(&found);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const fhs_str body = fhs_str_of((const char *)data, size);
    const fhs_json *sent = NULL;
    const fhs_json *told = NULL;
    fhs_answer answer;
    fhs_arena arena;
    if (enter()) {
        fill();
    }
    const int64_t before = last_change();
    send_text("POST", "", body, &answer);
    check_answer(&answer, before);
    fhs_arena_init(&arena, SIZE_MAX);
    const bool is_json = fhs_json_read(&arena, body, NULL, &sent, NULL) == FHIRSTORE_OK;
    FUZZ_LAW(fhs_json_read(&arena, fhs_buf_str(&answer.body), NULL, &told, NULL) == FHIRSTORE_OK);
    if (answer.http < 400) {
        /* A resource that nobody reads (of a GET), or that its own entry is refused for, may be
         * none. */
        FUZZ_LAW(!is_json || entries_of(told) == entries_of(sent));
        check_locations(told);
    } else if (is_json && sent->type == FHS_JSON_OBJECT) {
        check_place(told, entries_of(sent));
    }
    fhs_arena_clear(&arena);
    fhs_answer_clear(&answer);
    changes = last_change();
    return 0;
}
