/* SPDX-License-Identifier: Apache-2.0 */
/* Text that ends where memory ends: reading one byte too far is a crash, also without sanitizers.
 */
#ifndef FHS_TEST_GUARD_H
#define FHS_TEST_GUARD_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/str.h"

typedef struct guarded {
    char *map;
    size_t room; /* bytes before the page that may not be touched */
    size_t page;
} guarded;

/* Room for texts of up to @a max bytes. */
static inline guarded guard_open(size_t max)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    guarded guard = {NULL, (max / page + 1) * page, page};
    int zero = open("/dev/zero", O_RDWR);
    void *map = zero < 0
                    ? MAP_FAILED
                    : mmap(NULL, guard.room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    if (zero >= 0) {
        (void)close(zero);
    }
    if (map == MAP_FAILED || mprotect((char *)map + guard.room, page, PROT_NONE) != 0) {
        abort();
    }
    guard.map = map;
    return guard;
}

/* A copy of @a text whose last byte is the last that may be read. */
static inline fhs_str guard_place(const guarded *guard, fhs_str text)
{
    char *copy = guard->map + guard->room - text.len;
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return fhs_str_of(copy, text.len);
}

static inline void guard_close(guarded *guard)
{
    (void)munmap(guard->map, guard->room + guard->page);
}

#endif
