/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions that an authorizer declared valid for a time, kept by the session they were made in. */
#include "base/mem.h"
#include "interact/core.h"
#include "interact/hooks.h"

#define DECISION_ARENA_MAX ((size_t)1024 * 1024)

typedef struct kept_decision {
    fhs_arena arena; /* everything below */
    fhs_str type;
    fhs_str id; /* of a decision about this question alone */
    fhs_str query;
    int32_t action;
    uint64_t generation; /* of the authorizer */
    int64_t from_us;
    int64_t until_us;
    uint64_t used; /* when, in questions; 0: the place is empty */
    fhirstore_status status;
    fhs_grant grant;
} kept_decision;

struct fhs_decisions {
    kept_decision items[FHS_LIMIT_SESSION_DECISIONS];
    uint64_t questions;
};

void fhs_decisions_free(fhs_decisions *decisions)
{
    for (size_t i = 0; decisions != NULL && i < FHS_LIMIT_SESSION_DECISIONS; i++) {
        fhs_arena_clear(&decisions->items[i].arena);
    }
    fhs_free(decisions);
}

static bool answers_question(const kept_decision *kept, const fhs_access_ask *ask,
                             uint64_t generation, int64_t now_us)
{
    return kept->used > 0 && kept->generation == generation && kept->action == ask->action &&
           now_us >= kept->from_us && now_us < kept->until_us &&
           fhs_str_eq(kept->type, ask->type) &&
           (kept->grant.is_for_type ||
            (fhs_str_eq(kept->id, ask->id) && fhs_str_eq(kept->query, ask->query)));
}

/* The clock is looked at only where something was declared valid. */
static kept_decision *find_decision(fhs_call *call, const fhs_access_ask *ask)
{
    fhs_decisions *decisions = call->session->decisions;
    if (decisions == NULL) {
        return NULL;
    }
    const uint64_t generation = fhs_hooks_generation(call->hooks);
    const int64_t now_us = fhs_core_now(call->session->core);
    for (size_t i = 0; i < FHS_LIMIT_SESSION_DECISIONS; i++) {
        if (answers_question(&decisions->items[i], ask, generation, now_us)) {
            return &decisions->items[i];
        }
    }
    return NULL;
}

static kept_decision *oldest_place(fhs_decisions *decisions)
{
    kept_decision *oldest = &decisions->items[0];
    for (size_t i = 1; i < FHS_LIMIT_SESSION_DECISIONS; i++) {
        oldest = decisions->items[i].used < oldest->used ? &decisions->items[i] : oldest;
    }
    return oldest;
}

static bool copy_grant(fhs_arena *arena, const fhs_grant *from, fhs_grant *to)
{
    *to = *from;
    to->reason = FHS_STR_NONE;
    return fhs_arena_dup_list(arena, from->any, from->any_count, &to->any) &&
           fhs_arena_dup_list(arena, from->except, from->except_count, &to->except) &&
           fhs_arena_dup_list(arena, from->mask.hide, from->mask.hide_count, &to->mask.hide) &&
           fhs_arena_dup_list(arena, from->mask.keep, from->mask.keep_count, &to->mask.keep);
}

static fhs_decisions *open_decisions(fhs_session *session)
{
    if (session->decisions == NULL) {
        session->decisions = fhs_calloc(1, sizeof *session->decisions);
        for (size_t i = 0; session->decisions != NULL && i < FHS_LIMIT_SESSION_DECISIONS; i++) {
            fhs_arena_init(&session->decisions->items[i].arena, DECISION_ARENA_MAX);
        }
    }
    return session->decisions;
}

/* Without memory for it the next question is asked again. */
static void keep_decision(fhs_call *call, const fhs_access_ask *ask, const fhs_grant *grant,
                          fhirstore_status status)
{
    fhs_decisions *decisions = open_decisions(call->session);
    if (decisions == NULL) {
        return;
    }
    kept_decision *kept = oldest_place(decisions);
    kept->used = 0;
    fhs_arena_reset(&kept->arena);
    kept->type = fhs_arena_dup(&kept->arena, ask->type);
    kept->id = fhs_arena_dup(&kept->arena, ask->id);
    kept->query = fhs_arena_dup(&kept->arena, ask->query);
    if (kept->type.ptr == NULL || kept->id.ptr == NULL || kept->query.ptr == NULL ||
        !copy_grant(&kept->arena, grant, &kept->grant)) {
        return;
    }
    kept->action = ask->action;
    kept->generation = fhs_hooks_generation(call->hooks);
    kept->from_us = fhs_core_now(call->session->core);
    kept->until_us = kept->from_us + grant->valid_us;
    kept->status = status;
    kept->used = ++decisions->questions;
}

fhirstore_status fhs_call_decide(fhs_call *call, const fhs_access_ask *ask, fhs_grant *out,
                                 fhirstore_error **err)
{
    kept_decision *kept = call->session->who.allow_everything ? NULL : find_decision(call, ask);
    if (kept != NULL) {
        kept->used = ++call->session->decisions->questions;
        *out = kept->grant;
        return kept->status < FHIRSTORE_OK ? fhs_fail_plain(err, kept->status) : kept->status;
    }
    fhirstore_status status = fhs_access_check(fhs_hooks_authorizer(call->hooks),
                                               &call->session->who, ask, call->arena, out, err);
    if (out->valid_us > 0 && (status == FHIRSTORE_OK || status == FHIRSTORE_ERR_DENIED)) {
        keep_decision(call, ask, out, status);
    }
    return status;
}
