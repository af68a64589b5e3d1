/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/filter.h"

#include <string.h>

#include "base/instant.h"

typedef enum filter_kind {
    FILTER_DATE,
    FILTER_AGENT,
    FILTER_PATIENT,
    FILTER_ENTITY,
    FILTER_ID,
    FILTER_ACTION,
    FILTER_OUTCOME,
    FILTER_TYPE,
    FILTER_SUBTYPE,
} filter_kind;

typedef enum date_relation {
    DATE_EQ,
    DATE_NE,
    DATE_GT,
    DATE_LT,
    DATE_GE,
    DATE_LE,
    DATE_AP,
} date_relation;

/* One of the alternatives of a condition. */
typedef struct filter_value {
    fhs_str text;
    fhs_str system; /* of a token; ptr NULL: any */
    date_relation relation;
    int64_t lo_us;
    int64_t hi_us;
} filter_value;

struct fhs_audit_condition {
    filter_kind kind;
    bool is_negated;
    fhs_str of_type; /* what a reference leads to; empty: anything */
    size_t count;
    filter_value *values;
    fhs_audit_condition *next;
};

void fhs_audit_filter_init(fhs_audit_filter *filter, const fhs_audit_style *style, int zone_minutes,
                           int64_t now_us)
{
    *filter = (fhs_audit_filter){.style = style,
                                 .zone_minutes = zone_minutes,
                                 .now_us = now_us,
                                 .from_us = INT64_MIN,
                                 .to_us = INT64_MAX};
}

/* ---- names ---- */

static bool find_filter_kind(const fhs_audit_filter *filter, fhs_str name, filter_kind *out)
{
    static const struct {
        fhs_str name;
        filter_kind kind;
        bool is_r5;
    } kinds[] = {
        {FHS_LIT_INIT("date"), FILTER_DATE, false},
        {FHS_LIT_INIT("_lastUpdated"), FILTER_DATE, false},
        {FHS_LIT_INIT("agent"), FILTER_AGENT, false},
        {FHS_LIT_INIT("patient"), FILTER_PATIENT, false},
        {FHS_LIT_INIT("entity"), FILTER_ENTITY, false},
        {FHS_LIT_INIT("_id"), FILTER_ID, false},
        {FHS_LIT_INIT("action"), FILTER_ACTION, false},
        {FHS_LIT_INIT("outcome"), FILTER_OUTCOME, false},
        {FHS_LIT_INIT("type"), FILTER_TYPE, false},
        {FHS_LIT_INIT("subtype"), FILTER_SUBTYPE, false},
        {FHS_LIT_INIT("category"), FILTER_TYPE, true},
        {FHS_LIT_INIT("code"), FILTER_SUBTYPE, true},
    };
    for (size_t i = 0; i < FHS_COUNT_OF(kinds); i++) {
        if (fhs_str_eq(name, kinds[i].name) && (filter->style->is_r5 || !kinds[i].is_r5)) {
            *out = kinds[i].kind;
            return true;
        }
    }
    return false;
}

static bool is_type_modifier(fhs_str text)
{
    return text.len > 0 && text.ptr[0] >= 'A' && text.ptr[0] <= 'Z';
}

bool fhs_audit_filter_knows(const fhs_audit_filter *filter, fhs_str name, fhs_str modifier)
{
    filter_kind kind;
    if (!find_filter_kind(filter, name, &kind)) {
        return false;
    }
    if (modifier.len == 0) {
        return true;
    }
    if (fhs_str_eq(modifier, FHS_LIT("not"))) {
        return kind >= FILTER_ACTION;
    }
    return kind >= FILTER_AGENT && kind <= FILTER_ENTITY && is_type_modifier(modifier);
}

/* ---- values ---- */

static bool read_relation(fhs_str *text, date_relation *out)
{
    static const struct {
        const char *name;
        date_relation relation;
    } relations[] = {{"eq", DATE_EQ}, {"ne", DATE_NE}, {"gt", DATE_GT},
                     {"lt", DATE_LT}, {"ge", DATE_GE}, {"le", DATE_LE},
                     {"sa", DATE_GT}, {"eb", DATE_LT}, {"ap", DATE_AP}};
    *out = DATE_EQ;
    if (text->len < 2 || text->ptr[0] < 'a' || text->ptr[0] > 'z') {
        return true;
    }
    for (size_t i = 0; i < FHS_COUNT_OF(relations); i++) {
        if (memcmp(text->ptr, relations[i].name, 2) == 0) {
            *out = relations[i].relation;
            *text = fhs_str_from(*text, 2);
            return true;
        }
    }
    return false;
}

static bool read_filter_date(const fhs_audit_filter *filter, fhs_str text, filter_value *out)
{
    fhs_date date;
    int64_t lo;
    int64_t hi;
    if (!read_relation(&text, &out->relation) ||
        !fhs_date_parse(text, FHS_DATE_FORM_SEARCH, &date)) {
        return false;
    }
    fhs_date_interval(&date, filter->zone_minutes, &lo, &hi);
    out->lo_us = fhs_ticks_to_us(lo);
    out->hi_us = fhs_ticks_to_us(hi);
    if (out->relation == DATE_AP) {
        /* A tenth of the way to now is near enough. */
        const int64_t far = filter->now_us > out->lo_us ? filter->now_us - out->lo_us
                                                        : out->lo_us - filter->now_us;
        out->lo_us -= far / 10;
        out->hi_us += far / 10;
        out->relation = DATE_EQ;
    }
    return true;
}

/* The place of the comma that ends the first alternative. */
static size_t end_of_alternative(fhs_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\') {
            i++;
        } else if (text.ptr[i] == ',') {
            return i;
        }
    }
    return text.len;
}

/* Without the backslashes; @a split: where the first '|' is that none stands before. */
static fhs_str unescape_value(fhs_arena *arena, fhs_str text, size_t *split)
{
    char *out = fhs_arena_calloc(arena, 1, text.len + 1);
    size_t len = 0;
    *split = SIZE_MAX;
    for (size_t i = 0; out != NULL && i < text.len; i++) {
        if (text.ptr[i] == '\\' && i + 1 < text.len) {
            i++;
        } else if (text.ptr[i] == '|' && *split == SIZE_MAX) {
            *split = len;
        }
        out[len++] = text.ptr[i];
    }
    return fhs_str_of(out, len);
}

static fhirstore_status read_filter_value(const fhs_audit_filter *filter, fhs_arena *arena,
                                          filter_kind kind, fhs_str text, filter_value *out,
                                          fhirstore_error **err)
{
    size_t split;
    *out = (filter_value){.text = unescape_value(arena, text, &split)};
    if (out->text.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    if (kind == FILTER_DATE && !read_filter_date(filter, out->text, out)) {
        return fhs_fail(err, FHIRSTORE_ERR_PARAM_VALUE, "date: a date or an instant was expected");
    }
    if (kind >= FILTER_ACTION && split < out->text.len) {
        out->system = fhs_str_of(out->text.ptr, split);
        out->text = fhs_str_from(out->text, split + 1);
    }
    if (out->text.len == 0 && out->system.len == 0) {
        return fhs_fail(err, FHIRSTORE_ERR_PARAM_VALUE, "a parameter has an empty value");
    }
    return FHIRSTORE_OK;
}

/* What single dates allow at all: blocks outside of it need not be opened. */
static void narrow_times(fhs_audit_filter *filter, const fhs_audit_condition *condition)
{
    const filter_value *value = &condition->values[0];
    if (condition->kind != FILTER_DATE || condition->count != 1) {
        return;
    }
    const bool has_low = value->relation == DATE_EQ || value->relation == DATE_GE ||
                         value->relation == DATE_GT;
    const bool has_high = value->relation == DATE_EQ || value->relation == DATE_LE ||
                          value->relation == DATE_LT;
    if (has_low && value->lo_us > filter->from_us) {
        filter->from_us = value->lo_us;
    }
    if (has_high && value->hi_us < filter->to_us) {
        filter->to_us = value->hi_us;
    }
}

fhirstore_status fhs_audit_filter_add(fhs_audit_filter *filter, fhs_arena *arena, fhs_str name,
                                      fhs_str modifier, fhs_str value, fhirstore_error **err)
{
    size_t max = 1;
    fhirstore_status status = FHIRSTORE_OK;
    for (size_t i = 0; i < value.len; i++) {
        max += value.ptr[i] == ',';
    }
    fhs_audit_condition *condition = fhs_arena_calloc(arena, 1, sizeof *condition);
    filter_value *values = fhs_arena_calloc(arena, max, sizeof *values);
    const fhs_str copy = fhs_arena_dup(arena, modifier);
    if (condition == NULL || values == NULL || copy.ptr == NULL) {
        return fhs_fail_memory(err);
    }
    (void)find_filter_kind(filter, name, &condition->kind);
    condition->values = values;
    condition->is_negated = fhs_str_eq(modifier, FHS_LIT("not"));
    condition->of_type = condition->is_negated ? FHS_STR_NONE : copy;
    for (bool more = true; more && status == FHIRSTORE_OK;) {
        const size_t end = end_of_alternative(value);
        more = end < value.len;
        status = read_filter_value(filter, arena, condition->kind, fhs_str_of(value.ptr, end),
                                   &values[condition->count++], err);
        value = more ? fhs_str_from(value, end + 1) : value;
    }
    condition->next = filter->conditions;
    filter->conditions = condition;
    if (status == FHIRSTORE_OK) {
        narrow_times(filter, condition);
    }
    return status;
}

/* ---- comparing ---- */

static bool date_fits(const filter_value *value, int64_t time_us)
{
    switch (value->relation) {
    case DATE_EQ:
    case DATE_AP:
        return time_us >= value->lo_us && time_us <= value->hi_us;
    case DATE_NE:
        return time_us < value->lo_us || time_us > value->hi_us;
    case DATE_GT:
        return time_us > value->hi_us;
    case DATE_LT:
        return time_us < value->lo_us;
    case DATE_GE:
        return time_us >= value->lo_us;
    case DATE_LE:
        return time_us <= value->hi_us;
    }
    return false;
}

/* "Patient/1" without the address of this store before and the version behind. */
static fhs_str plain_reference(const fhs_audit_filter *filter, fhs_str text)
{
    const fhs_str base = filter->style->base_url;
    if (fhs_str_starts_with(text, base) && text.len > base.len && text.ptr[base.len] == '/') {
        text = fhs_str_from(text, base.len + 1);
    }
    const size_t history = fhs_str_find(text, FHS_LIT("/_history/"));
    return history < text.len ? fhs_str_of(text.ptr, history) : text;
}

/* Whether @a wanted, "Type/id" or an id alone, names type and id. */
static bool names(const fhs_audit_condition *condition, fhs_str wanted, fhs_str type, fhs_str id)
{
    fhs_str wanted_type;
    fhs_str wanted_id;
    if (condition->of_type.len > 0 && !fhs_str_eq(condition->of_type, type)) {
        return false;
    }
    if (!fhs_str_split(wanted, '/', &wanted_type, &wanted_id)) {
        return fhs_str_eq(wanted, id);
    }
    return fhs_str_eq(wanted_type, type) && fhs_str_eq(wanted_id, id);
}

static bool agent_fits(const fhs_audit_condition *condition, fhs_str wanted, fhs_str principal)
{
    fhs_str type;
    fhs_str id;
    if (principal.len > 0 && fhs_str_eq(wanted, principal) && condition->of_type.len == 0) {
        return true;
    }
    return fhs_str_split(principal, '/', &type, &id) && id.len > 0 &&
           names(condition, wanted, type, id);
}

/* Of words with blanks between: ids of patients, or "Type/id". */
static bool words_fit(const fhs_audit_condition *condition, fhs_str wanted, fhs_str words,
                      bool are_patients)
{
    fhs_str word;
    while (fhs_str_next(&words, ' ', &word)) {
        fhs_str type = FHS_LIT("Patient");
        fhs_str id = word;
        if ((are_patients || fhs_str_split(word, '/', &type, &id)) &&
            names(condition, wanted, type, id)) {
            return true;
        }
    }
    return false;
}

static bool entity_fits(const fhs_audit_condition *condition, fhs_str wanted,
                        const fhs_audit_event *event)
{
    return (event->id.len > 0 && names(condition, wanted, event->type, event->id)) ||
           words_fit(condition, wanted, event->patients, true) ||
           words_fit(condition, wanted, event->resources, false);
}

/* As an entity, but only patients count. */
static bool patient_fits(const fhs_audit_condition *condition, fhs_str wanted,
                         const fhs_audit_event *event)
{
    static const fhs_str mark = FHS_LIT_INIT("Patient/");
    fhs_audit_condition patients = *condition;
    if (fhs_str_starts_with(wanted, mark)) {
        wanted = fhs_str_from(wanted, mark.len);
    }
    if (condition->of_type.len > 0 && !fhs_str_eq(condition->of_type, FHS_LIT("Patient"))) {
        return false;
    }
    patients.of_type = FHS_LIT("Patient");
    return fhs_str_find_char(wanted, '/', 0) == wanted.len && entity_fits(&patients, wanted, event);
}

static bool token_fits(const filter_value *value, fhs_str system, fhs_str code)
{
    return (value->system.ptr == NULL || fhs_str_eq(value->system, system)) &&
           (value->text.len == 0 || fhs_str_eq(value->text, code)) && code.len > 0;
}

static bool code_fits(const fhs_audit_filter *filter, filter_kind kind, const filter_value *value,
                      const fhs_audit_event *event)
{
    const fhs_audit_codes codes = fhs_audit_codes_of(filter->style, event);
    const fhs_str interaction = FHS_LIT(FHS_AUDIT_INTERACTION_SYSTEM);
    switch (kind) {
    case FILTER_ACTION:
        return token_fits(value, FHS_LIT(FHS_AUDIT_ACTION_SYSTEM), fhs_str_of(&codes.action, 1));
    case FILTER_OUTCOME:
        return token_fits(value,
                          filter->style->is_r5 ? FHS_LIT("http://hl7.org/fhir/issue-severity")
                                               : FHS_LIT("http://hl7.org/fhir/audit-event-outcome"),
                          codes.outcome);
    case FILTER_SUBTYPE:
        return token_fits(value, interaction, codes.subtype) ||
               token_fits(value, interaction, codes.narrower);
    default:
        return token_fits(value, codes.type_system, codes.type_code);
    }
}

static bool value_fits(const fhs_audit_filter *filter, const fhs_audit_condition *condition,
                       const filter_value *value, int64_t number, const fhs_audit_event *event)
{
    int64_t wanted_number;
    switch (condition->kind) {
    case FILTER_DATE:
        return date_fits(value, event->time_us);
    case FILTER_AGENT:
        return agent_fits(condition, plain_reference(filter, value->text), event->principal);
    case FILTER_PATIENT:
        return patient_fits(condition, plain_reference(filter, value->text), event);
    case FILTER_ENTITY:
        return entity_fits(condition, plain_reference(filter, value->text), event);
    case FILTER_ID:
        return fhs_audit_read_id(value->text, &wanted_number) && wanted_number == number;
    default:
        return code_fits(filter, condition->kind, value, event);
    }
}

bool fhs_audit_filter_fits(const fhs_audit_filter *filter, int64_t number,
                           const fhs_audit_event *event)
{
    for (const fhs_audit_condition *at = filter->conditions; at != NULL; at = at->next) {
        bool fits = false;
        for (size_t i = 0; i < at->count && !fits; i++) {
            fits = value_fits(filter, at, &at->values[i], number, event);
        }
        if (fits == at->is_negated) {
            return false;
        }
    }
    return true;
}
