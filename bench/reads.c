/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads by id from C, to hold the bindings' against: bench_reads STORE ID ROUNDS prints nanoseconds
 * of processor time a read. The store is plain; bench/reads.py makes it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fhirstore/fhirstore.h>

static long long processor_ns(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int read_often(fhirstore_session *session, const char *id, int rounds)
{
    size_t len = strlen(id);
    size_t total = 0;
    long long begun = processor_ns();
    for (int i = 0; i < rounds; i++) {
        fhirstore_response *answer = NULL;
        size_t body_len = 0;
        if (fhirstore_read(session, "Patient", 7, id, len, &answer, NULL) != FHIRSTORE_OK) {
            return 1;
        }
        (void)fhirstore_response_body(answer, &body_len);
        total += body_len;
        fhirstore_response_free(answer);
    }
    (void)printf("%lld\n", (processor_ns() - begun) / rounds);
    return total > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    fhirstore_open_options options = FHIRSTORE_OPEN_OPTIONS_INIT;
    fhirstore_session_options everything = FHIRSTORE_SESSION_OPTIONS_INIT;
    fhirstore *store = NULL;
    fhirstore_session *session = NULL;
    int result = 1;
    options.flags = FHIRSTORE_OPEN_PLAINTEXT;
    everything.flags = FHIRSTORE_SESSION_ALLOW_EVERYTHING;
    if (argc == 4 && fhirstore_open(argv[1], strlen(argv[1]), &options, &store, NULL) >= 0 &&
        fhirstore_session_open(store, &everything, &session, NULL) >= 0) {
        result = read_often(session, argv[2], atoi(argv[3]));
    }
    fhirstore_session_close(session);
    fhirstore_close(store);
    return result;
}
