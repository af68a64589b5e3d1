/* SPDX-License-Identifier: Apache-2.0 */
/* A whole refusal as bytes, for connections that libmicrohttpd cannot answer on. */
#ifndef SERVER_REFUSAL_H
#define SERVER_REFUSAL_H

#include <stddef.h>

/* With its headers, to be freed; the connection ends with it. NULL: no memory. */
char *refusal_text(unsigned status, const char *code, const char *text, const char *request_id,
                   size_t *len_out);

#endif
