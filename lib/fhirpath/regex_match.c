/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine: all threads step through the text together, in order of priority, each instruction
 * at most once a position. Time is at most instructions × characters.
 */
#include "base/utf8.h"
#include "fhirpath/regex_internal.h"

typedef struct rx_threads {
    uint32_t *pcs;
    size_t *slots; /* slot_count a thread */
    uint32_t count;
} rx_threads;

/* What is still to be followed: an instruction, or a slot to set back. */
typedef struct rx_pending {
    uint32_t pc;
    bool restore;
    size_t old;
} rx_pending;

typedef struct rx_machine {
    const fhs_regex *regex;
    fhs_str text;
    uint32_t slot_count;
    rx_threads now;
    rx_threads next;
    uint32_t *seen; /* by instruction: the generation that added it */
    uint32_t generation;
    rx_pending *pending;
    size_t slots[2 * FHS_REGEX_GROUPS]; /* those of the thread being added */
    uint64_t work;
} rx_machine;

static bool in_class(const fhs_regex_class *class, uint32_t code)
{
    for (uint32_t i = 0; i < class->count; i++) {
        if (code >= class->ranges[i].low && code <= class->ranges[i].high) {
            return true;
        }
    }
    return false;
}

static bool inst_accepts(const fhs_regex *regex, const fhs_regex_inst *inst, uint32_t code)
{
    switch (inst->code) {
    case FHS_RX_ANY:
        return true;
    case FHS_RX_CHAR:
        return inst->x == code ||
               (regex->ignore_case && fhs_fp_lower(inst->x) == fhs_fp_lower(code));
    default:
        break;
    }
    const fhs_regex_class *class = &regex->classes[inst->x];
    bool inside = in_class(class, code);
    if (!inside && regex->ignore_case) {
        inside = in_class(class, fhs_fp_lower(code)) || in_class(class, fhs_fp_upper(code));
    }
    return inside != class->negated;
}

static bool is_word_byte(fhs_str text, size_t at)
{
    if (at >= text.len) {
        return false;
    }
    char c = text.ptr[at];
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool assertion_holds(fhs_str text, size_t at, uint8_t code)
{
    switch (code) {
    case FHS_RX_TEXT_BEGIN:
        return at == 0;
    case FHS_RX_TEXT_END:
        return at == text.len;
    case FHS_RX_TEXT_END_BREAK:
        return at == text.len || (at + 1 == text.len && text.ptr[at] == '\n');
    case FHS_RX_LINE_BEGIN:
        return at == 0 || text.ptr[at - 1] == '\n';
    case FHS_RX_LINE_END:
        return at == text.len || text.ptr[at] == '\n';
    default:
        break;
    }
    bool edge = (at > 0 && is_word_byte(text, at - 1)) != is_word_byte(text, at);
    return edge == (code == FHS_RX_WORD_EDGE);
}

static void add_consumer(rx_machine *machine, rx_threads *list, uint32_t pc)
{
    list->pcs[list->count] = pc;
    for (uint32_t i = 0; i < machine->slot_count; i++) {
        list->slots[(size_t)list->count * machine->slot_count + i] = machine->slots[i];
    }
    list->count++;
}

/* Follow one instruction that consumes nothing; returns how many entries are pending then. */
static uint32_t follow_inst(rx_machine *machine, rx_threads *list, uint32_t pc, size_t at,
                            uint32_t depth)
{
    const fhs_regex_inst *inst = &machine->regex->insts[pc];
    rx_pending *pending = machine->pending;
    switch (inst->code) {
    case FHS_RX_JUMP:
        pending[depth++] = (rx_pending){inst->x, false, 0};
        return depth;
    case FHS_RX_SPLIT:
        pending[depth++] = (rx_pending){inst->y, false, 0};
        pending[depth++] = (rx_pending){inst->x, false, 0};
        return depth;
    case FHS_RX_SAVE:
        if (inst->x < machine->slot_count) {
            pending[depth++] = (rx_pending){inst->x, true, machine->slots[inst->x]};
            machine->slots[inst->x] = at;
        }
        pending[depth++] = (rx_pending){pc + 1, false, 0};
        return depth;
    case FHS_RX_CHAR:
    case FHS_RX_ANY:
    case FHS_RX_CLASS:
    case FHS_RX_MATCH:
        add_consumer(machine, list, pc);
        return depth;
    default:
        if (assertion_holds(machine->text, at, inst->code)) {
            pending[depth++] = (rx_pending){pc + 1, false, 0};
        }
        return depth;
    }
}

/* Add the thread at @a pc and all it leads to without consuming. */
static void add_thread(rx_machine *machine, rx_threads *list, uint32_t pc, size_t at)
{
    uint32_t depth = 0;
    machine->pending[depth++] = (rx_pending){pc, false, 0};
    while (depth > 0) {
        rx_pending top = machine->pending[--depth];
        if (top.restore) {
            machine->slots[top.pc] = top.old;
            continue;
        }
        if (machine->seen[top.pc] == machine->generation) {
            continue;
        }
        machine->seen[top.pc] = machine->generation;
        machine->work++;
        depth = follow_inst(machine, list, top.pc, at, depth);
    }
}

static bool machine_init(rx_machine *machine, fhs_arena *arena)
{
    uint32_t count = machine->regex->inst_count;
    size_t slots = (size_t)count * (machine->slot_count == 0 ? 1 : machine->slot_count);
    machine->now.pcs = fhs_arena_calloc(arena, count, sizeof(uint32_t));
    machine->next.pcs = fhs_arena_calloc(arena, count, sizeof(uint32_t));
    machine->now.slots = fhs_arena_calloc(arena, slots, sizeof(size_t));
    machine->next.slots = fhs_arena_calloc(arena, slots, sizeof(size_t));
    machine->seen = fhs_arena_calloc(arena, count, sizeof(uint32_t));
    /* Each instruction is followed once and leaves at most two entries. */
    machine->pending = fhs_arena_calloc(arena, 2 * (size_t)count + 2, sizeof(rx_pending));
    return machine->now.pcs != NULL && machine->next.pcs != NULL && machine->now.slots != NULL &&
           machine->next.slots != NULL && machine->seen != NULL && machine->pending != NULL;
}

/* Step all threads over the character @a code that ends at @a after. True: one has matched. */
static bool step_threads(rx_machine *machine, uint32_t code, bool at_end, size_t after,
                         fhs_regex_match *match)
{
    bool matched = false;
    machine->next.count = 0;
    machine->generation++;
    for (uint32_t i = 0; i < machine->now.count && !matched; i++) {
        const fhs_regex_inst *inst = &machine->regex->insts[machine->now.pcs[i]];
        const size_t *slots = machine->now.slots + (size_t)i * machine->slot_count;
        machine->work++;
        if (inst->code == FHS_RX_MATCH) {
            for (uint32_t slot = 0; match != NULL && slot < machine->slot_count; slot++) {
                match->at[slot] = slots[slot];
            }
            matched = true; /* those behind have lower priority */
        } else if (!at_end && inst_accepts(machine->regex, inst, code)) {
            for (uint32_t slot = 0; slot < machine->slot_count; slot++) {
                machine->slots[slot] = slots[slot];
            }
            add_thread(machine, &machine->next, machine->now.pcs[i] + 1, after);
        }
    }
    rx_threads swap = machine->now;
    machine->now = machine->next;
    machine->next = swap;
    return matched;
}

fhs_regex_result fhs_regex_find(const fhs_regex *regex, fhs_arena *arena, fhs_str text, size_t from,
                                fhs_regex_match *match, uint64_t *work_out)
{
    rx_machine machine = {.regex = regex, .text = text, .generation = 1};
    machine.slot_count = match == NULL ? 0 : 2 * regex->group_count;
    if (!machine_init(&machine, arena)) {
        return FHS_REGEX_NO_MEMORY;
    }
    bool matched = false;
    size_t at = from;
    for (;;) {
        if (!matched) {
            for (uint32_t i = 0; i < machine.slot_count; i++) {
                machine.slots[i] = SIZE_MAX;
            }
            add_thread(&machine, &machine.now, 0, at);
        }
        bool at_end = at >= text.len;
        size_t after = at;
        uint32_t code = at_end ? 0 : fhs_utf8_next(text, &after);
        if (step_threads(&machine, code, at_end, after, match)) {
            matched = true;
        }
        if (at_end || (matched && (match == NULL || machine.now.count == 0))) {
            break;
        }
        at = after;
    }
    *work_out += machine.work;
    return matched ? FHS_REGEX_YES : FHS_REGEX_NO;
}
