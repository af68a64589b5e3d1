/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of real resources as rows of a real store, and the numbers behind them. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "extracts.h"
#include "index/custom.h"

static char folder[32];
static char path[64];
static fhs_storage *storage;
static fhs_conn *writer;
static fhs_catalog *catalog;
static fhs_indexer *indexer;
static const fhs_fhir *fhir;

static void open_store(void)
{
    fhirstore_error *err = NULL;
    (void)snprintf(folder, sizeof folder, "/tmp/fhs_index_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/store", folder);
    fhs_storage_options options = {.path = fhs_str_from_cstr(path),
                                   .create = true,
                                   .plaintext = true,
                                   .fhir_version = FHS_FHIR_R4};
    fhir = fhs_fhir_get(FHS_FHIR_R4);
    ck_assert_int_eq(fhs_storage_open(&options, &storage, &err), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_storage_writer(storage, &writer, &err), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_catalog_open(fhir, writer, &catalog, &err), FHIRSTORE_OK);
    ck_assert(!fhs_catalog_is_complete(catalog));
    ck_assert_int_eq(fhs_conn_begin_write(writer, &err), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_catalog_install(catalog, writer, &err), FHIRSTORE_OK);
    ck_assert(fhs_catalog_is_complete(catalog));
    ck_assert_int_eq(fhs_indexer_new(fhir, &indexer, &err), FHIRSTORE_OK);
    ck_assert_ptr_null(err);
}

static void close_store(void)
{
    char command[128];
    fhs_indexer_free(indexer);
    fhs_catalog_free(catalog);
    fhs_conn_release(writer);
    fhs_storage_close(storage);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static void make_rows(const char *text, fhs_buf *rows_out)
{
    fhs_arena arena;
    fhs_entries entries = {NULL, 0, 0};
    const fhs_json *root = NULL;
    fhirstore_error *err = NULL;
    fhs_arena_init(&arena, EXTRACTS_MAX);
    ck_assert_int_eq(fhs_json_read(&arena, fhs_str_from_cstr(text), NULL, &root, &err),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhs_index_extract(indexer, TEST_BASE, root, &arena, &entries, &err),
                     FHIRSTORE_OK);
    fhs_str name = FHS_STR_NONE;
    ck_assert(fhs_json_get_string(root, FHS_LIT("resourceType"), &name));
    ck_assert_int_eq(
        fhs_index_rows(catalog, writer, fhs_type_find(fhir, name), &entries, rows_out, &err),
        FHIRSTORE_OK);
    fhs_arena_clear(&arena);
}

/* The rows of one parameter; returns how many there are. */
static size_t rows_of(const fhs_buf *rows, const char *type, const char *code, fhs_row *out,
                      size_t max)
{
    uint32_t number = 0;
    size_t count = 0;
    fhs_row row;
    fhs_type resource = fhs_type_find(fhir, fhs_str_from_cstr(type));
    fhs_sparam param = fhs_sparam_find(fhir, resource, fhs_str_from_cstr(code));
    ck_assert_int_eq(fhs_catalog_param(catalog, writer, resource, param, &number, NULL),
                     FHIRSTORE_OK);
    ck_assert_uint_ne(number, 0);
    fhs_row_cursor cursor = {fhs_buf_str(rows)};
    while (fhs_row_next(&cursor, &row, NULL) == FHIRSTORE_OK) {
        if (row.param == number && count < max) {
            out[count++] = row;
        }
    }
    return count;
}

static int64_t uri_number(const char *uri)
{
    int64_t number = 0;
    ck_assert_int_eq(fhs_uri_find(writer, fhs_str_from_cstr(uri), &number, NULL), FHIRSTORE_OK);
    return number;
}

START_TEST(each_kind_of_row)
{
    fhs_buf rows = FHS_BUF_INIT(EXTRACTS_MAX);
    fhs_row found[8];
    make_rows("{\"resourceType\":\"Patient\",\"gender\":\"female\",\"birthDate\":\"1974-12-25\","
              "\"name\":[{\"family\":\"Müller\"}],\"identifier\":[{\"system\":\"urn:s\","
              "\"value\":\"AbC\"}],\"generalPractitioner\":[{\"reference\":\"Practitioner/7\"},"
              "{\"reference\":\"https://example.org/fhir/Practitioner/7\"},"
              "{\"reference\":\"http://else/Practitioner/7\"}]}",
              &rows);
    ck_assert_uint_eq(rows_of(&rows, "Patient", "gender", found, 8), 1);
    ck_assert_int_eq(found[0].a, uri_number("http://hl7.org/fhir/administrative-gender"));
    ck_assert_view_eq(found[0].text, FHS_LIT("female"));
    ck_assert_uint_eq(found[0].extra.len, 0);
    ck_assert_uint_eq(rows_of(&rows, "Patient", "identifier", found, 8), 1);
    ck_assert_view_eq(found[0].text, FHS_LIT("abc"));
    ck_assert_view_eq(found[0].extra, FHS_LIT("AbC"));
    ck_assert_uint_eq(rows_of(&rows, "Patient", "family", found, 8), 1);
    ck_assert_view_eq(found[0].text, FHS_LIT("muller"));
    ck_assert_view_eq(found[0].extra, FHS_LIT("Müller"));
    ck_assert_uint_eq(rows_of(&rows, "Patient", "birthdate", found, 8), 1);
    ck_assert(found[0].kind == FHS_ROW_DATE && found[0].a < found[0].b);
    /* The same practitioner twice is one row; the one elsewhere is an entity without type. */
    ck_assert_uint_eq(rows_of(&rows, "Patient", "general-practitioner", found, 8), 2);
    fhs_entity local = 0;
    fhs_entity elsewhere = 0;
    int32_t practitioner = fhs_catalog_type(catalog, fhs_type_find(fhir, FHS_LIT("Practitioner")));
    ck_assert_int_eq(fhs_entity_find(writer, practitioner, FHS_LIT("7"), &local, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(
        fhs_entity_find(writer, 0, FHS_LIT("http://else/Practitioner/7"), &elsewhere, NULL),
        FHIRSTORE_OK);
    ck_assert(local > 0 && elsewhere > 0 && local != elsewhere);
    ck_assert(found[0].a + found[1].a == local + elsewhere);
    fhs_buf_clear(&rows);
}
END_TEST

START_TEST(quantities_twice)
{
    fhs_buf rows = FHS_BUF_INIT(EXTRACTS_MAX);
    fhs_row found[8];
    make_rows("{\"resourceType\":\"Observation\",\"code\":{\"coding\":[{\"code\":\"w\"}]},"
              "\"valueQuantity\":{\"value\":5,\"comparator\":\"<\",\"code\":\"g\","
              "\"unit\":\"gram\",\"system\":\"http://unitsofmeasure.org\"}}",
              &rows);
    ck_assert_uint_eq(rows_of(&rows, "Observation", "value-quantity", found, 8), 2);
    ck_assert_int_ne(found[0].a, found[1].a);
    ck_assert(found[0].text.len == 0 && found[0].extra.len > 0);
    ck_assert_view_eq(found[0].extra, found[1].extra);
    ck_assert_uint_eq(rows_of(&rows, "Observation", "code-value-quantity", found, 8), 2);
    fhs_buf scratch = FHS_BUF_INIT(EXTRACTS_MAX);
    fhs_str rest = found[0].text;
    fhs_row part;
    ck_assert(fhs_composite_next(&rest, &scratch, &part));
    ck_assert_int_eq(part.kind, FHS_ROW_TOKEN);
    ck_assert_view_eq(part.text, FHS_LIT("w"));
    ck_assert(fhs_composite_next(&rest, &scratch, &part));
    ck_assert_int_eq(part.kind, FHS_ROW_QUANTITY);
    ck_assert_uint_eq(rest.len, 0);
    fhs_buf_clear(&scratch);
    fhs_buf_clear(&rows);
}
END_TEST

START_TEST(catalog_is_found_again)
{
    fhs_catalog *again = NULL;
    fhs_type patient = fhs_type_find(fhir, FHS_LIT("Patient"));
    fhs_sparam name = fhs_sparam_find(fhir, patient, FHS_LIT("name"));
    fhs_sparam code = fhs_sparam_find(fhir, fhs_type_find(fhir, FHS_LIT("Observation")),
                                      FHS_LIT("value-quantity"));
    uint32_t first = 0;
    uint32_t second = 0;
    ck_assert_int_eq(fhs_catalog_param(catalog, writer, patient, name, &first, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_conn_commit(writer, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_catalog_open(fhir, writer, &again, NULL), FHIRSTORE_OK);
    ck_assert(fhs_catalog_is_complete(again));
    ck_assert_int_eq(fhs_catalog_param(again, writer, patient, name, &second, NULL), FHIRSTORE_OK);
    ck_assert_uint_eq(first, second);
    ck_assert_uint_gt(first, 0);
    ck_assert_int_eq(fhs_catalog_param(again, writer, patient, code, &second, NULL), FHIRSTORE_OK);
    ck_assert_uint_eq(second, 0);
    int32_t number = fhs_catalog_type(again, patient);
    ck_assert_int_gt(number, 0);
    ck_assert_int_eq(fhs_catalog_type_back(again, number), patient);
    ck_assert_int_eq(fhs_catalog_type_back(again, 99999), FHS_TYPE_NONE);
    ck_assert_int_eq(fhs_catalog_type(again, fhs_type_find(fhir, FHS_LIT("HumanName"))), 0);
    fhs_catalog_free(again);
}
END_TEST

START_TEST(zone_of_times_without_one)
{
    static const char body[] = "{\"resourceType\":\"Encounter\",\"period\":"
                               "{\"start\":\"2020-01-01T00:00\",\"end\":\"2020-01-01T00:00Z\"}}";
    const int64_t hour = INT64_C(36000000000);
    fhs_buf rows = FHS_BUF_INIT(EXTRACTS_MAX);
    fhs_row utc;
    fhs_row east;
    make_rows(body, &rows);
    ck_assert_uint_eq(rows_of(&rows, "Encounter", "date", &utc, 1), 1);
    fhs_indexer_set_zone(indexer, 60);
    fhs_buf_reset(&rows);
    make_rows(body, &rows);
    ck_assert_uint_eq(rows_of(&rows, "Encounter", "date", &east, 1), 1);
    ck_assert_int_eq(east.a, utc.a - hour);
    ck_assert_int_eq(east.b, utc.b);
    fhs_buf_clear(&rows);
}
END_TEST

/* ---- what a store learns from a later library ---- */

static void store_patient(void)
{
    int64_t seq;
    fhs_buf rows = FHS_BUF_INIT(EXTRACTS_MAX);
    static const char body[] = "{\"resourceType\":\"Patient\",\"gender\":\"female\"}";
    fhs_write write = {.type = fhs_catalog_type(catalog, fhs_type_find(fhir, FHS_LIT("Patient"))),
                       .id = FHS_LIT("p"),
                       .version = 1,
                       .method = FHS_METHOD_CREATE,
                       .body = FHS_LIT(body)};
    make_rows(body, &rows);
    write.rows = fhs_buf_str(&rows);
    ck_assert_int_eq(fhs_entity_intern(writer, write.type, write.id, &write.entity, NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhs_resource_write(writer, &write, &seq, NULL), FHIRSTORE_OK);
    fhs_buf_clear(&rows);
}

static fhs_param_state state_of(const char *type, const char *code, uint32_t *number_out)
{
    fhs_param_state state;
    int32_t number = fhs_catalog_type(catalog, fhs_type_find(fhir, fhs_str_from_cstr(type)));
    ck_assert_int_eq(
        fhs_paramnum_find(writer, number, fhs_str_from_cstr(code), number_out, &state, NULL),
        FHIRSTORE_OK);
    ck_assert_uint_ne(*number_out, 0);
    return state;
}

static void open_catalog_again(void)
{
    fhs_catalog_free(catalog);
    catalog = NULL;
    ck_assert_int_eq(fhs_catalog_open(fhir, writer, &catalog, NULL), FHIRSTORE_OK);
}

START_TEST(older_rows_are_made_anew)
{
    uint32_t before;
    uint32_t after;
    uint64_t generation = 0;
    store_patient();
    ck_assert_int_eq(state_of("Patient", "gender", &before), FHS_PARAM_READY);
    ck_assert_int_eq(fhs_meta_set(writer, FHS_LIT("extraction"), FHS_LIT("0"), NULL), FHIRSTORE_OK);
    open_catalog_again();
    ck_assert(!fhs_catalog_is_complete(catalog));
    ck_assert_int_eq(fhs_catalog_install(catalog, writer, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(state_of("Patient", "gender", &after), FHS_PARAM_BUILDING);
    ck_assert_uint_ne(before, after); /* nobody finds the old rows any more */
    ck_assert_int_eq(state_of("Observation", "code", &after), FHS_PARAM_READY);
    ck_assert_int_eq(fhs_params_read_generation(writer, &generation, NULL), FHIRSTORE_OK);
    ck_assert(generation != 0);
    open_catalog_again();
    ck_assert(fhs_catalog_is_complete(catalog));
}
END_TEST

START_TEST(later_rows_are_refused)
{
    fhirstore_error *err = NULL;
    fhs_catalog *again = NULL;
    ck_assert_int_eq(fhs_meta_set(writer, FHS_LIT("extraction"), FHS_LIT("99"), NULL),
                     FHIRSTORE_OK);
    ck_assert_int_eq(fhs_catalog_open(fhir, writer, &again, &err), FHIRSTORE_ERR_SCHEMA);
    ck_assert_ptr_null(again);
    fhs_error_free(err);
}
END_TEST

START_TEST(new_parameters_are_not_ready)
{
    uint32_t gender;
    uint32_t code;
    store_patient();
    (void)state_of("Patient", "gender", &gender);
    (void)state_of("Observation", "code", &code);
    ck_assert_int_eq(fhs_paramnum_remove(writer, gender, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_paramnum_remove(writer, code, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_meta_set(writer, FHS_LIT("definitions"), FHS_LIT("older"), NULL),
                     FHIRSTORE_OK);
    open_catalog_again();
    ck_assert_int_eq(fhs_catalog_install(catalog, writer, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(state_of("Patient", "gender", &gender), FHS_PARAM_BUILDING);
    ck_assert_int_eq(state_of("Patient", "name", &gender), FHS_PARAM_READY);
    ck_assert_int_eq(state_of("Observation", "code", &code), FHS_PARAM_READY); /* there are none */
    fhs_params *own;
    fhs_params *loaded;
    ck_assert_int_eq(fhs_params_new(fhir, catalog, indexer, &own, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_params_load(own, writer, &loaded, NULL), FHIRSTORE_OK);
    (void)state_of("Patient", "gender", &gender);
    ck_assert(fhs_catalog_is_late(fhs_params_catalog(loaded), gender));
    fhs_params_drop(loaded);
    fhs_params_drop(own);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("index_rows");
    TCase *tests = tcase_create("store");
    tcase_add_checked_fixture(tests, open_store, close_store);
    tcase_add_test(tests, each_kind_of_row);
    tcase_add_test(tests, quantities_twice);
    tcase_add_test(tests, catalog_is_found_again);
    tcase_add_test(tests, zone_of_times_without_one);
    tcase_add_test(tests, older_rows_are_made_anew);
    tcase_add_test(tests, later_rows_are_refused);
    tcase_add_test(tests, new_parameters_are_not_ready);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
