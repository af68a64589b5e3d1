/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keys.h  The keys of a store: several, of four kinds, changed at any time.
 *
 * A store's pages are encrypted with a random data key. That key is kept in the file, wrapped once
 * in each of up to 24 slots; whoever can open one slot can open the store. Adding, removing and
 * rotating a slot writes the header of the file and nothing else, so it takes milliseconds whatever
 * the store's size is, and a power cut leaves either the slots from before or those from after.
 *
 * A slot takes a raw key, a passphrase (Argon2id), an X25519 recipient (added by the public key,
 * opened with the secret one), or a key that the host is asked for by its id: from a keystore, a
 * keychain, a key management service. Removing a slot does not change the data key: who has kept it,
 * or an old copy of the file and its key, still reads what that copy holds.
 *
 * With FHIRSTORE_OPEN_MULTI_PROCESS several processes may change slots at the same time: they take
 * turns, and each sees what the others have done. Who has the store open when his slot goes keeps
 * it until he closes it.
 *
 * fhirstore_key_list() in store.h tells which slots there are.
 */
#ifndef FHIRSTORE_KEYS_H
#define FHIRSTORE_KEYS_H

#include "store.h"

FHIRSTORE_BEGIN_DECLS

/**
 * What a new slot is made for: exactly one of key, passphrase, recipient and callback. Zero means
 * none; new fields are only added at the end. Everything is borrowed during the call.
 *
 * @since 0.1
 */
typedef struct fhirstore_key_options {
    uint32_t struct_size;      /**< Set by the initialiser. */
    uint32_t flags;            /**< Must be 0. */
    const uint8_t *key;        /**< A raw key. */
    size_t key_len;            /**< 32, or 0 without a key. */
    const char *passphrase;    /**< 1 to 1024 bytes. */
    size_t passphrase_len;     /**< Bytes. */
    const uint8_t *recipient;  /**< An X25519 public key. */
    size_t recipient_len;      /**< 32, or 0 without a recipient. */
    fhirstore_key_fn callback; /**< Asked once, for key_id. */
    void *callback_ctx;        /**< First argument of callback. */
    const char *key_id;        /**< What the callback knows the key by: 1 to 40 bytes without NUL. Visible in the file. */
    size_t key_id_len;         /**< Bytes. */
    const char *label;         /**< What people call the slot; visible in the file. At most 16 bytes, 8 for a recipient, none with a key_id. */
    size_t label_len;          /**< Bytes. */
    uint32_t kdf_memory_kib;   /**< Argon2id: memory, at most 1048576. 0: 262144. */
    uint32_t kdf_passes;       /**< Argon2id: passes, at most 10. 0: 3, or what kdf_target_ms comes to. */
    uint32_t kdf_target_ms;    /**< Argon2id: measure here how many passes take about so long, with less memory where the machine is too slow. 0: do not measure. */
} fhirstore_key_options;

/** Static initialiser for C. Bindings call fhirstore_key_options_init(). */
#define FHIRSTORE_KEY_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(fhirstore_key_options), 0, NULL, 0, NULL, 0, NULL, 0, NULL, NULL, NULL, 0, NULL, 0, \
            0, 0, 0                                                                                \
    }

/**
 * Set @a options to the defaults.
 *
 * @param[out] options      The struct to fill.
 * @param      struct_size  sizeof(fhirstore_key_options) as the caller sees it.
 * @retval FHIRSTORE_ERR_ABI  The size is smaller than the first version, or absurd.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_key_options_init(fhirstore_key_options *options,
                                                          size_t struct_size);

/**
 * Add a key slot. Writes one copy of the header.
 *
 * @param      store     The store, encrypted.
 * @param      options   What the slot is for.
 * @param[out] slot_out  The slot's number, which no other slot ever gets; NULL: not wanted.
 * @param[out] err_out   NULL, or where to put the reason; owned by the caller: fhirstore_error_free().
 * @retval FHIRSTORE_ERR_KEY_MISSING     Nothing is given that a slot could be made for.
 * @retval FHIRSTORE_ERR_INVALID_ARG     More than one thing is given, or one is not of its form; the message says which.
 * @retval FHIRSTORE_ERR_KDF_LIMIT       Argon2id would take more than it may.
 * @retval FHIRSTORE_ERR_CALLBACK        The callback gave no key.
 * @retval FHIRSTORE_ERR_KEY_SLOTS_FULL  All 24 slots are taken.
 * @retval FHIRSTORE_ERR_READ_ONLY       The store is open for reading.
 * @retval FHIRSTORE_ERR_NOT_SUPPORTED   The store is not encrypted.
 * @par Threads  Any thread; blocks for key derivation, but no reader and no writer.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_key_add(fhirstore *store,
                                                 const fhirstore_key_options *options,
                                                 uint32_t *slot_out, fhirstore_error **err_out);

/**
 * Remove a key slot. Writes both copies of the header, one after the other, so that it is in neither.
 *
 * @param      store    The store, encrypted.
 * @param      slot     Its number.
 * @param[out] err_out  NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_NOT_FOUND      There is no slot of this number.
 * @retval FHIRSTORE_ERR_INVALID_ARG    It is the last slot: without it nobody could open the store.
 * @retval FHIRSTORE_ERR_READ_ONLY      The store is open for reading.
 * @retval FHIRSTORE_ERR_NOT_SUPPORTED  The store is not encrypted.
 * @par Threads  Any thread; blocks no reader and no writer.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_key_remove(fhirstore *store, uint32_t slot,
                                                    fhirstore_error **err_out);

/**
 * Put a new slot in the place of another. One header write brings in the new one and takes the old
 * one out; a second one wipes the old one from the spare copy.
 *
 * @param      store     The store, encrypted.
 * @param      slot      The number of the slot to replace; 0: the one that opened the store.
 * @param      options   What the new slot is for, as for fhirstore_key_add(). Without a label it keeps the old one's.
 * @param[out] slot_out  The new slot's number; NULL: not wanted.
 * @param[out] err_out   NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_NOT_FOUND       There is no slot of this number.
 * @retval FHIRSTORE_ERR_KEY_MISSING     And the others of fhirstore_key_add().
 * @par Threads  Any thread; blocks for key derivation, but no reader and no writer.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_key_rotate(fhirstore *store, uint32_t slot,
                                                    const fhirstore_key_options *options,
                                                    uint32_t *slot_out, fhirstore_error **err_out);

/**
 * Give the store a new data key, when somebody may know the present one: an old copy of the file
 * and a key to it were lost, or a process's memory was. A slot is made for @a options, recipients
 * keep theirs, and all other slots are gone: whoever is to have one gets it anew. From the return of
 * this call on everything that is written is sealed with the new key; what is there is sealed anew
 * by fhirstore_maintain(), in steps between which others read and write, and which a crash does not
 * undo. With its last step the old key leaves the file. What was read with it stays known.
 *
 * @param      store     The store, encrypted and open for one process.
 * @param      options   What the first slot of the new key is for, as for fhirstore_key_add().
 * @param[out] slot_out  Its number; NULL: not wanted.
 * @param[out] err_out   NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_BUSY           The renewal before is not finished (fhirstore_maintain()), or another writer kept the store longer than the busy timeout.
 * @retval FHIRSTORE_ERR_NOT_SUPPORTED  The store is not encrypted, or open with FHIRSTORE_OPEN_MULTI_PROCESS.
 * @retval FHIRSTORE_ERR_KEY_MISSING    And the others of fhirstore_key_add().
 * @par Threads  Any thread; takes its turn with other writers, does not block readers.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_key_renew(fhirstore *store,
                                                   const fhirstore_key_options *options,
                                                   uint32_t *slot_out, fhirstore_error **err_out);

/**
 * The public key of a recipient's secret key, which may be any 32 random bytes.
 *
 * @param      secret_key      The X25519 secret key.
 * @param      secret_key_len  32.
 * @param[out] public_key_out  32 bytes.
 * @param[out] err_out         NULL, or where to put the reason; owned by the caller.
 * @retval FHIRSTORE_ERR_INVALID_ARG  A pointer is NULL, or the key has not 32 bytes.
 * @par Threads  Any thread.
 * @since 0.1
 */
FHIRSTORE_API fhirstore_status fhirstore_key_public(const uint8_t *secret_key,
                                                    size_t secret_key_len, uint8_t *public_key_out,
                                                    fhirstore_error **err_out);

FHIRSTORE_END_DECLS

#endif
