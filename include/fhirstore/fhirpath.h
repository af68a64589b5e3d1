/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fhirpath.h  FHIRPath: compile an expression once, evaluate it on many resources.
 */
#ifndef FHIRSTORE_FHIRPATH_H
#define FHIRSTORE_FHIRPATH_H

#include "session.h"

FHIRSTORE_BEGIN_DECLS

/** A compiled expression. Immutable; share it freely between threads. @since 0.1 */
typedef struct fhirstore_fhirpath fhirstore_fhirpath;

/** Flags for fhirstore_fhirpath_compile(). @since 0.1 */
enum fhirstore_fhirpath_flag {
    FHIRSTORE_FHIRPATH_STRICT = 1 /**< Unknown elements, and order-dependent functions on unordered input, are errors. */
};

/**
 * A variable that the expression may name as %name. This struct never changes: arrays of it are
 * passed, so its size is part of the binary interface.
 *
 * @since 0.1
 */
typedef struct fhirstore_fhirpath_variable {
    const char *name;  /**< Without the '%'. Borrowed for the call. */
    size_t name_len; /**< Bytes. */
    const char *value; /**< JSON: a string, a boolean, a whole number, or a resource. Borrowed for the call. */
    size_t value_len; /**< Bytes. */
} fhirstore_fhirpath_variable;

/**
 * What an evaluation needs besides the resource. Zero means the default; new fields are only added
 * at the end.
 *
 * @since 0.1
 */
typedef struct fhirstore_fhirpath_options {
    uint32_t struct_size; /**< Set by the initialiser. */
    uint32_t flags;       /**< Must be 0. */
    const fhirstore_fhirpath_variable *variables; /**< NULL: none. */
    size_t variable_count; /**< How many. */
    fhirstore_session *session; /**< resolve() reads through it; NULL: only contained resources and Bundle entries. */
    uint64_t max_steps;         /**< 0: the limit of docs/limits.md. */
    uint32_t max_results;       /**< 0: the limit of docs/limits.md. */
    uint32_t reserved0;         /**< Must be 0. */
} fhirstore_fhirpath_options;

/** Static initialiser for C. Bindings call fhirstore_fhirpath_options_init(). */
#define FHIRSTORE_FHIRPATH_OPTIONS_INIT                                                            \
    {                                                                                              \
        sizeof(fhirstore_fhirpath_options), 0, NULL, 0, NULL, 0, 0, 0                              \
    }

/**
 * Set @a options to the defaults.
 *
 * @param[out] options      The struct to fill.
 * @param      struct_size  sizeof(fhirstore_fhirpath_options) as the caller sees it.
 * @retval FHIRSTORE_ERR_ABI  The size is smaller than the first version, or absurd.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_fhirpath_options_init(fhirstore_fhirpath_options *options,
                                                               size_t struct_size);

/**
 * Compile an expression.
 *
 * @param      fhir_version    FHIRSTORE_FHIR_*; 0: R4.
 * @param      type            What it will be evaluated on ("Patient"); length 0: anything.
 * @param      type_len        Bytes.
 * @param      expression      FHIRPath. Copied.
 * @param      expression_len  Bytes.
 * @param      flags           FHIRSTORE_FHIRPATH_*. Unknown bits are refused.
 * @param[out] path_out        Owned by the caller: fhirstore_fhirpath_free(). NULL on failure.
 * @param[out] err_out         NULL, or where to put the reason (with its offset); owned by the caller.
 * @retval FHIRSTORE_ERR_FHIRPATH_SYNTAX    It does not parse.
 * @retval FHIRSTORE_ERR_FHIRPATH_SEMANTIC  An unknown function, wrong arguments, an unknown element.
 * @retval FHIRSTORE_ERR_LIMIT              Too long or too deep.
 * @par Threads  Any thread.
 * @par FHIR  fhirpath.html
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_fhirpath_compile(int32_t fhir_version, const char *type,
                                                          size_t type_len, const char *expression,
                                                          size_t expression_len, uint32_t flags,
                                                          fhirstore_fhirpath **path_out,
                                                          fhirstore_error **err_out);

/**
 * Release a compiled expression. NULL is a no-op.
 *
 * @param path  The expression; not used afterwards.
 * @par Threads  Any thread, once.
 * @since 0.1
 */
FHIRSTORE_API void fhirstore_fhirpath_free(fhirstore_fhirpath *path);

/**
 * Evaluate on one resource and write the result as [{"type":"string","value":"…"},…].
 *
 * @param      path       The expression.
 * @param      body       The resource as JSON. Borrowed for the call.
 * @param      body_len   Bytes.
 * @param      options    Borrowed for the call. NULL: the defaults.
 * @param[out] buf_out    Owned by the caller: fhirstore_buf_clear(). Old content is replaced.
 * @param[out] err_out    NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_JSON           The resource is not JSON (also the other ERR_JSON_…).
 * @retval FHIRSTORE_ERR_FHIRPATH_EVAL  The evaluation failed, with the offset in the expression.
 * @retval FHIRSTORE_ERR_LIMIT          It takes too many steps or gives too many results.
 * @par Threads  Any thread; with a session, that session's.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_fhirpath_evaluate(const fhirstore_fhirpath *path,
                                                           const char *body, size_t body_len,
                                                           const fhirstore_fhirpath_options *options,
                                                           fhirstore_buf *buf_out,
                                                           fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
