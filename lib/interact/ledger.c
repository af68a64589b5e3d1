/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/ledger.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "vfs/vfs.h"

/* When records that wait are written, whichever comes first. */
#define FLUSH_COUNT  1024
#define FLUSH_BYTES  ((size_t)256 * 1024)
#define FLUSH_AGE_US INT64_C(1000000)
/* With a writer at work all the while they may wait up to this. */
#define WAITING_MAX ((size_t)64 * 1024 * 1024)
/* Room that is kept for the next ones; what a long wait has taken besides is given back. */
#define WAITING_KEPT (4 * FLUSH_BYTES)
#define OWNER_LEN    16u
/* A clock that is adjusted may stand behind by this much before it is noted. */
#define CLOCK_SLACK_US INT64_C(10000000)

typedef struct record_list {
    fhs_buf bytes;
    int64_t count;
    int64_t last_us; /* time of the last one; none is earlier than the one before */
} record_list;

struct fhs_ledger {
    pthread_mutex_t lock; /* guards what waits */
    fhs_journal *journal; /* appended to by who has the writer */
    bool is_strict;
    char owner[FHS_UUID_LEN + 1];
    record_list waiting;
    int64_t oldest_us;              /* monotonic */
    bool is_announced;              /* the store knows that records may wait here */
    record_list moving;             /* what waited, in the transaction under way */
    atomic_int_least64_t latest_us; /* of the events that were stamped */
    int64_t floor_us; /* of the records that were appended; whose turn it is writes it */
};

static const fhs_str key_name = FHS_LIT_INIT("journal_key");

/* ---- opening ---- */

/* A store that is not encrypted has no secret: its journal has one of its own, in the file. */
static fhirstore_status plain_key(fhs_conn *conn, uint8_t *key, fhirstore_error **err)
{
    fhs_buf text = FHS_BUF_INIT(256);
    bool found;
    fhirstore_status status = fhs_meta_get(conn, key_name, &text, &found, err);
    if (status == FHIRSTORE_OK && !found) {
        char uuid[FHS_UUID_LEN + 1];
        fhs_uuid_new(uuid);
        fhs_buf_add_str(&text, fhs_str_of(uuid, FHS_JOURNAL_KEY_BYTES));
        status = fhs_conn_begin_write(conn, err);
        if (status == FHIRSTORE_OK) {
            status = fhs_meta_set(conn, key_name, fhs_buf_str(&text), err);
        }
        if (status == FHIRSTORE_OK) {
            status = fhs_conn_commit(conn, err);
        }
    }
    if (status == FHIRSTORE_OK && text.len != FHS_JOURNAL_KEY_BYTES) {
        status = fhs_fail(err, FHIRSTORE_ERR_CORRUPT, "the journal's key is malformed");
    }
    if (status == FHIRSTORE_OK) {
        memcpy(key, text.ptr, FHS_JOURNAL_KEY_BYTES);
    }
    fhs_buf_clear(&text);
    return status;
}

fhirstore_status fhs_ledger_plain_key(fhs_core *core, uint8_t key_out[FHS_JOURNAL_KEY_BYTES],
                                      bool *found_out, fhirstore_error **err)
{
    fhs_buf text = FHS_BUF_INIT(256);
    fhs_conn *conn = NULL;
    *found_out = false;
    fhirstore_status status = fhs_storage_reader(core->storage, &conn, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_meta_get(conn, key_name, &text, found_out, err);
    }
    fhs_conn_release(conn);
    *found_out = *found_out && text.len == FHS_JOURNAL_KEY_BYTES;
    if (*found_out) {
        memcpy(key_out, text.ptr, FHS_JOURNAL_KEY_BYTES);
    }
    fhs_buf_clear(&text);
    return status;
}

static fhirstore_status open_journal(fhs_core *core, fhs_journal **out, fhirstore_error **err)
{
    uint8_t key[FHS_JOURNAL_KEY_BYTES];
    fhs_conn *conn = NULL;
    struct fhs_vfs *vfs = fhs_storage_vfs(core->storage);
    if (vfs != NULL) {
        return fhs_journal_new(fhs_vfs_keys(vfs), NULL, out, err);
    }
    fhirstore_status status = fhs_storage_writer(core->storage, &conn, err);
    if (status == FHIRSTORE_OK) {
        status = plain_key(conn, key, err);
    }
    fhs_conn_release(conn);
    return status == FHIRSTORE_OK ? fhs_journal_new(NULL, key, out, err) : status;
}

static bool is_journal_wanted(const fhs_core *core, int32_t mode)
{
    if (mode == FHIRSTORE_JOURNAL_DEFAULT) {
        return !core->read_only && fhs_storage_is_encrypted(core->storage);
    }
    return !core->read_only && mode != FHIRSTORE_JOURNAL_OFF;
}

/* Times go on where the journal ends. */
static fhirstore_status find_latest(fhs_core *core, fhs_ledger *ledger, fhirstore_error **err)
{
    uint8_t link[FHS_JOURNAL_LINK_BYTES];
    fhs_journal_block last;
    fhs_conn *conn = NULL;
    bool found = false;
    fhirstore_status status = fhs_storage_reader(core->storage, &conn, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_journal_last(conn, &last, link, &found, err);
    }
    fhs_conn_release(conn);
    if (status == FHIRSTORE_ERR_CORRUPT) { /* verify must be able to tell; what writes will fail */
        if (err != NULL) {
            fhs_error_free(*err);
            *err = NULL;
        }
        status = FHIRSTORE_OK;
    }
    ledger->floor_us = found ? last.time_us : INT64_MIN;
    atomic_init(&ledger->latest_us, ledger->floor_us);
    return status;
}

void fhs_ledger_stamp(const fhs_core *core, fhs_audit_event *event)
{
    fhs_ledger *ledger = core->ledger;
    if (ledger == NULL) {
        return;
    }
    int_least64_t latest = atomic_load(&ledger->latest_us);
    while (latest < event->time_us &&
           !atomic_compare_exchange_weak(&ledger->latest_us, &latest, event->time_us)) {
    }
    if (event->time_us < latest) {
        if (latest - event->time_us > CLOCK_SLACK_US) {
            event->flags |= FHIRSTORE_AUDIT_CLOCK_BACK;
        }
        event->time_us = latest;
    }
}

fhirstore_status fhs_ledger_open(fhs_core *core, int32_t mode, fhirstore_error **err)
{
    if (!is_journal_wanted(core, mode)) {
        return FHIRSTORE_OK;
    }
    fhs_ledger *ledger = fhs_calloc(1, sizeof *ledger);
    if (ledger == NULL) {
        return fhs_fail_memory(err);
    }
    fhirstore_status status = open_journal(core, &ledger->journal, err);
    if (status != FHIRSTORE_OK) {
        fhs_free(ledger);
        return status;
    }
    status = find_latest(core, ledger, err);
    if (status != FHIRSTORE_OK) {
        fhs_journal_free(ledger->journal);
        fhs_free(ledger);
        return status;
    }
    (void)pthread_mutex_init(&ledger->lock, NULL);
    ledger->is_strict = mode == FHIRSTORE_JOURNAL_STRICT;
    fhs_uuid_new(ledger->owner);
    fhs_buf_init(&ledger->waiting.bytes, WAITING_MAX);
    fhs_buf_init(&ledger->moving.bytes, WAITING_MAX);
    core->ledger = ledger;
    return FHIRSTORE_OK;
}

fhs_journal *fhs_ledger_journal(const fhs_ledger *ledger)
{
    return ledger->journal;
}

fhs_str fhs_ledger_owner(const fhs_ledger *ledger)
{
    return fhs_str_of(ledger->owner, OWNER_LEN);
}

/* ---- moving records into a transaction ---- */

/*
 * What waits becomes what moves, unless something could not be moved before: that goes first. Only
 * who has the writer comes here.
 */
static void start_moving(fhs_ledger *ledger)
{
    (void)pthread_mutex_lock(&ledger->lock);
    if (ledger->moving.count == 0) {
        record_list spare = ledger->moving;
        ledger->moving = ledger->waiting;
        ledger->waiting = spare;
    }
    (void)pthread_mutex_unlock(&ledger->lock);
}

static void empty_moved(record_list *moving)
{
    if (moving->bytes.capacity > WAITING_KEPT) {
        fhs_buf_clear(&moving->bytes);
    } else {
        fhs_buf_reset(&moving->bytes);
    }
    moving->count = 0;
}

static void stop_moving(fhs_ledger *ledger, bool is_committed)
{
    if (is_committed) {
        (void)pthread_mutex_lock(&ledger->lock);
        ledger->is_announced = true;
        empty_moved(&ledger->moving);
        (void)pthread_mutex_unlock(&ledger->lock);
    }
}

/* Records that overtook others on their way here get the time of those. */
static fhirstore_status raise_times(fhs_ledger *ledger, fhs_str records, fhs_buf *out,
                                    int64_t *count_out, fhirstore_error **err)
{
    fhs_audit_event event;
    fhirstore_status status = FHIRSTORE_OK;
    *count_out = 0;
    while (status == FHIRSTORE_OK && fhs_block_next(&records, &event)) {
        event.time_us = event.time_us < ledger->floor_us ? ledger->floor_us : event.time_us;
        ledger->floor_us = event.time_us;
        status = fhs_block_add(out, &event);
        ++*count_out;
    }
    return status == FHIRSTORE_OK ? status : fhs_fail_plain(err, status);
}

/* One block. Times rise within @a records. */
static fhirstore_status append_block(fhs_core *core, fhs_conn *conn, fhs_str records, int64_t count,
                                     fhs_str first, int64_t last_us, fhirstore_error **err)
{
    fhs_ledger *ledger = core->ledger;
    fhs_audit_event event = {.time_us = INT64_MIN};
    (void)fhs_block_next(&first, &event);
    if (event.time_us >= ledger->floor_us) {
        ledger->floor_us = last_us;
        return fhs_journal_append(ledger->journal, conn, records, count, last_us, err);
    }
    fhs_buf raised = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = raise_times(ledger, records, &raised, &count, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_journal_append(ledger->journal, conn, fhs_buf_str(&raised), count,
                                    ledger->floor_us, err);
    }
    fhs_buf_clear(&raised);
    return status;
}

/* Other processes append as well. */
static fhirstore_status meet_others(fhs_core *core, fhs_conn *conn, fhirstore_error **err)
{
    uint8_t link[FHS_JOURNAL_LINK_BYTES];
    fhs_journal_block last;
    bool found;
    fhirstore_status status = fhs_journal_last(conn, &last, link, &found, err);
    if (status == FHIRSTORE_OK && found && last.time_us > core->ledger->floor_us) {
        core->ledger->floor_us = last.time_us;
    }
    return status;
}

/* The records of a large transaction go block by block: none is copied whole. */
static fhirstore_status append_in_blocks(fhs_core *core, fhs_conn *conn, fhs_str records,
                                         fhirstore_error **err)
{
    fhs_audit_event event = {0};
    fhirstore_status status = records.len > 0 && core->multi_process ? meet_others(core, conn, err)
                                                                     : FHIRSTORE_OK;
    while (status == FHIRSTORE_OK && records.len > 0) {
        fhs_str rest = records;
        int64_t count = 0;
        while (records.len - rest.len < FLUSH_BYTES && fhs_block_next(&rest, &event)) {
            count++;
        }
        if (count == 0) {
            return fhs_fail(err, FHIRSTORE_ERR_INTERNAL, "an audit record is malformed");
        }
        status = append_block(core, conn, fhs_str_of(records.ptr, records.len - rest.len), count,
                              records, event.time_us, err);
        records = rest;
    }
    return status;
}

static fhirstore_status write_moving(fhs_core *core, fhs_conn *conn, fhirstore_error **err)
{
    fhs_ledger *ledger = core->ledger;
    const record_list *moving = &ledger->moving;
    const fhs_str records = fhs_buf_str(&moving->bytes);
    fhirstore_status status;
    if (moving->count > 0 && records.len < FLUSH_BYTES && !core->multi_process) {
        status = append_block(core, conn, records, moving->count, records, moving->last_us, err);
    } else {
        status = append_in_blocks(core, conn, records, err);
    }
    if (status == FHIRSTORE_OK && (moving->count > 0 || !ledger->is_announced)) {
        status = fhs_journal_set_waiting(conn, fhs_ledger_owner(ledger), fhs_core_now(core), err);
    }
    return status;
}

fhirstore_status fhs_ledger_settle(fhs_call *root, fhirstore_error **err)
{
    fhs_core *core = root->session->core;
    if (core->ledger == NULL) {
        return FHIRSTORE_OK;
    }
    start_moving(core->ledger);
    fhirstore_status status = write_moving(core, root->conn, err);
    if (status == FHIRSTORE_OK) {
        status = append_in_blocks(core, root->conn, fhs_buf_str(&root->held), err);
    }
    if (status == FHIRSTORE_OK) {
        status = append_in_blocks(core, root->conn, fhs_buf_str(&root->noted), err);
    }
    return status;
}

void fhs_ledger_settled(fhs_call *root, bool is_committed)
{
    if (root->session->core->ledger != NULL) {
        stop_moving(root->session->core->ledger, is_committed);
        fhs_ledger_forget(root);
    }
}

void fhs_ledger_forget(fhs_call *root)
{
    fhs_buf_clear(&root->noted);
}

/* The writer for a flush: the call's own where it has it, else whoever's turn it is. */
static fhirstore_status take_writer(fhs_core *core, bool must, fhs_conn **out,
                                    fhirstore_error **err)
{
    if (must) {
        return fhs_storage_writer(core->storage, out, err);
    }
    *out = fhs_storage_try_writer(core->storage);
    return FHIRSTORE_OK;
}

static fhirstore_status flush_on(fhs_core *core, fhs_conn *conn, fhirstore_error **err)
{
    fhirstore_status status = fhs_conn_begin_write(conn, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    start_moving(core->ledger);
    status = write_moving(core, conn, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_conn_commit(conn, err);
    }
    if (status != FHIRSTORE_OK) {
        fhs_conn_rollback(conn);
    }
    stop_moving(core->ledger, status == FHIRSTORE_OK);
    return status;
}

static fhirstore_status flush(fhs_core *core, fhs_conn *own, bool must, fhirstore_error **err)
{
    fhs_conn *conn = NULL;
    if (own != NULL && fhs_conn_is_writer(own)) {
        return fhs_conn_is_writing(own) ? FHIRSTORE_OK : flush_on(core, own, err);
    }
    fhirstore_status status = take_writer(core, must, &conn, err);
    if (status == FHIRSTORE_OK && conn != NULL) {
        status = flush_on(core, conn, err);
    }
    fhs_conn_release(conn);
    return status;
}

fhirstore_status fhs_ledger_flush(fhs_core *core, fhirstore_error **err)
{
    return core->ledger == NULL ? FHIRSTORE_OK : flush(core, NULL, true, err);
}

fhirstore_status fhs_ledger_rest(fhs_core *core, fhirstore_error **err)
{
    fhs_ledger *ledger = core->ledger;
    fhs_conn *conn = NULL;
    if (ledger == NULL ||
        (!ledger->is_announced && ledger->waiting.count + ledger->moving.count == 0)) {
        return FHIRSTORE_OK;
    }
    /* Twice: what could not be moved before goes alone. */
    fhirstore_status status = flush(core, NULL, true, err);
    if (status == FHIRSTORE_OK && ledger->waiting.count > 0) {
        status = flush(core, NULL, true, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_storage_writer(core->storage, &conn, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_conn_begin_write(conn, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_journal_set_waiting(conn, fhs_ledger_owner(ledger), 0, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_conn_commit(conn, err);
    }
    fhs_conn_release(conn);
    ledger->is_announced = ledger->is_announced && status != FHIRSTORE_OK;
    return status;
}

void fhs_ledger_close(fhs_core *core)
{
    fhs_ledger *ledger = core->ledger;
    if (ledger == NULL) {
        return;
    }
    (void)fhs_ledger_rest(core, NULL);
    fhs_journal_free(ledger->journal);
    fhs_buf_clear(&ledger->waiting.bytes);
    fhs_buf_clear(&ledger->moving.bytes);
    (void)pthread_mutex_destroy(&ledger->lock);
    fhs_free(ledger);
    core->ledger = NULL;
}

/* ---- noting ---- */

/* Records that are part of a write wait for its commit with the call. */
static fhirstore_status note_in_write(fhs_call *root, const fhs_audit_event *event,
                                      fhirstore_error **err)
{
    if (root->noted.max == 0) {
        fhs_buf_init(&root->noted, FHS_LIMIT_RESOURCE_BYTES);
    }
    fhirstore_status status = fhs_block_add(&root->noted, event);
    return status == FHIRSTORE_OK ? status : fhs_fail_plain(err, status);
}

fhirstore_status fhs_ledger_note(fhs_call *call, const fhs_audit_event *event,
                                 fhirstore_error **err)
{
    fhs_call *root = call->root == NULL ? call : call->root;
    fhs_core *core = call->session->core;
    fhs_ledger *ledger = core->ledger;
    if (ledger == NULL) {
        return FHIRSTORE_OK;
    }
    /* What the hook failed at goes on, and is told with the write. */
    const bool goes_on = event->outcome >= FHIRSTORE_OK ||
                         (event->flags & FHIRSTORE_AUDIT_HOOK_FAILED) != 0;
    if (goes_on && root->conn != NULL && fhs_conn_is_writing(root->conn)) {
        return note_in_write(root, event, err);
    }
    int64_t now = fhs_clock_monotonic_us();
    (void)pthread_mutex_lock(&ledger->lock);
    record_list *waiting = &ledger->waiting;
    ledger->oldest_us = waiting->count == 0 ? now : ledger->oldest_us;
    fhs_audit_event raised;
    if (waiting->count > 0 && event->time_us < waiting->last_us) {
        raised = *event;
        raised.time_us = waiting->last_us;
        event = &raised;
    }
    fhirstore_status kept = fhs_block_add(&waiting->bytes, event);
    if (kept == FHIRSTORE_OK) {
        waiting->count++;
        waiting->last_us = event->time_us;
    }
    bool is_due = kept != FHIRSTORE_OK || ledger->is_strict || !ledger->is_announced ||
                  waiting->count >= FLUSH_COUNT || waiting->bytes.len >= FLUSH_BYTES ||
                  now - ledger->oldest_us >= FLUSH_AGE_US;
    (void)pthread_mutex_unlock(&ledger->lock);
    if (!is_due) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = flush(core, root->conn, ledger->is_strict, err);
    if (status != FHIRSTORE_OK && ledger->is_strict) {
        return status;
    }
    /* Without strictness they wait on: a read is not refused for what a later write can mend. */
    if (err != NULL) {
        fhs_error_free(*err);
        *err = NULL;
    }
    return kept == FHIRSTORE_OK ? kept : fhs_fail_plain(err, kept);
}
