/* SPDX-License-Identifier: Apache-2.0 */
/* reindex: what new search parameters have not reached yet. Ended at any time, it goes on there. */
#include <stdio.h>
#include <unistd.h>

#include "cli.h"
#include "fhirstore/maintain.h"

#define PROGRESS_AFTER 1.0
#define PROGRESS_EVERY 0.2

typedef struct reindex_run {
    bool shows_progress;
    bool shown;
    double begun;
    double told;
    int64_t done;
} reindex_run;

static fhirstore_status show_reindexed(void *ctx, int64_t done, int64_t total)
{
    reindex_run *run = ctx;
    double now = cli_seconds();
    run->done = done;
    if (run->shows_progress && now - run->begun >= PROGRESS_AFTER &&
        now - run->told >= PROGRESS_EVERY) {
        run->told = now;
        run->shown = true;
        (void)fprintf(stderr, "\r%lld of %lld resources (%d %%)", (long long)done, (long long)total,
                      total == 0 ? 100 : (int)(done * 100 / total));
        (void)fflush(stderr);
    }
    return FHIRSTORE_OK;
}

int cli_reindex(const cli_options *options)
{
    cli_store opened;
    fhirstore_error *error = NULL;
    fhirstore_maintain_options how = FHIRSTORE_MAINTAIN_OPTIONS_INIT;
    reindex_run run = {.shows_progress = options->progress || isatty(STDERR_FILENO) != 0,
                       .begun = cli_seconds()};
    how.progress = show_reindexed;
    how.ctx = &run;
    how.per_commit = options->per_commit;
    if (!cli_open(options, 0, &opened)) {
        return EXIT_FAILED;
    }
    fhirstore_status status = fhirstore_maintain(opened.store, &how, &error);
    double taken = cli_seconds() - run.begun;
    cli_close(&opened);
    if (run.shown) {
        (void)fputc('\n', stderr);
    }
    if (status < FHIRSTORE_OK) {
        return cli_fail(error);
    }
    if (options->json) {
        (void)printf("{\"resources\":%lld}\n", (long long)run.done);
    } else {
        (void)printf("%lld resource%s walked, every search parameter is ready (%.2f s)\n",
                     (long long)run.done, cli_plural(run.done), taken);
    }
    return cli_finish(EXIT_FINE);
}
