/* SPDX-License-Identifier: Apache-2.0 */
/* FHIRPath Patch: elements and what stands beside them, choices, lists, paths of all kinds. */
#include "apply.h"

#define UNAPPLIED  "ERR_PATCH: operation 1"
#define NO_PATCH   "ERR_PATCH_DOCUMENT: "
#define PATIENT(x) "{\"resourceType\":\"Patient\"" x "}"
#define OBS(x)     "{\"resourceType\":\"Observation\"" x "}"
#define OP(parts)                                                                              \
    "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"operation\",\"part\":[" parts \
    "]}]}"
#define TYPE(t)         "{\"name\":\"type\",\"valueCode\":\"" t "\"}"
#define PATH(p)         ",{\"name\":\"path\",\"valueString\":\"" p "\"}"
#define NAME(n)         ",{\"name\":\"name\",\"valueString\":\"" n "\"}"
#define VALUE(v)        ",{\"name\":\"value\"," v "}"
#define NUMBER(n, v)    ",{\"name\":\"" n "\",\"valueInteger\":" #v "}"
#define ADD(p, n, v)    OP(TYPE("add") PATH(p) NAME(n) VALUE(v))
#define REPLACE(p, v)   OP(TYPE("replace") PATH(p) VALUE(v))
#define DELETE(p)       OP(TYPE("delete") PATH(p))
#define INSERT(p, i, v) OP(TYPE("insert") PATH(p) NUMBER("index", i) VALUE(v))
#define MOVE(p, s, d)   OP(TYPE("move") PATH(p) NUMBER("source", s) NUMBER("destination", d))
#define BESIDE(x)       "{\"extension\":[{\"url\":\"u\",\"valueCode\":\"" x "\"}]}"

START_TEST(primitives_and_what_stands_beside_them)
{
    static const patch_case cases[] = {
        {PATIENT(",\"birthDate\":\"2000\",\"_birthDate\":{\"id\":\"x\"}"),
         DELETE("Patient.birthDate"), PATIENT("")},
        {PATIENT(",\"birthDate\":\"2000\",\"_birthDate\":{\"id\":\"x\"}"),
         REPLACE("Patient.birthDate", "\"valueDate\":\"2001\""),
         PATIENT(",\"birthDate\":\"2001\"")},
        {PATIENT(",\"birthDate\":\"2000\""),
         REPLACE("Patient.birthDate", "\"_valueDate\":" BESIDE("n")),
         PATIENT(",\"_birthDate\":" BESIDE("n"))},
        {PATIENT(",\"birthDate\":\"2000\""),
         ADD("Patient.birthDate", "extension",
             "\"valueExtension\":{\"url\":\"u\",\"valueCode\":\"n\"}"),
         PATIENT(",\"birthDate\":\"2000\",\"_birthDate\":" BESIDE("n"))},
        {PATIENT(",\"birthDate\":\"2000\""),
         ADD("Patient.birthDate", "extension",
             "\"part\":[{\"name\":\"url\",\"valueUri\":\"u\"},{\"name\":\"value\",\"valueCode\":"
             "\"n\"}]"),
         PATIENT(",\"birthDate\":\"2000\",\"_birthDate\":" BESIDE("n"))},
        {PATIENT(",\"_birthDate\":" BESIDE("n")), DELETE("Patient.birthDate.extension[0]"),
         PATIENT("")},
        {PATIENT(",\"_birthDate\":" BESIDE("n")), DELETE("Patient.birthDate"), PATIENT("")},
        {PATIENT(",\"_birthDate\":" BESIDE("n")),
         REPLACE("Patient.birthDate.extension[0].value", "\"valueCode\":\"m\""),
         PATIENT(",\"_birthDate\":" BESIDE("m"))},
        {PATIENT(""), ADD("Patient", "birthDate", "\"_valueDate\":" BESIDE("n")),
         PATIENT(",\"_birthDate\":" BESIDE("n"))},
        {PATIENT(",\"_birthDate\":" BESIDE("n")),
         ADD("Patient", "birthDate", "\"valueDate\":\"2000\""), UNAPPLIED},
    };
    EXPECT_CASES(FHS_PATCH_FHIRPATH, cases);
}
END_TEST

#define GIVEN(x) PATIENT(",\"name\":[{" x "}]")

START_TEST(lists_of_primitives_run_in_pairs)
{
    static const patch_case cases[] = {
        {GIVEN("\"given\":[\"a\",\"b\"],\"_given\":[null," BESIDE("n") "]"),
         DELETE("Patient.name[0].given[0]"),
         GIVEN("\"given\":[\"b\"],\"_given\":[" BESIDE("n") "]")},
        {GIVEN("\"given\":[\"a\",\"b\"],\"_given\":[null," BESIDE("n") "]"),
         DELETE("Patient.name[0].given[1]"), GIVEN("\"given\":[\"a\"]")},
        {GIVEN("\"given\":[\"a\",\"b\"],\"_given\":[null," BESIDE("n") "]"),
         INSERT("Patient.name[0].given", 1, "\"valueString\":\"x\""),
         GIVEN("\"given\":[\"a\",\"x\",\"b\"],\"_given\":[null,null," BESIDE("n") "]")},
        {GIVEN("\"given\":[\"a\",\"b\"]"),
         INSERT("Patient.name[0].given", 0, "\"_valueString\":" BESIDE("n")),
         GIVEN("\"given\":[null,\"a\",\"b\"],\"_given\":[" BESIDE("n") ",null,null]")},
        {GIVEN("\"given\":[\"a\",\"b\"],\"_given\":[null," BESIDE("n") "]"),
         MOVE("Patient.name[0].given", 1, 0),
         GIVEN("\"given\":[\"b\",\"a\"],\"_given\":[" BESIDE("n") ",null]")},
        {GIVEN("\"given\":[\"a\",\"b\"],\"_given\":[null," BESIDE("n") "]"),
         REPLACE("Patient.name[0].given[1]", "\"valueString\":\"c\""),
         GIVEN("\"given\":[\"a\",\"c\"]")},
        {GIVEN("\"given\":[\"a\"]"), ADD("Patient.name[0]", "given", "\"valueString\":\"b\""),
         GIVEN("\"given\":[\"a\",\"b\"]")},
        {GIVEN("\"given\":[\"a\",\"b\"],\"_given\":[null," BESIDE("n") "]"),
         DELETE("Patient.name[0].given[1].extension[0]"), GIVEN("\"given\":[\"a\",\"b\"]")},
        {GIVEN("\"given\":[\"a\"]"), DELETE("Patient.name[0].given[0]"), PATIENT("")},
    };
    EXPECT_CASES(FHS_PATCH_FHIRPATH, cases);
}
END_TEST

START_TEST(choices_change_their_names)
{
    static const patch_case cases[] = {
        {OBS(""), ADD("Observation", "value", "\"valueQuantity\":{\"value\":1.10}"),
         OBS(",\"valueQuantity\":{\"value\":1.10}")},
        {OBS(""), ADD("Observation", "value[x]", "\"valueString\":\"s\""),
         OBS(",\"valueString\":\"s\"")},
        {OBS(""), ADD("Observation", "valueString", "\"valueString\":\"s\""),
         OBS(",\"valueString\":\"s\"")},
        {OBS(",\"valueString\":\"s\""), ADD("Observation", "value", "\"valueInteger\":1"),
         UNAPPLIED},
        {OBS(""), ADD("Observation", "value", "\"valueMoney\":{\"value\":1}"), UNAPPLIED},
        {OBS(",\"valueString\":\"s\",\"_valueString\":{\"id\":\"x\"},\"status\":\"final\""),
         REPLACE("Observation.value", "\"valueQuantity\":{\"value\":0.00}"),
         OBS(",\"valueQuantity\":{\"value\":0.00},\"status\":\"final\"")},
        {OBS(",\"valueString\":\"s\""), DELETE("Observation.value"), OBS("")},
        {OBS(",\"valueString\":\"s\""),
         REPLACE("Observation.value", "\"valueMoney\":{\"value\":1}"), UNAPPLIED},
        {OBS(",\"valueQuantity\":{\"value\":1,\"unit\":\"g\"}"),
         REPLACE("Observation.value.unit", "\"valueString\":\"kg\""),
         OBS(",\"valueQuantity\":{\"value\":1,\"unit\":\"kg\"}")},
        {OBS(",\"valueQuantity\":{\"value\":1,\"unit\":\"g\"}"),
         REPLACE("(Observation.value as Quantity).unit", "\"valueString\":\"kg\""),
         OBS(",\"valueQuantity\":{\"value\":1,\"unit\":\"kg\"}")},
    };
    EXPECT_CASES(FHS_PATCH_FHIRPATH, cases);
}
END_TEST

#define NAMES \
    PATIENT(",\"name\":[{\"use\":\"usual\",\"text\":\"a\"},{\"use\":\"old\",\"text\":\"b\"}]")

START_TEST(paths_of_all_kinds)
{
    static const patch_case cases[] = {
        {NAMES, REPLACE("Patient.name.where(use = 'old').text", "\"valueString\":\"c\""),
         PATIENT(
             ",\"name\":[{\"use\":\"usual\",\"text\":\"a\"},{\"use\":\"old\",\"text\":\"c\"}]")},
        {NAMES, REPLACE("name[1].text", "\"valueString\":\"c\""),
         PATIENT(
             ",\"name\":[{\"use\":\"usual\",\"text\":\"a\"},{\"use\":\"old\",\"text\":\"c\"}]")},
        {NAMES, DELETE("Patient.name.last()"),
         PATIENT(",\"name\":[{\"use\":\"usual\",\"text\":\"a\"}]")},
        {NAMES, DELETE("Patient.name.where(use = 'official')"), NAMES},
        {NAMES, DELETE("Patient.birthDate"), NAMES},
        {NAMES, DELETE("Patient.name[7]"), NAMES},
        {NAMES, DELETE("Patient.name"), UNAPPLIED " of the patch: the path finds more than one"},
        {NAMES, REPLACE("Patient.birthDate", "\"valueDate\":\"2000\""),
         UNAPPLIED " of the patch: the path finds nothing"},
        {NAMES, DELETE("Patient"), UNAPPLIED},
        {NAMES, REPLACE("Patient", "\"valueString\":\"x\""), UNAPPLIED},
        {NAMES, DELETE("Patient.name.count()"), "ERR_PATCH"},
        {NAMES, DELETE("'x'"), "ERR_PATCH"},
        {NAMES, DELETE("Patient.name["), "ERR_FHIRPATH_SYNTAX"},
        {NAMES, DELETE("Patient.name.nonsense()"), "ERR_FHIRPATH"},
        {PATIENT(""), INSERT("Patient.name", 0, "\"valueHumanName\":{\"text\":\"x\"}"),
         PATIENT(",\"name\":[{\"text\":\"x\"}]")},
        {PATIENT(""), INSERT("Patient.name", 1, "\"valueHumanName\":{\"text\":\"x\"}"), UNAPPLIED},
        {NAMES, INSERT("Patient.name", 3, "\"valueHumanName\":{\"text\":\"x\"}"), UNAPPLIED},
        {PATIENT(",\"gender\":\"male\""), INSERT("Patient.gender", 0, "\"valueCode\":\"x\""),
         UNAPPLIED},
        {NAMES, INSERT("Patient.name.text", 0, "\"valueString\":\"x\""), UNAPPLIED},
        {NAMES, MOVE("Patient.name", 0, 2), UNAPPLIED},
        {NAMES, MOVE("Patient.name", 2, 0), UNAPPLIED},
        {NAMES, MOVE("Patient.name", 1, 0),
         PATIENT(
             ",\"name\":[{\"use\":\"old\",\"text\":\"b\"},{\"use\":\"usual\",\"text\":\"a\"}]")},
        {PATIENT(",\"contained\":[{\"resourceType\":\"Organization\",\"name\":\"o\"}]"),
         REPLACE("Patient.contained[0].name", "\"valueString\":\"p\""),
         PATIENT(",\"contained\":[{\"resourceType\":\"Organization\",\"name\":\"p\"}]")},
        {PATIENT(""), ADD("Patient", "contained", "\"resource\":{\"resourceType\":\"Basic\"}"),
         PATIENT(",\"contained\":[{\"resourceType\":\"Basic\"}]")},
        {PATIENT(""), ADD("Patient", "nonsense", "\"valueString\":\"x\""), UNAPPLIED},
        {PATIENT(",\"gender\":\"male\""), ADD("Patient", "gender", "\"valueCode\":\"x\""),
         UNAPPLIED},
        {PATIENT(",\"active\":true"), ADD("Patient.active", "nonsense", "\"valueCode\":\"x\""),
         UNAPPLIED},
    };
    EXPECT_CASES(FHS_PATCH_FHIRPATH, cases);
}
END_TEST

START_TEST(elements_without_a_type_of_their_own)
{
    static const patch_case cases[] = {
        {PATIENT(""),
         ADD("Patient", "contact",
             "\"part\":[{\"name\":\"relationship\",\"valueCodeableConcept\":{\"text\":\"r\"}},{"
             "\"name\":"
             "\"relationship\",\"valueCodeableConcept\":{\"text\":\"s\"}},{\"name\":\"name\","
             "\"part\":[{"
             "\"name\":\"text\",\"valueString\":\"n\"},{\"name\":\"given\",\"valueString\":\"g\"}]}"
             ",{"
             "\"name\":\"gender\",\"valueCode\":\"male\"}]"),
         PATIENT(",\"contact\":[{\"relationship\":[{\"text\":\"r\"},{\"text\":\"s\"}],\"name\":{"
                 "\"text\":"
                 "\"n\",\"given\":[\"g\"]},\"gender\":\"male\"}]")},
        {PATIENT(",\"contact\":[{\"gender\":\"male\"}]"),
         REPLACE("Patient.contact[0]", "\"part\":[{\"name\":\"gender\",\"valueCode\":\"female\"}]"),
         PATIENT(",\"contact\":[{\"gender\":\"female\"}]")},
        {PATIENT(",\"contact\":[{\"gender\":\"male\"}]"),
         INSERT("Patient.contact", 0, "\"part\":[{\"name\":\"gender\",\"valueCode\":\"female\"}]"),
         PATIENT(",\"contact\":[{\"gender\":\"female\"},{\"gender\":\"male\"}]")},
        {PATIENT(""),
         ADD("Patient", "contact", "\"part\":[{\"name\":\"nonsense\",\"valueCode\":\"x\"}]"),
         UNAPPLIED},
        {PATIENT(""), ADD("Patient", "contact", "\"part\":[]"), UNAPPLIED},
        {PATIENT(""), ADD("Patient", "contact", "\"part\":[{\"valueCode\":\"x\"}]"), UNAPPLIED},
        {PATIENT(""), ADD("Patient", "gender", "\"valueCode\":\"male\",\"valueString\":\"x\""),
         UNAPPLIED},
    };
    EXPECT_CASES(FHS_PATCH_FHIRPATH, cases);
}
END_TEST

START_TEST(what_is_no_patch)
{
    static const patch_case cases[] = {
        {PATIENT(""), "[]", NO_PATCH},
        {PATIENT(""), "{}", NO_PATCH},
        {PATIENT(""), "{\"resourceType\":\"Patient\"}", NO_PATCH},
        {PATIENT(""), "{\"resourceType\":\"Parameters\",\"parameter\":{}}", NO_PATCH},
        {PATIENT(""), "{\"resourceType\":\"Parameters\",\"parameter\":[7]}",
         NO_PATCH "operation 1"},
        {PATIENT(""), "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"x\"}]}",
         NO_PATCH},
        {PATIENT(""), "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"operation\"}]}",
         NO_PATCH},
        {PATIENT(""), OP(""), NO_PATCH},
        {PATIENT(""), OP(TYPE("burn") PATH("Patient")), NO_PATCH},
        {PATIENT(""), OP(TYPE("delete")), NO_PATCH},
        {PATIENT(""), OP(TYPE("add") PATH("Patient") NAME("x")), NO_PATCH},
        {PATIENT(""), OP(TYPE("add") PATH("Patient") VALUE("\"valueCode\":\"x\"")), NO_PATCH},
        {PATIENT(""), OP(TYPE("insert") PATH("Patient.name") VALUE("\"valueCode\":\"x\"")),
         NO_PATCH},
        {PATIENT(""), OP(TYPE("replace") PATH("Patient.name")), NO_PATCH},
        {PATIENT(""), OP(TYPE("move") PATH("Patient.name") NUMBER("source", 1)), NO_PATCH},
        {PATIENT(""), MOVE("Patient.name", -1, 0), NO_PATCH},
        {PATIENT(""), MOVE("Patient.name", 1.5, 0), NO_PATCH},
    };
    EXPECT_CASES(FHS_PATCH_FHIRPATH, cases);
}
END_TEST

START_TEST(operations_follow_one_another)
{
    /* clang-format off */
    static const char patch[] =
        "{\"resourceType\":\"Parameters\",\"parameter\":["
        "{\"name\":\"operation\",\"part\":[" TYPE("add") PATH("Patient")
            NAME("name") VALUE("\"valueHumanName\":{\"use\":\"old\"}") "]},"
        "{\"name\":\"operation\",\"part\":[" TYPE("add") PATH("Patient.name.where(use='old')")
            NAME("text") VALUE("\"valueString\":\"x\"") "]},"
        "{\"name\":\"operation\",\"part\":[" TYPE("insert") PATH("Patient.name")
            NUMBER("index", 0) VALUE("\"valueHumanName\":{\"text\":\"y\"}") "]},"
        "{\"name\":\"operation\",\"part\":[" TYPE("replace")
            PATH("Patient.name.where(text='y').text") VALUE("\"valueString\":\"z\"") "]},"
        "{\"name\":\"operation\",\"part\":[" TYPE("insert")
            PATH("Patient.name.where(text='z').given") NUMBER("index", 0) VALUE("\"valueString\":\"g\"") "]},"
        "{\"name\":\"operation\",\"part\":[" TYPE("delete") PATH("Patient.name[1].use") "]}]}";
    /* clang-format on */
    ck_assert_str_eq(apply(FHS_PATCH_FHIRPATH, PATIENT(""), patch),
                     PATIENT(",\"name\":[{\"text\":\"z\",\"given\":[\"g\"]},{\"text\":\"x\"}]"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("patch/fhirpath");
    TCase *tests = tcase_create("fhirpath");
    tcase_add_test(tests, primitives_and_what_stands_beside_them);
    tcase_add_test(tests, lists_of_primitives_run_in_pairs);
    tcase_add_test(tests, choices_change_their_names);
    tcase_add_test(tests, paths_of_all_kinds);
    tcase_add_test(tests, elements_without_a_type_of_their_own);
    tcase_add_test(tests, what_is_no_patch);
    tcase_add_test(tests, operations_follow_one_another);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
