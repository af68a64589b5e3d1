/* SPDX-License-Identifier: Apache-2.0 */
/* The store's numbers for the definitions' types and parameters, read when first needed. */
#include <stdatomic.h>

#include "base/mem.h"
#include "index/index_internal.h"

/* Of a store's types, the highest number that the way back knows. */
#define TYPE_NUMBER_MAX 65536

typedef struct param_number {
    fhs_sparam param; /* FHS_SPARAM_NONE: a free place */
    uint32_t number;
} param_number;

/* Parameters of one type: open addressing by parameter. */
typedef struct param_table {
    uint32_t mask;
    param_number places[];
} param_table;

struct fhs_catalog {
    fhs_catalog *base; /* NULL, or the one whose types and other parameters this one uses */
    const uint32_t *late;
    size_t late_count;
    const fhs_fhir *fhir;
    size_t type_count;
    int32_t *numbers; /* by type */
    fhs_type *back;   /* by number */
    int32_t back_count;
    bool is_complete;
    _Atomic(param_table *) *params; /* by type */
};

static fhirstore_status load_types(fhs_catalog *catalog, fhs_conn *conn, fhirstore_error **err)
{
    int32_t max = 0;
    for (size_t i = 0; i < catalog->type_count; i++) {
        fhs_type type = (fhs_type)i;
        if (!fhs_type_is_resource(catalog->fhir, type)) {
            continue;
        }
        fhirstore_status status = fhs_typenum_find(conn, fhs_type_name(catalog->fhir, type),
                                                   &catalog->numbers[i], err);
        if (status != FHIRSTORE_OK) {
            return status;
        }
        max = catalog->numbers[i] > max ? catalog->numbers[i] : max;
    }
    if (max >= TYPE_NUMBER_MAX) {
        return fhs_fail(err, FHIRSTORE_ERR_CORRUPT, "a type has an impossible number");
    }
    fhs_type *back = fhs_calloc((size_t)max + 1, sizeof *back);
    if (back == NULL) {
        return fhs_fail_memory(err);
    }
    for (int32_t i = 0; i <= max; i++) {
        back[i] = FHS_TYPE_NONE;
    }
    for (size_t i = 0; i < catalog->type_count; i++) {
        if (catalog->numbers[i] > 0) {
            back[catalog->numbers[i]] = (fhs_type)i;
        }
    }
    fhs_free(catalog->back);
    catalog->back = back;
    catalog->back_count = max + 1;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_catalog_open(const fhs_fhir *fhir, fhs_conn *conn, fhs_catalog **out,
                                  fhirstore_error **err)
{
    *out = NULL;
    fhs_catalog *catalog = fhs_calloc(1, sizeof *catalog);
    if (catalog == NULL) {
        return fhs_fail_memory(err);
    }
    catalog->fhir = fhir;
    catalog->type_count = fhs_type_count(fhir);
    catalog->numbers = fhs_calloc(catalog->type_count, sizeof *catalog->numbers);
    catalog->params = fhs_calloc(catalog->type_count, sizeof *catalog->params);
    fhirstore_status status = FHIRSTORE_OK;
    if (catalog->numbers == NULL || catalog->params == NULL) {
        status = fhs_fail_memory(err);
    }
    if (status == FHIRSTORE_OK) {
        status = fhs_install_is_done(fhir, conn, &catalog->is_complete, err);
    }
    if (status == FHIRSTORE_OK) {
        status = load_types(catalog, conn, err);
    }
    if (status != FHIRSTORE_OK) {
        fhs_catalog_free(catalog);
        return status;
    }
    *out = catalog;
    return FHIRSTORE_OK;
}

static void drop_params(fhs_catalog *catalog)
{
    for (size_t i = 0; i < catalog->type_count; i++) {
        fhs_free(atomic_exchange(&catalog->params[i], NULL));
    }
}

void fhs_catalog_free(fhs_catalog *catalog)
{
    if (catalog == NULL) {
        return;
    }
    if (catalog->params != NULL) {
        drop_params(catalog);
    }
    fhs_free(catalog->params);
    if (catalog->base == NULL) {
        fhs_free(catalog->numbers);
        fhs_free(catalog->back);
    }
    fhs_free(catalog);
}

fhirstore_status fhs_catalog_over(fhs_catalog *base, const fhs_fhir *fhir, const uint32_t *late,
                                  size_t late_count, fhs_catalog **out, fhirstore_error **err)
{
    fhs_catalog *catalog = fhs_calloc(1, sizeof *catalog);
    *out = NULL;
    if (catalog == NULL) {
        return fhs_fail_memory(err);
    }
    *catalog = *base;
    catalog->base = base;
    catalog->fhir = fhir;
    catalog->late = late;
    catalog->late_count = late_count;
    catalog->params = fhs_calloc(catalog->type_count, sizeof *catalog->params);
    if (catalog->params == NULL) {
        fhs_catalog_free(catalog);
        return fhs_fail_memory(err);
    }
    *out = catalog;
    return FHIRSTORE_OK;
}

bool fhs_catalog_is_late(const fhs_catalog *catalog, uint32_t number)
{
    size_t low = 0;
    size_t high = catalog->late_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (catalog->late[middle] < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < catalog->late_count && catalog->late[low] == number;
}

bool fhs_catalog_is_complete(const fhs_catalog *catalog)
{
    return catalog->is_complete;
}

fhirstore_status fhs_catalog_install(fhs_catalog *catalog, fhs_conn *writer, fhirstore_error **err)
{
    fhirstore_status status = fhs_install(catalog->fhir, writer, err);
    if (status == FHIRSTORE_OK) {
        drop_params(catalog);
        status = load_types(catalog, writer, err);
    }
    catalog->is_complete = status == FHIRSTORE_OK;
    return status;
}

const fhs_fhir *fhs_catalog_fhir(const fhs_catalog *catalog)
{
    return catalog->fhir;
}

int32_t fhs_catalog_type(const fhs_catalog *catalog, fhs_type type)
{
    return type < catalog->type_count ? catalog->numbers[type] : 0;
}

fhs_type fhs_catalog_type_back(const fhs_catalog *catalog, int32_t number)
{
    return number > 0 && number < catalog->back_count ? catalog->back[number] : FHS_TYPE_NONE;
}

typedef struct table_load {
    const fhs_fhir *fhir;
    fhs_type type;
    param_table *table;
} table_load;

static uint32_t param_place(const param_table *table, fhs_sparam param)
{
    uint32_t at = (param * 0x9E3779B1u >> 16) & table->mask;
    while (table->places[at].param != FHS_SPARAM_NONE && table->places[at].param != param) {
        at = (at + 1) & table->mask;
    }
    return at;
}

static bool load_param(void *ctx, fhs_str code, uint32_t number)
{
    table_load *load = ctx;
    fhs_sparam param = fhs_sparam_find(load->fhir, load->type, code);
    if (param != FHS_SPARAM_NONE) {
        uint32_t at = param_place(load->table, param);
        load->table->places[at] = (param_number){param, number};
    }
    return true;
}

static fhirstore_status load_params(fhs_catalog *catalog, fhs_conn *conn, fhs_type type,
                                    param_table **out, fhirstore_error **err)
{
    const fhs_sparam *list = NULL;
    size_t count = fhs_sparam_list(catalog->fhir, type, &list);
    uint32_t size = 4;
    while (size < count * 2) {
        size *= 2;
    }
    param_table *table = fhs_alloc(sizeof *table + size * sizeof(param_number));
    if (table == NULL) {
        return fhs_fail_memory(err);
    }
    table->mask = size - 1;
    for (uint32_t i = 0; i < size; i++) {
        table->places[i] = (param_number){FHS_SPARAM_NONE, 0};
    }
    table_load load = {catalog->fhir, type, table};
    fhirstore_status status = fhs_paramnum_each(conn, catalog->numbers[type], load_param, &load,
                                                err);
    if (status != FHIRSTORE_OK) {
        fhs_free(table);
        return status;
    }
    param_table *other = NULL;
    if (!atomic_compare_exchange_strong(&catalog->params[type], &other, table)) {
        fhs_free(table);
        table = other;
    }
    *out = table;
    return FHIRSTORE_OK;
}

fhirstore_status fhs_catalog_param(fhs_catalog *catalog, fhs_conn *conn, fhs_type type,
                                   fhs_sparam param, uint32_t *number_out, fhirstore_error **err)
{
    *number_out = 0;
    if (fhs_catalog_type(catalog, type) == 0 || param == FHS_SPARAM_NONE) {
        return FHIRSTORE_OK;
    }
    if (catalog->base != NULL && !fhs_sparam_has_extra(catalog->fhir, type)) {
        catalog = catalog->base;
    }
    param_table *table = atomic_load_explicit(&catalog->params[type], memory_order_acquire);
    if (table == NULL) {
        fhirstore_status status = load_params(catalog, conn, type, &table, err);
        if (status != FHIRSTORE_OK) {
            return status;
        }
    }
    *number_out = table->places[param_place(table, param)].number;
    return FHIRSTORE_OK;
}
