/* SPDX-License-Identifier: Apache-2.0 */
/* The host's callbacks in force, shared by the calls that began while they were. */
#ifndef FHS_INTERACT_HOOKS_H
#define FHS_INTERACT_HOOKS_H

#include "interact/core.h"

/* The callbacks in force now, or NULL when there are none; give back with fhs_hooks_give(). */
fhs_hooks *fhs_hooks_take(fhs_core *core);
void fhs_hooks_give(fhs_core *core, fhs_hooks *hooks);
/* NULL hooks answer NULL. */
const fhirstore_authorizer *fhs_hooks_authorizer(const fhs_hooks *hooks);
/* Another number for each authorizer that was ever in force. */
uint64_t fhs_hooks_generation(const fhs_hooks *hooks);
const fhirstore_audit_hook *fhs_hooks_audit(const fhs_hooks *hooks);
/* Drop the store's own hold on them, at close. */
void fhs_hooks_drop(fhs_core *core);

#endif
