/* SPDX-License-Identifier: Apache-2.0 */
/* What this room takes for granted about the tables of every version. */
#include "validation/validation_internal.h"

#include "suite.h"

#define VERSION_COUNT 3

static const fhs_fhir *version_at(int index)
{
    return fhs_fhir_get((fhs_fhir_version)(FHS_FHIR_R4 + index));
}

START_TEST(primitives_stand_last_and_in_order)
{
    static const char *const names[] = {
        [FHS_PRIMITIVE_BASE64BINARY] = "base64Binary",
        [FHS_PRIMITIVE_BOOLEAN] = "boolean",
        [FHS_PRIMITIVE_CANONICAL] = "canonical",
        [FHS_PRIMITIVE_CODE] = "code",
        [FHS_PRIMITIVE_DATE] = "date",
        [FHS_PRIMITIVE_DATETIME] = "dateTime",
        [FHS_PRIMITIVE_DECIMAL] = "decimal",
        [FHS_PRIMITIVE_ID] = "id",
        [FHS_PRIMITIVE_INSTANT] = "instant",
        [FHS_PRIMITIVE_INTEGER] = "integer",
        [FHS_PRIMITIVE_INTEGER64] = "integer64",
        [FHS_PRIMITIVE_MARKDOWN] = "markdown",
        [FHS_PRIMITIVE_OID] = "oid",
        [FHS_PRIMITIVE_POSITIVE_INT] = "positiveInt",
        [FHS_PRIMITIVE_STRING] = "string",
        [FHS_PRIMITIVE_TIME] = "time",
        [FHS_PRIMITIVE_UNSIGNED_INT] = "unsignedInt",
        [FHS_PRIMITIVE_URI] = "uri",
        [FHS_PRIMITIVE_URL] = "url",
        [FHS_PRIMITIVE_UUID] = "uuid",
        [FHS_PRIMITIVE_XHTML] = "xhtml",
    };
    const fhs_fhir *fhir = version_at(_i);
    if (fhir == NULL) {
        return;
    }
    const fhs_check check = {
        .has_integer64 = fhs_type_find(fhir, FHS_LIT("integer64")) != FHS_TYPE_NONE,
        .first_primitive = fhs_type_find(fhir, FHS_LIT("base64Binary")),
    };
    for (size_t i = 0; i < fhs_type_count(fhir); i++) {
        fhs_type type = (fhs_type)i;
        bool is_primitive = fhs_type_get_kind(fhir, type) == FHS_KIND_PRIMITIVE;
        ck_assert(fhs_check_is_primitive(&check, type) == is_primitive);
        if (is_primitive) {
            fhs_primitive primitive = fhs_check_primitive_of(&check, type);
            ck_assert_view_eq(fhs_type_name(fhir, type), fhs_str_from_cstr(names[primitive]));
        }
    }
}
END_TEST

/* Elements of @a type that are marked while an object is walked. */
static size_t count_marked(const fhs_fhir *fhir, fhs_type type)
{
    size_t marked = 0;
    ck_assert_uint_le(fhs_element_count(fhir, type), 64);
    for (size_t i = 0; i < fhs_element_count(fhir, type); i++) {
        unsigned flags = fhs_element_at(fhir, type, i).flags;
        marked += (flags & (FHS_ELEMENT_CHOICE | FHS_ELEMENT_REQUIRED)) != 0;
    }
    return marked;
}

START_TEST(marks_have_room)
{
    const fhs_fhir *fhir = version_at(_i);
    if (fhir == NULL) {
        return;
    }
    for (size_t i = 0; i < fhs_type_count(fhir); i++) {
        size_t owners = 0;
        (void)count_marked(fhir, (fhs_type)i);
        for (fhs_type up = fhs_type_parent(fhir, (fhs_type)i); up != FHS_TYPE_NONE;
             up = fhs_type_parent(fhir, up)) {
            owners += count_marked(fhir, up) > 0;
        }
        if (!fhs_type_is_abstract(fhir, (fhs_type)i)) {
            fhs_str name = fhs_type_name(fhir, (fhs_type)i);
            ck_assert_msg(owners <= 1, "%.*s", FHS_STR_ARG(name));
        }
    }
}
END_TEST

START_TEST(required_elements_are_counted)
{
    const fhs_fhir *fhir = version_at(_i);
    if (fhir == NULL) {
        return;
    }
    for (size_t i = 0; i < fhs_type_count(fhir); i++) {
        size_t count = 0;
        for (fhs_type up = (fhs_type)i; up != FHS_TYPE_NONE; up = fhs_type_parent(fhir, up)) {
            for (size_t n = 0; n < fhs_element_count(fhir, up); n++) {
                fhs_element element = fhs_element_at(fhir, up, n);
                count += (element.flags & FHS_ELEMENT_REQUIRED) != 0;
                ck_assert((element.min > 0) == ((element.flags & FHS_ELEMENT_REQUIRED) != 0));
            }
        }
        ck_assert_uint_eq(fhs_element_required_count(fhir, (fhs_type)i), count);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("validation tables");
    TCase *tcase = tcase_create("assumptions");
    tcase_add_loop_test(tcase, primitives_stand_last_and_in_order, 0, VERSION_COUNT);
    tcase_add_loop_test(tcase, marks_have_room, 0, VERSION_COUNT);
    tcase_add_loop_test(tcase, required_elements_are_counted, 0, VERSION_COUNT);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
