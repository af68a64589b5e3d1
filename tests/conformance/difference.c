/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The difference between two resources, applied to the first, gives the second: asked of each file
 * of a folder and the one of its type before it, both ways, and of each file and itself after
 * random edits. usage: difference [--fhir V] FOLDER
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "folder.h"
#include "patch/patch.h"
#include "patch/tree.h"

#define EDITS    6
#define MAX_TEXT 200000u

static const fhs_fhir *fhir;
static unsigned asked;
static unsigned failed;
static unsigned refused;
static uint64_t seed = 88172645463325252u;

/* What came last, by type. */
typedef struct last_one {
    char *text;
    size_t len;
} last_one;
static last_one *last;

static uint32_t dice(uint32_t sides)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)((seed >> 11) % sides);
}

static bool equal_but_own(fhs_arena *arena, fhs_str a, fhs_str b)
{
    static const fhs_str own[] = {FHS_LIT_INIT("id"), FHS_LIT_INIT("meta")};
    static const fhs_str own_meta[] = {FHS_LIT_INIT("versionId"), FHS_LIT_INIT("lastUpdated")};
    static const fhs_json empty = {.type = FHS_JSON_OBJECT};
    const fhs_json *first;
    const fhs_json *second;
    if (fhs_json_read(arena, a, NULL, &first, NULL) != FHIRSTORE_OK ||
        fhs_json_read(arena, b, NULL, &second, NULL) != FHIRSTORE_OK) {
        return false;
    }
    const fhs_json *meta = fhs_json_get(first, own[1]);
    const fhs_json *other = fhs_json_get(second, own[1]);
    return fhs_json_equal_but(first, second, own, 2) &&
           fhs_json_equal_but(meta == NULL ? &empty : meta, other == NULL ? &empty : other,
                              own_meta, 2);
}

static void check_pair_of(const char *path, fhs_str from, fhs_str to)
{
    fhs_arena arena;
    fhs_patch patch;
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf out = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_error *err = NULL;
    fhs_arena_init(&arena, SIZE_MAX);
    fhirstore_status status = fhs_patch_diff(&arena, fhir, from, to, &text, &err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_patch_read(&arena, FHS_PATCH_FHIRPATH, fhs_buf_str(&text), &patch, &err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_patch_apply(&arena, fhir, &patch, from, &out, &err);
    }
    asked++;
    if (status == FHIRSTORE_ERR_NOT_SUPPORTED) {
        refused++;
    } else if (status < FHIRSTORE_OK || !equal_but_own(&arena, fhs_buf_str(&out), to)) {
        failed++;
        printf("FAILED %s: %s %s\n", path, fhs_status_name(status),
               err == NULL ? "" : fhs_error_message(err));
        if (text.len < 3000 && failed < 20) {
            printf("  %.*s\n", FHS_STR_ARG(fhs_buf_str(&text)));
        }
    }
    fhs_error_free(err);
    fhs_buf_clear(&text);
    fhs_buf_clear(&out);
    fhs_arena_clear(&arena);
}

/* ---- random edits ---- */

/* One step at random: something is taken out, doubled, or put elsewhere in its list. */
static bool edit_somewhere(fhs_arena *arena, fhs_tree *node)
{
    if (!fhs_tree_open(arena, node) || node->count == 0) {
        return false;
    }
    uint32_t at = dice(node->count);
    fhs_tree *part = node->parts[at].value;
    if (node->parts[at].name.len > 0 && node->parts[at].name.ptr[0] == '_') {
        return false; /* what stands beside primitives keeps their places */
    }
    if (fhs_tree_is_container(part) && dice(3) > 0 && edit_somewhere(arena, part)) {
        return true;
    }
    if (node->type == FHS_JSON_OBJECT || fhs_tree_is_container(part) == false) {
        return false;
    }
    switch (dice(3)) {
    case 0:
        if (node->count < 2) {
            return false;
        }
        fhs_tree_remove(node, at);
        return true;
    case 1:
        return fhs_tree_insert(arena, node, dice(node->count + 1), FHS_STR_NONE,
                               fhs_tree_copy(arena, part));
    default:
        fhs_tree_remove(node, at);
        return fhs_tree_insert(arena, node, dice(node->count + 1), FHS_STR_NONE, part);
    }
}

static void check_edited(const char *path, fhs_str text)
{
    fhs_arena arena;
    const fhs_json *json;
    fhs_buf edited = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_arena_init(&arena, SIZE_MAX);
    if (fhs_json_read(&arena, text, NULL, &json, NULL) == FHIRSTORE_OK) {
        fhs_tree *root = fhs_tree_of(&arena, json, text);
        for (int i = 0; i < EDITS; i++) {
            (void)edit_somewhere(&arena, root);
        }
        fhs_tree_write(root, &edited);
        check_pair_of(path, text, fhs_buf_str(&edited));
        check_pair_of(path, fhs_buf_str(&edited), text);
    }
    fhs_buf_clear(&edited);
    fhs_arena_clear(&arena);
}

static fhs_type type_of_text(fhs_str text)
{
    fhs_arena arena;
    const fhs_json *json;
    fhs_str name;
    fhs_type type = FHS_TYPE_NONE;
    fhs_arena_init(&arena, SIZE_MAX);
    if (fhs_json_read(&arena, text, NULL, &json, NULL) == FHIRSTORE_OK &&
        fhs_json_get_string(json, FHS_LIT("resourceType"), &name)) {
        type = fhs_type_find(fhir, name);
    }
    fhs_arena_clear(&arena);
    return type;
}

static void check_text(const char *path, fhs_str text)
{
    fhs_type type = type_of_text(text);
    if (type == FHS_TYPE_NONE || text.len > MAX_TEXT) {
        return;
    }
    if (last[type].text != NULL) {
        check_pair_of(path, fhs_str_of(last[type].text, last[type].len), text);
        check_pair_of(path, text, fhs_str_of(last[type].text, last[type].len));
    }
    check_edited(path, text);
    free(last[type].text);
    last[type].text = malloc(text.len + 1);
    if (last[type].text != NULL) {
        memcpy(last[type].text, text.ptr, text.len);
        last[type].len = text.len;
    }
}

static void check_file(void *ctx, const char *file)
{
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    (void)ctx;
    if (folder_read_file(file, &text)) {
        check_text(file, fhs_buf_str(&text));
    }
    fhs_buf_clear(&text);
}

static const fhs_fhir *find_version(const char *name)
{
    for (int version = FHS_FHIR_R4; version <= FHS_FHIR_R5; version++) {
        const fhs_fhir *found = fhs_fhir_get((fhs_fhir_version)version);
        if (found != NULL && fhs_str_eq(fhs_fhir_version_name(found), fhs_str_from_cstr(name))) {
            return found;
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int at = 1;
    fhir = fhs_fhir_get(FHS_FHIR_R4);
    if (at + 1 < argc && strcmp(argv[at], "--fhir") == 0) {
        fhir = find_version(argv[at + 1]);
        at += 2;
    }
    if (at + 1 != argc || fhir == NULL) {
        (void)fprintf(stderr, "usage: difference [--fhir R4|R4B|R5] FOLDER\n");
        return 2;
    }
    last = calloc(fhs_type_count(fhir), sizeof *last);
    bool is_read = last != NULL && folder_each_json(argv[at], check_file, NULL);
    (void)printf("%u differences, %u not to be told, %u failed\n", asked, refused, failed);
    for (size_t i = 0; last != NULL && i < fhs_type_count(fhir); i++) {
        free(last[i].text);
    }
    free(last);
    return is_read && failed == 0 && asked > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
