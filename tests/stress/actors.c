/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who works on the store beside the writers. Each holds a session of its own, so that its calls of
 * the store itself stay allowed while another thread closes it, and ends when the store is closed
 * or no writer is left.
 */
#include <unistd.h>

#include "stress.h"

#define ANYTHING (MAY_BE_BUSY | MAY_BE_CLOSED)

/* What a reader has seen of each resource: versions never go back. */
typedef struct seen {
    int64_t version[MAX_WRITERS][OWN_RESOURCES];
} seen;

static bool read_one(run *all, fhirstore_session *session, uint64_t *dice, seen *known)
{
    const unsigned number = (unsigned)script_roll(dice, all->all_writers);
    const unsigned resource = (unsigned)script_roll(dice, OWN_RESOURCES);
    int64_t *newest = &known->version[number][resource];
    char url[64];
    char *body = NULL;
    int64_t version = 0;
    uint64_t value;
    (void)snprintf(url, sizeof url, "Patient/w%u-%u", number, resource);
    const fhirstore_status status = ask(all, session, "GET", url, "", ANYTHING | MAY_BE_ABSENT,
                                        &body, &version);
    if (status >= FHIRSTORE_OK) {
        MUST(value_of(body, strlen(body), &value));
        MUST(version >= *newest);
        *newest = version;
    }
    free(body);
    return status != FHIRSTORE_ERR_CLOSED;
}

void *read_things(void *ctx)
{
    static const char *const urls[] = {
        "Patient/w0-0/_history",
        "Patient/w0-1/$everything",
        "_history?_count=5",
        "Patient?_summary=count",
        "metadata",
    };
    run *all = ctx;
    uint64_t dice = all->seed + 1000;
    seen known = {{{0}}};
    fhirstore_session *session = enter(all, "reader");
    bool is_open = session != NULL;
    while (is_open && goes_on(all)) {
        for (unsigned i = 0; is_open && i < 8; i++) {
            is_open = read_one(all, session, &dice, &known);
        }
        const char *url = urls[script_roll(&dice, sizeof urls / sizeof *urls)];
        is_open = is_open && ask(all, session, "GET", url, "", ANYTHING | MAY_BE_ABSENT, NULL,
                                 NULL) != FHIRSTORE_ERR_CLOSED;
    }
    fhirstore_session_close(session);
    return NULL;
}

static void check_match(const fhirstore_search *search, bool was_seen[MAX_WRITERS][OWN_RESOURCES])
{
    char id[16] = "";
    unsigned number = 0;
    unsigned resource = 0;
    uint64_t value;
    size_t len = 0;
    const char *shown = fhirstore_search_id(search, &len);
    MUST(len < sizeof id);
    memcpy(id, shown, len);
    shown = fhirstore_search_body(search, &len);
    MUST(value_of(shown, len, &value));
    MUST(sscanf(id, "w%u-%u", &number, &resource) == 2);
    MUST(number < MAX_WRITERS && resource < OWN_RESOURCES && !was_seen[number][resource]);
    was_seen[number][resource] = true;
}

/* A cursor sees one state: no resource twice, none torn. */
static bool walk_cursor(run *all, fhirstore_session *session, const char *query)
{
    bool was_seen[MAX_WRITERS][OWN_RESOURCES] = {{false}};
    fhirstore_search *search = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_search_open(session, "Patient", 7, query, strlen(query),
                                                    &search, &error);
    status = expect_status(status, error, ANYTHING, query);
    while (status == FHIRSTORE_OK) {
        status = fhirstore_search_next(search, &error);
        status = expect_status(status, error, ANYTHING, query);
        /* What a cursor shows is gone when another thread closes the store. */
        if (status == FHIRSTORE_OK && all->steps > 0) {
            check_match(search, was_seen);
        }
    }
    fhirstore_search_close(search);
    atomic_fetch_add(&all->calls, 1);
    return status != FHIRSTORE_ERR_CLOSED;
}

static fhirstore_status take_exported(void *ctx, const char *type, const char *body,
                                      size_t body_len)
{
    uint64_t value;
    (void)ctx;
    MUST(body_len > 0 && (strcmp(type, "Patient") != 0 || value_of(body, body_len, &value)));
    return FHIRSTORE_OK;
}

static bool export_all(run *all, fhirstore_session *session)
{
    fhirstore_error *error = NULL;
    int64_t count = 0;
    const fhirstore_status status = fhirstore_export(session, NULL, take_exported, NULL, &count,
                                                     &error);
    atomic_fetch_add(&all->calls, 1);
    return expect_status(status, error, ANYTHING, "export") != FHIRSTORE_ERR_CLOSED;
}

void *search_things(void *ctx)
{
    static const char *const queries[] = {
        "",
        "name=name1",
        "identifier=urn:stress%7C&_sort=name",
        "_sort=-_lastUpdated&_count=3",
        "_id=w0-0,w0-1,w1-0,w2-3",
        "mine:missing=false",
    };
    run *all = ctx;
    uint64_t dice = all->seed + 2000;
    fhirstore_session *session = enter(all, "searcher");
    bool is_open = session != NULL;
    while (is_open && goes_on(all)) {
        /* The last one needs a parameter that comes and goes: its absence is an answer, too. */
        const uint64_t which = script_roll(&dice, sizeof queries / sizeof *queries);
        is_open = which + 1 < sizeof queries / sizeof *queries
                      ? walk_cursor(all, session, queries[which])
                      : export_all(all, session);
    }
    fhirstore_session_close(session);
    return NULL;
}

static fhirstore_status maintain(run *all, uint32_t max_ms)
{
    fhirstore_maintain_options options = FHIRSTORE_MAINTAIN_OPTIONS_INIT;
    fhirstore_error *error = NULL;
    options.max_ms = max_ms;
    options.per_commit = 5;
    const fhirstore_status status = fhirstore_maintain(all->store, &options, &error);
    atomic_fetch_add(&all->calls, 1);
    return expect_status(status, error, ANYTHING, "maintain");
}

/* Search parameters that come, are indexed, and go. */
void *tend_index(void *ctx)
{
    static const char parameter[] =
        "{\"resourceType\":\"SearchParameter\",\"id\":\"mine\",\"url\":\"http://example.org/mine\","
        "\"name\":\"mine\",\"status\":\"active\",\"description\":\"d\",\"code\":\"mine\",\"base\":["
        "\"Patient\"],\"type\":\"string\",\"expression\":\"Patient.name.family\"}";
    run *all = ctx;
    fhirstore_session *session = enter(all, "indexer");
    bool is_open = session != NULL;
    while (is_open && goes_on(all)) {
        static const char *const calls[][3] = {
            {"PUT", "SearchParameter/mine", parameter},
            {"GET", "Patient?mine=name", ""},
            {"POST", "$reindex", ""},
            {"DELETE", "SearchParameter/mine", ""},
        };
        for (unsigned i = 0; is_open && i < sizeof calls / sizeof *calls; i++) {
            const unsigned may = ANYTHING | MAY_BE_ABSENT;
            is_open = ask(all, session, calls[i][0], calls[i][1], calls[i][2], may, NULL, NULL) !=
                          FHIRSTORE_ERR_CLOSED &&
                      maintain(all, 20) != FHIRSTORE_ERR_CLOSED;
        }
    }
    fhirstore_session_close(session);
    return NULL;
}

static bool list_keys(run *all)
{
    fhirstore_buf list = {0};
    fhirstore_error *error = NULL;
    const fhirstore_status status = fhirstore_key_list(all->store, &list, &error);
    fhirstore_buf_clear(&list);
    return expect_status(status, error, ANYTHING, "key list") != FHIRSTORE_ERR_CLOSED;
}

/* A slot comes and goes, the store's own is put in the place of itself; now and then a new data
 * key. */
static bool change_keys(run *all, bool renews)
{
    uint8_t key[KEY_BYTES];
    fhirstore_key_options options = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_error *error = NULL;
    uint32_t slot = 0;
    options.key = key;
    options.key_len = sizeof key;
    memset(key, 8, sizeof key);
    fhirstore_status status = fhirstore_key_add(all->store, &options, &slot, &error);
    if (expect_status(status, error, ANYTHING, "key add") >= FHIRSTORE_OK) {
        status = fhirstore_key_remove(all->store, slot, &error);
        status = expect_status(status, error, ANYTHING, "key remove");
    }
    memset(key, 7, sizeof key);
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_key_rotate(all->store, 0, &options, &slot, &error);
        status = expect_status(status, error, ANYTHING, "key rotate");
    }
    if (status >= FHIRSTORE_OK && renews) {
        status = fhirstore_key_renew(all->store, &options, &slot, &error);
        status = expect_status(status, error, ANYTHING, "key renew");
    }
    atomic_fetch_add(&all->calls, 3);
    return status != FHIRSTORE_ERR_CLOSED;
}

void *tend_keys(void *ctx)
{
    run *all = ctx;
    uint64_t dice = all->seed + 3000;
    fhirstore_session *session = enter(all, "keeper");
    bool is_open = session != NULL;
    while (is_open && goes_on(all)) {
        is_open = list_keys(all) && change_keys(all, script_roll(&dice, 3) == 0) &&
                  maintain(all, 10) != FHIRSTORE_ERR_CLOSED;
    }
    fhirstore_session_close(session);
    return NULL;
}

/* A copy is a store with whole resources, and sound. */
static void check_copy(const char *path, const uint8_t *key)
{
    fhirstore_open_options options = FHIRSTORE_OPEN_OPTIONS_INIT;
    fhirstore *copy = NULL;
    fhirstore_error *error = NULL;
    int64_t findings = 0;
    options.key = key;
    options.key_len = KEY_BYTES;
    fhirstore_status status = fhirstore_open(path, strlen(path), &options, &copy, &error);
    (void)expect_status(status, error, 0, "copy");
    status = fhirstore_verify(copy, NULL, NULL, &findings, &error);
    (void)expect_status(status, error, 0, "verify of a copy");
    MUST(findings == 0);
    fhirstore_close(copy);
}

void *make_copies(void *ctx)
{
    run *all = ctx;
    static const uint8_t key[KEY_BYTES] = {9};
    char path[sizeof all->path + 32];
    fhirstore_key_options slot = FHIRSTORE_KEY_OPTIONS_INIT;
    fhirstore_backup_options options = FHIRSTORE_BACKUP_OPTIONS_INIT;
    slot.key = key;
    slot.key_len = sizeof key;
    options.key = &slot;
    (void)snprintf(path, sizeof path, "%s-copy-%u", all->path, all->first_writer);
    fhirstore_session *session = enter(all, "copier");
    bool is_open = session != NULL;
    while (is_open && goes_on(all)) {
        fhirstore_error *error = NULL;
        int64_t findings = 0;
        fhirstore_status status = fhirstore_backup(all->store, path, strlen(path), &options,
                                                   &error);
        status = expect_status(status, error, ANYTHING, "backup");
        if (status >= FHIRSTORE_OK) {
            check_copy(path, key);
            MUST(unlink(path) == 0);
        }
        if (status != FHIRSTORE_ERR_CLOSED) {
            status = fhirstore_verify(all->store, NULL, NULL, &findings, &error);
            status = expect_status(status, error, ANYTHING, "verify");
            MUST(findings == 0);
        }
        atomic_fetch_add(&all->calls, 2);
        is_open = status != FHIRSTORE_ERR_CLOSED;
    }
    fhirstore_session_close(session);
    return NULL;
}

static void *cancel(void *ctx)
{
    fhirstore_session_cancel(ctx);
    return NULL;
}

/* Sessions that come and go, and are told to stop from another thread. */
static bool work_and_be_stopped(run *all)
{
    pthread_t stopper;
    fhirstore_session *session = enter(all, "guest");
    if (session == NULL) {
        return false;
    }
    MUST(pthread_create(&stopper, NULL, cancel, session) == 0);
    const fhirstore_status status = ask(all, session, "GET",
                                        "Patient?name=name&_sort=name&_include=*", "",
                                        ANYTHING | MAY_BE_CANCELLED, NULL, NULL);
    MUST(pthread_join(stopper, NULL) == 0);
    fhirstore_session_close(session);
    return status != FHIRSTORE_ERR_CLOSED;
}

static bool look_after_store(run *all, uint64_t *dice)
{
    fhirstore_buf text = {0};
    fhirstore_error *error = NULL;
    fhirstore_status status;
    switch (script_roll(dice, 4)) {
    case 0:
        status = fhirstore_stats(all->store, &text, &error);
        break;
    case 1:
        status = fhirstore_anchor(all->store, &text, &error);
        break;
    case 2:
        status = fhirstore_store_trim(all->store, &error);
        break;
    default:
        status = all->is_alone ? fhirstore_suspend(all->store, &error) : FHIRSTORE_OK;
        break;
    }
    fhirstore_buf_clear(&text);
    atomic_fetch_add(&all->calls, 1);
    return expect_status(status, error, ANYTHING, "stats, anchor, trim, suspend") !=
           FHIRSTORE_ERR_CLOSED;
}

void *come_and_go(void *ctx)
{
    run *all = ctx;
    uint64_t dice = all->seed + 4000;
    fhirstore_session *session = enter(all, "host");
    bool is_open = session != NULL;
    while (is_open && goes_on(all)) {
        is_open = work_and_be_stopped(all) && look_after_store(all, &dice);
    }
    fhirstore_session_close(session);
    return NULL;
}
