/* SPDX-License-Identifier: Apache-2.0 */
#include "access/scope.h"

#include "access/rules.h"

/* SMART has no word for converting: what is read and stored on the way is asked for by itself. */
static const uint32_t reads = FHS_DATA_READ | FHS_DATA_HISTORY | FHS_DATA_CONVERT;
static const uint32_t searches = FHS_DATA_SEARCH | FHS_DATA_EVERYTHING | FHS_DATA_EXPORT |
                                 FHS_DATA_CONVERT;
/* Who may store something may have it checked before. */
static const uint32_t creates = FHS_DATA_CREATE | FHS_DATA_VALIDATE | FHS_DATA_CONVERT;
static const uint32_t updates = FHS_DATA_UPDATE | FHS_DATA_VALIDATE | FHS_DATA_CONVERT;

/* NULL: a scope of version 1 or 2; else why it is none. */
static const char *read_actions_of(fhs_str text, uint32_t *actions_out, bool *is_v1_out)
{
    static const struct {
        fhs_str word;
        uint32_t groups; /* reads and searches 1, writes 2 */
    } words[] = {
        {FHS_LIT_INIT("read"), 1},
        {FHS_LIT_INIT("write"), 2},
        {FHS_LIT_INIT("*"), 3},
    };
    static const char letters[] = "cruds";
    const uint32_t bits[] = {creates, reads, updates, FHS_DATA_DELETE, searches};
    const uint32_t writes = creates | updates | FHS_DATA_DELETE;
    size_t at = 0;
    *actions_out = 0;
    for (size_t i = 0; i < FHS_COUNT_OF(words); i++) {
        if (fhs_str_eq(text, words[i].word)) {
            *is_v1_out = true;
            *actions_out = ((words[i].groups & 1u) != 0 ? reads | searches : 0) |
                           ((words[i].groups & 2u) != 0 ? writes : 0);
            return NULL;
        }
    }
    *is_v1_out = false;
    for (size_t i = 0; i < text.len; i++) {
        while (at < sizeof letters - 1 && letters[at] != text.ptr[i]) {
            at++;
        }
        if (at == sizeof letters - 1) {
            return "behind the '.' it expects read, write, * or letters of \"cruds\" in that "
                   "order, each once";
        }
        *actions_out |= bits[at++];
    }
    return text.len == 0 ? "it names no permission behind the '.'" : NULL;
}

static bool is_type_name(fhs_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_upper = c >= 'A' && c <= 'Z';
        if (!is_upper && (i == 0 || c < 'a' || c > 'z')) {
            return false;
        }
    }
    return text.len > 0;
}

/* Plain parameters of the type: nothing that reaches other resources or shapes the result. */
static const char *check_params(fhs_str params)
{
    fhs_str rest = params;
    bool more = params.len > 0;
    if (params.len == 0) {
        return "it has a '?' and no parameter behind it";
    }
    while (more) {
        fhs_str pair;
        fhs_str name;
        fhs_str value;
        more = fhs_str_split(rest, '&', &pair, &rest);
        pair = more ? pair : rest;
        if (!fhs_str_split(pair, '=', &name, &value) || name.len == 0 || value.len == 0) {
            return "it expects name=value pairs behind the '?'";
        }
        if (fhs_str_find_char(name, '.', 0) < name.len ||
            fhs_str_find_char(name, ':', 0) < name.len) {
            return "its parameters may have no modifiers and no chains";
        }
    }
    return NULL;
}

static const char *read_resource_scope(fhs_str context, fhs_str rest, fhs_scope *out)
{
    static const struct {
        fhs_str name;
        fhs_scope_context context;
    } contexts[] = {
        {FHS_LIT_INIT("patient"), FHS_SCOPE_PATIENT},
        {FHS_LIT_INIT("user"), FHS_SCOPE_USER},
        {FHS_LIT_INIT("system"), FHS_SCOPE_SYSTEM},
    };
    bool has_context = false;
    bool is_v1;
    fhs_str permission;
    for (size_t i = 0; i < FHS_COUNT_OF(contexts); i++) {
        if (fhs_str_eq(context, contexts[i].name)) {
            out->context = contexts[i].context;
            has_context = true;
        }
    }
    if (!has_context) {
        return "it begins with neither patient/, user/ nor system/";
    }
    bool has_params = fhs_str_split(rest, '?', &rest, &out->params);
    if (!fhs_str_split(rest, '.', &out->type, &permission)) {
        return "it expects a resource type or *, a '.' and a permission";
    }
    if (!fhs_str_eq(out->type, FHS_LIT("*")) && !is_type_name(out->type)) {
        return "its resource type is neither a type's name nor *";
    }
    const char *fault = read_actions_of(permission, &out->actions, &is_v1);
    if (fault != NULL || !has_params) {
        out->params = FHS_STR_NONE;
        return fault;
    }
    return is_v1 ? "parameters belong to scopes of version 2 (letters of \"cruds\")"
                 : check_params(out->params);
}

/* The next scope of a text, cut off its front; empty at the end. Spaces separate, nothing else. */
static fhs_str next_word(fhs_str *text)
{
    fhs_str rest = *text;
    fhs_str word = FHS_STR_NONE;
    while (word.len == 0 && fhs_str_next(&rest, ' ', &word)) {
    }
    *text = rest;
    return word;
}

/*
 * What would look like a separator to one reader and like a part of a value to another: OAuth has
 * no such characters in a scope (RFC 6749, 3.3).
 */
static bool has_control_character(fhs_str word)
{
    for (size_t i = 0; i < word.len; i++) {
        const unsigned char c = (unsigned char)word.ptr[i];
        if (c < ' ' || c == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool is_launch(fhs_str word, fhs_scopes *out)
{
    bool is_one = fhs_str_eq(word, FHS_LIT("launch")) ||
                  fhs_str_starts_with(word, FHS_LIT("launch/"));
    out->launch_patient = out->launch_patient || fhs_str_eq(word, FHS_LIT("launch")) ||
                          fhs_str_eq(word, FHS_LIT("launch/patient"));
    return is_one;
}

/* "https://…": a scope of another system. A URL among the parameters of ours is none. */
static bool is_foreign(fhs_str context)
{
    return fhs_str_ends_with(context, FHS_LIT(":"));
}

fhirstore_status fhs_scopes_read(fhs_arena *arena, fhs_str text, fhs_scopes *out,
                                 fhirstore_error **err)
{
    fhs_str rest = text;
    fhs_str context;
    bool openid = false;
    bool fhir_user = false;
    unsigned number = 0;
    *out = (fhs_scopes){0};
    /* No scope is shorter than "user/A.r". */
    fhs_scope *items = fhs_arena_calloc(arena, text.len / 8 + 1, sizeof *items);
    if (items == NULL) {
        return fhs_fail_memory(err);
    }
    out->items = items;
    for (fhs_str word = next_word(&rest); word.len > 0; word = next_word(&rest)) {
        fhs_str behind;
        number++;
        if (has_control_character(word)) {
            return fhs_fail(err, FHIRSTORE_ERR_POLICY,
                            "scope %u: scopes are separated by spaces and have no control "
                            "characters",
                            number);
        }
        openid = openid || fhs_str_eq(word, FHS_LIT("openid"));
        fhir_user = fhir_user || fhs_str_eq(word, FHS_LIT("fhirUser"));
        if (is_launch(word, out) || !fhs_str_split(word, '/', &context, &behind) ||
            is_foreign(context)) {
            continue;
        }
        fhs_scope scope = {.written = word, .number = number};
        const char *fault = read_resource_scope(context, behind, &scope);
        if (fault != NULL) {
            return fhs_fail(err, FHIRSTORE_ERR_POLICY, "scope %u: %s", number, fault);
        }
        items[out->count++] = scope;
    }
    out->fhir_user = openid && fhir_user;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_scopes_check(const fhs_fhir *fhir, fhs_arena *arena, const fhs_scopes *scopes,
                                  fhirstore_error **err)
{
    for (size_t i = 0; i < scopes->count; i++) {
        const fhs_scope *scope = &scopes->items[i];
        const fhs_rule rule = {.types = &scope->type, .type_count = 1, .where = scope->params};
        fhs_type type = fhs_type_find(fhir, scope->type);
        bool is_known = fhs_str_eq(scope->type, FHS_LIT("*")) ||
                        (type != FHS_TYPE_NONE && fhs_type_is_resource(fhir, type));
        const char *fault = is_known ? NULL : "a resource type of the store's FHIR version, or *";
        if (is_known && scope->params.len > 0 &&
            fhs_rule_fault(fhir, arena, &rule, &fault) != FHIRSTORE_OK) {
            return fhs_fail_memory(err);
        }
        if (fault != NULL) {
            return fhs_fail(err, FHIRSTORE_ERR_POLICY, "scope %u: it expects %s", scope->number,
                            fault);
        }
    }
    return FHIRSTORE_OK;
}
