/* SPDX-License-Identifier: Apache-2.0 */
/* $everything of a patient, of all patients that may be seen, of a group's, and of an encounter. */
#include "search/everything.h"

#include "base/instant.h"
#include "interact/find.h"
#include "interact/interact.h"
#include "interact/sight.h"
#include "operation/operation.h"

/* Entries of one page, in bytes; what is larger comes on the next one. */
#define PAGE_BYTES ((size_t)64 * 1024 * 1024)
/* Patients that one encounter may lead to. */
#define HOME_MAX 16u

static const fhs_str everything_params[] = {
    FHS_LIT_INIT("start"),  FHS_LIT_INIT("end"),   FHS_LIT_INIT("_since"), FHS_LIT_INIT("_type"),
    FHS_LIT_INIT("_count"), FHS_LIT_INIT("_page"), FHS_LIT_INIT("")};
static const fhs_str encounter_params[] = {FHS_LIT_INIT("_since"), FHS_LIT_INIT("_type"),
                                           FHS_LIT_INIT("_count"), FHS_LIT_INIT("_page"),
                                           FHS_LIT_INIT("")};
static const fhs_str everything_lists[] = {FHS_LIT_INIT("_type"), FHS_LIT_INIT("")};

typedef struct everything_work {
    fhs_call *call;
    const fhs_operation *operation;
    fhs_arena *arena;
    fhs_params *params;
    fhs_str start; /* empty: not given */
    fhs_str end;
    int64_t from; /* ticks of the range; as far as they can be where it is open */
    int64_t to;
    uint64_t count;
    fhs_everything ask;
    fhs_entity home[HOME_MAX];
    fhs_query *query;
    fhirstore_error **err;
} everything_work;

static const fhs_fhir *definitions(const everything_work *work)
{
    return fhs_params_fhir(work->params);
}

/* ---- parameters ---- */

static bool date_interval(const everything_work *work, fhs_str text, int64_t *lo, int64_t *hi)
{
    fhs_date date;
    if (!fhs_date_parse(text, FHS_DATE_FORM_DATE | FHS_DATE_FORM_SEARCH, &date)) {
        return false;
    }
    fhs_date_interval(&date, work->call->session->core->default_zone_minutes, lo, hi);
    return true;
}

static fhirstore_status read_range(everything_work *work)
{
    int64_t unused;
    const fhs_operation *operation = work->operation;
    work->from = FHS_TICK_MIN;
    work->to = FHS_TICK_MAX;
    fhirstore_status status = fhs_argument_text(operation, FHS_LIT("start"), &work->start,
                                                work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_text(operation, FHS_LIT("end"), &work->end, work->err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    if (work->start.len > 0 && !date_interval(work, work->start, &work->from, &unused)) {
        return fhs_argument_fail(FHS_LIT("start"), "expects a date", work->err);
    }
    if (work->end.len > 0 && !date_interval(work, work->end, &unused, &work->to)) {
        return fhs_argument_fail(FHS_LIT("end"), "expects a date", work->err);
    }
    return work->to < work->from
               ? fhs_argument_fail(FHS_LIT("end"), "expects a date that is not before 'start'",
                                   work->err)
               : FHIRSTORE_OK;
}

static fhirstore_status read_since(everything_work *work)
{
    fhs_str text;
    int64_t lo;
    int64_t hi;
    work->ask.since_us = INT64_MIN;
    fhirstore_status status = fhs_argument_text(work->operation, FHS_LIT("_since"), &text,
                                                work->err);
    if (status < FHIRSTORE_OK || text.len == 0) {
        return status;
    }
    if (!date_interval(work, text, &lo, &hi)) {
        return fhs_argument_fail(FHS_LIT("_since"), "expects an instant", work->err);
    }
    work->ask.since_us = fhs_ticks_to_us(lo);
    return FHIRSTORE_OK;
}

static fhirstore_status add_wanted_types(everything_work *work, fhs_str text, fhs_type *types)
{
    static const fhs_str name = FHS_LIT_INIT("_type");
    const fhs_fhir *fhir = definitions(work);
    while (text.len > 0) {
        fhs_str item = text;
        fhs_str rest = FHS_STR_NONE;
        (void)fhs_str_split(text, ',', &item, &rest);
        fhs_type type = fhs_type_find(fhir, fhs_str_trim(item));
        if (type == FHS_TYPE_NONE || !fhs_type_is_resource(fhir, type)) {
            return fhs_argument_fail(name, "expects resource types", work->err);
        }
        bool is_new = true;
        for (size_t i = 0; i < work->ask.type_count; i++) {
            is_new = is_new && types[i] != type;
        }
        if (is_new) {
            types[work->ask.type_count++] = type;
        }
        text = rest;
    }
    return FHIRSTORE_OK;
}

static fhirstore_status read_wanted_types(everything_work *work)
{
    const fhs_operation *operation = work->operation;
    fhirstore_status status = FHIRSTORE_OK;
    fhs_type *types = fhs_arena_calloc(work->arena, fhs_type_count(definitions(work)),
                                       sizeof *types);
    if (types == NULL) {
        return fhs_fail_memory(work->err);
    }
    work->ask.types = types;
    for (size_t i = 0; i < operation->argument_count && status >= FHIRSTORE_OK; i++) {
        const fhs_argument *argument = &operation->arguments[i];
        if (fhs_str_eq(argument->name, FHS_LIT("_type"))) {
            status = argument->text.len > 0
                         ? add_wanted_types(work, argument->text, types)
                         : fhs_argument_fail(argument->name, "expects resource types", work->err);
        }
    }
    return status;
}

static fhirstore_status read_everything_ask(everything_work *work)
{
    fhirstore_status status = read_range(work);
    if (status >= FHIRSTORE_OK) {
        status = read_since(work);
    }
    if (status >= FHIRSTORE_OK) {
        status = read_wanted_types(work);
    }
    if (status >= FHIRSTORE_OK) {
        status = fhs_argument_count(work->operation, FHS_LIT("_count"), FHS_LIMIT_PAGE_COUNT,
                                    FHS_LIMIT_PAGE_COUNT, &work->count, work->err);
    }
    work->ask.max_bytes = PAGE_BYTES;
    work->ask.home = work->home;
    return status;
}

/* ---- nodes ---- */

static fhs_node *new_everything_node(everything_work *work, fhs_node_kind kind, fhs_type type,
                                     size_t room)
{
    fhs_node *node = fhs_node_group(work->arena, kind, type, room);
    if (node == NULL) {
        (void)fhs_fail_memory(work->err);
    }
    return node;
}

static fhirstore_status parse_in(everything_work *work, fhs_type type, const fhs_focus *focus,
                                 fhs_str text, fhs_query **out)
{
    const fhs_core *core = work->call->session->core;
    const fhs_query_options options = {
        .fhir = definitions(work),
        .base_url = core->base_url,
        .now_us = fhs_core_now(core),
        .default_zone_minutes = core->default_zone_minutes,
        .focus = focus,
    };
    return fhs_query_parse(work->arena, &options, type, text, out, work->err);
}

/* Whether the principal does not see what a parameter reads: it leads nowhere then. */
static bool is_out_of_sight(const everything_work *work, fhs_type type, fhs_sparam param)
{
    const fhs_call *call = work->call;
    if (call->session->who.allow_everything ||
        fhs_catalog_type(call->session->core->catalog, type) == 0) {
        return false;
    }
    const fhs_mask *mask = fhs_sight_mask(work->call, type);
    return mask != NULL && mask->hide_count > 0 &&
           fhs_mask_reads(mask, definitions(work), type, param);
}

/* Parameters that tell when care took place, the best first. */
static fhs_str care_date(const everything_work *work, fhs_type type)
{
    const fhs_fhir *fhir = definitions(work);
    static const fhs_str codes[] = {
        FHS_LIT_INIT("date"),        FHS_LIT_INIT("onset-date"),     FHS_LIT_INIT("effective-time"),
        FHS_LIT_INIT("effective"),   FHS_LIT_INIT("whenhandedover"), FHS_LIT_INIT("authoredon"),
        FHS_LIT_INIT("authored"),    FHS_LIT_INIT("created"),        FHS_LIT_INIT("sent"),
        FHS_LIT_INIT("occurrence"),  FHS_LIT_INIT("started"),        FHS_LIT_INIT("collected"),
        FHS_LIT_INIT("recorded"),    FHS_LIT_INIT("start-date"),     FHS_LIT_INIT("datetime"),
        FHS_LIT_INIT("datewritten"), FHS_LIT_INIT("period"),         FHS_LIT_INIT("identified"),
        FHS_LIT_INIT("event-date"),  FHS_LIT_INIT("authored-on"),
    };
    for (size_t i = 0; i < FHS_COUNT_OF(codes); i++) {
        fhs_sparam param = fhs_sparam_find(fhir, type, codes[i]);
        if (param != FHS_SPARAM_NONE && fhs_sparam_get(fhir, param).type == FHS_SP_DATE &&
            !is_out_of_sight(work, type, param)) {
            return codes[i];
        }
    }
    return FHS_STR_NONE;
}

/* What @a text holds, kept with the call; @a text is cleared. ptr NULL: no memory. */
static fhs_str keep_buffer(const everything_work *work, fhs_buf *text)
{
    fhs_str kept = fhs_buf_status(text) == FHIRSTORE_OK
                       ? fhs_arena_dup(work->arena, fhs_buf_str(text))
                       : FHS_STR_NONE;
    fhs_buf_clear(text);
    return kept;
}

/* "code=gt…" or "code=lt…" with a bound that no date of FHIR can have: a tick beside the range. */
static fhirstore_status add_bound(everything_work *work, fhs_type type, fhs_str code, bool is_start,
                                  fhs_node *both)
{
    fhs_buf text = FHS_BUF_INIT((size_t)1024);
    fhs_query *query = NULL;
    if ((is_start ? work->start : work->end).len == 0) {
        return FHIRSTORE_OK;
    }
    fhs_buf_addf(&text, "%.*s=%s2000", FHS_STR_ARG(code), is_start ? "gt" : "lt");
    fhs_str condition = keep_buffer(work, &text);
    fhirstore_status status = condition.ptr == NULL ? fhs_fail_memory(work->err)
                                                    : parse_in(work, type, NULL, condition, &query);
    if (status >= FHIRSTORE_OK) {
        fhs_value *value = &query->root->children[0]->values[0];
        value->lo = value->hi = is_start ? work->from - 1 : work->to + 1;
        both->children[both->child_count++] = query->root;
    }
    return status;
}

/* Touching the range, or without a date: what is not dated is not of another time. */
static fhirstore_status range_of_type(everything_work *work, fhs_type type, fhs_str code,
                                      fhs_node **out)
{
    fhs_buf text = FHS_BUF_INIT((size_t)1024);
    fhs_query *missing = NULL;
    fhs_buf_addf(&text, "%.*s:missing=true", FHS_STR_ARG(code));
    fhs_str undated = keep_buffer(work, &text);
    fhs_node *any = new_everything_node(work, FHS_NODE_OR, type, 2);
    fhs_node *both = new_everything_node(work, FHS_NODE_AND, type, 2);
    if (any == NULL || both == NULL || undated.ptr == NULL) {
        return fhs_fail_memory(work->err);
    }
    fhirstore_status status = add_bound(work, type, code, true, both);
    if (status >= FHIRSTORE_OK) {
        status = add_bound(work, type, code, false, both);
    }
    if (status >= FHIRSTORE_OK) {
        status = parse_in(work, type, NULL, undated, &missing);
    }
    if (status >= FHIRSTORE_OK) {
        any->children[any->child_count++] = both;
        any->children[any->child_count++] = missing->root;
    }
    *out = any;
    return status;
}

/* start and end: a condition for each type of the query that has a date of care. */
static fhirstore_status add_care_range(everything_work *work)
{
    fhs_query *query = work->query;
    fhirstore_status status = FHIRSTORE_OK;
    if (work->start.len + work->end.len == 0) {
        return FHIRSTORE_OK;
    }
    fhs_node *any = new_everything_node(work, FHS_NODE_OR, FHS_TYPE_NONE, query->type_count);
    fhs_node *both = new_everything_node(work, FHS_NODE_AND, FHS_TYPE_NONE, 2);
    if (any == NULL || both == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < query->type_count && status >= FHIRSTORE_OK; i++) {
        fhs_str code = care_date(work, query->types[i]);
        fhs_node *node = NULL;
        if (code.len > 0) {
            status = range_of_type(work, query->types[i], code, &node);
        } else {
            node = new_everything_node(work, FHS_NODE_TRUE, query->types[i], 0);
            status = node == NULL ? FHIRSTORE_ERR_NO_MEMORY : FHIRSTORE_OK;
        }
        any->children[any->child_count++] = node;
    }
    both->children[both->child_count++] = query->root;
    both->children[both->child_count++] = any;
    query->root = both;
    return status;
}

/* ---- members of one compartment ---- */

/* Of the parameters that place resources in the compartment those that the principal sees. */
static void drop_hidden_places(everything_work *work)
{
    fhs_node *places = work->query->root->children[0];
    size_t kept = 0;
    for (size_t i = 0; i < places->child_count; i++) {
        fhs_node *place = places->children[i];
        if (place->kind != FHS_NODE_LEAF || !is_out_of_sight(work, place->type, place->param)) {
            places->children[kept++] = place;
        }
    }
    places->child_count = kept;
}

static fhirstore_status members_of_one(everything_work *work, fhs_compartment compartment)
{
    const fhs_focus focus = {compartment, work->call->id};
    fhirstore_status status = parse_in(work, FHS_TYPE_NONE, &focus, FHS_STR_NONE, &work->query);
    if (status >= FHIRSTORE_OK) {
        drop_hidden_places(work);
    }
    work->ask.counts = true;
    return status;
}

/* ---- members of the compartments of several patients ---- */

/* Patients that may be seen: all, or those that the group names. */
static fhs_node *which_patients(everything_work *work, fhs_type patient)
{
    const fhs_call *call = work->call;
    bool is_group = call->id.len > 0;
    fhs_node *node = new_everything_node(work, is_group ? FHS_NODE_MEMBER : FHS_NODE_TRUE, patient,
                                         0);
    fhs_value *value = fhs_arena_calloc(work->arena, 1, sizeof *value);
    if (node == NULL || value == NULL) {
        return NULL;
    }
    if (is_group) {
        value->text = call->id;
        value->ref_id = call->id;
        value->ref_type = call->type;
        value->lo = value->hi = fhs_ticks_from_us(fhs_core_now(call->session->core));
        node->values = value;
        node->value_count = 1;
        node->code = FHS_LIT("_in");
    }
    return node;
}

/* Resources of @a type that one of its compartment's parameters leads to such a patient. */
static fhirstore_status add_owned(everything_work *work, fhs_type type, fhs_type patient,
                                  fhs_node *which, fhs_node *any)
{
    const fhs_fhir *fhir = definitions(work);
    const fhs_str *codes;
    size_t count = fhs_compartment_params(fhir, FHS_COMPARTMENT_PATIENT, type, &codes);
    fhs_node *of_type = new_everything_node(work, FHS_NODE_OR, type, count + 2);
    if (of_type == NULL) {
        return FHIRSTORE_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        fhs_sparam param = fhs_sparam_find(fhir, type, codes[i]);
        if (param == FHS_SPARAM_NONE || fhs_sparam_get(fhir, param).type != FHS_SP_REFERENCE ||
            is_out_of_sight(work, type, param)) {
            continue;
        }
        fhs_node *link = new_everything_node(work, FHS_NODE_CHAIN, type, 1);
        if (link == NULL) {
            return FHIRSTORE_ERR_NO_MEMORY;
        }
        link->param = param;
        link->code = codes[i];
        link->target = patient;
        link->children[link->child_count++] = which;
        of_type->children[of_type->child_count++] = link;
    }
    if (type == patient) {
        of_type->children[of_type->child_count++] = which;
    }
    any->children[any->child_count++] = of_type;
    return FHIRSTORE_OK;
}

/* The group itself. */
static fhirstore_status add_group_itself(everything_work *work, fhs_node *any)
{
    const fhs_call *call = work->call;
    fhs_node *self = new_everything_node(work, FHS_NODE_ID, call->type, 0);
    fhs_value *value = fhs_arena_calloc(work->arena, 1, sizeof *value);
    if (self == NULL || value == NULL) {
        return fhs_fail_memory(work->err);
    }
    value->text = call->id;
    self->values = value;
    self->value_count = 1;
    self->code = FHS_LIT("_id");
    any->children[any->child_count++] = self;
    return FHIRSTORE_OK;
}

static fhirstore_status members_of_many(everything_work *work)
{
    const fhs_fhir *fhir = definitions(work);
    const size_t count = fhs_type_count(fhir);
    const fhs_type patient = fhs_type_find(fhir, FHS_LIT("Patient"));
    fhs_query *query = NULL;
    fhirstore_status status = parse_in(work, FHS_TYPE_NONE, NULL, FHS_STR_NONE, &query);
    if (status < FHIRSTORE_OK) {
        return status;
    }
    fhs_node *which = which_patients(work, patient);
    fhs_node *any = new_everything_node(work, FHS_NODE_OR, FHS_TYPE_NONE, count + 1);
    fhs_type *types = fhs_arena_calloc(work->arena, count, sizeof *types);
    if (which == NULL || any == NULL || types == NULL) {
        return fhs_fail_memory(work->err);
    }
    for (size_t i = 0; i < count && status >= FHIRSTORE_OK; i++) {
        const fhs_str *codes;
        fhs_type type = (fhs_type)i;
        if (fhs_type_is_resource(fhir, type) &&
            (type == patient ||
             fhs_compartment_params(fhir, FHS_COMPARTMENT_PATIENT, type, &codes) > 0)) {
            types[query->type_count++] = type;
            status = add_owned(work, type, patient, which, any);
        }
    }
    if (status >= FHIRSTORE_OK && work->call->id.len > 0) {
        status = add_group_itself(work, any);
    }
    query->types = types;
    query->root = any;
    work->query = query;
    return status;
}

/* ---- the encounter's patient ---- */

/* Patients that the encounter refers to belong to it, though not to its compartment. */
static fhirstore_status find_home(everything_work *work, fhs_version *encounter)
{
    const fhs_call *call = work->call;
    const fhs_fhir *fhir = definitions(work);
    const fhs_core *core = call->session->core;
    int32_t patient = fhs_catalog_type(core->catalog, fhs_type_find(fhir, FHS_LIT("Patient")));
    const fhs_json *root = NULL;
    const fhs_json *subject = NULL;
    fhs_str text;
    fhs_reference to;
    fhs_entity entity = 0;
    fhs_buf shown = FHS_BUF_INIT(FHS_LIMIT_RESOURCE_BYTES);
    fhirstore_status status = fhs_sight_take_body(work->call, call->type, encounter, &shown,
                                                  work->err);
    fhs_str body = keep_buffer(work, &shown);
    if (status >= FHIRSTORE_OK) {
        status = body.ptr == NULL ? fhs_fail_memory(work->err)
                                  : fhs_json_read(work->arena, body, NULL, &root, work->err);
    }
    if (status < FHIRSTORE_OK) {
        return status;
    }
    subject = fhs_json_get(root, FHS_LIT("subject"));
    if (!fhs_json_is(subject, FHS_JSON_OBJECT) ||
        !fhs_json_get_string(subject, FHS_LIT("reference"), &text) ||
        !fhs_reference_parse(fhir, core->base_url, text, &to) || !to.is_local ||
        to.type == FHS_TYPE_NONE || fhs_catalog_type(core->catalog, to.type) != patient) {
        return FHIRSTORE_OK;
    }
    status = fhs_entity_find(call->conn, patient, to.id, &entity, work->err);
    if (status >= FHIRSTORE_OK && entity != 0) {
        work->home[work->ask.home_count++] = entity;
    }
    return status;
}

/* What everything is asked of must be there, and seen. */
static fhirstore_status find_focus(everything_work *work)
{
    fhs_call *call = work->call;
    fhs_version version;
    int32_t type = fhs_catalog_type(call->session->core->catalog, call->type);
    if (call->id.len == 0) {
        return FHIRSTORE_OK;
    }
    fhirstore_status status = fhs_sight_find(call, call->type, call->id, work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_resource_read(call->conn, type, call->id, &version, work->err);
    }
    if (status >= FHIRSTORE_OK && version.is_deleted) {
        status = fhs_fail_plain(work->err, FHIRSTORE_ERR_DELETED);
    }
    return status >= FHIRSTORE_OK &&
                   fhs_str_eq(fhs_type_name(definitions(work), call->type), FHS_LIT("Encounter"))
               ? find_home(work, &version)
               : status;
}

/* ---- the page ---- */

static void add_self(fhs_buf *out, const char *name, fhs_str value)
{
    if (value.len > 0) {
        fhs_buf_addf(out, "%s%s=", out->len > 0 ? "&" : "", name);
        fhs_url_encode(out, value);
    }
}

/* The address as it was understood: links have it, and are bound to it. */
static fhirstore_status name_page(everything_work *work, fhs_str path)
{
    const fhs_fhir *fhir = definitions(work);
    fhs_query *query = work->query;
    fhs_buf self = FHS_BUF_INIT(4 * FHS_LIMIT_URL_BYTES);
    fhs_str since = FHS_STR_NONE;
    (void)fhs_argument_text(work->operation, FHS_LIT("_since"), &since, NULL);
    add_self(&self, "start", work->start);
    add_self(&self, "end", work->end);
    add_self(&self, "_since", since);
    for (size_t i = 0; i < work->ask.type_count; i++) {
        fhs_buf_addf(&self, "%s%.*s",
                     i > 0          ? ","
                     : self.len > 0 ? "&_type="
                                    : "_type=",
                     FHS_STR_ARG(fhs_type_name(fhir, work->ask.types[i])));
    }
    if (fhs_argument_find(work->operation, FHS_LIT("_count")) != NULL) {
        fhs_buf_addf(&self, "%s_count=%llu", self.len > 0 ? "&" : "",
                     (unsigned long long)work->count);
    }
    query->self = keep_buffer(work, &self);
    query->place = fhs_arena_dup(work->arena, path);
    query->count = (uint32_t)work->count;
    if (query->self.ptr == NULL || query->place.ptr == NULL) {
        return fhs_fail_memory(work->err);
    }
    return fhs_argument_text(work->operation, FHS_LIT("_page"), &query->page, work->err);
}

static fhirstore_status write_page_of(everything_work *work, fhs_str path, fhs_buf *out)
{
    fhs_call *call = work->call;
    fhs_search_env env;
    fhs_search *search = NULL;
    fhirstore_status status = fhs_find_open(call, work->params, false, work->arena, work->query,
                                            &env, &search, work->err);
    if (status >= FHIRSTORE_OK) {
        status = fhs_everything_write(search, &work->ask, path, out, work->err);
    }
    if (status >= FHIRSTORE_OK) {
        fhs_search_told(search, &call->count, &call->total);
    }
    fhs_search_close(search);
    return status;
}

static fhirstore_status find_members(everything_work *work)
{
    fhs_compartment compartment;
    bool has_one = work->call->id.len > 0 &&
                   fhs_compartment_find(fhs_type_name(definitions(work), work->call->type),
                                        &compartment);
    fhirstore_status status = has_one ? members_of_one(work, compartment) : members_of_many(work);
    return status < FHIRSTORE_OK ? status : add_care_range(work);
}

static fhirstore_status run_everything(fhs_call *call, const fhs_operation *operation,
                                       fhs_answer *answer, fhirstore_error **err)
{
    everything_work work = {.call = call, .operation = operation, .arena = call->arena, .err = err};
    fhs_buf path = FHS_BUF_INIT((size_t)1024);
    fhirstore_status status = fhs_call_params(call, &work.params, err);
    if (status >= FHIRSTORE_OK) {
        status = read_everything_ask(&work);
    }
    if (status >= FHIRSTORE_OK) {
        status = find_focus(&work);
    }
    if (status >= FHIRSTORE_OK) {
        status = find_members(&work);
    }
    if (status >= FHIRSTORE_OK) {
        fhs_operation_write_path(call, operation, &path);
        status = fhs_buf_status(&path) == FHIRSTORE_OK ? name_page(&work, fhs_buf_str(&path))
                                                       : fhs_fail_memory(err);
    }
    if (status >= FHIRSTORE_OK) {
        status = write_page_of(&work, fhs_buf_str(&path), &answer->body);
    }
    fhs_buf_clear(&path);
    return status;
}

#define EVERYTHING(name_of_type, at, takes)                                                     \
    {                                                                                           \
        .name = FHS_LIT_INIT("everything"), .type = FHS_LIT_INIT(name_of_type), .levels = (at), \
        .params = (takes), .run = run_everything, .lists = everything_lists,                    \
        .action = FHIRSTORE_ACTION_EVERYTHING                                                   \
    }

const fhs_operation_def fhs_everything_operations[] = {
    EVERYTHING("Patient", FHS_ON_TYPE | FHS_ON_INSTANCE, everything_params),
    EVERYTHING("Encounter", FHS_ON_INSTANCE, encounter_params),
    EVERYTHING("Group", FHS_ON_INSTANCE, everything_params),
};
const size_t fhs_everything_operation_count = FHS_COUNT_OF(fhs_everything_operations);
