/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/words.h"

#include "base/clock.h"
#include "index/fulltext.h"
#include "storage/fulltext.h"

/* So few changes are looked at by each search; writing them has to be worth a transaction. */
#define FEW_CHANGES 100

#define SEARCH_STEP 1000u

fhirstore_status fhs_words_behind(fhs_conn *conn, int64_t cap, int64_t *count_out,
                                  fhirstore_error **err)
{
    int64_t seq;
    bool usable;
    fhirstore_status status = fhs_fulltext_stands(conn, &seq, &usable, err);
    *count_out = 0;
    return status >= FHIRSTORE_OK ? fhs_fulltext_behind(conn, seq, cap, count_out, err) : status;
}

fhirstore_status fhs_words_step(fhs_core *core, uint32_t most, uint32_t *count_out,
                                fhirstore_error **err)
{
    fhs_conn *conn = NULL;
    *count_out = 0;
    fhirstore_status status = fhs_storage_writer(core->storage, &conn, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_begin_write(conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_fulltext_step(conn, most, count_out, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_commit(conn, err);
    }
    fhs_conn_release(conn);
    return status;
}

fhirstore_status fhs_words_tidy(fhs_core *core, fhirstore_error **err)
{
    fhs_conn *conn = NULL;
    bool is_untidy = false;
    fhirstore_status status = fhs_storage_reader(core->storage, &conn, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_fulltext_is_untidy(conn, &is_untidy, err);
    }
    fhs_conn_release(conn);
    conn = NULL;
    if (status < FHIRSTORE_OK || !is_untidy) {
        return status;
    }
    status = fhs_storage_writer(core->storage, &conn, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_begin_write(conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_fulltext_tidy(conn, &is_untidy, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_commit(conn, err);
    }
    fhs_conn_release(conn);
    return status;
}

/* Names that are written otherwise are not seen: such a search is only slower. */
static bool may_ask_for_words(fhs_str query)
{
    static const fhs_str marks[] = {FHS_LIT_INIT("_text"), FHS_LIT_INIT("_content"),
                                    FHS_LIT_INIT(":text"), FHS_LIT_INIT("%3Atext"),
                                    FHS_LIT_INIT("%3atext")};
    for (size_t i = 0; i < FHS_COUNT_OF(marks); i++) {
        if (fhs_str_find(query, marks[i]) <= query.len) {
            return true;
        }
    }
    return false;
}

/* Neither cancelled nor out of time. */
static bool may_go_on(const fhs_call *call, int64_t started_us)
{
    fhs_session *session = call->session;
    return atomic_load(&session->cancels) == call->cancels &&
           (session->search_us <= 0 || fhs_clock_monotonic_us() - started_us < session->search_us);
}

fhirstore_status fhs_words_prepare(const fhs_call *call, fhs_str query, fhirstore_error **err)
{
    fhs_core *core = call->session->core;
    int64_t behind = 0;
    uint32_t count = SEARCH_STEP;
    if (core->read_only || !may_ask_for_words(query)) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_words_behind(call->conn, FEW_CHANGES + 1, &behind, err);
    if (status < FHIRSTORE_OK || behind <= FEW_CHANGES) {
        return status;
    }
    const int64_t started_us = fhs_clock_monotonic_us();
    while (status >= FHIRSTORE_OK && count == SEARCH_STEP && may_go_on(call, started_us)) {
        status = fhs_words_step(core, SEARCH_STEP, &count, NULL);
    }
    return status == FHIRSTORE_ERR_NO_MEMORY ? fhs_fail_memory(err) : FHIRSTORE_OK;
}
