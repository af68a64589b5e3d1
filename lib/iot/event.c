/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope that mappings see around what a device sent. */
#include "base/limits.h"
#include "iot/normalise.h"
#include "json/cursor.h"

/* The first JSON value in @a text, as long as brackets and quotes tell: what follows is cut off. */
static fhs_str first_value(fhs_str text)
{
    /* As the only item of an array, so that the cursor finds its end. */
    fhs_str trimmed = fhs_str_trim(text);
    if (trimmed.len == 0) {
        return FHS_STR_NONE;
    }
    fhs_json_cursor cursor = {.text = trimmed, .at = 0, .is_first = true};
    fhs_str value;
    return fhs_json_cursor_skip(&cursor, &value, NULL) == FHIRSTORE_OK ? value : trimmed;
}

static fhs_str without_mark(fhs_str text)
{
    return fhs_str_starts_with(text, FHS_LIT("\xEF\xBB\xBF")) ? fhs_str_from(text, 3) : text;
}

static void add_envelope_part(fhs_buf *out, const char *name, fhs_str text, const char *otherwise)
{
    fhs_str value = first_value(without_mark(text));
    fhs_buf_add_cstr(out, name);
    if (value.len == 0) {
        fhs_buf_add_cstr(out, otherwise);
    } else {
        fhs_buf_add_str(out, value);
    }
}

fhirstore_status fhs_iot_normalise_event(fhs_iot_normaliser *normaliser, const fhs_iot_event *event,
                                         fhirstore_error **err)
{
    fhs_buf message = FHS_BUF_INIT(FHS_LIMIT_JSON_BYTES);
    add_envelope_part(&message, "{\"Body\":", event->body, "null");
    add_envelope_part(&message, ",\"Properties\":", event->properties, "{}");
    add_envelope_part(&message, ",\"SystemProperties\":", event->system_properties, "{}");
    fhs_buf_add_char(&message, '}');
    fhirstore_status status = fhs_buf_status(&message);
    status = status < FHIRSTORE_OK
                 ? fhs_fail_plain(err, status)
                 : fhs_iot_normalise(normaliser, fhs_buf_str(&message), event->enqueued, err);
    fhs_buf_clear(&message);
    return status;
}
