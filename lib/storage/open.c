/* SPDX-License-Identifier: Apache-2.0 */
/* A store comes and goes. */
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "storage/patient_internal.h"

#define CHEAP_KDF_MEMORY_KIB 8192u
#define CHEAP_KDF_PASSES     1u

static const char *plain_vfs_name(const fhs_storage_options *options)
{
    if (options->base_vfs != NULL) {
        return options->base_vfs;
    }
    return options->multi_process ? "unix" : "unix-excl";
}

static fhirstore_status open_plain(fhs_storage *storage, bool *create, fhirstore_error **err)
{
    const char *name = plain_vfs_name(&storage->options);
    sqlite3_vfs *vfs = sqlite3_vfs_find(name);
    if (vfs == NULL || strlen(name) >= sizeof storage->vfs_name) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "there is no such VFS");
    }
    memcpy(storage->vfs_name, name, strlen(name) + 1);
    int exists = 0;
    int rc = vfs->xAccess(vfs, storage->path, SQLITE_ACCESS_EXISTS, &exists);
    if (rc != SQLITE_OK) {
        return fhs_fail_plain(err, fhs_sqlite_status(rc));
    }
    if (exists == 0 && (!*create || storage->options.read_only)) {
        return fhs_fail(err, FHIRSTORE_ERR_NOT_FOUND, "there is no such file");
    }
    return FHIRSTORE_OK;
}

static fhirstore_status open_sealed(fhs_storage *storage, const fhs_storage_options *options,
                                    bool *create, fhirstore_error **err)
{
    fhs_vfs_options sealed = {
        .credential = {.raw_key = options->key,
                       .raw_key_len = options->key == NULL ? 0 : FHS_KEYS_KEY_BYTES,
                       .passphrase = options->passphrase.ptr,
                       .passphrase_len = options->passphrase.len,
                       .secret_key = options->recipient_key,
                       .ask = options->ask_key,
                       .ask_ctx = options->ask_key_ctx,
                       .key_id = options->key_id},
        .kdf_cost = options->kdf_cost,
        .create = options->create && !options->read_only,
        .read_only = options->read_only,
        .multi_process = options->multi_process,
        .base_vfs = options->base_vfs,
    };
    if (options->cheap_kdf) {
        sealed.kdf_cost = (fhs_key_cost){CHEAP_KDF_MEMORY_KIB, CHEAP_KDF_PASSES, 0};
    }
    fhirstore_status status = fhs_vfs_open(storage->path, &sealed, &storage->vfs, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    const char *name = fhs_vfs_name(storage->vfs);
    if (strlen(name) >= sizeof storage->vfs_name) {
        return fhs_fail(err, FHIRSTORE_ERR_INTERNAL, "the name of the VFS is too long");
    }
    memcpy(storage->vfs_name, name, strlen(name) + 1);
    *create = sealed.create;
    return FHIRSTORE_OK;
}

/* Paths that SQLite would read as a URI get a harmless prefix. */
static char *copy_path(fhs_str path)
{
    bool is_uri = fhs_str_starts_with(path, FHS_LIT("file:"));
    size_t size;
    if (!fhs_size_add(path.len, 3, &size)) {
        return NULL;
    }
    char *copy = fhs_alloc(size);
    if (copy != NULL) {
        size_t at = 0;
        if (is_uri) {
            copy[at++] = '.';
            copy[at++] = '/';
        }
        memcpy(copy + at, path.ptr, path.len);
        copy[at + path.len] = '\0';
    }
    return copy;
}

static fhirstore_status new_storage(const fhs_storage_options *options, fhs_storage **out,
                                    fhirstore_error **err)
{
    if (options->path.len == 0 || memchr(options->path.ptr, 0, options->path.len) != NULL) {
        return fhs_fail(err, FHIRSTORE_ERR_INVALID_ARG, "the path of the store is not valid");
    }
    fhs_storage *storage = fhs_calloc(1, sizeof *storage);
    if (storage == NULL) {
        return fhs_fail_memory(err);
    }
    storage->options = *options;
    storage->options.key = NULL;
    storage->options.passphrase = FHS_STR_NONE;
    storage->options.recipient_key = NULL;
    storage->options.ask_key = NULL;
    storage->options.key_id = FHS_STR_NONE;
    storage->options.path = FHS_STR_NONE;
    pthread_condattr_t attr;
    (void)pthread_mutex_init(&storage->mutex, NULL);
    (void)pthread_mutex_init(&storage->suspend_lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&storage->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    storage->path = copy_path(options->path);
    if (storage->path == NULL) {
        fhs_storage_close(storage);
        return fhs_fail_memory(err);
    }
    *out = storage;
    return FHIRSTORE_OK;
}

/* At opening a file that another process holds is told apart from one that is merely busy. */
static fhirstore_status judge_open_failure(fhirstore_status status, fhirstore_error **err)
{
    if (status != FHIRSTORE_ERR_BUSY) {
        return status;
    }
    return fhs_fail_plain(err, FHIRSTORE_ERR_IN_USE);
}

fhirstore_status fhs_storage_open(const fhs_storage_options *options, fhs_storage **storage_out,
                                  fhirstore_error **err)
{
    fhs_storage *storage = NULL;
    *storage_out = NULL;
    fhirstore_status status = new_storage(options, &storage, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    bool create = options->create;
    status = options->plaintext ? open_plain(storage, &create, err)
                                : open_sealed(storage, options, &create, err);
    if (status == FHIRSTORE_OK) {
        status = fhs_conn_new(storage, true, create, &storage->writer, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_schema_prepare(storage->writer, create, err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_patient_open(storage, storage->writer, err);
    }
    if (status != FHIRSTORE_OK) {
        fhs_storage_close(storage);
        return judge_open_failure(status, err);
    }
    *storage_out = storage;
    return FHIRSTORE_OK;
}

void fhs_storage_close(fhs_storage *storage)
{
    if (storage == NULL) {
        return;
    }
    fhs_storage_drop_connections(storage);
    fhs_patient_close(storage);
    fhs_vfs_close(storage->vfs);
    (void)pthread_cond_destroy(&storage->changed);
    (void)pthread_mutex_destroy(&storage->mutex);
    (void)pthread_mutex_destroy(&storage->suspend_lock);
    fhs_free(storage->path);
    fhs_free(storage);
}

int32_t fhs_storage_fhir_version(const fhs_storage *storage)
{
    return storage->fhir_version;
}

bool fhs_storage_is_encrypted(const fhs_storage *storage)
{
    return storage->vfs != NULL;
}

bool fhs_storage_is_shared(const fhs_storage *storage)
{
    return storage->options.multi_process;
}

struct fhs_vfs *fhs_storage_vfs(fhs_storage *storage)
{
    return storage->vfs;
}

fhirstore_status fhs_storage_checkpoint(fhs_storage *storage, fhirstore_error **err)
{
    fhs_conn *conn;
    fhirstore_status status = fhs_storage_writer(storage, &conn, err);
    if (status != FHIRSTORE_OK) {
        return status;
    }
    int rc = sqlite3_wal_checkpoint_v2(conn->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    status = fhs_sql_fail(conn, rc, err);
    fhs_conn_release(conn);
    return status;
}
