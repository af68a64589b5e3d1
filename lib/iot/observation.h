/* SPDX-License-Identifier: Apache-2.0 */
/* From a group to an Observation: a new one, or a stored one that the group is merged into. */
#ifndef FHS_IOT_OBSERVATION_H
#define FHS_IOT_OBSERVATION_H

#include "iot/fault.h"
#include "iot/group.h"
#include "json/json.h"

/* The system of identifiers and codings that the engine makes, unless told otherwise. */
#define FHS_IOT_SYSTEM "https://azure.microsoft.com/en-us/services/iomt-fhir-connector/"

/* Hexadecimal SHA-256. */
#define FHS_IOT_ID_LEN 64u

typedef struct fhs_iot_builder {
    const fhs_iot_fhir_template *template;
    const fhs_iot_group *group;
    unsigned flags; /* FHS_IOT_STRICT … */
    fhs_str system;
    fhs_str patient_id; /* logical ids */
    fhs_str device_id;
    fhs_str encounter_id; /* empty: none */
    fhs_str id;           /* of the Observation */
    fhs_str identifier;
    int64_t issued_us;
    fhs_arena *arena;
    /* What is wrong, when a build failed: a kind of fault.h and words without content. */
    const char *kind;
    fhs_str field; /* the name of the value at work */
    char why[256];
} fhs_iot_builder;

/* The id that belongs to an identifier: the hash of "<system>_<value>". */
void fhs_iot_id_of(fhs_str system, fhs_str value, char out[FHS_IOT_ID_LEN + 1]);
/* Append "<patient>.<device>.<type>.<segment>". */
void fhs_iot_identifier_write(const fhs_iot_builder *builder, fhs_buf *out);

/* Append a new Observation. False: builder->kind says why, or is NULL for want of memory. */
bool fhs_iot_observation_write(fhs_iot_builder *builder, fhs_buf *out);
/*
 * Append what becomes of the stored Observation @a old (@a root of @a text). *changed_out: whether
 * that is another one; only then its status is "amended".
 */
bool fhs_iot_observation_merge(fhs_iot_builder *builder, fhs_str text, const fhs_json *root,
                               fhs_buf *out, bool *changed_out);

/* ---- shared by the files that build ---- */

bool fhs_iot_build_fails(fhs_iot_builder *builder, const char *kind, const char *format, ...)
    FHS_PRINTF(3, 4);
/* "valueQuantity" … */
const char *fhs_iot_value_member(fhs_iot_value_type type);
/* Whether the group holds what @a spec is made of. */
bool fhs_iot_value_occurs(const fhs_iot_builder *builder, const fhs_iot_value_spec *spec);
/* The series as SampledData takes it: numbers in plain digits, in the mapping's unit. */
bool fhs_iot_series_prepare(fhs_iot_builder *builder, const fhs_iot_value_spec *spec,
                            const fhs_iot_series *series, fhs_iot_sample **out);
/* Whether SampledData over [start, end] keeps to its limit. */
bool fhs_iot_slots_fit(fhs_iot_builder *builder, int64_t start, int64_t end, int64_t period);
/* Append the value over the boundary [start, end]. */
bool fhs_iot_value_write(fhs_iot_builder *builder, const fhs_iot_value_spec *spec, int64_t start,
                         int64_t end, fhs_buf *out);
/*
 * A number as people and devices write it ("+1,234.50", "12-"), as a JSON number in plain digits.
 * False: it is none. Without memory it is true and *out has ptr NULL. It may borrow from @a text.
 */
bool fhs_iot_decimal_text(fhs_arena *arena, fhs_str text, bool with_exponent, fhs_str *out);
/* {"text": …, "coding": […]}: @a own, where it is not empty, is one more coding, of the engine. */
void fhs_iot_concept_write(const fhs_iot_builder *builder, const fhs_iot_concept *concept,
                           fhs_str text, fhs_str own, fhs_buf *out);
/* A component: its code and its value over [start, end]. */
bool fhs_iot_component_write(fhs_iot_builder *builder, const fhs_iot_component *component,
                             int64_t start, int64_t end, fhs_buf *out);
/* The list of the template's categories. */
void fhs_iot_categories_write(const fhs_iot_builder *builder, fhs_buf *out);
/* The effective period, or the instant where the template says so: member name and value. */
void fhs_iot_period_write(int64_t start, int64_t end, fhs_buf *out);

#endif
