/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handle.h"

#include <string.h>

#include "base/instant.h"
#include "base/mem.h"

#define MAX_HEADERS 8u

typedef struct header_place {
    const char *name;
    size_t value; /* offset in texts */
} header_place;

struct fhirstore_response {
    uint32_t kind;
    int32_t http;
    fhs_buf body;
    fhs_buf texts; /* header values, each with a NUL behind it */
    header_place headers[MAX_HEADERS];
    uint32_t header_count;
    char id[FHS_LIMIT_ID_BYTES + 1];
    size_t id_len;
    int64_t version;
    int64_t updated_us;
};

static void begin_header(fhirstore_response *response, const char *name)
{
    response->headers[response->header_count++] = (header_place){name, response->texts.len};
}

static void end_header(fhirstore_response *response)
{
    fhs_buf_add_char(&response->texts, '\0');
}

/* The address of the version, under one of the two names that HTTP has for it. */
static void add_location(fhirstore_response *response, const char *name, const fhs_session *session,
                         const fhs_answer *answer)
{
    fhs_buf *texts = &response->texts;
    begin_header(response, name);
    fhs_buf_add_str(texts, session->link_base);
    fhs_buf_add_char(texts, '/');
    fhs_buf_add_str(texts, fhs_type_name(session->core->fhir, answer->type));
    fhs_buf_add_char(texts, '/');
    fhs_buf_add_str(texts, fhs_str_of(answer->id, answer->id_len));
    fhs_buf_add_cstr(texts, "/_history/");
    fhs_buf_add_i64(texts, answer->version);
    end_header(response);
}

/* RFC 9110: the content is that of the version's own address (304: it would be). */
static bool holds_version(const fhs_answer *answer)
{
    const bool has_body = answer->body.len > 0 || answer->has_content || answer->is_content;
    return answer->version > 0 && answer->id_len > 0 && !answer->is_outcome &&
           (has_body || answer->status == FHIRSTORE_NOT_MODIFIED);
}

static void add_headers(fhirstore_response *response, const fhs_session *session,
                        const fhs_answer *answer)
{
    fhs_buf *texts = &response->texts;
    if (answer->body.len > 0 || answer->has_content || answer->is_content) {
        begin_header(response, "Content-Type");
        if (answer->is_content) {
            fhs_buf_add_str(texts, fhs_buf_str(&answer->media_type));
        } else {
            fhs_buf_add_cstr(texts, "application/fhir+json; charset=utf-8");
        }
        end_header(response);
    }
    if (answer->is_content && answer->context.len > 0) {
        begin_header(response, "X-Security-Context");
        fhs_buf_add_str(texts, fhs_buf_str(&answer->context));
        end_header(response);
    }
    if (answer->version > 0) {
        begin_header(response, "ETag");
        fhs_buf_add_cstr(texts, "W/\"");
        fhs_buf_add_i64(texts, answer->version);
        fhs_buf_add_char(texts, '"');
        end_header(response);
        begin_header(response, "Last-Modified");
        fhs_http_date_write(answer->updated_us, texts);
        end_header(response);
    }
    if (answer->tag[0] != '\0') {
        begin_header(response, "ETag");
        fhs_buf_addf(texts, "W/\"%s\"", answer->tag);
        end_header(response);
    }
    if (answer->allow[0] != '\0') {
        begin_header(response, "Allow");
        fhs_buf_add_cstr(texts, answer->allow);
        end_header(response);
    }
    if (answer->version > 0 && (answer->is_new_version || answer->is_found)) {
        add_location(response, "Location", session, answer);
    }
    if (holds_version(answer)) {
        add_location(response, "Content-Location", session, answer);
    }
}

fhirstore_status fhs_response_new(const fhs_session *session, fhs_answer *answer,
                                  fhirstore_status status, fhirstore_response **out,
                                  fhirstore_error **err_out)
{
    fhirstore_response *response = NULL;
    if (status >= FHIRSTORE_OK) {
        response = fhs_calloc(1, sizeof *response);
        if (response == NULL) {
            status = fhs_fail_memory(err_out);
        }
    }
    if (response == NULL) {
        fhs_answer_clear(answer);
        return status;
    }
    response->kind = FHS_KIND_RESPONSE;
    response->http = answer->http;
    response->version = answer->version;
    response->updated_us = answer->updated_us;
    response->id_len = answer->id_len;
    memcpy(response->id, answer->id, answer->id_len);
    fhs_buf_init(&response->texts, FHS_LIMIT_URL_BYTES);
    add_headers(response, session, answer);
    response->body = answer->body; /* taken over */
    fhs_buf_clear(&answer->media_type);
    fhs_buf_clear(&answer->context);
    if (fhs_buf_status(&response->texts) < FHIRSTORE_OK) {
        fhirstore_response_free(response);
        return fhs_fail_memory(err_out);
    }
    *out = response;
    return status;
}

void fhirstore_response_free(fhirstore_response *response)
{
    if (response == NULL || response->kind != FHS_KIND_RESPONSE) {
        return;
    }
    response->kind = 0;
    fhs_buf_clear(&response->body);
    fhs_buf_clear(&response->texts);
    fhs_free(response);
}

int32_t fhirstore_response_http(const fhirstore_response *response)
{
    return response == NULL ? 0 : response->http;
}

const char *fhirstore_response_body(const fhirstore_response *response, size_t *len_out)
{
    fhs_str body = response == NULL ? FHS_LIT("") : fhs_buf_str(&response->body);
    if (len_out != NULL) {
        *len_out = body.len;
    }
    return body.ptr;
}

const char *fhirstore_response_id(const fhirstore_response *response, size_t *len_out)
{
    if (len_out != NULL) {
        *len_out = response == NULL ? 0 : response->id_len;
    }
    return response == NULL ? "" : response->id;
}

int64_t fhirstore_response_version(const fhirstore_response *response)
{
    return response == NULL ? 0 : response->version;
}

int64_t fhirstore_response_updated_us(const fhirstore_response *response)
{
    return response == NULL ? 0 : response->updated_us;
}

uint32_t fhirstore_response_header_count(const fhirstore_response *response)
{
    return response == NULL ? 0 : response->header_count;
}

fhirstore_status fhirstore_response_header(const fhirstore_response *response, uint32_t index,
                                           const char **name_out, const char **value_out)
{
    bool is_there = response != NULL && index < response->header_count;
    if (name_out != NULL) {
        *name_out = is_there ? response->headers[index].name : NULL;
    }
    if (value_out != NULL) {
        *value_out = is_there ? response->texts.ptr + response->headers[index].value : NULL;
    }
    return is_there ? FHIRSTORE_OK : FHIRSTORE_ERR_NOT_FOUND;
}
