/* SPDX-License-Identifier: Apache-2.0 */
/* Verify and statistics: what an operator asks of the store as a whole. */
#include <stdio.h>

#include "base/mem.h"
#include "index/fulltext.h"
#include "interact/ledger.h"
#include "interact/params.h"
#include "vfs/vfs.h"
#include "json/json.h"

typedef struct verify_work {
    fhs_core *core;
    fhs_conn *conn; /* a reader: all is of one snapshot */
    fhs_params *params;
    uint32_t *unready; /* parameters whose rows may be there or not */
    size_t unready_count;
    fhs_arena arena;
    fhs_buf rows;
    fhs_buf fewer; /* a row list without those parameters */
    fhs_finding_fn report;
    void *ctx;
    int64_t findings;
    int64_t shredded; /* resources that no key of a patient opens */
    unsigned mends;   /* FHS_MEND_*: what would mend something of it */
    bool has_unread;  /* a stored body that cannot be read again */
} verify_work;

/* A finding about one version: named by type and change sequence, which identify nobody. */
static void note_finding(verify_work *work, const char *area, const fhs_version *version,
                         const char *text)
{
    char line[256];
    const fhs_core *core = work->core;
    fhs_str type = fhs_type_name(core->fhir, fhs_catalog_type_back(core->catalog, version->type));
    (void)snprintf(line, sizeof line, "%.*s of sequence %lld: %s", FHS_STR_ARG(type),
                   (long long)version->seq, text);
    work->findings++;
    if (work->report != NULL) {
        work->report(work->ctx, area, line);
    }
}

/* The rows that extraction gives for a stored body, and those that are stored beside it. */
static fhirstore_status extract_again(verify_work *work, const fhs_version *version, fhs_type type,
                                      fhirstore_error **err)
{
    fhs_core *core = work->core;
    fhs_entries entries = {0};
    fhs_arena_reset(&work->arena);
    fhs_buf_reset(&work->rows);
    fhirstore_status status = fhs_index_extract_body(fhs_params_indexer(work->params),
                                                     core->base_url, version->body, &work->arena,
                                                     &entries, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_index_rows(fhs_params_catalog(work->params), work->conn, type, &entries,
                                &work->rows, err);
    }
    return status;
}

static bool is_unready(const verify_work *work, uint32_t param)
{
    for (size_t i = 0; i < work->unready_count; i++) {
        if (work->unready[i] == param) {
            return true;
        }
    }
    return false;
}

static void add_ready_rows(verify_work *work, fhs_str rows)
{
    fhs_row_cursor cursor = {rows};
    fhs_row row;
    fhs_str encoded;
    while (fhs_row_next(&cursor, &row, &encoded) == FHIRSTORE_OK) {
        if (!is_unready(work, row.param)) {
            fhs_buf_add_str(&work->fewer, encoded);
        }
    }
}

/* Equal, but for parameters that are being indexed or dropped. */
static bool same_rows(verify_work *work, fhs_str stored, fhs_str extracted)
{
    if (work->unready_count == 0 || fhs_str_eq(stored, extracted)) {
        return fhs_str_eq(stored, extracted);
    }
    fhs_buf_reset(&work->fewer);
    add_ready_rows(work, stored);
    size_t split = work->fewer.len;
    add_ready_rows(work, extracted);
    fhs_str both = fhs_buf_str(&work->fewer);
    return fhs_buf_status(&work->fewer) == FHIRSTORE_OK &&
           fhs_str_eq(fhs_str_of(both.ptr, split), fhs_str_from(both, split));
}

static bool note_unready(void *ctx, uint32_t number, int32_t type, fhs_param_state state)
{
    verify_work *work = ctx;
    (void)type;
    (void)state;
    uint32_t *numbers = fhs_realloc(work->unready,
                                    (work->unready_count + 1) * sizeof *work->unready);
    if (numbers == NULL) {
        return false;
    }
    work->unready = numbers;
    numbers[work->unready_count++] = number;
    return true;
}

static fhirstore_status verify_resource_rows(void *ctx, const fhs_version *version)
{
    verify_work *work = ctx;
    fhs_version stored;
    fhs_core *core = work->core;
    fhs_type type = fhs_catalog_type_back(core->catalog, version->type);
    if (version->is_shredded) {
        work->shredded++;
        return FHIRSTORE_OK;
    }
    fhirstore_status status = extract_again(work, version, type, NULL);
    if (status == FHIRSTORE_ERR_NO_MEMORY) {
        return status;
    }
    if (status < FHIRSTORE_OK) {
        work->has_unread = true;
        note_finding(work, "resource", version, "a stored body cannot be read again");
        return FHIRSTORE_OK;
    }
    status = fhs_resource_read_rows(work->conn, version->type, version->id, &stored, NULL);
    if (status == FHIRSTORE_ERR_NO_MEMORY) {
        return status;
    }
    if (status < FHIRSTORE_OK) {
        work->mends |= FHS_MEND_NAMES;
        note_finding(work, "resource", version, "a resource cannot be read under its id");
    } else if (!same_rows(work, stored.rows, fhs_buf_str(&work->rows))) {
        work->mends |= FHS_MEND_ROWS;
        note_finding(work, "index", version, "the rows of a resource are not those of its body");
    }
    return FHIRSTORE_OK;
}

/* In a copy that was made without the keys of patients that is as it has to be. */
static void tell_shredded(const verify_work *work)
{
    char line[128];
    if (work->shredded > 0 && work->report != NULL) {
        (void)snprintf(line, sizeof line,
                       "%lld resources are under keys of patients that the store does not have",
                       (long long)work->shredded);
        work->report(work->ctx, "notice", line);
    }
}

static fhirstore_status verify_words(verify_work *work, fhirstore_error **err)
{
    bool is_sound = true;
    fhirstore_status status = FHIRSTORE_OK;
    tell_shredded(work);
    /* What cannot be read again has been told of. */
    if (!work->has_unread && work->shredded == 0) {
        status = fhs_fulltext_verify(work->conn, &is_sound, err);
    }
    if (!is_sound && status >= FHIRSTORE_OK) {
        work->mends |= FHS_MEND_WORDS;
        work->findings++;
        if (work->report != NULL) {
            work->report(work->ctx, "fulltext",
                         "the full-text index does not hold the words of the resources");
        }
    }
    return status;
}

/*
 * Extraction again, over a reader's snapshot: nobody has to wait. Names that a body needs but the
 * store lacks get numbers that no stored row has, so they show as different rows.
 */
static fhirstore_status verify_rows(verify_work *work, fhirstore_error **err)
{
    fhirstore_status status = fhs_storage_reader(work->core->storage, &work->conn, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_begin_read(work->conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_allow_scratch(work->conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_core_take_params(work->core, work->conn, false, &work->params, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_paramnum_unready(work->conn, note_unready, work, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_each_any(work->conn, verify_resource_rows, work, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = verify_words(work, err);
    }
    if (work->conn != NULL) {
        fhs_conn_end_read(work->conn);
    }
    fhs_conn_release(work->conn);
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

/* ---- the journal ---- */

static void tell_journal_fault(void *ctx, int64_t number, const char *what)
{
    verify_work *work = ctx;
    char line[256];
    (void)snprintf(line, sizeof line, "record %lld: %s", (long long)number, what);
    work->findings++;
    if (work->report != NULL) {
        work->report(work->ctx, "journal", line);
    }
}

/* A journal of its own for looking, where this opening keeps none. *out NULL: there is none. */
static fhirstore_status find_journal(fhs_core *core, fhs_journal **out, fhirstore_error **err)
{
    uint8_t key[FHS_JOURNAL_KEY_BYTES];
    bool found = false;
    struct fhs_vfs *vfs = fhs_storage_vfs(core->storage);
    *out = NULL;
    if (vfs != NULL) {
        return fhs_journal_new(fhs_vfs_keys(vfs), NULL, out, err);
    }
    fhirstore_status status = fhs_ledger_plain_key(core, key, &found, err);
    return status == FHIRSTORE_OK && found ? fhs_journal_new(NULL, key, out, err) : status;
}

static fhirstore_status judge_journal(verify_work *work, fhs_journal *journal,
                                      fhirstore_error **err)
{
    const fhs_ledger *ledger = work->core->ledger;
    fhs_journal_report report;
    fhs_conn *conn = NULL;
    fhirstore_status status = fhs_storage_reader(work->core->storage, &conn, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_begin_read(conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_journal_verify(journal, conn, NULL,
                                    ledger == NULL ? FHS_STR_NONE : fhs_ledger_owner(ledger),
                                    tell_journal_fault, work, &report, err);
    }
    fhs_conn_release(conn);
    return status;
}

static fhirstore_status judge_journals(verify_work *work, fhirstore_error **err)
{
    fhs_journal *own = NULL;
    fhs_core *core = work->core;
    if (core->ledger != NULL) {
        return judge_journal(work, fhs_ledger_journal(core->ledger), err);
    }
    fhirstore_status status = find_journal(core, &own, err);
    if (status >= FHIRSTORE_OK && own != NULL) {
        status = judge_journal(work, own, err);
    }
    fhs_journal_free(own);
    return status;
}

/* ---- everything ---- */

/* What cannot be read is no failure of verify: it is a finding, if it was not told before. */
static fhirstore_status end_at_damage(verify_work *work, fhirstore_status status, const char *text,
                                      fhirstore_error **err)
{
    bool is_damage = status == FHIRSTORE_ERR_CORRUPT || status == FHIRSTORE_ERR_TAMPERED ||
                     status == FHIRSTORE_ERR_TRUNCATED;
    if (!is_damage) {
        return status;
    }
    if (err != NULL) {
        fhs_error_free(*err);
        *err = NULL;
    }
    bool is_told = work->findings > 0;
    work->findings += is_told ? 0 : 1;
    if (work->report != NULL) {
        work->report(work->ctx, is_told ? "notice" : "structure", text);
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_core_examine(fhs_core *core, fhs_finding_fn report, void *ctx,
                                  fhs_examined *out, fhirstore_error **err)
{
    verify_work work = {.core = core, .report = report, .ctx = ctx};
    fhs_examined stored = {0};
    fhs_arena_init(&work.arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&work.rows, FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&work.fewer, (size_t)2 * FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_storage_examine(core->storage, report, ctx, &stored, err);
    work.findings = stored.findings;
    work.mends = stored.mends;
    if (status >= FHIRSTORE_OK) {
        status = end_at_damage(&work, verify_rows(&work, err),
                               "not all resources can be read and compared with their rows", err);
    }
    if (status >= FHIRSTORE_OK) {
        status = end_at_damage(&work, judge_journals(&work, err),
                               "the journal cannot be read to its end", err);
    }
    fhs_params_drop(work.params);
    fhs_free(work.unready);
    fhs_buf_clear(&work.fewer);
    fhs_buf_clear(&work.rows);
    fhs_arena_clear(&work.arena);
    *out = (fhs_examined){work.findings, work.mends};
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}

fhirstore_status fhs_core_verify(fhs_core *core, fhs_finding_fn report, void *ctx,
                                 int64_t *findings_out, fhirstore_error **err)
{
    fhs_examined found = {0};
    fhirstore_status status = fhs_core_examine(core, report, ctx, &found, err);
    *findings_out = found.findings;
    return status;
}

static const char *const row_names[FHS_ROW_KIND_COUNT] = {
    NULL,       "token",     "string", "date",      "number",
    "quantity", "reference", "uri",    "composite", "position",
};

typedef struct type_writer {
    fhs_buf *out;
    bool is_first;
} type_writer;

static bool write_type_count(void *ctx, fhs_str type, int64_t count)
{
    type_writer *writer = ctx;
    if (!writer->is_first) {
        fhs_buf_add_char(writer->out, ',');
    }
    writer->is_first = false;
    fhs_json_write_string(writer->out, type);
    fhs_buf_add_char(writer->out, ':');
    fhs_buf_add_i64(writer->out, count);
    return true;
}

static void write_number(fhs_buf *out, const char *name, int64_t value)
{
    fhs_buf_addf(out, ",\"%s\":%lld", name, (long long)value);
}

static void write_stats(fhs_buf *out, const fhs_core *core, const fhs_storage_stats *stats)
{
    fhs_buf_addf(out, "{\"fhirVersion\":\"%.*s\",\"encrypted\":%s",
                 FHS_STR_ARG(fhs_fhir_version_number(core->fhir)),
                 fhs_storage_is_encrypted(core->storage) ? "true" : "false");
    write_number(out, "resources", stats->resources);
    write_number(out, "deleted", stats->deleted);
    write_number(out, "versions", stats->versions);
    write_number(out, "lastSequence", stats->last_seq);
    write_number(out, "fileBytes", stats->file_bytes);
    write_number(out, "walBytes", stats->wal_bytes);
    write_number(out, "pages", stats->page_count);
    write_number(out, "freePages", stats->free_pages);
    fhs_buf_add_cstr(out, ",\"indexRows\":{");
    for (size_t kind = 1; kind < FHS_ROW_KIND_COUNT; kind++) {
        fhs_buf_addf(out, "%s\"%s\":%lld", kind == 1 ? "" : ",", row_names[kind],
                     (long long)stats->row_count[kind]);
    }
    fhs_buf_add_cstr(out, "},\"types\":{");
}

fhirstore_status fhs_core_stats(fhs_core *core, fhs_buf *out, fhirstore_error **err)
{
    fhs_conn *conn = NULL;
    fhs_storage_stats stats;
    type_writer writer = {out, true};
    fhirstore_status status = fhs_storage_reader(core->storage, &conn, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_begin_read(conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_storage_get_stats(conn, &stats, err);
    }
    if (status >= FHIRSTORE_OK) {
        write_stats(out, core, &stats);
        status = fhs_storage_type_counts(conn, write_type_count, &writer, err);
        fhs_buf_add_cstr(out, "}}");
    }
    if (conn != NULL) {
        fhs_conn_end_read(conn);
    }
    fhs_conn_release(conn);
    return status >= FHIRSTORE_OK && fhs_buf_status(out) < FHIRSTORE_OK
               ? fhs_fail_plain(err, fhs_buf_status(out))
               : status;
}
