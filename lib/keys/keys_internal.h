/* SPDX-License-Identifier: Apache-2.0 */
/* The header block's layout and what this folder's files share. */
#ifndef FHS_KEYS_INTERNAL_H
#define FHS_KEYS_INTERNAL_H

#include "keys/keys.h"

#include "base/bytes.h"

/* Offsets in a header copy. The magic, the format and the checksum never move in any format. */
enum {
    HEADER_MAGIC = 0,
    HEADER_MAGIC_BYTES = 16,
    HEADER_FORMAT = 16, /* 2 */
    HEADER_SUITE = 18,
    HEADER_FLAGS = 19,
    HEADER_PAGE_SIZE = 20, /* 4 */
    HEADER_RESERVE = 24,
    HEADER_EPOCH_COUNT = 25,
    HEADER_SLOT_COUNT = 26,
    HEADER_EPOCH = 27,        /* id of the epoch that new pages use */
    HEADER_NEXT_SLOT_ID = 28, /* 2 */
    HEADER_UUID = 32,         /* 16 */
    HEADER_SEQ = 48,          /* 8 */
    HEADER_GENERATION = 56,   /* 8 */
    HEADER_SUM_STATE = 64,
    HEADER_SUM_SALT = 72,     /* 8 */
    HEADER_SUM_FRAMES = 80,   /* 4 */
    HEADER_SUM_DATABASE = 84, /* 4 */
    HEADER_SUM = 88,          /* 4 times 8 */
    HEADER_EPOCHS = 128,
    HEADER_SLOTS = 640,
    HEADER_JOURNAL = 3712, /* 72: nonce, sealed key, tag; zeros: none */
    HEADER_JOURNAL_BYTES = 72,
    HEADER_CHECKSUM = 4032,
    HEADER_MAC = 4064,
    HEADER_HASH_BYTES = 32,
};

/* Offsets in an epoch record: the rest of its 128 bytes is for a later key change. */
enum {
    EPOCH_ID = 0,
    EPOCH_STATE = 1,
    EPOCH_COMMITMENT = 8, /* 32 */
    EPOCH_BYTES = 128,
    EPOCH_MAX = 4,
    EPOCH_CURRENT = 1, /* state */
    EPOCH_RETIRING = 2,
    EPOCH_SEALED = 40, /* 72: a retiring data key under the current one: nonce, key, tag */
    EPOCH_SEALED_BYTES = 72,
};

/* Offsets in a key slot. What stands before SLOT_NONCE is bound to the wrapped key. */
enum {
    SLOT_TYPE = 0,
    SLOT_EPOCH = 1,
    SLOT_ID = 2, /* 2 */
    SLOT_KDF = 4,
    SLOT_PASSES = 8,           /* 4 */
    SLOT_MEMORY = 12,          /* 4 */
    SLOT_SALT = 16,            /* 16 */
    SLOT_LABEL = 32,           /* 16 */
    SLOT_PUBLIC = 8,           /* 32, of a recipient, and its label behind it */
    SLOT_RECIPIENT_LABEL = 40, /* 8 */
    SLOT_KEY_ID = 8,           /* 40, of a callback's */
    SLOT_NONCE = 48,           /* 24 */
    SLOT_WRAPPED = 72,
    SLOT_TAG = 104,
    SLOT_BOX = 48, /* 80, of a recipient */
    SLOT_BOX_BYTES = 80,
    SLOT_BYTES = 128,
    SLOT_KDF_NONE = 0,
    SLOT_KDF_ARGON2ID13 = 1,
};

#define FHS_HEADER_FORMAT 1u
#define FHS_HEADER_SUITE  1u

typedef enum fhs_header_state {
    FHS_HEADER_ABSENT,
    FHS_HEADER_DAMAGED,
    FHS_HEADER_NEWER,
    FHS_HEADER_SOUND, /* by its checksum: not yet authenticated */
} fhs_header_state;

/* Everything secret, in one guarded region that is read-only once filled. */
typedef struct fhs_secrets {
    uint8_t dek[FHS_KEYS_KEY_BYTES];
    uint8_t page[FHS_KEYS_KEY_BYTES];
    uint8_t wal[FHS_KEYS_KEY_BYTES];
    uint8_t head[FHS_KEYS_KEY_BYTES];
    uint8_t token[FHS_KEYS_KEY_BYTES];
    uint8_t sums[FHS_KEYS_KEY_BYTES];
    /* of the data key before, while pages are still sealed with it */
    uint8_t old_page[FHS_KEYS_KEY_BYTES];
    uint8_t old_wal[FHS_KEYS_KEY_BYTES];
    uint8_t old_head[FHS_KEYS_KEY_BYTES];
} fhs_secrets;

struct fhs_keys {
    fhs_secrets *_Atomic secrets;
    fhs_secrets *retired; /* of the data key before: somebody may still be reading with it */
    uint8_t image[FHS_KEYS_COPY_BYTES]; /* the header copy in force */
    uint32_t copy;                      /* where it is: 0 or 1 */
    uint32_t used_slot;                 /* id */
    bool is_ephemeral;
    bool is_torn; /* the last write of the spare copy failed */
};

/* memory.c: zeroed guarded memory, wiped when freed; NULL when there is none. */
fhs_secrets *fhs_secrets_new(void);
void fhs_secrets_free(fhs_secrets *secrets);
/* Fill the subkeys from the data key and make the region read-only. */
void fhs_secrets_derive(fhs_secrets *secrets);

/* header.c */
void fhs_header_init(uint8_t *image, const uint8_t *uuid, const uint8_t *dek);
fhs_header_state fhs_header_inspect(const uint8_t *image);
void fhs_header_seal(uint8_t *image, const uint8_t *head_key);
bool fhs_header_is_authentic(const uint8_t *image, const uint8_t *head_key);
bool fhs_header_commits_to(const uint8_t *image, uint8_t epoch, const uint8_t *dek);

/* A data key sealed for later reading under another one. */
void fhs_header_seal_key(uint8_t *at, const uint8_t *aad, size_t aad_len, const uint8_t *dek,
                         const char context[8], const uint8_t *key);
bool fhs_header_open_key(const uint8_t *at, const uint8_t *aad, size_t aad_len, const uint8_t *dek,
                         const char context[8], uint8_t *key_out);
void fhs_header_set_epoch(uint8_t *record, const uint8_t *uuid, uint8_t epoch, uint8_t state,
                          const uint8_t *dek);
/* The subkeys of @a old, the data key before. */
void fhs_secrets_keep_old(fhs_secrets *secrets, const uint8_t *old);
/* The same of the retiring data key, if the header has one. False: it does not open. */
bool fhs_secrets_find_old(fhs_secrets *secrets, const uint8_t *image);

/* The journal key of the store that this one is a copy of, sealed in the header. */
void fhs_header_keep_journal(uint8_t *image, const uint8_t *journal_key, const uint8_t *dek);
/* False: there is none. The header is authentic, so what is there opens. */
bool fhs_header_find_journal(const uint8_t *image, const uint8_t *dek, uint8_t *journal_key_out);

static inline uint8_t *fhs_header_slot(uint8_t *image, uint32_t index)
{
    return image + HEADER_SLOTS + (size_t)index * SLOT_BYTES;
}

static inline const uint8_t *fhs_header_slot_const(const uint8_t *image, uint32_t index)
{
    return image + HEADER_SLOTS + (size_t)index * SLOT_BYTES;
}

static inline uint64_t fhs_header_seq(const uint8_t *image)
{
    return fhs_get_le(image + HEADER_SEQ, 8);
}

/* keys.c: what every change of the header is made of; with the lock held. */
fhirstore_status fhs_header_refresh(fhs_keys *keys, const fhs_keys_io *io, fhirstore_error **err);
fhirstore_status fhs_header_publish(fhs_keys *keys, uint8_t *image, const fhs_keys_io *io,
                                    fhirstore_error **err);
/* In force with the first write; the second leaves nothing of before in the spare copy. */
fhirstore_status fhs_header_publish_twice(fhs_keys *keys, uint8_t *image, const fhs_keys_io *io,
                                          fhirstore_error **err);
/* OK is followed by an unlock. */
fhirstore_status fhs_header_lock(const fhs_keys_io *io, fhirstore_error **err);
void fhs_header_unlock(const fhs_keys_io *io);

/* The first free slot; FHS_KEYS_SLOT_COUNT: there is none. */
uint32_t fhs_header_free_slot(const uint8_t *image);

void fhs_header_store_sum(uint8_t *image, const fhs_page_sum *sum); /* freshness.c */

/* slot.c */
/* A slot before it has its number, and the key that it will wrap with. */
typedef struct fhs_slot_draft {
    uint8_t slot[SLOT_BYTES];
    uint8_t kek[FHS_KEYS_KEY_BYTES];
} fhs_slot_draft;

fhirstore_status fhs_credential_check(const fhs_credential *credential, fhirstore_error **err);
/* The slow part: derives, or asks for, the key that wraps. Wipe the draft when done. */
fhirstore_status fhs_slot_draft_new(const fhs_credential *credential, fhs_key_cost cost,
                                    fhs_str label, fhs_slot_draft *draft_out,
                                    fhirstore_error **err);
/* Put the draft into @a image as slot @a id, with the data key in it. */
fhirstore_status fhs_slot_fill(uint8_t *image, uint32_t index, uint32_t id,
                               const fhs_slot_draft *draft, const uint8_t *dek,
                               fhirstore_error **err);
/*
 * OK, ERR_KEY_WRONG (also for a slot of another type), ERR_KDF_LIMIT, ERR_NO_MEMORY, or
 * ERR_CALLBACK when the host could not be asked.
 */
fhirstore_status fhs_slot_unwrap(const uint8_t *image, uint32_t index,
                                 const fhs_credential *credential, uint8_t *dek_out);

/* cost.c: what the defaults and a wanted time come to. */
fhirstore_status fhs_key_cost_settle(fhs_key_cost *cost, fhirstore_error **err);

#endif
