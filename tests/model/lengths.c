/* SPDX-License-Identifier: MIT */
/*
 * Long lives of pools that predict outputs by tenant and band: who is let in, and all else, is what
 * the obvious model says, which keeps the outputs of each pair by themselves and looks for the
 * pair that learned nothing for longest. Few pairs and many outputs, so that predictions decide.
 */
#include "support/core_pair.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TENANTS 3u
#define EVENTS 700u
#define SHORT_LIVES 150u
#define LONG_LIVES 5000u

static berth_options make_options(uint64_t *random) {
    berth_options o = core_kit_options(BERTH_FACE_ENGINE, 4, 6);
    core_kit_add_resource(&o, "kv_blocks", 24 + core_random_below(random, 40));
    o.band_count = 1 + (uint32_t)core_random_below(random, 2);
    o.kv_block_tokens = 1 + (uint32_t)core_random_below(random, 2);
    o.kv_mode = BERTH_KV_PREDICTED;
    o.kv_quantile_ppm = 500000 + (uint32_t)core_random_below(random, 500001);
    o.tenants_max = TENANTS;
    o.kv_lengths_max = 1 + (uint32_t)core_random_below(random, TENANTS * o.band_count + 1);
    return o;
}

/* The first of the plan has generated about as much as its tenant's requests do. */
static int is_long_enough(const core_pair *pair, uint64_t *random) {
    if (pair->entry_count == 0 || pair->entries[0].kind == BERTH_ENTRY_LEAVE) return 0;
    const core_model_request *r = core_model_find(&pair->model, pair->entries[0].id);
    return r != NULL &&
           r->outcome.tokens_generated >= 1 + 4 * r->outcome.tenant + core_random_below(random, 3);
}

static core_event make_event(uint64_t *random, const core_pair *pair) {
    const uint64_t dice = core_random_below(random, 10);
    core_event e;
    memset(&e, 0, sizeof e);
    e.amount = UINT64_MAX;
    e.kind = dice < 4 ? CORE_PLAN : CORE_COMMIT;
    e.choice = is_long_enough(pair, random) ? CORE_COMMIT_FINISH_FIRST : CORE_COMMIT_PROGRESS;
    if (dice < 8) return e;
    e.kind = CORE_SUBMIT;
    e.name = pair->name_count;
    e.submit.terms.band = 1 + (uint32_t)core_random_below(random, pair->kit.options.band_count);
    e.submit.terms.tenant = core_random_below(random, TENANTS);
    e.submit.terms.prompt_tokens = 1 + core_random_below(random, 4);
    e.submit.terms.max_new_tokens = 12 + core_random_below(random, 8);
    return e;
}

/* How many pairs have outputs enough to say something. */
static uint32_t known_pairs(const core_model *model) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->options.kv_lengths_max; i++)
        count += model->own_lengths[i].quantile.total >= 8;
    return count;
}

static uint32_t live(uint64_t seed) {
    static core_pair pair;
    uint64_t random = seed;
    const berth_options options = make_options(&random);
    core_pair_init(&pair, &options);
    for (uint32_t i = 0; i < EVENTS; i++) {
        const core_event event = make_event(&random, &pair);
        const char *wrong = core_pair_apply(&pair, &event);
        if (wrong != NULL) fail_msg("seed %" PRIu64 ", event %u: %s", seed, (unsigned)i, wrong);
    }
    const uint32_t known = known_pairs(&pair.model);
    core_pair_fini(&pair);
    return known;
}

static void core_and_model_predict_the_same(void **state) {
    const uint32_t lives = core_long_tier() ? LONG_LIVES : SHORT_LIVES;
    const uint64_t first = core_seed(1);
    uint32_t known = 0;
    (void)state;
    for (uint64_t seed = first; seed < first + lives; seed++) known += live(seed);
    printf("lengths: %u lives of %u events; at the end %u pairs were known\n", (unsigned)lives,
           EVENTS, (unsigned)known);
    assert_true(known >= lives);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(core_and_model_predict_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
