/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file iot.h  Device messages become Observations.
 *
 * Two mappings, both JSON documents as the Azure IoT connector for FHIR (MedTech service) reads them:
 * the device mapping picks measurements out of messages, the FHIR mapping says what Observations
 * become of measurements. docs/iot.md describes both, and every kind of fault.
 *
 * Faults, measurements and outcomes are handed out as NDJSON: one JSON object a line. Nothing is
 * lost silently: each message and each group of measurements has its line.
 */
#ifndef FHIRSTORE_IOT_H
#define FHIRSTORE_IOT_H

#include "buf.h"
#include "session.h"

FHIRSTORE_BEGIN_DECLS

/** A mapping that was read. Immutable; share it freely between threads. @since 0.1 */
typedef struct fhirstore_iot_mapping fhirstore_iot_mapping;

/** What a mapping is for. @since 0.1 */
enum fhirstore_iot_kind {
    FHIRSTORE_IOT_DEVICE = 1, /**< CollectionContent: messages to measurements. */
    FHIRSTORE_IOT_FHIR = 2    /**< CollectionFhir: measurements to Observations. */
};

/** How things are done. Each function says which of these it takes; others are refused. @since 0.1 */
enum fhirstore_iot_flag {
    FHIRSTORE_IOT_STRICT = 1,   /**< As the original, where the defaults are safer (docs/iot.md lists where). */
    FHIRSTORE_IOT_FRACTION = 2, /**< Identifiers of single readings tell fractions of a second. */
    FHIRSTORE_IOT_LEXICAL = 4,  /**< Numbers keep the digits they came with: 98.60 stays 98.60. */
    FHIRSTORE_IOT_PARTIAL = 8,  /**< Load what is sound of a mapping with faults. */
    FHIRSTORE_IOT_EACH = 16     /**< List equal faults of many messages one by one, not with a count. */
};

/** How the ids of measurements become resources. @since 0.1 */
enum fhirstore_iot_identity {
    FHIRSTORE_IOT_LOOKUP = 0,               /**< Device and its patient must be there. */
    FHIRSTORE_IOT_CREATE = 1,               /**< Patient and Device are created where they are not. */
    FHIRSTORE_IOT_LOOKUP_WITH_ENCOUNTER = 2 /**< As lookup, and each measurement must name an Encounter. */
};

/**
 * Read a mapping.
 *
 * @param      kind         FHIRSTORE_IOT_DEVICE or FHIRSTORE_IOT_FHIR.
 * @param      text         JSON; a byte-order mark, comments and trailing commas are allowed. Copied.
 * @param      text_len     Bytes.
 * @param      flags        FHIRSTORE_IOT_STRICT (a FHIR mapping knows nothing beyond the original),
 *                          FHIRSTORE_IOT_PARTIAL; else 0.
 * @param[out] mapping_out  Owned by the caller: fhirstore_iot_mapping_free(). NULL on failure.
 * @param[out] faults_out   NULL, or every fault as NDJSON, with kind, text, line and column; owned by
 *                          the caller: fhirstore_buf_clear(). Old content is replaced.
 * @param[out] err_out      NULL, or where to put the reason: its issues are the first faults; owned by
 *                          the caller.
 * @retval FHIRSTORE_ERR_IOT_MAPPING  The mapping has faults (with FHIRSTORE_IOT_PARTIAL: it is no
 *                                    collection of templates at all).
 * @retval FHIRSTORE_ERR_NO_MEMORY    Out of memory.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_iot_mapping_load(int32_t kind, const char *text,
                                                          size_t text_len, uint32_t flags,
                                                          fhirstore_iot_mapping **mapping_out,
                                                          fhirstore_buf *faults_out,
                                                          fhirstore_error **err_out);

/**
 * Release a mapping. NULL is a no-op.
 *
 * @param mapping  The mapping; not used afterwards.
 * @par Threads  Any thread, once, when no call uses it.
 * @since 0.1
 */
FHIRSTORE_API void fhirstore_iot_mapping_free(fhirstore_iot_mapping *mapping);

/**
 * Look whether mappings fit together, and what they make of messages, without storing anything.
 *
 * Reported are: types without a FHIR template, values that no FHIR template uses, templates that
 * would write Observations without value; of each message: its faults, or why no template matches,
 * in words, and what is wrong with the Observations that would become of it.
 *
 * @param      device        A device mapping.
 * @param      fhir          A FHIR mapping. NULL: only the device mapping is looked at.
 * @param      messages      NDJSON: one message a line. Borrowed for the call. NULL with length 0: none.
 * @param      messages_len  Bytes.
 * @param      flags         FHIRSTORE_IOT_EACH, FHIRSTORE_IOT_STRICT, FHIRSTORE_IOT_LEXICAL; else 0.
 * @param[out] report_out    NDJSON, a line each finding, errors and warnings; empty: all is well. Owned
 *                           by the caller: fhirstore_buf_clear(). Old content is replaced.
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_INVALID_ARG  A handle of another kind, unknown flags.
 * @retval FHIRSTORE_ERR_NO_MEMORY    Out of memory.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_iot_mapping_check(const fhirstore_iot_mapping *device,
                                                           const fhirstore_iot_mapping *fhir,
                                                           const char *messages,
                                                           size_t messages_len, uint32_t flags,
                                                           fhirstore_buf *report_out,
                                                           fhirstore_error **err_out);

/**
 * Pick the measurements out of one message.
 *
 * A fault ends the message; measurements from before it are kept. A message without measurements
 * and without faults matches no template.
 *
 * @param      mapping           A device mapping.
 * @param      message           A JSON object: the root that the mapping's expressions see. Borrowed for
 *                               the call.
 * @param      message_len       Bytes.
 * @param      flags             FHIRSTORE_IOT_LEXICAL; else 0.
 * @param[out] measurements_out  NDJSON, a line each. Owned by the caller: fhirstore_buf_clear(). Old
 *                               content is replaced.
 * @param[out] faults_out        NULL, or the fault as NDJSON: kind, text, template, match, field, line and
 *                               column in the mapping. Owned by the caller, as measurements_out.
 * @param[out] err_out           NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_OK               Also when the message has a fault.
 * @retval FHIRSTORE_ERR_INVALID_ARG  A handle of another kind, unknown flags.
 * @retval FHIRSTORE_ERR_NO_MEMORY    Out of memory.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_iot_normalise(const fhirstore_iot_mapping *mapping,
                                                       const char *message, size_t message_len,
                                                       uint32_t flags,
                                                       fhirstore_buf *measurements_out,
                                                       fhirstore_buf *faults_out,
                                                       fhirstore_error **err_out);

/**
 * An event as brokers hand it out. Mappings see {"Body": …, "Properties": …, "SystemProperties": …}.
 * This struct never changes: arrays of it are passed, so its size is part of the binary interface.
 *
 * @since 0.1
 */
typedef struct fhirstore_iot_event {
    const char *body;              /**< One JSON value; what follows it is ignored. Length 0: null. Borrowed for the call. */
    size_t body_len; /**< Bytes. */
    const char *properties;        /**< A JSON object. Length 0: {}. */
    size_t properties_len; /**< Bytes. */
    const char *system_properties; /**< A JSON object. Length 0: {}. */
    size_t system_properties_len; /**< Bytes. */
    int64_t enqueued_us;           /**< When it arrived, microseconds since 1970. 0: not known. Of two readings of one time the later arrival counts. */
} fhirstore_iot_event;

/**
 * fhirstore_iot_normalise() of an event.
 *
 * @param      mapping           A device mapping.
 * @param      event             The event. Borrowed for the call.
 * @param      flags             FHIRSTORE_IOT_LEXICAL; else 0.
 * @param[out] measurements_out  As of fhirstore_iot_normalise(); owned by the caller.
 * @param[out] faults_out        NULL, or the fault, as of fhirstore_iot_normalise(); owned by the caller.
 * @param[out] err_out           NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_OK               Also when the message has a fault.
 * @retval FHIRSTORE_ERR_INVALID_ARG  A handle of another kind, unknown flags.
 * @retval FHIRSTORE_ERR_NO_MEMORY    Out of memory.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_iot_normalise_event(const fhirstore_iot_mapping *mapping,
                                                             const fhirstore_iot_event *event,
                                                             uint32_t flags,
                                                             fhirstore_buf *measurements_out,
                                                             fhirstore_buf *faults_out,
                                                             fhirstore_error **err_out);

/**
 * How to ingest. Zero means the default; new fields are only added at the end.
 *
 * @since 0.1
 */
typedef struct fhirstore_iot_options {
    uint32_t struct_size;      /**< Set by the initialiser. */
    uint32_t flags;            /**< FHIRSTORE_IOT_STRICT, FHIRSTORE_IOT_FRACTION, FHIRSTORE_IOT_LEXICAL (events only). */
    int32_t identity;          /**< FHIRSTORE_IOT_LOOKUP … */
    uint32_t reserved0;        /**< Must be 0. */
    const char *device_system; /**< System of the identifiers of Devices. Borrowed for the call. NULL: any; those that are created have none. */
    size_t device_system_len;  /**< Bytes. */
    const char *system;        /**< System of the identifiers and codings that the engine makes. NULL: the original's. */
    size_t system_len;         /**< Bytes. */
    int64_t now_us;            /**< Observation.issued, microseconds since 1970. 0: the store's clock. */
} fhirstore_iot_options;

/** Static initialiser for C. Bindings call fhirstore_iot_options_init(). */
#define FHIRSTORE_IOT_OPTIONS_INIT                                   \
    {                                                                \
        sizeof(fhirstore_iot_options), 0, 0, 0, NULL, 0, NULL, 0, 0 \
    }

/**
 * Set @a options to the defaults.
 *
 * @param[out] options      The struct to fill.
 * @param      struct_size  sizeof(fhirstore_iot_options) as the caller sees it.
 * @retval FHIRSTORE_ERR_ABI  The size is smaller than the first version, or absurd.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_iot_options_init(fhirstore_iot_options *options,
                                                          size_t struct_size);

/**
 * What a batch came to. The caller sets @a struct_size; new fields are only added at the end.
 *
 * @since 0.1
 */
typedef struct fhirstore_iot_totals {
    uint32_t struct_size; /**< sizeof(fhirstore_iot_totals), set by the caller: nothing behind it is written. */
    uint32_t reserved0;   /**< 0. */
    int64_t messages;     /**< Messages (or lines of measurements) seen. */
    int64_t dropped;      /**< Of these, without measurements and without fault. */
    int64_t faults;       /**< Of these, with a fault. */
    int64_t measurements; /**< Measurements of all of them. */
    int64_t created;      /**< Observations created. */
    int64_t updated;      /**< Observations that measurements were merged into. */
    int64_t unchanged;    /**< Observations that said all that already. */
    int64_t failed;       /**< Groups of measurements that became nothing. */
} fhirstore_iot_totals;

/** Static initialiser for C: the size, and all else zero. */
#define FHIRSTORE_IOT_TOTALS_INIT                             \
    {                                                         \
        sizeof(fhirstore_iot_totals), 0, 0, 0, 0, 0, 0, 0, 0, 0 \
    }

/**
 * Make Observations of measurements, in one transaction: one call is one batch.
 *
 * The batch is asked for and recorded as FHIRSTORE_ACTION_CONVERT, each group of measurements besides
 * as the write that it is. One that fails (no
 * device, no template, no right …) is told in the report and leaves no trace; the others go in.
 *
 * @param         session           The session. What it may not see is not there: a Device that it may not
 *                                  read cannot be resolved.
 * @param         fhir              A FHIR mapping.
 * @param         options           Borrowed for the call. NULL: the defaults.
 * @param         measurements      NDJSON as fhirstore_iot_normalise() hands it out; names in Pascal case are
 *                                  fine too. Borrowed for the call.
 * @param         measurements_len  Bytes.
 * @param[out]    report_out        NULL, or NDJSON: a line each line that is no measurement, a line each group.
 *                                  Owned by the caller: fhirstore_buf_clear(). Old content is replaced.
 * @param[in,out] totals_out        NULL, or the totals: its struct_size is read, the rest filled.
 * @param[out]    err_out           NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_OK         Also when every group failed.
 * @retval FHIRSTORE_ERR_ABI    totals_out->struct_size is 0 or none that ever was; nothing is done.
 * @retval FHIRSTORE_ERR_DENIED The session may not write at all.
 * @retval FHIRSTORE_ERR_NOT_SUPPORTED  The store is of FHIR R5, whose Devices do not tell their patients.
 * @return Otherwise what any write may answer; nothing of the batch is stored then.
 * @par Threads  One at a time a session; waits for other writers.
 * @par FHIR  observation.html
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_iot_ingest(fhirstore_session *session,
                                                    const fhirstore_iot_mapping *fhir,
                                                    const fhirstore_iot_options *options,
                                                    const char *measurements,
                                                    size_t measurements_len,
                                                    fhirstore_buf *report_out,
                                                    fhirstore_iot_totals *totals_out,
                                                    fhirstore_error **err_out);

/**
 * Normalise events and make Observations of what they hold, in one transaction.
 *
 * @param         session      As of fhirstore_iot_ingest().
 * @param         device       A device mapping.
 * @param         fhir         A FHIR mapping.
 * @param         options      Borrowed for the call. NULL: the defaults.
 * @param         events       The batch. Borrowed for the call.
 * @param         event_count  Events.
 * @param[out]    report_out   NULL, or NDJSON: a line each event, a line each group. Owned by the caller:
 *                             fhirstore_buf_clear(). Old content is replaced.
 * @param[in,out] totals_out   NULL, or the totals: its struct_size is read, the rest filled.
 * @param[out]    err_out      NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_OK         Also when every event has a fault.
 * @retval FHIRSTORE_ERR_ABI    totals_out->struct_size is 0 or none that ever was; nothing is done.
 * @retval FHIRSTORE_ERR_DENIED The session may not write at all.
 * @retval FHIRSTORE_ERR_NOT_SUPPORTED  The store is of FHIR R5, whose Devices do not tell their patients.
 * @return Otherwise what any write may answer; nothing of the batch is stored then.
 * @par Threads  One at a time a session; waits for other writers.
 * @par FHIR  observation.html
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_iot_ingest_events(
    fhirstore_session *session, const fhirstore_iot_mapping *device,
    const fhirstore_iot_mapping *fhir, const fhirstore_iot_options *options,
    const fhirstore_iot_event *events, size_t event_count, fhirstore_buf *report_out,
    fhirstore_iot_totals *totals_out, fhirstore_error **err_out);

/**
 * Which samples to hand out. Zero means the default; new fields are only added at the end.
 *
 * @since 0.1
 */
typedef struct fhirstore_iot_samples_options {
    uint32_t struct_size; /**< Set by the initialiser. */
    uint32_t flags;       /**< Must be 0. */
    const char *patient;  /**< Logical id of the Patient, or "Patient/id". Needed. Borrowed for the call. */
    size_t patient_len;   /**< Bytes. */
    const char *code;     /**< "system|code", "|code" or "code", of Observations or their components. Needed. */
    size_t code_len;      /**< Bytes. */
    int64_t from_us;      /**< From this time on, microseconds since 1970. */
    int64_t to_us;        /**< Before this time. 0: without end. */
    int32_t format;       /**< FHIRSTORE_IOT_NDJSON or FHIRSTORE_IOT_CSV. */
    uint32_t reserved0;   /**< Must be 0. */
} fhirstore_iot_samples_options;

/** Static initialiser for C. Bindings call fhirstore_iot_samples_options_init(). */
#define FHIRSTORE_IOT_SAMPLES_OPTIONS_INIT                                   \
    {                                                                        \
        sizeof(fhirstore_iot_samples_options), 0, NULL, 0, NULL, 0, 0, 0, 0, 0 \
    }

/** How samples are written. @since 0.1 */
enum fhirstore_iot_format {
    FHIRSTORE_IOT_NDJSON = 0, /**< {"time":…,"value":…,"unit":…,"code":…,"reference":…} a line. */
    FHIRSTORE_IOT_CSV = 1     /**< The same as columns, below a line of their names. */
};

/**
 * Set @a options to the defaults.
 *
 * @param[out] options      The struct to fill.
 * @param      struct_size  sizeof(fhirstore_iot_samples_options) as the caller sees it.
 * @retval FHIRSTORE_ERR_ABI  The size is smaller than the first version, or absurd.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status
fhirstore_iot_samples_options_init(fhirstore_iot_samples_options *options, size_t struct_size);

/**
 * Receives a portion of rows, whole lines or not.
 *
 * @param ctx       As given to fhirstore_iot_samples().
 * @param text      Borrowed for the call.
 * @param text_len  Bytes.
 * @return FHIRSTORE_OK to go on; anything else ends the call with that status.
 * @since 0.1
 */
typedef fhirstore_status (*fhirstore_iot_rows_fn)(void *ctx, const char *text, size_t text_len);

/**
 * Hand out what was measured of a patient as (time, value) rows, by time within each Observation:
 * SampledData sample by sample, at its time; of other Observations and components their value
 * (Quantity, integer, string, boolean, dateTime, the code or text of a concept). Gaps ("E") have no row; what was
 * beyond a limit has the value "U" or "L".
 *
 * @param      session    What it may not read is not there. Each Observation counts as read.
 * @param      options    Borrowed for the call.
 * @param      take       Called with portions of text, on this thread.
 * @param      ctx        First argument of @a take.
 * @param[out] count_out  NULL, or how many rows there are.
 * @param[out] err_out    NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_INVALID_ARG  No patient or code, an unknown format.
 * @retval FHIRSTORE_ERR_DENIED       The session may not search for Observations.
 * @par Threads  One at a time a session; does not block writers.
 * @par FHIR  datatypes.html#SampledData
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_iot_samples(fhirstore_session *session,
                                                     const fhirstore_iot_samples_options *options,
                                                     fhirstore_iot_rows_fn take, void *ctx,
                                                     int64_t *count_out,
                                                     fhirstore_error **err_out);

/** The languages that mappings are written in. @since 0.1 */
enum fhirstore_iot_language {
    FHIRSTORE_IOT_JSON_PATH = 1, /**< JSONPath in the dialect of Json.NET 13 (docs/iot-expressions.md). */
    FHIRSTORE_IOT_JMES_PATH = 2  /**< JMESPath, with arithmetic, insertString and fromUnixTimestamp. */
};

/**
 * Evaluate one expression, to try it before it goes into a mapping.
 *
 * The answer is what a type match would find: each node that a JSONPath selects; each element where
 * the last step of a JMESPath is a projection, else its one result, unless that is null.
 *
 * @param      language        FHIRSTORE_IOT_JSON_PATH or FHIRSTORE_IOT_JMES_PATH.
 * @param      expression      UTF-8. Borrowed for the call.
 * @param      expression_len  Bytes.
 * @param      json            What it is evaluated on: one JSON value, a byte-order mark before it is
 *                             skipped, of members of one name the last counts. Borrowed for the
 *                             call.
 * @param      json_len        Bytes.
 * @param[out] results_out     A JSON array of what was found. Numbers keep their digits; infinities and
 *                             not-a-number, which arithmetic can make, are strings. Owned by the caller:
 *                             fhirstore_buf_clear(). Old content is replaced.
 * @param[out] err_out         NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_EXPRESSION       It does not parse, or calls what is no function, or with the
 *                                        wrong number of arguments: with the offset of the first fault,
 *                                        and an issue for each such call.
 * @retval FHIRSTORE_ERR_EXPRESSION_DATA  It has no result on this data: an argument of the wrong type,
 *                                        a division of integers by 0, a text that is compared by size
 *                                        with a number and is none.
 * @retval FHIRSTORE_ERR_JSON             The JSON is none (also the other ERR_JSON_…).
 * @retval FHIRSTORE_ERR_LIMIT            The expression is too long or nests too deeply, or takes more
 *                                        steps, values or memory than one message may (docs/limits.md).
 * @retval FHIRSTORE_ERR_INVALID_ARG      Another language, a NULL string with a length.
 * @retval FHIRSTORE_ERR_NO_MEMORY        Out of memory.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_iot_evaluate(int32_t language, const char *expression,
                                                      size_t expression_len, const char *json,
                                                      size_t json_len, fhirstore_buf *results_out,
                                                      fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
