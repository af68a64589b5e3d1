/* SPDX-License-Identifier: Apache-2.0 */
/* audit list, verify, anchor, retain: the store's journal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fhirstore/journal.h"

#define PAGE 1000

static int list_records(const cli_store *opened)
{
    fhirstore_error *error = NULL;
    fhirstore_buf page = {0};
    int64_t from = 1;
    fhirstore_status status = FHIRSTORE_OK;
    while (status >= FHIRSTORE_OK && from > 0) {
        status = fhirstore_journal_read(opened->session, from, PAGE, &page, &from, &error);
        if (status >= FHIRSTORE_OK && !cli_write(page.ptr, page.len, false)) {
            break;
        }
    }
    fhirstore_buf_clear(&page);
    return status < FHIRSTORE_OK ? cli_fail(error) : EXIT_FINE;
}

static int print_anchor(const cli_store *opened)
{
    fhirstore_error *error = NULL;
    fhirstore_buf anchor = {0};
    fhirstore_status status = fhirstore_journal_anchor(opened->session, &anchor, &error);
    if (status >= FHIRSTORE_OK) {
        (void)cli_write(anchor.ptr, anchor.len, true);
    }
    fhirstore_buf_clear(&anchor);
    return status < FHIRSTORE_OK ? cli_fail(error) : EXIT_FINE;
}

static int verify_journal(const cli_options *options, const cli_store *opened)
{
    fhirstore_error *error = NULL;
    fhirstore_buf report = {0};
    size_t len = 0;
    char *anchor = NULL;
    if (options->anchor != NULL && (anchor = cli_read_file(options->anchor, &len)) == NULL) {
        return EXIT_FAILED;
    }
    fhirstore_status status = fhirstore_journal_verify(opened->session, anchor, len, &report,
                                                       &error);
    free(anchor);
    if (report.len > 0) {
        (void)cli_write(report.ptr, report.len, true);
    }
    fhirstore_buf_clear(&report);
    return status < FHIRSTORE_OK ? cli_fail(error) : EXIT_FINE;
}

static int retain_records(const cli_options *options, const cli_store *opened)
{
    fhirstore_error *error = NULL;
    int64_t before_us = 0;
    (void)cli_instant(options->before, &before_us);
    return fhirstore_journal_retain(opened->session, before_us, &error) < FHIRSTORE_OK
               ? cli_fail(error)
               : EXIT_FINE;
}

static int check_verb(const cli_options *options, const char *verb)
{
    int64_t before_us;
    const bool retains = strcmp(verb, "retain") == 0;
    if (retains && options->before == NULL) {
        return cli_usage("audit retain takes --before INSTANT: older records go");
    }
    if (!retains && options->before != NULL) {
        return cli_usage("--before goes with audit retain");
    }
    if (retains && !cli_instant(options->before, &before_us)) {
        return cli_usage("--before takes a date or an instant (2024-01-31T12:00:00Z), not \"%s\"",
                         options->before);
    }
    return EXIT_FINE;
}

int cli_audit(const cli_options *options)
{
    static const char *const verbs[] = {"list", "verify", "anchor", "retain"};
    const char *verb = options->arguments[0];
    cli_options of_store = *options;
    cli_store opened;
    size_t index = 0;
    while (index < sizeof verbs / sizeof *verbs && strcmp(verb, verbs[index]) != 0) {
        index++;
    }
    if (index == sizeof verbs / sizeof *verbs) {
        return cli_usage("audit knows list, verify, anchor and retain, not %s", verb);
    }
    if (check_verb(options, verb) != EXIT_FINE) {
        return EXIT_USAGE;
    }
    of_store.arguments++;
    of_store.argument_count--;
    if (!cli_open(&of_store, 0, &opened)) {
        return EXIT_FAILED;
    }
    int status = index == 0   ? list_records(&opened)
                 : index == 1 ? verify_journal(options, &opened)
                 : index == 2 ? print_anchor(&opened)
                              : retain_records(options, &opened);
    cli_close(&opened);
    return cli_finish(status);
}
