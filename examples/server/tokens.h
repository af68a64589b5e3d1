/* SPDX-License-Identifier: Apache-2.0 */
/* Bearer tokens: a JWT becomes the principal's document that a session takes (docs/access.md). */
#ifndef SERVER_TOKENS_H
#define SERVER_TOKENS_H

#include <jansson.h>

#include "config.h"

typedef struct web_tokens web_tokens;

/* Why a token is refused; texts for WWW-Authenticate and the outcome. */
typedef struct token_fault {
    const char *code; /* an issue type */
    const char *text; /* without anything of the token */
} token_fault;

/* NULL: what is wrong has been said on standard error. */
web_tokens *tokens_open(const web_config *config);
void tokens_close(web_tokens *tokens);

/* The discovery document; NULL without one. Borrowed. */
const json_t *tokens_discovery(const web_tokens *tokens);

/*
 * The principal's document of @a token as JSON, to be freed by the caller; NULL: refused, and
 * *fault_out says why. Any thread.
 */
char *tokens_principal(web_tokens *tokens, const char *token, token_fault *fault_out);

#endif
