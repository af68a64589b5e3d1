/* SPDX-License-Identifier: Apache-2.0 */
#include "disk.h"

#include <stdlib.h>
#include <string.h>

static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

uint64_t disk_throw(uint64_t *dice)
{
    uint64_t z = (*dice += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint32_t disk_throw_below(uint64_t *dice, uint32_t below)
{
    return (uint32_t)((disk_throw(dice) >> 32) * below >> 32);
}

/* ---- files ---- */

disk *disk_new(void)
{
    return must(calloc(1, sizeof(disk)));
}

static void free_file(disk_file *file)
{
    for (size_t i = 0; i < DISK_REGIONS; i++) {
        free(file->regions[i]);
    }
    if (!file->is_borrowed) {
        free(file->bytes);
    }
    free(file);
}

void disk_free(disk *d)
{
    if (d == NULL) {
        return;
    }
    for (uint32_t i = 0; i < d->file_count; i++) {
        if (d->files[i] != NULL) {
            free_file(d->files[i]);
        }
    }
    for (size_t i = 0; i < d->op_count; i++) {
        free(d->ops[i].bytes);
    }
    free(d->ops);
    free(d);
}

disk_file *disk_create_as(disk *d, uint32_t id)
{
    if (id >= DISK_FILES_MAX) {
        abort();
    }
    disk_file *file = must(calloc(1, sizeof *file));
    file->id = id;
    d->files[id] = file;
    d->file_count = d->file_count > id ? d->file_count : id + 1;
    return file;
}

void disk_hold(disk_file *file)
{
    file->uses++;
}

void disk_release(disk *d, disk_file *file)
{
    file->uses--;
    if (file->uses == 0) {
        if (!file->is_quiet) {
            d->files[file->id] = NULL;
        }
        free_file(file);
    }
}

/* The bytes up to @a size are this file's own and may be changed; new ones are zeros. */
static void own_bytes(disk_file *file, size_t size)
{
    if (!file->is_borrowed && size <= file->room) {
        return;
    }
    size_t room = file->room < 4096 ? 4096 : file->room;
    while (room < size) {
        room *= 2;
    }
    uint8_t *larger = must(malloc(room));
    if (file->size > 0) {
        memcpy(larger, file->bytes, file->size);
    }
    memset(larger + file->size, 0, room - file->size);
    if (!file->is_borrowed) {
        free(file->bytes);
    }
    file->bytes = larger;
    file->room = room;
    file->is_borrowed = false;
}

static void put_bytes(disk_file *file, const uint8_t *bytes, size_t len, uint64_t offset)
{
    size_t end = (size_t)offset + len;
    own_bytes(file, end);
    memcpy(file->bytes + offset, bytes, len);
    file->size = end > file->size ? end : file->size;
}

static void set_size(disk_file *file, size_t size)
{
    own_bytes(file, size);
    if (size < file->size) {
        memset(file->bytes + size, 0, file->size - size);
    }
    file->size = size;
}

/* ---- names ---- */

static disk_name *name_of(disk *d, const char *name)
{
    for (uint32_t i = 0; i < d->name_count; i++) {
        if (strcmp(d->names[i].text, name) == 0) {
            return &d->names[i];
        }
    }
    return NULL;
}

disk_file *disk_find(const disk *d, const char *name)
{
    for (uint32_t i = 0; i < d->name_count; i++) {
        if (strcmp(d->names[i].text, name) == 0) {
            return d->names[i].file;
        }
    }
    return NULL;
}

static void put_name(disk *d, const char *name, disk_file *file)
{
    if (d->name_count == DISK_NAMES_MAX || strlen(name) >= DISK_NAME_BYTES) {
        abort();
    }
    disk_name *entry = &d->names[d->name_count++];
    strcpy(entry->text, name);
    entry->file = file;
    disk_hold(file);
}

static void take_name(disk *d, disk_name *entry)
{
    disk_file *file = entry->file;
    *entry = d->names[--d->name_count];
    disk_release(d, file);
}

/* ---- the log ---- */

static disk_op *log_op(disk *d, disk_kind kind, const disk_file *file)
{
    static disk_op nowhere;
    if (!d->is_recording || (file != NULL && file->is_quiet)) {
        return &nowhere;
    }
    if (d->op_count == d->op_room) {
        d->op_room = d->op_room == 0 ? 1024 : d->op_room * 2;
        d->ops = must(realloc(d->ops, d->op_room * sizeof *d->ops));
    }
    disk_op *op = &d->ops[d->op_count++];
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->file = file == NULL ? 0 : file->id;
    return op;
}

void disk_give_name(disk *d, disk_file *file, const char *name)
{
    put_name(d, name, file);
    strcpy(log_op(d, DISK_NAME, file)->name, name);
}

disk_file *disk_create(disk *d, const char *name)
{
    if (name == NULL) {
        disk_file *quiet = must(calloc(1, sizeof *quiet));
        quiet->is_quiet = true;
        return quiet;
    }
    disk_file *file = disk_create_as(d, d->file_count);
    disk_give_name(d, file, name);
    return file;
}

void disk_write(disk *d, disk_file *file, const void *bytes, size_t len, uint64_t offset)
{
    put_bytes(file, bytes, len, offset);
    if (d->is_recording && !file->is_quiet) {
        disk_op *op = log_op(d, DISK_WRITE, file);
        op->offset = offset;
        op->len = (uint32_t)len;
        op->bytes = must(malloc(len));
        memcpy(op->bytes, bytes, len);
    }
}

void disk_truncate(disk *d, disk_file *file, uint64_t size)
{
    set_size(file, (size_t)size);
    log_op(d, DISK_TRUNCATE, file)->offset = size;
}

void disk_sync(disk *d, disk_file *file)
{
    (void)log_op(d, DISK_SYNC, file);
}

void disk_sync_folder(disk *d)
{
    (void)log_op(d, DISK_SYNC_FOLDER, NULL);
}

bool disk_link(disk *d, const char *name, const char *to)
{
    disk_file *file = disk_find(d, name);
    if (file == NULL || disk_find(d, to) != NULL) {
        return false;
    }
    disk_give_name(d, file, to);
    return true;
}

bool disk_unlink(disk *d, const char *name)
{
    disk_name *entry = name_of(d, name);
    if (entry == NULL) {
        return false;
    }
    strcpy(log_op(d, DISK_UNNAME, entry->file)->name, name);
    take_name(d, entry);
    return true;
}

static bool change_name(disk *d, const char *name, const char *to)
{
    disk_name *entry = name_of(d, name);
    disk_name *gone = name_of(d, to);
    if (entry == NULL) {
        return false;
    }
    disk_file *file = entry->file;
    disk_hold(file);
    if (gone != NULL) {
        take_name(d, gone);
    }
    take_name(d, name_of(d, name));
    put_name(d, to, file);
    disk_release(d, file);
    return true;
}

bool disk_rename(disk *d, const char *name, const char *to)
{
    if (!change_name(d, name, to)) {
        return false;
    }
    disk_op *op = log_op(d, DISK_RENAME, disk_find(d, to));
    strcpy(op->name, name);
    strcpy(op->to, to);
    return true;
}

void disk_mark(disk *d, int64_t number)
{
    log_op(d, DISK_MARK, NULL)->number = number;
}
