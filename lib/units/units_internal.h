/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#ifndef FHS_UNITS_UNITS_INTERNAL_H
#define FHS_UNITS_UNITS_INTERNAL_H

#include "units/units.h"

/* The greatest power of one component, and of each dimension of the whole. */
#define FHS_UNIT_POWER_MAX 99

/* The unit 1. */
void fhs_unit_set_one(fhs_unit *out);
/* Find @a symbol, with or without prefix. False: there is no such unit. */
bool fhs_unit_find_atom(fhs_str symbol, fhs_unit *out, bool *is_special);
/* What is added to a value of the linear unit before its factor applies. */
fhs_decimal fhs_unit_offset(const fhs_unit *unit);
/* The code of an arbitrary unit. */
fhs_str fhs_unit_arbitrary_code(uint8_t number);
/* unit × factor^power; both without offset. False: out of room. */
bool fhs_unit_apply(fhs_unit *unit, const fhs_unit *factor, int power);
/* Shorten the factor where that is easy: mmol/mol is 10^-3, not Avogadro by Avogadro. */
void fhs_unit_cancel(fhs_unit *unit);

#endif
