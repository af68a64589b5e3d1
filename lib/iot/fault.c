/* SPDX-License-Identifier: Apache-2.0 */
#include "iot/fault.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "json/json.h"

#define MESSAGE_MAX 1024u

void fhs_iot_faults_init(fhs_iot_faults *faults, fhs_arena *arena)
{
    *faults = (fhs_iot_faults){.arena = arena};
}

static fhs_iot_fault *append_fault(fhs_iot_faults *faults, const char *kind, const char *text,
                                   size_t len)
{
    fhs_iot_fault *fault = fhs_arena_calloc(faults->arena, 1, sizeof *fault);
    fhs_str message = fhs_arena_dup(faults->arena, fhs_str_of(text, len));
    if (fault == NULL || message.ptr == NULL) {
        faults->no_memory = true;
        return NULL;
    }
    fault->kind = kind;
    fault->is_fhir = faults->is_fhir;
    fault->message = message;
    fault->message_index = -1;
    fault->template_index = -1;
    fault->match_index = -1;
    fault->count = 1;
    if (faults->last == NULL) {
        faults->first = fault;
    } else {
        faults->last->next = fault;
    }
    faults->last = fault;
    faults->count++;
    faults->error_count++;
    return fault;
}

/* A text that was cut must not end within a character. */
static size_t whole_characters(const char *text, size_t len)
{
    size_t at = len;
    while (at > 0 && ((unsigned char)text[at - 1] & 0xC0) == 0x80) {
        at--;
    }
    if (at == 0 || (unsigned char)text[at - 1] < 0x80) {
        return len;
    }
    unsigned char lead = (unsigned char)text[at - 1];
    size_t needed = lead >= 0xF0 ? 4u : lead >= 0xE0 ? 3u : 2u;
    return len - (at - 1) < needed ? at - 1 : len;
}

fhs_iot_fault *fhs_iot_fault_add(fhs_iot_faults *faults, const char *kind, const char *format, ...)
{
    static const char too_many[] = "there are more faults than are listed (FHS_LIMIT_IOT_FAULTS)";
    char text[MESSAGE_MAX];
    if (faults->count >= FHS_LIMIT_IOT_FAULTS) {
        if (faults->count == FHS_LIMIT_IOT_FAULTS) {
            (void)append_fault(faults, FHS_IOT_LIMIT_REACHED, too_many, sizeof too_many - 1);
        }
        return NULL;
    }
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t used = len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    return append_fault(faults, kind, text, whole_characters(text, used));
}

static void write_text_member(fhs_buf *out, const char *name, fhs_str text)
{
    if (text.len > 0) {
        fhs_buf_addf(out, ",\"%s\":", name);
        fhs_json_write_string(out, text);
    }
}

static void write_number_member(fhs_buf *out, const char *name, int64_t number, int64_t least)
{
    if (number >= least) {
        fhs_buf_addf(out, ",\"%s\":", name);
        fhs_buf_add_i64(out, number);
    }
}

void fhs_iot_fault_write(const fhs_iot_fault *fault, fhs_buf *out)
{
    fhs_buf_addf(out, "{\"severity\":\"%s\",\"stage\":\"%s\",\"kind\":\"%s\"",
                 fault->is_warning ? "warning" : "error", fault->is_fhir ? "fhir" : "device",
                 fault->kind);
    write_text_member(out, "text", fault->message);
    write_number_member(out, "message", fault->message_index, 0);
    write_number_member(out, "template", fault->template_index, 0);
    write_text_member(out, "type", fault->type);
    write_number_member(out, "match", fault->match_index, 0);
    write_text_member(out, "field", fault->field);
    write_number_member(out, "line", fault->line, 1);
    write_number_member(out, "column", fault->column, 1);
    write_number_member(out, "count", fault->count, 2);
    fhs_buf_add_char(out, '}');
}

void fhs_iot_faults_write(const fhs_iot_faults *faults, fhs_buf *out)
{
    for (const fhs_iot_fault *fault = faults->first; fault != NULL; fault = fault->next) {
        fhs_iot_fault_write(fault, out);
        fhs_buf_add_char(out, '\n');
    }
}
