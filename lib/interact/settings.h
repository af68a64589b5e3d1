/* SPDX-License-Identifier: Apache-2.0 */
/* Options of creation: in force as long as the store exists. */
#ifndef FHS_INTERACT_SETTINGS_H
#define FHS_INTERACT_SETTINGS_H

#include "interact/core.h"

/*
 * Take base URL and zone from the store; one that is new keeps those of @a options.
 * ERR_INVALID_ARG: an option is set and says something else.
 */
fhirstore_status fhs_core_open_settings(fhs_core *core, const fhs_core_options *options,
                                        fhirstore_error **err);

#endif
