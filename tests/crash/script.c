/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RESOURCES = 90,
    BODY_BYTES = 16384,
    LOOK_EVERY = 25
};

/* What the model knows of one resource. */
typedef struct known {
    int version; /* 0: never stored */
    int number;  /* what its body says */
    bool is_deleted;
} known;

typedef struct recorder {
    script *made;
    uint64_t dice;
    fhirstore *store;
    fhirstore_session *session;
    int key;       /* that opens the store; 0: it is not encrypted */
    int next_key;  /* one that was not used yet */
    uint32_t slot; /* an extra slot, or 0 */
    int number;
    known all[RESOURCES];
    int imported; /* Encounter/i0 … are there */
    int searches; /* SearchParameters stored */
} recorder;

/* ---- the store's handle ---- */

static void check(fhirstore_status status, fhirstore_error *error, const char *what)
{
    if (status < FHIRSTORE_OK) {
        script_die("%s: %s: %s", what, fhirstore_status_name(status),
                   fhirstore_error_message(error));
    }
}

static void open_it(recorder *work, uint32_t flags)
{
    fhirstore_error *error = NULL;
    fhirstore_session_options entering = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_open_options options = script_options(work->key);
    options.flags |= flags;
    options.journal = FHIRSTORE_JOURNAL_BATCHED;
    fhirstore_status status = fhirstore_open(STORE_PATH, strlen(STORE_PATH), &options, &work->store,
                                             &error);
    check(status, error, "open");
    entering.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    entering.principal = "Practitioner/1";
    entering.principal_len = strlen(entering.principal);
    check(fhirstore_session_open(work->store, &entering, &work->session, &error), error, "session");
}

static void close_it(recorder *work)
{
    fhirstore_session_close(work->session);
    fhirstore_close(work->store);
    work->session = NULL;
    work->store = NULL;
}

/* The HTTP status of a request; bodies of JSON Patch and of resources are told by their first byte.
 */
static int request(recorder *work, const char *method, const char *url, const char *body,
                   char *answer, size_t answer_size)
{
    static const char patch[] = "application/json-patch+json";
    const bool is_patch = body != NULL && body[0] == '[';
    const fhirstore_header type = {"Content-Type", 12, patch, sizeof patch - 1};
    fhirstore_response *response = NULL;
    fhirstore_error *error = NULL;
    size_t len = 0;
    check(fhirstore_request(work->session, method, strlen(method), url, strlen(url),
                            is_patch ? &type : NULL, is_patch ? 1 : 0, body,
                            body == NULL ? 0 : strlen(body), &response, &error),
          error, url);
    int http = fhirstore_response_http(response);
    const char *text = fhirstore_response_body(response, &len);
    if (answer != NULL) {
        (void)snprintf(answer, answer_size, "%.*s", (int)len, text);
    }
    if (http >= 300 && answer == NULL) {
        script_die("%s %s answers %d: %.*s", method, url, http, (int)len, text);
    }
    fhirstore_response_free(response);
    return http;
}

/* ---- the model ---- */

static const char *const types[] = {"Patient", "Observation", "Condition"};

static const char *type_of(int which)
{
    return types[which % 3];
}

/* Observations and Conditions are of the patient before them. */
static void write_body(const recorder *work, int which, int number, char *out, size_t size)
{
    static const char words[] = "the quick brown fox jumps over the lazy dog and rests ";
    char note[600] = "note ";
    int repeats = number % 9;
    (void)work;
    for (int i = 0; i < repeats; i++) {
        strcat(note, words);
    }
    if (which % 3 == 0) {
        (void)snprintf(
            out, size,
            "{\"resourceType\":\"Patient\",\"id\":\"r%d\",\"active\":true,"
            "\"multipleBirthInteger\":%d,\"name\":[{\"family\":\"f%d\",\"given\":[\"g%d\"]}],"
            "\"birthDate\":\"19%02d-01-0%d\",\"address\":[{\"text\":\"%s\"}]}",
            which, number, number, number % 7, number % 100, 1 + number % 9, note);
    } else if (which % 3 == 1) {
        (void)snprintf(out, size,
                       "{\"resourceType\":\"Observation\",\"id\":\"r%d\",\"status\":\"final\","
                       "\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"%d-1\"}],"
                       "\"text\":\"%s\"},\"subject\":{\"reference\":\"Patient/r%d\"},"
                       "\"valueInteger\":%d}",
                       which, 1000 + number % 20, note, which - 1, number);
    } else {
        (void)snprintf(out, size,
                       "{\"resourceType\":\"Condition\",\"id\":\"r%d\","
                       "\"code\":{\"text\":\"c%d\"},\"subject\":{\"reference\":\"Patient/r%d\"},"
                       "\"note\":[{\"text\":\"n%d %s\"}]}",
                       which, number, which - 2, number, note);
    }
}

static void url_of(int which, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/r%d", type_of(which), which);
}

/* What the store has under @a which is what the model has. */
static void expect_known(recorder *work, int which)
{
    char url[64];
    char answer[BODY_BYTES];
    char wanted[64];
    static const char *const said[][2] = {
        {"\"multipleBirthInteger\":", ","}, {"\"valueInteger\":", "}"}, {"\"n", " "}};
    const known *it = &work->all[which];
    url_of(which, url, sizeof url);
    int http = request(work, "GET", url, NULL, answer, sizeof answer);
    int right = it->version == 0 ? 404 : it->is_deleted ? 410 : 200;
    if (http != right) {
        script_die("%s is %d, wanted %d", url, http, right);
    }
    if (http == 200) {
        (void)snprintf(wanted, sizeof wanted, "\"versionId\":\"%d\"", it->version);
        bool is_version = strstr(answer, wanted) != NULL;
        (void)snprintf(wanted, sizeof wanted, "%s%d%s", said[which % 3][0], it->number,
                       said[which % 3][1]);
        if (!is_version || strstr(answer, wanted) == NULL) {
            script_die("%s is not version %d with %s: %s", url, it->version, wanted, answer);
        }
    }
}

static int64_t count_in(recorder *work, const char *type, const char *query)
{
    int64_t count = -1;
    fhirstore_error *error = NULL;
    check(fhirstore_search_count(work->session, type, strlen(type), query, strlen(query), &count,
                                 &error),
          error, type);
    return count;
}

static void expect_model(recorder *work)
{
    char why[256];
    int64_t counts[3] = {0, 0, 0};
    for (int i = 0; i < RESOURCES; i++) {
        const known *it = &work->all[i];
        expect_known(work, i);
        counts[i % 3] += it->version > 0 && !it->is_deleted;
    }
    for (int i = 0; i < 3; i++) {
        if (count_in(work, types[i], "") != counts[i]) {
            script_die("there are not %lld of %s", (long long)counts[i], types[i]);
        }
    }
    if (count_in(work, "Encounter", "") != work->imported) {
        script_die("there are not %d encounters", work->imported);
    }
    if (!script_is_sound(work->store, why, sizeof why)) {
        script_die("verify finds: %s", why);
    }
}

/* ---- steps: each returns what it did ---- */

typedef struct step_kind {
    const char *name;
    void (*run)(recorder *work);
    bool has_parts;
    uint32_t weight;
} step_kind;

static int pick(recorder *work)
{
    return (int)disk_throw_below(&work->dice, RESOURCES);
}

static void put(recorder *work, int which)
{
    char url[64];
    char body[2048];
    known *it = &work->all[which];
    url_of(which, url, sizeof url);
    it->number = ++work->number;
    write_body(work, which, it->number, body, sizeof body);
    (void)request(work, "PUT", url, body, NULL, 0);
    it->version++;
    it->is_deleted = false;
}

static void step_update(recorder *work)
{
    put(work, pick(work));
}

static void step_patch(recorder *work)
{
    char url[64];
    char body[256];
    int which = pick(work) / 3 * 3;
    known *it = &work->all[which];
    if (it->version == 0 || it->is_deleted) {
        put(work, which);
        return;
    }
    url_of(which, url, sizeof url);
    it->number = ++work->number;
    (void)snprintf(body, sizeof body,
                   "[{\"op\":\"replace\",\"path\":\"/multipleBirthInteger\",\"value\":%d}]",
                   it->number);
    (void)request(work, "PATCH", url, body, NULL, 0);
    it->version++;
}

static void step_delete(recorder *work)
{
    char url[64];
    int which = pick(work);
    known *it = &work->all[which];
    if (it->version == 0 || it->is_deleted) {
        put(work, which);
        return;
    }
    url_of(which, url, sizeof url);
    (void)request(work, "DELETE", url, NULL, NULL, 0);
    it->version++;
    it->is_deleted = true;
}

static void step_transaction(recorder *work)
{
    char text[BODY_BYTES];
    char body[2048];
    int first = pick(work);
    size_t len = (size_t)sprintf(
        text, "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[");
    for (int i = 0; i < 4; i++) {
        int which = (first + i * 7) % RESOURCES;
        known *it = &work->all[which];
        it->number = ++work->number;
        write_body(work, which, it->number, body, sizeof body);
        len += (size_t)sprintf(
            text + len, "%s{\"resource\":%s,\"request\":{\"method\":\"PUT\",\"url\":\"%s/r%d\"}}",
            i == 0 ? "" : ",", body, type_of(which), which);
        it->version++;
        it->is_deleted = false;
    }
    (void)sprintf(text + len, "]}");
    (void)request(work, "POST", "", text, NULL, 0);
}

static void import_in(recorder *work, int count, uint32_t per_commit)
{
    fhirstore_import_options options = FHIRSTORE_IMPORT_OPTIONS_INIT;
    fhirstore_import_totals totals = FHIRSTORE_IMPORT_TOTALS_INIT;
    fhirstore_import *import = NULL;
    fhirstore_error *error = NULL;
    options.per_commit = per_commit;
    check(fhirstore_import_open(work->session, &options, &import, &error), error, "import");
    for (int i = 0; i < count; i++) {
        char line[256];
        (void)snprintf(line, sizeof line,
                       "{\"resourceType\":\"Encounter\",\"id\":\"i%d\",\"status\":\"finished\","
                       "\"class\":{\"code\":\"AMB\"},\"subject\":{\"reference\":\"Patient/r%d\"}}",
                       work->imported + i, (work->imported + i) % RESOURCES / 3 * 3);
        check(fhirstore_import_add(import, "lines", (uint64_t)i + 1, line, strlen(line), &error),
              error, "import");
    }
    check(fhirstore_import_finish(import, &totals, &error), error, "import");
    fhirstore_import_close(import);
    if (totals.failed != 0) {
        script_die("an import was refused");
    }
    work->imported += count;
}

static void step_import(recorder *work)
{
    import_in(work, 8, 0);
}

static void step_import_in_parts(recorder *work)
{
    import_in(work, 9, 3);
}

static void step_read(recorder *work)
{
    for (int i = 0; i < 5; i++) {
        expect_known(work, pick(work));
    }
    (void)count_in(work, "Observation", "subject=Patient/r0");
    (void)count_in(work, "Patient", "family=f1");
}

static void step_text_search(recorder *work)
{
    (void)count_in(work, "Condition", "_content=fox");
}

/* Checkpoint, and the log is emptied. */
static void step_suspend(recorder *work)
{
    fhirstore_error *error = NULL;
    check(fhirstore_suspend(work->store, &error), error, "suspend");
    (void)count_in(work, "Patient", "family=f2");
}

static void step_reopen(recorder *work)
{
    close_it(work);
    open_it(work, 0);
}

static fhirstore_key_options key_options(int key)
{
    const fhirstore_open_options opening = script_options(key);
    fhirstore_key_options options = FHIRSTORE_KEY_OPTIONS_INIT;
    options.key = opening.key;
    options.key_len = opening.key_len;
    return options;
}

static void step_add_key(recorder *work)
{
    fhirstore_error *error = NULL;
    fhirstore_key_options key = key_options(work->next_key++);
    if (work->key != 0 && work->slot == 0) {
        check(fhirstore_key_add(work->store, &key, &work->slot, &error), error, "key add");
    }
}

static void step_remove_key(recorder *work)
{
    fhirstore_error *error = NULL;
    if (work->key != 0 && work->slot != 0) {
        check(fhirstore_key_remove(work->store, work->slot, &error), error, "key remove");
        work->slot = 0;
    }
}

static void step_rotate_key(recorder *work)
{
    fhirstore_error *error = NULL;
    fhirstore_key_options key = key_options(work->next_key);
    if (work->key != 0) {
        check(fhirstore_key_rotate(work->store, 0, &key, NULL, &error), error, "key rotate");
        work->key = work->next_key++;
    }
}

static void step_renew_key(recorder *work)
{
    fhirstore_error *error = NULL;
    fhirstore_key_options key = key_options(work->next_key);
    if (work->key != 0) {
        check(fhirstore_key_renew(work->store, &key, NULL, &error), error, "key renew");
        work->key = work->next_key++;
        work->slot = 0;
    }
}

static void step_maintain(recorder *work)
{
    fhirstore_error *error = NULL;
    check(fhirstore_maintain(work->store, NULL, &error), error, "maintain");
}

static void step_compact(recorder *work)
{
    fhirstore_error *error = NULL;
    check(fhirstore_compact(work->store, &error), error, "compact");
}

static void step_search_parameter(recorder *work)
{
    char url[64];
    char body[512];
    work->searches++;
    (void)snprintf(url, sizeof url, "SearchParameter/s%d", work->searches);
    (void)snprintf(body, sizeof body,
                   "{\"resourceType\":\"SearchParameter\",\"id\":\"s%d\","
                   "\"url\":\"http://x.org/s%d\",\"name\":\"S%d\",\"status\":\"active\","
                   "\"description\":\"d\",\"code\":\"own-%d\",\"base\":[\"Patient\"],"
                   "\"type\":\"number\",\"expression\":\"Patient.multipleBirth\"}",
                   work->searches, work->searches, work->searches, work->searches);
    (void)request(work, "PUT", url, body, NULL, 0);
}

static void copy_to(recorder *work, int key)
{
    script *made = work->made;
    script_copy *copy = &made->copies[made->copy_count++];
    fhirstore_backup_options options = FHIRSTORE_BACKUP_OPTIONS_INIT;
    fhirstore_error *error = NULL;
    fhirstore_key_options key_of_copy = key_options(key);
    if (made->copy_count == COPIES_MAX) {
        script_die("too many copies");
    }
    options.key = key == 0 ? NULL : &key_of_copy;
    options.flags = key == 0 ? FHIRSTORE_BACKUP_PLAINTEXT : 0;
    (void)snprintf(copy->path, sizeof copy->path, DISK_FOLDER "copy%d", (int)made->copy_count);
    copy->step = made->step_count;
    copy->state.key = key;
    check(fhirstore_backup(work->store, copy->path, strlen(copy->path), &options, &error), error,
          "backup");
}

static void step_backup(recorder *work)
{
    copy_to(work, work->next_key++);
}

static void step_plain_backup(recorder *work)
{
    copy_to(work, 0);
}

static void migrate_to(recorder *work, int key)
{
    const fhirstore_open_options from = script_options(work->key);
    fhirstore_backup_options to = FHIRSTORE_BACKUP_OPTIONS_INIT;
    fhirstore_error *error = NULL;
    fhirstore_key_options key_after = key_options(key);
    to.key = key == 0 ? NULL : &key_after;
    to.flags = key == 0 ? FHIRSTORE_BACKUP_PLAINTEXT : 0;
    close_it(work);
    check(fhirstore_migrate(STORE_PATH, strlen(STORE_PATH), &from, &to, &error), error, "migrate");
    work->key = key;
    work->slot = 0;
}

static void step_migrate(recorder *work)
{
    migrate_to(work, work->key == 0 ? work->next_key++ : 0);
}

static const step_kind ordinary[] = {
    {"update", step_update, false, 40},   {"patch", step_patch, false, 14},
    {"delete", step_delete, false, 10},   {"transaction", step_transaction, false, 10},
    {"import", step_import, false, 3},    {"import in parts", step_import_in_parts, true, 3},
    {"read", step_read, true, 4},         {"text search", step_text_search, true, 2},
    {"suspend", step_suspend, true, 3},   {"reopen", step_reopen, true, 2},
    {"maintain", step_maintain, true, 1},
};

/* These come at their places, in percent of the way. */
static const struct {
    uint32_t place;
    step_kind kind;
} special[] = {
    {4, {"add a key", step_add_key, false, 0}},
    {7, {"rotate the key", step_rotate_key, false, 0}},
    {10, {"remove a key", step_remove_key, false, 0}},
    {13, {"backup", step_backup, true, 0}},
    {17, {"new data key", step_renew_key, false, 0}},
    {18, {"maintain", step_maintain, true, 0}},
    {22, {"compact", step_compact, true, 0}},
    {26, {"search parameter", step_search_parameter, false, 0}},
    {28, {"maintain", step_maintain, true, 0}},
    {32, {"migrate", step_migrate, true, 0}},
    {36, {"compact", step_compact, true, 0}},
    {39, {"backup", step_backup, true, 0}},
    {42, {"migrate", step_migrate, true, 0}},
    {46, {"rotate the key", step_rotate_key, false, 0}},
    {50, {"plain backup", step_plain_backup, true, 0}},
    {54, {"new data key", step_renew_key, false, 0}},
    {57, {"maintain", step_maintain, true, 0}},
    {61, {"add a key", step_add_key, false, 0}},
    {65, {"compact", step_compact, true, 0}},
    {70, {"remove a key", step_remove_key, false, 0}},
    {74, {"rotate the key", step_rotate_key, false, 0}},
    {78, {"new data key", step_renew_key, false, 0}},
    {79, {"maintain", step_maintain, true, 0}},
    {83, {"backup", step_backup, true, 0}},
    {88, {"compact", step_compact, true, 0}},
    {92, {"rotate the key", step_rotate_key, false, 0}},
};

/* ---- recording ---- */

static const step_kind *choose(recorder *work, size_t step, size_t steps)
{
    uint32_t total = 0;
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        if (step == special[i].place * steps / 100) {
            return &special[i].kind;
        }
    }
    for (size_t i = 0; i < sizeof ordinary / sizeof *ordinary; i++) {
        total += ordinary[i].weight;
    }
    uint32_t thrown = disk_throw_below(&work->dice, total);
    size_t which = 0;
    while (thrown >= ordinary[which].weight) {
        thrown -= ordinary[which++].weight;
    }
    return &ordinary[which];
}

/* What others would find, without touching what is there. */
static void look_from_outside(recorder *work, const char *path, store_state *state)
{
    const fhirstore_open_options options = script_options(state->key);
    fhirstore *opened = NULL;
    fhirstore_error *error = NULL;
    char why[256];
    disk *same = disk_borrow(work->made->log);
    disk_vfs_use(same);
    check(fhirstore_open(path, strlen(path), &options, &opened, &error), error, path);
    if (!script_look(opened, state->key, state) || !script_is_sound(opened, why, sizeof why)) {
        script_die("%s is not sound: %s", path, why);
    }
    fhirstore_close(opened);
    disk_vfs_use(work->made->log);
    disk_free(same);
}

static void run_step(recorder *work, const step_kind *kind)
{
    script *made = work->made;
    script_step *step = &made->steps[made->step_count];
    step->name = kind->name;
    step->has_parts = kind->has_parts;
    step->begun = made->log->op_count;
    disk_mark(made->log, (int64_t)made->step_count);
    kind->run(work);
    disk_mark(made->log, (int64_t)made->step_count);
    step->acknowledged = made->log->op_count;
    step->after.key = work->key;
    if (work->store == NULL) {
        look_from_outside(work, STORE_PATH, &step->after);
    } else if (!script_look(work->store, work->key, &step->after)) {
        script_die("%s: the store cannot be read", kind->name);
    }
    for (size_t i = 0; i < made->copy_count; i++) {
        if (made->copies[i].step == made->step_count) {
            look_from_outside(work, made->copies[i].path, &made->copies[i].state);
        }
    }
    made->step_count++;
}

static void step_create_store(recorder *work)
{
    open_it(work, FHIRSTORE_OPEN_CREATE);
}

static void step_open(recorder *work)
{
    open_it(work, 0);
}

/* One step of the script, and what has to be done before the next. */
static void run_and_look(recorder *work, const step_kind *kind, bool is_thorough)
{
    static const step_kind opening = {"open", step_open, true, 0};
    static const step_kind looking = {"look at all", expect_model, true, 0};
    run_step(work, kind);
    if (work->store == NULL) {
        run_step(work, &opening);
    }
    if (is_thorough) {
        run_step(work, &looking); /* reads are journalled */
    }
}

script *script_record(size_t steps, uint64_t seed)
{
    static const step_kind create = {"create the store", step_create_store, true, 0};
    static recorder work;
    memset(&work, 0, sizeof work);
    work.made = calloc(1, sizeof *work.made);
    work.made->steps = calloc(3 * steps + 8, sizeof *work.made->steps);
    work.made->log = disk_new();
    work.made->log->is_recording = true;
    work.dice = seed;
    work.key = 1;
    work.next_key = 2;
    disk_vfs_use(work.made->log);
    run_and_look(&work, &create, true);
    for (size_t i = 0; i < steps; i++) {
        const step_kind *kind = choose(&work, i, steps);
        run_and_look(&work, kind, i % LOOK_EVERY == 0 || kind->weight == 0 || i + 1 == steps);
    }
    work.made->log->is_recording = false;
    close_it(&work);
    return work.made;
}

void script_free(script *recorded)
{
    if (recorded != NULL) {
        disk_free(recorded->log);
        free(recorded->steps);
        free(recorded);
    }
}
