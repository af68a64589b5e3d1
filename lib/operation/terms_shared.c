/* SPDX-License-Identifier: Apache-2.0 */
#include "operation/terms_shared.h"

#include "base/fold.h"
#include "interact/find.h"
#include "interact/interact.h"
#include "interact/sight.h"
#include "json/doc.h"

fhirstore_status fhs_terms_run(fhs_call *call, const fhs_operation *operation, fhs_answer *answer,
                               fhirstore_status (*task)(fhs_terms_work *work),
                               fhirstore_error **err)
{
    fhs_params *params = NULL;
    fhs_terms_work work = {.call = call, .operation = operation, .out = &answer->body, .err = err};
    fhirstore_status status = fhs_argument_text(operation, FHS_LIT("displayLanguage"),
                                                &work.language, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_call_params(call, &params, err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    work.env = fhs_find_env(call, params, false);
    fhs_stored_terms_init(&work.stored, call->conn, &work.env, false);
    status = fhs_terms_new(work.env.fhir, &work.stored.source, &work.terms, err);
    if (status >= FHIRSTORE_OK) {
        status = task(&work);
    }
    fhs_terms_free(work.terms);
    return status;
}

fhirstore_status fhs_terms_instance(fhs_terms_work *work, const fhs_json **out)
{
    const fhs_call *call = work->call;
    fhs_version version;
    int32_t type = fhs_catalog_type(call->session->core->catalog, call->type);
    *out = NULL;
    fhirstore_status status = fhs_sight_find(work->call, call->type, call->id, work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_read(call->conn, type, call->id, &version, work->err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (version.is_deleted) {
        return fhs_fail_plain(work->err, FHIRSTORE_ERR_DELETED);
    }
    if (!fhs_sight_may_mask(work->call, call->type, version.body)) {
        return fhs_terms_read(work->terms, version.body, out, work->err);
    }
    fhs_buf shown = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    status = fhs_sight_show(work->call, call->type, version.body, &shown, work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_terms_read(work->terms, fhs_buf_str(&shown), out, work->err);
    }
    fhs_buf_clear(&shown);
    return status;
}

/* ---- codings ---- */

static fhs_str member_text(const fhs_json *object, fhs_str name)
{
    fhs_str text;
    return fhs_json_get_string(object, name, &text) ? text : FHS_STR_NONE;
}

fhirstore_status fhs_terms_coding(fhs_terms_work *work, const fhs_json *json, fhs_str name,
                                  fhs_coding *out)
{
    if (!fhs_json_is(json, FHS_JSON_OBJECT)) {
        return fhs_argument_fail(name, "expects a Coding", work->err);
    }
    *out = (fhs_coding){
        .system = member_text(json, FHS_LIT("system")),
        .version = member_text(json, FHS_LIT("version")),
        .code = member_text(json, FHS_LIT("code")),
        .display = member_text(json, FHS_LIT("display")),
    };
    return out->code.len > 0 ? FHIRSTORE_OK
                             : fhs_argument_fail(name, "expects a code in its coding", work->err);
}

static fhirstore_status concept_codings(fhs_terms_work *work, const fhs_json *concept,
                                        fhs_coding *list, size_t *count_out)
{
    static const fhs_str name = FHS_LIT_INIT("codeableConcept");
    const fhs_json *codings = fhs_json_get(concept, FHS_LIT("coding"));
    if (!fhs_json_is(codings, FHS_JSON_ARRAY) || codings->count == 0 ||
        codings->count > FHS_CODINGS_MAX) {
        return fhs_argument_fail(name, "expects a list of 1 to 64 codings", work->err);
    }
    for (uint32_t i = 0; i < codings->count; i++) {
        fhirstore_status status = fhs_terms_coding(work, &codings->items[i], name,
                                                   &list[(*count_out)++]);
        if (status < FHIRSTORE_OK) {
            return status;
        }
    }
    return FHIRSTORE_OK;
}

/* "code", "system", "display" and the version of the code system. */
static fhirstore_status plain_coding(fhs_terms_work *work, fhs_str version_name, fhs_coding *out)
{
    const fhs_operation *operation = work->operation;
    fhirstore_status status = fhs_argument_text(operation, FHS_LIT("code"), &out->code, work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_text(operation, FHS_LIT("system"), &out->system, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_text(operation, FHS_LIT("display"), &out->display, work->err);
    }
    return status >= FHIRSTORE_OK
               ? fhs_argument_text(operation, version_name, &out->version, work->err)
               : status;
}

fhirstore_status fhs_terms_codings(fhs_terms_work *work, fhs_str version_name, fhs_coding *list,
                                   size_t *count_out)
{
    const fhs_operation *operation = work->operation;
    const fhs_json *coding = NULL;
    const fhs_json *concept = NULL;
    *count_out = 0;
    list[0] = (fhs_coding){.code = FHS_STR_NONE};
    fhirstore_status status = fhs_argument_object(operation, FHS_LIT("coding"), &coding, work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_object(operation, FHS_LIT("codeableConcept"), &concept, work->err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    bool has_code = fhs_argument_find(operation, FHS_LIT("code")) != NULL;
    if ((coding != NULL) + (concept != NULL) + has_code != 1) {
        return fhs_fail(work->err, FHIRSTORE_ERR_PARAM_VALUE,
                        "the operation expects one of 'code', 'coding' and 'codeableConcept'");
    }
    if (concept != NULL) {
        return concept_codings(work, concept, list, count_out);
    }
    *count_out = 1;
    return coding != NULL ? fhs_terms_coding(work, coding, FHS_LIT("coding"), &list[0])
                          : plain_coding(work, version_name, &list[0]);
}

/* ---- displays ---- */

static const fhs_json *designations_of(const fhs_json *concept)
{
    const fhs_json *list = fhs_json_is(concept, FHS_JSON_OBJECT)
                               ? fhs_json_get(concept, FHS_LIT("designation"))
                               : NULL;
    return fhs_json_is(list, FHS_JSON_ARRAY) ? list : NULL;
}

fhs_str fhs_terms_display(const fhs_terms_work *work, const fhs_json *concept, fhs_str display)
{
    const fhs_json *list = work->language.len > 0 ? designations_of(concept) : NULL;
    for (uint32_t i = 0; list != NULL && i < list->count; i++) {
        const fhs_json *one = &list->items[i];
        if (fhs_json_is(one, FHS_JSON_OBJECT) &&
            fhs_str_eq_ascii_case(member_text(one, FHS_LIT("language")), work->language) &&
            member_text(one, FHS_LIT("value")).len > 0) {
            return member_text(one, FHS_LIT("value"));
        }
    }
    return display;
}

fhirstore_status fhs_terms_display_fits(fhs_terms_work *work, const fhs_json *concept,
                                        fhs_str display, fhs_str text, bool *yes_out)
{
    fhs_buf wanted = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    fhs_buf folded = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    const fhs_json *list = designations_of(concept);
    uint32_t count = list == NULL ? 0 : list->count;
    fhs_fold(text, &wanted);
    /* Nothing is known of the display: nothing speaks against it. */
    *yes_out = text.len == 0 || (display.len == 0 && count == 0);
    for (uint32_t i = 0; i <= count && !*yes_out; i++) {
        const fhs_json *one = i == 0 ? NULL : &list->items[i - 1];
        fhs_buf_reset(&folded);
        fhs_fold(i == 0                              ? display
                 : fhs_json_is(one, FHS_JSON_OBJECT) ? member_text(one, FHS_LIT("value"))
                                                     : FHS_STR_NONE,
                 &folded);
        *yes_out = fhs_str_eq(fhs_buf_str(&folded), fhs_buf_str(&wanted));
    }
    fhirstore_status status = fhs_buf_status(&wanted);
    status = status == FHIRSTORE_OK ? fhs_buf_status(&folded) : status;
    fhs_buf_clear(&wanted);
    fhs_buf_clear(&folded);
    return status == FHIRSTORE_OK ? FHIRSTORE_OK : fhs_fail_plain(work->err, status);
}

/* ---- writing ---- */

void fhs_terms_begin(fhs_terms_work *work)
{
    fhs_buf_add_cstr(work->out, "{\"resourceType\":\"Parameters\",\"parameter\":[");
}

void fhs_terms_end(fhs_terms_work *work)
{
    fhs_buf_add_cstr(work->out, "]}");
}

static void begin_parameter(fhs_terms_work *work, const char *name)
{
    bool is_first = work->out->len > 0 && work->out->ptr[work->out->len - 1] == '[';
    fhs_buf_addf(work->out, "%s{\"name\":\"%s\",", is_first ? "" : ",", name);
}

void fhs_terms_add(fhs_terms_work *work, const char *name, const char *type, fhs_str text)
{
    if (text.len > 0) {
        begin_parameter(work, name);
        fhs_buf_addf(work->out, "\"%s\":", type);
        fhs_json_write_string(work->out, text);
        fhs_buf_add_char(work->out, '}');
    }
}

void fhs_terms_add_bool(fhs_terms_work *work, const char *name, bool value)
{
    begin_parameter(work, name);
    fhs_buf_addf(work->out, "\"valueBoolean\":%s}", value ? "true" : "false");
}

void fhs_terms_write_result(fhs_terms_work *work, bool result, const char *message,
                            const fhs_coding *coding)
{
    fhs_terms_begin(work);
    fhs_terms_add_bool(work, "result", result);
    fhs_terms_add(work, "message", "valueString", fhs_str_from_cstr(message));
    if (coding != NULL) {
        fhs_terms_add(work, "display", "valueString", coding->display);
        fhs_terms_add(work, "code", "valueCode", coding->code);
        fhs_terms_add(work, "system", "valueUri", coding->system);
        fhs_terms_add(work, "version", "valueString", coding->version);
    }
    fhs_terms_end(work);
}

fhirstore_status fhs_terms_write_json(fhs_terms_work *work, const fhs_json *value)
{
    fhs_doc *doc = fhs_doc_from_json(value);
    fhirstore_status status = doc == NULL ? fhs_fail_memory(work->err)
                                          : fhs_doc_write(doc, work->out, work->err);
    fhs_doc_free(doc);
    return status;
}
