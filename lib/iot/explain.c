/* SPDX-License-Identifier: Apache-2.0 */
/* Why a message matches nothing: the names that expressions ask for, held against what it has. */
#include "base/limits.h"
#include "iot/check.h"

#define NAMES_MAX 32u
/* Levels of a message that are looked into. */
#define LEVELS_MAX 64u

/* How a name occurs in a message. */
typedef struct name_search {
    fhs_str name;
    bool is_there;
    fhs_str other_case; /* the same but for the case of letters */
    uint32_t nodes_left;
} name_search;

static void search_name(name_search *search, const fhs_json *value, uint32_t level)
{
    if (search->is_there || level > LEVELS_MAX || search->nodes_left == 0) {
        return;
    }
    search->nodes_left--;
    for (uint32_t i = 0; value->type == FHS_JSON_OBJECT && i < value->count; i++) {
        const fhs_json_member *member = &value->members[i];
        if (fhs_str_eq(member->name, search->name)) {
            search->is_there = true;
        } else if (fhs_str_eq_ascii_case(member->name, search->name)) {
            search->other_case = member->name;
        }
        search_name(search, &member->value, level + 1);
    }
    for (uint32_t i = 0; value->type == FHS_JSON_ARRAY && i < value->count; i++) {
        search_name(search, &value->items[i], level + 1);
    }
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || (unsigned char)c >= 0x80;
}

static size_t end_of_quoted(fhs_str text, size_t at)
{
    const char quote = text.ptr[at];
    for (at++; at < text.len && text.ptr[at] != quote; at++) {
        at += text.ptr[at] == '\\';
    }
    return at < text.len ? at + 1 : text.len;
}

/*
 * The next name that an expression asks for: a word behind "@", "." or the beginning, or in ['…'].
 * Literals, functions and numbers are none.
 */
static bool next_asked_name(fhs_str text, size_t *at, fhs_str *name)
{
    while (*at < text.len) {
        char c = text.ptr[*at];
        size_t start = *at;
        if (c == '/') { /* a pattern */
            *at = end_of_quoted(text, start);
            continue;
        }
        if (c == '\'' || c == '`' || c == '"') {
            bool is_name = c == '"' || (c == '\'' && start > 0 && text.ptr[start - 1] == '[');
            *at = end_of_quoted(text, start);
            *name = fhs_str_of(text.ptr + start + 1, *at > start + 1 ? *at - start - 2 : 0);
            if (is_name && name->len > 0) {
                return true;
            }
            continue;
        }
        while (*at < text.len && is_name_byte(text.ptr[*at])) {
            (*at)++;
        }
        *name = fhs_str_of(text.ptr + start, *at - start);
        bool is_call = *at < text.len && text.ptr[*at] == '(';
        if (name->len > 0 && !is_call && (name->ptr[0] < '0' || name->ptr[0] > '9') &&
            name->ptr[0] != '-') {
            return true;
        }
        *at += *at == start;
    }
    return false;
}

static bool is_json_word(fhs_str name)
{
    return fhs_str_eq(name, FHS_LIT("true")) || fhs_str_eq(name, FHS_LIT("false")) ||
           fhs_str_eq(name, FHS_LIT("null"));
}

static fhs_iot_fault *add_reason(const fhs_iot_template *template, int64_t message_index,
                                 fhs_iot_fault *fault, fhs_iot_faults *faults)
{
    if (fault != NULL) {
        fault->is_warning = true;
        faults->error_count--;
        fault->message_index = message_index;
        fault->template_index = template->index;
        fault->type = template->type;
        fault->field = FHS_LIT("TypeMatchExpression");
        fault->line = template->fields[FHS_IOT_FIELD_MATCH].line;
        fault->column = template->fields[FHS_IOT_FIELD_MATCH].column;
    }
    return fault;
}

/* Whether a name that is missing was told. */
static bool explain_name(const fhs_iot_template *template, const fhs_json *message, fhs_str name,
                         int64_t message_index, fhs_iot_faults *faults)
{
    name_search search = {.name = name, .nodes_left = FHS_LIMIT_IOT_NODES};
    search_name(&search, message, 0);
    if (search.is_there || search.nodes_left == 0) {
        return false;
    }
    if (search.other_case.len > 0) {
        (void)add_reason(
            template, message_index,
            fhs_iot_fault_add(faults, FHS_IOT_NO_MEASUREMENT,
                              "the expression asks for \"%.*s\", the message has \"%.*s\": the "
                              "case of letters counts",
                              FHS_STR_ARG(name), FHS_STR_ARG(search.other_case)),
            faults);
    } else if (fhs_str_eq(name, FHS_LIT("Body"))) {
        (void)add_reason(template, message_index,
                         fhs_iot_fault_add(faults, FHS_IOT_NO_MEASUREMENT,
                                           "the expression asks for \"Body\", but the message is "
                                           "not in an envelope {\"Body\": …}"),
                         faults);
    } else {
        (void)add_reason(template, message_index,
                         fhs_iot_fault_add(faults, FHS_IOT_NO_MEASUREMENT,
                                           "the message has no member \"%.*s\" anywhere, which "
                                           "the expression asks for",
                                           FHS_STR_ARG(name)),
                         faults);
    }
    return true;
}

/* The names that the expression asks for and the message has nowhere, each once. */
static bool explain_names(const fhs_iot_template *template, const fhs_json *message,
                          int64_t message_index, fhs_iot_faults *faults)
{
    const fhs_str text = fhs_expression_text(template->fields[FHS_IOT_FIELD_MATCH].expression);
    fhs_str asked[NAMES_MAX];
    size_t count = 0;
    bool is_told = false;
    size_t at = 0;
    while (count < NAMES_MAX && next_asked_name(text, &at, &asked[count])) {
        bool is_known = is_json_word(asked[count]);
        for (size_t i = 0; i < count && !is_known; i++) {
            is_known = fhs_str_eq(asked[i], asked[count]);
        }
        if (!is_known) {
            is_told = explain_name(template, message, asked[count], message_index, faults) ||
                      is_told;
            count++;
        }
    }
    return is_told;
}

/* How far an expression comes. */
static void explain_expression(const fhs_iot_template *template, fhs_arena *scratch,
                               const fhs_json *message, int64_t message_index,
                               fhs_iot_faults *faults)
{
    fhs_buf reason = FHS_BUF_INIT(2 * FHS_LIMIT_EXPRESSION_BYTES);
    fhs_expression_run run;
    fhs_expression_run_init(&run, scratch);
    if (!fhs_expression_explain_select(template->fields[FHS_IOT_FIELD_MATCH].expression, &run,
                                       message, &reason)) {
        fhs_buf_add_cstr(&reason, "the message has all names that the expression asks for, but "
                                  "not where it looks for them, or not with the values that it "
                                  "wants");
    }
    (void)add_reason(template, message_index,
                     fhs_iot_fault_add(faults, FHS_IOT_NO_MEASUREMENT, "%.*s",
                                       FHS_STR_ARG(fhs_buf_str(&reason))),
                     faults);
    fhs_buf_clear(&reason);
}

void fhs_iot_explain(const fhs_iot_device_mapping *mapping, fhs_arena *scratch,
                     const fhs_json *message, int64_t message_index, fhs_iot_faults *faults)
{
    const fhs_iot_template *template = mapping->first;
    for (; template != NULL; template = template->next) {
        if (!explain_names(template, message, message_index, faults)) {
            explain_expression(template, scratch, message, message_index, faults);
        }
    }
}
