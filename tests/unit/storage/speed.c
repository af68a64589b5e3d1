/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the storage room alone is, with resources of the size and number of index rows that
 * Synthea's have: speed STORE [COUNT [PER_TRANSACTION]] [sealed]. A tool for tuning, not a test.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "storage/storage.h"

#define TYPES    6u
#define ROWS     25u
#define MAX_BODY 8192u

/* The processor's time: other work on the machine does not count. */
static int64_t cpu_us(void)
{
    return (int64_t)clock() * 1000000 / CLOCKS_PER_SEC;
}

static uint64_t state = 88172645463325252u;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void must(fhirstore_status status, fhirstore_error *err, const char *what)
{
    if (status != FHIRSTORE_OK) {
        (void)fprintf(stderr, "%s: %s, %s (%d)\n", what, fhs_status_name(status),
                      err == NULL ? "" : fhs_error_message(err),
                      err == NULL ? 0 : fhs_error_get_cause(err));
        exit(1);
    }
}

/* Small numbers far more often than large ones. */
static uint64_t skewed(uint64_t below)
{
    double part = (double)(next_random() % 1000000) / 1e6;
    part = part * part * part;
    return (uint64_t)(part * part * (double)below);
}

static void make_id(uint64_t number, char out[40])
{
    uint64_t mixed = (number + 1) * UINT64_C(0x9E3779B97F4A7C15);
    (void)snprintf(out, 40, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(mixed >> 32),
                   (unsigned)(mixed >> 16) & 0xFFFFu, (unsigned)mixed & 0xFFFu,
                   (unsigned)(mixed >> 8) & 0xFFFu,
                   (unsigned long long)(mixed * 31 & 0xFFFFFFFFFFFFu));
}

static void make_rows(fhs_buf *rows, fhs_entity patient, fhs_entity encounter, uint64_t number)
{
    fhs_buf_reset(rows);
    int64_t day = INT64_C(636000000000000000) + (int64_t)(next_random() % 100000000) * 10000000;
    for (uint32_t i = 0; i < ROWS; i++) {
        char text[64];
        uint32_t param = (uint32_t)(number % TYPES) * 30 + i + 1;
        fhs_row row = {.param = param};
        int len = 0;
        switch (i % 8) {
        case 0:
        case 1:
        case 2:
            len = snprintf(text, sizeof text, "%llu-%u", (unsigned long long)(next_random() % 3000),
                           i);
            row.kind = FHS_ROW_TOKEN;
            row.a = 1 + (int64_t)(i % 5);
            break;
        case 3:
            row.kind = FHS_ROW_DATE;
            row.a = day;
            row.b = day + 9999999;
            break;
        case 4:
            row.kind = FHS_ROW_REFERENCE;
            row.a = patient;
            break;
        case 5:
            row.kind = FHS_ROW_REFERENCE;
            row.a = encounter;
            break;
        case 6:
            row.kind = FHS_ROW_QUANTITY;
            row.a = 1 + (int64_t)(number % 7);
            len = snprintf(text, sizeof text, "%06llu",
                           (unsigned long long)(next_random() % 300000));
            break;
        default:
            len = snprintf(text, sizeof text, "display text %llu", (unsigned long long)skewed(500));
            row.kind = FHS_ROW_STRING;
            break;
        }
        row.text = (fhs_str){text, (size_t)len};
        fhs_row_encode(rows, &row);
    }
    must(fhs_row_list_normalise(rows, NULL), NULL, "normalise");
}

static void write_one(fhs_conn *conn, uint64_t number, const char *bodies, fhs_buf *rows)
{
    char id[40];
    char patient_id[40];
    char encounter_id[40];
    fhirstore_error *err = NULL;
    fhs_version old;
    fhs_entity patient;
    fhs_entity encounter;
    int64_t seq;
    int32_t type = 3 + (int32_t)(number % TYPES);
    make_id(number, id);
    make_id(number / 250 + 1000000000, patient_id);
    make_id(number / 12 + 2000000000, encounter_id);
    fhs_write write = {.type = type,
                       .id = fhs_str_from_cstr(id),
                       .version = 1,
                       .method = FHS_METHOD_CREATE,
                       .body = {bodies, 600 + (size_t)(next_random() % 2600)}};
    fhirstore_status status = fhs_resource_read_rows(conn, type, write.id, &old, NULL);
    if (status != FHIRSTORE_ERR_NOT_FOUND) {
        must(status == FHIRSTORE_OK ? FHIRSTORE_ERR_EXISTS : status, NULL, "read");
    }
    must(fhs_entity_intern(conn, type, write.id, &write.entity, &err), err, "intern");
    must(fhs_entity_intern(conn, 1, fhs_str_from_cstr(patient_id), &patient, &err), err, "intern");
    must(fhs_entity_intern(conn, 2, fhs_str_from_cstr(encounter_id), &encounter, &err), err,
         "intern");
    make_rows(rows, patient, encounter, number);
    write.rows = fhs_buf_str(rows);
    must(fhs_resource_write(conn, &write, &seq, &err), err, "write");
}

static void load(fhs_storage *storage, uint64_t count, uint64_t batch)
{
    static char bodies[MAX_BODY];
    memset(bodies, 'x', sizeof bodies);
    fhs_conn *conn;
    fhirstore_error *err = NULL;
    fhs_buf rows = FHS_BUF_INIT(1u << 20);
    /* What making the rows costs is no work of this room. */
    int64_t begin = cpu_us();
    for (uint64_t i = 0; i < count; i++) {
        make_rows(&rows, 1, 2, i);
    }
    int64_t making = cpu_us() - begin;
    must(fhs_storage_writer(storage, &conn, &err), err, "writer");
    begin = cpu_us();
    for (uint64_t i = 0; i < count; i += batch) {
        must(fhs_conn_begin_write(conn, &err), err, "begin");
        for (uint64_t j = i; j < i + batch && j < count; j++) {
            write_one(conn, j, bodies, &rows);
        }
        must(fhs_conn_commit(conn, &err), err, "commit");
    }
    int64_t took = cpu_us() - begin;
    fhs_conn_release(conn);
    (void)printf("write: %.0f resources/s, %.1f us each (+ %.1f us to make the rows)\n",
                 (double)count * 1e6 / (double)(took - making),
                 (double)(took - making) / (double)count, (double)making / (double)count);
    fhs_buf_clear(&rows);
}

static void read_points(fhs_storage *storage, uint64_t count)
{
    uint64_t reads = 1000000;
    fhirstore_error *err = NULL;
    int64_t begin = cpu_us();
    for (uint64_t i = 0; i < reads; i++) {
        char id[40];
        fhs_conn *conn;
        fhs_version version;
        uint64_t number = next_random() % count;
        make_id(number, id);
        must(fhs_storage_reader(storage, &conn, &err), err, "reader");
        must(fhs_resource_read(conn, 3 + (int32_t)(number % TYPES), fhs_str_from_cstr(id), &version,
                               &err),
             err, "read");
        fhs_conn_release(conn);
    }
    int64_t took = cpu_us() - begin;
    (void)printf("read: %.0f/s, %.2f us each\n", (double)reads * 1e6 / (double)took,
                 (double)took / (double)reads);
}

int main(int argc, char **argv)
{
    static const uint8_t key[32] = {1, 2, 3};
    bool sealed = argc > 1 && strcmp(argv[argc - 1], "sealed") == 0;
    argc -= sealed ? 1 : 0;
    if (argc < 2) {
        (void)fprintf(stderr, "usage: speed STORE [COUNT [PER_TRANSACTION]] [sealed]\n");
        return 2;
    }
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 20000;
    uint64_t batch = argc > 3 ? strtoull(argv[3], NULL, 10) : 1000;
    const char *cache = getenv("CACHE_MIB");
    fhs_storage_options options = {.path = fhs_str_from_cstr(argv[1]),
                                   .create = true,
                                   .plaintext = !sealed,
                                   .key = sealed ? key : NULL,
                                   .fhir_version = 4,
                                   .cache_bytes = cache == NULL ? 0
                                                                : strtoul(cache, NULL, 10) << 20};
    fhs_storage *storage;
    fhirstore_error *err = NULL;
    must(fhs_storage_open(&options, &storage, &err), err, "open");
    load(storage, count, batch);
    fhs_conn *conn;
    fhs_storage_stats stats;
    must(fhs_storage_reader(storage, &conn, &err), err, "reader");
    must(fhs_storage_get_stats(conn, &stats, &err), err, "stats");
    fhs_conn_release(conn);
    (void)printf("file: %lld bytes a resource, %lld resources\n",
                 (long long)((stats.page_count * 4096) / (stats.resources + 1)),
                 (long long)stats.resources);
    read_points(storage, count);
    if (getenv("VERIFY") != NULL) {
        int64_t findings;
        int64_t begin = cpu_us();
        must(fhs_storage_verify(storage, NULL, NULL, &findings, &err), err, "verify");
        (void)printf("verify: %lld findings, %.1f us a resource\n", (long long)findings,
                     (double)(cpu_us() - begin) / (double)count);
    }
    fhs_storage_close(storage);
    return 0;
}
