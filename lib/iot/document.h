/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mapping document: JSON that may begin with a byte-order mark and hold comments and trailing
 * commas, read with the places of everything in it. Names are matched exactly or, failing that,
 * whatever the case of their letters.
 */
#ifndef FHS_IOT_DOCUMENT_H
#define FHS_IOT_DOCUMENT_H

#include "iot/fault.h"
#include "json/json.h"

typedef struct fhs_iot_document {
    fhs_arena *arena;
    fhs_str text; /* without the mark; comments and trailing commas are blanks */
    const fhs_json *root;
    const uint32_t *line_starts;
    uint32_t line_count;
    fhs_iot_faults *faults;
} fhs_iot_document;

/*
 * Read @a text, which is copied. What is wrong with it becomes a fault, and root is NULL then.
 * ERR_NO_MEMORY only.
 */
fhirstore_status fhs_iot_document_read(fhs_arena *arena, fhs_str text, fhs_iot_faults *faults,
                                       fhs_iot_document *out, fhirstore_error **err);
/* Where @a value stands. */
void fhs_iot_place(const fhs_iot_document *document, const fhs_json *value, uint32_t *line_out,
                   uint32_t *column_out);
/* Give @a fault (or NULL) the place of @a value (or NULL). Returns the fault. */
fhs_iot_fault *fhs_iot_fault_at(fhs_iot_fault *fault, const fhs_iot_document *document,
                                const fhs_json *value);

/* The member of this name, or NULL. */
const fhs_json *fhs_iot_member(const fhs_json *object, fhs_str name);
/* A scalar as text: numbers as they are written, "True" and "False". False: null or a container. */
bool fhs_iot_scalar_text(const fhs_json *value, fhs_str *out);
/* A scalar as a boolean: also "true" and "false" as strings. */
bool fhs_iot_scalar_bool(const fhs_json *value, bool *out);
/* White space only, or nothing. */
bool fhs_iot_is_blank(fhs_str text);

/* A template in the list of a collection. */
typedef struct fhs_iot_entry {
    fhs_str type_name;       /* templateType */
    const fhs_json *content; /* template: an object */
    int32_t index;
} fhs_iot_entry;

/* What a collection accepts, and whom it hands its entries. */
typedef struct fhs_iot_collection {
    fhs_str name; /* "CollectionContent": with or without "Template" behind it */
    bool (*take)(void *ctx, const fhs_iot_entry *entry); /* false: no memory */
    void *ctx;
} fhs_iot_collection;

/* Check the frame of the document and hand out each entry whose frame is sound. */
fhirstore_status fhs_iot_collection_read(const fhs_iot_document *document,
                                         const fhs_iot_collection *collection,
                                         fhirstore_error **err);

#endif
