/* SPDX-License-Identifier: Apache-2.0 */
/* FHIRPath text as tokens; only the parser uses it. */
#ifndef FHS_FHIRPATH_LEXER_H
#define FHS_FHIRPATH_LEXER_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

typedef enum fhs_fp_token_kind {
    FHS_TOKEN_END,
    FHS_TOKEN_NAME,      /* plain identifier, keywords included */
    FHS_TOKEN_DELIMITED, /* `identifier` */
    FHS_TOKEN_STRING,
    FHS_TOKEN_INTEGER,
    FHS_TOKEN_LONG,
    FHS_TOKEN_DECIMAL,
    FHS_TOKEN_DATE,
    FHS_TOKEN_DATETIME,
    FHS_TOKEN_TIME,
    FHS_TOKEN_SPECIAL, /* $this and its kin; text without the $ */
    FHS_TOKEN_SYMBOL,  /* text: the symbol */
} fhs_fp_token_kind;

typedef struct fhs_fp_token {
    fhs_fp_token_kind kind;
    uint32_t begin;
    uint32_t end;
    fhs_str text; /* decoded */
} fhs_fp_token;

typedef struct fhs_fp_lexer {
    fhs_arena *arena;
    fhs_str text;
    size_t at;
    fhs_fp_token token; /* the current one */
    uint32_t last_end;  /* where the token before it ended */
} fhs_fp_lexer;

/* Move to the next token. */
fhirstore_status fhs_fp_next(fhs_fp_lexer *lexer, fhirstore_error **err);
/* ERR_FHIRPATH_SYNTAX at @a offset: "expected …". */
fhirstore_status fhs_fp_syntax_error(const fhs_fp_lexer *lexer, size_t offset, const char *expected,
                                     fhirstore_error **err);

#endif
