/* SPDX-License-Identifier: Apache-2.0 */
/* iot: mappings are checked and tried, messages go into a store, samples come out. */
#include <stdlib.h>
#include <string.h>

#include "base/instant.h"
#include "cli.h"
#include "json/json.h"

#define DEFAULT_BATCH 300u

/* ---- reports ---- */

/* Each line of @a text, without its end. False at the end. */
static bool next_text_line(const char **text, size_t *left, fhs_str *line)
{
    while (*left > 0) {
        const char *end = memchr(*text, '\n', *left);
        size_t len = end == NULL ? *left : (size_t)(end - *text);
        *line = fhs_str_trim(fhs_str_of(*text, len));
        *text += end == NULL ? len : len + 1;
        *left -= end == NULL ? len : len + 1;
        if (line->len > 0) {
            return true;
        }
    }
    return false;
}

static long long number_member(const fhs_json *object, fhs_str name, long long otherwise)
{
    const fhs_json *value = fhs_json_get(object, name);
    return fhs_json_is(value, FHS_JSON_NUMBER) ? strtoll(value->text.ptr, NULL, 10) : otherwise;
}

static fhs_str text_member(const fhs_json *object, fhs_str name)
{
    fhs_str text = FHS_STR_NONE;
    (void)fhs_json_get_string(object, name, &text);
    return text;
}

/* The mapping files that faults are of. */
typedef struct mapping_files {
    const char *device;
    const char *fhir;
} mapping_files;

/* One fault in words: "error, device.json line 6 column 9 (type): … [kind]". */
static void print_fault(FILE *out, const mapping_files *files, bool tells_message,
                        const fhs_json *fault)
{
    const bool is_fhir = fhs_str_eq(text_member(fault, FHS_LIT("stage")), FHS_LIT("fhir"));
    const char *file = is_fhir ? files->fhir : files->device;
    fhs_str severity = text_member(fault, FHS_LIT("severity"));
    fhs_str kind = text_member(fault, FHS_LIT("kind"));
    fhs_str type = text_member(fault, FHS_LIT("type"));
    fhs_str text = text_member(fault, FHS_LIT("text"));
    long long line = number_member(fault, FHS_LIT("line"), 0);
    long long column = number_member(fault, FHS_LIT("column"), 0);
    long long message = number_member(fault, FHS_LIT("message"), -1);
    long long count = number_member(fault, FHS_LIT("count"), 1);
    (void)fprintf(out, "%.*s", FHS_STR_ARG(severity));
    if (tells_message && message >= 0) {
        (void)fprintf(out, ", message %lld", message + 1);
        if (count > 1) {
            (void)fprintf(out, " and %lld more", count - 1);
        }
    }
    if (line > 0) {
        (void)fprintf(out, ", %s line %lld", file, line);
    }
    if (line > 0 && column > 0) {
        (void)fprintf(out, " column %lld", column);
    }
    if (type.len > 0) {
        (void)fprintf(out, " (%.*s)", FHS_STR_ARG(type));
    }
    (void)fprintf(out, ": %.*s [%.*s]\n", FHS_STR_ARG(text), FHS_STR_ARG(kind));
}

/* Print a report of faults; returns how many of them are errors. */
static int print_faults(FILE *out, const mapping_files *files, bool tells_message,
                        const fhirstore_buf *report, bool as_json)
{
    const char *text = report->ptr;
    size_t left = report->len;
    fhs_str line;
    fhs_arena arena;
    int errors = 0;
    fhs_arena_init(&arena, SIZE_MAX);
    while (next_text_line(&text, &left, &line)) {
        const fhs_json *fault;
        fhs_arena_reset(&arena);
        if (fhs_json_read(&arena, line, NULL, &fault, NULL) < FHIRSTORE_OK) {
            continue;
        }
        errors += fhs_str_eq(text_member(fault, FHS_LIT("severity")), FHS_LIT("error"));
        if (as_json) {
            (void)fprintf(out, "%.*s\n", FHS_STR_ARG(line));
        } else {
            print_fault(out, files, tells_message, fault);
        }
    }
    fhs_arena_clear(&arena);
    return errors;
}

/* What is wrong with message @a number, counted from 1: in words after @a lead, or as NDJSON that
 * counts messages from 0, as the library does. */
static void print_message_faults(FILE *out, const mapping_files *files, long long number,
                                 const char *lead, const fhirstore_buf *report, bool as_json)
{
    const char *text = report->ptr;
    size_t left = report->len;
    fhs_str line;
    if (!as_json) {
        (void)fprintf(out, "message %lld: %s", number, lead);
        (void)print_faults(out, files, false, report, false);
        return;
    }
    /* Each message was looked at alone: to the library it was number 0. Quotes within texts are
     * escaped, so that this member cannot be mistaken. */
    const fhs_str alone = FHS_LIT("\"message\":0");
    while (next_text_line(&text, &left, &line)) {
        size_t at = fhs_str_find(line, alone);
        if (at >= line.len) {
            (void)fprintf(out, "%.*s\n", FHS_STR_ARG(line));
            continue;
        }
        fhs_str rest = fhs_str_of(line.ptr + at + alone.len, line.len - at - alone.len);
        (void)fprintf(out, "%.*s\"message\":%lld%.*s\n", (int)at, line.ptr, number - 1,
                      FHS_STR_ARG(rest));
    }
}

/* ---- mappings ---- */

/* Load a mapping; its faults are printed to @a out. NULL: it has some, or the file cannot be read.
 */
static fhirstore_iot_mapping *load_mapping(FILE *out, const char *path, int32_t kind,
                                           const cli_options *options)
{
    size_t len;
    fhirstore_iot_mapping *mapping = NULL;
    fhirstore_buf faults = {0};
    fhirstore_error *error = NULL;
    char *text = cli_read_file(path, &len);
    if (text == NULL) {
        return NULL;
    }
    fhirstore_status status = fhirstore_iot_mapping_load(
        kind, text, len, options->strict && kind == FHIRSTORE_IOT_FHIR ? FHIRSTORE_IOT_STRICT : 0,
        &mapping, &faults, &error);
    free(text);
    if (status == FHIRSTORE_ERR_IOT_MAPPING) {
        const mapping_files files = {path, path};
        (void)print_faults(out, &files, true, &faults, options->json);
        fhirstore_error_free(error);
    } else if (status < FHIRSTORE_OK) {
        (void)cli_fail(error);
    }
    fhirstore_buf_clear(&faults);
    return mapping;
}

static int check_loaded(const cli_options *options, const fhirstore_iot_mapping *device,
                        const fhirstore_iot_mapping *fhir)
{
    size_t len = 0;
    char *messages = NULL;
    fhirstore_buf report = {0};
    fhirstore_error *error = NULL;
    if (options->messages != NULL && (messages = cli_read_file(options->messages, &len)) == NULL) {
        return EXIT_FAILED;
    }
    fhirstore_status status = fhirstore_iot_mapping_check(
        device, fhir, messages, len, options->strict ? FHIRSTORE_IOT_STRICT : 0, &report, &error);
    free(messages);
    if (status < FHIRSTORE_OK) {
        return cli_fail(error);
    }
    const mapping_files files = {options->arguments[1], fhir == NULL ? "" : options->arguments[2]};
    int errors = print_faults(stdout, &files, true, &report, options->json);
    if (report.len == 0 && !options->json) {
        (void)printf("no fault was found\n");
    }
    fhirstore_buf_clear(&report);
    return errors > 0 ? EXIT_FAILED : EXIT_FINE;
}

static int iot_check(const cli_options *options)
{
    const bool has_fhir = options->argument_count > 2;
    fhirstore_iot_mapping *fhir = NULL;
    fhirstore_iot_mapping *device = load_mapping(stdout, options->arguments[1],
                                                 FHIRSTORE_IOT_DEVICE, options);
    if (has_fhir) {
        fhir = load_mapping(stdout, options->arguments[2], FHIRSTORE_IOT_FHIR, options);
    }
    int status = EXIT_FAILED;
    if (device != NULL && (fhir != NULL || !has_fhir)) {
        status = check_loaded(options, device, fhir);
    }
    fhirstore_iot_mapping_free(device);
    fhirstore_iot_mapping_free(fhir);
    return status;
}

/* ---- normalise ---- */

/* What one message gives, to stdout; what is wrong with it, or why nothing matches, to stderr. */
static bool normalise_line(const cli_options *options, const fhirstore_iot_mapping *device,
                           fhs_str line, long long number, fhirstore_error **error)
{
    fhirstore_buf measurements = {0};
    fhirstore_buf faults = {0};
    const mapping_files files = {options->arguments[1], ""};
    bool is_fine = fhirstore_iot_normalise(device, line.ptr, line.len, 0, &measurements, &faults,
                                           error) >= FHIRSTORE_OK;
    if (is_fine && measurements.len > 0) {
        is_fine = cli_write(measurements.ptr, measurements.len, false);
    }
    if (is_fine && faults.len > 0) {
        print_message_faults(stderr, &files, number, "", &faults, options->json);
        is_fine = false;
    } else if (is_fine && measurements.len == 0) {
        fhirstore_buf report = {0};
        (void)fhirstore_iot_mapping_check(device, NULL, line.ptr, line.len, 0, &report, NULL);
        print_message_faults(stderr, &files, number, "no template matches\n", &report,
                             options->json);
        fhirstore_buf_clear(&report);
    }
    fhirstore_buf_clear(&measurements);
    fhirstore_buf_clear(&faults);
    return is_fine;
}

static int iot_normalise(const cli_options *options)
{
    size_t len;
    fhs_str line;
    long long number = 0;
    int status = EXIT_FINE;
    fhirstore_error *error = NULL;
    fhirstore_iot_mapping *device = load_mapping(stderr, options->arguments[1],
                                                 FHIRSTORE_IOT_DEVICE, options);
    char *text = device == NULL ? NULL : cli_read_file(options->arguments[2], &len);
    const char *at = text;
    while (at != NULL && error == NULL && next_text_line(&at, &len, &line)) {
        if (!normalise_line(options, device, line, ++number, &error)) {
            status = EXIT_FAILED;
        }
    }
    free(text);
    fhirstore_iot_mapping_free(device);
    if (error != NULL) {
        return cli_fail(error);
    }
    return text == NULL ? EXIT_FAILED : status;
}

/* ---- ingest ---- */

/* A run over many messages, batch by batch. */
typedef struct ingest_run {
    const cli_options *options;
    fhirstore_session *session;
    fhirstore_iot_mapping *device;
    fhirstore_iot_mapping *fhir;
    fhirstore_iot_options how;
    fhs_buf measurements; /* of the batch, as NDJSON */
    uint32_t pending;     /* messages in it */
    long long messages;
    long long dropped;
    fhirstore_iot_totals sum;
    fhirstore_error *error;
} ingest_run;

/* A line of a report in words; groups that went well are only counted. */
static void print_group(const fhs_json *group)
{
    fhs_str result = text_member(group, FHS_LIT("group"));
    if (!fhs_str_eq(result, FHS_LIT("failed"))) {
        return;
    }
    fhs_str type = text_member(group, FHS_LIT("type"));
    fhs_str start = text_member(group, FHS_LIT("start"));
    fhs_str why = text_member(group, FHS_LIT("text"));
    fhs_str kind = text_member(group, FHS_LIT("kind"));
    (void)fprintf(stderr, "not stored, %.*s of %.*s: %.*s [%.*s]\n", FHS_STR_ARG(type),
                  FHS_STR_ARG(start), FHS_STR_ARG(why), FHS_STR_ARG(kind));
}

static void print_groups(const ingest_run *run, const fhirstore_buf *report)
{
    const char *text = report->ptr;
    size_t left = report->len;
    fhs_str line;
    fhs_arena arena;
    if (run->options->json) {
        (void)cli_write(report->ptr, report->len, false);
        return;
    }
    fhs_arena_init(&arena, SIZE_MAX);
    while (next_text_line(&text, &left, &line)) {
        const fhs_json *group;
        fhs_arena_reset(&arena);
        if (fhs_json_read(&arena, line, NULL, &group, NULL) >= FHIRSTORE_OK) {
            print_group(group);
        }
    }
    fhs_arena_clear(&arena);
}

static bool store_pending(ingest_run *run)
{
    fhirstore_buf report = {0};
    fhirstore_iot_totals totals = FHIRSTORE_IOT_TOTALS_INIT;
    if (run->measurements.len > 0) {
        fhirstore_status status = fhirstore_iot_ingest(run->session, run->fhir, &run->how,
                                                       run->measurements.ptr, run->measurements.len,
                                                       &report, &totals, &run->error);
        if (status < FHIRSTORE_OK) {
            return false;
        }
    }
    print_groups(run, &report);
    run->sum.measurements += totals.measurements;
    run->sum.created += totals.created;
    run->sum.updated += totals.updated;
    run->sum.unchanged += totals.unchanged;
    run->sum.failed += totals.failed;
    fhirstore_buf_clear(&report);
    fhs_buf_reset(&run->measurements);
    run->pending = 0;
    return true;
}

static bool add_message(ingest_run *run, fhs_str line)
{
    fhirstore_buf measurements = {0};
    fhirstore_buf faults = {0};
    fhirstore_status status = fhirstore_iot_normalise(run->device, line.ptr, line.len, 0,
                                                      &measurements, &faults, &run->error);
    run->messages++;
    if (status < FHIRSTORE_OK) {
        return false;
    }
    if (faults.len > 0) {
        run->sum.faults++;
        const mapping_files files = {run->options->arguments[2], run->options->arguments[3]};
        print_message_faults(run->options->json ? stdout : stderr, &files, run->messages, "",
                             &faults, run->options->json);
    }
    run->dropped += faults.len == 0 && measurements.len == 0;
    fhs_buf_add(&run->measurements, measurements.ptr, measurements.len);
    fhirstore_buf_clear(&measurements);
    fhirstore_buf_clear(&faults);
    run->pending++;
    uint32_t most = run->options->per_commit > 0 ? run->options->per_commit : DEFAULT_BATCH;
    return run->pending < most || store_pending(run);
}

static bool ingest_file(ingest_run *run, const char *path)
{
    size_t len;
    fhs_str line;
    bool is_fine = true;
    char *text = cli_read_file(path, &len);
    const char *at = text;
    while (at != NULL && is_fine && next_text_line(&at, &len, &line)) {
        is_fine = add_message(run, line);
    }
    free(text);
    return text != NULL && is_fine;
}

static void print_sum(const ingest_run *run)
{
    const fhirstore_iot_totals *sum = &run->sum;
    if (run->options->json) {
        (void)printf("{\"messages\":%lld,\"dropped\":%lld,\"faults\":%lld,\"measurements\":%lld,"
                     "\"created\":%lld,\"updated\":%lld,\"unchanged\":%lld,\"failed\":%lld}\n",
                     run->messages, run->dropped, (long long)sum->faults,
                     (long long)sum->measurements, (long long)sum->created, (long long)sum->updated,
                     (long long)sum->unchanged, (long long)sum->failed);
        return;
    }
    (void)printf("%lld message%s (%lld without a match, %lld with a fault), %lld measurement%s: "
                 "%lld Observation%s created, %lld updated, %lld unchanged, %lld not stored\n",
                 run->messages, cli_plural(run->messages), run->dropped, (long long)sum->faults,
                 (long long)sum->measurements, cli_plural(sum->measurements),
                 (long long)sum->created, cli_plural(sum->created), (long long)sum->updated,
                 (long long)sum->unchanged, (long long)sum->failed);
}

static bool take_identity(const cli_options *options, fhirstore_iot_options *how)
{
    static const struct {
        const char *name;
        int32_t identity;
    } modes[] = {
        {"lookup", FHIRSTORE_IOT_LOOKUP},
        {"create", FHIRSTORE_IOT_CREATE},
        {"lookup-with-encounter", FHIRSTORE_IOT_LOOKUP_WITH_ENCOUNTER},
        {"LookupWithEncounter", FHIRSTORE_IOT_LOOKUP_WITH_ENCOUNTER},
    };
    const fhs_str wanted = fhs_str_from_cstr(options->identity == NULL ? modes[0].name
                                                                       : options->identity);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (fhs_str_eq_ascii_case(wanted, fhs_str_from_cstr(modes[i].name))) {
            how->identity = modes[i].identity;
            return true;
        }
    }
    return false;
}

static int run_ingest(const cli_options *options, ingest_run *run)
{
    bool is_fine = true;
    run->device = load_mapping(stderr, options->arguments[2], FHIRSTORE_IOT_DEVICE, options);
    run->fhir = load_mapping(stderr, options->arguments[3], FHIRSTORE_IOT_FHIR, options);
    is_fine = run->device != NULL && run->fhir != NULL;
    for (int i = 4; is_fine && i < options->argument_count; i++) {
        is_fine = ingest_file(run, options->arguments[i]);
    }
    is_fine = is_fine && store_pending(run);
    if (run->messages > 0) {
        print_sum(run);
    }
    fhs_buf_clear(&run->measurements);
    if (run->error != NULL) {
        return cli_fail(run->error);
    }
    return is_fine && run->sum.faults == 0 && run->sum.failed == 0 ? EXIT_FINE : EXIT_FAILED;
}

static int iot_ingest(const cli_options *options)
{
    cli_options of_store = *options;
    cli_store opened;
    ingest_run run = {.options = options,
                      .how = FHIRSTORE_IOT_OPTIONS_INIT,
                      .measurements = FHS_BUF_INIT((size_t)1 << 30)};
    run.how.flags = options->strict ? FHIRSTORE_IOT_STRICT : 0;
    run.how.device_system = options->device_system;
    run.how.device_system_len = options->device_system == NULL ? 0 : strlen(options->device_system);
    if (!take_identity(options, &run.how)) {
        return cli_usage("--identity takes lookup, create or lookup-with-encounter");
    }
    of_store.arguments++;
    of_store.argument_count--;
    if (!cli_open(&of_store, 0, &opened)) {
        return EXIT_FAILED;
    }
    run.session = opened.session;
    int status = run_ingest(options, &run);
    fhirstore_iot_mapping_free(run.device);
    fhirstore_iot_mapping_free(run.fhir);
    cli_close(&opened);
    return status;
}

/* ---- samples ---- */

static fhirstore_status print_rows(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    return cli_write(text, len, false) ? FHIRSTORE_OK : FHIRSTORE_ERR_CANCELLED;
}

static bool take_time_option(const char *text, int64_t *out)
{
    fhs_date date;
    int64_t lo;
    int64_t hi;
    if (text == NULL) {
        return true;
    }
    if (!fhs_date_parse(fhs_str_from_cstr(text), FHS_DATE_FORM_SEARCH, &date)) {
        return false;
    }
    fhs_date_interval(&date, 0, &lo, &hi);
    *out = fhs_ticks_to_us(lo);
    return true;
}

static int iot_samples(const cli_options *options)
{
    cli_options of_store = *options;
    cli_store opened;
    fhirstore_error *error = NULL;
    fhirstore_iot_samples_options how = FHIRSTORE_IOT_SAMPLES_OPTIONS_INIT;
    if (options->patient == NULL || options->code == NULL) {
        return cli_usage("iot samples needs --patient and --code");
    }
    if (!take_time_option(options->from, &how.from_us) ||
        !take_time_option(options->to, &how.to_us)) {
        return cli_usage("--from and --to take a date or an instant (2024-01-31T12:00:00Z)");
    }
    how.patient = options->patient;
    how.patient_len = strlen(options->patient);
    how.code = options->code;
    how.code_len = strlen(options->code);
    how.format = options->csv ? FHIRSTORE_IOT_CSV : FHIRSTORE_IOT_NDJSON;
    of_store.arguments++;
    of_store.argument_count--;
    if (!cli_open(&of_store, 0, &opened)) {
        return EXIT_FAILED;
    }
    fhirstore_status status = fhirstore_iot_samples(opened.session, &how, print_rows, NULL, NULL,
                                                    &error);
    cli_close(&opened);
    return status < FHIRSTORE_OK ? cli_fail(error) : EXIT_FINE;
}

/* ---- expressions ---- */

static int iot_eval(const cli_options *options)
{
    const bool is_path = options->jsonpath != NULL;
    const char *expression = is_path ? options->jsonpath : options->jmespath;
    fhirstore_buf found = {0};
    fhirstore_error *error = NULL;
    size_t len;
    if (is_path == (options->jmespath != NULL)) {
        return cli_usage("iot eval takes one of --jsonpath EXPRESSION and --jmespath EXPRESSION");
    }
    char *text = cli_read_file(options->arguments[1], &len);
    if (text == NULL) {
        return EXIT_FAILED;
    }
    fhirstore_status status = fhirstore_iot_evaluate(
        is_path ? FHIRSTORE_IOT_JSON_PATH : FHIRSTORE_IOT_JMES_PATH, expression, strlen(expression),
        text, len, &found, &error);
    free(text);
    if (status < FHIRSTORE_OK) {
        return cli_fail(error);
    }
    (void)cli_write(found.ptr, found.len, true);
    fhirstore_buf_clear(&found);
    return EXIT_FINE;
}

/* ---- which of them ---- */

int cli_iot(const cli_options *options)
{
    static const struct {
        const char *verb;
        const char *synopsis;
        int min_arguments; /* the verb included */
        int max_arguments; /* 0: any number */
        int (*run)(const cli_options *options);
    } verbs[] = {
        {"check", "check DEVICE.json [FHIR.json] [--messages FILE]", 2, 3, iot_check},
        {"normalise", "normalise DEVICE.json MESSAGES", 3, 3, iot_normalise},
        {"ingest", "ingest STORE DEVICE.json FHIR.json MESSAGES…", 5, 0, iot_ingest},
        {"eval", "eval --jsonpath|--jmespath EXPRESSION FILE", 2, 2, iot_eval},
        {"samples", "samples STORE --patient ID --code SYSTEM|CODE", 2, 2, iot_samples},
    };
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(options->arguments[0], verbs[i].verb) != 0) {
            continue;
        }
        if (options->argument_count < verbs[i].min_arguments ||
            (verbs[i].max_arguments > 0 && options->argument_count > verbs[i].max_arguments)) {
            return cli_usage("fhirstore iot %s", verbs[i].synopsis);
        }
        return cli_finish(verbs[i].run(options));
    }
    return cli_usage("unknown: iot %s; see fhirstore help iot", options->arguments[0]);
}
