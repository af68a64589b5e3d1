/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of names: one pass over each folded word. */
#include "base/phonetic.h"

#include "base/words.h"

/* A letter of the word, or NUL beyond its ends. */
static char letter_at(fhs_str word, size_t at)
{
    return (char)(at < word.len ? word.ptr[at] : '\0');
}

static bool is_vowel(char c)
{
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
}

static bool is_soft(char c)
{
    return c == 'e' || c == 'i' || c == 'y';
}

static bool begins_at(fhs_str word, size_t at, const char *text)
{
    return fhs_str_starts_with(fhs_str_from(word, at), fhs_str_from_cstr(text));
}

/* What one or more letters sound like. */
typedef struct sound {
    const char *text; /* "": nothing is heard */
    size_t len;       /* letters that it takes */
} sound;

/* Groups of letters, the longer ones first. */
static const struct {
    const char *letters;
    const char *text;
} sound_groups[] = {
    {"tsch", "k"}, {"tch", "k"}, {"sch", "s"}, {"sh", "s"}, {"ph", "f"},
    {"pf", "f"},   {"th", "t"},  {"dt", "t"},  {"tz", "s"}, {"ts", "s"},
    {"ds", "s"},   {"cz", "s"},  {"ck", "k"},  {"ch", "k"}, {"qu", "k"},
};

/* Letters that are silent at the beginning of a word, before the one that is heard. */
static bool is_silent_start(fhs_str word)
{
    static const char *const starts[] = {"gn", "kn", "pn", "ps", "wr"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        if (begins_at(word, 0, starts[i])) {
            return true;
        }
    }
    return false;
}

static sound vowel_sound(fhs_str word, size_t at)
{
    char c = word.ptr[at];
    bool glides = (c == 'i' || c == 'y' || c == 'j') && is_vowel(letter_at(word, at + 1));
    if (at > 0) {
        return (sound){"", 1};
    }
    return (sound){glides || c == 'j' ? "j" : "a", 1};
}

static sound gh_sound(fhs_str word, size_t at)
{
    bool is_silent = at > 0 && is_vowel(word.ptr[at - 1]);
    return (sound){is_silent ? "" : "k", 2};
}

/* A single consonant. */
static sound consonant_sound(fhs_str word, size_t at)
{
    char c = word.ptr[at];
    char next = letter_at(word, at + 1);
    switch (c) {
    case 'b':
        return (sound){"p", 1};
    case 'p':
        return (sound){at > 0 && word.ptr[at - 1] == 'm' && (next == 's' || next == 't') ? "" : "p",
                       1};
    case 'd':
    case 't':
        return (sound){"t", 1};
    case 'f':
    case 'v':
        return (sound){"f", 1};
    case 'w':
        return (sound){is_vowel(next) || next == 's' || next == 'c' ? "f" : "", 1};
    case 's':
    case 'z':
        return (sound){"s", 1};
    case 'c':
        return (sound){is_soft(next) ? "s" : "k", 1};
    case 'g':
    case 'k':
    case 'q':
        return (sound){"k", 1};
    case 'x':
        return (sound){at == 0 ? "s" : "ks", 1};
    case 'h':
        return (sound){at == 0 && is_vowel(next) ? "h" : "", 1};
    case 'l':
        return (sound){"l", 1};
    case 'm':
        return (sound){"m", 1};
    case 'n':
        return (sound){"n", 1};
    default:
        return (sound){"r", 1};
    }
}

static sound sound_at(fhs_str word, size_t at)
{
    char c = word.ptr[at];
    if (is_vowel(c) || c == 'j') {
        return vowel_sound(word, at);
    }
    if (begins_at(word, at, "gh")) {
        return gh_sound(word, at);
    }
    for (size_t i = 0; i < sizeof sound_groups / sizeof sound_groups[0]; i++) {
        if (begins_at(word, at, sound_groups[i].letters)) {
            return (sound){sound_groups[i].text, strlen(sound_groups[i].letters)};
        }
    }
    return consonant_sound(word, at);
}

static void add_key(fhs_str word, fhs_buf *out)
{
    fhs_buf_add_char(out, ' ');
    size_t start = out->len;
    bool is_apart = true; /* from the sound before, by something that is heard between */
    for (size_t at = is_silent_start(word) ? 1 : 0; at < word.len;) {
        char c = word.ptr[at];
        if (c < 'a' || c > 'z') {
            fhs_buf_add_char(out, c);
            is_apart = true;
            at++;
            continue;
        }
        sound here = sound_at(word, at);
        size_t len = strlen(here.text);
        bool is_same = len > 0 && !is_apart && out->len > start &&
                       out->ptr[out->len - 1] == here.text[0];
        fhs_buf_add(out, here.text + (is_same ? 1 : 0), len - (is_same ? 1 : 0));
        /* Vowels keep two sounds apart; h, and what else is silent, does not. */
        is_apart = is_vowel(c) || (is_apart && len == 0);
        at += here.len;
    }
    if (out->len == start) {
        fhs_buf_add_str(out, word);
    }
}

static size_t apostrophe_at(fhs_str text, size_t at)
{
    static const char *const marks[] = {"'", "`", "\xE2\x80\x99", "\xE2\x80\x98", "\xCA\xBC"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (begins_at(text, at, marks[i])) {
            return strlen(marks[i]);
        }
    }
    return 0;
}

void fhs_phonetic_add(fhs_str text, fhs_buf *scratch, fhs_buf *out)
{
    fhs_buf plain = FHS_BUF_INIT(text.len + 1);
    fhs_buf words = FHS_BUF_INIT(8 * text.len + 64);
    fhs_str word;
    for (size_t at = 0; at < text.len;) {
        size_t skipped = apostrophe_at(text, at);
        if (skipped == 0) {
            fhs_buf_add_char(&plain, text.ptr[at]);
        }
        at += skipped == 0 ? 1 : skipped;
    }
    fhs_words_add(fhs_buf_str(&plain), scratch, &words);
    fhs_str rest = fhs_buf_str(&words);
    while (fhs_words_next(&rest, &word)) {
        add_key(word, out);
    }
    fhirstore_status status = fhs_buf_status(&plain);
    status = status == FHIRSTORE_OK ? fhs_buf_status(&words) : status;
    if (status != FHIRSTORE_OK && out->failed == FHIRSTORE_OK) {
        out->failed = status;
    }
    fhs_buf_clear(&plain);
    fhs_buf_clear(&words);
}
