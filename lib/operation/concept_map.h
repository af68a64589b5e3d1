/* SPDX-License-Identifier: Apache-2.0 */
/* What one ConceptMap says of codes (concept_map.c), and where the others are (translate.c). */
#ifndef FHS_OPERATION_CONCEPT_MAP_H
#define FHS_OPERATION_CONCEPT_MAP_H

#include "operation/terms_shared.h"

/* Maps that lead to other maps. */
#define FHS_OTHER_MAP_DEPTH 4u

typedef struct fhs_translation {
    fhs_terms_work *work;
    fhs_coding codings[FHS_CODINGS_MAX];
    size_t coding_count;
    bool is_reverse;
    bool is_r5; /* how the answer names things */
    fhs_str source_scope;
    fhs_str target_scope;
    fhs_str target_system;
    fhs_str map_url; /* of the map at work */
    fhs_buf matches;
    bool found;   /* one that is none of those that say there is none */
    bool depends; /* some were left out for what they depend on */
    size_t maps;
    unsigned depth;
} fhs_translation;

/* The text of a member; empty where there is none. */
fhs_str fhs_concept_map_text(const fhs_json *object, const char *name);
/* Add what @a map says to the matches. */
fhirstore_status fhs_translate_map(fhs_translation *t, const fhs_json *map);
/* Go through the map that is called @a url. */
fhirstore_status fhs_translate_by_url(fhs_translation *t, fhs_str url);

#endif
