/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For every parameter of a resource: what the compiled walk extracts must be what the FHIRPath
 * engine's evaluation of the expression gives. Both use the same conversion of values, so the
 * comparison is about which elements are found. Tokens are compared without their system: a code
 * that the engine found has lost the element whose binding implies one.
 */
#ifndef FHS_TEST_ORACLE_H
#define FHS_TEST_ORACLE_H

#include "index/engine.h"

typedef struct oracle {
    const fhs_fhir *fhir;
    fhs_indexer *indexer;
    uint8_t *shapes;
    fhs_unit_cache *units;
    fhs_engine_param **params; /* by type × parameter, made when needed */
    /* By parameter, when not NULL: set where the walk found a value (for the caller to clear). */
    uint8_t *reached;
    unsigned long files, pairs, differ, justified, failed;
} oracle;

bool oracle_begin(oracle *run, const fhs_fhir *fhir);
void oracle_end(oracle *run);
/* All but those without expression, and those that the resource table answers. */
bool oracle_is_compared(const fhs_sparam_def *def);
/* Compare all parameters; @a name (a file's) is for what is printed and for listed reasons. */
void oracle_compare(oracle *run, const char *name, const fhs_json *resource);

#endif
