/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file store.h  One encrypted file of FHIR resources: open, close, inspect.
 *
 * Objects and their lives: a fhirstore is one open file and may be shared between threads. All
 * clinical calls take a fhirstore_session (session.h), opened on it for one principal. Answers are
 * fhirstore_response objects (resource.h) or cursors (search.h), owned by the caller. Children
 * should be freed before the store, but may be freed after it: once the store is closed they answer
 * FHIRSTORE_ERR_CLOSED.
 */
#ifndef FHIRSTORE_STORE_H
#define FHIRSTORE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "error.h"
#include "platform.h"
#include "status.h"

FHIRSTORE_BEGIN_DECLS

/** One open store. Safe to share between threads. @since 0.1 */
typedef struct fhirstore fhirstore;

/** Flags for fhirstore_open_options.flags. @since 0.1 */
enum fhirstore_open_flag {
    FHIRSTORE_OPEN_CREATE = 1,        /**< Create the store when there is no such file. */
    FHIRSTORE_OPEN_READ_ONLY = 2,     /**< Refuse every write. */
    FHIRSTORE_OPEN_PLAINTEXT = 4,     /**< Not encrypted: for tests. Without it, no key is an error. */
    FHIRSTORE_OPEN_MULTI_PROCESS = 8, /**< Let other processes open the file too. Costs speed and leaks page numbers (docs/threat-model.md). */
    FHIRSTORE_OPEN_SYNC_NORMAL = 16,  /**< A power failure may lose the last commits, never damage the file. */
    FHIRSTORE_OPEN_CHEAP_KDF = 32,    /**< Weak passphrase derivation: for tests. */
    FHIRSTORE_OPEN_PATIENT_KEYS = 128, /**< With CREATE, an option of creation: bodies of what belongs to a patient are sealed with that patient's own key (shred.h). FHIRSTORE_ERR_INVALID_ARG for a store that was created without, or one that is not encrypted. */
    FHIRSTORE_OPEN_AUDIT_BEST_EFFORT = 64 /**< An error from the audit hook is recorded and undoes nothing (audit.h). */
};

/** FHIR versions, for fhirstore_open_options.fhir_version. @since 0.1 */
enum fhirstore_fhir_version {
    FHIRSTORE_FHIR_R4 = 1,  /**< 4.0.1 */
    FHIRSTORE_FHIR_R4B = 2, /**< 4.3.0 */
    FHIRSTORE_FHIR_R5 = 3   /**< 5.0.0 */
};

/** How strictly resources are checked when they are written. @since 0.1 */
enum fhirstore_validation {
    FHIRSTORE_VALIDATION_ON = 0,      /**< Structure, types, cardinality, primitive formats. */
    FHIRSTORE_VALIDATION_LENIENT = 1, /**< Unknown elements and missing required ones are let through. */
    FHIRSTORE_VALIDATION_OFF = 2,     /**< Any JSON object with a known resourceType. */
    FHIRSTORE_VALIDATION_FULL = 3     /**< ON, the codes of required bindings, the types that references point to, and the invariants of FHIR's own definitions whose severity is error. Costs some fifteen times as much as ON. */
};

/** Whether references must have targets in the store. @since 0.1 */
enum fhirstore_integrity {
    FHIRSTORE_INTEGRITY_OFF = 0,      /**< References may point to what is not there. */
    FHIRSTORE_INTEGRITY_ON_WRITE = 1, /**< FHIRSTORE_ERR_CONFLICT for writing a local reference without a target that the principal may read, and for deleting what an indexed reference points to. Looked at when the transaction ends. An import is not held to it. */
    FHIRSTORE_INTEGRITY_CASCADE = 2   /**< The same, and a deletion with `_cascade=delete` takes along what refers to its resource. */
};

/** Whether the store keeps an audit journal of its own. @since 0.1 */
enum fhirstore_journal {
    FHIRSTORE_JOURNAL_DEFAULT = 0, /**< Batched for an encrypted store, off for one that is not. */
    FHIRSTORE_JOURNAL_OFF = 1,     /**< The audit hook alone. */
    FHIRSTORE_JOURNAL_BATCHED = 2, /**< Writes with their transaction; reads within a second, or with the next write. */
    FHIRSTORE_JOURNAL_STRICT = 3   /**< Reads too are on disk before they are answered. */
};

/**
 * The time, in microseconds since 1970-01-01T00:00:00Z.
 *
 * A step backwards does not break the order of history: stamps never fall behind the newest one stored.
 *
 * @since 0.1
 */
typedef int64_t (*fhirstore_clock_fn)(void *ctx);

/**
 * Asked for the key called @a key_id: by a keystore, a keychain, a key management service. The id
 * comes from the file and is not authenticated yet.
 *
 * @param      ctx         fhirstore_open_options.key_callback_ctx, or that of keys.h.
 * @param      key_id      The id, ending in NUL; borrowed during the call.
 * @param      key_id_len  Bytes without the NUL, at most 40.
 * @param[out] key_out     32 bytes for the key, wiped by the library after use.
 * @return FHIRSTORE_OK; FHIRSTORE_ERR_NOT_FOUND when there is no such key: other slots are tried.
 *         Anything else: the key cannot be had now, and unless another slot opens the call fails
 *         with FHIRSTORE_ERR_CALLBACK.
 * @par Threads  The thread of the call.
 * @since 0.1
 */
typedef fhirstore_status (*fhirstore_key_fn)(void *ctx, const char *key_id, size_t key_id_len,
                                             uint8_t *key_out);

/**
 * How to open a store. Zero always means "the default"; new fields are only added at the end.
 *
 * @since 0.1
 */
typedef struct fhirstore_open_options {
    uint32_t struct_size;      /**< Set by the initialiser; identifies the layout. */
    uint32_t flags;            /**< FHIRSTORE_OPEN_*. Unknown bits are refused. */
    const uint8_t *key;        /**< The raw key: key_len bytes, 32. Copied to guarded memory. NULL: none. */
    size_t key_len;            /**< 32, or 0 without a key. */
    const char *passphrase;    /**< UTF-8. Copied to guarded memory. NULL: none. */
    size_t passphrase_len;     /**< Bytes. */
    const char *base_url;      /**< References below it equal relative ones. An option of creation: kept in the store; another one is refused later. Copied. NULL: what the store has, http://localhost/fhir for a new one. */
    size_t base_url_len;       /**< Bytes. */
    fhirstore_clock_fn clock;  /**< NULL: the system clock. */
    void *clock_ctx;           /**< First argument of clock. */
    uint64_t cache_bytes;      /**< Page cache of each connection. 0: 16 MiB. */
    int32_t fhir_version;      /**< FHIRSTORE_FHIR_*. 0: R4 for a new store, else whatever the file has. */
    int32_t validation;        /**< FHIRSTORE_VALIDATION_*. */
    int32_t busy_timeout_ms;   /**< 0: 5000. Below 0: fail at once. */
    uint32_t max_readers;      /**< Connections for reading. 0: 8. */
    int32_t default_zone_minutes; /**< Zone of times that have none, minutes east of UTC. An option of creation, like base_url. 0: what the store has, UTC for a new one. */
    int32_t journal;           /**< FHIRSTORE_JOURNAL_*: the built-in audit journal (audit.h). */
    const uint8_t *recipient_key;  /**< An X25519 secret key: opens the slots of its public key. At most one of key, passphrase, recipient_key and key_callback is given. NULL: none. */
    size_t recipient_key_len;      /**< 32, or 0 without. */
    fhirstore_key_fn key_callback; /**< Opens the slots whose keys it knows by their ids. NULL: none. */
    void *key_callback_ctx;        /**< First argument of key_callback. */
    const char *key_id;            /**< With key_callback and FHIRSTORE_OPEN_CREATE: the id of a new store's key, 1 to 40 bytes. */
    size_t key_id_len;             /**< Bytes. */
    uint32_t kdf_memory_kib;       /**< Argon2id of a new store's passphrase: memory, at most 1048576. 0: 262144. */
    uint32_t kdf_passes;           /**< And passes, at most 10. 0: 3, or what kdf_target_ms comes to. */
    uint32_t kdf_target_ms;        /**< Measure on this machine how many passes take about so long. 0: do not measure. */
    const char *no_history;    /**< Resource types of which only the current version is kept: "Observation,Device"; "" for none. Kept in the store until another list is given; what is written from then on follows it. Copied. NULL: what the store has, none for a new one. */
    size_t no_history_len;     /**< Bytes. */
    int32_t integrity;         /**< FHIRSTORE_INTEGRITY_*. */
    const char *anchor;        /**< What fhirstore_anchor() gave once: an older copy of the store is refused. NULL: any. */
    size_t anchor_len;         /**< Bytes. */
    uint64_t wal_bytes;        /**< About how large the log may grow before it is written back, and what it is cut to; a reader that keeps a snapshot, or one large transaction, may make it larger for a while. At least 65536. 0: 16 MiB, and cut to 64 MiB. */
} fhirstore_open_options;

/** Static initialiser for C. Bindings call fhirstore_open_options_init(). */
#define FHIRSTORE_OPEN_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(fhirstore_open_options), 0, NULL, 0, NULL, 0, NULL, 0, NULL, NULL, 0, 0, 0, 0, 0,   \
            0, 0, NULL, 0, NULL, NULL, NULL, 0, 0, 0, 0, NULL, 0, 0, NULL, 0, 0                    \
    }

/**
 * Set @a options to the defaults.
 *
 * @param[out] options      The struct to fill.
 * @param      struct_size  sizeof(fhirstore_open_options) as the caller sees it.
 * @retval FHIRSTORE_ERR_ABI  The size is smaller than the first version, or absurd.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_open_options_init(fhirstore_open_options *options,
                                                           size_t struct_size);

/**
 * Open a store, or create it.
 *
 * @param      path       UTF-8; need not end in NUL. Copied.
 * @param      path_len   Bytes.
 * @param      options    Copied. NULL means all defaults, which fails for want of a key.
 * @param[out] store_out  Owned by the caller: fhirstore_close(). NULL on failure.
 * @param[out] err_out    NULL, or where to put the reason; owned by the caller: fhirstore_error_free().
 * @retval FHIRSTORE_ERR_NOT_FOUND    No such file, and FHIRSTORE_OPEN_CREATE is not set.
 * @retval FHIRSTORE_ERR_KEY_MISSING  The store is encrypted (or is to be) and nothing was given to open it.
 * @retval FHIRSTORE_ERR_KEY_WRONG    No key slot opens.
 * @retval FHIRSTORE_ERR_OUTDATED     The store is older than options.anchor, another one, or its history up to there is another.
 * @retval FHIRSTORE_ERR_KDF_LIMIT    Argon2id would take more than it may.
 * @retval FHIRSTORE_ERR_CALLBACK     key_callback failed, and no slot opened.
 * @retval FHIRSTORE_ERR_IN_USE       Another process, or another handle of this one, has it open.
 * @retval FHIRSTORE_ERR_PLAIN_STORE  The file is an unencrypted database and FHIRSTORE_OPEN_PLAINTEXT is not set.
 * @retval FHIRSTORE_ERR_NOT_A_STORE  The file is something else.
 * @retval FHIRSTORE_ERR_FORMAT       The file format is newer than this library.
 * @retval FHIRSTORE_ERR_SCHEMA       The tables inside are newer than this library.
 * @retval FHIRSTORE_ERR_TRUNCATED    The file ends too early.
 * @retval FHIRSTORE_ERR_TAMPERED     Stored bytes do not authenticate.
 * @retval FHIRSTORE_ERR_NOT_SUPPORTED  The file's FHIR version is not built in.
 * @retval FHIRSTORE_ERR_INVALID_ARG  An option of creation (base_url, default_zone_minutes, fhir_version) is not what the store has; the message names it.
 * @retval FHIRSTORE_ERR_READ_ONLY    The index was made by an older library, and FHIRSTORE_OPEN_READ_ONLY is set: open it for writing once, then fhirstore_maintain().
 * @par Threads  Any thread; blocks for key derivation and up to the busy timeout.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_open(const char *path, size_t path_len,
                                              const fhirstore_open_options *options,
                                              fhirstore **store_out, fhirstore_error **err_out);

/**
 * Close @a store, write back what is in the WAL, and wipe its keys. NULL is a no-op.
 *
 * Waits for calls that other threads are in. Sessions, cursors and the like that are still open
 * answer FHIRSTORE_ERR_CLOSED from then on; free them as usual.
 *
 * @param store  The store; not used afterwards.
 * @par Threads  Any thread, once.
 * @since 0.1
 */
FHIRSTORE_API void fhirstore_close(fhirstore *store);

/**
 * Let go of the file and its lock until the next call: for a mobile application that goes to the
 * background, where a lock that is kept is a reason to be ended. What is in the log is written back,
 * so that the file is whole by itself. The keys stay in memory. Any later call takes the file up
 * again by itself; others may have had it meanwhile, and what they wrote is seen.
 *
 * @param      store    The store.
 * @param[out] err_out  NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_BUSY  A call is at work, or a cursor or an import is open; nothing has changed.
 * @par Threads  Any thread. A call of another thread may take the file up again at once. A later
 *      call answers what fhirstore_open() would, FHIRSTORE_ERR_IN_USE for one, when the file cannot
 *      be had, and the next one tries again; FHIRSTORE_ERR_KEY_WRONG when it has another data key.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_suspend(fhirstore *store, fhirstore_error **err_out);

/**
 * Give back memory that is kept for speed: connections that are idle, page caches, statements. For
 * when the system says that memory is short. What is at work is left alone.
 *
 * @param      store    The store.
 * @param[out] err_out  NULL, or where to put the reason; owned by the caller.
 * @par Threads  Any thread; does not block.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_store_trim(fhirstore *store, fhirstore_error **err_out);

/**
 * The library's version, "0.1.0".
 *
 * @return Static text.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API const char *fhirstore_version(void);

/**
 * The FHIR version of @a store: FHIRSTORE_FHIR_*.
 *
 * @param store  The store.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API int32_t fhirstore_fhir_version(const fhirstore *store);

/**
 * What opening found that is worth knowing though nothing of what is left is wrong: that the end of
 * the log was dropped, as when the last writes before a crash reached the disk in another order.
 *
 * @param store  The store; NULL gives NULL.
 * @return Static English text, or NULL: there is nothing to tell.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API const char *fhirstore_open_notice(const fhirstore *store);

/**
 * Write sizes and counts as one JSON object: file, pages, resources by type, versions, index rows.
 *
 * @param      store    The store.
 * @param[out] buf_out  Owned by the caller: fhirstore_buf_clear(). Old content is replaced.
 * @param[out] err_out  NULL, or where to put the reason; owned by the caller.
 * @par Threads  Any thread; reads, does not block writers.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_stats(fhirstore *store, fhirstore_buf *buf_out,
                                               fhirstore_error **err_out);

/**
 * One thing that fhirstore_verify() found wrong. Text is English and free of content. Area "notice"
 * is nothing wrong and not counted: opening dropped a damaged end of the log.
 * @since 0.1
 */
typedef void (*fhirstore_finding_fn)(void *ctx, const char *area, const char *text);

/**
 * Check the whole file: every page and header copy authenticates, the tables agree with each other,
 * and the index rows of every resource equal what extraction from its body gives.
 *
 * @param      store         The store.
 * @param      report        Called for each finding, on this thread; NULL: only count.
 * @param      ctx           First argument of @a report.
 * @param[out] findings_out  How many; 0 for a sound store.
 * @param[out] err_out       NULL, or where to put the reason; owned by the caller.
 * @par Threads  Any thread; long; does not block readers, and writers only while the pages are looked at. Works on read-only stores.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_verify(fhirstore *store, fhirstore_finding_fn report,
                                                void *ctx, int64_t *findings_out,
                                                fhirstore_error **err_out);

/**
 * An anchor: one line of text that says how far the store has come, "database
 * id:generation:sequence:hash", to be kept outside of it. The hash is that of the last change in a
 * chain over all of them (sequence, type, id, version and a hash of the body), so it holds the whole
 * history up to there. A store that is opened with it (fhirstore_open_options.anchor) is refused if
 * it is an older copy, which nothing in the file itself could tell.
 *
 * With FHIRSTORE_OPEN_SYNC_NORMAL a power failure may take the last commits, and an anchor that
 * knows of them then refuses what is left.
 *
 * @param      store    The store; of one that is not encrypted the id is "-" and the generation 0.
 * @param[out] buf_out  Owned by the caller: fhirstore_buf_clear(). Old content is replaced.
 * @param[out] err_out  NULL, or where to put the reason; owned by the caller.
 * @par Threads  Any thread; does not block writers.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_anchor(fhirstore *store, fhirstore_buf *buf_out,
                                                fhirstore_error **err_out);

/**
 * Hold the store against an anchor, as opening it with one does.
 *
 * @param      store       The store.
 * @param      anchor      What fhirstore_anchor() gave; a newline behind it does not matter.
 * @param      anchor_len  Bytes.
 * @param[out] err_out     NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_OUTDATED     The store is older than the anchor, another one, or its history up to there is another.
 * @retval FHIRSTORE_ERR_INVALID_ARG  The text is no anchor.
 * @par Threads  Any thread; does not block writers.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_anchor_check(fhirstore *store, const char *anchor,
                                                      size_t anchor_len, fhirstore_error **err_out);

/**
 * List the key slots as a JSON array of {"slot","type","label","opened"}; never key material. The
 * type is "raw", "passphrase" (with "memoryKiB" and "passes"), "x25519" (with "publicKey", in hex)
 * or "callback" (with "keyId").
 *
 * @param      store    The store.
 * @param[out] buf_out  Owned by the caller: fhirstore_buf_clear(). Old content is replaced.
 * @param[out] err_out  NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_NOT_SUPPORTED  The store is not encrypted.
 * @par Threads  Any thread; does not block.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_key_list(fhirstore *store, fhirstore_buf *buf_out,
                                                  fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
