/* SPDX-License-Identifier: Apache-2.0 */
/* What is hidden within resources, in whatever way they leave the store or come into it. */
#include "interact/hooks.h"
#include "interact/sight.h"
#include "interact/touched.h"

#define MASK_ARENA_MAX ((size_t)16 * FHS_LIMIT_RESOURCE_BYTES)

static const fhs_mask *mask_of_type(void *ctx, fhs_type type)
{
    return fhs_sight_mask(ctx, type);
}

static fhs_masks masks_of(fhs_call *call)
{
    return (fhs_masks){call->session->core->fhir, mask_of_type, call};
}

bool fhs_sight_has_masks(const fhs_call *call)
{
    return fhs_access_may_mask(fhs_hooks_authorizer(call->hooks), &call->session->who);
}

bool fhs_sight_may_mask(fhs_call *call, fhs_type type, fhs_str body)
{
    const fhs_masks masks = masks_of(call);
    return fhs_sight_has_masks(call) && fhs_masks_may_apply(&masks, type, body);
}

fhirstore_status fhs_sight_show(fhs_call *call, fhs_type type, fhs_str body, fhs_buf *out,
                                fhirstore_error **err)
{
    const fhs_masks masks = masks_of(call);
    fhs_arena arena;
    if (!fhs_sight_may_mask(call, type, body)) {
        fhs_buf_add_str(out, body);
        return FHIRSTORE_OK;
    }
    fhs_arena_init(&arena, MASK_ARENA_MAX);
    fhirstore_status status = fhs_mask_write(&masks, &arena, body, out, err);
    fhs_arena_clear(&arena);
    return status < FHIRSTORE_OK ? status : fhs_call_seen_well(call, err);
}

fhirstore_status fhs_sight_cut(fhs_call *call, fhs_type type, fhs_buf *body, fhirstore_error **err)
{
    if (body->len == 0 || !fhs_sight_may_mask(call, type, fhs_buf_str(body))) {
        return FHIRSTORE_OK;
    }
    fhs_buf shown = FHS_BUF_INIT(body->max);
    fhirstore_status status = fhs_sight_show(call, type, fhs_buf_str(body), &shown, err);
    if (status < FHIRSTORE_OK) {
        fhs_buf_clear(&shown);
        fhs_buf_reset(body); /* nothing of it may leave */
        return status;
    }
    fhs_buf_clear(body);
    *body = shown;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_sight_take_body(fhs_call *call, fhs_type type, fhs_version *version,
                                     fhs_buf *out, fhirstore_error **err)
{
    if (!fhs_sight_has_masks(call)) {
        return fhs_resource_take_body(call->conn, version, out, err);
    }
    fhs_buf body = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_resource_take_body(call->conn, version, &body, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_sight_show(call, type, fhs_buf_str(&body), out, err);
    }
    fhs_buf_clear(&body);
    return status;
}

/* ---- changes ---- */

static fhirstore_status check_kept(fhs_call *call, fhs_type type, const fhs_mask *mask,
                                   fhs_str stored, fhs_str sent, fhs_arena *arena,
                                   fhirstore_error **err)
{
    const fhs_json *before = NULL;
    const fhs_json *after = NULL;
    fhirstore_status status = FHIRSTORE_OK;
    if (stored.ptr != NULL) {
        status = fhs_json_read(arena, stored, NULL, &before, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_json_read(arena, sent, NULL, &after, err);
    }
    return status < FHIRSTORE_OK ? status
                                 : fhs_mask_check_kept(mask, call->session->core->fhir, type, arena,
                                                       before, after, err);
}

static fhirstore_status merge_texts(fhs_call *call, fhs_str stored, fhs_str sent, fhs_arena *work,
                                    fhs_arena *arena, fhs_str *out, fhirstore_error **err)
{
    const fhs_masks masks = masks_of(call);
    fhs_buf merged = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_mask_merge(&masks, work, stored, sent, &merged, err);
    if (status >= FHIRSTORE_OK) {
        *out = fhs_arena_dup(arena, fhs_buf_str(&merged));
        status = out->ptr == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
    }
    fhs_buf_clear(&merged);
    return status;
}

fhirstore_status fhs_sight_merge(fhs_call *call, fhs_type type, fhs_str stored, fhs_str sent,
                                 fhs_arena *arena, fhs_str *out, fhirstore_error **err)
{
    *out = sent;
    if (!fhs_sight_has_masks(call)) {
        return FHIRSTORE_OK;
    }
    const fhs_mask *mask = fhs_sight_mask(call, type);
    const bool merges = stored.ptr != NULL && fhs_sight_may_mask(call, type, stored);
    fhirstore_status status = FHIRSTORE_OK;
    fhs_arena work;
    if (!merges && (mask == NULL || mask->keep_count == 0)) {
        return fhs_call_seen_well(call, err);
    }
    fhs_arena_init(&work, MASK_ARENA_MAX);
    if (merges) {
        status = merge_texts(call, stored, sent, &work, arena, out, err);
    }
    if (status >= FHIRSTORE_OK && mask != NULL && mask->keep_count > 0) {
        status = check_kept(call, type, mask, stored, *out, &work, err);
    }
    fhs_arena_clear(&work);
    return status < FHIRSTORE_OK ? status : fhs_call_seen_well(call, err);
}

fhirstore_status fhs_sight_take_current(fhs_call *call, fhs_type type, fhs_str id, fhs_buf *out,
                                        fhirstore_error **err)
{
    fhs_version version;
    int32_t number = fhs_catalog_type(call->session->core->catalog, type);
    fhirstore_status status = fhs_sight_find(call, type, id, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_read(call->conn, number, id, &version, err);
    }
    if (status >= FHIRSTORE_OK && version.is_deleted) {
        status = fhs_fail_plain(err, FHIRSTORE_ERR_DELETED);
    }
    if (status >= FHIRSTORE_OK) {
        fhs_touch(call, &version);
        status = fhs_sight_take_body(call, type, &version, out, err);
    }
    return status >= FHIRSTORE_OK && fhs_buf_status(out) != FHIRSTORE_OK
               ? fhs_fail_plain(err, fhs_buf_status(out))
               : status;
}

/* ---- searches ---- */

static bool search_reads(void *ctx, fhs_type type, fhs_sparam param)
{
    fhs_call *call = ctx;
    fhs_params *params;
    const fhs_mask *mask = fhs_sight_mask(call, type);
    if (mask == NULL || mask->hide_count == 0 || param == FHS_SPARAM_NONE) {
        return mask != NULL && mask->hide_count > 0;
    }
    /* A parameter of the store itself has a number that only its definitions know. */
    return fhs_call_params(call, &params, NULL) < FHIRSTORE_OK ||
           fhs_mask_reads(mask, fhs_params_fhir(params), type, param);
}

static bool search_hides(void *ctx, fhs_type type, fhs_str element)
{
    const fhs_mask *mask = fhs_sight_mask(ctx, type);
    return mask != NULL && fhs_mask_hides(mask, element);
}

static bool search_may_mask(void *ctx, fhs_type type, fhs_str body)
{
    return fhs_sight_may_mask(ctx, type, body);
}

static fhirstore_status search_write(void *ctx, fhs_type type, fhs_str body, fhs_buf *out,
                                     fhirstore_error **err)
{
    return fhs_sight_show(ctx, type, body, out, err);
}

const fhs_search_mask *fhs_sight_search_mask(void)
{
    static const fhs_search_mask ways = {search_reads, search_hides, search_may_mask, search_write};

    return &ways;
}
