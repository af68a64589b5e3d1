/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_FETCH_H
#define SERVER_FETCH_H

#include <jansson.h>

/*
 * JSON from a file, or from an https URL (http on this machine alone). NULL: why has been said on
 * standard error.
 */
json_t *fetch_json(const char *place);

#endif
