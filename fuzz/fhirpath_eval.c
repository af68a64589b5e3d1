/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions over a small Patient. Input that begins with "=" is an expression as it stands; all
 * else chooses productions of the grammar, so that nearly every input is a valid expression. Each
 * is evaluated twice with narrow limits: results agree, can be written, and errors have a place.
 */
#include <string.h>

#include "fhirpath/fhirpath.h"
#include "law.h"

#define MAX_EXPRESSION 4000u
#define MAX_RESULT     ((size_t)64 << 20)

static const char resource_text[] =
    "{\"resourceType\":\"Patient\",\"id\":\"p\",\"active\":true,\"name\":[{\"use\":\"usual\","
    "\"given\":[\"Ada\",null],\"_given\":[null,{\"extension\":[{\"url\":\"u\",\"valueCode\":\"x\"}]"
    "}],"
    "\"period\":{\"start\":\"2001-02\",\"end\":\"2002-03-04T05:06:07+01:00\"}},{\"family\":\"B\"}],"
    "\"birthDate\":\"1974-12-25\",\"multipleBirthInteger\":3,\"telecom\":[{\"rank\":1}],"
    "\"extension\":[{\"url\":\"q\",\"valueQuantity\":{\"value\":1.50,\"system\":"
    "\"http://unitsofmeasure.org\",\"code\":\"kg\"}}],\"contained\":[{\"resourceType\":"
    "\"Organization\",\"id\":\"o\"}],\"managingOrganization\":{\"reference\":\"#o\"}}";

static const char *const terms[] = {
    "1",
    "2.50",
    "'abc'",
    "''",
    "true",
    "{}",
    "3L",
    "1 'kg'",
    "2 weeks",
    "5 'cm2'",
    "@2020-02-29",
    "@2020-02-29T10:20:30.5Z",
    "@T10:30",
    "@2020",
    "$this",
    "$index",
    "%context",
    "%resource",
    "name",
    "name.given",
    "birthDate",
    "active",
    "Patient",
    "extension.value",
    "telecom",
    "multipleBirth",
    "contained",
    "managingOrganization",
    "name.period",
    "'a.c'",
    "100000000000000000000.000000000001",
    "-7",
    "%ucum",
    "'2012-01'",
    "'5 days'",
    "0",
};

static const char *const binaries[] = {
    "+",  "-", "*",  "/", "div", "mod", "&",  "|",   "=",       "!=", "~",
    "!~", "<", "<=", ">", ">=",  "and", "or", "xor", "implies", "in", "contains"};

static const char *const plain_calls[] = {
    "empty",
    "exists",
    "count",
    "distinct",
    "isDistinct",
    "first",
    "last",
    "tail",
    "single",
    "not",
    "allTrue",
    "anyFalse",
    "toString",
    "toInteger",
    "toDecimal",
    "toQuantity",
    "toDate",
    "toDateTime",
    "toTime",
    "toBoolean",
    "toLong",
    "convertsToQuantity",
    "upper",
    "lower",
    "length",
    "toChars",
    "trim",
    "join",
    "abs",
    "ceiling",
    "floor",
    "round",
    "sqrt",
    "exp",
    "ln",
    "truncate",
    "children",
    "descendants",
    "type",
    "lowBoundary",
    "highBoundary",
    "precision",
    "sum",
    "min",
    "max",
    "avg",
    "sort",
    "hasValue",
    "getValue",
    "resolve",
    "pathname",
    "htmlChecks",
    "yearOf",
    "dayOf",
    "timezoneOffsetOf",
    "timeOf",
    "now",
    "today",
};

static const char *const argument_calls[] = {
    "where",          "select",      "exists",       "all",         "repeat",    "repeatAll",
    "union",          "combine",     "intersect",    "exclude",     "subsetOf",  "supersetOf",
    "skip",           "take",        "indexOf",      "lastIndexOf", "substring", "startsWith",
    "contains",       "matches",     "split",        "join",        "log",       "power",
    "round",          "lowBoundary", "highBoundary", "sort",        "aggregate", "toQuantity",
    "comparable",     "extension",   "coalesce",     "toDate",      "memberOf",  "trace",
    "defineVariable", "encode",      "escape",       "matchesFull",
};

static const char *const types[] = {"Integer",  "System.String", "FHIR.Patient",   "HumanName",
                                    "Quantity", "code",          "DomainResource", "nothing"};

typedef struct expression_writer {
    const uint8_t *data;
    size_t size;
    size_t at;
    fhs_buf out;
} expression_writer;

static uint8_t next_choice(expression_writer *writer)
{
    return writer->at < writer->size ? writer->data[writer->at++] : 0;
}

static const char *choose(expression_writer *writer, const char *const *from, size_t count)
{
    return from[next_choice(writer) % count];
}

static void write_expression(expression_writer *writer, unsigned depth);

static void write_call(expression_writer *writer, unsigned depth)
{
    uint8_t kind = next_choice(writer);
    fhs_buf_add_char(&writer->out, '.');
    if (kind % 8 == 0) {
        static const char *const tests[] = {"is", "as", "ofType"};
        fhs_buf_addf(&writer->out, "%s(%s)", choose(writer, tests, FHS_COUNT_OF(tests)),
                     choose(writer, types, FHS_COUNT_OF(types)));
    } else if (kind % 8 == 1) {
        fhs_buf_add_cstr(&writer->out, "iif(");
        write_expression(writer, depth - 1);
        fhs_buf_add_char(&writer->out, ',');
        write_expression(writer, depth - 1);
        fhs_buf_add_char(&writer->out, ')');
    } else if (kind % 2 == 0) {
        fhs_buf_addf(&writer->out, "%s()", choose(writer, plain_calls, FHS_COUNT_OF(plain_calls)));
    } else {
        fhs_buf_addf(&writer->out, "%s(",
                     choose(writer, argument_calls, FHS_COUNT_OF(argument_calls)));
        write_expression(writer, depth - 1);
        fhs_buf_add_char(&writer->out, ')');
    }
}

static void write_expression(expression_writer *writer, unsigned depth)
{
    uint8_t kind = next_choice(writer);
    if (depth == 0 || kind % 4 == 0 || writer->out.len > MAX_EXPRESSION) {
        fhs_buf_add_cstr(&writer->out, choose(writer, terms, FHS_COUNT_OF(terms)));
        return;
    }
    fhs_buf_add_char(&writer->out, '(');
    write_expression(writer, depth - 1);
    fhs_buf_add_char(&writer->out, ')');
    if (kind % 4 == 1) {
        fhs_buf_addf(&writer->out, " %s (", choose(writer, binaries, FHS_COUNT_OF(binaries)));
        write_expression(writer, depth - 1);
        fhs_buf_add_char(&writer->out, ')');
    } else {
        write_call(writer, depth);
        if (kind % 4 == 3) {
            write_call(writer, depth);
        }
    }
}

static bool is_known_status(fhirstore_status status)
{
    return status == FHIRSTORE_OK || status == FHIRSTORE_ERR_FHIRPATH_EVAL ||
           status == FHIRSTORE_ERR_LIMIT;
}

static int64_t fixed_now(void *ctx)
{
    (void)ctx;
    return INT64_C(1715941230456000);
}

static void evaluate_once(const fhs_fhirpath *path, fhs_fhirpath_run *run, const fhs_fhir *fhir,
                          const fhs_json *resource, fhs_str text, fhs_buf *out)
{
    const fhs_fp_item *items = NULL;
    size_t count = 0;
    fhirstore_error *err = NULL;
    const fhs_fhirpath_hooks hooks = {.now_us = fixed_now};
    fhs_fhirpath_input input = {
        .resource = resource, .hooks = &hooks, .max_steps = 20000, .max_results = 2000};
    fhirstore_status status = fhs_fhirpath_evaluate(path, run, &input, &items, &count, &err);
    FUZZ_LAW(is_known_status(status));
    FUZZ_LAW(status != FHIRSTORE_ERR_FHIRPATH_EVAL || fhs_error_location(err).offset <= text.len);
    FUZZ_LAW(status == FHIRSTORE_OK || count == 0);
    fhs_fhirpath_write_result(fhir, items, count, out);
    fhs_error_free(err);
}

static void check_expression(const fhs_fhir *fhir, const fhs_json *resource, fhs_str text)
{
    fhs_fhirpath *path = NULL;
    fhs_fhirpath_options options = {fhir, FHS_TYPE_NONE, false};
    if (fhs_fhirpath_compile(&options, text, &path, NULL) != FHIRSTORE_OK) {
        return;
    }
    fhs_fhirpath_run *run = fhs_fhirpath_run_new(8u << 20);
    fhs_buf first = FHS_BUF_INIT(MAX_RESULT);
    fhs_buf second = FHS_BUF_INIT(MAX_RESULT);
    FUZZ_LAW(run != NULL);
    evaluate_once(path, run, fhir, resource, text, &first);
    evaluate_once(path, run, fhir, resource, text, &second);
    FUZZ_LAW(fhs_str_eq(fhs_buf_str(&first), fhs_buf_str(&second)));
    fhs_buf_clear(&first);
    fhs_buf_clear(&second);
    fhs_fhirpath_run_free(run);
    fhs_fhirpath_free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const fhs_fhir *fhir = fhs_fhir_get(FHS_FHIR_R4);
    const fhs_json *resource = NULL;
    fhs_arena arena;
    expression_writer writer = {.data = data, .size = size, .out = FHS_BUF_INIT(MAX_RESULT)};
    fhs_arena_init(&arena, 1u << 20);
    FUZZ_LAW(fhs_json_read(&arena, FHS_LIT(resource_text), NULL, &resource, NULL) == FHIRSTORE_OK);
    if (size > 0 && data[0] == '=') {
        fhs_buf_add(&writer.out, (const char *)data + 1, size - 1);
    } else {
        write_expression(&writer, 5);
    }
    check_expression(fhir, resource, fhs_buf_str(&writer.out));
    fhs_buf_clear(&writer.out);
    fhs_arena_clear(&arena);
    return 0;
}
