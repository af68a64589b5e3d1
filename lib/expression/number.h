/* SPDX-License-Identifier: Apache-2.0 */
/* Doubles in and out, the same in every locale. */
#ifndef FHS_EXPRESSION_NUMBER_H
#define FHS_EXPRESSION_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define FHS_EXPRESSION_NUMBER_MAX 32u

/* "Infinity", "-Infinity", "NaN", or a number: sign, digits, point, exponent. False: neither. */
bool fhs_expression_read_double(fhs_str text, double *out);
/* A sign and digits within int64. */
bool fhs_expression_read_integer(fhs_str text, int64_t *out);
/* Whether the lexeme of a number says a double: it has a point or an exponent, or is not finite. */
bool fhs_expression_is_double(fhs_str lexeme);
/* -1, 0, 1 of two lexemes of integers of any length. */
int fhs_expression_compare_integers(fhs_str a, fhs_str b);

/*
 * The fewest digits that say which double it is: plainly from 1e-4 on and below 1e15, else as
 * "1.5E+15" or "1E-05". Returns the length; a NUL follows.
 */
size_t fhs_expression_format_double(double number, char out[FHS_EXPRESSION_NUMBER_MAX]);
/* The same from the lexeme of a number. */
size_t fhs_expression_format_lexeme(fhs_str lexeme, char out[FHS_EXPRESSION_NUMBER_MAX]);

#endif
