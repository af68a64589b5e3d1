/* SPDX-License-Identifier: Apache-2.0 */
/* Which codes a value set holds: its definition carried out, or the expansion it comes with. */
#include "base/fold.h"
#include "terminology/terminology_internal.h"

/* Levels of an expansion's "contains"; JSON that is read has fewer. */
#define NESTING 256u

/* ---- finding value sets ---- */

fhirstore_status fhs_terms_value_set(fhs_terms *terms, fhs_str name, bool is_id,
                                     const fhs_json **out, fhirstore_error **err)
{
    fhs_str url = name;
    fhs_str version = FHS_STR_NONE;
    *out = NULL;
    for (const fhs_loaded_set *at = terms->sets; at != NULL && !is_id; at = at->next) {
        if (fhs_str_eq(at->name, name)) {
            *out = at->json;
            return FHIRSTORE_OK;
        }
    }
    fhs_loaded_set *loaded = fhs_terms_alloc(terms, 1, sizeof *loaded, err);
    if (loaded == NULL) {
        return terms->failed;
    }
    loaded->name = fhs_arena_dup(&terms->arena, name);
    if (loaded->name.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    if (!is_id && !fhs_str_split(name, '|', &url, &version)) {
        url = name;
    }
    fhirstore_status status =
        is_id ? fhs_terms_find_id(terms, FHS_TERMS_VALUE_SET, name, &loaded->json, err)
              : fhs_terms_find(terms, FHS_TERMS_VALUE_SET, url, version, &loaded->json, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (loaded->json == NULL) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_FOUND, "the value set is not known here");
    }
    if (!is_id) {
        loaded->next = terms->sets;
        terms->sets = loaded;
    }
    *out = loaded->json;
    return FHIRSTORE_OK;
}

/* ---- one include or exclude ---- */

typedef struct expansion {
    fhs_terms *terms;
    bool active_only;
    fhirstore_error **err;
} expansion;

static fhs_term term_of_concept(const fhs_code_system *system, uint32_t number)
{
    const fhs_concept *concept = &system->concepts[number];
    return (fhs_term){
        .system = system->url,
        .version = system->version,
        .code = concept->code,
        .display = concept->display,
        .of = system,
        .concept = number,
        .is_case_sensitive = system->is_case_sensitive,
    };
}

static fhirstore_status add_concept(expansion *work, const fhs_code_system *system, uint32_t number,
                                    fhs_set_draft *set)
{
    fhs_term term = term_of_concept(system, number);
    if (work->active_only && system->concepts[number].is_inactive) {
        return FHIRSTORE_OK;
    }
    return fhs_set_add(set, &term, work->err);
}

/* A code that the value set names itself; its code system need not be at hand. */
static fhirstore_status add_named(expansion *work, fhs_str url, fhs_str version,
                                  const fhs_code_system *system, const fhs_json *named,
                                  fhs_set_draft *set)
{
    fhs_str code = fhs_terms_text(named, FHS_LIT("code"));
    fhs_str display = fhs_terms_text(named, FHS_LIT("display"));
    uint32_t number = system == NULL ? FHS_CONCEPT_NONE : fhs_code_system_find(system, code);
    fhs_term term = {
        .system = url,
        .version = version,
        .code = code,
        .is_case_sensitive = system != NULL ? system->is_case_sensitive
                                            : fhs_system_is_case_sensitive(work->terms->fhir, url),
    };
    if (number != FHS_CONCEPT_NONE) {
        term = term_of_concept(system, number);
        if (work->active_only && system->concepts[number].is_inactive) {
            return FHIRSTORE_OK;
        }
    }
    if (code.len == 0) {
        return fhs_fail(work->err, FHIRSTORE_ERR_VALUE_SET, "the value set names an empty code");
    }
    term.display = display.len > 0 ? display : term.display;
    term.json = named;
    return fhs_set_add(set, &term, work->err);
}

static fhirstore_status add_filtered(expansion *work, const fhs_code_system *system,
                                     const fhs_json *filters, uint32_t filter_count,
                                     fhs_set_draft *set)
{
    if (system == NULL || system->content != FHS_CONTENT_COMPLETE) {
        return fhs_fail(work->err, FHIRSTORE_ERR_VALUE_SET,
                        "the value set cannot be expanded: it filters a code system whose codes "
                        "are not all here");
    }
    uint8_t *marks = fhs_terms_alloc(work->terms, system->count, 1, work->err);
    fhirstore_status status = marks == NULL ? work->terms->failed : FHIRSTORE_OK;
    if (status == FHIRSTORE_OK) {
        memset(marks, 1, system->count);
    }
    for (uint32_t i = 0; i < filter_count && status == FHIRSTORE_OK; i++) {
        status = fhs_terms_filter(work->terms, system, &filters[i], marks, work->err);
    }
    for (uint32_t i = 0; i < system->count && status == FHIRSTORE_OK; i++) {
        if (marks[i] != 0) {
            status = add_concept(work, system, i, set);
        }
    }
    return status;
}

static fhirstore_status add_system_part(expansion *work, const fhs_json *part, fhs_set_draft *set)
{
    fhs_str url = fhs_terms_text(part, FHS_LIT("system"));
    fhs_str version = fhs_terms_text(part, FHS_LIT("version"));
    const fhs_code_system *system;
    const fhs_json *concepts;
    const fhs_json *filters;
    fhirstore_status status = fhs_terms_code_system(work->terms, url, version, &system, work->err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    uint32_t concept_count = fhs_terms_items(part, FHS_LIT("concept"), &concepts);
    uint32_t filter_count = fhs_terms_items(part, FHS_LIT("filter"), &filters);
    if (concept_count > 0 && filter_count > 0) {
        return fhs_fail(work->err, FHIRSTORE_ERR_VALUE_SET,
                        "the value set names concepts and filters in one part");
    }
    if (filter_count > 0) {
        return add_filtered(work, system, filters, filter_count, set);
    }
    for (uint32_t i = 0; i < concept_count && status == FHIRSTORE_OK; i++) {
        status = add_named(work, url, version, system, &concepts[i], set);
    }
    if (concept_count > 0) {
        return status;
    }
    if (system == NULL || system->content != FHS_CONTENT_COMPLETE) {
        return fhs_set_add_whole(set, url, work->err);
    }
    for (uint32_t i = 0; i < system->count && status == FHIRSTORE_OK; i++) {
        status = add_concept(work, system, i, set);
    }
    return status;
}

static fhirstore_status expand_into(expansion *work, const fhs_json *value_set, fhs_set_draft *set);

/* The codes of another value set, made once: many may include it. */
static fhirstore_status expand_other(expansion *work, fhs_str name, const fhs_set_draft **out)
{
    fhs_terms *terms = work->terms;
    const fhs_json *json = NULL;
    fhirstore_status status = fhs_terms_value_set(terms, name, false, &json, work->err);
    if (status == FHIRSTORE_ERR_NOT_FOUND) {
        return fhs_fail(work->err, FHIRSTORE_ERR_VALUE_SET,
                        "the value set includes one that is not known here");
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_loaded_set *loaded = terms->sets;
    while (loaded->json != json) {
        loaded = loaded->next;
    }
    fhs_set_draft **made = &loaded->made[work->active_only ? 1 : 0];
    if (*made == NULL) {
        fhs_set_draft *set = fhs_terms_alloc(terms, 1, sizeof *set, work->err);
        if (set == NULL) {
            return terms->failed;
        }
        set->terms = terms;
        status = expand_into(work, json, set);
        *made = status == FHIRSTORE_OK ? set : NULL;
    }
    *out = *made;
    return status;
}

/* Only what the value set called @a name has as well. */
static fhirstore_status narrow_part(expansion *work, fhs_str name, bool is_first,
                                    fhs_set_draft *set)
{
    const fhs_set_draft *other = NULL;
    fhs_set_draft both = {.terms = work->terms};
    fhirstore_status status = expand_other(work, name, &other);
    if (status == FHIRSTORE_OK && is_first) {
        status = fhs_set_unite(set, other, work->err);
    } else if (status == FHIRSTORE_OK) {
        status = fhs_set_intersect(set, other, &both, work->err);
        *set = both;
    }
    return status;
}

static fhirstore_status expand_part(expansion *work, const fhs_json *part, fhs_set_draft *set)
{
    const fhs_json *names;
    uint32_t name_count = fhs_terms_items(part, FHS_LIT("valueSet"), &names);
    bool has_system = fhs_terms_text(part, FHS_LIT("system")).len > 0;
    if (!has_system && name_count == 0) {
        return fhs_fail(work->err, FHIRSTORE_ERR_VALUE_SET,
                        "a part of the value set names neither a code system nor a value set");
    }
    fhirstore_status status = has_system ? add_system_part(work, part, set) : FHIRSTORE_OK;
    for (uint32_t i = 0; i < name_count && status == FHIRSTORE_OK; i++) {
        status = narrow_part(work, names[i].type == FHS_JSON_STRING ? names[i].text : FHS_STR_NONE,
                             !has_system && i == 0, set);
    }
    return status;
}

/* ---- the expansion that comes with a value set ---- */

/* A page of one is not all of it. */
static bool is_whole_expansion(const fhs_json *given)
{
    const fhs_json *offset = fhs_json_get(given, FHS_LIT("offset"));
    return fhs_json_is(fhs_json_get(given, FHS_LIT("contains")), FHS_JSON_ARRAY) &&
           (offset == NULL || fhs_str_eq(offset->text, FHS_LIT("0")));
}

static fhirstore_status add_contained(expansion *work, const fhs_json *json, fhs_set_draft *set)
{
    fhs_term term = {
        .system = fhs_terms_text(json, FHS_LIT("system")),
        .version = fhs_terms_text(json, FHS_LIT("version")),
        .code = fhs_terms_text(json, FHS_LIT("code")),
        .display = fhs_terms_text(json, FHS_LIT("display")),
        .json = json,
    };
    if (term.code.len == 0 || (work->active_only && fhs_terms_flag(json, FHS_LIT("inactive")))) {
        return FHIRSTORE_OK;
    }
    term.is_case_sensitive = fhs_system_is_case_sensitive(work->terms->fhir, term.system);
    return fhs_set_add(set, &term, work->err);
}

typedef struct contains_level {
    const fhs_json *items;
    uint32_t count;
    uint32_t at;
} contains_level;

static fhirstore_status add_given(expansion *work, const fhs_json *given, fhs_set_draft *set)
{
    contains_level levels[NESTING];
    uint32_t depth = 1;
    fhirstore_status status = FHIRSTORE_OK;
    levels[0].at = 0;
    levels[0].count = fhs_terms_items(given, FHS_LIT("contains"), &levels[0].items);
    while (depth > 0 && status == FHIRSTORE_OK) {
        contains_level *level = &levels[depth - 1];
        if (level->at == level->count) {
            depth--;
            continue;
        }
        const fhs_json *json = &level->items[level->at++];
        status = add_contained(work, json, set);
        if (depth < NESTING) {
            levels[depth].at = 0;
            levels[depth].count = fhs_terms_items(json, FHS_LIT("contains"), &levels[depth].items);
            depth += levels[depth].count > 0 ? 1 : 0;
        }
    }
    return status;
}

/* ---- a whole value set ---- */

static fhirstore_status carry_out(expansion *work, const fhs_json *compose, fhs_set_draft *set)
{
    const fhs_json *parts;
    fhirstore_status status = FHIRSTORE_OK;
    bool active_only = work->active_only;
    work->active_only = active_only ||
                        fhs_json_is(fhs_json_get(compose, FHS_LIT("inactive")), FHS_JSON_FALSE);
    uint32_t count = fhs_terms_items(compose, FHS_LIT("include"), &parts);
    for (uint32_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        fhs_set_draft part = {.terms = work->terms};
        status = expand_part(work, &parts[i], &part);
        if (status == FHIRSTORE_OK && i == 0) {
            *set = part;
        } else if (status == FHIRSTORE_OK) {
            status = fhs_set_unite(set, &part, work->err);
        }
    }
    work->active_only = active_only;
    count = fhs_terms_items(compose, FHS_LIT("exclude"), &parts);
    for (uint32_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        fhs_set_draft part = {.terms = work->terms};
        expansion all = *work;
        all.active_only = false;
        status = expand_part(&all, &parts[i], &part);
        if (status == FHIRSTORE_OK) {
            status = fhs_set_subtract(set, &part, work->err);
        }
    }
    return status;
}

static fhirstore_status enter_value_set(expansion *work, const fhs_json *value_set)
{
    fhs_terms *terms = work->terms;
    for (uint32_t i = 0; i < terms->open_count; i++) {
        if (terms->open[i] == value_set) {
            return fhs_fail(work->err, FHIRSTORE_ERR_VALUE_SET,
                            "the value set cannot be expanded: it includes itself");
        }
    }
    if (terms->open_count == FHS_LIMIT_VALUE_SET_DEPTH) {
        return fhs_fail(work->err, FHIRSTORE_ERR_LIMIT,
                        "value sets within value sets exceed FHS_LIMIT_VALUE_SET_DEPTH");
    }
    terms->open[terms->open_count++] = value_set;
    return FHIRSTORE_OK;
}

static void forget_error(fhirstore_error **err)
{
    if (err != NULL) {
        fhs_error_free(*err);
        *err = NULL;
    }
}

/*
 * The definition decides. Where it cannot be carried out here, or there is none, the expansion
 * that the value set comes with is taken.
 */
static fhirstore_status expand_into(expansion *work, const fhs_json *value_set, fhs_set_draft *set)
{
    const fhs_json *compose = fhs_json_get(value_set, FHS_LIT("compose"));
    const fhs_json *given = fhs_json_get(value_set, FHS_LIT("expansion"));
    bool is_given = fhs_json_is(given, FHS_JSON_OBJECT) && is_whole_expansion(given);
    fhirstore_status status = enter_value_set(work, value_set);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (fhs_json_is(compose, FHS_JSON_OBJECT)) {
        status = carry_out(work, compose, set);
    } else if (!is_given) {
        status = fhs_fail(work->err, FHIRSTORE_ERR_VALUE_SET,
                          "the value set cannot be expanded: it has no definition");
    }
    bool is_lacking = status == FHIRSTORE_ERR_VALUE_SET ||
                      (status == FHIRSTORE_OK && set->whole_count > 0);
    if (is_given && (is_lacking || !fhs_json_is(compose, FHS_JSON_OBJECT))) {
        forget_error(work->err);
        *set = (fhs_set_draft){.terms = work->terms};
        status = add_given(work, given, set);
    }
    work->terms->open_count--;
    return status;
}

fhirstore_status fhs_terms_expand(fhs_terms *terms, const fhs_json *value_set,
                                  const fhs_terms_ask *ask, const fhs_code_set **out,
                                  fhirstore_error **err)
{
    expansion work = {.terms = terms, .active_only = ask->active_only, .err = err};
    fhs_set_draft set = {.terms = terms};
    *out = NULL;
    if (!fhs_json_is(value_set, FHS_JSON_OBJECT)) {
        return fhs_fail(err, FHIRSTORE_ERR_VALUE_SET, "the value set is not an object");
    }
    terms->open_count = 0;
    fhirstore_status status = expand_into(&work, value_set, &set);
    if (status == FHIRSTORE_OK && ask->is_listing && set.whole_count > 0) {
        return fhs_fail(err, FHIRSTORE_ERR_VALUE_SET,
                        "the value set cannot be expanded: it takes in a code system whose codes "
                        "are not all here");
    }
    return status == FHIRSTORE_OK ? fhs_set_finish(&set, out, err) : status;
}

/* ---- above and below ---- */

static fhirstore_status add_kindred(expansion *work, const fhs_code_system *system, uint32_t number,
                                    bool is_above, fhs_set_draft *set)
{
    uint8_t *marks = NULL;
    fhirstore_status status = fhs_terms_reach(work->terms, system, number, is_above, &marks,
                                              work->err);
    for (uint32_t i = 0; i < system->count && status == FHIRSTORE_OK; i++) {
        if (marks[i] != 0) {
            status = add_concept(work, system, i, set);
        }
    }
    return status;
}

static fhirstore_status kin_of_system(expansion *work, fhs_str url, fhs_str code, bool is_above,
                                      fhs_set_draft *set)
{
    const fhs_code_system *system;
    fhirstore_status status = fhs_terms_code_system(work->terms, url, FHS_STR_NONE, &system,
                                                    work->err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (system == NULL) {
        return fhs_fail(work->err, FHIRSTORE_ERR_NOT_FOUND, "the code system is not known here");
    }
    if (system->content != FHS_CONTENT_COMPLETE) {
        return fhs_fail(work->err, FHIRSTORE_ERR_CODE_SYSTEM,
                        "the codes of the code system are not all here");
    }
    uint32_t number = fhs_code_system_find(system, code);
    if (number != FHS_CONCEPT_NONE) {
        return add_kindred(work, system, number, is_above, set);
    }
    fhs_term alone = {.system = url, .code = code, .is_case_sensitive = system->is_case_sensitive};
    return fhs_set_add(set, &alone, work->err);
}

/* Code systems that have the code. */
typedef struct kin_taker {
    expansion *work;
    fhs_str code;
    bool is_above;
    fhs_set_draft *set;
    fhs_buf needle; /* the code as it stands in JSON, folded */
    fhs_buf scratch;
} kin_taker;

/* Whether a code system may have the code, without reading it. */
static bool mentions_code(kin_taker *kin, fhs_str text)
{
    if (fhs_str_find_char(text, '\\', 0) < text.len) {
        return true; /* it may be written in another way */
    }
    fhs_buf_reset(&kin->scratch);
    fhs_fold_ascii(text, &kin->scratch);
    return fhs_str_find(fhs_buf_str(&kin->scratch), fhs_buf_str(&kin->needle)) <= kin->scratch.len;
}

static fhirstore_status take_kin(void *taker, fhs_str body, int64_t updated_us,
                                 fhirstore_error **err)
{
    (void)updated_us;
    kin_taker *kin = taker;
    const fhs_json *json = NULL;
    const fhs_code_system *system = NULL;
    bool is_mentioned = mentions_code(kin, body);
    if (fhs_buf_status(&kin->scratch) != FHIRSTORE_OK) {
        return fhs_fail_plain(err, fhs_buf_status(&kin->scratch));
    }
    fhirstore_status status = is_mentioned ? fhs_terms_read(kin->work->terms, body, &json, err)
                                           : FHIRSTORE_OK;
    fhs_str url = fhs_terms_text(json, FHS_LIT("url"));
    fhs_str content = fhs_terms_text(json, FHS_LIT("content"));
    if (status != FHIRSTORE_OK || url.len == 0 || fhs_str_eq(content, FHS_LIT("supplement"))) {
        return status;
    }
    /* Of several with one url, only that which the url means. */
    status = fhs_terms_code_system(kin->work->terms, url, FHS_STR_NONE, &system, err);
    if (status != FHIRSTORE_OK || system == NULL || system->content != FHS_CONTENT_COMPLETE) {
        return status;
    }
    uint32_t number = fhs_code_system_find(system, kin->code);
    return number == FHS_CONCEPT_NONE
               ? FHIRSTORE_OK
               : add_kindred(kin->work, system, number, kin->is_above, kin->set);
}

static fhirstore_status kin_of_defined(kin_taker *kin, fhirstore_error **err)
{
    const fhs_fhir *fhir = kin->work->terms->fhir;
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_TERMS_BYTES);
    fhirstore_status status = FHIRSTORE_OK;
    size_t count = fhs_defined_count(fhir, FHS_DEFINED_CODE_SYSTEM);
    for (size_t i = 0; i < count && status == FHIRSTORE_OK; i++) {
        fhs_buf_reset(&text);
        fhs_defined_write(fhir, FHS_DEFINED_CODE_SYSTEM, i, &text);
        status = fhs_buf_status(&text) == FHIRSTORE_OK ? take_kin(kin, fhs_buf_str(&text), 0, err)
                                                       : fhs_fail_plain(err, fhs_buf_status(&text));
    }
    fhs_buf_clear(&text);
    return status;
}

static fhirstore_status search_kin(kin_taker *kin, fhirstore_error **err)
{
    const fhs_terms_source *source = kin->work->terms->source;
    fhs_buf quoted = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES * 8);
    fhs_buf_add_cstr(&quoted, "\"code\":");
    fhs_json_write_string(&quoted, kin->code);
    fhs_fold_ascii(fhs_buf_str(&quoted), &kin->needle);
    fhirstore_status status = fhs_buf_status(&quoted);
    status = status == FHIRSTORE_OK ? fhs_buf_status(&kin->needle) : status;
    fhs_buf_clear(&quoted);
    if (status != FHIRSTORE_OK) {
        return fhs_fail_plain(err, status);
    }
    if (source != NULL) {
        status = source->each(source->ctx, FHS_TERMS_CODE_SYSTEM, take_kin, kin, err);
    }
    return status == FHIRSTORE_OK ? kin_of_defined(kin, err) : status;
}

static fhirstore_status kin_of_any(expansion *work, fhs_str code, bool is_above, fhs_set_draft *set)
{
    kin_taker kin = {.work = work, .code = code, .is_above = is_above, .set = set};
    fhs_buf_init(&kin.needle, FHS_LIMIT_URL_BYTES * 8);
    fhs_buf_init(&kin.scratch, FHS_LIMIT_TERMS_BYTES);
    fhirstore_status status = search_kin(&kin, work->err);
    fhs_buf_clear(&kin.needle);
    fhs_buf_clear(&kin.scratch);
    if (status == FHIRSTORE_OK && set->count == 0) {
        return fhs_fail(work->err, FHIRSTORE_ERR_NOT_FOUND,
                        "no code system that is known here has the code");
    }
    return status;
}

fhirstore_status fhs_terms_kin(fhs_terms *terms, fhs_str system, fhs_str code, bool is_above,
                               const fhs_code_set **out, fhirstore_error **err)
{
    expansion work = {.terms = terms, .err = err};
    fhs_set_draft set = {.terms = terms};
    *out = NULL;
    fhirstore_status status = system.len == 0 ? kin_of_any(&work, code, is_above, &set)
                                              : kin_of_system(&work, system, code, is_above, &set);
    return status == FHIRSTORE_OK ? fhs_set_finish(&set, out, err) : status;
}
