/* SPDX-License-Identifier: Apache-2.0 */
/* What a session may do, and which rule says so. */
#include "interact/explain.h"

#include "audit/words.h"
#include "interact/hooks.h"
#include "interact/sight.h"

/* Actions are numbered from 1 without a gap. */
#define LAST_ACTION FHIRSTORE_ACTION_SHRED

typedef struct explanation {
    fhs_session *session;
    fhs_hooks *hooks;
    fhs_arena *arena;
    fhirstore_error **err;
} explanation;

static fhirstore_status ask_why(const explanation *with, int32_t action, fhs_str type, fhs_str id,
                                fhs_grant *out)
{
    const fhs_access_ask ask = {action, type, id, FHS_STR_NONE};
    *out = (fhs_grant){0};
    return fhs_access_explain(fhs_hooks_authorizer(with->hooks), &with->session->who, &ask,
                              with->arena, out, with->err);
}

/* ---- one grant ---- */

static void explain_member(fhs_buf *out, const char *name, fhs_str text)
{
    fhs_buf_addf(out, ",\"%s\":", name);
    fhs_json_write_string(out, text);
}

static void write_searches(fhs_buf *out, const char *name, const fhs_str *items,
                           const fhs_str *reasons, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i == 0) {
            fhs_buf_addf(out, ",\"%s\":[", name);
        }
        fhs_buf_add_cstr(out, i == 0 ? "{\"search\":" : ",{\"search\":");
        fhs_json_write_string(out, items[i]);
        if (reasons != NULL) {
            explain_member(out, "rule", reasons[i]);
        }
        fhs_buf_add_cstr(out, i + 1 == count ? "}]" : "}");
    }
}

static void write_paths(fhs_buf *out, const char *name, const fhs_str *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fhs_buf_addf(out, i == 0 ? ",\"%s\":[" : "%s", i == 0 ? name : ",");
        fhs_json_write_string(out, items[i]);
        fhs_buf_add_cstr(out, i + 1 == count ? "]" : "");
    }
}

static void write_grant(fhs_buf *out, const fhs_grant *grant)
{
    explain_member(out, "rule", grant->reason);
    if (grant->allowed) {
        write_searches(out, "within", grant->any, grant->any_reasons, grant->any_count);
        write_searches(out, "except", grant->except, grant->except_reasons, grant->except_count);
        write_paths(out, "hide", grant->mask.hide, grant->mask.hide_count);
        write_paths(out, "keep", grant->mask.keep, grant->mask.keep_count);
    }
}

/* ---- everything ---- */

/* What is never asked of a type. */
static bool is_of_system(int32_t action)
{
    return action == FHIRSTORE_ACTION_CAPABILITIES || action == FHIRSTORE_ACTION_TRANSACTION ||
           action == FHIRSTORE_ACTION_BATCH;
}

/* Actions that are granted alike stand together: "actions" of one entry, in the order of numbers.
 */
static fhirstore_status write_actions(const explanation *with, fhs_str type, fhs_buf *out)
{
    fhs_buf texts[LAST_ACTION + 1];
    fhirstore_status status = FHIRSTORE_OK;
    bool is_first = true;
    for (int32_t action = 1; action <= LAST_ACTION; action++) {
        fhs_grant grant;
        fhs_buf_init(&texts[action], FHS_LIMIT_JSON_BYTES);
        const bool is_asked = type.len == 0 || !is_of_system(action);
        if (status >= FHIRSTORE_OK && is_asked) {
            status = ask_why(with, action, type, FHS_STR_NONE, &grant);
        }
        if (status >= FHIRSTORE_OK && is_asked && grant.allowed) {
            write_grant(&texts[action], &grant);
        }
    }
    fhs_buf_add_char(out, '[');
    for (int32_t first = 1; first <= LAST_ACTION && status >= FHIRSTORE_OK; first++) {
        fhs_str text = fhs_buf_str(&texts[first]);
        if (text.len == 0) {
            continue;
        }
        fhs_buf_add_cstr(out, is_first ? "{\"actions\":[" : ",{\"actions\":[");
        is_first = false;
        for (int32_t action = first; action <= LAST_ACTION; action++) {
            if (fhs_str_eq(fhs_buf_str(&texts[action]), text)) {
                fhs_buf_add_cstr(out, action == first ? "" : ",");
                fhs_json_write_string(out, fhs_audit_action_name(action));
                if (action != first) {
                    fhs_buf_reset(&texts[action]);
                }
            }
        }
        fhs_buf_add_char(out, ']');
        fhs_buf_add_str(out, text);
        fhs_buf_add_char(out, '}');
    }
    fhs_buf_add_char(out, ']');
    for (int32_t action = 1; action <= LAST_ACTION; action++) {
        if (status >= FHIRSTORE_OK && fhs_buf_status(&texts[action]) < FHIRSTORE_OK) {
            status = fhs_fail_plain(with->err, fhs_buf_status(&texts[action]));
        }
        fhs_buf_clear(&texts[action]);
    }
    return status;
}

static void write_scopes(const fhs_scopes *scopes, fhs_buf *out)
{
    fhs_buf_add_cstr(out, ",\"scopes\":[");
    for (size_t i = 0; i < scopes->count; i++) {
        fhs_buf_add_cstr(out, i == 0 ? "" : ",");
        fhs_json_write_string(out, scopes->items[i].written);
    }
    fhs_buf_addf(out, "],\"fhirUserScope\":%s,\"launchPatient\":%s",
                 scopes->fhir_user ? "true" : "false", scopes->launch_patient ? "true" : "false");
}

static void write_who(const explanation *with, fhs_buf *out)
{
    const fhs_principal *who = &with->session->who;
    fhs_buf_add_cstr(out, "{\"decidedBy\":");
    fhs_json_write_string(out, fhs_access_decider(fhs_hooks_authorizer(with->hooks), who));
    explain_member(out, "principal", who->name);
    explain_member(out, "purpose", who->purpose);
    fhs_buf_add_cstr(out, ",\"roles\":[");
    for (size_t i = 0; i < who->claims.role_count; i++) {
        fhs_buf_add_cstr(out, i == 0 ? "" : ",");
        fhs_json_write_string(out, who->claims.roles[i]);
    }
    fhs_buf_add_char(out, ']');
    if (who->claims.has_scope) {
        write_scopes(&who->scopes, out);
    }
    if (who->claims.patient.len > 0) {
        explain_member(out, "patient", who->claims.patient);
    }
}

static fhirstore_status write_types(const explanation *with, fhs_type only, fhs_buf *out)
{
    const fhs_fhir *fhir = with->session->core->fhir;
    fhirstore_status status = FHIRSTORE_OK;
    bool is_first = true;
    fhs_buf_add_cstr(out, ",\"types\":{");
    for (size_t i = 0; i < fhs_type_count(fhir) && status >= FHIRSTORE_OK; i++) {
        if (!fhs_type_is_resource(fhir, (fhs_type)i) ||
            (only != FHS_TYPE_NONE && only != (fhs_type)i)) {
            continue;
        }
        fhs_arena_reset(with->arena);
        fhs_buf_add_cstr(out, is_first ? "" : ",");
        fhs_json_write_string(out, fhs_type_name(fhir, (fhs_type)i));
        fhs_buf_add_char(out, ':');
        status = write_actions(with, fhs_type_name(fhir, (fhs_type)i), out);
        is_first = false;
    }
    fhs_buf_add_cstr(out, "}}");
    return status;
}

static void begin_explanation(explanation *with, fhs_session *session, fhs_arena *arena,
                              fhirstore_error **err)
{
    fhs_arena_init(arena, (size_t)64 * 1024 * 1024);
    *with = (explanation){session, fhs_hooks_take(session->core), arena, err};
}

static fhirstore_status end_explanation(explanation *with, const fhs_buf *out,
                                        fhirstore_status status)
{
    fhs_arena_clear(with->arena);
    fhs_hooks_give(with->session->core, with->hooks);
    return status >= FHIRSTORE_OK && fhs_buf_status(out) < FHIRSTORE_OK
               ? fhs_fail_plain(with->err, fhs_buf_status(out))
               : status;
}

fhirstore_status fhs_interact_introspect(fhs_session *session, fhs_type type, fhs_buf *out,
                                         fhirstore_error **err)
{
    explanation with;
    fhs_arena arena;
    begin_explanation(&with, session, &arena, err);
    write_who(&with, out);
    fhs_buf_add_cstr(out, ",\"system\":");
    fhirstore_status status = write_actions(&with, FHS_LIT(""), out);
    if (status >= FHIRSTORE_OK) {
        status = write_types(&with, type, out);
    }
    return end_explanation(&with, out, status);
}

/* ---- one question ---- */

typedef struct look_work {
    bool is_seen;
} look_work;

/* What is hidden and what is not there are the same here too. */
static fhirstore_status look_for(fhs_call *call, void *ctx, fhirstore_error **err)
{
    look_work *work = ctx;
    fhs_version version;
    fhirstore_error *why = NULL;
    fhirstore_status status = fhs_conn_begin_read(call->conn, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    status = fhs_sight_find(call, call->type, call->id, &why);
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_read(call->conn,
                                   fhs_catalog_type(call->session->core->catalog, call->type),
                                   call->id, &version, &why);
    }
    work->is_seen = status >= FHIRSTORE_OK && !version.is_deleted;
    fhs_conn_end_read(call->conn);
    if (status >= FHIRSTORE_OK || status == FHIRSTORE_ERR_NOT_FOUND) {
        fhs_error_free(why);
        return FHIRSTORE_OK;
    }
    if (err != NULL) {
        *err = why;
    } else {
        fhs_error_free(why);
    }
    return status;
}

static fhirstore_status write_seen(fhs_session *session, int32_t action, fhs_type type, fhs_str id,
                                   fhs_buf *out, fhirstore_error **err)
{
    fhs_call call;
    look_work work = {false};
    fhs_call_begin(&call, session, action, type, id, FHS_STR_NONE);
    fhirstore_status status = fhs_call_read(&call, look_for, &work, err);
    fhs_call_end(&call);
    fhs_buf_addf(out, ",\"visible\":%s", work.is_seen ? "true" : "false");
    return status;
}

fhirstore_status fhs_interact_explain(fhs_session *session, int32_t action, fhs_type type,
                                      fhs_str id, fhs_buf *out, fhirstore_error **err)
{
    explanation with;
    fhs_arena arena;
    fhs_grant grant;
    fhs_str name = type == FHS_TYPE_NONE ? FHS_LIT("") : fhs_type_name(session->core->fhir, type);
    begin_explanation(&with, session, &arena, err);
    fhirstore_status status = ask_why(&with, action, name, id, &grant);
    fhs_buf_add_cstr(out, "{\"action\":");
    fhs_json_write_string(out, fhs_audit_action_name(action));
    explain_member(out, "type", name);
    explain_member(out, "id", id);
    fhs_buf_add_cstr(out, ",\"decidedBy\":");
    fhs_json_write_string(out, fhs_access_decider(fhs_hooks_authorizer(with.hooks), &session->who));
    fhs_buf_addf(out, ",\"allowed\":%s", grant.allowed ? "true" : "false");
    if (status >= FHIRSTORE_OK) {
        write_grant(out, &grant);
    }
    if (status >= FHIRSTORE_OK && grant.allowed && id.len > 0 && type != FHS_TYPE_NONE) {
        status = write_seen(session, action, type, id, out, err);
    }
    fhs_buf_add_char(out, '}');
    return end_explanation(&with, out, status);
}
