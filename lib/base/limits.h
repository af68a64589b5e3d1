/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every limit that input can run into, in one place. Reaching one is FHIRSTORE_ERR_LIMIT (or the
 * room's own, more exact status) with the limit's name; docs/limits.md explains them.
 */
#ifndef FHS_BASE_LIMITS_H
#define FHS_BASE_LIMITS_H

#define FHS_LIMIT_JSON_DEPTH     200u
#define FHS_LIMIT_JSON_BYTES     ((size_t)512 * 1024 * 1024)
#define FHS_LIMIT_RESOURCE_BYTES ((size_t)256 * 1024 * 1024)
#define FHS_LIMIT_URL_BYTES      ((size_t)64 * 1024)
#define FHS_LIMIT_QUERY_PARAMS   256u
#define FHS_LIMIT_QUERY_VALUES   4096u
#define FHS_LIMIT_QUERY_NODES    4096u
#define FHS_LIMIT_TEXT_WORDS     128u
#define FHS_LIMIT_TEXT_DEPTH     16u
#define FHS_LIMIT_CHAIN_DEPTH    8u
#define FHS_LIMIT_FILTER_DEPTH   32u
#define FHS_LIMIT_HIERARCHY      100000u
#define FHS_LIMIT_SORT_KEYS      8u
#define FHS_LIMIT_CUSTOM_PARAMS  2000u
#define FHS_LIMIT_NAMED_QUERIES  1000u
#define FHS_LIMIT_OPERATIONS     256u
#define FHS_LIMIT_PAGE_COUNT     10000u
/* Values that a JSON Patch may copy, those inside them counted where the patch has been. */
#define FHS_LIMIT_PATCH_NODES 1000000u
/* What one conditional delete may delete: the most that _count may say. */
#define FHS_LIMIT_DELETE_MATCHES 100u
/* Resources that one _cascade=delete may take along. */
#define FHS_LIMIT_CASCADE 10000u
/* How far conditions of a transaction may wait for each other. */
#define FHS_LIMIT_CONDITION_DEPTH  32u
#define FHS_LIMIT_PAGE_INCLUDES    10000u
#define FHS_LIMIT_INCLUDE_WALK     1000000u
#define FHS_LIMIT_SEARCH_VISITS    100000000u
#define FHS_LIMIT_EXPRESSION_BYTES ((size_t)64 * 1024)
#define FHS_LIMIT_EXPRESSION_DEPTH 128u
#define FHS_LIMIT_EXPRESSION_CHAIN 512u
#define FHS_LIMIT_FHIRPATH_STEPS   10000000u
/* What all invariants of one resource may take, and what each byte of it adds. */
#define FHS_LIMIT_VALIDATION_STEPS      20000000u
#define FHS_LIMIT_VALIDATION_STEPS_BYTE 50u
#define FHS_LIMIT_FHIRPATH_RESULTS      1000000u
#define FHS_LIMIT_FHIRPATH_BYTES        ((size_t)64 * 1024 * 1024)
/* What expressions may do on one device message, and the memory that they may take for it. */
#define FHS_LIMIT_IOT_STEPS         10000000u
#define FHS_LIMIT_IOT_NODES         1000000u
#define FHS_LIMIT_IOT_BYTES         ((size_t)64 * 1024 * 1024)
#define FHS_LIMIT_IOT_MATCHES       10000u
#define FHS_LIMIT_IOT_MAPPING_BYTES ((size_t)4 * 1024 * 1024)
#define FHS_LIMIT_IOT_FAULTS        10000u
#define FHS_LIMIT_IOT_SAMPLES       1000000u
#define FHS_LIMIT_TERMS_BYTES       ((size_t)256 * 1024 * 1024)
#define FHS_LIMIT_VALUE_SET_CODES   500000u
#define FHS_LIMIT_VALUE_SET_DEPTH   16u
#define FHS_LIMIT_ISSUES            64u
#define FHS_LIMIT_ID_BYTES          64u
/* Patients under whose keys one body is; those of more are under none. */
#define FHS_LIMIT_BODY_PATIENTS 255u
#define FHS_LIMIT_UNIT_BYTES    256u
#define FHS_LIMIT_UNIT_DEPTH    16u
/* What one audit record names, and resources whose patients it looks up. */
#define FHS_LIMIT_AUDIT_RESOURCES   1000u
#define FHS_LIMIT_AUDIT_PATIENTS    1000u
#define FHS_LIMIT_AUDIT_RESTRICTION ((size_t)16 * 1024)
/* Journal records that one page of AuditEvents looks at. */
#define FHS_LIMIT_AUDIT_SCAN        1000000
#define FHS_LIMIT_POLICY_BYTES      ((size_t)1024 * 1024)
#define FHS_LIMIT_ALTERNATIVES      256u
#define FHS_LIMIT_SESSION_DECISIONS 64u
#define FHS_LIMIT_PASSPHRASE_BYTES  1024u
/* Argon2id parameters in a file are an attacker's until the header is authenticated. */
#define FHS_LIMIT_KDF_MEMORY_KIB (1024u * 1024u)
#define FHS_LIMIT_KDF_PASSES     10u

/* Unless a search says otherwise, a page holds this many matches. */
#define FHS_DEFAULT_PAGE_COUNT 20u

#endif
