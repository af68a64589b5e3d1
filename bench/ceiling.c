/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ceiling of ingestion: bare SQLite writes, with prepared statements and nothing else, the very
 * rows that the store wrote: the same tables, the same bytes, resource by resource.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define MAX_TABLES  40
#define MAX_COLUMNS 12

typedef struct ceiling_row {
    int64_t entity;
    sqlite3_value *values[MAX_COLUMNS];
} ceiling_row;

typedef struct ceiling_table {
    char *name;
    char *create;
    int columns;
    int entity_column; /* -1: written before the first resource */
    ceiling_row *rows; /* by entity */
    size_t count;
} ceiling_table;

struct ceiling {
    ceiling_table tables[MAX_TABLES];
    size_t count;
    int64_t last_entity;
};

static int compare_rows(const void *a, const void *b)
{
    const ceiling_row *x = a;
    const ceiling_row *y = b;
    return x->entity < y->entity ? -1 : x->entity > y->entity;
}

static int find_entity_column(sqlite3_stmt *stmt)
{
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        const char *name = sqlite3_column_name(stmt, i);
        if (strcmp(name, "entity") == 0 || strcmp(name, "num") == 0) {
            return i;
        }
    }
    return -1;
}

/* Names, units, parameters are few; what has an entity (or is one) follows the resources. */
static bool follows_resources(const char *name)
{
    static const char *const names[] = {"uri", "unit", "type", "param", "meta"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0) {
            return false;
        }
    }
    return true;
}

static void load_rows(sqlite3 *db, ceiling_table *table)
{
    char sql[256];
    size_t capacity = 0;
    (void)snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", table->name);
    sqlite3_stmt *stmt = bare_prepare(db, sql);
    table->columns = sqlite3_column_count(stmt);
    table->entity_column = follows_resources(table->name) ? find_entity_column(stmt) : -1;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        if (table->count == capacity) {
            capacity = capacity == 0 ? 1024 : capacity * 2;
            table->rows = realloc(table->rows, capacity * sizeof *table->rows);
        }
        ceiling_row *row = &table->rows[table->count++];
        row->entity = table->entity_column < 0 ? 0
                                               : sqlite3_column_int64(stmt, table->entity_column);
        for (int i = 0; i < table->columns; i++) {
            row->values[i] = sqlite3_value_dup(sqlite3_column_value(stmt, i));
        }
    }
    (void)sqlite3_finalize(stmt);
    qsort(table->rows, table->count, sizeof *table->rows, compare_rows);
}

/* version_type and old versions have no entity column: their rows follow by sequence. */
static void place_by_sequence(ceiling *loaded)
{
    const ceiling_table *versions = NULL;
    for (size_t i = 0; i < loaded->count; i++) {
        if (strcmp(loaded->tables[i].name, "version") == 0) {
            versions = &loaded->tables[i];
        }
    }
    for (size_t i = 0; versions != NULL && i < loaded->count; i++) {
        ceiling_table *table = &loaded->tables[i];
        if (strcmp(table->name, "version_type") == 0 && table->count == versions->count) {
            for (size_t k = 0; k < table->count; k++) {
                table->rows[k].entity = versions->rows[k].entity;
            }
            table->entity_column = 0;
        }
    }
}

ceiling *ceiling_load(const char *plain_store)
{
    ceiling *loaded = calloc(1, sizeof *loaded);
    sqlite3 *db;
    if (sqlite3_open_v2(plain_store, &db, SQLITE_OPEN_READWRITE, "unix-excl") != SQLITE_OK) {
        bench_die(plain_store, sqlite3_errmsg(db));
    }
    sqlite3_stmt *stmt = bare_prepare(
        db,
        /* The full-text index is made on demand, so an import writes none of it. */
        "SELECT name, sql FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite_%' "
        "AND name NOT LIKE 'fulltext%'");
    while (sqlite3_step(stmt) == SQLITE_ROW && loaded->count < MAX_TABLES) {
        ceiling_table *table = &loaded->tables[loaded->count++];
        table->name = strdup((const char *)sqlite3_column_text(stmt, 0));
        table->create = strdup((const char *)sqlite3_column_text(stmt, 1));
    }
    (void)sqlite3_finalize(stmt);
    for (size_t i = 0; i < loaded->count; i++) {
        load_rows(db, &loaded->tables[i]);
    }
    place_by_sequence(loaded);
    for (size_t i = 0; i < loaded->count; i++) {
        const ceiling_table *table = &loaded->tables[i];
        if (table->entity_column >= 0 && table->count > 0 &&
            table->rows[table->count - 1].entity > loaded->last_entity) {
            loaded->last_entity = table->rows[table->count - 1].entity;
        }
    }
    (void)sqlite3_close(db);
    return loaded;
}

int64_t ceiling_row_count(const ceiling *loaded)
{
    int64_t count = 0;
    for (size_t i = 0; i < loaded->count; i++) {
        count += (int64_t)loaded->tables[i].count;
    }
    return count;
}

static sqlite3_stmt *prepare_insert(sqlite3 *db, const ceiling_table *table)
{
    char sql[512];
    int len = snprintf(sql, sizeof sql, "INSERT INTO \"%s\" VALUES(?", table->name);
    for (int i = 1; i < table->columns; i++) {
        len += snprintf(sql + len, sizeof sql - (size_t)len, ",?");
    }
    (void)snprintf(sql + len, sizeof sql - (size_t)len, ")");
    return bare_prepare(db, sql);
}

static void insert_row(sqlite3 *db, const ceiling_table *table, sqlite3_stmt *stmt,
                       const ceiling_row *row)
{
    for (int i = 0; i < table->columns; i++) {
        (void)sqlite3_bind_value(stmt, i + 1, row->values[i]);
    }
    if (sqlite3_step(stmt) != SQLITE_DONE) {
        bench_die(table->name, sqlite3_errmsg(db));
    }
    (void)sqlite3_reset(stmt);
}

double ceiling_write(const ceiling *loaded, const char *path, bool encrypted, uint64_t cache_mib)
{
    bare_db bare;
    sqlite3_stmt *inserts[MAX_TABLES];
    size_t next[MAX_TABLES] = {0};
    bare_open(path, encrypted, cache_mib, true, &bare);
    for (size_t i = 0; i < loaded->count; i++) {
        bare_exec(bare.db, loaded->tables[i].create);
    }
    double begin = bench_now();
    bare_exec(bare.db, "BEGIN IMMEDIATE");
    for (size_t i = 0; i < loaded->count; i++) {
        const ceiling_table *table = &loaded->tables[i];
        inserts[i] = prepare_insert(bare.db, table);
        while (table->entity_column < 0 && next[i] < table->count) {
            insert_row(bare.db, table, inserts[i], &table->rows[next[i]++]);
        }
    }
    int64_t resources = 0;
    for (int64_t entity = 0; entity <= loaded->last_entity; entity++) {
        bool is_resource = false; /* and not only referred to */
        for (size_t i = 0; i < loaded->count; i++) {
            const ceiling_table *table = &loaded->tables[i];
            while (next[i] < table->count && table->rows[next[i]].entity == entity) {
                insert_row(bare.db, table, inserts[i], &table->rows[next[i]++]);
                is_resource = is_resource || strcmp(table->name, "resource") == 0;
            }
        }
        resources += is_resource ? 1 : 0;
        if (is_resource && resources % bench_per_commit == 0) {
            bare_exec(bare.db, "COMMIT");
            bare_exec(bare.db, "BEGIN IMMEDIATE");
        }
    }
    bare_exec(bare.db, "COMMIT");
    double taken = bench_now() - begin;
    for (size_t i = 0; i < loaded->count; i++) {
        (void)sqlite3_finalize(inserts[i]);
    }
    bare_close(&bare);
    return taken;
}

void ceiling_free(ceiling *loaded)
{
    for (size_t i = 0; i < loaded->count; i++) {
        ceiling_table *table = &loaded->tables[i];
        for (size_t k = 0; k < table->count; k++) {
            for (int c = 0; c < table->columns; c++) {
                sqlite3_value_free(table->rows[k].values[c]);
            }
        }
        free(table->rows);
        free(table->name);
        free(table->create);
    }
    free(loaded);
}
