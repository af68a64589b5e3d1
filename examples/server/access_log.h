/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line a request, without patient data: no ids, no queries, no names, no addresses. The store's
 * own journal has those, sealed.
 */
#ifndef SERVER_ACCESS_LOG_H
#define SERVER_ACCESS_LOG_H

#include <stdbool.h>

#include "server.h"

typedef struct access_log access_log;

/* @a path NULL: standard error. NULL with errno: it cannot be written. */
access_log *access_log_open(const char *path, bool is_quiet);
void access_log_write(access_log *log, const web_exchange *exchange, uint64_t us);
void access_log_close(access_log *log);

/* Names of the types that FHIR has; what is none of them is never repeated in a log or a figure. */
typedef struct type_names type_names;
type_names *type_names_of(fhirstore *store); /* NULL: they cannot be told */
/* The name, borrowed until the names are freed; "" where @a text is none. */
const char *type_name_find(const type_names *names, const char *text, size_t len);
void type_names_free(type_names *names);

#endif
