/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_SMART_H
#define SERVER_SMART_H

#include <jansson.h>

/*
 * What .well-known/smart-configuration says: the endpoints of the discovery document (NULL: none),
 * and what this endpoint understands. To be freed by the caller; NULL: no memory.
 */
char *smart_configuration(const json_t *discovery);

#endif
