/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzz target uses to say what must hold. */
#ifndef FHS_FUZZ_LAW_H
#define FHS_FUZZ_LAW_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Stop at once, for the fuzzer to see, unless @a law holds. */
#define FUZZ_LAW(law)                                                                   \
    do {                                                                                \
        if (!(law)) {                                                                   \
            (void)fprintf(stderr, "%s:%d: broken law: %s\n", __FILE__, __LINE__, #law); \
            abort();                                                                    \
        }                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
