/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the bytes: an error with a place inside them, or a tree that survives every writer. */
#include "json/json.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "law.h"
#include "json/doc.h"

#define MAX_TREE ((size_t)64 << 20)
#define MAX_TEXT ((size_t)64 << 20)

static void check_error(fhs_str text, fhirstore_status status, const fhs_json *root,
                        fhirstore_error *err)
{
    fhirstore_location where = fhs_error_location(err);
    uint32_t line;
    uint32_t column;
    FUZZ_LAW(status < 0 && root == NULL && fhs_error_status(err) == status);
    FUZZ_LAW(status == FHIRSTORE_ERR_NO_MEMORY || where.offset <= text.len);
    fhs_json_position(text, where.offset, &line, &column);
    FUZZ_LAW(status == FHIRSTORE_ERR_NO_MEMORY || (line == where.line && column == where.column));
}

/* Every value lies within its container, behind the one before it. */
static void check_places(const fhs_json *value, uint32_t depth)
{
    uint32_t at = value->begin;
    FUZZ_LAW(value->begin < value->end && depth <= FHS_LIMIT_JSON_DEPTH);
    for (uint32_t i = 0; i < value->count; i++) {
        bool is_object = value->type == FHS_JSON_OBJECT;
        const fhs_json *part = is_object ? &value->members[i].value : &value->items[i];
        FUZZ_LAW(part->begin > at && part->end < value->end);
        FUZZ_LAW(!is_object ||
                 fhs_utf8_valid_prefix(value->members[i].name) == value->members[i].name.len);
        check_places(part, depth + 1);
        at = part->end;
    }
    if (value->type == FHS_JSON_STRING) {
        FUZZ_LAW(fhs_utf8_valid_prefix(value->text) == value->text.len);
        FUZZ_LAW(value->text.len == 0 || memchr(value->text.ptr, 0, value->text.len) == NULL);
    }
}

/* What is read from @a written equals @a root and is written compactly as @a compact. */
static void check_again(fhs_arena *arena, fhs_str written, const fhs_json *root, fhs_str compact)
{
    const fhs_json *again;
    fhs_buf out = FHS_BUF_INIT(MAX_TEXT);
    fhirstore_status status = fhs_json_read(arena, written, NULL, &again, NULL);
    if (status == FHIRSTORE_OK) {
        FUZZ_LAW(fhs_json_equal(root, again) && fhs_json_equal(again, root));
        fhs_json_write_compact(&out, written, again);
        FUZZ_LAW(fhs_str_eq(fhs_buf_str(&out), compact));
    } else {
        FUZZ_LAW(status == FHIRSTORE_ERR_NO_MEMORY);
    }
    fhs_buf_clear(&out);
}

/* As an editable document it is still the same value. */
static void check_document(fhs_arena *arena, const fhs_json *root)
{
    fhs_buf out = FHS_BUF_INIT(MAX_TEXT);
    fhs_doc *doc = fhs_doc_from_json(root);
    const fhs_json *again;
    FUZZ_LAW(doc != NULL && fhs_doc_write(doc, &out, NULL) == FHIRSTORE_OK);
    if (fhs_json_read(arena, fhs_buf_str(&out), NULL, &again, NULL) == FHIRSTORE_OK) {
        FUZZ_LAW(fhs_json_equal(root, again));
    }
    fhs_doc_free(doc);
    fhs_buf_clear(&out);
}

/* Setting and removing members gives an object that holds what was asked. */
static void check_edits(fhs_arena *arena, fhs_str text, const fhs_json *root)
{
    fhs_json_edit edits[] = {{FHS_LIT("id"), FHS_LIT("[ \"x\" ]")},
                             {FHS_LIT("meta"), FHS_STR_NONE}};
    fhs_buf out = FHS_BUF_INIT(MAX_TEXT);
    const fhs_json *again;
    fhs_json_write_edited(&out, text, root, edits, 2);
    if (fhs_json_read(arena, fhs_buf_str(&out), NULL, &again, NULL) == FHIRSTORE_OK) {
        uint32_t want = root->count + (fhs_json_get(root, FHS_LIT("id")) == NULL ? 1 : 0) -
                        (fhs_json_get(root, FHS_LIT("meta")) == NULL ? 0 : 1);
        FUZZ_LAW(again->count == want);
        FUZZ_LAW(fhs_json_is(fhs_json_get(again, FHS_LIT("id")), FHS_JSON_ARRAY));
    } else {
        FUZZ_LAW(out.len > 1000000); /* only for want of memory */
    }
    fhs_buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fhs_arena arena;
    fhs_str text = fhs_str_of((const char *)data, size);
    const fhs_json *root = NULL;
    fhirstore_error *err = NULL;
    fhs_arena_init(&arena, MAX_TREE);
    fhirstore_status status = fhs_json_read(&arena, text, NULL, &root, &err);
    if (status != FHIRSTORE_OK) {
        check_error(text, status, root, err);
    } else {
        fhs_buf compact = FHS_BUF_INIT(MAX_TEXT);
        fhs_buf pretty = FHS_BUF_INIT(MAX_TEXT);
        check_places(root, 0);
        fhs_json_write_compact(&compact, text, root);
        fhs_json_write_pretty(&pretty, text, root);
        FUZZ_LAW(compact.len <= size && compact.len <= pretty.len);
        check_again(&arena, fhs_buf_str(&compact), root, fhs_buf_str(&compact));
        check_again(&arena, fhs_buf_str(&pretty), root, fhs_buf_str(&compact));
        check_document(&arena, root);
        if (root->type == FHS_JSON_OBJECT) {
            check_edits(&arena, text, root);
        }
        fhs_buf_clear(&compact);
        fhs_buf_clear(&pretty);
    }
    fhs_error_free(err);
    fhs_arena_clear(&arena);
    return 0;
}
