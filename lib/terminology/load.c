/* SPDX-License-Identifier: Apache-2.0 */
/* Which resource a canonical url means, and code systems from their JSON. */
#include "terminology/terminology_internal.h"
#include "json/cursor.h"

/* Levels of concepts within concepts; JSON that is read has fewer. */
#define NESTING 256u

/* ---- finding ---- */

/* One resource that may be meant. */
typedef struct candidate {
    const fhs_json *json;
    int rank; /* 2 active, 1 draft or unknown, 0 retired */
    fhs_str version;
    int64_t updated_us;
} candidate;

typedef struct find_taker {
    fhs_terms *terms;
    fhs_terms_kind kind;
    fhs_str version; /* empty: any */
    candidate best;
} find_taker;

static bool is_digits(fhs_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
    }
    return text.len > 0;
}

static int compare_parts(fhs_str a, fhs_str b)
{
    if (is_digits(a) && is_digits(b)) {
        while (a.len > 1 && a.ptr[0] == '0') {
            a = fhs_str_from(a, 1);
        }
        while (b.len > 1 && b.ptr[0] == '0') {
            b = fhs_str_from(b, 1);
        }
        if (a.len != b.len) {
            return a.len < b.len ? -1 : 1;
        }
    }
    return fhs_str_compare(a, b);
}

/* "4.10.0" is above "4.9.1", "2020-02" above "2019". */
static int compare_versions(fhs_str a, fhs_str b)
{
    while (a.len > 0 && b.len > 0) {
        size_t a_len = 0;
        size_t b_len = 0;
        while (a_len < a.len && a.ptr[a_len] != '.' && a.ptr[a_len] != '-') {
            a_len++;
        }
        while (b_len < b.len && b.ptr[b_len] != '.' && b.ptr[b_len] != '-') {
            b_len++;
        }
        int order = compare_parts(fhs_str_of(a.ptr, a_len), fhs_str_of(b.ptr, b_len));
        if (order != 0) {
            return order;
        }
        a = fhs_str_from(a, a_len + 1);
        b = fhs_str_from(b, b_len + 1);
    }
    return a.len > 0 ? 1 : b.len > 0 ? -1 : 0;
}

static bool is_better(const candidate *one, const candidate *best)
{
    if (best->json == NULL || one->rank != best->rank) {
        return best->json == NULL || one->rank > best->rank;
    }
    int order = compare_versions(one->version, best->version);
    return order != 0 ? order > 0 : one->updated_us > best->updated_us;
}

static int rank_of_status(fhs_str status)
{
    if (fhs_str_eq(status, FHS_LIT("active"))) {
        return 2;
    }
    return fhs_str_eq(status, FHS_LIT("retired")) ? 0 : 1;
}

/* A supplement adds to a code system and is none. */
static bool is_supplement(const fhs_json *json)
{
    return fhs_str_eq(fhs_terms_text(json, FHS_LIT("content")), FHS_LIT("supplement"));
}

static fhirstore_status take_candidate(void *taker, fhs_str body, int64_t updated_us,
                                       fhirstore_error **err)
{
    find_taker *find = taker;
    candidate one = {.updated_us = updated_us};
    fhirstore_status status = fhs_terms_read(find->terms, body, &one.json, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    one.rank = rank_of_status(fhs_terms_text(one.json, FHS_LIT("status")));
    one.version = fhs_terms_text(one.json, FHS_LIT("version"));
    bool fits = find->version.len == 0 || fhs_str_eq(one.version, find->version);
    if (find->kind == FHS_TERMS_CODE_SYSTEM && is_supplement(one.json)) {
        fits = false;
    }
    if (fits && is_better(&one, &find->best)) {
        find->best = one;
    }
    return FHIRSTORE_OK;
}

static fhirstore_status read_defined(fhs_terms *terms, fhs_terms_kind kind, size_t index,
                                     const fhs_json **out, fhirstore_error **err)
{
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_TERMS_BYTES);
    fhs_defined_write(terms->fhir,
                      kind == FHS_TERMS_VALUE_SET ? FHS_DEFINED_VALUE_SET : FHS_DEFINED_CODE_SYSTEM,
                      index, &text);
    fhirstore_status status = fhs_buf_status(&text);
    status = status != FHIRSTORE_OK ? fhs_fail_plain(err, status)
                                    : fhs_terms_read(terms, fhs_buf_str(&text), out, err);
    fhs_buf_clear(&text);
    return status;
}

static fhirstore_status find_defined(fhs_terms *terms, fhs_terms_kind kind, fhs_str url,
                                     fhs_str version, const fhs_json **out, fhirstore_error **err)
{
    fhs_defined_kind defined = kind == FHS_TERMS_VALUE_SET ? FHS_DEFINED_VALUE_SET
                                                           : FHS_DEFINED_CODE_SYSTEM;
    size_t index = fhs_defined_find(terms->fhir, defined, url);
    if (index == fhs_defined_count(terms->fhir, defined)) {
        return FHIRSTORE_OK;
    }
    const fhs_json *json = NULL;
    fhirstore_status status = read_defined(terms, kind, index, &json, err);
    if (status == FHIRSTORE_OK &&
        (version.len == 0 || fhs_str_eq(fhs_terms_text(json, FHS_LIT("version")), version))) {
        *out = json;
    }
    return status;
}

fhirstore_status fhs_terms_find(fhs_terms *terms, fhs_terms_kind kind, fhs_str url, fhs_str version,
                                const fhs_json **out, fhirstore_error **err)
{
    find_taker find = {.terms = terms, .kind = kind, .version = version};
    *out = NULL;
    fhirstore_status status = FHIRSTORE_OK;
    if (terms->source != NULL) {
        status = terms->source->by_url(terms->source->ctx, kind, url, take_candidate, &find, err);
    }
    *out = find.best.json;
    return status == FHIRSTORE_OK && *out == NULL
               ? find_defined(terms, kind, url, version, out, err)
               : status;
}

fhirstore_status fhs_terms_find_id(fhs_terms *terms, fhs_terms_kind kind, fhs_str id,
                                   const fhs_json **out, fhirstore_error **err)
{
    find_taker find = {.terms = terms, .kind = kind};
    *out = NULL;
    if (terms->source == NULL) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = terms->source->by_id(terms->source->ctx, kind, id, take_candidate,
                                                   &find, err);
    *out = find.best.json;
    return status;
}

/* ---- code systems ---- */

/* Where one stands among concepts that hold concepts. */
typedef struct concept_level {
    const fhs_json *items;
    uint32_t count;
    uint32_t at;
    uint32_t parent;
} concept_level;

typedef struct concept_walk {
    concept_level levels[NESTING];
    uint32_t depth;
    uint32_t number; /* of the next concept */
} concept_walk;

static void begin_concepts(concept_walk *walk, const fhs_json *resource)
{
    walk->depth = 1;
    walk->number = 0;
    walk->levels[0] = (concept_level){.parent = FHS_CONCEPT_NONE};
    walk->levels[0].count = fhs_terms_items(resource, FHS_LIT("concept"), &walk->levels[0].items);
}

/* The next concept and what it is nested in; NULL at the end. */
static const fhs_json *next_concept(concept_walk *walk, uint32_t *parent_out)
{
    while (walk->depth > 0) {
        concept_level *level = &walk->levels[walk->depth - 1];
        if (level->at == level->count) {
            walk->depth--;
            continue;
        }
        const fhs_json *json = &level->items[level->at++];
        *parent_out = level->parent;
        if (walk->depth < NESTING) {
            concept_level *inner = &walk->levels[walk->depth];
            *inner = (concept_level){.parent = walk->number};
            inner->count = fhs_terms_items(json, FHS_LIT("concept"), &inner->items);
            walk->depth += inner->count > 0 ? 1 : 0;
        }
        walk->number++;
        return json;
    }
    return NULL;
}

static bool has_true_property(const fhs_json *json, const fhs_str *names, size_t name_count)
{
    const fhs_json *properties;
    uint32_t count = fhs_terms_items(json, FHS_LIT("property"), &properties);
    for (uint32_t i = 0; i < count; i++) {
        fhs_str code = fhs_terms_text(&properties[i], FHS_LIT("code"));
        for (size_t n = 0; n < name_count; n++) {
            if (fhs_str_eq(code, names[n]) &&
                fhs_terms_flag(&properties[i], FHS_LIT("valueBoolean"))) {
                return true;
            }
        }
    }
    return false;
}

static bool is_retired(const fhs_json *json)
{
    const fhs_json *properties;
    uint32_t count = fhs_terms_items(json, FHS_LIT("property"), &properties);
    for (uint32_t i = 0; i < count; i++) {
        fhs_str value = fhs_terms_text(&properties[i], FHS_LIT("valueCode"));
        if (fhs_str_eq(fhs_terms_text(&properties[i], FHS_LIT("code")), FHS_LIT("status")) &&
            (fhs_str_eq(value, FHS_LIT("retired")) || fhs_str_eq(value, FHS_LIT("inactive")))) {
            return true;
        }
    }
    return false;
}

static void read_concept(const fhs_json *json, uint32_t parent, fhs_concept *out)
{
    static const fhs_str inactive[] = {FHS_LIT_INIT("inactive")};
    static const fhs_str abstract[] = {FHS_LIT_INIT("notSelectable"), FHS_LIT_INIT("abstract")};
    *out = (fhs_concept){
        .code = fhs_terms_text(json, FHS_LIT("code")),
        .display = fhs_terms_text(json, FHS_LIT("display")),
        .json = json,
        .parent = parent,
        .is_inactive = has_true_property(json, inactive, 1) || is_retired(json),
        .is_abstract = has_true_property(json, abstract, 2),
    };
}

static void put_slot(uint32_t *slots, fhs_code_system *system, uint32_t number)
{
    uint32_t at = fhs_terms_hash(system->concepts[number].code, 0) & system->slot_mask;
    while (slots[at] != 0) {
        if (fhs_str_eq(system->concepts[slots[at] - 1].code, system->concepts[number].code)) {
            return; /* the first one holds */
        }
        at = (at + 1) & system->slot_mask;
    }
    slots[at] = number + 1;
}

static fhirstore_status read_concepts(fhs_terms *terms, const fhs_json *resource,
                                      fhs_code_system *system, fhirstore_error **err)
{
    concept_walk *walk = fhs_terms_alloc(terms, 1, sizeof *walk, err);
    uint32_t parent;
    const fhs_json *json;
    if (walk == NULL) {
        return terms->failed;
    }
    begin_concepts(walk, resource);
    while (next_concept(walk, &parent) != NULL) {
        system->count++;
    }
    uint32_t slot_count = fhs_terms_slots(system->count);
    fhs_concept *concepts = fhs_terms_alloc(terms, system->count, sizeof *concepts, err);
    uint32_t *slots = concepts == NULL ? NULL
                                       : fhs_terms_alloc(terms, slot_count, sizeof *slots, err);
    if (slots == NULL) {
        return terms->failed;
    }
    system->concepts = concepts;
    system->slots = slots;
    system->slot_mask = slot_count - 1;
    begin_concepts(walk, resource);
    for (uint32_t i = 0; (json = next_concept(walk, &parent)) != NULL; i++) {
        read_concept(json, parent, &concepts[i]);
        put_slot(slots, system, i);
    }
    return fhs_terms_link(terms, system, err);
}

static fhs_terms_content content_of(const fhs_json *resource)
{
    fhs_str content = fhs_terms_text(resource, FHS_LIT("content"));
    if (fhs_str_eq(content, FHS_LIT("complete"))) {
        return FHS_CONTENT_COMPLETE;
    }
    if (fhs_str_eq(content, FHS_LIT("fragment"))) {
        return FHS_CONTENT_FRAGMENT;
    }
    return fhs_str_eq(content, FHS_LIT("example")) ? FHS_CONTENT_EXAMPLE : FHS_CONTENT_NOT_PRESENT;
}

/* What is nested is a kind of what it is nested in, unless the code system says otherwise. */
static bool has_subsumption(const fhs_json *resource)
{
    fhs_str meaning = fhs_terms_text(resource, FHS_LIT("hierarchyMeaning"));
    return meaning.len == 0 || fhs_str_eq(meaning, FHS_LIT("is-a"));
}

static fhs_str name_of(const fhs_json *resource)
{
    fhs_str name = fhs_terms_text(resource, FHS_LIT("title"));
    if (name.len == 0) {
        name = fhs_terms_text(resource, FHS_LIT("name"));
    }
    return name.len > 0 ? name : fhs_terms_text(resource, FHS_LIT("url"));
}

static bool is_sensitive(const fhs_terms *terms, const fhs_json *resource, fhs_str url)
{
    return fhs_json_get(resource, FHS_LIT("caseSensitive")) != NULL
               ? fhs_terms_flag(resource, FHS_LIT("caseSensitive"))
               : fhs_system_is_case_sensitive(terms->fhir, url);
}

fhirstore_status fhs_terms_read_code_system(fhs_terms *terms, const fhs_json *resource,
                                            const fhs_code_system **out, fhirstore_error **err)
{
    *out = NULL;
    if (!fhs_json_is(resource, FHS_JSON_OBJECT) || is_supplement(resource)) {
        return fhs_fail(err, FHIRSTORE_ERR_CODE_SYSTEM, "a supplement is not a code system");
    }
    fhs_code_system *system = fhs_terms_alloc(terms, 1, sizeof *system, err);
    if (system == NULL) {
        return terms->failed;
    }
    *system = (fhs_code_system){
        .url = fhs_terms_text(resource, FHS_LIT("url")),
        .version = fhs_terms_text(resource, FHS_LIT("version")),
        .name = name_of(resource),
        .content = content_of(resource),
        .has_subsumption = has_subsumption(resource),
        .json = resource,
    };
    system->is_case_sensitive = is_sensitive(terms, resource, system->url);
    *out = system;
    return read_concepts(terms, resource, system, err);
}

fhirstore_status fhs_terms_code_system(fhs_terms *terms, fhs_str url, fhs_str version,
                                       const fhs_code_system **out, fhirstore_error **err)
{
    *out = NULL;
    for (const fhs_loaded_system *at = terms->systems; at != NULL; at = at->next) {
        if (fhs_str_eq(at->url, url) && fhs_str_eq(at->version, version)) {
            *out = at->system;
            return FHIRSTORE_OK;
        }
    }
    const fhs_json *json = NULL;
    fhs_loaded_system *loaded = fhs_terms_alloc(terms, 1, sizeof *loaded, err);
    if (loaded == NULL) {
        return terms->failed;
    }
    loaded->url = fhs_arena_dup(&terms->arena, url);
    loaded->version = fhs_arena_dup(&terms->arena, version);
    if (loaded->url.ptr == NULL || loaded->version.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    fhirstore_status status = fhs_terms_find(terms, FHS_TERMS_CODE_SYSTEM, url, version, &json,
                                             err);
    if (status == FHIRSTORE_OK && json != NULL) {
        status = fhs_terms_read_code_system(terms, json, &loaded->system, err);
    }
    if (status == FHIRSTORE_OK) {
        loaded->next = terms->systems;
        terms->systems = loaded;
        *out = loaded->system;
    }
    return status;
}

uint32_t fhs_code_system_find(const fhs_code_system *system, fhs_str code)
{
    uint32_t at = fhs_terms_hash(code, 0) & system->slot_mask;
    while (system->slots[at] != 0) {
        uint32_t number = system->slots[at] - 1;
        fhs_str known = system->concepts[number].code;
        if (system->is_case_sensitive ? fhs_str_eq(known, code)
                                      : fhs_str_eq_ascii_case(known, code)) {
            return number;
        }
        at = (at + 1) & system->slot_mask;
    }
    return FHS_CONCEPT_NONE;
}

/* ---- case ---- */

fhirstore_status fhs_terms_read_case(fhs_str body, uint8_t *said_out, fhirstore_error **err)
{
    fhs_json_cursor cursor;
    fhs_str name;
    fhs_str value;
    *said_out = FHS_CASE_NOT_SAID;
    fhirstore_status status = fhs_json_cursor_open(body, 0, &cursor, err);
    while (status == FHIRSTORE_OK) {
        status = fhs_json_cursor_next(&cursor, &name, &value, NULL, err);
        if (status == FHIRSTORE_OK && fhs_str_eq(name, FHS_LIT("caseSensitive"))) {
            *said_out = fhs_str_eq(value, FHS_LIT("true")) ? FHS_CASE_COUNTS : FHS_CASE_COUNTS_NOT;
            return FHIRSTORE_OK;
        }
    }
    return status == FHIRSTORE_DONE ? FHIRSTORE_OK : status;
}
