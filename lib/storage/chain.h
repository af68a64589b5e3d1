/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain over the change sequence. Each version has an item, a keyed hash of its sequence, type,
 * id, version and body hash, and a link, a keyed hash of the link before and the item. So a version
 * that is changed, missing or put back shows in every link behind it, and a link kept elsewhere
 * holds the whole history up to it. The key is random, in the store, and goes along with copies.
 *
 *     body hash  H(key, body)
 *     item       H(key, "item" seq type version method length-of-id id body-hash)
 *     link       H(key, "link" link-before item)      the first one follows 32 zeros
 *
 * Numbers are 8 bytes, little endian. What is purged leaves its item and link, which tell nothing.
 */
#ifndef FHS_STORAGE_CHAIN_H
#define FHS_STORAGE_CHAIN_H

#include "keys/digest.h"
#include "storage/storage_internal.h"

#define FHS_CHAIN_KEY_NAME "chain_key"
/* As version.chain and purged.chain hold them: the item, then the link. */
#define FHS_CHAIN_BYTES (2u * FHS_DIGEST_BYTES)

/* What an item is made of. */
typedef struct fhs_chain_entry {
    int64_t seq;
    int64_t type;
    int64_t version;
    int64_t method;
    fhs_str id;
    uint8_t body[FHS_DIGEST_BYTES];
} fhs_chain_entry;

/* Give a new store its key, in the transaction that makes it. */
fhirstore_status fhs_chain_create(fhs_conn *conn, fhirstore_error **err);
/* Where the chain stands: into conn->chain_key and counters->link. */
fhirstore_status fhs_chain_load(fhs_conn *conn, fhs_counters *counters, fhirstore_error **err);
void fhs_chain_hash_body(const fhs_conn *conn, fhs_str body, uint8_t out[FHS_DIGEST_BYTES]);
/* The item of @a entry behind @a before. */
void fhs_chain_add(const fhs_conn *conn, const fhs_chain_entry *entry,
                   const uint8_t before[FHS_DIGEST_BYTES], uint8_t out[FHS_CHAIN_BYTES]);
/* A version is about to be removed for good. */
fhirstore_status fhs_chain_keep(fhs_conn *conn, int64_t seq, fhirstore_error **err);
/* Recompute it from the bodies. */
fhirstore_status fhs_check_chain(fhs_check *check, fhirstore_error **err);

#endif
