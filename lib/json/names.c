/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json_internal.h"

#include "base/mem.h"
#include "base/random.h"
#include "json/scan.h"

static uint64_t sip_rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = sip_rotate(v[1], 13) ^ v[0];
    v[0] = sip_rotate(v[0], 32);
    v[2] += v[3];
    v[3] = sip_rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = sip_rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = sip_rotate(v[1], 17) ^ v[2];
    v[2] = sip_rotate(v[2], 32);
}

/* SipHash with one round a word and three at the end: keyed, and quick on short names. */
static uint64_t hash_member_name(const uint64_t key[2], fhs_str name)
{
    uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d),
                     key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    size_t at = 0;
    uint64_t last = (uint64_t)name.len << 56;
    for (; name.len - at >= 8; at += 8) {
        uint64_t word = load_word(name.ptr + at);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    for (unsigned shift = 0; at < name.len; at++, shift += 8) {
        last |= (uint64_t)(unsigned char)name.ptr[at] << shift;
    }
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xFF;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void fhs_json_names_clear(fhs_json_names *names)
{
    fhs_free(names->slots);
    *names = (fhs_json_names)FHS_JSON_NAMES_INIT;
}

static bool prepare_names(fhs_json_names *names, uint32_t count)
{
    size_t capacity = 64;
    size_t bytes;
    while (capacity / 2 < count) {
        capacity *= 2;
    }
    if (!fhs_size_mul(capacity, sizeof *names->slots, &bytes)) {
        return false;
    }
    /* Clearing is part of the work for each object, so a table is never larger than its object
     * asks. */
    fhs_free(names->slots);
    names->slots = fhs_calloc(1, bytes);
    names->capacity = names->slots == NULL ? 0 : capacity;
    if (!names->has_key) {
        fhs_random_bytes((uint8_t *)names->key, sizeof names->key);
        names->has_key = true;
    }
    return names->slots != NULL;
}

/* The slot that holds @a name, or the free one where it belongs. */
static uint32_t *find_name_slot(const fhs_json_names *names, const fhs_json_member *members,
                                fhs_str name)
{
    size_t at = (size_t)hash_member_name(names->key, name) & (names->capacity - 1);
    while (names->slots[at] != 0 && !fhs_str_eq(members[names->slots[at] - 1].name, name)) {
        at = (at + 1) & (names->capacity - 1);
    }
    return &names->slots[at];
}

bool fhs_json_names_fill(fhs_json_names *names, const fhs_json_member *members, uint32_t count,
                         uint32_t *repeated_out)
{
    *repeated_out = count;
    if (!prepare_names(names, count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *slot = find_name_slot(names, members, members[i].name);
        if (*slot != 0) {
            *repeated_out = i;
            return true;
        }
        *slot = i + 1;
    }
    return true;
}

const fhs_json_member *fhs_json_names_find(const fhs_json_names *names,
                                           const fhs_json_member *members, fhs_str name)
{
    uint32_t index = *find_name_slot(names, members, name);
    return index == 0 ? NULL : &members[index - 1];
}
