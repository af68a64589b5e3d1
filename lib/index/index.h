/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A resource becomes index entries; entries become rows.
 *
 * All search parameters of a type are compiled together, on first use, from their FHIRPath
 * expressions into one program that walks the resource once. Entries speak in text (what was
 * found); rows speak in the store's numbers.
 */
#ifndef FHS_INDEX_INDEX_H
#define FHS_INDEX_INDEX_H

#include "base/arena.h"
#include "base/decimal.h"
#include "base/error.h"
#include "fhir/fhir.h"
#include "storage/storage.h"
#include "json/json.h"

/*
 * What stored rows mean: to be counted up with every change of extraction, of folding, of the
 * tables of units, or of the definitions' expressions that gives other rows for the same resource.
 * Rows of a store with a lower number are made anew (fhs_catalog_install()).
 */
#define FHS_EXTRACTION_VERSION 2

/* ---- extraction: no store needed ---- */

typedef struct fhs_indexer fhs_indexer; /* compiled programs of one FHIR version; thread-safe */

/* @a fhir is borrowed. Nothing is compiled before it is used. */
fhirstore_status fhs_indexer_new(const fhs_fhir *fhir, fhs_indexer **indexer_out,
                                 fhirstore_error **err);
void fhs_indexer_free(fhs_indexer *indexer);
/* The zone of times that have none, in minutes east of UTC. Before anything is extracted. */
void fhs_indexer_set_zone(fhs_indexer *indexer, int minutes);
/*
 * One for definitions that extend those of @a base (fhs_fhir_extend()): types without parameters
 * of their own share the programs of @a base, which must outlive it.
 */
fhirstore_status fhs_indexer_over(fhs_indexer *base, const fhs_fhir *fhir,
                                  fhs_indexer **indexer_out, fhirstore_error **err);

/*
 * One value under one parameter. Only the fields of its kind are set; views borrow the resource's
 * text, the definitions or the arena.
 */
typedef struct fhs_entry {
    fhs_sparam param;
    uint8_t kind; /* fhs_row_kind */
    /* token; a concept with text only has both empty */
    fhs_str system;
    fhs_str code;
    /*
     * For :text, may be empty: display of a coding or reference. (The first entry of a reference
     * has it.)
     */
    fhs_str display;
    /* string, uri, reference: as written; token: text of the concept or of the identifier's type */
    fhs_str text;
    /* date; FHS_TICK_MIN and FHS_TICK_MAX are open ends */
    int64_t lo, hi;
    int64_t end; /* hi as searches compare it: a time with a fraction of a second is a point */
    /* number and quantity: a point (low = high), or an interval */
    fhs_decimal low, high;
    bool is_interval;
    bool no_low, no_high;     /* unbounded on that side; low or high is not set */
    bool open_low, open_high; /* the end itself is not in it (a value with comparator < or >) */
    bool is_canonical;        /* quantity: converted to canonical UCUM units (unit is empty) */
    fhs_str unit;             /* quantity: the unit text; system and code above */
    /* reference; identifier-only ones are tokens of the same parameter */
    fhs_type ref_type; /* FHS_TYPE_NONE: ref_url says what */
    fhs_str ref_id, ref_version, ref_url;
    bool ref_local;
    /* position, degrees × 1e9 */
    int64_t latitude, longitude;
    /*
     * composite: the components, in order. Under a token parameter: type and value of an
     * identifier, for :of-type.
     */
    const struct fhs_entry *parts;
    size_t part_count;
} fhs_entry;

typedef struct fhs_entries {
    fhs_entry *items;
    size_t count;
    size_t capacity;
} fhs_entries;

/*
 * Extract every parameter of @a resource (its resourceType decides) into @a entries, in the arena.
 * Values that cannot be indexed (a malformed date in a lenient store) give no entry.
 */
fhirstore_status fhs_index_extract(fhs_indexer *indexer, fhs_str base_url, const fhs_json *resource,
                                   fhs_arena *arena, fhs_entries *entries, fhirstore_error **err);

/*
 * The same of a text of any size: arrays that were handed out are gone through item by item where
 * the type's parameters allow it, else the whole is read once more.
 */
fhirstore_status fhs_index_extract_text(fhs_indexer *indexer, fhs_str base_url,
                                        const fhs_json_text *resource, fhs_arena *arena,
                                        fhs_entries *entries, fhirstore_error **err);
/*
 * The same for entries that are too many to be at hand together: @a taker gets them some at a time,
 * and they are forgotten. NULL: it is fhs_index_extract_text().
 */
typedef struct fhs_entry_taker {
    fhirstore_status (*take)(void *ctx, const fhs_entries *some, fhirstore_error **err);
    void *ctx;
} fhs_entry_taker;
fhirstore_status fhs_index_extract_some(fhs_indexer *indexer, fhs_str base_url,
                                        const fhs_json_text *resource, fhs_arena *arena,
                                        const fhs_entry_taker *taker, fhs_entries *rest,
                                        fhirstore_error **err);
/* Read a stored body and extract from it. */
fhirstore_status fhs_index_extract_body(fhs_indexer *indexer, fhs_str base_url, fhs_str body,
                                        fhs_arena *arena, fhs_entries *entries,
                                        fhirstore_error **err);

/* Append one entry's value in the documented text form of `fhirstore index` (a JSON string). */
void fhs_entry_write(const fhs_fhir *fhir, const fhs_entry *entry, fhs_buf *out);
/*
 * What `fhirstore index` prints for one resource: a line of JSON for each parameter that has
 * values, in the order of the definitions, values sorted and each once (README.md).
 */
fhirstore_status fhs_index_write_ndjson(fhs_indexer *indexer, fhs_str base_url,
                                        const fhs_json *resource, fhs_buf *out,
                                        fhirstore_error **err);
/*
 * Parameters of @a type that the compiled form cannot express and the FHIRPath engine evaluates.
 * Call @a visit for each.
 */
fhirstore_status fhs_indexer_fallbacks(fhs_indexer *indexer, fhs_type type,
                                       void (*visit)(void *ctx, fhs_sparam param), void *ctx,
                                       fhirstore_error **err);

/* ---- the catalog: numbers of this store for the definitions' types and parameters ---- */

typedef struct fhs_catalog fhs_catalog; /* thread-safe; one a store */

/* Reads what the store has. ERR_SCHEMA: its rows are of a later extraction than this library's. */
fhirstore_status fhs_catalog_open(const fhs_fhir *fhir, fhs_conn *conn, fhs_catalog **out,
                                  fhirstore_error **err);
void fhs_catalog_free(fhs_catalog *catalog);
/*
 * Whether the store has all names of these definitions, and rows of this library's extraction. If
 * not, install with a writer: where there are resources, what is new and what would be extracted
 * otherwise today is then being indexed. Before the store's own parameters are loaded.
 */
bool fhs_catalog_is_complete(const fhs_catalog *catalog);
fhirstore_status fhs_catalog_install(fhs_catalog *catalog, fhs_conn *writer, fhirstore_error **err);
const fhs_fhir *fhs_catalog_fhir(const fhs_catalog *catalog);
/* 0: not known to the store. */
int32_t fhs_catalog_type(const fhs_catalog *catalog, fhs_type type);
fhs_type fhs_catalog_type_back(const fhs_catalog *catalog, int32_t number);
/* The store's number of parameter @a param of resource type @a type (loaded by type on first use),
 * 0: none. */
fhirstore_status fhs_catalog_param(fhs_catalog *catalog, fhs_conn *conn, fhs_type type,
                                   fhs_sparam param, uint32_t *number_out, fhirstore_error **err);

/*
 * One for definitions that extend those of @a base, which must outlive it. @a late: numbers of
 * parameters whose rows are not complete, ascending, borrowed.
 */
fhirstore_status fhs_catalog_over(fhs_catalog *base, const fhs_fhir *fhir, const uint32_t *late,
                                  size_t late_count, fhs_catalog **out, fhirstore_error **err);
/* Whether resources may lack rows of the parameter with this number. */
bool fhs_catalog_is_late(const fhs_catalog *catalog, uint32_t number);

/* ---- rows ---- */

/*
 * Entries as a normalised row list, interning systems, units and referenced entities (writer).
 */
fhirstore_status fhs_index_rows(fhs_catalog *catalog, fhs_conn *writer, fhs_type type,
                                const fhs_entries *entries, fhs_buf *rows_out,
                                fhirstore_error **err);
/* Extract from a text of any size, and make the normalised row list of what was found. */
fhirstore_status fhs_index_text_rows(fhs_indexer *indexer, fhs_catalog *catalog, fhs_conn *writer,
                                     fhs_str base_url, fhs_type type, const fhs_json_text *resource,
                                     fhs_arena *arena, fhs_buf *rows_out, fhirstore_error **err);

/*
 * The composite key: components in order, each self-delimiting, so that equality of leading
 * components is a byte prefix and a range on the last one is a byte range (README.md has the
 * bytes). Shared with search.
 */
#define FHS_COMPOSITE_INTEGER 8u /* bytes of an integer; a token ends with its system */
void fhs_composite_add_token(fhs_buf *key, int64_t system, fhs_str folded_code);
void fhs_composite_add_string(fhs_buf *key, fhs_str folded);
void fhs_composite_add_uri(fhs_buf *key, fhs_str uri);
void fhs_composite_add_date(fhs_buf *key, int64_t lo, int64_t hi);
/* @a high_key is empty for a point. */
void fhs_composite_add_number(fhs_buf *key, fhs_str low_key, fhs_str high_key);
void fhs_composite_add_quantity(fhs_buf *key, int64_t unit, fhs_str low_key, fhs_str high_key);
void fhs_composite_add_reference(fhs_buf *key, int64_t entity);
/*
 * Take the next component off @a rest as a row (kind, a, b, text, extra as rows.h has them; texts
 * that need unescaping go to @a scratch, which holds one component). False at the end, or for bytes
 * that are no key.
 */
bool fhs_composite_next(fhs_str *rest, fhs_buf *scratch, fhs_row *out);
/*
 * Behind the components, only where a token's code was not written as it is folded: the codes of
 * all tokens as written, in order. Before the first one stands the mark; next() stops at it.
 */
void fhs_composite_add_written(fhs_buf *key, bool is_first, fhs_str code);
/* Take the next of them off @a rest into @a scratch. False: there is none. */
bool fhs_composite_next_written(fhs_str *rest, fhs_buf *scratch, fhs_str *code_out);

/* Longest key of an end of an interval. */
#define FHS_INTERVAL_KEY_MAX (FHS_DECIMAL_KEY_MAX + 2u)
/*
 * The sort keys of a number's or quantity's two ends. An end that is not there is below (low) or
 * above (high) every key; an end that is not in the interval is next to its number's key. A point
 * has high_len 0.
 */
typedef struct fhs_interval_key {
    uint8_t low[FHS_INTERVAL_KEY_MAX];
    uint8_t high[FHS_INTERVAL_KEY_MAX];
    size_t low_len;
    size_t high_len;
} fhs_interval_key;
void fhs_entry_interval(const fhs_entry *entry, fhs_interval_key *out);

#endif
