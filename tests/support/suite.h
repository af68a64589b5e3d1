/* SPDX-License-Identifier: Apache-2.0 */
/* What each Check program shares: assertions over fhs_str and the main that runs one suite. */
#ifndef FHS_TEST_SUITE_H
#define FHS_TEST_SUITE_H

#include <check.h>
#include <stdlib.h>

#include "base/str.h"

#define ck_assert_view_eq(got, want)                                                               \
    do {                                                                                           \
        fhs_str got_ = (got);                                                                      \
        fhs_str want_ = (want);                                                                    \
        ck_assert_msg(fhs_str_eq(got_, want_), "got \"%.*s\", wanted \"%.*s\"",                    \
                      FHS_STR_ARG(got_), FHS_STR_ARG(want_));                                      \
    } while (0)

/* Run @a suite and turn its outcome into the program's exit status. */
static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
