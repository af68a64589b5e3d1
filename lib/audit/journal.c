/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, links, seals, and how records are appended. */
#include <string.h>

#include "audit/fields.h"
#include "audit/journal_internal.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/mem.h"
#include "storage/patient.h"

#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG   crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HEAD  24u /* first, count, time */

const fhs_str fhs_journal_head_name = FHS_LIT_INIT("journal_head");
const fhs_str fhs_journal_start_name = FHS_LIT_INIT("journal_start");
const fhs_str fhs_journal_waiting_name = FHS_LIT_INIT("journal_waiting_");

static void derive_secrets(fhs_journal *journal, const uint8_t key[FHS_JOURNAL_KEY_BYTES])
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    fhs_journal_secrets *secrets = journal->secrets;
    (void)crypto_kdf_derive_from_key(secrets->seal, sizeof secrets->seal, 1, "journal ", key);
    (void)crypto_kdf_derive_from_key(secrets->chain, sizeof secrets->chain, 2, "journal ", key);
    (void)crypto_kdf_derive_from_key(seed, sizeof seed, 3, "journal ", key);
    (void)crypto_sign_seed_keypair(journal->public_key, secrets->sign, seed);
    sodium_memzero(seed, sizeof seed);
}

fhirstore_status fhs_journal_new(const fhs_keys *keys, const uint8_t *plain_key, fhs_journal **out,
                                 fhirstore_error **err)
{
    uint8_t key[FHS_JOURNAL_KEY_BYTES];
    fhs_journal *journal = fhs_calloc(1, sizeof *journal);
    *out = NULL;
    if (sodium_init() < 0) {
        fhs_free(journal);
        return fhs_fail(err, FHIRSTORE_ERR_INTERNAL, "libsodium cannot start");
    }
    if (journal != NULL) {
        journal->secrets = sodium_malloc(sizeof *journal->secrets);
    }
    if (journal == NULL || journal->secrets == NULL) {
        fhs_free(journal);
        return fhs_fail_memory(err);
    }
    fhs_buf_init(&journal->sealed, FHS_LIMIT_RESOURCE_BYTES);
    if (keys != NULL) {
        fhs_keys_journal(keys, key);
    } else {
        memcpy(key, plain_key, sizeof key);
    }
    derive_secrets(journal, key);
    sodium_memzero(key, sizeof key);
    (void)sodium_mprotect_readonly(journal->secrets);
    *out = journal;
    return FHIRSTORE_OK;
}

void fhs_journal_free(fhs_journal *journal)
{
    if (journal == NULL) {
        return;
    }
    sodium_free(journal->secrets);
    fhs_buf_clear(&journal->sealed);
    fhs_free(journal);
}

/* ---- links and seals ---- */

static void head_bytes(const fhs_journal_block *block, uint8_t out[HEAD])
{
    fhs_put_le(out, 8, (uint64_t)block->first);
    fhs_put_le(out + 8, 8, (uint64_t)block->count);
    fhs_put_le(out + 16, 8, (uint64_t)block->time_us);
}

void fhs_journal_link(const fhs_journal *journal, const uint8_t before[FHS_JOURNAL_LINK_BYTES],
                      const fhs_journal_block *block, uint8_t out[FHS_JOURNAL_LINK_BYTES])
{
    crypto_generichash_state state;
    uint8_t head[HEAD];
    head_bytes(block, head);
    (void)crypto_generichash_init(&state, journal->secrets->chain, sizeof journal->secrets->chain,
                                  FHS_JOURNAL_LINK_BYTES);
    (void)crypto_generichash_update(&state, before, FHS_JOURNAL_LINK_BYTES);
    (void)crypto_generichash_update(&state, head, sizeof head);
    (void)crypto_generichash_update(&state, (const uint8_t *)block->sealed.ptr, block->sealed.len);
    (void)crypto_generichash_final(&state, out, FHS_JOURNAL_LINK_BYTES);
}

void fhs_journal_first_link(const fhs_journal *journal, uint8_t out[FHS_JOURNAL_LINK_BYTES])
{
    static const uint8_t start[] = "the journal begins";
    (void)crypto_generichash(out, FHS_JOURNAL_LINK_BYTES, start, sizeof start - 1,
                             journal->secrets->chain, sizeof journal->secrets->chain);
}

static fhirstore_status seal_block(fhs_journal *journal, fhs_str records, fhs_journal_block *block,
                                   fhirstore_error **err)
{
    uint8_t head[HEAD];
    fhs_buf *out = &journal->sealed;
    head_bytes(block, head);
    fhs_buf_reset(out);
    if (!fhs_buf_reserve(out, NONCE + TAG + records.len)) {
        return fhs_fail_plain(err, fhs_buf_status(out));
    }
    uint8_t *bytes = (uint8_t *)out->ptr;
    randombytes_buf(bytes, NONCE);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        bytes + NONCE, NULL, (const uint8_t *)records.ptr, records.len, head, sizeof head, NULL,
        bytes, journal->secrets->seal);
    out->len = NONCE + TAG + records.len;
    block->sealed = fhs_buf_str(out);
    return FHIRSTORE_OK;
}

fhirstore_status fhs_journal_open_block(const fhs_journal *journal, const fhs_journal_block *block,
                                        fhs_buf *out, fhirstore_error **err)
{
    uint8_t head[HEAD];
    const uint8_t *bytes = (const uint8_t *)block->sealed.ptr;
    head_bytes(block, head);
    fhs_buf_reset(out);
    if (block->sealed.len < NONCE + TAG) {
        return fhs_fail(err, FHIRSTORE_ERR_TAMPERED, "a block of the journal is cut off");
    }
    size_t len = block->sealed.len - NONCE - TAG;
    if (!fhs_buf_reserve(out, len)) {
        return fhs_fail_plain(err, fhs_buf_status(out));
    }
    if (crypto_aead_xchacha20poly1305_ietf_decrypt((uint8_t *)out->ptr, NULL, NULL, bytes + NONCE,
                                                   block->sealed.len - NONCE, head, sizeof head,
                                                   bytes, journal->secrets->seal) != 0) {
        return fhs_fail(err, FHIRSTORE_ERR_TAMPERED, "a block of the journal was changed");
    }
    out->len = len;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_journal_open_texts(const fhs_journal *journal, fhs_conn *conn,
                                        const fhs_journal_block *block, fhs_buf *out,
                                        fhirstore_error **err)
{
    if (FHS_LIKELY(!fhs_conn_has_patient_keys(conn))) {
        return fhs_journal_open_block(journal, block, out, err);
    }
    fhs_buf sealed = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_journal_open_block(journal, block, &sealed, err);
    fhs_buf_reset(out);
    if (status == FHIRSTORE_OK) {
        status = fhs_fields_open(conn, fhs_buf_str(&sealed), out, err);
    }
    fhs_buf_clear(&sealed);
    return status;
}

/* ---- places ---- */

void fhs_journal_place_bytes(int64_t number, const uint8_t link[FHS_JOURNAL_LINK_BYTES],
                             uint8_t out[FHS_JOURNAL_PLACE_BYTES])
{
    fhs_put_le(out, 8, (uint64_t)number);
    memcpy(out + 8, link, FHS_JOURNAL_LINK_BYTES);
}

static void hash_place(const fhs_journal *journal, fhs_str name, const uint8_t *place,
                       uint8_t out[FHS_JOURNAL_LINK_BYTES])
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, journal->secrets->chain, sizeof journal->secrets->chain,
                                  FHS_JOURNAL_LINK_BYTES);
    (void)crypto_generichash_update(&state, (const uint8_t *)name.ptr, name.len);
    (void)crypto_generichash_update(&state, place, FHS_JOURNAL_PLACE_BYTES);
    (void)crypto_generichash_final(&state, out, FHS_JOURNAL_LINK_BYTES);
}

fhirstore_status fhs_journal_keep_place(const fhs_journal *journal, fhs_conn *conn, fhs_str name,
                                        const fhs_journal_anchor *place, fhirstore_error **err)
{
    uint8_t bytes[FHS_JOURNAL_STORED_BYTES];
    char text[2 * sizeof bytes + 1];
    fhs_journal_place_bytes(place->last, place->link, bytes);
    hash_place(journal, name, bytes, bytes + FHS_JOURNAL_PLACE_BYTES);
    (void)sodium_bin2hex(text, sizeof text, bytes, sizeof bytes);
    return fhs_meta_set(conn, name, fhs_str_of(text, sizeof text - 1), err);
}

fhirstore_status fhs_journal_find_place(const fhs_journal *journal, fhs_conn *conn, fhs_str name,
                                        fhs_journal_anchor *out, bool *found_out, bool *genuine_out,
                                        fhirstore_error **err)
{
    uint8_t bytes[FHS_JOURNAL_STORED_BYTES];
    uint8_t wanted[FHS_JOURNAL_LINK_BYTES];
    size_t len = 0;
    fhs_buf text = FHS_BUF_INIT(4096);
    fhirstore_status status = fhs_meta_get(conn, name, &text, found_out, err);
    *genuine_out = false;
    if (status == FHIRSTORE_OK && *found_out &&
        sodium_hex2bin(bytes, sizeof bytes, text.ptr, text.len, NULL, &len, NULL) == 0 &&
        len == sizeof bytes) {
        hash_place(journal, name, bytes, wanted);
        *genuine_out = sodium_memcmp(wanted, bytes + FHS_JOURNAL_PLACE_BYTES, sizeof wanted) == 0;
        out->last = (int64_t)fhs_get_le(bytes, 8);
        memcpy(out->link, bytes + 8, sizeof out->link);
    }
    fhs_buf_clear(&text);
    return status;
}

/* ---- appending ---- */

/*
 * Where the next block goes: behind the head, whatever the blocks say, so that what was cut off
 * stays visible as a gap. A head that is missing or not ours leaves a gap of one for the same
 * reason.
 */
static fhirstore_status find_end(const fhs_journal *journal, fhs_conn *conn,
                                 fhs_journal_anchor *out, fhirstore_error **err)
{
    fhs_journal_block last = {0};
    uint8_t link[FHS_JOURNAL_LINK_BYTES];
    bool found;
    bool genuine;
    bool has_blocks;
    fhirstore_status status = fhs_journal_find_place(journal, conn, fhs_journal_head_name, out,
                                                     &found, &genuine, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_journal_last(conn, &last, link, &has_blocks, err);
    }
    if (status != FHIRSTORE_OK) {
        return status;
    }
    if (found && genuine) {
        /* What somebody else put behind the head stays where it is, and shows. */
        if (has_blocks && last.first + last.count - 1 > out->last) {
            out->last = last.first + last.count - 1;
        }
        return FHIRSTORE_OK;
    }
    memcpy(out->link, link, sizeof out->link);
    if (!has_blocks) {
        fhs_journal_first_link(journal, out->link);
    }
    out->last = has_blocks || found ? last.first + last.count : 0;
    return status;
}

static fhirstore_status sign_place(const fhs_journal *journal, fhs_conn *conn,
                                   const fhs_journal_anchor *place, fhirstore_error **err)
{
    uint8_t bytes[FHS_JOURNAL_PLACE_BYTES];
    uint8_t signature[crypto_sign_BYTES];
    fhs_journal_place_bytes(place->last, place->link, bytes);
    (void)crypto_sign_detached(signature, NULL, bytes, sizeof bytes, journal->secrets->sign);
    const fhs_journal_mark mark = {
        place->last,
        fhs_str_of((const char *)place->link, sizeof place->link),
        fhs_str_of((const char *)signature, sizeof signature),
    };
    return fhs_journal_add_mark(conn, &mark, err);
}

static fhirstore_status append_records(fhs_journal *journal, fhs_conn *conn, fhs_str records,
                                       int64_t count, int64_t time_us, fhirstore_error **err)
{
    fhs_journal_anchor end;
    fhirstore_status status = find_end(journal, conn, &end, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_journal_block block = {.first = end.last + 1, .count = count, .time_us = time_us};
    status = seal_block(journal, records, &block, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    fhs_journal_link(journal, end.link, &block, end.link);
    block.link = fhs_str_of((const char *)end.link, sizeof end.link);
    status = fhs_journal_add(conn, &block, err);
    bool is_due = end.last / FHS_JOURNAL_MARK_EVERY != (end.last + count) / FHS_JOURNAL_MARK_EVERY;
    end.last += count;
    if (status == FHIRSTORE_OK) {
        status = fhs_journal_keep_place(journal, conn, fhs_journal_head_name, &end, err);
    }
    return status == FHIRSTORE_OK && is_due ? sign_place(journal, conn, &end, err) : status;
}

fhirstore_status fhs_journal_append(fhs_journal *journal, fhs_conn *conn, fhs_str records,
                                    int64_t count, int64_t time_us, fhirstore_error **err)
{
    fhs_buf sealed = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    if (count == 0) {
        return FHIRSTORE_OK;
    }
    if (FHS_LIKELY(!fhs_conn_has_patient_keys(conn))) {
        return append_records(journal, conn, records, count, time_us, err);
    }
    fhirstore_status status = fhs_fields_seal(journal, conn, records, &sealed, err);
    if (status == FHIRSTORE_OK) {
        status = append_records(journal, conn, fhs_buf_str(&sealed), count, time_us, err);
    }
    fhs_buf_clear(&sealed);
    return status;
}

fhirstore_status fhs_journal_set_waiting(fhs_conn *conn, fhs_str owner, int64_t time_us,
                                         fhirstore_error **err)
{
    fhs_buf name = FHS_BUF_INIT(256);
    fhs_buf number = FHS_BUF_INIT(64);
    fhs_buf_add_str(&name, fhs_journal_waiting_name);
    fhs_buf_add_str(&name, owner);
    fhs_buf_add_i64(&number, time_us);
    fhirstore_status status = fhs_buf_status(&name);
    status = status == FHIRSTORE_OK ? fhs_buf_status(&number) : status;
    if (status != FHIRSTORE_OK) {
        (void)fhs_fail_plain(err, status);
    } else if (time_us == 0) {
        status = fhs_meta_remove(conn, fhs_buf_str(&name), err);
    } else {
        status = fhs_meta_set(conn, fhs_buf_str(&name), fhs_buf_str(&number), err);
    }
    fhs_buf_clear(&name);
    fhs_buf_clear(&number);
    return status;
}

fhirstore_status fhs_journal_get_anchor(fhs_conn *conn, fhs_journal_anchor *out,
                                        fhirstore_error **err)
{
    fhs_journal_block last = {0};
    bool found;
    *out = (fhs_journal_anchor){0};
    fhirstore_status status = fhs_journal_last(conn, &last, out->link, &found, err);
    out->last = found ? last.first + last.count - 1 : 0;
    return status;
}

/* ---- retention ---- */

typedef struct cut {
    int64_t first;
    fhs_journal_anchor before; /* the last block that goes */
} cut;

static fhirstore_status find_cut(void *ctx, const fhs_journal_block *block)
{
    cut *found = ctx;
    if (block->first + block->count > found->first || block->link.len != FHS_JOURNAL_LINK_BYTES) {
        return FHIRSTORE_DONE;
    }
    found->before.last = block->first + block->count - 1;
    memcpy(found->before.link, block->link.ptr, FHS_JOURNAL_LINK_BYTES);
    return FHIRSTORE_OK;
}

fhirstore_status fhs_journal_retain(fhs_journal *journal, fhs_conn *conn, int64_t first,
                                    fhirstore_error **err)
{
    cut found = {.first = first};
    fhirstore_status status = fhs_journal_each(conn, 0, find_cut, &found, err);
    if (status != FHIRSTORE_OK || found.before.last == 0) {
        return status;
    }
    status = fhs_journal_keep_place(journal, conn, fhs_journal_start_name, &found.before, err);
    return status == FHIRSTORE_OK ? fhs_journal_drop(conn, found.before.last + 1, err) : status;
}
