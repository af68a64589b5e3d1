/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registered callback may be replaced while other threads are inside a call. So each callback is
 * a counted box, and the pair in force is a counted pair of boxes: a call holds the pair it began
 * with, and a box is destroyed when the last pair that names it goes.
 */
#include "interact/hooks.h"

#include "base/mem.h"

typedef struct hook_box hook_box;
struct hook_box {
    uint32_t holders;
    hook_box *next; /* of those that nobody holds any more */
    void *ctx;
    void (*destroy)(void *ctx);
    fhirstore_authorizer authorizer;
    fhirstore_audit_hook audit;
};

struct fhs_hooks {
    uint32_t holders;
    hook_box *authorizer;
    hook_box *audit;
    uint64_t generation; /* of the authorizer: another number for each that was ever in force */
};

/* Under the lock: take one holder from @a box and, if it was the last, put it on @a dead. */
static void give_box(hook_box *box, hook_box **dead)
{
    if (box != NULL && --box->holders == 0) {
        box->next = *dead;
        *dead = box;
    }
}

/* The same for a pair, which goes with its last holder. */
static void give_pair(fhs_hooks *hooks, hook_box **dead)
{
    if (hooks != NULL && --hooks->holders == 0) {
        give_box(hooks->authorizer, dead);
        give_box(hooks->audit, dead);
        fhs_free(hooks);
    }
}

/* Outside of the lock: the host's destroy may do what it likes. */
static void bury(hook_box *dead)
{
    while (dead != NULL) {
        hook_box *next = dead->next;
        if (dead->destroy != NULL) {
            dead->destroy(dead->ctx);
        }
        fhs_free(dead);
        dead = next;
    }
}

fhs_hooks *fhs_hooks_take(fhs_core *core)
{
    (void)pthread_mutex_lock(&core->hooks_lock);
    fhs_hooks *hooks = core->hooks;
    if (hooks != NULL) {
        hooks->holders++;
    }
    (void)pthread_mutex_unlock(&core->hooks_lock);
    return hooks;
}

void fhs_hooks_give(fhs_core *core, fhs_hooks *hooks)
{
    hook_box *dead = NULL;
    if (hooks == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&core->hooks_lock);
    give_pair(hooks, &dead);
    (void)pthread_mutex_unlock(&core->hooks_lock);
    bury(dead);
}

const fhirstore_authorizer *fhs_hooks_authorizer(const fhs_hooks *hooks)
{
    return hooks == NULL || hooks->authorizer == NULL ? NULL : &hooks->authorizer->authorizer;
}

uint64_t fhs_hooks_generation(const fhs_hooks *hooks)
{
    return hooks == NULL ? 0 : hooks->generation;
}

const fhirstore_audit_hook *fhs_hooks_audit(const fhs_hooks *hooks)
{
    return hooks == NULL || hooks->audit == NULL ? NULL : &hooks->audit->audit;
}

void fhs_hooks_drop(fhs_core *core)
{
    hook_box *dead = NULL;
    give_pair(core->hooks, &dead);
    core->hooks = NULL;
    bury(dead);
}

/* Put a pair in force that has @a box in one place and the present other box in the other. */
static fhirstore_status replace(fhs_core *core, hook_box *box, bool is_audit, fhirstore_error **err)
{
    fhs_hooks *pair = fhs_calloc(1, sizeof *pair);
    hook_box *dead = NULL;
    if (pair == NULL) {
        give_box(box, &dead);
        bury(dead);
        return fhs_fail_memory(err);
    }
    (void)pthread_mutex_lock(&core->hooks_lock);
    fhs_hooks *old = core->hooks;
    pair->holders = 1;
    pair->authorizer = is_audit ? (old == NULL ? NULL : old->authorizer) : box;
    pair->audit = is_audit ? box : (old == NULL ? NULL : old->audit);
    pair->generation = is_audit && old != NULL ? old->generation : ++core->hooks_generation;
    hook_box *kept = is_audit ? pair->authorizer : pair->audit;
    if (kept != NULL) {
        kept->holders++;
    }
    core->hooks = pair;
    give_pair(old, &dead);
    (void)pthread_mutex_unlock(&core->hooks_lock);
    bury(dead);
    return FHIRSTORE_OK;
}

static hook_box *new_box(void *ctx, void (*destroy)(void *ctx))
{
    hook_box *box = fhs_calloc(1, sizeof *box);
    if (box == NULL) {
        if (destroy != NULL) {
            destroy(ctx);
        }
        return NULL;
    }
    box->holders = 1;
    box->ctx = ctx;
    box->destroy = destroy;
    return box;
}

fhirstore_status fhs_core_set_authorizer(fhs_core *core, const fhirstore_authorizer *authorizer,
                                         fhirstore_error **err)
{
    if (authorizer == NULL) {
        return replace(core, NULL, false, err);
    }
    hook_box *box = new_box(authorizer->ctx, authorizer->destroy);
    if (box == NULL) {
        return fhs_fail_memory(err);
    }
    box->authorizer = *authorizer;
    return replace(core, box, false, err);
}

fhirstore_status fhs_core_set_audit_hook(fhs_core *core, const fhirstore_audit_hook *hook,
                                         fhirstore_error **err)
{
    if (hook == NULL) {
        return replace(core, NULL, true, err);
    }
    hook_box *box = new_box(hook->ctx, hook->destroy);
    if (box == NULL) {
        return fhs_fail_memory(err);
    }
    box->audit = *hook;
    return replace(core, box, true, err);
}
