/* SPDX-License-Identifier: Apache-2.0 */
/* Threads share a store, each with a session: one writes at a time, readers never wait. */
#include <pthread.h>

#include "store.h"

#define WRITERS 3
#define READERS 3
#define WRITES  50

static const char zero[] = "{\"resourceType\":\"Basic\",\"id\":\"c\",\"code\":{\"text\":\"0\"}}";

typedef struct worker {
    fhirstore *store;
    pthread_t thread;
    int status;
} worker;

/* All count up one counter: each change says which version it is a change of, so none is lost. */
static int count_up(fhirstore_session *session)
{
    for (;;) {
        char body[200];
        fhirstore_write_options condition = FHIRSTORE_WRITE_OPTIONS_INIT;
        fhirstore_response *response;
        if (fhirstore_read(session, FHIRSTORE_LIT("Basic"), FHIRSTORE_LIT("c"), &response, NULL) <
            FHIRSTORE_OK) {
            return 1;
        }
        condition.if_version = fhirstore_response_version(response);
        fhirstore_response_free(response);
        snprintf(body, sizeof(body),
                 "{\"resourceType\":\"Basic\",\"id\":\"c\",\"code\":{\"text\":\"%d\"}}",
                 (int)condition.if_version);
        fhirstore_status status = fhirstore_update(session, FHIRSTORE_LIT("Basic"),
                                                   FHIRSTORE_LIT("c"), body, strlen(body),
                                                   &condition, &response, NULL);
        fhirstore_response_free(response);
        if (status != FHIRSTORE_ERR_PRECONDITION) { /* somebody was faster: look again */
            return status < FHIRSTORE_OK;
        }
    }
}

static void *write_some(void *arg)
{
    worker *self = arg;
    fhirstore_session *session = open_operator(self->store);
    self->status = session == NULL;
    for (int i = 0; self->status == 0 && i < WRITES; i++) {
        self->status = count_up(session);
    }
    fhirstore_session_close(session);
    return NULL;
}

static void *read_some(void *arg)
{
    worker *self = arg;
    fhirstore_session *session = open_operator(self->store);
    int64_t found = 0;
    self->status = session == NULL;
    for (int i = 0; self->status == 0 && i < WRITES; i++) {
        self->status = fhirstore_search_count(session, FHIRSTORE_LIT("Basic"), FHIRSTORE_LIT(""),
                                              &found, NULL) < FHIRSTORE_OK ||
                       found != 1;
    }
    fhirstore_session_close(session);
    return NULL;
}

int main(int argc, char **argv)
{
    worker workers[WRITERS + READERS] = {{0}};
    fhirstore *store = open_example(argc, argv, "threads.fhirstore");
    fhirstore_session *session = store == NULL ? NULL : open_operator(store);
    fhirstore_response *response = NULL;
    int begun = 0, status = session == NULL || put(session, "Basic", "c", zero);
    for (; status == 0 && begun < WRITERS + READERS; begun += status == 0) {
        worker *next = &workers[begun];
        next->store = store;
        status = pthread_create(&next->thread, NULL, begun < WRITERS ? write_some : read_some,
                                next);
    }
    for (int i = 0; i < begun; i++) {
        status = pthread_join(workers[i].thread, NULL) != 0 || workers[i].status || status;
    }
    if (status == 0 && fhirstore_read(session, FHIRSTORE_LIT("Basic"), FHIRSTORE_LIT("c"),
                                      &response, NULL) >= FHIRSTORE_OK) {
        int version = (int)fhirstore_response_version(response);
        printf("%d threads wrote %d times each: version %d\n", WRITERS, WRITES, version);
    }
    fhirstore_response_free(response);
    fhirstore_session_close(session);
    fhirstore_close(store);
    return status;
}
