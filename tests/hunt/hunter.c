/* SPDX-License-Identifier: Apache-2.0 */
#include "hunter.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MAX_QUARRY = 64,
    MAX_BYTES = 256,
    PIECE = 1 << 20
};

typedef struct quarry {
    char name[64];
    uint8_t bytes[MAX_BYTES];
    size_t len;
    bool is_text;
} quarry;

static quarry wanted[MAX_QUARRY];
static size_t wanted_count;
/* Does something begin with these two bytes? */
static bool begins[256][256];

static void mark_beginnings(const quarry *one)
{
    for (int i = 0; i < 4; i++) {
        uint8_t first = one->bytes[0];
        uint8_t second = one->bytes[1];
        if (one->is_text) {
            first = (uint8_t)((i & 1) != 0 ? toupper(first) : tolower(first));
            second = (uint8_t)((i & 2) != 0 ? toupper(second) : tolower(second));
        }
        begins[first][second] = true;
    }
}

void hunt_forget(void)
{
    memset(wanted, 0, sizeof wanted);
    memset(begins, 0, sizeof begins);
    wanted_count = 0;
}

void hunt_for(const char *name, const void *bytes, size_t len, bool is_text)
{
    if (wanted_count == MAX_QUARRY || len < 8 || len > MAX_BYTES) {
        (void)fprintf(stderr, "hunter: %s cannot be hunted for\n", name);
        abort();
    }
    quarry *one = &wanted[wanted_count++];
    (void)snprintf(one->name, sizeof one->name, "%s", name);
    memcpy(one->bytes, bytes, len);
    one->len = len;
    one->is_text = is_text;
    mark_beginnings(one);
}

static bool is_at(const quarry *one, const uint8_t *at)
{
    if (!one->is_text) {
        return memcmp(at, one->bytes, one->len) == 0;
    }
    for (size_t i = 0; i < one->len; i++) {
        if (tolower(at[i]) != tolower(one->bytes[i])) {
            return false;
        }
    }
    return true;
}

size_t hunt_bytes(const char *where, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    size_t hits = 0;
    for (size_t i = 0; i + 1 < len; i++) {
        if (!begins[at[i]][at[i + 1]]) {
            continue;
        }
        for (size_t k = 0; k < wanted_count; k++) {
            if (i + wanted[k].len <= len && is_at(&wanted[k], at + i)) {
                if (hits++ < 5) {
                    (void)fprintf(stderr, "# found: %s in %s, at %zu\n", wanted[k].name, where, i);
                }
            }
        }
    }
    return hits;
}

/* Pieces overlap, so that nothing is cut in two; what lies in the overlap counts twice at most. */
static size_t hunt_open_file(const char *where, int file, off_t from, off_t to)
{
    uint8_t *piece = malloc(PIECE);
    size_t hits = 0;
    for (off_t at = from; piece != NULL && (to == 0 || at < to); at += PIECE - MAX_BYTES) {
        size_t room = to == 0 || to - at > PIECE ? PIECE : (size_t)(to - at);
        ssize_t got = pread(file, piece, room, at);
        if (got > 0) {
            hits += hunt_bytes(where, piece, (size_t)got);
        }
        if (got < PIECE) {
            break;
        }
    }
    if (piece == NULL) {
        abort();
    }
    free(piece);
    return hits;
}

static size_t look_at_files(const char *folder)
{
    DIR *listed = opendir(folder);
    size_t hits = 0;
    for (const struct dirent *entry; listed != NULL && (entry = readdir(listed)) != NULL;) {
        char path[1024];
        struct stat found;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.' || lstat(path, &found) != 0) {
            continue;
        }
        hits += hunt_bytes("the name of a file", entry->d_name, strlen(entry->d_name));
        if (S_ISDIR(found.st_mode)) {
            hits += look_at_files(path);
        } else if (S_ISREG(found.st_mode)) {
            int file = open(path, O_RDONLY | O_CLOEXEC);
            hits += file < 0 ? 1 : hunt_open_file(path, file, 0, 0);
            (void)close(file);
        }
    }
    if (listed != NULL) {
        (void)closedir(listed);
    }
    return hits;
}

static size_t look_at_descriptors(void)
{
    DIR *listed = opendir("/proc/self/fd");
    size_t hits = 0;
    for (const struct dirent *entry; listed != NULL && (entry = readdir(listed)) != NULL;) {
        struct stat found;
        int file = atoi(entry->d_name);
        if (file > STDERR_FILENO && fstat(file, &found) == 0 && S_ISREG(found.st_mode)) {
            hits += hunt_open_file(
                found.st_nlink == 0 ? "an open file without a name" : "an open file", file, 0, 0);
        }
    }
    if (listed != NULL) {
        (void)closedir(listed);
    }
    return hits;
}

/* In a child: closing a file there does not cost this process its locks on it. */
size_t hunt_disk(const char *folder)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        size_t hits = look_at_files(folder) + look_at_descriptors();
        _exit(hits > 200 ? 200 : (int)hits);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
        abort();
    }
    return (size_t)WEXITSTATUS(status);
}

/* ---- memory ---- */

typedef struct mapping {
    unsigned long long from;
    unsigned long long to;
    bool is_ours;
    bool is_dumped;
    char name[300];
} mapping;

static bool is_header(const char *line, mapping *out)
{
    char rights[8];
    out->name[0] = '\0';
    int read = sscanf(line, "%llx-%llx %7s %*s %*s %*s %299[^\n]", &out->from, &out->to, rights,
                      out->name);
    if (read < 3) {
        return false;
    }
    /* Keys are kept in memory that is made read-only. */
    out->is_ours = rights[0] == 'r' && (rights[1] == 'w' || out->name[0] == '\0');
    out->is_dumped = true;
    return true;
}

static size_t hunt_mapping(int memory, const mapping *found, bool dumped_only, size_t *bytes)
{
    if (!found->is_ours || (dumped_only && !found->is_dumped)) {
        return 0;
    }
    *bytes += (size_t)(found->to - found->from);
    return hunt_open_file(found->name[0] == '\0' ? "memory" : found->name, memory,
                          (off_t)found->from, (off_t)found->to);
}

size_t hunt_memory(pid_t child, bool dumped_only, size_t *bytes_out)
{
    char path[64];
    char line[600];
    mapping last = {0};
    size_t hits = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/mem", (int)child);
    int memory = open(path, O_RDONLY | O_CLOEXEC);
    (void)snprintf(path, sizeof path, "/proc/%d/smaps", (int)child);
    FILE *maps = fopen(path, "r");
    *bytes_out = 0;
    while (maps != NULL && memory >= 0 && fgets(line, sizeof line, maps) != NULL) {
        mapping next;
        if (strncmp(line, "VmFlags:", 8) == 0) {
            last.is_dumped = strstr(line, " dd") == NULL;
        } else if (isxdigit((unsigned char)line[0]) && strchr(line, '-') != NULL &&
                   is_header(line, &next)) {
            hits += hunt_mapping(memory, &last, dumped_only, bytes_out);
            last = next;
        }
    }
    hits += hunt_mapping(memory, &last, dumped_only, bytes_out);
    if (maps != NULL) {
        (void)fclose(maps);
    }
    (void)close(memory);
    return hits;
}
