/* SPDX-License-Identifier: MIT */
/*
 * Why not jansson's parser: when jansson (2.14, also 2.15) cannot grow its token buffer it drops
 * the byte and goes on. One failed malloc reads "worker_stack_size" as "worker_stack_sze", or a
 * number without one of its digits, and reports success; several make it read past the buffer.
 * It also keeps no places of keys. This reader needs no memory, and a test compares its verdict
 * with jansson's on thousands of texts.
 *
 * One recursive reader serves both purposes: with an unchecked text it fails at the first wrong
 * byte; over a checked one it cannot fail and is used to skip from one member to the next.
 */
#include "adapters/json_text.h"

#include <string.h>

typedef struct reader {
    berth__json_text text;
    size_t at;
    const char *message; /* NULL while all is well; `at` is the wrong byte otherwise */
} reader;

static int read_value(reader *in, uint32_t depth, enum berth__json_kind *kind);

static int fail(reader *in, const char *message) {
    in->message = in->at < in->text.size ? message : "unexpected end of the text";
    return 0;
}

/* The byte at hand, or -1 at the end. */
static int peek(const reader *in) {
    return in->at < in->text.size ? (unsigned char)in->text.bytes[in->at] : -1;
}

static int skip_space(reader *in) {
    int c = peek(in);
    while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        in->at++;
        c = peek(in);
    }
    return c;
}

static int is_digit(int c) {
    return c >= '0' && c <= '9';
}

/* ---- Strings ---- */

/* Bytes of the UTF-8 sequence at `byte`; 0 if it is none (overlong, surrogate, too high). */
static size_t utf8_size(const unsigned char *byte, size_t left) {
    const unsigned char lead = byte[0];
    if (lead < 0x80) return 1;
    if (lead < 0xC2 || lead > 0xF4) return 0;

    const size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (left < size) return 0;
    for (size_t i = 1; i < size; i++)
        if ((byte[i] & 0xC0) != 0x80) return 0;

    if (lead == 0xE0 && byte[1] < 0xA0) return 0;
    if (lead == 0xED && byte[1] > 0x9F) return 0;
    if (lead == 0xF0 && byte[1] < 0x90) return 0;
    if (lead == 0xF4 && byte[1] > 0x8F) return 0;
    return size;
}

/* Four hexadecimal digits. */
static int read_hex(reader *in, uint32_t *out) {
    *out = 0;
    for (int i = 0; i < 4; i++) {
        const int c = peek(in);
        const int lower = c | 0x20;
        uint32_t digit;
        if (is_digit(c))
            digit = (uint32_t)(c - '0');
        else if (c >= 0 && lower >= 'a' && lower <= 'f')
            digit = (uint32_t)(lower - 'a' + 10);
        else
            return fail(in, "expected four hexadecimal digits after \\u");
        *out = *out << 4 | digit;
        in->at++;
    }
    return 1;
}

/* The code point of \uXXXX, after its 'u'; two of them for a surrogate pair. */
static int read_code_point(reader *in, uint32_t *out) {
    const size_t begin = in->at - 2;
    uint32_t low;
    if (!read_hex(in, out)) return 0;
    if (*out == 0) {
        in->at = begin;
        return fail(in, "NUL is not allowed in a string");
    }
    if (*out < 0xD800 || *out > 0xDFFF) return 1;

    if (*out < 0xDC00 && peek(in) == '\\') {
        in->at++;
        if (peek(in) == 'u') {
            in->at++;
            if (!read_hex(in, &low)) return 0;
            if (low >= 0xDC00 && low <= 0xDFFF) {
                *out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
                return 1;
            }
        }
    }
    in->at = begin;
    return fail(in, "half of a surrogate pair");
}

/* What stands after a backslash. */
static int read_escape(reader *in, uint32_t *out) {
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const int c = peek(in);
    if (c == 'u') {
        in->at++;
        return read_code_point(in, out);
    }
    const char *letter = c > 0 ? strchr(letters, c) : NULL;
    if (letter == NULL) return fail(in, "unknown escape in a string");
    *out = (uint32_t)meanings[letter - letters];
    in->at++;
    return 1;
}

static size_t utf8_write(uint32_t point, char out[4]) {
    static const unsigned char leads[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
    const size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size; i-- > 1; point >>= 6) out[i] = (char)(0x80 | (point & 0x3F));
    out[0] = (char)(leads[size] | point);
    return size;
}

/* One character of a string, as UTF-8. */
static int read_character(reader *in, char out[4], size_t *size) {
    const int c = peek(in);
    if (c == '\\') {
        uint32_t point = 0;
        in->at++;
        if (!read_escape(in, &point)) return 0;
        *size = utf8_write(point, out);
        return 1;
    }
    if (c < 0x20) return fail(in, "control character in a string");
    *size = utf8_size((const unsigned char *)in->text.bytes + in->at, in->text.size - in->at);
    if (*size == 0) return fail(in, "not UTF-8");
    memcpy(out, in->text.bytes + in->at, *size);
    in->at += *size;
    return 1;
}

/* A string from its opening quote on; `out` may be NULL. Sets *is_cut if it did not fit. */
static int read_string(reader *in, char *out, size_t room, uint32_t *is_cut) {
    size_t used = 0;
    *is_cut = 0;
    in->at++;
    while (peek(in) != '"') {
        char character[4] = {0};
        size_t size = 0;
        if (!read_character(in, character, &size)) return 0;
        if (out == NULL) continue;
        if (*is_cut || size >= room - used) {
            *is_cut = 1;
            continue;
        }
        memcpy(out + used, character, size);
        used += size;
    }
    in->at++;
    if (out != NULL) out[used] = '\0';
    return 1;
}

/* ---- Numbers and words ---- */

static int read_digits(reader *in) {
    if (!is_digit(peek(in))) return fail(in, "expected a digit");
    while (is_digit(peek(in))) in->at++;
    return 1;
}

static int read_number(reader *in, enum berth__json_kind *kind) {
    *kind = BERTH__JSON_INTEGER;
    if (peek(in) == '-') in->at++;
    if (peek(in) == '0') {
        in->at++;
        if (is_digit(peek(in))) return fail(in, "a number does not begin with 0");
    } else if (!read_digits(in)) {
        return 0;
    }
    if (peek(in) == '.') {
        *kind = BERTH__JSON_REAL;
        in->at++;
        if (!read_digits(in)) return 0;
    }
    if (peek(in) == 'e' || peek(in) == 'E') {
        *kind = BERTH__JSON_REAL;
        in->at++;
        if (peek(in) == '+' || peek(in) == '-') in->at++;
        return read_digits(in);
    }
    return 1;
}

static int read_word(reader *in, enum berth__json_kind *kind) {
    static const struct {
        const char *word;
        enum berth__json_kind kind;
    } words[] = {
        {"true", BERTH__JSON_TRUE}, {"false", BERTH__JSON_FALSE}, {"null", BERTH__JSON_NULL}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const size_t size = strlen(words[i].word);
        if (in->text.size - in->at < size) continue;
        if (memcmp(in->text.bytes + in->at, words[i].word, size) != 0) continue;
        *kind = words[i].kind;
        in->at += size;
        return 1;
    }
    return fail(in, "expected a value");
}

/* ---- Objects and arrays ---- */

/* After a member: 1 another follows (past the comma), 0 the end (past the bracket) or failure. */
static int read_separator(reader *in, int closing) {
    const int c = skip_space(in);
    if (c == ',') {
        in->at++;
        return 1;
    }
    if (c != closing)
        return fail(in, closing == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
    in->at++;
    return 0;
}

static int read_key(reader *in, char *out, size_t room, uint32_t *is_cut) {
    if (skip_space(in) != '"') return fail(in, "expected a key in quotes");
    if (!read_string(in, out, room, is_cut)) return 0;
    if (skip_space(in) != ':') return fail(in, "expected ':'");
    in->at++;
    return 1;
}

static int read_container(reader *in, uint32_t depth, int closing) {
    if (depth == 0) return fail(in, "nested too deeply");
    in->at++;
    if (skip_space(in) == closing) {
        in->at++;
        return 1;
    }
    do {
        enum berth__json_kind kind;
        uint32_t is_cut;
        if (closing == '}' && !read_key(in, NULL, 0, &is_cut)) return 0;
        if (!read_value(in, depth - 1, &kind)) return 0;
    } while (read_separator(in, closing));
    return in->message == NULL;
}

static int read_value(reader *in, uint32_t depth, enum berth__json_kind *kind) {
    const int c = skip_space(in);
    uint32_t is_cut;
    if (c == '{') {
        *kind = BERTH__JSON_OBJECT;
        return read_container(in, depth, '}');
    }
    if (c == '[') {
        *kind = BERTH__JSON_ARRAY;
        return read_container(in, depth, ']');
    }
    if (c == '"') {
        *kind = BERTH__JSON_STRING;
        return read_string(in, NULL, 0, &is_cut);
    }
    if (c == '-' || is_digit(c)) return read_number(in, kind);
    return read_word(in, kind);
}

/* ---- The interface ---- */

berth_status berth__json_check(berth__json_text text, size_t *at, const char **message) {
    reader in = {.text = text};
    enum berth__json_kind kind;
    if (read_value(&in, BERTH__JSON_DEPTH_MAX, &kind) && skip_space(&in) >= 0)
        fail(&in, "expected the end of the text");
    *at = in.at;
    *message = in.message;
    return in.message == NULL ? BERTH_OK : BERTH_ECONFIG;
}

void berth__json_place(berth__json_text text, size_t at, uint32_t *line, uint32_t *column) {
    size_t lines = 1;
    size_t line_begin = 0;
    for (size_t i = 0; i < at; i++) {
        if (text.bytes[i] != '\n') continue;
        lines++;
        line_begin = i + 1;
    }
    const size_t columns = at - line_begin + 1;
    *line = lines < UINT32_MAX ? (uint32_t)lines : UINT32_MAX;
    *column = columns < UINT32_MAX ? (uint32_t)columns : UINT32_MAX;
}

/* The value that begins at or after in->at, which is moved past it. */
static berth__json_value take_value(reader *in) {
    berth__json_value value = {.kind = BERTH__JSON_NULL};
    skip_space(in);
    value.begin = in->at;
    read_value(in, BERTH__JSON_DEPTH_MAX, &value.kind);
    value.end = in->at;
    return value;
}

berth__json_value berth__json_root(berth__json_text text) {
    reader in = {.text = text};
    return take_value(&in);
}

void berth__json_enter(berth__json_text text, berth__json_value container,
                       berth__json_iterator *iterator) {
    *iterator = (berth__json_iterator){.text = text, .at = container.begin + 1};
    iterator->is_object = container.kind == BERTH__JSON_OBJECT;
}

int berth__json_next(berth__json_iterator *iterator, berth__json_member *member) {
    reader in = {.text = iterator->text, .at = iterator->at};
    const int c = skip_space(&in);
    if (c == '}' || c == ']') return 0;
    if (c == ',') {
        in.at++;
        skip_space(&in);
    }
    *member = (berth__json_member){.at = in.at, .index = iterator->index};
    if (iterator->is_object) read_key(&in, member->name, sizeof member->name, &member->is_cut);
    member->value = take_value(&in);
    iterator->at = in.at;
    iterator->index++;
    return 1;
}

int berth__json_string(berth__json_text text, berth__json_value value, char *out, size_t size) {
    reader in = {.text = text, .at = value.begin};
    uint32_t is_cut = 0;
    read_string(&in, out, size, &is_cut);
    return !is_cut;
}

int berth__json_whole(berth__json_text text, berth__json_value value, const uint64_t range[2],
                      uint64_t *out) {
    uint64_t number = 0;
    if (value.kind != BERTH__JSON_INTEGER || text.bytes[value.begin] == '-') return 0;
    for (size_t i = value.begin; i < value.end; i++) {
        const uint64_t digit = (uint64_t)(text.bytes[i] - '0');
        if (digit > range[1] || number > (range[1] - digit) / 10) return 0;
        number = number * 10 + digit;
    }
    if (number < range[0] || number > range[1]) return 0;
    *out = number;
    return 1;
}
