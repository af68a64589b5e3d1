/* SPDX-License-Identifier: Apache-2.0 */
/* A change by somebody who does not see all: what is hidden stays, or the change is refused. */
#include "access/mask.h"
#include "base/limits.h"
#include "suite.h"

#define MAX_PATHS 8u
#define SUBSETTED                                                                \
    "{\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ObservationValue\"," \
    "\"code\":\"SUBSETTED\"}"
#define PATIENT(members)     "{\"resourceType\":\"Patient\"," members "}"
#define OBSERVATION(members) "{\"resourceType\":\"Observation\"," members "}"

static fhs_arena arena;
static fhirstore_error *err;
static const fhs_fhir *fhir;
static fhs_buf out;
static fhs_str paths[MAX_PATHS];
static fhs_mask mask;
static fhs_type masked_type;

static void set_up(void)
{
    fhir = fhs_fhir_get(FHS_FHIR_R4);
    fhs_arena_init(&arena, (size_t)64 << 20);
    fhs_buf_init(&out, (size_t)16 << 20);
    err = NULL;
}

static void tear_down(void)
{
    fhs_error_free(err);
    fhs_buf_clear(&out);
    fhs_arena_clear(&arena);
}

static size_t read_paths(const char *list)
{
    fhs_str rest = fhs_str_from_cstr(list);
    size_t count = 0;
    while (count < MAX_PATHS && fhs_str_next(&rest, ',', &paths[count])) {
        count++;
    }
    return count;
}

static const fhs_mask *mask_of(void *ctx, fhs_type type)
{
    (void)ctx;
    return type == masked_type ? &mask : NULL;
}

static fhirstore_status merge(const char *type, const char *hidden, const char *stored,
                              const char *sent)
{
    mask = (fhs_mask){.hide = paths, .hide_count = read_paths(hidden)};
    masked_type = fhs_type_find(fhir, fhs_str_from_cstr(type));
    const fhs_masks masks = {fhir, mask_of, NULL};
    return fhs_mask_merge(&masks, &arena, fhs_str_from_cstr(stored), fhs_str_from_cstr(sent), &out,
                          &err);
}

#define NAMES "\"name\":[{\"family\":\"A\",\"given\":[\"B\"]},{\"given\":[\"C\"]}]"

static const struct {
    const char *type, *hidden, *stored, *sent, *merged;
} merges[] = {
    /* Untouched, changed and added beside what is hidden. */
    {"Patient", "birthDate", PATIENT("\"birthDate\":\"1970\""), PATIENT("\"active\":true"),
     PATIENT("\"active\":true,\"birthDate\":\"1970\"")},
    {"Patient", "name.given", PATIENT(NAMES), PATIENT("\"name\":[{\"family\":\"A\"}]"),
     PATIENT(NAMES)},
    {"Patient", "name.given", PATIENT(NAMES),
     PATIENT("\"name\":[{\"family\":\"A\"},{\"family\":\"N\"},\"odd\"]"),
     PATIENT("\"name\":[{\"family\":\"A\",\"given\":[\"B\"]},{\"family\":\"N\"},\"odd\","
             "{\"given\":[\"C\"]}]")},
    /* Nobody was shown it: it stays where nothing is sent of it. */
    {"Patient", "name.given", PATIENT("\"name\":[{\"given\":[\"C\"]}]"), PATIENT("\"active\":true"),
     PATIENT("\"active\":true,\"name\":[{\"given\":[\"C\"]}]")},
    {"Patient", "name.given", PATIENT("\"name\":[{\"given\":[\"C\"]}]"), PATIENT("\"name\":[]"),
     PATIENT("\"name\":[{\"given\":[\"C\"]}]")},
    {"Patient", "name.given", PATIENT("\"active\":true"), PATIENT("\"name\":[{\"family\":\"N\"}]"),
     PATIENT("\"name\":[{\"family\":\"N\"}]")},
    {"Patient", "maritalStatus.text", PATIENT("\"maritalStatus\":{\"text\":\"s\",\"id\":\"1\"}"),
     PATIENT("\"active\":true"), PATIENT("\"active\":true,\"maritalStatus\":{\"text\":\"s\"}")},
    {"Patient", "maritalStatus.text", PATIENT("\"maritalStatus\":{\"id\":\"1\"}"),
     PATIENT("\"active\":true"), PATIENT("\"active\":true")},
    {"Patient", "maritalStatus.text", PATIENT("\"maritalStatus\":\"odd\""),
     PATIENT("\"active\":true"), PATIENT("\"active\":true")},
    {"Patient", "maritalStatus.text", PATIENT("\"maritalStatus\":\"odd\""),
     PATIENT("\"maritalStatus\":\"other\""), PATIENT("\"maritalStatus\":\"other\"")},
    {"Patient", "maritalStatus.text", PATIENT("\"maritalStatus\":{\"id\":\"1\"}"), "{}", "{}"},
    /* The tag that says that not all was shown is no tag. */
    {"Patient", "active", PATIENT("\"active\":true"), PATIENT("\"meta\":{\"tag\":[" SUBSETTED "]}"),
     PATIENT("\"meta\":{},\"active\":true")},
    {"Patient", "active", PATIENT("\"active\":true"),
     PATIENT("\"meta\":{\"tag\":[{\"code\":\"a\"}," SUBSETTED ",{\"code\":\"b\"}]}"),
     PATIENT("\"meta\":{\"tag\":[{\"code\":\"a\"},{\"code\":\"b\"}]},\"active\":true")},
    {"Patient", "meta.tag", PATIENT("\"meta\":{\"tag\":[{\"code\":\"a\"}]}"),
     PATIENT("\"meta\":{\"tag\":[" SUBSETTED "]}"),
     PATIENT("\"meta\":{\"tag\":[{\"code\":\"a\"}]}")},
    {"Patient", "active", PATIENT("\"active\":true"),
     PATIENT("\"extension\":[{\"tag\":[" SUBSETTED "]}]"),
     PATIENT("\"extension\":[{\"tag\":[" SUBSETTED "]}],\"active\":true")},
    /* What is contained has the mask of its own type. */
    {"Patient", "birthDate",
     OBSERVATION("\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"a\",\"birthDate\":\"1970\"}"
                 ",{\"resourceType\":\"Device\",\"id\":\"d\"}]"),
     OBSERVATION("\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"a\"}]"),
     OBSERVATION("\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"a\",\"birthDate\":\"1970\"}"
                 "]")},
    {"Patient", "birthDate",
     OBSERVATION("\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"a\"}]"),
     OBSERVATION("\"id\":\"o\""), OBSERVATION("\"id\":\"o\"")},
    {"Patient", "birthDate", OBSERVATION("\"id\":\"o\""),
     OBSERVATION("\"contained\":[{\"resourceType\":\"Nothing\",\"birthDate\":\"1\"},7]"),
     OBSERVATION("\"contained\":[{\"resourceType\":\"Nothing\",\"birthDate\":\"1\"},7]")},
};

START_TEST(what_is_hidden_stays)
{
    const fhirstore_status status = merge(merges[_i].type, merges[_i].hidden, merges[_i].stored,
                                          merges[_i].sent);
    ck_assert_msg(status == FHIRSTORE_OK, "%s", err == NULL ? "" : fhs_error_message(err));
    ck_assert_view_eq(fhs_buf_str(&out), fhs_str_from_cstr(merges[_i].merged));
}
END_TEST

static const struct {
    const char *type, *hidden, *stored, *sent, *words;
} refusals[] = {
    {"Patient", "birthDate", PATIENT("\"active\":true"), PATIENT("\"birthDate\":\"1970\""),
     "sets an element that is hidden"},
    /* Also where what is stored is the same: the refusal tells nothing. */
    {"Patient", "birthDate", PATIENT("\"birthDate\":\"1970\""), PATIENT("\"birthDate\":\"1970\""),
     "sets an element that is hidden"},
    {"Patient", "birthDate,active", PATIENT("\"id\":\"a\""),
     PATIENT("\"birthDate\":\"1970\",\"active\":true"), "sets an element that is hidden"},
    {"Patient", "meta.tag", PATIENT("\"id\":\"a\""),
     PATIENT("\"meta\":{\"tag\":[" SUBSETTED ",{\"code\":\"a\"}]}"), "sets an element"},
    {"Patient", "meta.tag", PATIENT("\"id\":\"a\""), PATIENT("\"meta\":{\"tag\":\"odd\"}"),
     "sets an element"},
    {"Patient", "name.given", PATIENT(NAMES), PATIENT("\"name\":[]"), "changed or left out"},
    {"Patient", "name.given", PATIENT(NAMES), PATIENT("\"active\":true"), "changed or left out"},
    {"Patient", "name.given", PATIENT(NAMES), PATIENT("\"name\":[{\"family\":\"X\"}]"),
     "changed or left out"},
    {"Patient", "name.given", PATIENT(NAMES), PATIENT("\"name\":{\"family\":\"A\"}"),
     "another kind"},
    {"Patient", "name.given", PATIENT(NAMES),
     PATIENT("\"name\":[{\"family\":\"A\"},{\"given\":[\"X\"]}]"), "sets an element"},
    {"Patient", "birthDate",
     OBSERVATION("\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"a\"}]"),
     OBSERVATION("\"contained\":[]"), "changed or left out"},
    {"Patient", "birthDate",
     "{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":" PATIENT("\"id\":\"a\"") "}]}",
     "{\"resourceType\":\"Bundle\"}", "holds resources with hidden elements"},
    {"Patient", "birthDate",
     "{\"resourceType\":\"Parameters\",\"parameter\":[{\"resource\":" PATIENT("\"id\":\"a\"") "}]}",
     "{\"resourceType\":\"Parameters\"}", "holds resources with hidden elements"},
    {"Patient", "birthDate", "[]", PATIENT("\"id\":\"a\""), "only a resource"},
    {"Patient", "birthDate", PATIENT("\"id\":\"a\""), "7", "only a resource"},
};

START_TEST(what_would_take_it_along_is_refused)
{
    ck_assert_int_eq(
        merge(refusals[_i].type, refusals[_i].hidden, refusals[_i].stored, refusals[_i].sent),
        FHIRSTORE_ERR_DENIED);
    ck_assert_msg(strstr(fhs_error_message(err), refusals[_i].words) != NULL, "%s",
                  fhs_error_message(err));
}
END_TEST

START_TEST(what_is_no_json_is_told_apart)
{
    ck_assert_int_eq(merge("Patient", "active", "{", "{}"), FHIRSTORE_ERR_JSON);
    fhs_error_free(err);
    err = NULL;
    ck_assert_int_eq(merge("Patient", "active", "{}", "{"), FHIRSTORE_ERR_JSON);
    fhs_error_free(err);
    err = NULL;
    fhs_buf_init(&out, 40);
    ck_assert_int_eq(
        merge("Patient", "active", PATIENT("\"id\":\"a\""), PATIENT("\"id\":\"abcdefghijklmno\"")),
        FHIRSTORE_ERR_LIMIT);
}
END_TEST

/* ---- what is kept ---- */

static const struct {
    const char *kept;
    const char *before; /* NULL: there was none */
    const char *after;
    bool same;
} changes[] = {
    {"active", PATIENT("\"active\":true"), PATIENT("\"active\":true,\"gender\":\"male\""), true},
    {"active", PATIENT("\"active\":true"), PATIENT("\"active\":false"), false},
    {"active", PATIENT("\"active\":true"), PATIENT("\"gender\":\"male\""), false},
    {"active", PATIENT("\"gender\":\"male\""), PATIENT("\"active\":true"), false},
    {"active", NULL, PATIENT("\"gender\":\"male\""), true},
    {"active", NULL, PATIENT("\"active\":true"), false},
    {"active", PATIENT("\"active\":true"), "[]", false},
    {"active", PATIENT("\"active\":true"), "7", false},
    {"name.family", PATIENT(NAMES), PATIENT(NAMES), true},
    {"name.family", PATIENT(NAMES), PATIENT("\"name\":[{\"family\":\"A\"},{}]"), true},
    {"name.family", PATIENT(NAMES), PATIENT("\"name\":[{\"family\":\"A\"}]"), true},
    {"name.family", PATIENT("\"name\":[{\"family\":\"A\"}]"), PATIENT(NAMES), true},
    {"name.family", PATIENT(NAMES), PATIENT("\"name\":[{},{\"family\":\"A\"}]"), false},
    {"name.family", PATIENT(NAMES), PATIENT("\"name\":{\"family\":\"A\"}"), false},
    {"name.family", PATIENT("\"name\":{\"family\":\"A\"}"), PATIENT(NAMES), false},
    {"maritalStatus.text", PATIENT("\"maritalStatus\":{\"text\":\"s\"}"),
     PATIENT("\"maritalStatus\":[]"), false},
    {"maritalStatus.text", PATIENT("\"maritalStatus\":[]"),
     PATIENT("\"maritalStatus\":{\"text\":\"s\"}"), false},
    {"name.family", PATIENT("\"name\":7"), PATIENT("\"name\":8"), true},
};

START_TEST(what_is_kept_is_the_same)
{
    const fhs_json *before = NULL;
    const fhs_json *after = NULL;
    mask = (fhs_mask){.keep = paths, .keep_count = read_paths(changes[_i].kept)};
    if (changes[_i].before != NULL) {
        ck_assert_int_eq(
            fhs_json_read(&arena, fhs_str_from_cstr(changes[_i].before), NULL, &before, NULL),
            FHIRSTORE_OK);
    }
    ck_assert_int_eq(
        fhs_json_read(&arena, fhs_str_from_cstr(changes[_i].after), NULL, &after, NULL),
        FHIRSTORE_OK);
    ck_assert_int_eq(fhs_mask_check_kept(&mask, fhir, fhs_type_find(fhir, FHS_LIT("Patient")),
                                         &arena, before, after, &err),
                     changes[_i].same ? FHIRSTORE_OK : FHIRSTORE_ERR_DENIED);
    ck_assert(changes[_i].same || strstr(fhs_error_message(err), "read-only here") != NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access_merge");
    TCase *tests = tcase_create("merge");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, what_is_hidden_stays, 0, (int)FHS_COUNT_OF(merges));
    tcase_add_loop_test(tests, what_would_take_it_along_is_refused, 0, (int)FHS_COUNT_OF(refusals));
    tcase_add_test(tests, what_is_no_json_is_told_apart);
    tcase_add_loop_test(tests, what_is_kept_is_the_same, 0, (int)FHS_COUNT_OF(changes));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
