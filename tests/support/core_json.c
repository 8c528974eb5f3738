/* SPDX-License-Identifier: MIT */
#include "support/core_json.h"
#include "adapters/json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

berth_status core_json_check(const char *from, size_t size) {
    /* A copy of exactly this size: a byte read past the end is seen by AddressSanitizer. */
    char *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, from, size);

    const char *message = NULL;
    size_t at = 0;
    const berth_status status = berth__json_check((berth__json_text){copy, size}, &at, &message);
    assert_true(status == BERTH_OK ? message == NULL : message != NULL);
    assert_true(at <= size);
    free(copy);
    return status;
}

void core_json_agree(const char *text, size_t size) {
    json_error_t error;
    json_t *value = json_loadb(text, size, JSON_DECODE_ANY, &error);
    const int is_good = value != NULL;
    json_decref(value);
    /* That a number is too large for jansson is no matter of syntax. */
    if (!is_good && json_error_code(&error) == json_error_numeric_overflow) return;
    if ((core_json_check(text, size) == BERTH_OK) != is_good)
        fail_msg("%s: %.*s", is_good ? "refused, but good" : "taken, but bad", (int)size, text);
}
