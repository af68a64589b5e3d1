/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader: one pass, no recursion. Values under construction lie on a stack of their own:
 *
 *     root value | frame | child | child | … (members of an object or items of an array)
 *
 * A container that opens leaves its value on top of the stack and puts a frame behind it, which
 * remembers the container around it. When it closes, its children are copied into the arena at
 * once and the stack falls back to the value, which then gets them. So the value that is being
 * read is always the topmost sizeof(fhs_json) bytes: a member ends with its value.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "json/json_internal.h"
#include "json/scan.h"

#define FIRST_STACK ((size_t)16 * 1024)
/* Containers open inside an array right below the root. */
#define PIECES_DEPTH 2u

_Static_assert(offsetof(fhs_json_member, value) + sizeof(fhs_json) == sizeof(fhs_json_member),
               "a member ends with its value");

/* What surrounds the container that opens here. */
typedef struct read_frame {
    uint64_t seen; /* the reader's fields as they were in the container around it */
    size_t children;
    bool in_object;
} read_frame;

/* Names that an object of many members may repeat, where it may: each costs a look at all. */
#define REPEATED_MAX 64u

/* Room for whatever one step may push. */
#define STEP_ROOM (sizeof(read_frame) + sizeof(fhs_json_member))
/* What lies on the stack beside values that end up in the arena. */
#define FRAMES_MAX ((FHS_JSON_DEPTH_MAX + 2) * STEP_ROOM)

typedef struct json_reader {
    const char *text;
    const char *end;
    fhs_arena *arena;
    char *stack;
    char *top;
    char *limit;     /* pushing needs top <= limit */
    size_t children; /* offset of the open container's first child in the stack */
    /* One bit for each hash of a member name of the open object: most new names meet a free bit. */
    uint64_t seen;
    uint32_t depth;
    uint32_t max_depth;
    bool in_object;
    bool last_wins;
    bool has_dropped; /* some member of an open object has a dropped_name */
    fhs_json_names names;
    fhs_json_fault fault;
    const fhs_json_pieces *pieces; /* NULL: a tree of everything */
    fhs_arena_mark mark;           /* where the arena stood when the array below the root opened */
    uint32_t handed;               /* items of it that were handed out */
} json_reader;

/* ---- refusing ---- */

static FHS_NOINLINE const char *refuse_json(json_reader *r, const char *p, const char *expected)
{
    r->fault = (fhs_json_fault){FHIRSTORE_ERR_JSON, p, expected, NULL};
    if (p < r->end && (unsigned char)*p >= 0x80 &&
        fhs_utf8_sequence(p, (size_t)(r->end - p)) == 0) {
        r->fault = (fhs_json_fault){FHIRSTORE_ERR_JSON_UTF8, p, NULL,
                                    "the text is not valid UTF-8"};
    }
    return NULL;
}

static FHS_NOINLINE const char *refuse_json_because(json_reader *r, fhirstore_status status,
                                                    const char *p, const char *problem)
{
    r->fault = (fhs_json_fault){status, p, NULL, problem};
    return NULL;
}

/* ---- the stack ---- */

/*
 * The stack never grows beyond what the arena could still take, since all but its frames ends up
 * there: the arena's budget bounds the reader's memory as well.
 */
static FHS_NOINLINE bool grow_read_stack(json_reader *r)
{
    size_t used = (size_t)(r->top - r->stack);
    size_t capacity = (size_t)(r->limit - r->stack) + STEP_ROOM;
    size_t kept = (size_t)(r->arena->end - r->arena->at) + FRAMES_MAX;
    size_t wanted = capacity > SIZE_MAX / 2 ? SIZE_MAX : capacity * 2;
    if (wanted > kept && wanted - kept > r->arena->budget) {
        wanted = kept + r->arena->budget;
    }
    char *stack = wanted - STEP_ROOM <= used ? NULL : fhs_realloc(r->stack, wanted);
    if (stack == NULL) {
        return false;
    }
    r->stack = stack;
    r->top = stack + used;
    r->limit = stack + wanted - STEP_ROOM;
    return true;
}

static inline bool has_stack_room(json_reader *r)
{
    return FHS_LIKELY(r->top <= r->limit) || grow_read_stack(r);
}

static inline fhs_json *top_json_value(const json_reader *r)
{
    return (fhs_json *)(void *)(r->top - sizeof(fhs_json));
}

static inline uint32_t text_offset_of(const json_reader *r, const char *p)
{
    return (uint32_t)(p - r->text);
}

/* ---- strings and names ---- */

/* Read the string whose opening quote is at @a p. */
static inline const char *read_json_string(json_reader *r, const char *p, fhs_str *out)
{
    const char *start = p + 1;
    const char *q = skip_plain(start, r->end);
    if (FHS_LIKELY(q < r->end && *q == '"')) {
        *out = fhs_str_of(start, (size_t)(q - start));
        return q + 1;
    }
    return fhs_json_read_string_rest(r->arena, start, q, r->end, out, &r->fault);
}

/* A bit chosen by the name's length and its first eight bytes, read no further than @a end. */
static inline uint64_t name_bit(fhs_str name, const char *end)
{
    uint64_t word = 0;
    if (FHS_LIKELY(end - name.ptr >= 8)) {
        word = load_word(name.ptr);
        word = name.len >= 8 ? word : word & ((UINT64_C(1) << (8 * name.len)) - 1);
    } else {
        size_t len = name.len < 8 ? name.len : 8;
        for (size_t i = 0; i < len; i++) {
            word |= (uint64_t)(unsigned char)name.ptr[i] << (8 * i);
        }
    }
    word = (word ^ name.len << 3) * UINT64_C(0x9E3779B97F4A7C15);
    return UINT64_C(1) << (word >> 58);
}

/* The name of a member whose place a later one has taken; none in a text is as long. */
#define DROPPED_LENGTH SIZE_MAX

/* Drop @a member, which comes again; false where that is refused. */
static bool drop_repeated_member(json_reader *r, fhs_json_member *member)
{
    member->name.len = r->last_wins ? DROPPED_LENGTH : member->name.len;
    r->has_dropped = r->last_wins;
    return r->last_wins;
}

/* Whether the open object has @a name among its members before the topmost one, and may not. */
static FHS_NOINLINE bool is_repeated_name(json_reader *r, fhs_str name)
{
    fhs_json_member *member = (fhs_json_member *)(void *)(r->stack + r->children);
    const fhs_json_member *last = (const fhs_json_member *)(void *)r->top - 1;
    if (last - member > (ptrdiff_t)FHS_JSON_FEW_MEMBERS) {
        return false; /* found when the object closes, all names at once */
    }
    for (; member < last; member++) {
        if (member->name.len == name.len && memcmp(member->name.ptr, name.ptr, name.len) == 0) {
            return !drop_repeated_member(r, member);
        }
    }
    return false;
}

/* Close the gaps that dropped members of the open object leave; returns how many are left. */
static FHS_NOINLINE size_t close_gaps(json_reader *r, fhs_json_member *members, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (members[i].name.len != DROPPED_LENGTH) {
            members[kept++] = members[i];
        }
    }
    r->top = (char *)(members + kept);
    return kept;
}

/* Read the name at @a p and the colon behind it, and push their member. Returns where its value
 * begins. */
static inline const char *push_json_member(json_reader *r, const char *p, const char *expected)
{
    if (FHS_UNLIKELY(p >= r->end || *p != '"')) {
        return refuse_json(r, p, expected);
    }
    if (!has_stack_room(r)) {
        return refuse_json_because(r, FHIRSTORE_ERR_NO_MEMORY, p, NULL);
    }
    fhs_json_member *member = (fhs_json_member *)(void *)r->top;
    r->top += sizeof *member;
    const char *q = read_json_string(r, p, &member->name);
    if (FHS_UNLIKELY(q == NULL)) {
        return NULL;
    }
    fhs_str name = member->name;
    /* A decoded name lies in the arena: nothing is known of the bytes behind it. */
    bool is_slice = name.ptr == p + 1;
    uint64_t bit = name_bit(name, is_slice ? r->end : name.ptr + name.len);
    if (FHS_UNLIKELY((r->seen & bit) != 0) && is_repeated_name(r, name)) {
        return refuse_json_because(r, FHIRSTORE_ERR_JSON_DUPLICATE, p,
                                   "an object has two members of the same name");
    }
    r->seen |= bit;
    q = skip_json_blanks(q, r->end);
    if (FHS_UNLIKELY(q >= r->end || *q != ':')) {
        return refuse_json(r, q, "':' behind a member name");
    }
    return skip_json_blanks(q + 1, r->end);
}

static inline const char *push_json_item(json_reader *r, const char *p)
{
    if (!has_stack_room(r)) {
        return refuse_json_because(r, FHIRSTORE_ERR_NO_MEMORY, p, NULL);
    }
    r->top += sizeof(fhs_json);
    return p;
}

/* ---- containers ---- */

/* Open the container whose bracket is at @a p, as the topmost value; returns what follows it. */
static inline const char *open_container(json_reader *r, const char *p, bool is_object)
{
    if (FHS_UNLIKELY(r->depth >= r->max_depth)) {
        return refuse_json_because(r, FHIRSTORE_ERR_JSON_DEPTH, p, NULL);
    }
    if (!has_stack_room(r)) {
        return refuse_json_because(r, FHIRSTORE_ERR_NO_MEMORY, p, NULL);
    }
    fhs_json *value = top_json_value(r);
    value->type = is_object ? FHS_JSON_OBJECT : FHS_JSON_ARRAY;
    value->begin = text_offset_of(r, p);
    read_frame *frame = (read_frame *)(void *)r->top;
    *frame = (read_frame){r->seen, r->children, r->in_object};
    r->top += sizeof *frame;
    r->children = (size_t)(r->top - r->stack);
    r->seen = 0;
    r->in_object = is_object;
    r->depth++;
    if (FHS_UNLIKELY(r->depth == PIECES_DEPTH)) {
        r->mark = fhs_arena_here(r->arena);
    }
    return skip_json_blanks(p + 1, r->end);
}

/* Check the names of an object that closes with more members than were compared one by one. */
static FHS_NOINLINE bool check_many_names(json_reader *r, fhs_json_member *members, uint32_t *count,
                                          const char *close)
{
    uint32_t repeated = 0;
    for (unsigned dropped = 0;; dropped++) {
        if (!fhs_json_names_fill(&r->names, members, *count, &repeated)) {
            (void)refuse_json_because(r, FHIRSTORE_ERR_NO_MEMORY, close, NULL);
            return false;
        }
        if (repeated == *count) {
            return true;
        }
        if (dropped == REPEATED_MAX || !r->last_wins) {
            break;
        }
        uint32_t first = 0;
        while (!fhs_str_eq(members[first].name, members[repeated].name)) {
            first++;
        }
        (void)drop_repeated_member(r, &members[first]);
        *count = (uint32_t)close_gaps(r, members, *count);
    }
    const char *frame = r->stack + r->children - sizeof(read_frame);
    const fhs_json *object = (const fhs_json *)(const void *)(frame - sizeof(fhs_json));
    fhs_str text = fhs_str_of(r->text, (size_t)(r->end - r->text));
    uint32_t at = fhs_json_name_offset(text, object->begin, members, repeated);
    (void)refuse_json_because(r, FHIRSTORE_ERR_JSON_DUPLICATE, r->text + at,
                              "an object has two members of the same name");
    return false;
}

/* Close the open container, whose last bracket is at @a p. Returns the place behind it. */
static inline const char *close_container(json_reader *r, const char *p)
{
    char *children = r->stack + r->children;
    size_t bytes = (size_t)(r->top - children);
    size_t count = r->in_object ? bytes / sizeof(fhs_json_member) : bytes / sizeof(fhs_json);
    /* Among many, not all were compared yet. */
    bool many = count > FHS_JSON_FEW_MEMBERS && r->in_object;
    if (FHS_UNLIKELY(r->has_dropped) && r->in_object) {
        count = close_gaps(r, (fhs_json_member *)(void *)children, count);
        bytes = count * sizeof(fhs_json_member);
    }
    if (FHS_UNLIKELY(many)) {
        uint32_t left = (uint32_t)count;
        if (!check_many_names(r, (fhs_json_member *)(void *)children, &left, p)) {
            return NULL;
        }
        count = left;
        bytes = count * sizeof(fhs_json_member);
    }
    void *copy = NULL;
    if (bytes > 0) {
        copy = fhs_arena_alloc(r->arena, bytes);
        if (FHS_UNLIKELY(copy == NULL)) {
            return refuse_json_because(r, FHIRSTORE_ERR_NO_MEMORY, p, NULL);
        }
        memcpy(copy, children, bytes);
    }
    bool was_object = r->in_object;
    const read_frame *frame = (const read_frame *)(void *)(children - sizeof *frame);
    r->seen = frame->seen;
    r->children = frame->children;
    r->in_object = frame->in_object;
    r->depth--;
    r->top = children - sizeof *frame;
    fhs_json *value = top_json_value(r);
    value->count = (uint32_t)count;
    value->end = text_offset_of(r, p) + 1;
    if (was_object) {
        value->members = copy;
    } else {
        value->items = copy;
    }
    return p + 1;
}

/* ---- scalars ---- */

static inline const char *skip_json_digits(const char *p, const char *end)
{
    while (p < end && (unsigned)(*p - '0') < 10) {
        p++;
    }
    return p;
}

/* At least one digit at @a p; returns the place behind the last, or NULL. */
static inline const char *read_json_digits(json_reader *r, const char *p)
{
    const char *q = skip_json_digits(p, r->end);
    return q == p ? refuse_json(r, p, "a digit") : q;
}

/* Read what may follow the whole part of a number: fraction and exponent. */
static inline const char *read_fraction_and_exponent(json_reader *r, const char *p)
{
    if (p < r->end && *p == '.') {
        p = read_json_digits(r, p + 1);
    }
    if (p != NULL && p < r->end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < r->end && (*p == '+' || *p == '-') ? 1 : 0;
        p = read_json_digits(r, p);
    }
    return p;
}

static inline const char *read_json_number(json_reader *r, const char *p)
{
    fhs_json *value = top_json_value(r);
    const char *begin = p;
    const char *whole = *p == '-' ? p + 1 : p;
    p = read_json_digits(r, whole);
    if (p != NULL && *whole == '0' && p - whole > 1) {
        return refuse_json(r, whole + 1, "no digit behind a leading zero");
    }
    p = p == NULL ? NULL : read_fraction_and_exponent(r, p);
    if (p == NULL) {
        return NULL;
    }
    *value = (fhs_json){.type = FHS_JSON_NUMBER,
                        .begin = text_offset_of(r, begin),
                        .end = text_offset_of(r, p),
                        .text = fhs_str_of(begin, (size_t)(p - begin))};
    return p;
}

static const char *read_json_literal(json_reader *r, const char *p, fhs_json_type type)
{
    static const fhs_str words[] = {FHS_LIT_INIT("null"), FHS_LIT_INIT("false"),
                                    FHS_LIT_INIT("true")};
    fhs_str word = words[type];
    if ((size_t)(r->end - p) < word.len || memcmp(p, word.ptr, word.len) != 0) {
        return refuse_json(r, p, "a value");
    }
    *top_json_value(r) = (fhs_json){.type = (uint8_t)type,
                                    .begin = text_offset_of(r, p),
                                    .end = text_offset_of(r, p + word.len),
                                    .text = FHS_STR_NONE};
    return p + word.len;
}

static inline const char *read_json_string_value(json_reader *r, const char *p)
{
    fhs_json *value = top_json_value(r);
    const char *q = read_json_string(r, p, &value->text);
    if (FHS_LIKELY(q != NULL)) {
        value->type = FHS_JSON_STRING;
        value->count = 0;
        value->begin = text_offset_of(r, p);
        value->end = text_offset_of(r, q);
    }
    return q;
}

static const char *read_json_scalar(json_reader *r, const char *p)
{
    if (p >= r->end) {
        return refuse_json(r, p, "a value");
    }
    switch (*p) {
    case '"':
        return read_json_string_value(r, p);
    case 't':
        return read_json_literal(r, p, FHS_JSON_TRUE);
    case 'f':
        return read_json_literal(r, p, FHS_JSON_FALSE);
    case 'n':
        return read_json_literal(r, p, FHS_JSON_NULL);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return read_json_number(r, p);
    default:
        return refuse_json(r, p, "a value");
    }
}

/* ---- pieces ---- */

/* Whether what the open array holds is to be handed out, now that one more item ends at @a p. */
static bool is_long_array(const json_reader *r, const char *p, fhs_str *name_out)
{
    const char *frame = r->stack + r->children - sizeof(read_frame);
    if (r->in_object || !((const read_frame *)(const void *)frame)->in_object) {
        return false;
    }
    const fhs_json_member *member = (const fhs_json_member *)(const void *)frame - 1;
    const fhs_json *first = (const fhs_json *)(const void *)(r->stack + r->children);
    *name_out = member->name;
    return r->handed > 0 || (text_offset_of(r, p) - member->value.begin > FHS_JSON_PIECES_BYTES &&
                             first->type == FHS_JSON_OBJECT &&
                             (member->name.len == 0 || member->name.ptr[0] != '_'));
}

/* Hand out the items that lie on the stack, and forget them. */
static FHS_NOINLINE bool hand_out_items(json_reader *r, const char *p)
{
    fhs_str name;
    if (!is_long_array(r, p, &name)) {
        return true;
    }
    const fhs_json *item = (const fhs_json *)(const void *)(r->stack + r->children);
    const fhs_json *end = (const fhs_json *)(const void *)r->top;
    for (; item < end; item++) {
        fhirstore_status status = r->pieces->item(r->pieces->ctx, name, r->handed++, item);
        if (status < FHIRSTORE_OK) {
            (void)refuse_json_because(r, status, p, "reading was ended");
            return false;
        }
    }
    r->top = r->stack + r->children;
    fhs_arena_rewind(r->arena, r->mark);
    return true;
}

/* The array that has just ended has its count, if nothing else. */
static void count_handed(json_reader *r)
{
    if (r->handed > 0 && r->depth == PIECES_DEPTH - 1) {
        top_json_value(r)->count = r->handed;
        top_json_value(r)->items = NULL;
        r->handed = 0;
    }
}

/* ---- the walk ---- */

/* A value ended before @a p: go to where the next one begins, closing what ends in between. */
static inline const char *go_to_next(json_reader *r, const char *p)
{
    while (p != NULL && r->depth > 0) {
        if (FHS_UNLIKELY(r->pieces != NULL)) {
            count_handed(r);
            if (r->depth == PIECES_DEPTH && !hand_out_items(r, p)) {
                return NULL;
            }
        }
        p = skip_json_blanks(p, r->end);
        char c = p < r->end ? *p : '\0';
        if (c == ',') {
            p = skip_json_blanks(p + 1, r->end);
            return r->in_object ? push_json_member(r, p, "a member name") : push_json_item(r, p);
        }
        if (c != (r->in_object ? '}' : ']')) {
            return refuse_json(r, p, r->in_object ? "',' or '}'" : "',' or ']'");
        }
        p = close_container(r, p);
    }
    return p;
}

/* Read the root, whose place is on the stack, and everything in it. Returns the place behind it. */
static const char *read_json_tree(json_reader *r, const char *p)
{
    do {
        bool is_object = p < r->end && *p == '{';
        if (is_object || (p < r->end && *p == '[')) {
            p = open_container(r, p, is_object);
            if (p == NULL) {
                return NULL;
            }
            if (p < r->end && *p == (is_object ? '}' : ']')) {
                p = go_to_next(r, close_container(r, p));
            } else {
                p = is_object ? push_json_member(r, p, "a member name or '}'")
                              : push_json_item(r, p);
            }
        } else {
            p = go_to_next(r, read_json_scalar(r, p));
        }
    } while (p != NULL && r->depth > 0);
    return p;
}

static fhirstore_status report_fault(const json_reader *r, fhirstore_error **err)
{
    const fhs_json_fault *fault = &r->fault;
    if (fault->status == FHIRSTORE_ERR_NO_MEMORY) {
        return fhs_fail_memory(err);
    }
    if (fault->status == FHIRSTORE_ERR_JSON_DEPTH) {
        (void)fhs_fail(err, fault->status,
                       "JSON is nested deeper than %u levels (limit JSON_DEPTH)",
                       (unsigned)r->max_depth);
    } else if (fault->expected == NULL) {
        (void)fhs_fail(err, fault->status, "JSON: %s", fault->problem);
    } else {
        (void)fhs_fail(err, fault->status, "JSON: expected %s%s", fault->expected,
                       fault->at >= r->end ? ", found the end of the text" : "");
    }
    if (err == NULL) {
        return fault->status;
    }
    uint32_t line;
    uint32_t column;
    size_t offset = (size_t)(fault->at - r->text);
    fhs_json_position(fhs_str_of(r->text, (size_t)(r->end - r->text)), offset, &line, &column);
    fhs_error_at(err, offset, line, column);
    return fault->status;
}

/* Read the whole text; the root value lies at the bottom of the stack afterwards. */
static bool read_json_text(json_reader *r)
{
    r->stack = fhs_alloc(FIRST_STACK);
    if (r->stack == NULL) {
        (void)refuse_json_because(r, FHIRSTORE_ERR_NO_MEMORY, r->text, NULL);
        return false;
    }
    r->top = r->stack + sizeof(fhs_json);
    r->limit = r->stack + FIRST_STACK - STEP_ROOM;
    if (r->end - r->text >= 3 && memcmp(r->text, "\xEF\xBB\xBF", 3) == 0) {
        (void)refuse_json_because(r, FHIRSTORE_ERR_JSON, r->text,
                                  "the text begins with a byte-order mark");
        return false;
    }
    const char *p = read_json_tree(r, skip_json_blanks(r->text, r->end));
    p = p == NULL ? NULL : skip_json_blanks(p, r->end);
    if (p != NULL && p < r->end) {
        p = refuse_json(r, p, "the end of the text");
    }
    return p != NULL;
}

fhirstore_status fhs_json_read(fhs_arena *arena, fhs_str text, const fhs_json_limits *limits,
                               const fhs_json **root_out, fhirstore_error **err)
{
    return fhs_json_read_pieces(arena, text, limits, NULL, root_out, err);
}

fhirstore_status fhs_json_read_pieces(fhs_arena *arena, fhs_str text, const fhs_json_limits *limits,
                                      const fhs_json_pieces *pieces, const fhs_json **root_out,
                                      fhirstore_error **err)
{
    size_t max_bytes = limits == NULL || limits->max_bytes == 0 ? FHS_LIMIT_JSON_BYTES
                                                                : limits->max_bytes;
    uint32_t max_depth = limits == NULL || limits->max_depth == 0 ? FHS_LIMIT_JSON_DEPTH
                                                                  : limits->max_depth;
    *root_out = NULL;
    max_bytes = max_bytes < UINT32_MAX ? max_bytes : UINT32_MAX;
    if (text.len > max_bytes) {
        (void)fhs_fail(err, FHIRSTORE_ERR_JSON_SIZE,
                       "JSON text is longer than %zu bytes (limit JSON_BYTES)", max_bytes);
        /* Lines are not counted in a text that nobody is going to read. */
        fhs_error_at(err, max_bytes, 1, 1);
        return FHIRSTORE_ERR_JSON_SIZE;
    }
    json_reader r = {.arena = arena,
                     .pieces = pieces,
                     .last_wins = limits != NULL && limits->last_wins,
                     .max_depth = max_depth < FHS_JSON_DEPTH_MAX ? max_depth : FHS_JSON_DEPTH_MAX};
    r.text = text.len == 0 ? "" : text.ptr;
    r.end = r.text + text.len;
    fhirstore_status status = FHIRSTORE_OK;
    if (read_json_text(&r)) {
        fhs_json *root = fhs_arena_alloc(arena, sizeof *root);
        if (root == NULL) {
            status = fhs_fail_memory(err);
        } else {
            *root = *(const fhs_json *)(void *)r.stack;
            *root_out = root;
        }
    } else {
        status = report_fault(&r, err);
    }
    fhs_json_names_clear(&r.names);
    fhs_free(r.stack);
    return status;
}
