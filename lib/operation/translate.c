/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ConceptMap/$translate: what the concept maps that may be seen say of a code, in either direction.
 * R4 and R5 name the same things differently; both names are known in every store.
 */
#include "interact/find.h"
#include "interact/interact.h"
#include "interact/sight.h"
#include "operation/terms_shared.h"

/* Maps that lead to other maps. */
#define OTHER_MAP_DEPTH 4u

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

typedef struct translation {
    fhs_terms_work *work;
    fhs_coding codings[FHS_CODINGS_MAX];
    size_t coding_count;
    bool is_reverse;
    bool is_r5; /* how the answer names things */
    fhs_str source_scope;
    fhs_str target_scope;
    fhs_str target_system;
    fhs_str map_url; /* of the map at work */
    fhs_buf matches;
    bool found;   /* one that is none of those that say there is none */
    bool depends; /* some were left out for what they depend on */
    size_t maps;
    unsigned depth;
} translation;

/* ---- the question ---- */

static fhs_str map_text(const fhs_json *object, const char *name)
{
    fhs_str text;
    return fhs_json_is(object, FHS_JSON_OBJECT) &&
                   fhs_json_get_string(object, fhs_str_from_cstr(name), &text)
               ? text
               : FHS_STR_NONE;
}

/* The first of two names that is there. */
static fhirstore_status either_text(translation *t, const char *one, const char *other,
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

static fhirstore_status add_translated_concept(translation *t, fhs_str name,
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

static fhirstore_status take_code_argument(translation *t, const fhs_argument *argument,
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
static fhirstore_status read_translated(translation *t)
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

static fhirstore_status read_translation(translation *t)
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

/* ---- one mapping ---- */

/* A canonical without its version is every version. */
static bool is_same_canonical(fhs_str wanted, fhs_str there)
{
    fhs_str plain;
    fhs_str version;
    if (fhs_str_find_char(wanted, '|', 0) < wanted.len) {
        return fhs_str_eq(wanted, there);
    }
    return fhs_str_eq(wanted, there) ||
           (fhs_str_split(there, '|', &plain, &version) && fhs_str_eq(wanted, plain));
}

static bool is_in_scope(const translation *t, const fhs_json *map, fhs_str wanted,
                        const char *const names[4])
{
    fhs_str there = FHS_STR_NONE;
    (void)t;
    for (size_t i = 0; i < 4 && there.len == 0; i++) {
        there = map_text(map, names[i]);
    }
    return wanted.len == 0 || there.len == 0 || is_same_canonical(wanted, there);
}

static fhs_str equivalence_of(const fhs_json *target)
{
    fhs_str text = map_text(target, "relationship");
    return text.len > 0 ? text : map_text(target, "equivalence");
}

/* The same seen from the other end. */
static fhs_str turn_around(fhs_str equivalence)
{
    static const fhs_str pairs[][2] = {
        {FHS_LIT_INIT("wider"), FHS_LIT_INIT("narrower")},
        {FHS_LIT_INIT("subsumes"), FHS_LIT_INIT("specializes")},
        {FHS_LIT_INIT("source-is-narrower-than-target"),
         FHS_LIT_INIT("source-is-broader-than-target")},
    };
    for (size_t i = 0; i < FHS_COUNT_OF(pairs); i++) {
        for (size_t k = 0; k < 2; k++) {
            if (fhs_str_eq(equivalence, pairs[i][k])) {
                return pairs[i][1 - k];
            }
        }
    }
    return equivalence;
}

static bool is_none(fhs_str equivalence)
{
    return fhs_str_eq(equivalence, FHS_LIT("unmatched")) ||
           fhs_str_eq(equivalence, FHS_LIT("disjoint")) ||
           fhs_str_eq(equivalence, FHS_LIT("not-related-to"));
}

static const fhs_json *items_of(const fhs_json *object, const char *name)
{
    const fhs_json *list = fhs_json_is(object, FHS_JSON_OBJECT)
                               ? fhs_json_get(object, fhs_str_from_cstr(name))
                               : NULL;
    return fhs_json_is(list, FHS_JSON_ARRAY) ? list : NULL;
}

static const fhs_json *named_part(const fhs_json *parts, const char *name)
{
    for (uint32_t i = 0; fhs_json_is(parts, FHS_JSON_ARRAY) && i < parts->count; i++) {
        if (fhs_json_is(&parts->items[i], FHS_JSON_OBJECT) &&
            fhs_str_eq(map_text(&parts->items[i], "name"), fhs_str_from_cstr(name))) {
            return &parts->items[i];
        }
    }
    return NULL;
}

/* Whether a "dependency" of the question is what a mapping depends on. */
static bool is_met(const fhs_json *depends, const fhs_argument *given)
{
    const fhs_json *element = named_part(given->json, "element");
    const fhs_json *concept = named_part(given->json, "concept");
    element = element != NULL ? element : named_part(given->json, "attribute");
    concept = concept != NULL ? concept : named_part(given->json, "value");
    fhs_str name = map_text(depends, "property");
    name = name.len > 0 ? name : map_text(depends, "attribute");
    fhs_str value = map_text(depends, "value");
    for (uint32_t i = 0; value.len == 0 && i < depends->count; i++) {
        const fhs_json_member *member = &depends->members[i];
        if (fhs_str_starts_with(member->name, FHS_LIT("value"))) {
            value = member->value.type == FHS_JSON_STRING ? member->value.text
                                                          : map_text(&member->value, "code");
        }
    }
    fhs_str said = map_text(element, "valueUri");
    said = said.len > 0 ? said : map_text(element, "valueCode");
    if (said.len == 0 || !fhs_str_eq(said, name) || !fhs_json_is(concept, FHS_JSON_OBJECT)) {
        return false;
    }
    for (uint32_t i = 0; i < concept->count; i++) {
        const fhs_json *is = &concept->members[i].value;
        const fhs_json *codings = items_of(is, "coding");
        if (!fhs_str_starts_with(concept->members[i].name, FHS_LIT("value"))) {
            continue;
        }
        if ((is->type == FHS_JSON_STRING && fhs_str_eq(is->text, value)) ||
            (is->type == FHS_JSON_OBJECT && fhs_str_eq(map_text(is, "code"), value))) {
            return true;
        }
        for (uint32_t k = 0; codings != NULL && k < codings->count; k++) {
            const fhs_str system = map_text(depends, "system");
            if (fhs_str_eq(map_text(&codings->items[k], "code"), value) &&
                (system.len == 0 || fhs_str_eq(map_text(&codings->items[k], "system"), system))) {
                return true;
            }
        }
    }
    return false;
}

static bool are_met(const translation *t, const fhs_json *target)
{
    const fhs_operation *operation = t->work->operation;
    const fhs_json *all = items_of(target, "dependsOn");
    for (uint32_t i = 0; all != NULL && i < all->count; i++) {
        bool met = false;
        for (size_t k = 0; k < operation->argument_count && !met; k++) {
            met = fhs_str_eq(operation->arguments[k].name, FHS_LIT("dependency")) &&
                  is_met(&all->items[i], &operation->arguments[k]);
        }
        if (!met) {
            return false;
        }
    }
    return true;
}

/* ---- one match ---- */

/* Nothing stands in the list yet. */
static bool is_open_list(const fhs_buf *out)
{
    return out->len > 0 && out->ptr[out->len - 1] == '[';
}

static void add_code_part(fhs_buf *out, const char *name, const char *type, fhs_str text)
{
    if (text.len > 0) {
        fhs_buf_addf(out, "%s{\"name\":\"%s\",\"%s\":", is_open_list(out) ? "" : ",", name, type);
        fhs_json_write_string(out, text);
        fhs_buf_add_char(out, '}');
    }
}

static void write_coding_member(fhs_buf *out, const char *name, fhs_str text, bool *is_first)
{
    if (text.len > 0) {
        fhs_buf_addf(out, "%s\"%s\":", *is_first ? "" : ",", name);
        fhs_json_write_string(out, text);
        *is_first = false;
    }
}

static void write_translated_coding(fhs_buf *out, fhs_str system, fhs_str code, fhs_str display)
{
    fhs_str plain = system;
    fhs_str version = FHS_STR_NONE;
    bool is_first = true;
    (void)fhs_str_split(system, '|', &plain, &version);
    fhs_buf_add_char(out, '{');
    write_coding_member(out, "system", plain, &is_first);
    write_coding_member(out, "version", version, &is_first);
    write_coding_member(out, "code", code, &is_first);
    write_coding_member(out, "display", display, &is_first);
    fhs_buf_add_char(out, '}');
}

/* What the mapping brings besides: property (R5: attribute) and value. */
static void write_products(fhs_buf *out, const fhs_json *target, bool is_r5)
{
    const fhs_json *products = items_of(target, "product");
    for (uint32_t i = 0; products != NULL && i < products->count; i++) {
        const fhs_json *product = &products->items[i];
        fhs_str name = map_text(product, "property");
        fhs_str value = map_text(product, "value");
        name = name.len > 0 ? name : map_text(product, "attribute");
        for (size_t k = 0; value.len == 0 && k < 3; k++) {
            static const char *const names[] = {"valueCode", "valueString", "valueUri"};
            value = map_text(product, names[k]);
        }
        fhs_buf_add_cstr(out, ",{\"name\":\"product\",\"part\":[");
        add_code_part(out, is_r5 ? "attribute" : "element", "valueUri", name);
        if (value.len > 0) {
            fhs_buf_addf(out, "%s{\"name\":\"%s\",\"valueCoding\":", is_open_list(out) ? "" : ",",
                         is_r5 ? "value" : "concept");
            write_translated_coding(out, map_text(product, "system"), value,
                                    map_text(product, "display"));
            fhs_buf_add_char(out, '}');
        }
        fhs_buf_add_cstr(out, "]}");
    }
}

static void add_translated(translation *t, fhs_str equivalence, fhs_str system, fhs_str code,
                           fhs_str display, const fhs_json *target)
{
    fhs_buf *out = &t->matches;
    t->found = t->found || (!is_none(equivalence) && code.len > 0);
    fhs_buf_add_cstr(out, ",{\"name\":\"match\",\"part\":[");
    add_code_part(out, t->is_r5 ? "relationship" : "equivalence", "valueCode", equivalence);
    if (code.len > 0) {
        fhs_buf_addf(out, "%s{\"name\":\"concept\",\"valueCoding\":", is_open_list(out) ? "" : ",");
        write_translated_coding(out, system, code, display);
        fhs_buf_add_char(out, '}');
    }
    if (target != NULL && !t->is_reverse) {
        write_products(out, target, t->is_r5);
    }
    add_code_part(out, t->is_r5 ? "originMap" : "source", "valueUri", t->map_url);
    fhs_buf_add_cstr(out, "]}");
}

/* ---- one map ---- */

static bool has_coding(const translation *t, fhs_str system, fhs_str code)
{
    for (size_t i = 0; i < t->coding_count; i++) {
        const fhs_coding *coding = &t->codings[i];
        if (fhs_str_eq(coding->code, code) &&
            (coding->system.len == 0 || is_same_canonical(coding->system, system))) {
            return true;
        }
    }
    return false;
}

static void translate_element(translation *t, const fhs_json *group, const fhs_json *element)
{
    const fhs_json *targets = items_of(element, "target");
    const fhs_str source = map_text(group, "source");
    const fhs_str target_system = map_text(group, "target");
    for (uint32_t i = 0; targets != NULL && i < targets->count; i++) {
        const fhs_json *target = &targets->items[i];
        const fhs_str code = map_text(target, "code");
        if (!fhs_json_is(target, FHS_JSON_OBJECT) ||
            (t->is_reverse && !has_coding(t, target_system, code))) {
            continue;
        }
        if (!are_met(t, target)) {
            t->depends = true;
        } else if (t->is_reverse) {
            add_translated(t, turn_around(equivalence_of(target)), source,
                           map_text(element, "code"), map_text(element, "display"), target);
        } else {
            add_translated(t, equivalence_of(target), target_system, code,
                           map_text(target, "display"), target);
        }
    }
}

static fhirstore_status translate_by_url(translation *t, fhs_str url);

/* What is not listed may have a rule of its own. */
static fhirstore_status translate_unmapped(translation *t, const fhs_json *group)
{
    const fhs_json *rule = fhs_json_get(group, FHS_LIT("unmapped"));
    const fhs_str mode = map_text(rule, "mode");
    const fhs_str system = map_text(group, "target");
    fhs_str how = map_text(rule, "relationship");
    if (fhs_str_eq(mode, FHS_LIT("provided")) || fhs_str_eq(mode, FHS_LIT("use-source-code"))) {
        how = how.len > 0 ? how : t->is_r5 ? FHS_LIT("equivalent") : FHS_LIT("equal");
        add_translated(t, how, system, t->codings[0].code, t->codings[0].display, NULL);
    } else if (fhs_str_eq(mode, FHS_LIT("fixed"))) {
        how = how.len > 0 ? how : t->is_r5 ? FHS_LIT("related-to") : FHS_LIT("relatedto");
        add_translated(t, how, system, map_text(rule, "code"), map_text(rule, "display"), NULL);
    } else if (fhs_str_eq(mode, FHS_LIT("other-map")) && t->depth < OTHER_MAP_DEPTH) {
        fhs_str url = map_text(rule, "url");
        url = url.len > 0 ? url : map_text(rule, "otherMap");
        const fhs_str kept = fhs_arena_dup(t->work->call->arena, url);
        if (kept.ptr == NULL) {
            return fhs_fail_memory(t->work->err);
        }
        return kept.len > 0 ? translate_by_url(t, kept) : FHIRSTORE_OK;
    }
    return FHIRSTORE_OK;
}

static bool has_system(const translation *t, fhs_str system)
{
    for (size_t i = 0; i < t->coding_count; i++) {
        if (is_same_canonical(t->codings[i].system, system)) {
            return true;
        }
    }
    return false;
}

/* @a other_out: a group that leads to another map; its rule is looked at when this map is done. */
static fhirstore_status translate_group(translation *t, const fhs_json *group)
{
    const fhs_json *elements = items_of(group, "element");
    const fhs_str source = map_text(group, "source");
    const fhs_str asked = t->is_reverse ? source : map_text(group, "target");
    bool is_listed = false;
    if ((t->target_system.len > 0 && !is_same_canonical(t->target_system, asked)) ||
        (!t->is_reverse && !has_system(t, source))) {
        return FHIRSTORE_OK;
    }
    for (uint32_t i = 0; elements != NULL && i < elements->count; i++) {
        const fhs_json *element = &elements->items[i];
        const bool is_it = fhs_json_is(element, FHS_JSON_OBJECT) &&
                           has_coding(t, source, map_text(element, "code"));
        is_listed = is_listed || is_it;
        if (fhs_json_is(element, FHS_JSON_OBJECT) && (t->is_reverse || is_it)) {
            translate_element(t, group, element);
        }
    }
    return is_listed || t->is_reverse ? FHIRSTORE_OK : translate_unmapped(t, group);
}

/* Its groups one by one. Another map may be read in between, so a map is a tree of its own. */
static fhirstore_status translate_map(translation *t, const fhs_json *map)
{
    static const char *const sources[] = {"sourceUri", "sourceCanonical", "sourceScopeUri",
                                          "sourceScopeCanonical"};
    static const char *const targets[] = {"targetUri", "targetCanonical", "targetScopeUri",
                                          "targetScopeCanonical"};
    const fhs_json *groups = items_of(map, "group");
    const fhs_str url = t->map_url;
    fhirstore_status status = FHIRSTORE_OK;
    t->maps++;
    if (!is_in_scope(t, map, t->source_scope, sources) ||
        !is_in_scope(t, map, t->target_scope, targets)) {
        return FHIRSTORE_OK;
    }
    t->map_url = map_text(map, "url");
    for (uint32_t i = 0; groups != NULL && i < groups->count && status >= FHIRSTORE_OK; i++) {
        if (fhs_json_is(&groups->items[i], FHS_JSON_OBJECT)) {
            status = translate_group(t, &groups->items[i]);
        }
    }
    t->map_url = url;
    return status;
}

/* ---- which maps ---- */

static fhirstore_status translate_version(translation *t, fhs_version *version)
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
        status = translate_map(t, map);
    }
    fhs_buf_clear(&body);
    fhs_arena_clear(&arena);
    return status;
}

/* The maps that a search of ConceptMaps finds; @a one: the first of them alone. */
static fhirstore_status translate_found(translation *t, const fhs_buf *text, bool one)
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
static fhirstore_status translate_by_url(translation *t, fhs_str url)
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
static fhirstore_status translate_by_system(translation *t)
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

static fhirstore_status translate_chosen(translation *t)
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
            !fhs_str_eq(map_text(given, "resourceType"), FHS_LIT("ConceptMap"))) {
            return fhs_argument_fail(FHS_LIT("conceptMap"), "expects a ConceptMap", t->work->err);
        }
        return status >= FHIRSTORE_OK ? translate_map(t, given) : status;
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
    status = translate_by_url(t, url);
    return status >= FHIRSTORE_OK && t->maps == 0
               ? fhs_fail(t->work->err, FHIRSTORE_ERR_NOT_FOUND, "no such concept map")
               : status;
}

/* ---- the answer ---- */

static fhirstore_status translate(fhs_terms_work *work)
{
    translation *t = fhs_arena_calloc(work->call->arena, 1, sizeof *t);
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
