/* SPDX-License-Identifier: MIT */
/* Options from any bytes: the reader takes them or says what is wrong and where, and calls JSON
 * what jansson calls JSON. A failed assertion leaves the process, which the fuzzer takes for a
 * crash. */
#include "support/core_json.h"
#include "adapters/json_text.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* How deep the brackets go; those in strings count too, which only leaves a text out. */
static uint32_t depth_of(const uint8_t *bytes, size_t size) {
    uint32_t depth = 0;
    uint32_t deepest = 0;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '[' || bytes[i] == '{') depth++;
        if ((bytes[i] == ']' || bytes[i] == '}') && depth > 0) depth--;
        if (depth > deepest) deepest = depth;
    }
    return deepest;
}

static void read_options(const char *text, size_t size) {
    berth_options options;
    berth_config_error error = {.struct_size = sizeof error};
    (void)berth_options_init(&options, sizeof options);
    const berth_status status = berth_options_from_json(&options, text, size, &error);
    assert((status == BERTH_OK) == (error.message[0] == '\0'));
    assert(status != BERTH_OK || berth_options_check(&options, &error) == BERTH_OK);
    assert(error.line <= size + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    /* A copy of exactly this size: a byte read past its end is seen. */
    char *text = malloc(size > 0 ? size : 1);
    if (text == NULL) return 0;
    memcpy(text, bytes, size);
    read_options(text, size);
    if (memchr(text, 0, size) == NULL && depth_of(bytes, size) <= BERTH__JSON_DEPTH_MAX)
        core_json_agree(text, size);
    free(text);
    return 0;
}
