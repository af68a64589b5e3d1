/* SPDX-License-Identifier: Apache-2.0 */
/* Every parameter of every type of every version compiles into the walk. */
#include <stdio.h>

#include "index/program.h"

#include "suite.h"

typedef struct fallback_count {
    const fhs_fhir *fhir;
    fhs_type type;
    unsigned count;
} fallback_count;

static void count_fallback(void *ctx, fhs_sparam param)
{
    fallback_count *count = ctx;
    fhs_str type = fhs_type_name(count->fhir, count->type);
    fhs_str code = fhs_sparam_get(count->fhir, param).code;
    fprintf(stderr, "needs the engine: %.*s %.*s\n", FHS_STR_ARG(type), FHS_STR_ARG(code));
    count->count++;
}

START_TEST(all_parameters_compile)
{
    const fhs_fhir *fhir = fhs_fhir_get((fhs_fhir_version)_i);
    if (fhir == NULL) {
        return;
    }
    fhs_indexer *indexer = NULL;
    fallback_count count = {.fhir = fhir};
    ck_assert_int_eq(fhs_indexer_new(fhir, &indexer, NULL), FHIRSTORE_OK);
    for (size_t i = 0; i < fhs_type_count(fhir); i++) {
        count.type = (fhs_type)i;
        if (fhs_type_is_resource(fhir, count.type)) {
            ck_assert_int_eq(
                fhs_indexer_fallbacks(indexer, count.type, count_fallback, &count, NULL),
                FHIRSTORE_OK);
        }
    }
    ck_assert_uint_eq(count.count, 0);
    fhs_indexer_free(indexer);
}
END_TEST

static bool emits_param(const fhs_pnode *node, fhs_sparam param);

static bool leads_to_param(const fhs_pnode *node, fhs_sparam param)
{
    for (const fhs_pchild *child = node->children; child != NULL; child = child->next) {
        if (emits_param(child->node, param)) {
            return true;
        }
    }
    for (const fhs_pfilter *filter = node->filters; filter != NULL; filter = filter->next) {
        if (emits_param(filter->node, param)) {
            return true;
        }
    }
    return false;
}

static bool emits_param(const fhs_pnode *node, fhs_sparam param)
{
    for (const fhs_pemit *emit = node->emits; emit != NULL; emit = emit->next) {
        if (emit->param == param && emit->slot == FHS_NO_SLOT) {
            return true;
        }
    }
    for (const fhs_proot *root = node->roots; root != NULL; root = root->next) {
        if (root->param == param) {
            return true;
        }
    }
    return leads_to_param(node, param);
}

static bool is_truth_param(const fhs_program *program, fhs_sparam param)
{
    for (const fhs_ptruth *truth = program->truths; truth != NULL; truth = truth->next) {
        if (truth->param == param) {
            return true;
        }
    }
    return false;
}

/* R5 publishes these for elements that its types do not have (any more). */
static const char *const dead_ends[] = {"CareTeam date", "EvidenceVariable topic",
                                        "Observation component-value-canonical",
                                        "Observation value-canonical"};

static bool is_dead_end(fhs_str type, fhs_str code)
{
    char name[128];
    (void)snprintf(name, sizeof name, "%.*s %.*s", FHS_STR_ARG(type), FHS_STR_ARG(code));
    for (size_t i = 0; i < FHS_COUNT_OF(dead_ends); i++) {
        if (strcmp(name, dead_ends[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Nowhere in the trie: its expression names something that the type does not have. */
static unsigned count_unreachable(const fhs_fhir *fhir, fhs_type type)
{
    fhs_program *program = NULL;
    const fhs_sparam *list = NULL;
    unsigned unreachable = 0;
    size_t count = fhs_sparam_list(fhir, type, &list);
    ck_assert_int_eq(fhs_program_new(fhir, type, &program, NULL), FHIRSTORE_OK);
    for (size_t i = 0; i < count; i++) {
        fhs_sparam_def def = fhs_sparam_get(fhir, list[i]);
        if (def.expression.len > 0 && !fhs_str_eq(def.code, FHS_LIT("_id")) &&
            !fhs_str_eq(def.code, FHS_LIT("_lastUpdated")) &&
            !fhs_str_eq(def.code, FHS_LIT("_in")) && !emits_param(program->root, list[i]) &&
            !is_truth_param(program, list[i])) {
            fhs_str name = fhs_type_name(fhir, type);
            bool is_known = fhs_fhir_version_of(fhir) == FHS_FHIR_R5 && is_dead_end(name, def.code);
            if (!is_known) {
                fprintf(stderr, "leads nowhere: %.*s %.*s\n", FHS_STR_ARG(name),
                        FHS_STR_ARG(def.code));
            }
            unreachable += is_known ? 0 : 1;
        }
    }
    fhs_program_free(program);
    return unreachable;
}

START_TEST(all_parameters_lead_somewhere)
{
    const fhs_fhir *fhir = fhs_fhir_get((fhs_fhir_version)_i);
    unsigned unreachable = 0;
    for (size_t i = 0; fhir != NULL && i < fhs_type_count(fhir); i++) {
        if (fhs_type_is_resource(fhir, (fhs_type)i)) {
            unreachable += count_unreachable(fhir, (fhs_type)i);
        }
    }
    ck_assert_uint_eq(unreachable, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("index_program");
    TCase *tests = tcase_create("definitions");
    tcase_add_loop_test(tests, all_parameters_compile, FHS_FHIR_R4, FHS_FHIR_R5 + 1);
    tcase_add_loop_test(tests, all_parameters_lead_somewhere, FHS_FHIR_R4, FHS_FHIR_R5 + 1);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
