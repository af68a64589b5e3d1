/* SPDX-License-Identifier: Apache-2.0 */
/* A whole refusal as bytes, for connections that libmicrohttpd cannot answer on. */
#ifndef SERVER_REFUSAL_H
#define SERVER_REFUSAL_H

#include "server.h"

/* With its headers, to be freed; the connection ends with it. NULL: no memory. */
char *refusal_text(unsigned status, const char *code, const char *text, const char *request_id,
                   size_t *len_out);
/* Say one that belongs to no exchange yet; it gets its line of the log. */
void refuse_socket(web_server *server, int socket, unsigned status, const char *code,
                   const char *text);

#endif
