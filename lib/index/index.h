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
#include "json/json.h"
#include "storage/storage.h"

/* ---- extraction: no store needed ---- */

typedef struct fhs_indexer fhs_indexer; /* compiled programs of one FHIR version; thread-safe */

/* @a fhir is borrowed. Nothing is compiled before it is used. */
fhirstore_status fhs_indexer_new(const fhs_fhir *fhir, fhirstore_error **err_unused, fhs_indexer **out);
void fhs_indexer_free(fhs_indexer *indexer);

typedef struct fhs_entry {
    fhs_sparam param;
    uint8_t kind; /* fhs_row_kind */
    /* token */
    fhs_str system;
    fhs_str code;
    fhs_str display; /* text of the coding or concept, for :text; may be empty */
    /* string: as written; uri; reference: as written */
    fhs_str text;
    /* date */
    int64_t lo, hi;
    /* number and quantity: closed interval of points; open ends by flags */
    fhs_decimal low, high;
    bool is_interval, open_low, open_high;
    fhs_str unit; /* quantity: the unit text; system and code above */
    /* reference */
    fhs_type ref_type;
    fhs_str ref_id, ref_version, ref_url;
    bool ref_local;
    /* position, degrees × 1e9 */
    int64_t latitude, longitude;
    /* composite: the components, in order */
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

/* Append one entry's value in the documented text form of `fhirstore index` (a JSON string). */
void fhs_entry_write(const fhs_fhir *fhir, const fhs_entry *entry, fhs_buf *out);

/* ---- the catalog: numbers of this store for the definitions' types and parameters ---- */

typedef struct fhs_catalog fhs_catalog; /* thread-safe; one a store */

/* Creates what the store lacks when @a writer is a writer in a transaction (at creation and after an upgrade). */
fhirstore_status fhs_catalog_open(const fhs_fhir *fhir, fhs_conn *conn, fhs_catalog **out, fhirstore_error **err);
void fhs_catalog_free(fhs_catalog *catalog);
/* Whether the store lacks names of these definitions: then install with a writer. */
bool fhs_catalog_is_complete(const fhs_catalog *catalog);
fhirstore_status fhs_catalog_install(fhs_catalog *catalog, fhs_conn *writer, fhirstore_error **err);
/* 0: not known to the store. */
int32_t fhs_catalog_type(const fhs_catalog *catalog, fhs_type type);
fhs_type fhs_catalog_type_back(const fhs_catalog *catalog, int32_t number);
/* The store's number of parameter @a param of resource type @a type (loaded by type on first use), 0: none. */
fhirstore_status fhs_catalog_param(fhs_catalog *catalog, fhs_conn *conn, fhs_type type, fhs_sparam param,
                                   uint32_t *number_out, fhirstore_error **err);

/* ---- rows ---- */

/*
 * Entries as a normalised row list, interning systems, units and referenced entities (writer).
 */
fhirstore_status fhs_index_rows(fhs_catalog *catalog, fhs_conn *writer, fhs_type type,
                                const fhs_entries *entries, fhs_buf *rows_out, fhirstore_error **err);

/*
 * The composite key: components in order, each self-delimiting, so that equality of leading
 * components is a byte prefix and a range on the last one is a byte range. Shared with search.
 */
void fhs_composite_add_token(fhs_buf *key, int64_t system, fhs_str folded_code);

#endif
