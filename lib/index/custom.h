/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search parameters of a store's own: SearchParameter resources that are `active`, beside those
 * of FHIR itself. All of them at one moment are an fhs_params: immutable and counted, with the
 * definitions, the catalog and the indexer that know them. A change makes a new one.
 */
#ifndef FHS_INDEX_CUSTOM_H
#define FHS_INDEX_CUSTOM_H

#include "index/index.h"

/* ---- one SearchParameter resource ---- */

typedef struct fhs_custom {
    fhs_str id;
    fhs_sparam_def def;          /* components' `param` is FHS_SPARAM_NONE until it is resolved */
    fhs_sparam_component *parts; /* def.components */
    const fhs_str *part_urls;    /* without "|version" */
    bool is_published;           /* FHIR's own, as it publishes them: nothing to do */
    bool is_active;              /* in force: status active, and not published */
} fhs_custom;

/*
 * Read a SearchParameter into the arena (texts are copied). What does not fit is refused:
 * ERR_INVARIANT with the element's expression. Of one that is not active, only what is there is
 * looked at.
 */
fhirstore_status fhs_custom_read(const fhs_fhir *fhir, fhs_arena *arena, const fhs_json *resource,
                                 fhs_custom *out, fhirstore_error **err);
/* Whether the parameter applies to resources of type @a type. */
bool fhs_custom_applies(const fhs_fhir *fhir, const fhs_custom *custom, fhs_type type);
/* Whether both would give the same rows. */
bool fhs_custom_is_same(const fhs_custom *a, const fhs_custom *b);
/*
 * Whether the expressions compile, find something on each base, and something that the parameter's
 * type can hold. Components must be resolved.
 */
fhirstore_status fhs_custom_check_fit(const fhs_fhir *fhir, const fhs_custom *custom,
                                      fhirstore_error **err);

/* ---- all of them ---- */

typedef struct fhs_params fhs_params;

/* Without any: FHIR's own. @a catalog and @a indexer are borrowed. */
fhirstore_status fhs_params_new(const fhs_fhir *fhir, fhs_catalog *catalog, fhs_indexer *indexer,
                                fhs_params **out, fhirstore_error **err);
/* As the connection's snapshot has them; @a base is one from fhs_params_new(). */
fhirstore_status fhs_params_load(fhs_params *base, fhs_conn *conn, fhs_params **out,
                                 fhirstore_error **err);
fhs_params *fhs_params_hold(fhs_params *params);
void fhs_params_drop(fhs_params *params); /* NULL is a no-op */

const fhs_fhir *fhs_params_fhir(const fhs_params *params);
fhs_catalog *fhs_params_catalog(const fhs_params *params);
fhs_indexer *fhs_params_indexer(const fhs_params *params);
/* Differs whenever anything about them does; 0 until the first. */
uint64_t fhs_params_generation(const fhs_params *params);
/* The same of the connection's snapshot. */
fhirstore_status fhs_params_read_generation(fhs_conn *conn, uint64_t *out, fhirstore_error **err);
fhirstore_status fhs_params_new_generation(fhs_conn *writer, fhirstore_error **err);

/*
 * May SearchParameter @a id become @a resource (NULL: be deleted)? ERR_INVARIANT, ERR_CONFLICT with
 * the element's expression. Writes nothing.
 */
fhirstore_status fhs_params_check(const fhs_params *params, fhs_str id, const fhs_json *resource,
                                  fhirstore_error **err);
/*
 * It was checked and stored, so what is indexed follows: new numbers are being built, those of old
 * definitions are dropped. *changed_out: load again.
 */
fhirstore_status fhs_params_apply(const fhs_params *params, fhs_conn *writer, fhs_str id,
                                  const fhs_json *resource, bool *changed_out,
                                  fhirstore_error **err);
/* Where the walk over the resources of a type stands in the store: everything up to this entity
 * has its rows. */
fhirstore_status fhs_params_read_cursor(fhs_conn *conn, int32_t type, fhs_entity *out,
                                        fhirstore_error **err);
/* @a entity 0: from the beginning. */
fhirstore_status fhs_params_set_cursor(fhs_conn *writer, int32_t type, fhs_entity entity,
                                       fhirstore_error **err);

#endif
