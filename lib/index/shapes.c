/* SPDX-License-Identifier: Apache-2.0 */
/* Which data types look alike, by name; derived types (Age, code, SimpleQuantity) follow their
 * parent. */
#include "base/mem.h"
#include "index/index_internal.h"

static const struct {
    fhs_str name;
    uint8_t shape;
} shape_names[] = {
    {FHS_LIT_INIT("boolean"), FHS_SHAPE_BOOLEAN},
    {FHS_LIT_INIT("integer"), FHS_SHAPE_NUMBER},
    {FHS_LIT_INIT("integer64"), FHS_SHAPE_NUMBER},
    {FHS_LIT_INIT("decimal"), FHS_SHAPE_NUMBER},
    {FHS_LIT_INIT("string"), FHS_SHAPE_STRING},
    {FHS_LIT_INIT("code"), FHS_SHAPE_CODE},
    {FHS_LIT_INIT("time"), FHS_SHAPE_STRING},
    {FHS_LIT_INIT("base64Binary"), FHS_SHAPE_STRING},
    {FHS_LIT_INIT("uri"), FHS_SHAPE_URI},
    {FHS_LIT_INIT("date"), FHS_SHAPE_DATE},
    {FHS_LIT_INIT("dateTime"), FHS_SHAPE_DATE},
    {FHS_LIT_INIT("instant"), FHS_SHAPE_DATE},
    {FHS_LIT_INIT("Period"), FHS_SHAPE_PERIOD},
    {FHS_LIT_INIT("Timing"), FHS_SHAPE_TIMING},
    {FHS_LIT_INIT("Coding"), FHS_SHAPE_CODING},
    {FHS_LIT_INIT("CodeableConcept"), FHS_SHAPE_CONCEPT},
    {FHS_LIT_INIT("Identifier"), FHS_SHAPE_IDENTIFIER},
    {FHS_LIT_INIT("ContactPoint"), FHS_SHAPE_CONTACT},
    {FHS_LIT_INIT("HumanName"), FHS_SHAPE_HUMAN_NAME},
    {FHS_LIT_INIT("Address"), FHS_SHAPE_ADDRESS},
    {FHS_LIT_INIT("Annotation"), FHS_SHAPE_ANNOTATION},
    {FHS_LIT_INIT("Narrative"), FHS_SHAPE_NARRATIVE},
    {FHS_LIT_INIT("xhtml"), FHS_SHAPE_STRING},
    {FHS_LIT_INIT("Attachment"), FHS_SHAPE_ATTACHMENT},
    {FHS_LIT_INIT("Quantity"), FHS_SHAPE_QUANTITY},
    {FHS_LIT_INIT("Money"), FHS_SHAPE_MONEY},
    {FHS_LIT_INIT("Range"), FHS_SHAPE_RANGE},
    {FHS_LIT_INIT("Ratio"), FHS_SHAPE_RATIO},
    {FHS_LIT_INIT("SampledData"), FHS_SHAPE_SAMPLED},
    {FHS_LIT_INIT("Reference"), FHS_SHAPE_REFERENCE},
    {FHS_LIT_INIT("CodeableReference"), FHS_SHAPE_CODEABLE_REFERENCE},
    {FHS_LIT_INIT("Location.position"), FHS_SHAPE_POSITION},
    {FHS_LIT_INIT("Extension"), FHS_SHAPE_EXTENSION},
    {FHS_LIT_INIT("Resource"), FHS_SHAPE_RESOURCE},
};

/* A chain of parents is short; the bound is against broken tables only. */
#define PARENTS_MAX 8

uint8_t *fhs_shapes_new(const fhs_fhir *fhir)
{
    size_t count = fhs_type_count(fhir);
    uint8_t *own = fhs_calloc(count, 1);
    uint8_t *shapes = fhs_calloc(count, 1);
    if (own == NULL || shapes == NULL) {
        fhs_free(own);
        fhs_free(shapes);
        return NULL;
    }
    for (size_t i = 0; i < FHS_COUNT_OF(shape_names); i++) {
        fhs_type type = fhs_type_find(fhir, shape_names[i].name);
        if (type != FHS_TYPE_NONE) {
            own[type] = shape_names[i].shape;
        }
    }
    for (size_t i = 0; i < count; i++) {
        fhs_type type = (fhs_type)i;
        for (int up = 0; up < PARENTS_MAX && type != FHS_TYPE_NONE && shapes[i] == 0; up++) {
            shapes[i] = own[type];
            type = fhs_type_parent(fhir, type);
        }
    }
    fhs_free(own);
    return shapes;
}
