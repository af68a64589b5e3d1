/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this still the process that opened the store? Every write asks, so the answer must be cheap:
 * a page that the system wipes in the child of a fork tells it by one load. Where there is no such
 * page, the pid does.
 */
#define _DEFAULT_SOURCE /* MADV_WIPEONFORK */
#include <sys/mman.h>
#include <unistd.h>

#include "vfs/vfs_internal.h"

#define MARK_BYTES 4096

void fhs_vfs_mark_process(fhs_vfs *vfs)
{
    vfs->pid = getpid();
#ifdef MADV_WIPEONFORK
    uint8_t *mark = mmap(NULL, MARK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                         0);
    if (mark == MAP_FAILED) {
        return;
    }
    /* Emulators (qemu-user) say yes to any advice, and do nothing: then the mark would lie. */
    const int no_such_advice = -1;
    if (madvise(mark, MARK_BYTES, no_such_advice) == 0 ||
        madvise(mark, MARK_BYTES, MADV_WIPEONFORK) != 0) {
        (void)munmap(mark, MARK_BYTES);
        return;
    }
    mark[0] = 1;
    vfs->fork_mark = mark;
#endif
}

void fhs_vfs_unmark_process(fhs_vfs *vfs)
{
    if (vfs->fork_mark != NULL) {
        (void)munmap((void *)(uintptr_t)vfs->fork_mark, MARK_BYTES);
        vfs->fork_mark = NULL;
    }
}

bool fhs_vfs_is_forked(const fhs_vfs *vfs)
{
    if (FHS_LIKELY(vfs->fork_mark != NULL)) {
        return vfs->fork_mark[0] == 0;
    }
    return getpid() != vfs->pid;
}
