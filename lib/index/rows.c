/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as rows: names, units and referenced entities become the store's numbers. */
#include "base/fold.h"
#include "base/phonetic.h"
#include "base/words.h"
#include "index/index.h"

/* Larger than any resource's texts. */
#define ROW_TEXT_MAX ((size_t)1024 * 1024 * 1024)

typedef struct row_maker {
    fhs_catalog *catalog;
    const fhs_fhir *fhir;
    fhs_conn *writer;
    fhs_buf *list;
    fhs_buf text; /* of one row: folded text or key */
    fhs_buf part; /* of one component of a composite */
    fhirstore_error **err;
} row_maker;

static fhs_str key_view(const uint8_t *bytes, size_t len)
{
    return fhs_str_of((const char *)bytes, len);
}

static fhirstore_status intern_unit(row_maker *maker, const fhs_entry *entry, int64_t *number_out)
{
    fhs_unit_key key = {.system = entry->system,
                        .code = entry->code,
                        .unit = entry->unit,
                        .canonical = entry->is_canonical};
    return fhs_unit_intern(maker->writer, &key, number_out, maker->err);
}

/* What is not Type/id is an entity without a type, known by its text. */
static fhirstore_status intern_target(row_maker *maker, const fhs_entry *entry, int64_t *entity_out)
{
    int32_t type = entry->ref_local ? fhs_catalog_type(maker->catalog, entry->ref_type) : 0;
    return fhs_entity_intern(maker->writer, type, entry->ref_local ? entry->ref_id : entry->ref_url,
                             entity_out, maker->err);
}

static void fold_code_into(fhs_buf *into, fhs_str code)
{

    fhs_buf_reset(into);
    fhs_fold_ascii(code, into);
}

/* The row's text; what was written is kept beside it where it differs. */
static void set_folded(fhs_row *row, const fhs_buf *folded, fhs_str written)
{
    row->text = fhs_buf_str(folded);
    row->extra = fhs_str_eq(row->text, written) ? FHS_STR_NONE : written;
}

static fhirstore_status add_component(row_maker *maker, const fhs_entry *part)
{
    int64_t number = 0;
    fhirstore_status status = FHIRSTORE_OK;
    fhs_interval_key ends;
    switch (part->kind) {
    case FHS_ROW_TOKEN:
        status = fhs_uri_intern(maker->writer, part->system, &number, maker->err);
        fold_code_into(&maker->part, part->code);
        fhs_composite_add_token(&maker->text, number, fhs_buf_str(&maker->part));
        break;
    case FHS_ROW_STRING:
        fhs_buf_reset(&maker->part);
        fhs_fold(part->text, &maker->part);
        fhs_composite_add_string(&maker->text, fhs_buf_str(&maker->part));
        break;
    case FHS_ROW_URI:
        fhs_composite_add_uri(&maker->text, part->text);
        break;
    case FHS_ROW_DATE:
        fhs_composite_add_date(&maker->text, part->lo, part->end);
        break;
    case FHS_ROW_NUMBER:
        fhs_entry_interval(part, &ends);
        fhs_composite_add_number(&maker->text, key_view(ends.low, ends.low_len),
                                 key_view(ends.high, ends.high_len));
        break;
    case FHS_ROW_QUANTITY:
        status = intern_unit(maker, part, &number);
        fhs_entry_interval(part, &ends);
        fhs_composite_add_quantity(&maker->text, number, key_view(ends.low, ends.low_len),
                                   key_view(ends.high, ends.high_len));
        break;
    case FHS_ROW_REFERENCE:
        status = intern_target(maker, part, &number);
        fhs_composite_add_reference(&maker->text, number);
        break;
    default:
        break;
    }
    if (status == FHIRSTORE_OK && fhs_buf_status(&maker->part) != FHIRSTORE_OK) {
        status = fhs_fail_memory(maker->err);
    }
    return status;
}

/* Case counts where a code system says so, so the key has what folding took away. */
static fhirstore_status add_written_codes(row_maker *maker, const fhs_entry *entry)
{
    bool is_needed = false;
    bool is_first = true;
    for (size_t i = 0; i < entry->part_count && !is_needed; i++) {
        fold_code_into(&maker->part, entry->parts[i].code);
        is_needed = entry->parts[i].kind == FHS_ROW_TOKEN &&
                    !fhs_str_eq(fhs_buf_str(&maker->part), entry->parts[i].code);
    }
    for (size_t i = 0; i < entry->part_count && is_needed; i++) {
        if (entry->parts[i].kind == FHS_ROW_TOKEN) {
            fhs_composite_add_written(&maker->text, is_first, entry->parts[i].code);
            is_first = false;
        }
    }
    return fhs_buf_status(&maker->part) == FHIRSTORE_OK ? FHIRSTORE_OK
                                                        : fhs_fail_memory(maker->err);
}

static fhirstore_status make_composite(row_maker *maker, const fhs_entry *entry, fhs_row *row)
{
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < entry->part_count && status == FHIRSTORE_OK; i++) {
        status = add_component(maker, &entry->parts[i]);
    }
    if (status == FHIRSTORE_OK) {
        status = add_written_codes(maker, entry);
    }
    row->text = fhs_buf_str(&maker->text);
    return status;
}

static fhirstore_status make_row(row_maker *maker, const fhs_entry *entry, fhs_interval_key *ends,
                                 fhs_row *row)
{
    fhs_buf_reset(&maker->text);
    switch (entry->kind) {
    case FHS_ROW_TOKEN:
        fold_code_into(&maker->text, entry->code);
        set_folded(row, &maker->text, entry->code);
        return fhs_uri_intern(maker->writer, entry->system, &row->a, maker->err);
    case FHS_ROW_STRING:
        fhs_fold(entry->text, &maker->text);
        set_folded(row, &maker->text, entry->text);
        return FHIRSTORE_OK;
    case FHS_ROW_URI:
        row->text = entry->text;
        return FHIRSTORE_OK;
    case FHS_ROW_DATE:
        row->a = entry->lo;
        row->b = entry->end;
        return FHIRSTORE_OK;
    case FHS_ROW_NUMBER:
    case FHS_ROW_QUANTITY:
        fhs_entry_interval(entry, ends);
        row->text = key_view(ends->low, ends->low_len);
        row->extra = key_view(ends->high, ends->high_len);
        return entry->kind == FHS_ROW_NUMBER ? FHIRSTORE_OK : intern_unit(maker, entry, &row->a);
    case FHS_ROW_REFERENCE:
        row->extra = entry->ref_version;
        return intern_target(maker, entry, &row->a);
    case FHS_ROW_COMPOSITE:
        return make_composite(maker, entry, row);
    case FHS_ROW_POSITION:
        row->a = entry->latitude;
        row->b = entry->longitude;
        return FHIRSTORE_OK;
    default:
        return fhs_fail(maker->err, FHIRSTORE_ERR_INTERNAL, "an index entry of no known kind");
    }
}

/* A name under a parameter that goes by sound: a row for each word's key. */
static fhirstore_status add_sounds(row_maker *maker, const fhs_entry *entry, fhs_row *row)
{
    fhs_str key;
    fhs_buf_reset(&maker->text);
    fhs_phonetic_add(entry->text, &maker->part, &maker->text);
    for (fhs_str rest = fhs_buf_str(&maker->text); fhs_words_next(&rest, &key);) {
        row->text = key;
        fhs_row_encode(maker->list, row);
    }
    return fhs_buf_status(&maker->text) == FHIRSTORE_OK ? FHIRSTORE_OK
                                                        : fhs_fail_memory(maker->err);
}

static fhirstore_status add_rows(row_maker *maker, fhs_type type, const fhs_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        const fhs_entry *entry = &entries->items[i];
        fhs_interval_key ends;
        fhs_row row = {.kind = entry->kind};
        fhirstore_status status = fhs_catalog_param(maker->catalog, maker->writer, type,
                                                    entry->param, &row.param, maker->err);
        if (status == FHIRSTORE_OK && row.param == 0) {
            continue; /* a parameter that this store does not know */
        }
        if (status == FHIRSTORE_OK && row.kind == FHS_ROW_STRING &&
            fhs_sparam_is_phonetic(maker->fhir, entry->param)) {
            status = add_sounds(maker, entry, &row);
            if (status != FHIRSTORE_OK) {
                return status;
            }
            continue;
        }
        if (status == FHIRSTORE_OK) {
            status = make_row(maker, entry, &ends, &row);
        }
        if (status == FHIRSTORE_OK && fhs_buf_status(&maker->text) != FHIRSTORE_OK) {
            status = fhs_fail_memory(maker->err);
        }
        if (status != FHIRSTORE_OK) {
            return status;
        }
        fhs_row_encode(maker->list, &row);
    }
    return FHIRSTORE_OK;
}

/* Append the rows of some entries; the list is not normalised. */
static fhirstore_status append_rows(fhs_catalog *catalog, fhs_conn *writer, fhs_type type,
                                    const fhs_entries *entries, fhs_buf *rows_out,
                                    fhirstore_error **err)
{
    row_maker maker = {.catalog = catalog,
                       .fhir = fhs_catalog_fhir(catalog),
                       .writer = writer,
                       .list = rows_out,
                       .err = err};
    fhs_buf_init(&maker.text, ROW_TEXT_MAX);
    fhs_buf_init(&maker.part, ROW_TEXT_MAX);
    fhirstore_status status = add_rows(&maker, type, entries);
    if (status == FHIRSTORE_OK &&
        (fhs_buf_status(&maker.text) != FHIRSTORE_OK ||
         fhs_buf_status(&maker.part) != FHIRSTORE_OK || fhs_buf_status(rows_out) != FHIRSTORE_OK)) {
        status = fhs_fail_memory(err);
    }
    fhs_buf_clear(&maker.text);
    fhs_buf_clear(&maker.part);
    return status;
}

typedef struct row_taker {
    fhs_catalog *catalog;
    fhs_conn *writer;
    fhs_type type;
    fhs_buf *rows;
} row_taker;

static fhirstore_status take_some(void *ctx, const fhs_entries *some, fhirstore_error **err)
{
    const row_taker *taker = ctx;
    return append_rows(taker->catalog, taker->writer, taker->type, some, taker->rows, err);
}

fhirstore_status fhs_index_text_rows(fhs_indexer *indexer, fhs_catalog *catalog, fhs_conn *writer,
                                     fhs_str base_url, fhs_type type, const fhs_json_text *resource,
                                     fhs_arena *arena, fhs_buf *rows_out, fhirstore_error **err)
{
    row_taker rows = {catalog, writer, type, rows_out};
    const fhs_entry_taker taker = {take_some, &rows};
    fhs_entries rest = {0};
    fhirstore_status status = fhs_index_extract_some(indexer, base_url, resource, arena, &taker,
                                                     &rest, err);
    return status == FHIRSTORE_OK ? fhs_index_rows(catalog, writer, type, &rest, rows_out, err)
                                  : status;
}

fhirstore_status fhs_index_rows(fhs_catalog *catalog, fhs_conn *writer, fhs_type type,
                                const fhs_entries *entries, fhs_buf *rows_out,
                                fhirstore_error **err)
{
    fhirstore_status status = append_rows(catalog, writer, type, entries, rows_out, err);
    return status == FHIRSTORE_OK ? fhs_row_list_normalise(rows_out, err) : status;
}
