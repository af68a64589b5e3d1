/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terms [--fhir R4|R4B|R5] FOLDER: the folder is FHIR's own package. Expands each of its value sets
 * twice, from the package's files and from the definitions that are built in, and compares. Prints
 * what differs and "N alike, N differ, N cannot be expanded".
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "folder.h"
#include "terminology/terminology.h"

#define FILES_MAX 4000u

typedef struct shelf_item {
    fhs_terms_kind kind;
    fhs_str url;
    fhs_str text;
} shelf_item;

typedef struct shelf {
    const fhs_fhir *fhir;
    fhs_arena arena;
    fhs_buf text;
    shelf_item items[FILES_MAX];
    size_t count;
    unsigned alike, differ, refused;
} shelf;

static void take_file(void *ctx, const char *file)
{
    shelf *all = ctx;
    fhs_arena arena;
    const fhs_json *root = NULL;
    fhs_str type;
    fhs_str url;
    fhs_str id;
    fhs_arena_init(&arena, SIZE_MAX);
    fhs_buf_reset(&all->text);
    if (folder_read_file(file, &all->text) &&
        fhs_json_read(&arena, fhs_buf_str(&all->text), NULL, &root, NULL) == FHIRSTORE_OK &&
        fhs_json_get_string(root, FHS_LIT("resourceType"), &type) &&
        fhs_json_get_string(root, FHS_LIT("url"), &url) &&
        fhs_json_get_string(root, FHS_LIT("id"), &id) &&
        !fhs_str_starts_with(id, FHS_LIT("example")) && all->count < FILES_MAX &&
        (fhs_str_eq(type, FHS_LIT("ValueSet")) || fhs_str_eq(type, FHS_LIT("CodeSystem")))) {
        all->items[all->count++] = (shelf_item){
            fhs_str_eq(type, FHS_LIT("ValueSet")) ? FHS_TERMS_VALUE_SET : FHS_TERMS_CODE_SYSTEM,
            fhs_arena_dup(&all->arena, url), fhs_arena_dup(&all->arena, fhs_buf_str(&all->text))};
    }
    fhs_arena_clear(&arena);
}

static fhirstore_status show_by_url(void *ctx, fhs_terms_kind kind, fhs_str url,
                                    fhs_terms_take_fn take, void *taker, fhirstore_error **err)
{
    const shelf *all = ctx;
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < all->count && status == FHIRSTORE_OK; i++) {
        if (all->items[i].kind == kind && fhs_str_eq(all->items[i].url, url)) {
            status = take(taker, all->items[i].text, 0, err);
        }
    }
    return status;
}

static fhirstore_status expand_url(fhs_terms *terms, fhs_str url, const fhs_code_set **out,
                                   fhirstore_error **err)
{
    static const fhs_terms_ask ask = {false, false};
    const fhs_json *json = NULL;
    fhirstore_status status = fhs_terms_value_set(terms, url, false, &json, err);
    return status == FHIRSTORE_OK ? fhs_terms_expand(terms, json, &ask, out, err) : status;
}

static bool is_within(const fhs_code_set *a, const fhs_code_set *b)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (!a->terms[i].is_out &&
            !fhs_code_set_has(b, a->terms[i].system, a->terms[i].code, NULL)) {
            return false;
        }
    }
    return a->whole_count == b->whole_count;
}

static void compare_one(shelf *all, fhs_str url)
{
    const fhs_terms_source source = {all, show_by_url, NULL, NULL};
    fhs_terms *ours = NULL;
    fhs_terms *theirs = NULL;
    const fhs_code_set *our_set = NULL;
    const fhs_code_set *their_set = NULL;
    fhirstore_error *our_err = NULL;
    fhirstore_error *their_err = NULL;
    if (fhs_terms_new(all->fhir, NULL, &ours, NULL) != FHIRSTORE_OK ||
        fhs_terms_new(all->fhir, &source, &theirs, NULL) != FHIRSTORE_OK) {
        exit(EXIT_FAILURE);
    }
    fhirstore_status our_status = expand_url(ours, url, &our_set, &our_err);
    fhirstore_status their_status = expand_url(theirs, url, &their_set, &their_err);
    if (our_status != FHIRSTORE_OK && our_status == their_status) {
        all->refused++;
    } else if (our_status == FHIRSTORE_OK && their_status == FHIRSTORE_OK &&
               is_within(our_set, their_set) && is_within(their_set, our_set)) {
        all->alike++;
    } else {
        all->differ++;
        (void)printf("%.*s: built in %u (%s), package %u (%s)\n", FHS_STR_ARG(url),
                     our_set == NULL ? 0 : our_set->count,
                     our_err == NULL ? "" : fhs_error_message(our_err),
                     their_set == NULL ? 0 : their_set->count,
                     their_err == NULL ? "" : fhs_error_message(their_err));
    }
    fhs_error_free(our_err);
    fhs_error_free(their_err);
    fhs_terms_free(ours);
    fhs_terms_free(theirs);
}

int main(int argc, char **argv)
{
    static shelf all;
    fhs_fhir_version version = FHS_FHIR_R4;
    int at = 1;
    if (argc > 3 && strcmp(argv[1], "--fhir") == 0) {
        version = strcmp(argv[2], "R5") == 0    ? FHS_FHIR_R5
                  : strcmp(argv[2], "R4B") == 0 ? FHS_FHIR_R4B
                                                : FHS_FHIR_R4;
        at = 3;
    }
    all.fhir = fhs_fhir_get(version);
    fhs_arena_init(&all.arena, SIZE_MAX);
    fhs_buf_init(&all.text, FHS_LIMIT_JSON_BYTES);
    if (at + 1 != argc || all.fhir == NULL || !folder_each_json(argv[at], take_file, &all)) {
        (void)fprintf(stderr, "usage: terms [--fhir R4|R4B|R5] FOLDER\n");
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < all.count; i++) {
        if (all.items[i].kind == FHS_TERMS_VALUE_SET) {
            compare_one(&all, all.items[i].url);
        }
    }
    (void)printf("%u alike, %u differ, %u cannot be expanded\n", all.alike, all.differ,
                 all.refused);
    fhs_buf_clear(&all.text);
    fhs_arena_clear(&all.arena);
    return all.differ == 0 && all.alike > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
