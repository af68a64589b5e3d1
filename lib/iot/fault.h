/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a mapping, a message or a group: collected, never only the first. The kinds
 * are those that mappings in the field know, and are a promise (docs/iot.md lists them).
 */
#ifndef FHS_IOT_FAULT_H
#define FHS_IOT_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/str.h"

/* Loading and normalising. */
#define FHS_IOT_INVALID_TEMPLATE    "InvalidTemplate"
#define FHS_IOT_TEMPLATE_EXPRESSION "TemplateExpression"
#define FHS_IOT_INCOMPATIBLE_DATA   "IncompatibleData"
#define FHS_IOT_INVALID_DATA_FORMAT "InvalidDataFormat"
#define FHS_IOT_LIMIT_REACHED       "LimitReached"
/* The way to FHIR. */
#define FHS_IOT_TEMPLATE_NOT_FOUND   "TemplateNotFound"
#define FHS_IOT_NO_CORRELATION_ID    "CorrelationIdNotDefined"
#define FHS_IOT_INVALID_QUANTITY     "InvalidQuantityFhirValue"
#define FHS_IOT_INVALID_SAMPLED_DATA "InvalidSampledData"
#define FHS_IOT_INVALID_VALUE        "InvalidFhirValue"
#define FHS_IOT_NOT_SUPPORTED        "NotSupported"
#define FHS_IOT_NO_DEVICE            "FhirResourceNotFound(Device)"
#define FHS_IOT_NO_PATIENT           "FhirResourceNotFound(Patient)"
#define FHS_IOT_NO_ENCOUNTER         "FhirResourceNotFound(Encounter)"
#define FHS_IOT_NO_PATIENT_ID        "ResourceIdentityNotDefined(Patient)"
#define FHS_IOT_NO_ENCOUNTER_ID      "ResourceIdentityNotDefined(Encounter)"
#define FHS_IOT_PATIENT_MISMATCH     "PatientDeviceMismatch"
#define FHS_IOT_MULTIPLE_FOUND       "MultipleResourceFound"
#define FHS_IOT_REFUSED_BY_STORE     "StoreRefused"
/* Of a check, as warnings. */
#define FHS_IOT_NO_FHIR_TEMPLATE "NoFhirTemplate"
#define FHS_IOT_VALUE_NOT_USED   "ValueNotUsed"
#define FHS_IOT_NO_VALUE         "NoValue"
#define FHS_IOT_NO_MEASUREMENT   "NoMeasurement"

typedef struct fhs_iot_fault fhs_iot_fault;

struct fhs_iot_fault {
    const char *kind;
    bool is_warning;
    bool is_fhir; /* of the FHIR mapping, or of what becomes of measurements */
    fhs_str message;
    uint32_t line; /* in the mapping, from 1; 0: unknown */
    uint32_t column;
    int64_t message_index; /* from 0; -1: none */
    int32_t template_index;
    int32_t match_index;
    fhs_str type;   /* the template's typeName, where it is known */
    fhs_str field;  /* "DeviceIdExpression", or the name of a value; empty: none */
    uint32_t count; /* how often it was met */
    fhs_iot_fault *next;
};

typedef struct fhs_iot_faults {
    fhs_arena *arena;
    fhs_iot_fault *first;
    fhs_iot_fault *last;
    uint32_t count;
    uint32_t error_count;
    bool is_fhir; /* those that are added are */
    bool no_memory;
} fhs_iot_faults;

void fhs_iot_faults_init(fhs_iot_faults *faults, fhs_arena *arena);
/*
 * Add one; the caller fills in the rest of what is returned. NULL: no memory (which sticks), or
 * FHS_LIMIT_IOT_FAULTS are there already; the last of those then says so.
 */
fhs_iot_fault *fhs_iot_fault_add(fhs_iot_faults *faults, const char *kind, const char *format, ...)
    FHS_PRINTF(3, 4);
/* Append one as a JSON object, as docs/iot.md describes it. */
void fhs_iot_fault_write(const fhs_iot_fault *fault, fhs_buf *out);
/* Append all as NDJSON. */
void fhs_iot_faults_write(const fhs_iot_faults *faults, fhs_buf *out);

#endif
