/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any JSON as a SearchParameter of a store: it is read or refused; one that fits is compiled beside
 * FHIR's own, and extraction with it answers for resources of every kind of content.
 */
#include "index/custom.h"
#include "law.h"

#define MAX_TREE ((size_t)64 << 20)

static const char *const resources[] = {
    "{\"resourceType\":\"Patient\",\"id\":\"p\",\"meta\":{\"tag\":[{\"system\":\"urn:t\",\"code\":"
    "\"a\"}]},\"extension\":[{\"url\":\"urn:e\",\"valueString\":\"red\"},{\"url\":\"urn:f\","
    "\"extension\":[{\"url\":\"g\",\"valueDecimal\":1.50}]}],\"identifier\":[{\"system\":\"urn:i\","
    "\"value\":\"1\"}],\"name\":[{\"family\":\"A\",\"given\":[\"B\",\"C\"]}],\"gender\":\"male\","
    "\"birthDate\":\"1970-01\",\"multipleBirthInteger\":2,\"generalPractitioner\":[{\"reference\":"
    "\"Practitioner/1\"},{\"reference\":\"#o\"}],\"contained\":[{\"resourceType\":"
    "\"Organization\",\"id\":\"o\",\"name\":\"N\"}]}",
    "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"coding\":[{\"system\":"
    "\"http://loinc.org\",\"code\":\"1-8\"}],\"text\":\"t\"},\"subject\":{\"reference\":"
    "\"Patient/p\"},\"effectivePeriod\":{\"start\":\"2020-01-01T10:00:00Z\"},\"valueQuantity\":{"
    "\"value\":7.10,\"unit\":\"mg\",\"system\":\"http://unitsofmeasure.org\",\"code\":\"mg\"},"
    "\"component\":[{\"code\":{\"text\":\"c\"},\"valueInteger\":3},{\"code\":{\"text\":\"d\"},"
    "\"valueRange\":{\"low\":{\"value\":1},\"high\":{\"value\":2}}}]}",
    ("{\"resourceType\":\"Bundle\",\"type\":\"document\",\"entry\":[{\"fullUrl\":\"urn:uuid:1\","
     "\"resource\":{\"resourceType\":\"Composition\",\"id\":\"c\"}}]}"),
};

static void extract_all(const fhs_fhir *fhir, fhs_indexer *indexer, fhs_arena *arena,
                        const fhs_json *also)
{
    for (size_t i = 0; i <= FHS_COUNT_OF(resources); i++) {
        const fhs_json *root = also;
        fhs_entries entries = {NULL, 0, 0};
        if (i < FHS_COUNT_OF(resources)) {
            FUZZ_LAW(fhs_json_read(arena, fhs_str_from_cstr(resources[i]), NULL, &root, NULL) ==
                     FHIRSTORE_OK);
        }
        fhirstore_status status = fhs_index_extract(indexer, FHS_LIT("http://base"), root, arena,
                                                    &entries, NULL);
        FUZZ_LAW(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY);
        for (size_t k = 0; status == FHIRSTORE_OK && k < entries.count; k++) {
            FUZZ_LAW(entries.items[k].param <
                     fhs_sparam_count(fhir) + fhs_sparam_extra_count(fhir));
            FUZZ_LAW(entries.items[k].kind >= FHS_ROW_TOKEN &&
                     entries.items[k].kind < FHS_ROW_KIND_COUNT);
        }
    }
}

/* It was read: does it fit, and what does it find? */
static void use_parameter(fhs_indexer *base, const fhs_fhir *fhir, fhs_arena *arena,
                          fhs_custom *custom, const fhs_json *root)
{
    fhs_indexer *indexer = NULL;
    for (size_t i = 0; i < custom->def.component_count; i++) {
        custom->parts[i].param = fhs_sparam_find_url(fhir, custom->part_urls[i]);
        if (custom->parts[i].param == FHS_SPARAM_NONE) {
            return;
        }
    }
    if (fhs_custom_check_fit(fhir, custom, NULL) != FHIRSTORE_OK) {
        return;
    }
    const fhs_fhir *extended = fhs_fhir_extend(fhir, arena, &custom->def, 1);
    if (extended != NULL && fhs_indexer_over(base, extended, &indexer, NULL) == FHIRSTORE_OK) {
        extract_all(extended, indexer, arena, root);
    }
    fhs_indexer_free(indexer);
}

static void check_parameter(fhs_fhir_version version, const fhs_json *root)
{
    static fhs_indexer *indexers[FHS_FHIR_R5 + 1];
    const fhs_fhir *fhir = fhs_fhir_get(version);
    fhs_arena arena;
    fhs_custom custom;
    if (fhir == NULL) {
        return;
    }
    if (indexers[version] == NULL) {
        FUZZ_LAW(fhs_indexer_new(fhir, &indexers[version], NULL) == FHIRSTORE_OK);
    }
    fhs_arena_init(&arena, MAX_TREE);
    fhirstore_status status = fhs_custom_read(fhir, &arena, root, &custom, NULL);
    FUZZ_LAW(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_INVARIANT ||
             status == FHIRSTORE_ERR_NO_MEMORY || status == FHIRSTORE_ERR_LIMIT);
    if (status == FHIRSTORE_OK) {
        FUZZ_LAW(fhs_custom_is_same(&custom, &custom));
    }
    if (status == FHIRSTORE_OK && custom.is_active) {
        use_parameter(indexers[version], fhir, &arena, &custom, root);
    }
    fhs_arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fhs_arena arena;
    const fhs_json *root = NULL;
    fhs_type type;
    fhs_arena_init(&arena, MAX_TREE);
    fhs_str text = fhs_str_of((const char *)data, size);
    /* As in a store that does not check much: any object that calls itself one. */
    if (fhs_json_read(&arena, text, NULL, &root, NULL) == FHIRSTORE_OK) {
        fhs_str name;
        bool is_one = fhs_json_get_string(root, FHS_LIT("resourceType"), &name) &&
                      fhs_str_eq(name, FHS_LIT("SearchParameter"));
        for (fhs_fhir_version version = FHS_FHIR_R4; is_one && version <= FHS_FHIR_R5; version++) {
            type = fhs_type_find(fhs_fhir_get(version), name);
            FUZZ_LAW(type != FHS_TYPE_NONE);
            check_parameter(version, root);
        }
    }
    fhs_arena_clear(&arena);
    return 0;
}
