/* SPDX-License-Identifier: Apache-2.0 */
/* ValueSet/$expand and ValueSet/$validate-code. */
#include "base/fold.h"
#include "base/instant.h"
#include "base/random.h"
#include "interact/interact.h"
#include "operation/terms_shared.h"

/* ---- which value set ---- */

static fhirstore_status by_url(fhs_terms_work *work, fhs_str url, const fhs_json **out)
{
    fhs_str version;
    fhirstore_status status = fhs_argument_text(work->operation, FHS_LIT("valueSetVersion"),
                                                &version, work->err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (version.len > 0 && fhs_str_find_char(url, '|', 0) == url.len) {
        fhs_buf name = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES * 2);
        fhs_buf_add_str(&name, url);
        fhs_buf_add_char(&name, '|');
        fhs_buf_add_str(&name, version);
        url = fhs_arena_dup(fhs_terms_arena(work->terms), fhs_buf_str(&name));
        status = fhs_buf_status(&name);
        fhs_buf_clear(&name);
        if (status < FHIRSTORE_OK || url.ptr == NULL) {
            return status < FHIRSTORE_OK ? fhs_fail_plain(work->err, status)
                                         : fhs_fail_memory(work->err);
        }
    }
    return fhs_terms_value_set(work->terms, url, false, out, work->err);
}

/* The address, "url" or "valueSet" says it; one of them. */
static fhirstore_status find_value_set(fhs_terms_work *work, const fhs_json **out)
{
    fhs_str url;
    const fhs_json *given = NULL;
    const bool has_id = work->call->id.len > 0;
    fhirstore_status status = fhs_argument_text(work->operation, FHS_LIT("url"), &url, work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_object(work->operation, FHS_LIT("valueSet"), &given, work->err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (has_id + (url.len > 0) + (given != NULL) != 1) {
        return fhs_fail(work->err, FHIRSTORE_ERR_PARAM_VALUE,
                        "the operation expects one of 'url', 'valueSet' and a value set's address");
    }
    if (given != NULL) {
        fhs_str type;
        *out = given;
        return fhs_json_get_string(given, FHS_LIT("resourceType"), &type) &&
                       fhs_str_eq(type, FHS_LIT("ValueSet"))
                   ? FHIRSTORE_OK
                   : fhs_argument_fail(FHS_LIT("valueSet"), "expects a ValueSet", work->err);
    }
    return has_id ? fhs_terms_instance(work, out) : by_url(work, url, out);
}

/* ---- $expand ---- */

typedef struct expand_ask {
    uint64_t offset;
    uint64_t count; /* UINT64_MAX: not given */
    bool with_designations;
    bool without_abstract;
    bool active_only;
    fhs_str filter;
    fhs_buf words;  /* the filter, folded */
    fhs_buf folded; /* for working */
} expand_ask;

static fhirstore_status read_expand_ask(fhs_terms_work *work, expand_ask *ask)
{
    const fhs_operation *operation = work->operation;
    fhirstore_error **err = work->err;
    fhirstore_status status = fhs_argument_count(operation, FHS_LIT("offset"), INT32_MAX, 0,
                                                 &ask->offset, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_count(operation, FHS_LIT("count"), FHS_LIMIT_PAGE_COUNT, UINT64_MAX,
                                    &ask->count, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_flag(operation, FHS_LIT("includeDesignations"), false,
                                   &ask->with_designations, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_flag(operation, FHS_LIT("activeOnly"), false, &ask->active_only, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_flag(operation, FHS_LIT("excludeNotForUI"), false,
                                   &ask->without_abstract, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_text(operation, FHS_LIT("filter"), &ask->filter, err);
    }
    fhs_fold(ask->filter, &ask->words);
    if (status >= FHIRSTORE_OK && fhs_buf_status(&ask->words) < FHIRSTORE_OK) {
        status = fhs_fail_plain(err, fhs_buf_status(&ask->words));
    }
    return status;
}

/* Whether each word of the filter is in @a text. */
static bool has_words(expand_ask *ask, fhs_str text)
{
    fhs_str rest = fhs_buf_str(&ask->words);
    fhs_buf_reset(&ask->folded);
    fhs_fold(text, &ask->folded);
    while (rest.len > 0) {
        fhs_str word = rest;
        fhs_str tail = FHS_STR_NONE;
        (void)fhs_str_split(rest, ' ', &word, &tail);
        if (fhs_str_find(fhs_buf_str(&ask->folded), word) > ask->folded.len) {
            return false;
        }
        rest = tail;
    }
    return true;
}

static bool is_wanted_term(const fhs_terms_work *work, expand_ask *ask, const fhs_term *term)
{
    const fhs_concept *concept = term->of == NULL ? NULL : &term->of->concepts[term->concept];
    if (term->is_out || (ask->without_abstract && concept != NULL && concept->is_abstract)) {
        return false;
    }
    if (ask->words.len == 0) {
        return true;
    }
    fhs_str display = fhs_terms_display(work,
                                        term->json != NULL ? term->json
                                        : concept != NULL  ? concept->json
                                                           : NULL,
                                        term->display);
    return has_words(ask, term->code) || has_words(ask, display);
}

static fhirstore_status write_designations(fhs_terms_work *work, const fhs_term *term)
{
    const fhs_json *sources[2] = {term->json,
                                  term->of == NULL ? NULL : term->of->concepts[term->concept].json};
    bool is_first = true;
    for (size_t s = 0; s < 2; s++) {
        const fhs_json *list = fhs_json_is(sources[s], FHS_JSON_OBJECT)
                                   ? fhs_json_get(sources[s], FHS_LIT("designation"))
                                   : NULL;
        for (uint32_t i = 0; fhs_json_is(list, FHS_JSON_ARRAY) && i < list->count; i++) {
            fhs_buf_add_cstr(work->out, is_first ? ",\"designation\":[" : ",");
            is_first = false;
            fhirstore_status status = fhs_terms_write_json(work, &list->items[i]);
            if (status < FHIRSTORE_OK) {
                return status;
            }
        }
    }
    fhs_buf_add_cstr(work->out, is_first ? "" : "]");
    return FHIRSTORE_OK;
}

static void write_member(fhs_buf *out, const char *name, fhs_str text)
{
    if (text.len > 0) {
        bool is_first = out->len > 0 && out->ptr[out->len - 1] == '{';
        fhs_buf_addf(out, "%s\"%s\":", is_first ? "" : ",", name);
        fhs_json_write_string(out, text);
    }
}

static fhirstore_status write_contained(fhs_terms_work *work, const expand_ask *ask,
                                        const fhs_term *term)
{
    fhs_buf *out = work->out;
    const fhs_concept *concept = term->of == NULL ? NULL : &term->of->concepts[term->concept];
    fhs_buf_add_char(out, '{');
    write_member(out, "system", term->system);
    write_member(out, "version", term->version);
    write_member(out, "code", term->code);
    write_member(out, "display",
                 fhs_terms_display(work,
                                   term->json != NULL ? term->json
                                   : concept != NULL  ? concept->json
                                                      : NULL,
                                   term->display));
    if (concept != NULL && concept->is_abstract) {
        fhs_buf_add_cstr(out, ",\"abstract\":true");
    }
    if (concept != NULL && concept->is_inactive) {
        fhs_buf_add_cstr(out, ",\"inactive\":true");
    }
    fhirstore_status status = ask->with_designations ? write_designations(work, term)
                                                     : FHIRSTORE_OK;
    fhs_buf_add_char(out, '}');
    return status;
}

static fhs_str text_of(const fhs_json *object, fhs_str name)
{
    fhs_str text;
    return fhs_json_get_string(object, name, &text) ? text : FHS_STR_NONE;
}

/* What was asked, as the expansion's parameters. */
static void write_expand_ask(fhs_buf *out, const expand_ask *ask)
{
    fhs_buf_addf(out, ",\"parameter\":[{\"name\":\"activeOnly\",\"valueBoolean\":%s}",
                 ask->active_only ? "true" : "false");
    if (ask->filter.len > 0) {
        fhs_buf_add_cstr(out, ",{\"name\":\"filter\",\"valueString\":");
        fhs_json_write_string(out, ask->filter);
        fhs_buf_add_char(out, '}');
    }
    if (ask->count != UINT64_MAX) {
        fhs_buf_addf(out, ",{\"name\":\"count\",\"valueInteger\":%u}", (unsigned)ask->count);
    }
    fhs_buf_add_char(out, ']');
}

static void write_head(fhs_terms_work *work, const fhs_json *value_set, const expand_ask *ask,
                       uint64_t total)
{
    fhs_buf *out = work->out;
    char identifier[FHS_UUID_LEN + 1];
    fhs_str status = text_of(value_set, FHS_LIT("status"));
    fhs_uuid_new(identifier);
    fhs_buf_add_cstr(out, "{\"resourceType\":\"ValueSet\"");
    write_member(out, "id", text_of(value_set, FHS_LIT("id")));
    write_member(out, "url", text_of(value_set, FHS_LIT("url")));
    write_member(out, "version", text_of(value_set, FHS_LIT("version")));
    write_member(out, "name", text_of(value_set, FHS_LIT("name")));
    write_member(out, "title", text_of(value_set, FHS_LIT("title")));
    write_member(out, "status", status.len > 0 ? status : FHS_LIT("unknown"));
    fhs_buf_addf(out, ",\"expansion\":{\"identifier\":\"urn:uuid:%s\",\"timestamp\":\"",
                 identifier);
    fhs_instant_write(fhs_core_now(work->call->session->core), out);
    fhs_buf_addf(out, "\",\"total\":%u", (unsigned)total);
    if (ask->offset > 0 || ask->count != UINT64_MAX) {
        fhs_buf_addf(out, ",\"offset\":%u", (unsigned)ask->offset);
    }
    write_expand_ask(out, ask);
}

static fhirstore_status write_expansion(fhs_terms_work *work, const fhs_json *value_set,
                                        expand_ask *ask, const fhs_code_set *set)
{
    uint64_t total = 0;
    uint64_t written = 0;
    fhirstore_status status = FHIRSTORE_OK;
    for (uint32_t i = 0; i < set->count; i++) {
        total += is_wanted_term(work, ask, &set->terms[i]) ? 1 : 0;
    }
    if (ask->count == UINT64_MAX && total > ask->offset &&
        total - ask->offset > FHS_LIMIT_PAGE_COUNT) {
        return fhs_fail(work->err, FHIRSTORE_ERR_LIMIT,
                        "the expansion exceeds FHS_LIMIT_PAGE_COUNT; ask for pages with 'count' "
                        "and 'offset'");
    }
    write_head(work, value_set, ask, total);
    uint64_t at = 0;
    for (uint32_t i = 0; i < set->count && status >= FHIRSTORE_OK; i++) {
        if (written == ask->count || !is_wanted_term(work, ask, &set->terms[i]) ||
            at++ < ask->offset) {
            continue;
        }
        fhs_buf_add_cstr(work->out, written++ == 0 ? ",\"contains\":[" : ",");
        status = write_contained(work, ask, &set->terms[i]);
    }
    fhs_buf_add_cstr(work->out, written > 0 ? "]}}" : "}}");
    if (status >= FHIRSTORE_OK && fhs_buf_status(&ask->folded) < FHIRSTORE_OK) {
        status = fhs_fail_plain(work->err, fhs_buf_status(&ask->folded));
    }
    return status;
}

static fhirstore_status expand_task(fhs_terms_work *work)
{
    const fhs_json *value_set = NULL;
    const fhs_code_set *set = NULL;
    expand_ask ask = {.offset = 0};
    fhs_buf_init(&ask.words, FHS_LIMIT_JSON_BYTES);
    fhs_buf_init(&ask.folded, FHS_LIMIT_JSON_BYTES);
    fhirstore_status status = read_expand_ask(work, &ask);
    if (status >= FHIRSTORE_OK) {
        status = find_value_set(work, &value_set);
    }
    if (status >= FHIRSTORE_OK) {
        const fhs_terms_ask listing = {ask.active_only, true};
        status = fhs_terms_expand(work->terms, value_set, &listing, &set, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = write_expansion(work, value_set, &ask, set);
    }
    fhs_buf_clear(&ask.words);
    fhs_buf_clear(&ask.folded);
    return status;
}

static fhirstore_status run_expand(fhs_call *call, const fhs_operation *operation,
                                   fhs_answer *answer, fhirstore_error **err)
{
    return fhs_terms_run(call, operation, answer, expand_task, err);
}

/* ---- $validate-code ---- */

typedef struct check_outcome {
    bool is_in;
    const char *message; /* NULL: nothing to say */
    fhs_coding known;
} check_outcome;

/* A code without its system: the one term of the set that has it. */
static const fhs_term *infer_term(const fhs_code_set *set, fhs_str code, bool *several_out)
{
    const fhs_term *found = NULL;
    *several_out = false;
    for (uint32_t i = 0; i < set->count; i++) {
        const fhs_term *term = &set->terms[i];
        if (!term->is_out && (term->is_case_sensitive ? fhs_str_eq(term->code, code)
                                                      : fhs_str_eq_ascii_case(term->code, code))) {
            *several_out = found != NULL;
            found = term;
        }
    }
    return found;
}

static fhirstore_status check_term(fhs_terms_work *work, const fhs_term *term,
                                   const fhs_coding *asked, bool abstract_allowed,
                                   check_outcome *out)
{
    const fhs_concept *concept = term->of == NULL ? NULL : &term->of->concepts[term->concept];
    const fhs_json *json = concept != NULL ? concept->json : term->json;
    bool fits = true;
    out->known = (fhs_coding){term->system, term->version, term->code,
                              fhs_terms_display(work, json, term->display)};
    out->is_in = false;
    if (concept != NULL && concept->is_abstract && !abstract_allowed) {
        out->message = "the code is abstract";
        return FHIRSTORE_OK;
    }
    if (asked->version.len > 0 && term->version.len > 0 &&
        !fhs_str_eq(asked->version, term->version)) {
        out->message = "the value set has the code of another version of the code system";
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_terms_display_fits(work, json, term->display, asked->display,
                                                     &fits);
    out->is_in = fits;
    out->message = fits ? NULL : "the display is not one of the code's";
    return status;
}

static fhirstore_status check_coding(fhs_terms_work *work, const fhs_code_set *set,
                                     const fhs_coding *asked, bool abstract_allowed,
                                     check_outcome *out)
{
    const fhs_term *term = NULL;
    bool several = false;
    *out = (check_outcome){.message = "the code is not in the value set"};
    if (asked->system.len == 0) {
        term = infer_term(set, asked->code, &several);
        if (several) {
            out->message = "the value set has the code in more than one code system; name the "
                           "system";
            return FHIRSTORE_OK;
        }
    } else if (fhs_code_set_has(set, asked->system, asked->code, &term) && term == NULL) {
        return fhs_fail(work->err, FHIRSTORE_ERR_VALUE_SET,
                        "the value set takes in a code system whose codes are not all here");
    }
    return term == NULL || term->is_out ? FHIRSTORE_OK
                                        : check_term(work, term, asked, abstract_allowed, out);
}

/* One of the codings of a concept must be in. */
static fhirstore_status check_codings(fhs_terms_work *work, const fhs_code_set *set,
                                      const fhs_coding *list, size_t count)
{
    check_outcome outcome = {.is_in = false};
    bool abstract_allowed;
    fhirstore_status status = fhs_argument_flag(work->operation, FHS_LIT("abstract"), true,
                                                &abstract_allowed, work->err);
    for (size_t i = 0; i < count && status >= FHIRSTORE_OK && !outcome.is_in; i++) {
        status = check_coding(work, set, &list[i], abstract_allowed, &outcome);
    }
    if (status >= FHIRSTORE_OK) {
        fhs_terms_write_result(work, outcome.is_in, outcome.message,
                               outcome.known.code.len > 0 ? &outcome.known : NULL);
    }
    return status;
}

static fhirstore_status check_task(fhs_terms_work *work)
{
    static const fhs_terms_ask all = {false, false};
    const fhs_json *value_set = NULL;
    const fhs_code_set *set = NULL;
    size_t count = 0;
    fhs_coding *list = fhs_arena_calloc(work->call->arena, FHS_CODINGS_MAX, sizeof *list);
    fhirstore_status status = list == NULL
                                  ? fhs_fail_memory(work->err)
                                  : fhs_terms_codings(work, FHS_LIT("systemVersion"), list, &count);
    if (status >= FHIRSTORE_OK) {
        status = find_value_set(work, &value_set);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_terms_expand(work->terms, value_set, &all, &set, work->err);
    }
    return status >= FHIRSTORE_OK ? check_codings(work, set, list, count) : status;
}

static fhirstore_status run_check(fhs_call *call, const fhs_operation *operation,
                                  fhs_answer *answer, fhirstore_error **err)
{
    return fhs_terms_run(call, operation, answer, check_task, err);
}

/* ---- the table ---- */

static const fhs_str expand_params[] = {
    FHS_LIT_INIT("url"),
    FHS_LIT_INIT("valueSet"),
    FHS_LIT_INIT("valueSetVersion"),
    FHS_LIT_INIT("filter"),
    FHS_LIT_INIT("offset"),
    FHS_LIT_INIT("count"),
    FHS_LIT_INIT("date"),
    FHS_LIT_INIT("includeDesignations"),
    FHS_LIT_INIT("activeOnly"),
    FHS_LIT_INIT("excludeNested"),
    FHS_LIT_INIT("excludeNotForUI"),
    FHS_LIT_INIT("displayLanguage"),
    FHS_LIT_INIT(""),
};

static const fhs_str check_params[] = {
    FHS_LIT_INIT("url"),
    FHS_LIT_INIT("valueSet"),
    FHS_LIT_INIT("valueSetVersion"),
    FHS_LIT_INIT("code"),
    FHS_LIT_INIT("system"),
    FHS_LIT_INIT("systemVersion"),
    FHS_LIT_INIT("display"),
    FHS_LIT_INIT("coding"),
    FHS_LIT_INIT("codeableConcept"),
    FHS_LIT_INIT("date"),
    FHS_LIT_INIT("abstract"),
    FHS_LIT_INIT("inferSystem"),
    FHS_LIT_INIT("displayLanguage"),
    FHS_LIT_INIT(""),
};

const fhs_operation_def fhs_value_set_operations[] = {
    {.name = FHS_LIT_INIT("expand"),
     .type = FHS_LIT_INIT("ValueSet"),
     .levels = FHS_ON_TYPE | FHS_ON_INSTANCE,
     .resource = FHS_LIT_INIT("valueSet"),
     .params = expand_params,
     .run = run_expand},
    {.name = FHS_LIT_INIT("validate-code"),
     .type = FHS_LIT_INIT("ValueSet"),
     .levels = FHS_ON_TYPE | FHS_ON_INSTANCE,
     .params = check_params,
     .run = run_check},
};
const size_t fhs_value_set_operation_count = FHS_COUNT_OF(fhs_value_set_operations);
