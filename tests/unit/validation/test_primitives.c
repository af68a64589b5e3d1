/* SPDX-License-Identifier: Apache-2.0 */
/* The format of each primitive type: what passes, what does not, and what is said. */
#include "validate.h"

/* Values of a type, as JSON; NULL ends a list. */
typedef struct form_case {
    const char *type;   /* behind "value" */
    const char *wanted; /* what the text says it must be */
    const char *const *good;
    const char *const *bad; /* right JSON, wrong content */
    const char *other;      /* wrong JSON */
    const char *other_name;
    fhs_fhir_version version;
} form_case;

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static const form_case form_cases[] = {
    {"Boolean", "true or false", LIST("true", "false"), LIST(NULL), "\"true\"", "a string",
     FHS_FHIR_R4},
    {"Integer", "a whole number of 32 bits",
     LIST("0", "-0", "1", "-1", "2147483647", "-2147483648"),
     LIST("2147483648", "-2147483649", "1.0", "1e3", "99999999999999999999999"), "\"1\"",
     "a string", FHS_FHIR_R4},
    {"UnsignedInt", "a whole number from 0 to 2147483647", LIST("0", "2147483647"),
     LIST("-1", "2147483648", "0.0", "1E1"), "true", "a boolean", FHS_FHIR_R4},
    {"PositiveInt", "a whole number from 1 to 2147483647", LIST("1", "2147483647"),
     LIST("0", "-0", "-1", "2147483648", "1.5"), "\"1\"", "a string", FHS_FHIR_R4},
    {"Integer64", "a string that holds a whole number of 64 bits",
     LIST("\"0\"", "\"9223372036854775807\"", "\"-9223372036854775808\""),
     LIST("\"9223372036854775808\"", "\"-9223372036854775809\"", "\"\"", "\"-\"", "\"1.0\"",
          "\"01x\""),
     "1", "a number", FHS_FHIR_R5},
    {"Decimal", "a number", LIST("0", "-1.50", "1e-7", "123456789012345678901234567890.5"),
     LIST(NULL), "\"1.5\"", "a string", FHS_FHIR_R4},
    {"String", "a string: not empty, no control characters, at most 1 MB",
     LIST("\"a\"", "\" \"", "\"\\t\\r\\n\"", "\"\xC3\xA9\"", "\"\\u00e9\\u007f\""),
     LIST("\"\"", "\"a\\u0001\"", "\"\\b\"", "\"\\f\"", "\"\\u001f\""), "7", "a number",
     FHS_FHIR_R4},
    {"Markdown", "markdown text: not empty, no control characters, at most 1 MB",
     LIST("\"# a\\n\\n* b\"", "\"  a  \""), LIST("\"\"", "\"\\u0002\""), "{}", "an object",
     FHS_FHIR_R4},
    {"Code", "a code: text without leading, trailing or repeated white space",
     LIST("\"a\"", "\"a b\"", "\"a b-c d\"", "\"<=\"", "\"\xC3\xA9\""),
     LIST("\"\"", "\" \"", "\" a\"", "\"a \"", "\"a  b\"", "\"a\\tb\"", "\"a\\n\""), "7",
     "a number", FHS_FHIR_R4},
    {"Id", "an id: 1 to 64 letters, digits, '-' and '.'",
     LIST("\"a\"", "\"A-b.9\"",
          "\"0123456789012345678901234567890123456789012345678901234567890123\""),
     LIST("\"\"", "\"a_b\"", "\"a b\"", "\"a/b\"", "\"\xC3\xA9\"",
          "\"01234567890123456789012345678901234567890123456789012345678901234\""),
     "7", "a number", FHS_FHIR_R4},
    {"Uri", "a URI without white space",
     LIST("\"http://e/x\"", "\"urn:uuid:1\"", "\"a\"", "\"http://e/\xC3\xA9\xC3\xA9\xC3\xA9\"",
          "\"http://e/x|1#y\""),
     LIST("\"\"", "\" \"", "\"http://e/x \"", "\"http://e/x y/and/more/and/more\"",
          "\"\\thttp://e\"", "\"a\\n\"", "\"0123456 \"", "\"01234567 \""),
     "7", "a number", FHS_FHIR_R4},
    {"Url", "a URL without white space", LIST("\"ftp://e/x\""), LIST("\"\"", "\"a b\""), "false",
     "a boolean", FHS_FHIR_R4},
    {"Canonical", "a canonical URL without white space", LIST("\"http://e/x|1.0\"", "\"#a\""),
     LIST("\"\"", "\"a b\""), "7", "a number", FHS_FHIR_R4},
    {"Oid", "an OID: urn:oid: and numbers with dots",
     LIST("\"urn:oid:1.2.3\"", "\"urn:oid:2.16.840.1.113883.6.238\"", "\"urn:oid:0.0\""),
     LIST("\"\"", "\"1.2.3\"", "\"urn:oid:1\"", "\"urn:oid:3.1\"", "\"urn:oid:1.\"",
          "\"urn:oid:1..2\"", "\"urn:oid:1.02\"", "\"urn:oid:1.a\"", "\"urn:oid:10.1\""),
     "7", "a number", FHS_FHIR_R4},
    {"Uuid", "a UUID: urn:uuid: and hexadecimal digits in lower case",
     LIST("\"urn:uuid:c757873d-ec9a-4326-a141-556f43239520\""),
     LIST("\"\"", "\"c757873d-ec9a-4326-a141-556f43239520\"",
          "\"urn:uuid:C757873D-ec9a-4326-a141-556f43239520\"",
          "\"urn:uuid:c757873dec9a-4326-a141-556f432395200\"",
          "\"urn:uuid:c757873d-ec9a-4326-a141-556f4323952\""),
     "7", "a number", FHS_FHIR_R4},
    {"Base64Binary", "base64 text",
     LIST("\"YQ==\"", "\"YWI=\"", "\"YWJj\"", "\"YWJj YWJj\\r\\nYQ==\\n\"", "\"+/9a\""),
     LIST("\"\"", "\" \"", "\"YQ\"", "\"YQ=\"", "\"YQ===\"", "\"Y===\"", "\"YQ==YWJj\"", "\"-_9a\"",
          "\"====\"", "\"YQ=\\u0001\""),
     "7", "a number", FHS_FHIR_R4},
    {"Date", "a date: YYYY, YYYY-MM or YYYY-MM-DD",
     LIST("\"2000\"", "\"2000-02\"", "\"2000-02-29\"", "\"0001-01-01\"", "\"9999-12-31\""),
     LIST("\"\"", "\"0000\"", "\"200\"", "\"2000-13\"", "\"2000-00\"", "\"2001-02-29\"",
          "\"2000-1-1\"", "\"2000-01-01T00:00:00Z\"", "\"2000-01-01 \"", "\"01.01.2000\"",
          "\"2000/01/01\""),
     "2000", "a number", FHS_FHIR_R4},
    {"DateTime", "a dateTime: a date, or YYYY-MM-DDThh:mm:ss with a time zone",
     LIST("\"2000\"", "\"2000-02\"", "\"2000-02-29\"", "\"2000-01-01T00:00:00Z\"",
          "\"2000-01-01T23:59:60.123456789-14:00\"", "\"2000-01-01T12:00:00+05:30\""),
     LIST("\"\"", "\"2000-01-01T12\"", "\"2000-01-01T12:00Z\"", "\"2000-01-01T12:00:00\"",
          "\"2000-01-01T24:00:00Z\"", "\"2000-01-01T12:60:00Z\"", "\"2000-01-01T12:00:00+15:00\"",
          "\"2000-01-01T12:00:00.Z\"", "\"2000-01-01 12:00:00Z\"", "\"2000-01T12:00:00Z\"",
          "\"2000-01-01T12:00:00Z \""),
     "2000", "a number", FHS_FHIR_R4},
    {"Instant", "an instant: YYYY-MM-DDThh:mm:ss with a time zone",
     LIST("\"2000-01-01T00:00:00Z\"", "\"2000-01-01T00:00:00.5+01:00\""),
     LIST("\"\"", "\"2000\"", "\"2000-01-01\"", "\"2000-01-01T00:00:00\"",
          "\"2000-02-30T00:00:00Z\""),
     "7", "a number", FHS_FHIR_R4},
    {"Time", "a time: hh:mm:ss", LIST("\"00:00:00\"", "\"23:59:60\"", "\"12:30:15.250\""),
     LIST("\"\"", "\"24:00:00\"", "\"12:60:00\"", "\"12:00:61\"", "\"12:00\"", "\"12:00:00.\"",
          "\"12:00:00Z\"", "\"1:00:00\"", "\"12:00:00.a\"", "\"12-00-00\"", "\"12:00:00,5\""),
     "7", "a number", FHS_FHIR_R4},
};

static void check_form(const form_case *form, const char *value, const char *verb, const char *code)
{
    char text[1024];
    char want[512] = "";
    (void)snprintf(
        text, sizeof text,
        "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"p\",\"value%s\":%s}]"
        "}",
        form->type, value);
    if (code != NULL) {
        (void)snprintf(want, sizeof want, "Parameters.parameter[0].value: value%s %s %s (%s)",
                       form->type, verb, form->wanted, code);
    }
    check_issues(form->version, FHS_VALIDATION_ON, text, want);
}

START_TEST(primitives_have_their_form)
{
    const form_case *form = &form_cases[_i];
    char verb[64];
    for (const char *const *value = form->good; *value != NULL; value++) {
        check_form(form, *value, "", NULL);
    }
    for (const char *const *value = form->bad; *value != NULL; value++) {
        check_form(form, *value, "must be", "value");
    }
    (void)snprintf(verb, sizeof verb, "is %s but must be", form->other_name);
    check_form(form, form->other, verb, "structure");
    check_form(form, "{\"a\":1}", "is an object but must be", "structure");
}
END_TEST

/* A string of @a characters, two bytes each. */
static void check_long(size_t characters, const char *want)
{
    fhs_buf text = FHS_BUF_INIT(1 << 24);
    fhs_buf_add_cstr(&text, "{\"resourceType\":\"Patient\",\"name\":[{\"text\":\"");
    for (size_t i = 0; i < characters; i++) {
        fhs_buf_add_cstr(&text, "\xC3\xA9");
    }
    fhs_buf_add_cstr(&text, "\"}]}");
    check_r4(text.ptr, want);
    fhs_buf_clear(&text);
}

START_TEST(strings_end_at_a_million_characters)
{
    check_long((size_t)1024 * 1024, "");
    check_long((size_t)1024 * 1024 + 1,
               "Patient.name[0].text: text must be a string: not empty, no control characters, at "
               "most 1 MB (value)");
}
END_TEST

START_TEST(ids_of_resources_and_elements)
{
    check_patient("\"id\":\"a_b\"",
                  "Patient.id: id must be an id: 1 to 64 letters, digits, '-' and '.' (value)");
    check_patient("\"id\":7", "Patient.id: id is a number but must be an id: 1 to 64 letters, "
                              "digits, '-' and '.' (structure)");
    check_patient("\"name\":[{\"id\":\"a_b/c\",\"text\":\"t\"}]", "");
    check_patient("\"name\":[{\"id\":\"a b\",\"text\":\"t\"}]",
                  "Patient.name[0].id: the id of an element must not have white space (value)");
    ck_assert(fhs_id_is_valid(FHS_LIT("a-B.9")));
    ck_assert(!fhs_id_is_valid(FHS_LIT("")));
    ck_assert(!fhs_id_is_valid(FHS_LIT("a_b")));
}
END_TEST

/* Values never show in texts and places. */
START_TEST(texts_are_free_of_content)
{
    check_patient(
        "\"birthDate\":\"SECRET\",\"gender\":\" SECRET\",\"SECRET NAME\":1",
        "Patient.birthDate: birthDate must be a date: YYYY, YYYY-MM or YYYY-MM-DD (value)\n"
        "Patient.gender: gender must be a code: text without leading, trailing or "
        "repeated white space (value)\n"
        "Patient: Patient has no element (unnamed) (structure)");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("validation primitives");
    TCase *tcase = tcase_create("forms");
    tcase_add_loop_test(tcase, primitives_have_their_form, 0, FHS_COUNT_OF(form_cases));
    tcase_add_test(tcase, strings_end_at_a_million_characters);
    tcase_add_test(tcase, ids_of_resources_and_elements);
    tcase_add_test(tcase, texts_are_free_of_content);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
