/* SPDX-License-Identifier: Apache-2.0 */
#include "operation/observation.h"

#include "base/instant.h"

static bool bounds_of(const fhs_core *core, const fhs_json *object, fhs_str name, int64_t *lo,
                      int64_t *hi)
{
    fhs_str text;
    fhs_date date;
    if (!fhs_json_get_string(object, name, &text) ||
        !fhs_date_parse(text, FHS_DATE_FORM_DATETIME | FHS_DATE_FORM_DATE, &date)) {
        return false;
    }
    fhs_date_interval(&date, core->default_zone_minutes, lo, hi);
    return true;
}

static int64_t last_event(const fhs_core *core, const fhs_json *timing)
{
    const fhs_json *events = fhs_json_get(timing, FHS_LIT("event"));
    int64_t last = FHS_TICK_MIN;
    for (uint32_t i = 0; fhs_json_is(events, FHS_JSON_ARRAY) && i < events->count; i++) {
        fhs_date date;
        int64_t lo;
        int64_t hi;
        if (fhs_json_is(&events->items[i], FHS_JSON_STRING) &&
            fhs_date_parse(events->items[i].text, FHS_DATE_FORM_DATETIME | FHS_DATE_FORM_DATE,
                           &date)) {
            fhs_date_interval(&date, core->default_zone_minutes, &lo, &hi);
            last = lo > last ? lo : last;
        }
    }
    return last;
}

int64_t fhs_observation_time(const fhs_core *core, const fhs_json *observation)
{
    int64_t lo = FHS_TICK_MIN;
    int64_t hi;
    const fhs_json *period = fhs_json_get(observation, FHS_LIT("effectivePeriod"));
    const fhs_json *timing = fhs_json_get(observation, FHS_LIT("effectiveTiming"));
    if (bounds_of(core, observation, FHS_LIT("effectiveDateTime"), &lo, &hi) ||
        bounds_of(core, observation, FHS_LIT("effectiveInstant"), &lo, &hi)) {
        return lo;
    }
    if (fhs_json_is(period, FHS_JSON_OBJECT)) {
        (void)(bounds_of(core, period, FHS_LIT("end"), &lo, &hi) ||
               bounds_of(core, period, FHS_LIT("start"), &lo, &hi));
        return lo;
    }
    return fhs_json_is(timing, FHS_JSON_OBJECT) ? last_event(core, timing) : FHS_TICK_MIN;
}

bool fhs_concept_coding(const fhs_json *concept, uint32_t n, fhs_str *system_out, fhs_str *code_out)
{
    const fhs_json *codings = fhs_json_is(concept, FHS_JSON_OBJECT)
                                  ? fhs_json_get(concept, FHS_LIT("coding"))
                                  : NULL;
    for (uint32_t i = 0; fhs_json_is(codings, FHS_JSON_ARRAY) && i < codings->count; i++) {
        const fhs_json *coding = &codings->items[i];
        *system_out = FHS_STR_NONE;
        if (fhs_json_is(coding, FHS_JSON_OBJECT) &&
            fhs_json_get_string(coding, FHS_LIT("code"), code_out) && n-- == 0) {
            (void)fhs_json_get_string(coding, FHS_LIT("system"), system_out);
            return true;
        }
    }
    return false;
}
