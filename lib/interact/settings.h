/* SPDX-License-Identifier: Apache-2.0 */
/* Options that the store keeps: those of creation for ever, the others until another one comes. */
#ifndef FHS_INTERACT_SETTINGS_H
#define FHS_INTERACT_SETTINGS_H

#include "interact/core.h"

/*
 * Take base URL, zone and types without history from the store; one that is new keeps those of
 * @a options. ERR_INVALID_ARG: an option is set and says something else, or names no type. Only the
 * list of types may change: what is set is in force from now on.
 */
fhirstore_status fhs_core_open_settings(fhs_core *core, const fhs_core_options *options,
                                        fhirstore_error **err);

#endif
