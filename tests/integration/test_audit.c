/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit hook: its two phases, what an event tells, and that a hook which fails at any of its
 * calls leaves a store as it was before the interaction or as it is after it.
 */
#include <stdio.h>

#include "harness.h"

/* ---- the hook ---- */

typedef struct ear {
    char told[32768]; /* a line an event */
    int calls;        /* in either phase */
    int fails_at;     /* 0: never */
    bool fails_on;    /* … and at each call from there */
    bool is_brief;    /* names nothing but phase, action and outcome */
} ear;

static const char *outcome_name(fhirstore_status outcome)
{
    return outcome >= FHIRSTORE_OK ? "OK" : fhirstore_status_name(outcome);
}

static void append(ear *self, const char *label, const char *text)
{
    size_t at = strlen(self->told);
    if (text[0] != '\0') {
        (void)snprintf(self->told + at, sizeof self->told - at, " %s=%s", label, text);
    }
}

static fhirstore_status hear(ear *self, const fhirstore_audit_event *event)
{
    char text[64];
    ck_assert_uint_ge(event->struct_size, sizeof *event);
    ck_assert_uint_eq(strlen(event->patients), event->patients_len);
    ck_assert_uint_eq(strlen(event->resources), event->resources_len);
    ck_assert_uint_eq(strlen(event->restriction), event->restriction_len);
    ck_assert_int_eq((int)(event->flags & FHIRSTORE_AUDIT_HOOK_FAILED), 0);
    size_t at = strlen(self->told);
    (void)snprintf(self->told + at, sizeof self->told - at, "%s %d %s",
                   event->phase == FHIRSTORE_AUDIT_BEFORE ? "before" : "after", (int)event->action,
                   outcome_name(event->outcome));
    (void)snprintf(text, sizeof text, "%s%s%s", event->type, event->id_len > 0 ? "/" : "",
                   event->id);
    append(self, "on", text);
    append(self, "query", event->query);
    append(self, "patients", event->patients);
    append(self, "resources", event->resources);
    append(self, "restriction", event->restriction);
    if (event->entry > 0) {
        (void)snprintf(text, sizeof text, "%u", (unsigned)event->entry);
        append(self, "entry", text);
    }
    if (event->flags != 0) {
        (void)snprintf(text, sizeof text, "%u", (unsigned)event->flags);
        append(self, "flags", text);
    }
    at = strlen(self->told);
    (void)snprintf(self->told + at, sizeof self->told - at, "\n");
    const bool is_later = self->fails_on && self->fails_at != 0 && self->calls >= self->fails_at;
    return ++self->calls == self->fails_at || is_later ? FHIRSTORE_ERR_CALLBACK : FHIRSTORE_OK;
}

static fhirstore_status hear_after(void *ctx, const fhirstore_audit_event *event)
{
    ck_assert_int_eq(event->phase, FHIRSTORE_AUDIT_AFTER);
    return hear(ctx, event);
}

static fhirstore_status hear_before(void *ctx, const fhirstore_audit_event *event)
{
    ck_assert_int_eq(event->phase, FHIRSTORE_AUDIT_BEFORE);
    ck_assert_int_eq(event->outcome, FHIRSTORE_OK);
    ck_assert_int_eq((int)event->version_after, 0);
    return hear(ctx, event);
}

static void listen(ear *self)
{
    const fhirstore_audit_hook hook = {
        .struct_size = sizeof hook, .ctx = self, .record = hear_after, .before = hear_before};
    ck_assert_int_eq(fhirstore_set_audit_hook(store, &hook, NULL), FHIRSTORE_OK);
}

static void stop_listening(void)
{
    ck_assert_int_eq(fhirstore_set_audit_hook(store, NULL, NULL), FHIRSTORE_OK);
}

static ear *fresh_ear(void)
{
    static ear self;
    memset(&self, 0, sizeof self);
    listen(&self);
    return &self;
}

#define expect_heard(self, want)              \
    do {                                      \
        ck_assert_str_eq((self)->told, want); \
        (self)->told[0] = '\0';               \
    } while (0)

/* ---- data ---- */

static void put(const char *type, const char *id, const char *members)
{
    char body[1024];
    (void)snprintf(body, sizeof body, "{\"resourceType\":\"%s\",\"id\":\"%s\"%s}", type, id,
                   members);
    const reply answer = update(type, id, body);
    ck_assert_msg(answer.status >= FHIRSTORE_OK, "%s", answer.body);
}

#define OBSERVATION(patient) \
    ",\"status\":\"final\",\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":\"" patient "\"}"

/* ---- what is told ---- */

START_TEST(patients_concerned_are_named)
{
    put("Patient", "p", "");
    put("Patient", "q", "");
    put("Practitioner", "d", "");
    ear *self = fresh_ear();
    put("Observation", "o", OBSERVATION("Patient/p"));
    expect_heard(self, "before 5 OK on=Observation/o\n"
                       "after 5 OK on=Observation/o patients=p\n");
    /* Who was named before, and who is now. */
    put("Observation", "o", OBSERVATION("Patient/q"));
    expect_heard(self, "before 5 OK on=Observation/o\n"
                       "after 5 OK on=Observation/o patients=p q\n");
    expect_status(read_one("Observation", "o"), FHIRSTORE_OK);
    expect_heard(self, "before 1 OK on=Observation/o\n"
                       "after 1 OK on=Observation/o patients=q\n");
    /* An old version concerns whom it named. */
    expect_status(vread("Observation", "o", 1), FHIRSTORE_OK);
    expect_heard(self, "before 2 OK on=Observation/o\n"
                       "after 2 OK on=Observation/o patients=p\n");
    expect_status(history("Observation", "o", ""), FHIRSTORE_OK);
    expect_heard(self, "before 7 OK on=Observation/o\n"
                       "after 7 OK on=Observation/o patients=p q "
                       "resources=Observation/o Observation/o\n");
    expect_status(read_one("Practitioner", "d"), FHIRSTORE_OK);
    expect_heard(self, "before 1 OK on=Practitioner/d\nafter 1 OK on=Practitioner/d\n");
    expect_status(read_one("Patient", "p"), FHIRSTORE_OK);
    expect_heard(self, "before 1 OK on=Patient/p\nafter 1 OK on=Patient/p patients=p\n");
    expect_status(delete_one("Observation", "o"), FHIRSTORE_NO_CONTENT);
    expect_heard(self, "before 6 OK on=Observation/o\n"
                       "after 6 OK on=Observation/o patients=q\n");
}
END_TEST

/* A patient that is referenced and was never stored has its name in the text alone. */
START_TEST(patients_that_are_not_stored_are_named)
{
    ear *self = fresh_ear();
    put("Observation", "o", OBSERVATION("Patient/nobody"));
    put("Observation", "other",
        OBSERVATION("Group/g") ",\"note\":[{\"text\":\"not Patient/nobody\"}]");
    expect_heard(self, "before 5 OK on=Observation/o\n"
                       "after 5 OK on=Observation/o patients=nobody\n"
                       "before 5 OK on=Observation/other\nafter 5 OK on=Observation/other\n");
    expect_status(read_one("Observation", "o"), FHIRSTORE_OK);
    expect_heard(self, "before 1 OK on=Observation/o\n"
                       "after 1 OK on=Observation/o patients=nobody\n");
    expect_status(search_page("Observation", "_sort=_id"), FHIRSTORE_OK);
    expect_heard(self, "before 3 OK on=Observation query=_sort=_id\n"
                       "after 3 OK on=Observation query=_sort=_id patients=nobody "
                       "resources=Observation/o Observation/other\n");
    /* The same reference, written so that only a reader of JSON finds it: that is said. */
    put("Observation", "e", OBSERVATION("Patient\\/nobody"));
    self->told[0] = '\0';
    expect_status(read_one("Observation", "e"), FHIRSTORE_OK);
    expect_heard(self, "before 1 OK on=Observation/e\nafter 1 OK on=Observation/e flags=2\n");
}
END_TEST

START_TEST(searches_name_what_they_found)
{
    put("Patient", "p", "");
    put("Patient", "q", "");
    put("Observation", "a", OBSERVATION("Patient/p"));
    put("Observation", "b", OBSERVATION("Patient/q"));
    ear *self = fresh_ear();
    expect_status(search_page("Observation", "_id=b&_include=Observation:subject"), FHIRSTORE_OK);
    expect_heard(self, "before 3 OK on=Observation query=_id=b&_include=Observation:subject\n"
                       "after 3 OK on=Observation query=_id=b&_include=Observation:subject "
                       "patients=q resources=Observation/b Patient/q\n");
    ck_assert_int_eq(count_of("Observation", "status=final"), 2);
    expect_heard(self, "before 3 OK on=Observation query=status=final\n"
                       "after 3 OK on=Observation query=status=final\n");
    fhirstore_search *search;
    ck_assert_int_eq(
        fhirstore_search_open(session, "Observation", 11, "_sort=_id", 9, &search, NULL),
        FHIRSTORE_OK);
    expect_heard(self, "before 3 OK on=Observation query=_sort=_id\n");
    ck_assert_int_eq(fhirstore_search_next(search, NULL), FHIRSTORE_OK);
    /* The page is told of before its first resource leaves. */
    expect_heard(self, "after 3 OK on=Observation query=_sort=_id\n");
    ck_assert_int_eq(fhirstore_search_next(search, NULL), FHIRSTORE_OK);
    expect_heard(self, "");
    ck_assert_int_eq(fhirstore_search_next(search, NULL), FHIRSTORE_DONE);
    expect_heard(self, "after 3 OK on=Observation query=_sort=_id patients=p q "
                       "resources=Observation/a Observation/b\n");
    fhirstore_search_close(search);
    expect_heard(self, "");
}
END_TEST

START_TEST(there_are_limits_and_they_are_told)
{
    char line[256];
    fhirstore_import *import = NULL;
    ck_assert_int_eq(fhirstore_import_open(session, NULL, &import, NULL), FHIRSTORE_OK);
    for (int i = 0; i < 1002; i++) {
        (void)snprintf(line, sizeof line, "{\"resourceType\":\"Patient\",\"id\":\"p%d\"}", i);
        ck_assert_int_eq(fhirstore_import_add(import, "x", 1, line, strlen(line), NULL),
                         FHIRSTORE_OK);
    }
    ck_assert_int_eq(fhirstore_import_finish(import, NULL, NULL), FHIRSTORE_OK);
    fhirstore_import_close(import);
    ear *self = fresh_ear();
    expect_status(search_page("Patient", "_count=1000"), FHIRSTORE_OK);
    ck_assert_ptr_null(strstr(self->told, "flags="));
    ck_assert_ptr_nonnull(strstr(self->told, " p999 "));
    self->told[0] = '\0';
    expect_status(search_page("Patient", "_count=2000"), FHIRSTORE_OK);
    ck_assert_ptr_nonnull(strstr(self->told, "flags=3"));
}
END_TEST

START_TEST(restrictions_are_told)
{
    static const char claims[] = "{\"id\":\"app\",\"scope\":\"patient/*.cruds\",\"patient\":\"p\"}";
    fhirstore_session_options options = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore_session *within = NULL;
    put("Patient", "p", "");
    put("Observation", "o", OBSERVATION("Patient/p"));
    ck_assert_int_eq(fhirstore_set_policy(store, NULL, 0, NULL), FHIRSTORE_OK);
    options.claims = claims;
    options.claims_len = strlen(claims);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &within, NULL), FHIRSTORE_OK);
    ear *self = fresh_ear();
    expect_http(ask_bytes(within, "GET", "Observation/o", NULL, NULL, 0), 200);
    expect_heard(self, "before 1 OK on=Observation/o "
                       "restriction=Observation?_compartment=Patient/p\n"
                       "after 1 OK on=Observation/o patients=p "
                       "restriction=Observation?_compartment=Patient/p\n");
    fhirstore_session_close(within);
    static const char policy[] =
        "{\"roles\":{\"some\":{\"allow\":[{\"actions\":[\"read\"],\"where\":\"_id=a b,p\"}],"
        "\"hide\":[{\"types\":[\"Patient\"],\"elements\":[\"birthDate\"]}],"
        "\"keep\":[{\"types\":[\"Patient\"],\"elements\":[\"identifier\"]}]}}}";
    static const char roles[] = "{\"id\":\"app\",\"roles\":[\"some\"]}";
    ck_assert_int_eq(fhirstore_set_policy(store, policy, sizeof policy - 1, NULL), FHIRSTORE_OK);
    options.claims = roles;
    options.claims_len = strlen(roles);
    ck_assert_int_eq(fhirstore_session_open(store, &options, &within, NULL), FHIRSTORE_OK);
    expect_http(ask_bytes(within, "GET", "Patient/p", NULL, NULL, 0), 200);
    expect_heard(self, "before 1 OK on=Patient/p restriction=Patient?_id=a%20b,p "
                       "!Patient.birthDate !Patient.text =Patient.identifier\n"
                       "after 1 OK on=Patient/p patients=p restriction=Patient?_id=a%20b,p "
                       "!Patient.birthDate !Patient.text =Patient.identifier\n");
    /* What is denied was never about to happen. */
    expect_http(ask_bytes(within, "DELETE", "StructureMap/x", NULL, NULL, 0), 403);
    ck_assert_ptr_null(strstr(self->told, "before"));
    ck_assert_ptr_nonnull(strstr(self->told, "after 6 ERR_DENIED on=StructureMap/x"));
    fhirstore_session_close(within);
}
END_TEST

START_TEST(entries_are_told_apart)
{
    ear *self = fresh_ear();
    expect_http(
        ask("POST", "", NULL,
            "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"resource\":"
            "{\"resourceType\":\"Patient\",\"id\":\"a\"},\"request\":{\"method\":\"PUT\","
            "\"url\":\"Patient/a\"}}]}"),
        200);
    expect_heard(self, "before 9 OK\nbefore 5 OK on=Patient/a entry=1\n"
                       "after 5 OK on=Patient/a patients=a entry=1\nafter 9 OK\n");
}
END_TEST

/* ---- a hook that fails ---- */

typedef struct entry {
    const char *name;
    void (*run)(void);
    bool is_piecewise; /* each entry stands for itself */
} entry;

static void do_update(void)
{
    put("Patient", "new", "");
}

static void try_update(void)
{
    (void)update("Patient", "p", "{\"resourceType\":\"Patient\",\"id\":\"p\",\"active\":true}");
}

static void try_new(void)
{
    (void)update("Patient", "new", "{\"resourceType\":\"Patient\",\"id\":\"new\"}");
}

static void try_create(void)
{
    (void)create("Patient", "{\"resourceType\":\"Patient\"}");
}

static void try_with_provenance(void)
{
    (void)ask("PUT", "Patient/p",
              "X-Provenance: {\"resourceType\":\"Provenance\",\"recorded\":"
              "\"2020-01-01T00:00:00Z\",\"agent\":[{\"who\":{\"display\":\"me\"}}]}",
              "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"other\"}");
}

static void try_delete(void)
{
    (void)delete_one("Observation", "o");
}

static void try_read(void)
{
    (void)read_one("Patient", "p");
}

static void try_vread(void)
{
    (void)vread("Patient", "p", 1);
}

static void try_history(void)
{
    (void)history("Patient", "p", "");
}

static void try_search(void)
{
    (void)search_page("", "_type=Patient,Observation");
}

static void try_cursor(void)
{
    fhirstore_search *search = NULL;
    int handed = 0;
    if (fhirstore_search_open(session, "Patient", 7, "", 0, &search, NULL) < FHIRSTORE_OK) {
        return;
    }
    while (fhirstore_search_next(search, NULL) == FHIRSTORE_OK) {
        handed++;
    }
    fhirstore_search_close(search);
    ck_assert(handed == 0 || handed == 1);
}

static void try_patch(void)
{
    (void)ask("PATCH", "Patient/p", "Content-Type: application/json-patch+json",
              "[{\"op\":\"add\",\"path\":\"/active\",\"value\":false}]");
}

static void try_conditional_update(void)
{
    (void)ask("PUT", "Patient?_id=p", NULL, "{\"resourceType\":\"Patient\",\"active\":true}");
}

static void try_conditional_delete(void)
{
    (void)ask("DELETE", "Observation?status=final", NULL, NULL);
}

static void try_transaction(void)
{
    (void)ask("POST", "", NULL,
              "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"resource\":"
              "{\"resourceType\":\"Patient\",\"id\":\"a\"},\"request\":{\"method\":\"PUT\","
              "\"url\":\"Patient/a\"}},{\"request\":{\"method\":\"DELETE\",\"url\":"
              "\"Observation/o\"}},{\"request\":{\"method\":\"GET\",\"url\":\"Patient/p\"}}]}");
}

static void try_batch(void)
{
    (void)ask("POST", "", NULL,
              "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[{\"resource\":"
              "{\"resourceType\":\"Patient\",\"id\":\"a\"},\"request\":{\"method\":\"PUT\","
              "\"url\":\"Patient/a\"}},{\"request\":{\"method\":\"DELETE\",\"url\":"
              "\"Observation/o\"}}]}");
}

static void try_import(void)
{
    static const char *const lines[] = {"{\"resourceType\":\"Patient\",\"id\":\"i1\"}",
                                        "{\"resourceType\":\"Patient\",\"id\":\"i2\"}"};
    fhirstore_import *import = NULL;
    fhirstore_status status = fhirstore_import_open(session, NULL, &import, NULL);
    for (int i = 0; i < 2 && status == FHIRSTORE_OK; i++) {
        status = fhirstore_import_add(import, "x", 1, lines[i], strlen(lines[i]), NULL);
    }
    if (status == FHIRSTORE_OK) {
        (void)fhirstore_import_finish(import, NULL, NULL);
    }
    fhirstore_import_close(import);
}

static fhirstore_status count_exported(void *ctx, const char *type, const char *body,
                                       size_t body_len)
{
    (void)type;
    (void)body;
    (void)body_len;
    ++*(int *)ctx;
    return FHIRSTORE_OK;
}

static void try_export(void)
{
    int64_t count;
    int handed = 0;
    (void)fhirstore_export(session, NULL, count_exported, &handed, &count, NULL);
    ck_assert(handed == 0 || handed == 2);
}

static void try_metadata(void)
{
    (void)ask("GET", "metadata", NULL, NULL);
}

static void try_operation(void)
{
    (void)ask("GET",
              "CodeSystem/$lookup?system=http://hl7.org/fhir/administrative-gender&code=male", NULL,
              NULL);
}

static void try_retention(void)
{
    (void)fhirstore_journal_retain(session, 1, NULL);
}

static const entry entries[] = {
    {"update", try_update, false},
    {"new", try_new, false},
    {"create", try_create, false},
    {"provenance", try_with_provenance, false},
    {"delete", try_delete, false},
    {"read", try_read, false},
    {"vread", try_vread, false},
    {"history", try_history, false},
    {"search", try_search, false},
    {"cursor", try_cursor, false},
    {"patch", try_patch, false},
    {"conditional update", try_conditional_update, false},
    {"conditional delete", try_conditional_delete, false},
    {"transaction", try_transaction, false},
    {"batch", try_batch, true},
    {"import", try_import, false},
    {"export", try_export, false},
    {"metadata", try_metadata, false},
    {"operation", try_operation, false},
    {"retention", try_retention, false},
};

static char journal_text[1 << 20];

static const char *read_journal(void)
{
    fhirstore_buf page = {0};
    int64_t next;
    ck_assert_int_eq(fhirstore_journal_read(session, 1, 100000, &page, &next, NULL), FHIRSTORE_OK);
    ck_assert_uint_lt(page.len, sizeof journal_text);
    memcpy(journal_text, page.ptr, page.len);
    journal_text[page.len] = '\0';
    fhirstore_buf_clear(&page);
    return journal_text;
}

static int64_t same_time(void *ctx)
{
    (void)ctx;
    return INT64_C(1700000001) * SECOND;
}

/* One copy of the store in the folder is opened as the store under test. */
static void open_copy(const char *path, uint32_t flags)
{
    size_t len;
    char *bytes = load_file(store_path, &len);
    save_file(path, bytes, len);
    free(bytes);
    fhirstore_open_options options = open_options();
    options.flags |= flags;
    options.clock = same_time;
    store = must_open(path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "me");
}

static void close_copy(void)
{
    fhirstore_session_close(session);
    fhirstore_close(store);
}

static bool is_uuid(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    for (size_t i = 0; form[i] != '\0'; i++) {
        if (form[i] == '-' ? text[i] != '-'
                           : strchr("0123456789abcdef", text[i]) == NULL || text[i] == '\0') {
            return false;
        }
    }
    return true;
}

/* Made-up ids and fractions of a second are not the same twice. */
static char *without_chance(const char *state)
{
    static const char second[] = "2023-11-14T22:13:2";
    char *out = calloc(1, strlen(state) + 1);
    size_t len = 0;
    ck_assert_ptr_nonnull(out);
    for (const char *at = state; *at != '\0';) {
        if (strncmp(at, second, sizeof second - 1) == 0) {
            at += strcspn(at, "Z");
        } else if (is_uuid(at)) {
            at += 36;
        } else {
            out[len++] = *at++;
        }
    }
    return out;
}

static bool stays_deaf; /* a hook that fails goes on failing */

/* The store after @a run, with the hook failing at its call @a fails_at; *calls_out: of them all.
 */
static char *state_after(const entry *what, int fails_at, uint32_t flags, int *calls_out)
{
    open_copy(in_folder("copy"), flags);
    ear *self = fresh_ear();
    self->fails_at = fails_at;
    self->fails_on = stays_deaf;
    what->run();
    *calls_out = self->calls;
    stop_listening();
    char *state = without_chance(state_of_store());
    fhirstore_buf report = {0};
    ck_assert_int_eq(fhirstore_journal_verify(session, NULL, 0, &report, NULL), FHIRSTORE_OK);
    fhirstore_buf_clear(&report);
    (void)read_journal();
    expect_sound(store);
    close_copy();
    forget_replies();
    return state;
}

static void do_nothing(void)
{
}

/* Records of writes that went well, behind the first three, which set_up wrote. */
static int writes_recorded(void)
{
    static const char *const done[] = {
        "\"action\":\"create\",\"outcome\":\"OK\"", "\"action\":\"update\",\"outcome\":\"OK\"",
        "\"action\":\"delete\",\"outcome\":\"OK\"", "\"action\":\"patch\",\"outcome\":\"OK\""};
    int count = 0;
    for (size_t i = 0; i < sizeof done / sizeof *done; i++) {
        for (const char *at = journal_text; (at = strstr(at, done[i])) != NULL; at++) {
            count++;
        }
    }
    return count;
}

/* Records that say that something went well. */
static int successes_recorded(void)
{
    int count = 0;
    for (const char *at = journal_text; (at = strstr(at, "\"outcome\":\"OK\"")) != NULL; at++) {
        count++;
    }
    return count;
}

START_TEST(a_read_that_was_refused_is_not_recorded_as_done)
{
    for (int phase = 1; phase <= 2; phase++) {
        put("Patient", "p", "");
        (void)read_journal();
        const int before = successes_recorded();
        ear *self = fresh_ear();
        self->fails_at = phase;
        const reply answer = read_one("Patient", "p");
        expect_status(answer, FHIRSTORE_ERR_AUDIT_REFUSED);
        stop_listening();
        (void)read_journal();
        ck_assert_int_eq(successes_recorded(), before + 1); /* looking at the journal */
        ck_assert_ptr_nonnull(strstr(journal_text, "\"outcome\":\"ERR_AUDIT_REFUSED\""));
    }
}
END_TEST

static void fail_at_each_call(const entry *what)
{
    static const entry nothing = {"nothing", do_nothing, false};
    int calls = 0;
    int ignored;
    char *before = state_after(&nothing, 0, 0, &ignored);
    const int writes_before = writes_recorded();
    char *after = state_after(what, 0, 0, &calls);
    const int writes_after = writes_recorded();
    ck_assert_msg(calls >= 2, "%s: %d calls", what->name, calls);
    for (int n = 1; n <= calls; n++) {
        int heard;
        char *state = state_after(what, n, 0, &heard);
        ck_assert_int_ge(heard, n);
        const bool is_before = strcmp(state, before) == 0;
        const bool is_after = strcmp(state, after) == 0;
        ck_assert_msg(is_before || is_after || what->is_piecewise, "%s, call %d: half of it:\n%s",
                      what->name, n, state);
        ck_assert_msg(strstr(journal_text, "ERR_AUDIT_REFUSED") != NULL,
                      "%s, call %d: no record of the refusal", what->name, n);
        if (is_before) {
            ck_assert_msg(writes_recorded() == writes_before,
                          "%s, call %d: what was undone is recorded as done", what->name, n);
        } else if (is_after) {
            ck_assert_int_eq(writes_recorded(), writes_after);
        }
        free(state);
    }
    free(before);
    free(after);
}

static void fill_and_close(void)
{
    put("Patient", "p", "");
    put("Observation", "o", OBSERVATION("Patient/p"));
    fhirstore_session_close(session);
    fhirstore_close(store);
}

static void open_again(void)
{
    fhirstore_open_options options = open_options();
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "me");
}

static void fail_in_each_entry(void)
{
    fill_and_close();
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        fail_at_each_call(&entries[i]);
    }
    open_again();
}

START_TEST(a_hook_that_fails_leaves_nothing_half_done)
{
    fail_in_each_entry();
}
END_TEST

/* What it does not want to hear of any more was tried all the same, and is on record. */
START_TEST(a_hook_that_goes_on_failing_hides_nothing)
{
    stays_deaf = true;
    fail_in_each_entry();
    stays_deaf = false;
}
END_TEST

/* Opened so, everything happens all the same, and the journal has the failure besides. */
START_TEST(best_effort_goes_on_and_says_so)
{
    fill_and_close();
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        const entry *what = &entries[i];
        int calls;
        int heard;
        char *after = state_after(what, 0, FHIRSTORE_OPEN_AUDIT_BEST_EFFORT, &calls);
        const int writes_after = writes_recorded();
        for (int n = 1; n <= calls; n++) {
            char *state = state_after(what, n, FHIRSTORE_OPEN_AUDIT_BEST_EFFORT, &heard);
            ck_assert_int_eq(heard, calls);
            ck_assert_msg(strcmp(state, after) == 0, "%s, call %d:\n%s\n%s", what->name, n, state,
                          after);
            ck_assert_msg(strstr(journal_text, "\"hookFailed\":true") != NULL, "%s, call %d: %s",
                          what->name, n, journal_text);
            ck_assert_int_eq(writes_recorded(), writes_after);
            free(state);
        }
        free(after);
    }
    open_again();
}
END_TEST

START_TEST(what_is_refused_before_was_never_done)
{
    ear *self = fresh_ear();
    self->fails_at = 1;
    reply answer = update("Patient", "a", "{\"resourceType\":\"Patient\",\"id\":\"a\"}");
    expect_refusal(&answer, FHIRSTORE_ERR_AUDIT_REFUSED, "suppressed", NULL);
    expect_heard(self, "before 5 OK on=Patient/a\nafter 5 ERR_AUDIT_REFUSED on=Patient/a\n");
    do_update();
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("told", setup_store, patients_concerned_are_named,
              patients_that_are_not_stored_are_named, searches_name_what_they_found,
              there_are_limits_and_they_are_told, restrictions_are_told, entries_are_told_apart),
        GROUP("failing", setup_clocked_store, what_is_refused_before_was_never_done,
              a_read_that_was_refused_is_not_recorded_as_done,
              a_hook_that_fails_leaves_nothing_half_done, a_hook_that_goes_on_failing_hides_nothing,
              best_effort_goes_on_and_says_so),
    };
    return run_groups("audit", groups, sizeof groups / sizeof groups[0]);
}
