/* SPDX-License-Identifier: Apache-2.0 */
/* The test program itself, to be executed once more. */
#ifndef TESTS_SUPPORT_SELF_H
#define TESTS_SUPPORT_SELF_H

#include <stdlib.h>

/* An emulated program is started by a script, which names itself here (tools/cross/wrap). */
static inline const char *self_path(void)
{
    const char *script = getenv("FHS_SELF");
    return script == NULL ? "/proc/self/exe" : script;
}

/* How many times longer things take than on a processor, about. */
static inline int self_slowness(void)
{
    return getenv("FHS_SELF") == NULL ? 1 : 20;
}

#endif
