/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main of a fuzz target that is built without libFuzzer: runs it once on each file of the
 * folders given, in the order of their names, and prints TAP. A law that does not hold aborts.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Run the target on one file, in memory of exactly its size so that sanitizers see every overrun.
 */
static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        return -1;
    }
    long length = ftell(file);
    uint8_t *data = length < 0 ? NULL : malloc(length == 0 ? 1 : (size_t)length);
    rewind(file);
    int ok = data != NULL && fread(data, 1, (size_t)length, file) == (size_t)length;
    (void)fclose(file);
    if (ok) {
        (void)LLVMFuzzerTestOneInput(data, (size_t)length);
    }
    free(data);
    return ok ? 0 : -1;
}

static int replay_folder(const char *folder, unsigned *number)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_visible, alphasort);
    int result = count > 0 ? 0 : -1;
    for (int i = 0; i < count; i++) {
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        int failed = length < 0 || (size_t)length >= sizeof path || replay_file(path) != 0;
        (void)printf("%sok %u - %s\n", failed ? "not " : "", ++*number, entries[i]->d_name);
        (void)fflush(stdout);
        result = failed ? -1 : result;
        free(entries[i]);
    }
    free(entries);
    return result;
}

int main(int argc, char **argv)
{
    unsigned number = 0;
    int result = argc > 1 ? 0 : -1;
    for (int i = 1; i < argc; i++) {
        if (replay_folder(argv[i], &number) != 0) {
            (void)fprintf(stderr, "%s: nothing to replay, or not readable\n", argv[i]);
            result = -1;
        }
    }
    (void)printf("1..%u\n", number);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
