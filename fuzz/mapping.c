/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device mapping, a FHIR mapping and messages, with lines of "---" between them: whatever the
 * texts are, what loads is tried on the messages, and what does not tells faults that have a place.
 */
#include <string.h>

#include "base/utf8.h"
#include "iot/check.h"
#include "law.h"

static const char sample[] =
    "{\"Body\":{\"device\":\"d\",\"wearer\":\"w\",\"time\":\"2024-03-01T13:00:00Z\",\"bpm\":71,"
    "\"list\":[{\"at\":\"2024-03-01T13:00:05Z\",\"v\":\"1.50\"},{\"at\":0,\"v\":null}]},"
    "\"Properties\":{},\"SystemProperties\":{\"iothub-connection-device-id\":\"x\","
    "\"iothub-enqueuedtime\":\"2024-03-01T13:00:09Z\"}}";

/* What stands before the next line of dashes; the rest behind it. */
static fhs_str take_section(fhs_str *rest)
{
    static const fhs_str dashes = FHS_LIT_INIT("\n---\n");
    size_t at = fhs_str_find(*rest, dashes);
    fhs_str section = fhs_str_of(rest->ptr, at < rest->len ? at : rest->len);
    *rest = fhs_str_from(*rest, section.len + dashes.len);
    return section;
}

static fhs_iot_mapping *load_section(bool is_fhir, fhs_str text)
{
    fhs_iot_mapping *mapping = NULL;
    fhirstore_error *err = NULL;
    uint32_t lines = 1;
    fhirstore_status status = fhs_iot_mapping_new(is_fhir, text, 0, &mapping, &err);
    FUZZ_LAW(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY);
    FUZZ_LAW((mapping != NULL) == (status == FHIRSTORE_OK));
    fhs_error_free(err);
    for (size_t i = 0; i < text.len; i++) {
        lines += text.ptr[i] == '\n';
    }
    const fhs_iot_fault *fault = mapping == NULL ? NULL : mapping->faults.first;
    for (; fault != NULL; fault = fault->next) {
        FUZZ_LAW(fault->kind != NULL && fault->message.len > 0 && fault->line <= lines);
    }
    return mapping;
}

static void try_mappings(const fhs_iot_mapping *device, const fhs_iot_mapping *fhir,
                         fhs_str messages)
{
    fhs_arena arena;
    fhs_iot_faults faults;
    fhirstore_error *err = NULL;
    fhs_buf report = FHS_BUF_INIT((size_t)64 << 20);
    fhs_arena_init(&arena, (size_t)64 << 20);
    fhs_iot_faults_init(&faults, &arena);
    const fhs_iot_checking checking = {
        .device = &device->device, .fhir = &fhir->fhir, .faults = &faults};
    fhirstore_status status = fhs_iot_check(&checking, messages, &err);
    FUZZ_LAW(status == FHIRSTORE_OK || status == FHIRSTORE_ERR_NO_MEMORY);
    fhs_error_free(err);
    fhs_iot_faults_write(&faults, &report);
    FUZZ_LAW(fhs_utf8_valid_prefix(fhs_buf_str(&report)) == report.len);
    fhs_buf_clear(&report);
    fhs_arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fhs_str rest = fhs_str_of((const char *)data, size);
    fhs_str device_text = take_section(&rest);
    fhs_str fhir_text = take_section(&rest);
    fhs_iot_mapping *device = load_section(false, device_text);
    fhs_iot_mapping *fhir = load_section(true, fhir_text);
    if (device != NULL && fhir != NULL) {
        try_mappings(device, fhir, rest.len == 0 ? FHS_LIT(sample) : rest);
    }
    fhs_iot_mapping_free(device);
    fhs_iot_mapping_free(fhir);
    return 0;
}
