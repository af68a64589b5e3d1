/* SPDX-License-Identifier: Apache-2.0 */
/* From the public handle to what is below it; apart, for the two headers name things alike. */
#include "api/handle.h"
#include "interact/core.h"
#include "script.h"

struct fhs_storage *script_storage_of(const fhirstore *store)
{
    return store->core->storage;
}
