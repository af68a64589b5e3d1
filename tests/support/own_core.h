/* SPDX-License-Identifier: Apache-2.0 */
/* A plain store in a folder of its own with one session, below the public interface. Included once.
 */
#ifndef FHS_TEST_OWN_CORE_H
#define FHS_TEST_OWN_CORE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "interact/core.h"
#include "suite.h"

static char core_folder[64];
static char core_path[96];
static fhs_core *core;
static fhs_session *session;

/* What the caller does not set: a new R4 store in the file core_path. */
static fhs_core_options new_core_options(void)
{
    (void)snprintf(core_folder, sizeof core_folder, "/tmp/fhs-core-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(core_folder));
    (void)snprintf(core_path, sizeof core_path, "%s/store", core_folder);
    return (fhs_core_options){.storage = {.path = fhs_str_from_cstr(core_path),
                                          .create = true,
                                          .plaintext = true,
                                          .sync_normal = true,
                                          .busy_timeout_ms = -1,
                                          .new_fhir_version = FHS_FHIR_R4},
                              .base_url = FHS_LIT("http://here/fhir")};
}

static void open_core(const fhs_core_options *options)
{
    const fhs_session_options who = {.principal = FHS_LIT("tester"), .allow_everything = true};
    ck_assert_int_eq(fhs_core_open(options, &core, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_session_new(core, &who, &session, NULL), FHIRSTORE_OK);
}

static void close_core(void)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    fhs_session_drop(session);
    fhs_core_close(core);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[128];
        (void)snprintf(name, sizeof name, "%s%s", core_path, endings[i]);
        (void)unlink(name);
    }
    (void)rmdir(core_folder);
}

#endif
