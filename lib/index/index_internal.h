/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by this folder only: shapes of data types, value conversion, compiled programs. */
#ifndef FHS_INDEX_INDEX_INTERNAL_H
#define FHS_INDEX_INDEX_INTERNAL_H

#include "index/index.h"

/* How values of a type look, as far as indexing cares. Types without a shape of their own have
 * their parent's. */
typedef enum fhs_shape {
    FHS_SHAPE_NONE,
    FHS_SHAPE_BOOLEAN,
    FHS_SHAPE_NUMBER, /* integer, decimal and their kin */
    FHS_SHAPE_STRING, /* string, markdown, id … */
    FHS_SHAPE_CODE,
    FHS_SHAPE_URI,
    FHS_SHAPE_DATE,   /* date, dateTime, instant */
    FHS_SHAPE_PERIOD, /* from here on: objects */
    FHS_SHAPE_TIMING,
    FHS_SHAPE_CODING,
    FHS_SHAPE_CONCEPT,
    FHS_SHAPE_IDENTIFIER,
    FHS_SHAPE_CONTACT,
    FHS_SHAPE_HUMAN_NAME,
    FHS_SHAPE_ADDRESS,
    FHS_SHAPE_ANNOTATION,
    FHS_SHAPE_NARRATIVE,
    FHS_SHAPE_ATTACHMENT,
    FHS_SHAPE_QUANTITY,
    FHS_SHAPE_MONEY,
    FHS_SHAPE_RANGE,
    FHS_SHAPE_RATIO,
    FHS_SHAPE_SAMPLED,
    FHS_SHAPE_REFERENCE,
    FHS_SHAPE_CODEABLE_REFERENCE,
    FHS_SHAPE_POSITION,
    FHS_SHAPE_EXTENSION,
    FHS_SHAPE_RESOURCE,
} fhs_shape;

const fhs_fhir *fhs_indexer_fhir(const fhs_indexer *indexer);

/* ---- what the store knows of the definitions (install.c) ---- */

/* Whether the store has all their names, and rows of this library's extraction. */
fhirstore_status fhs_install_is_done(const fhs_fhir *fhir, fhs_conn *conn, bool *is_done_out,
                                     fhirstore_error **err);
fhirstore_status fhs_install(const fhs_fhir *fhir, fhs_conn *writer, fhirstore_error **err);

/* ---- value conversion ---- */

typedef struct fhs_unit_cache fhs_unit_cache;
fhs_unit_cache *fhs_unit_cache_new(void);
void fhs_unit_cache_free(fhs_unit_cache *cache);

typedef struct fhs_convert {
    const fhs_fhir *fhir;
    fhs_unit_cache *units;
    const uint8_t *shapes; /* fhs_shape by type */
    fhs_str base_url;
    int zone_minutes; /* of times that have none */
    fhs_arena *arena;
    fhs_entries *out;
    bool is_failed; /* no memory */
} fhs_convert;

/* fhs_shape by type, fhs_type_count() of them; fhs_free() it. NULL: no memory. */
uint8_t *fhs_shapes_new(const fhs_fhir *fhir);

/*
 * Append the entries that @a value of @a type (with the required binding of its element) gives a
 * parameter of type @a kind. Their param is not set.
 */
void fhs_convert_value(fhs_convert *convert, uint8_t kind, fhs_type type, uint16_t binding,
                       const fhs_json *value);

/* A new entry at the end of convert->out, zeroed but for its kind; NULL when memory is short. */
fhs_entry *fhs_convert_add(fhs_convert *convert, fhs_row_kind kind);
/* Room for @a more entries. */
bool fhs_entries_reserve(fhs_arena *arena, fhs_entries *entries, size_t more);

/* One file each; fhs_convert_value() chooses. */
void fhs_convert_token(fhs_convert *convert, fhs_shape shape, uint16_t binding,
                       const fhs_json *value);
void fhs_convert_string(fhs_convert *convert, fhs_shape shape, const fhs_json *value);
void fhs_convert_uri(fhs_convert *convert, fhs_shape shape, const fhs_json *value);
void fhs_convert_date(fhs_convert *convert, fhs_shape shape, const fhs_json *value);
void fhs_convert_number(fhs_convert *convert, fhs_shape shape, const fhs_json *value);
void fhs_convert_quantity(fhs_convert *convert, fhs_shape shape, const fhs_json *value);
void fhs_convert_reference(fhs_convert *convert, fhs_shape shape, const fhs_json *value);
/* Append @a entry (a copy, outside convert->out) in canonical units, where it has any. */
void fhs_convert_canonical(fhs_convert *convert, const fhs_entry *entry);
void fhs_convert_position(fhs_convert *convert, const fhs_json *value);

/* The type that reference @a text, or its type element, points at; FHS_TYPE_NONE: it cannot be
 * told. */
fhs_type fhs_reference_target(const fhs_fhir *fhir, const fhs_json *resource,
                              const fhs_json *reference);

/* The member's string, or an empty view. */
fhs_str fhs_member_text(const fhs_json *object, fhs_str name);

#endif
