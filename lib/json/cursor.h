/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walk the members of one object or the items of one array without a tree, so that a large Bundle
 * is handed out entry by entry. Only the scaffold (brackets, names, colons, commas) is checked
 * here; a value is found by counting brackets and is to be read strictly before it is believed.
 */
#ifndef FHS_JSON_CURSOR_H
#define FHS_JSON_CURSOR_H

#include "base/error.h"
#include "base/str.h"

typedef struct fhs_json_cursor {
    fhs_str text;
    size_t at;
    bool is_object;
    bool is_first;
    bool is_done;
} fhs_json_cursor;

/*
 * Begin on the object or array at @a offset (white space before it allowed). ERR_JSON with position
 * when there is neither.
 */
fhirstore_status fhs_json_cursor_open(fhs_str text, size_t offset, fhs_json_cursor *cursor,
                                      fhirstore_error **err);
/*
 * OK with the next value as it is written (and the raw name in an object: names with escapes are
 * refused), DONE at the end, ERR_JSON with position. *offset_out may be NULL. After DONE,
 * cursor->at is behind the closing bracket.
 */
fhirstore_status fhs_json_cursor_next(fhs_json_cursor *cursor, fhs_str *name_out,
                                      fhs_str *value_out, size_t *offset_out,
                                      fhirstore_error **err);

/*
 * The same in two halves, for who walks the value himself: step to where it begins (cursor->at),
 * then skip it, or set cursor->at behind it.
 */
fhirstore_status fhs_json_cursor_step(fhs_json_cursor *cursor, fhs_str *name_out,
                                      fhirstore_error **err);
fhirstore_status fhs_json_cursor_skip(fhs_json_cursor *cursor, fhs_str *value_out,
                                      fhirstore_error **err);

/* The content of a string value that has no escapes: false for anything else. */
bool fhs_json_plain_string(fhs_str value, fhs_str *out);

#endif
