/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes are sacred: what goes in comes out, but for white space, id and the store's meta fields. */
#include <stdio.h>

#include "harness.h"

/* What stands in the body beside id and meta, as it must come out again. */
static void expect_kept(const char *type, const char *before_id, const char *rest)
{
    char *in = malloc(strlen(before_id) + strlen(rest) + 64);
    ck_assert_ptr_nonnull(in);
    (void)sprintf(in, "{\"resourceType\":\"%s\",%s%s}", type, before_id, rest);
    reply answer = create(type, in);
    expect_status(answer, FHIRSTORE_CREATED);
    ck_assert_msg(strstr(answer.body, rest) != NULL, "lost: %s\nin %s", rest, answer.body);
    reply again = read_one(type, id_of(&answer));
    ck_assert_str_eq(again.body, answer.body);
    /* id and meta come behind resourceType; all else in its order. */
    char head[256];
    (void)snprintf(head, sizeof head,
                   "{\"resourceType\":\"%s\",\"id\":\"%s\",\"meta\":{\"versionId\":\"1\","
                   "\"lastUpdated\":\"%s\"},",
                   type, id_of(&answer), text_at(&answer, "meta.lastUpdated"));
    ck_assert_msg(strncmp(answer.body, head, strlen(head)) == 0, "%s\ninstead of %s", answer.body,
                  head);
    ck_assert_str_eq(answer.body + strlen(answer.body) - strlen(rest) - 1 - strlen(before_id),
                     strstr(answer.body, before_id[0] == '\0' ? rest : before_id));
    free(in);
}

START_TEST(numbers_keep_their_digits)
{
    static const char *const numbers[] = {
        "1.10",
        "0.00",
        "-0",
        "-0.0",
        "1e2",
        "1E+2",
        "1.0e-7",
        "100",
        "0.1000000000000000000000",
        "123456789012345678901234567890",
        "0.123456789012345678901234567890",
        "9.999999999999999999999999999999e-100",
        "12345678901234567.89",
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char rest[256];
        (void)snprintf(rest, sizeof rest,
                       "\"status\":\"final\",\"code\":{\"text\":\"c\"},\"valueQuantity\":"
                       "{\"value\":%s,\"unit\":\"mg\"}",
                       numbers[i]);
        expect_kept("Observation", "", rest);
    }
    expect_sound(store);
}
END_TEST

START_TEST(strings_and_escapes_stay_as_written)
{
    expect_kept("Patient", "",
                "\"name\":[{\"family\":\"\\u00e4\\/\\\"\\\\\\n\\r\\t\xc3\xa4"
                "\\ud83d\\ude00\xf0\x9f\x98\x80\"}]");
    expect_kept("Patient", "", "\"name\":[{\"text\":\"a  b   c\"}]");
    expect_kept("Patient", "", "\"n\\u0061me\":[{\"text\":\"x\"}]");
}
END_TEST

START_TEST(member_order_stays)
{
    expect_kept("Patient", "",
                "\"name\":[{\"given\":[\"z\",\"a\"],\"use\":\"usual\",\"family\":\"f\"}],"
                "\"active\":true,\"birthDate\":\"2000-01-01\",\"_birthDate\":{\"extension\":["
                "{\"valueString\":\"v\",\"url\":\"http://x\"}]},\"gender\":\"male\"");
    expect_kept(
        "Patient", "",
        "\"_gender\":{\"extension\":[{\"url\":\"http://x\",\"valueCode\":\"c\"}]},\"active\":true");
}
END_TEST

START_TEST(white_space_between_tokens_goes)
{
    reply answer = create("Patient", "\n{ \"resourceType\" :\t\"Patient\" , \"active\" : true ,\r\n"
                                     "\"name\" : [ { \"given\" : [ \"a b\" , \"c\" ] } ] }\n");
    expect_status(answer, FHIRSTORE_CREATED);
    ck_assert(has_text(&answer, "\"active\":true,\"name\":[{\"given\":[\"a b\",\"c\"]}]}"));
}
END_TEST

START_TEST(the_stores_fields_are_set_and_others_in_meta_stay)
{
    static const char body[] =
        "{\"resourceType\":\"Patient\",\"meta\":{\"source\":\"http://"
        "s\",\"versionId\":\"9\",\"tag\":"
        "[{\"code\":\"t\"}],\"lastUpdated\":\"1999-01-01T00:00:00Z\",\"profile\":[\"http://p\"],"
        "\"security\":[{\"system\":\"http://x\",\"code\":\"R\"}],\"extension\":[{\"url\":\"http://"
        "e\","
        "\"valueCode\":\"c\"}]},\"active\":true,\"id\":\"kept-place\"}";
    reply answer = update("Patient", "kept-place", body);
    expect_status(answer, FHIRSTORE_CREATED);
    char want[640];
    (void)snprintf(want, sizeof want,
                   "{\"resourceType\":\"Patient\",\"meta\":{\"source\":\"http://"
                   "s\",\"versionId\":\"1\",\"tag\":"
                   "[{\"code\":\"t\"}],\"lastUpdated\":\"%s\",\"profile\":[\"http://p\"],"
                   "\"security\":[{\"system\":\"http://"
                   "x\",\"code\":\"R\"}],\"extension\":[{\"url\":\"http://e\","
                   "\"valueCode\":\"c\"}]},\"active\":true,\"id\":\"kept-place\"}",
                   text_at(&answer, "meta.lastUpdated"));
    ck_assert_str_eq(answer.body, want);
    ck_assert_str_eq(read_one("Patient", "kept-place").body, want);
    ck_assert_int_eq(count_of("Patient", "_tag=t&_profile=http://p&_security=http://x|R"), 1);
}
END_TEST

START_TEST(a_large_resource_comes_back_whole)
{
    size_t size = (size_t)3 << 20;
    char *data = malloc(size + 128);
    ck_assert_ptr_nonnull(data);
    int head = sprintf(data, "{\"resourceType\":\"Binary\",\"id\":\"big\",\"contentType\":\"x/y\","
                             "\"data\":\"");
    memset(data + head, 'A', size);
    (void)strcpy(data + (size_t)head + size, "\"}");
    reply answer = update("Binary", "big", data);
    expect_status(answer, FHIRSTORE_CREATED);
    ck_assert_uint_gt(answer.body_len, size);
    reply again = read_one("Binary", "big");
    ck_assert_uint_eq(again.body_len, answer.body_len);
    ck_assert_mem_eq(again.body, answer.body, again.body_len);
    ck_assert(has_text(&again, data + head));
    reply same = update("Binary", "big", data);
    ck_assert_int_eq(fhirstore_response_version(same.response), 1);
    free(data);
}
END_TEST

START_TEST(search_and_history_hand_out_the_stored_bytes)
{
    reply answer = update("Observation", "o",
                          "{\"resourceType\":\"Observation\",\"id\":\"o\",\"status\":\"final\","
                          "\"code\":{\"text\":\"\\u0041\"},\"valueQuantity\":{\"value\":1.10}}");
    expect_status(answer, FHIRSTORE_CREATED);
    ck_assert(strstr(search_page("Observation", "").body, answer.body) != NULL);
    ck_assert(strstr(history("Observation", "o", "").body, answer.body) != NULL);
    reply entry = ask("GET", "Observation/o", NULL, NULL);
    ck_assert_str_eq(entry.body, answer.body);
}
END_TEST

int main(void)
{
    const test_group groups[] = {
        GROUP("bytes", setup_store, numbers_keep_their_digits, strings_and_escapes_stay_as_written,
              member_order_stays, white_space_between_tokens_goes,
              the_stores_fields_are_set_and_others_in_meta_stay, a_large_resource_comes_back_whole,
              search_and_history_hand_out_the_stored_bytes),
    };
    return run_groups("bytes", groups, 1);
}
