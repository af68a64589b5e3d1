/* SPDX-License-Identifier: Apache-2.0 */
/* bench_generate RESOURCES [SEED]: patients that do not exist, as NDJSON on standard output. */
#include <stdio.h>
#include <stdlib.h>

#include "generate.h"

int main(int argc, char **argv)
{
    char *end = NULL;
    long long resources = argc >= 2 ? strtoll(argv[1], &end, 10) : 0;
    if (argc < 2 || argc > 3 || resources <= 0 || *end != '\0') {
        (void)fprintf(stderr, "usage: bench_generate RESOURCES [SEED]\n");
        return 2;
    }
    generator *g = gen_new(argc == 3 ? strtoull(argv[2], NULL, 10) : 1, resources);
    gen_text text = {NULL, 0, 0};
    int status = g == NULL ? 1 : 0;
    while (status == 0 && gen_next(g, &text) > 0) {
        status = fwrite(text.ptr, 1, text.len, stdout) == text.len ? 0 : 1;
    }
    if (status != 0 || fflush(stdout) != 0) {
        (void)fprintf(stderr, "bench_generate: cannot write\n");
        status = 1;
    }
    gen_text_free(&text);
    gen_free(g);
    return status;
}
