/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of a request, and whether they leave a doubt about it. */
#ifndef SERVER_HEADERS_H
#define SERVER_HEADERS_H

#include "server.h"

#define HEADERS_MAX      100u
#define HEADER_BYTES_MAX 32768u

typedef struct header_list {
    fhirstore_header items[HEADERS_MAX]; /* texts of the connection's */
    uint32_t count;
    size_t bytes;
    bool is_too_long; /* not all of them are here */
    bool is_unclean;  /* one has a name that is none, or a control character */
} header_list;

typedef struct header_fault {
    unsigned status; /* 0: none */
    const char *code;
    const char *text;
} header_fault;

void headers_read(struct MHD_Connection *connection, header_list *out);
/* Where a request ends must not be read in two ways, nor for whom it is. */
header_fault headers_check(const header_list *list, const char *version);

#endif
