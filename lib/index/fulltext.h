/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a resource, and the full-text index that holds them (storage/fulltext.h).
 *
 * Words of the narrative (text.div without its markup) and of everything else (content) are kept
 * apart. Each text begins with FHS_TEXT_MARK, so that no phrase reaches over its end; in front of
 * the content stands the mark alone, and the resource's type as a word that nobody can type.
 *
 * The index is written by whoever needs it: it knows the change sequence it stands at, and a step
 * brings it forward by some changes in one transaction.
 */
#ifndef FHS_INDEX_FULLTEXT_H
#define FHS_INDEX_FULLTEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "storage/storage.h"
#include "json/json.h"

/* No word has it. */
#define FHS_TEXT_MARK "_"

/*
 * What the words in the index mean: to be counted up with every change of folding, of cutting, or
 * of what is taken from a resource. An index of another number is made anew.
 */
#define FHS_FULLTEXT_MEANING 1

/* The words of one resource: blank-separated, marks included. */
typedef struct fhs_words {
    fhs_buf narrative;
    fhs_buf content;
    fhs_buf scratch;
} fhs_words;

void fhs_words_init(fhs_words *words);
void fhs_words_clear(fhs_words *words);
/* Take the words of @a resource, in place of those that were there. */
fhirstore_status fhs_words_take(fhs_words *words, const fhs_json *resource, fhirstore_error **err);
/* Whether a text is for people: not an address or date as a whole. Others have no words. */
bool fhs_words_are_in(fhs_str text);
/* Append one text with its mark. */
void fhs_words_add_text(fhs_buf *out, fhs_buf *scratch, fhs_str text);
/* Append what a reader of XHTML sees: without tags and comments, entities resolved. */
void fhs_words_plain(fhs_str markup, fhs_buf *out);
/* Append the type's word: "_patient". */
void fhs_words_add_type(fhs_buf *out, fhs_str type_name);

/*
 * The sequence up to which the index can be used; 0 where its words mean something else (then
 * *usable_out is false: nothing may be read from it).
 */
fhirstore_status fhs_fulltext_stands(fhs_conn *conn, int64_t *seq_out, bool *usable_out,
                                     fhirstore_error **err);
/*
 * Take the oldest @a most changes that are not in the index into it, inside the write transaction
 * of @a writer. *count_out: how many there were; fewer than @a most: it is up to date.
 */
fhirstore_status fhs_fulltext_step(fhs_conn *writer, uint32_t most, uint32_t *count_out,
                                   fhirstore_error **err);

/*
 * Inside the write transaction of @a writer, before versions of @a current's resource are removed
 * from the store: take out the words of the version that is in the index. Where that is the current
 * one, only if it goes as well (@a whole). @a current: with its body.
 */
fhirstore_status fhs_fulltext_forget(fhs_conn *writer, const fhs_version *current, bool whole,
                                     fhirstore_error **err);

/*
 * Whether the index holds exactly the words of the versions of its sequence; @a conn is a reader
 * inside a transaction.
 */
fhirstore_status fhs_fulltext_verify(fhs_conn *conn, bool *sound_out, fhirstore_error **err);

#endif
