/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of masks: whether they are any, what they name, and which search parameters look there. */
#include "access/mask.h"

/* ---- paths ---- */

/* "name" of "name.given", and "given". */
static fhs_str first_segment(fhs_str path, fhs_str *rest_out)
{
    fhs_str head = path;
    fhs_str rest = FHS_STR_NONE;
    (void)fhs_str_split(path, '.', &head, &rest);
    *rest_out = rest;
    return head;
}

static fhs_str without_choice(fhs_str segment)
{
    return fhs_str_ends_with(segment, FHS_LIT("[x]")) ? fhs_str_of(segment.ptr, segment.len - 3)
                                                      : segment;
}

/* What the store or FHIR cannot do without. */
static const char *fault_of_root(fhs_str segment, fhs_str rest)
{
    static const fhs_str open[] = {FHS_LIT_INIT("profile"), FHS_LIT_INIT("security"),
                                   FHS_LIT_INIT("tag"), FHS_LIT_INIT("source"),
                                   FHS_LIT_INIT("extension")};
    if (fhs_str_eq(segment, FHS_LIT("id")) || fhs_str_eq(segment, FHS_LIT("resourceType"))) {
        return "an element other than id: no resource is without";
    }
    if (!fhs_str_eq(segment, FHS_LIT("meta"))) {
        return NULL;
    }
    for (size_t i = 0; i < FHS_COUNT_OF(open); i++) {
        if (fhs_str_eq(rest, open[i])) {
            return NULL;
        }
    }
    return "of meta: profile, security, tag, source or extension";
}

/* The type of the values behind a segment, FHS_TYPE_NONE where they have no elements of a kind. */
static const char *follow_segment(const fhs_fhir *fhir, fhs_type *type, fhs_str segment,
                                  bool is_last)
{
    fhs_property property;
    fhs_element element;
    const fhs_str name = without_choice(segment);
    const bool says_choice = name.len < segment.len;
    const bool is_member = fhs_property_find(fhir, *type, name, &property);
    if (fhs_element_find(fhir, *type, name, &element, NULL)) {
        if (says_choice && (element.flags & FHS_ELEMENT_CHOICE) == 0) {
            return "a choice of types before the [x]";
        }
    } else {
        const bool is_form = is_member && (property.flags & FHS_ELEMENT_CHOICE) != 0;
        if (!is_form || says_choice) {
            return "an element of the type";
        }
        if (is_last && (property.flags & FHS_ELEMENT_REQUIRED) != 0) {
            return "all forms of a choice that is required";
        }
    }
    if (is_last) {
        return NULL;
    }
    if (!is_member || fhs_type_get_kind(fhir, property.type) == FHS_KIND_PRIMITIVE ||
        fhs_type_get_kind(fhir, property.type) == FHS_KIND_RESOURCE) {
        return "an element that has elements of its own before the '.'";
    }
    *type = property.type;
    return NULL;
}

const char *fhs_mask_fault(const fhs_fhir *fhir, fhs_type type, fhs_str path)
{
    fhs_str rest;
    fhs_str segment = first_segment(path, &rest);
    const char *fault = fault_of_root(segment, rest);
    while (fault == NULL) {
        fault = follow_segment(fhir, &type, segment, rest.len == 0);
        if (rest.len == 0) {
            break;
        }
        segment = first_segment(rest, &rest);
    }
    return fault;
}

bool fhs_mask_hides(const fhs_mask *mask, fhs_str element)
{
    for (size_t i = 0; i < mask->hide_count; i++) {
        fhs_str rest;
        if (fhs_str_eq(without_choice(first_segment(mask->hide[i], &rest)), element)) {
            return true;
        }
    }
    return false;
}

fhirstore_status fhs_mask_select(fhs_arena *arena, const fhs_fhir *fhir, fhs_type type,
                                 const fhs_mask_paths *paths, fhs_str name, bool *whole_out,
                                 fhs_mask_paths *inner_out)
{
    fhs_property property;
    fhs_str element = FHS_STR_NONE;
    fhs_str *inner = NULL;
    name = name.len > 0 && name.ptr[0] == '_' ? fhs_str_from(name, 1) : name;
    *whole_out = false;
    *inner_out = (fhs_mask_paths){NULL, 0};
    if (paths->count > 0 && type != FHS_TYPE_NONE &&
        fhs_property_find(fhir, type, name, &property)) {
        element = fhs_element_at(fhir, property.owner, property.element).name;
    }
    for (size_t i = 0; i < paths->count; i++) {
        fhs_str rest;
        fhs_str segment = without_choice(first_segment(paths->items[i], &rest));
        if (!fhs_str_eq(segment, name) && (element.len == 0 || !fhs_str_eq(segment, element))) {
            continue;
        }
        if (rest.len == 0) {
            *whole_out = true;
            return FHIRSTORE_OK;
        }
        inner = inner != NULL ? inner : fhs_arena_calloc(arena, paths->count, sizeof *inner);
        if (inner == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        inner[inner_out->count++] = rest;
        inner_out->items = inner;
    }
    return FHIRSTORE_OK;
}

/* ---- search parameters ---- */

/*
 * FHIRPath in words: enough to see which elements an expression can reach. What is not plainly
 * another element counts as the hidden one.
 */
typedef struct path_words {
    fhs_str text;
    size_t at;
    fhs_str word;     /* an identifier, or one other character */
    fhs_str previous; /* the word before it … */
    fhs_str before;   /* … and the one before that */
} path_words;

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The end of a quoted piece that begins at @a at. */
static size_t behind_quote(fhs_str text, size_t at)
{
    const char quote = text.ptr[at];
    for (at++; at < text.len && text.ptr[at] != quote; at++) {
        at += text.ptr[at] == '\\';
    }
    return at < text.len ? at + 1 : text.len;
}

static bool is_string_quote(char c)
{
    return c == '\'' || c == '"';
}

/* Blanks, and strings: what they say names no element. */
static bool is_ignorable(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || is_string_quote(c);
}

static bool next_path_word(path_words *words)
{
    const fhs_str text = words->text;
    size_t begin = words->at;
    while (begin < text.len && is_ignorable(text.ptr[begin])) {
        begin = is_string_quote(text.ptr[begin]) ? behind_quote(text, begin) : begin + 1;
    }
    if (begin >= text.len) {
        return false;
    }
    size_t end = begin;
    while (end < text.len && is_word_char(text.ptr[end])) {
        end++;
    }
    words->before = words->previous;
    words->previous = words->word;
    if (text.ptr[begin] == '`') {
        end = behind_quote(text, begin);
        words->word = fhs_str_of(text.ptr + begin + 1, end - begin < 2 ? 0 : end - begin - 2);
    } else {
        end += end == begin;
        words->word = fhs_str_of(text.ptr + begin, end - begin);
    }
    words->at = end;
    return true;
}

static bool is_path_word(fhs_str word, const char *text)
{
    return fhs_str_eq(word, fhs_str_from_cstr(text));
}

/* Names of the type itself, where they stand for the whole of a resource. */
static bool names_type(const fhs_fhir *fhir, fhs_type type, fhs_str word)
{
    fhs_type named = fhs_type_find(fhir, word);
    return named != FHS_TYPE_NONE && fhs_type_is_a(fhir, type, named);
}

/* Whether the word is an element below another one, and so not one of the resource's own. */
static bool is_inner(const path_words *words, const fhs_fhir *fhir, fhs_type type)
{
    return is_path_word(words->previous, ".") && words->before.len > 0 &&
           is_word_char(words->before.ptr[0]) && !names_type(fhir, type, words->before) &&
           !is_path_word(words->before, "this") && !is_path_word(words->before, "total");
}

/* Behind the element: does the expression go on to an element beside the one that is hidden? */
static bool goes_elsewhere(path_words words, const fhs_fhir *fhir, fhs_type type, fhs_str segment,
                           fhs_str rest)
{
    while (rest.len > 0) {
        fhs_property property;
        fhs_str wanted = first_segment(rest, &rest);
        if (!fhs_property_find(fhir, type, segment, &property) || !next_path_word(&words) ||
            !is_path_word(words.word, ".") || !next_path_word(&words)) {
            return false;
        }
        type = property.type;
        segment = words.word;
        fhs_element element;
        path_words ahead = words;
        const bool is_call = next_path_word(&ahead) && is_path_word(ahead.word, "(");
        if (is_call || (!fhs_property_find(fhir, type, segment, &property) &&
                        !fhs_element_find(fhir, type, segment, &element, NULL))) {
            return false;
        }
        if (!fhs_str_eq(without_choice(wanted), segment)) {
            /* One form of a choice, asked for by its common name. */
            const bool is_choice =
                fhs_property_find(fhir, type, wanted, &property) &&
                fhs_element_find(fhir, type, segment, &element, NULL) &&
                fhs_str_eq(fhs_element_at(fhir, property.owner, property.element).name, segment);
            return !is_choice;
        }
    }
    return false;
}

/* "/" begins a comment, or divides; what is contained has masks of its own, of other types. */
static bool leads_anywhere(fhs_str word)
{
    static const char *const words[] = {"children", "descendants", "contained", "%", "/"};
    for (size_t i = 0; i < FHS_COUNT_OF(words); i++) {
        if (is_path_word(word, words[i])) {
            return true;
        }
    }
    return false;
}

/*
 * Whether an expression looks at @a path. What could hide the rest of it from who reads it like
 * this, a comment, and what leads to more than elements of the type, counts as looking.
 */
static bool expression_reads(const fhs_fhir *fhir, fhs_type type, fhs_str text, fhs_str path)
{
    fhs_str rest;
    const fhs_str written = without_choice(first_segment(path, &rest));
    fhs_property property;
    fhs_str common = written;
    path_words words = {.text = text};
    if (fhs_property_find(fhir, type, written, &property)) {
        common = fhs_element_at(fhir, property.owner, property.element).name;
    }
    while (next_path_word(&words)) {
        if (leads_anywhere(words.word)) {
            return true;
        }
        const bool is_named = fhs_str_eq(words.word, written) || fhs_str_eq(words.word, common);
        if (is_named && !is_inner(&words, fhir, type) &&
            !goes_elsewhere(words, fhir, type, words.word, rest)) {
            return true;
        }
    }
    return false;
}

bool fhs_mask_reads(const fhs_mask *mask, const fhs_fhir *fhir, fhs_type type, fhs_sparam param)
{
    if (mask == NULL || mask->hide_count == 0 || param == FHS_SPARAM_NONE) {
        return false;
    }
    const fhs_sparam_def def = fhs_sparam_get(fhir, param);
    for (size_t i = 0; i < mask->hide_count; i++) {
        if (expression_reads(fhir, type, def.expression, mask->hide[i])) {
            return true;
        }
        for (size_t c = 0; c < def.component_count; c++) {
            /* Its expression stands below that of the composite: what is named there counts. */
            const fhs_sparam_component *component = &def.components[c];
            if (expression_reads(fhir, type, component->expression, mask->hide[i]) ||
                expression_reads(fhir, type, fhs_sparam_get(fhir, component->param).expression,
                                 mask->hide[i])) {
                return true;
            }
        }
    }
    return false;
}
