/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* One bit an option, in the order of the names below. */
enum option_id {
    OPT_KEY_FILE,
    OPT_PASSPHRASE_FILE,
    OPT_FHIR,
    OPT_BASE_URL,
    OPT_NO_HISTORY,
    OPT_VALIDATION,
    OPT_INTEGRITY,
    OPT_BODY,
    OPT_TYPE,
    OPT_SINCE,
    OPT_ANCHOR,
    OPT_REPAIR,
    OPT_AS,
    OPT_POLICY,
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
    OPT_JSONPATH,
    OPT_JMESPATH,
    OPT_MESSAGES,
    OPT_IDENTITY,
    OPT_DEVICE_SYSTEM,
    OPT_PATIENT,
    OPT_CODE,
    OPT_FROM,
    OPT_TO,
    OPT_STRICT,
    OPT_CSV,
    OPT_HEADER,
    OPT_RECIPIENT_KEY_FILE,
    OPT_NEW_KEY_FILE,
    OPT_NEW_PASSPHRASE_FILE,
    OPT_RECIPIENT,
    OPT_LABEL,
    OPT_SLOT,
    OPT_KDF_MS,
    OPT_JOURNAL,
    OPT_AUDIT,
    OPT_BEFORE,
    OPT_PATIENT_KEYS,
    OPT_WITHOUT_PATIENT_KEYS,
    OPT_LATER,
    OPTION_COUNT
};

#define BIT(id) (UINT64_C(1) << (id))
/* What opening a store takes. */
#define OF_STORE                                                                    \
    (BIT(OPT_KEY_FILE) | BIT(OPT_PASSPHRASE_FILE) | BIT(OPT_RECIPIENT_KEY_FILE) |   \
     BIT(OPT_PLAINTEXT) | BIT(OPT_FHIR) | BIT(OPT_BASE_URL) | BIT(OPT_NO_HISTORY) | \
     BIT(OPT_CACHE) | BIT(OPT_MULTI_PROCESS) | BIT(OPT_JOURNAL) | BIT(OPT_AUDIT))
/* What a new key slot takes. */
#define OF_NEW_KEY                                                                                \
    (BIT(OPT_NEW_KEY_FILE) | BIT(OPT_NEW_PASSPHRASE_FILE) | BIT(OPT_RECIPIENT) | BIT(OPT_LABEL) | \
     BIT(OPT_KDF_MS))
/* Who asks, where somebody asks for resources. */
#define OF_PRINCIPAL (BIT(OPT_AS) | BIT(OPT_POLICY))
#define OF_SEARCH                                                                         \
    (BIT(OPT_IDS) | BIT(OPT_COUNT) | BIT(OPT_NDJSON) | BIT(OPT_EXPLAIN) | BIT(OPT_TIME) | \
     BIT(OPT_JSON))
#define OF_IOT                                                                                 \
    (BIT(OPT_JSONPATH) | BIT(OPT_JMESPATH) | BIT(OPT_MESSAGES) | BIT(OPT_IDENTITY) |           \
     BIT(OPT_DEVICE_SYSTEM) | BIT(OPT_PATIENT) | BIT(OPT_CODE) | BIT(OPT_FROM) | BIT(OPT_TO) | \
     BIT(OPT_STRICT) | BIT(OPT_CSV))
#define OF_LONG_RUN (BIT(OPT_PER_COMMIT) | BIT(OPT_PROGRESS) | BIT(OPT_JSON))

static const cli_command commands[] = {
    {"init", "init STORE [--fhir R4|R4B|R5] [--patient-keys]", 1, 1,
     OF_STORE | BIT(OPT_PATIENT_KEYS) | BIT(OPT_JSON), cli_init},
    {"import", "import STORE PATH…", 2, 0,
     OF_STORE | OF_PRINCIPAL | OF_LONG_RUN | BIT(OPT_VALIDATION), cli_import},
    {"export", "export STORE DIR [--type T,…] [--since INSTANT]", 2, 2,
     OF_STORE | OF_PRINCIPAL | BIT(OPT_TYPE) | BIT(OPT_SINCE) | BIT(OPT_JSON), cli_export},
    {"get", "get STORE Type/id[/_history/version]", 2, 2, OF_STORE | OF_PRINCIPAL | BIT(OPT_JSON),
     cli_get},
    {"search", "search STORE 'Type?parameters' [--ids|--count|--ndjson|--explain]", 2, 2,
     OF_STORE | OF_PRINCIPAL | OF_SEARCH, cli_search},
    {"request", "request STORE METHOD URL [-H 'Name: value'] [--body FILE]", 3, 3,
     OF_STORE | OF_PRINCIPAL | BIT(OPT_VALIDATION) | BIT(OPT_INTEGRITY) | BIT(OPT_BODY) |
         BIT(OPT_HEADER),
     cli_request},
    {"batch", "batch STORE < requests.ndjson", 1, 1,
     OF_STORE | OF_PRINCIPAL | BIT(OPT_VALIDATION) | BIT(OPT_INTEGRITY), cli_batch},
    {"index", "index [--fhir V] FILE…", 1, 0, BIT(OPT_FHIR) | BIT(OPT_BASE_URL), cli_index},
    {"fhirpath", "fhirpath [--fhir V] EXPRESSION FILE", 2, 2, BIT(OPT_FHIR), cli_fhirpath},
    {"stats", "stats STORE", 1, 1, OF_STORE | BIT(OPT_JSON), cli_stats},
    {"verify", "verify STORE [--anchor FILE] [--repair]", 1, 1,
     OF_STORE | OF_PRINCIPAL | BIT(OPT_ANCHOR) | BIT(OPT_REPAIR) | BIT(OPT_JSON), cli_verify},
    {"anchor", "anchor STORE", 1, 1, OF_STORE, cli_anchor},
    {"reindex", "reindex STORE", 1, 1, OF_STORE | OF_LONG_RUN, cli_reindex},
    {"access", "access show STORE [--type T] | access explain STORE ACTION [Type[/id]]", 2, 4,
     OF_STORE | OF_PRINCIPAL | BIT(OPT_TYPE) | BIT(OPT_JSON), cli_access},
    {"audit", "audit list|verify|anchor|retain STORE [--anchor FILE] [--before INSTANT]", 2, 2,
     OF_STORE | OF_PRINCIPAL | BIT(OPT_ANCHOR) | BIT(OPT_BEFORE) | BIT(OPT_JSON), cli_audit},
    {"backup", "backup STORE DEST [--new-key-file F|--new-passphrase-file F|--recipient P]", 2, 2,
     OF_STORE | OF_NEW_KEY | BIT(OPT_WITHOUT_PATIENT_KEYS) | BIT(OPT_PROGRESS) | BIT(OPT_JSON),
     cli_backup},
    {"encrypt", "encrypt STORE --new-key-file F|--new-passphrase-file F|--recipient P", 1, 1,
     OF_STORE | OF_NEW_KEY | BIT(OPT_PROGRESS) | BIT(OPT_JSON), cli_encrypt},
    {"decrypt", "decrypt STORE", 1, 1, OF_STORE | BIT(OPT_PROGRESS) | BIT(OPT_JSON), cli_decrypt},
    {"compact", "compact STORE", 1, 1, OF_STORE | BIT(OPT_JSON), cli_compact},
    {"shred", "shred STORE Patient/id… [--later]", 2, 0,
     OF_STORE | OF_PRINCIPAL | BIT(OPT_LATER) | BIT(OPT_JSON), cli_shred},
#ifdef CLI_HAS_IOT
    {"iot", "iot check|normalise|ingest|samples|eval …", 2, 0,
     OF_STORE | OF_PRINCIPAL | OF_IOT | BIT(OPT_PER_COMMIT) | BIT(OPT_JSON) | BIT(OPT_VALIDATION) |
         BIT(OPT_INTEGRITY),
     cli_iot},
#endif
    {"key",
     "key list|add|remove|rotate|renew STORE [--slot N] [--new-key-file F|--new-passphrase-file F|"
     "--recipient P]",
     1, 2, OF_STORE | OF_NEW_KEY | BIT(OPT_SLOT) | BIT(OPT_JSON), cli_key},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])
/* getopt's numbers stay clear of its own '?' and of the short options. */
#define FIRST_ID 1000

static const struct option long_options[] = {
    {"key-file", required_argument, NULL, FIRST_ID + OPT_KEY_FILE},
    {"passphrase-file", required_argument, NULL, FIRST_ID + OPT_PASSPHRASE_FILE},
    {"fhir", required_argument, NULL, FIRST_ID + OPT_FHIR},
    {"base-url", required_argument, NULL, FIRST_ID + OPT_BASE_URL},
    {"no-history", required_argument, NULL, FIRST_ID + OPT_NO_HISTORY},
    {"validation", required_argument, NULL, FIRST_ID + OPT_VALIDATION},
    {"integrity", required_argument, NULL, FIRST_ID + OPT_INTEGRITY},
    {"body", required_argument, NULL, FIRST_ID + OPT_BODY},
    {"type", required_argument, NULL, FIRST_ID + OPT_TYPE},
    {"since", required_argument, NULL, FIRST_ID + OPT_SINCE},
    {"anchor", required_argument, NULL, FIRST_ID + OPT_ANCHOR},
    {"repair", no_argument, NULL, FIRST_ID + OPT_REPAIR},
    {"as", required_argument, NULL, FIRST_ID + OPT_AS},
    {"policy", required_argument, NULL, FIRST_ID + OPT_POLICY},
    {"cache", required_argument, NULL, FIRST_ID + OPT_CACHE},
    {"per-commit", required_argument, NULL, FIRST_ID + OPT_PER_COMMIT},
    {"plaintext", no_argument, NULL, FIRST_ID + OPT_PLAINTEXT},
    {"multi-process", no_argument, NULL, FIRST_ID + OPT_MULTI_PROCESS},
    {"json", no_argument, NULL, FIRST_ID + OPT_JSON},
    {"progress", no_argument, NULL, FIRST_ID + OPT_PROGRESS},
    {"time", no_argument, NULL, FIRST_ID + OPT_TIME},
    {"ids", no_argument, NULL, FIRST_ID + OPT_IDS},
    {"count", no_argument, NULL, FIRST_ID + OPT_COUNT},
    {"ndjson", no_argument, NULL, FIRST_ID + OPT_NDJSON},
    {"explain", no_argument, NULL, FIRST_ID + OPT_EXPLAIN},
    {"jsonpath", required_argument, NULL, FIRST_ID + OPT_JSONPATH},
    {"jmespath", required_argument, NULL, FIRST_ID + OPT_JMESPATH},
    {"messages", required_argument, NULL, FIRST_ID + OPT_MESSAGES},
    {"identity", required_argument, NULL, FIRST_ID + OPT_IDENTITY},
    {"device-system", required_argument, NULL, FIRST_ID + OPT_DEVICE_SYSTEM},
    {"patient", required_argument, NULL, FIRST_ID + OPT_PATIENT},
    {"code", required_argument, NULL, FIRST_ID + OPT_CODE},
    {"from", required_argument, NULL, FIRST_ID + OPT_FROM},
    {"to", required_argument, NULL, FIRST_ID + OPT_TO},
    {"strict", no_argument, NULL, FIRST_ID + OPT_STRICT},
    {"csv", no_argument, NULL, FIRST_ID + OPT_CSV},
    {"header", required_argument, NULL, FIRST_ID + OPT_HEADER},
    {"recipient-key-file", required_argument, NULL, FIRST_ID + OPT_RECIPIENT_KEY_FILE},
    {"new-key-file", required_argument, NULL, FIRST_ID + OPT_NEW_KEY_FILE},
    {"new-passphrase-file", required_argument, NULL, FIRST_ID + OPT_NEW_PASSPHRASE_FILE},
    {"recipient", required_argument, NULL, FIRST_ID + OPT_RECIPIENT},
    {"label", required_argument, NULL, FIRST_ID + OPT_LABEL},
    {"slot", required_argument, NULL, FIRST_ID + OPT_SLOT},
    {"kdf-ms", required_argument, NULL, FIRST_ID + OPT_KDF_MS},
    {"journal", required_argument, NULL, FIRST_ID + OPT_JOURNAL},
    {"audit", required_argument, NULL, FIRST_ID + OPT_AUDIT},
    {"before", required_argument, NULL, FIRST_ID + OPT_BEFORE},
    {"patient-keys", no_argument, NULL, FIRST_ID + OPT_PATIENT_KEYS},
    {"without-patient-keys", no_argument, NULL, FIRST_ID + OPT_WITHOUT_PATIENT_KEYS},
    {"later", no_argument, NULL, FIRST_ID + OPT_LATER},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* What the options with a choice of values take. */
static const char *choices_of(int id)
{
    switch (id) {
    case OPT_FHIR:
        return "R4, R4B or R5";
    case OPT_VALIDATION:
        return "on, lenient, off or full";
    case OPT_INTEGRITY:
        return "off, on or cascade";
    case OPT_JOURNAL:
        return "off, batched or strict";
    case OPT_AUDIT:
        return "required or best-effort";
    case OPT_CACHE:
    case OPT_PER_COMMIT:
    case OPT_SLOT:
    case OPT_KDF_MS:
        return "a number from 1 to 1048576";
    default:
        return "'Name: value', at most 32 times";
    }
}

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

/* Where an option that takes any text goes; NULL: it is none. */
static const char **text_option(cli_options *options, int id)
{
    const struct {
        int id;
        const char **text;
    } texts[] = {
        {OPT_KEY_FILE, &options->key_file},
        {OPT_PASSPHRASE_FILE, &options->passphrase_file},
        {OPT_RECIPIENT_KEY_FILE, &options->recipient_key_file},
        {OPT_NEW_KEY_FILE, &options->new_key_file},
        {OPT_NEW_PASSPHRASE_FILE, &options->new_passphrase_file},
        {OPT_RECIPIENT, &options->recipient},
        {OPT_LABEL, &options->label},
        {OPT_BASE_URL, &options->base_url},
        {OPT_NO_HISTORY, &options->no_history},
        {OPT_BODY, &options->body_file},
        {OPT_TYPE, &options->type},
        {OPT_SINCE, &options->since},
        {OPT_ANCHOR, &options->anchor},
        {OPT_BEFORE, &options->before},
        {OPT_AS, &options->as_file},
        {OPT_POLICY, &options->policy_file},
        {OPT_JSONPATH, &options->jsonpath},
        {OPT_JMESPATH, &options->jmespath},
        {OPT_MESSAGES, &options->messages},
        {OPT_IDENTITY, &options->identity},
        {OPT_DEVICE_SYSTEM, &options->device_system},
        {OPT_PATIENT, &options->patient},
        {OPT_CODE, &options->code},
        {OPT_FROM, &options->from},
        {OPT_TO, &options->to},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].id == id) {
            return texts[i].text;
        }
    }
    return NULL;
}

/* Where one that takes a number goes. */
static uint32_t *number_option(cli_options *options, int id)
{
    switch (id) {
    case OPT_PER_COMMIT:
        return &options->per_commit;
    case OPT_SLOT:
        return &options->slot;
    case OPT_KDF_MS:
        return &options->kdf_ms;
    default:
        return NULL;
    }
}

/* Options with a value. False: the value is no good. */
static bool take_value(cli_options *options, int id, const char *value)
{
    const char **text = text_option(options, id);
    uint32_t *small = number_option(options, id);
    uint64_t number = 0;
    if (text != NULL) {
        *text = value;
        return true;
    }
    if (small != NULL) {
        bool is_good = parse_number(value, 1 << 20, &number);
        *small = (uint32_t)number;
        return is_good;
    }
    switch (id) {
    case OPT_FHIR:
        options->fhir = value;
        return cli_fhir_version(value) > 0;
    case OPT_VALIDATION:
        options->validation = value;
        return cli_validation(value) >= 0;
    case OPT_JOURNAL:
        options->journal = value;
        return cli_journal(value) >= 0;
    case OPT_AUDIT:
        options->audit = value;
        return cli_audit_mode(value) >= 0;
    case OPT_INTEGRITY:
        options->integrity = value;
        return cli_integrity(value) >= 0;
    case OPT_CACHE:
        return parse_number(value, 1 << 20, &options->cache_mib);
    case OPT_HEADER:
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
        {OPT_PLAINTEXT, &options->plaintext},
        {OPT_MULTI_PROCESS, &options->multi_process},
        {OPT_JSON, &options->json},
        {OPT_PROGRESS, &options->progress},
        {OPT_TIME, &options->time},
        {OPT_IDS, &options->ids},
        {OPT_COUNT, &options->count},
        {OPT_NDJSON, &options->ndjson},
        {OPT_EXPLAIN, &options->explain},
        {OPT_STRICT, &options->strict},
        {OPT_CSV, &options->csv},
        {OPT_PATIENT_KEYS, &options->patient_keys},
        {OPT_WITHOUT_PATIENT_KEYS, &options->without_patient_keys},
        {OPT_LATER, &options->later},
        {OPT_REPAIR, &options->repair},
    };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (flags[i].id == id) {
            *flags[i].flag = true;
            return true;
        }
    }
    return false;
}

/* EXIT_FINE to go on, EXIT_USAGE, or -1: the version was printed. */
static int parse_options(int argc, char **argv, cli_options *options)
{
    int id;
    while ((id = getopt_long(argc, argv, "H:hV", long_options, NULL)) != -1) {
        if (id == 'h') {
            options->help = true;
            continue;
        }
        if (id == 'V') {
            (void)printf("fhirstore %s\n", fhirstore_version());
            return -1;
        }
        if (id == '?') {
            return cli_usage("see fhirstore --help");
        }
        id = id == 'H' ? OPT_HEADER : id - FIRST_ID;
        options->used |= BIT(id);
        if (!take_flag(options, id) && !take_value(options, id, optarg)) {
            return cli_usage("--%s takes %s, not \"%s\"", long_options[id].name, choices_of(id),
                             optarg);
        }
    }
    options->arguments = argv + optind;
    options->argument_count = argc - optind;
    return EXIT_FINE;
}

static const cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* Options that mean nothing here, or not together. */
static int check_options(const cli_options *options, const cli_command *command)
{
    for (int id = 0; id < OPTION_COUNT; id++) {
        if ((options->used & BIT(id) & ~command->options) != 0) {
            return cli_usage("--%s does not apply to %s; see fhirstore help %s",
                             long_options[id].name, command->name, command->name);
        }
    }
    int given = (options->key_file != NULL) + (options->passphrase_file != NULL) +
                (options->recipient_key_file != NULL);
    if (given > 1) {
        return cli_usage("--key-file, --passphrase-file and --recipient-key-file exclude each "
                         "other");
    }
    if (options->plaintext && given > 0) {
        return cli_usage("--plaintext takes no key: leave out %s",
                         options->key_file != NULL          ? "--key-file"
                         : options->passphrase_file != NULL ? "--passphrase-file"
                                                            : "--recipient-key-file");
    }
    return EXIT_FINE;
}

/* Help on the subcommand at the front of the arguments, on all of them where there is none. */
static int show_help(const cli_options *options)
{
    if (options->argument_count == 0) {
        cli_help(stdout, commands, COMMAND_COUNT);
        return cli_finish(EXIT_FINE);
    }
    const cli_command *command = find_command(options->arguments[0]);
    if (command == NULL) {
        return cli_usage("unknown subcommand \"%s\"; see fhirstore --help", options->arguments[0]);
    }
    cli_help_command(stdout, command);
    return cli_finish(EXIT_FINE);
}

static int run_command(cli_options *options)
{
    const cli_command *command = find_command(options->arguments[0]);
    if (command == NULL) {
        return cli_usage("unknown subcommand \"%s\"; see fhirstore --help", options->arguments[0]);
    }
    options->arguments++;
    options->argument_count--;
    if (options->argument_count < command->min_arguments ||
        (command->max_arguments > 0 && options->argument_count > command->max_arguments)) {
        return cli_usage("fhirstore %s", command->synopsis);
    }
    int checked = check_options(options, command);
    return checked != EXIT_FINE ? checked : cli_finish(command->run(options));
}

int main(int argc, char **argv)
{
    cli_options options = {0};
    int parsed = parse_options(argc, argv, &options);
    if (parsed != EXIT_FINE) {
        return parsed < 0 ? EXIT_FINE : parsed;
    }
    if (options.argument_count > 0 && strcmp(options.arguments[0], "help") == 0) {
        options.arguments++;
        options.argument_count--;
        return show_help(&options);
    }
    if (options.help) {
        return show_help(&options);
    }
    if (options.argument_count == 0) {
        cli_help(stderr, commands, COMMAND_COUNT);
        return EXIT_USAGE;
    }
    return run_command(&options);
}
