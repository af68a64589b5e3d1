/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words in the index against those of the resources. Both are added up, a hash for each word at
 * its place, so that neither the order nor the number of them matters.
 */
#include "base/limits.h"
#include "base/words.h"
#include "index/fulltext.h"
#include "storage/fulltext.h"

typedef struct word_sum {
    uint64_t sum;
    uint64_t count;
} word_sum;

typedef struct text_check {
    fhs_conn *conn;
    int64_t seq; /* at which the index stands */
    word_sum expected;
    fhs_words words;
    fhs_arena arena;
    fhs_buf body;
    fhirstore_error **err;
} text_check;

#define FNV_START UINT64_C(0xCBF29CE484222325)
#define FNV_PRIME UINT64_C(0x100000001B3)

static uint64_t mix_number(uint64_t hash, uint64_t number)
{
    for (unsigned i = 0; i < 8; i++) {
        hash = (hash ^ ((number >> (8 * i)) & 0xFF)) * FNV_PRIME;
    }
    return hash;
}

static void sum_word(word_sum *sum, fhs_str word, fhs_entity entity, bool is_narrative,
                     int64_t place)
{
    uint64_t hash = FNV_START;
    for (size_t i = 0; i < word.len; i++) {
        hash = (hash ^ (unsigned char)word.ptr[i]) * FNV_PRIME;
    }
    hash = mix_number(hash, (uint64_t)entity);
    hash = mix_number(hash, (uint64_t)place * 2 + (is_narrative ? 1 : 0));
    sum->sum += hash;
    sum->count++;
}

static void sum_text(word_sum *sum, fhs_str words, fhs_entity entity, bool is_narrative)
{
    fhs_str word;
    for (int64_t place = 0; fhs_words_next(&words, &word); place++) {
        sum_word(sum, word, entity, is_narrative, place);
    }
}

/* The body as it was when the index was written; *found_out false: there was none. */
static fhirstore_status body_of_time(text_check *check, fhs_entity entity, int64_t seq,
                                     bool *found_out)
{
    fhs_version version;
    fhs_buf_reset(&check->body);
    if (seq > check->seq) {
        return fhs_fulltext_body_at(check->conn, entity, check->seq, &check->body, found_out,
                                    check->err);
    }
    fhirstore_status status = fhs_resource_read_entity(check->conn, entity, &version, check->err);
    *found_out = status == FHIRSTORE_OK && !version.is_deleted;
    if (*found_out) {
        fhs_buf_add_str(&check->body, version.body);
        status = fhs_buf_status(&check->body);
        status = status == FHIRSTORE_OK ? status : fhs_fail_plain(check->err, status);
    }
    return status;
}

static fhirstore_status expect_resource(void *ctx, fhs_entity entity, int64_t seq)
{
    text_check *check = ctx;
    const fhs_json *root;
    bool found;
    fhs_arena_reset(&check->arena);
    fhirstore_status status = body_of_time(check, entity, seq, &found);
    if (status != FHIRSTORE_OK || !found) {
        return status;
    }
    status = fhs_json_read(&check->arena, fhs_buf_str(&check->body), NULL, &root, check->err);
    if (status == FHIRSTORE_OK) {
        status = fhs_words_take(&check->words, root, check->err);
    }
    if (status == FHIRSTORE_OK) {
        sum_text(&check->expected, fhs_buf_str(&check->words.narrative), entity, true);
        sum_text(&check->expected, fhs_buf_str(&check->words.content), entity, false);
    }
    return status;
}

static fhirstore_status meet_word(void *ctx, fhs_str word, fhs_entity entity, bool is_narrative,
                                  int64_t place)
{
    sum_word(ctx, word, entity, is_narrative, place);
    return FHIRSTORE_OK;
}

fhirstore_status fhs_fulltext_verify(fhs_conn *conn, bool *sound_out, fhirstore_error **err)
{
    text_check check = {.conn = conn, .err = err};
    word_sum held = {0, 0};
    bool usable;
    fhirstore_status status = fhs_fulltext_stands(conn, &check.seq, &usable, err);
    *sound_out = true;
    if (status != FHIRSTORE_OK || !usable) {
        return status;
    }
    fhs_words_init(&check.words);
    fhs_arena_init(&check.arena, (size_t)4 * FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_init(&check.body, FHS_LIMIT_RESOURCE_BYTES);
    status = fhs_fulltext_each_resource(conn, expect_resource, &check, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_fulltext_each_word(conn, meet_word, &held, err);
    }
    *sound_out = held.sum == check.expected.sum && held.count == check.expected.count;
    fhs_buf_clear(&check.body);
    fhs_arena_clear(&check.arena);
    fhs_words_clear(&check.words);
    return status;
}
