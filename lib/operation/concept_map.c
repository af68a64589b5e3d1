/* SPDX-License-Identifier: Apache-2.0 */
#include "operation/concept_map.h"

fhs_str fhs_concept_map_text(const fhs_json *object, const char *name)
{
    fhs_str text;
    return fhs_json_is(object, FHS_JSON_OBJECT) &&
                   fhs_json_get_string(object, fhs_str_from_cstr(name), &text)
               ? text
               : FHS_STR_NONE;
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

static bool is_in_scope(const fhs_translation *t, const fhs_json *map, fhs_str wanted,
                        const char *const names[4])
{
    fhs_str there = FHS_STR_NONE;
    (void)t;
    for (size_t i = 0; i < 4 && there.len == 0; i++) {
        there = fhs_concept_map_text(map, names[i]);
    }
    return wanted.len == 0 || there.len == 0 || is_same_canonical(wanted, there);
}

static fhs_str equivalence_of(const fhs_json *target)
{
    fhs_str text = fhs_concept_map_text(target, "relationship");
    return text.len > 0 ? text : fhs_concept_map_text(target, "equivalence");
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
            fhs_str_eq(fhs_concept_map_text(&parts->items[i], "name"), fhs_str_from_cstr(name))) {
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
    fhs_str name = fhs_concept_map_text(depends, "property");
    name = name.len > 0 ? name : fhs_concept_map_text(depends, "attribute");
    fhs_str value = fhs_concept_map_text(depends, "value");
    for (uint32_t i = 0; value.len == 0 && i < depends->count; i++) {
        const fhs_json_member *member = &depends->members[i];
        if (fhs_str_starts_with(member->name, FHS_LIT("value"))) {
            value = member->value.type == FHS_JSON_STRING
                        ? member->value.text
                        : fhs_concept_map_text(&member->value, "code");
        }
    }
    fhs_str said = fhs_concept_map_text(element, "valueUri");
    said = said.len > 0 ? said : fhs_concept_map_text(element, "valueCode");
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
            (is->type == FHS_JSON_OBJECT && fhs_str_eq(fhs_concept_map_text(is, "code"), value))) {
            return true;
        }
        for (uint32_t k = 0; codings != NULL && k < codings->count; k++) {
            const fhs_str system = fhs_concept_map_text(depends, "system");
            if (fhs_str_eq(fhs_concept_map_text(&codings->items[k], "code"), value) &&
                (system.len == 0 ||
                 fhs_str_eq(fhs_concept_map_text(&codings->items[k], "system"), system))) {
                return true;
            }
        }
    }
    return false;
}

static bool are_met(const fhs_translation *t, const fhs_json *target)
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
        fhs_str name = fhs_concept_map_text(product, "property");
        fhs_str value = fhs_concept_map_text(product, "value");
        name = name.len > 0 ? name : fhs_concept_map_text(product, "attribute");
        for (size_t k = 0; value.len == 0 && k < 3; k++) {
            static const char *const names[] = {"valueCode", "valueString", "valueUri"};
            value = fhs_concept_map_text(product, names[k]);
        }
        fhs_buf_add_cstr(out, ",{\"name\":\"product\",\"part\":[");
        add_code_part(out, is_r5 ? "attribute" : "element", "valueUri", name);
        if (value.len > 0) {
            fhs_buf_addf(out, "%s{\"name\":\"%s\",\"valueCoding\":", is_open_list(out) ? "" : ",",
                         is_r5 ? "value" : "concept");
            write_translated_coding(out, fhs_concept_map_text(product, "system"), value,
                                    fhs_concept_map_text(product, "display"));
            fhs_buf_add_char(out, '}');
        }
        fhs_buf_add_cstr(out, "]}");
    }
}

static void add_translated(fhs_translation *t, fhs_str equivalence, fhs_str system, fhs_str code,
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

static bool has_coding(const fhs_translation *t, fhs_str system, fhs_str code)
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

static void translate_element(fhs_translation *t, const fhs_json *group, const fhs_json *element)
{
    const fhs_json *targets = items_of(element, "target");
    const fhs_str source = fhs_concept_map_text(group, "source");
    const fhs_str target_system = fhs_concept_map_text(group, "target");
    for (uint32_t i = 0; targets != NULL && i < targets->count; i++) {
        const fhs_json *target = &targets->items[i];
        const fhs_str code = fhs_concept_map_text(target, "code");
        if (!fhs_json_is(target, FHS_JSON_OBJECT) ||
            (t->is_reverse && !has_coding(t, target_system, code))) {
            continue;
        }
        if (!are_met(t, target)) {
            t->depends = true;
        } else if (t->is_reverse) {
            add_translated(t, turn_around(equivalence_of(target)), source,
                           fhs_concept_map_text(element, "code"),
                           fhs_concept_map_text(element, "display"), target);
        } else {
            add_translated(t, equivalence_of(target), target_system, code,
                           fhs_concept_map_text(target, "display"), target);
        }
    }
}

/* What is not listed may have a rule of its own. */
static fhirstore_status translate_unmapped(fhs_translation *t, const fhs_json *group)
{
    const fhs_json *rule = fhs_json_get(group, FHS_LIT("unmapped"));
    const fhs_str mode = fhs_concept_map_text(rule, "mode");
    const fhs_str system = fhs_concept_map_text(group, "target");
    fhs_str how = fhs_concept_map_text(rule, "relationship");
    if (fhs_str_eq(mode, FHS_LIT("provided")) || fhs_str_eq(mode, FHS_LIT("use-source-code"))) {
        how = how.len > 0 ? how : t->is_r5 ? FHS_LIT("equivalent") : FHS_LIT("equal");
        add_translated(t, how, system, t->codings[0].code, t->codings[0].display, NULL);
    } else if (fhs_str_eq(mode, FHS_LIT("fixed"))) {
        how = how.len > 0 ? how : t->is_r5 ? FHS_LIT("related-to") : FHS_LIT("relatedto");
        add_translated(t, how, system, fhs_concept_map_text(rule, "code"),
                       fhs_concept_map_text(rule, "display"), NULL);
    } else if (fhs_str_eq(mode, FHS_LIT("other-map")) && t->depth < FHS_OTHER_MAP_DEPTH) {
        fhs_str url = fhs_concept_map_text(rule, "url");
        url = url.len > 0 ? url : fhs_concept_map_text(rule, "otherMap");
        const fhs_str kept = fhs_arena_dup(t->work->call->arena, url);
        if (kept.ptr == NULL) {
            return fhs_fail_memory(t->work->err);
        }
        return kept.len > 0 ? fhs_translate_by_url(t, kept) : FHIRSTORE_OK;
    }
    return FHIRSTORE_OK;
}

static bool has_system(const fhs_translation *t, fhs_str system)
{
    for (size_t i = 0; i < t->coding_count; i++) {
        if (is_same_canonical(t->codings[i].system, system)) {
            return true;
        }
    }
    return false;
}

/* @a other_out: a group that leads to another map; its rule is looked at when this map is done. */
static fhirstore_status translate_group(fhs_translation *t, const fhs_json *group)
{
    const fhs_json *elements = items_of(group, "element");
    const fhs_str source = fhs_concept_map_text(group, "source");
    const fhs_str asked = t->is_reverse ? source : fhs_concept_map_text(group, "target");
    bool is_listed = false;
    if ((t->target_system.len > 0 && !is_same_canonical(t->target_system, asked)) ||
        (!t->is_reverse && !has_system(t, source))) {
        return FHIRSTORE_OK;
    }
    for (uint32_t i = 0; elements != NULL && i < elements->count; i++) {
        const fhs_json *element = &elements->items[i];
        const bool is_it = fhs_json_is(element, FHS_JSON_OBJECT) &&
                           has_coding(t, source, fhs_concept_map_text(element, "code"));
        is_listed = is_listed || is_it;
        if (fhs_json_is(element, FHS_JSON_OBJECT) && (t->is_reverse || is_it)) {
            translate_element(t, group, element);
        }
    }
    return is_listed || t->is_reverse ? FHIRSTORE_OK : translate_unmapped(t, group);
}

/* The groups one by one. Another map may be read in between, so a map is a tree of its own. */
fhirstore_status fhs_translate_map(fhs_translation *t, const fhs_json *map)
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
    t->map_url = fhs_concept_map_text(map, "url");
    for (uint32_t i = 0; groups != NULL && i < groups->count && status >= FHIRSTORE_OK; i++) {
        if (fhs_json_is(&groups->items[i], FHS_JSON_OBJECT)) {
            status = translate_group(t, &groups->items[i]);
        }
    }
    t->map_url = url;
    return status;
}
