/* SPDX-License-Identifier: MIT */
/* Every rule of the options: what is wrong is refused, with its path, and defaults are filled in.
 */
#include "core/options.h"
#include "support/core_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static berth_options good(void) {
    berth_options options;
    berth__options_default(&options);
    core_kit_add_resource(&options, "kv_blocks", 100);
    core_kit_add_resource(&options, "sequences", 4);
    return options;
}

static void must_be_wrong(const berth_options *options, const char *path) {
    berth_config_error error = {.struct_size = (uint32_t)sizeof error};
    assert_int_equal(berth__options_check(options, NULL), BERTH_ECONFIG);
    assert_int_equal(berth__options_check(options, &error), BERTH_ECONFIG);
    assert_string_equal(error.path, path);
    assert_true(error.message[0] != '\0');
}

static void must_be_good(const berth_options *options) {
    berth_config_error error;
    assert_int_equal(berth__options_check(options, &error), BERTH_OK);
}

/* Set one field to a value; it must be wrong there. */
#define WRONG(field, value, path)                                                                  \
    do {                                                                                           \
        berth_options wrong_one = good();                                                          \
        wrong_one.field = value;                                                                   \
        must_be_wrong(&wrong_one, path);                                                           \
    } while (0)

#define GOOD(field, value)                                                                         \
    do {                                                                                           \
        berth_options good_one = good();                                                           \
        good_one.field = value;                                                                    \
        must_be_good(&good_one);                                                                   \
    } while (0)

static void all_zero_and_the_defaults_are_good(void **state) {
    berth_options zero;
    berth_options defaults;
    (void)state;
    memset(&zero, 0, sizeof zero);
    berth__options_default(&defaults);
    must_be_good(&zero);
    must_be_good(&defaults);
    berth__options_normalise(&zero);
    berth__options_normalise(&defaults);
    zero.struct_size = defaults.struct_size;
    assert_memory_equal(&zero, &defaults, sizeof zero);
    assert_int_equal(zero.running_max, 64);
    assert_int_equal(zero.parked_max, 1024);
    assert_int_equal(zero.ended_max, 256);
    assert_int_equal(zero.band_count, 4);
    assert_int_equal(zero.band_default, 2);
    assert_int_equal(zero.mailbox_size, 4096);
    assert_int_equal(zero.mailboxes_max, 128);
    assert_int_equal(zero.worker_count, 0);
    assert_int_equal(zero.kv_block_units, 0);
    assert_int_equal(berth__options_requests_max(&zero), 64 + 1024 + 256);
}

static void defaults_follow_the_other_fields(void **state) {
    berth_options options = good();
    (void)state;
    options.band_count = 1;
    options.face = BERTH_FACE_WORKER;
    options.kv_block_tokens = 16;
    options.running_max = 3;
    must_be_good(&options);
    berth__options_normalise(&options);
    assert_int_equal(options.band_default, 1);
    assert_int_equal(options.worker_count, 1);
    assert_int_equal(options.kv_block_units, 1);
    assert_int_equal(options.mailboxes_max, 6);
}

static void numbers_out_of_range_are_refused_by_name(void **state) {
    (void)state;
    WRONG(face, 3, "face");
    WRONG(clock, 2, "clock");
    WRONG(running_max, 1048577, "running_max");
    WRONG(parked_max, BERTH_REQUESTS_MAX + 1, "parked_max");
    WRONG(ended_max, BERTH_REQUESTS_MAX + 1, "ended_max");
    WRONG(band_count, 9, "band_count");
    WRONG(band_default, 9, "band_default");
    WRONG(resource_count, 9, "resource_count");
    WRONG(kv_resource, 8, "kv_resource");
    WRONG(mailbox_size, 128, "mailbox_size");
    WRONG(mailbox_size, 33554432, "mailbox_size");
    WRONG(mailboxes_max, BERTH_REQUESTS_MAX + 1, "mailboxes_max");
    WRONG(worker_count, 1025, "worker_count");
    WRONG(worker_stack_size, 4096, "worker_stack_size");
    WRONG(worker_stack_size, (UINT64_C(1) << 40) + 1, "worker_stack_size");
    WRONG(kv_lengths_max, 8000001, "kv_lengths_max");
    WRONG(reserved1, 1, "reserved1");
    WRONG(mailbox_full, 5, "mailbox_full");
    WRONG(kv_mode, 5, "kv_mode");
    WRONG(kv_watermark_ppm, 1000001, "kv_watermark_ppm");
    WRONG(victim, 3, "victim");
    WRONG(preempt_max, 256, "preempt_max");
    WRONG(preempt_pause_steps, 1000001, "preempt_pause_steps");
    WRONG(kv_quantile_ppm, 1000001, "kv_quantile_ppm");
    WRONG(kv_ratio_ppm, 1000001, "kv_ratio_ppm");
    WRONG(kv_ratio_floor_ppm, 1000001, "kv_ratio_floor_ppm");
    WRONG(kv_ratio_decay_steps, 65537, "kv_ratio_decay_steps");
    WRONG(fit, 3, "fit");
    WRONG(wait_ppm, 1000001, "wait_ppm");
    WRONG(tickets_max, 1000001, "tickets_max");
    GOOD(running_max, 1);
    GOOD(running_max, 1048576);
    GOOD(mailbox_size, 256);
    GOOD(mailbox_size, 16777216);
}

static void resources_need_a_good_unique_name_and_a_capacity(void **state) {
    berth_options options = good();
    (void)state;
    WRONG(resources[1].name[0], 'K', "resources[1].name");
    WRONG(resources[1].name[0], '\0', "resources[1].name");
    WRONG(resources[1].name[0], ' ', "resources[1].name");
    WRONG(resources[1].name[0], '~', "resources[1].name");
    WRONG(resources[1].name[20], 'x', "resources[1].name");
    WRONG(resources[0].capacity_units, 0, "resources[0].capacity_units");
    WRONG(resources[0].reserved[1], 1, "resources[0].reserved");
    WRONG(resource_count, 1, "resources[1]");
    memset(options.resources[0].name, 'a', BERTH_NAME_SIZE);
    must_be_wrong(&options, "resources[0].name");
    options.resources[0].name[BERTH_NAME_SIZE - 1] = '\0';
    must_be_good(&options);
    memcpy(options.resources[1].name, options.resources[0].name, BERTH_NAME_SIZE);
    must_be_wrong(&options, "resources[1].name");
    GOOD(resources[1].name[0], '_');
    GOOD(resources[1].name[0], '0');
    GOOD(resources[1].name[0], 'z');
}

/* The rules of who goes next; each contradiction names both sides. */
static void what_decides_who_goes_next_makes_sense_or_is_refused(void **state) {
    berth_options options = good();
    (void)state;
    WRONG(fairness, 2, "fairness");
    WRONG(order, 5, "order");
    WRONG(order, BERTH_ORDER_PREFIX, "order"); /* without an index */
    WRONG(displace, 2, "displace");
    WRONG(tenants_max, 1000001, "tenants_max");
    WRONG(vtc_prompt_weight, 1001, "vtc_prompt_weight");
    WRONG(vtc_prompt_weight, 1, "vtc_prompt_weight"); /* without fairness */
    WRONG(vtc_output_weight, 1, "vtc_output_weight");
    WRONG(order_displaced_max, 1, "order_displaced_max");    /* in order of arrival */
    WRONG(tenant_defaults.parked_max, 1, "tenant_defaults"); /* without tenants */
    WRONG(bands[0].bypass, 2, "bands[0].bypass");
    WRONG(bands[0].ceiling_ppm, 1000001, "bands[0].ceiling_ppm");
    WRONG(bands[1].ceiling_ppm, 999999, "bands[1].ceiling_ppm"); /* below that of band 1 */
    WRONG(bands[2].share_ppm, 1000001, "bands[2].share_ppm");
    WRONG(bands[3].aging_ns, 1, "bands[3].aging_ns");                   /* nothing is above it */
    WRONG(bands[1].codel_interval_ns, 1, "bands[1].codel_interval_ns"); /* without a target */
    WRONG(bands[1].codel_target_ns, UINT64_C(3600000000001), "bands[1].codel_target_ns");
    GOOD(bands[1].codel_target_ns, UINT64_C(3600000000000));
    GOOD(bands[0].ceiling_ppm, 1);
    GOOD(bands[3].share_ppm, 1000000);
    GOOD(bands[2].aging_ns, UINT64_MAX);
    options.bands[0].aging_ns = 1;
    options.bands[0].share_ppm = 1;
    must_be_wrong(&options, "bands[0].aging_ns");
    options.bands[0].aging_ns = 0;
    options.bands[1].share_ppm = 1000000;
    must_be_wrong(&options, "bands[1].share_ppm");
    options = good();
    options.fairness = BERTH_FAIRNESS_VTC;
    options.vtc_prompt_weight = 1000;
    options.tenant_defaults.weight = 10000;
    options.tenant_defaults.running_max = 1;
    options.tenant_defaults.rate_ns = UINT64_C(3600000000000);
    options.tenant_defaults.rate_burst = 1000000;
    options.tenant_defaults.units_max[1] = 1;
    must_be_good(&options);
    berth__options_normalise(&options);
    must_be_good(&options);
    assert_int_equal(options.tenants_max, 1024);
    assert_int_equal(options.vtc_output_weight, 2);
}

static void tenant_defaults_have_ranges_and_need_what_they_work_by(void **state) {
    static const struct {
        berth_tenant_options tenant;
        const char *path;
    } cases[] = {
        {{.weight = 10001}, "tenant_defaults.weight"},
        {{.rate_ns = UINT64_C(3600000000001)}, "tenant_defaults.rate_ns"},
        {{.rate_ns = 1, .rate_burst = 1000001}, "tenant_defaults.rate_burst"},
        {{.rate_burst = 1}, "tenant_defaults.rate_burst"},
        {{.running_max = 1}, "tenant_defaults.running_max"},
        {{.weight = 2}, "tenant_defaults.weight"},
        {{.units_max = {0, 0, 1}}, "tenant_defaults.units_max"},
        {{.reserved = {1}}, "tenant_defaults.reserved"},
    };
    berth_options options = good();
    (void)state;
    options.tenants_max = 3;
    must_be_good(&options);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        options.tenant_defaults = cases[i].tenant;
        must_be_wrong(&options, cases[i].path);
    }
}

static void bands_that_do_not_exist_have_no_limits(void **state) {
    berth_options options = good();
    (void)state;
    WRONG(bands[4].parked_max, 1, "bands[4]");
    WRONG(bands[0].parked_units_max[2], 1, "bands[0].parked_units_max");
    WRONG(bands[3].reserved[0], 1, "bands[3].reserved");
    GOOD(bands[3].parked_units_max[1], 1);
    options.band_count = 0; /* the default, 4 */
    options.bands[3].parked_max = 1;
    must_be_good(&options);
    options.band_count = 3;
    must_be_wrong(&options, "bands[3]");
}

/* The same for options of a pool whose KV grows. */
static berth_options growing(void) {
    berth_options options = good();
    options.kv_block_tokens = 16;
    options.kv_mode = BERTH_KV_OPTIMISTIC;
    return options;
}

#define GROWING(field, value, path)                                                                \
    do {                                                                                           \
        berth_options grown = growing();                                                           \
        grown.field = value;                                                                       \
        must_be_good(&grown);                                                                      \
        grown.kv_mode = BERTH_KV_WORST_CASE;                                                       \
        must_be_wrong(&grown, path);                                                               \
    } while (0)

static void what_is_about_growing_kv_needs_kv_that_grows(void **state) {
    berth_options options = growing();
    (void)state;
    must_be_good(&options);
    GROWING(kv_watermark_ppm, 1000000, "kv_watermark_ppm");
    GROWING(victim, BERTH_VICTIM_CHEAPEST, "victim");
    GROWING(preempt_max, 255, "preempt_max");
    GROWING(preempt_pause_steps, 3, "preempt_pause_steps");
    options.kv_quantile_ppm = 1;
    must_be_wrong(&options, "kv_quantile_ppm");
    options.kv_mode = BERTH_KV_PREDICTED;
    must_be_good(&options);
    options.kv_lengths_max = 1;
    must_be_wrong(&options, "kv_lengths_max");
    options.tenants_max = 1;
    must_be_good(&options);
    options.kv_quantile_ppm = 0;
    options.kv_mode = BERTH_KV_FUTURE_PEAK;
    must_be_wrong(&options, "kv_lengths_max");
    options = growing();
    options.kv_mode = BERTH_KV_FUTURE_PEAK;
    options.kv_ratio_ppm = 1;
    must_be_wrong(&options, "kv_ratio_ppm");
    options.kv_mode = BERTH_KV_RATIO;
    options.kv_ratio_floor_ppm = 1;
    options.kv_ratio_decay_steps = 1;
    must_be_good(&options);
    options.kv_mode = BERTH_KV_OPTIMISTIC;
    must_be_wrong(&options, "kv_ratio_ppm");
    options = growing();
    options.face = BERTH_FACE_GATE;
    must_be_wrong(&options, "kv_mode");
    options.face = BERTH_FACE_WORKER;
    must_be_wrong(&options, "kv_mode");
    options = growing();
    options.kv_block_tokens = 0;
    must_be_wrong(&options, "kv_mode");
}

#define LOOKING(field, value)                                                                      \
    do {                                                                                           \
        berth_options looks = good();                                                              \
        looks.fit = BERTH_FIT_EASY;                                                                \
        looks.field = value;                                                                       \
        must_be_good(&looks);                                                                      \
        looks.fit = BERTH_FIT_STRICT;                                                              \
        must_be_wrong(&looks, #field);                                                             \
    } while (0)

static void what_is_about_overtaking_needs_a_fit_that_overtakes(void **state) {
    berth_options options = good();
    (void)state;
    LOOKING(look_max, 65536);
    LOOKING(overtake_max, UINT32_MAX);
    LOOKING(overtake_ns_max, UINT64_MAX);
    options.fit = BERTH_FIT_FIRST;
    options.look_max = 65537;
    must_be_wrong(&options, "look_max");
    options.look_max = 0;
    berth__options_normalise(&options);
    assert_int_equal(options.look_max, 64);
}

static void a_step_has_room_for_all_who_generate(void **state) {
    berth_options options = good();
    (void)state;
    WRONG(draft_tokens, 65, "draft_tokens");
    WRONG(step_tokens, 63, "step_tokens");
    GOOD(step_tokens, 64);
    GOOD(prefill_tokens_max, 1);
    options.draft_tokens = 1;
    options.step_tokens = 127;
    must_be_wrong(&options, "step_tokens");
    options.step_tokens = 128;
    must_be_good(&options);
    options.face = BERTH_FACE_GATE;
    must_be_wrong(&options, "step_tokens");
    options.step_tokens = 0;
    must_be_wrong(&options, "draft_tokens");
    options.draft_tokens = 0;
    options.prefill_tokens_max = 5;
    must_be_wrong(&options, "prefill_tokens_max");
}

static void only_an_engine_has_several_steps_in_flight(void **state) {
    berth_options options = good();
    (void)state;
    WRONG(steps_max, 5, "steps_max");
    GOOD(steps_max, 4);
    options.steps_max = 2;
    options.face = BERTH_FACE_GATE;
    must_be_wrong(&options, "steps_max");
    options.steps_max = 1;
    must_be_good(&options);
    options.steps_max = 0;
    berth__options_normalise(&options);
    assert_int_equal(options.steps_max, 1);
}

static void contradictions_are_refused(void **state) {
    berth_options options = good();
    (void)state;
    WRONG(band_default, 5, "band_default");
    WRONG(mailbox_size, 4097, "mailbox_size");
    WRONG(mailboxes_max, 63, "mailboxes_max");
    WRONG(parked_max, BERTH_REQUESTS_MAX, "parked_max");
    WRONG(worker_count, 1, "worker_count");
    WRONG(worker_stack_size, 65536, "worker_stack_size");
    WRONG(kv_resource, 1, "kv_resource");
    WRONG(kv_block_units, 1, "kv_block_units");
    options.kv_block_tokens = 16;
    options.kv_resource = 1;
    must_be_good(&options);
    options.kv_resource = 2;
    must_be_wrong(&options, "kv_resource");
    options = good();
    options.face = BERTH_FACE_WORKER;
    options.worker_count = 4;
    options.worker_stack_size = 65536;
    must_be_good(&options);
    options.clock = BERTH_CLOCK_VIRTUAL;
    must_be_wrong(&options, "clock");
    GOOD(mailboxes_max, 64);
    GOOD(parked_max, BERTH_REQUESTS_MAX - 64 - 256);
}

static void a_core_says_how_much_memory_it_needs(void **state) {
    berth_options small = good();
    berth_options large = good();
    (void)state;
    large.parked_max = 100000;
    berth__options_normalise(&small);
    berth__options_normalise(&large);
    assert_true(berth__core_size(&small) > 0);
    assert_true(berth__core_size(&large) > berth__core_size(&small) + 98000u * 100u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_zero_and_the_defaults_are_good),
        cmocka_unit_test(defaults_follow_the_other_fields),
        cmocka_unit_test(numbers_out_of_range_are_refused_by_name),
        cmocka_unit_test(resources_need_a_good_unique_name_and_a_capacity),
        cmocka_unit_test(what_decides_who_goes_next_makes_sense_or_is_refused),
        cmocka_unit_test(tenant_defaults_have_ranges_and_need_what_they_work_by),
        cmocka_unit_test(bands_that_do_not_exist_have_no_limits),
        cmocka_unit_test(what_is_about_growing_kv_needs_kv_that_grows),
        cmocka_unit_test(what_is_about_overtaking_needs_a_fit_that_overtakes),
        cmocka_unit_test(a_step_has_room_for_all_who_generate),
        cmocka_unit_test(only_an_engine_has_several_steps_in_flight),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(a_core_says_how_much_memory_it_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
