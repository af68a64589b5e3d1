/* SPDX-License-Identifier: Apache-2.0 */
/* A copy while others write, under a key of its own; and how an old copy is told from the store. */
#include "store.h"

static const uint8_t backup_key[32] = "the key that the copy opens with";

static int add_patient(fhirstore_session *session, const char *id)
{
    char body[100];
    snprintf(body, sizeof(body), "{\"resourceType\":\"Patient\",\"id\":\"%s\"}", id);
    return put(session, "Patient", id, body);
}

static fhirstore_status progress(void *ctx, int64_t done, int64_t total)
{
    int64_t *last = ctx;
    *last = total > 0 ? done * 100 / total : 100;
    return FHIRSTORE_OK; /* anything else would end the backup and leave nothing of it */
}

/* One snapshot, compact, with a new data key. Nothing is at @a path before it is complete. */
static int back_up(fhirstore *store, const char *path)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_backup_options how = FHIRSTORE_BACKUP_OPTIONS_INIT;
    fhirstore_error *error;
    int64_t percent = 0;
    key.key = backup_key;
    key.key_len = sizeof(backup_key);
    how.key = &key;
    how.progress = progress;
    how.ctx = &percent;
    if (fhirstore_backup(store, path, strlen(path), &how, &error) < FHIRSTORE_OK) {
        return failed("backup", error);
    }
    printf("backup: %s\n", percent > 0 ? "complete" : "nobody was told");
    return 0;
}

/* To restore a copy is to open it. */
static int look_into(const char *path)
{
    fhirstore_open_options how = FHIRSTORE_OPEN_OPTIONS_INIT;
    fhirstore *copy;
    fhirstore_error *error;
    int64_t count = 0, findings = -1;
    how.key = backup_key;
    how.key_len = sizeof(backup_key);
    if (fhirstore_open(path, strlen(path), &how, &copy, &error) < FHIRSTORE_OK) {
        return failed("open", error);
    }
    fhirstore_session *session = open_operator(copy);
    int status = session == NULL;
    if (status == 0 && (fhirstore_search_count(session, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT(""),
                                               &count, &error) < FHIRSTORE_OK ||
                        fhirstore_verify(copy, NULL, NULL, &findings, &error) < FHIRSTORE_OK)) {
        status = failed("copy", error);
    }
    printf("the copy has %d patients, verify finds %d\n", (int)count, (int)findings);
    fhirstore_session_close(session);
    fhirstore_close(copy);
    return status;
}

/* A line to keep elsewhere: with it an older copy of the store's own file is refused. */
static int print_anchor(fhirstore *store)
{
    fhirstore_buf anchor = {0};
    fhirstore_error *error;
    if (fhirstore_anchor(store, &anchor, &error) < FHIRSTORE_OK ||
        fhirstore_anchor_check(store, anchor.ptr, anchor.len, &error) < FHIRSTORE_OK) {
        fhirstore_buf_clear(&anchor);
        return failed("anchor", error);
    }
    printf("anchor: %s\n", anchor.ptr);
    fhirstore_buf_clear(&anchor);
    return 0;
}

int main(int argc, char **argv)
{
    char copy[1000];
    const char *path = argc > 1 ? argv[1] : "backup.fhirstore";
    fhirstore *store = open_example(argc, argv, path);
    fhirstore_session *session = store == NULL ? NULL : open_operator(store);
    snprintf(copy, sizeof(copy), "%s.copy", path);
    int status = session == NULL || add_patient(session, "a") || add_patient(session, "b") ||
                 back_up(store, copy) || add_patient(session, "later") || look_into(copy) ||
                 print_anchor(store);
    fhirstore_session_close(session);
    fhirstore_close(store);
    return status;
}
