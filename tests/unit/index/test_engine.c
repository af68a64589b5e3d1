/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters by the FHIRPath engine: what it is asked, and that it finds what the walk finds. */
#include "index/engine.h"

#include "base/mem.h"
#include "extracts.h"

static void assert_rewritten(const char *from, const char *to)
{
    fhs_buf out = FHS_BUF_INIT(EXTRACTS_MAX);
    ck_assert_int_eq(
        fhs_engine_expression(fhs_fhir_get(FHS_FHIR_R4), fhs_str_from_cstr(from), &out, NULL),
        FHIRSTORE_OK);
    ck_assert_view_eq(fhs_buf_str(&out), fhs_str_from_cstr(to));
    fhs_buf_clear(&out);
}

START_TEST(casts_are_filters)
{
    assert_rewritten("Patient.name", "Patient.name");
    assert_rewritten("(A.b as Quantity) | B.c", "((A.b).ofType(Quantity)) | B.c");
    assert_rewritten("a.as(Range).low", "a.ofType(Range).low");
    assert_rewritten("a | b as Quantity", "a | (b).ofType(Quantity)");
    assert_rewritten("(a.as(Range) as FHIR.Range)", "((a.ofType(Range)).ofType(FHIR.Range))");
    assert_rewritten("x.ofType(uri)",
                     "x.where($this is canonical or $this is oid or $this is uri or "
                     "$this is url or $this is uuid)");
    assert_rewritten("x.where(hasExtension('u')).y", "x.where(extension('u').exists()).y");
}
END_TEST

START_TEST(broken_expressions)
{
    fhs_buf out = FHS_BUF_INIT(EXTRACTS_MAX);
    fhirstore_error *err = NULL;
    ck_assert_int_eq(fhs_engine_expression(fhs_fhir_get(FHS_FHIR_R4), FHS_LIT("a..b"), &out, &err),
                     FHIRSTORE_ERR_FHIRPATH_SYNTAX);
    ck_assert_ptr_nonnull(err);
    fhs_error_free(err);
    fhs_buf_clear(&out);
}
END_TEST

/* The values of R4's parameter @a code as the engine finds them, in entry order. */
static void evaluate_values(const char *resource, const char *code, fhs_buf *out)
{
    fhs_arena arena;
    fhs_entries entries = {NULL, 0, 0};
    const fhs_fhir *fhir = fhs_fhir_get(FHS_FHIR_R4);
    const fhs_json *root = NULL;
    fhs_str name = FHS_STR_NONE;
    fhs_engine_param *engine = NULL;
    fhs_arena_init(&arena, EXTRACTS_MAX);
    uint8_t *shapes = fhs_shapes_new(fhir);
    fhs_convert convert = {.fhir = fhir,
                           .shapes = shapes,
                           .units = fhs_unit_cache_new(),
                           .arena = &arena,
                           .out = &entries};
    ck_assert_int_eq(fhs_json_read(&arena, fhs_str_from_cstr(resource), NULL, &root, NULL),
                     FHIRSTORE_OK);
    ck_assert(fhs_json_get_string(root, FHS_LIT("resourceType"), &name));
    fhs_type type = fhs_type_find(fhir, name);
    fhs_sparam param = fhs_sparam_find(fhir, type, fhs_str_from_cstr(code));
    ck_assert_int_eq(fhs_engine_param_new(fhir, type, param, &engine, NULL), FHIRSTORE_OK);
    ck_assert_int_eq(fhs_engine_extract(engine, &convert, root, 0, NULL), FHIRSTORE_OK);
    for (size_t i = 0; i < entries.count; i++) {
        ck_assert_uint_eq(entries.items[i].param, param);
        fhs_entry_write(fhir, &entries.items[i], out);
    }
    fhs_engine_param_free(engine);
    fhs_unit_cache_free(convert.units);
    fhs_free(shapes);
    fhs_arena_clear(&arena);
}

#define ck_assert_evaluates(resource, code, want)                       \
    do {                                                                \
        fhs_buf out_ = FHS_BUF_INIT(EXTRACTS_MAX);                      \
        evaluate_values(resource, code, &out_);                         \
        ck_assert_view_eq(fhs_buf_str(&out_), fhs_str_from_cstr(want)); \
        fhs_buf_clear(&out_);                                           \
    } while (0)

START_TEST(the_engine_finds_the_same)
{
    ck_assert_evaluates("{\"resourceType\":\"Patient\",\"deceasedBoolean\":true}", "deceased",
                        "\"|true\"");
    ck_assert_evaluates("{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"A\"}]}", "family",
                        "\"A\"");
    ck_assert_evaluates("{\"resourceType\":\"Observation\",\"subject\":"
                        "{\"reference\":\"http://x.org/Patient/1\"}}",
                        "patient", "\"http://x.org/Patient/1\"");
    ck_assert_evaluates("{\"resourceType\":\"Observation\",\"subject\":"
                        "{\"reference\":\"Group/1\"}}",
                        "patient", "");
    ck_assert_evaluates("{\"resourceType\":\"MolecularSequence\",\"variant\":[{\"start\":1,"
                        "\"end\":2},{\"start\":3,\"end\":4}],\"referenceSeq\":{\"chromosome\":"
                        "{\"coding\":[{\"code\":\"7\"}]}}}",
                        "chromosome-variant-coordinate", "\"|7$1$2\"\"|7$3$4\"");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("index_engine");
    TCase *tests = tcase_create("engine");
    tcase_add_test(tests, casts_are_filters);
    tcase_add_test(tests, broken_expressions);
    tcase_add_test(tests, the_engine_finds_the_same);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
