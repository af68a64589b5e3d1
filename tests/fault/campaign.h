/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the campaigns of allocation and of I/O failures share: a table of calls in which every
 * public function stands, a store to try them on, and the judgement of what a failure has left.
 */
#ifndef FHS_TEST_CAMPAIGN_H
#define FHS_TEST_CAMPAIGN_H

#include "harness.h"

typedef enum call_trait {
    CALL_MAKES_IDS = 1,   /* only the numbers of things can be compared */
    CALL_ONCE = 2,        /* not to be made again on the same store */
    CALL_PLAIN_AFTER = 4, /* the store is not encrypted afterwards */
    CALL_MAY_DENY = 8,    /* a callback that fails denies */
    CALL_PLAIN_FILE = 64, /* writes a file in which a short read shows nowhere */
    CALL_IN_STEPS = 32,   /* how far the index has come is not compared */
    CALL_NEW_STORE = 16,  /* and slots of its own */
} call_trait;

/* One or more public functions, called as a host does. */
typedef struct public_call {
    const char *name;
    const char *functions; /* their names, without "fhirstore_", with blanks between */
    fhirstore_status (*run)(void);
    unsigned traits;
    const uint8_t *key_after; /* opens the store afterwards, if the_key does not */
} public_call;

extern const public_call served_calls[]; /* end in one without a name */
extern const public_call store_calls[];
size_t call_count(void);
const public_call *call_at(size_t index);
/* FHS_FAULT_CALLS holds a part of its name, or is not set. */
bool is_call_wanted(const public_call *call);

/* FHIRSTORE_TEST_LONG=1: every allocation, every operation. */
bool is_campaign_long(void);
/* From FHS_TEST_SEED or the clock; printed. */
void take_campaign_seed(const char *what);
uint32_t throw_campaign_dice(uint32_t below);

/* ---- the store ---- */

#define PARAMETER(id, type, expression)                                                        \
    "{\"resourceType\":\"SearchParameter\",\"id\":\"" id "\",\"url\":\"http://example.org/" id \
    "\",\"name\":\"" id "\",\"status\":\"active\",\"description\":\"d\",\"code\":\"x-" id      \
    "\",\"base\":[\"Patient\"],\"type\":\"" type "\",\"expression\":\"" expression "\"}"

/* The clock stands, so that a call does the same each time. */
extern int64_t fixed_time;
extern const uint8_t spare_key[KEY_BYTES]; /* of the second slot, which has number 2 */
fhirstore_open_options fixed_options(void);
void open_fixed(void);
void close_fixed(void);
void setup_template(void);
void teardown_template(void);
/* The file as setup_template left it; nothing else in the folder. */
void restore_template(void);
/* Owned by the caller. */
char *state_of_call(const public_call *call);

/* ---- what is left ---- */

/* The state of what is left of a call that went well; nothing is open before and after. */
char *state_left(const public_call *call);
/*
 * The open store holds what it held before, or after; if @a status is a success, after. @a what
 * names the failure.
 */
void check_state(const public_call *call, const char *what, fhirstore_status status,
                 const char *before, const char *after);
/* Open what is left with one of the keys, look it through, and look at copies; nothing is open
 * afterwards. @a mends: a torn copy of the header, which verify tells of, is written first. */
void check_left(const public_call *call, const char *what, fhirstore_status status,
                const char *before, const char *after, bool mends);

/* Within a call, where memory may be short: Check's own assertions allocate. */
void must_hold(bool condition, const char *what);

/* ---- asking ---- */

/* An answer that may also be a refusal of the request entry. */
fhirstore_status judge(fhirstore_status status, fhirstore_response *response);
fhirstore_status run_request(const char *method, const char *url, const char *body);
fhirstore_status run_with_header(const char *method, const char *url, const char *name,
                                 const char *value, const char *body);

#endif
