/* SPDX-License-Identifier: Apache-2.0 */
/* Narrative: what a div may be. */
#include "validate.h"

#define NS          "xmlns=\\\"http://www.w3.org/1999/xhtml\\\""
#define DIV(inside) "<div " NS ">" inside "</div>"
#define BROKEN      "is not well-formed"
#define ACTIVE      "must not contain active content, forms or frames"
#define MISMATCH    "has tags that do not match"
#define OPEN        "has tags that are not closed"

static const validation_case div_cases[] = {
    {DIV("text"), ""},
    {DIV("<p>a <b>b</b><br/>c</p><img src='#a' alt=\\\"x > y\\\" />"), ""},
    {DIV("a &lt; b &amp; c &#160;"), ""},
    {DIV("<!-- <script> is not one here --><![CDATA[<b>]]>"), ""},
    {"\\n <div " NS "\\n>x</div >\\n ", ""},
    {"<div lang='en' " NS " id='d'><div>x</div></div>", ""},
    {"<div xmlns='http://www.w3.org/1999/xhtml'>x</div>", ""},
    {"<div " NS "/>", ""},
    {DIV("<a href='#on' title='javascript'>one</a>"), ""},
    {"", "must begin with <div"},
    {"text", "must begin with <div"},
    {"<p " NS ">x</p>", "must begin with <div"},
    {"<divx " NS ">x</divx>", "must begin with <div"},
    {"</div>", "must begin with <div"},
    {"<div", "must begin with <div"},
    {"<div " NS, "must begin with <div"},
    {"<div>x</div>", "must be in the namespace http://www.w3.org/1999/xhtml"},
    {"<div xmlns='http://e/'>x</div>", "must be in the namespace http://www.w3.org/1999/xhtml"},
    {"<div " NS ">x", OPEN},
    {DIV("<p>x"), MISMATCH},
    {DIV("<p>x</b>"), MISMATCH},
    {DIV("<br>"), MISMATCH},
    {DIV("x</p>"), MISMATCH},
    {DIV("x") "y", "must end with its </div>"},
    {DIV("x") "<div/>", "must end with its </div>"},
    {DIV("a < b"), BROKEN},
    {DIV("<p"), BROKEN},
    {DIV("<p id=x>y</p>"), BROKEN},
    {DIV("<p id>y</p>"), BROKEN},
    {DIV("<p id='x>y</p>"), BROKEN},
    {DIV("<!-- x"), BROKEN},
    {DIV("<![CDATA[ x"), BROKEN},
    {DIV("<!DOCTYPE x>"), BROKEN},
    {DIV("<?php x ?>"), BROKEN},
    {DIV("<p></p x='y'>"), BROKEN},
    {DIV("<script>x</script>"), ACTIVE},
    {DIV("<SCRIPT src='x'/>"), ACTIVE},
    {DIV("<iframe src='x'></iframe>"), ACTIVE},
    {DIV("<form></form>"), ACTIVE},
    {DIV("<p onclick='x'>y</p>"), ACTIVE},
    {DIV("<img src='x' OnError='y'/>"), ACTIVE},
    {DIV("<a href=' JavaScript:x'>y</a>"), ACTIVE},
    {"<div onload='x' " NS ">y</div>", "must not contain active content"},
};

START_TEST(a_narrative_is_one_passive_div)
{
    char members[1024];
    char want[256] = "";
    const validation_case *given = &div_cases[_i];
    (void)snprintf(members, sizeof members, "\"text\":{\"status\":\"generated\",\"div\":\"%s\"}",
                   given->text);
    if (*given->want != '\0') {
        (void)snprintf(want, sizeof want, "Patient.text.div: div %s (value)", given->want);
    }
    check_patient(members, want);
}
END_TEST

START_TEST(a_div_is_a_string)
{
    check_patient("\"text\":{\"status\":\"generated\",\"div\":7}",
                  "Patient.text.div: div is a number but must be XHTML (structure)");
    check_patient("\"text\":{\"status\":\"generated\",\"div\":null}",
                  "Patient.text.div: div must not be null (structure)");
}
END_TEST

/* Elements beyond the names that are kept are still counted. */
START_TEST(depth_is_free)
{
    fhs_buf text = FHS_BUF_INIT(1 << 20);
    for (int missing = 0; missing < 2; missing++) {
        fhs_buf_reset(&text);
        fhs_buf_add_cstr(&text, "{\"resourceType\":\"Patient\",\"text\":{\"status\":\"generated\","
                                "\"div\":\"<div " NS ">");
        for (int i = 0; i < 1000; i++) {
            fhs_buf_add_cstr(&text, "<b>");
        }
        for (int i = missing; i < 1000; i++) {
            fhs_buf_add_cstr(&text, "</b>");
        }
        fhs_buf_add_cstr(&text, "</div>\"}}");
        check_r4(text.ptr, missing == 0 ? "" : "Patient.text.div: div " MISMATCH " (value)");
    }
    fhs_buf_clear(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("validation xhtml");
    TCase *tcase = tcase_create("div");
    tcase_add_loop_test(tcase, a_narrative_is_one_passive_div, 0, FHS_COUNT_OF(div_cases));
    tcase_add_test(tcase, a_div_is_a_string);
    tcase_add_test(tcase, depth_is_free);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
