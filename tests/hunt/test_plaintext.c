/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plaintext hunt. Marked words go into resources: names, identifiers, narratives, references,
 * values of devices. Then every kind of operation is done, and nowhere may a word of them be seen:
 * not in a write that is made (each is looked at as it is made, those of temporary files too), not
 * in a file of the folder or of the folder for temporary files, not in an open file without a name.
 * What is on disk must also look like chance: bytes of a store count as often as each other.
 */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "hunter.h"

#define PATIENTS 3000

static char temp_folder[96];
static _Atomic size_t seen_in_writes;
static _Atomic bool may_be_plain;
static _Atomic uint64_t written;
static _Atomic uint64_t set_aside; /* bytes of files without a name */

/* ---- each write, as it is made ---- */

static ssize_t look_at_write(int file, const void *bytes, size_t len, off_t offset)
{
    struct stat found;
    if (!atomic_load(&may_be_plain)) {
        atomic_fetch_add(&seen_in_writes, hunt_bytes("a write", bytes, len));
    }
    if (fstat(file, &found) == 0 && found.st_nlink == 0) {
        atomic_fetch_add(&set_aside, len);
    }
    atomic_fetch_add(&written, len);
    return pwrite(file, bytes, len, offset);
}

static ssize_t look_at_plain_write(int file, const void *bytes, size_t len)
{
    atomic_fetch_add(&seen_in_writes, hunt_bytes("a write", bytes, len));
    return write(file, bytes, len);
}

static void watch_writes(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
    ck_assert_ptr_nonnull(vfs);
    ck_assert_int_eq(vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)look_at_write),
                     SQLITE_OK);
    (void)vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)look_at_write);
    ck_assert_int_eq(vfs->xSetSystemCall(vfs, "write", (sqlite3_syscall_ptr)look_at_plain_write),
                     SQLITE_OK);
}

/* ---- what must not be seen ---- */

static const char *const words[] = {"Quetzalcoatlus",       "Wilhelmsburgerin",
                                    "zz-identifier-4711",   "Tuberculum-narrative",
                                    "marked-display-words", "device-message-83571"};

static void choose_quarry(void)
{
    hunt_forget();
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        hunt_for(words[i], words[i], strlen(words[i]), true);
    }
    hunt_for("SQLite's header", "SQLite format 3", 15, false);
    hunt_for("a resource", "\"resourceType\"", 14, false);
    hunt_for("the schema", "CREATE TABLE", 12, false);
    hunt_for("SQL text", "CREATE INDEX", 12, false);
}

/* A name so long that a sort of all of them would not fit into the cache. */
static void patient_text(int number, const char *family, char *out, size_t size)
{
    (void)snprintf(out, size,
                   "{\"resourceType\":\"Patient\",\"id\":\"p%d\",\"text\":{\"status\":"
                   "\"generated\",\"div\":\"<div "
                   "xmlns=\\\"http://www.w3.org/1999/xhtml\\\">Tuberculum-narrative "
                   "%d</div>\"},\"identifier\":[{"
                   "\"system\":\"urn:x\",\"value\":\"zz-identifier-4711-%d\"}],\"name\":[{"
                   "\"family\":\"%s%06d\",\"given\":["
                   "\"Wilhelmsburgerin%d%0300d\"]}],\"birthDate\":\"19%02d-01-01\","
                   "\"generalPractitioner\":[{\"display\":"
                   "\"marked-display-words %d\"}]}",
                   number, number, number, family, number * 7919 % 1000000, number, number,
                   number % 100, number);
}

/* Chance has all bytes equally often: the sum below is then 255, give or take 23. */
static double unevenness(const uint8_t *bytes, size_t len, size_t head, size_t record,
                         size_t clear_tail)
{
    uint64_t counts[256] = {0};
    uint64_t total = 0;
    double sum = 0;
    for (size_t i = head; i < len; i++) {
        if ((i - head) % record < record - clear_tail) {
            counts[bytes[i]]++;
            total++;
        }
    }
    for (int i = 0; i < 256 && total > 0; i++) {
        double expected = (double)total / 256;
        sum += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    }
    return sum;
}

/* Behind the header only each page's meta, its last eight bytes, is in clear. */
static void expect_chance(const char *path, bool is_log)
{
    struct stat found;
    if (stat(path, &found) != 0 || found.st_size < 20000) {
        return;
    }
    size_t len;
    char *bytes = load_file(path, &len);
    double sum = unevenness((const uint8_t *)bytes, len, is_log ? 128 : 8192, is_log ? 4160 : 4096,
                            8);
    free(bytes);
    ck_assert_msg(sum < 255 + 23 * 8, "%s does not look like chance: %f", path, sum);
}

static void hunt_after(const char *what)
{
    char log[128];
    size_t hits = hunt_disk(folder);
    (void)snprintf(log, sizeof log, "%s-wal", store_path);
    expect_chance(store_path, false);
    expect_chance(log, true);
    (void)fprintf(stderr, "# after %s: %llu KiB written so far, %llu of them set aside, %zu hits\n",
                  what, (unsigned long long)written / 1024, (unsigned long long)set_aside / 1024,
                  hits + atomic_load(&seen_in_writes));
    ck_assert_msg(hits == 0, "%s: plaintext on disk", what);
    ck_assert_msg(atomic_load(&seen_in_writes) == 0, "%s: plaintext was written", what);
}

/* ---- fixture ---- */

static void enter(void)
{
    fhirstore_open_options options = open_options();
    options.cache_bytes = UINT64_C(1) << 20;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "Practitioner/Quetzalcoatlus");
}

static void leave(void)
{
    fhirstore_session_close(session);
    fhirstore_close(store);
    session = NULL;
    store = NULL;
}

static void set_up(void)
{
    setup_folder();
    (void)snprintf(temp_folder, sizeof temp_folder, "%.64s/temp", folder);
    ck_assert_int_eq(mkdir(temp_folder, 0700), 0);
    ck_assert_int_eq(setenv("SQLITE_TMPDIR", temp_folder, 1), 0);
    atomic_store(&seen_in_writes, 0);
    atomic_store(&may_be_plain, false);
    choose_quarry();
    watch_writes();
    enter();
}

static void import_patients(int count)
{
    fhirstore_import *import;
    fhirstore_import_totals totals = FHIRSTORE_IMPORT_TOTALS_INIT;
    char text[2048];
    ck_assert_int_eq(fhirstore_import_open(session, NULL, &import, NULL), FHIRSTORE_OK);
    for (int i = 0; i < count; i++) {
        patient_text(i, "Quetzalcoatlus", text, sizeof text);
        ck_assert_int_eq(
            fhirstore_import_add(import, "hunt", (uint64_t)i, text, strlen(text), NULL),
            FHIRSTORE_OK);
    }
    ck_assert_int_eq(fhirstore_import_finish(import, &totals, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(totals.resources, count);
    fhirstore_import_close(import);
}

/* ---- the operations ---- */

#define PARAMETER                                                                                 \
    "{\"resourceType\":\"SearchParameter\",\"id\":\"s\",\"url\":\"http://example.org/"            \
    "SearchParameter/s\","                                                                        \
    "\"name\":\"X\",\"description\":\"x\",\"status\":\"active\",\"code\":\"gp-words\",\"base\":[" \
    "\"Patient\"],"                                                                               \
    "\"type\":\"string\",\"expression\":\"Patient.generalPractitioner.display\"}"
#define DEVICE                                                                                 \
    "{\"type\":\"HR\",\"occurrenceTimeUtc\":\"2024-01-01T10:00:00Z\",\"deviceId\":"            \
    "\"device-message-83571\",\"patientId\":\"p1\",\"properties\":[{\"name\":\"v\",\"value\":" \
    "\"70\"}]}\n"
#define MAPPING                                                                               \
    "{\"templateType\":\"CollectionFhir\",\"template\":[{\"templateType\":\"CodeValueFhir\"," \
    "\"template\":{"                                                                          \
    "\"typeName\":\"HR\",\"codes\":[{\"code\":\"8867-4\",\"system\":\"http://"                \
    "loinc.org\",\"display\":"                                                                \
    "\"marked-display-words\"}],\"value\":{\"valueType\":\"Quantity\",\"valueName\":\"v\","   \
    "\"unit\":\"/min\"}}}]}"

static void change_resources(void)
{
    char text[2048];
    for (int i = 0; i < 50; i++) {
        patient_text(1, i % 2 == 0 ? "Quetzalcoatlus" : "Wilhelmsburgerin", text, sizeof text);
        expect_status(update("Patient", "p1", text), FHIRSTORE_OK);
        forget_replies();
    }
    hunt_after("updates");
    expect_status(delete_one("Patient", "p2"), FHIRSTORE_NO_CONTENT);
    expect_http(
        ask("PATCH", "Patient/p3", "Content-Type: application/json-patch+json",
            "[{\"op\":\"replace\",\"path\":\"/name/0/family\",\"value\":\"Quetzalcoatlus\"}]"),
        200);
    expect_http(
        ask("POST", "", NULL,
            "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"request\":{"
            "\"method\":\"PUT\","
            "\"url\":\"Group/"
            "g\"},\"resource\":{\"resourceType\":\"Group\",\"id\":\"g\",\"type\":\"person\","
            "\"actual\":true,\"name\":\"Quetzalcoatlus\"}},{\"request\":{\"method\":\"GET\","
            "\"url\":"
            "\"Patient?family=Quetzalcoatlus&_count=5\"}}]}"),
        200);
    expect_http(ask("DELETE", "Patient/p4?_hardDelete=true", NULL, NULL), 204);
    expect_http(ask("POST", "Patient/p5/$purge-history", NULL, NULL), 204);
    hunt_after("a delete, a patch, a transaction, a hard delete, a purge");
    expect_http(ask("GET", "Patient/Quetzalcoatlus-is-not-here", NULL, NULL), 404);
    expect_http(ask("GET", "Patient?family:wrong=Quetzalcoatlus", "Prefer: handling=strict", NULL),
                400);
    hunt_after("refusals, which the journal tells of");
}

/* A sort in a search goes by indexes or in memory; what sets aside, today, is building indexes for
 * a copy. */
static void search_everything(void)
{
    fhirstore_search *search = NULL;
    const char *query = "_sort=given,-birthdate";
    ck_assert_int_eq(
        fhirstore_search_open(session, "Patient", 7, query, strlen(query), &search, NULL),
        FHIRSTORE_OK);
    int found = 0;
    while (fhirstore_search_next(search, NULL) == FHIRSTORE_OK) {
        if (++found == 100) {
            hunt_after("a sorted search, halfway");
        }
    }
    fhirstore_search_close(search);
    ck_assert_int_gt(found, PATIENTS / 2);
    ck_assert_int_gt(count_of("Patient", "family:contains=zalcoatl"), 100);
    ck_assert_int_gt(count_of("Patient", "identifier=urn:x|zz-identifier-4711-77"), 0);
    hunt_after("searches");
    expect_http(
        ask("GET", "Patient?_content=Quetzalcoatlus000001%20OR%20Tuberculum&_count=3", NULL, NULL),
        200);
    expect_http(ask("GET", "Patient?_text=Tuberculum&_sort=-_score&_count=3", NULL, NULL), 200);
    hunt_after("full text");
}

static void maintain(const char *what)
{
    fhirstore_status status = FHIRSTORE_OK;
    fhirstore_error *error = NULL;
    for (int i = 0; i < 100; i++) {
        status = fhirstore_maintain(store, NULL, &error);
        ck_assert_msg(status >= FHIRSTORE_OK, "%s", fhirstore_error_message(error));
        if (status == FHIRSTORE_OK && i > 0) {
            break;
        }
    }
    hunt_after(what);
}

static void ingest_devices(void)
{
    fhirstore_iot_mapping *mapping = NULL;
    fhirstore_iot_options options = FHIRSTORE_IOT_OPTIONS_INIT;
    fhirstore_iot_totals totals = FHIRSTORE_IOT_TOTALS_INIT;
    fhirstore_buf report = {0};
    options.identity = FHIRSTORE_IOT_CREATE;
    ck_assert_int_eq(fhirstore_iot_mapping_load(FHIRSTORE_IOT_FHIR, MAPPING, strlen(MAPPING), 0,
                                                &mapping, NULL, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_iot_ingest(session, mapping, &options, DEVICE, strlen(DEVICE),
                                          &report, &totals, NULL),
                     FHIRSTORE_OK);
    ck_assert_ptr_nonnull(report.ptr);
    fhirstore_buf_clear(&report);
    fhirstore_iot_mapping_free(mapping);
    hunt_after("ingestion");
}

static void copy_and_compact(void)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_backup_options options = FHIRSTORE_BACKUP_OPTIONS_INIT;
    const char *copy = in_folder("copy");
    key.key = another_key;
    key.key_len = KEY_BYTES;
    options.key = &key;
    ck_assert_int_eq(fhirstore_backup(store, copy, strlen(copy), &options, NULL), FHIRSTORE_OK);
    hunt_after("a backup");
    ck_assert_int_eq(fhirstore_compact(store, NULL), FHIRSTORE_OK);
    hunt_after("compaction");
}

static void change_keys(void)
{
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    uint32_t slot = 0;
    key.passphrase = "Quetzalcoatlus is no passphrase";
    key.passphrase_len = strlen(key.passphrase);
    key.kdf_memory_kib = 1024;
    key.kdf_passes = 1;
    ck_assert_int_eq(fhirstore_key_add(store, &key, &slot, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_key_rotate(store, slot, &key, &slot, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhirstore_key_remove(store, slot, NULL), FHIRSTORE_OK);
    hunt_after("changes of keys");
    key = (fhirstore_key_options)FHIRSTORE_KEY_OPTIONS_INIT;
    key.key = the_key;
    key.key_len = KEY_BYTES;
    ck_assert_int_eq(fhirstore_key_renew(store, &key, &slot, NULL), FHIRSTORE_OK);
    hunt_after("a new data key");
    maintain("pages sealed anew");
}

START_TEST(no_operation_leaves_plaintext)
{
    import_patients(PATIENTS);
    hunt_after("an import");
    change_resources();
    search_everything();
    expect_status(update("SearchParameter", "s", PARAMETER), FHIRSTORE_CREATED);
    maintain("reindexing");
    ingest_devices();
    copy_and_compact();
    change_keys();
    ck_assert_int_eq(fhirstore_suspend(store, NULL), FHIRSTORE_OK);
    hunt_after("suspension");
    expect_sound(store);
    hunt_after("verification");
    leave();
    hunt_after("closing");
    ck_assert_uint_gt(atomic_load(&set_aside), 0); /* or temporary files were not looked at */
}
END_TEST

START_TEST(a_plain_store_is_gone_once_it_is_encrypted)
{
    const char *path = in_folder("plain");
    fhirstore_open_options from = open_options();
    fhirstore_key_options key = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_backup_options to = FHIRSTORE_BACKUP_OPTIONS_INIT;
    leave();
    from.key = NULL;
    from.key_len = 0;
    from.flags |= FHIRSTORE_OPEN_PLAINTEXT;
    atomic_store(&may_be_plain, true);
    store = must_open(path, &from);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    import_patients(200);
    leave();
    /* The hunter finds what is there. */
    ck_assert_uint_gt(hunt_disk(folder), 100);
    atomic_store(&may_be_plain, false);
    key.key = the_key;
    key.key_len = KEY_BYTES;
    to.key = &key;
    from.flags &= ~(uint32_t)FHIRSTORE_OPEN_CREATE;
    ck_assert_int_eq(fhirstore_migrate(path, strlen(path), &from, &to, NULL), FHIRSTORE_OK);
    expect_chance(path, false);
    hunt_after("migration");
}
END_TEST

/* Killed within a transaction that has outgrown the cache, and within a sort. */
START_TEST(a_crash_leaves_nothing_to_read)
{
    import_patients(500);
    leave();
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            enter();
            fhirstore_import *import;
            char text[2048];
            fhirstore_import_options options = FHIRSTORE_IMPORT_OPTIONS_INIT;
            options.per_commit = 100000;
            if (fhirstore_import_open(session, &options, &import, NULL) != FHIRSTORE_OK) {
                _exit(1);
            }
            for (int k = 0; k < 2000 + i * 1000; k++) {
                patient_text(k + 1000, "Quetzalcoatlus", text, sizeof text);
                (void)fhirstore_import_add(import, "hunt", 0, text, strlen(text), NULL);
            }
            (void)raise(SIGKILL);
        }
        int status = 0;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(WTERMSIG(status), SIGKILL);
        char log[128];
        (void)snprintf(log, sizeof log, "%s-wal", store_path);
        ck_assert_uint_gt(file_size(log), 4096);
        hunt_after("a kill within a transaction");
    }
    enter();
    hunt_after("recovery");
    ck_assert_int_ge(count_of("Patient", ""), 500);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        {.name = "plaintext",
         .setup = set_up,
         .tests = (const TTest *const[]){no_operation_leaves_plaintext,
                                         a_plain_store_is_gone_once_it_is_encrypted,
                                         a_crash_leaves_nothing_to_read},
         .count = 3},
    };
    return run_groups("plaintext", groups, 1);
}
