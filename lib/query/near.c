/* SPDX-License-Identifier: Apache-2.0 */
/* near=latitude|longitude[|distance[|unit]] */
#include "query/query_internal.h"
#include "units/units.h"

/* Without a distance. */
#define NEAR_DEFAULT_METRES 10000.0

/* What people write where UCUM wants brackets. */
static const struct {
    fhs_str written;
    fhs_str code;
} length_words[] = {
    {FHS_LIT_INIT("mi"), FHS_LIT_INIT("[mi_i]")},   {FHS_LIT_INIT("ft"), FHS_LIT_INIT("[ft_i]")},
    {FHS_LIT_INIT("yd"), FHS_LIT_INIT("[yd_i]")},   {FHS_LIT_INIT("in"), FHS_LIT_INIT("[in_i]")},
    {FHS_LIT_INIT("nmi"), FHS_LIT_INIT("[nmi_i]")}, {FHS_LIT_INIT(""), FHS_LIT_INIT("km")},
};

static fhirstore_status read_angle(fhs_query_parser *parser, fhs_str text, int64_t most,
                                   const char *what, int64_t *out)
{
    fhs_decimal degrees;
    if (!fhs_decimal_parse(text, &degrees)) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE, what);
    }
    fhs_decimal limit = fhs_decimal_from_i64(most);
    fhs_decimal size = degrees;
    size.negative = false;
    if (fhs_decimal_compare(&size, &limit) > 0) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE, what);
    }
    *out = (int64_t)(fhs_decimal_to_double(&degrees) * 1e9 + (degrees.negative ? -0.5 : 0.5));
    return FHIRSTORE_OK;
}

static fhirstore_status read_distance(fhs_query_parser *parser, fhs_str text, fhs_str unit,
                                      fhs_value *value)
{
    fhs_decimal distance;
    fhs_decimal metres;
    if (!fhs_decimal_parse(text, &distance) || distance.negative) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE, "expects a distance of 0 or more");
    }
    for (size_t i = 0; i < FHS_COUNT_OF(length_words); i++) {
        if (fhs_str_eq(unit, length_words[i].written)) {
            unit = length_words[i].code;
            break;
        }
    }
    fhirstore_status status = fhs_unit_convert(&distance, unit, FHS_LIT("m"), &metres, NULL);
    if (status == FHIRSTORE_ERR_NO_MEMORY) {
        return fhs_fail_memory(parser->err);
    }
    if (status != FHIRSTORE_OK) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "expects a unit of length: km, m, mi, [mi_us] or another of UCUM");
    }
    value->metres = fhs_decimal_to_double(&metres);
    return FHIRSTORE_OK;
}

fhirstore_status fhs_query_near(fhs_query_parser *parser, fhs_str raw, fhs_value *value)
{
    fhs_str parts[4] = {FHS_STR_NONE, FHS_STR_NONE, FHS_STR_NONE, FHS_STR_NONE};
    size_t count = 0;
    bool more = true;
    while (more && count < FHS_COUNT_OF(parts)) {
        more = fhs_query_split(raw, '|', &parts[count], &raw);
        parts[count] = fhs_str_trim(parts[count]);
        count++;
    }
    if (more || count < 2) {
        return fhs_query_fail(parser, FHIRSTORE_ERR_PARAM_VALUE,
                              "expects latitude|longitude, or that and |distance or "
                              "|distance|unit");
    }
    fhirstore_status status = read_angle(parser, parts[0], 90, "expects a latitude from -90 to 90",
                                         &value->lo);
    if (status == FHIRSTORE_OK) {
        status = read_angle(parser, parts[1], 180, "expects a longitude from -180 to 180",
                            &value->hi);
    }
    value->metres = NEAR_DEFAULT_METRES;
    return status == FHIRSTORE_OK && parts[2].len > 0
               ? read_distance(parser, parts[2], parts[3], value)
               : status;
}
