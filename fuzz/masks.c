/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field masks over whatever resources: a line of elements that are hidden, one of such that are
 * kept, one with a resource as it is stored, then one as somebody wants it. What is shown is JSON
 * without what is hidden; sent back as it was shown it leaves what is stored as it is; and what is
 * kept is as it was after a change that is let through. All of it
 * fails with a reason, or for want of memory, and never otherwise.
 */
#include "access/mask.h"
#include "base/utf8.h"
#include "law.h"

#define MAX_MEMORY ((size_t)64 << 20)
#define MAX_PATHS  8u

static fhs_str items[2][MAX_PATHS];
static fhs_mask mask;
static fhs_mask contained_mask;

static fhs_str cut_line(fhs_str *text)
{
    fhs_str line = *text;
    fhs_str rest = FHS_STR_NONE;
    (void)fhs_str_split(*text, '\n', &line, &rest);
    *text = rest;
    return line;
}

/* Only what is an element of the type can be in a mask. */
static size_t read_paths(fhs_str line, const fhs_fhir *fhir, fhs_type type, fhs_str *out)
{
    size_t count = 0;
    bool more = line.len > 0;
    while (more && count < MAX_PATHS) {
        fhs_str path = line;
        fhs_str rest = FHS_STR_NONE;
        more = fhs_str_split(line, ',', &path, &rest);
        line = rest;
        if (fhs_mask_fault(fhir, type, path) == NULL) {
            out[count++] = path;
        }
    }
    return count;
}

static fhs_type type_of(const fhs_fhir *fhir, const fhs_json *root)
{
    fhs_str name;
    return fhs_json_is(root, FHS_JSON_OBJECT) &&
                   fhs_json_get_string(root, FHS_LIT("resourceType"), &name)
               ? fhs_type_find(fhir, name)
               : FHS_TYPE_NONE;
}

static const fhs_mask *mask_of(void *ctx, fhs_type type)
{
    const fhs_type *masked = ctx;
    return type == *masked ? &mask : &contained_mask;
}

static void check_error(fhirstore_status status, fhirstore_error *err)
{
    FUZZ_LAW((status < FHIRSTORE_OK) == (err != NULL));
    FUZZ_LAW(err == NULL || fhs_error_message(err)[0] != '\0');
    fhs_error_free(err);
}

/* What is shown; false: it cannot be. */
static bool show(const fhs_masks *masks, fhs_str body, fhs_buf *out)
{
    fhs_arena arena;
    fhirstore_error *err = NULL;
    fhs_arena_init(&arena, MAX_MEMORY);
    const fhirstore_status status = fhs_mask_write(masks, &arena, body, out, &err);
    check_error(status, err);
    fhs_arena_clear(&arena);
    return status >= FHIRSTORE_OK;
}

static fhirstore_status merge(const fhs_masks *masks, fhs_str stored, fhs_str sent, size_t memory,
                              fhs_buf *out)
{
    fhs_arena arena;
    fhirstore_error *err = NULL;
    fhs_arena_init(&arena, memory);
    const fhirstore_status status = fhs_mask_merge(masks, &arena, stored, sent, out, &err);
    check_error(status, err);
    fhs_arena_clear(&arena);
    return status;
}

static fhs_str without_form(fhs_str name)
{
    return fhs_str_ends_with(name, FHS_LIT("[x]")) ? fhs_str_of(name.ptr, name.len - 3) : name;
}

static void check_path(const fhs_json *shown, fhs_str path, bool is_root);

/* What is left of the members that a path's first step names; a member called "a.b" is none. */
static void check_members(const fhs_json *object, fhs_str path, bool is_root)
{
    fhs_str step = path;
    fhs_str rest = FHS_STR_NONE;
    const bool is_last = !fhs_str_split(path, '.', &step, &rest);
    for (size_t i = 0; i < object->count; i++) {
        const fhs_json *value = &object->members[i].value;
        const bool is_named = fhs_str_eq(object->members[i].name, without_form(step));
        if (is_named && !is_last) {
            check_path(value, rest, false);
        }
        FUZZ_LAW(!is_named || !is_last || fhs_mask_is_placeholder(value) ||
                 (is_root && fhs_str_eq(step, FHS_LIT("meta"))));
    }
}

/* Lists count item by item. What says of itself to be a resource has the mask of its own type. */
static void check_path(const fhs_json *shown, fhs_str path, bool is_root)
{
    for (size_t i = 0; fhs_json_is(shown, FHS_JSON_ARRAY) && i < shown->count; i++) {
        check_path(&shown->items[i], path, false);
    }
    if (fhs_json_is(shown, FHS_JSON_OBJECT) &&
        (is_root || fhs_json_get(shown, FHS_LIT("resourceType")) == NULL)) {
        check_members(shown, path, is_root);
    }
}

/* Nothing of a hidden element is left but the note that there may be one, and the root's tag. */
static void check_hidden(const fhs_json *shown)
{
    for (size_t i = 0; i < mask.hide_count && fhs_json_is(shown, FHS_JSON_OBJECT); i++) {
        if (!fhs_str_eq(mask.hide[i], FHS_LIT("meta.tag"))) {
            check_path(shown, mask.hide[i], true);
        }
    }
}

static void check_shown(const fhs_masks *masks, fhs_arena *arena, fhs_str stored,
                        const fhs_json *root)
{
    fhs_buf once = FHS_BUF_INIT(MAX_MEMORY);
    fhs_buf merged = FHS_BUF_INIT(MAX_MEMORY);
    const fhs_json *shown;
    if (show(masks, stored, &once)) {
        const fhirstore_status read = fhs_json_read(arena, fhs_buf_str(&once), NULL, &shown, NULL);
        FUZZ_LAW(read == FHIRSTORE_OK || read == FHIRSTORE_ERR_NO_MEMORY);
        if (read == FHIRSTORE_OK) {
            check_hidden(shown);
        }
        if (merge(masks, stored, fhs_buf_str(&once), MAX_MEMORY, &merged) >= FHIRSTORE_OK &&
            fhs_json_read(arena, fhs_buf_str(&merged), NULL, &shown, NULL) == FHIRSTORE_OK) {
            /* Tags that say nothing do not come back. */
            FUZZ_LAW(fhs_json_equal(root, shown) || fhs_mask_is_any(masks, root) ||
                     fhs_json_get(root, FHS_LIT("meta")) != NULL);
        }
    }
    fhs_buf_clear(&once);
    fhs_buf_clear(&merged);
}

/* A change, with less and less memory: it comes to the same or to nothing. */
static void check_change(const fhs_masks *masks, fhs_arena *arena, fhs_type type, fhs_str stored,
                         fhs_str sent)
{
    fhs_buf out = FHS_BUF_INIT(MAX_MEMORY);
    fhs_buf again = FHS_BUF_INIT(MAX_MEMORY);
    const fhs_json *before;
    const fhs_json *after;
    const fhirstore_status status = merge(masks, stored, sent, MAX_MEMORY, &out);
    if (status >= FHIRSTORE_OK) {
        fhirstore_error *err = NULL;
        FUZZ_LAW(fhs_json_read(arena, stored, NULL, &before, NULL) >= FHIRSTORE_OK);
        if (fhs_json_read(arena, fhs_buf_str(&out), NULL, &after, NULL) >= FHIRSTORE_OK) {
            FUZZ_LAW(fhs_mask_check_kept(&mask, masks->fhir, type, arena, before, before, NULL) ==
                     FHIRSTORE_OK);
            const fhirstore_status kept = fhs_mask_check_kept(&mask, masks->fhir, type, arena,
                                                              before, after, &err);
            check_error(kept, err);
            FUZZ_LAW(kept == FHIRSTORE_OK || mask.keep_count > 0);
        }
        for (size_t memory = 16; memory < 4096; memory *= 2) {
            fhs_buf_reset(&again);
            FUZZ_LAW(merge(masks, stored, sent, memory, &again) < FHIRSTORE_OK ||
                     fhs_str_eq(fhs_buf_str(&out), fhs_buf_str(&again)));
        }
    }
    fhs_buf_clear(&out);
    fhs_buf_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const fhs_fhir *fhir = fhs_fhir_get(FHS_FHIR_R4);
    fhs_str text = fhs_str_of((const char *)data, size);
    const fhs_str hidden = cut_line(&text);
    const fhs_str kept = cut_line(&text);
    const fhs_str stored = cut_line(&text);
    const fhs_json *root;
    fhs_arena arena;
    fhs_arena_init(&arena, MAX_MEMORY);
    if (fhs_json_read(&arena, stored, NULL, &root, NULL) >= FHIRSTORE_OK) {
        fhs_type type = type_of(fhir, root);
        const fhs_masks masks = {fhir, mask_of, &type};
        const bool is_resource = fhs_type_is_resource(fhir, type);
        mask = (fhs_mask){items[0], is_resource ? read_paths(hidden, fhir, type, items[0]) : 0,
                          items[1], is_resource ? read_paths(kept, fhir, type, items[1]) : 0};
        static const fhs_str identifiers[] = {FHS_LIT_INIT("identifier")};
        contained_mask = (fhs_mask){identifiers, hidden.len % 2, NULL, 0};
        check_shown(&masks, &arena, stored, root);
        check_change(&masks, &arena, type, stored, text);
        for (fhs_sparam param = 0; is_resource && param < 4; param++) {
            (void)fhs_mask_reads(&mask, fhir, type, param);
        }
    }
    fhs_arena_clear(&arena);
    return 0;
}
