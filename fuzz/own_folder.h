/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of the run's own, below TMPDIR or /tmp, that goes at its end when it is empty by then. */
#ifndef FHS_FUZZ_OWN_FOLDER_H
#define FHS_FUZZ_OWN_FOLDER_H

#include <stdlib.h>
#include <unistd.h>

#include "law.h"

static char folder[4096];

static void remove_folder(void)
{
    (void)rmdir(folder);
}

/* Make it, before anything that is to be cleaned up inside it asks for that at exit. */
static void make_folder(void)
{
    const char *below = getenv("TMPDIR");
    const int length = snprintf(folder, sizeof folder, "%s/fhs-fuzz-XXXXXX",
                                below == NULL || below[0] == '\0' ? "/tmp" : below);
    FUZZ_LAW(length > 0 && (size_t)length < sizeof folder - 64);
    FUZZ_LAW(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
}

#endif
