/* SPDX-License-Identifier: Apache-2.0 */
#include "stress.h"

static const char form[] =
    "{\"resourceType\":\"Patient\",\"id\":\"w%u-%u\",\"identifier\":[{\"system\":\"urn:stress\","
    "\"value\":\"%llu\"}],\"name\":[{\"family\":\"Name%llu\"}],\"multipleBirthInteger\":%llu}";

static void write_body(char *out, size_t size, unsigned writer_number, unsigned resource,
                       uint64_t value)
{
    const unsigned long long v = value;
    const int length = snprintf(out, size, form, writer_number, resource, v, v % 97, v);
    MUST(length > 0 && (size_t)length < size);
}

bool value_of(const char *shown, size_t len, uint64_t *value_out)
{
    char body[4096] = "";
    MUST(len < sizeof body);
    memcpy(body, shown, len);
    const char *text = strstr(body, "\"value\":\"");
    const char *number = strstr(body, "\"multipleBirthInteger\":");
    if (text == NULL || number == NULL) {
        return false;
    }
    const unsigned long long one = strtoull(text + strlen("\"value\":\""), NULL, 10);
    const unsigned long long two = strtoull(number + strlen("\"multipleBirthInteger\":"), NULL, 10);
    *value_out = two;
    return one == two;
}

static fhirstore_status put_patch(run *all, fhirstore_session *session, unsigned writer_number,
                                  const step *next)
{
    char url[64];
    char body[256];
    const unsigned long long v = next->value;
    (void)snprintf(url, sizeof url, "Patient/w%u-%u", writer_number, next->first);
    (void)snprintf(body, sizeof body,
                   "[{\"op\":\"replace\",\"path\":\"/identifier/0/value\",\"value\":\"%llu\"},"
                   "{\"op\":\"replace\",\"path\":\"/multipleBirthInteger\",\"value\":%llu}]",
                   v, v);
    return ask(all, session, "PATCH", url, body, MAY_BE_BUSY | MAY_BE_CLOSED, NULL, NULL);
}

static fhirstore_status put_bundle(run *all, fhirstore_session *session, unsigned writer_number,
                                   const step *next)
{
    char one[512];
    char two[512];
    char bundle[2048];
    write_body(one, sizeof one, writer_number, next->first, next->value);
    write_body(two, sizeof two, writer_number, next->second, next->value + 1);
    (void)snprintf(bundle, sizeof bundle,
                   "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"resource\":"
                   "%s,\"request\":{\"method\":\"PUT\",\"url\":\"Patient/w%u-%u\"}},{\"resource\":"
                   "%s,\"request\":{\"method\":\"PUT\",\"url\":\"Patient/w%u-%u\"}}]}",
                   one, writer_number, next->first, two, writer_number, next->second);
    return ask(all, session, "POST", "", bundle, MAY_BE_BUSY | MAY_BE_CLOSED, NULL, NULL);
}

/* Both lines are one transaction: what fails before its end leaves neither. */
static fhirstore_status import_lines(run *all, fhirstore_session *session, unsigned writer_number,
                                     const step *next)
{
    const unsigned may = MAY_BE_BUSY | MAY_BE_CLOSED;
    char lines[2][512];
    fhirstore_import *import = NULL;
    fhirstore_error *error = NULL;
    fhirstore_import_totals totals = FHIRSTORE_IMPORT_TOTALS_INIT;
    write_body(lines[0], sizeof lines[0], writer_number, next->first, next->value);
    write_body(lines[1], sizeof lines[1], writer_number, next->second, next->value + 1);
    fhirstore_status status = fhirstore_import_open(session, NULL, &import, &error);
    status = expect_status(status, error, may, "import open");
    for (unsigned i = 0; i < 2 && status >= FHIRSTORE_OK; i++) {
        status = fhirstore_import_add(import, "lines", i + 1, lines[i], strlen(lines[i]), &error);
        status = expect_status(status, error, may, "import add");
    }
    if (status >= FHIRSTORE_OK) {
        status = fhirstore_import_finish(import, &totals, &error);
        status = expect_status(status, error, may, "import finish");
        MUST(status < FHIRSTORE_OK || (totals.failed == 0 && totals.documents == 2));
    }
    fhirstore_import_close(import);
    atomic_fetch_add(&all->calls, 1);
    return status;
}

fhirstore_status do_step(run *all, fhirstore_session *session, unsigned writer_number,
                         const step *next)
{
    const unsigned may = MAY_BE_BUSY | MAY_BE_CLOSED;
    char url[64];
    char body[512];
    (void)snprintf(url, sizeof url, "Patient/w%u-%u", writer_number, next->first);
    switch (next->kind) {
    case STEP_PUT:
        write_body(body, sizeof body, writer_number, next->first, next->value);
        return ask(all, session, "PUT", url, body, may, NULL, NULL);
    case STEP_PATCH:
        return put_patch(all, session, writer_number, next);
    case STEP_DELETE:
        return ask(all, session, "DELETE", url, "", may | MAY_BE_ABSENT, NULL, NULL);
    case STEP_BUNDLE:
        return put_bundle(all, session, writer_number, next);
    default:
        return import_lines(all, session, writer_number, next);
    }
}

bool find_value(run *all, fhirstore_session *session, unsigned writer_number, unsigned resource,
                uint64_t *value_out)
{
    char url[64];
    char *body = NULL;
    (void)snprintf(url, sizeof url, "Patient/w%u-%u", writer_number, resource);
    const fhirstore_status status = ask(all, session, "GET", url, "", MAY_BE_ABSENT, &body, NULL);
    const bool is_there = status >= FHIRSTORE_OK;
    MUST(!is_there || value_of(body, strlen(body), value_out));
    free(body);
    return is_there;
}

/* One's own resources are as they were left, whatever others do. */
static bool check_own(run *all, fhirstore_session *session, const script *known, unsigned resource)
{
    char url[64];
    char *body = NULL;
    uint64_t value = 0;
    const own_state *state = &known->states[resource];
    (void)snprintf(url, sizeof url, "Patient/w%u-%u", known->writer, resource);
    const fhirstore_status status = ask(all, session, "GET", url, "",
                                        MAY_BE_ABSENT | MAY_BE_CLOSED | MAY_BE_BUSY, &body, NULL);
    if (status == FHIRSTORE_ERR_CLOSED || status == FHIRSTORE_ERR_BUSY) {
        free(body);
        return status != FHIRSTORE_ERR_CLOSED;
    }
    MUST((status >= FHIRSTORE_OK) == state->is_there);
    MUST(!state->is_there || (value_of(body, strlen(body), &value) && value == state->value));
    free(body);
    return true;
}

void *write_things(void *ctx)
{
    const writer *self = ctx;
    run *all = self->all;
    script *own = &all->scripts[self->number];
    fhirstore_session *session = enter(all, "writer");
    bool is_open = session != NULL;
    for (unsigned i = 0; is_open && (all->steps == 0 || i < all->steps); i++) {
        const step next = script_next(own);
        fhirstore_status status;
        do {
            status = do_step(all, session, own->writer, &next);
        } while (status == FHIRSTORE_ERR_BUSY);
        is_open = status != FHIRSTORE_ERR_CLOSED;
        if (is_open) {
            script_done(own, &next);
            is_open = check_own(all, session, own, next.first);
        }
    }
    fhirstore_session_close(session);
    atomic_fetch_sub(&all->writing, 1);
    return NULL;
}
