/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shells around what the host holds. Each begins with a kind word that its free function
 * clears, so a freed or wrong handle is an error more often than a crash. Children count on their
 * store's shell, which therefore outlives the store itself: after the close they answer ERR_CLOSED.
 */
#ifndef FHS_API_HANDLE_H
#define FHS_API_HANDLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "bulk/bulk.h"
#include "fhirstore/fhirstore.h"
#include "interact/find.h"
#include "interact/interact.h"

#define FHS_KIND_STORE    0x46485331u
#define FHS_KIND_SESSION  0x46485332u
#define FHS_KIND_RESPONSE 0x46485333u
#define FHS_KIND_SEARCH   0x46485334u
#define FHS_KIND_IMPORT   0x46485335u

struct fhirstore {
    uint32_t kind;
    fhs_core *core;
    pthread_mutex_t lock;   /* guards what follows */
    pthread_cond_t is_idle; /* signalled when no call is inside any more */
    uint32_t calls;         /* calls inside the store */
    uint32_t holders;       /* the host's handle and each child */
    bool is_closed;
    /* Open cursors and imports hold connections that a close takes back: listed while inner is
     * there. */
    fhirstore_search *searches;
    fhirstore_import *imports;
};

struct fhirstore_session {
    uint32_t kind;
    fhirstore *store;
    fhs_session *inner;
};

struct fhirstore_search {
    uint32_t kind;
    fhirstore *store;
    fhs_search_cursor
        *inner; /* NULL once the store took it back; guarded by its lock, as the list is */
    fhirstore_search *next;
    fhirstore_search *previous;
};

struct fhirstore_import {
    uint32_t kind;
    fhirstore *store;
    fhs_import *inner; /* as of a search */
    fhirstore_import *next;
    fhirstore_import *previous;
};

/* Enter a call; ERR_CLOSED once the store is closed. Every OK is followed by a leave. */
fhirstore_status fhs_store_enter(fhirstore *store, fhirstore_error **err);
void fhs_store_leave(fhirstore *store);
/* One child more, one less; the last holder frees the shell. */
void fhs_store_hold(fhirstore *store);
void fhs_store_drop(fhirstore *store);

/* Enter through a session. ERR_INVALID_ARG for NULL or what is no session. */
fhirstore_status fhs_session_enter(fhirstore_session *session, fhirstore_error **err);
void fhs_session_leave(fhirstore_session *session);

/* What every shell does first: *err_out NULL, and an argument error where one is due. */
void fhs_api_begin(fhirstore_error **err_out);
fhirstore_status fhs_api_invalid(fhirstore_error **err_out, const char *what);
/* A pointer and length that belong together: NULL only with length 0. */
bool fhs_api_text(const char *ptr, size_t len, fhs_str *out);

/*
 * Take the inner object of a child out of the store's list, for whoever closes it: the child's own
 * close, or the store's. NULL when it was taken before. With the lock held.
 */
fhs_search_cursor *fhs_search_take(fhirstore_search *search);
fhs_import *fhs_import_take(fhirstore_import *import);

/* The size of a struct whose last member was @a last. */
#define FHS_ABI_SIZE(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))
/* What bindings rely on in each struct that may grow. */
#define FHS_ABI_HEAD(type)                                                                    \
    _Static_assert(offsetof(type, struct_size) == 0 && sizeof(((type *)0)->struct_size) == 4, \
                   "a struct that may grow begins with its size")

/* The defaults of an options struct of @a struct_size bytes: all zero. */
fhirstore_status fhs_abi_init(void *options, size_t struct_size, size_t known_size, size_t v1_size);
/* An absolute http or https URL that can stand in links and fullUrls as it is. */
bool fhs_api_is_base_url(fhs_str url);
/* A struct of ours into one of a caller that set its struct_size: what fits, zero behind. */
fhirstore_status fhs_abi_give(void *to, const void *from, size_t known_size, size_t v1_size);
/* A caller's options struct into one of ours, zero where the caller is older. */
fhirstore_status fhs_abi_copy(void *into, size_t known_size, size_t v1_size, const void *from,
                              fhirstore_error **err_out);

/* Wrap an answer (taken over in every case) for the host. */
fhirstore_status fhs_response_new(const fhs_session *session, fhs_answer *answer,
                                  fhirstore_status status, fhirstore_response **out,
                                  fhirstore_error **err_out);

#endif
