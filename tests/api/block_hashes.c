/* SPDX-License-Identifier: MIT */
/* Names of prompt blocks: pinned values, chaining, and what is refused. */
#include "support/pool_host.h"
#include "support/pool_threads.h"

static const uint32_t tokens[] = {1, 2, 3, 0x01020304, 5, 6, 7, 8, 9};

static berth_block_key key_of(uint32_t block_tokens, uint64_t adapter, const char *salt) {
    return (berth_block_key){.struct_size = sizeof(berth_block_key),
                             .block_tokens = block_tokens,
                             .adapter = adapter,
                             .salt = salt,
                             .salt_size = strlen(salt)};
}

static int same(const berth_block_hash *a, const berth_block_hash *b) {
    return a->low == b->low && a->high == b->high;
}

/* Worked out by the reference implementation: XXH3_128bits over (5, 4, "salt") in little-endian,
 * then over that hash and the four tokens. */
static void names_are_pinned_for_ever(void **state) {
    (void)state;
    const berth_block_key key = key_of(4, 5, "salt");
    berth_block_hash out[2];
    CHECK_OK(berth_block_hashes(&key, tokens, 9, out, 2));
    assert_true(out[0].low == UINT64_C(0x95396b7d919b269e));
    assert_true(out[0].high == UINT64_C(0xe5e8d4f9f03a6ead));
}

static void a_block_is_named_by_all_tokens_before_its_end(void **state) {
    (void)state;
    const berth_block_key key = key_of(4, 0, "");
    berth_block_hash a[2];
    berth_block_hash b[2];
    uint32_t other[8];
    memcpy(other, tokens, sizeof other);
    CHECK_OK(berth_block_hashes(&key, tokens, 8, a, 2));
    other[7] = 99; /* the second block differs, the first does not */
    CHECK_OK(berth_block_hashes(&key, other, 8, b, 2));
    assert_true(same(&a[0], &b[0]));
    assert_false(same(&a[1], &b[1]));
    memcpy(other, tokens, sizeof other);
    other[0] = 99; /* the first differs, so both do */
    CHECK_OK(berth_block_hashes(&key, other, 8, b, 2));
    assert_false(same(&a[0], &b[0]));
    assert_false(same(&a[1], &b[1]));
}

static void adapter_salt_and_block_size_keep_prompts_apart(void **state) {
    (void)state;
    const berth_block_key keys[] = {key_of(4, 0, ""), key_of(4, 1, ""), key_of(4, 0, "a"),
                                    key_of(4, 0, "ab"), key_of(2, 0, "")};
    berth_block_hash out[5][4];
    for (size_t i = 0; i < 5; i++) {
        CHECK_OK(berth_block_hashes(&keys[i], tokens, 8, out[i], 4));
        for (size_t j = 0; j < i; j++) assert_false(same(&out[i][0], &out[j][0]));
    }
}

static void a_block_that_is_not_full_has_no_name(void **state) {
    (void)state;
    const berth_block_key key = key_of(4, 0, "");
    berth_block_hash out[3] = {{0, 0}, {7, 7}, {7, 7}};
    CHECK_OK(berth_block_hashes(&key, tokens, 7, out, 3));
    assert_true(out[0].low != 0 && out[1].low == 7);
    CHECK_OK(berth_block_hashes(&key, NULL, 0, NULL, 0));
}

static void what_is_malformed_writes_nothing(void **state) {
    (void)state;
    berth_block_key key = key_of(4, 0, "");
    berth_block_hash out[2] = {{7, 7}, {7, 7}};
    CHECK(berth_block_hashes(NULL, tokens, 8, out, 2), BERTH_EINVAL);
    CHECK(berth_block_hashes(&key, NULL, 8, out, 2), BERTH_EINVAL);
    CHECK(berth_block_hashes(&key, tokens, 8, NULL, 2), BERTH_EINVAL);
    CHECK(berth_block_hashes(&key, tokens, 8, out, 1), BERTH_ESPACE);
    key.block_tokens = 0;
    CHECK(berth_block_hashes(&key, tokens, 8, out, 2), BERTH_EINVAL);
    key = key_of(4, 0, "");
    key.salt_size = 1;
    key.salt = NULL;
    CHECK(berth_block_hashes(&key, tokens, 8, out, 2), BERTH_EINVAL);
    key = key_of(4, 0, "");
    key.struct_size = 3;
    CHECK(berth_block_hashes(&key, tokens, 8, out, 2), BERTH_EINVAL);
    assert_true(out[0].low == 7 && out[1].high == 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_pinned_for_ever),
        cmocka_unit_test(a_block_is_named_by_all_tokens_before_its_end),
        cmocka_unit_test(adapter_salt_and_block_size_keep_prompts_apart),
        cmocka_unit_test(a_block_that_is_not_full_has_no_name),
        cmocka_unit_test(what_is_malformed_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
