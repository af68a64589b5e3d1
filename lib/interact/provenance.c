/* SPDX-License-Identifier: Apache-2.0 */
#include "interact/provenance.h"

#include "base/random.h"
#include "interact/interact.h"

fhirstore_status fhs_provenance_note(fhs_call *call, fhirstore_error **err)
{
    fhs_buf *written = call->root == NULL ? &call->targets : &call->root->targets;
    if (call->version_after <= call->version_before) {
        return FHIRSTORE_OK;
    }
    if (written->max == 0) {
        fhs_buf_init(written, FHS_LIMIT_RESOURCE_BYTES);
    }
    fhs_buf_addf(written, "%s{\"reference\":\"%.*s/%.*s/_history/%lld\"}",
                 written->len > 0 ? "," : "[",
                 FHS_STR_ARG(fhs_type_name(call->session->core->fhir, call->type)),
                 FHS_STR_ARG(call->id), (long long)call->version_after);
    fhirstore_status status = fhs_buf_status(written);
    return status < FHIRSTORE_OK ? fhs_fail_plain(err, status) : FHIRSTORE_OK;
}

/* The header's text with its target set; @a out holds what @a prepared borrows. */
static fhirstore_status prepare_provenance(fhs_call *call, fhs_buf *out, fhs_prepared *prepared,
                                           fhirstore_error **err)
{
    fhs_session *session = call->session;
    const fhs_json *root;
    const fhs_type type = fhs_type_find(session->core->fhir, FHS_LIT("Provenance"));
    fhirstore_status status = fhs_json_read(&session->arena, session->provenance, NULL, &root, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (root->type != FHS_JSON_OBJECT) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_RESOURCE,
                        "X-Provenance holds a Provenance resource");
    }
    fhs_buf_add_char(&call->targets, ']');
    const fhs_json_edit edits[] = {{FHS_LIT("target"), fhs_buf_str(&call->targets)}};
    fhs_json_write_edited(out, session->provenance, root, edits, FHS_COUNT_OF(edits));
    status = fhs_buf_status(out) < FHIRSTORE_OK ? fhs_buf_status(out)
                                                : fhs_buf_status(&call->targets);
    if (status < FHIRSTORE_OK) {
        return fhs_fail_plain(err, status);
    }
    return fhs_prepare(session, type, fhs_buf_str(out), prepared, err);
}

fhirstore_status fhs_provenance_store(fhs_call *call, fhirstore_error **err)
{
    char id[FHS_UUID_LEN + 1];
    fhs_prepared prepared;
    fhs_answer answer;
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_answer_init(&answer);
    fhirstore_status status = prepare_provenance(call, &text, &prepared, err);
    if (status >= FHIRSTORE_OK) {
        fhs_uuid_new(id);
        status = fhs_interact_create_in(call, &prepared, fhs_str_of(id, FHS_UUID_LEN), false,
                                        &answer, err);
    }
    fhs_answer_clear(&answer);
    fhs_buf_clear(&text);
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}
