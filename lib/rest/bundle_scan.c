/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the entries of a Bundle, and reading one of them. */
#include "base/mem.h"
#include "rest/bundle.h"
#include "json/cursor.h"

#define FIRST_ITEMS 64u
/* More members than a Bundle or an entry has names for. */
#define MAX_MEMBERS 48u

/* One pass over a Bundle, or one look at an entry of it. */
typedef struct bundle_reader {
    const fhs_core *core;
    fhs_arena *arena;
    fhs_str text;
    fhs_type bundle_type;
    fhs_type entry_type;
    fhs_type request_type;
} bundle_reader;

/* Names that an object had so far. */
typedef struct seen_names {
    fhs_str names[MAX_MEMBERS];
    size_t count;
} seen_names;

/* The value of member @a name at the top of an object, found without checking the rest. */
static bool find_member(fhs_str text, fhs_str name, fhs_str *value_out)
{
    fhs_json_cursor cursor;
    fhs_str found;
    if (fhs_json_cursor_open(text, 0, &cursor, NULL) < FHIRSTORE_OK || !cursor.is_object) {
        return false;
    }
    while (fhs_json_cursor_next(&cursor, &found, value_out, NULL, NULL) == FHIRSTORE_OK) {
        if (fhs_str_eq(found, name)) {
            return true;
        }
    }
    return false;
}

bool fhs_bundle_sniff(fhs_str text)
{
    fhs_str value;
    fhs_str name;
    return find_member(text, FHS_LIT("resourceType"), &value) &&
           fhs_json_plain_string(value, &name) && fhs_str_eq(name, FHS_LIT("Bundle"));
}

void fhs_bundle_place(fhs_str text, size_t offset, fhirstore_error **err)
{
    uint32_t line;
    uint32_t column;
    if (err == NULL || *err == NULL) {
        return;
    }
    fhirstore_location location = fhs_error_location(*err);
    if (location.line > 0) {
        offset += (size_t)location.offset;
        fhs_json_position(text, offset, &line, &column);
        fhs_error_at(err, offset, line, column);
    }
}

static fhirstore_status fail_here(const bundle_reader *reader, size_t offset,
                                  fhirstore_status status, const char *what, fhirstore_error **err)
{
    uint32_t line;
    uint32_t column;
    (void)fhs_fail(err, status, "%s", what);
    fhs_json_position(reader->text, offset, &line, &column);
    fhs_error_at(err, offset, line, column);
    return status;
}

static fhs_type member_type(const fhs_fhir *fhir, fhs_type type, fhs_str name)
{
    fhs_property property;
    return fhs_property_find(fhir, type, name, &property) ? property.type : FHS_TYPE_NONE;
}

static bundle_reader make_reader(const fhs_core *core, fhs_arena *arena, fhs_str text)
{
    bundle_reader reader = {.core = core, .arena = arena, .text = text};
    reader.bundle_type = fhs_type_find(core->fhir, FHS_LIT("Bundle"));
    reader.entry_type = member_type(core->fhir, reader.bundle_type, FHS_LIT("entry"));
    reader.request_type = member_type(core->fhir, reader.entry_type, FHS_LIT("request"));
    return reader;
}

static bool is_known_member(const bundle_reader *reader, fhs_type type, fhs_str name)
{
    fhs_property property;
    if (name.len > 1 && name.ptr[0] == '_') {
        name = fhs_str_from(name, 1);
    }
    return reader->core->validation != FHS_VALIDATION_ON || type == FHS_TYPE_NONE ||
           fhs_property_find(reader->core->fhir, type, name, &property);
}

/* A member's name at the scaffold, where no reader has looked for repetitions yet. */
static fhirstore_status check_name(const bundle_reader *reader, seen_names *seen, fhs_type type,
                                   fhs_str name, size_t offset, fhirstore_error **err)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (fhs_str_eq(seen->names[i], name)) {
            return fail_here(reader, offset, FHIRSTORE_ERR_JSON_DUPLICATE,
                             "an object repeats a member name", err);
        }
    }
    bool is_type = type == reader->bundle_type && fhs_str_eq(name, FHS_LIT("resourceType"));
    if (seen->count == MAX_MEMBERS || (!is_type && !is_known_member(reader, type, name))) {
        return fail_here(reader, offset, FHIRSTORE_ERR_BUNDLE, "a Bundle has no such element", err);
    }
    seen->names[seen->count++] = name;
    return FHIRSTORE_OK;
}

/* Read a piece of the text strictly. */
static fhirstore_status read_piece(const bundle_reader *reader, fhs_str piece, size_t offset,
                                   const fhs_json **out, fhirstore_error **err)
{
    fhirstore_status status = fhs_json_read(reader->arena, piece, NULL, out, err);
    if (status < FHIRSTORE_OK) {
        fhs_bundle_place(reader->text, offset, err);
    }
    return status;
}

static fhirstore_status take_string(const bundle_reader *reader, const fhs_json *value,
                                    size_t offset, fhs_str *out, fhirstore_error **err)
{
    if (value->type != FHS_JSON_STRING) {
        return fail_here(reader, offset, FHIRSTORE_ERR_BUNDLE, "a string is expected here", err);
    }
    *out = value->text;
    return FHIRSTORE_OK;
}

static fhirstore_status take_request(const bundle_reader *reader, const fhs_json *request,
                                     size_t offset, fhs_bundle_entry *entry, fhirstore_error **err)
{
    const struct {
        fhs_str name;
        fhs_str *value;
    } wanted[] = {
        {FHS_LIT("method"), &entry->method},
        {FHS_LIT("url"), &entry->url},
        {FHS_LIT("ifMatch"), &entry->if_match},
        {FHS_LIT("ifNoneMatch"), &entry->if_none_match},
        {FHS_LIT("ifNoneExist"), &entry->if_none_exist},
        {FHS_LIT("ifModifiedSince"), &entry->if_modified_since},
    };
    if (request->type != FHS_JSON_OBJECT) {
        return fail_here(reader, offset, FHIRSTORE_ERR_BUNDLE, "request must be an object", err);
    }
    fhirstore_status status = FHIRSTORE_OK;
    for (uint32_t i = 0; status >= FHIRSTORE_OK && i < request->count; i++) {
        const fhs_json_member *member = &request->members[i];
        size_t at = offset + member->value.begin;
        if (!is_known_member(reader, reader->request_type, member->name)) {
            return fail_here(reader, at, FHIRSTORE_ERR_BUNDLE, "a request has no such element",
                             err);
        }
        for (size_t k = 0; status >= FHIRSTORE_OK && k < FHS_COUNT_OF(wanted); k++) {
            if (fhs_str_eq(member->name, wanted[k].name)) {
                status = take_string(reader, &member->value, at, wanted[k].value, err);
            }
        }
    }
    return status;
}

static fhirstore_status take_entry_member(const bundle_reader *reader, fhs_str name, fhs_str value,
                                          size_t offset, fhs_bundle_entry *entry,
                                          fhirstore_error **err)
{
    const fhs_json *tree;
    if (fhs_str_eq(name, FHS_LIT("resource"))) {
        entry->resource = value;
        entry->resource_offset = offset;
        return FHIRSTORE_OK;
    }
    fhirstore_status status = read_piece(reader, value, offset, &tree, err);
    if (status >= FHIRSTORE_OK && fhs_str_eq(name, FHS_LIT("fullUrl"))) {
        status = take_string(reader, tree, offset, &entry->full_url, err);
    } else if (status >= FHIRSTORE_OK && fhs_str_eq(name, FHS_LIT("request"))) {
        status = take_request(reader, tree, offset, entry, err);
    }
    return status;
}

/* The member's value, found by counting brackets, or at once where its end is known. */
static fhirstore_status skip_member(fhs_json_cursor *cursor, fhs_str name, size_t resource_end,
                                    fhs_str *value_out, fhirstore_error **err)
{
    if (resource_end > cursor->at && fhs_str_eq(name, FHS_LIT("resource"))) {
        *value_out = fhs_str_of(cursor->text.ptr + cursor->at, resource_end - cursor->at);
        cursor->at = resource_end;
        return FHIRSTORE_OK;
    }
    return fhs_json_cursor_skip(cursor, value_out, err);
}

/* entry->end is behind the entry afterwards. @a resource_end: 0 where it is not known yet. */
static fhirstore_status read_entry(const bundle_reader *reader, size_t offset, size_t resource_end,
                                   fhs_bundle_entry *entry, fhirstore_error **err)
{
    fhs_json_cursor cursor;
    seen_names seen = {.count = 0};
    fhs_str name;
    fhs_str value;
    size_t at;
    *entry = (fhs_bundle_entry){.end = offset};
    fhirstore_status status = fhs_json_cursor_open(reader->text, offset, &cursor, err);
    if (status >= FHIRSTORE_OK && !cursor.is_object) {
        return fail_here(reader, offset, FHIRSTORE_ERR_BUNDLE, "an entry must be an object", err);
    }
    while (status >= FHIRSTORE_OK &&
           (status = fhs_json_cursor_step(&cursor, &name, err)) == FHIRSTORE_OK) {
        at = cursor.at;
        status = skip_member(&cursor, name, resource_end, &value, err);
        if (status >= FHIRSTORE_OK) {
            status = check_name(reader, &seen, reader->entry_type, name, at, err);
        }
        if (status >= FHIRSTORE_OK) {
            status = take_entry_member(reader, name, value, at, entry, err);
        }
    }
    entry->end = cursor.at;
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

fhirstore_status fhs_bundle_entry_at(const fhs_core *core, const fhs_bundle *bundle, size_t index,
                                     fhs_arena *arena, fhs_bundle_entry *out, fhirstore_error **err)
{
    const bundle_reader reader = make_reader(core, arena, bundle->text);
    const fhs_bundle_item *item = &bundle->items[index];
    return read_entry(&reader, item->begin, item->resource_end, out, err);
}

static bool room_for_item(fhs_bundle *bundle)
{
    size_t bytes;
    if (bundle->count < bundle->capacity) {
        return true;
    }
    size_t larger = bundle->capacity == 0 ? FIRST_ITEMS : bundle->capacity * 2;
    if (!fhs_size_mul(larger, sizeof *bundle->items, &bytes)) {
        return false;
    }
    fhs_bundle_item *items = fhs_realloc(bundle->items, bytes);
    if (items == NULL) {
        return false;
    }
    bundle->items = items;
    bundle->capacity = larger;
    return true;
}

fhirstore_status fhs_bundle_tell(const fhs_bundle_watch *watch, size_t offset,
                                 fhirstore_error **err)
{
    fhirstore_status status = watch == NULL ? FHIRSTORE_OK : watch->tell(watch->ctx, offset);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

void fhs_bundle_clear(fhs_bundle *bundle)
{
    fhs_free(bundle->items);
    *bundle = (fhs_bundle){0};
}

/* *end_out is behind the array afterwards. */
static fhirstore_status scan_entries(const bundle_reader *reader, size_t offset,
                                     const fhs_bundle_watch *watch, fhs_bundle *bundle,
                                     size_t *end_out, fhirstore_error **err)
{
    fhs_json_cursor cursor;
    fhs_bundle_entry entry;
    fhs_str unused;
    fhirstore_status status = fhs_json_cursor_open(reader->text, offset, &cursor, err);
    if (status >= FHIRSTORE_OK && cursor.is_object) {
        return fail_here(reader, offset, FHIRSTORE_ERR_BUNDLE, "entry must be an array", err);
    }
    while (status >= FHIRSTORE_OK &&
           (status = fhs_json_cursor_step(&cursor, &unused, err)) == FHIRSTORE_OK) {
        if (!room_for_item(bundle)) {
            return fhs_fail_memory(err);
        }
        fhs_arena_reset(reader->arena);
        fhs_bundle_item *item = &bundle->items[bundle->count++];
        *item = (fhs_bundle_item){.begin = cursor.at};
        status = read_entry(reader, cursor.at, 0, &entry, err);
        item->resource_end = entry.resource_offset + entry.resource.len;
        cursor.at = entry.end;
        if (status < FHIRSTORE_OK) {
            fhs_error_entry(err, (uint32_t)bundle->count);
        } else {
            status = fhs_bundle_tell(watch, cursor.at, err);
        }
    }
    *end_out = cursor.at;
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

/* Types that say what a Bundle is and ask for nothing. */
static bool is_document_type(fhs_str type)
{
    static const fhs_str types[] = {
        FHS_LIT_INIT("document"),       FHS_LIT_INIT("message"),
        FHS_LIT_INIT("collection"),     FHS_LIT_INIT("transaction-response"),
        FHS_LIT_INIT("batch-response"), FHS_LIT_INIT("subscription-notification"),
    };
    for (size_t i = 0; i < FHS_COUNT_OF(types); i++) {
        if (fhs_str_eq(type, types[i])) {
            return true;
        }
    }
    return false;
}

static fhs_bundle_kind kind_of(fhs_str type)
{
    if (is_document_type(type)) {
        return FHS_BUNDLE_OTHER;
    }
    return fhs_str_eq(type, FHS_LIT("transaction")) ? FHS_BUNDLE_TRANSACTION
           : fhs_str_eq(type, FHS_LIT("batch"))     ? FHS_BUNDLE_BATCH
           : fhs_str_eq(type, FHS_LIT("searchset")) ? FHS_BUNDLE_SEARCHSET
           : fhs_str_eq(type, FHS_LIT("history"))   ? FHS_BUNDLE_HISTORY
                                                    : FHS_BUNDLE_UNKNOWN;
}

/* A member at the top that is not "entry". */
static fhirstore_status take_bundle_member(const bundle_reader *reader, fhs_str name,
                                           fhs_json_cursor *cursor, fhs_bundle *bundle,
                                           bool *is_bundle, fhirstore_error **err)
{
    const fhs_json *tree = NULL;
    const size_t offset = cursor->at;
    fhs_str text = FHS_LIT("");
    fhs_str value;
    fhs_arena_reset(reader->arena);
    fhirstore_status status = fhs_json_cursor_skip(cursor, &value, err);
    if (status >= FHIRSTORE_OK) {
        status = read_piece(reader, value, offset, &tree, err);
    }
    if (status >= FHIRSTORE_OK && fhs_str_eq(name, FHS_LIT("resourceType"))) {
        status = take_string(reader, tree, offset, &text, err);
        *is_bundle = fhs_str_eq(text, FHS_LIT("Bundle"));
    } else if (status >= FHIRSTORE_OK && fhs_str_eq(name, FHS_LIT("type"))) {
        status = take_string(reader, tree, offset, &text, err);
        bundle->kind = kind_of(text);
    }
    return status;
}

/* Behind the Bundle's closing bracket there is only white space. */
static fhirstore_status check_end(const bundle_reader *reader, size_t at, fhirstore_error **err)
{
    fhs_str rest = fhs_str_trim(fhs_str_from(reader->text, at));
    if (rest.len > 0) {
        size_t offset = (size_t)(rest.ptr - reader->text.ptr);
        return fail_here(reader, offset, FHIRSTORE_ERR_JSON, "expected the end of the text", err);
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_bundle_scan(const fhs_core *core, fhs_arena *scratch, fhs_str text,
                                 const fhs_bundle_watch *watch, fhs_bundle *out,
                                 fhirstore_error **err)
{
    const bundle_reader reader = make_reader(core, scratch, text);
    fhs_json_cursor cursor;
    seen_names seen = {.count = 0};
    bool is_bundle = false;
    fhs_str name;
    *out = (fhs_bundle){.text = text};
    fhirstore_status status = fhs_json_cursor_open(text, 0, &cursor, err);
    if (status >= FHIRSTORE_OK && !cursor.is_object) {
        return fail_here(&reader, 0, FHIRSTORE_ERR_BUNDLE, "a Bundle must be an object", err);
    }
    while (status >= FHIRSTORE_OK &&
           (status = fhs_json_cursor_step(&cursor, &name, err)) == FHIRSTORE_OK) {
        status = check_name(&reader, &seen, reader.bundle_type, name, cursor.at, err);
        if (status >= FHIRSTORE_OK && fhs_str_eq(name, FHS_LIT("entry"))) {
            status = scan_entries(&reader, cursor.at, watch, out, &cursor.at, err);
        } else if (status >= FHIRSTORE_OK) {
            status = take_bundle_member(&reader, name, &cursor, out, &is_bundle, err);
        }
    }
    if (status >= FHIRSTORE_OK) {
        status = check_end(&reader, cursor.at, err);
    }
    if (status >= FHIRSTORE_OK && !is_bundle) {
        status = fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "resourceType must be Bundle");
        fhs_error_expression(err, FHS_LIT("resourceType"));
    }
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}
