/* SPDX-License-Identifier: Apache-2.0 */
/* The whole state of a store as a few digests. */
#include <sodium.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "storage/storage_internal.h"
#include "vfs/vfs_internal.h"

enum {
    KEY_BYTES = 32,
    KEYS = 64
};

void script_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)printf("Bail out! ");
    (void)vprintf(format, args);
    (void)printf("\n");
    va_end(args);
    exit(1);
}

static int64_t tell_time(void *ctx)
{
    (void)ctx;
    disk_clock_us += 1000;
    return disk_clock_us;
}

fhirstore_open_options script_options(int key)
{
    static uint8_t keys[KEYS][KEY_BYTES];
    fhirstore_open_options options = FHIRSTORE_OPEN_OPTIONS_INIT;
    if (key >= KEYS) {
        script_die("too many keys");
    }
    keys[key][0] = (uint8_t)(key + 1);
    keys[key][1] = 0x5A;
    options.flags = key == 0 ? FHIRSTORE_OPEN_PLAINTEXT : 0;
    options.key = key == 0 ? NULL : keys[key];
    options.key_len = key == 0 ? 0 : KEY_BYTES;
    options.clock = tell_time;
    options.cache_bytes = 128 * 1024; /* larger transactions spill into the log */
    options.wal_bytes = 400000;
    options.journal = FHIRSTORE_JOURNAL_OFF;
    return options;
}

/* Every page, through the pager: from the log where it has it. */
static bool look_at_pages(fhs_storage *storage, uint8_t out[STATE_DIGEST_BYTES])
{
    sqlite3_int64 size = 0;
    unsigned char *image = sqlite3_serialize(storage->writer->db, "main", &size, 0);
    if (image == NULL) {
        return false;
    }
    (void)crypto_generichash(out, STATE_DIGEST_BYTES, image, (unsigned long long)size, NULL, 0);
    sqlite3_free(image);
    return true;
}

static void look_at_slots(fhs_storage *storage, uint8_t out[STATE_DIGEST_BYTES])
{
    crypto_generichash_state digest;
    fhs_key_slot slot;
    (void)crypto_generichash_init(&digest, NULL, 0, STATE_DIGEST_BYTES);
    for (uint32_t i = 0; storage->vfs != NULL && fhs_vfs_slot_get(storage->vfs, i, &slot); i++) {
        (void)crypto_generichash_update(&digest, (const uint8_t *)&slot.id, sizeof slot.id);
        (void)crypto_generichash_update(&digest, (const uint8_t *)&slot.type, sizeof slot.type);
        (void)crypto_generichash_update(&digest, (const uint8_t *)slot.label, sizeof slot.label);
    }
    if (storage->vfs != NULL) {
        const uint8_t now[2] = {storage->vfs->key_set->epoch, storage->vfs->key_set->old_epoch};
        (void)crypto_generichash_update(&digest, storage->vfs->uuid, sizeof storage->vfs->uuid);
        (void)crypto_generichash_update(&digest, now, sizeof now);
    }
    (void)crypto_generichash_final(&digest, out, STATE_DIGEST_BYTES);
}

bool script_look(fhirstore *store, int key, store_state *out)
{
    memset(out, 0, sizeof *out);
    out->key = key;
    look_at_slots(script_storage_of(store), out->slots);
    return look_at_pages(script_storage_of(store), out->image);
}

bool script_same(const store_state *one, const store_state *other)
{
    return one->key == other->key && memcmp(one->image, other->image, sizeof one->image) == 0 &&
           memcmp(one->slots, other->slots, sizeof one->slots) == 0;
}

typedef struct finding {
    char *out;
    size_t size;
    int64_t count;
    bool header_was_written;
} finding;

/*
 * Frames that were on their way when the power failed lie behind the log's end, some bad, some not.
 * A header copy that was on its way is mended at the opening where a log tells of the crash;
 * without one it is for verify to tell, and the next change of the header writes it.
 */
static bool is_from_a_crash(const finding *found, const fhs_vfs_damage *damage)
{
    if (damage->place == FHS_VFS_HEADER) {
        return found->header_was_written;
    }
    return damage->flaw == FHS_VFS_TORN_TAIL || damage->flaw == FHS_VFS_LOST_TAIL ||
           damage->flaw == FHS_VFS_SUPERSEDED;
}

static fhirstore_status take_damage(void *ctx, const fhs_vfs_damage *damage, uint64_t done,
                                    uint64_t total)
{
    finding *found = ctx;
    (void)done;
    (void)total;
    if (damage != NULL && !is_from_a_crash(found, damage)) {
        fhs_vfs_describe(damage, found->out, found->size);
        found->count++;
    }
    return FHIRSTORE_OK;
}

bool script_pages_are_sound(fhirstore *store, bool header_was_written, char *out, size_t size)
{
    fhs_vfs *vfs = script_storage_of(store)->vfs;
    finding found = {out, size, 0, header_was_written};
    fhs_vfs_verified result = {0};
    if (vfs == NULL) {
        return true;
    }
    (void)snprintf(out, size, "cannot be verified");
    return fhs_vfs_verify_pages(vfs, take_damage, &found, &result, NULL) == FHIRSTORE_OK &&
           found.count == 0;
}

static void take_finding(void *ctx, const char *area, const char *text)
{
    const finding *found = ctx;
    if (strcmp(area, "notice") != 0) {
        (void)snprintf(found->out, found->size, "%s: %s", area, text);
    }
}

bool script_is_sound(fhirstore *store, char *out, size_t size)
{
    finding found = {out, size, 0, false};
    int64_t findings = -1;
    (void)snprintf(out, size, "cannot be verified");
    return fhirstore_verify(store, take_finding, &found, &findings, NULL) == FHIRSTORE_OK &&
           findings == 0;
}
