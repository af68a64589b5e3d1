/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a power failure leaves. The rules are those of a file system with a journal on a disk whose
 * sectors are written as a whole or not at all:
 *
 *     what was written to a file before its last sync is there;
 *     of what came later each sector is as it was at some moment since, sectors in any order;
 *     a file is cut at once or not at all, and later writes beyond the cut come after it;
 *     names change in their order, those before the last sync of the folder have.
 */
#include "disk.h"

#include <stdlib.h>
#include <string.h>

const char *const disk_harm_names[HARM_COUNT] = {"none",    "all",   "order",  "writes",
                                                 "sectors", "zeros", "garbage"};

static void *need(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static bool is_of_names(const disk_op *op)
{
    return op->kind == DISK_NAME || op->kind == DISK_UNNAME || op->kind == DISK_RENAME;
}

static bool is_of_bytes(const disk_op *op)
{
    return op->kind == DISK_WRITE || op->kind == DISK_TRUNCATE;
}

/* ---- names and whole operations, applied to a disk that keeps the recorded one's file numbers
 * ---- */

static disk_file *file_of(disk *d, uint32_t id)
{
    return d->files[id] != NULL ? d->files[id] : disk_create_as(d, id);
}

static void apply_name(disk *d, const disk_op *op)
{
    if (op->kind == DISK_NAME) {
        disk_give_name(d, file_of(d, op->file), op->name);
    } else if (op->kind == DISK_UNNAME) {
        (void)disk_unlink(d, op->name);
    } else {
        (void)disk_rename(d, op->name, op->to);
    }
}

static void apply_bytes(disk *d, const disk_op *op)
{
    disk_file *file = file_of(d, op->file);
    if (op->kind == DISK_WRITE) {
        disk_write(d, file, op->bytes, op->len, op->offset);
    } else {
        disk_truncate(d, file, op->offset);
    }
}

disk *disk_borrow(const disk *from)
{
    disk *d = disk_new();
    d->file_count = from->file_count;
    for (uint32_t i = 0; i < from->file_count; i++) {
        const disk_file *file = from->files[i];
        if (file != NULL) {
            disk_file *copy = file_of(d, i);
            copy->bytes = file->bytes;
            copy->size = file->size;
            copy->room = file->room;
            copy->is_borrowed = true;
            copy->uses = 1; /* stays without a name, too: a pending change may give it one */
        }
    }
    for (uint32_t i = 0; i < from->name_count; i++) {
        d->names[i] = from->names[i];
        d->names[i].file = d->files[from->names[i].file->id];
        disk_hold(d->names[i].file);
    }
    d->name_count = from->name_count;
    return d;
}

/* ---- walking ---- */

disk_walk *disk_walk_new(const disk *recorded, const disk *base)
{
    disk_walk *walk = need(calloc(1, sizeof *walk));
    walk->recorded = recorded;
    walk->durable = base == NULL ? disk_new() : disk_borrow(base);
    walk->pending = need(calloc(recorded->op_count + 1, sizeof *walk->pending));
    return walk;
}

void disk_walk_free(disk_walk *walk)
{
    if (walk != NULL) {
        disk_free(walk->durable);
        free(walk->pending);
        free(walk);
    }
}

/* Once all names are certain, a file that has none is gone, and what was written to it. */
static void forget_nameless(disk_walk *walk)
{
    size_t kept = 0;
    for (size_t i = 0; i < walk->pending_count; i++) {
        const disk_op *op = &walk->recorded->ops[walk->pending[i]];
        if (walk->durable->files[op->file] != NULL) {
            walk->pending[kept++] = walk->pending[i];
        }
    }
    walk->pending_count = kept;
}

/* What a sync makes certain leaves the list. */
static void settle(disk_walk *walk, const disk_op *sync)
{
    size_t kept = 0;
    for (size_t i = 0; i < walk->pending_count; i++) {
        const disk_op *op = &walk->recorded->ops[walk->pending[i]];
        if (sync->kind == DISK_SYNC_FOLDER && is_of_names(op)) {
            apply_name(walk->durable, op);
        } else if (sync->kind == DISK_SYNC && is_of_bytes(op) && op->file == sync->file) {
            apply_bytes(walk->durable, op);
        } else {
            walk->pending[kept++] = walk->pending[i];
        }
    }
    walk->pending_count = kept;
    if (sync->kind == DISK_SYNC_FOLDER) {
        forget_nameless(walk);
    }
}

void disk_walk_to(disk_walk *walk, size_t at)
{
    for (; walk->at < at && walk->at < walk->recorded->op_count; walk->at++) {
        const disk_op *op = &walk->recorded->ops[walk->at];
        if (is_of_names(op) || is_of_bytes(op)) {
            walk->pending[walk->pending_count++] = walk->at;
        } else if (op->kind != DISK_MARK) {
            settle(walk, op);
        }
    }
}

/* ---- damage ---- */

typedef struct damage {
    const disk_walk *walk;
    disk *out;
    disk_harm harm;
    uint32_t sector;
    uint64_t *dice;
    size_t moment;    /* HARM_ORDER: the first op that is not there; the one before may be torn */
    uint32_t keeping; /* of 256: how likely something is there */
    size_t *last;     /* by sector of the file at hand: 1 + the last op that reached it */
    uint64_t grown;   /* from here on the file at hand has blocks that were never synced */
    size_t sectors;
} damage;

static bool happens(damage *work)
{
    return disk_throw_below(work->dice, 256) < work->keeping;
}

/* May this op have reached the disk, as far as it is judged as a whole? */
static bool keeps_op(damage *work, size_t index)
{
    switch (work->harm) {
    case HARM_NONE:
        return true;
    case HARM_ALL:
        return false;
    case HARM_ORDER:
        return index < work->moment;
    default:
        return happens(work);
    }
}

static bool keeps_sector(damage *work, size_t index, bool whole)
{
    if (work->harm == HARM_ORDER && index + 1 == work->moment) {
        return disk_throw_below(work->dice, 2) == 0;
    }
    return work->harm >= HARM_SECTORS ? happens(work) : whole;
}

/* Names change in their order: those up to some one have. */
static void decide_names(damage *work)
{
    bool still = true;
    for (size_t i = 0; i < work->walk->pending_count && still; i++) {
        const disk_op *op = &work->walk->recorded->ops[work->walk->pending[i]];
        if (is_of_names(op)) {
            still = keeps_op(work, i);
            if (still) {
                apply_name(work->out, op);
            }
        }
    }
}

/*
 * For one file: how many of its cuts have happened, and for each sector which op was the last to
 * reach it. A write beyond a cut that has not happened has not either.
 */
static size_t decide_sectors(damage *work, uint32_t file)
{
    const disk_walk *walk = work->walk;
    size_t end = SIZE_MAX; /* the first cut that did not happen */
    uint64_t beyond = UINT64_MAX;
    memset(work->last, 0, work->sectors * sizeof *work->last);
    for (size_t i = 0; i < walk->pending_count; i++) {
        const disk_op *op = &walk->recorded->ops[walk->pending[i]];
        if (op->file != file || !is_of_bytes(op)) {
            continue;
        }
        bool whole = keeps_op(work, i);
        if (op->kind == DISK_TRUNCATE) {
            if (end == SIZE_MAX && !whole) {
                end = i;
            }
            beyond = end == SIZE_MAX || op->offset > beyond ? beyond : op->offset;
            continue;
        }
        uint64_t first = op->offset / work->sector;
        uint64_t last = (op->offset + op->len - 1) / work->sector;
        for (uint64_t s = first; s <= last; s++) {
            bool is_cut_off = beyond != UINT64_MAX && (s + 1) * work->sector > beyond;
            if (!is_cut_off && keeps_sector(work, i, whole)) {
                work->last[s] = i + 1;
            }
        }
    }
    return end;
}

static void fill_with_garbage(damage *work, disk_file *file, uint64_t from, uint64_t to)
{
    uint8_t noise[4096];
    for (uint64_t at = from; at < to; at++) {
        noise[at - from] = (uint8_t)disk_throw(work->dice);
    }
    disk_write(work->out, file, noise, (size_t)(to - from), from);
}

/* The parts of one write, sector by sector, as decided. */
static void write_parts(damage *work, disk_file *file, const disk_op *op, size_t index)
{
    uint64_t end = op->offset + op->len;
    for (uint64_t at = op->offset; at < end;) {
        uint64_t s = at / work->sector;
        uint64_t stop = (s + 1) * work->sector < end ? (s + 1) * work->sector : end;
        if (work->last[s] > index) {
            disk_write(work->out, file, op->bytes + (at - op->offset), (size_t)(stop - at), at);
        } else if (work->harm == HARM_GARBAGE && work->last[s] == 0 && at >= work->grown &&
                   disk_throw_below(work->dice, 2) == 0) {
            fill_with_garbage(work, file, at, stop);
        }
        at = stop;
    }
    if (work->harm == HARM_ZEROS && end > file->size) {
        disk_truncate(work->out, file, end);
    }
}

static void harm_file(damage *work, uint32_t id)
{
    const disk_walk *walk = work->walk;
    disk_file *file = file_of(work->out, id);
    uint64_t largest = 0;
    work->grown = file->size;
    for (size_t i = 0; i < walk->pending_count; i++) {
        const disk_op *op = &walk->recorded->ops[walk->pending[i]];
        if (op->file == id && op->kind == DISK_WRITE && op->offset + op->len > largest) {
            largest = op->offset + op->len;
        }
    }
    work->sectors = (size_t)(largest / work->sector) + 2;
    work->last = need(calloc(work->sectors, sizeof *work->last));
    size_t end = decide_sectors(work, id);
    for (size_t i = 0; i < walk->pending_count; i++) {
        const disk_op *op = &walk->recorded->ops[walk->pending[i]];
        if (op->file != id || !is_of_bytes(op)) {
            continue;
        }
        if (op->kind == DISK_WRITE) {
            write_parts(work, file, op, i);
        } else if (i < end) {
            disk_truncate(work->out, file, op->offset);
        }
    }
    free(work->last);
}

disk *disk_crash(const disk_walk *walk, disk_harm harm, uint32_t sector, uint64_t *dice)
{
    static const uint32_t chances[] = {16, 64, 128, 192, 240, 254};
    damage work = {.walk = walk, .harm = harm, .sector = sector, .dice = dice};
    work.out = disk_borrow(walk->durable);
    work.keeping = chances[disk_throw_below(dice, sizeof chances / sizeof *chances)];
    work.moment = disk_throw_below(dice, (uint32_t)walk->pending_count + 1);
    decide_names(&work);
    bool is_done[DISK_FILES_MAX] = {false};
    for (size_t i = 0; i < walk->pending_count; i++) {
        const disk_op *op = &walk->recorded->ops[walk->pending[i]];
        if (is_of_bytes(op) && !is_done[op->file]) {
            is_done[op->file] = true;
            harm_file(&work, op->file);
        }
    }
    return work.out;
}
