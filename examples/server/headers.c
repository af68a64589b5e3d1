/* SPDX-License-Identifier: Apache-2.0 */
#include "headers.h"

#include <string.h>
#include <strings.h>

/* ---- as they are ---- */

static bool is_token(const char *text, size_t len)
{
    static const char marks[] = "!#$%&'*+-.^_`|~0123456789"
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return len > 0 && strspn(text, marks) == len;
}

static bool has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return true;
        }
    }
    return false;
}

static enum MHD_Result take_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                   size_t name_len, const char *value, size_t value_len)
{
    header_list *list = ctx;
    (void)kind;
    if (value == NULL) {
        value = "";
        value_len = 0;
    }
    list->bytes += name_len + value_len;
    if (list->count == HEADERS_MAX || list->bytes > HEADER_BYTES_MAX) {
        list->is_too_long = true;
        return MHD_NO;
    }
    list->is_unclean = list->is_unclean || !is_token(name, name_len) ||
                       has_control(value, value_len);
    list->items[list->count++] = (fhirstore_header){name, name_len, value, value_len};
    return MHD_YES;
}

void headers_read(struct MHD_Connection *connection, header_list *out)
{
    out->count = 0;
    out->bytes = 0;
    out->is_too_long = false;
    out->is_unclean = false;
    (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, take_header, out);
}

/* ---- whether they agree ---- */

/* How often a header is there; *value_out is the last one's value. */
static unsigned count_of(const header_list *list, const char *name, const char **value_out)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (strcasecmp(list->items[i].name, name) == 0) {
            count++;
            *value_out = list->items[i].value;
        }
    }
    return count;
}

/* Where a body ends is told by its last coding; we know one. */
static header_fault check_encoding(const char *value, const char *version)
{
    static const char chunked[] = "chunked";
    size_t len = strlen(value);
    size_t tail = sizeof chunked - 1;
    bool ends_chunked = len >= tail && strcasecmp(value + len - tail, chunked) == 0 &&
                        (len == tail || strchr(", \t", value[len - tail - 1]) != NULL);
    if (!ends_chunked) {
        return (header_fault){MHD_HTTP_BAD_REQUEST, "structure",
                              "Transfer-Encoding is chunked, or nothing"};
    }
    if (len > tail) {
        return (header_fault){MHD_HTTP_NOT_IMPLEMENTED, "not-supported",
                              "no Transfer-Encoding but chunked is read"};
    }
    if (strcmp(version, "HTTP/1.0") == 0) {
        return (header_fault){MHD_HTTP_BAD_REQUEST, "structure",
                              "Transfer-Encoding is not of HTTP/1.0"};
    }
    return (header_fault){0, NULL, NULL};
}

static header_fault structure_fault(const char *text)
{
    return (header_fault){MHD_HTTP_BAD_REQUEST, "structure", text};
}

static header_fault check_framing(const header_list *list, const char *version)
{
    const char *value = "";
    unsigned lengths = count_of(list, "Content-Length", &value);
    unsigned encodings = count_of(list, "Transfer-Encoding", &value);
    if (lengths > 1 || lengths + encodings > 1) {
        return structure_fault("a body has one Content-Length, or is chunked");
    }
    return encodings == 1 ? check_encoding(value, version) : (header_fault){0, NULL, NULL};
}

header_fault headers_check(const header_list *list, const char *version)
{
    const char *host = "";
    const char *expected = "100-continue";
    unsigned hosts = count_of(list, "Host", &host);
    if (list->is_too_long) {
        return (header_fault){MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "too-long",
                              "the headers are longer than 32768 bytes, or more than 100"};
    }
    if (list->is_unclean) {
        return structure_fault("a header has a name that is none, or a control character");
    }
    if (hosts > 1 || (hosts == 0 && strcmp(version, "HTTP/1.0") != 0)) {
        return structure_fault("a request of HTTP/1.1 has one Host header");
    }
    if (strpbrk(host, " \t,/?#@\\") != NULL) {
        return structure_fault("Host is the name of a host");
    }
    (void)count_of(list, "Expect", &expected);
    if (strcasecmp(expected, "100-continue") != 0) {
        return (header_fault){MHD_HTTP_EXPECTATION_FAILED, "not-supported",
                              "Expect is 100-continue, or nothing"};
    }
    return check_framing(list, version);
}
