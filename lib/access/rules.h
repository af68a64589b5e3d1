/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Role documents: what a role allows and denies, by data action and resource type.
 *
 *   {"roles":{"wardNurse":{
 *      "allow":[{"actions":["read","search"],"types":["Patient"],"where":"organization={org}"},
 *               {"actions":["create"],"types":["Observation"]}],
 *      "deny":[{"actions":["delete"]}],
 *      "hide":[{"types":["Patient"],"elements":["birthDate","name.given"]}],
 *      "keep":[{"types":["Patient"],"elements":["identifier"]}],
 *      "withinScopes":true}},
 *    "labels":{"controlled":["HIV","http://…/v3-Confidentiality|V"],"breakGlass":["ETREAT"]},
 *    "sharedTypes":false}
 *
 * "types" missing means all types, "actions":["*"] all actions. "where" is a search of the type
 * whose "{name}" are values of the principal; who has no such value does not get the rule. A role
 * "withinScopes" grants nothing without SMART scopes. "hide" and "keep" hold for whatever the
 * principal does, whichever role allows it.
 */
#ifndef FHS_ACCESS_RULES_H
#define FHS_ACCESS_RULES_H

#include "base/arena.h"
#include "base/error.h"
#include "fhir/fhir.h"
#include "query/query.h"

/* Data actions, as bits. */
enum {
    FHS_DATA_READ = 1 << 0,
    FHS_DATA_SEARCH = 1 << 1,
    FHS_DATA_CREATE = 1 << 2,
    FHS_DATA_UPDATE = 1 << 3,
    FHS_DATA_DELETE = 1 << 4,
    FHS_DATA_HARD_DELETE = 1 << 5,
    FHS_DATA_EXPORT = 1 << 6,
    FHS_DATA_IMPORT = 1 << 7,
    FHS_DATA_REINDEX = 1 << 8,
    FHS_DATA_VALIDATE = 1 << 9,
    FHS_DATA_CONVERT = 1 << 10,
    FHS_DATA_MANAGE_SEARCH_PARAMETERS = 1 << 11,
    FHS_DATA_HISTORY = 1 << 12,
    FHS_DATA_EVERYTHING = 1 << 13,
    FHS_DATA_AUDIT = 1 << 14,
    FHS_DATA_OPERATION = 1 << 15, /* one of the host */
    FHS_DATA_SHRED = 1 << 16,     /* a patient */
    FHS_DATA_ALL = (1 << 17) - 1,
    FHS_DATA_UNKNOWN = 1 << 30, /* what no rule and no scope allows */
};

typedef struct fhs_rule {
    uint32_t actions;
    const fhs_str *types; /* none: all */
    size_t type_count;
    fhs_str where; /* empty: every resource */
} fhs_rule;

/* Elements of types that are hidden, or not to be changed. */
typedef struct fhs_role_mask {
    const fhs_str *types; /* none: all that have them */
    size_t type_count;
    const fhs_str *elements;
    size_t element_count;
} fhs_role_mask;

typedef struct fhs_role {
    fhs_str name;
    const fhs_rule *allow;
    size_t allow_count;
    const fhs_rule *deny;
    size_t deny_count;
    const fhs_role_mask *hide;
    size_t hide_count;
    const fhs_role_mask *keep;
    size_t keep_count;
    bool within_scopes;
} fhs_role;

typedef struct fhs_rules {
    const fhs_role *roles;
    size_t role_count;
    const fhs_str *controlled; /* security labels that are hidden without clearance */
    size_t controlled_count;
    const fhs_str *break_glass; /* purposes of use that see them all the same */
    size_t break_glass_count;
    bool shared_types; /* types outside of the patient compartment under "patient/" scopes */
} fhs_rules;

/*
 * Read @a text into @a arena. ERR_POLICY or ERR_JSON… with the place. @a fhir: what types, elements
 * and searches must be of; with the store's own search parameters where there are any.
 */
fhirstore_status fhs_rules_read(fhs_arena *arena, const fhs_fhir *fhir, fhs_str text,
                                fhs_rules *out, fhirstore_error **err);
/*
 * *fault_out: NULL, or why the rule's search cannot be one; text in @a arena. ERR_NO_MEMORY: it
 * could not be told, which is not to be taken for a search that can.
 */
fhirstore_status fhs_rule_fault(const fhs_fhir *fhir, fhs_arena *arena, const fhs_rule *rule,
                                const char **fault_out);
/* Whether a query is nothing but conditions that any version of a resource can be judged by. */
bool fhs_query_is_restriction(const fhs_query *query);
const fhs_role *fhs_rules_role(const fhs_rules *rules, fhs_str name);
bool fhs_rule_covers(const fhs_rule *rule, uint32_t action, fhs_str type);
/* The seven roles that come with the library, as a document. */
fhs_str fhs_rules_default(void);

#endif
