/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two stores that a guest cannot tell apart if restrictions hold: what it may see is the same in
 * both, what is hidden from it is not. Every question goes to both, and the answers must be the
 * same bytes, new ids and sealed page links aside. Both have the same clock.
 */
#ifndef FHS_TEST_TWINS_H
#define FHS_TEST_TWINS_H

#include "harness.h"

enum {
    TWIN_FIRST = 1,
    TWIN_SECOND = 2,
    TWIN_BOTH = 3,
};

typedef struct twin {
    char path[96];
    fhirstore *store;
    fhirstore_session *owner;
    fhirstore_session *guest;
} twin;

extern twin twins[2];

/* Open both, empty, in the test's folder (setup_folder() is the fixture). */
void open_twins(void);
/* A guest with these claims on both, under the policy (NULL: the default one). */
void enter_twins(const char *policy, const char *claims);
void close_twins(void);
/* The owner stores a resource in one or both. */
void put_twin(int which, const char *type, const char *id, const char *body);
/* A moment passes on the stores' clock. */
void tick_twins(void);

/*
 * The guest's question to both; the answer of the first. Fails the test, with @a label, where they
 * differ.
 */
reply ask_twins(const char *label, const char *method, const char *url, const char *headers,
                const char *body);
/* Whether the answers differ. */
bool twins_differ(const char *method, const char *url, const char *headers, const char *body);
/* The last answer as it was compared: status, headers and body. Borrowed until the next question. */
const char *twins_answer(void);
/* The next page of the last answers, each store's own link; false: there is none. */
bool next_of_twins(const char *label);

#endif
