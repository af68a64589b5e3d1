/* SPDX-License-Identifier: Apache-2.0 */
/* access show, access explain: what a principal may do, and which rule says so. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const char *const action_names[] = {
    [FHIRSTORE_ACTION_READ] = "read",
    [FHIRSTORE_ACTION_VREAD] = "vread",
    [FHIRSTORE_ACTION_SEARCH] = "search",
    [FHIRSTORE_ACTION_CREATE] = "create",
    [FHIRSTORE_ACTION_UPDATE] = "update",
    [FHIRSTORE_ACTION_DELETE] = "delete",
    [FHIRSTORE_ACTION_HISTORY] = "history",
    [FHIRSTORE_ACTION_CAPABILITIES] = "capabilities",
    [FHIRSTORE_ACTION_TRANSACTION] = "transaction",
    [FHIRSTORE_ACTION_BATCH] = "batch",
    [FHIRSTORE_ACTION_IMPORT] = "import",
    [FHIRSTORE_ACTION_EXPORT] = "export",
    [FHIRSTORE_ACTION_PATCH] = "patch",
    [FHIRSTORE_ACTION_AUDIT] = "audit",
    [FHIRSTORE_ACTION_VALIDATE] = "validate",
    [FHIRSTORE_ACTION_EVERYTHING] = "everything",
    [FHIRSTORE_ACTION_HARD_DELETE] = "hardDelete",
    [FHIRSTORE_ACTION_REINDEX] = "reindex",
    [FHIRSTORE_ACTION_CONVERT] = "convert",
    [FHIRSTORE_ACTION_OPERATION] = "operation",
    [FHIRSTORE_ACTION_SHRED] = "shred",
};

/* 0: there is no such action. */
static int32_t action_called(const char *name)
{
    for (size_t i = 1; i < sizeof action_names / sizeof *action_names; i++) {
        if (strcmp(name, action_names[i]) == 0) {
            return (int32_t)i;
        }
    }
    return 0;
}

static int print_json(fhirstore_status status, fhirstore_buf *json, fhirstore_error *error)
{
    if (status >= FHIRSTORE_OK) {
        (void)cli_write(json->ptr, json->len, true);
    }
    fhirstore_buf_clear(json);
    return status < FHIRSTORE_OK ? cli_fail(error) : EXIT_FINE;
}

static int show(const cli_options *options, const cli_store *opened)
{
    fhirstore_error *error = NULL;
    fhirstore_buf json = {0};
    const char *type = options->type == NULL ? "" : options->type;
    const fhirstore_status status = fhirstore_access_introspect(opened->session, type, strlen(type),
                                                                &json, &error);
    return print_json(status, &json, error);
}

/* "Patient/1", "Patient", or nothing: the store as a whole. */
static int explain(const cli_options *options, const cli_store *opened)
{
    fhirstore_error *error = NULL;
    fhirstore_buf json = {0};
    const char *address = options->argument_count > 2 ? options->arguments[2] : "";
    const char *slash = strchr(address, '/');
    const size_t type_len = slash == NULL ? strlen(address) : (size_t)(slash - address);
    const char *id = slash == NULL ? "" : slash + 1;
    const fhirstore_status status = fhirstore_access_explain(
        opened->session, action_called(options->arguments[1]), address, type_len, id, strlen(id),
        &json, &error);
    return print_json(status, &json, error);
}

int cli_access(const cli_options *options)
{
    const char *verb = options->arguments[0];
    const bool explains = strcmp(verb, "explain") == 0;
    cli_options of_store = *options;
    cli_store opened;
    of_store.arguments++;
    of_store.argument_count--;
    if (!explains && strcmp(verb, "show") != 0) {
        return cli_usage("access knows show and explain, not %s", verb);
    }
    if (explains ? of_store.argument_count < 2 : of_store.argument_count != 1) {
        return cli_usage(explains ? "access explain takes STORE ACTION [Type[/id]]"
                                  : "access show takes STORE");
    }
    if (explains && action_called(of_store.arguments[1]) == 0) {
        return cli_usage("there is no action %s", of_store.arguments[1]);
    }
    if (!cli_open(&of_store, 0, &opened)) {
        return EXIT_FAILED;
    }
    int status = explains ? explain(&of_store, &opened) : show(&of_store, &opened);
    cli_close(&opened);
    return cli_finish(status);
}
