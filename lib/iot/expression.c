/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/expression.h"

#include "base/limits.h"

void fhs_iot_run_init(fhs_iot_run *run, fhs_arena *arena)
{
    *run = (fhs_iot_run){.arena = arena, .steps_left = FHS_LIMIT_IOT_STEPS};
}

bool fhs_iot_language_find(fhs_str name, fhs_iot_language *language_out)
{
    bool is_jmespath = fhs_str_eq_ascii_case(name, FHS_LIT("JmesPath"));
    *language_out = is_jmespath ? FHS_IOT_JMESPATH : FHS_IOT_JSONPATH;
    return is_jmespath || fhs_str_eq_ascii_case(name, FHS_LIT("JsonPath"));
}

const fhs_json *fhs_iot_with_match(fhs_arena *arena, const fhs_json *root, const fhs_json *match)
{
    fhs_str name = FHS_LIT("matchedToken");
    fhs_json *scope = fhs_arena_alloc(arena, sizeof *scope);
    fhs_json_member *members = fhs_arena_alloc(arena,
                                               ((size_t)root->count + 1) * sizeof(fhs_json_member));
    if (scope == NULL || members == NULL) {
        return NULL;
    }
    uint32_t place = root->count;
    for (uint32_t i = 0; i < root->count; i++) {
        members[i] = root->members[i];
        place = fhs_str_eq(members[i].name, name) ? i : place;
    }
    members[place] = (fhs_json_member){.name = name, .value = *match};
    *scope = (fhs_json){.type = FHS_JSON_OBJECT,
                        .count = place == root->count ? root->count + 1 : root->count,
                        .begin = FHS_IOT_MADE,
                        .end = FHS_IOT_MADE,
                        .members = members};
    return scope;
}
