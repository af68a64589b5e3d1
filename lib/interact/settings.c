/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rows of a store depend on besides the library: its base URL and the zone of times that
 * have none. Both are chosen when it is created and kept in it.
 */
#include "interact/settings.h"

#include "base/mem.h"

#define DEFAULT_BASE_URL "http://localhost/fhir"
#define ZONE_TEXT_MAX    16u

static const fhs_str base_url_name = FHS_LIT_INIT("base-url");
static const fhs_str no_history_name = FHS_LIT_INIT("no-history");
static const fhs_str zone_name = FHS_LIT_INIT("zone-minutes");

typedef struct stored_settings {
    fhs_buf base_url;
    fhs_buf zone;
    fhs_buf no_history;
    bool has_base_url;
    bool has_zone;
} stored_settings;

static fhirstore_status read_settings(fhs_conn *conn, stored_settings *out, fhirstore_error **err)
{
    fhs_buf_reset(&out->base_url);
    fhs_buf_reset(&out->zone);
    fhs_buf_reset(&out->no_history);
    bool has_no_history;
    fhirstore_status status = fhs_meta_get(conn, base_url_name, &out->base_url, &out->has_base_url,
                                           err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_meta_get(conn, no_history_name, &out->no_history, &has_no_history, err);
    }
    return status < FHIRSTORE_OK ? status
                                 : fhs_meta_get(conn, zone_name, &out->zone, &out->has_zone, err);
}

/* What the list of types is to become; NULL text: it stays. */
static bool changes_history(const stored_settings *stored, const fhs_core_options *options)
{
    return options->no_history.ptr != NULL &&
           !fhs_str_eq(options->no_history, fhs_buf_str(&stored->no_history));
}

static fhs_str without_slashes(fhs_str url)
{
    while (url.len > 0 && url.ptr[url.len - 1] == '/') {
        url.len--;
    }
    return url;
}

static fhs_str wanted_url(const fhs_core_options *options)
{
    fhs_str url = options->base_url.len == 0 ? FHS_LIT(DEFAULT_BASE_URL) : options->base_url;
    return without_slashes(url);
}

static fhirstore_status write_settings(const stored_settings *stored, fhs_conn *writer,
                                       const fhs_core_options *options, fhirstore_error **err)
{
    fhirstore_status status = FHIRSTORE_OK;
    fhs_buf zone = FHS_BUF_INIT(ZONE_TEXT_MAX);
    fhs_buf_add_i64(&zone, options->default_zone_minutes);
    if (!stored->has_base_url) {
        status = fhs_meta_set(writer, base_url_name, wanted_url(options), err);
    }
    if (status >= FHIRSTORE_OK && !stored->has_zone) {
        status = fhs_meta_set(writer, zone_name, fhs_buf_str(&zone), err);
    }
    if (status >= FHIRSTORE_OK && changes_history(stored, options)) {
        status = fhs_meta_set(writer, no_history_name, options->no_history, err);
    }
    fhs_buf_clear(&zone);
    return status;
}

/* The store does not say yet, or something else. Read again where nobody can come between. */
static fhirstore_status found_settings(const fhs_core *core, const fhs_core_options *options,
                                       stored_settings *stored, fhirstore_error **err)
{
    fhs_conn *writer = NULL;
    fhirstore_status status = fhs_storage_writer(core->storage, &writer, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_begin_write(writer, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = read_settings(writer, stored, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = write_settings(stored, writer, options, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = read_settings(writer, stored, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_conn_commit(writer, err);
    }
    fhs_conn_release(writer);
    return status;
}

static fhirstore_status take_base_url(fhs_core *core, const fhs_core_options *options,
                                      const stored_settings *stored, fhirstore_error **err)
{
    fhs_str url = stored->has_base_url ? fhs_buf_str(&stored->base_url) : wanted_url(options);
    if (options->base_url.len > 0 && !fhs_str_eq(url, without_slashes(options->base_url))) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG,
                        "options.base_url is not the one that the store was created with");
    }
    core->base_url = fhs_str_of(fhs_memdup(url.ptr, url.len), url.len);
    return core->base_url.ptr == NULL ? fhs_fail_memory(err) : FHIRSTORE_OK;
}

static bool zone_of(fhs_str text, int *out)
{
    uint64_t minutes;
    bool is_west = fhs_str_starts_with(text, FHS_LIT("-"));
    if (!fhs_str_to_u64(fhs_str_from(text, is_west ? 1 : 0), INT32_MAX, &minutes)) {
        return false;
    }
    *out = is_west ? -(int)minutes : (int)minutes;
    return true;
}

static fhirstore_status take_default_zone(fhs_core *core, const fhs_core_options *options,
                                          const stored_settings *stored, fhirstore_error **err)
{
    int zone = options->default_zone_minutes;
    if (stored->has_zone && !zone_of(fhs_buf_str(&stored->zone), &zone)) {
        return fhs_fail(err, FHIRSTORE_ERR_CORRUPT, "the store's zone is no number");
    }
    if (options->default_zone_minutes != 0 && options->default_zone_minutes != zone) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG,
                        "options.default_zone_minutes is not what the store was created with");
    }
    core->default_zone_minutes = zone;
    return FHIRSTORE_OK;
}

/* "Observation, Device" as a flag for each type. */
static fhirstore_status take_no_history(fhs_core *core, fhs_str list, fhirstore_error **err)
{
    fhs_free(core->without_history);
    core->without_history = NULL;
    while (list.len > 0) {
        fhs_str name = list;
        fhs_str rest = FHS_STR_NONE;
        (void)fhs_str_split(list, ',', &name, &rest);
        fhs_type type = fhs_type_find(core->fhir, fhs_str_trim(name));
        if (type == FHS_TYPE_NONE || !fhs_type_is_resource(core->fhir, type)) {
            return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG,
                            "options.no_history is a list of resource types with commas between");
        }
        if (core->without_history == NULL) {
            core->without_history = fhs_calloc(fhs_type_count(core->fhir), sizeof(bool));
        }
        if (core->without_history == NULL) {
            return fhs_fail_memory(err);
        }
        core->without_history[type] = true;
        list = rest;
    }
    return FHIRSTORE_OK;
}

fhirstore_status fhs_core_open_settings(fhs_core *core, const fhs_core_options *options,
                                        fhirstore_error **err)
{
    stored_settings stored = {.has_zone = false};
    fhs_conn *conn = NULL;
    fhs_buf_init(&stored.base_url, FHS_LIMIT_URL_BYTES);
    fhs_buf_init(&stored.zone, ZONE_TEXT_MAX);
    fhs_buf_init(&stored.no_history, FHS_LIMIT_URL_BYTES);
    fhirstore_status status = take_no_history(core, options->no_history, err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_storage_reader(core->storage, &conn, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = read_settings(conn, &stored, err);
    }
    fhs_conn_release(conn);
    if (status >= FHIRSTORE_OK && !core->read_only &&
        (!stored.has_base_url || !stored.has_zone || changes_history(&stored, options))) {
        status = found_settings(core, options, &stored, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = take_base_url(core, options, &stored, err);
    }
    if (status >= FHIRSTORE_OK) {
        status = take_default_zone(core, options, &stored, err);
    }
    if (status >= FHIRSTORE_OK && options->no_history.ptr == NULL) {
        status = take_no_history(core, fhs_buf_str(&stored.no_history), err);
    }
    fhs_buf_clear(&stored.base_url);
    fhs_buf_clear(&stored.zone);
    fhs_buf_clear(&stored.no_history);
    return status;
}
