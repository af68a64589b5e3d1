/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/identity.h"

#include "base/limits.h"
#include "interact/criteria.h"
#include "interact/interact.h"
#include "interact/sight.h"
#include "iot/document.h"

void fhs_iot_resolver_init(fhs_iot_resolver *resolver, fhs_call *call, const fhs_iot_ingesting *how,
                           fhs_arena *arena)
{
    *resolver = (fhs_iot_resolver){.call = call, .how = how, .arena = arena};
    fhs_iot_map_init(&resolver->known, arena);
}

/* One identity being found out. */
typedef struct identity_work {
    fhs_iot_resolver *resolver;
    const fhs_iot_measurement *measurement;
    fhs_iot_identity *out;
} identity_work;

static fhirstore_status cannot_resolve(identity_work *work, const char *kind, const char *why)
{
    work->out->kind = kind;
    work->out->why = fhs_str_from_cstr(why);
    return FHIRSTORE_OK;
}

/* Why the store refused is a failure of this identity, unless it ends the batch. */
static fhirstore_status refused(identity_work *work, const char *kind, const char *why,
                                fhirstore_status status, fhirstore_error **err)
{
    if (fhs_iot_ends_batch(status)) {
        return status;
    }
    if (err != NULL) {
        fhs_error_free(*err);
        *err = NULL;
    }
    work->out->is_refused = true;
    return cannot_resolve(work, kind, why);
}

static bool is_resolved(const identity_work *work)
{
    return work->out->kind == NULL;
}

/* ---- searching ---- */

/*
 * The one resource with this identifier: *id_out empty where there is none. Several, and what may
 * not be searched, are failures of the identity.
 */
static fhirstore_status find_one(identity_work *work, const char *type_name, const char *kind,
                                 fhs_str system, fhs_str value, fhs_str *id_out,
                                 fhirstore_error **err)
{
    fhs_call *call = work->resolver->call;
    const fhs_type type = fhs_iot_type(call, type_name);
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_URL_BYTES);
    *id_out = FHS_STR_NONE;
    fhs_buf_add_cstr(&text, "identifier=");
    fhs_iot_token_write(system, value, &text);
    if (fhs_buf_status(&text) == FHIRSTORE_ERR_LIMIT) {
        fhs_buf_clear(&text);
        return cannot_resolve(work, kind, "the identifier is longer than FHS_LIMIT_URL_BYTES");
    }
    if (fhs_buf_status(&text) < FHIRSTORE_OK) {
        fhs_buf_clear(&text);
        return fhs_fail_memory(err);
    }
    fhs_criteria criteria = fhs_criteria_of(call->session, type, fhs_buf_str(&text));
    fhirstore_status status = fhs_criteria_find(call, type, &criteria, err);
    if (status < FHIRSTORE_OK) {
        status = refused(work, kind, "the search for it was refused", status, err);
    } else if (criteria.count > 1) {
        status = cannot_resolve(work, FHS_IOT_MULTIPLE_FOUND,
                                "more than one resource has this identifier");
    } else if (criteria.count == 1) {
        *id_out = fhs_arena_dup(work->resolver->arena, criteria.ids[0]);
        status = id_out->ptr == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
    }
    fhs_buf_clear(&text);
    return status;
}

/* "Patient/<id>", and nothing like it. */
static fhs_str patient_of_reference(fhs_str reference)
{
    static const char allowed[] = "_.-~#";
    fhs_str type;
    fhs_str id;
    if (!fhs_str_split(reference, '/', &type, &id) ||
        !fhs_str_eq_ascii_case(type, FHS_LIT("Patient")) || id.len == 0) {
        return FHS_STR_NONE;
    }
    for (size_t i = 0; i < id.len; i++) {
        char c = fhs_ascii_lower(id.ptr[i]);
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!is_plain && memchr(allowed, c, sizeof allowed - 1) == NULL) {
            return FHS_STR_NONE;
        }
    }
    return id;
}

/* ---- the patient that a device is of ---- */

static fhirstore_status see_patient(fhs_call *call, void *ctx, fhirstore_error **err)
{
    (void)ctx;
    return fhs_sight_find(call, call->type, call->id, err);
}

/* Who may not read the patient cannot write about him either. */
static fhirstore_status check_patient(identity_work *work, fhirstore_error **err)
{
    fhs_call *outer = work->resolver->call;
    fhs_call call;
    if (outer->session->who.allow_everything) {
        return FHIRSTORE_OK;
    }
    fhs_call_nest(&call, outer, FHIRSTORE_ACTION_READ, fhs_iot_type(outer, "Patient"),
                  work->out->patient_id, FHS_STR_NONE);
    fhirstore_status status = fhs_call_read(&call, see_patient, NULL, err);
    fhs_call_end(&call);
    return status < FHIRSTORE_OK
               ? refused(work, FHS_IOT_NO_PATIENT, "the session may not read the device's patient",
                         status, err)
               : FHIRSTORE_OK;
}

/* What a Device says of its patient. */
typedef struct device_link {
    bool is_there;   /* there is a reference */
    fhs_str patient; /* logical id; empty: it is not of the one form that counts */
    fhs_str text;    /* the Device, in the session's arena */
    const fhs_json *root;
} device_link;

/* Read a Device as anybody would who asks for it. */
static fhirstore_status read_device(identity_work *work, fhs_str device, device_link *out,
                                    fhirstore_error **err)
{
    fhs_call *call = work->resolver->call;
    fhs_answer answer;
    fhs_answer_init(&answer);
    fhirstore_status status = fhs_interact_read_in(call, fhs_iot_type(call, "Device"), device, 0,
                                                   NULL, &answer, err);
    if (status >= FHIRSTORE_OK) {
        out->text = fhs_arena_dup(&call->session->arena, fhs_buf_str(&answer.body));
        status = out->text.ptr == NULL
                     ? fhs_fail_memory(err)
                     : fhs_json_read(&call->session->arena, out->text, NULL, &out->root, err);
    }
    fhs_answer_clear(&answer);
    return status;
}

static fhirstore_status read_device_link(identity_work *work, fhs_str device, device_link *out,
                                         fhirstore_error **err)
{
    fhs_str reference = FHS_STR_NONE;
    *out = (device_link){.patient = FHS_STR_NONE};
    fhirstore_status status = read_device(work, device, out, err);
    if (status < FHIRSTORE_OK) {
        return refused(work, FHS_IOT_NO_DEVICE, "the Device cannot be read", status, err);
    }
    out->is_there = fhs_json_get_string(fhs_json_get(out->root, FHS_LIT("patient")),
                                        FHS_LIT("reference"), &reference);
    fhs_str id = patient_of_reference(reference);
    if (id.len > 0) {
        out->patient = fhs_arena_dup(work->resolver->arena, id);
    }
    return id.len > 0 && out->patient.ptr == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
}

/* ---- Lookup ---- */

static fhirstore_status look_up_encounter(identity_work *work, fhirstore_error **err)
{
    const fhs_str wanted = work->measurement->encounter_id;
    if (fhs_iot_is_blank(wanted)) {
        return work->resolver->how->mode == FHS_IOT_LOOKUP_WITH_ENCOUNTER
                   ? cannot_resolve(work, FHS_IOT_NO_ENCOUNTER_ID,
                                    "the measurement has no encounterId")
                   : FHIRSTORE_OK;
    }
    fhs_str found;
    fhirstore_status status = find_one(work, "Encounter", FHS_IOT_NO_ENCOUNTER, FHS_STR_NONE,
                                       wanted, &found, err);
    if (status < FHIRSTORE_OK || !is_resolved(work)) {
        return status;
    }
    work->out->encounter_id = found;
    return found.len > 0 ? FHIRSTORE_OK
                         : cannot_resolve(work, FHS_IOT_NO_ENCOUNTER,
                                          "no Encounter has this encounterId as identifier");
}

static fhirstore_status look_up_device(identity_work *work, fhirstore_error **err)
{
    fhs_str device;
    device_link link;
    fhirstore_status status = find_one(work, "Device", FHS_IOT_NO_DEVICE,
                                       work->resolver->how->device_system,
                                       work->measurement->device_id, &device, err);
    if (status < FHIRSTORE_OK || !is_resolved(work)) {
        return status;
    }
    if (device.len == 0) {
        return cannot_resolve(work, FHS_IOT_NO_DEVICE, "no Device has this deviceId as identifier");
    }
    status = read_device_link(work, device, &link, err);
    if (status < FHIRSTORE_OK || !is_resolved(work)) {
        return status;
    }
    if (link.patient.len == 0) {
        return cannot_resolve(work, FHS_IOT_NO_PATIENT,
                              "the Device does not refer to a patient as Patient/<id>");
    }
    work->out->device_id = device;
    work->out->patient_id = link.patient;
    return check_patient(work, err);
}

/* ---- Create ---- */

/* Names in JSON text are literals; ids are checked by who made them. */
static void begin_resource(fhs_buf *out, const char *type, const char *id, fhs_str system,
                           fhs_str value)
{
    fhs_buf_addf(out, "{\"resourceType\":\"%s\",\"id\":\"%s\",\"identifier\":[{", type, id);
    if (system.len > 0) {
        fhs_buf_add_cstr(out, "\"system\":");
        fhs_json_write_string(out, system);
        fhs_buf_add_char(out, ',');
    }
    fhs_buf_add_cstr(out, "\"value\":");
    fhs_json_write_string(out, value);
    fhs_buf_add_cstr(out, "}]");
}

/* Store @a text, which is emptied; a refusal is a failure of the identity. */
static fhirstore_status put_resource(identity_work *work, const char *type, fhs_str id,
                                     fhs_buf *text, fhirstore_error **err)
{
    fhs_call *call = work->resolver->call;
    const fhs_type known = fhs_iot_type(call, type);
    int64_t version;
    bool ever = false;
    bool now;
    fhirstore_status status = fhs_buf_status(text);
    status = status < FHIRSTORE_OK ? fhs_fail_plain(err, status)
                                   : fhs_iot_look_for_id(call, known, id, &ever, &now, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_iot_put(call, known, id, ever, fhs_buf_str(text), &version, err);
    }
    fhs_buf_clear(text);
    return status < FHIRSTORE_OK ? refused(work, FHS_IOT_REFUSED_BY_STORE,
                                           "a Patient or Device could not be written", status, err)
                                 : FHIRSTORE_OK;
}

static fhs_str keep_id(identity_work *work, const char *id)
{
    return fhs_arena_dup(work->resolver->arena, fhs_str_from_cstr(id));
}

static fhirstore_status ensure_patient(identity_work *work, fhirstore_error **err)
{
    const fhs_str value = work->measurement->patient_id;
    char id[FHS_IOT_ID_LEN + 1];
    fhs_str found;
    fhirstore_status status = find_one(work, "Patient", FHS_IOT_NO_PATIENT, FHS_STR_NONE, value,
                                       &found, err);
    if (status < FHIRSTORE_OK || !is_resolved(work) || found.len > 0) {
        work->out->patient_id = found;
        return status;
    }
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_iot_id_of(FHS_STR_NONE, value, id);
    work->out->patient_id = keep_id(work, id);
    begin_resource(&text, "Patient", id, FHS_STR_NONE, value);
    fhs_buf_add_char(&text, '}');
    return work->out->patient_id.ptr == NULL
               ? (fhs_buf_clear(&text), fhs_fail_memory(err))
               : put_resource(work, "Patient", work->out->patient_id, &text, err);
}

static fhirstore_status create_device(identity_work *work, fhirstore_error **err)
{
    const fhs_str system = work->resolver->how->device_system;
    const fhs_str value = work->measurement->device_id;
    char id[FHS_IOT_ID_LEN + 1];
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_iot_id_of(system, value, id);
    work->out->device_id = keep_id(work, id);
    begin_resource(&text, "Device", id, system, value);
    fhs_buf_add_cstr(&text, ",\"patient\":{\"reference\":\"Patient/");
    fhs_buf_add_str(&text, work->out->patient_id);
    fhs_buf_add_cstr(&text, "\"}}");
    return work->out->device_id.ptr == NULL
               ? (fhs_buf_clear(&text), fhs_fail_memory(err))
               : put_resource(work, "Device", work->out->device_id, &text, err);
}

/* A Device that is there: it gets the link, or has it, or is somebody else's. */
static fhirstore_status link_device(identity_work *work, fhs_str device, fhirstore_error **err)
{
    device_link link;
    fhirstore_status status = read_device_link(work, device, &link, err);
    work->out->device_id = device;
    if (status < FHIRSTORE_OK || !is_resolved(work)) {
        return status;
    }
    if (link.is_there) {
        return fhs_str_eq(link.patient, work->out->patient_id)
                   ? FHIRSTORE_OK
                   : cannot_resolve(work, FHS_IOT_PATIENT_MISMATCH,
                                    "the Device is linked to another patient");
    }
    fhs_buf reference = FHS_BUF_INIT(256);
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhs_buf_add_cstr(&reference, "{\"reference\":\"Patient/");
    fhs_buf_add_str(&reference, work->out->patient_id);
    fhs_buf_add_cstr(&reference, "\"}");
    const fhs_json_edit edit = {FHS_LIT("patient"), fhs_buf_str(&reference)};
    if (fhs_buf_status(&reference) == FHIRSTORE_OK) {
        fhs_json_write_edited(&text, link.text, link.root, &edit, 1);
        status = put_resource(work, "Device", device, &text, err);
    } else {
        status = fhs_fail_memory(err);
    }
    fhs_buf_clear(&reference);
    return status;
}

static fhirstore_status create_both(identity_work *work, fhirstore_error **err)
{
    fhs_str device;
    *work->out = (fhs_iot_identity){.kind = NULL};
    if (fhs_iot_is_blank(work->measurement->patient_id)) {
        return cannot_resolve(work, FHS_IOT_NO_PATIENT_ID,
                              "the device is not known, and the measurement has no patientId");
    }
    fhirstore_status status = ensure_patient(work, err);
    if (status >= FHIRSTORE_OK && is_resolved(work)) {
        status = find_one(work, "Device", FHS_IOT_NO_DEVICE, work->resolver->how->device_system,
                          work->measurement->device_id, &device, err);
    }
    if (status < FHIRSTORE_OK || !is_resolved(work)) {
        return status;
    }
    return device.len == 0 ? create_device(work, err) : link_device(work, device, err);
}

/* The device has a patient: is it the one that the measurement names? */
static fhirstore_status compare_patient(identity_work *work, fhirstore_error **err)
{
    fhs_str found;
    if ((work->resolver->how->flags & FHS_IOT_STRICT) != 0 ||
        fhs_iot_is_blank(work->measurement->patient_id)) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = find_one(work, "Patient", FHS_IOT_NO_PATIENT, FHS_STR_NONE,
                                       work->measurement->patient_id, &found, err);
    if (status < FHIRSTORE_OK || !is_resolved(work)) {
        return status;
    }
    return fhs_str_eq(found, work->out->patient_id)
               ? FHIRSTORE_OK
               : cannot_resolve(work, FHS_IOT_PATIENT_MISMATCH,
                                "the Device is linked to another patient");
}

/* ---- either way ---- */

static bool is_to_create(const identity_work *work)
{
    const char *kind = work->out->kind;
    return work->resolver->how->mode == FHS_IOT_CREATE && kind != NULL && !work->out->is_refused &&
           (strcmp(kind, FHS_IOT_NO_DEVICE) == 0 || strcmp(kind, FHS_IOT_NO_PATIENT) == 0);
}

static fhirstore_status resolve_identity(identity_work *work, fhirstore_error **err)
{
    fhirstore_status status = look_up_device(work, err);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (is_to_create(work)) {
        return create_both(work, err);
    }
    if (is_resolved(work) && work->resolver->how->mode == FHS_IOT_CREATE) {
        status = compare_patient(work, err);
    }
    return status >= FHIRSTORE_OK && is_resolved(work) ? look_up_encounter(work, err) : status;
}

/* All that an identity depends on, in one text; lengths keep its parts apart. */
static fhs_str key_of(identity_work *work)
{
    const fhs_iot_measurement *measurement = work->measurement;
    const bool by_patient = work->resolver->how->mode == FHS_IOT_CREATE;
    fhs_buf text = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    fhs_str key = FHS_STR_NONE;
    fhs_buf_add_u64(&text, measurement->device_id.len);
    fhs_buf_add_char(&text, ':');
    fhs_buf_add_str(&text, measurement->device_id);
    fhs_buf_add_u64(&text, by_patient ? measurement->patient_id.len : 0);
    fhs_buf_add_char(&text, ':');
    fhs_buf_add_str(&text, by_patient ? measurement->patient_id : FHS_STR_NONE);
    fhs_buf_add_str(&text, measurement->encounter_id);
    if (fhs_buf_status(&text) == FHIRSTORE_OK) {
        key = fhs_arena_dup(work->resolver->arena, fhs_buf_str(&text));
    }
    fhs_buf_clear(&text);
    return key;
}

fhirstore_status fhs_iot_resolve(fhs_iot_resolver *resolver, const fhs_iot_measurement *measurement,
                                 const fhs_iot_identity **out, fhirstore_error **err)
{
    identity_work work = {.resolver = resolver, .measurement = measurement};
    fhs_str key = key_of(&work);
    if (key.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    fhs_iot_identity *known = fhs_iot_map_get(&resolver->known, key);
    *out = known;
    if (known != NULL) {
        return FHIRSTORE_OK;
    }
    work.out = fhs_arena_calloc(resolver->arena, 1, sizeof *work.out);
    if (work.out == NULL) {
        return fhs_fail_memory(err);
    }
    fhs_arena_reset(&resolver->call->session->arena);
    fhirstore_status status = resolve_identity(&work, err);
    *out = work.out;
    if (status >= FHIRSTORE_OK && !fhs_iot_map_put(&resolver->known, key, work.out)) {
        return fhs_fail_memory(err);
    }
    return status < FHIRSTORE_OK ? status : FHIRSTORE_OK;
}
