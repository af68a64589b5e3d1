/* SPDX-License-Identifier: Apache-2.0 */
/* What the header says of how new the file is: its generation, and the sum over its pages. */
#include <sodium.h>

#include "keys/keys_internal.h"

void fhs_keys_get_sum(const fhs_keys *keys, fhs_page_sum *out)
{
    const uint8_t *image = keys->image;
    out->state = (fhs_sum_state)image[HEADER_SUM_STATE];
    out->salt = fhs_get_le(image + HEADER_SUM_SALT, 8);
    out->frames = (uint32_t)fhs_get_le(image + HEADER_SUM_FRAMES, 4);
    out->database = (uint32_t)fhs_get_le(image + HEADER_SUM_DATABASE, 4);
    for (size_t i = 0; i < 4; i++) {
        out->sum[i] = fhs_get_le(image + HEADER_SUM + i * 8, 8);
    }
}

void fhs_header_store_sum(uint8_t *image, const fhs_page_sum *sum)
{
    image[HEADER_SUM_STATE] = (uint8_t)sum->state;
    fhs_put_le(image + HEADER_SUM_SALT, 8, sum->salt);
    fhs_put_le(image + HEADER_SUM_FRAMES, 4, sum->frames);
    fhs_put_le(image + HEADER_SUM_DATABASE, 4, sum->database);
    for (size_t i = 0; i < 4; i++) {
        fhs_put_le(image + HEADER_SUM + i * 8, 8, sum->sum[i]);
    }
}

/* A change of the header: make it in @a image. */
typedef void (*header_change)(uint8_t *image, const fhs_page_sum *sum);

static fhirstore_status change_header(fhs_keys *keys, header_change change, const fhs_page_sum *sum,
                                      const fhs_keys_io *io, fhirstore_error **err)
{
    uint8_t image[FHS_KEYS_COPY_BYTES];
    fhirstore_status status = fhs_header_lock(io, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = fhs_header_refresh(keys, io, err);
    if (status == FHIRSTORE_OK) {
        memcpy(image, keys->image, sizeof image);
        change(image, sum);
        status = fhs_header_publish(keys, image, io, err);
    }
    fhs_header_unlock(io);
    return status;
}

static void change_generation(uint8_t *image, const fhs_page_sum *sum)
{
    uint64_t generation = fhs_get_le(image + HEADER_GENERATION, 8);
    fhs_put_le(image + HEADER_GENERATION, 8, generation + 1);
    if (sum != NULL) {
        fhs_header_store_sum(image, sum);
    }
}

static void change_nothing(uint8_t *image, const fhs_page_sum *sum)
{
    (void)image;
    (void)sum;
}

fhirstore_status fhs_keys_put_sum(fhs_keys *keys, const fhs_page_sum *sum, const fhs_keys_io *io,
                                  fhirstore_error **err)
{
    return change_header(keys, fhs_header_store_sum, sum, io, err);
}

fhirstore_status fhs_keys_raise_generation(fhs_keys *keys, bool drops_sum, const fhs_keys_io *io,
                                           fhirstore_error **err)
{
    static const fhs_page_sum none = {.state = FHS_SUM_NONE};
    return change_header(keys, change_generation, drops_sum ? &none : NULL, io, err);
}

void fhs_keys_sum_add(const fhs_keys *keys, fhs_page_sum *sum, uint32_t page, const uint8_t *tail,
                      bool takes)
{
    uint8_t input[4 + FHS_KEYS_TAIL_BYTES];
    uint8_t term[32];
    fhs_put_le(input, 4, page);
    memcpy(input + 4, tail, FHS_KEYS_TAIL_BYTES);
    (void)crypto_generichash(term, sizeof term, input, sizeof input, keys->secrets->sums,
                             FHS_KEYS_KEY_BYTES);
    for (size_t i = 0; i < 4; i++) {
        uint64_t word = fhs_get_le(term + i * 8, 8);
        sum->sum[i] = takes ? sum->sum[i] - word : sum->sum[i] + word;
    }
}

fhirstore_status fhs_keys_mend(fhs_keys *keys, const fhs_keys_io *io, bool *mended_out,
                               fhirstore_error **err)
{
    uint8_t spare[FHS_KEYS_COPY_BYTES];
    *mended_out = false;
    fhirstore_status status = fhs_header_lock(io, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    status = io->read(io->ctx, (uint64_t)(keys->copy ^ 1u) * FHS_KEYS_COPY_BYTES, spare,
                      sizeof spare, err);
    *mended_out = status == FHIRSTORE_OK && !fhs_keys_copy_is_valid(keys, spare);
    fhs_header_unlock(io);
    return *mended_out ? change_header(keys, change_nothing, NULL, io, err) : status;
}

fhirstore_status fhs_keys_catch_up(fhs_keys *keys, const fhs_keys_io *io, fhirstore_error **err)
{
    fhirstore_status status = fhs_header_lock(io, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_header_refresh(keys, io, err);
        fhs_header_unlock(io);
    }
    return status;
}

bool fhs_keys_is_torn(const fhs_keys *keys)
{
    return keys->is_torn;
}

uint32_t fhs_keys_spare(const fhs_keys *keys)
{
    return keys->copy ^ 1u;
}

bool fhs_keys_copy_is_due(const fhs_keys *keys, uint32_t copy,
                          const uint8_t bytes[FHS_KEYS_COPY_BYTES])
{
    if (copy == keys->copy) {
        return memcmp(bytes, keys->image, FHS_KEYS_COPY_BYTES) == 0;
    }
    return fhs_header_seq(bytes) + 1 == fhs_header_seq(keys->image);
}

fhirstore_status fhs_keys_write_again(fhs_keys *keys, const fhs_keys_io *io, fhirstore_error **err)
{
    return change_header(keys, change_nothing, NULL, io, err);
}
