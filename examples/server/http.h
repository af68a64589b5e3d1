/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd: connections in, exchanges out. */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include "server.h"

#define CONNECTIONS_MAX 1000u

/* Listen; false: what is wrong has been said. *port_out is the port that it became. */
bool http_start(web_server *server, uint16_t *port_out);
/* No new connections; wait for what is being answered, @a seconds at most; end. */
void http_stop(web_server *server, unsigned seconds);

#endif
