/* SPDX-License-Identifier: Apache-2.0 */
/* batch: each entry is a request of its own and stands or falls for itself. */
#include "rest/bundle.h"

#define ENTRY_HEADERS 4u

static size_t entry_headers(const fhs_bundle_entry *entry, fhs_header headers[ENTRY_HEADERS])
{
    const fhs_header given[ENTRY_HEADERS] = {
        {FHS_LIT("If-Match"), entry->if_match},
        {FHS_LIT("If-None-Match"), entry->if_none_match},
        {FHS_LIT("If-None-Exist"), entry->if_none_exist},
        {FHS_LIT("If-Modified-Since"), entry->if_modified_since},
    };
    size_t count = 0;
    for (size_t i = 0; i < ENTRY_HEADERS; i++) {
        if (given[i].value.ptr != NULL) {
            headers[count++] = given[i];
        }
    }
    return count;
}

/* @a arena holds the entry while the session's own serves its request. */
static fhirstore_status run_entry(fhs_session *session, const fhs_bundle *bundle, size_t index,
                                  const fhs_preferences *preferences, fhs_arena *arena,
                                  fhs_buf *out, fhirstore_error **err)
{
    fhs_answer answer;
    fhs_bundle_entry entry;
    fhs_header headers[ENTRY_HEADERS];
    fhs_arena_reset(arena);
    fhirstore_status status = fhs_bundle_entry_at(session->core, bundle, index, arena, &entry, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_request request = {
        .method = entry.method,
        .url = entry.url,
        .headers = headers,
        .header_count = entry_headers(&entry, headers),
        .body = entry.resource.ptr == NULL ? FHS_LIT("") : entry.resource,
        .outer = preferences,
    };
    fhs_answer_init(&answer);
    request.full_url = entry.full_url;
    status = fhs_request_run(session, &request, &answer, err);
    if (status >= FHIRSTORE_OK) {
        fhs_bundle_write_reply(out, session->core, &answer);
    }
    fhs_answer_clear(&answer);
    return status;
}

fhirstore_status fhs_bundle_run_batch(fhs_session *session, const fhs_bundle *bundle,
                                      const fhs_preferences *preferences, fhs_answer *answer,
                                      fhirstore_error **err)
{
    fhs_buf *out = &answer->body;
    fhs_arena arena;
    fhirstore_status status = FHIRSTORE_OK;
    fhs_arena_init(&arena, SIZE_MAX);
    fhs_buf_add_cstr(out, "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\"");
    for (size_t i = 0; status >= FHIRSTORE_OK && i < bundle->count; i++) {
        fhs_buf_add_cstr(out, i == 0 ? ",\"entry\":[" : ",");
        status = run_entry(session, bundle, i, preferences, &arena, out, err);
    }
    fhs_buf_add_cstr(out, bundle->count > 0 ? "]}" : "}");
    fhs_arena_clear(&arena);
    answer->status = FHIRSTORE_OK;
    answer->http = fhs_status_http(FHIRSTORE_OK);
    return status;
}
