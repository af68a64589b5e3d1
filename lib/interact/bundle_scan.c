/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/bundle.h"

#include "json/cursor.h"

#define FIRST_ENTRIES 64u

/* The value of member @a name at the top of an object, found without checking the rest. */
static bool find_member(fhs_str text, fhs_str name, fhs_str *value_out, size_t *offset_out)
{
    fhs_json_cursor cursor;
    fhs_str found;
    if (fhs_json_cursor_open(text, 0, &cursor, NULL) < FHIRSTORE_OK || !cursor.is_object) {
        return false;
    }
    while (fhs_json_cursor_next(&cursor, &found, value_out, offset_out, NULL) == FHIRSTORE_OK) {
        if (fhs_str_eq(found, name)) {
            return true;
        }
    }
    return false;
}

bool fhs_bundle_sniff(fhs_str text, fhs_str *type_out)
{
    fhs_str value;
    fhs_str name;
    *type_out = FHS_LIT("");
    if (!find_member(text, FHS_LIT("resourceType"), &value, NULL) ||
        !fhs_json_plain_string(value, &name) || !fhs_str_eq(name, FHS_LIT("Bundle"))) {
        return false;
    }
    if (find_member(text, FHS_LIT("type"), &value, NULL)) {
        (void)fhs_json_plain_string(value, type_out);
    }
    return true;
}

static fhirstore_status bad_string(const char *name, fhirstore_error **err)
{
    return fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "entry: %s is not a plain string", name);
}

static fhirstore_status scan_request(fhs_str text, fhs_bundle_entry *entry, fhirstore_error **err)
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
    };
    fhs_json_cursor cursor;
    fhs_str name;
    fhs_str value;
    fhirstore_status status = fhs_json_cursor_open(text, 0, &cursor, err);
    while (status >= FHIRSTORE_OK &&
           (status = fhs_json_cursor_next(&cursor, &name, &value, NULL, err)) == FHIRSTORE_OK) {
        for (size_t i = 0; i < FHS_COUNT_OF(wanted); i++) {
            if (!fhs_str_eq(name, wanted[i].name)) {
                continue;
            }
            bool is_tag = i == 2 || i == 3; /* entity tags hold escaped quotes */
            if (is_tag) {
                *wanted[i].value = value;
            } else if (!fhs_json_plain_string(value, wanted[i].value)) {
                return bad_string("request", err);
            }
        }
    }
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

static fhirstore_status scan_entry(fhs_str text, size_t offset, fhs_bundle_entry *entry,
                                   fhirstore_error **err)
{
    fhs_json_cursor cursor;
    fhs_str name;
    fhs_str value;
    size_t at;
    *entry = (fhs_bundle_entry){.text = text};
    fhirstore_status status = fhs_json_cursor_open(text, 0, &cursor, err);
    if (status >= FHIRSTORE_OK && !cursor.is_object) {
        status = fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "an entry must be an object");
    }
    while (status >= FHIRSTORE_OK &&
           (status = fhs_json_cursor_next(&cursor, &name, &value, &at, err)) == FHIRSTORE_OK) {
        if (fhs_str_eq(name, FHS_LIT("resource"))) {
            entry->resource = value;
            entry->resource_offset = offset + at;
        } else if (fhs_str_eq(name, FHS_LIT("fullUrl"))) {
            if (!fhs_json_plain_string(value, &entry->full_url)) {
                return bad_string("fullUrl", err);
            }
        } else if (fhs_str_eq(name, FHS_LIT("request"))) {
            status = scan_request(value, entry, err);
        }
    }
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

static bool room_for_entry(fhs_arena *arena, fhs_bundle *bundle, size_t *capacity)
{
    if (bundle->count < *capacity) {
        return true;
    }
    size_t larger = *capacity == 0 ? FIRST_ENTRIES : *capacity * 2;
    fhs_bundle_entry *entries = fhs_arena_calloc(arena, larger, sizeof *entries);
    if (entries == NULL) {
        return false;
    }
    for (size_t i = 0; i < bundle->count; i++) {
        entries[i] = bundle->entries[i];
    }
    bundle->entries = entries;
    *capacity = larger;
    return true;
}

static fhirstore_status scan_entries(fhs_arena *arena, size_t offset, fhs_bundle *bundle,
                                     fhirstore_error **err)
{
    fhs_json_cursor cursor;
    fhs_str name;
    fhs_str value;
    size_t at;
    size_t capacity = 0;
    fhirstore_status status = fhs_json_cursor_open(bundle->text, offset, &cursor, err);
    if (status >= FHIRSTORE_OK && cursor.is_object) {
        return fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "Bundle.entry must be an array");
    }
    while (status >= FHIRSTORE_OK &&
           (status = fhs_json_cursor_next(&cursor, &name, &value, &at, err)) == FHIRSTORE_OK) {
        if (!room_for_entry(arena, bundle, &capacity)) {
            return fhs_fail_memory(err);
        }
        status = scan_entry(value, at, &bundle->entries[bundle->count], err);
        bundle->count++;
        if (status < FHIRSTORE_OK) {
            fhs_error_entry(err, (uint32_t)bundle->count);
        }
    }
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

/* Behind the Bundle's closing bracket there is only white space. */
static fhirstore_status check_end(const fhs_json_cursor *cursor, fhirstore_error **err)
{
    fhs_str rest = fhs_str_trim(fhs_str_from(cursor->text, cursor->at));
    if (rest.len > 0) {
        return fhs_fail(err, FHIRSTORE_ERR_JSON, "expected the end of the text");
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_bundle_scan(fhs_arena *arena, fhs_str text, fhs_bundle *out,
                                 fhirstore_error **err)
{
    fhs_json_cursor cursor;
    fhs_str name;
    fhs_str value;
    size_t at;
    fhs_str resource_type = FHS_LIT("");
    *out = (fhs_bundle){.text = text, .type = FHS_LIT("")};
    fhirstore_status status = fhs_json_cursor_open(text, 0, &cursor, err);
    if (status >= FHIRSTORE_OK && !cursor.is_object) {
        return fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "a Bundle must be an object");
    }
    while (status >= FHIRSTORE_OK &&
           (status = fhs_json_cursor_next(&cursor, &name, &value, &at, err)) == FHIRSTORE_OK) {
        if (fhs_str_eq(name, FHS_LIT("resourceType"))) {
            (void)fhs_json_plain_string(value, &resource_type);
        } else if (fhs_str_eq(name, FHS_LIT("type"))) {
            (void)fhs_json_plain_string(value, &out->type);
        } else if (fhs_str_eq(name, FHS_LIT("entry"))) {
            if (out->entries != NULL) {
                return fhs_fail(err, FHIRSTORE_ERR_JSON_DUPLICATE, "entry stands there twice");
            }
            status = scan_entries(arena, at, out, err);
        }
    }
    if (status >= FHIRSTORE_OK) {
        status = check_end(&cursor, err);
    }
    if (status >= FHIRSTORE_OK && !fhs_str_eq(resource_type, FHS_LIT("Bundle"))) {
        status = fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "resourceType must be Bundle");
    }
    return status;
}

static fhirstore_status plan_entry(const fhs_core *core, fhs_arena *arena, fhs_bundle_entry *entry,
                                   fhs_links *links, fhirstore_error **err)
{
    if (entry->method.len == 0 || entry->url.len == 0) {
        return fhs_fail(err, FHIRSTORE_ERR_BUNDLE, "request needs method and url");
    }
    fhirstore_status status = fhs_route_parse(core->fhir, core->base_url, entry->method, entry->url,
                                              &entry->route, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    entry->id = entry->route.id;
    if (entry->route.interaction == FHS_DO_CREATE) {
        char id[FHS_UUID_LEN + 1];
        fhs_uuid_new(id);
        entry->id = fhs_arena_dup(arena, fhs_str_of(id, FHS_UUID_LEN));
    }
    bool is_target = entry->route.interaction == FHS_DO_CREATE ||
                     entry->route.interaction == FHS_DO_UPDATE;
    if (!is_target || entry->full_url.len == 0) {
        return FHIRSTORE_OK;
    }
    fhs_str type = fhs_type_name(core->fhir, entry->route.type);
    char *address = fhs_arena_alloc(arena, type.len + 1 + entry->id.len);
    if (address == NULL || entry->id.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    memcpy(address, type.ptr, type.len);
    address[type.len] = '/';
    memcpy(address + type.len + 1, entry->id.ptr, entry->id.len);
    return fhs_links_add(links, entry->full_url, fhs_str_of(address, type.len + 1 + entry->id.len),
                         err);
}

fhirstore_status fhs_bundle_plan(const fhs_core *core, fhs_arena *arena, fhs_bundle *bundle,
                                 fhs_links **links_out, fhirstore_error **err)
{
    fhirstore_status status = fhs_links_new(arena, links_out, err);
    for (size_t i = 0; status >= FHIRSTORE_OK && i < bundle->count; i++) {
        status = plan_entry(core, arena, &bundle->entries[i], *links_out, err);
        if (status < FHIRSTORE_OK) {
            fhs_error_entry(err, (uint32_t)i + 1);
        }
    }
    return status;
}
