/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the journal. */
#ifndef FHS_AUDIT_JOURNAL_INTERNAL_H
#define FHS_AUDIT_JOURNAL_INTERNAL_H

#include <sodium.h>

#include "audit/journal.h"

typedef struct fhs_journal_secrets {
    uint8_t seal[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
    uint8_t chain[crypto_generichash_KEYBYTES];
    uint8_t sign[crypto_sign_SECRETKEYBYTES];
} fhs_journal_secrets;

struct fhs_journal {
    fhs_journal_secrets *secrets; /* guarded */
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    fhs_buf sealed;
};

#define FHS_JOURNAL_PLACE_BYTES (8u + FHS_JOURNAL_LINK_BYTES)
/* A place as the store keeps it: number, link, keyed hash of both and of the name. */
#define FHS_JOURNAL_STORED_BYTES (FHS_JOURNAL_PLACE_BYTES + FHS_JOURNAL_LINK_BYTES)

/* Names of the small values beside the blocks. */
extern const fhs_str fhs_journal_head_name;
extern const fhs_str fhs_journal_start_name;
extern const fhs_str fhs_journal_waiting_name; /* an owner's name stands behind it */

/* The link of @a block behind @a before. */
void fhs_journal_link(const fhs_journal *journal, const uint8_t before[FHS_JOURNAL_LINK_BYTES],
                      const fhs_journal_block *block, uint8_t out[FHS_JOURNAL_LINK_BYTES]);
/* The link before the first record of all. */
void fhs_journal_first_link(const fhs_journal *journal, uint8_t out[FHS_JOURNAL_LINK_BYTES]);
/* The records of a block; ERR_TAMPERED. */
fhirstore_status fhs_journal_open_block(const fhs_journal *journal, const fhs_journal_block *block,
                                        fhs_buf *out, fhirstore_error **err);
/* The same as it was recorded, as far as patients' keys are there (fields.h). */
fhirstore_status fhs_journal_open_texts(const fhs_journal *journal, fhs_conn *conn,
                                        const fhs_journal_block *block, fhs_buf *out,
                                        fhirstore_error **err);
/* What a mark's signature is over. */
void fhs_journal_place_bytes(int64_t number, const uint8_t link[FHS_JOURNAL_LINK_BYTES],
                             uint8_t out[FHS_JOURNAL_PLACE_BYTES]);
fhirstore_status fhs_journal_keep_place(const fhs_journal *journal, fhs_conn *conn, fhs_str name,
                                        const fhs_journal_anchor *place, fhirstore_error **err);
/* *found_out false: never written; *genuine_out false: not what this journal wrote. */
fhirstore_status fhs_journal_find_place(const fhs_journal *journal, fhs_conn *conn, fhs_str name,
                                        fhs_journal_anchor *out, bool *found_out, bool *genuine_out,
                                        fhirstore_error **err);

#endif
