/* SPDX-License-Identifier: Apache-2.0 */
/* Strings and uris. */
#include "index/index_internal.h"

static void add_text_entry(fhs_convert *convert, fhs_row_kind kind, fhs_str text)
{
    if (text.len == 0) {
        return;
    }
    fhs_entry *entry = fhs_convert_add(convert, kind);
    if (entry != NULL) {
        entry->text = text;
    }
}

/* The strings under @a name: one, or a list of them. */
static void add_member_texts(fhs_convert *convert, const fhs_json *object, fhs_str name)
{
    const fhs_json *value = fhs_json_get(object, name);
    if (fhs_json_is(value, FHS_JSON_STRING)) {
        add_text_entry(convert, FHS_ROW_STRING, value->text);
        return;
    }
    if (!fhs_json_is(value, FHS_JSON_ARRAY)) {
        return;
    }
    for (uint32_t i = 0; i < value->count; i++) {
        if (value->items[i].type == FHS_JSON_STRING) {
            add_text_entry(convert, FHS_ROW_STRING, value->items[i].text);
        }
    }
}

/* The parts of @a object in which a person would look for a word, by shape. */
static const fhs_str name_parts[] = {FHS_LIT_INIT("text"), FHS_LIT_INIT("family"),
                                     FHS_LIT_INIT("given"), FHS_LIT_INIT("prefix"),
                                     FHS_LIT_INIT("suffix")};
static const fhs_str address_parts[] = {FHS_LIT_INIT("text"),   FHS_LIT_INIT("line"),
                                        FHS_LIT_INIT("city"),   FHS_LIT_INIT("district"),
                                        FHS_LIT_INIT("state"),  FHS_LIT_INIT("postalCode"),
                                        FHS_LIT_INIT("country")};

static void add_parts(fhs_convert *convert, const fhs_json *object, const fhs_str *parts,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add_member_texts(convert, object, parts[i]);
    }
}

static void string_from_concept(fhs_convert *convert, const fhs_json *concept)
{
    if (!fhs_json_is(concept, FHS_JSON_OBJECT)) {
        return;
    }
    add_member_texts(convert, concept, FHS_LIT("text"));
    const fhs_json *codings = fhs_json_get(concept, FHS_LIT("coding"));
    if (!fhs_json_is(codings, FHS_JSON_ARRAY)) {
        return;
    }
    for (uint32_t i = 0; i < codings->count; i++) {
        if (codings->items[i].type == FHS_JSON_OBJECT) {
            add_member_texts(convert, &codings->items[i], FHS_LIT("display"));
        }
    }
}

/* The words of an XHTML fragment: without its tags. Entities stay as they are written. */
static void string_from_markup(fhs_convert *convert, fhs_str markup)
{
    char *words = fhs_arena_alloc(convert->arena, markup.len + 1);
    if (words == NULL) {
        convert->is_failed = true;
        return;
    }
    size_t len = 0;
    bool in_tag = false;
    for (size_t i = 0; i < markup.len; i++) {
        char c = markup.ptr[i];
        if (c == '<') {
            in_tag = true;
            words[len++] = ' ';
        } else if (c == '>' && in_tag) {
            in_tag = false;
        } else if (!in_tag) {
            words[len++] = c;
        }
    }
    add_text_entry(convert, FHS_ROW_STRING, fhs_str_trim(fhs_str_of(words, len)));
}

static void string_from_object(fhs_convert *convert, fhs_shape shape, const fhs_json *value)
{
    switch (shape) {
    case FHS_SHAPE_HUMAN_NAME:
        add_parts(convert, value, name_parts, FHS_COUNT_OF(name_parts));
        break;
    case FHS_SHAPE_ADDRESS:
        add_parts(convert, value, address_parts, FHS_COUNT_OF(address_parts));
        break;
    case FHS_SHAPE_CONCEPT:
        string_from_concept(convert, value);
        break;
    case FHS_SHAPE_CODEABLE_REFERENCE:
        string_from_concept(convert, fhs_json_get(value, FHS_LIT("concept")));
        break;
    case FHS_SHAPE_CODING:
    case FHS_SHAPE_REFERENCE:
        add_member_texts(convert, value, FHS_LIT("display"));
        break;
    case FHS_SHAPE_ANNOTATION:
        add_member_texts(convert, value, FHS_LIT("text"));
        break;
    case FHS_SHAPE_CONTACT:
    case FHS_SHAPE_IDENTIFIER:
        add_member_texts(convert, value, FHS_LIT("value"));
        break;
    case FHS_SHAPE_ATTACHMENT:
        add_member_texts(convert, value, FHS_LIT("title"));
        break;
    case FHS_SHAPE_NARRATIVE:
        string_from_markup(convert, fhs_member_text(value, FHS_LIT("div")));
        break;
    default:
        break;
    }
}

void fhs_convert_string(fhs_convert *convert, fhs_shape shape, const fhs_json *value)
{
    switch (value->type) {
    case FHS_JSON_STRING:
    case FHS_JSON_NUMBER:
        add_text_entry(convert, FHS_ROW_STRING, value->text);
        break;
    case FHS_JSON_TRUE:
        add_text_entry(convert, FHS_ROW_STRING, FHS_LIT("true"));
        break;
    case FHS_JSON_FALSE:
        add_text_entry(convert, FHS_ROW_STRING, FHS_LIT("false"));
        break;
    case FHS_JSON_OBJECT:
        string_from_object(convert, shape, value);
        break;
    default:
        break;
    }
}

void fhs_convert_uri(fhs_convert *convert, fhs_shape shape, const fhs_json *value)
{
    if (value->type == FHS_JSON_STRING) {
        add_text_entry(convert, FHS_ROW_URI, value->text);
        return;
    }
    if (value->type != FHS_JSON_OBJECT) {
        return;
    }
    if (shape == FHS_SHAPE_ATTACHMENT) {
        add_text_entry(convert, FHS_ROW_URI, fhs_member_text(value, FHS_LIT("url")));
    } else if (shape == FHS_SHAPE_REFERENCE) {
        add_text_entry(convert, FHS_ROW_URI, fhs_member_text(value, FHS_LIT("reference")));
    }
}
