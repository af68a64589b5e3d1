/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of one store. A random data key (DEK) does all the work; it is kept in the file only
 * wrapped, once for each key slot, in a header block of two copies. This room makes, reads and
 * changes that block, holds the data key and what is derived from it in guarded memory, and knows
 * nothing of files: whoever owns the file hands in an fhs_keys_io.
 *
 * The byte layout is in docs/file-format.md.
 */
#ifndef FHS_KEYS_KEYS_H
#define FHS_KEYS_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

#define FHS_KEYS_KEY_BYTES   32u
#define FHS_KEYS_UUID_BYTES  16u
#define FHS_KEYS_COPY_BYTES  4096u /* one header copy */
#define FHS_KEYS_BLOCK_BYTES 8192u /* both */
#define FHS_KEYS_SLOT_COUNT  24u
#define FHS_KEYS_LABEL_BYTES 16u
/* A recipient's slot has room for a shorter label; a callback's has its key id in that place. */
#define FHS_KEYS_RECIPIENT_LABEL_BYTES 8u
#define FHS_KEYS_ID_BYTES              40u
#define FHS_KEYS_TOKEN_EXTRA           40u /* a sealed token is this much longer than its plaintext */
#define FHS_KEYS_PAGE_SIZE             4096u
#define FHS_KEYS_PAGE_RESERVE          48u

/* Numbers of the file format. */
typedef enum fhs_slot_type {
    FHS_SLOT_FREE = 0,
    FHS_SLOT_RAW = 1,        /* a 32-byte key encryption key, used as it is given */
    FHS_SLOT_PASSPHRASE = 2, /* Argon2id */
    FHS_SLOT_X25519 = 3,     /* sealed box to a recipient */
    FHS_SLOT_CALLBACK = 4,   /* a key that the host is asked for by id */
} fhs_slot_type;

/*
 * Asks the host for the key called @a id: OK with 32 bytes in @a key_out, ERR_NOT_FOUND when there
 * is none of that name, any other failure when it cannot be had now.
 */
typedef fhirstore_status (*fhs_key_fn)(void *ctx, const char *id, size_t id_len,
                                       uint8_t key_out[FHS_KEYS_KEY_BYTES]);

/*
 * What opens a slot, or makes one: exactly one of the five, borrowed during the call. None: no key.
 * A recipient's public key makes slots and opens none; ask opens by the ids that the slots name,
 * and makes one with key_id.
 */
typedef struct fhs_credential {
    const uint8_t *raw_key; /* FHS_KEYS_KEY_BYTES long */
    size_t raw_key_len;
    const char *passphrase; /* any bytes, 1 … FHS_LIMIT_PASSPHRASE_BYTES */
    size_t passphrase_len;
    const uint8_t *public_key; /* X25519, FHS_KEYS_KEY_BYTES long, as the next */
    const uint8_t *secret_key;
    fhs_key_fn ask;
    void *ask_ctx;
    fhs_str key_id; /* 1 … FHS_KEYS_ID_BYTES, without NUL */
} fhs_credential;

/*
 * Argon2id's cost; zero in a field is the default (MODERATE: 256 MiB, 3 passes). With target_ms the
 * cost is measured here: as many passes as fit into that time, and less memory where one does not.
 */
typedef struct fhs_key_cost {
    uint32_t memory_kib;
    uint32_t passes;
    uint32_t target_ms;
} fhs_key_cost;

typedef struct fhs_key_slot {
    uint32_t id; /* never used again after removal */
    fhs_slot_type type;
    uint32_t memory_kib; /* 0 unless a passphrase */
    uint32_t passes;
    char label[FHS_KEYS_LABEL_BYTES + 1];
    uint8_t public_key[FHS_KEYS_KEY_BYTES]; /* of a recipient */
    char key_id[FHS_KEYS_ID_BYTES + 1];     /* of a callback's */
    bool is_used_here;                      /* the slot that opened this store */
} fhs_key_slot;

/*
 * The header block's bytes, wherever they are: offsets 0 … FHS_KEYS_BLOCK_BYTES. write is followed
 * by sync before anything else is written. Each returns a status and makes the error.
 */
typedef struct fhs_keys_io {
    void *ctx;
    fhirstore_status (*read)(void *ctx, uint64_t offset, uint8_t *out, size_t len,
                             fhirstore_error **err);
    fhirstore_status (*write)(void *ctx, uint64_t offset, const uint8_t *bytes, size_t len,
                              fhirstore_error **err);
    fhirstore_status (*sync)(void *ctx, fhirstore_error **err);
    /* Around each change, against threads and processes; NULL with unlock: nobody else is there. */
    fhirstore_status (*lock)(void *ctx, fhirstore_error **err);
    void (*unlock)(void *ctx);
} fhs_keys_io;

typedef struct fhs_keys fhs_keys;

/* ---- a store's keys come and go ---- */

/*
 * New data key and database id; @a block receives both header copies. @a journal_key: the one that
 * the audit journal of a copied store is sealed with, kept in the header; NULL: of its own.
 */
fhirstore_status fhs_keys_create(const fhs_credential *credential, fhs_key_cost cost, fhs_str label,
                                 const uint8_t *journal_key, uint8_t block[FHS_KEYS_BLOCK_BYTES],
                                 fhs_keys **keys_out, fhirstore_error **err);
/*
 * What the first bytes of a file are, without any key: OK for a header block of this format, else
 * ERR_NOT_A_STORE, ERR_PLAIN_STORE, ERR_TRUNCATED, ERR_FORMAT, or ERR_TAMPERED (both copies).
 */
fhirstore_status fhs_keys_classify(const uint8_t *block, size_t len, fhirstore_error **err);
/* ERR_KEY_MISSING, ERR_KEY_WRONG, ERR_KDF_LIMIT, ERR_TAMPERED, and what classify answers. */
fhirstore_status fhs_keys_open(const uint8_t block[FHS_KEYS_BLOCK_BYTES],
                               const fhs_credential *credential, fhs_keys **keys_out,
                               fhirstore_error **err);
/* Read the block again: what others may have changed. False: it is of another store or data key. */
bool fhs_keys_reload(fhs_keys *keys, const uint8_t block[FHS_KEYS_BLOCK_BYTES]);
/* Take over what other processes have changed, of the file that is held. */
fhirstore_status fhs_keys_catch_up(fhs_keys *keys, const fhs_keys_io *io, fhirstore_error **err);
/* For stores that are not encrypted: a random key for tokens, no data key, no slots. */
fhirstore_status fhs_keys_new_ephemeral(fhs_keys **keys_out, fhirstore_error **err);
/* Wipes. Accepts NULL. */
void fhs_keys_free(fhs_keys *keys);
/* The public key of an X25519 secret key, both FHS_KEYS_KEY_BYTES long. */
void fhs_keys_public(const uint8_t *secret_key, uint8_t *public_key_out);
/* Zero what held a secret. */
void fhs_keys_wipe(void *bytes, size_t len);
bool fhs_credential_is_empty(const fhs_credential *credential);

/* ---- what the file is sealed with; borrowed until fhs_keys_free ---- */

const uint8_t *fhs_keys_page_key(const fhs_keys *keys); /* pages, in the file and in the log */
const uint8_t *fhs_keys_wal_key(const fhs_keys *keys);  /* log header and frame headers */
const uint8_t *fhs_keys_uuid(const fhs_keys *keys);     /* FHS_KEYS_UUID_BYTES */
uint8_t fhs_keys_suite(const fhs_keys *keys);
uint8_t fhs_keys_epoch(const fhs_keys *keys);
uint64_t fhs_keys_generation(const fhs_keys *keys);
/* The database id as text, with a NUL; empty for ephemeral keys. */
void fhs_keys_uuid_text(const fhs_keys *keys, char out[37]);
/* What the audit journal's secrets come from. */
void fhs_keys_journal(const fhs_keys *keys, uint8_t out[FHS_KEYS_KEY_BYTES]);
/* A further subkey for another room: @a context is 8 characters of its own choosing. */
void fhs_keys_derive(const fhs_keys *keys, const char context[8], uint64_t number,
                     uint8_t out[FHS_KEYS_KEY_BYTES]);

/*
 * ---- slots: each change is on disk before it returns. Key derivation runs outside of the lock.
 */

uint32_t fhs_keys_slot_count(const fhs_keys *keys);
/* @a index 0 … count-1. */
bool fhs_keys_slot_get(const fhs_keys *keys, uint32_t index, fhs_key_slot *slot_out);
/* ERR_KEY_SLOTS_FULL when none is free; what a callback answers. Writes one header copy. */
fhirstore_status fhs_keys_slot_add(fhs_keys *keys, const fhs_credential *credential,
                                   fhs_key_cost cost, fhs_str label, const fhs_keys_io *io,
                                   uint32_t *id_out, fhirstore_error **err);
/*
 * ERR_NOT_FOUND for an unknown id, ERR_INVALID_ARG for the last slot. Writes both header copies,
 * one after the other, so that the removed slot is in neither.
 */
fhirstore_status fhs_keys_slot_remove(fhs_keys *keys, uint32_t id, const fhs_keys_io *io,
                                      fhirstore_error **err);
/*
 * Put a new slot in the place of slot @a id (0: the one that opened the store), which is gone with
 * the same header write. The spare copy is written after it, so that the old slot is in neither. An
 * empty label: the old one's.
 */
fhirstore_status fhs_keys_slot_rotate(fhs_keys *keys, uint32_t id, const fhs_credential *credential,
                                      fhs_key_cost cost, fhs_str label, const fhs_keys_io *io,
                                      uint32_t *id_out, fhirstore_error **err);
/* Is this header copy (0 or 1) whole and authentic under these keys? */
bool fhs_keys_copy_is_valid(const fhs_keys *keys, const uint8_t copy[FHS_KEYS_COPY_BYTES]);

/* ---- a new data key ---- */

/* 0: none. The epoch before, and what its pages are sealed with. */
uint8_t fhs_keys_old_epoch(const fhs_keys *keys);
const uint8_t *fhs_keys_old_page_key(const fhs_keys *keys);
const uint8_t *fhs_keys_old_wal_key(const fhs_keys *keys);
/*
 * A new data key takes over, for which @a credential makes a slot; recipients keep theirs, all
 * other slots are gone. The old data key stays in the header, sealed under the new one, until
 * fhs_keys_renew_end. Borrowed keys of before stay readable until then. A failure leaves
 * the old one in force. ERR_BUSY while another renewal is not finished.
 */
fhirstore_status fhs_keys_renew(fhs_keys *keys, const fhs_credential *credential, fhs_key_cost cost,
                                fhs_str label, const fhs_keys_io *io, uint32_t *id_out,
                                fhirstore_error **err);
/* No page is sealed with the old data key any more: it goes from both header copies. */
fhirstore_status fhs_keys_renew_end(fhs_keys *keys, const fhs_keys_io *io, fhirstore_error **err);

/* ---- freshness ---- */

/*
 * The sum over the file's pages, as the last checkpoint left them: a page that is put back changes
 * it. vfs/page_sum.c tells what the states mean.
 */
typedef enum fhs_sum_state {
    FHS_SUM_NONE = 0,
    FHS_SUM_COMPLETE = 1, /* of all pages in the file */
    FHS_SUM_PARTIAL = 2,  /* of those that the log's first frames do not hold */
} fhs_sum_state;

typedef struct fhs_page_sum {
    fhs_sum_state state;
    uint64_t salt;     /* of the log, when partial */
    uint32_t frames;   /* how many of its frames count */
    uint32_t database; /* and the database's pages after them */
    uint64_t sum[4];   /* added up word by word */
} fhs_page_sum;

#define FHS_KEYS_TAIL_BYTES 48u /* of a stored page: nonce, tag, meta */

void fhs_keys_get_sum(const fhs_keys *keys, fhs_page_sum *out);
/* Each writes one header copy. */
fhirstore_status fhs_keys_put_sum(fhs_keys *keys, const fhs_page_sum *sum, const fhs_keys_io *io,
                                  fhirstore_error **err);
fhirstore_status fhs_keys_raise_generation(fhs_keys *keys, bool drops_sum, const fhs_keys_io *io,
                                           fhirstore_error **err);
/* What page @a page with the stored tail @a tail adds to the sum; or takes away. */
void fhs_keys_sum_add(const fhs_keys *keys, fhs_page_sum *sum, uint32_t page, const uint8_t *tail,
                      bool takes);
bool fhs_keys_is_torn(const fhs_keys *keys); /* a write of these keys' own failed */
/*
 * Whether a crash may have made @a copy, which is not authentic, of the copy in force and the one
 * before or behind it. False: somebody has changed it.
 */
bool fhs_keys_is_tear(const fhs_keys *keys, const uint8_t copy[FHS_KEYS_COPY_BYTES]);
/* Of these: one that a new data key, interrupted between the two copies, has left whole. */
bool fhs_keys_is_half_renewed(const fhs_keys *keys, const uint8_t copy[FHS_KEYS_COPY_BYTES]);
/*
 * Whether an authentic copy is the one that stands in its place: they are written in turn, so the
 * spare one is the last before that in force. Nobody else may have written meanwhile.
 */
bool fhs_keys_copy_is_due(const fhs_keys *keys, uint32_t copy,
                          const uint8_t bytes[FHS_KEYS_COPY_BYTES]);
/* Put the copy in force, one step newer, where the other one is. */
fhirstore_status fhs_keys_write_again(fhs_keys *keys, const fhs_keys_io *io, fhirstore_error **err);
/* The copy that is not in force: 0 or 1. */
uint32_t fhs_keys_spare(const fhs_keys *keys);
/*
 * A crash may leave the spare header copy torn: write it anew unless it is whole. *mended_out: it
 * was not.
 */
fhirstore_status fhs_keys_mend(fhs_keys *keys, const fhs_keys_io *io, bool *mended_out,
                               fhirstore_error **err);

/* ---- sealed tokens (page links and the like) ---- */

/* Appends nonce, ciphertext and tag; bound to @a aad, which is not part of the token. */
fhirstore_status fhs_keys_seal_token(const fhs_keys *keys, fhs_str aad, fhs_str plaintext,
                                     fhs_buf *out, fhirstore_error **err);
/* Appends the plaintext; ERR_PAGE_TOKEN for anything that these keys did not seal for @a aad. */
fhirstore_status fhs_keys_open_token(const fhs_keys *keys, fhs_str aad, fhs_str token, fhs_buf *out,
                                     fhirstore_error **err);

#endif
