/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes sealed under a key of their own, apart from the pages that hold them: nonce, tag and
 * ciphertext of XChaCha20-Poly1305, with a fresh random nonce each time.
 */
#ifndef FHS_KEYS_BOX_H
#define FHS_KEYS_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define FHS_BOX_KEY_BYTES 32u
#define FHS_BOX_EXTRA     40u /* nonce and tag */

/* @a out has room for plain.len + FHS_BOX_EXTRA and is not @a plain. */
void fhs_box_seal(const uint8_t key[FHS_BOX_KEY_BYTES], fhs_str aad, fhs_str plain, uint8_t *out);
/* @a out has room for sealed.len - FHS_BOX_EXTRA. False: it is not what was sealed. */
bool fhs_box_open(const uint8_t key[FHS_BOX_KEY_BYTES], fhs_str aad, fhs_str sealed, uint8_t *out);

/* A new random key. */
void fhs_box_new_key(uint8_t out[FHS_BOX_KEY_BYTES]);
/* A key made of another one, for one purpose. */
void fhs_box_derive(const uint8_t key[FHS_BOX_KEY_BYTES], const char context[8],
                    uint8_t out[FHS_BOX_KEY_BYTES]);

/* memory.c: memory for keys: guarded, locked where that is possible, wiped when it is freed. */
void *fhs_guarded_new(size_t len);
void fhs_guarded_free(void *memory);

#endif
