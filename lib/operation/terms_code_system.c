/* SPDX-License-Identifier: Apache-2.0 */
/* CodeSystem/$lookup, CodeSystem/$validate-code and CodeSystem/$subsumes. */
#include "interact/interact.h"
#include "operation/terms_shared.h"

/* ---- which code system ---- */

static fhirstore_status known_system(fhs_terms_work *work, fhs_str url, fhs_str version,
                                     const fhs_code_system **out)
{
    fhirstore_status status = fhs_terms_code_system(work->terms, url, version, out, work->err);
    return status >= FHIRSTORE_OK && *out == NULL
               ? fhs_fail(work->err, FHIRSTORE_ERR_NOT_FOUND, "the code system is not known here")
               : status;
}

/*
 * The address, "codeSystem", or @a url says it. *out NULL: none of them does.
 */
static fhirstore_status find_system(fhs_terms_work *work, fhs_str url, fhs_str version,
                                    const fhs_code_system **out)
{
    const fhs_json *json = NULL;
    *out = NULL;
    fhirstore_status status = fhs_argument_object(work->operation, FHS_LIT("codeSystem"), &json,
                                                  work->err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    const bool has_id = work->call->id.len > 0;
    if (has_id + (json != NULL) + (url.len > 0) > 1) {
        return fhs_fail(work->err, FHIRSTORE_ERR_PARAM_VALUE,
                        "the operation expects one code system: by url, by address or as a "
                        "resource");
    }
    if (has_id) {
        status = fhs_terms_instance(work, &json);
    }
    if (status >= FHIRSTORE_OK && json != NULL) {
        return fhs_terms_read_code_system(work->terms, json, out, work->err);
    }
    return status >= FHIRSTORE_OK && url.len > 0 ? known_system(work, url, version, out) : status;
}

/* Absence says something only where all codes are here. */
static fhirstore_status find_code(fhs_terms_work *work, const fhs_code_system *system, fhs_str code,
                                  uint32_t *number_out)
{
    *number_out = fhs_code_system_find(system, code);
    return *number_out == FHS_CONCEPT_NONE && system->content != FHS_CONTENT_COMPLETE
               ? fhs_fail(work->err, FHIRSTORE_ERR_CODE_SYSTEM,
                          "the codes of the code system are not all here")
               : FHIRSTORE_OK;
}

static fhs_coding coding_of(const fhs_terms_work *work, const fhs_code_system *system,
                            uint32_t number)
{
    const fhs_concept *concept = &system->concepts[number];
    return (fhs_coding){system->url, system->version, concept->code,
                        fhs_terms_display(work, concept->json, concept->display)};
}

/* ---- $validate-code ---- */

static fhirstore_status check_one(fhs_terms_work *work, const fhs_code_system *given,
                                  const fhs_coding *asked, bool abstract_allowed, bool *yes_out,
                                  const char **message_out, fhs_coding *known_out)
{
    const fhs_code_system *system = given;
    uint32_t number = FHS_CONCEPT_NONE;
    bool fits = true;
    *yes_out = false;
    *message_out = "the code is not in the code system";
    fhirstore_status status = FHIRSTORE_OK;
    if (given != NULL && asked->system.len > 0 && !fhs_str_eq(asked->system, given->url)) {
        *message_out = "the coding is of another code system";
        return FHIRSTORE_OK;
    }
    if (system == NULL) {
        status = known_system(work, asked->system, asked->version, &system);
    }
    if (status >= FHIRSTORE_OK) {
        status = find_code(work, system, asked->code, &number);
    }
    if (status < FHIRSTORE_OK || number == FHS_CONCEPT_NONE) {
        return status;
    }
    const fhs_concept *concept = &system->concepts[number];
    *known_out = coding_of(work, system, number);
    if (concept->is_abstract && !abstract_allowed) {
        *message_out = "the code is abstract";
        return FHIRSTORE_OK;
    }
    status = fhs_terms_display_fits(work, concept->json, concept->display, asked->display, &fits);
    *yes_out = fits;
    *message_out = fits ? NULL : "the display is not one of the code's";
    return status;
}

static fhirstore_status check_in_system(fhs_terms_work *work, const fhs_code_system *system,
                                        const fhs_coding *list, size_t count)
{
    bool yes = false;
    bool abstract_allowed;
    const char *message = NULL;
    fhs_coding known = {.code = FHS_STR_NONE};
    fhirstore_status status = fhs_argument_flag(work->operation, FHS_LIT("abstract"), true,
                                                &abstract_allowed, work->err);
    for (size_t i = 0; i < count && status >= FHIRSTORE_OK && !yes; i++) {
        if (system == NULL && list[i].system.len == 0) {
            return fhs_argument_fail(FHS_LIT("url"), "is missing: a code system is needed",
                                     work->err);
        }
        status = check_one(work, system, &list[i], abstract_allowed, &yes, &message, &known);
    }
    if (status >= FHIRSTORE_OK) {
        fhs_terms_write_result(work, yes, message, known.code.len > 0 ? &known : NULL);
    }
    return status;
}

static fhirstore_status check_code_task(fhs_terms_work *work)
{
    const fhs_code_system *system = NULL;
    fhs_str url;
    fhs_str version;
    size_t count = 0;
    fhs_coding *list = fhs_arena_calloc(work->call->arena, FHS_CODINGS_MAX, sizeof *list);
    fhirstore_status status = list == NULL
                                  ? fhs_fail_memory(work->err)
                                  : fhs_terms_codings(work, FHS_LIT("version"), list, &count);
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_text(work->operation, FHS_LIT("url"), &url, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_text(work->operation, FHS_LIT("version"), &version, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = find_system(work, url, version, &system);
    }
    return status >= FHIRSTORE_OK ? check_in_system(work, system, list, count) : status;
}

static fhirstore_status run_check_code(fhs_call *call, const fhs_operation *operation,
                                       fhs_answer *answer, fhirstore_error **err)
{
    return fhs_terms_run(call, operation, answer, check_code_task, err);
}

/* ---- $lookup ---- */

/* Whether a property is asked for; all are where none is named. */
static bool wants_property(const fhs_operation *operation, fhs_str code)
{
    bool is_named = false;
    for (size_t i = 0; i < operation->argument_count; i++) {
        const fhs_argument *argument = &operation->arguments[i];
        if (fhs_str_eq(argument->name, FHS_LIT("property"))) {
            is_named = true;
            if (fhs_str_eq(argument->text, code)) {
                return true;
            }
        }
    }
    return !is_named;
}

static void begin_property(fhs_terms_work *work, fhs_str code)
{
    fhs_buf_add_cstr(work->out, ",{\"name\":\"property\",\"part\":[{\"name\":\"code\","
                                "\"valueCode\":");
    fhs_json_write_string(work->out, code);
    fhs_buf_add_cstr(work->out, "},{\"name\":\"value\",");
}

static void write_kin(fhs_terms_work *work, const fhs_code_system *system, fhs_str code,
                      const uint32_t *links, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to && wants_property(work->operation, code); i++) {
        begin_property(work, code);
        fhs_buf_add_cstr(work->out, "\"valueCode\":");
        fhs_json_write_string(work->out, system->concepts[links[i]].code);
        fhs_buf_add_cstr(work->out, "}]}");
    }
}

/* A property as the concept has it. Links are written from the hierarchy. */
static fhirstore_status write_property(fhs_terms_work *work, const fhs_json *property)
{
    fhs_str code;
    if (!fhs_json_is(property, FHS_JSON_OBJECT) ||
        !fhs_json_get_string(property, FHS_LIT("code"), &code) ||
        fhs_str_eq(code, FHS_LIT("parent")) || fhs_str_eq(code, FHS_LIT("child")) ||
        fhs_str_eq(code, FHS_LIT("inactive")) || !wants_property(work->operation, code)) {
        return FHIRSTORE_OK;
    }
    for (uint32_t i = 0; i < property->count; i++) {
        const fhs_json_member *member = &property->members[i];
        if (fhs_str_starts_with(member->name, FHS_LIT("value"))) {
            begin_property(work, code);
            fhs_json_write_string(work->out, member->name);
            fhs_buf_add_char(work->out, ':');
            fhirstore_status status = fhs_terms_write_json(work, &member->value);
            fhs_buf_add_cstr(work->out, "}]}");
            return status;
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status write_properties(fhs_terms_work *work, const fhs_code_system *system,
                                         uint32_t number)
{
    const fhs_concept *concept = &system->concepts[number];
    const fhs_json *list = fhs_json_get(concept->json, FHS_LIT("property"));
    write_kin(work, system, FHS_LIT("parent"), system->parents, system->parents_at[number],
              system->parents_at[number + 1]);
    write_kin(work, system, FHS_LIT("child"), system->children, system->children_at[number],
              system->children_at[number + 1]);
    if (wants_property(work->operation, FHS_LIT("inactive"))) {
        begin_property(work, FHS_LIT("inactive"));
        fhs_buf_addf(work->out, "\"valueBoolean\":%s}]}", concept->is_inactive ? "true" : "false");
    }
    fhirstore_status status = FHIRSTORE_OK;
    for (uint32_t i = 0;
         fhs_json_is(list, FHS_JSON_ARRAY) && i < list->count && status >= FHIRSTORE_OK; i++) {
        status = write_property(work, &list->items[i]);
    }
    return status;
}

static fhirstore_status write_designation_parts(fhs_terms_work *work, const fhs_json *concept)
{
    static const char *const types[][2] = {
        {"language", "valueCode"}, {"use", "valueCoding"}, {"value", "valueString"}};
    const fhs_json *list = fhs_json_get(concept, FHS_LIT("designation"));
    fhirstore_status status = FHIRSTORE_OK;
    for (uint32_t i = 0; fhs_json_is(list, FHS_JSON_ARRAY) && i < list->count &&
                         wants_property(work->operation, FHS_LIT("designation"));
         i++) {
        bool is_first = true;
        fhs_buf_add_cstr(work->out, ",{\"name\":\"designation\",\"part\":[");
        for (size_t t = 0; t < FHS_COUNT_OF(types) && status >= FHIRSTORE_OK; t++) {
            const fhs_json *one = &list->items[i];
            const fhs_json *value = fhs_json_is(one, FHS_JSON_OBJECT)
                                        ? fhs_json_get(one, fhs_str_from_cstr(types[t][0]))
                                        : NULL;
            if (value != NULL) {
                fhs_buf_addf(work->out, "%s{\"name\":\"%s\",\"%s\":", is_first ? "" : ",",
                             types[t][0], types[t][1]);
                is_first = false;
                status = fhs_terms_write_json(work, value);
                fhs_buf_add_char(work->out, '}');
            }
        }
        fhs_buf_add_cstr(work->out, "]}");
    }
    return status;
}

static fhirstore_status write_concept(fhs_terms_work *work, const fhs_code_system *system,
                                      uint32_t number)
{
    const fhs_concept *concept = &system->concepts[number];
    fhs_coding coding = coding_of(work, system, number);
    fhs_str definition;
    if (!fhs_json_get_string(concept->json, FHS_LIT("definition"), &definition)) {
        definition = FHS_STR_NONE;
    }
    fhs_terms_begin(work);
    fhs_terms_add(work, "name", "valueString", system->name);
    fhs_terms_add(work, "version", "valueString", system->version);
    fhs_terms_add(work, "display", "valueString",
                  coding.display.len > 0 ? coding.display : coding.code);
    fhs_terms_add_bool(work, "abstract", concept->is_abstract);
    fhs_terms_add(work, "definition", "valueString", definition);
    fhirstore_status status = write_designation_parts(work, concept->json);
    if (status >= FHIRSTORE_OK) {
        status = write_properties(work, system, number);
    }
    fhs_terms_end(work);
    return status;
}

static fhirstore_status lookup_task(fhs_terms_work *work)
{
    const fhs_code_system *system = NULL;
    size_t count = 0;
    uint32_t number = FHS_CONCEPT_NONE;
    fhs_coding *list = fhs_arena_calloc(work->call->arena, FHS_CODINGS_MAX, sizeof *list);
    fhirstore_status status = list == NULL
                                  ? fhs_fail_memory(work->err)
                                  : fhs_terms_codings(work, FHS_LIT("version"), list, &count);
    if (status >= FHIRSTORE_OK && list[0].system.len == 0) {
        status = fhs_argument_fail(FHS_LIT("system"), "is missing", work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = known_system(work, list[0].system, list[0].version, &system);
    }
    if (status >= FHIRSTORE_OK) {
        status = find_code(work, system, list[0].code, &number);
    }
    if (status >= FHIRSTORE_OK && number == FHS_CONCEPT_NONE) {
        status = fhs_fail(work->err, FHIRSTORE_ERR_NOT_FOUND, "the code system has no such code");
    }
    return status >= FHIRSTORE_OK ? write_concept(work, system, number) : status;
}

static fhirstore_status run_lookup(fhs_call *call, const fhs_operation *operation,
                                   fhs_answer *answer, fhirstore_error **err)
{
    return fhs_terms_run(call, operation, answer, lookup_task, err);
}

/* ---- $subsumes ---- */

/* "codeA" with "system", or "codingA". */
static fhirstore_status read_side(fhs_terms_work *work, fhs_str code_name, fhs_str coding_name,
                                  fhs_coding *out)
{
    const fhs_json *coding = NULL;
    *out = (fhs_coding){.code = FHS_STR_NONE};
    fhirstore_status status = fhs_argument_object(work->operation, coding_name, &coding, work->err);
    if (status >= FHIRSTORE_OK && coding != NULL) {
        return fhs_terms_coding(work, coding, coding_name, out);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_text(work->operation, code_name, &out->code, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_text(work->operation, FHS_LIT("system"), &out->system, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_text(work->operation, FHS_LIT("version"), &out->version, work->err);
    }
    return status >= FHIRSTORE_OK && out->code.len == 0
               ? fhs_argument_fail(code_name, "is missing", work->err)
               : status;
}

static fhirstore_status write_subsumption(fhs_terms_work *work, const fhs_code_system *system,
                                          fhs_str code_a, fhs_str code_b)
{
    static const char *const outcomes[] = {
        [FHS_SUBSUMES_NOT] = "not-subsumed",
        [FHS_SUBSUMES] = "subsumes",
        [FHS_SUBSUMED_BY] = "subsumed-by",
        [FHS_SUBSUMES_BOTH] = "equivalent",
    };
    fhs_subsumption outcome = FHS_SUBSUMES_NOT;
    uint32_t a = FHS_CONCEPT_NONE;
    uint32_t b = FHS_CONCEPT_NONE;
    fhirstore_status status = find_code(work, system, code_a, &a);
    if (status >= FHIRSTORE_OK) {
        status = find_code(work, system, code_b, &b);
    }
    if (status >= FHIRSTORE_OK && (a == FHS_CONCEPT_NONE || b == FHS_CONCEPT_NONE)) {
        status = fhs_fail(work->err, FHIRSTORE_ERR_CODE_UNKNOWN,
                          "the code system does not have the code of '%s'",
                          a == FHS_CONCEPT_NONE ? "codeA" : "codeB");
    }
    if (status >= FHIRSTORE_OK && system->content != FHS_CONTENT_COMPLETE && a != b) {
        status = fhs_fail(work->err, FHIRSTORE_ERR_CODE_SYSTEM,
                          "the codes of the code system are not all here");
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_terms_subsumes(work->terms, system, a, b, &outcome, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        fhs_terms_begin(work);
        fhs_terms_add(work, "outcome", "valueCode", fhs_str_from_cstr(outcomes[outcome]));
        fhs_terms_end(work);
    }
    return status;
}

static fhirstore_status subsumes_task(fhs_terms_work *work)
{
    const fhs_code_system *system = NULL;
    fhs_coding a;
    fhs_coding b;
    fhirstore_status status = read_side(work, FHS_LIT("codeA"), FHS_LIT("codingA"), &a);
    if (status >= FHIRSTORE_OK) {
        status = read_side(work, FHS_LIT("codeB"), FHS_LIT("codingB"), &b);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (!fhs_str_eq(a.system, b.system)) {
        return fhs_fail(work->err, FHIRSTORE_ERR_PARAM_VALUE,
                        "the operation expects two codes of one code system");
    }
    status = find_system(work, a.system, a.version, &system);
    if (status >= FHIRSTORE_OK && system == NULL) {
        status = fhs_argument_fail(FHS_LIT("system"), "is missing", work->err);
    }
    return status >= FHIRSTORE_OK ? write_subsumption(work, system, a.code, b.code) : status;
}

static fhirstore_status run_subsumes(fhs_call *call, const fhs_operation *operation,
                                     fhs_answer *answer, fhirstore_error **err)
{
    return fhs_terms_run(call, operation, answer, subsumes_task, err);
}

/* ---- the table ---- */

static const fhs_str check_code_params[] = {
    FHS_LIT_INIT("url"),      FHS_LIT_INIT("codeSystem"),      FHS_LIT_INIT("version"),
    FHS_LIT_INIT("code"),     FHS_LIT_INIT("system"),          FHS_LIT_INIT("display"),
    FHS_LIT_INIT("coding"),   FHS_LIT_INIT("codeableConcept"), FHS_LIT_INIT("date"),
    FHS_LIT_INIT("abstract"), FHS_LIT_INIT("displayLanguage"), FHS_LIT_INIT(""),
};

static const fhs_str lookup_params[] = {
    FHS_LIT_INIT("code"),     FHS_LIT_INIT("system"), FHS_LIT_INIT("version"),
    FHS_LIT_INIT("coding"),   FHS_LIT_INIT("date"),   FHS_LIT_INIT("displayLanguage"),
    FHS_LIT_INIT("property"), FHS_LIT_INIT(""),
};

static const fhs_str subsumes_params[] = {
    FHS_LIT_INIT("codeA"),   FHS_LIT_INIT("codeB"),   FHS_LIT_INIT("system"),
    FHS_LIT_INIT("version"), FHS_LIT_INIT("codingA"), FHS_LIT_INIT("codingB"),
    FHS_LIT_INIT(""),
};

const fhs_operation_def fhs_code_system_operations[] = {
    {.name = FHS_LIT_INIT("lookup"),
     .type = FHS_LIT_INIT("CodeSystem"),
     .levels = FHS_ON_TYPE,
     .params = lookup_params,
     .run = run_lookup},
    {.name = FHS_LIT_INIT("validate-code"),
     .type = FHS_LIT_INIT("CodeSystem"),
     .levels = FHS_ON_TYPE | FHS_ON_INSTANCE,
     .params = check_code_params,
     .run = run_check_code},
    {.name = FHS_LIT_INIT("subsumes"),
     .type = FHS_LIT_INIT("CodeSystem"),
     .levels = FHS_ON_TYPE | FHS_ON_INSTANCE,
     .params = subsumes_params,
     .run = run_subsumes},
};
const size_t fhs_code_system_operation_count = FHS_COUNT_OF(fhs_code_system_operations);
