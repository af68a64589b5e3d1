/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/block.h"

/* What a record begins with: the form of what follows. */
#define RECORD_FORM 1u
#define NUMBERS     9u
#define TEXTS       7u

/* Seven bits a byte, the lowest first. */
static void add_varint(fhs_buf *block, uint64_t value)
{
    while (value >= 128) {
        fhs_buf_add_char(block, (char)(unsigned char)(value | 128));
        value >>= 7;
    }
    fhs_buf_add_char(block, (char)(unsigned char)value);
}

static bool take_varint(fhs_str *rest, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; rest->len > 0 && shift < 64; shift += 7) {
        unsigned char byte = (unsigned char)rest->ptr[0];
        *rest = fhs_str_of(rest->ptr + 1, rest->len - 1);
        *out |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            return true;
        }
    }
    return false;
}

/* Small numbers of either sign become small ones without. */
static uint64_t fold_sign(int64_t value)
{
    return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static int64_t unfold_sign(uint64_t value)
{
    return (int64_t)((value >> 1) ^ ((value & 1) != 0 ? UINT64_MAX : 0));
}

fhirstore_status fhs_block_add(fhs_buf *block, const fhs_audit_event *event)
{
    const int64_t numbers[NUMBERS] = {
        event->action,      event->outcome,        event->time_us,
        event->duration_us, event->version_before, event->version_after,
        event->count,       event->total,          (int64_t)event->entry,
    };
    const fhs_str texts[TEXTS] = {
        event->principal, event->purpose, event->request_id, event->type,
        event->id,        event->query,   event->patients,
    };
    const size_t before = block->len;
    fhs_buf_add_char(block, (char)RECORD_FORM);
    for (size_t i = 0; i < NUMBERS; i++) {
        add_varint(block, fold_sign(numbers[i]));
    }
    for (size_t i = 0; i < TEXTS; i++) {
        add_varint(block, texts[i].len);
        fhs_buf_add_str(block, texts[i]);
    }
    fhirstore_status status = fhs_buf_status(block);
    if (status != FHIRSTORE_OK) {
        block->len = before;
        block->failed = FHIRSTORE_OK;
    }
    return status;
}

static bool take_numbers(fhs_str *rest, int64_t numbers[NUMBERS])
{
    for (size_t i = 0; i < NUMBERS; i++) {
        uint64_t value;
        if (!take_varint(rest, &value)) {
            return false;
        }
        numbers[i] = unfold_sign(value);
    }
    return true;
}

static bool take_texts(fhs_str *rest, fhs_str texts[TEXTS])
{
    for (size_t i = 0; i < TEXTS; i++) {
        uint64_t len;
        if (!take_varint(rest, &len) || len > rest->len) {
            return false;
        }
        texts[i] = fhs_str_of(rest->ptr, (size_t)len);
        *rest = fhs_str_of(rest->ptr + len, rest->len - (size_t)len);
    }
    return true;
}

bool fhs_block_next(fhs_str *rest, fhs_audit_event *event)
{
    int64_t numbers[NUMBERS];
    fhs_str texts[TEXTS];
    if (rest->len == 0 || rest->ptr[0] != (char)RECORD_FORM) {
        return false;
    }
    *rest = fhs_str_of(rest->ptr + 1, rest->len - 1);
    if (!take_numbers(rest, numbers) || !take_texts(rest, texts)) {
        return false;
    }
    *event = (fhs_audit_event){
        .action = (int32_t)numbers[0],
        .outcome = (fhirstore_status)numbers[1],
        .time_us = numbers[2],
        .duration_us = numbers[3],
        .version_before = numbers[4],
        .version_after = numbers[5],
        .count = numbers[6],
        .total = numbers[7],
        .entry = (uint32_t)numbers[8],
        .principal = texts[0],
        .purpose = texts[1],
        .request_id = texts[2],
        .type = texts[3],
        .id = texts[4],
        .query = texts[5],
        .patients = texts[6],
    };
    return true;
}
