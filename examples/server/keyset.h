/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public keys that sign tokens, from a file or by way of a discovery document (OpenID Connect's
 * or SMART's), read again when a token names a key that is not among them.
 */
#ifndef SERVER_KEYSET_H
#define SERVER_KEYSET_H

#include <jansson.h>
#include <rhonabwy.h>
#include <stdbool.h>

#include "config.h"

typedef struct keyset keyset;

/* NULL: what is wrong has been said on standard error. */
keyset *keyset_open(const web_config *config);
void keyset_close(keyset *keys);

/* The discovery document; NULL without one. Borrowed. */
const json_t *keyset_discovery(const keyset *keys);
/* Whom tokens must be from; NULL: nobody said. Borrowed. */
const char *keyset_issuer(const keyset *keys);

/*
 * The key that a token names, or the only one that fits if it names none. Freed by the caller.
 * One thread at a time.
 */
jwk_t *keyset_find(keyset *keys, const char *kid, jwa_alg alg);

#endif
