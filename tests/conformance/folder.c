/* SPDX-License-Identifier: Apache-2.0 */
#include "folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

#define DEPTH_MAX 16

bool folder_read_file(const char *path, fhs_buf *out)
{
    char block[64 * 1024];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;) {
        fhs_buf_add(out, block, got);
    }
    bool is_good = ferror(file) == 0 && fhs_buf_status(out) == FHIRSTORE_OK;
    (void)fclose(file);
    return is_good;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *join_path(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = fhs_alloc(size);
    if (path != NULL) {
        (void)snprintf(path, size, "%s/%s", folder, name);
    }
    return path;
}

/* All entries of @a folder but hidden ones, sorted; count_out is SIZE_MAX on failure. */
static char **list_folder(const char *folder, size_t *count_out)
{
    char **names = NULL;
    size_t count = 0;
    size_t capacity = 0;
    DIR *dir = opendir(folder);
    *count_out = SIZE_MAX;
    if (dir == NULL) {
        return NULL;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (count == capacity) {
            capacity = capacity == 0 ? 64 : capacity * 2;
            char **more = fhs_realloc(names, capacity * sizeof *names);
            if (more == NULL) {
                break;
            }
            names = more;
        }
        names[count] = join_path(folder, entry->d_name);
        if (names[count] == NULL) {
            break;
        }
        count++;
    }
    (void)closedir(dir);
    if (count > 0) {
        qsort(names, count, sizeof *names, compare_names);
    }
    *count_out = count;
    return names;
}

static bool visit_path(const char *path, int depth, void (*visit)(void *ctx, const char *file),
                       void *ctx)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        return false;
    }
    if (!S_ISDIR(info.st_mode)) {
        size_t len = strlen(path);
        if (depth == 0 || (len > 5 && strcmp(path + len - 5, ".json") == 0)) {
            visit(ctx, path);
        }
        return true;
    }
    size_t count = 0;
    char **names = depth < DEPTH_MAX ? list_folder(path, &count) : NULL;
    bool is_good = count != SIZE_MAX;
    for (size_t i = 0; is_good && i < count; i++) {
        is_good = visit_path(names[i], depth + 1, visit, ctx);
    }
    for (size_t i = 0; count != SIZE_MAX && i < count; i++) {
        fhs_free(names[i]);
    }
    fhs_free(names);
    return is_good;
}

bool folder_each_json(const char *path, void (*visit)(void *ctx, const char *file), void *ctx)
{
    return visit_path(path, 0, visit, ctx);
}
