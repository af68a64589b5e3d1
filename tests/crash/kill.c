/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9, really: processes write to a store and are killed at any moment, at their opening too.
 * Then the store is opened, verified, and holds what was acknowledged over a pipe; of what was
 * under way all or nothing.
 *
 * What a writer does is a function of a number that rises with each call, so what the store must
 * hold is one, too.
 *
 * usage: kill [--cycles N] [--seed N] [--long]
 */
#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fhirstore/fhirstore.h>

enum {
    WRITERS = 3,
    IMPORTED = 4,
    FRESH_EVERY = 20, /* cycles with one store, before looking takes longer than writing */
    BUSY_TRIES = 20,
    KEY_BYTES = 32,
    TEXT_BYTES = 2048,
};

/* ---- chance ---- */

static uint64_t dice = 1;

static uint32_t throw_below(uint32_t below)
{
    dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((dice >> 33) % below);
}

static void rest(uint32_t microseconds)
{
    const struct timespec pause = {microseconds / 1000000, (long)(microseconds % 1000000) * 1000};
    (void)nanosleep(&pause, NULL);
}

/* ---- what is done ---- */

typedef enum deed {
    DEED_TRANSACTION, /* three patients get the number */
    DEED_IMPORT,      /* some encounters that were not there */
    DEED_TOGGLE,      /* a patient comes, or goes */
    DEED_CREATE,      /* an observation */
    DEED_ROTATE,
    DEED_RENEW,
    DEED_MAINTAIN,
    DEED_COMPACT,
    DEED_BACKUP,
    DEED_SUSPEND,
    DEED_ADD_KEY,
} deed;

typedef struct setting {
    int writers; /* 1: it has the store alone */
    char folder[128];
    char path[160];
    uint64_t findings;
    uint64_t seed;
    int cycle;
} setting;

static bool is_alone(const setting *s)
{
    return s->writers == 1;
}

static deed deed_of(const setting *s, int number)
{
    static const deed specials[] = {DEED_ROTATE, DEED_COMPACT, DEED_RENEW,   DEED_MAINTAIN,
                                    DEED_BACKUP, DEED_SUSPEND, DEED_ADD_KEY, DEED_MAINTAIN};
    static const deed common[] = {DEED_TRANSACTION, DEED_CREATE, DEED_TRANSACTION,
                                  DEED_IMPORT,      DEED_TOGGLE, DEED_TRANSACTION};
    if (number % 7 != 6) {
        return common[number % 7];
    }
    deed special = specials[number / 7 % 8];
    bool is_shared = special == DEED_MAINTAIN || special == DEED_BACKUP || special == DEED_SUSPEND;
    return is_alone(s) || is_shared ? special : DEED_TRANSACTION;
}

static int last_of(const setting *s, deed wanted, int number)
{
    while (number > 0 && deed_of(s, number) != wanted) {
        number--;
    }
    return number;
}

static int count_of_deeds(const setting *s, deed wanted, int number)
{
    int count = 0;
    for (; number > 0; number--) {
        count += deed_of(s, number) == wanted;
    }
    return count;
}

/* ---- the store ---- */

typedef struct handle {
    fhirstore *store;
    fhirstore_session *session;
} handle;

static void key_after(const setting *s, int number, uint8_t out[KEY_BYTES])
{
    int changes = is_alone(s) ? count_of_deeds(s, DEED_ROTATE, number) +
                                    count_of_deeds(s, DEED_RENEW, number)
                              : 0;
    memset(out, 0x33, KEY_BYTES);
    out[0] = (uint8_t)changes;
    out[1] = (uint8_t)(changes >> 8);
}

static fhirstore_status open_with(const setting *s, const char *path, int number, handle *out)
{
    uint8_t key[KEY_BYTES];
    fhirstore_open_options options = FHIRSTORE_OPEN_OPTIONS_INIT;
    fhirstore_session_options entering = FHIRSTORE_SESSION_OPTIONS_INIT;
    memset(out, 0, sizeof *out);
    key_after(s, number, key);
    options.flags = is_alone(s) ? 0 : FHIRSTORE_OPEN_MULTI_PROCESS;
    options.flags |= number == 0 ? FHIRSTORE_OPEN_CREATE : 0;
    options.key = key;
    options.key_len = sizeof key;
    options.wal_bytes = 300000;
    options.cache_bytes = 256 * 1024;
    options.busy_timeout_ms = 20000;
    fhirstore_status status = fhirstore_open(path, strlen(path), &options, &out->store, NULL);
    if (status == FHIRSTORE_OK) {
        entering.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
        status = fhirstore_session_open(out->store, &entering, &out->session, NULL);
    }
    return status;
}

static void close_with(handle *opened)
{
    fhirstore_session_close(opened->session);
    fhirstore_close(opened->store);
    memset(opened, 0, sizeof *opened);
}

/* The HTTP status; the answer's body, cut, in @a answer. */
static int http_of(const handle *opened, const char *method, const char *url, const char *body,
                   char *answer)
{
    fhirstore_response *response = NULL;
    size_t len = 0;
    fhirstore_status status = fhirstore_request(opened->session, method, strlen(method), url,
                                                strlen(url), NULL, 0, body,
                                                body == NULL ? 0 : strlen(body), &response, NULL);
    int http = status < FHIRSTORE_OK ? 599 : fhirstore_response_http(response);
    const char *text = fhirstore_response_body(response, &len);
    if (answer != NULL) {
        (void)snprintf(answer, TEXT_BYTES, "%.*s", (int)len, text == NULL ? "" : text);
    }
    fhirstore_response_free(response);
    return http;
}

/* ---- a writer ---- */

static void write_patient(const char *id, int number, char *out, size_t size)
{
    (void)snprintf(out, size,
                   "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"multipleBirthInteger\":%d,"
                   "\"name\":[{\"family\":\"f%d\"}]}",
                   id, number, number);
}

static int do_transaction(const handle *opened, int writer, int number)
{
    char text[TEXT_BYTES];
    char body[512];
    char id[32];
    size_t len = (size_t)sprintf(
        text, "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[");
    for (int i = 0; i < 3; i++) {
        (void)snprintf(id, sizeof id, "t%d-%d", writer, i);
        write_patient(id, number, body, sizeof body);
        len += (size_t)sprintf(
            text + len,
            "%s{\"resource\":%s,\"request\":{\"method\":\"PUT\",\"url\":\"Patient/%s\"}}",
            i == 0 ? "" : ",", body, id);
    }
    (void)sprintf(text + len, "]}");
    return http_of(opened, "POST", "", text, NULL);
}

static int do_import(const handle *opened, int writer, int number)
{
    fhirstore_import *import = NULL;
    fhirstore_import_totals totals = FHIRSTORE_IMPORT_TOTALS_INIT;
    fhirstore_status status = fhirstore_import_open(opened->session, NULL, &import, NULL);
    for (int i = 0; i < IMPORTED && status >= FHIRSTORE_OK; i++) {
        char line[256];
        (void)snprintf(
            line, sizeof line,
            "{\"resourceType\":\"Encounter\",\"id\":\"e%d-%d-%d\",\"status\":\"finished\","
            "\"class\":{\"code\":\"AMB\"}}",
            writer, number, i);
        status = fhirstore_import_add(import, "lines", (uint64_t)i + 1, line, strlen(line), NULL);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_import_finish(import, &totals, NULL);
    }
    fhirstore_import_close(import);
    return status == FHIRSTORE_ERR_BUSY                   ? 503
           : status >= FHIRSTORE_OK && totals.failed == 0 ? 200
                                                          : 599;
}

static int do_toggle(const setting *s, const handle *opened, int writer, int number)
{
    char url[64];
    char body[512];
    (void)snprintf(url, sizeof url, "Patient/d%d", writer);
    if (count_of_deeds(s, DEED_TOGGLE, number) % 2 == 0) {
        return http_of(opened, "DELETE", url, NULL, NULL);
    }
    write_patient(url + strlen("Patient/"), number, body, sizeof body);
    return http_of(opened, "PUT", url, body, NULL);
}

static int do_create(const handle *opened, int writer, int number)
{
    char url[64];
    char body[512];
    (void)snprintf(url, sizeof url, "Observation/o%d-%d", writer, number);
    (void)snprintf(body, sizeof body,
                   "{\"resourceType\":\"Observation\",\"id\":\"o%d-%d\",\"status\":\"final\","
                   "\"code\":{\"text\":\"c\"},\"subject\":{\"reference\":\"Patient/t%d-0\"}}",
                   writer, number, writer);
    return http_of(opened, "PUT", url, body, NULL);
}

static void copy_path(const setting *s, int writer, int number, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/copy%d-%d", s->folder, writer, number);
}

static fhirstore_status do_special(const setting *s, const handle *opened, int writer, int number)
{
    uint8_t key[KEY_BYTES];
    char path[192];
    uint32_t slot = 0;
    fhirstore_key_options options = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_backup_options backup = FHIRSTORE_BACKUP_OPTIONS_INIT;
    fhirstore_status status;
    key_after(s, number, key);
    options.key = key;
    options.key_len = sizeof key;
    backup.key = &options;
    switch (deed_of(s, number)) {
    case DEED_ROTATE:
        return fhirstore_key_rotate(opened->store, 0, &options, NULL, NULL);
    case DEED_RENEW:
        status = fhirstore_maintain(opened->store, NULL, NULL);
        return status < FHIRSTORE_OK ? status
                                     : fhirstore_key_renew(opened->store, &options, NULL, NULL);
    case DEED_MAINTAIN:
        return fhirstore_maintain(opened->store, NULL, NULL);
    case DEED_COMPACT:
        return fhirstore_compact(opened->store, NULL);
    case DEED_BACKUP:
        copy_path(s, writer, number, path, sizeof path);
        return fhirstore_backup(opened->store, path, strlen(path), &backup, NULL);
    case DEED_SUSPEND:
        return fhirstore_suspend(opened->store, NULL);
    default:
        key[KEY_BYTES - 1] = 1;
        status = fhirstore_key_add(opened->store, &options, &slot, NULL);
        return status < FHIRSTORE_OK ? status : fhirstore_key_remove(opened->store, slot, NULL);
    }
}

static int do_deed(const setting *s, const handle *opened, int writer, int number)
{
    switch (deed_of(s, number)) {
    case DEED_TRANSACTION:
        return do_transaction(opened, writer, number);
    case DEED_IMPORT:
        return do_import(opened, writer, number);
    case DEED_TOGGLE:
        return do_toggle(s, opened, writer, number);
    case DEED_CREATE:
        return do_create(opened, writer, number);
    default:
        break;
    }
    fhirstore_status status = do_special(s, opened, writer, number);
    return status == FHIRSTORE_ERR_BUSY ? 503 : status < FHIRSTORE_OK ? 599 : 200;
}

/* Several processes may keep each other waiting; what is answered busy has not happened. */
static bool must_do(const setting *s, const handle *opened, int writer, int number)
{
    int http = 503;
    for (int i = 0; i < BUSY_TRIES && (http == 503 || http == 423); i++) {
        http = do_deed(s, opened, writer, number);
    }
    if (http >= 300) {
        (void)fprintf(stderr, "# writer %d, call %d, deed %d: %d\n", writer, number,
                      (int)deed_of(s, number), http);
    }
    return http < 300;
}

/* Until it is killed. A positive number: acknowledged. A negative one: begun. */
static void write_for_ever(const setting *s, int writer, int number, int tell)
{
    handle opened;
    int opening = number - 1;
    fhirstore_status status = FHIRSTORE_ERR_IN_USE;
    for (int i = 0;
         i < BUSY_TRIES && (status == FHIRSTORE_ERR_IN_USE || status == FHIRSTORE_ERR_BUSY); i++) {
        status = open_with(s, s->path, opening, &opened);
        rest(status == FHIRSTORE_OK ? 0 : 20000);
    }
    if (status != FHIRSTORE_OK) {
        (void)fprintf(stderr, "# writer %d cannot open: %s\n", writer,
                      fhirstore_status_name(status));
        _exit(1);
    }
    for (;; number++) {
        const int begun = -number;
        if (write(tell, &begun, sizeof begun) != (ssize_t)sizeof begun ||
            !must_do(s, &opened, writer, number) ||
            write(tell, &number, sizeof number) != (ssize_t)sizeof number) {
            _exit(1);
        }
    }
}

/* ---- what is left ---- */

__attribute__((format(printf, 2, 3))) static void tell_finding(setting *s, const char *format, ...)
{
    va_list args;
    s->findings++;
    (void)printf("# FINDING: --seed %llu, %d writers, cycle %d: ", (unsigned long long)s->seed,
                 s->writers, s->cycle);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)printf("\n");
    (void)fflush(stdout);
}

/* The number in Patient/ID; 0: it is not there; below: it cannot be read. */
static int number_in(const handle *opened, const char *id)
{
    char url[64];
    char answer[TEXT_BYTES];
    (void)snprintf(url, sizeof url, "Patient/%s", id);
    int http = http_of(opened, "GET", url, NULL, answer);
    const char *found = strstr(answer, "\"multipleBirthInteger\":");
    if (http == 404 || http == 410) {
        return 0;
    }
    return http != 200 || found == NULL ? -1 : atoi(found + strlen("\"multipleBirthInteger\":"));
}

static bool is_there(const handle *opened, const char *format, int writer, int number)
{
    char url[64];
    char id[32];
    (void)snprintf(id, sizeof id, "%d-%d", writer, number);
    (void)snprintf(url, sizeof url, "%s%s%s", format, id, format[0] == 'E' ? "-0" : "");
    return http_of(opened, "GET", url, NULL, NULL) == 200;
}

/* Is the store, as far as this writer goes, as it is after call @a number? */
static bool is_as_after(const setting *s, const handle *opened, int writer, int number)
{
    char id[32];
    int transaction = last_of(s, DEED_TRANSACTION, number);
    int created = last_of(s, DEED_CREATE, number);
    int imported = last_of(s, DEED_IMPORT, number);
    int toggled = last_of(s, DEED_TOGGLE, number);
    bool is_gone = count_of_deeds(s, DEED_TOGGLE, number) % 2 == 0;
    for (int i = 0; i < 3; i++) {
        (void)snprintf(id, sizeof id, "t%d-%d", writer, i);
        if (number_in(opened, id) != transaction) {
            return false;
        }
    }
    (void)snprintf(id, sizeof id, "d%d", writer);
    return number_in(opened, id) == (is_gone ? 0 : toggled) &&
           (created == 0 || is_there(opened, "Observation/o", writer, created)) &&
           (imported == 0 || is_there(opened, "Encounter/e", writer, imported)) &&
           !is_there(opened, "Observation/o", writer, number + 1) &&
           !is_there(opened, "Encounter/e", writer, number + 1);
}

static void expect_count(setting *s, const handle *opened, const char *type, int64_t wanted)
{
    int64_t count = -1;
    (void)fhirstore_search_count(opened->session, type, strlen(type), "", 0, &count, NULL);
    if (count != wanted) {
        tell_finding(s, "there are %lld of %s, not %lld", (long long)count, type,
                     (long long)wanted);
    }
}

/* A backup that was acknowledged is there; one that was under way is, or is not. */
static void expect_copies(setting *s, int writer, int before, int done, int begun)
{
    for (int number = begun; number > before; number--) {
        char path[192];
        handle opened;
        if (deed_of(s, number) != DEED_BACKUP) {
            continue;
        }
        copy_path(s, writer, number, path, sizeof path);
        bool exists = access(path, F_OK) == 0;
        fhirstore_status status = exists ? open_with(s, path, number, &opened)
                                         : FHIRSTORE_ERR_NOT_FOUND;
        if (status == FHIRSTORE_OK) {
            close_with(&opened);
        } else if (exists || number <= done) {
            tell_finding(s, "the copy of call %d: %s", number, fhirstore_status_name(status));
        }
        (void)unlink(path);
    }
}

static void print_finding(void *ctx, const char *area, const char *text)
{
    (void)ctx;
    (void)printf("# verify: %s: %s\n", area, text);
}

static void expect_verified(setting *s, const handle *opened)
{
    int64_t found = -1;
    fhirstore_status status = fhirstore_verify(opened->store, NULL, NULL, &found, NULL);
    if (status != FHIRSTORE_OK || found != 0) {
        tell_finding(s, "verify: %s, %lld findings", fhirstore_status_name(status),
                     (long long)found);
        (void)fhirstore_verify(opened->store, print_finding, NULL, &found, NULL);
    }
}

/* done[] becomes what the store holds: what was under way may have happened. */
static void look_at_store(setting *s, const int *before, int *done, const int *begun)
{
    handle opened;
    int64_t created = 0;
    int64_t imported = 0;
    fhirstore_status status = open_with(s, s->path, begun[0], &opened);
    bool is_newer = status == FHIRSTORE_OK && is_alone(s);
    if (status == FHIRSTORE_ERR_KEY_WRONG || status == FHIRSTORE_ERR_NOT_FOUND) {
        close_with(&opened);
        status = open_with(s, s->path, done[0], &opened);
    }
    if (status != FHIRSTORE_OK) {
        tell_finding(s, "the store cannot be opened: %s", fhirstore_status_name(status));
        return;
    }
    uint8_t keys[2][KEY_BYTES];
    key_after(s, done[0], keys[0]);
    key_after(s, begun[0], keys[1]);
    bool is_told_by_key = is_alone(s) && memcmp(keys[0], keys[1], KEY_BYTES) != 0;
    expect_verified(s, &opened);
    for (int i = 0; i < s->writers; i++) {
        bool is_done = is_as_after(s, &opened, i, begun[i]);
        is_done = is_told_by_key ? is_done && is_newer : is_done;
        if (!is_done && !is_as_after(s, &opened, i, done[i])) {
            tell_finding(s, "writer %d: it is neither as after call %d nor as after %d (deed %d)",
                         i, done[i], begun[i], (int)deed_of(s, begun[i]));
        }
        int was_done = done[i];
        done[i] = is_done ? begun[i] : done[i];
        created += count_of_deeds(s, DEED_CREATE, done[i]);
        imported += (int64_t)IMPORTED * count_of_deeds(s, DEED_IMPORT, done[i]);
        expect_copies(s, i, before[i], was_done, begun[i]);
    }
    expect_count(s, &opened, "Observation", created);
    expect_count(s, &opened, "Encounter", imported);
    close_with(&opened);
}

/* ---- cycles ---- */

typedef struct victim {
    pid_t pid;
    int from; /* what it tells */
} victim;

static victim start_writer(const setting *s, int writer, int number)
{
    int ends[2];
    victim v = {-1, -1};
    if (pipe(ends) != 0 || (v.pid = fork()) < 0) {
        (void)printf("Bail out! no process can be made\n");
        exit(1);
    }
    if (v.pid == 0) {
        (void)close(ends[0]);
        write_for_ever(s, writer, number, ends[1]);
    }
    (void)close(ends[1]);
    v.from = ends[0];
    return v;
}

static void read_told(int told, int *done, int *begun)
{
    if (told < 0) {
        *begun = -told;
    } else {
        *done = told;
    }
}

static void kill_writer(setting *s, int writer, victim *v, int *done, int *begun)
{
    int result = 0;
    int told;
    (void)kill(v->pid, SIGKILL);
    (void)waitpid(v->pid, &result, 0);
    if (!WIFSIGNALED(result)) {
        tell_finding(s, "writer %d ended by itself: %d", writer, result);
    }
    while (read(v->from, &told, sizeof told) == (ssize_t)sizeof told) {
        read_told(told, done, begun);
    }
    (void)close(v->from);
}

/* Most are killed at work, after some calls; some at their opening. */
static void wait_for_work(const victim *v, int *done, int *begun)
{
    int told;
    int calls = (int)throw_below(24);
    if (throw_below(6) == 0) {
        rest(throw_below(15000));
        return;
    }
    for (int i = 0; i < 2 * calls + 1 && read(v->from, &told, sizeof told) == (ssize_t)sizeof told;
         i++) {
        read_told(told, done, begun);
    }
    rest(throw_below(throw_below(4) == 0 ? 20000 : 2000));
}

static void run_cycle(setting *s, int *done)
{
    victim victims[WRITERS];
    int begun[WRITERS];
    int before[WRITERS];
    for (int i = 0; i < s->writers; i++) {
        before[i] = done[i];
        begun[i] = done[i];
        victims[i] = start_writer(s, i, done[i] + 1);
    }
    int first = (int)throw_below((uint32_t)s->writers);
    wait_for_work(&victims[first], &done[first], &begun[first]);
    kill_writer(s, first, &victims[first], &done[first], &begun[first]);
    if (s->writers > 1) {
        rest(throw_below(20000)); /* the others go on */
    }
    for (int i = 0; i < s->writers; i++) {
        if (i != first) {
            kill_writer(s, i, &victims[i], &done[i], &begun[i]);
        }
    }
    look_at_store(s, before, done, begun);
}

static void empty_folder(const setting *s)
{
    DIR *listed = opendir(s->folder);
    for (const struct dirent *entry; listed != NULL && (entry = readdir(listed)) != NULL;) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", s->folder, entry->d_name);
        (void)unlink(path);
    }
    (void)closedir(listed);
}

static uint64_t run_cycles(int writers, int cycles, uint64_t seed)
{
    setting s = {.writers = writers, .seed = seed};
    int done[WRITERS] = {0};
    int64_t calls = 0;
    const char *base = getenv("TMPDIR");
    (void)snprintf(s.folder, sizeof s.folder, "%.90s/fhirstore-kill-XXXXXX",
                   base == NULL ? "/tmp" : base);
    if (mkdtemp(s.folder) == NULL) {
        (void)printf("Bail out! no folder can be made\n");
        exit(1);
    }
    (void)snprintf(s.path, sizeof s.path, "%s/store", s.folder);
    dice = seed;
    for (s.cycle = 0; s.cycle < cycles; s.cycle++) {
        if (s.cycle % FRESH_EVERY == 0) {
            handle opened;
            empty_folder(&s);
            memset(done, 0, sizeof done);
            if (writers > 1 && open_with(&s, s.path, 0, &opened) == FHIRSTORE_OK) {
                close_with(&opened);
            }
        }
        int64_t before = (int64_t)done[0] + done[1] + done[2];
        run_cycle(&s, done);
        calls += (int64_t)done[0] + done[1] + done[2] - before;
        if ((s.cycle + 1) % 500 == 0) {
            (void)printf("# %d cycles, %llu findings\n", s.cycle + 1,
                         (unsigned long long)s.findings);
            (void)fflush(stdout);
        }
    }
    empty_folder(&s);
    (void)rmdir(s.folder);
    (void)printf("# %d cycles of %d processes, %lld calls were done: %llu findings\n", cycles,
                 writers, (long long)calls, (unsigned long long)s.findings);
    return s.findings;
}

static uint64_t number_of(const char *text)
{
    char *end = NULL;
    uint64_t number = text == NULL ? 0 : strtoull(text, &end, 10);
    if (text == NULL || *text == '\0' || *end != '\0') {
        (void)fprintf(stderr, "usage: kill [--cycles N] [--seed N] [--long]\n");
        exit(2);
    }
    return number;
}

int main(int count, char **words)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = (uint64_t)now.tv_nsec * 1000003u + (uint64_t)now.tv_sec;
    int cycles = 100;
    const char *given = getenv("FHS_TEST_SEED");
    const char *is_long = getenv("FHIRSTORE_TEST_LONG");
#if defined(__SANITIZE_ADDRESS__)
    cycles = 10;
#endif
    seed = given == NULL ? seed : number_of(given);
    cycles = is_long != NULL && is_long[0] != '\0' && is_long[0] != '0' ? 1000 : cycles;
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--long") == 0) {
            cycles = 10000;
        } else if (strcmp(words[i], "--cycles") == 0) {
            cycles = (int)number_of(words[++i]);
        } else if (strcmp(words[i], "--seed") == 0) {
            seed = number_of(words[++i]);
        } else {
            (void)number_of(NULL);
        }
    }
    (void)printf("1..2\n");
    (void)fprintf(stderr, "# kill: FHS_TEST_SEED=%llu\n", (unsigned long long)seed);
    (void)fflush(stdout);
    uint64_t alone = run_cycles(1, cycles, seed);
    (void)printf("%sok 1 - one process is killed\n", alone == 0 ? "" : "not ");
    (void)fflush(stdout);
    uint64_t together = run_cycles(WRITERS, cycles, seed);
    (void)printf("%sok 2 - three processes are killed\n", together == 0 ? "" : "not ");
    return alone + together == 0 ? 0 : 1;
}
