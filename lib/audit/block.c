/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/block.h"

#include <string.h>

/* What a record begins with: the form of what follows, which says how much there is of it. */
#define RECORD_FORM 2u
#define NUMBERS     10u
#define TEXTS       9u
/* The same, with sealed texts in it. */
#define SEALED_FORM 3u
/* Records of the first form end earlier. */
#define OLD_FORM    1u
#define OLD_NUMBERS 9u
#define OLD_TEXTS   7u

#define VARINT_MAX 10u

/* Seven bits a byte, the lowest first. Returns where the next one goes. */
static char *put_varint(char *at, uint64_t value)
{
    while (value >= 128) {
        *at++ = (char)(unsigned char)(value | 128);
        value >>= 7;
    }
    *at++ = (char)(unsigned char)value;
    return at;
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

bool fhs_block_is_sealed(fhs_str block)
{
    return block.len > 0 && block.ptr[0] == (char)SEALED_FORM;
}

static fhirstore_status add_record(fhs_buf *block, const fhs_audit_event *event, unsigned form)
{
    const int64_t numbers[NUMBERS] = {
        event->action,         event->outcome,        event->time_us, event->duration_us,
        event->version_before, event->version_after,  event->count,   event->total,
        (int64_t)event->entry, (int64_t)event->flags,
    };
    const fhs_str texts[TEXTS] = {
        event->principal, event->purpose,  event->request_id, event->type,        event->id,
        event->query,     event->patients, event->resources,  event->restriction,
    };
    /* The room is asked for once: a record is many small pieces. */
    size_t most = 1 + (NUMBERS + TEXTS) * VARINT_MAX;
    for (size_t i = 0; i < TEXTS; i++) {
        most += texts[i].len;
    }
    if (!fhs_buf_reserve(block, most)) {
        fhirstore_status status = fhs_buf_status(block);
        block->failed = FHIRSTORE_OK;
        return status;
    }
    char *at = block->ptr + block->len;
    *at++ = (char)form;
    for (size_t i = 0; i < NUMBERS; i++) {
        at = put_varint(at, fold_sign(numbers[i]));
    }
    for (size_t i = 0; i < TEXTS; i++) {
        at = put_varint(at, texts[i].len);
        if (texts[i].len > 0) {
            memcpy(at, texts[i].ptr, texts[i].len);
            at += texts[i].len;
        }
    }
    block->len = (size_t)(at - block->ptr);
    return FHIRSTORE_OK;
}

fhirstore_status fhs_block_add(fhs_buf *block, const fhs_audit_event *event)
{
    return add_record(block, event, RECORD_FORM);
}

fhirstore_status fhs_block_add_sealed(fhs_buf *block, const fhs_audit_event *event, bool is_sealed)
{
    return add_record(block, event, is_sealed ? SEALED_FORM : RECORD_FORM);
}

static bool take_numbers(fhs_str *rest, int64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value;
        if (!take_varint(rest, &value)) {
            return false;
        }
        numbers[i] = unfold_sign(value);
    }
    return true;
}

static bool take_texts(fhs_str *rest, fhs_str *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
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
    int64_t numbers[NUMBERS] = {0};
    fhs_str texts[TEXTS] = {{NULL, 0}};
    if (rest->len == 0 || (rest->ptr[0] != (char)RECORD_FORM && rest->ptr[0] != (char)OLD_FORM &&
                           rest->ptr[0] != (char)SEALED_FORM)) {
        return false;
    }
    const bool is_old = rest->ptr[0] == (char)OLD_FORM;
    *rest = fhs_str_of(rest->ptr + 1, rest->len - 1);
    if (!take_numbers(rest, numbers, is_old ? OLD_NUMBERS : NUMBERS) ||
        !take_texts(rest, texts, is_old ? OLD_TEXTS : TEXTS)) {
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
        .flags = (uint32_t)numbers[9],
        .principal = texts[0],
        .purpose = texts[1],
        .request_id = texts[2],
        .type = texts[3],
        .id = texts[4],
        .query = texts[5],
        .patients = texts[6],
        .resources = texts[7],
        .restriction = texts[8],
    };
    return true;
}
