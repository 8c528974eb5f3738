/* SPDX-License-Identifier: MIT */
/* The checked text: its verdict against jansson's, its places, its members. */
#include "adapters/json_text.h"
#include "support/core_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const samples[] = {
    "{\"face\": \"engine\", \"parked_max\": 12, \"bands\": [{}, {\"parked_max\": 3}]}",
    " [1, -2, 0, 3.5, 1e3, -0.5E-2, true, false, null, \"\", {}, []]\r\n\t ",
    "{\"a\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"b\": \"\\u0041\\u00e9\\ud83d\\ude00\"}",
    "{\"\xc3\xa9\": \"\xe2\x82\xac \xf0\x9f\x98\x80 \xed\x9f\xbf \xee\x80\x80\"}",
    "[[[[[[[[1]]]]]]]]",
    "\"\\uDBFF\\uDFFF\"",
    "[\"\xf4\x8f\xbf\xbf\", \"\xe0\xa0\x80\", \"\xf0\x90\x80\x80\", \"\xc2\x80\"]",
};

/* Bytes that mean something to a reader, and some that mean nothing. */
static const unsigned char bytes[] = {
    1,    ' ',  '\n', '"',  '\\', '/',  'u',  '{',  '}',  '[',  ']',  ':',  ',',  '-',
    '+',  '.',  '0',  '1',  '9',  'e',  'E',  'a',  'D',  'd',  'n',  't',  0x7F, 0x80,
    0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xF5, 0xFF};

static void verdict_is_that_of_jansson_on_every_truncation(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        assert_int_equal(core_json_check(samples[i], strlen(samples[i])), BERTH_OK);
        for (size_t size = 0; size < strlen(samples[i]); size++) core_json_agree(samples[i], size);
    }
}

static void verdict_is_that_of_jansson_on_every_change_of_a_byte(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        char text[128];
        const size_t size = strlen(samples[i]);
        for (size_t at = 0; at < size; at++) {
            for (size_t b = 0; b < sizeof bytes; b++) {
                memcpy(text, samples[i], size + 1);
                text[at] = (char)bytes[b];
                core_json_agree(text, size);
            }
            memcpy(text, samples[i], size + 1);
            text[at] = '\0'; /* which jansson passes over after a number */
            assert_int_equal(core_json_check(text, size), BERTH_ECONFIG);
            memcpy(text, samples[i], size + 1);
            memmove(text + at, text + at + 1, size - at); /* a byte is lost */
            core_json_agree(text, size - 1);
        }
    }
}

static void every_wrong_text_says_where_and_what(void **state) {
    static const struct {
        const char *text;
        uint32_t line;
        uint32_t column;
        const char *message;
    } cases[] = {
        {"", 1, 1, "unexpected end of the text"},
        {" \n ", 2, 2, "unexpected end of the text"},
        {"{\"a\"", 1, 5, "unexpected end of the text"},
        {"{\"a\n\": 1}", 1, 4, "control character in a string"},
        {"{\"a\": 1,}", 1, 9, "expected a key in quotes"},
        {"{\"a\" 1}", 1, 6, "expected ':'"},
        {"{\"a\": 1\n \"b\": 2}", 2, 2, "expected ',' or '}'"},
        {"[1 2]", 1, 4, "expected ',' or ']'"},
        {"[1,]", 1, 4, "expected a value"},
        {"[nul]", 1, 2, "expected a value"},
        {"[01]", 1, 3, "a number does not begin with 0"},
        {"[1.]", 1, 4, "expected a digit"},
        {"[1e]", 1, 4, "expected a digit"},
        {"[-]", 1, 3, "expected a digit"},
        {"{} {}", 1, 4, "expected the end of the text"},
        {"[\"\\x\"]", 1, 4, "unknown escape in a string"},
        {"[\"\\u00g0\"]", 1, 7, "expected four hexadecimal digits after \\u"},
        {"[\"ab\\u0000\"]", 1, 5, "NUL is not allowed in a string"},
        {"[\"\\udc00\"]", 1, 3, "half of a surrogate pair"},
        {"[\"\\ud800\\n\"]", 1, 3, "half of a surrogate pair"},
        {"[\"\xc3\xa9\xff\"]", 1, 5, "not UTF-8"},
        {"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", 1, 17, "nested too deeply"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const berth__json_text text = {cases[i].text, strlen(cases[i].text)};
        const char *message = NULL;
        size_t at = 0;
        uint32_t line = 0;
        uint32_t column = 0;
        assert_int_equal(berth__json_check(text, &at, &message), BERTH_ECONFIG);
        assert_string_equal(message, cases[i].message);
        berth__json_place(text, at, &line, &column);
        assert_int_equal(line, cases[i].line);
        assert_int_equal(column, cases[i].column);
    }
}

static void sixteen_levels_are_allowed(void **state) {
    const char *text = "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]";
    (void)state;
    assert_int_equal(core_json_check(text, strlen(text)), BERTH_OK);
}

static void nul_between_tokens_is_refused(void **state) {
    (void)state;
    assert_int_equal(core_json_check("[1\0]", 4), BERTH_ECONFIG);
    assert_int_equal(core_json_check("[1]\0", 4), BERTH_ECONFIG);
}

static void members_come_in_order_with_places_and_escapes_undone(void **state) {
    const char *source = " {\"a\\u0041\": [1, {\"x\": 2}],\n  \"\\ud83d\\ude00\\n\" : \"q\" }";
    const berth__json_text text = {source, strlen(source)};
    berth__json_iterator iterator;
    berth__json_member member;
    uint32_t line = 0;
    uint32_t column = 0;
    (void)state;
    berth__json_enter(text, berth__json_root(text), &iterator);

    assert_int_equal(berth__json_next(&iterator, &member), 1);
    assert_string_equal(member.name, "aA");
    assert_int_equal(member.value.kind, BERTH__JSON_ARRAY);
    assert_int_equal(member.value.end - member.value.begin, strlen("[1, {\"x\": 2}]"));
    berth__json_place(text, member.at, &line, &column);
    assert_int_equal(line, 1);
    assert_int_equal(column, 3);

    assert_int_equal(berth__json_next(&iterator, &member), 1);
    assert_string_equal(member.name, "\xf0\x9f\x98\x80\n");
    assert_int_equal(member.index, 1);
    assert_int_equal(member.value.kind, BERTH__JSON_STRING);
    berth__json_place(text, member.at, &line, &column);
    assert_int_equal(line, 2);
    assert_int_equal(column, 3);

    assert_int_equal(berth__json_next(&iterator, &member), 0);
    assert_int_equal(berth__json_next(&iterator, &member), 0);
}

static void a_long_key_is_cut_between_characters(void **state) {
    char source[256];
    berth__json_iterator iterator;
    berth__json_member member;
    (void)state;
    /* 62 bytes and a character of two: it does not fit 63 bytes and NUL. */
    snprintf(source, sizeof source, "{\"%062d\xc3\xa9z\": 1}", 0);
    const berth__json_text text = {source, strlen(source)};
    berth__json_enter(text, berth__json_root(text), &iterator);
    assert_int_equal(berth__json_next(&iterator, &member), 1);
    assert_int_equal(member.is_cut, 1);
    assert_int_equal(strlen(member.name), 62);
}

static void whole_numbers_are_taken_exactly_up_to_the_bound(void **state) {
    static const struct {
        const char *text;
        uint64_t min;
        uint64_t max;
        int is_good;
        uint64_t value;
    } cases[] = {
        {"0", 0, 0, 1, 0},
        {"1", 0, 0, 0, 0},
        {"9", 0, 7, 0, 0},
        {"7", 0, 7, 1, 7},
        {"70", 0, 7, 0, 0},
        {"0", 1, 7, 0, 0},
        {"-1", 0, 7, 0, 0},
        {"-0", 0, 7, 0, 0},
        {"1.0", 0, 7, 0, 0},
        {"1e0", 0, 7, 0, 0},
        {"\"1\"", 0, 7, 0, 0},
        {"4294967295", 0, UINT32_MAX, 1, UINT32_MAX},
        {"4294967296", 0, UINT32_MAX, 0, 0},
        {"18446744073709551615", 0, UINT64_MAX, 1, UINT64_MAX},
        {"18446744073709551616", 0, UINT64_MAX, 0, 0},
        {"99999999999999999999999999", 0, UINT64_MAX, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const berth__json_text text = {cases[i].text, strlen(cases[i].text)};
        const uint64_t range[2] = {cases[i].min, cases[i].max};
        uint64_t value = 77;
        assert_int_equal(berth__json_whole(text, berth__json_root(text), range, &value),
                         cases[i].is_good);
        assert_true(value == (cases[i].is_good ? cases[i].value : 77));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdict_is_that_of_jansson_on_every_truncation),
        cmocka_unit_test(verdict_is_that_of_jansson_on_every_change_of_a_byte),
        cmocka_unit_test(every_wrong_text_says_where_and_what),
        cmocka_unit_test(sixteen_levels_are_allowed),
        cmocka_unit_test(nul_between_tokens_is_refused),
        cmocka_unit_test(members_come_in_order_with_places_and_escapes_undone),
        cmocka_unit_test(a_long_key_is_cut_between_characters),
        cmocka_unit_test(whole_numbers_are_taken_exactly_up_to_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
