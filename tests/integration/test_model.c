/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random conditional writes of several sessions, one after another, beside a model that knows
 * nothing of stores: after each step the status is what the model says, and at the end so is every
 * resource, its versions and what searches find. The seed is in each message; a run of its own:
 * FHIRSTORE_TEST_SEED=n. FHIRSTORE_TEST_LONG=1: more and longer runs.
 */
#include <stdio.h>

#include "harness.h"

#define SESSIONS 4
#define NAMED    6   /* resources with ids that clients choose: p0 … p5 */
#define MOST     400 /* resources */
#define VERSIONS 200 /* of one resource, at most */
#define TAGS     4   /* identifiers: t0 … t3 */

/* ---- the model ---- */

typedef struct model_resource {
    char id[64];
    bool exists; /* some version is there */
    bool is_deleted;
    int version;
    int oldest; /* the oldest version that is kept */
    bool was_deletion[VERSIONS + 1];
    unsigned tags; /* bit n: identifier tn */
    int content;
} model_resource;

typedef struct model {
    model_resource items[MOST];
    int count;
} model;

static model world;
static uint64_t random_state;
static unsigned long seed;
static int step_number;

static unsigned dice(unsigned sides)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)((random_state >> 20) % sides);
}

static bool is_current(const model_resource *item)
{
    return item->exists && !item->is_deleted;
}

static int matches(unsigned tag, int *first_out)
{
    int found = 0;
    for (int i = world.count - 1; i >= 0; i--) {
        if (is_current(&world.items[i]) && (world.items[i].tags & (1u << tag)) != 0) {
            *first_out = i;
            found++;
        }
    }
    return found;
}

/* What a precondition says: 0 nothing, else If-Match with a version, "*" (any), If-None-Match "*".
 */
typedef struct guard {
    int version; /* above 0: If-Match */
    bool any;
    bool none;
} guard;

static bool holds(const guard *when, const model_resource *item)
{
    const bool there = item != NULL && is_current(item);
    return !(when->any && !there) && !(when->none && there) &&
           !(when->version > 0 && (!there || item->version != when->version));
}

static model_resource *add_resource(const char *id)
{
    ck_assert_int_lt(world.count, MOST);
    model_resource *item = &world.items[world.count++];
    memset(item, 0, sizeof *item);
    (void)snprintf(item->id, sizeof item->id, "%s", id);
    return item;
}

static void next_version(model_resource *item, bool deletes)
{
    if (!item->exists) {
        item->version = 0;
        item->oldest = 1;
    }
    ck_assert_int_lt(item->version, VERSIONS);
    item->version++;
    item->exists = true;
    item->is_deleted = deletes;
    item->was_deletion[item->version] = deletes;
}

/* The status of storing that, and the model after it. */
static int store_in_model(model_resource *item, unsigned tags, int content)
{
    if (is_current(item) && item->tags == tags && item->content == content) {
        return 200;
    }
    int status = is_current(item) ? 200 : 201;
    next_version(item, false);
    item->tags = tags;
    item->content = content;
    return status;
}

static void delete_in_model(model_resource *item, bool hard)
{
    if (hard) {
        item->exists = false;
    } else if (is_current(item)) {
        next_version(item, true);
    }
}

/* ---- the store ---- */

static fhirstore_session *sessions[SESSIONS];

static void write_body(char *out, size_t room, const char *id, unsigned tags, int content)
{
    int len = snprintf(out, room, "{\"resourceType\":\"Patient\"");
    if (id != NULL) {
        len += snprintf(out + len, room - (size_t)len, ",\"id\":\"%s\"", id);
    }
    for (unsigned t = 0, any = 0; t < TAGS; t++) {
        if ((tags & (1u << t)) != 0) {
            len += snprintf(out + len, room - (size_t)len, "%s{\"value\":\"t%u\"}",
                            any++ == 0 ? ",\"identifier\":[" : ",", t);
        }
    }
    (void)snprintf(out + len, room - (size_t)len, "%s,\"multipleBirthInteger\":%d}",
                   tags != 0 ? "]" : "", content);
}

static void write_guard(char *out, size_t room, const guard *when, const char *more)
{
    (void)snprintf(out, room, "%s", more);
    if (when->version > 0) {
        (void)snprintf(out + strlen(out), room - strlen(out), "\nIf-Match: W/\"%d\"",
                       when->version);
    } else if (when->any || when->none) {
        (void)strcat(out, when->any ? "\nIf-Match: *" : "\nIf-None-Match: *");
    }
}

static reply do_step(const char *method, const char *url, const char *headers, const char *body,
                     int want)
{
    fhirstore_session *mine = session;
    session = sessions[dice(SESSIONS)];
    reply answer = ask(method, url, headers, body);
    session = mine;
    ck_assert_msg(answer.http == want, "seed %lu step %d: %s %s [%s] %s: %d, the model says %d: %s",
                  seed, step_number, method, url, headers, body == NULL ? "" : body,
                  (int)answer.http, want, answer.body);
    return answer;
}

/* ---- the steps ---- */

static guard roll_guard(const model_resource *item, bool may_be_none)
{
    guard when = {0, false, false};
    switch (dice(6)) {
    case 0:
        when.any = true;
        break;
    case 1:
        when.version = 1 + (int)dice((unsigned)(item == NULL ? 3 : item->version + 2));
        break;
    case 2:
        when.version = item != NULL && item->exists ? item->version : 0;
        break;
    case 3:
        when.none = may_be_none;
        break;
    default:
        break;
    }
    return when;
}

static model_resource *roll_resource(void)
{
    return &world.items[dice(4) == 0 ? dice((unsigned)world.count) : dice(NAMED)];
}

static void step_put(void)
{
    char url[96];
    char body[512];
    char headers[128];
    model_resource *item = roll_resource();
    const guard when = roll_guard(item, true);
    const unsigned tags = dice(1u << TAGS) & dice(1u << TAGS);
    const int content = (int)dice(3);
    int want = holds(&when, item) ? store_in_model(item, tags, content) : 412;
    (void)snprintf(url, sizeof url, "Patient/%s", item->id);
    write_body(body, sizeof body, item->id, tags, content);
    write_guard(headers, sizeof headers, &when, "Prefer: return=minimal");
    (void)do_step("PUT", url, headers, body, want);
}

static void step_delete(void)
{
    char url[96];
    char headers[128];
    model_resource *item = roll_resource();
    const guard when = roll_guard(item, false);
    const bool hard = dice(4) == 0;
    const bool good = holds(&when, item);
    if (good) {
        delete_in_model(item, hard);
    }
    (void)snprintf(url, sizeof url, "Patient/%s%s", item->id, hard ? "?_hardDelete=true" : "");
    write_guard(headers, sizeof headers, &when, "Prefer: handling=strict");
    (void)do_step("DELETE", url, headers, NULL, good ? 204 : 412);
}

static void step_create_where(void)
{
    char body[512];
    char headers[128];
    int first = 0;
    const unsigned tag = dice(TAGS);
    const unsigned tags = (1u << tag) | (dice(3) == 0 ? 1u << dice(TAGS) : 0);
    const int found = matches(tag, &first);
    const int content = (int)dice(3);
    write_body(body, sizeof body, NULL, tags, content);
    (void)snprintf(headers, sizeof headers, "If-None-Exist: identifier=t%u", tag);
    reply answer = do_step("POST", "Patient", headers, body,
                           found == 0   ? 201
                           : found == 1 ? 200
                                        : 412);
    if (found == 0) {
        (void)store_in_model(add_resource(id_of(&answer)), tags, content);
    } else if (found == 1) {
        ck_assert_str_eq(id_of(&answer), world.items[first].id);
    }
}

/* What a conditional update does, and to which resource; NULL: to a new one. */
static int aim_update(unsigned tag, const char *own, const guard *when, model_resource **item_out)
{
    int first = 0;
    const int found = matches(tag, &first);
    *item_out = NULL;
    if (found > 1) {
        return 412;
    }
    if (found == 1) {
        *item_out = &world.items[first];
        return own != NULL && strcmp(own, world.items[first].id) != 0 ? 400
               : holds(when, *item_out)                               ? 0
                                                                      : 412;
    }
    if (when->any || when->version > 0) {
        return 412;
    }
    for (int i = 0; own != NULL && i < world.count; i++) {
        if (strcmp(world.items[i].id, own) == 0) {
            *item_out = &world.items[i];
        }
    }
    return *item_out != NULL && is_current(*item_out) ? 409 : 0;
}

static void step_update_where(void)
{
    char url[96];
    char body[512];
    char headers[128];
    model_resource *item;
    const unsigned tag = dice(TAGS);
    const unsigned tags = (1u << tag) | (dice(3) == 0 ? 1u << dice(TAGS) : 0);
    const int content = (int)dice(3);
    const char *own = dice(2) == 0 ? NULL : world.items[dice(NAMED)].id;
    const guard when = roll_guard(NULL, true);
    int want = aim_update(tag, own, &when, &item);
    const bool is_new = want == 0 && item == NULL;
    if (want == 0) {
        want = is_new ? 201 : store_in_model(item, tags, content);
    }
    (void)snprintf(url, sizeof url, "Patient?identifier=t%u", tag);
    write_body(body, sizeof body, own, tags, content);
    write_guard(headers, sizeof headers, &when, "Prefer: return=representation");
    reply answer = do_step("PUT", url, headers, body, want);
    if (is_new) {
        (void)store_in_model(add_resource(id_of(&answer)), tags, content);
    }
}

static int patch_in_model(model_resource *item, const guard *when, int content)
{
    if (!item->exists) {
        return 404;
    }
    if (item->is_deleted) {
        return 410;
    }
    if (when->version > 0 && item->version != when->version) {
        return 412;
    }
    return store_in_model(item, item->tags, content);
}

static void step_patch(void)
{
    char url[96];
    char body[96];
    char headers[160];
    int first = 0;
    int want;
    const int content = (int)dice(3);
    (void)snprintf(body, sizeof body, "{\"multipleBirthInteger\":%d}", content);
    if (dice(2) == 0) {
        model_resource *item = roll_resource();
        const guard when = roll_guard(item, false);
        want = patch_in_model(item, &when, content);
        (void)snprintf(url, sizeof url, "Patient/%s", item->id);
        write_guard(headers, sizeof headers, &when, "Content-Type: application/merge-patch+json");
    } else {
        const unsigned tag = dice(TAGS);
        const guard when = {0, false, false};
        const int found = matches(tag, &first);
        want = found == 0   ? 404
               : found == 1 ? patch_in_model(&world.items[first], &when, content)
                            : 412;
        (void)snprintf(url, sizeof url, "Patient?identifier=t%u", tag);
        write_guard(headers, sizeof headers, &when, "Content-Type: application/merge-patch+json");
    }
    (void)do_step("PATCH", url, headers, body, want);
}

static void step_delete_where(void)
{
    char url[96];
    int first = 0;
    const unsigned tag = dice(TAGS);
    const bool all = dice(3) == 0;
    const int found = matches(tag, &first);
    (void)snprintf(url, sizeof url, "Patient?identifier=t%u%s", tag, all ? "&_count=100" : "");
    if (found == 1 || all) {
        for (int i = 0; i < world.count; i++) {
            if (is_current(&world.items[i]) && (world.items[i].tags & (1u << tag)) != 0) {
                delete_in_model(&world.items[i], false);
            }
        }
    }
    (void)do_step("DELETE", url, "", NULL, found > 1 && !all ? 412 : 204);
}

static void step_read(void)
{
    char url[96];
    char headers[64] = "Accept: application/fhir+json";
    const model_resource *item = roll_resource();
    int want = !item->exists ? 404 : item->is_deleted ? 410 : 200;
    const int version = 1 + (int)dice((unsigned)item->version + 2);
    if (dice(2) == 0) {
        (void)snprintf(url, sizeof url, "Patient/%s", item->id);
        (void)snprintf(headers, sizeof headers, "If-None-Match: W/\"%d\"", version);
        want = want == 200 && version == item->version ? 304 : want;
    } else {
        (void)snprintf(url, sizeof url, "Patient/%s/_history/%d", item->id, version);
        want = !item->exists || version < item->oldest || version > item->version ? 404
               : item->was_deletion[version]                                      ? 410
                                                                                  : 200;
    }
    (void)do_step("GET", url, headers, NULL, want);
}

static void step_purge(void)
{
    char url[96];
    model_resource *item = roll_resource();
    (void)snprintf(url, sizeof url, "Patient/%s/$purge-history", item->id);
    (void)do_step("POST", url, "", NULL, item->exists ? 204 : 404);
    item->oldest = item->version;
}

/* A conditional create and an update by id in one: both or neither. */
static void step_transaction(void)
{
    char bundle[2048];
    char created[512];
    char updated[512];
    char if_match[64] = "";
    int first = 0;
    model_resource *item = &world.items[dice(NAMED)];
    const unsigned tag = dice(TAGS);
    const unsigned tags = dice(1u << TAGS);
    const int content = (int)dice(3);
    const guard when = roll_guard(item, false);
    const int found = matches(tag, &first);
    int want = found > 1                                   ? 412
               : found == 1 && &world.items[first] == item ? 400
               : holds(&when, item)                        ? 200
                                                           : 412;
    write_body(created, sizeof created, NULL, 1u << tag, content);
    write_body(updated, sizeof updated, item->id, tags, content);
    if (when.any) {
        (void)snprintf(if_match, sizeof if_match, ",\"ifMatch\":\"*\"");
    } else if (when.version > 0) {
        (void)snprintf(if_match, sizeof if_match, ",\"ifMatch\":\"W/\\\"%d\\\"\"", when.version);
    }
    (void)snprintf(bundle, sizeof bundle,
                   "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{\"resource\":"
                   "%s,\"request\":{\"method\":\"PUT\",\"url\":\"Patient/%s\"%s}},{\"resource\":%s,"
                   "\"request\":{\"method\":\"POST\",\"url\":\"Patient\",\"ifNoneExist\":"
                   "\"identifier=t%u\"}}]}",
                   updated, item->id, if_match, created, tag);
    reply answer = do_step("POST", "", "", bundle, want);
    if (want == 200) {
        const bool makes_new = found == 0;
        (void)store_in_model(item, tags, content);
        if (makes_new) {
            const char *id = text_at(&answer, "entry.1.resource.id");
            ck_assert_ptr_nonnull(id);
            (void)store_in_model(add_resource(id), 1u << tag, content);
        }
    }
}

/* ---- the end ---- */

static void compare_resource(const model_resource *item)
{
    char body[512];
    reply answer = read_one("Patient", item->id);
    int want = !item->exists ? 404 : item->is_deleted ? 410 : 200;
    ck_assert_msg(answer.http == want, "seed %lu: %s: %d, the model says %d", seed, item->id,
                  (int)answer.http, want);
    if (want == 200) {
        char number[16];
        (void)snprintf(number, sizeof number, "%d", item->version);
        expect_text(answer, "meta.versionId", number);
        (void)snprintf(number, sizeof number, "%d", item->content);
        expect_text(answer, "multipleBirthInteger", number);
        write_body(body, sizeof body, NULL, item->tags, item->content);
    }
    if (item->exists) {
        char total[16];
        (void)snprintf(total, sizeof total, "%d", item->version - item->oldest + 1);
        expect_text(history("Patient", item->id, "_count=0"), "total", total);
    }
}

static void compare_all(void)
{
    int current = 0;
    for (int i = 0; i < world.count; i++) {
        compare_resource(&world.items[i]);
        current += is_current(&world.items[i]);
        forget_replies();
    }
    ck_assert_int_eq(count_of("Patient", ""), current);
    for (unsigned tag = 0; tag < TAGS; tag++) {
        char query[32];
        int first;
        (void)snprintf(query, sizeof query, "identifier=t%u", tag);
        ck_assert_int_eq(count_of("Patient", query), matches(tag, &first));
    }
    expect_sound(store);
}

static void run_steps(int steps)
{
    static void (*const kinds[])(void) = {
        step_put,          step_put,          step_delete,       step_create_where,
        step_update_where, step_patch,        step_read,         step_delete_where,
        step_transaction,  step_create_where, step_update_where,
    };
    random_state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    memset(&world, 0, sizeof world);
    for (int i = 0; i < NAMED; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "p%d", i);
        (void)add_resource(id);
    }
    for (step_number = 0; step_number < steps && world.count < MOST - 2; step_number++) {
        if (dice(40) == 0) {
            step_purge();
        } else {
            kinds[dice(sizeof kinds / sizeof kinds[0])]();
        }
        forget_replies();
    }
}

START_TEST(random_steps)
{
    const char *given = getenv("FHIRSTORE_TEST_SEED");
    const bool is_long = getenv("FHIRSTORE_TEST_LONG") != NULL;
    seed = given != NULL ? strtoul(given, NULL, 10) : (unsigned long)_i + 1;
    if (_i >= (is_long ? 12 : 6)) {
        return;
    }
    for (int i = 0; i < SESSIONS; i++) {
        sessions[i] = must_enter(store, FHIRSTORE_SESSION_ALLOW_EVERYTHING, "writer");
    }
    run_steps(is_long ? 2000 : 500);
    compare_all();
    for (int i = 0; i < SESSIONS; i++) {
        fhirstore_session_close(sessions[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model");
    TCase *steps = tcase_create("steps");
    tcase_set_timeout(steps, 170);
    tcase_add_checked_fixture(steps, setup_store, teardown);
    tcase_add_loop_test(steps, random_steps, 0, 12);
    suite_add_tcase(suite, steps);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
