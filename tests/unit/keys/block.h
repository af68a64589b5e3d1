/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs here share: a header block in memory, keys for it, and forged bytes in it. */
#ifndef FHS_TEST_KEYS_BLOCK_H
#define FHS_TEST_KEYS_BLOCK_H

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "keys/keys.h"
#include "keys/keys_internal.h"
#include "suite.h"

static const fhs_key_cost cheap = {.memory_kib = 64, .passes = 1};
static const uint8_t key_a[FHS_KEYS_KEY_BYTES] = {1, 2, 3};
static const uint8_t key_b[FHS_KEYS_KEY_BYTES] = {4, 5, 6};
static const fhs_credential with_a = {.raw_key = key_a, .raw_key_len = sizeof key_a};
static const fhs_credential with_b = {.raw_key = key_b, .raw_key_len = sizeof key_b};

static inline fhs_credential phrase(const char *text)
{
    return (fhs_credential){.passphrase = text, .passphrase_len = strlen(text)};
}

/* A header block in memory that can be made to fail. */
typedef struct memory_block {
    uint8_t bytes[FHS_KEYS_BLOCK_BYTES];
    int reads;
    int writes;
    int syncs;
    int locks;
    int unlocks;
    int fail_read;
    int fail_write; /* this write, from 1, writes half and fails */
    int fail_sync;
    int fail_lock;
} memory_block;

static inline fhirstore_status read_memory(void *ctx, uint64_t offset, uint8_t *out, size_t len,
                                           fhirstore_error **err)
{
    memory_block *block = ctx;
    memcpy(out, block->bytes + offset, len);
    return ++block->reads == block->fail_read ? fhs_fail_plain(err, FHIRSTORE_ERR_IO)
                                              : FHIRSTORE_OK;
}

static inline fhirstore_status write_memory(void *ctx, uint64_t offset, const uint8_t *bytes,
                                            size_t len, fhirstore_error **err)
{
    memory_block *block = ctx;
    bool fails = ++block->writes == block->fail_write;
    memcpy(block->bytes + offset, bytes, fails ? len / 2 : len);
    return fails ? fhs_fail_plain(err, FHIRSTORE_ERR_IO) : FHIRSTORE_OK;
}

static inline fhirstore_status sync_memory(void *ctx, fhirstore_error **err)
{
    memory_block *block = ctx;
    return ++block->syncs == block->fail_sync ? fhs_fail_plain(err, FHIRSTORE_ERR_IO)
                                              : FHIRSTORE_OK;
}

static inline fhirstore_status lock_memory(void *ctx, fhirstore_error **err)
{
    memory_block *block = ctx;
    return ++block->locks == block->fail_lock ? fhs_fail_plain(err, FHIRSTORE_ERR_IO)
                                              : FHIRSTORE_OK;
}

static inline void unlock_memory(void *ctx)
{
    ((memory_block *)ctx)->unlocks++;
}

static inline fhs_keys_io io_of(memory_block *block)
{
    return (fhs_keys_io){block, read_memory, write_memory, sync_memory, NULL, NULL};
}

static inline fhs_keys_io locked_io_of(memory_block *block)
{
    return (fhs_keys_io){block, read_memory, write_memory, sync_memory, lock_memory, unlock_memory};
}

static inline fhs_keys *create(memory_block *block, fhs_credential credential)
{
    fhs_keys *keys = NULL;
    memset(block, 0, sizeof *block);
    ck_assert_int_eq(
        fhs_keys_create(&credential, cheap, FHS_LIT("first"), NULL, block->bytes, &keys, NULL),
        FHIRSTORE_OK);
    return keys;
}

static inline fhirstore_status try_open(const memory_block *block, fhs_credential credential)
{
    fhs_keys *keys = NULL;
    fhirstore_error *err = NULL;
    fhirstore_status status = fhs_keys_open(block->bytes, &credential, &keys, &err);
    ck_assert((status == FHIRSTORE_OK) == (keys != NULL));
    ck_assert_int_eq(fhs_error_status(err), status);
    fhs_error_free(err);
    fhs_keys_free(keys);
    return status;
}

/* An attacker can make the checksum right, but not the MAC. */
static inline void forge(uint8_t *copy, size_t at, uint64_t value, size_t count)
{
    fhs_put_le(copy + at, count, value);
    (void)crypto_generichash(copy + HEADER_CHECKSUM, HEADER_HASH_BYTES, copy, HEADER_CHECKSUM, NULL,
                             0);
}

static inline void forge_both(memory_block *block, size_t at, uint64_t value, size_t count)
{
    forge(block->bytes, at, value, count);
    forge(block->bytes + FHS_KEYS_COPY_BYTES, at, value, count);
}

#endif
