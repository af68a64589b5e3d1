/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ConceptMap/$translate: what the concept maps that may be seen say of a code, in either direction.
 * R4 and R5 name the same things differently; both names are known in every store.
 */
#include "interact/find.h"
#include "interact/interact.h"
#include "interact/sight.h"
#include "operation/concept_map.h"

static const fhs_str translate_params[] = {FHS_LIT_INIT("url"),
                                           FHS_LIT_INIT("conceptMap"),
                                           FHS_LIT_INIT("system"),
                                           FHS_LIT_INIT("conceptMapVersion"),
                                           FHS_LIT_INIT("version"),
                                           FHS_LIT_INIT("code"),
                                           FHS_LIT_INIT("coding"),
                                           FHS_LIT_INIT("codeableConcept"),
                                           FHS_LIT_INIT("source"),
                                           FHS_LIT_INIT("target"),
                                           FHS_LIT_INIT("targetsystem"),
                                           FHS_LIT_INIT("dependency"),
                                           FHS_LIT_INIT("reverse"),
                                           FHS_LIT_INIT("sourceCode"),
                                           FHS_LIT_INIT("sourceCoding"),
                                           FHS_LIT_INIT("sourceCodeableConcept"),
                                           FHS_LIT_INIT("targetCode"),
                                           FHS_LIT_INIT("targetCoding"),
                                           FHS_LIT_INIT("sourceScope"),
                                           FHS_LIT_INIT("targetCodeableConcept"),
                                           FHS_LIT_INIT("targetScope"),
                                           FHS_LIT_INIT("targetSystem"),
                                           FHS_LIT_INIT("displayLanguage"),
                                           FHS_LIT_INIT("")};
static const fhs_str translate_lists[] = {FHS_LIT_INIT("dependency"), FHS_LIT_INIT("")};

/* ---- the question ---- */

/* The first of two names that is there. */
static fhirstore_status either_text(fhs_translation *t, const char *one, const char *other,
                                    fhs_str *out)
{
    const fhs_operation *operation = t->work->operation;
    fhs_str second = FHS_STR_NONE;
    fhirstore_status status = fhs_argument_text(operation, fhs_str_from_cstr(one), out,
                                                t->work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_text(operation, fhs_str_from_cstr(other), &second, t->work->err);
    }
    if (status >= FHIRSTORE_OK && out->len > 0 && second.len > 0) {
        return fhs_argument_fail(fhs_str_from_cstr(other), "says what another parameter says",
                                 t->work->err);
    }
    *out = out->len > 0 ? *out : second;
    return status;
}

static fhirstore_status add_translated_concept(fhs_translation *t, fhs_str name,
                                               const fhs_json *concept)
{
    const fhs_json *codings = fhs_json_get(concept, FHS_LIT("coding"));
    if (!fhs_json_is(codings, FHS_JSON_ARRAY) || codings->count == 0 ||
        codings->count > FHS_CODINGS_MAX) {
        return fhs_argument_fail(name, "expects a list of 1 to 64 codings", t->work->err);
    }
    for (uint32_t i = 0; i < codings->count; i++) {
        fhirstore_status status = fhs_terms_coding(t->work, &codings->items[i], name,
                                                   &t->codings[t->coding_count++]);
        if (status < FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}

static fhirstore_status take_code_argument(fhs_translation *t, const fhs_argument *argument,
                                           size_t form)
{
    fhs_coding *coding = &t->codings[0];
    const fhs_operation *operation = t->work->operation;
    if (form == 0) {
        fhirstore_status status = fhs_argument_text(operation, argument->name, &coding->code,
                                                    t->work->err);
        if (status >= FHIRSTORE_OK) {
            status = fhs_argument_text(operation, FHS_LIT("system"), &coding->system, t->work->err);
        }
        t->coding_count = 1;
        return status >= FHIRSTORE_OK && coding->system.len == 0
                   ? fhs_argument_fail(FHS_LIT("system"), "is missing beside the code",
                                       t->work->err)
                   : status;
    }
    if (!fhs_json_is(argument->json, FHS_JSON_OBJECT)) {
        return fhs_argument_fail(argument->name, "expects an object, in a Parameters resource",
                                 t->work->err);
    }
    if (form == 1) {
        t->coding_count = 1;
        return fhs_terms_coding(t->work, argument->json, argument->name, coding);
    }
    return add_translated_concept(t, argument->name, argument->json);
}

/* One of the ways to name a code, which also says the direction. */
static fhirstore_status read_translated(fhs_translation *t)
{
    static const char *const names[][3] = {
        {"code", "coding", "codeableConcept"},
        {"sourceCode", "sourceCoding", "sourceCodeableConcept"},
        {"targetCode", "targetCoding", "targetCodeableConcept"},
    };
    const fhs_argument *found = NULL;
    size_t form = 0;
    for (size_t way = 0; way < FHS_COUNT_OF(names); way++) {
        for (size_t i = 0; i < 3; i++) {
            const fhs_argument *one = fhs_argument_find(t->work->operation,
                                                        fhs_str_from_cstr(names[way][i]));
            if (one != NULL && found != NULL) {
                return fhs_argument_fail(one->name, "goes with no other code", t->work->err);
            }
            if (one != NULL) {
                found = one;
                form = i;
                t->is_reverse = way == 2;
            }
        }
    }
    return found == NULL ? fhs_argument_fail(FHS_LIT("code"),
                                             "is missing, or 'coding', 'codeableConcept' "
                                             "and the like",
                                             t->work->err)
                         : take_code_argument(t, found, form);
}

static fhirstore_status read_translation(fhs_translation *t)
{
    bool reverse = false;
    fhirstore_status status = read_translated(t);
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_flag(t->work->operation, FHS_LIT("reverse"), false, &reverse,
                                   t->work->err);
    }
    t->is_reverse = t->is_reverse || reverse;
    if (status >= FHIRSTORE_OK) {
        status = either_text(t, "source", "sourceScope", &t->source_scope);
    }
    if (status >= FHIRSTORE_OK) {
        status = either_text(t, "target", "targetScope", &t->target_scope);
    }
    if (status >= FHIRSTORE_OK) {
        status = either_text(t, "targetsystem", "targetSystem", &t->target_system);
    }
    /* R4: with reverse, source and target change places. */
    if (reverse) {
        const fhs_str scope = t->source_scope;
        t->source_scope = t->target_scope;
        t->target_scope = scope;
    }
    return status;
}

/* ---- which maps ---- */

static fhirstore_status translate_version(fhs_translation *t, fhs_version *version)
{
    const fhs_json *map = NULL;
    fhs_arena arena;
    fhs_buf body = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_arena_init(&arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_sight_take_body(t->work->call, t->work->call->type, version,
                                                  &body, t->work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_buf_status(&body) == FHIRSTORE_OK
                     ? fhs_json_read(&arena, fhs_buf_str(&body), NULL, &map, t->work->err)
                     : fhs_fail_plain(t->work->err, fhs_buf_status(&body));
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_translate_map(t, map);
    }
    fhs_buf_clear(&body);
    fhs_arena_clear(&arena);
    return status;
}

/* The maps that a search of ConceptMaps finds; @a one: the first of them alone. */
static fhirstore_status translate_found(fhs_translation *t, const fhs_buf *text, bool one)
{
    fhs_call *call = t->work->call;
    const fhs_core *core = call->session->core;
    fhs_search_env env;
    fhs_search *search = NULL;
    fhs_query *query = NULL;
    fhs_version version;
    fhs_params *params = NULL;
    fhirstore_status status = fhs_call_params(call, &params, t->work->err);
    fhs_str kept = fhs_buf_status(text) == FHIRSTORE_OK
                       ? fhs_arena_dup(call->arena, fhs_buf_str(text))
                       : FHS_STR_NONE;
    if (status >= FHIRSTORE_OK && kept.ptr == NULL) {
        status = fhs_fail_memory(t->work->err);
    }
    if (status >= FHIRSTORE_OK) {
        const fhs_query_options options = {.fhir = fhs_params_fhir(params),
                                           .base_url = core->base_url,
                                           .now_us = fhs_core_now(core)};
        status = fhs_query_parse(call->arena, &options, call->type, kept, &query, t->work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_find_open(call, params, false, call->arena, query, &env, &search,
                               t->work->err);
    }
    if (status >= FHIRSTORE_OK) {
        fhs_search_in_one_piece(search);
    }
    while (status >= FHIRSTORE_OK &&
           (status = fhs_search_next(search, &version, t->work->err)) == FHIRSTORE_OK) {
        status = translate_version(t, &version);
        if (one) {
            break;
        }
    }
    fhs_search_close(search);
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

/* Search values take a backslash before what separates them. */
static void add_search_value(fhs_buf *out, fhs_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        const char c = value.ptr[i];
        fhs_buf_add_cstr(out, c == ',' || c == '$' || c == '\\' || c == '|' ? "%5C" : "");
        fhs_url_encode(out, fhs_str_of(value.ptr + i, 1));
    }
}

/* The newest of the url, or of that version of it. */
fhirstore_status fhs_translate_by_url(fhs_translation *t, fhs_str url)
{
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    fhs_str plain = url;
    fhs_str version = FHS_STR_NONE;
    (void)fhs_str_split(url, '|', &plain, &version);
    fhs_buf_add_cstr(&text, "_sort=-_lastUpdated&url=");
    add_search_value(&text, plain);
    if (version.len > 0) {
        fhs_buf_add_cstr(&text, "&version=");
        add_search_value(&text, version);
    }
    t->depth++;
    fhirstore_status status = translate_found(t, &text, true);
    t->depth--;
    fhs_buf_clear(&text);
    return status;
}

/* Every map that speaks of one of the systems. */
static fhirstore_status translate_by_system(fhs_translation *t)
{
    const fhs_fhir *fhir = t->work->env.fhir;
    const fhs_type type = t->work->call->type;
    const char *names[] = {t->is_reverse ? "target-system" : "source-system",
                           t->is_reverse ? "target-group-system" : "source-group-system"};
    const bool is_new = fhs_sparam_find(fhir, type, fhs_str_from_cstr(names[0])) == FHS_SPARAM_NONE;
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    size_t count = 0;
    fhs_buf_addf(&text, "%s=", names[is_new ? 1 : 0]);
    for (size_t i = 0; i < t->coding_count; i++) {
        if (t->codings[i].system.len > 0) {
            fhs_buf_add_cstr(&text, count++ > 0 ? "," : "");
            add_search_value(&text, t->codings[i].system);
        }
    }
    fhirstore_status status = count == 0 ? FHIRSTORE_OK : translate_found(t, &text, false);
    fhs_buf_clear(&text);
    return status;
}

static fhirstore_status translate_chosen(fhs_translation *t)
{
    const fhs_operation *operation = t->work->operation;
    const fhs_json *given = NULL;
    fhs_str url;
    fhs_str version;
    const bool has_id = t->work->call->id.len > 0;
    fhirstore_status status = fhs_argument_text(operation, FHS_LIT("url"), &url, t->work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_text(operation, FHS_LIT("conceptMapVersion"), &version, t->work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_object(operation, FHS_LIT("conceptMap"), &given, t->work->err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (has_id + (url.len > 0) + (given != NULL) > 1) {
        return fhs_argument_fail(given != NULL ? FHS_LIT("conceptMap") : FHS_LIT("url"),
                                 "goes with no other concept map", t->work->err);
    }
    if (given != NULL || has_id) {
        status = has_id ? fhs_terms_instance(t->work, &given) : FHIRSTORE_OK;
        if (status >= FHIRSTORE_OK &&
            !fhs_str_eq(fhs_concept_map_text(given, "resourceType"), FHS_LIT("ConceptMap"))) {
            return fhs_argument_fail(FHS_LIT("conceptMap"), "expects a ConceptMap", t->work->err);
        }
        return status >= FHIRSTORE_OK ? fhs_translate_map(t, given) : status;
    }
    if (url.len == 0) {
        return translate_by_system(t);
    }
    if (version.len > 0 && fhs_str_find_char(url, '|', 0) == url.len) {
        fhs_buf both = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES * 2);
        fhs_buf_addf(&both, "%.*s|%.*s", FHS_STR_ARG(url), FHS_STR_ARG(version));
        url = fhs_arena_dup(t->work->call->arena, fhs_buf_str(&both));
        status = fhs_buf_status(&both);
        fhs_buf_clear(&both);
        if (status < FHIRSTORE_OK || url.ptr == NULL) {
            return fhs_fail_memory(t->work->err);
        }
    }
    status = fhs_translate_by_url(t, url);
    return status >= FHIRSTORE_OK && t->maps == 0
               ? fhs_fail(t->work->err, FHIRSTORE_ERR_NOT_FOUND, "no such concept map")
               : status;
}

/* ---- the answer ---- */

static fhirstore_status translate(fhs_terms_work *work)
{
    fhs_translation *t = fhs_arena_calloc(work->call->arena, 1, sizeof *t);
    if (t == NULL) {
        return fhs_fail_memory(work->err);
    }
    t->work = work;
    t->is_r5 = fhs_fhir_version_of(work->env.fhir) == FHS_FHIR_R5;
    fhs_buf_init(&t->matches, FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = read_translation(t);
    if (status >= FHIRSTORE_OK) {
        status = translate_chosen(t);
    }
    if (status >= FHIRSTORE_OK) {
        fhs_terms_begin(work);
        fhs_terms_add_bool(work, "result", t->found);
        fhs_terms_add(work, "message", "valueString",
                      t->depends    ? FHS_LIT("mappings were left out for what they depend on")
                      : t->found    ? FHS_STR_NONE
                      : t->maps > 0 ? FHS_LIT("no concept map translates the code")
                                    : FHS_LIT("there is no concept map for the code"));
        fhs_buf_add_buf(work->out, &t->matches);
        fhs_terms_end(work);
    }
    fhs_buf_clear(&t->matches);
    return status;
}

static fhirstore_status run_translate(fhs_call *call, const fhs_operation *operation,
                                      fhs_answer *answer, fhirstore_error **err)
{
    return fhs_terms_run(call, operation, answer, translate, err);
}

const fhs_operation_def fhs_translate_operations[] = {
    {.name = FHS_LIT_INIT("translate"),
     .type = FHS_LIT_INIT("ConceptMap"),
     .levels = FHS_ON_TYPE | FHS_ON_INSTANCE,
     .params = translate_params,
     .run = run_translate,
     .lists = translate_lists},
};
const size_t fhs_translate_operation_count = FHS_COUNT_OF(fhs_translate_operations);
