/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door: connections are taken in here, and handed to libmicrohttpd when they have begun to
 * speak HTTP. Who says nothing waits here, and costs little; who says what is no HTTP is told so.
 */
#ifndef SERVER_GATE_H
#define SERVER_GATE_H

#include "server.h"

typedef struct web_gate web_gate;

/* Listen; NULL: what is wrong has been said. *port_out is the port that it became. */
web_gate *gate_open(web_server *server, uint16_t *port_out);
/* Take connections in, once there is a daemon. False: no thread. */
bool gate_run(web_gate *gate);
/* No new connections; who waits is sent away. */
void gate_close(web_gate *gate);

#endif
