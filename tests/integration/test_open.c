/* SPDX-License-Identifier: Apache-2.0 */
/* What opening answers to everything that is no store of this key. */
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

#define HEADER_COPY_BYTES 4096
#define CHILD_FINE        40
#define CHILD_IN_USE      41
#define CHILD_OTHER       42

static fhirstore_status try_open(const char *path, const fhirstore_open_options *options)
{
    fhirstore *opened = (fhirstore *)&opened;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_open(path, strlen(path), options, &opened, &error);
    ck_assert_msg((status == FHIRSTORE_OK) == (opened != NULL), "status and store disagree");
    ck_assert_msg((status == FHIRSTORE_OK) == (error == NULL), "status and error disagree");
    ck_assert_int_eq(fhirstore_error_status(error), status);
    ck_assert(status == FHIRSTORE_OK || fhirstore_error_message(error)[0] != '\0');
    fhirstore_error_free(error);
    fhirstore_close(opened);
    return status;
}

#define expect_open(path, options, want)                                                         \
    do {                                                                                         \
        fhirstore_status got_ = try_open(path, options);                                         \
        ck_assert_msg(got_ == (want), "opening gave %s, wanted %s", fhirstore_status_name(got_), \
                      fhirstore_status_name(want));                                              \
    } while (0)

/* A closed store with something in it. */
static void make_store(void)
{
    const fhirstore_open_options options = open_options();
    fhirstore *made = must_open(store_path, &options);
    session = must_enter(made, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    for (int i = 0; i < 40; i++) {
        reply answer = create("Patient", "{\"resourceType\":\"Patient\",\"name\":[{\"family\":"
                                         "\"Quetzalcoatl\",\"given\":[\"Aaaa\"]}]}");
        expect_status(answer, FHIRSTORE_CREATED);
    }
    fhirstore_session_close(session);
    session = NULL;
    fhirstore_close(made);
}

START_TEST(no_file_is_made_unless_asked_for)
{
    fhirstore_open_options options = open_options();
    options.flags = 0;
    expect_open(store_path, &options, FHIRSTORE_ERR_NOT_FOUND);
    ck_assert_int_ne(access(store_path, F_OK), 0);
    expect_open(in_folder("no/such/folder"), &options, FHIRSTORE_ERR_NOT_FOUND);
    options.flags = FHIRSTORE_OPEN_CREATE;
    ck_assert_int_lt(try_open(in_folder("no/such/folder"), &options), FHIRSTORE_OK);
    expect_open(folder, &options, FHIRSTORE_ERR_NOT_A_STORE);
}
END_TEST

START_TEST(no_key_never_makes_or_opens_a_plain_store)
{
    fhirstore_open_options options = open_options();
    options.key = NULL;
    options.key_len = 0;
    expect_open(store_path, &options, FHIRSTORE_ERR_KEY_MISSING);
    ck_assert_int_ne(access(store_path, F_OK), 0);
    ck_assert_int_eq(try_open(store_path, NULL), FHIRSTORE_ERR_NOT_FOUND);
    make_store();
    expect_open(store_path, &options, FHIRSTORE_ERR_KEY_MISSING);
    expect_open(store_path, NULL, FHIRSTORE_ERR_KEY_MISSING);
    options.flags |= FHIRSTORE_OPEN_PLAINTEXT;
    fhirstore_status plain = try_open(store_path, &options);
    ck_assert_msg(plain == FHIRSTORE_ERR_NOT_A_STORE || plain == FHIRSTORE_ERR_KEY_MISSING,
                  "an encrypted store opened as plain gave %s", fhirstore_status_name(plain));
    options = open_options();
    expect_open(store_path, &options, FHIRSTORE_OK);
}
END_TEST

START_TEST(another_key_is_told_and_changes_nothing)
{
    fhirstore_open_options options = open_options();
    make_store();
    size_t before_len;
    size_t after_len;
    char *before = load_file(store_path, &before_len);
    options.key = another_key;
    expect_open(store_path, &options, FHIRSTORE_ERR_KEY_WRONG);
    options.key = NULL;
    options.key_len = 0;
    options.passphrase = "not a passphrase of this store";
    options.passphrase_len = strlen(options.passphrase);
    expect_open(store_path, &options, FHIRSTORE_ERR_KEY_WRONG);
    char *after = load_file(store_path, &after_len);
    ck_assert_uint_eq(before_len, after_len);
    ck_assert_mem_eq(before, after, before_len);
    free(before);
    free(after);
}
END_TEST

START_TEST(a_passphrase_opens_only_as_it_was)
{
    fhirstore_open_options options = open_options();
    options.key = NULL;
    options.key_len = 0;
    options.flags |= FHIRSTORE_OPEN_CHEAP_KDF;
    options.passphrase = "correct horse";
    options.passphrase_len = 13;
    expect_open(store_path, &options, FHIRSTORE_OK);
    expect_open(store_path, &options, FHIRSTORE_OK);
    options.passphrase = "correct horsf";
    expect_open(store_path, &options, FHIRSTORE_ERR_KEY_WRONG);
    options.passphrase_len = 12;
    expect_open(store_path, &options, FHIRSTORE_ERR_KEY_WRONG);
    options = open_options();
    expect_open(store_path, &options, FHIRSTORE_ERR_KEY_WRONG);
}
END_TEST

START_TEST(one_process_holds_the_file)
{
    const fhirstore_open_options options = open_options();
    fhirstore *first = must_open(store_path, &options);
    expect_open(store_path, &options, FHIRSTORE_ERR_IN_USE);
    /* Under another name too. */
    char other[200];
    (void)snprintf(other, sizeof other, "%s/./store", folder);
    expect_open(other, &options, FHIRSTORE_ERR_IN_USE);
    ck_assert_int_eq(link(store_path, in_folder("hard-link")), 0);
    expect_open(in_folder("hard-link"), &options, FHIRSTORE_ERR_IN_USE);
    ck_assert_int_eq(run_self("open", store_path), CHILD_IN_USE);
    expect_sound(first);
    fhirstore_close(first);
    ck_assert_int_eq(run_self("open", store_path), CHILD_FINE);
    expect_open(store_path, &options, FHIRSTORE_OK);
}
END_TEST

START_TEST(several_processes_share_where_asked_for)
{
    fhirstore_open_options options = open_options();
    options.flags |= FHIRSTORE_OPEN_MULTI_PROCESS;
    fhirstore *first = must_open(store_path, &options);
    session = must_enter(first, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    expect_status(create("Patient", "{\"resourceType\":\"Patient\"}"), FHIRSTORE_CREATED);
    ck_assert_int_eq(run_self("share", store_path), CHILD_FINE);
    /* What the other process wrote is there. */
    ck_assert_int_eq(count_of("Patient", ""), 2);
    expect_status(create("Patient", "{\"resourceType\":\"Patient\"}"), FHIRSTORE_CREATED);
    ck_assert_int_eq(count_of("Patient", ""), 3);
    expect_sound(first);
    fhirstore_session_close(session);
    session = NULL;
    fhirstore_close(first);
}
END_TEST

START_TEST(files_that_are_something_else)
{
    const fhirstore_open_options options = open_options();
    char noise[20000];
    const char *path = in_folder("other");
    memset(noise, 'n', sizeof noise);
    save_file(path, noise, sizeof noise);
    expect_open(path, &options, FHIRSTORE_ERR_NOT_A_STORE);
    save_file(path, "hello", 5);
    expect_open(path, &options, FHIRSTORE_ERR_NOT_A_STORE);
    randombytes_buf(noise, sizeof noise);
    save_file(path, noise, sizeof noise);
    expect_open(path, &options, FHIRSTORE_ERR_NOT_A_STORE);
}
END_TEST

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    char *message = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK, "%s", message);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

START_TEST(a_plain_database_is_told_apart)
{
    fhirstore_open_options options = open_options();
    const char *path = in_folder("plain");
    run_sql(path, "CREATE TABLE t(x); INSERT INTO t VALUES(1);");
    size_t before_len;
    char *before = load_file(path, &before_len);
    expect_open(path, &options, FHIRSTORE_ERR_PLAIN_STORE);
    /* Even where a plain store is wanted, somebody else's database is none. */
    options.flags = FHIRSTORE_OPEN_PLAINTEXT | FHIRSTORE_OPEN_CREATE;
    options.key = NULL;
    options.key_len = 0;
    expect_open(path, &options, FHIRSTORE_ERR_NOT_A_STORE);
    size_t after_len;
    char *after = load_file(path, &after_len);
    ck_assert_uint_eq(before_len, after_len);
    ck_assert_mem_eq(before, after, before_len);
    free(before);
    free(after);
    expect_open(store_path, &options, FHIRSTORE_OK);
    options = open_options();
    expect_open(store_path, &options, FHIRSTORE_ERR_PLAIN_STORE);
}
END_TEST

START_TEST(a_newer_schema_is_told)
{
    fhirstore_open_options options = open_options();
    options.flags = FHIRSTORE_OPEN_PLAINTEXT | FHIRSTORE_OPEN_CREATE;
    options.key = NULL;
    options.key_len = 0;
    expect_open(store_path, &options, FHIRSTORE_OK);
    run_sql(store_path, "PRAGMA user_version = 9999");
    expect_open(store_path, &options, FHIRSTORE_ERR_SCHEMA);
    run_sql(store_path, "PRAGMA user_version = 0");
    ck_assert_int_lt(try_open(store_path, &options), FHIRSTORE_OK);
}
END_TEST

START_TEST(a_newer_format_is_told)
{
    const fhirstore_open_options options = open_options();
    make_store();
    size_t len;
    char *bytes = load_file(store_path, &len);
    for (size_t copy = 0; copy < 2; copy++) {
        unsigned char *header = (unsigned char *)bytes + copy * HEADER_COPY_BYTES;
        header[16] = 0x63; /* the format, little-endian */
        (void)crypto_generichash(header + 4032, 32, header, 4032, NULL, 0);
    }
    save_file(store_path, bytes, len);
    free(bytes);
    expect_open(store_path, &options, FHIRSTORE_ERR_FORMAT);
}
END_TEST

START_TEST(a_truncated_file_is_told)
{
    const fhirstore_open_options options = open_options();
    make_store();
    size_t whole;
    char *bytes = load_file(store_path, &whole);
    const size_t sizes[] = {1,     17,    4096,      8191,         8192,     9000,
                            12287, 12288, whole / 2, whole - 4096, whole - 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        save_file(store_path, bytes, sizes[i]);
        fhirstore_status status = try_open(store_path, &options);
        ck_assert_msg(status == FHIRSTORE_ERR_TRUNCATED, "%zu of %zu bytes: %s", sizes[i], whole,
                      fhirstore_status_name(status));
    }
    save_file(store_path, bytes, whole);
    free(bytes);
    expect_open(store_path, &options, FHIRSTORE_OK);
}
END_TEST

static bool is_damage(fhirstore_status status)
{
    return status == FHIRSTORE_ERR_TAMPERED || status == FHIRSTORE_ERR_TRUNCATED ||
           status == FHIRSTORE_ERR_CORRUPT || status == FHIRSTORE_ERR_NOT_A_STORE ||
           status == FHIRSTORE_ERR_KEY_WRONG || status == FHIRSTORE_ERR_FORMAT;
}

static fhirstore_status look_at_body(void *ctx, const char *type, const char *body, size_t body_len)
{
    (void)type;
    const char *known = "\"name\":[{\"family\":\"Quetzalcoatl\",\"given\":[\"Aaaa\"]}]}";
    size_t known_len = strlen(known);
    ck_assert_uint_gt(body_len, known_len);
    ck_assert_mem_eq(body + body_len - known_len, known, known_len);
    ++*(int *)ctx;
    return FHIRSTORE_OK;
}

/* Whatever is flipped, the store either says so or gives out what was stored. */
static void check_flipped(size_t offset, int *told, int *healed)
{
    const fhirstore_open_options options = open_options();
    fhirstore *opened = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_open(store_path, strlen(store_path), &options, &opened,
                                             &error);
    if (status != FHIRSTORE_OK) {
        ck_assert_msg(is_damage(status), "byte %zu: %s", offset, fhirstore_status_name(status));
        fhirstore_error_free(error);
        ++*told;
        return;
    }
    fhirstore_session *reader = must_enter(opened, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    int seen = 0;
    int64_t count;
    status = fhirstore_export(reader, NULL, look_at_body, &seen, &count, &error);
    ck_assert_msg(status == FHIRSTORE_OK ? seen == 40 : is_damage(status), "byte %zu: %s, %d seen",
                  offset, fhirstore_status_name(status), seen);
    fhirstore_error_free(error);
    error = NULL;
    int64_t findings = 0;
    fhirstore_status verified = fhirstore_verify(opened, NULL, NULL, &findings, &error);
    bool is_found = verified < FHIRSTORE_OK || findings > 0;
    ck_assert_msg(verified == FHIRSTORE_OK || is_damage(verified), "byte %zu: %s", offset,
                  fhirstore_status_name(verified));
    ck_assert_msg(is_found || status == FHIRSTORE_OK, "byte %zu: verify finds nothing", offset);
    *told += is_found;
    *healed += !is_found;
    fhirstore_error_free(error);
    fhirstore_session_close(reader);
    fhirstore_close(opened);
}

START_TEST(a_flipped_bit_is_told_wherever_it_is)
{
    make_store();
    size_t whole;
    char *bytes = load_file(store_path, &whole);
    int told = 0;
    int healed = 0;
    size_t step = whole / 97;
    for (size_t offset = 0; offset < whole; offset += offset < 8192 ? 331 : step) {
        save_file(store_path, bytes, whole);
        (void)unlink(in_folder("store-wal"));
        flip_bits(store_path, offset, (unsigned char)(1u << (offset % 8)));
        check_flipped(offset, &told, &healed);
    }
    free(bytes);
    /* Of the two headers one is enough, and is mended at the next chance. */
    ck_assert_msg(told > 80, "%d told, %d healed", told, healed);
    ck_assert_msg(healed < 40, "%d told, %d healed", told, healed);
}
END_TEST

START_TEST(a_read_only_store_refuses_every_write)
{
    make_store();
    fhirstore_open_options options = open_options();
    options.flags = FHIRSTORE_OPEN_READ_ONLY;
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    const char *before = state_of_store();
    const char *patient = "{\"resourceType\":\"Patient\",\"id\":\"a\"}";
    reply answer = create("Patient", patient);
    expect_no_trace(&answer, FHIRSTORE_ERR_READ_ONLY, "not-supported", NULL, before);
    answer = update("Patient", "a", patient);
    expect_no_trace(&answer, FHIRSTORE_ERR_READ_ONLY, "not-supported", NULL, before);
    answer = delete_one("Patient", "a");
    expect_no_trace(&answer, FHIRSTORE_ERR_READ_ONLY, "not-supported", NULL, before);
    answer = ask("POST", "Patient", NULL, patient);
    expect_no_trace(&answer, FHIRSTORE_ERR_READ_ONLY, "not-supported", NULL, before);
    ck_assert_int_eq(answer.http, 405);
    ck_assert_str_eq(header_of(&answer, "Allow"), "GET, HEAD");
    ck_assert_ptr_null(fhirstore_open_notice(store));
    answer = ask("POST", "", NULL,
                 "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[]}");
    expect_no_trace(&answer, FHIRSTORE_ERR_READ_ONLY, "not-supported", NULL, before);
    fhirstore_import *import = NULL;
    fhirstore_error *error = NULL;
    fhirstore_status status = fhirstore_import_open(session, NULL, &import, &error);
    if (status == FHIRSTORE_OK) {
        status = fhirstore_import_add(import, "x", 1, patient, strlen(patient), &error);
    }
    ck_assert_int_eq(status, FHIRSTORE_ERR_READ_ONLY);
    fhirstore_error_free(error);
    fhirstore_import_close(import);
    ck_assert_int_eq(count_of("Patient", ""), 40);
    ck_assert_int_eq(count_of("Patient", "name=quetz"), 40);
}
END_TEST

START_TEST(the_fhir_version_stays)
{
    fhirstore_open_options options = open_options();
    options.fhir_version = FHIRSTORE_FHIR_R5;
    fhirstore *made = must_open(store_path, &options);
    ck_assert_int_eq(fhirstore_fhir_version(made), FHIRSTORE_FHIR_R5);
    fhirstore_close(made);
    options.fhir_version = FHIRSTORE_FHIR_R4;
    expect_open(store_path, &options, FHIRSTORE_ERR_INVALID_ARG);
    options.fhir_version = 0;
    made = must_open(store_path, &options);
    ck_assert_int_eq(fhirstore_fhir_version(made), FHIRSTORE_FHIR_R5);
    fhirstore_close(made);
    made = must_open(in_folder("fresh"), &options);
    ck_assert_int_eq(fhirstore_fhir_version(made), FHIRSTORE_FHIR_R4);
    fhirstore_close(made);
}
END_TEST

START_TEST(arguments_that_make_no_sense)
{
    fhirstore_open_options options = open_options();
    fhirstore *opened;
    ck_assert_int_eq(fhirstore_open(store_path, strlen(store_path), &options, NULL, NULL),
                     FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_open(NULL, 4, &options, &opened, NULL), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_open("", 0, &options, &opened, NULL), FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_eq(fhirstore_open("a\0b", 3, &options, &opened, NULL), FHIRSTORE_ERR_INVALID_ARG);
    options.flags |= 1u << 30;
    expect_open(store_path, &options, FHIRSTORE_ERR_INVALID_ARG);
    options = open_options();
    options.key_len = 31;
    expect_open(store_path, &options, FHIRSTORE_ERR_INVALID_ARG);
    options = open_options();
    options.passphrase = "both";
    options.passphrase_len = 4;
    expect_open(store_path, &options, FHIRSTORE_ERR_INVALID_ARG);
    options = open_options();
    options.flags |= FHIRSTORE_OPEN_PLAINTEXT;
    expect_open(store_path, &options, FHIRSTORE_ERR_INVALID_ARG);
    options = open_options();
    options.fhir_version = 9;
    expect_open(store_path, &options, FHIRSTORE_ERR_INVALID_ARG);
    options = open_options();
    options.validation = 9;
    expect_open(store_path, &options, FHIRSTORE_ERR_INVALID_ARG);
    options = open_options();
    options.journal = 99;
    expect_open(store_path, &options, FHIRSTORE_ERR_INVALID_ARG);
    ck_assert_int_ne(access(store_path, F_OK), 0);
}
END_TEST

START_TEST(a_known_name_stands_in_no_file)
{
    make_store();
    const fhirstore_open_options options = open_options();
    store = must_open(store_path, &options);
    session = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "x");
    expect_status(create("Patient", "{\"resourceType\":\"Patient\",\"name\":[{\"family\":"
                                    "\"Quetzalcoatl\"}]}"),
                  FHIRSTORE_CREATED);
    const char *const names[] = {"store", "store-wal"};
    for (size_t i = 0; i < 2; i++) {
        size_t len;
        char *bytes = load_file(in_folder(names[i]), &len);
        ck_assert_uint_gt(len, 0);
        ck_assert_ptr_null(memmem(bytes, len, "uetzalcoat", 10));
        ck_assert_ptr_null(memmem(bytes, len, "resourceType", 12));
        ck_assert_ptr_null(memmem(bytes, len, "SQLite format", 13));
        free(bytes);
    }
}
END_TEST

/* ---- what the helper process does ---- */

static int open_in_child(const char *path, uint32_t flags, bool writes)
{
    fhirstore_open_options options = open_options();
    fhirstore *opened = NULL;
    options.flags = flags;
    fhirstore_status status = fhirstore_open(path, strlen(path), &options, &opened, NULL);
    if (status == FHIRSTORE_OK && writes) {
        fhirstore_session_options who = FHIRSTORE_SESSION_OPTIONS_INIT;
        fhirstore_session *writer = NULL;
        fhirstore_response *response = NULL;
        static const char body[] = "{\"resourceType\":\"Patient\"}";
        who.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
        status = fhirstore_session_open(opened, &who, &writer, NULL);
        if (status == FHIRSTORE_OK) {
            status = fhirstore_create(writer, FHIRSTORE_LIT("Patient"), FHIRSTORE_LIT(body),
                                      &response, NULL);
            status = status == FHIRSTORE_CREATED ? FHIRSTORE_OK : FHIRSTORE_ERR_INTERNAL;
        }
        fhirstore_response_free(response);
        fhirstore_session_close(writer);
    }
    fhirstore_close(opened);
    return status == FHIRSTORE_OK           ? CHILD_FINE
           : status == FHIRSTORE_ERR_IN_USE ? CHILD_IN_USE
                                            : CHILD_OTHER;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "open") == 0) {
        return open_in_child(argv[2], 0, false);
    }
    if (argc == 3 && strcmp(argv[1], "share") == 0) {
        return open_in_child(argv[2], FHIRSTORE_OPEN_MULTI_PROCESS, true);
    }
    if (sodium_init() < 0) {
        return EXIT_FAILURE;
    }
    const test_group groups[] = {
        GROUP("open", setup_folder, no_file_is_made_unless_asked_for,
              no_key_never_makes_or_opens_a_plain_store, another_key_is_told_and_changes_nothing,
              a_passphrase_opens_only_as_it_was, one_process_holds_the_file,
              several_processes_share_where_asked_for, files_that_are_something_else,
              a_plain_database_is_told_apart, a_newer_schema_is_told, a_newer_format_is_told,
              a_truncated_file_is_told, a_flipped_bit_is_told_wherever_it_is,
              a_read_only_store_refuses_every_write, the_fhir_version_stays,
              arguments_that_make_no_sense, a_known_name_stands_in_no_file),
    };
    return run_groups("open", groups, 1);
}
