/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any JSON as a resource of any type: extraction answers, every entry has a parameter and a kind,
 * the text form is JSON again, and composite keys that are made from the input's bytes come back.
 */
#include "index/index.h"
#include "law.h"

#define MAX_TREE ((size_t)64 << 20)
#define MAX_TEXT ((size_t)64 << 20)

static fhs_indexer *indexer_for(fhs_fhir_version version)
{
    static fhs_indexer *indexers[FHS_FHIR_R5 + 1];
    if (indexers[version] == NULL && fhs_fhir_get(version) != NULL) {
        FUZZ_LAW(fhs_indexer_new(fhs_fhir_get(version), &indexers[version], NULL) == FHIRSTORE_OK);
    }
    return indexers[version];
}

static void check_entry(const fhs_fhir *fhir, const fhs_entry *entry)
{
    FUZZ_LAW(entry->param < fhs_sparam_count(fhir));
    FUZZ_LAW(entry->kind >= FHS_ROW_TOKEN && entry->kind < FHS_ROW_KIND_COUNT);
    FUZZ_LAW((entry->kind == FHS_ROW_COMPOSITE) == (entry->part_count > 0));
    for (size_t i = 0; i < entry->part_count; i++) {
        FUZZ_LAW(entry->parts[i].kind != FHS_ROW_COMPOSITE && entry->parts[i].kind != 0);
    }
    if (entry->kind == FHS_ROW_NUMBER || entry->kind == FHS_ROW_QUANTITY) {
        fhs_interval_key ends;
        fhs_entry_interval(entry, &ends);
        FUZZ_LAW(ends.low_len <= sizeof ends.low && ends.high_len <= sizeof ends.high);
        FUZZ_LAW(entry->is_interval == (ends.high_len > 0));
    }
}

static void check_lines(fhs_indexer *indexer, const fhs_json *resource)
{
    fhs_arena arena;
    fhs_str line;
    fhs_buf lines = FHS_BUF_INIT(MAX_TEXT);
    fhs_arena_init(&arena, MAX_TREE);
    if (fhs_index_write_ndjson(indexer, FHS_LIT("http://base"), resource, &lines, NULL) ==
        FHIRSTORE_OK) {
        fhs_str rest = fhs_buf_str(&lines);
        while (fhs_str_split(rest, '\n', &line, &rest)) {
            const fhs_json *root = NULL;
            fhirstore_status status = fhs_json_read(&arena, line, NULL, &root, NULL);
            FUZZ_LAW(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY);
        }
    }
    fhs_buf_clear(&lines);
    fhs_arena_clear(&arena);
}

static void check_version(fhs_fhir_version version, const fhs_json *resource)
{
    fhs_arena arena;
    fhs_entries entries = {NULL, 0, 0};
    fhs_indexer *indexer = indexer_for(version);
    if (indexer == NULL) {
        return;
    }
    fhs_arena_init(&arena, MAX_TREE);
    fhirstore_status status = fhs_index_extract(indexer, FHS_LIT("http://base"), resource, &arena,
                                                &entries, NULL);
    FUZZ_LAW(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_INVALID_RESOURCE ||
             status == FHIRSTORE_ERR_NO_MEMORY);
    for (size_t i = 0; status == FHIRSTORE_OK && i < entries.count; i++) {
        check_entry(fhs_fhir_get(version), &entries.items[i]);
    }
    if (status == FHIRSTORE_OK) {
        check_lines(indexer, resource);
    }
    fhs_arena_clear(&arena);
}

static void check_key(fhs_str bytes)
{
    fhs_row row;
    fhs_buf key = FHS_BUF_INIT(MAX_TEXT);
    fhs_buf scratch = FHS_BUF_INIT(MAX_TEXT);
    fhs_str rest = bytes;
    while (fhs_composite_next(&rest, &scratch, &row)) {
        FUZZ_LAW(row.text.len + row.extra.len <= scratch.len);
    }
    fhs_composite_add_quantity(&key, (int64_t)bytes.len, bytes, bytes);
    rest = fhs_buf_str(&key);
    FUZZ_LAW(fhs_composite_next(&rest, &scratch, &row) && rest.len == 0);
    FUZZ_LAW(fhs_str_eq(row.text, bytes) && fhs_str_eq(row.extra, bytes));
    fhs_buf_clear(&key);
    fhs_buf_clear(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fhs_arena arena;
    const fhs_json *root = NULL;
    fhs_str text = fhs_str_of((const char *)data, size);
    check_key(text);
    fhs_arena_init(&arena, MAX_TREE);
    if (fhs_json_read(&arena, text, NULL, &root, NULL) == FHIRSTORE_OK) {
        check_version(FHS_FHIR_R4, root);
        check_version(FHS_FHIR_R4B, root);
        check_version(FHS_FHIR_R5, root);
    }
    fhs_arena_clear(&arena);
    return 0;
}
