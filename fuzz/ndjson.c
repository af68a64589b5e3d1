/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NDJSON: the first byte tells after how many resources an import commits, the rest are lines, each
 * a resource or a Bundle. Every line is counted, every refusal is told with its line and a reason,
 * and lines that are all refused change nothing. What is then exported is a resource a line, and to
 * import that again finds everything unchanged.
 */
#define MAX_STORED 200
#include "bulk/bulk.h"
#include "fresh_store.h"

#define MAX_LINES 40u
#define MAX_TEXT  ((size_t)64 << 20)

typedef struct told {
    int64_t refusals;
    uint64_t lines; /* how many lines there are */
} told;

static void take_refusal(void *ctx, const char *name, uint64_t line, uint32_t entry,
                         const fhirstore_error *error)
{
    told *so_far = ctx;
    (void)entry;
    FUZZ_LAW(name[0] == 'f' && line >= 1 && line <= so_far->lines);
    FUZZ_LAW(fhs_error_status(error) < FHIRSTORE_OK && fhs_error_message(error)[0] != '\0');
    so_far->refusals++;
}

static fhirstore_status take_line(void *ctx, const char *type, const char *body, size_t body_len)
{
    fhs_arena arena;
    const fhs_json *root;
    fhs_str named;
    fhs_buf *out = ctx;
    const fhs_str text = fhs_str_of(body, body_len);
    fhs_arena_init(&arena, SIZE_MAX);
    FUZZ_LAW(fhs_json_read(&arena, text, NULL, &root, NULL) == FHIRSTORE_OK);
    FUZZ_LAW(fhs_json_get_string(root, FHS_LIT("resourceType"), &named));
    FUZZ_LAW(fhs_str_eq(named, fhs_str_from_cstr(type)));
    fhs_arena_clear(&arena);
    /* Stored Bundles would be executed or unpacked. */
    if (!fhs_str_eq(named, FHS_LIT("Bundle"))) {
        FUZZ_LAW(fhs_str_find_char(text, '\n', 0) == text.len);
        fhs_buf_add_str(out, text);
        fhs_buf_add_char(out, '\n');
    }
    return FHIRSTORE_OK;
}

static fhirstore_import_totals import_lines(fhs_str text, uint32_t per_commit)
{
    told so_far = {0, MAX_LINES};
    const fhs_import_options options = {
        .per_commit = per_commit, .refused = take_refusal, .ctx = &so_far};
    fhs_import *import = NULL;
    int64_t count = 0;
    FUZZ_LAW(fhs_import_open(session, &options, &import, NULL) >= FHIRSTORE_OK);
    while (text.len > 0 && (count < MAX_LINES || per_commit == 0)) {
        fhs_str line = text;
        fhs_str rest = FHS_STR_NONE;
        (void)fhs_str_split(text, '\n', &line, &rest);
        so_far.lines = (uint64_t)++count;
        FUZZ_LAW(fhs_import_add(import, "f", so_far.lines, line, NULL) >= FHIRSTORE_OK);
        text = rest;
    }
    FUZZ_LAW(fhs_import_finish(import, NULL) >= FHIRSTORE_OK);
    const fhirstore_import_totals totals = *fhs_import_totals(import);
    FUZZ_LAW(totals.documents == count && totals.failed == so_far.refusals);
    fhs_import_close(import);
    return totals;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    (void)enter();
    const int64_t before = last_change();
    const fhs_str text = fhs_str_of((const char *)data + 1, size - 1);
    const fhirstore_import_totals totals = import_lines(text, data[0] % 8u + 1u);
    FUZZ_LAW(totals.resources > 0 || last_change() == before);
    const int64_t after = last_change();
    fhs_buf out = FHS_BUF_INIT(MAX_TEXT);
    int64_t count = 0;
    FUZZ_LAW(fhs_export(session, FHS_TYPE_NONE, 0, take_line, &out, &count, NULL) >= FHIRSTORE_OK);
    FUZZ_LAW(fhs_buf_status(&out) == FHIRSTORE_OK && count <= after);
    const fhirstore_import_totals again = import_lines(fhs_buf_str(&out), 0);
    FUZZ_LAW(again.resources == 0 && again.failed == 0 && again.unchanged == again.documents);
    FUZZ_LAW(last_change() == after);
    fhs_buf_clear(&out);
    changes = after;
    return 0;
}
