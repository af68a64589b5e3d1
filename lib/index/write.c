/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as text, for people and for comparison with other engines. README.md describes the form.
 */
#include <stdlib.h>

#include "base/instant.h"
#include "index/index_internal.h"

#define VALUE_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define TEXT_ARENA_MAX  ((size_t)512 * 1024 * 1024)

static void show_tick(int64_t tick, fhs_buf *out)
{
    int64_t seconds = tick / FHS_TICKS_PER_SECOND;
    int64_t fraction = tick % FHS_TICKS_PER_SECOND;
    int64_t days = seconds / 86400;
    int64_t second = seconds % 86400;
    int32_t year = 0;
    unsigned month = 0;
    unsigned day = 0;
    fhs_civil_from_days(days, &year, &month, &day);
    fhs_buf_addf(out, "%04d-%02u-%02uT%02d:%02d:%02d.%07dZ", (int)year, month, day,
                 (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60), (int)fraction);
}

static void show_date(const fhs_entry *entry, fhs_buf *out)
{
    if (entry->lo != FHS_TICK_MIN) {
        show_tick(entry->lo, out);
    }
    fhs_buf_add_cstr(out, "..");
    if (entry->hi != FHS_TICK_MAX) {
        show_tick(entry->hi, out);
    }
}

static void show_number(const fhs_entry *entry, fhs_buf *out)
{
    if (!entry->is_interval) {
        fhs_decimal_write(&entry->low, out);
        return;
    }
    if (!entry->no_low) {
        fhs_buf_add_cstr(out, entry->open_low ? ">" : "");
        fhs_decimal_write(&entry->low, out);
    }
    fhs_buf_add_cstr(out, "..");
    if (!entry->no_high) {
        fhs_buf_add_cstr(out, entry->open_high ? "<" : "");
        fhs_decimal_write(&entry->high, out);
    }
}

static void show_quantity(const fhs_entry *entry, fhs_buf *out)
{
    show_number(entry, out);
    fhs_buf_add_char(out, '|');
    fhs_buf_add_str(out, entry->system);
    fhs_buf_add_char(out, '|');
    fhs_buf_add_str(out, entry->code.len > 0 ? entry->code : entry->unit);
}

static void show_reference(const fhs_fhir *fhir, const fhs_entry *entry, fhs_buf *out)
{
    if (!entry->ref_local) {
        fhs_buf_add_str(out, entry->text);
        return;
    }
    fhs_buf_add_str(out, fhs_type_name(fhir, entry->ref_type));
    fhs_buf_add_char(out, '/');
    fhs_buf_add_str(out, entry->ref_id);
    if (entry->ref_version.len > 0) {
        fhs_buf_add_cstr(out, "/_history/");
        fhs_buf_add_str(out, entry->ref_version);
    }
}

/* Billionths of a degree as a decimal. */
static void show_degrees(int64_t value, fhs_buf *out)
{
    fhs_decimal degrees = fhs_decimal_from_i64(value);
    degrees.exponent -= 9;
    degrees = fhs_decimal_normalise(degrees);
    fhs_decimal_write(&degrees, out);
}

static void show_token(const fhs_entry *entry, fhs_buf *out)
{
    fhs_buf_add_str(out, entry->system);
    fhs_buf_add_char(out, '|');
    fhs_buf_add_str(out, entry->code);
}

static void show_text(const fhs_fhir *fhir, const fhs_entry *entry, fhs_buf *out)
{
    switch (entry->kind) {
    case FHS_ROW_TOKEN:
        show_token(entry, out);
        break;
    case FHS_ROW_DATE:
        show_date(entry, out);
        break;
    case FHS_ROW_NUMBER:
        show_number(entry, out);
        break;
    case FHS_ROW_QUANTITY:
        show_quantity(entry, out);
        break;
    case FHS_ROW_REFERENCE:
        show_reference(fhir, entry, out);
        break;
    case FHS_ROW_POSITION:
        show_degrees(entry->latitude, out);
        fhs_buf_add_char(out, ',');
        show_degrees(entry->longitude, out);
        break;
    default:
        fhs_buf_add_str(out, entry->text);
        break;
    }
}

/* A token where a reference was expected: there was an identifier, or a display only. */
static bool is_token_of_reference(const fhs_fhir *fhir, const fhs_entry *entry)
{
    return entry->kind == FHS_ROW_TOKEN && entry->param != FHS_SPARAM_NONE &&
           fhs_sparam_get(fhir, entry->param).type == FHS_SP_REFERENCE;
}

static void show_single(const fhs_fhir *fhir, const fhs_entry *entry, fhs_buf *out)
{
    if (!is_token_of_reference(fhir, entry)) {
        show_text(fhir, entry, out);
    } else if (entry->system.len + entry->code.len > 0) {
        fhs_buf_add_cstr(out, "identifier:");
        show_text(fhir, entry, out);
    } else {
        fhs_buf_add_cstr(out, "display:");
        fhs_buf_add_str(out, entry->display);
    }
}

static void show_value(const fhs_fhir *fhir, const fhs_entry *entry, fhs_buf *out)
{
    if (entry->kind != FHS_ROW_COMPOSITE) {
        show_single(fhir, entry, out);
        return;
    }
    for (size_t i = 0; i < entry->part_count; i++) {
        fhs_buf_add_cstr(out, i > 0 ? "$" : "");
        show_single(fhir, &entry->parts[i], out);
    }
}

void fhs_entry_write(const fhs_fhir *fhir, const fhs_entry *entry, fhs_buf *out)
{
    fhs_buf text = FHS_BUF_INIT(VALUE_BYTES_MAX);
    show_value(fhir, entry, &text);
    fhs_json_write_string(out, fhs_buf_str(&text));
    if (out->failed == FHIRSTORE_OK) {
        out->failed = fhs_buf_status(&text);
    }
    fhs_buf_clear(&text);
}

typedef struct shown_value {
    fhs_sparam param;
    fhs_str text;
} shown_value;

static int compare_shown(const void *a, const void *b)
{
    const shown_value *x = a;
    const shown_value *y = b;
    if (x->param != y->param) {
        return x->param < y->param ? -1 : 1;
    }
    return fhs_str_compare(x->text, y->text);
}

/* Derived entries (canonical units, :of-type) are how the index works, not what was found. */
static bool is_shown(const fhs_fhir *fhir, const fhs_entry *entry)
{
    /* A parameter of R5 that searches of earlier versions know, too (tools/fhirgen/mend.py). */
    if (fhs_fhir_version_of(fhir) < FHS_FHIR_R5 &&
        fhs_str_eq(fhs_sparam_get(fhir, entry->param).code, FHS_LIT("_language"))) {
        return false;
    }
    if (entry->kind == FHS_ROW_COMPOSITE) {
        for (size_t i = 0; i < entry->part_count; i++) {
            if (entry->parts[i].is_canonical) {
                return false;
            }
        }
        return fhs_sparam_get(fhir, entry->param).type == FHS_SP_COMPOSITE;
    }
    return !entry->is_canonical;
}

static bool collect_shown(const fhs_fhir *fhir, const fhs_entries *entries, fhs_arena *arena,
                          shown_value **values_out, size_t *count_out)
{
    shown_value *values = fhs_arena_alloc(arena, (entries->count + 1) * sizeof *values);
    size_t count = 0;
    fhs_buf text = FHS_BUF_INIT(VALUE_BYTES_MAX);
    for (size_t i = 0; values != NULL && i < entries->count; i++) {
        if (!is_shown(fhir, &entries->items[i])) {
            continue;
        }
        fhs_buf_reset(&text);
        show_value(fhir, &entries->items[i], &text);
        values[count].param = entries->items[i].param;
        values[count].text = fhs_arena_dup(arena, fhs_buf_str(&text));
        if (values[count].text.ptr == NULL || fhs_buf_status(&text) != FHIRSTORE_OK) {
            values = NULL;
        } else {
            count++;
        }
    }
    fhs_buf_clear(&text);
    *values_out = values;
    *count_out = count;
    return values != NULL;
}

static void show_lines(const fhs_fhir *fhir, fhs_str name, const shown_value *values, size_t count,
                       fhs_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        bool is_first = i == 0 || values[i - 1].param != values[i].param;
        bool is_last = i + 1 == count || values[i + 1].param != values[i].param;
        if (is_first) {
            fhs_sparam_def def = fhs_sparam_get(fhir, values[i].param);
            fhs_buf_add_cstr(out, "{\"resource\":");
            fhs_json_write_string(out, name);
            fhs_buf_add_cstr(out, ",\"param\":");
            fhs_json_write_string(out, def.code);
            fhs_buf_add_cstr(out, ",\"type\":");
            fhs_json_write_string(out, fhs_sparam_type_name((fhs_sparam_type)def.type));
            fhs_buf_add_cstr(out, ",\"values\":[");
        }
        if (is_first || fhs_str_compare(values[i - 1].text, values[i].text) != 0) {
            fhs_buf_add_cstr(out, is_first ? "" : ",");
            fhs_json_write_string(out, values[i].text);
        }
        if (is_last) {
            fhs_buf_add_cstr(out, "]}\n");
        }
    }
}

static void set_entry_param(fhs_entries *entries, size_t from, fhs_sparam param)
{
    for (size_t i = from; i < entries->count; i++) {
        entries->items[i].param = param;
    }
}

/* _id and _lastUpdated have no rows, the resource table answers them; here they are shown as well.
 */
static bool add_stored(const fhs_fhir *fhir, const fhs_json *resource, fhs_arena *arena,
                       fhs_entries *entries)
{
    fhs_convert convert = {.fhir = fhir, .arena = arena, .out = entries};
    fhs_type type = fhs_type_find(fhir, fhs_member_text(resource, FHS_LIT("resourceType")));
    const fhs_json *id = fhs_json_get(resource, FHS_LIT("id"));
    if (fhs_json_is(id, FHS_JSON_STRING)) {
        size_t from = entries->count;
        fhs_convert_token(&convert, FHS_SHAPE_STRING, UINT16_MAX, id);
        set_entry_param(entries, from, fhs_sparam_find(fhir, type, FHS_LIT("_id")));
    }
    const fhs_json *meta = fhs_json_get(resource, FHS_LIT("meta"));
    const fhs_json *updated = fhs_json_is(meta, FHS_JSON_OBJECT)
                                  ? fhs_json_get(meta, FHS_LIT("lastUpdated"))
                                  : NULL;
    if (updated != NULL) {
        size_t from = entries->count;
        fhs_convert_date(&convert, FHS_SHAPE_DATE, updated);
        set_entry_param(entries, from, fhs_sparam_find(fhir, type, FHS_LIT("_lastUpdated")));
    }
    return !convert.is_failed;
}

static void show_name(const fhs_json *resource, fhs_buf *out)
{
    fhs_buf_add_str(out, fhs_member_text(resource, FHS_LIT("resourceType")));
    fhs_str id = fhs_member_text(resource, FHS_LIT("id"));
    if (id.len > 0) {
        fhs_buf_add_char(out, '/');
        fhs_buf_add_str(out, id);
    }
}

fhirstore_status fhs_index_write_ndjson(fhs_indexer *indexer, fhs_str base_url,
                                        const fhs_json *resource, fhs_buf *out,
                                        fhirstore_error **err)
{
    fhs_arena arena;
    fhs_arena_init(&arena, TEXT_ARENA_MAX);
    fhs_entries entries = {NULL, 0, 0};
    const fhs_fhir *fhir = fhs_indexer_fhir(indexer);
    shown_value *values = NULL;
    size_t count = 0;
    fhirstore_status status = fhs_index_extract(indexer, base_url, resource, &arena, &entries, err);
    if (status == FHIRSTORE_OK && (!add_stored(fhir, resource, &arena, &entries) ||
                                   !collect_shown(fhir, &entries, &arena, &values, &count))) {
        status = fhs_fail_memory(err);
    }
    if (status == FHIRSTORE_OK) {
        fhs_buf name = FHS_BUF_INIT(VALUE_BYTES_MAX);
        show_name(resource, &name);
        qsort(values, count, sizeof *values, compare_shown);
        show_lines(fhir, fhs_buf_str(&name), values, count, out);
        status = fhs_buf_status(&name) == FHIRSTORE_OK ? fhs_buf_status(out)
                                                       : fhs_buf_status(&name);
        fhs_buf_clear(&name);
        if (status != FHIRSTORE_OK) {
            (void)fhs_fail_plain(err, status);
        }
    }
    fhs_arena_clear(&arena);
    return status;
}
