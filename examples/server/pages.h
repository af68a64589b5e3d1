/* SPDX-License-Identifier: Apache-2.0 */
/* What libmicrohttpd says of its own accord, said as an OperationOutcome. */
#ifndef SERVER_PAGES_H
#define SERVER_PAGES_H

#include "server.h"

/* Before the daemon is started. False: what is wrong has been said. */
bool pages_take_over(web_server *server);
/* MHD_queue_response() for answers of our own. */
enum MHD_Result queue_response(struct MHD_Connection *connection, unsigned status,
                               struct MHD_Response *response);

#endif
