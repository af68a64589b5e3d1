/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Non-interference: random worlds, random restrictions, random requests of every kind. What a guest
 * may not see is left out of the second store, or is otherwise there: not one byte of any answer
 * may differ (new ids and sealed links aside).
 *
 * FHS_TEST_SEED repeats a run; FHIRSTORE_TEST_LONG=1 makes a long one.
 */
#include <stdarg.h>
#include <stdio.h>

#include "twins.h"

/* ---- chance ---- */

static uint64_t chance;

static uint32_t pick(uint32_t count)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (uint32_t)((chance >> 11) % count);
}

static bool once_in(uint32_t count)
{
    return pick(count) == 0;
}

#define PICK_OF(items) (items)[pick((uint32_t)(sizeof(items) / sizeof *(items)))]

/* ---- what restricts ---- */

typedef struct traits {
    uint32_t patient; /* whose it is */
    bool is_female;
    bool is_lab;
    bool is_labelled;
    bool is_vip;
} traits;

#define PATIENTS     5u
#define OBSERVATIONS 24u
#define OTHERS       6u

typedef enum kind {
    PATIENT,
    OBSERVATION,
    ENCOUNTER,
    CONDITION,
    LIST,
    ORGANIZATION,
    PRACTITIONER,
    KINDS,
} kind;

static const char *const type_names[KINDS] = {"Patient", "Observation",  "Encounter",   "Condition",
                                              "List",    "Organization", "Practitioner"};
static const char id_letters[KINDS] = {'p', 'o', 'e', 'c', 'l', 'g', 'd'};
static const uint32_t counts[KINDS] = {PATIENTS, OBSERVATIONS, OTHERS, OTHERS, OTHERS, 3, 3};

static bool is_of_patient(kind what)
{
    return what != ORGANIZATION && what != PRACTITIONER;
}

static bool own_compartment(kind what, const traits *of)
{
    return is_of_patient(what) && of->patient != 0;
}

static bool women_and_laboratory(kind what, const traits *of)
{
    return (what == PATIENT && !of->is_female) || (what == OBSERVATION && !of->is_lab) ||
           what == ENCOUNTER;
}

static bool labelled(kind what, const traits *of)
{
    (void)what;
    return of->is_labelled;
}

static bool two_types(kind what, const traits *of)
{
    (void)of;
    return what != PATIENT && what != OBSERVATION;
}

static bool vip(kind what, const traits *of)
{
    return (is_of_patient(what) && of->is_vip) || what == ORGANIZATION;
}

static bool nothing_whole(kind what, const traits *of)
{
    (void)what;
    (void)of;
    return false;
}

static bool women_masked(kind what, const traits *of)
{
    return what == PATIENT && !of->is_female;
}

typedef struct regime {
    const char *name;
    const char *policy; /* NULL: the default one */
    const char *claims;
    bool (*hides)(kind what, const traits *of);
    bool masks; /* birth dates, given names and values are hidden within what is seen */
} regime;

static const regime regimes[] = {
    {"compartment", NULL,
     "{\"id\":\"g\",\"scope\":\"patient/*.cruds patient/Organization.rs patient/Practitioner.rs\","
     "\"patient\":\"p0\"}",
     own_compartment, false},
    {"where",
     "{\"roles\":{\"r\":{\"allow\":[{\"actions\":[\"*\"],\"types\":[\"Patient\"],\"where\":"
     "\"gender={sex}\"},"
     "{\"actions\":[\"*\"],\"types\":[\"Observation\"],\"where\":\"category=laboratory\"},"
     "{\"actions\":[\"*\"],\"types\":[\"Condition\",\"List\",\"Organization\",\"Practitioner\","
     "\"Provenance\"]}]}}}",
     "{\"id\":\"g\",\"roles\":[\"r\"],\"attributes\":{\"sex\":\"female\"}}", women_and_laboratory,
     false},
    {"labels",
     "{\"roles\":{\"r\":{\"allow\":[{\"actions\":[\"*\"]}]}},\"labels\":{\"controlled\":[\"R\"]}}",
     "{\"id\":\"g\",\"roles\":[\"r\"]}", labelled, false},
    {"types",
     "{\"roles\":{\"r\":{\"allow\":[{\"actions\":[\"*\"],\"types\":[\"Patient\",\"Observation\"]}]}"
     "}}",
     "{\"id\":\"g\",\"roles\":[\"r\"]}", two_types, false},
    {"deny",
     "{\"roles\":{\"r\":{\"allow\":[{\"actions\":[\"*\"]}]},\"n\":{\"deny\":[{\"actions\":[\"*\"],"
     "\"where\":"
     "\"_tag=vip\"},{\"actions\":[\"*\"],\"types\":[\"Organization\"]}]}}}",
     "{\"id\":\"g\",\"roles\":[\"r\",\"n\"],\"scope\":\"user/*.cruds\"}", vip, false},
    {"masks",
     "{\"roles\":{\"r\":{\"allow\":[{\"actions\":[\"*\"]}],\"hide\":[{\"types\":[\"Patient\"],"
     "\"elements\":["
     "\"birthDate\",\"name.given\"]},{\"types\":[\"Observation\"],\"elements\":[\"value\"]}]}}}",
     "{\"id\":\"g\",\"roles\":[\"r\"]}", nothing_whole, true},
    {"masks and where",
     "{\"roles\":{\"r\":{\"allow\":[{\"actions\":[\"*\"],\"types\":[\"Patient\"],\"where\":"
     "\"gender=female\"},"
     "{\"actions\":[\"*\"],\"types\":[\"Observation\",\"Encounter\",\"Condition\",\"List\","
     "\"Organization\","
     "\"Practitioner\"]}],\"hide\":[{\"types\":[\"Patient\"],\"elements\":[\"birthDate\",\"name."
     "given\"]},{"
     "\"types\":[\"Observation\"],\"elements\":[\"value[x]\"]}],\"keep\":[{\"elements\":["
     "\"identifier\"]}]}}}",
     "{\"id\":\"g\",\"roles\":[\"r\"]}", women_masked, true},
};

static const regime *rule;

/* ---- the world ---- */

static const char *const names[] = {"Alder", "Birch", "Cedar", "Elder", "Fir"};
static const char *const given_names[] = {"Ada", "Bo", "Cy", "Di"};
static const char *const codes[] = {"1111-1", "2222-2", "3333-3", "4444-4"};
static const char *const dates[] = {"2019-05-05", "2020-01-01", "2020-06-30",
                                    "2021-02-03", "1970-01-01", "1985-12-31"};

typedef struct text {
    char bytes[4096];
    size_t len;
} text;

__attribute__((format(printf, 2, 3))) static void add(text *to, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(to->bytes + to->len, sizeof to->bytes - to->len, format, args);
    va_end(args);
    to->len += (size_t)len;
    ck_assert_uint_lt(to->len, sizeof to->bytes);
}

static traits pick_traits(void)
{
    return (traits){pick(PATIENTS), once_in(2), once_in(2), once_in(3), once_in(3)};
}

/* What a restriction goes by; the rest of a resource is of no matter to it. */
static void add_traits(text *to, kind what, const traits *of)
{
    add(to, ",\"meta\":{\"tag\":[{\"code\":\"%s\"}]%s}",
        of->is_vip && is_of_patient(what) ? "vip" : "all",
        of->is_labelled ? ",\"security\":[{\"code\":\"R\"}]" : "");
    if (what == PATIENT) {
        add(to, ",\"gender\":\"%s\"", of->is_female ? "female" : "male");
    } else if (what == OBSERVATION && of->is_lab) {
        add(to, ",\"category\":[{\"coding\":[{\"code\":\"laboratory\"}]}]");
    }
    if (is_of_patient(what) && what != PATIENT) {
        add(to, ",\"subject\":{\"reference\":\"Patient/p%u\"}", of->patient);
    }
}

/* What masks hide; other values for each call. */
static void add_masked(text *to, kind what)
{
    if (what == PATIENT) {
        add(to, ",\"birthDate\":\"%s\"", PICK_OF(dates));
    } else if (what == OBSERVATION && !once_in(4)) {
        add(to, ",\"valueQuantity\":{\"value\":%u,\"unit\":\"kg\"}", pick(10));
    }
}

static void add_patient(text *to, const char *given)
{
    add(to,
        ",\"name\":[{\"family\":\"%s\",\"given\":[\"%s\"]}],\"managingOrganization\":{"
        "\"reference\":"
        "\"Organization/g%u\"},\"generalPractitioner\":[{\"reference\":\"Practitioner/d%u\"}],"
        "\"link\":[{\"other\":{\"reference\":\"Patient/p%u\"},\"type\":\"seealso\"}]",
        PICK_OF(names), given, pick(3), pick(3),
        1 + pick(PATIENTS - 1)); /* a link to p0 would be in its compartment */
}

static void add_observation(text *to)
{
    add(to,
        ",\"status\":\"final\",\"code\":{\"coding\":[{\"system\":\"http://"
        "loinc.org\",\"code\":\"%s\"}],"
        "\"text\":\"%s\"},\"effectiveDateTime\":\"%s\",\"performer\":[{\"reference\":"
        "\"Practitioner/d%u"
        "\"}],\"encounter\":{\"reference\":\"Encounter/e%u\"},\"derivedFrom\":[{\"reference\":"
        "\"Observation/o%u\"}]",
        PICK_OF(codes), PICK_OF(names), PICK_OF(dates), pick(3), pick(OTHERS), pick(OBSERVATIONS));
    if (once_in(4)) {
        add(to,
            ",\"contained\":[{\"resourceType\":\"Device\",\"id\":\"in\",\"status\":\"active\"}]");
    }
}

static void add_list(text *to)
{
    add(to, ",\"status\":\"current\",\"mode\":\"working\",\"entry\":[");
    for (int i = 0; i < 4; i++) {
        add(to, "%s{\"item\":{\"reference\":\"%s%u\"}}", i == 0 ? "" : ",",
            once_in(2) ? "Patient/p" : "Observation/o", pick(OTHERS));
    }
    add(to, "]");
}

static void add_content(text *to, kind what, const char *given)
{
    switch (what) {
    case PATIENT:
        add_patient(to, given);
        break;
    case OBSERVATION:
        add_observation(to);
        break;
    case ENCOUNTER:
        add(to, ",\"status\":\"%s\",\"class\":{\"code\":\"AMB\"}",
            once_in(2) ? "finished" : "planned");
        break;
    case CONDITION:
        add(to, ",\"code\":{\"coding\":[{\"code\":\"%s\"}]},\"onsetDateTime\":\"%s\"",
            PICK_OF(codes), PICK_OF(dates));
        break;
    case LIST:
        add_list(to);
        break;
    case ORGANIZATION:
    case PRACTITIONER:
        add(to, what == ORGANIZATION ? ",\"name\":\"%s\"" : ",\"name\":[{\"family\":\"%s\"}]",
            PICK_OF(names));
        break;
    case KINDS:
        break;
    }
}

/* A body, and the same in all that the guest sees with other hidden elements. */
static void make_bodies(kind what, uint32_t number, const traits *of, text *one, text *two)
{
    const uint64_t before = chance;
    for (int i = 0; i < 2; i++) {
        text *to = i == 0 ? one : two;
        to->len = 0;
        chance = before;
        add(to, "{\"resourceType\":\"%s\",\"id\":\"%c%u\"", type_names[what], id_letters[what],
            number);
        add_traits(to, what, of);
        add_content(to, what, given_names[rule->masks ? (size_t)i : pick(4)]);
    }
    add_masked(one, what);
    const uint64_t after = chance;
    if (!rule->masks) {
        chance = before; /* the same values: begin where the first body's began */
        two->len = 0;
        add(two, "%s", one->bytes);
        chance = after;
    } else {
        add_masked(two, what);
    }
    add(one, "}");
    add(two, "}");
}

static void put_one(kind what, uint32_t number, const traits *of)
{
    char id[16];
    text one;
    text two;
    (void)snprintf(id, sizeof id, "%c%u", id_letters[what], number);
    make_bodies(what, number, of, &one, &two);
    if (!rule->hides(what, of)) {
        put_twin(TWIN_FIRST, type_names[what], id, one.bytes);
        put_twin(TWIN_SECOND, type_names[what], id, two.bytes);
    } else {
        put_twin(TWIN_FIRST, type_names[what], id, one.bytes);
        if (once_in(2)) {
            /* Hidden as well, and not the same. */
            make_bodies(what, number, of, &one, &two);
            put_twin(TWIN_SECOND, type_names[what], id, one.bytes);
        }
    }
    forget_replies();
    tick_twins();
}

/* Some come into sight with their second version, the first having been hidden in both. */
static void put_hidden_first(kind what, uint32_t number, const traits *of)
{
    traits hidden = *of;
    for (int i = 0; i < 20 && !rule->hides(what, &hidden); i++) {
        hidden = pick_traits();
    }
    if (rule->hides(what, &hidden) && !rule->hides(what, of)) {
        char id[16];
        text one;
        text two;
        (void)snprintf(id, sizeof id, "%c%u", id_letters[what], number);
        make_bodies(what, number, &hidden, &one, &two);
        put_twin(TWIN_FIRST, type_names[what], id, one.bytes);
        make_bodies(what, number, &hidden, &one, &two);
        put_twin(TWIN_SECOND, type_names[what], id, one.bytes);
    }
}

/* Without an order that is asked for, matches come as the store first heard of their ids. */
static void name_all_ids(void)
{
    text list = {.len = 0};
    add(&list,
        "{\"resourceType\":\"List\",\"id\":\"all\",\"status\":\"current\",\"mode\":\"working\","
        "\"entry\":[");
    for (uint32_t k = 0; k < KINDS; k++) {
        for (uint32_t i = 0; i < counts[k] + 2; i++) {
            add(&list, "%s{\"item\":{\"reference\":\"%s/%c%u\"}}", k + i == 0 ? "" : ",",
                type_names[k], id_letters[k], i);
        }
    }
    add(&list, "]}");
    put_twin(TWIN_BOTH, "List", "all", list.bytes);
}

static void make_world(void)
{
    name_all_ids();
    for (int k = KINDS - 1; k >= 0; k--) {
        for (uint32_t i = 0; i < counts[k]; i++) {
            traits of = pick_traits();
            if (k == PATIENT) {
                of.patient = i;
            }
            if (k != PATIENT && k != ORGANIZATION && k != PRACTITIONER && once_in(4)) {
                put_hidden_first((kind)k, i, &of);
            }
            put_one((kind)k, i, &of);
        }
    }
}

/* ---- requests ---- */

/* "%c": a code, "%n" a name, "%d" a date, "%v" a number, "%P %O %E %C %L %G %D": an id. */
static void fill_in(text *to, const char *template)
{
    static const char letters[] = "POECLGD";
    for (const char *at = template; *at != '\0'; at++) {
        const char *letter = NULL;
        if (*at != '%' || at[1] == '\0') {
            add(to, "%c", *at);
            continue;
        }
        at++;
        if (*at == 'c') {
            add(to, "%s", PICK_OF(codes));
        } else if (*at == 'n') {
            add(to, "%s", PICK_OF(names));
        } else if (*at == 'd') {
            add(to, "%s", PICK_OF(dates));
        } else if (*at == 'v') {
            add(to, "%u", pick(10));
        } else if ((letter = strchr(letters, *at)) != NULL) {
            const size_t k = (size_t)(letter - letters);
            add(to, "%c%u", id_letters[k], pick(counts[k] + 2));
        } else {
            add(to, "%%%c", *at);
        }
    }
}

static const char *const observation_params[] = {
    "code=%c",
    "code:not=%c",
    "code=http://loinc.org|%c",
    "code=|%c",
    "code:text=%n",
    "code:missing=true",
    "code:in=http://none",
    "date=ge%d",
    "date=%d",
    "date=lt%d,gt%d",
    "date:missing=false",
    "subject=Patient/%P",
    "patient=%P",
    "patient=%P,%P",
    "subject:Patient.family=%n",
    "patient.gender=female",
    "patient.birthdate=lt%d",
    "patient.name:contains=%n",
    "patient.organization.name=%n",
    "value-quantity=gt%v",
    "value-quantity=%v||kg",
    "combo-value-quantity=lt%v",
    "code-value-quantity=%c$%v",
    "category=laboratory",
    "category:not=laboratory",
    "category:missing=true",
    "_id=%O,%O",
    "_tag=vip",
    "_tag:not=vip",
    "_security=R",
    "_security:not=R",
    "_lastUpdated=gt2020",
    "_lastUpdated=ge2023-11-14T22:13:40Z",
    "_has:Observation:derived-from:code=%c",
    "_has:Observation:derived-from:_has:Observation:derived-from:code=%c",
    "derived-from=Observation/%O",
    "derived-from:Observation.code=%c",
    "derived-from.patient.family=%n",
    "performer:Practitioner.name=%n",
    "performer.family=%n",
    "encounter.status=finished",
    "encounter:Encounter.patient=%P",
    "encounter:missing=true",
    "_list=%L",
    "_in=List/%L",
    "_in:not=List/%L",
    "_filter=code eq %c",
    "_filter=code eq %c or patient.family co %n",
    "_filter=not (date gt %d)",
    "_content=%n",
    "_text=%n",
    "nothing=1",
    "status=final",
    "date=zz",
};
static const char *const patient_params[] = {
    "family=%n",
    "family:exact=%n",
    "name:contains=%n",
    "given=Ada",
    "gender=female",
    "gender:not=female",
    "birthdate=gt%d",
    "birthdate:missing=true",
    "organization=Organization/%G",
    "organization.name=%n",
    "general-practitioner.name=%n",
    "general-practitioner=Practitioner/%D",
    "_has:Observation:patient:code=%c",
    "_has:Observation:subject:value-quantity=gt%v",
    "_has:Encounter:patient:status=finished",
    "_has:Condition:patient:code=%c",
    "_has:Observation:patient:_has:Observation:derived-from:code=%c",
    "link:Patient.family=%n",
    "link:Patient.gender=male",
    "link:Patient.birthdate=gt%d",
    "_id=%P,%P",
    "_tag=vip",
    "_security=R",
    "_list=%L",
    "_in=List/%L",
    "_filter=family sw %n",
    "_filter=gender eq male and not (family eq %n)",
    "_content=%n",
    "_contained=true",
    "name:text=%n",
    "phonetic=%n",
};
static const char *const other_params[] = {
    "patient=%P",
    "patient.family=%n",
    "patient.gender=male",
    "subject=Patient/%P",
    "_id=%E,%C,%L",
    "_tag=vip",
    "_security:not=R",
    "_has:Observation:encounter:code=%c",
    "code=%c",
    "item=Observation/%O",
    "status=finished",
    "_lastUpdated=gt2020",
    "_has:Patient:organization:family=%n",
    "_has:Patient:general-practitioner:gender=male",
    "_has:Observation:performer:code=%c",
    "name=%n",
    "name:contains=r",
    "onset-date=gt%d",
};
static const char *const sorts[] = {
    "_sort=date",
    "_sort=-date",
    "_sort=code,-date",
    "_sort=-_lastUpdated",
    "_sort=family",
    "_sort=-birthdate",
    "_sort=patient.birthdate",
    "_sort=-patient.family",
    "_sort=subject:Patient.gender,date",
    "_sort=gender,family",
    "_sort=value-quantity",
    "_sort=_score",
    "_sort=nothing",
    "_sort=organization.name",
};
static const char *const shapes[] = {
    "_count=1",
    "_count=2",
    "_count=3",
    "_count=0",
    "_total=accurate",
    "_total=estimate",
    "_total=none",
    "_summary=count",
    "_summary=true",
    "_summary=text",
    "_elements=code,value",
    "_elements=name,birthDate",
    "_include=*",
    "_include=Observation:subject",
    "_include=Observation:derived-from&_include:iterate=*",
    "_include=Observation:encounter",
    "_include=Patient:organization",
    "_include=Patient:link",
    "_include:iterate=Patient:link&_include=Observation:patient",
    "_include=Encounter:patient",
    "_include=List:item",
    "_revinclude=*",
    "_revinclude=Observation:patient",
    "_revinclude=Observation:derived-from",
    "_revinclude=List:item&_revinclude:iterate=*",
    "_revinclude=Patient:organization",
    "_revinclude=Encounter:patient",
    "_revinclude=Observation:performer",
    "_pretty=true",
    "_maxresults=2",
    "_contained=both",
};

static void add_query(text *url, kind what)
{
    const uint32_t conditions = pick(3);
    const char *mark = "?";
    for (uint32_t i = 0; i < conditions; i++) {
        add(url, "%s", mark);
        fill_in(url, what == OBSERVATION ? PICK_OF(observation_params)
                     : what == PATIENT   ? PICK_OF(patient_params)
                                         : PICK_OF(other_params));
        mark = "&";
    }
    if (once_in(2)) {
        add(url, "%s%s", mark, PICK_OF(sorts));
        mark = "&";
    }
    for (uint32_t i = pick(3); i > 0; i--) {
        add(url, "%s%s", mark, PICK_OF(shapes));
        mark = "&";
    }
}

static kind pick_kind(void)
{
    return once_in(3) ? PATIENT : once_in(2) ? OBSERVATION : (kind)pick(KINDS);
}

static void add_address(text *url, kind what)
{
    add(url, "%s/%c%u", type_names[what], id_letters[what], pick(counts[what] + 2));
}

static void follow_pages(void)
{
    for (uint32_t i = pick(4); i > 0 && next_of_twins(rule->name); i--) {
    }
}

static void try_search(void)
{
    text url = {.len = 0};
    const kind what = pick_kind();
    switch (pick(6)) {
    case 0:
        add(&url, "Patient/p%u/%s", pick(PATIENTS + 1), once_in(2) ? "*" : type_names[what]);
        break;
    case 1:
        add(&url, "%s", once_in(2) ? "" : "?_type=Patient,Observation,Encounter");
        if (url.len == 0) {
            add(&url, "?_lastUpdated=gt2000");
        }
        if (once_in(2)) {
            add(&url, "&%s", PICK_OF(shapes));
        }
        break;
    default:
        add(&url, "%s", type_names[what]);
        add_query(&url, what);
    }
    (void)ask_twins(rule->name, "GET", url.bytes, once_in(4) ? "Prefer: handling=strict" : NULL,
                    NULL);
    follow_pages();
}

static void try_read(void)
{
    static const char *const suffixes[] = {"",
                                           "",
                                           "/_history/1",
                                           "/_history/2",
                                           "/_history",
                                           "/_history?_count=1",
                                           "?_summary=true",
                                           "?_elements=name,birthDate,value",
                                           "?_pretty=true"};
    static const char *const headers[] = {"If-None-Match: W/\"1\"", "If-None-Match: *",
                                          "If-Modified-Since: Tue, 14 Nov 2023 22:13:50 GMT"};
    text url = {.len = 0};
    add_address(&url, pick_kind());
    add(&url, "%s", PICK_OF(suffixes));
    (void)ask_twins(rule->name, once_in(6) ? "HEAD" : "GET", url.bytes,
                    once_in(4) ? PICK_OF(headers) : NULL, NULL);
    follow_pages();
}

static void try_history(void)
{
    static const char *const places[] = {"_history", "Patient/_history", "Observation/_history",
                                         "Encounter/_history", "List/_history"};
    static const char *const queries[] = {"",
                                          "?_count=2",
                                          "?_count=3&_since=2023-11-14T22:13:40Z",
                                          "?_at=gt2020",
                                          "?_summary=true",
                                          "?_count=0"};
    text url = {.len = 0};
    add(&url, "%s%s", PICK_OF(places), PICK_OF(queries));
    (void)ask_twins(rule->name, "GET", url.bytes, NULL, NULL);
    follow_pages();
}

static void try_operation(void)
{
    static const char *const operations[] = {
        "Patient/%P/$everything",
        "Patient/%P/$everything?_count=2",
        "Patient/%P/$everything?_type=Observation",
        "Patient/$everything?_count=3",
        "Encounter/%E/$everything",
        "Observation/$lastn?patient=%P",
        "Observation/$lastn?patient=Patient/%P&max=2&category=laboratory",
        "Observation/%O/$meta",
        "Observation/$meta",
        "$meta",
        "Observation/%O/$diff",
        "$diff?from=Observation/%O&to=Observation/%O",
        "Patient/%P/$diff?fromVersion=1",
        "Observation/$stats?subject=Patient/"
        "%P&statistic=average&statistic=count&code=%c&system=http://loinc.org",
        "ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender",
        "ValueSet/none/$expand",
        "Observation/%O/$validate",
        "Observation/%O/$nothing",
        "metadata",
        "Patient/%P/$reindex",
        "Observation/%O/$reindex",
        "ConceptMap/$translate?code=%c&system=http://loinc.org",
        "AuditEvent?_count=2",
    };
    text url = {.len = 0};
    fill_in(&url, PICK_OF(operations));
    (void)ask_twins(rule->name, "GET", url.bytes, NULL, NULL);
    follow_pages();
}

/* ---- writes ---- */

static void make_guest_body(text *body, kind what, const char *id)
{
    const traits of = pick_traits();
    body->len = 0;
    add(body, "{\"resourceType\":\"%s\"", type_names[what]);
    if (id != NULL) {
        add(body, ",\"id\":\"%s\"", id);
    }
    add_traits(body, what, &of);
    if (!rule->masks || what != PATIENT) {
        add_content(body, what, "Ada");
    } else {
        add(body, ",\"active\":%s", once_in(2) ? "true" : "false");
    }
    if (!rule->masks) {
        add_masked(body, what);
    }
    add(body, "}");
}

static void add_criteria(text *to, kind what)
{
    fill_in(to, what == OBSERVATION ? PICK_OF(observation_params)
                : what == PATIENT   ? PICK_OF(patient_params)
                                    : PICK_OF(other_params));
}

static void try_write(void)
{
    static const char *const patches[] = {
        "[{\"op\":\"replace\",\"path\":\"/status\",\"value\":\"amended\"}]",
        "[{\"op\":\"add\",\"path\":\"/language\",\"value\":\"en\"}]",
        "[{\"op\":\"test\",\"path\":\"/gender\",\"value\":\"male\"},{\"op\":\"remove\",\"path\":\"/"
        "gender\"}]",
        "[{\"op\":\"remove\",\"path\":\"/birthDate\"}]",
        "[{\"op\":\"test\",\"path\":\"/valueQuantity/value\",\"value\":3}]",
        "[{\"op\":\"replace\",\"path\":\"/subject/reference\",\"value\":\"Patient/p1\"}]",
        "[{\"op\":\"remove\",\"path\":\"/meta/tag\"}]",
    };
    static const char *const headers[] = {NULL,
                                          NULL,
                                          "If-Match: W/\"1\"",
                                          "If-Match: W/\"2\"",
                                          "If-None-Match: *",
                                          "Prefer: return=minimal"};
    const kind what = pick_kind();
    char id[16];
    text url = {.len = 0};
    text body = {.len = 0};
    (void)snprintf(id, sizeof id, "%c%u", id_letters[what], pick(counts[what] + 2));
    make_guest_body(&body, what, id);
    const char *header = PICK_OF(headers);
    switch (pick(9)) {
    case 0:
    case 1:
        add(&url, "%s/%s", type_names[what], id);
        (void)ask_twins(rule->name, "PUT", url.bytes, header, body.bytes);
        break;
    case 2:
        add(&url, "%s/%s", type_names[what], id);
        (void)ask_twins(rule->name, "PATCH", url.bytes, "Content-Type: application/json-patch+json",
                        PICK_OF(patches));
        break;
    case 3:
        add(&url, "%s/%s", type_names[what], id);
        (void)ask_twins(rule->name, "DELETE", url.bytes, header, NULL);
        break;
    case 4:
        add(&url, "%s?", type_names[what]);
        add_criteria(&url, what);
        add(&url, "%s", once_in(3) ? "&_count=2" : "");
        (void)ask_twins(rule->name, "DELETE", url.bytes, NULL, NULL);
        break;
    case 5:
        add(&url, "%s?", type_names[what]);
        add_criteria(&url, what);
        (void)ask_twins(rule->name, "PATCH", url.bytes, "Content-Type: application/json-patch+json",
                        PICK_OF(patches));
        break;
    case 6: {
        text condition = {.len = 0};
        add(&condition, "If-None-Exist: ");
        add_criteria(&condition, what);
        make_guest_body(&body, what, NULL);
        (void)ask_twins(rule->name, "POST", type_names[what], condition.bytes, body.bytes);
        break;
    }
    default:
        add(&url, "%s?", type_names[what]);
        add_criteria(&url, what);
        make_guest_body(&body, what, once_in(2) ? id : NULL);
        (void)ask_twins(rule->name, "PUT", url.bytes, NULL, body.bytes);
    }
}

static void try_bundle(void)
{
    static text bundle;
    bundle.len = 0;
    add(&bundle, "{\"resourceType\":\"Bundle\",\"type\":\"%s\",\"entry\":[",
        once_in(2) ? "batch" : "transaction");
    const uint32_t entries = 1 + pick(3);
    for (uint32_t i = 0; i < entries; i++) {
        const kind what = pick_kind();
        text url = {.len = 0};
        text body;
        add(&bundle, i == 0 ? "" : ",");
        switch (pick(4)) {
        case 0:
            add_address(&url, what);
            add(&bundle, "{\"request\":{\"method\":\"GET\",\"url\":\"%s\"}}", url.bytes);
            break;
        case 1:
            add(&url, "%s?", type_names[what]);
            add_criteria(&url, what);
            add(&bundle, "{\"request\":{\"method\":\"GET\",\"url\":\"%s\"}}", url.bytes);
            break;
        case 2:
            add(&url, "%s?", type_names[what]);
            add_criteria(&url, what);
            add(&bundle, "{\"request\":{\"method\":\"DELETE\",\"url\":\"%s\"}}", url.bytes);
            break;
        default:
            make_guest_body(&body, OBSERVATION, NULL);
            add(&url, "Observation?");
            add_criteria(&url, OBSERVATION);
            add(&bundle,
                "{\"resource\":%s,\"request\":{\"method\":\"POST\",\"url\":\"Observation\","
                "\"ifNoneExist\":\"%s\"}}",
                body.bytes, url.bytes + strlen("Observation?"));
        }
    }
    add(&bundle, "]}");
    (void)ask_twins(rule->name, "POST", "", once_in(2) ? "Prefer: return=representation" : NULL,
                    bundle.bytes);
}

static void try_anything(void)
{
    switch (pick(12)) {
    case 0:
    case 1:
        try_read();
        break;
    case 2:
        try_history();
        break;
    case 3:
        try_operation();
        break;
    case 4:
        try_write();
        break;
    case 5:
        if (once_in(3)) {
            try_bundle();
            break;
        }
        try_read();
        break;
    default:
        try_search();
    }
}

static int requests_of_a_world(void)
{
    return getenv("FHIRSTORE_TEST_LONG") == NULL ? 450 : 6000;
}

START_TEST(no_answer_depends_on_what_is_hidden)
{
    const char *given = getenv("FHS_TEST_SEED");
    const uint64_t seed = given == NULL ? 20240617u : strtoull(given, NULL, 0);
    rule = &regimes[_i];
    chance = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15) + (uint64_t)_i;
    (void)pick(2);
    printf("# %s: FHS_TEST_SEED=%llu\n", rule->name, (unsigned long long)seed);
    open_twins();
    make_world();
    enter_twins(rule->policy, rule->claims);
    const int requests = requests_of_a_world();
    for (int i = 0; i < requests; i++) {
        try_anything();
        forget_replies();
    }
    expect_sound(twins[0].store);
    expect_sound(twins[1].store);
    close_twins();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interference");
    TCase *tests = tcase_create("interference");
    tcase_add_checked_fixture(tests, setup_folder, teardown);
    tcase_set_timeout(tests, getenv("FHIRSTORE_TEST_LONG") == NULL ? 280 : 3600);
    tcase_add_loop_test(tests, no_answer_depends_on_what_is_hidden, 0,
                        (int)(sizeof regimes / sizeof *regimes));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
