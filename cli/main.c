/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const cli_command commands[] = {
    {"init", "init STORE [--fhir R4|R4B|R5]", 1, 1, cli_init},
    {"import", "import STORE PATH…", 2, 0, cli_import},
    {"export", "export STORE DIR [--type T,…] [--since INSTANT]", 2, 2, cli_export},
    {"get", "get STORE Type/id[/_history/version]", 2, 2, cli_get},
    {"search", "search STORE 'Type?parameters' [--ids|--count|--ndjson|--explain]", 2, 2,
     cli_search},
    {"request", "request STORE METHOD URL [-H 'Name: value'] [--body FILE]", 3, 3, cli_request},
    {"batch", "batch STORE < requests.ndjson", 1, 1, cli_batch},
    {"index", "index [--fhir V] FILE…", 1, 0, cli_index},
    {"fhirpath", "fhirpath [--fhir V] EXPRESSION FILE", 2, 2, cli_fhirpath},
    {"stats", "stats STORE", 1, 1, cli_stats},
    {"verify", "verify STORE", 1, 1, cli_verify},
    {"reindex", "reindex STORE", 1, 1, cli_reindex},
    {"key", "key list STORE", 2, 2, cli_key},
};

static const char option_help[] =
    "  --key-file F         the key: 32 raw bytes or 64 hex digits\n"
    "  --passphrase-file F  the passphrase: the file's content without its last newline\n"
    "  --plaintext          a store that is not encrypted (for tests)\n"
    "  --multi-process      other processes may open the store too\n"
    "  --base-url URL       references below it equal relative ones\n"
    "  --validation MODE    on (default), lenient, off\n"
    "  --cache MIB          page cache of a connection (default 16)\n"
    "  --per-commit N       resources a transaction of an import (default 1000)\n"
    "  --json               machine-readable output\n"
    "  --progress           show progress also where stderr is no terminal\n"
    "  --time               tell on stderr how long a search took\n";

static void print_help(FILE *out)
{
    (void)fprintf(out, "fhirstore %s: FHIR resources in one encrypted file\n\n",
                  fhirstore_version());
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        (void)fprintf(out, "  fhirstore %s\n", commands[i].synopsis);
    }
    (void)fprintf(
        out, "\n%s\nExit status: 0 done, 1 failed (an OperationOutcome is on stderr), 2 usage\n",
        option_help);
}

enum option_id {
    OPT_KEY_FILE = 1000,
    OPT_PASSPHRASE_FILE,
    OPT_FHIR,
    OPT_BASE_URL,
    OPT_VALIDATION,
    OPT_BODY,
    OPT_TYPE,
    OPT_SINCE,
    OPT_CACHE,
    OPT_PER_COMMIT,
    OPT_PLAINTEXT,
    OPT_MULTI_PROCESS,
    OPT_JSON,
    OPT_PROGRESS,
    OPT_TIME,
    OPT_IDS,
    OPT_COUNT,
    OPT_NDJSON,
    OPT_EXPLAIN,
};

static const struct option long_options[] = {
    {"key-file", required_argument, NULL, OPT_KEY_FILE},
    {"passphrase-file", required_argument, NULL, OPT_PASSPHRASE_FILE},
    {"fhir", required_argument, NULL, OPT_FHIR},
    {"base-url", required_argument, NULL, OPT_BASE_URL},
    {"validation", required_argument, NULL, OPT_VALIDATION},
    {"body", required_argument, NULL, OPT_BODY},
    {"type", required_argument, NULL, OPT_TYPE},
    {"since", required_argument, NULL, OPT_SINCE},
    {"cache", required_argument, NULL, OPT_CACHE},
    {"per-commit", required_argument, NULL, OPT_PER_COMMIT},
    {"plaintext", no_argument, NULL, OPT_PLAINTEXT},
    {"multi-process", no_argument, NULL, OPT_MULTI_PROCESS},
    {"json", no_argument, NULL, OPT_JSON},
    {"progress", no_argument, NULL, OPT_PROGRESS},
    {"time", no_argument, NULL, OPT_TIME},
    {"ids", no_argument, NULL, OPT_IDS},
    {"count", no_argument, NULL, OPT_COUNT},
    {"ndjson", no_argument, NULL, OPT_NDJSON},
    {"explain", no_argument, NULL, OPT_EXPLAIN},
    {"header", required_argument, NULL, 'H'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value == 0 || value > max) {
        return false;
    }
    *out = value;
    return true;
}

static bool add_header(cli_options *options, const char *text)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon == text || options->header_count == MAX_HEADERS) {
        return false;
    }
    const char *value = colon + 1;
    while (*value == ' ') {
        value++;
    }
    options->headers[options->header_count++] = (fhirstore_header){text, (size_t)(colon - text),
                                                                   value, strlen(value)};
    return true;
}

/* Options with a value. False: the value is no good. */
static bool take_value(cli_options *options, int id, const char *value)
{
    uint64_t number;
    switch (id) {
    case OPT_KEY_FILE:
        options->key_file = value;
        return true;
    case OPT_PASSPHRASE_FILE:
        options->passphrase_file = value;
        return true;
    case OPT_FHIR:
        options->fhir = value;
        return cli_fhir_version(value) > 0;
    case OPT_BASE_URL:
        options->base_url = value;
        return true;
    case OPT_VALIDATION:
        options->validation = value;
        return strcmp(value, "on") == 0 || strcmp(value, "lenient") == 0 ||
               strcmp(value, "off") == 0;
    case OPT_BODY:
        options->body_file = value;
        return true;
    case OPT_TYPE:
        options->type = value;
        return true;
    case OPT_SINCE:
        options->since = value;
        return true;
    case OPT_CACHE:
        return parse_number(value, 1 << 20, &options->cache_mib);
    case OPT_PER_COMMIT:
        if (!parse_number(value, 1 << 20, &number)) {
            return false;
        }
        options->per_commit = (uint32_t)number;
        return true;
    case 'H':
        return add_header(options, value);
    default:
        return false;
    }
}

static bool take_flag(cli_options *options, int id)
{
    const struct {
        int id;
        bool *flag;
    } flags[] = {
        {OPT_PLAINTEXT, &options->plaintext}, {OPT_MULTI_PROCESS, &options->multi_process},
        {OPT_JSON, &options->json},           {OPT_PROGRESS, &options->progress},
        {OPT_TIME, &options->time},           {OPT_IDS, &options->ids},
        {OPT_COUNT, &options->count},         {OPT_NDJSON, &options->ndjson},
        {OPT_EXPLAIN, &options->explain},
    };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (flags[i].id == id) {
            *flags[i].flag = true;
            return true;
        }
    }
    return false;
}

/* EXIT_FINE to go on, EXIT_USAGE, or -1: help or version was printed. */
static int parse_options(int argc, char **argv, cli_options *options)
{
    int id;
    while ((id = getopt_long(argc, argv, "H:hV", long_options, NULL)) != -1) {
        if (id == 'h') {
            print_help(stdout);
            return -1;
        }
        if (id == 'V') {
            (void)printf("fhirstore %s\n", fhirstore_version());
            return -1;
        }
        if (id == '?') {
            return cli_usage("see fhirstore --help");
        }
        if (!take_flag(options, id) && !take_value(options, id, optarg)) {
            return cli_usage("the value \"%s\" does not fit its option", optarg);
        }
    }
    options->arguments = argv + optind;
    options->argument_count = argc - optind;
    return EXIT_FINE;
}

static const cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    cli_options options = {0};
    int parsed = parse_options(argc, argv, &options);
    if (parsed != EXIT_FINE) {
        return parsed < 0 ? EXIT_FINE : parsed;
    }
    if (options.argument_count == 0) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    const cli_command *command = find_command(options.arguments[0]);
    if (command == NULL) {
        return cli_usage("unknown subcommand \"%s\"; see fhirstore --help", options.arguments[0]);
    }
    options.arguments++;
    options.argument_count--;
    if (options.argument_count < command->min_arguments ||
        (command->max_arguments > 0 && options.argument_count > command->max_arguments)) {
        return cli_usage("fhirstore %s", command->synopsis);
    }
    return cli_finish(command->run(&options));
}
